//! What a server tells a page by itself, for as long as somebody looks at the page.

use std::cell::RefCell;

use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventSource, MessageEvent};

use super::dom;

/// Hears the events of a name at an address. While the page is hidden nothing is heard, for a browser has six connections
/// to a server, and pages that nobody looks at would keep the others from loading. When it is seen again, `told` is
/// called without an event.
pub fn hear(
    address: &str,
    name: &'static str,
    told: impl Fn(Option<MessageEvent>) + Clone + 'static,
) {
    let address = dom::at(address);
    let of_event = told.clone();
    let handler = Closure::<dyn FnMut(MessageEvent)>::new(move |event| of_event(Some(event)));
    let handler: JsValue = handler.into_js_value();
    let open = move || {
        let events = EventSource::new(&address).ok()?;
        let _ = events.add_event_listener_with_callback(name, handler.unchecked_ref());
        Some(events)
    };
    let heard = RefCell::new(if document().hidden() { None } else { open() });
    dom::listen(&document(), "visibilitychange", move |_| {
        if document().hidden() {
            if let Some(events) = heard.take() {
                events.close();
            }
        } else if heard.borrow().is_none() {
            heard.replace(open());
            told(None);
        }
    });
}
