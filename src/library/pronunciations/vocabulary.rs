//! The words of a book: which entries change which sentences, and which names and other words nothing is said of.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use app::model::{BookId, NewPronunciation, Pronunciation, PronunciationEffect, Vocabulary};
use unicode_segmentation::UnicodeSegmentation;

use super::super::chapters::Chapter;
use super::super::{Library, LibraryError};
use crate::text::language::primary_subtag;
use crate::text::pronunciation::{Rules, checked, without_phonemes};
use crate::text::spoken::normalise;

/// Names shown.
const MAX_NAMES: usize = 40;
/// Other words of a book that a voice is asked whether it knows.
const MAX_OTHERS: usize = 30_000;
/// Shorter words, in letters, are hardly ever ones that a voice does not know.
const MIN_LETTERS: usize = 4;
/// How often a name has to be there to be shown.
const MIN_TIMES: u32 = 3;
/// Different words that are counted; a book has about 20,000.
const MAX_WORDS: usize = 200_000;

impl Library {
    /// The words of a book and how they are said; with a draft, what that would change in place of the entry
    /// `replaced`, for a voice that takes phonemes or one that does not. Among `rare` are all words that are no names:
    /// which of them are rare the voice knows.
    pub async fn vocabulary(
        &self,
        book: &BookId,
        draft: Option<NewPronunciation>,
        replaced: &str,
        takes_phonemes: bool,
    ) -> Result<Vocabulary, LibraryError> {
        let details = self.metadata(book).await?;
        let rules = Arc::clone(&self.said(book).await?.rules);
        // A draft that cannot be used yet changes nothing.
        let draft = draft
            .and_then(|draft| checked(draft).ok())
            .map(|draft| Arc::new(Draft::new(draft, replaced, rules.entries(), takes_phonemes)));
        let mut found = Found::new(rules.entries().len());
        for card in &details.chapters {
            // Past the cache of chapters, like a search.
            let revision = details.card.revision;
            let Some(chapter) = self.shared.shelf.chapter(book, revision, card.number).await?
            else {
                continue;
            };
            let (rules, draft) = (Arc::clone(&rules), draft.clone());
            found = tokio::task::spawn_blocking(move || {
                found.add(&chapter, &rules, draft.as_deref());
                found
            })
            .await?;
        }
        let entries = rules.entries().iter().cloned().zip(found.changed.iter().copied()).collect();
        // Where every noun has a capital, a capital says nothing.
        let has_names = primary_subtag(&details.card.language) != "de";
        let names = if has_names { found.names(&rules) } else { Vec::new() };
        let (found, rare) = tokio::task::spawn_blocking({
            let rules = Arc::clone(&rules);
            move || {
                let others = found.others(&rules);
                (found, others)
            }
        })
        .await?;
        Ok(Vocabulary { entries, draft: found.draft, names, rare })
    }
}

/// The rules as they would be with a draft.
struct Draft {
    rules: Rules,
    /// The draft's place among them.
    at: usize,
    takes_phonemes: bool,
}

impl Draft {
    /// The draft takes the place of the entry it was made from, and of one for the same word in its scope.
    fn new(
        draft: NewPronunciation,
        replaced: &str,
        known: &[Pronunciation],
        takes_phonemes: bool,
    ) -> Self {
        let is_same = |one: &NewPronunciation| {
            (one.scope, one.matching, one.matches_case)
                == (draft.scope, draft.matching, draft.matches_case)
                && one.written == draft.written
        };
        let kept = known.iter().filter(|one| one.id != replaced && !is_same(&one.entry));
        let mut entries: Vec<Pronunciation> = kept.cloned().collect();
        let at = entries.partition_point(|one| (one.entry.scope as u8) < draft.scope as u8);
        let draft = Pronunciation { id: String::new(), entry: draft, target: String::new() };
        entries.insert(at, draft);
        Self { rules: Rules::new(entries), at, takes_phonemes }
    }

