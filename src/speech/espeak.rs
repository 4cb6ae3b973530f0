//! espeak-ng: the voice that is always there. Small, quick (about 15 ms a sentence), a hundred
//! languages, and byte for byte the same every time.

use std::sync::Arc;

use app::model::Voice;
use async_trait::async_trait;

use super::registry::Installed;
use super::{Engine, Utterance, VoiceError, encoding, process};
use crate::audio::{Clip, Pcm};

const PROGRAM: &str = "espeak-ng";
/// How it is found.
pub(super) static INSTALLED: Installed = Installed {
    name: PROGRAM,
    find: || Box::pin(async { Ok(Arc::new(Espeak::find().await?) as Arc<dyn Engine>) }),
};

const SAMPLE_RATE: u32 = 22_050;

/// Its default rate.
const WORDS_A_MINUTE: f64 = 175.0;

/// Languages that 1.51 lists but cannot read: it names every character instead.
const UNREADABLE: [&str; 5] = ["ja", "cmn", "yue", "hak", "zh"];

/// espeak-ng as a subprocess.
pub struct Espeak {
    voices: Vec<Voice>,
}

impl Espeak {
    /// Asks the installed program for its voices.
    pub async fn find() -> Result<Self, VoiceError> {
        let list = process::run(PROGRAM, ["--voices"], "", process::SMALL_PROGRAM).await?;
        let mut voices = parse_voices(&String::from_utf8_lossy(&list));
        // Plain American English first: it is what most books here are read with.
        voices.sort_by_key(|voice| (voice.language != "en-us", voice.language != "en-gb"));
        Ok(Self { voices })
    }
}

#[async_trait]
impl Engine for Espeak {
    fn name(&self) -> &str {
        PROGRAM
    }

    fn voices(&self) -> &[Voice] {
        &self.voices
    }

    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn wants_words(&self) -> bool {
        true
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, voice, speed, .. } = utterance;
        // `[[` would begin phoneme input.
        let text = text.replace("[[", "[ [");
        // UTF-8 in, no pause at the end, WAV out.
        let rate = (WORDS_A_MINUTE * speed).round().to_string();
        let arguments = ["-v", voice, "-s", &rate, "-b", "1", "-z", "--stdin", "--stdout"];
        let wav = process::run(PROGRAM, arguments, &text, process::SMALL_PROGRAM).await?;
        encoding::encode(PROGRAM, SAMPLE_RATE, Pcm::from_wav(wav)).await
    }
}

/// Reads `espeak-ng --voices`: columns of priority, language, age and gender, name, file.
fn parse_voices(list: &str) -> Vec<Voice> {
    let mut voices: Vec<Voice> = Vec::new();
    for line in list.lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, language, _, name, file, ..] = columns[..] else { continue };
        // `mb/` needs MBROLA's own data files; a voice for a private script (`Qaaa`) is listed by a
        // name that the program then does not know.
        let is_usable = !file.starts_with("mb/")
            && !language.contains("-Qaaa-")
            && !UNREADABLE.contains(&language);
        if is_usable && !voices.iter().any(|voice| voice.language == language) {
            voices.push(Voice {
                id: format!("{PROGRAM}:{language}"),
                name: name.replace('_', " "),
                language: language.to_owned(),
                engine: PROGRAM.to_owned(),
            });
        }
    }
    voices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_voices_is_read() {
        let list = "Pty Language       Age/Gender VoiceName          File                 Other Languages\n \
            5  af              --/M      Afrikaans          gmw/af               \n \
            2  en-us           --/M      English_(America)  gmw/en-US            (en 3)\n \
            5  en-us           --/M      us-mbrola-2        mb/mb-us2            (en 7)\n \
            5  ja              --/M      Japanese           jpx/ja               \n";
        let voices = parse_voices(list);
        let names: Vec<_> = voices.iter().map(|voice| voice.name.as_str()).collect();
        assert_eq!(names, ["Afrikaans", "English (America)"]);
        assert_eq!(voices[1].id, "espeak-ng:en-us");
    }
}
