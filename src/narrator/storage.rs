//! What the clips that are kept take and save, and the clean-up that keeps them within limits.

use std::collections::HashSet;
use std::time::Duration;

use app::model::{BookId, StorageFigures, StorageLimits, StorageLine};
use redis::{RedisResult, Script};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use tokio::time::Instant;

use super::score::Cue;
use super::{Narrator, NarratorError};
use crate::now_ms;
use crate::redis::Key;
use crate::text::hash::ContentHash;
use crate::voices::VoiceError;

/// How often limits are looked after.
pub(super) const CLEAN_INTERVAL: Duration = Duration::from_secs(600);
/// What was made or heard within this time is being heard, whoever listens.
const RECENT: Duration = Duration::from_secs(3600);
/// Clips looked at in one go.
const BATCH: i64 = 500;
/// The row of `settings` with the limits.
const LIMITS: &str = "storage_limits";
/// A server that ended in the middle of a clean-up keeps the others from one for this long.
const CLEAN_TURN: Duration = Duration::from_secs(600);
/// Ends a turn, never another's: who took too long has lost it.
const END_TURN: &str = include_str!("redis_queue/unlock.lua");
const DAY_MS: u64 = 86_400_000;

const SUMS: &str = "COUNT(*) AS clips, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes, \
    CAST(COALESCE(SUM(characters), 0) AS BIGINT) AS characters";

impl Narrator {
    /// What is kept, and what it cost and saved, by engine, voice and book.
    pub async fn storage(&self) -> Result<StorageFigures, NarratorError> {
        let database = &self.shared.database;
        self.shared.usage.flush(database).await;
        let own = format!(
            "{SUMS}, CAST(COALESCE(SUM(hits), 0) AS BIGINT) AS hits, \
             CAST(COALESCE(SUM(heard), 0) AS BIGINT) AS firsts, \
             CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS spent, \
             CAST(COALESCE(SUM(hits * cost), 0) AS BIGINT) AS saved"
        );
        let ready = "FROM audio_assets WHERE ready = 1";
        let total = lines(database, &format!("SELECT '' AS name, {own} {ready}")).await?;
        let by = async |name: &str| {
            let query =
                format!("SELECT {name} AS name, {own} {ready} GROUP BY {name} ORDER BY bytes DESC");
            lines(database, &query).await
        };
        // A clip that several books share is paid for by the one it was made for.
        let of_books = format!(
            "SELECT asset_books.book_id AS name, {SUMS}, \
             CAST(COALESCE(SUM(asset_books.hits), 0) AS BIGINT) AS hits, \
             CAST(COALESCE(SUM(heard * made), 0) AS BIGINT) AS firsts, \
             CAST(COALESCE(SUM(cost * made), 0) AS BIGINT) AS spent, \
             CAST(COALESCE(SUM(asset_books.hits * cost), 0) AS BIGINT) AS saved \
             FROM asset_books JOIN audio_assets \
             ON audio_assets.content_hash = asset_books.content_hash \
             WHERE ready = 1 GROUP BY asset_books.book_id ORDER BY bytes DESC"
        );
        let mut books = lines(database, &of_books).await?;
        for line in &mut books {
            if let Ok(id) = line.name.parse::<BookId>()
                && let Ok(book) = self.shared.library.metadata(&id).await
            {
                line.title = Some(book.card.title.clone());
            }
        }
        Ok(StorageFigures {
            total: total.into_iter().next().unwrap_or_default(),
            engines: by("engine").await?,
            voices: by("engine || ':' || voice").await?,
            books,
            limits: self.storage_limits().await?,
        })
    }

    /// How much may be kept.
    pub async fn storage_limits(&self) -> Result<StorageLimits, NarratorError> {
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(LIMITS)
            .fetch_optional(&self.shared.database)
            .await?;
        let stored = row.map(|row| row.try_get::<String, _>("value")).transpose()?;
        Ok(stored.and_then(|value| serde_json::from_str(&value).ok()).unwrap_or_default())
    }

    /// Sets how much may be kept, and cleans up.
    pub async fn set_storage_limits(&self, limits: &StorageLimits) -> Result<u64, NarratorError> {
        let value = serde_json::to_string(limits);
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(LIMITS)
        .bind(value.map_err(|error| sqlx::Error::Encode(Box::new(error)))?)
        .execute(&self.shared.database)
        .await?;
        self.clean().await
    }

    /// Removes clips until the limits are kept, those first that were not heard for longest; never one
    /// that is being heard. Answers with how many went. One at a time, of all servers.
    pub async fn clean(&self) -> Result<u64, NarratorError> {
        let _turn = self.shared.cleaning.lock().await;
        if !self.may_clean().await {
            return Ok(0);
        }
        let cleaned = self.clean_alone().await;
        if let Some(link) = &self.shared.link {
            let end = Script::new(END_TURN);
            let mut end = end.key(link.name(&Key::Cleaner));
            // What cannot be given back expires.
            let _: RedisResult<()> = end.arg(link.process()).invoke_async(&mut link.clone()).await;
        }
        cleaned
    }

    async fn clean_alone(&self) -> Result<u64, NarratorError> {
        self.shared.clips.assets.recover().await?;
        self.shared.usage.flush(&self.shared.database).await;
        let limits = self.storage_limits().await?;
        self.forget_utterances(limits.days).await?;
        let mut removed = 0;
        if limits.days > 0 {
            let before = now_ms().saturating_sub(u64::from(limits.days) * DAY_MS);
            removed += self.evict(None, u64::MAX, before).await?;
        }
        if limits.book_mb > 0 {
            for line in self.storage().await?.books {
                let excess = line.bytes.saturating_sub(u64::from(limits.book_mb) << 20);
                removed += self.evict(Some(&line.name), excess, u64::MAX).await?;
            }
        }
        if limits.mb > 0 {
            let used = self.storage().await?.total.bytes;
            let excess = used.saturating_sub(u64::from(limits.mb) << 20);
            removed += self.evict(None, excess, u64::MAX).await?;
        }
        if removed > 0 {
            tracing::info!(removed, "clips were cleaned up");
        }
        Ok(removed)
    }

