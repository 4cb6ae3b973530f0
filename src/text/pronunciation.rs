//! How a person wants words to be said: applied to what is spoken for a sentence, never to what is shown.
//!
//! Whole words are looked up, the longest first and, of the same words, those of the nearest scope; then
//! letters and patterns are sought in what no word has taken. Nothing that was put in is looked at again, so
//! two entries that name each other do not go round in a circle.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use app::model::{Matching, NewPronunciation, Pronunciation};
use regex::{Captures, Regex, RegexBuilder};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::spoken::normalise;

/// Longest word or pattern, in characters.
pub const MAX_WRITTEN_CHARS: usize = 200;
/// Longest replacement and longest transcription, in characters.
pub const MAX_SPOKEN_CHARS: usize = 300;
/// What a sentence may grow by, in bytes: a pattern that finds every letter must not make a chapter of it.
const MAX_GROWTH_BYTES: usize = 4_000;
/// Memory that a compiled pattern may take, in bytes. Its time is linear in the text whatever it says.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// What stands around a word and its phonemes: noncharacters, which Unicode keeps for use inside a program
/// (chapter 23.7), and which [`normalise`] takes out of books.
const WORD: char = '\u{fdd0}';
const PHONEMES: char = '\u{fdd1}';
const END: char = '\u{fdd2}';

/// Whether a text says of words how they sound.
pub fn has_phonemes(text: &str) -> bool {
    text.contains(PHONEMES)
}

/// What is wrong with an entry, in words for the person who entered it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PronunciationError {
    /// Nothing to look for.
    #[error("Enter the word as the book has it.")]
    NoWord,
    /// Something is too long.
    #[error("A word can have {MAX_WRITTEN_CHARS} characters, and what is said {MAX_SPOKEN_CHARS}.")]
    TooLong,
    /// The regular expression cannot be used.
    #[error("The pattern cannot be used: {0}")]
    Pattern(String),
    /// The phonemes have a sign that is none.
    #[error("“{0}” is not a sign of the International Phonetic Alphabet.")]
    Phonemes(char),
    /// It would change nothing.
    #[error("Enter how the word is said.")]
    NoChange,
}

/// An entry as it is kept: normalised as the text it is compared with.
///
/// # Errors
/// In words for the person who entered it.
pub fn checked(entry: NewPronunciation) -> Result<NewPronunciation, PronunciationError> {
    let NewPronunciation { written, spoken, phonemes, matching, matches_case, scope } = entry;
    let is_long = |text: &str, most: usize| text.len() > 4 * most;
    if is_long(&written, MAX_WRITTEN_CHARS)
        || is_long(&spoken, MAX_SPOKEN_CHARS)
        || is_long(&phonemes, MAX_SPOKEN_CHARS)
    {
        return Err(PronunciationError::TooLong);
    }
    let written = match matching {
        Matching::Pattern => written.trim().nfc().filter(|c| !c.is_control()).collect(),
        Matching::Word | Matching::Part => plain(&written),
    };
    let spoken = plain(&spoken);
    let is_bracket = |c: char| c.is_whitespace() || matches!(c, '/' | '[' | ']');
    let phonemes: String = phonemes.trim_matches(is_bracket).nfc().collect();
    let length = |text: &str| text.chars().count();
    if written.is_empty() {
        return Err(PronunciationError::NoWord);
    }
    if length(&written) > MAX_WRITTEN_CHARS
        || length(&spoken).max(length(&phonemes)) > MAX_SPOKEN_CHARS
    {
        return Err(PronunciationError::TooLong);
    }
    if let Some(other) = phonemes.chars().find(|c| !is_phonetic(*c)) {
        return Err(PronunciationError::Phonemes(other));
    }
    if spoken == written && phonemes.is_empty() {
        return Err(PronunciationError::NoChange);
    }
    let entry = NewPronunciation { written, spoken, phonemes, matching, matches_case, scope };
    if let Err(error) = pattern(&entry) {
        // The first lines of the message draw the pattern.
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        return Err(PronunciationError::Pattern(format!("{reason}.")));
    }
    Ok(entry)
}

