//! How much each engine has spoken and what that cost, by day, and the budgets that bound it.
//!
//! What an engine is about to speak is booked before it is asked, and taken back when it did nothing, so that
//! any number of processes together keep to a budget.

use app::model::{Budget, Spending};
use sqlx::{AnyConnection, AnyPool, Row};
use time::OffsetDateTime;

use super::VoiceError;

/// The book of all engines, in SQL. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    database: AnyPool,
}

/// What was booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    engine: String,
    day: String,
    characters: u64,
    cost: u64,
}

impl Booking {
    /// What it costs, in millionths of the operator's currency.
    pub fn cost(&self) -> u64 {
        self.cost
    }
}

/// Why something could not be booked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It would be more than the operator allows.
    #[error(transparent)]
    OverBudget(#[from] VoiceError),
    /// SQL failed.
    #[error("the spending of engines cannot be read: {0}")]
    Database(#[from] sqlx::Error),
}

impl Ledger {
    /// The book in a database.
    pub fn new(database: AnyPool) -> Self {
        Self { database }
    }

    /// Books what an engine is about to speak: so many characters, at a cost in millionths.
    ///
    /// # Errors
    /// When that is more than the budget allows, in words for a person; nothing is booked then.
    pub async fn book(
        &self,
        engine: &str,
        budget: &Budget,
        (characters, cost): (u64, u64),
    ) -> Result<Booking, LedgerError> {
        let today = today();
        let booking = Booking { engine: engine.to_owned(), day: today.clone(), characters, cost };
        let mut transaction = self.database.begin().await?;
        // The row is written first: it is what the others wait for.
        add(&mut transaction, &booking, 1).await?;
        if *budget != Budget::default() {
            let spent = spending(&mut transaction, engine, &today).await?;
            if let Some(reason) = excess(budget, &spent) {
                transaction.rollback().await?;
                return Err(VoiceError::OverBudget { engine: engine.to_owned(), reason }.into());
            }
        }
        transaction.commit().await?;
        Ok(booking)
    }

    /// Takes back what was booked for a sentence that the engine did not speak.
    pub async fn take_back(&self, booking: &Booking) -> Result<(), sqlx::Error> {
        add(&mut *self.database.acquire().await?, booking, -1).await
    }

    /// What an engine has spoken today and this month.
    pub async fn spending(&self, engine: &str) -> Result<Spending, sqlx::Error> {
        spending(&mut *self.database.acquire().await?, engine, &today()).await
    }
}

async fn add(
    connection: &mut AnyConnection,
    booking: &Booking,
    times: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO engine_usage (engine, day, characters, cost) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (engine, day) DO UPDATE SET \
         characters = engine_usage.characters + excluded.characters, \
         cost = engine_usage.cost + excluded.cost",
    )
    .bind(&booking.engine)
    .bind(&booking.day)
    .bind(booking.characters as i64 * times)
    .bind(booking.cost as i64 * times)
    .execute(connection)
    .await?;
    Ok(())
}

async fn spending(
    connection: &mut AnyConnection,
    engine: &str,
    today: &str,
) -> Result<Spending, sqlx::Error> {
    let sum = |column: &str| {
        format!(
            "CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS month_{column}, \
             CAST(COALESCE(SUM(CASE WHEN day = $2 THEN {column} ELSE 0 END), 0) AS BIGINT) AS day_{column}"
        )
    };
    let statement = format!(
        "SELECT {}, {} FROM engine_usage WHERE engine = $1 AND day >= $3 AND day <= $2",
        sum("characters"),
        sum("cost")
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(engine)
        .bind(today)
        .bind(format!("{}-01", &today[..7]))
        .fetch_one(connection)
        .await?;
    let number = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(name)?.max(0) as u64);
    Ok(Spending {
        characters_today: number("day_characters")?,
        characters_this_month: number("month_characters")?,
        money_today: number("day_cost")? as f64 / 1e6,
        money_this_month: number("month_cost")? as f64 / 1e6,
    })
}

/// Which budget is exceeded by what is spent, in words.
fn excess(budget: &Budget, spent: &Spending) -> Option<String> {
    let characters = [
        (budget.characters_a_day, spent.characters_today, "a day"),
        (budget.characters_a_month, spent.characters_this_month, "a month"),
    ];
    let over = characters.into_iter().find(|(allowed, used, _)| *allowed > 0 && used > allowed);
    if let Some((allowed, _, span)) = over {
        return Some(format!("it may speak {allowed} characters {span}."));
    }
    let money = [
        (budget.money_a_day, spent.money_today, "a day"),
        (budget.money_a_month, spent.money_this_month, "a month"),
    ];
    let over = money.into_iter().find(|(allowed, used, _)| *allowed > 0.0 && used > allowed);
    over.map(|(allowed, _, span)| format!("it may cost {allowed} {span}."))
}

/// The day, in UTC: the same for all processes.
fn today() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{:04}-{:02}-{:02}", now.year(), u8::from(now.month()), now.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_exceeded_by_more_than_it_says() {
        let budget = Budget { characters_a_day: 100, money_a_month: 1.5, ..Budget::default() };
        let spent = |characters_today, money_this_month| Spending {
            characters_today,
            money_this_month,
            ..Spending::default()
        };
        assert_eq!(excess(&budget, &spent(100, 1.5)), None);
        assert!(excess(&budget, &spent(101, 0.0)).unwrap().contains("100 characters a day"));
        assert!(excess(&budget, &spent(0, 1.51)).unwrap().contains("1.5 a month"));
        assert_eq!(excess(&Budget::default(), &spent(u64::MAX, 1e9)), None);
    }
}
