//! From a file a person gives us to a book, or one clear reason why not.
//!
//! Reading happens in a child process of the same program ([`child`], started by [`process`]) under limits
//! of memory and time, because the file may be made by anybody: whatever goes wrong in there, the server
//! stays, and the person is told.

pub mod child;
pub mod covers;
mod encoding;
mod epub;
pub mod files;
pub(crate) mod language;
pub mod limits;
pub mod names;
mod plain;
mod process;
mod typeface;
pub mod upload;
mod warnings;
pub(super) mod xml;

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use app::model::{BookFont, ImportWarning, NewPronunciation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::chapters::Contents;
use super::manuscript::Manuscript;
use files::Files;
use limits::{MAX_FILE_BYTES, MAX_TEXT_BYTES};

pub use process::{ChildLimits, ImportSlot, Importer};

/// A kind of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// EPUB 2 or 3.
    Epub,
    /// Text in any encoding.
    Text,
}

impl Format {
    /// Extension of the stored original.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Epub => "epub",
            Self::Text => "txt",
        }
    }

    /// The format of a stored original by its extension.
    pub fn by_extension(extension: &str) -> Self {
        if extension == "txt" { Self::Text } else { Self::Epub }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Epub => "application/epub+zip",
            Self::Text => "application/octet-stream",
        }
    }
}

/// What is known of a book when its file has been read; chapters and pictures lie beside it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportedBook {
    /// What the file is.
    pub format: Format,
    /// The title.
    pub title: String,
    /// Authors in the order given.
    pub authors: Vec<String>,
    /// The series that it is of, if the file names one.
    #[serde(default)]
    pub series: Option<String>,
    /// BCP 47 tag; `und` when unknown.
    pub language: String,
    /// Columns run from right to left and lines from top to bottom.
    pub vertical: bool,
    /// Path of the cover among the files of the book.
    pub cover: Option<String>,
    /// Widths that the cover was made in.
    pub cover_widths: Vec<u32>,
    /// The typeface of the text.
    pub fonts: Vec<BookFont>,
    /// Chapters and table of contents.
    pub contents: Contents,
    /// How words are said by the book's own account.
    #[serde(default)]
    pub lexicon: Vec<NewPronunciation>,
    /// Who reads it aloud by the sound that the book brings, if it brings some; empty when it does not say who.
    #[serde(default)]
    pub read_by: Option<String>,
    /// What was left out or mended.
    pub warnings: Vec<ImportWarning>,
}

/// Why a file was refused. The message is for the person who chose the file.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Nothing in it.
    #[error("The file is empty.")]
    Empty,
    /// Over [`MAX_FILE_BYTES`].
    #[error("The file is larger than {} MB, which is the most Earmark takes.", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// A known format that is not supported.
    #[error("This is a {0} file. Earmark reads EPUB and plain text; Calibre converts most others.")]
    Unsupported(&'static str),
    /// Neither EPUB nor text.
    #[error("This is not a book Earmark can read: it is neither EPUB nor plain text.")]
    Unknown,
    /// The ZIP container is damaged.
    #[error("The EPUB is damaged: {0}.")]
    Damaged(String),
    /// More of something than a book may have.
    #[error("The book was refused because it has more than {most} {what}.")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        most: usize,
    },
    /// Over [`MAX_TEXT_BYTES`].
    #[error("The book was refused because it has more than {} MB of text.", MAX_TEXT_BYTES >> 20)]
    TooMuchText,
    /// Content under digital rights management.
    #[error("The EPUB is encrypted (DRM). Earmark can only read books without copy protection.")]
    Encrypted,
    /// Container, package or spine cannot be understood.
    #[error("The EPUB cannot be read: {0}.")]
    Epub(String),
    /// There is neither text nor a picture.
    #[error("There is no text in this book, and no picture either.")]
    NoText,
    /// The child process has refused it; the words are one of the reasons above.
    #[error("{0}")]
    Refused(String),
    /// The child process needed more memory than it may have.
    #[error("The book was refused because reading it takes more than {0} MB of memory.")]
    OutOfMemory(u64),
    /// The child process needed more processor time than it may have.
    #[error("The book was refused because reading it takes more than {} seconds of computing.", .0.as_secs())]
    OutOfProcessorTime(Duration),
    /// The child process took longer than it may.
    #[error("The book was refused because it could not be read within {} seconds.", .0.as_secs())]
    OutOfTime(Duration),
    /// The child process wrote a file larger than it may.
    #[error("The book was refused because a part of it becomes larger than {0} MB.")]
    OutOfSpace(u64),
    /// The child process broke.
    #[error("The book could not be read: {0}.")]
    Broken(String),
    /// Too many files are being imported or wait for it.
    #[error("Too many books are being imported at the moment. Try again in a minute.")]
    Busy,
    /// What was read could not be written down.
    #[error("the manuscript could not be written: {0}")]
    Write(#[from] std::io::Error),
    /// What was written cannot be read back.
    #[error("the manuscript is damaged: {0}")]
    Manuscript(#[from] serde_json::Error),
}

/// A file that can be read from any place, so that a large one is never in memory as a whole.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// Reads a book, writing its pictures and typefaces to `files`. `file_name` gives a text its title when
/// nothing inside does. `progress` is told how much has been read, in per cent.
pub fn read(
    mut file: Box<dyn Source>,
    file_name: &str,
    files: Files,
    progress: impl FnMut(u8),
) -> Result<(Format, Manuscript), ImportError> {
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Err(ImportError::Empty);
    }
    if length > MAX_FILE_BYTES {
        return Err(ImportError::TooLarge);
    }
    let head = head(&mut file, MAX_PREFIX_BYTES as u64)?;
    let (format, mut manuscript) = if is_epub(&head, &mut *file)? {
        (Format::Epub, epub::read(file, files, progress)?)
    } else {
        refuse_foreign(&head)?;
        // All of a text is looked at, and no more than a text may have.
        let bytes = self::head(&mut file, MAX_TEXT_BYTES.saturating_add(1))?;
        check_text(&bytes)?;
        (Format::Text, plain::read(&bytes)?)
    };
    if manuscript.title.is_empty() {
        manuscript.title = title_from(file_name);
    }
    Ok((format, manuscript))
}

