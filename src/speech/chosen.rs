//! A voice that was asked for and found, and what its clips are named by.

use std::borrow::Cow;

use app::model::OVERLAY_VOICE;

use crate::text::hash::VoiceKey;
use crate::text::pronunciation::without_phonemes;
use crate::text::spelling::spell_out;

/// Stands in a format before the sample rate that clips are brought to after the engine has spoken.
const AT_RATE: &str = "-at-";
/// Stands in a format before the number of a clip that was made because somebody did not like those before.
const TAKE: &str = "-take-";

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
    /// Whether it can be told in words how to speak.
    pub takes_instructions: bool,
    /// Whether its clips say when each word begins.
    pub times_words: bool,
    /// Whether it says phonemes where a text has them (`text/pronunciation.rs`).
    pub takes_phonemes: bool,
    /// Whether it is given words for figures, signs and abbreviations.
    pub wants_words: bool,
}

impl ChosenVoice {
    /// What the voice is given for a normalised text, which may have phonemes: what clips are named by.
    pub fn given<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = if self.takes_phonemes { Cow::Borrowed(text) } else { without_phonemes(text) };
        if !self.wants_words {
            return text;
        }
        match spell_out(&text, &self.language) {
            Cow::Owned(spelled) => Cow::Owned(spelled),
            Cow::Borrowed(_) => text,
        }
    }

    /// Whether it is the sound that a book brings, which is told a place in it instead of a text.
    pub fn is_overlay(&self) -> bool {
        self.id == OVERLAY_VOICE
    }

    /// The same voice, whose clips have another sample rate: those of one stream must have the same.
    pub fn at_rate(mut self, sample_rate: u32) -> Self {
        if self.sample_rate != sample_rate {
            self.key.format = format!("{}{AT_RATE}{sample_rate}", self.key.format);
            self.sample_rate = sample_rate;
        }
        self
    }

    /// What clips are named by that were made after so many others of the same text.
    pub fn key_of_take(&self, before: u32) -> VoiceKey {
        if before == 0 {
            return self.key.clone();
        }
        let (format, rate) = match self.key.format.find(AT_RATE) {
            Some(at) => self.key.format.split_at(at),
            None => (&*self.key.format, ""),
        };
        VoiceKey { format: format!("{format}{TAKE}{}{rate}", before + 1), ..self.key.clone() }
    }
}

/// The format of the first clip of a text, in which the engine is asked for each that follows.
pub(super) fn first_take(format: &str) -> &str {
    format.split_once(TAKE).map_or(format, |(first, _)| first)
}

/// What the engine is asked for where clips have another sample rate than its own, and that rate.
pub fn at_own_rate(key: &VoiceKey) -> Option<(VoiceKey, u32)> {
    let (format, rate) = key.format.split_once(AT_RATE)?;
    Some((VoiceKey { format: format.to_owned(), ..key.clone() }, rate.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_rates_are_told_apart() {
        let key = VoiceKey {
            engine: "e".to_owned(),
            model: "m".to_owned(),
            voice: "v".to_owned(),
            speed: "1".to_owned(),
            format: "mp3-48k".to_owned(),
        };
        let voice = ChosenVoice {
            id: "e:v".to_owned(),
            key: key.clone(),
            language: "en".to_owned(),
            sample_rate: 24_000,
            wants_context: false,
            takes_instructions: false,
            times_words: false,
            takes_phonemes: false,
            wants_words: false,
        };
        assert_eq!(voice.key_of_take(0), key);
        assert_eq!(voice.key_of_take(1).format, "mp3-48k-take-2");
        let resampled = voice.at_rate(22_050).key_of_take(2);
        assert_eq!(resampled.format, "mp3-48k-take-3-at-22050");
        let (own, rate) = at_own_rate(&resampled).unwrap();
        assert_eq!((&*own.format, rate), ("mp3-48k-take-3", 22_050));
        assert_eq!(first_take(&own.format), key.format);
    }
}
