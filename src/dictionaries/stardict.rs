//! A dictionary in the StarDict format (version 2.4.2 and 3.0.0: "Format for StarDict dictionary files").
//!
//! `NAME.ifo` says what it is; `NAME.idx` has the words, each with the place of its entry in `NAME.dict` or
//! `NAME.dict.dz`; `NAME.syn`, where there is one, has further forms of those words. Of the words their hashes are
//! held in memory, 16 bytes each; all else is read from the files when it is wanted.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use quick_xml::escape::escape;
use thiserror::Error;

use super::dictzip::Pieces;

/// Most words and forms of a dictionary. The largest of Wiktionary has a million and a half.
const MAX_WORDS: usize = 4_000_000;
/// Longest word, in bytes (the format's own limit).
const MAX_WORD_BYTES: usize = 256;
/// Size of an index, in bytes.
const MAX_INDEX_BYTES: u64 = 512 * 1024 * 1024;
/// Size of what describes the dictionary, in bytes.
const MAX_INFO_BYTES: u64 = 64 * 1024;
/// Longest entry that is shown, in bytes; longer ones are cut.
const MAX_ENTRY_BYTES: usize = 128 * 1024;
/// Entries of one word in one dictionary.
const MAX_ENTRIES: usize = 8;

/// A dictionary that cannot be read.
#[derive(Debug, Error)]
pub enum DictionaryError {
    /// One of its files.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// It is not as the format has it.
    #[error("{0}")]
    Format(&'static str),
}

/// What a dictionary has of a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The word as the dictionary lists it.
    pub(super) word: String,
    /// What it says, as safe HTML.
    pub(super) html: String,
}

/// An open dictionary.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// What it calls itself.
    pub(super) name: String,
    /// Kinds of the parts of each entry; nothing where the entries say it themselves.
    kinds: Vec<u8>,
    /// Whether places of entries have eight bytes.
    is_large: bool,
    /// Hashes of words, in order, each with where it begins in the index.
    words: Vec<(u64, u32)>,
    index: Mutex<File>,
    entries: Mutex<File>,
    pieces: Option<Pieces>,
}

impl Dictionary {
    /// Opens the dictionary that an `.ifo` describes.
    pub(super) fn open(info: &Path) -> Result<Self, DictionaryError> {
        let text = read(info, MAX_INFO_BYTES)?;
        let text = String::from_utf8_lossy(&text);
        if !text.trim_start_matches('\u{feff}').starts_with("StarDict's dict ifo file") {
            return Err(DictionaryError::Format(
                "the .ifo does not begin as that of a StarDict dictionary",
            ));
        }
        let value = |name: &str| {
            let mut pairs = text.lines().filter_map(|line| line.split_once('='));
            pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
        };
        let file_name = || info.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_large = value("idxoffsetbits").as_deref() == Some("64");
        let index_path = info.with_extension("idx");
        if !index_path.exists() && info.with_extension("idx.gz").exists() {
            return Err(DictionaryError::Format(
                "its index is packed: unpack the .idx.gz with gunzip",
            ));
        }
        let index = read(&index_path, MAX_INDEX_BYTES)?;
        let starts = starts(&index, is_large)?;
        let word = |start: u32| word_at(&index, start as usize).unwrap_or_default();
        let mut words: Vec<_> = starts.iter().map(|start| (hash(&word(*start)), *start)).collect();
        let forms = info.with_extension("syn");
        if forms.exists() {
            words.extend(of_forms(&read(&forms, MAX_INDEX_BYTES)?, &starts));
        }
        words.sort_unstable();
        words.dedup();
        words.shrink_to_fit();
        let (entries, pieces) = open_entries(info)?;
        Ok(Self {
            name: value("bookname").filter(|name| !name.is_empty()).unwrap_or_else(file_name),
            kinds: value("sametypesequence").unwrap_or_default().into_bytes(),
            is_large,
            words,
            index: Mutex::new(open(&index_path)?),
            entries: Mutex::new(entries),
            pieces,
        })
    }

    /// How many words and forms it has.
    pub(super) fn words(&self) -> usize {
        self.words.len()
    }

    /// Its entries for a word, whatever its case.
    pub(super) fn look_up(&self, word: &str) -> Vec<io::Result<Found>> {
        let wanted = hash(word);
        let first = self.words.partition_point(|(hash, _)| *hash < wanted);
        let same = self.words[first..].iter().take_while(|(hash, _)| *hash == wanted);
        same.take(MAX_ENTRIES).map(|(_, start)| self.entry(*start)).collect()
    }

    fn entry(&self, start: u32) -> io::Result<Found> {
        let mut line = [0; MAX_WORD_BYTES + 1 + 12];
        let read = {
            let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            index.seek(SeekFrom::Start(u64::from(start)))?;
            read_up_to(&mut index, &mut line)?
        };
        let line = &line[..read];
        let word = word_at(line, 0).ok_or(io::ErrorKind::InvalidData)?;
        let place = line.get(word.len() + 1..).unwrap_or_default();
        let (offset, length) = place_of(place, self.is_large).ok_or(io::ErrorKind::InvalidData)?;
        let length = (length as usize).min(MAX_ENTRY_BYTES);
        let bytes = {
            let mut file = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            match &self.pieces {
                Some(pieces) => pieces.bytes(&mut file, offset, length)?,
                None => {
                    let mut bytes = vec![0; length];
                    file.seek(SeekFrom::Start(offset))?;
                    file.read_exact(&mut bytes)?;
                    bytes
                }
            }
        };
        Ok(Found { word, html: html(&bytes, &self.kinds) })
    }
}

