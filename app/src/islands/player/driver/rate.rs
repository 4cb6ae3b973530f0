//! The listener's speed.

use leptos::prelude::*;

use super::super::super::{dom, preferences};
use super::super::controls::speed::{EVERY_BOOK, chosen, rate_of};
use super::Driver;

impl Driver {
    /// Takes over the speed that the page came with.
    pub(super) fn begin_rate(&self) {
        let start = &self.0.start;
        let own = [(&start.language, start.language_rate), (&start.book, start.own_rate)];
        for (whose, rate) in own {
            if let (Some(root), Some(rate)) = (document().document_element(), rate) {
                dom::set(&root, &["data-", &rate_of(whose)].concat(), &rate.to_string());
            }
        }
        self.adopt_rate();
    }

    /// Sets the listener's speed, in the book or the language alone if it has one of its own.
    pub fn set_rate(&self, rate: u16) {
        let name = self.state().rate_name.get_untracked();
        preferences::set(&name, &rate.to_string(), true);
    }

    /// Gives the book or its language a speed of its own, or takes it away.
    pub fn toggle_own_rate(&self, of_language: bool) {
        let name = rate_of(if of_language { &self.0.start.language } else { self.book() });
        let own = if chosen(&name).is_some() { String::new() } else { self.rate().to_string() };
        preferences::set(&name, &own, true);
    }

    /// Takes over the listener's speed.
    pub(super) fn adopt_rate(&self) {
        let names = [rate_of(self.book()), rate_of(&self.0.start.language), EVERY_BOOK.to_owned()];
        let found = names.into_iter().find_map(|name| Some((chosen(&name)?, name)));
        let (rate, name) = found.unwrap_or((100, EVERY_BOOK.to_owned()));
        self.state().rate_name.set(name);
        self.state().rate.set(rate);
        self.0.sound.borrow().set_rate(rate);
    }
}
