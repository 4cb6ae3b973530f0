//! What went on and what it cost, added up as it happens, so that looking at it costs the same however many clips there
//! are. Counted in memory and written every few seconds; what a killed process had counted is lost, for it is to be
//! looked at: budgets have a book of their own.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::model::{FigurePoint, TotalLine};
use sqlx::{AnyPool, Row};
use time::OffsetDateTime;

use super::job::Job;
use crate::time::now_ms;

/// How long a slot is.
pub(crate) const SLOT: Duration = Duration::from_secs(600);
/// How long slots are kept.
const KEPT: Duration = Duration::from_secs(8 * 24 * 3600);
/// How long totals are kept, in months.
const KEPT_MONTHS: i32 = 24;
/// Names that are counted in between; beyond it new ones are not.
const MAX_COUNTED: usize = 10_000;
/// Whoever listens waits for no sentence longer than this, unless something is slow.
pub(crate) const WAIT_GOAL: Duration = Duration::from_secs(1);
/// The most names that are listed of a kind.
const MAX_LISTED: i64 = 20;

/// What is added up of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Clips that were made.
    pub(crate) made: i64,
    /// Clips that were heard.
    pub(crate) heard: i64,
    /// How many of these were there already.
    pub(crate) hits: i64,
    /// What making cost, in millionths.
    pub(crate) spent: i64,
    /// What making the hits would have cost, in millionths.
    pub(crate) saved: i64,
}

impl Sums {
    pub(super) fn add(&mut self, other: Self) {
        self.made += other.made;
        self.heard += other.heard;
        self.hits += other.hits;
        self.spent += other.spent;
        self.saved += other.saved;
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Engine,
    Voice,
    Book,
    Person,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Voice => "voice",
            Self::Book => "book",
            Self::Person => "person",
        }
    }
}

#[derive(Default)]
struct Counted {
    totals: BTreeMap<(Kind, String), Sums>,
    slots: BTreeMap<(u64, &'static str), i64>,
}

/// What was counted since it was written last.
#[derive(Default)]
pub(crate) struct Figures(Mutex<Counted>);

impl Figures {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what is counted of some names.
    pub(crate) fn add(&self, names: &[(Kind, &str)], sums: Sums) {
        let counted = &mut *self.counted();
        for (kind, name) in names {
            let key = (*kind, (*name).to_owned());
            if counted.totals.len() < MAX_COUNTED || counted.totals.contains_key(&key) {
                counted.totals.entry(key).or_default().add(sums);
            }
        }
        for (name, value) in [("made", sums.made), ("heard", sums.heard), ("hits", sums.hits)] {
            // Of one clip once, though it has several names.
            if value > 0 && names.iter().any(|(kind, _)| *kind == Kind::Engine) {
                *counted.slots.entry((slot_now(), name)).or_default() += value;
            }
        }
    }

    /// A clip was made for a job.
    pub(crate) fn made(&self, job: &Job, cost: u64) {
        let voice = format!("{}:{}", job.voice.engine, job.voice.voice);
        let mut names = vec![
            (Kind::Engine, &*job.voice.engine),
            (Kind::Voice, &*voice),
            (Kind::Book, job.book.as_str()),
        ];
        names.extend(job.payer.as_deref().map(|payer| (Kind::Person, payer)));
        let spent = i64::try_from(cost).unwrap_or(i64::MAX);
        self.add(&names, Sums { made: 1, spent, ..Sums::default() });
    }

    /// A sentence was to be made that another process is making.
    pub(crate) fn found_locked(&self) {
        metrics::counter!("earmark_locks_waited_total").increment(1);
        *self.counted().slots.entry((slot_now(), "lock_waits")).or_default() += 1;
    }

    /// Somebody who listens has waited for a clip.
    pub(crate) fn waited(&self, time: Duration) {
        metrics::histogram!("earmark_wait_seconds").record(time);
        if time > WAIT_GOAL {
            metrics::counter!("earmark_stalls_total").increment(1);
        }
        let counted = &mut *self.counted();
        *counted.slots.entry((slot_now(), "waits")).or_default() += 1;
        if time > WAIT_GOAL {
            *counted.slots.entry((slot_now(), "late")).or_default() += 1;
        }
    }

