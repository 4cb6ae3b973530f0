//! Finding words in a book: whole words, whatever their case and accents.

use std::sync::LazyLock;

use app::model::{BookId, Hit};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::chapters::Chapter;
use super::{Library, LibraryError};
use crate::text::spoken::is_invisible;

/// Places shown at most.
pub const MAX_HITS: usize = 200;
/// Longest text searched for, in characters.
const MAX_QUERY_CHARS: usize = 200;
/// Searches at once, of all people; others wait for their turn. Each reads and folds the whole of a book, and half of
/// the processors is for those who listen.
static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new(processors.div_ceil(2))
});
/// Text shown before and after what was found, in characters.
const CONTEXT_CHARS: usize = 80;

impl Library {
    /// Where a book says `query`, in reading order; no more than [`MAX_HITS`].
    pub async fn search(&self, book: &BookId, query: &str) -> Result<Vec<Hit>, LibraryError> {
        let details = self.metadata(book).await?;
        let query = query.trim();
        if query.chars().count() > MAX_QUERY_CHARS {
            return Err(LibraryError::QueryTooLong(MAX_QUERY_CHARS));
        }
        let needle = Folded::of(query).text;
        if needle.is_empty() {
            return Ok(Vec::new());
        }
        let mut hits = Vec::new();
        // It is never closed.
        let _turn = AT_ONCE.acquire().await;
        for card in &details.chapters {
            // Past the cache of chapters: a search reads all, and would drive out what is read.
            let revision = details.card.revision;
            let Some(chapter) = self.shared.shelf.chapter(book, revision, card.number).await?
            else {
                continue;
            };
            let (needle, room, number) = (needle.clone(), MAX_HITS - hits.len(), card.number);
            let found = tokio::task::spawn_blocking(move || find(&chapter, number, &needle, room));
            hits.extend(found.await?);
            if hits.len() >= MAX_HITS {
                break;
            }
        }
        Ok(hits)
    }
}

fn find(chapter: &Chapter, number: u32, needle: &str, room: usize) -> Vec<Hit> {
    let mut hits = Vec::new();
    // Invisible characters alone are nowhere.
    if needle.is_empty() {
        return hits;
    }
    for (sentence, source) in (0..).zip(&chapter.sentences) {
        let folded = Folded::of(&source.text);
        let mut from = 0;
        while let Some(at) = folded.text[from..].find(needle) {
            let (start, end) = (from + at, from + at + needle.len());
            from = start + folded.text[start..].chars().next().map_or(1, char::len_utf8);
            if !is_whole(&folded.text, start, end) {
                continue;
            }
            let (first, last) = (folded.origin(start), folded.origin(end));
            let (before, after) = context(chapter, sentence as usize, first, last);
            hits.push(Hit {
                chapter: number,
                title: chapter.title.clone(),
                sentence,
                before,
                found: source.text[first..last].to_owned(),
                after,
            });
            if hits.len() >= room {
                return hits;
            }
        }
    }
    hits
}

/// Text with case and accents taken off, and where each of its bytes comes from.
struct Folded {
    text: String,
    /// For each byte of `text`, the byte of the original its character begins at.
    origins: Vec<usize>,
    length: usize,
}

impl Folded {
    fn of(original: &str) -> Self {
        let (mut text, mut origins) = (String::new(), Vec::new());
        for (at, letter) in original.char_indices().filter(|(_, letter)| !is_invisible(*letter)) {
            let letter = match letter {
                '’' | '‘' => '\'',
                '\u{a0}' => ' ',
                other => other,
            };
            for plain in letter.nfkd().filter(|part| !is_combining_mark(*part)) {
                for lower in plain.to_lowercase() {
                    text.push(lower);
                    origins.resize(text.len(), at);
                }
            }
        }
        Self { text, origins, length: original.len() }
    }

    /// The byte of the original where the letter at `at` begins; marks belong to the letter before.
    fn origin(&self, at: usize) -> usize {
        self.origins.get(at).copied().unwrap_or(self.length)
    }
}

