//! The player: what moves the bar and the page with the voice.
//!
//! [`machine`] decides, with [`track`], [`outline`] and [`sleep`] beside it: pure, with ordinary
//! tests. [`sound`], [`page`], [`paged`] and [`bar`] do; [`driver`] ties them together.
//! [`gestures`] is what readers do with the page, [`commands`] what they ask of buttons and keys,
//! [`marks`] what they mark. [`session`] is the lock screen and the headset.

mod bar;
mod commands;
mod driver;
mod gestures;
mod machine;
mod marks;
mod outline;
mod page;
mod paged;
mod places;
mod server_events;
mod session;
mod sleep;
mod sound;
mod track;

use leptos::prelude::*;

use super::dom::in_browser;
use driver::Driver;

pub(super) use paged::is_paged;

/// Brings the player's bar, and the chapter above it, to life.
#[island]
pub fn Player() -> impl IntoView {
    in_browser(Driver::start);
}
