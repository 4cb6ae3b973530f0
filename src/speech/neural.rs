//! Natural voices: networks that run in this program's own child processes.
//!
//! Text becomes phonemes ([`phonemes`]), and those sound by a network: [`heart`] of 8 MB, or [`kokoro`] of 330. It
//! is all pure Rust, and on one kind of processor always the same for the same text. The networks say how long
//! each phoneme lasts, so word times are exact.
//!
//! A voice runs in a child process of the same program ([`worker`], started by [`process`]): what it takes of
//! memory is given back when nobody listens, and what goes wrong in it takes nothing else down.

mod foreign;
pub mod heart;
pub mod kokoro;
pub mod network;
pub mod phonemes;
mod pieces;
mod process;
mod reader;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::model::Voice;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::packs::{Form, Pack, PackVoice, catalogue};
use super::registry::Places;
use super::{Capacity, Engine, FAST_ENOUGH, Utterance, VoiceError, encoding};
use crate::audio::{Clip, Pcm, TimedWord};
use crate::text::hash::hex;
use crate::text::language::primary_subtag;
use network::SAMPLE_RATE;
use phonemes::Accent;
use process::VoiceProcess;

/// How long it may take to tell which words of a book are in no lexicon: who asks has a list the less.
const GUESSED_LIMIT: Duration = Duration::from_secs(10);
/// Counts the changes of what is between a text and its sound; clips of another count are other clips.
const RULES: u32 = 1;
/// The longest that a sentence may take with Heart. On two cores thirty words take a quarter of a second, and a
/// processor without vector instructions is a tenth as fast.
const HEART_LIMIT: Duration = Duration::from_secs(30);
/// The longest that a sentence may take with Kokoro. Thirty words take five seconds on two cores, and eleven when
/// those are busy.
const KOKORO_LIMIT: Duration = Duration::from_secs(120);
/// What a voice says when it is tested, and to be chosen by: about four seconds.
pub const SAMPLE_SENTENCE: &str =
    "The rain had stopped before dawn, and the streets of the old town were shining.";
/// The same in a language that a voice speaks.
pub fn sample_sentence(language: &str) -> &'static str {
    match primary_subtag(language) {
        "es" => "La lluvia había cesado antes del alba, y brillaban las calles de la vieja ciudad.",
        "fr" => "La pluie avait cessé avant l’aube, et les rues de la vieille ville brillaient.",
        "it" => {
            "La pioggia era cessata prima dell’alba, e le strade della vecchia città brillavano."
        }
        "pt" => "A chuva tinha parado antes do amanhecer, e as ruas da velha cidade brilhavam.",
        _ => SAMPLE_SENTENCE,
    }
}

/// How long that lasts at least, and at most, in seconds.
const TEST_LENGTH: std::ops::Range<f64> = 2.0..10.0;
/// The loudest sample of a voice that is heard is above this, of 32,767.
const TEST_PEAK: u16 = 1_000;
/// A voice that seems too slow is heard again after each of these pauses: other sentences, or other programs, may have been
/// in its way, and what is found out is kept.
const MEASURED_AGAIN_AFTER: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];
/// The file that says how fast a voice spoke when it was tested on this machine.
const TIMES_REAL_FILE: &str = "times-real";

/// The files that make Heart's clips what they are: another file is another voice.
const HEART_FILES: [&str; 4] =
    [heart::NETWORK_FILE, network::VOCABULARY_FILE, "oov.onnx", "oov.json"];

/// An engine whose voices are in a pack.
pub struct Neural {
    pack: &'static Pack,
    process: Arc<VoiceProcess>,
    voices: Vec<Voice>,
    model: String,
    /// Sentences that it speaks at once.
    parallel: usize,
    /// Where it is kept how fast it speaks.
    notes: PathBuf,
    /// How fast it speaks, once it is known. A std mutex, never held across an await.
    times_real: Arc<Mutex<Measured>>,
}

