//! How words are said: a form for one, what is kept for the book, and names and rare words that may need it.

use leptos::prelude::*;
use leptos_router::location::Url;

use super::passage::heard_buttons;
use super::{book_param, loaded, query};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::model::{
    BookCard, Matching, NewPronunciation, Passage, Pronunciation, PronunciationScope, Vocabulary,
};
use crate::notice::notice;
use crate::words::{money, words};

/// `/book/{book}/pronunciation`, with the fields of the form in the query.
#[component]
pub fn PronunciationPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let draft = draft();
    let wanted = Some(draft.clone()).filter(|draft| !draft.written.is_empty());
    // Where the voice was when a person heard something wrong.
    let place = query("chapter").parse::<u32>().ok().zip(query("sentence").parse::<u32>().ok());
    let load = move || {
        let (backend, id, wanted) = (backend.clone(), id.clone(), wanted.clone());
        let replaced = query("replaces");
        async move {
            let (backend, id) = (backend?, id?);
            let heard = match place {
                Some((chapter, sentence)) => {
                    let sentences = sentence.saturating_sub(1)..=sentence;
                    Some(backend.passage(&id, chapter, sentences).await?)
                }
                None => None,
            };
            let book = backend.book(&id).await?.card;
            Ok((book, backend.vocabulary(&id, wanted, &replaced).await?, heard))
        }
    };
    let (refused, replaces, kept) = (notice(), query("replaces"), query("kept"));
    loaded(load, move |(book, vocabulary, heard)| {
        let said = kept.parse().ok().map(words().pronunciation.kept);
        page(&book, &draft, &replaces, vocabulary, (&refused, said, heard))
    })
}

/// What the query says of the form.
fn draft() -> NewPronunciation {
    NewPronunciation {
        written: query("written").trim().to_owned(),
        spoken: query("spoken"),
        phonemes: query("phonemes"),
        matching: Matching::parse(&query("matching")).unwrap_or(Matching::Word),
        matches_case: query("matches_case") == "on",
        scope: PronunciationScope::parse(&query("scope")).unwrap_or(PronunciationScope::Book),
    }
}

fn page(
    book: &BookCard,
    draft: &NewPronunciation,
    replaces: &str,
    vocabulary: Vocabulary,
    (refused, said, heard): (&str, Option<String>, Option<Passage>),
) -> AnyView {
    let words = &words().pronunciation;
    let (id, title) = (book.id.to_string(), book.title.clone());
    let has_word = !draft.written.is_empty();
    let effect = has_word.then(|| effect(&vocabulary));
    // A word to be chosen is tapped: a keyboard would only hide it.
    let starts = if has_word { Some("spoken") } else { heard.is_none().then_some("written") };
    let entries = vocabulary.entries;
    let (names, rare) = (vocabulary.names, vocabulary.rare);
    view! {
        <PageTitle text=format!("{} · {title}", words.title)/>
        <SiteHead/>
        <main class="pronunciation">
            <h1 data-panel-title>{words.title}</h1>
            <p class="facts" data-panel-skip dir="auto"><a href=format!("/book/{id}")>{title}</a></p>
            {(!refused.is_empty()).then(|| view! { <p class="refusal" role="alert">{refused.to_owned()}</p> })}
            {said.map(|said| view! { <p class="said" role="status">{said}</p> })}
            <p class="hint">{words.lead}</p>
            {heard.map(|heard| heard_wrong(&id, &heard))}
            {form(book, draft, replaces, (effect, starts))}
            {(!entries.is_empty())
                .then(|| {
                    view! {
                        <h2>{words.entries}</h2>
                        <ul role="list" class="said-words">
                            {entries.into_iter().map(|(entry, count)| line(book, entry, count)).collect_view()}
                        </ul>
                    }
                })}
            {(!names.is_empty()).then(|| word_list(&id, words.names, words.names_hint, names))}
            {(!rare.is_empty()).then(|| word_list(&id, words.rare, words.rare_hint, rare))}
            {lists(&id, book)}
        </main>
    }
    .into_any()
}

