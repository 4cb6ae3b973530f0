//! The few things islands do with the document.

use std::cell::Cell;
use std::time::Duration;

use leptos::prelude::{
    Effect, TimeoutHandle, document, request_animation_frame, set_timeout, set_timeout_with_handle,
    window,
};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, EventTarget, HtmlElement, RequestInit, Response};

/// Runs an island's code in the browser: the markup is there and stays. Each runs in a task of its own, so that the page
/// answers in between.
pub fn in_browser(run: impl FnOnce() + 'static) {
    if cfg!(feature = "hydrate") {
        set_timeout(run, Duration::ZERO);
    }
}

/// Runs something once what the browser has to show has been shown: the answer to a press is a pressed
/// button, and only then what it does.
pub fn after_paint(run: impl FnOnce() + 'static) {
    request_animation_frame(move || set_timeout(run, Duration::ZERO));
}

/// Something that is done a while after it was last asked for.
#[derive(Default)]
pub struct Delay(Cell<Option<TimeoutHandle>>);

impl Delay {
    /// None is waited for yet.
    pub const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Does it after `wait`, in place of what was to be done before.
    pub fn begin(&self, wait: Duration, run: impl FnOnce() + 'static) {
        let begun = set_timeout_with_handle(run, wait);
        if let Some(earlier) = self.0.replace(begun.ok()) {
            earlier.clear();
        }
    }
}

/// The first element a selector finds.
pub fn one(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok()??.dyn_into().ok()
}

/// Every element a selector finds.
pub fn all(selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = document().query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect()
}

/// The element an event happened to, or the nearest around it, that a selector matches.
pub fn target(event: &Event, selector: &str) -> Option<HtmlElement> {
    let target = event.target()?.dyn_into::<web_sys::Node>().ok()?;
    let element = match target.dyn_into::<Element>() {
        Ok(element) => element,
        Err(text) => text.parent_element()?,
    };
    closest(&element, selector)
}

/// The nearest element around one, itself included, that a selector matches.
pub fn closest(element: &Element, selector: &str) -> Option<HtmlElement> {
    element.closest(selector).ok()??.dyn_into().ok()
}

/// Keeps what a selector finds as signals say: `show` runs soon, and again whenever one that it has read changes.
pub fn shows(selector: &'static str, show: impl Fn(&HtmlElement) + 'static) {
    let show: Box<dyn Fn(&HtmlElement)> = Box::new(show);
    always(move || {
        if let Some(element) = one(selector) {
            show(&element);
        }
    });
}

/// Runs something soon, and again whenever a signal changes that it has read. All have one type, for the code of an effect
/// is made for each type anew.
pub fn always(run: impl Fn() + 'static) {
    let run: Box<dyn Fn()> = Box::new(run);
    Effect::new(run);
}

/// Listens for as long as the page lives: what listens here is never taken out of it.
pub fn listen(target: &EventTarget, name: &str, handle: impl FnMut(Event) + 'static) {
    let handle = Closure::<dyn FnMut(Event)>::new(handle).into_js_value();
    let _ = target.add_event_listener_with_callback(name, handle.unchecked_ref());
}

/// Shows or hides an element. One that is shown or hidden already is not touched: the browser would
/// lay it out anew.
pub fn show(element: &Element, shown: bool) {
    let _ = element.toggle_attribute_with_force("hidden", !shown);
}

/// Sets an attribute.
pub fn set(element: &Element, name: &str, value: &str) {
    let _ = element.set_attribute(name, value);
}

