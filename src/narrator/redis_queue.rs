//! The queue on Redis: any number of servers and workers share it.
//!
//! Lanes are lists of JSON ([`payload`]), taken from and leased in one script, so that a worker
//! killed at any instruction loses nothing. Nobody blocks on a lane: an idle worker blocks on a
//! list of wake tokens, and then claims in order of priority. `queue:tts:books` gives books their
//! turns, so that a claim costs the same with ten books and with ten thousand.
//!
//! On a single server every operation is one script. On a cluster a script reaches one book, and
//! the index of books is a step of its own: jobs are pushed before the index is told, and a book
//! that seems empty is looked at again after it has been taken off, so that none is forgotten.

mod announcements;
mod failures;
mod hand_in;
mod listeners;
mod payload;
mod scripts;
mod turns;
mod wake;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::model::{BookId, Place};
use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Value, cmd};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::queue::{
    Beat, Claim, Class, DeadLetter, Exchange, Finished, Job, MAX_BOOKS, MAX_LANE_JOBS, Queue,
    QueueError, QueueStatus, Timing,
};
use super::requests::{Advance, RequestStatus};
use super::waiters::Waiters;
use crate::now_ms;
use crate::redis::{Key, Link};
use crate::text::hash::ContentHash;
use payload::Payload;
use scripts::Call;

/// Stands for the class of what a claim has dropped; `take.lua` has the same.
const DROPPED: &str = "dropped";
/// After Redis was lost, all workers renew their locks before anyone claims: if its data are gone,
/// what is being made would be begun a second time.
const SETTLE: Duration = Duration::from_secs(2);

/// The queue on Redis. One a process.
pub struct RedisQueue {
    link: Link,
    waiters: Arc<Waiters>,
    timing: Timing,
    /// News of requests, told with the next exchange. If that is lost, so are they: they are for
    /// looking at, and nothing rests on them. A std mutex, never held across an await.
    news: Mutex<HashMap<Arc<str>, Advance>>,
    /// The next claim's number.
    serial: AtomicU64,
    /// The connection on which everything held was renewed.
    renewed: AtomicU64,
    /// A worker wants to be woken, and: there may be work.
    idle: Arc<Notify>,
    arrival: Arc<Notify>,
}

impl From<RedisError> for QueueError {
    fn from(error: RedisError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl RedisQueue {
    /// A queue on `link` that tells `waiters`; its tasks run until `shutdown`.
    pub fn start(
        link: Link,
        waiters: Arc<Waiters>,
        timing: Timing,
        (tasks, shutdown): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let queue = Self {
            link,
            waiters,
            timing,
            news: Mutex::default(),
            serial: AtomicU64::new(0),
            renewed: AtomicU64::new(1),
            idle: Arc::default(),
            arrival: Arc::default(),
        };
        let (link, waiters) = (queue.link.clone(), Arc::clone(&queue.waiters));
        let listening = announcements::listen(link, waiters);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(listening));
        let (idle, arrival) = (Arc::clone(&queue.idle), Arc::clone(&queue.arrival));
        let waking = wake::wake(queue.link.clone(), idle, arrival);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(waking));
        queue
    }

    fn name(&self, key: &Key) -> String {
        self.link.name(key)
    }

    /// The locks on a claim's audio: in its book, and where a script reaches it, on the audio itself.
    fn locks(&self, job: &Job) -> Vec<String> {
        let mut locks = vec![self.name(&Key::Lock(job.book.clone(), job.clip_name()))];
        if !self.link.is_cluster() {
            locks.push(self.name(&Key::ContentLock(job.content)));
        }
        locks
    }

    /// The keys of the index of books, where a script reaches them besides a book's.
    fn index(&self) -> Vec<String> {
        match self.link.is_cluster() {
            true => Vec::new(),
            false => vec![self.name(&Key::Books), self.name(&Key::Wake)],
        }
    }

    async fn call<T: FromRedisValue>(&self, call: Call) -> RedisResult<T> {
        call.invoke(&self.link).await
    }

    /// Appends payloads to a lane.
    async fn append(
        &self,
        class: Class,
        book: &BookId,
        jobs: Vec<(ContentHash, String)>,
    ) -> Result<usize, QueueError> {
        self.admit(book).await?;
        let mut call = Call::new(&scripts::ENQUEUE);
        call.key(self.name(&Key::Lane(class, book.clone())))
            .key(self.name(&Key::Pending(class, book.clone())))
            .keys(self.index())
            .arg(book.as_str())
            .arg(class.to_string())
            .arg(MAX_LANE_JOBS)
            .arg(MAX_BOOKS);
        for (content, payload) in jobs {
            call.arg(content.to_string()).arg(payload);
        }
        let added: i64 = self.call(call).await?;
        self.place(book, class).await?;
        refusal(added)
    }

