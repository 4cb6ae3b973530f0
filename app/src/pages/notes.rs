//! What the reader has marked in a book.

use leptos::prelude::*;

use super::passage::direction_words;
use super::{book_param, loaded};
use crate::backend::backend;
use crate::components::{PageTitle, Refusal, SiteHead, text_area_content};
use crate::model::{Annotation, AnnotationKind, BookDetails, HighlightColour, Voice};
use crate::words::words;

/// `/book/{book}/notes`
#[component]
pub fn NotesPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let load = move || {
        let (backend, id) = (backend.clone(), id.clone());
        async move {
            let (backend, id) = (backend?, id?);
            let (book, marks) = (backend.book(&id).await?, backend.annotations(&id).await?);
            Ok((book, marks, backend.all_voices().await?))
        }
    };
    loaded(load, |(book, marks, voices)| notes(&book, marks, &voices))
}

fn notes(book: &BookDetails, marks: Vec<Annotation>, voices: &[Voice]) -> AnyView {
    let words = &words().notes;
    let (id, title) = (book.card.id.to_string(), book.card.title.clone());
    let is_empty = marks.is_empty();
    let mut chapter = 0;
    let lines = marks.into_iter().map(|mark| {
        let number = mark.mark.chapter;
        let heading = (number != chapter).then(|| {
            let card = book.chapters.iter().find(|card| card.number == number);
            card.map(|card| card.title.clone()).unwrap_or_default()
        });
        chapter = number;
        let heading = heading.map(|title| view! { <h2 dir="auto">{title}</h2> });
        view! { {heading} {note(&id, mark, voices)} }
    });
    let lines = lines.collect_view();
    view! {
        <PageTitle text=format!("{} · {title}", words.title)/>
        <SiteHead/>
        <main class="notes">
            <h1 data-panel-title>{words.title}</h1>
            <Refusal/>
            <p class="facts" data-panel-skip dir="auto"><a href=format!("/book/{id}")>{title}</a></p>
            {is_empty.then(|| view! { <p class="empty">{words.empty}</p> })}
            {(!is_empty)
                .then(|| {
                    view! {
                        <p><a class="export" download href=format!("/api/books/{id}/annotations.md")>{words.export}</a></p>
                    }
                })}
            {lines}
        </main>
    }
    .into_any()
}

fn note(book: &str, annotation: Annotation, voices: &[Voice]) -> AnyView {
    let words = &words().notes;
    if annotation.mark.kind.is_direction() {
        return direction(book, annotation, voices);
    }
    let Annotation { id, mark, .. } = annotation;
    let address = format!("/api/books/{book}/annotations/{id}");
    let (kind, class) = match mark.kind {
        AnnotationKind::Bookmark => (words.bookmark, "note note-bookmark".to_owned()),
        _ => (words.highlight, format!("note note-{}", mark.colour.name())),
    };
    let colour = (mark.kind == AnnotationKind::Highlight).then(|| colours(mark.colour));
    let place = format!("/read/{book}/{}#s{}", mark.chapter, mark.start.sentence);
    let label = format!("{}: {}", words.note, mark.quote.chars().take(60).collect::<String>());
    view! {
        <article class=class aria-label=kind>
            <a class="note-quote" href=place dir="auto">{mark.quote}</a>
            <form method="post" action=address.clone()>
                <textarea name="note" rows="2" aria-label=label placeholder=words.note maxlength="20000" dir="auto">{text_area_content(&mark.note)}</textarea>
                <div class="note-buttons">
                    {colour}
                    <button class="button quiet-button">{words.save}</button>
                    <button class="button quiet-button" formaction=format!("{address}/delete") formnovalidate>{words.delete}</button>
                </div>
            </form>
        </article>
    }
    .into_any()
}

/// The colours that a highlight can have.
fn colours(chosen: HighlightColour) -> impl IntoView + use<> {
    let words = &words().notes;
    let options = HighlightColour::ALL.iter().zip(words.colours).map(|(colour, name)| {
        view! { <option value=colour.name() selected=*colour == chosen>{name}</option> }
    });
    view! { <select name="colour" aria-label=words.colour>{options.collect_view()}</select> }
}

/// How sentences are to be read, which is no note and can be taken back.
fn direction(book: &str, annotation: Annotation, voices: &[Voice]) -> AnyView {
    let what = direction_words(&annotation, voices);
    let label = what.clone();
    let Annotation { id, mark, .. } = annotation;
    let place = format!("/read/{book}/{}#s{}", mark.chapter, mark.start.sentence);
    view! {
        <article class="note note-direction" aria-label=label>
            <a class="note-quote" href=place dir="auto">{mark.quote}</a>
            <form method="post" action=format!("/api/books/{book}/annotations/{id}/delete")>
                <div class="note-buttons">
                    <span>{what}</span>
                    <button class="button quiet-button">{words().passage.undo}</button>
                </div>
            </form>
        </article>
    }
    .into_any()
}
