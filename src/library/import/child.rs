//! What the child process does: one file in, one manuscript out.
//!
//! ```text
//! WORK/source                     the file; the parent has put it here
//! WORK/book/book.json             ImportedBook
//! WORK/book/chapters/{n}.json     typeset chapters, n from 1
//! WORK/book/files/{sha256 of path}, WORK/book/covers/{width}.webp, WORK/book/sounds/{n}
//! ```
//!
//! On standard output it says how far it is (`progress 40`), and at last `done`, or `refused` and why.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use app::model::BookId;

use super::files::{Files, file_name};
use super::limits::MAX_CHAPTERS_BYTES;
use super::process::{MAX_OPEN_FILES, MAX_WRITTEN_BYTES};
use super::{ImportError, ImportedBook, Source, covers};
use crate::children::{self, Limits};
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
    let limits = Limits {
        memory: Some(memory_mb.saturating_mul(1 << 20)),
        cpu_seconds: Some(cpu_seconds),
        file: Some(MAX_WRITTEN_BYTES),
        open_files: Some(MAX_OPEN_FILES),
    };
    let mut told = None;
    let progress = |percent| {
        // A book may have thousands of documents, and a hundred lines are enough.
        if told.replace(percent) != Some(percent) {
            say(&format!("progress {percent}"));
        }
    };
    let done = children::limit_self(limits).map_err(ImportError::from).and_then(|()| {
        let file = std::fs::File::open(task.work.join(SOURCE))?;
        convert(Box::new(file), task, progress)
    });
    let Err(error) = done else {
        say("done");
        return ExitCode::SUCCESS;
    };
    // One line, whatever the reason quotes.
    let reason = error.to_string().replace(['\n', '\r'], " ");
    match error {
        ImportError::Write(_) | ImportError::Manuscript(_) => say(&format!("failed {reason}")),
        _ => say(&format!("refused {reason}")),
    }
    ExitCode::FAILURE
}

/// Reads a file and writes what it is a book of.
pub fn convert(
    file: Box<dyn Source>,
    task: &Task,
    mut progress: impl FnMut(u8),
) -> Result<(), ImportError> {
    let book = task.work.join(BOOK);
    let [texts, pictures, sizes, sounds] =
        ["chapters", "files", "covers", "sounds"].map(|name| book.join(name));
    for folder in [&texts, &pictures, &sizes, &sounds] {
        std::fs::create_dir_all(folder)?;
    }
    let files = Files::new(pictures.clone(), sounds);
    let (format, manuscript) = super::read(file, &task.name, files, &mut progress)?;
    let mut written = 0;
    let contents = chapters::compose(&manuscript, task.id.as_str(), |number, chapter| {
        let json = serde_json::to_vec(chapter)?;
        written += json.len() as u64;
        if written > MAX_CHAPTERS_BYTES {
            return Err(ImportError::OutOfSpace(MAX_CHAPTERS_BYTES >> 20));
        }
        std::fs::write(texts.join(format!("{number}.json")), json)?;
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
        series: manuscript.series,
        language: manuscript.language,
        vertical: manuscript.vertical,
        cover: manuscript.cover,
        cover_widths,
        fonts: manuscript.fonts,
        contents,
        lexicon: manuscript.lexicon,
        read_by: manuscript.read_by,
        warnings: manuscript.warnings,
    };
    std::fs::write(book.join(BOOK_JSON), serde_json::to_vec(&imported)?)?;
    progress(100);
    Ok(())
}

/// Says a line to the parent. If that is gone, nobody wants to know what comes next.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// The folder of what is read, below a folder of an import.
pub fn book_folder(work: &Path) -> PathBuf {
    work.join(BOOK)
}
