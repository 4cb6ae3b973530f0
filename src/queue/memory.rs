//! The queue of a single process: the embedded default, and what a server falls back on while Redis
//! is gone.
//!
//! Every operation is a few map lookups under one std mutex that is never held across an await.
//! What waits here dies with the process; nothing is lost by that, because pages ask again and
//! clips are in the object store.

mod lanes;
mod pool;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::model::{BookId, ListenerPosition};
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::positions::Positions;
use super::requests::{ProgressDelta, REQUEST_EXPIRY_SECONDS, Request, RequestStatus};
use super::{
    ABANDONED_FOR, Asked, Claim, Claimed, Class, DeadLetter, Enqueued, Failure, Finished,
    Heartbeat, Job, LaneStatus, Listeners, MAX_FAILED, Needed, Pool, Queue, QueueError,
    QueueStatus, Rest, Room, Timing, WorkerStatus, abandoned, is_news,
};
use crate::clips::waits::{Outcome, Waits};
use crate::speech::{Effect, VoiceError};
use crate::text::hash::ContentHash;
use crate::time::now_ms;
use lanes::Waiting;
use pool::PoolState;

/// The one worker there is, as status has it.
const WORKER: &str = "local";
/// Requests remembered.
const MAX_REQUESTS: usize = 1000;
/// A worker without work looks by itself after this long: an engine may have rested enough.
const IDLE: Duration = Duration::from_secs(1);

/// The in-process queue.
pub struct MemoryQueue {
    state: Mutex<State>,
    waits: Arc<Waits>,
    positions: Positions,
    timing: Timing,
    /// Wakes the worker.
    work: Notify,
}

#[derive(Default)]
struct State {
    pools: HashMap<Pool, PoolState>,
    /// By token.
    leases: HashMap<String, Lease>,
    /// The audio that is being made.
    making: HashSet<ContentHash>,
    retry: VecDeque<Retry>,
    dead: VecDeque<DeadLetter>,
    /// Sentences that are refused, and until when.
    abandoned: HashMap<ContentHash, Instant>,
    requests: HashMap<String, Request>,
    /// Claims made so far; names them.
    claims: u64,
    /// What the worker said last, and when.
    renewed: Option<(Instant, WorkerStatus)>,
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
    fn pool(&mut self, pool: Pool) -> &mut PoolState {
        self.pools.entry(pool).or_default()
    }

    fn pool_of(&mut self, job: &Job) -> &mut PoolState {
        self.pool(job.pool())
    }

    fn is_abandoned(&self, content: &ContentHash) -> bool {
        self.abandoned.get(content).is_some_and(|until| *until > Instant::now())
    }

    /// Claims in one pool, jobs whose audio nobody is making.
    fn claim(&mut self, room: &Room, timing: &Timing, claims: &mut Vec<Claim>) {
        let Some(free) = self.pools.get(&room.pool).map(|pool| pool.room(room)) else { return };
        let mut taken = 0;
        while taken < free {
            let pool = self.pool(room.pool.clone());
            let Some((class, Waiting { job, tries })) = pool.take(taken >= room.ahead) else {
                return;
            };
            if !self.making.insert(job.content) {
                self.record(&job, ProgressDelta { done: 1, ..ProgressDelta::default() });
                continue;
            }
            taken += 1;
            self.record(&job, ProgressDelta { begun: true, ..ProgressDelta::default() });
            self.claims += 1;
            let token = self.claims.to_string();
            self.pool(room.pool.clone()).permits.insert(token.clone());
            let since = std::time::Instant::now();
            let claim = Claim { job, class, tries, token, since };
            let deadline = Instant::now() + timing.lease;
            self.leases.insert(claim.token.clone(), Lease { claim: claim.clone(), deadline });
            claims.push(claim);
        }
    }

    /// Adds to the counters of the request that a job belongs to.
    fn record(&mut self, job: &Job, delta: ProgressDelta) {
        if let Some(request) = job.request.as_deref()
            && let Some(request) = self.requests.get_mut(request)
        {
            request.record(delta, WORKER, now_ms());
        }
    }

    /// Ends a claim; false when it had been given back before.
    fn end(&mut self, claim: &Claim) -> bool {
        let held = self.leases.remove(&claim.token).is_some();
        if held {
            self.making.remove(&claim.job.content);
            self.pool_of(&claim.job).permits.remove(&claim.token);
        }
        held
    }

