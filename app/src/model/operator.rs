//! View models of the operator pages: engines, storage, and what other programs can ask for.

use serde::{Deserialize, Serialize};

use super::Voice;

/// An engine that a person has configured, without its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct EngineCard {
    /// Its name, the part of its voices' ids before the colon.
    pub name: String,
    /// What it speaks: `openai`, `elevenlabs`, `piper` or `command`.
    pub kind: String,
    /// What a person knows that by.
    pub kind_label: String,
    /// Where it is, or its command line.
    pub url: String,
    /// The model it is asked for.
    pub model: String,
    /// How it is asked to speak, in words; empty when it is not.
    #[serde(default)]
    pub instructions: String,
    /// Its voices.
    pub voices: Vec<Voice>,
    /// What a million characters cost.
    pub price: f64,
    /// Requests at once.
    pub concurrency: u16,
    /// Seconds it may take until the first byte of its answer.
    pub first_byte_seconds: u16,
    /// Seconds it may take for a sentence in all.
    pub total_seconds: u16,
    /// How much it may speak.
    pub budget: Budget,
    /// How much it has spoken.
    pub spent: Spending,
    /// Why it does not speak at the moment, if it does not.
    pub rest: Option<EngineRest>,
    /// Whether it has a key.
    pub has_key: bool,
}

/// How much an engine may speak; 0 is without limit. Days and months are those of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Budget {
    /// Characters a day.
    pub characters_a_day: u64,
    /// Characters a month.
    pub characters_a_month: u64,
    /// Money a day, in the operator's currency.
    pub money_a_day: f64,
    /// Money a month, in the operator's currency.
    pub money_a_month: f64,
}

/// How much an engine has spoken. Days and months are those of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Spending {
    /// Characters today.
    pub characters_today: u64,
    /// Characters this month.
    pub characters_this_month: u64,
    /// What those of today cost, in the operator's currency.
    pub money_today: f64,
    /// What those of this month cost, in the operator's currency.
    pub money_this_month: f64,
}

/// An engine that is not asked at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct EngineRest {
    /// Why, in words for a person.
    pub reason: String,
    /// Seconds until it is asked again.
    pub seconds: u64,
}

/// What is kept of one engine, voice or book, and what it cost and saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct StorageLine {
    /// The engine's name, the voice's id or the book's id.
    pub name: String,
    /// The book's title, if it is a book of the library.
    pub title: Option<String>,
    /// Clips.
    pub clips: u64,
    /// Their size.
    pub bytes: u64,
    /// Characters that were spoken.
    pub characters: u64,
    /// How often a clip was heard.
    pub heard: u64,
    /// How often of these it had not been made for that.
    pub hits: u64,
    /// What making them cost.
    pub spent: f64,
    /// What hearing them again would have cost.
    pub saved: f64,
}

/// How much may be kept; 0 is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct StorageLimits {
    /// Megabytes of all clips.
    #[serde(default)]
    pub mb: u32,
    /// Days since a clip was heard last.
    #[serde(default)]
    pub days: u32,
    /// Megabytes of one book.
    #[serde(default)]
    pub book_mb: u32,
}

/// What is kept, and what it cost and saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct StorageFigures {
    /// Of everything.
    pub total: StorageLine,
    /// By engine.
    pub engines: Vec<StorageLine>,
    /// By voice.
    pub voices: Vec<StorageLine>,
    /// By book; a clip that several share counts in each, and its cost where it was made.
    pub books: Vec<StorageLine>,
    /// How much may be kept.
    pub limits: StorageLimits,
}

/// Something that other programs can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointCard {
    /// The heading it stands under.
    pub group: String,
    /// `GET`, `POST`…
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
    /// What it does.
    pub summary: String,
    /// Parameters of the query, the form or the body, and what they say.
    pub parameters: Vec<(String, String)>,
    /// What it answers with.
    pub answer: String,
    /// Who may ask; empty for everybody.
    pub needs: String,
}

