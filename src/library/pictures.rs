//! What pictures and typefaces are, by their first bytes: names and declarations inside books are often
//! wrong.

/// The media type of a picture; `None` for what a page cannot show.
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => "image/avif",
        [b'B', b'M', ..] => "image/bmp",
        _ if is_drawing(bytes) => "image/svg+xml",
        _ => return None,
    })
}

/// The media type of a typeface.
pub fn font_type(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes.get(..4)? {
        b"\0\x01\0\0" | b"true" => "font/ttf",
        b"OTTO" => "font/otf",
        b"ttcf" => "font/collection",
        b"wOFF" => "font/woff",
        b"wOF2" => "font/woff2",
        _ => return None,
    })
}

/// Whether bytes are a drawing: XML whose first element is `svg`, whatever stands before it.
fn is_drawing(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    loop {
        let close = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<!") => ">",
            _ => break,
        };
        let Some((_, after)) = rest.split_once(close) else { return false };
        // The internal subset of a DTD ends so.
        rest = after.trim_start().trim_start_matches("]>").trim_start();
    }
    let name = rest.strip_prefix('<').unwrap_or_default();
    let name = name.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next();
    name.is_some_and(|name| name == "svg" || name.ends_with(":svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_are_told_from_pages() {
        for drawing in
            ["<svg/>", "<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE svg>\n<svg:svg xmlns:svg=''>"]
        {
            assert_eq!(picture_type(drawing.as_bytes()), Some("image/svg+xml"), "{drawing}");
        }
        for other in ["<html><svg/></html>", "svg", "", "<!-- <svg>"] {
            assert_eq!(picture_type(other.as_bytes()), None, "{other}");
        }
    }
}
