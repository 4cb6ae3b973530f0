//! Books that are narrated ahead: asked for, stopped, called off, and never in front of a listener.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::browser::{Browser, with_people};
use common::standin::{Fault, KEY, StandIn};
use common::{TestServer, VOICE, epub};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

const SERVICE: &str = "stand-in:af_heart";

/// Imports a book of chapters with so many sentences each.
async fn import(browser: &Browser, title: &str, chapters: &[usize]) -> String {
    let text = |chapter: usize, count: usize| -> String {
        (0..count).map(|n| format!("<p>{title}, {chapter}: sentence number {n}.</p>")).collect()
    };
    let names: Vec<_> = (1..=chapters.len()).map(|n| format!("Chapter {n}")).collect();
    let texts: Vec<_> =
        chapters.iter().enumerate().map(|(at, count)| text(at + 1, *count)).collect();
    let parts: Vec<_> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let form = Form::new().part("file", Part::bytes(epub(title, &parts)).file_name("a.epub"));
    let answer = browser.ask(Method::POST, "/api/books").multipart(form).send().await.unwrap();
    let book: Value = answer.json().await.unwrap();
    book["id"].as_str().unwrap().to_owned()
}

async fn with_service(admin: &Browser, standin: &StandIn, price: &str) {
    with_service_named(admin, standin, "stand-in", price).await;
}

async fn with_service_named(admin: &Browser, standin: &StandIn, name: &str, price: &str) {
    let form = [
        ("name", name),
        ("kind", "openai"),
        ("url", standin.url.as_str()),
        ("key", KEY),
        ("voices", "af_heart"),
        ("price", price),
    ];
    assert_eq!(admin.post("/api/engines", &form).await.status(), 201);
}

