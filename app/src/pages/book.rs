//! A book: cover, title, and its table of contents.

use leptos::prelude::*;
use leptos_meta::Title;

use super::book_param;
use crate::backend::backend;
use crate::components::{Cover, ErrorPage, reading_link};
use crate::error::AppError;
use crate::model::{BookDetails, TocLine};

/// `/book/{book}`
#[component]
pub fn BookPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let book = Resource::new_blocking(
        || (),
        move |()| {
            let (backend, id) = (backend.clone(), id.clone());
            async move { backend?.book(&id?).await }
        },
    );
    view! { <Suspense>{move || Suspend::new(async move { details(book.await) })}</Suspense> }
}

fn details(book: Result<BookDetails, AppError>) -> AnyView {
    let BookDetails { card, toc, .. } = match book {
        Ok(book) => book,
        Err(error) => return view! { <ErrorPage error/> }.into_any(),
    };
    let (id, language) = (card.id.to_string(), card.language.clone());
    let verb = if card.progress.is_some() { "Continue" } else { "Start reading" };
    let at = card.progress.as_ref().map(|progress| progress.chapter);
    let current = toc.iter().rposition(|line| at == Some(line.chapter) && line.anchor.is_none());
    let lines = toc
        .into_iter()
        .enumerate()
        .map(|(index, line)| contents_line(&id, &line, current == Some(index)));
    view! {
        <Title text=format!("{} · Earmark", card.title)/>
        <header class="site-head">
            <a class="wordmark" href="/">"Earmark"</a>
        </header>
        <main class="book">
            <div class="book-head">
                <Cover book=card.clone()/>
                <div>
                    <h1 lang=language.clone() dir="auto">{card.title.clone()}</h1>
                    <p class="byline" dir="auto">{card.byline()}</p>
                    <p class="facts">
                        {card.chapters} {if card.chapters == 1 { " chapter" } else { " chapters" }}
                        " · " {card.sentences} " sentences"
                    </p>
                    <p><a class="button" href=reading_link(&card)>{verb}</a></p>
                </div>
            </div>
            <nav class="contents" aria-label="Contents">
                <h2>"Contents"</h2>
                <ol role="list" lang=language dir="auto">{lines.collect_view()}</ol>
            </nav>
        </main>
    }
    .into_any()
}

fn contents_line(book: &str, line: &TocLine, is_current: bool) -> impl IntoView + use<> {
    let anchor = line.anchor.as_ref().map(|anchor| format!("#{anchor}")).unwrap_or_default();
    let href = format!("/read/{book}/{}{anchor}", line.chapter);
    let depth = line.depth.min(4);
    view! {
        <li class=format!("depth-{depth}")>
            <a href=href aria-current=is_current.then_some("true")>{line.title.clone()}</a>
        </li>
    }
}
