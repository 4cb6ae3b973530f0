//! Who is having a sentence spoken, in SQL: the last guard against paying for one twice.
//!
//! The queue gives a sentence to one worker at a time, as long as Redis remembers. This holds also when
//! Redis has lost its data, and for servers that speak by themselves while it is gone: they share the
//! database. A row is written before the engine is asked and removed when the clip is stored.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::{AnyPool, Row};

use crate::text::hash::ContentHash;
use crate::time::now_ms;

/// What a process that ended was having spoken may be begun again after this long. The clocks of all
/// machines must agree to within a few seconds.
const EXPIRY: Duration = Duration::from_secs(20);
/// How often it is renewed.
pub(crate) const RENEWAL: Duration = Duration::from_secs(5);

/// Who is having which sentence spoken.
pub(crate) struct Guard {
    database: AnyPool,
    /// Names this process.
    process: String,
    attempts: AtomicI64,
    /// Sentences this process is having spoken.
    held: AtomicUsize,
}

/// One sentence that is being spoken for us.
#[derive(Debug)]
pub(crate) struct Attempt(i64);

impl Guard {
    pub(crate) fn new(database: AnyPool) -> Self {
        let process = uuid::Uuid::new_v4().simple().to_string();
        Self { database, process, attempts: AtomicI64::new(0), held: AtomicUsize::new(0) }
    }

    /// Begins to have a sentence spoken; `None` while another is having it spoken.
    pub(crate) async fn begin(
        &self,
        content: &ContentHash,
    ) -> Result<Option<Attempt>, sqlx::Error> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let now = now_ms() as i64;
        let done = sqlx::query(
            "INSERT INTO synthesis (content_hash, process, attempt, expires_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (content_hash) DO UPDATE SET \
             process = excluded.process, attempt = excluded.attempt, \
             expires_at = excluded.expires_at WHERE synthesis.expires_at < $5",
        )
        .bind(content.to_string())
        .bind(&self.process)
        .bind(attempt)
        .bind(now + EXPIRY.as_millis() as i64)
        .bind(now)
        .execute(&self.database)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Attempt(attempt)))
    }

    /// It has been spoken, or failed. If that cannot be noted, it expires on its own.
    pub(crate) async fn end(&self, content: &ContentHash, attempt: Attempt) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        let done = sqlx::query(
            "DELETE FROM synthesis WHERE content_hash = $1 AND process = $2 AND attempt = $3",
        )
        .bind(content.to_string())
        .bind(&self.process)
        .bind(attempt.0)
        .execute(&self.database)
        .await;
        if let Err(error) = done {
            tracing::warn!(%error, "the end of a sentence could not be noted");
        }
    }

    /// How many sentences are being spoken, for any process.
    pub(crate) async fn count(&self) -> Result<u64, sqlx::Error> {
        let count = sqlx::query("SELECT COUNT(*) FROM synthesis WHERE expires_at >= $1");
        let count = count.bind(now_ms() as i64).fetch_one(&self.database).await?;
        Ok(count.get::<i64, _>(0).unsigned_abs())
    }

    /// Ends whatever this process was having spoken; for when it ends.
    pub(crate) async fn release_all(&self) {
        let done = sqlx::query("DELETE FROM synthesis WHERE process = $1")
            .bind(&self.process)
            .execute(&self.database)
            .await;
        if let Err(error) = done {
            tracing::warn!(%error, "the end of sentences could not be noted");
        }
    }

    /// Keeps what this process is having spoken from expiring, until this is dropped.
    pub(crate) async fn keep(&self) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if self.held.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let done = sqlx::query("UPDATE synthesis SET expires_at = $1 WHERE process = $2")
                .bind((now_ms() + EXPIRY.as_millis() as u64) as i64)
                .bind(&self.process)
                .execute(&self.database)
                .await;
            if let Err(error) = done {
                tracing::warn!(%error, "who is having sentences spoken could not be noted");
            }
        }
    }
}
