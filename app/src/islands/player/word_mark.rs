//! The word the voice is in, marked on the page.

use std::cell::{Cell, RefCell};

use leptos::prelude::document;

use super::machine::{Machine, Spot};
use super::page;
use crate::model::Point;
use crate::pacing::{Word, word_at, words};

/// Whether words are marked while the voice reads.
pub fn is_wanted() -> bool {
    let root = document().document_element();
    root.is_some_and(|root| root.get_attribute("data-mark").as_deref() == Some("word"))
}

/// What is marked, and what is known of the sentence it is in.
#[derive(Debug, Default)]
pub struct WordMark {
    sentence: RefCell<Option<(Spot, Vec<Word>)>>,
    /// Where the marked word begins and ends in the sentence.
    marked: Cell<Option<(u32, u32)>>,
}

impl WordMark {
    /// Goes with the voice, where words are marked.
    pub fn follow(&self, machine: &Machine) {
        let is_wanted = is_wanted();
        let moment = machine.moment().filter(|(at, _)| is_wanted && at.chapter == machine.shown);
        let (Some((at, into_ms)), Some(length_ms)) = (moment, machine.sentence_ms()) else {
            if self.marked.take().is_some() {
                page::paint("word", &[]);
            }
            return;
        };
        let mut known = self.sentence.borrow_mut();
        if known.as_ref().is_none_or(|(of, _)| *of != at) {
            *known = Some((at, words_of(machine, at, length_ms)));
        }
        let found = known.as_ref().map_or(&[][..], |(_, words)| words);
        let word = word_at(found, into_ms as f32 / length_ms.max(1) as f32);
        let place = word.map(|word| (word.start, word.end));
        if self.marked.replace(place) != place {
            let point = |offset| Point { sentence: at.sentence, offset };
            let range = place.and_then(|(start, end)| page::range(point(start), point(end)));
            page::paint("word", range.as_slice());
        }
    }
}

/// The words of a sentence, with their times as the voice tells them, else estimated.
fn words_of(machine: &Machine, at: Spot, length_ms: u64) -> Vec<Word> {
    let mut found = words(&page::text_of(at.sentence));
    if let Some(told) = machine.words_of(at).filter(|told| told.len() == found.len()) {
        for (word, ms) in found.iter_mut().zip(told) {
            word.from = *ms as f32 / length_ms.max(1) as f32;
        }
    }
    found
}
