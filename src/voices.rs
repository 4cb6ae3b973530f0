//! Voices: programs that turn a sentence into sound, behind one trait.
//!
//! An engine is handed normalised text and returns a [`Clip`]: MP3 whose duration is known to the
//! sample. Everything an engine says is checked before anyone keeps it.

pub mod clip;
mod espeak;
mod flite;
mod mp3;
mod pcm;
mod process;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use app::model::Voice;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::text::hash::VoiceKey;
use crate::text::language::primary_subtag;
use pcm::Pcm;

pub use clip::{Clip, ClipLength};
pub use mp3::Silence;

/// Clip format of all engines, part of every key: MP3, mono, constant 48 kbit/s.
const FORMAT: &str = "mp3-48k";

/// Length of the clip for a text that an engine passes over: about a third of a second.
const UNSPOKEN_SAMPLES: usize = 7_000;

/// The name of a voice program or service.
pub type Program = Cow<'static, str>;

/// Why no sound came.
/// Travels between processes as JSON: who waits in one is told what happened in another.
#[derive(Debug, Error, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoiceError {
    /// No engine is installed that has this voice.
    #[error("There is no voice “{0}”.")]
    NoSuchVoice(String),
    /// The program is not installed or cannot be started.
    #[error("The voice program “{program}” cannot be started: {reason}.")]
    NotStarted {
        /// What was to be started.
        program: Program,
        /// What the system said.
        reason: String,
    },
    /// It did not end within its time.
    #[error("The voice program “{program}” did not answer within {} seconds.", limit.as_secs())]
    TimedOut {
        /// What was running.
        program: Program,
        /// How long it may run.
        limit: Duration,
    },
    /// It ended with an error.
    #[error("The voice program “{program}” failed: {reason}.")]
    Failed {
        /// What was running.
        program: Program,
        /// Its exit status and last words.
        reason: String,
    },
    /// What it returned is not audio. (Silence is: the engine had no words for the text.)
    #[error("The voice program “{program}” returned no usable audio: {reason}.")]
    NoAudio {
        /// What was running.
        program: Program,
        /// What is wrong with it.
        reason: String,
    },
}

/// A program or service that speaks.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Its name in voice ids and keys, e.g. `espeak-ng`.
    fn name(&self) -> &'static str;

    /// The voices it has, best first within a language.
    fn voices(&self) -> &[Voice];

    /// Samples a second of its clips.
    fn sample_rate(&self) -> u32;

    /// Speaks normalised text that has something to pronounce; `voice` is the engine's own name
    /// for one of [`voices`](Self::voices).
    async fn speak(&self, text: &str, voice: &str) -> Result<Clip, VoiceError>;
}

/// A voice that was asked for and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenVoice {
    /// Its id, as parameters have it.
    pub id: String,
    /// What its clips are addressed by.
    pub key: VoiceKey,
    /// Samples a second of its clips.
    pub sample_rate: u32,
}

/// All engines of this installation.
pub struct Voices {
    engines: Vec<Box<dyn Engine>>,
    list: Vec<Voice>,
    /// How many engines speak at once.
    running: Arc<Semaphore>,
    preferred: Option<String>,
}

impl Voices {
    /// Looks for the engines that are installed. `preferred` is the voice id to use where it
    /// speaks the book's language; `parallel` bounds how many synthesise at once.
    pub async fn installed(preferred: Option<String>, parallel: usize) -> Self {
        let mut engines: Vec<Box<dyn Engine>> = Vec::new();
        match espeak::Espeak::find().await {
            Ok(engine) => engines.push(Box::new(engine)),
            Err(error) => tracing::warn!(%error, "espeak-ng is not available"),
        }
        match flite::Flite::find().await {
            Ok(engine) => engines.push(Box::new(engine)),
            Err(error) => tracing::debug!(%error, "flite is not available"),
        }
        Self::new(engines, preferred, parallel)
    }

