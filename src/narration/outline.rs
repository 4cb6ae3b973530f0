//! How long a chapter lasts, before all of it has been made: exact where there are clips, estimated
//! from the text where there are none.

use app::model::Outline;
use app::pacing::{MS_PER_LETTER, MS_PER_SYLLABLE};

use super::plan::{ChapterPlan, Segment};
use super::{NarrationError, Narrator};
use crate::queue::Job;
use crate::speech::overlay;

/// Clips of a chapter from which on its own pace is used; before, that of what the voice has read elsewhere.
const ENOUGH_CLIPS: usize = 5;

/// The pace of a voice of which nothing is known: the built-in ones and espeak-ng read a letter in 53 to 56 ms, without
/// the rests between sentences, which [`MS_PER_LETTER`] counts.
const USUAL_PACE: f64 = 0.82;

impl Narrator {
    /// How long each sentence of a chapter lasts, and the rest of the book after it.
    pub async fn outline(&self, plan: &ChapterPlan) -> Result<Outline, NarrationError> {
        let lengths = self.lengths(plan, 0).await?;
        let rate = u64::from(plan.cast.narrator.sample_rate.max(1));
        let ms = |samples: u64| (samples * 1000 / rate) as u32;
        let pairs = || plan.segments.iter().zip(&lengths);
        let known =
            pairs().filter_map(|(segment, length)| Some((weight(segment), length.as_ref()?)));
        let (mut clips, mut clip_ms, mut weights) = (0, 0, 0.0);
        for (weight, length) in known {
            clips += 1;
            clip_ms += ms(length.samples);
            weights += weight;
        }
        let voice = &plan.cast.narrator.id;
        let pace = if clips >= ENOUGH_CLIPS {
            let pace = f64::from(clip_ms) / f64::max(weights, 1.0);
            self.shared.paces.insert(voice.clone(), pace).await;
            pace
        } else {
            self.shared.paces.get(voice).await.unwrap_or(USUAL_PACE)
        };
        let (mut durations_ms, mut estimated) = (Vec::with_capacity(lengths.len()), Vec::new());
        for (index, (segment, length)) in (0..).zip(pairs()) {
            let mut duration = ms(segment.length(*length).samples);
            if !segment.jobs().is_empty() && length.is_none() {
                duration += (weight(segment) * pace) as u32;
                duration += segment.rests_within().map(|rest| ms(rest.length.samples)).sum::<u32>();
                estimated.push(index);
            }
            durations_ms.push(duration);
        }
        let total: u64 = durations_ms.iter().copied().map(u64::from).sum();
        let rest_ms = self.rest(plan, total).await?;
        Ok(Outline { durations_ms, estimated, rest_ms })
    }

    /// The chapters after this one, at its pace.
    async fn rest(&self, plan: &ChapterPlan, chapter_ms: u64) -> Result<u64, NarrationError> {
        let details = self.library.metadata(&plan.book).await?;
        // Books imported before characters were counted are measured by their sentences.
        let counted = details.chapters.iter().any(|chapter| chapter.characters > 0);
        let size = |chapter: &app::model::ChapterCard| {
            u64::from(if counted { chapter.characters } else { chapter.sentences })
        };
        let here = details.chapters.iter().find(|chapter| chapter.number == plan.chapter);
        let here = here.map_or(0, size).max(1);
        let is_heard = |chapter: &&app::model::ChapterCard| {
            chapter.number > plan.chapter && (!plan.skipped.matter || chapter.matter.is_text())
        };
        let after: u64 = details.chapters.iter().filter(is_heard).map(size).sum();
        Ok(chapter_ms * after / here)
    }
}

/// How long a clip should take at an even pace, in milliseconds.
fn weight(segment: &Segment) -> f64 {
    let of_job = |job: &Job| {
        let told = if overlay::is_of(&job.voice) { overlay::length_ms(&job.text) } else { None };
        told.map(f64::from).unwrap_or_else(|| {
            let each = job.text.chars().map(|letter| match u32::from(letter) {
                0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af => MS_PER_SYLLABLE,
                _ => MS_PER_LETTER,
            });
            each.sum()
        })
    };
    segment.jobs().iter().map(of_job).sum()
}
