//! Who reads a book: the narrator, and if a listener wants it, another voice for what somebody in the text says,
//! and voices of their languages for passages in others.
//!
//! [`CastNames`] is how the parameter `voice` names a cast, wherever there is one.

use std::collections::BTreeMap;

use app::cast::CastNames;
use app::model::OVERLAY_VOICE;

use super::{ChosenVoice, MANY_LANGUAGES, VoiceError, Voices};
use crate::text::language::primary_subtag;

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cast {
    /// Whoever reads what nobody else does.
    pub narrator: ChosenVoice,
    /// Who speaks what stands in quotation marks, if another does.
    pub speech: Option<ChosenVoice>,
    /// Whether passages in other languages are read by voices of those; the number tells one state of the
    /// engines from another, as which voices those are follows from what is installed.
    languages: Option<u64>,
}

impl Cast {
    /// Whether one voice reads all.
    pub fn is_one(&self) -> bool {
        self.speech.is_none() && self.languages.is_none()
    }

    /// The voice for a passage in a language, if it is not the narrator's: the one that was chosen for that
    /// language, by its primary subtag, else its default.
    pub(crate) fn of_language(
        &self,
        voices: &Voices,
        language: &str,
        chosen: &BTreeMap<String, String>,
    ) -> Option<ChosenVoice> {
        self.languages?;
        if self.narrator.language == MANY_LANGUAGES {
            return None;
        }
        if primary_subtag(&self.narrator.language).eq_ignore_ascii_case(primary_subtag(language)) {
            return None;
        }
        // Where nobody speaks it, the narrator does what it can.
        let own = chosen.get(&primary_subtag(language).to_ascii_lowercase());
        let own = own.and_then(|id| voices.choose(id, language).ok());
        let voice = own.or_else(|| voices.choose("", language).ok())?;
        Some(voice.at_rate(self.narrator.sample_rate))
    }
}

impl From<ChosenVoice> for Cast {
    fn from(narrator: ChosenVoice) -> Self {
        Self { narrator, speech: None, languages: None }
    }
}

impl Voices {
    /// The cast that a parameter names, for a book in a language, which `is_overlaid` where it brings a sound of its own.
    /// That is heard unless another voice is named. Where a voice for what somebody says was chosen
    /// once and is gone, the narrator speaks it.
    ///
    /// # Errors
    /// When there is no such narrator.
    pub fn cast(&self, names: &str, language: &str, is_overlaid: bool) -> Result<Cast, VoiceError> {
        let names = CastNames::parse(names);
        let narrator = match &*names.narrator {
            "" | OVERLAY_VOICE if is_overlaid => self.overlay()?,
            // It was chosen for a book that had one, before its file was read anew.
            OVERLAY_VOICE => self.choose("", language)?,
            id => self.choose(id, language)?,
        };
        let is_other = !names.speech.is_empty() && names.speech != narrator.id;
        let speech = is_other.then(|| self.choose(&names.speech, language).ok()).flatten();
        Ok(Cast {
            speech: speech.map(|voice| voice.at_rate(narrator.sample_rate)),
            languages: names.languages.then(|| self.version()),
            narrator,
        })
    }
}
