//! White space as a browser collapses it.

use std::borrow::Cow;

use crate::text::language::is_east_asian;
use crate::text::markup::Inline;

/// Collapses white space over a whole run as a browser would (CSS Text 3, 4.1), so that a sentence
/// is the same text wherever the source breaks its lines.
pub(super) fn collapse_run(inlines: &mut [Inline]) {
    collapse_after(inlines, true);
    trim_end(inlines);
}

/// A line break between letters of scripts without spaces is none (CSS Text 4, section 4.1.3).
fn join_east_asian_lines(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') || !text.contains(is_east_asian) {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\n') {
        let (line, next) = (
            before.trim_end_matches([' ', '\t', '\r']),
            after.trim_start_matches([' ', '\t', '\r', '\n']),
        );
        if line.ends_with(is_east_asian) && next.starts_with(is_east_asian) {
            joined.push_str(line);
            rest = next;
        } else {
            joined.push_str(before);
            joined.push('\n');
            rest = after;
        }
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

/// Collapses `inlines`, given whether a space or nothing stands before them; returns the same of
/// what follows.
fn collapse_after(inlines: &mut [Inline], mut after_space: bool) -> bool {
    for inline in inlines {
        match inline {
            Inline::Text(shown) => {
                let text = &*shown;
                let mut collapsed = String::with_capacity(text.len());
                let text = join_east_asian_lines(text);
                for c in text.chars() {
                    let is_space = matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}');
                    if !is_space {
                        collapsed.push(c);
                    } else if !after_space {
                        collapsed.push(' ');
                    }
                    after_space = is_space;
                }
                *shown = collapsed;
            }
            Inline::Element(element) if element.name == "br" => after_space = true,
            Inline::Element(element) if element.silent => {
                collapse_run(&mut element.children);
            }
            Inline::Element(element) => {
                after_space = collapse_after(&mut element.children, after_space);
            }
        }
    }
    after_space
}

/// Removes the space at the end of a run; returns whether the end was found.
fn trim_end(inlines: &mut [Inline]) -> bool {
    inlines.iter_mut().rev().any(|inline| match inline {
        Inline::Text(text) => {
            text.truncate(text.trim_end_matches(' ').len());
            !text.is_empty()
        }
        Inline::Element(element) => element.silent || trim_end(&mut element.children),
    })
}
