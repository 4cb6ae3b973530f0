//! A book: cover, title, table of contents, and what can be done with it.

mod reading;

use leptos::prelude::*;

use super::shared::{is_link, made, share_form};
use super::{book_param, loaded};
use crate::backend::{backend, may, person};
use crate::components::{
    Cover, Icon, KeepButton, PageTitle, SiteHead, icon, listening_link, reading_link,
};
use crate::model::{
    BookCard, BookDetails, BookId, ChapterCard, ImportWarning, Matter, Role, TocLine, WarningKind,
};
use crate::notice::notice;
use crate::pacing::Length;
use crate::preferences::Preferences;
use crate::words::{length, money, words};
use reading::{how_it_is_read, what_is_read};

/// `/book/{book}`
#[component]
pub fn BookPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let load = move || {
        let (backend, id) = (backend.clone(), id.clone());
        async move {
            let (backend, id) = (backend?, id?);
            let book = backend.book(&id).await?;
            // Whoever pays for voices hears what it saves that others have heard the book already.
            let saved = match may(Role::Member) {
                true => backend.saved_of(&id).await.unwrap_or_default(),
                false => 0.0,
            };
            Ok((book, saved, backend.take_instructions().await))
        }
    };
    loaded(load, details)
}

fn details((book, saved, take_instructions): (BookDetails, f64, bool)) -> AnyView {
    let BookDetails { card, toc, warnings, is_outdated, chapters, .. } = book;
    let is_own = words().sharing.is_own;
    let own_sound = words().player.has_own_sound;
    let words = &words().book;
    let notice = notice();
    let is_made = is_link(&notice);
    let (id, language) = (card.id.to_string(), card.language.clone());
    let own_sound = card.read_by.as_ref().map(|who| own_sound(who));
    let verb = if card.progress.is_some() { words.go_on } else { words.begin };
    let at = card.progress.as_ref().map(|progress| progress.chapter);
    let current = toc.iter().rposition(|line| at == Some(line.chapter) && line.anchor.is_none());
    let rate = use_context::<Preferences>().unwrap_or_default().rate_in(&card.id, &card.language);
    let heard_ms = |length: Length| length.to_hear_ms * 100 / u64::from(rate.max(1));
    let lasts = |characters: u32| Length::of(characters.into(), &card.language);
    let minutes = |line: &TocLine| {
        let chapter = chapters.iter().find(|chapter| chapter.number == line.chapter)?;
        let begins = line.anchor.is_none() && chapter.characters > 0;
        begins.then(|| length(heard_ms(lasts(chapter.characters))))
    };
    let lines = toc
        .into_iter()
        .enumerate()
        .map(|(index, line)| contents_line(&id, &line, current == Some(index), minutes(&line)))
        .collect_view();
    let text = chapters.iter().filter(|chapter| chapter.matter.is_text());
    let whole = Length::of(text.map(|chapter| u64::from(chapter.characters)).sum(), &card.language);
    let lasts = (whole.to_read_ms > 0)
        .then(|| (words.lasts)(&length(whole.to_read_ms), &length(heard_ms(whole))));
    view! {
        <PageTitle text=format!("{} · Earmark", card.title)/>
        <SiteHead/>
        <main class="book">
            <div class="book-head" data-panel-skip>
                <Cover book=card.clone()/>
                <div>
                    <h1 lang=language.clone() dir="auto">{card.title.clone()}</h1>
                    <p class="byline" dir="auto">{card.byline()}</p>
                    {card.series.clone().map(|series| view! {
                        <p class="facts">{words.series}": "<span dir="auto">{series}</span></p>
                    })}
                    <p class="facts">
                        {(words.facts)(card.chapters, card.sentences)}
                        {card.percent.map(|percent| format!(" · {percent} %"))}
                    </p>
                    {lasts.map(|text| view! { <p class="facts">{text}</p> })}
                    {(saved >= 0.005).then(|| view! { <p class="facts">{(words.saved)(&money(saved))}</p> })}
                    {own_sound.map(|text| view! { <p class="facts">{text}</p> })}
                    {card.is_own.then(|| view! { <p class="facts">{is_own}</p> })}
                    <p class="ways">
                        <a class="button" href=reading_link(&card)>{verb}</a>
                        <a class="button quiet-button" href=listening_link(&card)>{icon(Icon::Play)} {words.listen}</a>
                    </p>
                </div>
            </div>
            {is_made.then(|| made(&notice))}
            {(!is_made && !notice.is_empty())
                .then(|| view! { <p class="refusal" role="alert">{notice.clone()}</p> })}
            {is_outdated.then(|| reimport_offer(&id))}
            {manage(&card, warnings, &chapters, take_instructions)}
            <nav class="contents" aria-label=words.contents>
                <h2 data-panel-title>{words.contents}</h2>
                <ol role="list" lang=language dir="auto">{lines}</ol>
                {go_to(&id)}
            </nav>
        </main>
    }
    .into_any()
}

