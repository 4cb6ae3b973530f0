//! Narrations in SQL. Whoever runs one has its token, without which nothing of it can be written any more: a server
//! that was taken for dead changes nothing when it comes back.

mod asking;
mod figures;
mod nights;

use std::collections::HashSet;
use std::time::Duration;

use app::model::{BookId, NarrationCard, NarrationOutput, NarrationState};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::narration::Reserved;
use crate::time::now_ms;
pub(super) use asking::{Asking, NewNarration};
pub(super) use nights::HELD_AGAIN;

/// Whoever runs a narration and is not heard of for so long has died.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// Times that one is begun without getting on.
pub(super) const MAX_ATTEMPTS: i64 = 3;
/// Whoever has waited for so long goes before those with a greater priority.
const LONG_WAIT: Duration = Duration::from_secs(12 * 3600);
/// How long those that have ended are remembered.
const HISTORY: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long one may be stopped until it is called off.
const PAUSED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long the file of one is kept.
pub(super) const FILE_AGE: Duration = Duration::from_secs(14 * 24 * 3600);
/// The most that are listed.
const MAX_LISTED: i64 = 200;
const DAY_MS: i64 = 86_400_000;

const COLUMNS: &str = "narrations.id, user_id, book_id, voice, first_chapter, last_chapter, state, \
    run_at, narrations.created_at, started_at, finished_at, attempts, token, moved_at, total, done, made, \
    failed, chapter, error, characters, cost, max_cost, output, bytes, ran";

/// A narration as its row has it.
#[derive(Debug, Clone)]
pub(super) struct Narration {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) book: BookId,
    pub(super) voice: String,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) state: NarrationState,
    pub(super) token: String,
    pub(super) attempts: i64,
    run_at: i64,
    created_at: i64,
    started_at: i64,
    finished_at: i64,
    total: i64,
    done: i64,
    made: i64,
    failed: i64,
    chapter: u32,
    error: String,
    characters: i64,
    /// What it has cost, and may cost at most, in millionths.
    cost: i64,
    pub(super) max_cost: i64,
    pub(super) output: NarrationOutput,
    bytes: i64,
    ran: i64,
}

/// How far one has come, with what was before whoever runs it took it up: what is written twice is the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) chapter: u32,
    pub(super) total: u64,
    /// Sentences that are there.
    pub(super) done: u64,
    /// What was made for it.
    pub(super) made: u64,
    pub(super) characters: u64,
    /// In millionths.
    pub(super) cost: u64,
    /// Sentences that could not be made.
    pub(super) failed: u64,
    /// For how long it was run.
    pub(super) ran_ms: u64,
}

/// What a person has asked of whoever runs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Cancel,
    Pause,
}

/// How one has ended, or is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// All of it is there that can be.
    Completed,
    /// It cannot be made.
    Failed(String),
    /// It did not get on, and is tried again after so long; or not, when that was often enough.
    Again(String, Duration),
    /// What it needs is not there now, as an engine that rests: it is tried again after so long, as often as it takes.
    Later(String, Duration),
    Cancelled,
    Paused,
    /// Whoever ran it stops: another goes on at once.
    Released,
}

/// Whose narrations are meant.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// Who asks. They see none of books that are somebody else's own.
    pub viewer: &'a str,
    /// Everybody's, for whoever runs the place; otherwise their own.
    pub everybodys: bool,
}

impl<'a> Whose<'a> {
    /// What rows have to be, given whose they are as `$2` and who asks as `$3`.
    const CONDITION: &'static str = "($2 = '' OR user_id = $2) AND book_id IN (SELECT id FROM books
        WHERE deleted_at IS NULL AND (owner IS NULL OR owner = $3 OR $3 = 'local'))";

    /// A person's own.
    pub fn own(viewer: &'a str) -> Self {
        Self { viewer, everybodys: false }
    }

    /// Everybody's, whoever asks: for what is counted.
    pub fn everybodys() -> Whose<'static> {
        Whose { viewer: crate::library::LOCAL_USER, everybodys: true }
    }

    fn user(&self) -> &'a str {
        if self.everybodys { "" } else { self.viewer }
    }
}

/// The rows. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Rows(pub(super) AnyPool);

