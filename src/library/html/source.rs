//! XHTML source, made fit for an HTML parser.

use crate::text::markup::is_void;

/// Depth from which a source's tags are ignored before it is parsed.
const MAX_SOURCE_DEPTH: usize = 512;

/// Prepares XHTML for an HTML parser.
///
/// XHTML may close any element in its start tag (`<a id="x"/>`, `<title/>`); to an HTML parser that
/// tag stays open and swallows what follows, so its end tag is written out. Elements nested deeper
/// than [`MAX_SOURCE_DEPTH`] lose their tags: the HTML algorithm is quadratic in the depth.
pub(super) fn expand_self_closing(source: &str) -> String {
    let mut expanded = String::with_capacity(source.len());
    let mut open: Vec<&str> = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        expanded.push_str(before);
        let (tag, after) = tag.split_at(tag_end(tag));
        rest = after;
        if let Some(name) = tag.strip_prefix("</") {
            let name = tag_name(name);
            match open.iter().rposition(|open| *open == name) {
                Some(at) => open.truncate(at),
                None if open.len() >= MAX_SOURCE_DEPTH => continue,
                None => {}
            }
            expanded.push_str(tag);
            continue;
        }
        let name = tag_name(&tag[1..]);
        let self_closing = tag.strip_suffix("/>").filter(|_| !name.is_empty());
        if name.is_empty() || is_html_void(name) {
            expanded.push_str(tag);
            continue;
        }
        if open.len() >= MAX_SOURCE_DEPTH {
            continue;
        }
        if let Some(start_tag) = self_closing {
            expanded.push_str(start_tag);
            expanded.push_str("></");
            expanded.push_str(name);
            expanded.push('>');
        } else {
            expanded.push_str(tag);
            // `<p>` after `<p>` ends it, so unclosed paragraphs do not count as depth.
            if !(open.last() == Some(&name) && has_optional_end(name)) {
                open.push(name);
            }
        }
    }
    expanded.push_str(rest);
    expanded
}

fn tag_name(tag: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_');
    tag.split(|c| !is_part(c)).next().unwrap_or_default()
}

fn has_optional_end(name: &str) -> bool {
    matches!(name, "p" | "li" | "dt" | "dd" | "tr" | "td" | "th" | "option")
}

/// The length of the tag, comment or CDATA section that `text` begins with.
fn tag_end(text: &str) -> usize {
    for (open, close) in [("<!--", "-->"), ("<![CDATA[", "]]>")] {
        if text.starts_with(open) {
            return text.find(close).map_or(text.len(), |at| at + close.len());
        }
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    // An unclosed quotation mark: this `<` is text.
    1
}

fn is_html_void(name: &str) -> bool {
    is_void(name) || matches!(name, "link" | "meta" | "input" | "area" | "base" | "embed" | "image")
}
