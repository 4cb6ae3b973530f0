//! The controls of the bar. Each is one file: the markup, which the server renders, and `show`, which keeps it as the
//! [`PlayerState`](super::state::PlayerState) says. What a button asks for stands in its `data-do`
//! ([`super::commands`]).

pub mod bookmark;
pub mod fold;
pub mod notice;
pub mod play;
pub mod scrubber;
pub mod sleep;
pub mod speed;
pub mod stored;
pub mod voice;
pub mod way_back;

use super::state::PlayerState;

/// Keeps all of them as the player is.
pub fn show(state: PlayerState) {
    bookmark::show(state);
    fold::show(state);
    notice::show(state);
    way_back::show(state);
    scrubber::show(state);
    play::show(state);
    speed::show(state);
    voice::show(state);
    stored::show(state);
    sleep::show(state);
}

/// As ARIA writes whether something is so.
fn aria(is_so: bool) -> &'static str {
    if is_so { "true" } else { "false" }
}
