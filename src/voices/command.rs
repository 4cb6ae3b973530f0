//! Any program that reads text on its standard input and writes WAV to its standard output:
//! `piper --model /voices/{voice}.onnx --output-file -`, `say`, festival's `text2wave`…

use super::settings::EngineSettings;
use super::turns::Turns;
use super::{Clip, Utterance, VoiceError, Wire, process, sound};

pub(super) struct Command {
    /// The program and its arguments.
    words: Vec<String>,
    turns: Turns,
}

impl Command {
    /// `settings` have been checked, so that there is a program.
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let words = shell_words::split(&settings.url).unwrap_or_default();
        // Programs run here, so their turns are this process's own.
        Self { words, turns: Turns::new(&settings.name, settings.concurrency, None) }
    }

    pub(super) async fn speak(
        &self,
        settings: &EngineSettings,
        utterance: Utterance<'_>,
    ) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        let _turn = self.turns.take().await;
        let (spoken_at, speed) = (speed, speed.to_string());
        let fill = |word: &String| word.replace("{voice}", voice).replace("{speed}", &speed);
        let mut words = self.words.iter().map(fill);
        let program = words.next().unwrap_or_default();
        let wav = process::run(program.clone(), words, &format!("{text}\n"), None).await?;
        let sound = sound::read(wav.into(), Wire::Wav, settings.sample_rate);
        let sound = sound.map_err(|reason| settings.no_audio(reason))?;
        sound::finish(&settings.name, text, spoken_at, sound, None).await
    }
}
