//! View models of words that are looked up.

use serde::{Deserialize, Serialize};

/// What a dictionary says of a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DictionaryEntry {
    /// The word as the dictionary lists it.
    pub word: String,
    /// What it says, as safe HTML.
    pub html: String,
    /// What the dictionary calls itself.
    pub dictionary: String,
}
