//! Where the active listeners of each book are, as one process knows.
//!
//! A listener is an open page. Its position decides what its book's lanes hold; one that has not been
//! heard of for a while counts no more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::model::{BookId, ListenerPosition};

use super::Listeners;

/// A page reports at least once a page turn or chapter; after this long it is taken for closed.
pub(super) const EXPIRY: Duration = Duration::from_secs(15 * 60);

/// Listeners remembered of one book; beyond it the one heard of longest ago is forgotten.
pub(super) const MAX_LISTENERS: usize = 256;

/// How often books that nobody listens to any more are forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);

/// Positions of listeners, by book.
#[derive(Default)]
pub(super) struct Positions {
    // A std mutex: held for a map operation, never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    books: HashMap<BookId, OfBook>,
    pruned: Option<Instant>,
}

#[derive(Default)]
struct OfBook {
    /// By the listener's name: where it is, and when it was last heard of.
    listeners: HashMap<String, (ListenerPosition, Instant)>,
    version: u64,
}

impl Positions {
    /// Notes where a listener is.
    pub(super) fn set(&self, position: &ListenerPosition) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state.pruned.is_none_or(|pruned| now - pruned >= PRUNE_INTERVAL) {
            state.pruned = Some(now);
            state.books.retain(|_, of_book| {
                of_book.listeners.retain(|_, (_, seen)| seen.elapsed() < EXPIRY);
                !of_book.listeners.is_empty()
            });
        }
        let of_book = state.books.entry(position.book.clone()).or_default();
        of_book.version += 1;
        of_book.listeners.insert(position.listener.clone(), (position.clone(), now));
        if of_book.listeners.len() > MAX_LISTENERS {
            let oldest = of_book.listeners.iter().min_by_key(|(_, (_, seen))| *seen);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                of_book.listeners.remove(&name);
            }
        }
    }

    /// The positions of a book's active listeners.
    pub(super) fn of(&self, book: &BookId) -> Listeners {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of_book) = state.books.get(book) else { return Listeners::default() };
        let active = of_book.listeners.values().filter(|(_, seen)| seen.elapsed() < EXPIRY);
        let mut active: Vec<_> = active.collect();
        active.sort_by_key(|(_, seen)| std::cmp::Reverse(*seen));
        let positions = active.into_iter().map(|(position, _)| position.clone()).collect();
        Listeners { positions, version: of_book.version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(listener: &str, chapter: u32) -> ListenerPosition {
        ListenerPosition {
            listener: listener.to_owned(),
            book: "0123456789abcdef".parse().unwrap(),
            chapter,
            sentence: 0,
            voice: String::new(),
        }
    }

    #[test]
    fn each_listener_is_in_one_place() {
        let listeners = Positions::default();
        for each in [position("a", 1), position("b", 5), position("a", 2)] {
            listeners.set(&each);
        }
        let chapters: Vec<_> = listeners
            .of(&position("a", 1).book)
            .positions
            .iter()
            .map(|each| each.chapter)
            .collect();
        assert_eq!(chapters, [2, 5]);
    }

    #[test]
    fn the_number_of_listeners_is_bounded() {
        let listeners = Positions::default();
        for index in 0..MAX_LISTENERS + 10 {
            listeners.set(&position(&index.to_string(), 1));
        }
        assert_eq!(listeners.of(&position("", 1).book).positions.len(), MAX_LISTENERS);
    }
}
