//! The listener's speed.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::super::super::dom;
use super::super::state::{PlayerState, words};
use super::aria;

/// Speeds offered as buttons, in hundredths; the slider has all.
#[cfg(feature = "ssr")]
const QUICK_RATES: [u16; 6] = [80, 100, 120, 150, 200, 300];

/// The preference that is the speed of all books without one of their own.
pub const EVERY_BOOK: &str = "rate";

/// The preference that is the speed of a book, or of all.
pub fn rate_name(book: &str, is_own: bool) -> String {
    if is_own { [EVERY_BOOK, "_", book].concat() } else { EVERY_BOOK.to_owned() }
}

/// Shows the speed, and opens what it can be chosen from.
#[cfg(feature = "ssr")]
#[component]
pub fn SpeedControl(book: String, rate: u16, is_own: bool) -> impl IntoView {
    use crate::preferences::RATES;

    let (words, speed) = (&crate::words::words().player, crate::words::words().playing.speed);
    let step = |by: &'static str, label: &'static str, keys: &'static str, sign: &'static str| {
        view! {
            <button type="button" data-do="rate-by" data-value=by aria-keyshortcuts=keys aria-label=label>{sign}</button>
        }
    };
    let quick = QUICK_RATES.map(|rate| {
        view! { <button type="button" data-do="rate" data-value=rate>{rate_text(rate)}</button> }
    });
    view! {
        <button type="button" class="choice speed" popovertarget="speed" title=speed
            aria-label=format!("{}: {}", speed, rate_text(rate))>
            <span class="speed-value">{rate_text(rate)}</span>
        </button>
        <div id="speed" popover class="popover">
            <h2>{speed} " " <span class="rate-value">{rate_text(rate)}</span></h2>
            <div class="rate-row">
                {step("-1", words.slower, "- <", "−")}
                <input type="range" class="rate" data-preference="rate" name=rate_name(&book, is_own)
                    min=*RATES.start() max=*RATES.end() step="5" value=rate aria-label=speed/>
                {step("1", words.faster, "Plus >", "+")}
            </div>
            <div class="quick-row">{quick.into_iter().collect_view()}</div>
            <button type="button" class="own-rate" data-do="own-rate" aria-pressed=aria(is_own)>{words.own_rate}</button>
        </div>
    }
}

/// Keeps them as the player is.
pub fn show(state: PlayerState) {
    let words = words();
    dom::shows(".player .speed", move |button| {
        let rate = rate_text(state.rate.get());
        dom::set(button, "aria-label", &[words.speed, ": ", &rate].concat());
        for value in [".player .speed-value", "#speed .rate-value"].into_iter().filter_map(dom::one)
        {
            dom::write(&value, &rate);
        }
    });
    dom::shows("#speed .rate", move |slider| {
        let Some(slider) = slider.dyn_ref::<HtmlInputElement>() else { return };
        let rate = state.rate.get();
        slider.set_value(&rate.to_string());
        dom::set(slider, "aria-valuetext", &rate_text(rate));
        dom::set(slider, "name", &state.rate_name.get());
    });
    dom::shows("#speed .own-rate", move |button| {
        dom::set(button, "aria-pressed", aria(state.is_own_rate()));
    });
}

/// A speed in hundredths as people write it: `1.25×`. Browsers need no code for fractions.
fn rate_text(rate: u16) -> String {
    match (rate / 100, rate % 100) {
        (whole, 0) => format!("{whole}×"),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}×", part / 10),
        (whole, part) => format!("{whole}.{part:02}×"),
    }
}
