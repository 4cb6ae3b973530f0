//! The networks: one that speaks, and one that reads words that no lexicon has.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use misaki_rs::Fallback;
use misaki_rs::fallback::FallbackError;
use rten::{Model, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};
use serde::Deserialize;
use thiserror::Error;

use super::vocoder::Spectrum;

/// The network that speaks.
pub const VOICE_FILE: &str = "hibari.onnx";
/// The numbers of phonemes.
pub const VOCABULARY_FILE: &str = "vocab.json";
/// The network that reads words.
pub const READER_FILE: &str = "oov.onnx";
/// Its letters and phonemes.
pub const READER_ALPHABET_FILE: &str = "oov.json";

/// All of them: another file is another voice.
pub const FILES: [&str; 4] = [VOICE_FILE, VOCABULARY_FILE, READER_FILE, READER_ALPHABET_FILE];

/// Names of the spectrum's parts in the voice, and of how long each phoneme lasts.
const PARTS: [&str; 7] = ["lh", "theta", "ln", "lr", "phi", "f0", "/Clip_output_0"];
/// Letters of a word that are read; no word of a language is longer.
const MAX_LETTERS: usize = 48;

/// Why a voice cannot be used.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(PathBuf, std::io::Error),
    /// A file is not what it should be.
    #[error("{0} is not usable: {1}")]
    Format(PathBuf, String),
    /// A network gave up.
    #[error("the network failed: {0}")]
    Run(String),
}

/// Reads a JSON file.
pub fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ModelError> {
    let text = std::fs::read(path).map_err(|error| ModelError::File(path.to_owned(), error))?;
    serde_json::from_slice(&text)
        .map_err(|error| ModelError::Format(path.to_owned(), error.to_string()))
}

fn load(path: &Path) -> Result<Model, ModelError> {
    let unusable = |error: rten::LoadError| ModelError::Format(path.to_owned(), error.to_string());
    Model::load_file(path).map_err(unusable)
}

fn node(model: &Model, path: &Path, name: &str) -> Result<NodeId, ModelError> {
    let missing = || ModelError::Format(path.to_owned(), format!("it has no {name}"));
    model.find_node(name).ok_or_else(missing)
}

fn failed(error: impl std::fmt::Display) -> ModelError {
    ModelError::Run(error.to_string())
}

fn numbers(value: Value) -> Result<Vec<f32>, ModelError> {
    let tensor: Tensor<f32> = value.try_into().map_err(failed)?;
    Ok(tensor.to_vec())
}

/// What one sentence of phonemes becomes.
pub struct Voiced {
    /// What it sounds like.
    pub spectrum: Spectrum,
    /// How long each phoneme lasts, in units of 25 ms.
    pub durations: Vec<f32>,
}

/// The network that speaks. Shared by threads.
pub struct VoiceModel {
    model: Model,
    ids: NodeId,
    speed: NodeId,
    parts: [NodeId; PARTS.len()],
    vocabulary: HashMap<char, i32>,
}

impl VoiceModel {
    /// Loads it from a folder.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(VOICE_FILE);
        let model = load(&path)?;
        let (ids, speed) = (node(&model, &path, "ids")?, node(&model, &path, "speed")?);
        let mut parts = [ids; PARTS.len()];
        for (part, name) in parts.iter_mut().zip(PARTS) {
            *part = node(&model, &path, name)?;
        }
        let vocabulary = read_json(&folder.join(VOCABULARY_FILE))?;
        Ok(Self { model, ids, speed, parts, vocabulary })
    }

    /// The number of a phoneme, if the voice has it.
    pub fn id(&self, phoneme: char) -> Option<i32> {
        self.vocabulary.get(&phoneme).copied()
    }

    /// Speaks phonemes, on one thread.
    pub fn speak(
        &self,
        ids: &[i32],
        speed: f32,
        thread: &Arc<ThreadPool>,
    ) -> Result<Voiced, ModelError> {
        let input = NdTensor::from_data([1, ids.len()], ids.to_vec());
        let inputs = vec![(self.ids, input.into()), (self.speed, NdTensor::from([speed]).into())];
        let outputs = self.model.run_n(inputs, self.parts, on(thread)).map_err(failed)?;
        let mut planes = Vec::with_capacity(PARTS.len());
        for output in outputs {
            planes.push(numbers(output)?);
        }
        let planes: [Vec<f32>; PARTS.len()] =
            planes.try_into().map_err(|_| failed("parts are missing"))?;
        let [harmonics, turn, noise, free, phase, pitch, durations] = planes;
        let spectrum = Spectrum { harmonics, turn, noise, free, phase, pitch };
        Ok(Voiced { spectrum, durations })
    }
}

fn on(thread: &Arc<ThreadPool>) -> Option<RunOptions> {
    let mut options = RunOptions::default();
    options.thread_pool = Some(Arc::clone(thread));
    Some(options)
}

/// The letters a reader knows, and the phonemes it answers with.
#[derive(Deserialize)]
struct Alphabet {
    #[serde(rename = "in")]
    letters: Vec<char>,
    #[serde(rename = "out")]
    phonemes: Vec<char>,
}

/// The network that reads words that no lexicon has: names, mostly.
pub struct Reader {
    model: Model,
    chars: NodeId,
    ids: NodeId,
    letters: HashMap<char, i32>,
    phonemes: Vec<char>,
    thread: Arc<ThreadPool>,
}

impl Reader {
    /// Loads it from a folder.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(READER_FILE);
        let model = load(&path)?;
        let (chars, ids) = (node(&model, &path, "chars")?, node(&model, &path, "ids")?);
        let alphabet: Alphabet = read_json(&folder.join(READER_ALPHABET_FILE))?;
        // Nought is for nothing.
        let letters = alphabet.letters.into_iter().zip(1..).collect();
        let thread = Arc::new(ThreadPool::with_num_threads(1));
        Ok(Self { model, chars, ids, letters, phonemes: alphabet.phonemes, thread })
    }

    fn read(&self, word: &str) -> Result<String, ModelError> {
        let letters = word.chars().filter_map(|letter| self.letters.get(&letter).copied());
        let letters: Vec<i32> = letters.take(MAX_LETTERS).collect();
        if letters.is_empty() {
            return Ok(String::new());
        }
        let input = NdTensor::from_data([1, letters.len()], letters);
        let inputs = vec![(self.chars, input.into())];
        let [output] = self.model.run_n(inputs, [self.ids], on(&self.thread)).map_err(failed)?;
        let output: Tensor<i32> = output.try_into().map_err(failed)?;
        // Connectionist temporal classification: a phoneme lasts over several places, and nought is between
        // two that are alike (Graves et al. 2006).
        let (mut phonemes, mut last) = (String::new(), 0);
        for id in output.to_vec() {
            let phoneme = usize::try_from(id - 1).ok().and_then(|at| self.phonemes.get(at));
            if let (true, Some(phoneme)) = (id != last, phoneme) {
                phonemes.push(*phoneme);
            }
            last = id;
        }
        Ok(phonemes)
    }
}

impl Fallback for Reader {
    fn phonemize(&self, word: &str) -> Result<String, FallbackError> {
        Ok(self.read(word).unwrap_or_default())
    }
}
