//! The queue of sentences: lanes, leases, permits and rests.
//!
//! - Each engine with limits of its own is a [`Pool`] with lanes of its own; the voices that share this
//!   machine's processors are one pool together. A claim names the pools it has room in, so that no engine
//!   keeps another waiting, and the claim is the permit: an engine never has more sentences in hand than it
//!   accepts, of all processes together.
//! - Strict priority within a pool: awaited, prefetch, chapter, background.
//! - Fair: books take turns within a class.
//! - Paid once: of several jobs for the same audio, one is claimed; the others are dropped, because
//!   whoever waits is told by content hash, not by job.
//! - Nothing lost: what is claimed is on its worker's lease. What a worker held that does not renew its
//!   lease is given back by [`recover`](Queue::recover) of any other, and counts as a try.
//! - An engine that asks for it, or fails several times in a row, rests: until then nothing is claimed for
//!   it, and nothing counts as a try. After the rest one sentence tries whether it is back.
//! - What our own stores fail at is no try either, and comes back in a moment.
//! - Tried again: a job that fails comes back after 30 s × 2^n, at most an hour; after the third
//!   try it is a dead letter. A sentence that ended all workers that tried it is refused for an hour.
//! - Bounded: lanes, books and dead letters have a limit, and past it a caller is told or the oldest go.
//!
//! [`memory`] is the queue of one process and [`redis`] the one that many share; [`failover`] is where jobs
//! go in, whichever it is.

pub mod failover;
pub mod memory;
mod positions;
pub mod redis;
pub mod requests;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use app::model::{BookId, ListenerPosition};
use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

pub use crate::clips::job::{Job, Sentence};
pub use crate::redis::{Class, Pool};
use crate::speech::{Effect, VoiceError, registry};
use crate::text::hash::ContentHash;
use requests::{ProgressDelta, RequestStatus};

/// Sentences that may wait in one lane.
pub const MAX_LANE_JOBS: usize = 20_000;
/// Books that may have lanes in one pool at once.
pub const MAX_BOOKS: usize = 10_000;
/// Failed jobs that may wait to be tried again, and dead letters kept; beyond it the oldest go.
pub const MAX_FAILED: usize = 10_000;
/// Times a job is tried before it is a dead letter.
pub const MAX_TRIES: u8 = 3;
/// Failures of an engine in a row after which it rests.
pub const MAX_FAILURES: u32 = 5;
/// A sentence that ended its workers is refused for this long.
pub const ABANDONED_FOR: Duration = Duration::from_secs(3600);
/// Before a job comes back that no engine was asked for, because our own stores were out of reach.
pub const NOT_READY_PAUSE: Duration = Duration::from_secs(5);
/// Sentences of one book that are claimed in one turn, where there is room for many.
pub const TURN: usize = 5;

/// The times of a queue.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// What a worker has claimed is given back when it does not renew its lease for this long.
    pub lease: Duration,
    /// A lock that is not renewed for this long is free; longer than the lease, so that it is the
    /// lease that decides.
    pub lock: Duration,
    /// How often a worker renews its lease and looks after what others left behind.
    pub renewal: Duration,
    /// Before the second try; twice that before the third, and so on.
    pub retry: Duration,
    /// Longest time before another try.
    pub retry_at_most: Duration,
    /// How long an engine rests that failed several times in a row, or that a person has to look after;
    /// twice that the next time, and so on.
    pub rest: Duration,
    /// Longest such rest.
    pub rest_at_most: Duration,
    /// How long a clip stays in the shared cache.
    pub clip: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            lock: Duration::from_secs(60),
            renewal: Duration::from_secs(5),
            retry: Duration::from_secs(30),
            retry_at_most: Duration::from_secs(3600),
            rest: Duration::from_secs(30),
            rest_at_most: Duration::from_secs(120),
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

    /// How long an engine rests the `count`-th time in a row, from 0.
    pub fn rest_after(&self, count: u32) -> Duration {
        (self.rest * 2_u32.pow(count.min(20))).min(self.rest_at_most)
    }
}

