//! A book as every importer hands it over: documents in reading order, a table of contents that
//! points into them, and the files they use.

use app::model::BookFont;
use bytes::Bytes;

/// What an importer reads out of a file.
#[derive(Debug, Default)]
pub struct Manuscript {
    /// The title; empty when the file names none.
    pub title: String,
    /// Authors in the order given.
    pub authors: Vec<String>,
    /// BCP 47 tag; `und` when unknown.
    pub language: String,
    /// Columns run from right to left and lines from top to bottom.
    pub vertical: bool,
    /// Documents in reading order.
    pub documents: Vec<SourceDocument>,
    /// The table of contents, flattened, in order.
    pub toc: Vec<SourceTocEntry>,
    /// Images the documents may show, and typefaces.
    pub files: Vec<SourceFile>,
    /// The typeface of the text, its files among [`files`](Self::files).
    pub fonts: Vec<BookFont>,
    /// Path of the cover among [`files`](Self::files).
    pub cover: Option<String>,
}

/// One document of the spine.
#[derive(Debug)]
pub struct SourceDocument {
    /// Path inside the book, percent-decoded, without a leading slash.
    pub path: String,
    /// XHTML or HTML.
    pub html: String,
}

/// One line of the table of contents.
#[derive(Debug)]
pub struct SourceTocEntry {
    /// What it says.
    pub title: String,
    /// 0 for the top level.
    pub depth: u32,
    /// Path of the document it points to.
    pub path: String,
    /// The id inside that document, if not its beginning.
    pub fragment: Option<String>,
}

/// An image or typeface of the book.
#[derive(Debug)]
pub struct SourceFile {
    /// Path inside the book, percent-decoded, without a leading slash.
    pub path: String,
    /// Its content.
    pub bytes: Bytes,
}
