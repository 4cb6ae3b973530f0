//! News of clips, from whoever made them to whoever waits, across processes.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use redis::{RedisResult, cmd};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clips::waits::Waits;
use crate::queue::Finished;
use crate::redis::RedisConnection;
use crate::speech::VoiceError;

/// Between attempts to subscribe.
const RETRY: Duration = Duration::from_millis(300);
/// How often the subscription is tried with an empty announcement, and how long nothing may come: a
/// connection that a router has forgotten is silent, without an error.
const TRIAL_INTERVAL: Duration = Duration::from_secs(1);
const SILENCE_LIMIT: Duration = Duration::from_secs(3);

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Announcement {
    content_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<VoiceError>,
}

impl From<&Finished> for Announcement {
    fn from(finished: &Finished) -> Self {
        Self {
            content_hash: finished.claim.job.content.to_string(),
            error: finished.outcome.as_ref().err().cloned(),
        }
    }
}

pub(super) fn message(announcements: &[Announcement]) -> String {
    // Serializing strings and numbers cannot fail.
    serde_json::to_string(announcements).unwrap_or_default()
}

/// Tells `waits` what is announced. Subscribes anew whenever the connection was lost or is silent; what is
/// missed meanwhile is found by looking again.
pub(super) async fn listen(redis: RedisConnection, waits: Arc<Waits>) {
    loop {
        let generation = redis.generation();
        match redis.subscribe().await {
            Ok(mut subscription) => {
                let mut news = subscription.on_message();
                let mut heard = Instant::now();
                let mut trial = tokio::time::interval(TRIAL_INTERVAL);
                loop {
                    let message = tokio::select! {
                        message = news.next() => message,
                        // The old connection may be dead without a word.
                        () = redis.restored_since(generation) => None,
                        _ = trial.tick() => {
                            if heard.elapsed() > SILENCE_LIMIT && redis.is_up() {
                                if !waits.is_deaf() {
                                    tracing::warn!("the subscription to Redis is silent");
                                }
                                waits.set_deaf(true);
                                break;
                            }
                            try_subscription(&redis);
                            continue;
                        }
                    };
                    let Some(message) = message else { break };
                    heard = Instant::now();
                    waits.set_deaf(false);
                    match serde_json::from_slice::<Vec<Announcement>>(message.get_payload_bytes()) {
                        Ok(announced) => announced.iter().for_each(|one| publish(&waits, one)),
                        Err(error) => tracing::warn!(%error, "an announcement cannot be read"),
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "cannot subscribe"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Sends an empty announcement, which must come back.
fn try_subscription(redis: &RedisConnection) {
    let redis = redis.clone();
    tokio::spawn(async move {
        let mut publish = cmd("PUBLISH");
        publish.arg(redis.keys().announcements()).arg("[]");
        // That Redis is gone is noticed elsewhere.
        let _: RedisResult<i64> = publish.query_async(&mut redis.clone()).await;
    });
}

fn publish(waits: &Waits, announcement: &Announcement) {
    let Ok(content) = announcement.content_hash.parse() else { return };
    let outcome = announcement.error.clone().map_or(Ok(()), Err);
    waits.publish(&content, &outcome);
}
