//! What people may have spoken by voices that cost money.
//!
//! What a voice is about to speak is booked for whoever asked for it, and taken back when it spoke nothing, so that any
//! number of processes together keep to what each may spend. What is stored costs nobody anything. A process that is
//! killed while a voice speaks has booked a sentence too many.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use sqlx::{AnyPool, Row};
use thiserror::Error;
use time::OffsetDateTime;

/// How long it is remembered what somebody may spend.
const MEMORY: Duration = Duration::from_secs(5);
/// People of whom that is remembered.
const REMEMBERED: u64 = 10_000;

/// The book of what people spend, in SQL. Cheap to clone.
#[derive(Clone)]
pub struct Allowances {
    database: AnyPool,
    known: Cache<Arc<str>, Option<Left>>,
}

/// What a person may spend yet.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    /// Characters a month in all.
    pub of: u64,
    /// Characters of them that are left.
    pub characters: u64,
}

/// What was booked.
#[derive(Debug)]
pub struct Booked {
    user: String,
    month: String,
    characters: u64,
}

/// Why nothing was booked.
#[derive(Debug, Error)]
pub enum AllowanceError {
    /// It would be more than they may.
    #[error("a person may have {0} characters a month")]
    UsedUp(u64),
    /// SQL failed.
    #[error("what people spend cannot be read: {0}")]
    Database(#[from] sqlx::Error),
}

impl Allowances {
    /// The book in a database.
    pub fn new(database: AnyPool) -> Self {
        let known = Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY).build();
        Self { database, known }
    }

    /// What a person may spend yet this month; nothing is said where there is no limit. It may have been so a few
    /// seconds ago.
    pub async fn left(&self, user: &Arc<str>) -> Result<Option<Left>, sqlx::Error> {
        if let Some(known) = self.known.get(user).await {
            return Ok(known);
        }
        let found = sqlx::query(
            "SELECT allowance, COALESCE((SELECT characters FROM spending WHERE user_id = $1 AND month = $2), 0)
             FROM users WHERE id = $1",
        );
        let found = found.bind(&**user).bind(month()).fetch_optional(&self.database).await?;
        // Whoever is gone may spend nothing.
        let (allowance, spent) =
            found.map_or((0, 0), |row| (row.get::<i64, _>(0), row.get::<i64, _>(1)));
        let left = u64::try_from(allowance)
            .ok()
            .map(|of| Left { of, characters: of.saturating_sub(spent.unsigned_abs()) });
        self.known.insert(Arc::clone(user), left).await;
        Ok(left)
    }

    /// Books characters for a person.
    ///
    /// # Errors
    /// When that is more than they may spend this month, or they are gone; nothing is booked then.
    pub async fn book(&self, user: &str, characters: u64) -> Result<Booked, AllowanceError> {
        let booked = Booked { user: user.to_owned(), month: month(), characters };
        let mut transaction = self.database.begin().await?;
        // The row is written first: it is what the others wait for.
        let spent = sqlx::query(
            "INSERT INTO spending (user_id, month, characters) SELECT id, $2, $3 FROM users WHERE id = $1
             ON CONFLICT (user_id, month) DO UPDATE SET
             characters = spending.characters + excluded.characters RETURNING characters,
             (SELECT allowance FROM users WHERE id = $1)",
        );
        let spent = spent.bind(user).bind(&booked.month).bind(characters as i64);
        let row = spent.fetch_optional(&mut *transaction).await?;
        let Some(row) = row else { return Err(AllowanceError::UsedUp(0)) };
        let (spent, allowance): (i64, i64) = (row.get(0), row.get(1));
        if allowance >= 0 && spent > allowance {
            transaction.rollback().await?;
            self.known.invalidate(user).await;
            return Err(AllowanceError::UsedUp(allowance.unsigned_abs()));
        }
        transaction.commit().await?;
        Ok(booked)
    }

    /// Takes back what was booked for a sentence that was not spoken.
    pub async fn take_back(&self, booked: &Booked) -> Result<(), sqlx::Error> {
        let less = sqlx::query(
            "UPDATE spending SET characters = characters - $3 WHERE user_id = $1 AND month = $2",
        );
        let less = less.bind(&booked.user).bind(&booked.month).bind(booked.characters as i64);
        less.execute(&self.database).await?;
        Ok(())
    }
}

/// The month, in UTC: the same for all processes.
pub(super) fn month() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{:04}-{:02}", now.year(), u8::from(now.month()))
}
