//! The sleep timer: when it is time, and how loud it still is before.

use std::fmt;

/// The voice fades over this long.
const FADE_MS: f64 = 20_000.0;

/// What a shake or a key adds.
const LONGER_MS: f64 = 15.0 * 60_000.0;

/// When the voice is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Sleep {
    /// It is not.
    #[default]
    Off,
    /// At a time, in milliseconds since 1970.
    At(f64),
    /// When this chapter is over.
    After(u32),
}

/// What can be chosen of the timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SleepChoice {
    /// The voice goes on.
    Off,
    /// It stops after so many minutes.
    Minutes(u32),
    /// It stops when the chapter is over.
    Chapter,
}

impl fmt::Display for SleepChoice {
    /// As a button names it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("off"),
            Self::Minutes(minutes) => write!(formatter, "{minutes}"),
            Self::Chapter => formatter.write_str("chapter"),
        }
    }
}

impl SleepChoice {
    /// What a button names.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "chapter" => Some(Self::Chapter),
            minutes => minutes.parse().ok().map(Self::Minutes),
        }
    }
}

/// What the timer says at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// So much of the volume is left, from 1 to 0.
    Fading(f64),
    /// It is time.
    Now,
}

impl Sleep {
    /// As it was chosen now, in this chapter.
    pub fn chosen(choice: SleepChoice, now_ms: f64, chapter: u32) -> Self {
        match choice {
            SleepChoice::Off => Self::Off,
            SleepChoice::Minutes(minutes) => Self::At(now_ms + f64::from(minutes) * 60_000.0),
            SleepChoice::Chapter => Self::After(chapter),
        }
    }

    /// The same, a quarter of an hour later; from nothing, a quarter of an hour from now.
    pub fn longer(self, now_ms: f64) -> Self {
        match self {
            Self::At(at) => Self::At(at.max(now_ms) + LONGER_MS),
            Self::Off | Self::After(_) => Self::At(now_ms + LONGER_MS),
        }
    }

    /// What is to be done now that the voice is in `chapter`. A chapter ends by itself; it is the
    /// next one that must not begin.
    pub fn due(self, now_ms: f64, chapter: u32) -> Due {
        match self {
            Self::After(last) if chapter != last => Due::Now,
            Self::At(at) if at <= now_ms => Due::Now,
            Self::At(at) if at - now_ms < FADE_MS => Due::Fading((at - now_ms) / FADE_MS),
            Self::Off | Self::At(_) | Self::After(_) => Due::Nothing,
        }
    }

    /// Minutes left, rounded up; `None` when it does not go by the clock.
    pub fn minutes_left(self, now_ms: f64) -> Option<u32> {
        match self {
            Self::At(at) => Some((f64::max(at - now_ms, 0.0) / 60_000.0).ceil() as u32),
            Self::Off | Self::After(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_clock_it_fades_and_stops() {
        let sleep = Sleep::chosen(SleepChoice::Minutes(5), 0.0, 1);
        assert_eq!(sleep.due(0.0, 1), Due::Nothing);
        assert_eq!(sleep.minutes_left(1.0), Some(5));
        assert_eq!(sleep.due(290_000.0, 1), Due::Fading(0.5));
        assert_eq!(sleep.due(300_000.0, 1), Due::Now);
    }

    #[test]
    fn longer_starts_from_the_later_of_then_and_now() {
        let sleep = Sleep::chosen(SleepChoice::Minutes(5), 0.0, 1).longer(295_000.0);
        assert_eq!(sleep, Sleep::At(300_000.0 + LONGER_MS));
        assert_eq!(Sleep::At(1.0).longer(500.0), Sleep::At(500.0 + LONGER_MS));
        assert_eq!(Sleep::Off.longer(7.0), Sleep::At(7.0 + LONGER_MS));
    }

    #[test]
    fn at_the_end_of_the_chapter_the_next_does_not_begin() {
        let sleep = Sleep::chosen(SleepChoice::Chapter, 0.0, 3);
        assert_eq!(sleep.due(0.0, 3), Due::Nothing);
        assert_eq!(sleep.due(0.0, 4), Due::Now);
    }

    #[test]
    fn off_is_off() {
        let sleep = Sleep::chosen(SleepChoice::Off, 0.0, 3);
        assert_eq!((sleep, sleep.due(1e12, 9)), (Sleep::Off, Due::Nothing));
    }
}
