//! One chapter as a page and as sentences.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Parsed, chapter_of};
use crate::library::html::{BlockKind, Item, MATHML};
use crate::library::manuscript::Manuscript;
use crate::text::language::LanguageRules;
use crate::text::markup::{self, Inline, InlineElement};
use crate::text::sentence::{limit_length, split_sentences};

/// A chapter, ready to be shown and spoken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// From the table of contents, else its first heading.
    pub title: String,
    /// Sanitised HTML with sentence `n` in spans with `data-s="n"`.
    pub html: String,
    /// Its sentences in reading order; the index of a sentence is its place here.
    pub sentences: Vec<Sentence>,
}

impl Chapter {
    /// Characters of all its sentences.
    pub fn characters(&self) -> usize {
        self.sentences.iter().map(|sentence| sentence.text.chars().count()).sum()
    }
}

/// What is highlighted and spoken as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// As shown, without silent marks.
    pub text: String,
    /// The pause after it.
    pub pause: Pause,
}

/// How long the voice rests after a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Within a sentence that was cut for length.
    Clause,
    /// Between sentences of a block.
    Sentence,
    /// After a verse line or table cell.
    Line,
    /// After a paragraph.
    Paragraph,
    /// After a heading.
    Heading,
    /// At the end of the chapter.
    Chapter,
}

/// Where references inside the book lead.
pub(super) struct Links<'b> {
    book_id: &'b str,
    parsed: &'b Parsed,
    ranges: &'b [Range<usize>],
    document_paths: Vec<&'b str>,
    files: HashSet<&'b str>,
}

impl<'b> Links<'b> {
    pub(super) fn new(
        book_id: &'b str,
        manuscript: &'b Manuscript,
        parsed: &'b Parsed,
        ranges: &'b [Range<usize>],
    ) -> Self {
        Self {
            book_id,
            parsed,
            ranges,
            document_paths: manuscript.documents.iter().map(|doc| doc.path.as_str()).collect(),
            files: manuscript.files.iter().map(|file| file.path.as_str()).collect(),
        }
    }

    /// The address of an image, if the book has it.
    fn image(&self, document: usize, source: &str) -> Option<String> {
        let path = resolve_path(self.document_paths[document], source);
        self.files
            .contains(path.as_str())
            .then(|| format!("/books/{}/files/{}", self.book_id, encode_path(&path)))
    }

    /// The address a link leads to; `None` for what is not in the book and not on the web.
    fn target(&self, document: usize, chapter: u32, href: &str) -> Option<String> {
        if let Some((scheme, _)) = href.split_once(':') {
            let scheme = scheme.to_ascii_lowercase();
            return matches!(scheme.as_str(), "http" | "https" | "mailto").then(|| href.to_owned());
        }
        let (path, fragment) = match href.split_once('#') {
            Some((path, fragment)) => (path, Some(decode(fragment))),
            None => (href, None),
        };
        let target = if path.is_empty() {
            document
        } else {
            let path = resolve_path(self.document_paths[document], path);
            *self.parsed.documents.get(&path)?
        };
        let anchor = fragment.map(|id| (target, id));
        let at = anchor.as_ref().and_then(|anchor| self.parsed.anchors.get(anchor).copied());
        let to = chapter_of(self.ranges, at.unwrap_or(self.parsed.document_starts[target])) as u32;
        let id = anchor
            .filter(|_| at.is_some())
            .map(|(document, id)| format!("#{}", page_id(document, &id)))
            .unwrap_or_default();
        Some(if to == chapter && !id.is_empty() {
            id
        } else {
            format!("/read/{}/{to}{id}", self.book_id)
        })
    }
}

/// The id an element of a book's document has on our page: unique over the documents of a chapter,
/// and never one of the page's own.
pub(super) fn page_id(document: usize, id: &str) -> String {
    format!("d{document}-{}", id.replace(char::is_whitespace, "_"))
}

/// Typesets the items of one chapter.
pub(super) fn chapter(
    book: &Parsed,
    range: Range<usize>,
    number: u32,
    title: String,
    links: &Links<'_>,
    language: &str,
) -> Chapter {
    let mut setter = Typesetter {
        links,
        number,
        rules: LanguageRules::for_tag(language),
        open: Vec::new(),
        html: String::new(),
        sentences: Vec::new(),
    };
    // Containers that opened in an earlier chapter and still stand open here.
    for (document, item) in containers_open_at(book, range.start) {
        setter.item(document, item);
    }
    for (document, item) in &book.items[range] {
        setter.item(*document, item);
    }
    while let Some(name) = setter.open.pop() {
        setter.end_tag(&name);
    }
    if let Some(last) = setter.sentences.last_mut() {
        last.pause = Pause::Chapter;
    }
    Chapter { title, html: sanitise(&setter.html), sentences: setter.sentences }
}

fn containers_open_at(book: &Parsed, at: usize) -> Vec<(usize, &Item)> {
    let document = book.document_starts.partition_point(|start| *start <= at).saturating_sub(1);
    let start = book.document_starts.get(document).copied().unwrap_or(0);
    let mut open = Vec::new();
    for (document, item) in &book.items[start..at] {
        match item {
            Item::Open { .. } => open.push((*document, item)),
            Item::Close => drop(open.pop()),
            _ => {}
        }
    }
    open
}

