//! Apps that read and play books, in their own words: OPDS catalogues, Readium’s audiobooks, KOReader’s places.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::browser::{Browser, with_people};
use common::{TestServer, epub};
use md5::{Digest, Md5};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

/// What KOReader calls a file (its `util.partialMD5`).
fn digest(file: &[u8]) -> String {
    let mut digest = Md5::new();
    for step in -1..=10_i32 {
        // A shift by a negative number of bits is none by so many: LuaJIT wraps it to nothing at all.
        let at = if step < 0 { 0 } else { 1024_usize << (2 * step) };
        let Some(rest) = file.get(at..).filter(|rest| !rest.is_empty()) else { break };
        digest.update(&rest[..rest.len().min(1024)]);
    }
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A device with KOReader.
struct KoReader<'a> {
    server: &'a TestServer,
    name: &'a str,
    password: &'a str,
    device: &'a str,
}

impl KoReader<'_> {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let key = hex(&Md5::digest(self.password));
        let asked = self.server.client.request(method, self.server.url(&format!("/kosync{path}")));
        let asked = asked.header("accept", "application/vnd.koreader.v1+json");
        let asked = asked.header("x-auth-user", self.name).header("x-auth-key", key);
        let asked = match body {
            Some(body) => asked.json(&body),
            None => asked,
        };
        let answer = asked.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn push(&self, document: &str, place: &str, percentage: f64) {
        let body = json!({
            "document": document, "progress": place, "percentage": percentage,
            "device": self.device, "device_id": format!("id of {}", self.device),
        });
        let (status, said) = self.ask(Method::PUT, "/syncs/progress", Some(body)).await;
        assert_eq!((status, &said["document"]), (StatusCode::OK, &json!(document)), "{said}");
        assert!(said["timestamp"].as_u64().unwrap() > 1_700_000_000, "{said}");
    }

    async fn pull(&self, document: &str) -> Value {
        let (status, said) =
            self.ask(Method::GET, &format!("/syncs/progress/{document}"), None).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        said
    }
}

/// Three chapters as long as one another.
fn book() -> Vec<u8> {
    let chapter: String = (1..=20).map(|n| format!("<p>This is sentence {n:02}.</p>")).collect();
    epub("Places", &[("One", &chapter), ("Two", &chapter), ("Three", &chapter)])
}

