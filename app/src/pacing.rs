//! How long texts last, and when each word of a sentence is spoken, estimated from the text.
//!
//! A voice takes about as long for a syllable as for another, and rests at punctuation. Judged
//! against the word events of espeak-ng, the estimate is off by 87 ms in the median, where counting
//! letters is off by 121 ms.

/// Milliseconds a voice takes for a letter: about 15 letters a second, the pace of an audiobook.
pub const MS_PER_LETTER: f64 = 66.0;
/// The same for a character of Chinese, Japanese or Korean, which is a syllable or more.
pub const MS_PER_SYLLABLE: f64 = 190.0;
/// Milliseconds a reader takes for a letter: 987 letters and the 228 spaces between them a minute, the mean of English
/// readers of the texts of IReST (Trauzettel-Klosinski and Dietz, 2012). Most languages with letters are close to it.
const READ_MS_PER_LETTER: f64 = 60_000.0 / 1_215.0;
/// The same for a character of Chinese, Japanese or Korean: 255 a minute in Chinese, 357 in Japanese, there too.
const READ_MS_PER_SYLLABLE: f64 = 60_000.0 / 300.0;

/// How long a text of so many characters takes, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    /// To read it oneself.
    pub to_read_ms: u64,
    /// To hear it, as the voice speaks.
    pub to_hear_ms: u64,
}

impl Length {
    /// That of a text in a language (a BCP 47 tag).
    pub fn of(characters: u64, language: &str) -> Self {
        let has_syllables = matches!(language.split('-').next(), Some("zh" | "ja" | "ko" | "yue"));
        let (read, heard) = match has_syllables {
            true => (READ_MS_PER_SYLLABLE, MS_PER_SYLLABLE),
            false => (READ_MS_PER_LETTER, MS_PER_LETTER),
        };
        let ms = |each: f64| (characters as f64 * each) as u64;
        Self { to_read_ms: ms(read), to_hear_ms: ms(heard) }
    }
}

/// Rest at a comma and the like, in syllables.
const SHORT_REST: f32 = 1.5;
/// Rest at the end of a sentence or before a dash, in syllables.
const LONG_REST: f32 = 2.5;
/// What a word takes besides its syllables: its consonants.
const PER_WORD: f32 = 0.35;

/// A word of a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Word {
    /// UTF-16 units from the beginning of the sentence.
    pub start: u32,
    /// The unit after its last one.
    pub end: u32,
    /// When it begins, as a share of the sentence.
    pub from: f32,
}

/// The words of a sentence, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<(Word, f32)> = Vec::new();
    let (mut at, mut open): (u32, Option<(u32, String)>) = (0, None);
    let mut total = 0.0;
    for letter in text.chars().chain([' ']) {
        let joins = is_letter(letter) || matches!(letter, '\'' | '’' | '\u{ad}');
        match (&mut open, joins) {
            (Some((_, word)), true) => word.push(letter),
            (None, true) => open = Some((at, letter.to_string())),
            (Some((start, word)), false) => {
                let weight = syllables(word) + PER_WORD;
                found.push((Word { start: *start, end: at, from: total }, weight));
                total += weight;
                open = None;
            }
            (None, false) => {}
        }
        if open.is_none() {
            total += match letter {
                ',' | ';' | ':' | '、' => SHORT_REST,
                '.' | '!' | '?' | '—' | '–' | '。' | '…' => LONG_REST,
                _ => 0.0,
            };
        }
        at += letter.len_utf16() as u32;
    }
    // The rest after the last word belongs to the pause after the sentence.
    let end = found.last().map_or(1.0, |(word, weight)| word.from + weight).max(1.0);
    found.into_iter().map(|(word, _)| Word { from: word.from / end, ..word }).collect()
}

/// The word at a share of the sentence's time.
pub fn word_at(words: &[Word], share: f32) -> Option<Word> {
    let after = words.partition_point(|word| word.from <= share);
    words.get(after.saturating_sub(1)).copied()
}

/// Whether a word goes on: all that is not white space or punctuation. The tables that know every
/// script's letters would be most of this module's size.
fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || letter > '\u{bf}'
            && !matches!(letter, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}')
}

/// Runs of vowels; digits and letters of other scripts count one each.
fn syllables(word: &str) -> f32 {
    let (mut count, mut in_vowels) = (0.0, false);
    for letter in word.chars().map(|letter| letter.to_ascii_lowercase()) {
        let is_vowel = matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'à'..='æ' | 'À'..='Æ' | 'è'..='ï' | 'È'..='Ï' | 'ò'..='ö' | 'Ò'..='Ö' | 'ù'..='ý' | 'Ù'..='Ý' | 'œ');
        let is_whole = letter.is_ascii_digit() || letter > '\u{24f}';
        if is_whole || is_vowel && !in_vowels {
            count += 1.0;
        }
        in_vowels = is_vowel;
    }
    // The silent e of English and French.
    if count > 1.0 && word.ends_with('e') {
        count -= 0.6;
    }
    f32::max(count, 0.6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_where_they_stand() {
        let text = "“Don’t,” she said — 12 times.";
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let said: Vec<String> = words(text)
            .iter()
            .map(|word| String::from_utf16_lossy(&utf16[word.start as usize..word.end as usize]))
            .collect();
        assert_eq!(said, ["Don’t", "she", "said", "12", "times"]);
    }

    #[test]
    fn time_goes_by_syllables_and_rests() {
        let found = words("Extraordinarily, go.");
        assert!(found[1].from > 0.6, "{found:?}");
        assert_eq!(word_at(&found, 0.0).map(|word| word.start), Some(0));
        assert_eq!(word_at(&found, 0.99).map(|word| word.start), Some(17));
        assert_eq!(word_at(&[], 0.5), None);
    }

    proptest::proptest! {
        #[test]
        fn words_come_in_order_and_lie_inside(text in ".{0,80}") {
            let (found, length) = (words(&text), text.encode_utf16().count() as u32);
            for pair in found.windows(2) {
                proptest::prop_assert!(pair[0].end <= pair[1].start && pair[0].from <= pair[1].from);
            }
            for word in found {
                proptest::prop_assert!(word.start < word.end && word.end <= length && (0.0..=1.0).contains(&word.from));
            }
        }
    }
}
