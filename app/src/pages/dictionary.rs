//! What dictionaries say of a word of a book.

use leptos::prelude::*;

use super::{book_param, loaded, query};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::model::{BookCard, DictionaryEntry};
use crate::words::words;

/// `/book/{book}/dictionary?word=&language=`
#[component]
pub fn DictionaryPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let (word, language) = (query("word"), query("language"));
    let (wanted, spoken) = (word.clone(), language.clone());
    let load = move || {
        let (backend, id) = (backend.clone(), id.clone());
        let (wanted, spoken) = (wanted.clone(), spoken.clone());
        async move {
            let (backend, id) = (backend?, id?);
            let book = backend.book(&id).await?.card;
            let language = if spoken.is_empty() { book.language.clone() } else { spoken };
            let entries = backend.look_up(&wanted, &language).await?;
            Ok((book, language, entries))
        }
    };
    loaded(load, move |(book, language, entries)| page(&book, &language, word.trim(), entries))
}

/// Where a word of a language is explained for everybody.
fn elsewhere(word: &str, language: &str) -> String {
    let language = language.to_ascii_lowercase();
    let tag = language
        .split('-')
        .next()
        .filter(|tag| tag.len() == 2 && tag.bytes().all(|letter| letter.is_ascii_lowercase()));
    // Browsers encode all else.
    let reserved = [("%", "%25"), ("#", "%23"), ("?", "%3F")];
    let word = reserved.iter().fold(word.to_owned(), |word, (sign, code)| word.replace(sign, code));
    format!("https://{}.wiktionary.org/wiki/{word}", tag.unwrap_or("en"))
}

fn page(book: &BookCard, language: &str, word: &str, entries: Vec<DictionaryEntry>) -> AnyView {
    let words = &words().dictionary;
    let (id, title) = (book.id.to_string(), book.title.clone());
    let nothing = (entries.is_empty() && !word.is_empty()).then(|| (words.nothing)(word));
    let elsewhere = (!word.is_empty()).then(|| {
        view! {
            <p class="facts">
                <a href=elsewhere(word, language) target="_blank" rel="noopener noreferrer">{words.elsewhere}</a>
            </p>
        }
    });
    let entries = entries.into_iter().map(|entry| {
        view! {
            <section class="dictionary-entry">
                <h2 dir="auto">{entry.word}</h2>
                <div dir="auto" inner_html=entry.html></div>
                <p class="facts" dir="auto">{entry.dictionary}</p>
            </section>
        }
    });
    view! {
        <PageTitle text=format!("{} · {title}", words.title)/>
        <SiteHead/>
        <main class="dictionary">
            <h1 data-panel-title>{words.title}</h1>
            <p class="facts" data-panel-skip dir="auto"><a href=format!("/book/{id}")>{title}</a></p>
            <form class="search-form" role="search" action=format!("/book/{id}/dictionary")>
                <input type="hidden" name="language" value=language.to_owned()/>
                <input type="search" name="word" value=word.to_owned() aria-label=words.word required
                    maxlength="100" enterkeyhint="search" dir="auto"/>
                <button class="button">{words.find}</button>
            </form>
            <p role="status">{nothing}</p>
            {entries.collect_view()}
            {elsewhere}
        </main>
    }
    .into_any()
}
