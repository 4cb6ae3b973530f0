//! The library: where to go on, every book, and a place to drop new ones.

use leptos::prelude::*;

use super::narrations::bell;
use super::{loaded, query};
use crate::backend::{backend, may, person};
use crate::components::{Cover, ImportForm, PageTitle, SiteHead, reading_link};
use crate::model::{BookCard, BookId, NarrationCard, Role};
use crate::notice::notice;
use crate::preferences::{Preferences, Show, Sort};
use crate::shelf::arrange;
use crate::words::words;

/// Fewer books than these are in view anyway: nothing to find or sort.
const ENOUGH_TO_SORT: usize = 4;

/// `/?q=&sort=&show=&deleted=`
#[component]
pub fn LibraryPage() -> impl IntoView {
    let backend = backend();
    let (refused, deleted) = (notice(), query("deleted"));
    let (find, show, sort) = (query("q"), query("show"), query("sort"));
    let chosen = use_context::<Preferences>().unwrap_or_default();
    let load = move || {
        let (backend, deleted) = (backend.clone(), deleted.parse::<BookId>().ok());
        async move {
            let backend = backend?;
            let gone = match deleted {
                Some(id) => backend.deleted_title(&id).await?.map(|title| (id, title)),
                None => None,
            };
            let is_guest = person().is_none_or(|person| person.lent.is_some());
            let narrations = if is_guest { Vec::new() } else { backend.narrations(false).await? };
            Ok((backend.books().await?, gone, narrations))
        }
    };
    let page = move |(books, gone, narrations): (Vec<BookCard>, _, Vec<NarrationCard>)| {
        // Where nothing is asked for, it is as it was last.
        let is_plain = find.is_empty() && show.is_empty() && sort.is_empty();
        let show = Show::parse(&show).unwrap_or(chosen.shelf_show);
        let sort = Sort::parse(&sort).unwrap_or(chosen.shelf_sort);
        let last_read = books.iter().find(|book| is_plain && begun(book)).cloned();
        let above = (bell(&narrations), last_read.map(go_on)).into_any();
        library((books, gone, above), &refused, &find, show, sort)
    };
    loaded(load, page)
}

fn library(
    (books, gone, above): (Vec<BookCard>, Option<(BookId, String)>, AnyView),
    refused: &str,
    find: &str,
    show: Show,
    sort: Sort,
) -> AnyView {
    let words = &words().library;
    let count = books.len();
    let shown = arrange(books, find, show, sort);
    let nothing = match (count, shown.len()) {
        (0, _) => {
            Some(view! { <p class="empty">{words.empty} " " {words.empty_hint}</p> }.into_any())
        }
        (_, 0) => Some(view! { <p class="empty">{words.no_match}</p> }.into_any()),
        _ => None,
    };
    view! {
        <PageTitle text=format!("{} · Earmark", words.title)/>
        <SiteHead>
            {may(Role::Member).then(|| view! { <ImportForm/> })}
        </SiteHead>
        <main class="library">
            <h1>{words.title}</h1>
            {(!refused.is_empty())
                .then(|| view! { <p class="refusal" role="alert">{refused.to_owned()}</p> })}
            {gone.map(|(id, title)| undo_line(&id, &title))}
            {above}
            {(count >= ENOUGH_TO_SORT || show != Show::All).then(|| arrangement(find, show, sort))}
            {nothing}
            <ul class="shelf" role="list">{shown.into_iter().map(shelf_item).collect_view()}</ul>
        </main>
    }
    .into_any()
}

fn begun(book: &BookCard) -> bool {
    book.percent.is_some_and(|percent| percent < 100)
}

fn undo_line(id: &BookId, title: &str) -> impl IntoView + use<> {
    let words = &words().library;
    view! {
        <form class="undo" method="post" action=format!("/api/books/{id}/restore") role="status">
            <span>{(words.deleted)(title)}</span>
            <button class="button quiet-button">{words.undo}</button>
        </form>
    }
}

/// The book that was read last, first and large.
fn go_on(book: BookCard) -> impl IntoView {
    let words = &words().library;
    let percent = book.percent.unwrap_or_default();
    view! {
        <a class="go-on" href=reading_link(&book)>
            <Cover book=book.clone()/>
            <span class="go-on-text">
                <span class="go-on-label">{words.go_on}</span>
                <span class="go-on-title" dir="auto">{book.title.clone()}</span>
                <span class="shelf-author" dir="auto">{book.byline()}</span>
                <progress max="100" value=percent aria-label=words.progress>{percent} "%"</progress>
                <span class="shelf-author">{percent} " %"</span>
            </span>
        </a>
    }
}

fn arrangement(find: &str, show: Show, sort: Sort) -> impl IntoView + use<> {
    let words = &words().library;
    let sorts = [words.sort_recent, words.sort_title, words.sort_author, words.sort_added];
    let shows = [words.show_all, words.show_unread, words.show_begun, words.show_finished];
    view! {
        <form class="arrangement" role="search" data-live-form>
            <label class="field find">
                <span>{words.find}</span>
                <input type="search" name="q" value=find.to_owned() maxlength="100" enterkeyhint="search"/>
            </label>
            // What is chosen here is so the next time.
            {options(("show", "shelf_show"), words.show, Show::ALL, Show::name, show, &shows)}
            {options(("sort", "shelf_sort"), words.sort, Sort::ALL, Sort::name, sort, &sorts)}
            <button class="button quiet-button">{words.apply}</button>
        </form>
    }
}

fn options<T: Copy + PartialEq>(
    (name, preference): (&'static str, &'static str),
    label: &'static str,
    all: &'static [T],
    value: fn(T) -> &'static str,
    chosen: T,
    labels: &[&'static str],
) -> AnyView {
    let lines = all.iter().zip(labels).map(|(option, label)| {
        view! { <option value=value(*option) selected=*option == chosen>{*label}</option> }
    });
    view! {
        <label class="field">
            <span>{label}</span>
            <select name=name data-kept=preference>{lines.collect_view()}</select>
        </label>
    }
    .into_any()
}

fn shelf_item(book: BookCard) -> impl IntoView {
    let words = &words().library;
    let (page, link) = (format!("/book/{}", book.id), reading_link(&book));
    let verb = if book.percent.is_some() { words.go_on } else { words.read };
    let title = book.title.clone();
    let own_mark = crate::words::words().sharing.own_mark;
    view! {
        <li class="shelf-item">
            <a class="shelf-link" href=page>
                <Cover book=book.clone()/>
                <span class="shelf-title" dir="auto">{book.title.clone()}</span>
                <span class="shelf-author" dir="auto">{book.byline()}</span>
                {book.is_own.then(|| view! { <span class="shelf-author">{own_mark}</span> })}
            </a>
            {book
                .percent
                .map(|percent| {
                    view! {
                        <progress class="shelf-progress" max="100" value=percent
                            aria-label=format!("{}: {title}", words.progress)>
                            {percent} "%"
                        </progress>
                    }
                })}
            <a class="shelf-read" href=link aria-label=format!("{verb} {title}")>{verb}</a>
        </li>
    }
}