fn contents_line(
    book: &str,
    line: &TocLine,
    is_current: bool,
    minutes: Option<String>,
) -> impl IntoView + use<> {
    let anchor = line.anchor.as_ref().map(|anchor| format!("#{anchor}")).unwrap_or_default();
    let href = format!("/read/{book}/{}{anchor}", line.chapter);
    let depth = line.depth.min(4);
    view! {
        <li class=format!("depth-{depth}")>
            <a href=href data-chapter=line.chapter aria-current=is_current.then_some("true")>
                <span class="contents-title">{line.title.clone()}</span>
                // Not in the book's language, as the titles are.
                {minutes.map(|minutes| view! { <span class="time" lang=words().tag dir="ltr">{minutes}</span> })}
            </a>
        </li>
    }
}

fn go_to(book: &str) -> impl IntoView + use<> {
    let words = &words().reader;
    view! {
        <form class="go-to" action=format!("/go/{book}")>
            <label>
                {words.go_to}
                <input type="number" name="percent" min="0" max="100" step="1" required inputmode="numeric"/>
            </label>
            <button class="button quiet-button">{words.go}</button>
        </form>
    }
}

/// A book that was read by rules that have been bettered since.
fn reimport_offer(book: &str) -> impl IntoView + use<> {
    let words = &words().book;
    view! {
        <form class="notice" method="post" action=format!("/api/books/{book}/reimport") data-panel-skip hidden=!may(Role::Member)>
            <p>{words.outdated}</p>
            <button class="button quiet-button">{words.reimport}</button>
        </form>
    }
}

/// What was left out or mended when the file was read.
fn left_out(warnings: Vec<ImportWarning>) -> Option<impl IntoView> {
    let words = &words().book;
    let say = |warning: ImportWarning| {
        let say = match warning.kind {
            WarningKind::Damaged => words.warning_damaged,
            WarningKind::Missing => words.warning_missing,
            WarningKind::TooLarge => words.warning_too_large,
            WarningKind::Characters => words.warning_characters,
            WarningKind::Contents => words.warning_contents,
            WarningKind::Language => words.warning_language,
            WarningKind::Everybodys => words.warning_everybodys,
            WarningKind::More => words.warning_more,
        };
        view! { <li dir="auto">{say(&warning.part)}</li> }
    };
    (!warnings.is_empty()).then(|| {
        view! {
            <section class="left-out" aria-label=words.warnings>
                <h3>{words.warnings}</h3>
                <ul>{warnings.into_iter().map(say).collect_view()}</ul>
            </section>
        }
    })
}

/// Which chapters are title pages, indexes and the like, to be corrected.
fn around_the_text(book: &BookId, chapters: &[ChapterCard]) -> impl IntoView + use<> {
    let words = &words().listening;
    let [text, front, back] = words.matter_names;
    let name = move |matter: Matter| match matter {
        Matter::Text => text,
        Matter::Front => front,
        Matter::Back => back,
    };
    let found: Vec<_> = chapters.iter().filter(|chapter| !chapter.matter.is_text()).collect();
    let is_empty = found.is_empty();
    let lines = found.into_iter().map(|chapter| {
        view! { <li><span dir="auto">{chapter.title.clone()}</span>{format!(" · {}", name(chapter.matter))}</li> }
    });
    let options = chapters.iter().map(|chapter| {
        view! { <option value=chapter.number>{format!("{}. {}", chapter.number, chapter.title)}</option> }
    });
    let kinds = [Matter::Text, Matter::Front, Matter::Back]
        .map(|matter| view! { <option value=matter.name()>{name(matter)}</option> });
    view! {
        <details class="matter">
            <summary>{words.matter_of_book}</summary>
            <p class="hint">{words.matter_hint}</p>
            {if is_empty {
                view! { <p>{words.no_matter}</p> }.into_any()
            } else {
                view! { <ul>{lines.collect_view()}</ul> }.into_any()
            }}
            <form class="fields" method="post" action=format!("/api/books/{book}/matter") hidden=!may(Role::Member)>
                <label>
                    {words.chapter}
                    <select name="chapter">{options.collect_view()}</select>
                </label>
                <label>
                    {words.it_is}
                    <select name="matter">{kinds}</select>
                </label>
                <button class="button quiet-button">{words.save}</button>
            </form>
        </details>
    }
}

