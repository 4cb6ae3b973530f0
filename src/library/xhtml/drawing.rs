//! Drawings (SVG) that go into an EPUB: reading apps show them as pages, and would run and fetch what is in them.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::attributes;

/// Elements that do more than draw.
const ACTIVE: [&str; 9] =
    ["script", "foreignobject", "a", "animate", "set", "handler", "iframe", "style", "use"];

/// Whether a drawing is nothing but one: no program, no style sheet, and no address of anything outside of it.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                let name = String::from_utf8_lossy(element.local_name().as_ref()).to_lowercase();
                let Ok(attributes) = attributes(&element) else { return false };
                let outside = |(name, value): &(String, String)| {
                    let name = name.rsplit(':').next().unwrap_or(name).to_lowercase();
                    let value = value.trim().to_lowercase();
                    let is_address = name == "href" || name == "src";
                    let is_inside = value.starts_with('#') || value.starts_with("data:image/");
                    name.starts_with("on")
                        || is_address && !is_inside
                        || value.replace("url(#", "").contains("url(")
                        // Escapes, and functions that name files, of style sheets.
                        || name == "style" && value.contains(['\\', '@'])
                        || value.contains("image-set(")
                        || value.contains("javascript:")
                };
                if ACTIVE.contains(&&*name) || attributes.iter().any(outside) {
                    return false;
                }
            }
            // Names style sheets, and declares what other texts stand for, which may be anything.
            Ok(Event::PI(_)) => return false,
            Ok(Event::DocType(text)) if text.contains(&b'[') => return false,
            Ok(Event::Eof) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_that_do_more_than_draw_are_told() {
        let svg = |inside: &str| format!("<svg xmlns='http://www.w3.org/2000/svg'>{inside}</svg>");
        for plain in [
            "<rect width='3'/>",
            "<image href='data:image/png;base64,AAAA'/>",
            "<rect fill='url(#a)'/>",
        ] {
            assert!(is_plain(svg(plain).as_bytes()), "{plain}");
        }
        for active in [
            "<script>x()</script>",
            "<rect onclick='x()'/>",
            "<image xlink:href='http://evil.example/x.png'/>",
            "<rect fill='url(http://evil.example/#x)'/>",
            "<rect style='fill:u\\72l(http://evil.example)'/>",
            "<style>@import 'http://evil.example'</style>",
            "<foreignObject><p/></foreignObject>",
        ] {
            assert!(!is_plain(svg(active).as_bytes()), "{active}");
        }
        assert!(!is_plain(b"<?xml-stylesheet href='http://evil.example'?><svg/>"));
        assert!(!is_plain(b"<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///x'>]><svg>&a;</svg>"));
    }
}
