//! Which sentences refer to notes, and which sentences those notes are: so that a note can be read where the text
//! refers to it, wherever in the book it stands.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Parsed;
use super::typeset::Links;
use crate::library::html::{Item, Part};
use crate::text::markup;

/// A note that a sentence refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NoteReference {
    /// The chapter that it stands in, from 1.
    pub chapter: u32,
    /// Its id on the page of that chapter, by which [`Chapter::notes`](super::Chapter::notes) has its sentences.
    pub id: String,
}

/// Ids of a document.
pub(super) type DocumentId = (usize, String);

/// The ids of notes that the text of a book refers to.
pub(super) fn referred(book: &Parsed<'_>, links: &Links<'_>) -> HashSet<DocumentId> {
    let (mut of_notes, mut before) = (HashSet::new(), Vec::new());
    for (document, item) in &book.items {
        match item {
            Item::Anchor(id) => before.push((*document, id.clone())),
            Item::Block { part: Part::Note, .. } => of_notes.extend(before.drain(..)),
            Item::Block { .. } => before.clear(),
            _ => {}
        }
    }
    let references = book.items.iter().flat_map(|(document, item)| match item {
        Item::Block { inlines, part, .. } if *part != Part::Note => {
            let found = markup::silent_links(inlines).into_iter();
            found.filter_map(|(_, href)| links.anchor(*document, href)).collect()
        }
        _ => Vec::new(),
    });
    references.filter(|target| of_notes.contains(target)).collect()
}

/// The notes of a chapter, as they come by in its typesetting.
#[derive(Default)]
pub(super) struct Notes {
    /// Those that begin with the next sentence of a note.
    announced: Vec<Open>,
    open: Vec<Open>,
    found: BTreeMap<String, Range<u32>>,
}

struct Open {
    id: String,
    /// It ends when fewer containers than these are open.
    depth: usize,
    /// Whether the id is that of a container, which has all of the note.
    is_container: bool,
    first: u32,
}

impl Notes {
    /// The target of a reference, which ends when fewer containers than these are open.
    pub(super) fn announce(&mut self, id: String, depth: usize) {
        self.announced.push(Open { id, depth, is_container: false, first: 0 });
    }

    /// A container with an id has opened, and so many are open now: what is announced under it ends with it.
    pub(super) fn opens(&mut self, id: &str, depth: usize) {
        for announced in self.announced.iter_mut().filter(|announced| announced.id == id) {
            announced.depth = depth;
            announced.is_container = true;
        }
    }

    /// A block of sentences begins, with the number of a note that leads back to the text or without.
    pub(super) fn block(&mut self, next: u32, part: Part, is_numbered: bool) {
        if part != Part::Note {
            self.announced.clear();
            self.end(next, |_| true);
            return;
        }
        if self.announced.is_empty() {
            if is_numbered {
                // One that nobody refers to.
                self.end(next, |open| !open.is_container);
            }
            return;
        }
        // A note ends where another begins, unless that stands in it.
        let depth = self.announced.iter().map(|announced| announced.depth).min().unwrap_or(0);
        self.end(next, |open| open.depth >= depth);
        self.open.extend(self.announced.drain(..).map(|open| Open { first: next, ..open }));
    }

    /// A container has closed, and so many are open now.
    pub(super) fn close(&mut self, next: u32, depth: usize) {
        self.end(next, |open| open.depth > depth);
    }

    fn end(&mut self, next: u32, is_over: impl Fn(&Open) -> bool) {
        for Open { id, first, .. } in self.open.extract_if(.., |open| is_over(open)) {
            // Of two with one id the first counts, as links lead to it.
            self.found.entry(id).or_insert(first..next);
        }
    }

    /// The notes by their ids on the page, once the chapter has so many sentences and no more.
    pub(super) fn finish(mut self, sentences: u32) -> BTreeMap<String, Range<u32>> {
        self.end(sentences, |_| true);
        self.found
    }
}
