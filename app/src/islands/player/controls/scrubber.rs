//! Where in the chapter the voice is, and what is left of the book.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::super::super::dom;
use super::super::commands::Command;
use super::super::driver::Driver;
use super::super::state::{PlayerState, words};
use crate::words::length;

/// `change` comes at the latest so long after the finger has left.
const LEFT_AFTER: Duration = Duration::from_millis(100);

/// The chapter as a line that can be gone along.
#[cfg(feature = "ssr")]
#[component]
pub fn Scrubber() -> impl IntoView {
    view! {
        <div class="scrub">
            <span class="time played" aria-hidden="true"></span>
            <input type="range" class="scrubber" min="0" max="1000" value="0" step="1"
                aria-label=crate::words::words().player.place disabled/>
            <span class="time left" aria-hidden="true"></span>
        </div>
    }
}

/// How much of the book is read, and how long the rest of it takes.
#[cfg(feature = "ssr")]
#[component]
pub fn BookLeft() -> impl IntoView {
    view! { <p class="time book-left"></p> }
}

/// Keeps them as the player is. Times are as long as they take at the listener's speed.
pub fn show(state: PlayerState) {
    let words = words();
    let position_ms = move || state.aim_ms.get().unwrap_or(state.place.get().second * 1000);
    let total_ms = move || state.place.get().total_ms;
    let left_ms = move || state.at_rate(total_ms().saturating_sub(position_ms()));
    dom::shows(".player .played", move |time| {
        if total_ms() > 0 {
            dom::write(time, &clock(state.at_rate(position_ms())));
        }
    });
    dom::shows(".player .left", move |time| {
        if total_ms() > 0 {
            dom::write(time, &format!("−{}", clock(left_ms())));
        }
    });
    dom::shows(".player .scrubber", move |scrubber| {
        let Some(scrubber) = scrubber.dyn_ref::<HtmlInputElement>() else { return };
        let (position_ms, total_ms) = (position_ms(), total_ms());
        dom::set(scrubber, "max", &(total_ms / 1000).max(1).to_string());
        scrubber.set_disabled(total_ms == 0);
        scrubber.set_value(&(position_ms / 1000).to_string());
        dom::set(scrubber, "aria-valuetext", &(words.left)(&length(left_ms())));
    });
    dom::shows(".player .scrub", move |line| {
        let permille = position_ms() * 1000 / total_ms().max(1);
        let done = format!("{}.{}%", permille / 10, permille % 10);
        let _ = line.style().set_property("--done", &done);
    });
    dom::shows(".player .book-left", move |line| {
        let place = state.place.get();
        if place.total_ms == 0 {
            return;
        }
        let left_ms = place.total_ms.saturating_sub(place.second * 1000) + place.rest_ms;
        let left = (words.left_in_book)(&length(state.at_rate(left_ms)));
        let text = match place.percent {
            Some(percent) => format!("{percent} % · {left}"),
            None => left,
        };
        dom::write(line, &text);
    });
}

/// Follows a finger on the line.
pub fn watch(driver: &Driver) {
    driver.on(&document(), "input", |driver, event| {
        if let Some(ms) = aimed_ms(event) {
            driver.state().aim_ms.set(Some(ms));
        }
    });
    // A finger that comes back to where it was changes nothing.
    for end in ["pointerup", "pointercancel", "focusout"] {
        driver.on(&document(), end, |driver, _| {
            if driver.state().aim_ms.get_untracked().is_some() {
                driver.later(LEFT_AFTER, |driver| driver.state().aim_ms.set(None));
            }
        });
    }
    driver.on(&document(), "change", |driver, event| {
        if let Some(ms) = aimed_ms(event) {
            driver.command(Command::Scrub(ms));
        }
    });
}

fn aimed_ms(event: &web_sys::Event) -> Option<u64> {
    let scrubber = dom::target(event, ".scrubber")?.dyn_into::<HtmlInputElement>().ok()?;
    Some(scrubber.value().parse::<u64>().ok()? * 1000)
}

/// A time as a clock shows it.
fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}
