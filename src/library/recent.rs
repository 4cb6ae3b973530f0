//! What is remembered for as long as another server's change may go unnoticed.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::future::Cache;

use super::{LibraryError, METADATA_AGE, REMEMBERED};

/// Something that was read, by what it is about: mostly a book.
pub(super) struct Recent<K, T> {
    known: Cache<K, Arc<T>>,
    /// How often this server has changed any of it.
    changes: AtomicU64,
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static, T: Send + Sync + 'static> Recent<K, T> {
    pub(super) fn new() -> Self {
        let known = Cache::builder().max_capacity(REMEMBERED).time_to_live(METADATA_AGE).build();
        Self { known, changes: AtomicU64::new(0) }
    }

    /// What is remembered, else what is read now.
    pub(super) async fn get(
        &self,
        key: &K,
        read: impl Future<Output = Result<T, LibraryError>>,
    ) -> Result<Arc<T>, LibraryError> {
        if let Some(known) = self.known.get(key).await {
            return Ok(known);
        }
        let changes = self.changes.load(Ordering::Acquire);
        let found = Arc::new(read.await?);
        // What was read before a change must not outlive it.
        if self.changes.load(Ordering::Acquire) == changes {
            self.known.insert(key.clone(), Arc::clone(&found)).await;
        }
        Ok(found)
    }

    /// Something has changed.
    pub(super) async fn forget(&self, key: &K) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate(key).await;
    }

    /// Any of it may have changed.
    pub(super) fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate_all();
    }
}
