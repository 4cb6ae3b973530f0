//! A typeset chapter as a document of an EPUB: what our pages show as HTML, as XML (EPUB 3.3, section 6.1), with its
//! references leading to files of the EPUB.
//!
//! Chapters are stored as `ammonia` writes them: every element closed but those that have no content, `&nbsp;` the one
//! entity that XML does not know. So they are read event by event, and as deep as they like.

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};
use thiserror::Error;

use super::paths::decode;
use crate::text::xml::allowed;

/// What no EPUB reader has to show as a picture is not among these (EPUB 3.3, section 3.2).
pub const PICTURES: [&str; 5] =
    ["image/jpeg", "image/png", "image/gif", "image/webp", "image/svg+xml"];
/// The namespace of formulas.
const MATHML: &str = "http://www.w3.org/1998/Math/MathML";
/// Elements without content (HTML, section 13.1.2), as far as chapters have them.
const VOID: [&str; 5] = ["br", "hr", "img", "wbr", "col"];
/// Lists, in which nothing but items may stand.
const LISTS: [&str; 2] = ["ul", "ol"];

/// A chapter cannot be written as XML.
#[derive(Debug, Error)]
pub enum XhtmlError {
    /// What is stored is not as it was written.
    #[error("a chapter cannot be read: {0}")]
    Read(#[from] quick_xml::Error),
    /// One of its attributes.
    #[error("a chapter cannot be read: {0}")]
    Attribute(#[from] quick_xml::events::attributes::AttrError),
    /// Writing to memory.
    #[error("a chapter cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// What other chapters and the package have to know of one.
#[derive(Debug, Default)]
pub struct Survey {
    /// Its elements that have an id, with the number of each in the document.
    anchors: HashMap<String, usize>,
    /// The pictures that it shows, by their path inside the book.
    pub pictures: Vec<String>,
    /// Whether it has formulas.
    pub has_formulas: bool,
}

/// Where references of a chapter lead.
#[derive(Debug)]
pub struct References<'a> {
    /// The book, as its id is in addresses.
    pub book: &'a str,
    /// The chapter's number.
    pub chapter: u32,
    /// The chapters of the EPUB by number, with what each has.
    pub chapters: &'a HashMap<u32, Survey>,
    /// The pictures of the EPUB: the path inside the book, and the name of the file.
    pub pictures: &'a HashMap<String, String>,
}

/// The name of a chapter's document.
pub fn document_name(chapter: u32) -> String {
    format!("c{chapter:04}.xhtml")
}

/// The id of a sentence in its chapter's document.
pub fn sentence_id(sentence: usize) -> String {
    format!("s{sentence}")
}

/// Looks at what a chapter has.
///
/// # Errors
/// When it is not as it was stored.
pub fn survey(book: &str, html: &str) -> Result<Survey, XhtmlError> {
    let mut survey = Survey::default();
    let mut reader = reader(html);
    loop {
        match reader.read_event()? {
            Event::Start(element) | Event::Empty(element) => {
                survey.has_formulas |= element.name().as_ref() == b"math";
                for (name, value) in attributes(&element)? {
                    match name.as_str() {
                        "id" => {
                            let number = survey.anchors.len();
                            survey.anchors.entry(value).or_insert(number);
                        }
                        "src" => survey.pictures.extend(picture_path(book, &value)),
                        _ => {}
                    }
                }
            }
            Event::Eof => return Ok(survey),
            _ => {}
        }
    }
}

/// The content of a chapter's document: what stands in its body. Sentence `n` has the id [`sentence_id`] of `n`, where
/// it begins.
///
/// # Errors
/// When the chapter is not as it was stored.
pub fn body(html: &str, references: &References<'_>) -> Result<String, XhtmlError> {
    let mut body = Body {
        writer: Writer::new(Vec::with_capacity(html.len() + html.len() / 4)),
        references,
        seen: HashSet::new(),
        open: Vec::new(),
    };
    let mut reader = reader(html);
    loop {
        match reader.read_event()? {
            Event::Start(element) | Event::Empty(element) => body.start(&element)?,
            Event::End(element) if !is_void(element.name().as_ref()) => body.end()?,
            Event::Text(text) => body.text(&String::from_utf8_lossy(&text))?,
            Event::GeneralRef(entity) if &*entity == b"nbsp" => body.text("\u{a0}")?,
            Event::GeneralRef(entity) => body.writer.write_event(Event::GeneralRef(entity))?,
            Event::Eof => {
                while !body.open.is_empty() {
                    body.end()?;
                }
                return Ok(String::from_utf8_lossy(&body.writer.into_inner()).into_owned());
            }
            // Comments and instructions are none of the book's.
            _ => {}
        }
    }
}

/// An element that stands open, as it was written.
struct Open {
    name: String,
    /// Whether an item of a list was written around it.
    is_wrapped: bool,
}

struct Body<'a> {
    writer: Writer<Vec<u8>>,
    references: &'a References<'a>,
    /// Ids that are taken.
    seen: HashSet<String>,
    open: Vec<Open>,
}

impl Body<'_> {
    fn text(&mut self, text: &str) -> Result<(), XhtmlError> {
        Ok(self.writer.write_event(Event::Text(BytesText::new(&allowed(text))))?)
    }

