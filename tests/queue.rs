//! What a queue promises, kept by every kind of it: in this process, on a Redis server, on a Redis
//! Cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "common/redis.rs"]
mod redis_server;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use app::model::{BookId, ListenerPosition};
use bytes::Bytes;
use earmark::clips::waits::Waits;
use earmark::queue::memory::MemoryQueue;
use earmark::queue::redis::{Duties, RedisQueue};
use earmark::queue::requests::ProgressDelta;
use earmark::queue::{
    Asked, Claim, Class, Enqueued, Finished, Heartbeat, Job, MAX_BOOKS, MAX_FAILURES,
    MAX_LANE_JOBS, MAX_TRIES, Needed, Pool, Queue, QueueError, QueueStatus, Room, Sentence, Timing,
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
enum Kind {
    Memory,
    Redis(RedisServer),
    Cluster(RedisCluster),
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
}

impl Kind {
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
                return Bench { one: Arc::clone(&queue), other: queue, waits, shutdown, site };
            }
            Kind::Redis(server) => server.url(),
            Kind::Cluster(cluster) => cluster.url(),
        };
        let site = Site { url, prefix, timing };
        let one = site.join(&waits, &shutdown).await;
        let other = site.join(&Arc::default(), &shutdown).await;
        // The announcements are subscribed to.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Bench { one, other, waits, shutdown, site: Some(site) }
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
    Finished { claim, outcome: Ok(Bytes::from_static(b"clip")) }
}

fn failed(claim: Claim) -> Finished {
    Finished { claim, outcome: Err(trouble()) }
}

fn trouble() -> VoiceError {
    VoiceError::Failed { program: "e:ngine".into(), reason: "hoarse".to_owned() }
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
    queue.renew_leases(held, &Heartbeat::default()).await.unwrap();
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

async fn prefetch_comes_first_and_books_take_turns(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 2)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &jobs(2, 2)).await.unwrap();
    queue.enqueue(Class::Prefetch, &book(3), &[job(3, 9)]).await.unwrap();
    assert_eq!(
        status(queue).await,
        QueueStatus { prefetch: 1, chapter: 4, books: 3, ..QueueStatus::default() }
    );
    assert_eq!(drain(&bench.other).await, [(3, 9), (1, 0), (2, 0), (1, 1), (2, 1)]);
    assert_eq!(status(queue).await, QueueStatus::default());
}

async fn a_batch_is_shared_fairly(bench: &Bench) {
    let queue = &bench.one;
    for of_book in 1..=3 {
        queue.enqueue(Class::Chapter, &book(of_book), &jobs(of_book, 10)).await.unwrap();
    }
    queue.enqueue(Class::Prefetch, &book(9), &jobs(9, 2)).await.unwrap();
    let mut claims = Vec::new();
    while claims.len() < 8 {
        let room = [local(8 - claims.len())];
        let claimed = bench.other.complete_and_claim(&[], &room).await.unwrap();
        claims.extend(claimed.claims);
    }
    let count = |of_book| claims.iter().filter(|claim| claim.job.book == book(of_book)).count();
    assert_eq!([count(1), count(2), count(3), count(9)], [2, 2, 2, 2]);
    for claim in claims {
        finish(queue, made(claim)).await;
    }
}

async fn what_waits_is_not_enqueued_twice(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 3)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 5)).await.unwrap();
    assert_eq!(status(queue).await.chapter, 5);
    // What waits in the chapter lane may still be promoted.
    queue.enqueue(Class::Prefetch, &book(1), &[job(1, 4)]).await.unwrap();
    assert_eq!(drain(queue).await.first(), Some(&(1, 4)));
}

async fn what_two_enqueue_at_once_is_claimed_once(bench: &Bench) {
    let jobs = jobs(1, 250);
    let (one, other) = (&bench.one, &bench.other);
    let book = book(1);
    let enqueued = tokio::join!(
        one.enqueue(Class::Chapter, &book, &jobs),
        other.enqueue(Class::Chapter, &book, &jobs)
    );
    assert_eq!(enqueued.0.unwrap().added + enqueued.1.unwrap().added, 250);
    assert_eq!(status(one).await.chapter, 250);
    let expected: Vec<_> = (0..250).map(|sentence| (1, sentence)).collect();
    assert_eq!(drain(other).await, expected);
    assert_eq!(status(one).await, QueueStatus::default());
}

async fn the_same_audio_is_claimed_once(bench: &Bench) {
    let same = |of_book| job_saying(of_book, 0, "Yes.");
    bench.one.enqueue(Class::Prefetch, &book(1), &[same(1), same(1)]).await.unwrap();
    bench.one.enqueue(Class::Chapter, &book(2), &[same(2), job(2, 1)]).await.unwrap();
    let first = claim(&bench.one).await.unwrap();
    // While it is being made, the other book's job for it is dropped.
    assert_eq!(claim(&bench.other).await.unwrap().job.sentence, 1);
    assert!(claim(&bench.other).await.is_none());
    finish(&bench.one, made(first)).await;
}

