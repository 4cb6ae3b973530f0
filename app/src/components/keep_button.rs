//! Keeping a book on a device.

use leptos::prelude::*;

use crate::islands::KeepBook;
use crate::model::BookCard;
use crate::words::{Keeping, words};

/// A button that keeps the book on this device, in the voice chosen for it. Without script, and
/// where the browser keeps nothing, it is not shown.
#[component]
pub fn KeepButton(book: BookCard) -> impl IntoView {
    let words = Keeping::of(words().tag);
    let voice = book.progress.as_ref().and_then(|at| at.voice.clone()).unwrap_or_default();
    view! {
        <div class="keep" hidden data-book=book.id.to_string() data-chapters=book.chapters
            data-revision=book.revision data-voice=voice>
            <button type="button" class="button quiet-button">{words.keep}</button>
            <p class="hint" role="status">{words.hint}</p>
        </div>
        <KeepBook/>
    }
}
