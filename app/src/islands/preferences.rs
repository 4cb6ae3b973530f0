//! What readers prefer: shown at once, and kept by the server.
//!
//! A field with `data-preference` sets what its name says. It stands on the root element as `data-` and that name, where the
//! style sheet and the player read it.

use std::cell::RefCell;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlSelectElement};

use super::dom::{self, Body, Delay};
use crate::preferences::Switch;

/// Fired on the document when a preference has changed.
pub const PREFERRED: &str = "earmark:preferred";

/// Choices that follow each other this closely are sent together.
const SENT_AFTER: Duration = Duration::from_millis(250);

thread_local! {
    /// What is still to be sent.
    static PENDING: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
    static SENDING: Delay = const { Delay::new() };
}

/// Follows what is chosen on the page.
pub fn watch() {
    dom::listen(&document(), "input", |event| prefer(&event, false));
    dom::listen(&document(), "change", |event| {
        prefer(&event, true);
        if let Some(form) = dom::target(&event, "[data-live-form]")
            && let Ok(form) = form.dyn_into::<HtmlFormElement>()
        {
            keep_choice(&event, form);
        }
    });
    dom::listen(&window(), "pagehide", |_| send());
}

/// Shows in fields what has been chosen: the page that they came with may be older.
pub fn mark(fields: &[HtmlElement]) {
    let Some(root) = document().document_element() else { return };
    for field in fields {
        let Some(field) = field.dyn_ref::<HtmlInputElement>() else { continue };
        let Some(value) = root.get_attribute(&format!("data-{}", field.name())) else { continue };
        if matches!(field.type_().as_str(), "radio" | "checkbox") {
            field.set_checked(field.value() == value);
        } else {
            field.set_value(&value);
            show_step(field, &value);
        }
    }
}

/// Shows the value of a slider beside it.
fn show_step(field: &HtmlInputElement, value: &str) {
    let beside = field.next_element_sibling().filter(|beside| beside.tag_name() == "OUTPUT");
    if let Some(beside) = beside {
        beside.set_text_content(Some(value));
    }
}

/// Shows a preference, and has it kept once it is settled.
fn prefer(event: &Event, is_settled: bool) {
    let Some(field) = dom::target(event, "[data-preference]") else { return };
    let Ok(field) = field.dyn_into::<HtmlInputElement>() else { return };
    // What the server would refuse is neither shown nor sent, and the field says so itself.
    if !field.report_validity() {
        return;
    }
    let is_unticked = field.type_() == "checkbox" && !field.checked();
    let value = if is_unticked { Switch::Off.name().to_owned() } else { field.value() };
    show_step(&field, &value);
    let name = field.name();
    keep(&name, &value, is_settled);
    // The field answers first: to set a whole page in other colours takes longer than a frame.
    dom::after_paint(move || show(&name, &value));
}

/// Keeps what a list stands at that is not of the settings, as how the library is ordered, and then sends its form: a
/// page that is left at once may not get it sent.
fn keep_choice(event: &Event, form: HtmlFormElement) {
    let list = dom::target(event, "[data-kept]").and_then(|list| list.dyn_into().ok());
    let field = list.and_then(|list: HtmlSelectElement| {
        Some([&list.get_attribute("data-kept")?, "=", &encoded(&list.value())].concat())
    });
    spawn_local(async move {
        if let Some(field) = field {
            let _ = dom::ask("POST", "/settings", "application/json", Body::Form(&field)).await;
        }
        let _ = form.request_submit();
    });
}

/// Sets a preference by its name.
pub fn set(name: &str, value: &str, is_settled: bool) {
    keep(name, value, is_settled);
    show(name, value);
}

fn show(name: &str, value: &str) {
    let Some(root) = document().document_element() else { return };
    dom::set(&root, &format!("data-{name}"), value);
    if name == "own_face"
        && let Some(root) = root.dyn_ref::<HtmlElement>()
    {
        let _ = root.style().set_property("--own-face", &["\"", value, "\""].concat());
    }
    if let Ok(preferred) = Event::new(PREFERRED) {
        let _ = document().dispatch_event(&preferred);
    }
}

fn keep(name: &str, value: &str, is_settled: bool) {
    if is_settled {
        let name = of_book(name);
        PENDING.with_borrow_mut(|pending| {
            pending.retain(|(known, _)| *known != name);
            pending.push((name, value.to_owned()));
        });
        SENDING.with(|sending| sending.begin(SENT_AFTER, send));
    }
}

/// What is changed by a name: what the book that is open has of its own, where it has.
fn of_book(name: &str) -> String {
    let root = document().document_element();
    let own = root.and_then(|root| root.get_attribute("data-own")).unwrap_or_default();
    match own.split_once(' ') {
        Some((book, names)) if names.split(' ').any(|own| own == name) => {
            [name, "_", book].concat()
        }
        _ => name.to_owned(),
    }
}

/// Sends what has been chosen since the last time, in one: a key that is held down is one choice.
fn send() {
    let chosen = PENDING.take();
    if chosen.is_empty() {
        return;
    }
    let fields: Vec<String> =
        chosen.iter().map(|(name, value)| [name.as_str(), "=", &encoded(value)].concat()).collect();
    let is_tongue = chosen.iter().any(|(name, _)| name == "tongue");
    spawn_local(async move {
        let fields = fields.join("&");
        let sent = dom::ask("POST", "/settings", "application/json", Body::Form(&fields)).await;
        // The words of the page come from the server.
        if is_tongue && sent.is_ok() {
            let _ = window().location().reload();
        }
    });
}

fn encoded(value: &str) -> String {
    js_sys::encode_uri_component(value).into()
}
