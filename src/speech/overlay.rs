//! The sound that a book brings, as an engine among others: what it is asked to say is a place in a file, so that
//! streams, the queue, the store of clips and all that people take with them need not know of it.
//!
//! It is no voice for any text: only a plan, which has looked whose book it is, makes such places.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::model::{BookId, OVERLAY_VOICE, Voice};
use async_trait::async_trait;

use super::{Engine, MANY_LANGUAGES, Utterance, VoiceError};
use crate::audio::{Clip, Cut, SoundReader, encode_at};
use crate::library::import::limits::MAX_OVERLAY_MS;
use crate::library::overlay::{MAX_REACH_MS, Moment, Overlay};
use crate::library::{Library, LibraryError, SoundFile};
use crate::text::hash::VoiceKey;

/// Its name in voice ids and keys.
pub(crate) const NAME: &str = "overlay";
/// Its name for people.
const SHOWN: &str = "the book’s recording";
/// Of natural voices, so that a sentence that the book does not bring fits in without a change.
const SAMPLE_RATE: u32 = 24_000;
/// How long the quietest place is that counts as a pause.
const PAUSE: Duration = Duration::from_millis(60);
/// A sentence is cut from a file in this time, wherever that lies.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Files that are kept open for what follows: two a listener, as two sentences are made at once.
const MAX_OPEN: usize = 16;

/// A file: the book, its revision, and its name.
type FileName = (BookId, u32, String);

/// The sounds of all books.
pub struct Overlays {
    library: Library,
    voices: [Voice; 1],
    /// Files that were read, the last one last, for who goes on in them. A std lock, never held while one is read.
    open: Mutex<OpenFiles>,
}

impl Overlays {
    /// Sounds of the books of a library.
    pub fn new(library: Library) -> Self {
        let voice = Voice {
            id: OVERLAY_VOICE.to_owned(),
            name: SHOWN.to_owned(),
            language: MANY_LANGUAGES.to_owned(),
            engine: NAME.to_owned(),
        };
        Self { library, voices: [voice], open: Mutex::default() }
    }

    async fn clip(&self, place: &str) -> Result<Clip, String> {
        let (book, revision, overlay) = parse(place).ok_or("it names no place in a book")?;
        let around = |moment: Moment| Duration::from_millis(moment.reach_ms.into());
        let begin = Duration::from_millis(overlay.begin.ms.into());
        let begin = begin.saturating_sub(around(overlay.begin));
        let end = overlay.end.map(|end| Duration::from_millis(end.ms.into()) + around(end));
        let most = Duration::from_millis((MAX_OVERLAY_MS + 2 * MAX_REACH_MS).into());
        let name = (book, revision, overlay.file.clone());
        let known = take(&mut lock(&self.open), &name, begin);
        let file = match known {
            Some(_) => None,
            None => Some(self.file(&name).await?),
        };
        let is_over = known.as_ref().map_or_else(Arc::default, SoundReader::is_over);
        is_over.store(false, Ordering::Relaxed);
        // Should nobody wait any more, as after the time limit, it is read no further.
        let guard = SetWhenDropped(Arc::clone(&is_over));
        let cut = move || {
            let mut reader = match (known, file) {
                (Some(known), _) => known,
                (None, Some(file)) => {
                    let length = file.length();
                    SoundReader::open(file, length, is_over)?
                }
                (None, None) => return Err("it is not open".to_owned()),
            };
            let found = reader.cut(begin, end, most)?;
            let samples = between_pauses(&found, &overlay);
            let clip = encode_at(samples, found.sample_rate, SAMPLE_RATE);
            Ok((reader, clip.map_err(|error| error.to_string())?))
        };
        let cut = tokio::task::spawn_blocking(cut).await;
        let (reader, clip) = cut.map_err(|error| error.to_string())??;
        // Before another takes the reader: this one's end is not that one's.
        drop(guard);
        keep(&mut lock(&self.open), name, reader);
        Ok(clip)
    }

    async fn file(&self, (book, revision, path): &FileName) -> Result<SoundFile, String> {
        self.library.sound(book, *revision, path).await.map_err(|error| match error {
            LibraryError::NoSuchFile => "the book does not have its sound any more".to_owned(),
            error => {
                tracing::error!(%error, "the sound of a book cannot be read");
                "the sound of the book is out of reach".to_owned()
            }
        })
    }
}

/// Says that nobody waits any more when it goes.
struct SetWhenDropped(Arc<AtomicBool>);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type OpenFiles = Vec<(FileName, SoundReader)>;

fn lock(open: &Mutex<OpenFiles>) -> MutexGuard<'_, OpenFiles> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The reader of a file that comes to a moment the soonest, if one does without going back.
fn take(open: &mut OpenFiles, name: &FileName, begin: Duration) -> Option<SoundReader> {
    let ahead =
        open.iter().enumerate().filter(|(_, (of, reader))| of == name && reader.place() <= begin);
    let (at, _) = ahead.max_by_key(|(_, (_, reader))| reader.place())?;
    Some(open.remove(at).1)
}