/// The last sentences heard, each to be said otherwise, and each word of them to be corrected.
fn heard_wrong(book: &str, heard: &Passage) -> AnyView {
    let words = &words().pronunciation;
    let sentences = heard.sentences.iter().zip(heard.first..).map(|(sentence, at)| {
        let chosen = sentence.text.split_whitespace().map(|shown| {
            let word = shown.trim_matches(|c: char| !c.is_alphanumeric());
            if word.is_empty() {
                return view! { {shown.to_owned()} " " }.into_any();
            }
            let address = format!("/book/{book}/pronunciation?written={}", Url::escape(word));
            view! { <a href=address data-panel>{shown.to_owned()}</a> " " }.into_any()
        });
        view! {
            <p dir="auto" id=format!("heard-{at}")>{chosen.collect_view()}</p>
            {heard_buttons(book, (heard.chapter, at), sentence)}
        }
    });
    view! {
        <section class="heard" aria-labelledby="heard">
            <h2 id="heard">{words.heard}</h2>
            <p class="hint">{words.heard_hint}</p>
            {sentences.collect_view()}
            <p><a class="button quiet-button" href=format!("/book/{book}/voices") data-panel>{words.other_voice}</a></p>
        </section>
    }
    .into_any()
}

fn effect(vocabulary: &Vocabulary) -> String {
    let words = &words().pronunciation;
    let effect = vocabulary.draft;
    if effect.sentences == 0 {
        return words.changes_nothing.to_owned();
    }
    if effect.characters == 0 {
        // As it is said now.
        return (words.used)(effect.sentences);
    }
    let changes = (words.changes)(effect.sentences, effect.characters);
    if effect.cost > 0.0 {
        return format!("{changes} {}", (words.costs)(&money(effect.cost)));
    }
    changes
}

