//! Who is let in, and to what.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use common::browser::{Browser, PASSWORD, with_people};
use common::standin::{Fault, KEY, StandIn};
use common::{TestServer, epub};
use reqwest::header::{COOKIE, ORIGIN};
use reqwest::{Method, redirect};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn on_a_machine_of_ones_own_nobody_logs_in() {
    let server = TestServer::start().await;
    let browser = Browser::of(&server);
    for path in ["/", "/engines", "/people", "/api/books", "/account"] {
        assert_eq!(browser.status(Method::GET, path).await, 200, "{path}");
    }
    // What a proxy passes on comes from elsewhere, though the proxy is on this machine.
    for mark in ["x-forwarded-for", "forwarded", "via"] {
        let passed_on = browser.ask(Method::GET, "/api/books").header(mark, "192.0.2.1");
        assert_eq!(passed_on.send().await.unwrap().status(), 401, "{mark}");
    }
}

/// Every route there is, as everybody there can be. What is expected is said here by what a route is about, and not
/// read from the table that decides.
#[tokio::test(flavor = "multi_thread")]
async fn each_route_lets_in_whom_it_should() {
    let server = with_people().await;
    let [ada, max, lea] = [
        Browser::logged_in(&server, "Ada").await,
        Browser::logged_in(&server, "Max").await,
        Browser::logged_in(&server, "Lea").await,
    ];
    let stranger = Browser::of(&server);
    let made_token = |answer: Value| answer["token"].as_str().unwrap().to_owned();
    let made = ada
        .post(
            "/api/tokens",
            &[("name", "a program"), ("scopes", "read listen progress import speak spend")],
        )
        .await;
    let token = made_token(made.json().await.unwrap());
    let description = ada.json("/api/openapi.json").await;
    let mut routes: Vec<(String, Method)> = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let address = path.replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys() {
            routes.push((address.clone(), method.to_uppercase().parse().unwrap()));
        }
    }
    let pages = [
        "/",
        "/settings",
        "/statistics",
        "/keys",
        "/engines",
        "/storage",
        "/people",
        "/voices",
        "/account",
        "/dashboard",
    ];
    routes.extend(pages.map(|page| (page.to_owned(), Method::GET)));
    assert!(routes.len() > 60, "{}", routes.len());
    let is_admins = |path: &str| {
        [
            "/engines",
            "/storage",
            "/packs",
            "/people",
            "/voices",
            "/invitations",
            "/happenings",
            "/activity",
            "/dead-letters",
            "/dashboard",
        ]
        .iter()
        .any(|about| path.contains(about))
            && path != "/api/voices"
            && path != "/v1/audio/voices"
    };
    let is_members = |path: &str, method: &Method| {
        let is_change = *method != Method::GET;
        // Of books of their own listeners may take one away: tests/sharing.rs.
        let changes_book = ["/api/books", "/api/books/book"].contains(&path)
            && *method == Method::POST
            || path.ends_with("/reimport")
            || path.ends_with("/everybody")
            || path.ends_with("/shares")
            || path.ends_with("/matter");
        is_change && changes_book || path == "/api/voice" || path == "/v1/audio/speech"
    };
    let is_ones_own = |path: &str| {
        !path.starts_with("/api/people/")
            && ["/account", "/sessions", "/tokens", "/passkeys", "/shares", "/feeds"]
                .iter()
                .any(|about| path.contains(about))
    };
    let fields = [("name", "operator"), ("scopes", "admin")];
    assert_eq!(max.post("/api/tokens", &fields).await.status(), 403, "a member's");
    let made: Value = ada.post("/api/tokens", &fields).await.json().await.unwrap();
    let operator = made_token(made);
    for (path, method) in routes {
        let ask = async |browser: &Browser| browser.status(method.clone(), &path).await;
        let named = format!("{method} {path}");
        if path == "/health" {
            assert_eq!(ask(&stranger).await, 200);
            continue;
        }
        assert_eq!(ask(&stranger).await, 401, "{named}, a stranger");
        let forged = stranger.ask(method.clone(), &path);
        let forged = forged.bearer_auth(token.replace("ema_", "ema_x")).send().await.unwrap();
        assert_eq!(forged.status(), 401, "{named}, a forged token");
        assert_eq!(
            ask(&lea).await == 403,
            is_admins(&path) || is_members(&path, &method),
            "{named}, a listener"
        );
        assert_eq!(ask(&max).await == 403, is_admins(&path), "{named}, a member");
        assert_ne!(ask(&ada).await, 403, "{named}, an admin");
        let program = stranger.ask(method.clone(), &path).bearer_auth(&token).send().await.unwrap();
        let is_refused = is_admins(&path) || is_ones_own(&path);
        assert_eq!(program.status() == 403, is_refused, "{named}, an admin's program");
        // What is not an admin's is for tokens of other kinds, and nothing of oneself for any.
        let program = stranger.ask(method.clone(), &path).bearer_auth(&operator);
        let status = program.send().await.unwrap().status();
        let may = is_admins(&path) && path.starts_with("/api/");
        assert_eq!(status != 403, may, "{named}, a program that runs the place");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_registered_is_refused_and_not_rendered() {
    let server = with_people().await;
    let book = Browser::logged_in(&server, "Ada").await;
    let stranger = Browser::of(&server);
    let file = reqwest::multipart::Part::bytes(epub("Secret", &[("One", "<p>Words.</p>")]));
    let form = reqwest::multipart::Form::new().part("file", file.file_name("a.epub"));
    let book: Value = book
        .ask(Method::POST, "/api/books")
        .multipart(form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = book["id"].as_str().unwrap();
    // Spellings by which a route may be missed and a page be rendered all the same.
    for path in [
        format!("//book/{id}"),
        format!("/book/{id}/"),
        format!("/./book/{id}"),
        format!("/login/../book/{id}"),
        format!("/pkg/../book/{id}"),
        format!("/pkg/%2e%2e/book/{id}"),
        format!("/BOOK/{id}"),
        format!("/book/{id}?next=/login"),
        format!("/book/{id}%00"),
        format!("/api/books/{id}/"),
        "/api/books?x=/health".to_owned(),
        "/sw.js/../api/books".to_owned(),
    ] {
        let answer =
            stranger.ask(Method::GET, &path).header("accept", "text/html").send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert!(!text.contains("Secret") && status != 200, "{path}: {status} {text}");
    }
    // The same for pages that are an admin's: leptos would show them for an address with a slash at its end.
    let lea = Browser::logged_in(&server, "Lea").await;
    for path in ["/people/", "/./people", "/engines/", "/account//", "//people", "/people/."] {
        let answer = lea.ask(Method::GET, path).header("accept", "text/html").send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert!(!text.contains("Max") && status != 200, "{path}: {status} {text}");
    }
    for path in ["/login", "/favicon.svg", "/sw.js", "/manifest.webmanifest", "/operator.css"] {
        // Files are there where the app was built; what matters is that nobody is asked who they are.
        assert!([200, 404].contains(&stranger.status(Method::GET, path).await), "{path}");
    }
    let health: Value = stranger.json("/health").await;
    assert_eq!(health.as_object().unwrap().len(), 1, "{health}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_closes_for_everybody_with_the_first_account() {
    let server = with_people().await;
    let stranger = Browser::of(&server);
    let page =
        stranger.ask(Method::GET, "/book/0123456789abcdef?q=a b").header("accept", "text/html");
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), 303);
    let login = page.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(login, "/login?next=%2Fbook%2F0123456789abcdef%3Fq%3Da%2520b");
    // A form leads on to where one wanted to go, and nowhere else.
    for (next, page) in
        [("/storage", "/storage"), ("//evil.example", "/"), ("https://evil.example", "/")]
    {
        let fields = [("name", "Ada"), ("password", PASSWORD), ("next", next)];
        let form = stranger.ask(Method::POST, "/login").header("accept", "text/html").form(&fields);
        let answer = form.send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["location"]),
            (303, &page.parse().unwrap())
        );
    }
    // A page that is not of this site cannot send one's form, also where it says nothing of itself.
    let ada = Browser::logged_in(&server, "Ada").await;
    let silent = ada.client.post(server.url("/settings")).header(COOKIE, &ada.cookie);
    assert_eq!(silent.send().await.unwrap().status(), 403);
    assert_eq!(ada.post("/settings", &[]).await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_logged_out_is_out() {
    let server = with_people().await;
    let (laptop, phone) =
        (Browser::logged_in(&server, "Lea").await, Browser::logged_in(&server, "Lea").await);
    let sessions = laptop.json("/api/sessions").await;
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["is_this"] == false).unwrap();
    // Another's session is none of hers.
    let max = Browser::logged_in(&server, "Max").await;
    let end = format!("/api/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(max.status(Method::DELETE, &end).await, 404);
    assert_eq!(phone.status(Method::GET, "/api/books").await, 200);
    assert_eq!(laptop.status(Method::DELETE, &end).await, 204);
    assert_eq!(phone.status(Method::GET, "/api/books").await, 401);
    let out = laptop.post("/logout", &[]).await;
    assert!(out.headers()["clear-site-data"].to_str().unwrap().contains("storage"));
    assert_eq!(laptop.status(Method::GET, "/api/books").await, 401);
    // What a proxy in front asks for is none of ours, and a session counts all the same.
    let both = Browser::logged_in(&server, "Lea").await;
    let asked = both.ask(Method::GET, "/api/books").basic_auth("proxy", Some("its own"));
    assert_eq!(asked.send().await.unwrap().status(), 200);
    // Two sessions of one browser, from before and after it came over HTTPS, end together.
    let secure =
        Browser::logged_in(&server, "Lea").await.cookie.replace("earmark=", "__Host-earmark=");
    let cookies = format!("{}; {secure}", both.cookie);
    let out = both.client.post(server.url("/logout")).header(COOKIE, &cookies);
    assert_eq!(out.header(ORIGIN, &both.origin).send().await.unwrap().status(), 204);
    assert_eq!(both.status(Method::GET, "/api/books").await, 401);
    // A changed password ends all the others.
    let (one, two) =
        (Browser::logged_in(&server, "Lea").await, Browser::logged_in(&server, "Lea").await);
    let new = "quite another one";
    let wrong =
        one.post("/api/account/password", &[("old", "not hers at all"), ("new", new)]).await;
    assert_eq!(wrong.status(), 401);
    let set = one.post("/api/account/password", &[("old", PASSWORD), ("new", new)]).await;
    assert_eq!(set.status(), 204);
    assert_eq!(one.status(Method::GET, "/api/books").await, 200);
    assert_eq!(two.status(Method::GET, "/api/books").await, 401);
    assert_eq!(Browser::of(&server).log_in("Lea", PASSWORD).await.status(), 401);
    assert_eq!(Browser::of(&server).log_in("Lea", new).await.status(), 204);
}

/// Each kind of thing, with a token for it alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_may_do_what_its_token_is_for() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let book = max.json("/api/books").await[0]["id"].as_str().unwrap().to_owned();
    let wrong = max.post("/api/tokens", &[("name", "x"), ("scopes", "read everything")]).await;
    assert_eq!(wrong.status(), 400);
    let asked = [
        ("read", Method::GET, format!("/api/books/{book}")),
        ("read", Method::GET, "/book/x/y".to_owned()),
        ("listen", Method::GET, format!("/audio/{book}/1/999.mp3")),
        ("listen", Method::GET, format!("/api/books/{book}/audios")),
        ("progress", Method::PUT, format!("/api/books/{book}/progress")),
        ("progress", Method::GET, format!("/api/books/{book}/annotations")),
        ("progress", Method::GET, format!("/book/{book}/notes")),
        ("progress", Method::POST, "/settings".to_owned()),
        ("import", Method::POST, format!("/api/books/{book}/restore")),
        ("import", Method::POST, "/api/books".to_owned()),
        ("speak", Method::GET, "/v1/audio/voices".to_owned()),
        ("speak", Method::POST, "/api/voice".to_owned()),
    ];
    for scope in ["read", "listen", "progress", "import", "speak", "spend"] {
        // As the page sends it, and as a program does.
        let fields = if scope == "listen" {
            [("name", "x"), (scope, "on")]
        } else {
            [("name", "x"), ("scopes", scope)]
        };
        let made: Value = max.post("/api/tokens", &fields).await.json().await.unwrap();
        for (needed, method, path) in &asked {
            let asked = common::client().request(method.clone(), server.url(path));
            let answer = asked.bearer_auth(made["token"].as_str().unwrap()).send().await.unwrap();
            assert_eq!(answer.status() == 403, *needed != scope, "{method} {path} for {scope}");
        }
    }
    let tokens = max.json("/api/tokens").await;
    assert!(
        tokens.as_array().unwrap().iter().any(|token| token["scopes"] == json!(["listen"])),
        "{tokens}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_a_token_until_it_is_withdrawn() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let made: Value = max
        .post("/api/tokens", &[("name", "e-reader"), ("days", "30")])
        .await
        .json()
        .await
        .unwrap();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("ema_") && token.len() == 62, "{token}");
    let program = common::client();
    let ask = async || {
        program.get(server.url("/api/books")).bearer_auth(token).send().await.unwrap().status()
    };
    assert_eq!(ask().await, 200);
    let basic = program.get(server.url("/api/books")).basic_auth("anything", Some(token));
    assert_eq!(basic.send().await.unwrap().status(), 200);
    // It needs no origin: no page can send it by itself.
    let change = program.post(server.url("/settings")).bearer_auth(token);
    assert_eq!(change.form(&[("theme", "dark")]).send().await.unwrap().status(), 204);
    let tokens = max.json("/api/tokens").await;
    assert!(!tokens.to_string().contains(&token[13..]), "it is said once");
    assert!(
        tokens[0]["used_at_ms"].as_u64().is_some() && tokens[0]["expires_at_ms"].as_u64().is_some()
    );
    let end = format!("/api/tokens/{}", tokens[0]["id"].as_str().unwrap());
    assert_eq!(Browser::logged_in(&server, "Lea").await.status(Method::DELETE, &end).await, 404);
    let stream = common::client().get(server.url("/api/narrations/events")).bearer_auth(token);
    let stream = stream.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(max.status(Method::DELETE, &end).await, 204);
    assert_eq!(ask().await, 401);
    // What goes on ends as well.
    let ended = tokio::time::timeout(Duration::from_secs(60), stream.text()).await;
    assert!(ended.is_ok_and(|text| text.is_ok()));
}

