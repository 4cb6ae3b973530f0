//! The button that plays and holds the voice.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::state::{PlayerState, words};
use crate::icon::Icon;

const PLAY: &str = Icon::Play.path();
const PAUSE: &str = Icon::Pause.path();

/// Plays, or holds the voice; where nobody reads, it can do neither.
#[cfg(feature = "ssr")]
#[component]
pub fn PlayButton(is_silent: bool) -> impl IntoView {
    view! {
        <button type="button" class="play" data-do="toggle" aria-keyshortcuts="Space K" disabled=is_silent
            aria-label=crate::words::words().playing.play>
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=PLAY></path></svg>
        </button>
    }
}

/// Keeps the button as the player is.
pub fn show(state: PlayerState) {
    let words = words();
    dom::shows(".player .play", move |button| {
        let is_running = state.is_running();
        dom::set(button, "aria-label", if is_running { words.pause } else { words.play });
        let _ = button.toggle_attribute_with_force("disabled", state.cast.with(String::is_empty));
        if let Ok(Some(path)) = button.query_selector("path") {
            dom::set(&path, "d", if is_running { PAUSE } else { PLAY });
        }
    });
}
