//! From one XHTML document of a book to a flat list of safe items.
//!
//! The walk copies what it knows and nothing else: known elements, known attributes, text. What
//! remains is a sequence of opening and closing containers with blocks between them, which can be
//! cut anywhere into chapters ([`chapters`](super::chapters)).

mod elements;
mod source;
mod white_space;

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{Html, Node};

pub use elements::MATHML;
use elements::{is_container, is_dropped, is_inline};
use source::expand_self_closing;
use white_space::collapse_run;

use crate::text::markup::{Inline, InlineElement, is_void, plain_text};

/// Deeper elements are flattened into their ancestors: no book nests so deep, and recursion here
/// and in the browser must end.
const MAX_DEPTH: usize = 128;

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
    },
    /// An element without content that separates blocks.
    Rule,
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
}

/// A document as items, with what its head says.
#[derive(Debug, Default)]
pub struct ParsedDocument {
    /// The items of its body.
    pub items: Vec<Item>,
    /// The text of `<title>`, if any.
    pub title: Option<String>,
    /// `lang` of the root element.
    pub language: Option<String>,
}

/// Parses an XHTML or HTML document; never fails, as HTML parsing never does.
pub fn parse(source: &str) -> ParsedDocument {
    let document = Html::parse_document(&expand_self_closing(source));
    let root = document.root_element();
    let mut walk = Walk { items: Vec::new(), run: Vec::new(), context: Context::default() };
    let mut title = None;
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
                walk.anchor(element.value());
                walk.children(*element, 0);
                walk.flush();
            }
            _ => {}
        }
    }
    ParsedDocument { items: walk.items, title, language: attribute(root.value(), "lang") }
}

#[derive(Clone, Copy, Default)]
struct Context {
    kind: Option<BlockKind>,
    preformatted: bool,
}

struct Walk {
    items: Vec<Item>,
    /// Inline content collected since the last block boundary.
    run: Vec<Inline>,
    context: Context,
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
            self.children(node, depth + 1);
        } else if let Some(inline) = inline(node, element, depth) {
            // Its ids are targets from the start of the block they are in.
            self.run.push(inline);
        }
    }

    fn container(&mut self, node: NodeRef<'_, Node>, element: &Element, depth: usize) {
        self.flush();
        self.anchor(element);
        self.items.push(Item::Open {
            name: element.name().to_owned(),
            attributes: container_attributes(element),
        });
        let outer = self.context;
        self.context = Context {
            kind: block_kind(element.name()).or(outer.kind),
            preformatted: outer.preformatted || element.name() == "pre",
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
        let mut inlines = std::mem::take(&mut self.run);
        if !self.context.preformatted {
            collapse_run(&mut inlines);
        }
        // `<a id="chapter1"/>` between blocks is a target, and nothing else.
        let mut anchors = Vec::new();
        collect_ids(&inlines, &mut anchors);
        self.items.extend(anchors.into_iter().map(Item::Anchor));
        if inlines.iter().all(is_blank) {
            return;
        }
        let kind = self.context.kind.unwrap_or(BlockKind::Paragraph);
        self.items.push(Item::Block { inlines, kind });
    }
}

/// An inline element and what it contains, or `None` when nothing of it is kept.
fn inline(node: NodeRef<'_, Node>, element: &Element, depth: usize) -> Option<Inline> {
    let source_name = element.name();
    if source_name == "svg" {
        return svg_image(node);
    }
    let children = if depth >= MAX_DEPTH {
        Vec::new()
    } else {
        node.children()
            .filter_map(|child| match child.value() {
                Node::Text(text) => Some(Inline::Text(text.to_string())),
                Node::Element(element) if is_dropped(element) => None,
                Node::Element(element) => inline(child, element, depth + 1),
                _ => None,
            })
            .collect()
    };
    let silent = is_silent(element, &children);
    // What a style sheet would have set apart still stands apart.
    let name = match source_name {
        "span" if silent => "small",
        name if is_inline(name) => name,
        _ => "span",
    };
    if name == "img" && attribute(element, "src").is_none() {
        return None;
    }
    Some(Inline::Element(InlineElement {
        name: name.to_owned(),
        attributes: inline_attributes(name, element),
        silent,
        children,
    }))
}

/// `<svg><image xlink:href="cover.jpg"/></svg>`, the usual wrapping of a cover, as a plain image.
fn svg_image(node: NodeRef<'_, Node>) -> Option<Inline> {
    let image = node.descendants().find_map(|node| {
        node.value().as_element().filter(|element| element.name().eq_ignore_ascii_case("image"))
    })?;
    Some(Inline::Element(InlineElement {
        name: "img".to_owned(),
        attributes: vec![
            ("src".to_owned(), attribute(image, "href")?),
            ("alt".to_owned(), String::new()),
        ],
        children: Vec::new(),
        silent: true,
    }))
}

/// Shown but not spoken: ruby readings, numbers of notes, lines and pages.
fn is_silent(element: &Element, children: &[Inline]) -> bool {
    let name = element.name();
    let epub_type = attribute(element, "epub:type").unwrap_or_default();
    let is_numeric = |text: &str| !text.chars().any(char::is_alphabetic);
    match name {
        "rt" | "rp" | "rtc" | "img" => true,
        "sup" => {
            let has_link = children
                .iter()
                .any(|child| matches!(child, Inline::Element(element) if element.name == "a"));
            has_link && is_numeric(&plain_text(children))
        }
        // `[1]` or `*` that leads to a note.
        "a" if attribute(element, "href").is_some_and(|href| href.contains('#')) => {
            is_noteref(element, &epub_type) || is_numeric(&plain_text(children))
        }
        _ => {
            is_noteref(element, &epub_type)
                || element
                    .classes()
                    .any(|class| matches!(class, "lnum" | "linenum" | "line-number" | "pagenum"))
        }
    }
}

