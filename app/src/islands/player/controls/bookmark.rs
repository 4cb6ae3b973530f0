//! The button that sets a bookmark, or takes away the one in view.

use super::super::super::dom;
use super::super::state::PlayerState;
use super::aria;

/// It stands in the head of the page, not in the bar.
#[cfg(feature = "ssr")]
#[leptos::component]
pub fn BookmarkButton() -> impl leptos::IntoView {
    use leptos::prelude::*;

    use crate::icon::{Icon, icon};

    let label = crate::words::words().reader.bookmark;
    view! {
        <button type="button" class="tool" data-do="bookmark" aria-keyshortcuts="B" aria-pressed="false"
            aria-label=label title=label>
            {icon(Icon::Bookmark)}
        </button>
    }
}

/// Keeps it as the page is.
pub fn show(state: PlayerState) {
    use leptos::prelude::Get;

    dom::shows("[data-do=bookmark]", move |button| {
        dom::set(button, "aria-pressed", aria(state.is_bookmarked.get()));
    });
}