/// How many times as fast as its sound lasts a voice speaks on this machine.
#[derive(Debug, Clone, Copy)]
enum Measured {
    /// It is not known; too slow when it was installed, perhaps.
    Not(Option<f64>),
    /// It is being measured, and seems too slow, perhaps.
    Now(Option<f64>),
    /// It is known.
    As(f64),
}

fn lock(measured: &Mutex<Measured>) -> MutexGuard<'_, Measured> {
    measured.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The engines of the packs that are here.
pub async fn find(places: &Places) -> Vec<Result<Arc<dyn Engine>, VoiceError>> {
    let mut found = Vec::new();
    let can_read = can_read(places);
    for pack in &catalogue::PACKS {
        match pack.folder(places).filter(|_| can_read) {
            Some(folder) => {
                let engine = Neural::new(pack, &folder, places).await;
                found.push(engine.map(|engine| Arc::new(engine) as Arc<dyn Engine>));
            }
            None if pack.name == catalogue::BUNDLED => {
                let reason = format!("its files are not in {}", places.voices.display());
                found.push(Err(VoiceError::NotStarted { program: pack.name.into(), reason }));
            }
            None => {}
        }
    }
    found
}

/// Whether the files are here by which every voice reads. They came with Heart.
pub fn can_read(places: &Places) -> bool {
    let reader = reader(places);
    let files = [Accent::American, Accent::British].map(Accent::reader_files);
    let files = files.iter().flat_map(|(network, alphabet)| [*network, *alphabet]);
    files.chain([network::VOCABULARY_FILE]).all(|file| reader.join(file).is_file())
}

fn is_english(language: &str) -> bool {
    primary_subtag(language) == "en"
}

/// Whether a program is installed.
async fn process_runs(program: &'static str) -> bool {
    super::process::run(program, ["--version"], "", super::process::SMALL_PROGRAM).await.is_ok()
}

fn reader(places: &Places) -> PathBuf {
    places.voices.join(catalogue::BUNDLED)
}

impl Neural {
    async fn new(pack: &'static Pack, folder: &Path, places: &Places) -> Result<Self, VoiceError> {
        let missing = |path: &Path, error: std::io::Error| VoiceError::NotStarted {
            program: pack.name.into(),
            reason: format!("{}: {error}", path.display()),
        };
        let hash = match pack.files.first() {
            // Its content was compared with this when it was installed.
            Some(network) => network.sha256[..8].to_owned(),
            None => {
                let mut hash = Sha256::new();
                for file in HEART_FILES {
                    let path = folder.join(file);
                    add_file(&mut hash, &path).await.map_err(|error| missing(&path, error))?;
                }
                hex(&hash.finalize()[..4])
            }
        };
        let voice = |voice: &PackVoice| Voice {
            id: voice.id(pack),
            name: voice.name.to_owned(),
            language: voice.language.to_owned(),
            engine: pack.name.to_owned(),
        };
        // Without espeak-ng only English is read.
        let reads_others = pack.voices.iter().any(|voice| !is_english(voice.language))
            && process_runs(foreign::PROGRAM).await;
        let has_reader = |voice: &&PackVoice| reads_others || is_english(voice.language);
        let notes = places.installed.join(format!("{}.{TIMES_REAL_FILE}", pack.name));
        let known = [folder.join(TIMES_REAL_FILE), notes.clone()];
        let mut times_real = Measured::Not(None);
        for file in known {
            let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
            match text.trim().parse() {
                Ok(number) if number >= FAST_ENOUGH => times_real = Measured::As(number),
                Ok(number) if file != notes => times_real = Measured::Not(Some(number)),
                _ => {}
            }
        }
        Ok(Self {
            pack,
            process: Arc::new(process_of(pack, folder, places)),
            voices: pack.voices.iter().filter(|voice| has_reader(voice)).map(voice).collect(),
            model: format!("{hash}-{RULES}"),
            parallel: places.parallel.max(1),
            notes,
            times_real: Arc::new(Mutex::new(times_real)),
        })
    }

