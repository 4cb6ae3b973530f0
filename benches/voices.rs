//! How fast each voice speaks on this machine, what it takes, and how long one waits for a sentence: forty sentences
//! as novels have them, one at a time on one processor, and two at once on two.
//!
//! Voices that are not installed are left out. `EARMARK_BIN` is the release build; `EARMARK_VOICES` has the built-in
//! voice, `KOKORO` the files of Kokoro, and `PIPER` and `PIPER_VOICE` are the program and a voice for it. With `CLIPS`
//! each voice's sentences are left in that folder, for whoever wants to judge them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::model::BookId;
use common::redis::RedisServer;
use earmark::clips::waits::Waits;
use earmark::queue::redis::{Duties, RedisQueue};
use earmark::queue::{Class, Job, Queue, Sentence, Timing};
use earmark::redis::{RedisConfig, RedisConnection};
use earmark::speech::Voices;
use earmark::speech::registry::Places;
use earmark::text::hash::ContentHash;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Of our own; eight to thirty words.
const SENTENCES: &str = include_str!("voices/sentences.txt");
/// Six words, and thirty. `#` is a number, so that each time is another sentence.
const SHORT: &str = "There are # days to lose.";
const LONG: &str = "And so the # of them grew old in the same street, greeting each other every morning, and never \
    once speaking of the day on which the boats had gone.";
/// Times each of these is said.
const TIMES: usize = 7;
const NUMBERS: [&str; TIMES] = ["two", "three", "four", "five", "six", "eight", "nine"];

/// Sentences of the chapter that is listened to while whole books are made in the background.
const CHAPTER: usize = 300;
/// Sentences of those books that wait at a time.
const WINDOW: u32 = 200;
/// Bytes of sound a second, and how fast it is heard.
const BYTES_A_SECOND: f64 = 6_000.0;
const RATE: f64 = 2.0;

struct Server {
    child: Child,
    address: String,
    client: reqwest::Client,
}

