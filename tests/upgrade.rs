//! A library and a Redis as the build before pools left them go on working.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::epub;
use common::fleet::{Fleet, VOICE};
use common::redis::RedisServer;
use earmark::redis::keys::ClipName;
use earmark::text::hash::{ContentHash, VoiceKey};
use serde_json::json;

/// A sentence as it lay in a lane, with the fields in the order they had.
fn payload(fleet: &Fleet, book: &str, sentence: usize, text: &str) -> String {
    let rest = json!({
        "bookId": book, "chapterId": 1, "engine": "espeak-ng", "model": "espeak-ng",
        "voice": "en-us", "speed": "1", "format": "mp3-48k", "sentence": sentence, "text": text,
    });
    let rest = rest.to_string();
    let (content, clip) = (fleet.content_hash(text), fleet.clip_name(text));
    format!(r#"{{"contentHash":"{content}","clip":"{clip}",{}"#, &rest[1..])
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_leases_retries_and_dead_letters_of_the_last_build_are_taken_over() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(&redis.url(), 0);
    let line = |n: usize| format!("Line number {n} was there before.");
    let text: String = (0..8).map(|n| format!("<p>{}</p>", line(n))).collect();
    let book = fleet.import("book.epub", epub("Before", &[("One", &text)])).await;
    redis.cli(&["FLUSHALL"]);
    let sentence = |n: usize| payload(&fleet, book.as_str(), n, &line(n));
    // Two wait in the chapter lane, one in the prefetch lane.
    for (class, numbers) in [("chapter", vec![1, 2]), ("prefetch", vec![3])] {
        for n in numbers {
            redis.cli(&["RPUSH", &format!("queue:tts:{class}:{{{book}}}"), &sentence(n)]);
            let pending = format!("queue:tts:pending:{class}:{{{book}}}");
            redis.cli(&["SADD", &pending, &fleet.content_hash(&line(n))]);
        }
    }
    redis.cli(&["ZADD", "queue:tts:books", "1764000000000000", book.as_str()]);
    // One was in the hands of a worker that was stopped for the upgrade, with its locks.
    let lease = format!("1764000000000 chapter {}", sentence(4));
    redis.cli(&["HSET", &format!("queue:tts:leases:{{{book}}}"), "1-old:7", &lease]);
    redis.cli(&["SADD", "queue:tts:leased", book.as_str()]);
    let lock = format!("lock:tts:{{{book}}}:{}", fleet.clip_name(&line(4)));
    redis.cli(&["SET", &lock, "1-old:7", "PX", "60000"]);
    // One is to be tried again, and one is dead.
    let again = sentence(5).replace("\"text\"", "\"tries\":1,\"class\":\"chapter\",\"text\"");
    redis.cli(&["ZADD", "queue:tts:retry", "1764000000000", &again]);
    let dead = json!({
        "job": serde_json::from_str::<serde_json::Value>(
            &sentence(6).replace("\"text\"", "\"tries\":3,\"class\":\"chapter\",\"text\"")
        ).unwrap(),
        "error": { "Failed": { "program": "espeak-ng", "reason": "hoarse" } },
        "diedAtMs": 1_764_000_000_000_u64,
    });
    redis.cli(&["ZADD", "queue:tts:dead", "1764000000000", &dead.to_string()]);
    fleet.hire();
    let begun = std::time::Instant::now();
    while fleet.spoken().len() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", fleet.spoken());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut spoken: Vec<_> = fleet.spoken().into_iter().map(|spoken| spoken.text).collect();
    spoken.sort();
    assert_eq!(spoken, (1..6).map(line).collect::<Vec<_>>());
    assert!(fleet.command(&["dead-letters"]).contains("hoarse"));
    assert_eq!(fleet.command(&["dead-letters", "--requeue"]).trim(), "1 put back into their lanes");
    while fleet.spoken().len() < 6 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", fleet.spoken());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Nothing is left over, and the counts are right.
    let mut queue = fleet.json("/health").await["queue"].clone();
    for _ in 0..100 {
        if queue["books"] == 0 && queue["in_flight"] == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        queue = fleet.json("/health").await["queue"].clone();
    }
    for count in ["prefetch", "chapter", "in_flight", "retry", "dead", "books"] {
        assert_eq!(queue[count], 0, "{count} in {queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_sentence_among_those_of_the_installed_voices_finds_its_own_lane() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(&redis.url(), 0);
    // The service is there, or what waits for it would be dropped, and rests, or it would be asked.
    let engine = [
        ("name", "kokoro"),
        ("kind", "openai"),
        ("url", "http://127.0.0.1:9"),
        ("voices", "af_heart"),
    ];
    let added = fleet.client.post(fleet.url("/api/engines")).form(&engine).send().await.unwrap();
    assert_eq!(added.status(), 201);
    redis.cli(&["SET", "engine_rest:kokoro", "\"It has asked for it.\"", "PX", "600000"]);
    let voice = VoiceKey {
        engine: "kokoro".to_owned(),
        model: "kokoro".to_owned(),
        voice: "af_heart".to_owned(),
        speed: "1".to_owned(),
        format: "mp3-48k-24000".to_owned(),
    };
    let (text, book) = ("It was for a service.", "0123456789abcdef");
    let content = ContentHash::of(text, None, &voice).to_string();
    let clip = ClipName::new(&voice, text, None).form();
    let payload = format!(
        r#"{{"contentHash":"{content}","clip":"{clip}","bookId":"{book}","chapterId":1,"engine":"kokoro","model":"kokoro","voice":"af_heart","speed":"1","format":"mp3-48k-24000","sentence":0,"text":"{text}"}}"#
    );
    redis.cli(&["RPUSH", &format!("queue:tts:chapter:{{{book}}}"), &payload]);
    redis.cli(&["SADD", &format!("queue:tts:pending:chapter:{{{book}}}"), &content]);
    redis.cli(&["ZADD", "queue:tts:books", "6264000000000000", book]);
    fleet.hire();
    let own = format!("queue:tts:chapter:{{{book}}}:kokoro");
    for _ in 0..200 {
        if redis.cli(&["LLEN", &own]) == "1" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let there = redis.cli(&["KEYS", "queue:*"]);
    let found = redis.cli(&["LRANGE", &own, "0", "-1"]);
    assert_eq!(found, payload, "and it counts no try; there are {there}");
    assert_eq!(redis.cli(&["HLEN", "queue:tts:making"]), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_of_the_last_build_keeps_its_clips() {
    let mut fleet = Fleet::start_alone();
    let book = fleet.import("book.epub", epub("Kept", &[("One", "<p>It is kept.</p>")])).await;
    let heard = async |fleet: &Fleet| {
        let path = format!("/audio/{book}/1/0.mp3?voice={VOICE}");
        fleet.client.get(fleet.url(&path)).send().await.unwrap().bytes().await.unwrap()
    };
    let before = heard(&fleet).await;
    fleet.server.terminate();
    // The database as it was: the changes of this build undone.
    let database = common::database(&fleet.data()).await;
    for statement in [
        "ALTER TABLE audio_assets RENAME COLUMN state TO ready",
        "DROP TABLE engine_usage",
        "DROP TABLE synthesis",
        "DELETE FROM _sqlx_migrations WHERE version = 5",
    ] {
        sqlx::query(statement).execute(&database).await.unwrap();
    }
    // An engine as its settings were kept.
    let settings = r#"{"name":"old","kind":"piper","url":"http://127.0.0.1:9","model":"piper",
        "voices":[{"id":"old:en_US-x","name":"x","language":"en","engine":"old"}],"wire":"wav",
        "sample_rate":22050,"speed":1.0,"price":0.0,"concurrency":4,"context":false,"words":false}"#;
    sqlx::query("INSERT INTO engines (name, settings, updated_at) VALUES ('old', $1, 1)")
        .bind(settings)
        .execute(&database)
        .await
        .unwrap();
    database.close().await;
    fleet.serve_again();
    assert_eq!(heard(&fleet).await, before);
    assert_eq!(fleet.spoken().len(), 1, "it was not made again");
    let engines = fleet.json("/api/engines").await;
    assert_eq!(engines[0]["total_seconds"], 120, "{engines}");
}

/// The hash of a sentence's audio, on which paying once rests, is what it always was.
#[test]
fn content_hashes_are_what_they_were() {
    let voice = VoiceKey {
        engine: "espeak-ng".to_owned(),
        model: "espeak-ng".to_owned(),
        voice: "en-us".to_owned(),
        speed: "1".to_owned(),
        format: "mp3-48k".to_owned(),
    };
    let hash = ContentHash::of("It was quiet.", None, &voice).to_string();
    assert_eq!(hash, "f5cbf294f38bc032ccfcbf700a56d05645bc6b959220834049af6ba15f80e3cc");
}