impl Job {
    /// Whose lanes it belongs into.
    pub fn pool(&self) -> Pool {
        let engine = &self.voice.engine;
        if registry::is_built_in(engine) { Pool::LOCAL } else { Pool::of_engine(engine) }
    }
}

/// How many sentences of a pool a worker has room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The pool.
    pub pool: Pool,
    /// Sentences of any class.
    pub any: usize,
    /// How many of these may be for nobody who is listening: chapter and background.
    pub ahead: usize,
    /// How many sentences of the pool may be claimed at once, by all workers together.
    pub limit: Option<usize>,
    /// Whether the same processors make the sentences of other pools. The largest room among those that share is what
    /// they have together: what is claimed for one in an exchange is not there for the next.
    pub shares: bool,
}

impl Room {
    /// Room for sentences of any class, without a limit for all workers.
    pub fn of(pool: Pool, any: usize) -> Self {
        Self { pool, any, ahead: any, limit: None, shares: false }
    }

    /// What those that share have together: sentences of any class, and for nobody who is listening.
    pub(crate) fn shared(rooms: &[Self]) -> (usize, usize) {
        let sharing = || rooms.iter().filter(|room| room.shares);
        let most = |of: fn(&Self) -> usize| sharing().map(of).max().unwrap_or(0);
        (most(|room| room.any), most(|room| room.ahead))
    }

    /// The room where others that share it have left so much.
    pub(crate) fn within(&self, (any, ahead): (usize, usize)) -> Self {
        Self { any: self.any.min(any), ahead: self.ahead.min(ahead), ..self.clone() }
    }
}

/// Why the queue refused.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum QueueError {
    /// Too many books are being read.
    #[error("Too many books are being read at once. Try again in a minute.")]
    TooManyBooks,
    /// What keeps the queue cannot be reached or refuses.
    #[error("The queue is out of reach: {0}")]
    Unavailable(String),
}

/// What became of jobs that were enqueued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Enqueued {
    /// How many were added; the others waited there already, or are refused.
    pub added: usize,
    /// Whether the lane is full, and some were left out.
    pub is_full: bool,
}

/// What became of a job that somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It is in its lane, or being made.
    Queued,
    /// It ended every worker that tried it, and is not tried again for a while.
    Refused(VoiceError),
    /// Its engine rests. It is in its lane all the same.
    Resting(Rest),
}

/// An engine that is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Why.
    pub error: VoiceError,
    /// For how long yet.
    pub remaining: Duration,
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
    /// Since when this process has it.
    pub since: Instant,
}

/// A clip, as its worker hands it in.
#[derive(Debug, Clone)]
pub struct Made {
    /// What is in the store by now.
    pub clip: Bytes,
    /// Whether its engine has made it just now. One that was there already says nothing of the engine.
    pub by_engine: bool,
}

/// A claim that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// What was claimed.
    pub claim: Claim,
    /// The clip, or why there is none.
    pub outcome: Result<Made, VoiceError>,
}

/// What becomes of a job whose try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is tried again after so long.
    Retry(Duration),
    /// The same, and this was no try.
    Again(Duration),
    /// It is a dead letter.
    Dead,
    /// Nobody pays for it: it goes, and whoever else wants it asks anew.
    Dropped,
    /// Its engine rests so long, and the job waits.
    Rest(Duration),
    /// Its engine rests until a person looks after it, and the job waits.
    Park,
}

impl Finished {
    /// What becomes of the job, as long as its engine is not failing as a whole. The voices of this machine
    /// do not rest: what they fail at is this sentence.
    pub(crate) fn failure(&self, error: &VoiceError, timing: &Timing) -> Failure {
        let may_rest = self.claim.job.pool() != Pool::LOCAL;
        match error.effect() {
            Effect::NotAsked if error.is_not_ready() => {
                return Failure::Again(NOT_READY_PAUSE.min(timing.retry));
            }
            Effect::NotAsked => return Failure::Dropped,
            Effect::Rest(rest) if may_rest => return Failure::Rest(rest),
            Effect::Parked if may_rest => return Failure::Park,
            _ => {}
        }
        let tries = self.claim.tries.saturating_add(1);
        timing.retry_after(tries, error).map_or(Failure::Dead, Failure::Retry)
    }
}

