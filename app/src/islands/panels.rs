//! What every page has: the panel that other pages open in, preferences, and keys.
//!
//! A link with `data-panel` opens the page it leads to in the panel; forms in the panel are sent
//! and answered there. A field with `data-preference` shows what it changes at once and has it kept.
//! A key does what the element does that names it in `aria-keyshortcuts`.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Event, HtmlDialogElement, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlSelectElement,
    KeyboardEvent, MouseEvent,
};

use super::dom::{self, Body};
use crate::preferences::Switch;

/// Fired on the document when something in the panel has been sent and taken.
pub const CHANGED: &str = "earmark:changed";

/// Fired on the document when a preference has changed.
pub const PREFERRED: &str = "earmark:preferred";

/// A page that takes longer than this to come is announced.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(200);

/// Choices that follow each other this closely are sent together.
const SENT_AFTER: Duration = Duration::from_millis(250);

thread_local! {
    /// Preferences that are still to be sent.
    static PENDING: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
    static SENDING: Cell<Option<TimeoutHandle>> = const { Cell::new(None) };
}

/// Brings panel, preferences and keys to life.
#[island]
pub fn Panels() -> impl IntoView {
    dom::in_browser(|| {
        dom::listen(&document(), "click", |event| click(&event));
        dom::listen(&document(), "submit", |event| submit(&event));
        dom::listen(&document(), "input", |event| prefer(&event, false));
        dom::listen(&document(), "change", |event| {
            prefer(&event, true);
            if let Some(form) = dom::target(&event, "[data-live-form]")
                && let Ok(form) = form.dyn_into::<HtmlFormElement>()
            {
                keep_choice(&event, form);
            }
        });
        dom::listen(&document(), "keydown", |event| {
            if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
                if key.key() == "Escape" && dom::target(key, "#panel [type=search]").is_some() {
                    // Browsers would empty the field, and leave open what was opened last.
                    key.prevent_default();
                    close();
                }
                press(key);
            }
        });
        // Whoever has waited for keys to be heard.
        if let Ok(live) = web_sys::Event::new("live") {
            let _ = window().dispatch_event(&live);
        }
        if let Some(panel) = panel() {
            dom::listen(&panel, "close", |_| {
                // A voice that was being tried has nobody to hear it.
                if let Some(audio) = dom::one("#panel audio") {
                    audio.remove();
                }
            });
        }
        dom::listen(&window(), "pagehide", |_| send_preferences());
        register_worker();
        if let Some(root) = document().document_element() {
            dom::set(&root, "data-panels", "live");
        }
    });
}

/// The panel, where the page has one.
fn panel() -> Option<HtmlDialogElement> {
    dom::one("#panel")?.dyn_into().ok()
}

/// Closes the panel.
pub fn close() {
    if let Some(panel) = panel() {
        panel.close();
    }
}

/// Shows something in the panel that is at hand already.
pub fn show(title: &str, content: &web_sys::Node) {
    let Some(body) = dom::one("#panel .panel-body") else { return };
    body.set_text_content(None);
    let _ = body.append_child(content);
    open(title);
}

fn open(title: &str) {
    let (Some(panel), Some(heading)) = (panel(), dom::one("#panel-title")) else { return };
    dom::write(&heading, title);
    if !panel.open() {
        let _ = panel.show_modal();
    }
}

fn click(event: &Event) {
    let Some(mouse) = event.dyn_ref::<MouseEvent>() else { return };
    if mouse.button() != 0 || mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key() {
        return;
    }
    if dom::target(event, "[data-do=close-panel]").is_some() {
        close();
    } else if let Some(link) = dom::target(event, "a[data-panel]") {
        event.prevent_default();
        if let Some(address) = link.get_attribute("href") {
            let label = link.get_attribute("aria-label").unwrap_or_default();
            load("GET", address, None, label);
        }
    } else if let Some(panel) = panel()
        && event.target().as_ref() == Some(panel.as_ref())
    {
        // The dialog itself is only hit outside of what it shows.
        panel.close();
    }
}