    fn end(&mut self) -> Result<(), XhtmlError> {
        let Some(Open { name, is_wrapped }) = self.open.pop() else { return Ok(()) };
        self.writer.write_event(Event::End(BytesEnd::new(name)))?;
        if is_wrapped {
            self.writer.write_event(Event::End(BytesEnd::new("li")))?;
        }
        Ok(())
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), XhtmlError> {
        let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
        let attributes = attributes(element)?;
        let parent = self.open.last().map_or("", |open| open.name.as_str());
        let is_in_list = LISTS.contains(&parent);
        let shown = shown_as(&name, is_in_list, attributes.iter().any(|(name, _)| name == "dir"));
        let (mut written, source) = self.written((&name, parent == "ol"), &attributes);
        match (name.as_str(), source) {
            ("math", _) => written.push(("xmlns", MATHML.to_owned())),
            ("img", Some(source)) => {
                written.push(("src", source));
                if !written.iter().any(|(name, _)| *name == "alt") {
                    written.push(("alt", String::new()));
                }
            }
            // A picture that is not there is what it says.
            ("img", None) => {
                let alt = written.into_iter().find(|(name, _)| *name == "alt");
                return self.text(&alt.map(|(_, alt)| alt).unwrap_or_default());
            }
            _ => {}
        }
        let is_wrapped = is_in_list && shown != "li";
        if is_wrapped {
            self.writer.write_event(Event::Start(BytesStart::new("li")))?;
        }
        let mut start = BytesStart::new(shown);
        for (attribute, value) in &written {
            start.push_attribute((*attribute, value.as_str()));
        }
        if !is_void(name.as_bytes()) {
            self.open.push(Open { name: shown.to_owned(), is_wrapped });
            return Ok(self.writer.write_event(Event::Start(start))?);
        }
        self.writer.write_event(Event::Empty(start))?;
        if is_wrapped {
            self.writer.write_event(Event::End(BytesEnd::new("li")))?;
        }
        Ok(())
    }

