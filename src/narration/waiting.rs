//! Waiting for a clip: one look, one question to the queue and one wake for all who wait for it in this
//! process.

use std::time::Duration;

use tokio::time::Instant;

use super::{NarrationError, Narrator};
use crate::audio::Clip;
use crate::clips::waits::{Ask, WaitError, WaitGuard, Waiter};
use crate::queue::{Asked, Class, Job, SHORT_REST};
use crate::speech::VoiceError;

/// A clip that is waited for is looked for and asked for again after this long, in case news was lost.
const REQUEUE_INTERVAL: Duration = Duration::from_secs(2);
/// The same while news does not arrive.
const LOOK_INTERVAL: Duration = Duration::from_millis(150);
/// How long the store may be out of reach before whoever waits is told.
const STORE_PATIENCE: Duration = Duration::from_secs(10);
/// Requests of one page for stream and timeline arrive within this time.
const PAGE_OPEN_WINDOW: Duration = Duration::from_millis(400);
/// How long a listener waits for a sentence besides what its engine may take for it. Nobody gives up while
/// it is being made.
const WAIT_ALLOWANCE: Duration = Duration::from_secs(60);

/// Whether a failure says that whoever was to pay for a job may not.
fn is_over_allowance_of(error: &WaitError, job: &Job) -> bool {
    matches!(error, WaitError::Voice(error) if is_of_payer(error, job))
}

fn is_of_payer(error: &VoiceError, job: &Job) -> bool {
    matches!(error, VoiceError::OverAllowance { payer, .. } if job.payer.as_deref() == Some(payer))
}

impl Narrator {
    /// The clip of a sentence, if it is in memory.
    pub(super) async fn in_memory(&self, job: &Job) -> Option<Clip> {
        self.shared.clips.in_memory(&job.content).await
    }

    /// Waits for the clip of a sentence, which is made now if it has to be, and then what will be needed
    /// after it.
    pub(super) fn wait(&self, job: &Job, ahead: Vec<Job>) -> Result<Waiter, WaitError> {
        let mut job = job.clone();
        job.payer = self.payer(&job.voice.engine);
        let ahead = self.paid(ahead);
        self.join_wait(&job, Some(Ask { job: job.clone(), ahead }))
    }

    fn join_wait(&self, job: &Job, ask: Option<Ask>) -> Result<Waiter, WaitError> {
        let (waiter, guard) = self.shared.waits.join(job.content, ask)?;
        if let Some(guard) = guard {
            tokio::spawn(self.clone().look_after(guard, job.clone()));
        }
        Ok(waiter)
    }

    /// The clip of a sentence, made now if it has to be; whoever else waits for it gets the same.
    ///
    /// # Errors
    /// When it cannot be made, or not in time.
    pub async fn clip(&self, job: &Job) -> Result<Clip, NarrationError> {
        if let Some(clip) = self.in_memory(job).await {
            return Ok(clip);
        }
        Ok(self.wait(job, Vec::new())?.ended().await?)
    }

    /// The clip of a sentence for somebody who hears it alone.
    ///
    /// # Errors
    /// As [`clip`](Self::clip).
    pub async fn hear(&self, job: &Job) -> Result<Clip, NarrationError> {
        let clip = self.clip(job).await?;
        self.shared.usage.heard(job);
        Ok(clip)
    }

    /// Waits until somebody's request has made a clip, without asking for it.
    pub(super) async fn watch(&self, job: &Job) -> Result<Clip, NarrationError> {
        if let Some(clip) = self.in_memory(job).await {
            return Ok(clip);
        }
        Ok(self.join_wait(job, None)?.ended().await?)
    }

