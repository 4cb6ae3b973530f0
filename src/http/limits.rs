//! How often one address, and all together, may use an endpoint: sliding windows of a minute.
//!
//! With Redis the count is shared by all servers; without it, or while it is gone, each counts for
//! itself. What is refused costs nothing and is not counted.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use redis::{RedisResult, Script};

use super::{ApiError, AppState};
use crate::config::LimitConfig;
use crate::redis::{Key, RedisConnection};

/// The window.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses counted at once without Redis; beyond it, those that have been quiet are forgotten.
const MAX_COUNTED: usize = 10_000;
/// How often it is looked for those that have been quiet, so that no crowd makes every request pay for it.
const FORGET_INTERVAL: Duration = Duration::from_secs(5);
/// Whom those are counted as for whom there is no room.
const OTHERS: &str = "others";

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

/// Counts requests.
pub struct Limits {
    config: LimitConfig,
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
    /// Whom somebody is counted as. When there are too many, newcomers are counted together.
    fn name<'a>(&mut self, who: &'a str, endpoint: &'static str, now: Instant) -> &'a str {
        if self.times.len() < MAX_COUNTED || self.times.contains_key(&(who.to_owned(), endpoint)) {
            return who;
        }
        if self.forgotten_at.is_none_or(|last| now - last >= FORGET_INTERVAL) {
            self.forgotten_at = Some(now);
            self.times.retain(|_, times| times.back().is_some_and(|last| now - *last < WINDOW));
        }
        if self.times.len() < MAX_COUNTED { who } else { OTHERS }
    }
}

impl Limits {
    /// Nothing counted yet.
    pub fn new(config: LimitConfig, link: Option<RedisConnection>) -> Self {
        Self { config, link, counted: Mutex::default(), serial: AtomicU64::new(0) }
    }

    async fn count(&self, who: &str, endpoint: &'static str) -> Result<(), ApiError> {
        let LimitConfig { limit_per_minute: own, limit_per_minute_overall: all, .. } = self.config;
        if own == 0 && all == 0 {
            return Ok(());
        }
        let shared = match self.link.as_ref().filter(|link| link.is_up()) {
            Some(link) => self.count_in_redis(link, who, endpoint).await.ok(),
            None => None,
        };
        let wait = shared.unwrap_or_else(|| self.count_here(who, endpoint));
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
    ) -> RedisResult<Duration> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let wait_ms: u64 = COUNT
            .key(link.name(&Key::RateLimit(who.to_owned(), endpoint.to_owned())))
            .key(link.name(&Key::GlobalRateLimit(endpoint.to_owned())))
            .arg(WINDOW.as_millis() as u64)
            .arg(self.config.limit_per_minute)
            .arg(self.config.limit_per_minute_overall)
            .arg(format!("{}-{serial}", link.process()))
            .invoke_async(&mut link.clone())
            .await?;
        Ok(Duration::from_millis(wait_ms))
    }

    fn count_here(&self, who: &str, endpoint: &'static str) -> Duration {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let who = counted.name(who, endpoint, now).to_owned();
        let keys = [
            ((who, endpoint), self.config.limit_per_minute),
            ((String::new(), endpoint), self.config.limit_per_minute_overall),
        ];
        let mut wait = Duration::ZERO;
        for (key, limit) in &keys {
            let times = counted.times.entry(key.clone()).or_default();
            while times.front().is_some_and(|first| now - *first >= WINDOW) {
                times.pop_front();
            }
            if let Some(first) = times.front()
                && *limit > 0
                && times.len() >= *limit as usize
            {
                wait = wait.max(WINDOW - (now - *first));
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

    fn address(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> String {
        // The last entry is what the proxy itself saw; those before it anybody may have written.
        let told = self.config.client_address_header.as_ref().and_then(|name| {
            let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
            Some(value.rsplit(',').next()?.trim().chars().take(64).collect())
        });
        let told = told.or_else(|| Some(peer?.ip().to_string())).unwrap_or_default();
        told.parse().map_or(told, |address| client(address).to_string())
    }
}

/// Who an address belongs to: an IPv6 client has the 64 bits of a whole subnet (RFC 6177), and an IPv4
/// client may come by a mapped address.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let subnet = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(subnet))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// What a request uses, if it is counted: pages and pictures are not.
fn endpoint(method: &Method, path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix('/')?;
    match rest.split_once('/')? {
        ("listen", rest) if rest.ends_with("/timeline") => Some("timeline"),
        ("listen", _) => Some("listen"),
        ("audio", _) => Some("audio"),
        ("api", rest) if rest.starts_with("events/") => Some("events"),
        ("api", "books") if method == Method::POST => Some("import"),
        ("api", rest) if rest.ends_with("/progress") => Some("progress"),
        ("api", "voice") | ("v1", _) => Some("speech"),
        ("api", _) => Some("api"),
        _ => None,
    }
}

/// Refuses what comes too often, with 429 and Retry-After.
pub async fn refuse_too_many(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(endpoint) = endpoint(request.method(), request.uri().path()) {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let who = state.limits.address(request.headers(), peer);
        if let Err(error) = state.limits.count(&who, endpoint).await {
            return error.into_response();
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(own: u32, all: u32) -> Limits {
        let config = LimitConfig {
            limit_per_minute: own,
            limit_per_minute_overall: all,
            client_address_header: Some("x-forwarded-for".to_owned()),
        };
        Limits::new(config, None)
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

    #[test]
    fn an_address_is_what_the_last_proxy_saw() {
        let limits = limits(1, 1);
        let peer = Some("127.0.0.1:80".parse().unwrap());
        let mut headers = HeaderMap::new();
        assert_eq!(limits.address(&headers, peer), "127.0.0.1");
        headers.append("x-forwarded-for", "6.6.6.6, 10.0.0.1".parse().unwrap());
        assert_eq!(limits.address(&headers, peer), "10.0.0.1");
    }

    #[test]
    fn a_client_is_its_subnet() {
        let limits = limits(1, 1);
        let headers = HeaderMap::new();
        let who = |peer: &str| limits.address(&headers, Some(peer.parse().unwrap()));
        assert_eq!(who("[2001:db8:1:2::3]:80"), "2001:db8:1:2::");
        assert_eq!(who("[2001:db8:1:2:ffff::9]:80"), who("[2001:db8:1:2::3]:80"));
        assert_ne!(who("[2001:db8:1:3::3]:80"), who("[2001:db8:1:2::3]:80"));
        assert_eq!(who("[::ffff:192.0.2.7]:80"), "192.0.2.7");
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
        // Who was there before keeps a count of its own; newcomers share one.
        assert!(limits.count("10.0.0.0", "listen").await.is_ok());
        assert!(limits.count("a newcomer", "listen").await.is_err());
    }

    #[test]
    fn pages_are_not_counted() {
        for (path, counted) in [
            ("/", None),
            ("/read/0123456789abcdef/1", None),
            ("/pkg/earmark.js", None),
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
