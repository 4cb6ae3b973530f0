//! How often clips are heard: counted in memory, written to SQL every few seconds and at the end, so
//! that sending a clip costs nothing. What a killed server had counted is lost; it is for looking at.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::model::BookId;
use sqlx::{AnyPool, Row};

use super::job::Job;
use crate::text::hash::ContentHash;
use crate::time::now_ms;

/// How often what was counted is written.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_secs(3);
/// Clips counted in between; beyond it new ones are not.
const MAX_COUNTED: usize = 100_000;

/// Clips heard since the last flush, by clip and book.
#[derive(Default)]
pub(crate) struct Usage {
    // A std mutex: held for a map operation, never across an await.
    counted: Mutex<HashMap<(ContentHash, BookId), u64>>,
}

impl Usage {
    /// A clip was sent to somebody.
    pub(crate) fn heard(&self, job: &Job) {
        let mut counted = self.counted();
        let name = (job.content, job.book.clone());
        if counted.len() < MAX_COUNTED || counted.contains_key(&name) {
            *counted.entry(name).or_default() += 1;
        }
    }

    /// Writes what was counted; what fails or is broken off is counted again.
    pub(crate) async fn flush(&self, database: &AnyPool) {
        let mut taken = Taken { counted: std::mem::take(&mut *self.counted()), usage: self };
        if taken.counted.is_empty() {
            return;
        }
        match write(database, &taken.counted).await {
            Ok(()) => taken.counted.clear(),
            Err(error) => tracing::warn!(%error, "what was heard could not be counted yet"),
        }
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<(ContentHash, BookId), u64>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being written; what is left when this is dropped goes back.
struct Taken<'a> {
    counted: HashMap<(ContentHash, BookId), u64>,
    usage: &'a Usage,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut newer = self.usage.counted();
        for (name, count) in self.counted.drain() {
            *newer.entry(name).or_default() += count;
        }
    }
}

async fn write(
    database: &AnyPool,
    counted: &HashMap<(ContentHash, BookId), u64>,
) -> Result<(), sqlx::Error> {
    // In one order everywhere, so that two servers never wait for each other's rows.
    let mut counted: Vec<_> = counted.iter().collect();
    counted.sort();
    let mut transaction = database.begin().await?;
    for ((content, book), count) in counted {
        let hash = content.to_string();
        // The first hearing is what it was made for; those after it are hits. Touching the row first
        // takes its lock, so that two servers do not both think theirs was the first.
        let row = sqlx::query(
            "UPDATE audio_assets SET last_access = $1 WHERE content_hash = $2 RETURNING heard",
        )
        .bind(now_ms() as i64)
        .bind(&hash)
        .fetch_optional(&mut *transaction)
        .await?;
        // It was removed meanwhile.
        let Some(row) = row else { continue };
        let first = i64::from(row.try_get::<i64, _>("heard")? == 0);
        let hits = *count as i64 - first;
        sqlx::query("UPDATE audio_assets SET heard = 1, hits = hits + $1 WHERE content_hash = $2")
            .bind(hits)
            .bind(&hash)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO asset_books (content_hash, book_id, made, hits) VALUES ($1, $2, 0, $3) \
             ON CONFLICT (content_hash, book_id) DO UPDATE SET hits = asset_books.hits + excluded.hits",
        )
        .bind(&hash)
        .bind(book.as_str())
        .bind(hits)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}
