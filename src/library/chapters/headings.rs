//! Chapters by headings, for books whose contents do not tell them.

use std::borrow::Cow;

use super::{LONG_CHAPTER_CHARS, Located, Parsed};
use crate::library::html::{BlockKind, Item};
use crate::library::import::names::clean;
use crate::text::markup::plain_text;
use crate::text::sentence::is_speakable;

/// Entries made of headings, where the book's own make one chapter at most and it has more to tell: one for each document that begins with a heading, else one for each heading of the highest level
/// that there are several of, if the book is long.
pub(super) fn entries<'m>(
    book: &Parsed<'m>,
    own: &[Located<'m>],
    starts: &[usize],
) -> Option<Vec<Located<'m>>> {
    if starts.len() > 1 {
        return None;
    }
    let openings: Vec<Heading> =
        (0..book.document_starts.len()).filter_map(|document| opening(book, document)).collect();
    if openings.len() > 1 {
        let kept = own.iter().filter(|entry| {
            entry.depth == 0 && openings.iter().all(|opening| opening.document != entry.document)
        });
        let mut entries: Vec<Located<'m>> = kept.cloned().collect();
        entries.extend(as_entries(book, openings));
        entries.sort_by_key(|entry| entry.at);
        return Some(entries);
    }
    if book.chars(0..book.items.len()) <= LONG_CHAPTER_CHARS {
        return None;
    }
    let all = headings(book);
    let several = |level: &u32| all.iter().filter(|heading| heading.level == *level).count() > 1;
    let Some(level) = (1..=6).find(several) else { return by_document(book) };
    let chapters = all.into_iter().filter(|heading| heading.level == level).collect();
    Some(as_entries(book, chapters))
}

/// A chapter for each document that says something, named by its own title, or by the short line that it
/// begins with.
fn by_document<'m>(book: &Parsed<'m>) -> Option<Vec<Located<'m>>> {
    let ends = book.document_starts.iter().skip(1).copied().chain([book.items.len()]);
    let ranges: Vec<_> =
        book.document_starts.iter().zip(ends).map(|(start, end)| *start..end).collect();
    let speaking: Vec<usize> =
        (0..ranges.len()).filter(|document| book.speaks(ranges[*document].clone())).collect();
    if speaking.len() < 2 {
        return None;
    }
    let own_title = |document: usize| book.manuscript.documents[document].parsed.title.as_deref();
    let chapter = |(number, document): (usize, &usize)| {
        let title = own_title(*document).filter(|title| {
            speaking.iter().filter(|other| own_title(**other) == Some(title)).count() == 1
        });
        let first = || {
            let mut blocks = book.blocks(ranges[*document].clone());
            blocks.find(|text| is_speakable(text)).filter(|text| text.chars().count() <= 60)
        };
        let title = title.map(clean).or_else(|| first().map(|text| clean(&text)));
        Heading {
            title: title.unwrap_or_else(|| format!("Chapter {}", number + 1)),
            level: 1,
            document: *document,
            at: ranges[*document].start,
        }
    };
    Some(as_entries(book, speaking.iter().enumerate().map(chapter).collect()))
}

struct Heading {
    title: String,
    /// 1 for `h1`.
    level: u32,
    document: usize,
    /// The item that it is.
    at: usize,
}

fn as_entries<'m>(book: &Parsed<'m>, headings: Vec<Heading>) -> Vec<Located<'m>> {
    let top = headings.iter().map(|heading| heading.level).min().unwrap_or(1);
    let entry = |heading: Heading| Located {
        title: Cow::Owned(heading.title),
        depth: heading.level - top,
        level: heading.level - top,
        fragment: None,
        is_heading: false,
        document: heading.document,
        at: book.before_opening(heading.document, heading.at),
    };
    headings.into_iter().map(entry).collect()
}

/// The heading that a document begins with: nothing is said before it.
fn opening(book: &Parsed<'_>, document: usize) -> Option<Heading> {
    let start = book.document_starts[document];
    let end = book.document_starts.get(document + 1).copied().unwrap_or(book.items.len());
    let mut level = 0;
    for at in start..end {
        match book.items[at].1 {
            Item::Open { name, .. } => level = level_of(name).unwrap_or(level),
            Item::Block { inlines, kind, .. } => {
                let text = clean(&plain_text(inlines));
                if !is_speakable(&text) {
                    continue;
                }
                let is_heading = *kind == BlockKind::Heading;
                // The chapter begins with its document, whatever silent things stand before the heading.
                return is_heading.then_some(Heading { title: text, level, document, at: start });
            }
            _ => {}
        }
    }
    None
}

fn headings(book: &Parsed<'_>) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut level = 0;
    for (at, (document, item)) in book.items.iter().enumerate() {
        match item {
            Item::Open { name, .. } => level = level_of(name).unwrap_or(level),
            Item::Block { inlines, kind: BlockKind::Heading, .. } => {
                let title = clean(&plain_text(inlines));
                if is_speakable(&title) {
                    found.push(Heading { title, level, document: *document, at });
                }
            }
            _ => {}
        }
    }
    found
}

fn level_of(name: &str) -> Option<u32> {
    name.strip_prefix('h')?.parse().ok().filter(|level| (1..=6).contains(level))
}
