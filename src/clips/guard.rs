//! Who is having a sentence spoken, in SQL: the last guard against paying for one twice.
//!
//! The queue gives a sentence to one worker at a time, as long as Redis remembers. This holds also when
//! Redis has lost its data, and for servers that speak by themselves while it is gone: they share the
//! database. A row is written before the engine is asked and removed when the clip is stored.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The attempts that this process is making. Rows that are no longer among them expire.
    held: Arc<Held>,
}

#[derive(Debug, Default)]
struct Held(Mutex<BTreeSet<i64>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One sentence that is being spoken for us, for as long as this lives: also when its end cannot be noted, or whoever
/// makes it panics, nobody else waits for longer than the row lasts.
#[derive(Debug)]
pub(crate) struct Attempt {
    number: i64,
    held: Arc<Held>,
}

impl Attempt {
    fn new(number: i64, held: &Arc<Held>) -> Self {
        held.lock().insert(number);
        Self { number, held: Arc::clone(held) }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.held.lock().remove(&self.number);
    }
}

impl Guard {
    pub(crate) fn new(database: AnyPool) -> Self {
        let process = uuid::Uuid::new_v4().simple().to_string();
        Self { database, process, attempts: AtomicI64::new(0), held: Arc::default() }
    }

    /// Begins to have a sentence spoken; `None` while another is having it spoken.
    pub(crate) async fn begin(
        &self,
        content: &ContentHash,
    ) -> Result<Option<Attempt>, sqlx::Error> {
        let attempt = Attempt::new(self.attempts.fetch_add(1, Ordering::Relaxed), &self.held);
        let now = now_ms() as i64;
        let done = sqlx::query(
            "INSERT INTO synthesis (content_hash, process, attempt, expires_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (content_hash) DO UPDATE SET \
             process = excluded.process, attempt = excluded.attempt, \
             expires_at = excluded.expires_at WHERE synthesis.expires_at < $5",
        )
        .bind(content.to_string())
        .bind(&self.process)
        .bind(attempt.number)
        .bind(now + EXPIRY.as_millis() as i64)
        .bind(now)
        .execute(&self.database)
        .await?;
        Ok((done.rows_affected() > 0).then_some(attempt))
    }

    /// It has been spoken, or failed. If that cannot be noted, it expires on its own.
    pub(crate) async fn end(&self, content: &ContentHash, attempt: Attempt) {
        let done = sqlx::query(
            "DELETE FROM synthesis WHERE content_hash = $1 AND process = $2 AND attempt = $3",
        )
        .bind(content.to_string())
        .bind(&self.process)
        .bind(attempt.number)
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
            if let Err(error) = self.renew(now_ms() as i64).await {
                tracing::warn!(%error, "who is having sentences spoken could not be noted");
            }
        }
    }

    /// Puts off the expiry of what this process is having spoken, which is as many sentences as it has workers.
    async fn renew(&self, now: i64) -> Result<(), sqlx::Error> {
        let held: Vec<String> = self.held.lock().iter().map(i64::to_string).collect();
        if held.is_empty() {
            return Ok(());
        }
        let renewal = format!(
            "UPDATE synthesis SET expires_at = $1 WHERE process = $2 AND attempt IN ({})",
            held.join(", ")
        );
        // Another text each time, which no connection is to remember.
        let renewal = sqlx::query(sqlx::AssertSqlSafe(renewal)).persistent(false);
        let renewal = renewal.bind(now + EXPIRY.as_millis() as i64).bind(&self.process);
        renewal.execute(&self.database).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_makes_any_more_is_not_renewed() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = crate::library::connect(None, folder.path()).await.unwrap();
        let guard = Guard::new(database);
        let [given_up, made] = ["a", "b"]
            .map(|text| ContentHash::of(text, None, &crate::clips::job::tests::job(text).voice));
        let attempt = guard.begin(&given_up).await.unwrap().unwrap();
        let other = guard.begin(&made).await.unwrap().unwrap();
        // Its end was never noted.
        drop(attempt);
        let later = now_ms() as i64 + 15_000;
        guard.renew(later).await.unwrap();
        let expiry = async |content: &ContentHash| {
            let row = sqlx::query("SELECT expires_at FROM synthesis WHERE content_hash = $1");
            let row = row.bind(content.to_string()).fetch_one(&guard.database).await.unwrap();
            row.get::<i64, _>(0)
        };
        assert!(expiry(&given_up).await < later + 10_000);
        assert!(expiry(&made).await >= later + 20_000);
        assert!(guard.begin(&made).await.unwrap().is_none());
        guard.end(&made, other).await;
        assert!(guard.begin(&made).await.unwrap().is_some());
    }
}
