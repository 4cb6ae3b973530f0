//! Drives the machine: brings it what happens in the browser and carries out what it decides.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAudioElement, KeyboardEvent, MouseEvent};

use super::Panel;
use super::machine::{Action, Event, Machine, Spot};
use super::page::{self, Shown};
use super::post::{self, Announcement};
use super::sound::{Sound, listen};
use crate::model::{Place, Progress};

/// A page reports what it shows when the reader has not scrolled for this long.
const SETTLED: Duration = Duration::from_millis(400);

/// The place is saved at most this often while the voice reads.
const SAVE_EVERY_MS: f64 = 2_000.0;

/// What the server knows when the page is made.
pub struct Start {
    pub book: String,
    pub chapter: u32,
    pub sentences: u32,
    pub chapters: u32,
    pub resume: Option<u32>,
}

/// The player at work. Cheap to clone.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

struct Inner {
    book: String,
    /// Names this page to the narrator.
    listener: String,
    machine: RefCell<Machine>,
    sound: RefCell<Option<Sound>>,
    panel: Panel,
    /// The clock is being read at every frame.
    ticking: Cell<bool>,
    saved_at: Cell<f64>,
    /// The reader has moved the page, not the voice and not an address.
    scrolled: Cell<bool>,
    settling: Cell<Option<TimeoutHandle>>,
}

thread_local! {
    /// The one driver of the page. Not a signal's value: those are also made on the server, where
    /// they move between threads.
    static CURRENT: RefCell<Option<Driver>> = const { RefCell::new(None) };
}

/// Does something with the page's driver, once there is one.
pub fn with_current(use_it: impl FnOnce(&Driver)) {
    if let Some(driver) = CURRENT.with_borrow(Clone::clone) {
        use_it(&driver);
    }
}

fn report(event: Event) {
    with_current(|driver| driver.handle(event));
}

impl Driver {
    /// Takes over the page.
    pub fn start(start: Start, panel: Panel, audio: HtmlAudioElement) {
        let Start { book, chapter, sentences, chapters, resume } = start;
        let mut machine = Machine::new(chapter, sentences, chapters);
        machine.voice_at = resume.map(|sentence| Spot { chapter, sentence });
        if let Some(rate) = stored("earmark.rate").and_then(|rate| rate.parse().ok()) {
            panel.rate.set(rate);
        }
        let driver = Self(Rc::new(Inner {
            book,
            listener: format!("{:016x}", (js_sys::Math::random() * 2f64.powi(53)) as u64),
            machine: RefCell::new(machine),
            sound: RefCell::new(None),
            panel,
            ticking: Cell::new(false),
            saved_at: Cell::new(0.0),
            scrolled: Cell::new(false),
            settling: Cell::new(None),
        }));
        CURRENT.set(Some(driver.clone()));
        driver.0.sound.replace(Some(Sound::new(audio.clone(), report)));
        listen(&audio, "timeupdate", |_| {
            with_current(Driver::read_clock);
        });
        driver.open_page(resume);
        driver.watch_reader();
        driver.watch_rate();
    }

    /// Brings an event to the machine and does what it says.
    pub fn handle(&self, event: Event) {
        // Play starts where the reader is looking, unless there is a place to resume.
        if event == Event::Toggle {
            let mut machine = self.0.machine.borrow_mut();
            if machine.voice_at.is_none() {
                let chapter = machine.shown;
                let sentence = page::first_visible().filter(|_| is_scrolled()).unwrap_or(0);
                machine.voice_at = Some(Spot { chapter, sentence });
            }
        }
        let actions = self.0.machine.borrow_mut().handle(event);
        for action in actions {
            self.perform(action);
        }
        self.refresh();
    }

    /// Goes a sentence on or back.
    pub fn skip(&self, by: i32) {
        let buffered_ms = self.with_sound(|sound| sound.buffered_ms()).flatten();
        self.handle(Event::Skip { by, buffered_ms });
    }

