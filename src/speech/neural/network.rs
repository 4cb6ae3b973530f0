//! What the networks that speak have in common, however they are built.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;
use serde::Deserialize;
use thiserror::Error;

use super::heart::Heart;
use super::kokoro::{self, Kokoro};

/// Samples a second of what they say.
pub const SAMPLE_RATE: u32 = 24_000;
/// Seconds that a unit of their durations lasts.
pub const SECONDS_A_UNIT: f64 = 0.025;
/// The numbers of phonemes, the same in all of them: those that Kokoro was trained with.
pub const VOCABULARY_FILE: &str = "vocab.json";

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

/// What one sentence of phonemes becomes.
pub struct Voiced {
    /// What it sounds like: samples between -1 and 1, [`SAMPLE_RATE`] a second.
    pub samples: Vec<f32>,
    /// How long each phoneme lasts, in units of [`SECONDS_A_UNIT`].
    pub durations: Vec<f32>,
}

/// A network that speaks phonemes. Shared by threads.
pub trait Network: Send + Sync {
    /// Speaks the numbers of phonemes in one of its voices, on the threads given.
    ///
    /// # Errors
    /// When it has no such voice, or fails.
    fn speak(
        &self,
        ids: &[i32],
        voice: &str,
        speed: f32,
        threads: &Arc<ThreadPool>,
    ) -> Result<Voiced, ModelError>;

    /// Whether more than one thread makes one sentence sooner.
    fn gains_by_threads(&self) -> bool;
}

/// Loads the network whose files are in a folder.
///
/// # Errors
/// When they are missing or damaged.
pub fn load_network(folder: &Path) -> Result<Box<dyn Network>, ModelError> {
    if folder.join(kokoro::NETWORK_FILE).is_file() {
        Ok(Box::new(Kokoro::load(folder)?))
    } else {
        Ok(Box::new(Heart::load(folder)?))
    }
}

/// The numbers of phonemes.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Vocabulary(HashMap<char, i32>);

impl Vocabulary {
    /// Loads it from a folder.
    ///
    /// # Errors
    /// When its file is missing or damaged.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        read_json(&folder.join(VOCABULARY_FILE))
    }

    /// The number of a phoneme, if the networks have it.
    pub fn id(&self, phoneme: char) -> Option<i32> {
        self.0.get(&phoneme).copied()
    }
}

/// Reads a JSON file.
pub(super) fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ModelError> {
    let text = std::fs::read(path).map_err(|error| ModelError::File(path.to_owned(), error))?;
    serde_json::from_slice(&text)
        .map_err(|error| ModelError::Format(path.to_owned(), error.to_string()))
}

pub(super) fn load(path: &Path) -> Result<Model, ModelError> {
    let unusable = |error: rten::LoadError| ModelError::Format(path.to_owned(), error.to_string());
    Model::load_file(path).map_err(unusable)
}

pub(super) fn node(model: &Model, path: &Path, name: &str) -> Result<NodeId, ModelError> {
    let missing = || ModelError::Format(path.to_owned(), format!("it has no {name}"));
    model.find_node(name).ok_or_else(missing)
}

pub(super) fn failed(error: impl std::fmt::Display) -> ModelError {
    ModelError::Run(error.to_string())
}

pub(super) fn numbers(value: Value) -> Result<Vec<f32>, ModelError> {
    let tensor: Tensor<f32> = value.try_into().map_err(failed)?;
    Ok(tensor.to_vec())
}

pub(super) fn on(threads: &Arc<ThreadPool>) -> Option<RunOptions> {
    let mut options = RunOptions::default();
    options.thread_pool = Some(Arc::clone(threads));
    Some(options)
}
