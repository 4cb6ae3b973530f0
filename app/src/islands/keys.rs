//! Keys: each does what the element does that names it in `aria-keyshortcuts`.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::{dom, panel};

/// Hears keys from now on.
pub fn watch() {
    dom::listen(&document(), "keydown", |event| {
        if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
            press(key);
        }
    });
    // Whoever has waited for keys to be heard.
    if let Ok(live) = web_sys::Event::new("live") {
        let _ = window().dispatch_event(&live);
    }
}

/// A key does what the element does that names it.
fn press(event: &KeyboardEvent) {
    if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
        return;
    }
    let key = match event.key().as_str() {
        " " => "Space".to_owned(),
        "+" => "Plus".to_owned(),
        key if key.len() == 1 => key.to_ascii_uppercase(),
        key if event.shift_key() => format!("Shift+{key}"),
        key => key.to_owned(),
    };
    let is_off = document()
        .document_element()
        .is_some_and(|root| root.get_attribute("data-keys").as_deref() == Some("off"));
    // With these a selection is made larger or smaller.
    if key.starts_with("Shift+Arrow") && has_selection() {
        return;
    }
    // Held down, a key that moves goes on; one that switches does not.
    let is_held = event.repeat() && !key.contains("Arrow");
    if is_held || is_off && key.len() == 1 {
        return;
    }
    let focused = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let is_pressable =
        |element: &web_sys::Element| dom::closest(element, "button, a, summary").is_some();
    let is_taken = focused.is_some_and(|element| {
        let has_own_use = !is_slider(&element) || key.contains("Arrow");
        dom::is_field(&element) && has_own_use || key == "Space" && is_pressable(&element)
    });
    // What lies under an open panel is out of reach.
    if is_taken || key.contains('"') || panel::is_open() {
        return;
    }
    // Only controls that we have rendered: nothing in a book's text is one, nor anything before the page.
    let ours = format!("body [aria-keyshortcuts~=\"{key}\"]:not(article *)");
    if let Some(element) = dom::one(&ours) {
        // Pages are turned where there are pages; elsewhere the key scrolls.
        if element.get_attribute("data-do").is_some_and(|name| name.starts_with("page-"))
            && !dom::is_paged()
        {
            return;
        }
        event.prevent_default();
        element.click();
    }
}

/// Whether something on the page is selected.
fn has_selection() -> bool {
    window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed())
}

/// A slider has the arrows, and no use for letters.
fn is_slider(element: &web_sys::Element) -> bool {
    element.get_attribute("type").as_deref() == Some("range")
}
