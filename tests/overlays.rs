//! Books that bring somebody who reads them: heard in that reading, sentence by sentence, with every other voice to
//! change to.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{Cursor, Write};
use std::process::{Command, Stdio};

use common::{TestServer, VOICE, decoded, epub};
use serde_json::{Value, json};

const RATE: u32 = 24_000;
/// How loud silence may be where it was encoded and decoded twice.
const SILENT: f32 = 0.02;

/// A tone of each height, in Hz, for so long, in milliseconds; 0 is silence.
fn sound(tones: &[(u32, u32)], rate: u32, arguments: &[&str]) -> Vec<u8> {
    let samples = tones.iter().flat_map(|(height, ms)| {
        let count = u64::from(rate) * u64::from(*ms) / 1000;
        (0..count).map(move |n| {
            let turn = n as f64 * f64::from(*height) / f64::from(rate);
            ((turn * std::f64::consts::TAU).sin() * 12_000.0) as i16
        })
    });
    let raw: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("sound");
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "s16le", "-ac", "1", "-ar", &rate.to_string(), "-i", "-"])
        .args(arguments)
        .arg(&file)
        .stdin(Stdio::piped())
        .spawn()
        .expect("make installs it");
    ffmpeg.stdin.take().unwrap().write_all(&raw).unwrap();
    assert!(ffmpeg.wait().unwrap().success());
    std::fs::read(file).unwrap()
}

/// A book of two chapters that somebody reads: one in MP3 of two channels and any bit rate, one in AAC.
fn book() -> Vec<u8> {
    book_of(|_, sound| sound)
}

