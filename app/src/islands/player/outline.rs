//! How long the chapter's sentences last, as far as is known: what the scrubber and the times beside
//! it are read from.

use crate::model::TimelineEntry;

/// A chapter's sentences on a time line of its own.
#[derive(Debug, Default)]
pub struct Outline {
    /// 0 while there is none.
    chapter: u32,
    durations_ms: Vec<u32>,
    /// When each sentence begins; one more than there are sentences.
    starts_ms: Vec<u64>,
    /// What comes after the chapter.
    rest_ms: u64,
}

impl Outline {
    /// What the server knows and estimates.
    pub fn new(chapter: u32, durations_ms: Vec<u32>, rest_ms: u64) -> Self {
        let mut made = Self { chapter, durations_ms, starts_ms: Vec::new(), rest_ms };
        made.add_up();
        made
    }

    /// The chapter; 0 while there is none.
    pub fn chapter(&self) -> u32 {
        self.chapter
    }

    fn add_up(&mut self) {
        self.starts_ms.clear();
        let mut at = 0;
        self.starts_ms.push(at);
        for duration in &self.durations_ms {
            at += u64::from(*duration);
            self.starts_ms.push(at);
        }
    }

    /// Takes in durations that are now exact.
    pub fn correct(&mut self, entries: &[TimelineEntry]) {
        for entry in entries {
            if let Some(duration) = self.durations_ms.get_mut(entry.sentence as usize) {
                *duration = u32::try_from(entry.duration_ms).unwrap_or(u32::MAX);
            }
        }
        self.add_up();
    }

    /// The whole chapter, in milliseconds; 0 while nothing is known.
    pub fn total_ms(&self) -> u64 {
        self.starts_ms.last().copied().unwrap_or_default()
    }

    /// What follows the chapter.
    pub fn rest_ms(&self) -> u64 {
        self.rest_ms
    }

    /// How far into the chapter a moment of a sentence is. Never past the sentence's end: an
    /// estimate that was too short holds until the next sentence begins.
    pub fn position_ms(&self, sentence: u32, into_ms: u64) -> u64 {
        let index = sentence as usize;
        let start = self.starts_ms.get(index).copied().unwrap_or_else(|| self.total_ms());
        let duration = self.durations_ms.get(index).copied().map_or(0, u64::from);
        start + into_ms.min(duration)
    }

    /// The sentence at a moment of the chapter.
    pub fn sentence_at(&self, ms: u64) -> u32 {
        let after = self.starts_ms.partition_point(|start| *start <= ms);
        let last = self.durations_ms.len().saturating_sub(1);
        after.saturating_sub(1).min(last) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline() -> Outline {
        Outline::new(1, vec![1000, 2000, 500], 9000)
    }

    #[test]
    fn moments_and_sentences() {
        let outline = outline();
        assert_eq!(outline.total_ms(), 3500);
        assert_eq!(outline.position_ms(1, 250), 1250);
        assert_eq!([0, 999, 1000, 3400, 99_000].map(|ms| outline.sentence_at(ms)), [0, 0, 1, 2, 2]);
    }

    #[test]
    fn an_exact_duration_moves_what_comes_after_and_not_what_came_before() {
        let mut outline = outline();
        let before = outline.position_ms(1, 1999);
        outline.correct(&[TimelineEntry {
            sentence: 1,
            start_ms: 0,
            duration_ms: 2600,
            words_ms: None,
            is_stored: false,
        }]);
        assert_eq!(outline.position_ms(1, 1999), before);
        assert_eq!(outline.position_ms(2, 0), 3600);
        assert_eq!(outline.total_ms(), 4100);
    }

    #[test]
    fn a_clip_longer_than_estimated_holds_at_its_end() {
        assert_eq!(outline().position_ms(1, 5000), 3000);
    }

    #[test]
    fn nothing_known() {
        let outline = Outline::default();
        assert_eq!(
            (outline.total_ms(), outline.position_ms(3, 10), outline.sentence_at(5)),
            (0, 0, 0)
        );
    }
}