fn is_noteref(element: &Element, epub_type: &str) -> bool {
    epub_type.split_whitespace().any(|kind| kind == "noteref")
        || attribute(element, "role").is_some_and(|role| role == "doc-noteref")
}

fn block_kind(name: &str) -> Option<BlockKind> {
    match name {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Some(BlockKind::Heading),
        "div" | "td" | "th" | "pre" | "dt" => Some(BlockKind::Line),
        "p" | "li" | "dd" | "figcaption" | "caption" | "blockquote" => Some(BlockKind::Paragraph),
        _ => None,
    }
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
        "ol" => &["start", "reversed"],
        "li" => &["value"],
        _ => &[],
    };
    attributes.extend(copied(element, own));
    attributes
}

fn inline_attributes(name: &str, element: &Element) -> Vec<(String, String)> {
    let mut attributes = shared_attributes(element);
    let own: &[&str] = match name {
        "a" => &["href"],
        "img" => &["src", "alt", "width", "height"],
        "abbr" | "dfn" => &["title"],
        "math" => &["display"],
        _ => &[],
    };
    attributes.extend(copied(element, own));
    attributes
}

/// `id`, `dir` and `lang`, which any element may have.
fn shared_attributes(element: &Element) -> Vec<(String, String)> {
    copied(element, &["id", "dir", "lang"])
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks(source: &str) -> Vec<String> {
        parse(source)
            .items
            .into_iter()
            .filter_map(|item| match item {
                Item::Block { inlines, .. } => Some(plain_text(&inlines)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn white_space_is_collapsed_across_elements() {
        assert_eq!(
            blocks("<p>  One\n  <em> two</em> <b>three</b>\n<i>four</i>. </p>"),
            ["One two three four."]
        );
        assert_eq!(blocks("<h2>I<br/>  The Start</h2>"), ["I The Start"]);
    }

    #[test]
    fn text_beside_blocks_is_a_block() {
        assert_eq!(blocks("<li>One<ul><li>two</li></ul>three</li>"), ["One", "two", "three"]);
        assert_eq!(blocks("<a href='x'><div>Inside</div></a>"), ["Inside"]);
    }

    #[test]
    fn self_closed_elements_swallow_nothing() {
        assert_eq!(
            blocks(
                "<html><head><title/></head><body><p><a id='x'/>Text</p><script src='y'/><p>more</p></body></html>"
            ),
            ["Text", "more"]
        );
    }

    #[test]
    fn what_is_not_said_is_silent() {
        assert_eq!(blocks("<p><ruby>草枕<rt>くさまくら</rt></ruby>。</p>"), ["草枕。"]);
        assert_eq!(
            blocks("<p>Word<sup><a href='#n'>12</a></sup>. x<sup>2</sup></p>"),
            ["Word. x2"]
        );
        assert_eq!(
            blocks("<p>Word<a href='#n1'>[1]</a>, and <a href='#c2'>more</a>.</p>"),
            ["Word, and more."]
        );
        assert_eq!(
            blocks(
                "<p>Word<a epub:type='noteref' href='#n'>*</a>.</p><span epub:type='pagebreak'>7</span>"
            ),
            ["Word."]
        );
    }

    #[test]
    fn scripts_handlers_and_styles_are_gone() {
        let items = parse(
            "<p onclick='x()' style='color:red' id='p'>A<script>alert(1)</script><img src='x' onerror='y()'></p>",
        )
        .items;
        let shown = format!("{items:?}");
        assert!(shown.contains("\"p\"") && shown.contains("\"src\""));
        for gone in ["onclick", "alert", "onerror", "style", "script"] {
            assert!(!shown.contains(gone), "{gone} in {shown}");
        }
    }

    #[test]
    fn an_empty_anchor_between_blocks_is_a_target() {
        let items = parse("<div><a id='c1'/><h2>One</h2></div>").items;
        assert_eq!(items[1], Item::Anchor("c1".to_owned()));
    }

    #[test]
    fn a_cover_in_svg_is_an_image() {
        let items = parse("<svg><image xlink:href='cover.jpg'/></svg>").items;
        assert!(format!("{items:?}").contains("cover.jpg"));
    }

    #[test]
    fn deep_nesting_ends() {
        let source = format!("{}deep{}", "<div><b>".repeat(20_000), "</b></div>".repeat(20_000));
        assert_eq!(blocks(&source).concat(), "deep");
    }

    proptest! {
        #[test]
        fn containers_nest_whatever_the_input(source in "(<(/?(p|div|em|a|table|td|svg|math)|!--|b/)( id='[a-z]')?>?|[a-z \"']){0,60}") {
            let mut depth = 0_i32;
            for item in parse(&source).items {
                match item {
                    Item::Open { .. } => depth += 1,
                    Item::Close => depth -= 1,
                    _ => {}
                }
                prop_assert!(depth >= 0);
            }
            prop_assert_eq!(depth, 0);
        }
    }
}
