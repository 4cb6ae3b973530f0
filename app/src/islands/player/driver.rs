//! Drives the machine: brings it what happens in the browser and carries out what it decides.

mod chapter;
mod display;
mod sleep_timer;
mod start;

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlAudioElement;

use super::super::dom::Json;
use super::super::{dom, panels};
use super::machine::{Action, Event, Machine, Phase, Spot};
use super::outline::Outline;
use super::page;
use super::server_events::{Elsewhere, Mark};
use super::sleep::Sleep;
use super::sound::Sound;
use super::{bar, commands, gestures, marks, paged, places, session};
use crate::pacing::Word;
use start::Start;

/// So long before a sentence ends, as the listener hears it, the clock is read at every frame: longer than
/// between two `timeupdate`.
const LEAD_MS: u64 = 400;

/// The player at work. Cheap to clone.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

struct Inner {
    start: Start,
    /// Names this page to the narrator.
    listener: String,
    machine: RefCell<Machine>,
    sound: RefCell<Sound>,
    voice: RefCell<String>,
    rate: Cell<u16>,
    outline: RefCell<Outline>,
    /// The chapter the outline is of; 0 while there is none.
    outlined: Cell<u32>,
    /// The chapter it has been asked for.
    outlining: Cell<u32>,
    /// The address that is being fetched for the page, and how many were before it.
    showing: RefCell<String>,
    shows: Cell<u32>,
    sleep: Cell<Sleep>,
    /// The words of a sentence, while words are marked.
    words: RefCell<Option<(Spot, Vec<Word>)>>,
    word: Cell<Option<(u32, u32)>>,
    annotations: RefCell<Vec<Mark>>,
    /// The names of those that say how sentences are read, once they are known.
    directions: RefCell<Option<Vec<String>>>,
    places: ReadingPositions,
    /// The clock will be read at the next frame.
    ticking: Cell<bool>,
    /// What the bar shows: second and length of the chapter, and the speed.
    written: Cell<Option<(u64, u64, u16)>>,
    /// The reader has moved the page, not the voice and not an address.
    scrolled: Cell<bool>,
    /// A finger is on the scrubber.
    scrubbing: Cell<bool>,
    settling: Cell<Option<TimeoutHandle>>,
}

/// What this device knows of where readers are.
pub struct ReadingPositions {
    pub device: String,
    /// When the last place this device knows of was taken.
    pub known_ms: Cell<u64>,
    /// The reader has moved here since.
    pub has_moved: Cell<bool>,
    /// Where another device is, while the reader is asked about it.
    pub elsewhere: RefCell<Option<Elsewhere>>,
    /// Since when, in milliseconds since 1970.
    pub asked_at: Cell<f64>,
    pub saved_at: Cell<f64>,
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
    pub fn start() {
        let (Some(player), Some(shown)) = (bar::player(), page::shown()) else { return };
        let Some(start) = Start::read(&player) else { return };
        let audio = dom::one(".player audio").and_then(|audio| audio.dyn_into().ok());
        let Some(audio): Option<HtmlAudioElement> = audio else { return };
        let mut machine = Machine::new(shown.chapter, shown.sentences, start.chapters);
        machine.voice_at = start.resume.map(|sentence| Spot { chapter: shown.chapter, sentence });
        let word = |name: &str| start.words.text(name).unwrap_or_default();
        let reasons = (word("connection_lost"), word("unplayable"));
        let places = ReadingPositions {
            device: places::device(),
            known_ms: Cell::new(start.known_ms),
            has_moved: Cell::new(false),
            elsewhere: RefCell::new(None),
            asked_at: Cell::new(0.0),
            saved_at: Cell::new(0.0),
        };
        dom::listen(&audio, "timeupdate", |_| with_current(Driver::read_clock));
        let driver = Self(Rc::new(Inner {
            listener: places::random_name(),
            machine: RefCell::new(machine),
            sound: RefCell::new(Sound::new(audio, reasons, report)),
            voice: RefCell::new(start.voice.clone()),
            rate: Cell::new(100),
            outline: RefCell::default(),
            outlined: Cell::default(),
            outlining: Cell::default(),
            showing: RefCell::default(),
            shows: Cell::default(),
            sleep: Cell::default(),
            words: RefCell::default(),
            word: Cell::default(),
            annotations: RefCell::default(),
            directions: RefCell::default(),
            places,
            ticking: Cell::new(false),
            written: Cell::default(),
            scrolled: Cell::new(false),
            scrubbing: Cell::new(false),
            settling: Cell::new(None),
            start,
        }));
        CURRENT.set(Some(driver.clone()));
        driver.begin_rate();
        driver.watch();
        // In a task of its own: it has the page laid out.
        set_timeout(|| with_current(Driver::open_page), Duration::ZERO);
        if !window().navigator().on_line() {
            driver.show_phase();
        }
        dom::set(&player, "data-live", "true");
        if let Some(root) = document().document_element() {
            dom::set(&root, "data-player", "live");
        }
    }

