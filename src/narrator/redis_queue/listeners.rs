//! Where the active listeners of each book are, for all servers.

use std::collections::HashMap;
use std::time::Duration;

use app::model::{BookId, Place};
use redis::{RedisResult, cmd};
use serde::{Deserialize, Serialize};

use super::{RedisQueue, Tolerance};
use crate::now_ms;
use crate::redis::Key;

/// The place of a listener is forgotten after this long without a sign.
const LISTENER_EXPIRY: Duration = Duration::from_secs(15 * 60);
/// Listeners remembered of one book.
const MAX_LISTENERS: usize = 256;

/// A listener's place, and when it was there.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    seen_ms: u64,
    place: Place,
}

impl RedisQueue {
    pub(super) async fn note_listener(&self, place: &Place) -> RedisResult<()> {
        let key = self.name(&Key::Listeners(place.book.clone()));
        let seen = Seen { seen_ms: now_ms(), place: place.clone() };
        // Strings and numbers only: there is nothing that JSON cannot say.
        let value = serde_json::to_string(&seen).unwrap_or_default();
        let mut note = cmd("HSET");
        note.arg(&key).arg(&place.listener).arg(value);
        let mut expire = cmd("PEXPIRE");
        expire.arg(&key).arg(LISTENER_EXPIRY.as_millis() as u64);
        self.send(vec![note, expire], Tolerance::First(0)).await?;
        Ok(())
    }

    /// The latest first.
    pub(super) async fn active_listeners(&self, book: &BookId) -> RedisResult<Vec<Place>> {
        let key = self.name(&Key::Listeners(book.clone()));
        let known: HashMap<String, String> =
            cmd("HGETALL").arg(&key).query_async(&mut self.link.clone()).await?;
        let oldest = now_ms().saturating_sub(LISTENER_EXPIRY.as_millis() as u64);
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
            let _: () = cmd("HDEL").arg(&key).arg(gone).query_async(&mut self.link.clone()).await?;
        }
        Ok(active.into_iter().map(|seen| seen.place).collect())
    }
}
