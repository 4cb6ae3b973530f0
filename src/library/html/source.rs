//! XHTML source, made fit for an HTML parser.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::text::markup::{escape_text, is_void};

/// Depth from which a source's tags are ignored before it is parsed.
const MAX_SOURCE_DEPTH: usize = 512;
/// Elements such as `b` and `font` that may be open when a block begins. An HTML parser opens them anew in
/// each block, so that a small file could grow without end; books have one or two.
const MAX_OPEN_FORMATTING: usize = 16;
/// Attributes of one tag; a parser compares each with all before it.
const MAX_ATTRIBUTES: usize = 128;
/// Entities that a document may declare for itself, and how long what they stand for may be, in bytes.
const MAX_ENTITIES: usize = 500;
const MAX_ENTITY_BYTES: usize = 500;
/// What they stand for may take this many bytes in all.
const MAX_EXPANDED_BYTES: usize = 1024 * 1024;

/// What a book shows where no script runs, which is here. An HTML parser that thinks of scripts takes it as
/// text.
const UNSCRIPTED: &str = "noscript";

/// Prepares XHTML for an HTML parser.
///
/// - XHTML may close any element in its start tag (`<a id="x"/>`, `<title/>`); to an HTML parser that
///   tag stays open and swallows what follows, so its end tag is written out.
/// - A section of CDATA is text, and a comment to an HTML parser.
/// - A document may declare entities of its own in its DTD, which an HTML parser shows as text.
/// - Elements nested deeper than [`MAX_SOURCE_DEPTH`] lose their tags: the HTML algorithm is quadratic in
///   the depth.
pub(super) fn for_html(source: &str) -> String {
    let source = without_prefixes(source);
    let (source, entities) = without_doctype(&source);
    let mut writer = Writer {
        html: String::with_capacity(source.len()),
        open: Vec::new(),
        formatting: 0,
        entities,
        room: MAX_EXPANDED_BYTES,
    };
    let tags = Tags::of(&source);
    let mut rest = source.as_str();
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        writer.text(before);
        let (tag, after) = tag.split_at(tags.end(tag));
        rest = after;
        writer.tag(tag);
    }
    writer.text(rest);
    writer.html
}

struct Writer {
    html: String,
    /// Names of the elements that are open.
    open: Vec<String>,
    /// How many of them are formatting.
    formatting: usize,
    /// What the document's own entities stand for.
    entities: HashMap<String, String>,
    /// How much they may still add, in bytes.
    room: usize,
}

impl Writer {
    fn text(&mut self, text: &str) {
        if self.entities.is_empty() {
            self.html.push_str(text);
            return;
        }
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('&') {
            self.html.push_str(before);
            let known = after.split_once(';').and_then(|(name, behind)| {
                let value = self.entities.get(name).filter(|value| value.len() <= self.room)?;
                Some((value, behind))
            });
            match known {
                Some((value, behind)) => {
                    self.room -= value.len();
                    self.html.push_str(value);
                    rest = behind;
                }
                None => {
                    self.html.push('&');
                    rest = after;
                }
            }
        }
        self.html.push_str(rest);
    }

    fn tag(&mut self, tag: &str) {
        if let Some(text) = tag.strip_prefix("<![CDATA[") {
            escape_text(text.strip_suffix("]]>").unwrap_or(text), &mut self.html);
        } else if let Some(name) = tag.strip_prefix("</") {
            self.end_tag(tag, &tag_name(name).to_ascii_lowercase());
        } else if tag_name(&tag[1..]).is_empty() {
            // A comment, a processing instruction, or a `<` that is text.
            self.html.push_str(tag);
        } else {
            self.start_tag(tag, &tag_name(&tag[1..]).to_ascii_lowercase());
        }
    }

    fn end_tag(&mut self, tag: &str, name: &str) {
        // `<br></br>` is one break, and to an HTML parser two.
        if is_html_void(name) {
            return;
        }
        match self.open.iter().rposition(|open| *open == name) {
            // What is still open inside of it ends with it, also formatting.
            Some(at) => self.close_to(at),
            None if self.open.len() >= MAX_SOURCE_DEPTH => return,
            None => {}
        }
        if name == UNSCRIPTED {
            self.html.push_str("</div>");
        } else {
            self.html.push_str(tag);
        }
    }

    /// Forgets what is open above `at`, writing end tags for what a parser would open again.
    fn close_to(&mut self, at: usize) {
        for (above, name) in self.open.drain(at..).enumerate().collect::<Vec<_>>().into_iter().rev()
        {
            if is_formatting(&name) {
                self.formatting -= 1;
                if above > 0 {
                    self.html.push_str(&format!("</{name}>"));
                }
            }
        }
    }