impl Server {
    fn start(data: &Path, workers: usize, more: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(["serve", "--addr", "127.0.0.1:0", "--limit-per-minute", "0", "--data"])
            .arg(data)
            .args(["--workers", &workers.to_string()])
            .args(more)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Earmark is at http://").unwrap().to_owned();
        Self { child, address, client: common::client() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Says a text, and how many milliseconds of sound that is and how long it took.
    async fn say(&self, voice: &str, text: &str) -> (f64, Duration, String) {
        let began = Instant::now();
        let asked = self.client.post(self.url("/api/voice"));
        let asked = asked.json(&json!({ "text": text, "voiceId": voice })).send().await.unwrap();
        let answer: Value = asked.error_for_status().unwrap().json().await.unwrap();
        assert_eq!(answer["cached"], false, "{text}");
        let url = answer["url"].as_str().unwrap().to_owned();
        (answer["durationMs"].as_f64().unwrap(), began.elapsed(), url)
    }

    async fn voices(&self) -> Vec<String> {
        let list = self.client.get(self.url("/api/voices")).send().await.unwrap();
        let list: Vec<Value> = list.json().await.unwrap();
        list.iter().map(|voice| voice["id"].as_str().unwrap().to_owned()).collect()
    }

    /// What the processes that it has started take, in megabytes.
    fn voice_mb(&self) -> u64 {
        let own = self.child.id().to_string();
        let field = |status: &str, name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next().map(str::to_owned))
        };
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let statuses = processes
            .filter_map(|process| std::fs::read_to_string(process.path().join("status")).ok());
        let children = statuses.filter(|status| field(status, "PPid:") == Some(own.clone()));
        let sizes = children.filter_map(|status| field(&status, "VmHWM:")?.parse::<u64>().ok());
        sizes.sum::<u64>() / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> String {
    std::env::var("EARMARK_BIN").expect("EARMARK_BIN is the release build")
}

fn earmark(data: &Path, arguments: &[&str]) -> bool {
    let run =
        Command::new(program()).arg("voices").args(arguments).env("EARMARK_DATA", data).output();
    run.is_ok_and(|output| output.status.success())
}

/// Adds what else speaks here.
fn add_voices(data: &Path) {
    if let Ok(files) = std::env::var("KOKORO") {
        assert!(
            earmark(data, &["install", "kokoro-82m", "--from", &files]),
            "Kokoro is not installed"
        );
    }
    if let (Ok(piper), Ok(voice)) = (std::env::var("PIPER"), std::env::var("PIPER_VOICE")) {
        let command = format!("{piper} --model {voice} --output-file -");
        let arguments = [
            "add",
            "piper",
            "--kind",
            "command",
            "--url",
            &command,
            "--voice",
            "joe en",
            "--sample-rate",
            "22050",
        ];
        assert!(earmark(data, &arguments), "Piper is not added");
    }
}

fn median(mut times: Vec<Duration>) -> u128 {
    times.sort();
    times[times.len() / 2].as_millis()
}

/// The forty sentences, so many at once: seconds of sound, and how many times as fast they came.
async fn all(server: &Server, voice: &str, at_once: usize, clips: Option<&Path>) -> (f64, f64) {
    // What is loaded when somebody first speaks is not counted.
    server.say(voice, &format!("We begin with {at_once}.")).await;
    let sentences: Vec<&str> = SENTENCES.lines().collect();
    let began = Instant::now();
    let said = futures::stream::iter(sentences.iter().enumerate());
    let said =
        futures::StreamExt::map(
            said,
            |(at, text)| async move { (at, server.say(voice, text).await) },
        );
    let said: Vec<_> =
        futures::StreamExt::collect(futures::StreamExt::buffer_unordered(said, at_once)).await;
    let took = began.elapsed().as_secs_f64();
    let seconds = said.iter().map(|(_, (ms, ..))| ms / 1_000.0).sum::<f64>();
    if let Some(folder) = clips {
        let folder = folder.join(voice.replace(':', "-"));
        std::fs::create_dir_all(&folder).unwrap();
        for (at, (_, _, url)) in &said {
            let sound = server.client.get(server.url(url)).send().await.unwrap();
            std::fs::write(folder.join(format!("{at}.mp3")), sound.bytes().await.unwrap()).unwrap();
        }
    }
    (seconds, seconds / took)
}

async fn waits(server: &Server, voice: &str, text: &str) -> u128 {
    let mut times = Vec::new();
    for number in NUMBERS {
        times.push(server.say(voice, &text.replace('#', number)).await.1);
    }
    median(times)
}

/// Listens through a chapter at twice the speed while the background lane is never empty: how often the sound was
/// behind, and how much was made in the background.
async fn steady() {
    let (redis, data) = (RedisServer::start(), TempDir::new().unwrap());
    let server = Server::start(data.path(), 2, &["--redis-url", &redis.url()]);
    let text: String =
        (0..CHAPTER).map(|n| format!("<p>Sentence {n} is not a long one.</p>")).collect();
    let part = reqwest::multipart::Part::bytes(common::epub("Steady", &[("One", &text)]));
    let form = reqwest::multipart::Form::new().part("file", part.file_name("b.epub"));
    let book = server.client.post(server.url("/api/books")).multipart(form).send().await.unwrap();
    let book: Value = book.json().await.unwrap();
    let book = book["id"].as_str().unwrap();
    let feeding = tokio::spawn(feed(redis.url()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let path = format!("/listen/{book}/1.mp3?voice=heart:heart&to=chapter");
    let began = Instant::now();
    let mut stream = server.client.get(server.url(&path)).send().await.unwrap();
    let (mut received, mut playing, mut stalls) = (0_usize, None, 0);
    while let Some(piece) = stream.chunk().await.unwrap() {
        received += piece.len();
        let since = *playing.get_or_insert_with(Instant::now);
        let played = |since: Instant| since.elapsed().as_secs_f64() * RATE * BYTES_A_SECOND;
        // What came before this piece has been heard by now.
        if played(since) > (received - piece.len()) as f64 && received > piece.len() {
            stalls += 1;
            playing = Some(
                Instant::now() - Duration::from_secs_f64(received as f64 / RATE / BYTES_A_SECOND),
            );
        }
        // A player takes no more than a minute ahead.
        let ahead = received as f64 / RATE / BYTES_A_SECOND - since.elapsed().as_secs_f64();
        tokio::time::sleep(Duration::from_secs_f64((ahead - 5.0).clamp(0.0, 60.0))).await;
    }
    feeding.abort();
    let health: Value =
        server.client.get(server.url("/health")).send().await.unwrap().json().await.unwrap();
    println!(
        "{CHAPTER} sentences at {RATE} ×, {:.0} s, while the background lane was fed: {stalls} stalls; {} waits there",
        began.elapsed().as_secs_f64(),
        health["queue"]["background"]
    );
}

/// Keeps the background lane full.
async fn feed(url: String) {
    let shutdown = CancellationToken::new();
    let config = RedisConfig { url, prefix: String::new(), concurrency: 20 };
    let link = RedisConnection::open(&config, shutdown.clone()).await.unwrap();
    let with = (&TaskTracker::new(), &shutdown);
    let (waits, timing) = (Arc::new(Waits::default()), Timing::default());
    let queue = RedisQueue::start(link, waits, timing, Duties::default(), with);
    let places = Places {
        voices: std::env::var("EARMARK_VOICES")
            .expect("EARMARK_VOICES has the built-in voice")
            .into(),
        installed: PathBuf::from("none"),
        program: program().into(),
        parallel: 2,
    };
    let voices = Voices::installed(None, &places).await;
    let voice = Arc::new(voices.choose("heart:heart", "en").unwrap().key);
    let book: BookId = "0123456789abcdef".parse().unwrap();
    for chapter in 1.. {
        let job = |sentence| {
            let text = format!(
                "In chapter {chapter}, sentence {sentence} is as long as those of novels are."
            );
            Job::new(Sentence {
                book: book.clone(),
                chapter,
                sentence,
                content: ContentHash::of(&text, None, &voice),
                text: text.into(),
                context: None,
                voice: Arc::clone(&voice),
            })
        };
        let jobs: Vec<Job> = (0..WINDOW).map(job).collect();
        queue.enqueue(Class::Background, &book, &jobs).await.unwrap();
        while queue.status().await.unwrap().background > WINDOW as usize / 2 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "steady") {
        return steady().await;
    }
    speeds().await;
    steady().await;
}

/// A line for each voice that is here.
async fn speeds() {
    let wanted =
        ["espeak-ng:en-us", "flite:slt", "heart:heart", "kokoro-82m:af_heart", "piper:joe"];
    let clips = std::env::var("CLIPS").ok();
    println!(
        "{:<22}{:>9}{:>12}{:>12}{:>10}{:>10}{:>10}",
        "voice", "sound s", "1 thread ×", "2 threads ×", "6 words", "30 words", "memory MB"
    );
    for voice in wanted {
        let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        add_voices(one.path());
        let server = Server::start(one.path(), 1, &[]);
        if !server.voices().await.iter().any(|id| id == voice) {
            println!("{voice:<22} is not installed");
            continue;
        }
        let (seconds, alone) = all(&server, voice, 1, clips.as_deref().map(Path::new)).await;
        drop(server);
        add_voices(two.path());
        let server = Server::start(two.path(), 2, &[]);
        let (_, both) = all(&server, voice, 2, None).await;
        let (short, long) = (waits(&server, voice, SHORT).await, waits(&server, voice, LONG).await);
        println!(
            "{voice:<22}{seconds:>9.1}{alone:>12.1}{both:>12.1}{short:>7} ms{long:>7} ms{:>10}",
            server.voice_mb()
        );
    }
}