    fn jump(&self, to: Spot) {
        let buffered_ms = self.with_sound(|sound| sound.buffered_ms()).flatten();
        self.handle(Event::Jump { to, buffered_ms });
    }

    fn perform(&self, action: Action) {
        let (book, voice) = (&self.0.book, self.0.panel.voice.get_untracked());
        match action {
            Action::Open(at) => {
                let rate = self.0.panel.rate.get_untracked();
                self.with_sound(|sound| {
                    sound.open(book, at, &voice, rate);
                    sound.follow(book, at, &voice, report);
                });
                self.save(true);
            }
            Action::FollowTimeline(chapter) => {
                let at = Spot { chapter, sentence: 0 };
                self.with_sound(|sound| sound.follow(book, at, &voice, report));
            }
            Action::Play => {
                self.with_sound(|sound| sound.play(report));
            }
            Action::Pause => {
                self.with_sound(|sound| sound.pause());
                self.save(true);
            }
            Action::Close => {
                self.with_sound(|sound| sound.close());
                self.save(true);
            }
            Action::Seek(ms) => {
                self.with_sound(|sound| sound.seek(ms));
            }
            Action::Mark { sentence, following } => {
                page::mark(sentence);
                if following {
                    page::scroll_to(sentence);
                }
            }
            Action::Show { chapter } => self.show(format!("/read/{book}/{chapter}"), false),
            Action::Remember(_) => self.save(false),
        }
    }

    /// Shows the machine's state on the bar and keeps the clock read while sound comes.
    fn refresh(&self) {
        let machine = self.0.machine.borrow();
        let panel = self.0.panel;
        if panel.phase.with_untracked(|phase| *phase != machine.phase) {
            panel.phase.set(machine.phase.clone());
        }
        let looking_away = !machine.following && machine.voice_at.is_some();
        if panel.looking_away.get_untracked() != looking_away {
            panel.looking_away.set(looking_away);
        }
        if machine.is_running() && !self.0.ticking.replace(true) {
            self.tick();
        }
    }

    /// Reads the clock at every frame: `timeupdate` comes four times a second, which shows.
    fn tick(&self) {
        let driver = self.clone();
        request_animation_frame(move || {
            driver.read_clock();
            if driver.0.machine.borrow().is_running() {
                driver.tick();
            } else {
                driver.0.ticking.set(false);
            }
        });
    }

    fn read_clock(&self) {
        if let Some(ms) = self.with_sound(|sound| sound.now_ms()) {
            self.handle(Event::Clock(ms));
        }
    }

    /// Exchanges the page's chapter. `by_reader` leaves a step in the history.
    fn show(&self, address: String, by_reader: bool) {
        let driver = self.clone();
        spawn_local(async move {
            let before = driver.0.machine.borrow().shown;
            match page::show(&address).await {
                Ok(Shown { chapter, sentences }) => {
                    set_address(&address, by_reader);
                    driver.handle(Event::Shown { chapter, sentences });
                    if chapter != before {
                        driver.announce(Announcement::ChapterChange, None);
                    }
                    driver.announce(Announcement::PageOpen, page::first_visible());
                }
                // The whole page can still be loaded; without sound the loss is small.
                Err(_) if !driver.0.machine.borrow().is_running() => {
                    let _ = window().location().set_href(&address);
                }
                Err(_) => {}
            }
        });
    }

    fn open_page(&self, resume: Option<u32>) {
        if let Some(sentence) = resume {
            page::mark(sentence);
            // An address that names a place of its own is where the reader wants to be.
            if window().location().hash().is_ok_and(|hash| hash.is_empty()) {
                page::scroll_to(sentence);
            }
        }
        self.announce(Announcement::PageOpen, resume.or_else(page::first_visible));
        self.announce(Announcement::ChapterOpen, resume);
    }

