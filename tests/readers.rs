//! What readers do with books: places on several devices, marks, search, names, deleting.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::{TestServer, epub};
use serde_json::{Value, json};

async fn book(server: &TestServer) -> String {
    let chapters = [
        ("One", "<p>The café was <em>not</em> open. Nobody came.</p><p>Later it was.</p>"),
        ("Two", "<p>A decaf café au lait. The end.</p>"),
    ];
    server.import("book.epub", epub("Marked", &chapters)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_moved_is_not_overwritten_unseen() {
    let server = TestServer::start().await;
    let id = book(&server).await;
    let address = server.url(&format!("/api/books/{id}/progress"));
    let put = async |body: Value| server.client.put(&address).json(&body).send().await.unwrap();
    let laptop = json!({ "chapter": 1, "sentence": 0, "device": "laptop", "known_ms": 0 });
    let first: Value = put(laptop.clone()).await.json().await.unwrap();
    let known = first["at_ms"].as_u64().unwrap();
    // The phone knows of the laptop's place and moves on.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let phone = json!({ "chapter": 2, "sentence": 1, "device": "phone", "known_ms": known });
    let moved: Value = put(phone).await.json().await.unwrap();
    // The laptop does not know of that.
    let mut again = laptop.clone();
    (again["sentence"], again["known_ms"]) = (json!(1), json!(known));
    let refused = put(again.clone()).await;
    assert_eq!(refused.status(), 409);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["place"], moved);
    assert_eq!(server.json(&format!("/api/books/{id}/progress")).await, moved);
    // Its reader has been asked and stays.
    again["known_ms"] = moved["at_ms"].clone();
    assert_eq!(put(again).await.status(), 200);
    let now = server.json(&format!("/api/books/{id}/progress")).await;
    assert_eq!((&now["device"], &now["sentence"]), (&json!("laptop"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_kept_edited_exported_and_removed() {
    let server = TestServer::start().await;
    let id = book(&server).await;
    let list = format!("/api/books/{id}/annotations");
    assert_eq!(server.json(&list).await, json!([]));
    let highlight = json!({
        "kind": "highlight", "chapter": 1, "quote": "café was not",
        "start": { "sentence": 0, "offset": 4 }, "end": { "sentence": 0, "offset": 16 },
    });
    let add =
        async |mark: &Value| server.client.post(server.url(&list)).json(mark).send().await.unwrap();
    let kept = add(&highlight).await;
    assert_eq!(kept.status(), 201);
    let kept: Value = kept.json().await.unwrap();
    let bookmark = json!({
        "kind": "bookmark", "chapter": 2, "quote": "The end.",
        "start": { "sentence": 1, "offset": 0 }, "end": { "sentence": 1, "offset": 0 },
    });
    assert_eq!(add(&bookmark).await.status(), 201);

    let address = format!("{list}/{}", kept["id"].as_str().unwrap());
    let form = [("note", "Really?\r\nWhy.")];
    let sent = server.client.post(server.url(&address)).form(&form).send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let marks = server.json(&list).await;
    assert_eq!(marks[0]["note"], "Really?\nWhy.");
    assert_eq!((&marks[0]["colour"], &marks[1]["kind"]), (&json!("green"), &json!("bookmark")));
    // The colour changes where one is named, and stays where none is.
    for (form, colour) in
        [([("note", "Really?\nWhy."), ("colour", "pink")].as_slice(), "pink"), (&form, "pink")]
    {
        let sent = server.client.post(server.url(&address)).form(form).send().await.unwrap();
        assert_eq!(sent.status(), 204);
        assert_eq!(server.json(&list).await[0]["colour"], colour);
    }
    let wrong = [("note", ""), ("colour", "plaid")];
    let sent = server.client.post(server.url(&address)).form(&wrong).send().await.unwrap();
    assert_eq!(sent.status(), 400);
    let markdown = server.get(&format!("{list}.md")).await.text().await.unwrap();
    let expected = "# Marked\n\nA. Writer\n\n## One\n\n> café was not\n\nReally?\nWhy.\n\n## Two\n\n> The end.\n";
    assert_eq!(markdown, expected);
    let page = server.get(&format!("/book/{id}/notes")).await.text().await.unwrap();
    assert!(page.contains("café was not") && page.contains("Really?"), "{page}");

    let outside = [("chapter", json!(9)), ("end", json!({ "sentence": 99, "offset": 0 }))];
    for (name, value) in outside {
        let mut wrong = highlight.clone();
        wrong[name] = value;
        let status = add(&wrong).await.status();
        assert!(status.is_client_error(), "{wrong}: {status}");
    }
    let removed = server.client.delete(server.url(&address)).send().await.unwrap();
    assert_eq!(removed.status(), 204);
    let again = server.client.delete(server.url(&address)).send().await.unwrap();
    assert_eq!(again.status(), 404);
    assert_eq!(server.json(&list).await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_words_are_found_with_accents_folded() {
    let server = TestServer::start().await;
    let id = book(&server).await;
    let hits = server.json(&format!("/api/books/{id}/search?q=CAFE")).await;
    let places: Vec<_> = hits
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| (hit["chapter"].as_u64().unwrap(), hit["sentence"].as_u64().unwrap()))
        .collect();
    assert_eq!(places, [(1, 0), (2, 0)]);
    assert_eq!(hits[1]["before"], "A decaf ");
    assert_eq!(hits[1]["found"], "café");
    let page = server.get(&format!("/book/{id}/search?q=lait")).await.text().await.unwrap();
    assert!(page.contains("<mark>lait<"), "{page}");
    let long = "x".repeat(300);
    assert_eq!(server.get(&format!("/api/books/{id}/search?q={long}")).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_renamed_deleted_and_brought_back() {
    let server = TestServer::start().await;
    let id = book(&server).await;
    let address = server.url(&format!("/api/books/{id}"));
    let post = async |path: &str, form: &[(&str, &str)]| {
        server.client.post(format!("{address}{path}")).form(form).send().await.unwrap()
    };
    let names = [("title", " Other "), ("authors", "B. Writer; C. Writer")];
    assert_eq!(post("", &names).await.status(), 204);
    let renamed = server.json(&format!("/api/books/{id}")).await;
    assert_eq!(renamed["title"], "Other");
    assert_eq!(renamed["authors"], json!(["B. Writer", "C. Writer"]));
    assert_eq!(post("", &[("title", " "), ("authors", "")]).await.status(), 400);

    let count = async || server.json("/api/books").await.as_array().unwrap().len();
    let before = count().await;
    assert_eq!(post("/delete", &[]).await.status(), 204);
    assert_eq!(count().await, before - 1);
    assert_eq!(server.get(&format!("/read/{id}/1")).await.status(), 404);
    assert_eq!(post("/delete", &[]).await.status(), 404);
    let page = server.get(&format!("/?deleted={id}")).await.text().await.unwrap();
    assert!(page.contains(&format!("/api/books/{id}/restore")), "{page}");
    assert_eq!(post("/restore", &[]).await.status(), 204);
    assert_eq!(server.json(&format!("/api/books/{id}")).await["title"], "Other");
    // A deleted book that is imported again is there again, as it was.
    post("/delete", &[]).await;
    assert_eq!(book(&server).await, id);
    assert_eq!(server.json(&format!("/api/books/{id}")).await["title"], "Other");
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_on_every_page_from_the_first_byte() {
    let server = TestServer::start().await;
    let set = async |form: &[(&str, &str)]| {
        server.client.post(server.url("/settings")).form(form).send().await.unwrap().status()
    };
    assert_eq!(set(&[("theme", "sepia"), ("size", "7"), ("tongue", "es")]).await, 204);
    assert_eq!(set(&[("theme", "pink")]).await, 400);
    assert_eq!(server.json("/api/preferences").await["theme"], "sepia");
    let html = async |languages: &str| {
        let page = server.client.get(server.url("/")).header("accept", "text/html");
        page.header("accept-language", languages).send().await.unwrap().text().await.unwrap()
    };
    let page = html("en").await;
    assert!(page.contains("data-theme=\"sepia\"") && page.contains("data-size=\"7\""), "{page}");
    assert!(page.contains("lang=\"es\"") && page.contains("Biblioteca"), "{page}");
    set(&[("tongue", "system")]).await;
    assert!(html("en-GB").await.contains("Library"));
    assert!(html("es-AR,en").await.contains("Biblioteca"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outline_estimates_what_has_not_been_made() {
    let server = TestServer::start().await;
    let id = book(&server).await;
    let address = format!("/api/books/{id}/chapters/1/outline");
    let before = server.json(&address).await;
    assert_eq!(before["estimated"], json!([0, 1, 2]));
    assert!(before["rest_ms"].as_u64().unwrap() > 500, "{before}");
    server.get(&format!("/listen/{id}/1.mp3?to=chapter")).await.bytes().await.unwrap();
    let after = server.json(&address).await;
    assert_eq!(after["estimated"], json!([]));
    let timeline = server.json(&format!("/api/books/{id}/chapters/1/timeline")).await;
    let total = |durations: &Value| {
        durations.as_array().unwrap().iter().map(|ms| ms.as_u64().unwrap()).sum::<u64>()
    };
    let exact: u64 = timeline
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["duration_ms"].as_u64().unwrap())
        .sum();
    assert!(total(&after["durations_ms"]).abs_diff(exact) <= 3);
    // An estimate within a half of the truth is of use to a reader.
    assert!(total(&before["durations_ms"]).abs_diff(exact) < exact / 2, "{before} {exact}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_book_has_an_address() {
    let server = TestServer::start().await;
    let id = book(&server).await;
    let at = async |percent: u32| server.json(&format!("/go/{id}?percent={percent}")).await;
    assert_eq!(at(0).await, format!("/read/{id}/1#s0"));
    assert_eq!(at(60).await, format!("/read/{id}/2#s0"));
    assert_eq!(at(100).await, format!("/read/{id}/2#s1"));
    assert_eq!(server.get(&format!("/go/{id}?percent=x")).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_takes_all_of_a_book_and_one_that_broke_off_leaves_no_ruin() {
    let server = TestServer::start().await;
    let id = book(&server).await;
    let files = |data: &std::path::Path| data.join(format!("objects/books/{id}")).exists();
    let delete = server.url(&format!("/api/books/{id}/delete"));
    server.client.post(delete).send().await.unwrap();
    let data = server.stop().await;
    let set_deleted = async |at_ms: i64| {
        let database = common::database(data.path()).await;
        let statement = sqlx::query("UPDATE books SET deleted_at = $1 WHERE id = $2");
        statement.bind(at_ms).bind(&id).execute(&database).await.unwrap();
        database.close().await;
    };
    // Its purge began and broke off: nobody can bring it back, and an import makes it whole.
    set_deleted(0).await;
    let server = TestServer::start_on(data).await;
    let restore = server.url(&format!("/api/books/{id}/restore"));
    assert_eq!(server.client.post(restore).send().await.unwrap().status(), 404);
    assert_eq!(book(&server).await, id);
    assert_eq!(server.get(&format!("/read/{id}/1")).await.status(), 200);
    let delete = server.url(&format!("/api/books/{id}/delete"));
    server.client.post(delete).send().await.unwrap();
    let data = server.stop().await;
    // Its week is over: the next start purges it.
    let database = common::database(data.path()).await;
    sqlx::query("UPDATE books SET deleted_at = 1").execute(&database).await.unwrap();
    database.close().await;
    let server = TestServer::start_on(data).await;
    for _ in 0..100 {
        if !files(server.data.path()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!files(server.data.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_is_spent_is_added_up_by_day_and_forgotten_when_asked() {
    let server = TestServer::start().await;
    let address = server.url("/api/statistics");
    let day = chrono::Utc::now().date_naive().to_string();
    let report = async |day: &str, read_s: u32, listened_s: u32| {
        let time = json!({ "day": day, "read_s": read_s, "listened_s": listened_s });
        server.client.post(&address).json(&time).send().await.unwrap().status()
    };
    assert_eq!(report(&day, 60, 0).await, 204);
    assert_eq!(report(&day, 15, 120).await, 204);
    let figures = server.json("/api/statistics").await;
    assert_eq!((&figures["read_s"], &figures["listened_s"]), (&json!(75), &json!(120)));
    assert_eq!((&figures["streak"], figures["days"].as_array().unwrap().len()), (&json!(1), 30));
    assert_eq!(figures["days"][29]["day"], day);
    // A device that had no connection tells later. No day that is long ago or to come, and none longer than a day.
    let before = |days| (chrono::Utc::now().date_naive() - chrono::Days::new(days)).to_string();
    assert_eq!(report(&before(20), 0, 3_600).await, 204);
    assert_eq!(report(&before(32), 0, 3_600).await, 400);
    for wrong in ["2020-02-29", "tomorrow", "2026-02-30"] {
        assert_eq!(report(wrong, 1, 1).await, 400, "{wrong}");
    }
    assert_eq!(report(&day, 86_401, 0).await, 400);
    for _ in 0..2 {
        assert_eq!(report(&day, 0, 80_000).await, 204);
    }
    assert_eq!(server.json("/api/statistics").await["listened_s"], 3_600 + 86_400);
    let page = server.client.get(server.url("/statistics")).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("25 h 0 min"));
    assert_eq!(server.client.delete(&address).send().await.unwrap().status(), 204);
    assert_eq!(server.json("/api/statistics").await["listened_s"], 0);
}