impl Rows {
    /// Takes the next one: that of the greatest priority or the longest wait, of whoever has been served least in a day,
    /// the first that was asked for. One that a server left by dying goes on.
    pub(super) async fn claim(
        &self,
        at_once_per_person: u16,
    ) -> Result<Option<Narration>, sqlx::Error> {
        let now = now_ms() as i64;
        let may_run =
            "(state = 'queued' AND run_at <= $2 OR state = 'running' AND lease_until < $2)";
        let running =
            "(SELECT COUNT(*) FROM narrations others WHERE others.user_id = waiting.user_id
             AND others.state = 'running' AND others.lease_until >= $2)";
        let served =
            "(SELECT COUNT(*) FROM narrations others WHERE others.user_id = waiting.user_id
             AND others.started_at >= $6)";
        // Of two that ask at once one may get none, and asks again: what the first took does not fit any more.
        let statement = format!(
            "UPDATE narrations SET token = $1, lease_until = $3,
             attempts = attempts + 1, state = 'running', error = '',
             started_at = CASE WHEN started_at = 0 THEN $2 ELSE started_at END,
             moved_at = $2 WHERE id = (
               SELECT waiting.id FROM narrations waiting WHERE {may_run} AND {running} < $4
               ORDER BY CASE WHEN waiting.run_at < $5 THEN 1000 ELSE waiting.priority END DESC,
               {running}, {served}, waiting.run_at, waiting.created_at, waiting.id LIMIT 1)
             AND {may_run} RETURNING {COLUMNS}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(uuid::Uuid::new_v4().simple().to_string())
            .bind(now)
            .bind(now + LEASE.as_millis() as i64)
            .bind(i64::from(at_once_per_person))
            .bind(now - LONG_WAIT.as_millis() as i64)
            .bind(now - DAY_MS)
            .fetch_optional(&self.0)
            .await?;
        row.as_ref().map(narration).transpose()
    }

    /// Writes how far one has come and renews the lease; what a person wishes meanwhile. `None` when it is another's by
    /// now.
    pub(super) async fn progress(
        &self,
        narration: &Narration,
        progress: &Progress,
        trouble: &str,
    ) -> Result<Option<Option<Wish>>, sqlx::Error> {
        let now = now_ms() as i64;
        let row = sqlx::query(
            "UPDATE narrations SET lease_until = $3, chapter = $4, total = CASE WHEN $5 > 0 THEN $5 ELSE total END,
             moved_at = CASE WHEN $8 > made THEN $7 ELSE moved_at END,
             attempts = CASE WHEN $8 > made THEN 0 ELSE attempts END,
             done = CASE WHEN $5 > 0 THEN $6 ELSE done END, ran = $13,
             made = $8, characters = $9, cost = $10, failed = $11, error = $12
             WHERE id = $1 AND token = $2 AND state = 'running' RETURNING wish",
        );
        let row = row
            .bind(&narration.id)
            .bind(&narration.token)
            .bind(now + LEASE.as_millis() as i64)
            .bind(i64::from(progress.chapter))
            .bind(progress.total as i64)
            .bind(progress.done as i64)
            .bind(now)
            .bind(progress.made as i64)
            .bind(progress.characters as i64)
            .bind(progress.cost as i64)
            .bind(progress.failed as i64)
            .bind(trouble)
            .bind(progress.ran_ms as i64)
            .fetch_optional(&self.0)
            .await?;
        Ok(row.map(|row| match row.get::<String, _>(0).as_str() {
            "cancel" => Some(Wish::Cancel),
            "pause" => Some(Wish::Pause),
            _ => None,
        }))
    }

    /// Notes its file, and how large that is.
    pub(super) async fn packed(
        &self,
        narration: &Narration,
        (file, bytes): (&str, u64),
    ) -> Result<(), sqlx::Error> {
        let noted =
            sqlx::query("UPDATE narrations SET bytes = $3, file = $4 WHERE id = $1 AND token = $2");
        let noted = noted.bind(&narration.id).bind(&narration.token).bind(bytes as i64).bind(file);
        noted.execute(&self.0).await?;
        Ok(())
    }

    /// The file of one, if it has one.
    pub(super) async fn file(&self, id: &str) -> Result<Option<String>, sqlx::Error> {
        let row = sqlx::query("SELECT file FROM narrations WHERE id = $1 AND bytes > 0").bind(id);
        Ok(row.fetch_optional(&self.0).await?.map(|row| row.get(0)))
    }

    /// Whether somebody else is having the same book made in the same voice, or another server goes on with this.
    pub(super) async fn is_shared(&self, narration: &Narration) -> Result<bool, sqlx::Error> {
        let same = "SELECT id FROM narrations WHERE book_id = $1 AND voice = $2 AND state = 'running' AND token <> $3 LIMIT 1";
        let same = sqlx::query(same).bind(narration.book.as_str()).bind(&narration.voice);
        Ok(same.bind(&narration.token).fetch_optional(&self.0).await?.is_some())
    }

    /// The files there are; those that are too old are none any more.
    pub(super) async fn with_files(&self) -> Result<HashSet<String>, sqlx::Error> {
        let before = now_ms() as i64 - FILE_AGE.as_millis() as i64;
        let old = "UPDATE narrations SET bytes = 0, file = '' WHERE bytes > 0 AND finished_at > 0 AND finished_at < $1";
        sqlx::query(old).bind(before).execute(&self.0).await?;
        let rows =
            sqlx::query("SELECT file FROM narrations WHERE bytes > 0").fetch_all(&self.0).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Ends one, or leaves it to others. What a person has asked for in the last moment is done.
    pub(super) async fn end(&self, narration: &Narration, end: &End) -> Result<(), sqlx::Error> {
        let now = now_ms() as i64;
        // Those that are to go on wait again; 0 is the place in the queue that they had.
        let (state, error, run_at) = match end {
            End::Completed => (NarrationState::Completed, "", 0),
            End::Failed(error) => (NarrationState::Failed, error.as_str(), 0),
            End::Again(error, after) | End::Later(error, after) => {
                (NarrationState::Queued, error.as_str(), now + after.as_millis() as i64)
            }
            End::Cancelled => (NarrationState::Cancelled, "", 0),
            End::Paused => (NarrationState::Paused, "", 0),
            End::Released => (NarrationState::Queued, "", 0),
        };
        // To be stopped by its server, or to wait for an engine, is no failure to get on.
        let unused = i64::from(matches!(end, End::Released | End::Later(..)));
        let may_fail = i64::from(matches!(end, End::Again(..)));
        let ended = sqlx::query(
            "UPDATE narrations SET state = CASE
               WHEN $3 = 'queued' AND wish = 'cancel' THEN 'cancelled'
               WHEN $3 = 'queued' AND wish = 'pause' THEN 'paused'
               WHEN $7 > 0 AND attempts >= $8 THEN 'failed' ELSE $3 END,
             finished_at = CASE WHEN finished_at > 0 THEN finished_at
               WHEN $3 = 'queued' AND wish = 'cancel' THEN $9
               WHEN $3 = 'queued' AND wish = 'pause' THEN 0
               WHEN $7 > 0 AND attempts >= $8 THEN $9
               WHEN $3 IN ('completed', 'failed', 'cancelled') THEN $9 ELSE 0 END,
             error = $4, wish = '', token = '', lease_until = 0,
             run_at = CASE WHEN $5 > 0 THEN $5 ELSE run_at END,
             attempts = CASE WHEN attempts >= $6 THEN attempts - $6 ELSE attempts END
             WHERE id = $1 AND token = $2 AND state = 'running'",
        );
        let ended = ended.bind(&narration.id).bind(&narration.token).bind(state.name());
        let ended = ended.bind(error).bind(run_at).bind(unused).bind(may_fail);
        ended.bind(MAX_ATTEMPTS).bind(now).execute(&self.0).await?;
        Ok(())
    }

    /// Has one called off or stopped: at once when it waits, and by whoever runs it otherwise. False when there is none
    /// that this can be done with.
    pub(super) async fn wish(
        &self,
        id: &str,
        whose: Whose<'_>,
        wish: Wish,
    ) -> Result<bool, sqlx::Error> {
        let (name, state) = match wish {
            Wish::Cancel => ("cancel", NarrationState::Cancelled),
            Wish::Pause => ("pause", NarrationState::Paused),
        };
        let from = match wish {
            Wish::Cancel => "('queued', 'paused')",
            Wish::Pause => "('queued')",
        };
        let statement = format!(
            "UPDATE narrations SET wish = CASE WHEN state = 'running' THEN $4 ELSE '' END,
             finished_at = CASE WHEN state <> 'running' AND $5 = 'cancelled' THEN $6 ELSE finished_at END,
             state = CASE WHEN state = 'running' THEN state ELSE $5 END
             WHERE id = $1 AND {} AND (state = 'running' OR state IN {from})",
            Whose::CONDITION
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).bind(whose.user());
        let done = done.bind(whose.viewer).bind(name).bind(state.name()).bind(now_ms() as i64);
        Ok(done.execute(&self.0).await?.rows_affected() > 0)
    }

    /// Has one go on that was stopped. Its time, if that is yet to come, stays. False when there is none.
    pub(super) async fn resume(&self, id: &str, whose: Whose<'_>) -> Result<bool, sqlx::Error> {
        let statement = format!(
            "UPDATE narrations SET state = CASE WHEN state = 'running' THEN state ELSE 'queued' END, wish = '',
             error = '', attempts = 0, run_at = CASE WHEN run_at > $4 THEN run_at ELSE $4 END
             WHERE id = $1 AND {} AND (state = 'paused' OR state = 'running' AND wish = 'pause')",
            Whose::CONDITION
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id);
        let done = done.bind(whose.user()).bind(whose.viewer).bind(now_ms() as i64);
        Ok(done.execute(&self.0).await?.rows_affected() > 0)
    }

    /// Those of a person or of everybody, the newest first; one by its id.
    pub(super) async fn cards(
        &self,
        whose: Whose<'_>,
        id: Option<&str>,
        state: Option<NarrationState>,
    ) -> Result<Vec<NarrationCard>, sqlx::Error> {
        let statement = format!(
            "SELECT {COLUMNS}, books.title AS title FROM narrations JOIN books ON books.id = book_id
             WHERE ($1 = '' OR narrations.id = $1) AND {} AND ($4 = '' OR state = $4)
             ORDER BY narrations.created_at DESC, narrations.id LIMIT {MAX_LISTED}",
            Whose::CONDITION
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(id.unwrap_or_default())
            .bind(whose.user())
            .bind(whose.viewer)
            .bind(state.map(NarrationState::name).unwrap_or_default())
            .fetch_all(&self.0)
            .await?;
        rows.iter().map(|row| Ok(narration(row)?.card(row.try_get("title")?))).collect()
    }

    /// What is not done and may be needed.
    pub(super) async fn reserved(&self) -> Result<Vec<Reserved>, sqlx::Error> {
        let statement = format!(
            "SELECT {COLUMNS} FROM narrations WHERE state IN ('queued', 'running', 'paused')"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(&self.0).await?;
        let reserved = |row: &AnyRow| {
            let Narration { user, book, voice, first, last, .. } = narration(row)?;
            Ok(Reserved { user, book, voice, chapters: first..=last })
        };
        rows.iter().map(reserved).collect()
    }

    /// Forgets those that ended long ago, and calls off those that were stopped and not gone on with.
    pub(super) async fn forget_old(&self) -> Result<(), sqlx::Error> {
        let now = now_ms() as i64;
        let given_up = sqlx::query(
            "UPDATE narrations SET state = 'cancelled', finished_at = $1 WHERE state = 'paused' AND run_at < $2",
        );
        let given_up = given_up.bind(now).bind(now - PAUSED_FOR.as_millis() as i64);
        given_up.execute(&self.0).await?;
        let before = now_ms() as i64 - HISTORY.as_millis() as i64;
        let old = sqlx::query("DELETE FROM narrations WHERE finished_at > 0 AND finished_at < $1");
        old.bind(before).execute(&self.0).await?;
        self.forget_nights(HISTORY).await
    }
}

fn narration(row: &AnyRow) -> Result<Narration, sqlx::Error> {
    let chapter = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(name)?.max(0) as u32);
    let book: String = row.try_get("book_id")?;
    Ok(Narration {
        id: row.try_get("id")?,
        user: row.try_get("user_id")?,
        book: book.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        voice: row.try_get("voice")?,
        first: chapter("first_chapter")?,
        last: chapter("last_chapter")?,
        // What another version has written and this one does not know is not to be touched.
        state: NarrationState::named(row.try_get("state")?).unwrap_or(NarrationState::Failed),
        token: row.try_get("token")?,
        attempts: row.try_get("attempts")?,
        run_at: row.try_get("run_at")?,
        created_at: row.try_get("created_at")?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        total: row.try_get("total")?,
        done: row.try_get("done")?,
        made: row.try_get("made")?,
        failed: row.try_get("failed")?,
        chapter: chapter("chapter")?,
        error: row.try_get("error")?,
        characters: row.try_get("characters")?,
        cost: row.try_get("cost")?,
        max_cost: row.try_get("max_cost")?,
        output: NarrationOutput::named(row.try_get("output")?).unwrap_or_default(),
        bytes: row.try_get("bytes")?,
        ran: row.try_get("ran")?,
    })
}

impl Narration {
    /// How far it was when it was taken up. What there is of it is counted anew.
    pub(super) fn progress(&self) -> Progress {
        let count = |value: i64| value.max(0) as u64;
        Progress {
            made: count(self.made),
            characters: count(self.characters),
            cost: count(self.cost),
            ran_ms: count(self.ran),
            ..Progress::default()
        }
    }

    fn card(self, title: String) -> NarrationCard {
        let some = |time: i64| u64::try_from(time).ok().filter(|time| *time > 0);
        let is_done = self.state == NarrationState::Completed;
        let percent = match self.total {
            _ if is_done => 100,
            0 => 0,
            total => (self.done * 100 / total).clamp(0, 99) as u32,
        };
        let is_packing = self.is_packing();
        NarrationCard {
            message: self.message(percent),
            seconds_left: self.seconds_left(),
            id: self.id,
            book: self.book.to_string(),
            title,
            person: if self.user == crate::library::LOCAL_USER { String::new() } else { self.user },
            voice: self.voice,
            first_chapter: self.first,
            last_chapter: self.last,
            output: self.output,
            file_bytes: some(self.bytes),
            state: self.state,
            percent,
            chapter: self.chapter,
            total: self.total.max(0) as u64,
            done: self.done.max(0) as u64,
            made: self.made.max(0) as u64,
            failed: self.failed.max(0) as u64,
            characters: self.characters.max(0) as u64,
            max_cost: self.max_cost as f64 / 1e6,
            is_packing,
            cost: self.cost as f64 / 1e6,
            error: self.error,
            created_at_ms: self.created_at.max(0) as u64,
            run_at_ms: self.run_at.max(0) as u64,
            started_at_ms: some(self.started_at),
            finished_at_ms: some(self.finished_at),
        }
    }

    fn is_packing(&self) -> bool {
        let is_all = self.total > 0 && self.done >= self.total;
        is_all && self.output != NarrationOutput::None && self.state == NarrationState::Running
    }

    fn message(&self, percent: u32) -> String {
        match self.state {
            NarrationState::Queued if self.run_at > now_ms() as i64 => {
                "It begins later.".to_owned()
            }
            NarrationState::Queued => "It waits for its turn.".to_owned(),
            NarrationState::Running if self.is_packing() => "It is being packed.".to_owned(),
            NarrationState::Running if self.chapter > 0 => {
                format!("Chapter {} of {} to {}, {percent} %", self.chapter, self.first, self.last)
            }
            NarrationState::Running => "It has begun.".to_owned(),
            NarrationState::Paused => "It was stopped, and can go on.".to_owned(),
            NarrationState::Completed if self.failed > 0 => {
                format!("It is done; {} sentences could not be spoken.", self.failed)
            }
            NarrationState::Completed => "It is done.".to_owned(),
            NarrationState::Failed => "It could not be made.".to_owned(),
            NarrationState::Cancelled => "It was called off.".to_owned(),
        }
    }

    /// How long it takes at its speed until now, of at least some seconds.
    fn seconds_left(&self) -> Option<u64> {
        let is_known = self.state == NarrationState::Running && self.made >= 5 && self.ran > 3_000;
        is_known.then(|| ((self.total - self.done).max(0) * self.ran / self.made / 1000) as u64)
    }
}

#[cfg(test)]
mod tests;
