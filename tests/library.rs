//! The library and its API, over HTTP and from the command line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::process::Command;

use common::{TestServer, epub, shared_book};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn problem(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    (status, response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_installation_has_a_sample_book_once() {
    let server = TestServer::start().await;
    let books = server.json("/api/books").await;
    assert_eq!(books.as_array().unwrap().len(), 1);
    assert_eq!(books[0]["chapters"], 3);
    let server = TestServer::start_on(server.stop().await).await;
    assert_eq!(server.json("/api/books").await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_is_the_same_book() {
    let server = TestServer::start().await;
    let file = epub("Twice", &[("A", "<p>One sentence. Another.</p>"), ("B", "<p>More.</p>")]);
    let first = server.import("a.epub", file.clone()).await;
    assert_eq!(server.import("renamed.epub", file).await, first);
    assert_eq!(server.json("/api/books").await.as_array().unwrap().len(), 2);

    let book = server.json(&format!("/api/books/{first}")).await;
    assert_eq!(book["title"], "Twice");
    assert_eq!(book["authors"], json!(["A. Writer"]));
    assert_eq!(
        book["chapters"][0],
        json!({ "number": 1, "title": "A", "sentences": 2, "matter": "text", "characters": 21, "document": 1 })
    );
    let chapter = server.json(&format!("/api/books/{first}/chapters/1")).await;
    assert_eq!(chapter["sentences"][1], json!({ "index": 1, "text": "Another." }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_refused_with_its_reason_and_leaves_no_trace() {
    let server = TestServer::start().await;
    let count = || walk(server.data.path());
    server.json("/api/books").await;
    let before = count();
    let good = epub("Good", &[("A", "<p>Text.</p>")]);
    let nothing = epub("Nothing", &[("A", "<p><img src='x.png'/></p>")]);
    for (name, bytes, expected) in [
        ("empty.epub", vec![], "empty"),
        ("paper.pdf", b"%PDF-1.7 ...".to_vec(), "PDF"),
        ("cut.epub", good[..good.len() / 2].to_vec(), "damaged"),
        (
            "photo.jpg",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\0\x01\x02".to_vec(),
            "neither EPUB nor plain text",
        ),
        ("nothing.epub", nothing, "no text"),
    ] {
        let (status, problem) = problem(server.upload(name, bytes).await).await;
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(status, 422, "{name}");
        assert!(detail.contains(expected), "{name}: {detail}");
    }
    assert_eq!(server.json("/api/books").await.as_array().unwrap().len(), 1);
    assert_eq!(count(), before, "files were left behind");
}

fn walk(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| !path.to_string_lossy().contains("earmark.db"))
        .map(|path| if path.is_dir() { walk(&path) } else { 1 })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_are_404_and_bad_parameters_400_in_one_shape() {
    let server = TestServer::start().await;
    let books = server.json("/api/books").await;
    let id = books[0]["id"].as_str().unwrap();
    for path in [
        "/api/books/nope".to_owned(),
        "/api/books/0123456789abcdef".to_owned(),
        format!("/api/books/{id}/chapters/99"),
        format!("/api/books/{id}/chapters/0"),
        format!("/audio/{id}/1/999.mp3"),
        format!("/listen/{id}/1"),
        format!("/books/{id}/cover"),
        format!("/books/{id}/files/..%2f..%2fsecret"),
        "/api/nothing".to_owned(),
    ] {
        let (status, body) = problem(server.get(&path).await).await;
        assert_eq!((status, body["status"].as_u64()), (404, Some(404)), "{path}");
    }
    for (path, parameter) in [
        (format!("/api/books/{id}/chapters/x"), "chapter"),
        (format!("/api/books/{id}/chapters/1/timeline?voice=nobody"), "voice"),
        (format!("/listen/{id}/1.mp3?from=-1"), "from"),
        (format!("/listen/{id}/1.mp3?from=9999"), "from"),
        (format!("/listen/{id}/1.mp3?to=moon"), "to"),
        (format!("/audio/{id}/1/x.mp3"), "sentence"),
    ] {
        let (status, body) = problem(server.get(&path).await).await;
        assert_eq!(status, 400, "{path}");
        assert!(body["detail"].as_str().unwrap().contains(parameter), "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_kept_and_checked() {
    let server = TestServer::start().await;
    let books = server.json("/api/books").await;
    let id = books[0]["id"].as_str().unwrap();
    let address = server.url(&format!("/api/books/{id}/progress"));
    let put = |body: Value| server.client.put(&address).json(&body).send();
    let place = json!({ "chapter": 2, "sentence": 3, "intra_ms": 250, "voice": "espeak-ng:en-gb" });
    let answer: Value = put(place.clone()).await.unwrap().json().await.unwrap();
    let kept = server.json(&format!("/api/books/{id}")).await["progress"].clone();
    assert_eq!(kept, answer);
    for (name, value) in place.as_object().unwrap() {
        assert_eq!(&kept[name], value);
    }
    assert_eq!(put(json!({ "chapter": 2, "sentence": 9999 })).await.unwrap().status(), 400);
    assert_eq!(put(json!({ "chapter": 77, "sentence": 0 })).await.unwrap().status(), 404);
    assert_eq!(put(json!({ "chapter": "two" })).await.unwrap().status(), 400);
    assert_eq!(server.json(&format!("/api/books/{id}")).await["progress"], kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_complete_without_script_and_carry_a_strict_policy() {
    let server = TestServer::start().await;
    let body = "<p onclick='steal()'>Safe text.</p><script>steal()</script><img src='x' onerror='steal()'/>\
                <a href='javascript:steal()'>link</a>";
    let id = server.import("hostile.epub", epub("Hostile", &[("A", body)])).await;
    let response = server.get(&format!("/read/{id}/1")).await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("'unsafe-inline'"),
        "{policy}"
    );
    let page = response.text().await.unwrap();
    assert!(page.contains(r#"<span id="s0" data-s="0">Safe text.</span>"#), "{page}");
    assert!(!page.contains("steal"), "{page}");
    assert_eq!(server.get("/book/0123456789abcdef").await.status(), 404);
    assert_eq!(server.get(&format!("/read/{id}/9")).await.status(), 404);
    assert_eq!(server.get("/no/such/page").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_cannot_change_anything() {
    let server = TestServer::start().await;
    let form = reqwest::multipart::Form::new().text("file", "x");
    let request =
        server.client.post(server.url("/api/books")).header("sec-fetch-site", "cross-site");
    assert_eq!(request.multipart(form).send().await.unwrap().status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_of_the_corpus_are_read_as_they_are_meant() {
    let expected = [
        ("sherlock-holmes.epub", "A Scandal in Bohemia", "en-GB", false),
        ("moby-dick.epub", "Chapter 4. The Counterpane.", "en-US", false),
        ("childrens-literature.epub", "196 THE TINDER-BOX", "en", false),
        ("wasteland.epub", "IV. DEATH BY WATER", "en-US", false),
        ("accessible_epub_3.epub", "1. Introduction", "en", false),
        ("regime-anticancer-arabic.epub", "", "ar", false),
        ("kusamakura-japanese-vertical-writing.epub", "一", "ja-jp", true),
        ("metamorphosis-gutenberg.txt", "II", "en", false),
    ];
    let server = TestServer::start().await;
    for (file, title, language, vertical) in expected {
        let Some(bytes) = shared_book(file) else { return };
        let id = server.import(file, bytes).await;
        let book = server.json(&format!("/api/books/{id}")).await;
        assert_eq!(
            (&book["language"], &book["vertical"]),
            (&json!(language), &json!(vertical)),
            "{file}"
        );
        let lines =
            book["toc"].as_array().unwrap().iter().chain(book["chapters"].as_array().unwrap());
        let titles: Vec<_> = lines.map(|line| line["title"].as_str().unwrap()).collect();
        assert!(title.is_empty() || titles.contains(&title), "{file}: {titles:?}");
        for chapter in book["chapters"].as_array().unwrap() {
            let number = chapter["number"].as_u64().unwrap();
            let text = server.json(&format!("/api/books/{id}/chapters/{number}")).await;
            let sentences = text["sentences"].as_array().unwrap();
            assert_eq!(sentences.len() as u64, chapter["sentences"].as_u64().unwrap());
            for sentence in sentences {
                assert!(sentence["text"].as_str().unwrap().chars().count() <= 300);
            }
        }
    }
}

fn earmark(data: &TempDir, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_earmark"))
        .args(arguments)
        .env("EARMARK_DATA", data.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn books_are_imported_from_the_command_line() {
    let data = TempDir::new().unwrap();
    let files = TempDir::new().unwrap();
    let good = files.path().join("good.epub");
    std::fs::write(&good, epub("From a Shell", &[("A", "<p>Text.</p>")])).unwrap();
    let good = good.to_str().unwrap();

    let (ok, out, _) = earmark(&data, &["import", good]);
    assert!(ok && out.ends_with("From a Shell\n"), "{out}");
    let (ok, out, _) = earmark(&data, &["import", "--json", good]);
    let book: Value = serde_json::from_str(&out).unwrap();
    assert!(ok);
    assert_eq!((&book["title"], &book["chapters"]), (&json!("From a Shell"), &json!(1)));

    let (ok, out, error) = earmark(&data, &["import", "no-such-file.epub", good]);
    assert!(!ok && error.contains("no-such-file.epub"), "{error}");
    assert!(out.contains("From a Shell"), "the other file is imported all the same");
}

#[test]
fn help_names_commands_and_settings() {
    let data = TempDir::new().unwrap();
    let (ok, out, _) = earmark(&data, &["--help"]);
    assert!(ok);
    for expected in ["serve", "import", "EARMARK_ADDR", "127.0.0.1:3000", "EARMARK_DATA"] {
        assert!(out.contains(expected), "{expected} in {out}");
    }
    assert!(!earmark(&data, &["--addr", "nowhere"]).0);
}

#[cfg(unix)]
#[test]
fn sigterm_ends_cleanly() {
    use std::io::{BufRead, BufReader};
    let data = TempDir::new().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_earmark"))
        .args(["serve", "--addr", "127.0.0.1:0"])
        .env("EARMARK_DATA", data.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    // A stream that is open does not hold it up.
    let _open = std::net::TcpStream::connect(&address).unwrap();
    let started = std::time::Instant::now();
    assert!(
        Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success()
    );
    assert!(server.wait().unwrap().success());
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
}
