//! Pages that show what goes on, and change by themselves.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::{dom, events};

/// The part of a page that changes.
const CHANGES: &str = "[data-live]";

/// Takes the part of the page that changes from the server anew each time that it says so. The part names the address of
/// those events, and whoever writes or chooses in it is left alone.
#[island]
pub fn Live() -> impl IntoView {
    dom::in_browser(|| {
        let Some(address) = dom::one(CHANGES).and_then(|part| part.get_attribute("data-live"))
        else {
            return;
        };
        events::hear(&address, "changed", |_| spawn_local(renew()));
    });
}

async fn renew() {
    let Ok(here) = window().location().pathname() else { return };
    let Ok(answer) = dom::ask("GET", &here, "text/html", dom::Body::None).await else { return };
    let Ok(page) = dom::page(&answer).await else { return };
    let Ok(Some(new)) = page.query_selector(CHANGES) else { return };
    let Some(shown) = dom::one(CHANGES) else { return };
    let focused = document().active_element();
    if focused.is_some_and(|focused| shown.contains(Some(&focused))) {
        return;
    }
    let _ = shown.replace_with_with_node_1(&new);
}
