//! The interface to lanes, leases, locks and waiters.
//!
//! - Strict priority: no chapter sentence is claimed while a prefetch sentence waits.
//! - Fair: books take turns within a class.
//! - Paid once: of several jobs for the same audio, one is claimed; the others are dropped, because
//!   whoever waits is told by content hash, not by job.
//! - Nothing lost: what is claimed is on a lease. A lease that nobody renews is given back by
//!   [`upkeep`](Queue::upkeep) of any worker, and counts as a try.
//! - Tried again: a job that fails comes back after 30 s × 2^n, at most an hour; after the third
//!   try it is a dead letter.
//! - Bounded: lanes, books, waiters and dead letters have a limit, and past it a caller is refused
//!   or the oldest go.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use app::model::{BookId, Place};
use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use super::requests::{Advance, RequestStatus};
use crate::redis::keys::ClipName;
use crate::text::hash::{ContentHash, Context, VoiceKey};
use crate::voices::VoiceError;

/// Sentences that may wait in one lane.
pub const MAX_LANE_JOBS: usize = 20_000;
/// Books that may have lanes at once.
pub const MAX_BOOKS: usize = 10_000;
/// Failed jobs that may wait to be tried again, and dead letters kept; beyond it the oldest go.
pub const MAX_FAILED: usize = 10_000;
/// Times a job is tried before it is a dead letter.
pub const MAX_TRIES: u8 = 3;

/// The times of a queue.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A claim that is not renewed for this long is given back.
    pub lease: Duration,
    /// A lock that is not renewed for this long is free; longer than the lease, so that it is the
    /// lease that decides.
    pub lock: Duration,
    /// How often a worker renews what it holds and looks after what others left behind.
    pub upkeep: Duration,
    /// Before the second try; twice that before the third, and so on.
    pub retry: Duration,
    /// Longest time before another try.
    pub retry_at_most: Duration,
    /// How long a clip stays in the shared cache.
    pub clip: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            lock: Duration::from_secs(60),
            upkeep: Duration::from_secs(5),
            retry: Duration::from_secs(30),
            retry_at_most: Duration::from_secs(3600),
            clip: Duration::from_secs(86_400),
        }
    }
}

impl Timing {
    /// How long after the `tries`-th try, which failed with `error`, the next is due; `None` when there is
    /// none, because there were enough or another would fail as well.
    pub fn retry_after(&self, tries: u8, error: &VoiceError) -> Option<Duration> {
        let doublings = u32::from(tries.saturating_sub(1)).min(20);
        (tries < MAX_TRIES && error.may_pass())
            .then(|| (self.retry * 2_u32.pow(doublings)).min(self.retry_at_most))
    }
}

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
    /// What is spoken around it, if the voice sounds different for it.
    pub context: Option<Arc<Context>>,
    /// Who speaks.
    pub voice: Arc<VoiceKey>,
    /// The audio this will be.
    pub content: ContentHash,
    /// The request it belongs to, if somebody may ask how far that has come.
    pub request: Option<Arc<str>>,
}

impl Job {
    /// What names its clip within its book.
    pub fn clip_name(&self) -> ClipName {
        ClipName::new(&self.voice, &self.text, self.context.as_deref())
    }
}

/// What a lane is for; in order of priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The sentences about to be heard.
    Prefetch,
    /// The rest of the chapter and the next.
    Chapter,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefetch => "prefetch",
            Self::Chapter => "chapter",
        })
    }
}

/// Neither `prefetch` nor `chapter`.
#[derive(Debug, Error)]
#[error("a class is prefetch or chapter")]
pub struct InvalidClass;

impl FromStr for Class {
    type Err = InvalidClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "prefetch" => Ok(Self::Prefetch),
            "chapter" => Ok(Self::Chapter),
            _ => Err(InvalidClass),
        }
    }
}

/// Why the queue refused.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum QueueError {
    /// The lane is full.
    #[error("Too many sentences of this book are waiting to be spoken. Try again in a minute.")]
    LaneFull,
    /// Too many books are being read.
    #[error("Too many books are being read at once. Try again in a minute.")]
    TooManyBooks,
    /// What keeps the queue cannot be reached or refuses.
    #[error("The queue is out of reach: {0}")]
    Unavailable(String),
}

/// A job that one worker alone is working on, until it is finished or its lease runs out.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What to speak.
    pub job: Job,
    /// The lane it came from.
    pub class: Class,
    /// Times it was tried before.
    pub tries: u8,
    /// Names this claim, and nobody else's.
    pub token: String,
}

