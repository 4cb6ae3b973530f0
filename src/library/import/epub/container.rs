//! The ZIP file that an EPUB is: its entries, found as other readers find them, and read within limits.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::library::import::ImportError;
use crate::library::import::limits::{
    ALWAYS_EXPANDED_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_EXPANSION,
};
use crate::library::paths::{PathIndex, normalise};

/// Where every EPUB says where its package is (EPUB 3.3, section 4.2.6.3).
const CONTAINER_PATH: &str = "META-INF/container.xml";

/// The end of the directory of a ZIP file (APPNOTE.TXT, section 4.3.16): signature and fixed length.
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;

/// An opened container.
pub struct Container {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    /// Path of each entry, with `/` between folders.
    paths: Vec<String>,
    by_path: PathIndex<usize>,
    /// The folder that all of the book lies in, where somebody has zipped the folder and not its content.
    folder: String,
    /// How much more may be expanded, in bytes.
    budget: u64,
}

/// One entry of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry(usize);

/// Why an entry could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Its data are damaged or encrypted.
    Damaged,
    /// It is larger than it may be, or all that is read is.
    TooLarge,
}

/// What an entry holds.
#[derive(Debug)]
pub struct Content {
    /// Its bytes; what could be read of them when it is damaged.
    pub bytes: Vec<u8>,
    /// The bytes are not all, or not what they were when the file was made.
    pub is_damaged: bool,
}

impl Container {
    /// Opens a ZIP file and looks where the book lies in it.
    pub fn open(mut bytes: Vec<u8>) -> Result<Self, ImportError> {
        let budget = ALWAYS_EXPANDED_BYTES.max(MAX_EXPANSION * bytes.len() as u64);
        mend_end(&mut bytes);
        if !is_archive(&bytes) {
            return Err(ImportError::Damaged("its end is missing".to_owned()));
        }
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            ImportError::Damaged(error.to_string().trim_end_matches('.').to_owned())
        })?;
        if archive.len() > MAX_ENTRIES {
            return Err(ImportError::TooMany { what: "entries", most: MAX_ENTRIES });
        }
        let mut container = Self {
            archive,
            paths: Vec::new(),
            by_path: PathIndex::default(),
            folder: String::new(),
            budget,
        };
        for index in 0..container.archive.len() {
            // A name that cannot be read leads nowhere, and its entry is never asked for.
            let name = container.archive.name_for_index(index).and_then(Result::ok);
            let path = normalise(&name.unwrap_or_default());
            container.by_path.insert(&path, index);
            container.paths.push(path);
        }
        container.folder = container.folder_of_the_book();
        Ok(container)
    }

    /// The entry that says where the package is.
    pub fn container_entry(&self) -> Option<Entry> {
        self.find(&format!("{}{CONTAINER_PATH}", self.folder))
    }

    /// The folder that all of the book lies in, ending in `/`; empty when it is not in one.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Finds an entry by its path, as [`PathIndex`] does.
    pub fn find(&self, path: &str) -> Option<Entry> {
        self.by_path.get(path).map(Entry)
    }

    /// The first entry, the least deep first, whose lower-case path ends so.
    pub fn find_by_ending(&self, ending: &str) -> Option<Entry> {
        // What macOS adds to archives lies in a folder of its own.
        let matching = (0..self.paths.len()).filter(|index| {
            let path = &self.paths[*index];
            !path.starts_with("__MACOSX") && path.to_lowercase().ends_with(ending)
        });
        matching.min_by_key(|index| self.paths[*index].matches('/').count()).map(Entry)
    }

    /// The path of an entry.
    pub fn path(&self, entry: Entry) -> &str {
        &self.paths[entry.0]
    }

    /// Reads an entry of at most `limit` bytes. All that is read together is limited as well, so a file
    /// made to exhaust memory cannot.
    pub fn read(&mut self, entry: Entry, limit: u64) -> Result<Content, Unreadable> {
        let limit = limit.min(MAX_ENTRY_BYTES);
        let file = self.archive.by_index(entry.0).map_err(|_| Unreadable::Damaged)?;
        // What an entry declares may be wrong, so what is really read is counted.
        if file.size() > limit || self.budget == 0 {
            return Err(Unreadable::TooLarge);
        }
        let limit = limit.min(self.budget);
        let mut bytes = Vec::new();
        let outcome = file.take(limit + 1).read_to_end(&mut bytes);
        self.budget = self.budget.saturating_sub(bytes.len() as u64);
        if bytes.len() as u64 > limit {
            return Err(Unreadable::TooLarge);
        }
        if outcome.is_err() && bytes.is_empty() {
            return Err(Unreadable::Damaged);
        }
        Ok(Content { bytes, is_damaged: outcome.is_err() })
    }

    /// `Book/` where the container is `Book/META-INF/container.xml`.
    fn folder_of_the_book(&self) -> String {
        if self.find(CONTAINER_PATH).is_some() {
            return String::new();
        }
        let ending = format!("/{}", CONTAINER_PATH.to_lowercase());
        self.find_by_ending(&ending).map_or_else(String::new, |entry| {
            let path = self.path(entry);
            path[..path.len() - CONTAINER_PATH.len()].to_owned()
        })
    }
}

