//! Pictures and formulas that are text: a drop cap, a rare character, `x = ½`.
//!
//! What they say stands on the page beside them, out of sight ([`ALT_TEXT`]), and is a part of the
//! sentence: it is spoken, found, copied and highlighted like any other text.

use crate::text::markup::{Inline, InlineElement, plain_text};
use crate::text::sentence::is_speakable;

/// The class of text that stands for a picture or formula beside it.
pub const ALT_TEXT: &str = "alt-text";

/// A picture that says at most this many characters may be a letter of the word it stands in.
const MAX_LETTERS: usize = 2;

/// Gives the pictures of a block that are letters their text: those whose alternative text has one or two
/// letters, and which stand next to another letter.
pub(super) fn spell_pictures(inlines: &mut Vec<Inline>) {
    let mut places = Vec::new();
    find(inlines, &mut 0, &mut places);
    if places.is_empty() {
        return;
    }
    let text = plain_text(inlines);
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut are_letters = places.into_iter().map(|at| {
        is_letter(text[..at].chars().next_back()) || is_letter(text[at..].chars().next())
    });
    spell(inlines, &mut are_letters);
}

/// Gives the pictures of a heading that has no other words the words that they say.
pub(super) fn say_pictures(inlines: &mut [Inline]) {
    for inline in inlines {
        let Inline::Element(element) = inline else { continue };
        let said = alt(element).filter(|alt| says_something(alt)).map(str::to_owned);
        match said {
            Some(said) => {
                let shown = std::mem::replace(inline, Inline::Text(String::new()));
                *inline = with_alt_text(said, without_alt(shown));
            }
            None => say_pictures(&mut element.children),
        }
    }
}

/// What is said for an element, beside what shows it.
pub(super) fn with_alt_text(said: String, shown: Inline) -> Inline {
    let said = alt_text(said);
    InlineElement {
        name: "span".to_owned(),
        attributes: Vec::new(),
        children: vec![said, shown],
        silent: false,
    }
    .into()
}

/// Words that are spoken and not seen.
pub(super) fn alt_text(said: String) -> Inline {
    InlineElement {
        name: "span".to_owned(),
        attributes: vec![("class".to_owned(), ALT_TEXT.to_owned())],
        children: vec![Inline::Text(said)],
        silent: false,
    }
    .into()
}

/// What a picture says, if that can be a letter or two.
fn letters(element: &InlineElement) -> Option<&str> {
    let alt = alt(element)?;
    let fits =
        (1..=MAX_LETTERS).contains(&alt.chars().count()) && alt.chars().all(char::is_alphanumeric);
    fits.then_some(alt)
}

/// The alternative text of a picture.
pub(super) fn alt(element: &InlineElement) -> Option<&str> {
    let (_, alt) = element.attributes.iter().find(|(name, _)| name == "alt")?;
    (element.name == "img").then_some(alt.trim()).filter(|alt| !alt.is_empty())
}

/// Where in the block's text each picture stands that may be a letter.
fn find(inlines: &[Inline], at: &mut usize, places: &mut Vec<usize>) {
    for inline in inlines {
        match inline {
            Inline::Element(element) if letters(element).is_some() => places.push(*at),
            Inline::Element(element) if !element.silent && !element.children.is_empty() => {
                find(&element.children, at, places);
            }
            other => *at += plain_text(std::slice::from_ref(other)).len(),
        }
    }
}

fn spell(inlines: &mut Vec<Inline>, are_letters: &mut impl Iterator<Item = bool>) {
    for inline in inlines {
        let Inline::Element(element) = inline else { continue };
        if let Some(said) = letters(element).map(str::to_owned) {
            if are_letters.next() == Some(true) {
                let shown = std::mem::replace(inline, Inline::Text(String::new()));
                *inline = with_alt_text(said, without_alt(shown));
            }
        } else if !element.silent {
            spell(&mut element.children, are_letters);
        }
    }
}

/// A picture whose text stands beside it says nothing itself.
pub(super) fn without_alt(mut inline: Inline) -> Inline {
    if let Inline::Element(element) = &mut inline {
        for (name, value) in &mut element.attributes {
            if name == "alt" {
                value.clear();
            }
        }
    }
    inline
}

/// What a formula says: its alternative text, else its annotation. TeX is not for the ear, but its words
/// and numbers say more than glyphs without their order.
pub(super) fn formula(alttext: Option<String>, annotation: Option<String>) -> Option<String> {
    const LONGEST_FORMULA_CHARS: usize = 200;
    let said = alttext.or(annotation)?;
    let plain: String = said
        .chars()
        .map(|c| if matches!(c, '\\' | '{' | '}' | '$' | '^' | '_' | '&' | '~') { ' ' } else { c })
        .collect();
    let words = plain.split_whitespace().filter(|word| *word != "displaystyle");
    let line = words.collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(LONGEST_FORMULA_CHARS).collect();
    (!line.is_empty()).then_some(line)
}

/// Whether an alternative text is more than the name of a file or of the thing itself.
pub(super) fn says_something(alt: &str) -> bool {
    const NOTHING: [&str; 8] =
        ["image", "img", "picture", "photo", "illustration", "figure", "cover", "cover image"];
    let lower = alt.to_lowercase();
    let is_file = lower.rsplit_once('.').is_some_and(|(_, ending)| {
        matches!(ending, "jpg" | "jpeg" | "png" | "gif" | "svg" | "webp" | "bmp")
    });
    is_speakable(alt) && !is_file && !NOTHING.contains(&lower.as_str())
}
