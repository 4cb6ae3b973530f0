//! Drives the machine: brings it what happens in the browser and carries out what it decides.

mod chapter;
mod display;
mod rate;
mod scrolling;
mod sleep_timer;

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::{EventTarget, HtmlAudioElement};

use super::super::{dom, preferences};
use super::controls::scrubber;
use super::machine::{Action, Event, Machine, Phase, Spot};
use super::marks::{self, Marks};
use super::page;
use super::places::{self, Places};
use super::sleep::Sleep;
use super::sound::Sound;
use super::start::Start;
use super::state::{PlayerState, words};
use super::word_mark::{self, WordMark};
use super::{commands, gestures, session, time_spent};
use crate::words;
use chapter::Exchange;
pub use chapter::Step;
use display::Outlining;
use scrolling::Scrolling;

/// So long before a sentence ends, as the listener hears it, the clock is read at every frame: longer than
/// between two `timeupdate`.
const LEAD_MS: u64 = 400;

/// The player at work. Cheap to clone.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

impl std::fmt::Debug for Driver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Driver")
    }
}

struct Inner {
    start: Start,
    state: PlayerState,
    /// Names this page to the narrator.
    listener: String,
    machine: RefCell<Machine>,
    sound: RefCell<Sound>,
    outline: Outlining,
    exchange: Exchange,
    scrolling: Scrolling,
    sleep: Cell<Sleep>,
    word: WordMark,
    marks: Marks,
    places: Places,
    /// The clock will be read at the next frame.
    ticking: Cell<bool>,
}

impl Driver {
    /// Takes over the page.
    pub fn start(start: Start, audio: HtmlAudioElement, state: PlayerState) -> Option<Self> {
        let shown = page::shown()?;
        let mut machine = Machine::new(shown.chapter, shown.sentences, start.chapters);
        machine.voice_at = start.resume.map(|sentence| Spot { chapter: shown.chapter, sentence });
        let places = Places::new(start.known_ms, machine.voice_at);
        let driver = Self(Rc::new(Inner {
            listener: places::random_name(),
            state,
            machine: RefCell::new(machine),
            sound: RefCell::new(Sound::new(audio.clone())),
            outline: Outlining::default(),
            exchange: Exchange::default(),
            scrolling: Scrolling::default(),
            sleep: Cell::default(),
            word: WordMark::default(),
            marks: Marks::default(),
            places,
            ticking: Cell::new(false),
            start,
        }));
        driver.0.sound.borrow().watch(driver.report());
        driver.on(&audio, "timeupdate", |driver, _| driver.read_clock());
        driver.begin_rate();
        driver.recall_sleep_origin();
        driver.watch();
        // In a task of its own: it has the page laid out.
        driver.later(Duration::ZERO, Self::open_page);
        driver.look_for_connection();
        Some(driver)
    }

    fn watch(&self) {
        gestures::watch(self);
        scrubber::watch(self);
        commands::watch(self);
        marks::watch(self);
        places::watch(self);
        time_spent::watch(self.0.state);
        let driver = self.clone();
        session::listen(move |command| driver.command(command));
        self.on(&document(), preferences::PREFERRED, |driver, _| driver.adopt_preferences());
        for name in ["offline", "online"] {
            self.on(&window(), name, |driver, _| driver.look_for_connection());
        }
    }

    /// Has something handled that happens to `target`, for as long as the page lives.
    pub fn on(
        &self,
        target: &EventTarget,
        name: &str,
        handle: impl Fn(&Self, &web_sys::Event) + 'static,
    ) {
        let driver = self.clone();
        dom::listen(target, name, move |event| handle(&driver, &event));
    }

    /// Does something after a while.
    pub fn later(&self, wait: Duration, act: impl FnOnce(&Self) + 'static) {
        let driver = self.clone();
        set_timeout(move || act(&driver), wait);
    }

    /// Does something once what the browser has to show has been shown.
    pub fn after_paint(&self, act: impl FnOnce(&Self) + 'static) {
        let driver = self.clone();
        dom::after_paint(move || act(&driver));
    }

