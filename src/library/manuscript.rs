//! A book as every importer hands it over: documents in reading order and a table of contents that
//! points into them. The files they use are written as they are read ([`Files`](super::import::Files)).

use std::collections::HashSet;

use app::model::{BookFont, ImportWarning, NewPronunciation};

use super::html::{self, ParsedDocument};

/// What an importer reads out of a file.
#[derive(Debug, Default)]
pub struct Manuscript {
    /// The title; empty when the file names none.
    pub title: String,
    /// Authors in the order given.
    pub authors: Vec<String>,
    /// The series that it is of, if the file names one.
    pub series: Option<String>,
    /// BCP 47 tag; `und` when unknown.
    pub language: String,
    /// Columns run from right to left and lines from top to bottom.
    pub vertical: bool,
    /// Documents in reading order.
    pub documents: Vec<SourceDocument>,
    /// The table of contents, flattened, in order.
    pub toc: Vec<SourceTocEntry>,
    /// Paths of the pictures and typefaces that were written.
    pub files: HashSet<String>,
    /// The typeface of the text, its files among [`files`](Self::files).
    pub fonts: Vec<BookFont>,
    /// Path of the cover among [`files`](Self::files).
    pub cover: Option<String>,
    /// Documents of which the book says what they are, by their paths, and what it says.
    pub landmarks: Vec<(String, String)>,
    /// How words are said by the book's own account.
    pub lexicon: Vec<NewPronunciation>,
    /// Who reads it aloud by the sound that the book brings, if it brings some; empty when it does not say who.
    pub read_by: Option<String>,
    /// What was left out or mended.
    pub warnings: Vec<ImportWarning>,
}

/// One document of the spine.
#[derive(Debug)]
pub struct SourceDocument {
    /// Path inside the book, as its container has it.
    pub path: String,
    /// What it holds.
    pub parsed: ParsedDocument,
    /// Where it is among the documents of its file, from 1; 0 where the file puts it nowhere.
    pub position: u32,
    /// Which of its passages are heard where, in the order in which they are.
    pub heard: Vec<HeardPassage>,
}

/// A passage that the book brings the sound of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardPassage {
    /// The id of its element.
    pub id: String,
    /// The sound: its path as the book refers to it, then its name among those of the book.
    pub file: String,
    /// When it begins there, in milliseconds.
    pub begin_ms: u32,
    /// When it ends, in milliseconds; at the end of the file where that is not said.
    pub end_ms: Option<u32>,
}

impl SourceDocument {
    /// A document of XHTML or HTML.
    pub fn parse(path: &str, source: &str) -> Self {
        Self::of(path, html::parse(source))
    }

    /// A document with what was read of it.
    pub fn of(path: &str, parsed: ParsedDocument) -> Self {
        Self { path: path.to_owned(), parsed, position: 0, heard: Vec::new() }
    }
}

/// One line of the table of contents.
#[derive(Debug, Clone)]
pub struct SourceTocEntry {
    /// What it says.
    pub title: String,
    /// 0 for the top level.
    pub depth: u32,
    /// Path of the document it points to, as it is referred to.
    pub path: String,
    /// The id inside that document, if not its beginning.
    pub fragment: Option<String>,
    /// It has no target of its own and leads where the first line below it does: the name of a part.
    pub is_heading: bool,
}
