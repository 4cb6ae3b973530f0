//! Heart: the built-in voice. An American woman, natural enough for an evening, of 8 MB.
//!
//! The model is hibari's, a distillation of Kokoro-82M's `af_heart` (Apache-2.0). Text becomes phonemes
//! ([`phonemes`]), those a spectrum ([`model`]), that samples ([`vocoder`]), all in pure Rust, and on one kind
//! of processor always the same for the same text. The network says how long each phoneme lasts, so word times are exact.
//!
//! It runs in a child process of the same program ([`worker`], started by [`process`]): what it takes of
//! memory is given back when nobody listens, and what goes wrong in it takes nothing else down.

mod loudness;
pub mod model;
pub mod numerals;
pub mod phonemes;
mod process;
mod vocoder;
pub mod worker;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use app::model::Voice;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::registry::{Installed, Places};
use super::{Engine, Utterance, VoiceError, encoding};
use crate::audio::{Clip, Pcm, Sound, TimedWord};
use crate::text::hash::hex;
use process::{Failure, VoiceProcess};

const NAME: &str = "heart";
/// How it is found.
pub(super) static INSTALLED: Installed = Installed {
    name: NAME,
    find: |places| {
        Box::pin(async move { Ok(Arc::new(Heart::find(&places).await?) as Arc<dyn Engine>) })
    },
};

/// Counts the changes of what is between a text and its sound; clips of another count are other clips.
const RULES: u32 = 1;
/// The longest that a sentence may take. On two cores thirty words take a quarter of a second, and a
/// processor without vector instructions is a tenth as fast.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The built-in voice.
pub struct Heart {
    process: VoiceProcess,
    voices: Vec<Voice>,
    model: String,
}

impl Heart {
    /// Looks for its files.
    async fn find(places: &Places) -> Result<Self, VoiceError> {
        let missing = |reason: String| VoiceError::NotStarted { program: NAME.into(), reason };
        let folder = places.voices.join(NAME);
        let mut hash = Sha256::new();
        for file in model::FILES {
            let path = folder.join(file);
            add_file(&mut hash, &path)
                .await
                .map_err(|error| missing(format!("{}: {error}", path.display())))?;
        }
        let hash = hex(&hash.finalize()[..4]);
        let voice = Voice {
            id: format!("{NAME}:{NAME}"),
            name: "Heart".to_owned(),
            language: "en-us".to_owned(),
            engine: NAME.to_owned(),
        };
        Ok(Self {
            process: VoiceProcess::new(places.program.clone(), &folder, places.parallel),
            voices: vec![voice],
            model: format!("{hash}-{RULES}"),
        })
    }
}

/// Adds a file to a hash. It is read in parts, because what is once taken of memory stays.
async fn add_file(hash: &mut Sha256, path: &Path) -> std::io::Result<()> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut part = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut part).await?;
        if count == 0 {
            return Ok(());
        }
        hash.update(&part[..count]);
    }
}

#[async_trait]
impl Engine for Heart {
    fn name(&self) -> &str {
        NAME
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn voices(&self) -> &[Voice] {
        &self.voices
    }

    fn sample_rate(&self) -> u32 {
        vocoder::SAMPLE_RATE
    }

    fn is_natural(&self) -> bool {
        true
    }

    fn times_words(&self) -> bool {
        true
    }

    fn takes_phonemes(&self) -> bool {
        true
    }

    fn time_limit(&self) -> Duration {
        TIME_LIMIT
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, speed, .. } = utterance;
        let speaking = self.process.speak(text, speed as f32);
        let spoken = tokio::time::timeout(TIME_LIMIT, speaking).await;
        let spoken =
            spoken.map_err(|_| VoiceError::TimedOut { program: NAME.into(), limit: TIME_LIMIT })?;
        let (samples, words) = spoken.map_err(|failure| {
            let (Failure::Refused(reason) | Failure::Ended(reason)) = failure;
            VoiceError::Failed { program: NAME.into(), reason }
        })?;
        let pcm = Pcm { samples, sample_rate: vocoder::SAMPLE_RATE };
        if pcm.samples.is_empty() {
            if text.chars().any(|c| c.is_ascii_alphanumeric()) {
                let reason = "it has no sound for this".to_owned();
                return Err(VoiceError::NoAudio { program: NAME.into(), reason });
            }
            // Signs, or a script that it does not read.
            return encoding::encode(NAME, vocoder::SAMPLE_RATE, Ok(pcm)).await;
        }
        let words = words.into_iter().map(|(word, seconds)| TimedWord { word, seconds }).collect();
        encoding::encode_checked(NAME, text, speed, Sound::Pcm(pcm), Some(words)).await
    }
}
