//! The network that reads words that no lexicon has.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use misaki_rs::Fallback;
use misaki_rs::fallback::FallbackError;
use rten::{Model, NodeId, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};
use serde::Deserialize;

use super::network::{self, ModelError, failed, node, on, read_json};
use super::phonemes::Accent;

/// Letters of a word that are read; no word of a language is longer.
const MAX_LETTERS: usize = 48;

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
    pub fn load(folder: &Path, accent: Accent) -> Result<Self, ModelError> {
        let (file, alphabet) = accent.reader_files();
        let path = folder.join(file);
        let model = network::load(&path)?;
        let (chars, ids) = (node(&model, &path, "chars")?, node(&model, &path, "ids")?);
        let alphabet: Alphabet = read_json(&folder.join(alphabet))?;
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

thread_local! {
    /// Words that this thread has come to the network with, while it counts them instead of having them read.
    static COUNTED: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Does something that reads words, and tells whether that came to the network, which is spared the work.
pub(super) fn needs_network(reads: impl FnOnce()) -> bool {
    COUNTED.set(Some(0));
    reads();
    COUNTED.take().is_some_and(|words| words > 0)
}

impl Fallback for Reader {
    fn phonemize(&self, word: &str) -> Result<String, FallbackError> {
        if let Some(words) = COUNTED.get() {
            COUNTED.set(Some(words + 1));
            return Ok(String::new());
        }
        Ok(self.read(word).unwrap_or_default())
    }
}