/// A claim that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// What was claimed.
    pub claim: Claim,
    /// The clip, which is in the store by now, or why there is none.
    pub outcome: Result<Bytes, VoiceError>,
}

/// What an exchange brought.
#[derive(Debug, Default)]
pub struct Exchange {
    /// New claims.
    pub claims: Vec<Claim>,
    /// Whether more work may be waiting.
    pub more: bool,
}

/// A job that failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// What could not be spoken.
    pub job: Job,
    /// The lane it came from.
    pub class: Class,
    /// Why.
    pub error: VoiceError,
    /// When it failed last, in milliseconds since 1970.
    pub died_at_ms: u64,
}

/// A worker, for its heartbeat.
#[derive(Debug, Clone, Default)]
pub struct Beat {
    /// Where its current job is in its book, or nothing.
    pub current_job: String,
    /// Sentences it is working on.
    pub in_flight: usize,
}

/// What waits and what is being made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct QueueStatus {
    /// Sentences in prefetch lanes.
    pub prefetch: usize,
    /// Sentences in chapter lanes.
    pub chapter: usize,
    /// Sentences claimed and not finished.
    pub in_flight: usize,
    /// Failed sentences that will be tried again.
    pub retry: usize,
    /// Sentences that failed for good.
    pub dead: usize,
    /// Books with sentences waiting.
    pub books: usize,
    /// Workers that have been heard of lately.
    pub workers: usize,
    /// Listeners of this server waiting for a clip.
    pub waiters: usize,
}

/// Lanes of sentences, the leases and locks on those being made, and those who wait for them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Appends jobs to a book's lane; those whose audio already waits there are dropped. Returns how
    /// many were not.
    async fn enqueue(&self, class: Class, book: &BookId, jobs: &[Job])
    -> Result<usize, QueueError>;

    /// Puts a job that someone is waiting for at the head of its book's prefetch lane, unless it
    /// is being made already.
    async fn enqueue_first(&self, job: &Job) -> Result<(), QueueError>;

    /// Replaces both lanes of a book.
    async fn rebuild(
        &self,
        book: &BookId,
        prefetch: &[Job],
        chapter: &[Job],
    ) -> Result<(), QueueError>;

    /// Hands in what is finished, and claims up to `free` jobs. After an error nothing is known:
    /// the caller hands the same in again, which does no harm.
    async fn exchange(&self, finished: &[Finished], free: usize) -> Result<Exchange, QueueError>;

    /// Returns when there may be work.
    async fn work(&self);

    /// Renews what this worker holds, tells that it lives, and returns what others left behind to
    /// its lanes: expired leases, and failed jobs that are due.
    async fn upkeep(&self, held: &[Claim], beat: &Beat) -> Result<(), QueueError>;

    /// Returns when leases may have been lost and should be renewed at once.
    async fn disturbed(&self);

    /// Returns claims to the head of their lanes as if they had not been made.
    async fn hand_back(&self, claims: &[Claim]) -> Result<(), QueueError>;

    /// Notes news of a request. Unknown requests are forgotten ones, unless the news has a total.
    async fn advance(&self, request: &str, news: Advance) -> Result<(), QueueError>;

    /// How far a request has come; `None` when it is not known, or no more.
    async fn request(&self, request: &str) -> Result<Option<RequestStatus>, QueueError>;

    /// Notes where a listener is.
    async fn arrive(&self, place: &Place) -> Result<(), QueueError>;

    /// The places of a book's active listeners, the latest first.
    async fn listeners(&self, book: &BookId) -> Result<Vec<Place>, QueueError>;

    /// What waits and what is being made.
    async fn status(&self) -> Result<QueueStatus, QueueError>;

    /// The jobs that failed for good, the latest first.
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError>;

    /// Puts dead letters back into their lanes, all of them or those of one book; returns how many.
    async fn requeue_dead(&self, book: Option<&BookId>) -> Result<usize, QueueError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_spaced_out_and_end() {
        let timing = Timing::default();
        let broken = VoiceError::NoSuchVoice("x".to_owned());
        let refused = VoiceError::Refused { engine: "x".to_owned(), reason: String::new() };
        assert_eq!(timing.retry_after(1, &refused), None);
        assert_eq!(timing.retry_after(1, &broken), Some(Duration::from_secs(30)));
        assert_eq!(timing.retry_after(2, &broken), Some(Duration::from_secs(60)));
        assert_eq!(timing.retry_after(MAX_TRIES, &broken), None);
        let patient = Timing { retry: Duration::from_secs(3000), ..timing };
        assert_eq!(patient.retry_after(2, &broken), Some(Duration::from_secs(3600)));
    }
}
