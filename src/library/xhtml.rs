//! A typeset chapter as a document of an EPUB: what our pages show as HTML, as XML (EPUB 3.3, section 6.1), with its
//! references leading to files of the EPUB.
//!
//! Chapters are stored as `ammonia` writes them: every element closed but those that have no content, `&nbsp;` the one
//! entity that XML does not know. So they are read event by event, and as deep as they like.

mod content;
mod drawing;
mod formula;
mod references;

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};
use thiserror::Error;

use super::pictures::picture_type;
use crate::text::language::is_tag;
use crate::text::xml::allowed;
use content::{Place, Shown};

pub use references::References;
use references::picture_path;

/// What every EPUB reader shows (EPUB 3.3, section 3.2).
const PICTURES: [&str; 5] = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/svg+xml"];
/// The namespace of formulas.
const MATHML: &str = "http://www.w3.org/1998/Math/MathML";
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
    /// The pictures that it shows, by their path inside the book, each once.
    pub pictures: Vec<String>,
    /// Whether it has formulas.
    pub has_formulas: bool,
}

/// What kind of picture goes into an EPUB; nothing for what readers of EPUBs need not show, and for a drawing that does
/// more than draw.
pub fn picture_kind(bytes: &[u8]) -> Option<&'static str> {
    let kind = picture_type(bytes).filter(|kind| PICTURES.contains(kind))?;
    (kind != "image/svg+xml" || drawing::is_plain(bytes)).then_some(kind)
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
    let mut pictures = HashSet::new();
    let mut reader = reader(html);
    loop {
        match reader.read_event()? {
            Event::Start(element) | Event::Empty(element) => {
                survey.has_formulas |= element.name().as_ref() == b"math"
                    && formula::is_sound(
                        rest_of(html, &reader).split("</math>").next().unwrap_or_default(),
                    );
                for (name, value) in attributes(&element)? {
                    match name.as_str() {
                        "id" => {
                            let number = survey.anchors.len();
                            survey.anchors.entry(value).or_insert(number);
                        }
                        "src" => {
                            let path = picture_path(book, &value);
                            let path = path.filter(|path| pictures.insert(path.clone()));
                            survey.pictures.extend(path);
                        }
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
        left_out: 0,
    };
    let mut reader = reader(html);
    loop {
        let event = reader.read_event()?;
        match event {
            Event::Start(element) | Event::Empty(element) => {
                body.start(&element, rest_of(html, &reader))?;
            }
            Event::End(element) => body.end(&String::from_utf8_lossy(element.name().as_ref()))?,
            Event::Text(text) => body.text(&String::from_utf8_lossy(&text))?,
            Event::GeneralRef(entity) if &*entity == b"nbsp" => body.text("\u{a0}")?,
            Event::GeneralRef(entity) if body.left_out == 0 => {
                body.writer.write_event(Event::GeneralRef(entity))?;
            }
            Event::Eof => {
                while !body.open.is_empty() {
                    body.close()?;
                }
                return Ok(String::from_utf8_lossy(&body.writer.into_inner()).into_owned());
            }
            // Comments and instructions are none of the book's.
            _ => {}
        }
    }
}

/// What has not been read yet.
fn rest_of<'h>(html: &'h str, reader: &Reader<&[u8]>) -> &'h str {
    usize::try_from(reader.buffer_position()).ok().and_then(|at| html.get(at..)).unwrap_or_default()
}

/// An element that stands open, as it was written.
struct Open {
    /// Nothing when only what is in it is written.
    name: String,
    /// What was written around it.
    around: &'static [&'static str],
    is_in_text: bool,
    has_caption: bool,
    has_rows: bool,
}

struct Body<'a> {
    writer: Writer<Vec<u8>>,
    references: &'a References<'a>,
    /// Ids that are taken.
    seen: HashSet<String>,
    open: Vec<Open>,
    /// How many elements stand open that are left out with all that is in them.
    left_out: usize,
}

