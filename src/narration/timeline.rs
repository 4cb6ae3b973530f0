//! When each sentence is heard.
//!
//! Cues tile the time line: a sentence lasts until the next begins, its pause and LAME's 50 ms of
//! leading silence included, so the sum of all is what a decoder returns for the stream.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::model::{TimelineEnd, TimelineEntry};
use app::pacing::Word;
use async_stream::try_stream;
use futures::Stream;

use super::plan::{ChapterPlan, Segment};
use super::{NarrationError, Narrator};
use crate::audio::{Clip, ClipLength, WordTiming, align};
use crate::queue::Job;
use crate::text::hash::ContentHash;

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
        let (sentence, is_stored) = (sentence as u32, false);
        TimelineEntry { sentence, start_ms, duration_ms, words_ms: None, is_stored }
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
        let (mut entries, _) = self.known_from(plan, from, &mut clock(plan), Look::Stored).await?;
        entries.iter_mut().for_each(|entry| entry.is_stored = true);
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
            // Until something has to be waited for, all that is told was there.
            let mut stored: Option<HashMap<ContentHash, ClipLength>> = None;
            while at < plan.segments.len() {
                let (mut known, next) = narrator.known_from(&plan, at, &mut clock, look).await?;
                at = next;
                for entry in &mut known {
                    let segment = &plan.segments[entry.sentence as usize];
                    let was_there = |job: &Job| {
                        stored.as_ref().is_none_or(|stored| stored.contains_key(&job.content))
                    };
                    entry.is_stored = segment.jobs().iter().all(was_there);
                }
                if !known.is_empty() {
                    yield TimelineEvent::Entries(known);
                } else {
                    if stored.is_none() {
                        stored = Some(narrator.stored_lengths(&plan.segments[at..]).await?);
                    }
                    let begun = Instant::now();
                    let segment = &plan.segments[at];
                    let mut lengths: HashMap<ContentHash, ClipLength> = HashMap::new();
                    for job in segment.jobs() {
                        let clip = narrator.watch_or_fall_back(&plan, at, job).await?;
                        lengths.insert(job.content, clip.length);
                    }
                    let length = segment.clip_length(|job| lengths.get(&job.content).copied());
                    // What had to be waited for is the latest that was made.
                    look = if begun.elapsed() < AT_ONCE { Look::Stored } else { Look::Known };
                    let mut entries = vec![clock.advance(at, segment.length(length))];
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
                Look::Stored => self.stored_lengths(segments).await?,
                Look::Known => self.known_lengths(segments).await,
            };
            if plan.has_stand_in() {
                for job in segments.iter().flat_map(Segment::jobs) {
                    if let Some(substitute) = self.substitute(plan, job).await {
                        lengths.insert(job.content, substitute.length);
                    }
                }
            }
            let length_of = |job: &Job| lengths.get(&job.content).copied();
            let known = segments.iter().map_while(|segment| match segment.clip_length(length_of) {
                None if !segment.jobs().is_empty() => None,
                length => Some(segment.length(length)),
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
            Err(NarrationError::Wait(error)) => Ok(self.fall_back(plan, (at, job), error).await?),
            watched => watched,
        }
    }

    /// Says when words begin, where the voice does.
    async fn time_words(
        &self,
        plan: &ChapterPlan,
        entries: &mut [TimelineEntry],
    ) -> Result<(), NarrationError> {
        let segment_of = |entry: &TimelineEntry| &plan.segments[entry.sentence as usize];
        let timed = entries.iter().map(segment_of).filter(|segment| segment.shown().is_some());
        let contents: Vec<_> = timed.flat_map(Segment::own_jobs).map(|job| job.content).collect();
        if contents.is_empty() {
            return Ok(());
        }
        let marks = self.shared.clips.assets.marks(&contents).await?;
        let is_shared = |segment: &Segment| segment.jobs().len() > 1;
        let lengths = if entries.iter().map(segment_of).any(is_shared) {
            self.shared.clips.lengths(contents).await?
        } else {
            HashMap::new()
        };
        for entry in entries {
            let segment = segment_of(entry);
            let Some(shown) = segment.shown() else { continue };
            let spoken_ms = if segment.has_notes() {
                own_ms(segment, &lengths, entry.duration_ms)
            } else {
                entry.duration_ms as u32
            };
            if let Some(marks) = marks_of(segment, &marks, &lengths) {
                // The words that the page marks, counted as the page counts.
                let units: Vec<u16> = shown.encode_utf16().collect();
                let words: Vec<String> = app::pacing::words(shown)
                    .iter()
                    .map(|word| {
                        String::from_utf16_lossy(&units[word.start as usize..word.end as usize])
                    })
                    .collect();
                let words = words.iter().map(String::as_str);
                entry.words_ms = Some(align(words, &marks, spoken_ms));
            } else if segment.has_notes() {
                // The page would spread the words over the notes too.
                let words = app::pacing::words(shown);
                let begin = |word: &Word| (word.from * spoken_ms as f32) as u32;
                entry.words_ms = Some(words.iter().map(begin).collect());
            }
        }
        Ok(())
    }

    /// The lengths of the segments' clips from one on; `None` where one is not known.
    pub(super) async fn lengths(
        &self,
        plan: &ChapterPlan,
        at: usize,
    ) -> Result<Vec<Option<ClipLength>>, NarrationError> {
        let segments = &plan.segments[at.min(plan.segments.len())..];
        let lengths = self.stored_lengths(segments).await?;
        let length_of = |job: &Job| lengths.get(&job.content).copied();
        Ok(segments.iter().map(|segment| segment.clip_length(length_of)).collect())
    }

    async fn known_lengths(&self, segments: &[Segment]) -> HashMap<ContentHash, ClipLength> {
        let mut known = HashMap::new();
        for job in segments.iter().flat_map(Segment::jobs) {
            if let Some(length) = self.shared.clips.assets.known_length(&job.content).await {
                known.insert(job.content, length);
            }
        }
        known
    }

    pub(super) async fn stored_lengths(
        &self,
        segments: &[Segment],
    ) -> Result<HashMap<ContentHash, ClipLength>, NarrationError> {
        let contents = segments.iter().flat_map(Segment::jobs).map(|job| job.content).collect();
        Ok(self.shared.clips.lengths(contents).await?)
    }
}

