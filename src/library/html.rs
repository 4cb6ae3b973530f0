//! From one XHTML document of a book to a flat list of safe items.
//!
//! The walk copies what it knows and nothing else: known elements, known attributes, text. What
//! remains is a sequence of opening and closing containers with blocks between them, which can be
//! cut anywhere into chapters ([`chapters`](super::chapters)).

mod document;
mod drawing;
mod elements;
mod inline;
mod letters;
mod lines;
mod look;
mod properties;
mod sheet;
mod silence;
mod source;
mod white_space;

use std::sync::Arc;

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{Html, Node};
use serde::{Deserialize, Serialize};

pub use document::ParsedDocument;
pub use elements::MATHML;
pub use letters::ALT_TEXT;
pub use look::LOOK;
pub use sheet::Sheet;

use elements::{
    has_class, has_kind, is_container, is_dropped, is_hidden_from_the_ear, is_page_number, shown_as,
};
use look::Look;
use sheet::Sheets;
use white_space::collapse_run;

use super::import::limits::MAX_LANGUAGE_CHARS;
use crate::text::markup::{Inline, InlineElement, is_void, plain_text};
use crate::text::sentence::is_speakable;

/// Deeper elements are flattened into their ancestors: no book nests so deep, and recursion here
/// and in the browser must end.
const MAX_DEPTH: usize = 128;

/// Longest id that is kept, in bytes; tools make some of a hundred.
const MAX_ID_BYTES: usize = 500;

/// A piece of a document, in reading order.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A container opens.
    Open {
        /// Lower-case element name.
        name: String,
        /// Safe attributes.
        attributes: Vec<(String, String)>,
    },
    /// The innermost open container closes.
    Close,
    /// The target of links to this id.
    Anchor(String),
    /// A run of inline content: what is split into sentences.
    Block {
        /// Its inline content.
        inlines: Vec<Inline>,
        /// What it is, for pauses and white space.
        kind: BlockKind,
        /// What of the text it belongs to.
        part: Part,
        /// Each `br` ends a line that is spoken by itself: in verse and headings.
        has_lines: bool,
    },
    /// An element without content that separates blocks.
    Rule,
    /// An empty line between two paragraphs that stand in one container.
    Gap,
}

/// What a block is besides the running text, so that a listener can have it passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The running text.
    #[default]
    Text,
    /// A footnote or endnote.
    Note,
    /// A table.
    Table,
    /// A listing.
    Code,
    /// What stands under a picture or table.
    Caption,
    /// What a picture says of itself, in a book that is not one of pictures.
    Picture,
    /// A heading of the text.
    Heading,
}

impl Part {
    /// Whether it is the running text.
    pub fn is_text(&self) -> bool {
        *self == Self::Text
    }

    /// What the description of a picture is that stands in such a part: of a note, the note.
    fn of_picture(self) -> Self {
        if self.is_text() { Self::Picture } else { self }
    }

    /// What the content of an element is, given what it stands in: a table in a note is a note, the
    /// caption of a table a caption.
    fn within(self, element: &Element) -> Self {
        match element.name() {
            _ if self == Self::Note || is_note(element) => Self::Note,
            "caption" | "figcaption" => Self::Caption,
            _ if !self.is_text() => self,
            "table" => Self::Table,
            "pre" => Self::Code,
            _ => Self::Text,
        }
    }
}

/// What a block is to the ear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// `h1` to `h6`.
    Heading,
    /// A paragraph, list item, caption and the like.
    Paragraph,
    /// A verse line or table cell: the next one follows at once.
    Line,
    /// A page that is a picture: it is a sentence of its own, spoken by what the picture says of itself
    /// or passed in silence.
    Picture,
}

/// Parses an XHTML or HTML document; never fails, as HTML parsing never does.
pub fn parse(source: &str) -> ParsedDocument {
    parse_styled(source, &|_| None)
}