/// How far into a file its archive may begin, in bytes: after a byte order mark, or a header of HTTP that was
/// saved with it.
const MAX_PREFIX_BYTES: usize = 4096;

/// The first bytes of a file.
fn head(file: &mut dyn Source, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file is an archive; its name is not to be trusted.
fn is_epub(head: &[u8], file: &mut dyn Source) -> io::Result<bool> {
    // An archive may be cut short, be one without any entry, and begin with something else.
    let has = |magic: &[u8]| head.windows(magic.len()).any(|window| window == magic);
    let begins_as_archive = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
    Ok(begins_as_archive || has(b"PK\x03\x04") && epub::is_archive(file)?)
}

/// Refuses what is no book here, by its name.
fn refuse_foreign(bytes: &[u8]) -> Result<(), ImportError> {
    const FOREIGN: [(&[u8], &str); 7] = [
        (b"%PDF", "PDF"),
        (b"{\\rtf", "RTF"),
        (b"\xd0\xcf\x11\xe0", "Word"),
        (b"AT&TFORM", "DjVu"),
        (b"Rar!", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"\x1f\x8b", "gzip"),
    ];
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(ImportError::Unsupported(name));
    }
    if bytes.get(60..68) == Some(b"BOOKMOBI") {
        return Err(ImportError::Unsupported("Kindle"));
    }
    Ok(())
}

/// Refuses what is not text.
fn check_text(bytes: &[u8]) -> Result<(), ImportError> {
    if !encoding::is_text(bytes) {
        return Err(ImportError::Unknown);
    }
    match markup_of(bytes) {
        Some(name) => Err(ImportError::Unsupported(name)),
        None => Ok(()),
    }
}

/// What a text is that consists of markup: its tags would be read aloud.
fn markup_of(bytes: &[u8]) -> Option<&'static str> {
    let head = encoding::decode_text(&bytes[..bytes.len().min(4096)]).text.to_lowercase();
    let head = head.trim_start();
    let is = |name: &str| head.contains(name);
    match head {
        _ if !head.starts_with('<') => None,
        _ if is("<fictionbook") => Some("FictionBook"),
        _ if is("<html") || is("<!doctype html") => Some("HTML"),
        _ if head.starts_with("<?xml") => Some("XML"),
        _ => None,
    }
}

fn title_from(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let title = names::clean(&stem.replace(['_', '-'], " "));
    if title.is_empty() { "Untitled".to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> ImportError {
        let folder = tempfile::tempdir().unwrap();
        let bytes = Box::new(io::Cursor::new(bytes.to_vec()));
        let folder = folder.path().to_owned();
        read(bytes, "x", Files::new(folder.clone(), folder), |_| {}).unwrap_err()
    }

    #[test]
    fn other_formats_are_named() {
        assert!(refused(b"%PDF-1.7 ...").to_string().contains("PDF"));
        assert!(matches!(refused(b""), ImportError::Empty));
        assert!(matches!(refused(&[0, 1, 2, 0, 0xff, 0xfe]), ImportError::Unknown));
        assert!(refused(b"<!DOCTYPE html><html><p>x").to_string().contains("HTML"));
        assert!(refused(b"<?xml version='1.0'?><FictionBook>").to_string().contains("FictionBook"));
    }

    #[test]
    fn a_file_name_gives_the_title() {
        assert_eq!(title_from("C:\\books\\the_time-machine.txt"), "the time machine");
        assert_eq!(title_from(".txt"), "Untitled");
        assert_eq!(title_from(&"n".repeat(2_000_000)).len(), limits::MAX_NAME_CHARS);
    }
}
