//! Heart's network: hibari, a distillation of one of Kokoro's voices into 8 MB. It predicts a spectrum, of
//! which the [`vocoder`] makes sound. Its sisters are of the same form, each a voice of its own.

mod vocoder;

use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, ThreadPool};
use rten_tensor::NdTensor;

use super::network::{self, ModelError, Network, Voiced, failed, node, numbers, on};
use vocoder::{Spectrum, Vocoder};

/// The network.
pub const NETWORK_FILE: &str = "hibari.onnx";
/// Names of the spectrum's parts in the network, and of how long each phoneme lasts.
const PARTS: [&str; 7] = ["lh", "theta", "ln", "lr", "phi", "f0", "/Clip_output_0"];

/// The network that speaks. Shared by threads.
pub struct Heart {
    model: Model,
    ids: NodeId,
    speed: NodeId,
    parts: [NodeId; PARTS.len()],
    vocoder: Vocoder,
}

impl Heart {
    /// Loads it from a folder.
    ///
    /// # Errors
    /// When its file is missing or damaged.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(NETWORK_FILE);
        let model = network::load(&path)?;
        let (ids, speed) = (node(&model, &path, "ids")?, node(&model, &path, "speed")?);
        let mut parts = [ids; PARTS.len()];
        for (part, name) in parts.iter_mut().zip(PARTS) {
            *part = node(&model, &path, name)?;
        }
        Ok(Self { model, ids, speed, parts, vocoder: Vocoder::new() })
    }
}

impl Network for Heart {
    fn speak(
        &self,
        ids: &[i32],
        _voice: &str,
        speed: f32,
        threads: &Arc<ThreadPool>,
    ) -> Result<Voiced, ModelError> {
        let input = NdTensor::from_data([1, ids.len()], ids.to_vec());
        let inputs = vec![(self.ids, input.into()), (self.speed, NdTensor::from([speed]).into())];
        let outputs = self.model.run_n(inputs, self.parts, on(threads)).map_err(failed)?;
        let mut planes = Vec::with_capacity(PARTS.len());
        for output in outputs {
            planes.push(numbers(output)?);
        }
        let planes: [Vec<f32>; PARTS.len()] =
            planes.try_into().map_err(|_| failed("parts are missing"))?;
        let [harmonics, turn, noise, free, phase, pitch, durations] = planes;
        let spectrum = Spectrum { harmonics, turn, noise, free, phase, pitch };
        let samples = self.vocoder.samples(&spectrum).ok_or_else(|| failed("it said nothing"))?;
        Ok(Voiced { samples, durations })
    }

    // Measured: a sentence on two threads takes as long as on one.
    fn gains_by_threads(&self) -> bool {
        false
    }
}
