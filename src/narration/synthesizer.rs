//! Makes the clip of a sentence, unless it is there, and stores it for good.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};

use crate::accounts::{AllowanceError, Allowances, Booked};
use crate::audio;
use crate::clips::figures::Figures;
use crate::clips::{Clips, ClipsError};
use crate::queue::{Job, Made, Sentence};
use crate::speech::engines::Engines;
use crate::speech::{Spoken, VoiceError, Voices, at_own_rate};
use crate::text::hash::{ContentHash, VoiceKey};

/// Largest accepted clip, in bytes: 20 minutes at 48 kbit/s.
const MAX_CLIP_BYTES: usize = 8 << 20;
/// Between looks for a clip that another process is having made.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Who makes clips. Cheap to clone.
#[derive(Clone)]
pub(super) struct Synthesizer {
    pub(super) voices: Arc<Voices>,
    pub(super) engines: Engines,
    pub(super) clips: Arc<Clips>,
    pub(super) allowances: Allowances,
    pub(super) figures: Arc<Figures>,
}

impl Synthesizer {
    /// Makes the clip of a job, unless it is there, and stores it for good.
    pub(super) async fn make(&self, job: &Job) -> Result<Made, VoiceError> {
        let mut has_waited = false;
        loop {
            // The last look before anything is paid for: another book or listener may have it by now.
            // Nothing is paid for what may be there.
            if let Some(clip) = self.clips.stored(&job.content).await.map_err(unstored)? {
                if let Err(error) = self.clips.settle(job).await {
                    tracing::warn!(%error, "a clip is in memory and cannot be stored yet");
                }
                return Ok(Made { clip: clip.bytes, by_engine: false });
            }
            let attempt = self.clips.guard.begin(&job.content).await;
            if let Some(attempt) = attempt.map_err(|error| unstored(error.into()))? {
                let _held = HeldLock::new();
                let made = self.make_alone(job).await;
                self.clips.guard.end(&job.content, attempt).await;
                return made;
            }
            if !std::mem::replace(&mut has_waited, true) {
                self.figures.found_locked();
            }
            // Another process has it spoken, and the queue does not know, as after Redis lost its data.
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn make_alone(&self, job: &Job) -> Result<Made, VoiceError> {
        // Between the last look and the guard it may have been stored.
        if let Some(clip) = self.clips.stored(&job.content).await.map_err(unstored)? {
            return Ok(Made { clip: clip.bytes, by_engine: false });
        }
        let own_rate = at_own_rate(&job.voice);
        let is_resampled = own_rate.is_some();
        let mut by_engine = true;
        let Spoken { clip, cost } = match own_rate {
            Some((key, rate)) => {
                let (spoken, asked) = self.resample(job, key, rate).await?;
                by_engine = asked;
                spoken
            }
            None => match self.speak(job).await {
                // An engine that was added a moment ago, by another process.
                Err(VoiceError::NoSuchVoice(_)) if self.engines.refresh().await.is_ok() => {
                    self.speak(job).await?
                }
                spoken => spoken?,
            },
        };
        if clip.bytes.len() > MAX_CLIP_BYTES {
            let reason = format!("a clip of {} MB", clip.bytes.len() >> 20);
            return Err(VoiceError::NoAudio { program: job.voice.engine.clone().into(), reason });
        }
        // One at another rate is the same sentence, which has been counted.
        if !is_resampled {
            self.figures.made(job, cost);
        }
        Ok(Made { clip: self.clips.put(job, clip, cost).await.bytes, by_engine })
    }

    /// The clip of a voice at another sample rate, of the one at its own: whoever hears that has paid for this. Also
    /// whether the engine was asked for that.
    async fn resample(
        &self,
        job: &Job,
        key: VoiceKey,
        rate: u32,
    ) -> Result<(Spoken, bool), VoiceError> {
        let (content, voice) =
            (ContentHash::of(&job.text, job.context.as_deref(), &key), Arc::new(key));
        let mut own = Job::new(Sentence { content, voice, ..Sentence::clone(job) });
        own.payer.clone_from(&job.payer);
        // Its own rate is no other, so this goes one deep.
        let Made { by_engine, .. } = Box::pin(self.make(&own)).await?;
        let clip = self.clips.stored(&content).await.map_err(unstored)?;
        let clip = clip.ok_or_else(|| broken("a clip was lost while it was resampled"))?;
        let resampled = tokio::task::spawn_blocking(move || audio::resample(&clip, rate)).await;
        let clip = resampled.unwrap_or_else(|error| Err(error.to_string()));
        Ok((Spoken { clip: clip.map_err(|reason| broken(&reason))?, cost: 0 }, by_engine))
    }

    /// Has the voice speak, from the allowance of whoever pays for it.
    async fn speak(&self, job: &Job) -> Result<Spoken, VoiceError> {
        let booked = match &job.payer {
            Some(payer) => Some(self.book(payer, &job.text).await?),
            None => None,
        };
        let begun = Instant::now();
        let spoken = self.voices.speak(&job.text, job.context.as_deref(), &job.voice).await;
        count(job, &spoken, begun);
        if let (Some(booked), Err(error)) = (booked, &spoken)
            && !error.may_have_cost()
            && let Err(error) = self.allowances.take_back(&booked).await
        {
            tracing::warn!(%error, "what was booked and not spoken stays booked");
        }
        spoken
    }

    async fn book(&self, payer: &str, text: &str) -> Result<Booked, VoiceError> {
        let booked = self.allowances.book(payer, text.chars().count() as u64).await;
        booked.map_err(|error| match error {
            AllowanceError::UsedUp(allowance) => {
                VoiceError::OverAllowance { allowance, payer: payer.to_owned() }
            }
            AllowanceError::Database(error) => {
                tracing::error!(%error, "what a person spends cannot be booked");
                VoiceError::NotReady { reason: "What may be spent cannot be read.".to_owned() }
            }
        })
    }
}

/// A lock, counted until this is dropped.
struct HeldLock;

impl HeldLock {
    fn new() -> Self {
        gauge!("earmark_locks_held").increment(1.0);
        Self
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        gauge!("earmark_locks_held").decrement(1.0);
    }
}

/// Counts what an engine was asked for.
fn count(job: &Job, spoken: &Result<Spoken, VoiceError>, begun: Instant) {
    let engine = || job.voice.engine.clone();
    let outcome = if spoken.is_ok() { "spoken" } else { "failed" };
    counter!("earmark_syntheses_total", "engine" => engine(), "outcome" => outcome).increment(1);
    if let Ok(spoken) = spoken {
        histogram!("earmark_synthesis_seconds", "engine" => engine()).record(begun.elapsed());
        let characters = job.characters();
        counter!("earmark_spoken_characters_total", "engine" => engine()).increment(characters);
        counter!("earmark_spoken_cost_millionths_total", "engine" => engine())
            .increment(spoken.cost);
    }
}

/// What stores say is for the log, not for listeners.
fn unstored(error: ClipsError) -> VoiceError {
    tracing::error!(%error, "a clip cannot be looked up");
    VoiceError::NotReady { reason: "The stored audio is out of reach.".to_owned() }
}

/// A failure of our own.
pub(super) fn broken(reason: &str) -> VoiceError {
    VoiceError::Failed { program: "narrator".into(), reason: reason.to_owned() }
}
