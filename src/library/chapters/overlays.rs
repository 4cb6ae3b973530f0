//! Which sentence is heard where: the passages that a book names, laid over the sentences of a chapter.
//!
//! Books name sentences, paragraphs or words, and cut them otherwise than we do. All is measured in one length, that of
//! the chapter's text: a sentence that is a part of a passage is heard for that part of its time, and one
//! that consists of several from the beginning of the first to the end of the last.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use crate::library::manuscript::HeardPassage;
use crate::library::overlay::{MAX_REACH_MS, Moment, Overlay};

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
            Some(Placed::new(heard, place))
        });
        lay(&self.sentences, placed.collect())
    }
}

/// A passage that stands in the chapter.
struct Placed<'p> {
    place: Range<usize>,
    file: &'p str,
    begin_ms: u32,
    end_ms: Option<u32>,
}

impl<'p> Placed<'p> {
    fn new(heard: &'p HeardPassage, place: Range<usize>) -> Self {
        let HeardPassage { file, begin_ms, end_ms, .. } = heard;
        Self { place, file, begin_ms: *begin_ms, end_ms: *end_ms }
    }
}

fn lay(sentences: &[Range<usize>], placed: Vec<Placed<'_>>) -> Vec<Option<Overlay>> {
    let placed = apart(placed);
    let mut laid: Vec<Option<Overlay>> =
        sentences.iter().map(|sentence| of_sentence(sentence, &placed)).collect();
    join_pauses(&mut laid);
    bound_reach(&mut laid);
    laid
}

/// Passages none of which stands in another: one that goes on at the same place is one with it, one that has smaller
/// ones in it gives way to them, and one that begins within another begins where that ends.
fn apart(mut placed: Vec<Placed<'_>>) -> Vec<Placed<'_>> {
    // Stable: those of one place stay in the order in which they are heard.
    placed.sort_by_key(|passage| (passage.place.start, Reverse(passage.place.end)));
    let mut apart: Vec<Placed<'_>> = Vec::with_capacity(placed.len());
    for mut next in placed {
        while let Some(last) = apart.last() {
            let is_within = next.place.end <= last.place.end && next.place != last.place;
            if !is_within || next.place.start >= last.place.end {
                break;
            }
            // What stands around it gives way.
            apart.pop();
        }
        if let Some(last) = apart.last_mut() {
            if last.place == next.place {
                let goes_on = last.file == next.file && next.begin_ms >= last.begin_ms;
                if goes_on {
                    last.end_ms = next.end_ms;
                }
                continue;
            }
            next.place.start = next.place.start.max(last.place.end);
        }
        if !next.place.is_empty() {
            apart.push(next);
        }
    }
    apart
}

fn of_sentence(sentence: &Range<usize>, placed: &[Placed<'_>]) -> Option<Overlay> {
    let from = placed.partition_point(|passage| passage.place.end <= sentence.start);
    let within = placed[from..].iter().take_while(|passage| passage.place.start < sentence.end);
    let first = within.clone().next()?;
    // What goes on in another file, or goes back, cannot be heard in one piece.
    let mut last = first;
    for passage in within {
        if passage.file != first.file || passage.begin_ms < last.begin_ms {
            break;
        }
        last = passage;
    }
    let begin = match sentence.start.checked_sub(first.place.start) {
        None | Some(0) => Moment::at(first.begin_ms),
        Some(into) => within_passage(first, into)?,
    };
    let end = match sentence.end < last.place.end {
        true => Some(within_passage(last, sentence.end - last.place.start)?),
        false => last.end_ms.map(Moment::at),
    };
    Some(Overlay { file: first.file.to_owned(), begin, end })
}

/// When so many bytes of a passage have been heard; `None` where it is not known how long it is.
fn within_passage(passage: &Placed<'_>, bytes: usize) -> Option<Moment> {
    let begin_ms = passage.begin_ms;
    let length = u64::from(passage.end_ms?.saturating_sub(begin_ms));
    let heard = length * bytes as u64 / passage.place.len().max(1) as u64;
    Some(Moment { ms: begin_ms + heard as u32, reach_ms: MAX_REACH_MS })
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
        if is_pause && end.reach_ms == 0 && next.begin.reach_ms == 0 {
            last.end = Some(next.begin);
        }
    }
}

/// A pause is sought no further away than half of the sentence that begins or ends there, so that two of them are never
/// the same. What the end of one is, is the beginning of the next.
fn bound_reach(laid: &mut [Option<Overlay>]) {
    let halves: Vec<Option<u32>> =
        laid.iter().map(|one| Some(one.as_ref()?.length_ms()? / 2)).collect();
    let half = |at: Option<usize>| at.and_then(|at| *halves.get(at)?).unwrap_or(u32::MAX);
    for (at, overlay) in laid.iter_mut().enumerate() {
        let Some(overlay) = overlay else { continue };
        let bound = |moment: &mut Moment, before: Option<usize>, after: Option<usize>| {
            moment.reach_ms = moment.reach_ms.min(half(before)).min(half(after));
        };
        bound(&mut overlay.begin, at.checked_sub(1), Some(at));
        if let Some(end) = &mut overlay.end {
            bound(end, Some(at), Some(at + 1));
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
        let placed = passages.iter().map(|(heard, place)| Placed::new(heard, place.clone()));
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
        let expected = told([Some("2.000,4.000~500"), Some("4.000~500,12.000")]);
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

    #[test]
    fn an_element_that_is_named_twice_is_heard_from_first_to_last() {
        let passages = [(heard("1", 0, Some(3000)), 0..10), (heard("1", 3000, Some(5000)), 0..10)];
        assert_eq!(laid(std::slice::from_ref(&(0..10)), &passages), told([Some("0.000,5.000")]));
    }

    #[test]
    fn what_stands_in_another_is_more_exact_than_it() {
        let passages = [
            (heard("p", 0, Some(9000)), 0..30),
            (heard("1", 0, Some(4000)), 0..10),
            (heard("2", 4000, Some(6000)), 10..20),
        ];
        // Nothing is said of the third but what is said of all.
        let expected = told([Some("0.000,4.000"), Some("4.000,6.000"), None]);
        assert_eq!(laid(&[0..10, 10..20, 20..30], &passages), expected);
    }

    #[test]
    fn short_sentences_do_not_seek_the_same_pause() {
        let passages = [(heard("p", 0, Some(2000)), 0..20)];
        let sentences = [0..4, 4..8, 8..20];
        let expected =
            told([Some("0.000,0.400~200"), Some("0.400~200,0.800~200"), Some("0.800~200,2.000")]);
        assert_eq!(laid(&sentences, &passages), expected);
    }
}
