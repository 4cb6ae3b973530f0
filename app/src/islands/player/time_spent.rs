//! How long the reader reads and listens, reported to the server.

use std::cell::Cell;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::super::dom::{self, Body};
use super::driver::Driver;
use super::machine::Phase;

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
pub struct TimeSpent {
    read_s: Cell<u32>,
    listened_s: Cell<u32>,
    /// When it was looked last, in milliseconds since 1970: timers of a page in the background are late.
    looked_at: Cell<f64>,
    /// When the reader last did something, in milliseconds since 1970.
    moved_at: Cell<f64>,
}

impl Driver {
    /// Counts from now on.
    pub fn watch_time(&self) {
        self.time().moved_at.set(js_sys::Date::now());
        self.time().looked_at.set(js_sys::Date::now());
        for sign in ["scroll", "pointerdown", "keydown", "wheel"] {
            self.on(&window(), sign, |driver, _| driver.time().moved_at.set(js_sys::Date::now()));
        }
        let driver = self.clone();
        // It goes on as long as the page lives.
        let _ = set_interval_with_handle(move || driver.count_time(), LOOK);
        self.on(&document(), "visibilitychange", |driver, _| {
            if document().hidden() {
                driver.report_time();
            }
        });
        self.on(&window(), "pagehide", |driver, _| driver.report_time());
    }

    fn count_time(&self) {
        let time = self.time();
        let now = js_sys::Date::now();
        let passed_ms = (now - time.looked_at.replace(now)).clamp(0.0, MOST_MS);
        let seconds = (passed_ms / 1000.0) as u32;
        let is_here = now - time.moved_at.get() < AWAY_MS;
        if self.machine().phase == Phase::Playing {
            time.listened_s.set(time.listened_s.get() + seconds);
        } else if is_here && !document().hidden() {
            time.read_s.set(time.read_s.get() + seconds);
        }
        if time.listened_s.get() + time.read_s.get() >= REPORTED_S {
            self.report_time();
        }
    }

    fn report_time(&self) {
        let (read_s, listened_s) = (self.time().read_s.take(), self.time().listened_s.take());
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
