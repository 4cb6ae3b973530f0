//! The interface to lanes, locks and waiters (design section 5).
//!
//! - Strict priority: no chapter sentence is claimed while a prefetch sentence waits.
//! - Fair: books take turns within a class.
//! - Paid once: of several jobs for the same audio, one is claimed; the others are dropped, because
//!   whoever waits is told by content hash, not by job.
//! - Bounded: lanes, books and waiters have a limit, and past it a caller is refused.

use std::sync::Arc;

use app::model::BookId;
use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::text::hash::{ContentHash, VoiceKey};
use crate::voices::VoiceError;

/// Sentences that may wait in one lane.
pub const MAX_LANE_JOBS: usize = 20_000;
/// Books that may have lanes at once.
pub const MAX_BOOKS: usize = 10_000;
/// Clips that may be waited for at once, and listeners that may wait for one of them.
pub const MAX_WAITERS: usize = 100_000;

/// A sentence to be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The book it is in.
    pub book: BookId,
    /// The chapter, from 1.
    pub chapter: u32,
    /// The sentence, from 0.
    pub sentence: u32,
    /// What is spoken, normalised.
    pub text: Arc<str>,
    /// Who speaks.
    pub voice: Arc<VoiceKey>,
    /// The audio this will be.
    pub content: ContentHash,
}

/// What a lane is for; in order of priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The sentences about to be heard.
    Prefetch,
    /// The rest of the chapter and the next.
    Chapter,
}

/// Why the queue refused.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum QueueError {
    /// The lane is full.
    #[error("Too many sentences of this book are waiting to be spoken. Try again in a minute.")]
    LaneFull,
    /// Too many books are being read.
    #[error("Too many books are being read at once. Try again in a minute.")]
    TooManyBooks,
    /// Too many listeners wait.
    #[error("Too many listeners are waiting at once. Try again in a minute.")]
    TooManyWaiters,
}

/// A job that this worker alone is working on, until it is finished.
#[derive(Debug)]
#[must_use = "a claim that is not finished locks its audio"]
pub struct Claim {
    /// What to speak.
    pub job: Job,
}

/// How a claim ended: the clip is in the store, or it could not be made.
pub type Outcome = Result<(), VoiceError>;

/// Someone who waits for a clip.
pub struct Waiter(oneshot::Receiver<Outcome>);

impl Waiter {
    /// A waiter, and the end that tells it.
    pub fn new() -> (oneshot::Sender<Outcome>, Self) {
        let (teller, receiver) = oneshot::channel();
        (teller, Self(receiver))
    }

    /// Returns when the clip has landed or failed. Also returns when nobody is left to tell: the
    /// caller looks again.
    pub async fn landed(self) -> Outcome {
        self.0.await.unwrap_or(Ok(()))
    }
}

/// What waits and what is being made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct QueueStatus {
    /// Sentences in prefetch lanes.
    pub prefetch: usize,
    /// Sentences in chapter lanes.
    pub chapter: usize,
    /// Sentences claimed and not finished.
    pub in_flight: usize,
    /// Listeners waiting for a clip.
    pub waiters: usize,
}

/// Lanes of sentences, the locks on those being made, and those who wait for them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Appends jobs to a book's lane; those whose audio already waits there are dropped.
    async fn enqueue(&self, class: Class, book: &BookId, jobs: Vec<Job>) -> Result<(), QueueError>;

    /// Puts a job that someone is waiting for at the head of its book's prefetch lane, unless it
    /// is being made already.
    async fn enqueue_first(&self, job: Job) -> Result<(), QueueError>;

    /// Replaces both lanes of a book.
    async fn rebuild(
        &self,
        book: &BookId,
        prefetch: Vec<Job>,
        chapter: Vec<Job>,
    ) -> Result<(), QueueError>;

    /// Takes the next job and the lock on its audio; waits until there is one.
    async fn claim(&self) -> Claim;

    /// Releases the lock and tells everyone who waits how it ended.
    async fn finish(&self, claim: Claim, outcome: Outcome);

    /// Registers for the end of the next claim on this audio.
    async fn wait(&self, content: ContentHash) -> Result<Waiter, QueueError>;

    /// What waits and what is being made.
    async fn status(&self) -> Result<QueueStatus, QueueError>;
}
