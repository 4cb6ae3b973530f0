//! The panel that other pages open in.
//!
//! A link with `data-panel` opens the page it leads to in the panel; forms in the panel are sent and answered there. Whether
//! it is open is the dialog's own state, and what it shows is a page of the server.

use std::cell::Cell;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Event, HtmlAudioElement, HtmlDialogElement, HtmlElement, HtmlFormElement, KeyboardEvent,
    MouseEvent,
};

use super::dom::{self, Body};
use super::preferences;

/// Fired on the document when something in the panel has been sent and taken.
pub const CHANGED: &str = "earmark:changed";

thread_local! {
    /// Counts what the panel was asked to show, and how often it was closed: an answer that comes after something else
    /// was asked for is not wanted any more.
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// A page that takes longer than this to come is announced.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(200);

/// Brings the panel to life: links and forms lead into it.
pub fn watch() {
    dom::listen(&document(), "click", |event| click(&event));
    dom::listen(&document(), "submit", |event| submit(&event));
    dom::listen(&document(), "keydown", |event| {
        let is_escape = event.dyn_ref::<KeyboardEvent>().is_some_and(|key| key.key() == "Escape");
        if is_escape && dom::target(&event, "#panel [type=search]").is_some() {
            // Browsers would empty the field, and leave open what was opened last.
            event.prevent_default();
            close();
        }
    });
    if let Some(panel) = panel() {
        dom::listen(&panel, "close", |_| {
            ask();
            // A voice that was being tried has nobody to hear it.
            if let Some(audio) = find("audio") {
                audio.remove();
            }
        });
    }
}

/// The panel, where the page has one.
fn panel() -> Option<HtmlDialogElement> {
    dom::one("#panel")?.dyn_into().ok()
}

/// What the panel shows.
fn body() -> Option<HtmlElement> {
    dom::one("#panel .panel-body")
}

/// The first element in the panel that a selector finds.
pub fn find(selector: &str) -> Option<HtmlElement> {
    dom::one(&["#panel ", selector].concat())
}

/// Every element in the panel that a selector finds.
pub fn find_all(selector: &str) -> Vec<HtmlElement> {
    dom::all(&["#panel ", selector].concat())
}

/// Whether it lies over the page.
pub fn is_open() -> bool {
    panel().is_some_and(|panel| panel.open())
}

/// Closes the panel.
pub fn close() {
    if let Some(panel) = panel() {
        panel.close();
    }
}

/// Says that something could not be had, for a reason that may be empty; or no longer.
fn say_failed(why: Option<String>) {
    let Some(line) = find(".panel-failed") else { return };
    dom::show(&line, why.is_some());
    let general = line.get_attribute("data-failed").unwrap_or_default();
    dom::write(&line, &why.filter(|why| !why.is_empty()).unwrap_or(general));
}

/// Plays something short, at a speed in hundredths, until the panel is closed or something else is played.
pub fn play(source: &str, rate: u16) {
    let audio = find("audio").and_then(|audio| audio.dyn_into::<HtmlAudioElement>().ok());
    let audio = match audio {
        Some(audio) => audio,
        None => {
            let Ok(audio) = HtmlAudioElement::new() else { return };
            if let Some(body) = body() {
                let _ = body.append_child(&audio);
            }
            audio
        }
    };
    audio.set_src(&dom::at(source));
    audio.set_playback_rate(f64::from(rate) / 100.0);
    if let Ok(promise) = audio.play() {
        let source = source.to_owned();
        spawn_local(async move {
            let has_failed = JsFuture::from(promise).await.is_err();
            // To be closed, or another, is no error.
            let is_missed = has_failed && audio.is_connected() && audio.src().ends_with(&source);
            say_failed(is_missed.then(String::new));
        });
    }
}

/// Numbers what is to be shown from here on.
fn ask() -> u32 {
    ASKED.set(ASKED.get() + 1);
    ASKED.get()
}

/// Shows something in the panel that is at hand already.
pub fn show(title: &str, content: &web_sys::Node) {
    let Some(body) = body() else { return };
    ask();
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
    // What the button is named for is done by whom it concerns (`player/commands.rs`).
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
    let (Some(body), Ok(link)) = (body(), link.dyn_into::<HtmlElement>()) else {
        return;
    };
    let _ = body.append_child(&link);
    link.click();
}

/// Shows a page, or the answer to a form, in the panel.
pub fn load(method: &'static str, address: String, fields: Option<String>, label: String) {
    let Some(body) = body() else { return };
    // A page that is there at once is shown at once; one that takes time is announced. The answer to a
    // form is waited for with the form in view.
    let waiting = body.clone();
    let is_link = !label.is_empty();
    let number = ask();
    let announce = move || {
        if ASKED.get() != number {
            return;
        }
        waiting.set_text_content(waiting.get_attribute("data-loading").as_deref());
        open(&label);
    };
    let announcement =
        is_link.then(|| set_timeout_with_handle(announce, ANNOUNCED_AFTER).ok()).flatten();
    spawn_local(async move {
        let sent = fields.as_deref().map_or(Body::None, Body::Form);
        let fetched = async {
            let accept = "text/html, application/problem+json";
            let response = dom::ask(method, &address, accept, sent).await?;
            if !response.ok()
                && let Some(problem) = dom::data(&response.clone()?).await
            {
                return Err(problem.text("detail").map_or(JsValue::NULL, JsValue::from));
            }
            // Whoever is not logged in any more is led to where they log in; what they wrote was not taken, and stays.
            let led_to = response.url();
            let path = led_to.split('?').next().unwrap_or_default();
            if response.redirected() && (path.ends_with("/login") || path.ends_with("/confirm")) {
                if method == "GET" && ASKED.get() == number {
                    window().location().set_href(&led_to)?;
                }
                return Err(JsValue::NULL);
            }
            let page = dom::page(&response).await?;
            page.query_selector("main")?.ok_or(JsValue::NULL)
        };
        let fetched = fetched.await;
        if let Some(announcement) = announcement {
            announcement.clear();
        }
        let is_wanted = ASKED.get() == number;
        let is_taken = fetched.is_ok();
        let unsent = if method == "POST" { Unsent::look(&address) } else { Unsent::default() };
        let shown = fetched.and_then(|main| if is_wanted { fill(&body, &main) } else { Ok(()) });
        if is_wanted && shown.is_ok() {
            unsent.put_back();
        }
        if is_wanted {
            // What was written in a form that could not be sent stays there.
            let why = shown.err();
            say_failed(why.as_ref().map(|why| why.as_string().unwrap_or_default()));
            if why.is_some() {
                open(&heading());
            }
        }
        if is_taken
            && method == "POST"
            && let Ok(changed) = Event::new(CHANGED)
        {
            let _ = document().dispatch_event(&changed);
        }
    });
}

/// Texts in other forms than the one that was sent, and which that was, for it gets the focus back.
#[derive(Default)]
struct Unsent {
    /// Where the form that was sent leads.
    sent: String,
    /// Texts in other forms: where each form leads, its field, and what is written there.
    texts: Vec<(String, String, JsValue)>,
}

impl Unsent {
    fn look(sent: &str) -> Self {
        let text = |field: HtmlElement| {
            let form = dom::closest(&field, "form")?.get_attribute("action")?;
            let [written, was] = ["value", "defaultValue"].map(|name| dom::property(&field, name));
            let is_unsent = form != sent && written != was;
            is_unsent.then_some((form, field.get_attribute("name")?, written?))
        };
        let texts = find_all("textarea").into_iter().filter_map(text).collect();
        Self { sent: sent.to_owned(), texts }
    }

    fn put_back(&self) {
        for (form, name, text) in &self.texts {
            if let Some(field) = find(&format!("form[action=\"{form}\"] [name=\"{name}\"]")) {
                let _ = js_sys::Reflect::set(&field, &"value".into(), text);
            }
        }
        let button = find(&format!("form[action=\"{}\"] button", self.sent));
        if let Some(button) = button.filter(|_| find("[autofocus]").is_none()) {
            let _ = button.focus();
        }
    }
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
    preferences::mark(&find_all("[data-preference]"));
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
    for line in find_all("[aria-current]") {
        let _ = line.remove_attribute("aria-current");
    }
    if let Some(line) = find(&format!("[data-chapter=\"{open}\"]")) {
        dom::set(&line, "aria-current", "true");
    }
}
