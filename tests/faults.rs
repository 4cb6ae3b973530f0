//! What must hold when things die: real servers, workers and Redis as processes, killed, stopped
//! and cut off while books are narrated.
//!
//! `FAULT_SEED` replays a run.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use app::model::BookId;
use bytes::Bytes;
use common::epub;
use common::fleet::Fleet;
use common::redis::{RedisServer, signal};
use earmark::audio::Clip;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Two chapters of a book, as chapter_open enqueues them.
const CHAPTERS: u32 = 2;
/// Every so many sentences one is the same in all books.
const SHARED_EVERY: usize = 25;

fn seed() -> u64 {
    let seed = std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("FAULT_SEED={seed}");
    seed
}

fn sentence(book: usize, chapter: u32, number: usize) -> String {
    if number.is_multiple_of(SHARED_EVERY) {
        format!("All books have number {number} of chapter {chapter}.")
    } else {
        format!("Book {book}, chapter {chapter}, number {number}.")
    }
}

/// Books of two chapters with `sentences` each, and the chapters as they are waited for.
async fn import_books(fleet: &Fleet, books: usize, sentences: usize) -> Vec<(BookId, u32, usize)> {
    let mut chapters = Vec::new();
    for book in 0..books {
        let bodies: Vec<String> = (1..=CHAPTERS)
            .map(|chapter| {
                let line = |number| format!("<p>{}</p>", sentence(book, chapter, number));
                (0..sentences).map(line).collect()
            })
            .collect();
        let bodies: Vec<_> = bodies.iter().map(|body| ("Chapter", body.as_str())).collect();
        let id = fleet.import("book.epub", epub(&format!("Book {book}"), &bodies)).await;
        chapters.extend((1..=CHAPTERS).map(|chapter| (id.clone(), chapter, sentences)));
    }
    chapters
}

fn distinct_sentences(books: usize, sentences: usize) -> usize {
    let all = (0..books).flat_map(|book| {
        (1..=CHAPTERS).flat_map(move |chapter| {
            (0..sentences).map(move |number| sentence(book, chapter, number))
        })
    });
    all.collect::<HashSet<_>>().len()
}

async fn open_all(fleet: &Fleet, chapters: &[(BookId, u32, usize)]) {
    for (book, chapter, _) in chapters {
        if *chapter == 1 {
            fleet.event("chapter_open", "test", book, 1).await;
        }
    }
}

/// What holds after everything: each sentence is there, whole, and paid for once; nothing is left
/// over in Redis.
async fn assert_all_is_well(fleet: &Fleet, redis: &RedisServer, expected: usize) {
    let clips = fleet.clips();
    assert_eq!(clips.len(), expected, "clips in the store");
    for clip in clips {
        let bytes = Bytes::from(std::fs::read(&clip).unwrap());
        assert!(Clip::from_mp3(bytes).is_some(), "{} is damaged", clip.display());
    }
    let twice = fleet.paid_twice();
    assert!(twice.is_empty(), "paid for more than once: {twice:?}");
    // What the last ones held is released a moment after the clip is there.
    let mut left = Vec::new();
    for _ in 0..150 {
        left = redis.keys();
        left.retain(|key| {
            [
                "lock:",
                "queue:tts:prefetch:",
                "queue:tts:chapter:",
                "queue:tts:pending:",
                "queue:tts:leases:",
            ]
            .iter()
            .any(|kind| key.starts_with(kind))
        });
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(left.is_empty(), "left over: {left:?}");
    let queue = &fleet.json("/health").await["queue"];
    for count in ["prefetch", "chapter", "in_flight", "retry", "dead", "books"] {
        assert_eq!(queue[count], 0, "{count} in {queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_killed_while_2000_sentences_are_narrated() {
    const KILLS: usize = 12;
    let mut random = fastrand::Rng::with_seed(seed());
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(&redis.url(), 4);
    let chapters = import_books(&fleet, 4, 250).await;
    open_all(&fleet, &chapters).await;
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.u64(300..1500))).await;
        let victim = random.usize(..fleet.workers.len());
        let mut victim = fleet.workers.swap_remove(victim);
        fleet.disturbed.insert(victim.id());
        victim.kill();
        fleet.hire();
    }
    fleet.wait_for_chapters(&chapters, Duration::from_secs(180)).await;
    let expected = distinct_sentences(4, 250);
    assert_all_is_well(&fleet, &redis, expected).await;
    let repeated = fleet.spoken().len() - expected;
    eprintln!("{KILLS} kills, {repeated} attempts repeated");
    assert!(repeated <= KILLS, "one slot a worker, so one attempt a kill");
}