/// A rest that is so short that whoever waits is better left waiting.
pub const SHORT_REST: Duration = Duration::from_secs(5);

/// Whether whoever waits should hear of a failure: not when another try is a moment away.
pub(crate) fn is_news(error: &VoiceError) -> bool {
    !error.is_not_ready() && !matches!(error.effect(), Effect::Rest(rest) if rest <= SHORT_REST)
}

/// What was claimed.
#[derive(Debug, Default)]
pub struct Claimed {
    /// New claims.
    pub claims: Vec<Claim>,
    /// Whether more may be claimed at once.
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

/// A worker's sign of life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// Where its current job is in its book, or nothing.
    pub current_job: String,
    /// Sentences it is working on.
    pub in_flight: usize,
}

/// A worker that has been heard of lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Names its process.
    pub name: String,
    /// When it was heard of last, in milliseconds since 1970.
    pub seen_at_ms: u64,
    /// What it said.
    pub heartbeat: Heartbeat,
}

/// What waits of one class in one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStatus {
    /// The pool.
    pub pool: Pool,
    /// The class.
    pub class: Class,
    /// Sentences that wait, of all books.
    pub sentences: usize,
    /// For how long the book has waited that was served longest ago. A book with something more urgent waits in that
    /// class.
    pub longest: Option<Duration>,
}

/// Where the active listeners of a book are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// The latest first.
    pub positions: Vec<ListenerPosition>,
    /// Another number each time one of them moves.
    pub version: u64,
}

/// What the listeners of a book need.
#[derive(Debug, Clone, Default)]
pub struct Needed {
    /// In prefetch lanes.
    pub prefetch: HashSet<ContentHash>,
    /// In chapter lanes.
    pub chapter: HashSet<ContentHash>,
}

/// What waits and what is being made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct QueueStatus {
    /// Sentences in prefetch lanes, and those somebody waits for.
    pub prefetch: usize,
    /// Sentences in chapter lanes.
    pub chapter: usize,
    /// Sentences in background lanes.
    pub background: usize,
    /// Sentences claimed and not finished.
    pub in_flight: usize,
    /// Failed sentences that will be tried again.
    pub retry: usize,
    /// Sentences that failed for good.
    pub dead: usize,
    /// Books with sentences waiting, counted for each engine.
    pub books: usize,
    /// The same of the engine that has most of them: each may have as many as there may be.
    pub most_books: usize,
    /// Workers that have been heard of lately.
    pub workers: usize,
    /// Listeners of this server waiting for a clip.
    pub waiters: usize,
}