async fn a_sentence_someone_waits_for_goes_first(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 5)).await.unwrap();
    queue.enqueue_awaited(&job(1, 3)).await.unwrap();
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [3, 0, 1, 2, 4]);
    // What is being made is not asked for again.
    queue.enqueue_awaited(&job(2, 0)).await.unwrap();
    let held = claim(queue).await.unwrap();
    assert!(bench.other.is_being_made(&held.job.content).await.unwrap());
    bench.other.enqueue_awaited(&job(2, 0)).await.unwrap();
    assert!(claim(queue).await.is_none());
    finish(queue, made(held)).await;
}

async fn who_asks_first_is_served_first(bench: &Bench) {
    let queue = &bench.one;
    for sentence in [4, 1, 3] {
        queue.enqueue_awaited(&job(1, sentence)).await.unwrap();
    }
    // Asking again gains nothing.
    queue.enqueue_awaited(&job(1, 3)).await.unwrap();
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [4, 1, 3]);
}

async fn a_lane_keeps_what_is_needed(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &[job(1, 5), job(1, 7)]).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 3)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &[job_of_service(1, 9)]).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &[job(2, 0)]).await.unwrap();
    queue.enqueue_awaited(&job(1, 8)).await.unwrap();
    let version = queue.listeners(&book(1)).await.unwrap().version;
    let needed = |prefetch: &[Job], chapter: &[Job]| Needed {
        prefetch: prefetch.iter().map(|job| job.content).collect(),
        chapter: chapter.iter().map(|job| job.content).collect(),
    };
    let keep = needed(&[job(1, 7)], &[job(1, 1)]);
    assert!(bench.other.retain(&book(1), &keep, version).await.unwrap());
    let expected = QueueStatus { prefetch: 2, chapter: 2, ..status(queue).await };
    assert_eq!(status(queue).await, expected);
    let mut order = drain(queue).await;
    assert_eq!(order[..2], [(1, 8), (1, 7)], "what somebody waits for stays");
    order.sort_unstable();
    assert_eq!(order, [(1, 1), (1, 7), (1, 8), (2, 0)]);
    // What was dropped may come again.
    queue.enqueue(Class::Chapter, &book(1), &[job(1, 0), job(1, 2)]).await.unwrap();
    assert_eq!(drain(queue).await, [(1, 0), (1, 2)]);
    assert_eq!(claim_in(queue, service(9, 9)).await.map(|claim| claim.token), None);
}

async fn nothing_is_dropped_while_a_listener_moves(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 3)).await.unwrap();
    let version = queue.listeners(&book(1)).await.unwrap().version;
    let position = ListenerPosition {
        listener: "other".to_owned(),
        book: book(1),
        chapter: 1,
        sentence: 0,
        voice: String::new(),
    };
    bench.other.set_listener_position(&position).await.unwrap();
    assert!(!queue.retain(&book(1), &Needed::default(), version).await.unwrap());
    assert_eq!(drain(queue).await.len(), 3);
}

async fn a_turned_page_takes_back_what_it_asked_for(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 4)).await.unwrap();
    bench.other.withdraw(Class::Prefetch, &book(1), &[job(1, 0), job(1, 2)]).await.unwrap();
    assert_eq!(status(queue).await.prefetch, 2);
    assert_eq!(drain(queue).await, [(1, 1), (1, 3)]);
    assert_eq!(status(queue).await, QueueStatus::default());
}

async fn background_comes_last(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Background, &book(1), &jobs(1, 2)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &jobs(2, 1)).await.unwrap();
    queue.enqueue(Class::Prefetch, &book(3), &jobs(3, 1)).await.unwrap();
    queue.enqueue_awaited(&job(4, 0)).await.unwrap();
    assert_eq!(status(queue).await.background, 2);
    assert_eq!(drain(queue).await, [(4, 0), (3, 0), (2, 0), (1, 0), (1, 1)]);
}

async fn a_place_is_kept_for_whoever_listens(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 5)).await.unwrap();
    let room = Room { ahead: 2, ..local(3) };
    let claimed = queue.complete_and_claim(&[], std::slice::from_ref(&room)).await.unwrap();
    assert_eq!(claimed.claims.len(), 2);
    let last = Room { ahead: 0, ..local(1) };
    assert!(claim_in(queue, last.clone()).await.is_none());
    queue.enqueue_awaited(&job(2, 0)).await.unwrap();
    assert_eq!(claim_in(queue, last).await.unwrap().job.book, book(2));
    queue.release(&claimed.claims).await.unwrap();
}

