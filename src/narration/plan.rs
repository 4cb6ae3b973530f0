//! A chapter as it is narrated: one segment a sentence, each a clip, several where voices take turns in it, or
//! a silence, and the pause after it.

mod notes;
mod passing;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use app::model::BookId;
use app::preferences::{Rests, Skipped, Wording};

use crate::audio::{Clip, ClipLength, Silence};
use crate::library::chapters::{self, Chapter, Part, Pause, Sound};
use crate::queue::{Job, Sentence};
use crate::speech::{Cast, ChosenVoice, overlay};
use crate::text::hash::{ContentHash, Context, VoiceKey};
use crate::text::pronunciation::{OwnSound, Rules, pronounce};
use crate::text::quotes::Quotes;
use crate::text::references::reworded;
use crate::text::sentence::is_speakable;
use crate::text::spoken::normalise;
use notes::Aside;

pub use notes::NoteSentence;
pub use passing::is_passed_over;

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
    /// Who reads what the book does not bring the sound of, where that is the narrator.
    pub instead: Option<ChosenVoice>,
    /// The voice that begins for a slow one, where one does.
    pub starter: Option<VoiceKey>,
    /// How long the voice rests.
    pub rests: Rests,
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
    /// The sentences of notes among that: they come behind the sentence itself.
    asides: Box<[Aside]>,
    /// Silence after (or instead of) the clip.
    silence: Option<Clip>,
    /// What that silence is for.
    pause: Pause,
    /// Whether its sound goes on with that of the next sentence, and has the pause in it.
    is_continued: bool,
    /// Whether the listener has said that nobody is to read it.
    is_unread: bool,
    /// What of the text it belongs to.
    part: Part,
    /// Whether it is of a note that the text refers to somewhere.
    is_referred_to: bool,
    /// The sentence as the page shows it, where it is known when its words begin.
    shown: Option<Arc<str>>,
}

/// Voices of the languages that passages of a chapter are in, where they are not the narrator's.
pub type LanguageVoices = HashMap<String, ChosenVoice>;

/// What a listener has said of one sentence.
#[derive(Debug, Clone, Default)]
pub struct Directed {
    /// The voice that is to read it.
    pub voice: Option<ChosenVoice>,
    /// Nobody is to read it.
    pub is_unread: bool,
    /// Voices, by their ids, that have been asked to say it once more; once for each time.
    pub again: Vec<String>,
}

/// How a chapter is read, as far as that decides what is spoken.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Who reads passages in other languages.
    pub languages: LanguageVoices,
    /// What has been said of single sentences.
    pub directed: HashMap<u32, Directed>,
    /// How words are said.
    pub rules: Arc<Rules>,
    /// What is left out of sentences.
    pub wording: Wording,
    /// How voices that can be told are to speak.
    pub instructions: Arc<str>,
    /// Who reads what the book does not bring the sound of, where that is the narrator.
    pub instead: Option<ChosenVoice>,
    /// The revision of the book that has its sound.
    pub revision: u32,
}

