//! A voice that speaks what the chosen one cannot: only if the listener has chosen one, and then for a
//! sentence at a time.
//!
//! What was spoken so is remembered for a while under the sentence it stands for, so that a stream and its
//! timeline, which ask for themselves, are of the same sound.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::plan::ChapterPlan;
use super::{NarrationError, Narrator, PREFETCH_SENTENCES, jobs};
use crate::audio::{self, Clip};
use crate::clips::waits::WaitError;
use crate::queue::{Job, Sentence};
use crate::speech::{ChosenVoice, overlay};
use crate::text::hash::{ContentHash, Context};
use crate::text::sentence::is_speakable;
use crate::text::spoken::normalise;

/// A substitute is heard in place of a sentence for this long; then its own voice is asked again.
const SUBSTITUTED_FOR: Duration = Duration::from_secs(600);
/// Bytes of substitutes kept in memory.
const SUBSTITUTE_BYTES: u64 = 16 << 20;

/// Clips that were heard in place of others, by the content they stand for and the voice that spoke.
pub(super) type Substitutes = Cache<(ContentHash, ChosenVoice), Clip>;

/// None yet.
pub(super) fn substitutes() -> Substitutes {
    Cache::builder()
        .weigher(|_, clip: &Clip| u32::try_from(clip.bytes.len()).unwrap_or(u32::MAX))
        .max_capacity(SUBSTITUTE_BYTES)
        .time_to_live(SUBSTITUTED_FOR)
        .build()
}

/// The same sentence in another voice.
pub(super) fn spoken_by(job: &Job, text: &Arc<str>, voice: &ChosenVoice) -> Job {
    let key = Arc::new(voice.key.clone());
    let context = job.context.as_ref().map(|context| {
        let mut context = Context::clone(context);
        if !voice.wants_context {
            (context.before, context.after) = Default::default();
        }
        if !voice.takes_instructions {
            context.instructions = Arc::default();
        }
        context
    });
    let is_told = |context: &Context| voice.wants_context || !context.instructions.is_empty();
    let context = context.filter(is_told).map(Arc::new);
    let text = match voice.given(text) {
        Cow::Owned(other) => other.into(),
        Cow::Borrowed(_) => Arc::clone(text),
    };
    Job::new(Sentence {
        content: ContentHash::of(&text, context.as_deref(), &key),
        text,
        context,
        voice: key,
        ..Sentence::clone(job)
    })
}

impl Narrator {
    /// A plan whose sentences are spoken by another voice where the first cannot; the same plan when no
    /// other is named.
    ///
    /// # Errors
    /// When there is no such voice.
    pub async fn with_fallback(
        &self,
        plan: Arc<ChapterPlan>,
        fallback: &str,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        if fallback.is_empty() {
            return Ok(plan);
        }
        let details = self.library.metadata(&plan.book).await?;
        let voice = self.shared.voices.choose(fallback, &details.card.language)?;
        Ok(Arc::new(plan.with_fallback(voice)))
    }

    /// What is heard in place of a sentence, if something is.
    pub(super) async fn substitute(&self, plan: &ChapterPlan, job: &Job) -> Option<Clip> {
        let fallback = plan.stand_in(job)?;
        self.shared.substitutes.get(&(job.content, fallback.clone())).await
    }

    /// Has the fallback speak a sentence that failed, at the sample rate of the chapter's own voice.
    pub(super) async fn fall_back(
        &self,
        plan: &ChapterPlan,
        (at, job): (usize, &Job),
        error: WaitError,
    ) -> Result<Clip, WaitError> {
        let Some(fallback) = plan.stand_in(job) else { return Err(error) };
        let why = match &error {
            WaitError::Voice(error) => error.in_full(),
            error => error.to_string(),
        };
        tracing::warn!(why, fallback = fallback.id, "another voice speaks a sentence");
        let spoken = if overlay::is_of(&job.voice) {
            // A place in a sound is nothing to be read, and the next one may be whole.
            let Some(text) = self.shown(job).await else { return Err(error) };
            self.wait(&spoken_by(job, &text, fallback), Vec::new())?.ended().await?
        } else {
            let ahead = jobs(plan, at + 1, PREFETCH_SENTENCES);
            let ahead = ahead.iter().map(|job| spoken_by(job, &job.text, fallback)).collect();
            self.wait(&spoken_by(job, &job.text, fallback), ahead)?.ended().await?
        };
        let rate = plan.cast.narrator.sample_rate;
        let resampled = tokio::task::spawn_blocking(move || audio::resample(&spoken, rate)).await;
        let clip = resampled.unwrap_or_else(|error| Err(error.to_string())).map_err(|reason| {
            tracing::error!(reason, "a clip cannot be resampled");
            error
        })?;
        // Who came first decides: the stream and its timeline must hear the same.
        let name = (job.content, fallback.clone());
        Ok(self.shared.substitutes.get_with(name, async { clip }).await)
    }

    /// The same sentence, if it is of the sound that a book brings, in the voice that reads on where that is damaged.
    pub(super) async fn instead_of(&self, plan: &ChapterPlan, job: &Job) -> Option<Job> {
        let voice = plan.instead.as_ref().filter(|_| overlay::is_of(&job.voice))?;
        Some(spoken_by(job, &self.shown(job).await?, voice))
    }

    /// A sentence as the page shows it, for a voice.
    async fn shown(&self, job: &Job) -> Option<Arc<str>> {
        let chapter = self.library.chapter(&job.book, job.chapter).await.ok()?;
        let text = normalise(&chapter.sentences.get(job.sentence as usize)?.text);
        is_speakable(&text).then(|| text.into())
    }
}
