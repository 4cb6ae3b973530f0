//! How long somebody reads and listens, day by day: for that person alone.

use app::model::{ReadingDay, ReadingStatistics, ReadingTime};
use chrono::{Days, NaiveDate, Utc};
use sqlx::Row;

use super::{Library, LibraryError};

/// A page reports every minute, and, after it was without a connection, each day at once.
const MAX_REPORT_S: u32 = 86_400;
/// Days that a device may have been without a connection.
const MAX_DAYS_LATE: i64 = 30;
/// Seconds of a day.
const DAY_S: i64 = 86_400;
/// Days that the picture shows.
const SHOWN_DAYS: usize = 30;
/// Days that are looked back for the days in a row.
const MAX_DAYS: i64 = 4_000;

impl Library {
    /// Adds what a page reports.
    ///
    /// # Errors
    /// When the day is none, or neither today nor one of the last thirty, the time is longer than a day, or the database
    /// fails.
    pub async fn add_reading_time(&self, time: &ReadingTime) -> Result<(), LibraryError> {
        let today = Utc::now().date_naive();
        let day = time.day.parse::<NaiveDate>().ok();
        // Somewhere on earth it is tomorrow already.
        let day = day.filter(|day| (-MAX_DAYS_LATE..=1).contains(&(*day - today).num_days()));
        let day = day.ok_or(LibraryError::NotLately)?;
        if time.read_s > MAX_REPORT_S || time.listened_s > MAX_REPORT_S {
            return Err(LibraryError::ReportTooLong(MAX_REPORT_S));
        }
        if time.read_s + time.listened_s == 0 {
            return Ok(());
        }
        // No day is longer than a day, however many pages are open.
        sqlx::query(
            "INSERT INTO reading_days (user_id, day, read_s, listened_s) VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id, day) DO UPDATE SET
             read_s = CASE WHEN reading_days.read_s + excluded.read_s > $5 THEN $5
                 ELSE reading_days.read_s + excluded.read_s END,
             listened_s = CASE WHEN reading_days.listened_s + excluded.listened_s > $5 THEN $5
                 ELSE reading_days.listened_s + excluded.listened_s END",
        )
        .bind(&*self.user)
        .bind(day.to_string())
        .bind(i64::from(time.read_s))
        .bind(i64::from(time.listened_s))
        .bind(DAY_S)
        .execute(&self.shared.database)
        .await?;
        Ok(())
    }

    /// What the reader has read and listened to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reading_statistics(&self) -> Result<ReadingStatistics, LibraryError> {
        let rows = sqlx::query(
            "SELECT day, read_s, listened_s FROM reading_days WHERE user_id = $1 ORDER BY day DESC LIMIT $2",
        )
        .bind(&*self.user)
        .bind(MAX_DAYS)
        .fetch_all(&self.shared.database)
        .await?;
        let seconds = |row: &sqlx::any::AnyRow, column: usize| {
            u64::try_from(row.get::<i64, _>(column)).unwrap_or_default()
        };
        let found = rows.iter().map(|row| ReadingDay {
            day: row.get(0),
            read_s: seconds(row, 1),
            listened_s: seconds(row, 2),
        });
        let finished = self.books().await?;
        let finished = finished.iter().filter(|book| book.percent == Some(100)).count();
        Ok(statistics(found.collect(), finished as u32, Utc::now().date_naive()))
    }

    /// Forgets all of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_reading_days(&self) -> Result<(), LibraryError> {
        let gone = sqlx::query("DELETE FROM reading_days WHERE user_id = $1").bind(&*self.user);
        gone.execute(&self.shared.database).await?;
        Ok(())
    }
}

/// Adds up days, the last first.
fn statistics(
    found: Vec<ReadingDay>,
    books_finished: u32,
    utc_today: NaiveDate,
) -> ReadingStatistics {
    let date = |day: &ReadingDay| day.day.parse::<NaiveDate>().ok();
    // East of Greenwich it may be tomorrow.
    let today = found.first().and_then(date).map_or(utc_today, |last| last.max(utc_today));
    let mut streak = 0;
    let mut expected = today;
    for day in found.iter().filter_map(date) {
        // A day that has only begun ends no row of days, nor does one that is over in UTC and not at the reader's.
        let is_next =
            day == expected || streak == 0 && (1..=2).contains(&(expected - day).num_days());
        if !is_next {
            break;
        }
        streak += 1;
        expected = day.pred_opt().unwrap_or(day);
    }
    let days =
        (0..SHOWN_DAYS).rev().filter_map(|back| today.checked_sub_days(Days::new(back as u64)));
    let days = days.map(|date| {
        let day = date.to_string();
        let known = found.iter().find(|known| known.day == day).cloned();
        known.unwrap_or(ReadingDay { day, read_s: 0, listened_s: 0 })
    });
    ReadingStatistics {
        days: days.collect(),
        streak,
        read_s: found.iter().map(|day| day.read_s).sum(),
        listened_s: found.iter().map(|day| day.listened_s).sum(),
        books_finished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, listened_s: u64) -> ReadingDay {
        ReadingDay { day: day.to_owned(), read_s: 60, listened_s }
    }

    fn at(text: &str) -> NaiveDate {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn days_in_a_row_are_counted_back_from_today_or_yesterday() {
        let days = vec![day("2026-11-28", 10), day("2026-11-27", 20), day("2026-11-25", 30)];
        let sum = statistics(days.clone(), 2, at("2026-11-28"));
        assert_eq!((sum.streak, sum.read_s, sum.listened_s, sum.books_finished), (2, 180, 60, 2));
        assert_eq!(statistics(days.clone(), 0, at("2026-11-29")).streak, 2);
        // In the evening west of Greenwich the next day has begun in UTC.
        assert_eq!(statistics(days.clone(), 0, at("2026-11-30")).streak, 2);
        assert_eq!(statistics(days.clone(), 0, at("2026-12-01")).streak, 0);
        // It is the 28th already where the reader is.
        assert_eq!(statistics(days, 0, at("2026-11-27")).streak, 2);
    }

    #[test]
    fn days_without_reading_are_days_too() {
        let sum = statistics(vec![day("2026-11-20", 10)], 0, at("2026-11-28"));
        assert_eq!(sum.days.len(), SHOWN_DAYS);
        assert_eq!(sum.days.first().map(|day| &*day.day), Some("2026-10-30"));
        assert_eq!(sum.days.iter().filter(|day| day.read_s > 0).count(), 1);
        assert_eq!(statistics(Vec::new(), 0, at("2026-11-28")).streak, 0);
    }
}
