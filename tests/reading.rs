//! How a listener wants a book read: single passages by another voice, not at all or once more; pauses, and what
//! is passed over; and what the book itself says of how it is to be said.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::standin::{KEY, StandIn};
use common::{TestServer, decoded, epub, epub_with};
use serde_json::Value;

async fn paid() -> (TestServer, StandIn) {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let form = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", &standin.url),
        ("key", KEY),
        ("price", "100"),
    ];
    let added = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201);
    (server, standin)
}

const VOICE: &str = "stand-in:af_heart";

async fn post(server: &TestServer, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let sent = server.client.post(server.url(path)).form(form).send().await.unwrap();
    let status = sent.status().as_u16();
    (status, sent.json().await.unwrap_or_default())
}

/// What the service is asked to say for a chapter from here on.
async fn heard(server: &TestServer, standin: &StandIn, book: &str, rest: &str) -> Vec<String> {
    let before = standin.calls().len();
    let stream = server.get(&format!("/listen/{book}/1.mp3?to=chapter&voice={VOICE}{rest}")).await;
    stream.error_for_status().unwrap().bytes().await.unwrap();
    let calls = standin.calls();
    let mut said: Vec<String> = calls[before..]
        .iter()
        .map(|call| {
            format!(
                "{}: {}",
                call.body["voice"].as_str().unwrap(),
                call.body["input"].as_str().unwrap()
            )
        })
        .collect();
    said.sort();
    said
}

async fn length_ms(server: &TestServer, path: &str) -> f64 {
    let sound = server.get(path).await.error_for_status().unwrap().bytes().await.unwrap();
    decoded(&sound, 24_000).len() as f64 / 24.0
}

const THREE: &str = "<p>One is first. Two is second. Three is third.</p>";

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_is_said_once_more_and_only_that_one_is_paid_again() {
    let (server, standin) = paid().await;
    let book = server.import("a.epub", epub("Again", &[("1", THREE)])).await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 3);
    let form =
        [("chapter", "1"), ("first", "1"), ("last", "1"), ("how", "again"), ("voice", VOICE)];
    let path = format!("/api/books/{book}/passages");
    let (status, kept) = post(&server, &path, &form).await;
    assert_eq!(
        (status, &kept["note"], &kept["quote"]),
        (201, &VOICE.into(), &"Two is second.".into())
    );
    assert_eq!(heard(&server, &standin, &book, "").await, ["af_heart: Two is second."]);
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 0, "the second take is kept");
    // A third time, and back to the second, which was paid for.
    let (_, third) = post(&server, &path, &form).await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 1);
    let gone = format!("/api/books/{book}/annotations/{}", third["id"].as_str().unwrap());
    let gone = server.client.delete(server.url(&gone)).send().await.unwrap();
    assert!(gone.status().is_success());
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 0);
    // Another voice begins with what it said first.
    let other = format!("/listen/{book}/1.mp3?to=chapter&voice=stand-in:bm_george");
    length_ms(&server, &other).await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 0);
    // espeak-ng says it the same each time, and says so.
    let form = [
        ("chapter", "1"),
        ("first", "1"),
        ("last", "1"),
        ("how", "again"),
        ("voice", "espeak-ng:en-us"),
    ];
    let (status, problem) = post(&server, &path, &form).await;
    assert_eq!(status, 400, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("the same each time"), "{problem}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentences_are_read_by_another_voice_or_by_nobody() {
    let (server, standin) = paid().await;
    let book = server.import("a.epub", epub("Parts", &[("1", THREE), ("2", THREE)])).await;
    let path = format!("/api/books/{book}/passages");
    let voice = [
        ("chapter", "1"),
        ("first", "0"),
        ("last", "1"),
        ("how", "voice"),
        ("voice", "stand-in:bm_george"),
    ];
    assert_eq!(post(&server, &path, &voice).await.0, 201);
    let nobody = [("chapter", "1"), ("first", "0"), ("last", "1"), ("how", "voice")];
    assert_eq!(post(&server, &path, &nobody).await.0, 400, "no voice is named");
    let skip = [("chapter", "1"), ("first", "2"), ("last", "2"), ("how", "skip")];
    let (_, first) = post(&server, &path, &skip).await;
    // Said twice, it is said once.
    post(&server, &path, &voice).await;
    let (_, skipped) = post(&server, &path, &skip).await;
    assert_ne!(first["id"], skipped["id"]);
    let kept = server.json(&format!("/api/books/{book}/annotations")).await;
    assert_eq!(kept.as_array().unwrap().len(), 2, "{kept}");
    let said = heard(&server, &standin, &book, "").await;
    assert_eq!(said, ["bm_george: One is first.", "bm_george: Two is second."]);
    let timeline =
        server.json(&format!("/api/books/{book}/chapters/1/timeline?voice={VOICE}")).await;
    assert_eq!((timeline.as_array().unwrap().len(), &timeline[2]["duration_ms"]), (3, &0.into()));
    let stream = format!("/listen/{book}/1.mp3?to=chapter&voice={VOICE}");
    let ms = length_ms(&server, &stream).await;
    let told =
        timeline[1]["start_ms"].as_f64().unwrap() + timeline[1]["duration_ms"].as_f64().unwrap();
    assert!((ms - told).abs() < 5.0, "{ms} {told}");
    // They are found and taken back where notes are, and are no notes.
    let page = server.get(&format!("/book/{book}/notes")).await.text().await.unwrap();
    assert!(page.contains("Not read") && page.contains("Read by"), "{page}");
    let markdown =
        server.get(&format!("/api/books/{book}/annotations.md")).await.text().await.unwrap();
    assert!(!markdown.contains("Three is third"), "{markdown}");
    let id = skipped["id"].as_str().unwrap();
    let renamed =
        post(&server, &format!("/api/books/{book}/annotations/{id}"), &[("note", "x")]).await;
    assert_eq!(renamed.0, 404);
    server
        .client
        .delete(server.url(&format!("/api/books/{book}/annotations/{id}")))
        .send()
        .await
        .unwrap();
    assert_eq!(heard(&server, &standin, &book, "").await, ["af_heart: Three is third."]);
    // What cannot be is refused, in words.
    for (form, why) in [
        ([("chapter", "1"), ("first", "2"), ("last", "3"), ("how", "skip"), ("voice", "")], 400),
        ([("chapter", "1"), ("first", "2"), ("last", "1"), ("how", "skip"), ("voice", "")], 400),
        ([("chapter", "9"), ("first", "0"), ("last", "0"), ("how", "skip"), ("voice", "")], 404),
        ([("chapter", "1"), ("first", "0"), ("last", "0"), ("how", "sing"), ("voice", "")], 400),
        (
            [
                ("chapter", "1"),
                ("first", "0"),
                ("last", "0"),
                ("how", "voice"),
                ("voice", "no:one"),
            ],
            400,
        ),
    ] {
        assert_eq!(post(&server, &path, &form).await.0, why, "{form:?}");
    }
    // Where the voice is gone, the narrator reads.
    server.client.delete(server.url("/api/engines/stand-in")).send().await.unwrap();
    length_ms_at(
        &server,
        &format!("/listen/{book}/1.mp3?to=chapter&voice=espeak-ng:en-us"),
        22_050,
    )
    .await;
    server.stop().await;
}