/// A page of another site may ask for speech with a token, and with nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_ask_with_a_token() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let made: Value = max
        .post("/api/tokens", &[("name", "page"), ("scopes", "speak")])
        .await
        .json()
        .await
        .unwrap();
    let token = made["token"].as_str().unwrap();
    let page = common::client();
    let ask = |method: Method, path: &str| {
        let asked = page.request(method, server.url(path)).header(ORIGIN, "https://reader.example");
        asked.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "cors")
    };
    let before = ask(Method::OPTIONS, "/v1/audio/speech")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let before = before.send().await.unwrap();
    assert_eq!(before.status(), 200);
    assert_eq!(before.headers()["access-control-allow-origin"], "*");
    for path in ["/v1/models", "/v1/audio/models", "/v1/audio/voices"] {
        let before = ask(Method::OPTIONS, path).header("access-control-request-method", "GET");
        assert_eq!(before.send().await.unwrap().status(), 200, "{path}");
        // What is refused is for the page to read as well.
        let refused = ask(Method::GET, path).send().await.unwrap();
        assert_eq!(refused.status(), 401, "{path}");
        assert_eq!(refused.headers()["access-control-allow-origin"], "*", "{path}");
    }
    assert!(!before.headers().contains_key("access-control-allow-credentials"));
    let body = json!({ "input": "One.", "voice": "alloy" });
    let spoken = ask(Method::POST, "/v1/audio/speech").bearer_auth(token).json(&body);
    let spoken = spoken.send().await.unwrap();
    assert_eq!(spoken.status(), 200);
    assert_eq!(spoken.headers()["access-control-allow-origin"], "*");
    let by_cookie = ask(Method::POST, "/v1/audio/speech").header(COOKIE, &max.cookie).json(&body);
    assert_eq!(by_cookie.send().await.unwrap().status(), 403);
    let elsewhere =
        ask(Method::OPTIONS, "/api/books").header("access-control-request-method", "GET");
    assert!(!elsewhere.send().await.unwrap().headers().contains_key("access-control-allow-origin"));
    // Where nobody logs in, no token is good, and a page can make up any.
    let laptop = TestServer::start().await;
    let forged = page.post(laptop.url("/v1/audio/speech")).header("sec-fetch-site", "cross-site");
    assert_eq!(forged.bearer_auth(token).json(&body).send().await.unwrap().status(), 403);
}

