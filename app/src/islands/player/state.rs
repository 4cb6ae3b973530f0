//! What is shown of the player: the driver writes it and controls read it. A finger on the scrubber alone writes where it is.

use leptos::prelude::*;

use super::super::dom;
use super::controls::speed::rate_name;
use super::machine::{Phase, Spot};
use super::sleep::SleepChoice;
use super::start::{Silence, Start};
use crate::words;

/// Every signal of the bar.
#[derive(Debug, Clone, Copy)]
pub struct PlayerState {
    /// What the player is doing.
    pub phase: RwSignal<Phase>,
    /// Whether the device has a connection.
    pub is_online: RwSignal<bool>,
    /// What is said for a moment.
    pub mention: RwSignal<Option<&'static str>>,
    /// The chapter another device is in, while the reader is asked about it.
    pub elsewhere: RwSignal<Option<u32>>,
    /// Where the voice is, while the reader looks elsewhere.
    pub way_back: RwSignal<Option<WayBack>>,
    /// Where in the chapter the voice is.
    pub place: RwSignal<Place>,
    /// The moment of the chapter that a finger on the scrubber is at, in milliseconds.
    pub aim_ms: RwSignal<Option<u64>>,
    /// The listener's speed, in hundredths.
    pub rate: RwSignal<u16>,
    /// The preference that the speed is set by: that of all books, of those in a language, or of this one alone.
    pub rate_name: RwSignal<String>,
    /// Who reads ([`crate::cast::CastNames`]); empty when nobody does.
    pub cast: RwSignal<String>,
    /// The name of the voice; empty when there is none.
    pub voice_name: RwSignal<String>,
    /// Why nobody reads, if nobody does.
    pub silence: Option<Silence>,
    /// Whether a bookmark is in view.
    pub is_bookmarked: RwSignal<bool>,
    /// Whether a small bar shows only what is needed while reading.
    pub is_folded: RwSignal<bool>,
    /// Where the voice was when the sleep timer was last set.
    pub sleep_origin: RwSignal<Option<Spot>>,
    /// Whether that timer has stopped the voice, and nobody has gone on since.
    pub has_slept: RwSignal<bool>,
    /// What was chosen of the sleep timer; nothing when it was prolonged since.
    pub sleep: RwSignal<Option<SleepChoice>>,
    /// Minutes until the voice stops, when it stops by the clock.
    pub sleep_minutes: RwSignal<Option<u32>>,
}

/// Where the voice is, as seen from the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayBack {
    /// Before what is in view.
    Above,
    /// After it.
    Below,
    /// In another chapter.
    Elsewhere,
}

/// Where in the chapter the voice is, at the speed of the voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Seconds from its beginning.
    pub second: u64,
    /// How long the chapter is, in milliseconds; 0 while that is not known.
    pub total_ms: u64,
    /// How long the chapters after it are, in milliseconds.
    pub rest_ms: u64,
    /// How much of the book is read.
    pub percent: Option<u64>,
    /// Whether the clip of the sentence was there when whoever listens began to.
    pub is_stored: bool,
}

impl PlayerState {
    /// As the page comes from the server.
    pub fn new(start: &Start) -> Self {
        Self {
            phase: RwSignal::new(Phase::Idle),
            is_online: RwSignal::new(true),
            mention: RwSignal::new(None),
            elsewhere: RwSignal::new(None),
            way_back: RwSignal::new(None),
            place: RwSignal::new(Place::default()),
            aim_ms: RwSignal::new(None),
            rate: RwSignal::new(start.rate),
            rate_name: RwSignal::new(rate_name(start)),
            cast: RwSignal::new(start.cast.clone()),
            voice_name: RwSignal::new(start.voice_name.clone()),
            silence: start.silence,
            is_bookmarked: RwSignal::new(false),
            is_folded: RwSignal::new(true),
            sleep_origin: RwSignal::new(None),
            has_slept: RwSignal::new(false),
            sleep: RwSignal::new(Some(SleepChoice::Off)),
            sleep_minutes: RwSignal::new(None),
        }
    }

    /// Whether sound comes, or is about to.
    pub fn is_running(&self) -> bool {
        self.phase.with(Phase::is_running)
    }

    /// A length of the voice as it takes at the listener's speed.
    pub fn at_rate(&self, ms: u64) -> u64 {
        ms * 100 / u64::from(self.rate.get().max(1))
    }
}

/// The words of the player in the page's language.
pub fn words() -> &'static words::Playing {
    words::Playing::of(&dom::language())
}
