//! The API is what it says of itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::browser::{Browser, with_people};
use common::{TestServer, epub};
use reqwest::Method;
use serde_json::Value;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_described_as_it_is() {
    let server = TestServer::start().await;
    let description = server.json("/api/openapi.json").await;
    assert_eq!(description["openapi"].as_str().unwrap().split('.').next(), Some("3"));
    for (path, methods) in description["paths"].as_object().unwrap() {
        let address = path
            .replace("{book}", "0123456789abcdef")
            .replace("{chapter}", "1")
            .replace("{sentence}", "0")
            .replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase().parse().unwrap();
            let response =
                server.client.request(method, server.url(&address)).send().await.unwrap();
            assert_ne!(response.status(), 405, "{path}");
            // Events have no end.
            if response
                .headers()
                .get("content-type")
                .is_some_and(|kind| kind == "text/event-stream")
            {
                continue;
            }
            let text = response.text().await.unwrap();
            assert!(!text.contains("no such address") && !text.contains("<html"), "{path}");
        }
    }
    let page = server.get("/developers").await.text().await.unwrap();
    assert!(page.contains("/v1/audio/speech") && page.contains("voiceId"), "{page}");
}

/// `make api-docs` writes what is compared here.
#[test]
fn the_document_says_what_the_routes_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    let made = earmark::http::api_in_markdown();
    if std::env::var_os("EARMARK_WRITE_API_DOCS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == made, "docs/api.md is not what the routes are: run `make api-docs`");
}

/// What cannot be read is answered as a problem document, whatever part of a request it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_problem_document() {
    let server = TestServer::start().await;
    let book = "/api/books/0123456789abcdef";
    for (method, path, kind, body, status) in [
        ("POST", "/api/people".to_owned(), "application/x-www-form-urlencoded", "name=a", 400),
        ("POST", "/login".to_owned(), "application/x-www-form-urlencoded", "name=a", 400),
        ("POST", "/login".to_owned(), "text/plain", "name=a", 400),
        ("PUT", format!("{book}/progress"), "application/json", "{\"chapter\":", 400),
        ("POST", format!("{book}/annotations"), "text/plain", "{}", 400),
        ("POST", book.to_owned(), "application/x-www-form-urlencoded", "title=a", 400),
        ("GET", format!("{book}/search?q=%ff%fe&q=b"), "text/plain", "", 400),
        ("GET", "/books/0123456789abcdef/cover?width=wide".to_owned(), "text/plain", "", 400),
        ("GET", "/api/books/%ff".to_owned(), "text/plain", "", 404),
        ("GET", "/api/books/none".to_owned(), "text/plain", "", 404),
        ("GET", format!("{book}/chapters/-1"), "text/plain", "", 400),
        ("GET", "/audio/0123456789abcdef/1/x.mp3".to_owned(), "text/plain", "", 400),
        ("GET", "/listen/0123456789abcdef/1".to_owned(), "text/plain", "", 404),
        ("POST", "/api/events/page_open".to_owned(), "application/json", "{}", 400),
    ] {
        let asked = server
            .client
            .request(method.parse().unwrap(), server.url(&path))
            .header("content-type", kind)
            .body(body);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "application/problem+json", "{method} {path}");
        let problem: Value = answer.json().await.unwrap();
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{method} {path}: {problem}");
    }
}

/// Where `make` installs programs that ask Earmark.
fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

#[tokio::test(flavor = "multi_thread")]
async fn openais_own_client_speaks_with_a_token() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let made: Value = max
        .post("/api/tokens", &[("name", "a program"), ("scopes", "speak")])
        .await
        .json()
        .await
        .unwrap();
    let said = Command::new(clients().join("venv/bin/python"))
        .arg(clients().join("speak.py"))
        .args([&server.url(""), made["token"].as_str().unwrap()])
        .output()
        .await
        .expect("the clients are installed by make");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    for kind in ["mp3", "wav", "pcm", "streamed"] {
        assert!(said[kind].as_u64().unwrap() > 2_000, "{kind}: {said}");
    }
    assert!(!said["models"].as_array().unwrap().is_empty(), "{said}");
    assert!(said["refused"].as_str().unwrap().contains("nobody"), "{said}");
    assert_eq!(said["wrong"], "is kept out");
}

