//! Clips that have been made, in three tiers: in memory while they fit, in Redis for a day where there
//! is one, and for good in the object store ([`store`]).
//!
//! [`waits`] is where listeners wait for those that are not there yet, [`guard`] keeps them from being paid
//! for twice, and [`usage`] counts how often they are heard.

pub(crate) mod figures;
pub(crate) mod guard;
pub mod job;
pub(crate) mod store;
pub(crate) mod usage;
pub mod waits;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use redis::RedisResult;
use thiserror::Error;

use crate::audio::{Clip, ClipLength};
use crate::redis::{Key, RedisConnection};
use crate::text::hash::ContentHash;
use guard::Guard;
use job::Job;
use store::{Assets, RemoveIf};

/// Times a clip is tried to be stored, and the pause after the first: somebody waits for it.
const STORE_TRIES: u32 = 3;
const STORE_PAUSE: Duration = Duration::from_millis(200);
/// What a clip in memory takes besides its bytes, for what the cache knows of it (measured: 0.4 kB).
const ENTRY_BYTES: u32 = 400;

/// Why clips cannot be stored or read.
#[derive(Debug, Error)]
pub enum ClipsError {
    /// The object store failed.
    #[error("the clip store failed: {0}")]
    Store(#[from] object_store::Error),
    /// SQL failed.
    #[error("the index of clips failed: {0}")]
    Database(#[from] sqlx::Error),
}

pub(crate) struct Clips {
    memory: Cache<ContentHash, Clip>,
    pub(crate) assets: Assets,
    pub(crate) guard: Guard,
    /// Redis, and how long a clip stays there.
    shared: Option<(RedisConnection, Duration)>,
}

impl Clips {
    pub(crate) fn new(
        (assets, guard): (Assets, Guard),
        shared: Option<(RedisConnection, Duration)>,
        cache_bytes: u64,
    ) -> Self {
        let weight = |clip: &Clip| {
            let timings = clip.marks.as_ref().map_or(0, |timings| timings.len() * 48);
            u32::try_from(clip.bytes.len() + timings).unwrap_or(u32::MAX)
        };
        let memory = Cache::builder()
            .weigher(move |_, clip: &Clip| weight(clip).saturating_add(ENTRY_BYTES))
            .max_capacity(cache_bytes)
            .build();
        Self { memory, assets, guard, shared }
    }

    /// The clip in memory, if it is there.
    pub(crate) async fn in_memory(&self, content: &ContentHash) -> Option<Clip> {
        self.memory.get(content).await
    }

    /// Bytes of clips in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory.weighted_size()
    }

    /// Keeps a clip in memory, in a buffer of its own: what it came in may be larger than the clip.
    async fn remember(&self, content: ContentHash, clip: &Clip) {
        let bytes = Bytes::from(Box::<[u8]>::from(&clip.bytes[..]));
        self.memory.insert(content, Clip { bytes, ..clip.clone() }).await;
    }

    /// The clip of a job, if it has been made.
    pub(crate) async fn get(&self, job: &Job) -> Result<Option<Clip>, ClipsError> {
        let count = |tier| metrics::counter!("earmark_clips_total", "tier" => tier).increment(1);
        if let Some(clip) = self.memory.get(&job.content).await {
            count("memory");
            return Ok(Some(clip));
        }
        if let Some(clip) = self.in_redis(job).await {
            count("redis");
            self.remember(job.content, &clip).await;
            return Ok(Some(clip));
        }
        let found = self.stored(&job.content).await?;
        count(if found.is_some() { "store" } else { "none" });
        if let Some(clip) = &found {
            self.warm(job, clip).await;
        }
        Ok(found)
    }

    /// The same for whoever reads a whole book in one go: what is read once does not take the place in memory of what
    /// people hear.
    pub(crate) async fn in_passing(&self, job: &Job) -> Result<Option<Clip>, ClipsError> {
        if let Some(clip) = self.memory.get(&job.content).await {
            return Ok(Some(clip));
        }
        match self.in_redis(job).await {
            Some(clip) => Ok(Some(clip)),
            None => Ok(self.assets.get(&job.content).await?),
        }
    }

    /// The clip under a content hash, if it is in memory or in the store.
    pub(crate) async fn stored(&self, content: &ContentHash) -> Result<Option<Clip>, ClipsError> {
        if let Some(clip) = self.memory.get(content).await {
            return Ok(Some(clip));
        }
        let found = self.assets.get(content).await?;
        if let Some(clip) = &found {
            self.remember(*content, clip).await;
        }
        Ok(found)
    }

    /// What is not there, not whole, or out of reach, is not in Redis.
    async fn in_redis(&self, job: &Job) -> Option<Clip> {
        let (redis, _) = self.shared.as_ref().filter(|(redis, _)| redis.is_up())?;
        let key = redis.name(&Key::Audio(job.book.clone(), job.clip_name()));
        let bytes: Option<Vec<u8>> =
            redis::cmd("GET").arg(&key).query_async(&mut redis.clone()).await.ok()?;
        let clip = Clip::from_mp3(bytes?.into());
        if clip.is_none() {
            tracing::warn!(key, "a shared clip is damaged and is dropped");
            let _: RedisResult<()> =
                redis::cmd("DEL").arg(&key).query_async(&mut redis.clone()).await;
        }
        clip
    }

    /// Puts a stored clip where every server finds it soonest.
    async fn warm(&self, job: &Job, clip: &Clip) {
        let Some((redis, expiry)) = self.shared.as_ref().filter(|(redis, _)| redis.is_up()) else {
            return;
        };
        let mut set = redis::cmd("SET");
        set.arg(redis.name(&Key::Audio(job.book.clone(), job.clip_name())))
            .arg(&clip.bytes[..])
            .arg("NX")
            .arg("PX")
            .arg(expiry.as_millis() as u64);
        // Best effort: Redis is only a cache.
        let _: RedisResult<()> = set.query_async(&mut redis.clone()).await;
    }

    /// Keeps a clip that was made for a job; answers with the one that is kept. One that cannot be stored
    /// is kept in memory, for it was paid for.
    pub(crate) async fn put(&self, job: &Job, clip: Clip, cost: u64) -> Clip {
        let mut unpaid = cost;
        for tried in 1..=STORE_TRIES {
            match self.assets.put(job, clip.clone(), unpaid).await {
                Ok(kept) => {
                    self.remember(job.content, &kept).await;
                    return kept;
                }
                Err(error) => tracing::error!(%error, "a clip cannot be stored"),
            }
            // It may have been noted before the object failed; better once too few than twice.
            unpaid = 0;
            if tried < STORE_TRIES {
                tokio::time::sleep(STORE_PAUSE * tried).await;
            }
        }
        self.remember(job.content, &clip).await;
        clip
    }

    /// Has a clip in the store that is elsewhere alone, as it could not be stored when it was made, or another server
    /// has removed it: files are made of what is stored, and it has been paid for.
    pub(crate) async fn settle(&self, job: &Job) -> Result<(), ClipsError> {
        if self.lengths(vec![job.content]).await?.contains_key(&job.content) {
            return Ok(());
        }
        if let Some(clip) = self.in_passing(job).await? {
            self.assets.put(job, clip, 0).await?;
        }
        Ok(())
    }

    /// Takes a clip out of memory and store, unless it was heard since a moment.
    pub(crate) async fn remove(
        &self,
        content: &ContentHash,
        heard_before_ms: u64,
    ) -> Result<bool, ClipsError> {
        let removed = self.assets.remove(content, RemoveIf::HeardBefore(heard_before_ms)).await?;
        if removed {
            self.memory.invalidate(content).await;
        }
        Ok(removed)
    }

    /// Lengths of those clips that have been made.
    pub(crate) async fn lengths(
        &self,
        contents: Vec<ContentHash>,
    ) -> Result<HashMap<ContentHash, ClipLength>, ClipsError> {
        self.assets.lengths(contents).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audio::Silence;

    #[tokio::test]
    async fn what_could_not_be_stored_is_stored_when_it_is_met_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = crate::library::connect(None, folder.path()).await.unwrap();
        let store = Arc::new(object_store::memory::InMemory::new());
        let assets = Assets::new(database.clone(), store);
        let clips = Clips::new((assets, Guard::new(database)), None, 1 << 20);
        let (job, clip) = (job::tests::job("Yes."), Silence::of(Duration::from_secs(1), 22_050));
        // What `put` does when nothing takes it.
        clips.remember(job.content, &clip.unwrap()).await;
        assert!(clips.lengths(vec![job.content]).await.unwrap().is_empty());
        clips.settle(&job).await.unwrap();
        assert!(clips.lengths(vec![job.content]).await.unwrap().contains_key(&job.content));
        assert!(clips.assets.get(&job.content).await.unwrap().is_some());
    }
}
