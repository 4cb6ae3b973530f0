//! What a narration becomes: files as people's players know them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::TestServer;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A picture of one pixel.
const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T', 8,
    0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E',
    b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
/// What players do not agree on of where sound begins, in seconds.
const NEAR: f64 = 0.08;

/// Imports a book of three chapters with a cover.
async fn import(server: &TestServer) -> String {
    let text = |words: &str| format!("<p>{words}</p><p>And this is how it ends.</p>");
    let [one, two, three] =
        ["It begins in the morning.", "It goes on at noon; everybody eats.", "It is night."]
            .map(text);
    let chapters = [("Morning: first", one), ("Noon", two), ("Night &amp; day", three)];
    server.import("book.epub", epub("A = B; or # not", &chapters)).await
}

/// A small EPUB with a cover.
fn epub(title: &str, chapters: &[(&str, String)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    };
    let of_each = |line: &dyn Fn(usize, &str, &str) -> String| -> String {
        (1..).zip(chapters).map(|(at, (title, text))| line(at, title, text)).collect()
    };
    let html = |body: &str| {
        format!(
            "<html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body>{body}</body></html>"
        )
    };
    add("mimetype", b"application/epub+zip");
    add("META-INF/container.xml", b"<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container' version='1.0'><rootfiles><rootfile full-path='book.opf' media-type='application/oebps-package+xml'/></rootfiles></container>");
    let items = of_each(&|at, _, _| {
        format!("<item id='c{at}' href='c{at}.xhtml' media-type='application/xhtml+xml'/>")
    });
    let spine = of_each(&|at, _, _| format!("<itemref idref='c{at}'/>"));
    let package = format!(
        "<package xmlns='http://www.idpf.org/2007/opf' version='3.0' unique-identifier='i'><metadata xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:identifier id='i'>x</dc:identifier><dc:title>{title}</dc:title><dc:creator>A. Writer</dc:creator><dc:language>en</dc:language></metadata><manifest><item id='nav' href='nav.xhtml' properties='nav' media-type='application/xhtml+xml'/><item id='cover' href='cover.png' properties='cover-image' media-type='image/png'/>{items}</manifest><spine>{spine}</spine></package>"
    );
    add("book.opf", package.as_bytes());
    let lines = of_each(&|at, title, _| format!("<li><a href='c{at}.xhtml'>{title}</a></li>"));
    add(
        "nav.xhtml",
        html(&format!(
            "<nav epub:type='toc' xmlns:epub='http://www.idpf.org/2007/ops'><ol>{lines}</ol></nav>"
        ))
        .as_bytes(),
    );
    for (at, (_, text)) in (1..).zip(chapters) {
        add(&format!("c{at}.xhtml"), html(text).as_bytes());
    }
    add("cover.png", PNG);
    add("bad.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    archive.finish().unwrap().into_inner()
}

/// Has a book narrated into a file, and waits for it.
async fn made(server: &TestServer, book: &str, output: &str) -> Value {
    let wanted = json!({ "book": book, "output": output });
    let asked =
        server.client.post(server.url("/api/narrations")).json(&wanted).send().await.unwrap();
    assert!(asked.status().is_success(), "{}", asked.text().await.unwrap());
    let asked: Value = asked.json().await.unwrap();
    let path = format!("/api/narrations/{}", asked["id"].as_str().unwrap());
    let begun = Instant::now();
    loop {
        let now = server.json(&path).await;
        if now["state"] == "completed" {
            return now;
        }
        let is_open = ["queued", "running"].contains(&now["state"].as_str().unwrap());
        assert!(is_open && begun.elapsed() < Duration::from_secs(60), "{now}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn download(server: &TestServer, card: &Value) -> bytes::Bytes {
    let path = format!("/api/narrations/{}/file", card["id"].as_str().unwrap());
    let answer = server.get(&path).await;
    assert_eq!(answer.status(), 200);
    let length = answer.headers()[CONTENT_LENGTH].to_str().unwrap().to_owned();
    let bytes = answer.bytes().await.unwrap();
    assert_eq!((bytes.len().to_string(), json!(bytes.len())), (length, card["file_bytes"].clone()));
    bytes
}

/// What ffprobe says of a file.
fn probed(file: &Path) -> Value {
    let said = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_format", "-show_chapters", "-show_streams"])
        .arg(file)
        .output()
        .expect("make installs it");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

fn seconds(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// What a program of `tests/clients` says of a file.
fn said(program: &str, file: &Path) -> Value {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let said = Command::new(clients.join("venv/bin/python"))
        .arg(clients.join(program))
        .arg(file)
        .output()
        .expect("make installs it");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

/// When each chapter begins, in seconds, by the sound of the chapters themselves; and how long all is.
async fn begins(server: &TestServer, book: &str) -> (Vec<f64>, f64) {
    let (mut begins, mut at) = (Vec::new(), 0.0);
    for chapter in 1..=3 {
        begins.push(at);
        let sound = server.get(&format!("/listen/{book}/{chapter}.mp3?to=chapter")).await;
        let sound = sound.bytes().await.unwrap();
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("chapter.mp3");
        std::fs::write(&file, &sound).unwrap();
        let stream = probed(&file)["streams"][0].clone();
        let rate: u32 = stream["sample_rate"].as_str().unwrap().parse().unwrap();
        at += common::decoded_samples(&sound, rate) as f64 / f64::from(rate);
    }
    (begins, at)
}

/// That a file has the book's chapters where they are, its title, its author and its cover.
fn assert_is_the_book(file: &Path, (begins, length): &(Vec<f64>, f64)) {
    let facts = probed(file);
    let chapters = facts["chapters"].as_array().unwrap();
    let titles: Vec<_> =
        chapters.iter().map(|one| one["tags"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Morning: first", "Noon", "Night & day"]);
    for (chapter, begin) in chapters.iter().zip(begins) {
        let at = seconds(&chapter["start_time"]);
        assert!((at - begin).abs() < NEAR, "{chapter} begins at {begin}");
    }
    let whole = seconds(&facts["format"]["duration"]);
    assert!((whole - length).abs() < 0.2, "{whole} of {length}");
    let tags = &facts["format"]["tags"];
    assert_eq!((&tags["title"], &tags["genre"]), (&json!("A = B; or # not"), &json!("Audiobook")));
    let read = said("tags.py", file);
    assert_eq!(read["title"], "A = B; or # not");
    let read = read["chapters"].as_array().unwrap();
    assert_eq!(read.len(), begins.len());
    for (chapter, (title, begin)) in read.iter().zip(titles.iter().zip(begins)) {
        assert_eq!(chapter[0], *title);
        assert!((chapter[1].as_f64().unwrap() - begin).abs() < NEAR, "{chapter} at {begin}");
    }
    let streams = facts["streams"].as_array().unwrap();
    let picture = streams.iter().find(|stream| stream["codec_name"] == "png");
    assert_eq!(picture.unwrap()["disposition"]["attached_pic"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mp3_has_chapters_cover_and_tags() {
    let server = TestServer::start().await;
    let book = import(&server).await;
    let card = made(&server, &book, "mp3").await;
    let bytes = download(&server, &card).await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("book.mp3");
    std::fs::write(&file, &bytes).unwrap();
    assert_is_the_book(&file, &begins(&server, &book).await);
    // The same words make the same bytes.
    let again = made(&server, &book, "mp3").await;
    assert_ne!(again["id"], card["id"]);
    assert_eq!(download(&server, &again).await, bytes);
    assert_eq!(again["made"], 0, "nothing was spoken again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audiobook_has_chapters_cover_and_tags() {
    let server = TestServer::start().await;
    let book = import(&server).await;
    let card = made(&server, &book, "m4b").await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("book.m4b");
    std::fs::write(&file, download(&server, &card).await).unwrap();
    let times = begins(&server, &book).await;
    assert_is_the_book(&file, &times);
    let facts = probed(&file);
    assert_eq!(facts["streams"][0]["codec_name"], "aac", "{facts}");
    assert_eq!(facts["format"]["tags"]["major_brand"], "M4B ", "{facts}");
    // Chapters begin with the very sample that they begin with in the stream.
    let rate = seconds(&facts["streams"][0]["sample_rate"]);
    for (chapter, begin) in facts["chapters"].as_array().unwrap().iter().zip(&times.0) {
        let at = seconds(&chapter["start_time"]);
        assert!((at - begin).abs() * rate < 0.6, "{chapter} begins at {begin}");
    }
    assert!((seconds(&facts["streams"][0]["duration"]) - times.1).abs() * rate < 0.6, "{facts}");
}

/// What is made where there is no ffmpeg: a tone of 440 Hz of a minute, in 300 chapters.
#[test]
fn an_audiobook_without_another_program_is_one_too() {
    use earmark::audio::{aac, encode, m4b};
    const RATE: u32 = 24_000;
    let tone = |n: u32| {
        ((f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(RATE)).sin() * 9e3) as i16
    };
    let samples: Vec<i16> = (0..60 * RATE).map(tone).collect();
    let clip = encode(&samples, RATE).unwrap();
    let mut frames = Vec::new();
    let sizes =
        aac::frames_of_mp3(Cursor::new(clip.bytes.clone()), RATE, &mut frames, || false).unwrap();
    let chapters: Vec<_> = (0..300).map(|n| (format!("Chapter {n} – ä"), n * 4777)).collect();
    let book = m4b::Audiobook {
        title: "Without",
        artist: "A. Writer",
        narrator: "A voice",
        cover: Some(("image/png", PNG)),
        chapters: &chapters,
        samples: clip.length.samples,
        sample_rate: RATE,
    };
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("book.m4b");
    let mut to = std::fs::File::create(&file).unwrap();
    m4b::write(&book, &sizes, &mut &frames[..], &mut to).unwrap();
    let facts = probed(&file);
    let told = facts["chapters"].as_array().unwrap();
    assert_eq!(told.len(), 300);
    for (chapter, (title, begin)) in told.iter().zip(&chapters) {
        assert_eq!(chapter["tags"]["title"], **title);
        let at = seconds(&chapter["start_time"]) * f64::from(RATE);
        assert!((at - *begin as f64).abs() < 0.6, "{chapter} begins at {begin}");
    }
    assert_eq!(said("tags.py", &file)["title"], "Without");
    let heard = common::decoded(&std::fs::read(&file).unwrap(), RATE);
    // Decoders put the last frame out whole.
    assert!(heard.len().abs_diff(clip.length.samples as usize) <= 1024, "{}", heard.len());
    let middle = &heard[RATE as usize..50 * RATE as usize];
    let crossed = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    assert!((crossed as f64 / 49.0 - 440.0).abs() < 1.0, "{crossed}");
    let loudest = middle.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
    assert!((0.24..0.32).contains(&loudest), "{loudest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_has_a_file_for_each_chapter() {
    let server = TestServer::start().await;
    let book = import(&server).await;
    let card = made(&server, &book, "zip").await;
    let bytes = download(&server, &card).await;
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes[..])).unwrap();
    let names: Vec<_> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["01 Morning first.mp3", "02 Noon.mp3", "03 Night & day.mp3"]);
    for (at, title) in ["Morning: first", "Noon", "Night & day"].iter().enumerate() {
        let mut track = Vec::new();
        archive.by_index(at).unwrap().read_to_end(&mut track).unwrap();
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("track.mp3");
        std::fs::write(&file, &track).unwrap();
        let facts = probed(&file);
        let tags = &facts["format"]["tags"];
        assert_eq!(
            (&tags["title"], &tags["track"]),
            (&json!(title), &json!(format!("{}/3", at + 1)))
        );
        assert!(seconds(&facts["format"]["duration"]) > 2.0, "{facts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_broke_off_goes_on() {
    let server = TestServer::start().await;
    let book = import(&server).await;
    let card = made(&server, &book, "mp3").await;
    let whole = download(&server, &card).await;
    let path = format!("/api/narrations/{}/file", card["id"].as_str().unwrap());
    let head = server.client.head(server.url(&path)).send().await.unwrap();
    assert_eq!(head.headers()[CONTENT_TYPE], "audio/mpeg");
    assert_eq!(head.headers()[CONTENT_LENGTH].to_str().unwrap(), whole.len().to_string());
    let name = head.headers()[CONTENT_DISPOSITION].to_str().unwrap().to_owned();
    assert!(name.contains("filename*=UTF-8''A%20%3D%20B%3B%20or%20%23%20not%2Emp3"), "{name}");
    let tag = head.headers()[ETAG].to_str().unwrap().to_owned();
    let rest =
        server.client.get(server.url(&path)).header(RANGE, "bytes=5000-").header(IF_RANGE, &tag);
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.bytes().await.unwrap(), whole.slice(5000..));
    let beyond = server.client.get(server.url(&path)).header(RANGE, "bytes=99999999-");
    assert_eq!(beyond.send().await.unwrap().status(), 416);
    // One that makes no file has none.
    let card = made(&server, &book, "").await;
    let path = format!("/api/narrations/{}/file", card["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.status(), 404);
}

/// A file of an archive.
fn in_archive(archive: &[u8], name: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut bytes = Vec::new();
    archive.by_name(name).unwrap_or_else(|_| panic!("no {name}")).read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epub_reads_itself_aloud_and_is_valid() {
    let server = TestServer::start().await;
    // What books contain that is no valid EPUB, and what has to be carried over.
    let odd = "<p id='top'>It begins <a href='c2.xhtml#here'>there</a>. <a href='gone.xhtml'>Nowhere</a> is \
        <a href='http://bad host/'>no host</a> &amp; a&#160;b. He said &quot;no&quot;. A&#x1;B.</p>\
        <center><big>Large</big> <tt>code</tt> <strike>gone</strike></center>\
        <li>An item without a list.</li><ul>Words <ul><li>One</li></ul><p>Two</p></ul><figure><figcaption>A</figcaption>b<figcaption>C</figcaption></figure><address><h2>D</h2></address><h1><div>G</div></h1><pre><p>H</p></pre><p><ruby>I<rp>(</rp><rt>i</rt><rp>)</rp></ruby> <rt>j</rt> <ruby>K</ruby></p>\
        <table><tr><td>L</td></tr><caption>M</caption></table><table><tbody><tr><td>N</td></tr></tbody><thead><tr><th scope='odd'>O</th></tr></thead></table>\
        <p><math xmlns='http://www.w3.org/1998/Math/MathML'><mfrac><mi>a</mi></mfrac>P</math> <a href='https://a.example/b|c'>Q</a> <a href='#gone'>R</a> <img id='gone' src='no.png' alt='S'/></p>\
        <p style='text-align: center; margin: 0'>In the middle.</p><div style='margin-left: 3em'><p style='text-indent: -1em'>Verse <span style='font-variant: small-caps'>small</span> <span style='font: italic bold 1em x'>both</span></p></div>\
        <ol reversed='x'><ul><li>T</li></ul></ol><img src='bad.svg' alt='A drawing'/><bdo>E</bdo> <time>today</time><q cite='no address'>F</q><dl><p>Three</p><dd>Four</dd></dl><table align='center' cellpadding='4'><tr><td width='3'>One</td></tr></table>\
        <p><img src='cover.png' alt='A picture' id='top'/><img src='gone.png' alt='Missing'/></p>\
        <p><math xmlns='http://www.w3.org/1998/Math/MathML'><msup><mi>x</mi><mn>2</mn></msup></math> is a square.</p>";
    let chapters = [
        ("Odd &lt;things&gt;", odd.to_owned()),
        (
            "Noon",
            "<p>It is noon.</p><p id='here'>Here. And there.</p><p lang='fr'>Oui.</p>".to_owned(),
        ),
        ("Only a picture", "<p><img src='cover.png' alt=''/></p>".to_owned()),
    ];
    let book = server.import("book.epub", epub("A &lt; B", &chapters)).await;
    let card = made(&server, &book, "epub").await;
    let bytes = download(&server, &card).await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("book.epub");
    std::fs::write(&file, &bytes).unwrap();
    let checked = said("valid.py", &file);
    assert_eq!(checked["valid"], true, "{checked}");
    assert_eq!(checked["said"], json!([]));

    // It looks as the book has it.
    let style = String::from_utf8(in_archive(&bytes, "book/style.css")).unwrap_or_default();
    let looks = String::from_utf8(in_archive(&bytes, "book/c0001.xhtml")).unwrap();
    assert!(
        looks.contains("data-look=\"center close\"") && style.contains("small-caps"),
        "{looks}"
    );

    // A link to another chapter leads there, and a sentence is found where it is heard.
    let text = String::from_utf8(in_archive(&bytes, "book/c0001.xhtml")).unwrap();
    let other = String::from_utf8(in_archive(&bytes, "book/c0002.xhtml")).unwrap();
    let link = text.split("href=\"c0002.xhtml#").nth(1).and_then(|rest| rest.split('"').next());
    assert!(other.contains(&format!("<p id=\"{}\"", link.unwrap())), "{text}\n{other}");
    let overlay = String::from_utf8(in_archive(&bytes, "book/c0002.smil")).unwrap();
    let sound = in_archive(&bytes, "book/c0002.mp3");
    let pars: Vec<&str> = overlay.lines().filter(|line| line.starts_with("<par")).collect();
    assert_eq!(pars.len(), 4, "{overlay}");
    let time = |par: &str, name: &str| -> f64 {
        let rest = par.split(&format!("{name}=\"")).nth(1).unwrap();
        rest.split('s').next().unwrap().parse().unwrap()
    };
    let mut at = 0.0;
    for par in &pars {
        let id = par.split('#').nth(1).unwrap().split('"').next().unwrap();
        assert!(other.contains(&format!("id=\"{id}\"")), "{id} of {other}");
        assert_eq!(time(par, "clipBegin"), at, "they follow one another: {overlay}");
        at = time(par, "clipEnd");
    }
    let track = folder.path().join("track.mp3");
    std::fs::write(&track, &sound).unwrap();
    let rate: u32 = seconds(&probed(&track)["streams"][0]["sample_rate"]) as u32;
    let length = common::decoded_samples(&sound, rate) as f64 / f64::from(rate);
    assert!((length - at).abs() < 0.005, "the last ends with the sound: {at} of {length}");

    // The EPUB is a book that can be imported like any other, and the same again is the same file.
    let again = server.import("again.epub", bytes.to_vec()).await;
    let imported = server.json(&format!("/api/books/{again}")).await;
    assert_eq!(
        (&imported["title"], imported["chapters"].as_array().unwrap().len()),
        (&json!("A < B"), 3)
    );
    let same = made(&server, &book, "epub").await;
    assert_eq!(download(&server, &same).await, bytes);
}
