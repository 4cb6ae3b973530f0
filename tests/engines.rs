//! What slow, failing and expensive engines may not do to others, and what Redis may do to them: real servers,
//! workers and Redis, and a stand-in for a paid service that speaks its wire format.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::fleet::Fleet;
use common::redis::{RedisCluster, RedisServer};
use common::standin::{Fault, KEY, StandIn};
use common::{TestServer, VOICE, epub};
use earmark::audio::Clip;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SERVICE: &str = "stand-in:af_heart";

/// A book of so many sentences, of a title's own.
async fn book(server: &TestServer, title: &str, sentences: usize) -> String {
    server.import("book.epub", epub(title, &[("One", &lines(title, sentences))])).await
}

fn lines(title: &str, sentences: usize) -> String {
    (0..sentences).map(|n| format!("<p>{title}, sentence number {n}.</p>")).collect()
}

async fn add(server: &TestServer, standin: &StandIn, more: &[(&str, &str)]) {
    let mut form = vec![
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", standin.url.as_str()),
        ("key", KEY),
        ("voices", "af_heart"),
    ];
    form.extend(more);
    let added = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201, "{}", added.text().await.unwrap());
}

async fn open_chapter(server: &TestServer, book: &str, voice: &str) {
    let place = json!({ "place": {
        "listener": "test", "book": book, "chapter": 1, "sentence": 0, "voice": voice
    }});
    let address = server.url("/api/events/chapter_open");
    let told = server.client.post(address).json(&place).send().await.unwrap();
    assert!(told.status().is_success());
}

