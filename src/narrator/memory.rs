//! The queue of a single process: the embedded default, and what a server falls back on while Redis
//! is gone.
//!
//! Every operation is a few map lookups under one std mutex that is never held across an await.
//! What waits here dies with the process; nothing is lost by that, because pages ask again and
//! clips are in the object store.

mod lanes;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::model::{BookId, Place};
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::listeners::Listeners;
use super::queue::{
    Beat, Claim, Class, DeadLetter, Exchange, Finished, Job, MAX_FAILED, Queue, QueueError,
    QueueStatus, Timing,
};
use super::requests::{Advance, REQUEST_EXPIRY_SECONDS, Request, RequestStatus};
use super::waiters::{Outcome, Waiters};
use crate::now_ms;
use crate::text::hash::ContentHash;
use crate::voices::VoiceError;
use lanes::{Lanes, Waiting};

/// The one worker there is, as status has it.
const WORKER: &str = "local";
/// Requests remembered.
const MAX_REQUESTS: usize = 1000;

/// The in-process queue.
pub struct MemoryQueue {
    state: Mutex<State>,
    waiters: Arc<Waiters>,
    listeners: Listeners,
    timing: Timing,
    /// Wakes the worker.
    work: Notify,
}

#[derive(Default)]
struct State {
    prefetch: Lanes,
    chapter: Lanes,
    /// By token.
    leases: HashMap<String, Lease>,
    /// The audio that is being made.
    locked: HashSet<ContentHash>,
    retry: VecDeque<Retry>,
    dead: VecDeque<DeadLetter>,
    requests: HashMap<String, Request>,
    /// Claims made so far; names them.
    claims: u64,
    beaten: Option<Instant>,
}

struct Lease {
    claim: Claim,
    deadline: Instant,
}

struct Retry {
    waiting: Waiting,
    class: Class,
    due: Instant,
}

impl State {
    fn lanes(&mut self, class: Class) -> &mut Lanes {
        match class {
            Class::Prefetch => &mut self.prefetch,
            Class::Chapter => &mut self.chapter,
        }
    }

    /// Whether a book may have lanes.
    fn admit(&self, book: &BookId) -> Result<(), QueueError> {
        let Self { prefetch, chapter, .. } = self;
        let is_known = prefetch.has(book) || chapter.has(book);
        let is_full = prefetch.is_full() || chapter.is_full();
        if is_full && !is_known { Err(QueueError::TooManyBooks) } else { Ok(()) }
    }

    /// The next job whose audio nobody is making.
    fn claim(&mut self, timing: &Timing) -> Option<Claim> {
        loop {
            let prefetch = self.prefetch.take().map(|waiting| (Class::Prefetch, waiting));
            let next = prefetch.or_else(|| Some((Class::Chapter, self.chapter.take()?)));
            let (class, Waiting { job, tries }) = next?;
            if !self.locked.insert(job.content) {
                self.advance(&job, Advance { done: 1, ..Advance::default() });
                continue;
            }
            self.advance(&job, Advance { begun: true, ..Advance::default() });
            self.claims += 1;
            let claim = Claim { job, class, tries, token: self.claims.to_string() };
            let deadline = Instant::now() + timing.lease;
            self.leases.insert(claim.token.clone(), Lease { claim: claim.clone(), deadline });
            return Some(claim);
        }
    }

    /// Notes news of the request a job belongs to.
    fn advance(&mut self, job: &Job, news: Advance) {
        if let Some(request) = job.request.as_deref()
            && let Some(request) = self.requests.get_mut(request)
        {
            request.advance(news, WORKER, now_ms());
        }
    }

    /// Ends a claim; false when it had been given back before.
    fn release(&mut self, claim: &Claim) -> bool {
        let held = self.leases.remove(&claim.token).is_some();
        if held {
            self.locked.remove(&claim.job.content);
        }
        held
    }

    /// Notes a failed try: the job comes back later, or not at all.
    fn fail(&mut self, claim: Claim, error: &VoiceError, timing: &Timing) {
        let Claim { job, class, tries, .. } = claim;
        let tries = tries + 1;
        match timing.retry_after(tries, error) {
            Some(delay) => {
                let due = Instant::now() + delay;
                self.retry.push_back(Retry { waiting: Waiting { job, tries }, class, due });
                bound(&mut self.retry);
            }
            None => {
                self.advance(&job, Advance { failed: 1, ..Advance::default() });
                let died_at_ms = now_ms();
                self.dead.push_back(DeadLetter { job, class, error: error.clone(), died_at_ms });
                bound(&mut self.dead);
            }
        }
    }
}

