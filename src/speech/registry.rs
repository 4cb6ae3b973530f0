//! Every engine there is. A new one is a file beside this one and a line here.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use super::packs::catalogue::BUNDLED;
use super::settings::Kind;
use super::{
    Engine, VoiceError, command, elevenlabs, espeak, flite, openai, overlay, packs, piper,
};

/// Programs that are looked for at the start. Natural voices come before them ([`packs::catalogue`]).
pub static INSTALLED: [&Installed; 2] = [&espeak::INSTALLED, &flite::INSTALLED];

/// Kinds of engines that a person can configure.
pub static KINDS: [&Kind; 4] = [&openai::KIND, &elevenlabs::KIND, &piper::KIND, &command::KIND];

/// Where voices are looked for.
#[derive(Debug, Clone)]
pub struct Places {
    /// The folder with the files of voices that came with the program, one folder each.
    pub voices: PathBuf,
    /// The folder with those that were installed, one folder each.
    pub installed: PathBuf,
    /// The program whose child processes speak them.
    pub program: PathBuf,
    /// How many sentences are made at once.
    pub parallel: usize,
}

/// The outcome of looking for a program.
pub type Found = Pin<Box<dyn Future<Output = Result<Arc<dyn Engine>, VoiceError>> + Send>>;

/// A program that speaks when it is installed.
pub struct Installed {
    /// Its name in voice ids and keys.
    pub name: &'static str,
    /// Looks for it.
    pub find: fn() -> Found,
}

/// Whether an engine is one of those that come with every worker. They have no limits of their own: they share
/// its machine's processors.
pub fn is_built_in(name: &str) -> bool {
    INSTALLED.iter().any(|installed| installed.name == name)
        || [BUNDLED, overlay::NAME].contains(&name)
}

/// Whether an engine of this name is found by itself, or would be once it is installed. Nobody can give the name
/// to another.
pub fn is_reserved(name: &str) -> bool {
    is_built_in(name) || packs::Pack::named(name).is_some()
}

/// The kind of a name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}
