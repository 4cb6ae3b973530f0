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
mod payload;
mod scripts;
mod turns;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::model::{BookId, Place};
use async_trait::async_trait;
use bytes::Bytes;
use redis::{Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Value, cmd};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::queue::{
    Beat, Claim, Class, DeadLetter, Exchange, Finished, Job, MAX_BOOKS, MAX_LANE_JOBS, Queue,
    QueueError, QueueStatus, Timing,
};
use super::requests::{Advance, REQUEST_EXPIRY_SECONDS, RequestStatus};
use super::waiters::Waiters;
use crate::now_ms;
use crate::redis::keys::ClipName;
use crate::redis::{Key, Link};
use crate::text::hash::ContentHash;
use payload::Payload;
use scripts::Call;

/// Claims ended by one script: Lua unpacks no more than some thousands of arguments.
const MAX_FINISHED_A_CALL: usize = 500;
/// Stands for the class of what a claim has dropped; `take.lua` has the same.
const DROPPED: &str = "dropped";
/// A bigger clip is kept in the object store only.
const MAX_SHARED_CLIP_BYTES: usize = 1 << 20;
/// After Redis was lost, all workers renew their locks before anyone claims: if its data are gone,
/// what is being made would be begun a second time.
const SETTLE: Duration = Duration::from_secs(2);
/// How long an idle worker blocks before it looks by itself, in case a token was lost.
const IDLE_SECONDS: u64 = 1;
/// The place of a listener is forgotten after this long without a sign.
const LISTENER_EXPIRY: Duration = Duration::from_secs(15 * 60);
/// Listeners remembered of one book.
const MAX_LISTENERS: usize = 256;

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
        let waking = wake(queue.link.clone(), idle, arrival);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(waking));
        queue
    }

    fn name(&self, key: &Key) -> String {
        self.link.name(key)
    }

    /// The locks on a claim's audio: in its book, and where a script reaches it, on the audio itself.
    fn locks(&self, job: &Job) -> Vec<String> {
        let clip = ClipName::new(&job.voice, &job.text);
        let mut locks = vec![self.name(&Key::Lock(job.book.clone(), clip))];
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

    /// Ends claims; on a cluster those of one book.
    fn finish(&self, finished: &[&Finished]) -> Cmd {
        let news: Vec<_> = finished.iter().copied().map(announcements::Landed::from).collect();
        let mut lists = BTreeSet::new();
        let mut call = Call::new(&scripts::FINISH);
        for Finished { claim, .. } in finished {
            let Job { book, voice, .. } = &claim.job;
            call.key(self.name(&Key::Leases(book.clone()))).keys(self.locks(&claim.job));
            let id = format!("{}:{}", voice.engine, voice.voice);
            lists.insert(self.name(&Key::BookAudios(book.clone(), id)));
        }
        call.keys(lists)
            .arg(if self.link.is_cluster() { 1 } else { 2 })
            .arg(self.link.keys().announcements())
            .arg(announcements::message(&news));
        for Finished { claim, .. } in finished {
            call.arg(claim.token.as_str());
        }
        call.command()
    }

    /// Stores a clip where every server finds it; not over one that is there, which is the same.
    fn store(&self, job: &Job, clip: &Bytes) -> Cmd {
        let name = ClipName::new(&job.voice, &job.text);
        let mut store = cmd("SET");
        store
            .arg(self.name(&Key::Audio(job.book.clone(), name)))
            .arg(&clip[..])
            .arg("NX")
            .arg("PX")
            .arg(self.timing.clip.as_millis() as u64);
        store
    }

    /// Hands in what is finished, and claims. What is finished is stored first, then released and
    /// announced, so that whoever hears of it finds it.
    async fn hand_in(
        &self,
        finished: &[Finished],
        then: Option<Cmd>,
    ) -> RedisResult<Option<Value>> {
        for Finished { claim, outcome } in finished {
            let is_last_try = self.timing.retry_after(claim.tries.saturating_add(1)).is_none();
            let (done, failed) = (outcome.is_ok(), outcome.is_err() && is_last_try);
            let (done, failed) = (usize::from(done), usize::from(failed));
            self.note(&claim.job.request, Advance { done, failed, ..Advance::default() });
        }
        let mut commands = self.news();
        let mut kept = Vec::with_capacity(finished.len());
        for one in finished {
            match &one.outcome {
                Ok(clip) if clip.len() <= MAX_SHARED_CLIP_BYTES => {
                    commands.push(self.store(&one.claim.job, clip));
                }
                Ok(_) => {}
                // What cannot be noted as failed keeps its lease, and is given back when that ends.
                Err(error) if !self.note_failure(&one.claim, error).await? => continue,
                Err(_) => {}
            }
            kept.push(one);
        }
        // A script reaches everything, or on a cluster one book.
        let mut together: HashMap<Option<&BookId>, Vec<&Finished>> = HashMap::new();
        let is_cluster = self.link.is_cluster();
        for one in kept {
            together.entry(is_cluster.then_some(&one.claim.job.book)).or_default().push(one);
        }
        if is_cluster {
            // Other nodes, other connections: the order is kept by waiting.
            self.send(std::mem::take(&mut commands), Tolerance::Full).await?;
        }
        let stored = commands.len();
        let batches = together.values().flat_map(|finished| finished.chunks(MAX_FINISHED_A_CALL));
        commands.extend(batches.map(|finished| self.finish(finished)));
        let claims = then.is_some();
        commands.extend(then);
        let mut answers = self.send(commands, Tolerance::First(stored)).await?;
        Ok(if claims { answers.pop() } else { None })
    }

    /// Sends commands together. Those within the tolerance may be refused: a clip that does not
    /// fit into Redis is in the object store.
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
                tracing::debug!(%error, "a clip is not in the shared cache");
                Ok(Value::Nil)
            }
            answer => answer,
        });
        answers.collect()
    }

    fn note(&self, request: &Option<Arc<str>>, news: Advance) {
        let Some(request) = request else { return };
        let mut all = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(Arc::clone(request)).or_default();
        known.begun |= news.begun;
        known.done += news.done;
        known.failed += news.failed;
    }

    /// The commands that tell what is new of requests.
    fn news(&self) -> Vec<Cmd> {
        let news = std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner));
        news.iter().map(|(request, news)| self.advance_call(request, *news).command()).collect()
    }

    fn advance_call(&self, request: &str, news: Advance) -> Call {
        let Advance { total, begun, done, failed } = news;
        let mut call = Call::new(&scripts::STATUS);
        call.key(self.name(&Key::RequestStatus(request.to_owned())))
            .arg(now_ms())
            .arg(if begun { self.link.process() } else { "" })
            .arg(done)
            .arg(failed)
            .arg(total.map_or_else(String::new, |total| total.to_string()))
            .arg(REQUEST_EXPIRY_SECONDS);
        call
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
            // Only a payload of another version is not understood; its lease runs out into the
            // dead letters.
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
        let key = self.name(&Key::Listeners(place.book.clone()));
        let value = serde_json::json!({ "seenMs": now_ms(), "place": place }).to_string();
        let mut note = cmd("HSET");
        note.arg(&key).arg(&place.listener).arg(value);
        let mut expire = cmd("PEXPIRE");
        expire.arg(&key).arg(LISTENER_EXPIRY.as_millis() as u64);
        self.send(vec![note, expire], Tolerance::First(0)).await?;
        Ok(())
    }

    async fn listeners(&self, book: &BookId) -> Result<Vec<Place>, QueueError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Seen {
            seen_ms: u64,
            place: Place,
        }
        let key = self.name(&Key::Listeners(book.clone()));
        let known: HashMap<String, String> =
            cmd("HGETALL").arg(&key).query_async(&mut self.link.clone()).await?;
        let oldest = now_ms().saturating_sub(LISTENER_EXPIRY.as_millis() as u64);
        let mut gone = Vec::new();
        let mut active: Vec<Seen> = Vec::new();
        for (name, value) in known {
            match serde_json::from_str::<Seen>(&value) {
                Ok(seen) if seen.seen_ms >= oldest => active.push(seen),
                _ => gone.push(name),
            }
        }
        active.sort_by_key(|seen| std::cmp::Reverse(seen.seen_ms));
        if active.len() > MAX_LISTENERS {
            let forgotten = active.split_off(MAX_LISTENERS);
            gone.extend(forgotten.into_iter().map(|seen| seen.place.listener));
        }
        if !gone.is_empty() {
            let _: () = cmd("HDEL").arg(&key).arg(gone).query_async(&mut self.link.clone()).await?;
        }
        Ok(active.into_iter().map(|seen| seen.place).collect())
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

/// Blocks on the wake tokens whenever a worker is idle, on a connection of its own.
async fn wake(link: Link, idle: Arc<Notify>, arrival: Arc<Notify>) {
    let mut connection = None;
    loop {
        idle.notified().await;
        if connection.is_none() {
            connection = link.dedicated().await.ok();
        }
        let Some(blocking) = &mut connection else {
            tokio::time::sleep(Duration::from_secs(IDLE_SECONDS)).await;
            arrival.notify_one();
            continue;
        };
        let mut wait = cmd("BLPOP");
        wait.arg(link.name(&Key::Wake)).arg(IDLE_SECONDS);
        // Redis answers within its own time; it is gone or frozen when it takes much longer.
        let limit = Duration::from_secs(2 * IDLE_SECONDS + 1);
        let answer = tokio::time::timeout(limit, wait.query_async::<Value>(blocking)).await;
        if !matches!(answer, Ok(Ok(_))) {
            connection = None;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        arrival.notify_one();
    }
}
