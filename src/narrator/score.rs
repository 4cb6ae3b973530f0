//! A chapter as the narrator performs it: one cue a sentence, each a clip or a silence, and the
//! pause after it.

use std::sync::Arc;
use std::time::Duration;

use app::model::BookId;

use super::queue::Job;
use crate::library::chapters::{Chapter, Pause};
use crate::text::hash::ContentHash;
use crate::text::sentence::is_speakable;
use crate::text::spoken::normalise;
use crate::voices::{ChosenVoice, Clip, ClipLength, Silence};

/// A sentence that cannot be spoken (an ornament, lone punctuation) is passed in this time.
const UNSPOKEN: Duration = Duration::from_millis(600);

/// What a chapter consists of in one voice.
#[derive(Debug, Clone)]
pub struct Score {
    /// The book.
    pub book: BookId,
    /// The chapter, from 1.
    pub chapter: u32,
    /// The voice.
    pub voice: ChosenVoice,
    /// One cue a sentence.
    pub cues: Vec<Cue>,
}

/// One sentence of a score.
#[derive(Debug, Clone)]
pub struct Cue {
    /// What is to be spoken; `None` for what passes in silence.
    job: Option<Job>,
    /// Silence after (or instead of) the clip.
    silence: Option<Clip>,
}

impl Score {
    /// Sets a chapter for a voice.
    pub fn new(book: &BookId, number: u32, chapter: &Chapter, voice: &ChosenVoice) -> Self {
        let key = Arc::new(voice.key.clone());
        let cues = (0..)
            .zip(&chapter.sentences)
            .map(|(sentence, source)| {
                let text = normalise(&source.text);
                let is_spoken = is_speakable(&text);
                let job = is_spoken.then(|| Job {
                    book: book.clone(),
                    chapter: number,
                    sentence,
                    content: ContentHash::of(&text, &key),
                    text: text.into(),
                    voice: Arc::clone(&key),
                    request: None,
                });
                let rest =
                    pause_length(source.pause) + if is_spoken { Duration::ZERO } else { UNSPOKEN };
                Cue { job, silence: Silence::of(rest, voice.sample_rate) }
            })
            .collect();
        Self { book: book.clone(), chapter: number, voice: voice.clone(), cues }
    }
}

impl Cue {
    /// What is to be spoken, if anything is.
    pub fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// The silence that follows the clip or stands for it.
    pub fn silence(&self) -> Option<&Clip> {
        self.silence.as_ref()
    }

    /// How long the cue lasts, given its clip's length.
    pub fn length(&self, clip: Option<ClipLength>) -> ClipLength {
        let none = ClipLength { bytes: 0, samples: 0, sample_rate: 0 };
        let silence = self.silence.as_ref().map_or(none, |silence| silence.length);
        clip.map_or(silence, |clip| clip.then(silence))
    }
}

/// Pauses after a sentence, besides the tenth of a second that a clip's own edges make. Readers of
/// audiobooks rest about a quarter, half and a whole second.
fn pause_length(pause: Pause) -> Duration {
    Duration::from_millis(match pause {
        Pause::Clause => 0,
        Pause::Sentence => 130,
        Pause::Line => 180,
        Pause::Paragraph => 420,
        Pause::Heading => 780,
        Pause::Chapter => 1500,
    })
}
