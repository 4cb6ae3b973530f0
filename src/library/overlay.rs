//! Where sentences are heard in the sound that a book brings: its media overlays (EPUB 3.3, section 9).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far from where it is thought to be a pause is sought at most, in milliseconds.
pub const MAX_REACH_MS: u32 = 500;

/// A place in a file of sound.
///
/// As text it is a media fragment, `1#t=2.500,4.750` (W3C Media Fragments URI 1.0, section 4.2.1), with `~` and
/// how far away it may be behind a time that is estimated: where the book says when a paragraph is heard, and not
/// when its sentences are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// The name of the sound among those of the book.
    pub file: String,
    /// When it begins.
    pub begin: Moment,
    /// When it ends; at the end of the file where that is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
}

/// A moment of a file of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// In milliseconds from its beginning.
    pub ms: u32,
    /// How far from there the pause may be that it is, where that is an estimate; 0 where it is exact. In milliseconds.
    #[serde(default, skip_serializing_if = "is_exact")]
    pub reach_ms: u32,
}

fn is_exact(reach_ms: &u32) -> bool {
    *reach_ms == 0
}

impl Moment {
    /// A moment that the book names.
    pub fn at(ms: u32) -> Self {
        Self { ms, reach_ms: 0 }
    }
}

impl Overlay {
    /// How long it is heard, as far as that is known, in milliseconds.
    pub fn length_ms(&self) -> Option<u32> {
        Some(self.end?.ms.saturating_sub(self.begin.ms))
    }

    /// Whether another is heard right after it.
    pub fn goes_on_with(&self, next: &Self) -> bool {
        self.file == next.file && self.end == Some(next.begin)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.ms / 1000, self.ms % 1000)?;
        if self.reach_ms > 0 { write!(f, "~{}", self.reach_ms) } else { Ok(()) }
    }
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#t={}", self.file, self.begin)?;
        self.end.map_or(Ok(()), |end| write!(f, ",{end}"))
    }
}

/// Not a place in a file of sound.
#[derive(Debug, thiserror::Error)]
#[error("a place in a sound is written as “path#t=1.5,2.5”")]
pub struct InvalidOverlay;

impl FromStr for Moment {
    type Err = InvalidOverlay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, reach) = text.split_once('~').unwrap_or((text, "0"));
        let reach_ms = reach.parse().map_err(|_| InvalidOverlay)?;
        let (seconds, thousandths) = number.split_once('.').ok_or(InvalidOverlay)?;
        let seconds: u32 = seconds.parse().map_err(|_| InvalidOverlay)?;
        let thousandths: u32 = thousandths.parse().map_err(|_| InvalidOverlay)?;
        let ms = seconds.checked_mul(1000).and_then(|ms| ms.checked_add(thousandths));
        Ok(Self { ms: ms.ok_or(InvalidOverlay)?, reach_ms })
    }
}

impl FromStr for Overlay {
    type Err = InvalidOverlay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (file, times) = text.rsplit_once("#t=").ok_or(InvalidOverlay)?;
        let (begin, end) = match times.split_once(',') {
            Some((begin, end)) => (begin, Some(end.parse()?)),
            None => (times, None),
        };
        Ok(Self { file: file.to_owned(), begin: begin.parse()?, end })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment() -> impl Strategy<Value = Moment> {
        (any::<u32>(), any::<u32>()).prop_map(|(ms, reach_ms)| Moment { ms, reach_ms })
    }

    proptest! {
        #[test]
        fn places_are_read_as_they_are_written(file in ".*", begin in moment(), end in prop::option::of(moment())) {
            let overlay = Overlay { file, begin, end };
            prop_assert_eq!(overlay.to_string().parse::<Overlay>().unwrap(), overlay);
        }

        #[test]
        fn nothing_panics(text in ".*") {
            let _ = text.parse::<Overlay>();
        }
    }
}
