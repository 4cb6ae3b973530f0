//! The page under the player: marking sentences, scrolling, exchanging the chapter.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    DomParser, Element, ScrollBehavior, ScrollIntoViewOptions, ScrollLogicalPosition, SupportedType,
};

/// What the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Chapter, from 1.
    pub chapter: u32,
    /// Number of sentences in it.
    pub sentences: u32,
}

/// Marks a sentence as the one the voice is in.
pub fn mark(sentence: u32) {
    unmark();
    for_each(&format!("#reading [data-s=\"{sentence}\"]"), |element| {
        let _ = element.class_list().add_1("speaking");
    });
}

/// Takes the mark away.
pub fn unmark() {
    for_each(".speaking", |element| {
        let _ = element.class_list().remove_1("speaking");
    });
}

/// Brings a sentence into the middle of the window, if it is not in its comfortable part.
pub fn scroll_to(sentence: u32) {
    let Some(element) = document().get_element_by_id(&format!("s{sentence}")) else { return };
    if is_comfortable(&element) {
        return;
    }
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Center);
    options.set_inline(ScrollLogicalPosition::Center);
    options.set_behavior(if prefers_reduced_motion() {
        ScrollBehavior::Instant
    } else {
        ScrollBehavior::Smooth
    });
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Whether an element begins in the part of the window where a reader likes to look: not at its
/// edges and not below the player.
fn is_comfortable(element: &Element) -> bool {
    let rect = element.get_bounding_client_rect();
    let (width, height) = window_size();
    let is_vertical = element.closest(".vertical").ok().flatten().is_some();
    if is_vertical {
        rect.right() <= width * 0.9 && rect.left() >= width * 0.1
    } else {
        rect.top() >= height * 0.12 && rect.top().max(rect.bottom().min(height)) <= height * 0.72
    }
}

/// The first sentence in view.
pub fn first_visible() -> Option<u32> {
    let (width, height) = window_size();
    let found = document().query_selector_all("#reading [id^=\"s\"][data-s]").ok()?;
    (0..found.length())
        .filter_map(|index| found.get(index)?.dyn_into::<Element>().ok())
        .find(|element| {
            let rect = element.get_bounding_client_rect();
            rect.bottom() > 0.0 && rect.top() < height && rect.right() > 0.0 && rect.left() < width
        })
        .and_then(|element| sentence_of(&element))
}

/// The sentence an element of the text is in.
pub fn sentence_of(element: &Element) -> Option<u32> {
    element.closest("#reading [data-s]").ok()??.get_attribute("data-s")?.parse().ok()
}

/// The chapter and anchor a link leads to, when it leads into this book.
pub fn chapter_link(link: &Element, book: &str) -> Option<u32> {
    let href = link.get_attribute("href")?;
    let rest = href.strip_prefix("/read/")?.strip_prefix(book)?.strip_prefix('/')?;
    rest.split('#').next()?.parse().ok()
}

/// Exchanges the chapter on the page for the one at `address`, and the address with it. The player
/// is outside of what is exchanged, so the sound goes on.
pub async fn show(address: &str) -> Result<Shown, JsValue> {
    let response = wasm_bindgen_futures::JsFuture::from(window().fetch_with_str(address)).await?;
    let response: web_sys::Response = response.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::from_str("the chapter could not be loaded"));
    }
    let html = wasm_bindgen_futures::JsFuture::from(response.text()?).await?;
    let html = html.as_string().unwrap_or_default();
    let fresh = DomParser::new()?.parse_from_string(&html, SupportedType::TextHtml)?;
    let (Some(new), Some(old)) =
        (fresh.get_element_by_id("reading"), document().get_element_by_id("reading"))
    else {
        return Err(JsValue::from_str("the page has no chapter"));
    };
    old.replace_with_with_node_1(&new)?;
    document().set_title(&fresh.title());
    window().scroll_to_with_x_and_y(0.0, 0.0);
    if let Some(anchor) = address.split_once('#').map(|(_, anchor)| anchor) {
        let decoded = js_sys::decode_uri_component(anchor)?.as_string().unwrap_or_default();
        if let Some(target) = document().get_element_by_id(&decoded) {
            target.scroll_into_view();
        }
    }
    Ok(shown(&new))
}

fn shown(reading: &Element) -> Shown {
    let number = |name: &str| {
        reading.get_attribute(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    };
    Shown { chapter: number("data-chapter"), sentences: number("data-sentences") }
}

/// Whether a key press belongs to what has the focus.
pub fn has_own_keys(target: Option<web_sys::EventTarget>) -> bool {
    target.and_then(|target| target.dyn_into::<Element>().ok()).is_some_and(|element| {
        element
            .closest("input, select, textarea, button, a, [contenteditable], dialog")
            .ok()
            .flatten()
            .is_some()
    })
}

fn window_size() -> (f64, f64) {
    let number = |value: Result<JsValue, JsValue>| {
        value.ok().and_then(|value| value.as_f64()).unwrap_or_default()
    };
    (number(window().inner_width()), number(window().inner_height()))
}

fn prefers_reduced_motion() -> bool {
    let query = window().match_media("(prefers-reduced-motion: reduce)");
    query.ok().flatten().is_some_and(|query| query.matches())
}

fn for_each(selector: &str, apply: impl Fn(&Element)) {
    let Ok(found) = document().query_selector_all(selector) else { return };
    for index in 0..found.length() {
        if let Some(Ok(element)) = found.get(index).map(|node| node.dyn_into::<Element>()) {
            apply(&element);
        }
    }
}
