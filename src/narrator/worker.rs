//! A worker: claims as many sentences as it has room for and makes their clips, until shutdown.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::NarratorError;
use super::clips::Clips;
use super::queue::{Beat, Claim, Finished, Job, Queue, Timing};
use crate::voices::engines::Engines;
use crate::voices::{Clip, VoiceError, Voices};

/// A clip may not be bigger, in bytes: 20 minutes of a 48 kbit/s voice.
const MAX_CLIP_BYTES: usize = 8 << 20;
/// While the queue is out of reach, it is tried again after this long.
const RETRY_PAUSE: Duration = Duration::from_millis(300);
/// Sentences that services may have in hand at once for one worker.
const MAX_REMOTE: usize = 64;
/// Told to stop, a worker waits this long for what it is making, then hands it back.
const FINISH_LIMIT: Duration = Duration::from_secs(6);

/// What a worker works with.
pub(super) struct Worker {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) maker: Maker,
    /// Sentences made at once on this machine's processors; services have more.
    pub(super) slots: usize,
    pub(super) timing: Timing,
}

/// Who makes clips. Cheap to clone.
#[derive(Clone)]
pub(super) struct Maker {
    pub(super) voices: Arc<Voices>,
    pub(super) engines: Engines,
    pub(super) clips: Arc<Clips>,
}

/// What it has in hand.
#[derive(Default)]
struct Hands {
    making: JoinSet<Finished>,
    /// Claims that are being made.
    held: Vec<Claim>,
    /// Made, and not handed in yet.
    finished: Vec<Finished>,
}

impl Worker {
    /// Runs until `shutdown`; what is being made is finished or handed back.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut hands = Hands::default();
        let mut upkeep = tokio::time::interval(self.timing.upkeep);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !shutdown.is_cancelled() {
            // What is handed in makes room; if that fails, nothing is claimed either.
            let slots = self.slots + self.maker.voices.remote_turns().min(MAX_REMOTE);
            let free = slots.saturating_sub(hands.making.len());
            let mut rests = true;
            if free > 0 || !hands.finished.is_empty() {
                match self.queue.exchange(&hands.finished, free).await {
                    Ok(exchange) => {
                        hands.forget_finished();
                        rests = exchange.claims.len() == free || !exchange.more;
                        for claim in exchange.claims {
                            self.begin(&mut hands, claim);
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the queue cannot be asked");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                }
            }
            if !rests {
                tokio::task::yield_now().await;
                continue;
            }
            let has_room = slots > hands.making.len() + hands.finished.len();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {}
                Some(made) = hands.making.join_next() => hands.finish(made),
                () = self.queue.disturbed() => self.keep_up(&hands).await,
                _ = upkeep.tick() => self.keep_up(&hands).await,
                () = self.queue.work(), if has_room => {}
            }
            while let Some(made) = hands.making.try_join_next() {
                hands.finish(made);
            }
        }
        self.stop(hands).await;
    }

    fn begin(&self, hands: &mut Hands, claim: Claim) {
        hands.held.push(claim.clone());
        let maker = self.maker.clone();
        hands.making.spawn(async move {
            // A panic in an engine costs its sentence, not the worker.
            let made = AssertUnwindSafe(maker.make(&claim.job)).catch_unwind().await;
            let outcome = made.unwrap_or_else(|_| Err(broken("the worker panicked")));
            if let Err(error) = &outcome {
                let Job { book, chapter, sentence, .. } = &claim.job;
                tracing::warn!(%book, chapter, sentence, %error, "a sentence could not be spoken");
            }
            Finished { claim, outcome }
        });
    }

    async fn keep_up(&self, hands: &Hands) {
        let current_job = hands.held.first().map_or_else(String::new, |claim| {
            let Job { book, chapter, sentence, .. } = &claim.job;
            format!("{book}/{chapter}/{sentence}")
        });
        let beat = Beat { current_job, in_flight: hands.held.len() };
        if let Err(error) = self.queue.upkeep(&hands.held, &beat).await {
            tracing::debug!(%error, "leases cannot be renewed");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn stop(&self, mut hands: Hands) {
        let deadline = Instant::now() + FINISH_LIMIT;
        while let Ok(Some(made)) = tokio::time::timeout_at(deadline, hands.making.join_next()).await
        {
            hands.finish(made);
        }
        hands.making.abort_all();
        let handed_in = self.queue.exchange(&hands.finished, 0).await.is_ok();
        if handed_in {
            hands.forget_finished();
        }
        if let Err(error) = self.queue.hand_back(&hands.held).await {
            tracing::warn!(%error, "work was left to be found by others");
        }
    }
}

impl Hands {
    fn finish(&mut self, made: Result<Finished, JoinError>) {
        match made {
            Ok(finished) => self.finished.push(finished),
            // Panics are caught inside; only the runtime's end aborts a task.
            Err(error) => tracing::error!(%error, "a task was lost"),
        }
    }

    /// What was handed in is held no more.
    fn forget_finished(&mut self) {
        let finished = std::mem::take(&mut self.finished);
        self.held.retain(|claim| finished.iter().all(|one| one.claim.token != claim.token));
    }
}

impl Maker {
    /// Makes the clip of a job, unless it is there, and stores it for good.
    async fn make(&self, job: &Job) -> Result<Bytes, VoiceError> {
        // The last look before anything is paid for: another book or listener may have it by now.
        match self.clips.stored(&job.content).await {
            Ok(Some(clip)) => return Ok(clip.bytes),
            Ok(None) => {}
            // Nothing is paid for what may be there.
            Err(error) => return Err(unstored(&error)),
        }
        let (clip, cost) = match self.speak(job).await {
            // An engine that was added a moment ago, by another process.
            Err(VoiceError::NoSuchVoice(_)) if self.engines.refresh().await.is_ok() => {
                self.speak(job).await?
            }
            spoken => spoken?,
        };
        if clip.bytes.len() > MAX_CLIP_BYTES {
            let reason = format!("a clip of {} MB", clip.bytes.len() >> 20);
            return Err(VoiceError::NoAudio { program: job.voice.engine.clone().into(), reason });
        }
        Ok(self.clips.put(job, clip, cost).await.bytes)
    }

    async fn speak(&self, job: &Job) -> Result<(Clip, u64), VoiceError> {
        self.voices.speak(&job.text, job.context.as_deref(), &job.voice).await
    }
}

/// What stores say is for the log, not for listeners.
fn unstored(error: &NarratorError) -> VoiceError {
    tracing::error!(%error, "a clip cannot be looked up");
    broken("the stored audio is out of reach")
}

fn broken(reason: &str) -> VoiceError {
    VoiceError::Failed { program: "narrator".into(), reason: reason.to_owned() }
}