fn form(
    book: &BookCard,
    draft: &NewPronunciation,
    replaces: &str,
    (effect, starts): (Option<String>, Option<&'static str>),
) -> AnyView {
    let words = &words().pronunciation;
    let address = format!("/api/books/{}/pronunciations", book.id);
    let draft = draft.clone();
    let is_special =
        draft.matching != Matching::Word || draft.matches_case || !draft.phonemes.is_empty();
    let matchings = [
        (words.whole_word, Matching::Word),
        (words.part, Matching::Part),
        (words.pattern, Matching::Pattern),
    ];
    let matchings = matchings.map(|(label, matching)| {
        view! { <option value=matching.name() selected=matching == draft.matching>{label}</option> }
    });
    view! {
        <form class="say-as" method="post" action=address.clone()>
            <label>
                <span>{words.word}</span>
                <input name="written" value=draft.written required maxlength="200" dir="auto" autocapitalize="off"
                    autofocus=starts == Some("written")/>
            </label>
            <label>
                <span>{words.say_it_as}</span>
                <input name="spoken" value=draft.spoken maxlength="300" dir="auto" autocapitalize="off"
                    aria-describedby="said-hint" autofocus=starts == Some("spoken")/>
            </label>
            <p class="hint" id="said-hint">{words.said_hint}</p>
            {scope_choice(book, draft.scope)}
            <details open=is_special>
                <summary>{words.more}</summary>
                <label>
                    <span>{words.phonemes}</span>
                    <input name="phonemes" value=draft.phonemes maxlength="300" autocapitalize="off" spellcheck="false"
                        aria-describedby="phonemes-hint"/>
                </label>
                <p class="hint" id="phonemes-hint">{words.phonemes_hint}</p>
                <label>
                    <span>{words.matching}</span>
                    <select name="matching">{matchings}</select>
                </label>
                <label class="check">
                    <input type="checkbox" name="matches_case" checked=draft.matches_case/>
                    <span>{words.matches_case}</span>
                </label>
            </details>
            {effect.map(|effect| view! { <p class="effect" role="status">{effect}</p> })}
            <input type="hidden" name="replaces" value=replaces.to_owned()/>
            <div class="say-as-buttons">
                <button class="button">{words.keep}</button>
                <button class="button quiet-button" data-do="hear-word" formaction=format!("{address}/sample")
                    formmethod="get" formtarget="_blank">
                    {words.hear}
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn scope_choice(book: &BookCard, chosen: PronunciationScope) -> AnyView {
    let words = &words().pronunciation;
    let author =
        book.authors.first().map(|author| ((words.by_author)(author), PronunciationScope::Author));
    let series =
        book.series.as_ref().map(|series| ((words.by_series)(series), PronunciationScope::Series));
    let tag = book.language.split('-').next().unwrap_or_default();
    let all = [
        Some((words.this_book.to_owned(), PronunciationScope::Book)),
        series,
        author,
        Some(((words.this_language)(tag), PronunciationScope::Language)),
        Some((words.everywhere.to_owned(), PronunciationScope::Everywhere)),
    ];
    let options = all.into_iter().flatten().map(|(label, scope)| {
        view! { <option value=scope.name() selected=scope == chosen>{label}</option> }
    });
    view! {
        <label>
            <span>{words.valid_for}</span>
            <select name="scope">{options.collect_view()}</select>
        </label>
    }
    .into_any()
}

/// An entry that is kept.
fn line(book: &BookCard, kept: Pronunciation, count: u32) -> AnyView {
    let words = &words().pronunciation;
    let id = book.id.to_string();
    let Pronunciation { id: entry_id, entry, target } = kept;
    let place = match entry.scope {
        PronunciationScope::Book => words.this_book.to_owned(),
        PronunciationScope::Series => (words.by_series)(&target),
        PronunciationScope::Author => (words.by_author)(&target),
        PronunciationScope::Language => (words.this_language)(&target),
        PronunciationScope::Everywhere => words.everywhere.to_owned(),
    };
    let said = match (entry.spoken.as_str(), entry.phonemes.as_str()) {
        ("", "") => words.not_said.to_owned(),
        (spoken, "") => spoken.to_owned(),
        ("", phonemes) => format!("/{phonemes}/"),
        (spoken, phonemes) => format!("{spoken} /{phonemes}/"),
    };
    let change = format!("/book/{id}/pronunciation?{}", fields(&entry, &entry_id));
    let written = entry.written;
    let label = |does: &str| format!("{does}: {written}");
    let (change_label, remove_label) = (label(words.change), label(words.remove));
    view! {
        <li>
            <p><b dir="auto">{written.clone()}</b> " → " <span dir="auto">{said}</span></p>
            <p class="facts">{format!("{place} · {}", (words.in_sentences)(count))}</p>
            <form method="post" action=format!("/api/books/{id}/pronunciations/{entry_id}/delete")>
                <a class="button quiet-button" href=change data-panel aria-label=change_label>{words.change}</a>
                <button class="button quiet-button" aria-label=remove_label>{words.remove}</button>
            </form>
        </li>
    }
    .into_any()
}

/// The form's fields, as the query has them.
fn fields(entry: &NewPronunciation, replaces: &str) -> String {
    let case = if entry.matches_case { "on" } else { "" };
    let fields = [
        ("written", entry.written.as_str()),
        ("spoken", &entry.spoken),
        ("phonemes", &entry.phonemes),
        ("matching", entry.matching.name()),
        ("scope", entry.scope.name()),
        ("matches_case", case),
        ("replaces", replaces),
    ];
    let fields = fields.map(|(name, value)| format!("{name}={}", Url::escape(value)));
    fields.join("&")
}

/// Words that something may be said of, each with how often it is there.
fn word_list(
    book: &str,
    title: &'static str,
    hint: &'static str,
    found: Vec<(String, u32)>,
) -> AnyView {
    let names = found.into_iter().map(|(name, count)| {
        let address = format!("/book/{book}/pronunciation?written={}", Url::escape(&name));
        let times = format!("\u{a0}×\u{202f}{count}");
        view! {
            <li><a class="name" href=address data-panel><span dir="auto">{name}</span>{times}</a></li>
        }
    });
    view! {
        <h2>{title}</h2>
        <p class="hint">{hint}</p>
        <ul role="list" class="names">{names.collect_view()}</ul>
    }
    .into_any()
}

/// Files of many words; the panel, which cannot send a file, leads to the page.
fn lists(id: &str, book: &BookCard) -> AnyView {
    let words = &words().pronunciation;
    let address = format!("/api/books/{id}/pronunciations");
    view! {
        <h2 id="lists"><a href=format!("/book/{id}/pronunciation#lists")>{words.lists}</a></h2>
        <p class="hint">{words.lists_hint}</p>
        <p class="exports">
            <a class="export" download href=format!("{address}.txt")>{words.export_lines}</a>
            <a class="export" download href=format!("{address}.pls")>{words.export_pls}</a>
        </p>
        <form class="say-as" method="post" enctype="multipart/form-data" action=format!("{address}/import") data-panel-skip>
            <label>
                <span>{words.file}</span>
                <input type="file" name="file" required accept=".pls,.xml,.txt,.dic,text/plain,application/pls+xml"/>
            </label>
            {scope_choice(book, PronunciationScope::Book)}
            <div class="say-as-buttons"><button class="button">{words.import}</button></div>
        </form>
    }
    .into_any()
}
