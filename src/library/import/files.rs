//! Pictures, typefaces and sounds, written as they are read, so that a book is never in memory as a whole.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::ImportError;
use super::epub::Unreadable;
use crate::text::hash::hex;

/// The folder that the files of one book are written to.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    written: HashSet<String>,
    sounds: PathBuf,
}

impl Files {
    /// Files go into `folder` and sounds into `sounds`, which are there.
    pub fn new(folder: PathBuf, sounds: PathBuf) -> Self {
        Self { folder, written: HashSet::new(), sounds }
    }

    /// Writes a file that has `path` inside the book; once, however often it is asked to.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), ImportError> {
        if self.written.insert(path.to_owned()) {
            std::fs::write(self.folder.join(file_name(path)), bytes)?;
        }
        Ok(())
    }

    /// Has a sound of a name written by `copy`. One that could not be read whole is not there.
    pub fn write_sound(
        &mut self,
        name: &str,
        copy: impl FnOnce(&mut BufWriter<File>) -> io::Result<Result<(), Unreadable>>,
    ) -> io::Result<Result<(), Unreadable>> {
        let to = self.sounds.join(name);
        let mut writer = BufWriter::new(File::create(&to)?);
        let copied = copy(&mut writer)?;
        writer.flush()?;
        if copied.is_err() {
            std::fs::remove_file(to)?;
        }
        Ok(copied)
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
