//! What there is, as one file, and back: of a server that goes on, into another place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{TestServer, VOICE, database_url, epub};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Runs a command of the program on a data folder.
fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
    command.args(arguments).arg("--data").arg(data);
    if let Some(url) = database_url(data) {
        command.args(["--database-url", &url]);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A book that is read, marked and heard.
async fn used(server: &TestServer) -> String {
    let book =
        server.import("book.epub", epub("Kept", &[("One", "<p>It is read. And heard.</p>")])).await;
    let client = &server.client;
    let place = json!({ "chapter": 1, "sentence": 1, "device": "a test" });
    let progress = server.url(&format!("/api/books/{book}/progress"));
    let moved = client.put(progress).json(&place).send().await.unwrap();
    assert!(moved.status().is_success(), "{}", moved.text().await.unwrap());
    let mark = json!({ "kind": "highlight", "chapter": 1, "start": { "sentence": 0, "offset": 0 },
        "end": { "sentence": 0, "offset": 5 }, "quote": "It is", "note": "“Why?” – ä" });
    let marks = server.url(&format!("/api/books/{book}/annotations"));
    let marked = client.post(marks).json(&mark).send().await.unwrap();
    assert!(marked.status().is_success(), "{}", marked.text().await.unwrap());
    let heard = server.get(&TestServer::stream(&book, 1, "&to=chapter")).await;
    heard.bytes().await.unwrap();
    book
}

/// What a reader would miss.
async fn kept(server: &TestServer, book: &str) -> [Value; 3] {
    let mut known = server.json(&format!("/api/books/{book}")).await;
    let marks = server.json(&format!("/api/books/{book}/annotations")).await;
    let text = server.json(&format!("/api/books/{book}/chapters/1")).await;
    // Whoever asks first has it from Redis or SQL.
    known["progress"]["at_ms"] = Value::Null;
    [known, marks, text]
}

fn backup_of(data: &Path, clips: bool) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("all.zip");
    let name = file.to_str().unwrap();
    let more: &[&str] = if clips { &["backup", name, "--clips"] } else { &["backup", name] };
    let done = run(data, more);
    assert!(done.status.success(), "{}", said(&done));
    (folder, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_server_that_goes_on_is_all_there_is() {
    let server = TestServer::start().await;
    let book = used(&server).await;
    let before = kept(&server, &book).await;
    let file_before = server.get(&format!("/api/books/{book}/file")).await.bytes().await.unwrap();
    // What was heard and where somebody is are written every few seconds.
    let data = server.stop().await;
    let server = TestServer::start_on(data).await;
    let (_folder, file) = backup_of(server.data.path(), true);
    // It still answers.
    assert_eq!(kept(&server, &book).await, before);

    let empty = TempDir::new().unwrap();
    let done = run(empty.path(), &["restore", file.to_str().unwrap()]);
    assert!(done.status.success(), "{}", said(&done));
    let restored = TestServer::start_on(empty).await;
    assert_eq!(kept(&restored, &book).await, before);
    let bytes = restored.get(&format!("/api/books/{book}/file")).await.bytes().await.unwrap();
    assert_eq!(bytes, file_before);
    // The audio is there, and is not made again.
    let path = format!("/api/books/{book}/chapters/1/timeline?voice={VOICE}");
    assert_eq!(restored.json(&path).await.as_array().unwrap().len(), 2);
    // What has something in it is not overwritten.
    let again = run(restored.data.path(), &["restore", file.to_str().unwrap()]);
    assert!(!again.status.success() && said(&again).contains("empty"), "{}", said(&again));
    let again = run(server.data.path(), &["backup", file.to_str().unwrap()]);
    assert!(
        !again.status.success() && said(&again).contains("is there already"),
        "{}",
        said(&again)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_audio_it_is_small_and_makes_it_again() {
    let server = TestServer::start().await;
    let book = used(&server).await;
    let data = server.stop().await;
    let (_folder, file) = backup_of(data.path(), false);
    let archive = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
    let names: Vec<_> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let is_audio =
        |name: &&String| name.starts_with("objects/") && !name.starts_with("objects/books/");
    assert_eq!(names.iter().find(is_audio), None);
    assert!(names.contains(&"tables/books.jsonl".to_owned()), "{names:?}");

    let empty = TempDir::new().unwrap();
    let done = run(empty.path(), &["restore", file.to_str().unwrap()]);
    assert!(done.status.success(), "{}", said(&done));
    let restored = TestServer::start_on(empty).await;
    let path = format!("/api/books/{book}/chapters/1/timeline?voice={VOICE}");
    assert_eq!(restored.json(&path).await, json!([]));
    let heard = restored.get(&TestServer::stream(&book, 1, "&to=chapter")).await;
    assert!(heard.bytes().await.unwrap().len() > 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_backup_is_refused_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let empty = TempDir::new().unwrap();
    let file = folder.path().join("a.zip");
    let refused = |bytes: &[u8], why: &str| {
        std::fs::write(&file, bytes).unwrap();
        let done = run(empty.path(), &["restore", file.to_str().unwrap()]);
        assert!(!done.status.success() && said(&done).contains(why), "{}", said(&done));
    };
    refused(b"no archive", "no backup");
    let archive = |entries: &[(&str, &str)]| {
        use std::io::Write;
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in entries {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    };
    let head = |schema: u32| {
        format!("{{\"earmark\":\"9.9\",\"schema\":{schema},\"made_at_ms\":1,\"clips\":false}}")
    };
    refused(&archive(&[("a", "b")]), "no backup");
    refused(&archive(&[("earmark.json", &head(9999))]), "restore it with that one");
    let row = "{\"id\":\"x\",\"title) VALUES ('x'); --\":\"y\"}\n";
    refused(
        &archive(&[("earmark.json", &head(1)), ("tables/books.jsonl", row)]),
        "a column is called",
    );
    // Paths that lead out of the store are none.
    let odd = archive(&[
        ("earmark.json", &head(1)),
        ("objects/../../out", "x"),
        ("tables/books.jsonl", "{"),
    ]);
    refused(&odd, "no backup");
    assert!(!folder.path().join("out").exists() && !empty.path().join("out").exists());
    let server = TestServer::start_on(empty).await;
    // Nothing but what a first start puts there.
    let books = server.json("/api/books").await;
    let titles: Vec<_> = books.as_array().unwrap().iter().map(|book| &book["title"]).collect();
    assert_eq!(titles, ["The Reading Lamp"]);
}