    /// Notes a failed try: the job comes back, or not at all.
    fn fail(&mut self, finished: &Finished, error: &VoiceError, timing: &Timing) {
        let Claim { job, class, tries, .. } = finished.claim.clone();
        let failure = finished.failure(error, timing);
        let failure = match job.pool() {
            Pool::LOCAL => failure,
            pool => self.pool(pool).failed(failure, error, timing),
        };
        let tried = tries;
        let tries = tries + 1;
        match failure {
            Failure::Again(delay) => {
                let due = Instant::now() + delay;
                self.retry.push_back(Retry { waiting: Waiting { job, tries: tried }, class, due });
                bound(&mut self.retry);
            }
            Failure::Retry(delay) => {
                metrics::counter!("earmark_retries_total").increment(1);
                let due = Instant::now() + delay;
                self.retry.push_back(Retry { waiting: Waiting { job, tries }, class, due });
                bound(&mut self.retry);
            }
            Failure::Dead => self.bury(job, class, error),
            Failure::Dropped => {
                self.record(&job, ProgressDelta { failed: 1, ..ProgressDelta::default() })
            }
            // Its engine as a whole does not speak, so this was no try. The next one tries another sentence,
            // in case it is this one that the engine stumbles over.
            Failure::Rest(_) | Failure::Park => {
                let waiting = Waiting { tries: tried, job };
                let lane = self.pool_of(&waiting.job).lane(class);
                if error.effect() == Effect::Failing {
                    lane.put_last(&finished.claim.job.book, waiting);
                } else {
                    lane.put_first(waiting);
                }
            }
        }
    }

    fn bury(&mut self, job: Job, class: Class, error: &VoiceError) {
        self.record(&job, ProgressDelta { failed: 1, ..ProgressDelta::default() });
        let died_at_ms = now_ms();
        self.dead.push_back(DeadLetter { job, class, error: error.clone(), died_at_ms });
        bound(&mut self.dead);
    }

    /// Gives back what is on leases that nobody renews; the content of what has ended too many workers.
    fn give_back_expired(&mut self, timing: &Timing) -> Vec<ContentHash> {
        let now = Instant::now();
        let expired = self.leases.values().filter(|lease| lease.deadline <= now);
        let lost: Vec<Claim> = expired.map(|lease| lease.claim.clone()).collect();
        let mut given_up = Vec::new();
        metrics::counter!("earmark_leases_lost_total").increment(lost.len() as u64);
        for claim in lost {
            self.end(&claim);
            let Claim { job, class, tries, .. } = claim;
            let tries = tries + 1;
            if timing.retry_after(tries, &abandoned()).is_some() {
                self.pool_of(&job).lane(class).put_first(Waiting { job, tries });
            } else {
                self.abandoned.retain(|_, until| *until > now);
                self.abandoned.insert(job.content, now + ABANDONED_FOR);
                given_up.push(job.content);
                self.bury(job, class, &abandoned());
            }
        }
        given_up
    }

    fn return_due(&mut self) {
        let now = Instant::now();
        let (due, later) = self.retry.drain(..).partition(|retry: &Retry| retry.due <= now);
        self.retry = later;
        for Retry { waiting, class, .. } in due {
            let book = waiting.job.book.clone();
            self.pool_of(&waiting.job).lane(class).put_last(&book, waiting);
        }
    }
}

fn bound<T>(failed: &mut VecDeque<T>) {
    if failed.len() > MAX_FAILED {
        failed.pop_front();
    }
}

impl MemoryQueue {
    /// An empty queue that tells `waits`.
    pub fn new(waits: Arc<Waits>, timing: Timing) -> Self {
        Self {
            state: Mutex::default(),
            waits,
            positions: Positions::default(),
            timing,
            work: Notify::new(),
        }
    }

    /// Takes everything that waits, by class and book.
    pub fn take_all(&self) -> Vec<(Class, BookId, Vec<Job>)> {
        let mut state = self.state();
        let mut all: HashMap<(Class, BookId), Vec<Job>> = HashMap::new();
        for pool in state.pools.values_mut() {
            for class in Class::ALL {
                while let Some(Waiting { job, .. }) = pool.lane(class).take() {
                    all.entry((class, job.book.clone())).or_default().push(job);
                }
            }
        }
        for Retry { waiting: Waiting { job, .. }, class, .. } in state.retry.drain(..) {
            all.entry((class, job.book.clone())).or_default().push(job);
        }
        all.into_iter().map(|((class, book), jobs)| (class, book, jobs)).collect()
    }