fn open(path: &Path) -> Result<File, DictionaryError> {
    File::open(path).map_err(|error| DictionaryError::File(path.to_owned(), error))
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, DictionaryError> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| DictionaryError::File(path.to_owned(), error))?;
    if bytes.len() as u64 > limit {
        return Err(DictionaryError::Format(
            "one of its files is larger than those of any dictionary",
        ));
    }
    Ok(bytes)
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

fn open_entries(info: &Path) -> Result<(File, Option<Pieces>), DictionaryError> {
    let plain = info.with_extension("dict");
    if plain.exists() {
        return Ok((open(&plain)?, None));
    }
    let packed = info.with_extension("dict.dz");
    let mut file = open(&packed)?;
    let pieces = Pieces::read(&mut file).map_err(|error| DictionaryError::File(packed, error))?;
    let pieces = pieces.ok_or(DictionaryError::Format(
        "its .dict.dz cannot be read from the middle: unpack it with `gunzip -S .dz`",
    ))?;
    Ok((file, Some(pieces)))
}

/// Where each word begins in the index.
fn starts(index: &[u8], is_large: bool) -> Result<Vec<u32>, DictionaryError> {
    let place = if is_large { 12 } else { 8 };
    let (mut starts, mut at) = (Vec::new(), 0);
    while at < index.len() {
        let start =
            u32::try_from(at).map_err(|_| DictionaryError::Format("its index is too large"))?;
        let Some(word) = index[at..].iter().take(MAX_WORD_BYTES + 1).position(|byte| *byte == 0)
        else {
            return Err(DictionaryError::Format("its index has a word that does not end"));
        };
        at += word + 1 + place;
        if at > index.len() || starts.len() >= MAX_WORDS {
            return Err(DictionaryError::Format("its index ends within a word, or has too many"));
        }
        starts.push(start);
    }
    Ok(starts)
}

/// Hashes of further forms, with where their words begin in the index.
fn of_forms(forms: &[u8], starts: &[u32]) -> Vec<(u64, u32)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(form) = word_at(forms, at) {
        let number = at + form.len() + 1;
        let Some(bytes) = forms.get(number..number + 4) else { break };
        let number_of_word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        if let Some(start) = starts.get(number_of_word as usize) {
            found.push((hash(&form), *start));
        }
        at = number + 4;
        if found.len() >= MAX_WORDS {
            break;
        }
    }
    found
}

/// The word that begins at a place and ends with a zero.
fn word_at(bytes: &[u8], at: usize) -> Option<String> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let end = rest.iter().take(MAX_WORD_BYTES + 1).position(|byte| *byte == 0)?;
    // The length must be that of the bytes, which a replaced letter would change.
    String::from_utf8(rest[..end].to_vec()).ok()
}

fn place_of(bytes: &[u8], is_large: bool) -> Option<(u64, u32)> {
    let wide = if is_large { 8 } else { 4 };
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Some((number(bytes.get(..wide)?), number(bytes.get(wide..wide + 4)?) as u32))
}

/// A word by which it is found whatever its case.
fn hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.to_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// An entry as safe HTML: its parts one after the other. Sounds and pictures are left out.
fn html(entry: &[u8], kinds: &[u8]) -> String {
    let mut html = String::new();
    let mut rest = entry;
    let mut at = 0;
    while !rest.is_empty() {
        let (kind, is_last) = match kinds.get(at) {
            Some(kind) => (*kind, at + 1 == kinds.len()),
            None if kinds.is_empty() => {
                let kind = rest[0];
                rest = &rest[1..];
                (kind, false)
            }
            None => break,
        };
        at += 1;
        let Some((part, after)) = cut(rest, kind, is_last) else { break };
        push_part(kind, part, &mut html);
        rest = after;
    }
    html
}

/// Cuts the first part off: a text ends with a zero, what is written in a capital has its length before it, and the
/// last of parts whose kinds are known needs neither.
fn cut(rest: &[u8], kind: u8, is_last: bool) -> Option<(&[u8], &[u8])> {
    if is_last {
        return Some((rest, &[]));
    }
    if kind.is_ascii_uppercase() {
        let length = rest.get(..4)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        return Some((rest.get(4..)?.get(..length)?, &rest[4 + length..]));
    }
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    Some((&rest[..end], rest.get(end + 1..).unwrap_or_default()))
}

fn push_part(kind: u8, part: &[u8], html: &mut String) {
    static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
        let mut cleaner = ammonia::Builder::empty();
        let tags = [
            "b",
            "i",
            "em",
            "strong",
            "u",
            "small",
            "sub",
            "sup",
            "br",
            "p",
            "div",
            "span",
            "ul",
            "ol",
            "li",
            "dl",
            "dt",
            "dd",
            "blockquote",
        ];
        cleaner.add_tags(tags);
        cleaner
    });
    let text = String::from_utf8_lossy(part);
    let (class, text) = match kind {
        b'h' => ("entry", CLEANER.clean(&text).to_string()),
        // Markup whose line breaks count: XDXF, Pango, KingSoft's.
        b'x' | b'g' | b'k' => ("entry lines", CLEANER.clean(&text).to_string()),
        b't' | b'y' => ("entry phonetic", escape(&*text).into_owned()),
        kind if kind.is_ascii_lowercase() && kind != b'r' => {
            ("entry lines", escape(&*text).into_owned())
        }
        _ => return,
    };
    for part in ["<div class=\"", class, "\">", text.trim(), "</div>"] {
        html.push_str(part);
    }
}
