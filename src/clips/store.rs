//! Clips that are kept for good, under the hash of what they say and who says it.
//!
//! A row comes first, then the object, then the row is good; when a clip is removed, its row says so, then
//! the object goes, then the row. So at any instruction at which a process may be killed there is no object
//! without a row, and no good row without its bytes. A row knows the checksum of its object from the first,
//! and nothing that does not have it is ever taken for the clip. Of two makers the second takes what the
//! first has stored.

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

use super::ClipsError;
use super::job::Job;
use crate::audio::{Clip, ClipLength, WordTiming};
use crate::text::hash::{ContentHash, hex};
use crate::time::now_ms;

/// Hashes asked for in one statement; SQLite takes 32,766 parameters, PostgreSQL 65,535.
const HASHES_PER_QUERY: usize = 500;
/// Lengths kept in memory; an entry takes about 100 bytes.
const CACHED_LENGTHS: u64 = 200_000;
/// What another process removes or makes anew is noticed after this long.
const LENGTH_AGE: Duration = Duration::from_secs(60);
/// A row that is not good after this long was left by a process that ended.
const ABANDONED: Duration = Duration::from_secs(60);

/// Times a clip is tried to be stored while others store or remove the same one, and the pause between.
const PUT_TRIES: usize = 50;
const PUT_PAUSE: Duration = Duration::from_millis(100);

/// The state of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
enum AssetState {
    /// Its object is being written.
    Pending = 0,
    /// Its object is there.
    Stored = 1,
    /// Its object is being removed.
    Deleting = 2,
}

impl AssetState {
    fn of(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(match row.try_get::<i64, _>("state")? {
            0 => Self::Pending,
            2 => Self::Deleting,
            _ => Self::Stored,
        })
    }
}

/// What is still true of a clip when it may be removed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RemoveIf<'a> {
    /// Its object is not what this checksum says.
    Damaged(&'a str),
    /// Nobody has heard it since, in milliseconds since 1970.
    HeardBefore(u64),
    /// Nobody has gone on storing or removing it since.
    Abandoned(u64),
}

pub(crate) struct Assets {
    lengths: Cache<ContentHash, ClipLength>,
    store: Arc<dyn ObjectStore>,
    database: AnyPool,
}

impl Assets {
    pub(crate) fn new(database: AnyPool, store: Arc<dyn ObjectStore>) -> Self {
        let lengths =
            Cache::builder().max_capacity(CACHED_LENGTHS).time_to_live(LENGTH_AGE).build();
        Self { lengths, store, database }
    }

    /// The clip under a hash, whole and as it was stored. One that was damaged is forgotten; one whose row
    /// was left half done by a process that ended is taken over.
    pub(crate) async fn get(&self, content: &ContentHash) -> Result<Option<Clip>, ClipsError> {
        let row =
            sqlx::query("SELECT state, checksum, marks FROM audio_assets WHERE content_hash = $1")
                .bind(content.to_string())
                .fetch_optional(&self.database)
                .await?;
        let Some(row) = row else { return Ok(None) };
        let state = AssetState::of(&row)?;
        if state == AssetState::Deleting {
            return Ok(None);
        }
        let known: String = row.try_get("checksum")?;
        let clip = self.object(content).await?.filter(|bytes| matches_checksum(bytes, &known));
        let Some(mut clip) = clip.and_then(Clip::from_mp3) else {
            if state == AssetState::Stored {
                tracing::warn!(%content, "a stored clip is missing or damaged and will be made again");
                self.remove(content, RemoveIf::Damaged(&known)).await?;
            }
            return Ok(None);
        };
        clip.marks = marks(&row)?;
        if state == AssetState::Pending && !self.confirm(content, &clip).await? {
            return Ok(None);
        }
        self.lengths.insert(*content, clip.length).await;
        Ok(Some(clip))
    }

