//! Audiobooks that are sent to a server of Audiobookshelf, which here answers as its source of version 2.26 does
//! (`server/controllers/MiscController.js`, `handleUpload`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use common::{TestServer, epub};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// What came in one upload: its fields, and the name and bytes of its file.
type Upload = (BTreeMap<String, String>, String, Vec<u8>);

#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<Upload>>>);

fn may(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|token| token == "Bearer a token")
}

async fn libraries(headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    if !may(&headers) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let library = |id: &str, name: &str, kind: &str| {
        json!({ "id": id, "name": name, "mediaType": kind, "icon": "x", "displayOrder": 1,
            "folders": [{ "id": format!("{id}-folder"), "fullPath": "/books", "libraryId": id }] })
    };
    Ok(Json(json!({ "libraries": [
        library("l1", "Podcasts", "podcast"), library("l2", "Mine", "book"), library("l3", "Read aloud", "book"),
    ] })))
}

async fn upload(
    State(shelf): State<Shelf>,
    headers: HeaderMap,
    mut form: Multipart,
) -> (StatusCode, &'static str) {
    if !may(&headers) {
        return (StatusCode::FORBIDDEN, "Forbidden");
    }
    let (mut fields, mut file) = (BTreeMap::new(), None);
    while let Some(field) = form.next_field().await.unwrap() {
        let name = field.name().unwrap().to_owned();
        match field.file_name().map(str::to_owned) {
            Some(file_name) => file = Some((file_name, field.bytes().await.unwrap().to_vec())),
            None => drop(fields.insert(name, field.text().await.unwrap())),
        }
    }
    let Some((name, bytes)) = file else { return (StatusCode::BAD_REQUEST, "Bad Request") };
    if !["title", "library", "folder"].iter().all(|name| fields.contains_key(*name)) {
        return (StatusCode::BAD_REQUEST, "Invalid request body");
    }
    match (&*fields["library"], &*fields["folder"]) {
        ("l2", "l2-folder") | ("l3", "l3-folder") => {
            shelf.0.lock().unwrap().push((fields, name, bytes));
            (StatusCode::OK, "OK")
        }
        _ => (StatusCode::NOT_FOUND, "Library not found"),
    }
}

/// A server of Audiobookshelf below a path, as behind a proxy.
async fn audiobookshelf() -> (SocketAddr, Shelf) {
    let shelf = Shelf::default();
    let routes = Router::new()
        .route("/api/libraries", get(libraries))
        .route("/api/upload", post(upload).layer(DefaultBodyLimit::disable()))
        .with_state(shelf.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().nest("/audiobookshelf", routes);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, shelf)
}

fn token(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "{text}").unwrap();
    file
}

/// What becomes of a book that is to be sent away.
async fn sent(server: &TestServer, book: &str) -> Value {
    let wanted = json!({ "book": book, "output": "audiobookshelf" });
    let asked = server.client.post(server.url("/api/narrations")).json(&wanted).send().await;
    let asked: Value = asked.unwrap().json().await.unwrap();
    let path = format!("/api/narrations/{}", asked["id"].as_str().unwrap());
    let waiting = async {
        loop {
            let now = server.json(&path).await;
            if !["queued", "running"].contains(&now["state"].as_str().unwrap()) {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_arrives_there_as_an_audiobook() {
    let (address, shelf) = audiobookshelf().await;
    let (url, token) = (format!("http://{address}/audiobookshelf/"), token("a token"));
    let file = token.path().to_str().unwrap();
    let server = TestServer::start_with(&[
        "--audiobookshelf-url",
        &url,
        "--audiobookshelf-token-file",
        file,
        "--audiobookshelf-library",
        "Read aloud",
    ])
    .await;
    let book = epub("One / two: three", &[("First", "<p>It is read.</p>")]);
    let book = server.import("book.epub", book).await;
    let done = sent(&server, &book).await;
    assert_eq!(
        (&done["state"], &done["file_bytes"]),
        (&json!("completed"), &Value::Null),
        "{done}"
    );

    let uploads = shelf.0.lock().unwrap();
    let [(fields, name, bytes)] = &uploads[..] else { panic!("{} came", uploads.len()) };
    let expected = [
        ("author", "A. Writer"),
        ("folder", "l3-folder"),
        ("library", "l3"),
        ("title", "One / two: three"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(*fields, BTreeMap::from(expected));
    assert_eq!(name, "One two three.m4b");
    assert_eq!(&bytes[4..8], b"ftyp");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_does_not_take_is_said() {
    let (address, shelf) = audiobookshelf().await;
    let (url, token) = (format!("http://{address}/audiobookshelf"), token("another"));
    let file = token.path().to_str().unwrap();
    let server = TestServer::start_with(&[
        "--audiobookshelf-url",
        &url,
        "--audiobookshelf-token-file",
        file,
    ])
    .await;
    let book = server.import("book.epub", epub("A", &[("First", "<p>It is read.</p>")])).await;
    let done = sent(&server, &book).await;
    assert_eq!(done["state"], "failed", "{done}");
    assert!(done["error"].as_str().unwrap().contains("does not accept the token"), "{done}");
    assert!(shelf.0.lock().unwrap().is_empty());

    // Without a server nobody is offered it.
    let alone = TestServer::start().await;
    let book = alone.import("book.epub", epub("A", &[("First", "<p>It is read.</p>")])).await;
    let wanted = json!({ "book": book, "output": "audiobookshelf" });
    let asked = alone.client.post(alone.url("/api/narrations")).json(&wanted).send().await.unwrap();
    assert_eq!(asked.status(), 400);
    assert!(
        !alone
            .get(&format!("/book/{book}/take"))
            .await
            .text()
            .await
            .unwrap()
            .contains("output=audiobookshelf")
    );
}
