//! Files and names that are made to hurt: each is a clear refusal or a harmless book, and the server stays.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{Cursor, Write};

use common::standin::{KEY, StandIn};
use common::{TestServer, epub};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

const CANARY: &str = "</title></textarea><x-canary>";
/// The same inside XML.
const ESCAPED: &str = "&lt;/title>&lt;/textarea>&lt;x-canary>";

/// An EPUB of these entries under `OPS`.
fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let container: &[u8] =
        b"<container><rootfiles><rootfile full-path='OPS/p.opf'/></rootfiles></container>";
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("META-INF/container.xml", SimpleFileOptions::default()).unwrap();
    writer.write_all(container).unwrap();
    for (name, content) in entries {
        writer.start_file(format!("OPS/{name}"), SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn package(metadata: &str, more: &str) -> String {
    format!(
        "<package><metadata><dc:title>T</dc:title><dc:language>en</dc:language>{metadata}</metadata>\
         <manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>\
         <item id='x' href='toc.ncx' media-type='application/x-dtbncx+xml'/>{more}</manifest>\
         <spine toc='x'><itemref idref='a'/></spine></package>"
    )
}

fn page(body: &str) -> Vec<u8> {
    let package = package("", "");
    packed(&[
        ("p.opf", package.as_bytes()),
        ("a.xhtml", format!("<html><body>{body}<p>Safe text.</p></body></html>").as_bytes()),
    ])
}

/// Small files that once ended the server, or took gigabytes, minutes or the disk.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let text: &[u8] = b"<html><body><p>Safe text.</p></body></html>";
    let refines: String = (0..20_000)
        .map(|n| format!("<meta property='title-type' id='m{n}' refines='#m{}'>x</meta>", n + 1))
        .collect();
    let point = "<navPoint><navLabel><text>x</text></navLabel><content src='a.xhtml'/>";
    let ncx = format!(
        "<ncx><navMap>{}{}</navMap></ncx>",
        point.repeat(50_000),
        "</navPoint>".repeat(50_000)
    );
    let formatting: String = (0..120).map(|n| format!("<b id='f{n}'>")).collect();
    let attributes: String = (0..40_000).map(|n| format!(" a{n}='1'")).collect();
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; 20 << 20]].concat();
    let pictures: String =
        (0..50).map(|n| format!("<item id='i{n}' href='i.png' media-type='image/png'/>")).collect();
    let sheet = format!("@font-face{{font-family:A;src:{}url(x)}}", "url(x.otf),".repeat(40_000));
    let lol: String = ('a'..'i')
        .zip('b'..'j')
        .map(|(of, name)| format!("<!ENTITY {name} '{}'>", format!("&{of};").repeat(10)))
        .collect();
    let lol = format!(
        "<!DOCTYPE html [<!ENTITY a 'aaaaaaaaaa'>{lol}]><html><body><p>&i; Safe text.</p></body></html>"
    );
    let plain = package("", "");
    // Rules that fit nothing, matched against whatever there is.
    let rules: String =
        (0..40_000).map(|n| format!("* * * :not(.a{n}) b{{text-align:center}}")).collect();
    let many = format!(
        "<html><head><link rel='stylesheet' href='s.css'/></head><body>{}Safe text.</body></html>",
        "<p>x <b>y</b>".repeat(60_000)
    );
    let [with_refines, with_pictures, with_sheet] = [
        package(&refines, ""),
        package("", &pictures),
        package("", "<item id='s' href='s.css' media-type='text/css'/>"),
    ];
    vec![
        ("refinements", packed(&[("p.opf", with_refines.as_bytes()), ("a.xhtml", text)])),
        (
            "contents",
            packed(&[("p.opf", plain.as_bytes()), ("toc.ncx", ncx.as_bytes()), ("a.xhtml", text)]),
        ),
        ("formatting", page(&format!("<p>{formatting}x</p>{}", "<p>y</p>".repeat(20_000)))),
        ("open tags", page(&"<".repeat(256 << 10))),
        ("open quotes", page(&"<a \"".repeat(64 << 10))),
        ("attributes", page(&format!("<p{attributes}>x</p>"))),
        ("nesting", page(&"<div><b>".repeat(50_000))),
        ("formulas", page(&format!("<math>{}x", "<mrow id='r'>".repeat(50_000)))),
        ("tables", page(&"<table>x".repeat(20_000))),
        (
            "pictures",
            packed(&[("p.opf", with_pictures.as_bytes()), ("i.png", &picture), ("a.xhtml", text)]),
        ),
        (
            "sheets",
            packed(&[
                ("p.opf", with_sheet.as_bytes()),
                ("s.css", sheet.as_bytes()),
                ("a.xhtml", text),
            ]),
        ),
        (
            "rules",
            packed(&[
                ("p.opf", with_sheet.as_bytes()),
                ("s.css", rules.as_bytes()),
                ("a.xhtml", many.as_bytes()),
            ]),
        ),
        ("entities", packed(&[("p.opf", plain.as_bytes()), ("a.xhtml", lol.as_bytes())])),
        ("spaces", packed(&[("p.opf", plain.as_bytes()), ("a.xhtml", &vec![b' '; 64 << 20])])),
        ("words", [b"a".repeat(1 << 20), b" end.".to_vec()].concat()),
        ("accents", format!("Z{} end. Then.", "\u{301}".repeat(250_000)).into_bytes()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_in_words_or_harmless_and_nothing_is_left_of_them() {
    let server = TestServer::start().await;
    for (name, bytes) in bombs() {
        let response = server.upload(name, bytes).await;
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        match status.as_u16() {
            201 => assert!(answer["sentences"].as_u64().unwrap() > 0, "{name}: {answer}"),
            // The child has said why, and has not broken.
            422 => {
                assert!(!answer["detail"].as_str().unwrap().contains("the log"), "{name}: {answer}")
            }
            _ => panic!("{name}: {status} {answer}"),
        }
        let left = std::fs::read_dir(server.data.path().join("arrivals")).unwrap().count();
        assert_eq!(left, 0, "{name} left something behind");
    }
    assert_eq!(server.get("/health").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_names_itself_and_leaves_nothing_behind() {
    let text = "A b. ".repeat(400_000).into_bytes();
    for (flag, value, expected) in [
        ("--import-memory-mb", "256", "256 MB of memory"),
        ("--import-cpu-seconds", "1", "1 seconds of computing"),
        ("--import-seconds", "1", "within 1 seconds"),
    ] {
        let server = TestServer::start_with(&[flag, value]).await;
        let books = server.json("/api/books").await.as_array().unwrap().len();
        let response = server.upload("long.txt", text.clone()).await;
        assert_eq!(response.status(), 422, "{flag}");
        let problem: Value = response.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{flag}: {problem}");
        assert_eq!(std::fs::read_dir(server.data.path().join("arrivals")).unwrap().count(), 0);
        assert_eq!(server.json("/api/books").await.as_array().unwrap().len(), books);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_book_or_a_name_is_markup_of_ours() {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let package = format!(
        "<package><metadata><dc:title>T{ESCAPED}</dc:title><dc:creator>A{ESCAPED}</dc:creator>\
         <dc:language>en{ESCAPED}</dc:language></metadata><manifest>\
         <item id='n' href='nav.xhtml' properties='nav'/><item id='a' href='a.xhtml'/><item id='b' href='b.xhtml'/>\
         </manifest><spine><itemref idref='a'/><itemref idref='b'/></spine></package>"
    );
    let nav = format!(
        "<html><body><nav epub:type='toc'><ol><li><a href='a.xhtml'>One {ESCAPED}</a></li>\
         <li><a href='b.xhtml'>Two {ESCAPED}</a></li></ol></nav></body></html>"
    );
    let text = format!(
        "<html><head><title>{ESCAPED}</title></head><body><h1>{ESCAPED}</h1><p id='x{ESCAPED}' lang='{ESCAPED}'>\
         Text {ESCAPED} <img src='l{ESCAPED}.png' alt='{ESCAPED}'/><a href='b.xhtml#{ESCAPED}'>b</a></p></body></html>"
    );
    let file = packed(&[
        ("p.opf", package.as_bytes()),
        ("nav.xhtml", nav.as_bytes()),
        ("a.xhtml", text.as_bytes()),
        ("b.xhtml", text.as_bytes()),
    ]);
    let id = server.import(&format!("{CANARY}.epub"), file).await;
    let text = server.import(&format!("{CANARY}.txt"), b"Only a name.".to_vec()).await;
    let mark = json!({
        "kind": "highlight", "chapter": 1, "quote": CANARY, "note": CANARY,
        "start": { "sentence": 0, "offset": 0 }, "end": { "sentence": 0, "offset": 3 },
    });
    let marked =
        server.client.post(server.url(&format!("/api/books/{id}/annotations"))).json(&mark);
    assert_eq!(marked.send().await.unwrap().status(), 201);
    let device = json!({ "chapter": 1, "sentence": 0, "voice": CANARY, "device": CANARY });
    let placed = server.client.put(server.url(&format!("/api/books/{id}/progress"))).json(&device);
    assert_eq!(placed.send().await.unwrap().status(), 200);
    let voices = format!("v{CANARY} en");
    let engine = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", &standin.url),
        ("key", KEY),
        ("voices", &voices),
        ("model", CANARY),
    ];
    let added = server.client.post(server.url("/api/engines")).form(&engine).send().await.unwrap();
    let names_are_kept = added.status() == 201;
    let refused_engine =
        [("name", CANARY), ("kind", "openai"), ("url", &standin.url), ("key", KEY)];
    let refused =
        server.client.post(server.url("/api/engines")).form(&refused_engine).send().await.unwrap();
    assert_eq!(refused.status(), 400);

    let encoded = "%3C/title%3E%3C/textarea%3E%3Cx-canary%3E";
    let pages = [
        "/".to_owned(),
        format!("/?q={encoded}&sort={encoded}&show={encoded}&refused={encoded}&deleted={encoded}"),
        format!("/book/{id}"),
        format!("/book/{text}"),
        format!("/book/{id}/notes"),
        format!("/book/{id}/search?q={encoded}"),
        format!("/book/{id}/voices"),
        format!("/read/{id}/1"),
        format!("/read/{id}/2"),
        format!("/read/{text}/1"),
        format!("/read/{id}/{encoded}"),
        format!("/engines?added={encoded}&tested={encoded}&removed={encoded}&refused={encoded}"),
        "/storage".to_owned(),
        "/settings".to_owned(),
        "/developers".to_owned(),
        "/keys".to_owned(),
        "/offline".to_owned(),
        format!("/no/such/{encoded}"),
    ];
    for address in pages {
        let response = server
            .client
            .get(server.url(&address))
            .header("accept", "text/html")
            .send()
            .await
            .unwrap();
        let page = response.text().await.unwrap();
        assert!(page.contains("<title>"), "{address}");
        assert!(!page.to_lowercase().contains("<x-canary"), "{address}: {page}");
    }
    let page = server.get(&format!("/book/{id}/notes")).await.text().await.unwrap();
    assert!(page.contains("x-canary"), "the note is there, as text");
    assert!(names_are_kept, "an engine may have such a voice");
}

/// leptos writes the content of these two elements as it is; one component escapes it.
#[test]
fn only_one_place_writes_a_title_or_a_text_area() {
    fn sources(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    sources(std::path::Path::new("app/src"), &mut found);
    assert!(found.len() > 40);
    for (path, text) in found {
        let is_the_one = path.ends_with("page_title.rs");
        assert!(
            is_the_one || !text.contains("<Title") && !text.contains("leptos_meta::Title"),
            "{path}"
        );
        for area in text.split("<textarea").skip(1) {
            let content = area.split_once('>').unwrap().1;
            let is_safe =
                content.starts_with("</textarea>") || content.starts_with("{text_area_content(");
            assert!(is_safe || path.ends_with("page_title.rs"), "{path}: {content:.60}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_said_once_and_an_address_cannot_say_it() {
    let server = TestServer::start().await;
    let client =
        common::client_builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let part = reqwest::multipart::Part::bytes(b"%PDF-1.7".to_vec()).file_name("a.pdf");
    let form = reqwest::multipart::Form::new().part("file", part);
    let request =
        client.post(server.url("/api/books")).header("accept", "text/html").multipart(form);
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (303, &"/".parse().unwrap())
    );
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    // Lax, since a login provider's answer comes from another site and its refusal is to be read too.
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let request =
        client.get(server.url("/")).header("accept", "text/html").header("cookie", cookie);
    let response = request.send().await.unwrap();
    assert!(response.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert!(response.text().await.unwrap().contains("This is a PDF file."));
    let page =
        client.get(server.url("/?refused=Your+password+was+wrong")).header("accept", "text/html");
    assert!(!page.send().await.unwrap().text().await.unwrap().contains("password"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_no_larger_than_they_need_to_be_and_hold_no_nul() {
    let server = TestServer::start().await;
    let id = server.import("a.epub", epub("Small", &[("A", "<p>Text.</p>")])).await;
    let progress = server.url(&format!("/api/books/{id}/progress"));
    let notes = server.url(&format!("/api/books/{id}/annotations"));
    let place = |voice: String| json!({ "chapter": 1, "sentence": 0, "voice": voice });
    let put = async |body: Value| server.client.put(&progress).json(&body).send().await.unwrap();
    assert_eq!(put(place("v".repeat(201))).await.status(), 400);
    assert_eq!(put(place("v".repeat(200))).await.status(), 200);
    assert_eq!(put(place("a\0b".to_owned())).await.status(), 400);
    let note = |note: &str| {
        json!({
            "kind": "bookmark", "chapter": 1, "quote": "", "note": note,
            "start": { "sentence": 0, "offset": 0 }, "end": { "sentence": 0, "offset": 0 },
        })
    };
    let add =
        async |body: Value| server.client.post(&notes).json(&body).send().await.unwrap().status();
    assert_eq!(add(note("a\0b")).await, 400);
    assert_eq!(add(note("a\\u0000b")).await, 201, "the letters are a text");
    let rename = [("title", "a\0b"), ("authors", "")];
    let renamed = server
        .client
        .post(server.url(&format!("/api/books/{id}")))
        .form(&rename)
        .send()
        .await
        .unwrap();
    assert_eq!(renamed.status(), 400);
    for path in ["/api/books/%00", "/book/a%00b", "/api/requests/%00"] {
        assert_eq!(server.get(path).await.status(), 400, "{path}");
    }
    let put = format!("PUT /api/books/{id}/progress");
    for (request, kind, length) in [
        (put.as_str(), "application/json", 100_000),
        ("POST /api/books", "multipart/form-data; boundary=x", 1_200_000_000),
    ] {
        let answer = announce(&server, request, kind, length).await;
        assert_eq!(answer, "HTTP/1.1 413", "{request}");
    }
}

/// What the server answers to a request that only says how large its body is, in bytes. A client that
/// sends the body of a refused request may find the connection closed before it reads the answer.
async fn announce(server: &TestServer, request: &str, kind: &str, length: usize) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read =
        tokio::time::timeout(std::time::Duration::from_secs(5), stream.read_exact(&mut answer));
    read.await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
