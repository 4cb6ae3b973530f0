//! Books as podcasts, and the sentences of chapters as subtitles.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::browser::{Browser, with_people};
use common::epub;
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, RANGE};
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use tokio::time::Instant;

async fn import(browser: &Browser, only_me: bool) -> String {
    import_named(browser, "A feed", only_me).await
}

async fn import_named(browser: &Browser, name: &str, only_me: bool) -> String {
    // No sentence of one book is in another: it would be made for both.
    let texts = ["It begins here. And it goes on.", "This is the second chapter.", "Here it ends."];
    let texts = texts.map(|text| format!("<p>{text} {name}.</p>"));
    let names = ["One & all", "Two", "Three"];
    let chapters: Vec<_> = names.into_iter().zip(texts.iter().map(String::as_str)).collect();
    let form = Form::new().part("file", Part::bytes(epub(name, &chapters)).file_name("a.epub"));
    let form = if only_me { form.text("only_me", "on") } else { form };
    let answer = browser.ask(Method::POST, "/api/books").multipart(form).send().await.unwrap();
    let book: Value = answer.json().await.unwrap();
    book["id"].as_str().unwrap().to_owned()
}

/// Subscribes to a book; its address.
async fn subscribe(browser: &Browser, book: &str) -> String {
    let made = browser.post(&format!("/api/books/{book}/feeds"), &[]).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    made["page"].as_str().unwrap().to_owned()
}

