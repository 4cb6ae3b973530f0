//! The listener's speed.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::super::super::dom;
use super::super::start::Start;
use super::super::state::{PlayerState, words};
use super::aria;
use crate::words::decimal_point;

/// Speeds offered as buttons, in hundredths; the slider has all.
#[cfg(feature = "ssr")]
const QUICK_RATES: [u16; 6] = [80, 100, 120, 150, 200, 300];

/// The preference that is the speed of all books without one of their own.
pub const EVERY_BOOK: &str = "rate";

/// The preference that is the speed of a book, or of books in a language.
pub fn rate_of(whose: &str) -> String {
    [EVERY_BOOK, "_", whose].concat()
}

/// The preference that the speed is set by from the start.
pub fn rate_name(start: &Start) -> String {
    match (start.own_rate, start.language_rate) {
        (Some(_), _) => rate_of(&start.book),
        (None, Some(_)) => rate_of(&start.language),
        (None, None) => EVERY_BOOK.to_owned(),
    }
}

/// The speed that is chosen under a name, as it stands on the page's root.
pub fn chosen(name: &str) -> Option<u16> {
    document().document_element()?.get_attribute(&["data-", name].concat())?.parse().ok()
}

/// Shows the speed, and opens what it can be chosen from.
#[cfg(feature = "ssr")]
#[component]
pub fn SpeedControl(start: Start) -> impl IntoView {
    use crate::preferences::RATES;

    let (words, speed) = (&crate::words::words().player, crate::words::words().playing.speed);
    let rate_text = |rate| rate_text(rate, decimal_point(crate::words::words().tag));
    let step = |by: &'static str, label: &'static str, keys: &'static str, sign: &'static str| {
        view! {
            <button type="button" data-do="rate-by" data-value=by aria-keyshortcuts=keys aria-label=label>{sign}</button>
        }
    };
    let rate = start.rate;
    // A speed for some books alone: a button that stays pressed.
    let own = |kind: &'static str, whose: &str, label: String, is_own: bool| {
        view! {
            <button type="button" class="own-rate" data-do="own-rate" data-value=kind data-rate-of=rate_of(whose)
                aria-pressed=aria(is_own)>{label}</button>
        }
    };
    let of_language = (!start.language.is_empty()).then(|| {
        let label = (words.language_rate)(&start.language);
        own("language", &start.language, label, start.language_rate.is_some())
    });
    let label = words.own_rate.to_owned();
    let of_book = own("book", &start.book, label, start.own_rate.is_some());
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
                <input type="range" class="rate" data-preference="rate" name=rate_name(&start)
                    min=*RATES.start() max=*RATES.end() step="5" value=rate aria-label=speed/>
                {step("1", words.faster, "Plus >", "+")}
            </div>
            <div class="quick-row">{quick.into_iter().collect_view()}</div>
            {of_language}
            {of_book}
        </div>
    }
}

/// Keeps them as the player is.
pub fn show(state: PlayerState) {
    let (words, point) = (words(), decimal_point(&dom::language()));
    dom::shows(".player .speed", move |button| {
        let rate = rate_text(state.rate.get(), point);
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
        dom::set(slider, "aria-valuetext", &rate_text(rate, point));
        dom::set(slider, "name", &state.rate_name.get());
    });
    for kind in ["#speed [data-value=book]", "#speed [data-value=language]"] {
        dom::shows(kind, move |button| {
            // It is set each time that one of them is pressed.
            state.rate_name.track();
            let name = button.get_attribute("data-rate-of").unwrap_or_default();
            dom::set(button, "aria-pressed", aria(chosen(&name).is_some()));
        });
    }
}

/// A speed in hundredths as people write it where `point` stands before decimals: `1.25×`. Browsers need no code
/// for fractions.
fn rate_text(rate: u16, point: &str) -> String {
    match (rate / 100, rate % 100) {
        (whole, 0) => format!("{whole}×"),
        (whole, part) if part % 10 == 0 => format!("{whole}{point}{}×", part / 10),
        (whole, part) => format!("{whole}{point}{part:02}×"),
    }
}
