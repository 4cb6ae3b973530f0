//! How long the reader reads and listens, reported to the server, which may be out of reach for days.

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
/// What the browser keeps of it, for the server did not get it.
const KEPT: &str = "earmark.time";
/// As many days are kept as the server takes.
const KEPT_DAYS: usize = 30;
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
    let is_listening = move || state.phase.with_untracked(|phase| *phase == Phase::Playing);
    let counted = Rc::clone(&time);
    let count = move || counted.count(is_listening(), !document().hidden());
    let _ = set_interval_with_handle(count, LOOK);
    tell();
    dom::listen(&window(), "online", |_| tell());
    // Until it was hidden, or left, the page was seen.
    let leave = move || {
        time.count(is_listening(), true);
        time.report();
    };
    let hide = leave.clone();
    dom::listen(&document(), "visibilitychange", move |_| {
        if document().hidden() {
            hide();
        }
    });
    dom::listen(&window(), "pagehide", move |_| leave());
}

impl TimeSpent {
    fn count(&self, is_listening: bool, is_seen: bool) {
        let now = js_sys::Date::now();
        let passed_ms = (now - self.looked_at.replace(now)).clamp(0.0, MOST_MS);
        let seconds = (passed_ms / 1000.0) as u32;
        let is_here = now - self.moved_at.get() < AWAY_MS;
        if is_listening {
            self.listened_s.set(self.listened_s.get() + seconds);
        } else if is_here && is_seen {
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
        keep(Day { day, read_s, listened_s });
        tell();
    }
}

/// Reports what the browser keeps, where there is a connection.
fn tell() {
    if window().navigator().on_line() {
        spawn_local(send_kept());
    }
}

/// A day, and what of it is still to be reported, in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Day {
    day: String,
    read_s: u32,
    listened_s: u32,
}

impl Day {
    /// The days that the browser keeps, one a line.
    fn parse_all(kept: &str) -> Vec<Self> {
        let parse = |line: &str| {
            let mut parts = line.split(' ');
            let day = parts.next()?.to_owned();
            let (read_s, listened_s) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some(Self { day, read_s, listened_s })
        };
        kept.lines().filter_map(parse).collect()
    }

    /// What the browser is to keep of days: the last.
    fn write_all(days: &[Self]) -> String {
        let first = days.len().saturating_sub(KEPT_DAYS);
        let mut lines = String::new();
        for Self { day, read_s, listened_s } in &days[first..] {
            lines += &format!("{day} {read_s} {listened_s}\n");
        }
        lines
    }

    /// Adds to the day that it is, or is the last.
    fn add_to(self, days: &mut Vec<Self>) {
        match days.iter_mut().find(|known| known.day == self.day) {
            Some(known) => {
                known.read_s += self.read_s;
                known.listened_s += self.listened_s;
            }
            None => days.push(self),
        }
    }
}

/// Has the browser keep a day, beside those that it keeps already.
fn keep(day: Day) {
    let mut days = Day::parse_all(&dom::stored(KEPT).unwrap_or_default());
    day.add_to(&mut days);
    dom::store(KEPT, &Day::write_all(&days));
}

/// Reports what the browser keeps, and has it keep what the server did not get.
async fn send_kept() {
    let days = Day::parse_all(&dom::stored(KEPT).unwrap_or_default());
    dom::store(KEPT, "");
    for day in days {
        let report = dom::json(&[
            ("day", &(&*day.day).into()),
            ("read_s", &day.read_s.into()),
            ("listened_s", &day.listened_s.into()),
        ]);
        let sent =
            dom::ask("POST", "/api/statistics", "application/json", Body::Json(&report)).await;
        // What it refuses as wrong it will not take later either; a session that has ended is begun anew.
        let is_over = |status: u16| status < 500 && ![401, 403, 408, 429].contains(&status);
        if sent.is_ok_and(|answer| is_over(answer.status())) {
            continue;
        }
        keep(day);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, read_s: u32, listened_s: u32) -> Day {
        Day { day: day.to_owned(), read_s, listened_s }
    }

    #[test]
    fn days_are_kept_once_each_and_the_last_of_them() {
        let mut days = vec![day("2026-11-27", 5, 5)];
        day("2026-11-28", 60, 0).add_to(&mut days);
        day("2026-11-28", 1, 9).add_to(&mut days);
        let kept = Day::write_all(&days);
        assert_eq!(kept, "2026-11-27 5 5\n2026-11-28 61 9\n");
        assert_eq!(Day::parse_all(&kept), days);
        let many: Vec<_> = (1..=40).map(|number| day(&format!("day-{number}"), 1, 1)).collect();
        assert_eq!(Day::parse_all(&Day::write_all(&many)), many[10..]);
        assert_eq!(Day::parse_all("nonsense\n\n2026-11-27 x 1"), []);
    }
}
