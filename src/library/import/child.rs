//! What the child process does: one file in, one manuscript out.
//!
//! ```text
//! WORK/source                     the file; the parent has put it here
//! WORK/book/book.json             ImportedBook
//! WORK/book/chapters/{n}.json     typeset chapters, n from 1
//! WORK/book/files/{sha256 of path}, WORK/book/covers/{width}.webp
//! ```
//!
//! On standard output it says how far it is (`progress 40`), and at last `done`, or `refused` and why.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use app::model::BookId;

use super::files::{Files, file_name};
use super::{ImportError, ImportedBook, covers};
use crate::library::chapters;

/// The file that is to be imported, in the folder of an import.
pub const SOURCE: &str = "source";
/// The folder that what is read of it goes to.
pub const BOOK: &str = "book";
/// What is known of the book as a whole, in that folder.
pub const BOOK_JSON: &str = "book.json";

/// What the child is told.
#[derive(Debug, Clone)]
pub struct Task {
    /// The folder with the file, where the result goes as well.
    pub work: PathBuf,
    /// The name the file had, which may become the title.
    pub name: String,
    /// The book that it will be.
    pub id: BookId,
}

/// Runs in the child process: sets its own limits, then reads the file.
pub fn run(task: &Task, memory_mb: u64, cpu_seconds: u64) -> ExitCode {
    let done = limit(memory_mb, cpu_seconds).and_then(|()| {
        let bytes = std::fs::read(task.work.join(SOURCE))?;
        convert(bytes, task, |percent| say(&format!("progress {percent}")))
    });
    match done {
        Ok(()) => {
            say("done");
            ExitCode::SUCCESS
        }
        Err(error) => {
            // One line, whatever the reason quotes.
            say(&format!("refused {}", error.to_string().replace(['\n', '\r'], " ")));
            ExitCode::FAILURE
        }
    }
}

/// Reads a file and writes what it is a book of.
pub fn convert(
    bytes: Vec<u8>,
    task: &Task,
    mut progress: impl FnMut(u8),
) -> Result<(), ImportError> {
    let book = task.work.join(BOOK);
    let [texts, pictures, sizes] = ["chapters", "files", "covers"].map(|name| book.join(name));
    for folder in [&texts, &pictures, &sizes] {
        std::fs::create_dir_all(folder)?;
    }
    let files = Files::new(pictures.clone());
    let (format, manuscript) = super::read(bytes, &task.name, files, &mut progress)?;
    let contents = chapters::compose(&manuscript, task.id.as_str(), |number, chapter| {
        std::fs::write(texts.join(format!("{number}.json")), serde_json::to_vec(chapter)?)?;
        Ok(())
    })?;
    if contents.chapters.iter().all(|chapter| chapter.sentences == 0) && manuscript.files.is_empty()
    {
        return Err(ImportError::NoText);
    }
    let cover_widths = match &manuscript.cover {
        Some(path) => covers::write(&std::fs::read(pictures.join(file_name(path)))?, &sizes)?,
        None => Vec::new(),
    };
    let imported = ImportedBook {
        format,
        title: manuscript.title,
        authors: manuscript.authors,
        language: manuscript.language,
        vertical: manuscript.vertical,
        cover: manuscript.cover,
        cover_widths,
        fonts: manuscript.fonts,
        contents,
        warnings: manuscript.warnings,
    };
    std::fs::write(book.join(BOOK_JSON), serde_json::to_vec(&imported)?)?;
    progress(100);
    Ok(())
}

/// Says a line to the parent. If that is gone, so is whoever wanted to know.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Sets the limits of this process. Address space is not limited on macOS, where the kernel does not
/// enforce it, and nothing is on Windows; the parent's limit of time holds everywhere.
#[cfg(unix)]
fn limit(memory_mb: u64, cpu_seconds: u64) -> Result<(), ImportError> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    use super::process::{MAX_OPEN_FILES, MAX_WRITTEN_BYTES};

    let limits = [
        (Resource::As, memory_mb.saturating_mul(1 << 20)),
        (Resource::Cpu, cpu_seconds),
        (Resource::Fsize, MAX_WRITTEN_BYTES),
        (Resource::Nofile, MAX_OPEN_FILES),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        // The hard limit is a second later, so that the signal says which limit it was.
        let hard = if resource == Resource::Cpu { most + 1 } else { most };
        let limit = Rlimit { current: Some(most), maximum: Some(hard) };
        setrlimit(resource, limit).map_err(std::io::Error::from)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn limit(_memory_mb: u64, _cpu_seconds: u64) -> Result<(), ImportError> {
    Ok(())
}

/// The folder of what is read, below a folder of an import.
pub fn book_folder(work: &Path) -> PathBuf {
    work.join(BOOK)
}