    /// The attributes that an element keeps, and the picture that it shows.
    fn written(
        &mut self,
        (element, is_numbered): (&str, bool),
        attributes: &[(String, String)],
    ) -> (Vec<(&'static str, String)>, Option<String>) {
        let (mut written, mut source) = (Vec::new(), None);
        let of_sentence = attributes.iter().find(|(name, _)| name == "data-s");
        let mut id = of_sentence.and_then(|(_, value)| value.parse().ok()).map(sentence_id);
        for (attribute, value) in attributes {
            match attribute.as_str() {
                "id" if id.is_none() => {
                    id = self.references.anchor(self.references.chapter, value);
                }
                "href" => written.extend(self.references.link(value).map(|link| ("href", link))),
                "src" => source = self.references.picture(value),
                "lang" if is_language(value) => {
                    written.push(("lang", value.clone()));
                    written.push(("xml:lang", value.clone()));
                }
                // Its number in the list, which only those in a numbered list have.
                "value" if !is_numbered => {}
                name => written.extend(
                    kept(element, name, value).map(|name| (name, allowed(value).into_owned())),
                ),
            }
        }
        // The first place of a name is the one that is meant.
        if let Some(id) = id
            && self.seen.insert(id.clone())
        {
            written.push(("id", id));
        }
        (written, source)
    }
}

/// An attribute that chapters and EPUBs both have, with a value that both take (HTML, by its elements).
fn kept(element: &str, name: &str, value: &str) -> Option<&'static str> {
    let is_number = || value.parse::<u32>().is_ok_and(|number| number > 0);
    let is_good = match (element, name) {
        ("img", "alt") | (_, "class" | "data-part" | "title") => true,
        (_, "dir") => ["ltr", "rtl", "auto"].contains(&value),
        ("img", "width" | "height") | ("td" | "th", "colspan" | "rowspan") => is_number(),
        ("col" | "colgroup", "span") => is_number(),
        ("th", "scope") => ["row", "col", "rowgroup", "colgroup"].contains(&value),
        ("ol", "start") | ("li", "value") => value.parse::<i32>().is_ok(),
        ("ol", "reversed") => true,
        ("ol", "type") => ["1", "a", "A", "i", "I"].contains(&value),
        ("math", "display") => ["block", "inline"].contains(&value),
        _ => false,
    };
    let names = [
        "alt",
        "class",
        "colspan",
        "data-part",
        "dir",
        "display",
        "height",
        "reversed",
        "rowspan",
        "scope",
        "span",
        "start",
        "title",
        "type",
        "value",
        "width",
    ];
    names.into_iter().find(|known| is_good && *known == name)
}

/// Whether XML takes a text as a language (BCP 47, as far as its form goes).
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|letter| letter.is_ascii_alphanumeric())
    };
    parts
        .next()
        .is_some_and(|first| is_part(first) && first.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(is_part)
}

impl References<'_> {
    fn anchor(&self, chapter: u32, id: &str) -> Option<String> {
        let number = self.chapters.get(&chapter)?.anchors.get(id)?;
        Some(format!("a{number}"))
    }

    /// Where a link of our page leads; `None` for what is not in the EPUB.
    fn link(&self, href: &str) -> Option<String> {
        if let Some(id) = href.strip_prefix('#') {
            return Some(format!("#{}", self.anchor(self.chapter, id)?));
        }
        let Some(inside) = href.strip_prefix("/read/") else {
            let is_outside = ["http://", "https://", "mailto:"];
            // What no parser of addresses takes is no link.
            let is_address = reqwest::Url::parse(href);
            return is_outside
                .iter()
                .find(|scheme| href.starts_with(**scheme))
                .and(is_address.ok())
                .map(String::from);
        };
        let chapter = inside.strip_prefix(self.book)?.strip_prefix('/')?;
        let (chapter, id) = chapter.split_once('#').unwrap_or((chapter, ""));
        let chapter = chapter.parse().ok()?;
        self.chapters.get(&chapter)?;
        let document = document_name(chapter);
        Some(match self.anchor(chapter, id) {
            Some(id) => format!("{document}#{id}"),
            None => document,
        })
    }

    fn picture(&self, source: &str) -> Option<String> {
        self.pictures.get(&picture_path(self.book, source)?).cloned()
    }
}

/// The path inside the book of a picture that our page shows.
fn picture_path(book: &str, source: &str) -> Option<String> {
    let path = source.strip_prefix("/books/")?.strip_prefix(book)?.strip_prefix("/files/")?;
    Some(decode(path))
}

