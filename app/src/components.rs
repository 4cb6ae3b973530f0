//! Building blocks of pages, rendered on the server only.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::error::AppError;
use crate::model::BookCard;

/// A page that says what went wrong and leads back to the library. Sets the response's status.
#[component]
pub fn ErrorPage(error: AppError) -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>()
        && let Ok(status) = http::StatusCode::from_u16(error.status())
    {
        response.set_status(status);
    }
    let heading = match error {
        AppError::NotFound(_) => "Not found",
        AppError::Invalid(_) => "That cannot be right",
        AppError::Unavailable(_) | AppError::Internal => "Something went wrong",
    };
    view! {
        <Title text=format!("{heading} · Earmark")/>
        <main class="message">
            <h1>{heading}</h1>
            <p>{error.to_string()}</p>
            <p><a class="button" href="/">"Go to your library"</a></p>
        </main>
    }
}

/// The cover of a book: its picture, or one made of its title.
#[component]
pub fn Cover(book: BookCard) -> impl IntoView {
    if book.has_cover {
        let source = format!("/books/{}/cover", book.id);
        view! { <img class="cover" src=source alt="" loading="lazy"/> }.into_any()
    } else {
        // One of six cloths, the same for the same book.
        let cloth = book.id.as_str().bytes().map(u32::from).sum::<u32>() % 6;
        view! {
            <span class=format!("cover cover-made cloth-{cloth}") aria-hidden="true">
                <span class="cover-title">{book.title.clone()}</span>
                <span class="cover-author">{book.byline()}</span>
            </span>
        }
        .into_any()
    }
}

/// Where reading goes on: the saved place, else the beginning.
pub fn reading_link(book: &BookCard) -> String {
    match &book.progress {
        Some(at) => format!("/read/{}/{}#s{}", book.id, at.chapter, at.sentence),
        None => format!("/read/{}/1", book.id),
    }
}