    fn start_tag(&mut self, tag: &str, name: &str) {
        if is_html_void(name) {
            self.html.push_str(&few_attributes(tag, name));
            return;
        }
        if self.open.len() >= MAX_SOURCE_DEPTH
            || is_formatting(name) && self.formatting >= MAX_OPEN_FORMATTING
        {
            return;
        }
        let tag = few_attributes(tag, name);
        if let Some(start_tag) = tag.strip_suffix("/>") {
            self.html.push_str(&format!("{start_tag}></{name}>"));
            return;
        }
        self.html.push_str(if name == UNSCRIPTED { "<div>" } else { &tag });
        // `<p>` after `<p>` ends it, so unclosed paragraphs do not count as depth.
        if !(self.open.last().is_some_and(|last| last == name) && has_optional_end(name)) {
            self.open.push(name.to_owned());
            self.formatting += usize::from(is_formatting(name));
        }
    }
}

/// The tag, or one without attributes where it has more than [`MAX_ATTRIBUTES`].
fn few_attributes<'t>(tag: &'t str, name: &str) -> Cow<'t, str> {
    // A short tag cannot have many.
    let many = tag.len() > 2 * MAX_ATTRIBUTES
        && tag.split_ascii_whitespace().nth(MAX_ATTRIBUTES).is_some()
        && tag.matches('=').nth(MAX_ATTRIBUTES).is_some();
    if many { format!("<{name}>").into() } else { tag.into() }
}

fn tag_name(tag: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_');
    tag.split(|c| !is_part(c)).next().unwrap_or_default()
}

fn has_optional_end(name: &str) -> bool {
    matches!(name, "p" | "li" | "dt" | "dd" | "tr" | "td" | "th" | "option")
}

/// Elements that an HTML parser opens again in the next block when they were not closed (HTML Living
/// Standard, section 13.2.4.3).
fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

fn is_html_void(name: &str) -> bool {
    is_void(name) || matches!(name, "link" | "meta" | "input" | "area" | "base" | "embed" | "image")
}

/// Where tags end. Knows the last places of what is looked for, so that a source of nothing but `<` is
/// not searched to its end for each of them.
struct Tags<'s> {
    source: &'s str,
    last_close: usize,
    last_double: usize,
    last_single: usize,
}

impl<'s> Tags<'s> {
    fn of(source: &'s str) -> Self {
        let last = |mark: char| source.rfind(mark).map_or(0, |at| at + 1);
        Self { source, last_close: last('>'), last_double: last('"'), last_single: last('\'') }
    }

    /// The length of the tag, comment or CDATA section that `text`, a rest of the source, begins with.
    fn end(&self, text: &str) -> usize {
        let offset = self.source.len() - text.len();
        if offset >= self.last_close {
            return 1;
        }
        for (open, close) in [("<!--", "-->"), ("<![CDATA[", "]]>")] {
            if text.starts_with(open) {
                return text.find(close).map_or(text.len(), |at| at + close.len());
            }
        }
        let mut at = 1;
        // Two quotation marks an attribute; more are no tag.
        for _ in 0..=2 * MAX_ATTRIBUTES {
            let Some(found) = text[at..].find(['>', '"', '\'']).map(|found| at + found) else {
                return 1;
            };
            let quote = match text.as_bytes()[found] {
                b'>' => return found + 1,
                quote => char::from(quote),
            };
            let last = if quote == '"' { self.last_double } else { self.last_single };
            // An unclosed quotation mark: this `<` is text.
            if offset + found + 1 >= last {
                return 1;
            }
            let Some(closing) = text[found + 1..].find(quote) else { return 1 };
            at = found + 1 + closing + 1;
        }
        // A tag with very many attributes ends at the next `>`, quoted or not.
        text.find('>').map_or(1, |at| at + 1)
    }
}

/// The source with `<html:p>` as `<p>`, where a prefix stands for one of the vocabularies that an HTML parser
/// knows by itself.
fn without_prefixes(source: &str) -> Cow<'_, str> {
    const KNOWN: [&str; 3] = [
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1998/Math/MathML",
    ];
    let head = &source[..source.floor_char_boundary(8 * 1024)];
    let prefixes = head.split("xmlns:").skip(1).filter_map(|declaration| {
        let (prefix, value) = declaration.split_once('=')?;
        let address = value.trim_start().get(1..)?.split(['"', '\'']).next()?;
        let prefix = prefix.trim();
        let is_name = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_name && KNOWN.contains(&address)).then_some(prefix)
    });
    let mut plain = Cow::Borrowed(source);
    for prefix in prefixes.take(KNOWN.len()) {
        for open in ["<", "</"] {
            plain = plain.replace(&format!("{open}{prefix}:"), open).into();
        }
    }
    plain
}

/// The source without its document type, and the entities that were declared in it.
fn without_doctype(source: &str) -> (String, HashMap<String, String>) {
    let head = &source[..source.floor_char_boundary(64 * 1024)];
    // Case is kept by length: `<!doctype` is ASCII.
    let start = head.to_ascii_lowercase().find("<!doctype");
    let Some(start) = start.filter(|start| !source[..*start].contains("<html")) else {
        return (source.to_owned(), HashMap::new());
    };
    let (before, doctype) = source.split_at(start);
    let subset = doctype.find('[').filter(|at| doctype.find('>').is_some_and(|end| *at < end));
    let Some(subset) = subset else { return (source.to_owned(), HashMap::new()) };
    let Some(end) = subset_end(&doctype[subset..]) else {
        return (source.to_owned(), HashMap::new());
    };
    let entities = declared(&doctype[subset + 1..subset + end]);
    let after = &doctype[subset + end..];
    let after = after.split_once('>').map_or("", |(_, after)| after);
    (format!("{before}<!DOCTYPE html>{after}"), entities)
}

