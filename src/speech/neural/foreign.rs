//! Reads languages that have no lexicon here, by espeak-ng: it turns text to phonemes in a process of its own, and
//! the network speaks those. Kokoro was trained on its phonemes in Spanish, French, Italian and Portuguese.

use std::io::Write;
use std::ops::Range;
use std::process::{Command, Stdio};

use super::network::{ModelError, Vocabulary, failed};
use super::pieces::{Piece, Token, pieces};
use crate::text::pronunciation::apart;
use crate::text::spelling::spell_out;

/// What reads.
pub const PROGRAM: &str = "espeak-ng";
/// Sounds of two phonemes that are one sign to the networks (`EspeakG2P` in misaki). espeak-ng ties them by `^`.
const TIED: [(&str, &str); 11] = [
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^z", "ʣ"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("o^ʊ", "O"),
    ("ə^ʊ", "Q"),
    ("s^s", "S"),
    ("t^s", "ʦ"),
    ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"),
];
/// Signs that the networks know, besides those they are written as here.
const SIGNS: &str = ";:,.!?—…\"()“”";

/// Turns the text of a language to the numbers of phonemes.
pub struct ForeignReader {
    /// espeak-ng's name of the language.
    language: String,
    vocabulary: Vocabulary,
}

impl ForeignReader {
    /// A reader of a language.
    pub fn new(language: &str, vocabulary: Vocabulary) -> Self {
        Self { language: language.to_owned(), vocabulary }
    }

    /// The phonemes of a text. A text that has none has no pieces.
    ///
    /// # Errors
    /// When espeak-ng cannot be run.
    pub fn pieces(&self, text: &str) -> Result<Vec<Piece>, ModelError> {
        let spelt = spell_out(text, &self.language);
        let (text, given) = apart(&spelt);
        let mut tokens = Vec::new();
        for clause in clauses(&text) {
            let words = words(&text, clause.words);
            let said = self.said(&text, &words)?;
            for ((place, said), at) in words.iter().zip(said).zip(1..) {
                let own = given
                    .iter()
                    .find(|(other, _)| other.start < place.end && place.start < other.end);
                let said = own.map_or(said, |(_, phonemes)| untied(phonemes));
                let is_last = at == words.len();
                tokens.push(self.token(&text[place.clone()], &said, !is_last));
            }
            if let Some(sign) = clause.sign {
                tokens.push(self.token(&sign.to_string(), &sign.to_string(), sign != '“'));
            }
        }
        let tokens = tokens.into_iter().flat_map(Token::in_parts).collect();
        Ok(pieces(tokens, self.vocabulary.id('.')))
    }

    fn token(&self, text: &str, said: &str, has_space: bool) -> Token {
        let ids = said.chars().filter_map(|phoneme| self.vocabulary.id(phoneme)).collect();
        let space = self.vocabulary.id(' ').filter(|_| has_space);
        Token {
            text: text.to_owned(),
            ids,
            last: said.chars().next_back(),
            space: space.into_iter().collect(),
        }
    }

