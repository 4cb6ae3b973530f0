//! Where readers are: in SQL, and with Redis there first.
//!
//! A place changes every few seconds for every listener. With Redis it is written there, with a
//! mark that SQL does not have it yet, and flushed every few seconds and at shutdown: what is lost
//! when Redis dies is what came since the last flush. The mark is taken away only if the place has
//! not changed meanwhile. Without Redis, or while it is gone, SQL is written at once.

use std::sync::LazyLock;
use std::time::Duration;

use app::model::{BookId, Progress};
use redis::{RedisResult, Script, Value, cmd};
use serde::{Deserialize, Serialize};
use sqlx::AnyPool;

use super::{LibraryError, catalogue};
use crate::redis::{Key, RedisConnection};

/// How often places go from Redis to SQL.
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(3);
/// Places that go at once.
const FLUSH_BATCH: usize = 500;
/// How long Redis answers for a place; SQL has it long before.
const EXPIRY_SECONDS: u64 = 3600;

/// Takes marks away unless they are newer: pairs of member and score follow the key.
static UNMARK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "for i = 1, #ARGV, 2 do
           if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then
             redis.call('ZREM', KEYS[1], ARGV[i])
           end
         end",
    )
});

/// A place as Redis has it.
#[derive(Serialize, Deserialize)]
struct StoredProgress {
    voice_id: Option<String>,
    /// `{chapter}:{sentence}`.
    segment_id: String,
    intra_ms: u32,
    at_ms: u64,
    #[serde(default)]
    device: Option<String>,
}

impl StoredProgress {
    fn of(progress: &Progress) -> Self {
        let Progress { chapter, sentence, intra_ms, voice, device, at_ms } = progress;
        let segment_id = format!("{chapter}:{sentence}");
        Self {
            voice_id: voice.clone(),
            segment_id,
            intra_ms: *intra_ms,
            at_ms: *at_ms,
            device: device.clone(),
        }
    }

    fn progress(self) -> Option<Progress> {
        let (chapter, sentence) = self.segment_id.split_once(':')?;
        let (chapter, sentence) = (chapter.parse().ok()?, sentence.parse().ok()?);
        Some(Progress {
            chapter,
            sentence,
            intra_ms: self.intra_ms,
            voice: self.voice_id,
            device: self.device,
            at_ms: self.at_ms,
        })
    }
}

/// Remembers where a user is; `at_ms` says since when.
pub(super) async fn set(
    database: &AnyPool,
    link: Option<&RedisConnection>,
    user: &str,
    book: &BookId,
    progress: &Progress,
) -> Result<(), LibraryError> {
    if let Some(link) = link
        && let Ok(()) = note(link, user, book, &StoredProgress::of(progress)).await
    {
        return Ok(());
    }
    catalogue::set_progress(database, user, book, progress).await
}

async fn note(
    link: &RedisConnection,
    user: &str,
    book: &BookId,
    place: &StoredProgress,
) -> RedisResult<()> {
    let key = link.name(&Key::Progress(user.to_owned(), book.clone()));
    // Numbers and strings only: there is nothing that JSON cannot say.
    let value = serde_json::to_string(place).unwrap_or_default();
    let mut mark = cmd("ZADD");
    mark.arg(link.name(&Key::DirtyProgress)).arg(place.at_ms).arg(&key);
    let mut set = cmd("SET");
    set.arg(&key).arg(value).arg("EX").arg(EXPIRY_SECONDS);
    // The mark first: a place without one would never reach SQL.
    link.batch(vec![mark, set]).await?.into_iter().try_for_each(|answer| answer.map(drop))
}

/// Where a user is. Redis knows it better than SQL, but not always: while it was gone, or refused,
/// places went to SQL.
pub(super) async fn get(
    database: &AnyPool,
    link: Option<&RedisConnection>,
    user: &str,
    book: &BookId,
) -> Result<Option<Progress>, LibraryError> {
    let written = catalogue::progress(database, user, book).await?;
    let Some(link) = link.filter(|link| link.is_up()) else { return Ok(written) };
    let key = link.name(&Key::Progress(user.to_owned(), book.clone()));
    let value: RedisResult<Option<String>> =
        cmd("GET").arg(key).query_async(&mut link.clone()).await;
    let place =
        value.ok().flatten().and_then(|value| serde_json::from_str::<StoredProgress>(&value).ok());
    let place = place.and_then(StoredProgress::progress);
    // The later of the two.
    Ok(place.into_iter().chain(written).max_by_key(|place| place.at_ms))
}

/// Writes to SQL what it does not have yet.
pub(super) async fn flush(database: &AnyPool, link: &RedisConnection) -> Result<(), LibraryError> {
    loop {
        let marked = marked(link).await?;
        let count = marked.len();
        let mut written = Vec::with_capacity(count);
        for (name, at_ms) in marked {
            let value: Option<String> =
                cmd("GET").arg(&name).query_async(&mut link.clone()).await?;
            let place = value.and_then(|value| serde_json::from_str::<StoredProgress>(&value).ok());
            let progress = place.and_then(StoredProgress::progress);
            if let (Some(Key::Progress(user, book)), Some(progress)) =
                (link.keys().parse(&name), progress)
                && let Err(error) = catalogue::set_progress(database, &user, &book, &progress).await
            {
                // A book that has been removed meanwhile needs none; anything else is tried again.
                if catalogue::find(database, &book).await?.is_some() {
                    return Err(error);
                }
            }
            written.push((name, at_ms));
        }
        if written.is_empty() {
            return Ok(());
        }
        let mut unmark = UNMARK.key(link.name(&Key::DirtyProgress));
        for (name, at_ms) in &written {
            unmark.arg(name).arg(*at_ms);
        }
        let _: Value = unmark.invoke_async(&mut link.clone()).await?;
        if count < FLUSH_BATCH {
            return Ok(());
        }
    }
}

async fn marked(link: &RedisConnection) -> RedisResult<Vec<(String, u64)>> {
    let mut range = cmd("ZRANGE");
    range.arg(link.name(&Key::DirtyProgress)).arg(0).arg(FLUSH_BATCH - 1).arg("WITHSCORES");
    let marked: Vec<(String, f64)> = range.query_async(&mut link.clone()).await?;
    Ok(marked.into_iter().map(|(name, at_ms)| (name, at_ms as u64)).collect())
}
