//! Sentences of a block: UAX #29 boundaries, less the ones a reader would not make.
//!
//! `unicode-segmentation` finds every place where a sentence may end. It knows no
//! abbreviation, so this module takes boundaries away again (`Dr. | Watson`), adds the few that
//! inline lists need, and at last cuts what would be too long to follow by ear.
//!
//! Input is the text of one block with its white space collapsed: UAX #29 ends a sentence at
//! every line break.

use std::collections::BTreeSet;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::language::LanguageRules;

/// Longest sentence that is highlighted and spoken as one, in characters. About 20 seconds of
/// speech; above it a listener loses the place, and the first sound comes late.
pub const MAX_SENTENCE_CHARS: usize = 300;

/// In a sentence longer than this, in characters, a semicolon ends a sentence: such periods chain
/// clauses that each stand alone, and nobody follows 700 characters to the stop.
const MAX_PERIOD_CHARS: usize = 600;

/// The sentences of `text` as byte ranges. They are in order, not empty, and cover it exactly:
/// white space between two sentences belongs to the first.
pub fn split_sentences(text: &str, rules: &LanguageRules) -> Vec<Range<usize>> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut boundaries = boundaries(text).into_iter().peekable();
    let mut markers = list_markers(text).into_iter().peekable();
    while let Some(end) = [boundaries.peek(), markers.peek()].into_iter().flatten().min().copied() {
        boundaries.next_if_eq(&end);
        if markers.next_if_eq(&end).is_some() {
            sentences.push(start..end);
            start = end;
            continue;
        }
        // Text up to the next boundary that has nothing to pronounce goes with what stands before.
        let piece = &text[end..boundaries.peek().copied().unwrap_or(text.len())];
        let is_fragment = !is_speakable(piece) && !piece.starts_with(is_bullet);
        if is_fragment || !is_speakable(&text[start..end]) {
            continue;
        }
        if let Some(length) = sentence_end(&text[start..end], &text[end..], rules) {
            sentences.push(start..start + length);
            start += length;
        }
    }
    sentences.push(start..text.len());
    divide(text, sentences, MAX_PERIOD_CHARS, |period| nearest_to_middle(period, is_semicolon))
}

/// Where a sentence may end: the boundaries of UAX #29, and those it does not see. To it a dash goes on
/// with the sentence (`SContinue`), `…` is no end, and a guillemet that is set off by a space stands for
/// itself.
fn boundaries(text: &str) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> =
        text.split_sentence_bound_indices().skip(1).map(|(at, _)| at).collect();
    for (at, mark) in text.char_indices().filter(|(_, c)| matches!(c, '。' | '！' | '？')) {
        let after = text[at + mark.len_utf8()..].trim_start_matches(['”', '’', '」', '』', '）']);
        // Between Chinese sentences stands no space, and to UAX #29 the quotation mark that opens the next
        // closes the last.
        let opened =
            after.strip_prefix(['“', '‘']).filter(|said| said.starts_with(char::is_alphanumeric));
        if let Some(said) = opened {
            found.remove(&(text.len() - said.len()));
            found.insert(text.len() - after.len());
        }
    }
    for (at, mark) in text.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?' | '…')) {
        let after = text[at + mark.len_utf8()..].trim_start_matches(is_closing);
        let gap = after.trim_start();
        if gap.len() == after.len() {
            continue;
        }
        let start = text.len() - gap.len();
        // `« Vraiment ? » Il` ends behind the guillemet.
        if let Some(behind) = gap.strip_prefix(['»', '›']) {
            let rest = behind.trim_start();
            if rest.len() < behind.len() {
                found.remove(&start);
                found.insert(text.len() - rest.len());
            }
            continue;
        }
        let opens_dialogue = gap
            .strip_prefix(['—', '–', '―'])
            .is_some_and(|said| said.starts_with(char::is_whitespace));
        let first = after_opening(gap).chars().next();
        if (opens_dialogue || mark == '…') && first.is_some_and(char::is_uppercase) {
            found.insert(start);
        }
    }
    found
}

/// A text without the marks and spaces that open it.
fn after_opening(text: &str) -> &str {
    text.trim_start_matches(|c: char| {
        is_opening(c) || c.is_whitespace() || matches!(c, '»' | '›' | '―')
    })
}

