//! From the plan of a chapter to what a person hears of it, and of the chapters that follow.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use app::model::{BookDetails, BookId, ChapterCard};
use app::preferences::{NoteReading, Skipped};

use super::plan::{ChapterPlan, NoteSentence, is_passed_over};
use super::{NarrationError, Narrator};
use crate::library::LibraryError;
use crate::library::chapters::{Chapter, NoteReference};

/// Chapters that the notes of one chapter stand in, at most: a book has one of them, or one for each of its parts.
const MAX_NOTE_CHAPTERS: usize = 16;
/// Sentences of notes that are read in one chapter, at most.
const MAX_NOTE_SENTENCES: usize = 20_000;

impl Narrator {
    /// A plan as a listener has chosen to hear it: without what is passed over, and with notes where they are to be
    /// read. `from` is where the stream begins, if that is within the chapter.
    ///
    /// # Errors
    /// When the notes of the chapter cannot be read.
    pub async fn as_chosen(
        &self,
        plan: Arc<ChapterPlan>,
        skipped: Skipped,
        from: usize,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        let plan = match skipped.notes {
            NoteReading::AtNumber => self.with_notes(plan).await?,
            NoteReading::There | NoteReading::Skip => plan,
        };
        Ok(plan.skipping(skipped, from))
    }

    /// The plan with each note behind the first sentence that refers to it.
    async fn with_notes(&self, plan: Arc<ChapterPlan>) -> Result<Arc<ChapterPlan>, NarrationError> {
        let texts = self.library.chapter(&plan.book, plan.chapter).await?;
        let mut seen: HashSet<&NoteReference> = HashSet::new();
        let mut references: Vec<(usize, &NoteReference)> = Vec::new();
        for (at, sentence) in texts.sentences.iter().enumerate() {
            let new = sentence.notes.iter().filter(|note| seen.insert(note));
            references.extend(new.map(|note| (at, note)));
        }
        // The file may have been read anew since the plan was made.
        if references.is_empty() || texts.sentences.len() != plan.segments.len() {
            return Ok(plan);
        }
        let mut chapters: HashMap<u32, (Arc<ChapterPlan>, Arc<Chapter>)> =
            [(plan.chapter, (Arc::clone(&plan), Arc::clone(&texts)))].into();
        let card = &self.library.metadata(&plan.book).await?.card;
        for number in references.iter().map(|(_, note)| note.chapter) {
            if chapters.len() > MAX_NOTE_CHAPTERS {
                break;
            }
            if let Entry::Vacant(unknown) = chapters.entry(number) {
                let other = self.plan_of(card, number, &plan.cast, plan.skipped.wording).await?;
                let of_notes = self.library.chapter(&plan.book, number).await?;
                unknown.insert((other.with_rests(plan.rests), of_notes));
            }
        }
        // A sentence that stands in several notes is read with the first of them. A note may have many ids.
        let (mut read, mut notes) = (HashSet::new(), HashSet::new());
        let notes = references.into_iter().filter_map(|(at, note)| {
            let known = chapters.get(&note.chapter);
            let (of_notes, texts) =
                known.filter(|(plan, texts)| plan.segments.len() == texts.sentences.len())?;
            let range = texts.notes.get(&note.id)?;
            if read.len() >= MAX_NOTE_SENTENCES || !notes.insert((note.chapter, range)) {
                return None;
            }
            let spoken = of_notes.note(texts, range.clone());
            let new = spoken.filter(|(sentence, ..)| read.insert((note.chapter, *sentence)));
            Some((at, new.map(|(_, segment, text)| (segment, text.into())).collect()))
        });
        let mut by_sentence: Vec<(usize, Vec<NoteSentence<'_>>)> = Vec::new();
        for (at, mut note) in notes {
            match by_sentence.last_mut().filter(|(before, _)| *before == at) {
                Some((_, notes)) => notes.append(&mut note),
                None => by_sentence.push((at, note)),
            }
        }
        by_sentence.retain(|(_, notes)| !notes.is_empty());
        Ok(Arc::new(plan.with_notes(by_sentence, &texts)))
    }

    /// A chapter as the person hears it: with the rests and without the parts that they have chosen.
    pub(super) async fn heard_plan(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        let preferences = self.library.recent_preferences().await?;
        let skipped = preferences.skipped_in(book);
        let plan = self.plan_worded(book, chapter, voice, skipped.wording).await?;
        self.as_chosen(plan.with_rests(preferences.rests()), skipped, 0).await
    }

    /// The plan of the chapter that the voice goes on with after this one, with the same cast; `None` at the
    /// end of the book.
    pub async fn next_plan(
        &self,
        plan: &ChapterPlan,
    ) -> Result<Option<Arc<ChapterPlan>>, NarrationError> {
        let details = self.library.metadata(&plan.book).await?;
        for next in details.chapters.iter().filter(|next| next.number > plan.chapter) {
            match self.is_heard(&plan.book, next, plan.skipped).await {
                Ok(true) => {}
                Ok(false) => continue,
                Err(LibraryError::NoSuchChapter) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            let wording = plan.skipped.wording;
            let next = self.plan_of(&details.card, next.number, &plan.cast, wording).await;
            return match next {
                Ok(next) => {
                    let next = next.with_rests(plan.rests);
                    let next = self.as_chosen(next, plan.skipped, 0).await?;
                    Ok(Some(match &plan.fallback {
                        Some(fallback) => Arc::new(next.with_fallback(fallback.clone())),
                        None => next,
                    }))
                }
                Err(NarrationError::Library(LibraryError::NoSuchChapter)) => Ok(None),
                Err(error) => Err(error),
            };
        }
        Ok(None)
    }

    /// Whether a voice that runs on reads a chapter when it comes to it.
    async fn is_heard(
        &self,
        book: &BookId,
        chapter: &ChapterCard,
        skipped: Skipped,
    ) -> Result<bool, LibraryError> {
        if skipped.matter && !chapter.matter.is_text() {
            return Ok(false);
        }
        Ok(skipped.notes == NoteReading::There
            || !is_passed_over(&*self.library.chapter(book, chapter.number).await?, skipped))
    }

    /// The chapters of a range that the person hears: without those that they have chosen to pass over, if they ask
    /// for more than one.
    ///
    /// # Errors
    /// When a chapter cannot be read.
    pub async fn heard_chapters(
        &self,
        book: &BookDetails,
        range: &RangeInclusive<u32>,
    ) -> Result<Vec<u32>, NarrationError> {
        let skipped = self.library.recent_preferences().await?.skipped_in(&book.card.id);
        let is_one = range.start() == range.end();
        let mut heard = Vec::new();
        for chapter in book.chapters.iter().filter(|chapter| range.contains(&chapter.number)) {
            if is_one || self.is_heard(&book.card.id, chapter, skipped).await? {
                heard.push(chapter.number);
            }
        }
        Ok(heard)
    }
}
