//! The way back to the voice, while the reader looks elsewhere.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::state::{PlayerState, WayBack, words};

/// Brings the page back to where the voice is.
#[cfg(feature = "ssr")]
#[component]
pub fn WayBackButton() -> impl IntoView {
    view! {
        <button type="button" class="look-back" data-do="look-back" aria-keyshortcuts="V" hidden>
            {crate::words::words().playing.look_back}
        </button>
    }
}

/// Keeps the button as the player is.
pub fn show(state: PlayerState) {
    let words = words();
    dom::shows(".player .look-back", move |button| {
        let way_back = state.way_back.get();
        dom::write(
            button,
            match way_back {
                Some(WayBack::Above) => words.voice_above,
                Some(WayBack::Below) => words.voice_below,
                Some(WayBack::Elsewhere) | None => words.look_back,
            },
        );
        dom::show(button, way_back.is_some());
    });
}
