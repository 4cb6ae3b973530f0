//! Where the active listeners of each book are.
//!
//! A listener is an open page. Its place decides what its book's lanes hold; one that has not been
//! heard of for a while counts no more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::model::{BookId, Place};

/// A page reports at least once a page turn or chapter; after this long it is taken for closed.
const EXPIRY: Duration = Duration::from_secs(15 * 60);

/// Listeners remembered of one book; beyond it the one heard of longest ago is forgotten.
const MAX_LISTENERS: usize = 256;

/// Places of listeners, by book.
#[derive(Default)]
pub(super) struct Listeners {
    // A std mutex: held for a map operation, never across an await.
    places: Mutex<HashMap<BookId, OfBook>>,
}

/// By the listener's name: where it is, and when it was last heard of.
type OfBook = HashMap<String, (Place, Instant)>;

impl Listeners {
    /// Notes where a listener is.
    pub(super) fn arrive(&self, place: &Place) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|_, listeners| {
            listeners.retain(|_, (_, seen)| seen.elapsed() < EXPIRY);
            !listeners.is_empty()
        });
        let listeners = places.entry(place.book.clone()).or_default();
        listeners.insert(place.listener.clone(), (place.clone(), Instant::now()));
        if listeners.len() > MAX_LISTENERS {
            let oldest = listeners.iter().min_by_key(|(_, (_, seen))| *seen);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                listeners.remove(&name);
            }
        }
    }

    /// The places of a book's active listeners, the latest first.
    pub(super) fn of(&self, book: &BookId) -> Vec<Place> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let mut active: Vec<_> = places
            .get(book)
            .into_iter()
            .flat_map(HashMap::values)
            .filter(|(_, seen)| seen.elapsed() < EXPIRY)
            .collect();
        active.sort_by_key(|(_, seen)| std::cmp::Reverse(*seen));
        active.into_iter().map(|(place, _)| place.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(listener: &str, chapter: u32) -> Place {
        Place {
            listener: listener.to_owned(),
            book: "0123456789abcdef".parse().unwrap(),
            chapter,
            sentence: 0,
            voice: String::new(),
        }
    }

    #[test]
    fn each_listener_is_in_one_place() {
        let listeners = Listeners::default();
        for place in [place("a", 1), place("b", 5), place("a", 2)] {
            listeners.arrive(&place);
        }
        let chapters: Vec<_> =
            listeners.of(&place("a", 1).book).iter().map(|place| place.chapter).collect();
        assert_eq!(chapters, [2, 5]);
    }

    #[test]
    fn the_number_of_listeners_is_bounded() {
        let listeners = Listeners::default();
        for index in 0..MAX_LISTENERS + 10 {
            listeners.arrive(&place(&index.to_string(), 1));
        }
        assert_eq!(listeners.of(&place("", 1).book).len(), MAX_LISTENERS);
    }
}