/// The same, with what becomes of its sounds.
fn book_of(change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    // The third and fourth sentence are one paragraph, the fifth is not read.
    let tones = [
        (400, 1000),
        (0, 300),
        (700, 1500),
        (0, 300),
        (1100, 1000),
        (0, 200),
        (1600, 1400),
        (0, 300),
    ];
    let mp3 = sound(&tones, 44_100, &["-ac", "2", "-q:a", "5", "-f", "mp3"]);
    let m4a = sound(&[(500, 2000), (900, 2000)], 22_050, &["-c:a", "aac", "-f", "ipod"]);
    let (mp3, m4a) = (change("mp3", mp3), change("m4a", m4a));
    let page = |body: &str| {
        format!("<html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>")
    };
    let par = |chapter: u32, id: &str, file: &str, (begin, end): (&str, &str)| {
        format!(
            "<par><text src='c{chapter}.xhtml#{id}'/><audio src='{file}' clipBegin='{begin}' clipEnd='{end}'/></par>"
        )
    };
    let smil = |pars: &[String]| {
        format!(
            "<smil xmlns='http://www.w3.org/ns/SMIL' version='3.0'><body>{}</body></smil>",
            pars.concat()
        )
    };
    let one = "<h1 id='t'>The <i>first</i> chapter</h1>\
        <p><span id='a'>It is read by somebody.</span></p>\
        <p id='b'>This sentence is of one length. And this one is as long as that.</p>\
        <p>Nobody reads this sentence.</p>";
    let two = "<p><span id='a'>A second file.</span> <span id='b'>It ends here.</span></p>";
    let overlay = [
        par(1, "t", "sound%201.mp3", ("0s", "1s")),
        par(1, "a", "sound%201.mp3", ("0:00:01.300", "2.8s")),
        par(1, "b", "sound%201.mp3", ("3100ms", "5.7")),
    ];
    let other = [
        par(2, "a", "sound.m4a", ("0s", "2s")),
        "<par><text src='c2.xhtml#b'/><audio src='sound.m4a' clipBegin='2s'/></par>".to_owned(),
    ];
    let item = |id: &str, file: &str, kind: &str, more: &str| {
        format!("<item id='{id}' href='{file}' media-type='{kind}' {more}/>")
    };
    let items = [
        item("nav", "nav.xhtml", "application/xhtml+xml", "properties='nav'"),
        item("c1", "c1.xhtml", "application/xhtml+xml", "media-overlay='o1'"),
        item("c2", "c2.xhtml", "application/xhtml+xml", "media-overlay='o2'"),
        item("o1", "o1.smil", "application/smil+xml", ""),
        item("o2", "o2.smil", "application/smil+xml", ""),
        item("s1", "sound%201.mp3", "audio/mpeg", ""),
        item("s2", "sound.m4a", "audio/mp4", ""),
    ];
    let package = format!(
        "<package xmlns='http://www.idpf.org/2007/opf' version='3.0'><metadata xmlns:dc='http://purl.org/dc/elements/1.1/'>\
         <dc:title>Read aloud</dc:title><dc:language>en</dc:language><meta property='media:narrator'>A. Reader</meta>\
         </metadata><manifest>{}</manifest><spine><itemref idref='c1'/><itemref idref='c2'/></spine></package>",
        items.concat()
    );
    let nav = "<nav epub:type='toc'><ol><li><a href='c1.xhtml'>One</a></li><li><a href='c2.xhtml'>Two</a></li></ol></nav>";
    let container = "<container><rootfiles><rootfile full-path='p.opf'/></rootfiles></container>";
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("META-INF/container.xml", container.as_bytes()),
        ("p.opf", package.as_bytes()),
        ("nav.xhtml", page(nav).as_bytes()),
        ("c1.xhtml", page(one).as_bytes()),
        ("c2.xhtml", page(two).as_bytes()),
        ("o1.smil", smil(&overlay).as_bytes()),
        ("o2.smil", smil(&other).as_bytes()),
        ("sound 1.mp3", &mp3),
        ("sound.m4a", &m4a),
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// What is heard of a chapter, with when each sentence is.
async fn heard(server: &TestServer, book: &str, chapter: u32, voice: &str) -> (Vec<f32>, Value) {
    let path = format!("/listen/{book}/{chapter}.mp3?to=chapter&voice={voice}");
    let answer = server.get(&path).await;
    assert_eq!(answer.status(), 200);
    let samples = decoded(&answer.bytes().await.unwrap(), RATE);
    let path = format!("/api/books/{book}/chapters/{chapter}/timeline?voice={voice}");
    (samples, server.json(&path).await)
}

/// How high the tone of a sentence is, in Hz, by how often it crosses zero, and how long it lasts, in milliseconds.
fn tone(samples: &[f32], entry: &Value) -> (f64, f64) {
    let time = |name: &str| entry[name].as_u64().unwrap() as usize * RATE as usize / 1000;
    let (start, length) = (time("start_ms"), time("duration_ms"));
    let piece = &samples[start..(start + length).min(samples.len())];
    let is_loud = |sample: &f32| sample.abs() > SILENT;
    let first = piece.iter().position(is_loud).unwrap_or(0);
    let last = piece.iter().rposition(is_loud).unwrap_or(0);
    let seconds = (last - first) as f64 / f64::from(RATE);
    let middle = &piece[first + (last - first) / 4..first + (last - first) * 3 / 4];
    let crossed = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    (crossed as f64 * f64::from(RATE) / middle.len() as f64, seconds * 1000.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_heard_by_the_sound_that_it_brings() {
    let server = TestServer::start().await;
    let id = server.import("read.epub", book()).await;
    let known = server.json(&format!("/api/books/{id}")).await;
    assert_eq!((&known["read_by"], &known["warnings"]), (&json!("A. Reader"), &json!([])));

    // No voice is named: whoever opens the book hears its own.
    let (samples, timeline) = heard(&server, &id, 1, "").await;
    let entries = timeline.as_array().unwrap();
    assert_eq!(entries.len(), 5, "{timeline}");
    let expected = [(400.0, 1000.0), (700.0, 1500.0), (1100.0, 1000.0), (1600.0, 1400.0)];
    for (entry, (height, length)) in entries.iter().zip(expected) {
        let (heard, lasted) = tone(&samples, entry);
        assert!((heard - height).abs() < height * 0.03, "{entry}: {heard} for {height} Hz");
        assert!((lasted - length).abs() < 60.0, "{entry}: {lasted} for {length} ms");
    }
    // The pauses of whoever reads are heard, and no others: 300 ms and the 70 ms of a clip's own edges.
    let length = |at: usize| entries[at]["duration_ms"].as_u64().unwrap();
    assert!((1300..1400).contains(&length(0)), "{timeline}");
    assert!((1800..1900).contains(&length(1)), "{timeline}");
    // Nobody reads the last one, so a voice of the language does.
    let (height, lasted) = tone(&samples, &entries[4]);
    assert!(lasted > 800.0 && (height - 1600.0).abs() > 100.0, "{height} Hz, {lasted} ms");

    // AAC, and a passage that goes on to the end of its file.
    let (samples, timeline) = heard(&server, &id, 2, "overlay:book").await;
    for (entry, height) in timeline.as_array().unwrap().iter().zip([500.0, 900.0]) {
        let (heard, lasted) = tone(&samples, entry);
        assert!((heard - height).abs() < height * 0.03, "{entry}: {heard} for {height} Hz");
        assert!((lasted - 2000.0).abs() < 80.0, "{entry}: {lasted} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_its_sound_is_damaged_a_voice_reads_on() {
    let server = TestServer::start().await;
    let damaged = book_of(|kind, sound| match kind {
        "mp3" => sound[..sound.len() / 2].to_vec(),
        _ => b"This is no sound, whatever the book says.".to_vec(),
    });
    let id = server.import("read.epub", damaged).await;
    let (samples, timeline) = heard(&server, &id, 1, "").await;
    assert_eq!(timeline.as_array().unwrap().len(), 5, "{timeline}");
    assert!((tone(&samples, &timeline[0]).0 - 400.0).abs() < 12.0);
    for sentence in [3, 4] {
        let (height, lasted) = tone(&samples, &timeline[sentence]);
        assert!(lasted > 800.0 && (height - 1600.0).abs() > 100.0, "{height} Hz, {lasted} ms");
    }
    let (samples, timeline) = heard(&server, &id, 2, "").await;
    assert_eq!(timeline.as_array().unwrap().len(), 2, "{timeline}");
    assert!(samples.len() as u32 > 2 * RATE);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_of_a_damaged_sound_is_read_on() {
    let server = TestServer::start().await;
    let damaged = book_of(|kind, sound| match kind {
        "mp3" => sound[..sound.len() / 2].to_vec(),
        _ => b"This is no sound, whatever the book says.".to_vec(),
    });
    let id = server.import("read.epub", damaged).await;
    let (card, file) = narrated(&server, &json!({ "book": id, "output": "mp3" })).await;
    assert_eq!(card["failed"], 0, "{card}");
    let samples = decoded(&file, RATE).len();
    let (first, second) = (heard(&server, &id, 1, "").await.0, heard(&server, &id, 2, "").await.0);
    // Frames of the tags, and of where the chapters meet.
    assert!(samples.abs_diff(first.len() + second.len()) < RATE as usize / 5, "{samples}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_voice_reads_it_too() {
    let server = TestServer::start().await;
    let id = server.import("read.epub", book()).await;
    let (_, own) = heard(&server, &id, 1, "").await;
    let (_, other) = heard(&server, &id, 1, VOICE).await;
    assert_eq!(other.as_array().unwrap().len(), own.as_array().unwrap().len());
    assert_ne!(other[1]["duration_ms"], own[1]["duration_ms"]);

    // One sentence by another voice, and back again.
    let wanted =
        [("how", "voice"), ("chapter", "1"), ("first", "1"), ("last", "1"), ("voice", VOICE)];
    let path = server.url(&format!("/api/books/{id}/passages"));
    let asked = server.client.post(path).form(&wanted).send().await.unwrap();
    assert!(asked.status().is_success(), "{}", asked.text().await.unwrap());
    let (samples, mixed) = heard(&server, &id, 1, "").await;
    assert_eq!(mixed[0]["duration_ms"], own[0]["duration_ms"]);
    assert!((tone(&samples, &mixed[2]).0 - 1100.0).abs() < 40.0);
    assert_ne!(mixed[1]["duration_ms"], own[1]["duration_ms"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sound_of_a_book_is_no_voice_for_other_texts() {
    let server = TestServer::start().await;
    let read = server.import("read.epub", book()).await;
    // A place in the sound of somebody's book is no text to be spoken.
    let text = format!("{read}/0/sound 1.mp3#t=0.000,1.000");
    for (path, body) in [
        ("/api/voice", json!({ "text": text, "voiceId": "overlay:book" })),
        ("/v1/audio/speech?strict=true", json!({ "input": text, "voice": "overlay:book" })),
    ] {
        let answer = server.client.post(server.url(path)).json(&body).send().await.unwrap();
        let status = answer.status();
        if path.starts_with("/v1") {
            // A voice that there is not is the default one, which reads the letters of it.
            assert_eq!(status, 200, "{path}");
            let sound = answer.bytes().await.unwrap();
            assert!(
                decoded(&sound, RATE).len() as u32 > 3 * RATE,
                "{path}: it is read, not played"
            );
        } else {
            assert!(status.is_client_error(), "{path}: {status}");
        }
    }
    let voices = server.json("/api/voices").await;
    assert!(!voices.to_string().contains("overlay"), "{voices}");

    // Whoever has chosen it for one book hears others in their usual voice, and a text that looks like a place is one.
    let body = format!("<p>{text}</p>");
    let plain = server.import("plain.epub", epub("Plain", &[("One", &*body)])).await;
    assert_eq!(server.json(&format!("/api/books/{plain}")).await["read_by"], Value::Null);
    for rest in ["overlay:book", &format!("{VOICE}&fallback=overlay:book")] {
        let path = format!("/listen/{plain}/1.mp3?to=chapter&voice={rest}");
        let answer = server.get(&path).await;
        if rest == "overlay:book" {
            assert_eq!(answer.status(), 200);
            let sound = answer.bytes().await.unwrap();
            let seconds = decoded(&sound, RATE).len() as u32 / RATE;
            assert!(seconds > 4, "{rest}: it is read, not played");
        } else {
            assert!(answer.status().is_client_error(), "{rest}: {}", answer.status());
        }
    }
}

/// Asks for a narration and waits for it: what is said of it, and its file.
async fn narrated(server: &TestServer, wanted: &Value) -> (Value, Vec<u8>) {
    let asked = server.client.post(server.url("/api/narrations")).json(wanted).send().await;
    let card: Value = asked.unwrap().json().await.unwrap();
    let path = format!("/api/narrations/{}", card["id"].as_str().unwrap());
    let made = async {
        loop {
            let card = server.json(&path).await;
            if card["state"] == "completed" {
                return card;
            }
            assert_ne!(card["state"], "failed", "{card}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let card = tokio::time::timeout(std::time::Duration::from_secs(60), made).await.unwrap();
    let file = server.get(&format!("{path}/file")).await.bytes().await.unwrap();
    (card, file.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_of_it_is_taken_along_in_its_own_sound() {
    let voices = concat!(env!("CARGO_MANIFEST_DIR"), "/target/voices");
    let server = TestServer::start_with(&["--voices", voices]).await;
    let id = server.import("read.epub", book()).await;
    // Whoever has heard it in the voice that would read on, at the same rate, gets the recording all the same.
    for chapter in [1, 2] {
        heard(&server, &id, chapter, "heart:heart").await;
    }
    let estimate = server
        .client
        .post(server.url("/api/narrations"))
        .json(&json!({ "book": id, "output": "epub", "dry_run": true }))
        .send()
        .await
        .unwrap();
    let estimate: Value = estimate.json().await.unwrap();
    assert_eq!((&estimate["voice"], &estimate["cost"]), (&json!("overlay:book"), &json!(0.0)));
    let (_, file) = narrated(&server, &json!({ "book": id, "output": "mp3" })).await;
    let samples = decoded(&file, RATE);
    let first = json!({ "start_ms": 0, "duration_ms": 1000 });
    assert!((tone(&samples, &first).0 - 400.0).abs() < 12.0);
}

/// A book of a minute and a half in forty sentences, in one file that is read by many at once.
fn long_book() -> Vec<u8> {
    const SENTENCES: usize = 40;
    let tones: Vec<(u32, u32)> = (0..SENTENCES).flat_map(|_| [(600, 2000), (0, 250)]).collect();
    let mp3 = sound(&tones, 44_100, &["-b:a", "192k", "-f", "mp3"]);
    let text: String =
        (0..SENTENCES).map(|n| format!("<p id='s{n}'>This is number {n}.</p>")).collect();
    let par = |n: usize| {
        let (begin, end) = (n as f64 * 2.25, (n + 1) as f64 * 2.25);
        format!(
            "<par><text src='c.xhtml#s{n}'/><audio src='s.mp3' clipBegin='{begin}s' clipEnd='{end}s'/></par>"
        )
    };
    let pars: String = (0..SENTENCES).map(par).collect();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("META-INF/container.xml", &b"<container><rootfiles><rootfile full-path='p.opf'/></rootfiles></container>"[..]),
        ("p.opf", b"<package><metadata><title>Long</title><language>en</language></metadata><manifest><item id='c' href='c.xhtml' media-type='application/xhtml+xml' media-overlay='o'/><item id='o' href='o.smil' media-type='application/smil+xml'/></manifest><spine><itemref idref='c'/></spine></package>"),
        ("c.xhtml", format!("<html><body>{text}</body></html>").as_bytes()),
        ("o.smil", format!("<smil><body>{pars}</body></smil>").as_bytes()),
        ("s.mp3", &mp3),
    ] {
        // A tone shrinks as no voice does, and more than is believed.
        let options = zip::write::SimpleFileOptions::default();
        let stored = options.compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sentences_are_cut_at_once() {
    let server = TestServer::start_with(&["--workers", "8"]).await;
    let id = server.import("long.epub", long_book()).await;
    // No voice has anything to read of it, and how long it lasts is known.
    let asked = json!({ "book": id, "dry_run": true });
    let asked = server.client.post(server.url("/api/narrations")).json(&asked).send().await;
    let estimate: Value = asked.unwrap().json().await.unwrap();
    assert_eq!((&estimate["missing"], &estimate["characters"]), (&json!(40), &json!(0)));
    assert_eq!(estimate["audio_seconds"], 90);
    let (samples, timeline) = heard(&server, &id, 1, "").await;
    let entries = timeline.as_array().unwrap();
    assert_eq!(entries.len(), 40);
    for entry in entries {
        let (height, lasted) = tone(&samples, entry);
        assert!(
            (height - 600.0).abs() < 20.0 && (lasted - 2000.0).abs() < 60.0,
            "{entry}: {height} Hz, {lasted} ms"
        );
    }
}
