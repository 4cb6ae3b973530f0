//! From English text to the numbers of phonemes.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use misaki_rs::{G2P, Language, MToken};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::network::{ModelError, Vocabulary};
use super::pieces::{Piece, Token, pieces};
use super::reader::{Reader, needs_network};
use crate::text::pronunciation::apart;
use crate::text::spelling::spell_out;

/// Phonemes that carry the stress.
const VOWELS: &str = "AIOQWYaæɑɒɔəɛɜɪiʊuʌᵻɨ";
/// Whose English it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accent {
    /// American.
    American,
    /// British.
    British,
}

impl Accent {
    /// The accent of a language's tag.
    pub fn of(language: &str) -> Self {
        if language.eq_ignore_ascii_case("en-gb") { Self::British } else { Self::American }
    }

    /// The files of the network that reads words in this accent, and of its alphabet.
    pub fn reader_files(self) -> (&'static str, &'static str) {
        match self {
            Self::American => ("oov.onnx", "oov.json"),
            Self::British => ("oov_gb.onnx", "oov_gb.json"),
        }
    }

    fn language(self) -> Language {
        match self {
            Self::American => Language::EnglishUS,
            Self::British => Language::EnglishGB,
        }
    }
}

/// Reads English.
pub struct Pronouncer {
    g2p: G2P,
    accent: Accent,
    vocabulary: Vocabulary,
}

impl Pronouncer {
    /// Loads lexicons, and from a folder the numbers of phonemes and the network for words that are not in the
    /// lexicons.
    ///
    /// # Errors
    /// When files are missing or damaged.
    pub fn load(folder: &Path, accent: Accent) -> Result<Self, ModelError> {
        let (reader, vocabulary) = (Reader::load(folder, accent)?, Vocabulary::load(folder)?);
        let g2p = G2P::with_fallback(accent.language(), Some(Box::new(reader)));
        Ok(Self { g2p, accent, vocabulary })
    }

    /// The words and signs of a text, and how they are pronounced. What is left out as a word is read sign by
    /// sign, so that nothing is lost.
    fn tokens(&self, text: &str) -> Result<Vec<MToken>, ModelError> {
        let mut tokens = self.read(text)?;
        for token in &mut tokens {
            // A space has a number as well.
            let has_number = |phoneme: char| self.vocabulary.id(phoneme).is_some();
            let is_heard = |phoneme: char| !phoneme.is_whitespace() && has_number(phoneme);
            let phonemes = token.phonemes.as_deref().unwrap_or_default();
            if !phonemes.chars().any(is_heard) && token.text.chars().any(char::is_alphanumeric) {
                let apart = token.text.chars().map(String::from).collect::<Vec<_>>().join(" ");
                let signs = self.read(&apart)?.into_iter().filter_map(|sign| sign.phonemes);
                token.phonemes = Some(signs.collect::<Vec<_>>().join(" "));
            }
        }
        Ok(tokens)
    }

    /// Puts the phonemes that a person gave in the place of those that were found. (misaki-rs 0.8 has a notation
    /// for that, which it forgets of words that it can take an ending from.)
    fn pronounce(
        &self,
        tokens: &mut [MToken],
        text: &str,
        given: &[(Range<usize>, &str)],
    ) -> Result<(), ModelError> {
        let mut from = 0;
        for token in tokens {
            let Some(at) = text[from..].find(&token.text) else { continue };
            let place = from + at..from + at + token.text.len();
            from = place.end;
            let is_in = |(other, _): &&(Range<usize>, &str)| {
                other.start < place.end && place.start < other.end
            };
            let Some((word, phonemes)) = given.iter().find(is_in) else { continue };
            // What the token has before and after the word: an ending, or the other half of a compound.
            let before = self.aloud(&text[place.start..word.start.max(place.start)])?;
            let after = &text[word.end.min(place.end)..place.end];
            let is_first = place.start <= word.start;
            let said = if is_first { in_this_accent(phonemes, self.accent) } else { String::new() };
            let after = match after {
                "’s" | "'s" => ending(&said).to_owned(),
                other => self.aloud(other)?,
            };
            token.phonemes = Some(format!("{before}{said}{after}"));
        }
        Ok(())
    }

