//! Voices that can be installed: with the files that are published, and a program that does it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use common::redis::RedisServer;
use common::sound::{self, WITH_RESTS};
use common::standin::{Fault, KEY, StandIn};
use common::{TestServer, decoded, epub, epub_in};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

const PACK: &str = "kokoro-82m";

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

/// What `make setup` fetched.
fn published() -> PathBuf {
    let folder = target().join("published/kokoro");
    assert!(folder.is_dir(), "scripts/setup.sh test fetches the voice");
    folder
}

fn voices_of(data: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
    command.args(["voices", "--data", data.path().to_str().unwrap()]);
    command.arg("--voices").arg(target().join("voices"));
    command.args(arguments).env_remove("DATABASE_URL").kill_on_drop(true);
    command
}

async fn run(data: &TempDir, arguments: &[&str]) -> Output {
    voices_of(data, arguments).output().await.unwrap()
}

async fn card(server: &TestServer, name: &str) -> Value {
    let cards = server.json("/api/packs").await;
    cards.as_array().unwrap().iter().find(|card| card["name"] == name).unwrap().clone()
}

async fn start() -> TestServer {
    let voices = target().join("voices");
    TestServer::start_with(&["--voices", voices.to_str().unwrap()]).await
}

/// Waits until the server has, or has not, a voice.
async fn has(server: &TestServer, id: &str, wanted: bool) {
    for _ in 0..100 {
        if server.json("/api/voices").await.to_string().contains(id) == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{id} is there: {}", !wanted);
}

async fn default_for(server: &TestServer, language: &str) -> String {
    let book = epub_in(language, language, &[("One", "<p>Text.</p>")]);
    let id = server.import("book.epub", book).await;
    let page = server.get(&format!("/read/{id}/1")).await.text().await.unwrap();
    page.split("data-voice=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_is_installed_found_by_a_running_server_heard_and_removed() {
    let server = start().await;
    let before = card(&server, PACK).await;
    assert_eq!(
        (&before["state"], before["bytes"].as_u64()),
        (&json!({ "is": "absent" }), Some(103_850_551))
    );
    let from = published();
    let done = run(&server.data, &["install", PACK, "--from", from.to_str().unwrap()]).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    has(&server, "kokoro-82m:af_heart", true).await;

    // It says how fast it is here, and is what English books are read with if that is fast enough.
    let times = card(&server, PACK).await["state"]["timesReal"].as_f64().unwrap();
    let expected =
        |fast: &str| if times >= 1.5 { fast.to_owned() } else { "heart:heart".to_owned() };
    assert_eq!(default_for(&server, "en").await, expected("kokoro-82m:af_heart"), "{times}");
    assert_eq!(default_for(&server, "en-GB").await, expected("kokoro-82m:bf_emma"), "{times}");

    let spanish = if times >= 1.5 { "kokoro-82m:ef_dora" } else { "espeak-ng:es" };
    assert_eq!(default_for(&server, "es").await, spanish, "{times}");

    // Each voice has a sound of its own, which lasts as long as the sentence takes.
    let mut sounds = Vec::new();
    for voice in ["af_heart", "bm_george", "ff_siwis"] {
        let sample = server.get(&format!("/api/packs/{PACK}/sample?voice={voice}")).await;
        let sound = decoded(&sample.error_for_status().unwrap().bytes().await.unwrap(), 24_000);
        let seconds = sound.len() as f64 / 24_000.0;
        assert!((3.0..6.0).contains(&seconds), "{voice}: {seconds} s");
        assert!(sound.iter().any(|sample| sample.abs() > 0.1), "{voice} is heard");
        sounds.push(sound);
    }
    assert!(sounds[0] != sounds[1] && sounds[1] != sounds[2]);

    // A chapter is read in it, and its words are told.
    let book = server
        .import("a.epub", epub("Rain", &[("One", "<p>“The schedule,” he said, “is new.”</p>")]))
        .await;
    let voice = "kokoro-82m:bf_emma";
    let stream = format!("/listen/{book}/1.mp3?voice={voice}");
    let heard = server.get(&stream).await.error_for_status().unwrap().bytes().await.unwrap();
    assert!(decoded(&heard, 24_000).len() > 24_000);
    let timeline =
        server.json(&format!("/api/books/{book}/chapters/1/timeline?voice={voice}")).await;
    let spoken = timeline.as_array().unwrap().last().unwrap();
    let words: Vec<u64> = serde_json::from_value(spoken["words_ms"].clone()).unwrap();
    assert!(words.len() >= 5 && words.is_sorted(), "{timeline}");

    // Words begin when they are said to, by the onset of sound after a rest.
    let mut errors = Vec::new();
    for text in &WITH_RESTS[..4] {
        let asked = json!({ "text": text, "voiceId": "kokoro-82m:af_heart" });
        let asked = server.client.post(server.url("/api/voice")).json(&asked).send().await.unwrap();
        let said: Value = asked.json().await.unwrap();
        let words = said["words"].as_array().unwrap().iter();
        let words: Vec<u32> = words.map(|word| word["startMs"].as_u64().unwrap() as u32).collect();
        let sound = server.get(said["url"].as_str().unwrap()).await.bytes().await.unwrap();
        errors.extend(sound::errors(&decoded(&sound, 24_000), &words));
    }
    errors.sort_by(f64::total_cmp);
    println!("{} onsets, off by {errors:?} ms", errors.len());
    assert!(errors.len() > 6 && errors[errors.len() / 2] < 40.0, "{errors:?}");

    begins_with_a_clause_or_in_another_voice(&server).await;

    let gone = server.client.delete(server.url(&format!("/api/packs/{PACK}"))).send().await;
    assert_eq!(gone.unwrap().status(), 204);
    has(&server, "kokoro-82m:af_heart", false).await;
    assert_eq!(card(&server, PACK).await["state"], json!({ "is": "absent" }));
    assert!(!server.data.path().join("voices").join(PACK).exists());
    let again = server.get(&stream).await;
    assert!(again.status().is_client_error(), "the voice is gone: {}", again.status());
    // What it has spoken was kept.
    let reinstalled = run(&server.data, &["install", PACK, "--from", from.to_str().unwrap()]).await;
    assert!(reinstalled.status.success());
    has(&server, "kokoro-82m:af_heart", true).await;
    assert_eq!(server.get(&stream).await.bytes().await.unwrap(), heard);
    server.stop().await;
}

/// Listens to a chapter from a sentence on, and follows its timeline: samples heard, and what was told of them.
async fn listened(server: &TestServer, book: &str, voice: &str) -> (usize, Vec<Value>) {
    let (sound, told) = tokio::join!(
        async {
            let stream = format!("/listen/{book}/1.mp3?voice={voice}&to=book");
            decoded(&server.get(&stream).await.bytes().await.unwrap(), 24_000).len()
        },
        async {
            let timeline = format!("/listen/{book}/1/timeline?voice={voice}&to=book");
            server.get(&timeline).await.text().await.unwrap()
        }
    );
    let data = told.lines().filter_map(|line| line.strip_prefix("data: "));
    (sound, data.map(|json| serde_json::from_str(json).unwrap()).collect())
}

async fn begins_with_a_clause_or_in_another_voice(server: &TestServer) {
    let voice = "kokoro-82m:af_heart";
    let made = async |book: &str, voice: &str| {
        let audios = server.json(&format!("/api/books/{book}/audios?voice={voice}")).await;
        audios[0]["made"].as_u64().unwrap()
    };
    let ends_as_told = |(samples, told): &(usize, Vec<Value>)| {
        let end = told.last().unwrap()["end_ms"].as_u64().unwrap();
        assert_eq!(*samples as u64 * 1000 / 24_000, end, "{told:?}");
    };
    let text = "<p>When the rain had stopped, the streets of the old town were shining.</p>";
    let book = server.import("a.epub", epub("Clause", &[("", text)])).await;
    let heard = listened(server, &book, voice).await;
    ends_as_told(&heard);
    assert_eq!(made(&book, voice).await, 0, "its first clause is a clip of its own");
    let words: Vec<u64> = serde_json::from_value(heard.1[0][0]["words_ms"].clone()).unwrap();
    assert!(words.len() == 13 && words.is_sorted(), "{words:?}");

    let text: String = (0..8)
        .map(|n| format!("<p>Number {n} of those who were there spoke of the rain that night.</p>"))
        .collect();
    let book = server.import("b.epub", epub("Lead", &[("", &text)])).await;
    let starter = [("starter", "heart:heart")];
    let set = server.client.post(server.url("/settings")).form(&starter).send().await.unwrap();
    assert!(set.status().is_success());
    let heard = listened(server, &book, voice).await;
    ends_as_told(&heard);
    // Ten seconds of fifteen signs are three of these.
    assert_eq!((made(&book, "heart:heart").await, made(&book, voice).await), (3, 5));
    // What the page has asked the slow voice for, and the other reads, does not keep it from what follows, but for the
    // few that were in hand by then.
    let text: String = (0..16).map(|n| format!("<p>Day {n} was wet.</p>")).collect();
    let rain = server.import("r.epub", epub("Rain", &[("", &text)])).await;
    let place = json!({ "place": {
        "listener": "t", "book": rain, "chapter": 1, "sentence": 0, "voice": voice
    }});
    let page_opens = async || {
        let told = server.client.post(server.url("/api/events/page_open")).json(&place).send();
        assert!(told.await.unwrap().status().is_success());
    };
    page_opens().await;
    let (rained, ()) = tokio::join!(listened(server, &rain, voice), async {
        // The page goes on to say what is in view.
        tokio::time::sleep(Duration::from_millis(300)).await;
        page_opens().await;
    });
    ends_as_told(&rained);
    let (led, followed) = (made(&rain, "heart:heart").await, made(&rain, voice).await);
    assert!(led >= 10 && followed <= 16 - led + 4, "{led} and {followed}");
    // Whoever comes back hears the same, and who has not chosen it another voice.
    let again = listened(server, &book, voice).await;
    ends_as_told(&again);
    assert_eq!(again.1.last(), heard.1.last());
    let none = [("starter", "")];
    let set = server.client.post(server.url("/settings")).form(&none).send().await.unwrap();
    assert!(set.status().is_success());
    ends_as_told(&listened(server, &book, voice).await);
    assert_eq!(made(&book, voice).await, 8);

    // One that cannot begin does not keep the slow voice from reading.
    let standin = StandIn::start().await;
    let url = standin.url.as_str();
    let service = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", url),
        ("key", KEY),
        ("voices", "af_heart"),
    ];
    let added = server.client.post(server.url("/api/engines")).form(&service).send().await.unwrap();
    assert_eq!(added.status(), 201);
    standin.fail([Fault::Refusal(401, "invalid_api_key", None)]);
    let text = "<p>Nobody who was there spoke of it.</p>";
    let book = server.import("c.epub", epub("Refused", &[("", text)])).await;
    let heard = listened(server, &book, &format!("{voice}&starter=stand-in:af_heart")).await;
    ends_as_told(&heard);
    assert_eq!(made(&book, voice).await, 1);

    // A stream that runs on into a chapter reads it plainly, however others have begun there.
    let text = |n: u32| {
        format!("<p>When the snow of day {n} had melted, the fields of the valley were green.</p>")
    };
    let chapters = [("One", &*text(1)), ("Two", &*text(2))];
    let book = server.import("d.epub", epub("Runs on", &chapters)).await;
    let chapter_two = format!("/listen/{book}/2.mp3?voice={voice}&to=book");
    server.get(&chapter_two).await.bytes().await.unwrap();
    let plain = format!("/listen/{book}/2/timeline?voice={voice}");
    let (heard, told) = tokio::join!(listened(server, &book, voice), async {
        server.get(&plain).await.text().await.unwrap()
    });
    let end_of = |told: &str| {
        let end = told.split("\"end_ms\":").nth(1).unwrap();
        end.split([',', '}']).next().unwrap().parse::<u64>().unwrap()
    };
    let first = heard.1.last().unwrap()["end_ms"].as_u64().unwrap();
    assert_eq!(heard.0 as u64 * 1000 / 24_000, first + end_of(&told));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_killed_leaves_nothing_that_is_used_and_is_gone_on_with() {
    let data = TempDir::new().unwrap();
    let from = published();
    let from = from.to_str().unwrap();
    let place = data.path().join("voices").join(PACK);
    for millis in [300, 900, 2_000] {
        let mut install = voices_of(&data, &["install", PACK, "--from", from])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        install.kill().await.unwrap();
        let list = run(&data, &["list"]).await;
        let is_there = String::from_utf8_lossy(&list.stdout).contains(PACK);
        assert_eq!(
            is_there,
            place.join("times-real").is_file(),
            "it is there whole, or not at all"
        );
    }
    let done = run(&data, &["install", PACK, "--from", from]).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(said.contains("installed, speaks"), "{said}");
    assert!(place.join("kokoro.onnx").is_file());
    assert!(!data.path().join("voices/.arriving").join(PACK).exists(), "nothing is left over");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_published_file_is_refused() {
    let data = TempDir::new().unwrap();
    let other = target().join("voices/heart/hibari.onnx");
    let refused = run(&data, &["install", "heart-emma", "--from", other.to_str().unwrap()]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(said.contains("is not the file that was published"), "{said}");
    let empty = TempDir::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    for (arguments, reason) in [
        (vec!["install", PACK, "--from", empty], "is not among the files that were given"),
        (vec!["install", "heart"], "is part of Earmark"),
        (vec!["remove", "heart"], "is part of Earmark"),
        (vec!["install", "../etc"], "There is no voice “../etc” to install."),
    ] {
        let refused = run(&data, &arguments).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(reason), "{arguments:?}: {said}");
    }
    let list = run(&data, &["list"]).await;
    assert!(!String::from_utf8_lossy(&list.stdout).contains("heart-emma"));
    // What they read with comes with Heart.
    let mut bare = Command::new(env!("CARGO_BIN_EXE_earmark"));
    bare.args(["voices", "--voices", empty, "--data", empty, "install", "heart-emma"]);
    let said = bare.env_remove("DATABASE_URL").output().await.unwrap().stderr;
    assert!(String::from_utf8_lossy(&said).contains("come with Heart"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_installed_a_voice_can_hear_it_where_it_says_so() {
    let server = start().await;
    let packs = server.json("/api/packs").await;
    let with_samples = packs.as_array().unwrap().iter().filter(|pack| pack["hasSamples"] == true);
    let mut count = 0;
    for pack in with_samples {
        for voice in pack["voices"].as_array().unwrap() {
            let own = voice["id"].as_str().unwrap().split(':').nth(1).unwrap();
            let file = format!("public/samples/{}/{own}.mp3", pack["name"].as_str().unwrap());
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let sound = decoded(&std::fs::read(&file).unwrap(), 24_000);
            assert!(sound.len() > 2 * 24_000, "{file:?}");
            count += 1;
        }
    }
    assert_eq!(count, 22);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_says_what_cannot_be_installed() {
    let server = start().await;
    let post = |name: &str| server.client.post(server.url(&format!("/api/packs/{name}"))).send();
    assert_eq!(post("nobody").await.unwrap().status(), 404);
    let bundled = server.client.delete(server.url("/api/packs/heart")).send().await.unwrap();
    assert_eq!(bundled.status(), 400);
    // It is here: nothing is to be done.
    assert_eq!(post("heart").await.unwrap().status(), 202);
    let sample = server.get("/api/packs/heart/sample?voice=nobody").await;
    assert_eq!(sample.status(), 400);
    // Nobody can configure an engine under its name.
    let form = [("name", PACK), ("kind", "openai"), ("url", "http://127.0.0.1:9"), ("voices", "a")];
    let taken = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(taken.status(), 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_voice_leaves_its_sentences_to_those_that_have_it() {
    let redis = RedisServer::start();
    // A voice that came with the program on one machine, and not on the other.
    let folder = TempDir::new().unwrap();
    let with = folder.path().join("with");
    std::fs::create_dir_all(with.join("heart-emma")).unwrap();
    let heart = target().join("voices/heart");
    std::os::unix::fs::symlink(&heart, with.join("heart")).unwrap();
    std::fs::copy(heart.join("hibari.onnx"), with.join("heart-emma/hibari.onnx")).unwrap();
    let with = with.to_str().unwrap();
    let server =
        TestServer::start_with(&["--voices", with, "--redis-url", &redis.url(), "--no-worker"])
            .await;
    let worker = |voices: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
        command.args(["worker", "--data", server.data.path().to_str().unwrap()]);
        command.args(["--redis-url", &redis.url(), "--voices", voices]);
        if let Some(url) = common::database_url(server.data.path()) {
            command.args(["--database-url", &url]);
        }
        command.kill_on_drop(true).stderr(Stdio::null()).spawn().unwrap()
    };
    let _without = worker(target().join("voices").to_str().unwrap());
    let body = "<p>It rained. Nobody came. The door was open.</p>";
    let book = server.import("a.epub", epub("Rain", &[("One", body)])).await;
    let place = json!({ "place": {
        "listener": "a-listener-of-emma", "book": book, "chapter": 1, "sentence": 0,
        "voice": "heart-emma:emma",
    }});
    let opened = server.client.post(server.url("/api/events/chapter_open")).json(&place);
    assert!(opened.send().await.unwrap().status().is_success());
    // It has had its chance.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let made = |list: Value| list[0]["made"].as_u64().unwrap();
    let address = format!("/api/books/{book}/audios?voice=heart-emma:emma");
    assert_eq!(made(server.json(&address).await), 0);
    let _with = worker(with);
    let stream = format!("/listen/{book}/1.mp3?voice=heart-emma:emma");
    let heard = server.get(&stream).await.error_for_status().unwrap().bytes().await.unwrap();
    assert!(decoded(&heard, 24_000).len() > 2 * 24_000);
    let health = server.json("/health").await;
    assert_eq!(health["queue"]["dead"], 0, "{health}");
    server.stop().await;
}
