//! What is read of one book alone and how, where that is not as the settings have it.

use leptos::prelude::*;

use crate::components::text_area_content;
use crate::model::{BookCard, BookId};
use crate::preferences::{
    Links, MAX_INSTRUCTIONS_CHARS, NoteReading, Preferences, Switch, TableReading, plain_language,
};
use crate::words::words;

/// A rule, what it is called, and its values with theirs.
struct Rule {
    name: &'static str,
    label: &'static str,
    values: Vec<(&'static str, &'static str)>,
}

/// The form for it.
pub fn what_is_read(book: &BookId) -> impl IntoView + use<> {
    let words = &words().listening;
    let chosen = use_context::<Preferences>().unwrap_or_default();
    let everywhere = chosen.entries();
    let fields = rules().into_iter().map(|rule| {
        let own = chosen.own_of(book, rule.name).map(str::to_owned);
        let general = everywhere.iter().find(|(name, _)| *name == rule.name);
        let general = general.map(|(_, value)| value.as_str()).unwrap_or_default();
        let general = rule.values.iter().find(|(value, _)| *value == general);
        let general = (words.as_everywhere)(general.map(|(_, label)| *label).unwrap_or_default());
        let options = rule.values.into_iter().map(|(value, label)| {
            let is_chosen = own.as_deref() == Some(value);
            view! { <option value=value selected=is_chosen>{label}</option> }
        });
        view! {
            <label>
                {rule.label}
                <select name=format!("{}_{book}", rule.name)>
                    <option value="">{general}</option>
                    {options.collect_view()}
                </select>
            </label>
        }
    });
    view! {
        <details class="own-rules">
            <summary>{words.of_book}</summary>
            <p class="hint">{words.of_book_hint}</p>
            <form class="fields" method="post" action="/settings">
                {fields.collect_view()}
                <button class="button quiet-button">{words.save}</button>
            </form>
        </details>
    }
}

/// The form for what voices that can be told are told of how to speak: in this book, and in all of its language.
pub fn how_it_is_read(book: &BookCard) -> impl IntoView + use<> {
    let said = &words().listening;
    let chosen = use_context::<Preferences>().unwrap_or_default();
    let language = plain_language(&book.language);
    let field = |own: &str, label: String| {
        let told = chosen.instructions.get(own).cloned().unwrap_or_default();
        view! {
            <label>
                {label}
                <textarea name=format!("instructions_{own}") rows="2" maxlength=MAX_INSTRUCTIONS_CHARS.to_string()
                    placeholder=words().operator.instructions_hint dir="auto">{text_area_content(&told)}</textarea>
            </label>
        }
    };
    let of_language = (!language.is_empty())
        .then(|| field(&language, (words().pronunciation.this_language)(&language)));
    view! {
        <details class="own-rules">
            <summary>{said.how_it_is_read}</summary>
            <p class="hint">{said.how_it_is_read_hint}</p>
            <form class="fields" method="post" action="/settings">
                {field(book.id.as_str(), words().pronunciation.this_book.to_owned())}
                {of_language}
                <button class="button quiet-button">{said.save}</button>
            </form>
        </details>
    }
}

fn rules() -> Vec<Rule> {
    let words = &words().listening;
    let is_read = |name, label| {
        let values =
            vec![(Switch::On.name(), words.is_read), (Switch::Off.name(), words.is_not_read)];
        Rule { name, label, values }
    };
    let notes = NoteReading::ALL.iter().map(|value| value.name()).zip(words.notes_names);
    let tables = TableReading::ALL.iter().map(|value| value.name()).zip(words.tables_names);
    let links = Links::ALL.iter().map(|value| value.name()).zip(words.links_names);
    vec![
        is_read("titles", words.titles),
        is_read("matter", words.matter),
        Rule { name: "notes", label: words.notes, values: notes.collect() },
        Rule { name: "tables", label: words.tables, values: tables.collect() },
        is_read("code", words.code),
        is_read("captions", words.captions),
        is_read("pictures", words.pictures),
        is_read("citations", words.citations),
        Rule { name: "links", label: words.links, values: links.collect() },
    ]
}
