//! Titles, names and contents lines as they may be shown: one line, no control characters, not endless.

use super::limits::{MAX_AUTHORS, MAX_LANGUAGE_CHARS, MAX_NAME_CHARS};

/// A title, name or contents line: white space collapsed, control characters and those that change the
/// direction of the text around them removed, cut at [`MAX_NAME_CHARS`].
pub fn clean(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !turns_text(*c))
        .collect();
    let line = shown.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_NAME_CHARS).collect()
}

/// The authors of a file, each [clean](clean), no more than [`MAX_AUTHORS`].
pub fn authors<'t>(names: impl Iterator<Item = &'t str>) -> Vec<String> {
    names.map(clean).filter(|name| !name.is_empty()).take(MAX_AUTHORS).collect()
}

/// A language tag with nothing in it but what tags consist of.
pub fn language(tag: &str) -> String {
    tag.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(MAX_LANGUAGE_CHARS)
        .collect()
}

/// Embeddings, overrides, isolates and marks of direction (Unicode Standard Annex 9, section 2): in a
/// title they could turn around what a page says beside it.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_turns_nothing_around() {
        assert_eq!(clean("  A\n\tTitle\u{1} \u{202e}gnorw\u{85}x "), "A Title gnorw x");
        assert_eq!(clean("עברית"), "עברית");
        assert_eq!(clean(&"x".repeat(4_000_000)).len(), MAX_NAME_CHARS);
    }

    #[test]
    fn a_language_tag_holds_nothing_else() {
        assert_eq!(language("en\"><x-canary>"), "enx-canary");
        assert_eq!(language(&"a".repeat(1000)).len(), MAX_LANGUAGE_CHARS);
    }
}