    /// Sends commands together. Those within the tolerance may be refused, as clips that do not fit
    /// into Redis: they are in the object store.
    async fn send(&self, commands: Vec<Cmd>, tolerance: Tolerance) -> RedisResult<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        let mut answers = self.link.send(&pipeline).await?;
        if answers.iter().any(scripts::is_unknown) {
            scripts::load_all(&self.link).await?;
            for (answer, command) in answers.iter_mut().zip(pipeline.cmd_iter()) {
                if scripts::is_unknown(answer) {
                    *answer = command.query_async(&mut self.link.clone()).await;
                }
            }
        }
        let tolerated = match tolerance {
            Tolerance::Full => answers.len(),
            Tolerance::First(count) => count,
        };
        let answers = answers.into_iter().enumerate().map(|(index, answer)| match answer {
            Err(error) if index < tolerated => {
                tracing::debug!(%error, "Redis refused what can be done without");
                Ok(Value::Nil)
            }
            answer => answer,
        });
        answers.collect()
    }

    fn claimed(&self, answer: &[Value]) -> RedisResult<Vec<Claim>> {
        let mut claims = Vec::with_capacity(answer.len() / 3);
        for parts in answer.chunks_exact(3) {
            let token = String::from_redis_value(parts[0].clone())?;
            let class = String::from_redis_value(parts[1].clone())?;
            let payload = String::from_redis_value(parts[2].clone())?;
            if class == DROPPED {
                let done = Advance { done: 1, ..Advance::default() };
                self.note(&Some(payload.into()), done);
                continue;
            }
            // Only a payload of another version is not understood; when its lease has run out, it
            // is dropped with a warning.
            match (payload::read(&payload), class.parse()) {
                (Ok((job, tries)), Ok(class)) => {
                    self.note(&job.request, Advance { begun: true, ..Advance::default() });
                    claims.push(Claim { job, class, tries, token });
                }
                _ => tracing::warn!(payload, "a job cannot be read"),
            }
        }
        Ok(claims)
    }

    fn may_claim(&self) -> bool {
        self.link.is_first() || self.link.uptime() >= SETTLE
    }
}

/// How many of the first commands may be refused.
enum Tolerance {
    Full,
    First(usize),
}

/// How many were added, or why not.
fn refusal(answer: i64) -> Result<usize, QueueError> {
    match answer {
        -1 => Err(QueueError::LaneFull),
        -2 => Err(QueueError::TooManyBooks),
        added => Ok(usize::try_from(added).unwrap_or_default()),
    }
}

