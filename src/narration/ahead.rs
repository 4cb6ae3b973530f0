//! Whole chapters that are made ahead, for nobody who is listening yet.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use app::model::BookId;
use async_trait::async_trait;

use super::plan::{ChapterPlan, Segment};
use super::stream::Recording;
use super::{NarrationError, Narrator};
use crate::clips::waits::WaitError;
use crate::queue::{Class, Job, QueueError};
use crate::speech::{Capacity, VoiceError, overlay};
use crate::text::hash::ContentHash;

/// Sentences of one book that wait in the background lanes at most.
const MAX_AT_ONCE: usize = 64;

/// Chapters whose clips are kept, though nobody hears them now.
#[derive(Debug, Clone)]
pub struct Reserved {
    /// Whose they are.
    pub user: String,
    /// The book.
    pub book: BookId,
    /// Who reads.
    pub voice: String,
    /// Its chapters.
    pub chapters: RangeInclusive<u32>,
}

/// Says what the clean-up is to leave.
#[async_trait]
pub trait Reserves: Send + Sync {
    /// Chapters whose clips are kept.
    async fn reserved(&self) -> Result<Vec<Reserved>, sqlx::Error>;
}

/// Whoever says what the clean-up is to leave, once there is somebody.
pub(super) type Keeper = OnceLock<Arc<dyn Reserves>>;

/// What is to be spoken of a chapter.
#[derive(Debug)]
pub struct ChapterAhead {
    /// Its sentences, each of them once.
    pub jobs: Vec<Job>,
    /// Those that are not there yet, in reading order.
    pub missing: Vec<Job>,
    /// How long what voices have read of it lasts, in milliseconds, and how much that is, in characters.
    pub known: (u64, u64),
    /// How long all lasts that the book brings the sound of, in milliseconds.
    pub recorded_ms: u64,
}

impl Narrator {
    /// From now on the clean-up leaves what `keeper` says.
    pub fn keep_for(&self, keeper: Arc<dyn Reserves>) {
        // There is one; a second would be a mistake that loses nothing.
        let _ = self.shared.keeper.set(keeper);
    }

    /// What is to be spoken of a chapter as the person hears it.
    ///
    /// # Errors
    /// When there is no such chapter or voice.
    pub async fn chapter_ahead(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
    ) -> Result<ChapterAhead, NarrationError> {
        let skipped = self.library.recent_preferences().await?.skipped_in(book);
        let plan = self.plan_worded(book, chapter, voice, skipped.wording).await?;
        let plan = self.read_on(self.as_chosen(plan, skipped, 0).await?).await;
        let mut seen: HashSet<ContentHash> = HashSet::new();
        let jobs = plan.segments.iter().flat_map(Segment::jobs);
        let jobs: Vec<Job> = jobs.filter(|job| seen.insert(job.content)).cloned().collect();
        let known = self.shared.clips.lengths(jobs.iter().map(|job| job.content).collect()).await?;
        let (mut milliseconds, mut characters, mut recorded_ms) = (0, 0, 0);
        for job in &jobs {
            let length = known.get(&job.content).map(|length| length.duration().as_millis() as u64);
            if overlay::is_of(&job.voice) {
                let told = || overlay::length_ms(&job.text).unwrap_or_default().into();
                recorded_ms += length.unwrap_or_else(told);
            } else if let Some(length) = length {
                milliseconds += length;
                characters += job.characters();
            }
        }
        let missing =
            jobs.iter().filter(|job| !known.contains_key(&job.content)).cloned().collect();
        Ok(ChapterAhead { jobs, missing, known: (milliseconds, characters), recorded_ms })
    }

    /// A chapter as the person hears it, as far as it has been made.
    ///
    /// # Errors
    /// When there is no such chapter or voice.
    pub async fn heard_recording(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
    ) -> Result<Recording, NarrationError> {
        let plan = self.heard_plan(book, chapter, voice).await?;
        self.recording_of(&plan, 0).await
    }