/// As a sentence is before its capitals are considered: [`normalise`] would make `CHAPTER` small.
fn plain(text: &str) -> String {
    let text: String = text.nfc().filter(|c| !super::spoken::is_invisible(*c)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Letters of any phonetic alphabet, their diacritics, stress, length and joins.
fn is_phonetic(c: char) -> bool {
    c.is_alphabetic()
        || is_combining_mark(c)
        || matches!(c, ' ' | '.' | 'ˈ' | 'ˌ' | 'ː' | 'ˑ' | '‿' | '|' | '\'' | ':' | 'ʼ')
        || matches!(u32::from(c), 0x2b0..=0x2ff)
}

fn pattern(entry: &NewPronunciation) -> Result<Regex, regex::Error> {
    let source = match entry.matching {
        Matching::Pattern => Cow::Borrowed(&entry.written),
        Matching::Word | Matching::Part => Cow::Owned(regex::escape(&entry.written)),
    };
    RegexBuilder::new(&source)
        .case_insensitive(!entry.matches_case)
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .build()
}

/// The pronunciations that apply to a book.
#[derive(Debug, Default)]
pub struct Rules {
    entries: Vec<Pronunciation>,
    /// Entries by their first word, the longest first.
    words: HashMap<String, Vec<WordRule>>,
    patterns: Vec<(usize, Regex)>,
    /// Tells these rules from others.
    version: u64,
}

/// An entry of whole words.
#[derive(Debug)]
struct WordRule {
    entry: usize,
    /// The words and what is between them, without capitals.
    tokens: Vec<String>,
}

/// A stretch of text that an entry takes.
struct Claim {
    place: Range<usize>,
    /// None for what the book says itself.
    entry: Option<usize>,
    said: String,
}

/// A word of a sentence that the book says the sound of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSound<'a> {
    /// The word.
    pub word: &'a str,
    /// How often the sentence has it before.
    pub before: usize,
    /// In IPA.
    pub phonemes: &'a str,
}

/// What is said for a sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Pronounced<'a> {
    /// The text, with phonemes where an entry has some.
    pub text: Cow<'a, str>,
    /// The entries that have changed it, by their number in the rules.
    pub used: Vec<usize>,
}

impl Rules {
    /// Rules of these entries, the nearest scope first.
    pub fn new(entries: Vec<Pronunciation>) -> Self {
        let mut hasher = DefaultHasher::new();
        entries.hash(&mut hasher);
        let (mut words, mut patterns) = (HashMap::<_, Vec<WordRule>>::new(), Vec::new());
        for (at, Pronunciation { entry, .. }) in entries.iter().enumerate() {
            if entry.matching != Matching::Word {
                // What is kept has been compiled before.
                patterns.extend(pattern(entry).ok().map(|pattern| (at, pattern)));
                continue;
            }
            let tokens: Vec<String> =
                tokens(&entry.written).map(|place| fold(&entry.written[place])).collect();
            if let Some(first) = tokens.first().cloned() {
                words.entry(first).or_default().push(WordRule { entry: at, tokens });
            }
        }
        for same in words.values_mut() {
            // Stable: of the same words the nearest scope stays first.
            same.sort_by_key(|rule| std::cmp::Reverse(rule.tokens.len()));
        }
        let version = if entries.is_empty() { 0 } else { hasher.finish() };
        Self { entries, words, patterns, version }
    }

    /// The entries, as they were given.
    pub fn entries(&self) -> &[Pronunciation] {
        &self.entries
    }

