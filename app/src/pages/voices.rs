//! Choosing who reads a book.

use leptos::prelude::*;

use super::{book_param, loaded, with_own_sound};
use crate::backend::{backend, may};
use crate::cast::CastNames;
use crate::components::{PageTitle, SiteHead};
use crate::model::{BookCard, OVERLAY_VOICE, Role, Voice};
use crate::words::words;

/// The engine whose voices are named for the language they speak.
const NAMED_FOR_LANGUAGES: &str = "espeak-ng";

/// `/book/{book}/voices`
#[component]
pub fn VoicesPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let load = move || {
        let (backend, id) = (backend.clone(), id.clone());
        async move {
            let (backend, id) = (backend?, id?);
            let book = backend.book(&id).await?.card;
            let own = backend.voices(&book.language).await?;
            Ok((book, own, backend.all_voices().await?))
        }
    };
    loaded(load, |(book, own, all)| voices(&book, own, all))
}

fn voices(book: &BookCard, own: Vec<Voice>, all: Vec<Voice>) -> AnyView {
    let words = words();
    let last = book.progress.as_ref().and_then(|at| at.voice.as_ref());
    let cast = last.map(|last| CastNames::parse(last)).unwrap_or_default();
    let own_default = own.first().cloned();
    let own = with_own_sound(book, own);
    let chosen = Some(cast.narrator.clone()).filter(|id| !id.is_empty());
    let chosen = chosen.or_else(|| own.first().map(|voice| voice.id.clone()));
    let chosen_voice = chosen.as_ref().and_then(|id| all.iter().find(|voice| voice.id == *id));
    let is_other = |voice: &&Voice| own.iter().all(|mine| mine.id != voice.id);
    let mut others: Vec<Voice> = all.iter().filter(is_other).cloned().collect();
    others
        .sort_by(|a, b| (&a.language, &a.engine, &a.name).cmp(&(&b.language, &b.engine, &b.name)));
    let rest = (!others.is_empty()).then(|| {
        view! {
            <details class="other-voices">
                <summary>{words.player.other_voices}</summary>
                {groups(others, &all, chosen.as_deref())}
            </details>
        }
    });
    let others = others_who_read(&cast, &all, &own);
    view! {
        <PageTitle text=format!("{} · {}", words.playing.voice, book.title)/>
        <SiteHead/>
        <main class="voices">
            <h1 data-panel-title>{words.playing.voice}</h1>
            <p><button type="button" class="button quiet-button only-panel" data-do="heard-wrong">{words.player.heard_wrong}</button></p>
            {groups(own, &all, chosen.as_deref())}
            {rest}
            {voice_of_language(book, &own_default, chosen_voice)}
            {others}
            {may(Role::Admin).then(|| view! { <p><a href="/voices">{words.packs.more_voices}</a></p> })}
        </main>
    }
    .into_any()
}

/// Which voice reads the other books in a book's language, where this one is read by another.
fn voice_of_language(book: &BookCard, usual: &Option<Voice>, chosen: Option<&Voice>) -> AnyView {
    let words = &words().player;
    let (Some(usual), Some(chosen)) = (usual, chosen) else { return ().into_any() };
    let tag = book.language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    if usual.id == chosen.id || tag == "und" {
        return ().into_any();
    }
    let name = format!("voice_{tag}");
    let option = |voice: &Voice, is_chosen: bool| {
        view! {
            <label class="option">
                <input type="radio" name=name.clone() data-preference=name.clone() value=voice.id.clone() checked=is_chosen/>
                <span>{voice.name.clone()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="choice-row language-voice">
            <legend>{(words.language_voice)(&tag)}</legend>
            <div class="options">{option(usual, true)} {option(chosen, false)}</div>
        </fieldset>
    }
    .into_any()
}

/// Who reads besides the narrator: what somebody in the book says, and passages in other languages.
fn others_who_read(cast: &CastNames, all: &[Voice], own: &[Voice]) -> AnyView {
    let words = &words().player;
    view! {
        <section class="voice-group cast">
            <h2>{words.others_who_read}</h2>
            <label class="cast-row">
                <span>{words.speech_voice}</span>
                <select data-cast="speech">
                    <option value="">{words.same_voice}</option>
                    {voice_options(own, all, &cast.speech)}
                </select>
            </label>
            <label class="cast-row cast-tick">
                <input type="checkbox" data-cast="languages" checked=cast.languages/>
                <span>{words.language_voices}</span>
            </label>
            <p class="hint">{words.cast_hint}</p>
        </section>
    }
    .into_any()
}

/// Every voice to choose from, those of the book's language first.
pub(super) fn voice_options(own: &[Voice], all: &[Voice], chosen: &str) -> AnyView {
    let rest = all.iter().filter(|voice| own.iter().all(|mine| mine.id != voice.id));
    let options = own.iter().chain(rest).map(|voice| {
        let label = format!("{} · {} · {}", voice.name, voice.language, voice.engine);
        view! { <option value=voice.id.clone() selected=voice.id == chosen>{label}</option> }
    });
    options.collect_view().into_any()
}

/// Voices under the language they speak and the engine that speaks.
fn groups(voices: Vec<Voice>, all: &[Voice], chosen: Option<&str>) -> AnyView {
    let mut groups: Vec<(String, Vec<Voice>)> = Vec::new();
    for voice in voices {
        let heading = match &*voice.id {
            OVERLAY_VOICE => words().player.in_book.to_owned(),
            _ => format!("{} · {}", language_name(&voice, all), voice.engine),
        };
        match groups.iter_mut().find(|(group, _)| *group == heading) {
            Some((_, members)) => members.push(voice),
            None => groups.push((heading, vec![voice])),
        }
    }
    let lists = groups.into_iter().map(|(heading, members)| {
        let lines = members.into_iter().map(|voice| {
            let is_chosen = chosen == Some(voice.id.as_str());
            voice_line(voice, is_chosen)
        });
        view! {
            <section class="voice-group">
                <h2>{heading}</h2>
                <ul role="list">{lines.collect_view()}</ul>
            </section>
        }
    });
    lists.collect_view().into_any()
}

/// The name of a voice's language, as a voice that is named for it has it: `English (America)` speaks
/// English, and so does `Susan (American English)`. Without one, its tag.
fn language_name(voice: &Voice, all: &[Voice]) -> String {
    let primary = |voice: &Voice| voice.language.split('-').next().unwrap_or_default().to_owned();
    let tag = primary(voice);
    let named =
        all.iter().find(|other| other.engine == NAMED_FOR_LANGUAGES && primary(other) == tag);
    let name = named.map(|other| other.name.split(" (").next().unwrap_or_default().to_owned());
    name.unwrap_or(tag)
}

fn voice_line(voice: Voice, is_chosen: bool) -> impl IntoView {
    let words = &words().player;
    let Voice { id, name, .. } = voice;
    let pressed = if is_chosen { "true" } else { "false" };
    view! {
        <li>
            <button type="button" class="voice-choice" data-do="voice" data-value=id.clone() aria-pressed=pressed>
                {name.clone()}
            </button>
            <button type="button" class="quiet-button button" data-do="preview" data-value=id
                aria-label=format!("{}: {name}", words.hear_voice)>
                {words.hear_voice}
            </button>
        </li>
    }
}
