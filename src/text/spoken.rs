//! What is spoken for a sentence, where that differs from what is shown.
//!
//! The result is what an engine is given and what the hashes are taken of, so a change here is a
//! change of every key: the test vectors in `hash.rs` must then change on purpose.

use unicode_normalization::UnicodeNormalization;

/// Normalises a sentence for speech: NFC, white space collapsed, invisible characters removed,
/// words in capitals spoken as words, Roman numerals of headings as numbers.
pub fn normalise(sentence: &str) -> String {
    let visible: String = sentence.nfc().filter(|c| !is_invisible(*c)).collect();
    let collapsed = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let numbered = heading_numeral(&collapsed).unwrap_or(collapsed);
    lower_capitals(&numbered)
}

/// Soft hyphens, zero-width spaces and joiners between Latin letters, directional marks, the BOM.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// `CHAPTER IV.` → `CHAPTER 4.`; `IV` → `4`. Only where the whole sentence is a heading's number:
/// `I` and `VI` are words elsewhere.
fn heading_numeral(text: &str) -> Option<String> {
    const DIVISIONS: [&str; 10] = [
        "chapter", "part", "book", "volume", "canto", "act", "scene", "section", "letter", "stave",
    ];
    let mut words = text.split(' ').collect::<Vec<_>>();
    let position = match words.as_slice() {
        [_] => 0,
        [division, _, ..] if DIVISIONS.contains(&division.to_lowercase().as_str()) => 1,
        _ => return None,
    };
    let word = words[position];
    let numeral = word.trim_end_matches(['.', ':', ',']);
    // A lone `I` is more often the word.
    if position == 0 && numeral == "I" && numeral == word && text.len() == 1 {
        return Some("1".to_owned());
    }
    let value = roman_value(numeral)?.to_string();
    let spoken = format!("{value}{}", &word[numeral.len()..]);
    words[position] = &spoken;
    Some(words.join(" "))
}

/// The value of a well-formed upper-case Roman numeral up to 399.
pub fn roman_value(numeral: &str) -> Option<u32> {
    const DIGITS: [(&str, u32); 9] = [
        ("C", 100),
        ("XC", 90),
        ("L", 50),
        ("XL", 40),
        ("X", 10),
        ("IX", 9),
        ("V", 5),
        ("IV", 4),
        ("I", 1),
    ];
    let mut rest = numeral;
    let mut value = 0;
    for (digit, worth) in DIGITS {
        let most = if matches!(worth, 1 | 10 | 100) { 3 } else { 1 };
        for _ in 0..most {
            let Some(after) = rest.strip_prefix(digit) else { break };
            rest = after;
            value += worth;
        }
    }
    (rest.is_empty() && value > 0).then_some(value)
}

/// Engines spell out words in capitals (`IT WAS` → "I T W A S"); a sentence that is all capitals
/// is set so for looks, and is spoken in lower case.
fn lower_capitals(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let words =
        text.split(' ').filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 3);
    let has_long_word = words.count() > 0;
    if letters > 3 && has_long_word && !text.chars().any(char::is_lowercase) {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_heard_is_gone() {
        assert_eq!(normalise("  re\u{ad}mark\u{200b}able \n thing "), "remarkable thing");
        assert_eq!(normalise("cafe\u{301}"), "café");
    }

    #[test]
    fn headings_are_read_as_numbers() {
        assert_eq!(normalise("CHAPTER IV."), "chapter 4.");
        assert_eq!(normalise("XIV"), "14");
        assert_eq!(normalise("Chapter II The Meeting"), "Chapter 2 The Meeting");
        assert_eq!(normalise("I"), "1");
        assert_eq!(normalise("I did."), "I did.");
        assert_eq!(normalise("VI is an editor."), "VI is an editor.");
        assert_eq!(normalise("IIV"), "IIV");
    }

    #[test]
    fn capitals_are_words() {
        assert_eq!(normalise("THE ADVENTURE BEGINS"), "the adventure begins");
        assert_eq!(normalise("The NASA report"), "The NASA report");
        assert_eq!(normalise("BBC"), "BBC");
    }

    proptest! {
        #[test]
        fn it_is_stable(text in "\\PC{0,80}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
