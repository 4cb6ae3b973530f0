//! Waking an idle worker.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{RedisResult, cmd};
use tokio::sync::Notify;

use crate::queue::{Pool, Room};
use crate::redis::{Key, RedisConnection};

/// How long an idle worker blocks before it looks by itself, in case a token was lost.
const IDLE_SECONDS: u64 = 1;

/// What a worker waits for.
#[derive(Default)]
pub(super) struct Waking {
    /// The pools it has room in. A std mutex, never held across an await.
    pools: Mutex<Vec<Pool>>,
    /// It wants to be woken, and: there may be work.
    idle: Notify,
    arrival: Notify,
}

impl Waking {
    /// Notes where the worker has room.
    pub(super) fn has_room(&self, rooms: &[Room]) {
        let with_room = rooms.iter().filter(|room| room.any > 0);
        *self.pools.lock().unwrap_or_else(PoisonError::into_inner) =
            with_room.map(|room| room.pool.clone()).collect();
    }

    fn pools(&self) -> Vec<Pool> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns when there may be work.
    pub(super) async fn work(&self) {
        self.idle.notify_one();
        self.arrival.notified().await;
    }
}

/// Blocks on the wake tokens whenever the worker is idle, on a connection of its own.
pub(super) async fn wake(redis: RedisConnection, waking: Arc<Waking>) {
    let mut connection = None;
    loop {
        waking.idle.notified().await;
        if connection.is_none() {
            connection = redis.dedicated().await.ok();
        }
        let pools = waking.pools();
        let Some(blocking) = connection.as_mut().filter(|_| !pools.is_empty()) else {
            tokio::time::sleep(Duration::from_secs(IDLE_SECONDS)).await;
            waking.arrival.notify_one();
            continue;
        };
        let lists: Vec<String> =
            pools.iter().map(|pool| redis.name(&Key::Wake(pool.clone()))).collect();
        let mut wait = cmd("BLPOP");
        wait.arg(&lists).arg(IDLE_SECONDS);
        // Redis answers within its own time; it is gone or frozen when it takes much longer.
        let limit = Duration::from_secs(2 * IDLE_SECONDS + 1);
        let answer =
            tokio::time::timeout(limit, wait.query_async::<Option<(String, u8)>>(blocking)).await;
        match answer {
            Ok(Ok(Some((list, _)))) => give_back_what_is_no_use(&redis, &waking, &list).await,
            Ok(Ok(None)) => {}
            Ok(Err(_)) | Err(_) => {
                connection = None;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        waking.arrival.notify_one();
    }
}

/// A worker that has no room in a pool any more leaves its token to another.
async fn give_back_what_is_no_use(redis: &RedisConnection, waking: &Waking, list: &str) {
    let is_of_use = waking.pools().into_iter().any(|pool| redis.name(&Key::Wake(pool)) == list);
    if !is_of_use {
        let mut push = cmd("RPUSH");
        push.arg(list).arg(1);
        // If it is lost, others look by themselves within a second.
        let _: RedisResult<i64> = push.query_async(&mut redis.clone()).await;
    }
}
