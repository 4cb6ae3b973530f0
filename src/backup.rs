//! All that Earmark keeps, as one file, and back: also from SQLite to PostgreSQL, and from a folder to S3.
//!
//! ```text
//! earmark.json              what this is: the version, how many changes its tables have seen, when it was made
//! tables/{name}.jsonl       the rows of a table, each an object of its columns
//! secret.key                what the keys of speech services are encrypted with, if a file says it
//! objects/{path}            files of books, and with --clips the audio
//! ```
//!
//! It is a ZIP archive that any program can open. Rows are read in one transaction, so that they belong together while
//! the server goes on; files are read after them, so that none is missing that a row names, unless it was deleted since.

mod tables;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::runtime::Handle;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::stores::Stores;
use crate::time::now_ms;

/// What it is, in the archive.
const HEAD: &str = "earmark.json";
const TABLES: &str = "tables/";
const OBJECTS: &str = "objects/";
/// The key of secrets, in the archive and in the data folder.
const KEY: &str = "secret.key";
/// Where files of books are in the object store; all else is audio, which can be made again.
const BOOKS: &str = "books/";
/// The table whose rows name files that are audio.
const NARRATIONS: &str = "narrations";
/// Longest row, in bytes: a table of contents of 20,000 lines has some megabytes.
const MAX_ROW_BYTES: u64 = 64 << 20;
/// Larger files are put into the object store in parts of this size, in bytes; S3 takes no smaller ones than 5 MB.
const PART_BYTES: usize = 6 << 20;

/// Why something cannot be backed up or restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The file cannot be read or written.
    #[error("{file}: {reason}")]
    File {
        /// Which.
        file: String,
        /// What the system says.
        reason: io::Error,
    },
    /// It is there already.
    #[error("{0} is there already: name a file that is not")]
    Exists(String),
    /// It is no backup, or not whole.
    #[error("this is no backup of Earmark, or it is damaged: {0}")]
    Damaged(String),
    /// It was made by a later version.
    #[error(
        "the backup is of Earmark {0}, which knows more than this version: restore it with that one"
    )]
    Newer(String),
    /// The tables are of another version, or there are none.
    #[error(
        "there is no library of this version of Earmark here: a backup is made by the version that runs on it"
    )]
    OtherVersion,
    /// There is something already.
    #[error(
        "there are books or people here already: restore into a data folder and a database that are empty"
    )]
    NotEmpty,
    /// SQL failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The object store failed.
    #[error("the object store failed: {0}")]
    Store(#[from] object_store::Error),
    /// A task did not finish.
    #[error("a task did not finish: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl From<ZipError> for BackupError {
    fn from(error: ZipError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<serde_json::Error> for BackupError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// What stands at the head of a backup.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// The version that made it.
    earmark: String,
    /// The last change of its tables.
    schema: i64,
    /// When it was made, in ms since 1970.
    made_at_ms: u64,
    /// Whether audio is in it.
    clips: bool,
}

/// What was backed up or restored.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Rows of all tables.
    pub rows: u64,
    /// Files.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
}

