//! Pictures and typefaces, written as they are read, so that a book is never in memory as a whole.

use std::collections::HashSet;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::ImportError;
use crate::text::hash::hex;

/// The folder that the files of one book are written to.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    written: HashSet<String>,
}

impl Files {
    /// Files go into `folder`, which is there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, written: HashSet::new() }
    }

    /// Writes a file that has `path` inside the book; once, however often it is asked to.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), ImportError> {
        if self.written.insert(path.to_owned()) {
            std::fs::write(self.folder.join(file_name(path)), bytes)?;
        }
        Ok(())
    }

    /// The paths of what was written.
    pub fn into_paths(self) -> HashSet<String> {
        self.written
    }
}

/// The name of a stored file: a hash, because a path inside a book may be anything.
pub fn file_name(path: &str) -> String {
    hex(&Sha256::digest(path.as_bytes()))
}
