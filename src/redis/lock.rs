//! Locks: a key with a random token that expires, released only by who holds it.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{RedisResult, Script};

use super::script::Call;
use super::{Key, RedisConnection};

/// Releases a lock, never another's: who was too slow has lost it.
/// KEYS: lock    ARGV: token
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
    )
});

/// A lock that is held until it is released or expires.
pub struct Lock {
    redis: RedisConnection,
    name: String,
    token: String,
}

impl Lock {
    /// Takes a lock for at most `expiry`; `None` when another has it or Redis cannot be asked.
    pub async fn take(redis: &RedisConnection, key: &Key, expiry: Duration) -> Option<Self> {
        let (name, token) = (redis.name(key), uuid::Uuid::new_v4().simple().to_string());
        let mut take = redis::cmd("SET");
        take.arg(&name).arg(&token).arg("NX").arg("PX").arg(expiry.as_millis() as u64);
        let taken: RedisResult<Option<String>> = take.query_async(&mut redis.clone()).await;
        taken.ok().flatten().map(|_| Self { redis: redis.clone(), name, token })
    }

    /// Gives it back. If that fails it expires on its own.
    pub async fn release(self) {
        let mut call = Call::new(&RELEASE);
        call.key(self.name).arg(self.token);
        let _: RedisResult<i64> = call.invoke(&self.redis).await;
    }
}
