//! What a queue promises, kept by every kind of it: in this process, on a Redis server, on a Redis
//! Cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../common/redis.rs"]
mod redis_server;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use app::model::{BookId, ListenerPosition};
use bytes::Bytes;
use earmark::clips::waits::Waits;
use earmark::queue::memory::MemoryQueue;
use earmark::queue::redis::{Duties, RedisQueue};
use earmark::queue::requests::ProgressDelta;
use earmark::queue::{
    Asked, Claim, Class, Enqueued, Finished, Heartbeat, Job, LaneStatus, MAX_BOOKS, MAX_FAILURES,
    MAX_LANE_JOBS, MAX_TRIES, Made, Needed, Pool, Queue, QueueError, QueueStatus, Room, Sentence,
    Timing,
};
use earmark::redis::{RedisConfig, RedisConnection};
use earmark::speech::VoiceError;
use earmark::text::hash::{ContentHash, VoiceKey};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis_server::{RedisCluster, RedisServer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Short enough to wait for.
const TIMING: Timing = Timing {
    lease: Duration::from_millis(150),
    lock: Duration::from_millis(600),
    renewal: Duration::from_millis(20),
    retry: Duration::from_millis(60),
    retry_at_most: Duration::from_secs(1),
    rest: Duration::from_millis(60),
    rest_at_most: Duration::from_secs(1),
    clip: Duration::from_secs(60),
};

/// As short, and still long enough for a living worker to renew in time on a busy machine.
const MODEL_TIMING: Timing = Timing {
    lease: Duration::from_millis(400),
    lock: Duration::from_secs(2),
    retry: Duration::from_millis(20),
    ..TIMING
};

/// A kind of queue, of which any number of processes can be imitated.
#[derive(Clone)]
enum Kind {
    Memory,
    Redis(Arc<RedisServer>),
    Cluster(Arc<RedisCluster>),
}

/// A server that tests share as long as one of them needs it: the last one ends it.
fn shared<T>(server: &Mutex<Weak<T>>, start: fn() -> T) -> Arc<T> {
    let mut known = server.lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *known = Arc::downgrade(&started);
        started
    })
}

/// One queue, as its servers and workers see it.
struct Bench {
    /// Two processes' handles on the same queue; in memory, the same handle.
    one: Arc<dyn Queue>,
    other: Arc<dyn Queue>,
    /// Those who wait in the process of `one`.
    #[allow(dead_code, reason = "it must live as long as the queue")]
    waits: Arc<Waits>,
    shutdown: CancellationToken,
    /// Where more processes can join; nowhere in memory.
    site: Option<Site>,
    #[allow(dead_code, reason = "it must live as long as the queue")]
    kind: Kind,
}

impl Kind {
    fn redis() -> Self {
        static SERVER: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
        Self::Redis(shared(&SERVER, RedisServer::start))
    }

    fn cluster() -> Self {
        static CLUSTER: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
        Self::Cluster(shared(&CLUSTER, RedisCluster::start))
    }

    async fn bench(&self) -> Bench {
        self.bench_with(TIMING).await
    }

    async fn bench_with(&self, timing: Timing) -> Bench {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("t{}:", NAMES.fetch_add(1, Ordering::Relaxed));
        let (shutdown, waits) = (CancellationToken::new(), Arc::new(Waits::default()));
        let url = match self {
            Kind::Memory => {
                let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new(Arc::clone(&waits), timing));
                let site = None;
                let (one, kind) = (Arc::clone(&queue), self.clone());
                return Bench { one, other: queue, waits, shutdown, site, kind };
            }
            Kind::Redis(server) => server.url(),
            Kind::Cluster(cluster) => cluster.url(),
        };
        let site = Site { url, prefix, timing };
        let one = site.join(&waits, &shutdown).await;
        let other = site.join(&Arc::default(), &shutdown).await;
        // The announcements are subscribed to.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Bench { one, other, waits, shutdown, site: Some(site), kind: self.clone() }
    }
}

/// Where processes share a queue.
struct Site {
    url: String,
    prefix: String,
    timing: Timing,
}