#[tokio::test(flavor = "multi_thread")]
async fn koreader_and_the_reader_are_at_the_same_place() {
    let server = TestServer::start().await;
    let file = book();
    let id = server.import("places.epub", file.clone()).await;
    let served = server.get(&format!("/api/books/{id}/file")).await.bytes().await.unwrap();
    let document = digest(&served);
    let device = KoReader { server: &server, name: "any", password: "any", device: "Kobo" };
    let (status, _) = device
        .ask(Method::POST, "/users/create", Some(json!({"username": "any", "password": "x"})))
        .await;
    assert_eq!(status, 201);
    assert_eq!(device.ask(Method::GET, "/users/auth", None).await.0, 200);
    assert_eq!(device.pull(&document).await, json!({}));

    // From the device to the reader: half of the second chapter of three.
    device.push(&document, "/body/DocFragment[2]/body/p[10]/text().0", 0.5).await;
    let place = server.json(&format!("/api/books/{id}/progress")).await;
    assert_eq!((&place["chapter"], &place["sentence"]), (&json!(2), &json!(10)), "{place}");
    assert_eq!(place["device"], "Kobo");
    let other = KoReader { device: "Boox", ..device };
    let pulled = other.pull(&document).await;
    assert_eq!(pulled["progress"], "/body/DocFragment[2]/body/p[10]/text().0", "as it was said");
    assert_eq!((&pulled["percentage"], &pulled["device"]), (&json!(0.5), &json!("Kobo")));

    // A page further is the same sentence or the next one: nobody is moved for that.
    device.push(&document, "/body/DocFragment[2]/body/p[11]/text().0", 0.503).await;
    let place = server.json(&format!("/api/books/{id}/progress")).await;
    assert_eq!(place["sentence"], 10, "{place}");

    // A device that was led to the beginning of the chapter does not lead the reader back there.
    other.push(&document, "/body/DocFragment[2]/body", 0.34).await;
    let place = server.json(&format!("/api/books/{id}/progress")).await;
    assert_eq!((&place["chapter"], &place["sentence"]), (&json!(2), &json!(10)), "{place}");
    device.push(&document, "/body/DocFragment[1]/body", 0.01).await;
    let place = server.json(&format!("/api/books/{id}/progress")).await;
    assert_eq!(place["chapter"], 1, "{place}");

    // From the reader to the device.
    let moved = json!({ "chapter": 3, "sentence": 5, "device": "Phone" });
    let put = server.client.put(server.url(&format!("/api/books/{id}/progress"))).json(&moved);
    assert!(put.send().await.unwrap().status().is_success());
    let pulled = device.pull(&document).await;
    assert_eq!(
        (&pulled["device"], &pulled["progress"]),
        (&json!("Phone"), &json!("/body/DocFragment[3]/body"))
    );
    let percentage = pulled["percentage"].as_f64().unwrap();
    assert!((percentage - (2.0 / 3.0 + 0.25 / 3.0)).abs() < 0.01, "{pulled}");
    // A device that slept and says what it has said before moves nobody.
    device.push(&document, "/body/DocFragment[1]/body", 0.01).await;
    assert_eq!(server.json(&format!("/api/books/{id}/progress")).await["chapter"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_chapters_in_one_document_lead_no_device_back() {
    let server = TestServer::start().await;
    let text =
        |n: u32| -> String { (1..=20).map(|at| format!("<p>Sentence {at} of {n}.</p>")).collect() };
    let body =
        format!("{}<h2 id='two'>Two</h2>{}<h2 id='three'>Three</h2>{}", text(1), text(2), text(3));
    // Lines of the contents that lead into the document.
    let contents =
        "One</a></li><li><a href='c1.xhtml#two'>Two</a></li><li><a href='c1.xhtml#three'>Three";
    let id = server.import("one.epub", epub("One document", &[(contents, &body)])).await;
    let book = server.json(&format!("/api/books/{id}")).await;
    assert_eq!(book["chapters"].as_array().unwrap().len(), 3, "{book}");
    let file = server.get(&format!("/api/books/{id}/file")).await.bytes().await.unwrap();
    let device = KoReader { server: &server, name: "any", password: "any", device: "Kobo" };
    device.push(&digest(&file), "/body/DocFragment[1]/body/p[3]", 0.05).await;
    let moved = json!({ "chapter": 3, "sentence": 5, "device": "Phone" });
    let put = server.client.put(server.url(&format!("/api/books/{id}/progress"))).json(&moved);
    assert!(put.send().await.unwrap().status().is_success());
    // There is no address for the third chapter, and the beginning of the document is none.
    let pulled = device.pull(&digest(&file)).await;
    assert_eq!(pulled["progress"], "/body/DocFragment[1]/body/p[3]", "{pulled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_in_some_chapters_is_one_of_theirs() {
    let server = TestServer::start().await;
    let id = server.import("places.epub", book()).await;
    made_ready_in(&server, &id, "epub", "2-3").await;
    let feed = server.json("/opds/v2/books?of=ready").await;
    let links = feed["publications"][0]["links"].as_array().unwrap();
    let file = links[1]["href"].as_str().unwrap();
    let file = server.client.get(file).send().await.unwrap().bytes().await.unwrap();
    let device = KoReader { server: &server, name: "any", password: "any", device: "Kobo" };
    device.push(&digest(&file), "/body/DocFragment[1]/body/p[10]", 0.25).await;
    let place = server.json(&format!("/api/books/{id}/progress")).await;
    assert_eq!((&place["chapter"], &place["sentence"]), (&json!(2), &json!(10)), "{place}");
    // The first chapter is not in it.
    let moved = json!({ "chapter": 1, "sentence": 5, "device": "Phone" });
    let put = server.client.put(server.url(&format!("/api/books/{id}/progress"))).json(&moved);
    assert!(put.send().await.unwrap().status().is_success());
    assert_eq!(device.pull(&digest(&file)).await["percentage"], 0.25);
}

#[tokio::test(flavor = "multi_thread")]
async fn koreader_keeps_places_of_files_that_are_not_here() {
    let server = TestServer::start().await;
    let device = KoReader { server: &server, name: "any", password: "any", device: "Kobo" };
    device.push("0123456789abcdef0123456789abcdef", "17", 0.25).await;
    let pulled = device.pull("0123456789abcdef0123456789abcdef").await;
    assert_eq!((&pulled["progress"], &pulled["percentage"]), (&json!("17"), &json!(0.25)));
    for (body, status) in [
        (json!({"document": "", "progress": "1", "percentage": 0.1}), 400),
        (json!({"document": "x".repeat(300), "progress": "1", "percentage": 0.1}), 400),
        (json!({"document": "x", "progress": "y".repeat(5000), "percentage": 0.1}), 400),
        (json!({"document": "a/b", "progress": "1", "percentage": 0.1}), 400),
        (json!({"document": "x", "progress": "1", "percentage": "0.5", "device": null}), 200),
        (json!({"document": "x", "progress": 17, "percentage": 9.5}), 200),
        (json!({"document": "x"}), 400),
    ] {
        let (was, said) = device.ask(Method::PUT, "/syncs/progress", Some(body.clone())).await;
        assert_eq!(was.as_u16(), status, "{body}: {said}");
    }
    let pulled = device.pull("x").await;
    assert_eq!((&pulled["progress"], &pulled["percentage"]), (&json!("17"), &json!(1.0)));
}

/// A password for a reading app.
async fn app_password(browser: &Browser) -> String {
    let form = [("name", "Kobo"), ("kind", "reading_app")];
    let made: Value = browser.post("/api/tokens", &form).await.json().await.unwrap();
    made["token"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_apps_log_in_with_a_password_of_their_own() {
    let server = with_people().await;
    let [max, lea] =
        [Browser::logged_in(&server, "Max").await, Browser::logged_in(&server, "Lea").await];
    let password = app_password(&max).await;
    assert_eq!(password.len(), 14, "it is typed on a device");
    let device = KoReader { server: &server, name: "Max", password: &password, device: "Kobo" };
    assert_eq!(device.ask(Method::GET, "/users/auth", None).await.0, 200);
    let other_name = KoReader { name: "Lea", ..device };
    assert_eq!(other_name.ask(Method::GET, "/users/auth", None).await.0, 401, "another's name");
    let wrong = KoReader { password: "wrong", ..device };
    assert_eq!(wrong.ask(Method::GET, "/users/auth", None).await.0, 401);
    assert_eq!(wrong.ask(Method::GET, "/syncs/progress/x", None).await.0, 401);
    let (status, said) = wrong
        .ask(Method::POST, "/users/create", Some(json!({"username": "Eve", "password": "x"})))
        .await;
    assert_eq!((status, said["message"].is_string()), (StatusCode::PAYMENT_REQUIRED, true));
    // Places are each person's own.
    device.push("x", "1", 0.5).await;
    let other = app_password(&lea).await;
    let device_of_lea = KoReader { name: "Lea", password: &other, ..device };
    assert_eq!(device_of_lea.pull("x").await, json!({}));

    // A catalogue says how one logs in, and lets in whoever does.
    let stranger = server.client.get(server.url("/opds")).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert!(stranger.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    assert_eq!(stranger.headers()["content-type"], "application/opds-authentication+json");
    let how: Value = stranger.json().await.unwrap();
    assert_eq!(how["authentication"][0]["type"], "http://opds-spec.org/auth/basic");
    let basic = |path: &'static str, password: String| {
        let asked = server.client.get(server.url(path)).basic_auth("Max", Some(password));
        async { asked.send().await.unwrap().status().as_u16() }
    };
    let grouped = format!("{}-{}", &password[..7], password[7..].to_uppercase());
    for path in ["/opds", "/opds/books", "/opds/v2", "/opds/v2/books", "/opds/search.xml"] {
        assert_eq!(basic(path, password.clone()).await, 200, "{path}");
        assert_eq!(basic(path, grouped.clone()).await, 200, "{path}");
        assert_eq!(basic(path, "abcdefghijkmnp".to_owned()).await, 401, "{path}");
    }
    // Files that the catalogue names ask for the same login, and a browser is led to the page of its own.
    let file =
        server.client.get(server.url("/api/books/0123456789abcdef/file")).send().await.unwrap();
    assert!(file.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    let java = server.client.get(server.url("/opds")).header("accept", "text/html, */*; q=.2");
    assert_eq!(java.send().await.unwrap().status(), 401);
    let person = max.client.get(server.url("/opds")).header("accept", "text/html");
    let person = person.header("user-agent", "Mozilla/5.0").send().await.unwrap();
    assert_eq!(person.status(), 303);
    // KOReader's own way to log in is for its places alone.
    let elsewhere = server.client.get(server.url("/api/books"));
    let elsewhere = elsewhere.header("x-auth-user", "Max");
    let elsewhere = elsewhere.header("x-auth-key", hex(&Md5::digest(&password)));
    assert_eq!(elsewhere.send().await.unwrap().status(), 401);
    // It is good for what such apps do, and no bearer token.
    assert_eq!(basic("/api/people", password.clone()).await, 403);
    let bearer = server.client.get(server.url("/api/books")).bearer_auth(&password);
    assert_eq!(bearer.send().await.unwrap().status(), 401);
    let imports = server.client.post(server.url("/api/books")).basic_auth("Max", Some(&password));
    assert_eq!(imports.send().await.unwrap().status(), 403);
    // Once it is withdrawn it lets nobody in.
    let tokens = max.json("/api/tokens").await;
    let path = format!("/api/tokens/{}", tokens[0]["id"].as_str().unwrap());
    assert_eq!(max.status(Method::DELETE, &path).await, 204);
    assert_eq!(basic("/opds", password.clone()).await, 401);
    assert_eq!(device.ask(Method::GET, "/users/auth", None).await.0, 401);
}

/// What a reading app sees of the catalogue.
fn walked(server: &TestServer) -> Value {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let said = Command::new(clients.join("venv/bin/python"))
        .arg(clients.join("catalogue.py"))
        .arg(server.url("/opds"))
        .output()
        .expect("make installs it");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

async fn made_ready(server: &TestServer, book: &str, output: &str) {
    made_ready_in(server, book, output, "").await;
}

async fn made_ready_in(server: &TestServer, book: &str, output: &str, chapters: &str) {
    let wanted = json!({ "book": book, "output": output, "chapters": chapters });
    let asked =
        server.client.post(server.url("/api/narrations")).json(&wanted).send().await.unwrap();
    let asked: Value = asked.json().await.unwrap();
    let path =
        format!("/api/narrations/{}", asked["id"].as_str().unwrap_or_else(|| panic!("{asked}")));
    let begun = Instant::now();
    while server.json(&path).await["state"] != "completed" {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_offers_each_book_and_what_was_made_of_it() {
    let server = TestServer::start().await;
    let file = book();
    let id = server.import("places.epub", file.clone()).await;
    for n in 0..55 {
        let text = format!("<p>Book {n}.</p>");
        server
            .import("b.epub", epub(&format!("Book &amp; &lt;{n:02}&gt;"), &[("One", &text)]))
            .await;
    }
    made_ready(&server, &id, "epub").await;
    let walked = walked(&server);
    let books = walked["books"].as_array().unwrap();
    assert_eq!((books.len(), &walked["pages"]), (57, &json!(2)), "with the sample");
    let titles: Vec<_> = books.iter().map(|book| book["title"].as_str().unwrap()).collect();
    assert!(titles.contains(&"Book & <00>"), "{titles:?}");
    let found = books.iter().find(|book| book["title"] == "Places").unwrap();
    let files = found["files"].as_array().unwrap();
    let kinds: Vec<_> = files.iter().map(|file| file[0].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["application/epub+zip", "application/epub+zip", "application/audiobook+json"]
    );
    let bytes = server.client.get(files[0][1].as_str().unwrap()).send().await.unwrap();
    assert_eq!(bytes.bytes().await.unwrap(), file, "the original is byte for byte as it was");

    // A place in the EPUB that was made of it is one in the book.
    let read_aloud = server.client.get(files[1][1].as_str().unwrap()).send().await.unwrap();
    let document = digest(&read_aloud.bytes().await.unwrap());
    let device = KoReader { server: &server, name: "any", password: "any", device: "Kobo" };
    device.push(&document, "/body/DocFragment[3]/body/p[1]", 0.7).await;
    let place = server.json(&format!("/api/books/{id}/progress")).await;
    assert_eq!(place["chapter"], 3, "{place}");

    // The same in OPDS 2.0, searched.
    let feed = server.get("/opds/v2/books?q=places").await;
    assert_eq!(feed.headers()["content-type"], "application/opds+json");
    let feed: Value = feed.json().await.unwrap();
    assert_eq!(feed["metadata"]["numberOfItems"], 1, "{feed}");
    let publication = &feed["publications"][0];
    assert_eq!(publication["metadata"]["title"], "Places");
    let links = publication["links"].as_array().unwrap();
    let audiobook = links.iter().find(|link| link["type"] == "application/audiobook+json").unwrap();
    let manifest = server.client.get(audiobook["href"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(manifest.headers()["content-type"], "application/audiobook+json");
    let manifest: Value = manifest.json().await.unwrap();
    assert_eq!(
        manifest["metadata"]["conformsTo"],
        "https://readium.org/webpub-manifest/profiles/audiobook"
    );
    let chapters = manifest["readingOrder"].as_array().unwrap();
    assert_eq!(chapters.len(), 3, "{manifest}");
    let mut total = 0.0;
    for chapter in chapters {
        let sound = server.client.get(chapter["href"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(sound.headers()["accept-ranges"], "bytes");
        let sound = sound.bytes().await.unwrap();
        assert_eq!(json!(sound.len()), chapter["size"]);
        let lasts = common::decoded_samples(&sound, 22_050) as f64 / 22_050.0;
        let said = chapter["duration"].as_f64().unwrap();
        assert!((lasts - said).abs() < 0.01, "{said} of {lasts}");
        total += said;
    }
    assert!((manifest["metadata"]["duration"].as_f64().unwrap() - total).abs() < 0.001);
    // Lists that have nothing, and pages that are not there.
    for path in ["/opds/v2/books?q=nothing", "/opds/books?of=ready&q=%26"] {
        assert_eq!(server.get(path).await.status(), 200, "{path}");
    }
    for path in ["/opds/books?of=none", "/opds/books?page=x", "/opds/v2/books?page=-1"] {
        assert_eq!(server.get(path).await.status(), 400, "{path}");
    }
    for path in ["/opds/books?page=3", "/opds/v2/books?page=4294967295"] {
        assert_eq!(server.get(path).await.status(), 404, "{path}");
    }
    assert_eq!(server.get(&format!("/opds/audiobooks/{id}?voice=none")).await.status(), 404);
}
