//! Kokoro's network: 82 million weights, which speak in as many voices as there are files of them. It sounds
//! better than [Heart](super::heart), and takes thirty times as long.

pub mod conversion;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rten::{Model, NodeId, ThreadPool};
use rten_tensor::NdTensor;

use super::network::{self, ModelError, Network, Voiced, failed, node, numbers, on};

/// The network, as [`conversion`] writes it.
pub const NETWORK_FILE: &str = "kokoro.onnx";
/// How long each phoneme lasts, in the network.
const DURATIONS: &str = "/encoder/Clip_output_0";
/// Numbers that a style has.
const STYLE: usize = 256;
/// Styles of a voice: one for each number of phonemes from one to so many.
const STYLES: usize = 510;

/// The network that speaks. Shared by threads.
pub struct Kokoro {
    model: Model,
    tokens: NodeId,
    style: NodeId,
    speed: NodeId,
    parts: [NodeId; 2],
    /// Where voices are.
    folder: std::path::PathBuf,
    /// Those that have spoken. Each is half a megabyte, and there are as many as files.
    voices: Mutex<HashMap<String, Arc<Vec<f32>>>>,
}

impl Kokoro {
    /// Loads it from a folder.
    ///
    /// # Errors
    /// When its file is missing or damaged.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(NETWORK_FILE);
        let model = network::load(&path)?;
        let node = |name| node(&model, &path, name);
        let (tokens, style, speed) = (node("tokens")?, node("style")?, node("speed")?);
        let parts = [node("audio")?, node(DURATIONS)?];
        let (folder, voices) = (folder.to_owned(), Mutex::default());
        Ok(Self { model, tokens, style, speed, parts, folder, voices })
    }

    /// The styles of a voice.
    fn voice(&self, name: &str) -> Result<Arc<Vec<f32>>, ModelError> {
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(styles) = voices.get(name) {
            return Ok(Arc::clone(styles));
        }
        // The name of a file and of nothing else.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            return Err(failed(format!("there is no voice {name}")));
        }
        let path = self.folder.join(voice_file(name));
        let bytes = std::fs::read(&path).map_err(|error| ModelError::File(path.clone(), error))?;
        let numbers = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let styles: Vec<f32> = numbers.collect();
        if styles.len() != STYLE * STYLES {
            return Err(ModelError::Format(path, "it is not whole".to_owned()));
        }
        let styles = Arc::new(styles);
        voices.insert(name.to_owned(), Arc::clone(&styles));
        Ok(styles)
    }
}

/// The file of a voice.
pub fn voice_file(name: &str) -> String {
    format!("{name}.bin")
}

impl Network for Kokoro {
    fn speak(
        &self,
        ids: &[i32],
        voice: &str,
        speed: f32,
        threads: &Arc<ThreadPool>,
    ) -> Result<Voiced, ModelError> {
        let styles = self.voice(voice)?;
        // Both edges are no phonemes.
        let row = ids.len().saturating_sub(3).min(STYLES - 1);
        let style = styles[row * STYLE..(row + 1) * STYLE].to_vec();
        let inputs = vec![
            (self.tokens, NdTensor::from_data([1, ids.len()], ids.to_vec()).into()),
            (self.style, NdTensor::from_data([1, STYLE], style).into()),
            (self.speed, NdTensor::from([speed]).into()),
        ];
        let [audio, durations] =
            self.model.run_n(inputs, self.parts, on(threads)).map_err(failed)?;
        Ok(Voiced { samples: numbers(audio)?, durations: numbers(durations)? })
    }

    fn gains_by_threads(&self) -> bool {
        true
    }
}