async fn length_ms_at(server: &TestServer, path: &str, rate: u32) -> f64 {
    let sound = server.get(path).await.error_for_status().unwrap().bytes().await.unwrap();
    decoded(&sound, rate).len() as f64 * 1000.0 / f64::from(rate)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_a_passage_stays_when_the_book_is_read_anew() {
    let (server, standin) = paid().await;
    let book = server.import("a.epub", epub("Anew", &[("1", THREE)])).await;
    let skip = [("chapter", "1"), ("first", "1"), ("last", "1"), ("how", "skip")];
    post(&server, &format!("/api/books/{book}/passages"), &skip).await;
    assert_eq!(post(&server, &format!("/api/books/{book}/reimport"), &[]).await.0, 200);
    let said = heard(&server, &standin, &book, "").await;
    assert_eq!(said, ["af_heart: One is first.", "af_heart: Three is third."]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_are_as_long_as_a_listener_says_and_nothing_is_made_again() {
    let (server, standin) = paid().await;
    let text = "<h1>Title</h1><p>One. Two.</p><p>Three.</p><p>* * *</p><p>Four.</p>";
    let book = server.import("a.epub", epub("Pauses", &[("1", text)])).await;
    let ms = async |pauses: &str| {
        length_ms(
            &server,
            &format!("/listen/{book}/1.mp3?to=chapter&voice={VOICE}&pauses={pauses}"),
        )
        .await
    };
    let normal = ms("normal").await;
    let calls = standin.calls().len();
    let none = ms("own-1-1-1-1").await;
    // Heading 780, sentence 130, three paragraphs 420, the break 600, the end 1500.
    assert!((normal - none - 4_270.0).abs() < 150.0, "{normal} {none}");
    for (pauses, less) in [
        ("own-5-5-5-5", 0.0),
        ("own-1-5-5-5", 130.0),
        ("own-5-1-5-5", 1_260.0),
        ("own-5-5-1-5", 2_280.0),
        ("own-5-5-5-1", 600.0),
        ("own-5-5-5-6", -300.0),
    ] {
        let own = ms(pauses).await;
        assert!((normal - own - less).abs() < 60.0, "{pauses}: {normal} {own}");
    }
    assert_eq!(standin.calls().len(), calls);
    let refused = server.get(&format!("/listen/{book}/1.mp3?pauses=own-0-5-5-5")).await;
    assert_eq!(refused.status(), 400);
    // As chosen in the settings, also where a program does not say.
    let own = [
        ("pauses", "own"),
        ("rest_sentence", "1"),
        ("rest_paragraph", "1"),
        ("rest_heading", "1"),
        ("rest_scene", "1"),
    ];
    post(&server, "/settings", &own).await;
    let chosen =
        length_ms(&server, &format!("/listen/{book}/1.mp3?to=chapter&voice={VOICE}")).await;
    assert!((chosen - none).abs() < 5.0, "{chosen} {none}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headings_references_and_addresses_are_passed_over_as_a_listener_chooses() {
    let (server, standin) = paid().await;
    let text = "<h1>The Title</h1><p>It is known [12]. See https://www.example.org/x.</p>";
    let book = server.import("a.epub", epub("Rules", &[("1", text)])).await;
    let said = heard(&server, &standin, &book, "&skip=titles,citations,links").await;
    assert_eq!(said, ["af_heart: It is known.", "af_heart: See."]);
    let said = heard(&server, &standin, &book, "&skip=sites").await;
    assert_eq!(
        said,
        ["af_heart: It is known [12].", "af_heart: See example.org.", "af_heart: The Title"]
    );
    let said = heard(&server, &standin, &book, "&skip=").await;
    assert_eq!(said, ["af_heart: See https://www.example.org/x."]);
    // Whoever begins in the text does not hear the headings that follow in it.
    let lines = "<h1>Part<br/>The Title</h1><p>One.</p><p>Two.</p><h2>Chapter</h2><p>Three.</p>";
    let other = server.import("b.epub", epub("Heads", &[("1", lines)])).await;
    let said = heard(&server, &standin, &other, "&skip=titles&from=2").await;
    assert_eq!(said, ["af_heart: One.", "af_heart: Three.", "af_heart: Two."]);
    assert_eq!(
        heard(&server, &standin, &other, "&skip=titles").await.len(),
        0,
        "no line of a heading"
    );
    // What is chosen holds for whoever does not say, and for what pages have made ahead.
    post(&server, "/settings", &[("citations", "off"), ("links", "skip"), ("titles", "off")]).await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 0);
    let refused = server.get(&format!("/listen/{book}/1.mp3?skip=shoes")).await;
    assert_eq!(refused.status(), 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn title_pages_and_indexes_are_passed_over_and_a_reader_corrects_what_was_found() {
    let (server, _standin) = paid().await;
    let book = epub_with(
        "en",
        "Matter",
        &[
            ("Front", "<section epub:type='titlepage'><p>The Book of Matter.</p></section>"),
            ("Contents", "<p>One. Two.</p>"),
            ("Preface", "<p>Why this book.</p>"),
            ("One", "<p>The first chapter.</p>"),
            ("Index", "<p>Matter, 1.</p>"),
            ("Two", "<p>The second chapter.</p>"),
            ("About the Author", "<p>She writes.</p>"),
        ],
        &[],
    );
    let book = server.import("a.epub", book).await;
    let matter = async || {
        let book = server.json(&format!("/api/books/{book}")).await;
        let chapters = book["chapters"].as_array().unwrap().clone();
        chapters.iter().map(|one| one["matter"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(matter().await, ["front", "front", "text", "text", "back", "text", "back"]);
    let next_of = async |chapter: u32, skip: &str| {
        let path = format!("/listen/{book}/{chapter}/timeline?voice=espeak-ng:en-us&skip={skip}");
        let stream = server
            .get(&format!("/listen/{book}/{chapter}.mp3?to=chapter&voice=espeak-ng:en-us"))
            .await;
        stream.bytes().await.unwrap();
        let events = server.get(&path).await.text().await.unwrap();
        let end = events.split("event: end").nth(1).unwrap().to_owned();
        let data = end.split("data: ").nth(1).unwrap().lines().next().unwrap().to_owned();
        serde_json::from_str::<Value>(&data).unwrap()["next_chapter"].as_u64()
    };
    assert_eq!(next_of(4, "").await, Some(5));
    assert_eq!(next_of(4, "matter").await, Some(6));
    assert_eq!(next_of(6, "matter").await, None, "the book ends with its text");
    // Who begins in one hears it, and goes on with the text.
    assert_eq!(next_of(1, "matter").await, Some(3));
    let path = format!("/api/books/{book}/matter");
    assert_eq!(post(&server, &path, &[("chapter", "5"), ("matter", "text")]).await.0, 204);
    assert_eq!(next_of(4, "matter").await, Some(5));
    assert_eq!(post(&server, &path, &[("chapter", "9"), ("matter", "text")]).await.0, 404);
    assert_eq!(post(&server, &path, &[("chapter", "1"), ("matter", "x")]).await.0, 400);
    // What a reader has said stays when the file is read anew.
    assert_eq!(post(&server, &format!("/api/books/{book}/reimport"), &[]).await.0, 200);
    assert_eq!(matter().await, ["front", "front", "text", "text", "text", "text", "back"]);
    server.stop().await;
}

const LEXICON: &str = "<?xml version='1.0'?><lexicon version='1.0' alphabet='ipa' xml:lang='en' \
    xmlns='http://www.w3.org/2005/01/pronunciation-lexicon'>\
    <lexeme><grapheme>Cholmondeley</grapheme><phoneme>ˈtʃʌmli</phoneme><alias>Chumley</alias></lexeme></lexicon>";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_book_says_of_how_words_are_said_is_respected() {
    let (server, standin) = paid().await;
    let french = LEXICON.replace("'en'", "'fr'").replace("Cholmondeley", "first");
    let book = epub_with(
        "en",
        "Lexicon",
        &[(
            "1",
            "<p>Cholmondeley was first.</p><p>They <span ssml:alphabet='ipa' ssml:ph='lɛd'>lead</span> it.</p>",
        )],
        &[
            ("own.pls", "application/pls+xml", LEXICON),
            ("other.pls", "application/pls+xml", &french),
        ],
    );
    let book = server.import("a.epub", book).await;
    let entries = server.json(&format!("/api/books/{book}/pronunciations")).await;
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!(entries[0]["phonemes"], "ˈtʃʌmli");
    let said = heard(&server, &standin, &book, "").await;
    assert_eq!(said, ["af_heart: Chumley was first.", "af_heart: They lead it."]);
    // The phonemes of a place are in the page neither to be seen nor to be run.
    let page = server.get(&format!("/read/{book}/1")).await.text().await.unwrap();
    assert!(!page.contains("lɛd") && page.contains("lead"));
    // A listener's own word counts, also when the file is read anew.
    let own = [("written", "Cholmondeley"), ("spoken", "Chum"), ("scope", "book")];
    assert_eq!(post(&server, &format!("/api/books/{book}/pronunciations"), &own).await.0, 201);
    assert_eq!(post(&server, &format!("/api/books/{book}/reimport"), &[]).await.0, 200);
    assert_eq!(heard(&server, &standin, &book, "").await, ["af_heart: Chum was first."]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_service_is_to_speak_is_told_to_it_and_is_another_sound() {
    let (server, standin) = paid().await;
    let book = server.import("a.epub", epub("Manner", &[("1", THREE)])).await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 3);
    let asked = |call: &common::standin::Call| call.body["instructions"].clone();
    assert!(standin.calls().iter().all(|call| asked(call).is_null()));
    let form =
        [("name", "stand-in"), ("kind", "openai"), ("instructions", "Like a calm storyteller.")];
    assert_eq!(post(&server, "/api/engines", &form).await.0, 201);
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 3);
    assert_eq!(asked(standin.calls().last().unwrap()), "Like a calm storyteller.");
    let engines = server.json("/api/engines").await;
    assert_eq!(engines[0]["instructions"], "Like a calm storyteller.");
    // Taken back, it is the sound that was paid for first.
    let form = [("name", "stand-in"), ("kind", "openai"), ("instructions", "-")];
    assert_eq!(post(&server, "/api/engines", &form).await.0, 201);
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 0);
    // A listener may want another manner in a language, or in one book; of a model that takes one.
    let set_model = async |model: &str| {
        let form = [("name", "stand-in"), ("kind", "openai"), ("model", model)];
        assert_eq!(post(&server, "/api/engines", &form).await.0, 201);
    };
    let set = async |name: String, told: &str| {
        let form = [(name, told.to_owned())];
        let chosen = server.client.post(server.url("/settings")).form(&form).send().await.unwrap();
        assert!(chosen.status().is_success());
    };
    set("instructions_en".to_owned(), "Slowly.").await;
    set_model("tts-1").await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 3);
    assert!(asked(standin.calls().last().unwrap()).is_null(), "this model is told nothing");
    set_model(engines[0]["model"].as_str().unwrap()).await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 3);
    assert_eq!(asked(standin.calls().last().unwrap()), "Slowly.");
    set(format!("instructions_{book}"), "Like a pirate.").await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 3);
    assert_eq!(asked(standin.calls().last().unwrap()), "Like a pirate.");
    let page =
        server.client.get(server.url(&format!("/book/{book}"))).header("accept", "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("Like a pirate.</textarea>") && page.contains("Slowly.</textarea>"),
        "{page}"
    );
    // Nothing that was paid for is lost.
    set(format!("instructions_{book}"), "").await;
    set("instructions_en".to_owned(), "").await;
    assert_eq!(heard(&server, &standin, &book, "").await.len(), 0);
    let form = [("name", "stand-in"), ("kind", "openai"), ("instructions", &"x".repeat(1_001))];
    assert_eq!(post(&server, "/api/engines", &form).await.0, 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_is_read_by_the_voice_that_was_chosen_for_it() {
    let (server, standin) = paid().await;
    let long = "Longtemps, je me suis couché de bonne heure, parce que les soirées étaient longues et que \
        personne ne venait frapper à ma porte quand la lumière était éteinte.";
    let text = format!("<p>It is so.</p><p lang='fr'>{long}</p>");
    let book = server.import("a.epub", epub("Tongues", &[("1", &text)])).await;
    for (name, voice) in [("voice_en", VOICE), ("voice_fr", "stand-in:bm_george")] {
        assert_eq!(post(&server, "/settings", &[(name, voice)]).await.0, 204);
    }
    let stream = format!("/listen/{book}/1.mp3?to=chapter&voice=%20languages");
    length_ms(&server, &stream).await;
    let calls = standin.calls();
    let voices: Vec<&str> = calls.iter().map(|call| call.body["voice"].as_str().unwrap()).collect();
    assert!(voices.contains(&"af_heart") && voices.contains(&"bm_george"), "{voices:?}");
    let page = server.get(&format!("/read/{book}/1")).await.text().await.unwrap();
    assert!(page.contains(&format!("data-voice=\"{VOICE}\"")), "the page offers it");
    // One that is gone keeps nobody from listening.
    assert_eq!(post(&server, "/settings", &[("voice_en", "no:one")]).await.0, 204);
    let stream = server.get(&format!("/listen/{book}/1.mp3?to=chapter")).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(post(&server, "/settings", &[("voice_en", "")]).await.0, 204);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_default_voice_is_told_once() {
    let server = TestServer::start().await;
    let book = server.import("a.epub", epub("News", &[("1", THREE)])).await;
    let other = server.import("b.epub", epub("More", &[("1", THREE)])).await;
    let has_news = async |server: &TestServer, book: &str| {
        let page = server.client.get(server.url(&format!("/read/{book}/1")));
        let page = page.header("accept", "text/html").send().await.unwrap().text().await.unwrap();
        page.contains("voice-news")
    };
    assert!(!has_news(&server, &book).await, "nobody knew another");
    let data = server.stop().await;
    let server = TestServer::start_on_with(data, &["--voice", "espeak-ng:en-gb"]).await;
    assert!(has_news(&server, &book).await);
    assert!(!has_news(&server, &book).await, "once");
    assert!(!has_news(&server, &other).await, "for all books in the language");
    // Who has chosen a voice for the language knows.
    post(&server, "/settings", &[("voice_en", "espeak-ng:en-gb-scotland")]).await;
    assert!(!has_news(&server, &book).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_described_to_whoever_wants_to_hear_it() {
    let (server, standin) = paid().await;
    let text = "<p>Before.</p><p><img src='a.png' alt='A lamp on a table'/></p>\
        <p>With <img src='a.png' alt='a picture in a line'/> it.</p><p><img src='a.png' alt='image'/></p>\
        <p><a href='https://example.org'><img src='a.png' alt='A link to a site'/></a></p><p>After.</p>";
    const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
    let text = text.replace("a.png", "a.svg");
    let file = epub_with("en", "Seen", &[("1", &text)], &[("a.svg", "image/svg+xml", PICTURE)]);
    let book = server.import("a.epub", file).await;
    let said = heard(&server, &standin, &book, "").await;
    assert_eq!(said, ["af_heart: After.", "af_heart: Before.", "af_heart: With it."]);
    post(&server, "/settings", &[("pictures", "on")]).await;
    assert_eq!(heard(&server, &standin, &book, "").await, ["af_heart: A lamp on a table"]);
    let page = server.get(&format!("/read/{book}/1")).await.text().await.unwrap();
    assert!(page.contains("data-part=\"picture\""), "{page}");
    server.stop().await;
}
