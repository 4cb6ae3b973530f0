//! What the child process does: lines with sentences in, samples out.
//!
//! A request is a line of JSON ([`Request`]) on standard input. An answer is a line of JSON ([`Answer`]) on
//! standard output, and after it as many samples as it says: 16 bits, little-endian, 24 kHz. Answers come in
//! the order in which they are ready. When standard input ends, so does the process.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rten::ThreadPool;
use serde::{Deserialize, Serialize};

use super::foreign::ForeignReader;
use super::network::{
    ModelError, Network, SAMPLE_RATE, SECONDS_A_UNIT, Vocabulary, Voiced, load_network,
};
use super::phonemes::{Accent, Pronouncer};
use super::pieces::Piece;
use crate::children::{self, Limits};
use crate::text::language::primary_subtag;

/// Requests that may wait; more wait in the pipe.
const MAX_WAITING: usize = 64;
/// Silence between the pieces of a sentence that is too long to be spoken at once, in samples.
const BETWEEN_PIECES: usize = SAMPLE_RATE as usize / 8;
/// What is quieter than this, of 1, is no sound.
const AUDIBLE: f32 = 0.004;
/// Samples left before and after the sound.
const EDGE: usize = SAMPLE_RATE as usize / 50;
/// Samples of a sentence: five minutes, which no sentence of a book takes.
pub const MAX_SAMPLES: usize = 300 * SAMPLE_RATE as usize;
/// Address space it may take besides its network and what each sentence at once takes, in bytes. Measured are
/// 180 MB in use with Heart.
const MEMORY: u64 = 1 << 30;
/// Address space for each sentence at once, and once more for every so many bytes of the network.
const MEMORY_A_SENTENCE: u64 = 256 << 20;
/// How often the network's size may be taken: its file as it is read, the weights, and those arranged for
/// multiplication.
const NETWORK_TIMES: u64 = 4;
/// How far behind the server it stands: speech may be late, an answer to a reader may not.
const NICE: i32 = 5;

/// A sentence to be spoken.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The parent's name for it.
    pub id: u64,
    /// What to say.
    pub text: String,
    /// The network's own name for one of its voices.
    pub voice: String,
    /// What the voice speaks.
    pub language: String,
    /// How fast, 1 being the voice's own speed.
    pub speed: f32,
    /// Nothing is to be spoken: the answer names the words of the text that no lexicon has.
    #[serde(default)]
    pub only_guessed: bool,
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

/// Who reads English in an accent, once it is loaded.
#[derive(Default)]
struct Loaded(Mutex<Option<Arc<Pronouncer>>>);

/// The voices, as all threads share them.
struct Voices {
    network: Box<dyn Network>,
    /// The folder with what is needed to read.
    reader: PathBuf,
    american: Loaded,
    british: Loaded,
    /// Those of other languages, by language; there are as many as the voices speak.
    foreign: Mutex<HashMap<String, Arc<ForeignReader>>>,
    /// As many threads as there are sentences at once, for a sentence that is alone.
    all_threads: Arc<ThreadPool>,
    /// Sentences that are being spoken.
    speaking: AtomicUsize,
}

