//! Writing XML for feeds.

use std::io::Result;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::text::xml::allowed;

/// Where a document is written.
pub(super) type Xml = Writer<Vec<u8>>;

/// A document that begins with its declaration, written by `content`.
pub(super) fn document(content: impl FnOnce(&mut Xml) -> Result<()>) -> Result<String> {
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    content(&mut writer)?;
    String::from_utf8(writer.into_inner()).map_err(std::io::Error::other)
}

/// An element with a text in it.
pub(super) fn text(writer: &mut Xml, name: &str, text: &str) -> Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(&allowed(text)))?;
    Ok(())
}

/// An element with attributes alone.
pub(super) fn empty(writer: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> Result<()> {
    let attributes: Vec<_> =
        attributes.iter().map(|(name, value)| (*name, allowed(value))).collect();
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_ref()));
    writer.create_element(name).with_attributes(attributes).write_empty()?;
    Ok(())
}
