//! Ten thousand people listen to a book that is made: how long each waits for its first byte, and whether
//! anybody's sound ever stops. The server is a process of its own; the listeners take sound as fast as it is
//! played, from two threads.
//!
//! Then as many wait for one sentence that has yet to be made; and twenty follow the timeline of a chapter of
//! 20,000 sentences while one listens to it.
//!
//! `EARMARK_BIN` is the release build; `LISTENERS` and `SECONDS` change how many and for how long.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{VOICE, epub};
use rustix::process::{Resource, Rlimit, setrlimit};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Bytes a second of the clips: 48 kbit/s.
const RATE: usize = 6_000;
/// Begun a second.
const ARRIVALS: u64 = 500;
/// What a player has in hand before it begins to play, in bytes: a second and a half.
const HEAD_START: usize = 9_000;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

struct Server {
    child: Child,
    address: String,
    client: reqwest::Client,
    _data: TempDir,
}

impl Server {
    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let program = std::env::var("EARMARK_BIN").expect("EARMARK_BIN is the release build");
        let added = Command::new(&program)
            .args(["voices", "add", "slow", "--kind", "command", "--voice", "en en"])
            .args(["--url", "sh -c 'sleep 10; exec espeak-ng --stdin --stdout'"])
            .env("EARMARK_DATA", data.path())
            .status();
        assert!(added.unwrap().success());
        let mut child = Command::new(program)
            .args(["serve", "--addr", "127.0.0.1:0", "--limit-per-minute", "0", "--data"])
            .arg(data.path())
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Earmark is at http://").unwrap().to_owned();
        Self { child, address, client: common::client(), _data: data }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Imports a book of one chapter and returns its id.
    async fn import(&self, title: &str, sentences: usize) -> String {
        let line =
            |n| format!("<p>{title}: sentence number {n} is as long as those of novels.</p>");
        let text: String = (0..sentences).map(line).collect();
        let file = epub(title, &[("One", &text)]);
        let part = reqwest::multipart::Part::bytes(file).file_name("b.epub");
        let form = reqwest::multipart::Form::new().part("file", part);
        let answer = self.client.post(self.url("/api/books")).multipart(form).send().await.unwrap();
        let book: serde_json::Value = answer.json().await.unwrap();
        book["id"].as_str().unwrap().to_owned()
    }

    fn resident_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What became of one listener.
struct Heard {
    first_byte: Duration,
    /// Times that the sound was behind.
    stalls: usize,
}

async fn listen(address: &str, path: &str, until: Instant) -> std::io::Result<Heard> {
    // A player's buffer is its own business; the system's is kept small, so that sound comes as it is played.
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(16 * 1024)?;
    let begun = Instant::now();
    let mut stream = socket.connect(address.parse().unwrap()).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut some = [0; 4096];
    let mut received = stream.read(&mut some).await?;
    assert!(some.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&some[..200]));
    let first_byte = begun.elapsed();
    while received < HEAD_START {
        received += stream.read(&mut some).await?;
    }
    let (playing, mut stalls) = (Instant::now(), 0);
    let head_start = received;
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let due = head_start + (playing.elapsed().as_secs_f64() * RATE as f64) as usize;
        while received < due {
            let count = stream.read(&mut some).await?;
            if count == 0 {
                return Ok(Heard { first_byte, stalls });
            }
            received += count;
        }
        // What was due a second ago has been played by now.
        let played = (playing.elapsed().as_secs_f64() * RATE as f64) as usize;
        stalls += usize::from(played > received);
    }
    Ok(Heard { first_byte, stalls })
}

