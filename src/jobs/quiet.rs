//! Quiet hours: the part of the day in which nobody minds that books are made ahead.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Duration, Local, NaiveDate, NaiveTime, TimeZone};

/// A part of every day, in the time of the server, as `01:00-06:00`. It may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: NaiveTime,
    to: NaiveTime,
}

/// Not a part of the day.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("quiet hours are written “01:00-06:00”")]
pub struct NoQuietHours;

impl FromStr for QuietHours {
    type Err = NoQuietHours;

    fn from_str(text: &str) -> Result<Self, NoQuietHours> {
        let (from, to) = text.split_once('-').ok_or(NoQuietHours)?;
        let time =
            |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| NoQuietHours);
        let (from, to) = (time(from)?, time(to)?);
        if from == to { Err(NoQuietHours) } else { Ok(Self { from, to }) }
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.from.format("%H:%M"), self.to.format("%H:%M"))
    }
}

impl QuietHours {
    /// Whether it is quiet now.
    pub fn are_now(&self) -> bool {
        self.contain(Local::now().time())
    }

    /// Names the night that it is, by the day on which it has begun.
    pub fn night(&self) -> NaiveDate {
        let now = Local::now();
        let is_after_midnight = self.from > self.to && now.time() < self.to;
        now.date_naive() - Duration::days(i64::from(is_after_midnight))
    }

    /// How long it stays quiet.
    pub fn left(&self) -> std::time::Duration {
        self.left_at(Local::now().time())
    }

    fn left_at(&self, now: NaiveTime) -> std::time::Duration {
        if !self.contain(now) {
            return std::time::Duration::ZERO;
        }
        let left = self.to - now;
        let left = if left < Duration::zero() { left + Duration::days(1) } else { left };
        left.to_std().unwrap_or_default()
    }

    /// When it is quiet next, in ms since 1970; now, if it is.
    pub fn next_ms(&self) -> u64 {
        u64::try_from(self.next(&Local::now()).timestamp_millis()).unwrap_or_default()
    }

    fn contain(&self, time: NaiveTime) -> bool {
        match self.from < self.to {
            true => (self.from..self.to).contains(&time),
            false => time >= self.from || time < self.to,
        }
    }

    fn next<Z: TimeZone>(&self, now: &DateTime<Z>) -> DateTime<Z> {
        if self.contain(now.time()) {
            return now.clone();
        }
        let today = now.date_naive().and_time(self.from);
        let day = if now.time() < self.from { today } else { today + Duration::days(1) };
        // An hour that a change of the clocks leaves out begins when it is over: none leaves out more than three.
        let later = (0..=6).map(|halves| day + Duration::minutes(30 * halves));
        let mut found =
            later.filter_map(|time| now.timezone().from_local_datetime(&time).earliest());
        found.next().unwrap_or_else(|| now.clone() + Duration::days(1))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};

    use super::*;

    fn hours(text: &str) -> QuietHours {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        for (quiet, at, is_quiet) in [
            ("01:00-06:00", "00:59", false),
            ("01:00-06:00", "01:00", true),
            ("01:00-06:00", "06:00", false),
            ("23:00-05:30", "23:00", true),
            ("23:00-05:30", "00:00", true),
            ("23:00-05:30", "05:30", false),
        ] {
            assert_eq!(hours(quiet).contain(time(at)), is_quiet, "{at} in {quiet}");
        }
        for wrong in ["", "1-2", "01:00", "25:00-01:00", "01:00-01:00", "01:00-06:00-07:00"] {
            assert_eq!(wrong.parse::<QuietHours>(), Err(NoQuietHours), "{wrong}");
        }
        assert_eq!(hours("01:00-06:00").to_string(), "01:00-06:00");
        for (quiet, at, minutes) in [
            ("01:00-06:00", "02:30", 210),
            ("23:00-05:30", "23:30", 360),
            ("23:00-05:30", "05:00", 30),
            // The night is over, and does not begin again with what was meant for it.
            ("01:00-06:00", "06:00", 0),
            ("23:00-05:30", "05:31", 0),
        ] {
            assert_eq!(hours(quiet).left_at(time(at)).as_secs(), minutes * 60, "{at} in {quiet}");
        }
    }

    #[test]
    fn they_come_once_a_day() {
        let at = |day, hour| Utc.with_ymd_and_hms(2026, 11, day, hour, 30, 0).unwrap();
        let begin = |day| Utc.with_ymd_and_hms(2026, 11, day, 1, 0, 0).unwrap();
        let quiet = hours("01:00-06:00");
        assert_eq!(quiet.next(&at(27, 0)), begin(27));
        assert_eq!(quiet.next(&at(27, 2)), at(27, 2), "it is quiet now");
        assert_eq!(quiet.next(&at(27, 22)), begin(28));
    }
}
