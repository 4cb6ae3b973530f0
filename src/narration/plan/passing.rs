//! What of a chapter is passed over, and which chapters are as a whole.

use std::sync::Arc;

use app::preferences::{NoteReading, Skipped};

use super::{ChapterPlan, Segment};
use crate::library::chapters::{Chapter, Part, Pause};

impl ChapterPlan {
    /// The same, without what is passed over: those sentences take no time and no clip.
    ///
    /// Whoever begins within what is passed over hears it to its end: `from` is where the stream begins, if that
    /// is within the chapter. And a chapter that is nothing else, as the notes at the end of a book, is read to
    /// whoever opens it.
    pub fn skipping(self: Arc<Self>, skipped: Skipped, from: usize) -> Arc<Self> {
        let is_skipped = |segment: &Segment| match segment.part {
            Part::Heading => skipped.titles,
            // Books that were read before headings were told have them by the rest that follows.
            Part::Text => skipped.titles && segment.pause == Pause::Heading,
            Part::Picture => skipped.pictures,
            Part::Note => match skipped.notes {
                NoteReading::There => false,
                NoteReading::AtNumber => segment.is_referred_to,
                NoteReading::Skip => true,
            },
            Part::Table => skipped.tables,
            Part::Code => skipped.code,
            Part::Caption => skipped.captions,
        };
        // The title of a chapter of notes is not among them.
        let is_read = |segment: &Segment| {
            let is_title = segment.part == Part::Heading || segment.pause == Pause::Heading;
            segment.has_notes() || !segment.jobs.is_empty() && !is_title && !is_skipped(segment)
        };
        // What a chapter begins with is asked for by whoever comes from the one before.
        let begun = self.segments.get(from).filter(|begun| from > 0 && is_skipped(begun));
        let heard_to = begun.map_or(0, |begun| {
            let is_of_it = |one: &&Segment| is_skipped(one) && one.part == begun.part;
            from + self.segments[from..].iter().take_while(is_of_it).count()
        });
        if skipped == self.skipped {
            return self;
        }
        // What sentences are without is settled since the plan was made.
        let skipped = Skipped { wording: self.skipped.wording, ..skipped };
        if !self.segments.iter().any(is_skipped) || !self.segments.iter().any(is_read) {
            // The chapters that follow are to know.
            return Arc::new(Self { skipped, ..(*self).clone() });
        }
        let last = self.segments.len() - 1;
        let segments = self.segments.iter().enumerate().map(|(at, segment)| {
            if !is_skipped(segment) || (from..heard_to).contains(&at) {
                return segment.clone();
            }
            if segment.has_notes() {
                // What is passed over here is the sentence; its notes are read nowhere else.
                return segment.only_notes();
            }
            // The chapter still ends with its rest.
            let silence = segment.silence.clone().filter(|_| at == last);
            Segment { jobs: Box::default(), asides: Box::default(), silence, ..segment.clone() }
        });
        Arc::new(Self { skipped, segments: segments.collect(), ..(*self).clone() })
    }
}

/// Whether a voice that runs on passes over a chapter because it is nothing but notes, under whatever heading, of
/// which none is to be read there.
pub fn is_passed_over(chapter: &Chapter, skipped: Skipped) -> bool {
    let mut notes = 0;
    for (sentence, is_referred_to) in chapter.sentences.iter().zip(chapter.referred_to()) {
        match (sentence.part, skipped.notes) {
            (Part::Note, NoteReading::Skip) => notes += 1,
            (Part::Note, NoteReading::AtNumber) if is_referred_to => notes += 1,
            (Part::Heading, _) if sentence.notes.is_empty() => {}
            _ => return false,
        }
    }
    notes > 0
}
