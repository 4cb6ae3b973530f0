//! The built-in voice, with its real files and its real process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::sound::{self, WITH_RESTS};
use common::{TestServer, epub, epub_in};
use earmark::audio::Clip;
use earmark::speech::Voices;
use earmark::speech::registry::Places;
use earmark::text::hash::VoiceKey;
use serde_json::{Value, json};

/// Where `make setup` puts the files.
fn voices_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/voices");
    assert!(folder.join("heart/hibari.onnx").is_file(), "scripts/setup.sh test fetches the voice");
    folder
}

async fn voices() -> Voices {
    let (voices, program) = (voices_folder(), env!("CARGO_BIN_EXE_earmark").into());
    let installed = voices.join("none");
    Voices::installed(None, &Places { voices, installed, program, parallel: 2 }).await
}

async fn speak(voices: &Voices, text: &str) -> Clip {
    voices.speak(text, None, &key(voices)).await.unwrap().clip
}

fn key(voices: &Voices) -> VoiceKey {
    let chosen = voices.choose("", "en").unwrap();
    assert_eq!(chosen.id, "heart:heart", "it is the default for English");
    chosen.key
}

fn samples(clip: &Clip) -> Vec<f32> {
    common::decoded(&clip.bytes, 24_000)
}

/// Sentences of a kind that books have.
const SENTENCES: [&str; 9] = [
    "Chapter One",
    "“No,” she said.",
    "It was a bright cold day in April, and the clocks were striking.",
    "Raskolnikov and Queequeg met Mr. Bingley at 8:35 on the 3rd of May, 1866.",
    "Open No. 5; it costs $2.50, or 20% less than in 1984!",
    "Who, he asked himself, would read — or rather, live — in such a place?",
    "I read it yesterday, and I shall read it again tomorrow.",
    "The naïve café owner, Señor Núñez, smiled.",
    // A word that the reader of words stumbles over.
    "She was sautéing onions when he came.",
];