/// Whichever server has a book narrated, another goes on when it dies, and nothing is made twice.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_have_a_book_narrated_are_killed() {
    const SENTENCES: usize = 60;
    let redis = RedisServer::start();
    let mut fleet = Fleet::start_with(&redis.url(), 2, "0.1", &[]);
    let _another = fleet.serve_another();
    let (book, ..) = import_books(&fleet, 1, SENTENCES).await[0].clone();
    let wanted = serde_json::json!({ "book": book, "voice": common::fleet::VOICE });
    let asked = fleet.client.post(fleet.url("/api/narrations")).json(&wanted).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    let asked: serde_json::Value = asked.json().await.unwrap();
    let path = format!("/api/narrations/{}", asked["id"].as_str().unwrap());
    let (mut done, mut killed_at, mut kills) = (0, 0, 0);
    let begun = std::time::Instant::now();
    loop {
        let now = fleet.json(&path).await;
        let known = now["done"].as_u64().unwrap();
        assert!(known >= done, "it goes backwards: {now}, {done} before");
        if now["state"] == "completed" {
            assert_eq!((&now["done"], &now["failed"]), (&now["total"], &0.into()), "{now}");
            break;
        }
        // As soon as it has got on, whoever feeds it, this server ends.
        if known > killed_at + 5 && kills < 3 {
            fleet.server.kill();
            fleet.serve_again();
            (killed_at, kills) = (known, kills + 1);
        }
        done = known;
        assert!(begun.elapsed() < Duration::from_secs(180), "{now}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(kills == 3, "{kills}");
    assert_all_is_well(&fleet, &redis, distinct_sentences(1, SENTENCES)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_crashes_and_comes_back_with_its_data() {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let fleet = Fleet::start(&redis.url(), 3);
    let chapters = import_books(&fleet, 3, 60).await;
    open_all(&fleet, &chapters).await;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        redis.kill();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        redis.revive();
    }
    fleet.wait_for_chapters(&chapters, Duration::from_secs(90)).await;
    assert_all_is_well(&fleet, &redis, distinct_sentences(3, 60)).await;
}

/// Listens to all chapters; what is heard is what the timelines say.
async fn listen_to_all(fleet: &Fleet, chapters: &[(BookId, u32, usize)]) {
    let heard = chapters.iter().map(|(book, chapter, sentences)| async move {
        let sound = fleet.listen(book, *chapter).await;
        assert!(!sound.is_empty());
        assert_eq!(fleet.known(book, *chapter).await, *sentences, "{book}/{chapter}");
    });
    futures::future::join_all(heard).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_crashes_and_comes_back_empty_while_people_listen() {
    let mut redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    let fleet = Fleet::start(&redis.url(), 3);
    let chapters = import_books(&fleet, 3, 60).await;
    open_all(&fleet, &chapters).await;
    let crash = async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        redis.kill();
        tokio::time::sleep(Duration::from_millis(2500)).await;
        redis.revive();
    };
    tokio::join!(listen_to_all(&fleet, &chapters), crash);
    assert_all_is_well(&fleet, &redis, distinct_sentences(3, 60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_freezes_while_people_listen() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis.url(), 3);
    let chapters = import_books(&fleet, 3, 60).await;
    open_all(&fleet, &chapters).await;
    let freeze = async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        redis.freeze();
        tokio::time::sleep(Duration::from_secs(4)).await;
        let health = fleet.json("/health").await;
        assert_eq!(health["status"], "degraded", "{health}");
        assert!(health["problems"][0].as_str().unwrap().starts_with("Redis is gone"), "{health}");
        tokio::time::sleep(Duration::from_secs(4)).await;
        redis.thaw();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(fleet.json("/health").await["status"], "ok");
    };
    tokio::join!(listen_to_all(&fleet, &chapters), freeze);
    fleet.wait_for_chapters(&chapters, Duration::from_secs(90)).await;
    assert_all_is_well(&fleet, &redis, distinct_sentences(3, 60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_full_while_people_listen() {
    let redis = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    let fleet = Fleet::start(&redis.url(), 2);
    let chapters = import_books(&fleet, 2, 30).await;
    redis.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    listen_to_all(&fleet, &chapters).await;
    let health = fleet.json("/health").await;
    assert!(
        health["problems"][0].as_str().unwrap().starts_with("Redis refuses writes"),
        "{health}"
    );
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(fleet.json("/health").await["status"], "ok");
    fleet.wait_for_chapters(&chapters, Duration::from_secs(30)).await;
    assert_all_is_well(&fleet, &redis, distinct_sentences(2, 30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_outlives_its_lease_harms_nobody() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start_with(&redis.url(), 2, "0.3", &[]);
    let chapters = import_books(&fleet, 1, 30).await;
    open_all(&fleet, &chapters).await;
    while fleet.spoken().len() < 6 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let slow = fleet.workers[0].id();
    signal(slow, "STOP");
    // What it had begun is begun again by the other, when its lease has run out.
    fleet.disturbed.insert(slow);
    fleet.wait_for_chapters(&chapters, Duration::from_secs(60)).await;
    signal(slow, "CONT");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_all_is_well(&fleet, &redis, distinct_sentences(1, 30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_is_cut_between_a_worker_and_redis() {
    let redis = RedisServer::start();
    let cable = Cable::lay(redis.port).await;
    let mut fleet = Fleet::start_with(&redis.url(), 1, "0.1", &[]);
    fleet.hire_on(&cable.url());
    let chapters = import_books(&fleet, 1, 60).await;
    open_all(&fleet, &chapters).await;
    while fleet.spoken().len() < 6 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cable.cut();
    tokio::time::sleep(Duration::from_secs(3)).await;
    cable.mend();
    fleet.wait_for_chapters(&chapters, Duration::from_secs(60)).await;
    // Nobody died, and no lease ran out: nothing was begun twice.
    assert_all_is_well(&fleet, &redis, distinct_sentences(1, 60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_leaves_nothing_behind() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start_with(&redis.url(), 2, "0.5", &[]);
    let chapters = import_books(&fleet, 1, 8).await;
    open_all(&fleet, &chapters).await;
    while fleet.spoken().len() < 4 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = fleet.workers[0].terminate();
    assert!(took < Duration::from_secs(10), "{took:?}");
    fleet.wait_for_chapters(&chapters, Duration::from_secs(60)).await;
    assert_all_is_well(&fleet, &redis, distinct_sentences(1, 8)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_listeners_of_a_new_chapter_pay_once() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis.url(), 2);
    let chapters = import_books(&fleet, 1, 20).await;
    let (book, chapter, _) = &chapters[0];
    let heard = futures::future::join_all((0..1000).map(|_| fleet.listen(book, *chapter))).await;
    let frames: Vec<_> = heard.iter().map(|sound| without_fillers(sound)).collect();
    assert!(frames[0].len() > 20 * 5_000);
    assert!(frames.iter().all(|sound| *sound == frames[0]), "all hear the same");
    assert_eq!(fleet.spoken().len(), 20);
    assert_eq!(fleet.clips().len(), 20);
}

/// The MPEG frames of a stream, without the zeros between them.
fn without_fillers(stream: &[u8]) -> Vec<u8> {
    let mut frames = Vec::with_capacity(stream.len());
    let mut at = 0;
    while at + 3 < stream.len() {
        if stream[at] == 0 {
            at += 1;
            continue;
        }
        assert_eq!(stream[at], 0xff, "a frame begins at {at}");
        let padding = usize::from(stream[at + 2] >> 1 & 1);
        let end = at + 72 * 48_000 / 22_050 + padding;
        frames.extend_from_slice(&stream[at..end]);
        at = end;
    }
    frames
}

/// A wire to Redis that can be cut: what is on it stays there, and new calls are not taken.
struct Cable {
    port: u16,
    whole: watch::Sender<bool>,
}

impl Cable {
    async fn lay(redis: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut state = state.clone();
                tokio::spawn(async move {
                    if !*state.borrow() {
                        return;
                    }
                    let mut far = TcpStream::connect(("127.0.0.1", redis)).await.unwrap();
                    let is_cut = tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => false,
                        cut = async { state.wait_for(|whole| !whole).await.is_ok() } => cut,
                    };
                    if is_cut {
                        // Silence, as when a cable is pulled; closed when it is mended.
                        let _ = state.wait_for(|whole| *whole).await;
                    }
                });
            }
        });
        Self { port, whole }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn cut(&self) {
        self.whole.send_replace(false);
    }

    fn mend(&self) {
        self.whole.send_replace(true);
    }
}