impl ChapterPlan {
    /// Sets a chapter for a cast.
    pub fn new(
        (book, number): (&BookId, u32),
        chapter: &Chapter,
        cast: &Cast,
        reading: &Reading,
    ) -> Self {
        let narrator = &cast.narrator;
        let parts = spoken_parts((book, chapter), cast, reading);
        let around = |at: Option<usize>| {
            let parts = at.and_then(|at| parts.get(at)).map_or(&[][..], Vec::as_slice);
            match parts {
                [only] if !only.voice.is_overlay() => Arc::clone(&only.text),
                several => {
                    let told = several.iter().filter(|part| !part.voice.is_overlay());
                    told.map(|part| &*part.text).collect::<Vec<_>>().join(" ").into()
                }
            }
        };
        let mut segments = Vec::with_capacity(parts.len());
        for (at, (source, parts)) in chapter.sentences.iter().zip(&parts).enumerate() {
            let job = |part: &SpokenPart| {
                let mut context = Context::default();
                if part.voice.wants_context {
                    context.before = around(at.checked_sub(1));
                    context.after = around(Some(at + 1));
                }
                if part.voice.takes_instructions {
                    context.instructions = Arc::clone(&reading.instructions);
                }
                let is_told = part.voice.wants_context || !context.instructions.is_empty();
                let context = is_told.then(|| Arc::new(context));
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
            let times_words = !parts.is_empty() && parts.iter().all(|part| part.voice.times_words);
            let directed = reading.directed.get(&(at as u32));
            let segment = Segment {
                jobs: parts.iter().map(job).collect(),
                asides: Box::default(),
                silence: None,
                pause: source.pause,
                is_continued: parts.iter().any(|part| part.voice.is_overlay())
                    && goes_on(chapter, at),
                is_unread: directed.is_some_and(|directed| directed.is_unread),
                part: source.part,
                is_referred_to: false,
                shown: times_words.then(|| source.text.as_str().into()),
            };
            segments.push(segment.resting(Rests::NORMAL, narrator.sample_rate));
        }
        for (segment, is_referred_to) in segments.iter_mut().zip(chapter.referred_to()) {
            segment.is_referred_to = is_referred_to;
        }
        Self {
            book: book.clone(),
            chapter: number,
            cast: cast.clone(),
            fallback: None,
            instead: reading.instead.clone(),
            starter: None,
            rests: Rests::NORMAL,
            skipped: Skipped { wording: reading.wording, ..Skipped::default() },
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
    (book, chapter): (&BookId, &Chapter),
    cast: &'a Cast,
    reading: &'a Reading,
) -> Vec<Vec<SpokenPart<'a>>> {
    let mut keys: HashMap<(&str, u32), Arc<VoiceKey>> = HashMap::new();
    let undirected = Directed::default();
    let mut quotes = Quotes::default();
    let narrator = reading.instead.as_ref().unwrap_or(&cast.narrator);
    let sentences = chapter.sentences.iter().zip(0..).map(|(source, at)| {
        let directed = reading.directed.get(&at).unwrap_or(&undirected);
        let mut part = |place: Range<usize>, voice: &'a ChosenVoice| {
            if voice.is_overlay() {
                let heard = source.overlay.as_ref()?;
                let text = overlay::place(book, reading.revision, heard).into();
                let key = keys.entry((&voice.id, 0)).or_insert_with(|| Arc::new(voice.key.clone()));
                return Some(SpokenPart { text, voice, key: Arc::clone(key) });
            }
            // An ornament of signs is a silence, whatever the signs are called.
            let text = &source.text[place.clone()];
            let text = is_speakable(text).then(|| said(reading, source, place, voice))?;
            let before = directed.again.iter().filter(|id| **id == voice.id).count() as u32;
            let key = || Arc::new(voice.key_of_take(before));
            let key = keys.entry((&voice.id, before)).or_insert_with(key);
            is_speakable(&text).then(|| SpokenPart { text, voice, key: Arc::clone(key) })
        };
        let whole = 0..source.text.len();
        let foreign = source.language.as_ref().and_then(|tag| reading.languages.get(tag));
        let own = source.overlay.as_ref();
        let alone = reading.directed.get(&at).and_then(|one| one.voice.as_ref());
        let alone = alone.filter(|voice| own.is_some() || !voice.is_overlay());
        // The sound of the book is heard as it is, whoever speaks and in what language.
        let heard = own.map(|_| &cast.narrator).filter(|narrator| narrator.is_overlay());
        let alone = alone.or(heard).or(foreign);
        // Marks that are opened in a sentence are closed in another, whoever reads it.
        let runs = cast.speech.as_ref().map(|_| quotes.runs(&source.text));
        let parts = match (alone, &cast.speech) {
            _ if directed.is_unread => Vec::new(),
            (Some(voice), _) => part(whole, voice).into_iter().collect(),
            (None, None) => part(whole, narrator).into_iter().collect(),
            (None, Some(speech)) => {
                let parts = runs.into_iter().flatten().filter_map(|run| {
                    let voice = if run.is_speech { speech } else { narrator };
                    part(run.place, voice)
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
    pub fn with_rests(self: Arc<Self>, rests: Rests) -> Arc<Self> {
        if self.rests == rests {
            return self;
        }
        let rate = self.cast.narrator.sample_rate;
        let segments = self.segments.iter().map(|segment| segment.clone().resting(rests, rate));
        Arc::new(Self { rests, segments: segments.collect(), ..(*self).clone() })
    }

    /// Who speaks a sentence whose own voice cannot. The sound of a book that is damaged is not what a listener has
    /// chosen to wait for, so there is always somebody who reads on.
    pub(super) fn stand_in(&self, job: &Job) -> Option<&ChosenVoice> {
        let instead = self.instead.as_ref().filter(|_| overlay::is_of(&job.voice));
        // Whoever was to begin does not, and the slow voice reads what it would have read.
        let is_begun = self.starter.as_ref().is_some_and(|starter| *starter == *job.voice);
        let slow = is_begun.then_some(&self.cast.narrator);
        // A voice that has failed cannot stand in for itself.
        slow.or(self.fallback.as_ref()).or(instead).filter(|one| one.key != *job.voice)
    }

    /// Whether anything is heard in place of what was planned, should that fail.
    pub(super) fn has_stand_in(&self) -> bool {
        self.fallback.is_some() || self.instead.is_some() || self.starter.is_some()
    }

    /// The same, with a voice that speaks what this one cannot.
    pub(super) fn with_fallback(&self, fallback: ChosenVoice) -> Self {
        Self { fallback: Some(fallback), ..self.clone() }
    }
}

impl Segment {
    /// The same with the silence that follows it, or stands for it.
    fn resting(self, rests: Rests, sample_rate: u32) -> Self {
        let rest = match (self.is_unread, self.jobs.is_empty()) {
            (true, _) => Duration::ZERO,
            // Longer rests are made longer; that of the reader is not cut.
            (false, false) if self.is_continued => {
                let normal = pause_length(self.pause, Rests::NORMAL);
                pause_length(self.pause, rests).saturating_sub(normal)
            }
            (false, false) => pause_length(self.pause, rests),
            (false, true) => pause_length(self.pause, rests) + UNSPOKEN * rests.scene.into() / 100,
        };
        Self { silence: Silence::of(rest, sample_rate), ..self }
    }

    /// What is to be spoken, in turn: mostly one, several where voices take turns or a note follows, none for what is
    /// silent.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The same, spoken otherwise, in as many clips or in more of the sentence itself; `tells` says whether those voices tell when words begin.
    pub(super) fn spoken_as(&self, jobs: Box<[Job]>, tells: bool) -> Self {
        // With notes behind it, its own time is told whoever speaks.
        let shown = self.shown.clone().filter(|_| tells || self.has_notes());
        let mut asides = self.asides.clone();
        for aside in &mut asides {
            aside.from = aside.from + jobs.len() - self.jobs.len();
        }
        Self { jobs, asides, shown, ..self.clone() }
    }

    /// The length of its clips together, and of the rests between them, if those of all are known; `None` also when it is silent.
    pub(super) fn clip_length(
        &self,
        of: impl Fn(&Job) -> Option<ClipLength>,
    ) -> Option<ClipLength> {
        let (first, others) = self.jobs.split_first()?;
        let spoken =
            others.iter().try_fold(of(first)?, |so_far, job| Some(so_far.then(of(job)?)))?;
        Some(self.rests_within().fold(spoken, |so_far, rest| so_far.then(rest.length)))
    }

    /// The sentence as the page shows it, where it is known when its words begin.
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

/// Whether the sound that the book brings of a sentence goes on with that of the next one.
fn goes_on(chapter: &Chapter, at: usize) -> bool {
    let heard = |at: usize| chapter.sentences.get(at)?.overlay.as_ref();
    heard(at).zip(heard(at + 1)).is_some_and(|(this, next)| this.goes_on_with(next))
}

/// What a voice is given for a part of a sentence.
fn said(
    reading: &Reading,
    source: &chapters::Sentence,
    place: Range<usize>,
    voice: &ChosenVoice,
) -> Arc<str> {
    let text = &source.text[place.clone()];
    let heading = source.heading.as_ref();
    let heading = heading.filter(|_| reading.wording.names_columns && place.start == 0);
    // What is passed over of a text is passed over of its heading, and a heading says nothing by itself.
    let heading = heading.map(|heading| reworded(heading, reading.wording));
    let heading = heading.filter(|_| is_speakable(&reworded(text, reading.wording)));
    let heading = heading.map(|heading| format!("{heading}: ")).unwrap_or_default();
    let inside = source.sounds.iter().filter(|sound| {
        place.start <= sound.place.start
            && sound.place.end <= place.end
            && source.text.get(sound.place.clone()).is_some()
    });
    let own = inside.map(|Sound { place: at, phonemes }| {
        let word = &source.text[at.clone()];
        // Counted in what the voice is given, as it is sought there.
        let before = reworded(&source.text[place.start..at.start], reading.wording);
        let before = normalise(&[&heading, &*before].concat());
        let before = before.matches(&*normalise(word)).count();
        OwnSound { word, before, phonemes }
    });
    let own: Vec<OwnSound<'_>> = own.collect();
    let text = [&heading, &*reworded(text, reading.wording)].concat();
    voice.given(&pronounce(&reading.rules, &text, &own)).into()
}

/// Pauses after a sentence, besides the tenth of a second that a clip's own edges make. Readers of
/// audiobooks rest about a quarter, half and a whole second.
fn pause_length(pause: Pause, rests: Rests) -> Duration {
    let (normal_ms, per_cent) = match pause {
        Pause::Clause => (0, rests.sentence),
        Pause::Sentence => (130, rests.sentence),
        Pause::Line => (180, rests.sentence),
        Pause::Paragraph => (420, rests.paragraph),
        Pause::Heading => (780, rests.heading),
        Pause::Chapter => (1500, rests.heading),
        // As long as it takes to look at one, however long the voice rests.
        Pause::Picture => (3000, 100),
    };
    Duration::from_millis(normal_ms * u64::from(per_cent) / 100)
}
