//! On a phone the bar is one line while somebody reads, and unfolds.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::state::{PlayerState, words};
use super::aria;

/// Shows the rest of the bar, or hides it; there only where there is little room (`style/player.css`).
#[cfg(feature = "ssr")]
#[component]
pub fn FoldButton() -> impl IntoView {
    use crate::icon::{Icon, icon};

    view! {
        <button type="button" class="fold" data-do="fold" aria-expanded="false"
            aria-label=crate::words::words().playing.unfold>
            {icon(Icon::Fold)}
        </button>
    }
}

/// Keeps the button, and the bar, as they are to be.
pub fn show(state: PlayerState) {
    let words = words();
    dom::shows(".player", move |player| {
        let _ = player.toggle_attribute_with_force("data-folded", state.is_folded.get());
    });
    dom::shows(".player .fold", move |button| {
        let is_folded = state.is_folded.get();
        dom::set(button, "aria-expanded", aria(!is_folded));
        dom::set(button, "aria-label", if is_folded { words.unfold } else { words.fold });
    });
}
