//! People among themselves: who invites whom, what each may spend, and what is asked again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::browser::{Browser, PASSWORD, with_people};
use common::standin::{Fault, KEY, StandIn};
use common::{TestServer, epub};
use reqwest::Method;
use serde_json::{Value, json};

const SERVICE: &str = "stand-in:af_heart";

async fn id_of(admin: &Browser, name: &str) -> String {
    let people = admin.json("/api/people").await;
    let person = people.as_array().unwrap().iter().find(|person| person["name"] == name);
    person.unwrap()["id"].as_str().unwrap().to_owned()
}

async fn spent(admin: &Browser, name: &str) -> u64 {
    let people = admin.json("/api/people").await;
    let person = people.as_array().unwrap().iter().find(|person| person["name"] == name);
    person.unwrap()["spent_this_month"].as_u64().unwrap()
}

/// Adds a service that costs money, and a book of sentences of 26 characters.
async fn with_service(admin: &Browser, standin: &StandIn) -> String {
    let form = [
        ("name", "stand-in"),
        ("kind", "openai"),
        ("url", standin.url.as_str()),
        ("key", KEY),
        ("voices", "af_heart"),
        ("price", "100"),
    ];
    assert_eq!(admin.post("/api/engines", &form).await.status(), 201);
    let lines: String = (0..9).map(|n| format!("<p>Paid, a sentence number {n}.</p>")).collect();
    let file = reqwest::multipart::Part::bytes(epub("Paid", &[("One", &lines)]));
    let form = reqwest::multipart::Form::new().part("file", file.file_name("paid.epub"));
    let imported = admin.ask(Method::POST, "/api/books").multipart(form).send().await.unwrap();
    let imported: Value = imported.json().await.unwrap();
    imported["id"].as_str().unwrap().to_owned()
}

async fn hear(browser: &Browser, book: &str, sentence: usize) -> (u16, String) {
    let address = format!("/audio/{book}/1/{sentence}.mp3?voice={SERVICE}");
    let answer = browser.ask(Method::GET, &address).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_spends_more_than_they_may() {
    let (server, standin) = (with_people().await, StandIn::start().await);
    let ada = Browser::logged_in(&server, "Ada").await;
    let lea = Browser::logged_in(&server, "Lea").await;
    let book = with_service(&ada, &standin).await;
    let calls = standin.calls().len();
    // Who was only let in may spend nothing, also not by opening a chapter.
    let (status, said) = hear(&lea, &book, 0).await;
    assert!(status == 402 && said.contains("is not open to you"), "{status} {said}");
    let place = json!({ "place": {
        "listener": "l", "book": book, "chapter": 1, "sentence": 0, "voice": SERVICE
    }});
    let opened = lea.ask(Method::POST, "/api/events/chapter_open").json(&place);
    assert!(opened.send().await.unwrap().status().is_success());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(standin.calls().len(), calls, "the service was not asked");
    // What is there costs nobody anything.
    assert_eq!(hear(&ada, &book, 0).await.0, 200);
    assert_eq!(hear(&lea, &book, 0).await.0, 200);
    let of_lea = format!("/api/people/{}", id_of(&ada, "Lea").await);
    assert_eq!(ada.post(&of_lea, &[("allowance", "60")]).await.status(), 204);
    // What is known of it may be a few seconds old.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(hear(&lea, &book, 1).await.0, 200);
    // What the service did not do is not counted.
    standin.fail([Fault::Refusal(400, "invalid_request_error", None)]);
    assert_eq!(hear(&lea, &book, 2).await.0, 503);
    assert_eq!(spent(&ada, "Lea").await, 26);
    assert_eq!(hear(&lea, &book, 3).await.0, 200);
    let (status, said) = hear(&lea, &book, 4).await;
    assert!(status == 402 && said.contains("60 characters a month"), "{status} {said}");
    assert_eq!(spent(&ada, "Lea").await, 52);
    // What is left is too little: nothing is asked for ahead of time either, and nothing is a dead letter.
    let calls = standin.calls().len();
    let opened = lea.ask(Method::POST, "/api/events/chapter_open").json(&place);
    assert!(opened.send().await.unwrap().status().is_success());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(standin.calls().len(), calls, "the service was not asked");
    assert_eq!(ada.json("/health").await["queue"]["dead"], 1, "what the service refused");
    let page = lea.ask(Method::GET, "/account").header("accept", "text/html").send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("52 of 60 paid characters this month"), "{page}");
    // A role alone leaves the allowance as it is, and without an end there is none.
    assert_eq!(ada.post(&of_lea, &[("role", "member")]).await.status(), 204);
    assert_eq!(ada.json("/api/people").await[1]["allowance"], 60);
    assert_eq!(ada.post(&of_lea, &[("allowance", "")]).await.status(), 204);
    assert_eq!(ada.json("/api/people").await[1]["allowance"], 60);
    assert_eq!(ada.post(&of_lea, &[("allowance", "∞")]).await.status(), 204);
    assert_eq!(ada.json("/api/people").await[1]["allowance"], Value::Null);
    // Whoever comes to run the place may spend without limit, and nothing when they no longer do.
    assert_eq!(ada.post(&of_lea, &[("role", "admin")]).await.status(), 204);
    assert_eq!(ada.post(&of_lea, &[("role", "member")]).await.status(), 204);
    assert_eq!(ada.json("/api/people").await[1]["allowance"], 0);
    assert_eq!(ada.post(&of_lea, &[("allowance", "many")]).await.status(), 400);
    // Whoever has paid waits as long as it takes.
    assert_eq!(ada.post(&of_lea, &[("allowance", "80")]).await.status(), 204);
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    standin.set_latency(std::time::Duration::from_secs(8));
    assert_eq!(hear(&lea, &book, 5).await.0, 200);
    assert_eq!(spent(&ada, "Lea").await, 78);
    standin.set_latency(std::time::Duration::ZERO);
    // The times of a stream that was refused end, too.
    let listen = format!("/listen/{book}/1/timeline?from=6&voice={SERVICE}");
    assert_eq!(hear(&lea, &book, 6).await.0, 402);
    let times = lea.ask(Method::GET, &listen).send().await.unwrap().text();
    let times = tokio::time::timeout(std::time::Duration::from_secs(20), times).await;
    assert!(times.expect("it ends").unwrap().contains("event: failed"));
    // A program spends nothing of its person's unless its token is for that.
    for (scopes, status) in [("listen", 402), ("listen spend", 200)] {
        let fields = [("name", "a program"), ("scopes", scopes)];
        let made: Value = ada.post("/api/tokens", &fields).await.json().await.unwrap();
        let sound = server.url(&format!("/audio/{book}/1/7.mp3?voice={SERVICE}"));
        let heard = common::client().get(sound).bearer_auth(made["token"].as_str().unwrap());
        assert_eq!(heard.send().await.unwrap().status(), status, "{scopes}");
    }
}