/// Schemathesis asks for what the description says, right and wrong; every answer must be one that is described.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_that_is_not_described() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let file =
        reqwest::multipart::Part::bytes(epub("Short", &[("One", "<p>A word. Another.</p>")]));
    let form = reqwest::multipart::Form::new().part("file", file.file_name("short.epub"));
    let imported = ada.ask(Method::POST, "/api/books").multipart(form).send().await.unwrap();
    let imported: Value = imported.json().await.unwrap();
    let book = imported["id"].as_str().unwrap();
    // A timeline ends when all of its sentences have been made.
    let heard = ada.ask(Method::GET, &format!("/listen/{book}/1.mp3")).send().await.unwrap();
    assert!(heard.bytes().await.unwrap().len() > 5_000);
    let folder = tempfile::TempDir::new().unwrap();
    let settings = folder.path().join("schemathesis.toml");
    let settings_text = format!(
        "[parameters]\n\"path.book\" = \"{book}\"\n\"path.chapter\" = 1\n\"path.sentence\" = \"0.mp3\"\n\
         [[operations]]\ninclude-path = \"/listen/{{book}}/{{chapter}}\"\n\
         parameters = {{ \"path.chapter\" = \"1.mp3\" }}\n"
    );
    std::fs::write(&settings, settings_text).unwrap();
    let asked = Command::new(clients().join("venv/bin/schemathesis"))
        .arg("--config-file")
        .arg(&settings)
        .args(["run", &server.url("/api/openapi.json"), "--max-examples", "6", "--seed", "1"])
        .args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure"])
        .args(["--checks", "not_a_server_error,status_code_conformance"])
        .args(["--checks", "content_type_conformance,response_schema_conformance"])
        .args(["--header", &format!("Cookie: {}", ada.cookie)])
        .args(["--header", &format!("Origin: {}", ada.origin)])
        .args(["--request-timeout", "5", "--no-color", "--warnings", "off"])
        // Events that have no end.
        .args(["--exclude-operation-id", "all_events"])
        // The book and whoever asks must last for what comes after.
        .args(["--exclude-operation-id", "delete", "--exclude-operation-id", "end_session"])
        .current_dir(folder.path())
        .kill_on_drop(true)
        .output();
    let asked = tokio::time::timeout(Duration::from_secs(180), asked)
        .await
        .expect("it ends")
        .expect("Schemathesis is installed by make");
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(asked.status.success(), "{said}{}", String::from_utf8_lossy(&asked.stderr));
}

/// An event is answered as one, whatever the request seems to come from, and leads nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_looks_like_a_form_is_an_event() {
    let server = TestServer::start().await;
    let book = server.import("e.epub", epub("E", &[("One", "<p>A word.</p>")])).await;
    let place = serde_json::json!({ "place": {
        "listener": "l", "book": book, "chapter": 1, "sentence": 0, "voice": ""
    }});
    for event in ["chapter_open", "page_open", "chapter_change"] {
        let asked = server.client.post(server.url(&format!("/api/events/{event}"))).json(&place);
        let asked = asked.header("accept", "text/html").header("referer", server.url("/read"));
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{event}");
        assert!(answer.headers().get("location").is_none(), "{event}");
    }
}

/// A browser is led back to the page of the form, which says why, and fills it in as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_refused_says_so_on_its_page() {
    let server = TestServer::start().await;
    let book = server.import("f.epub", epub("F", &[("One", "<p>A word.</p>")])).await;
    let client = common::client_builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    let forms: [(String, &[(&str, &str)]); 2] = [
        (format!("/api/books/{book}"), &[("title", " "), ("authors", "")]),
        (format!("/api/books/{book}/annotations/nothing"), &[("note", "Too good to lose.")]),
    ];
    for (address, fields) in forms {
        let ask = || client.post(server.url(&address)).form(fields);
        let page = server.url(&format!("/book/{book}?x=1"));
        let answer = ask().header("accept", "text/html").header("referer", page);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 303, "{address}");
        assert_eq!(answer.headers()["location"], format!("/book/{book}?x=1&again"), "{address}");
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("earmark_notice="), "{address}: {cookie}");
        // So is a script that shows it by itself.
        let accept = "text/html, application/problem+json";
        let answer = ask().header("accept", accept).header("referer", server.url("/"));
        let answer = answer.send().await.unwrap();
        assert!(answer.status().is_client_error(), "{address}: {}", answer.status());
        // A program is told the problem.
        let answer = ask().send().await.unwrap();
        assert!(answer.status().is_client_error(), "{address}: {}", answer.status());
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_said_in_the_language_that_a_browser_asks_for() {
    let server = TestServer::start().await;
    let detail = async |language: &str, voice: &str| {
        let address = format!("/api/books/0123456789abcdef/chapters/1/timeline?voice={voice}");
        let request = server.client.get(server.url(&address)).header("accept-language", language);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        problem["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(detail("de-AT,en;q=0.5", "").await, "Dieses Buch gibt es nicht.");
    assert_eq!(detail("es", "").await, "Ese libro no existe.");
    assert_eq!(detail("en", "").await, "There is no such book.");
    assert_eq!(detail("fr", "").await, "There is no such book.");
    // A long one has been compressed before it is said otherwise.
    let long = format!("/api/books/{}/chapters/1/timeline", "x".repeat(40));
    let request = server.client.get(server.url(&long)).header("accept-encoding", "gzip");
    let answer = request.header("accept-language", "de").send().await.unwrap();
    assert!(!answer.headers().contains_key("content-encoding"));
    assert!(answer.json::<Value>().await.is_ok());
    let body = format!("{{\"place\":{{\"listener\":\"{}\"}}}}", "x".repeat(900));
    let request = server.client.post(server.url("/api/events/page_open")).body(body);
    let request = request.header("content-type", "application/json");
    let request = request.header("accept-encoding", "gzip").header("accept-language", "es");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(!answer.headers().contains_key("content-encoding"));
    assert!(answer.json::<Value>().await.is_ok());
    // The door says it too.
    let house = with_people().await;
    let asked = house.client.get(house.url("/api/books")).header("accept-language", "de");
    let refused = asked.send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["detail"], "Melde dich zuerst an.");
    // A form that is refused says it on its page.
    let form = [("title", ""), ("authors", "")];
    let book = server.import("b.epub", epub("B", &[("One", "<p>Text.</p>")])).await;
    let refused = server.client.post(server.url(&format!("/api/books/{book}"))).form(&form);
    let refused = refused.header("accept-language", "de").send().await.unwrap();
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["detail"], "Der Titel und jeder Autor brauchen 1 bis 500 Zeichen.");
}
