//! What a reader has marked in a book, and how sentences of it are to be read.

use serde::{Deserialize, Serialize};

use crate::preferences::choice;

/// A point in a chapter's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Point {
    /// Sentence within the chapter.
    pub sentence: u32,
    /// UTF-16 units from the sentence's beginning on the page, as the browser counts.
    pub offset: u32,
}

/// What a reader has marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AnnotationKind {
    /// A place.
    Bookmark,
    /// A stretch of text.
    Highlight,
    /// Sentences that another voice reads: the one whose id the note is.
    Voice,
    /// Sentences that are not read.
    Skip,
    /// Sentences that voices have been asked to say once more: those whose ids the note has, spaces between.
    Again,
}

impl AnnotationKind {
    /// The word for it, in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bookmark => "bookmark",
            Self::Highlight => "highlight",
            Self::Voice => "voice",
            Self::Skip => "skip",
            Self::Again => "again",
        }
    }

    /// The kind with a name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Bookmark, Self::Highlight, Self::Voice, Self::Skip, Self::Again];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it says how whole sentences are read, and is no mark on the text.
    pub fn is_direction(self) -> bool {
        matches!(self, Self::Voice | Self::Skip | Self::Again)
    }
}

choice! {
    /// The colour of a highlight.
    #[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
    HighlightColour {
        /// Where no other is chosen.
        Green = "green",
        /// Yellow.
        Yellow = "yellow",
        /// Blue.
        Blue = "blue",
        /// Pink.
        Pink = "pink",
    }
}

/// A bookmark, a highlight, or a direction for how sentences are read, that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NewAnnotation {
    /// Which of these.
    pub kind: AnnotationKind,
    /// Chapter, from 1.
    pub chapter: u32,
    /// Where it begins.
    pub start: Point,
    /// Where it ends; equal to `start` for a bookmark.
    pub end: Point,
    /// The text it marks.
    pub quote: String,
    /// What the reader says to it; of a direction, the voices it is about.
    #[serde(default)]
    pub note: String,
    /// Of a highlight, its colour.
    #[serde(default)]
    pub colour: HighlightColour,
}

/// A bookmark, highlight or direction with its note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Annotation {
    /// Names it.
    pub id: String,
    /// What was marked.
    #[serde(flatten)]
    pub mark: NewAnnotation,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
}
