//! The chapter on the page: opening it, exchanging it, and telling the server.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::super::super::dom;
use super::super::commands::Command;
use super::super::page::{self, Shown};
use super::super::server_events::{self, Announcement};
use super::super::{paged, session};
use super::{Driver, Event, Spot};

/// How the page came to another chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The reader has gone there: a step in the browser's history.
    New,
    /// The reader has taken a step back or on in the history.
    Back,
    /// The voice went there.
    None,
}

/// The chapter that is being fetched for the page.
#[derive(Debug, Default)]
pub struct Exchange {
    address: RefCell<String>,
    /// How many there were.
    number: Cell<u32>,
}

impl Exchange {
    /// Begins one, and numbers it. The same once more, while it is on its way, is a key pressed twice.
    fn begin(&self, address: &str) -> Option<u32> {
        if self.address.replace(address.to_owned()) == address {
            return None;
        }
        self.number.set(self.number.get() + 1);
        Some(self.number.get())
    }

    /// Ends one. False when something else has been asked for since.
    fn end(&self, number: u32) -> bool {
        let is_current = self.number.get() == number;
        if is_current {
            self.address.take();
        }
        is_current
    }
}

impl Driver {
    /// Exchanges the page's chapter; `at_end` shows its last page.
    pub fn show(&self, address: String, step: Step, at_end: bool) {
        let address = dom::at(&address);
        if step == Step::New
            && let Some(sentence) = page::first_visible()
        {
            // Whoever comes back, as from a note, comes to where they were.
            let here = format!("/read/{}/{}#s{sentence}", self.book(), self.machine().shown);
            set_address(&dom::at(&here), false);
        }
        let Some(number) = self.0.exchange.begin(&address) else { return };
        let driver = self.clone();
        spawn_local(async move {
            let fetched = page::fetch(&address).await;
            if !driver.0.exchange.end(number) {
                return;
            }
            let shown = fetched.and_then(|fresh| page::exchange(&fresh, &address));
            match shown {
                Ok(shown) => driver.shown(&shown, &address, step, at_end),
                // The whole page can still be loaded; without sound the loss is small.
                Err(_) if !driver.machine().is_running() => {
                    let _ = window().location().set_href(&address);
                }
                Err(_) => {}
            }
        });
    }

    fn shown(&self, shown: &Shown, address: &str, step: Step, at_end: bool) {
        let before = self.machine().shown;
        set_address(address, step == Step::New);
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
        if step == Step::New {
            page::focus();
        }
        if step != Step::None {
            // Where the reader has gone is where the reader is.
            self.moved_by_reader();
            self.settle();
        }
    }

    pub(super) fn open_page(&self) {
        let resume = self.0.start.resume;
        let hash = window().location().hash().unwrap_or_default();
        if let Some(sentence) = resume {
            page::mark(sentence);
        }
        if let Some(target) = page::anchored(&hash) {
            paged::turn_to(&target, false);
        } else if hash.is_empty()
            && let Some(sentence) = resume
        {
            page::scroll_to(sentence);
        }
        // An address that names a place of its own is where the reader wants to be; links that go on with the book name
        // the last place that the server knows of.
        if hash.is_empty() || resume.is_some_and(|sentence| hash == format!("#s{sentence}")) {
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
}

fn set_address(address: &str, as_step: bool) {
    let Ok(history) = window().history() else { return };
    let _ = if as_step {
        history.push_state_with_url(&JsValue::NULL, "", Some(address))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(address))
    };
}
