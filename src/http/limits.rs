//! How often one address, and all together, may use an endpoint: sliding windows of a minute. And how many
//! streams one address may have at once.
//!
//! With Redis the count is shared by all servers; without it, or while it is gone, each counts for
//! itself. What is refused costs nothing and is not counted.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use futures::StreamExt;
use redis::{RedisResult, Script};
use sha2::{Digest, Sha256};

use super::client::Proxies;
use super::slots::{Slot, Slots};
use super::{ApiError, connections};
use crate::config::LimitConfig;
use crate::narration::Bound;
use crate::redis::{Key, RedisConnection};
use crate::text::hash::hex;

/// The window.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses counted at once without Redis; beyond it, those that have been quiet are forgotten.
const MAX_COUNTED: usize = 50_000;
/// How often it is looked for those that have been quiet, so that no crowd makes every request pay for it.
const FORGET_INTERVAL: Duration = Duration::from_secs(5);

/// Counts a request in both windows, or says after how many ms there is room.
/// KEYS: own, all    ARGV: window ms, own limit, limit of all (0 for none), a unique name
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         local window = tonumber(ARGV[1])
         local wait = 0
         for i, key in ipairs(KEYS) do
           local limit = tonumber(ARGV[i + 1])
           redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
           if limit > 0 and redis.call('ZCARD', key) >= limit then
             local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
             wait = math.max(wait, oldest[2] + window - now, 1)
           end
         end
         if wait == 0 then
           for i, key in ipairs(KEYS) do
             if tonumber(ARGV[i + 1]) > 0 then
               redis.call('ZADD', key, now, ARGV[4])
               redis.call('PEXPIRE', key, window)
             end
           end
         end
         return wait",
    )
});

/// How often, in which time.
#[derive(Debug, Clone, Copy)]
struct Rule {
    window: Duration,
    /// For one, 0 for no limit.
    own: u32,
    /// For all together, 0 for no limit.
    all: u32,
}

/// Tries to log in of one address with one name.
const LOGINS: Rule = Rule { window: Duration::from_secs(600), own: 10, all: 0 };
/// Tries to log in of one address with any name: of a house or a school, behind one address.
const LOGINS_OF_ADDRESS: Rule = Rule { window: Duration::from_secs(600), own: 60, all: 0 };

/// Forms with files that may come in at once from one address.
const UPLOADS_PER_ADDRESS: usize = 8;
/// The same of all addresses: each may put a gigabyte into the temporary folder before it is read.
const UPLOADS: usize = 64;
/// Searches through whole books that one address may make a minute: each reads and folds all of a book's text.
const SEARCHES: u32 = 120;

/// Counts requests.
pub struct Limits {
    config: LimitConfig,
    pub(super) proxies: Proxies,
    pub(super) connections: Arc<Slots>,
    streams: Arc<Slots>,
    uploads: Arc<Slots>,
    link: Option<RedisConnection>,
    /// A std mutex: held for a map operation, never across an await.
    counted: Mutex<Counted>,
    /// Makes the names of requests unique, with the process they come from.
    serial: AtomicU64,
}

