//! What every page has: the panel that other pages open in, preferences, keys, and what it takes to open without a
//! connection.

use leptos::prelude::*;

#[cfg(feature = "pages")]
use super::drafts;
#[cfg(all(feature = "pages", not(feature = "reader")))]
use super::next;
use super::{dom, keys, offline, panel, preferences};

/// Brings panel, preferences and keys to life.
#[island]
pub fn Panels() -> impl IntoView {
    dom::in_browser(|| {
        panel::watch();
        preferences::watch();
        keys::watch();
        offline::begin();
        #[cfg(feature = "pages")]
        drafts::watch();
        #[cfg(all(feature = "pages", not(feature = "reader")))]
        next::fetch_reader();
        if let Some(root) = document().document_element() {
            dom::set(&root, "data-panels", "live");
        }
    });
}