fn keep(open: &mut OpenFiles, name: FileName, reader: SoundReader) {
    if open.len() >= MAX_OPEN {
        open.remove(0);
    }
    open.push((name, reader));
}

#[async_trait]
impl Engine for Overlays {
    fn name(&self) -> &str {
        NAME
    }

    fn voices(&self) -> &[Voice] {
        &self.voices
    }

    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn speaks_texts(&self) -> bool {
        false
    }

    fn time_limit(&self) -> Duration {
        TIME_LIMIT
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let clip = tokio::time::timeout(TIME_LIMIT, self.clip(utterance.text)).await;
        let timed_out = |_| VoiceError::TimedOut { program: SHOWN.into(), limit: TIME_LIMIT };
        clip.map_err(timed_out)?
            .map_err(|reason| VoiceError::NoAudio { program: SHOWN.into(), reason })
    }
}

/// Whether clips of such a key are cut from the sound of a book.
pub fn is_of(key: &VoiceKey) -> bool {
    key.engine == NAME
}

/// What the engine is asked to say for a sentence of a revision of a book.
pub fn place(book: &BookId, revision: u32, overlay: &Overlay) -> String {
    format!("{book}/{revision}/{overlay}")
}

fn parse(place: &str) -> Option<(BookId, u32, Overlay)> {
    let mut parts = place.splitn(3, '/');
    let (book, revision, overlay) = (parts.next()?, parts.next()?, parts.next()?);
    Some((book.parse().ok()?, revision.parse().ok()?, overlay.parse().ok()?))
}

/// How long what the engine is asked for is heard, as far as that is known, in milliseconds.
pub fn length_ms(place: &str) -> Option<u32> {
    parse(place)?.2.length_ms()
}

/// The samples of what was cut out from where the sentence begins to where it ends: at the quietest moment within reach
/// where that is an estimate. The sentence before finds the same one for its end, as both look at the same sound.
fn between_pauses<'c>(found: &'c Cut, overlay: &Overlay) -> &'c [i16] {
    let last = found.samples.len();
    let place = |moment: Moment| {
        let at = Duration::from_millis(moment.ms.into()).saturating_sub(found.begin);
        let at = found.index(at).min(last);
        let reach = found.index(Duration::from_millis(moment.reach_ms.into()));
        if reach == 0 {
            return at;
        }
        let range = at.saturating_sub(reach)..(at + reach).min(last);
        quietest(&found.samples, range, found.index(PAUSE))
    };
    let begin = place(overlay.begin);
    let end = overlay.end.map_or(last, place).max(begin);
    &found.samples[begin..end]
}

/// The middle of the quietest `width` samples within a range.
fn quietest(samples: &[i16], range: std::ops::Range<usize>, width: usize) -> usize {
    let step = (width / 8).max(1);
    let energy = |at: usize| -> u64 {
        let window = &samples[at..(at + width).min(range.end)];
        window.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum()
    };
    let last = range.end.saturating_sub(width).max(range.start);
    let quietest = (range.start..=last).step_by(step).min_by_key(|at| energy(*at));
    (quietest.unwrap_or(range.start) + width / 2).min(range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let book: BookId = "0123456789abcdef".parse().unwrap();
        let overlay: Overlay = "a/b #t=.mp3#t=1.500,2.000~300".parse().unwrap();
        let text = place(&book, 3, &overlay);
        assert_eq!(parse(&text), Some((book, 3, overlay)));
        assert_eq!(length_ms(&text), Some(500));
        for other in ["", "Some text.", "0123456789abcdef/x/a#t=1.0,2.0", "x/1/a#t=1.0,2.0"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn sentences_are_parted_in_the_pause_and_meet_there() {
        // Two sounds of a second with a pause of 0.2 s between them, at 1.0 s; the guess is 0.3 s off.
        let tone = |count: usize| (0..count).map(|n| ((n % 50) as i16 - 25) * 400);
        let samples = tone(8000).chain(std::iter::repeat_n(0, 1600)).chain(tone(8000));
        let found = |begin: u64| Cut {
            samples: samples.clone().skip(begin as usize * 8).collect(),
            sample_rate: 8000,
            begin: Duration::from_millis(begin),
        };
        let first: Overlay = "a#t=0.000,1.300~500".parse().unwrap();
        let second: Overlay = "a#t=1.300~500,2.200".parse().unwrap();
        let (whole, rest) = (found(0), found(800));
        let (first, second) = (between_pauses(&whole, &first), between_pauses(&rest, &second));
        assert!((8000..9600).contains(&first.len()), "{}", first.len());
        let total = first.len() + second.len();
        assert!(total.abs_diff(17_600) <= 60, "{total}");
    }
}
