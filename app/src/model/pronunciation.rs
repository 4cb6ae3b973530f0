//! How words are said, where the voice says them wrong.

use serde::{Deserialize, Serialize};

/// Which books a pronunciation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PronunciationScope {
    /// This book.
    Book,
    /// Books of the same series.
    Series,
    /// Books by the same author.
    Author,
    /// Books in the same language.
    Language,
    /// Every book.
    Everywhere,
}

impl PronunciationScope {
    /// Its name, in forms, addresses and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Series => "series",
            Self::Author => "author",
            Self::Language => "language",
            Self::Everywhere => "everywhere",
        }
    }

    /// The one of a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Book, Self::Series, Self::Author, Self::Language, Self::Everywhere]
            .into_iter()
            .find(|scope| scope.name() == name)
    }
}

/// What a pronunciation is looked for as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// A whole word, or several in a row.
    Word,
    /// Those letters, also within a word.
    Part,
    /// A regular expression; what is said may name its groups (`$1`).
    Pattern,
}

impl Matching {
    /// Its name, in forms, addresses and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Part => "part",
            Self::Pattern => "pattern",
        }
    }

    /// The one of a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Word, Self::Part, Self::Pattern].into_iter().find(|kind| kind.name() == name)
    }
}

/// How a word is said: what a person enters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewPronunciation {
    /// The word as the book has it, or a pattern.
    pub written: String,
    /// What a voice is given in its place. Empty with `phonemes`: the word itself; without: nothing is said.
    pub spoken: String,
    /// How it sounds in the International Phonetic Alphabet, for voices that take it; or empty.
    pub phonemes: String,
    /// What `written` is.
    pub matching: Matching,
    /// Whether capitals must agree.
    pub matches_case: bool,
    /// Which books it is for.
    pub scope: PronunciationScope,
}

/// How a word is said.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Pronunciation {
    /// Names it.
    pub id: String,
    /// What a person has entered.
    #[serde(flatten)]
    pub entry: NewPronunciation,
    /// The book's id, the series, the author or the language that it is for; empty when it is for every book.
    pub target: String,
}

/// What a pronunciation changes in a book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PronunciationEffect {
    /// Sentences that it is used in.
    pub sentences: u32,
    /// Characters of those that are made again, which a paid voice is paid for.
    pub characters: u64,
    /// What that costs in the reader's voice, in the operator's currency; nothing for a voice that is free.
    pub cost: f64,
}

/// The words of a book and how they are said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// What applies to the book, the nearest first, each with the number of sentences that it changes.
    pub entries: Vec<(Pronunciation, u32)>,
    /// What the draft in the form would change.
    pub draft: PronunciationEffect,
    /// Names in the book that nothing is said of, the most frequent first, each with its number.
    pub names: Vec<(String, u32)>,
    /// Other words that nothing is said of and the voice reads as they look, the most frequent first.
    pub rare: Vec<(String, u32)>,
}
