//! Whether the sentence that is heard was there before.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::state::PlayerState;

/// A mark for a sentence that nobody had to be paid for.
#[cfg(feature = "ssr")]
#[component]
pub fn StoredMark() -> impl IntoView {
    use crate::icon::{Icon, icon};

    let said = crate::words::words().player.from_store;
    view! { <span class="stored" role="img" aria-label=said title=said hidden>{icon(Icon::Stored)}</span> }
}

/// Keeps the mark as the player is.
pub fn show(state: PlayerState) {
    dom::shows(".player .stored", move |mark| {
        dom::show(mark, state.place.with(|place| place.is_stored));
    });
}