async fn ask(browser: &Browser, body: Value) -> (u16, Value) {
    let answer = browser.ask(Method::POST, "/api/narrations").json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn narration(browser: &Browser, id: &str) -> Value {
    browser.json(&format!("/api/narrations/{id}")).await
}

/// Waits until a narration is in a state.
async fn until(browser: &Browser, id: &str, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let now = narration(browser, id).await;
        if now["state"] == state {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{now} is not {state}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_narrated_ahead_and_is_then_a_file() {
    let server = TestServer::start().await;
    let me = Browser::of(&server);
    let book = import(&me, "Ahead", &[4, 3]).await;
    let (status, estimate) = ask(&me, json!({ "book": book, "dry_run": true })).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&estimate["sentences"], &estimate["missing"]),
        (&json!(7), &json!(7)),
        "{estimate}"
    );
    assert_eq!(estimate["cost"], 0.0);
    assert!(me.json("/api/narrations").await.as_array().unwrap().is_empty(), "it only says so");
    let (status, asked) = ask(&me, json!({ "book": book })).await;
    assert_eq!(status, 202, "{asked}");
    let id = asked["id"].as_str().unwrap();
    let done = until(&me, id, "completed").await;
    assert_eq!(
        (&done["percent"], &done["done"], &done["made"]),
        (&json!(100), &json!(7), &json!(7))
    );
    assert_eq!((&done["failed"], &done["title"]), (&json!(0), &json!("Ahead")));
    // A chapter that is fully made is a file of known size.
    for chapter in 1..=2 {
        let sound = me.ask(Method::GET, &format!("/listen/{book}/{chapter}.mp3?to=chapter"));
        let sound = sound.send().await.unwrap();
        assert!(sound.headers().contains_key("content-length"), "chapter {chapter}");
    }
    // The same once more is done at once, and makes nothing.
    let (status, again) = ask(&me, json!({ "book": book })).await;
    assert_eq!(status, 202);
    let again = until(&me, again["id"].as_str().unwrap(), "completed").await;
    assert_eq!((&again["made"], &again["done"]), (&json!(0), &json!(7)));
    let stats = me.json("/api/narrations/stats").await;
    assert_eq!((&stats["completed"], &stats["completed_today"]), (&json!(2), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn some_chapters_are_narrated_and_others_are_not() {
    let server = TestServer::start().await;
    let me = Browser::of(&server);
    let book = import(&me, "Some", &[3, 3, 3]).await;
    let (_, asked) = ask(&me, json!({ "book": book, "chapters": "2-3" })).await;
    until(&me, asked["id"].as_str().unwrap(), "completed").await;
    let made = me.json(&format!("/api/books/{book}/audios")).await;
    let made: Vec<_> =
        made.as_array().unwrap().iter().map(|chapter| chapter["made"].as_u64().unwrap()).collect();
    assert_eq!(made, [0, 3, 3]);
    for wrong in ["0", "4", "3-2", "2-9", "x", "-"] {
        let (status, said) = ask(&me, json!({ "book": book, "chapters": wrong })).await;
        assert_eq!(status, 400, "{wrong}: {said}");
    }
    assert_eq!(ask(&me, json!({ "book": "0000000000000000" })).await.0, 404);
    assert_eq!(ask(&me, json!({ "book": book, "voice": "no:such" })).await.0, 400);
    assert_eq!(ask(&me, json!({ "book": book, "at": "tomorrow" })).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_begins_when_it_is_agreed_to_and_costs_no_more() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let me = Browser::of(&server);
    with_service(&me, &standin, "1000").await;
    let book = import(&me, "Paid", &[10]).await;
    let calls = standin.calls().len();
    let (status, said) = ask(&me, json!({ "book": book, "voice": SERVICE })).await;
    assert_eq!(status, 409, "{said}");
    let (_, estimate) = ask(&me, json!({ "book": book, "voice": SERVICE, "dry_run": true })).await;
    let (cost, characters) =
        (estimate["cost"].as_f64().unwrap(), estimate["characters"].as_f64().unwrap());
    assert!((cost - characters * 1000.0 / 1e6).abs() < 1e-9, "{estimate}");
    assert_eq!(standin.calls().len(), calls, "nobody was asked yet");
    let wanted = json!({ "book": book, "voice": SERVICE, "max_cost": cost / 2.0 });
    assert_eq!(ask(&me, wanted).await.0, 409);
    let wanted = json!({ "book": book, "voice": SERVICE, "max_cost": cost });
    let (status, asked) = ask(&me, wanted).await;
    assert_eq!(status, 202);
    let done = until(&me, asked["id"].as_str().unwrap(), "completed").await;
    assert!((done["cost"].as_f64().unwrap() - cost).abs() < 1e-3, "{done}");
    assert_eq!(done["characters"].as_f64().unwrap(), characters);
    // A token that may not spend has nothing made that costs, however little.
    let other = import(&me, "Cheap", &[1]).await;
    let wanted = json!({ "book": other, "voice": SERVICE });
    assert_eq!(ask(&me, wanted).await.0, 409);
    // What is there costs nothing.
    let (_, estimate) = ask(&me, json!({ "book": book, "voice": SERVICE, "dry_run": true })).await;
    assert_eq!((&estimate["cost"], &estimate["missing"]), (&json!(0.0), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_stopped_goes_on_and_is_called_off() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let me = Browser::of(&server);
    with_service(&me, &standin, "0").await;
    standin.set_latency(Duration::from_millis(150));
    let book = import(&me, "Long", &[60]).await;
    let (_, asked) = ask(&me, json!({ "book": book, "voice": SERVICE })).await;
    let id = asked["id"].as_str().unwrap().to_owned();
    // The same, asked for again while it is not done, is the same.
    let (status, same) = ask(&me, json!({ "book": book, "voice": SERVICE })).await;
    assert_eq!((status, &same["id"]), (200, &json!(id)));
    until(&me, &id, "running").await;
    let path = |what: &str| format!("/api/narrations/{id}{what}");
    assert_eq!(me.status(Method::POST, &path("/pause")).await, 200);
    until(&me, &id, "paused").await;
    // What was in its lanes is in none any more.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let calls = standin.calls().len();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(standin.calls().len(), calls, "nothing is made while it is stopped");
    assert_eq!(me.json("/health").await["queue"]["background"], 0);
    assert_eq!(me.status(Method::POST, &path("/pause")).await, 409);
    // One that is to begin later, and was stopped, begins when it was to.
    let later = json!({ "book": book, "chapters": "1", "output": "zip", "in_hours": 5 });
    let (_, later) = ask(&me, later).await;
    let at = |what: &str| format!("/api/narrations/{}{what}", later["id"].as_str().unwrap());
    assert_eq!(me.status(Method::POST, &at("/pause")).await, 200);
    assert_eq!(me.status(Method::POST, &at("/resume")).await, 200);
    assert_eq!(
        narration(&me, later["id"].as_str().unwrap()).await["run_at_ms"],
        later["run_at_ms"]
    );
    assert_eq!(me.status(Method::DELETE, &at("")).await, 200);
    assert_eq!(me.status(Method::POST, &path("/resume")).await, 200);
    until(&me, &id, "running").await;
    assert_eq!(me.status(Method::DELETE, &path("")).await, 200);
    let ended = until(&me, &id, "cancelled").await;
    assert!(ended["done"].as_u64().unwrap() < 60, "{ended}");
    assert_eq!(me.status(Method::DELETE, &path("")).await, 409);
    assert_eq!(me.status(Method::POST, &path("/resume")).await, 409);
    // What was called off can be tried again, and makes what is missing.
    standin.set_latency(Duration::ZERO);
    assert_eq!(me.status(Method::POST, &path("/retry")).await, 200);
    let done = until(&me, &id, "completed").await;
    assert_eq!(done["done"], done["total"]);
    let mut spoken: Vec<String> =
        standin.calls().iter().map(|call| call.body["input"].to_string()).collect();
    let all = spoken.len();
    spoken.sort();
    spoken.dedup();
    assert_eq!(spoken.len(), all, "no sentence was made twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_for_and_a_wrong_key_is_said() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let me = Browser::of(&server);
    with_service(&me, &standin, "0").await;
    let book = import(&me, "Outage", &[12]).await;
    standin.fail([
        Fault::Refusal(429, "rate_limit_exceeded", Some(2)),
        Fault::Refusal(429, "rate_limit_exceeded", Some(2)),
    ]);
    let (_, asked) = ask(&me, json!({ "book": book, "voice": SERVICE })).await;
    let done = until(&me, asked["id"].as_str().unwrap(), "completed").await;
    assert_eq!((&done["failed"], &done["error"]), (&json!(0), &json!("")), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_their_own_and_has_no_more_than_they_may() {
    let (server, standin) = (with_people().await, StandIn::start().await);
    let [ada, max, lea] = [
        Browser::logged_in(&server, "Ada").await,
        Browser::logged_in(&server, "Max").await,
        Browser::logged_in(&server, "Lea").await,
    ];
    with_service(&ada, &standin, "0").await;
    standin.set_latency(Duration::from_secs(3));
    let book = import(&ada, "Theirs", &[20, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]).await;
    // Who may spend nothing is told so before anything begins.
    let (status, said) = ask(&lea, json!({ "book": book, "voice": SERVICE })).await;
    assert_eq!(status, 402, "{said}");
    for person in ada.json("/api/people").await.as_array().unwrap() {
        let path = format!("/api/people/{}", person["id"].as_str().unwrap());
        assert_eq!(ada.post(&path, &[("allowance", "unlimited")]).await.status(), 204);
    }
    let (status, first) = ask(&max, json!({ "book": book, "voice": SERVICE })).await;
    assert_eq!(status, 202);
    let id = first["id"].as_str().unwrap();
    until(&max, id, "running").await;
    // Another listener sees nothing of it; whoever runs the place sees it.
    let path = format!("/api/narrations/{id}");
    assert_eq!(lea.status(Method::GET, &path).await, 404);
    assert_eq!(lea.status(Method::DELETE, &path).await, 404);
    assert_eq!(lea.status(Method::POST, &format!("{path}/pause")).await, 404);
    assert!(lea.json("/api/narrations").await.as_array().unwrap().is_empty());
    assert_eq!(lea.status(Method::GET, "/api/narrations?all=true").await, 403);
    assert_eq!(ada.status(Method::GET, &path).await, 200);
    let all = ada.json("/api/narrations?all=true").await;
    assert_eq!(all.as_array().unwrap().len(), 1);
    // Ten wait for their turn, and no more.
    for chapter in 2..=11 {
        let wanted = json!({ "book": book, "voice": SERVICE, "chapters": chapter.to_string() });
        assert_eq!(ask(&max, wanted).await.0, 202, "{chapter}");
    }
    let wanted = json!({ "book": book, "voice": SERVICE, "chapters": "12" });
    assert_eq!(ask(&max, wanted.clone()).await.0, StatusCode::TOO_MANY_REQUESTS.as_u16());
    assert_eq!(ask(&ada, wanted).await.0, 202, "another has room of their own");
    assert_eq!(ada.status(Method::DELETE, &path).await, 200);
    until(&max, id, "cancelled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_known_under_the_names_of_the_first_plan() {
    let server = TestServer::start().await;
    let me = Browser::of(&server);
    let book = import(&me, "Plan", &[3]).await;
    let wrong = json!({ "workId": book, "jobType": "chapter" });
    let asked = me.ask(Method::POST, "/api/tts/queue").json(&wrong).send().await.unwrap();
    assert_eq!(asked.status(), 400, "no chapter is not all of them");
    let wanted = json!({ "workId": book, "jobType": "full", "voiceSettings": {} });
    let asked = me.ask(Method::POST, "/api/tts/queue").json(&wanted).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    let asked: Value = asked.json().await.unwrap();
    let id = asked["id"].as_str().unwrap();
    until(&me, id, "completed").await;
    let now = me.json(&format!("/api/tts/queue/{id}")).await;
    assert_eq!((&now["status"], &now["progressPercent"]), (&json!("completed"), &json!(100)));
    assert_eq!((&now["workId"], &now["totalChapters"]), (&json!(book), &json!(1)));
    let queue = me.json("/api/tts/queue").await;
    assert_eq!(
        queue["stats"],
        json!({ "pending": 0, "processing": 0, "completed": 1, "failed": 0 })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_asks_for_so_much_a_day_and_no_more() {
    let server = TestServer::start_with(&["--narration-characters", "150"]).await;
    let me = Browser::of(&server);
    let book = import(&me, "Enough", &[4, 3]).await;
    let of = |chapters: &str| json!({ "book": book, "chapters": chapters });
    let (status, asked) = ask(&me, of("1")).await;
    assert_eq!(status, 202, "{asked}");
    until(&me, asked["id"].as_str().unwrap(), "completed").await;
    let (status, refused) = ask(&me, of("2")).await;
    assert_eq!(status, 429, "{refused}");
    let said = refused["detail"].as_str().unwrap();
    assert!(said.contains("150 characters") && said.contains("in 24 hours"), "{said}");
    // What is there needs nothing more.
    assert_eq!(ask(&me, of("1")).await.0, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_called_off_is_not_tried_again_beyond_the_day() {
    let server = TestServer::start_with(&["--narration-characters", "150"]).await;
    let me = Browser::of(&server);
    let later = std::time::SystemTime::now() + Duration::from_secs(3600);
    let later = chrono::DateTime::<chrono::Utc>::from(later).to_rfc3339();
    let mut asked = Vec::new();
    for title in ["First", "Other"] {
        let book = import(&me, title, &[4]).await;
        let (status, said) = ask(&me, json!({ "book": book, "at": later })).await;
        assert_eq!(status, 202, "{said}");
        let id = said["id"].as_str().unwrap().to_owned();
        if title == "First" {
            assert_eq!(me.status(Method::DELETE, &format!("/api/narrations/{id}")).await, 200);
        }
        asked.push(id);
    }
    let again = format!("/api/narrations/{}/retry", asked[0]);
    assert_eq!(me.status(Method::POST, &again).await, 429);
    // In the place of the other it is.
    assert_eq!(me.status(Method::DELETE, &format!("/api/narrations/{}", asked[1])).await, 200);
    assert_eq!(me.status(Method::POST, &again).await, 200);
}

/// On PostgreSQL the two have connections of their own.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_are_asked_for_at_once_do_not_both_have_what_is_left_of_a_day() {
    let server = TestServer::start_with(&["--narration-characters", "100"]).await;
    let me = Browser::of(&server);
    let mut books = Vec::new();
    for title in ["One", "Two", "Three", "Four"] {
        books.push(import(&me, title, &[3]).await);
    }
    let asked = books.iter().map(|book| ask(&me, json!({ "book": book, "voice": VOICE })));
    let asked = futures::future::join_all(asked).await;
    let taken = asked.iter().filter(|(status, _)| *status == 202).count();
    assert_eq!(taken, 1, "{asked:?}");
}

/// Starts a server where it is quiet now, or in two hours.
async fn quiet_server(is_now: bool, more: &[&str]) -> TestServer {
    quiet_server_on(TempDir::new().unwrap(), is_now, more).await
}

/// The same, on a data folder.
async fn quiet_server_on(data: TempDir, is_now: bool, more: &[&str]) -> TestServer {
    let hours = if is_now {
        "00:00-23:59".to_owned()
    } else {
        let later = chrono::Local::now() + chrono::Duration::hours(2);
        format!(
            "{}-{}",
            later.format("%H:%M"),
            (later + chrono::Duration::hours(1)).format("%H:%M")
        )
    };
    let mut arguments = vec!["--quiet-hours", hours.as_str()];
    arguments.extend(more);
    TestServer::start_on_with(data, &arguments).await
}

/// How many clips there are of a voice's engine.
async fn clips_of(server: &TestServer, engine: &str) -> u64 {
    let storage = server.json("/api/storage").await;
    let engines = storage["engines"].as_array().unwrap();
    let line = engines.iter().find(|line| line["name"] == engine);
    line.map_or(0, |line| line["clips"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_quiet_hours_what_will_be_needed_is_made_and_nothing_is_paid_for() {
    let standin = StandIn::start().await;
    let server = quiet_server(true, &[]).await;
    let browser = Browser::of(&server);
    with_service(&browser, &standin, "100").await;
    // The first chapter of what came in: the book has five of three sentences.
    let book = import(&browser, "Quiet", &[3, 3, 3, 3, 3]).await;
    let begun = Instant::now();
    let is_made = async |chapter: u32| {
        let wanted = json!({ "book": book, "voice": VOICE, "chapters": chapter.to_string(), "dry_run": true });
        ask(&browser, wanted).await.1["missing"] == 0
    };
    while !is_made(1).await {
        assert!(begun.elapsed() < Duration::from_secs(20), "the first chapter is made");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!is_made(3).await, "and no more");
    // The chapter that somebody is in, and the two after it.
    let place = json!({ "chapter": 2, "sentence": 0, "voice": VOICE });
    let put = browser.ask(Method::PUT, &format!("/api/books/{book}/progress")).json(&place);
    assert!(put.send().await.unwrap().status().is_success());
    while !(is_made(2).await && is_made(3).await && is_made(4).await) {
        assert!(begun.elapsed() < Duration::from_secs(40), "the next chapters are made");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!is_made(5).await, "and no more");
    // A voice that costs money is not asked.
    let place = json!({ "chapter": 1, "sentence": 0, "voice": "stand-in:af_heart" });
    let put = browser.ask(Method::PUT, &format!("/api/books/{book}/progress")).json(&place);
    assert!(put.send().await.unwrap().status().is_success());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(standin.calls().len(), 0);
    // Nor is one whose price nobody has said.
    with_service_named(&browser, &standin, "unpriced", "0").await;
    let place = json!({ "chapter": 1, "sentence": 0, "voice": "unpriced:af_heart" });
    let put = browser.ask(Method::PUT, &format!("/api/books/{book}/progress")).json(&place);
    assert!(put.send().await.unwrap().status().is_success());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(standin.calls().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_quiet_hours_a_voice_costs_no_more_than_it_may() {
    let standin = StandIn::start().await;
    // 100 a million characters: a sentence of some 27 costs 0.0027.
    let server = quiet_server(true, &["--quiet-budget", "0.01"]).await;
    let browser = Browser::of(&server);
    with_service(&browser, &standin, "100").await;
    let book = import(&browser, "Paid", &[9, 9, 9]).await;
    let place = json!({ "chapter": 1, "sentence": 0, "voice": "stand-in:af_heart" });
    let put = browser.ask(Method::PUT, &format!("/api/books/{book}/progress")).json(&place);
    assert!(put.send().await.unwrap().status().is_success());
    let begun = Instant::now();
    while clips_of(&server, "stand-in").await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let spoken = standin.characters();
    assert!(spoken <= 100, "{spoken}");
    // Nor when it begins anew.
    let server = quiet_server_on(server.stop().await, true, &["--quiet-budget", "0.01"]).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(standin.characters(), spoken);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn until_it_is_quiet_nothing_is_made_that_nobody_asked_for() {
    let server = quiet_server(false, &[]).await;
    let browser = Browser::of(&server);
    let book = import(&browser, "Loud", &[3]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(clips_of(&server, "espeak-ng").await, 0);
    // What is asked for in quiet hours waits for them.
    let (status, asked) = ask(&browser, json!({ "book": book, "at": "quiet" })).await;
    assert_eq!((status, &asked["state"]), (202, &json!("queued")), "{asked}");
    let in_hours = (asked["run_at_ms"].as_u64().unwrap() as f64 / 1000.0
        - chrono::Local::now().timestamp() as f64)
        / 3600.0;
    assert!((1.9..2.1).contains(&in_hours), "{in_hours}");
    let page = server.get(&format!("/book/{book}/narration")).await.text().await.unwrap();
    assert!(page.contains("in the quiet hours ("), "{page}");
    let plain = TestServer::start().await;
    let (status, said) = ask(&Browser::of(&plain), json!({ "book": book, "at": "quiet" })).await;
    assert_eq!(status, 400, "{said}");
}
