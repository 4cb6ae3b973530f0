//! Dictionaries that whoever runs Earmark has put into a folder, in the StarDict format: a word is explained where
//! it is read, without another site learning of it.
//!
//! A folder inside of that folder, named after a language (`de`), holds those for books in that language; what lies
//! beside them is asked about every book. The reader of the format is our own, because those there are as crates may
//! not be linked into a program under our licences.

mod dictzip;
mod forms;
mod stardict;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use app::model::DictionaryEntry;

use crate::text::language::{is_tag, primary_subtag};
use stardict::{Dictionary, Found};

pub use stardict::DictionaryError;

/// Most dictionaries that are read of a folder.
const MAX_DICTIONARIES: usize = 50;
/// Most entries shown for a word.
const MAX_ENTRIES: usize = 20;
/// Longest word or phrase that is looked up, in characters.
const MAX_WORD_CHARS: usize = 100;

/// The dictionaries of a folder.
#[derive(Debug, Default)]
pub struct Dictionaries {
    known: Vec<Known>,
}

/// What a dictionary is.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it calls itself.
    pub name: String,
    /// How many words and forms of words it has.
    pub words: usize,
    /// The language of the books that it is for; nothing for one that is asked about every book.
    pub language: Option<String>,
}

#[derive(Debug)]
struct Known {
    /// The primary subtag of the language it is for; nothing for one that is asked about every book.
    language: Option<String>,
    path: PathBuf,
    /// Opened when somebody looks a word up for the first time; nothing if it cannot be read.
    dictionary: OnceLock<Option<Arc<Dictionary>>>,
}

impl Dictionaries {
    /// Finds the dictionaries of a folder; none where there is no such folder. They are read when they are asked.
    pub fn find(folder: &Path) -> Self {
        let mut known = Vec::new();
        for path in entries(folder) {
            if path.is_dir() {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let language = language_of(name);
                known.extend(infos(&path).map(|path| Known::new(language.clone(), path)));
            }
        }
        // What is for one language is asked before what is for all.
        known.extend(infos(folder).map(|path| Known::new(None, path)));
        known.truncate(MAX_DICTIONARIES);
        Self { known }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Tries to read each: where it is, and what was found there.
    pub fn examine(&self) -> Vec<(&Path, Result<Summary, DictionaryError>)> {
        let examined = self.known.iter().map(|known| {
            let opened = Dictionary::open(&known.path);
            let summary = opened.map(|it| Summary {
                words: it.words(),
                name: it.name,
                language: known.language.clone(),
            });
            (&*known.path, summary)
        });
        examined.collect()
    }

    /// What they say of a word in a text of a language. Reads files, so it may block.
    pub fn look_up(&self, word: &str, language: &str) -> Vec<DictionaryEntry> {
        let Some(word) = wanted(word) else { return Vec::new() };
        let dictionaries: Vec<_> = self.of(language).filter_map(Known::dictionary).collect();
        // One that has the word as it stands is more to the point than one that has its root.
        for form in forms::of(word, primary_subtag(language)) {
            let found = dictionaries.iter().flat_map(|dictionary| {
                let name = &dictionary.name;
                dictionary.look_up(&form).into_iter().filter_map(move |found| match found {
                    Ok(Found { word, html }) => {
                        Some(DictionaryEntry { word, html, dictionary: name.clone() })
                    }
                    Err(error) => {
                        tracing::warn!(%error, dictionary = name, "an entry cannot be read");
                        None
                    }
                })
            });
            let found: Vec<_> = found.take(MAX_ENTRIES).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn of<'d>(&'d self, language: &str) -> impl Iterator<Item = &'d Known> {
        let language = primary_subtag(language).to_lowercase();
        self.known
            .iter()
            .filter(move |known| known.language.as_ref().is_none_or(|spoken| *spoken == language))
    }
}

impl Known {
    fn new(language: Option<String>, path: PathBuf) -> Self {
        Self { language, path, dictionary: OnceLock::new() }
    }

    fn dictionary(&self) -> Option<Arc<Dictionary>> {
        let open = || match Dictionary::open(&self.path) {
            Ok(dictionary) => Some(Arc::new(dictionary)),
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "a dictionary cannot be read");
                None
            }
        };
        self.dictionary.get_or_init(open).clone()
    }
}

/// The language that a folder is named after. A longer name is that of a dictionary that was unpacked there.
fn language_of(name: &str) -> Option<String> {
    let primary = primary_subtag(name);
    (is_tag(name) && (2..=3).contains(&primary.len())).then(|| primary.to_lowercase())
}

/// What is looked up of what was selected: without the signs around it.
fn wanted(selected: &str) -> Option<&str> {
    let word = selected.trim_matches(|c: char| !c.is_alphanumeric());
    (!word.is_empty() && word.chars().count() <= MAX_WORD_CHARS).then_some(word)
}

/// What lies in a folder, in the order of names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn infos(folder: &Path) -> impl Iterator<Item = PathBuf> {
    entries(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "ifo"))
}

#[cfg(test)]
mod tests;
