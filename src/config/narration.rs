//! How sentences are spoken.

use std::path::{Path, PathBuf};

use clap::Args;

use super::DataConfig;
use crate::speech::registry::Places;

/// Where the built-in voices are.
#[derive(Debug, Clone, Args)]
pub struct BuiltInConfig {
    /// Folder with the files of the built-in voices [default: the one beside the program]
    #[arg(long, env = "EARMARK_VOICES", value_name = "DIR")]
    pub voices: Option<PathBuf>,
    /// The program whose child processes speak; this one when `None`.
    #[arg(skip)]
    pub program: Option<PathBuf>,
}

impl BuiltInConfig {
    /// Where voices are: the folder that was named, `voices` beside the program, or where `make setup` puts
    /// them. So many sentences are spoken at once.
    ///
    /// # Errors
    /// When the system does not say where this program is.
    pub fn places(&self, data: &DataConfig, parallel: usize) -> std::io::Result<Places> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let beside = || Some(program.parent()?.join("voices")).filter(|folder| folder.is_dir());
        let voices = self.voices.clone().or_else(beside);
        let voices = voices.unwrap_or_else(|| Path::new("target/voices").to_owned());
        Ok(Places { voices, installed: data.folder().join("voices"), program, parallel })
    }
}

/// Settings of voices and workers.
#[derive(Debug, Clone, Args)]
pub struct NarrationConfig {
    /// Voice for books in its language, as `/api/voices` names it, e.g. flite:slt
    #[arg(long, env = "EARMARK_VOICE", value_name = "VOICE")]
    pub voice: Option<String>,
    /// Where the built-in voices are.
    #[command(flatten)]
    pub built_in: BuiltInConfig,
    /// Sentences made at the same time [default: the number of processor cores]
    #[arg(long, env = "EARMARK_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Memory for clips just made or heard, in MB; all clips are kept on disk
    #[arg(long, env = "EARMARK_CACHE_MB", default_value_t = 64, value_name = "MB")]
    pub cache_mb: u64,
}

impl NarrationConfig {
    /// Where voices are. One more sentence is spoken than is made ahead: the place that is kept for listeners.
    ///
    /// # Errors
    /// When the system does not say where this program is.
    pub fn places(&self, data: &DataConfig) -> std::io::Result<Places> {
        self.built_in.places(data, self.workers() + 1)
    }

    /// Sentences made at the same time.
    pub fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(2, usize::from);
        self.workers.map_or_else(cores, usize::from)
    }
}
