//! Clips that have been made, in three tiers: in memory while they fit, in Redis for a day where there
//! is one, and for good in the object store ([`Assets`]).

use std::collections::HashMap;
use std::time::Duration;

use moka::future::Cache;
use redis::RedisResult;

use super::NarratorError;
use super::assets::{Assets, Only};
use super::queue::Job;
use crate::redis::{Key, Link};
use crate::text::hash::ContentHash;
use crate::voices::{Clip, ClipLength};

/// Times a clip is tried to be stored, and the pause after the first: somebody waits for it.
const STORE_TRIES: u32 = 3;
const STORE_PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Clips {
    memory: Cache<ContentHash, Clip>,
    pub(super) assets: Assets,
    /// Redis, and how long a clip stays there.
    shared: Option<(Link, Duration)>,
}

impl Clips {
    pub(super) fn new(assets: Assets, shared: Option<(Link, Duration)>, cache_bytes: u64) -> Self {
        let memory = Cache::builder()
            .weigher(|_, clip: &Clip| u32::try_from(clip.bytes.len()).unwrap_or(u32::MAX))
            .max_capacity(cache_bytes)
            .build();
        Self { memory, assets, shared }
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
            let found = self.assets.get(&job.content).await.unwrap_or_else(|error| {
                failure = Some(error);
                None
            });
            if let Some(clip) = &found {
                self.warm(job, clip).await;
            }
            found
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
        self.assets.get(content).await
    }

    /// What is not there, not whole, or out of reach, is not in Redis.
    async fn in_redis(&self, job: &Job) -> Option<Clip> {
        let (link, _) = self.shared.as_ref().filter(|(link, _)| link.is_up())?;
        let key = link.name(&Key::Audio(job.book.clone(), job.clip_name()));
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

    /// Puts a stored clip where every server finds it soonest.
    async fn warm(&self, job: &Job, clip: &Clip) {
        let Some((link, expiry)) = self.shared.as_ref().filter(|(link, _)| link.is_up()) else {
            return;
        };
        let mut set = redis::cmd("SET");
        set.arg(link.name(&Key::Audio(job.book.clone(), job.clip_name())))
            .arg(&clip.bytes[..])
            .arg("NX")
            .arg("PX")
            .arg(expiry.as_millis() as u64);
        // That Redis cannot take it is no matter.
        let _: RedisResult<()> = set.query_async(&mut link.clone()).await;
    }

    /// Keeps a clip that was made for a job; answers with the one that is kept. One that cannot be stored
    /// is kept in memory, for it was paid for.
    pub(super) async fn put(&self, job: &Job, clip: Clip, cost: u64) -> Clip {
        let mut unpaid = cost;
        for tried in 1..=STORE_TRIES {
            match self.assets.put(job, clip.clone(), unpaid).await {
                Ok(kept) => {
                    self.memory.insert(job.content, kept.clone()).await;
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
        self.memory.insert(job.content, clip.clone()).await;
        clip
    }

    /// Takes a clip out of memory and store, unless it was heard since a moment.
    pub(super) async fn remove(
        &self,
        content: &ContentHash,
        heard_before_ms: u64,
    ) -> Result<bool, NarratorError> {
        let removed = self.assets.remove(content, Only::HeardBefore(heard_before_ms)).await?;
        if removed {
            self.memory.invalidate(content).await;
        }
        Ok(removed)
    }

    /// Lengths of those clips that have been made.
    pub(super) async fn lengths(
        &self,
        contents: Vec<ContentHash>,
    ) -> Result<HashMap<ContentHash, ClipLength>, NarratorError> {
        self.assets.lengths(contents).await
    }
}