/// Writes text, if it is another.
pub fn write(element: &HtmlElement, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// The language of the page, as a BCP 47 tag.
pub fn language() -> String {
    let root = document().document_element();
    root.and_then(|root| root.get_attribute("lang")).unwrap_or_default()
}

/// Whether the reader turns pages.
pub fn is_paged() -> bool {
    let root = document().document_element();
    root.is_some_and(|root| root.get_attribute("data-layout").as_deref() == Some("paged"))
}

/// The path below which the site is: nothing where it is at the top of its host.
pub fn base() -> String {
    let root = document().document_element();
    root.and_then(|root| root.get_attribute("data-base")).unwrap_or_default()
}

/// An address of the site as the browser has to ask for it. One from the page has the base already.
pub fn at(address: &str) -> String {
    let base = base();
    if within(address).len() < address.len() { address.to_owned() } else { base + address }
}

/// An address of the page as the site has it.
pub fn within(address: &str) -> &str {
    let rest = address.strip_prefix(&*base()).unwrap_or(address);
    if rest.starts_with('/') { rest } else { address }
}

/// A value kept by the browser.
pub fn stored(name: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(&(base() + name)).ok()?
}

/// Has the browser keep a value.
pub fn store(name: &str, value: &str) {
    // Private windows may refuse; then it lasts as long as the page.
    if let Ok(Some(storage)) = window().local_storage() {
        // Other sites of the host have theirs.
        let _ = storage.set_item(&(base() + name), value);
    }
}

/// Data the server has sent. Read by name: a parser made for each type would be a fifth of what the
/// browser is sent.
#[derive(Debug, Clone)]
pub struct Json(JsValue);

impl Json {
    /// Parses a text.
    pub fn parse(text: &str) -> Option<Self> {
        js_sys::JSON::parse(text).ok().map(Self)
    }

    /// A member; `None` when it is missing or null.
    pub fn get(&self, name: &str) -> Option<Self> {
        property(&self.0, name).map(Self)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<String> {
        property(&self.0, name)?.as_string()
    }

    /// A number that is not negative; 0 when it is missing.
    pub fn number(&self, name: &str) -> u64 {
        property(&self.0, name).and_then(|value| value.as_f64()).unwrap_or_default() as u64
    }

    /// The same, where it fits.
    pub fn index(&self, name: &str) -> u32 {
        u32::try_from(self.number(name)).unwrap_or(u32::MAX)
    }

    /// Whether it is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        property(&self.0, name).is_some_and(|value| value == JsValue::TRUE)
    }

    /// A list of numbers that are not negative; `None` when it is missing or null.
    pub fn numbers(&self, name: &str) -> Option<Vec<u32>> {
        let list = property(&self.0, name)?;
        let list = list.dyn_ref::<js_sys::Array>()?;
        Some(list.iter().map(|value| value.as_f64().unwrap_or_default() as u32).collect())
    }

    /// The items of a list; none when it is not one.
    pub fn items(&self) -> Vec<Self> {
        match self.0.dyn_ref::<js_sys::Array>() {
            Some(list) => list.iter().map(Self).collect(),
            None => Vec::new(),
        }
    }

    /// As a text.
    pub fn as_text(&self) -> Option<String> {
        self.0.as_string()
    }

    /// As a number that is not negative.
    pub fn as_number(&self) -> u64 {
        self.0.as_f64().unwrap_or_default() as u64
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }
}

/// An object as JSON.
pub fn json(properties: &[(&str, &JsValue)]) -> String {
    js_sys::JSON::stringify(&object(properties)).map(String::from).unwrap_or_default()
}

/// A body to send.
pub enum Body<'b> {
    /// Nothing.
    None,
    /// JSON.
    Json(&'b str),
    /// The fields of a form.
    Form(&'b str),
}

/// Browsers send no more than 64 KiB for pages that are being closed.
const KEEPALIVE_BYTES: usize = 60_000;

/// Asks the server. `accept` says whether a page or
/// data is wanted.
pub async fn ask(
    method: &str,
    address: &str,
    accept: &str,
    body: Body<'_>,
) -> Result<Response, JsValue> {
    send(method, address, &[("accept", accept)], body).await
}

/// Asks for what is kept for later and nobody looks at now: a page that comes so says nothing that it says once.
pub async fn ask_ahead(address: &str, accept: &str) -> Result<Response, JsValue> {
    send("GET", address, &[("accept", accept), ("purpose", "prefetch")], Body::None).await
}

async fn send(
    method: &str,
    address: &str,
    said: &[(&str, &str)],
    body: Body<'_>,
) -> Result<Response, JsValue> {
    let headers = js_sys::Object::new();
    let put = |target: &JsValue, name: &str, value: &JsValue| {
        // Plain objects take any property.
        let _ = js_sys::Reflect::set(target, &name.into(), value);
    };
    for (name, value) in said {
        put(&headers, name, &(*value).into());
    }
    // What is refused is said in the language of the page.
    put(&headers, "accept-language", &language().into());
    let options = RequestInit::new();
    options.set_method(method);
    let sent = match body {
        Body::None => None,
        Body::Json(text) => Some(("application/json", text)),
        Body::Form(text) => Some(("application/x-www-form-urlencoded", text)),
    };
    if let Some((kind, text)) = sent {
        put(&headers, "content-type", &kind.into());
        // It also goes out while the page is being closed, if it is as small as browsers ask for.
        put(&options, "keepalive", &JsValue::from_bool(text.len() < KEEPALIVE_BYTES));
        options.set_body(&text.into());
    }
    options.set_headers(&headers);
    JsFuture::from(window().fetch_with_str_and_init(&at(address), &options)).await?.dyn_into()
}

/// The text of an answer.
pub async fn text(response: &Response) -> Result<String, JsValue> {
    Ok(JsFuture::from(response.text()?).await?.as_string().unwrap_or_default())
}

/// What an answer says, as data.
pub async fn data(response: &Response) -> Option<Json> {
    Json::parse(&text(response).await.ok()?)
}

/// Asks for data with GET; `None` when there is none or it cannot be had.
pub async fn get(address: &str) -> Option<Json> {
    let response = ask("GET", address, "application/json", Body::None).await.ok()?;
    if response.ok() { data(&response).await } else { None }
}

/// A page, fetched and parsed.
pub async fn page(response: &Response) -> Result<web_sys::Document, JsValue> {
    let html = text(response).await?;
    web_sys::DomParser::new()?.parse_from_string(&html, web_sys::SupportedType::TextHtml)
}

/// Calls a method by its name: for what the bindings have only as unstable.
pub fn call(object: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let function: js_sys::Function = js_sys::Reflect::get(object, &method.into())?.dyn_into()?;
    let list: js_sys::Array = arguments.iter().copied().cloned().collect();
    function.apply(object, &list)
}

/// A property by its name.
pub fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = js_sys::Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// An object with these properties.
pub fn object(properties: &[(&str, &JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in properties {
        let _ = js_sys::Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

/// Whether somebody writes or chooses in what has the focus, so that keys belong to it.
pub fn is_field(element: &Element) -> bool {
    closest(element, "input, select, textarea, [contenteditable]").is_some()
}
