//! The page above the player: marking sentences and words, scrolling, exchanging the chapter.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, Node, Range, ScrollBehavior, ScrollToOptions};

use super::super::dom::{self, Body};
use super::paged;
use crate::model::Point;

/// Readers look at this part of the window: not at its edges, and not at what lies under the player.
const BAND: (f64, f64) = (0.14, 0.66);
/// Where a sentence is put that was outside of it.
const SETTLE_AT: f64 = 0.3;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Chapter, from 1.
    pub chapter: u32,
    /// Number of sentences in it.
    pub sentences: u32,
    /// Its title.
    pub title: String,
    /// Number of sentences in the chapters before.
    pub before: u32,
    /// Number of sentences in the book.
    pub book_sentences: u32,
}

/// Where something is, seen from the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In it.
    Here,
    /// Before it.
    Before,
    /// After it.
    After,
}

/// What the page shows now.
pub fn shown() -> Option<Shown> {
    let reading = dom::one("#reading")?;
    let number = |name: &str| {
        reading.get_attribute(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    };
    Some(Shown {
        chapter: number("data-chapter"),
        sentences: number("data-sentences"),
        title: reading.get_attribute("data-title").unwrap_or_default(),
        before: number("data-before"),
        book_sentences: number("data-book-sentences"),
    })
}

/// Marks a sentence as the one the voice is in.
pub fn mark(sentence: u32) {
    unmark();
    for element in spans(sentence) {
        let _ = element.class_list().add_1("speaking");
    }
}

/// Takes the mark away.
pub fn unmark() {
    for element in dom::all("#reading .speaking") {
        let _ = element.class_list().remove_1("speaking");
    }
}

/// The elements of a sentence; several where it crosses emphasis or a link.
pub fn spans(sentence: u32) -> Vec<HtmlElement> {
    dom::all(&format!("#reading [data-s=\"{sentence}\"]"))
}

/// The element a sentence begins with.
pub(super) fn head(sentence: u32) -> Option<HtmlElement> {
    dom::one(&format!("#s{sentence}"))
}

/// Brings a sentence to where readers look, if it is not there.
pub fn scroll_to(sentence: u32) {
    let Some(element) = head(sentence) else { return };
    if paged::turn_to(&element, true) {
        return;
    }
    let rect = element.get_bounding_client_rect();
    let (width, height) = window_size();
    let options = ScrollToOptions::new();
    if let Some(frame) = vertical_frame() {
        if rect.right() <= width * 0.9 && rect.left() >= width * 0.1 {
            return;
        }
        options.set_left(f64::from(frame.scroll_left()) + rect.right() - width * (1.0 - SETTLE_AT));
        options.set_behavior(behavior());
        frame.scroll_to_with_scroll_to_options(&options);
        return;
    }
    // The end of a sentence longer than the band is out of reach; its beginning is what counts.
    let low = rect.bottom().min(rect.top() + height * (BAND.1 - BAND.0));
    if rect.top() >= height * BAND.0 && low <= height * BAND.1 {
        return;
    }
    options.set_top(window().scroll_y().unwrap_or_default() + rect.top() - height * SETTLE_AT);
    options.set_behavior(behavior());
    window().scroll_to_with_scroll_to_options(&options);
}

/// What scrolls when lines run from top to bottom.
fn vertical_frame() -> Option<HtmlElement> {
    dom::one("#reading .text.vertical")
}

fn behavior() -> ScrollBehavior {
    if prefers_reduced_motion() { ScrollBehavior::Instant } else { ScrollBehavior::Smooth }
}

/// Where a sentence is.
pub fn side(sentence: u32) -> Option<Side> {
    let element = head(sentence)?;
    if let Some(pages) = paged::side(&element) {
        return Some(match pages {
            pages if pages < 0.0 => Side::Before,
            pages if pages > 0.0 => Side::After,
            _ => Side::Here,
        });
    }
    let rect = element.get_bounding_client_rect();
    let (width, height) = window_size();
    Some(if vertical_frame().is_some() {
        match () {
            () if rect.left() > width => Side::Before,
            () if rect.right() < 0.0 => Side::After,
            () => Side::Here,
        }
    } else {
        match () {
            () if rect.bottom() < 0.0 => Side::Before,
            () if rect.top() > height => Side::After,
            () => Side::Here,
        }
    })
}

/// The first sentence in view.
pub fn first_visible() -> Option<u32> {
    let count = shown()?.sentences;
    // Sentences lie in order, so halving finds the first that is not before the window.
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if side(middle) == Some(Side::Before) { low = middle + 1 } else { high = middle }
    }
    (low < count).then_some(low)
}

/// The sentence an element of the text is in.
pub fn sentence_of(element: &Element) -> Option<u32> {
    dom::closest(element, "#reading [data-s]")?.get_attribute("data-s")?.parse().ok()
}

/// The first sentence of the paragraph after (1) or before (-1) the one a sentence is in. Before
/// means the beginning of its own when the sentence is further in.
pub fn paragraph(sentence: u32, by: i32) -> Option<u32> {
    let block = |sentence: u32| dom::closest(&head(sentence)?.parent_element()?, BLOCKS);
    let (count, own) = (shown()?.sentences, block(sentence)?);
    if by > 0 {
        return ((sentence + 1)..count).find(|next| block(*next).is_some_and(|next| next != own));
    }
    let begins = |at: u32| at == 0 || block(at) != block(at - 1);
    (0..sentence).rev().find(|at| begins(*at))
}

/// What holds a paragraph.
const BLOCKS: &str =
    "p, li, h1, h2, h3, h4, h5, h6, td, th, dd, dt, figcaption, pre, blockquote, div, article";