/// Parses a document, with the style sheets that its references lead to.
pub fn parse_styled(
    source: &str,
    find_sheet: &dyn Fn(&str) -> Option<Arc<Sheet>>,
) -> ParsedDocument {
    let document = Html::parse_document(&source::for_html(source));
    let root = document.root_element();
    let sheets = Sheets::of_document(root, find_sheet);
    let mut context = Context::default();
    context.look = look::of_element(*root, context.look, &sheets).look;
    let mut walk = Walk { items: Vec::new(), run: Vec::new(), context, sheets };
    let (mut title, mut kinds) = (None, Vec::new());
    for element in root.child_elements() {
        match element.value().name() {
            "head" => {
                title = element
                    .child_elements()
                    .find(|child| child.value().name() == "title")
                    .map(|child| collapse(&child.text().collect::<String>()))
                    .filter(|title| !title.is_empty());
            }
            "body" => {
                kinds = elements::kinds_of_page(element);
                let page = look::of_element(*element, walk.context.look, &walk.sheets);
                walk.context.look = page.look;
                walk.anchor(element.value());
                // What is said of the whole page is said of what stands in its place on ours.
                let words = page.look.of_page();
                if let Some(attribute) = look::attribute_of(&words) {
                    let name = "div".to_owned();
                    walk.items.push(Item::Open { name, attributes: vec![attribute] });
                }
                walk.children(*element, 0);
                walk.flush();
                if !words.is_empty() {
                    walk.items.push(Item::Close);
                }
            }
            _ => {}
        }
    }
    let language = attribute(root.value(), "lang");
    ParsedDocument { items: walk.items, title, language, kinds }
}

#[derive(Clone, Copy, Default)]
struct Context {
    kind: Option<BlockKind>,
    preformatted: bool,
    /// Shown and not spoken: numbers of pages, what is hidden from the ear.
    silent: bool,
    /// What of the text it is.
    part: Part,
    /// Inside verse.
    is_verse: bool,
    /// How it looks.
    look: Look,
}

struct Walk {
    items: Vec<Item>,
    /// Inline content collected since the last block boundary.
    run: Vec<Inline>,
    context: Context,
    sheets: Sheets,
}

impl Walk {
    fn children(&mut self, node: NodeRef<'_, Node>, depth: usize) {
        for child in node.children() {
            match child.value() {
                Node::Text(text) => self.run.push(Inline::Text(text.to_string())),
                Node::Element(element) if is_dropped(element) => self.anchor(element),
                Node::Element(element) => self.element(child, element, depth),
                _ => {}
            }
        }
    }

    fn element(&mut self, node: NodeRef<'_, Node>, element: &Element, depth: usize) {
        let name = element.name();
        if depth >= MAX_DEPTH {
            let text = node.descendants().filter_map(|node| node.value().as_text());
            self.run.extend(text.map(|text| Inline::Text(text.to_string())));
        } else if name == "hr" {
            self.flush();
            self.anchor(element);
            self.items.push(Item::Rule);
        } else if is_container(name) {
            self.container(node, element, depth);
        } else if has_container(node, MAX_DEPTH - depth) {
            // An inline element around blocks (`<a><div>`): its content counts, not itself.
            self.anchor(element);
            let outer = self.context.look;
            self.context.look = look::of_element(node, outer, &self.sheets).look;
            self.children(node, depth + 1);
            self.context.look = outer;
        } else {
            // Its ids are targets from the start of the block they are in.
            let look = (self.context.look, &self.sheets);
            inline::push(node, element, depth, look, &mut self.run);
        }
    }

    fn container(&mut self, node: NodeRef<'_, Node>, element: &Element, depth: usize) {
        self.flush();
        self.anchor(element);
        let told = look::of_element(node, self.context.look, &self.sheets);
        let mut attributes = container_attributes(element);
        attributes.extend(look::attribute_of(&told.words));
        self.items.push(Item::Open { name: shown_as(element.name()).to_owned(), attributes });
        let outer = self.context;
        self.context = Context {
            kind: block_kind(element.name()).or(outer.kind),
            preformatted: outer.preformatted || element.name() == "pre",
            silent: outer.silent
                || is_hidden_from_the_ear(element)
                || is_page_number(element, &short_text(node)),
            part: outer.part.within(element),
            is_verse: outer.is_verse || is_verse(element),
            look: told.look,
        };
        self.children(node, depth + 1);
        self.flush();
        self.context = outer;
        self.items.push(Item::Close);
    }

    fn anchor(&mut self, element: &Element) {
        if let Some(id) = attribute(element, "id") {
            self.items.push(Item::Anchor(id));
        }
    }

    /// Ends the current run of inline content.
    fn flush(&mut self) {
        let run = std::mem::take(&mut self.run);
        let mut is_first = true;
        for inlines in lines::paragraphs(run) {
            let before = self.items.len();
            self.block(inlines, is_first);
            is_first &= self.items.len() == before;
        }
    }

