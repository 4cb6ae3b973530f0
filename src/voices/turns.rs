//! How many requests are made to a service at once, by all servers and workers together: in this
//! process by a semaphore, among processes by a sorted set in Redis. A turn there is renewed while it is
//! held, so that a killed process soon gives its turns back.

use std::time::Duration;

use redis::{RedisResult, Script, cmd};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

use crate::redis::{Key, Link};

/// A turn that is not renewed ends after this long.
const EXPIRY: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// Between looks for a free turn while other processes have all of them.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes a turn if one is free, or renews it. KEYS: turns    ARGV: limit, name, expiry in ms
const TAKE: &str = "local time = redis.call('TIME') \
    local now = time[1] * 1000 + math.floor(time[2] / 1000) \
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now) \
    if not redis.call('ZSCORE', KEYS[1], ARGV[2]) \
        and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end \
    redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2]) \
    redis.call('PEXPIRE', KEYS[1], ARGV[3]) return 1";

/// The turns of one service.
pub(super) struct Turns {
    engine: String,
    limit: usize,
    here: Semaphore,
    link: Option<Link>,
}

/// Someone's turn; it ends when this is dropped.
pub(super) struct Turn<'a> {
    _here: Option<SemaphorePermit<'a>>,
    _among: Option<Among>,
}

/// A turn among processes.
struct Among {
    link: Link,
    key: String,
    name: String,
    renewing: JoinHandle<()>,
}

impl Turns {
    pub(super) fn new(engine: &str, limit: u16, link: Option<Link>) -> Self {
        let limit = usize::from(limit.max(1));
        Self { engine: engine.to_owned(), limit, here: Semaphore::new(limit), link }
    }

    /// Waits for a turn.
    pub(super) async fn take(&self) -> Turn<'_> {
        // The semaphore is never closed.
        let here = self.here.acquire().await.ok();
        let among = match &self.link {
            Some(link) => self.take_among(link).await,
            None => None,
        };
        Turn { _here: here, _among: among }
    }

    /// A turn among processes; none while Redis is gone, when each keeps to the limit by itself.
    async fn take_among(&self, link: &Link) -> Option<Among> {
        let key = link.name(&Key::EngineTurns(self.engine.clone()));
        let name = format!("{}:{}", link.process(), uuid::Uuid::new_v4().simple());
        while !take(link, &key, &name, self.limit).await.ok()? {
            tokio::time::sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await;
        }
        let (of, limit) = ((link.clone(), key.clone(), name.clone()), self.limit);
        let renewing = tokio::spawn(async move {
            let (link, key, name) = of;
            loop {
                tokio::time::sleep(RENEWAL).await;
                // What cannot be renewed is at worst one request too many.
                let _ = take(&link, &key, &name, limit).await;
            }
        });
        Some(Among { link: link.clone(), key, name, renewing })
    }
}

async fn take(link: &Link, key: &str, name: &str, limit: usize) -> RedisResult<bool> {
    let take = Script::new(TAKE);
    let mut call = take.key(key);
    call.arg(limit).arg(name).arg(EXPIRY.as_millis() as u64);
    call.invoke_async(&mut link.clone()).await
}

impl Drop for Among {
    fn drop(&mut self) {
        self.renewing.abort();
        // What cannot be given back expires.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (mut link, mut end) = (self.link.clone(), cmd("ZREM"));
            end.arg(&self.key).arg(&self.name);
            runtime.spawn(async move {
                let _: RedisResult<()> = end.query_async(&mut link).await;
            });
        }
    }
}
