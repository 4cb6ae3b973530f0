//! Drives the machine: brings it what happens in the browser and carries out what it decides.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAudioElement};

use super::super::dom::Json;
use super::super::{dom, panels};
use super::machine::{Action, Event, Machine, Phase, Spot};
use super::outline::Outline;
use super::page::{self, Shown, Side};
use super::post::{self, Announcement, Elsewhere, Mark};
use super::sleep::{Due, Sleep};
use super::sound::Sound;
use super::words::{Word, word_at, words};
use super::{bar, commands, gestures, marks, places, session, sheets};
use crate::model::Point;

/// A page reports what it shows when the reader has not scrolled for this long.
const SETTLED: Duration = Duration::from_millis(400);

/// What the server knows when the page is made: it stands on the bar.
struct Start {
    book: String,
    title: String,
    author: String,
    has_cover: bool,
    chapters: u32,
    /// The sentence of this chapter where the reader stopped.
    resume: Option<u32>,
    /// When the reader's place was taken, in milliseconds since 1970; 0 when the book is not begun.
    known_ms: u64,
    /// The voice that reads; empty when none does.
    voice: String,
    /// What scripts say ([`crate::words::ScriptWords`]).
    words: Json,
}

impl Start {
    fn read(player: &Element) -> Option<Self> {
        let text = |name: &str| player.get_attribute(name).unwrap_or_default();
        Some(Self {
            book: text("data-book"),
            title: text("data-title"),
            author: text("data-author"),
            has_cover: player.has_attribute("data-has-cover"),
            chapters: text("data-chapters").parse().ok()?,
            resume: text("data-resume").parse().ok(),
            known_ms: text("data-known-ms").parse().unwrap_or_default(),
            voice: text("data-voice"),
            words: Json::parse(&text("data-words"))?,
        })
    }
}

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
    sleep: Cell<Sleep>,
    /// The words of a sentence, while words are marked.
    words: RefCell<Option<(Spot, Vec<Word>)>>,
    word: Cell<Option<(u32, u32)>>,
    annotations: RefCell<Vec<Mark>>,
    places: Places,
    /// The clock is being read at every frame.
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
pub struct Places {
    pub device: String,
    /// When the last place this device knows of was taken.
    pub known_ms: Cell<u64>,
    /// The reader has moved here since.
    pub has_moved: Cell<bool>,
    /// Where another device is, while the reader is asked about it.
    pub elsewhere: RefCell<Option<Elsewhere>>,
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
        let places = Places {
            device: places::device(),
            known_ms: Cell::new(start.known_ms),
            has_moved: Cell::new(false),
            elsewhere: RefCell::new(None),
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
            sleep: Cell::default(),
            words: RefCell::default(),
            word: Cell::default(),
            annotations: RefCell::default(),
            places,
            ticking: Cell::new(false),
            written: Cell::default(),
            scrolled: Cell::new(false),
            scrubbing: Cell::new(false),
            settling: Cell::new(None),
            start,
        }));
        CURRENT.set(Some(driver.clone()));
        driver.adopt_preferences();
        driver.open_page();
        driver.watch();
        if !window().navigator().on_line() {
            driver.show_phase();
        }
        dom::set(&player, "data-live", "true");
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
    pub fn places(&self) -> &Places {
        &self.0.places
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

    /// When the voice is to stop.
    pub fn sleep(&self) -> Sleep {
        self.0.sleep.get()
    }

    /// Sets when the voice is to stop; `chosen` is the button that says so.
    pub fn set_sleep(&self, sleep: Sleep, chosen: &str) {
        self.0.sleep.set(sleep);
        self.0.sound.borrow().set_volume(1.0);
        bar::sleep(sleep.minutes_left(js_sys::Date::now()), chosen);
        if let Some(popover) = dom::one("#sleep:popover-open") {
            let _ = dom::call(&popover, "hidePopover", &[]);
        }
        self.show_phase();
    }

    /// The device was shaken: more of the voice, if it was about to stop.
    pub fn shaken(&self) {
        let chapter = self.machine().shown;
        if matches!(self.sleep().due(js_sys::Date::now(), chapter), Due::Fading(_)) {
            self.command("sleep-longer", "");
        }
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
            && *chapter == self.machine().shown
        {
            self.0.outline.borrow_mut().correct(entries);
        }
        let actions = self.machine_mut().handle(event);
        self.carry_out(actions);
    }

    /// Does what the machine says, and shows how it is.
    pub fn carry_out(&self, actions: Vec<Action>) {
        for action in actions {
            self.perform(action);
        }
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
        let actions = self.machine_mut().move_to(to, buffered_ms);
        self.carry_out(actions);
        if !self.machine().is_running() {
            self.save(true);
        }
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
        if bar::player().is_some_and(|player| {
            player.get_attribute("data-phase").as_deref() != Some(phase.name())
        }) {
            self.show_phase();
            session::state(self.machine().is_running());
        }
        self.show_way_back();
        self.show_place();
        if self.machine().is_running() && !self.0.ticking.replace(true) {
            self.tick();
        }
    }

    /// Shows what the player is doing, or that there is no connection.
    pub fn show_phase(&self) {
        if self.places().elsewhere.borrow().is_some() {
            return;
        }
        let phase = self.machine().phase.clone();
        bar::phase(&phase, &self.0.start.words);
        let is_calm = matches!(phase, Phase::Idle | Phase::Playing | Phase::Paused);
        if is_calm && !window().navigator().on_line() {
            bar::say(Some(&self.say("offline")));
        }
    }

    /// Offers the way back to the voice while the reader looks elsewhere.
    fn show_way_back(&self) {
        let machine = self.machine();
        let Some(at) = machine.voice_at.filter(|_| !machine.following) else {
            bar::look_back(None);
            return;
        };
        let side = page::side(at.sentence).filter(|_| at.chapter == machine.shown);
        bar::look_back(Some(&self.say(match side {
            Some(Side::Before) => "voice_above",
            Some(Side::After) => "voice_below",
            _ => "voice_elsewhere",
        })));
    }

    /// Shows where in the chapter the voice is: once a second.
    fn show_place(&self) {
        let machine = self.machine();
        let Some((at, into_ms)) = machine.moment().filter(|(at, _)| at.chapter == machine.shown)
        else {
            return;
        };
        let outline = self.0.outline.borrow();
        let (position, total) = (outline.position_ms(at.sentence, into_ms), outline.total_ms());
        let second = (position / 1000, total, self.rate());
        if total == 0
            || self.0.scrubbing.get()
            || self.0.written.replace(Some(second)) == Some(second)
        {
            return;
        }
        bar::place(position, total, outline.rest_ms(), self.rate(), &self.0.start.words);
        session::place(position, total, self.rate());
    }

    /// A finger on the scrubber is at a moment of the chapter; `is_done` when it has left.
    pub fn scrub(&self, ms: u64, is_done: bool) {
        self.0.scrubbing.set(!is_done);
        if is_done {
            let sentence = self.0.outline.borrow().sentence_at(ms);
            let chapter = self.machine().shown;
            self.0.written.take();
            self.go_to(Spot { chapter, sentence });
        }
    }

    /// Reads the clock at every frame: `timeupdate` comes four times a second, which shows.
    fn tick(&self) {
        let driver = self.clone();
        request_animation_frame(move || {
            driver.read_clock();
            if driver.machine().is_running() {
                driver.tick();
            } else {
                driver.0.ticking.set(false);
            }
        });
    }

    fn read_clock(&self) {
        let ms = self.0.sound.borrow().now_ms();
        self.handle(Event::Clock(ms));
        self.mark_word();
        self.heed_sleep();
    }

    fn heed_sleep(&self) {
        if self.sleep() == Sleep::Off || !self.machine().is_running() {
            return;
        }
        let now = js_sys::Date::now();
        let chapter = self.machine().voice_at.map_or(0, |at| at.chapter);
        match self.sleep().due(now, chapter) {
            Due::Nothing => {}
            Due::Fading(volume) => {
                self.0.sound.borrow().set_volume(volume);
                bar::say(Some(&self.say("sleep_soon")));
            }
            Due::Now => {
                self.handle(Event::Toggle);
                self.set_sleep(Sleep::Off, "off");
            }
        }
        if let Some(left) = self.sleep().minutes_left(now) {
            bar::sleep_left(left);
        }
    }

    /// Marks the word the voice is in, where words are marked.
    fn mark_word(&self) {
        let root = document().document_element();
        let wants =
            root.is_some_and(|root| root.get_attribute("data-mark").as_deref() == Some("word"));
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
            *known = Some((at, words(&page::text_of(at.sentence))));
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

    /// Exchanges the page's chapter. `by_reader` leaves a step in the history; `at_end` shows its
    /// last page.
    pub fn show(&self, address: String, by_reader: bool, at_end: bool) {
        let driver = self.clone();
        spawn_local(async move {
            let before = driver.machine().shown;
            match page::show(&address).await {
                Ok(shown) => {
                    set_address(&address, by_reader);
                    if at_end {
                        sheets::turn_to_end();
                    }
                    let Shown { chapter, sentences, .. } = shown;
                    driver.handle(Event::Shown { chapter, sentences });
                    if chapter != before {
                        driver.announce(Announcement::ChapterChange, None);
                        driver.enter_chapter();
                    }
                    driver.announce(Announcement::PageOpen, page::first_visible());
                }
                // The whole page can still be loaded; without sound the loss is small.
                Err(_) if !driver.machine().is_running() => {
                    let _ = window().location().set_href(&address);
                }
                Err(_) => {}
            }
        });
    }

    fn open_page(&self) {
        let resume = self.0.start.resume;
        if let Some(sentence) = resume {
            page::mark(sentence);
            // An address that names a place of its own is where the reader wants to be.
            if window().location().hash().is_ok_and(|hash| hash.is_empty()) {
                page::scroll_to(sentence);
            }
        }
        if let Ok(hash) = window().location().hash()
            && let Some(target) =
                dom::one(&hash.replace(['"', '\\'], "")).filter(|_| !hash.is_empty())
        {
            sheets::turn_to(&target, false);
        }
        self.announce(Announcement::PageOpen, resume.or_else(page::first_visible));
        self.announce(Announcement::ChapterOpen, resume);
        self.enter_chapter();
    }

    /// The page shows another chapter than before.
    fn enter_chapter(&self) {
        self.fetch_outline();
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

    /// Asks how long the chapter's sentences last.
    pub fn fetch_outline(&self) {
        let (driver, chapter, voice) = (self.clone(), self.machine().shown, self.voice());
        if voice.is_empty() {
            return;
        }
        spawn_local(async move {
            let book = driver.book();
            let name = js_sys::encode_uri_component(&voice);
            let address = format!("/api/books/{book}/chapters/{chapter}/outline?voice={name}");
            let known = dom::get(&address).await;
            if let Some(known) = known
                && driver.machine().shown == chapter
                && driver.voice() == voice
            {
                let durations =
                    known.get("durations_ms").map(|list| list.items()).unwrap_or_default();
                let durations = durations.iter().map(|ms| ms.as_number() as u32).collect();
                driver.0.outline.replace(Outline::new(durations, known.number("rest_ms")));
                driver.0.written.take();
                driver.show_place();
            }
        });
    }

    fn announce(&self, announcement: Announcement, sentence: Option<u32>) {
        let voice = self.voice();
        if voice.is_empty() {
            // Nobody can speak: there is nothing to make ready.
            return;
        }
        let (shown, voice_at) = (self.machine().shown, self.machine().voice_at);
        let spoken = voice_at.filter(|at| at.chapter == shown).map(|at| at.sentence);
        let at = Spot { chapter: shown, sentence: sentence.or(spoken).unwrap_or(0) };
        post::event(announcement, &self.0.listener, self.book(), at, &voice);
    }

    /// Takes over what the root of the page says the reader prefers.
    fn adopt_preferences(&self) {
        let root = document().document_element();
        let rate = root.and_then(|root| root.get_attribute("data-rate")?.parse().ok());
        let rate = rate.unwrap_or(100);
        if self.0.rate.replace(rate) != rate {
            self.0.sound.borrow().set_rate(rate);
        }
        bar::rate(rate);
        self.0.written.take();
        self.show_place();
        // Another layout puts the text elsewhere.
        request_animation_frame(|| {
            sheets::settle();
            with_current(|driver| {
                let machine = driver.machine();
                if let Some(at) =
                    machine.voice_at.filter(|at| machine.following && at.chapter == machine.shown)
                {
                    page::scroll_to(at.sentence);
                }
            });
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
        let wait = set_timeout_with_handle(|| with_current(Driver::settled), SETTLED);
        self.0.settling.set(wait.ok());
    }

    fn settled(&self) {
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

fn is_scrolled() -> bool {
    let far = |offset: Result<f64, JsValue>| offset.is_ok_and(|offset| offset.abs() > 80.0);
    sheets::is_paged() || far(window().scroll_y()) || far(window().scroll_x())
}

fn set_address(address: &str, as_step: bool) {
    let Ok(history) = window().history() else { return };
    let _ = if as_step {
        history.push_state_with_url(&JsValue::NULL, "", Some(address))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(address))
    };
}
