//! Pronunciations as a file: the W3C's Pronunciation Lexicon Specification 1.0, and lines of `word = how it is
//! said`, which also have what the former has no words for.
//!
//! ```text
//! # Whole words; with capitals that must agree; letters; a regular expression; with phonemes; passed over.
//! Pip = Pipp
//! "US" = U. S.
//! *eigh* = ay
//! /(\d+) ft/ = $1 feet
//! Joule = jool /dʒuːl/
//! umm =
//! ```

use std::collections::HashSet;
use std::fmt::Write;

use app::model::{Matching, NewPronunciation, Pronunciation, PronunciationScope};
use quick_xml::escape::escape;

use super::super::LibraryError::{self, TooManyPronunciations};
use super::super::import::xml;
use crate::text::language::primary_subtag;
use crate::text::pronunciation::{MAX_SPOKEN_CHARS, checked};

/// Largest lexicon, in bytes.
pub const MAX_LEXICON_BYTES: usize = 512 * 1024;
/// Most entries that are read of a lexicon: as many as there can be.
pub(super) const MAX_READ: usize = 2_000;
/// Most patterns that are read: each is compiled, also when it is refused.
const MAX_PATTERNS_READ: usize = 200;
/// Most refusals that are told.
pub(super) const MAX_REFUSED: usize = 100;

/// A line of a lexicon, or its so many-th word, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Refused {
    /// The line, or of PLS the lexeme, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub reason: String,
}

/// Entries by their line.
type Entries = Vec<(u32, NewPronunciation)>;

/// Reads either kind of file.
pub(super) fn read(
    source: &str,
    scope: PronunciationScope,
) -> Result<(Entries, Vec<Refused>), LibraryError> {
    if source.len() > MAX_LEXICON_BYTES {
        return Err(LibraryError::LexiconTooLarge(MAX_LEXICON_BYTES / 1024));
    }
    let source = source.trim_start_matches('\u{feff}').trim_start();
    let is_markup = source.starts_with("<?xml") || source.starts_with("<lexicon");
    let (read, mut refused) =
        if is_markup { read_pls(source, scope) } else { read_lines(source, scope) };
    let (mut entries, mut patterns) = (Vec::new(), 0);
    for (line, entry) in read {
        patterns += usize::from(entry.matching == Matching::Pattern);
        if entries.len() == MAX_READ || patterns > MAX_PATTERNS_READ {
            refused.push(Refused { line, reason: TooManyPronunciations.to_string() });
            break;
        }
        match checked(entry) {
            Ok(entry) => entries.push((line, entry)),
            Err(error) => refused.push(Refused { line, reason: error.to_string() }),
        }
    }
    refused.sort_by_key(|one| one.line);
    refused.truncate(MAX_REFUSED);
    Ok((entries, refused))
}

/// What a lexicon that a book brings says for its language, and whether all of it could be used. One that is for
/// another language says nothing.
pub(in crate::library) fn of_book(
    source: &str,
    language: &str,
) -> Result<(Vec<NewPronunciation>, bool), LibraryError> {
    let (root, _) = xml::parse(source);
    let own = root.descendant("lexicon").and_then(|lexicon| lexicon.attribute("lang"));
    if own.is_some_and(|own| {
        language != "und" && !primary_subtag(own).eq_ignore_ascii_case(primary_subtag(language))
    }) {
        return Ok((Vec::new(), true));
    }
    if source.len() > MAX_LEXICON_BYTES {
        return Err(LibraryError::LexiconTooLarge(MAX_LEXICON_BYTES / 1024));
    }
    let (entries, refused) = read_pls(source, PronunciationScope::Book);
    let count = entries.len();
    let entries = entries.into_iter().take(MAX_READ).filter_map(|(_, entry)| checked(entry).ok());
    let entries: Vec<NewPronunciation> = entries.collect();
    let is_whole = refused.is_empty() && entries.len() == count;
    Ok((entries, is_whole))
}

fn word(written: &str, scope: PronunciationScope) -> NewPronunciation {
    NewPronunciation {
        written: written.to_owned(),
        spoken: String::new(),
        phonemes: String::new(),
        matching: Matching::Word,
        matches_case: false,
        scope,
    }
}

/// Every spelling (`grapheme`) is said like the first `alias` and the first `phoneme` of its lexeme.
fn read_pls(source: &str, scope: PronunciationScope) -> (Entries, Vec<Refused>) {
    let (root, _) = xml::parse(source);
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    let alphabet = root.descendant("lexicon").and_then(|root| root.attribute("alphabet"));
    for (line, lexeme) in (1..).zip(root.descendants("lexeme")) {
        let phoneme = lexeme.child("phoneme");
        let own = phoneme.and_then(|phoneme| phoneme.attribute("alphabet")).or(alphabet);
        let is_ipa = own.is_none_or(|name| name.eq_ignore_ascii_case("ipa"));
        let phonemes = phoneme.filter(|_| is_ipa).map_or("", |phoneme| phoneme.text.trim());
        let alias = lexeme.child("alias").map_or("", |alias| alias.text.trim());
        if phonemes.len().max(alias.len()) > 4 * MAX_SPOKEN_CHARS {
            let reason = format!("What is said can have {MAX_SPOKEN_CHARS} characters.");
            refused.push(Refused { line, reason });
            continue;
        }
        if phonemes.is_empty() && alias.is_empty() {
            let reason = if is_ipa { "It says nothing." } else { "Its phonemes are not in IPA." };
            refused.push(Refused { line, reason: reason.to_owned() });
            continue;
        }
        entries.extend(lexeme.children("grapheme").map(|grapheme| {
            let (spoken, phonemes) = (alias.to_owned(), phonemes.to_owned());
            (line, NewPronunciation { spoken, phonemes, ..word(&grapheme.text, scope) })
        }));
    }
    (entries, refused)
}

