//! On a phone the bar is one line while somebody reads, and unfolds.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::state::PlayerState;
use super::aria;

/// Shows the rest of the bar, or hides it; there only where there is little room (`style/player.css`).
#[cfg(feature = "ssr")]
#[component]
pub fn FoldButton() -> impl IntoView {
    use crate::icon::{Icon, icon};

    view! {
        <button type="button" class="fold" data-do="fold" aria-expanded="false"
            aria-label=crate::words::words().player.more_controls>
            {icon(Icon::Fold)}
        </button>
    }
}

/// Keeps the button, and the bar, as they are to be.
pub fn show(state: PlayerState) {
    dom::shows(".player", move |player| {
        let _ = player.toggle_attribute_with_force("data-folded", state.is_folded.get());
    });
    dom::shows(".player .fold", move |button| {
        // Its name stays: that the rest is shown is said by its state alone.
        dom::set(button, "aria-expanded", aria(!state.is_folded.get()));
    });
}
