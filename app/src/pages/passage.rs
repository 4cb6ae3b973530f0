//! How some sentences are read: by another voice, not at all, or said once more.

use leptos::prelude::*;

use super::voices::voice_options;
use super::{book_param, loaded, query, with_own_sound};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::error::AppError;
use crate::model::{Annotation, AnnotationKind, BookCard, Passage, PassageSentence, Voice};
use crate::notice::notice;
use crate::words::{money, words};

/// `/book/{book}/passage?chapter=&first=&last=`
#[component]
pub fn PassagePage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let number = |name: &str| query(name).parse::<u32>().ok();
    let (chapter, first) = (number("chapter").unwrap_or(1), number("first").unwrap_or(0));
    let last = number("last").unwrap_or(first);
    let load = move || {
        let (backend, id) = (backend.clone(), id.clone());
        async move {
            let (backend, id) = (backend?, id?);
            let book = backend.book(&id).await?.card;
            let passage = backend.passage(&id, chapter, first..=last).await?;
            let own = backend.voices(&book.language).await?;
            let all = backend.all_voices().await?;
            let marks = backend.annotations(&id).await?;
            Ok::<_, AppError>((book, passage, own, all, marks))
        }
    };
    let refused = notice();
    loaded(load, move |(book, passage, own, all, marks)| {
        let own = with_own_sound(&book, own);
        page(&book, &passage, (&own, &all), marks, &refused)
    })
}

fn page(
    book: &BookCard,
    passage: &Passage,
    (own, all): (&[Voice], &[Voice]),
    marks: Vec<Annotation>,
    refused: &str,
) -> AnyView {
    let words = words();
    let said = &words.passage;
    let (id, title) = (book.id.to_string(), book.title.clone());
    let text: Vec<&str> = passage.sentences.iter().map(|one| one.text.as_str()).collect();
    let text = text.join(" ");
    if text.is_empty() {
        return view! {
            <PageTitle text=format!("{} · {title}", said.title)/>
            <SiteHead/>
            <main class="passage"><h1 data-panel-title>{said.title}</h1><p>{said.nothing}</p></main>
        }
        .into_any();
    }
    let is_of_passage = |mark: &Annotation| {
        let mark = &mark.mark;
        mark.kind.is_direction()
            && mark.chapter == passage.chapter
            && mark.start.sentence <= passage.last
            && passage.first <= mark.end.sentence
    };
    let marks: Vec<Annotation> = marks.into_iter().filter(is_of_passage).collect();
    let is_read = marks.iter().all(|mark| mark.mark.kind != AnnotationKind::Skip);
    let lines = marks.iter().map(|mark| direction(&id, mark, all)).collect_view();
    let place =
        Place { book: &id, chapter: passage.chapter, first: passage.first, last: passage.last };
    view! {
        <PageTitle text=format!("{} · {title}", said.title)/>
        <SiteHead/>
        <main class="passage">
            <h1 data-panel-title>{said.title}</h1>
            <p class="facts" data-panel-skip dir="auto"><a href=format!("/book/{id}")>{title}</a></p>
            {(!refused.is_empty()).then(|| view! { <p class="refusal" role="alert">{refused.to_owned()}</p> })}
            <blockquote dir="auto" lang=book.language.clone()>{text}</blockquote>
            <ul role="list" class="directions">{lines}</ul>
            <form class="say-as" method="post" action=format!("/api/books/{id}/passages")>
                {place.fields()}
                <input type="hidden" name="how" value="voice"/>
                <label>
                    <span>{said.voice}</span>
                    <select name="voice">{voice_options(own, all, "")}</select>
                </label>
                <div class="say-as-buttons"><button class="button">{said.keep_voice}</button></div>
            </form>
            {directions_at_once(place, passage.again().filter(|_| is_read), is_read)}
            <p class="hint">{said.hint}</p>
        </main>
    }
    .into_any()
}

/// Sentences of a book, as forms name them.
#[derive(Clone, Copy)]
struct Place<'b> {
    book: &'b str,
    chapter: u32,
    first: u32,
    last: u32,
}

impl Place<'_> {
    fn fields(self) -> AnyView {
        view! {
            <input type="hidden" name="chapter" value=self.chapter/>
            <input type="hidden" name="first" value=self.first/>
            <input type="hidden" name="last" value=self.last/>
        }
        .into_any()
    }
}

/// Buttons for what needs nothing more to be said: once more, if that may sound otherwise and for what it costs,
/// and not at all.
fn directions_at_once(place: Place<'_>, again: Option<f64>, is_read: bool) -> AnyView {
    let said = &words().passage;
    let form = |how: &'static str, label: String| {
        view! {
            <form method="post" action=format!("/api/books/{}/passages", place.book)>
                {place.fields()}
                <input type="hidden" name="how" value=how/>
                <button class="button quiet-button">{label}</button>
            </form>
        }
    };
    let again = again.map(|cost| {
        let label = if cost > 0.0 { (said.again_for)(&money(cost)) } else { said.again.to_owned() };
        form("again", label)
    });
    let skip = is_read.then(|| form("skip", said.skip.to_owned()));
    view! { <div class="at-once">{again} {skip}</div> }.into_any()
}

/// The buttons under a sentence that was heard wrong.
pub(super) fn heard_buttons(
    book: &str,
    (chapter, sentence): (u32, u32),
    heard: &PassageSentence,
) -> AnyView {
    let place = Place { book, chapter, first: sentence, last: sentence };
    let address =
        format!("/book/{book}/passage?chapter={chapter}&first={sentence}&last={sentence}");
    view! {
        <div class="heard-buttons" role="group" aria-labelledby=format!("heard-{sentence}")>
            {directions_at_once(place, heard.again, true)}
            <a class="button quiet-button" href=address data-panel>{words().passage.other_voice}</a>
        </div>
    }
    .into_any()
}

/// What was said of sentences, in words.
pub(super) fn direction_words(mark: &Annotation, all: &[Voice]) -> String {
    let said = &words().passage;
    let name = |id: &str| {
        let voice = all.iter().find(|voice| voice.id == id);
        voice.map_or_else(|| id.to_owned(), |voice| voice.name.clone())
    };
    match mark.mark.kind {
        AnnotationKind::Voice => (said.read_by)(&name(&mark.mark.note)),
        AnnotationKind::Again => {
            let names: Vec<String> = mark.mark.note.split(' ').map(name).collect();
            (said.said_again)(&names.join(", "))
        }
        _ => said.not_read.to_owned(),
    }
}

fn direction(book: &str, mark: &Annotation, all: &[Voice]) -> AnyView {
    let what = direction_words(mark, all);
    let action = format!("/api/books/{book}/annotations/{}/delete", mark.id);
    view! {
        <li>
            <span>{what}</span>
            <form method="post" action=action><button class="button quiet-button">{words().passage.undo}</button></form>
        </li>
    }
    .into_any()
}
