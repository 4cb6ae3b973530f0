//! How the reader likes to read and listen.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::loaded;
use crate::backend::{backend, may};
use crate::components::{PageTitle, Refusal, SiteHead};
use crate::model::{Role, Voice};
use crate::preferences::{
    Align, Layout, Links, MAX_TYPEFACE, Mark, NoteReading, Paragraphs, Pauses, Preferences, STEPS,
    Switch, TableReading, Theme, Tint, Typeface, UiLanguage,
};
use crate::words::words;

/// What names of typefaces are written with, as forms check it.
const TYPEFACE_PATTERN: &str = r"[\p{L}\p{N} _.+\-]*";

/// `/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    let chosen = use_context::<Preferences>().unwrap_or_default();
    let words = words();
    let said = &words.settings;
    let [marked, rest, next] = said.preview_text;
    let names = |all: &[&'static str]| all.to_vec();
    let how = &words.listening;
    let is_admin = may(Role::Admin);
    view! {
        <PageTitle text=format!("{} · Earmark", said.title)/>
        <Stylesheet href="/settings.css"/>
        <SiteHead/>
        <main class="settings">
            <h1 data-panel-title>{said.title}</h1>
            <Refusal/>
            // In the panel the book itself is the preview.
            <figure class="preview" aria-label=said.preview data-panel-skip>
                <div class="text">
                    <p><span class="speaking" data-s="0">{marked}</span>" "{rest}</p>
                    <p>{next}</p>
                </div>
            </figure>
            <form class="preferences" method="post" action="/settings">
                <h2>{said.reading}</h2>
                {choice("theme", said.theme, Theme::ALL, Theme::name, chosen.theme, names(&said.theme_names))}
                {choice("face", said.face, Typeface::ALL, Typeface::name, chosen.face, names(&said.face_names))}
                <label class="step-row own-face">
                    <span>{said.own_face}</span>
                    <input name="own_face" data-preference="own_face" value=chosen.own_face.clone()
                        maxlength=MAX_TYPEFACE.to_string() pattern=TYPEFACE_PATTERN title=said.own_face_title placeholder="OpenDyslexic" autocomplete="off" spellcheck="false"/>
                </label>
                {step("size", said.size, chosen.size)}
                {step("leading", said.leading, chosen.leading)}
                {step("measure", said.measure, chosen.measure)}
                {step("margin", said.margin, chosen.margin)}
                {step("letter_spacing", said.letter_spacing, chosen.letter_spacing)}
                {step("word_spacing", said.word_spacing, chosen.word_spacing)}
                {choice("layout", said.layout, Layout::ALL, Layout::name, chosen.layout, names(&said.layout_names))}
                {choice("align", said.align, Align::ALL, Align::name, chosen.align, names(&said.align_names))}
                {choice("paragraphs", said.paragraphs, Paragraphs::ALL, Paragraphs::name, chosen.paragraphs, names(&said.paragraphs_names))}
                {choice("hyphens", said.hyphens, Switch::ALL, Switch::name, chosen.hyphens, vec![said.on, said.off])}
                {choice("ruler", said.ruler, Switch::ALL, Switch::name, chosen.ruler, vec![said.on, said.off])}
                <p class="hint">{said.ruler_hint}</p>
                <h2>{said.listening}</h2>
                {choice("mark", said.mark, Mark::ALL, Mark::name, chosen.mark, names(&said.mark_names))}
                <p class="hint">{said.mark_hint}</p>
                {choice("tint", said.tint, Tint::ALL, Tint::name, chosen.tint, names(&said.tint_names))}
                {choice("pauses", how.pauses, Pauses::ALL, Pauses::name, chosen.pauses, names(&how.pauses_names))}
                <p class="hint">{how.pauses_hint}</p>
                <div class="own-pauses">
                    {step("rest_sentence", how.rest_sentence, chosen.rest_sentence)}
                    {step("rest_paragraph", how.rest_paragraph, chosen.rest_paragraph)}
                    {step("rest_heading", how.rest_heading, chosen.rest_heading)}
                    {step("rest_scene", how.rest_scene, chosen.rest_scene)}
                </div>
                <fieldset class="choice-row">
                    <legend>{how.read_aloud}</legend>
                {read_or_not("titles", how.titles, chosen.titles)}
                {read_or_not("matter", how.matter, chosen.matter)}
                {read_or_not("code", how.code, chosen.code)}
                {read_or_not("captions", how.captions, chosen.captions)}
                {read_or_not("pictures", how.pictures, chosen.pictures)}
                {read_or_not("citations", how.citations, chosen.citations)}
                </fieldset>
                {choice("notes", how.notes, NoteReading::ALL, NoteReading::name, chosen.notes, names(&how.notes_names))}
                {choice("links", how.links, Links::ALL, Links::name, chosen.links, names(&how.links_names))}
                {choice("tables", how.tables, TableReading::ALL, TableReading::name, chosen.tables, names(&how.tables_names))}
                <p class="hint">{how.skipped_hint}</p>
                <h2>{said.interface}</h2>
                {choice("keys", said.keys, Switch::ALL, Switch::name, chosen.keys, vec![said.on, said.off])}
                {choice("tongue", said.tongue, UiLanguage::ALL, UiLanguage::name, chosen.tongue, names(&said.tongue_names))}
                <noscript><button class="button">{said.save}</button></noscript>
            </form>
            {other_voices(chosen.fallback, chosen.starter)}
            <nav class="operator-links" aria-label=said.server>
                <h2>{said.server}</h2>
                <a href="/account">{words.accounts.account}</a>" · "
                <a href="/statistics">{words.statistics.title}</a>" · "
                {is_admin.then(|| view! {
                    <a href="/people">{words.accounts.people}</a>" · "
                    <a href="/voices">{words.packs.title}</a>" · "
                    <a href="/engines">{words.operator.engines}</a>" · "
                    <a href="/dashboard">{words.dashboard.title}</a>" · "
                    <a href="/storage">{words.operator.storage}</a>" · "
                })}
                <a href="/developers">{words.operator.api}</a>
            </nav>
        </main>
    }
}