struct Typesetter<'b> {
    links: &'b Links<'b>,
    number: u32,
    rules: &'static LanguageRules,
    /// Names of open containers.
    open: Vec<String>,
    html: String,
    sentences: Vec<Sentence>,
}

impl Typesetter<'_> {
    fn item(&mut self, document: usize, item: &Item) {
        match item {
            Item::Open { name, attributes } => {
                let attributes = self.page_attributes(document, attributes);
                markup::start_tag(name, &attributes, &mut self.html);
                self.open.push(name.clone());
            }
            // A close without its open belongs to a container of the chapter before.
            Item::Close => {
                if let Some(name) = self.open.pop() {
                    self.end_tag(&name);
                }
            }
            // Ids are written with their elements; anchors only say where they are.
            Item::Anchor(_) => {}
            Item::Rule => self.html.push_str("<hr>"),
            Item::Block { inlines, kind } => self.block(document, inlines, *kind),
        }
    }

    fn block(&mut self, document: usize, inlines: &[Inline], kind: BlockKind) {
        let inlines = self.page_inlines(document, inlines);
        // Same bytes, so ranges hold for the text shown (preformatted text keeps its lines).
        let text = markup::plain_text(&inlines).replace(['\n', '\t', '\r'], " ");
        // A picture and a space that does not break have nothing to highlight.
        let spoken = if text.trim().is_empty() { "" } else { &text };
        let whole = split_sentences(spoken, self.rules);
        let ends: HashSet<usize> = whole.iter().map(|sentence| sentence.end).collect();
        let ranges = limit_length(&text, whole);
        let first = self.sentences.len() as u32;
        markup::render(&inlines, &ranges, first, &mut self.html);
        self.sentences.extend(ranges.iter().map(|range| Sentence {
            text: text[range.clone()].trim().to_owned(),
            pause: if range.end == text.len() {
                pause_after(kind)
            } else if ends.contains(&range.end) {
                Pause::Sentence
            } else {
                Pause::Clause
            },
        }));
    }

    /// A copy of a block's content with references that work on our page.
    fn page_inlines(&self, document: usize, inlines: &[Inline]) -> Vec<Inline> {
        inlines
            .iter()
            .filter_map(|inline| match inline {
                Inline::Text(text) => Some(Inline::Text(text.clone())),
                Inline::Element(element) => {
                    let attributes = self.page_attributes(document, &element.attributes);
                    let is_lost_image =
                        element.name == "img" && !attributes.iter().any(|(name, _)| name == "src");
                    (!is_lost_image).then(|| {
                        Inline::Element(InlineElement {
                            name: element.name.clone(),
                            attributes,
                            children: self.page_inlines(document, &element.children),
                            silent: element.silent,
                        })
                    })
                }
            })
            .collect()
    }

    fn page_attributes(
        &self,
        document: usize,
        attributes: &[(String, String)],
    ) -> Vec<(String, String)> {
        attributes
            .iter()
            .filter_map(|(name, value)| {
                let value = match name.as_str() {
                    "id" => page_id(document, value),
                    "href" => self.links.target(document, self.number, value)?,
                    "src" => self.links.image(document, value)?,
                    _ => value.clone(),
                };
                Some((name.clone(), value))
            })
            .collect()
    }

    fn end_tag(&mut self, name: &str) {
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
    }
}

fn pause_after(kind: BlockKind) -> Pause {
    match kind {
        BlockKind::Heading => Pause::Heading,
        BlockKind::Paragraph => Pause::Paragraph,
        BlockKind::Line => Pause::Line,
    }
}

/// The walk has copied only what it knows; this is the second lock on the door, by the library
/// whose whole task it is.
fn sanitise(html: &str) -> String {
    static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
        let mut cleaner = ammonia::Builder::default();
        cleaner
            .add_tags([
                "section",
                "main",
                "address",
                "nav",
                "figure",
                "figcaption",
                "aside",
                "header",
                "footer",
                "article",
                "rb",
                "rtc",
            ])
            .add_tags(MATHML)
            .add_generic_attributes(["id", "data-s", "dir", "lang"])
            .add_tag_attributes("ol", ["reversed"])
            .add_tag_attributes("li", ["value"])
            .add_tag_attributes("math", ["display"])
            .url_schemes(["http", "https", "mailto"].into())
            .link_rel(Some("noopener noreferrer"))
            .set_tag_attribute_value("img", "loading", "lazy");
        cleaner
    });
    CLEANER.clean(html).to_string()
}

/// Resolves a reference against the path of the document it stands in.
pub(in crate::library) fn resolve_path(document: &str, reference: &str) -> String {
    let reference = reference.split(['#', '?']).next().unwrap_or_default();
    let reference = decode(reference);
    let mut parts: Vec<&str> = if reference.starts_with('/') {
        Vec::new()
    } else {
        document.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect()
    };
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A path inside a book as it stands in an address.
pub fn encode_path(path: &str) -> String {
    const RESERVED: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    percent_encoding::utf8_percent_encode(path, RESERVED).to_string()
}