    /// Tells these rules from others; 0 when there are none.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What is said for a sentence, given its [`normalise`]d text and what the book says itself.
    pub fn apply<'a>(&self, text: &'a str, own: &[OwnSound<'_>]) -> Pronounced<'a> {
        let mut claims = self.words_in(text);
        for sound in own {
            claim_own(text, sound, &mut claims);
        }
        for (entry, pattern) in &self.patterns {
            self.claim_matches(text, *entry, pattern, &mut claims);
        }
        if claims.is_empty() {
            return Pronounced { text: Cow::Borrowed(text), used: Vec::new() };
        }
        claims.sort_by_key(|claim| claim.place.start);
        let (mut spoken, mut from) = (String::with_capacity(text.len()), 0);
        let mut used = Vec::new();
        for Claim { place, entry, said } in claims {
            if spoken.len() + said.len() > text.len() + MAX_GROWTH_BYTES {
                break;
            }
            spoken.push_str(&text[from..place.start]);
            spoken.push_str(&said);
            from = place.end;
            used.extend(entry);
        }
        spoken.push_str(&text[from..]);
        used.sort_unstable();
        used.dedup();
        // A word that is not said leaves two spaces.
        let spoken = spoken.split_whitespace().collect::<Vec<_>>().join(" ");
        Pronounced { text: Cow::Owned(spoken), used }
    }

    fn words_in(&self, text: &str) -> Vec<Claim> {
        let mut claims = Vec::new();
        if self.words.is_empty() {
            return claims;
        }
        let tokens: Vec<Range<usize>> = tokens(text).collect();
        let folded: Vec<String> = tokens.iter().map(|place| fold(&text[place.clone()])).collect();
        let mut at = 0;
        while at < tokens.len() {
            let place = |rule: &WordRule| {
                let end = at + rule.tokens.len();
                (folded.get(at..end)? == rule.tokens).then(|| tokens[at].start..tokens[end - 1].end)
            };
            let found = self.words.get(&folded[at]).into_iter().flatten().find_map(|rule| {
                let entry = &self.entries[rule.entry].entry;
                let place = place(rule)?;
                let agrees = !entry.matches_case
                    || straight(&text[place.clone()]) == straight(&entry.written);
                agrees.then_some((rule, place))
            });
            match found {
                Some((rule, place)) => {
                    let entry = &self.entries[rule.entry].entry;
                    let said = said(entry, &text[place.clone()], entry.spoken.clone());
                    claims.push(Claim { place, entry: Some(rule.entry), said });
                    at += rule.tokens.len();
                }
                None => at += 1,
            }
        }
        claims
    }

    fn claim_matches(&self, text: &str, entry: usize, pattern: &Regex, claims: &mut Vec<Claim>) {
        let rule = &self.entries[entry].entry;
        let matches = pattern.captures_iter(text).map(|captures: Captures<'_>| {
            let mut spoken = String::new();
            match rule.matching {
                Matching::Pattern => captures.expand(&rule.spoken, &mut spoken),
                Matching::Word | Matching::Part => spoken.clone_from(&rule.spoken),
            }
            let found = captures.get_match();
            Claim {
                place: found.range(),
                entry: Some(entry),
                said: said(rule, found.as_str(), spoken),
            }
        });
        let taken: Vec<Range<usize>> = claims.iter().map(|claim| claim.place.clone()).collect();
        claims.extend(matches.filter(|claim| is_free(&claim.place, &taken)));
    }
}

fn is_free(place: &Range<usize>, taken: &[Range<usize>]) -> bool {
    !place.is_empty()
        && taken.iter().all(|other| place.end <= other.start || other.end <= place.start)
}

/// Takes what the book says the sound of, unless a listener has said how it is said.
fn claim_own(text: &str, sound: &OwnSound<'_>, claims: &mut Vec<Claim>) {
    let word = normalise(sound.word);
    let phonemes: String = sound.phonemes.nfc().collect();
    if word.is_empty() || !phonemes.chars().all(is_phonetic) {
        return;
    }
    let Some((at, found)) = text.match_indices(&*word).nth(sound.before) else { return };
    let place = at..at + found.len();
    let taken: Vec<Range<usize>> = claims.iter().map(|claim| claim.place.clone()).collect();
    if is_free(&place, &taken) {
        let said = format!("{WORD}{found}{PHONEMES}{phonemes}{END}");
        claims.push(Claim { place, entry: None, said });
    }
}

/// What stands in the text for a word: its replacement, and its phonemes if there are any.
fn said(entry: &NewPronunciation, found: &str, spoken: String) -> String {
    if entry.phonemes.is_empty() {
        return spoken;
    }
    let word = if spoken.is_empty() { found } else { &spoken };
    format!("{WORD}{word}{PHONEMES}{}{END}", entry.phonemes)
}

/// What a person hears of an entry before it is kept.
pub fn example(entry: &NewPronunciation) -> String {
    match entry.matching {
        // What it stands for is not known, and what it names of it is left out.
        Matching::Pattern => {
            let spoken = entry.spoken.replace('$', " ");
            said(entry, &entry.spoken, spoken)
        }
        Matching::Word | Matching::Part => said(entry, &entry.written, entry.spoken.clone()),
    }
}

/// The words of a text and, one by one, the signs between them.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_letter = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = &text[from..];
        let first = rest.chars().next()?;
        let length = if is_letter(first) && !stands_alone(first) {
            rest.find(|c| !is_letter(c) || stands_alone(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let place = from..from + length;
        from = place.end;
        Some(place)
    })
}

