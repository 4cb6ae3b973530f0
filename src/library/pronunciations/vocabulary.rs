//! The words of a book: which entries change which sentences, and which names nothing is said of.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use app::model::{BookId, NewPronunciation, Pronunciation, PronunciationEffect, Vocabulary};
use unicode_segmentation::UnicodeSegmentation;

use super::super::chapters::Chapter;
use super::super::{Library, LibraryError};
use crate::text::language::primary_subtag;
use crate::text::pronunciation::{Rules, checked};
use crate::text::spoken::normalise;

/// Names shown.
const MAX_NAMES: usize = 40;
/// How often a name has to be there to be shown.
const MIN_TIMES: u32 = 3;
/// Different words that are counted; a book has about 20,000.
const MAX_WORDS: usize = 200_000;

impl Library {
    /// The words of a book and how they are said; with a draft, what that would change.
    pub async fn vocabulary(
        &self,
        book: &BookId,
        draft: Option<NewPronunciation>,
    ) -> Result<Vocabulary, LibraryError> {
        let details = self.metadata(book).await?;
        let rules = self.rules(book).await?;
        // A draft that cannot be used yet changes nothing.
        let draft = draft.and_then(|draft| checked(draft).ok()).map(|entry| {
            let draft = Pronunciation { id: String::new(), entry, target: String::new() };
            let known =
                rules.entries().iter().filter(|one| one.entry.written != draft.entry.written);
            Arc::new(Rules::new(std::iter::once(draft.clone()).chain(known.cloned()).collect()))
        });
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
        Ok(Vocabulary { entries, draft: found.draft, names })
    }
}

/// What has been found so far.
struct Found {
    /// Sentences that each entry changes.
    changed: Vec<u32>,
    draft: PronunciationEffect,
    /// Words with a capital that does not come from their place.
    capitals: HashMap<String, u32>,
    /// Words that are also written small.
    small: HashSet<String>,
}

impl Found {
    fn new(entries: usize) -> Self {
        Self {
            changed: vec![0; entries],
            draft: PronunciationEffect::default(),
            capitals: HashMap::new(),
            small: HashSet::new(),
        }
    }

    fn add(&mut self, chapter: &Chapter, rules: &Rules, draft: Option<&Rules>) {
        for sentence in &chapter.sentences {
            let plain = normalise(&sentence.text);
            let said = rules.apply(&plain);
            for entry in &said.used {
                self.changed[*entry] += 1;
            }
            if let Some(draft) = draft {
                let drafted = draft.apply(&plain).text;
                if drafted != said.text {
                    self.draft.sentences += 1;
                    self.draft.characters += drafted.chars().count() as u64;
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
            if first.is_lowercase() && self.small.len() < MAX_WORDS {
                self.small.insert(word.to_owned());
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
        let is_said = |word: &str| !rules.apply(word).used.is_empty();
        let mut names: Vec<(String, u32)> = self
            .capitals
            .iter()
            .filter(|(word, times)| {
                **times >= MIN_TIMES && !self.small.contains(&word.to_lowercase()) && !is_said(word)
            })
            .map(|(word, times)| (word.clone(), *times))
            .collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        names.truncate(MAX_NAMES);
        names
    }
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
    }
}
