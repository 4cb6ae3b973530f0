//! When each sentence of a chapter that has been made is heard.

use app::model::BookId;

use super::plan::ChapterPlan;
use super::stream::Recording;
use super::{NarrationError, Narrator};
use crate::audio::ClipLength;
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
        let lengths = self.lengths(plan, 0).await?;
        let rate = u64::from(plan.cast.narrator.sample_rate.max(1));
        let ms = |samples: u64| samples * 1000 / rate;
        let (mut at, mut cues, mut gaps) = (0, Vec::new(), 0);
        let sentences = plan.segments.iter().zip(lengths).zip(&text.sentences).enumerate();
        for (sentence, ((segment, length), written)) in sentences {
            if length.is_none() && !segment.jobs().is_empty() {
                gaps += 1;
                continue;
            }
            if let Some(ClipLength { samples, .. }) = length {
                let text = written.text.clone();
                cues.push(Cue { sentence, start_ms: ms(at), end_ms: ms(at + samples), text });
            }
            at += segment.length(length).samples;
        }
        Ok((cues, gaps))
    }
}
