//! Where the reader is, kept by the server: and what happens when another device has moved.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::super::dom;
use super::driver::Driver;
use super::machine::Spot;
use super::page;
use super::server_events::{self, Elsewhere, Here, Saved};

/// The place is saved at most this often while the voice reads.
const SAVE_EVERY_MS: f64 = 2_000.0;

/// A question about another device that is not answered while the voice reads on is settled after
/// this long.
const ANSWERED_AFTER_MS: f64 = 60_000.0;

/// What this device knows of where readers are.
#[derive(Debug)]
pub struct Places {
    device: String,
    /// When the last place this device knows of was taken.
    known_ms: Cell<u64>,
    /// The reader has moved here since.
    has_moved: Cell<bool>,
    /// Where another device is, while the reader is asked about it.
    elsewhere: RefCell<Option<Elsewhere>>,
    /// Since when, in milliseconds since 1970.
    asked_at: Cell<f64>,
    saved_at: Cell<f64>,
    /// What was saved last, or the page came with. Another tab may have gone on from there since, so that it is not saved
    /// again when this one is left.
    saved: Cell<Option<(Spot, u64)>>,
}

/// A place that the server could not be told.
struct Pending {
    at: Spot,
    /// When the last place that was known then was taken.
    known_ms: u64,
    /// When this one was.
    taken_ms: u64,
}

impl Pending {
    fn written(&self) -> String {
        let Self { at: Spot { chapter, sentence }, known_ms, taken_ms } = self;
        format!("{chapter} {sentence} {known_ms} {taken_ms}")
    }

