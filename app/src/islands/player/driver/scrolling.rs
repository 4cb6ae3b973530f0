//! The page is moved: by the reader, or by what the reader prefers.

use std::cell::Cell;
use std::time::Duration;

use leptos::prelude::*;

use super::super::super::dom::Delay;
use super::super::page::{self, Side};
use super::super::paged;
use super::super::server_events::Announcement;
use super::{Driver, Event, Phase, Spot};

/// A page reports what it shows when the reader has not scrolled for this long.
const SETTLED: Duration = Duration::from_millis(400);

/// How the page was moved.
#[derive(Default)]
pub struct Scrolling {
    /// By the reader, not by the voice and not by an address.
    by_reader: Cell<bool>,
    settling: Delay,
}

impl Driver {
    /// Folds the bar, or unfolds it. Pages become longer or shorter by it: what was read stays in view.
    pub fn fold(&self) {
        // One that begins on the next page is not what is read, but the one before it.
        let seen = page::first_visible().map(|first| match page::side(first) {
            Some(Side::Here) => first,
            _ => first.saturating_sub(1),
        });
        self.state().is_folded.update(|is_folded| *is_folded = !*is_folded);
        request_animation_frame(move || {
            if let Some(sentence) = seen {
                paged::return_to(sentence);
            }
        });
    }

    /// Where the page is now, the reader is.
    pub(super) fn moved_by_reader(&self) {
        self.0.scrolling.by_reader.set(true);
    }

    /// The reader moves the page, and the page no longer goes with the voice.
    pub fn look_away(&self) {
        self.moved_by_reader();
        let follows_voice = {
            let machine = self.machine();
            machine.following && machine.voice_at.is_some() && machine.phase != Phase::Idle
        };
        if follows_voice {
            self.handle(Event::LookAway);
        }
    }

    /// After the reader has stopped scrolling: what is in view is made ready, and, while no voice
    /// reads, is where the reader is.
    pub fn settle(&self) {
        let driver = self.clone();
        self.0.scrolling.settling.begin(SETTLED, move || driver.settled());
    }

    fn settled(&self) {
        self.show_way_back();
        self.show_bookmark();
        let Some(sentence) = page::first_visible() else { return };
        self.announce(Announcement::PageOpen, Some(sentence));
        let is_idle = self.machine().phase == Phase::Idle;
        if is_idle && self.0.scrolling.by_reader.take() {
            let at = Spot { chapter: self.machine().shown, sentence };
            self.machine_mut().voice_at = Some(at);
            page::unmark();
            self.put_place(at, 0);
        }
    }

    /// Takes over what the root of the page says the reader prefers.
    pub(super) fn adopt_preferences(&self) {
        self.adopt_rate();
        // Another layout puts the text elsewhere.
        let driver = self.clone();
        request_animation_frame(move || {
            paged::settle();
            let machine = driver.machine();
            if let Some(at) =
                machine.voice_at.filter(|at| machine.following && at.chapter == machine.shown)
            {
                page::scroll_to(at.sentence);
            }
        });
    }
}