/// Runs in the child process until its standard input ends. The network is in `folder`, what is needed to read in
/// `reader`; `first` is the language of the first sentence, where that is known.
pub fn run(folder: &Path, reader: &Path, parallel: usize, first: Option<&str>) -> ExitCode {
    let parallel = parallel.max(1);
    let network = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size: u64 = network.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
    let sentences = parallel as u64 * MEMORY_A_SENTENCE;
    // What a sentence takes grows with the network.
    let memory = MEMORY + sentences + NETWORK_TIMES * size * (1 + parallel as u64);
    let limits = Limits { memory: Some(memory), ..Limits::default() };
    if let Err(error) = children::limit_self(limits) {
        eprintln!("earmark: the voice cannot be limited: {error}");
        return ExitCode::FAILURE;
    }
    match serve(folder, reader, parallel, first) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("earmark: the voice cannot speak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(
    folder: &Path,
    reader: &Path,
    parallel: usize,
    first: Option<&str>,
) -> Result<(), ModelError> {
    let (american, british) = (Loaded::default(), Loaded::default());
    // The lexicons take three times as long to load as the network: somebody waits for the first sentence.
    let network = std::thread::scope(|scope| {
        if let Some(language) = first.filter(|tag| primary_subtag(tag) == "en") {
            let loaded =
                if Accent::of(language) == Accent::American { &american } else { &british };
            // What goes wrong is said when somebody asks.
            scope.spawn(|| loaded.get(reader, Accent::of(language)).map(drop));
        }
        load_network(folder)
    })?;
    // Not before: somebody may wait for the first sentence. All threads are of the group that the process is.
    #[cfg(unix)]
    let _ = rustix::process::setpriority_pgrp(None, NICE);
    let threads = if network.gains_by_threads() { parallel } else { 1 };
    let voices = Voices {
        network,
        reader: reader.to_owned(),
        american,
        british,
        foreign: Mutex::default(),
        all_threads: Arc::new(ThreadPool::with_num_threads(threads)),
        speaking: AtomicUsize::new(0),
    };
    let (sender, receiver) = sync_channel::<Request>(MAX_WAITING);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        for _ in 0..parallel {
            scope.spawn(|| speak_all(&voices, &receiver));
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

fn speak_all(voices: &Voices, requests: &Mutex<Receiver<Request>>) {
    let own_thread = Arc::new(ThreadPool::with_num_threads(1));
    loop {
        let request = lock(requests).recv();
        let Ok(request) = request else { return };
        let id = request.id;
        let is_alone = voices.speaking.fetch_add(1, Ordering::Relaxed) == 0;
        let threads = if is_alone { &voices.all_threads } else { &own_thread };
        // A sentence that a library stumbles over costs that sentence, and not the thread.
        let speaking = AssertUnwindSafe(|| voices.speak(&request, threads));
        let spoken = catch_unwind(speaking)
            .unwrap_or_else(|_| Err(ModelError::Run("it stumbled over the sentence".to_owned())));
        voices.speaking.fetch_sub(1, Ordering::Relaxed);
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(answer: &Answer, samples: &[i16]) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(answer)?;
    bytes.push(b'\n');
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    let mut out = std::io::stdout().lock();
    out.write_all(&bytes)?;
    out.flush()
}

impl Loaded {
    /// The reader of an accent, loaded by whoever asks first while the others wait.
    fn get(&self, reader: &Path, accent: Accent) -> Result<Arc<Pronouncer>, ModelError> {
        let mut loaded = lock(&self.0);
        if let Some(pronouncer) = &*loaded {
            return Ok(Arc::clone(pronouncer));
        }
        let pronouncer = Arc::new(Pronouncer::load(reader, accent)?);
        *loaded = Some(Arc::clone(&pronouncer));
        Ok(pronouncer)
    }
}

impl Voices {
    fn pronouncer(&self, accent: Accent) -> Result<Arc<Pronouncer>, ModelError> {
        let loaded = match accent {
            Accent::American => &self.american,
            Accent::British => &self.british,
        };
        loaded.get(&self.reader, accent)
    }

    /// The phonemes of a text.
    fn pieces(&self, text: &str, language: &str) -> Result<Vec<Piece>, ModelError> {
        if primary_subtag(language) == "en" {
            return self.pronouncer(Accent::of(language))?.pieces(text);
        }
        let known = lock(&self.foreign).get(language).map(Arc::clone);
        let reader = match known {
            Some(reader) => reader,
            None => {
                let reader = ForeignReader::new(language, Vocabulary::load(&self.reader)?);
                let reader = Arc::new(reader);
                lock(&self.foreign).insert(language.to_owned(), Arc::clone(&reader));
                reader
            }
        };
        reader.pieces(text)
    }

    /// The words that no lexicon has, in a language that is read by lexicons.
    fn guessed(&self, words: &str, language: &str) -> Result<Vec<TimedText>, ModelError> {
        if primary_subtag(language) != "en" {
            return Ok(Vec::new());
        }
        let pronouncer = self.pronouncer(Accent::of(language))?;
        let guessed = words.split_whitespace().filter(|word| pronouncer.is_guessed(word));
        Ok(guessed.map(|word| (word.to_owned(), 0.0)).collect())
    }

    /// The samples of a text, and when its words begin.
    fn speak(
        &self,
        request: &Request,
        threads: &Arc<ThreadPool>,
    ) -> Result<(Vec<i16>, Vec<TimedText>), ModelError> {
        if request.only_guessed {
            return Ok((Vec::new(), self.guessed(&request.text, &request.language)?));
        }
        let (mut sound, mut words) = (Vec::new(), Vec::new());
        for piece in self.pieces(&request.text, &request.language)? {
            if !sound.is_empty() {
                sound.resize(sound.len() + BETWEEN_PIECES, 0.0);
            }
            let Request { voice, speed, .. } = request;
            let voiced = self.network.speak(&piece.ids, voice, *speed, threads)?;
            add_piece(&piece, &voiced, &mut sound, &mut words)?;
            if sound.len() > MAX_SAMPLES {
                return Err(ModelError::Run("the sentence takes too long".to_owned()));
            }
        }
        // What goes beyond full scale would be cut off; the whole sentence is softened instead.
        let peak = sound.iter().fold(1.0_f32, |peak, sample| peak.max(sample.abs()));
        let samples = sound.iter().map(|sample| (sample / peak * 32_767.0) as i16);
        Ok((samples.collect(), words))
    }
}

/// Adds the sound of a piece, without the silence around it, and when its words begin.
fn add_piece(
    piece: &Piece,
    voiced: &Voiced,
    sound: &mut Vec<f32>,
    words: &mut Vec<TimedText>,
) -> Result<(), ModelError> {
    let samples = &voiced.samples;
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