/// Two people want one sentence at once, and the first of them may not pay for it.
#[tokio::test(flavor = "multi_thread")]
async fn one_who_may_not_pay_is_nothing_for_another_who_may() {
    let (server, standin) = (with_people().await, StandIn::start().await);
    let ada = Browser::logged_in(&server, "Ada").await;
    let lea = Browser::logged_in(&server, "Lea").await;
    let book = with_service(&ada, &standin).await;
    let of_lea = format!("/api/people/{}", id_of(&ada, "Lea").await);
    assert_eq!(ada.post(&of_lea, &[("allowance", "30")]).await.status(), 204);
    // What she may is booked for one while the service takes its time, and then it is too little for another.
    standin.set_latency(std::time::Duration::from_millis(400));
    let first = async { (hear(&lea, &book, 0).await, hear(&lea, &book, 1).await) };
    let both = async { tokio::join!(hear(&lea, &book, 1), hear(&ada, &book, 1)) };
    let ((one, two), (refused, heard)) = tokio::join!(first, both);
    assert_eq!(heard.0, 200, "{heard:?}");
    let statuses = [one.0, two.0, refused.0];
    assert!(statuses.iter().all(|status| [200, 402].contains(status)), "{statuses:?}");
    assert!(spent(&ada, "Lea").await <= 30);
    assert_eq!(ada.json("/health").await["queue"]["dead"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_makes_an_account_once() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let made: Value =
        ada.post("/api/invitations", &[("role", "member")]).await.json().await.unwrap();
    let page = made["page"].as_str().unwrap().strip_prefix(&server.url("")).unwrap();
    let secret = page.split_once("link=").unwrap().1;
    let guest = Browser::of(&server);
    let opened = guest.ask(Method::GET, page).header("accept", "text/html").send().await.unwrap();
    assert_eq!(opened.status(), 200);
    let accept = async |name: &str| {
        let fields = [("invitation", secret), ("name", name), ("password", PASSWORD)];
        guest.post("/invite", &fields).await.status().as_u16()
    };
    // A name that is taken does not cost the guest the link.
    assert_eq!(accept("ada").await, 400);
    assert_eq!(accept("Guy").await, 204);
    assert_eq!(accept("Gil").await, 400);
    let guy = Browser::logged_in(&server, "Guy").await;
    assert_eq!(guy.status(Method::GET, "/api/books").await, 200);
    let people = ada.json("/api/people").await;
    let guy = people.as_array().unwrap().iter().find(|person| person["name"] == "Guy").unwrap();
    assert_eq!((&guy["role"], &guy["allowance"]), (&json!("member"), &json!(0)));
    // Two who come with one link at once are one.
    let made: Value =
        ada.post("/api/invitations", &[("role", "listener")]).await.json().await.unwrap();
    let secret = made["page"].as_str().unwrap().split_once("link=").unwrap().1;
    let all = (0..8).map(|n| {
        let name = format!("Twin {n}");
        let browser = Browser::of(&server);
        async move {
            let fields = [("invitation", secret), ("name", name.as_str()), ("password", PASSWORD)];
            browser.post("/invite", &fields).await.status().as_u16()
        }
    });
    let all = futures::future::join_all(all).await;
    assert_eq!(all.iter().filter(|status| **status == 204).count(), 1, "{all:?}");
    // What is withdrawn is none, nor what somebody made who no longer runs the place.
    let made: Value =
        ada.post("/api/invitations", &[("role", "listener")]).await.json().await.unwrap();
    let secret = made["page"].as_str().unwrap().split_once("link=").unwrap().1.to_owned();
    let open = ada.json("/api/invitations").await;
    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
    let one = format!("/api/invitations/{}", open[0]["id"].as_str().unwrap());
    assert_eq!(ada.status(Method::DELETE, &one).await, 204);
    assert_eq!(ada.status(Method::DELETE, &one).await, 404);
    let fields = [("invitation", secret.as_str()), ("name", "Gone"), ("password", PASSWORD)];
    assert_eq!(Browser::of(&server).post("/invite", &fields).await.status(), 400);
    let of_max = format!("/api/people/{}", id_of(&ada, "Max").await);
    assert_eq!(ada.post(&of_max, &[("role", "admin")]).await.status(), 204);
    let max = Browser::logged_in(&server, "Max").await;
    assert_eq!(max.post("/api/invitations", &[("role", "admin")]).await.status(), 201);
    assert_eq!(ada.post(&of_max, &[("role", "member")]).await.status(), 204);
    assert_eq!(ada.json("/api/invitations").await, json!([]));
    // What is too old is none.
    let made: Value =
        ada.post("/api/invitations", &[("role", "listener")]).await.json().await.unwrap();
    let secret = made["page"].as_str().unwrap().split_once("link=").unwrap().1;
    let database = common::database(server.data.path()).await;
    sqlx::query("UPDATE invitations SET expires_at = 1").execute(&database).await.unwrap();
    let fields = [("invitation", secret), ("name", "Late"), ("password", PASSWORD)];
    assert_eq!(guest.post("/invite", &fields).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dangerous_asks_for_the_password_again() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    assert_eq!(ada.status(Method::GET, "/people").await, 200);
    let database = common::database(server.data.path()).await;
    sqlx::query("UPDATE user_sessions SET confirmed_until = 1").execute(&database).await.unwrap();
    // What this process knows of a session is a few seconds old at most.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let page = ada.ask(Method::GET, "/people").header("accept", "text/html").send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["location"]),
        (303, &"/confirm?next=%2Fpeople".parse().unwrap())
    );
    let form = ada.ask(Method::POST, "/api/people").header("accept", "text/html");
    let form = form.header("referer", ada.origin.clone() + "/people?x=1").form(&[("name", "X")]);
    let form = form.send().await.unwrap();
    assert_eq!(form.headers()["location"], "/confirm?next=%2Fpeople%3Fx%3D1%26again");
    assert_eq!(ada.status(Method::GET, "/api/people").await, 403);
    assert_eq!(ada.status(Method::DELETE, "/api/engines/x").await, 403);
    assert_eq!(ada.post("/api/tokens", &[("name", "x")]).await.status(), 403);
    // What is her own is not.
    assert_eq!(ada.status(Method::GET, "/api/tokens").await, 200);
    assert_eq!(ada.status(Method::GET, "/api/books").await, 200);
    assert_eq!(ada.post("/confirm", &[("password", "not hers at all")]).await.status(), 401);
    assert_eq!(ada.status(Method::GET, "/api/people").await, 403);
    assert_eq!(ada.post("/confirm", &[("password", PASSWORD)]).await.status(), 204);
    assert_eq!(ada.status(Method::GET, "/api/people").await, 200);
    // Looking does not make it last, and changing things does for an hour at most.
    let until = async || {
        let row =
            sqlx::query("SELECT confirmed_until - confirmed_at FROM user_sessions ORDER BY 1 DESC");
        let row = row.fetch_one(&database).await.unwrap();
        sqlx::Row::get::<i64, _>(&row, 0)
    };
    let short = "UPDATE user_sessions SET confirmed_until = seen_at + 60000, confirmed_at = seen_at - 3000000";
    sqlx::query(short).execute(&database).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let before = until().await;
    assert_eq!(ada.status(Method::GET, "/api/people").await, 200);
    assert_eq!(until().await, before);
    assert_eq!(ada.post("/api/invitations", &[("role", "member")]).await.status(), 201);
    assert_eq!(until().await, 3_600_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_trusted_says_who_comes() {
    let arguments = [
        "--trusted-proxies",
        "127.0.0.1",
        "--proxy-user-header",
        "Remote-User",
        "--proxy-new-users",
        "member",
    ];
    let server = TestServer::start_with(&arguments).await;
    let ask = async |path: &str, names: &[&str]| {
        let mut asked =
            common::client().get(server.url(path)).header("x-forwarded-for", "192.0.2.1");
        for name in names {
            asked = asked.header("remote-user", *name);
        }
        asked.send().await.unwrap()
    };
    assert_eq!(ask("/api/books", &[]).await.status(), 401);
    // Who runs the place is not whoever comes first.
    assert_eq!(ask("/api/books", &["Eve"]).await.status(), 401);
    let database = common::database(server.data.path()).await;
    let accounts = earmark::accounts::Accounts::new(database);
    accounts.add("Ada", PASSWORD, app::model::Role::Admin).await.unwrap();
    // That there is somebody now is known a few seconds later.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(ask("/api/people", &["Ada"]).await.status(), 200);
    assert_eq!(ask("/api/people", &["Max"]).await.status(), 403);
    assert_eq!(ask("/api/books", &["max"]).await.status(), 200);
    assert_eq!(ask("/api/books", &["Ada", "Max"]).await.status(), 401);
    let people: Value = ask("/api/people", &["Ada"]).await.json().await.unwrap();
    let names: Vec<_> = people.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Ada", "Max"]);
    // Nobody logs in with the password that they do not have.
    for password in ["", "nobody"] {
        let fields = [("name", "Ada"), ("password", password)];
        let login = common::client().post(server.url("/login")).form(&fields).send().await.unwrap();
        assert_eq!(login.status(), 401, "{password}");
    }
    // A page of another site has a browser send the proxy's login too.
    let forged = common::client().post(server.url("/settings")).header("remote-user", "Ada");
    assert_eq!(forged.form(&[("theme", "dark")]).send().await.unwrap().status(), 403);
    let server = TestServer::start().await;
    let told = common::client().get(server.url("/api/people")).header("remote-user", "Eve");
    let told = told.header("x-forwarded-for", "192.0.2.1").send().await.unwrap();
    assert_eq!(told.status(), 401, "nobody else is believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_written_down_for_admins() {
    let server = with_people().await;
    let ada = Browser::logged_in(&server, "Ada").await;
    let wrong = [("name", "Ada"), ("password", "not hers at all")];
    assert_eq!(Browser::of(&server).post("/login", &wrong).await.status(), 401);
    let of_lea = format!("/api/people/{}", id_of(&ada, "Lea").await);
    assert_eq!(ada.post(&of_lea, &[("role", "member"), ("allowance", "9")]).await.status(), 204);
    assert_eq!(ada.status(Method::DELETE, &of_lea).await, 204);
    // So is what a program of hers does, and that it was one.
    let fields = [("name", "operator"), ("scopes", "admin")];
    let made: Value = ada.post("/api/tokens", &fields).await.json().await.unwrap();
    let asked = common::client().post(server.url("/api/invitations"));
    let asked = asked.bearer_auth(made["token"].as_str().unwrap()).form(&[("role", "listener")]);
    assert_eq!(asked.send().await.unwrap().status(), 201);
    let happened = ada.json("/api/happenings").await;
    let happened: Vec<String> = happened
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let who = if one["is_program"] == true { "a program of " } else { "" };
            let told = format!("{} {}: {}", one["who"], one["what"], one["about"]);
            format!("{who}{}", told.replace('"', ""))
        })
        .collect();
    for wanted in [
        "Ada person_removed: Lea",
        "Ada allowance: Lea: 9",
        "Ada role: Lea: member",
        "Ada login_refused: ",
        "Ada person_added: Max",
        "a program of Ada invited: ",
    ] {
        assert!(happened.iter().any(|one| one.starts_with(wanted)), "{wanted}: {happened:?}");
    }
    let page = ada.ask(Method::GET, "/people").header("accept", "text/html").send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("could not log in") && page.contains("by a program"), "{page}");
    let max = Browser::logged_in(&server, "Max").await;
    assert_eq!(max.status(Method::GET, "/api/happenings").await, 403);
}
