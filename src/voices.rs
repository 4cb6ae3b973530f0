//! Voices: programs and services that turn a sentence into sound, behind one trait.
//!
//! An engine is handed normalised text and returns a [`Clip`]: MP3 whose duration is known to the
//! sample. Everything an engine says is checked ([`sound`]) before anyone keeps it.
//!
//! Engines that are installed as programs are found at the start. Others are configured by a person
//! ([`settings`], kept by [`engines`]) and may come and go while the server runs.

mod alignment;
pub mod clip;
mod command;
mod configured;
mod decode;
mod elevenlabs;
pub mod engines;
mod error;
mod espeak;
mod flite;
mod mp3;
mod openai;
pub mod pcm;
mod piper;
mod process;
mod secrets;
mod service;
pub mod settings;
pub mod sound;
mod turns;

use std::sync::{Arc, PoisonError, RwLock};

use app::model::Voice;
use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::text::hash::{Context, VoiceKey};
use crate::text::language::primary_subtag;

pub use alignment::{Mark, align};
pub use clip::{Clip, ClipLength};
pub use decode::{can_be, decode};
pub use error::{Program, VoiceError};
pub use mp3::Silence;
pub use secrets::{Secrets, SecretsError};
pub use settings::Wire;

/// Format of clips that are encoded here, part of their keys: MP3, mono, constant 48 kbit/s.
const FORMAT: &str = "mp3-48k";

/// The language of a voice that speaks many (ISO 639-2).
pub const MANY_LANGUAGES: &str = "mul";

/// What an engine is asked to say.
#[derive(Debug, Clone, Copy)]
pub struct Utterance<'a> {
    /// Normalised text that has something to pronounce.
    pub text: &'a str,
    /// What is said around it, if the engine wants to know.
    pub context: Option<&'a Context>,
    /// The engine's own name for one of its voices.
    pub voice: &'a str,
    /// The engine's own rate; 1 is its default. Never the listener's playback speed.
    pub speed: f64,
}

/// A program or service that speaks.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Its name in voice ids and keys, e.g. `espeak-ng`.
    fn name(&self) -> &str;

    /// The model that speaks; engines that have one only repeat their name.
    fn model(&self) -> &str {
        self.name()
    }

    /// The rate it speaks at unless it is asked for another.
    fn speed(&self) -> f64 {
        1.0
    }

    /// The format of its clips, as it stands in keys.
    fn format(&self) -> &str {
        FORMAT
    }

    /// The voices it has, best first within a language.
    fn voices(&self) -> &[Voice];

    /// Samples a second of its clips.
    fn sample_rate(&self) -> u32;

    /// Whether it sounds different for what is said around a sentence.
    fn wants_context(&self) -> bool {
        false
    }

    /// Whether its clips say when each word begins.
    fn marks_words(&self) -> bool {
        false
    }

    /// What a million characters cost, in whatever currency the operator counts.
    fn price(&self) -> f64 {
        0.0
    }

    /// Whether it may speak for a book, or for a program that is not particular, without being chosen.
    /// Whoever needs a key is taken to cost something, whatever its price is said to be.
    fn is_free(&self) -> bool {
        true
    }

    /// Whether it speaks on this machine's processors, and not more often at once than there are.
    fn is_local(&self) -> bool {
        true
    }

    /// How many sentences may be in its hands at once, besides those of this machine's processors.
    fn remote_turns(&self) -> usize {
        0
    }

    /// Speaks.
    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError>;
}

/// A voice that was asked for and found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChosenVoice {
    /// Its id, as parameters have it.
    pub id: String,
    /// What its clips are addressed by.
    pub key: VoiceKey,
    /// What it speaks.
    pub language: String,
    /// Samples a second of its clips.
    pub sample_rate: u32,
    /// Whether it sounds different for what is said around a sentence.
    pub wants_context: bool,
    /// Whether its clips say when each word begins.
    pub marks_words: bool,
}

/// Who can speak at the moment.
struct Roster {
    engines: Vec<Arc<dyn Engine>>,
    list: Vec<Voice>,
}

/// All engines of this installation.
pub struct Voices {
    /// Programs that were found at the start.
    installed: Vec<Arc<dyn Engine>>,
    /// A std lock: held to clone a handle, never across an await.
    roster: RwLock<Arc<Roster>>,
    /// How many engines speak at once.
    running: Semaphore,
    preferred: Option<String>,
}

impl Voices {
    /// Looks for the engines that are installed. `preferred` is the voice id to use where it
    /// speaks the book's language; `parallel` bounds how many synthesise at once.
    pub async fn installed(preferred: Option<String>, parallel: usize) -> Self {
        let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
        match espeak::Espeak::find().await {
            Ok(engine) => engines.push(Arc::new(engine)),
            Err(error) => tracing::warn!(%error, "espeak-ng is not available"),
        }
        match flite::Flite::find().await {
            Ok(engine) => engines.push(Arc::new(engine)),
            Err(error) => tracing::debug!(%error, "flite is not available"),
        }
        Self::new(engines, preferred, parallel)
    }

    /// Voices of the engines given.
    pub fn new(
        installed: Vec<Arc<dyn Engine>>,
        preferred: Option<String>,
        parallel: usize,
    ) -> Self {
        let roster = RwLock::new(Arc::new(Roster::of(installed.clone())));
        Self { installed, roster, running: Semaphore::new(parallel.max(1)), preferred }
    }

