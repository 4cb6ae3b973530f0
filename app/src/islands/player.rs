//! The player: a bar at the foot of the page, and the hands that move the page with the voice.
//!
//! [`machine`] decides, [`sound`] and [`page`] do, and this module ties them to the bar.

mod driver;
mod machine;
mod page;
mod post;
mod sound;
mod track;

use leptos::prelude::*;

use crate::model::Voice;
use driver::Driver;
use machine::{Event, Phase};

/// Speeds to choose from; the listener's own, kept at pitch.
const SPEEDS: [f64; 13] = [0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0];

/// The player of a book, on the page of one of its chapters.
#[island]
pub fn Player(
    book: String,
    chapter: u32,
    sentences: u32,
    chapters: u32,
    /// The sentence of this chapter where the reader stopped.
    resume: Option<u32>,
    /// The voice the reader chose last for this book.
    chosen: Option<String>,
    /// Voices that speak the book's language, the default first; all, when none does.
    voices: Vec<Voice>,
    /// Whether they speak it.
    speaks: bool,
) -> impl IntoView {
    let chosen = chosen.filter(|id| voices.iter().any(|voice| voice.id == *id));
    let default = voices.first().filter(|_| speaks).map(|voice| voice.id.clone());
    let voice = chosen.or(default).unwrap_or_default();
    let silence = match voices.first() {
        None => "No voice is installed. Install espeak-ng, then restart Earmark.",
        Some(_) => {
            "No installed voice speaks this book’s language. Choose one to try it all the same."
        }
    };
    let panel = Panel {
        phase: RwSignal::new(Phase::Idle),
        looking_away: RwSignal::new(false),
        voice: RwSignal::new(voice),
        rate: RwSignal::new(1.0),
        live: RwSignal::new(false),
    };
    let audio = NodeRef::<leptos::html::Audio>::new();
    Effect::new(move |_| {
        let Some(audio) = audio.get() else { return };
        let start = driver::Start { book: book.clone(), chapter, sentences, chapters, resume };
        Driver::start(start, panel, audio);
        panel.live.set(true);
    });
    let send = |event: Event| driver::with_current(|driver| driver.handle(event));
    let skip = |by: i32| driver::with_current(|driver| driver.skip(by));
    let said = move || match panel.voice.with(String::is_empty) {
        true => Some(silence.to_owned()),
        false => state_line(&panel.phase.get()),
    };
    view! {
        <section class="player" aria-label="Player"
            data-live=move || panel.live.get().then_some("true")
            data-phase=move || phase_name(&panel.phase.get())>
            <audio node_ref=audio preload="none"></audio>
            <p class="player-state" role="status" data-said=move || said().map(|_| "true")>{said}</p>
            <button type="button" class="look-back" hidden=move || !panel.looking_away.get()
                on:click=move |_| send(Event::LookBack)>
                "Back to the voice"
            </button>
            <div class="player-bar">
                {icon_button("Previous chapter", "chapter-back", Icon::ChapterBack, move || send(Event::SkipChapter { by: -1 }))}
                {icon_button("Previous sentence", "sentence-back", Icon::Back, move || skip(-1))}
                <button type="button" class="play" disabled=move || panel.voice.with(String::is_empty)
                    aria-label=move || if panel.phase.with(is_running) { "Pause" } else { "Play" }
                    on:click=move |_| send(Event::Toggle)>
                    <svg viewBox="0 0 24 24" aria-hidden="true">
                        <path d=move || if panel.phase.with(is_running) {
                            "M7 5h4v14H7zM13 5h4v14h-4z"
                        } else {
                            "M8 5v14l11-7z"
                        }></path>
                    </svg>
                </button>
                {icon_button("Next sentence", "sentence-on", Icon::On, move || skip(1))}
                {icon_button("Next chapter", "chapter-on", Icon::ChapterOn, move || send(Event::SkipChapter { by: 1 }))}
                <label class="choice">
                    <span class="choice-label">"Speed"</span>
                    <select class="speed" on:change=move |event| {
                        panel.rate.set(event_target_value(&event).parse().unwrap_or(1.0));
                    } prop:value=move || panel.rate.get().to_string()>
                        {SPEEDS.map(|speed| view! {
                            <option value=speed.to_string() selected=speed == 1.0>{speed} "×"</option>
                        }).collect_view()}
                    </select>
                </label>
                <label class="choice voice-choice">
                    <span class="choice-label">"Voice"</span>
                    <select class="voice" on:change=move |event| {
                        panel.voice.set(event_target_value(&event));
                        send(Event::Revoice);
                    }>
                        {(!speaks).then(|| view! { <option value="" selected=true>"Choose a voice"</option> })}
                        {voices.into_iter().map(|voice| {
                            let selected = panel.voice.with_untracked(|chosen| *chosen == voice.id);
                            let label = format!("{} · {}", voice.name, voice.engine);
                            view! { <option value=voice.id selected=selected>{label}</option> }
                        }).collect_view()}
                    </select>
                </label>
            </div>
        </section>
    }
}

/// What the bar shows.
#[derive(Clone, Copy)]
pub(crate) struct Panel {
    phase: RwSignal<Phase>,
    /// The voice is in a sentence, and the page does not follow it.
    looking_away: RwSignal<bool>,
    voice: RwSignal<String>,
    rate: RwSignal<f64>,
    /// The island has come to life; tests wait for it.
    live: RwSignal<bool>,
}

fn is_running(phase: &Phase) -> bool {
    matches!(phase, Phase::Playing | Phase::Preparing)
}

fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Preparing => "preparing",
        Phase::Playing => "playing",
        Phase::Paused => "paused",
        Phase::Failed(_) => "failed",
        Phase::Finished => "finished",
    }
}

fn state_line(phase: &Phase) -> Option<String> {
    match phase {
        Phase::Preparing => Some("Preparing…".to_owned()),
        Phase::Failed(reason) => Some(reason.clone()),
        Phase::Finished => Some("The end.".to_owned()),
        Phase::Idle | Phase::Playing | Phase::Paused => None,
    }
}

enum Icon {
    ChapterBack,
    Back,
    On,
    ChapterOn,
}

fn icon_button(
    label: &'static str,
    class: &'static str,
    icon: Icon,
    press: impl Fn() + 'static,
) -> AnyView {
    let path = match icon {
        Icon::ChapterBack => "M5 5h2.5v14H5zM19 5v14L9 12z",
        Icon::Back => "M15.5 5 8.5 12l7 7 1.6-1.6L11.7 12l5.4-5.4z",
        Icon::On => "M8.5 5l7 7-7 7-1.6-1.6 5.4-5.4-5.4-5.4z",
        Icon::ChapterOn => "M16.500 5H19v14h-2.500zM5 5v14l10-7z",
    };
    view! {
        <button type="button" class=format!("icon {class}") aria-label=label title=label
            on:click=move |_| press()>
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d=path></path></svg>
        </button>
    }
    .into_any()
}
