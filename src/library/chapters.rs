//! From a manuscript to chapters: where the table of contents cuts, what each chapter shows and
//! says, and where links lead.
//!
//! A document without an entry goes on with the chapter before it. A document with several
//! entries is cut at those of its highest level; below that where entries are siblings of ones in
//! other documents (chapters under the title of the book, spread over files by size), and where a
//! chapter would be longer than [`LONG_CHAPTER_CHARS`]. So a subsection of a handbook stays in its
//! chapter, and an anthology in one file still has chapters.
//!
//! A book whose contents say nothing about its chapters is cut at its headings ([`headings`]).

mod headings;
mod matter;
mod notes;
mod overlays;
mod tables;
mod typeset;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use app::model::{ChapterCard, Matter, TocLine};
use serde::{Deserialize, Serialize};

pub use super::html::Part;
use super::html::{BlockKind, Item};
use super::import::ImportError;
use super::import::limits::{MAX_CHAPTERS, MAX_SENTENCES};
use super::import::names::clean;
use super::manuscript::Manuscript;
use super::paths::PathIndex;
use crate::text::markup::plain_text;

pub use notes::NoteReference;
pub use typeset::{Chapter, Pause, Sentence, Sound};

/// A longer chapter is cut at the next level of the table of contents. Nearly two hours of speech:
/// a short story of 50,000 characters is one chapter, an anthology in one file is not.
const LONG_CHAPTER_CHARS: usize = 100_000;

/// What chapters a manuscript has.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// In reading order.
    pub chapters: Vec<ChapterCard>,
    /// The table of contents; every chapter has an entry, a chapter may have several.
    pub toc: Vec<TocLine>,
}

/// Cuts and typesets a manuscript, and hands each chapter, with its number from 1, to `write`: a long book
/// is never in memory as a whole. Links into the book lead to pages of `book_id`.
pub fn compose(
    manuscript: &Manuscript,
    book_id: &str,
    mut write: impl FnMut(u32, &Chapter) -> Result<(), ImportError>,
) -> Result<Contents, ImportError> {
    let book = Parsed::new(manuscript);
    let mut entries = book.locate();
    let mut starts = book.chapter_starts(&entries);
    if let Some(found) = headings::entries(&book, &entries, &starts) {
        starts = book.chapter_starts(&found);
        entries = found;
    }
    book.add_front_matter(&mut starts);
    if starts.len() > MAX_CHAPTERS {
        return Err(ImportError::TooMany { what: "chapters", most: MAX_CHAPTERS });
    }
    let ends = starts.iter().skip(1).copied().chain([book.items.len()]);
    let ranges: Vec<Range<usize>> =
        starts.iter().zip(ends).map(|(start, end)| *start..end).collect();
    let toc = book.toc(&ranges, &entries);
    let titles = chapter_titles(&toc, &entries, ranges.len());
    let links = typeset::Links::new(book_id, manuscript, &book, &ranges);
    let mut open = typeset::OpenContainers::default();
    let (mut chapters, mut sentences) = (Vec::new(), 0);
    for ((range, title), number) in ranges.iter().zip(titles).zip(1..) {
        let title = title.unwrap_or_else(|| book.own_title(range, number));
        let before = open.at(&book, range.start);
        let language = &manuscript.language;
        let chapter =
            typeset::chapter(&book, range.clone(), &before, number, title, &links, language);
        sentences += chapter.sentences.len();
        if sentences > MAX_SENTENCES {
            return Err(ImportError::TooMany { what: "sentences", most: MAX_SENTENCES });
        }
        write(number, &chapter)?;
        chapters.push(ChapterCard {
            number,
            sentences: chapter.sentences.len() as u32,
            characters: chapter.characters() as u32,
            title: chapter.title,
            matter: Matter::Text,
            document: book
                .items
                .get(range.start)
                .map_or(0, |(document, _)| manuscript.documents[*document].position),
        });
    }
    matter::tell(&book, &ranges, &mut chapters);
    Ok(Contents { chapters, toc })
}

