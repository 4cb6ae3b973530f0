//! The sleep timer's button and choices.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::state::PlayerState;
use super::aria;

/// Minutes the sleep timer offers.
#[cfg(feature = "ssr")]
const MINUTES: [u32; 7] = [5, 10, 15, 30, 45, 60, 90];

/// Shows how long the voice goes on, and opens what that can be chosen from.
#[cfg(feature = "ssr")]
#[component]
pub fn SleepControl() -> impl IntoView {
    use super::super::sleep::SleepChoice;
    use crate::icon::{Icon, icon};

    let words = &crate::words::words().player;
    let choice = |choice: SleepChoice, label: String| {
        view! {
            <li>
                <button type="button" data-do="sleep" data-value=choice.to_string()
                    aria-pressed=aria(choice == SleepChoice::Off)>{label}</button>
            </li>
        }
    };
    let minutes = MINUTES
        .map(|minutes| choice(SleepChoice::Minutes(minutes), (words.sleep_minutes)(minutes)));
    view! {
        <button type="button" class="choice sleep" popovertarget="sleep" aria-label=words.sleep title=words.sleep>
            {icon(Icon::Sleep)}<span class="sleep-left"></span>
        </button>
        <div id="sleep" popover class="popover">
            <h2>{words.sleep}</h2>
            <ul role="list" class="popover-list">
                {minutes.into_iter().collect_view()}
                {choice(SleepChoice::Chapter, words.sleep_chapter.to_owned())}
                {choice(SleepChoice::Off, words.sleep_off.to_owned())}
                <li class="sleep-longer" hidden>
                    <button type="button" data-do="sleep-longer" aria-keyshortcuts="Z">{words.sleep_longer}</button>
                </li>
                <li class="sleep-origin" hidden>
                    <button type="button" data-do="sleep-origin">{words.sleep_origin}</button>
                </li>
            </ul>
        </div>
    }
}

/// Keeps them as the player is.
pub fn show(state: PlayerState) {
    dom::shows(".player .sleep-left", move |line| {
        let left = state.sleep_minutes.get().map(|minutes| minutes.to_string());
        dom::write(line, &left.unwrap_or_default());
    });
    dom::shows("#sleep .sleep-longer", move |line| {
        dom::show(line, state.sleep_minutes.get().is_some());
    });
    dom::shows("#sleep .sleep-origin", move |line| {
        dom::show(line, state.sleep_origin.get().is_some());
    });
    dom::always(move || {
        let chosen = state.sleep.get().map(|choice| choice.to_string());
        for button in dom::all("#sleep [data-do=sleep]") {
            dom::set(&button, "aria-pressed", aria(button.get_attribute("data-value") == chosen));
        }
        // A choice is the end of choosing.
        state.sleep_origin.track();
        if let Some(popover) = dom::one("#sleep:popover-open") {
            let _ = dom::call(&popover, "hidePopover", &[]);
        }
    });
}
