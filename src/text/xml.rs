//! Text that is to stand in XML.

use std::borrow::Cow;

/// A text without the characters that XML cannot have, not even as references (XML 1.0, section 2.2).
pub fn allowed(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_allowed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|letter| is_allowed(*letter)).collect())
}

fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_have_is_left_out() {
        assert_eq!(allowed("a\u{1}b\u{b}c\u{fffe}\td\u{1f600}"), "abc\td\u{1f600}");
        assert!(matches!(allowed("as it is"), Cow::Borrowed(_)));
    }
}
