//! When each sentence of a chapter that has been made is heard.

use std::iter;

use app::model::BookId;

use super::plan::ChapterPlan;
use super::stream::Recording;
use super::{NarrationError, Narrator};
use crate::queue::Job;
use crate::text::subtitles::Cue;

impl Narrator {
    /// The sentences of a chapter as the person hears it, with their times; `None` while some are still to be made.
    ///
    /// # Errors
    /// When there is no such chapter or voice.
    pub async fn cues(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
    ) -> Result<Option<Vec<Cue>>, NarrationError> {
        let plan = self.heard_plan(book, chapter, voice).await?;
        let (cues, gaps) = self.timed(&plan).await?;
        Ok((gaps == 0).then_some(cues))
    }

    /// A chapter as the person hears it, as far as it has been made, and when its sentences are heard.
    ///
    /// # Errors
    /// When there is no such chapter or voice.
    pub async fn heard_timed(
        &self,
        book: &BookId,
        chapter: u32,
        voice: &str,
    ) -> Result<(Recording, Vec<Cue>), NarrationError> {
        let plan = self.read_on(self.heard_plan(book, chapter, voice).await?).await;
        let (cues, _) = self.timed(&plan).await?;
        Ok((self.recording_of(&plan, 0).await?, cues))
    }

    /// The sentences that have been made, with their times in what has been made, and how many are missing.
    async fn timed(&self, plan: &ChapterPlan) -> Result<(Vec<Cue>, usize), NarrationError> {
        let text = self.library.chapter(&plan.book, plan.chapter).await?;
        let known = self.stored_lengths(&plan.segments).await?;
        let length_of = |job: &Job| known.get(&job.content).copied();
        let samples_of = |jobs: &[Job]| {
            jobs.iter().filter_map(length_of).map(|length| length.samples).sum::<u64>()
        };
        let rate = u64::from(plan.cast.narrator.sample_rate.max(1));
        let ms = |samples: u64| samples * 1000 / rate;
        let (mut at, mut cues, mut gaps) = (0, Vec::new(), 0);
        for (sentence, (segment, written)) in plan.segments.iter().zip(&text.sentences).enumerate()
        {
            let length = segment.clip_length(length_of);
            if length.is_none() && !segment.jobs().is_empty() {
                gaps += 1;
                continue;
            }
            let mut begin = at;
            let own = (&*written.text, segment.own_jobs(), None);
            let notes = segment.notes().map(|(text, jobs, rest)| (&**text, jobs, rest));
            for (text, jobs, rest) in iter::once(own).chain(notes) {
                begin += rest.map_or(0, |rest| rest.length.samples);
                let end = begin + samples_of(jobs);
                if end > begin {
                    let (start_ms, end_ms) = (ms(begin), ms(end));
                    cues.push(Cue { sentence, start_ms, end_ms, text: text.to_owned() });
                }
                begin = end;
            }
            at += segment.length(length).samples;
        }
        Ok((cues, gaps))
    }
}
