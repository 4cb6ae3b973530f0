//! `<svg>` inside a page: the usual wrapping of a picture, or a drawing of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ego_tree::NodeRef;
use scraper::{ElementRef, Node};

use super::{attribute, collapse};
use crate::text::markup::{Inline, InlineElement};

/// Largest drawing that is kept, in bytes.
const MAX_DRAWING_BYTES: usize = 4 * 1024 * 1024;

/// An `<svg>` as pictures: those it wraps (`<image xlink:href="cover.jpg"/>`), else itself, as a file in a
/// `data:` address. As a picture it can load nothing and run nothing.
pub(super) fn pictures(node: NodeRef<'_, Node>) -> Option<Inline> {
    let element = ElementRef::wrap(node)?;
    let alt = words(element);
    let images = node.descendants().filter_map(|node| {
        let element = node.value().as_element()?;
        element.name().eq_ignore_ascii_case("image").then(|| attribute(element, "href")).flatten()
    });
    let mut pictures: Vec<Inline> = images.map(|source| picture(source, &alt)).collect();
    if pictures.is_empty() && element.child_elements().next().is_some() {
        let drawing = standalone(&element.html());
        if drawing.len() <= MAX_DRAWING_BYTES {
            let source = format!("data:image/svg+xml;base64,{}", STANDARD.encode(drawing));
            pictures.push(picture(source, &alt));
        }
    }
    match pictures.len() {
        0 => None,
        1 => pictures.pop(),
        _ => Some(
            InlineElement {
                name: "span".to_owned(),
                attributes: Vec::new(),
                children: pictures,
                silent: false,
            }
            .into(),
        ),
    }
}

fn picture(source: String, alt: &str) -> Inline {
    InlineElement {
        name: "img".to_owned(),
        attributes: vec![("src".to_owned(), source), ("alt".to_owned(), alt.to_owned())],
        children: Vec::new(),
        silent: true,
    }
    .into()
}

/// What a drawing says of itself: its label, title or description, else the words in it.
fn words(svg: ElementRef<'_>) -> String {
    if let Some(label) = attribute(svg.value(), "aria-label") {
        return label;
    }
    let text_of = |name: &str| {
        let found =
            svg.descendent_elements().filter(|e| e.value().name().eq_ignore_ascii_case(name));
        let texts = found.map(|element| collapse(&element.text().collect::<String>()));
        texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    };
    ["title", "desc", "text"]
        .iter()
        .map(|name| text_of(name))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// A drawing as a file of its own, which must name its vocabularies.
fn standalone(html: &str) -> String {
    let Some((start, rest)) = html.split_once('>') else { return html.to_owned() };
    let mut start = start.to_owned();
    if !start.contains("xmlns=") {
        start.push_str(" xmlns=\"http://www.w3.org/2000/svg\"");
    }
    if !start.contains("xmlns:xlink=") && rest.contains("xlink:") {
        start.push_str(" xmlns:xlink=\"http://www.w3.org/1999/xlink\"");
    }
    // The one entity that HTML writes and XML does not know.
    format!("{start}>{rest}").replace("&nbsp;", "&#160;")
}
