//! What the bar shows of the machine: the place in the chapter, and the way back to the voice.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::super::super::dom;
use super::super::outline::Outline;
use super::super::page::{self, Side};
use super::super::state::{Place, WayBack};
use super::{Driver, Spot};
use crate::model::TimelineEntry;

/// How long the sentences of a chapter last, as far as that is known.
#[derive(Debug, Default)]
pub struct Outlining {
    known: RefCell<Outline>,
    /// The chapter that it was asked of.
    asked: Cell<u32>,
}

impl Outlining {
    /// Takes in durations of a chapter's sentences that are now exact.
    pub(super) fn correct(&self, chapter: u32, entries: &[TimelineEntry]) {
        let mut known = self.known.borrow_mut();
        if known.chapter() == chapter {
            known.correct(entries);
        }
    }
}

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
        let outline = self.0.outline.known.borrow();
        let (position, total) = (outline.position_ms(at.sentence, into_ms), outline.total_ms());
        if at.chapter != outline.chapter() || total == 0 {
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
        let to = {
            let outline = self.0.outline.known.borrow();
            Spot { chapter: outline.chapter(), sentence: outline.sentence_at(ms) }
        };
        self.go_to(to);
        self.state().aim_ms.set(None);
    }

    /// Asks how long the sentences of the chapter last that the voice is in, or would start in.
    pub fn fetch_outline(&self) {
        let chapter = self.machine().voice_at.map_or(self.machine().shown, |at| at.chapter);
        let (driver, voice) = (self.clone(), self.voice());
        self.0.outline.known.take();
        self.0.outline.asked.set(chapter);
        if voice.is_empty() {
            return;
        }
        spawn_local(async move {
            let book = driver.book();
            let name = js_sys::encode_uri_component(&voice);
            let address = format!("/api/books/{book}/chapters/{chapter}/outline?voice={name}");
            let known = dom::get(&address).await;
            if let Some(known) = known
                && driver.0.outline.asked.get() == chapter
                && driver.voice() == voice
            {
                let durations = known.numbers("durations_ms").unwrap_or_default();
                let outline = Outline::new(chapter, durations, known.number("rest_ms"));
                driver.0.outline.known.replace(outline);
                driver.show_place();
            }
        });
    }

    /// Asks anew how long sentences last when the voice, or without one the page, is in another chapter.
    pub(super) fn follow_outline(&self) {
        let chapter = self.machine().voice_at.map_or(self.machine().shown, |at| at.chapter);
        if chapter != self.0.outline.asked.get() {
            self.fetch_outline();
        }
    }
}
