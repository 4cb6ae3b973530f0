//! What is spoken for a sentence, where that differs from what is shown.
//!
//! The result is what an engine is given and what the hashes are taken of, so a change here changes the
//! keys of the sentences it touches, whose clips are then made anew: the test vectors in `hash.rs` must
//! change on purpose.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;

/// Normalises a sentence for speech: NFC, white space collapsed, invisible characters removed, letters in
/// disguise as themselves, words in capitals spoken as words, Roman numerals of headings as numbers.
pub fn normalise(sentence: &str) -> String {
    let plain = unmasked(sentence);
    let visible: String = plain.nfc().filter(|c| !is_invisible(*c)).collect();
    let collapsed = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let numbered = heading_numeral(&collapsed).unwrap_or(collapsed);
    lower_capitals(&numbered)
}

/// Letters and digits that Unicode has once more for their looks, as the plain ones: ligatures (`ﬃ`), bold
/// letters of mathematics (`𝐇`), wide ones (`Ａ`), numbers in circles, and Roman numerals of one character
/// (`Ⅳ`), which are numbers. Engines know neither. Fractions and raised digits mean something else and stay.
fn unmasked(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii() || !is_masked(c) && !is_roman(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if is_roman(c) {
            let length = rest.find(|c| !is_roman(c)).unwrap_or(rest.len());
            let numeral: String = rest[..length].nfkc().flat_map(char::to_uppercase).collect();
            match roman_value(&numeral) {
                Some(value) => {
                    // Writing to a String cannot fail.
                    let _ = write!(plain, "{value}");
                }
                None => plain.push_str(&numeral),
            }
            rest = &rest[length..];
            continue;
        }
        if is_masked(c) {
            plain.extend(std::iter::once(c).nfkc());
        } else {
            plain.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    Cow::Owned(plain)
}

fn is_masked(c: char) -> bool {
    matches!(
        u32::from(c),
        // Latin ligatures, full-width digits and letters, numbers in circles, mathematical letters.
        0xfb00..=0xfb06 | 0xff10..=0xff19 | 0xff21..=0xff3a | 0xff41..=0xff5a | 0x2460..=0x2473
            | 0x1d400..=0x1d7ff | 0x2102 | 0x210a..=0x2113 | 0x2115 | 0x2119..=0x211d | 0x2124
            | 0x2128 | 0x212c..=0x2131 | 0x2133 | 0x2134
    )
}

/// `Ⅰ` to `Ⅿ`, in both cases.
fn is_roman(c: char) -> bool {
    matches!(u32::from(c), 0x2160..=0x217f)
}

/// Soft hyphens, zero-width spaces and joiners between Latin letters, directional marks, the BOM, and
/// noncharacters, which are a program's own (`pronunciation.rs` uses some).
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fdd0}'
            ..='\u{fdef}'
    )
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

/// Engines spell out words in capitals (`IT WAS` → "I T W A S"). A sentence that is all capitals, and the
/// words in capitals that open a chapter (`IT WAS A DARK and stormy night`), are set so for looks.
fn lower_capitals(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters > 3 && text.split(' ').any(is_long) && !text.chars().any(char::is_lowercase) {
        return text.to_lowercase();
    }
    let opening: Vec<&str> = text.split(' ').take_while(|word| is_in_capitals(word)).collect();
    // One word alone may be the name of something: `NASA and BBC`.
    if opening.len() < 2 || !opening.iter().any(|word| is_long(word)) {
        return text.to_owned();
    }
    let length = opening.iter().map(|word| word.len() + 1).sum::<usize>() - 1;
    let (opening, rest) = text.split_at(length);
    let mut spoken = String::with_capacity(text.len());
    let mut is_first = true;
    for c in opening.chars() {
        // The sentence still begins with a capital.
        if is_first {
            spoken.push(c);
        } else {
            spoken.extend(c.to_lowercase());
        }
        is_first &= !c.is_alphabetic();
    }
    spoken + rest
}

/// Whether a word has enough letters to be no abbreviation.
fn is_long(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphabetic()).count() > 3
}

fn is_in_capitals(word: &str) -> bool {
    word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase)
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

    #[test]
    fn words_in_capitals_that_open_a_chapter_are_words() {
        assert_eq!(
            normalise("IT WAS A DARK and stormy evening."),
            "It was a dark and stormy evening."
        );
        assert_eq!(normalise("“THE OLD HOUSE stood alone.”"), "“The old house stood alone.”");
        assert_eq!(normalise("THE NASA report"), "The nasa report");
        for unchanged in
            ["NASA and BBC met.", "The NASA and BBC teams", "I AM he", "UNESCO said so."]
        {
            assert_eq!(normalise(unchanged), unchanged);
        }
    }

    #[test]
    fn letters_in_disguise_are_themselves() {
        for (shown, spoken) in [
            ("The oﬃcer", "The officer"),
            ("Act Ⅳ", "Act 4"),
            ("Louis ⅩⅣ", "Louis 14"),
            ("no. ⅲ", "no. 3"),
            ("𝐇𝐞𝐥𝐥𝐨", "Hello"),
            ("Ｒｏｏｍ　４２", "Room 42"),
            ("step ③", "step 3"),
        ] {
            assert_eq!(normalise(shown), spoken);
        }
        for unchanged in ["½ of m²", "x₁", "カﾞ", "№ 5"] {
            assert_eq!(normalise(unchanged), unchanged);
        }
    }

    proptest! {
        #[test]
        fn it_is_stable(text in "\\PC{0,80}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