/// When each address used each endpoint.
#[derive(Default)]
struct Counted {
    times: HashMap<(String, &'static str), VecDeque<Instant>>,
    forgotten_at: Option<Instant>,
}

impl Counted {
    /// Makes room for a newcomer: of those that have been quiet first, and then of those that were here longest ago.
    /// Newcomers are never refused for what a crowd does.
    fn make_room(&mut self, who: &str, endpoint: &'static str, now: Instant) {
        if self.times.len() < MAX_COUNTED || self.times.contains_key(&(who.to_owned(), endpoint)) {
            return;
        }
        if self.forgotten_at.is_none_or(|last| now - last >= FORGET_INTERVAL) {
            self.forgotten_at = Some(now);
            self.times.retain(|(_, endpoint), times| {
                let window = if endpoint.starts_with("login") || *endpoint == "links" {
                    LOGINS.window
                } else {
                    WINDOW
                };
                times.back().is_some_and(|last| now - *last < window)
            });
        }
        if self.times.len() >= MAX_COUNTED {
            let last = |times: &VecDeque<Instant>| times.back().copied();
            let mut all: Vec<_> = self.times.values().map(last).collect();
            let (_, middle, _) = all.select_nth_unstable(MAX_COUNTED / 2);
            let middle = *middle;
            // That of all together stays, whose name is empty.
            self.times.retain(|(who, _), times| who.is_empty() || last(times) > middle);
        }
    }
}

impl Limits {
    /// Nothing counted yet.
    pub fn new(config: LimitConfig, link: Option<RedisConnection>) -> Self {
        let proxies = Proxies::new(&config);
        // Over HTTP/2 one connection has many.
        let streams = Slots::new(config.connections as usize, config.streams_per_address as usize);
        let uploads = Slots::new(UPLOADS, UPLOADS_PER_ADDRESS);
        Self {
            proxies,
            connections: Slots::new(
                connections::room(config.connections as usize),
                config.connections_per_address as usize,
            ),
            streams,
            uploads,
            link,
            config,
            counted: Mutex::default(),
            serial: AtomicU64::new(0),
        }
    }

    /// What is bounded here, and how full it is.
    pub(super) fn bounds(&self) -> Vec<Bound> {
        let bound = |name, slots: &Slots| {
            let (used, limit) = slots.fill();
            Bound { name, used: used as u64, limit: limit as u64 }
        };
        vec![
            bound("connections", &self.connections),
            bound("streams", &self.streams),
            bound("uploads", &self.uploads),
        ]
    }

    /// The client of a request.
    pub(super) fn client(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        self.proxies.client(headers, peer)
    }

    /// Begins an upload of a client; nothing is counted of one on this machine, which is its owner or a proxy.
    pub(super) fn begin_upload(&self, client: IpAddr) -> Result<Option<Slot>, ApiError> {
        if client.is_loopback() {
            return Ok(None);
        }
        let taken = self.uploads.take(Some(client));
        taken.map(Some).map_err(|_| ApiError::TooManyAtOnce("uploads"))
    }

    /// Begins a stream of a client, of which one address has only so many at once.
    pub(super) fn begin_stream(&self, client: IpAddr) -> Result<Option<Slot>, ApiError> {
        // Whoever is on this machine itself is its owner, or a proxy that does not say for whom it asks.
        if client.is_loopback() {
            return Ok(None);
        }
        let taken = self.streams.take(Some(client));
        taken.map(Some).map_err(|_| ApiError::TooManyAtOnce("streams"))
    }

    /// Proxies in front of the server.
    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Whether a request came to a trusted proxy over HTTPS.
    pub(super) fn is_https(&self, headers: &HeaderMap, peer: IpAddr) -> bool {
        // Of several proxies the first is the one that the client has spoken to.
        let told = headers.get("x-forwarded-proto").and_then(|told| told.to_str().ok());
        let first = told.and_then(|told| told.split(',').next());
        self.proxies.is_trusted(peer) && first.is_some_and(|first| first.trim() == "https")
    }

    /// Counts a way to a provider of logins and back, which has the server ask there.
    pub(super) async fn count_provider_login(&self, client: &str) -> Result<(), ApiError> {
        self.count_within(client, "logins", LOGINS_OF_ADDRESS).await
    }

    /// Counts a try to log in: for an address, and for it and a name together. Nothing is counted for a name alone
    /// or for all, so that nobody can lock another out by guessing.
    pub(super) async fn count_login(&self, client: &str, name: &str) -> Result<(), ApiError> {
        self.count_within(client, "logins", LOGINS_OF_ADDRESS).await?;
        let name = hex(&Sha256::digest(name.trim().to_lowercase())[..8]);
        self.count_within(&format!("{client}-{name}"), "login", LOGINS).await
    }

    /// Counts a link to a book that is none.
    pub(super) async fn count_bad_link(&self, client: &str) -> Result<(), ApiError> {
        self.count_within(client, "links", LOGINS_OF_ADDRESS).await
    }