#[async_trait]
impl Queue for RedisQueue {
    async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
    ) -> Result<usize, QueueError> {
        if jobs.is_empty() {
            return Ok(0);
        }
        self.append(class, book, payload::distinct(jobs)).await
    }

    async fn enqueue_first(&self, job: &Job) -> Result<(), QueueError> {
        self.admit(&job.book).await?;
        let book = &job.book;
        let mut call = Call::new(&scripts::ENQUEUE_FIRST);
        call.key(self.name(&Key::Lane(Class::Prefetch, book.clone())))
            .key(self.name(&Key::Pending(Class::Prefetch, book.clone())))
            .keys(self.locks(job))
            .keys(self.index())
            .arg(book.as_str())
            .arg(MAX_BOOKS)
            .arg(job.content.to_string())
            .arg(Payload::of(job, 0).to_json());
        let added: i64 = self.call(call).await?;
        self.place(book, Class::Prefetch).await?;
        refusal(added).map(drop)
    }

    async fn rebuild(
        &self,
        book: &BookId,
        prefetch: &[Job],
        chapter: &[Job],
    ) -> Result<(), QueueError> {
        let prefetch = payload::distinct(prefetch);
        let chapter = payload::distinct(chapter);
        let mut call = Call::new(&scripts::REBUILD);
        for class in [Class::Prefetch, Class::Chapter] {
            call.key(self.name(&Key::Lane(class, book.clone())))
                .key(self.name(&Key::Pending(class, book.clone())));
        }
        call.keys(self.index()).arg(book.as_str()).arg(MAX_LANE_JOBS).arg(prefetch.len());
        for (content, payload) in prefetch.iter().chain(&chapter) {
            call.arg(content.to_string()).arg(payload.as_str());
        }
        let added: i64 = self.call(call).await?;
        self.settle(book, prefetch.len() as u64, chapter.len() as u64).await?;
        refusal(added).map(drop)
    }

    async fn exchange(&self, finished: &[Finished], free: usize) -> Result<Exchange, QueueError> {
        let free = if self.may_claim() { free } else { 0 };
        if self.link.is_cluster() {
            self.hand_in(finished, None).await?;
            for Finished { claim, .. } in finished {
                self.unlock_content(&claim.job, &claim.token).await?;
            }
            return Ok(self.claim_in_cluster(free).await?);
        }
        let claim = (free > 0).then(|| self.claim_command(free));
        let Some(answer) = self.hand_in(finished, claim).await? else {
            return Ok(Exchange::default());
        };
        let answer = Vec::<Value>::from_redis_value(answer).map_err(RedisError::from)?;
        let Some((more, claims)) = answer.split_first() else { return Ok(Exchange::default()) };
        let more = u64::from_redis_value(more.clone()).map_err(RedisError::from)? > 0;
        Ok(Exchange { claims: self.claimed(claims)?, more })
    }

    async fn work(&self) {
        self.idle.notify_one();
        self.arrival.notified().await;
    }

    async fn upkeep(&self, held: &[Claim], beat: &Beat) -> Result<(), QueueError> {
        let generation = self.link.generation();
        self.renew(held).await?;
        self.renewed.fetch_max(generation, Ordering::Relaxed);
        self.beat(beat).await?;
        self.send(self.news(), Tolerance::Full).await?;
        // A lease that ran out while Redis was away may have a living holder: let it renew first.
        if self.link.is_first() || self.link.uptime() >= self.timing.lease {
            self.reap().await?;
        }
        Ok(())
    }

    async fn disturbed(&self) {
        self.link.restored_since(self.renewed.load(Ordering::Relaxed)).await;
    }

    async fn hand_back(&self, claims: &[Claim]) -> Result<(), QueueError> {
        for claim in claims.iter().rev() {
            let payload = Payload::of(&claim.job, claim.tries).to_json();
            self.give_back(&claim.token, claim.class, &claim.job, &payload).await?;
        }
        Ok(())
    }

    async fn advance(&self, request: &str, news: Advance) -> Result<(), QueueError> {
        let _: Value = self.call(self.advance_call(request, news)).await?;
        Ok(())
    }

    async fn request(&self, request: &str) -> Result<Option<RequestStatus>, QueueError> {
        let key = self.name(&Key::RequestStatus(request.to_owned()));
        let mut known: HashMap<String, String> =
            cmd("HGETALL").arg(key).query_async(&mut self.link.clone()).await?;
        let Some(status) = known.remove("status") else { return Ok(None) };
        let number = |name| known.get(name).and_then(|value: &String| value.parse::<u64>().ok());
        Ok(Some(RequestStatus {
            status,
            progress: number("progress").and_then(|value| value.try_into().ok()).unwrap_or(0),
            started_at: number("started_at"),
            completed_at: number("completed_at"),
            worker_id: known.remove("worker_id"),
        }))
    }

    async fn arrive(&self, place: &Place) -> Result<(), QueueError> {
        Ok(self.note_listener(place).await?)
    }

    async fn listeners(&self, book: &BookId) -> Result<Vec<Place>, QueueError> {
        Ok(self.active_listeners(book).await?)
    }

    async fn status(&self) -> Result<QueueStatus, QueueError> {
        Ok(self.count().await?)
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(self.read_dead().await?.into_iter().map(|(letter, _)| letter).collect())
    }

    async fn requeue_dead(&self, book: Option<&BookId>) -> Result<usize, QueueError> {
        let mut requeued = 0;
        for (letter, member) in self.read_dead().await? {
            if book.is_some_and(|book| *book != letter.job.book) {
                continue;
            }
            self.enqueue(letter.class, &letter.job.book, std::slice::from_ref(&letter.job)).await?;
            let mut remove = cmd("ZREM");
            remove.arg(self.name(&Key::Dead)).arg(member);
            requeued += remove.query_async::<usize>(&mut self.link.clone()).await?;
        }
        Ok(requeued)
    }
}
