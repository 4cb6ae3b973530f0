//! What a narration consists of, fed into the background lanes a few sentences at a time.
//!
//! So calling it off, a deleted book or a server that dies costs those few; and whoever goes on looks at what is there,
//! which makes it the same to begin anew.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::model::{BookDetails, NarrationOutput, OVERLAY_VOICE};
use futures::{StreamExt, stream};

use super::packing::{self, PackError, Packer};
use super::rows::{End, Narration, Progress, Rows};
use crate::clips::waits::WaitError;
use crate::library::{Library, LibraryError};
use crate::narration::{NarrationError, Narrator};
use crate::queue::Job;
use crate::speech::{VoiceError, Voices};
use crate::text::hash::ContentHash;

/// Times that sentences are tried that could not be spoken.
const PASSES: usize = 3;
/// Before what failed is tried again.
const PASS_PAUSE: Duration = Duration::from_secs(20);
/// What was asked for and does not come may have been lost with the queue: it is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(120);
/// While the queue is out of reach, or an engine rests.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest that an engine's rest is slept through in one go.
const REST_AT_MOST: Duration = Duration::from_secs(60);
/// Tries that fail and may have cost all the same may go beyond what was agreed to by this part of it.
const MAX_BEYOND: u64 = 20;
/// When more of a hundred sentences cannot be spoken, the whole cannot.
const MAX_FAILED_PER_CENT: u64 = 1;

/// Feeds one narration.
pub(super) struct Feeder<'a> {
    pub(super) narration: &'a Narration,
    /// The narrator as the person has it.
    pub(super) narrator: &'a Narrator,
    pub(super) library: &'a Library,
    pub(super) voices: &'a Voices,
    pub(super) rows: &'a Rows,
    pub(super) packer: Packer<'a>,
    pub(super) state: Mutex<State>,
}

/// How far it is.
pub(super) struct State {
    begun: Instant,
    pub(super) progress: Progress,
    /// Whether all is made, and it becomes a file.
    pub(super) is_packing: bool,
    /// What holds it up, in words.
    pub(super) trouble: String,
    /// What it has cost, with what is being made, in millionths.
    pub(super) spent: u64,
    /// What of it was for tries that failed and may have cost all the same.
    uncertain: u64,
    /// What is in the lanes, or has failed and may be tried again.
    in_hand: Vec<Job>,
}

impl State {
    /// As it was taken up.
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            begun: Instant::now(),
            progress,
            is_packing: false,
            trouble: String::new(),
            spent: progress.cost,
            uncertain: 0,
            in_hand: Vec::new(),
        }
    }
}

