//! Which chapters are being streamed by this process: a player may be a program that tells of no page.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::score::Score;

/// The chapters being streamed. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Playing {
    // A std mutex: held for a map operation, never across an await.
    streams: Arc<Mutex<HashMap<u64, Arc<Score>>>>,
    /// The next stream's number.
    next: Arc<AtomicU64>,
}

/// One stream; it counts until this is dropped.
pub(super) struct Stream {
    id: u64,
    playing: Playing,
}

impl Playing {
    /// A stream has come to a chapter.
    pub(super) fn begin(&self, score: &Arc<Score>) -> Stream {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.streams().insert(id, Arc::clone(score));
        Stream { id, playing: self.clone() }
    }

    /// The chapters that streams are in.
    pub(super) fn scores(&self) -> Vec<Arc<Score>> {
        self.streams().values().cloned().collect()
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u64, Arc<Score>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.playing.streams().remove(&self.id);
    }
}
