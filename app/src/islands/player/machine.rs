//! The player as a state machine: events in, actions out, no browser in it.
//!
//! The page is in one chapter, the voice may be in another. `following` says whether the page goes
//! where the voice is.

use super::track::Track;
use crate::model::{TimelineEnd, TimelineEntry};

/// The next chapter's timeline is asked for when the voice is this close to it.
const TIMELINE_LEAD_MS: u64 = 60_000;

/// A place in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Chapter, from 1.
    pub chapter: u32,
    /// Sentence within the chapter.
    pub sentence: u32,
}

impl Spot {
    /// What was written as chapter and sentence.
    pub fn parse(written: &str) -> Option<Self> {
        let (chapter, sentence) = written.split_once(' ')?;
        Some(Self { chapter: chapter.parse().ok()?, sentence: sentence.parse().ok()? })
    }
}

/// What the player is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has been played yet.
    Idle,
    /// Asked for sound; none has come yet.
    Preparing,
    /// Sound.
    Playing,
    /// Stopped by the listener.
    Paused,
    /// The stream ended before it began.
    BrokenOff,
    /// Stopped by an error; says which.
    Failed(String),
    /// The book is over.
    Finished,
}

impl Phase {
    /// The name the style sheet and tests know it by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Preparing => "preparing",
            Self::Playing => "playing",
            Self::Paused => "paused",
            Self::BrokenOff | Self::Failed(_) => "failed",
            Self::Finished => "finished",
        }
    }

    /// Sound comes, or is about to.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Playing | Self::Preparing)
    }
}

/// What happens to the player.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Play, or pause.
    Toggle,
    /// Read from here. `buffered_ms` is what of the stream could be sought to at once.
    Jump { to: Spot, buffered_ms: Option<(u64, u64)> },
    /// The next sentence (1) or the one before (-1).
    Skip { by: i32, buffered_ms: Option<(u64, u64)> },
    /// The next chapter (1) or the one before (-1).
    SkipChapter { by: i32 },
    /// The audio clock stands at this moment of the stream.
    Clock(u64),
    /// More of a chapter's timeline is known.
    Timeline { chapter: u32, entries: Vec<TimelineEntry> },
    /// A chapter's timeline is known to its end.
    TimelineEnd(TimelineEnd),
    /// Sound comes out.
    Sounding,
    /// The stream has run dry.
    Waiting,
    /// The audio element was paused, by whomever.
    Stopped,
    /// The stream ended.
    Ended,
    /// The audio cannot be played, for this reason.
    Failed(String),
    /// A sentence that comes later cannot be made, for this reason.
    Trouble(String),
    /// Another voice was chosen.
    Revoice,
    /// The page shows another chapter.
    Shown { chapter: u32, sentences: u32 },
    /// The reader looks elsewhere.
    LookAway,
    /// The reader has gone on without the voice, which will start where the reader is.
    Leave,
    /// The reader wants to see where the voice is.
    LookBack,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Begin a new stream, and its timeline, here.
    Open(Spot),
    /// Set the audio clock.
    Seek(u64),
    /// Let the audio run.
    Play,
    /// Hold it.
    Pause,
    /// Let go of the stream; a browser would go on asking for one that failed.
    Close,
    /// Follow the timeline of the next chapter.
    FollowTimeline(u32),
    /// Ask anew for the timeline from here on, unless the answer is still to come.
    AskAnew(Spot),
    /// Mark the sentence the voice is in; scroll to it when `following`.
    Mark { sentence: u32, following: bool },
    /// Exchange the page's chapter.
    Show { chapter: u32 },
    /// The voice is in another sentence; remember it.
    Remember(Spot),
}

/// The player's state.
#[derive(Debug)]
pub struct Machine {
    /// What it is doing.
    pub phase: Phase,
    /// Where the voice is, or would start.
    pub voice_at: Option<Spot>,
    /// The chapter the page shows.
    pub shown: u32,
    /// Whether the page goes where the voice is.
    pub following: bool,
    /// Number of chapters.
    chapters: u32,
    /// Sentences of the chapter shown.
    sentences: u32,
    track: Track,
    /// Whether there is a stream; without one, playing opens it.
    has_stream: bool,
    now_ms: u64,
    /// Why the sound will stop when it gets there.
    trouble: Option<String>,
}

impl Machine {
    /// A player on a page of `chapter` with `sentences` sentences.
    pub fn new(chapter: u32, sentences: u32, chapters: u32) -> Self {
        Self {
            phase: Phase::Idle,
            voice_at: None,
            shown: chapter,
            following: true,
            chapters,
            sentences,
            track: Track::default(),
            has_stream: false,
            now_ms: 0,
            trouble: None,
        }
    }

