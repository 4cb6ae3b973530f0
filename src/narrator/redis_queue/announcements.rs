//! News of clips, from whoever made them to whoever waits, across processes.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::narrator::queue::Finished;
use crate::narrator::waiters::Waiters;
use crate::redis::Link;
use crate::voices::VoiceError;

/// Between attempts to subscribe.
const RETRY: Duration = Duration::from_millis(300);

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Landed {
    content_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<VoiceError>,
}

impl From<&Finished> for Landed {
    fn from(finished: &Finished) -> Self {
        Self {
            content_hash: finished.claim.job.content.to_string(),
            error: finished.outcome.as_ref().err().cloned(),
        }
    }
}

pub(super) fn message(landed: &[Landed]) -> String {
    // Strings only: there is nothing that JSON cannot say.
    serde_json::to_string(landed).unwrap_or_default()
}

/// Tells `waiters` what is announced. Subscribes anew whenever the connection was lost; what is
/// missed meanwhile they find by looking again.
pub(super) async fn listen(link: Link, waiters: Arc<Waiters>) {
    loop {
        let generation = link.generation();
        match link.subscribe().await {
            Ok(mut subscription) => {
                let mut news = subscription.on_message();
                loop {
                    let message = tokio::select! {
                        message = news.next() => message,
                        // The old connection may be dead without a word.
                        () = link.restored_since(generation) => None,
                    };
                    let Some(message) = message else { break };
                    match serde_json::from_slice::<Vec<Landed>>(message.get_payload_bytes()) {
                        Ok(landed) => landed.iter().for_each(|one| tell(&waiters, one)),
                        Err(error) => tracing::warn!(%error, "an announcement cannot be read"),
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "cannot subscribe"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn tell(waiters: &Waiters, landed: &Landed) {
    let Ok(content) = landed.content_hash.parse() else { return };
    let outcome = landed.error.clone().map_or(Ok(()), Err);
    waiters.tell(&content, &outcome);
}