    /// What is said for each word of a clause. Where espeak-ng joins or parts words, each has a share of all.
    fn said(&self, text: &str, words: &[Range<usize>]) -> Result<Vec<String>, ModelError> {
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            return Ok(Vec::new());
        };
        let output = self.run(&text[first.start..last.end])?;
        let said: Vec<String> = output.split_whitespace().map(untied).collect();
        let share = |at: usize| at * said.len() / words.len();
        Ok((0..words.len()).map(|at| said[share(at)..share(at + 1)].join(" ")).collect())
    }

    fn run(&self, clause: &str) -> Result<String, ModelError> {
        let mut command = Command::new(PROGRAM);
        command.args(["-q", "--ipa", "--tie=^", "-b", "1", "--stdin", "-v", &self.language]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut input) = child.stdin.take() {
            // A clause fits into the pipe.
            input.write_all(clause.as_bytes()).map_err(failed)?;
        }
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            return Err(failed(format!("{PROGRAM}: {}", output.status)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// What espeak-ng says, in the signs of the networks: without ties, and without the marks of words that it reads in
/// another language, `(en)` and the like.
fn untied(said: &str) -> String {
    let mut plain = String::with_capacity(said.len());
    let mut depth = 0_u32;
    for c in said.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '-' | '\u{200d}' => {}
            _ if depth > 0 => {}
            _ => plain.push(c),
        }
    }
    let joined = TIED.iter().fold(plain, |text, (from, to)| text.replace(from, to));
    joined.replace(['^', '\u{361}'], "")
}

/// Words up to a sign.
struct Clause {
    /// Where the words stand.
    words: Range<usize>,
    /// The sign behind them, as the networks know it.
    sign: Option<char>,
}

/// The clauses of a text.
fn clauses(text: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut from = 0;
    let mut letters = text.char_indices().peekable();
    let mut before = None;
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        // `1.5` and `8:30` are one word.
        let is_inside = matches!(letter, '.' | ',' | ':')
            && before.is_some_and(char::is_alphanumeric)
            && next.is_some_and(char::is_alphanumeric);
        before = Some(letter);
        let sign = match letter {
            '«' | '„' | '‹' => '“',
            '»' | '›' => '”',
            '–' | '―' => '—',
            other => other,
        };
        if SIGNS.contains(sign) && !is_inside || matches!(letter, '¿' | '¡' | '[' | ']') {
            let sign = Some(sign).filter(|sign| SIGNS.contains(*sign));
            clauses.push(Clause { words: from..at, sign });
            from = at + letter.len_utf8();
        }
    }
    clauses.push(Clause { words: from..text.len(), sign: None });
    clauses
}

/// Where the words of a clause stand: what has no letter or figure belongs to the word before.
fn words(text: &str, clause: Range<usize>) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = clause.start;
    let inside = &text[clause.clone()];
    for word in inside.split_inclusive(char::is_whitespace) {
        let place = start..start + word.trim_end().len();
        start += word.len();
        match words.last_mut() {
            _ if word.contains(char::is_alphanumeric) => words.push(place),
            Some(last) if !place.is_empty() => last.end = place.end,
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn reader(language: &str) -> ForeignReader {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/voices/heart");
        ForeignReader::new(language, Vocabulary::load(&folder).unwrap())
    }

    #[test]
    fn ties_and_marks_of_other_languages_are_taken_out() {
        assert_eq!(untied("bˌe^ɪntitɾˈes"), "bˌAntitɾˈes");
        assert_eq!(untied("(^e^n)sˈɒftwe^ə(^f^r)"), "sˈɒftweə");
        assert_eq!(untied("la-"), "la");
    }

    #[test]
    fn signs_part_clauses_and_figures_stay_whole() {
        let text = "«¿Vienes a las 8:30?», dijo —con 1,5 kg— ella.";
        let clauses = clauses(text);
        let parts: Vec<_> =
            clauses.iter().map(|one| (text[one.words.clone()].trim(), one.sign)).collect();
        let expected = [
            ("", Some('“')),
            ("", None),
            ("Vienes a las 8:30", Some('?')),
            ("", Some('”')),
            ("", Some(',')),
            ("dijo", Some('—')),
            ("con 1,5 kg", Some('—')),
            ("ella", Some('.')),
            ("", None),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn every_word_has_a_place_and_a_sound() {
        for (language, text) in [
            ("es", "Mañana, 23 personas — quizá más — vendrán a la «fiesta»."),
            ("fr-fr", "Aujourd’hui, l’avocat n’est pas venu à 8 heures."),
            ("it", "Nel mezzo del cammin di nostra vita."),
            ("pt-br", "Não sei o que dizer, meu amigo."),
        ] {
            let all = reader(language).pieces(text).unwrap();
            let [piece] = &all[..] else { panic!("{all:?}") };
            let words = text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric));
            assert_eq!(piece.words.len(), words.count(), "{piece:?}");
            assert!(piece.words.is_sorted_by(|one, next| one.1 < next.1), "{piece:?}");
        }
        assert!(reader("es").pieces("— …").unwrap().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_text_is_read(text in "(.|[a-zñé«»¿¡.,]|\\d| ){0,120}") {
            for piece in reader("es").pieces(&text).unwrap() {
                prop_assert!(piece.ids.len() <= super::super::pieces::MAX_PHONEMES + 3);
                prop_assert!(piece.words.iter().all(|(_, at)| *at < piece.ids.len()));
            }
        }
    }
}
