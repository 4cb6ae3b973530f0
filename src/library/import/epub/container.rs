//! The ZIP file that an EPUB is: its entries, found as other readers find them, and read within limits.

use std::io::{self, Read, Seek, SeekFrom, Write};

use zip::ZipArchive;

use crate::library::import::limits::{
    ALWAYS_EXPANDED_BYTES, ALWAYS_SOUND_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_EXPANSION,
    MAX_SOUND_BYTES, MAX_SOUND_EXPANSION,
};
use crate::library::import::{ImportError, Source};
use crate::library::paths::{PathIndex, normalise};

/// Where every EPUB says where its package is (EPUB 3.3, section 4.2.6.3).
const CONTAINER_PATH: &str = "META-INF/container.xml";

/// The end of the directory of a ZIP file (APPNOTE.TXT, section 4.3.16): signature and fixed length.
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
const END_LENGTH: u64 = 22;

/// How much of an entry is copied at once, in bytes.
const COPIED_BYTES: usize = 64 * 1024;

/// An opened container.
pub struct Container {
    archive: ZipArchive<Archive>,
    /// Path of each entry, with `/` between folders.
    paths: Vec<String>,
    by_path: PathIndex<usize>,
    /// The folder that all of the book lies in, where somebody has zipped the folder and not its content.
    folder: String,
    /// How much more may be expanded, in bytes.
    budget: u64,
    /// How much of that may be sound.
    sound_budget: u64,
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
    pub fn open(mut file: Box<dyn Source>) -> Result<Self, ImportError> {
        let length = file.seek(SeekFrom::End(0))?;
        let budget = ALWAYS_EXPANDED_BYTES.max(MAX_EXPANSION.saturating_mul(length));
        let Some(end) = end_of_directory(&mut file)? else {
            return Err(ImportError::Damaged("its end is missing".to_owned()));
        };
        file.rewind()?;
        let archive = ZipArchive::new(Archive { file, at: 0, end }).map_err(|error| {
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
            sound_budget: ALWAYS_SOUND_BYTES + MAX_SOUND_EXPANSION.saturating_mul(length),
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

    /// Copies an entry of at most [`MAX_SOUND_BYTES`] that begins as sound does; what is none is damaged.
    pub fn copy(
        &mut self,
        entry: Entry,
        to: &mut impl Write,
    ) -> io::Result<Result<(), Unreadable>> {
        let Ok(file) = self.archive.by_index(entry.0) else { return Ok(Err(Unreadable::Damaged)) };
        let limit = MAX_SOUND_BYTES.min(self.sound_budget);
        if file.size() > limit {
            return Ok(Err(Unreadable::TooLarge));
        }
        let mut from = file.take(limit + 1);
        let mut piece = vec![0; COPIED_BYTES];
        let mut is_first = true;
        loop {
            let length = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Ok(Err(Unreadable::Damaged)),
            };
            if std::mem::take(&mut is_first) && !is_sound(&piece[..length]) {
                return Ok(Err(Unreadable::Damaged));
            }
            self.sound_budget = self.sound_budget.saturating_sub(length as u64);
            to.write_all(&piece[..length])?;
        }
        Ok(if from.limit() == 0 { Err(Unreadable::TooLarge) } else { Ok(()) })
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

/// Whether bytes begin as MP3 or MP4 do: with a tag, a frame, or the type of the file.
fn is_sound(bytes: &[u8]) -> bool {
    let is_frame = matches!(bytes, [0xff, second, ..] if second & 0xe0 == 0xe0);
    bytes.starts_with(b"ID3") || is_frame || bytes.get(4..8) == Some(b"ftyp")
}

/// Whether a file has the end of a ZIP archive.
pub fn is_archive(file: &mut dyn Source) -> io::Result<bool> {
    Ok(end_of_directory(file)?.is_some())
}

/// Where the directory of an archive ends.
fn end_of_directory(file: &mut dyn Source) -> io::Result<Option<u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    // A comment has at most 65,535 bytes.
    let from = length.saturating_sub(END_LENGTH + u64::from(u16::MAX));
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(length - from).read_to_end(&mut tail)?;
    let at = tail.windows(END_SIGNATURE.len()).rposition(|part| part == END_SIGNATURE);
    Ok(at.map(|at| from + at as u64 + END_LENGTH).filter(|end| *end <= length))
}

/// A ZIP file without what stands behind the end of its directory, and which says that nothing does: a download
/// may be padded, and a comment announced that was cut away.
struct Archive {
    file: Box<dyn Source>,
    at: u64,
    end: u64,
}

impl Read for Archive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(most);
        let read = self.file.read(&mut buffer[..room])?;
        // The last two bytes are how long the comment is (APPNOTE.TXT, section 4.3.16).
        for (byte, at) in buffer[..read].iter_mut().zip(self.at..) {
            if at + 2 >= self.end {
                *byte = 0;
            }
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Archive {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        let to = to.ok_or(io::ErrorKind::InvalidInput)?;
        self.at = self.file.seek(SeekFrom::Start(to))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn open(bytes: Vec<u8>) -> Result<Container, ImportError> {
        Container::open(Box::new(Cursor::new(bytes)))
    }

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
        let container = open(zipped(&[("My Book/META-INF/container.xml", b"")])).unwrap();
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
            let mut container = open(bytes).unwrap();
            let entry = container.container_entry().unwrap();
            assert_eq!(container.read(entry, 10).unwrap().bytes, b"x");
        }
        assert!(matches!(open(whole[..20].to_vec()), Err(ImportError::Damaged(_))));
    }

    #[test]
    fn what_is_expanded_is_bound_to_the_size_of_the_file() {
        let big = vec![b' '; 40 << 20];
        let mut container = open(zipped(&[("a", &big), ("b", &big), ("c", &big)])).unwrap();
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
        let mut container = open(bytes).unwrap();
        let entry = container.find("a").unwrap();
        assert!(container.read(entry, 100).map_or(true, |content| content.is_damaged));
    }
}
