//! What a queue promises, kept by every kind of it: in this process, on a Redis server, on a Redis
//! Cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "common/redis.rs"]
mod redis_server;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::model::{BookId, Place};
use bytes::Bytes;
use earmark::narrator::memory::MemoryQueue;
use earmark::narrator::queue::{
    Beat, Claim, Class, Finished, Job, MAX_BOOKS, MAX_LANE_JOBS, MAX_TRIES, Queue, QueueError,
    QueueStatus, Timing,
};
use earmark::narrator::redis_queue::RedisQueue;
use earmark::narrator::requests::Advance;
use earmark::narrator::waiters::Waiters;
use earmark::redis::{Link, RedisConfig};
use earmark::text::hash::{ContentHash, VoiceKey};
use earmark::voices::VoiceError;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis_server::{RedisCluster, RedisServer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Short enough to wait for.
const TIMING: Timing = Timing {
    lease: Duration::from_millis(150),
    lock: Duration::from_millis(600),
    upkeep: Duration::from_millis(20),
    retry: Duration::from_millis(60),
    retry_at_most: Duration::from_secs(1),
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
    waiters: Arc<Waiters>,
    shutdown: CancellationToken,
}

impl Kind {
    async fn bench(&self) -> Bench {
        self.bench_with(TIMING).await
    }

    async fn bench_with(&self, timing: Timing) -> Bench {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("t{}:", NAMES.fetch_add(1, Ordering::Relaxed));
        let shutdown = CancellationToken::new();
        let waiters = Arc::new(Waiters::default());
        let url = match self {
            Kind::Memory => {
                let queue: Arc<dyn Queue> =
                    Arc::new(MemoryQueue::new(Arc::clone(&waiters), timing));
                return Bench { one: Arc::clone(&queue), other: queue, waiters, shutdown };
            }
            Kind::Redis(server) => server.url(),
            Kind::Cluster(cluster) => cluster.url(),
        };
        let start = async |waiters: &Arc<Waiters>| {
            let config = RedisConfig { url: url.clone(), prefix: prefix.clone(), concurrency: 20 };
            let link = Link::open(&config, shutdown.clone()).await.unwrap();
            let tasks = TaskTracker::new();
            let queue = RedisQueue::start(link, Arc::clone(waiters), timing, (&tasks, &shutdown));
            Arc::new(queue) as Arc<dyn Queue>
        };
        let one = start(&waiters).await;
        let other = start(&Arc::default()).await;
        // The announcements are subscribed to.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Bench { one, other, waiters, shutdown }
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
    let voice = VoiceKey {
        engine: "e:ngine".to_owned(),
        model: "m{odel}".to_owned(),
        voice: "v oice".to_owned(),
        speed: "1".to_owned(),
        format: "f".to_owned(),
    };
    Job {
        book: book(of_book),
        chapter: 1,
        sentence,
        text: text.into(),
        context: None,
        content: ContentHash::of(text, None, &voice),
        voice: Arc::new(voice),
        request: None,
    }
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

async fn claim(queue: &Arc<dyn Queue>) -> Option<Claim> {
    // One that finds nothing but duplicates is asked again.
    for _ in 0..20 {
        let exchange = queue.exchange(&[], 1).await.unwrap();
        if let Some(claim) = exchange.claims.into_iter().next() {
            return Some(claim);
        }
        if !exchange.more {
            return None;
        }
    }
    None
}

async fn finish(queue: &Arc<dyn Queue>, finished: Finished) {
    queue.exchange(&[finished], 0).await.unwrap();
}

async fn keep_up(queue: &Arc<dyn Queue>, held: &[Claim]) {
    queue.upkeep(held, &Beat::default()).await.unwrap();
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
        let exchange = bench.other.exchange(&[], 8 - claims.len()).await.unwrap();
        claims.extend(exchange.claims);
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

async fn everyone_who_waits_is_told_how_it_ended(bench: &Bench) {
    let wanted = job(1, 0);
    let (one, two) =
        (bench.waiters.wait(wanted.content).unwrap(), bench.waiters.wait(wanted.content).unwrap());
    let other = bench.waiters.wait(job(1, 1).content).unwrap();
    bench.one.enqueue_first(&wanted).await.unwrap();
    let claimed = claim(&bench.other).await.unwrap();
    finish(&bench.other, failed(claimed)).await;
    assert_eq!(one.landed().await, Err(trouble()));
    assert_eq!(two.landed().await, Err(trouble()));
    bench.one.enqueue_first(&job(1, 1)).await.unwrap();
    let claimed = claim(&bench.other).await.unwrap();
    finish(&bench.other, made(claimed)).await;
    let told = tokio::time::timeout(Duration::from_secs(1), other.landed()).await;
    assert_eq!(told.expect("the news crosses processes"), Ok(()));
}

async fn a_sentence_someone_waits_for_goes_first(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 5)).await.unwrap();
    queue.enqueue_first(&job(1, 3)).await.unwrap();
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [3, 0, 1, 2, 4]);
    // What is being made is not asked for again.
    queue.enqueue_first(&job(2, 0)).await.unwrap();
    let held = claim(queue).await.unwrap();
    bench.other.enqueue_first(&job(2, 0)).await.unwrap();
    assert!(claim(queue).await.is_none());
    finish(queue, made(held)).await;
}

async fn rebuilding_replaces_only_that_book(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &[job(1, 5)]).await.unwrap();
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 2)).await.unwrap();
    queue.enqueue(Class::Chapter, &book(2), &[job(2, 0)]).await.unwrap();
    queue.rebuild(&book(1), &[job(1, 7)], &[job(1, 8)]).await.unwrap();
    let mut order = drain(queue).await;
    assert_eq!(order.remove(0), (1, 7));
    order.sort_unstable();
    assert_eq!(order, [(1, 8), (2, 0)]);
    queue.enqueue(Class::Chapter, &book(1), &jobs(1, 2)).await.unwrap();
    queue.rebuild(&book(1), &[], &[]).await.unwrap();
    assert_eq!(status(queue).await, QueueStatus::default());
}