    /// Whether no other server is cleaning up. While Redis is gone nobody does.
    async fn may_clean(&self) -> bool {
        let Some(link) = &self.shared.link else { return true };
        let mut turn = redis::cmd("SET");
        turn.arg(link.name(&Key::Cleaner)).arg(link.process()).arg("NX").arg("EX");
        turn.arg(CLEAN_TURN.as_secs());
        let taken: RedisResult<Option<String>> = turn.query_async(&mut link.clone()).await;
        taken.is_ok_and(|taken| taken.is_some())
    }

    /// Texts of other programs that nobody has asked for in the time that clips are kept, or a year.
    async fn forget_utterances(&self, days: u32) -> Result<(), NarratorError> {
        let days = if days > 0 { days } else { 365 };
        sqlx::query("DELETE FROM utterances WHERE last_access < $1")
            .bind(now_ms().saturating_sub(u64::from(days) * DAY_MS) as i64)
            .execute(&self.shared.database)
            .await?;
        Ok(())
    }

    /// Removes clips heard last before a moment, the longest ago first, until `excess` bytes are free.
    async fn evict(
        &self,
        book: Option<&str>,
        excess: u64,
        before_ms: u64,
    ) -> Result<u64, NarratorError> {
        let of_book =
            "AND content_hash IN (SELECT content_hash FROM asset_books WHERE book_id = $3)";
        let statement = format!(
            "SELECT content_hash, bytes FROM audio_assets WHERE ready = 1 \
             AND last_access < $1 {} ORDER BY last_access, content_hash LIMIT {BATCH} OFFSET $2",
            if book.is_some() { of_book } else { "" }
        );
        // Those that stay are passed over in the next batch.
        let (mut free, mut removed, mut stay) = (0, 0, 0_i64);
        while free < excess {
            // For each batch anew: it may take a while.
            let before_ms = before_ms.min(now_ms().saturating_sub(RECENT.as_millis() as u64));
            let heard = self.being_heard().await?;
            let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .bind(before_ms as i64)
                .bind(stay);
            if let Some(book) = book {
                query = query.bind(book);
            }
            let rows = query.fetch_all(&self.shared.database).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                if free >= excess {
                    break;
                }
                let content = row.try_get::<String, _>("content_hash")?.parse();
                let is_removed = match content {
                    Ok(content) if !heard.contains(&content) => {
                        self.shared.clips.remove(&content, before_ms).await?
                    }
                    _ => false,
                };
                if is_removed {
                    free += row.try_get::<i64, _>("bytes")?.unsigned_abs();
                    removed += 1;
                } else {
                    stay += 1;
                }
            }
        }
        Ok(removed)
    }

    /// The clips of the chapters that open pages and this server's streams are in, and of those that
    /// follow.
    async fn being_heard(&self) -> Result<HashSet<ContentHash>, NarratorError> {
        let mut scores = self.shared.playing.scores();
        for book in self.shared.library.books().await? {
            for place in self.shared.intake.listeners(&book.id).await? {
                match self.score(&place.book, place.chapter, &place.voice).await {
                    Ok(score) => scores.push(score),
                    // Nobody hears a voice that is not there.
                    Err(NarratorError::Voice(VoiceError::NoSuchVoice(_))) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut heard = HashSet::new();
        for score in scores {
            let next = self.next_score(&score).await?;
            for score in [Some(score), next].into_iter().flatten() {
                heard.extend(score.cues.iter().filter_map(Cue::job).map(|job| job.content));
            }
        }
        Ok(heard)
    }

    /// Keeps the limits if this process `serves`, and writes what was heard, until it is dropped.
    pub(super) async fn look_after_storage(self, serves: bool) {
        if let Err(error) = self.shared.clips.assets.recover().await {
            tracing::warn!(%error, "clips left half stored could not be looked after yet");
        }
        // Not at once: after a restart, pages that are open have yet to say so.
        let mut clean = tokio::time::interval_at(Instant::now() + CLEAN_INTERVAL, CLEAN_INTERVAL);
        let mut flush = tokio::time::interval(super::usage::FLUSH_INTERVAL);
        loop {
            tokio::select! {
                _ = flush.tick() => self.shared.usage.flush(&self.shared.database).await,
                _ = clean.tick(), if serves => {
                    if let Err(error) = self.clean().await {
                        tracing::warn!(%error, "clips could not be cleaned up");
                    }
                }
            }
        }
    }
}

async fn lines(database: &AnyPool, query: &str) -> Result<Vec<StorageLine>, NarratorError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(query.to_owned())).fetch_all(database).await?;
    Ok(rows.iter().map(line).collect::<Result<_, sqlx::Error>>()?)
}

fn line(row: &AnyRow) -> Result<StorageLine, sqlx::Error> {
    let number = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(name)?.unsigned_abs());
    Ok(StorageLine {
        name: row.try_get("name")?,
        title: None,
        clips: number("clips")?,
        bytes: number("bytes")?,
        characters: number("characters")?,
        hits: number("hits")?,
        heard: number("hits")? + number("firsts")?,
        spent: number("spent")? as f64 / 1e6,
        saved: number("saved")? as f64 / 1e6,
    })
}