#[tokio::test(flavor = "multi_thread")]
async fn sentences_are_whole_as_loud_as_each_other_and_tell_their_words() {
    let voices = voices().await;
    for text in SENTENCES {
        let clip = speak(&voices, text).await;
        let seconds = clip.length.samples as f64 / f64::from(clip.length.sample_rate);
        let chars = text.chars().count() as f64;
        assert!((5.0..25.0).contains(&(chars / seconds)), "{text}: {seconds} s");
        let level = sound::level(&samples(&clip));
        assert!((-28.0..-14.0).contains(&level), "{text}: {level} dB");
        let marks = clip.marks.clone().unwrap();
        let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric));
        assert!(marks.len() >= words.count(), "{text}: {marks:?}");
        assert!(marks.is_sorted_by_key(|mark| mark.start_ms), "{text}: {marks:?}");
        assert!(f64::from(marks.last().unwrap().start_ms) < seconds * 1000.0, "{text}: {marks:?}");
        assert!(marks[0].start_ms < 150, "it begins at once: {text}: {marks:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_it_does_not_know_are_told() {
    let voices = voices().await;
    let voice = voices.choose("", "en").unwrap();
    let guessed = voices.guessed(&voice, "walking flurgle houses tsundokuing understand").await;
    assert_eq!(&*guessed, ["flurgle", "tsundokuing"]);
    // It goes on to speak.
    assert!(speak(&voices, "Flurgle houses.").await.length.samples > 10_000);

    let server = TestServer::start_with(&["--voices", voices_folder().to_str().unwrap()]).await;
    let text = "<p>They saw a flurgle, and another flurgle, in the house.</p>";
    let book = server.import("book.epub", epub("Words", &[("One", text)])).await;
    let page = server.client.get(server.url(&format!("/book/{book}/pronunciation")));
    let page = page.header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Rare words") && page.contains(">flurgle<"), "{page}");
    assert!(!page.contains(">house<"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_begin_when_they_are_said_to() {
    let voices = voices().await;
    let mut errors = Vec::new();
    for text in WITH_RESTS {
        let clip = speak(&voices, text).await;
        let words: Vec<u32> =
            clip.marks.iter().flat_map(|marks| marks.iter()).map(|mark| mark.start_ms).collect();
        errors.extend(sound::errors(&samples(&clip), &words));
    }
    errors.sort_by(f64::total_cmp);
    let (median, ninth) = (errors[errors.len() / 2], errors[errors.len() * 9 / 10]);
    println!("{} onsets: median {median} ms, nine of ten within {ninth} ms", errors.len());
    assert!(errors.len() > 20, "rests are heard: {errors:?}");
    assert!(median < 40.0, "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_text_is_the_same_bytes_in_any_process() {
    let (one, other) = (voices().await, voices().await);
    for text in &SENTENCES[2..5] {
        let (first, again) = tokio::join!(speak(&one, text), speak(&other, text));
        assert_eq!(first.bytes, again.bytes, "{text}");
        assert_eq!(speak(&one, text).await.bytes, first.bytes, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_pronounce_is_a_short_silence_and_the_longest_is_spoken_whole() {
    let voices = voices().await;
    for text in ["* * *", "吾輩は猫である。", "[word](/x/)", "It is 12345678901234567890."]
    {
        assert!(speak(&voices, text).await.length.samples > 0, "{text}");
    }
    let clause = "and then the old man went down to the river, ";
    let long = format!("{}where he slept.", clause.repeat(30));
    let clip = speak(&voices, &long).await;
    let marks = clip.marks.unwrap();
    assert_eq!(marks.last().unwrap().word, "slept");
    assert_eq!(marks.iter().filter(|mark| mark.word == "river").count(), 30);
}

/// The processes that speak for this test.
fn children(of: u32) -> Vec<u32> {
    let stat = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parent = |pid: u32| stat(pid)?.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
    pids.filter(|pid| parent(*pid) == Some(of)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_was_killed_speaks_again() {
    let server = Server::start();
    let book = server.import("Killed").await;
    assert_eq!(server.hear(&book, 0).await, 200);
    let before = children(server.process.id());
    assert_eq!(before.len(), 1, "one process speaks");
    let killed = std::process::Command::new("kill").args(["-9", &before[0].to_string()]).status();
    assert!(killed.unwrap().success());
    // Who listens does not hear of it.
    assert_eq!(server.hear(&book, 1).await, 200);
    let after = children(server.process.id());
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_gets_ready_when_a_book_is_opened() {
    for pages in ["/book/{}", "/read/{}/1"] {
        let server = Server::start();
        let book = server.import("Opened").await;
        assert_eq!(children(server.process.id()).len(), 0, "nobody has opened one");
        // The page alone, before any script of it has run.
        let page = pages.replace("{}", &book);
        let page = server.client.get(format!("{}{page}", server.url)).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert_eq!(children(server.process.id()).len(), 1, "{pages}");
        assert_eq!(server.hear(&book, 0).await, 200);
        assert_eq!(children(server.process.id()).len(), 1, "the one that was started speaks");
    }
}

/// A server as a process of its own.
struct Server {
    process: std::process::Child,
    url: String,
    client: reqwest::Client,
    _data: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let data = tempfile::TempDir::new().unwrap();
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_earmark"))
            .args(["serve", "--addr", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .arg("--voices")
            .arg(voices_folder())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = process.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        let url = line.trim().rsplit_once(' ').unwrap().1.to_owned();
        Self { process, url, client: common::client(), _data: data }
    }

    async fn import(&self, title: &str) -> String {
        let body = "<p>It was quiet in the house.</p><p>Nobody had come for years.</p>";
        let bytes = epub(title, &[("One", body)]);
        let part = reqwest::multipart::Part::bytes(bytes).file_name("book.epub");
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = self.client.post(format!("{}/api/books", self.url)).multipart(form);
        let book: Value = request.send().await.unwrap().json().await.unwrap();
        book["id"].as_str().unwrap().to_owned()
    }

    async fn hear(&self, book: &str, sentence: u32) -> u16 {
        let url = format!("{}/audio/{book}/1/{sentence}.mp3", self.url);
        self.client.get(url).send().await.unwrap().status().as_u16()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_english_and_leaves_other_languages_to_others() {
    let folder = voices_folder();
    let server = TestServer::start_with(&["--voices", folder.to_str().unwrap()]).await;
    for (language, voice) in
        [("en", "heart:heart"), ("en-GB", "heart:heart"), ("de", "espeak-ng:de")]
    {
        let book = epub_in(language, language, &[("One", "<p>Text.</p>")]);
        let id = server.import("book.epub", book).await;
        let position = json!({ "place": {
            "listener": "a-listener-of-it", "book": id, "chapter": 1, "sentence": 0, "voice": "",
        }});
        let opened = server.client.post(server.url("/api/events/page_open")).json(&position);
        assert!(opened.send().await.unwrap().status().is_success());
        let page = server.get(&format!("/read/{id}/1")).await.text().await.unwrap();
        assert!(page.contains(&format!("data-voice=\"{voice}\"")), "{language}");
    }
    let without = TestServer::start().await;
    let voices = without.json("/api/voices").await;
    assert!(!voices.to_string().contains("heart:heart"), "{voices}");
}