    /// The phonemes of some letters by themselves.
    fn aloud(&self, letters: &str) -> Result<String, ModelError> {
        if letters.is_empty() {
            return Ok(String::new());
        }
        Ok(self.read(letters)?.into_iter().filter_map(|token| token.phonemes).collect())
    }

    fn read(&self, text: &str) -> Result<Vec<MToken>, ModelError> {
        // `[word](/phonemes/)` would be taken for a pronunciation.
        let text = text.replace("](", "] (");
        // misaki-rs 0.8 panics at “sautéing”: it cuts the ending within the accented letter.
        let read = |text: &str| catch_unwind(AssertUnwindSafe(|| self.g2p.g2p(text)));
        let tokens = read(&text).or_else(|_| read(&plain(&text)));
        let tokens = tokens.map_err(|_| ModelError::Run("a word cannot be read".to_owned()))?;
        tokens.map(|(_, tokens)| tokens).map_err(|error| ModelError::Run(error.to_string()))
    }

    /// Whether no lexicon has a word, nor a word that it is formed from.
    pub fn is_guessed(&self, word: &str) -> bool {
        // What stumbles is not known either.
        let mut stumbles = false;
        needs_network(|| stumbles = self.read(word).is_err()) || stumbles
    }

    /// The phonemes of a text. A text that has none has no pieces.
    pub fn pieces(&self, text: &str) -> Result<Vec<Piece>, ModelError> {
        let spelt = spell_out(text, "en");
        let (text, given) = apart(&spelt);
        let mut tokens = self.tokens(&text)?;
        self.pronounce(&mut tokens, &text, &given)?;
        let id = |phoneme| self.vocabulary.id(phoneme);
        let numbers = |phonemes: &str| phonemes.chars().filter_map(id).collect();
        let tokens = tokens.into_iter().flat_map(|token| {
            let phonemes = token.phonemes.unwrap_or_default();
            let ids: Vec<i32> = numbers(&phonemes);
            let whole = Token {
                last: phonemes.chars().next_back(),
                space: numbers(&token.whitespace),
                text: token.text,
                ids,
            };
            whole.in_parts()
        });
        let end = id('.');
        Ok(pieces(tokens.collect(), end))
    }
}

