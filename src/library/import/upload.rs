//! A file as it comes in: written to disk and hashed piece by piece, never in memory as a whole.

use std::path::{Path, PathBuf};

use app::model::BookId;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ImportError;
use super::child::SOURCE;
use super::limits::MAX_FILE_BYTES;
use crate::text::hash::hex;

/// How much of a file on disk is read at once, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// A file that is coming in, in a folder of its own, which goes when this does.
#[derive(Debug)]
pub struct Upload {
    folder: TempDir,
    file: File,
    hash: Sha256,
    length: u64,
}

/// A file that is all there.
#[derive(Debug)]
pub struct Uploaded {
    folder: TempDir,
    /// The book that it is.
    pub id: BookId,
}

impl Upload {
    /// Begins in a new folder below `parent`.
    pub async fn begin(parent: &Path) -> Result<Self, ImportError> {
        tokio::fs::create_dir_all(parent).await?;
        let parent = parent.to_owned();
        let folder = tokio::task::spawn_blocking(move || {
            tempfile::Builder::new().prefix("import-").tempdir_in(parent)
        });
        let folder = folder.await.map_err(std::io::Error::other)??;
        let file = File::create(folder.path().join(SOURCE)).await?;
        Ok(Self { folder, file, hash: Sha256::new(), length: 0 })
    }

    /// Takes the next piece; refuses when the file becomes larger than it may be.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), ImportError> {
        self.length += piece.len() as u64;
        if self.length > MAX_FILE_BYTES {
            return Err(ImportError::TooLarge);
        }
        self.hash.update(piece);
        Ok(self.file.write_all(piece).await?)
    }

    /// Takes all of a file on disk.
    pub async fn write_file(&mut self, path: &Path) -> Result<(), ImportError> {
        let mut file = File::open(path).await?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece).await? {
                0 => return Ok(()),
                length => self.write(&piece[..length]).await?,
            }
        }
    }

    /// All of it is there.
    pub async fn finish(mut self) -> Result<Uploaded, ImportError> {
        self.file.flush().await?;
        if self.length == 0 {
            return Err(ImportError::Empty);
        }
        let id = id_of(&self.hash.finalize());
        Ok(Uploaded { folder: self.folder, id })
    }
}

/// The id that a digest makes.
fn id_of(digest: &[u8]) -> BookId {
    // SHA-256 in hex is 64 digits of the alphabet a BookId has.
    match hex(digest)[..BookId::LENGTH].parse() {
        Ok(id) => id,
        Err(error) => unreachable!("{error}"),
    }
}

impl Uploaded {
    /// The folder with the file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The id that the book has as one person's own.
    pub fn id_for(&self, user: &str) -> BookId {
        id_of(&Sha256::digest(format!("{}:{user}", self.id)))
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join(SOURCE)
    }
}
