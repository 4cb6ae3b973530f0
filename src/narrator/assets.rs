//! Clips that are kept for good, under the hash of what they say and who says it.
//!
//! A row comes first (`ready = 0`), then the object, then the row is good. So at any instruction at
//! which a process may be killed there is no object without a row, and no good row without its bytes.
//! An object is never written over by another: who comes second takes what is there, and a checksum
//! tells when it is not what it was.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::model::BookId;
use bytes::Bytes;
use moka::future::Cache;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use super::NarratorError;
use super::queue::Job;
use crate::now_ms;
use crate::text::hash::{ContentHash, hex};
use crate::voices::{Clip, ClipLength, Mark};

/// Hashes asked for in one statement; SQLite takes 32,766 parameters, PostgreSQL 65,535.
const HASHES_PER_QUERY: usize = 500;
/// Lengths kept in memory; an entry takes about 100 bytes.
const CACHED_LENGTHS: u64 = 200_000;
/// A row that is not good after this long was left by a process that ended.
const ABANDONED: Duration = Duration::from_secs(60);

pub(super) struct Assets {
    lengths: Cache<ContentHash, ClipLength>,
    store: Arc<dyn ObjectStore>,
    database: AnyPool,
}

impl Assets {
    pub(super) fn new(database: AnyPool, store: Arc<dyn ObjectStore>) -> Self {
        Self { lengths: Cache::new(CACHED_LENGTHS), store, database }
    }

    /// The clip under a hash, whole and as it was stored. One that was damaged is forgotten.
    pub(super) async fn get(&self, content: &ContentHash) -> Result<Option<Clip>, NarratorError> {
        let row =
            sqlx::query("SELECT ready, checksum, marks FROM audio_assets WHERE content_hash = $1")
                .bind(content.to_string())
                .fetch_optional(&self.database)
                .await?;
        let Some(row) = row else { return Ok(None) };
        let is_ready = row.try_get::<i64, _>("ready")? != 0;
        let Some(bytes) = self.object(content).await? else {
            if is_ready {
                self.forget(content).await?;
            }
            return Ok(None);
        };
        let checksum: String = row.try_get("checksum")?;
        let is_same = checksum.is_empty() || checksum == self::checksum(&bytes);
        match Clip::from_mp3(bytes).filter(|_| is_same || !is_ready) {
            Some(mut clip) => {
                clip.marks = marks(&row)?;
                if !is_ready {
                    self.confirm(content, &clip).await?;
                }
                self.lengths.insert(*content, clip.length).await;
                Ok(Some(clip))
            }
            None => {
                self.forget(content).await?;
                Ok(None)
            }
        }
    }

    async fn object(&self, content: &ContentHash) -> Result<Option<Bytes>, NarratorError> {
        match self.store.get(&path(content)).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a clip that was made for a job at a cost, in millionths; answers with the one that is kept,
    /// which is another's when another was quicker.
    pub(super) async fn put(
        &self,
        job: &Job,
        clip: Clip,
        cost: u64,
    ) -> Result<Clip, NarratorError> {
        if self.begin(job, &clip, cost).await?
            && let Some(kept) = self.get(&job.content).await?
        {
            return Ok(kept);
        }
        let payload = PutPayload::from_bytes(clip.bytes.clone());
        let create = PutOptions::from(PutMode::Create);
        let kept = match self.store.put_opts(&path(&job.content), payload, create).await {
            Ok(_) => clip,
            Err(object_store::Error::AlreadyExists { .. }) => {
                let there = self.object(&job.content).await?.and_then(Clip::from_mp3);
                match there {
                    Some(there) => Clip { marks: clip.marks, ..there },
                    // What a process left that was killed, or what a disk has damaged.
                    None => {
                        let payload = PutPayload::from_bytes(clip.bytes.clone());
                        self.store.put(&path(&job.content), payload).await?;
                        clip
                    }
                }
            }
            Err(error) => return Err(error.into()),
        };
        self.confirm(&job.content, &kept).await?;
        self.lengths.insert(job.content, kept.length).await;
        Ok(kept)
    }

    /// Notes that a clip is about to be stored, and what was paid for it; true when one is there already.
    async fn begin(&self, job: &Job, clip: &Clip, cost: u64) -> Result<bool, NarratorError> {
        let marks = clip.marks.as_deref().map(serde_json::to_string).transpose();
        let mut transaction = self.database.begin().await?;
        let row = sqlx::query(
            "INSERT INTO audio_assets (content_hash, engine, model, voice, speed, format, \
             sample_rate, samples, bytes, created_at, last_access, words, characters, cost, marks, \
             ready) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, 0) \
             ON CONFLICT (content_hash) DO UPDATE SET cost = audio_assets.cost + excluded.cost \
             RETURNING ready",
        )
        .bind(job.content.to_string())
        .bind(&job.voice.engine)
        .bind(&job.voice.model)
        .bind(&job.voice.voice)
        .bind(&job.voice.speed)
        .bind(&job.voice.format)
        .bind(i64::from(clip.length.sample_rate))
        .bind(clip.length.samples as i64)
        .bind(clip.length.bytes as i64)
        .bind(now_ms() as i64)
        .bind(job.text.split_whitespace().count() as i64)
        .bind(job.text.chars().count() as i64)
        .bind(cost as i64)
        .bind(marks.map_err(|error| sqlx::Error::Encode(Box::new(error)))?)
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO asset_books (content_hash, book_id, made, hits) VALUES ($1, $2, 1, 0) \
             ON CONFLICT (content_hash, book_id) DO UPDATE SET made = 1",
        )
        .bind(job.content.to_string())
        .bind(job.book.as_str())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(row.try_get::<i64, _>("ready")? != 0)
    }

