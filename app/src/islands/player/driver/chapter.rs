//! The chapter on the page: opening it, exchanging it, and what the reader does with it.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::super::super::{dom, panels};
use super::super::commands::Command;
use super::super::controls::speed::{EVERY_BOOK, rate_name};
use super::super::page::{self, Shown, Side};
use super::super::server_events::{self, Announcement};
use super::super::{paged, session};
use super::{Driver, Event, Phase, Spot};

/// A page reports what it shows when the reader has not scrolled for this long.
const SETTLED: Duration = Duration::from_millis(400);

impl Driver {
    /// Exchanges the page's chapter. `by_reader` leaves a step in the history; `at_end` shows its
    /// last page.
    pub fn show(&self, address: String, by_reader: bool, at_end: bool) {
        let address = dom::at(&address);
        // The same once more, while it is on its way, is a key pressed twice.
        if self.0.showing.replace(address.clone()) == address {
            return;
        }
        let turn = self.0.shows.get() + 1;
        self.0.shows.set(turn);
        let driver = self.clone();
        spawn_local(async move {
            let fetched = page::fetch(&address).await;
            // Something else has been asked for since.
            if driver.0.shows.get() != turn {
                return;
            }
            driver.0.showing.take();
            let shown = fetched.and_then(|fresh| page::exchange(&fresh, &address));
            match shown {
                Ok(shown) => driver.shown(&shown, &address, by_reader, at_end),
                // The whole page can still be loaded; without sound the loss is small.
                Err(_) if !driver.machine().is_running() => {
                    let _ = window().location().set_href(&address);
                }
                Err(_) => {}
            }
        });
    }

    fn shown(&self, shown: &Shown, address: &str, by_reader: bool, at_end: bool) {
        let before = self.machine().shown;
        set_address(address, by_reader);
        if at_end {
            paged::turn_to_end();
        }
        let Shown { chapter, sentences, .. } = *shown;
        self.handle(Event::Shown { chapter, sentences });
        if chapter != before {
            self.announce(Announcement::ChapterChange, None);
            self.enter_chapter();
        }
        self.announce(Announcement::PageOpen, page::first_visible());
        if by_reader {
            page::focus();
            // Where the reader has gone is where the reader is.
            self.0.scrolled.set(true);
            self.settle();
        }
    }

    pub(super) fn open_page(&self) {
        let resume = self.0.start.resume;
        let hash = window().location().hash().unwrap_or_default();
        if let Some(sentence) = resume {
            page::mark(sentence);
        }
        // An address that names a place of its own is where the reader wants to be.
        if let Some(target) = page::anchored(&hash) {
            paged::turn_to(&target, false);
        } else if hash.is_empty() {
            if let Some(sentence) = resume {
                page::scroll_to(sentence);
            }
            self.take_up_pending();
        }
        self.announce(Announcement::PageOpen, resume.or_else(page::first_visible));
        self.announce(Announcement::ChapterOpen, resume);
        self.enter_chapter();
        self.listen_at_once(&hash);
    }

    /// Begins to read where a link has asked for it; a browser that wants a press first waits for one.
    fn listen_at_once(&self, hash: &str) {
        let location = window().location();
        if location.search().as_deref() != Ok("?listen") || self.voice().is_empty() {
            return;
        }
        // The address is that of the page, and says nothing of how it was opened.
        set_address(&[&location.pathname().unwrap_or_default(), hash].concat(), false);
        self.command(Command::Play);
    }

    /// The page shows another chapter than before.
    pub(super) fn enter_chapter(&self) {
        self.follow_outline();
        self.fetch_marks();
        let start = &self.0.start;
        if let Some(shown) = page::shown() {
            session::describe(
                &start.book,
                &start.title,
                &start.author,
                &shown.title,
                start.has_cover,
            );
        }
    }

    pub(super) fn announce(&self, announcement: Announcement, sentence: Option<u32>) {
        let voice = self.voice();
        if voice.is_empty() {
            // Nobody can speak: there is nothing to make ready.
            return;
        }
        let (shown, voice_at) = (self.machine().shown, self.machine().voice_at);
        let spoken = voice_at.filter(|at| at.chapter == shown).map(|at| at.sentence);
        let at = Spot { chapter: shown, sentence: sentence.or(spoken).unwrap_or(0) };
        server_events::event(announcement, &self.0.listener, self.book(), at, &voice);
    }

    /// Takes over the speed that the page came with.
    pub(super) fn begin_rate(&self) {
        let start = &self.0.start;
        if let Some(root) = document().document_element().filter(|_| start.is_own_rate) {
            let name = rate_name(&start.book, true);
            dom::set(&root, &["data-", &name].concat(), &start.rate.to_string());
        }
        self.adopt_rate();
    }

    /// Sets the listener's speed, in the book alone if it has one of its own.
    pub fn set_rate(&self, rate: u16) {
        let name = self.state().rate_name.get_untracked();
        panels::set_preference(&name, &rate.to_string(), true);
    }

    /// Gives the book a speed of its own, or takes it away.
    pub fn toggle_own_rate(&self) {
        let is_own = untrack(|| self.state().is_own_rate());
        let own = if is_own { String::new() } else { self.rate().to_string() };
        panels::set_preference(&rate_name(self.book(), true), &own, true);
    }

    /// Takes over the listener's speed.
    pub(super) fn adopt_rate(&self) {
        let root = document().document_element();
        let chosen =
            |name: &str| root.as_ref()?.get_attribute(&["data-", name].concat())?.parse().ok();
        let own = chosen(&rate_name(self.book(), true));
        let rate = own.or_else(|| chosen(EVERY_BOOK)).unwrap_or(100);
        self.state().rate_name.set(rate_name(self.book(), own.is_some()));
        self.state().rate.set(rate);
        self.0.sound.borrow().set_rate(rate);
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

    /// The reader moves the page, and the page no longer goes with the voice.
    pub fn look_away(&self) {
        self.0.scrolled.set(true);
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
        if let Some(earlier) = self.0.settling.take() {
            earlier.clear();
        }
        let driver = self.clone();
        let wait = set_timeout_with_handle(move || driver.settled(), SETTLED);
        self.0.settling.set(wait.ok());
    }

    pub(super) fn settled(&self) {
        self.show_way_back();
        self.show_bookmark();
        let Some(sentence) = page::first_visible() else { return };
        self.announce(Announcement::PageOpen, Some(sentence));
        let is_idle = self.machine().phase == Phase::Idle;
        if is_idle && self.0.scrolled.take() {
            let at = Spot { chapter: self.machine().shown, sentence };
            self.machine_mut().voice_at = Some(at);
            page::unmark();
            self.put_place(at, 0);
        }
    }
}

fn set_address(address: &str, as_step: bool) {
    let Ok(history) = window().history() else { return };
    let _ = if as_step {
        history.push_state_with_url(&JsValue::NULL, "", Some(address))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(address))
    };
}