    /// Writes what was counted; what fails is counted again.
    pub(crate) async fn flush(&self, database: &AnyPool) {
        let taken = std::mem::take(&mut *self.counted());
        if taken.totals.is_empty() && taken.slots.is_empty() {
            return;
        }
        if let Err(error) = write(database, &taken).await {
            tracing::warn!(%error, "figures could not be written yet");
            let counted = &mut *self.counted();
            for (key, sums) in taken.totals {
                counted.totals.entry(key).or_default().add(sums);
            }
            for (key, value) in taken.slots {
                *counted.slots.entry(key).or_default() += value;
            }
        }
    }
}

fn slot_now() -> u64 {
    let slot = SLOT.as_millis() as u64;
    now_ms() / slot * slot
}

/// The month as it is written.
fn month(at: OffsetDateTime) -> String {
    format!("{}-{:02}", at.year(), u8::from(at.month()))
}

/// One transaction, its rows in one order everywhere, so that two servers seldom wait for each other.
async fn write(database: &AnyPool, counted: &Counted) -> Result<(), sqlx::Error> {
    let month = month(OffsetDateTime::now_utc());
    let mut transaction = database.begin().await?;
    for ((kind, name), sums) in &counted.totals {
        let Sums { made, heard, hits, spent, saved } = sums;
        sqlx::query(
            "INSERT INTO totals (month, kind, name, made, heard, hits, spent, saved)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (month, kind, name) DO UPDATE SET made = totals.made + excluded.made,
                 heard = totals.heard + excluded.heard, hits = totals.hits + excluded.hits,
                 spent = totals.spent + excluded.spent, saved = totals.saved + excluded.saved",
        )
        .bind(&month)
        .bind(kind.name())
        .bind(name)
        .bind(made)
        .bind(heard)
        .bind(hits)
        .bind(spent)
        .bind(saved)
        .execute(&mut *transaction)
        .await?;
    }
    for ((slot, name), value) in &counted.slots {
        sqlx::query(
            "INSERT INTO figures (slot, name, value) VALUES ($1, $2, $3)
             ON CONFLICT (slot, name) DO UPDATE SET value = figures.value + excluded.value",
        )
        .bind(*slot as i64)
        .bind(*name)
        .bind(value)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// Notes how much there is of something now: of a slot the most is kept.
pub(crate) async fn note_most(
    database: &AnyPool,
    figures: &[(&str, usize)],
) -> Result<(), sqlx::Error> {
    let mut transaction = database.begin().await?;
    for (name, value) in figures {
        sqlx::query(
            "INSERT INTO figures (slot, name, value) VALUES ($1, $2, $3)
             ON CONFLICT (slot, name) DO UPDATE SET value =
                 CASE WHEN excluded.value > figures.value THEN excluded.value ELSE figures.value END",
        )
        .bind(slot_now() as i64)
        .bind(*name)
        .bind(i64::try_from(*value).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// Forgets what is older than is kept.
pub(crate) async fn forget(database: &AnyPool) -> Result<(), sqlx::Error> {
    let before = now_ms().saturating_sub(KEPT.as_millis() as u64);
    let old = sqlx::query("DELETE FROM figures WHERE slot < $1").bind(before as i64);
    old.execute(database).await?;
    let now = OffsetDateTime::now_utc();
    let first = now - time::Duration::days(31 * i64::from(KEPT_MONTHS));
    let old = sqlx::query("DELETE FROM totals WHERE month < $1").bind(month(first));
    old.execute(database).await?;
    Ok(())
}

/// What went on in the last so long, slot by slot.
pub(crate) async fn since(
    database: &AnyPool,
    time: Duration,
) -> Result<Vec<FigurePoint>, sqlx::Error> {
    let from = slot_now().saturating_sub(time.as_millis() as u64);
    let rows =
        sqlx::query("SELECT slot, name, value FROM figures WHERE slot > $1 ORDER BY slot, name");
    let rows = rows.bind(from as i64).fetch_all(database).await?;
    let point = |row: &sqlx::any::AnyRow| FigurePoint {
        at_ms: row.get::<i64, _>(0).max(0) as u64,
        name: row.get(1),
        value: row.get::<i64, _>(2).max(0) as u64,
    };
    Ok(rows.iter().map(point).collect())
}

/// What was made, heard and saved this month of a kind, what was heard most first.
pub(crate) async fn totals(database: &AnyPool, kind: Kind) -> Result<Vec<TotalLine>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT name, made, heard, hits, spent, saved FROM totals WHERE month = $1 AND kind = $2
         ORDER BY heard DESC, made DESC, name LIMIT $3",
    );
    let rows = rows.bind(month(OffsetDateTime::now_utc())).bind(kind.name()).bind(MAX_LISTED);
    let rows = rows.fetch_all(database).await?;
    let line = |row: &sqlx::any::AnyRow| {
        let number = |at: usize| row.get::<i64, _>(at).max(0) as u64;
        TotalLine {
            name: row.get(0),
            made: number(1),
            heard: number(2),
            hits: number(3),
            spent: number(4) as f64 / 1e6,
            saved: number(5) as f64 / 1e6,
        }
    };
    Ok(rows.iter().map(line).collect())
}

/// What has been saved by hearing a book again, in all months that are known.
pub(crate) async fn saved_of(database: &AnyPool, book: &str) -> Result<f64, sqlx::Error> {
    let saved = sqlx::query(
        "SELECT CAST(COALESCE(SUM(saved), 0) AS BIGINT) FROM totals WHERE kind = 'book' AND name = $1",
    );
    let saved = saved.bind(book).fetch_one(database).await?;
    Ok(saved.get::<i64, _>(0) as f64 / 1e6)
}
