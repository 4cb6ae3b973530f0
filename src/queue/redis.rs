//! The queue on Redis: any number of servers and workers share it.
//!
//! Lanes are lists of JSON ([`payload`]) with a set beside each of what waits in it, and are taken from and
//! leased in one script, so that a worker killed at any instruction loses nothing. What a worker holds is on
//! one lease, which its heartbeat renews. Nobody blocks on a lane: an idle worker blocks on lists of wake
//! tokens, and then claims in order of priority. An index for each pool gives books their turns, so that a
//! claim costs the same with ten books and with ten thousand.
//!
//! Every operation is one script, or a transaction of one and of commands that need none. On a cluster all keys that scripts touch share a slot.

mod announcements;
mod append;
mod complete;
mod forget;
mod listeners;
mod payload;
mod recovery;
mod scripts;
mod status;
mod wake;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::model::{BookId, ListenerPosition};
use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Value, cmd};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::requests::{ProgressDelta, REQUEST_EXPIRY_SECONDS, RequestStatus};
use super::{
    Asked, Claim, Claimed, Class, DeadLetter, Enqueued, Finished, Heartbeat, Job, LaneStatus,
    Listeners, MAX_BOOKS, Made, Needed, Pool, Queue, QueueError, QueueStatus, Rest, Room, TURN,
    Timing, WorkerStatus, abandoned,
};
use crate::clips::waits::Waits;
use crate::redis::script::{self, Call};
use crate::redis::{Key, RedisConnection};
use crate::speech::VoiceError;
use crate::text::hash::ContentHash;
use complete::Ending;
use wake::Waking;

/// After Redis was lost, all workers renew their leases before anyone claims: if its data are gone, what is
/// being made would be begun a second time, only to wait for the first.
const RECONNECT_GRACE: Duration = Duration::from_secs(2);

/// Which clips are kept in Redis when they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedClips {
    /// All: every server finds every clip there.
    #[default]
    All,
    /// Those that somebody waits for or is about to hear; others when they are read first.
    Wanted,
}

/// What a process does with the queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Duties {
    /// Whether people listen to it, so that it must hear of clips.
    pub listens: bool,
    /// Which clips it keeps in Redis.
    pub shared_clips: SharedClips,
}

/// The queue on Redis. One a process.
pub struct RedisQueue {
    redis: RedisConnection,
    waits: Arc<Waits>,
    timing: Timing,
    shared_clips: SharedClips,
    /// The next claim's number.
    serial: AtomicU64,
    /// The connection on which everything held was renewed.
    renewed: AtomicU64,
    waking: Arc<Waking>,
}

impl From<RedisError> for QueueError {
    fn from(error: RedisError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// How many of the first commands may be refused, because they can be done without.
struct MayRefuse(usize);

impl RedisQueue {
    /// A queue on `redis` that tells `waits`; its tasks run until `shutdown`.
    pub fn start(
        redis: RedisConnection,
        waits: Arc<Waits>,
        timing: Timing,
        duties: Duties,
        (tasks, shutdown): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let queue = Self {
            redis,
            waits,
            timing,
            shared_clips: duties.shared_clips,
            serial: AtomicU64::new(0),
            renewed: AtomicU64::new(1),
            waking: Arc::default(),
        };
        if duties.listens {
            let listening = announcements::listen(queue.redis.clone(), Arc::clone(&queue.waits));
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(listening));
        }
        let waking = wake::wake(queue.redis.clone(), Arc::clone(&queue.waking));
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(waking));
        queue
    }

    fn name(&self, key: &Key) -> String {
        self.redis.name(key)
    }