impl Body<'_> {
    fn text(&mut self, text: &str) -> Result<(), XhtmlError> {
        if self.left_out > 0 {
            return Ok(());
        }
        Ok(self.writer.write_event(Event::Text(BytesText::new(&allowed(text))))?)
    }

    fn end(&mut self, name: &str) -> Result<(), XhtmlError> {
        if content::is_void(name) {
            return Ok(());
        }
        if self.left_out > 0 {
            self.left_out -= 1;
            return Ok(());
        }
        self.close()
    }

    fn close(&mut self) -> Result<(), XhtmlError> {
        let Some(Open { name, around, .. }) = self.open.pop() else { return Ok(()) };
        if !name.is_empty() {
            self.writer.write_event(Event::End(BytesEnd::new(name)))?;
        }
        for name in around.iter().rev() {
            self.writer.write_event(Event::End(BytesEnd::new(*name)))?;
        }
        Ok(())
    }

    /// Where the next element stands.
    fn place(&self) -> Place<'_> {
        let parent = self.open.iter().rev().find(|open| !open.name.is_empty());
        parent.map_or_else(Place::default, |open| Place {
            parent: &open.name,
            is_in_text: open.is_in_text,
            has_caption: open.has_caption,
            has_rows: open.has_rows,
        })
    }

    fn start(&mut self, element: &BytesStart<'_>, rest: &str) -> Result<(), XhtmlError> {
        let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
        let is_void = content::is_void(&name);
        let formula = rest.split("</math>").next().filter(|_| name == "math");
        // What stands for those who see no ruby, and a formula that is none.
        let is_left_out =
            name == "rp" || formula.is_some_and(|formula| !formula::is_sound(formula));
        if self.left_out > 0 || is_left_out {
            if let Some(formula) = formula.filter(|_| self.left_out == 0) {
                self.text(&plain_text(formula))?;
            }
            self.left_out += usize::from(!is_void);
            return Ok(());
        }
        let attributes = attributes(element)?;
        let has_direction = attributes.iter().any(|(name, _)| name == "dir");
        let place = self.place();
        let mut shown = match name.as_str() {
            name if super::html::MATHML.contains(&name) => Shown { name, around: &[] },
            name => content::shown(name, place, has_direction),
        };
        if shown.name == "ruby" && !content::has_reading(rest) {
            shown.name = "span";
        }
        let is_in_text = content::holds_text(shown.name, place);
        let is_block = place.is_in_text && shown.name == "span" && content::is_block(&name);
        let is_numbered = place.parent == "ol";
        let (mut written, source) = self.written((&name, is_numbered), &attributes);
        if is_block && !written.iter().any(|(name, _)| *name == "class") {
            written.push(("class", "block".to_owned()));
        }
        match (name.as_str(), source) {
            ("math", _) => written.push(("xmlns", MATHML.to_owned())),
            ("img", Some(source)) => {
                written.push(("src", source));
                if !written.iter().any(|(name, _)| *name == "alt") {
                    written.push(("alt", String::new()));
                }
            }
            // A picture that is not there is what it says.
            ("img", None) => return self.described(written),
            _ => {}
        }
        self.note_in_table(shown.name);
        for name in shown.around {
            self.writer.write_event(Event::Start(BytesStart::new(*name)))?;
        }
        let mut start = BytesStart::new(shown.name);
        for (attribute, value) in &written {
            start.push_attribute((*attribute, value.as_str()));
        }
        let around = shown.around;
        if is_void && !shown.name.is_empty() {
            self.writer.write_event(Event::Empty(start))?;
            for name in around.iter().rev() {
                self.writer.write_event(Event::End(BytesEnd::new(*name)))?;
            }
        } else if !is_void {
            let name = shown.name.to_owned();
            if !name.is_empty() {
                self.writer.write_event(Event::Start(start))?;
            }
            let (has_caption, has_rows) = (false, false);
            self.open.push(Open { name, around, is_in_text, has_caption, has_rows });
        }
        Ok(())
    }

    /// Remembers of a table what it has.
    fn note_in_table(&mut self, name: &str) {
        if let Some(table) = self.open.iter_mut().rev().find(|open| !open.name.is_empty()) {
            table.has_caption |= name == "caption";
            table.has_rows |= ["tbody", "thead", "tr", "td"].contains(&name);
        }
    }

    /// Writes what a picture shows, in words, in its place.
    fn described(&mut self, written: Vec<(&'static str, String)>) -> Result<(), XhtmlError> {
        let value =
            |wanted| written.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
        let mut start = BytesStart::new("span");
        // Whatever leads there is led to the words.
        start.extend_attributes(value("id").map(|id| ("id", id.as_str())));
        let alt = value("alt").cloned().unwrap_or_default();
        self.writer.write_event(Event::Start(start))?;
        self.text(&alt)?;
        Ok(self.writer.write_event(Event::End(BytesEnd::new("span")))?)
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
                "lang" if is_tag(value) => {
                    written.push(("lang", value.clone()));
                    written.push(("xml:lang", value.clone()));
                }
                "reversed" if element == "ol" => written.push(("reversed", String::new())),
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
        ("img", "alt") | (_, "class" | "data-look" | "data-part" | "title") => true,
        (_, "dir") => ["ltr", "rtl", "auto"].contains(&value),
        ("img", "width" | "height") | ("td" | "th", "colspan" | "rowspan") => is_number(),
        ("th", "scope") => ["row", "col", "rowgroup", "colgroup"].contains(&value),
        ("ol", "start") | ("li", "value") => value.parse::<i32>().is_ok(),
        ("ol", "type") => ["1", "a", "A", "i", "I"].contains(&value),
        ("math", "display") => ["block", "inline"].contains(&value),
        _ => false,
    };
    let names = [
        "alt",
        "class",
        "colspan",
        "data-look",
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

/// The text of some markup.
fn plain_text(html: &str) -> String {
    let mut text = String::new();
    let mut reader = reader(html);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Text(part) => text.push_str(&String::from_utf8_lossy(&part)),
            Event::GeneralRef(entity) => text.push_str(match &*entity {
                b"lt" => "<",
                b"gt" => ">",
                b"amp" => "&",
                _ => " ",
            }),
            Event::Eof => break,
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
            (
                "<table><tbody><tr><td align=\"left\" colspan=\"2\">x</td></tr></tbody></table>",
                "<table><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>",
            ),
            (
                "<table><tbody><tr><td>x</td></tr></tbody><caption>y</caption></table>",
                "<table><tbody><tr><td>x</td></tr></tbody><tbody><tr><td>y</td></tr></tbody></table>",
            ),
            (
                "<table><tr><td>x</td></tr></table>",
                "<table><tbody><tr><td>x</td></tr></tbody></table>",
            ),
            ("<td>x</td>", "<div>x</div>"),
            (
                "<h1><div>x</div><ul><li>y</li></ul></h1>",
                "<h1><span class=\"block\">x</span><span class=\"block\"><span class=\"block\">y</span></span></h1>",
            ),
            (
                "<ruby>x<rp>(</rp><rt>y</rt><rp>)</rp></ruby><ruby>z</ruby>",
                "<ruby>x<rt>y</rt></ruby><span>z</span>",
            ),
            ("<math><msup><mi>x</mi></msup>&lt;</math>!", "x&lt;!"),
            ("<ol reversed=\"x\"><li>x</li></ol>", "<ol reversed=\"\"><li>x</li></ol>"),
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
            ("<img src=\"/books/b/files/gone.png\" alt=\"A &amp; b\">", "<span>A &amp; b</span>"),
            ("<img id=\"d0-p\" src=\"gone.png\" alt=\"A\">", "<span id=\"a0\">A</span>"),
            (
                "<a href=\"https://a.example/b|c\">x</a>",
                "<a href=\"https://a.example/b%7Cc\">x</a>",
            ),
            ("<a href=\"mailto:a b@c\">x</a>", "<a href=\"mailto:a%20b@c\">x</a>"),
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
