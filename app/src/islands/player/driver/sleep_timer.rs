//! The sleep timer at work.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::page;
use super::super::sleep::{Due, Sleep, SleepChoice};
use super::{Driver, Event, Spot};

impl Driver {
    /// When the voice is to stop.
    pub fn sleep(&self) -> Sleep {
        self.0.sleep.get()
    }

    /// Sets the timer as it was chosen.
    pub fn choose_sleep(&self, choice: SleepChoice) {
        if choice != SleepChoice::Off {
            self.begin_sleep_origin();
        }
        self.state().has_slept.set(false);
        let chapter = self.machine().voice_at.map_or(self.machine().shown, |at| at.chapter);
        self.set_sleep(Sleep::chosen(choice, js_sys::Date::now(), chapter), Some(choice));
    }

    /// Has the voice go on for longer.
    pub fn prolong_sleep(&self) {
        if self.sleep() == Sleep::Off {
            self.begin_sleep_origin();
        }
        self.set_sleep(self.sleep().longer(js_sys::Date::now()), None);
    }

    fn set_sleep(&self, sleep: Sleep, choice: Option<SleepChoice>) {
        self.0.sleep.set(sleep);
        self.0.sound.borrow().set_volume(1.0);
        let state = self.state();
        state.sleep.set(choice);
        state.sleep_minutes.set(sleep.minutes_left(js_sys::Date::now()));
        state.mention.set(None);
    }

    /// Goes where the voice was when the timer was set: whoever fell asleep did so after that.
    pub fn go_to_sleep_origin(&self) {
        let Some(origin) = self.state().sleep_origin.get_untracked() else { return };
        self.remember_sleep_origin(None);
        self.state().has_slept.set(false);
        self.go_to(origin);
    }

    fn begin_sleep_origin(&self) {
        let shown = self.machine().shown;
        let here = || Spot { chapter: shown, sentence: page::first_visible().unwrap_or(0) };
        let origin = self.machine().voice_at.unwrap_or_else(here);
        self.remember_sleep_origin(Some(origin));
    }

    /// Kept by the browser: the page may be gone in the morning.
    fn remember_sleep_origin(&self, origin: Option<Spot>) {
        let kept = origin.map(|at| format!("{} {}", at.chapter, at.sentence));
        dom::store(&self.sleep_origin_name(), &kept.unwrap_or_default());
        self.state().sleep_origin.set(origin);
    }

    /// Takes up what the browser has kept of the timer.
    pub(super) fn recall_sleep_origin(&self) {
        let origin = dom::stored(&self.sleep_origin_name()).and_then(|kept| Spot::parse(&kept));
        self.state().sleep_origin.set(origin);
    }

    fn sleep_origin_name(&self) -> String {
        ["earmark.sleep.", self.book()].concat()
    }

    /// The device was shaken: more of the voice, if it was about to stop.
    pub fn shaken(&self) {
        let chapter = self.machine().shown;
        if matches!(self.sleep().due(js_sys::Date::now(), chapter), Due::Fading(_)) {
            self.prolong_sleep();
        }
    }

    /// A timer that ran out while nothing was read stops nobody who goes on.
    pub(super) fn drop_stale_sleep(&self) {
        if !self.machine().is_running()
            && matches!(self.sleep(), Sleep::At(at) if at <= js_sys::Date::now())
        {
            self.choose_sleep(SleepChoice::Off);
        }
    }

    /// Who goes to another chapter wants to hear that one to its end.
    pub(super) fn aim_sleep(&self) {
        if let (Sleep::After(_), Some(at)) = (self.sleep(), self.machine().voice_at) {
            self.0.sleep.set(Sleep::After(at.chapter));
        }
    }

    pub(super) fn heed_sleep(&self) {
        if self.sleep() == Sleep::Off || !self.machine().is_running() {
            return;
        }
        let now = js_sys::Date::now();
        let chapter = self.machine().voice_at.map_or(0, |at| at.chapter);
        match self.sleep().due(now, chapter) {
            Due::Nothing => {}
            Due::Fading(volume) => {
                self.0.sound.borrow().set_volume(volume);
                self.state().mention.set(Some(self.words().sleep_soon));
            }
            Due::Now => {
                self.handle(Event::Toggle);
                self.choose_sleep(SleepChoice::Off);
                self.state().has_slept.set(self.state().sleep_origin.get_untracked().is_some());
            }
        }
        let left = self.sleep().minutes_left(now);
        if self.state().sleep_minutes.get_untracked() != left {
            self.state().sleep_minutes.set(left);
        }
    }
}