/// Cuts sentences over [`MAX_SENTENCE_CHARS`] at clause marks, else between words, else between
/// characters as a reader sees them. The parts are as even as the marks allow.
pub fn limit_length(text: &str, sentences: Vec<Range<usize>>) -> Vec<Range<usize>> {
    divide(text, sentences, MAX_SENTENCE_CHARS, |part| {
        [is_clause_mark, is_phrase_mark, char::is_whitespace]
            .into_iter()
            .find_map(|is_mark| nearest_to_middle(part, is_mark))
            .unwrap_or_else(|| character_near_middle(part))
            .into()
    })
}

/// Halves every range of more than `max_chars` characters, and the halves again, where `cut` finds
/// a place.
fn divide(
    text: &str,
    ranges: Vec<Range<usize>>,
    max_chars: usize,
    cut: impl Fn(&str) -> Option<usize>,
) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        let mut waiting = vec![range];
        while let Some(range) = waiting.pop() {
            let part = &text[range.clone()];
            // Bytes are never fewer than characters, so most sentences skip the count.
            let is_long = part.len() > max_chars && part.chars().count() > max_chars;
            match is_long.then(|| cut(part)).flatten() {
                Some(at) => {
                    waiting.push(range.start + at..range.end);
                    waiting.push(range.start..range.start + at);
                }
                None => parts.push(range),
            }
        }
    }
    parts
}

