//! Any program that reads text on its standard input and writes WAV to its standard output:
//! `piper --model /voices/{voice}.onnx --output_file -`, `say`, festival's `text2wave`…

use app::model::Voice;
use async_trait::async_trait;

use super::pcm::Pcm;
use super::settings::EngineSettings;
use super::turns::Turns;
use super::{Clip, Engine, Utterance, VoiceError, process, sound};

pub(super) struct Command {
    settings: EngineSettings,
    format: String,
    /// The program and its arguments.
    words: Vec<String>,
    turns: Turns,
}

impl Command {
    /// `settings` have been checked, so that there is a program.
    pub(super) fn new(settings: EngineSettings) -> Self {
        let words = shell_words::split(&settings.url).unwrap_or_default();
        // Programs run here, so their turns are this process's own.
        let turns = Turns::new(&settings.name, settings.concurrency, None);
        Self { format: settings.format(), settings, words, turns }
    }
}

#[async_trait]
impl Engine for Command {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    fn speed(&self) -> f64 {
        self.settings.speed
    }

    fn format(&self) -> &str {
        &self.format
    }

    fn voices(&self) -> &[Voice] {
        &self.settings.voices
    }

    fn sample_rate(&self) -> u32 {
        self.settings.sample_rate
    }

    fn price(&self) -> f64 {
        self.settings.price
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        let _turn = self.turns.take().await;
        let mut words = self
            .words
            .iter()
            .map(|word| word.replace("{voice}", voice).replace("{speed}", &speed.to_string()));
        let program = words.next().unwrap_or_default();
        let wav = process::run(program.clone(), words, &format!("{text}\n")).await?;
        sound::encode(&program, self.settings.sample_rate, Pcm::from_wav(wav)).await
    }
}