fn read_or_not(name: &'static str, label: &'static str, chosen: Switch) -> AnyView {
    view! {
        <label class="tick-row">
            // What is not ticked is not sent, so that without script it is this that counts.
            <input type="hidden" name=name value=Switch::Off.name()/>
            <input type="checkbox" name=name data-preference=name value=Switch::On.name() checked=chosen == Switch::On/>
            <span>{label}</span>
        </label>
    }
    .into_any()
}

/// The voices for when the chosen one cannot speak, or not yet: a form of its own, because the lists are long.
fn other_voices(fallback: String, starter: String) -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move { backend?.all_voices().await }
    };
    loaded(load, move |voices: Vec<Voice>| {
        let said = &words().settings;
        let starter = voice_choice("starter", said.starter, said.no_starter, &voices, &starter);
        let fallback =
            voice_choice("fallback", said.fallback, said.no_fallback, &voices, &fallback);
        view! {
            <form class="other-voices" method="post" action="/settings">
                {starter}
                <p class="hint">{said.starter_hint}</p>
                {fallback}
                <p class="hint">{said.fallback_hint}</p>
                <button class="button quiet-button">{said.save}</button>
            </form>
        }
        .into_any()
    })
}

fn voice_choice(
    name: &'static str,
    label: &'static str,
    none: &'static str,
    voices: &[Voice],
    chosen: &str,
) -> AnyView {
    let options = voices.iter().map(|voice| {
        let label = format!("{} · {} · {}", voice.name, voice.language, voice.engine);
        let is_chosen = voice.id == chosen;
        view! { <option value=voice.id.clone() selected=is_chosen>{label}</option> }
    });
    view! {
        <label>
            <span>{label}</span>
            <select name=name>
                <option value="">{none}</option>
                {options.collect_view()}
            </select>
        </label>
    }
    .into_any()
}

fn choice<T: Copy + PartialEq>(
    name: &'static str,
    label: &'static str,
    all: &'static [T],
    value: fn(T) -> &'static str,
    chosen: T,
    labels: Vec<&'static str>,
) -> AnyView {
    let options = all.iter().zip(labels).map(|(option, label)| {
        view! {
            <label class=format!("option {name}-{}", value(*option))>
                <input type="radio" name=name data-preference=name value=value(*option)
                    checked=*option == chosen/>
                <span>{label}</span>
            </label>
        }
    });
    view! {
        <fieldset class="choice-row">
            <legend>{label}</legend>
            <div class="options">{options.collect_view()}</div>
        </fieldset>
    }
    .into_any()
}

fn step(name: &'static str, label: &'static str, chosen: u8) -> AnyView {
    view! {
        <label class="step-row">
            <span>{label}</span>
            <input type="range" name=name data-preference=name min=*STEPS.start() max=*STEPS.end() step="1"
                value=chosen/>
            <output aria-hidden="true">{chosen}</output>
        </label>
    }
    .into_any()
}
