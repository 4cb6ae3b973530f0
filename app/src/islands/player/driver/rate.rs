//! The listener's speed.

use leptos::prelude::*;

use super::super::super::{dom, preferences};
use super::super::controls::speed::{EVERY_BOOK, rate_name};
use super::Driver;

impl Driver {
    /// Takes over the speed that the page came with.
    pub(super) fn begin_rate(&self) {
        let start = &self.0.start;
        if let Some(root) = document().document_element().filter(|_| start.is_own_rate) {
            let name = rate_name(&start.book, true);
            dom::set(&root, &["data-", &name].concat(), &start.rate.to_string());
        }
        self.adopt_rate();
    }

    /// Sets the listener's speed, in the book alone if it has one of its own.
    pub fn set_rate(&self, rate: u16) {
        let name = self.state().rate_name.get_untracked();
        preferences::set(&name, &rate.to_string(), true);
    }

    /// Gives the book a speed of its own, or takes it away.
    pub fn toggle_own_rate(&self) {
        let is_own = untrack(|| self.state().is_own_rate());
        let own = if is_own { String::new() } else { self.rate().to_string() };
        preferences::set(&rate_name(self.book(), true), &own, true);
    }

    /// Takes over the listener's speed.
    pub(super) fn adopt_rate(&self) {
        let root = document().document_element();
        let chosen =
            |name: &str| root.as_ref()?.get_attribute(&["data-", name].concat())?.parse().ok();
        let own = chosen(&rate_name(self.book(), true));
        let rate = own.or_else(|| chosen(EVERY_BOOK)).unwrap_or(100);
        self.state().rate_name.set(rate_name(self.book(), own.is_some()));
        self.state().rate.set(rate);
        self.0.sound.borrow().set_rate(rate);
    }
}
