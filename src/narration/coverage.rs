//! Which part of a book has been made in a voice.

use std::sync::LazyLock;

use app::model::BookId;
use app::preferences::Wording;
use redis::{RedisResult, Script, cmd};
use serde::{Deserialize, Serialize};

use super::{NarrationError, Narrator};
use crate::redis::Key;

/// How long Redis remembers the list; a clip of the book in the voice makes it forget.
const EXPIRY_SECONDS: u64 = 3600;
/// How long it may take to make the list.
const BEGUN_SECONDS: u64 = 60;

/// Keeps a list unless Redis has been told to forget it since it was begun.
/// KEYS: list    ARGV: what was noted when it was begun, list, expiry s
static KEEP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then
           redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
         end",
    )
});

/// What has been made of a chapter in a voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChapterCoverage {
    /// The chapter, from 1.
    pub chapter: u32,
    /// Its sentences that are spoken.
    pub spoken: u32,
    /// Those whose clips have been made.
    pub made: u32,
    /// How long those clips are together, in milliseconds.
    pub duration_ms: u64,
}

impl Narrator {
    /// What has been made of a book, chapter by chapter; the book's default voice when `voice` is
    /// empty.
    pub async fn coverage(
        &self,
        book: &BookId,
        voice: &str,
    ) -> Result<Vec<ChapterCoverage>, NarrationError> {
        let details = self.library.metadata(book).await?;
        let cast = self.cast(voice, &details.card).await?;
        let preferences = self.library.recent_preferences().await?;
        let wording = preferences.skipped_in(book).wording;
        // A clip is news of one voice: lists of several would not hear of it.
        // Nor is it known to Redis what has been said of passages, or is left out of sentences.
        let is_plain = wording == Wording::default()
            && preferences.instructions_in(book, &details.card.language).is_empty()
            && self.library.said(book).await?.directions.version() == 0;
        let redis = self.shared.redis.as_ref();
        // On a cluster no clip makes it forget: the list is on another shard.
        let redis =
            redis.filter(|redis| redis.is_up() && !redis.is_cluster() && cast.is_one() && is_plain);
        let key =
            redis.map(|redis| redis.name(&Key::BookAudios(book.clone(), cast.narrator.id.clone())));
        let begun = uuid::Uuid::new_v4().to_string();
        if let (Some(redis), Some(key)) = (redis, &key) {
            let known: RedisResult<Option<String>> =
                cmd("GET").arg(key).query_async(&mut redis.clone()).await;
            let known = known.ok().flatten().and_then(|list| serde_json::from_str(&list).ok());
            if let Some(known) = known {
                return Ok(known);
            }
            let mut begin = cmd("SET");
            begin.arg(key).arg(&begun).arg("EX").arg(BEGUN_SECONDS);
            // Best effort: Redis is only a cache.
            let _: RedisResult<()> = begin.query_async(&mut redis.clone()).await;
        }
        let mut list = Vec::with_capacity(details.chapters.len());
        for chapter in &details.chapters {
            let plan = self.plan_of(&details.card, chapter.number, &cast, wording).await?;
            let lengths = self.lengths(&plan, 0).await?;
            let made = lengths.iter().flatten();
            let (mut samples, mut count) = (0, 0);
            for length in made {
                samples += length.samples;
                count += 1;
            }
            list.push(ChapterCoverage {
                chapter: chapter.number,
                spoken: plan.segments.iter().filter(|segment| !segment.jobs().is_empty()).count()
                    as u32,
                made: count,
                duration_ms: samples * 1000 / u64::from(cast.narrator.sample_rate.max(1)),
            });
        }
        if let (Some(redis), Some(key)) = (redis, &key)
            && let Ok(value) = serde_json::to_string(&list)
        {
            let mut keep = KEEP.prepare_invoke();
            keep.key(key).arg(begun).arg(value).arg(EXPIRY_SECONDS);
            let _: RedisResult<()> = keep.invoke_async(&mut redis.clone()).await;
        }
        Ok(list)
    }
}
