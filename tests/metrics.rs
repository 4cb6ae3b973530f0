//! What Prometheus is told.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::epub;
use serde_json::Value;
use tempfile::TempDir;

/// A server of its own: what is counted is counted for a process.
struct Server {
    child: Child,
    address: String,
    metrics: String,
    _data: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_earmark"))
            .args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut after = |head: &str| {
            let line = lines.next().unwrap();
            line.strip_prefix(head).expect(&line).to_owned()
        };
        let address = after("Earmark is at ");
        let metrics = after("Metrics are at ");
        Self { child, address, metrics, _data: data }
    }
}

/// The value of a metric with these labels.
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_is_counted() {
    let server = Server::start();
    let client = common::client();
    let scrape = async || client.get(&server.metrics).send().await.unwrap().text().await.unwrap();
    let at = |path: &str| format!("{}{path}", server.address);
    let before = scrape().await;
    assert_eq!(value(&before, "earmark_problems"), 0.0);
    assert_eq!(value(&before, "earmark_narrations{state=\"queued\"}"), 0.0);
    let file = reqwest::multipart::Part::bytes(epub("M", &[("One", "<p>One. Two.</p>")]));
    let form = reqwest::multipart::Form::new().part("file", file.file_name("m.epub"));
    let book = client.post(at("/api/books")).multipart(form).send().await.unwrap();
    let book: Value = book.json().await.unwrap();
    let sound = format!("/audio/{}/1/0.mp3?voice=espeak-ng:en-us", book["id"].as_str().unwrap());
    for _ in 0..3 {
        assert_eq!(client.get(at(&sound)).send().await.unwrap().status(), 200);
    }
    let after = scrape().await;
    assert_eq!(value(&after, "earmark_imports_total{outcome=\"added\"}"), 1.0);
    let spoken = "earmark_syntheses_total{engine=\"espeak-ng\",outcome=\"spoken\"}";
    assert_eq!(value(&after, spoken), 1.0);
    assert_eq!(value(&after, "earmark_spoken_characters_total{engine=\"espeak-ng\"}"), 4.0);
    assert_eq!(value(&after, "earmark_locks_held"), 0.0);
    // What was waited for came by a lane, which is empty again.
    for name in ["earmark_queue_sentences", "earmark_queue_longest_wait_seconds"] {
        assert_eq!(value(&after, &format!("{name}{{class=\"awaited\",engine=\"local\"}}")), 0.0);
    }
    // The first was waited for, and is there since.
    assert_eq!(value(&after, "earmark_wait_seconds_count"), 1.0);
    // The route as it was registered, not the address: there would be no end of those.
    let heard = "earmark_http_request_seconds_count{method=\"GET\",route=\"/audio/{book}/{chapter}/{sentence}\",status=\"2xx\"}";
    assert_eq!(value(&after, heard), 3.0);
    assert!(!after.contains(book["id"].as_str().unwrap()), "{after}");
    // The site itself says nothing of it.
    assert_eq!(client.get(at("/metrics")).send().await.unwrap().status(), 404);
}

/// Names of metrics in a text.
fn named(text: &str) -> std::collections::BTreeSet<String> {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let words = text.split(|letter| !is_name(letter)).filter(|word| word.starts_with("earmark_"));
    // A histogram is asked for by its buckets.
    words.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_what_there_is() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let read = |name: &str| std::fs::read_to_string(docs.join(name)).unwrap();
    let page = read("metrics.md");
    let (table, alerts) = page.split_once("## Alerts").unwrap();
    let known = named(table);
    assert!(known.len() > 10, "{known:?}");
    let dashboard = read("grafana.json");
    serde_json::from_str::<Value>(&dashboard).expect("Grafana reads JSON");
    for asked in named(alerts).union(&named(&dashboard)) {
        assert!(known.contains(asked), "{asked}");
    }
}
