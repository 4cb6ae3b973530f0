//! What is known of the stream's time line: which sentence each moment is in.

use super::machine::Spot;
use crate::model::{TimelineEnd, TimelineEntry};

/// A sentence on the time line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Chapter, from 1.
    pub chapter: u32,
    /// Sentence within the chapter.
    pub sentence: u32,
    /// When it begins, in milliseconds of the stream.
    pub start_ms: u64,
    /// When the next begins.
    pub end_ms: u64,
    /// Whether its clip was there when whoever listens began to.
    pub is_stored: bool,
}

/// A chapter whose timeline is to be followed, and when it begins in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextChapter {
    /// Its number.
    pub chapter: u32,
    /// When it begins, in milliseconds of the stream.
    pub offset_ms: u64,
}

/// The stream's time line as far as it has been told.
#[derive(Debug, Default)]
pub struct Track {
    /// In order of time, without gaps.
    segments: Vec<Segment>,
    /// When the words of a sentence begin, by chapter and sentence, where the voice says so.
    words: Vec<(u32, u32, Vec<u32>)>,
    /// From where the chapter is told whose sentences come next.
    told_from: Option<Spot>,
    offset_ms: u64,
    next: Option<NextChapter>,
    ends: bool,
    /// The moment of the stream at which it was asked for anew.
    asked_anew_ms: u64,
}

/// When the voice is this far past what is known, in milliseconds, what is missing was lost on the way: a sentence is told
/// before it is sent.
const LOST_MS: u64 = 2_000;

/// The timeline is asked for anew when the voice is so far, in milliseconds, from where it was the last time.
const ASKED_ANEW_EVERY_MS: u64 = 5_000;

impl Track {
    /// The time line of a stream that begins at a sentence.
    pub fn from(at: Spot) -> Self {
        Self { told_from: Some(at), ..Self::default() }
    }

    /// The next entries belong to a chapter.
    pub fn begin_chapter(&mut self, next: NextChapter) {
        self.offset_ms = next.offset_ms;
        self.told_from = Some(Spot { chapter: next.chapter, sentence: 0 });
        self.next = None;
    }

    /// From where the timeline is to be asked for anew, when the voice has gone past what is known of it.
    pub fn take_lost(&mut self, now_ms: u64) -> Option<Spot> {
        let known_ms = self.segments.last().map_or(self.offset_ms, |last| last.end_ms);
        let is_lost = !self.ends
            && now_ms >= known_ms + LOST_MS
            && now_ms.abs_diff(self.asked_anew_ms) >= ASKED_ANEW_EVERY_MS;
        let from = self.told_from.filter(|_| is_lost)?;
        self.asked_anew_ms = now_ms;
        Some(from)
    }

    /// Adds what has become known of `chapter`. After a reconnection the server tells it all again:
    /// what is known already is passed over.
    pub fn extend(&mut self, chapter: u32, entries: Vec<TimelineEntry>) {
        for entry in entries {
            let start_ms = self.offset_ms + entry.start_ms;
            if self.segments.last().is_some_and(|last| start_ms < last.end_ms) {
                continue;
            }
            self.segments.push(Segment {
                chapter,
                sentence: entry.sentence,
                start_ms,
                end_ms: start_ms + entry.duration_ms,
                is_stored: entry.is_stored,
            });
            if let Some(words) = entry.words_ms {
                self.words.push((chapter, entry.sentence, words));
            }
        }
    }

    /// When the words of a sentence begin, in milliseconds from its beginning, if the voice says so.
    pub fn words_of(&self, chapter: u32, sentence: u32) -> Option<&[u32]> {
        let of = |(in_chapter, at, _): &&(u32, u32, _)| (*in_chapter, *at) == (chapter, sentence);
        self.words.iter().find(of).map(|(_, _, words)| &words[..])
    }

    /// The current chapter is known to its end.
    pub fn end_chapter(&mut self, end: TimelineEnd) {
        let offset_ms = self.offset_ms + end.end_ms;
        self.next = end.next_chapter.map(|chapter| NextChapter { chapter, offset_ms });
        self.ends = end.next_chapter.is_none();
    }

