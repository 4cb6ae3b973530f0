//! Why no sound came, in words for the person who waits for it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use app::preferences::UiLanguage;
use app::words::{self, VoiceTroubles};
use serde::{Deserialize, Serialize};

/// The name of a voice program or service.
pub type Program = Cow<'static, str>;

/// Why no sound came.
///
/// Travels between processes as JSON: who waits in one is told what happened in another. Written out it is for everybody,
/// and says nothing of what an engine has answered, which may be a service of the operator's network that is nobody
/// else's business; [`in_full`](Self::in_full) is for whoever runs the place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoiceError {
    /// No engine is there that has this voice.
    NoSuchVoice(String),
    /// The program is not installed or cannot be started.
    NotStarted {
        /// What was to be started.
        program: Program,
        /// What the system said.
        reason: String,
    },
    /// It did not end within its time.
    TimedOut {
        /// What was running.
        program: Program,
        /// How long it may run.
        limit: Duration,
    },
    /// It ended with an error.
    Failed {
        /// What was running.
        program: Program,
        /// Its exit status and last words.
        reason: String,
    },
    /// What it returned is not audio, or not that of the sentence. (Silence from a program is: the
    /// engine had no words for the text.)
    NoAudio {
        /// What was running.
        program: Program,
        /// What is wrong with it.
        reason: String,
    },
    /// The service does not accept the key (401, 403).
    Refused {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
    },
    /// What was paid for is used up (402, or a code that says so).
    Exhausted {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
    },
    /// The service does not take this request (400, 404, 422).
    Rejected {
        /// The engine's name.
        engine: String,
        /// What the service said.
        reason: String,
    },
    /// Too many requests (429).
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
    TooSlow {
        /// The engine's name.
        engine: String,
        /// The limit it did not keep.
        seconds: u16,
    },
    /// Our own stores are out of reach; the engine was not asked.
    NotReady {
        /// What cannot be reached, as a sentence.
        reason: String,
    },
    /// What the person who asked may spend is used up; the engine was not asked.
    OverAllowance {
        /// Characters a month.
        allowance: u64,
        /// Whose they are.
        #[serde(default)]
        payer: String,
    },
    /// What the operator lets the engine speak is used up; it was not asked.
    OverBudget {
        /// The engine's name.
        engine: String,
        /// Which budget, and how much of it is used.
        reason: String,
    },
}

impl fmt::Display for VoiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.said(english()))
    }
}

impl std::error::Error for VoiceError {}

fn english() -> &'static VoiceTroubles {
    &words::of(UiLanguage::English, "").voice_troubles
}

impl VoiceError {
    /// The same with what the engine has answered, for whoever runs the place.
    pub fn in_full(&self) -> String {
        self.said_in_full(english())
    }

    /// The same in the words of a language.
    pub fn said_in_full(&self, words: &VoiceTroubles) -> String {
        let said = self.said(words);
        match self.reason() {
            Some(reason) => format!("{said} – {reason}"),
            None => said,
        }
    }

    /// What happened and what to do, for everybody, in the words of a language.
    pub fn said(&self, words: &VoiceTroubles) -> String {
        match self {
            Self::NoSuchVoice(voice) => (words.no_such_voice)(voice),
            Self::NotStarted { program, .. } => (words.not_started)(program),
            Self::TimedOut { program, limit } => (words.timed_out)(program, limit.as_secs()),
            Self::Failed { program, .. } => (words.failed)(program),
            Self::NoAudio { program, .. } => (words.no_audio)(program),
            Self::Refused { engine, .. } => (words.refused)(engine),
            Self::Exhausted { engine, .. } => (words.exhausted)(engine),
            Self::Rejected { engine, .. } => (words.rejected)(engine),
            Self::Busy { engine, .. } => (words.busy)(engine),
            Self::Unreachable { engine, .. } => (words.unreachable)(engine),
            Self::TooSlow { engine, seconds } => (words.too_slow)(engine, (*seconds).into()),
            Self::NotReady { .. } => words.not_ready.to_owned(),
            Self::OverBudget { engine, .. } => (words.over_budget)(engine),
            Self::OverAllowance { payer, .. } if payer == NO_PAYER => {
                words.not_for_token.to_owned()
            }
            Self::OverAllowance { allowance: 0, .. } => words.not_open.to_owned(),
            Self::OverAllowance { allowance, .. } => (words.over_allowance)(*allowance),
        }
    }

    /// What the engine has answered, or what of ours cannot be reached, for whoever runs the place.
    fn reason(&self) -> Option<&str> {
        let reason = match self {
            Self::NotStarted { reason, .. }
            | Self::Failed { reason, .. }
            | Self::NoAudio { reason, .. }
            | Self::Refused { reason, .. }
            | Self::Exhausted { reason, .. }
            | Self::Rejected { reason, .. }
            | Self::Busy { reason, .. }
            | Self::Unreachable { reason, .. }
            | Self::NotReady { reason }
            | Self::OverBudget { reason, .. } => reason.trim_end_matches('.'),
            Self::NoSuchVoice(_)
            | Self::TimedOut { .. }
            | Self::TooSlow { .. }
            | Self::OverAllowance { .. } => "",
        };
        (!reason.is_empty()).then_some(reason)
    }
}

/// Whoever has nothing to spend, in the place of a person: no id is like it.
pub const NO_PAYER: &str = "nobody";

/// What a failure of one sentence means for the other sentences of its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the engine was not asked.
    NotAsked,
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
            | Self::Rejected { .. } => Effect::None,
            Self::NotReady { .. } | Self::OverAllowance { .. } => Effect::NotAsked,
        }
    }

    /// Whether no engine was asked, because our own stores were out of reach.
    pub fn is_not_ready(&self) -> bool {
        matches!(self, Self::NotReady { .. })
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