async fn an_engine_has_no_more_in_hand_than_it_accepts(bench: &Bench) {
    let all: Vec<_> = (0..6).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    bench.one.enqueue(Class::Chapter, &book(1), &jobs(1, 1)).await.unwrap();
    let first = claim_in(&bench.one, service(1, 2)).await.unwrap();
    let second = claim_in(&bench.other, service(1, 2)).await.unwrap();
    assert!(claim_in(&bench.other, service(4, 2)).await.is_none(), "of all workers together");
    // Nobody else is kept waiting.
    let own = claim(&bench.other).await.unwrap();
    assert_eq!(own.job, job(1, 0));
    finish(&bench.one, made(first)).await;
    assert!(claim_in(&bench.other, service(4, 2)).await.is_some());
    for claim in [own, second] {
        finish(&bench.other, made(claim)).await;
    }
}

fn busy(ms: u64) -> VoiceError {
    VoiceError::Busy { engine: SERVICE.to_owned(), reason: String::new(), retry_after_ms: Some(ms) }
}

fn overloaded() -> VoiceError {
    VoiceError::Unreachable {
        engine: SERVICE.to_owned(),
        reason: "overloaded".to_owned(),
        retry_after_ms: None,
    }
}

fn failed_with(claim: Claim, error: VoiceError) -> Finished {
    Finished { claim, outcome: Err(error) }
}

async fn an_engine_that_asks_for_it_rests_and_one_sentence_tries_it(bench: &Bench) {
    let all: Vec<_> = (0..3).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    let held = claim_in(&bench.one, service(1, 4)).await.unwrap();
    finish(&bench.one, failed_with(held, busy(300))).await;
    assert!(bench.other.rest(SERVICE).await.unwrap().is_some_and(|rest| rest.error == busy(300)));
    assert!(claim_in(&bench.other, service(4, 4)).await.is_none(), "it rests for all");
    let asked = bench.other.enqueue_awaited(&job_of_service(1, 1)).await.unwrap();
    assert!(matches!(asked, Asked::Resting(_)), "{asked:?}");
    tokio::time::sleep(Duration::from_millis(350)).await;
    let rooms = [service(4, 4)];
    let mut probes = bench.other.complete_and_claim(&[], &rooms).await.unwrap().claims;
    assert_eq!(probes.len(), 1, "exactly one tries");
    assert!(claim_in(&bench.one, service(4, 4)).await.is_none());
    let probe = probes.remove(0);
    assert_eq!(probe.tries, 0, "nothing counted as a try");
    finish(&bench.other, made(probe)).await;
    assert!(bench.one.rest(SERVICE).await.unwrap().is_none());
    let claimed = bench.one.complete_and_claim(&[], &rooms).await.unwrap().claims;
    assert_eq!(claimed.len(), 2, "it is back");
    assert!(claimed.iter().all(|claim| claim.tries == 0));
}

async fn an_engine_that_rests_from_now_on_is_not_claimed_for_in_the_same_exchange(bench: &Bench) {
    let all: Vec<_> = (0..3).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    let held = claim_in(&bench.one, service(1, 1)).await.unwrap();
    let finished = [failed_with(held, busy(60_000))];
    let claimed = bench.one.complete_and_claim(&finished, &[service(1, 4)]).await.unwrap();
    assert!(claimed.claims.is_empty(), "{:?}", claimed.claims);
}

