//! Waking an idle worker.

use std::sync::Arc;
use std::time::Duration;

use redis::{Value, cmd};
use tokio::sync::Notify;

use crate::redis::{Key, Link};

/// How long an idle worker blocks before it looks by itself, in case a token was lost.
const IDLE_SECONDS: u64 = 1;

/// Blocks on the wake tokens whenever a worker is idle, on a connection of its own.
pub(super) async fn wake(link: Link, idle: Arc<Notify>, arrival: Arc<Notify>) {
    let mut connection = None;
    loop {
        idle.notified().await;
        if connection.is_none() {
            connection = link.dedicated().await.ok();
        }
        let Some(blocking) = &mut connection else {
            tokio::time::sleep(Duration::from_secs(IDLE_SECONDS)).await;
            arrival.notify_one();
            continue;
        };
        let mut wait = cmd("BLPOP");
        wait.arg(link.name(&Key::Wake)).arg(IDLE_SECONDS);
        // Redis answers within its own time; it is gone or frozen when it takes much longer.
        let limit = Duration::from_secs(2 * IDLE_SECONDS + 1);
        let answer = tokio::time::timeout(limit, wait.query_async::<Value>(blocking)).await;
        if !matches!(answer, Ok(Ok(_))) {
            connection = None;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        arrival.notify_one();
    }
}