    fn block(&mut self, mut inlines: Vec<Inline>, is_first: bool) {
        // While the white space is there that sets a picture apart from the next word.
        letters::spell_pictures(&mut inlines);
        if self.context.kind == Some(BlockKind::Heading) && !is_speakable(&plain_text(&inlines)) {
            letters::say_pictures(&mut inlines);
        }
        if !self.context.preformatted {
            collapse_run(&mut inlines);
        }
        silence::silence_note_references(&mut inlines, self.context.part == Part::Note);
        // `<a id="chapter1"/>` between blocks is a target, and nothing else.
        let mut anchors = Vec::new();
        collect_ids(&inlines, &mut anchors);
        self.items.extend(anchors.into_iter().map(Item::Anchor));
        if inlines.iter().all(is_blank) {
            return;
        }
        if self.context.silent {
            let (name, attributes) = ("span".to_owned(), Vec::new());
            inlines =
                vec![InlineElement { name, attributes, children: inlines, silent: true }.into()];
        }
        if !is_first {
            self.items.push(Item::Gap);
        }
        let kind = self.context.kind.unwrap_or(BlockKind::Paragraph);
        let has_lines = kind == BlockKind::Heading
            || self.context.is_verse
            || !self.context.preformatted && lines::are_verse(&inlines);
        let part = match self.context.part {
            Part::Text if kind == BlockKind::Heading => Part::Heading,
            part => part,
        };
        self.items.push(Item::Block { inlines, kind, part, has_lines });
    }
}

fn is_note(element: &Element) -> bool {
    ["footnote", "endnote", "rearnote", "note", "footnotes", "endnotes", "rearnotes"]
        .iter()
        .any(|kind| has_kind(element, kind))
        || has_class(element, &["footnote", "footnotes", "endnote", "endnotes", "rearnote"])
}

fn is_verse(element: &Element) -> bool {
    has_class(element, &["verse", "poem", "poetry", "stanza", "linegroup"])
        || ["z3998:verse", "z3998:poem", "z3998:song", "z3998:hymn", "z3998:lyrics"]
            .iter()
            .any(|kind| has_kind(element, kind))
}

fn block_kind(name: &str) -> Option<BlockKind> {
    match name {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Some(BlockKind::Heading),
        "div" | "td" | "th" | "pre" | "dt" => Some(BlockKind::Line),
        "p" | "li" | "dd" | "figcaption" | "caption" | "blockquote" => Some(BlockKind::Paragraph),
        _ => None,
    }
}

/// The beginning of an element's text: enough to tell a number from a page.
fn short_text(node: NodeRef<'_, Node>) -> String {
    let mut text = String::new();
    for piece in node.descendants().filter_map(|node| node.value().as_text()) {
        text.push_str(piece);
        if text.len() > 200 {
            break;
        }
    }
    collapse(&text)
}

fn has_container(node: NodeRef<'_, Node>, depth: usize) -> bool {
    depth > 0
        && node.children().any(|child| {
            child.value().as_element().is_some_and(|element| is_container(element.name()))
                || has_container(child, depth - 1)
        })
}

fn container_attributes(element: &Element) -> Vec<(String, String)> {
    let mut attributes = shared_attributes(element);
    let own: &[&str] = match element.name() {
        "td" | "th" => &["colspan", "rowspan"],
        "ol" => &["start", "reversed", "type"],
        "li" => &["value"],
        _ => &[],
    };
    attributes.extend(copied(element, own));
    attributes
}

/// `id`, `dir` and `lang`, which any element may have.
fn shared_attributes(element: &Element) -> Vec<(String, String)> {
    // What one element says is written again in each chapter that it stands open in.
    let fits = |(name, value): &(String, String)| match name.as_str() {
        "id" => value.len() <= MAX_ID_BYTES,
        _ => value.len() <= MAX_LANGUAGE_CHARS,
    };
    let mut attributes = copied(element, &["id", "dir", "lang"]);
    attributes.retain(fits);
    attributes
}

fn copied(element: &Element, names: &[&str]) -> Vec<(String, String)> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), attribute(element, name)?))).collect()
}

/// An attribute by its local name, so that `xml:lang` and `xlink:href` count too.
fn attribute(element: &Element, name: &str) -> Option<String> {
    let exact = element.attr(name);
    exact
        .or_else(|| {
            let suffix = [":", name].concat();
            element
                .attrs
                .iter()
                .find(|(qualified, _)| {
                    &*qualified.local == name || qualified.local.ends_with(&suffix)
                })
                .map(|(_, value)| &**value)
        })
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

fn is_blank(inline: &Inline) -> bool {
    match inline {
        Inline::Text(text) => text.trim().is_empty(),
        Inline::Element(element) if is_void(&element.name) => element.name != "img",
        Inline::Element(element) => element.children.iter().all(is_blank),
    }
}

fn collect_ids(inlines: &[Inline], ids: &mut Vec<String>) {
    for inline in inlines {
        if let Inline::Element(element) = inline {
            let id = element.attributes.iter().find(|(name, _)| name == "id");
            ids.extend(id.map(|(_, value)| value.clone()));
            collect_ids(&element.children, ids);
        }
    }
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
