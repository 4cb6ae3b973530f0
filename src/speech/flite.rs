//! flite: recorded English voices, offered when installed. Reads numbers and abbreviations better
//! than espeak-ng; about 140 ms a sentence.

use std::sync::Arc;

use app::model::Voice;
use async_trait::async_trait;
use unicode_normalization::UnicodeNormalization;

use super::registry::Installed;
use super::{Engine, Utterance, VoiceError, encoding, process};
use crate::audio::{Clip, Pcm};

const PROGRAM: &str = "flite";
/// How it is found.
pub(super) static INSTALLED: Installed = Installed {
    name: PROGRAM,
    find: || Box::pin(async { Ok(Arc::new(Flite::find().await?) as Arc<dyn Engine>) }),
};

const SAMPLE_RATE: u32 = 16_000;

/// Voices of flite 2.2 worth offering. `kal` has half the sample rate; `awb_time` tells the time.
const KNOWN: [(&str, &str, &str); 4] = [
    ("slt", "Susan (American English)", "en-us"),
    ("rms", "Robert (American English)", "en-us"),
    ("awb", "Alan (Scottish English)", "en-gb-scotland"),
    ("kal16", "Kal (American English)", "en-us"),
];

/// flite as a subprocess.
pub struct Flite {
    voices: Vec<Voice>,
}

impl Flite {
    /// Asks the installed program for its voices.
    pub async fn find() -> Result<Self, VoiceError> {
        let list = process::run(PROGRAM, ["-lv"], "", process::SMALL_PROGRAM).await?;
        let list = String::from_utf8_lossy(&list).into_owned();
        let installed: Vec<&str> = list.split_whitespace().collect();
        let voices = KNOWN
            .iter()
            .filter(|(id, ..)| installed.contains(id))
            .map(|(id, name, language)| Voice {
                id: format!("{PROGRAM}:{id}"),
                name: (*name).to_owned(),
                language: (*language).to_owned(),
                engine: PROGRAM.to_owned(),
            })
            .collect();
        Ok(Self { voices })
    }
}

#[async_trait]
impl Engine for Flite {
    fn name(&self) -> &str {
        PROGRAM
    }

    fn voices(&self) -> &[Voice] {
        &self.voices
    }

    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        let no_file = |error: std::io::Error| VoiceError::NotStarted {
            program: PROGRAM.into(),
            reason: error.to_string(),
        };
        // flite seeks in its output, so it needs a file.
        let file = tempfile::Builder::new().suffix(".wav").tempfile().map_err(no_file)?;
        let path = file.path().to_owned();
        let stretch = format!("duration_stretch={}", 1.0 / speed);
        let arguments = [
            "--setf".as_ref(),
            stretch.as_ref(),
            "-voice".as_ref(),
            voice.as_ref(),
            "-f".as_ref(),
            "/dev/stdin".as_ref(),
            "-o".as_ref(),
            path.as_os_str(),
        ];
        process::run(PROGRAM, arguments, &fold_to_ascii(text), process::SMALL_PROGRAM).await?;
        let wav = tokio::fs::read(&path).await.map_err(no_file)?;
        encoding::encode(PROGRAM, SAMPLE_RATE, Pcm::from_wav(wav)).await
    }
}

/// flite reads curly quotes, dashes and accents as junk.
fn fold_to_ascii(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd() {
        match c {
            '‘' | '’' => folded.push('\''),
            '“' | '”' | '«' | '»' | '„' => folded.push('"'),
            '–' | '—' => folded.push_str(", "),
            '…' => folded.push_str("..."),
            c if c.is_ascii() => folded.push(c),
            c if c.is_whitespace() => folded.push(' '),
            _ => {}
        }
    }
    folded.push('\n');
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ascii_reaches_flite() {
        assert_eq!(fold_to_ascii("“Naïve”—it’s café…"), "\"Naive\", it's cafe...\n");
        assert_eq!(fold_to_ascii("草"), "\n");
    }
}