    /// Takes in what happened and says what to do about it, in order.
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Toggle => self.toggle(),
            Event::Jump { to, buffered_ms } => self.jump(to, buffered_ms),
            Event::Skip { by, buffered_ms } => self.skip(by, buffered_ms),
            Event::SkipChapter { by } => self.skip_chapter(by),
            Event::Clock(ms) => self.clock(ms),
            Event::Timeline { chapter, entries } => {
                self.track.extend(chapter, entries);
                self.clock(self.now_ms)
            }
            Event::TimelineEnd(end) => {
                self.track.end_chapter(end);
                self.clock(self.now_ms)
            }
            Event::Sounding => self.enter(Phase::Playing),
            Event::Waiting if self.phase == Phase::Playing => self.enter(Phase::Preparing),
            Event::Stopped if self.is_running() => self.enter(Phase::Paused),
            Event::Waiting | Event::Stopped => Vec::new(),
            Event::Ended => self.ended(),
            Event::Failed(reason) => {
                let reason = self.trouble.take().unwrap_or(reason);
                self.fail(reason)
            }
            // The stream was quicker to end than the timeline to say why.
            Event::Trouble(reason) if matches!(self.phase, Phase::Failed(_) | Phase::BrokenOff) => {
                self.fail(reason)
            }
            Event::Trouble(reason) => {
                self.trouble = Some(reason);
                Vec::new()
            }
            Event::Revoice => self.revoice(),
            Event::Shown { chapter, sentences } => {
                (self.shown, self.sentences) = (chapter, sentences);
                self.mark()
            }
            Event::LookAway => {
                self.following = false;
                Vec::new()
            }
            Event::Leave => {
                self.has_stream = false;
                self.voice_at = None;
                self.phase = Phase::Idle;
                self.following = true;
                vec![Action::Close]
            }
            Event::LookBack => {
                self.following = true;
                match self.voice_at {
                    Some(at) if at.chapter != self.shown => {
                        vec![Action::Show { chapter: at.chapter }]
                    }
                    _ => self.mark(),
                }
            }
        }
    }

    /// Where the voice is, and how many milliseconds it is into the sentence.
    pub fn moment(&self) -> Option<(Spot, u64)> {
        let at = self.voice_at?;
        let segment = self.track.at(self.now_ms).filter(|_| self.has_stream);
        let segment =
            segment.filter(|now| (now.chapter, now.sentence) == (at.chapter, at.sentence));
        Some((at, segment.map_or(0, |now| self.now_ms.saturating_sub(now.start_ms))))
    }

    /// How long the sentence the voice is in lasts, in milliseconds, if there is a stream.
    pub fn sentence_ms(&self) -> Option<u64> {
        let segment = self.track.at(self.now_ms).filter(|_| self.has_stream)?;
        Some(segment.end_ms - segment.start_ms)
    }

    /// Whether the clip of the sentence the voice is in was there when whoever listens began to.
    pub fn is_stored(&self) -> bool {
        let segment = self.track.at(self.now_ms).filter(|_| self.has_stream);
        self.voice_at.is_some() && segment.is_some_and(|segment| segment.is_stored)
    }

    /// When the words of a sentence begin, in milliseconds from its beginning, if the voice says so.
    pub fn words_of(&self, at: Spot) -> Option<&[u32]> {
        self.track.words_of(at.chapter, at.sentence)
    }

    /// Puts the voice somewhere without a sound: another device is there.
    pub fn adopt(&mut self, at: Spot) -> Vec<Action> {
        let actions = self.move_to(at, None);
        actions.into_iter().filter(|action| !matches!(action, Action::Remember(_))).collect()
    }

    /// Sound comes, or is about to.
    pub fn is_running(&self) -> bool {
        self.phase.is_running()
    }

    fn fail(&mut self, reason: String) -> Vec<Action> {
        self.has_stream = false;
        self.phase = Phase::Failed(reason);
        vec![Action::Close]
    }

    fn enter(&mut self, phase: Phase) -> Vec<Action> {
        self.phase = phase;
        Vec::new()
    }

    fn toggle(&mut self) -> Vec<Action> {
        if self.is_running() {
            self.phase = Phase::Paused;
            return vec![Action::Pause];
        }
        let start = Spot { chapter: self.shown, sentence: 0 };
        let at = match self.phase {
            Phase::Finished => start,
            _ => self.voice_at.unwrap_or(start),
        };
        self.following = true;
        self.phase = Phase::Preparing;
        if self.has_stream { vec![Action::Play] } else { self.open(at) }
    }

    fn open(&mut self, at: Spot) -> Vec<Action> {
        self.track = Track::from(at);
        self.trouble = None;
        self.now_ms = 0;
        self.has_stream = true;
        self.voice_at = Some(at);
        self.phase = Phase::Preparing;
        let mut actions = vec![Action::Open(at), Action::Play];
        actions.extend(self.arrive(at));
        actions
    }

    fn jump(&mut self, to: Spot, buffered_ms: Option<(u64, u64)>) -> Vec<Action> {
        self.following = true;
        let known = self.track.find(to.chapter, to.sentence).filter(|_| self.has_stream);
        let reachable = known.filter(|segment| {
            buffered_ms.is_some_and(|(start, end)| (start..end).contains(&segment.start_ms))
        });
        let Some(segment) = reachable else {
            return self.open(to);
        };
        self.now_ms = segment.start_ms;
        self.voice_at = Some(to);
        if !self.is_running() {
            self.phase = Phase::Preparing;
        }
        let mut actions = vec![Action::Seek(segment.start_ms), Action::Play];
        actions.extend(self.arrive(to));
        actions
    }

    fn skip(&mut self, by: i32, buffered_ms: Option<(u64, u64)>) -> Vec<Action> {
        let at = self.voice_at.unwrap_or(Spot { chapter: self.shown, sentence: 0 });
        let is_last = at.chapter == self.shown && at.sentence + 1 >= self.sentences;
        let to = match (by > 0, at.sentence) {
            (true, _) if is_last && at.chapter < self.chapters => {
                Spot { chapter: at.chapter + 1, sentence: 0 }
            }
            (true, _) if is_last => return Vec::new(),
            (true, sentence) => Spot { sentence: sentence + 1, ..at },
            // At the start of a chapter, back means its start once more.
            (false, sentence) => Spot { sentence: sentence.saturating_sub(1), ..at },
        };
        self.move_to(to, buffered_ms)
    }

    fn skip_chapter(&mut self, by: i32) -> Vec<Action> {
        let from = self.voice_at.map_or(self.shown, |at| at.chapter);
        let chapter = from.saturating_add_signed(by);
        if chapter < 1 || chapter > self.chapters {
            return Vec::new();
        }
        self.move_to(Spot { chapter, sentence: 0 }, None)
    }

    /// Goes on from another place; when silent, only the place changes.
    pub fn move_to(&mut self, to: Spot, buffered_ms: Option<(u64, u64)>) -> Vec<Action> {
        if self.is_running() {
            return self.jump(to, buffered_ms);
        }
        self.following = true;
        self.has_stream = false;
        self.voice_at = Some(to);
        self.phase = if self.phase == Phase::Idle { Phase::Idle } else { Phase::Paused };
        self.arrive(to)
    }

    fn clock(&mut self, ms: u64) -> Vec<Action> {
        self.now_ms = ms;
        let mut actions = Vec::new();
        if !self.has_stream {
            return actions;
        }
        if let Some(next) = self.track.take_next(ms, TIMELINE_LEAD_MS) {
            self.track.begin_chapter(next);
            actions.push(Action::FollowTimeline(next.chapter));
        } else if self.phase == Phase::Playing
            && self.trouble.is_none()
            && let Some(from) = self.track.take_lost(ms)
        {
            actions.push(Action::AskAnew(from));
        }
        let Some(segment) = self.track.at(ms) else { return actions };
        let at = Spot { chapter: segment.chapter, sentence: segment.sentence };
        if self.voice_at != Some(at) {
            self.voice_at = Some(at);
            actions.extend(self.arrive(at));
        }
        actions
    }

    /// The voice is at `at`: remember it and bring the page along.
    fn arrive(&mut self, at: Spot) -> Vec<Action> {
        let mut actions = vec![Action::Remember(at)];
        if at.chapter == self.shown {
            actions.extend(self.mark());
        } else if self.following {
            actions.push(Action::Show { chapter: at.chapter });
        }
        actions
    }

    fn mark(&self) -> Vec<Action> {
        self.voice_at
            .filter(|at| at.chapter == self.shown)
            .map(|at| Action::Mark { sentence: at.sentence, following: self.following })
            .into_iter()
            .collect()
    }

    fn ended(&mut self) -> Vec<Action> {
        self.has_stream = false;
        if self.track.is_over(self.now_ms.saturating_add(1_000)) {
            self.phase = Phase::Finished;
            return Vec::new();
        }
        if let Some(reason) = self.trouble.take() {
            return self.fail(reason);
        }
        // The stream broke off: go on from the sentence it broke off in.
        match self.voice_at {
            Some(at) if self.is_running() && self.now_ms > 0 => self.open(at),
            _ if self.is_running() => self.enter(Phase::BrokenOff),
            _ => self.enter(Phase::Paused),
        }
    }

    fn revoice(&mut self) -> Vec<Action> {
        let was_running = self.is_running();
        self.has_stream = false;
        match self.voice_at {
            Some(at) if was_running => self.open(at),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