/// Whether a letter belongs to a script that puts no spaces between words, so that any run of letters may be
/// a word.
fn stands_alone(c: char) -> bool {
    matches!(
        u32::from(c),
        // Thai, Lao, Myanmar and Khmer; kana and Han.
        0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x9fff
            | 0xf900..=0xfaff | 0x20000..=0x3ffff
    )
}

/// Curly apostrophes as straight ones: books have one, keyboards the other.
fn straight(text: &str) -> String {
    text.replace('’', "'")
}

fn fold(token: &str) -> String {
    straight(token).to_lowercase()
}

/// The text for a voice that takes no phonemes.
pub fn without_phonemes(text: &str) -> Cow<'_, str> {
    if text.contains(WORD) { Cow::Owned(apart(text).0) } else { Cow::Borrowed(text) }
}

/// The text alone, and the places in it that have phonemes, with these.
pub fn apart(text: &str) -> (String, Vec<(Range<usize>, &str)>) {
    let (mut plain, mut places, mut rest) = (String::with_capacity(text.len()), Vec::new(), text);
    while let Some((before, after)) = rest.split_once(WORD) {
        plain.push_str(before);
        let whole = after.split_once(END);
        let parts = whole.and_then(|(word, rest)| Some((word.split_once(PHONEMES)?, rest)));
        let Some(((word, phonemes), after)) = parts else {
            rest = after;
            continue;
        };
        places.push((plain.len()..plain.len() + word.len(), phonemes));
        plain.push_str(word);
        rest = after;
    }
    plain.push_str(rest);
    (plain, places)
}