/// All documents as one sequence of items.
struct Parsed<'m> {
    manuscript: &'m Manuscript,
    /// Document and item.
    items: Vec<(usize, &'m Item)>,
    /// Item index at which each document begins.
    document_starts: Vec<usize>,
    /// The language of each document that is in another one than the book.
    languages: Vec<Option<&'m str>>,
    /// Item index of each (document, id).
    anchors: HashMap<(usize, &'m str), usize>,
    /// Document index by path.
    documents: PathIndex<usize>,
}

/// A table of contents entry and the item it points to.
#[derive(Clone)]
struct Located<'m> {
    title: Cow<'m, str>,
    depth: u32,
    fragment: Option<&'m str>,
    /// Its level among those that have a target: parts that are only names make no level.
    level: u32,
    /// The name of a part, which leads where the first line below it does.
    is_heading: bool,
    document: usize,
    at: usize,
}

/// Letters of a document that are looked at to tell whether it is in the language that it says.
const BEGINNING_CHARS: usize = 2_000;

impl<'m> Parsed<'m> {
    /// The beginning of a document's text.
    fn beginning(&self, document: usize) -> String {
        let start = self.document_starts[document];
        let own = self.items[start..].iter().take_while(|(of, _)| *of == document);
        let mut text = String::new();
        for (_, item) in own {
            if let Item::Block { inlines, .. } = item {
                text.push_str(&plain_text(inlines));
                text.push(' ');
            }
            if text.len() > BEGINNING_CHARS {
                break;
            }
        }
        text
    }

    fn new(manuscript: &'m Manuscript) -> Self {
        let mut parsed = Self {
            manuscript,
            items: Vec::new(),
            document_starts: Vec::new(),
            languages: Vec::new(),
            anchors: HashMap::new(),
            documents: PathIndex::default(),
        };
        for (index, source) in manuscript.documents.iter().enumerate() {
            parsed.document_starts.push(parsed.items.len());
            // The first of one path counts, and the last inserted into an index.
            if parsed.documents.get(&source.path).is_none() {
                parsed.documents.insert(&source.path, index);
            }
            let language = source.parsed.language.as_deref();
            parsed.languages.push(language.filter(|tag| *tag != manuscript.language));
            for item in &source.parsed.items {
                if let Item::Anchor(id) = item {
                    let at = parsed.items.len();
                    parsed.anchors.entry((index, id)).or_insert(at);
                }
                parsed.items.push((index, item));
            }
        }
        parsed
    }

    /// The entries of the book's own table of contents, less those that lead nowhere.
    fn locate(&self) -> Vec<Located<'m>> {
        // Depths of the names that the entry stands below.
        let mut names: Vec<u32> = Vec::new();
        let located = self.manuscript.toc.iter().filter_map(|entry| {
            names.retain(|depth| *depth < entry.depth);
            let level = entry.depth - names.len() as u32;
            if entry.is_heading {
                names.push(entry.depth);
            }
            let document = self.documents.get(&entry.path)?;
            let fragment = entry.fragment.as_deref();
            let anchor = fragment.and_then(|id| self.anchors.get(&(document, id)).copied());
            let at = anchor.unwrap_or(self.document_starts[document]);
            Some(Located {
                title: Cow::Borrowed(&entry.title),
                depth: entry.depth,
                level,
                fragment,
                is_heading: entry.is_heading,
                document,
                at: self.before_opening(document, at),
            })
        });
        located.collect()
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
        let mut by_document: Vec<Vec<&Located<'_>>> = Vec::new();
        by_document.resize_with(self.document_starts.len(), Vec::new);
        for entry in entries.iter().filter(|entry| !entry.is_heading) {
            by_document[entry.document].push(entry);
        }
        let mut starts = Vec::new();
        for (document, mut inside) in by_document.into_iter().enumerate() {
            inside.sort_by_key(|entry| entry.at);
            let end = self.document_starts.get(document + 1).copied();
            self.cut(&inside, end.unwrap_or(self.items.len()), &mut starts);
        }
        starts.extend(siblings_across_documents(entries).map(|located| located.at));
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// What stands before the first entry is a chapter only when it says something.
    fn add_front_matter(&self, starts: &mut Vec<usize>) {
        match starts.first() {
            None => starts.push(0),
            Some(0) => {}
            Some(first) if self.speaks(0..*first) => starts.insert(0, 0),
            Some(_) => starts[0] = 0,
        }
    }

