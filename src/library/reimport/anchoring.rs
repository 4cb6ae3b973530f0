//! Finding a place again in another revision of the same book, by its words.

use std::collections::HashMap;
use std::path::Path;

use app::model::{Annotation, AnnotationKind, BookId, NewAnnotation, Point, Progress};
use scraper::Html;

use crate::library::LibraryError;
use crate::library::chapters::Chapter;
use crate::library::shelf::Shelf;
use crate::text::spoken::is_invisible;

/// Sentences that are tried after and before one that is not there any more.
const NEIGHBOURS: usize = 20;

/// The sentences of a book in reading order.
#[derive(Default)]
pub(super) struct Words {
    /// Chapter, from 1, and sentence of each.
    places: Vec<(u32, u32)>,
    /// What each says on its page, with what is shown and not spoken.
    shown: Vec<String>,
    /// The same without white space and invisible characters.
    squeezed: Vec<String>,
    /// The index at which each chapter begins.
    starts: Vec<usize>,
}

impl Words {
    /// A revision as a child process has just written it.
    pub(super) async fn load(folder: &Path, chapters: usize) -> Result<Self, LibraryError> {
        let mut words = Self::default();
        for number in 1..=chapters {
            let file = folder.join("chapters").join(format!("{number}.json"));
            let chapter: Chapter = serde_json::from_slice(&tokio::fs::read(file).await?)?;
            words.add(number as u32, texts_of(chapter).await?);
        }
        Ok(words)
    }

    fn add(&mut self, number: u32, texts: Vec<String>) {
        self.starts.push(self.places.len());
        for (sentence, text) in (0..).zip(texts) {
            self.places.push((number, sentence));
            self.squeezed.push(squeezed(&text));
            self.shown.push(text);
        }
    }

    /// The index of a sentence; the nearest there is.
    fn index(&self, chapter: u32, sentence: u32) -> usize {
        let chapter = (chapter.max(1) as usize - 1).min(self.starts.len().saturating_sub(1));
        let start = self.starts.get(chapter).copied().unwrap_or(0);
        (start + sentence as usize).min(self.places.len().saturating_sub(1))
    }

    fn place(&self, index: usize) -> (u32, u32) {
        self.places.get(index).copied().unwrap_or((1, 0))
    }

    /// A revision that is on the shelf.
    pub(super) async fn from_shelf(
        shelf: &Shelf,
        id: &BookId,
        revision: u32,
    ) -> Result<Self, LibraryError> {
        let mut words = Self::default();
        for number in 1.. {
            let Some(chapter) = shelf.chapter(id, revision, number).await? else { break };
            words.add(number, texts_of(chapter).await?);
        }
        Ok(words)
    }
}

/// An annotation by its id, as it is in the new revision; none where it is not.
pub(super) type Moved = (String, Option<Annotation>);

/// Two revisions of one book.
pub(super) struct Mapping {
    old: Words,
    new: Words,
    /// Where each text stands in the new revision.
    by_text: HashMap<String, Vec<usize>>,
}

