//! Browsers of people who log in.

use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use serde_json::Value;

use super::TestServer;

/// Everybody's.
pub const PASSWORD: &str = "a long enough one";

/// A browser: it keeps cookies, says where it comes from, and is led nowhere.
pub struct Browser {
    pub client: Client,
    pub cookie: String,
    pub origin: String,
}

impl Browser {
    pub fn of(server: &TestServer) -> Self {
        let client = super::client_builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { client, cookie: String::new(), origin: server.url("") }
    }

    pub async fn logged_in(server: &TestServer, name: &str) -> Self {
        let mut browser = Self::of(server);
        let answer = browser.log_in(name, PASSWORD).await;
        assert_eq!(answer.status(), 204, "{name}");
        browser
    }

    pub async fn log_in(&mut self, name: &str, password: &str) -> Response {
        let fields = [("name", name), ("password", password)];
        let answer = self.ask(Method::POST, "/login").form(&fields).send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            if cookie.starts_with("earmark=") {
                assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
                self.cookie = cookie.split(';').next().unwrap().to_owned();
            }
        }
        answer
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let address = format!("{}{path}", self.origin);
        self.client
            .request(method, address)
            .header(COOKIE, &self.cookie)
            .header(ORIGIN, &self.origin)
    }

    pub async fn status(&self, method: Method, path: &str) -> u16 {
        self.ask(method, path).send().await.unwrap().status().as_u16()
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.ask(Method::POST, path).form(fields).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }
}

/// A server with an admin, a member and a listener.
pub async fn with_people() -> TestServer {
    let server = TestServer::start().await;
    let local = Browser::of(&server);
    let add = async |browser: &Browser, name: &str, role: &str| {
        let fields = [("name", name), ("password", PASSWORD), ("role", role)];
        assert_eq!(browser.post("/api/people", &fields).await.status(), 201, "{name}");
    };
    // The first runs the place, whatever is asked for: otherwise nobody could let in another.
    add(&local, "Ada", "listener").await;
    let ada = Browser::logged_in(&server, "ada").await;
    add(&ada, "Max", "member").await;
    add(&ada, "Lea", "listener").await;
    server
}
