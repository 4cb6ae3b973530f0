//! A worker: claims sentences and makes their clips, one after another, until shutdown.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::queue::{Job, Outcome};
use super::{NarratorError, Shared};
use crate::voices::VoiceError;

/// Runs until `shutdown`; a sentence that was claimed is finished first.
pub(super) async fn run(shared: Arc<Shared>, shutdown: CancellationToken) {
    loop {
        let claim = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            claim = shared.queue.claim() => claim,
        };
        // A panic in an engine costs its sentence, not the worker.
        let made = AssertUnwindSafe(make(&shared, &claim.job)).catch_unwind().await;
        let outcome = made.unwrap_or_else(|_| Err(broken("the worker panicked")));
        if let Err(error) = &outcome {
            let Job { book, chapter, sentence, .. } = &claim.job;
            tracing::warn!(%book, chapter, sentence, %error, "a sentence could not be spoken");
        }
        shared.queue.finish(claim, outcome).await;
    }
}

async fn make(shared: &Shared, job: &Job) -> Outcome {
    // The last look before anything is paid for: another book or listener may have it by now.
    match shared.clips.get(&job.content).await {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "a clip cannot be looked up"),
    }
    let clip = shared.voices.speak(&job.text, &job.voice).await?;
    let stored = shared.clips.put(&job.content, &job.voice, clip).await;
    stored.map_err(|error: NarratorError| broken(&error.to_string()))
}

fn broken(reason: &str) -> VoiceError {
    VoiceError::Failed { program: "narrator", reason: reason.to_owned() }
}
