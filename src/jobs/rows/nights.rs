//! What quiet hours may cost, and who makes ahead in them: one server at a time, and all of them together no more than
//! the operator has said for a night.

use std::time::Duration;

use chrono::{Days, NaiveDate, Utc};

use super::Rows;
use crate::time::now_ms;

/// Whoever makes ahead and is not heard of for so long has died.
const HELD_FOR: Duration = Duration::from_secs(60);
/// How often whoever makes ahead says so.
pub(in crate::jobs) const HELD_AGAIN: Duration = Duration::from_secs(20);

impl Rows {
    /// Whether this server, which has a name of its own, is the one that makes ahead in a night.
    pub(in crate::jobs) async fn hold_night(
        &self,
        night: NaiveDate,
        server: &str,
    ) -> Result<bool, sqlx::Error> {
        let now = now_ms() as i64;
        let held = sqlx::query(
            "INSERT INTO nights (night, spent, server, held_until) VALUES ($1, 0, $2, $3)
             ON CONFLICT (night) DO UPDATE SET server = excluded.server, held_until = excluded.held_until
             WHERE nights.server = excluded.server OR nights.held_until < $4",
        );
        let held = held.bind(night.to_string()).bind(server);
        let held = held.bind(now + HELD_FOR.as_millis() as i64).bind(now);
        Ok(held.execute(&self.0).await?.rows_affected() > 0)
    }

    /// Another server may make ahead in this night.
    pub(in crate::jobs) async fn leave_night(
        &self,
        night: NaiveDate,
        server: &str,
    ) -> Result<(), sqlx::Error> {
        let left = sqlx::query("UPDATE nights SET held_until = 0 WHERE night = $1 AND server = $2");
        left.bind(night.to_string()).bind(server).execute(&self.0).await?;
        Ok(())
    }

    /// Books what something costs to a night, in millionths, if that is not beyond what it may cost in all. What a
    /// process had in hand that ends stays booked.
    pub(in crate::jobs) async fn spend(
        &self,
        night: NaiveDate,
        price: u64,
        budget: u64,
    ) -> Result<bool, sqlx::Error> {
        let spent = sqlx::query(
            "UPDATE nights SET spent = spent + $2 WHERE night = $1 AND spent + $2 <= $3",
        );
        let most = i64::try_from(budget).unwrap_or(i64::MAX);
        let spent = spent.bind(night.to_string()).bind(price as i64).bind(most);
        Ok(spent.execute(&self.0).await?.rows_affected() > 0)
    }

    /// Gives back what was booked and not paid.
    pub(in crate::jobs) async fn give_back(
        &self,
        night: NaiveDate,
        price: u64,
    ) -> Result<(), sqlx::Error> {
        let unspent = sqlx::query("UPDATE nights SET spent = spent - $2 WHERE night = $1");
        unspent.bind(night.to_string()).bind(price as i64).execute(&self.0).await?;
        Ok(())
    }

    /// Forgets the nights of long ago.
    pub(super) async fn forget_nights(&self, age: Duration) -> Result<(), sqlx::Error> {
        let days = Days::new(age.as_secs() / 86_400);
        let before = Utc::now().date_naive().checked_sub_days(days).unwrap_or_default();
        let old = sqlx::query("DELETE FROM nights WHERE night < $1").bind(before.to_string());
        old.execute(&self.0).await?;
        Ok(())
    }
}