    fn announce(&self, announcement: Announcement, sentence: Option<u32>) {
        let voice = self.0.panel.voice.get_untracked();
        let Ok(book) = self.0.book.parse() else { return };
        if voice.is_empty() {
            // Nobody can speak: there is nothing to make ready.
            return;
        }
        let (shown, voice_at) = {
            let machine = self.0.machine.borrow();
            (machine.shown, machine.voice_at)
        };
        let spoken = voice_at.filter(|at| at.chapter == shown).map(|at| at.sentence);
        let place = Place {
            listener: self.0.listener.clone(),
            book,
            chapter: shown,
            sentence: sentence.or(spoken).unwrap_or(0),
            voice,
        };
        // Should it be lost, only preparation is: playing asks again and says what is wrong.
        post::event(announcement, place);
    }

    /// Saves where the voice is; not more often than needed unless `now`.
    fn save(&self, now: bool) {
        let time = js_sys::Date::now();
        if !now && time - self.0.saved_at.get() < SAVE_EVERY_MS {
            return;
        }
        if let Some(at) = self.0.machine.borrow().voice_at {
            self.0.saved_at.set(time);
            self.put_progress(at);
        }
    }

    fn put_progress(&self, at: Spot) {
        let progress = Progress {
            chapter: at.chapter,
            sentence: at.sentence,
            intra_ms: 0,
            voice: Some(self.0.panel.voice.get_untracked()).filter(|voice| !voice.is_empty()),
        };
        post::progress(&self.0.book, &progress);
    }

    fn with_sound<T>(&self, use_it: impl FnOnce(&mut Sound) -> T) -> Option<T> {
        self.0.sound.borrow_mut().as_mut().map(use_it)
    }

    fn watch_rate(&self) {
        let (driver, rate) = (self.clone(), self.0.panel.rate);
        let driver = StoredValue::new_local(driver);
        Effect::new(move |_| {
            let rate = rate.get();
            driver.with_value(|driver| driver.with_sound(|sound| sound.set_rate(rate)));
            store("earmark.rate", &rate.to_string());
        });
    }