    /// The chapter to follow next, once: when the voice comes within `lead_ms` of its beginning.
    pub fn take_next(&mut self, now_ms: u64, lead_ms: u64) -> Option<NextChapter> {
        self.next.take_if(|next| now_ms + lead_ms >= next.offset_ms)
    }

    /// The sentence at a moment; the last one when the clock is past what is known.
    pub fn at(&self, ms: u64) -> Option<Segment> {
        let after = self.segments.partition_point(|segment| segment.start_ms <= ms);
        self.segments.get(after.checked_sub(1)?).copied()
    }

    /// Where a sentence is on the time line.
    pub fn find(&self, chapter: u32, sentence: u32) -> Option<Segment> {
        self.segments
            .iter()
            .find(|segment| segment.chapter == chapter && segment.sentence == sentence)
            .copied()
    }

    /// Whether the whole rest of the book is known and `ms` is past it.
    pub fn is_over(&self, ms: u64) -> bool {
        self.ends && self.segments.last().is_none_or(|last| ms >= last.end_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(lengths: &[u64]) -> Vec<TimelineEntry> {
        let mut start_ms = 0;
        (0..)
            .zip(lengths)
            .map(|(sentence, duration_ms)| {
                let entry = TimelineEntry {
                    sentence,
                    start_ms,
                    duration_ms: *duration_ms,
                    words_ms: None,
                    is_stored: sentence == 0,
                };
                start_ms += duration_ms;
                entry
            })
            .collect()
    }

    #[test]
    fn moments_belong_to_sentences() {
        let mut track = Track::default();
        assert_eq!(track.at(0), None);
        track.extend(1, entries(&[1000, 500]));
        let sentence = |ms| track.at(ms).map(|segment| segment.sentence);
        assert_eq!(sentence(0), Some(0));
        assert_eq!(sentence(999), Some(0));
        assert_eq!(sentence(1000), Some(1));
        assert_eq!(sentence(9000), Some(1));
        assert_eq!([0, 1000].map(|ms| track.at(ms).unwrap().is_stored), [true, false]);
    }

    #[test]
    fn the_next_chapter_continues_the_clock() {
        let mut track = Track::default();
        track.extend(1, entries(&[1000]));
        track.end_chapter(TimelineEnd { end_ms: 1000, next_chapter: Some(2) });
        assert_eq!(track.take_next(0, 500), None);
        assert_eq!(track.take_next(600, 500), Some(NextChapter { chapter: 2, offset_ms: 1000 }));
        assert_eq!(track.take_next(600, 500), None);
        track.begin_chapter(NextChapter { chapter: 2, offset_ms: 1000 });
        track.extend(2, entries(&[700]));
        assert_eq!(track.at(1200).map(|segment| (segment.chapter, segment.sentence)), Some((2, 0)));
        track.end_chapter(TimelineEnd { end_ms: 700, next_chapter: None });
        assert!(!track.is_over(1699));
        assert!(track.is_over(1700));
    }

    #[test]
    fn what_was_lost_on_the_way_is_asked_for_anew() {
        let at = Spot { chapter: 1, sentence: 3 };
        let mut track = Track::from(at);
        track.extend(1, entries(&[6000]));
        assert_eq!(track.take_lost(7999), None);
        assert_eq!(track.take_lost(8000), Some(at));
        assert_eq!(track.take_lost(12_999), None);
        assert_eq!(track.take_lost(13_000), Some(at));
        track.end_chapter(TimelineEnd { end_ms: 6000, next_chapter: Some(2) });
        let next = track.take_next(13_000, 500).unwrap();
        track.begin_chapter(next);
        assert_eq!(track.take_lost(18_000), Some(Spot { chapter: 2, sentence: 0 }));
        track.extend(2, entries(&[1000]));
        track.end_chapter(TimelineEnd { end_ms: 1000, next_chapter: None });
        assert_eq!(track.take_lost(99_000), None);
    }

    #[test]
    fn what_is_told_twice_counts_once() {
        let mut track = Track::default();
        track.extend(1, entries(&[1000, 500]));
        track.extend(1, entries(&[1000, 500, 200]));
        assert_eq!(track.find(1, 2).map(|segment| segment.start_ms), Some(1500));
        assert_eq!(track.segments.len(), 3);
    }
}
