//! Bytes to text, whatever the encoding.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// In a text that is meant to be UTF-8 there may be one broken sequence in this many bytes, as a bad
/// download or a cut leaves it; more are another encoding.
const BYTES_PER_BROKEN_SEQUENCE: usize = 100;

/// How far into a document its own word about its encoding is looked for, in bytes (HTML Living Standard,
/// section 13.2.3.2, asks for 1,024).
const DECLARATION_BYTES: usize = 1024;

/// A text, and whether any of its bytes were no characters.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text; `U+FFFD` for each sequence of bytes that is no character.
    pub text: String,
    /// Some bytes were no characters.
    pub is_damaged: bool,
}

/// Decodes a text without a declaration: byte order mark, UTF-8 even with a broken character in it,
/// UTF-16 by where its zeros are, else a guess by content.
pub fn decode_text(bytes: &[u8]) -> Decoded {
    if let Some(decoded) = by_mark_or_utf8(bytes) {
        return decoded;
    }
    if let Some(encoding) = unmarked_utf16(bytes) {
        return decode(encoding, bytes);
    }
    if is_nearly_utf8(bytes) {
        return decode(UTF_8, bytes);
    }
    guess(bytes)
}

/// Decodes markup: byte order mark, UTF-8 even with a broken character in it, what it declares in `<?xml?>` or
/// `<meta>`, else a guess by content. What the bytes are counts more than what they declare:
/// converters copy declarations without looking.
pub fn decode_markup(bytes: &[u8]) -> Decoded {
    if let Some(decoded) = by_mark_or_utf8(bytes) {
        return decoded;
    }
    if let Some(encoding) = unmarked_utf16(bytes) {
        return decode(encoding, bytes);
    }
    if is_nearly_utf8(bytes) {
        return decode(UTF_8, bytes);
    }
    // Its `<` is one byte, so it is no UTF-16 whatever it declares.
    let declared =
        declared_encoding(bytes).filter(|encoding| ![UTF_8, UTF_16LE, UTF_16BE].contains(encoding));
    declared.map_or_else(|| guess(bytes), |encoding| decode(encoding, bytes))
}

/// Whether bytes can be a text: no control characters that no text has.
pub fn is_text(bytes: &[u8]) -> bool {
    if Encoding::for_bom(bytes).is_some() || unmarked_utf16(bytes).is_some() {
        return true;
    }
    let sample = &bytes[..bytes.len().min(64 * 1024)];
    !sample.iter().any(|byte| matches!(byte, 0..=6 | 14..=25 | 28..=31 | 127))
}

fn by_mark_or_utf8(bytes: &[u8]) -> Option<Decoded> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Some(decode(encoding, &bytes[mark..]));
    }
    let text = std::str::from_utf8(bytes).ok().filter(|_| !bytes.contains(&0))?;
    Some(Decoded { text: text.to_owned(), is_damaged: false })
}

fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, is_damaged) = encoding.decode_without_bom_handling(bytes);
    Decoded { text: text.into_owned(), is_damaged }
}

fn guess(bytes: &[u8]) -> Decoded {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    decode(detector.guess(None, chardetng::Utf8Detection::Allow), bytes)
}

/// UTF-16 without its mark: in a text of any alphabet every other byte of many letters, spaces and line
/// ends is zero, and always the same one of the two.
fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let some = sample.len() / 20;
    match (high, low) {
        (0, low) if low > some => Some(UTF_16LE),
        (high, 0) if high > some => Some(UTF_16BE),
        _ => None,
    }
}

fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut broken, mut characters) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        characters += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // Texts in other encodings are broken at each of their letters outside of ASCII.
    characters > broken && broken * BYTES_PER_BROKEN_SEQUENCE <= bytes.len()
}

/// What markup says of its own encoding.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_BYTES)]).to_lowercase();
    let after = |name: &str| {
        let value = head.split_once(name)?.1.trim_start().strip_prefix('=')?.trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        value.split(['"', '\'', ' ', ';', '>', '/', '?']).next().map(str::to_owned)
    };
    let label = after("encoding").or_else(|| after("charset"))?;
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        decode_text(bytes).text
    }

    fn markup(bytes: &[u8]) -> String {
        decode_markup(bytes).text
    }

    #[test]
    fn encodings_are_recognised() {
        assert_eq!(text("naïve".as_bytes()), "naïve");
        assert_eq!(text(b"\xef\xbb\xbfmark"), "mark");
        assert_eq!(text(b"\xff\xfeh\0i\0"), "hi");
        let latin = encoding_rs::WINDOWS_1252.encode("Où est le café, là-bas ? Voilà l’été.").0;
        assert_eq!(text(&latin), "Où est le café, là-bas ? Voilà l’été.");
        let japanese = encoding_rs::SHIFT_JIS.encode("吾輩は猫である。名前はまだ無い。").0;
        assert_eq!(text(&japanese), "吾輩は猫である。名前はまだ無い。");
    }

    #[test]
    fn utf_16_is_known_without_its_mark() {
        let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "It was late in the day. Ночь.".encode_utf16().flat_map(bytes).collect()
        };
        for bytes in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
            assert!(is_text(&bytes));
            assert_eq!(text(&bytes), "It was late in the day. Ночь.");
        }
        assert!(!is_text(b"\0\x01\0\0\x12\x13"));
    }

    #[test]
    fn one_broken_character_does_not_change_the_encoding() {
        let mut bytes = "很多人不知道，这条河在冬天也不结冰。".repeat(20).into_bytes();
        bytes.remove(4);
        let decoded = decode_text(&bytes);
        assert!(decoded.is_damaged && decoded.text.contains("这条河在冬天"));
        assert!(decode_markup(&bytes).text.contains("这条河在冬天"));
    }

    #[test]
    fn markup_says_its_encoding_in_two_places() {
        let declared = b"<?xml version='1.0' encoding='windows-1252'?><p>caf\xe9</p>";
        assert!(markup(declared).contains("café"));
        let russian = encoding_rs::WINDOWS_1251.encode("Утро было тихим.").0.into_owned();
        for meta in
            ["<meta charset=windows-1251>", "<meta content='text/html; charset=windows-1251'/>"]
        {
            let bytes = [format!("<html><head>{meta}</head><p>").as_bytes(), &russian].concat();
            assert!(markup(&bytes).contains("Утро было тихим."), "{meta}");
        }
        assert_eq!(markup("<p>é</p>".as_bytes()), "<p>é</p>");
    }

    #[test]
    fn what_the_bytes_are_counts_more_than_what_they_declare() {
        for wrong in ["utf-16", "iso-8859-1", "ascii"] {
            let source = format!("<?xml version='1.0' encoding='{wrong}'?><p>naïve</p>");
            assert!(markup(source.as_bytes()).contains("naïve"), "{wrong}");
        }
    }
}
