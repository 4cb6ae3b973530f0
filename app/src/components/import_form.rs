//! Adding books.

use leptos::prelude::*;

use super::data;
use crate::backend::person;
use crate::islands::ImportBooks;
use crate::words::words;

/// The "Add books" button, the place to drop files, and what becomes of them.
#[component]
pub fn ImportForm() -> impl IntoView {
    let only_me = words().sharing.only_me;
    let words = &words().library.import;
    view! {
        <form class="import" method="post" action="/api/books" enctype="multipart/form-data"
            data-words=data(words)>
            <label class="button">
                {&*words.add}
                <input type="file" name="file" multiple
                    accept=".epub,.txt,application/epub+zip,text/plain"/>
            </label>
            {person().is_some_and(|person| person.has_account()).then(|| view! {
                <label class="tick only-me">
                    <input type="checkbox" name="only_me"/>
                    <span>{only_me}</span>
                </label>
            })}
            <noscript><button class="button" type="submit">{&*words.import}</button></noscript>
        </form>
        <div class="drop-veil" hidden aria-hidden="true"><p>{&*words.drop_here}</p></div>
        <ul class="uploads" role="status" hidden></ul>
        <ImportBooks/>
    }
}
