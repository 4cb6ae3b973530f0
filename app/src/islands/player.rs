//! The player: what moves the bar and the page with the voice.
//!
//! [`machine`] decides, with [`track`], [`outline`] and [`sleep`] beside it: pure, with ordinary
//! tests. [`sound`], [`page`], [`paged`], [`word_mark`] and [`session`] (lock screen and headset) do; [`driver`] ties
//! them together. What is shown is [`state`]: the driver writes it, the [`controls`] read it, and their buttons ask for
//! [`commands`]. [`gestures`] is what readers do with the page, [`marks`] what they mark, [`places`] where they are, and
//! [`time_spent`] how long.

mod commands;
pub mod controls;
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
mod start;
mod state;
mod time_spent;
mod track;
mod word_mark;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlAudioElement;

use super::{dom, offline};
use driver::Driver;
use machine::Phase;
use state::PlayerState;

pub use start::{Silence, Start};

/// Brings the player's bar, and the chapter above it, to life.
#[island]
pub fn Player() -> impl IntoView {
    // What signals belong to lives as long as the island; what runs later has no owner of its own.
    let owner = Owner::current();
    dom::in_browser(move || {
        offline::forget_stored();
        let Some(player) = dom::one(".player") else { return };
        let audio = player.query_selector("audio").ok().flatten();
        let audio = audio.and_then(|audio| audio.dyn_into::<HtmlAudioElement>().ok());
        let (Some(start), Some(audio), Some(owner)) = (Start::read(&player), audio, owner) else {
            return;
        };
        owner.with(|| {
            let state = PlayerState::new(&start);
            show(state);
            controls::show(state);
            let driver = Driver::start(start, audio, state);
            if driver.is_some() {
                dom::set(&player, "data-live", "true");
                if let Some(root) = document().document_element() {
                    dom::set(&root, "data-player", "live");
                }
            }
        });
    });
}

/// Keeps the bar itself and the lock screen as the player is.
fn show(state: PlayerState) {
    dom::shows(".player", move |player| {
        dom::set(player, "data-phase", state.phase.with(Phase::name));
        dom::set(player, "data-voice", &state.cast.get());
    });
    dom::always(move || session::state(state.is_running()));
    dom::always(move || {
        let place = state.place.get();
        if place.total_ms > 0 {
            session::place(place.second * 1000, place.total_ms, state.rate.get());
        }
    });
}
