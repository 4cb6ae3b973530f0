//! What the player says, and what it asks.

use leptos::prelude::*;

use super::super::super::dom;
use super::super::machine::Phase;
use super::super::state::{PlayerState, words};

/// The line above the bar, with what can be answered. `said` is what there is to say from the start; `news` is the voice
/// that books in this language are now read by, if that is news.
#[cfg(feature = "ssr")]
#[component]
pub fn Notice(book: String, said: Option<&'static str>, news: Option<String>) -> impl IntoView {
    let words = &crate::words::words().player;
    view! {
        <div class="player-notice">
            {news.map(|name| voice_news(&book, &name))}
            <p class="player-state" role="status" data-said=said.is_some().then_some("true")>{said}</p>
            <button type="button" class="notice-button retry" data-do="toggle" hidden>{words.retry}</button>
            <a class="notice-button other-voice" href=format!("/book/{book}/voices") data-panel hidden>{words.choose_voice}</a>
            <button type="button" class="notice-button wake" data-do="sleep-origin" hidden>{words.sleep_origin}</button>
            <button type="button" class="notice-button go-there" data-do="go-there" hidden>{words.go_there}</button>
            <button type="button" class="notice-button stay-here" data-do="stay-here" hidden>{words.stay_here}</button>
        </div>
    }
}

/// Says once that another voice than before reads books in a language.
#[cfg(feature = "ssr")]
fn voice_news(book: &str, name: &str) -> impl IntoView + use<> {
    let words = &crate::words::words().player;
    view! {
        <div class="voice-news">
            <p>{(words.another_voice)(name)}</p>
            <a class="notice-button" href=format!("/book/{book}/voices") data-panel>{words.choose_voice}</a>
            <button type="button" class="notice-button" data-do="dismiss">{words.close}</button>
        </div>
    }
}

/// Keeps the line and its buttons as the player is.
pub fn show(state: PlayerState) {
    dom::shows(".player .player-state", move |line| {
        let said = said(&state);
        dom::write(line, said.as_deref().unwrap_or_default());
        let _ = line.toggle_attribute_with_force("data-said", said.is_some());
    });
    dom::shows(".player .retry", move |button| {
        let has_failed = |phase: &Phase| matches!(phase, Phase::Failed(_) | Phase::BrokenOff);
        dom::show(button, state.phase.with(has_failed));
    });
    // What a voice cannot read another may.
    dom::shows(".player .other-voice", move |link| {
        dom::show(link, state.phase.with(|phase| matches!(phase, Phase::Failed(_))));
    });
    dom::shows(".player .wake", move |button| dom::show(button, state.has_slept.get()));
    for selector in [".player .go-there", ".player .stay-here"] {
        dom::shows(selector, move |button| dom::show(button, state.elsewhere.get().is_some()));
    }
}

/// Takes away what was said of another voice.
pub fn dismiss() {
    if let Some(news) = dom::one(".voice-news") {
        news.remove();
    }
    // The button that had the focus is gone.
    if let Some(play) = dom::one(".player .play") {
        let _ = play.focus();
    }
}

/// What there is to say: of another device, of the moment, of what the player is doing, of the connection.
fn said(state: &PlayerState) -> Option<String> {
    let words = words();
    if let Some(chapter) = state.elsewhere.get() {
        return Some((words.moved)(chapter));
    }
    if let Some(mention) = state.mention.get() {
        return Some(mention.to_owned());
    }
    let of_phase = match state.phase.get() {
        Phase::Failed(reason) => return Some(reason),
        Phase::Preparing => Some(words.preparing),
        Phase::BrokenOff => Some(words.broke_off),
        Phase::Finished => Some(words.the_end),
        Phase::Idle | Phase::Playing | Phase::Paused => None,
    };
    let silence = state.silence.filter(|_| state.cast.with(String::is_empty));
    let of_others = if state.is_online.get() {
        silence.map(|silence| silence.said(words))
    } else {
        Some(words.offline)
    };
    let of_sleep = state.has_slept.get().then_some(words.slept);
    of_phase.or(of_sleep).or(of_others).map(str::to_owned)
}