fn read_lines(source: &str, scope: PronunciationScope) -> (Entries, Vec<Refused>) {
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(source.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match read_line(line, scope) {
            Some(entry) => entries.push((number, entry)),
            None => {
                let reason = "It is not of the form “word = how it is said”.".to_owned();
                refused.push(Refused { line: number, reason });
            }
        }
    }
    (entries, refused)
}

fn read_line(line: &str, scope: PronunciationScope) -> Option<NewPronunciation> {
    // A pattern may have equals signs of its own.
    let at = match line.strip_prefix('/') {
        Some(pattern) => 2 + pattern.find("/ =").or_else(|| pattern.find("/="))?,
        None => line.find(" = ").unwrap_or(line.find('=')?),
    };
    let (written, said) = line.split_at(at);
    let (written, said) = (written.trim(), said.trim_start().trim_start_matches('=').trim());
    let within = |first: char, last: char| {
        written.strip_prefix(first)?.strip_suffix(last).filter(|inner| !inner.is_empty())
    };
    let mut entry = if let Some(pattern) = within('/', '/') {
        NewPronunciation { matching: Matching::Pattern, ..word(pattern, scope) }
    } else if let Some(part) = within('*', '*') {
        NewPronunciation { matching: Matching::Part, ..word(part, scope) }
    } else if let Some(exact) = within('"', '"') {
        NewPronunciation { matches_case: true, ..word(exact, scope) }
    } else {
        word(written, scope)
    };
    let phonemes = said.strip_suffix('/').and_then(|said| said.rsplit_once('/'));
    let (spoken, phonemes) = phonemes.unwrap_or((said, ""));
    entry.spoken = spoken.trim().to_owned();
    entry.phonemes = phonemes.trim().to_owned();
    Some(entry)
}

/// Of entries for the same word the first, which is the nearest and the one that counts.
fn nearest(entries: &[Pronunciation]) -> impl Iterator<Item = &NewPronunciation> {
    let mut known = HashSet::new();
    entries.iter().map(|one| &one.entry).filter(move |entry| {
        known.insert((entry.written.to_lowercase(), entry.matching, entry.matches_case))
    })
}

/// Whether a word has signs that mean something in a line.
fn is_sign(written: &str) -> bool {
    written.starts_with(['#', '"', '*', '/']) || written.contains('=')
}

/// As lines.
pub(super) fn lines(entries: &[Pronunciation]) -> String {
    let mut text = String::from("# word = how it is said\n");
    for entry in nearest(entries) {
        let NewPronunciation { written, spoken, phonemes, matching, matches_case, .. } = entry;
        let written = match (matching, matches_case) {
            // What would be read as something else is a pattern of these letters.
            (Matching::Word | Matching::Part, false) if is_sign(written) => {
                format!("/{}/", regex::escape(written))
            }
            (Matching::Word, true) if is_sign(written) => {
                format!("/(?-i:{})/", regex::escape(written))
            }
            (Matching::Word, false) => written.clone(),
            (Matching::Word, true) => format!("\"{written}\""),
            (Matching::Part, false) => format!("*{written}*"),
            (Matching::Part, true) => format!("/(?-i:{})/", regex::escape(written)),
            (Matching::Pattern, false) => format!("/{written}/"),
            (Matching::Pattern, true) => format!("/(?-i:{written})/"),
        };
        let _ = match (spoken.as_str(), phonemes.as_str()) {
            (spoken, "") => writeln!(text, "{written} = {spoken}"),
            ("", phonemes) => writeln!(text, "{written} = /{phonemes}/"),
            (spoken, phonemes) => writeln!(text, "{written} = {spoken} /{phonemes}/"),
        };
    }
    text
}