fn submit(event: &Event) {
    let Some(form) = dom::target(event, "#panel form") else { return };
    let Ok(form) = form.dyn_into::<HtmlFormElement>() else { return };
    event.prevent_default();
    let submitter =
        dom::property(event, "submitter").and_then(|button| button.dyn_into::<HtmlElement>().ok());
    // The player does what its name says (`player/commands.rs`).
    if submitter.as_ref().is_some_and(|button| button.has_attribute("data-do")) {
        return;
    }
    let address = submitter
        .and_then(|button| button.get_attribute("formaction"))
        .or_else(|| form.get_attribute("action"))
        .unwrap_or_default();
    let Ok(fields) = web_sys::FormData::new_with_form(&form) else { return };
    let Ok(pairs) = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&fields) else {
        return;
    };
    let fields = String::from(pairs.to_string());
    if dom::within(&address).starts_with("/go/") {
        // Leads into the book; the reader's own links do that without leaving the page.
        spawn_local(async move {
            if let Some(place) =
                dom::get(&format!("{address}?{fields}")).await.and_then(|place| place.as_text())
            {
                follow(&place);
            }
        });
    } else if form.method() == "post" {
        load("POST", address, Some(fields), String::new());
    } else {
        load("GET", format!("{address}?{fields}"), None, String::new());
    }
}

/// Goes where a link would lead.
fn follow(address: &str) {
    let Ok(link) = document().create_element("a") else { return };
    dom::set(&link, "href", &dom::at(address));
    link.set_text_content(Some(" "));
    let (Some(body), Ok(link)) = (dom::one("#panel .panel-body"), link.dyn_into::<HtmlElement>())
    else {
        return;
    };
    let _ = body.append_child(&link);
    link.click();
}

/// Shows a page, or the answer to a form, in the panel.
pub fn load(method: &'static str, address: String, fields: Option<String>, label: String) {
    let Some(body) = dom::one("#panel .panel-body") else { return };
    // A page that is there at once is shown at once; one that takes time is announced. The answer to a
    // form is waited for with the form in view.
    let waiting = body.clone();
    let is_link = !label.is_empty();
    let is_open = || panel().is_some_and(|panel| panel.open());
    let was_open = is_open();
    let announce = move || {
        waiting.set_text_content(waiting.get_attribute("data-loading").as_deref());
        open(&label);
    };
    let announcement =
        is_link.then(|| set_timeout_with_handle(announce, ANNOUNCED_AFTER).ok()).flatten();
    spawn_local(async move {
        let sent = fields.as_deref().map_or(Body::None, Body::Form);
        let shown = async {
            let response = dom::ask(method, &address, "text/html", sent).await?;
            let page = dom::page(&response).await?;
            let main = page.query_selector("main")?.ok_or(JsValue::NULL)?;
            if let Some(announcement) = announcement {
                announcement.clear();
            }
            // Who has closed the panel meanwhile does not want the answer.
            if was_open && !is_open() { Ok(()) } else { fill(&body, &main) }
        };
        let is_shown = shown.await.is_ok();
        // What was written in a form that could not be sent stays there.
        if let Some(line) = dom::one("#panel .panel-failed") {
            dom::show(&line, !is_shown);
        }
        if !is_shown {
            if is_open() || !was_open {
                open(&heading());
            }
        } else if method == "POST"
            && let Ok(changed) = Event::new(CHANGED)
        {
            let _ = document().dispatch_event(&changed);
        }
    });
}

fn heading() -> String {
    dom::one("#panel-title").and_then(|title| title.text_content()).unwrap_or_default()
}