/// What goes on, and went on in the last day and this month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Activity {
    /// What is wrong, in words.
    pub problems: Vec<String>,
    /// What waits now.
    pub waiting: Waiting,
    /// What waits of each class for each engine.
    pub lanes: Vec<LaneLine>,
    /// The processes that make sentences, and have been heard of lately.
    pub workers: Vec<WorkerLine>,
    /// What went on in the last 24 hours, slot by slot.
    pub points: Vec<FigurePoint>,
    /// How long a slot is, in milliseconds.
    pub slot_ms: u64,
    /// This month by engine.
    pub engines: Vec<TotalLine>,
    /// This month by voice, by its id; what was heard most first.
    pub voices: Vec<TotalLine>,
    /// This month by book, by its title; what was heard most first.
    pub books: Vec<TotalLine>,
    /// What people have had spoken by voices that cost money, by their ids.
    pub people: Vec<TotalLine>,
    /// Sentences that failed for good, the latest first.
    pub dead_letters: Vec<DeadLetterCard>,
}

/// What waits to be spoken, in sentences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Waiting {
    /// For pages that are open.
    pub prefetch: u64,
    /// For chapters that are open.
    pub chapter: u64,
    /// For books that are made ready.
    pub background: u64,
    /// Being made.
    pub in_flight: u64,
    /// Failed, and tried again later.
    pub retry: u64,
    /// Failed for good.
    pub dead: u64,
    /// Processes that make them.
    pub workers: u64,
    /// Listeners of this server who wait.
    pub waiters: u64,
    /// Sentences that a process has locked, so that no other has them spoken as well.
    pub locks: u64,
}

/// What waits of one class for one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LaneLine {
    /// The engine; `local` for the voices that share the processors of this machine.
    pub engine: String,
    /// `awaited`, `prefetch`, `chapter` or `background`.
    pub class: String,
    /// Sentences that wait.
    pub sentences: u64,
    /// The longest that a book has waited for its turn, in seconds; null when none waits, or each has something more
    /// urgent.
    pub longest_seconds: Option<u64>,
}

/// A process that makes sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct WorkerLine {
    /// Names it.
    pub name: String,
    /// When it was heard of last, in milliseconds since 1970.
    pub seen_at_ms: u64,
    /// Sentences that it is making.
    pub in_flight: u64,
    /// The book of one of them, by its title; empty for somebody else’s own.
    pub book: String,
}

/// How much there was of something in a slot of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FigurePoint {
    /// When the slot begins, in milliseconds since 1970.
    pub at_ms: u64,
    /// `prefetch`, `chapter`, `background`, `in_flight` and `dead` are the most sentences there were at once; `made`,
    /// `heard` and `hits` count clips, `waits` those that somebody waited for, and `late` those of them that took
    /// longer than a second; `lock_waits` counts sentences that were to be made while another process was making them.
    pub name: String,
    /// How much.
    pub value: u64,
}

/// What was made, heard and saved of one engine, voice, book or person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TotalLine {
    /// Its name; empty for a book that is somebody else's own, or gone.
    pub name: String,
    /// Clips that were made.
    pub made: u64,
    /// Clips that were heard.
    pub heard: u64,
    /// How many of these were there already.
    pub hits: u64,
    /// What making them cost.
    pub spent: f64,
    /// What making those would have cost that were there.
    pub saved: f64,
}

/// A sentence that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct DeadLetterCard {
    /// The book’s id; empty, as the text and the reason, of a book that is somebody else’s own.
    pub book: String,
    /// The chapter, from 1.
    pub chapter: u32,
    /// The sentence, from 0.
    pub sentence: u32,
    /// Who was to say it.
    pub voice: String,
    /// What was to be said.
    pub text: String,
    /// Why it failed.
    pub error: String,
    /// When, in milliseconds since 1970.
    pub died_at_ms: u64,
}
