//! When words begin: what an engine says of the words it spoke, brought to the words on the page.

use serde::{Deserialize, Serialize};

/// A word as an engine tells of it, counted from the beginning of its audio.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedWord {
    /// The word as the engine has it.
    pub word: String,
    /// When it begins.
    pub seconds: f64,
}

/// A spoken word and when it begins in its clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordTiming {
    /// The word as it was spoken.
    pub word: String,
    /// Milliseconds from the beginning of the clip.
    pub start_ms: u32,
}

/// How many marks ahead a word of the page is looked for: an engine may tell a number in several words,
/// or a sign not at all.
const REACH: usize = 6;

/// When each of `words` begins, in milliseconds; words the engine did not tell of begin between their
/// neighbours.
pub fn align<'a>(
    words: impl IntoIterator<Item = &'a str>,
    marks: &[WordTiming],
    length_ms: u32,
) -> Vec<u32> {
    let folded: Vec<String> = marks.iter().map(|mark| fold(&mark.word)).collect();
    let mut next = 0;
    let mut starts: Vec<Option<u32>> = Vec::new();
    for word in words {
        let wanted = fold(word);
        let reach = (next + REACH).min(marks.len());
        let is_it = |at: &usize| !wanted.is_empty() && begins_alike(&folded[*at], &wanted);
        let found = (next..reach).find(is_it);
        starts.push(found.map(|at| marks[at].start_ms));
        if let Some(at) = found {
            next = at + 1;
        }
    }
    fill(&starts, length_ms)
}

/// `Don’t` may be told as `Don` and `t`, and `well-known` as one word.
fn begins_alike(mark: &str, word: &str) -> bool {
    !mark.is_empty() && (word.starts_with(mark) || mark.starts_with(word))
}

fn fold(word: &str) -> String {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Puts what is not known evenly between what is, and never lets time go back.
fn fill(starts: &[Option<u32>], length_ms: u32) -> Vec<u32> {
    let mut filled: Vec<u32> = Vec::with_capacity(starts.len());
    let mut before = 0;
    for (at, start) in starts.iter().enumerate() {
        let start = start.unwrap_or_else(|| {
            let gap = starts[at..].iter().take_while(|start| start.is_none()).count() as u32;
            let after = starts[at..].iter().flatten().next().copied().unwrap_or(length_ms);
            before + after.saturating_sub(before) / (gap + 1)
        });
        before = start.clamp(before, length_ms.max(before));
        filled.push(before);
    }
    filled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marks(words: &[(&str, u32)]) -> Vec<WordTiming> {
        words
            .iter()
            .map(|(word, start_ms)| WordTiming { word: (*word).to_owned(), start_ms: *start_ms })
            .collect()
    }

    #[test]
    fn words_are_found_where_the_engine_told_of_them() {
        let told = marks(&[("“Don’t,”", 50), ("she", 400), ("said", 600), (".", 900)]);
        assert_eq!(align(["Don’t", "she", "said"], &told, 1000), [50, 400, 600]);
    }

    #[test]
    fn what_was_not_told_lies_between() {
        let told =
            marks(&[("In", 50), ("nineteen", 200), ("eighty", 500), ("four", 800), ("it", 1000)]);
        assert_eq!(align(["In", "1984", "it"], &told, 1200), [50, 525, 1000]);
        assert_eq!(align(["a", "b"], &[], 900), [300, 600]);
    }

    proptest! {
        #[test]
        fn time_never_goes_back(words in prop::collection::vec("[ab]{1,2}", 0..12), told in prop::collection::vec(("[ab]{1,2}", 0..5000_u32), 0..12)) {
            let told: Vec<_> = told.into_iter().map(|(word, start_ms)| WordTiming { word, start_ms }).collect();
            let starts = align(words.iter().map(String::as_str), &told, 2000);
            prop_assert_eq!(starts.len(), words.len());
            prop_assert!(starts.is_sorted());
            prop_assert!(starts.iter().all(|start| *start <= 2000));
        }
    }
}
