//! Single passages: what is read in them, and having it said once more.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use app::model::{
    Annotation, AnnotationKind, BookId, HighlightColour, NewAnnotation, OVERLAY_VOICE, Passage,
    PassageSentence, Point,
};

use super::{NarrationError, Narrator};
use crate::library::LibraryError;
use crate::queue::Job;

/// Most sentences of one passage that are shown.
const MAX_SHOWN: usize = 200;

impl Narrator {
    /// Sentences of a chapter as far as there are, and what it costs to have them said once more by whom the
    /// listener hears; the book's default voice when `voice` is empty.
    ///
    /// # Errors
    /// When there is no such chapter.
    pub async fn passage(
        &self,
        book: &BookId,
        chapter: u32,
        sentences: RangeInclusive<u32>,
        voice: &str,
    ) -> Result<Passage, NarrationError> {
        let first = *sentences.start();
        let text = self.library.chapter(book, chapter).await?;
        // Where nobody can read, there is still something to be read.
        let plan = self.plan(book, chapter, voice).await.ok();
        let shown = text.sentences.iter().enumerate().skip(first as usize).take(MAX_SHOWN);
        let shown = shown.take_while(|(at, _)| *at <= *sentences.end() as usize);
        let shown = shown.map(|(at, sentence)| {
            let segment = plan.as_ref().and_then(|plan| plan.segments.get(at));
            let jobs = segment.map_or(&[][..], |segment| segment.jobs());
            let varying: Vec<&Job> = jobs.iter().filter(|job| self.varies(job)).collect();
            let cost =
                |job: &&Job| self.shared.voices.cost(&voice_of(job), "und", job.characters());
            let again = (!varying.is_empty()).then(|| varying.iter().map(cost).sum());
            PassageSentence { text: sentence.text.clone(), again }
        });
        let last = (*sentences.end()).min((text.sentences.len() as u32).saturating_sub(1));
        Ok(Passage { chapter, first, last, sentences: shown.collect() })
    }

    /// Keeps how sentences of a chapter are to be read: by the voice that `voice` names, not at all, or once more
    /// by whom the listener, who has chosen `voice`, hears them from.
    ///
    /// # Errors
    /// When there are no such sentences, no such voice, or nobody among the voices says anything otherwise.
    pub async fn direct(
        &self,
        book: &BookId,
        (kind, chapter): (AnnotationKind, u32),
        sentences: RangeInclusive<u32>,
        voice: &str,
    ) -> Result<Annotation, NarrationError> {
        let (first, last) = sentences.into_inner();
        let text = self.library.chapter(book, chapter).await?;
        let quoted = text.sentences.get(first as usize..=last as usize);
        let quoted = quoted.filter(|quoted| !quoted.is_empty());
        let quoted = quoted.ok_or(LibraryError::NoSuchSentence)?;
        let note = match kind {
            AnnotationKind::Voice if voice.is_empty() => Err(LibraryError::NoVoiceNamed)?,
            AnnotationKind::Voice if voice == OVERLAY_VOICE => voice.to_owned(),
            AnnotationKind::Voice => self.shared.voices.choose(voice, "und")?.id,
            AnnotationKind::Again => {
                let plan = self.plan(book, chapter, voice).await?;
                let segments = plan.segments.get(first as usize..=last as usize);
                let segments = segments.ok_or(LibraryError::NoSuchSentence)?.iter();
                let varying =
                    segments.flat_map(|segment| segment.jobs()).filter(|job| self.varies(job));
                let ids: BTreeSet<String> = varying.map(voice_of).collect();
                if ids.is_empty() {
                    return Err(NarrationError::Text(SAYS_THE_SAME.to_owned()));
                }
                ids.into_iter().collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        };
        let units = |text: &str| text.encode_utf16().count() as u32;
        let end = quoted.last().map_or(0, |sentence| units(&sentence.text));
        let quote: Vec<&str> = quoted.iter().map(|sentence| sentence.text.as_str()).collect();
        let mark = NewAnnotation {
            kind,
            chapter,
            start: Point { sentence: first, offset: 0 },
            end: Point { sentence: last, offset: end },
            quote: quote.join(" "),
            note,
            colour: HighlightColour::default(),
        };
        let kept = self.library.annotate(book, mark).await?;
        if kind != AnnotationKind::Again {
            self.library.forget_directions_before(book, &kept).await?;
        }
        Ok(kept)
    }

    fn varies(&self, job: &Job) -> bool {
        self.shared.voices.varies(&job.voice.engine)
    }
}

const SAYS_THE_SAME: &str = "Nobody reads it, or a voice that says it the same each time. Choose another voice, or say how a word is said.";

/// The id of the voice that a job is for.
fn voice_of(job: &Job) -> String {
    format!("{}:{}", job.voice.engine, job.voice.voice)
}
