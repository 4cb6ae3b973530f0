//! Ids and plain types that the server and the browser share.
//!
//! Integers have fixed widths: `usize` is not the same on both sides.

mod annotation;
mod dictionary;
mod import;
mod narration;
mod operator;
mod packs;
mod passage;
mod person;
mod pronunciation;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use annotation::{Annotation, AnnotationKind, HighlightColour, NewAnnotation, Point};
pub use dictionary::DictionaryEntry;
pub use import::{ImportWarning, WarningKind};
pub use narration::{
    BegunInTime, NarrationCard, NarrationEstimate, NarrationOutput, NarrationState, NarrationStats,
};
pub use operator::{
    Activity, Budget, DeadLetterCard, EndpointCard, EngineCard, EngineRest, FigurePoint, LaneLine,
    Spending, StorageFigures, StorageLimits, StorageLine, TotalLine, Waiting, WorkerLine,
};
pub use packs::{FAST_ENOUGH, PackCard, PackProgress, PackState, PackStep, PackVoice, Speaker};
pub use passage::{Passage, PassageSentence};
pub use person::{
    FeedCard, HappeningCard, IdentityCard, InvitationCard, PasskeyCard, Person, PersonCard, Role,
    Scope, SessionCard, ShareCard, SharedBook, TokenCard,
};
pub use pronunciation::{
    Matching, NewPronunciation, Pronunciation, PronunciationEffect, PronunciationScope, Vocabulary,
};

/// Names a book: the first 64 bits of its file's SHA-256 in hex, so that the same file is the same
/// book on every server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct BookId(String);

/// Not the sixteen hex digits of a [`BookId`].
#[derive(Debug, Error)]
#[error("a book id has 16 lower-case hex digits")]
pub struct InvalidBookId;

impl BookId {
    /// Length in characters.
    pub const LENGTH: usize = 16;

    /// The id as it stands in addresses and keys.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BookId {
    type Err = InvalidBookId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == Self::LENGTH && text.bytes().all(is_hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidBookId)
        }
    }
}

impl TryFrom<String> for BookId {
    type Error = InvalidBookId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BookId> for String {
    fn from(id: BookId) -> Self {
        id.0
    }
}

impl fmt::Display for BookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A book as the library shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BookCard {
    /// Its id.
    pub id: BookId,
    /// Its title.
    pub title: String,
    /// Its authors, in the book's order.
    pub authors: Vec<String>,
    /// BCP 47 tag; `und` when unknown.
    pub language: String,
    /// Whether `/books/{id}/cover` has a picture.
    pub has_cover: bool,
    /// Widths in pixels in which `/books/{id}/cover?width=` has it made smaller.
    #[serde(default)]
    pub cover_widths: Vec<u32>,
    /// How often its file has been read anew.
    #[serde(default)]
    pub revision: u32,
    /// Number of chapters.
    pub chapters: u32,
    /// Number of sentences in all chapters.
    pub sentences: u32,
    /// When it was added, in milliseconds since 1970.
    #[serde(default)]
    pub added_ms: u64,
    /// How much of it has been read, in per cent of its sentences; absent when not begun.
    #[serde(default)]
    pub percent: Option<u32>,
    /// Where the reader is, if begun.
    pub progress: Option<Progress>,
    /// Whether nobody else sees it.
    #[serde(default)]
    pub is_own: bool,
    /// Who reads it aloud by the sound that it brings, if it brings some; empty when it does not say who.
    #[serde(default)]
    pub read_by: Option<String>,
    /// The series that it is of, if its file names one.
    #[serde(default)]
    pub series: Option<String>,
}

impl BookCard {
    /// The authors in one line, as a title page has them.
    pub fn byline(&self) -> String {
        self.authors.join(", ")
    }
}

/// A cut of the typeface that a book brings for its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookFont {
    /// The file's path inside the book.
    pub path: String,
    /// Bold.
    pub is_bold: bool,
    /// Italic.
    pub is_italic: bool,
}

/// A book with its contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookDetails {
    /// What the library shows of it.
    pub card: BookCard,
    /// Lines of text run from top to bottom, columns from right to left.
    pub vertical: bool,
    /// The typeface it brings; empty when it brings none.
    #[serde(default)]
    pub fonts: Vec<BookFont>,
    /// Chapters in reading order.
    pub chapters: Vec<ChapterCard>,
    /// The table of contents.
    pub toc: Vec<TocLine>,
    /// What was left out or mended when its file was read.
    #[serde(default)]
    pub warnings: Vec<ImportWarning>,
    /// Whether its file was read by rules that have been bettered since.
    #[serde(default)]
    pub is_outdated: bool,
    /// The id of the person who alone sees it; everybody does when there is none. What does not say so, as what a server
    /// without own books has left in Redis, cannot be read.
    #[serde(deserialize_with = "Option::deserialize")]
    pub owner: Option<String>,
}

/// A book that has just been imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ImportedCard {
    /// The book.
    #[serde(flatten)]
    pub card: BookCard,
    /// What was left out or mended.
    pub warnings: Vec<ImportWarning>,
}

/// A chapter as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ChapterCard {
    /// From 1.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Number of sentences.
    pub sentences: u32,
    /// Number of characters in them; 0 when it was not counted.
    #[serde(default)]
    pub characters: u32,
    /// What it is of the book.
    #[serde(default)]
    pub matter: Matter,
    /// The document of the file that it begins in, counted from 1 as the file has them; 0 when that is not known.
    #[serde(default)]
    pub document: u32,
}

