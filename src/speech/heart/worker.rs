//! What the child process does: lines with sentences in, samples out.
//!
//! A request is a line of JSON ([`Request`]) on standard input. An answer is a line of JSON ([`Answer`]) on
//! standard output, and after it as many samples as it says: 16 bits, little-endian, 24 kHz. Answers come in
//! the order in which they are ready. When standard input ends, so does the process.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rten::ThreadPool;
use serde::{Deserialize, Serialize};

use super::loudness;
use super::model::{ModelError, VoiceModel};
use super::phonemes::{Piece, Pronouncer};
use super::vocoder::{HOP, SAMPLE_RATE, Vocoder};
use crate::children::{self, Limits};

/// Requests that may wait; more wait in the pipe.
const MAX_WAITING: usize = 64;
/// Seconds that a unit of the network's durations lasts: two frames.
const SECONDS_A_UNIT: f64 = (2 * HOP) as f64 / SAMPLE_RATE as f64;
/// Silence between the pieces of a sentence that is too long to be spoken at once, in samples.
const BETWEEN_PIECES: usize = SAMPLE_RATE as usize / 8;
/// What is quieter than this, of 1, is no sound.
const AUDIBLE: f32 = 0.004;
/// Samples left before and after the sound.
const EDGE: usize = SAMPLE_RATE as usize / 50;
/// Samples of a sentence: five minutes, which no sentence of a book takes.
pub const MAX_SAMPLES: usize = 300 * SAMPLE_RATE as usize;
/// Address space it may take besides what each sentence at once takes, in bytes. Measured are 160 MB in use.
const MEMORY: u64 = 1 << 30;
/// Address space for each sentence at once.
const MEMORY_A_SENTENCE: u64 = 256 << 20;
/// How far behind the server it stands: speech may be late, an answer to a reader may not.
const NICE: i32 = 5;

/// A sentence to be spoken.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The parent's name for it.
    pub id: u64,
    /// What to say.
    pub text: String,
    /// How fast, 1 being the voice's own speed.
    pub speed: f32,
}

/// A word, and the second at which it begins.
pub type TimedText = (String, f64);

/// What became of a request.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The request.
    pub id: u64,
    /// How many samples follow.
    pub samples: usize,
    /// Words, and when each begins, in seconds.
    pub words: Vec<TimedText>,
    /// Why it could not be spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The voice, as all threads share it.
struct Voice {
    model: VoiceModel,
    pronouncer: Pronouncer,
    vocoder: Vocoder,
}

/// Runs in the child process until its standard input ends.
pub fn run(folder: &Path, parallel: usize) -> ExitCode {
    let memory = MEMORY + parallel as u64 * MEMORY_A_SENTENCE;
    let limits = Limits { memory: Some(memory), ..Limits::default() };
    if let Err(error) = children::limit_self(limits) {
        eprintln!("earmark: the voice cannot be limited: {error}");
        return ExitCode::FAILURE;
    }
    #[cfg(unix)]
    let _ = rustix::process::nice(NICE);
    match serve(folder, parallel.max(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("earmark: the voice cannot speak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(folder: &Path, parallel: usize) -> Result<(), ModelError> {
    let voice = Voice {
        model: VoiceModel::load(folder)?,
        pronouncer: Pronouncer::load(folder)?,
        vocoder: Vocoder::new(),
    };
    let (sender, receiver) = sync_channel::<Request>(MAX_WAITING);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        for _ in 0..parallel {
            scope.spawn(|| speak_all(&voice, &receiver));
        }
        // It ends with its parent.
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(request) => drop(sender.send(request)),
                Err(error) => eprintln!("earmark: a request cannot be read: {error}"),
            }
        }
        drop(sender);
    });
    Ok(())
}

fn speak_all(voice: &Voice, requests: &Mutex<Receiver<Request>>) {
    let thread = Arc::new(ThreadPool::with_num_threads(1));
    loop {
        let request = requests.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(request) = request else { return };
        let id = request.id;
        // A sentence that a library stumbles over costs that sentence, and not the thread.
        let speaking = AssertUnwindSafe(|| voice.speak(&request, &thread));
        let spoken = catch_unwind(speaking)
            .unwrap_or_else(|_| Err(ModelError::Run("it stumbled over the sentence".to_owned())));
        let (answer, samples) = match spoken {
            Ok((samples, words)) => {
                (Answer { id, samples: samples.len(), words, error: None }, samples)
            }
            Err(error) => {
                let error = Some(error.to_string());
                (Answer { id, samples: 0, words: Vec::new(), error }, Vec::new())
            }
        };
        if write(&answer, &samples).is_err() {
            // Nobody listens any more.
            return;
        }
    }
}

fn write(answer: &Answer, samples: &[i16]) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(answer)?;
    bytes.push(b'\n');
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    let mut out = std::io::stdout().lock();
    out.write_all(&bytes)?;
    out.flush()
}

impl Voice {
    /// The samples of a text, and when its words begin.
    fn speak(
        &self,
        request: &Request,
        thread: &Arc<ThreadPool>,
    ) -> Result<(Vec<i16>, Vec<TimedText>), ModelError> {
        let (mut sound, mut words) = (Vec::new(), Vec::new());
        for piece in self.pronouncer.pieces(&request.text, &self.model)? {
            if !sound.is_empty() {
                sound.resize(sound.len() + BETWEEN_PIECES, 0.0);
            }
            self.speak_piece(&piece, request.speed, thread, &mut sound, &mut words)?;
            if sound.len() > MAX_SAMPLES {
                return Err(ModelError::Run("the sentence takes too long".to_owned()));
            }
        }
        loudness::level(&mut sound, SAMPLE_RATE);
        let samples = sound.iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16);
        Ok((samples.collect(), words))
    }

    fn speak_piece(
        &self,
        piece: &Piece,
        speed: f32,
        thread: &Arc<ThreadPool>,
        sound: &mut Vec<f32>,
        words: &mut Vec<TimedText>,
    ) -> Result<(), ModelError> {
        let voiced = self.model.speak(&piece.ids, speed, thread)?;
        let samples = self
            .vocoder
            .samples(&voiced.spectrum)
            .ok_or_else(|| ModelError::Run("it said nothing".to_owned()))?;
        if samples.iter().any(|sample| !sample.is_finite()) {
            return Err(ModelError::Run("it said what is no sound".to_owned()));
        }
        let is_audible = |sample: &f32| sample.abs() > AUDIBLE;
        let Some(first) = samples.iter().position(is_audible) else { return Ok(()) };
        let last = samples.iter().rposition(is_audible).unwrap_or(first);
        let kept = first.saturating_sub(EDGE)..(last + EDGE).min(samples.len());
        // Where the first kept sample comes to stand, less what was before it.
        let shift = (sound.len() as f64 - kept.start as f64) / f64::from(SAMPLE_RATE);
        let begins = |at: usize| {
            let units: f32 = voiced.durations.iter().take(at).sum();
            (f64::from(units) * SECONDS_A_UNIT + shift).max(0.0)
        };
        let onset = first as f64 / f64::from(SAMPLE_RATE) + shift;
        words.extend(piece.words.iter().enumerate().map(|(number, (word, at))| {
            // Nothing is heard before the first word; its opening quotation mark has a time, and no sound.
            (word.clone(), if number == 0 { onset } else { begins(*at) })
        }));
        sound.extend_from_slice(&samples[kept]);
        Ok(())
    }
}
