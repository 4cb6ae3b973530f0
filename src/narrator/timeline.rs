//! When each sentence is heard.
//!
//! Cues tile the time line: a sentence lasts until the next begins, its pause and LAME's 50 ms of
//! leading silence included, so the sum of all is what a decoder returns for the stream.

use std::sync::Arc;

use app::model::{TimelineEnd, TimelineEntry};
use async_stream::try_stream;
use futures::Stream;

use super::score::Score;
use super::{Narrator, NarratorError};
use crate::voices::{ClipLength, align};

/// What a timeline tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimelineEvent {
    /// Sentences that are now known, in order and without a gap.
    Entries(Vec<TimelineEntry>),
    /// The chapter is known to its end.
    End(TimelineEnd),
}

/// Adds up samples, so that milliseconds never drift.
struct Clock {
    samples: u64,
    sample_rate: u32,
}

impl Clock {
    fn ms(&self) -> u64 {
        let rate = u64::from(self.sample_rate.max(1));
        (self.samples * 1000 + rate / 2) / rate
    }

    fn advance(&mut self, sentence: usize, length: ClipLength) -> TimelineEntry {
        let start_ms = self.ms();
        self.samples += length.samples;
        let duration_ms = self.ms() - start_ms;
        TimelineEntry { sentence: sentence as u32, start_ms, duration_ms, words_ms: None }
    }
}

impl Narrator {
    /// The sentences from `from` on whose times are known now: all up to the first whose clip has
    /// not been made.
    pub async fn known_timeline(
        &self,
        score: &Score,
        from: usize,
    ) -> Result<Vec<TimelineEntry>, NarratorError> {
        let (entries, _) = self.known_from(score, from, &mut clock(score)).await?;
        Ok(entries)
    }

    /// The timeline from a sentence to the end of its chapter: what is known at once, the rest as
    /// clips land. It only watches; a stream or the page's events have the clips made.
    pub fn timeline(
        &self,
        score: Arc<Score>,
        from: usize,
    ) -> impl Stream<Item = Result<TimelineEvent, NarratorError>> + use<> {
        let narrator = self.clone();
        try_stream! {
            let mut clock = clock(&score);
            let mut at = from.min(score.cues.len());
            while at < score.cues.len() {
                let (known, next) = narrator.known_from(&score, at, &mut clock).await?;
                at = next;
                if !known.is_empty() {
                    yield TimelineEvent::Entries(known);
                } else if let Some(job) = score.cues[at].job() {
                    let clip = narrator.landed(job).await?;
                    let mut entries = vec![clock.advance(at, score.cues[at].length(Some(clip.length)))];
                    at += 1;
                    narrator.mark_words(&score, &mut entries).await?;
                    yield TimelineEvent::Entries(entries);
                }
            }
            let next = narrator.next_score(&score).await?;
            yield TimelineEvent::End(TimelineEnd {
                end_ms: clock.ms(),
                next_chapter: next.map(|score| score.chapter),
            });
        }
    }

    /// Entries from `at` on while their clips are known, and where that ends.
    async fn known_from(
        &self,
        score: &Score,
        at: usize,
        clock: &mut Clock,
    ) -> Result<(Vec<TimelineEntry>, usize), NarratorError> {
        let cues = &score.cues[at.min(score.cues.len())..];
        let lengths = self.lengths(score, at).await?;
        let known = cues.iter().zip(lengths).map_while(|(cue, length)| match cue.job() {
            Some(_) => length.map(|length| cue.length(Some(length))),
            None => Some(cue.length(None)),
        });
        let mut entries: Vec<_> =
            (at..).zip(known).map(|(index, length)| clock.advance(index, length)).collect();
        let end = at + entries.len();
        self.mark_words(score, &mut entries).await?;
        Ok((entries, end))
    }

    /// Says when words begin, where the voice does.
    async fn mark_words(
        &self,
        score: &Score,
        entries: &mut [TimelineEntry],
    ) -> Result<(), NarratorError> {
        if !score.voice.marks_words {
            return Ok(());
        }
        let cue_of = |entry: &TimelineEntry| &score.cues[entry.sentence as usize];
        let contents: Vec<_> =
            entries.iter().filter_map(|entry| Some(cue_of(entry).job()?.content)).collect();
        let marks = self.shared.clips.assets.marks(&contents).await?;
        for entry in entries {
            let cue = cue_of(entry);
            if let (Some(job), Some(shown)) = (cue.job(), cue.shown())
                && let Some(marks) = marks.get(&job.content)
            {
                // The words that the page marks, counted as the page counts.
                let units: Vec<u16> = shown.encode_utf16().collect();
                let words: Vec<String> = app::pacing::words(shown)
                    .iter()
                    .map(|word| {
                        String::from_utf16_lossy(&units[word.start as usize..word.end as usize])
                    })
                    .collect();
                let words = words.iter().map(String::as_str);
                entry.words_ms = Some(align(words, marks, entry.duration_ms as u32));
            }
        }
        Ok(())
    }

    /// The lengths of the clips from a cue on; `None` where there is none.
    pub(super) async fn lengths(
        &self,
        score: &Score,
        at: usize,
    ) -> Result<Vec<Option<ClipLength>>, NarratorError> {
        let cues = &score.cues[at.min(score.cues.len())..];
        let contents = cues.iter().filter_map(|cue| Some(cue.job()?.content)).collect();
        let known = self.shared.clips.lengths(contents).await?;
        Ok(cues.iter().map(|cue| known.get(&cue.job()?.content).copied()).collect())
    }
}

fn clock(score: &Score) -> Clock {
    Clock { samples: 0, sample_rate: score.voice.sample_rate }
}