impl Mapping {
    pub(super) fn new(old: Words, new: Words) -> Self {
        let mut by_text: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, text) in new.squeezed.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            by_text.entry(text.clone()).or_default().push(index);
        }
        Self { old, new, by_text }
    }

    /// All places and annotations of the old revision as they are in the new one. This takes its time.
    pub(super) fn moved_all(
        &self,
        places: Vec<(String, Progress)>,
        annotations: Vec<Annotation>,
    ) -> (Vec<(String, Progress)>, Vec<Moved>) {
        let places = places.into_iter().map(|(user, place)| {
            let (chapter, sentence) = self.sentence(place.chapter, place.sentence);
            (user, Progress { chapter, sentence, intra_ms: 0, ..place })
        });
        let annotations = annotations.into_iter().map(|annotation| {
            let id = annotation.id.clone();
            let mark = if annotation.mark.kind.is_direction() {
                self.direction(&annotation.mark)
            } else {
                Some(self.annotation(&annotation.mark))
            };
            (id, mark.map(|mark| Annotation { mark, ..annotation }))
        });
        (places.collect(), annotations.collect())
    }

    /// Where a sentence of the old revision is in the new one.
    pub(super) fn sentence(&self, chapter: u32, sentence: u32) -> (u32, u32) {
        self.new.place(self.moved(self.old.index(chapter, sentence)))
    }

    /// A direction at the same sentences in the new revision; none where their words are not there any more: it
    /// must not be for others.
    fn direction(&self, old: &NewAnnotation) -> Option<NewAnnotation> {
        let (from, to) = (
            self.old.index(old.chapter, old.start.sentence),
            self.old.index(old.chapter, old.end.sentence),
        );
        let (chapter, first) = self.new.place(self.same(from)?);
        let (same, last) = self.new.place(self.same(to)?);
        if same != chapter || last < first {
            return None;
        }
        let text = self.new.shown.get(self.new.index(chapter, last));
        let offset = text.map_or(0, |text| text.encode_utf16().count()) as u32;
        let (start, end) = (Point { sentence: first, offset: 0 }, Point { sentence: last, offset });
        Some(NewAnnotation { chapter, start, end, ..old.clone() })
    }

    /// A bookmark or highlight at its words in the new revision.
    pub(super) fn annotation(&self, old: &NewAnnotation) -> NewAnnotation {
        let near = self.moved(self.old.index(old.chapter, old.start.sentence));
        let found =
            (old.kind == AnnotationKind::Highlight).then(|| self.quote(&old.quote, near)).flatten();
        let (chapter, start, end) = found.unwrap_or_else(|| {
            let (chapter, first) = self.new.place(near);
            let last = self.moved(self.old.index(old.chapter, old.end.sentence)).max(near);
            let (same, last) = self.new.place(last);
            let last = if same == chapter { last } else { first };
            let point = |sentence: u32, offset: u32| {
                let text = self.new.shown.get(self.new.index(chapter, sentence));
                let length = text.map_or(0, |text| text.encode_utf16().count()) as u32;
                Point { sentence, offset: offset.min(length) }
            };
            (chapter, point(first, old.start.offset), point(last, old.end.offset))
        });
        NewAnnotation { chapter, start, end: end.max(start), ..old.clone() }
    }

    /// The sentence of the new revision that an old one became: the same words nearest to where they are
    /// to be expected, else as far from the nearest sentence that is still there as it was.
    fn moved(&self, old: usize) -> usize {
        let last = self.new.shown.len().saturating_sub(1);
        let beside = (0..=NEIGHBOURS).find_map(|distance| {
            let after = self.same(old + distance).map(|at| at.saturating_sub(distance));
            let before = || Some((self.same(old.checked_sub(distance)?)? + distance).min(last));
            after.or_else(before)
        });
        beside.unwrap_or_else(|| self.expected(old))
    }

    /// The place of the same words, else of a sentence that begins with them or that they begin with.
    fn same(&self, old: usize) -> Option<usize> {
        let text = self.old.squeezed.get(old)?;
        if text.is_empty() {
            return None;
        }
        let expected = self.expected(old);
        let nearest =
            |places: &[usize]| places.iter().copied().min_by_key(|at| at.abs_diff(expected));
        if let Some(places) = self.by_text.get(text) {
            return nearest(places);
        }
        // Sentences are cut in other places now, or have lost the number of a note.
        let from = expected.saturating_sub(5 * NEIGHBOURS);
        let to = (expected + 5 * NEIGHBOURS).min(self.new.shown.len());
        let holds = |index: &usize| {
            let new = &self.new.squeezed[*index];
            !new.is_empty() && (new.contains(text.as_str()) || text.starts_with(new.as_str()))
        };
        nearest(&(from..to).filter(holds).collect::<Vec<_>>())
    }

    /// Where a sentence would be if both revisions had the same shape.
    fn expected(&self, old: usize) -> usize {
        let (had, has) = (self.old.shown.len().max(1), self.new.shown.len());
        (old * has / had).min(has.saturating_sub(1))
    }

    /// Where a quotation stands in the chapter of the sentence `near`: the occurrence nearest to it.
    fn quote(&self, quote: &str, near: usize) -> Option<(u32, Point, Point)> {
        let wanted = squeezed(quote);
        if wanted.is_empty() {
            return None;
        }
        let (chapter, _) = self.new.place(near);
        let start = *self.new.starts.get(chapter as usize - 1)?;
        let end = self.new.starts.get(chapter as usize).copied().unwrap_or(self.new.shown.len());
        // The chapter without its white space, and where each of its bytes comes from.
        let (mut text, mut origins) = (String::new(), Vec::new());
        for index in start..end {
            let mut offset = 0;
            for c in self.new.shown[index].chars() {
                if counts(c) {
                    text.push(c);
                    origins.resize(text.len(), (index, offset, c.len_utf16() as u32));
                }
                offset += c.len_utf16() as u32;
            }
        }
        let found = text.match_indices(&wanted).map(|(at, _)| at);
        let at = found.min_by_key(|at| origins[*at].0.abs_diff(near))?;
        let (first, last) = (origins[at], origins[at + wanted.len() - 1]);
        let point =
            |index: usize, offset: u32| Point { sentence: self.new.places[index].1, offset };
        Some((chapter, point(first.0, first.1), point(last.0, last.1 + last.2)))
    }
}

