//! The reader: a chapter to read, and the player that reads it aloud.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::book_param;
use crate::backend::backend;
use crate::components::ErrorPage;
use crate::error::AppError;
use crate::islands::Player;
use crate::model::{ChapterPage, Voice};

/// `/read/{book}/{chapter}`
#[component]
pub fn ReaderPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let number = use_params_map()
        .with_untracked(|params| params.get("chapter")?.parse::<u32>().ok())
        .ok_or_else(|| AppError::NotFound("The book has no such chapter.".to_owned()));
    let page = Resource::new_blocking(
        || (),
        move |()| {
            let (backend, id, number) = (backend.clone(), id.clone(), number.clone());
            async move {
                let backend = backend?;
                let page = backend.chapter(&id?, number?).await?;
                let voices = backend.voices(&page.book.language).await?;
                Ok::<_, AppError>((page, voices))
            }
        },
    );
    view! { <Suspense>{move || Suspend::new(async move { reader(page.await) })}</Suspense> }
}

fn reader(page: Result<(ChapterPage, Vec<Voice>), AppError>) -> AnyView {
    let (page, voices) = match page {
        Ok(page) => page,
        Err(error) => return view! { <ErrorPage error/> }.into_any(),
    };
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let language = primary(&page.book.language);
    let speaks =
        language == "und" || voices.iter().any(|voice| primary(&voice.language) == language);
    let here = page.book.progress.as_ref().filter(|at| at.chapter == page.number);
    let (sentence, voice) =
        (here.map(|at| at.sentence), page.book.progress.as_ref().and_then(|at| at.voice.clone()));
    view! {
        <Title text=format!("{} · {}", page.title, page.book.title)/>
        <header class="reader-head">
            <a class="back" href=format!("/book/{}", page.book.id)>
                <span aria-hidden="true">"‹ "</span>
                <span dir="auto">{page.book.title.clone()}</span>
            </a>
        </header>
        {chapter(&page)}
        <Player
            book=page.book.id.to_string()
            chapter=page.number
            sentences=page.sentences
            chapters=page.book.chapters
            resume=sentence
            chosen=voice
            voices
            speaks
        />
    }
    .into_any()
}

/// What the player exchanges for another chapter when the voice walks on; it reads the data
/// attributes.
fn chapter(page: &ChapterPage) -> AnyView {
    let direction = if page.rtl { "rtl" } else { "ltr" };
    let class = if page.vertical { "text vertical" } else { "text" };
    let language = page.book.language.clone();
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
    let previous = link(page.number.saturating_sub(1), &page.previous, "prev", "Previous");
    let next = link(page.number + 1, &page.next, "next", "Next");
    view! {
        <main id="reading" data-chapter=page.number data-sentences=page.sentences>
            <article class=class lang=language dir=direction aria-label=page.title.clone()
                inner_html=page.html.clone()></article>
            <nav class="turn" aria-label="Chapters">{previous} {next}</nav>
        </main>
    }
    .into_any()
}
