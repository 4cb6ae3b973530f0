//! When each sentence of a chapter that has been made is heard.

use app::model::BookId;

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
        let text = self.library.chapter(book, chapter).await?;
        let plan = self.heard_plan(book, chapter, voice).await?;
        let lengths = self.lengths(&plan, 0).await?;
        let rate = u64::from(plan.cast.narrator.sample_rate.max(1));
        let ms = |samples: u64| samples * 1000 / rate;
        let (mut at, mut cues) = (0, Vec::new());
        for ((segment, length), sentence) in plan.segments.iter().zip(lengths).zip(&text.sentences)
        {
            if length.is_none() && !segment.jobs().is_empty() {
                return Ok(None);
            }
            if let Some(ClipLength { samples, .. }) = length {
                let text = sentence.text.clone();
                cues.push(Cue { start_ms: ms(at), end_ms: ms(at + samples), text });
            }
            at += segment.length(length).samples;
        }
        Ok(Some(cues))
    }
}
