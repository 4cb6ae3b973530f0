//! What the clips that are kept take and save, and the clean-up that keeps them within limits.

use std::collections::HashSet;
use std::time::Duration;

use app::model::{BookId, StorageFigures, StorageLimits, StorageLine};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use tokio::time::Instant;

use super::plan::Segment;
use super::{NarrationError, Narrator};
use crate::library::{LOCAL_USER, LibraryError};
use crate::redis::{Key, Lock};
use crate::speech::VoiceError;
use crate::text::hash::ContentHash;
use crate::time::now_ms;

/// How often limits are looked after.
pub(super) const CLEAN_INTERVAL: Duration = Duration::from_secs(600);
/// What was made or heard within this time is being heard, whoever listens.
const RECENT: Duration = Duration::from_secs(3600);
/// Clips looked at in one go.
const BATCH: i64 = 500;
/// What books are called that whoever asks does not see.
const OTHER_BOOKS: &str = "other";
/// The row of `settings` with the limits.
const LIMITS: &str = "storage_limits";
/// A server that ended in the middle of a clean-up keeps the others from one for this long.
const CLEAN_LIMIT: Duration = Duration::from_secs(600);
const DAY_MS: u64 = 86_400_000;

const SUMS: &str = "COUNT(*) AS clips, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes, \
    CAST(COALESCE(SUM(characters), 0) AS BIGINT) AS characters";

