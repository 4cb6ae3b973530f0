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
    /// Too many requests (429).
    #[error("“{engine}” is busy: {reason} Try again in a minute, or choose another voice.")]
    Busy {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
        /// When it wants to be asked again, in milliseconds, if it said so.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// The service is out of reach or fails (no connection, 5xx, an answer that breaks off).
    #[error("“{engine}” cannot be reached: {reason} Try again, or choose another voice.")]
    Unreachable {
        /// The engine's name.
        engine: String,
        /// What happened.
        reason: String,
        /// When it wants to be asked again, in milliseconds, if it said so.
        #[serde(default)]
        retry_after_ms: Option<u64>,
        /// Whether it had done the work when its answer broke off.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        may_have_cost: bool,
    },
    /// The service did not answer within its time limit; it may have charged nevertheless.
    #[error(
        "“{engine}” did not answer within {seconds} seconds. Try again, choose another voice, or give it more time under Engines."
    )]
    TooSlow {
        /// The engine's name.
        engine: String,
        /// The limit it did not keep.
        seconds: u16,
    },
    /// What the person who asked may spend is used up; the engine was not asked.
    #[error("{}", over_allowance(*.allowance, .payer))]
    OverAllowance {
        /// Characters a month.
        allowance: u64,
        /// Whose they are.
        #[serde(default)]
        payer: String,
    },
    /// What the operator lets the engine speak is used up; it was not asked.
    #[error(
        "The budget of “{engine}” is used up: {reason} Raise it under Engines, or choose another voice."
    )]
    OverBudget {
        /// The engine's name.
        engine: String,
        /// Which budget, and how much of it is used.
        reason: String,
    },
}

/// Whoever has nothing to spend, in the place of a person: no id is like it.
pub const NO_PAYER: &str = "nobody";

fn over_allowance(allowance: u64, payer: &str) -> String {
    match allowance {
        _ if payer == NO_PAYER => {
            "This token is not for voices that cost money: make one for “spend”, or choose another voice.".to_owned()
        }
        0 => "This voice costs money, and is not open to you. Choose another, or ask whoever runs this place.".to_owned(),
        _ => format!(
            "This would be more than the {allowance} characters a month that you may have spoken by voices that cost \
             money. Choose another voice, or ask whoever runs this place for more."
        ),
    }
}

/// What a failure of one sentence means for the other sentences of its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the engine answered, and the fault is in this sentence or its settings.
    None,
    /// The engine may be failing; several such failures in a row mean that it is.
    Failing,
    /// The engine asks to be left alone for so long.
    Rest(Duration),
    /// The engine does not speak until a person does something about it.
    Parked,
}

/// How long an engine that is busy rests when it does not say.
const BUSY_REST: Duration = Duration::from_secs(2);
/// Services say 0 as well.
const MIN_REST: Duration = Duration::from_millis(200);
/// Longest rest that an engine may ask for.
const MAX_REST: Duration = Duration::from_secs(600);

impl VoiceError {
    /// Whether another try may go better without anybody doing something about it.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Rejected { .. } | Self::OverAllowance { .. })
            && self.effect() != Effect::Parked
    }

    /// What it means for the other sentences of the engine.
    pub fn effect(&self) -> Effect {
        let rest = |ms: &u64| Duration::from_millis(*ms).clamp(MIN_REST, MAX_REST);
        match self {
            Self::Busy { retry_after_ms, .. } => {
                Effect::Rest(retry_after_ms.as_ref().map_or(BUSY_REST, rest))
            }
            Self::Unreachable { retry_after_ms: Some(ms), .. } => Effect::Rest(rest(ms)),
            Self::Unreachable { .. } | Self::TooSlow { .. } => Effect::Failing,
            Self::Refused { .. } | Self::Exhausted { .. } | Self::OverBudget { .. } => {
                Effect::Parked
            }
            Self::NoSuchVoice(_)
            | Self::NotStarted { .. }
            | Self::TimedOut { .. }
            | Self::Failed { .. }
            | Self::NoAudio { .. }
            | Self::OverAllowance { .. }
            | Self::Rejected { .. } => Effect::None,
        }
    }

    /// Whether the engine may have done the work nevertheless, and charged for it.
    pub fn may_have_cost(&self) -> bool {
        match self {
            Self::TooSlow { .. } | Self::NoAudio { .. } | Self::TimedOut { .. } => true,
            Self::Unreachable { may_have_cost, .. } => *may_have_cost,
            _ => false,
        }
    }
}
