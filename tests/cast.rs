//! Several voices in one book: the narrator, what somebody says, and passages in other languages.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::standin::{KEY, StandIn};
use common::{TestServer, decoded, epub};
use serde_json::{Value, json};

/// A server with a paid engine of two voices, so that it can be seen who was asked to say what.
async fn paid() -> (TestServer, StandIn) {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let form = [("name", "stand-in"), ("kind", "openai"), ("url", &standin.url), ("key", KEY)];
    let added = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201);
    (server, standin)
}

/// Who said what, in order of the text.
fn said(standin: &StandIn) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let calls = standin.calls();
    let mut said: Vec<_> =
        calls.iter().map(|call| (text(&call.body["voice"]), text(&call.body["input"]))).collect();
    said.sort();
    said
}

fn encoded(cast: &str) -> String {
    cast.replace(' ', "%20")
}

/// A chapter with a cast: how many samples it has, and what its timeline says, in milliseconds.
async fn heard(server: &TestServer, book: &str, cast: &str, rate: u32) -> (f64, Vec<Value>) {
    let cast = encoded(cast);
    let stream = server.get(&format!("/listen/{book}/1.mp3?to=chapter&voice={cast}")).await;
    let sound = stream.error_for_status().unwrap().bytes().await.unwrap();
    let ms = decoded(&sound, rate).len() as f64 * 1000.0 / f64::from(rate);
    let timeline = format!("/api/books/{book}/chapters/1/timeline?voice={cast}");
    let timeline = server.json(&timeline).await.as_array().unwrap().clone();
    (ms, timeline)
}

fn end_ms(timeline: &[Value]) -> f64 {
    let last = timeline.last().unwrap();
    (last["start_ms"].as_u64().unwrap() + last["duration_ms"].as_u64().unwrap()) as f64
}

const TALK: &str = "<p>“No,” she said. “I will not go.” He left.</p><p>“It was long ago. Nobody knows.” \
    The so-called “expert” laughed.</p>";

