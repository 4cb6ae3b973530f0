//! Which parts of a text are spoken by somebody in it: what stands in quotation marks.
//!
//! A mark may be a title or a word that the author holds with tongs (“the so-called ‘expert’ came”). What is
//! spoken has a sign at its end, within the marks (“No,” she said) or behind them (‘No’, she said), or goes on
//! through a sentence.

use std::ops::Range;

/// Marks that open, and those that close what they open.
const PAIRS: [(char, &str); 9] = [
    ('“', "”“"),
    ('„', "“”\""),
    ('‘', "’"),
    ('‚', "‘’"),
    ('«', "»"),
    ('»', "«"),
    ('‹', "›"),
    ('「', "」"),
    ('『', "』"),
];
/// The mark that opens and closes.
const STRAIGHT: char = '"';
/// Signs that end what somebody says, or a part of it.
const ENDS: &str = ".,!?…—–-;:。、！？，";

/// Signs that may stand first in what somebody says.
const BEGINNINGS: &str = "¿¡“‘„‚«‹「『…—–-(’'";

/// What a text consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where it stands, in bytes.
    pub place: Range<usize>,
    /// Whether somebody in the text says it.
    pub is_speech: bool,
}

/// Reads the sentences of a paragraph one after the other: what is opened in one may be closed in another.
#[derive(Debug, Default)]
pub struct Quotes {
    /// The marks that close what is open.
    open: Option<&'static str>,
}

impl Quotes {
    /// Parts of a sentence in turn. Together they are the sentence.
    pub fn runs(&mut self, sentence: &str) -> Vec<Run> {
        let mut quoted = Vec::new();
        let mut from = self.open.map(|_| 0);
        let mut before = None;
        let mut letters = sentence.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let next = letters.peek().map(|(_, next)| *next);
            match self.open {
                Some(closing) if closes(closing, letter, next) => {
                    let place = from.take().unwrap_or(at)..at + letter.len_utf8();
                    if is_spoken(sentence, &place) {
                        quoted.push(place);
                    }
                    self.open = None;
                }
                Some(_) => {}
                None => {
                    let is_cut = letter == '‘' && is_cut_word(&sentence[at + letter.len_utf8()..]);
                    if let Some(closing) = opens(letter, before, next).filter(|_| !is_cut) {
                        (self.open, from) = (Some(closing), Some(at));
                    }
                }
            }
            before = Some(letter);
        }
        if let Some(from) = from {
            quoted.push(from..sentence.len());
        }
        parts(sentence, quoted)
    }

    /// A paragraph has ended. One that goes on in the next opens with a mark again.
    pub fn end_paragraph(&mut self) {
        self.open = None;
    }
}

fn opens(letter: char, before: Option<char>, next: Option<char>) -> Option<&'static str> {
    // Behind a letter it is an apostrophe, or closes what was never opened.
    let is_inside = before.is_some_and(char::is_alphanumeric);
    // In French a space that does not break stands behind the mark; before a sign, a mark closes.
    let begins = next.is_some_and(|next| {
        next.is_alphanumeric() || BEGINNINGS.contains(next) || letter == '«' && next.is_whitespace()
    });
    if is_inside || !begins {
        return None;
    }
    if letter == STRAIGHT {
        return Some("\"");
    }
    PAIRS.iter().find(|(open, _)| *open == letter).map(|(_, closing)| *closing)
}

/// Whether a word follows whose beginning was left out: an apostrophe stands before it, which tools turn round.
fn is_cut_word(rest: &str) -> bool {
    const CUT: [&str; 7] = ["em", "tis", "twas", "twere", "til", "cause", "n"];
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
    CUT.contains(&word.to_lowercase().as_str()) || word.starts_with(|c: char| c.is_ascii_digit())
}

fn closes(closing: &str, letter: char, next: Option<char>) -> bool {
    // `don’t` closes nothing.
    closing.contains(letter) && !(letter == '’' && next.is_some_and(char::is_alphanumeric))
}

/// Whether what is quoted within a sentence is spoken there.
fn is_spoken(sentence: &str, place: &Range<usize>) -> bool {
    let is_mark = |c: char| !c.is_alphanumeric() && !ENDS.contains(c);
    let inside = sentence[place.clone()].trim_end_matches(|c: char| is_mark(c));
    let ends_inside = inside.ends_with(|c| ENDS.contains(c));
    let after = sentence[place.end..].trim_start_matches(['’', '”']);
    let is_rest = !after.contains(char::is_alphanumeric);
    let begins = !sentence[..place.start].contains(char::is_alphanumeric);
    let before = sentence[..place.start].trim_end();
    let is_led_to = before.ends_with(':') || before.ends_with(',') && is_rest;
    ends_inside || is_led_to || begins && (is_rest || after.starts_with(|c| ENDS.contains(c)))
}

