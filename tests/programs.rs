//! Engines that run here for real: Piper's server and Piper as a program, added on the command line; and
//! one engine that several processes share.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::fleet::Fleet;
use common::redis::RedisServer;
use common::standin::{KEY, StandIn};
use common::{TestServer, epub};
use tempfile::TempDir;

/// Where `make` installs Piper.
fn piper() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/piper/venv/bin")
}

/// A folder with a voice that hums.
fn voice() -> TempDir {
    let folder = TempDir::new().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/piper/voice.py");
    let made = Command::new(piper().join("python"))
        .arg(script)
        .arg(folder.path().join("en_US-hum-low.onnx"))
        .status()
        .expect("Piper is installed by make");
    assert!(made.success());
    folder
}

struct PiperServer {
    child: Child,
    url: String,
}

impl PiperServer {
    async fn start(voices: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(piper().join("python"))
            .args(["-m", "piper.http_server", "-m", "en_US-hum-low", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--data-dir"])
            .arg(voices)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, url: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while common::client().get(format!("{}/voices", server.url)).send().await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "Piper does not start");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        server
    }
}

impl Drop for PiperServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const BODY: &str = "<p>It was quiet in the house. Then somebody laughed.</p>";

/// Listens to the book's chapter: how long it lasts in ms.
async fn listen(server: &TestServer, book: &str, voice: &str) -> u64 {
    let address = format!("/listen/{book}/1.mp3?to=chapter&voice={voice}");
    let sound = server.get(&address).await.bytes().await.unwrap();
    common::decoded_samples(&sound, 22_050) * 1000 / 22_050
}

#[tokio::test(flavor = "multi_thread")]
async fn pipers_server_reads_a_book() {
    let voices = voice();
    let piper = PiperServer::start(voices.path()).await;
    let server = TestServer::start().await;
    let form = [("name", "piper"), ("kind", "piper"), ("url", piper.url.as_str())];
    let added = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201, "{}", added.text().await.unwrap());
    assert_eq!(server.json("/api/engines").await[0]["voices"][0]["language"], "en");
    let id = server.import("book.epub", epub("Piped", &[("One", BODY)])).await;
    let ms = listen(&server, &id, "piper:en_US-hum-low").await;
    assert!((2_500..12_000).contains(&ms), "{ms}");
    // What it does not know is a page with status 500: said in words, tried again and not kept.
    let form = [
        ("name", "piper"),
        ("kind", "piper"),
        ("url", piper.url.as_str()),
        ("voices", "en_US-hum-low\nde_DE-none-low"),
    ];
    server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    drop(piper);
    let gone = server.get(&format!("/audio/{id}/1/0.mp3?voice=piper:de_DE-none-low")).await;
    assert_eq!(gone.status(), 503);
    assert!(gone.text().await.unwrap().contains("cannot be reached"));
    // What was made is heard without it.
    assert_eq!(listen(&server, &id, "piper:en_US-hum-low").await, ms);
}

/// Runs `earmark voices` on a data folder: success, and what it said.
fn voices_command(data: &Path, arguments: &[&str], key: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_earmark"))
        .arg("voices")
        .args(arguments)
        .env("EARMARK_DATA", data)
        .env("DATABASE_URL", common::database_url(data).unwrap_or_default())
        .env("EARMARK_ENGINE_KEY", key)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_added_on_the_command_line_and_a_running_server_hears_of_it() {
    let voices = voice();
    let server = TestServer::start().await;
    let id = server.import("book.epub", epub("Commanded", &[("One", BODY)])).await;
    let line = format!(
        "'{}' -m {{voice}} --data-dir '{}' --output-file -",
        piper().join("piper").display(),
        voices.path().display()
    );
    let data = server.data.path().to_owned();
    let run = |arguments: &[&str]| voices_command(&data, arguments, "");
    let add = ["add", "my-piper", "--kind", "command", "--url", &line, "--voice", "en_US-hum-low"];
    let (done, said) = run(&add);
    assert!(done && said.contains("my-piper:en_US-hum-low  en"), "{said}");
    let out = data.join("test.mp3");
    let (done, said) = run(&["test", "my-piper", "--out", out.to_str().unwrap()]);
    assert!(done && said.contains("speaks"), "{said}");
    assert!(common::decoded_samples(&std::fs::read(&out).unwrap(), 22_050) > 22_050);
    assert!(run(&["list"]).1.contains("my-piper:en_US-hum-low"));
    let begun = Instant::now();
    while !server.json("/api/voices").await.to_string().contains("my-piper") {
        assert!(begun.elapsed() < Duration::from_secs(10), "the server does not hear of it");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ms = listen(&server, &id, "my-piper:en_US-hum-low").await;
    assert!((2_500..12_000).contains(&ms), "{ms}");
    assert!(run(&["remove", "my-piper"]).0);
    let (done, said) = run(&["remove", "my-piper"]);
    assert!(!done && said.contains("There is no engine"), "{said}");
    let (done, said) =
        run(&["add", "x", "--kind", "command", "--url", "no-such-program", "--voice", "a"]);
    assert!(done, "{said}");
    let (done, said) = run(&["test", "x"]);
    assert!(!done && said.contains("no-such-program"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_is_shared_by_servers_and_workers_and_its_limit_holds_for_all() {
    let (redis, standin) = (RedisServer::start(), StandIn::start().await);
    let fleet = Fleet::start(&redis.url(), 3);
    standin.set_latency(Duration::from_millis(60));
    let body: String = (0..20).map(|n| format!("<p>Sentence number {n} of twenty.</p>")).collect();
    let id = fleet.import("book.epub", epub("Shared", &[("One", &body)])).await;
    let url = standin.url.as_str();
    let form =
        [("name", "shared"), ("kind", "openai"), ("url", url), ("key", KEY), ("concurrency", "2")];
    let added = fleet.client.post(fleet.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201);
    // At once: a worker that has not heard of it yet looks.
    let address = fleet.url(&format!("/listen/{id}/1.mp3?to=chapter&voice=shared:af_heart"));
    let sound = fleet.client.get(&address).send().await.unwrap().bytes().await.unwrap();
    assert!(common::decoded_samples(&sound, 24_000) > 20 * 24_000);
    assert_eq!(standin.calls().len(), 20);
    assert_eq!(standin.most_open(), 2, "three workers, two requests at once");
    // Its clip is found under a key that names engine, model and format.
    let keys = redis.cli(&["KEYS", "tts:*"]);
    assert!(keys.contains(":shared/gpt-4o-mini-tts/mp3-48k-24000:af_heart:1:"), "{keys}");
}