/// Phonemes of the International Phonetic Alphabet in the signs that the voices were trained on, which are those
/// of misaki (`EN_PHONES.md` there): diphthongs and affricates are one sign, American vowels have no length, and
/// sounds that English does not have are the nearest that it has.
fn in_this_accent(phonemes: &str, accent: Accent) -> String {
    const SEVERAL: [(&str, &str); 12] = [
        ("eɪ", "A"),
        ("aɪ", "I"),
        ("oʊ", "O"),
        ("əʊ", "O"),
        ("aʊ", "W"),
        ("ɔɪ", "Y"),
        ("tʃ", "ʧ"),
        ("dʒ", "ʤ"),
        ("ɜr", "ɜɹ"),
        ("ts", "ʦ"),
        ("ɝ", "ɜɹ"),
        ("ɚ", "əɹ"),
    ];
    let is_british = accent == Accent::British;
    // What makes a sound nasal, long or breathy is lost on the voice; a letter of its own is not.
    let plain: String = phonemes
        .replace('ç', "k")
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if c == ':' { 'ː' } else { c })
        .filter(|c| is_british || *c != 'ː')
        .filter(|c| !matches!(c, 'ˑ' | '.' | '‿' | '|' | 'ʰ' | 'ʲ' | 'ʷ' | 'ˠ' | 'ˤ'))
        .collect();
    let joined = SEVERAL.iter().fold(plain, |text, (from, to)| text.replace(from, to));
    let one = |c| match c {
        'O' if is_british => 'Q',
        'a' | 'ɒ' if is_british => c,
        'r' | 'ʁ' | 'ʀ' | 'ɻ' | 'ɺ' | 'ⱱ' | 'ʙ' | 'ɽ' => 'ɹ',
        'g' | 'ɢ' | 'ɠ' | 'ʄ' | 'ʛ' | 'ɣ' | 'ɟ' => 'ɡ',
        '\'' => 'ˈ',
        'a' | 'ɶ' => 'æ',
        'ɐ' | 'ɞ' => 'ʌ',
        'e' => 'ɛ',
        'o' | 'ɤ' => 'ɔ',
        'ø' | 'œ' => 'ɜ',
        'ɘ' => 'ə',
        'y' | 'ʉ' | 'ɯ' => 'u',
        'ʏ' | 'ɵ' => 'ʊ',
        'ɨ' => 'ɪ',
        'ɒ' => 'ɑ',
        'c' | 'q' | 'x' | 'χ' => 'k',
        'ɫ' | 'ɬ' | 'ʎ' | 'ɭ' | 'ʟ' | 'ɮ' => 'l',
        'ʔ' | 'ʈ' => 't',
        'ɖ' | 'ɗ' => 'd',
        'ɓ' => 'b',
        'ɸ' => 'f',
        'β' | 'ʋ' => 'v',
        'ɲ' | 'ɳ' => 'n',
        'ɴ' => 'ŋ',
        'ɱ' => 'm',
        'ʂ' | 'ɕ' => 'ʃ',
        'ʐ' | 'ʑ' => 'ʒ',
        'ʝ' => 'j',
        'ɰ' | 'ʍ' | 'ɥ' => 'w',
        'ħ' | 'ʕ' | 'ɦ' => 'h',
        other => other,
    };
    // The stress stands before a vowel here, not before the syllable.
    let (mut said, mut stress) = (String::with_capacity(joined.len()), None);
    for phoneme in joined.chars().map(one) {
        if matches!(phoneme, 'ˈ' | 'ˌ') {
            stress = Some(phoneme);
            continue;
        }
        if VOWELS.contains(phoneme) {
            said.extend(stress.take());
        }
        said.push(phoneme);
    }
    said
}

/// How a genitive ends (English phonology: after a hiss a syllable, after a voiceless sound an `s`).
fn ending(phonemes: &str) -> &'static str {
    match phonemes.chars().next_back() {
        Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ') => "ᵻz",
        Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
        _ => "z",
    }
}