    /// Looks after the wait for a clip until it ends.
    async fn look_after(self, guard: WaitGuard, job: Job) {
        let mut asked: Option<Instant> = None;
        let mut begun = Instant::now();
        let mut blind_since: Option<Instant> = None;
        loop {
            match self.shared.clips.get(&job).await {
                Ok(Some(clip)) => {
                    if asked.is_some() {
                        self.shared.figures.waited(begun.elapsed());
                    }
                    return guard.end(Ok(clip));
                }
                Ok(None) => {
                    blind_since = None;
                    guard.must_be_made();
                }
                // Somebody may be making it, and the store may answer in a moment.
                Err(error) => {
                    tracing::error!(%error, "a clip cannot be looked up");
                    if blind_since.get_or_insert_with(Instant::now).elapsed() >= STORE_PATIENCE {
                        return guard.end(Err(WaitError::Store));
                    }
                    tokio::time::sleep(LOOK_INTERVAL).await;
                    if guard.is_deserted() {
                        return;
                    }
                    continue;
                }
            }
            match guard.ask() {
                Some(ask) => {
                    let is_first = asked.is_none();
                    begun = *asked.get_or_insert_with(Instant::now);
                    match self.ask(&ask, is_first).await {
                        Ok(()) => {}
                        Err(error)
                            if is_over_allowance_of(&error, &ask.job) && guard.next_payer() =>
                        {
                            asked = None;
                            continue;
                        }
                        Err(error) => return guard.end(Err(error)),
                    }
                }
                // Who asks and who watches begin together: what failed before may be asked for again in this
                // very moment.
                None if begun.elapsed() >= PAGE_OPEN_WINDOW => {
                    let payer = self.payer(&job.voice.engine);
                    let failure =
                        self.shared.waits.recent_failure(guard.content(), payer.as_deref());
                    if let Some(error) = failure {
                        return guard.end(Err(error.into()));
                    }
                }
                None => {}
            }
            let pause = if asked.is_none() && begun.elapsed() < PAGE_OPEN_WINDOW {
                PAGE_OPEN_WINDOW
            } else if self.shared.waits.is_deaf() {
                LOOK_INTERVAL
            } else {
                REQUEUE_INTERVAL
            };
            tokio::select! {
                () = guard.changed() => {}
                () = tokio::time::sleep(pause) => {}
                () = guard.deserted() => {
                    if guard.is_deserted() {
                        return;
                    }
                }
            }
            match guard.news() {
                // Of whoever asked in another process, or for whom the next one pays.
                Some(Err(error @ VoiceError::OverAllowance { .. })) => {
                    let ours = guard.ask().filter(|ask| is_of_payer(&error, &ask.job));
                    if ours.is_some() {
                        if !guard.next_payer() {
                            return guard.end(Err(error.into()));
                        }
                        asked = None;
                        continue;
                    }
                }
                Some(Err(error)) => return guard.end(Err(error.into())),
                Some(Ok(())) | None => {}
            }
            if asked.is_some() && self.is_too_late(&job, begun).await {
                self.shared.figures.waited(begun.elapsed());
                return guard.end(Err(WaitError::TooLate));
            }
        }
    }

    /// Asks the queue for a clip; the first time also for what will be needed after it.
    async fn ask(&self, ask: &Ask, is_first: bool) -> Result<(), WaitError> {
        let queue = &self.shared.queue;
        let failed = |error: crate::queue::QueueError| WaitError::Queue(error.to_string());
        // What was booked for it meanwhile is no more among what is left.
        if is_first {
            self.check_allowance(&ask.job).await?;
        }
        // It may have been removed since the plan was made, and nobody would claim it.
        self.check_engine(&ask.job)?;
        match queue.enqueue_awaited(&ask.job).await.map_err(failed)? {
            Asked::Queued => {}
            Asked::Refused(error) => return Err(error.into()),
            Asked::Resting(rest) if rest.remaining > SHORT_REST => return Err(rest.error.into()),
            Asked::Resting(_) => {}
        }
        if is_first && !ask.ahead.is_empty() {
            let missing = self.missing(ask.ahead.clone()).await.map_err(|error| {
                tracing::error!(%error, "clips cannot be looked up");
                WaitError::Store
            })?;
            // Each has its payer already: whoever looks after the wait may be another.
            let missing = self.afforded(missing).await;
            queue.enqueue(Class::Prefetch, &ask.job.book, &missing).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Refuses a sentence of an engine that is no more.
    pub(super) fn check_engine(&self, job: &Job) -> Result<(), WaitError> {
        let engine = &job.voice.engine;
        let is_here = self.shared.voices.has_engine(engine);
        is_here.then_some(()).ok_or_else(|| VoiceError::NoSuchVoice(engine.clone()).into())
    }

    /// Refuses a sentence that whoever asks for it may not pay for.
    pub(super) async fn check_allowance(&self, job: &Job) -> Result<(), WaitError> {
        if let Some(payer) = &job.payer
            && let Ok(Some(left)) = self.shared.allowances.left(payer).await
            && left.characters < job.characters()
        {
            let (allowance, payer) = (left.of, payer.to_string());
            return Err(VoiceError::OverAllowance { allowance, payer }.into());
        }
        Ok(())
    }

    /// Whether a listener has waited long enough for a sentence that nobody is making.
    async fn is_too_late(&self, job: &Job, since: Instant) -> bool {
        let limit = self.shared.voices.time_limit(&job.voice.engine) + WAIT_ALLOWANCE;
        since.elapsed() > limit && !self.shared.queue.is_being_made(&job.content).await
    }
}
