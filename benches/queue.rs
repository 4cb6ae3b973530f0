//! The queue beside its peers, all on one redis-server of its own: BullMQ 5 (`benches/bullmq`) with
//! an empty job, and redis-benchmark storing the same bytes.
//!
//! Rounds are interleaved and medians compared, because other work comes and goes on a machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::model::BookId;
use bytes::Bytes;
use common::fleet::{Fleet, VOICE};
use common::redis::RedisServer;
use earmark::audio::Silence;
use earmark::clips::waits::Waits;
use earmark::queue::redis::{Duties, RedisQueue, SharedClips};
use earmark::queue::{Claim, Class, Finished, Job, Made, Pool, Queue, Room, Sentence, Timing};
use earmark::redis::{RedisConfig, RedisConnection};
use earmark::text::hash::{ContentHash, VoiceKey};
use futures::StreamExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ROUNDS: usize = 5;
const SENTENCES: u32 = 300;
const CHAPTERS: u64 = 40;
const JOBS: u32 = 12_000;
const CLIP_BYTES: usize = 15 * 1024;

fn job(of_book: u64, sentence: u32) -> Job {
    let voice = VoiceKey {
        engine: "kokoro".to_owned(),
        model: "kokoro-82m".to_owned(),
        voice: "af_heart".to_owned(),
        speed: "1".to_owned(),
        format: "mp3-48k".to_owned(),
    };
    let text = format!(
        "Book {of_book}, sentence {sentence}, is about as long as sentences in novels tend to be, \
         give or take a clause."
    );
    Job::new(Sentence {
        book: format!("{of_book:016x}").parse().unwrap(),
        chapter: 1,
        sentence,
        content: ContentHash::of(&text, None, &voice),
        text: text.into(),
        context: None,
        voice: Arc::new(voice),
    })
}

/// Room for sentences of a service.
fn room(any: usize) -> [Room; 1] {
    [Room::of(Pool::of_engine("kokoro"), any)]
}

fn jobs(of_book: u64, count: u32) -> Vec<Job> {
    (0..count).map(|sentence| job(of_book, sentence)).collect()
}

fn book(number: u64) -> BookId {
    format!("{number:016x}").parse().unwrap()
}

struct Site {
    queue: Arc<dyn Queue>,
    link: RedisConnection,
}

async fn site(redis: &RedisServer) -> Site {
    site_sharing(redis, SharedClips::All).await
}

async fn site_sharing(redis: &RedisServer, shared_clips: SharedClips) -> Site {
    let shutdown = CancellationToken::new();
    let config = RedisConfig { url: redis.url(), prefix: String::new(), concurrency: 20 };
    let link = RedisConnection::open(&config, shutdown.clone()).await.unwrap();
    let tasks = TaskTracker::new();
    let duties = Duties { shared_clips, ..Duties::default() };
    let queue: Arc<dyn Queue> = Arc::new(RedisQueue::start(
        link.clone(),
        Arc::new(Waits::default()),
        Timing::default(),
        duties,
        (&tasks, &shutdown),
    ));
    Site { queue, link }
}

/// Jobs a second, enqueued a chapter at a time.
async fn enqueue(site: &Site) -> f64 {
    let chapters: Vec<_> = (0..CHAPTERS).map(|chapter| jobs(chapter, SENTENCES)).collect();
    let begun = Instant::now();
    for (chapter, jobs) in (0..).zip(&chapters) {
        site.queue.enqueue(Class::Chapter, &book(chapter), jobs).await.unwrap();
    }
    CHAPTERS as f64 * f64::from(SENTENCES) / begun.elapsed().as_secs_f64()
}

/// Jobs a second: claim, cache check, lock, store, release, announce, ack.
async fn work(site: &Site, concurrency: usize) -> f64 {
    for chapter in 0..u64::from(JOBS / SENTENCES) {
        let jobs = jobs(chapter, SENTENCES);
        site.queue.enqueue(Class::Chapter, &book(chapter), &jobs).await.unwrap();
    }
    let begun = Instant::now();
    // Two workers, so that one hands in while the other is served.
    let (one, other) = (concurrency.div_ceil(2), concurrency / 2);
    let (one, other) = tokio::join!(work_alone(site, one), work_alone(site, other));
    assert_eq!(one + other, JOBS as usize);
    f64::from(JOBS) / begun.elapsed().as_secs_f64()
}