/// What feedparser reads at an address, once it has so many episodes.
async fn read(address: &str, episodes: usize) -> Value {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let begun = Instant::now();
    loop {
        let said = Command::new(clients.join("venv/bin/python"))
            .arg(clients.join("subscribe.py"))
            .arg(address)
            .output()
            .expect("the clients are installed by make");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let feed: Value = serde_json::from_slice(&said.stdout).unwrap();
        if feed["episodes"].as_array().unwrap().len() == episodes {
            return feed;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{feed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_podcast_app_gets_the_chapters_in_order() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let book = import(&max, true).await;
    // What XML cannot have is in no title.
    let path = format!("/api/books/{book}");
    let names = [("title", "A\u{1} feed"), ("authors", "A\u{fffe}")];
    assert_eq!(max.post(&path, &names).await.status(), 204);
    let address = subscribe(&max, &book).await;
    let feed = read(&address, 3).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let last = feed["episodes"][2]["published"].as_f64().unwrap();
    assert!(last <= now.as_secs_f64() + 1.0, "an episode of the future is shown by no app");
    assert_eq!((feed["title"].as_str(), feed["bozo"].as_bool()), (Some("A feed"), Some(false)));
    assert_eq!(feed["type"], "serial", "{feed}");
    let episodes = feed["episodes"].as_array().unwrap();
    let titles: Vec<_> = episodes.iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["One & all", "Two", "Three"]);
    let dates: Vec<_> = episodes.iter().map(|one| one["published"].as_f64().unwrap()).collect();
    assert!(dates.is_sorted() && dates[0] < dates[2], "{dates:?}");
    // An app that knows nothing but the address gets each whole, in parts, and the same each time.
    let app = common::client();
    for episode in episodes {
        let (url, length) = (episode["url"].as_str().unwrap(), episode["length"].as_str().unwrap());
        let head = app.head(url).send().await.unwrap();
        assert_eq!(head.headers()[CONTENT_LENGTH].to_str().unwrap(), length, "{url}");
        assert_eq!(head.headers()["cross-origin-resource-policy"], "cross-origin");
        let whole = app.get(url).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(whole.len().to_string(), length);
        // As a player on a page of another site asks.
        let rest = app.get(url).header(RANGE, "bytes=1000-").header("sec-fetch-site", "cross-site");
        let rest = rest.send().await.unwrap();
        assert_eq!(rest.headers()["access-control-allow-origin"], "*");
        assert_eq!(rest.status(), 206);
        assert_eq!(rest.bytes().await.unwrap(), whole.slice(1000..));
    }
    let words = app.get(episodes[0]["transcript"].as_str().unwrap()).send().await.unwrap();
    let words = words.text().await.unwrap();
    assert!(words.starts_with("WEBVTT\n\n00:00:00.000 --> ") && words.contains("And it goes on."));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_for_one_book_until_it_is_withdrawn() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let lea = Browser::logged_in(&server, "Lea").await;
    let book = import(&max, true).await;
    // Nobody subscribes to what they do not see.
    assert_eq!(lea.post(&format!("/api/books/{book}/feeds"), &[]).await.status(), 404);
    let address = subscribe(&max, &book).await;
    read(&address, 3).await;
    let app = common::client();
    let status = async |address: &str| app.get(address).send().await.unwrap().status().as_u16();
    // One letter off is none, and the token is good for nothing else.
    assert_eq!(status(&address.replace("emf_", "emf_x")).await, 404);
    // A player in a page of another site learns what is wrong.
    let refused = app.get(address.replace("emf_", "emf_x")).send().await.unwrap();
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
    for wrong in ["/4.mp3", "/0.mp3", "/1.txt", "/x.mp3", "/cover"] {
        assert_eq!(status(&format!("{address}{wrong}")).await, 404, "{wrong}");
    }
    let token = address.rsplit('/').next().unwrap();
    let books = app.get(server.url("/api/books")).bearer_auth(token).send().await.unwrap();
    assert_eq!(books.status(), 401);
    let feeds = max.json("/api/feeds").await;
    assert!(feeds.as_array().unwrap().len() == 1 && !feeds.to_string().contains(token), "{feeds}");
    let withdraw = format!("/api/feeds/{}", feeds[0]["id"].as_str().unwrap());
    assert_eq!(lea.status(Method::DELETE, &withdraw).await, 404);
    assert_eq!(max.status(Method::DELETE, &withdraw).await, 204);
    assert_eq!(status(&address).await, 404);
    assert_eq!(status(&format!("{address}/1.mp3")).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_all_that_somebody_reads() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let lea = Browser::logged_in(&server, "Lea").await;
    let own = import(&max, true).await;
    let other = import_named(&max, "For all", false).await;
    let made = max.post("/api/feeds", &[]).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let address = made["page"].as_str().unwrap();
    // It has nothing made.
    let feed = read(address, 0).await;
    assert_eq!(feed["type"], "episodic", "{feed}");
    // Of each book a chapter is heard: the last one, behind which nothing is made ready.
    for book in [&own, &other] {
        let heard = max.ask(Method::GET, &format!("/listen/{book}/3.mp3?to=chapter"));
        heard.send().await.unwrap().bytes().await.unwrap();
    }
    let feed = read(address, 2).await;
    let episodes = feed["episodes"].as_array().unwrap();
    let titles: Vec<_> = episodes.iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert!(titles.contains(&"A feed: Three") && titles.contains(&"For all: Three"), "{titles:?}");
    let app = common::client();
    for episode in episodes {
        let (url, length) = (episode["url"].as_str().unwrap(), episode["length"].as_str().unwrap());
        let whole = app.get(url).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(whole.len().to_string(), length, "{url}");
        let words = app.get(episode["transcript"].as_str().unwrap()).send().await.unwrap();
        assert!(words.text().await.unwrap().starts_with("WEBVTT"));
    }
    // Somebody else's has nobody's own books, and says nothing of them by their ids.
    let made: Value = lea.post("/api/feeds", &[]).await.json().await.unwrap();
    let of_lea = made["page"].as_str().unwrap();
    let feed = read(of_lea, 1).await;
    assert_eq!(feed["episodes"][0]["title"], "For all: Three", "{feed}");
    let episode =
        |address: &str, book: &str| format!("{address}/{book}-3.mp3?voice=espeak-ng:en-us");
    let status = async |url: String| app.get(url).send().await.unwrap().status().as_u16();
    assert_eq!(status(episode(address, &own)).await, 200);
    for url in [episode(of_lea, &own), format!("{address}/3.mp3")] {
        assert_eq!(status(url.clone()).await, 404, "{url}");
    }
    let page = max.ask(Method::GET, "/narrations").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("All that you read"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn subtitles_are_there_when_the_chapter_is_made() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let book = import(&max, false).await;
    let path = |form: &str| format!("/api/books/{book}/chapters/1/subtitles?form={form}");
    assert_eq!(max.status(Method::GET, &path("vtt")).await, 404);
    let heard = max.ask(Method::GET, &format!("/listen/{book}/1.mp3?to=chapter"));
    heard.send().await.unwrap().bytes().await.unwrap();
    let text = async |form: &str| {
        let answer = max.ask(Method::GET, &path(form)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{form}");
        answer.text().await.unwrap()
    };
    let vtt = text("vtt").await;
    let timeline = max.json(&format!("/api/books/{book}/chapters/1/timeline")).await;
    let second = timeline[1]["start_ms"].as_u64().unwrap();
    // Both are rounded, each in its way.
    let begins = |ms: u64| vtt.contains(&format!("00:00:0{}.{:03} --> ", ms / 1000, ms % 1000));
    assert!((second - 1..=second + 1).any(begins), "{second}: {vtt}");
    assert!(text("srt").await.starts_with("1\n00:00:00,000 --> "));
    assert!(text("lrc").await.starts_with("[00:00.00]It begins here.\n"));
    assert_eq!(max.status(Method::GET, &path("ass")).await, 400);
}
