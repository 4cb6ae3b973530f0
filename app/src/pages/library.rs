//! The library: every book, and a place to drop new ones.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::backend::backend;
use crate::components::{Cover, ErrorPage, reading_link};
use crate::error::AppError;
use crate::islands::ImportBooks;
use crate::model::BookCard;

/// `/`
#[component]
pub fn LibraryPage() -> impl IntoView {
    let backend = backend();
    let refusal = use_query_map().with_untracked(|query| query.get("refused"));
    let books = Resource::new_blocking(
        || (),
        move |()| {
            let backend = backend.clone();
            async move { backend?.books().await }
        },
    );
    view! {
        <Title text="Library · Earmark"/>
        <Suspense>
            {move || {
                let refusal = refusal.clone();
                Suspend::new(async move { library(books.await, refusal) })
            }}
        </Suspense>
    }
}

fn library(books: Result<Vec<BookCard>, AppError>, refusal: Option<String>) -> AnyView {
    let books = match books {
        Ok(books) => books,
        Err(error) => return view! { <ErrorPage error/> }.into_any(),
    };
    let is_empty = books.is_empty();
    view! {
        <header class="site-head">
            <a class="wordmark" href="/">"Earmark"</a>
            <ImportBooks/>
        </header>
        <main class="library">
            <h1>"Library"</h1>
            {refusal.map(|reason| view! { <p class="refusal" role="alert">{reason}</p> })}
            {is_empty
                .then(|| {
                    view! {
                        <p class="empty">
                            "Your shelf is empty. Drop an EPUB or a text file anywhere on this page."
                        </p>
                    }
                })}
            <ul class="shelf" role="list">
                {books.into_iter().map(shelf_item).collect_view()}
            </ul>
        </main>
    }
    .into_any()
}

fn shelf_item(book: BookCard) -> impl IntoView {
    let percent = book.progress.as_ref().map(|at| {
        // By chapters: near enough for a shelf, and it needs no look into the text.
        (at.chapter.saturating_sub(1) * 100) / book.chapters.max(1)
    });
    let (page, go_on) = (format!("/book/{}", book.id), reading_link(&book));
    let (verb, title) = (if percent.is_some() { "Continue" } else { "Read" }, book.title.clone());
    view! {
        <li class="shelf-item">
            <a class="shelf-link" href=page>
                <Cover book=book.clone()/>
                <span class="shelf-title">{book.title.clone()}</span>
                <span class="shelf-author">{book.byline()}</span>
            </a>
            {percent
                .map(|percent| {
                    view! {
                        <progress class="shelf-progress" max="100" value=percent aria-label="Read">
                            {percent} "%"
                        </progress>
                    }
                })}
            <a class="shelf-read" href=go_on aria-label=format!("{verb} {title}")>{verb}</a>
        </li>
    }
}
