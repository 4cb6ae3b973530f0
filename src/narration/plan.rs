//! A chapter as it is narrated: one segment a sentence, each a clip or a silence, and the
//! pause after it.

use std::sync::Arc;
use std::time::Duration;

use app::model::BookId;
use app::preferences::{Pauses, Skipped};

use crate::audio::{Clip, ClipLength, Silence};
use crate::library::chapters::{Chapter, Part, Pause};
use crate::queue::{Job, Sentence};
use crate::speech::ChosenVoice;
use crate::text::hash::{ContentHash, Context};
use crate::text::pronunciation::{Rules, pronounce, without_phonemes};
use crate::text::sentence::is_speakable;

/// A sentence that cannot be spoken (an ornament, lone punctuation) is passed in this time.
const UNSPOKEN: Duration = Duration::from_millis(600);

/// What a chapter consists of in one voice.
#[derive(Debug, Clone)]
pub struct ChapterPlan {
    /// The book.
    pub book: BookId,
    /// The chapter, from 1.
    pub chapter: u32,
    /// The voice.
    pub voice: ChosenVoice,
    /// The voice that speaks what this one cannot, if the listener has chosen one.
    pub fallback: Option<ChosenVoice>,
    /// How long the voice rests.
    pub pauses: Pauses,
    /// What the voice passes over.
    pub skipped: Skipped,
    /// One segment a sentence.
    pub segments: Arc<[Segment]>,
}

/// One sentence of a plan.
#[derive(Debug, Clone)]
pub struct Segment {
    /// What is to be spoken; `None` for what passes in silence.
    job: Option<Job>,
    /// Silence after (or instead of) the clip.
    silence: Option<Clip>,
    /// What that silence is for.
    pause: Pause,
    /// What of the text it belongs to.
    part: Part,
    /// The sentence as the page shows it, where the voice says when its words begin.
    shown: Option<Arc<str>>,
}

impl ChapterPlan {
    /// Sets a chapter for a voice.
    pub fn new(
        book: &BookId,
        number: u32,
        chapter: &Chapter,
        voice: &ChosenVoice,
        rules: &Rules,
    ) -> Self {
        let key = Arc::new(voice.key.clone());
        let texts: Vec<Arc<str>> =
            chapter.sentences.iter().map(|source| said(rules, &source.text, voice)).collect();
        let spoken = |at: Option<usize>| {
            let text = at.and_then(|at| texts.get(at)).filter(|text| is_speakable(text));
            text.map_or_else(Arc::default, Arc::clone)
        };
        let mut segments = Vec::with_capacity(texts.len());
        for (at, (source, text)) in chapter.sentences.iter().zip(&texts).enumerate() {
            let is_spoken = is_speakable(text);
            let context = voice.wants_context.then(|| {
                Arc::new(Context { before: spoken(at.checked_sub(1)), after: spoken(Some(at + 1)) })
            });
            let job = is_spoken.then(|| {
                Job::new(Sentence {
                    book: book.clone(),
                    chapter: number,
                    sentence: at as u32,
                    content: ContentHash::of(text, context.as_deref(), &key),
                    text: Arc::clone(text),
                    context,
                    voice: Arc::clone(&key),
                })
            });
            let rest = rest(source.pause, is_spoken, Pauses::Normal);
            segments.push(Segment {
                job,
                silence: Silence::of(rest, voice.sample_rate),
                pause: source.pause,
                part: source.part,
                shown: (is_spoken && voice.times_words).then(|| source.text.as_str().into()),
            });
        }
        Self {
            book: book.clone(),
            chapter: number,
            voice: voice.clone(),
            fallback: None,
            pauses: Pauses::Normal,
            skipped: Skipped::default(),
            segments: segments.into(),
        }
    }
}

impl ChapterPlan {
    /// The same, with other rests. The clips are the same.
    pub fn with_pauses(self: Arc<Self>, pauses: Pauses) -> Arc<Self> {
        if self.pauses == pauses {
            return self;
        }
        let segments = self.segments.iter().map(|segment| {
            let rest = rest(segment.pause, segment.job.is_some(), pauses);
            Segment { silence: Silence::of(rest, self.voice.sample_rate), ..segment.clone() }
        });
        Arc::new(Self { pauses, segments: segments.collect(), ..(*self).clone() })
    }