/// A speech service may be a program of the house that is nobody else's business.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_answers_is_for_whoever_runs_the_place() {
    let (server, standin) = (with_people().await, StandIn::start().await);
    let [ada, max] =
        [Browser::logged_in(&server, "Ada").await, Browser::logged_in(&server, "Max").await];
    let form = [
        ("name", "inner"),
        ("kind", "openai"),
        ("url", standin.url.as_str()),
        ("key", KEY),
        ("voices", "af_heart"),
    ];
    assert_eq!(ada.post("/api/engines", &form).await.status(), 201);
    let people = ada.json("/api/people").await;
    let him = people.as_array().unwrap().iter().find(|person| person["name"] == "Max").unwrap();
    let of_max = format!("/api/people/{}", him["id"].as_str().unwrap());
    assert_eq!(ada.post(&of_max, &[("allowance", "∞")]).await.status(), 204);
    let file = reqwest::multipart::Part::bytes(epub("Inner", &[("One", "<p>Words.</p>")]));
    let form = reqwest::multipart::Form::new().part("file", file.file_name("a.epub"));
    let added = max.ask(Method::POST, "/api/books").multipart(form).send().await.unwrap();
    let added: Value = added.json().await.unwrap();
    let book = added["id"].as_str().unwrap();
    let hear = async |browser: &Browser| {
        standin.fail([Fault::Body("{\"secret\": \"of the house\"}")]);
        let path = format!("/audio/{book}/1/0.mp3?voice=inner:af_heart");
        let answer = browser.ask(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 503);
        answer.text().await.unwrap()
    };
    let said = hear(&max).await;
    assert!(said.contains("no usable audio") && !said.contains("secret"), "{said}");
    let said = hear(&ada).await;
    assert!(said.contains("secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_locks_nobody_out() {
    let server = with_people().await;
    let lea = Browser::logged_in(&server, "Lea").await;
    let mut guesser = Browser::of(&server);
    // Her own login was the first of ten.
    for _ in 0..9 {
        let answer = guesser.log_in("Lea", "a wrong password").await;
        assert_eq!(answer.status(), 401);
    }
    let answer = guesser.log_in("LEA ", PASSWORD).await;
    assert_eq!(answer.status(), 429, "not even the right one");
    assert!(answer.headers().contains_key("retry-after"));
    // Nobody is locked out by tries with other names either; of one address there are only so many.
    for number in 0..70 {
        guesser.log_in(&format!("Somebody {number}"), "a wrong password").await;
    }
    assert_eq!(guesser.log_in("Nobody", "a wrong password").await.status(), 429);
    assert_eq!(lea.status(Method::GET, "/api/books").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_has_is_answered_like_a_wrong_password() {
    let server = with_people().await;
    // Another name from there, and whoever is in already, are not concerned.
    assert_eq!(Browser::of(&server).log_in("Max", PASSWORD).await.status(), 204);
    // A name that nobody has is answered like a wrong password.
    let nobody = Browser::of(&server).log_in("Nobody", "a wrong password").await;
    assert_eq!(nobody.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_always_runs_the_place() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let people = ada.json("/api/people").await;
    let id = |name: &str| {
        let found =
            people.as_array().unwrap().iter().find(|person| person["name"] == name).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    let (own, max) = (format!("/api/people/{}", id("Ada")), format!("/api/people/{}", id("Max")));
    assert_eq!(ada.post(&own, &[("role", "member")]).await.status(), 400);
    assert_eq!(ada.status(Method::DELETE, &own).await, 400);
    let browser = Browser::logged_in(&server, "Max").await;
    assert_eq!(browser.status(Method::GET, "/api/people").await, 403);
    assert_eq!(ada.post(&max, &[("role", "admin")]).await.status(), 204);
    assert_eq!(browser.status(Method::GET, "/api/people").await, 200, "at once");
    assert_eq!(ada.status(Method::DELETE, &own).await, 204);
    assert_eq!(ada.status(Method::GET, "/api/books").await, 401, "removed, and out");
    let taken =
        browser.post("/api/people", &[("name", "MAX"), ("password", PASSWORD), ("role", "member")]);
    assert_eq!(taken.await.status(), 400);
}

/// Two people in one book, each with their own place, marks, words and preferences; the first goes on with what
/// there was.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_has_their_own_place_and_marks() {
    let server = TestServer::start().await;
    let local = Browser::of(&server);
    let words: String = (0..20).map(|n| format!("<p>Sentence number {n} of them.</p>")).collect();
    let book = server.import("book.epub", epub("Book", &[("One", &words)])).await;
    let (progress, marks) =
        (format!("/api/books/{book}/progress"), format!("/api/books/{book}/annotations"));
    let go_to = async |browser: &Browser, sentence: u32| {
        let place = json!({ "chapter": 1, "sentence": sentence });
        let put = browser.ask(Method::PUT, &progress).json(&place).send().await.unwrap();
        assert_eq!(put.status(), 200);
    };
    let mark = async |browser: &Browser, note: &str| {
        let mark = json!({ "kind": "highlight", "chapter": 1, "start": { "sentence": 1, "offset": 0 },
            "end": { "sentence": 1, "offset": 4 }, "quote": "Sent", "note": note });
        let kept = browser.ask(Method::POST, &marks).json(&mark).send().await.unwrap();
        assert_eq!(kept.status(), 201);
    };
    go_to(&local, 3).await;
    mark(&local, "from before").await;
    assert_eq!(local.post("/settings", &[("theme", "sepia")]).await.status(), 204);
    let add = async |browser: &Browser, name: &str| {
        let fields = [("name", name), ("password", PASSWORD), ("role", "listener")];
        assert_eq!(browser.post("/api/people", &fields).await.status(), 201);
    };
    add(&local, "Ada").await;
    let ada = Browser::logged_in(&server, "Ada").await;
    add(&ada, "Lea").await;
    let lea = Browser::logged_in(&server, "Lea").await;
    assert_eq!(ada.json(&progress).await["sentence"], 3);
    assert_eq!(ada.json(&marks).await[0]["note"], "from before");
    assert_eq!(ada.json("/api/preferences").await["theme"], "sepia");
    assert_eq!(lea.json(&progress).await, Value::Null);
    assert_eq!(lea.json(&marks).await, json!([]));
    assert_ne!(lea.json("/api/preferences").await["theme"], "sepia");
    go_to(&lea, 9).await;
    mark(&lea, "hers").await;
    let said = [("written", "number"), ("spoken", "figure"), ("scope", "book")];
    let kept = lea.post(&format!("/api/books/{book}/pronunciations"), &said).await;
    assert!(kept.status().is_success());
    assert_eq!(ada.json(&progress).await["sentence"], 3);
    assert_eq!(ada.json(&marks).await.as_array().unwrap().len(), 1);
    // Nobody reaches into what another has.
    let hers = lea.json(&marks).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.status(Method::DELETE, &format!("{marks}/{hers}")).await, 404);
    let entries = format!("/api/books/{book}/pronunciations");
    assert_eq!(ada.json(&entries).await, json!([]));
    let hers = lea.json(&entries).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.status(Method::DELETE, &format!("{entries}/{hers}")).await, 404);
    // What each hears is made as they have said it, and a library shows each their own place.
    let clip = async |browser: &Browser| {
        let clip =
            browser.ask(Method::GET, &format!("/audio/{book}/1/4.mp3?voice={}", common::VOICE));
        clip.send().await.unwrap().bytes().await.unwrap()
    };
    assert_ne!(clip(&ada).await, clip(&lea).await);
    let of_book = async |browser: &Browser| {
        let books = browser.json("/api/books").await;
        let books = books.as_array().unwrap().clone();
        books.into_iter().find(|one| one["id"] == book.as_str()).unwrap()["progress"]["sentence"]
            .clone()
    };
    assert_eq!((of_book(&ada).await, of_book(&lea).await), (json!(3), json!(9)));
    // With somebody goes what they had.
    let people = ada.json("/api/people").await;
    let id =
        people.as_array().unwrap().iter().find(|one| one["name"] == "Lea").unwrap()["id"].clone();
    assert_eq!(
        ada.status(Method::DELETE, &format!("/api/people/{}", id.as_str().unwrap())).await,
        204
    );
    let database = common::database(server.data.path()).await;
    let left =
        sqlx::query("SELECT id FROM annotations WHERE note = 'hers'").fetch_all(&database).await;
    assert!(left.unwrap().is_empty());
}

/// The program itself, listening where other devices reach it; it says its own address and what else it has to say.
struct Program {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_earmark"))
            .args(["--addr", "0.0.0.0:0", "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn browser_at(line: &str) -> Browser {
    let port = line.rsplit(':').next().unwrap().trim();
    let client = common::client_builder().redirect(redirect::Policy::none()).build().unwrap();
    Browser { client, cookie: String::new(), origin: format!("http://127.0.0.1:{port}") }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_account_is_made_by_whoever_has_the_terminal() {
    let data = tempfile::TempDir::new().unwrap();
    let mut program = Program::start(data.path(), &[]);
    let mut browser = browser_at(&program.line());
    let line = program.line();
    let (_, code) = line.split_once("/setup?code=").unwrap();
    assert_eq!(code.len(), 14, "{line}");
    assert_eq!(browser.status(Method::GET, "/api/books").await, 401);
    let page = browser.ask(Method::GET, "/").header("accept", "text/html").send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["location"]),
        (303, &"/setup".parse().unwrap())
    );
    let form = |code| [("code", code), ("name", "Ada"), ("password", PASSWORD)];
    assert_eq!(browser.post("/setup", &form("AAAA-AAAA-AAAA")).await.status(), 403);
    assert_eq!(
        browser
            .post("/setup", &[("code", code), ("name", "Ada"), ("password", "short")])
            .await
            .status(),
        400
    );
    let plain = code.replace('-', "").to_lowercase();
    // Several at once are one all the same.
    let attempts = ["Ada", "Bob", "Cyd"].map(|name| {
        let fields = [("code", plain.as_str()), ("name", name), ("password", PASSWORD)];
        browser.ask(Method::POST, "/setup").form(&fields).send()
    });
    let statuses = futures::future::join_all(attempts).await;
    let made = statuses.into_iter().filter(|answer| answer.as_ref().unwrap().status() == 204);
    assert_eq!(made.count(), 1);
    assert_eq!(browser.post("/setup", &form(code)).await.status(), 403, "it is good once");
    for name in ["Ada", "Bob", "Cyd"] {
        browser.log_in(name, PASSWORD).await;
    }
    assert_eq!(browser.status(Method::GET, "/engines").await, 200, "she runs the place");
    assert_eq!(browser.json("/api/people").await.as_array().unwrap().len(), 1);
    drop(program);
    // Another start asks for nothing, and the browser is known again.
    let mut program = Program::start(data.path(), &[]);
    let origin = browser_at(&program.line()).origin;
    let again = Browser { origin, ..browser };
    let begun = std::time::Instant::now();
    while again.client.get(format!("{}/health", again.origin)).send().await.is_err() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(again.status(Method::GET, "/api/books").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_house_asks_nobody() {
    let data = tempfile::TempDir::new().unwrap();
    let mut program = Program::start(data.path(), &["--open"]);
    let browser = browser_at(&program.line());
    let begun = std::time::Instant::now();
    while browser.client.get(format!("{}/health", browser.origin)).send().await.is_err() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(browser.status(Method::GET, "/engines").await, 200, "on the machine itself");
    // From elsewhere one reads and adds books, and does not run the place.
    let from_elsewhere = async |path: &str| {
        let asked = browser.ask(Method::GET, path).header("x-forwarded-for", "192.0.2.1");
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(from_elsewhere("/api/books").await, 200);
    assert_eq!(from_elsewhere("/engines").await, 403);
    assert_eq!(from_elsewhere("/people").await, 403);
}

#[test]
fn people_are_managed_from_the_command_line() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data");
    let run = |arguments: &[&str], password: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_earmark"))
            .args(["users", "--data"])
            .arg(&data)
            .args(arguments)
            .env("EARMARK_PASSWORD", password)
            .output()
            .unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(text).unwrap())
    };
    // The first runs the place, whatever is asked for.
    assert!(run(&["add", "Ada"], PASSWORD).1.contains("admin"));
    assert!(run(&["add", "Lea"], PASSWORD).1.contains("listener"));
    assert!(!run(&["add", "Max"], "short").0);
    assert_eq!(run(&["list"], ""), (true, "Ada  admin\nLea  listener\n".to_owned()));
    assert!(run(&["role", "lea", "member"], "").0);
    let (removed, why) = run(&["remove", "Ada"], "");
    assert!(!removed && why.contains("admin"), "{why}");
    assert!(run(&["password", "Ada"], "yet another one").0);
    assert!(run(&["sessions", "Ada", "--revoke"], "").0);
    assert!(run(&["remove", "Lea"], "").0);
    assert_eq!(run(&["list"], "").1, "Ada  admin\n");
}
