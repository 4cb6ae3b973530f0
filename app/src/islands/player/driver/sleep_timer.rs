//! The sleep timer at work.

use super::super::super::dom;
use super::super::bar;
use super::super::sleep::{Due, Sleep};
use super::{Driver, Event};

impl Driver {
    /// When the voice is to stop.
    pub fn sleep(&self) -> Sleep {
        self.0.sleep.get()
    }

    /// Sets when the voice is to stop; `chosen` is the button that says so.
    pub fn set_sleep(&self, sleep: Sleep, chosen: &str) {
        self.0.sleep.set(sleep);
        self.0.sound.borrow().set_volume(1.0);
        bar::sleep(sleep.minutes_left(js_sys::Date::now()), chosen);
        if let Some(popover) = dom::one("#sleep:popover-open") {
            let _ = dom::call(&popover, "hidePopover", &[]);
        }
        self.show_phase();
    }

    /// The device was shaken: more of the voice, if it was about to stop.
    pub fn shaken(&self) {
        let chapter = self.machine().shown;
        if matches!(self.sleep().due(js_sys::Date::now(), chapter), Due::Fading(_)) {
            self.command("sleep-longer", "");
        }
    }

    /// A timer that ran out while nothing was read stops nobody who goes on.
    pub(super) fn drop_stale_sleep(&self) {
        if !self.machine().is_running()
            && matches!(self.sleep(), Sleep::At(at) if at <= js_sys::Date::now())
        {
            self.set_sleep(Sleep::Off, "off");
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
                bar::say(Some(&self.say("sleep_soon")));
            }
            Due::Now => {
                self.handle(Event::Toggle);
                self.set_sleep(Sleep::Off, "off");
            }
        }
        if let Some(left) = self.sleep().minutes_left(now) {
            bar::sleep_left(left);
        }
    }
}