async fn a_full_lane_refuses_and_keeps_what_it_has(bench: &Bench) {
    let many = jobs(1, MAX_LANE_JOBS as u32 + 1);
    let refused = bench.one.enqueue(Class::Chapter, &book(1), &many).await;
    assert_eq!(refused, Err(QueueError::LaneFull));
    assert_eq!(status(&bench.one).await.chapter, MAX_LANE_JOBS);
    bench.one.rebuild(&book(1), &[], &[]).await.unwrap();
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
                queue.work().await;
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
    tokio::time::sleep(TIMING.lease + TIMING.upkeep).await;
    keep_up(&bench.one, &[]).await;
    let again = claim(&bench.one).await.unwrap();
    assert_eq!((again.job.sentence, again.tries), (0, 1), "at the head, and it counts");
    // The late one harms nobody: its result is kept or not, the other's lock stays.
    finish(dead, made(held.clone())).await;
    bench.one.enqueue_first(&held.job).await.unwrap();
    assert_eq!(claim(&bench.one).await.unwrap().job.sentence, 1);
}

async fn a_worker_that_was_away_loses_no_job(bench: &Bench) {
    bench.one.enqueue(Class::Chapter, &book(1), &[job(1, 0)]).await.unwrap();
    let away = claim(&bench.other).await.unwrap();
    tokio::time::sleep(TIMING.lease + TIMING.upkeep).await;
    keep_up(&bench.one, &[]).await;
    // It is back, goes on as if nothing had been, and fails.
    keep_up(&bench.other, std::slice::from_ref(&away)).await;
    let taken_over = claim(&bench.one).await;
    finish(&bench.other, failed(away)).await;
    let claim = match taken_over {
        Some(claim) => claim,
        None => {
            tokio::time::sleep(TIMING.retry * 2 + TIMING.upkeep).await;
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
        tokio::time::sleep(TIMING.lease + TIMING.upkeep).await;
        keep_up(&bench.one, &[]).await;
    }
    assert!(claim(&bench.one).await.is_none());
    assert_eq!(bench.one.dead_letters().await.unwrap().len(), 1);
    assert_eq!(status(&bench.one).await, QueueStatus { dead: 1, ..QueueStatus::default() });
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
        tokio::time::sleep(TIMING.retry * 2_u32.pow(u32::from(tries)) + TIMING.upkeep).await;
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
    assert_eq!(claim(queue).await.unwrap().tries, 0);
    assert!(queue.dead_letters().await.unwrap().is_empty());
}

async fn what_is_handed_back_counts_no_try(bench: &Bench) {
    let queue = &bench.one;
    queue.enqueue(Class::Prefetch, &book(1), &jobs(1, 3)).await.unwrap();
    let held = vec![claim(queue).await.unwrap(), claim(queue).await.unwrap()];
    queue.hand_back(&held).await.unwrap();
    assert_eq!(status(queue).await.in_flight, 0);
    let order: Vec<_> = drain(queue).await.into_iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(order, [0, 1, 2]);
}

async fn listeners_are_known_to_all(bench: &Bench) {
    let place = |listener: &str, chapter| Place {
        listener: listener.to_owned(),
        book: book(1),
        chapter,
        sentence: 0,
        voice: String::new(),
    };
    for (listener, chapter) in [("a", 1), ("b", 5), ("a", 2)] {
        bench.one.arrive(&place(listener, chapter)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let known = bench.other.listeners(&book(1)).await.unwrap();
    assert_eq!(known, [place("a", 2), place("b", 5)]);
    assert!(bench.other.listeners(&book(2)).await.unwrap().is_empty());
}

async fn a_request_tells_how_far_it_has_come(bench: &Bench) {
    let queue = &bench.one;
    assert_eq!(queue.request("r").await.unwrap(), None);
    let mut jobs = jobs(1, 4);
    for job in &mut jobs {
        job.request = Some("r".into());
    }
    // The first is being made for somebody else.
    queue.enqueue_first(&job(1, 0)).await.unwrap();
    let held = claim(queue).await.unwrap();
    let total = |total| Advance { total: Some(total), ..Advance::default() };
    queue.advance("r", total(9)).await.unwrap();
    let added = queue.enqueue(Class::Chapter, &book(1), &jobs).await.unwrap();
    queue.advance("r", total(added)).await.unwrap();
    let known = queue.request("r").await.unwrap().unwrap();
    assert_eq!((known.status.as_str(), known.progress, known.started_at), ("queued", 0, None));
    let mut claims = bench.other.exchange(&[], 4).await.unwrap().claims;
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
    the_same_audio_is_claimed_once,
    everyone_who_waits_is_told_how_it_ended,
    a_sentence_someone_waits_for_goes_first,
    rebuilding_replaces_only_that_book,
    a_full_lane_refuses_and_keeps_what_it_has,
    an_idle_worker_wakes_when_work_arrives,
    what_a_dead_worker_held_comes_back,
    a_worker_that_was_away_loses_no_job,
    a_job_that_kills_its_workers_is_a_dead_letter,
    a_failed_job_is_tried_again_and_then_a_dead_letter,
    what_is_handed_back_counts_no_try,
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
    let refused = bench.one.enqueue_first(&job(one_more, 0)).await;
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
    First {
        book: u64,
        sentence: u32,
    },
    Rebuild {
        book: u64,
        prefetch: Vec<u32>,
        chapter: Vec<u32>,
    },
    Claim {
        by: usize,
        count: usize,
    },
    Finish {
        by: usize,
        well: bool,
    },
    /// A worker dies with all it holds.
    Crash {
        by: usize,
    },
    /// The leases of the dead run out; the living renew theirs.
    Expire,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let books = || 1..4_u64;
    let sentences = || prop::collection::vec(0..6_u32, 0..5);
    let class = prop_oneof![Just(Class::Prefetch), Just(Class::Chapter)];
    let step = prop_oneof![
        4 => (class, books(), sentences())
            .prop_map(|(class, book, sentences)| Step::Enqueue { class, book, sentences }),
        2 => (books(), 0..6_u32).prop_map(|(book, sentence)| Step::First { book, sentence }),
        1 => (books(), sentences(), sentences())
            .prop_map(|(book, prefetch, chapter)| Step::Rebuild { book, prefetch, chapter }),
        5 => (0..2_usize, 1..4_usize).prop_map(|(by, count)| Step::Claim { by, count }),
        5 => (0..2_usize, prop::bool::weighted(0.8))
            .prop_map(|(by, well)| Step::Finish { by, well }),
        1 => (0..2_usize).prop_map(|by| Step::Crash { by }),
        1 => Just(Step::Expire),
    ];
    prop::collection::vec(step, 1..40)
}

/// What is known of a queue from what happened to it.
struct Model<'a> {
    bench: &'a Bench,
    /// What each of two workers holds.
    held: [Vec<Claim>; 2],
    /// What must be made, or be a dead letter, in the end.
    wanted: HashSet<ContentHash>,
    made: HashSet<ContentHash>,
}

impl Model<'_> {
    fn queue(&self, by: usize) -> &Arc<dyn Queue> {
        [&self.bench.one, &self.bench.other][by]
    }

    async fn apply(&mut self, step: Step) {
        let jobs = |of_book: u64, sentences: &[u32]| -> Vec<Job> {
            sentences.iter().map(|sentence| job(of_book, *sentence)).collect()
        };
        match step {
            Step::Enqueue { class, book: number, sentences } => {
                let jobs = jobs(number, &sentences);
                self.wanted.extend(jobs.iter().map(|job| job.content));
                self.bench.one.enqueue(class, &book(number), &jobs).await.unwrap();
            }
            Step::First { book, sentence } => {
                let first = job(book, sentence);
                self.wanted.insert(first.content);
                self.bench.other.enqueue_first(&first).await.unwrap();
            }
            Step::Rebuild { book: number, prefetch, chapter } => {
                // What waited is wanted no more.
                for sentence in 0..6 {
                    self.wanted.remove(&job(number, sentence).content);
                }
                let (prefetch, chapter) = (jobs(number, &prefetch), jobs(number, &chapter));
                self.wanted.extend(prefetch.iter().chain(&chapter).map(|job| job.content));
                self.bench.one.rebuild(&book(number), &prefetch, &chapter).await.unwrap();
            }
            Step::Claim { by, count } => self.claim(by, count).await,
            Step::Finish { by, well } => {
                if let Some(claim) = self.held[by].pop() {
                    if well {
                        self.made.insert(claim.job.content);
                    }
                    let finished = if well { made(claim) } else { failed(claim) };
                    finish(self.queue(by), finished).await;
                }
            }
            Step::Crash { by } => self.held[by].clear(),
            Step::Expire => self.expire().await,
        }
    }

    async fn claim(&mut self, by: usize, count: usize) {
        let exchange = self.queue(by).exchange(&[], count).await.unwrap();
        assert!(exchange.claims.len() <= count);
        if exchange.claims.iter().any(|claim| claim.class == Class::Chapter) {
            let waiting = self.queue(by).status().await.unwrap().prefetch;
            assert_eq!(waiting, 0, "a chapter sentence was claimed before a prefetch sentence");
        }
        for claim in exchange.claims {
            let holders = self.held.iter().flatten();
            let same = holders.filter(|held| held.job.content == claim.job.content).count();
            assert_eq!(same, 0, "the same audio is being made twice");
            self.held[by].push(claim);
        }
    }

    async fn expire(&self) {
        for _ in 0..5 {
            tokio::time::sleep(MODEL_TIMING.lease / 4).await;
            for by in 0..2 {
                keep_up(self.queue(by), &self.held[by]).await;
            }
        }
    }

    /// Works until nothing is left.
    async fn settle(mut self) {
        for by in 0..2 {
            while !self.held[by].is_empty() {
                self.apply(Step::Finish { by, well: true }).await;
            }
        }
        for _ in 0..60 {
            while let Some(claim) = claim(&self.bench.one).await {
                self.made.insert(claim.job.content);
                finish(&self.bench.one, made(claim)).await;
            }
            let status = status(&self.bench.one).await;
            if status == (QueueStatus { dead: status.dead, ..QueueStatus::default() }) {
                break;
            }
            tokio::time::sleep(MODEL_TIMING.lease / 4).await;
            keep_up(&self.bench.one, &[]).await;
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
/// twice, no chapter sentence goes before a prefetch sentence, and in the end nothing is left over.
fn promises_hold_in_any_order(kind: Kind, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config =
        Config { cases, max_shrink_iters: 50, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let bench = kind.bench_with(MODEL_TIMING).await;
                let (held, wanted, made) = Default::default();
                let mut model = Model { bench: &bench, held, wanted, made };
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
