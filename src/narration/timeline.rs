//! When each sentence is heard.
//!
//! Cues tile the time line: a sentence lasts until the next begins, its pause and LAME's 50 ms of
//! leading silence included, so the sum of all is what a decoder returns for the stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::model::{TimelineEnd, TimelineEntry};
use async_stream::try_stream;
use futures::Stream;

use super::plan::{ChapterPlan, Segment};
use super::{NarrationError, Narrator};
use crate::audio::{Clip, ClipLength, align};
use crate::queue::Job;

/// Sentences that are looked up at first, and at most at once: a page of text, and one statement.
const FIRST_LOOK: usize = 32;
const LONGEST_LOOK: usize = 512;

/// A clip that is there within this time was not waited for.
const AT_ONCE: Duration = Duration::from_millis(2);

/// Where lengths of clips are looked up.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// In memory, and in SQL what is not there.
    Stored,
    /// In memory only.
    Known,
}

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
        plan: &ChapterPlan,
        from: usize,
    ) -> Result<Vec<TimelineEntry>, NarrationError> {
        let (entries, _) = self.known_from(plan, from, &mut clock(plan), Look::Stored).await?;
        Ok(entries)
    }

    /// The timeline from a sentence to the end of its chapter: what is known at once, the rest as
    /// clips land. It only watches; a stream or the page's events have the clips made.
    pub fn timeline(
        &self,
        plan: Arc<ChapterPlan>,
        from: usize,
    ) -> impl Stream<Item = Result<TimelineEvent, NarrationError>> + use<> {
        let narrator = self.clone();
        try_stream! {
            let mut clock = clock(&plan);
            let mut at = from.min(plan.segments.len());
            let mut look = Look::Stored;
            while at < plan.segments.len() {
                let (known, next) = narrator.known_from(&plan, at, &mut clock, look).await?;
                at = next;
                if !known.is_empty() {
                    yield TimelineEvent::Entries(known);
                } else if let Some(job) = plan.segments[at].job() {
                    let begun = Instant::now();
                    let clip = narrator.watch_or_fall_back(&plan, at, job).await?;
                    // What had to be waited for is the latest that was made.
                    look = if begun.elapsed() < AT_ONCE { Look::Stored } else { Look::Known };
                    let mut entries = vec![clock.advance(at, plan.segments[at].length(Some(clip.length)))];
                    at += 1;
                    narrator.time_words(&plan, &mut entries).await?;
                    yield TimelineEvent::Entries(entries);
                }
            }
            let next = narrator.next_plan(&plan).await?;
            yield TimelineEvent::End(TimelineEnd {
                end_ms: clock.ms(),
                next_chapter: next.map(|plan| plan.chapter),
            });
        }
    }

    /// Entries from `at` on while their clips are known, and where that ends. Looks no further ahead than
    /// it has found so far, because in a chapter that is being made the end of what is known is near.
    async fn known_from(
        &self,
        plan: &ChapterPlan,
        at: usize,
        clock: &mut Clock,
        look: Look,
    ) -> Result<(Vec<TimelineEntry>, usize), NarrationError> {
        let mut entries: Vec<TimelineEntry> = Vec::new();
        let mut end = at.min(plan.segments.len());
        let mut window = match look {
            Look::Stored => FIRST_LOOK,
            Look::Known => 1,
        };
        while end < plan.segments.len() {
            let segments = &plan.segments[end..(end + window).min(plan.segments.len())];
            let mut lengths = match look {
                Look::Stored => self.lengths_of(segments).await?,
                Look::Known => self.known_lengths(segments).await,
            };
            if plan.fallback.is_some() {
                for (length, segment) in lengths.iter_mut().zip(segments) {
                    let Some(job) = segment.job() else { continue };
                    let substitute = self.substitute(plan, job).await;
                    *length = substitute.map(|clip| clip.length).or(*length);
                }
            }
            let known =
                segments.iter().zip(lengths).map_while(|(segment, length)| match segment.job() {
                    Some(_) => length.map(|length| segment.length(Some(length))),
                    None => Some(segment.length(None)),
                });
            let found = entries.len();
            entries.extend((end..).zip(known).map(|(index, length)| clock.advance(index, length)));
            let count = entries.len() - found;
            end += count;
            if count < segments.len() {
                break;
            }
            window = (2 * window).min(LONGEST_LOOK);
        }
        self.time_words(plan, &mut entries).await?;
        Ok((entries, end))
    }

    /// The clip of a sentence that somebody's stream has asked for, or what is heard in its place.
    async fn watch_or_fall_back(
        &self,
        plan: &ChapterPlan,
        at: usize,
        job: &Job,
    ) -> Result<Clip, NarrationError> {
        match self.watch(job).await {
            Err(NarrationError::Wait(error)) => Ok(self.fall_back(plan, at, error).await?),
            watched => watched,
        }
    }

    /// Says when words begin, where the voice does.
    async fn time_words(
        &self,
        plan: &ChapterPlan,
        entries: &mut [TimelineEntry],
    ) -> Result<(), NarrationError> {
        if !plan.voice.times_words {
            return Ok(());
        }
        let cue_of = |entry: &TimelineEntry| &plan.segments[entry.sentence as usize];
        let contents: Vec<_> =
            entries.iter().filter_map(|entry| Some(cue_of(entry).job()?.content)).collect();
        let marks = self.shared.clips.assets.marks(&contents).await?;
        for entry in entries {
            let segment = cue_of(entry);
            if let (Some(job), Some(shown)) = (segment.job(), segment.shown())
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

    /// The lengths of the clips from a segment on; `None` where there is none.
    pub(super) async fn lengths(
        &self,
        plan: &ChapterPlan,
        at: usize,
    ) -> Result<Vec<Option<ClipLength>>, NarrationError> {
        self.lengths_of(&plan.segments[at.min(plan.segments.len())..]).await
    }

    async fn known_lengths(&self, segments: &[Segment]) -> Vec<Option<ClipLength>> {
        let mut known = Vec::with_capacity(segments.len());
        for segment in segments {
            known.push(match segment.job() {
                Some(job) => self.shared.clips.assets.known_length(&job.content).await,
                None => None,
            });
        }
        known
    }

    async fn lengths_of(
        &self,
        segments: &[Segment],
    ) -> Result<Vec<Option<ClipLength>>, NarrationError> {
        let contents = segments.iter().filter_map(|segment| Some(segment.job()?.content)).collect();
        let known = self.shared.clips.lengths(contents).await?;
        Ok(segments.iter().map(|segment| known.get(&segment.job()?.content).copied()).collect())
    }
}

fn clock(plan: &ChapterPlan) -> Clock {
    Clock { samples: 0, sample_rate: plan.voice.sample_rate }
}