/// So many listeners wait for one sentence, which takes ten seconds.
async fn wait_for_one(server: &Server, listeners: usize) {
    let book = server.import("Awaited", 3).await;
    let path = Arc::new(format!("/audio/{book}/1/0.mp3?voice=slow:en"));
    let begun = Instant::now();
    let mut all = Vec::with_capacity(listeners);
    for number in 0..listeners {
        let (address, path) = (server.address.clone(), Arc::clone(&path));
        all.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            std::io::Result::Ok((answer.starts_with(b"HTTP/1.1 200"), begun.elapsed()))
        }));
        if number % 100 == 99 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(5).saturating_sub(begun.elapsed())).await;
    let health: serde_json::Value =
        server.client.get(server.url("/health")).send().await.unwrap().json().await.unwrap();
    let resident = server.resident_mb();
    let mut times = Vec::new();
    for listener in all {
        if let Ok((true, time)) = listener.await.unwrap() {
            times.push(time.as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    let failed = listeners - times.len();
    println!(
        "{listeners} waiting for one sentence of ten seconds: {failed} failed; the first had it after \
         {:.1} s, the last after {:.1} s; {} waits, server {resident} MB resident",
        times[0],
        times[times.len() - 1],
        health["queue"]["waiters"],
    );
}

/// Sentences that are made for one listener in ten seconds, while so many follow the timeline.
async fn made_beside_timelines(server: &Server, timelines: usize) -> u64 {
    const SENTENCES: usize = 20_000;
    let book = server.import(&format!("Followed {timelines}"), SENTENCES).await;
    let timeline = server.url(&format!("/listen/{book}/1/timeline?voice={VOICE}"));
    let stream = server.url(&format!("/listen/{book}/1.mp3?to=chapter&voice={VOICE}"));
    let read = |url: String| {
        let client = server.client.clone();
        tokio::spawn(async move {
            let mut answer = client.get(url).send().await.unwrap();
            while let Ok(Some(_)) = answer.chunk().await {}
        })
    };
    let mut all: Vec<_> = (0..timelines).map(|_| read(timeline.clone())).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    all.push(read(stream));
    tokio::time::sleep(Duration::from_secs(10)).await;
    all.iter().for_each(tokio::task::JoinHandle::abort);
    let audios = server.url(&format!("/api/books/{book}/audios?voice={VOICE}"));
    let audios: serde_json::Value =
        server.client.get(audios).send().await.unwrap().json().await.unwrap();
    audios[0]["made"].as_u64().unwrap()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let (listeners, seconds) = (number("LISTENERS", 10_000), number("SECONDS", 60));
    let limit = Some(listeners as u64 + 1_000);
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
    let server = Server::start();
    listen_at_the_speed_of_sound(&server, listeners, seconds).await;
    wait_for_one(&server, listeners).await;
    // A server of its own: what is left of the listeners should not count.
    drop(server);
    let server = Server::start();
    for timelines in [0, 1, 20] {
        let made = made_beside_timelines(&server, timelines).await;
        println!("a chapter of 20,000 with {timelines} timelines: {made} sentences made in 10 s");
    }
}

async fn listen_at_the_speed_of_sound(server: &Server, listeners: usize, seconds: usize) {
    let book = server.import("Bench", 120).await;
    let path = format!("/listen/{book}/1.mp3?voice={VOICE}");
    let made = server.client.get(server.url(&format!("{path}&to=chapter"))).send().await.unwrap();
    let size = made.bytes().await.unwrap().len();
    println!("a chapter of {size} bytes, {} s", size / RATE);
    let path = Arc::new(format!("{path}&to=book"));
    let ramp = Duration::from_secs(listeners as u64 / ARRIVALS);
    let until = Instant::now() + ramp + Duration::from_secs(seconds as u64);
    let failed = Arc::new(AtomicUsize::new(0));
    let mut all = Vec::with_capacity(listeners);
    let begun = Instant::now();
    for number in 0..listeners {
        let due = Duration::from_secs_f64(number as f64 / ARRIVALS as f64);
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        let (address, path) = (server.address.clone(), Arc::clone(&path));
        let failed = Arc::clone(&failed);
        all.push(tokio::spawn(async move {
            let heard = listen(&address, &path, until).await;
            if heard.is_err() {
                failed.fetch_add(1, Ordering::Relaxed);
            }
            heard.ok()
        }));
    }
    tokio::time::sleep(Duration::from_secs(seconds as u64 / 2)).await;
    let resident = server.resident_mb();
    let (mut times, mut stalls) = (Vec::new(), 0);
    for listener in all {
        if let Some(heard) = listener.await.unwrap() {
            times.push(heard.first_byte.as_secs_f64() * 1e3);
            stalls += heard.stalls;
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{} listeners at the speed of sound, {} failed: first byte p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms; \
         {stalls} stalls in {seconds} s; server {resident} MB resident",
        times.len(),
        failed.load(Ordering::Relaxed),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
