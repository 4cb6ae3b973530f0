//! What servers share through Redis besides the queue: places, metadata, lists, limits, status.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use app::model::BookId;
use common::epub;
use common::fleet::{Fleet, VOICE};
use common::redis::{RedisCluster, RedisServer};
use serde_json::{Value, json};

async fn book(fleet: &Fleet) -> BookId {
    let body = "<p>It was quiet. Then it was not.</p>";
    let other = "<p>A second chapter.</p>";
    fleet.import("book.epub", epub("Shared", &[("One", body), ("Two", other)])).await
}

async fn set_place(fleet: &Fleet, book: &BookId, sentence: u32) -> u16 {
    let place = json!({ "chapter": 1, "sentence": sentence, "intra_ms": 7, "voice": VOICE });
    let address = fleet.url(&format!("/api/books/{book}/progress"));
    fleet.client.put(address).json(&place).send().await.unwrap().status().as_u16()
}

async fn place(fleet: &Fleet, book: &BookId) -> Value {
    fleet.json(&format!("/api/books/{book}")).await["progress"]["sentence"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_in_redis_first_and_in_sql_soon() {
    let mut redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    let fleet = Fleet::start(&redis.url(), 0);
    let book = book(&fleet).await;
    assert_eq!(set_place(&fleet, &book, 1).await, 200);
    let key = format!("progress:local:{{{book}}}");
    let value: Value = serde_json::from_str(&redis.cli(&["GET", &key])).unwrap();
    assert_eq!(value["segment_id"], "1:1");
    assert_eq!((value["voice_id"].as_str(), value["intra_ms"].as_u64()), (Some(VOICE), Some(7)));
    assert!((3500..=3600).contains(&redis.cli(&["TTL", &key]).parse::<u32>().unwrap()));
    assert_eq!(place(&fleet, &book).await, 1);
    for _ in 0..50 {
        if redis.cli(&["ZCARD", "progress_dirty"]) == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(redis.cli(&["ZCARD", "progress_dirty"]), "0", "flushed");
    // Redis dies: what was flushed is there, and places go on being kept.
    redis.kill();
    assert_eq!(place(&fleet, &book).await, 1);
    assert_eq!(set_place(&fleet, &book, 0).await, 200);
    assert_eq!(place(&fleet, &book).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_does_not_jump_back_after_an_outage() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis.url(), 0);
    let book = book(&fleet).await;
    assert_eq!(set_place(&fleet, &book, 1).await, 200);
    redis.freeze();
    while fleet.json("/health").await["status"] == "ok" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(set_place(&fleet, &book, 0).await, 200);
    redis.thaw();
    while fleet.json("/health").await["status"] != "ok" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(place(&fleet, &book).await, 0, "the later one, which SQL has");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_leaves_no_place_behind() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(&redis.url(), 0);
    let book = book(&fleet).await;
    assert_eq!(set_place(&fleet, &book, 1).await, 200);
    fleet.server.terminate();
    assert_eq!(redis.cli(&["ZCARD", "progress_dirty"]), "0");
    redis.cli(&["FLUSHALL"]);
    fleet.serve_again();
    assert_eq!(place(&fleet, &book).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_lists_are_read_through_redis() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis.url(), 1);
    let book = book(&fleet).await;
    let list = format!("/api/books/{book}/audios?voice={VOICE}");
    let nothing = fleet.json(&list).await;
    assert_eq!(nothing[0], json!({ "chapter": 1, "spoken": 2, "made": 0, "duration_ms": 0 }));
    let (list_key, book_key) =
        (format!("book_audios:{{{book}}}:espeak-ng%3Aen-us"), format!("book:{{{book}}}"));
    assert_eq!(redis.cli(&["EXISTS", &list_key, &book_key]), "2");
    assert!(redis.cli(&["TTL", &book_key]).parse::<u32>().unwrap() > 86_000);
    fleet.listen(&book, 1).await;
    assert_eq!(redis.cli(&["EXISTS", &list_key]), "0", "a new clip makes it forget");
    let made = fleet.json(&list).await;
    assert_eq!((&made[0]["made"], &made[1]["made"]), (&json!(2), &json!(0)));
    assert!(made[0]["duration_ms"].as_u64().unwrap() > 1000);
    // The clip as it came, for a day.
    let keys = redis.keys();
    let clip = keys.iter().find(|key| key.starts_with("tts:")).unwrap();
    assert!(redis.cli(&["TTL", clip]).parse::<u32>().unwrap() > 86_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_followed() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis.url(), 1);
    let book = book(&fleet).await;
    let request = fleet.event("chapter_open", "test", &book, 1).await;
    let request = request.as_str().expect("an id").to_owned();
    let mut status = Value::Null;
    for _ in 0..100 {
        status = fleet.json(&format!("/api/requests/{request}")).await;
        if status["status"] == "completed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((&status["status"], &status["progress"]), (&json!("completed"), &json!(100)));
    let key = format!("tts_status:{request}");
    assert_eq!(redis.cli(&["HGET", &key, "worker_id"]), status["worker_id"].as_str().unwrap());
    assert!(redis.cli(&["TTL", &key]).parse::<u32>().unwrap() > 3500);
    assert_eq!(fleet.json("/api/requests/unknown").await["status"], 404);
    assert_eq!(fleet.event("chapter_open", "test", &book, 1).await, Value::Null, "all is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let redis = RedisServer::start();
    let limits = [
        "--open",
        "--limit-per-minute",
        "5",
        "--trusted-proxies",
        "127.0.0.1",
        "--client-address-header",
        "X-Client",
    ];
    let fleet = Fleet::start_with(&redis.url(), 0, "0", &limits);
    let ask = async |client: &str| {
        let address = fleet.url("/api/voices");
        fleet.client.get(address).header("x-client", client).send().await.unwrap()
    };
    for _ in 0..5 {
        assert_eq!(ask("1.2.3.4").await.status(), 200);
    }
    let refused = ask("1.2.3.4").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.json::<Value>().await.unwrap()["status"], 429);
    assert_eq!(ask("1.2.3.5").await.status(), 200);
    assert_eq!(redis.cli(&["ZCARD", "rate_limit:1.2.3.4:{api}"]), "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_on_a_cluster() {
    let cluster = RedisCluster::start();
    let fleet = Fleet::start(&cluster.url(), 2);
    let book = book(&fleet).await;
    fleet.event("chapter_open", "a", &book, 1).await;
    fleet.event("page_open", "a", &book, 1).await;
    fleet.event("chapter_change", "a", &book, 2).await;
    assert_eq!(set_place(&fleet, &book, 1).await, 200);
    assert_eq!(place(&fleet, &book).await, 1);
    fleet.listen(&book, 1).await;
    fleet.listen(&book, 2).await;
    assert!(fleet.paid_twice().is_empty());
    let health = fleet.json("/health").await;
    assert_eq!((&health["status"], &health["queue"]["workers"]), (&json!("ok"), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_databases_and_prefixes_are_honoured() {
    let redis = RedisServer::start_with(&["--requirepass", "s3cr:et"]);
    let url = format!("redis://:s3cr%3Aet@127.0.0.1:{}/3", redis.port);
    let fleet = Fleet::start_with(&url, 0, "0", &["--redis-prefix", "site:"]);
    assert_eq!(fleet.json("/health").await["status"], "ok");
    let keys = redis.cli(&["-a", "s3cr:et", "-n", "3", "--scan"]);
    assert!(keys.lines().all(|key| key.starts_with("site:")) && !keys.is_empty(), "{keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_and_certificates_are_checked() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let openssl = |arguments: &[&str]| {
        let output = std::process::Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let (key, certificate) = (file("key.pem"), file("certificate.pem"));
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ]);
    let port = common::redis::free_port().to_string();
    let redis = RedisServer::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://localhost:{port}");
    // Nobody the system trusts has signed it.
    let distrustful = Fleet::start(&url, 0);
    assert_eq!(distrustful.json("/health").await["status"], "degraded");
    let trusting = Fleet::start_trusting(&url, &certificate);
    let health = trusting.json("/health").await;
    assert_eq!(health["status"], "ok", "{health}");
    assert!(!redis.keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_not_there_yet_is_waited_for() {
    let mut redis = RedisServer::start();
    redis.kill();
    let fleet = Fleet::start(&redis.url(), 0);
    let book = book(&fleet).await;
    assert!(!fleet.listen(&book, 1).await.is_empty(), "reading and listening go on");
    assert_eq!(fleet.json("/health").await["status"], "degraded");
    redis.revive();
    for _ in 0..50 {
        if fleet.json("/health").await["status"] == "ok" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", fleet.json("/health").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_tried_again() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis.url(), 0);
    let book = book(&fleet).await;
    // As a worker leaves it after the third try.
    let payload = json!({
        "bookId": book, "chapterId": 1, "engine": "espeak-ng", "model": "espeak-ng",
        "voice": "en-us", "speed": "1", "format": "mp3-48k", "sentence": 0,
        "text": "It was quiet.", "class": "chapter", "tries": 3,
        "clip": fleet.clip_name("It was quiet."), "contentHash": fleet.content_hash("It was quiet."),
    });
    let error = json!({ "Failed": { "program": "espeak-ng", "reason": "hoarse" } });
    let letter = json!({ "job": payload, "error": error, "diedAtMs": 1 }).to_string();
    redis.cli(&["ZADD", "queue:tts:dead", "1", &letter]);
    let listed = fleet.command(&["dead-letters"]);
    assert!(listed.contains("hoarse") && listed.contains("It was quiet."), "{listed}");
    assert_eq!(fleet.json("/health").await["queue"]["dead"], 1);
    let requeued = fleet.command(&["dead-letters", "--requeue"]);
    assert!(requeued.starts_with('1'), "{requeued}");
    let queue = fleet.json("/health").await["queue"].clone();
    assert_eq!((&queue["dead"], &queue["chapter"]), (&json!(0), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_cleans_up_at_a_time() {
    let redis = RedisServer::start();
    let fleet = Fleet::start(&redis.url(), 1);
    let book = book(&fleet).await;
    fleet.listen(&book, 2).await;
    // What was heard is written down, then it was long ago.
    assert_eq!(fleet.json("/api/storage").await["total"]["clips"], 1);
    let database = common::database(&fleet.data()).await;
    sqlx::query("UPDATE audio_assets SET last_access = 1").execute(&database).await.unwrap();
    database.close().await;
    let clean = async || {
        let request = fleet.client.post(fleet.url("/api/storage")).form(&[("days", "1")]);
        request.send().await.unwrap().json::<Value>().await.unwrap()["removed"].clone()
    };
    redis.cli(&["SET", "cleaner", "another server"]);
    assert_eq!(clean().await, 0);
    assert_eq!(redis.cli(&["GET", "cleaner"]), "another server", "and keeps its turn");
    redis.cli(&["DEL", "cleaner"]);
    assert_eq!(clean().await, 1);
    assert_eq!(redis.cli(&["EXISTS", "cleaner"]), "0", "given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_at_two_servers_at_once_is_all_kept() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(&redis.url(), 0);
    let another = fleet.serve_another();
    let address = |own: bool| match own {
        true => fleet.url("/settings"),
        false => format!("{}/settings", another.address),
    };
    for round in 0..10 {
        let theme = ["dark", "sepia"][round % 2];
        let size = ["3", "6"][round % 2];
        let choose = |own: bool, name: &'static str, value: &'static str| {
            fleet.client.post(address(own)).form(&[(name, value)]).send()
        };
        let (one, other) = tokio::join!(choose(true, "theme", theme), choose(false, "size", size));
        assert!(one.unwrap().status().is_success() && other.unwrap().status().is_success());
        let kept = fleet.json("/api/preferences").await;
        assert_eq!(
            (&kept["theme"], &kept["size"]),
            (&json!(theme), &json!(size.parse::<u8>().unwrap())),
            "{round}"
        );
    }
}
