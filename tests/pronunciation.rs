//! How words are said: what is made again, for which books, and as a file.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::standin::{KEY, StandIn};
use common::{TestServer, epub, epub_about, epub_in};
use serde_json::{Value, json};

const VOICE: &str = "stand-in:af_heart";

/// A server with a paid voice, so that what is spoken can be seen and counted.
async fn paid() -> (TestServer, StandIn) {
    let (server, standin) = (TestServer::start().await, StandIn::start().await);
    let form = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", &standin.url),
        ("key", KEY),
        ("price", "15"),
    ];
    let added = server.client.post(server.url("/api/engines")).form(&form).send().await.unwrap();
    assert_eq!(added.status(), 201);
    (server, standin)
}

async fn listen(server: &TestServer, book: &str) {
    let address = format!("/listen/{book}/1.mp3?to=chapter&voice={VOICE}");
    let answer = server.get(&address).await;
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
}

async fn keep(server: &TestServer, book: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let address = server.url(&format!("/api/books/{book}/pronunciations"));
    let answer = server.client.post(address).form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What the voice was given since it was asked last.
fn said(standin: &StandIn, known: usize) -> Vec<String> {
    let calls = standin.calls().into_iter().skip(known);
    let mut said: Vec<String> =
        calls.map(|call| call.body["input"].as_str().unwrap().to_owned()).collect();
    said.sort();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn only_sentences_that_have_the_word_are_made_again() {
    let (server, standin) = paid().await;
    let body = "<p>Hermione came in. Nobody spoke.</p><p>Then Hermione’s cat left.</p>";
    let book = server.import("a.epub", epub("One", &[("1", body)])).await;
    listen(&server, &book).await;
    assert_eq!(standin.calls().len(), 3);
    let (status, kept) =
        keep(&server, &book, &[("written", "hermione"), ("spoken", "Her my oh knee")]).await;
    assert_eq!(status, 201, "{kept}");

    listen(&server, &book).await;
    assert_eq!(said(&standin, 3), ["Her my oh knee came in.", "Then Her my oh knee’s cat left."]);
    // The text is as it was, and what is found in it.
    let found = server.json(&format!("/api/books/{book}/search?q=hermione")).await;
    assert_eq!(found.as_array().unwrap().len(), 2);
    listen(&server, &book).await;
    assert_eq!(standin.calls().len(), 5, "the same sentence is never paid for twice");

    // Many at once wait for each other.
    let forms: Vec<String> = (0..40).map(|n| format!("word{n}")).collect();
    let address = server.url(&format!("/api/books/{book}/pronunciations"));
    let all = forms.iter().map(|word| {
        server.client.post(&address).form(&[("written", word.as_str()), ("spoken", "x")]).send()
    });
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.unwrap().status(), 201);
    }

    // Without it the first clips are found again.
    let address = format!("/api/books/{book}/pronunciations/{}", kept["id"].as_str().unwrap());
    let gone = server.client.delete(server.url(&address)).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    listen(&server, &book).await;
    assert_eq!(standin.calls().len(), 5);
    let again = server.client.delete(server.url(&address)).send().await.unwrap();
    assert_eq!(again.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_for_the_books_that_it_names() {
    let (server, standin) = paid().await;
    let body = "<p>Pip and Joe.</p>";
    let first = server.import("a.epub", epub("One", &[("1", body)])).await;
    let second = server.import("b.epub", epub("Two", &[("1", body)])).await;
    let other = server.import("c.epub", epub_in("fr", "Trois", &[("1", body)])).await;
    for (scope, spoken) in
        [("everywhere", "All"), ("language", "Language"), ("author", "Author"), ("book", "Book")]
    {
        let form = [("written", "Pip"), ("spoken", spoken), ("scope", scope)];
        assert_eq!(keep(&server, &first, &form).await.0, 201);
    }
    for book in [&first, &second, &other] {
        listen(&server, book).await;
    }
    // The nearest: this book's; of the others, that of the author, who wrote all of them.
    let spoken: Vec<String> =
        said(&standin, 0).into_iter().filter(|text| text.contains("Joe")).collect();
    assert_eq!(spoken, ["Author and Joe.", "Book and Joe."]);
    let known = server.json(&format!("/api/books/{other}/pronunciations")).await;
    let targets: Vec<&str> =
        known.as_array().unwrap().iter().map(|one| one["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["A. Writer", ""], "a French book has no entries for English");

    // What is for one book goes with it.
    server.client.delete(server.url(&format!("/api/books/{first}"))).send().await.unwrap();
    assert_eq!(
        server.json(&format!("/api/books/{second}/pronunciations")).await.as_array().unwrap().len(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_for_a_series_is_for_its_books_alone() {
    let server = TestServer::start().await;
    let of = |title: &str, series: Option<&str>| {
        let text = "<p>Pip was here.</p>";
        let series =
            series.map(|name| format!("<meta property='belongs-to-collection'>{name}</meta>"));
        epub_about(&series.unwrap_or_default(), "en", title, &[("One", text)], &[])
    };
    let first = server.import("1.epub", of("First", Some("The Mill"))).await;
    let second = server.import("2.epub", of("Second", Some("The Mill"))).await;
    let other = server.import("3.epub", of("Third", Some("The Brook"))).await;
    let alone = server.import("4.epub", of("Fourth", None)).await;
    assert_eq!(server.json(&format!("/api/books/{first}")).await["series"], "The Mill");
    let form = [("written", "Pip"), ("spoken", "Peep"), ("scope", "series")];
    assert_eq!(keep(&server, &first, &form).await.0, 201);
    let said = async |book: &str| {
        let entries = server.json(&format!("/api/books/{book}/pronunciations")).await;
        entries.as_array().unwrap().len()
    };
    assert_eq!([said(&first).await, said(&second).await], [1, 1]);
    assert_eq!([said(&other).await, said(&alone).await], [0, 0]);
    let (status, problem) = keep(&server, &alone, &form).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("no series"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_what_would_be_made_again_and_what_that_costs() {
    let (server, _standin) = paid().await;
    let body = "<p>We met Raskolnikov. There Raskolnikov sat. Was it Raskolnikov?</p><p>No.</p>";
    let book = server.import("a.epub", epub("Crime", &[("1", body)])).await;
    let place = json!({ "chapter": 1, "sentence": 0, "voice": VOICE });
    let address = server.url(&format!("/api/books/{book}/progress"));
    server.client.put(address).json(&place).send().await.unwrap();
    let page = server.get(&format!("/book/{book}/pronunciation")).await.text().await.unwrap();
    assert!(page.contains("Names in this book") && page.contains(">Raskolnikov<"), "{page}");
    let page = format!("/book/{book}/pronunciation?written=raskolnikov&spoken={}", "x".repeat(250));
    let page = server.get(&page).await.text().await.unwrap();
    assert!(page.contains("in 3 sentences of this book"), "{page}");
    assert!(page.contains("In your voice that costs 0.0"), "{page}");
    // A page is asked for what it was not asked for before, and does not end.
    let nowhere = format!("/book/{book}/pronunciation?written=%3Cb%3E&matching=pattern");
    let page = server.get(&nowhere).await.text().await.unwrap();
    assert!(page.contains("nowhere in this book") && !page.contains("<b>\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_in_words() {
    let (server, _standin) = paid().await;
    let book = server.import("a.epub", epub("One", &[("1", "<p>Pip.</p>")])).await;
    for (form, says) in [
        (vec![("written", " "), ("spoken", "x")], "Enter the word"),
        (vec![("written", "("), ("spoken", "x"), ("matching", "pattern")], "unclosed group"),
        (vec![("written", "Pip"), ("phonemes", "p1p")], "“1” is not a sign"),
        (vec![("written", "Pip"), ("spoken", "x"), ("scope", "galaxy")], "must be book"),
    ] {
        let (status, problem) = keep(&server, &book, &form).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    // A form is told on the page that it came from, and can be sent again.
    let address = server.url(&format!("/api/books/{book}/pronunciations"));
    let form = server.client.post(address).header("accept", "text/html");
    let answer = form.form(&[("written", "Pip"), ("spoken", "Pip")]).send().await.unwrap();
    assert_eq!(answer.url().path(), format!("/book/{book}/pronunciation"));
    let deaf = server.get("/api/books/0123456789abcdef/pronunciations").await;
    assert_eq!(deaf.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lexicon_comes_in_and_goes_out() {
    let (server, standin) = paid().await;
    let book = server.import("a.epub", epub("One", &[("1", "<p>Pip met Joe at 6 ft.</p>")])).await;
    let import = async |body: &str| {
        let address = server.url(&format!("/api/books/{book}/pronunciations/import?scope=book"));
        let answer = server.client.post(address).body(body.to_owned()).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let answer = import("Pip = Pipp\n/(\\d+) ft/ = $1 feet\nnonsense\n/(/ = x\n").await;
    assert_eq!(answer["kept"], 2);
    let lines: Vec<u64> = answer["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [3, 4], "{answer}");
    let pls = "<lexicon alphabet=\"ipa\"><lexeme><grapheme>Joe</grapheme><alias>Joseph</alias>\
               <phoneme>dʒoʊ</phoneme></lexeme></lexicon>";
    assert_eq!(import(pls).await["kept"], 1);
    listen(&server, &book).await;
    assert!(said(&standin, 0).contains(&"Pipp met Joseph at 6 feet.".to_owned()));

    let text = |kind: &str| server.url(&format!("/api/books/{book}/pronunciations.{kind}"));
    let lines = server.client.get(text("txt")).send().await.unwrap().text().await.unwrap();
    assert!(lines.contains("Joe = Joseph /dʒoʊ/\n") && lines.contains("/(\\d+) ft/ = $1 feet\n"));
    let pls = server.client.get(text("pls")).send().await.unwrap();
    assert_eq!(pls.headers()["content-type"], "application/pls+xml");
    let pls = pls.text().await.unwrap();
    assert!(pls.contains("<grapheme>Pip</grapheme><alias>Pipp</alias>"), "{pls}");
    // Neither many lines nor long ones keep the server or the others waiting.
    let many: String = (0..20_000).map(|n| format!("/\\w{{90}}{n}/=x\n")).collect();
    let answer = import(&many).await;
    assert!(answer["kept"].as_u64().unwrap() < 100, "{answer}");
    assert!(answer["refused"].as_array().unwrap().len() <= 100, "{answer}");
    let long = format!(
        "<lexicon><lexeme>{}<alias>{}</alias></lexeme></lexicon>",
        "<grapheme>x</grapheme>".repeat(5_000),
        "y".repeat(300_000)
    );
    assert_eq!(import(&long).await["kept"], 0);
    // What went out comes in, and is what it was.
    assert_eq!(import(&lines).await, json!({ "kept": 3, "refused": [] }));
    let too_large = import(&"x = y\n".repeat(100_000)).await;
    assert!(too_large["detail"].as_str().unwrap().contains("kB"), "{too_large}");
    // As the page sends it.
    let file = reqwest::multipart::Part::text("Pip = P.").file_name("list.txt");
    let form = reqwest::multipart::Form::new().part("file", file).text("scope", "everywhere");
    let address = server.url(&format!("/api/books/{book}/pronunciations/import"));
    let sent = server.client.post(address).header("accept", "text/html").multipart(form);
    let page = sent.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Kept: 1."), "{page}");
}