    /// Sends commands together, and loads the scripts when Redis does not know them.
    async fn send(&self, commands: Vec<Cmd>, may_refuse: MayRefuse) -> RedisResult<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        let mut answers = self.redis.send(&pipeline).await?;
        if answers.iter().any(script::is_unknown) {
            scripts::load_all(&self.redis).await?;
            for (answer, command) in answers.iter_mut().zip(pipeline.cmd_iter()) {
                if script::is_unknown(answer) {
                    *answer = command.query_async(&mut self.redis.clone()).await;
                }
            }
        }
        let answers = answers.into_iter().enumerate().map(|(index, answer)| match answer {
            Err(error) if index < may_refuse.0 => {
                tracing::debug!(%error, "Redis refused what can be done without");
                Ok(Value::Nil)
            }
            answer => answer,
        });
        answers.collect()
    }

    /// The command that claims where there is room.
    fn claim_command(&self, rooms: &[Room]) -> Cmd {
        let keys = self.redis.keys();
        let free: usize = rooms.iter().map(|room| room.any).sum();
        let serial = self.serial.fetch_add(free as u64, Ordering::Relaxed);
        let mut call = Call::new(&scripts::CLAIM);
        call.key(self.name(&Key::Making))
            .key(self.own_leases())
            .key(self.name(&Key::Workers))
            .key(self.name(&Key::Counts))
            .arg(keys.lane_head())
            .arg(keys.pending_head())
            // On a cluster clips are where the script does not reach; the worker looks.
            .arg(if self.redis.is_cluster() { String::new() } else { keys.audio_head() })
            .arg(keys.lock_head())
            .arg(keys.books_head())
            .arg(keys.request_head())
            .arg(format!("{}:", self.redis.process()))
            .arg(serial)
            .arg(self.timing.lock.as_millis() as u64)
            .arg(self.timing.lease.as_millis() as u64)
            .arg(REQUEST_EXPIRY_SECONDS)
            .arg(self.redis.process())
            .arg(TURN);
        let (any_shared, ahead_shared) = Room::shared(rooms);
        for Room { pool, any, ahead, limit, shares } in rooms {
            call.arg(pool.suffix())
                .arg(any)
                .arg(ahead)
                .arg(limit.map_or_else(String::new, |limit| limit.to_string()));
            let engine = |key: fn(String) -> Key| {
                pool.engine().map_or_else(String::new, |engine| self.name(&key(engine.to_owned())))
            };
            call.arg(engine(Key::EnginePermits))
                .arg(engine(Key::EngineRest))
                .arg(engine(Key::EngineState))
                .arg(if *shares { any_shared.to_string() } else { String::new() })
                .arg(if *shares { ahead_shared.to_string() } else { String::new() });
        }
        call.command()
    }

    /// Reads the answer of a claim. A sentence of a service that an earlier version has put into the lanes of
    /// this machine's voices was claimed without a permit, and is moved to its own lane.
    async fn claimed(&self, answer: Value) -> Result<Claimed, QueueError> {
        let answer = Vec::<Value>::from_redis_value(answer).map_err(RedisError::from)?;
        let Some((more, parts)) = answer.split_first() else { return Ok(Claimed::default()) };
        let mut claimed = Claimed { claims: Vec::new(), more: recovery::is_some(more) };
        let mut misplaced = Vec::new();
        for parts in parts.chunks_exact(4) {
            let text = |at: usize| String::from_redis_value(parts[at].clone());
            let (Ok(token), Ok(class), Ok(payload), Ok(suffix)) =
                (text(0), text(1), text(2), text(3))
            else {
                continue;
            };
            match recovery::claim(&token, &class, &payload).filter(|_| !token.is_empty()) {
                Some(claim) if claim.job.pool().suffix() == suffix => claimed.claims.push(claim),
                Some(claim) => misplaced.push(claim),
                // Another version may have written it; on a lease it is dropped when that runs out.
                None => tracing::warn!(payload, "a job cannot be read and is dropped"),
            }
        }
        self.release(&misplaced).await?;
        Ok(claimed)
    }

    fn may_claim(&self) -> bool {
        self.redis.is_first() || self.redis.uptime() >= RECONNECT_GRACE
    }

    /// Whether a clip is kept in Redis as soon as it is made.
    fn is_shared_at_once(&self, class: Class) -> bool {
        match self.shared_clips {
            SharedClips::All => true,
            SharedClips::Wanted => matches!(class, Class::Awaited | Class::Prefetch),
        }
    }
}

