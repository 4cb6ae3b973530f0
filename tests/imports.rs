//! Files that come in: what they leave, what is told about them, and reading them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{Cursor, Write};
use std::process::Command;
use std::time::Duration;

use common::{TestServer, database, epub, epub_with};
use futures::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A file of `entries` beside those of an EPUB with one page.
fn with_entries(book: &[u8], entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new_append(Cursor::new(book.to_vec())).unwrap();
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A picture with enough in it to be worth making smaller.
fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let noise = (x * 7919 + y * 104_729) % 61;
        image::Rgb([((x / 3 + noise) % 256) as u8, ((y / 2) % 256) as u8, (noise * 4) as u8])
    };
    let picture = image::DynamicImage::from(image::RgbImage::from_fn(width, height, pixel));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// A text that takes some seconds to read in a debug build.
fn slow_text() -> Vec<u8> {
    "A b. ".repeat(300_000).into_bytes()
}

/// Files that are being imported, or were left behind.
fn arrivals(data: &std::path::Path) -> usize {
    std::fs::read_dir(data.join("arrivals")).map_or(0, Iterator::count)
}

/// Child processes that read files for a server.
fn children(data: &std::path::Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let data = data.to_string_lossy().into_owned();
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    lines.filter(|line| line.contains("import-one") && line.contains(&data)).count()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_comes_back_byte_for_byte_until_the_book_is_deleted() {
    let server = TestServer::start().await;
    let cover = "<p><img src='cover.jpg'/></p>";
    let book = epub("Slash / and “quotes”", &[("Cover", cover), ("A", "<p>Text.</p>")]);
    let file = with_entries(&book, &[("OPS/cover.jpg", &jpeg(700, 1000))]);
    let id = server.import("a.epub", file.clone()).await;
    let response = server.get(&format!("/api/books/{id}/file")).await;
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "application/epub+zip");
    assert_eq!(headers["content-length"], file.len().to_string());
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment; "));
    assert_eq!(response.bytes().await.unwrap(), file);

    let addresses = [
        format!("/api/books/{id}/file"),
        format!("/books/{id}/cover"),
        format!("/books/{id}/cover?width=180"),
        format!("/books/{id}/files/OPS/cover.jpg"),
    ];
    for address in &addresses {
        let response = server.get(address).await;
        assert_eq!(response.status(), 200, "{address}");
        let cached = response.headers()["cache-control"].to_str().unwrap().to_owned();
        assert!(!cached.contains("public"), "{address}: {cached}");
    }
    let delete = server.client.delete(server.url(&format!("/api/books/{id}")));
    assert_eq!(delete.send().await.unwrap().status(), 204);
    for address in &addresses {
        assert_eq!(server.get(address).await.status(), 404, "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn covers_are_made_small_for_the_shelf() {
    let server = TestServer::start().await;
    let book =
        epub("Covered", &[("Cover", "<p><img src='cover.jpg'/></p>"), ("A", "<p>Text.</p>")]);
    let original = jpeg(1400, 2100);
    let id = server.import("a.epub", with_entries(&book, &[("OPS/cover.jpg", &original)])).await;
    assert_eq!(server.get(&format!("/books/{id}/cover")).await.bytes().await.unwrap(), original);
    for width in [180, 340] {
        let small = server.get(&format!("/books/{id}/cover?width={width}")).await;
        assert_eq!(small.headers()["content-type"], "image/webp");
        let small = small.bytes().await.unwrap();
        assert_eq!(imagesize::blob_size(&small).unwrap().width, width);
        assert!(small.len() * 8 < original.len(), "{} of {}", small.len(), original.len());
    }
    let page = server.get("/").await.text().await.unwrap();
    assert!(page.contains(&format!("/books/{id}/cover?width=180")), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_out_is_told_everywhere() {
    let server = TestServer::start().await;
    let file = epub("Torn", &[("A", "<p>Text. <img src='lost.png'/></p>")]);
    let imported: Value = server.upload("a.epub", file.clone()).await.json().await.unwrap();
    let id = imported["id"].as_str().unwrap();
    let expected = json!([{
        "kind": "missing",
        "part": "OPS/lost.png",
        "message": "“OPS/lost.png” is named in the book and is not in the file.",
    }]);
    assert_eq!(imported["warnings"], expected);
    assert_eq!(server.json(&format!("/api/books/{id}")).await["warnings"], expected);
    let page = server.get(&format!("/book/{id}")).await.text().await.unwrap();
    assert!(page.contains("is named in the book"), "{page}");

    let (data, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = folder.path().join("torn.epub");
    std::fs::write(&path, &file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
    let output =
        command.arg("import").arg(&path).env("EARMARK_DATA", data.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("lost.png"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_tells_how_far_it_is() {
    let server = TestServer::start().await;
    let events = async |name: &'static str, bytes: Vec<u8>| {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name);
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = server.client.post(server.url("/api/books")).multipart(form);
        let response = request.header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.text().await.unwrap()
    };
    let said = events("a.epub", epub("Told", &[("A", "<p>Text.</p>")])).await;
    let at = |name: &str| said.find(&format!("event: {name}\n"));
    assert!(at("reading").unwrap() < at("done").unwrap(), "{said}");
    assert!(said.contains("\"title\":\"Told\""), "{said}");
    let said = events("a.pdf", b"%PDF-1.7".to_vec()).await;
    assert!(said.contains("event: refused\n") && said.contains("PDF"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_import() {
    let server = TestServer::start().await;
    let part = reqwest::multipart::Part::bytes(slow_text()).file_name("slow.txt");
    let form = reqwest::multipart::Form::new().part("file", part);
    let request = server.client.post(server.url("/api/books")).multipart(form);
    let response = request.header("accept", "text/event-stream").send().await.unwrap();
    let mut stream = response.bytes_stream();
    // It has begun.
    let mut said = String::new();
    while !said.contains("event: reading") {
        said += &String::from_utf8_lossy(&stream.next().await.unwrap().unwrap());
    }
    assert_eq!(arrivals(server.data.path()), 1);
    // The event comes before the process does.
    until("a child reads it", || children(server.data.path()) == 1).await;
    drop(stream);
    until("the child has ended", || children(server.data.path()) == 0).await;
    until("nothing is left", || arrivals(server.data.path()) == 0).await;
    assert_eq!(server.json("/api/books").await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_are_read_at_once_and_the_others_wait() {
    let server = TestServer::start().await;
    let upload = |number: usize| {
        let mut text = slow_text();
        text.extend(format!("Number {number}.").bytes());
        server.upload("slow.txt", text)
    };
    let uploads = futures::future::join_all((0..4).map(upload));
    tokio::pin!(uploads);
    let mut most = 0;
    let answers = loop {
        tokio::select! {
            answers = &mut uploads => break answers,
            () = tokio::time::sleep(Duration::from_millis(10)) => most = most.max(children(server.data.path())),
        }
    };
    assert!(answers.iter().all(|answer| answer.status() == 201));
    assert_eq!(most, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_read_anew_keeps_places_and_marks_at_their_words() {
    let server = TestServer::start().await;
    let body = "<p>He was born in <a href='#x'>1812</a> here. Nobody knew.</p><p id='x'>The end is near. It came.</p>";
    let id = server.import("a.epub", epub("Anew", &[("A", body)])).await;
    let mark = json!({
        "kind": "highlight", "chapter": 1, "quote": "end is near", "note": "Kept.", "colour": "blue",
        "start": { "sentence": 1, "offset": 4 }, "end": { "sentence": 1, "offset": 15 },
    });
    // As it was imported by rules that lost the number and a sentence with it.
    let old = json!({
        "title": "A", "html": "<p><span id=\"s0\" data-s=\"0\">He was born in here. Nobody knew.</span></p><p><span id=\"s1\" data-s=\"1\">The end is near.</span> <span id=\"s2\" data-s=\"2\">It came.</span></p>",
        "sentences": [
            { "text": "He was born in here. Nobody knew.", "pause": "sentence" },
            { "text": "The end is near.", "pause": "sentence" }, { "text": "It came.", "pause": "chapter" },
        ],
    });
    let stored = server.data.path().join(format!("objects/books/{id}/chapters/1.json"));
    std::fs::write(stored, old.to_string()).unwrap();
    let pool = database(server.data.path()).await;
    for statement in [
        "UPDATE books SET rules = 1, title = 'Mine', sentences = 3",
        "UPDATE chapters SET sentences = 3",
    ] {
        let all = format!(
            "{statement} WHERE {} = '{id}'",
            if statement.contains("books") { "id" } else { "book_id" }
        );
        sqlx::query(sqlx::AssertSqlSafe(all)).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let server = TestServer::start_on(server.stop().await).await;
    let book = server.json(&format!("/api/books/{id}")).await;
    assert_eq!((&book["is_outdated"], &book["sentences"]), (&json!(true), &json!(3)));
    let page = server.get(&format!("/book/{id}")).await.text().await.unwrap();
    assert!(page.contains(&format!("/api/books/{id}/reimport")), "{page}");
    let address = format!("/api/books/{id}/progress");
    let place = json!({ "chapter": 1, "sentence": 2, "intra_ms": 300 });
    server.client.put(server.url(&address)).json(&place).send().await.unwrap();
    let marked =
        server.client.post(server.url(&format!("/api/books/{id}/annotations"))).json(&mark);
    assert_eq!(marked.send().await.unwrap().status(), 201);
    let sentence = |text: &Value| text["sentences"][0]["text"].as_str().unwrap().to_owned();
    let before = server.json(&format!("/api/books/{id}/chapters/1")).await;
    assert_eq!(sentence(&before), "He was born in here. Nobody knew.");

    let done =
        server.client.post(server.url(&format!("/api/books/{id}/reimport"))).send().await.unwrap();
    assert_eq!(done.status(), 200, "{}", done.text().await.unwrap());
    let after = server.json(&format!("/api/books/{id}/chapters/1")).await;
    assert_eq!(sentence(&after), "He was born in 1812 here.");
    let book = server.json(&format!("/api/books/{id}")).await;
    assert_eq!((&book["is_outdated"], &book["title"]), (&json!(false), &json!("Mine")));
    assert_eq!(book["progress"]["sentence"], 3, "It came.");
    let marks = server.json(&format!("/api/books/{id}/annotations")).await;
    assert_eq!(marks[0]["start"], json!({ "sentence": 2, "offset": 4 }));
    assert_eq!(marks[0]["end"], json!({ "sentence": 2, "offset": 15 }));
    assert_eq!((&marks[0]["note"], &marks[0]["colour"]), (&json!("Kept."), &json!("blue")));
    let heard = server.get(&format!("/audio/{id}/1/0.mp3?voice={}", common::VOICE)).await;
    assert_eq!(heard.status(), 200, "{}", heard.text().await.unwrap());
    // Again, from the command line, for all books.
    let folder = server.stop().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
    command.args(["reimport", "--all"]).env("EARMARK_DATA", folder.path());
    if let Some(url) = common::database_url(folder.path()) {
        command.env("DATABASE_URL", url);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("Mine") && said.contains("The Reading Lamp"),
        "{said}"
    );
    let server = TestServer::start_on(folder).await;
    let marks = server.json(&format!("/api/books/{id}/annotations")).await;
    assert_eq!(marks[0]["start"], json!({ "sentence": 2, "offset": 4 }));
    assert_eq!(
        sentence(&server.json(&format!("/api/books/{id}/chapters/1")).await),
        "He was born in 1812 here."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_the_last_build_is_read_anew_as_the_sample() {
    let server = TestServer::start().await;
    let books = server.json("/api/books").await;
    let id = books[0]["id"].as_str().unwrap().to_owned();
    const FORMER: &str = "85cc1f83572d7b5e";
    let folder = server.stop().await;
    let objects = folder.path().join("objects/books");
    std::fs::rename(objects.join(&id), objects.join(FORMER)).unwrap();
    std::fs::rename(
        objects.join(FORMER).join("original.epub"),
        objects.join(FORMER).join("original.txt"),
    )
    .unwrap();
    std::fs::write(
        objects.join(FORMER).join("original.txt"),
        "<html>three documents as one</html>",
    )
    .unwrap();
    let pool = database(folder.path()).await;
    for statement in [
        format!(
            "INSERT INTO books (id, title, authors, language, vertical, format, cover, toc, chapters, sentences, added_at) SELECT '{FORMER}', title, authors, language, vertical, 'txt', cover, toc, chapters, sentences, added_at FROM books"
        ),
        format!("UPDATE chapters SET book_id = '{FORMER}'"),
        format!("DELETE FROM books WHERE id <> '{FORMER}'"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let server = TestServer::start_on(folder).await;
    assert_eq!(server.json(&format!("/api/books/{FORMER}")).await["is_outdated"], true);
    let done = server
        .client
        .post(server.url(&format!("/api/books/{FORMER}/reimport")))
        .send()
        .await
        .unwrap();
    assert_eq!(done.status(), 200, "{}", done.text().await.unwrap());
    let book = server.json(&format!("/api/books/{FORMER}")).await;
    assert_eq!(book["chapters"][0]["title"], "The Lamp at the Corner");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("new");
    let file = parent.path().join("a.epub");
    std::fs::write(&file, epub("Private", &[("A", "<p>Text.</p>")])).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
    let output = command.arg("import").arg(&file).env("EARMARK_DATA", &folder).output().unwrap();
    assert!(output.status.success());
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("earmark.db")), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_looks_as_its_style_sheets_have_it() {
    let server = TestServer::start().await;
    let sheet = "p { margin: 0; text-indent: 1.2em } h1 { text-align: center }
        h1 + p { text-indent: 0 } .sc { font-variant: small-caps } .it { font-style: italic }
        .evil { text-align: \"></p><script>alert(1)</script>\" }";
    let text = "<link rel='stylesheet' href='css/s.css'/><h1>One</h1><p>First of all.</p>\
        <p><span class='sc'>Then</span> came <span class='it'>another</span>.</p>\
        <p class='evil'>And one more.</p>";
    let bytes = epub_with("en", "T", &[("One", text)], &[("css/s.css", "text/css", sheet)]);
    let book = server.import("t.epub", bytes).await;
    let page = server.get(&format!("/read/{book}/1")).await.text().await.unwrap();
    for shown in [
        "<h1 data-look=\"center\">",
        "<p><span id=\"s1\" data-s=\"1\">First",
        "<p data-look=\"indented\">",
        "<span data-look=\"small-caps\">Then</span>",
        "<i>another</i>",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(!page.contains("alert(1)"));
}