/// The length of an internal subset from its `[` to the `]` that closes it: the first that stands in no
/// quotation marks and before nothing but the `>` of the document type.
fn subset_end(subset: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in subset.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ']') if subset[at + 1..].trim_start().starts_with('>') => return Some(at),
            _ => {}
        }
    }
    None
}

/// `<!ENTITY hero "Robin">` of a DTD's internal subset. Entities made of others are left out, so that none
/// can grow, and so are files from outside.
fn declared(subset: &str) -> HashMap<String, String> {
    let mut entities = HashMap::new();
    for declaration in subset.split("<!ENTITY").skip(1).take(MAX_ENTITIES) {
        let Some((name, value)) = declaration.trim_start().split_once(char::is_whitespace) else {
            continue;
        };
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let Some((value, _)) = value[1..].split_once(quote) else { continue };
        let names_others = value.split('&').skip(1).any(|reference| !is_plain_reference(reference));
        if value.len() <= MAX_ENTITY_BYTES && !names_others {
            entities.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    entities
}

/// `#8217;` or `amp;`, which an HTML parser knows.
fn is_plain_reference(reference: &str) -> bool {
    let name = reference.split(';').next().unwrap_or_default();
    name.starts_with('#') || matches!(name, "amp" | "lt" | "gt" | "quot" | "apos" | "nbsp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_closed_in_their_start_tag_get_an_end_tag() {
        assert_eq!(for_html("<p><a id='x'/>Text<br/></p>"), "<p><a id='x'></a>Text<br/></p>");
    }

    #[test]
    fn breaks_are_one_each_and_names_have_no_case() {
        assert_eq!(for_html("a<br></br>b<BR/>c"), "a<br>b<BR/>c");
        let many = format!("{}<P>end", "<P>x<BR>".repeat(2000));
        assert!(for_html(&many).ends_with("<P>end"));
    }

    #[test]
    fn prefixes_of_known_vocabularies_go() {
        let source =
            "<html:html xmlns:html='http://www.w3.org/1999/xhtml'><html:p>x</html:p></html:html>";
        assert!(for_html(source).contains("<p>x</p>"));
        assert!(for_html("<x:p xmlns:x='urn:other'>y</x:p>").contains("<x:p"));
    }

    #[test]
    fn a_document_type_ends_where_it_ends() {
        let source = "<!DOCTYPE html [<!ENTITY x 'y'>] ><html><p>&x; kept</p><![CDATA[a]]></html>";
        assert!(for_html(source).contains("<p>y kept</p>a"), "{}", for_html(source));
    }

    #[test]
    fn cdata_is_text() {
        assert_eq!(for_html("<p><![CDATA[a < b & c]]></p>"), "<p>a &lt; b &amp; c</p>");
    }

    #[test]
    fn a_documents_own_entities_stand_for_what_it_says() {
        let source = "<?xml version='1.0'?><!DOCTYPE html [<!ENTITY hero \"Robin\"> <!ENTITY nbsp '&#160;'>\
                      <!ENTITY x SYSTEM 'file:///etc/passwd'>] ><html><p>&hero;&nbsp;&x;&amp;</p></html>";
        let html = for_html(source);
        assert!(html.ends_with("<p>Robin&#160;&x;&amp;</p></html>"), "{html}");
        assert!(!html.contains("ENTITY"), "{html}");
    }

    #[test]
    fn entities_do_not_grow() {
        let source =
            "<!DOCTYPE html [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;'>]><p>&b;</p>";
        assert!(for_html(source).ends_with("<p>&b;</p>"));
        let long =
            format!("<!DOCTYPE html [<!ENTITY a '{}'>]>{}", "x".repeat(400), "&a;".repeat(100_000));
        assert!(for_html(&long).len() < 2 * MAX_EXPANDED_BYTES);
    }

    #[test]
    fn formatting_ends_with_its_block_and_does_not_pile_up() {
        assert_eq!(for_html("<p><b>one</p><p>two</p>"), "<p><b>one</b></p><p>two</p>");
        let many = for_html(&"<b><font>".repeat(1000));
        assert_eq!(many.matches('<').count(), MAX_OPEN_FORMATTING);
    }

    #[test]
    fn sources_made_to_be_slow_are_not() {
        for piece in ["<", "<\"", "<'", "<a x='", "<a \"'"] {
            for_html(&piece.repeat(200_000));
            for_html(&format!("{}>", piece.repeat(200_000)));
        }
        let attributes: String = (0..160_000).map(|n| format!(" a{n}='x'")).collect();
        assert!(for_html(&format!("<p{attributes}>text</p>")).len() < 10_000_000);
    }
}
