//! Sentences that a listener wants read otherwise.

use serde::{Deserialize, Serialize};

/// Some sentences of a chapter, and who reads them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Chapter, from 1.
    pub chapter: u32,
    /// The first of the sentences.
    pub first: u32,
    /// The last of them.
    pub last: u32,
    /// The sentences as they are shown, of a long passage the beginning.
    pub sentences: Vec<PassageSentence>,
}

/// A sentence of a passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageSentence {
    /// As it is shown.
    pub text: String,
    /// What it costs to have it said once more, in the operator's currency; none where who reads it says it the
    /// same each time.
    pub again: Option<f64>,
}

impl Passage {
    /// What it costs to have all of it said once more, if any of it may then be said otherwise.
    pub fn again(&self) -> Option<f64> {
        let costs: Vec<f64> = self.sentences.iter().filter_map(|sentence| sentence.again).collect();
        (!costs.is_empty()).then(|| costs.iter().sum())
    }
}
