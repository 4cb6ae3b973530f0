//! Which sentence is heard where: the passages that a book names, laid over the sentences of a chapter.
//!
//! Books name sentences, paragraphs or words, and cut them otherwise than we do. All is measured in one length, that of
//! the chapter's text: a sentence that is a part of a passage is heard for that part of its time, and one
//! that consists of several from the beginning of the first to the end of the last.

use std::collections::HashMap;
use std::ops::Range;

use crate::library::manuscript::HeardPassage;
use crate::library::overlay::{Moment, Overlay};

/// A pause between two sentences that is no longer than this is a part of the reading, in milliseconds.
const MAX_PAUSE_MS: u32 = 3000;

/// Names an element: its document and its id.
type ElementId = (usize, String);

/// Where things stand in the text of a chapter, in bytes, as it is typeset.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// How much text there is so far.
    length: usize,
    sentences: Vec<Range<usize>>,
    /// The open containers and where they begin; those without an id, or of which nothing is heard, have no name.
    open: Vec<Option<(ElementId, usize)>>,
    elements: HashMap<ElementId, Range<usize>>,
}

impl Standing {
    /// A container opens.
    pub(super) fn open(&mut self, element: Option<ElementId>) {
        self.open.push(element.map(|element| (element, self.length)));
    }

    /// The innermost container closes.
    pub(super) fn close(&mut self) {
        if let Some((element, start)) = self.open.pop().flatten() {
            self.elements.entry(element).or_insert(start..self.length);
        }
    }

    /// All containers that are open close.
    pub(super) fn end(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }

    /// A block: its sentences, and the elements in it, both by their places in its text.
    pub(super) fn add(
        &mut self,
        sentences: impl Iterator<Item = Range<usize>>,
        elements: impl Iterator<Item = (ElementId, Range<usize>)>,
    ) {
        let begin = self.length;
        let moved = |place: Range<usize>| begin + place.start..begin + place.end;
        for (element, place) in elements {
            self.elements.entry(element).or_insert_with(|| moved(place));
        }
        for sentence in sentences.map(moved) {
            self.length = self.length.max(sentence.end);
            self.sentences.push(sentence);
        }
    }

    /// Where each sentence is heard, by the passages of the chapter's documents.
    pub(super) fn lay<'p>(
        &self,
        passages: impl Iterator<Item = (usize, &'p HeardPassage)>,
    ) -> Vec<Option<Overlay>> {
        let placed = passages.filter_map(|(document, heard)| {
            let place = self.elements.get(&(document, heard.id.clone()))?.clone();
            Some(Placed { place, heard })
        });
        lay(&self.sentences, placed.collect())
    }
}

/// A passage that stands in the chapter.
struct Placed<'p> {
    place: Range<usize>,
    heard: &'p HeardPassage,
}

fn lay(sentences: &[Range<usize>], mut placed: Vec<Placed<'_>>) -> Vec<Option<Overlay>> {
    placed.sort_by_key(|passage| (passage.place.start, passage.place.end));
    // Of those that stand in each other, the one that is heard first has the text up to the next.
    for at in 1..placed.len() {
        let (before, after) = placed.split_at_mut(at);
        if let (Some(last), Some(next)) = (before.last_mut(), after.first()) {
            last.place.end = last.place.end.min(next.place.start);
        }
    }
    placed.retain(|passage| !passage.place.is_empty());
    let mut laid: Vec<Option<Overlay>> =
        sentences.iter().map(|sentence| of_sentence(sentence, &placed)).collect();
    join_pauses(&mut laid);
    laid
}