    /// Takes what happens to the sound.
    fn report(&self) -> impl Fn(Event) + Clone + use<> {
        let driver = self.clone();
        move |event| driver.handle(event)
    }

    fn look_for_connection(&self) {
        self.state().is_online.set(window().navigator().on_line());
    }

    /// What is shown of the player.
    pub fn state(&self) -> &PlayerState {
        &self.0.state
    }

    /// The book.
    pub fn book(&self) -> &str {
        &self.0.start.book
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.0.start.title
    }

    /// The words of the page's language.
    pub fn words(&self) -> &'static words::Playing {
        words()
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
    pub fn places(&self) -> &Places {
        &self.0.places
    }

    /// What is marked in the book.
    pub fn marks(&self) -> &Marks {
        &self.0.marks
    }

    /// The listener's speed, in hundredths.
    pub fn rate(&self) -> u16 {
        self.state().rate.get_untracked()
    }

    /// Who reads; empty when nobody does.
    pub fn voice(&self) -> String {
        self.state().cast.get_untracked()
    }

    /// Has others read, among whom the voice of this name tells the story.
    pub fn set_voice(&self, cast: String, name: String) {
        self.state().cast.set(cast);
        self.state().voice_name.set(name);
    }

    /// Brings an event to the machine and does what it says.
    pub fn handle(&self, event: Event) {
        // Play starts where the reader is looking, unless there is a place to resume.
        if event == Event::Toggle && self.machine().voice_at.is_none() {
            let sentence = page::first_visible().filter(|_| is_scrolled()).unwrap_or(0);
            let mut machine = self.machine_mut();
            machine.voice_at = Some(Spot { chapter: machine.shown, sentence });
        }
        if let Event::Timeline { chapter, entries } = &event {
            self.0.outline.correct(*chapter, entries);
        }
        let is_asked = matches!(
            event,
            Event::Toggle | Event::Jump { .. } | Event::Skip { .. } | Event::SkipChapter { .. }
        );
        if is_asked {
            // Who goes on here stays here.
            self.answer(false);
            self.drop_stale_sleep();
            self.state().has_slept.set(false);
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
        self.state().has_slept.set(false);
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
                sound.follow(book, at, &voice, self.report());
            }
            Action::FollowTimeline(chapter) => {
                sound.follow(book, Spot { chapter, sentence: 0 }, &voice, self.report());
            }
            Action::AskAnew(from) if sound.has_told() => {
                sound.follow(book, from, &voice, self.report());
            }
            Action::AskAnew(_) => {}
            Action::Play => sound.play(self.report()),
            Action::Pause => sound.pause(),
            Action::Close => sound.close(),
            Action::Seek(ms) => sound.seek(ms),
            Action::Mark { sentence, following } => {
                page::mark(sentence);
                if following {
                    page::scroll_to(sentence);
                }
            }
            Action::Show { chapter } => {
                self.show(format!("/read/{book}/{chapter}"), Step::None, false)
            }
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
        if self.state().phase.with_untracked(|shown| *shown != phase) {
            if phase.is_running() {
                self.state().has_slept.set(false);
            }
            self.state().phase.set(phase);
            self.state().mention.set(None);
        }
        self.show_way_back();
        self.show_place();
        if self.is_mark_about_to_move() && !self.0.ticking.replace(true) {
            let driver = self.clone();
            request_animation_frame(move || {
                driver.0.ticking.set(false);
                driver.read_clock();
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
        machine.is_running()
            && (word_mark::is_wanted() || left_ms.is_none_or(|left_ms| left_ms < LEAD_MS))
    }

    fn read_clock(&self) {
        let ms = self.0.sound.borrow().now_ms();
        self.handle(Event::Clock(ms));
        self.0.word.follow(&self.machine());
        self.heed_sleep();
    }
}

fn is_scrolled() -> bool {
    let far = |offset: Result<f64, JsValue>| offset.is_ok_and(|offset| offset.abs() > 80.0);
    dom::is_paged() || far(window().scroll_y()) || far(window().scroll_x())
}