    /// What the reader does with the page, as opposed to the bar.
    fn watch_reader(&self) {
        for gesture in ["wheel", "touchmove"] {
            listen(&window(), gesture, |_| report_look_away());
        }
        let driver = self.clone();
        listen(&window(), "scroll", move |_| driver.settle());
        let driver = self.clone();
        listen(&document(), "click", move |event| driver.click(&event));
        let driver = self.clone();
        listen(&document(), "keydown", move |event| {
            if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
                driver.key(key);
            }
        });
        let driver = self.clone();
        listen(&window(), "popstate", move |_| {
            let location = window().location();
            if let (Ok(path), Ok(hash)) = (location.pathname(), location.hash()) {
                driver.handle(Event::LookAway);
                driver.show(format!("{path}{hash}"), false);
            }
        });
        let driver = self.clone();
        listen(&window(), "pagehide", move |_| driver.save(true));
    }

    /// After the reader has stopped scrolling: what is in view is made ready, and, while no voice
    /// reads, is where the reader is.
    fn settle(&self) {
        if let Some(earlier) = self.0.settling.take() {
            earlier.clear();
        }
        let driver = self.clone();
        let wait = set_timeout_with_handle(
            move || {
                let Some(sentence) = page::first_visible() else { return };
                driver.announce(Announcement::PageOpen, Some(sentence));
                let mut machine = driver.0.machine.borrow_mut();
                if machine.phase == super::Phase::Idle && driver.0.scrolled.take() {
                    let at = Spot { chapter: machine.shown, sentence };
                    machine.voice_at = Some(at);
                    page::unmark();
                    driver.put_progress(at);
                }
            },
            SETTLED,
        );
        self.0.settling.set(wait.ok());
    }

    fn click(&self, event: &web_sys::Event) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok())
        else {
            return;
        };
        let mouse = event.dyn_ref::<MouseEvent>();
        let is_plain = mouse.is_some_and(|mouse| {
            mouse.button() == 0 && !(mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key())
        });
        if !is_plain || event.default_prevented() {
            return;
        }
        if let Ok(Some(link)) = target.closest("#reading a[href]") {
            if let Some(chapter) = page::chapter_link(&link, &self.0.book) {
                event.prevent_default();
                self.follow_link(&link, chapter);
            }
            return;
        }
        if has_selection() {
            return;
        }
        if let Some(sentence) = page::sentence_of(&target) {
            let chapter = self.0.machine.borrow().shown;
            self.jump(Spot { chapter, sentence });
        }
    }

    /// The links to the next and previous chapter take the voice along; others, while there is a
    /// voice, only the page.
    fn follow_link(&self, link: &Element, chapter: u32) {
        let turns_page = link.closest(".turn").ok().flatten().is_some();
        let is_running = self.0.machine.borrow().is_running();
        if turns_page && is_running {
            self.jump(Spot { chapter, sentence: 0 });
        } else if let Some(address) = link.get_attribute("href") {
            let is_idle = self.0.machine.borrow().phase == super::Phase::Idle;
            self.handle(if turns_page || is_idle { Event::Leave } else { Event::LookAway });
            self.show(address, true);
        }
    }

    fn key(&self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let key = event.key();
        if matches!(key.as_str(), "ArrowUp" | "ArrowDown" | "PageUp" | "PageDown" | "Home" | "End")
        {
            report_look_away();
            return;
        }
        if page::has_own_keys(event.target()) {
            return;
        }
        match (key.as_str(), event.shift_key()) {
            (" ", false) | ("k", _) => self.handle(Event::Toggle),
            ("ArrowRight", false) => self.skip(1),
            ("ArrowLeft", false) => self.skip(-1),
            ("ArrowRight", true) | ("n", _) => self.handle(Event::SkipChapter { by: 1 }),
            ("ArrowLeft", true) | ("p", _) => self.handle(Event::SkipChapter { by: -1 }),
            (">" | "+" | "]", _) => self.change_rate(1),
            ("<" | "-" | "[", _) => self.change_rate(-1),
            ("v", _) => self.handle(Event::LookBack),
            _ => return,
        }
        event.prevent_default();
    }

    fn change_rate(&self, by: i32) {
        let rate = self.0.panel.rate;
        let now = rate.get_untracked();
        let next = if by > 0 {
            super::SPEEDS.into_iter().find(|speed| *speed > now)
        } else {
            super::SPEEDS.into_iter().rev().find(|speed| *speed < now)
        };
        if let Some(next) = next {
            rate.set(next);
        }
    }
}

/// The reader's own scrolling.
fn report_look_away() {
    with_current(|driver| {
        driver.0.scrolled.set(true);
        let follows_voice = {
            let machine = driver.0.machine.borrow();
            machine.following && machine.voice_at.is_some() && machine.phase != super::Phase::Idle
        };
        if follows_voice {
            driver.handle(Event::LookAway);
        }
    });
}

fn has_selection() -> bool {
    let selection = window().get_selection().ok().flatten();
    selection.is_some_and(|selection| !selection.is_collapsed())
}

fn is_scrolled() -> bool {
    let far = |offset: Result<f64, JsValue>| offset.is_ok_and(|offset| offset.abs() > 80.0);
    far(window().scroll_y()) || far(window().scroll_x())
}

fn set_address(address: &str, as_step: bool) {
    let Ok(history) = window().history() else { return };
    let _ = if as_step {
        history.push_state_with_url(&JsValue::NULL, "", Some(address))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(address))
    };
}

fn stored(name: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(name).ok()?
}

fn store(name: &str, value: &str) {
    // Private windows may refuse; then the choice lasts as long as the page.
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(name, value);
    }
}
