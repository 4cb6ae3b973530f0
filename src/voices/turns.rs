//! How many requests are made to a service at once, by all servers and workers together: in this
//! process by a semaphore, among processes by a sorted set in Redis whose members expire, so that a
//! killed process gives its turns back.

use std::time::Duration;

use redis::{RedisResult, Script, cmd};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::now_ms;
use crate::redis::{Key, Link};

/// A turn that its process does not give back ends after this long; longer than any request may take.
const EXPIRY: Duration = Duration::from_secs(200);
/// Between looks for a free turn while other processes have all of them.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes a turn if one is free. KEYS: turns    ARGV: now, limit, name, expiry
const TAKE: &str = "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1]) \
    if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end \
    redis.call('ZADD', KEYS[1], ARGV[1] + ARGV[4], ARGV[3]) \
    redis.call('PEXPIRE', KEYS[1], ARGV[4]) return 1";

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
    /// The connection and the name of the turn, if it is also one among processes.
    among: Option<(Link, String, String)>,
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
        let Some(link) = &self.link else { return Turn { _here: here, among: None } };
        let key = link.name(&Key::EngineTurns(self.engine.clone()));
        let name = format!("{}:{}", link.process(), uuid::Uuid::new_v4().simple());
        let take = Script::new(TAKE);
        loop {
            let mut call = take.key(&key);
            call.arg(now_ms()).arg(self.limit).arg(&name).arg(EXPIRY.as_millis() as u64);
            let taken: RedisResult<u8> = call.invoke_async(&mut link.clone()).await;
            match taken {
                Ok(0) => tokio::time::sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await,
                Ok(_) => return Turn { _here: here, among: Some((link.clone(), key, name)) },
                // While Redis is gone each process keeps to the limit by itself.
                Err(_) => return Turn { _here: here, among: None },
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some((mut link, key, name)) = self.among.take() else { return };
        // What cannot be given back expires.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let mut end = cmd("ZREM");
                end.arg(key).arg(name);
                let _: RedisResult<()> = end.query_async(&mut link).await;
            });
        }
    }
}