/// As a W3C lexicon. The specification has no parts of words and no patterns, and no word that is not said.
pub(super) fn pls(entries: &[Pronunciation], language: &str) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<lexicon version=\"1.0\" \
         xmlns=\"http://www.w3.org/2005/01/pronunciation-lexicon\" alphabet=\"ipa\" xml:lang=\"{}\">\n",
        escape(language)
    );
    for entry in nearest(entries) {
        let NewPronunciation { written, spoken, phonemes, matching, .. } = entry;
        if *matching != Matching::Word || (spoken.is_empty() && phonemes.is_empty()) {
            continue;
        }
        let _ = write!(text, "  <lexeme><grapheme>{}</grapheme>", escape(written.as_str()));
        if !phonemes.is_empty() {
            let _ = write!(text, "<phoneme>{}</phoneme>", escape(phonemes.as_str()));
        }
        if !spoken.is_empty() {
            let _ = write!(text, "<alias>{}</alias>", escape(spoken.as_str()));
        }
        text.push_str("</lexeme>\n");
    }
    text + "</lexicon>\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCOPE: PronunciationScope = PronunciationScope::Book;

    fn kept(entry: NewPronunciation) -> Pronunciation {
        Pronunciation { id: String::new(), entry, target: String::new() }
    }

    #[test]
    fn lines_are_read() {
        let source = "\u{feff}# names\r\n\r\nPip = Pipp\nJo==Joe\n\"US\" = U. S.\n*eigh* = ay\n\
            /(\\d+) = ft/ = $1 feet\nJoule = jool /dʒuːl/\nGif = /dʒɪf/\numm =\nnothing";
        let (entries, refused) = read(source, SCOPE).unwrap();
        let told: Vec<_> = entries
            .iter()
            .map(|(line, entry)| {
                let case = entry.matches_case;
                (*line, &*entry.written, &*entry.spoken, &*entry.phonemes, entry.matching, case)
            })
            .collect();
        assert_eq!(
            told,
            [
                (3, "Pip", "Pipp", "", Matching::Word, false),
                (4, "Jo", "Joe", "", Matching::Word, false),
                (5, "US", "U. S.", "", Matching::Word, true),
                (6, "eigh", "ay", "", Matching::Part, false),
                (7, r"(\d+) = ft", "$1 feet", "", Matching::Pattern, false),
                (8, "Joule", "jool", "dʒuːl", Matching::Word, false),
                (9, "Gif", "", "dʒɪf", Matching::Word, false),
                (10, "umm", "", "", Matching::Word, false),
            ]
        );
        assert_eq!(refused.iter().map(|one| one.line).collect::<Vec<_>>(), [11]);
    }

    #[test]
    fn a_lexicon_of_the_w3c_is_read() {
        let source = r#"<?xml version="1.0"?><lexicon alphabet="ipa" xml:lang="en">
            <lexeme><grapheme>Pip</grapheme><grapheme>Pirrip</grapheme><phoneme>pɪp</phoneme></lexeme>
            <lexeme><grapheme>W3C &amp; co</grapheme><alias>World Wide Web</alias></lexeme>
            <lexeme><grapheme>x</grapheme><phoneme alphabet="x-sampa">Eks</phoneme></lexeme></lexicon>"#;
        let (entries, refused) = read(source, SCOPE).unwrap();
        let told: Vec<_> = entries
            .iter()
            .map(|(line, entry)| (*line, &*entry.written, &*entry.spoken, &*entry.phonemes))
            .collect();
        assert_eq!(
            told,
            [
                (1, "Pip", "", "pɪp"),
                (1, "Pirrip", "", "pɪp"),
                (2, "W3C & co", "World Wide Web", "")
            ]
        );
        assert_eq!(refused[0].reason, "Its phonemes are not in IPA.");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            entries in prop::collection::vec(("[a-zé<&. ]{1,9}", "[a-z<&. ]{0,9}", "[a-zɪˈ]{0,5}", 0..3, any::<bool>()), 0..6),
        ) {
            let entries: Vec<Pronunciation> = entries
                .into_iter()
                .filter_map(|(written, spoken, phonemes, kind, matches_case)| {
                    let matching = [Matching::Word, Matching::Part, Matching::Pattern][kind as usize];
                    let matches_case = matches_case && matching == Matching::Word;
                    let entry = NewPronunciation { written, spoken, phonemes, matching, matches_case, scope: SCOPE };
                    checked(entry).ok().map(kept)
                })
                .collect();
            let entries: Vec<Pronunciation> =
                nearest(&entries).cloned().map(kept).collect();
            let (again, refused) = read(&lines(&entries), SCOPE).unwrap();
            prop_assert_eq!(refused, []);
            let again: Vec<_> = again.into_iter().map(|(_, entry)| kept(checked(entry).unwrap())).collect();
            prop_assert_eq!(&again, &entries);
            let words = |entry: &NewPronunciation| {
                entry.matching == Matching::Word && !(entry.spoken.is_empty() && entry.phonemes.is_empty())
            };
            let (again, _) = read(&pls(&entries, "en"), SCOPE).unwrap();
            let again: Vec<_> = again.into_iter().map(|(_, entry)| checked(entry).unwrap()).collect();
            let wanted = entries.into_iter().map(|one| one.entry).filter(words);
            let wanted: Vec<_> = wanted.map(|entry| NewPronunciation { matches_case: false, ..entry }).collect();
            prop_assert_eq!(again, wanted);
        }

        #[test]
        fn any_file_is_read(source in "\\PC{0,200}") {
            let _ = read(&source, SCOPE);
            let _ = read(&format!("<lexicon>{source}"), SCOPE);
        }
    }
}