    /// Cuts one document at its highest entries, and what is still long at the entries below.
    fn cut(&self, entries: &[&Located<'_>], end: usize, starts: &mut Vec<usize>) {
        let Some(top) = entries.iter().map(|located| located.level).min() else {
            return;
        };
        let heads: Vec<usize> =
            (0..entries.len()).filter(|index| entries[*index].level == top).collect();
        // Entries before the first of the top level begin something too.
        if heads.first().is_some_and(|first| *first > 0) {
            starts.push(entries[0].at);
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
            // A cover that says what it is makes no chapter.
            Item::Block { part: Part::Picture, .. } => None,
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
                let anchor = located.fragment.filter(|_| !is_start);
                TocLine {
                    title: located.title.to_string(),
                    depth: located.depth,
                    chapter: chapter as u32,
                    anchor: anchor.map(|id| typeset::page_id(located.document, id)),
                }
            })
            .collect();
        let mut has_line = vec![false; ranges.len() + 1];
        for line in &toc {
            has_line[line.chapter as usize] = true;
        }
        let missing = ranges.iter().zip(1..).filter(|(_, number)| !has_line[*number as usize]);
        let own: Vec<TocLine> = missing
            .map(|(range, number)| TocLine {
                title: self.own_title(range, number),
                depth: 0,
                chapter: number,
                anchor: None,
            })
            .collect();
        // Each goes before the first line of a later chapter.
        let mut own = own.into_iter().peekable();
        let mut merged = Vec::with_capacity(toc.len());
        for line in toc.drain(..) {
            while let Some(before) = own.next_if(|own| own.chapter < line.chapter) {
                merged.push(before);
            }
            merged.push(line);
        }
        merged.extend(own);
        merged
    }

    /// What a chapter without an entry calls itself.
    fn own_title(&self, range: &Range<usize>, number: u32) -> String {
        let heading = self.items[range.clone()].iter().find_map(|(_, item)| match item {
            Item::Block { inlines, kind: BlockKind::Heading, .. } => {
                Some(clean(&plain_text(inlines)))
            }
            _ => None,
        });
        let document = self.items.get(range.start).map(|(document, _)| *document);
        heading
            .filter(|title| !title.is_empty())
            .or_else(|| {
                let title = self.manuscript.documents.get(document?)?.parsed.title.as_deref();
                title.map(clean)
            })
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| format!("Chapter {number}"))
    }
}

/// Entries whose siblings are not all in one document, and those under a single root: what is a
/// chapter in one file is one in the next.
fn siblings_across_documents<'e, 'm>(
    entries: &'e [Located<'m>],
) -> impl Iterator<Item = &'e Located<'m>> {
    let is_root = |located: &&Located<'_>| located.level == 0 && !located.is_heading;
    let roots = entries.iter().filter(is_root).count();
    let mut families: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    let mut ancestors: Vec<usize> = Vec::new();
    for (index, located) in entries.iter().enumerate().filter(|(_, located)| !located.is_heading) {
        while ancestors.last().is_some_and(|last| entries[*last].level >= located.level) {
            ancestors.pop();
        }
        families.entry(ancestors.last().copied()).or_default().push(index);
        ancestors.push(index);
    }
    families.into_iter().flat_map(move |(parent, family)| {
        let is_spread =
            family.iter().any(|index| entries[*index].document != entries[family[0]].document);
        let is_under_root = roots == 1 && parent.is_some_and(|parent| entries[parent].level == 0);
        let siblings = if is_spread || is_under_root { family } else { Vec::new() };
        siblings.into_iter().map(|index| &entries[index])
    })
}

/// Number, from 1, of the chapter that holds an item.
fn chapter_of(ranges: &[Range<usize>], at: usize) -> usize {
    ranges.partition_point(|range| range.start <= at).max(1)
}

/// What the table of contents calls each chapter: the first line that leads to its beginning, and the name
/// of a part only where there is no other. `toc` has a line for each of `entries` and more.
fn chapter_titles(toc: &[TocLine], entries: &[Located<'_>], count: usize) -> Vec<Option<String>> {
    let headings: HashSet<(&str, u32)> = entries
        .iter()
        .filter(|located| located.is_heading)
        .map(|located| (&*located.title, located.depth))
        .collect();
    let mut titles: Vec<Option<(bool, &str)>> = vec![None; count];
    for line in toc.iter().filter(|line| line.anchor.is_none() && !line.title.is_empty()) {
        let is_heading = headings.contains(&(line.title.as_str(), line.depth));
        let title = &mut titles[line.chapter as usize - 1];
        if title.is_none_or(|(was_heading, _)| was_heading && !is_heading) {
            *title = Some((is_heading, &line.title));
        }
    }
    titles.into_iter().map(|title| title.map(|(_, title)| title.to_owned())).collect()
}

#[cfg(test)]
mod tests;