    /// Counts a request of a client, or refuses it when it comes too often.
    pub(super) async fn count_request(
        &self,
        method: &Method,
        path: &str,
        client: IpAddr,
    ) -> Result<(), ApiError> {
        match endpoint(method, path) {
            Some(SEARCH) if self.counts() => {
                let own = match self.config.limit_per_minute {
                    0 => SEARCHES,
                    own => own.min(SEARCHES),
                };
                let rule = Rule { window: WINDOW, own, all: self.config.limit_per_minute_overall };
                self.count_within(&client.to_string(), SEARCH, rule).await
            }
            Some(endpoint) if self.counts() => self.count(&client.to_string(), endpoint).await,
            _ => Ok(()),
        }
    }

    fn counts(&self) -> bool {
        self.config.limit_per_minute > 0 || self.config.limit_per_minute_overall > 0
    }

    async fn count(&self, who: &str, endpoint: &'static str) -> Result<(), ApiError> {
        let LimitConfig { limit_per_minute: own, limit_per_minute_overall: all, .. } = self.config;
        self.count_within(who, endpoint, Rule { window: WINDOW, own, all }).await
    }

    async fn count_within(
        &self,
        who: &str,
        endpoint: &'static str,
        rule: Rule,
    ) -> Result<(), ApiError> {
        if rule.own == 0 && rule.all == 0 {
            return Ok(());
        }
        let shared = match self.link.as_ref().filter(|link| link.is_up()) {
            Some(link) => self.count_in_redis(link, who, endpoint, rule).await.ok(),
            None => None,
        };
        let wait = shared.unwrap_or_else(|| self.count_here(who, endpoint, rule));
        if wait.is_zero() {
            return Ok(());
        }
        let retry_after = Duration::from_secs(wait.as_millis().div_ceil(1000) as u64);
        Err(ApiError::TooMany { retry_after })
    }

    async fn count_in_redis(
        &self,
        link: &RedisConnection,
        who: &str,
        endpoint: &'static str,
        rule: Rule,
    ) -> RedisResult<Duration> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let wait_ms: u64 = COUNT
            .key(link.name(&Key::RateLimit(who.to_owned(), endpoint.to_owned())))
            .key(link.name(&Key::GlobalRateLimit(endpoint.to_owned())))
            .arg(rule.window.as_millis() as u64)
            .arg(rule.own)
            .arg(rule.all)
            .arg(format!("{}-{serial}", link.process()))
            .invoke_async(&mut link.clone())
            .await?;
        Ok(Duration::from_millis(wait_ms))
    }

    fn count_here(&self, who: &str, endpoint: &'static str, rule: Rule) -> Duration {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        counted.make_room(who, endpoint, now);
        let keys = [((who.to_owned(), endpoint), rule.own), ((String::new(), endpoint), rule.all)];
        let mut wait = Duration::ZERO;
        for (key, limit) in &keys {
            let times = counted.times.entry(key.clone()).or_default();
            while times.front().is_some_and(|first| now - *first >= rule.window) {
                times.pop_front();
            }
            if let Some(first) = times.front()
                && *limit > 0
                && times.len() >= *limit as usize
            {
                wait = wait.max(rule.window - (now - *first));
            }
        }
        if wait.is_zero() {
            for (key, limit) in keys {
                if limit > 0 {
                    counted.times.entry(key).or_default().push_back(now);
                }
            }
        }
        wait
    }
}

const SEARCH: &str = "search";

/// What a request uses, if it is counted: the files of pages are not.
fn endpoint(method: &Method, path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix('/')?;
    if rest == "opds" {
        return Some("api");
    }
    let Some(parts) = rest.split_once('/') else { return (!is_file(rest)).then_some("pages") };
    match parts {
        ("book", rest) | ("api", rest) if rest.ends_with("{book}/search") => Some(SEARCH),
        ("listen", rest) if rest.ends_with("/timeline") => Some("timeline"),
        ("listen", _) => Some("listen"),
        ("audio", _) => Some("audio"),
        ("api", rest) if rest.starts_with("events/") => Some("events"),
        ("api", "books") if method == Method::POST => Some("import"),
        ("api", rest) if rest.ends_with("/progress") => Some("progress"),
        ("api", "voice") | ("v1", _) => Some("speech"),
        ("kosync", _) => Some("progress"),
        ("opds", rest) if rest.starts_with("audiobooks/{book}/") => Some("audio"),
        ("api" | "opds" | "feed", _) => Some("api"),
        ("books" | "pkg" | "fonts" | "icons" | "samples", _) => None,
        _ => Some("pages"),
    }
}