/// A text without white space and invisible characters.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| counts(*c)).collect()
}

fn counts(c: char) -> bool {
    !c.is_whitespace() && !is_invisible(c)
}

/// What stands on the page in the spans of each sentence, found on a thread that may take its time.
async fn texts_of(chapter: Chapter) -> Result<Vec<String>, LibraryError> {
    let texts = move || page_texts(&chapter.html, chapter.sentences.len());
    Ok(tokio::task::spawn_blocking(texts).await?)
}

/// What stands on the page in the spans of each sentence.
fn page_texts(html: &str, count: usize) -> Vec<String> {
    let mut texts = vec![String::new(); count];
    let page = Html::parse_fragment(html);
    for span in page.root_element().descendent_elements() {
        let index = span.attr("data-s").and_then(|index| index.parse::<usize>().ok());
        if let Some(text) = index.and_then(|index| texts.get_mut(index)) {
            text.extend(span.text());
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use app::model::HighlightColour;

    use super::*;

    fn words(chapters: &[&[&str]]) -> Words {
        let mut words = Words::default();
        for (number, sentences) in (1..).zip(chapters) {
            let html = sentences.iter().enumerate();
            let html = html.map(|(n, text)| format!("<p><span data-s=\"{n}\">{text}</span></p>"));
            words.add(number, page_texts(&html.collect::<String>(), sentences.len()));
        }
        words
    }

    fn highlight(chapter: u32, sentence: u32, quote: &str) -> NewAnnotation {
        NewAnnotation {
            kind: AnnotationKind::Highlight,
            chapter,
            start: Point { sentence, offset: 0 },
            end: Point { sentence, offset: 3 },
            quote: quote.to_owned(),
            note: String::new(),
            colour: HighlightColour::Blue,
        }
    }

    #[test]
    fn places_move_with_their_words() {
        let old = words(&[&["One.", "Yes.", "Two. Three.", "Yes.", "Four."]]);
        let new =
            words(&[&["Title", "One.", "Yes."], &["Two.", "Three.", "Yes.", "Four.", "Five."]]);
        let mapping = Mapping::new(old, new);
        assert_eq!(mapping.sentence(1, 0), (1, 1));
        assert_eq!(mapping.sentence(1, 1), (1, 2));
        assert_eq!(mapping.sentence(1, 2), (2, 0), "what was cut is at its beginning");
        assert_eq!(mapping.sentence(1, 3), (2, 2), "the nearest of the same words");
        assert_eq!(mapping.sentence(1, 4), (2, 3));
        assert_eq!(mapping.sentence(9, 99), (2, 3), "what was nowhere is at the end");
    }

    #[test]
    fn highlights_are_found_by_their_quote() {
        let old = words(&[&["He was born in here."], &["Lost words.", "The end."]]);
        let new = words(&[
            &["He was born in <b>1812</b> here.", "He said: born in here."],
            &["The end."],
        ]);
        let mapping = Mapping::new(old, new);
        let moved = mapping.annotation(&highlight(1, 0, "was born"));
        assert_eq!((moved.chapter, moved.start), (1, Point { sentence: 0, offset: 3 }));
        assert_eq!(moved.end, Point { sentence: 0, offset: 11 });
        let moved = mapping.annotation(&highlight(2, 0, "Lost words."));
        assert_eq!(
            (moved.chapter, moved.start.sentence),
            (1, 1),
            "a lost one is where its words were"
        );
        assert!(moved.end >= moved.start);
    }

    #[test]
    fn an_empty_revision_has_one_position() {
        let mapping = Mapping::new(words(&[&["One."]]), words(&[&[]]));
        assert_eq!(mapping.sentence(1, 0), (1, 0));
    }
}