    /// Voices of the engines given.
    pub fn new(engines: Vec<Box<dyn Engine>>, preferred: Option<String>, parallel: usize) -> Self {
        let list = engines.iter().flat_map(|engine| engine.voices().to_vec()).collect();
        Self { engines, list, running: Arc::new(Semaphore::new(parallel.max(1))), preferred }
    }

    /// Every voice, by engine.
    pub fn list(&self) -> &[Voice] {
        &self.list
    }

    /// The voice with an id; the default for a language when the id is empty.
    pub fn choose(&self, id: &str, language: &str) -> Result<ChosenVoice, VoiceError> {
        if id.is_empty() {
            let voice = self
                .default_for(language)
                .ok_or_else(|| VoiceError::NoSuchVoice(format!("for {language}")))?;
            return self.chosen(&voice.id);
        }
        self.chosen(id)
    }

    /// The voice a book in this language is read with unless another is chosen.
    pub fn default_for(&self, language: &str) -> Option<&Voice> {
        let wanted = if language == "und" { "en" } else { language };
        let primary = primary_subtag(wanted);
        let speaks = |voice: &&Voice| primary_subtag(&voice.language).eq_ignore_ascii_case(primary);
        let preferred = self
            .preferred
            .as_ref()
            .and_then(|id| self.list.iter().filter(speaks).find(|voice| voice.id == *id));
        let exact = || self.list.iter().find(|voice| voice.language.eq_ignore_ascii_case(wanted));
        preferred.or_else(exact).or_else(|| self.list.iter().find(speaks))
    }

    /// Speaks normalised text, when it is its turn.
    pub async fn speak(&self, text: &str, voice: &VoiceKey) -> Result<Clip, VoiceError> {
        let engine = self.engine(&voice.engine)?;
        // The semaphore is never closed.
        let _turn = self.running.acquire().await;
        engine.speak(text, &voice.voice).await
    }

    fn chosen(&self, id: &str) -> Result<ChosenVoice, VoiceError> {
        let missing = || VoiceError::NoSuchVoice(id.chars().take(80).collect());
        let (name, voice) = id.split_once(':').ok_or_else(missing)?;
        if !self.list.iter().any(|voice| voice.id == id) {
            return Err(missing());
        }
        let engine = self.engine(name)?;
        Ok(ChosenVoice {
            id: id.to_owned(),
            key: VoiceKey {
                engine: name.to_owned(),
                model: name.to_owned(),
                voice: voice.to_owned(),
                speed: "1".to_owned(),
                format: FORMAT.to_owned(),
            },
            sample_rate: engine.sample_rate(),
        })
    }

    fn engine(&self, name: &str) -> Result<&dyn Engine, VoiceError> {
        self.engines
            .iter()
            .find(|engine| engine.name() == name)
            .map(Box::as_ref)
            .ok_or_else(|| VoiceError::NoSuchVoice(name.to_owned()))
    }
}

/// What every engine of this module does with the samples it gets: check, trim, encode.
async fn encode_checked(
    program: &'static str,
    sample_rate: u32,
    pcm: Result<Pcm, String>,
) -> Result<Clip, VoiceError> {
    let no_audio = |reason: String| VoiceError::NoAudio { program: program.into(), reason };
    let pcm = pcm.map_err(no_audio)?;
    if pcm.sample_rate != sample_rate {
        return Err(no_audio(format!("{} samples a second", pcm.sample_rate)));
    }
    // Encoding is a few milliseconds of pure computation.
    tokio::task::spawn_blocking(move || {
        // A sound WAV without sound: the engine has no words for this text (a lone sign, another
        // script). The sentence passes in silence; an error would end the book here for good.
        let silence = [0; UNSPOKEN_SAMPLES];
        let samples = pcm.trimmed().unwrap_or(&silence);
        mp3::encode(samples, sample_rate).map_err(|error| no_audio(error.to_string()))
    })
    .await
    .map_err(|error| no_audio(error.to_string()))?
}

#[cfg(test)]
mod tests;
