//! From a file a person gives us to a [`Manuscript`], or one clear reason why not.

mod archive;
mod encoding;
mod epub;
mod plain;
mod typeface;

use thiserror::Error;

use super::manuscript::Manuscript;

/// Largest file accepted, in bytes. Illustrated books come close to 100 MB; the largest EPUB seen
/// while planning had 4 MB.
pub const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;

/// A kind of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The ZIP container would expand beyond a limit.
    #[error("The EPUB was refused because {0}; it may be made to exhaust memory.")]
    Bomb(String),
    /// Content under digital rights management.
    #[error("The EPUB is encrypted (DRM). Earmark can only read books without copy protection.")]
    Encrypted,
    /// Container, package or spine cannot be understood.
    #[error("The EPUB cannot be read: {0}.")]
    Epub(String),
    /// There is no text.
    #[error("There is no text in this book: its pages may be pictures only.")]
    NoText,
}

/// Reads a book. `file_name` gives a text its title when nothing inside does.
pub fn read(bytes: &[u8], file_name: &str) -> Result<(Format, Manuscript), ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ImportError::TooLarge);
    }
    let format = detect(bytes)?;
    let mut manuscript = match format {
        Format::Epub => epub::read(bytes)?,
        Format::Text => plain::read(bytes)?,
    };
    if manuscript.title.is_empty() {
        manuscript.title = title_from(file_name);
    }
    Ok((format, manuscript))
}

/// What the bytes are; a file's name is not to be trusted.
fn detect(bytes: &[u8]) -> Result<Format, ImportError> {
    const FOREIGN: [(&[u8], &str); 6] = [
        (b"%PDF", "PDF"),
        (b"{\\rtf", "RTF"),
        (b"\xd0\xcf\x11\xe0", "Word"),
        (b"AT&TFORM", "DjVu"),
        (b"Rar!", "RAR"),
        (b"\x1f\x8b", "gzip"),
    ];
    if bytes.starts_with(b"PK\x03\x04") {
        return Ok(Format::Epub);
    }
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(ImportError::Unsupported(name));
    }
    if bytes.get(60..68) == Some(b"BOOKMOBI") {
        return Err(ImportError::Unsupported("Kindle"));
    }
    if encoding::is_text(bytes) { Ok(Format::Text) } else { Err(ImportError::Unknown) }
}

fn title_from(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let title = stem.replace(['_', '-'], " ");
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() { "Untitled".to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_named() {
        let error = read(b"%PDF-1.7 ...", "x.pdf").unwrap_err();
        assert!(error.to_string().contains("PDF"));
        assert!(matches!(read(b"", "x"), Err(ImportError::Empty)));
        assert!(matches!(read(&[0, 1, 2, 0, 0xff, 0xfe], "x"), Err(ImportError::Unknown)));
    }

    #[test]
    fn a_file_name_gives_the_title() {
        assert_eq!(title_from("C:\\books\\the_time-machine.txt"), "the time machine");
        assert_eq!(title_from(".txt"), "Untitled");
    }
}
