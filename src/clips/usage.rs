//! How often clips are heard: counted in memory, written to SQL every few seconds and at the end, so
//! that sending a clip costs nothing. What a killed server had counted is lost; it is for looking at.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::model::BookId;
use sqlx::{AnyPool, AssertSqlSafe, Row};

use super::figures::{Figures, Kind, Sums};
use super::job::Job;
use crate::text::hash::ContentHash;
use crate::time::now_ms;

/// How often what was counted is written.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_secs(3);
/// Clips counted in between; beyond it new ones are not.
const MAX_COUNTED: usize = 100_000;
/// Clips counted by one transaction: SQLite has one writer, which clips being stored wait for. Three values
/// each stay far below the 32,766 that SQLite binds (its SQLITE_MAX_VARIABLE_NUMBER).
const CLIPS_A_TRANSACTION: usize = 500;

/// A clip, as a book has it.
type Name = (ContentHash, BookId);

/// Clips heard since the last flush, by clip and book.
#[derive(Default)]
pub(crate) struct Usage {
    // A std mutex: held for a map operation, never across an await.
    counted: Mutex<HashMap<Name, u64>>,
}

impl Usage {
    /// A clip was sent to somebody.
    pub(crate) fn heard(&self, job: &Job) {
        let mut counted = self.counted();
        let name = (job.content, job.book.clone());
        if counted.len() < MAX_COUNTED || counted.contains_key(&name) {
            *counted.entry(name).or_default() += 1;
        }
    }

    /// Writes what was counted; what fails or is broken off is counted again.
    pub(crate) async fn flush(&self, database: &AnyPool, figures: &Figures) {
        let mut taken = Taken { counted: std::mem::take(&mut *self.counted()), usage: self };
        if taken.counted.is_empty() {
            return;
        }
        // In one order everywhere, so that two servers seldom wait for each other's rows; should they, one of
        // them counts again.
        let mut counted: Vec<(Name, u64)> =
            taken.counted.iter().map(|(name, count)| (name.clone(), *count)).collect();
        counted.sort();
        for part in counted.chunks(CLIPS_A_TRANSACTION) {
            let heard = match write(database, part).await {
                Ok(heard) => heard,
                Err(error) => {
                    tracing::warn!(%error, "what was heard could not be counted yet");
                    return;
                }
            };
            for ((engine, voice, book), sums) in heard {
                let voice = format!("{engine}:{voice}");
                figures.add(
                    &[(Kind::Engine, &engine), (Kind::Voice, &voice), (Kind::Book, book.as_str())],
                    sums,
                );
            }
            for (name, _) in part {
                taken.counted.remove(name);
            }
        }
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<Name, u64>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being written; what is left when this is dropped goes back.
struct Taken<'a> {
    counted: HashMap<Name, u64>,
    usage: &'a Usage,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut newer = self.usage.counted();
        for (name, count) in self.counted.drain() {
            *newer.entry(name).or_default() += count;
        }
    }
}

/// What was heard, by engine, voice and book.
type Heard = BTreeMap<(String, String, BookId), Sums>;

/// Writes a part of what was counted, in one transaction of three statements.
async fn write(database: &AnyPool, part: &[(Name, u64)]) -> Result<Heard, sqlx::Error> {
    let hashes: BTreeSet<String> = part.iter().map(|((content, _), _)| content.to_hex()).collect();
    let mut transaction = database.begin().await?;
    // The first hearing is what a clip was made for; those after it are hits. Touching the rows first takes
    // their locks, so that two servers do not both think theirs was the first.
    let sql = format!(
        "UPDATE audio_assets SET last_access = $1 WHERE content_hash IN ({}) \
         RETURNING content_hash, heard, engine, voice, cost",
        places(2, hashes.len(), |place| format!("${place}"))
    );
    // Not kept prepared: there are as many of these statements as there are numbers of clips.
    let mut touch = sqlx::query(AssertSqlSafe(sql)).persistent(false).bind(now_ms() as i64);
    for hash in &hashes {
        touch = touch.bind(hash);
    }
    // What is not among them was removed meanwhile.
    let mut firsts: HashMap<String, i64> = HashMap::new();
    let mut voices: HashMap<String, (String, String, i64)> = HashMap::new();
    for row in touch.fetch_all(&mut *transaction).await? {
        let hash: String = row.try_get(0)?;
        firsts.insert(hash.clone(), i64::from(row.try_get::<i64, _>(1)? == 0));
        voices.insert(hash, (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?));
    }
    let mut hits: BTreeMap<String, i64> = BTreeMap::new();
    let (mut by_book, mut heard) = (Vec::with_capacity(part.len()), Heard::new());
    for ((content, book), count) in part {
        let hash = content.to_hex();
        let Some(first) = firsts.get_mut(&hash) else { continue };
        let new = *count as i64 - std::mem::take(first);
        *hits.entry(hash.clone()).or_default() += new;
        if let Some((engine, voice, cost)) = voices.get(&hash) {
            let sums =
                Sums { heard: *count as i64, hits: new, saved: new * cost, ..Sums::default() };
            heard.entry((engine.clone(), voice.clone(), book.clone())).or_default().add(sums);
        }
        by_book.push((hash, book, new));
    }
    if by_book.is_empty() {
        transaction.commit().await?;
        return Ok(heard);
    }
    let sql = format!(
        "WITH counted (hash, hits) AS (VALUES {}) UPDATE audio_assets \
         SET heard = 1, hits = audio_assets.hits + counted.hits FROM counted WHERE content_hash = hash",
        places(1, hits.len(), |place| format!(
            "(${}, CAST(${} AS BIGINT))",
            2 * place - 1,
            2 * place
        ))
    );
    let mut update = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for (hash, hits) in &hits {
        update = update.bind(hash).bind(hits);
    }
    update.execute(&mut *transaction).await?;
    let sql = format!(
        "INSERT INTO asset_books (content_hash, book_id, made, hits) VALUES {} \
         ON CONFLICT (content_hash, book_id) DO UPDATE SET hits = asset_books.hits + excluded.hits",
        places(1, by_book.len(), |place| format!(
            "(${}, ${}, 0, ${})",
            3 * place - 2,
            3 * place - 1,
            3 * place
        ))
    );
    let mut insert = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for (hash, book, hits) in &by_book {
        insert = insert.bind(hash).bind(book.as_str()).bind(hits);
    }
    insert.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(heard)
}

/// So many placeholders from a number on, separated by commas.
fn places(from: usize, count: usize, place: impl Fn(usize) -> String) -> String {
    (from..from + count).map(place).collect::<Vec<_>>().join(", ")
}