impl Feeder<'_> {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is now, and what holds it up.
    pub(super) fn progress(&self) -> (Progress, String) {
        let state = self.state();
        let ran_ms = state.progress.ran_ms + state.begun.elapsed().as_millis() as u64;
        (Progress { ran_ms, ..state.progress }, state.trouble.clone())
    }

    /// Feeds all of it, and says how it ended.
    pub(super) async fn feed(&self) -> End {
        match self.feed_all().await {
            Ok(end) => end,
            Err(error) => ended_by(&error),
        }
    }

    async fn feed_all(&self) -> Result<End, NarrationError> {
        let book = self.library.book(&self.narration.book).await?;
        let range = self.narration.first..=self.narration.last;
        let chapters = self.narrator.heard_chapters(&book, &range).await?;
        self.count(&book, &chapters).await?;
        let mut why = None;
        for pass in 0..PASSES {
            if pass > 0 {
                tokio::time::sleep(PASS_PAUSE).await;
            }
            let mut failed = 0;
            for chapter in &chapters {
                let errors = self.feed_chapter(*chapter).await?;
                failed += errors.len() as u64;
                why = errors.into_iter().next().or(why);
            }
            self.state().progress.failed = failed;
            if failed == 0 {
                break;
            }
        }
        let Progress { total, failed, .. } = self.state().progress;
        if failed * 100 > total * MAX_FAILED_PER_CENT {
            let why = why.map_or_else(String::new, |why| why.to_string());
            return Ok(End::Failed(why));
        }
        if self.narration.output == NarrationOutput::None {
            return Ok(End::Completed);
        }
        // What was made and is not in the store would be missing from the file without a word.
        self.count(&book, &chapters).await?;
        let Progress { total, done, .. } = self.state().progress;
        if total - done > failed {
            let why = "Sentences that were made are not there any more. It goes on with them.";
            return Ok(End::Again(why.to_owned(), super::runner::RETRY[0]));
        }
        self.state().is_packing = true;
        let voice = self.narration.voice.as_str();
        let file = format!("{}-{}", self.narration.id, self.narration.token);
        let names = self.voices.list();
        let name = names.into_iter().find(|known| known.id == voice).map(|known| known.name);
        let own = book.card.read_by.clone().filter(|_| voice == OVERLAY_VOICE);
        let name = own.or(name);
        let wanted = packing::Wanted {
            book: &book,
            range,
            heard: &chapters,
            voice,
            voice_name: name.unwrap_or_else(|| voice.to_owned()),
        };
        let packed = self.packer.pack(&file, self.narration.output, wanted);
        match packed.await {
            Ok(bytes) => {
                self.rows.packed(self.narration, (&file, bytes)).await?;
                Ok(End::Completed)
            }
            Err(PackError::Narration(error)) => Err(error),
            Err(PackError::Library(error)) => Err(error.into()),
            Err(PackError::Send(error)) if error.may_pass() => {
                tracing::warn!(%error, "an audiobook was not taken");
                Ok(End::Again(error.to_string(), super::runner::RETRY[0]))
            }
            Err(PackError::Send(error)) => Ok(End::Failed(error.to_string())),
            Err(PackError::Encoder(why)) => Ok(End::Failed(PackError::Encoder(why).to_string())),
            Err(error) => {
                tracing::error!(%error, "a narration cannot be packed");
                let why = "The file could not be written. The log says why.".to_owned();
                Ok(End::Again(why, super::runner::RETRY[0]))
            }
        }
    }

    /// Looks how much there is, and how much of it is there.
    async fn count(&self, book: &BookDetails, chapters: &[u32]) -> Result<(), NarrationError> {
        let mut all: HashSet<ContentHash> = HashSet::new();
        let mut missing: HashSet<ContentHash> = HashSet::new();
        for chapter in chapters {
            let ahead =
                self.narrator.chapter_ahead(&book.card.id, *chapter, &self.narration.voice).await?;
            all.extend(ahead.jobs.iter().map(|job| job.content));
            missing.extend(ahead.missing.iter().map(|job| job.content));
        }
        let progress = &mut self.state().progress;
        progress.total = all.len() as u64;
        progress.done = (all.len() - missing.len()) as u64;
        Ok(())
    }

    /// Has what is missing of a chapter made, and says what could not be.
    async fn feed_chapter(&self, chapter: u32) -> Result<Vec<VoiceError>, NarrationError> {
        self.state().progress.chapter = chapter;
        let Narration { book, voice, .. } = self.narration;
        let ahead = self.narrator.chapter_ahead(book, chapter, voice).await?;
        let Some(first) = ahead.missing.first() else { return Ok(Vec::new()) };
        let at_once = self.narrator.ahead_at_once(&first.voice.engine).await;
        let made = stream::iter(ahead.missing).map(|job| self.make(job));
        let mut made = made.buffer_unordered(at_once);
        let mut errors = Vec::new();
        while let Some(outcome) = made.next().await {
            errors.extend(outcome?);
        }
        Ok(errors)
    }

    /// Has a sentence made; says why it cannot be. Everything else that fails ends the whole.
    async fn make(&self, job: Job) -> Result<Option<VoiceError>, NarrationError> {
        let characters = job.characters();
        let cost = self.voices.price_of(&job.voice.engine, characters);
        {
            let state = &mut self.state();
            // Something that was there is there no more, or the price has changed. What failed and may have cost all the
            // same is no reason to end, as long as it is little.
            let agreed = u64::try_from(self.narration.max_cost).unwrap_or(0);
            let beyond = state.uncertain.min(agreed / MAX_BEYOND);
            if cost > 0 && state.spent + cost > agreed + beyond {
                let why = "It costs more than was agreed to. Ask for it anew.";
                return Err(NarrationError::Text(why.to_owned()));
            }
            state.spent += cost;
            state.in_hand.retain(|held| held.content != job.content);
            state.in_hand.push(job.clone());
        }
        let outcome = match self.make_patiently(&job).await {
            // What is damaged in a book is no fault of whoever wants to hear it.
            Ok(Some(error)) => self.make_instead(&job, error).await,
            outcome => outcome,
        };
        let mut state = self.state();
        // The queue tries again what failed, until this is given up.
        if matches!(outcome, Ok(None)) {
            state.in_hand.retain(|held| held.content != job.content);
        }
        let is_unpaid = match &outcome {
            Ok(None) => false,
            Ok(Some(error)) => !error.may_have_cost(),
            Err(error) => !error.may_have_cost(),
        };
        if is_unpaid {
            state.spent -= cost;
        } else if !matches!(outcome, Ok(None)) {
            state.uncertain += cost;
        }
        if let Ok(None) = &outcome {
            let progress = &mut state.progress;
            progress.done = (progress.done + 1).min(progress.total);
            progress.made += 1;
            progress.characters += characters;
            progress.cost += cost;
            state.trouble.clear();
        }
        outcome
    }

    /// Has a voice read on where the sound that the book brings is damaged, if that costs nothing: nobody has agreed to
    /// a price.
    async fn make_instead(
        &self,
        job: &Job,
        error: VoiceError,
    ) -> Result<Option<VoiceError>, NarrationError> {
        match self.narrator.instead_by(&self.narration.voice, job).await? {
            Some(other) if !self.voices.costs(&other.voice.engine) => {
                let outcome = self.make_patiently(&other).await;
                if let Ok(None) = outcome {
                    self.narrator.mark_damaged(job).await;
                }
                outcome
            }
            _ => Ok(Some(error)),
        }
    }

    async fn make_patiently(&self, job: &Job) -> Result<Option<VoiceError>, NarrationError> {
        // What does not get on for too long is ended from outside.
        loop {
            let made = tokio::time::timeout(ASK_AGAIN, self.narrator.make_ahead(job)).await;
            let error = match made {
                Ok(Ok(())) => return Ok(None),
                Ok(Err(NarrationError::Wait(WaitError::Voice(error)))) => error,
                Ok(Err(NarrationError::Queue(error))) => {
                    self.state().trouble = error.to_string();
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Ok(Err(NarrationError::Wait(error))) => {
                    self.state().trouble = error.to_string();
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => continue,
            };
            if let VoiceError::NotReady { reason } = error {
                self.state().trouble = reason;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            if matches!(error, VoiceError::OverAllowance { .. } | VoiceError::NoSuchVoice(_)) {
                return Err(NarrationError::Voice(error));
            }
            // An engine that rests takes this one when it is back.
            let Some(rest) = self.narrator.engine_rest(&job.voice.engine).await else {
                return Ok(Some(error));
            };
            self.state().trouble = rest.error.to_string();
            tokio::time::sleep(rest.remaining.clamp(Duration::from_secs(1), REST_AT_MOST)).await;
        }
    }

    /// Takes what is in the lanes out of them again.
    pub(super) async fn leave(&self) {
        let jobs = std::mem::take(&mut self.state().in_hand);
        // Somebody else may wait for the same.
        if jobs.is_empty() || self.rows.is_shared(self.narration).await.unwrap_or(true) {
            return;
        }
        if let Err(error) = self.narrator.leave_ahead(&self.narration.book, &jobs).await {
            tracing::debug!(%error, "sentences of a narration that ended stay in their lanes");
        }
    }
}

/// How a narration ends with an error that no other sentence would mend.
fn ended_by(error: &NarrationError) -> End {
    match error {
        NarrationError::Library(LibraryError::NoSuchBook) => End::Cancelled,
        NarrationError::Database(_) | NarrationError::Clips(_) | NarrationError::Queue(_) => {
            tracing::warn!(%error, "a narration does not get on");
            let why = "The server could not go on with it for a while.".to_owned();
            End::Again(why, super::runner::RETRY[0])
        }
        error => End::Failed(error.to_string()),
    }
}
