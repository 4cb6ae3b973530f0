//! What is shown and not spoken: references to notes.
//!
//! Whether a number is a reference is decided by how it stands: raised, in brackets, glued to the word before
//! it, or because the book says so. A link alone makes no reference: `born in <a>1812</a>` is text.

use super::letters;
use crate::text::markup::{Inline, InlineElement, plain_text};

/// Longest label of a note, in characters: `*`, `12`, `xvii`.
const MAX_LABEL_CHARS: usize = 4;

/// Makes the references to notes in a block silent. In a note itself the number it begins with, which
/// leads back, is one.
pub(super) fn silence_note_references(inlines: &mut [Inline], is_note: bool) {
    let mut scan = Scan { before: None, letter_before: None, is_note };
    scan.inlines(inlines, false);
}

/// What stands before the place that is looked at.
struct Scan {
    /// The character right before.
    before: Option<char>,
    /// The character before that.
    letter_before: Option<char>,
    is_note: bool,
}

impl Scan {
    fn inlines(&mut self, inlines: &mut [Inline], is_raised: bool) {
        for inline in inlines {
            match inline {
                Inline::Text(text) => self.pass(text),
                Inline::Element(element) if element.silent => {}
                Inline::Element(element) if element.name == "br" => self.pass(" "),
                Inline::Element(element) => {
                    let is_raised = is_raised || raises(element);
                    if self.is_reference(element, is_raised) {
                        element.silent = true;
                        // What a style sheet would have set apart still stands apart.
                        if element.name == "span" {
                            element.name = "small".to_owned();
                        }
                    } else {
                        let is_digit = self.before.is_some_and(char::is_numeric);
                        let begins = plain_text(&element.children);
                        if is_digit && raises(element) && begins.starts_with(char::is_numeric) {
                            // `10⁶` is not 106.
                            element.children.insert(0, letters::alt_text(" ".to_owned()));
                        }
                        self.inlines(&mut element.children, is_raised);
                    }
                }
            }
        }
    }

    fn pass(&mut self, text: &str) {
        for c in text.chars() {
            self.letter_before = self.before.replace(c);
        }
    }

    fn is_reference(&self, element: &InlineElement, is_raised: bool) -> bool {
        let text = plain_text(&element.children);
        let label = Label::of(text.trim());
        if leads_to_a_note(element) {
            return self.is_linked_reference(&label, is_raised);
        }
        // Not a link: `dawn.³` refers to a note, `m²` and `M<sup>me</sup>` are text.
        let follows_an_end = self.before.is_some_and(|c| ".!?…”’»)]›,;:\"'".contains(c));
        is_raised && (label.is_number && follows_an_end || label.in_square_brackets)
    }

    fn is_linked_reference(&self, label: &Label<'_>, is_raised: bool) -> bool {
        if label.is_symbol {
            return true;
        }
        if !label.is_short {
            return false;
        }
        let leads_back = self.is_note && self.before.is_none() && label.is_number;
        let is_single = label.core.chars().count() == 1;
        is_raised
            || label.in_square_brackets
            // `[<a>12</a>]`: the brackets may stand outside of the link.
            || label.is_number && self.before == Some('[')
            || leads_back
            || self.is_glued() && (label.is_number || is_single || label.in_round_brackets)
    }

    /// Whether no space stands before. `12,13` are two numbers of a list.
    fn is_glued(&self) -> bool {
        match self.before {
            Some(',' | ';' | ':') => self.letter_before.is_some_and(char::is_alphabetic),
            Some(c) => c.is_alphanumeric() || ".!?…”’»)]›\"'".contains(c),
            None => false,
        }
    }
}

/// What a reference says: `[12]`, `*`, `(iv)`.
struct Label<'t> {
    core: &'t str,
    /// No longer than a label is, and a number or letter.
    is_short: bool,
    /// Nothing but digits.
    is_number: bool,
    /// Something, and nothing that could be spoken.
    is_symbol: bool,
    in_square_brackets: bool,
    in_round_brackets: bool,
}

impl<'t> Label<'t> {
    fn of(text: &'t str) -> Self {
        let within = |open: char, close: char| {
            text.strip_prefix(open).and_then(|inner| inner.strip_suffix(close)).is_some()
        };
        let core = text.trim_matches(|c: char| !c.is_alphanumeric());
        // Superscript digits as characters are digits too: `¹²`.
        let is_number = !core.is_empty() && core.chars().all(char::is_numeric);
        Self {
            core,
            is_short: (1..=MAX_LABEL_CHARS).contains(&core.chars().count())
                && !core.contains(char::is_whitespace),
            is_number,
            is_symbol: core.is_empty() && !text.is_empty(),
            in_square_brackets: within('[', ']') || within('{', '}'),
            in_round_brackets: within('(', ')'),
        }
    }
}

/// Whether an element is a link into the book, or holds nothing but one.
fn leads_to_a_note(element: &InlineElement) -> bool {
    let is_link = element.name == "a"
        && element.attributes.iter().any(|(name, value)| name == "href" && value.contains('#'));
    is_link || only_child(element).is_some_and(leads_to_a_note)
}

/// Whether an element is raised, or holds nothing but what is.
fn raises(element: &InlineElement) -> bool {
    element.name == "sup" || only_child(element).is_some_and(raises)
}

fn only_child(element: &InlineElement) -> Option<&InlineElement> {
    let mut children = element.children.iter().filter(|child| match child {
        Inline::Text(text) => !text.trim().is_empty(),
        Inline::Element(_) => true,
    });
    match (children.next(), children.next()) {
        (Some(Inline::Element(only)), None) => Some(only),
        _ => None,
    }
}
