//! Engines that people configure: what they are asked, what becomes of what they answer, and what that
//! costs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::standin::{Fault, KEY, StandIn};
use common::{TestServer, epub, epub_in};
use futures::StreamExt;
use serde_json::{Value, json};

const BODY: &str =
    "<p>It was quiet in the house. Then somebody laughed.</p><p>Nobody knew why.</p>";

async fn book(server: &TestServer, title: &str) -> String {
    server.import("book.epub", epub(title, &[("One", BODY)])).await
}

/// Adds an engine, with what else a form says.
async fn add(
    server: &TestServer,
    kind: &str,
    url: &str,
    more: &[(&str, &str)],
) -> reqwest::Response {
    let mut form = vec![("name", "stand-in"), ("kind", kind), ("url", url), ("key", KEY)];
    form.extend(more);
    server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap()
}

async fn added(server: &TestServer, kind: &str, standin: &StandIn, more: &[(&str, &str)]) {
    let response = add(server, kind, &standin.url, more).await;
    assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
}

/// A sentence of the book: status and what is said, or how long it lasts in ms.
async fn hear(
    server: &TestServer,
    book: &str,
    sentence: u32,
    voice: &str,
) -> Result<u64, (u16, String)> {
    let response = server.get(&format!("/audio/{book}/1/{sentence}.mp3?voice={voice}")).await;
    let status = response.status().as_u16();
    if status != 200 {
        let problem: Value = response.json().await.unwrap();
        return Err((status, problem["detail"].as_str().unwrap().to_owned()));
    }
    let bytes = response.bytes().await.unwrap();
    Ok(common::decoded_samples(&bytes, 24_000) * 1000 / 24_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_speaks_is_paid_once_and_the_figures_say_so() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[("price", "15")]).await;
    let voices = server.json("/api/voices").await;
    let of = |id: &str| voices.as_array().unwrap().iter().find(|voice| voice["id"] == id).cloned();
    assert_eq!(of("stand-in:af_heart").unwrap()["language"], "en-us");
    assert_eq!(of("stand-in:jf_alpha").unwrap()["language"], "ja");

    let id = book(&server, "Paid").await;
    let address = format!("/listen/{id}/1.mp3?to=chapter&voice=stand-in:af_heart");
    let first = server.get(&address).await.bytes().await.unwrap();
    assert_eq!(standin.calls().len(), 3);
    assert_eq!(standin.calls()[0].body["response_format"], "wav");
    assert!(standin.calls()[0].body.get("speed").is_none(), "some models refuse it");
    // Again, and after a restart.
    assert_eq!(server.get(&address).await.bytes().await.unwrap(), first);
    let server = TestServer::start_on(server.stop().await).await;
    assert_eq!(server.get(&address).await.bytes().await.unwrap(), first);
    assert_eq!(standin.calls().len(), 3);

    let figures = server.json("/api/storage").await;
    let characters = standin.characters() as f64;
    let total = &figures["total"];
    assert_eq!(
        (total["clips"].as_u64(), total["characters"].as_f64()),
        (Some(3), Some(characters))
    );
    assert_eq!((total["heard"].as_u64(), total["hits"].as_u64()), (Some(9), Some(6)));
    let spent = characters * 15.0 / 1e6;
    assert!((total["spent"].as_f64().unwrap() - spent).abs() < 1e-9, "{total}");
    assert!((total["saved"].as_f64().unwrap() - 2.0 * spent).abs() < 1e-9, "{total}");
    assert_eq!(figures["engines"][0]["name"], "stand-in");
    assert_eq!(figures["voices"][0]["name"], "stand-in:af_heart");
    assert_eq!(
        (&figures["books"][0]["title"], &figures["books"][0]["hits"]),
        (&json!("Paid"), &json!(6))
    );
    let page = server.get("/storage").await.text().await.unwrap();
    assert!(page.contains("stand-in:af_heart") && page.contains("66 %"), "{page}");

    // What goes on says the same, without looking at a single clip.
    let activity = server.json("/api/activity").await;
    for (kind, name) in
        [("engines", "stand-in"), ("voices", "stand-in:af_heart"), ("books", "Paid")]
    {
        let line = &activity[kind][0];
        assert_eq!(line["name"], name, "{activity}");
        let counted = [&line["made"], &line["heard"], &line["hits"]];
        assert_eq!(counted, [&json!(3), &json!(9), &json!(6)], "{activity}");
        assert!((line["spent"].as_f64().unwrap() - spent).abs() < 1e-9, "{line}");
        assert!((line["saved"].as_f64().unwrap() - 2.0 * spent).abs() < 1e-9, "{line}");
    }
    let of_day = |name: &str| -> u64 {
        let points = activity["points"].as_array().unwrap().iter();
        points
            .filter(|point| point["name"] == name)
            .map(|point| point["value"].as_u64().unwrap())
            .sum()
    };
    assert_eq!((of_day("made"), of_day("heard"), of_day("hits")), (3, 9, 6));
    assert!(of_day("waits") >= 1 && of_day("late") <= of_day("waits"), "{activity}");
    let page = server.get("/dashboard").await.text().await.unwrap();
    assert!(page.contains("stand-in:af_heart") && page.contains("66 %"), "{page}");
    // Too little to be said on the page of the book.
    let page = server.get(&format!("/book/{id}")).await.text().await.unwrap();
    assert!(!page.contains("Hearing it again has saved"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_is_an_error_and_never_kept() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[]).await;
    let id = book(&server, "Faulty").await;
    let faults = [
        (Fault::Body(""), "empty"),
        (Fault::Body("<html><body>Bad gateway</body></html>"), "web page"),
        (Fault::Body(r#"{"status": "ok"}"#), "JSON"),
        (Fault::Half, "breaks off"),
        (Fault::WrongRate, "16000 samples a second"),
        (Fault::Silence, "silence"),
    ];
    for (fault, says) in faults {
        standin.fail([fault.clone()]);
        let (status, said) = hear(&server, &id, 0, "stand-in:af_heart").await.unwrap_err();
        assert!(
            status == 503 && said.contains(says) && said.contains("stand-in"),
            "{fault:?}: {said}"
        );
    }
    assert_eq!(server.json("/api/storage").await["total"]["clips"], 0);
    // Asked again, it is made.
    let ms = hear(&server, &id, 0, "stand-in:af_heart").await.unwrap();
    assert!((1_500..2_500).contains(&ms), "{ms}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_tried_again_where_that_can_help() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[]).await;
    let id = book(&server, "Again").await;
    let voice = "stand-in:af_heart";
    standin.fail([Fault::Refusal(500, "server_error", None), Fault::Refusal(503, "busy", None)]);
    assert!(hear(&server, &id, 0, voice).await.is_ok());
    assert_eq!(standin.calls().len(), 3);

    standin.fail([Fault::Refusal(429, "rate_limit_exceeded", Some(2))]);
    let begun = Instant::now();
    assert!(hear(&server, &id, 1, voice).await.is_ok());
    assert!(begun.elapsed() >= Duration::from_secs(2), "it was asked to wait");
    assert_eq!(standin.calls().len(), 5);

    // What another try cannot help is not tried again, and said in words.
    standin.fail([Fault::Refusal(429, "insufficient_quota", Some(1))]);
    let (status, said) = hear(&server, &id, 2, voice).await.unwrap_err();
    assert!(status == 503 && said.contains("quota") && said.contains("used up"), "{said}");
    assert_eq!(standin.calls().len(), 6);
    // And nobody is asked until somebody may have paid.
    assert!(hear(&server, &id, 2, voice).await.unwrap_err().1.contains("used up"));
    assert_eq!(standin.calls().len(), 6);
    assert_eq!(server.json("/health").await["queue"]["dead"], 0, "it waits until it is mended");
    let engines = server.json("/api/engines").await;
    let reason = engines[0]["rest"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("used up"), "{engines}");
    // Whoever tests it and hears it speak has mended it.
    let test = server.url("/api/engines/stand-in/test");
    assert!(server.client.post(test).send().await.unwrap().status().is_success());
    assert!(hear(&server, &id, 2, voice).await.is_ok());

    // What breaks off may have been charged, and is not asked for again at once.
    let other = epub("Broken", &[("One", "<p>This is how it breaks off.</p>")]);
    let (other, calls) = (server.import("broken.epub", other).await, standin.calls().len());
    standin.fail([Fault::BrokenOff]);
    let (_, said) = hear(&server, &other, 0, voice).await.unwrap_err();
    assert!(said.contains("cannot be reached"), "{said}");
    assert_eq!(standin.calls().len(), calls + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_says_so_and_nobody_else_is_paid_instead() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let twice = add(&server, "openai", &standin.url, &[("key", "sk-wrong")]).await;
    assert_eq!(twice.status(), 400, "the form has the key twice");
    let form =
        [("name", "stand-in"), ("kind", "openai"), ("url", &standin.url), ("key", "sk-wrong")];
    let refused = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    let said = refused.text().await.unwrap();
    assert!(
        said.contains("does not accept its key") && said.contains("Incorrect API key"),
        "{said}"
    );
    assert!(!said.contains("sk-wrong"), "the service repeats the key, we do not: {said}");
    assert_eq!(server.json("/api/engines").await, json!([]), "nothing is stored");
    // With voices named nothing is asked, and the first sentence tells.
    let form = [
        ("voices", "alloy"),
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", &standin.url),
        ("key", "sk-wrong"),
    ];
    let stored = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(stored.status(), 201);
    let id = book(&server, "Wrong").await;
    let (status, said) = hear(&server, &id, 0, "stand-in:alloy").await.unwrap_err();
    assert!(status == 503 && said.contains("does not accept its key"), "{said}");
    assert!(!said.contains("sk-wrong"), "{said}");
    assert_eq!(standin.calls().len(), 1);
    let address = format!("/listen/{id}/1/timeline?voice=stand-in:alloy");
    let timeline = server.client.get(server.url(&address)).header("accept-language", "de");
    let (timeline, _) = tokio::join!(timeline.send(), hear(&server, &id, 0, "stand-in:alloy"));
    let told = timeline.unwrap().text().await.unwrap();
    assert!(told.contains("event: failed") && told.contains("Wähle eine andere Stimme"), "{told}");
    assert_eq!(standin.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_is_left_alone() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[("voices", "af_heart")]).await;
    let body: String = (0..8).map(|n| format!("<p>Sentence number {n} of eight.</p>")).collect();
    let id = server.import("book.epub", epub("Broken", &[("One", &body)])).await;
    standin.fail(std::iter::repeat_n(Fault::Refusal(503, "overloaded", None), 1_000));
    for sentence in 0..8 {
        let (status, said) = hear(&server, &id, sentence, "stand-in:af_heart").await.unwrap_err();
        assert!(status == 503 && said.contains("cannot be reached"), "{said}");
    }
    assert_eq!(standin.calls().len(), 15, "five sentences, three tries each");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_requests_are_made_at_once_than_are_allowed() {
    let (server, standin) =
        (TestServer::start_with(&["--workers", "8"]).await, StandIn::start().await);
    added(&server, "openai", &standin, &[("concurrency", "2")]).await;
    standin.set_latency(Duration::from_millis(100));
    let body: String = (0..12).map(|n| format!("<p>Sentence number {n} of twelve.</p>")).collect();
    let id = server.import("book.epub", epub("Many", &[("One", &body)])).await;
    let address = format!("/listen/{id}/1.mp3?to=chapter&voice=stand-in:af_heart");
    assert_eq!(server.get(&address).await.status(), 200);
    let voice = json!({ "place": { "listener": "a", "book": id, "chapter": 1, "sentence": 0, "voice": "stand-in:af_heart" } });
    server.client.post(server.url("/api/events/chapter_open")).json(&voice).send().await.unwrap();
    server.get(&address).await.bytes().await.unwrap();
    assert_eq!(standin.calls().len(), 12);
    assert_eq!(standin.most_open(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn elevenlabs_is_told_what_is_said_around_and_tells_when_words_begin() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "elevenlabs", &standin, &[("context", "on"), ("words", "on")]).await;
    let id = book(&server, "Around").await;
    let voice = "stand-in:21m00Tcm";
    server
        .get(&format!("/listen/{id}/1.mp3?to=chapter&voice={voice}"))
        .await
        .bytes()
        .await
        .unwrap();
    let calls = standin.calls();
    let second = calls.iter().find(|call| call.body["text"] == "Then somebody laughed.").unwrap();
    assert_eq!(second.path, "/v1/text-to-speech/21m00Tcm/with-timestamps");
    assert_eq!(second.body["previous_text"], "It was quiet in the house.");
    assert_eq!(second.body["next_text"], "Nobody knew why.");
    assert_eq!(second.body["model_id"], "eleven_multilingual_v2");

    let timeline = server.json(&format!("/api/books/{id}/chapters/1/timeline?voice={voice}")).await;
    let words: Vec<u64> = serde_json::from_value(timeline[0]["words_ms"].clone()).unwrap();
    // Six words, at 15 characters a second, behind LAME's 46 ms.
    let expected =
        ["", "It ", "It was ", "It was quiet ", "It was quiet in ", "It was quiet in the "];
    assert_eq!(words.len(), expected.len());
    for (ms, before) in words.iter().zip(expected) {
        let wanted = before.chars().count() as u64 * 1000 / 15 + 46;
        assert!(ms.abs_diff(wanted) <= 25, "{words:?}");
    }
    // The same sentence where other things are said around it is another clip.
    let other = "<p>It was quiet in the house. Then the door fell shut.</p>";
    let other = server.import("other.epub", epub("Elsewhere", &[("One", other)])).await;
    let before = standin.calls().len();
    hear(&server, &other, 0, voice).await.unwrap();
    assert_eq!(standin.calls().len(), before + 1);
    // An alignment may be null.
    standin.drop_alignment();
    hear(&server, &other, 1, voice).await.unwrap();
    let timeline =
        server.json(&format!("/api/books/{other}/chapters/1/timeline?voice={voice}")).await;
    assert!(
        timeline[0].get("words_ms").is_some() && timeline[1].get("words_ms").is_none(),
        "{timeline}"
    );

    standin.fail([Fault::Refusal(401, "quota_exceeded", None)]);
    let third = "<p>Nobody has said this before.</p>";
    let third = server.import("third.epub", epub("Third", &[("One", third)])).await;
    let (_, said) = hear(&server, &third, 0, voice).await.map(|_| ()).unwrap_err();
    assert!(said.contains("used up"), "ElevenLabs says 401 when it means the quota: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kokoro_tells_when_words_begin() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[("words", "on")]).await;
    let id = book(&server, "Captioned").await;
    hear(&server, &id, 0, "stand-in:af_heart").await.unwrap();
    assert_eq!(standin.calls()[0].path, "/dev/captioned_speech");
    assert_eq!(standin.calls()[0].body["stream"], false);
    let timeline =
        server.json(&format!("/api/books/{id}/chapters/1/timeline?voice=stand-in:af_heart")).await;
    assert_eq!(timeline[0]["words_ms"].as_array().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_never_leaves_the_server_and_is_not_readable_in_its_files() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[]).await;
    for address in ["/api/engines", "/engines", "/settings", "/api/openapi.json"] {
        let text = server.get(address).await.text().await.unwrap();
        assert!(!text.contains(KEY), "{address}");
    }
    assert_eq!(server.json("/api/engines").await[0]["has_key"], true);
    // Changed without entering the key again: it is kept, but not for another address.
    let form =
        [("name", "stand-in"), ("kind", "openai"), ("url", standin.url.as_str()), ("price", "3")];
    let changed = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(changed.status(), 201);
    let elsewhere = StandIn::start().await;
    let form = [("name", "stand-in"), ("kind", "openai"), ("url", elsewhere.url.as_str())];
    let moved = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(moved.status(), 503, "another address does not get the key");
    let data = server.stop().await;
    for file in std::fs::read_dir(data.path()).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            let bytes = std::fs::read(&file).unwrap();
            assert!(
                !bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()),
                "{}",
                file.display()
            );
        }
    }
    // A server with another secret key does not start speaking with it, and says why.
    std::fs::remove_file(data.path().join("secret.key")).unwrap();
    let server = TestServer::start_on(data).await;
    let test = server.client.post(server.url("/api/engines/stand-in/test")).send().await.unwrap();
    assert_eq!(test.status(), 400);
    assert!(test.text().await.unwrap().contains("EARMARK_SECRET_KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_is_tested_and_removed_and_programs_are_not_added_from_afar() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[]).await;
    let post = async |path: &str| server.client.post(server.url(path)).send().await.unwrap();
    let test = post("/api/engines/stand-in/test").await;
    assert_eq!(test.headers()["content-type"], "audio/mpeg");
    assert!(common::decoded_samples(&test.bytes().await.unwrap(), 24_000) > 24_000);
    assert_eq!(post("/api/engines/nobody/test").await.status(), 404);
    let program = add(&server, "command", "sh -c id", &[]).await;
    assert_eq!(program.status(), 400);
    for (name, value) in
        [("name", "Not Good"), ("name", "flite"), ("speed", "x"), ("url", "ftp://x")]
    {
        let mut form = vec![
            ("name", "other"),
            ("kind", "openai"),
            ("url", standin.url.as_str()),
            ("key", KEY),
        ];
        form.retain(|(known, _)| *known != name);
        form.push((name, value));
        let refused =
            server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{name}={value}");
    }
    assert_eq!(post("/api/engines/stand-in/delete").await.status(), 204);
    assert!(!server.json("/api/voices").await.to_string().contains("stand-in"));
    assert_eq!(post("/api/engines/stand-in/delete").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_costs_is_never_the_default() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[("voices", "jf_alpha ja")]).await;
    let body = "<p>吾輩は猫である。</p>";
    let id = server.import("book.epub", epub_in("ja", "猫", &[("一", body)])).await;
    // No installed voice reads Japanese; the one that needs a key is used only when it is chosen.
    let unchosen = server.get(&format!("/listen/{id}/1.mp3?to=chapter")).await;
    assert_eq!(unchosen.status(), 400, "{}", unchosen.text().await.unwrap());
    assert!(standin.calls().is_empty());
    let fresh = server.get(&format!("/audio/{id}/1/0.mp3?voice=stand-in:jf_alpha")).await;
    assert_eq!(fresh.status(), 200);
    // A program that names the voice alone means it: there is no other of that name.
    let body = json!({ "model": "tts-1", "input": "猫である。", "voice": "jf_alpha" });
    let spoken =
        server.client.post(server.url("/v1/audio/speech")).json(&body).send().await.unwrap();
    assert_eq!(spoken.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_cannot_be_stored_is_heard_and_paid_once_all_the_same() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[]).await;
    let id = book(&server, "Unstored").await;
    // Where clips go there is a file in the way.
    std::fs::write(server.data.path().join("objects/audio"), b"in the way").unwrap();
    for _ in 0..3 {
        assert!(hear(&server, &id, 0, "stand-in:af_heart").await.is_ok());
    }
    assert_eq!(standin.calls().len(), 1);
    // And kept for good when that is mended.
    std::fs::remove_file(server.data.path().join("objects/audio")).unwrap();
    assert!(hear(&server, &id, 1, "stand-in:af_heart").await.is_ok());
    assert_eq!(server.json("/api/storage").await["total"]["clips"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_books_and_three_hundred_listeners_cost_one() {
    let (server, standin) =
        (TestServer::start_with(&["--limit-per-minute", "0"]).await, StandIn::start().await);
    added(&server, "openai", &standin, &[("price", "15")]).await;
    standin.set_latency(Duration::from_millis(20));
    let body: String = (0..10)
        .map(|n| format!("<p>This is sentence number {n} of a chapter that three books share.</p>"))
        .collect();
    let mut books = Vec::new();
    for title in ["A", "B", "C"] {
        books.push(server.import("book.epub", epub(title, &[("One", &body)])).await);
    }
    let listeners = (0..300).map(|listener| {
        let address =
            format!("/listen/{}/1.mp3?to=chapter&voice=stand-in:af_heart", books[listener % 3]);
        let request = server.client.get(server.url(&address)).send();
        async move { request.await.unwrap().bytes().await.unwrap().len() }
    });
    let heard = futures::future::join_all(listeners).await;
    assert!(heard.iter().all(|bytes| *bytes == heard[0] && *bytes > 10_000));
    let texts: Vec<String> = (0..10)
        .map(|n| format!("This is sentence number {n} of a chapter that three books share."))
        .collect();
    let price_of_one: usize = texts.iter().map(|text| text.chars().count()).sum();
    assert_eq!(standin.calls().len(), 10);
    assert_eq!(standin.characters(), price_of_one, "the meter against the price of one");
    let figures = server.json("/api/storage").await;
    assert_eq!(figures["total"]["hits"], 2_990);
    let spent = price_of_one as f64 * 15.0 / 1e6;
    assert!((figures["total"]["spent"].as_f64().unwrap() - spent).abs() < 1e-9);
    assert!((figures["total"]["saved"].as_f64().unwrap() - 299.0 * spent).abs() < 1e-6);
    let by_book: f64 = figures["books"]
        .as_array()
        .unwrap()
        .iter()
        .map(|book| book["spent"].as_f64().unwrap())
        .sum();
    assert!((by_book - spent).abs() < 1e-9, "it was paid for in one of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_book_without_listening_pays_for_listening() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[]).await;
    let sentence = |n| format!("<p>Number {n} {}ends here.</p>", "goes on and on and ".repeat(8));
    let body: String = (0..150).map(sentence).collect();
    let book = server.import("book.epub", epub("Long", &[("One", &body)])).await;
    let address = format!("/listen/{book}/1.mp3?to=book&voice=stand-in:af_heart");
    let mut stream = server.get(&address).await.bytes_stream();
    // As fast as it comes, until it pauses.
    while let Ok(Some(some)) = tokio::time::timeout(Duration::from_secs(2), stream.next()).await {
        some.unwrap();
    }
    let made = standin.calls().len() as u64;
    let length = hear(&server, &book, 0, "stand-in:af_heart").await.unwrap();
    assert!(made * length > 300_000, "five minutes are there at once: {made} of {length} ms");
    assert!((made - 20) * length < 330_000, "and then it is paced: {made} of {length} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_nobody_waits_for_any_more_is_not_made_to_the_end() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[]).await;
    standin.set_latency(Duration::from_millis(50));
    let input: String = (0..200).map(|n| format!("This is sentence number {n}. ")).collect();
    let body = json!({ "model": "tts-1", "input": input, "voice": "stand-in:af_heart" });
    let request = server.client.post(server.url("/v1/audio/speech")).json(&body);
    assert!(request.timeout(Duration::from_millis(800)).send().await.is_err());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let made = standin.calls().len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let later = standin.calls().len();
    assert!(later < 150 && later - made <= 16, "{made}, then {later}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_given_words_for_figures_and_a_service_the_text_as_it_is() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    added(&server, "openai", &standin, &[("voices", "af_heart")]).await;
    let hash = async |text: &str, voice: &str| {
        let body = json!({ "text": text, "voiceId": voice });
        let answer = server.client.post(server.url("/api/voice")).json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["contentHash"].as_str().unwrap().to_owned()
    };
    for (written, said, voice) in [
        ("Henry VIII laughed.", "Henry the eighth laughed.", "espeak-ng:en-us"),
        ("Am 3. Mai kam Nr. 5.", "Am dritten Mai kam Nummer 5.", "espeak-ng:de"),
        ("El Sr. García", "El señor García", "espeak-ng:es"),
        ("Au XIXe siècle", "Au dix-neuvième siècle", "espeak-ng:fr-fr"),
    ] {
        assert_eq!(hash(written, voice).await, hash(said, voice).await, "{written}");
    }
    hash("Henry VIII laughed.", "stand-in:af_heart").await;
    assert_eq!(standin.calls()[0].body["input"], "Henry VIII laughed.");
    server.stop().await;
}

/// What OpenReader, Open WebUI and Home Assistant send, and OpenAI's own clients: some take the name of a voice from
/// the list and some its id, and all begin with a voice that another service has.
#[tokio::test(flavor = "multi_thread")]
async fn programs_written_for_other_services_are_spoken_to() {
    let server = TestServer::start().await;
    let speak = async |body: Value| {
        let asked = server.client.post(server.url("/v1/audio/speech")).json(&body).send().await;
        let answer = asked.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    };
    let voices = server.json("/v1/audio/voices").await;
    let voices = voices["voices"].as_array().unwrap();
    assert!(voices[0]["id"].as_str().unwrap().contains(":en"), "the default first: {}", voices[0]);
    for voice in voices.iter().step_by(voices.len() / 5) {
        assert_eq!(voice["name"], voice["id"]);
        let body = json!({ "model": "kokoro", "input": "One.", "voice": voice["name"] });
        let (status, by_name) = speak(body).await;
        assert_eq!(status, 200, "{voice}");
        let called = voice["displayName"].as_str().unwrap().to_uppercase();
        let (status, by_its_own) = speak(json!({ "input": "One.", "voice": called })).await;
        assert_eq!(status, 200, "{called}");
        assert!(!by_name.is_empty() && !by_its_own.is_empty());
    }
    let (_, by_default) = speak(json!({ "input": "Two.", "voice": voices[0]["id"] })).await;
    for body in [
        // OpenReader, before it has a list; with a field that OpenAI does not have.
        json!({ "model": "kokoro", "input": "Two.", "voice": "af_sarah", "speed": 1, "language": "en-US", "response_format": "mp3" }),
        // OpenAI's clients.
        json!({ "model": "gpt-4o-mini-tts", "input": "Two.", "voice": "alloy", "instructions": "Calm.", "stream_format": "audio" }),
        json!({ "model": "tts-1", "input": "Two.", "voice": { "id": "voice_123" } }),
        // Open WebUI with nothing chosen, and Home Assistant.
        json!({ "model": "tts-1", "input": "Two.", "voice": "" }),
        json!({ "model": "tts-1", "input": "Two.", "voice": null }),
        json!({ "input": "Two." }),
    ] {
        let (status, sound) = speak(body.clone()).await;
        assert_eq!((status, &sound), (200, &by_default), "{body}");
    }
    // Home Assistant's openai_tts tries a key with a full stop, and asks for a page of voices.
    let tried =
        json!({ "model": "tts-1", "input": ".", "voice": "alloy", "response_format": "mp3" });
    let (status, sound) = speak(tried).await;
    assert_eq!(status, 200);
    let samples = common::decoded(&sound, 24_000);
    assert!(samples.len() > 2_400 && samples.iter().all(|sample| sample.abs() < 0.001));
    let (status, _) = speak(json!({ "input": " \n", "voice": "alloy" })).await;
    assert_eq!(status, 400);
    let page = server.json("/v1/audio/voices?limit=100").await;
    assert_eq!(page["voices"].as_array().unwrap().len(), voices.len());
    // Open WebUI asks for the models of speech beside the voices, and says who asks.
    let models = server.json("/v1/audio/models").await;
    let models = models["models"].as_array().unwrap();
    assert!(models.iter().any(|model| model["id"] == "espeak-ng"), "{models:?}");
    let asked = server.client.post(server.url("/v1/audio/speech")).bearer_auth("none");
    let asked =
        asked.header("X-OpenWebUI-User-Name", "Ada").header("content-type", "application/json");
    let asked =
        asked.body(r#"{"model":"tts-1","input":"Two.","voice":"alloy","id":"a"}"#).send().await;
    assert_eq!(asked.unwrap().status(), 200);
    let strict = json!({ "input": "Two.", "voice": "alloy", "strict": true });
    let (status, refused) = speak(strict).await;
    let refused: Value = serde_json::from_slice(&refused).unwrap();
    assert_eq!((status, &refused["error"]["param"]), (400, &json!("voice")));
}
