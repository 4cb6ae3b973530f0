//! A thousand people are logged in: how long it takes to log in, one after the other and all at once, and how long
//! the library page takes then.
//!
//! `EARMARK_BIN` is the release build.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tempfile::TempDir;

/// People who have accounts, and the sessions that they begin.
const PEOPLE: usize = 25;
const SESSIONS: usize = 1_000;
/// Sessions begun a second, and pages asked for.
const LOGINS: usize = 20;
const PAGES: usize = 100;
/// Logins at once, at the end.
const AT_ONCE: usize = 100;
const PASSWORD: &str = "correct horse battery staple";

struct Server {
    child: Child,
    origin: String,
    client: Client,
    _data: TempDir,
}

impl Server {
    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let program = std::env::var("EARMARK_BIN").expect("EARMARK_BIN is the release build");
        for number in 0..PEOPLE {
            let added = Command::new(&program)
                .args(["users", "add", &format!("Person {number}"), "--admin"])
                .env("EARMARK_DATA", data.path())
                .env("EARMARK_PASSWORD", PASSWORD)
                .env("RUST_LOG", "error")
                .stdout(Stdio::null())
                .status();
            assert!(added.unwrap().success());
        }
        // Each session comes from an address of its own, as a proxy tells it.
        let mut child = Command::new(program)
            .args(["serve", "--addr", "127.0.0.1:0", "--limit-per-minute", "0"])
            .args(["--trusted-proxies", "127.0.0.1", "--data"])
            .arg(data.path())
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let origin = line.trim().strip_prefix("Earmark is at ").unwrap().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { child, origin, client, _data: data }
    }

    /// Logs somebody in, and says how long it took and by which cookie they are known.
    async fn log_in(&self, session: usize) -> (Duration, String) {
        let name = format!("Person {}", session % PEOPLE);
        let begun = Instant::now();
        let answer = self
            .client
            .post(format!("{}/login", self.origin))
            .header(ORIGIN, &self.origin)
            .header(ACCEPT, "text/html")
            .header("x-forwarded-for", format!("10.0.{}.{}", session / 250, session % 250))
            .form(&[("name", name.as_str()), ("password", PASSWORD)])
            .send()
            .await
            .unwrap();
        let took = begun.elapsed();
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
        let cookie = cookies.find(|cookie| cookie.starts_with("earmark="));
        let cookie = cookie.unwrap_or_else(|| panic!("{name} is not let in: {}", answer.status()));
        (took, cookie.split(';').next().unwrap().to_owned())
    }

    async fn library(&self, cookie: &str) -> Duration {
        let begun = Instant::now();
        let page = self.client.get(format!("{}/", self.origin));
        let page = page.header(ACCEPT, "text/html").header(COOKIE, cookie).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        page.bytes().await.unwrap();
        begun.elapsed()
    }

    fn resident_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Begins one piece of work after the other, so many a second, and waits for all.
async fn paced<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    a_second: usize,
    work: impl Fn(usize) -> F,
) -> Vec<T> {
    let begun = Instant::now();
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        let due = Duration::from_secs_f64(number as f64 / a_second as f64);
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        all.push(tokio::spawn(work(number)));
    }
    let mut done = Vec::with_capacity(count);
    for one in all {
        done.push(one.await.unwrap());
    }
    done
}

fn told(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms", at(0.5), at(0.99), at(1.0))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let server = Arc::new(Server::start());
    println!("before: {} MB resident", server.resident_mb());
    let logins = paced(SESSIONS, LOGINS, |session| {
        let server = Arc::clone(&server);
        async move { server.log_in(session).await }
    });
    let (times, cookies): (Vec<_>, Vec<_>) = logins.await.into_iter().unzip();
    println!("{SESSIONS} sessions, {LOGINS} logins a second: {}", told(times));
    let cookies = Arc::new(cookies);
    let pages = paced(2 * SESSIONS, PAGES, |number| {
        let (server, cookies) = (Arc::clone(&server), Arc::clone(&cookies));
        async move { server.library(&cookies[number % SESSIONS]).await }
    });
    println!("the library page, {PAGES} a second: {}", told(pages.await));
    println!("with {SESSIONS} sessions: {} MB resident", server.resident_mb());
    let begun = Instant::now();
    let logins = paced(AT_ONCE, usize::MAX, |session| {
        let server = Arc::clone(&server);
        async move { server.log_in(SESSIONS + session).await.0 }
    });
    let times = logins.await;
    let rate = AT_ONCE as f64 / begun.elapsed().as_secs_f64();
    println!("{AT_ONCE} logins at once: {rate:.0} a second, {}", told(times));
}