    /// Hears how fast it speaks, if that is not known. It speaks already, so that loading it is not counted.
    fn measure(&self) {
        {
            let mut measured = lock(&self.times_real);
            let Measured::Not(before) = *measured else { return };
            *measured = Measured::Now(before);
        }
        let (pack, process) = (self.pack, Arc::clone(&self.process));
        let (notes, known) = (self.notes.clone(), Arc::clone(&self.times_real));
        tokio::spawn(async move {
            let now = |times_real| *lock(&known) = Measured::Now(Some(times_real));
            let measured = best_of(|| measure(pack, &process), now).await;
            let keep = async |times_real: f64| {
                if let Some(folder) = notes.parent() {
                    tokio::fs::create_dir_all(folder).await?;
                }
                tokio::fs::write(&notes, times_real.to_string()).await
            };
            // What seems slow is looked at again by the next server.
            if let Ok(times_real) = measured
                && times_real >= FAST_ENOUGH
                && let Err(error) = keep(times_real).await
            {
                tracing::debug!(%error, "how fast a voice speaks cannot be kept");
            }
            *lock(&known) = measured.map_or(Measured::Not(None), Measured::As);
        });
    }
}

fn process_of(pack: &Pack, folder: &Path, places: &Places) -> VoiceProcess {
    // What a voice of many languages is asked first is not known before.
    let first =
        pack.voices.first().filter(|_| pack.form == Form::Heart).map(|voice| voice.language);
    VoiceProcess::new(places, (folder, &reader(places)), first, time_limit(pack))
}

const fn time_limit(pack: &Pack) -> Duration {
    match pack.form {
        Form::Heart => HEART_LIMIT,
        Form::Kokoro => KOKORO_LIMIT,
    }
}

/// Has the voice of a pack whose files are in a folder say a sentence twice. How many times as fast as its
/// sound lasts it was the second time; or why it is not used.
pub async fn test(pack: &Pack, folder: &Path, places: &Places) -> Result<f64, String> {
    let process = process_of(pack, folder, places);
    measure(pack, &process).await?;
    measure(pack, &process).await
}

/// Keeps in a voice's folder how fast it spoke.
pub async fn keep_times_real(folder: &Path, times_real: f64) -> std::io::Result<()> {
    tokio::fs::write(folder.join(TIMES_REAL_FILE), times_real.to_string()).await
}

/// The best of as many measurements as it takes to be fast enough, or of all there are. What two of them say is told, that
/// nobody waits long for a voice which is too slow.
async fn best_of<M: Future<Output = Result<f64, String>>>(
    mut measure: impl FnMut() -> M,
    tell: impl Fn(f64),
) -> Result<f64, String> {
    let mut best = measure().await?;
    for pause in MEASURED_AGAIN_AFTER {
        if best >= FAST_ENOUGH {
            break;
        }
        tokio::time::sleep(pause).await;
        if let Ok(again) = measure().await {
            best = best.max(again);
            tell(best);
        }
    }
    Ok(best)
}

async fn measure(pack: &Pack, process: &VoiceProcess) -> Result<f64, String> {
    let voice = pack.voices.first().ok_or("it has no voice")?;
    let began = Instant::now();
    let asking = process.speak(SAMPLE_SENTENCE, voice.own, voice.language, 1.0);
    let spoken = tokio::time::timeout(time_limit(pack), asking).await;
    let (samples, words) =
        spoken.map_err(|_| "it takes too long")?.map_err(|failure| failure.to_string())?;
    let seconds = samples.len() as f64 / f64::from(SAMPLE_RATE);
    let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    if !TEST_LENGTH.contains(&seconds) || peak < TEST_PEAK {
        return Err(format!("it said {seconds:.1} seconds of something else"));
    }
    if words.last().is_none_or(|(_, begins)| *begins > seconds) {
        return Err("it does not say when words begin".to_owned());
    }
    Ok(seconds / began.elapsed().as_secs_f64())
}

/// Adds a file to a hash. It is read in parts, because what is once taken of memory stays.
async fn add_file(hash: &mut Sha256, path: &Path) -> std::io::Result<()> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut part = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut part).await?;
        if count == 0 {
            return Ok(());
        }
        hash.update(&part[..count]);
    }
}