/// The chapter a link leads to, when it leads into this book.
pub fn chapter_link(link: &Element, book: &str) -> Option<u32> {
    let href = link.get_attribute("href")?;
    let rest = dom::within(&href).strip_prefix("/read/")?.strip_prefix(book)?.strip_prefix('/')?;
    rest.split('#').next()?.parse().ok()
}

/// The element that the part of an address from `#` on names.
pub fn anchored(hash: &str) -> Option<Element> {
    let name = js_sys::decode_uri_component(hash.strip_prefix('#')?).ok()?;
    document().get_element_by_id(&name.as_string()?)
}

/// Fetches the page of a chapter.
pub async fn fetch(address: &str) -> Result<web_sys::Document, JsValue> {
    let response = dom::ask("GET", address, "text/html", Body::None).await?;
    if !response.ok() {
        return Err(JsValue::from_str("the chapter could not be loaded"));
    }
    dom::page(&response).await
}

/// Exchanges the chapter on the page for that of a fetched one. The player is outside of what is
/// exchanged, so the sound goes on.
pub fn exchange(fresh: &web_sys::Document, address: &str) -> Result<Shown, JsValue> {
    let (Some(new), Some(old)) =
        (fresh.get_element_by_id("reading"), document().get_element_by_id("reading"))
    else {
        return Err(JsValue::from_str("the page has no chapter"));
    };
    old.replace_with_with_node_1(&new)?;
    document().set_title(&fresh.title());
    window().scroll_to_with_x_and_y(0.0, 0.0);
    if let Some(target) = address.find('#').and_then(|at| anchored(&address[at..]))
        && !paged::turn_to(&target, false)
    {
        target.scroll_into_view();
    }
    shown().ok_or(JsValue::NULL)
}

/// Gives the chapter the focus, which was on what led to it.
pub fn focus() {
    if let Some(reading) = dom::one("#reading") {
        let gently = dom::object(&[("preventScroll", &JsValue::TRUE)]);
        let _ = dom::call(&reading, "focus", &[&gently]);
    }
}

/// The text a sentence shows.
pub fn text_of(sentence: u32) -> String {
    spans(sentence).iter().filter_map(|span| span.text_content()).collect()
}

/// The stretch of the page from one point of the text to another.
pub fn range(start: Point, end: Point) -> Option<Range> {
    let range = Range::new().ok()?;
    let (node, at) = locate(start)?;
    range.set_start(&node, at).ok()?;
    let (node, at) = locate(end)?;
    range.set_end(&node, at).ok()?;
    Some(range)
}

/// The text node a point is in, and where in it.
fn locate(point: Point) -> Option<(Node, u32)> {
    let mut left = point.offset;
    let mut last = None;
    for span in spans(point.sentence) {
        for node in texts(&span) {
            let length = node.text_content().map_or(0, |text| text.encode_utf16().count() as u32);
            if left <= length {
                return Some((node, left));
            }
            left -= length;
            last = Some((node, length));
        }
    }
    last
}

/// The point of the text a place of the page is at; `None` outside of sentences.
pub fn point(node: &Node, offset: u32) -> Option<Point> {
    let element = match node.dyn_ref::<Element>() {
        Some(element) => element.clone(),
        None => node.parent_element()?,
    };
    let sentence = sentence_of(&element)?;
    let mut before = 0;
    for span in spans(sentence) {
        for text in texts(&span) {
            if text.is_same_node(Some(node)) {
                return Some(Point { sentence, offset: before + offset });
            }
            before += text.text_content().map_or(0, |text| text.encode_utf16().count() as u32);
        }
    }
    // A place between elements is the sentence's beginning or its end.
    Some(Point { sentence, offset: if offset == 0 { 0 } else { before } })
}

/// The text nodes inside an element.
fn texts(element: &Element) -> Vec<Node> {
    let mut found = Vec::new();
    let children = element.child_nodes();
    for child in (0..children.length()).filter_map(|index| children.get(index)) {
        match child.dyn_ref::<Element>() {
            Some(element) => found.extend(texts(element)),
            None if child.node_type() == Node::TEXT_NODE => found.push(child),
            None => {}
        }
    }
    found
}

/// Paints stretches of text with the CSS Custom Highlight API; browsers without it paint none.
pub fn paint(name: &str, ranges: &[Range]) {
    let window: JsValue = window().into();
    let registry = dom::property(&window, "CSS").and_then(|css| dom::property(&css, "highlights"));
    let constructor = dom::property(&window, "Highlight");
    let (Some(registry), Some(Ok(constructor))) =
        (registry, constructor.map(|found| found.dyn_into::<js_sys::Function>()))
    else {
        return;
    };
    let list: js_sys::Array = ranges.iter().collect();
    if let Ok(highlight) = js_sys::Reflect::construct(&constructor, &list) {
        let _ = dom::call(&registry, "set", &[&name.into(), &highlight]);
    }
}

/// Whether anything is selected.
pub fn selection() -> Option<Range> {
    let selection = window().get_selection().ok()??;
    if selection.is_collapsed() { None } else { selection.get_range_at(0).ok() }
}

/// Whether the reader asks for little motion.
pub fn prefers_reduced_motion() -> bool {
    let query = window().match_media("(prefers-reduced-motion: reduce)");
    query.ok().flatten().is_some_and(|query| query.matches())
}

fn window_size() -> (f64, f64) {
    let number = |value: Result<JsValue, JsValue>| {
        value.ok().and_then(|value| value.as_f64()).unwrap_or_default()
    };
    (number(window().inner_width()), number(window().inner_height()))
}
