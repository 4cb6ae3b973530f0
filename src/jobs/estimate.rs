//! What a narration would take, before it begins.

use std::collections::{HashMap, HashSet};

use app::model::{BookDetails, NarrationEstimate};

use super::{JobError, Jobs, Wanted};
use crate::library::Library;
use crate::narration::ChapterAhead;
use crate::text::hash::ContentHash;

/// Characters that a voice says in a second, where nothing of the book is there to measure: 150 words a minute of six
/// characters, as narrators of audiobooks read.
const CHARACTERS_A_SECOND: u64 = 15;
/// Bytes of a second of sound as it is kept: 48 kbit/s.
const BYTES_A_SECOND: u64 = 6_000;

/// What a narration would take, and of whom.
pub(super) struct Prospect {
    pub(super) estimate: NarrationEstimate,
    /// What it costs, in millionths, each sentence rounded as it is when it is booked.
    pub(super) price: u64,
    pub(super) characters_by_engine: HashMap<String, u64>,
}

impl Jobs {
    /// What a narration would take, for whoever has these books.
    ///
    /// # Errors
    /// When there is no such book, chapter or voice.
    pub async fn estimate(
        &self,
        library: &Library,
        wanted: &Wanted,
    ) -> Result<NarrationEstimate, JobError> {
        Ok(self.look(library, wanted).await?.estimate)
    }

    /// What a narration would take, and how many characters of which engine.
    pub(super) async fn look(
        &self,
        library: &Library,
        wanted: &Wanted,
    ) -> Result<Prospect, JobError> {
        let mut characters_by_engine: HashMap<String, u64> = HashMap::new();
        let mut seen: HashSet<ContentHash> = HashSet::new();
        let mut price = 0;
        let book = library.book(&wanted.book).await?;
        let voice = match wanted.voice.as_str() {
            "" => self.usual_voice(&book),
            voice => voice.to_owned(),
        };
        let (first, last) = chapters(&book, wanted)?;
        let narrator = self.shared.narrator.of(library.clone());
        let mut estimate = NarrationEstimate {
            voice,
            first_chapter: first,
            last_chapter: last,
            sentences: 0,
            missing: 0,
            characters: 0,
            cost: 0.0,
            audio_seconds: 0,
            bytes: 0,
            seconds_to_make: None,
        };
        let (mut known_ms, mut known_characters, mut recorded_ms) = (0, 0, 0);
        for chapter in narrator.heard_chapters(&book, &(first..=last)).await? {
            let ahead = narrator.chapter_ahead(&wanted.book, chapter, &estimate.voice).await?;
            let ChapterAhead { jobs, missing, known: (ms, characters), .. } = ahead;
            (known_ms, known_characters) = (known_ms + ms, known_characters + characters);
            recorded_ms += ahead.recorded_ms;
            // What several chapters say is made once.
            let missing: HashSet<_> = missing.iter().map(|job| job.content).collect();
            for job in jobs.iter().filter(|job| seen.insert(job.content)) {
                estimate.sentences += 1;
                if !missing.contains(&job.content) {
                    continue;
                }
                estimate.missing += 1;
                let characters = job.characters();
                estimate.characters += characters;
                *characters_by_engine.entry(job.voice.engine.clone()).or_default() += characters;
                price += self.shared.voices.price_of(&job.voice.engine, characters);
            }
        }
        estimate.cost = price as f64 / 1e6;
        // What is there says how fast this voice reads; otherwise it is guessed.
        let missing_ms = match known_characters {
            0 => estimate.characters * 1000 / CHARACTERS_A_SECOND,
            known => estimate.characters * known_ms / known,
        };
        estimate.audio_seconds = (known_ms + missing_ms + recorded_ms) / 1000;
        estimate.bytes = estimate.audio_seconds * BYTES_A_SECOND;
        let speed = self.shared.rows.speed(&estimate.voice).await?;
        estimate.seconds_to_make = match (estimate.characters, speed) {
            (0, _) => (estimate.missing == 0).then_some(0),
            (characters, speed) => speed.map(|speed| (characters as f64 / speed).ceil() as u64),
        };
        Ok(Prospect { estimate, price, characters_by_engine })
    }

    /// Who reads a book to a person unless somebody else is named: who read it last, or reads by default.
    pub fn usual_voice(&self, book: &BookDetails) -> String {
        let last = book.card.progress.as_ref().and_then(|place| place.voice.clone());
        if let Some(last) = last.filter(|last| !last.is_empty()) {
            return last;
        }
        self.shared.voices.usual_for(&book.card)
    }
}

/// The chapters that are meant.
fn chapters(book: &BookDetails, wanted: &Wanted) -> Result<(u32, u32), JobError> {
    let count = book.card.chapters;
    let (first, last) = wanted.chapters.unwrap_or((1, count));
    let is_there = first >= 1 && first <= last && last <= count;
    is_there.then_some((first, last)).ok_or(JobError::NoSuchChapters(count))
}