/// Writes all there is to a file that is not there yet; with the audio if `clips` says so.
///
/// # Errors
/// When something cannot be read or written; the file is not there then.
pub async fn backup(stores: &Stores, file: &Path, clips: bool) -> Result<Counts, BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.display().to_string()));
    }
    let part = PathBuf::from(format!("{}.part", file.display()));
    let named = |reason| BackupError::File { file: part.display().to_string(), reason };
    let archive = ZipWriter::new(BufWriter::new(File::create(&part).map_err(named)?));
    let writer = Backup {
        archive,
        stores: (stores.database.clone(), Arc::clone(&stores.objects), stores.folder.clone()),
        runtime: Handle::current(),
        counts: Counts::default(),
    };
    let written = tokio::task::spawn_blocking(move || writer.write(clips)).await?;
    let done = written.and_then(|counts| {
        std::fs::rename(&part, file).map_err(named)?;
        Ok(counts)
    });
    if done.is_err() {
        // What is half there is no backup.
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// A backup that is being written. It blocks.
struct Backup {
    archive: ZipWriter<BufWriter<File>>,
    stores: (sqlx::AnyPool, Arc<dyn ObjectStore>, PathBuf),
    runtime: Handle,
    counts: Counts,
}

impl Backup {
    fn write(mut self, clips: bool) -> Result<Counts, BackupError> {
        let (database, store, folder) = self.stores.clone();
        let runtime = self.runtime.clone();
        let schema = runtime.block_on(tables::schema(&database))?;
        let earmark = env!("CARGO_PKG_VERSION").to_owned();
        let head = Head { earmark, schema, made_at_ms: now_ms(), clips };
        self.begin(HEAD, true)?;
        self.put(&serde_json::to_vec_pretty(&head)?)?;
        let mut snapshot = runtime.block_on(tables::snapshot(&database))?;
        for table in tables::ALL.iter().filter(|table| clips || !table.is_audio) {
            self.begin(&format!("{TABLES}{}.jsonl", table.name), true)?;
            let (sender, mut rows) = tokio::sync::mpsc::channel(64);
            // Rows come while others are written: a table is never in memory as a whole.
            let read = runtime.spawn(async move {
                let read = tables::read(&mut snapshot, table.name, &sender).await;
                (snapshot, read)
            });
            while let Some(row) = rows.blocking_recv() {
                self.put(&[&serde_json::to_vec(&row)?[..], b"\n"].concat())?;
                self.counts.rows += 1;
            }
            let (back, read) = runtime.block_on(read)?;
            read?;
            snapshot = back;
        }
        runtime.block_on(snapshot.rollback())?;
        match std::fs::read(folder.join(KEY)) {
            Ok(key) => {
                self.begin(KEY, true)?;
                self.put(&key)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(reason) => return Err(BackupError::File { file: KEY.to_owned(), reason }),
        }
        let mut listed = store.list(None);
        while let Some(object) = runtime.block_on(listed.try_next())? {
            if clips || object.location.as_ref().starts_with(BOOKS) {
                self.object(&*store, &object.location)?;
            }
        }
        self.archive.finish()?.flush().map_err(unwritten)?;
        Ok(self.counts)
    }

    fn object(&mut self, store: &dyn ObjectStore, path: &ObjectPath) -> Result<(), BackupError> {
        let runtime = self.runtime.clone();
        let found = match runtime.block_on(store.get(path)) {
            Ok(found) => found,
            // It was deleted since it was listed.
            Err(object_store::Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // Books and sound are compressed already.
        self.begin(&format!("{OBJECTS}{path}"), false)?;
        let mut pieces = found.into_stream();
        while let Some(piece) = runtime.block_on(pieces.try_next())? {
            self.put(&piece)?;
            self.counts.bytes += piece.len() as u64;
        }
        self.counts.files += 1;
        Ok(())
    }

    fn begin(&mut self, name: &str, is_text: bool) -> Result<(), BackupError> {
        let method = if is_text { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let options = SimpleFileOptions::default().compression_method(method).large_file(true);
        Ok(self.archive.start_file(name, options)?)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.archive.write_all(bytes).map_err(unwritten)
    }
}

fn unwritten(reason: io::Error) -> BackupError {
    BackupError::File { file: "the backup".to_owned(), reason }
}

/// Puts what a backup has where there is nothing yet.
///
/// # Errors
/// When there is something, it is no backup, or is of a later version. Nothing is in the database then; files that
/// were written stay and are written again.
pub async fn restore(stores: &Stores, file: &Path) -> Result<Counts, BackupError> {
    let named = |reason| BackupError::File { file: file.display().to_string(), reason };
    let archive = ZipArchive::new(BufReader::new(File::open(file).map_err(named)?))?;
    if tables::has_rows(&stores.database).await? {
        return Err(BackupError::NotEmpty);
    }
    let reader = Restore {
        archive,
        stores: (stores.database.clone(), Arc::clone(&stores.objects), stores.folder.clone()),
        runtime: Handle::current(),
        counts: Counts::default(),
    };
    tokio::task::spawn_blocking(move || reader.read()).await?
}

/// A backup that is being read. It blocks.
struct Restore {
    archive: ZipArchive<BufReader<File>>,
    stores: (sqlx::AnyPool, Arc<dyn ObjectStore>, PathBuf),
    runtime: Handle,
    counts: Counts,
}

impl Restore {
    fn read(mut self) -> Result<Counts, BackupError> {
        let (database, store, folder) = self.stores.clone();
        let runtime = self.runtime.clone();
        let mut head = String::new();
        self.archive
            .by_name(HEAD)?
            .take(MAX_ROW_BYTES)
            .read_to_string(&mut head)
            .map_err(damaged)?;
        let head: Head = serde_json::from_str(&head)?;
        if head.schema > runtime.block_on(tables::schema(&database))? {
            return Err(BackupError::Newer(head.earmark));
        }
        // Files first: what rows name is there when they are.
        for at in 0..self.archive.len() {
            self.object(&*store, at)?;
        }
        let Some(mut transaction) = runtime.block_on(tables::begin_empty(&database))? else {
            return Err(BackupError::NotEmpty);
        };
        for table in &tables::ALL {
            // One that came in later has no rows.
            let Ok(rows) = self.archive.by_name(&format!("{TABLES}{}.jsonl", table.name)) else {
                continue;
            };
            let mut rows = BufReader::new(rows);
            let mut line = Vec::new();
            while (&mut rows).take(MAX_ROW_BYTES).read_until(b'\n', &mut line).map_err(damaged)? > 0
            {
                let mut row = serde_json::from_slice(&line)?;
                if !head.clips && table.name == NARRATIONS {
                    tables::without_file(&mut row);
                }
                runtime.block_on(tables::insert(&mut transaction, table.name, &row))?;
                self.counts.rows += 1;
                line.clear();
            }
        }
        let mut restored = None;
        if let Ok(mut key) = self.archive.by_name(KEY) {
            let part = folder.join(format!("{KEY}.part"));
            let mut file = File::create(&part).map_err(unwritten)?;
            io::copy(&mut key, &mut file).map_err(unwritten)?;
            restored = Some(part);
        }
        runtime.block_on(transaction.commit())?;
        // The key that was there before has nothing left to open.
        if let Some(part) = restored {
            std::fs::rename(part, folder.join(KEY)).map_err(unwritten)?;
        }
        Ok(self.counts)
    }

    fn object(&mut self, store: &dyn ObjectStore, at: usize) -> Result<(), BackupError> {
        let runtime = self.runtime.clone();
        let mut entry = self.archive.by_index(at)?;
        let name = entry.name()?.into_owned();
        let Some(path) = name.strip_prefix(OBJECTS) else { return Ok(()) };
        let path =
            ObjectPath::parse(path).map_err(|error| BackupError::Damaged(error.to_string()))?;
        let mut piece = Vec::new();
        let read = (&mut entry).take(PART_BYTES as u64).read_to_end(&mut piece).map_err(damaged)?;
        self.counts.bytes += read as u64;
        self.counts.files += 1;
        if read < PART_BYTES {
            runtime.block_on(store.put(&path, Bytes::from(piece).into()))?;
            return Ok(());
        }
        let mut upload = runtime.block_on(store.put_multipart(&path))?;
        let sent = loop {
            let part = Bytes::from(std::mem::take(&mut piece));
            if let Err(error) = runtime.block_on(upload.put_part(part.into())) {
                break Err(error.into());
            }
            match (&mut entry).take(PART_BYTES as u64).read_to_end(&mut piece) {
                Ok(0) => break runtime.block_on(upload.complete()).map_err(BackupError::from),
                Ok(read) => self.counts.bytes += read as u64,
                Err(error) => break Err(damaged(error)),
            }
        };
        if sent.is_err() {
            // What is half there costs, and is nobody's.
            let _ = runtime.block_on(upload.abort());
        }
        sent.map(|_| ())
    }
}

fn damaged(error: io::Error) -> BackupError {
    BackupError::Damaged(error.to_string())
}