/// What a chapter is of its book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Matter {
    /// The text.
    #[default]
    Text,
    /// A cover, title page, imprint, table of contents and the like, before the text.
    Front,
    /// An index, bibliography, licence and the like, behind it.
    Back,
}

impl Matter {
    /// The word for it, in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Front => "front",
            Self::Back => "back",
        }
    }

    /// What a name says.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Front, Self::Back].into_iter().find(|matter| matter.name() == name)
    }

    /// Whether it is the text.
    pub fn is_text(self) -> bool {
        self == Self::Text
    }
}

/// A line of the table of contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TocLine {
    /// What it says.
    pub title: String,
    /// 0 for the top level.
    pub depth: u32,
    /// The chapter it leads to.
    pub chapter: u32,
    /// Element within that chapter's page; its beginning when absent.
    pub anchor: Option<String>,
}

/// A chapter as the reader's page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChapterPage {
    /// The book it is in.
    pub book: BookCard,
    /// Lines of text run from top to bottom, columns from right to left.
    pub vertical: bool,
    /// Right to left.
    pub rtl: bool,
    /// From 1.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Sanitised HTML with every sentence in spans.
    pub html: String,
    /// Number of sentences.
    pub sentences: u32,
    /// Number of sentences in the chapters before.
    pub before: u32,
    /// Whether `/books/{id}/fonts.css` has a typeface.
    pub has_fonts: bool,
    /// Title of the chapter before.
    pub previous: Option<String>,
    /// Title of the chapter after.
    pub next: Option<String>,
}

/// Time that somebody has read or listened, as a page reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ReadingTime {
    /// The reader's own date, or one of the thirty before it: `2026-11-28`.
    pub day: String,
    /// Seconds of reading without the voice, a day’s at most.
    #[serde(default)]
    pub read_s: u32,
    /// Seconds of listening, a day’s at most.
    #[serde(default)]
    pub listened_s: u32,
}

/// A day of reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ReadingDay {
    /// The reader's own date: `2026-11-28`.
    pub day: String,
    /// Seconds of reading without the voice.
    pub read_s: u64,
    /// Seconds of listening.
    pub listened_s: u64,
}

/// How long somebody has read and listened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ReadingStatistics {
    /// The last thirty days, the earliest first.
    pub days: Vec<ReadingDay>,
    /// Days in a row, today's or yesterday's the last.
    pub streak: u32,
    /// Seconds of reading in all.
    pub read_s: u64,
    /// Seconds of listening in all.
    pub listened_s: u64,
    /// Books read to their end.
    pub books_finished: u32,
}

/// A place in a book, where a listener is or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Chapter, from 1.
    pub chapter: u32,
    /// Sentence within the chapter, from 0.
    pub sentence: u32,
    /// How far into that sentence the voice was, in milliseconds.
    #[serde(default)]
    pub intra_ms: u32,
    /// The voice that read, if one did.
    #[serde(default)]
    pub voice: Option<String>,
    /// The device that was there; random, made by the browser.
    #[serde(default)]
    pub device: Option<String>,
    /// When the server took it, in milliseconds since 1970. What is sent here is ignored.
    #[serde(default)]
    pub at_ms: u64,
}

/// The id of the voice that is the sound that a book brings.
pub const OVERLAY_VOICE: &str = "overlay:book";

/// A voice to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Voice {
    /// `{engine}:{voice}`, as parameters have it.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// BCP 47 tag of the language it speaks.
    pub language: String,
    /// The engine that speaks.
    pub engine: String,
}

/// A place where a search found its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Hit {
    /// Chapter, from 1.
    pub chapter: u32,
    /// Its title.
    pub title: String,
    /// Sentence within the chapter.
    pub sentence: u32,
    /// The text before.
    pub before: String,
    /// The words as the book has them.
    pub found: String,
    /// The text after.
    pub after: String,
}

/// How long a chapter lasts in a voice, sentence by sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Outline {
    /// Each sentence with the pause after it, in milliseconds.
    pub durations_ms: Vec<u32>,
    /// Those that are estimates, because the clip has not been made.
    pub estimated: Vec<u32>,
    /// Estimate for the chapters after this one, in milliseconds.
    pub rest_ms: u64,
}

/// Where a listener is, as the three events of the page report it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ListenerPosition {
    /// Names the open page, not the person: random, made by the page.
    pub listener: String,
    /// The book.
    pub book: BookId,
    /// Chapter, from 1.
    pub chapter: u32,
    /// First sentence in view or spoken.
    pub sentence: u32,
    /// The chosen voice; the book's default when empty.
    pub voice: String,
}

/// When a sentence is heard, counted from where the stream or chapter began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TimelineEntry {
    /// Sentence within the chapter.
    pub sentence: u32,
    /// When its clip begins, in milliseconds.
    pub start_ms: u64,
    /// How long its clip and the pause after it last, in milliseconds.
    pub duration_ms: u64,
    /// When each word on the page begins, in milliseconds from `start_ms`, where the engine says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words_ms: Option<Vec<u32>>,
    /// Whether its clip was there when whoever listens now began to.
    #[serde(default)]
    pub is_stored: bool,
}

/// The last event of a chapter's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEnd {
    /// When the chapter's audio ends, in milliseconds.
    pub end_ms: u64,
    /// The chapter the voice goes on with, if any.
    pub next_chapter: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sixteen_hex_digits_are_a_book_id() {
        assert!("0123456789abcdef".parse::<BookId>().is_ok());
        for text in
            ["", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0", "../../etc/passwd"]
        {
            assert!(text.parse::<BookId>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<BookId>("\"x\"").is_err());
    }
}