    /// Earlier versions wrote no times: then it counts, and whatever another device did since is asked about.
    fn read(written: &str) -> Option<Self> {
        let mut numbers = written.split(' ').map(|number| number.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        Some(Self {
            at: Spot { chapter: next()? as u32, sentence: next()? as u32 },
            known_ms: next().unwrap_or(0),
            taken_ms: next().unwrap_or(u64::MAX),
        })
    }
}

impl Places {
    /// As the page comes, at a place of this chapter or not: the last place was taken at `known_ms`.
    pub fn new(known_ms: u64, at: Option<Spot>) -> Self {
        Self {
            device: device(),
            known_ms: Cell::new(known_ms),
            has_moved: Cell::new(false),
            elsewhere: RefCell::new(None),
            asked_at: Cell::new(0.0),
            saved_at: Cell::new(0.0),
            saved: Cell::new(at.map(|at| (at, 0))),
        }
    }
}

/// Names this browser to the server, for good.
fn device() -> String {
    if let Some(known) = dom::stored("earmark.device") {
        return known;
    }
    let made = random_name();
    dom::store("earmark.device", &made);
    made
}

/// A name nobody else has.
pub fn random_name() -> String {
    let part = || (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
    format!("{:x}{:x}", part(), part())
}

impl Driver {
    /// Saves where the voice is; not more often than needed unless `now`.
    pub fn save(&self, now: bool) {
        let time = js_sys::Date::now();
        if !now && time - self.places().saved_at.get() < SAVE_EVERY_MS {
            return;
        }
        let moment = self.machine().moment();
        if let Some((at, into_ms)) = moment
            && self.places().saved.get() != moment
        {
            self.places().saved_at.set(time);
            self.put_place(at, into_ms);
        }
    }

    /// Has the server keep a place, unless another device has moved: then the reader is asked.
    pub fn put_place(&self, at: Spot, into_ms: u64) {
        self.tell_place(at, into_ms, js_sys::Date::now() as u64);
    }

    fn tell_place(&self, at: Spot, into_ms: u64, taken_ms: u64) {
        if self.places().elsewhere.borrow().is_some() {
            // Who listens on here for a while without an answer has given one.
            let asked_for = js_sys::Date::now() - self.places().asked_at.get();
            if self.machine().is_running() && asked_for > ANSWERED_AFTER_MS {
                self.answer(false);
            }
            return;
        }
        self.places().has_moved.set(true);
        self.places().saved.set(Some((at, into_ms)));
        let (driver, voice) = (self.clone(), self.voice());
        spawn_local(async move {
            let places = driver.places();
            let known_ms = places.known_ms.get();
            let is_last = || places.saved.get() == Some((at, into_ms));
            let here = Here { at, into_ms, voice: &voice, device: &places.device, known_ms };
            match server_events::progress(driver.book(), here).await {
                Some(Saved::Kept(at_ms)) => {
                    places.known_ms.set(at_ms);
                    if is_last() {
                        driver.forget_pending();
                    }
                }
                Some(Saved::Moved(there)) => driver.ask_to_move(there),
                // The book has no such place, as when its file was read anew.
                Some(Saved::Refused) if is_last() => driver.forget_pending(),
                // Kept here until the server can be reached, and told again when the page is left.
                None if is_last() => {
                    places.saved.set(None);
                    let pending = Pending { at, known_ms, taken_ms };
                    dom::store(&driver.pending_name(), &pending.written());
                }
                Some(Saved::Refused) | None => {}
            }
        });
    }

    /// Looks whether another device has moved, when the reader comes back to this page.
    fn look_elsewhere(&self) {
        if self.machine().is_running() {
            return;
        }
        let driver = self.clone();
        spawn_local(async move {
            let address = format!("/api/books/{}/progress", driver.book());
            let Some(there) = dom::get(&address).await.filter(|place| !place.is_null()) else {
                return;
            };
            let there = Elsewhere::read(&there);
            let places = driver.places();
            if there.at_ms <= places.known_ms.get() || there.device.as_ref() == Some(&places.device)
            {
                return;
            }
            if places.has_moved.get() {
                driver.ask_to_move(there);
            } else {
                driver.go_there(&there);
            }
        });
    }

    fn pending_name(&self) -> String {
        format!("earmark.place.{}", self.book())
    }

    fn forget_pending(&self) {
        dom::store(&self.pending_name(), "");
    }

    /// Goes on where the reader was without a connection, and tells the server; unless another device was somewhere
    /// later.
    pub fn take_up_pending(&self) {
        let Some(kept) = dom::stored(&self.pending_name()) else { return };
        let Some(Pending { at, known_ms, taken_ms }) = Pending::read(&kept) else { return };
        let last_ms = self.places().known_ms.get();
        // The clocks of the server and of this device may differ: nothing is later if nobody has moved.
        if last_ms > known_ms && last_ms > taken_ms {
            self.forget_pending();
            return;
        }
        // The server asks if another device has moved since.
        self.places().known_ms.set(known_ms);
        if self.machine().voice_at != Some(at) && !self.machine().is_running() {
            let actions = self.machine_mut().adopt(at);
            self.carry_out(actions);
        }
        self.tell_place(at, 0, taken_ms);
    }

    fn ask_to_move(&self, there: Elsewhere) {
        self.state().elsewhere.set(Some(there.at.chapter));
        self.places().elsewhere.replace(Some(there));
        self.places().asked_at.set(js_sys::Date::now());
    }

    /// The answer: go where the other device is, or stay and have that kept.
    pub fn answer(&self, go: bool) {
        let Some(there) = self.places().elsewhere.take() else { return };
        self.state().elsewhere.set(None);
        self.places().known_ms.set(there.at_ms);
        if go {
            self.go_there(&there);
        } else {
            let at = self.machine().moment().map(|(at, _)| at);
            let here = at.or_else(|| {
                let sentence = page::first_visible()?;
                Some(Spot { chapter: self.machine().shown, sentence })
            });
            if let Some(here) = here {
                self.put_place(here, 0);
            }
        }
    }

    fn go_there(&self, there: &Elsewhere) {
        self.forget_pending();
        self.places().known_ms.set(there.at_ms);
        self.places().has_moved.set(false);
        self.places().saved.set(Some((there.at, 0)));
        let at = there.at;
        let was_running = self.machine().is_running();
        if was_running {
            self.jump(at);
        } else {
            let actions = self.machine_mut().adopt(at);
            self.carry_out(actions);
        }
    }
}

/// Follows the reader who leaves the page, and comes back to it.
pub fn watch(driver: &Driver) {
    driver.on(&document(), "visibilitychange", |driver, _| {
        if document().hidden() { driver.save(true) } else { driver.look_elsewhere() }
    });
    driver.on(&window(), "pagehide", |driver, _| driver.save(true));
    driver.on(&window(), "focus", |driver, _| driver.look_elsewhere());
    driver.on(&window(), "online", |driver, _| driver.take_up_pending());
}
