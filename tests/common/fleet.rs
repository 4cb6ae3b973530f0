//! A site as an operator runs it: servers and workers as processes of their own on one Redis and
//! one data folder, and an engine that notes what it is asked to speak.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use app::model::BookId;
use earmark::redis::keys::ClipName;
use earmark::text::hash::{ContentHash, VoiceKey};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::redis::signal;

/// Where the real engine is; `make` installs it.
const ENGINE: &str = "/usr/bin/espeak-ng";
pub const VOICE: &str = "espeak-ng:en-us";

pub struct Fleet {
    folder: TempDir,
    redis_url: String,
    /// What the server is told besides.
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    pub server: Process,
    pub workers: Vec<Process>,
    /// Workers that were killed or stopped: what they had begun may have been begun again.
    pub disturbed: HashSet<u32>,
    /// Processes of this fleet. What is spoken for a worker that is killed before the engine looks whose child it
    /// is, is spoken for another: the one that takes over orphans.
    started: HashSet<u32>,
    pub client: reqwest::Client,
}

/// A running `earmark`.
pub struct Process {
    child: Child,
    /// Where it serves; nothing for a worker.
    pub address: String,
}

impl Process {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as the kernel would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it politely; returns how long that took.
    pub fn terminate(&mut self) -> Duration {
        let begun = Instant::now();
        signal(self.id(), "TERM");
        assert!(self.child.wait().unwrap().success());
        begun.elapsed()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process hears of its death only when it goes on.
        let id = self.id().to_string();
        let _ = Command::new("kill").args(["-CONT", &id]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One thing the engine was asked to speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    pub worker: u32,
    pub text: String,
}

impl Fleet {
    /// A server that leaves the work to `workers` others.
    pub fn start(redis_url: &str, workers: usize) -> Self {
        Self::start_with(redis_url, workers, "0", &[])
    }

    /// The same; each sentence takes the engine `delay` seconds longer, and the server has more
    /// arguments.
    pub fn start_with(redis_url: &str, workers: usize, delay: &str, arguments: &[&str]) -> Self {
        Self::start_in(&[], redis_url, workers, delay, arguments)
    }

    /// One server without Redis.
    pub fn start_alone() -> Self {
        Self::start("", 0)
    }

    /// The same, with its files on S3.
    pub fn start_on_s3(environment: &[(String, String)], arguments: &[&str]) -> Self {
        Self::start_in(environment, "", 0, "0", arguments)
    }

    fn start_in(
        environment: &[(String, String)],
        redis_url: &str,
        workers: usize,
        delay: &str,
        arguments: &[&str],
    ) -> Self {
        let folder = TempDir::new().unwrap();
        // Notes who asks for what, then speaks as ever.
        let script = format!(
            "#!/bin/sh\n\
             case \"$*\" in *--stdin*) ;; *) exec {ENGINE} \"$@\" ;; esac\n\
             text=$(cat)\n\
             printf '%s\\t%s\\n' \"$PPID\" \"$text\" >> '{}'\n\
             sleep {delay}\n\
             printf '%s' \"$text\" | {ENGINE} \"$@\"\n",
            folder.path().join("spoken").display(),
        );
        let programs = folder.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        let engine = programs.join("espeak-ng");
        std::fs::write(&engine, script).unwrap();
        std::fs::set_permissions(&engine, PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = earmark(folder.path(), redis_url);
        let server = serve(command.envs(environment.iter().cloned()), arguments);
        let started = HashSet::from([server.id()]);
        let mut fleet = Self {
            started,
            folder,
            redis_url: redis_url.to_owned(),
            environment: environment.to_vec(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            server,
            workers: Vec::new(),
            disturbed: HashSet::new(),
            client: super::client(),
        };
        for _ in 0..workers {
            fleet.hire();
        }
        fleet
    }

    /// A server alone that trusts whom a certificate names.
    pub fn start_trusting(redis_url: &str, certificate: &str) -> Self {
        let mut fleet = Self::start(redis_url, 0);
        fleet.server.kill();
        let mut command = earmark(fleet.folder.path(), redis_url);
        fleet.server = serve(command.env("SSL_CERT_FILE", certificate), &[]);
        fleet.started.insert(fleet.server.id());
        fleet
    }

    /// Starts another worker.
    pub fn hire(&mut self) {
        let url = self.redis_url.clone();
        self.hire_on(&url);
    }

    /// Starts another worker that reaches Redis elsewhere.
    pub fn hire_on(&mut self, redis_url: &str) {
        let child = earmark(self.folder.path(), redis_url)
            .args(["worker", "--workers", "1"])
            .spawn()
            .unwrap();
        self.started.insert(child.id());
        self.workers.push(Process { child, address: String::new() });
    }

    /// Starts the server again after it ended.
    pub fn serve_again(&mut self) {
        let mut command = earmark(self.folder.path(), &self.redis_url);
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.server = serve(command.envs(self.environment.iter().cloned()), &arguments);
        self.started.insert(self.server.id());
    }

    /// Starts a further server beside the first.
    pub fn serve_another(&mut self) -> Process {
        let mut command = earmark(self.folder.path(), &self.redis_url);
        let another = serve(command.envs(self.environment.iter().cloned()), &[]);
        self.started.insert(another.id());
        another
    }

    /// What a command of the program prints.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = earmark(self.folder.path(), &self.redis_url).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn voice_key() -> VoiceKey {
        VoiceKey {
            engine: "espeak-ng".to_owned(),
            model: "espeak-ng".to_owned(),
            voice: "en-us".to_owned(),
            speed: "1".to_owned(),
            format: "mp3-48k".to_owned(),
        }
    }

    /// What names a sentence's clip in the fleet's voice.
    pub fn clip_name(&self, text: &str) -> String {
        ClipName::new(&Self::voice_key(), text, None).form()
    }

    /// The hash of a sentence's audio in the fleet's voice.
    pub fn content_hash(&self, text: &str) -> String {
        ContentHash::of(text, None, &Self::voice_key()).to_string()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.address)
    }

    pub async fn json(&self, path: &str) -> Value {
        self.client.get(self.url(path)).send().await.unwrap().json().await.unwrap()
    }

    /// Imports a book and returns its id.
    pub async fn import(&self, name: &str, bytes: Vec<u8>) -> BookId {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        let answer = self.client.post(self.url("/api/books")).multipart(form).send().await.unwrap();
        let book: Value = answer.json().await.unwrap();
        book["id"].as_str().unwrap_or_else(|| panic!("{book}")).parse().unwrap()
    }

    /// Fires a page's event.
    pub async fn event(&self, event: &str, listener: &str, book: &BookId, chapter: u32) -> Value {
        let place = json!({ "place": {
            "listener": listener, "book": book, "chapter": chapter, "sentence": 0, "voice": VOICE
        }});
        let address = self.url(&format!("/api/events/{event}"));
        let told = self.client.post(address).json(&place).send().await.unwrap();
        let status = told.status();
        let answer = told.text().await.unwrap();
        assert!(status.is_success(), "{event}: {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Listens to a chapter to its end.
    pub async fn listen(&self, book: &BookId, chapter: u32) -> bytes::Bytes {
        let path = format!("/listen/{book}/{chapter}.mp3?voice={VOICE}&to=chapter");
        self.client.get(self.url(&path)).send().await.unwrap().bytes().await.unwrap()
    }

    /// How many sentences of a chapter have a place in its timeline, from the first without a gap.
    pub async fn known(&self, book: &BookId, chapter: u32) -> usize {
        let path = format!("/api/books/{book}/chapters/{chapter}/timeline?voice={VOICE}");
        self.json(&path).await.as_array().map_or(0, Vec::len)
    }

    /// Waits until whole chapters are known.
    pub async fn wait_for_chapters(&self, chapters: &[(BookId, u32, usize)], limit: Duration) {
        let begun = Instant::now();
        for (book, chapter, sentences) in chapters {
            loop {
                let known = self.known(book, *chapter).await;
                if known == *sentences {
                    break;
                }
                let queue = self.json("/health").await;
                assert!(
                    begun.elapsed() < limit,
                    "{book}/{chapter}: {known} of {sentences}; {queue}"
                );
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// What the engine was asked to speak, in order.
    pub fn spoken(&self) -> Vec<Spoken> {
        let notes = std::fs::read_to_string(self.folder.path().join("spoken")).unwrap_or_default();
        let read = |line: &str| {
            let (worker, text) = line.split_once('\t')?;
            Some(Spoken { worker: worker.parse().ok()?, text: text.to_owned() })
        };
        notes.lines().filter_map(read).collect()
    }

    /// Texts that were spoken more than once, with how often. Attempts of disturbed workers and of orphans do
    /// not count: they may have come to nothing.
    pub fn paid_twice(&self) -> HashMap<String, usize> {
        let mut times: HashMap<String, usize> = HashMap::new();
        for spoken in self.spoken() {
            let is_whole = self.started.contains(&spoken.worker);
            if is_whole && !self.disturbed.contains(&spoken.worker) {
                *times.entry(spoken.text).or_default() += 1;
            }
        }
        times.retain(|_, times| *times > 1);
        times
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The clips in the object store.
    pub fn clips(&self) -> Vec<PathBuf> {
        let mut clips = Vec::new();
        walk(&self.folder.path().join("data/objects/audio"), &mut clips);
        clips.retain(|clip| clip.extension().is_some_and(|extension| extension == "mp3"));
        clips
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn earmark(folder: &Path, redis_url: &str) -> Command {
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
    command
        .env("PATH", path)
        .env("EARMARK_DATA", folder.join("data"))
        .env("EARMARK_VOICES", folder)
        .env("DATABASE_URL", super::database_url(&folder.join("data")).unwrap_or_default())
        .env("REDIS_URL", redis_url)
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned()));
    command
}

fn serve(command: &mut Command, arguments: &[&str]) -> Process {
    let mut child = command
        .args(["serve", "--addr", "127.0.0.1:0", "--no-worker"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("Earmark is at ").expect(&line).to_owned();
    Process { child, address }
}