/// Whether a file has the end of a ZIP archive.
pub fn is_archive(bytes: &[u8]) -> bool {
    end_of_directory(bytes).is_some()
}

/// Where the directory of an archive ends.
fn end_of_directory(bytes: &[u8]) -> Option<usize> {
    // A comment has at most 65,535 bytes.
    let from = bytes.len().saturating_sub(END_LENGTH + usize::from(u16::MAX));
    let tail = &bytes[from..];
    let at = tail.windows(END_SIGNATURE.len()).rposition(|part| part == END_SIGNATURE)?;
    Some(from + at + END_LENGTH).filter(|end| *end <= bytes.len())
}

/// Cuts off what stands behind the directory's end and says that nothing does: a download may be padded,
/// and a comment announced that was cut away.
fn mend_end(bytes: &mut Vec<u8>) {
    if let Some(end) = end_of_directory(bytes) {
        bytes.truncate(end);
        bytes[end - 2..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_book_may_lie_one_folder_down() {
        let container =
            Container::open(zipped(&[("My Book/META-INF/container.xml", b"")])).unwrap();
        assert_eq!(container.folder(), "My Book/");
        assert!(container.container_entry().is_some());
    }

    #[test]
    fn what_stands_behind_the_end_does_not_matter() {
        let whole = zipped(&[("META-INF/container.xml", b"x")]);
        let mut announced = whole.clone();
        let at = announced.len() - 2;
        announced[at..].copy_from_slice(&[1, 0]);
        let padded = [whole.as_slice(), &[0; 1000]].concat();
        for bytes in [announced, padded] {
            let mut container = Container::open(bytes).unwrap();
            let entry = container.container_entry().unwrap();
            assert_eq!(container.read(entry, 10).unwrap().bytes, b"x");
        }
        assert!(matches!(Container::open(whole[..20].to_vec()), Err(ImportError::Damaged(_))));
    }

    #[test]
    fn what_is_expanded_is_bound_to_the_size_of_the_file() {
        let big = vec![b' '; 40 << 20];
        let mut container =
            Container::open(zipped(&[("a", &big), ("b", &big), ("c", &big)])).unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| container.find(name).unwrap());
        assert_eq!(container.read(a, 1 << 20).unwrap_err(), Unreadable::TooLarge);
        assert!(container.read(a, u64::MAX).is_ok());
        assert_eq!(container.read(b, u64::MAX).unwrap_err(), Unreadable::TooLarge);
        assert_eq!(container.read(c, u64::MAX).unwrap_err(), Unreadable::TooLarge);
    }

    #[test]
    fn a_damaged_entry_says_so() {
        let mut bytes = zipped(&[("a", b"some text that is long enough to be there")]);
        // The first byte after the local header (APPNOTE.TXT, section 4.3.7) and the name.
        bytes[30 + 1 + 10] ^= 0x55;
        let mut container = Container::open(bytes).unwrap();
        let entry = container.find("a").unwrap();
        assert!(container.read(entry, 100).map_or(true, |content| content.is_damaged));
    }
}