/// Lanes of sentences, and the leases and permits of those being made.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Appends jobs to a book's lanes; those whose audio already waits there are dropped.
    async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
    ) -> Result<Enqueued, QueueError>;

    /// Puts a job that somebody is waiting for behind those that others are waiting for, ahead of all the
    /// rest, unless it waits there or is being made already.
    async fn enqueue_awaited(&self, job: &Job) -> Result<Asked, QueueError>;

    /// Takes jobs out of a book's lanes of a class, unless a listener of it has moved since `version`.
    async fn withdraw(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
        version: Option<u64>,
    ) -> Result<(), QueueError>;

    /// Takes jobs out of a book's background lanes, and those that failed there out of what is tried again: whoever has
    /// the book made has given up on them.
    async fn give_up(&self, book: &BookId, jobs: &[Job]) -> Result<(), QueueError>;

    /// Drops from a book's prefetch and chapter lanes what its listeners do not need, unless one of them has
    /// moved since `version`: false then, and nothing may have been dropped.
    async fn retain(
        &self,
        book: &BookId,
        needed: &Needed,
        version: u64,
    ) -> Result<bool, QueueError>;

    /// Hands in what is finished, and claims jobs where there is room. After an error nothing is known:
    /// the caller hands the same in again, which does no harm, and [`adopt`](Self::adopt)s what it was
    /// given without hearing of it.
    async fn complete_and_claim(
        &self,
        finished: &[Finished],
        rooms: &[Room],
    ) -> Result<Claimed, QueueError>;

    /// What this worker has been given and does not know of, because the answer was lost.
    async fn adopt(&self, held: &HashSet<String>) -> Result<Vec<Claim>, QueueError>;

    /// Returns when there may be work for somebody with room in these pools.
    async fn work(&self, rooms: &[Room]);

    /// Renews the lease on what this worker holds, and says that it lives. What was lost is taken again, as long as
    /// `is_held` says of its token that it has not ended meanwhile. True when the queue has given the worker more
    /// than that, which it should [`adopt`](Self::adopt) if no answer is on its way.
    async fn renew_leases(
        &self,
        held: &[Claim],
        heartbeat: &Heartbeat,
        is_held: &(dyn for<'t> Fn(&'t str) -> bool + Sync),
    ) -> Result<bool, QueueError>;

    /// Returns to their lanes what workers left that do not renew their leases, and failed jobs that are
    /// due.
    async fn recover(&self) -> Result<(), QueueError>;

    /// Returns when the connection was replaced and leases should be renewed at once.
    async fn reconnected(&self);

    /// Returns claims to the head of their lanes as if they had not been made.
    async fn release(&self, claims: &[Claim]) -> Result<(), QueueError>;

    /// Whether somebody is making a clip.
    async fn is_being_made(&self, content: &ContentHash) -> Result<bool, QueueError>;

    /// Why an engine is left alone, if it is.
    async fn rest(&self, engine: &str) -> Result<Option<Rest>, QueueError>;

    /// Ends the rest of an engine: a person has looked after it.
    async fn end_rest(&self, engine: &str) -> Result<(), QueueError>;

    /// Drops what waits for an engine that is no more.
    async fn forget(&self, engine: &str) -> Result<(), QueueError>;

    /// Adds to the counters of a request. Unknown requests are forgotten ones, unless it has a total.
    async fn record_progress(&self, request: &str, delta: ProgressDelta) -> Result<(), QueueError>;

    /// How far a request has come; `None` when it is not known, or no more.
    async fn request(&self, request: &str) -> Result<Option<RequestStatus>, QueueError>;

    /// Notes where a listener is.
    async fn set_listener_position(&self, position: &ListenerPosition) -> Result<(), QueueError>;

    /// Where a book's active listeners are.
    async fn listeners(&self, book: &BookId) -> Result<Listeners, QueueError>;

    /// What waits and what is being made. Costs the same however much that is.
    async fn status(&self) -> Result<QueueStatus, QueueError>;

    /// What waits, class by class of each pool, and for how long.
    async fn lanes(&self) -> Result<Vec<LaneStatus>, QueueError>;

    /// The workers that have been heard of lately, by name.
    async fn workers(&self) -> Result<Vec<WorkerStatus>, QueueError>;

    /// The jobs that failed for good, the latest first.
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError>;

    /// Puts dead letters back into their lanes, all of them or those of one book; returns how many.
    async fn requeue_dead(&self, book: Option<&BookId>) -> Result<usize, QueueError>;

    /// Throws dead letters away; returns how many.
    async fn discard_dead(&self) -> Result<usize, QueueError>;
}

/// What is said of a job whose workers ended one after another.
pub(crate) fn abandoned() -> VoiceError {
    VoiceError::Failed {
        program: "worker".into(),
        reason: "it stopped each time it worked on this sentence".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_spaced_out_and_end() {
        let timing = Timing::default();
        let broken = VoiceError::NoSuchVoice("x".to_owned());
        let rejected = VoiceError::Rejected { engine: "x".to_owned(), reason: String::new() };
        assert_eq!(timing.retry_after(1, &rejected), None);
        assert_eq!(timing.retry_after(1, &broken), Some(Duration::from_secs(30)));
        assert_eq!(timing.retry_after(2, &broken), Some(Duration::from_secs(60)));
        assert_eq!(timing.retry_after(MAX_TRIES, &broken), None);
        let patient = Timing { retry: Duration::from_secs(3000), ..timing };
        assert_eq!(patient.retry_after(2, &broken), Some(Duration::from_secs(3600)));
        assert_eq!(timing.rest_after(0), Duration::from_secs(30));
        assert_eq!(timing.rest_after(2), Duration::from_secs(120));
        assert_eq!(timing.rest_after(40), Duration::from_secs(120));
    }
}