    /// Replaces the engines that are not programs found here.
    pub fn configure(&self, configured: Vec<Arc<dyn Engine>>) {
        let engines = self.installed.iter().cloned().chain(configured).collect();
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Roster::of(engines));
    }

    fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many sentences services may have in hand at once.
    pub fn remote_turns(&self) -> usize {
        self.roster().engines.iter().map(|engine| engine.remote_turns()).sum()
    }

    /// Every voice, by engine.
    pub fn list(&self) -> Vec<Voice> {
        self.roster().list.clone()
    }

    /// The voice with an id; the default for a language when the id is empty.
    pub fn choose(&self, id: &str, language: &str) -> Result<ChosenVoice, VoiceError> {
        let roster = self.roster();
        if id.is_empty() {
            let voice = self
                .default_for(language)
                .ok_or_else(|| VoiceError::NoSuchVoice(format!("for {language}")))?;
            return roster.chosen(&voice.id);
        }
        roster.chosen(id)
    }

    /// The voice a book in this language is read with unless another is chosen. Never one that costs
    /// something, unless the operator prefers it.
    pub fn default_for(&self, language: &str) -> Option<Voice> {
        let roster = self.roster();
        let wanted = if language == "und" { "en" } else { language };
        let voices = || roster.list.iter();
        let preferred = self.preferred.as_ref().and_then(|id| {
            voices().filter(|voice| speaks(voice, wanted)).find(|voice| voice.id == *id)
        });
        let is_free =
            |voice: &&Voice| roster.engine(&voice.engine).is_ok_and(|engine| engine.is_free());
        let exact =
            || voices().filter(is_free).find(|voice| voice.language.eq_ignore_ascii_case(wanted));
        let any = || voices().filter(is_free).find(|voice| speaks(voice, wanted));
        preferred.or_else(exact).or_else(any).cloned()
    }

    /// The voice that a program calls by its name without the engine: of the engine that `model` names, by
    /// its name or its model, else the only one, else one that is free.
    pub fn named(&self, name: &str, model: &str) -> Result<String, VoiceError> {
        let roster = self.roster();
        let has_name =
            |voice: &&Voice| voice.id.split_once(':').is_some_and(|(_, own)| own == name);
        let all: Vec<_> = roster
            .list
            .iter()
            .filter(has_name)
            .filter_map(|voice| Some((voice, roster.engine(&voice.engine).ok()?)))
            .collect();
        let of_model =
            all.iter().find(|(_, engine)| engine.name() == model || engine.model() == model);
        let only = || if let [one] = &all[..] { Some(one) } else { None };
        let free = || all.iter().find(|(_, engine)| engine.is_free());
        let found = of_model.or_else(only).or_else(free);
        let missing = || VoiceError::NoSuchVoice(name.chars().take(80).collect());
        found.map(|(voice, _)| voice.id.clone()).ok_or_else(missing)
    }

    /// Speaks, when it is its turn, and says what that cost, in millionths of the operator's currency.
    pub async fn speak(
        &self,
        text: &str,
        context: Option<&Context>,
        voice: &VoiceKey,
    ) -> Result<(Clip, u64), VoiceError> {
        let engine = Arc::clone(self.roster().engine(&voice.engine)?);
        // What is kept under a key was made by what the key says, also when settings change meanwhile.
        let speed = voice.speed.parse().ok();
        let Some(speed) =
            speed.filter(|_| engine.model() == voice.model && engine.format() == voice.format)
        else {
            return Err(VoiceError::NoSuchVoice(format!("{}:{}", voice.engine, voice.voice)));
        };
        let _turn = match engine.is_local() {
            // The semaphore is never closed.
            true => self.running.acquire().await.ok(),
            // It waits elsewhere, and keeps nobody here from speaking.
            false => None,
        };
        let clip = engine.speak(Utterance { text, context, voice: &voice.voice, speed }).await?;
        Ok((clip, cost_of(text, engine.price())))
    }
}

impl Roster {
    fn of(engines: Vec<Arc<dyn Engine>>) -> Self {
        let list = engines.iter().flat_map(|engine| engine.voices().to_vec()).collect();
        Self { engines, list }
    }

    fn chosen(&self, id: &str) -> Result<ChosenVoice, VoiceError> {
        let missing = || VoiceError::NoSuchVoice(id.chars().take(80).collect());
        let (name, voice) = id.split_once(':').ok_or_else(missing)?;
        let listed = self.list.iter().find(|voice| voice.id == id).ok_or_else(missing)?;
        let engine = self.engine(name)?;
        Ok(ChosenVoice {
            id: id.to_owned(),
            key: VoiceKey {
                engine: name.to_owned(),
                model: engine.model().to_owned(),
                voice: voice.to_owned(),
                speed: engine.speed().to_string(),
                format: engine.format().to_owned(),
            },
            language: listed.language.clone(),
            sample_rate: engine.sample_rate(),
            wants_context: engine.wants_context(),
            marks_words: engine.marks_words(),
        })
    }

    fn engine(&self, name: &str) -> Result<&Arc<dyn Engine>, VoiceError> {
        let engine = self.engines.iter().find(|engine| engine.name() == name);
        engine.ok_or_else(|| VoiceError::NoSuchVoice(name.to_owned()))
    }
}

/// Whether a voice speaks a language.
pub fn speaks(voice: &Voice, language: &str) -> bool {
    voice.language == MANY_LANGUAGES
        || primary_subtag(&voice.language).eq_ignore_ascii_case(primary_subtag(language))
}

/// A price a million characters is as many millionths a character.
fn cost_of(text: &str, price: f64) -> u64 {
    // Prices are bounded by their settings, texts by the engine's limit; a negative one saturates at 0.
    (text.chars().count() as f64 * price).round() as u64
}

#[cfg(test)]
mod tests;