#[async_trait]
impl Engine for Neural {
    fn name(&self) -> &str {
        self.pack.name
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn voices(&self) -> &[Voice] {
        &self.voices
    }

    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn is_natural(&self) -> bool {
        true
    }

    /// One that was installed is not on every worker: its sentences are in lanes of their own, which those that
    /// have it claim.
    fn capacity(&self) -> Capacity {
        match self.pack.name {
            catalogue::BUNDLED => Capacity::Shared,
            _ => Capacity::InProcess(self.parallel),
        }
    }

    fn times_real(&self) -> Option<f64> {
        match *lock(&self.times_real) {
            Measured::As(number) => Some(number),
            Measured::Not(slow) | Measured::Now(slow) => slow,
        }
    }

    fn times_words(&self) -> bool {
        true
    }

    fn takes_phonemes(&self) -> bool {
        true
    }

    fn time_limit(&self) -> Duration {
        time_limit(self.pack)
    }

    fn wake(&self) {
        self.process.wake();
    }

    async fn guessed(&self, words: &str, voice: &str) -> Option<Vec<String>> {
        let known = self.pack.voices.iter().find(|known| known.own == voice)?;
        let asked = self.process.guessed(words, known.language);
        tokio::time::timeout(GUESSED_LIMIT, asked).await.ok()?.ok()
    }

    async fn speak(&self, utterance: Utterance<'_>) -> Result<Clip, VoiceError> {
        let Utterance { text, speed, voice, .. } = utterance;
        let name = self.pack.name;
        let known = self.pack.voices.iter().find(|known| known.own == voice);
        let known = known.ok_or_else(|| VoiceError::NoSuchVoice(format!("{name}:{voice}")))?;
        let limit = self.time_limit();
        let speaking = self.process.speak(text, voice, known.language, speed as f32);
        let spoken = tokio::time::timeout(limit, speaking).await;
        let spoken = spoken.map_err(|_| VoiceError::TimedOut { program: name.into(), limit })?;
        let (samples, words) = spoken.map_err(|failure| VoiceError::Failed {
            program: name.into(),
            reason: failure.to_string(),
        })?;
        self.measure();
        let pcm = Pcm { samples, sample_rate: SAMPLE_RATE };
        if pcm.samples.is_empty() {
            if text.chars().any(|c| c.is_ascii_alphanumeric()) {
                let reason = "it has no sound for this".to_owned();
                return Err(VoiceError::NoAudio { program: name.into(), reason });
            }
            // Signs, or a script that it does not read.
            return encoding::encode(name, SAMPLE_RATE, Ok(pcm)).await;
        }
        let words = words.into_iter().map(|(word, seconds)| TimedWord { word, seconds }).collect();
        encoding::encode_checked(name, text, speed, pcm, Some(words)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

    use super::*;

    /// What is found out of a voice that is measured as these say, and what is told meanwhile.
    async fn found(mut measured: Vec<Result<f64, String>>) -> (Result<f64, String>, Vec<f64>) {
        measured.reverse();
        let told = Mutex::new(Vec::new());
        let best = best_of(
            || std::future::ready(measured.pop().expect("it is not measured so often")),
            |times| told.lock().unwrap().push(times),
        );
        let best = best.await;
        (best, told.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_voice_that_seems_slow_is_measured_again() {
        let failed = || Err("It was stopped.".to_owned());
        assert_eq!(found(vec![Ok(56.0)]).await, (Ok(56.0), vec![]));
        let busy = vec![Ok(0.5), Ok(0.8), failed(), Ok(40.0)];
        assert_eq!(found(busy).await, (Ok(40.0), vec![0.8, 40.0]));
        let slow = vec![Ok(0.5), Ok(0.4), Ok(0.6), Ok(0.5)];
        assert_eq!(found(slow).await, (Ok(0.6), vec![0.5, 0.6, 0.6]));
        assert_eq!(found(vec![failed()]).await, (failed(), vec![]));
    }
}
