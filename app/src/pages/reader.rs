//! The reader: a chapter to read, and the player that reads it aloud.

use leptos::prelude::*;
use leptos_meta::{Link, Stylesheet};
use leptos_router::hooks::use_params_map;

use super::{book_param, loaded, with_own_sound};
use crate::backend::{Backend, backend};
use crate::cast::CastNames;
use crate::components::{PageTitle, PlayerBar, ReaderHead, SelectionMenu};
use crate::error::AppError;
use crate::islands::Silence;
use crate::model::{ChapterPage, Voice};
use crate::preferences::{Preferences, Typeface};
use crate::typefaces;
use crate::words::words;

/// `/read/{book}/{chapter}`
#[component]
pub fn ReaderPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let number = use_params_map()
        .with_untracked(|params| params.get("chapter")?.parse::<u32>().ok())
        .ok_or_else(|| AppError::NotFound(words().errors.no_chapter.to_owned()));
    let load = move || {
        let (backend, id, number) = (backend.clone(), id.clone(), number.clone());
        async move {
            let backend = backend?;
            let page = backend.chapter(&id?, number?).await?;
            let mut voices = backend.voices(&page.book.language).await?;
            // A voice of another language may have been chosen all the same.
            let last = narrator(&page);
            if last.as_ref().is_some_and(|id| voices.iter().all(|voice| voice.id != *id)) {
                let all = backend.all_voices().await?;
                voices.extend(all.into_iter().filter(|voice| Some(&voice.id) == last.as_ref()));
            }
            let news = news(&*backend, &page, &voices, last.as_deref()).await?;
            Ok::<_, AppError>((page, voices, news))
        }
    };
    loaded(load, |(page, voices, news)| {
        let voices = with_own_sound(&page.book, voices);
        reader(&page, &voices, news)
    })
}

/// The voice that books in this language are now read by, if the reader is to be told.
async fn news(
    backend: &dyn Backend,
    page: &ChapterPage,
    voices: &[Voice],
    last: Option<&str>,
) -> Result<Option<String>, AppError> {
    let language = &page.book.language;
    // Whoever hears the sound that the book brings hears no other voice than before.
    let usual = voices.first().filter(|_| page.book.read_by.is_none());
    let Some(usual) = usual.filter(|voice| speaks(voice, language)) else {
        return Ok(None);
    };
    Ok(backend.is_news(language, usual, last).await?.then(|| usual.name.clone()))
}

/// Whether a voice speaks a language; any does where that is not known.
fn speaks(voice: &Voice, language: &str) -> bool {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    language == "und" || primary(&voice.language) == primary(language)
}

fn reader(page: &ChapterPage, voices: &[Voice], news: Option<String>) -> AnyView {
    let voice = chosen_voice(page, voices);
    let silence = match (&voice, voices) {
        (Some(_), _) => None,
        (None, []) => Some(Silence::NoVoice),
        (None, _) => Some(Silence::NotSpoken),
    };
    let face = use_context::<Preferences>().unwrap_or_default().face;
    // A book that brings a typeface is set in that, where it is wanted.
    let is_ours = face != Typeface::Book || !page.has_fonts;
    let files = if is_ours { typefaces::others(face, &page.html) } else { Vec::new() };
    let fetched = files.into_iter().map(|file| {
        view! { <Link rel="preload" href=file as_="font" type_="font/woff2" crossorigin=""/> }
    });
    view! {
        <PageTitle text=format!("{} · {}", page.title, page.book.title)/>
        {fetched.collect_view()}
        {page.has_fonts.then(|| view! { <Stylesheet href=format!("/books/{}/fonts.css?v={}", page.book.id, page.book.revision)/> })}
        <ReaderHead book=page.book.clone()/>
        {chapter(page)}
        <SelectionMenu/>
        <PlayerBar
            book=page.book.clone()
            chapter=page.number
            voice=voice.cloned()
            cast=cast(page, voice)
            silence
            news
        />
    }
    .into_any()
}

/// The voice that was chosen for the book, else the default one if it speaks the book's language.
fn chosen_voice<'v>(page: &ChapterPage, voices: &'v [Voice]) -> Option<&'v Voice> {
    let is_spoken = voices.iter().any(|voice| speaks(voice, &page.book.language));
    let last = narrator(page);
    let chosen = last.and_then(|id| voices.iter().find(|voice| voice.id == id));
    chosen.or_else(|| voices.first().filter(|_| is_spoken))
}

/// Who read the book last, besides whom the listener may have chosen others.
fn narrator(page: &ChapterPage) -> Option<String> {
    let last = page.book.progress.as_ref()?.voice.as_ref()?;
    Some(CastNames::parse(last).narrator)
}

/// Who reads: the voice, and the others that were chosen with it.
fn cast(page: &ChapterPage, voice: Option<&Voice>) -> String {
    let Some(voice) = voice else { return String::new() };
    let last = page.book.progress.as_ref().and_then(|at| at.voice.as_ref());
    let others = last.map(|last| CastNames::parse(last)).unwrap_or_default();
    CastNames { narrator: voice.id.clone(), ..others }.to_string()
}

/// What the player exchanges for another chapter when the voice walks on; it reads the data
/// attributes.
fn chapter(page: &ChapterPage) -> AnyView {
    let words = &words().reader;
    let direction = if page.rtl { "rtl" } else { "ltr" };
    let class = if page.vertical { "text vertical" } else { "text" };
    let language = page.book.language.clone();
    let has_dictionaries = backend().is_ok_and(|backend| backend.has_dictionaries());
    let link =
        |number: u32, title: &Option<String>, relation: &'static str, label: &'static str| {
            title.clone().map(|title| {
                view! {
                    <a rel=relation class=relation href=format!("/read/{}/{number}", page.book.id)>
                        <span class="turn-label">{label}</span>
                        <span class="turn-title" dir="auto">{title}</span>
                    </a>
                }
            })
        };
    let previous = link(page.number.saturating_sub(1), &page.previous, "prev", words.previous);
    let next = link(page.number + 1, &page.next, "next", words.next);
    view! {
        <main id="reading" tabindex="-1" dir=direction data-chapter=page.number data-sentences=page.sentences
            data-dictionary=has_dictionaries data-title=page.title.clone() data-before=page.before data-book-sentences=page.book.sentences>
            <div class="sheet">
                <article class=class lang=language aria-label=page.title.clone()
                    inner_html=page.html.clone()></article>
                <nav class="turn" aria-label=words.chapters>{previous} {next}</nav>
            </div>
            <button type="button" class="page-turn page-back" data-do="page-back" aria-keyshortcuts="PageUp"
                aria-label=words.previous_page></button>
            <button type="button" class="page-turn page-on" data-do="page-on" aria-keyshortcuts="PageDown"
                aria-label=words.next_page></button>
        </main>
    }
    .into_any()
}