#[async_trait]
impl Queue for RedisQueue {
    async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
    ) -> Result<Enqueued, QueueError> {
        let mut enqueued = Enqueued::default();
        // Most often all are of one voice.
        for jobs in jobs.chunk_by(|one, other| {
            Arc::ptr_eq(&one.voice, &other.voice) || one.voice.engine == other.voice.engine
        }) {
            let Some(pool) = jobs.first().map(Job::pool) else { continue };
            let some = self.append(class, book, &pool, jobs).await?;
            enqueued.added += some.added;
            enqueued.is_full |= some.is_full;
        }
        Ok(enqueued)
    }

    async fn enqueue_awaited(&self, job: &Job) -> Result<Asked, QueueError> {
        let (book, pool) = (&job.book, job.pool());
        let mut call = Call::new(&scripts::ENQUEUE_AWAITED);
        for key in [
            Key::Lane(Class::Awaited, book.clone(), pool.clone()),
            Key::Pending(Class::Awaited, book.clone(), pool.clone()),
            Key::Books(pool.clone()),
            Key::Wake(pool.clone()),
            Key::LanesOfBook(book.clone()),
            Key::Counts,
            Key::Making,
            Key::Abandoned,
            Key::Pending(Class::Prefetch, book.clone(), pool.clone()),
            Key::Pending(Class::Chapter, book.clone(), pool.clone()),
            Key::Pending(Class::Background, book.clone(), pool.clone()),
        ] {
            call.key(self.name(&key));
        }
        if let Some(engine) = pool.engine() {
            call.key(self.name(&Key::EngineRest(engine.to_owned())));
        }
        call.arg(book.as_str())
            .arg(pool.suffix())
            .arg(MAX_BOOKS)
            .arg(job.content.to_string())
            .arg(payload::encode(job, 0));
        let answer: Vec<Value> = call.invoke(&self.redis).await?;
        Ok(match &answer[..] {
            [Value::Int(-2)] => return Err(QueueError::TooManyBooks),
            [Value::Int(-3)] => Asked::Refused(abandoned()),
            [Value::Int(2), Value::Int(ms), error] => match read_rest(*ms, error) {
                Some(rest) => Asked::Resting(rest),
                None => Asked::Queued,
            },
            _ => Asked::Queued,
        })
    }

    async fn withdraw(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
        version: Option<u64>,
    ) -> Result<(), QueueError> {
        Ok(self.withdraw_jobs(class, book, jobs, version).await?)
    }

    async fn give_up(&self, book: &BookId, jobs: &[Job]) -> Result<(), QueueError> {
        self.withdraw_jobs(Class::Background, book, jobs, None).await?;
        let contents: HashSet<_> = jobs.iter().map(|job| job.content).collect();
        self.forget_retries(|job, class| {
            class == Class::Background && contents.contains(&job.content)
        })
        .await?;
        Ok(())
    }

    async fn retain(
        &self,
        book: &BookId,
        needed: &Needed,
        version: u64,
    ) -> Result<bool, QueueError> {
        Ok(self.retain_needed(book, needed, version).await?)
    }

    async fn complete_and_claim(
        &self,
        finished: &[Finished],
        rooms: &[Room],
    ) -> Result<Claimed, QueueError> {
        self.waking.has_room(rooms);
        let mut commands = Vec::new();
        let mut made = Vec::with_capacity(finished.len());
        let mut failed = Vec::new();
        for one in finished {
            match &one.outcome {
                Ok(Made { clip, .. }) => {
                    made.push(one);
                    if self.is_shared_at_once(one.claim.class) {
                        commands.extend(self.store(&one.claim.job, clip));
                    }
                }
                Err(error) => failed.push(self.fail(one, error)),
            }
        }
        if self.redis.is_cluster() && !commands.is_empty() {
            // Clips are on other shards: one that is gone must not hold up what is on this one.
            let (queue, clips) = (self.redis.clone(), std::mem::take(&mut commands));
            tokio::spawn(async move { queue.batch(clips).await });
        }
        // An engine that begins to rest with this must not be claimed for in the same breath.
        self.send(failed, MayRefuse(0)).await?;
        // Clips may be refused, as when Redis is full: they are in the object store.
        let may_refuse = MayRefuse(commands.len());
        commands.extend(self.complete(&made));
        let may_claim = self.may_claim() && rooms.iter().any(|room| room.any > 0);
        if may_claim {
            commands.push(self.claim_command(rooms));
        }
        let mut answers = self.send(commands, may_refuse).await?;
        match answers.pop().filter(|_| may_claim) {
            Some(answer) => self.claimed(answer).await,
            None => Ok(Claimed::default()),
        }
    }

    async fn adopt(&self, held: &HashSet<String>) -> Result<Vec<Claim>, QueueError> {
        let mut claims = self.leases_of(self.redis.process()).await?;
        claims.retain(|claim| !held.contains(&claim.token));
        Ok(claims)
    }

    async fn work(&self, rooms: &[Room]) {
        self.waking.has_room(rooms);
        self.waking.work().await;
    }

    async fn renew_leases(
        &self,
        held: &[Claim],
        heartbeat: &Heartbeat,
        is_held: &(dyn for<'t> Fn(&'t str) -> bool + Sync),
    ) -> Result<bool, QueueError> {
        let generation = self.redis.generation();
        let has_more = self.renew(held, is_held).await?;
        self.renewed.fetch_max(generation, Ordering::Relaxed);
        self.show_worker(heartbeat).await?;
        Ok(has_more)
    }

    async fn recover(&self) -> Result<(), QueueError> {
        // A lease that ran out while Redis was away may have a living holder: let it renew first.
        if self.redis.is_first() || self.redis.uptime() >= self.timing.lease {
            self.look_after_others().await?;
        }
        Ok(())
    }

    async fn reconnected(&self) {
        self.redis.restored_since(self.renewed.load(Ordering::Relaxed)).await;
    }

    async fn release(&self, claims: &[Claim]) -> Result<(), QueueError> {
        let releases = claims.iter().rev().map(|claim| {
            let tries = claim.tries;
            let ending = Ending { claim, failure: None, error: None, dead_worker: None, tries };
            self.end_claim(&ending)
        });
        self.send(releases.collect(), MayRefuse(0)).await?;
        Ok(())
    }

    async fn is_being_made(&self, content: &ContentHash) -> Result<bool, QueueError> {
        let mut exists = cmd("HEXISTS");
        exists.arg(self.name(&Key::Making)).arg(content.to_string());
        Ok(exists.query_async(&mut self.redis.clone()).await?)
    }

    async fn rest(&self, engine: &str) -> Result<Option<Rest>, QueueError> {
        let key = self.name(&Key::EngineRest(engine.to_owned()));
        let (mut left, mut reason) = (cmd("PTTL"), cmd("GET"));
        left.arg(&key);
        reason.arg(&key);
        let answers = self.send(vec![left, reason], MayRefuse(0)).await?;
        Ok(match &answers[..] {
            [Value::Int(ms), error] if *ms > 0 => read_rest(*ms, error),
            _ => None,
        })
    }

    async fn end_rest(&self, engine: &str) -> Result<(), QueueError> {
        let mut end = cmd("DEL");
        end.arg(self.name(&Key::EngineRest(engine.to_owned())))
            .arg(self.name(&Key::EngineState(engine.to_owned())));
        let _: i64 = end.query_async(&mut self.redis.clone()).await?;
        let mut wake = cmd("RPUSH");
        wake.arg(self.name(&Key::Wake(Pool::of_engine(engine)))).arg(1);
        let _: i64 = wake.query_async(&mut self.redis.clone()).await?;
        Ok(())
    }

    async fn forget(&self, engine: &str) -> Result<(), QueueError> {
        Ok(self.forget_engine(engine).await?)
    }

    async fn record_progress(&self, request: &str, delta: ProgressDelta) -> Result<(), QueueError> {
        let ProgressDelta { total, begun, done, failed } = delta;
        let mut call = Call::new(&scripts::PROGRESS);
        call.key(self.name(&Key::RequestStatus(request.to_owned())))
            .arg(if begun { self.redis.process() } else { "" })
            .arg(done)
            .arg(failed)
            .arg(total.map_or_else(String::new, |total| total.to_string()))
            .arg(REQUEST_EXPIRY_SECONDS);
        let _: Value = call.invoke(&self.redis).await?;
        Ok(())
    }

    async fn request(&self, request: &str) -> Result<Option<RequestStatus>, QueueError> {
        let key = self.name(&Key::RequestStatus(request.to_owned()));
        let mut known: HashMap<String, String> =
            cmd("HGETALL").arg(key).query_async(&mut self.redis.clone()).await?;
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

    async fn set_listener_position(&self, position: &ListenerPosition) -> Result<(), QueueError> {
        Ok(self.note_listener(position).await?)
    }

    async fn listeners(&self, book: &BookId) -> Result<Listeners, QueueError> {
        Ok(self.active_listeners(book).await?)
    }

    async fn status(&self) -> Result<QueueStatus, QueueError> {
        Ok(self.look_at_all().await?)
    }

    async fn lanes(&self) -> Result<Vec<LaneStatus>, QueueError> {
        Ok(self.look_at_lanes().await?)
    }

    async fn workers(&self) -> Result<Vec<WorkerStatus>, QueueError> {
        Ok(self.look_at_workers().await?)
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(self.read_dead().await?.into_iter().map(|(letter, _)| letter).collect())
    }

    async fn requeue_dead(&self, book: Option<&BookId>) -> Result<usize, QueueError> {
        let mut requeued = 0;
        for (letter, member) in self.read_dead().await? {
            if book.is_none_or(|book| *book == letter.job.book) {
                requeued += self.requeue(&letter, &member).await?;
            }
        }
        Ok(requeued)
    }

    async fn discard_dead(&self) -> Result<usize, QueueError> {
        Ok(self.discard_all_dead().await?)
    }
}

fn read_rest(ms: i64, error: &Value) -> Option<Rest> {
    let Value::BulkString(json) = error else { return None };
    let error: VoiceError = serde_json::from_slice(json).ok()?;
    Some(Rest { error, remaining: Duration::from_millis(ms.unsigned_abs()) })
}
