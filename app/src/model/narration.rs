//! Books that are narrated ahead.

use serde::{Deserialize, Serialize};

/// How far a narration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum NarrationState {
    /// It waits for its turn.
    Queued,
    /// It is being made.
    Running,
    /// A person has stopped it, and may go on.
    Paused,
    /// All of it is there, but for sentences that could not be spoken.
    Completed,
    /// It could not be made; the error says why.
    Failed,
    /// A person has called it off.
    Cancelled,
}

impl NarrationState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Paused, Self::Completed, Self::Failed, Self::Cancelled];

    /// Its name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether there is more to come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Paused)
    }
}

/// What a narration becomes besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum NarrationOutput {
    /// No file.
    #[default]
    None,
    /// One MP3 with chapters.
    Mp3,
    /// An MP3 a chapter, in a ZIP.
    Zip,
    /// One M4B with chapters.
    M4b,
    /// An EPUB that reads itself aloud, each sentence marked when it is heard.
    Epub,
    /// An audiobook that is sent to a server of Audiobookshelf.
    Audiobookshelf,
}

impl NarrationOutput {
    /// Those that are more than listening here.
    pub const TAKEN: [Self; 5] =
        [Self::M4b, Self::Epub, Self::Mp3, Self::Zip, Self::Audiobookshelf];

    /// Its name in the API and in the database, and how its file ends.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Mp3 => "mp3",
            Self::Zip => "zip",
            Self::M4b => "m4b",
            Self::Epub => "epub",
            Self::Audiobookshelf => "audiobookshelf",
        }
    }

    /// The output with a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::None].into_iter().chain(Self::TAKEN).find(|output| output.name() == name)
    }

    /// The media type of its file.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::None | Self::Audiobookshelf => "application/octet-stream",
            Self::Mp3 => "audio/mpeg",
            Self::Zip => "application/zip",
            Self::M4b => "audio/mp4",
            Self::Epub => "application/epub+zip",
        }
    }
}

/// A book, or a part of it, that is narrated ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NarrationCard {
    /// Its id
    pub id: String,
    /// The book’s id
    pub book: String,
    /// The book’s title
    pub title: String,
    /// Who asked for it, by id; empty where nobody logs in
    pub person: String,
    /// Who reads, by id
    pub voice: String,
    /// The first chapter of it
    pub first_chapter: u32,
    /// The last chapter of it
    pub last_chapter: u32,
    /// What it becomes besides
    pub output: NarrationOutput,
    /// How large its file is, in bytes; null while there is none
    pub file_bytes: Option<u64>,
    /// How far it is
    pub state: NarrationState,
    /// How much of it is there, from 0 to 100
    pub percent: u32,
    /// The same in words
    pub message: String,
    /// The chapter it is in; 0 before it has begun
    pub chapter: u32,
    /// Sentences that it has
    pub total: u64,
    /// Those that are there
    pub done: u64,
    /// Those that were made for it
    pub made: u64,
    /// Those that could not be made
    pub failed: u64,
    /// What was spoken for it, in characters
    pub characters: u64,
    /// What that cost
    pub cost: f64,
    /// What it may cost at most
    pub max_cost: f64,
    /// Whether all of it is there, and its file is being written
    pub is_packing: bool,
    /// Seconds until it is done, at its speed until now; null when that is not known
    pub seconds_left: Option<u64>,
    /// Why it failed, or is not getting on; empty when nothing is wrong
    pub error: String,
    /// When it was asked for, in ms since 1970
    pub created_at_ms: u64,
    /// When it may begin, in ms since 1970
    pub run_at_ms: u64,
    /// When it was begun, in ms since 1970; null when it was not
    pub started_at_ms: Option<u64>,
    /// When it ended, in ms since 1970; null when it did not
    pub finished_at_ms: Option<u64>,
}

/// What a narration would take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NarrationEstimate {
    /// Who would read, by id
    pub voice: String,
    /// The first chapter of it
    pub first_chapter: u32,
    /// The last chapter of it
    pub last_chapter: u32,
    /// Sentences that it has
    pub sentences: u64,
    /// Those that are not there yet
    pub missing: u64,
    /// What would be spoken, in characters
    pub characters: u64,
    /// What that costs: exactly, as what is there costs nothing
    pub cost: f64,
    /// How long all of it lasts, in seconds, about
    pub audio_seconds: u64,
    /// How much room the sound takes, in bytes, about
    pub bytes: u64,
    /// How long it takes to make what is missing, in seconds, by what this voice did before; null when it did nothing yet
    pub seconds_to_make: Option<u64>,
}

/// What is being narrated, and how it goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NarrationStats {
    /// Those that wait
    pub pending: u64,
    /// Those that are being made
    pub processing: u64,
    /// Those that were stopped and may go on
    pub paused: u64,
    /// Those that are done
    pub completed: u64,
    /// Those that could not be made
    pub failed: u64,
    /// Those that were called off
    pub cancelled: u64,
    /// Those that were done in the last 24 hours
    pub completed_today: u64,
    /// How long those of the last 24 hours waited until they were begun, in seconds: the middle one
    pub wait_seconds_p50: u64,
    /// The same: 95 of 100 did not wait longer
    pub wait_seconds_p95: u64,
    /// How many of those of members were begun in time: theirs go first
    pub members: BegunInTime,
    /// How many of those of listeners were
    pub listeners: BegunInTime,
}

/// How many narrations of the last 24 hours were begun in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BegunInTime {
    /// In time is within so many seconds
    pub goal_seconds: u64,
    /// Those that were begun
    pub begun: u64,
    /// Those of them that were begun in time
    pub in_time: u64,
}
