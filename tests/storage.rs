//! Clips that are kept: on S3, over damage, over kills, and within limits; and what other programs ask
//! for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::fleet::Fleet;
use common::s3::S3Server;
use common::standin::{KEY, StandIn};
use common::{TestServer, VOICE, epub};
use serde_json::{Value, json};
use sqlx::Row;

const BODY: &str = "<p>It was quiet in the house. Then somebody laughed.</p>";

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let inside = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(|entry| inside(entry.unwrap().path())).collect()
}

fn clips(data: &Path) -> Vec<PathBuf> {
    files(&data.join("objects/audio"))
}

async fn stream(server: &TestServer, book: &str) -> Vec<u8> {
    let address = TestServer::stream(book, 1, "&to=chapter");
    server.get(&address).await.bytes().await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_missing_clip_is_made_again() {
    let server = TestServer::start().await;
    let id = server.import("book.epub", epub("Damaged", &[("One", BODY)])).await;
    let sound = stream(&server, &id).await;
    let data = server.stop().await;
    let clips = clips(data.path());
    assert_eq!(clips.len(), 2);
    // One loses a byte in the middle of a frame, where only a checksum tells; the other is gone.
    let mut bytes = std::fs::read(&clips[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&clips[0], &bytes).unwrap();
    std::fs::remove_file(&clips[1]).unwrap();
    let server = TestServer::start_on(data).await;
    assert_eq!(stream(&server, &id).await, sound);
    let data = server.stop().await;
    assert!(self::clips(data.path()).iter().all(|clip| std::fs::read(clip).unwrap() != bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_on_s3_when_it_is_told_to_be() {
    let s3 = S3Server::start("earmark");
    let arguments = ["--objects-url", "s3://earmark/site"];
    // Its address and keys come from the environment, which threads share: a process of its own.
    let mut fleet = Fleet::start_on_s3(&s3.environment(), &arguments);
    let id = fleet.import("book.epub", epub("Remote", &[("One", BODY)])).await;
    let address = fleet.url(&format!("/listen/{id}/1.mp3?to=chapter&voice={VOICE}"));
    let get = async |address: &str| {
        fleet.client.get(address).send().await.unwrap().bytes().await.unwrap()
    };
    let sound = get(&address).await;
    assert!(sound.len() > 10_000);
    assert!(!fleet.data().join("objects").exists(), "nothing is in the folder");
    let stored = files(&s3.folder());
    let audio: Vec<_> =
        stored.iter().filter(|path| path.to_string_lossy().contains("site/audio/")).collect();
    assert_eq!(
        audio.iter().filter(|path| path.extension().is_some_and(|end| end == "mp3")).count(),
        2,
        "{stored:?}"
    );
    // A range of what is stored there, after a restart.
    fleet.server.kill();
    fleet.serve_again();
    let address = fleet.url(&format!("/listen/{id}/1.mp3?to=chapter&voice={VOICE}"));
    let part = fleet.client.get(&address).header("range", "bytes=100-199").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap(), sound.slice(100..200));
    assert_eq!(fleet.spoken().len(), 2, "made once");
    // A damaged one there is made again as well.
    let victim =
        audio.iter().find(|path| path.extension().is_some_and(|end| end == "mp3")).unwrap();
    std::fs::write(victim, b"no audio").unwrap();
    fleet.server.kill();
    fleet.serve_again();
    let address = fleet.url(&format!("/listen/{id}/1.mp3?to=chapter&voice={VOICE}"));
    let again = fleet.client.get(&address).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(again, sound);
    assert_eq!(fleet.spoken().len(), 3);
}

/// Rows of clips: hash, whether good, bytes, checksum.
async fn rows(folder: &Path) -> Vec<(String, bool, i64, String)> {
    let database = common::database(folder).await;
    let rows = sqlx::query("SELECT content_hash, state, bytes, checksum FROM audio_assets");
    let rows = rows.fetch_all(&database).await.unwrap();
    let rows = rows.iter().map(|row| {
        let state: i64 = row.get("state");
        (row.get("content_hash"), state != 0, row.get("bytes"), row.get("checksum"))
    });
    let rows = rows.collect();
    database.close().await;
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_a_hundred_times_keeps_no_half_clip() {
    use sha2::{Digest, Sha256};
    let seed =
        std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut fleet = Fleet::start_alone();
    let body: String = (0..1_500).map(|n| format!("<p>Kill {n}.</p>")).collect();
    let id = fleet.import("book.epub", epub("Killed", &[("One", &body)])).await;
    let mut good = HashMap::new();
    for round in 0..100 {
        let place = json!({ "place": { "listener": "a", "book": id, "chapter": 1, "sentence": 0, "voice": VOICE } });
        let address = fleet.url("/api/events/chapter_open");
        let _ = fleet.client.post(address).json(&place).send().await;
        tokio::time::sleep(Duration::from_millis(random.u64(5..120))).await;
        fleet.server.kill();
        let on_disk: HashMap<String, Vec<u8>> = clips(&fleet.data())
            .into_iter()
            // What was being written lies under another name and is nobody's clip.
            .filter(|path| path.extension().is_some_and(|end| end == "mp3"))
            .map(|path| {
                (
                    path.file_stem().unwrap().to_str().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                )
            })
            .collect();
        let rows = rows(&fleet.data()).await;
        let known: HashSet<&String> = rows.iter().map(|(hash, ..)| hash).collect();
        assert!(
            on_disk.keys().all(|hash| known.contains(hash)),
            "round {round}: an asset without its row"
        );
        for (hash, _, bytes, checksum) in rows.iter().filter(|(_, is_ready, ..)| *is_ready) {
            let clip = on_disk
                .get(hash)
                .unwrap_or_else(|| panic!("round {round}: a row without its bytes"));
            assert_eq!(clip.len() as i64, *bytes, "round {round}");
            let digest: String =
                Sha256::digest(clip).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, *checksum, "round {round}: not whole");
            // And once good it stays as it is.
            assert_eq!(good.entry(hash.clone()).or_insert_with(|| checksum.clone()), checksum);
        }
        fleet.serve_again();
    }
    // What is served after all that is whole.
    let address = fleet.url(&format!("/listen/{id}/1.mp3?to=chapter&voice={VOICE}"));
    let sound = fleet.client.get(address).send().await.unwrap().bytes().await.unwrap();
    let samples = common::decoded_samples(&sound, 22_050);
    let timeline = fleet.json(&format!("/api/books/{id}/chapters/1/timeline?voice={VOICE}")).await;
    let last = timeline.as_array().unwrap().last().unwrap();
    let ms = last["start_ms"].as_u64().unwrap() + last["duration_ms"].as_u64().unwrap();
    assert_eq!(timeline.as_array().unwrap().len(), 1_500);
    assert!((samples * 1000 / 22_050).abs_diff(ms) <= 60, "{samples} samples, {ms} ms");
    println!("{} clips were made between {} kills", good.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_kept_and_what_is_heard_stays() {
    let server = TestServer::start().await;
    let heard =
        server.import("a.epub", epub("Heard", &[("One", BODY), ("Two", "<p>Next.</p>")])).await;
    let old = server
        .import(
            "b.epub",
            epub("Old", &[("One", "<p>This was heard long ago. And so was this.</p>")]),
        )
        .await;
    stream(&server, &heard).await;
    stream(&server, &old).await;
    let set = async |server: &TestServer, form: &[(&str, &str)]| -> Value {
        server
            .client
            .post(server.url("/api/storage"))
            .form(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    // What was just heard stays, whatever the limits say.
    assert_eq!(set(&server, &[("mb", "1"), ("days", "1")]).await["removed"], 0);
    let data = server.stop().await;
    let database = common::database(data.path()).await;
    let long_ago = 1_000_000_000_000_i64;
    sqlx::query("UPDATE audio_assets SET last_access = $1")
        .bind(long_ago)
        .execute(&database)
        .await
        .unwrap();
    database.close().await;
    let server = TestServer::start_on(data).await;
    // Somebody is in the first book.
    let place = json!({ "place": { "listener": "a", "book": heard, "chapter": 1, "sentence": 0, "voice": VOICE } });
    server.client.post(server.url("/api/events/page_open")).json(&place).send().await.unwrap();
    assert_eq!(set(&server, &[("days", "30")]).await["removed"], 2);
    let figures = server.json("/api/storage").await;
    assert_eq!(figures["total"]["clips"], 2);
    assert_eq!(figures["limits"], json!({ "mb": 0, "days": 30, "book_mb": 0 }));
    assert_eq!(clips(server.data.path()).len(), 2);
    // And comes back when it is asked for.
    assert!(stream(&server, &old).await.len() > 10_000);
    let wrong =
        server.client.post(server.url("/api/storage")).form(&[("mb", "-1")]).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_programs_have_texts_spoken_once() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let form = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", standin.url.as_str()),
        ("key", KEY),
        ("words", "on"),
    ];
    server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    let ask = async |body: Value| -> (u16, Value) {
        let response =
            server.client.post(server.url("/api/voice")).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    };
    let text = "Mr. Holmes was there. Nobody else came.\n\nThat was all.";
    let request = json!({ "text": text, "voiceId": "stand-in:af_heart" });
    let (status, first) = ask(request.clone()).await;
    assert_eq!((status, &first["cached"]), (200, &json!(false)), "{first}");
    assert_eq!(standin.calls().len(), 3, "a text is split into sentences");
    let words = first["words"].as_array().unwrap();
    assert_eq!(words.len(), 10);
    let starts: Vec<u64> = words.iter().map(|word| word["startMs"].as_u64().unwrap()).collect();
    assert!(starts.is_sorted() && *starts.last().unwrap() < first["durationMs"].as_u64().unwrap());
    let (_, again) = ask(request).await;
    assert_eq!((&again["cached"], &again["contentHash"]), (&json!(true), &first["contentHash"]));
    let sound = server.get(first["url"].as_str().unwrap()).await;
    assert_eq!(sound.headers()["content-type"], "audio/mpeg");
    let sound = sound.bytes().await.unwrap();
    let ms = common::decoded_samples(&sound, 24_000) * 1000 / 24_000;
    assert!(ms.abs_diff(first["durationMs"].as_u64().unwrap()) <= 3);
    // A sentence of it is known, also in a book, and the other way round.
    let (_, one) = ask(json!({ "text": "That was all.", "voiceId": "stand-in:af_heart" })).await;
    assert_eq!(one["cached"], true);
    let id = server.import("book.epub", epub("All", &[("One", "<p>That was all.</p>")])).await;
    let clip = server
        .get(&format!("/audio/{id}/1/0.mp3?voice=stand-in:af_heart"))
        .await
        .bytes()
        .await
        .unwrap();
    assert_eq!(clip, server.get(one["url"].as_str().unwrap()).await.bytes().await.unwrap());
    assert_eq!(standin.calls().len(), 3);
    // Another speed is another sound.
    let (_, slow) =
        ask(json!({ "text": "That was all.", "voiceId": "stand-in:af_heart", "speed": 0.5 })).await;
    assert!(slow["contentHash"] != one["contentHash"]);
    assert_eq!(standin.calls()[3].body["speed"], 0.5);
    // Punctuation alone is a short silence, by whichever way a program asks.
    let (status, silence) = ask(json!({ "text": "* * *", "voiceId": VOICE })).await;
    assert_eq!(status, 200, "{silence}");
    // A frame more or less.
    assert!(silence["durationMs"].as_u64().unwrap().abs_diff(200) <= 27, "{silence}");
    for wrong in [
        json!({ "text": "", "voiceId": VOICE }),
        json!({ "text": " \n\n ", "voiceId": VOICE }),
        json!({ "text": "x".repeat(30_000), "voiceId": VOICE }),
        json!({ "text": "Yes.", "voiceId": "nobody:x" }),
        json!({ "text": "Yes.", "voiceId": VOICE, "speed": 9 }),
        json!({ "text": "Yes.", "voiceId": VOICE, "format": "opus" }),
        json!({ "text": "Yes.", "voiceId": VOICE, "model": "other" }),
        json!({ "voiceId": VOICE }),
    ] {
        let (status, problem) = ask(wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(problem["detail"].is_string(), "{problem}");
    }
    let unknown = format!("/api/voice?contentHash={}", "0".repeat(64));
    assert_eq!(server.get(&unknown).await.status(), 404);
    let books = server.json("/api/storage").await["books"].clone();
    assert!(books.as_array().unwrap().iter().any(|line| line["name"] == "0000000000000000"));
}
