//! A chapter as it is narrated: one segment a sentence, each a clip, several where voices take turns in it, or
//! a silence, and the pause after it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::model::BookId;
use app::preferences::{Pauses, Skipped};

use crate::audio::{Clip, ClipLength, Silence};
use crate::library::chapters::{Chapter, Part, Pause};
use crate::queue::{Job, Sentence};
use crate::speech::{Cast, ChosenVoice};
use crate::text::hash::{ContentHash, Context, VoiceKey};
use crate::text::pronunciation::{Rules, pronounce};
use crate::text::quotes::Quotes;
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
    /// Who reads.
    pub cast: Cast,
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
    /// What is to be spoken, in turn; nothing for what passes in silence.
    jobs: Box<[Job]>,
    /// Silence after (or instead of) the clip.
    silence: Option<Clip>,
    /// What that silence is for.
    pause: Pause,
    /// What of the text it belongs to.
    part: Part,
    /// The sentence as the page shows it, where its voices say when its words begin.
    shown: Option<Arc<str>>,
}

/// Voices of the languages that passages of a chapter are in, where they are not the narrator's.
pub type LanguageVoices = HashMap<String, ChosenVoice>;

impl ChapterPlan {
    /// Sets a chapter for a cast.
    pub fn new(
        (book, number): (&BookId, u32),
        chapter: &Chapter,
        cast: &Cast,
        languages: &LanguageVoices,
        rules: &Rules,
    ) -> Self {
        let narrator = &cast.narrator;
        let parts = spoken_parts(chapter, cast, languages, rules);
        let around = |at: Option<usize>| {
            let parts = at.and_then(|at| parts.get(at)).map_or(&[][..], Vec::as_slice);
            match parts {
                [only] => Arc::clone(&only.text),
                several => {
                    several.iter().map(|part| &*part.text).collect::<Vec<_>>().join(" ").into()
                }
            }
        };
        let mut segments = Vec::with_capacity(parts.len());
        for (at, (source, parts)) in chapter.sentences.iter().zip(&parts).enumerate() {
            let job = |part: &SpokenPart| {
                let context = part.voice.wants_context.then(|| {
                    let (before, after) = (around(at.checked_sub(1)), around(Some(at + 1)));
                    Arc::new(Context { before, after })
                });
                let voice = Arc::clone(&part.key);
                Job::new(Sentence {
                    book: book.clone(),
                    chapter: number,
                    sentence: at as u32,
                    content: ContentHash::of(&part.text, context.as_deref(), &voice),
                    text: Arc::clone(&part.text),
                    context,
                    voice,
                })
            };
            let rest = rest(source.pause, !parts.is_empty(), Pauses::Normal);
            let times_words = !parts.is_empty() && parts.iter().all(|part| part.voice.times_words);
            segments.push(Segment {
                jobs: parts.iter().map(job).collect(),
                silence: Silence::of(rest, narrator.sample_rate),
                pause: source.pause,
                part: source.part,
                shown: times_words.then(|| source.text.as_str().into()),
            });
        }
        Self {
            book: book.clone(),
            chapter: number,
            cast: cast.clone(),
            fallback: None,
            pauses: Pauses::Normal,
            skipped: Skipped::default(),
            segments: segments.into(),
        }
    }
}

/// What one voice says of a sentence.
struct SpokenPart<'a> {
    text: Arc<str>,
    voice: &'a ChosenVoice,
    key: Arc<VoiceKey>,
}

/// What is spoken of each sentence, and by whom. Only what can be spoken is a part.
fn spoken_parts<'a>(
    chapter: &Chapter,
    cast: &'a Cast,
    languages: &'a LanguageVoices,
    rules: &Rules,
) -> Vec<Vec<SpokenPart<'a>>> {
    let mut keys: HashMap<&str, Arc<VoiceKey>> = HashMap::new();
    let mut part = |text: &str, voice: &'a ChosenVoice| {
        // An ornament of signs is a silence, whatever the signs are called.
        let text = is_speakable(text).then(|| said(rules, text, voice))?;
        let key = keys.entry(&voice.id).or_insert_with(|| Arc::new(voice.key.clone()));
        is_speakable(&text).then(|| SpokenPart { text, voice, key: Arc::clone(key) })
    };
    let mut quotes = Quotes::default();
    let sentences = chapter.sentences.iter().map(|source| {
        let foreign = source.language.as_ref().and_then(|language| languages.get(language));
        let parts = match (foreign, &cast.speech) {
            (Some(voice), _) => part(&source.text, voice).into_iter().collect(),
            (None, None) => part(&source.text, &cast.narrator).into_iter().collect(),
            (None, Some(speech)) => {
                let runs = quotes.runs(&source.text).into_iter();
                let parts = runs.filter_map(|run| {
                    let voice = if run.is_speech { speech } else { &cast.narrator };
                    part(&source.text[run.place], voice)
                });
                parts.collect()
            }
        };
        if !matches!(source.pause, Pause::Clause | Pause::Sentence) {
            quotes.end_paragraph();
        }
        parts
    });
    sentences.collect()
}

impl ChapterPlan {
    /// The same, with other rests. The clips are the same.
    pub fn with_pauses(self: Arc<Self>, pauses: Pauses) -> Arc<Self> {
        if self.pauses == pauses {
            return self;
        }
        let segments = self.segments.iter().map(|segment| {
            let rest = rest(segment.pause, !segment.jobs.is_empty(), pauses);
            Segment {
                silence: Silence::of(rest, self.cast.narrator.sample_rate),
                ..segment.clone()
            }
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
            !segment.jobs.is_empty() && segment.pause != Pause::Heading && !is_skipped(segment)
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
            Segment { jobs: Box::default(), silence, ..segment.clone() }
        });
        Arc::new(Self { skipped, segments: segments.collect(), ..(*self).clone() })
    }

    /// The same, with a voice that speaks what this one cannot.
    pub(super) fn with_fallback(&self, fallback: ChosenVoice) -> Self {
        Self { fallback: Some(fallback), ..self.clone() }
    }
}

impl Segment {
    /// What is to be spoken, in turn: mostly one, several where voices take turns, none for what is silent.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The length of its clips together, if those of all are known; `None` also when it is silent.
    pub(super) fn clip_length(
        &self,
        of: impl Fn(&Job) -> Option<ClipLength>,
    ) -> Option<ClipLength> {
        let (first, others) = self.jobs.split_first()?;
        others.iter().try_fold(of(first)?, |length, job| Some(length.then(of(job)?)))
    }

    /// The sentence as the page shows it, where its voices say when its words begin.
    pub(super) fn shown(&self) -> Option<&str> {
        self.shown.as_deref()
    }

    /// The silence that follows the clip or stands for it.
    pub fn silence(&self) -> Option<&Clip> {
        self.silence.as_ref()
    }

    /// How long the segment lasts, given its clips' length.
    pub fn length(&self, clip: Option<ClipLength>) -> ClipLength {
        let none = ClipLength { bytes: 0, samples: 0, sample_rate: 0 };
        let silence = self.silence.as_ref().map_or(none, |silence| silence.length);
        clip.map_or(silence, |clip| clip.then(silence))
    }
}

/// What a voice is given for a sentence.
fn said(rules: &Rules, sentence: &str, voice: &ChosenVoice) -> Arc<str> {
    voice.given(&pronounce(rules, sentence)).into()
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
