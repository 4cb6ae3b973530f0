//! The cover of a book.

use leptos::prelude::*;

use crate::model::BookCard;

/// Cloths a made cover may be bound in; `style/library.css` has their colours.
const CLOTHS: u32 = 6;

/// The cover of a book: its picture, or one made of its title.
#[component]
pub fn Cover(book: BookCard) -> impl IntoView {
    if book.has_cover {
        let source = format!("/books/{}/cover", book.id);
        view! { <img class="cover" src=source alt="" width="200" height="300" decoding="async"/> }
            .into_any()
    } else {
        // The same for the same book.
        let cloth = book.id.as_str().bytes().map(u32::from).sum::<u32>() % CLOTHS;
        view! {
            <span class=format!("cover cover-made cloth-{cloth}") aria-hidden="true">
                <span class="cover-title">{book.title.clone()}</span>
                <span class="cover-author">{book.byline()}</span>
            </span>
        }
        .into_any()
    }
}