    /// The same, without what is passed over: those sentences take no time and no clip.
    ///
    /// Whoever begins within what is passed over hears it to its end: `from` is where the stream begins, if that
    /// is within the chapter. And a chapter that is nothing else, as the notes at the end of a book, is read.
    pub fn skipping(self: Arc<Self>, skipped: Skipped, from: usize) -> Arc<Self> {
        let is_skipped = |segment: &Segment| match segment.part {
            Part::Text => false,
            Part::Note => skipped.notes,
            Part::Table => skipped.tables,
            Part::Code => skipped.code,
            Part::Caption => skipped.captions,
        };
        // The title of a chapter of notes is not among them.
        let is_read = |segment: &Segment| {
            segment.job.is_some() && segment.pause != Pause::Heading && !is_skipped(segment)
        };
        // What a chapter begins with is asked for by whoever comes from the one before.
        let begun = self.segments.get(from).filter(|_| from > 0).map(|segment| segment.part);
        let heard_to = match begun {
            Some(part) => {
                let run = self.segments[from..].iter().take_while(|one| one.part == part);
                from + run.count()
            }
            None => 0,
        };
        if skipped == self.skipped {
            return self;
        }
        if !self.segments.iter().any(is_skipped) || !self.segments.iter().any(is_read) {
            // The chapters that follow are to know.
            return Arc::new(Self { skipped, ..(*self).clone() });
        }
        let last = self.segments.len() - 1;
        let segments = self.segments.iter().enumerate().map(|(at, segment)| {
            if !is_skipped(segment) || (from..heard_to).contains(&at) {
                return segment.clone();
            }
            // The chapter still ends with its rest.
            let silence = segment.silence.clone().filter(|_| at == last);
            Segment { job: None, silence, ..segment.clone() }
        });
        Arc::new(Self { skipped, segments: segments.collect(), ..(*self).clone() })
    }

    /// The same, with a voice that speaks what this one cannot.
    pub(super) fn with_fallback(&self, fallback: ChosenVoice) -> Self {
        Self { fallback: Some(fallback), ..self.clone() }
    }
}

impl Segment {
    /// What is to be spoken, if anything is.
    pub fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// The sentence as the page shows it, where the voice says when its words begin.
    pub(super) fn shown(&self) -> Option<&str> {
        self.shown.as_deref()
    }

    /// The silence that follows the clip or stands for it.
    pub fn silence(&self) -> Option<&Clip> {
        self.silence.as_ref()
    }

    /// How long the segment lasts, given its clip's length.
    pub fn length(&self, clip: Option<ClipLength>) -> ClipLength {
        let none = ClipLength { bytes: 0, samples: 0, sample_rate: 0 };
        let silence = self.silence.as_ref().map_or(none, |silence| silence.length);
        clip.map_or(silence, |clip| clip.then(silence))
    }
}

/// What a voice is given for a sentence.
fn said(rules: &Rules, sentence: &str, voice: &ChosenVoice) -> Arc<str> {
    let said = pronounce(rules, sentence);
    if voice.takes_phonemes { said.into() } else { without_phonemes(&said).into() }
}

/// Pauses after a sentence, besides the tenth of a second that a clip's own edges make. Readers of
/// audiobooks rest about a quarter, half and a whole second.
fn pause_length(pause: Pause, pauses: Pauses) -> Duration {
    let normal = Duration::from_millis(match pause {
        Pause::Clause => 0,
        Pause::Sentence => 130,
        Pause::Line => 180,
        Pause::Paragraph => 420,
        Pause::Heading => 780,
        // As long as it takes to look at one.
        Pause::Picture => 3000,
        Pause::Chapter => 1500,
    });
    match pauses {
        // A picture is looked at as long as ever.
        _ if pause == Pause::Picture => normal,
        Pauses::Normal => normal,
        Pauses::Brisk => normal / 2,
        Pauses::Calm => normal * 8 / 5,
    }
}

/// The silence after a sentence, or in its place.
fn rest(pause: Pause, is_spoken: bool, pauses: Pauses) -> Duration {
    pause_length(pause, pauses) + if is_spoken { Duration::ZERO } else { UNSPOKEN }
}
