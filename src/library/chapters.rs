//! From a manuscript to chapters: where the table of contents cuts, what each chapter shows and
//! says, and where links lead.
//!
//! A document without an entry goes on with the chapter before it. A document with several
//! entries is cut at those of its highest level; below that where entries are siblings of ones in
//! other documents (chapters under the title of the book, spread over files by size), and where a
//! chapter would be longer than [`LONG_CHAPTER_CHARS`]. So a subsection of a handbook stays in its
//! chapter, and an anthology in one file still has chapters.

mod typeset;

use std::collections::HashMap;
use std::ops::Range;

use app::model::TocLine;

use super::html::{self, Item};
use super::manuscript::{Manuscript, SourceTocEntry};
use crate::text::markup::plain_text;

pub use typeset::encode_path;
pub(super) use typeset::resolve_path;
pub use typeset::{Chapter, Pause, Sentence};

/// A longer chapter is cut at the next level of the table of contents. Nearly two hours of speech:
/// a short story of 50,000 characters is one chapter, an anthology in one file is not.
const LONG_CHAPTER_CHARS: usize = 100_000;

/// A manuscript cut into chapters.
#[derive(Debug)]
pub struct Chapters {
    /// In reading order.
    pub chapters: Vec<Chapter>,
    /// The table of contents; every chapter has an entry, a chapter may have several.
    pub toc: Vec<TocLine>,
}

/// Cuts and typesets a manuscript. Links into the book lead to pages of `book_id`.
pub fn compose(manuscript: &Manuscript, book_id: &str) -> Chapters {
    let book = Parsed::new(manuscript);
    let entries = book.locate(&manuscript.toc);
    let mut starts = book.chapter_starts(&entries);
    if starts.first().is_none_or(|start| *start > 0) && !starts.is_empty() {
        // What stands before the first entry is a chapter only when it says something.
        let front = 0..starts[0];
        if book.speaks(front) {
            starts.insert(0, 0);
        } else {
            starts[0] = 0;
        }
    }
    if starts.is_empty() {
        starts.push(0);
    }
    let ranges: Vec<Range<usize>> = starts
        .iter()
        .zip(starts.iter().skip(1).chain([&book.items.len()]))
        .map(|(start, end)| *start..*end)
        .collect();
    let toc = book.toc(&ranges, &entries);
    let links = typeset::Links::new(book_id, manuscript, &book, &ranges);
    let chapters = ranges
        .iter()
        .zip(1..)
        .map(|(range, number)| {
            let title = chapter_title(&toc, number, &book, range);
            typeset::chapter(&book, range.clone(), number, title, &links, &manuscript.language)
        })
        .collect();
    Chapters { chapters, toc }
}

/// All documents as one sequence of items.
struct Parsed {
    items: Vec<(usize, Item)>,
    /// Item index at which each document begins.
    document_starts: Vec<usize>,
    /// `<title>` of each document.
    titles: Vec<Option<String>>,
    /// Item index of each (document, id).
    anchors: HashMap<(usize, String), usize>,
    /// Document index by path.
    documents: HashMap<String, usize>,
}

/// A table of contents entry and the item it points to.
struct Located<'m> {
    entry: &'m SourceTocEntry,
    document: usize,
    at: usize,
}

impl Parsed {
    fn new(manuscript: &Manuscript) -> Self {
        let mut parsed = Self {
            items: Vec::new(),
            document_starts: Vec::new(),
            titles: Vec::new(),
            anchors: HashMap::new(),
            documents: HashMap::new(),
        };
        for (index, source) in manuscript.documents.iter().enumerate() {
            let document = html::parse(&source.html);
            parsed.document_starts.push(parsed.items.len());
            parsed.titles.push(document.title);
            parsed.documents.entry(source.path.clone()).or_insert(index);
            let language = document.language.filter(|tag| *tag != manuscript.language);
            // A document in another language than the book says so to the browser.
            let wrap = language.map(|tag| Item::Open {
                name: "div".to_owned(),
                attributes: vec![("lang".to_owned(), tag)],
            });
            let close = wrap.is_some().then_some(Item::Close);
            for item in wrap.into_iter().chain(document.items).chain(close) {
                if let Item::Anchor(id) = &item {
                    let at = parsed.items.len();
                    parsed.anchors.entry((index, id.clone())).or_insert(at);
                }
                parsed.items.push((index, item));
            }
        }
        parsed
    }

