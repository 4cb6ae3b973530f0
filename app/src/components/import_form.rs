//! Adding books.

use leptos::prelude::*;

use crate::backend::person;
use crate::islands::ImportBooks;
use crate::words::words;

/// The "Add books" button, the place to drop files, and what becomes of them.
#[component]
pub fn ImportForm() -> impl IntoView {
    let only_me = words().sharing.only_me;
    let words = &words().library;
    view! {
        <form class="import" method="post" action="/api/books" enctype="multipart/form-data">
            <label class="button">
                {words.add}
                <input type="file" name="file" multiple
                    accept=".epub,.txt,application/epub+zip,text/plain"/>
            </label>
            {person().is_some_and(|person| person.has_account()).then(|| view! {
                <label class="tick only-me">
                    <input type="checkbox" name="only_me"/>
                    <span>{only_me}</span>
                </label>
            })}
            <noscript><button class="button" type="submit">{words.import}</button></noscript>
        </form>
        <div class="drop-veil" hidden aria-hidden="true"><p>{words.drop_here}</p></div>
        <ul class="uploads" role="status" hidden></ul>
        <template class="upload-line">
            <li>
                <span class="upload-name" dir="auto"></span>
                <span class="upload-state"></span>
                <progress max="100"></progress>
                <button type="button" class="quiet" aria-label=words.dismiss hidden>"×"</button>
            </li>
        </template>
        <ImportBooks/>
    }
}
