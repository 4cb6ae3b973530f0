//! Elements inside a block: what is kept of them, and what of that is spoken.

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{ElementRef, Node};

use super::elements::{
    has_class, has_kind, is_dropped, is_hidden_from_the_ear, is_inline, is_page_number, is_raised,
};
use super::look::{self, Look, Told};
use super::sheet::Sheets;
use super::{MAX_DEPTH, attribute, collapse, copied, drawing, letters, lines, shared_attributes};
use crate::text::markup::{Inline, InlineElement, PHONEMES, plain_text};
use crate::text::pronunciation::MAX_SPOKEN_CHARS;

/// Adds an inline element and what it contains, as far as that is kept.
pub(super) fn push(
    node: NodeRef<'_, Node>,
    element: &Element,
    depth: usize,
    (outer, sheets): (Look, &Sheets),
    run: &mut Vec<Inline>,
) {
    let told = look::of_element(node, outer, sheets);
    let is_line = told.is_line;
    if let Some(inline) = inline(node, element, depth, told, sheets) {
        run.extend(is_line.then(lines::around));
        run.push(inline);
        run.extend(is_line.then(lines::around));
    }
}

/// An inline element and what it contains, or `None` when nothing of it is kept.
fn inline(
    node: NodeRef<'_, Node>,
    element: &Element,
    depth: usize,
    mut told: Told,
    sheets: &Sheets,
) -> Option<Inline> {
    let source_name = element.name();
    if source_name == "svg" {
        return drawing::pictures(node);
    }
    let children = if depth >= MAX_DEPTH {
        // Deeper elements are gone, and what they say is not.
        let texts = node.descendants().filter_map(|node| node.value().as_text());
        vec![Inline::Text(texts.map(|text| text.to_string()).collect())]
    } else {
        let mut children = Vec::new();
        for child in node.children() {
            match child.value() {
                Node::Text(text) => children.push(Inline::Text(text.to_string())),
                Node::Element(element) if !is_dropped(element) => {
                    push(child, element, depth + 1, (told.look, sheets), &mut children);
                }
                _ => {}
            }
        }
        children
    };
    if source_name == "object" {
        return object(element, children);
    }
    let silent = is_silent(element, &children);
    let name = match source_name {
        // What a style sheet would have set apart still stands apart.
        "span" if silent && !is_hidden_from_the_ear(element) => "small",
        name if is_raised(element) && name != "a" => "sup",
        name if is_inline(name) && name != "span" => name,
        _ => told.element(),
    };
    if name == "img" && attribute(element, "src").is_none() {
        return None;
    }
    let mut attributes = inline_attributes(name, node, element);
    attributes.extend(look::attribute_of(&told.words));
    if name == "a" && is_raised(element) {
        let link = InlineElement { name: name.to_owned(), attributes, silent, children };
        let (name, attributes) = ("sup".to_owned(), Vec::new());
        let children = vec![link.into()];
        return Some(InlineElement { name, attributes, children, silent: false }.into());
    }
    let mut shown = InlineElement { name: name.to_owned(), attributes, silent, children };
    if name == "math"
        && let Some(said) = letters::formula(attribute(element, "alttext"), annotation(node))
    {
        shown.silent = true;
        shown.attributes.push(("aria-hidden".to_owned(), "true".to_owned()));
        return Some(letters::with_alt_text(said, shown.into()));
    }
    Some(shown.into())
}

/// A picture in an `<object>`, else what stands in it for those that cannot show it.
fn object(element: &Element, children: Vec<Inline>) -> Option<Inline> {
    let is_picture = attribute(element, "type").is_some_and(|kind| kind.starts_with("image/"));
    if let Some(source) = attribute(element, "data").filter(|_| is_picture) {
        let alt = plain_text(&children);
        let attributes = vec![("src".to_owned(), source), ("alt".to_owned(), collapse(&alt))];
        let name = "img".to_owned();
        return Some(InlineElement { name, attributes, children: Vec::new(), silent: true }.into());
    }
    let (name, attributes) = ("span".to_owned(), Vec::new());
    Some(InlineElement { name, attributes, children, silent: false }.into())
}

/// The first annotation of a formula, which says it in other words (MathML Core, section 4.1).
fn annotation(node: NodeRef<'_, Node>) -> Option<String> {
    let mut found = node.descendants().filter_map(ElementRef::wrap);
    let annotation = found.find(|element| element.value().name() == "annotation")?;
    Some(collapse(&annotation.text().collect::<String>()))
}

/// Shown but not spoken by what it is, whatever stands around it: ruby readings, numbers of lines and
/// pages, and what the book says is a reference to a note.
fn is_silent(element: &Element, children: &[Inline]) -> bool {
    const REFERENCE_CLASSES: [&str; 7] =
        ["fnanchor", "noteref", "footnoteref", "endnoteref", "fnref", "footnotelink", "noteanchor"];
    matches!(element.name(), "rt" | "rp" | "rtc" | "img")
        || is_hidden_from_the_ear(element)
        || has_kind(element, "noteref")
        || has_kind(element, "backlink")
        || element.name() == "a" && has_class(element, &REFERENCE_CLASSES)
        || is_page_number(element, &plain_text(children))
}

fn inline_attributes(
    name: &str,
    node: NodeRef<'_, Node>,
    element: &Element,
) -> Vec<(String, String)> {
    let mut attributes = shared_attributes(element);
    let own: &[&str] = match name {
        "a" => &["href"],
        "img" => &["src", "alt", "width"],
        "abbr" | "dfn" => &["title"],
        "math" => &["display"],
        _ => &[],
    };
    attributes.extend(copied(element, own));
    attributes.extend(phonemes(node, element).map(|sound| (PHONEMES.to_owned(), sound)));
    attributes
}

/// How the book says that an element sounds (EPUB 3.3, section 6.4.4 of the text-to-speech note), if that is
/// in the International Phonetic Alphabet or in none that is named.
fn phonemes(node: NodeRef<'_, Node>, element: &Element) -> Option<String> {
    let sound = element.attr(PHONEMES)?.trim();
    let around = node.ancestors().take(MAX_DEPTH).filter_map(|around| around.value().as_element());
    let alphabet = std::iter::once(element).chain(around).find_map(|one| one.attr("ssml:alphabet"));
    if alphabet.is_some_and(|name| !name.trim().eq_ignore_ascii_case("ipa")) {
        return None;
    }
    (!sound.is_empty() && sound.len() <= 4 * MAX_SPOKEN_CHARS).then(|| sound.to_owned())
}