async fn hear(server: &TestServer, book: &str, sentence: usize, voice: &str) -> (u16, String) {
    let answer = server.get(&format!("/audio/{book}/1/{sentence}.mp3?voice={voice}")).await;
    let status = answer.status().as_u16();
    (status, String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
}

async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} does not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_service_keeps_no_other_voice_waiting() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    add(&server, &standin, &[("concurrency", "2")]).await;
    standin.set_latency(Duration::from_secs(120));
    let (slow, quick) = (book(&server, "Slow", 30).await, book(&server, "Quick", 5).await);
    open_chapter(&server, &slow, SERVICE).await;
    until("the service's work", || async { standin.most_open() == 2 }).await;
    let begun = Instant::now();
    for sentence in 0..5 {
        assert_eq!(hear(&server, &quick, sentence, VOICE).await.0, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "nobody waited for what hangs for 120 s");
    // It hangs all the same, and has no more in hand than it accepts.
    assert_eq!(standin.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_slower_than_its_limit_is_not_charged_at_once_again() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    add(&server, &standin, &[("first_byte_seconds", "1"), ("total_seconds", "2")]).await;
    let id = book(&server, "Late", 2).await;
    standin.fail([Fault::Slow(Duration::from_secs(30))]);
    let (status, said) = hear(&server, &id, 0, SERVICE).await;
    assert!(status == 503 && said.contains("within 1 seconds"), "{status} {said}");
    assert_eq!(standin.calls().len(), 1, "it may have been charged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_kept_by_all_who_speak_and_said_in_words() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    // Each sentence has 26 characters, the test sentence 44.
    add(&server, &standin, &[("price", "100"), ("day_characters", "100")]).await;
    let id = book(&server, "Budget", 9).await;
    let test = server.url("/api/engines/stand-in/test");
    assert!(server.client.post(&test).send().await.unwrap().status().is_success());
    let speech = json!({ "input": "Twenty-six characters, so.", "voice": SERVICE, "model": "" });
    let v1 = server.client.post(server.url("/v1/audio/speech")).json(&speech).send().await.unwrap();
    assert!(v1.status().is_success(), "{}", v1.text().await.unwrap());
    assert_eq!(hear(&server, &id, 0, SERVICE).await.0, 200);
    let calls = standin.calls().len();
    let (status, said) = hear(&server, &id, 1, SERVICE).await;
    assert!(status == 503 && said.contains("100 characters a day"), "{status} {said}");
    assert_eq!(standin.calls().len(), calls, "the engine was not asked");
    let engine = server.json("/api/engines").await[0].clone();
    assert_eq!(engine["spent"]["characters_today"], 44 + 26 + 26, "{engine}");
    assert!(engine["rest"]["reason"].as_str().unwrap().contains("budget"), "{engine}");
    let page = server.get("/engines").await.text().await.unwrap();
    assert!(page.contains("100 characters a day"), "the page says why");
    // What waits goes on when it is raised.
    add(&server, &standin, &[("price", "100"), ("day_characters", "1000")]).await;
    assert_eq!(hear(&server, &id, 1, SERVICE).await.0, 200);
    assert_eq!(server.json("/health").await["queue"]["dead"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_tried_again_and_thrown_away() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    add(&server, &standin, &[]).await;
    let id = book(&server, "Letters", 3).await;
    let refusal = || Fault::Refusal(400, "invalid_request_error", None);
    standin.fail([refusal()]);
    assert_eq!(hear(&server, &id, 0, SERVICE).await.0, 503);
    let letter = server.json("/api/activity").await["dead_letters"][0].clone();
    assert_eq!((&letter["book"], &letter["voice"]), (&json!(id), &json!(SERVICE)), "{letter}");
    assert!(letter["error"].as_str().unwrap().contains("stand-in"), "{letter}");
    let page = server.get("/dashboard").await.text().await.unwrap();
    assert!(page.contains(&format!("/read/{id}/1#s0")), "{page}");

    let ask = async |method, path: &str| -> Value {
        let asked = server.client.request(method, server.url(path)).send().await.unwrap();
        assert!(asked.status().is_success(), "{path}");
        asked.json().await.unwrap()
    };
    let retried = ask(reqwest::Method::POST, "/api/dead-letters/retry").await;
    assert_eq!(retried["count"], 1);
    let begun = Instant::now();
    while server.json("/api/activity").await["engines"][0]["made"] != 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is spoken now");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    standin.fail([refusal()]);
    assert_eq!(hear(&server, &id, 1, SERVICE).await.0, 503);
    assert_eq!(server.json("/health").await["queue"]["dead"], 1);
    assert_eq!(ask(reqwest::Method::DELETE, "/api/dead-letters").await["count"], 1);
    assert_eq!(server.json("/health").await["queue"]["dead"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_did_not_do_is_not_booked() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    add(&server, &standin, &[]).await;
    let id = book(&server, "Booked", 3).await;
    standin.fail([Fault::Refusal(400, "invalid_request_error", None)]);
    assert_eq!(hear(&server, &id, 0, SERVICE).await.0, 503);
    let spent = server.json("/api/engines").await[0]["spent"].clone();
    assert_eq!(spent["characters_today"], 0, "{spent}");
}

/// A way to Redis that takes its time, and can swallow subscriptions without a word.
struct Way {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Way {
    async fn to(redis: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let swallows = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&swallows);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", redis)).await.unwrap();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                let subscribes = Arc::new(AtomicBool::new(false));
                for (mut from, mut to) in [(near_in, far_out), (far_in, near_out)] {
                    let (state, subscribes) = (Arc::clone(&state), Arc::clone(&subscribes));
                    tokio::spawn(async move {
                        let mut some = vec![0; 1 << 16];
                        while let Ok(count @ 1..) = from.read(&mut some).await {
                            if some[..count].windows(9).any(|word| word == b"SUBSCRIBE") {
                                subscribes.store(true, Ordering::Relaxed);
                            }
                            if subscribes.load(Ordering::Relaxed) && state.load(Ordering::Relaxed) {
                                continue;
                            }
                            tokio::time::sleep(delay).await;
                            if to.write_all(&some[..count]).await.is_err() {
                                break;
                            }
                        }
                    });
                }
            }
        });
        Self { port, swallows }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

fn problems(health: &Value) -> String {
    health["problems"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_dies_silently_is_noticed_and_done_without() {
    let redis = RedisServer::start();
    let way = Way::to(redis.port, Duration::ZERO).await;
    let mut fleet = Fleet::start(&way.url(), 0);
    fleet.hire_on(&redis.url());
    let text: String = (0..40).map(|n| format!("<p>Line number {n}.</p>")).collect();
    let book = fleet.import("book.epub", epub("Deaf", &[("One", &text)])).await;
    way.swallows.store(true, Ordering::Relaxed);
    let heard = async |sentence: usize| {
        let path = format!("/audio/{book}/1/{sentence}.mp3?voice={VOICE}");
        fleet.client.get(fleet.url(&path)).send().await.unwrap().status() == 200
    };
    assert!(heard(0).await);
    until("the word of it", || async {
        problems(&fleet.json("/health").await).contains("News of clips does not arrive")
    })
    .await;
    for sentence in 1..6 {
        assert!(heard(sentence).await);
    }
    way.swallows.store(false, Ordering::Relaxed);
    until("health", || async { fleet.json("/health").await["status"] == "ok" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_far_away() {
    let redis = RedisServer::start();
    let way = Way::to(redis.port, Duration::from_millis(15)).await;
    let mut fleet = Fleet::start(&way.url(), 0);
    fleet.hire_on(&way.url());
    fleet.hire_on(&way.url());
    let text: String = (0..60).map(|n| format!("<p>Line number {n}.</p>")).collect();
    let book = fleet.import("book.epub", epub("Far", &[("One", &text)])).await;
    fleet.event("chapter_open", "test", &book, 1).await;
    fleet.wait_for_chapters(&[(book, 1, 60)], Duration::from_secs(60)).await;
    assert!(fleet.paid_twice().is_empty(), "{:?}", fleet.paid_twice());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_shard_stops_nobody() {
    let mut cluster = RedisCluster::start_with(&["--cluster-require-full-coverage", "no"]);
    let fleet = Fleet::start(&cluster.url(), 1);
    let mut chapters = Vec::new();
    for number in 0..6 {
        let title = format!("Shard {number}");
        let id = fleet.import("book.epub", epub(&title, &[("One", &lines(&title, 10))])).await;
        chapters.push((id, 1, 10));
    }
    // A shard without the queue: workers go on with every book.
    let without_queue = cluster.shard_without("{tts}");
    cluster.nodes[without_queue].kill();
    for (book, ..) in &chapters[..3] {
        fleet.event("chapter_open", "test", book, 1).await;
    }
    fleet.wait_for_chapters(&chapters[..3], Duration::from_secs(60)).await;
    // The one with it: whoever listens is read to by the server itself.
    let with_queue = cluster.shard_with("{tts}");
    cluster.nodes[with_queue].kill();
    for (book, ..) in &chapters[3..] {
        assert!(!fleet.listen(book, 1).await.is_empty());
    }
    fleet.wait_for_chapters(&chapters[3..], Duration::from_secs(60)).await;
    let health = fleet.json("/health").await;
    assert_eq!(health["status"], "degraded", "{health}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_voice_speaks_what_another_cannot_and_only_then() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    add(&server, &standin, &[]).await;
    let id = book(&server, "Fallback", 6).await;
    assert_eq!(hear(&server, &id, 0, SERVICE).await.0, 200);
    standin.fail([Fault::Refusal(429, "rate_limit_exceeded", Some(60))]);
    let listen = async |more: &str| {
        let path = format!("/listen/{id}/1.mp3?voice={SERVICE}&to=chapter{more}");
        server.get(&path).await.bytes().await
    };
    // Nobody has chosen one.
    assert!(listen("").await.is_err(), "a chapter that breaks off");
    let chosen = [("fallback", VOICE)];
    let set = server.client.post(server.url("/settings")).form(&chosen).send().await.unwrap();
    assert!(set.status().is_success());
    let path = format!("/listen/{id}/1/timeline?voice={SERVICE}");
    let timeline = server.get(&path);
    let sound = listen("");
    let (timeline, sound) = tokio::join!(async { timeline.await.text().await.unwrap() }, async {
        sound.await.unwrap()
    });
    // All of it at the sample rate of the voice that was asked for, and as long as the timeline says.
    let clip = Clip::from_mp3(sound).expect("whole frames of one sample rate");
    assert_eq!(clip.length.sample_rate, 24_000);
    let ms = clip.length.samples * 1000 / 24_000;
    assert!(timeline.contains(&format!("\"end_ms\":{ms}")), "{ms}: {timeline}");
    let asked = standin.calls().len();
    assert!(listen("").await.is_ok());
    assert_eq!(standin.calls().len(), asked, "a service that rests is not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_an_engine_that_was_removed_while_nothing_ran() {
    let (redis, standin) = (RedisServer::start(), StandIn::start().await);
    standin.set_latency(Duration::from_secs(60));
    let mut fleet = Fleet::start(&redis.url(), 0);
    let form = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", standin.url.as_str()),
        ("key", KEY),
        ("voices", "af_heart"),
        ("concurrency", "1"),
    ];
    let added = fleet.client.post(fleet.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201);
    let book = fleet.import("gone.epub", epub("Gone", &[("One", &lines("Gone", 30))])).await;
    let place = json!({ "place": {
        "listener": "test", "book": book, "chapter": 1, "sentence": 0, "voice": SERVICE
    }});
    let told = fleet.client.post(fleet.url("/api/events/chapter_open")).json(&place).send();
    assert!(told.await.unwrap().status().is_success());
    let waiting = async |fleet: &Fleet| fleet.json("/health").await["queue"]["chapter"].as_u64();
    while waiting(&fleet).await < Some(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fleet.server.kill();
    fleet.command(&["voices", "remove", "stand-in"]);
    // A voice that is installed, perhaps at another server, is in no list of engines either.
    redis.cli(&["HSET", "queue:tts:counts", "chapter:kokoro-82m", "1"]);
    assert_eq!(redis.cli(&["EXISTS", "queue:tts:books:stand-in"]), "1");
    fleet.serve_again();
    let begun = Instant::now();
    while redis.cli(&["EXISTS", "queue:tts:books:stand-in"]) == "1" {
        assert!(begun.elapsed() < Duration::from_secs(10), "forgotten soon after the start");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until("its count alone", || async { waiting(&fleet).await == Some(1) }).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(redis.cli(&["HGET", "queue:tts:counts", "chapter:kokoro-82m"]), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_engine_goes_with_it() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    add(&server, &standin, &[("concurrency", "1")]).await;
    standin.set_latency(Duration::from_secs(2));
    let id = book(&server, "Gone", 30).await;
    open_chapter(&server, &id, SERVICE).await;
    let waiting = async || server.json("/health").await["queue"]["chapter"].as_u64().unwrap();
    until("its work", || async { waiting().await > 20 }).await;
    let begun = Instant::now();
    let (heard, ()) = tokio::join!(hear(&server, &id, 29, SERVICE), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let gone = server.client.delete(server.url("/api/engines/stand-in")).send().await.unwrap();
        assert_eq!(gone.status(), 204);
    });
    assert!((400..500).contains(&heard.0) && heard.1.contains("stand-in"), "{heard:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "who waits is told at once");
    until("an empty queue", || async { waiting().await == 0 }).await;
    // It comes back before anybody has looked, and is not forgotten.
    add(&server, &standin, &[("concurrency", "1")]).await;
    let gone = server.client.delete(server.url("/api/engines/stand-in")).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    add(&server, &standin, &[("concurrency", "1")]).await;
    open_chapter(&server, &id, SERVICE).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(waiting().await > 10);
}