    /// Has those who wait for jobs that were taken look and ask again.
    pub fn wake_waiters<'a>(&self, jobs: impl Iterator<Item = &'a Job>) {
        for job in jobs {
            self.waits.publish(&job.content, &Ok(()));
        }
    }

    /// The worker, if it was heard of lately.
    fn living<'a>(&self, state: &'a State) -> Option<&'a WorkerStatus> {
        let (renewed, worker) = state.renewed.as_ref()?;
        (renewed.elapsed() < self.timing.lease).then_some(worker)
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
    ) -> Result<Enqueued, QueueError> {
        let mut enqueued = Enqueued::default();
        {
            let mut state = self.state();
            for chunk in jobs.chunk_by(|one, other| one.voice.engine == other.voice.engine) {
                let Some(first) = chunk.first() else { continue };
                state.pool_of(first).admit(book)?;
                let is_good = |job: &&Job| !state.is_abandoned(&job.content);
                let good: Vec<Job> = chunk.iter().filter(is_good).cloned().collect();
                let some = state.pool_of(first).lane(class).append(book, &good);
                enqueued.added += some.added;
                enqueued.is_full |= some.is_full;
            }
        }
        self.work.notify_one();
        Ok(enqueued)
    }

    async fn enqueue_awaited(&self, job: &Job) -> Result<Asked, QueueError> {
        let rest = {
            let mut state = self.state();
            if state.making.contains(&job.content) {
                return Ok(Asked::Queued);
            }
            if state.is_abandoned(&job.content) {
                return Ok(Asked::Refused(abandoned()));
            }
            let pool = state.pool_of(job);
            pool.admit(&job.book)?;
            for class in [Class::Prefetch, Class::Chapter, Class::Background] {
                pool.lane(class).withdraw(&job.book, &job.content);
            }
            pool.lane(Class::Awaited).append(&job.book, std::slice::from_ref(job));
            pool.rest()
        };
        self.work.notify_one();
        Ok(rest.map_or(Asked::Queued, Asked::Resting))
    }

    async fn withdraw(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
        version: Option<u64>,
    ) -> Result<(), QueueError> {
        let mut state = self.state();
        if version.is_some_and(|version| self.positions.of(book).version != version) {
            return Ok(());
        }
        for job in jobs {
            state.pool_of(job).lane(class).withdraw(book, &job.content);
        }
        Ok(())
    }

    async fn give_up(&self, book: &BookId, jobs: &[Job]) -> Result<(), QueueError> {
        self.withdraw(Class::Background, book, jobs, None).await?;
        let contents: HashSet<_> = jobs.iter().map(|job| job.content).collect();
        self.state().retry.retain(|retry| {
            retry.class != Class::Background || !contents.contains(&retry.waiting.job.content)
        });
        Ok(())
    }

    async fn retain(
        &self,
        book: &BookId,
        needed: &Needed,
        version: u64,
    ) -> Result<bool, QueueError> {
        let mut state = self.state();
        if self.positions.of(book).version != version {
            return Ok(false);
        }
        for pool in state.pools.values_mut() {
            pool.lane(Class::Prefetch).retain(book, &needed.prefetch);
            pool.lane(Class::Chapter).retain(book, &needed.chapter);
        }
        Ok(true)
    }

    async fn complete_and_claim(
        &self,
        finished: &[Finished],
        rooms: &[Room],
    ) -> Result<Claimed, QueueError> {
        let mut news: Vec<(ContentHash, Outcome)> = Vec::with_capacity(finished.len());
        let mut claims = Vec::new();
        {
            let mut state = self.state();
            for one in finished {
                let Finished { claim, outcome } = one;
                let held = state.end(claim);
                match outcome {
                    Ok(made) => {
                        let done = ProgressDelta { done: usize::from(held), ..Default::default() };
                        state.record(&claim.job, done);
                        if made.by_engine {
                            state.pool_of(&claim.job).answered();
                        }
                        news.push((claim.job.content, Ok(())));
                    }
                    // Of one that was given back another takes care, or has made it by now.
                    Err(_) if !held => {}
                    Err(error) => {
                        state.fail(one, error, &self.timing);
                        if is_news(error) {
                            news.push((claim.job.content, Err(error.clone())));
                        }
                    }
                }
            }
            let (mut any, mut ahead) = Room::shared(rooms);
            for room in rooms {
                let before = claims.len();
                let left = if room.shares { &room.within((any, ahead)) } else { room };
                state.claim(left, &self.timing, &mut claims);
                if room.shares {
                    let taken = claims.len() - before;
                    (any, ahead) = (any.saturating_sub(taken), ahead.saturating_sub(taken));
                }
            }
            if !claims.is_empty() && !state.pools.values().all(PoolState::is_empty) {
                // Another worker may have room.
                self.work.notify_one();
            }
        }
        for (content, outcome) in news {
            self.waits.publish(&content, &outcome);
        }
        Ok(Claimed { claims, more: false })
    }

    /// Answers are not lost here; what a task that was lost had in hand runs out.
    async fn adopt(&self, _: &HashSet<String>) -> Result<Vec<Claim>, QueueError> {
        Ok(Vec::new())
    }

    async fn work(&self, _: &[Room]) {
        let _ = tokio::time::timeout(IDLE, self.work.notified()).await;
    }

    async fn renew_leases(
        &self,
        held: &[Claim],
        heartbeat: &Heartbeat,
        _: &(dyn for<'t> Fn(&'t str) -> bool + Sync),
    ) -> Result<bool, QueueError> {
        let now = Instant::now();
        let mut state = self.state();
        let (name, heartbeat) = (WORKER.to_owned(), heartbeat.clone());
        state.renewed = Some((now, WorkerStatus { name, seen_at_ms: now_ms(), heartbeat }));
        for claim in held {
            if let Some(lease) = state.leases.get_mut(&claim.token) {
                lease.deadline = now + self.timing.lease;
            }
        }
        Ok(false)
    }

    async fn recover(&self) -> Result<(), QueueError> {
        let given_up = {
            let mut state = self.state();
            let given_up = state.give_back_expired(&self.timing);
            state.return_due();
            given_up
        };
        for content in given_up {
            self.waits.publish(&content, &Err(abandoned()));
        }
        self.work.notify_one();
        Ok(())
    }

    async fn reconnected(&self) {
        std::future::pending().await
    }

    async fn release(&self, claims: &[Claim]) -> Result<(), QueueError> {
        let mut state = self.state();
        for claim in claims.iter().rev() {
            if state.end(claim) {
                let Claim { job, class, tries, .. } = claim.clone();
                state.pool_of(&job).lane(class).put_first(Waiting { job, tries });
            }
        }
        Ok(())
    }

    async fn is_being_made(&self, content: &ContentHash) -> Result<bool, QueueError> {
        Ok(self.state().making.contains(content))
    }

    async fn rest(&self, engine: &str) -> Result<Option<Rest>, QueueError> {
        Ok(self.state().pools.get(&Pool::of_engine(engine)).and_then(PoolState::rest))
    }

    async fn end_rest(&self, engine: &str) -> Result<(), QueueError> {
        if let Some(pool) = self.state().pools.get_mut(&Pool::of_engine(engine)) {
            pool.end_rest();
        }
        self.work.notify_one();
        Ok(())
    }

    async fn forget(&self, engine: &str) -> Result<(), QueueError> {
        let (mut state, pool) = (self.state(), Pool::of_engine(engine));
        state.retry.retain(|retry| retry.waiting.job.pool() != pool);
        if let Some(known) = state.pools.get_mut(&pool) {
            known.forget();
        }
        Ok(())
    }

    async fn record_progress(&self, request: &str, delta: ProgressDelta) -> Result<(), QueueError> {
        let now = now_ms();
        let requests = &mut self.state().requests;
        if requests.len() >= MAX_REQUESTS {
            let oldest = now.saturating_sub(REQUEST_EXPIRY_SECONDS * 1000);
            requests.retain(|_, request| request.heard_ms >= oldest);
        }
        if delta.total.is_some() && requests.len() < MAX_REQUESTS {
            requests.entry(request.to_owned()).or_default();
        }
        if let Some(request) = requests.get_mut(request) {
            request.record(delta, WORKER, now);
        }
        Ok(())
    }

    async fn request(&self, request: &str) -> Result<Option<RequestStatus>, QueueError> {
        Ok(self.state().requests.get(request).map(|request| request.status().clone()))
    }

    async fn set_listener_position(&self, position: &ListenerPosition) -> Result<(), QueueError> {
        self.positions.set(position);
        Ok(())
    }

    async fn listeners(&self, book: &BookId) -> Result<Listeners, QueueError> {
        Ok(self.positions.of(book))
    }

    async fn status(&self) -> Result<QueueStatus, QueueError> {
        let waiters = self.waits.count();
        let state = self.state();
        let count = |class| state.pools.values().map(|pool| pool.lanes(class).len()).sum::<usize>();
        Ok(QueueStatus {
            prefetch: count(Class::Awaited) + count(Class::Prefetch),
            chapter: count(Class::Chapter),
            background: count(Class::Background),
            in_flight: state.leases.len(),
            retry: state.retry.len(),
            dead: state.dead.len(),
            books: state.pools.values().map(|pool| pool.books().len()).sum(),
            most_books: state.pools.values().map(|pool| pool.books().len()).max().unwrap_or(0),
            workers: usize::from(self.living(&state).is_some()),
            waiters,
        })
    }

    async fn lanes(&self) -> Result<Vec<LaneStatus>, QueueError> {
        let state = self.state();
        let of_pool = |(pool, waits): (&Pool, &PoolState)| {
            Class::ALL.map(|class| LaneStatus {
                pool: pool.clone(),
                class,
                sentences: waits.lanes(class).len(),
                longest: waits.lanes(class).since().map(|since| since.elapsed()),
            })
        };
        Ok(state.pools.iter().flat_map(of_pool).collect())
    }

    async fn workers(&self) -> Result<Vec<WorkerStatus>, QueueError> {
        Ok(self.living(&self.state()).cloned().into_iter().collect())
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
                state.abandoned.remove(&job.content);
                let book = job.book.clone();
                state.pool_of(&job).lane(class).put_last(&book, Waiting { job, tries: 0 });
            }
            count
        };
        self.work.notify_one();
        Ok(requeued)
    }

    async fn discard_dead(&self) -> Result<usize, QueueError> {
        let mut state = self.state();
        let discarded = std::mem::take(&mut state.dead);
        for DeadLetter { job, .. } in &discarded {
            state.abandoned.remove(&job.content);
        }
        Ok(discarded.len())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::Made;
    use super::*;
    use crate::clips::job::tests::job;

    const MINUTE: Duration = Duration::from_secs(60);

    fn room() -> [Room; 1] {
        [Room { limit: Some(4), ..Room::of(Pool::of_engine("e"), 4) }]
    }

    async fn queue_of(sentences: usize) -> MemoryQueue {
        let queue = MemoryQueue::new(Arc::default(), Timing::default());
        let jobs: Vec<Job> = (0..sentences).map(|n| job(&format!("Sentence {n}."))).collect();
        queue.enqueue(Class::Chapter, &jobs[0].book.clone(), &jobs).await.unwrap();
        queue
    }

    /// Claims and answers alike; how many were claimed.
    async fn answer(queue: &MemoryQueue, error: Option<&VoiceError>) -> usize {
        let claims = queue.complete_and_claim(&[], &room()).await.unwrap().claims;
        let count = claims.len();
        let finished: Vec<Finished> = claims
            .into_iter()
            .map(|claim| {
                let clip = Made { clip: Bytes::new(), by_engine: true };
                let outcome = error.map_or(Ok(clip), |error| Err(error.clone()));
                Finished { claim, outcome }
            })
            .collect();
        queue.complete_and_claim(&finished, &[]).await.unwrap();
        count
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_says_when_to_come_again_is_asked_then_once_and_goes_on() {
        let queue = queue_of(10).await;
        let (engine, reason) = ("e".to_owned(), String::new());
        let busy = VoiceError::Busy { engine, reason, retry_after_ms: Some(31_000) };
        assert_eq!(answer(&queue, Some(&busy)).await, 4);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(answer(&queue, None).await, 0);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(answer(&queue, None).await, 1, "one tries");
        assert_eq!(answer(&queue, None).await, 4, "it is back");
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_ten_minutes_costs_a_few_requests_and_no_sentence() {
        let queue = queue_of(100).await;
        let (engine, reason) = ("e".to_owned(), "overloaded".to_owned());
        let down =
            VoiceError::Unreachable { engine, reason, retry_after_ms: None, may_have_cost: false };
        let mut asked = 0;
        for _ in 0..600 {
            asked += answer(&queue, Some(&down)).await;
            queue.recover().await.unwrap();
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!((8..20).contains(&asked), "{asked}");
        assert_eq!(queue.status().await.unwrap().dead, 0);
        let mut spoken = 0;
        for _ in 0..5 {
            tokio::time::advance(MINUTE).await;
            queue.recover().await.unwrap();
            for _ in 0..100 {
                spoken += answer(&queue, None).await;
            }
        }
        assert_eq!(spoken, 100);
    }
}