    fn locate<'m>(&self, toc: &'m [SourceTocEntry]) -> Vec<Located<'m>> {
        toc.iter()
            .filter_map(|entry| {
                let document = *self.documents.get(&entry.path)?;
                let anchor = entry
                    .fragment
                    .as_ref()
                    .and_then(|id| self.anchors.get(&(document, id.clone())).copied());
                let at = anchor.unwrap_or(self.document_starts[document]);
                Some(Located { entry, document, at: self.before_opening(document, at) })
            })
            .collect()
    }

    /// Moves a cut in front of the containers that open right before it, so that none is left
    /// empty behind it.
    fn before_opening(&self, document: usize, mut at: usize) -> usize {
        while at > self.document_starts[document]
            && matches!(self.items[at - 1].1, Item::Open { .. } | Item::Anchor(_))
        {
            at -= 1;
        }
        at
    }

    fn chapter_starts(&self, entries: &[Located<'_>]) -> Vec<usize> {
        let mut starts = Vec::new();
        for document in 0..self.document_starts.len() {
            let mut inside: Vec<_> =
                entries.iter().filter(|entry| entry.document == document).collect();
            inside.sort_by_key(|entry| entry.at);
            let end = self.document_starts.get(document + 1).copied();
            self.cut(&inside, end.unwrap_or(self.items.len()), &mut starts);
        }
        starts.extend(siblings_across_documents(entries).map(|located| located.at));
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// Cuts one document at its highest entries, and what is still long at the entries below.
    fn cut(&self, entries: &[&Located<'_>], end: usize, starts: &mut Vec<usize>) {
        let Some(top) = entries.iter().map(|located| located.entry.depth).min() else {
            return;
        };
        let heads: Vec<usize> =
            (0..entries.len()).filter(|index| entries[*index].entry.depth == top).collect();
        // Entries before the first of the top level begin something too.
        if let Some(first) = heads.first().filter(|first| **first > 0) {
            starts.push(entries[0].at);
            debug_assert!(entries[0].at <= entries[*first].at);
        }
        for (position, head) in heads.iter().enumerate() {
            let next = heads.get(position + 1).copied().unwrap_or(entries.len());
            let start = entries[*head].at;
            let stop = entries.get(next).map_or(end, |located| located.at);
            starts.push(start);
            if self.chars(start..stop) > LONG_CHAPTER_CHARS {
                self.cut(&entries[head + 1..next], stop, starts);
            }
        }
    }

    fn chars(&self, range: Range<usize>) -> usize {
        self.blocks(range).map(|text| text.chars().count()).sum()
    }

    fn speaks(&self, range: Range<usize>) -> bool {
        self.blocks(range).any(|text| crate::text::sentence::is_speakable(&text))
    }

    fn blocks(&self, range: Range<usize>) -> impl Iterator<Item = String> {
        self.items[range].iter().filter_map(|(_, item)| match item {
            Item::Block { inlines, .. } => Some(plain_text(inlines)),
            _ => None,
        })
    }

    fn toc(&self, ranges: &[Range<usize>], entries: &[Located<'_>]) -> Vec<TocLine> {
        let mut toc: Vec<TocLine> = entries
            .iter()
            .map(|located| {
                let chapter = chapter_of(ranges, located.at);
                let is_start = ranges[chapter - 1].start == located.at
                    || !self.speaks(ranges[chapter - 1].start..located.at);
                let anchor = located.entry.fragment.as_ref().filter(|_| !is_start);
                TocLine {
                    title: located.entry.title.clone(),
                    depth: located.entry.depth,
                    chapter: chapter as u32,
                    anchor: anchor.map(|id| typeset::page_id(located.document, id)),
                }
            })
            .collect();
        for (range, number) in ranges.iter().zip(1..) {
            if !toc.iter().any(|entry| entry.chapter == number) {
                let at = toc.iter().position(|entry| entry.chapter > number).unwrap_or(toc.len());
                let title = self.own_title(range, number);
                toc.insert(at, TocLine { title, depth: 0, chapter: number, anchor: None });
            }
        }
        toc
    }

    /// What a chapter without an entry calls itself.
    fn own_title(&self, range: &Range<usize>, number: u32) -> String {
        let heading = self.items[range.clone()].iter().find_map(|(_, item)| match item {
            Item::Block { inlines, kind: html::BlockKind::Heading } => Some(plain_text(inlines)),
            _ => None,
        });
        let document = self.items.get(range.start).map_or(0, |(document, _)| *document);
        heading
            .filter(|title| !title.trim().is_empty())
            .or_else(|| self.titles.get(document).cloned().flatten())
            .unwrap_or_else(|| format!("Chapter {number}"))
    }
}

/// Entries whose siblings are not all in one document, and those under a single root: what is a
/// chapter in one file is one in the next.
fn siblings_across_documents<'e, 'm>(
    entries: &'e [Located<'m>],
) -> impl Iterator<Item = &'e Located<'m>> {
    let roots = entries.iter().filter(|located| located.entry.depth == 0).count();
    let mut families: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    let mut ancestors: Vec<usize> = Vec::new();
    for (index, located) in entries.iter().enumerate() {
        while ancestors.last().is_some_and(|last| entries[*last].entry.depth >= located.entry.depth)
        {
            ancestors.pop();
        }
        families.entry(ancestors.last().copied()).or_default().push(index);
        ancestors.push(index);
    }
    families.into_iter().flat_map(move |(parent, family)| {
        let is_spread =
            family.iter().any(|index| entries[*index].document != entries[family[0]].document);
        let is_under_root =
            roots == 1 && parent.is_some_and(|parent| entries[parent].entry.depth == 0);
        let siblings = if is_spread || is_under_root { family } else { Vec::new() };
        siblings.into_iter().map(|index| &entries[index])
    })
}

/// Number, from 1, of the chapter that holds an item.
fn chapter_of(ranges: &[Range<usize>], at: usize) -> usize {
    ranges.partition_point(|range| range.start <= at).max(1)
}

fn chapter_title(toc: &[TocLine], number: u32, book: &Parsed, range: &Range<usize>) -> String {
    toc.iter()
        .filter(|entry| entry.chapter == number && entry.anchor.is_none())
        .map(|entry| entry.title.clone())
        .find(|title| !title.is_empty())
        .unwrap_or_else(|| book.own_title(range, number))
}

#[cfg(test)]
mod tests;