    fn watch(&self) {
        gestures::watch();
        commands::watch();
        marks::watch();
        self.watch_places();
        session::listen(|command, second| {
            with_current(|driver| match command {
                "seek" => driver.scrub((second * 1000.0) as u64, true),
                _ => driver.command(command, ""),
            });
        });
        dom::listen(&document(), panels::PREFERRED, |_| {
            with_current(Driver::adopt_preferences);
        });
        for name in ["offline", "online"] {
            dom::listen(&window(), name, |_| with_current(Driver::show_phase));
        }
    }

    /// The book.
    pub fn book(&self) -> &str {
        &self.0.start.book
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.0.start.title
    }

    /// What scripts say, by its name in [`crate::words::ScriptWords`].
    pub fn say(&self, name: &str) -> String {
        self.0.start.words.text(name).unwrap_or_default()
    }

    /// The machine, to look at.
    pub fn machine(&self) -> Ref<'_, Machine> {
        self.0.machine.borrow()
    }

    /// The machine, to change.
    pub fn machine_mut(&self) -> RefMut<'_, Machine> {
        self.0.machine.borrow_mut()
    }

    /// What this device knows of where readers are.
    pub fn places(&self) -> &ReadingPositions {
        &self.0.places
    }

    /// The names of what says how sentences are read, once they are known.
    pub fn directions(&self) -> &RefCell<Option<Vec<String>>> {
        &self.0.directions
    }

    /// What is marked in the book.
    pub fn annotations(&self) -> &RefCell<Vec<Mark>> {
        &self.0.annotations
    }

    /// The listener's speed, in hundredths.
    pub fn rate(&self) -> u16 {
        self.0.rate.get()
    }

    /// The chosen voice; empty when there is none.
    pub fn voice(&self) -> String {
        self.0.voice.borrow().clone()
    }

    /// Chooses another voice.
    pub fn set_voice(&self, id: &str, name: &str) {
        self.0.voice.replace(id.to_owned());
        if let Some(player) = bar::player() {
            dom::set(&player, "data-voice", id);
        }
        bar::voice(name);
    }

    /// Brings an event to the machine and does what it says.
    pub fn handle(&self, event: Event) {
        // Play starts where the reader is looking, unless there is a place to resume.
        if event == Event::Toggle && self.machine().voice_at.is_none() {
            let sentence = page::first_visible().filter(|_| is_scrolled()).unwrap_or(0);
            let mut machine = self.machine_mut();
            machine.voice_at = Some(Spot { chapter: machine.shown, sentence });
        }
        if let Event::Timeline { chapter, entries } = &event
            && *chapter == self.0.outlined.get()
        {
            self.0.outline.borrow_mut().correct(entries);
        }
        let is_asked = matches!(
            event,
            Event::Toggle | Event::Jump { .. } | Event::Skip { .. } | Event::SkipChapter { .. }
        );
        if is_asked {
            // Who goes on here stays here.
            self.answer(false);
            self.drop_stale_sleep();
        }
        let actions = self.machine_mut().handle(event);
        self.carry_out(actions);
        if is_asked {
            self.aim_sleep();
        }
    }

    /// Does what the machine says, and shows how it is.
    pub fn carry_out(&self, actions: Vec<Action>) {
        for action in actions {
            self.perform(action);
        }
        self.follow_outline();
        self.refresh();
    }

    /// Goes a sentence on or back.
    pub fn skip(&self, by: i32) {
        let buffered_ms = self.0.sound.borrow().buffered_ms();
        self.handle(Event::Skip { by, buffered_ms });
    }

    /// Reads from there.
    pub fn jump(&self, to: Spot) {
        let buffered_ms = self.0.sound.borrow().buffered_ms();
        self.handle(Event::Jump { to, buffered_ms });
    }

    /// Goes there, silently if nothing is being read.
    pub fn go_to(&self, to: Spot) {
        let buffered_ms = self.0.sound.borrow().buffered_ms();
        self.answer(false);
        let actions = self.machine_mut().move_to(to, buffered_ms);
        self.carry_out(actions);
        self.aim_sleep();
    }

    fn perform(&self, action: Action) {
        let (book, voice) = (self.book(), self.voice());
        let mut sound = self.0.sound.borrow_mut();
        match action {
            Action::Open(at) => {
                sound.open(book, at, &voice, self.rate());
                sound.follow(book, at, &voice, report);
            }
            Action::FollowTimeline(chapter) => {
                sound.follow(book, Spot { chapter, sentence: 0 }, &voice, report);
            }
            Action::Play => sound.play(report),
            Action::Pause => sound.pause(),
            Action::Close => sound.close(),
            Action::Seek(ms) => sound.seek(ms),
            Action::Mark { sentence, following } => {
                page::mark(sentence);
                if following {
                    page::scroll_to(sentence);
                }
            }
            Action::Show { chapter } => self.show(format!("/read/{book}/{chapter}"), false, false),
            Action::Remember(_) => {}
        }
        drop(sound);
        match action {
            Action::Remember(_) if self.machine().is_running() => self.save(false),
            Action::Open(_) | Action::Pause | Action::Close | Action::Remember(_) => {
                self.save(true)
            }
            _ => {}
        }
    }

    /// Shows the machine's state and keeps the clock read while sound comes.
    fn refresh(&self) {
        let phase = self.machine().phase.clone();
        // Why it failed may be told a moment after it has.
        let may_say_more = matches!(phase, Phase::Failed(_));
        if bar::player().is_some_and(|player| {
            may_say_more || player.get_attribute("data-phase").as_deref() != Some(phase.name())
        }) {
            self.show_phase();
            session::state(self.machine().is_running());
        }
        self.show_way_back();
        self.show_place();
        if self.is_mark_about_to_move() && !self.0.ticking.replace(true) {
            request_animation_frame(|| {
                with_current(|driver| {
                    driver.0.ticking.set(false);
                    driver.read_clock();
                });
            });
        }
    }

    /// Whether the clock is to be read at the next frame: `timeupdate`, four times a second, is enough
    /// within a sentence, but would show where the mark moves.
    fn is_mark_about_to_move(&self) -> bool {
        let machine = self.machine();
        let left_ms = machine.moment().zip(machine.sentence_ms()).map(|((_, into_ms), length)| {
            length.saturating_sub(into_ms) * 100 / u64::from(self.rate())
        });
        machine.is_running() && (marks_words() || left_ms.is_none_or(|left_ms| left_ms < LEAD_MS))
    }

    fn read_clock(&self) {
        let ms = self.0.sound.borrow().now_ms();
        self.handle(Event::Clock(ms));
        self.mark_word();
        self.heed_sleep();
    }
}

/// Whether words are marked while the voice reads.
fn marks_words() -> bool {
    let root = document().document_element();
    root.is_some_and(|root| root.get_attribute("data-mark").as_deref() == Some("word"))
}

fn is_scrolled() -> bool {
    let far = |offset: Result<f64, JsValue>| offset.is_ok_and(|offset| offset.abs() > 80.0);
    paged::is_paged() || far(window().scroll_y()) || far(window().scroll_x())
}
