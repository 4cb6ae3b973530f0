//! The cover of a book.

use leptos::prelude::*;

use crate::model::BookCard;

/// Cloths a made cover may be bound in; `style/library.css` has their colours.
const CLOTHS: u32 = 6;

/// The cover of a book: its picture, or one made of its title.
#[component]
pub fn Cover(book: BookCard) -> impl IntoView {
    if book.has_cover {
        let address = format!("/books/{}/cover", book.id);
        let version = book.revision;
        let sized = |width: &u32| format!("{address}?width={width}&v={version}");
        // The first width is for screens of one dot a pixel, the second for those of two.
        let source =
            book.cover_widths.first().map_or_else(|| format!("{address}?v={version}"), sized);
        let sharper = book.cover_widths.get(1).map(|width| format!("{} 2x", sized(width)));
        view! {
            <img class="cover" src=source srcset=sharper alt="" width="200" height="300" loading="lazy"
                decoding="async"/>
        }
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
