//! How long the reader reads and listens, reported to the server.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::super::dom::{self, Body};
use super::machine::Phase;
use super::state::PlayerState;

/// What goes on is looked at this often.
const LOOK: Duration = Duration::from_secs(15);
/// More than this is not counted at once, in milliseconds: the device has slept.
const MOST_MS: f64 = 300_000.0;
/// It is reported when there is this much to report, in seconds.
const REPORTED_S: u32 = 60;
/// A reader who has not moved for this long has gone away, in milliseconds.
const AWAY_MS: f64 = 120_000.0;

/// What is still to be reported, in seconds.
#[derive(Debug, Default)]
struct TimeSpent {
    read_s: Cell<u32>,
    listened_s: Cell<u32>,
    /// When it was looked last, in milliseconds since 1970: timers of a page in the background are late.
    looked_at: Cell<f64>,
    /// When the reader last did something, in milliseconds since 1970.
    moved_at: Cell<f64>,
}

/// Counts from now on, as long as the page lives.
pub fn watch(state: PlayerState) {
    let now = js_sys::Date::now();
    let time = Rc::new(TimeSpent {
        moved_at: Cell::new(now),
        looked_at: Cell::new(now),
        ..TimeSpent::default()
    });
    for sign in ["scroll", "pointerdown", "keydown", "wheel"] {
        let time = Rc::clone(&time);
        dom::listen(&window(), sign, move |_| time.moved_at.set(js_sys::Date::now()));
    }
    let counted = Rc::clone(&time);
    let count = move || counted.count(state.phase.with_untracked(|phase| *phase == Phase::Playing));
    let _ = set_interval_with_handle(count, LOOK);
    let hidden = Rc::clone(&time);
    dom::listen(&document(), "visibilitychange", move |_| {
        if document().hidden() {
            hidden.report();
        }
    });
    dom::listen(&window(), "pagehide", move |_| time.report());
}

impl TimeSpent {
    fn count(&self, is_listening: bool) {
        let now = js_sys::Date::now();
        let passed_ms = (now - self.looked_at.replace(now)).clamp(0.0, MOST_MS);
        let seconds = (passed_ms / 1000.0) as u32;
        let is_here = now - self.moved_at.get() < AWAY_MS;
        if is_listening {
            self.listened_s.set(self.listened_s.get() + seconds);
        } else if is_here && !document().hidden() {
            self.read_s.set(self.read_s.get() + seconds);
        }
        if self.listened_s.get() + self.read_s.get() >= REPORTED_S {
            self.report();
        }
    }

    fn report(&self) {
        let (read_s, listened_s) = (self.read_s.take(), self.listened_s.take());
        if read_s + listened_s == 0 {
            return;
        }
        let now = js_sys::Date::new_0();
        let day =
            format!("{}-{:02}-{:02}", now.get_full_year(), now.get_month() + 1, now.get_date());
        let report = dom::json(&[
            ("day", &day.into()),
            ("read_s", &read_s.into()),
            ("listened_s", &listened_s.into()),
        ]);
        spawn_local(async move {
            // A minute that is lost is no loss.
            let _ =
                dom::ask("POST", "/api/statistics", "application/json", Body::Json(&report)).await;
        });
    }
}
