//! Where the active listeners of each book are, for all servers, and what they need in its lanes.

use std::collections::{HashMap, HashSet};

use app::model::{BookId, ListenerPosition};
use redis::{FromRedisValue, RedisResult, Value, cmd};
use serde::{Deserialize, Serialize};

use super::{MayRefuse, RedisQueue, scripts};
use crate::queue::positions::{EXPIRY, MAX_LISTENERS};
use crate::queue::{Class, Job, Listeners, Needed, Pool};
use crate::redis::Key;
use crate::redis::script::Call;
use crate::text::hash::ContentHash;
use crate::time::now_ms;

/// Content hashes taken out of a lane by one script, so that nobody waits for it long.
const WITHDRAWN_A_CALL: usize = 1_000;

/// Where a listener is, and when it was there.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    seen_ms: u64,
    place: ListenerPosition,
}

impl RedisQueue {
    pub(super) async fn note_listener(&self, position: &ListenerPosition) -> RedisResult<()> {
        let key = self.name(&Key::Listeners(position.book.clone()));
        let seen = Seen { seen_ms: now_ms(), place: position.clone() };
        // Serializing strings and numbers cannot fail.
        let value = serde_json::to_string(&seen).unwrap_or_default();
        let mut note = cmd("HSET");
        note.arg(&key).arg(&position.listener).arg(value);
        let version = self.name(&Key::ListenersVersion(position.book.clone()));
        let mut count = cmd("INCR");
        count.arg(&version);
        let expire = |key: &str| {
            let mut expire = cmd("PEXPIRE");
            expire.arg(key).arg(EXPIRY.as_millis() as u64);
            expire
        };
        let commands = vec![note, expire(&key), count, expire(&version)];
        self.send(commands, MayRefuse(0)).await?;
        Ok(())
    }

    pub(super) async fn active_listeners(&self, book: &BookId) -> RedisResult<Listeners> {
        let key = self.name(&Key::Listeners(book.clone()));
        let mut all = cmd("HGETALL");
        all.arg(&key);
        let mut version = cmd("GET");
        version.arg(self.name(&Key::ListenersVersion(book.clone())));
        let [version, known] = &self.send(vec![version, all], MayRefuse(0)).await?[..] else {
            return Ok(Listeners::default());
        };
        let version = Option::<u64>::from_redis_value(version.clone())?.unwrap_or(0);
        let known = HashMap::<String, String>::from_redis_value(known.clone())?;
        let oldest = now_ms().saturating_sub(EXPIRY.as_millis() as u64);
        let mut gone = Vec::new();
        let mut active: Vec<Seen> = Vec::new();
        for (name, value) in known {
            match serde_json::from_str::<Seen>(&value) {
                Ok(seen) if seen.seen_ms >= oldest => active.push(seen),
                _ => gone.push(name),
            }
        }
        active.sort_by_key(|seen| std::cmp::Reverse(seen.seen_ms));
        if active.len() > MAX_LISTENERS {
            let forgotten = active.split_off(MAX_LISTENERS);
            gone.extend(forgotten.into_iter().map(|seen| seen.place.listener));
        }
        if !gone.is_empty() {
            let _: () =
                cmd("HDEL").arg(&key).arg(gone).query_async(&mut self.redis.clone()).await?;
        }
        let positions = active.into_iter().map(|seen| seen.place).collect();
        Ok(Listeners { positions, version })
    }

    /// Takes jobs out of lanes, unless a listener has moved since a version.
    pub(super) async fn withdraw_jobs(
        &self,
        class: Class,
        book: &BookId,
        jobs: &[Job],
        version: Option<u64>,
    ) -> RedisResult<()> {
        let mut by_pool: HashMap<Pool, Vec<ContentHash>> = HashMap::new();
        for job in jobs {
            by_pool.entry(job.pool()).or_default().push(job.content);
        }
        for (pool, contents) in by_pool {
            let pending = Key::Pending(class, book.clone(), pool);
            let version = version.map(|version| (book, version));
            self.drop_from_lane(&pending, &contents, version).await?;
        }
        Ok(())
    }

    /// Drops what is not needed, unless a listener moves meanwhile.
    pub(super) async fn retain_needed(
        &self,
        book: &BookId,
        needed: &Needed,
        version: u64,
    ) -> RedisResult<bool> {
        let pools: Vec<String> = cmd("SMEMBERS")
            .arg(self.name(&Key::LanesOfBook(book.clone())))
            .query_async(&mut self.redis.clone())
            .await?;
        for pool in pools.iter().filter_map(|suffix| Pool::of_suffix(suffix)) {
            for (class, needed) in
                [(Class::Prefetch, &needed.prefetch), (Class::Chapter, &needed.chapter)]
            {
                let pending = Key::Pending(class, book.clone(), pool.clone());
                let waiting: Vec<String> = cmd("SMEMBERS")
                    .arg(self.name(&pending))
                    .query_async(&mut self.redis.clone())
                    .await?;
                let waiting: HashSet<ContentHash> =
                    waiting.iter().filter_map(|content| content.parse().ok()).collect();
                let unneeded: Vec<_> = waiting.difference(needed).copied().collect();
                if !self.drop_from_lane(&pending, &unneeded, Some((book, version))).await? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// False when the listeners have moved since a version.
    async fn drop_from_lane(
        &self,
        pending: &Key,
        contents: &[ContentHash],
        version: Option<(&BookId, u64)>,
    ) -> RedisResult<bool> {
        let Key::Pending(class, _, pool) = pending else { return Ok(true) };
        for some in contents.chunks(WITHDRAWN_A_CALL) {
            let mut call = Call::new(&scripts::WITHDRAW);
            call.key(self.name(pending)).key(self.name(&Key::Counts));
            if let Some((book, _)) = version {
                call.key(self.name(&Key::ListenersVersion(book.clone())));
            }
            call.arg(format!("{class}{}", pool.suffix()))
                .arg(version.map_or(0, |(_, version)| version));
            for content in some {
                call.arg(content.to_string());
            }
            let done: Value = call.invoke(&self.redis).await?;
            if done == Value::Int(0) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