/// Whether there is anything to pronounce; ornaments and lone punctuation pass in silence.
pub fn is_speakable(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Where in `left` the sentence ends, given a UAX #29 boundary between `left` and `right`;
/// `None` when it goes on. Mostly that is all of `left`.
fn sentence_end(left: &str, right: &str, rules: &LanguageRules) -> Option<usize> {
    let trimmed = left.trim_end();
    let body = trimmed.trim_end_matches(|c: char| is_closing(c) || c.is_whitespace());
    let last = body.chars().next_back()?;
    if trimmed.len() == left.len() {
        // No space after the mark: `1.Helado`, `3.14.x`. Only full-width marks end it so.
        return (is_wide_terminal(last) && !continues_after_quote(trimmed, right, rules))
            .then_some(left.len());
    }
    let next = after_opening(right);
    // Nothing begins with `&`: `Com. & Adm.`
    if next.chars().next().is_some_and(|c| c.is_lowercase() || c == '&') {
        return None;
    }
    if is_citation(right) {
        return None;
    }
    if last == '.' {
        if let Some(dots) = spaced_ellipsis(body) {
            return match dots {
                // `word. . . . Next`: the stop ends it, the ellipsis opens what follows.
                SpacedEllipsis::AfterStop(at) => Some(at),
                SpacedEllipsis::Alone => None,
                SpacedEllipsis::WithStop => Some(left.len()),
            };
        }
        if abbreviation_goes_on(body, next, rules) {
            return None;
        }
    }
    Some(left.len())
}

/// Whether the stop at the end of `left` belongs to an abbreviation, an initial or a list
/// marker, and the sentence goes on with `next`.
fn abbreviation_goes_on(left: &str, next: &str, rules: &LanguageRules) -> bool {
    let before_stop = &left[..left.len() - 1];
    if before_stop.ends_with('.') {
        return false;
    }
    let word = before_stop
        .rsplit(|c: char| c.is_whitespace() || is_opening(c) || matches!(c, '—' | '–' | '/' | '&'))
        .next()
        .unwrap_or_default();
    if word.is_empty() {
        return false;
    }
    let is_whole = word.trim_start_matches(is_bullet)
        == before_stop.trim_start_matches(|c| is_bullet(c) || c == ' ');
    let next_is_digit = next.chars().next().is_some_and(|c| c.is_numeric());
    if is_whole && is_marker_label(word) {
        return true;
    }
    let before = before_stop[..before_stop.len() - word.len()].split_whitespace().next_back();
    let before = before.unwrap_or_default();
    if is_ordinal(word, before, next, rules) {
        return true;
    }
    if contains(rules.after_number, word) && is_numeral(before) {
        return !is_starter(next, rules);
    }
    if contains(rules.titles, word) {
        return true;
    }
    if contains(rules.before_number, word) && next_is_digit {
        return true;
    }
    let is_initial = is_single_uppercase(word);
    let is_acronym = word.contains('.') && word.split('.').all(|part| part.chars().count() == 1);
    if !(is_initial || is_acronym || contains(rules.soft, word)) {
        return false;
    }
    !is_starter(next, rules) || opens_with_time(before_stop, rules)
}

/// Whether a number and its stop are an ordinal: `am 3. Juni`, `der 1. Offizier`, `im XIX. Jahrhundert`.
fn is_ordinal(number: &str, before: &str, next: &str, rules: &LanguageRules) -> bool {
    let is_short = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    if !is_short && !is_roman(number) {
        return false;
    }
    contains(rules.after_ordinal, first_word(next))
        || is_short
            && contains(rules.before_ordinal, before)
            && next.starts_with(char::is_alphabetic)
            && !is_starter(next, rules)
}

/// `1999`, `1920-х`, `XIX`.
fn is_numeral(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.contains(|c: char| c.is_ascii_digit()) || is_roman(word)
}

fn is_roman(word: &str) -> bool {
    !word.is_empty() && word.len() <= 7 && word.bytes().all(|b| b"IVXLCDM".contains(&b))
}

/// `At 5 a.m.`: a phrase that cannot stand as a sentence of its own.
fn opens_with_time(sentence: &str, rules: &LanguageRules) -> bool {
    let mut words = sentence.split_whitespace();
    let opens = words.next().is_some_and(|word| contains(rules.time_prepositions, word));
    opens && words.count() <= 2
}

fn is_starter(next: &str, rules: &LanguageRules) -> bool {
    let word = first_word(next);
    // A single letter with a stop is an initial: `A. Merrow`.
    let is_initial = word.chars().count() == 1 && next[word.len()..].starts_with('.');
    !is_initial && contains(rules.starters, &word.replace('’', "'"))
}

fn first_word(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
    text.split(|c| !is_part(c)).next().unwrap_or_default()
}

/// Whether a list of lower-case words has `word`, in whatever case it is written.
fn contains(list: &[&str], word: &str) -> bool {
    list.iter().any(|entry| {
        entry.len() == word.len()
            && (entry.eq_ignore_ascii_case(word)
                || (!word.is_ascii() && *entry == word.to_lowercase()))
    })
}

fn is_single_uppercase(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.next().is_none()
}

/// `(Smith 55).` after a quotation: its own stop comes after the parenthesis.
fn is_citation(right: &str) -> bool {
    let Some(inside) = right.strip_prefix('(') else {
        return false;
    };
    inside.split_once(')').is_some_and(|(inner, after)| {
        !inner.contains('(') && after.starts_with(['.', '?', '!', ','])
    })
}

enum SpacedEllipsis {
    /// `word. . . .`: the byte after the first stop and its space.
    AfterStop(usize),
    /// `word . . . .`: an ellipsis and the stop.
    WithStop,
    /// `word . . .`
    Alone,
}

/// An ellipsis set with spaces at the end of `left` (Chicago Manual of Style, 13.53).
fn spaced_ellipsis(left: &str) -> Option<SpacedEllipsis> {
    let word_end = left.trim_end_matches(['.', ' ', '\u{a0}']).len();
    let run = &left[word_end..];
    let dots = run.bytes().filter(|byte| *byte == b'.').count();
    if !run.contains(". .") || dots < 3 {
        return None;
    }
    Some(match (run.starts_with('.'), dots) {
        (true, 4) => {
            let gap = run[1..].len() - run[1..].trim_start().len();
            SpacedEllipsis::AfterStop(word_end + 1 + gap)
        }
        (false, 3) => SpacedEllipsis::Alone,
        _ => SpacedEllipsis::WithStop,
    })
}

/// Starts of the items of an inline list (`1) … 2) …`, `a. … b. …`, `• … • …`), the first
/// excepted. A list has at least two items, begins the block, and counts up by one.
fn list_markers(text: &str) -> Vec<usize> {
    let Some(first) = Marker::parse(text) else {
        return Vec::new();
    };
    let mut expected = first.next();
    let mut starts = Vec::new();
    for (space, _) in text.match_indices(' ') {
        let at = space + 1;
        if Marker::parse(&text[at..]).is_some_and(|marker| marker == expected) {
            expected = expected.next();
            starts.push(at);
        }
    }
    starts
}

#[derive(PartialEq, Eq)]
struct Marker {
    bullet: Option<char>,
    label: Option<Label>,
}

#[derive(PartialEq, Eq)]
enum Label {
    Number { value: u32, close: String },
    Letter { value: char, close: String },
}

impl Marker {
    fn parse(text: &str) -> Option<Self> {
        let bullet = text.chars().next().filter(|c| is_bullet(*c));
        let rest = bullet.map_or(text, |c| text[c.len_utf8()..].trim_start());
        let word = rest.split(' ').next().unwrap_or_default();
        let body = word.trim_end_matches(['.', ')']);
        let close = &word[body.len()..];
        let label = match close {
            "." | ")" | ".)" => {
                let mut chars = body.chars();
                match (chars.next(), chars.next()) {
                    (Some(value), None) if value.is_ascii_lowercase() => {
                        Some(Label::Letter { value, close: close.to_owned() })
                    }
                    _ => body
                        .parse()
                        .ok()
                        .filter(|_| body.len() <= 3)
                        .map(|value| Label::Number { value, close: close.to_owned() }),
                }
            }
            _ => None,
        };
        (bullet.is_some() || label.is_some()).then_some(Self { bullet, label })
    }

    fn next(&self) -> Self {
        let label = self.label.as_ref().map(|label| match label {
            Label::Number { value, close } => {
                Label::Number { value: value + 1, close: close.clone() }
            }
            Label::Letter { value, close } => Label::Letter {
                value: char::from_u32(*value as u32 + 1).unwrap_or(*value),
                close: close.clone(),
            },
        });
        Self { bullet: self.bullet, label }
    }
}

/// `1`, `IV`, `a`: what stands before the stop of a list marker or a numbered heading.
fn is_marker_label(word: &str) -> bool {
    let word = word.trim_start_matches(is_bullet).trim_end_matches(')');
    let is_number = !word.is_empty() && word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit());
    let is_roman = word.len() <= 7 && word.bytes().all(|b| b"IVXLC".contains(&b));
    let is_letter = word.len() == 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    is_number || (is_roman && !word.is_empty()) || is_letter
}

