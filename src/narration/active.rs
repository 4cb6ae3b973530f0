//! Which chapters are being streamed by this process: a player may be a program that tells of no page.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::gauge;

use super::plan::ChapterPlan;

/// The chapters being streamed. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct ActiveStreams {
    // A std mutex: held for a map operation, never across an await.
    streams: Arc<Mutex<HashMap<u64, Arc<ChapterPlan>>>>,
    /// The next stream's number.
    next: Arc<AtomicU64>,
}

/// One stream; it counts until this is dropped.
pub(super) struct ActiveStream {
    id: u64,
    streams: ActiveStreams,
}

impl ActiveStreams {
    /// A stream has come to a chapter.
    pub(super) fn begin(&self, plan: &Arc<ChapterPlan>) -> ActiveStream {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.streams().insert(id, Arc::clone(plan));
        gauge!("earmark_streams").increment(1.0);
        ActiveStream { id, streams: self.clone() }
    }

    /// The chapters that streams are in.
    pub(super) fn plans(&self) -> Vec<Arc<ChapterPlan>> {
        self.streams().values().cloned().collect()
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u64, Arc<ChapterPlan>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveStream {
    fn drop(&mut self) {
        self.streams.streams().remove(&self.id);
        gauge!("earmark_streams").decrement(1.0);
    }
}