impl Site {
    /// Another process.
    async fn join(&self, waits: &Arc<Waits>, shutdown: &CancellationToken) -> Arc<dyn Queue> {
        let Self { url, prefix, timing } = self;
        let config = RedisConfig { url: url.clone(), prefix: prefix.clone(), concurrency: 20 };
        let redis = RedisConnection::open(&config, shutdown.clone()).await.unwrap();
        let (tasks, duties) = (TaskTracker::new(), Duties { listens: true, ..Duties::default() });
        let with = (&tasks, shutdown);
        Arc::new(RedisQueue::start(redis, Arc::clone(waits), *timing, duties, with))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn book(number: u64) -> BookId {
    format!("{number:016x}").parse().unwrap()
}

fn number(book: &BookId) -> u64 {
    u64::from_str_radix(book.as_str(), 16).unwrap()
}

fn job(of_book: u64, sentence: u32) -> Job {
    job_saying(of_book, sentence, &format!("Book {of_book}, sentence {sentence}."))
}

fn jobs(of_book: u64, count: u32) -> Vec<Job> {
    (0..count).map(|sentence| job(of_book, sentence)).collect()
}

fn job_saying(of_book: u64, sentence: u32, text: &str) -> Job {
    job_by("espeak-ng", of_book, sentence, text)
}

/// A service, in whose lanes nothing is what it seems.
const SERVICE: &str = "s:er{vi}ce";

fn job_of_service(of_book: u64, sentence: u32) -> Job {
    job_by(SERVICE, of_book, sentence, &format!("Book {of_book}, sentence {sentence}."))
}

fn job_by(engine: &str, of_book: u64, sentence: u32, text: &str) -> Job {
    let voice = VoiceKey {
        engine: engine.to_owned(),
        model: "m{odel}".to_owned(),
        voice: "v oice".to_owned(),
        speed: "1".to_owned(),
        format: "f".to_owned(),
    };
    Job::new(Sentence {
        book: book(of_book),
        chapter: 1,
        sentence,
        text: text.into(),
        context: None,
        content: ContentHash::of(text, None, &voice),
        voice: Arc::new(voice),
    })
}

fn made(claim: Claim) -> Finished {
    Finished { claim, outcome: Ok(Made { clip: Bytes::from_static(b"clip"), by_engine: true }) }
}

fn failed(claim: Claim) -> Finished {
    Finished { claim, outcome: Err(trouble()) }
}

fn trouble() -> VoiceError {
    VoiceError::Failed { program: "e:ngine".into(), reason: "hoarse".to_owned() }
}

fn busy(ms: u64) -> VoiceError {
    VoiceError::Busy { engine: SERVICE.to_owned(), reason: String::new(), retry_after_ms: Some(ms) }
}

fn overloaded() -> VoiceError {
    VoiceError::Unreachable {
        engine: SERVICE.to_owned(),
        reason: "overloaded".to_owned(),
        retry_after_ms: None,
        may_have_cost: false,
    }
}

fn failed_with(claim: Claim, error: VoiceError) -> Finished {
    Finished { claim, outcome: Err(error) }
}

fn local(any: usize) -> Room {
    Room::of(Pool::LOCAL, any)
}

fn service(any: usize, limit: usize) -> Room {
    Room { limit: Some(limit), ..Room::of(Pool::of_engine(SERVICE), any) }
}

async fn claim(queue: &Arc<dyn Queue>) -> Option<Claim> {
    claim_in(queue, local(1)).await
}

async fn claim_in(queue: &Arc<dyn Queue>, room: Room) -> Option<Claim> {
    // One that finds nothing but duplicates is asked again.
    for _ in 0..100 {
        let room = std::slice::from_ref(&room);
        let claimed = queue.complete_and_claim(&[], room).await.unwrap();
        if let Some(claim) = claimed.claims.into_iter().next() {
            return Some(claim);
        }
        if !claimed.more {
            return None;
        }
    }
    None
}

async fn finish(queue: &Arc<dyn Queue>, finished: Finished) {
    queue.complete_and_claim(&[finished], &[]).await.unwrap();
}

async fn keep_up(queue: &Arc<dyn Queue>, held: &[Claim]) {
    queue.renew_leases(held, &Heartbeat::default(), &|_| true).await.unwrap();
    queue.recover().await.unwrap();
}

async fn drain(queue: &Arc<dyn Queue>) -> Vec<(u64, u32)> {
    let mut order = Vec::new();
    while let Some(claim) = claim(queue).await {
        order.push((number(&claim.job.book), claim.job.sentence));
        finish(queue, made(claim)).await;
    }
    order
}

async fn status(queue: &Arc<dyn Queue>) -> QueueStatus {
    // Whether a worker was seen is another matter.
    QueueStatus { workers: 0, ..queue.status().await.unwrap() }
}

/// Tests of each promise, on each kind of queue.
macro_rules! promises {
    ($($promise:ident),+ $(,)?) => {
        promises_of!(in_this_process, Kind::Memory, $($promise),+);
        promises_of!(on_a_redis_server, Kind::redis(), $($promise),+);
        promises_of!(on_a_redis_cluster, Kind::cluster(), $($promise),+);
    };
}

/// Tests of each promise, on one kind.
macro_rules! promises_of {
    ($name:ident, $kind:expr, $($promise:ident),+) => {
        mod $name {
            use super::Kind;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(&$kind.bench().await).await;
                }
            )+
        }
    };
}

mod any_order;
mod bounds;
mod failures;
mod listeners;
mod order;
mod rests;