/// The end of the mark nearest to the middle of `text`, with what closes after it and the space;
/// `None` when there is none far enough from both ends to leave no scrap.
fn nearest_to_middle(text: &str, is_mark: fn(char) -> bool) -> Option<usize> {
    let margin = text.len() / 8;
    let (low, high, middle) = (margin, text.len() - margin, text.len() / 2);
    text.char_indices()
        .filter(|(_, c)| is_mark(*c))
        .filter_map(|(at, c)| {
            let closed = text[at + c.len_utf8()..].trim_start_matches(is_closing);
            let after = closed.trim_start();
            let ends_word = after.len() < closed.len() || c.is_whitespace() || !c.is_ascii();
            ends_word.then_some(text.len() - after.len())
        })
        .filter(|at| (low..=high).contains(at))
        .min_by_key(|at| at.abs_diff(middle))
}

fn character_near_middle(text: &str) -> usize {
    let middle = (text.len() / 2).max(1);
    let graphemes = text.grapheme_indices(true).map(|(at, _)| at);
    // A single cluster can be longer than any limit; then it is cut inside.
    let chars = text.char_indices().map(|(at, _)| at);
    graphemes.chain(chars).find(|at| *at >= middle).unwrap_or(text.len())
}

fn is_semicolon(c: char) -> bool {
    matches!(c, ';' | '；' | '؛')
}

fn is_clause_mark(c: char) -> bool {
    is_semicolon(c) || matches!(c, ':' | '—' | '–' | '：' | '.' | '!' | '?' | '。' | '！' | '？')
}

fn is_phrase_mark(c: char) -> bool {
    matches!(c, ',' | '،' | '、' | '，' | ')' | '»' | '”')
}

fn continues_after_quote(left: &str, right: &str, rules: &LanguageRules) -> bool {
    left.ends_with(['」', '』', '”', '）'])
        && rules.after_quote.iter().any(|word| right.starts_with(word))
}

fn is_wide_terminal(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '．' | '｡' | '…')
}

fn is_bullet(c: char) -> bool {
    matches!(c, '•' | '⁃' | '‣' | '◦' | '▪' | '●' | '·')
}

fn is_opening(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '“'
            | '‘'
            | '«'
            | '‹'
            | '„'
            | '('
            | '['
            | '—'
            | '–'
            | '-'
            | '¿'
            | '¡'
            | '「'
            | '『'
    )
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '}' | '」' | '』' | '）' | '“')
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one sentence is one range")]
mod tests;
