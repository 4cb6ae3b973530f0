//! Finding words in a book.

use leptos::prelude::*;

use super::{book_param, loaded, query};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::model::{BookCard, Hit};
use crate::words::words;

/// `/book/{book}/search?q=`
#[component]
pub fn SearchPage() -> impl IntoView {
    let (backend, id, find) = (backend(), book_param(), query("q"));
    let wanted = find.clone();
    let load = move || {
        let (backend, id, wanted) = (backend.clone(), id.clone(), wanted.clone());
        async move {
            let (backend, id) = (backend?, id?);
            let book = backend.book(&id).await?;
            let (hits, more) = backend.search(&id, &wanted).await?;
            Ok((book.card, hits, more))
        }
    };
    loaded(load, move |(book, hits, more)| results(&book, &find, hits, more))
}

fn results(book: &BookCard, find: &str, hits: Vec<Hit>, more: bool) -> AnyView {
    let words = &words().search;
    let (id, title, language) = (book.id.to_string(), book.title.clone(), book.language.clone());
    let count = match (find.trim().is_empty(), hits.len()) {
        (true, _) => None,
        (false, 0) => Some((words.nothing)(find)),
        (false, count) if more => Some((words.first_of)(count)),
        (false, count) => Some((words.found)(count)),
    };
    let mut chapter = 0;
    let lines = hits.into_iter().map(|hit| {
        let heading =
            (hit.chapter != chapter).then(|| view! { <h2 dir="auto">{hit.title.clone()}</h2> });
        chapter = hit.chapter;
        view! {
            {heading}
            <a class="hit" dir="auto" href=format!("/read/{id}/{}#s{}", hit.chapter, hit.sentence)>
                {hit.before} <mark>{hit.found}</mark> {hit.after}
            </a>
        }
    });
    let lines = lines.collect_view();
    view! {
        <PageTitle text=format!("{} · {title}", words.title)/>
        <SiteHead/>
        <main class="search">
            <h1 data-panel-title>{words.title}</h1>
            <p class="facts" data-panel-skip dir="auto"><a href=format!("/book/{id}")>{title}</a></p>
            <form class="search-form" role="search" action=format!("/book/{id}/search")>
                <input type="search" name="q" value=find.to_owned() aria-label=words.words required
                    maxlength="200" enterkeyhint="search" autofocus dir="auto"/>
                <button class="button">{words.find}</button>
            </form>
            <p role="status">{count}</p>
            <div class="hits" lang=language>{lines}</div>
        </main>
    }
    .into_any()
}
