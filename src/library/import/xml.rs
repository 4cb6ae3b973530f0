//! XML as it is found in books: package documents and tables of contents.
//!
//! A book must not be lost for a bare `&` or an element that is not closed, so nothing here fails: what
//! can be read is returned. The tree is shallow ([`MAX_XML_DEPTH`]) and bounded ([`MAX_XML_ELEMENTS`]),
//! whatever the file says.

use quick_xml::Reader;
use quick_xml::escape::resolve_html5_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::library::import::limits::{MAX_XML_DEPTH, MAX_XML_ELEMENTS};

/// An element with what it holds.
#[derive(Debug, Default)]
pub struct Element {
    /// Lower-case local name: `creator` of `dc:creator`.
    pub name: String,
    /// Lower-case local names and values.
    attributes: Vec<(String, String)>,
    /// Elements in it.
    pub children: Vec<Element>,
    /// All text in it, also that of its children, in order.
    pub text: String,
}

impl Element {
    /// An attribute by its local name, without white space around it.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a word is among those of an attribute, such as `toc` in `epub:type`.
    pub fn has_word(&self, attribute: &str, word: &str) -> bool {
        self.attribute(attribute)
            .is_some_and(|words| words.split_whitespace().any(|known| known == word))
    }

    /// The text in it, less that of children of these names.
    pub fn own_text(&self, without: &[&str]) -> String {
        let mut text = self.text.clone();
        for child in self.children.iter().filter(|child| without.contains(&child.name.as_str())) {
            // The text of a child is a part of its parent's.
            if let Some(at) = text.rfind(&child.text).filter(|_| !child.text.is_empty()) {
                text.replace_range(at..at + child.text.len(), "");
            }
        }
        text
    }

    /// The first child of a name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Children of a name.
    pub fn children<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// All elements of a name below this one, in document order.
    pub fn descendants<'e>(&'e self, name: &str) -> Vec<&'e Element> {
        let mut found = Vec::new();
        // The depth of the tree is bounded, and so is this stack.
        let mut waiting: Vec<&Element> = self.children.iter().rev().collect();
        while let Some(element) = waiting.pop() {
            if element.name == name {
                found.push(element);
            }
            waiting.extend(element.children.iter().rev());
        }
        found
    }

    /// The first element of a name below this one.
    pub fn descendant(&self, name: &str) -> Option<&Element> {
        self.descendants(name).into_iter().next()
    }
}

/// Reads a document into a nameless root. Returns what was read, and whether that is all of it.
pub fn parse(source: &str) -> (Element, bool) {
    let mut reader = Reader::from_str(source);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    let mut tree = Tree { open: vec![Element::default()], skipped: 0, elements: 0 };
    let is_whole = loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => tree.open(&start),
            Ok(Event::Empty(start)) => {
                tree.open(&start);
                tree.close(None);
            }
            Ok(Event::End(end)) => tree.close(Some(&lower(end.local_name().as_ref()))),
            Ok(Event::Text(text)) => tree.text(&String::from_utf8_lossy(&text)),
            Ok(Event::CData(text)) => tree.text(&String::from_utf8_lossy(&text)),
            Ok(Event::GeneralRef(reference)) => tree.text(&resolve(&reference)),
            Ok(Event::Eof) => break tree.open.len() == 1,
            Ok(_) => {}
            Err(_) => break false,
        }
        if tree.elements > MAX_XML_ELEMENTS {
            break false;
        }
    };
    while tree.open.len() > 1 {
        tree.fold();
    }
    (tree.open.pop().unwrap_or_default(), is_whole)
}

struct Tree {
    /// The elements that are open, the root first.
    open: Vec<Element>,
    /// Open elements below [`MAX_XML_DEPTH`], which are passed over.
    skipped: usize,
    elements: usize,
}

impl Tree {
    fn open(&mut self, start: &BytesStart<'_>) {
        self.elements += 1;
        if self.open.len() > MAX_XML_DEPTH {
            self.skipped += 1;
            return;
        }
        if start.local_name().as_ref() == b"br" {
            self.text(" ");
        }
        let mut source = start.html_attributes();
        let attributes = source.with_checks(false).flatten().map(|attribute| {
            let raw = String::from_utf8_lossy(&attribute.value).into_owned();
            (lower(attribute.key.local_name().as_ref()), unescape(&raw))
        });
        let attributes = attributes.collect();
        let name = lower(start.local_name().as_ref());
        self.open.push(Element { name, attributes, ..Element::default() });
    }

    /// Closes the innermost open element, or that of a name with all in it. An end tag that nothing
    /// opened closes nothing.
    fn close(&mut self, name: Option<&str>) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let at = match name {
            None => Some(self.open.len() - 1),
            Some(name) => self.open.iter().rposition(|element| element.name == name),
        };
        let Some(at) = at.filter(|at| *at > 0) else { return };
        while self.open.len() > at {
            self.fold();
        }
    }

    /// Puts the innermost open element into the one around it.
    fn fold(&mut self) {
        let Some(element) = self.open.pop() else { return };
        if let Some(outer) = self.open.last_mut() {
            outer.text.push_str(&element.text);
            outer.children.push(element);
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped == 0
            && let Some(element) = self.open.last_mut()
        {
            element.text.push_str(text);
        }
    }
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

/// The text a reference such as `eacute` or `#233` stands for; itself where it stands for nothing.
fn resolve(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name = String::from_utf8_lossy(reference).into_owned();
    resolve_html5_entity(&name).map_or_else(|| format!("&{name};"), str::to_owned)
}

/// An attribute's value; as it stands where a reference in it is not one.
fn unescape(value: &str) -> String {
    quick_xml::escape::unescape(value)
        .map_or_else(|_| value.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_well_formed_is_read_all_the_same() {
        let (root, is_whole) =
            parse("<a x='1 & 2'><b>Bread & Butter<br>new</b><c/>&eacute;</a></q>");
        let a = root.child("a").unwrap();
        assert!(is_whole);
        assert_eq!(a.attribute("x"), Some("1 & 2"));
        assert_eq!(a.child("b").unwrap().text, "Bread & Butter new");
        assert!(a.child("c").is_some() && a.text.ends_with('é'));
        let (root, is_whole) = parse("<a><b>one</b><b>tw");
        assert!(!is_whole);
        assert_eq!(root.descendants("b").len(), 2);
    }

    #[test]
    fn namespaces_do_not_matter() {
        let (root, _) = parse("<opf:package><dc:title opf:id='t'>T</dc:title></opf:package>");
        let title = root.descendant("title").unwrap();
        assert_eq!((title.attribute("id"), title.text.as_str()), (Some("t"), "T"));
    }

    #[test]
    fn deep_nesting_ends() {
        let deep =
            format!("{}x{}<last/>", "<navPoint>".repeat(50_000), "</navPoint>".repeat(50_000));
        let (root, _) = parse(&deep);
        assert!(root.child("last").is_some());
        assert!(parse(&"<navPoint>".repeat(50_000)).0.children.len() == 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read(source in "(<(/?(a|b|c:d)|!--|!\\[CDATA\\[|\\?)( x='?[a-z&;]*'?)?/?>?|[a-z &;\"']){0,60}") {
            parse(&source);
        }
    }
}