/// How many jobs a worker with so many slots did, until none was left.
async fn work_alone(site: &Site, slots: usize) -> usize {
    let clip = Bytes::from(vec![7; CLIP_BYTES]);
    let (mut finished, mut done) = (Vec::new(), 0);
    if slots == 0 {
        return 0;
    }
    loop {
        let claimed = site.queue.complete_and_claim(&finished, &room(slots)).await.unwrap();
        done += finished.len();
        let made = |claim: Claim| Finished {
            claim,
            outcome: Ok(Made { clip: clip.clone(), by_engine: true }),
        };
        finished = claimed.claims.into_iter().map(made).collect();
        if finished.is_empty() && !claimed.more {
            break;
        }
    }
    done
}

/// Microseconds a claim of one sentence, with so many books that have work.
async fn claim_cost(site: &Site, books: u64) -> f64 {
    const CLAIMS: u32 = 2_000;
    let each = u32::try_from(u64::from(CLAIMS) / books).unwrap().max(1) + 1;
    for number in 0..books {
        let jobs = jobs(number, each);
        site.queue.enqueue(Class::Chapter, &book(number), &jobs).await.unwrap();
    }
    let begun = Instant::now();
    for _ in 0..CLAIMS {
        assert_eq!(site.queue.complete_and_claim(&[], &room(1)).await.unwrap().claims.len(), 1);
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(CLAIMS)
}

/// Milliseconds from a clip's landing to its bytes in the hand of one who waits on another
/// connection, in order.
async fn wake_ms(maker: &Site, listener: &Site) -> Vec<f64> {
    let clip = Bytes::from(vec![7; CLIP_BYTES]);
    let mut times = Vec::new();
    let mut subscription = listener.link.subscribe().await.unwrap();
    let mut news = subscription.on_message();
    for sentence in 0..1_000 {
        let job = job(1, sentence);
        maker.queue.enqueue_awaited(&job).await.unwrap();
        let claim = maker.queue.complete_and_claim(&[], &room(1)).await.unwrap().claims.remove(0);
        let key = claim_key(&listener.link, &claim);
        let begun = Instant::now();
        let (_, bytes) = tokio::join!(
            async {
                let finished =
                    [Finished { claim, outcome: Ok(Made { clip: clip.clone(), by_engine: true }) }];
                maker.queue.complete_and_claim(&finished, &[]).await.unwrap();
            },
            async {
                news.next().await.unwrap();
                let mut link = listener.link.clone();
                redis::cmd("GET").arg(&key).query_async::<Vec<u8>>(&mut link).await.unwrap()
            }
        );
        assert_eq!(bytes.len(), CLIP_BYTES);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    times.sort_by(f64::total_cmp);
    times
}

/// Milliseconds from a clip's being handed in here to its first byte over HTTP from a server, another
/// process, at which somebody waits for it; in order.
async fn heard_ms(redis: &RedisServer, worker: &Site) -> Vec<f64> {
    const SENTENCES: u32 = 500;
    let fleet = Fleet::start(&redis.url(), 0);
    let text: String = (0..SENTENCES).map(|n| format!("<p>Line {n} stands alone.</p>")).collect();
    let book = fleet.import("long.epub", common::epub("Long", &[("One", &text)])).await;
    let clip = Silence::of(Duration::from_millis(2_500), 22_050).unwrap().bytes;
    // With a sentence, those that follow are asked for.
    let mut held: HashMap<u32, Claim> = HashMap::new();
    let mut times = Vec::new();
    for sentence in 0..SENTENCES {
        let address = fleet.url(&format!("/audio/{book}/1/{sentence}.mp3?voice={VOICE}"));
        let asked = fleet.client.get(address).send();
        let heard = tokio::spawn(async move {
            asked.await.unwrap().chunk().await.unwrap().unwrap();
            Instant::now()
        });
        let claim = loop {
            if let Some(claim) = held.remove(&sentence) {
                break claim;
            }
            let local = [Room::of(Pool::LOCAL, 20)];
            let claims = worker.queue.complete_and_claim(&[], &local).await.unwrap().claims;
            held.extend(claims.into_iter().map(|claim| (claim.job.sentence, claim)));
        };
        // By now somebody waits.
        tokio::time::sleep(Duration::from_millis(3)).await;
        let begun = Instant::now();
        let finished =
            [Finished { claim, outcome: Ok(Made { clip: clip.clone(), by_engine: true }) }];
        worker.queue.complete_and_claim(&finished, &[]).await.unwrap();
        times.push(heard.await.unwrap().duration_since(begun).as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times
}

fn claim_key(link: &RedisConnection, claim: &Claim) -> String {
    use earmark::redis::Key;
    link.name(&Key::Audio(claim.job.book.clone(), claim.job.clip_name()))
}

/// Clips of the same size a second that Redis takes, by its own tool.
fn set_rate(redis: &RedisServer) -> f64 {
    let output = Command::new("redis-benchmark")
        .args(["-p", &redis.port.to_string(), "-t", "set", "-n", "60000", "-c", "50", "-P", "16"])
        .args(["-d", &CLIP_BYTES.to_string(), "--csv", "-r", "12000"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("\"SET\"")).unwrap();
    line.split(',').nth(1).unwrap().trim_matches('"').parse().unwrap()
}

fn bullmq(redis: &RedisServer) -> Value {
    let payload = serde_json::json!({
        "bookId": "0123456789abcdef", "chapterId": 1, "engine": "kokoro", "model": "kokoro-82m",
        "voice": "af_heart", "speed": "1", "format": "mp3-48k", "sentence": 7,
        "text": &*job(1, 7).text, "clip": "k".repeat(90), "contentHash": "0".repeat(64),
    });
    let output = Command::new("node")
        .args(["benches/bullmq/peer.mjs", &redis.port.to_string()])
        .args([CHAPTERS.to_string(), SENTENCES.to_string(), payload.to_string(), JOBS.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

// One thread, as BullMQ has: the other core is for Redis.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    let (here, there) = (site(&redis).await, site(&redis).await);
    let wanted = site_sharing(&redis, SharedClips::Wanted).await;
    let flush = || redis.cli(&["FLUSHALL"]);
    let mut ours: [Vec<f64>; 4] = Default::default();
    let mut peer: [Vec<f64>; 4] = Default::default();
    let mut sets = Vec::new();
    let mut costs: [Vec<f64>; 3] = Default::default();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        ours[0].push(enqueue(&here).await);
        flush();
        ours[1].push(work(&here, 1).await);
        flush();
        ours[2].push(work(&here, 50).await);
        flush();
        ours[3].push(work(&wanted, 50).await);
        flush();
        sets.push(set_rate(&redis));
        flush();
        for (costs, books) in costs.iter_mut().zip([10, 1_000, 10_000]) {
            costs.push(claim_cost(&here, books).await);
            flush();
        }
        let theirs = bullmq(&redis);
        for (figures, name) in peer.iter_mut().zip(["enqueue", "one", "fifty", "fifty"]) {
            figures.push(theirs[name].as_f64().unwrap());
        }
        flush();
    }
    let [ours, peer] = [ours, peer].map(|figures| figures.map(median));
    let sets = median(sets);
    let names = [
        "enqueue chapters of 300",
        "work, concurrency 1",
        "work, concurrency 50, every clip stored",
        "work, concurrency 50, clips stored when wanted",
    ];
    for (at, name) in names.into_iter().enumerate() {
        let (ours, peer) = (ours[at], peer[at]);
        println!("{name}: {ours:.0}/s, BullMQ {peer:.0}/s: {:.1} ×", ours / peer);
    }
    println!(
        "work, concurrency 50: {:.2} × redis-benchmark SET of the same bytes, pipelined ({sets:.0}/s)",
        ours[2] / sets
    );
    let costs = costs.map(median);
    println!(
        "claim with 10, 1,000, 10,000 books: {:.0}, {:.0}, {:.0} µs: {:.2} × from 10 to 10,000",
        costs[0],
        costs[1],
        costs[2],
        costs[2] / costs[0]
    );
    flush();
    let times = wake_ms(&here, &there).await;
    println!(
        "landed → bytes in another's hand: p50 {:.2} ms, p99 {:.2} ms",
        times[500], times[990]
    );
    flush();
    let times = heard_ms(&redis, &here).await;
    println!(
        "handed in by a worker → first byte over HTTP from a server, each a process of its own: \
         p50 {:.2} ms, p99 {:.2} ms",
        times[250], times[495]
    );
}