impl Narrator {
    /// What is kept, and what it cost and saved, by engine, voice and book.
    pub async fn storage(&self) -> Result<StorageFigures, NarrationError> {
        let database = &self.shared.database;
        self.flush_usage().await;
        let own = format!(
            "{SUMS}, CAST(COALESCE(SUM(hits), 0) AS BIGINT) AS hits, \
             CAST(COALESCE(SUM(heard), 0) AS BIGINT) AS firsts, \
             CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS spent, \
             CAST(COALESCE(SUM(hits * cost), 0) AS BIGINT) AS saved"
        );
        let stored = "FROM audio_assets WHERE state = 1";
        let total = lines(database, &format!("SELECT '' AS name, {own} {stored}")).await?;
        let by = async |name: &str| {
            let query = format!(
                "SELECT {name} AS name, {own} {stored} GROUP BY {name} ORDER BY bytes DESC"
            );
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
             WHERE state = 1 GROUP BY asset_books.book_id ORDER BY bytes DESC"
        );
        let mut books = lines(database, &of_books).await?;
        for line in &mut books {
            if let Ok(id) = line.name.parse::<BookId>()
                && let Ok(book) = self.library.metadata(&id).await
            {
                line.title = Some(book.card.title.clone());
            }
        }
        if !self.library.sees_all() {
            books = together(books);
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
    pub async fn storage_limits(&self) -> Result<StorageLimits, NarrationError> {
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(LIMITS)
            .fetch_optional(&self.shared.database)
            .await?;
        let stored = row.map(|row| row.try_get::<String, _>("value")).transpose()?;
        Ok(stored.and_then(|value| serde_json::from_str(&value).ok()).unwrap_or_default())
    }

    /// Sets how much may be kept, and cleans up.
    pub async fn set_storage_limits(&self, limits: &StorageLimits) -> Result<u64, NarrationError> {
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
    /// that is being heard. Answers with how many went. One at a time, of all servers, and to the end, also
    /// when nobody waits for it any more.
    pub async fn clean(&self) -> Result<u64, NarrationError> {
        // What is kept concerns the books of all, whoever has asked for it.
        let narrator = self.of(self.library.trusted(LOCAL_USER));
        let cleaned = tokio::spawn(async move {
            let _here = narrator.shared.cleaning.lock().await;
            let lock = match &narrator.shared.redis {
                // While Redis is gone nobody cleans up, nor while another server does.
                Some(redis) => match Lock::take(redis, &Key::Cleaner, CLEAN_LIMIT).await {
                    Some(lock) => Some(lock),
                    None => return Ok(0),
                },
                None => None,
            };
            let cleaned = narrator.clean_alone().await;
            if let Some(lock) = lock {
                lock.release().await;
            }
            cleaned
        });
        cleaned.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a clean-up was broken off");
            Ok(0)
        })
    }

    async fn clean_alone(&self) -> Result<u64, NarrationError> {
        self.shared.clips.assets.recover().await?;
        self.flush_usage().await;
        let limits = self.storage_limits().await?;
        self.forget_utterances(limits.days).await?;
        // Once for all of it: whoever begins to listen meanwhile hears what was heard last, which goes last.
        let heard = self.being_heard().await?;
        let mut removed = 0;
        if limits.days > 0 {
            let before = now_ms().saturating_sub(u64::from(limits.days) * DAY_MS);
            removed += self.evict(&heard, None, u64::MAX, before).await?;
        }
        if limits.book_mb > 0 {
            for line in self.storage().await?.books {
                let excess = line.bytes.saturating_sub(u64::from(limits.book_mb) << 20);
                removed += self.evict(&heard, Some(&line.name), excess, u64::MAX).await?;
            }
        }
        if limits.mb > 0 {
            let used = self.storage().await?.total.bytes;
            let excess = used.saturating_sub(u64::from(limits.mb) << 20);
            removed += self.evict(&heard, None, excess, u64::MAX).await?;
        }
        if removed > 0 {
            tracing::info!(removed, "clips were cleaned up");
        }
        Ok(removed)
    }

    /// Texts of other programs that nobody has asked for in the time that clips are kept, or a year.
    async fn forget_utterances(&self, days: u32) -> Result<(), NarrationError> {
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
        heard: &HashSet<ContentHash>,
        book: Option<&str>,
        excess: u64,
        before_ms: u64,
    ) -> Result<u64, NarrationError> {
        let of_book =
            "AND content_hash IN (SELECT content_hash FROM asset_books WHERE book_id = $3)";
        let statement = format!(
            "SELECT content_hash, bytes FROM audio_assets WHERE state = 1 \
             AND last_access < $1 {} ORDER BY last_access, content_hash LIMIT {BATCH} OFFSET $2",
            if book.is_some() { of_book } else { "" }
        );
        // Those that stay are passed over in the next batch.
        let (mut free, mut removed, mut stay) = (0, 0, 0_i64);
        while free < excess {
            // For each batch anew: it may take a while.
            let before_ms = before_ms.min(now_ms().saturating_sub(RECENT.as_millis() as u64));
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
    async fn being_heard(&self) -> Result<HashSet<ContentHash>, NarrationError> {
        let mut plans = self.shared.active.plans();
        for book in self.library.books().await? {
            for place in self.shared.queue.listeners(&book.id).await?.positions {
                let listener = self.of_listener(&place);
                match listener.plan(&place.book, place.chapter, &place.voice).await {
                    Ok(plan) => plans.push(plan),
                    // Nobody hears a voice that is not there, or a book that was deleted.
                    Err(NarrationError::Voice(VoiceError::NoSuchVoice(_))) => {}
                    Err(NarrationError::Library(LibraryError::NoSuchBook)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut heard: HashSet<ContentHash> = self.reserved().await?.into_iter().collect();
        for plan in plans {
            let next = match self.next_plan(&plan).await {
                Err(NarrationError::Library(LibraryError::NoSuchBook)) => None,
                next => next?,
            };
            for plan in [Some(plan), next].into_iter().flatten() {
                heard.extend(plan.segments.iter().flat_map(Segment::jobs).map(|job| job.content));
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
        let mut flush = tokio::time::interval(crate::clips::usage::FLUSH_INTERVAL);
        let mut sample = tokio::time::interval(super::figures::SAMPLE_INTERVAL);
        loop {
            tokio::select! {
                _ = flush.tick() => self.flush_usage().await,
                _ = sample.tick(), if serves => self.sample().await,
                _ = clean.tick(), if serves => {
                    self.forget_figures().await;
                    if let Err(error) = self.clean().await {
                        tracing::warn!(%error, "clips could not be cleaned up");
                    }
                }
            }
        }
    }
}

/// Books that a person does not see, in one line: those that were removed, and others' own.
fn together(books: Vec<StorageLine>) -> Vec<StorageLine> {
    let is_program = |line: &StorageLine| line.name.trim_matches('0').is_empty();
    let (mut seen, unseen): (Vec<_>, Vec<_>) =
        books.into_iter().partition(|line| line.title.is_some() || is_program(line));
    let all = unseen.into_iter().reduce(|all, line| StorageLine {
        clips: all.clips + line.clips,
        bytes: all.bytes + line.bytes,
        characters: all.characters + line.characters,
        hits: all.hits + line.hits,
        heard: all.heard + line.heard,
        spent: all.spent + line.spent,
        saved: all.saved + line.saved,
        ..all
    });
    seen.extend(all.map(|line| StorageLine { name: OTHER_BOOKS.to_owned(), ..line }));
    seen
}

async fn lines(database: &AnyPool, query: &str) -> Result<Vec<StorageLine>, NarrationError> {
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
