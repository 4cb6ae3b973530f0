//! Books of one's own, and links by which people without an account read one book.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::browser::{Browser, with_people};
use common::epub;
use reqwest::header::SET_COOKIE;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// Imports a book, for everybody or for oneself.
async fn import(browser: &Browser, title: &str, only_me: bool) -> Value {
    let book = epub(title, &[("One", "<p>It was night. It was day.</p>")]);
    let form = Form::new().part("file", Part::bytes(book).file_name("a.epub"));
    // A browser's words may come in pieces.
    let words = || futures::stream::iter(["o", "n"].map(Ok::<_, std::io::Error>));
    let words = Part::stream(reqwest::Body::wrap_stream(words()));
    let form = if only_me { form.part("only_me", words) } else { form };
    let answer = browser.ask(Method::POST, "/api/books").multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

async fn titles(browser: &Browser) -> Vec<String> {
    let books = browser.json("/api/books").await;
    let titles = books.as_array().unwrap().iter();
    let mut titles: Vec<_> =
        titles.map(|book| book["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles.retain(|title| title.starts_with("Test "));
    titles
}

/// Every address of the API and of the pages that names a book, with this book in it.
async fn addresses(browser: &Browser, book: &str) -> Vec<(Method, String)> {
    let description = browser.json("/api/openapi.json").await;
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        if !path.contains("{book}") {
            continue;
        }
        let address = path
            .replace("{book}", book)
            .replace("{chapter}", "1")
            .replace("{sentence}", "0")
            .replace("{clip}", "0.mp3")
            .replace("/subtitles", "/subtitles?form=vtt")
            .replace("/sample", "/sample?written=night&spoken=day&matching=word&scope=book")
            .replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys() {
            found.push((method.to_uppercase().parse().unwrap(), address.clone()));
        }
    }
    let pages = [
        "/book/ID",
        "/book/ID/search?q=night",
        "/book/ID/notes",
        "/book/ID/pronunciation",
        "/book/ID/passage?chapter=1&from=0&to=0",
        "/book/ID/voices",
        "/read/ID/1",
        "/go/ID?percent=0",
        "/books/ID/cover",
        "/books/ID/fonts.css",
        "/books/ID/files/a.png",
        "/audio/ID/1/0.mp3",
    ];
    found.extend(pages.map(|page| (Method::GET, page.replace("ID", book))));
    assert!(found.len() > 35, "{}", found.len());
    found
}

fn fits(browser: &Browser, method: &Method, path: &str) -> reqwest::RequestBuilder {
    let request = browser.ask(method.clone(), path);
    if path.ends_with("/progress") && *method == Method::PUT {
        return request.json(&json!({ "chapter": 1, "sentence": 0, "intra_ms": 0 }));
    }
    match path.rsplit('/').next().unwrap_or_default() {
        "shares" => request.form(&[("days", "1")]),
        "matter" => request.form(&[("chapter", "1"), ("matter", "front")]),
        _ if *method == Method::POST => request.form(&[("title", "Stolen"), ("authors", "Me")]),
        _ => request,
    }
}

async fn events(browser: &Browser, book: &str) -> Vec<u16> {
    let place = json!({ "place": { "listener": "l", "book": book, "chapter": 1, "sentence": 0, "voice": "" } });
    let mut statuses = Vec::new();
    for event in ["chapter_open", "page_open", "chapter_change"] {
        let asked = browser.ask(Method::POST, &format!("/api/events/{event}")).json(&place);
        statuses.push(asked.send().await.unwrap().status().as_u16());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_of_ones_own_is_there_for_nobody_else() {
    let server = with_people().await;
    let [ada, max, lea] = [
        Browser::logged_in(&server, "Ada").await,
        Browser::logged_in(&server, "Max").await,
        Browser::logged_in(&server, "Lea").await,
    ];
    let book = import(&max, "Test diary", true).await;
    assert_eq!(book["is_own"], true);
    let id = book["id"].as_str().unwrap().to_owned();
    assert_eq!(titles(&max).await, ["Test diary"]);
    assert!(titles(&ada).await.is_empty() && titles(&lea).await.is_empty());
    for (method, path) in addresses(&max, &id).await {
        for (name, browser) in [("an admin", &ada), ("a listener", &lea)] {
            let answer = fits(browser, &method, &path).send().await.unwrap();
            let status = answer.status().as_u16();
            let is_refused = match method {
                Method::GET => status == 404 || status == 403,
                _ => [400, 403, 404, 415, 422].contains(&status),
            };
            assert!(is_refused, "{method} {path} of {name}: {status}");
            let said = answer.text().await.unwrap();
            assert!(!said.contains("diary") && !said.contains("night"), "{method} {path}: {said}");
        }
    }
    assert_eq!(events(&ada, &id).await, [404, 404, 404]);
    // Nothing of that has changed it.
    assert_eq!(max.json(&format!("/api/books/{id}")).await["title"], "Test diary");
    assert_eq!(events(&max, &id).await, [200, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_by_an_import_whether_another_has_the_book() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let of_max = import(&max, "Test novel", true).await;
    // The same file, brought by another: a book of theirs, as if there were no other.
    let of_ada = import(&ada, "Test novel", true).await;
    assert_ne!(of_max["id"], of_ada["id"]);
    let renamed = format!("/api/books/{}", of_ada["id"].as_str().unwrap());
    let fields = [("title", "Test mine"), ("authors", "Ada")];
    assert_eq!(ada.post(&renamed, &fields).await.status(), 204);
    assert_eq!(titles(&max).await, ["Test novel"]);
    // What one brings twice is there once.
    assert_eq!(import(&ada, "Test novel", true).await["id"], of_ada["id"]);
    assert_eq!(titles(&ada).await, ["Test mine"]);
    // Deleted by one it is there for the other.
    assert_eq!(ada.status(Method::DELETE, &renamed).await, 204);
    assert_eq!(titles(&max).await, ["Test novel"]);
    let restore = format!("{renamed}/restore");
    assert_eq!(max.status(Method::POST, &restore).await, 404);
    let said = max.ask(Method::GET, &format!("/?deleted={}", of_ada["id"].as_str().unwrap()));
    assert!(!said.send().await.unwrap().text().await.unwrap().contains("Test mine"));
    assert_eq!(ada.status(Method::POST, &restore).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_book_becomes_everybodys_and_keeps_its_place() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let lea = Browser::logged_in(&server, "Lea").await;
    let id = import(&max, "Test gift", true).await["id"].as_str().unwrap().to_owned();
    let place = json!({ "chapter": 1, "sentence": 1, "intra_ms": 0 });
    let kept = max.ask(Method::PUT, &format!("/api/books/{id}/progress")).json(&place);
    assert_eq!(kept.send().await.unwrap().status(), 200);
    // Nobody gives away what is another's.
    let give = format!("/api/books/{id}/everybody");
    let ada = Browser::logged_in(&server, "Ada").await;
    assert_eq!(ada.status(Method::POST, &give).await, 404);
    // Brought again for everybody, it is the same book.
    assert_eq!(import(&max, "Test gift", false).await["id"].as_str(), Some(&*id));
    assert_eq!(titles(&lea).await, ["Test gift"]);
    let book = max.json(&format!("/api/books/{id}")).await;
    assert_eq!((&book["is_own"], &book["progress"]["sentence"]), (&json!(false), &json!(1)));
    assert_eq!(max.status(Method::POST, &give).await, 404, "it is everybody's already");
    // One that everybody sees is not brought again for oneself, which is said.
    let shared = import(&ada, "Test common", false).await;
    let again = import(&max, "Test common", true).await;
    assert_eq!(again["id"], shared["id"]);
    assert_eq!(again["warnings"][0]["kind"], "everybodys", "{again}");
    // What was given away and deleted since is one's own when it is brought again.
    assert_eq!(max.status(Method::DELETE, &format!("/api/books/{id}")).await, 204);
    assert_eq!(import(&max, "Test gift", true).await["is_own"], true);
    assert_eq!(titles(&lea).await, ["Test common"]);
    // What cannot be understood makes nothing everybody's.
    let file = Part::bytes(epub("Test other", &[("One", "<p>Words.</p>")])).file_name("a.epub");
    let form = Form::new().text("only_me", "perhaps").part("file", file);
    let answer = max.ask(Method::POST, "/api/books").multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_books_of_somebody_who_is_removed_go_with_them() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let max = Browser::logged_in(&server, "Max").await;
    let own = import(&max, "Test diary", true).await["id"].as_str().unwrap().to_owned();
    import(&max, "Test gift", false).await;
    let people = ada.json("/api/people").await;
    let person = people.as_array().unwrap().iter().find(|person| person["name"] == "Max");
    let person = person.unwrap()["id"].as_str().unwrap();
    assert_eq!(ada.status(Method::DELETE, &format!("/api/people/{person}")).await, 204);
    assert_eq!(titles(&ada).await, ["Test gift"]);
    let restore = format!("/api/books/{own}/restore");
    assert_eq!(ada.status(Method::POST, &restore).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_no_longer_add_books_still_takes_away_their_own() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let max = Browser::logged_in(&server, "Max").await;
    let own = import(&max, "Test diary", true).await["id"].as_str().unwrap().to_owned();
    let shared = import(&max, "Test gift", false).await["id"].as_str().unwrap().to_owned();
    let people = ada.json("/api/people").await;
    let person = people.as_array().unwrap().iter().find(|person| person["name"] == "Max");
    let role = format!("/api/people/{}", person.unwrap()["id"].as_str().unwrap());
    assert_eq!(ada.post(&role, &[("role", "listener")]).await.status(), 204);
    let page = max.ask(Method::GET, &format!("/book/{own}")).header("accept", "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("/api/books/{own}/delete")) && !page.contains("/reimport"));
    let address = format!("/api/books/{own}");
    assert_eq!(max.status(Method::DELETE, &address).await, 204);
    assert_eq!(titles(&max).await, ["Test gift"]);
    assert_eq!(max.status(Method::POST, &format!("{address}/restore")).await, 204);
    assert_eq!(max.status(Method::DELETE, &format!("/api/books/{shared}")).await, 403);
    assert_eq!(max.status(Method::POST, &format!("/api/books/{shared}/restore")).await, 403);
    assert_eq!(titles(&max).await, ["Test diary", "Test gift"]);
}

/// The address in the answer to whoever makes a link, and its path.
async fn link(browser: &Browser, book: &str) -> (String, String) {
    let made = browser.post(&format!("/api/books/{book}/shares"), &[("days", "2")]).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let page = made["page"].as_str().unwrap().to_owned();
    let path = page.strip_prefix(&browser.origin).unwrap().to_owned();
    (path.clone(), path.strip_prefix("/s/").unwrap().to_owned())
}

/// Has a browser come by a link, and keep what it is given.
async fn come(browser: &mut Browser, link: &str) -> Response {
    let answer = browser.post("/s", &[("link", link)]).await;
    for cookie in answer.headers().get_all(SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        if cookie.starts_with("earmark_guest=") {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            browser.cookie = cookie.split(';').next().unwrap().to_owned();
        }
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_link_reads_that_book_and_nothing_else() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let own = import(&max, "Test diary", true).await["id"].as_str().unwrap().to_owned();
    let other = import(&max, "Test other", false).await["id"].as_str().unwrap().to_owned();
    let (page, secret) = link(&max, &own).await;
    let mut guest = Browser::of(&server);
    let nowhere = guest.ask(Method::GET, "/s/nowhere").header("accept", "text/html");
    assert_eq!(nowhere.send().await.unwrap().status(), 404);
    let shown = guest.ask(Method::GET, &page).header("accept", "text/html");
    let shown = shown.send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("Test diary") && shown.contains("Max"), "{shown}");
    // To look at the page lets nobody in: programs that show links ahead do.
    assert_eq!(guest.status(Method::GET, &format!("/api/books/{own}")).await, 401);
    let come_in = come(&mut guest, &secret).await;
    assert_eq!(come_in.headers()["location"].to_str().unwrap(), format!("/book/{own}"));
    // The book, its sound, and a place of the guest's own.
    assert_eq!(titles(&guest).await, ["Test diary"]);
    let sound = guest.ask(Method::GET, &format!("/audio/{own}/1/0.mp3"));
    assert_eq!(sound.send().await.unwrap().status(), 200);
    assert_eq!(events(&guest, &own).await, [200, 200, 200]);
    let place = json!({ "chapter": 1, "sentence": 1, "intra_ms": 0 });
    let progress = format!("/api/books/{own}/progress");
    assert_eq!(guest.ask(Method::PUT, &progress).json(&place).send().await.unwrap().status(), 200);
    assert_eq!(max.json(&progress).await, Value::Null);
    assert_eq!(guest.json(&progress).await["sentence"], 1);
    // Who comes again goes on where they were.
    assert!(come(&mut guest, &secret).await.headers().get(SET_COOKIE).is_none());
    assert_eq!(guest.json(&progress).await["sentence"], 1);
    let mut second = Browser::of(&server);
    come(&mut second, &secret).await;
    assert_eq!(second.json(&progress).await, Value::Null, "each guest has a place");
    // Nothing else: no other book, no account, no change.
    for (method, path) in addresses(&max, &other).await {
        let status = fits(&guest, &method, &path).send().await.unwrap().status().as_u16();
        assert!([400, 403, 404, 415, 422].contains(&status), "{method} {path}: {status}");
    }
    for path in ["/api/sessions", "/api/tokens", "/api/shares", "/api/people", "/api/engines"] {
        assert_eq!(guest.status(Method::GET, path).await, 403, "{path}");
    }
    assert_eq!(guest.status(Method::DELETE, &format!("/api/books/{own}")).await, 403);
    // Nor what a guest makes of the voices, and nothing says that the book is theirs.
    let sample = format!("/api/books/{own}/pronunciations/sample?written=night&spoken=anything");
    assert_eq!(guest.status(Method::GET, &sample).await, 403);
    let said = guest.ask(Method::POST, &format!("/api/books/{own}/pronunciations"));
    assert_eq!(said.form(&[("written", "night")]).send().await.unwrap().status(), 403);
    assert_eq!(guest.json(&format!("/api/books/{own}")).await["is_own"], false);
    let narrations = guest.post("/api/narrations", &[("book", own.as_str())]).await;
    assert_eq!(narrations.status(), 403);
    // A page of another site cannot write in the guest's name.
    let forged = guest.client.put(server.url(&progress)).header("cookie", &guest.cookie);
    assert_eq!(forged.json(&place).send().await.unwrap().status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_until_it_is_withdrawn_or_its_book_is_gone() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let lea = Browser::logged_in(&server, "Lea").await;
    let book = import(&max, "Test lent", false).await["id"].as_str().unwrap().to_owned();
    assert_eq!(lea.post(&format!("/api/books/{book}/shares"), &[]).await.status(), 403);
    let (_, first) = link(&max, &book).await;
    let (page, second) = link(&max, &book).await;
    let (mut early, mut late) = (Browser::of(&server), Browser::of(&server));
    come(&mut early, &first).await;
    come(&mut late, &second).await;
    assert_eq!((titles(&early).await.len(), titles(&late).await.len()), (1, 1));
    let shares = max.json("/api/shares").await;
    assert_eq!((shares.as_array().unwrap().len(), &shares[0]["guests"]), (2, &json!(1)));
    assert!(!shares.to_string().contains(&first), "{shares}");
    let withdrawn = format!("/api/shares/{}", first.split('_').nth(1).unwrap());
    // Nobody withdraws what is another's.
    assert_eq!(lea.status(Method::DELETE, &withdrawn).await, 404);
    assert_eq!(max.status(Method::DELETE, &withdrawn).await, 204);
    assert_eq!(early.status(Method::GET, "/api/books").await, 401);
    assert_eq!(come(&mut early, &first).await.status(), 400);
    assert_eq!(late.status(Method::GET, "/api/books").await, 200);
    // One letter off is none.
    let mistyped = second.replace("ems_", "ema_");
    assert_eq!(come(&mut early, &mistyped).await.status(), 400);
    assert_eq!(max.status(Method::DELETE, &format!("/api/books/{book}")).await, 204);
    let gone = early.ask(Method::GET, &page).header("accept", "text/html").send().await.unwrap();
    assert!(!gone.text().await.unwrap().contains("Test lent"));
    assert_eq!(late.status(Method::GET, &format!("/api/books/{book}")).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_and_withdraws_the_links_of_all() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let max = Browser::logged_in(&server, "Max").await;
    let lent = import(&max, "Test lent", false).await["id"].as_str().unwrap().to_owned();
    let diary = import(&max, "Test diary", true).await["id"].as_str().unwrap().to_owned();
    let (_, first) = link(&max, &lent).await;
    link(&max, &diary).await;
    let shares = ada.json("/api/people/shares").await;
    let shares = shares.as_array().unwrap();
    // Another's own book has no name.
    let told = |at: usize| [&shares[at]["title"], &shares[at]["book"], &shares[at]["from"]];
    assert_eq!(told(0), [&json!(""), &json!(""), &json!("Max")]);
    assert_eq!(told(1), [&json!("Test lent"), &json!(lent), &json!("Max")]);
    let page = ada.ask(Method::GET, "/people").header("accept", "text/html").send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("Test lent") && !page.contains("Test diary"), "{page}");
    let withdrawn = format!("/api/people/shares/{}", first.split('_').nth(1).unwrap());
    assert_eq!(max.status(Method::GET, "/api/people/shares").await, 403);
    assert_eq!(max.status(Method::DELETE, &withdrawn).await, 403);
    assert_eq!(ada.status(Method::DELETE, &withdrawn).await, 204);
    assert_eq!(ada.status(Method::DELETE, &withdrawn).await, 404);
    assert_eq!(come(&mut Browser::of(&server), &first).await.status(), 400);
    assert_eq!(max.json("/api/shares").await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_logged_in_opens_a_link_as_themselves() {
    let server = with_people().await;
    let max = Browser::logged_in(&server, "Max").await;
    let mut lea = Browser::logged_in(&server, "Lea").await;
    let book = import(&max, "Test common", false).await["id"].as_str().unwrap().to_owned();
    let own = import(&max, "Test diary", true).await["id"].as_str().unwrap().to_owned();
    let (_, common) = link(&max, &book).await;
    let opened = come(&mut lea, &common).await;
    assert_eq!(opened.headers()["location"].to_str().unwrap(), format!("/book/{book}"));
    assert!(opened.headers().get(SET_COOKIE).is_none());
    let (_, diary) = link(&max, &own).await;
    let refused = come(&mut lea, &diary).await;
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("private window"));
}