fn bound<T>(failed: &mut VecDeque<T>) {
    if failed.len() > MAX_FAILED {
        failed.pop_front();
    }
}

impl MemoryQueue {
    /// An empty queue that tells `waiters`.
    pub fn new(waiters: Arc<Waiters>, timing: Timing) -> Self {
        Self {
            state: Mutex::default(),
            waiters,
            listeners: Listeners::default(),
            timing,
            work: Notify::new(),
        }
    }

    /// Takes everything that waits, by class and book.
    pub fn take_all(&self) -> Vec<(Class, BookId, Vec<Job>)> {
        let mut state = self.state();
        let mut all = Vec::new();
        for class in [Class::Prefetch, Class::Chapter] {
            let lanes = state.lanes(class);
            let mut by_book: HashMap<BookId, Vec<Job>> = HashMap::new();
            while let Some(Waiting { job, .. }) = lanes.take() {
                by_book.entry(job.book.clone()).or_default().push(job);
            }
            all.extend(by_book.into_iter().map(|(book, jobs)| (class, book, jobs)));
        }
        for Retry { waiting, class, .. } in state.retry.drain(..) {
            all.push((class, waiting.job.book.clone(), vec![waiting.job]));
        }
        all
    }

    /// Has those who wait for jobs that were taken look and ask again.
    pub fn dismiss<'a>(&self, jobs: impl Iterator<Item = &'a Job>) {
        for job in jobs {
            self.waiters.tell(&job.content, &Ok(()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the maps would still be maps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
    ) -> Result<usize, QueueError> {
        let appended = {
            let mut state = self.state();
            state.admit(book)?;
            state.lanes(class).append(book, jobs)
        };
        // Also when the lane is full: what fitted is there.
        self.work.notify_one();
        appended
    }

    async fn enqueue_first(&self, job: &Job) -> Result<(), QueueError> {
        {
            let mut state = self.state();
            if state.locked.contains(&job.content) {
                return Ok(());
            }
            state.admit(&job.book)?;
            state.prefetch.put_first(Waiting { job: job.clone(), tries: 0 });
        }
        self.work.notify_one();
        Ok(())
    }

    async fn rebuild(
        &self,
        book: &BookId,
        prefetch: &[Job],
        chapter: &[Job],
    ) -> Result<(), QueueError> {
        let rebuilt = {
            let mut state = self.state();
            state.admit(book)?;
            state.prefetch.remove(book);
            state.chapter.remove(book);
            state.prefetch.append(book, prefetch).and(state.chapter.append(book, chapter))
        };
        self.work.notify_one();
        rebuilt.map(drop)
    }

    async fn exchange(&self, finished: &[Finished], free: usize) -> Result<Exchange, QueueError> {
        let mut news: Vec<(ContentHash, Outcome)> = Vec::with_capacity(finished.len());
        let exchange = {
            let mut state = self.state();
            for Finished { claim, outcome } in finished {
                let held = state.release(claim);
                if outcome.is_ok() {
                    state.advance(&claim.job, Advance { done: 1, ..Advance::default() });
                }
                if let Err(error) = outcome
                    && held
                {
                    state.fail(claim.clone(), error, &self.timing);
                }
                news.push((claim.job.content, outcome.as_ref().map(drop).map_err(Clone::clone)));
            }
            let claims = std::iter::from_fn(|| state.claim(&self.timing)).take(free).collect();
            let more = state.prefetch.len() + state.chapter.len() > 0;
            Exchange { claims, more }
        };
        for (content, outcome) in news {
            self.waiters.tell(&content, &outcome);
        }
        if exchange.more {
            // Another worker may have room.
            self.work.notify_one();
        }
        Ok(exchange)
    }

    async fn work(&self) {
        self.work.notified().await;
    }

    async fn upkeep(&self, held: &[Claim], _: &Beat) -> Result<(), QueueError> {
        let now = Instant::now();
        let mut given_up = Vec::new();
        {
            let mut state = self.state();
            state.beaten = Some(now);
            for claim in held {
                if let Some(lease) = state.leases.get_mut(&claim.token) {
                    lease.deadline = now + self.timing.lease;
                }
            }
            let expired = |lease: &&Lease| lease.deadline <= now;
            let lost: Vec<Claim> =
                state.leases.values().filter(expired).map(|lease| lease.claim.clone()).collect();
            for claim in lost {
                state.release(&claim);
                let tries = claim.tries + 1;
                if self.timing.retry_after(tries, &abandoned()).is_some() {
                    let Claim { job, class, .. } = claim;
                    state.lanes(class).put_first(Waiting { job, tries });
                } else {
                    given_up.push(claim.job.content);
                    state.fail(claim, &abandoned(), &self.timing);
                }
            }
            let (due, later) = state.retry.drain(..).partition(|retry: &Retry| retry.due <= now);
            state.retry = later;
            for Retry { waiting, class, .. } in due {
                state.lanes(class).put_last(waiting);
            }
        }
        for content in given_up {
            self.waiters.tell(&content, &Err(abandoned()));
        }
        self.work.notify_one();
        Ok(())
    }

    async fn disturbed(&self) {
        std::future::pending().await
    }

    async fn hand_back(&self, claims: &[Claim]) -> Result<(), QueueError> {
        let mut state = self.state();
        for claim in claims.iter().rev() {
            if state.release(claim) {
                let Claim { job, class, tries, .. } = claim.clone();
                state.lanes(class).put_first(Waiting { job, tries });
            }
        }
        Ok(())
    }

    async fn advance(&self, request: &str, news: Advance) -> Result<(), QueueError> {
        let now = now_ms();
        let requests = &mut self.state().requests;
        if requests.len() >= MAX_REQUESTS {
            let oldest = now.saturating_sub(REQUEST_EXPIRY_SECONDS * 1000);
            requests.retain(|_, request| request.heard_ms >= oldest);
        }
        if news.total.is_some() && requests.len() < MAX_REQUESTS {
            requests.entry(request.to_owned()).or_default();
        }
        if let Some(request) = requests.get_mut(request) {
            request.advance(news, WORKER, now);
        }
        Ok(())
    }

    async fn request(&self, request: &str) -> Result<Option<RequestStatus>, QueueError> {
        Ok(self.state().requests.get(request).map(|request| request.status().clone()))
    }

    async fn arrive(&self, place: &Place) -> Result<(), QueueError> {
        self.listeners.arrive(place);
        Ok(())
    }

    async fn listeners(&self, book: &BookId) -> Result<Vec<Place>, QueueError> {
        Ok(self.listeners.of(book))
    }

    async fn status(&self) -> Result<QueueStatus, QueueError> {
        let waiters = self.waiters.count();
        let state = self.state();
        let books: HashSet<_> = state.prefetch.books().chain(state.chapter.books()).collect();
        let beats = |beaten: Instant| beaten.elapsed() < self.timing.lease;
        Ok(QueueStatus {
            prefetch: state.prefetch.len(),
            chapter: state.chapter.len(),
            in_flight: state.leases.len(),
            retry: state.retry.len(),
            dead: state.dead.len(),
            books: books.len(),
            workers: usize::from(state.beaten.is_some_and(beats)),
            waiters,
        })
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(self.state().dead.iter().rev().cloned().collect())
    }

    async fn requeue_dead(&self, book: Option<&BookId>) -> Result<usize, QueueError> {
        let requeued = {
            let mut state = self.state();
            let chosen = |letter: &DeadLetter| book.is_none_or(|book| letter.job.book == *book);
            let (back, kept): (VecDeque<_>, _) = state.dead.drain(..).partition(chosen);
            state.dead = kept;
            let count = back.len();
            for DeadLetter { job, class, .. } in back {
                state.lanes(class).put_last(Waiting { job, tries: 0 });
            }
            count
        };
        self.work.notify_one();
        Ok(requeued)
    }
}

/// What is said of a job whose workers died one after another.
pub(super) fn abandoned() -> VoiceError {
    VoiceError::Failed {
        program: "worker".into(),
        reason: "it stopped each time it worked on this sentence".to_owned(),
    }
}