/// The parts of a sentence, given those that are spoken. White space and signs go with what precedes them.
fn parts(sentence: &str, quoted: Vec<Range<usize>>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut add = |place: Range<usize>, is_speech| {
        let has_words = sentence[place.clone()].contains(char::is_alphanumeric);
        match runs.last_mut() {
            // What has no words is no part of its own.
            Some(last) if !has_words || last.is_speech == is_speech => last.place.end = place.end,
            _ if place.is_empty() => {}
            _ => runs.push(Run { place, is_speech }),
        }
    };
    let mut from = 0;
    for place in quoted {
        add(from..place.start, false);
        // A comma behind the marks belongs to what is in them.
        let rest = &sentence[place.end..];
        let is_sign = |c: char| c.is_whitespace() || ENDS.contains(c);
        from = sentence.len() - rest.trim_start_matches(is_sign).len();
        add(place.start..from, true);
    }
    add(from..sentence.len(), false);
    if let [first, second, ..] = &mut runs[..]
        && !sentence[first.place.clone()].contains(char::is_alphanumeric)
    {
        second.place.start = first.place.start;
        runs.remove(0);
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The sentences of a paragraph with what is spoken in brackets.
    fn marked(sentences: &[&str]) -> String {
        let mut quotes = Quotes::default();
        let of = |sentence: &&str| {
            let runs = quotes.runs(sentence);
            let part = |run: &Run| {
                let text = &sentence[run.place.clone()];
                if run.is_speech { format!("[{text}]") } else { text.to_owned() }
            };
            runs.iter().map(part).collect::<String>()
        };
        sentences.iter().map(of).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn what_somebody_says_is_found() {
        for (sentence, expected) in [
            ("“No,” she said.", "[“No,” ]she said."),
            ("She said, “No.”", "She said, [“No.”]"),
            ("“Well,” he said, “let us go.”", "[“Well,” ]he said, [“let us go.”]"),
            ("‘Don’t go’, she said.", "[‘Don’t go’, ]she said."),
            ("„Nein“, sagte sie.", "[„Nein“, ]sagte sie."),
            ("« Non », dit-elle.", "[« Non », ]dit-elle."),
            ("»Nein«, sagte sie.", "[»Nein«, ]sagte sie."),
            ("\"No,\" she said.", "[\"No,\" ]she said."),
            ("「いいえ。」と彼女は言った。", "[「いいえ。」]と彼女は言った。"),
            ("“Stop!”", "[“Stop!”]"),
            ("“Stop”", "[“Stop”]"),
            ("The so-called “expert” came.", "The so-called “expert” came."),
            ("It was the dogs’ house, wasn’t it?", "It was the dogs’ house, wasn’t it?"),
            ("’Tis the season.", "’Tis the season."),
            ("No quotes here.", "No quotes here."),
            ("Él dijo: «Ven aquí».", "Él dijo: [«Ven aquí».]"),
            ("He said, ‘I’ll come’.", "He said, [‘I’ll come’.]"),
            ("„Nein\", sagte er.", "[„Nein\", ]sagte er."),
            ("I told ‘em to go, and left.", "I told ‘em to go, and left."),
            ("‘Tis late.", "‘Tis late."),
            ("« Non ! » dit-elle.", "[« Non ! » ]dit-elle."),
            ("Il partit ». Elle resta.", "Il partit ». Elle resta."),
            ("“…and so on,” he said.", "[“…and so on,” ]he said."),
            ("", ""),
        ] {
            assert_eq!(marked(&[sentence]), expected, "{sentence}");
        }
    }

    #[test]
    fn speech_goes_on_through_sentences_and_ends_with_its_paragraph() {
        assert_eq!(
            marked(&["“I went.", "Then I came,” he said.", "He sat."]),
            "[“I went.]|[Then I came,” ]he said.|He sat."
        );
        let mut quotes = Quotes::default();
        quotes.runs("“It was long ago.");
        quotes.end_paragraph();
        assert!(!quotes.runs("He sat.")[0].is_speech);
    }

    proptest! {
        #[test]
        fn parts_are_the_whole(sentences in prop::collection::vec("(.|[“”‘’«»\"„ a,.]){0,40}", 1..4)) {
            let mut quotes = Quotes::default();
            for sentence in &sentences {
                let runs = quotes.runs(sentence);
                let whole: String = runs.iter().map(|run| &sentence[run.place.clone()]).collect();
                prop_assert_eq!(&whole, sentence);
                prop_assert!(runs.windows(2).all(|two| two[0].is_speech != two[1].is_speech));
            }
        }
    }
}
