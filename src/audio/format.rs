//! The forms in which sound is asked for and answered.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The form in which sound travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum AudioFormat {
    /// WAV; encoded here.
    Wav,
    /// Samples without a header; encoded here.
    Pcm,
    /// MP3, mono; kept as it comes.
    Mp3,
}

impl AudioFormat {
    /// Its name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Pcm => "pcm",
            Self::Mp3 => "mp3",
        }
    }
}
