//! What `<br>` means: two in a row end a paragraph, one ends a line of verse or of a heading, and in
//! running text it is a space.

use crate::text::markup::{Inline, InlineElement, line_ends, plain_text};

/// Longest line of what may be verse, in characters; running text has longer ones.
const MAX_VERSE_LINE_CHARS: usize = 70;
/// A text broken into fewer lines than this is not verse for that alone.
const MIN_VERSE_LINES: usize = 3;

/// Cuts a run where two or more `<br>` follow one another, with nothing but white space between them. An
/// element that is cut stands in both parts, its id in the first alone. Breaks at the end of a paragraph end
/// nothing.
pub(super) fn paragraphs(inlines: Vec<Inline>) -> Vec<Vec<Inline>> {
    cut(inlines, Breaks::default(), false).0
}

/// The break around a piece of text that a style sheet has stand on lines of its own. Beside others it is none
/// of its own.
pub(super) fn around() -> Inline {
    let mut line = element();
    line.attributes.push((AROUND.to_owned(), String::new()));
    line.into()
}

/// What marks such a break until the run is cut.
const AROUND: &str = "around";

/// The breaks that follow one another.
#[derive(Clone, Copy, Default)]
struct Breaks {
    written: usize,
    is_around: bool,
}

impl Breaks {
    fn add(&mut self, line: &InlineElement) {
        if line.attributes.iter().any(|(name, _)| name == AROUND) {
            self.is_around = true;
        } else {
            self.written += 1;
        }
    }

    fn is_any(self) -> bool {
        self.written > 0 || self.is_around
    }
}

/// The parts of a run that follows `breaks`, and the breaks that it ends with: those go on with what follows
/// the element that they stand in. `has_text` says whether something stands on the line before it, and then whether
/// something stands on the last one.
fn cut(
    inlines: Vec<Inline>,
    mut breaks: Breaks,
    mut has_text: bool,
) -> (Vec<Vec<Inline>>, Breaks, bool) {
    let mut parts = vec![Vec::new()];
    for inline in inlines {
        match inline {
            Inline::Element(element) if element.name == "br" => breaks.add(&element),
            Inline::Text(text) if breaks.is_any() && is_white(&text) => {}
            Inline::Element(element) if !element.children.is_empty() => {
                if breaks.is_around && breaks.written < 2 {
                    settle(&mut parts, &mut breaks, has_text);
                }
                let begins_with = std::mem::take(&mut breaks);
                let (inner, ends_with, inner_text) = cut(element.children, begins_with, has_text);
                (breaks, has_text) = (ends_with, inner_text);
                for (index, children) in inner.into_iter().enumerate() {
                    let mut attributes = element.attributes.clone();
                    if index > 0 {
                        attributes.retain(|(name, _)| name != "id");
                        parts.push(Vec::new());
                    }
                    let (name, silent) = (element.name.clone(), element.silent);
                    push(&mut parts, InlineElement { name, attributes, children, silent }.into());
                }
            }
            other => {
                settle(&mut parts, &mut breaks, has_text);
                has_text |= !super::is_blank(&other);
                push(&mut parts, other);
            }
        }
    }
    (parts, breaks, has_text)
}

/// Writes one break that stood alone, or begins a new part for several.
fn settle(parts: &mut Vec<Vec<Inline>>, breaks: &mut Breaks, has_text: bool) {
    let Breaks { written, is_around } = std::mem::take(breaks);
    match written {
        // What stands first is on a line of its own anyway.
        0 if !is_around || !has_text => {}
        0 | 1 => push(parts, element().into()),
        _ => parts.push(Vec::new()),
    }
}

fn push(parts: &mut [Vec<Inline>], inline: Inline) {
    if let Some(part) = parts.last_mut() {
        part.push(inline);
    }
}

fn element() -> InlineElement {
    InlineElement {
        name: "br".to_owned(),
        attributes: Vec::new(),
        children: Vec::new(),
        silent: false,
    }
}

fn is_white(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'))
}

/// Whether a block's lines are those of verse or an address: several, all of them short, and nearly all that
/// follow the first beginning with a capital or a number. Sentences that are only set in lines go on with
/// small letters; in scripts that have none nobody can tell, and the lines stay together.
pub(super) fn are_verse(inlines: &[Inline]) -> bool {
    let text = plain_text(inlines);
    let (mut lines, mut going_on, mut start) = (0, 0, 0);
    for end in line_ends(inlines).into_iter().chain([text.len()]) {
        let line = text[start..end].trim();
        if line.chars().count() > MAX_VERSE_LINE_CHARS {
            return false;
        }
        let first = line.chars().find(|c| c.is_alphanumeric());
        let begins_anew = first.is_some_and(|c| c.is_uppercase() || c.is_numeric());
        going_on += usize::from(lines > 0 && !begins_anew);
        lines += 1;
        start = end;
    }
    lines >= MIN_VERSE_LINES && going_on * 4 < lines
}
