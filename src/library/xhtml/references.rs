//! Where references of a chapter lead in an EPUB.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{Survey, document_name};
use crate::library::paths::decode;

/// What no address has, as it is (RFC 3986, section 2).
const NOT_IN_ADDRESSES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

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

impl References<'_> {
    pub(super) fn anchor(&self, chapter: u32, id: &str) -> Option<String> {
        let number = self.chapters.get(&chapter)?.anchors.get(id)?;
        Some(format!("a{number}"))
    }

    /// Where a link of our page leads; `None` for what is not in the EPUB.
    pub(super) fn link(&self, href: &str) -> Option<String> {
        if let Some(id) = href.strip_prefix('#') {
            return Some(format!("#{}", self.anchor(self.chapter, id)?));
        }
        let Some(inside) = href.strip_prefix("/read/") else {
            let is_outside = ["http://", "https://", "mailto:"];
            // What no parser of addresses takes is no link.
            let is_address = reqwest::Url::parse(href);
            let is_outside = is_outside.iter().any(|scheme| href.starts_with(scheme));
            let address = is_address.ok().filter(|_| is_outside)?;
            return Some(utf8_percent_encode(address.as_str(), NOT_IN_ADDRESSES).to_string());
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

    pub(super) fn picture(&self, source: &str) -> Option<String> {
        self.pictures.get(&picture_path(self.book, source)?).cloned()
    }
}

/// The path inside the book of a picture that our page shows.
pub(super) fn picture_path(book: &str, source: &str) -> Option<String> {
    let path = source.strip_prefix("/books/")?.strip_prefix(book)?.strip_prefix("/files/")?;
    Some(decode(path))
}