/// The text in ASCII: without accents, and without what has no plain form.
fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii() => Some(c),
        '’' | '‘' => Some('\''),
        '“' | '”' => Some('"'),
        c if is_combining_mark(c) => None,
        _ => Some(' '),
    };
    text.nfkd().filter_map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// What is written in many ways; `make setup` has put the voice's files where they are expected.
    const FORMS: &[&str] = &[
        "She was sautéing onions.",
        "12345678901234567890",
        "10~",
        "7\u{a0}",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "20%",
        "5%",
        "AT&T",
        "R & D",
        "@home",
        "a@b.com",
        "http://x.com/a",
        "#5",
        "1,250",
        "$2.50",
        "£5",
        "€20",
        "3/4",
        "1/2",
        "1st",
        "1990s",
        "the '90s",
        "10kg",
        "10 kg",
        "5km",
        "Henry VIII",
        "Chapter IV",
        "8:35",
        "2.5",
        "3.14",
        "-5",
        "555-0199",
        "12–15",
        "A.D. 70",
        "B.C.",
        "e.g.",
        "i.e.",
        "etc.",
        "p. 12",
        "vol. 3",
        "Mr.",
        "Mrs.",
        "Dr. Smith",
        "St. James",
        "&c.",
        "C++",
        "1+1",
        "x=2",
        "½",
        "²",
        "100°",
        "naïve",
        "Señor",
        "Ωmega",
        "1,000,000",
        "2001:",
        "MCMXC",
        "o’clock",
        "don't",
        "'tis",
        "rock'n'roll",
        "Ph.D.",
        "U.S.A.",
        "NASA",
        "10am",
        "10 a.m.",
        "3rd",
        "22nd",
        "№ 5",
        "10^6",
        "50-50",
        "1866-1870",
        "§ 5",
        "A/B",
        "and/or",
        "him/her",
        "—",
        "...",
        "[1]",
        "(1)",
        "*",
        "†",
        "1984",
        "2,5",
        "007",
        "1.",
        "4x4",
        "B2B",
        "Nr. 5",
        "20%,",
    ];

    #[test]
    fn phonemes_that_a_person_gave_are_said() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/voices/heart");
        let pronouncer = Pronouncer::load(&folder, Accent::American).unwrap();
        let read = |text: &str| {
            let (text, given) = apart(text);
            let mut tokens = pronouncer.read(&text).unwrap();
            pronouncer.pronounce(&mut tokens, &text, &given).unwrap();
            tokens.into_iter().filter_map(|token| token.phonemes).collect::<Vec<_>>().join(" ")
        };
        for (text, heard) in [
            ("Dear \u{fdd0}Pip\u{fdd1}zɒŋ\u{fdd2}, come.", "dˈɪɹ zɑŋ , kˈʌm ."),
            ("On \u{fdd0}Mont Blanc\u{fdd1}mɔ̃ blɑ̃ː\u{fdd2} it is.", "ˌɔn mɔ blɑ  ɪt ɪz ."),
            ("\u{fdd0}Goethe\u{fdd1}ˈɡøːtə\u{fdd2}’s pips", "ɡˈɜtəz pˈɪps"),
            ("\u{fdd0}Goethes\u{fdd1}ˈɡøːtəs\u{fdd2} sat", "ɡˈɜtəs sˈæt"),
            ("the \u{fdd0}Xanthippe\u{fdd1}zænˈtɪpi\u{fdd2}-like one", "ðə zæntˈɪpilˈIk wˈʌn"),
        ] {
            assert_eq!(read(text), heard, "{text}");
        }
    }

    /// The letters of the International Phonetic Alphabet (chart of 2020) without clicks, and some with marks.
    const IPA: &str = "pbtdʈɖcɟkɡqɢʔmɱnɳɲŋɴʙrʀⱱɾɽɸβfvθðszʃʒʂʐçʝxɣχʁħʕhɦɬɮʋɹɻjɰlɭʎʟʍwɥɕʑɺɓɗʄɠʛ\
        iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒãõɫɝɚ";

    #[test]
    fn every_sound_has_one_that_the_voice_knows() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/voices/heart");
        let voice = Vocabulary::load(&folder).unwrap();
        let both = |letter| [(letter, Accent::American), (letter, Accent::British)];
        for (letter, accent) in IPA.chars().flat_map(both) {
            let said = in_this_accent(&letter.to_string(), accent);
            let is_known = !said.is_empty() && said.chars().all(|one| voice.id(one).is_some());
            assert!(is_known, "{letter}: {said}");
        }
    }

    #[test]
    fn nothing_that_has_letters_or_figures_is_left_out() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/voices/heart");
        let pronouncer = Pronouncer::load(&folder, Accent::American).unwrap();
        for form in FORMS {
            let tokens = pronouncer.tokens(&spell_out(form, "en")).unwrap();
            for token in tokens.iter().filter(|one| one.text.chars().any(char::is_alphanumeric)) {
                let phonemes = token.phonemes.as_deref().unwrap_or_default();
                let known =
                    phonemes.chars().filter_map(|one| pronouncer.vocabulary.id(one)).count();
                assert!(known > 0, "{form}: {tokens:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_read_in_pieces_that_fit(text in "(.|[a-z]|é|ing |\\d){0,200}") {
            static READY: LazyLock<[Pronouncer; 2]> = LazyLock::new(|| {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/voices/heart");
                [Accent::American, Accent::British]
                    .map(|accent| Pronouncer::load(&folder, accent).unwrap())
            });
            for piece in READY.iter().flat_map(|one| one.pieces(&text).unwrap()) {
                prop_assert!(piece.ids.len() <= super::super::pieces::MAX_PHONEMES + 3);
                prop_assert!(piece.words.iter().all(|(_, at)| *at < piece.ids.len()));
            }
        }
    }
}
