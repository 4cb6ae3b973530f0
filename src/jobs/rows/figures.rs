//! How many narrations there are, how long they waited, and what people have asked for.

use std::time::Duration;

use app::model::{BegunInTime, NarrationState, NarrationStats};
use sqlx::Row;

use super::{DAY_MS, Rows, Whose};
use crate::time::now_ms;

/// A narration of somebody whose own go first should be begun within this time: while they do something else.
pub(super) const MEMBERS_GOAL: Duration = Duration::from_secs(10 * 60);
/// Anybody else's: on the same evening.
const LISTENERS_GOAL: Duration = Duration::from_secs(3600);

impl Rows {
    /// What is being narrated, and how it goes.
    pub(in crate::jobs) async fn stats(
        &self,
        whose: Whose<'_>,
    ) -> Result<NarrationStats, sqlx::Error> {
        let since = now_ms() as i64 - DAY_MS;
        let rows = sqlx::query(
            "SELECT state, COUNT(*), SUM(CASE WHEN finished_at >= $2 THEN 1 ELSE 0 END) FROM narrations
             WHERE ($1 = '' OR user_id = $1) GROUP BY state",
        );
        let rows = rows.bind(whose.user()).bind(since).fetch_all(&self.0).await?;
        let mut stats = NarrationStats::default();
        for row in &rows {
            let count = row.try_get::<i64, _>(1)?.unsigned_abs();
            match NarrationState::named(row.try_get(0)?) {
                Some(NarrationState::Queued) => stats.pending = count,
                Some(NarrationState::Running) => stats.processing = count,
                Some(NarrationState::Paused) => stats.paused = count,
                Some(NarrationState::Completed) => {
                    stats.completed = count;
                    stats.completed_today = row.try_get::<i64, _>(2)?.unsigned_abs();
                }
                Some(NarrationState::Failed) => stats.failed = count,
                Some(NarrationState::Cancelled) => stats.cancelled = count,
                None => {}
            }
        }
        // One that was to begin later has not waited until then.
        let waits = sqlx::query(
            "SELECT started_at - CASE WHEN run_at > narrations.created_at AND run_at < started_at THEN run_at
             ELSE narrations.created_at END AS waited, priority FROM narrations
             WHERE ($1 = '' OR user_id = $1) AND started_at >= $2 ORDER BY waited LIMIT 10000",
        );
        let waits = waits.bind(whose.user()).bind(since).fetch_all(&self.0).await?;
        let at = |part: usize| {
            let place = (waits.len() * part).div_ceil(100).saturating_sub(1);
            waits.get(place).map_or(0, |row| row.get::<i64, _>(0).max(0) as u64 / 1000)
        };
        (stats.wait_seconds_p50, stats.wait_seconds_p95) = (at(50), at(95));
        let begun_in = |goal: Duration, is_meant: &dyn Fn(i64) -> bool| {
            let meant = waits.iter().filter(|row| is_meant(row.get(1)));
            let (begun, in_time) = meant.fold((0, 0), |(begun, in_time), row| {
                let is_in_time = row.get::<i64, _>(0) <= goal.as_millis() as i64;
                (begun + 1, in_time + u64::from(is_in_time))
            });
            BegunInTime { goal_seconds: goal.as_secs(), begun, in_time }
        };
        stats.members = begun_in(MEMBERS_GOAL, &|priority| priority > 0);
        stats.listeners = begun_in(LISTENERS_GOAL, &|priority| priority <= 0);
        Ok(stats)
    }

    /// How many characters a second a voice was spoken at, in what it did last.
    pub(in crate::jobs) async fn speed(&self, voice: &str) -> Result<Option<f64>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(characters), 0) AS BIGINT), CAST(COALESCE(SUM(ran), 0) AS BIGINT)
             FROM (SELECT characters, ran FROM narrations WHERE voice = $1 AND state = 'completed'
             AND characters > 0 ORDER BY finished_at DESC LIMIT 20) AS last",
        );
        let row = row.bind(voice).fetch_one(&self.0).await?;
        let (characters, ms) = (row.get::<i64, _>(0), row.get::<i64, _>(1));
        Ok((characters > 0 && ms > 0).then(|| characters as f64 * 1000.0 / ms as f64))
    }
}
