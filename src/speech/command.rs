//! Any program that reads text on its standard input and writes WAV to its standard output:
//! `piper --model /voices/{voice}.onnx --output-file -`, `say`, festival's `text2wave`…

use std::sync::Arc;

use app::model::Voice;
use async_trait::async_trait;

use super::settings::{EngineSettings, Kind, ReachedBy};
use super::{Engine, Utterance, VoiceError, encoding, piper, process};
use crate::audio::{self, AudioFormat, Clip};

pub(super) static KIND: Kind = Kind {
    name: "command",
    label: "A program",
    reached_by: ReachedBy::CommandLine,
    default_url: "",
    default_model: "command",
    default_rate: 22_050,
    default_format: AudioFormat::Wav,
    takes_context: false,
    takes_instructions: false,
    times_words: false,
    language_of: piper::language_of,
    build: |settings, _| {
        // Settings have been checked, so that there is a program.
        let words = shell_words::split(&settings.url).unwrap_or_default();
        Ok(Arc::new(Command { words, settings }))
    },
};

struct Command {
    /// The program and its arguments.
    words: Vec<String>,
    settings: EngineSettings,
}

#[async_trait]
impl Engine for Command {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn settings(&self) -> Option<&EngineSettings> {
        Some(&self.settings)
    }

    /// A program has no list.
    async fn list_voices(&self) -> Result<Vec<Voice>, VoiceError> {
        Ok(Vec::new())
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        let settings = &self.settings;
        let (spoken_at, speed) = (speed, speed.to_string());
        let fill = |word: &String| word.replace("{voice}", voice).replace("{speed}", &speed);
        let mut words = self.words.iter().map(fill);
        let program = words.next().unwrap_or_default();
        let limits = process::ProgramLimits { memory: None, time: settings.time_limits.total() };
        let wav = process::run(program.clone(), words, &format!("{text}\n"), limits).await?;
        let sound = audio::read(wav.into(), AudioFormat::Wav, settings.sample_rate);
        let sound = sound.map_err(|reason| settings.no_audio(reason))?;
        encoding::encode_checked(&settings.name, text, spoken_at, sound, None).await
    }
}
