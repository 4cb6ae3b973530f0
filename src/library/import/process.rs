//! Starting the child process that reads a file, and what becomes of it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::child::{BOOK_JSON, Task, book_folder};
use super::limits::MAX_SOUND_BYTES;
use super::{ImportError, ImportedBook};
use crate::children::{self, Group};

/// Files read at the same time; each may take a processor and a gigabyte for a while.
const MAX_AT_ONCE: usize = 2;
/// Files that may wait for it, or are being sent.
pub const MAX_WAITING: usize = 64;
/// Largest file a child may write, in bytes: a sound, a picture or a chapter of the book.
pub const MAX_WRITTEN_BYTES: u64 = MAX_SOUND_BYTES;
/// Files a child may have open.
pub const MAX_OPEN_FILES: u64 = 64;
/// Longest line a child may say, and how much is kept of its complaints, in bytes.
const MAX_SAID_BYTES: u64 = 64 * 1024;
/// Largest `book.json`, in bytes: 20,000 lines of contents and 5,000 chapters with the longest names.
const MAX_BOOK_JSON_BYTES: u64 = 64 * 1024 * 1024;

/// What a child process may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildLimits {
    /// Address space, in MB.
    pub memory_mb: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: u64,
    /// Time until it must be done.
    pub time: Duration,
}

impl Default for ChildLimits {
    /// A long illustrated book takes 3 seconds and 200 MB on the slowest machine tried.
    fn default() -> Self {
        Self { memory_mb: 1024, cpu_seconds: 60, time: Duration::from_secs(120) }
    }
}

/// Starts child processes, two at a time.
#[derive(Debug)]
pub struct Importer {
    limits: ChildLimits,
    /// The program to start: this one.
    program: PathBuf,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// A slot in the queue of files: held while a file is sent, waits and is read.
#[derive(Debug)]
pub struct ImportSlot {
    _waiting: OwnedSemaphorePermit,
}

impl Importer {
    /// Children of `program` within `limits`.
    pub fn new(program: PathBuf, limits: ChildLimits) -> Self {
        Self {
            limits,
            program,
            running: Arc::new(Semaphore::new(MAX_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }

    /// Takes a slot in the queue; refuses when there is none.
    pub fn slot(&self) -> Result<ImportSlot, ImportError> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        Ok(ImportSlot { _waiting: waiting.map_err(|_| ImportError::Busy)? })
    }

    /// Waits for its turn, then reads the file in a folder. The child dies with the future that waits for
    /// it. `progress` is told how much has been read, in per cent, from the moment it begins.
    pub async fn convert(
        &self,
        _slot: &ImportSlot,
        task: &Task,
        progress: impl Fn(u8),
    ) -> Result<ImportedBook, ImportError> {
        // The semaphore is never closed.
        let _running = self.running.acquire().await.map_err(|_| ImportError::Busy)?;
        progress(0);
        let child = self.start(task)?;
        let group = Group::of(&child);
        let limits = self.limits;
        let outcome = tokio::time::timeout(limits.time, converse(child, progress)).await;
        drop(group);
        let outcome = outcome.map_err(|_| ImportError::OutOfTime(limits.time))??;
        match outcome {
            Outcome::Done => read_book(&task.work).await,
            Outcome::Refused(reason) => Err(ImportError::Refused(reason)),
            Outcome::Failed(reason) => Err(std::io::Error::other(reason).into()),
            Outcome::Ended { status, complaint } => Err(limits.explain(status, &complaint)),
        }
    }

    fn start(&self, task: &Task) -> Result<Child, ImportError> {
        let mut command = Command::new(&self.program);
        command
            .arg("import-one")
            .arg(&task.work)
            // In one word each: a name may begin like a flag.
            .arg(format!("--name={}", task.name))
            .arg(format!("--id={}", task.id))
            .args(["--memory-mb", &self.limits.memory_mb.to_string()])
            .args(["--cpu-seconds", &self.limits.cpu_seconds.to_string()])
            .current_dir(&task.work)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        children::isolate(&mut command);
        Ok(command.spawn()?)
    }
}

enum Outcome {
    Done,
    /// The book cannot be read, and why.
    Refused(String),
    /// What has nothing to do with the book went wrong, such as a full disk.
    Failed(String),
    /// It ended without a word on standard output.
    Ended {
        status: ExitStatus,
        complaint: String,
    },
}

async fn converse(mut child: Child, progress: impl Fn(u8)) -> Result<Outcome, ImportError> {
    let (out, complaints) = (child.stdout.take(), child.stderr.take());
    let (said, complaint) = tokio::join!(listen(out, progress), parse_error_body(complaints));
    let status = child.wait().await?;
    Ok(match said? {
        Some(said) => said,
        None => Outcome::Ended { status, complaint },
    })
}

async fn listen(
    out: Option<ChildStdout>,
    progress: impl Fn(u8),
) -> Result<Option<Outcome>, ImportError> {
    let Some(out) = out else { return Ok(None) };
    let mut lines = BufReader::new(out).take(MAX_SAID_BYTES).lines();
    let mut outcome = None;
    while let Some(line) = lines.next_line().await? {
        match line.split_once(' ') {
            Some(("progress", percent)) => progress(percent.parse().unwrap_or(0)),
            Some(("refused", reason)) => outcome = Some(Outcome::Refused(reason.to_owned())),
            Some(("failed", reason)) => outcome = Some(Outcome::Failed(reason.to_owned())),
            _ if line == "done" => outcome = Some(Outcome::Done),
            _ => {}
        }
    }
    Ok(outcome)
}

async fn parse_error_body(complaints: Option<ChildStderr>) -> String {
    let mut kept = Vec::new();
    if let Some(complaints) = complaints {
        // What it can say of its own end is a few lines; what is lost of them is only for the log.
        let _ = complaints.take(MAX_SAID_BYTES).read_to_end(&mut kept).await;
    }
    String::from_utf8_lossy(&kept).into_owned()
}

impl ChildLimits {
    /// Why a child ended before its time.
    fn explain(&self, status: ExitStatus, complaint: &str) -> ImportError {
        tracing::warn!(%status, complaint = complaint.trim(), "the import of a book broke off");
        if complaint.contains("memory allocation") || complaint.contains("out of memory") {
            return ImportError::OutOfMemory(self.memory_mb);
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;

            use rustix::process::Signal;

            let signal = status.signal();
            if signal == Some(Signal::XCPU.as_raw()) {
                return ImportError::OutOfProcessorTime(Duration::from_secs(self.cpu_seconds));
            }
            if signal == Some(Signal::XFSZ.as_raw()) {
                return ImportError::OutOfSpace(MAX_WRITTEN_BYTES >> 20);
            }
        }
        ImportError::Broken("reading it failed, and the log says how".to_owned())
    }
}

async fn read_book(work: &Path) -> Result<ImportedBook, ImportError> {
    let path = book_folder(work).join(BOOK_JSON);
    if tokio::fs::metadata(&path).await?.len() > MAX_BOOK_JSON_BYTES {
        return Err(ImportError::OutOfSpace(MAX_BOOK_JSON_BYTES >> 20));
    }
    let bytes = tokio::fs::read(&path).await?;
    tokio::fs::remove_file(&path).await?;
    Ok(serde_json::from_slice(&bytes)?)
}