    /// The object is there: the row is good.
    async fn confirm(&self, content: &ContentHash, clip: &Clip) -> Result<(), NarratorError> {
        sqlx::query(
            "UPDATE audio_assets SET ready = 1, checksum = $1, sample_rate = $2, samples = $3, \
             bytes = $4 WHERE content_hash = $5",
        )
        .bind(checksum(&clip.bytes))
        .bind(i64::from(clip.length.sample_rate))
        .bind(clip.length.samples as i64)
        .bind(clip.length.bytes as i64)
        .bind(content.to_string())
        .execute(&self.database)
        .await?;
        Ok(())
    }

    /// The object is gone or damaged: the clip is made again.
    async fn forget(&self, content: &ContentHash) -> Result<(), NarratorError> {
        tracing::warn!(%content, "a stored clip is missing or damaged and will be made again");
        self.remove(content).await
    }

    /// Takes a clip away: first it is good no more, then its object goes, then its row.
    pub(super) async fn remove(&self, content: &ContentHash) -> Result<(), NarratorError> {
        self.lengths.invalidate(content).await;
        let hash = content.to_string();
        let doubt = "UPDATE audio_assets SET ready = 0 WHERE content_hash = $1";
        sqlx::query(doubt).bind(&hash).execute(&self.database).await?;
        match self.store.delete(&path(content)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        // Not one that another has begun to store anew.
        let end = "DELETE FROM audio_assets WHERE content_hash = $1 AND ready = 0";
        sqlx::query(end).bind(&hash).execute(&self.database).await?;
        Ok(())
    }

    /// Takes care of what ended processes have left half done: a whole object makes its row good, a row
    /// without one goes.
    pub(super) async fn recover(&self) -> Result<(), NarratorError> {
        let before = now_ms().saturating_sub(ABANDONED.as_millis() as u64);
        let rows = sqlx::query(
            "SELECT content_hash FROM audio_assets WHERE ready = 0 AND created_at < $1",
        )
        .bind(before as i64)
        .fetch_all(&self.database)
        .await?;
        for row in rows {
            let Ok(content) = row.try_get::<String, _>("content_hash")?.parse() else { continue };
            if self.get(&content).await?.is_none() {
                self.remove(&content).await?;
            }
        }
        Ok(())
    }

    /// Lengths of those clips that have been made.
    pub(super) async fn lengths(
        &self,
        contents: Vec<ContentHash>,
    ) -> Result<HashMap<ContentHash, ClipLength>, NarratorError> {
        let (mut known, mut asked) = (HashMap::new(), Vec::new());
        for content in contents {
            match self.lengths.get(&content).await {
                Some(length) => drop(known.insert(content, length)),
                None => asked.push(content),
            }
        }
        for (content, row) in self.rows("sample_rate, samples, bytes", &asked).await? {
            let length = ClipLength {
                bytes: row.try_get::<i64, _>("bytes")?.unsigned_abs(),
                samples: row.try_get::<i64, _>("samples")?.unsigned_abs(),
                sample_rate: row.try_get::<i64, _>("sample_rate")? as u32,
            };
            self.lengths.insert(content, length).await;
            known.insert(content, length);
        }
        Ok(known)
    }

    /// When words begin, of those clips that say so.
    pub(super) async fn marks(
        &self,
        contents: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Arc<[Mark]>>, NarratorError> {
        let mut known = HashMap::new();
        for (content, row) in self.rows("marks", contents).await? {
            if let Some(marks) = marks(&row)? {
                known.insert(content, marks);
            }
        }
        Ok(known)
    }

    /// Columns of good rows.
    async fn rows(
        &self,
        columns: &str,
        contents: &[ContentHash],
    ) -> Result<Vec<(ContentHash, AnyRow)>, NarratorError> {
        let mut found = Vec::new();
        for contents in contents.chunks(HASHES_PER_QUERY) {
            let parameters: Vec<_> =
                (1..=contents.len()).map(|index| format!("${index}")).collect();
            let statement = format!(
                "SELECT content_hash, {columns} FROM audio_assets \
                 WHERE ready = 1 AND content_hash IN ({})",
                parameters.join(", ")
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
            for content in contents {
                query = query.bind(content.to_string());
            }
            for row in query.fetch_all(&self.database).await? {
                if let Ok(content) = row.try_get::<String, _>("content_hash")?.parse() {
                    found.push((content, row));
                }
            }
        }
        Ok(found)
    }
}

fn marks(row: &AnyRow) -> Result<Option<Arc<[Mark]>>, sqlx::Error> {
    let json: Option<String> = row.try_get("marks")?;
    // What another version has written is done without.
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}

fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// `audio/{first two digits}/{content hash}.mp3` (design section 4).
fn path(content: &ContentHash) -> Path {
    let hash = content.to_string();
    Path::from_iter(["audio", &hash[..2], &format!("{hash}.mp3")])
}

/// The book that texts of other programs belong to: no file has this hash.
pub fn api_book() -> BookId {
    match "0".repeat(BookId::LENGTH).parse() {
        Ok(book) => book,
        Err(error) => unreachable!("{error}"),
    }
}
