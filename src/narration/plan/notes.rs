//! Notes that are read where the text refers to them: behind the sentence that has their number, which stays marked
//! meanwhile, because the page would jump to and fro otherwise.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use super::{ChapterPlan, Segment, pause_length};
use crate::audio::{Clip, Silence};
use crate::library::chapters::{Chapter, Pause};
use crate::queue::{Job, Sentence};
use crate::speech::overlay;

/// A sentence of a note that is heard behind the sentence that refers to it.
#[derive(Debug, Clone)]
pub(super) struct Aside {
    /// The first of the segment's jobs that speaks it.
    pub(super) from: usize,
    /// Silence before it.
    rest: Option<Clip>,
    /// As the page shows it.
    text: Arc<str>,
}

/// A sentence of a note, and the segment that it is where it stands.
pub type NoteSentence<'p> = (&'p Segment, Arc<str>);

impl ChapterPlan {
    /// The sentences of a note of this chapter that are spoken, with their places.
    pub fn note<'p>(
        &'p self,
        chapter: &'p Chapter,
        sentences: Range<u32>,
    ) -> impl Iterator<Item = (u32, &'p Segment, &'p str)> {
        let range = sentences.start as usize..sentences.end as usize;
        let segments = self.segments.get(range.clone()).unwrap_or_default().iter();
        let texts = chapter.sentences.get(range).unwrap_or_default().iter();
        let spoken = sentences.zip(segments.zip(texts));
        let spoken = spoken.filter(|(_, (segment, _))| !segment.jobs().is_empty());
        spoken.map(|(at, (segment, sentence))| (at, segment, sentence.text.as_str()))
    }

    /// The same, with notes behind the sentences that are named.
    pub fn with_notes<'p>(
        &self,
        notes: impl IntoIterator<Item = (usize, Vec<NoteSentence<'p>>)>,
        texts: &Chapter,
    ) -> Self {
        let mut segments = self.segments.to_vec();
        for (at, note) in notes {
            let shown = texts.sentences.get(at).map(|sentence| sentence.text.as_str());
            if let Some(segment) = segments.get_mut(at) {
                *segment = self.followed_by((at, segment), shown, &note);
            }
        }
        Self { segments: segments.into(), ..self.clone() }
    }

    fn followed_by(
        &self,
        (at, segment): (usize, &Segment),
        shown: Option<&str>,
        note: &[NoteSentence<'_>],
    ) -> Segment {
        // What a note interrupts rests before and after it as between paragraphs.
        let pause = match segment.pause {
            Pause::Clause | Pause::Sentence | Pause::Line => Pause::Paragraph,
            longer => longer,
        };
        let apart = |pause: Pause| {
            Silence::of(pause_length(pause, self.rests), self.cast.narrator.sample_rate)
        };
        let (mut jobs, mut asides) = (segment.jobs.to_vec(), segment.asides.to_vec());
        let mut rest = apart(Pause::Paragraph).filter(|_| !jobs.is_empty());
        for (spoken, text) in note {
            let before = mem::replace(&mut rest, spoken.silence.clone());
            asides.push(Aside { from: jobs.len(), rest: before, text: Arc::clone(text) });
            jobs.extend(spoken.jobs.iter().map(|job| self.moved(job, at)));
        }
        Segment {
            jobs: jobs.into(),
            asides: asides.into(),
            silence: apart(pause),
            pause,
            is_continued: false,
            shown: segment.shown.clone().or_else(|| shown.map(Arc::from)),
            ..segment.clone()
        }
    }

    /// The same sentence as one of this place, so that it is made when it is needed here. The sound of a book keeps
    /// its own, by which the text is found that is read should it be damaged.
    fn moved(&self, job: &Job, at: usize) -> Job {
        if overlay::is_of(&job.voice) {
            return job.clone();
        }
        Job::new(Sentence { chapter: self.chapter, sentence: at as u32, ..Sentence::clone(job) })
    }
}

impl Segment {
    /// Its jobs that speak the sentence itself, without those of notes behind it.
    pub fn own_jobs(&self) -> &[Job] {
        let end = self.asides.first().map_or(self.jobs.len(), |aside| aside.from);
        &self.jobs[..end]
    }

    /// Its notes alone, without the sentence itself.
    pub(super) fn only_notes(&self) -> Self {
        let own = self.own_jobs().len();
        let mut asides = self.asides.clone();
        asides.iter_mut().for_each(|aside| aside.from -= own);
        if let Some(first) = asides.first_mut() {
            first.rest = None;
        }
        Self { jobs: self.jobs[own..].into(), asides, shown: None, ..self.clone() }
    }

    /// Whether notes are heard behind the sentence.
    pub fn has_notes(&self) -> bool {
        !self.asides.is_empty()
    }

    /// The sentences of notes that are heard behind it: as the page shows them, with their jobs and the silence before
    /// each.
    pub fn notes(&self) -> impl Iterator<Item = (&Arc<str>, &[Job], Option<&Clip>)> {
        let ends = self.asides.iter().skip(1).map(|aside| aside.from).chain([self.jobs.len()]);
        let asides = self.asides.iter().zip(ends);
        asides.map(|(aside, end)| (&aside.text, &self.jobs[aside.from..end], aside.rest.as_ref()))
    }

    /// The silence before one of its jobs.
    pub fn rest_before(&self, job: usize) -> Option<&Clip> {
        let at = self.asides.binary_search_by_key(&job, |aside| aside.from).ok()?;
        self.asides[at].rest.as_ref()
    }

    /// How long it is silent between its jobs.
    pub fn rests_within(&self) -> impl Iterator<Item = &Clip> {
        self.asides.iter().filter_map(|aside| aside.rest.as_ref())
    }
}
