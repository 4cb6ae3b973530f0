//! What strangers cannot do who reach the port, or have a reader's browser reach it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::{TestServer, epub};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn connect(server: &TestServer) -> TcpStream {
    let address = server.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    TcpStream::connect(address).await.unwrap()
}

/// What is answered to these bytes until the connection is closed, and how long that took.
async fn answer_to(server: &TestServer, bytes: &[u8]) -> (String, Duration) {
    let mut stream = connect(server).await;
    let begun = Instant::now();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(100), read).await;
    assert!(read.is_ok(), "the connection is still open");
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

async fn status_for(server: &TestServer, method: &str, path: &str, headers: &[&str]) -> u16 {
    let lines: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{lines}content-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (answer, _) = answer_to(server, request.as_bytes()).await;
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// A site can let its own name point to this machine, and its pages may then ask here as if they were ours.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_servers_own_names_are_answered_to() {
    let server = TestServer::start_with(&["--open", "--host", "house.lan,books.example"]).await;
    let ask = async |host: &str| {
        status_for(&server, "GET", "/api/books", &[&format!("host: {host}")]).await
    };
    for host in ["127.0.0.1", "[::1]:3000", "localhost:80", "house.lan:38911", "Books.Example"] {
        assert_eq!(ask(host).await, 200, "{host}");
    }
    for host in ["evil.example", "rebind.example:3000", "house.lan.evil.example"] {
        assert_eq!(ask(host).await, 421, "{host}");
    }
    assert_eq!(status_for(&server, "GET", "/api/books", &[]).await, 400, "no name");
    let two = ["host: localhost", "host: evil.example"];
    assert_eq!(status_for(&server, "GET", "/api/books", &two).await, 400);
    // Pages and files as well, and what is said helps an operator.
    let request = "GET / HTTP/1.1\r\nhost: new.example\r\nconnection: close\r\n\r\n";
    let (answer, _) = answer_to(&server, request.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 421") && answer.contains("--host new.example"),
        "{answer}"
    );
    assert!(answer.contains("application/problem+json"));
}