#[tokio::test(flavor = "multi_thread")]
async fn two_voices_take_turns_and_each_part_is_paid_once() {
    let (server, standin) = paid().await;
    let book = server.import("a.epub", epub("Talk", &[("1", TALK)])).await;
    let cast = "stand-in:af_heart speech=stand-in:bm_george";
    let (ms, timeline) = heard(&server, &book, cast, 24_000).await;
    let owned = |(voice, text): (&str, &str)| (voice.to_owned(), text.to_owned());
    let expected = [
        ("af_heart", "He left."),
        ("af_heart", "The so-called “expert” laughed."),
        ("af_heart", "she said."),
        ("bm_george", "Nobody knows.”"),
        ("bm_george", "“I will not go.”"),
        ("bm_george", "“It was long ago."),
        ("bm_george", "“No,”"),
    ];
    assert_eq!(said(&standin), expected.map(owned));
    // A sentence is one entry, however many speak in it, and the stream is as long as they say.
    assert_eq!(timeline.len(), 6, "{timeline:?}");
    assert!((ms - end_ms(&timeline)).abs() < 5.0, "{ms} {timeline:?}");
    // Heard again, in parts, and as the page asks for it: nothing is made twice.
    let cast = encoded(cast);
    let part = server
        .client
        .get(server.url(&format!("/listen/{book}/1.mp3?voice={cast}")))
        .header("range", "bytes=5000-5999")
        .send()
        .await
        .unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().len()), (206, 1000));
    let one = server.get(&format!("/audio/{book}/1/0.mp3?voice={cast}")).await;
    let one = decoded(&one.bytes().await.unwrap(), 24_000).len() as f64 / 24.0;
    let pause = timeline[0]["duration_ms"].as_f64().unwrap() - one;
    assert!((0.0..400.0).contains(&pause), "both parts and a rest: {pause}");
    let outline = server.json(&format!("/api/books/{book}/chapters/1/outline?voice={cast}")).await;
    assert_eq!(outline["estimated"], json!([]), "{outline}");
    let made = server.json(&format!("/api/books/{book}/audios?voice={cast}")).await;
    assert_eq!((&made[0]["spoken"], &made[0]["made"]), (&json!(6), &json!(6)));
    let place = json!({ "place": {
        "listener": "a-listener-of-two", "book": book, "chapter": 1, "sentence": 0,
        "voice": "stand-in:af_heart speech=stand-in:bm_george",
    }});
    let opened = server.client.post(server.url("/api/events/chapter_open")).json(&place);
    let opened = opened.send().await.unwrap();
    assert_eq!(opened.json::<Value>().await.unwrap(), Value::Null, "all is made");
    assert_eq!(standin.calls().len(), 7);
    // Whoever hears one voice shares what nobody else says.
    heard(&server, &book, "stand-in:af_heart", 24_000).await;
    assert_eq!(standin.calls().len(), 7 + 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_of_other_sample_rates_are_brought_to_the_narrators() {
    let (server, standin) = paid().await;
    let book = server.import("a.epub", epub("Talk", &[("1", TALK)])).await;
    // espeak-ng speaks at 22,050 Hz, the service at 24,000.
    let cast = "espeak-ng:en-us speech=stand-in:bm_george";
    let (ms, timeline) = heard(&server, &book, cast, 22_050).await;
    assert_eq!(standin.calls().len(), 4);
    assert_eq!(timeline.len(), 6);
    assert!((ms - end_ms(&timeline)).abs() < 5.0, "{ms} {timeline:?}");
    let cast = "stand-in:af_heart speech=espeak-ng:en-us";
    let (ms, timeline) = heard(&server, &book, cast, 24_000).await;
    assert!((ms - end_ms(&timeline)).abs() < 5.0, "{ms} {timeline:?}");
    // What the service said in one stream it is not asked again for another.
    let before = standin.calls().len();
    let cast = "espeak-ng:en-us speech=stand-in:af_heart";
    heard(&server, &book, cast, 22_050).await;
    let parts_of_speech = 4;
    assert_eq!(standin.calls().len(), before + parts_of_speech);
    heard(&server, &book, "stand-in:bm_george speech=stand-in:af_heart", 24_000).await;
    let by_narrator = 3;
    assert_eq!(standin.calls().len(), before + parts_of_speech + by_narrator);
    // One that is gone keeps nobody from listening, and a narrator that is gone is said to be so.
    let (ms, _) = heard(&server, &book, "stand-in:af_heart speech=nobody:here", 24_000).await;
    assert!(ms > 1_000.0);
    for narrator in ["nobody:here", "stand-in:af_heart%20and%20others"] {
        let answer = server.get(&format!("/listen/{book}/1.mp3?voice={narrator}")).await;
        assert_eq!(answer.status(), 400, "{narrator}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_in_other_languages_are_read_by_voices_of_those() {
    let (server, standin) = paid().await;
    let long = "Longtemps, je me suis couché de bonne heure, parce que les soirées étaient longues et que \
        personne ne venait nous voir dans cette maison au bord de la rivière, où il pleuvait souvent.";
    let body = format!(
        "<p>He greeted them.</p><p lang='fr'>Bonjour tout le monde.</p><p><i xml:lang='de'>Guten Tag.</i></p>\
         <p>{long}</p><p>Nobody <i lang='fr'>comprend</i>.</p><p lang='en-GB'>They went in.</p>"
    );
    let book = server.import("a.epub", epub("Tongues", &[("1", &body)])).await;
    let cast = "stand-in:af_heart languages";
    let (ms, timeline) = heard(&server, &book, cast, 24_000).await;
    assert!((ms - end_ms(&timeline)).abs() < 5.0, "{ms} {timeline:?}");
    let by_narrator: Vec<_> = said(&standin).into_iter().map(|(_, text)| text).collect();
    assert_eq!(by_narrator, ["He greeted them.", "Nobody comprend.", "They went in."]);
    let voices = server.json("/api/storage").await["voices"].to_string();
    assert!(voices.contains("espeak-ng:fr") && voices.contains("espeak-ng:de"), "{voices}");
    // Without being asked, the narrator reads it all.
    heard(&server, &book, "stand-in:af_heart", 24_000).await;
    assert_eq!(standin.calls().len(), 6);
    server.stop().await;
}