/// When the words of a segment begin by its voices' own account, if all of them tell; those of the second count
/// from where the first ends.
fn marks_of<'a>(
    segment: &Segment,
    marks: &'a HashMap<ContentHash, Arc<[WordTiming]>>,
    lengths: &HashMap<ContentHash, ClipLength>,
) -> Option<Cow<'a, [WordTiming]>> {
    if let [job] = segment.own_jobs() {
        return marks.get(&job.content).map(|marks| Cow::Borrowed(&**marks));
    }
    let (mut all, mut from_ms) = (Vec::new(), 0);
    for job in segment.own_jobs() {
        let moved =
            |mark: &WordTiming| WordTiming { start_ms: mark.start_ms + from_ms, ..mark.clone() };
        all.extend(marks.get(&job.content)?.iter().map(moved));
        from_ms += lengths.get(&job.content)?.duration().as_millis() as u32;
    }
    Some(Cow::Owned(all))
}

/// How long the sentence itself is spoken, where notes follow it; where another voice speaks, by its share of the text.
fn own_ms(segment: &Segment, lengths: &HashMap<ContentHash, ClipLength>, duration_ms: u64) -> u32 {
    let own = segment.own_jobs().iter().map(|job| lengths.get(&job.content));
    let own: Option<Vec<_>> = own.collect();
    let known = own.map(|own| own.iter().map(|length| length.duration().as_millis() as u64).sum());
    let characters =
        |jobs: &[Job]| -> u64 { jobs.iter().map(|job| job.text.chars().count() as u64).sum() };
    let share = || duration_ms * characters(segment.own_jobs()) / characters(segment.jobs()).max(1);
    known.unwrap_or_else(share) as u32
}

fn clock(plan: &ChapterPlan) -> Clock {
    Clock { samples: 0, sample_rate: plan.cast.narrator.sample_rate }
}
