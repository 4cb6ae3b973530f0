//! What bar and page show of the machine: phase, place, word, and the way back to the voice.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::super::super::dom;
use super::super::outline::Outline;
use super::super::page::{self, Side};
use super::super::state::{Place, WayBack};
use super::{Driver, Spot, marks_words};
use crate::model::Point;
use crate::pacing::{word_at, words};

impl Driver {
    /// Offers the way back to the voice while the reader looks elsewhere.
    pub(super) fn show_way_back(&self) {
        let machine = self.machine();
        let away = machine.voice_at.filter(|_| !machine.following).map(|at| {
            let side = page::side(at.sentence).filter(|_| at.chapter == machine.shown);
            match side {
                Some(Side::Before) => WayBack::Above,
                Some(Side::After) => WayBack::Below,
                _ => WayBack::Elsewhere,
            }
        });
        let way_back = self.state().way_back;
        if way_back.get_untracked() != away {
            way_back.set(away);
        }
    }

    /// Shows where in the chapter the voice is: once a second.
    pub(super) fn show_place(&self) {
        let machine = self.machine();
        // Before there is a voice, the chapter lies ahead.
        let start = Spot { chapter: machine.shown, sentence: 0 };
        let (at, into_ms) = machine.moment().unwrap_or((start, 0));
        if at.chapter != self.0.outlined.get() {
            return;
        }
        let outline = self.0.outline.borrow();
        let (position, total) = (outline.position_ms(at.sentence, into_ms), outline.total_ms());
        if total == 0 {
            return;
        }
        let shown = page::shown().filter(|shown| shown.chapter == at.chapter);
        let percent = shown.map(|shown| {
            u64::from(shown.before + at.sentence + 1) * 100 / u64::from(shown.book_sentences.max(1))
        });
        let known = Place {
            second: position / 1000,
            total_ms: total,
            rest_ms: outline.rest_ms(),
            percent,
            is_stored: machine.is_stored(),
        };
        let place = self.state().place;
        if place.get_untracked() != known {
            place.set(known);
        }
    }

    /// Goes to a moment of the chapter.
    pub fn scrub(&self, ms: u64) {
        let sentence = self.0.outline.borrow().sentence_at(ms);
        self.go_to(Spot { chapter: self.0.outlined.get(), sentence });
        self.state().aim_ms.set(None);
    }

    /// Marks the word the voice is in, where words are marked.
    pub(super) fn mark_word(&self) {
        let wants = marks_words();
        let machine = self.machine();
        let moment = machine.moment().filter(|(at, _)| wants && at.chapter == machine.shown);
        let (Some((at, into_ms)), Some(length)) = (moment, machine.sentence_ms()) else {
            if self.0.word.take().is_some() {
                page::paint("word", &[]);
            }
            return;
        };
        let mut known = self.0.words.borrow_mut();
        if known.as_ref().is_none_or(|(of, _)| *of != at) {
            let mut found = words(&page::text_of(at.sentence));
            // Told by the voice rather than estimated.
            if let Some(told) = machine.words_of(at).filter(|told| told.len() == found.len()) {
                for (word, ms) in found.iter_mut().zip(told) {
                    word.from = *ms as f32 / length.max(1) as f32;
                }
            }
            *known = Some((at, found));
        }
        let found = known.as_ref().map_or(&[][..], |(_, words)| words);
        let word = word_at(found, into_ms as f32 / length.max(1) as f32);
        let place = word.map(|word| (word.start, word.end));
        if self.0.word.replace(place) != place {
            let point = |offset| Point { sentence: at.sentence, offset };
            let range = place.and_then(|(start, end)| page::range(point(start), point(end)));
            page::paint("word", range.as_slice());
        }
    }

    /// Asks how long the sentences of the chapter last that the voice is in, or would start in.
    pub fn fetch_outline(&self) {
        let chapter = self.machine().voice_at.map_or(self.machine().shown, |at| at.chapter);
        let (driver, voice) = (self.clone(), self.voice());
        self.0.outlined.set(0);
        self.0.outlining.set(chapter);
        if voice.is_empty() {
            return;
        }
        spawn_local(async move {
            let book = driver.book();
            let name = js_sys::encode_uri_component(&voice);
            let address = format!("/api/books/{book}/chapters/{chapter}/outline?voice={name}");
            let known = dom::get(&address).await;
            if let Some(known) = known
                && driver.0.outlining.get() == chapter
                && driver.voice() == voice
            {
                let durations = known.numbers("durations_ms").unwrap_or_default();
                driver.0.outline.replace(Outline::new(durations, known.number("rest_ms")));
                driver.0.outlined.set(chapter);
                driver.show_place();
            }
        });
    }

    /// Asks anew how long sentences last when the voice, or without one the page, is in another chapter.
    pub(super) fn follow_outline(&self) {
        let chapter = self.machine().voice_at.map_or(self.machine().shown, |at| at.chapter);
        if chapter != self.0.outlining.get() {
            self.fetch_outline();
        }
    }
}