    async fn object(&self, content: &ContentHash) -> Result<Option<Bytes>, ClipsError> {
        match self.store.get(&path(content)).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a clip that was made for a job at a cost, in millionths; answers with the one that is kept,
    /// which is another's when another was quicker.
    pub(crate) async fn put(&self, job: &Job, clip: Clip, cost: u64) -> Result<Clip, ClipsError> {
        let mut unpaid = cost;
        for _ in 0..PUT_TRIES {
            let state = self.begin(job, &clip, unpaid).await?;
            unpaid = 0;
            let stored = match state {
                AssetState::Stored => match self.get(&job.content).await? {
                    Some(kept) => return Ok(kept),
                    None => false,
                },
                AssetState::Deleting => false,
                AssetState::Pending => {
                    self.create(job, &clip).await? && self.confirm(&job.content, &clip).await?
                }
            };
            if stored {
                self.lengths.insert(job.content, clip.length).await;
                return Ok(clip);
            }
            // Another is storing or removing it.
            tokio::time::sleep(PUT_PAUSE).await;
        }
        let busy = "another process keeps storing or removing the same clip";
        Err(sqlx::Error::Protocol(busy.to_owned()).into())
    }

    /// Writes the object; false when another's is there that is not ours to replace.
    async fn create(&self, job: &Job, clip: &Clip) -> Result<bool, ClipsError> {
        let (path, payload) = (path(&job.content), PutPayload::from_bytes(clip.bytes.clone()));
        let create = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&path, payload.clone(), create).await {
            Ok(_) => return Ok(true),
            // Some stores have no such condition.
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::NotImplemented { .. },
            ) => {}
            Err(error) => return Err(error.into()),
        }
        let mine = checksum(&clip.bytes);
        if self.object(&job.content).await?.is_some_and(|there| checksum(&there) == mine) {
            return Ok(true);
        }
        // What a killed process left, or a disk has damaged; unless another has begun since.
        let row =
            sqlx::query("SELECT checksum FROM audio_assets WHERE content_hash = $1 AND state = 0")
                .bind(job.content.to_string())
                .fetch_optional(&self.database)
                .await?;
        if row.is_none_or(|row| row.try_get::<String, _>("checksum").ok().as_ref() != Some(&mine)) {
            return Ok(false);
        }
        self.store.put(&path, payload).await?;
        Ok(true)
    }

    /// Notes that a clip is about to be stored, and what was paid for it; answers with the state of the
    /// row. One that is half done is ours from here on.
    async fn begin(&self, job: &Job, clip: &Clip, cost: u64) -> Result<AssetState, ClipsError> {
        let marks = clip.marks.as_deref().map(serde_json::to_string).transpose();
        let mut transaction = self.database.begin().await?;
        let mine = |column: &str| {
            format!(
                "{column} = CASE WHEN audio_assets.state = 0 THEN excluded.{column} ELSE audio_assets.{column} END"
            )
        };
        let taken: Vec<_> =
            ["checksum", "samples", "bytes", "created_at", "marks"].map(mine).into();
        let statement = format!(
            "INSERT INTO audio_assets (content_hash, engine, model, voice, speed, format, \
             sample_rate, samples, bytes, created_at, last_access, words, characters, cost, marks, \
             checksum, state) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15, 0) \
             ON CONFLICT (content_hash) DO UPDATE SET cost = audio_assets.cost + excluded.cost, {} \
             RETURNING state",
            taken.join(", ")
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(statement))
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
            .bind(job.characters() as i64)
            .bind(cost as i64)
            .bind(marks.map_err(|error| sqlx::Error::Encode(Box::new(error)))?)
            .bind(checksum(&clip.bytes))
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
        Ok(AssetState::of(&row)?)
    }

    /// The object is there: the row is good. False when the row is about another object by now, or gone.
    async fn confirm(&self, content: &ContentHash, clip: &Clip) -> Result<bool, ClipsError> {
        let done = sqlx::query(
            "UPDATE audio_assets SET state = 1 WHERE content_hash = $1 AND state = 0 AND checksum = $2",
        )
        .bind(content.to_string())
        .bind(checksum(&clip.bytes))
        .execute(&self.database)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes a clip away if it is still as the caller saw it; false when it is not.
    pub(crate) async fn remove(
        &self,
        content: &ContentHash,
        only: RemoveIf<'_>,
    ) -> Result<bool, ClipsError> {
        self.lengths.invalidate(content).await;
        let (condition, text, number) = match only {
            RemoveIf::Damaged(checksum) => ("state = 1 AND checksum = $2 AND $3 = 0", checksum, 0),
            RemoveIf::HeardBefore(ms) => {
                ("state = 1 AND '' = $2 AND last_access < $3", "", ms as i64)
            }
            RemoveIf::Abandoned(ms) => {
                ("state <> 1 AND '' = $2 AND created_at < $3", "", ms as i64)
            }
        };
        let statement = format!(
            "UPDATE audio_assets SET state = 2, created_at = $4 WHERE content_hash = $1 AND {condition}"
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(content.to_string())
            .bind(text)
            .bind(number)
            .bind(now_ms() as i64)
            .execute(&self.database)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        match self.store.delete(&path(content)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        sqlx::query("DELETE FROM audio_assets WHERE content_hash = $1 AND state = 2")
            .bind(content.to_string())
            .execute(&self.database)
            .await?;
        Ok(true)
    }

    /// Takes care of what ended processes have left half done: a whole object makes its row good, a row
    /// without one goes.
    pub(crate) async fn recover(&self) -> Result<(), ClipsError> {
        let before = now_ms().saturating_sub(ABANDONED.as_millis() as u64);
        let rows = sqlx::query(
            "SELECT content_hash FROM audio_assets WHERE state <> 1 AND created_at < $1",
        )
        .bind(before as i64)
        .fetch_all(&self.database)
        .await?;
        for row in rows {
            let Ok(content) = row.try_get::<String, _>("content_hash")?.parse() else { continue };
            if self.get(&content).await?.is_none() {
                self.remove(&content, RemoveIf::Abandoned(before)).await?;
            }
        }
        Ok(())
    }

    /// The length of a clip, if this process knows it.
    pub(crate) async fn known_length(&self, content: &ContentHash) -> Option<ClipLength> {
        self.lengths.get(content).await
    }

    /// Lengths of those clips that have been made.
    pub(crate) async fn lengths(
        &self,
        contents: Vec<ContentHash>,
    ) -> Result<HashMap<ContentHash, ClipLength>, ClipsError> {
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
    pub(crate) async fn marks(
        &self,
        contents: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Arc<[WordTiming]>>, ClipsError> {
        let mut known = HashMap::new();
        for (content, row) in self.rows("marks", contents).await? {
            if let Some(marks) = marks(&row)? {
                known.insert(content, marks);
            }
        }
        Ok(known)
    }

    /// When the latest of some clips was made, in milliseconds since 1970.
    pub(crate) async fn made_at_ms(
        &self,
        contents: &[ContentHash],
    ) -> Result<Option<u64>, ClipsError> {
        let mut latest = None;
        for (_, row) in self.rows("created_at", contents).await? {
            latest = latest.max(Some(row.try_get::<i64, _>("created_at")?.unsigned_abs()));
        }
        Ok(latest)
    }

    /// Whether there is any clip of a book.
    pub(crate) async fn has_any_of(&self, book: &BookId) -> Result<bool, ClipsError> {
        let any = sqlx::query("SELECT 1 FROM asset_books WHERE book_id = $1 LIMIT 1");
        Ok(any.bind(book.as_str()).fetch_optional(&self.database).await?.is_some())
    }

    /// Columns of good rows.
    async fn rows(
        &self,
        columns: &str,
        contents: &[ContentHash],
    ) -> Result<Vec<(ContentHash, AnyRow)>, ClipsError> {
        let mut found = Vec::new();
        for contents in contents.chunks(HASHES_PER_QUERY) {
            let parameters: Vec<_> =
                (1..=contents.len()).map(|index| format!("${index}")).collect();
            let statement = format!(
                "SELECT content_hash, {columns} FROM audio_assets \
                 WHERE state = 1 AND content_hash IN ({})",
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

fn marks(row: &AnyRow) -> Result<Option<Arc<[WordTiming]>>, sqlx::Error> {
    let json: Option<String> = row.try_get("marks")?;
    // What another version has written is done without.
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Clips made before there were checksums have none.
fn matches_checksum(bytes: &[u8], known: &str) -> bool {
    known.is_empty() || checksum(bytes) == known
}

fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// `audio/{first two digits}/{content hash}.mp3`.
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
