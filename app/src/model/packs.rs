//! View models of voices that can be installed.

use serde::{Deserialize, Serialize};

/// A voice must speak so many times as fast as a person listens to be a default, and not to be called too slow.
pub const FAST_ENOUGH: f64 = 1.5;

/// A voice, or several that share a network, that can be installed as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PackCard {
    /// Its name in addresses, and of the engine that it becomes.
    pub name: String,
    /// What a reader calls it.
    pub title: String,
    /// SPDX identifier of its licence.
    pub licence: String,
    /// A page about it.
    pub about: String,
    /// Bytes to fetch.
    pub bytes: u64,
    /// Tags of the languages and accents that it speaks.
    pub languages: Vec<String>,
    /// Its voices.
    pub voices: Vec<PackVoice>,
    /// Whether it is part of the program: it cannot be removed.
    pub is_bundled: bool,
    /// Whether `/samples/{name}/{voice}.mp3` says a sentence in each of its voices.
    pub has_samples: bool,
    /// What has become of it here.
    pub state: PackState,
}

/// A voice of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PackVoice {
    /// Its id, by which it is chosen once it is installed.
    pub id: String,
    /// What a reader calls it.
    pub name: String,
    /// What it speaks.
    pub language: String,
    /// Who it sounds like.
    pub speaker: Speaker,
}

/// Who a voice sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// A woman.
    Woman,
    /// A man.
    Man,
}

/// What has become of a pack on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum PackState {
    /// It is not here.
    Absent,
    /// It is on its way.
    Installing(PackProgress),
    /// The last attempt failed.
    Failed {
        /// Why, in words.
        reason: String,
    },
    /// It speaks.
    #[serde(rename_all = "camelCase")]
    Installed {
        /// How many times as fast as its sound lasts it spoke when it was tested, if it was.
        times_real: Option<f64>,
    },
}

/// How far installing is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PackProgress {
    /// Bytes that are here.
    pub done: u64,
    /// Bytes there are.
    pub bytes: u64,
    /// What is being done.
    pub step: PackStep,
}

/// A step of installing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PackStep {
    /// Its files are fetched.
    Fetching,
    /// They are made what the voice needs.
    Preparing,
    /// It says a sentence.
    Testing,
}

impl PackProgress {
    /// Nothing of so many bytes is here.
    pub fn new(bytes: u64) -> Self {
        Self { done: 0, bytes, step: PackStep::Fetching }
    }

    /// How much is here, of a hundred.
    pub fn percent(&self) -> u64 {
        (self.done * 100).checked_div(self.bytes).unwrap_or(0).min(100)
    }
}
