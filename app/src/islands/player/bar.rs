//! The bar's elements, and what they show.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};

use super::super::dom::{self, Json};
use super::machine::Phase;

const PLAY: &str = "M8 5v14l11-7z";
const PAUSE: &str = "M7 5h4v14H7zM13 5h4v14h-4z";

/// A time as a clock shows it.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A length as people say it.
fn length(ms: u64) -> String {
    let minutes = ms.div_ceil(60_000);
    if minutes >= 60 {
        format!("{} h {} min", minutes / 60, minutes % 60)
    } else {
        format!("{minutes} min")
    }
}

fn text(selector: &str, text: &str) {
    if let Some(element) = dom::one(selector) {
        dom::write(&element, text);
    }
}

fn shown(selector: &str, is_shown: bool) {
    if let Some(element) = dom::one(selector) {
        dom::show(&element, is_shown);
    }
}

/// The player's section.
pub fn player() -> Option<HtmlElement> {
    dom::one(".player")
}

/// Shows what the player is doing.
pub fn phase(phase: &Phase, words: &Json) {
    let word = |name: &str| words.text(name).unwrap_or_default();
    let Some(player) = player() else { return };
    let is_running = matches!(phase, Phase::Playing | Phase::Preparing);
    dom::set(&player, "data-phase", phase.name());
    if let Some(button) = dom::one(".player .play") {
        dom::set(&button, "aria-label", &word(if is_running { "pause" } else { "play" }));
    }
    if let Ok(Some(path)) = document().query_selector(".player .play path") {
        dom::set(&path, "d", if is_running { PAUSE } else { PLAY });
    }
    let said = match phase {
        Phase::Preparing => Some(word("preparing")),
        Phase::BrokenOff => Some(word("broke_off")),
        Phase::Failed(reason) => Some(reason.clone()),
        Phase::Finished => Some(word("the_end")),
        Phase::Idle | Phase::Playing | Phase::Paused => None,
    };
    say(said.as_deref());
    shown(".player .retry", matches!(phase, Phase::Failed(_) | Phase::BrokenOff));
}

/// Says something above the bar, or nothing.
pub fn say(what: Option<&str>) {
    let Some(line) = dom::one(".player .player-state") else { return };
    dom::write(&line, what.unwrap_or_default());
    let _ = match what {
        Some(_) => line.set_attribute("data-said", "true"),
        None => line.remove_attribute("data-said"),
    };
}

/// Asks whether to go where another device is.
pub fn ask_to_move(question: Option<&str>) {
    say(question);
    shown(".player .go-there", question.is_some());
    shown(".player .stay-here", question.is_some());
}

/// Offers the way back to the voice, by the name of where it is.
pub fn look_back(label: Option<&str>) {
    if let Some(label) = label {
        text(".player .look-back", label);
    }
    shown(".player .look-back", label.is_some());
}

/// Shows where in the chapter the voice is, how much is left of the book and how many per cent of it
/// are read. Times are as long as they take at the listener's speed.
pub fn place(
    position_ms: u64,
    total_ms: u64,
    (rest_ms, percent): (u64, Option<u64>),
    rate: u16,
    words: &Json,
) {
    let word = |name: &str| words.text(name).unwrap_or_default();
    let at_rate = |ms: u64| ms * 100 / u64::from(rate.max(1));
    let left = total_ms.saturating_sub(position_ms);
    text(".player .played", &clock(at_rate(position_ms)));
    text(".player .left", &format!("−{}", clock(at_rate(left))));
    let book = word("left_in_book").replace("{}", &length(at_rate(left + rest_ms)));
    let book = percent.map_or(book.clone(), |percent| format!("{percent} % · {book}"));
    text(".player .book-left", &book);
    let Some(scrubber) = scrubber() else { return };
    dom::set(&scrubber, "max", &(total_ms / 1000).max(1).to_string());
    scrubber.set_disabled(total_ms == 0);
    scrubber.set_value(&(position_ms / 1000).to_string());
    dom::set(&scrubber, "aria-valuetext", &word("left").replace("{}", &length(at_rate(left))));
    let percent = position_ms * 1000 / total_ms.max(1);
    let done = format!("{}.{}%", percent / 10, percent % 10);
    let _ = HtmlElement::style(&scrubber).set_property("--done", &done);
}

/// Shows the time a finger on the scrubber would go to.
pub fn aim(ms: u64, rate: u16) {
    text(".player .played", &clock(ms * 100 / u64::from(rate.max(1))));
}

/// The scrubber.
pub fn scrubber() -> Option<HtmlInputElement> {
    dom::one(".player .scrubber")?.dyn_into().ok()
}

/// A speed in hundredths as people write it. Browsers need no code for fractions.
fn rate_text(rate: u16) -> String {
    match (rate / 100, rate % 100) {
        (whole, 0) => format!("{whole}×"),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}×", part / 10),
        (whole, part) => format!("{whole}.{part:02}×"),
    }
}

/// Shows the listener's speed, in hundredths.
pub fn rate(rate: u16) {
    let label = rate_text(rate);
    text(".player .speed-value", &label);
    if let Some(button) = dom::one(".player .speed") {
        let title = button.get_attribute("title").unwrap_or_default();
        dom::set(&button, "aria-label", &format!("{title}: {label}"));
    }
    if let Some(Ok(slider)) =
        dom::one(".player .rate").map(|slider| slider.dyn_into::<HtmlInputElement>())
    {
        slider.set_value(&rate.to_string());
    }
}

/// Whether the book has a speed of its own.
pub fn has_own_rate() -> bool {
    let button = dom::one("#speed .own-rate");
    button.is_some_and(|button| button.get_attribute("aria-pressed").as_deref() == Some("true"))
}

/// Shows whether the book has a speed of its own, and has the slider set the preference `name`.
pub fn own_rate(name: &str, is_own: bool) {
    if let Some(button) = dom::one("#speed .own-rate") {
        dom::set(&button, "aria-pressed", if is_own { "true" } else { "false" });
    }
    if let Some(slider) = dom::one(".player .rate") {
        dom::set(&slider, "name", name);
    }
}

/// Shows which voice reads.
pub fn voice(name: &str) {
    text(".player .voice-name", name);
    if let Some(link) = dom::one(".player .voice") {
        let title = link.get_attribute("title").unwrap_or_default();
        dom::set(&link, "aria-label", &format!("{title}: {name}"));
    }
    if let Some(play) = dom::one(".player .play") {
        let _ = play.remove_attribute("disabled");
    }
}

/// Shows how many minutes are left until sleep, and which choice is on.
pub fn sleep(left: Option<u32>, chosen: &str) {
    text(".player .sleep-left", &left.map(|minutes| minutes.to_string()).unwrap_or_default());
    shown("#sleep .sleep-longer", left.is_some());
    for button in dom::all("#sleep [data-do=sleep]") {
        let is_chosen = button.get_attribute("data-value").as_deref() == Some(chosen);
        dom::set(&button, "aria-pressed", if is_chosen { "true" } else { "false" });
    }
}

/// Shows how many minutes are left until sleep.
pub fn sleep_left(minutes: u32) {
    text(".player .sleep-left", &minutes.to_string());
}
