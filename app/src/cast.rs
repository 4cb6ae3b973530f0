//! The parameter `voice`, as pages, the player and the server read it: it names who reads a book.

use std::fmt;

/// Begins the voice for what somebody says.
const SPEECH: &str = "speech=";
/// Asks for voices of their languages.
const LANGUAGES: &str = "languages";

/// Who reads, by the ids of voices: the narrator, and after it, apart by spaces, `speech=` with the voice for
/// what stands in quotation marks, and `languages`, when passages in other languages are read by voices of those.
/// An empty narrator is the default voice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CastNames {
    /// Whoever reads what nobody else does.
    pub narrator: String,
    /// Who speaks what stands in quotation marks; the narrator when it is empty.
    pub speech: String,
    /// Whether passages in other languages are read by voices of those.
    pub languages: bool,
}

impl CastNames {
    /// Reads a parameter. What is not known in it is another voice's name, and part of the narrator's: no voice
    /// has it, and the server says so.
    pub fn parse(text: &str) -> Self {
        let mut names = Self::default();
        for (at, part) in text.split(' ').enumerate() {
            match part.strip_prefix(SPEECH) {
                _ if at == 0 => part.clone_into(&mut names.narrator),
                Some(id) => id.clone_into(&mut names.speech),
                None if part == LANGUAGES => names.languages = true,
                None => names.narrator = [&names.narrator, " ", part].concat(),
            }
        }
        names
    }
}

impl fmt::Display for CastNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.narrator)?;
        if !self.speech.is_empty() && self.speech != self.narrator {
            f.write_str(" ")?;
            f.write_str(SPEECH)?;
            f.write_str(&self.speech)?;
        }
        if self.languages {
            f.write_str(" ")?;
            f.write_str(LANGUAGES)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_is_read_as_it_was_written() {
        for text in ["", "a:b", "a:b speech=c:d", "a:b languages", "a:b speech=c:d languages"] {
            assert_eq!(CastNames::parse(text).to_string(), text);
        }
        let names = CastNames::parse("a:b speech=a:b");
        assert_eq!((names.to_string(), names.speech), ("a:b".to_owned(), "a:b".to_owned()));
        assert_eq!(CastNames::parse("a:b no such").narrator, "a:b no such");
    }
}
