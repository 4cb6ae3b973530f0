//! Asking for narrations, within what a person may ask for: looking and adding are one transaction, so that two at
//! once, also at two servers, do not both have what is left.

use app::model::{BookId, NarrationOutput};
use sqlx::{Any, Row, Transaction};

use super::{DAY_MS, Rows, Whose};
use crate::time::now_ms;

/// One that is to be there.
pub(in crate::jobs) struct NewNarration<'a> {
    pub(in crate::jobs) user: &'a str,
    pub(in crate::jobs) book: &'a BookId,
    pub(in crate::jobs) voice: &'a str,
    pub(in crate::jobs) chapters: (u32, u32),
    pub(in crate::jobs) priority: i64,
    pub(in crate::jobs) run_at: u64,
    pub(in crate::jobs) total: u64,
    pub(in crate::jobs) done: u64,
    /// Characters that are not there yet.
    pub(in crate::jobs) wanted: u64,
    /// In millionths.
    pub(in crate::jobs) max_cost: i64,
    pub(in crate::jobs) output: NarrationOutput,
}

impl NewNarration<'_> {
    /// What is the same for the same work.
    fn key(&self) -> String {
        let Self { user, book, voice, chapters: (first, last), output, .. } = self;
        format!("{user}/{book}/{voice}/{first}-{last}/{}", output.name())
    }
}

/// A transaction in which somebody asks for a narration; there is one at a time, at all servers. What was asked for is
/// there when it is [`done`](Asking::done).
pub(in crate::jobs) struct Asking(Transaction<'static, Any>);

impl Rows {
    /// Lets somebody ask; whoever else asks waits until this is done, which takes some statements.
    pub(in crate::jobs) async fn asking(&self) -> Result<Asking, sqlx::Error> {
        let mut transaction = self.0.begin().await?;
        let steps: &[&str] = match transaction.backend_name() {
            // A transaction that begins with a write has the file to itself, though there is nothing to be written.
            "SQLite" => &["UPDATE narrations SET state = state WHERE id = ''"],
            // The lock is given back with the end of the transaction. Nothing else here has one of this number. A server
            // that has stopped in the middle keeps others waiting no longer than that.
            _ => &[
                "SET LOCAL lock_timeout = '10s'",
                "SELECT CAST(pg_advisory_xact_lock(4201001) AS TEXT)",
            ],
        };
        for step in steps {
            sqlx::query(*step).execute(&mut *transaction).await?;
        }
        Ok(Asking(transaction))
    }
}

impl Asking {
    /// Keeps what was asked for.
    pub(in crate::jobs) async fn done(self) -> Result<(), sqlx::Error> {
        self.0.commit().await
    }

    /// Adds a narration, unless the same is there already and not done; its id, and whether it is new.
    pub(in crate::jobs) async fn add(
        &mut self,
        new: &NewNarration<'_>,
    ) -> Result<(String, bool), sqlx::Error> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let key = new.key();
        let added = sqlx::query(
            "INSERT INTO narrations (id, user_id, book_id, voice, first_chapter, last_chapter, output, state,
             priority, run_at, created_at, started_at, finished_at, attempts, token, lease_until, moved_at, wish,
             total, done, made, failed, chapter, error, characters, cost, max_cost, ran, file, bytes, unique_key, wanted)
             VALUES ($1, $2, $3, $4, $5, $6, $14, 'queued', $7, $8, $9, 0, 0, 0, '', 0, 0, '', $10, $11, 0, 0, 0,
             '', 0, 0, $13, 0, '', 0, $12, $15) ON CONFLICT DO NOTHING",
        );
        let added = added
            .bind(&id)
            .bind(new.user)
            .bind(new.book.as_str())
            .bind(new.voice)
            .bind(i64::from(new.chapters.0))
            .bind(i64::from(new.chapters.1))
            .bind(new.priority)
            .bind(new.run_at as i64)
            .bind(now_ms() as i64)
            .bind(new.total as i64)
            .bind(new.done as i64)
            .bind(&key)
            .bind(new.max_cost)
            .bind(new.output.name())
            .bind(new.wanted as i64)
            .execute(&mut *self.0)
            .await?;
        if added.rows_affected() > 0 {
            return Ok((id, true));
        }
        // It may have ended in this very moment.
        let known = self.known(new).await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok((known, false))
    }

    /// The id of the same narration, if it is there and not done.
    pub(in crate::jobs) async fn known(
        &mut self,
        new: &NewNarration<'_>,
    ) -> Result<Option<String>, sqlx::Error> {
        let known = sqlx::query(
            "SELECT id FROM narrations WHERE unique_key = $1 AND state IN ('queued', 'running', 'paused')",
        );
        let known = known.bind(new.key()).fetch_optional(&mut *self.0).await?;
        Ok(known.map(|row| row.get(0)))
    }

    /// How many of a person wait: for their turn, or until they are to go on.
    pub(in crate::jobs) async fn waiting(&mut self, user: &str) -> Result<i64, sqlx::Error> {
        let count =
            "SELECT COUNT(*) FROM narrations WHERE user_id = $1 AND state IN ('queued', 'paused')";
        Ok(sqlx::query(count).bind(user).fetch_one(&mut *self.0).await?.get(0))
    }

    /// Characters that a person has asked for in the last 24 hours or still waits for; of what was called off or failed,
    /// those that were spoken.
    pub(in crate::jobs) async fn asked_today(&mut self, user: &str) -> Result<u64, sqlx::Error> {
        let asked = sqlx::query(
            "SELECT CAST(COALESCE(SUM(CASE WHEN state IN ('cancelled', 'failed') THEN characters ELSE wanted END), 0)
             AS BIGINT) FROM narrations WHERE user_id = $1 AND (created_at >= $2 OR finished_at >= $2
             OR state IN ('queued', 'running', 'paused'))",
        );
        let asked = asked.bind(user).bind(now_ms() as i64 - DAY_MS).fetch_one(&mut *self.0).await?;
        Ok(asked.get::<i64, _>(0).unsigned_abs())
    }

    /// Whose one is that was called off or failed, and the characters that it would still have spoken.
    pub(in crate::jobs) async fn missing(
        &mut self,
        id: &str,
    ) -> Result<Option<(String, u64)>, sqlx::Error> {
        let missing =
            sqlx::query("SELECT user_id, wanted - characters FROM narrations WHERE id = $1");
        let missing = missing.bind(id).fetch_optional(&mut *self.0).await?;
        Ok(missing.map(|row| (row.get(0), row.get::<i64, _>(1).max(0) as u64)))
    }

    /// Has one be tried again that failed or was called off. False when there is none, or the same is there already.
    pub(in crate::jobs) async fn retry(
        &mut self,
        id: &str,
        whose: Whose<'_>,
    ) -> Result<bool, sqlx::Error> {
        let statement = format!(
            "UPDATE narrations SET state = 'queued', wish = '', run_at = $4, finished_at = 0, attempts = 0, error = ''
             WHERE id = $1 AND {} AND state IN ('failed', 'cancelled') AND NOT EXISTS
             (SELECT 1 FROM narrations same WHERE same.unique_key = narrations.unique_key AND same.id <> narrations.id
             AND same.state IN ('queued', 'running', 'paused'))",
            Whose::CONDITION
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id);
        let done = done.bind(whose.user()).bind(whose.viewer).bind(now_ms() as i64);
        Ok(done.execute(&mut *self.0).await?.rows_affected() > 0)
    }
}