fn of_sentence(sentence: &Range<usize>, placed: &[Placed<'_>]) -> Option<Overlay> {
    let from = placed.partition_point(|passage| passage.place.end <= sentence.start);
    let within = placed[from..].iter().take_while(|passage| passage.place.start < sentence.end);
    let first = within.clone().next()?;
    // What goes on in another file, or goes back, cannot be heard in one piece.
    let mut last = first;
    for passage in within {
        if passage.heard.file != first.heard.file || passage.heard.begin_ms < last.heard.begin_ms {
            break;
        }
        last = passage;
    }
    let begin = match sentence.start.checked_sub(first.place.start) {
        None | Some(0) => Moment::at(first.heard.begin_ms),
        Some(into) => within_passage(first, into)?,
    };
    let end = match sentence.end < last.place.end {
        true => Some(within_passage(last, sentence.end - last.place.start)?),
        false => last.heard.end_ms.map(Moment::at),
    };
    Some(Overlay { file: first.heard.file.clone(), begin, end })
}

/// When so many bytes of a passage have been heard; `None` where it is not known how long it is.
fn within_passage(passage: &Placed<'_>, bytes: usize) -> Option<Moment> {
    let begin_ms = passage.heard.begin_ms;
    let length = u64::from(passage.heard.end_ms?.saturating_sub(begin_ms));
    let heard = length * bytes as u64 / passage.place.len().max(1) as u64;
    Some(Moment { ms: begin_ms + heard as u32, is_near: true })
}

/// A pause that the reader makes between two sentences goes with the first, so that it is heard as it was made.
fn join_pauses(laid: &mut [Option<Overlay>]) {
    for at in 1..laid.len() {
        let (before, after) = laid.split_at_mut(at);
        let (Some(Some(last)), Some(Some(next))) = (before.last_mut(), after.first()) else {
            continue;
        };
        let Some(end) = last.end.filter(|_| last.file == next.file) else { continue };
        let is_pause = (1..=MAX_PAUSE_MS).contains(&next.begin.ms.saturating_sub(end.ms));
        if is_pause && !end.is_near && !next.begin.is_near {
            last.end = Some(next.begin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(id: &str, begin_ms: u32, end_ms: Option<u32>) -> HeardPassage {
        HeardPassage { id: id.to_owned(), file: "a.mp3".to_owned(), begin_ms, end_ms }
    }

    fn laid(
        sentences: &[Range<usize>],
        passages: &[(HeardPassage, Range<usize>)],
    ) -> Vec<Option<String>> {
        let placed = passages.iter().map(|(heard, place)| Placed { place: place.clone(), heard });
        let laid = lay(sentences, placed.collect());
        laid.into_iter().map(|one| Some(one?.to_string())).collect()
    }

    fn told<const N: usize>(expected: [Option<&str>; N]) -> Vec<Option<String>> {
        expected.map(|one| one.map(|times| format!("a.mp3#t={times}"))).to_vec()
    }

    #[test]
    fn a_sentence_that_is_named_is_heard_then() {
        let sentences = [0..10, 10..30, 30..40, 40..50];
        let passages = [
            (heard("1", 0, Some(1000)), 0..9),
            (heard("2", 1500, Some(3000)), 10..29),
            (heard("4", 9000, None), 40..50),
        ];
        // The pause of half a second belongs to the first; nobody reads the third.
        let expected = told([Some("0.000,1.500"), Some("1.500,3.000"), None, Some("9.000")]);
        assert_eq!(laid(&sentences, &passages), expected);
    }

    #[test]
    fn a_paragraph_that_is_named_is_shared_out() {
        let passages = [(heard("p", 2000, Some(12_000)), 0..100)];
        let expected = told([Some("2.000,~4.000"), Some("~4.000,12.000")]);
        assert_eq!(laid(&[0..20, 20..100], &passages), expected);
        // Without an end nothing can be shared out.
        let passages = [(heard("p", 2000, None), 0..100)];
        assert_eq!(laid(&[0..20, 20..100], &passages), told([None, None]));
    }

    #[test]
    fn words_that_are_named_make_a_sentence() {
        let words = [0..5, 6..10, 11..20, 21..25].into_iter().enumerate();
        let passages: Vec<_> = words
            .map(|(at, place)| {
                let begin = at as u32 * 500;
                (heard(&at.to_string(), begin, Some(begin + 400)), place)
            })
            .collect();
        let expected = told([Some("0.000,1.000"), Some("1.000,1.900")]);
        assert_eq!(laid(&[0..11, 11..25], &passages), expected);
    }

    #[test]
    fn what_goes_back_or_on_elsewhere_ends_there() {
        let mut elsewhere = heard("2", 0, Some(500));
        elsewhere.file = "b.mp3".to_owned();
        let passages = [(heard("1", 3000, Some(4000)), 0..5), (elsewhere, 5..10)];
        assert_eq!(laid(std::slice::from_ref(&(0..10)), &passages), told([Some("3.000,4.000")]));
        let passages = [(heard("1", 3000, Some(4000)), 0..5), (heard("2", 0, Some(500)), 5..10)];
        assert_eq!(laid(std::slice::from_ref(&(0..10)), &passages), told([Some("3.000,4.000")]));
    }
}
