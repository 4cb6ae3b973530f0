//! A parsed document: what it says and shows.

use super::letters;
use super::{BlockKind, Item};
use crate::text::markup::{Inline, InlineElement, plain_text};
use crate::text::sentence::is_speakable;

/// A document as items, with what its head says.
#[derive(Debug, Default)]
pub struct ParsedDocument {
    /// The items of its body.
    pub items: Vec<Item>,
    /// The text of `<title>`, if any.
    pub title: Option<String>,
    /// `lang` of the root element.
    pub language: Option<String>,
    /// What the document says it is: the words of `epub:type` of its body and of the section that holds all of it.
    pub kinds: Vec<String>,
}

impl ParsedDocument {
    /// The text of its blocks.
    pub fn blocks(&self) -> impl Iterator<Item = String> {
        self.items.iter().filter_map(|item| match item {
            Item::Block { inlines, .. } => Some(plain_text(inlines)),
            _ => None,
        })
    }

    /// Whether it says anything; a cover's wrapping does not.
    pub fn speaks(&self) -> bool {
        self.blocks().any(|text| is_speakable(&text))
    }

    /// The first picture, by its reference.
    pub fn first_picture(&self) -> Option<&str> {
        self.items.iter().find_map(|item| match item {
            Item::Block { inlines, .. } => first_picture(inlines),
            _ => None,
        })
    }

    /// Makes each picture of a page without text a block of its own, which says what the picture says of
    /// itself: for books of pictures.
    pub fn voice_pictures(&mut self) {
        if !self.speaks() {
            self.items =
                std::mem::take(&mut self.items).into_iter().flat_map(picture_page).collect();
        }
    }

    /// Has each picture that stands by itself, and says something of itself, be described to who wants to hear that:
    /// in books that are not of pictures. A page that is nothing but a picture stays silent.
    pub fn describe_pictures(&mut self) {
        if !self.speaks() {
            return;
        }
        for item in &mut self.items {
            if let Item::Block { inlines, kind, part, .. } = item
                && is_described_picture(inlines)
            {
                (*kind, *part) = (BlockKind::Picture, part.of_picture());
            }
        }
    }

    /// Calls `visit` with what each link of the document leads to.
    pub fn for_each_link(&self, mut visit: impl FnMut(&str)) {
        for item in &self.items {
            if let Item::Block { inlines, .. } = item {
                visit_links(inlines, &mut visit);
            }
        }
    }

    /// Calls `change` for each picture of the document.
    pub fn for_each_picture(&mut self, mut change: impl FnMut(&mut InlineElement)) {
        for item in &mut self.items {
            if let Item::Block { inlines, .. } = item {
                visit_pictures(inlines, &mut change);
            }
        }
    }
}

fn first_picture(inlines: &[Inline]) -> Option<&str> {
    inlines.iter().find_map(|inline| match inline {
        Inline::Element(element) if element.name == "img" => {
            let source = element.attributes.iter().find(|(name, _)| name == "src");
            source.map(|(_, value)| value.as_str())
        }
        Inline::Element(element) => first_picture(&element.children),
        Inline::Text(_) => None,
    })
}

fn visit_links(inlines: &[Inline], visit: &mut impl FnMut(&str)) {
    for inline in inlines {
        if let Inline::Element(element) = inline {
            let href = element.attributes.iter().find(|(name, _)| name == "href");
            if let Some((_, href)) = href {
                visit(href);
            }
            visit_links(&element.children, visit);
        }
    }
}

fn visit_pictures(inlines: &mut [Inline], change: &mut impl FnMut(&mut InlineElement)) {
    for inline in inlines {
        if let Inline::Element(element) = inline {
            if element.name == "img" {
                change(element);
            }
            visit_pictures(&mut element.children, change);
        }
    }
}

/// Whether a block is one picture that says something of itself, and nothing else.
fn is_described_picture(inlines: &[Inline]) -> bool {
    let mut pictures = Vec::new();
    collect_pictures(inlines, &mut pictures);
    let [picture] = &pictures[..] else { return false };
    let says_something = letters::alt(picture).is_some_and(letters::says_something);
    says_something && plain_text(inlines).trim().is_empty() && !has_link(inlines)
}

/// A picture that leads somewhere does that when it is tapped, and nothing of it is read.
fn has_link(inlines: &[Inline]) -> bool {
    inlines.iter().any(|inline| match inline {
        Inline::Element(element) => element.name == "a" || has_link(&element.children),
        Inline::Text(_) => false,
    })
}

/// What a page without any text shows, each picture a block of its own with what it says of itself.
fn picture_page(item: Item) -> Vec<Item> {
    let Item::Block { inlines, kind, part, has_lines } = item else { return vec![item] };
    let mut pictures = Vec::new();
    collect_pictures(&inlines, &mut pictures);
    if pictures.is_empty() {
        return vec![Item::Block { inlines, kind, part, has_lines }];
    }
    let blocks = pictures.into_iter().map(|element| {
        let said =
            letters::alt(&element).filter(|alt| letters::says_something(alt)).map(str::to_owned);
        let inline = match said {
            Some(said) => letters::with_alt_text(said, letters::without_alt(element.into())),
            None => element.into(),
        };
        Item::Block { inlines: vec![inline], kind: BlockKind::Picture, part, has_lines: false }
    });
    blocks.collect()
}

fn collect_pictures(inlines: &[Inline], pictures: &mut Vec<InlineElement>) {
    for inline in inlines {
        match inline {
            Inline::Element(element) if element.name == "img" => pictures.push(element.clone()),
            Inline::Element(element) => collect_pictures(&element.children, pictures),
            Inline::Text(_) => {}
        }
    }
}
