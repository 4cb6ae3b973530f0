//! The voice that reads.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::state::{PlayerState, words};

/// Shows who reads, and leads to who else could; `name` is empty when nobody reads.
#[cfg(feature = "ssr")]
#[component]
pub fn VoiceControl(book: String, name: String) -> impl IntoView {
    use crate::icon::{Icon, icon};

    let (words, voice) = (&crate::words::words().player, crate::words::words().playing.voice);
    let name = if name.is_empty() { words.choose_voice.to_owned() } else { name };
    view! {
        <a class="choice voice" href=format!("/book/{book}/voices") data-panel title=voice
            aria-label=format!("{}: {name}", voice)>
            {icon(Icon::Voice)}<span class="voice-name">{name.clone()}</span>
        </a>
    }
}

/// Keeps the name as the player is.
pub fn show(state: PlayerState) {
    let words = words();
    dom::shows(".player .choice.voice", move |link| {
        let name = state.voice_name.get();
        if !name.is_empty() {
            dom::set(link, "aria-label", &[words.voice, ": ", &name].concat());
            if let Some(line) = dom::one(".player .voice-name") {
                dom::write(&line, &name);
            }
        }
    });
}
