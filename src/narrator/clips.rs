//! Clips that have been made: in memory while they fit, in Redis for a day where there is one, in the
//! object store for good.
//!
//! A clip's object is written before its row in `audio_assets`, so a row always stands for an
//! object that was whole; `lengths` answers from the rows alone.

use std::collections::HashMap;
use std::sync::Arc;

use moka::future::Cache;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use redis::RedisResult;
use sqlx::{AnyPool, Row};

use super::NarratorError;
use super::queue::Job;
use crate::now_ms;
use crate::redis::keys::ClipName;
use crate::redis::{Key, Link};
use crate::text::hash::{ContentHash, VoiceKey};
use crate::voices::{Clip, ClipLength};

/// Hashes asked for in one statement; SQLite takes 32,766 parameters, PostgreSQL 65,535.
const HASHES_PER_QUERY: usize = 500;
/// Lengths kept in memory; an entry takes about 100 bytes.
const CACHED_LENGTHS: u64 = 200_000;

pub(super) struct Clips {
    memory: Cache<ContentHash, Clip>,
    lengths: Cache<ContentHash, ClipLength>,
    store: Arc<dyn ObjectStore>,
    database: AnyPool,
    shared: Option<Link>,
}

impl Clips {
    pub(super) fn new(
        database: AnyPool,
        store: Arc<dyn ObjectStore>,
        shared: Option<Link>,
        cache_bytes: u64,
    ) -> Self {
        let memory = Cache::builder()
            .weigher(|_, clip: &Clip| u32::try_from(clip.bytes.len()).unwrap_or(u32::MAX))
            .max_capacity(cache_bytes)
            .build();
        Self { memory, lengths: Cache::new(CACHED_LENGTHS), store, database, shared }
    }

    /// The clip of a job, if it has been made. Those who ask at the same time share one look.
    pub(super) async fn get(&self, job: &Job) -> Result<Option<Clip>, NarratorError> {
        if let Some(clip) = self.memory.get(&job.content).await {
            return Ok(Some(clip));
        }
        let mut failure = None;
        let look = async {
            if let Some(clip) = self.in_redis(job).await {
                return Some(clip);
            }
            self.in_store(&job.content).await.unwrap_or_else(|error| {
                failure = Some(error);
                None
            })
        };
        let found = self.memory.optionally_get_with(job.content, look).await;
        failure.map_or(Ok(found), Err)
    }

    /// The clip under a content hash, if it is in the store.
    pub(super) async fn stored(
        &self,
        content: &ContentHash,
    ) -> Result<Option<Clip>, NarratorError> {
        if let Some(clip) = self.memory.get(content).await {
            return Ok(Some(clip));
        }
        self.in_store(content).await
    }

    /// What is not there, not whole, or out of reach, is not in Redis.
    async fn in_redis(&self, job: &Job) -> Option<Clip> {
        let link = self.shared.as_ref().filter(|link| link.is_up())?;
        let name = ClipName::new(&job.voice, &job.text);
        let key = link.name(&Key::Audio(job.book.clone(), name));
        let bytes: Option<Vec<u8>> =
            redis::cmd("GET").arg(&key).query_async(&mut link.clone()).await.ok()?;
        let clip = Clip::from_mp3(bytes?.into());
        if clip.is_none() {
            tracing::warn!(key, "a shared clip is damaged and is dropped");
            let _: RedisResult<()> =
                redis::cmd("DEL").arg(&key).query_async(&mut link.clone()).await;
        }
        clip
    }

    async fn in_store(&self, content: &ContentHash) -> Result<Option<Clip>, NarratorError> {
        if !self.lengths(vec![*content]).await?.contains_key(content) {
            return Ok(None);
        }
        let bytes = match self.store.get(&path(content)).await {
            Ok(object) => object.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return self.forget(content).await,
            Err(error) => return Err(error.into()),
        };
        match Clip::from_mp3(bytes) {
            Some(clip) => Ok(Some(clip)),
            None => self.forget(content).await,
        }
    }

    /// The object is gone or damaged: the clip is made again.
    async fn forget(&self, content: &ContentHash) -> Result<Option<Clip>, NarratorError> {
        tracing::warn!(%content, "a stored clip is missing or damaged and will be made again");
        self.lengths.invalidate(content).await;
        sqlx::query("DELETE FROM audio_assets WHERE content_hash = $1")
            .bind(content.to_string())
            .execute(&self.database)
            .await?;
        Ok(None)
    }

    pub(super) async fn put(
        &self,
        content: &ContentHash,
        voice: &VoiceKey,
        clip: Clip,
    ) -> Result<(), NarratorError> {
        let payload = PutPayload::from_bytes(clip.bytes.clone());
        self.store.put(&path(content), payload).await?;
        sqlx::query(
            "INSERT INTO audio_assets (content_hash, engine, model, voice, speed, format, \
             sample_rate, samples, bytes, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
             $10) ON CONFLICT (content_hash) DO NOTHING",
        )
        .bind(content.to_string())
        .bind(&voice.engine)
        .bind(&voice.model)
        .bind(&voice.voice)
        .bind(&voice.speed)
        .bind(&voice.format)
        .bind(i64::from(clip.length.sample_rate))
        .bind(clip.length.samples as i64)
        .bind(clip.length.bytes as i64)
        .bind(now_ms() as i64)
        .execute(&self.database)
        .await?;
        self.lengths.insert(*content, clip.length).await;
        self.memory.insert(*content, clip).await;
        Ok(())
    }

    /// Lengths of those clips that have been made.
    pub(super) async fn lengths(
        &self,
        contents: Vec<ContentHash>,
    ) -> Result<HashMap<ContentHash, ClipLength>, NarratorError> {
        let mut known = HashMap::new();
        let mut asked = HashMap::new();
        for content in contents {
            match self.lengths.get(&content).await {
                Some(length) => drop(known.insert(content, length)),
                None => drop(asked.insert(content.to_string(), content)),
            }
        }
        let hashes: Vec<&String> = asked.keys().collect();
        for hashes in hashes.chunks(HASHES_PER_QUERY) {
            let parameters: Vec<_> = (1..=hashes.len()).map(|index| format!("${index}")).collect();
            let statement = format!(
                "SELECT content_hash, sample_rate, samples, bytes FROM audio_assets \
                 WHERE content_hash IN ({})",
                parameters.join(", ")
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
            for hash in hashes {
                query = query.bind(hash.as_str());
            }
            for row in query.fetch_all(&self.database).await? {
                let length = ClipLength {
                    bytes: row.try_get::<i64, _>("bytes")?.unsigned_abs(),
                    samples: row.try_get::<i64, _>("samples")?.unsigned_abs(),
                    sample_rate: row.try_get::<i64, _>("sample_rate")? as u32,
                };
                if let Some(content) = asked.get(&row.try_get::<String, _>("content_hash")?) {
                    self.lengths.insert(*content, length).await;
                    known.insert(*content, length);
                }
            }
        }
        Ok(known)
    }
}

/// `audio/{first two digits}/{content hash}.mp3` (design section 4).
fn path(content: &ContentHash) -> Path {
    let hash = content.to_string();
    Path::from_iter(["audio", &hash[..2], &format!("{hash}.mp3")])
}