async fn an_outage_makes_no_dead_letters(bench: &Bench) {
    let all: Vec<_> = (0..20).map(|sentence| job_of_service(1, sentence)).collect();
    bench.one.enqueue(Class::Chapter, &book(1), &all).await.unwrap();
    let mut asked = 0;
    for _ in 0..30 {
        for claim in bench.one.complete_and_claim(&[], &[service(4, 4)]).await.unwrap().claims {
            asked += 1;
            finish(&bench.one, failed_with(claim, overloaded())).await;
        }
        keep_up(&bench.one, &[]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked <= MAX_FAILURES + 10, "it was asked {asked} times");
    assert_eq!(status(&bench.one).await.dead, 0);
    // It is back, and everything is spoken.
    let mut spoken = HashSet::new();
    for _ in 0..200 {
        for claim in bench.one.complete_and_claim(&[], &[service(4, 4)]).await.unwrap().claims {
            spoken.insert(claim.job.sentence);
            finish(&bench.one, made(claim)).await;
        }
        keep_up(&bench.one, &[]).await;
        if spoken.len() == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(spoken.len(), 20);
}

async fn a_wrong_key_parks_the_engine_until_it_is_mended(bench: &Bench) {
    let refused = VoiceError::Refused { engine: SERVICE.to_owned(), reason: String::new() };
    bench.one.enqueue(Class::Chapter, &book(1), &[job_of_service(1, 0)]).await.unwrap();
    let held = claim_in(&bench.one, service(1, 1)).await.unwrap();
    finish(&bench.one, failed_with(held, refused.clone())).await;
    assert_eq!(bench.other.rest(SERVICE).await.unwrap().unwrap().error, refused);
    assert_eq!(status(&bench.one).await.dead, 0);
    bench.other.end_rest(SERVICE).await.unwrap();
    assert_eq!(claim_in(&bench.one, service(1, 1)).await.unwrap().tries, 0);
}

async fn a_late_failure_is_no_news(bench: &Bench) {
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    let late = claim(&bench.other).await.unwrap();
    tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
    keep_up(&bench.one, &[]).await;
    let again = claim(&bench.one).await.unwrap();
    finish(&bench.other, failed(late)).await;
    keep_up(&bench.one, std::slice::from_ref(&again)).await;
    assert!(bench.one.is_being_made(&again.job.content).await.unwrap());
    assert_eq!(status(&bench.one).await.retry, 0);
    finish(&bench.one, made(again)).await;
}

async fn a_full_lane_refuses_and_keeps_what_it_has(bench: &Bench) {
    let many = jobs(1, MAX_LANE_JOBS as u32 + 1);
    let enqueued = bench.one.enqueue(Class::Chapter, &book(1), &many).await.unwrap();
    assert_eq!(enqueued, Enqueued { added: MAX_LANE_JOBS, is_full: true });
    assert_eq!(status(&bench.one).await.chapter, MAX_LANE_JOBS);
    let version = bench.one.listeners(&book(1)).await.unwrap().version;
    assert!(bench.one.retain(&book(1), &Needed::default(), version).await.unwrap());
    assert_eq!(status(&bench.one).await.chapter, 0);
    assert!(claim(&bench.one).await.is_none());
}

async fn an_idle_worker_wakes_when_work_arrives(bench: &Bench) {
    let worker = tokio::spawn({
        let queue = Arc::clone(&bench.other);
        async move {
            loop {
                if let Some(claim) = claim(&queue).await {
                    finish(&queue, made(claim.clone())).await;
                    return claim.job.sentence;
                }
                queue.work(&[local(1)]).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 4)]).await.unwrap();
    let woken = tokio::time::timeout(Duration::from_millis(500), worker).await;
    assert_eq!(woken.expect("woken, not by its own timer").unwrap(), 4);
}

async fn what_a_dead_worker_held_comes_back(bench: &Bench) {
    let dead = &bench.other;
    bench.one.enqueue(Class::Prefetch, &book(1), &jobs(1, 2)).await.unwrap();
    let held = claim(dead).await.unwrap();
    assert_eq!(held.tries, 0);
    // A living one keeps what it renews.
    for _ in 0..6 {
        tokio::time::sleep(TIMING.lease / 3).await;
        keep_up(dead, std::slice::from_ref(&held)).await;
    }
    assert_eq!(status(&bench.one).await.in_flight, 1);
    tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
    keep_up(&bench.one, &[]).await;
    let again = claim(&bench.one).await.unwrap();
    assert_eq!((again.job.sentence, again.tries), (0, 1), "at the head, and it counts");
    // The late one harms nobody: its result is kept or not, the other's lock stays.
    finish(dead, made(held.clone())).await;
    bench.one.enqueue_awaited(&held.job).await.unwrap();
    assert_eq!(claim(&bench.one).await.unwrap().job.sentence, 1);
}

async fn a_worker_that_was_away_loses_no_job(bench: &Bench) {
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    let away = claim(&bench.other).await.unwrap();
    tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
    keep_up(&bench.one, &[]).await;
    // It is back, goes on as if nothing had been, and fails.
    keep_up(&bench.other, std::slice::from_ref(&away)).await;
    let taken_over = claim(&bench.one).await;
    finish(&bench.other, failed(away)).await;
    let claim = match taken_over {
        Some(claim) => claim,
        None => {
            tokio::time::sleep(TIMING.retry * 2 + TIMING.renewal).await;
            keep_up(&bench.one, &[]).await;
            claim(&bench.one).await.expect("it is tried again")
        }
    };
    finish(&bench.one, made(claim)).await;
    assert_eq!(status(&bench.one).await, QueueStatus::default());
}

async fn a_job_that_kills_its_workers_is_a_dead_letter(bench: &Bench) {
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    for tries in 0..MAX_TRIES {
        let held = claim(&bench.other).await.expect("it comes back");
        assert_eq!(held.tries, tries);
        tokio::time::sleep(TIMING.lease + TIMING.renewal).await;
        keep_up(&bench.one, &[]).await;
    }
    assert!(claim(&bench.one).await.is_none());
    assert_eq!(bench.one.dead_letters().await.unwrap().len(), 1);
    assert_eq!(status(&bench.one).await, QueueStatus { dead: 1, ..QueueStatus::default() });
    // It is remembered, so that it ends no more workers.
    let asked = bench.other.enqueue_awaited(&job(1, 0)).await.unwrap();
    assert!(matches!(asked, Asked::Refused(_)), "{asked:?}");
    let again = bench.other.enqueue(Class::Chapter, &book(1), &jobs(1, 2)).await.unwrap();
    assert_eq!(again.added, 1);
    assert_eq!(claim(&bench.one).await.unwrap().job.sentence, 1);
    // Unless an operator wants it so.
    assert_eq!(bench.one.requeue_dead(None).await.unwrap(), 1);
    assert_eq!(claim(&bench.one).await.unwrap().job.sentence, 0);
}

async fn a_failed_job_is_tried_again_and_then_a_dead_letter(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    for tries in 0..MAX_TRIES {
        let claimed = claim(queue).await.expect("it comes back");
        assert_eq!(claimed.tries, tries);
        finish(queue, failed(claimed)).await;
        keep_up(queue, &[]).await;
        assert!(claim(queue).await.is_none(), "not at once");
        tokio::time::sleep(TIMING.retry * 2_u32.pow(u32::from(tries)) + TIMING.renewal).await;
        keep_up(queue, &[]).await;
    }
    assert!(claim(queue).await.is_none());
    let dead = bench.other.dead_letters().await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (&dead[0].job, &dead[0].error, dead[0].class),
        (&job(1, 0), &trouble(), Class::Chapter)
    );
    assert_eq!(queue.requeue_dead(Some(&book(2))).await.unwrap(), 0);
    assert_eq!(queue.requeue_dead(Some(&book(1))).await.unwrap(), 1);
    let mut claimed = claim(queue).await.unwrap();
    assert_eq!(claimed.tries, 0);
    assert!(queue.dead_letters().await.unwrap().is_empty());
    // Thrown away, it is as if it had not been asked for.
    for tries in 1..=MAX_TRIES {
        finish(queue, failed(claimed.clone())).await;
        tokio::time::sleep(TIMING.retry * 2_u32.pow(u32::from(tries) - 1) + TIMING.renewal).await;
        keep_up(queue, &[]).await;
        claimed = claim(queue).await.unwrap_or(claimed);
    }
    assert_eq!(bench.other.discard_dead().await.unwrap(), 1);
    assert_eq!(status(queue).await, QueueStatus::default());
    assert_eq!(queue.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap().added, 1);
}

async fn what_is_released_counts_no_try(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 3)).await.unwrap();
    let held = vec![claim(queue).await.unwrap(), claim(queue).await.unwrap()];
    queue.release(&held).await.unwrap();
    assert_eq!(status(queue).await.in_flight, 0);
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [0, 1, 2]);
}