/// Whether this is no guest, who came by a link.
fn is_account_or_alone() -> bool {
    person().is_some_and(|person| person.lent.is_none())
}

fn manage(
    card: &BookCard,
    warnings: Vec<ImportWarning>,
    chapters: &[ChapterCard],
    take_instructions: bool,
) -> impl IntoView + use<> {
    let words = words();
    let address = format!("/api/books/{}", card.id);
    view! {
        <details class="manage" data-panel-skip>
            <summary>{words.book.details}</summary>
            <dl class="facts">
                <dt>{words.book.language}</dt>
                <dd>{card.language.clone()}</dd>
            </dl>
            <p>
                <a href=format!("/book/{}/notes", card.id)>{words.notes.title}</a>
                " · "
                <a href=format!("/book/{}/search", card.id)>{words.search.title}</a>
                " · "
                <a href=format!("/book/{}/pronunciation", card.id)>{words.pronunciation.title}</a>
            </p>
            {left_out(warnings)}
            {what_is_read(&card.id)}
            {take_instructions.then(|| how_it_is_read(card))}
            {around_the_text(&card.id, chapters)}
            {is_account_or_alone().then(|| view! {
                <p class="ways">
                    <a class="button quiet-button" href=format!("/book/{}/take", card.id)>{words.take.title}</a>
                    <a class="button quiet-button" href=format!("/book/{}/narration", card.id)>{words.narrations.make}</a>
                </p>
            })}
            <KeepButton book=card.clone()/>
            <p>
                <a class="button quiet-button" download href=format!("{address}/file")>{words.book.file}</a>
            </p>
            {share_form(&card.id)}
            {may(Role::Member).then(|| changes(card))}
            {(may(Role::Member) || card.is_own).then(|| deletion(card))}
        </details>
    }
}

/// What can be done to a book.
fn changes(card: &BookCard) -> impl IntoView + use<> {
    let words = words();
    let address = format!("/api/books/{}", card.id);
    view! {
        <form method="post" action=format!("{address}/reimport")>
            <button class="button quiet-button">{words.book.reimport}</button>
            <p class="hint">{words.book.reimport_hint}</p>
        </form>
        <details>
            <summary>{words.book.rename}</summary>
            <form class="fields" method="post" action=address.clone()>
                <label>
                    {words.book.title}
                    <input name="title" value=card.title.clone() required maxlength="500" dir="auto"/>
                </label>
                <label>
                    {words.book.authors}
                    <input name="authors" value=card.authors.join("; ") dir="auto" aria-describedby="authors-hint"/>
                </label>
                <p id="authors-hint" class="hint">{words.book.authors_hint}</p>
                <button class="button">{words.book.save}</button>
            </form>
        </details>
        {card.is_own.then(|| view! {
            <form method="post" action=format!("{address}/everybody")>
                <button class="button quiet-button">{words.sharing.give_away}</button>
                <p class="hint">{words.sharing.give_away_hint}</p>
            </form>
        })}
    }
}

/// How a book is taken out of the library.
fn deletion(card: &BookCard) -> impl IntoView + use<> {
    let words = words();
    view! {
        <form method="post" action=format!("/api/books/{}/delete", card.id)>
            <button class="button danger">{words.book.delete}</button>
            <p class="hint">{words.book.delete_hint}</p>
        </form>
    }
}