    /// What the voice is given of a text.
    fn given<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.takes_phonemes { Cow::Borrowed(text) } else { without_phonemes(text) }
    }
}

/// What has been found so far.
struct Found {
    /// Sentences that each entry changes.
    changed: Vec<u32>,
    draft: PronunciationEffect,
    /// Words with a capital that does not come from their place.
    capitals: HashMap<String, u32>,
    /// Words that are written small.
    small: HashMap<String, u32>,
}

impl Found {
    fn new(entries: usize) -> Self {
        Self {
            changed: vec![0; entries],
            draft: PronunciationEffect::default(),
            capitals: HashMap::new(),
            small: HashMap::new(),
        }
    }

    fn add(&mut self, chapter: &Chapter, rules: &Rules, draft: Option<&Draft>) {
        for sentence in &chapter.sentences {
            let plain = normalise(&sentence.text);
            let said = rules.apply(&plain, &[]);
            for entry in &said.used {
                self.changed[*entry] += 1;
            }
            if let Some(draft) = draft {
                let drafted = draft.rules.apply(&plain, &[]);
                self.draft.sentences += u32::from(drafted.used.contains(&draft.at));
                let (before, now) = (draft.given(&said.text), draft.given(&drafted.text));
                if before != now {
                    self.draft.characters += now.chars().count() as u64;
                }
            }
            self.count_words(&plain);
        }
    }

    fn count_words(&mut self, sentence: &str) {
        let mut is_first = true;
        for word in sentence.unicode_words() {
            let word = word.split(['’', '\'']).next().unwrap_or_default();
            let Some(first) = word.chars().next() else { continue };
            let is_name = first.is_uppercase() && word.chars().any(char::is_lowercase);
            if first.is_lowercase()
                && (self.small.len() < MAX_WORDS || self.small.contains_key(word))
            {
                *self.small.entry(word.to_owned()).or_default() += 1;
            } else if is_name
                && !is_first
                && word.chars().count() > 2
                && (self.capitals.len() < MAX_WORDS || self.capitals.contains_key(word))
            {
                *self.capitals.entry(word.to_owned()).or_default() += 1;
            }
            is_first = false;
        }
    }

    fn names(&self, rules: &Rules) -> Vec<(String, u32)> {
        let is_name = |(word, times): &(&String, &u32)| {
            **times >= MIN_TIMES && !self.small.contains_key(&word.to_lowercase())
        };
        unsaid(self.capitals.iter().filter(is_name), rules, MAX_NAMES)
    }

    fn others(&self, rules: &Rules) -> Vec<(String, u32)> {
        let is_word = |(word, _): &(&String, &u32)| {
            word.chars().count() >= MIN_LETTERS && word.chars().all(char::is_alphabetic)
        };
        unsaid(self.small.iter().filter(is_word), rules, MAX_OTHERS)
    }
}

/// The words among some that nothing is said of, the most frequent first.
fn unsaid<'w>(
    words: impl Iterator<Item = (&'w String, &'w u32)>,
    rules: &Rules,
    most: usize,
) -> Vec<(String, u32)> {
    let is_said = |word: &str| !rules.apply(word, &[]).used.is_empty();
    let mut words: Vec<_> = words.collect();
    words.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let unsaid = words.into_iter().filter(|(word, _)| !is_said(word)).take(most);
    unsaid.map(|(word, times)| (word.clone(), *times)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_that_are_never_small() {
        let mut found = Found::new(0);
        for _ in 0..3 {
            found.count_words("Then Raskolnikov saw Raskolnikov’s Hat and Polya.");
        }
        found.count_words("A hat. Only once Sonia.");
        let names = found.names(&Rules::default());
        assert_eq!(names, [("Raskolnikov".to_owned(), 6), ("Polya".to_owned(), 3)]);
        found.count_words("The samovar, the samovar: only a hat.");
        let others = found.others(&Rules::default());
        assert_eq!(
            others,
            [("samovar".to_owned(), 2), ("once".to_owned(), 1), ("only".to_owned(), 1)]
        );
    }
}