async fn listeners_are_known_to_all(bench: &Bench) {
    let place = |listener: &str, chapter| ListenerPosition {
        listener: listener.to_owned(),
        book: book(1),
        chapter,
        sentence: 0,
        voice: String::new(),
    };
    for (listener, chapter) in [("a", 1), ("b", 5), ("a", 2)] {
        bench.one.set_listener_position(&place(listener, chapter)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let known = bench.other.listeners(&book(1)).await.unwrap();
    assert_eq!(known.positions, [place("a", 2), place("b", 5)]);
    assert_eq!(known.version, 3);
    assert!(bench.other.listeners(&book(2)).await.unwrap().positions.is_empty());
}

async fn a_request_tells_how_far_it_has_come(bench: &Bench) {
    let queue = &bench.one;
    assert_eq!(queue.request("r").await.unwrap(), None);
    let mut jobs = jobs(1, 4);
    for job in &mut jobs {
        job.request = Some("r".into());
    }
    // The first is being made for somebody else.
    queue.enqueue_awaited(&job(1, 0)).await.unwrap();
    let held = claim(queue).await.unwrap();
    let total = |total| ProgressDelta { total: Some(total), ..ProgressDelta::default() };
    queue.record_progress("r", total(9)).await.unwrap();
    let added = queue.enqueue(Class::Chapter, &book(1), &jobs).await.unwrap().added;
    queue.record_progress("r", total(added)).await.unwrap();
    let known = queue.request("r").await.unwrap().unwrap();
    assert_eq!((known.status.as_str(), known.progress, known.started_at), ("queued", 0, None));
    let mut claims = bench.other.complete_and_claim(&[], &[local(4)]).await.unwrap().claims;
    assert_eq!(claims.len(), 3, "what is being made is dropped, and done");
    finish(&bench.other, made(claims.remove(0))).await;
    let known = queue.request("r").await.unwrap().unwrap();
    assert_eq!((known.status.as_str(), known.progress), ("processing", 50));
    assert!(known.started_at.is_some() && known.worker_id.is_some());
    for claim in claims {
        finish(&bench.other, made(claim)).await;
    }
    finish(queue, made(held)).await;
    let known = queue.request("r").await.unwrap().unwrap();
    assert_eq!((known.status.as_str(), known.progress), ("completed", 100));
    assert!(known.completed_at >= known.started_at);
}

/// A queue of its own for each promise.
macro_rules! promises {
    ($($promise:ident),+ $(,)?) => {
        async fn all_promises(kind: Kind) {
            $({
                let bench = kind.bench().await;
                eprintln!("{}", stringify!($promise));
                $promise(&bench).await;
            })+
        }
    };
}

promises!(
    prefetch_comes_first_and_books_take_turns,
    a_batch_is_shared_fairly,
    what_waits_is_not_enqueued_twice,
    what_two_enqueue_at_once_is_claimed_once,
    the_same_audio_is_claimed_once,
    a_sentence_someone_waits_for_goes_first,
    who_asks_first_is_served_first,
    a_lane_keeps_what_is_needed,
    nothing_is_dropped_while_a_listener_moves,
    a_turned_page_takes_back_what_it_asked_for,
    background_comes_last,
    a_place_is_kept_for_whoever_listens,
    an_engine_has_no_more_in_hand_than_it_accepts,
    an_engine_that_asks_for_it_rests_and_one_sentence_tries_it,
    an_engine_that_rests_from_now_on_is_not_claimed_for_in_the_same_exchange,
    an_outage_makes_no_dead_letters,
    a_wrong_key_parks_the_engine_until_it_is_mended,
    a_late_failure_is_no_news,
    a_full_lane_refuses_and_keeps_what_it_has,
    an_idle_worker_wakes_when_work_arrives,
    what_a_dead_worker_held_comes_back,
    a_worker_that_was_away_loses_no_job,
    a_job_that_kills_its_workers_is_a_dead_letter,
    a_failed_job_is_tried_again_and_then_a_dead_letter,
    what_is_released_counts_no_try,
    listeners_are_known_to_all,
    a_request_tells_how_far_it_has_come,
);

async fn the_number_of_books_is_bounded(kind: Kind) {
    let bench = kind.bench().await;
    let enqueue = async |of_book: u64| {
        bench.one.enqueue(Class::Chapter, &book(of_book), &[job(of_book, 0)]).await
    };
    for of_book in 0..MAX_BOOKS as u64 {
        enqueue(of_book).await.unwrap();
    }
    let one_more = MAX_BOOKS as u64;
    assert_eq!(enqueue(one_more).await, Err(QueueError::TooManyBooks));
    let refused = bench.one.enqueue_awaited(&job(one_more, 0)).await;
    assert_eq!(refused, Err(QueueError::TooManyBooks));
    // Those that are there go on.
    bench.one.enqueue(Class::Chapter, &book(7), &[job(7, 1)]).await.unwrap();
    assert_eq!(status(&bench.one).await.chapter, MAX_BOOKS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_books() {
    the_number_of_books_is_bounded(Kind::Memory).await;
    the_number_of_books_is_bounded(Kind::Redis(RedisServer::start())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgot_the_scripts_is_told_them_again() {
    let server = RedisServer::start();
    let kind = Kind::Redis(server);
    let bench = kind.bench().await;
    let Kind::Redis(server) = &kind else { unreachable!() };
    for sentences in [3, 5] {
        assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
        bench.one.enqueue(Class::Chapter, &book(1), &jobs(1, sentences)).await.unwrap();
    }
    assert_eq!(status(&bench.one).await.chapter, 5);
    let lane = server.cli(&["KEYS", "*queue:tts:chapter:*"]);
    assert_eq!(server.cli(&["LLEN", &lane]), "5", "nothing is left there twice");
    let expected: Vec<_> = (0..5).map(|sentence| (1, sentence)).collect();
    assert_eq!(drain(&bench.other).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_this_process() {
    all_promises(Kind::Memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_redis_server() {
    all_promises(Kind::Redis(RedisServer::start())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_redis_cluster() {
    all_promises(Kind::Cluster(RedisCluster::start())).await;
}

/// Something that happens to a queue.
#[derive(Debug, Clone)]
enum Step {
    Enqueue {
        class: Class,
        book: u64,
        sentences: Vec<u32>,
    },
    /// For the service, which has chapter lanes only.
    EnqueueService {
        book: u64,
        sentences: Vec<u32>,
    },
    Awaited {
        book: u64,
        sentence: u32,
    },
    /// The listeners of a book need no more than this.
    Retain {
        book: u64,
        prefetch: Vec<u32>,
        chapter: Vec<u32>,
    },
    Claim {
        by: usize,
        local: usize,
        service: usize,
    },
    Finish {
        by: usize,
        how: How,
    },
    /// A worker dies with all it holds.
    Crash {
        by: usize,
    },
    /// A worker is frozen until its leases have run out, and then fails at all it held.
    Late {
        by: usize,
    },
    /// The leases of the dead run out; the living renew theirs.
    Expire,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Well,
    Badly,
    /// The service, if it is one, asks to be left alone for this many ms.
    Busy(u64),
    /// The service, if it is one, fails as a whole.
    Overloaded,
}

/// Sentences of the service that may be in hand at once.
const PERMITS: usize = 2;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let books = || 1..4_u64;
    let sentences = || prop::collection::vec(0..6_u32, 0..5);
    let class = prop_oneof![Just(Class::Prefetch), Just(Class::Chapter), Just(Class::Background)];
    let how = prop_oneof![
        8 => Just(How::Well),
        1 => Just(How::Badly),
        1 => (1..30_u64).prop_map(How::Busy),
        1 => Just(How::Overloaded),
    ];
    let step = prop_oneof![
        4 => (class, books(), sentences())
            .prop_map(|(class, book, sentences)| Step::Enqueue { class, book, sentences }),
        2 => (books(), sentences())
            .prop_map(|(book, sentences)| Step::EnqueueService { book, sentences }),
        2 => (books(), 0..6_u32).prop_map(|(book, sentence)| Step::Awaited { book, sentence }),
        1 => (books(), sentences(), sentences())
            .prop_map(|(book, prefetch, chapter)| Step::Retain { book, prefetch, chapter }),
        5 => (0..2_usize, 0..4_usize, 0..4_usize)
            .prop_map(|(by, local, service)| Step::Claim { by, local, service }),
        5 => (0..2_usize, how).prop_map(|(by, how)| Step::Finish { by, how }),
        1 => (0..2_usize).prop_map(|by| Step::Crash { by }),
        1 => (0..2_usize).prop_map(|by| Step::Late { by }),
        1 => Just(Step::Expire),
    ];
    prop::collection::vec(step, 1..40)
}

/// What is known of a queue from what happened to it.
struct Model<'a> {
    bench: &'a Bench,
    /// The queue as each of two workers sees it, and what each holds.
    workers: [Arc<dyn Queue>; 2],
    held: [Vec<Claim>; 2],
    /// What must be made, or be a dead letter, in the end.
    wanted: HashSet<ContentHash>,
    made: HashSet<ContentHash>,
    /// Until when the service must be left alone.
    rests_until: Option<Instant>,
}

impl Model<'_> {
    async fn apply(&mut self, step: Step) {
        let jobs = |of_book: u64, sentences: &[u32]| -> Vec<Job> {
            sentences.iter().map(|sentence| job(of_book, *sentence)).collect()
        };
        match step {
            Step::Enqueue { class, book: number, sentences } => {
                self.enqueue(class, number, jobs(number, &sentences)).await;
            }
            Step::EnqueueService { book, sentences } => {
                let jobs = sentences.iter().map(|sentence| job_of_service(book, *sentence));
                self.enqueue(Class::Chapter, book, jobs.collect()).await;
            }
            Step::Awaited { book, sentence } => {
                let first = job(book, sentence);
                self.wanted.insert(first.content);
                self.bench.other.enqueue_awaited(&first).await.unwrap();
            }
            Step::Retain { book: number, prefetch, chapter } => {
                // What waited may be wanted no more.
                for sentence in 0..6 {
                    self.wanted.remove(&job(number, sentence).content);
                    self.wanted.remove(&job_of_service(number, sentence).content);
                }
                let contents = |sentences: &[u32]| {
                    jobs(number, sentences).iter().map(|job| job.content).collect()
                };
                let needed = Needed { prefetch: contents(&prefetch), chapter: contents(&chapter) };
                let version = self.bench.one.listeners(&book(number)).await.unwrap().version;
                assert!(self.bench.one.retain(&book(number), &needed, version).await.unwrap());
                // A page asks for what it needs after that.
                self.enqueue(Class::Prefetch, number, jobs(number, &prefetch)).await;
                self.enqueue(Class::Chapter, number, jobs(number, &chapter)).await;
            }
            Step::Claim { by, local, service } => self.claim(by, local, service).await,
            Step::Finish { by, how } => {
                if let Some(claim) = self.held[by].pop() {
                    self.finish(by, claim, how).await;
                }
            }
            Step::Crash { by } => {
                self.held[by].clear();
                self.replace(by).await;
            }
            Step::Late { by } => {
                let late = std::mem::take(&mut self.held[by]);
                let frozen = Arc::clone(&self.workers[by]);
                self.replace(by).await;
                self.expire().await;
                for claim in late {
                    finish(&frozen, failed(claim)).await;
                }
            }
            Step::Expire => self.expire().await,
        }
    }

    async fn enqueue(&mut self, class: Class, of_book: u64, jobs: Vec<Job>) {
        self.wanted.extend(jobs.iter().map(|job| job.content));
        self.bench.one.enqueue(class, &book(of_book), &jobs).await.unwrap();
    }

    /// A worker that died is followed by another; in memory there is none to follow.
    async fn replace(&mut self, by: usize) {
        if let Some(site) = &self.bench.site {
            self.workers[by] = site.join(&Arc::default(), &self.bench.shutdown).await;
        }
    }

    async fn claim(&mut self, by: usize, local_room: usize, service_room: usize) {
        let rooms = [local(local_room), service(service_room, PERMITS)];
        let claims = self.workers[by].complete_and_claim(&[], &rooms).await.unwrap().claims;
        let of_service = |claim: &&Claim| claim.job.pool() != Pool::LOCAL;
        let service_claims = claims.iter().filter(of_service).count();
        assert!(service_claims <= service_room && claims.len() - service_claims <= local_room);
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            assert_eq!(service_claims, 0, "a resting engine was claimed for");
        }
        let is_ahead = |claim: &Claim| matches!(claim.class, Class::Chapter | Class::Background);
        if claims.iter().any(|claim| is_ahead(claim) && claim.job.pool() == Pool::LOCAL) {
            let waiting = self.workers[by].status().await.unwrap().prefetch;
            assert_eq!(waiting, 0, "a chapter sentence was claimed before a prefetch sentence");
        }
        for claim in claims {
            let holders = self.held.iter().flatten();
            let same = holders.filter(|held| held.job.content == claim.job.content).count();
            assert_eq!(same, 0, "the same audio is being made twice");
            self.held[by].push(claim);
        }
        let in_hand = self.held.iter().flatten().filter(of_service).count();
        assert!(in_hand <= PERMITS, "{in_hand} in the hands of a service that accepts {PERMITS}");
    }

    async fn finish(&mut self, by: usize, claim: Claim, how: How) {
        let is_service = claim.job.pool() != Pool::LOCAL;
        let finished = match how {
            How::Well => {
                self.made.insert(claim.job.content);
                made(claim)
            }
            How::Busy(ms) if is_service => {
                let until = Instant::now() + Duration::from_millis(ms.max(200));
                self.rests_until = self.rests_until.max(Some(until));
                failed_with(claim, busy(ms))
            }
            How::Overloaded if is_service => failed_with(claim, overloaded()),
            How::Badly | How::Busy(_) | How::Overloaded => failed(claim),
        };
        finish(&self.workers[by], finished).await;
    }

    async fn expire(&self) {
        for _ in 0..5 {
            tokio::time::sleep(MODEL_TIMING.lease / 4).await;
            for by in 0..2 {
                keep_up(&self.workers[by], &self.held[by]).await;
            }
        }
    }

    /// Works until nothing is left.
    async fn settle(mut self) {
        for by in 0..2 {
            while let Some(claim) = self.held[by].pop() {
                self.finish(by, claim, How::Well).await;
            }
        }
        let rooms = [local(5), service(5, PERMITS)];
        for _ in 0..120 {
            let claimed = self.workers[0].complete_and_claim(&[], &rooms).await.unwrap();
            let is_idle = claimed.claims.is_empty() && !claimed.more;
            for claim in claimed.claims {
                self.finish(0, claim, How::Well).await;
            }
            let status = status(&self.workers[0]).await;
            if status == (QueueStatus { dead: status.dead, ..QueueStatus::default() }) {
                break;
            }
            if is_idle {
                tokio::time::sleep(MODEL_TIMING.lease / 8).await;
                keep_up(&self.workers[0], &[]).await;
            }
        }
        let dead = self.bench.one.dead_letters().await.unwrap();
        self.made.extend(dead.iter().map(|letter| letter.job.content));
        let status = status(&self.bench.one).await;
        assert_eq!(status, QueueStatus { dead: dead.len(), ..QueueStatus::default() });
        let lost: Vec<_> = self.wanted.difference(&self.made).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    }
}

/// Whatever happens in whatever order: nothing that is wanted is lost, no audio is being made
/// twice, no chapter sentence goes before a prefetch sentence, no engine has more in hand than it accepts or
/// is asked while it rests, and in the end nothing is left over.
fn promises_hold_in_any_order(kind: Kind, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config =
        Config { cases, max_shrink_iters: 50, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let bench = kind.bench_with(MODEL_TIMING).await;
                let workers = [Arc::clone(&bench.one), Arc::clone(&bench.other)];
                let (held, wanted, made) = Default::default();
                let mut model =
                    Model { bench: &bench, workers, held, wanted, made, rests_until: None };
                for step in steps {
                    model.apply(step).await;
                }
                model.settle().await;
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn in_any_order_in_this_process() {
    promises_hold_in_any_order(Kind::Memory, 40);
}

#[test]
fn in_any_order_on_a_redis_server() {
    promises_hold_in_any_order(Kind::Redis(RedisServer::start()), 40);
}

#[test]
fn in_any_order_on_a_redis_cluster() {
    promises_hold_in_any_order(Kind::Cluster(RedisCluster::start()), 12);
}