/// What is spoken for a sentence as a page shows it, given what the book says of its sound.
pub fn pronounce(rules: &Rules, sentence: &str, own: &[OwnSound<'_>]) -> String {
    let plain = normalise(sentence);
    match rules.apply(&plain, own).text {
        Cow::Borrowed(_) => plain,
        Cow::Owned(spoken) => spoken,
    }
}

#[cfg(test)]
mod tests {
    use app::model::PronunciationScope;
    use proptest::prelude::*;

    use super::*;

    fn entry(written: &str, spoken: &str) -> NewPronunciation {
        NewPronunciation {
            written: written.to_owned(),
            spoken: spoken.to_owned(),
            phonemes: String::new(),
            matching: Matching::Word,
            matches_case: false,
            scope: PronunciationScope::Book,
        }
    }

    fn rules(entries: impl IntoIterator<Item = NewPronunciation>) -> Rules {
        let keep = |entry| {
            let entry = checked(entry).unwrap();
            Pronunciation { id: String::new(), entry, target: String::new() }
        };
        Rules::new(entries.into_iter().map(keep).collect())
    }

    fn part(written: &str, spoken: &str) -> NewPronunciation {
        NewPronunciation { matching: Matching::Part, ..entry(written, spoken) }
    }

    fn regular(written: &str, spoken: &str) -> NewPronunciation {
        NewPronunciation { matching: Matching::Pattern, ..entry(written, spoken) }
    }

    #[test]
    fn what_the_book_says_of_a_sound_counts_unless_a_listener_says_otherwise() {
        let own = [
            OwnSound { word: "lead", before: 1, phonemes: "lɛd" },
            OwnSound { word: "Pip", before: 0, phonemes: "pɪp" },
            OwnSound { word: "no such", before: 0, phonemes: "x" },
            OwnSound { word: "pipe", before: 0, phonemes: "<b>" },
        ];
        let said = pronounce(&rules([entry("Pip", "Pipp")]), "I lead Pip to a lead  pipe.", &own);
        let (plain, places) = apart(&said);
        assert_eq!(plain, "I lead Pipp to a lead pipe.");
        assert_eq!(places, [(17..21, "lɛd")]);
    }

    #[test]
    fn whole_words_are_replaced_whatever_stands_around_them() {
        let rules =
            rules([entry("Pip", "Pipp"), entry("Mont Blanc", "Mon Blon"), entry("o'er", "over")]);
        for (text, said) in [
            ("Pip, and pip’s PIP!", "Pipp, and Pipp’s Pipp!"),
            ("Pippin and Philip stay.", "Pippin and Philip stay."),
            ("(Pip)—Pip-like", "(Pipp)—Pipp-like"),
            ("On Mont Blanc.", "On Mon Blon."),
            ("Mont Blanche", "Mont Blanche"),
            ("all o’er it", "all over it"),
            ("Épip", "Épip"),
        ] {
            assert_eq!(pronounce(&rules, text, &[]), said);
        }
    }

    #[test]
    fn the_longest_words_and_the_nearest_scope_come_first() {
        let rules = rules([entry("Ann", "near"), entry("ann", "far"), entry("Mary Ann", "both")]);
        assert_eq!(
            pronounce(&rules, "Ann met Mary Ann and Mary Anne.", &[]),
            "near met both and Mary Anne."
        );
        assert_eq!(rules.apply("Ann met Mary Ann", &[]).used, [0, 2]);
    }

    #[test]
    fn capitals_matter_when_they_are_said_to() {
        let rules = rules([NewPronunciation { matches_case: true, ..entry("US", "U. S.") }]);
        assert_eq!(pronounce(&rules, "The US told us.", &[]), "The U. S. told us.");
    }

    #[test]
    fn letters_and_patterns_are_replaced_where_no_word_is() {
        let rules = rules([
            entry("Leigh", "Lee"),
            part("eigh", "ay"),
            regular(r"(\d+) ft\b", "$1 feet"),
            regular(r"\[\d+\]", ""),
        ]);
        assert_eq!(
            pronounce(&rules, "Leigh weighed it at 6 ft [12] high.", &[]),
            "Lee wayed it at 6 feet high."
        );
    }

    #[test]
    fn what_was_put_in_is_not_looked_at_again() {
        let rules = rules([entry("cat", "dog"), entry("dog", "cat"), part("o", "oo")]);
        assert_eq!(pronounce(&rules, "A cat, a dog, no fox.", &[]), "A dog, a cat, noo foox.");
    }

    #[test]
    fn scripts_without_spaces_have_words_too() {
        let rules = rules([entry("漱石", "そうせき")]);
        assert_eq!(pronounce(&rules, "夏目漱石は", &[]), "夏目そうせきは");
    }

    #[test]
    fn phonemes_are_for_voices_that_take_them() {
        let pip = NewPronunciation { phonemes: "/pɪp/".to_owned(), ..entry("Pip", "") };
        let spoken = pronounce(&rules([pip]), "Dear Pip said \u{fdd0}so.", &[]);
        assert_eq!(without_phonemes(&spoken), "Dear Pip said so.");
        assert_eq!(apart(&spoken), ("Dear Pip said so.".to_owned(), vec![(5..8, "pɪp")]));
        assert_eq!(without_phonemes("\u{fdd0}broken"), "broken");
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_words() {
        let refused = |entry| checked(entry).unwrap_err();
        assert_eq!(refused(entry(" \u{ad}", "x")), PronunciationError::NoWord);
        assert_eq!(refused(entry("same", " same ")), PronunciationError::NoChange);
        assert_eq!(refused(entry(&"x".repeat(201), "y")), PronunciationError::TooLong);
        let reason = refused(regular("(", "x")).to_string();
        assert_eq!(reason, "The pattern cannot be used: unclosed group.");
        assert!(refused(regular(r"\w{900}{90}", "x")).to_string().contains("size limit"));
        let phonemes = NewPronunciation { phonemes: "pɪ1p".to_owned(), ..entry("Pip", "") };
        assert_eq!(refused(phonemes), PronunciationError::Phonemes('1'));
    }

    #[test]
    fn a_sentence_does_not_become_a_chapter() {
        let rules = rules([regular(".", &"long ".repeat(50))]);
        assert!(pronounce(&rules, &"word ".repeat(60), &[]).len() < 5_000);
    }

    proptest! {
        #[test]
        fn any_text_with_any_entry_is_said(
            written in "\\PC{1,6}",
            spoken in "\\PC{0,12}",
            text in "\\PC{0,60}",
            kind in 0..3,
        ) {
            let matching = [Matching::Word, Matching::Part, Matching::Pattern][kind as usize];
            if let Ok(entry) = checked(NewPronunciation { matching, ..entry(&written, &spoken) }) {
                let rules = rules([entry]);
                let around = format!("{text} {written} {text}");
                let plain = normalise(&around);
                let said = rules.apply(&plain, &[]);
                prop_assert_eq!(said.used.is_empty(), matches!(said.text, Cow::Borrowed(_)));
                prop_assert!(said.text.len() <= plain.len() + MAX_GROWTH_BYTES + 4 * MAX_SPOKEN_CHARS);
            }
        }
    }
}
