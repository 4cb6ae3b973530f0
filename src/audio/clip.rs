//! The encoded audio of one sentence.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{WordTiming, mp3};

/// Whole MP3 frames, and how long they play.
#[derive(Clone, PartialEq, Eq)]
pub struct Clip {
    /// The frames, nothing before and nothing after them.
    pub bytes: Bytes,
    /// How long they are.
    pub length: ClipLength,
    /// When each word begins, where the engine says so.
    pub marks: Option<Arc<[WordTiming]>>,
}

/// How long a clip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipLength {
    /// Size of the encoded clip.
    pub bytes: u64,
    /// Samples a player decodes from it, encoder delay included.
    pub samples: u64,
    /// Samples a second.
    pub sample_rate: u32,
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clip").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Clip {
    /// Takes MP3 bytes for a clip if they are whole frames from the first byte to the last.
    pub fn from_mp3(bytes: Bytes) -> Option<Self> {
        let length = mp3::measure(&bytes)?;
        Some(Self { bytes, length, marks: None })
    }
}

impl ClipLength {
    /// How long it plays.
    pub fn duration(self) -> Duration {
        let rate = u64::from(self.sample_rate.max(1));
        Duration::from_millis(self.samples * 1000 / rate)
    }

    /// A clip followed by another.
    pub fn then(self, next: Self) -> Self {
        Self {
            bytes: self.bytes + next.bytes,
            samples: self.samples + next.samples,
            sample_rate: self.sample_rate,
        }
    }
}
