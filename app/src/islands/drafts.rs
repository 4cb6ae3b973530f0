//! What somebody has filled in, kept while they show again who they are: a form that is sent then is not taken.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlElement, HtmlFormElement, Storage, UrlSearchParams};

use super::dom;

const KEY: &str = "draft";
/// What the server adds to the address of the page on which somebody goes on.
const AGAIN: &str = "again";
const FORMS: &str = "main form[method=post]";
/// What people fill in; passwords and files are not kept, and hidden fields are there again by themselves.
const FIELDS: &str = "input:not([type=hidden], [type=password], [type=file]), select, textarea";

/// A form as it was sent.
struct Draft {
    page: String,
    /// Which of the page's forms it is, and where it leads: another may stand in its place by now.
    number: usize,
    action: String,
    fields: UrlSearchParams,
}

/// Fills in again what was not taken, and keeps what is sent from here on.
pub fn watch() {
    let Some(storage) = storage() else { return };
    let location = window().location();
    let Ok(page) = location.pathname() else { return };
    let query = location.search().unwrap_or_default();
    let mut parts: Vec<&str> = query.trim_start_matches('?').split('&').collect();
    let was_asked = parts.last() == Some(&AGAIN);
    if let Some(draft) = Draft::kept().filter(|draft| draft.page == page) {
        let _ = storage.remove_item(&key());
        if was_asked {
            let form = dom::all(FORMS).into_iter().nth(draft.number);
            draft.fill(form.filter(|form| action_of(form) == draft.action).as_ref());
        }
    }
    if was_asked && let Ok(history) = window().history() {
        parts.pop();
        let separator = if parts.is_empty() { "" } else { "?" };
        let address = [&*page, separator, &parts.join("&")].concat();
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
    dom::listen(&document(), "submit", move |event| {
        let Some(form) = dom::target(&event, FORMS) else { return };
        let number = dom::all(FORMS).iter().position(|other| *other == form);
        if let (Some(number), Some(fields)) = (number, fields_of(&form)) {
            Draft { page: page.clone(), number, action: action_of(&form), fields }.keep(&storage);
        }
    });
}

impl Draft {
    fn kept() -> Option<Self> {
        let kept = storage()?.get_item(&key()).ok()??;
        let mut parts = kept.splitn(4, '\n');
        let (page, number) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        let action = parts.next()?.to_owned();
        let fields = UrlSearchParams::new_with_str(parts.next()?).ok()?;
        Some(Self { page, number, action, fields })
    }

    fn keep(&self, storage: &Storage) {
        let Self { page, number, action, fields } = self;
        let fields = String::from(fields.to_string());
        // Where there is no room for it, it has to be filled in again.
        let _ = storage.set_item(&key(), &format!("{page}\n{number}\n{action}\n{fields}"));
    }

    fn fill(&self, form: Option<&HtmlElement>) {
        let Some(form) = form else { return };
        for field in fields(form) {
            let name = field.get_attribute("name").unwrap_or_default();
            if is_tick(&field) {
                set(&field, "checked", &JsValue::from_bool(self.fields.has(&name)));
            } else if let Some(value) = self.fields.get(&name) {
                set(&field, "value", &value.into());
            }
        }
        // A form may be folded away.
        if let Some(folded) = dom::closest(form, "details") {
            dom::set(&folded, "open", "");
        }
        form.scroll_into_view();
    }
}

fn action_of(form: &HtmlElement) -> String {
    form.get_attribute("action").unwrap_or_default()
}

fn fields_of(form: &HtmlElement) -> Option<UrlSearchParams> {
    let sent = UrlSearchParams::new().ok()?;
    for field in fields(form.dyn_ref::<HtmlFormElement>()?) {
        let name = field.get_attribute("name").unwrap_or_default();
        let property = |name: &str| dom::property(&field, name);
        if !is_tick(&field) {
            sent.append(&name, &property("value").and_then(|value| value.as_string())?);
        } else if property("checked").is_some_and(|checked| checked.is_truthy()) {
            sent.append(&name, "on");
        }
    }
    Some(sent)
}

fn fields(form: &HtmlElement) -> Vec<HtmlElement> {
    let Ok(found) = form.query_selector_all(FIELDS) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect()
}

fn is_tick(field: &HtmlElement) -> bool {
    matches!(field.get_attribute("type").as_deref(), Some("checkbox" | "radio"))
}

fn set(field: &HtmlElement, property: &str, value: &JsValue) {
    let _ = js_sys::Reflect::set(field, &property.into(), value);
}

/// What a tab keeps until it is closed.
fn storage() -> Option<Storage> {
    window().session_storage().ok()?
}

fn key() -> String {
    dom::base() + KEY
}