/// Whether this is a file at the top of the site, or what a supervisor asks for.
fn is_file(name: &str) -> bool {
    name == "health" || name.contains('.')
}

/// Holds the place of a stream until the last of its body.
pub fn for_as_long_as(response: Response, slot: Slot) -> Response {
    response.map(|body| {
        Body::from_stream(body.into_data_stream().inspect(move |_| {
            // It moves into the stream, and is given back when that goes.
            let _ = &slot;
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(own: u32, all: u32) -> Limits {
        let config = LimitConfig {
            limit_per_minute: own,
            limit_per_minute_overall: all,
            connections: 100,
            connections_per_address: 100,
            streams_per_address: 100,
            trusted_proxies: Vec::new(),
            client_address_header: None,
        };
        Limits::new(config, None)
    }

    #[test]
    fn one_address_takes_not_all_the_room_for_uploads() {
        let limits = limits(0, 0);
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let taken: Vec<_> =
            (0..UPLOADS_PER_ADDRESS).map(|_| limits.begin_upload(one).unwrap()).collect();
        assert!(limits.begin_upload(one).is_err() && limits.begin_upload(other).is_ok());
        drop(taken);
        assert!(limits.begin_upload(one).is_ok());
    }

    #[tokio::test]
    async fn each_address_has_its_own_limit_and_all_have_one() {
        let limits = limits(2, 3);
        let ok = async |who, endpoint| limits.count(who, endpoint).await.is_ok();
        assert!(ok("a", "listen").await && ok("a", "listen").await);
        assert!(!ok("a", "listen").await);
        assert!(ok("a", "audio").await);
        assert!(ok("b", "listen").await);
        assert!(!ok("c", "listen").await, "three together");
        let Err(ApiError::TooMany { retry_after }) = limits.count("a", "listen").await else {
            panic!("a comes too often");
        };
        assert!(retry_after <= WINDOW && retry_after > Duration::from_secs(50));
    }

    #[tokio::test]
    async fn no_limit_is_no_limit() {
        let limits = limits(0, 0);
        for _ in 0..10_000 {
            assert!(limits.count("a", "listen").await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_crowd_is_counted_in_bounds() {
        let limits = limits(2, 0);
        for number in 0..MAX_COUNTED + 500 {
            let _ =
                limits.count(&format!("10.0.{}.{}", number / 256, number % 256), "listen").await;
        }
        let counted = limits.counted.lock().unwrap().times.len();
        assert!(counted <= MAX_COUNTED + 2, "{counted}");
        // Nobody is refused for what the crowd does, and each has a count of its own.
        for _ in 0..2 {
            assert!(limits.count("a newcomer", "listen").await.is_ok());
        }
        assert!(limits.count("a newcomer", "listen").await.is_err());
    }

    #[test]
    fn files_of_pages_are_not_counted() {
        for (path, counted) in [
            ("/", Some("pages")),
            ("/read/{book}/{chapter}", Some("pages")),
            ("/book/{book}", Some("pages")),
            ("/book/{book}/search", Some("search")),
            ("/api/books/{book}/search", Some("search")),
            ("/pkg/{*file}", None),
            ("/sw.js", None),
            ("/health", None),
            ("/api/events/page_open", Some("events")),
            ("/listen/0123456789abcdef/1.mp3", Some("listen")),
            ("/listen/0123456789abcdef/1/timeline", Some("timeline")),
            ("/api/books/0123456789abcdef/progress", Some("progress")),
            ("/api/voices", Some("api")),
        ] {
            assert_eq!(endpoint(&Method::GET, path), counted, "{path}");
        }
        assert_eq!(endpoint(&Method::POST, "/api/books"), Some("import"));
    }
}