/// A page of another site that has a reader's browser load a clip as a picture has it made, though it cannot
/// hear it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_or_told_for_another_sites_page() {
    let server = TestServer::start().await;
    let book = server.import("book.epub", epub("Book", &[("One", "<p>A sentence.</p>")])).await;
    let made = async || server.json("/health").await["synthesis"]["made"].clone();
    let before = made().await;
    let host = "host: localhost";
    for (path, destination) in [
        (format!("/audio/{book}/1/0.mp3"), "image"),
        (format!("/audio/{book}/1/0.mp3"), "document"),
        (format!("/listen/{book}/1.mp3"), "audio"),
        (format!("/listen/{book}/1/timeline"), "empty"),
        ("/sw.js".to_owned(), "script"),
        ("/api/books".to_owned(), "empty"),
        ("/".to_owned(), "iframe"),
        (format!("/books/{book}/cover"), "image"),
    ] {
        for site in ["cross-site", "same-site"] {
            let mode = if destination == "document" { "navigate" } else { "no-cors" };
            let headers = [
                host,
                &format!("sec-fetch-site: {site}"),
                &format!("sec-fetch-dest: {destination}"),
                &format!("sec-fetch-mode: {mode}"),
            ];
            let status = status_for(&server, "GET", &path, &headers).await;
            assert_eq!(status, 403, "{path} as {destination}");
        }
    }
    assert_eq!(made().await, before);
    // Other sites may lead here, and a reader's own pages and programs may ask.
    let link = [
        host,
        "sec-fetch-site: cross-site",
        "sec-fetch-mode: navigate",
        "sec-fetch-dest: document",
    ];
    assert_eq!(status_for(&server, "GET", &format!("/book/{book}"), &link).await, 200);
    let clip = format!("/audio/{book}/1/0.mp3");
    // To a plain HTTP address browsers say less.
    for told in ["origin: http://evil.example", "referer: http://evil.example/page"] {
        assert_eq!(status_for(&server, "GET", &clip, &[host, told]).await, 403, "{told}");
    }
    assert_eq!(made().await, before);
    let own = [host, "referer: http://localhost/read"];
    assert_eq!(status_for(&server, "GET", &clip, &own).await, 200);
    assert_eq!(status_for(&server, "GET", &clip, &[host, "sec-fetch-site: none"]).await, 200);
    assert_eq!(status_for(&server, "GET", &clip, &[host]).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_as_a_problem() {
    let server = TestServer::start().await;
    for (method, path, status) in [
        ("PATCH", "/api/books", 405),
        ("DELETE", "/settings", 405),
        ("GET", "/api/none", 404),
        ("GET", "/pkg/none.js", 404),
        ("GET", "/books/0123456789abcdef/cover", 404),
    ] {
        let method = method.parse().unwrap();
        let answer = server.client.request(method, server.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    }
}

/// Browsers send forms to a plain HTTP address of the house without `Sec-Fetch-Site`.
#[tokio::test(flavor = "multi_thread")]
async fn forms_come_by_a_name_of_the_house() {
    let server = TestServer::start_with(&["--open", "--host", "house.lan"]).await;
    let page = server.get("/").await;
    // With `no-referrer`, they would also come without an `Origin` that says anything.
    assert_eq!(page.headers()["referrer-policy"], "same-origin");
    let post = async |origin: &str| {
        let headers = ["host: house.lan:3000", &format!("origin: {origin}")];
        status_for(&server, "POST", "/api/books/0123456789abcdef/delete", &headers).await
    };
    assert_eq!(post("http://house.lan:3000").await, 404);
    assert_eq!(post("http://evil.example").await, 403);
    assert_eq!(post("null").await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_nothing_is_not_waited_for() {
    let server = TestServer::start().await;
    let begin = "POST /settings HTTP/1.1\r\nhost: localhost\r\n";
    let half_body = format!("{begin}content-length: 100\r\n\r\nhalf");
    let (nothing, half_head, half_body, idle) = tokio::join!(
        answer_to(&server, b""),
        answer_to(&server, begin.as_bytes()),
        answer_to(&server, half_body.as_bytes()),
        // After an answer, the next request is not waited for longer either.
        answer_to(&server, b"GET /api/voices HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    );
    for (what, took) in [("nothing", nothing.1), ("half a head", half_head.1), ("idle", idle.1)] {
        assert!((70..90).contains(&took.as_secs()), "{what}: {took:?}");
    }
    assert!(idle.0.starts_with("HTTP/1.1 200"));
    assert!(half_body.0.starts_with("HTTP/1.1 408"), "{}", half_body.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_heads_are_not_read() {
    let server = TestServer::start().await;
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(500_000));
    let mut stream = connect(&server).await;
    // The answer may come, and the connection go, before all of it is sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_closed_and_the_others_served() {
    let server = TestServer::start_with(&["--connections", "8"]).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(connect(&server).await);
    }
    // One that is too many is closed at once.
    let begun = Instant::now();
    let closed = connect(&server).await.read(&mut [0; 1]).await;
    assert!(matches!(closed, Ok(0) | Err(_)) && begun.elapsed() < Duration::from_secs(5));
    let mut first = held.remove(0);
    first.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    drop(first);
    // There is room again when one has gone.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.get("/health").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_only_so_many_streams() {
    let more = ["--open", "--streams-per-address", "2", "--trusted-proxies", "127.0.0.0/8"];
    let server = TestServer::start_with(&more).await;
    // A stream lasts as long as there is something to make and nobody takes it.
    let words: String = (0..500).map(|n| format!("<p>Sentence number {n} of them.</p>")).collect();
    let book = server.import("book.epub", epub("Book", &[("One", &words)])).await;
    let open = async |client: &str| {
        let address = server.url(&format!("/listen/{book}/1.mp3?to=book"));
        let request = common::client().get(address).header("x-forwarded-for", client);
        request.send().await.unwrap()
    };
    let (one, two) = (open("192.0.2.1").await, open("192.0.2.1").await);
    assert!(one.status() == 200 && two.status() == 200);
    let refused = open("192.0.2.1").await;
    assert_eq!(refused.status(), 429);
    let problem: Value = refused.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("streams"), "{problem}");
    let health = server.json("/health").await;
    let used = |name: &str| {
        let bounds = health["bounds"].as_array().unwrap().iter();
        let bound = bounds.clone().find(|bound| bound["name"] == name).unwrap();
        assert!(bound["limit"].as_u64() >= bound["used"].as_u64(), "{health}");
        bound["used"].as_u64().unwrap()
    };
    assert_eq!((used("streams"), used("uploads")), (2, 0));
    assert!(used("connections") >= 2, "{health}");
    assert_eq!(open("192.0.2.2").await.status(), 200, "another one's");
    drop(one);
    let begun = Instant::now();
    while open("192.0.2.1").await.status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "it is given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
