//! Bytes to text, whatever the encoding.

use encoding_rs::{Encoding, UTF_8};

use crate::text::language::primary_subtag;

/// Decodes a text without a declaration: byte order mark, UTF-8, else a guess by content.
pub fn decode_text(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, chardetng::Utf8Detection::Allow).decode(bytes).0.into_owned()
}

/// Decodes markup: byte order mark, the XML declaration, else UTF-8.
pub fn decode_markup(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declared = head
        .split_once("encoding=")
        .and_then(|(_, after)| after.get(1..)?.split(['"', '\'']).next())
        .and_then(|label| Encoding::for_label(label.as_bytes()));
    let encoding =
        Encoding::for_bom(bytes).map(|(encoding, _)| encoding).or(declared).unwrap_or(UTF_8);
    encoding.decode(bytes).0.into_owned()
}

/// Whether bytes can be a text: no control characters that no text has. UTF-16 needs its mark.
pub fn is_text(bytes: &[u8]) -> bool {
    if Encoding::for_bom(bytes).is_some() {
        return true;
    }
    let sample = &bytes[..bytes.len().min(64 * 1024)];
    !sample.iter().any(|byte| matches!(byte, 0..=6 | 14..=25 | 28..=31 | 127))
}

/// The BCP 47 tag of a text's language, from its letters; `None` when it cannot be told.
pub fn detect_language(text: &str) -> Option<String> {
    // whatlang names languages by ISO 639-3; engines and browsers want the two-letter code.
    const TAGS: [(&str, &str); 38] = [
        ("eng", "en"),
        ("spa", "es"),
        ("fra", "fr"),
        ("deu", "de"),
        ("ita", "it"),
        ("por", "pt"),
        ("nld", "nl"),
        ("rus", "ru"),
        ("ukr", "uk"),
        ("pol", "pl"),
        ("ces", "cs"),
        ("slk", "sk"),
        ("slv", "sl"),
        ("hrv", "hr"),
        ("srp", "sr"),
        ("bul", "bg"),
        ("ron", "ro"),
        ("hun", "hu"),
        ("ell", "el"),
        ("swe", "sv"),
        ("dan", "da"),
        ("nob", "nb"),
        ("fin", "fi"),
        ("est", "et"),
        ("lav", "lv"),
        ("lit", "lt"),
        ("tur", "tr"),
        ("ara", "ar"),
        ("heb", "he"),
        ("pes", "fa"),
        ("urd", "ur"),
        ("hin", "hi"),
        ("ben", "bn"),
        ("cmn", "zh"),
        ("jpn", "ja"),
        ("kor", "ko"),
        ("vie", "vi"),
        ("ind", "id"),
    ];
    let sample: String = text.chars().take(20_000).collect();
    let guess = whatlang::detect(&sample).filter(whatlang::Info::is_reliable)?;
    TAGS.iter().find(|(code, _)| *code == guess.lang().code()).map(|(_, tag)| (*tag).to_owned())
}

/// A declared language if it names one, else what the text looks like, else `und`.
pub fn language_or_detect(declared: Option<&str>, sample: impl FnOnce() -> String) -> String {
    let declared = declared.map(str::trim).filter(|tag| {
        let primary = primary_subtag(tag);
        (2..=3).contains(&primary.len())
            && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !primary.eq_ignore_ascii_case("und")
    });
    match declared {
        Some(tag) => tag.replace('_', "-"),
        None => detect_language(&sample()).unwrap_or_else(|| "und".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised() {
        assert_eq!(decode_text("naïve".as_bytes()), "naïve");
        assert_eq!(decode_text(b"\xef\xbb\xbfmark"), "mark");
        assert_eq!(decode_text(b"\xff\xfeh\0i\0"), "hi");
        let latin = encoding_rs::WINDOWS_1252.encode("Où est le café, là-bas ? Voilà l’été.").0;
        assert_eq!(decode_text(&latin), "Où est le café, là-bas ? Voilà l’été.");
        let japanese = encoding_rs::SHIFT_JIS.encode("吾輩は猫である。名前はまだ無い。").0;
        assert_eq!(decode_text(&japanese), "吾輩は猫である。名前はまだ無い。");
    }

    #[test]
    fn markup_says_its_encoding() {
        let source = b"<?xml version='1.0' encoding='windows-1252'?><p>caf\xe9</p>";
        assert!(decode_markup(source).contains("café"));
        assert_eq!(decode_markup("<p>é</p>".as_bytes()), "<p>é</p>");
    }

    #[test]
    fn languages_are_declared_or_detected() {
        let sample = || {
            "Es war einmal ein Mann, der hatte einen Esel, welcher schon lange Jahre die Säcke in die Mühle getragen hatte.".to_owned()
        };
        assert_eq!(language_or_detect(Some("en_US"), sample), "en-US");
        assert_eq!(language_or_detect(Some("UND"), sample), "de");
        assert_eq!(language_or_detect(None, || "1 2 3".to_owned()), "und");
    }
}