/// Whether a stretch begins and ends where words do. Scripts written without spaces have no such
/// places, so their letters are always taken.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let joins = |letter: char| letter.is_alphanumeric() && !is_unspaced(letter);
    let inside = &text[start..end];
    let open = |outer: Option<char>, inner: Option<char>| match (outer, inner) {
        (Some(outer), Some(inner)) => !(joins(outer) && joins(inner)),
        _ => true,
    };
    open(text[..start].chars().next_back(), inside.chars().next())
        && open(text[end..].chars().next(), inside.chars().next_back())
}

/// Chinese, Japanese, Thai, Lao, Khmer and Burmese.
fn is_unspaced(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff
        | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// The text around a stretch of a sentence, reaching into the sentences beside it.
fn context(chapter: &Chapter, sentence: usize, first: usize, last: usize) -> (String, String) {
    let text = |index: usize| chapter.sentences.get(index).map_or("", |near| near.text.as_str());
    let own = text(sentence);
    let mut before = own[..first].to_owned();
    if let Some(previous) = sentence.checked_sub(1)
        && before.chars().count() < CONTEXT_CHARS
    {
        before = format!("{} {before}", text(previous));
    }
    let mut after = own[last..].to_owned();
    if after.chars().count() < CONTEXT_CHARS {
        after = format!("{after} {}", text(sentence + 1));
    }
    let surplus = before.chars().count().saturating_sub(CONTEXT_CHARS);
    let mut near: String = before.chars().skip(surplus).collect();
    if surplus > 0 {
        // From the next whole word on, where words have spaces between them.
        near = format!("…{}", near.split_once(' ').map_or(&*near, |(_, whole)| whole));
    }
    let mut rest: String = after.chars().take(CONTEXT_CHARS).collect();
    if after.chars().count() > CONTEXT_CHARS {
        rest = format!("{}…", rest.rsplit_once(' ').map_or(&*rest, |(whole, _)| whole));
    }
    (near, rest.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::chapters::{Part, Pause, Sentence};

    fn found(sentences: &[&str], query: &str) -> Vec<(u32, String)> {
        let sentences = sentences
            .iter()
            .map(|text| Sentence {
                overlay: None,
                text: (*text).to_owned(),
                pause: Pause::Sentence,
                part: Part::Text,
                language: None,
                heading: None,
                sounds: Vec::new(),
                notes: Vec::new(),
            })
            .collect();
        let chapter = Chapter {
            title: "T".to_owned(),
            html: String::new(),
            sentences,
            notes: std::collections::BTreeMap::new(),
        };
        find(&chapter, 1, &Folded::of(query).text, MAX_HITS)
            .into_iter()
            .map(|hit| (hit.sentence, hit.found))
            .collect()
    }

    #[test]
    fn words_are_found_whole_whatever_their_case_and_accents() {
        let text = ["The Café was cafeteria-like.", "CAFE\u{301}, again.", "A decaf."];
        let expected = [(0, "Café".to_owned()), (1, "CAFE\u{301}".to_owned())];
        assert_eq!(found(&text, "cafe"), expected);
        assert_eq!(found(&text, "CAFÉ"), expected);
    }

    #[test]
    fn several_words_and_apostrophes() {
        assert_eq!(found(&["Don’t ask why."], "don't ask"), [(0, "Don’t ask".to_owned())]);
        assert_eq!(found(&["aa aa aa"], "aa aa").len(), 2);
    }

    #[test]
    fn scripts_without_spaces() {
        assert_eq!(found(&["山路を登りながら、こう考えた。"], "登り").len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_searched_for_anything(text in ".{0,60}", query in ".{1,4}") {
            for (_, hit) in found(&[&text], &query) {
                proptest::prop_assert!(text.contains(&hit));
            }
        }

        #[test]
        fn a_word_that_is_there_is_found(before in "[a-zé ]{0,20}", word in "[a-zé]{1,8}") {
            let text = format!("{before} {word}.");
            proptest::prop_assert!(!found(&[&text], &word).is_empty());
        }
    }
}