    /// When the last sentence of a recording was made, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn made_at_ms(&self, recording: &Recording) -> Result<u64, NarrationError> {
        let made_at = self.shared.clips.assets.made_at_ms(&recording.contents()).await?;
        Ok(made_at.unwrap_or_default())
    }

    /// Whether any sentence of a book has been made, in whatever voice.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn has_clips(&self, book: &BookId) -> Result<bool, NarrationError> {
        Ok(self.shared.clips.assets.has_any_of(book).await?)
    }

    /// A plan in which a voice reads on where the sound that the book brings is known to be damaged.
    pub(super) async fn read_on(&self, plan: Arc<ChapterPlan>) -> Arc<ChapterPlan> {
        let is_damaged = |job: &Job| self.shared.damaged.contains_key(&job.content);
        if !plan.segments.iter().flat_map(Segment::jobs).any(is_damaged) {
            return plan;
        }
        let mut segments = plan.segments.to_vec();
        for (at, segment) in plan.segments.iter().enumerate() {
            if !segment.jobs().iter().any(is_damaged) {
                continue;
            }
            let mut jobs = segment.jobs().to_vec();
            for job in jobs.iter_mut().filter(|job| is_damaged(job)) {
                if let Some(other) = self.instead_of(&plan, job).await {
                    *job = other;
                }
            }
            segments[at] = segment.spoken_as(jobs.into(), false);
        }
        Arc::new(ChapterPlan { segments: segments.into(), ..(*plan).clone() })
    }

    /// What is made of a chapter for a file has another voice here from now on ([`instead_by`](Self::instead_by)): the
    /// sound that the book brings of this sentence is damaged. Another process finds out for itself.
    pub async fn mark_damaged(&self, job: &Job) {
        self.shared.damaged.insert(job.content, ()).await;
    }

    /// A sentence whose sound the book brings, in the voice that reads on where that is damaged; none of other sentences.
    ///
    /// # Errors
    /// When there is no such chapter or voice.
    pub async fn instead_by(&self, voice: &str, job: &Job) -> Result<Option<Job>, NarrationError> {
        let plan = self.plan(&job.book, job.chapter, voice).await?;
        Ok(self.instead_of(&plan, job).await)
    }

    /// Has a sentence made behind all that somebody listens to, and waits until it is there.
    ///
    /// # Errors
    /// When it cannot be made, or the person may not pay for it.
    pub async fn make_ahead(&self, job: &Job) -> Result<(), NarrationError> {
        let mut job = job.clone();
        job.payer = self.payer(&job.voice.engine);
        self.check_allowance(&job).await?;
        self.make_ahead_unpaid(&job).await
    }

    /// The same for nobody in particular: the operator pays.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn make_ahead_unpaid(&self, job: &Job) -> Result<(), NarrationError> {
        self.check_engine(job)?;
        let enqueued =
            self.shared.queue.enqueue(Class::Background, &job.book, std::slice::from_ref(job));
        match enqueued.await {
            Ok(_) => {}
            Err(QueueError::TooManyBooks) => {
                return Err(WaitError::Queue(QueueError::TooManyBooks.to_string()).into());
            }
            Err(error) => return Err(error.into()),
        }
        self.watch(job).await?;
        Ok(self.shared.clips.settle(job).await?)
    }

    /// Refuses what the person may not pay for: so many characters of an engine.
    ///
    /// # Errors
    /// When that is more than is left of their allowance, or they have none.
    pub async fn check_affordable(
        &self,
        engine: &str,
        characters: u64,
    ) -> Result<(), NarrationError> {
        if let Some(payer) = self.payer(engine)
            && let Ok(Some(left)) = self.shared.allowances.left(&payer).await
            && left.characters < characters
        {
            let (allowance, payer) = (left.of, payer.to_string());
            return Err(VoiceError::OverAllowance { allowance, payer }.into());
        }
        Ok(())
    }

    /// Whether a sentence is there by now.
    pub async fn is_made(&self, job: &Job) -> Result<bool, NarrationError> {
        Ok(self.missing(vec![job.clone()]).await?.is_empty())
    }

    /// Takes sentences out of the background lanes of a book again, also those that failed and are to be tried again.
    pub async fn leave_ahead(&self, book: &BookId, jobs: &[Job]) -> Result<(), NarrationError> {
        Ok(self.shared.queue.give_up(book, jobs).await?)
    }

    /// How many sentences of an engine are made ahead at once: half of what a service takes, and all places of the
    /// machines but one on each, so that whoever begins to listen is not kept waiting by what was begun for nobody.
    pub async fn ahead_at_once(&self, engine: &str) -> usize {
        let of_machine = |places: usize| places.saturating_sub(1).max(1);
        let at_once = match self.shared.voices.capacity(engine) {
            Capacity::InAll(most) => most / 2,
            Capacity::InProcess(most) => {
                of_machine(most.min(self.shared.slots)) * self.workers().await
            }
            Capacity::Shared => of_machine(self.shared.slots) * self.workers().await,
        };
        at_once.clamp(1, MAX_AT_ONCE)
    }

    async fn workers(&self) -> usize {
        self.shared.queue.status().await.map_or(1, |status| status.workers.max(1))
    }

    /// The clips that the clean-up is to leave.
    pub(super) async fn reserved(&self) -> Result<Vec<ContentHash>, NarrationError> {
        let Some(keeper) = self.shared.keeper.get() else { return Ok(Vec::new()) };
        let mut contents = Vec::new();
        let mut seen = HashSet::new();
        for Reserved { user, book, voice, chapters } in keeper.reserved().await? {
            let narrator = self.of(self.library.trusted(&user));
            for chapter in chapters {
                if !seen.insert((user.clone(), book.clone(), voice.clone(), chapter)) {
                    continue;
                }
                match narrator.chapter_ahead(&book, chapter, &voice).await {
                    Ok(ahead) => contents.extend(ahead.jobs.iter().map(|job| job.content)),
                    // A book that was deleted, a voice that was removed: there is nothing to keep for it.
                    Err(error) => tracing::debug!(%book, chapter, %error, "nothing is reserved"),
                }
            }
        }
        Ok(contents)
    }
}