fn fill(body: &HtmlElement, main: &web_sys::Element) -> Result<(), JsValue> {
    let title = match main.query_selector("[data-panel-title]")? {
        Some(title) => Some(title),
        None => main.query_selector("h1")?,
    };
    let heading = title.as_ref().and_then(|title| title.text_content()).unwrap_or_default();
    if let Some(title) = title {
        title.remove();
    }
    while let Some(skipped) = main.query_selector("[data-panel-skip]")? {
        skipped.remove();
    }
    body.set_text_content(None);
    body.set_class_name(&format!("panel-body {}", main.class_name()));
    while let Some(child) = main.first_child() {
        body.append_child(&child)?;
    }
    open(&heading);
    mark_preferences();
    mark_chapter();
    // Where one is comes into view; what is to be written in gets the focus.
    if let Some(current) = body.query_selector("[aria-current], [aria-pressed=true]")? {
        current.scroll_into_view_with_bool(false);
    }
    if let Some(field) = body.query_selector("[autofocus]")?
        && let Ok(field) = field.dyn_into::<HtmlElement>()
    {
        field.focus()?;
    }
    Ok(())
}

/// The contents in the panel show the chapter that is open, which the server may not know yet.
fn mark_chapter() {
    let open = dom::one("#reading").and_then(|reading| reading.get_attribute("data-chapter"));
    let Some(open) = open else { return };
    for line in dom::all("#panel [aria-current]") {
        let _ = line.remove_attribute("aria-current");
    }
    if let Some(line) = dom::one(&format!("#panel [data-chapter=\"{open}\"]")) {
        dom::set(&line, "aria-current", "true");
    }
}

/// The page in the panel may be older than what has been chosen since.
fn mark_preferences() {
    let Some(root) = document().document_element() else { return };
    for field in dom::all("#panel [data-preference]") {
        let Ok(field) = field.dyn_into::<HtmlInputElement>() else { continue };
        let Some(value) = root.get_attribute(&format!("data-{}", field.name())) else { continue };
        if matches!(field.type_().as_str(), "radio" | "checkbox") {
            field.set_checked(field.value() == value);
        } else {
            field.set_value(&value);
            show_step(&field, &value);
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
    keep_preference(&name, &value, is_settled);
    // The field answers first: to set a whole page in other colours takes longer than a frame.
    dom::after_paint(move || show_preference(&name, &value));
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
pub fn set_preference(name: &str, value: &str, is_settled: bool) {
    keep_preference(name, value, is_settled);
    show_preference(name, value);
}

fn show_preference(name: &str, value: &str) {
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

fn keep_preference(name: &str, value: &str, is_settled: bool) {
    if is_settled {
        PENDING.with_borrow_mut(|pending| {
            pending.retain(|(known, _)| known != name);
            pending.push((name.to_owned(), value.to_owned()));
        });
        let wait = set_timeout_with_handle(send_preferences, SENT_AFTER);
        if let Some(earlier) = SENDING.replace(wait.ok()) {
            earlier.clear();
        }
    }
}

/// Sends what has been chosen since the last time, in one: a key that is held down is one choice.
fn send_preferences() {
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
    if is_taken || key.contains('"') || panel().is_some_and(|panel| panel.open()) {
        return;
    }
    // Only controls that we have rendered: nothing in a book's text is one, nor anything before the page.
    let ours = format!("body [aria-keyshortcuts~=\"{key}\"]:not(article *)");
    if let Some(element) = dom::one(&ours) {
        // Pages are turned where there are pages; elsewhere the key scrolls.
        if element.get_attribute("data-do").is_some_and(|name| name.starts_with("page-"))
            && !super::player::is_paged()
        {
            return;
        }
        event.prevent_default();
        element.click();
    }
}

/// A slider has the arrows, and no use for letters.
fn is_slider(element: &web_sys::Element) -> bool {
    element.get_attribute("type").as_deref() == Some("range")
}

/// What lets the app open without a connection.
fn register_worker() {
    spawn_local(async {
        // Without storage there is nothing to forget.
        let _ = super::keep::forget_if_told().await;
    });
    let navigator: JsValue = window().navigator().into();
    if let Some(workers) = dom::property(&navigator, "serviceWorker") {
        let _ = dom::call(&workers, "register", &[&dom::at("/sw.js").into()]);
    }
}