/// What HTML has no more is what it looked like, and what has to stand in a certain place, as books do not put it, is
/// something that stands everywhere.
fn shown_as(name: &str, is_in_list: bool, has_direction: bool) -> &str {
    match name {
        "acronym" => "abbr",
        "big" | "rb" | "rtc" | "time" => "span",
        "bdo" if !has_direction => "span",
        "dfn" => "i",
        "strike" => "s",
        "tt" => "code",
        "li" if !is_in_list => "div",
        "address" | "center" | "dd" | "dl" | "dt" | "figcaption" | "figure" | "footer"
        | "header" | "hgroup" | "main" => "div",
        name => name,
    }
}

fn is_void(name: &[u8]) -> bool {
    VOID.iter().any(|void| void.as_bytes() == name)
}

fn reader(html: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(html);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    reader
}

fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, XhtmlError> {
    let mut attributes = Vec::new();
    for attribute in element.html_attributes().with_checks(false) {
        let attribute = attribute?;
        let raw = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&raw).map_or_else(|_| raw.to_string(), Into::into);
        attributes.push((String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value));
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(html: &str) -> String {
        let chapters = HashMap::from([
            (1, survey("b", html).unwrap()),
            (2, survey("b", "<p id=\"x\">Two</p>").unwrap()),
        ]);
        let pictures = HashMap::from([("a b.png".to_owned(), "p0001.png".to_owned())]);
        let references =
            References { book: "b", chapter: 1, chapters: &chapters, pictures: &pictures };
        body(html, &references).unwrap()
    }

    #[test]
    fn html_becomes_xml() {
        for (html, xml) in [
            ("a&nbsp;b<br>&amp;&lt;", "a\u{a0}b<br/>&amp;&lt;"),
            ("<center>x<tt>y</tt></center>", "<div>x<code>y</code></div>"),
            ("<td align=\"left\" colspan=\"2\">x</td>", "<td colspan=\"2\">x</td>"),
            ("<p lang=\"fr\">x</p>", "<p lang=\"fr\" xml:lang=\"fr\">x</p>"),
            (
                "<math><mi>x</mi></math>",
                "<math xmlns=\"http://www.w3.org/1998/Math/MathML\"><mi>x</mi></math>",
            ),
            (
                "<i data-x=\"1\" title=\"a &amp; &quot;b&quot;\">x</i>",
                "<i title=\"a &amp; &quot;b&quot;\">x</i>",
            ),
        ] {
            assert_eq!(written(html), xml, "{html}");
        }
    }

    #[test]
    fn references_lead_into_the_book() {
        for (html, xml) in [
            ("<a href=\"/read/b/2#x\">x</a>", "<a href=\"c0002.xhtml#a0\">x</a>"),
            ("<a href=\"/read/b/2#y\">x</a>", "<a href=\"c0002.xhtml\">x</a>"),
            ("<a href=\"/read/b/9\">x</a>", "<a>x</a>"),
            ("<a href=\"/read/c/2\">x</a>", "<a>x</a>"),
            (
                "<a href=\"#d0-z\">x</a><i id=\"d0-z\"></i>",
                "<a href=\"#a0\">x</a><i id=\"a0\"></i>",
            ),
            (
                "<a href=\"https://a.example/b c\">x</a>",
                "<a href=\"https://a.example/b%20c\">x</a>",
            ),
            ("<a href=\"javascript:x()\">x</a>", "<a>x</a>"),
            ("<img src=\"/books/b/files/a%20b.png\">", "<img src=\"p0001.png\" alt=\"\"/>"),
            ("<img src=\"/books/b/files/gone.png\" alt=\"A &amp; b\">", "A &amp; b"),
        ] {
            assert_eq!(written(html), xml, "{html}");
        }
    }

    #[test]
    fn a_sentence_is_named_where_it_begins() {
        let html = "<span id=\"s3\" data-s=\"3\">One</span> <span data-s=\"3\">more</span>";
        assert_eq!(written(html), "<span id=\"s3\">One</span> <span>more</span>");
    }
}
