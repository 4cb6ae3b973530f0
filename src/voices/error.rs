//! Why no sound came, in words for the person who waits for it.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name of a voice program or service.
pub type Program = Cow<'static, str>;

/// Why no sound came.
/// Travels between processes as JSON: who waits in one is told what happened in another.
#[derive(Debug, Error, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoiceError {
    /// No engine is there that has this voice.
    #[error("There is no voice “{0}”.")]
    NoSuchVoice(String),
    /// The program is not installed or cannot be started.
    #[error("The voice program “{program}” cannot be started: {reason}.")]
    NotStarted {
        /// What was to be started.
        program: Program,
        /// What the system said.
        reason: String,
    },
    /// It did not end within its time.
    #[error("The voice “{program}” did not answer within {} seconds.", limit.as_secs())]
    TimedOut {
        /// What was running.
        program: Program,
        /// How long it may run.
        limit: Duration,
    },
    /// It ended with an error.
    #[error("The voice program “{program}” failed: {reason}.")]
    Failed {
        /// What was running.
        program: Program,
        /// Its exit status and last words.
        reason: String,
    },
    /// What it returned is not audio, or not that of the sentence. (Silence from a program is: the
    /// engine had no words for the text.)
    #[error("The voice “{program}” returned no usable audio: {reason}.")]
    NoAudio {
        /// What was running.
        program: Program,
        /// What is wrong with it.
        reason: String,
    },
    /// The service does not accept the key (401, 403).
    #[error(
        "“{engine}” does not accept its key: {reason} Check the key under Engines, or choose another voice."
    )]
    Refused {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
    },
    /// What was paid for is used up (402, or a code that says so).
    #[error(
        "The quota of “{engine}” is used up: {reason} Add to it there, or choose another voice."
    )]
    Exhausted {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
    },
    /// The service does not take this request (400, 404, 422).
    #[error(
        "“{engine}” does not take this: {reason} Check its settings under Engines, or choose another voice."
    )]
    Rejected {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
    },
    /// Too many requests (429), also after waiting.
    #[error("“{engine}” is busy: {reason} Try again in a minute, or choose another voice.")]
    Busy {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
    },
    /// The service is out of reach or fails (no connection, 5xx, an answer that breaks off).
    #[error("“{engine}” cannot be reached: {reason} Try again, or choose another voice.")]
    Unreachable {
        /// The engine's name.
        engine: String,
        /// What happened.
        reason: String,
    },
}

impl VoiceError {
    /// Whether another try may go better without anybody doing something about it.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Exhausted { .. } | Self::Rejected { .. })
    }
}
