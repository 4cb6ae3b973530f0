//! Books that are made ready ahead: what that takes, and how far it is.

use leptos::prelude::*;
use leptos_meta::Stylesheet;
use leptos_router::location::Url;

use super::take::said;
use super::{book_param, loaded, query, taken, with_own_sound};
use crate::backend::{backend, may, person};
use crate::components::{PageTitle, SiteHead};
use crate::islands::NarrationList;
use crate::model::{
    BookDetails, FeedCard, NarrationCard, NarrationEstimate, NarrationOutput, NarrationState, Role,
    Voice,
};
use crate::notice::notice;
use crate::words::{self, money, words};

/// Hours until it begins, as they are offered.
const HOURS: [u64; 4] = [0, 1, 4, 8];

/// What the page of a book's narration shows: the book, the voices for it, and what it takes or why that cannot be
/// said.
type Prospect = (BookDetails, Vec<Voice>, Result<NarrationEstimate, String>, Vec<NarrationOutput>);

/// `/book/{book}/narration?voice=&chapters=&output=`
#[component]
pub fn NarrationPage() -> impl IntoView {
    let (backend, id) = (backend(), book_param());
    let (voice, chapters) = (query("voice"), query("chapters"));
    let output = NarrationOutput::named(&query("output")).unwrap_or_default();
    let load = {
        let (voice, chapters) = (voice.clone(), chapters.clone());
        move || {
            let (backend, id) = (backend.clone(), id.clone());
            let (voice, chapters) = (voice.clone(), chapters.clone());
            async move {
                let (backend, id) = (backend?, id?);
                let book = backend.book(&id).await?;
                let voices = backend.voices(&book.card.language).await?;
                let estimate = backend.narration_estimate(&id, &voice, &chapters).await;
                let outputs = taken(&*backend);
                Ok((
                    book,
                    voices,
                    estimate.map_err(|error| words::error(error.to_string())),
                    outputs,
                ))
            }
        }
    };
    let refused = notice();
    loaded(load, move |prospect: Prospect| prospect_page(prospect, (&chapters, output), &refused))
}

fn prospect_page(
    (book, voices, estimate, outputs): Prospect,
    (chapters, output): (&str, NarrationOutput),
    refused: &str,
) -> AnyView {
    let words = &words().narrations;
    let id = book.card.id.clone();
    let voices = with_own_sound(&book.card, voices);
    let chosen = estimate.as_ref().map(|estimate| estimate.voice.clone()).unwrap_or_default();
    let is_listed = voices.iter().any(|voice| voice.id == chosen);
    let other = (!is_listed && !chosen.is_empty())
        .then(|| view! { <option value=chosen.clone() selected>{chosen.clone()}</option> });
    let voices = voices.into_iter().map(|voice| {
        let is_chosen = voice.id == chosen;
        view! { <option value=voice.id.clone() selected=is_chosen>{voice.name}</option> }
    });
    let refused = match (&estimate, refused) {
        (Err(why), _) => why.clone(),
        (_, refused) => refused.to_owned(),
    };
    view! {
        <PageTitle text=format!("{} · {} · Earmark", words.make, book.card.title)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.make}</h1>
            <p class="lead"><a href=format!("/book/{id}") dir="auto">{book.card.title.clone()}</a></p>
            <p class="hint">{words.make_lead}</p>
            {(!refused.is_empty()).then(|| view! { <p class="refusal" role="alert">{refused.clone()}</p> })}
            <form class="engine-form" method="post" action="/api/narrations">
                <input type="hidden" name="book" value=id.to_string()/>
                <label><span>{crate::words::words().playing.voice}</span><select name="voice">{other}{voices.collect_view()}</select></label>
                <label>
                    <span>{words.chapters}</span>
                    <input name="chapters" value=chapters.to_owned() maxlength="11" pattern="[0-9]+(-[0-9]+)?" placeholder=words.all_of_them aria-describedby="chapters-hint"/>
                </label>
                <p id="chapters-hint" class="hint">{words.chapters_hint}</p>
                <button class="button quiet-button" formmethod="get" formaction=format!("/book/{id}/narration")>{words.look}</button>
                {estimate.as_ref().ok().map(|estimate| begin(estimate, (chapters, output), outputs))}
            </form>
            <p><a href=format!("/book/{id}/take?voice={}", Url::escape(&chosen))>{crate::words::words().take.title}</a>" · "<a href="/narrations">{words.title}</a></p>
        </main>
    }
    .into_any()
}

/// What it takes, and the button that begins it.
fn begin(
    estimate: &NarrationEstimate,
    (chapters, chosen): (&str, NarrationOutput),
    outputs: Vec<NarrationOutput>,
) -> impl IntoView + use<> {
    let words = &words().narrations;
    let NarrationEstimate { missing, sentences, cost, audio_seconds, bytes, .. } = *estimate;
    let is_free = cost <= 0.0;
    let button = if is_free { words.begin.to_owned() } else { (words.agree)(&money(cost)) };
    let price = if is_free { words.costs_nothing.to_owned() } else { (words.costs)(&money(cost)) };
    let hours = HOURS.map(|hours| view! { <option value=hours>{(words.hours)(hours)}</option> });
    let megabytes = bytes.div_ceil(1_000_000);
    let outputs = outputs.into_iter().chain([NarrationOutput::None]).map(|output| {
        view! { <option value=output.name() selected=output == chosen>{(words.output)(output)}</option> }
    });
    let takes = estimate.seconds_to_make.filter(|_| missing > 0);
    let quiet = backend().ok().and_then(|backend| backend.quiet_hours());
    view! {
        <input type="hidden" name="max_cost" value=format!("{cost:.6}")/>
        // So that nothing begins but what was shown.
        <input type="hidden" name="estimated" value=format!("{} {chapters}", estimate.voice)/>
        <p>
            {if missing == 0 { words.nothing_missing.to_owned() } else { (words.missing)(missing, sentences) }}
            " "{(words.lasts)(audio_seconds.div_ceil(60), megabytes)}
            " "{takes.map(|seconds| (words.takes)(seconds.div_ceil(60)))}
            " "{price}
        </p>
        <label><span>{words.file}</span><select name="output">{outputs.collect_view()}</select></label>
        <p class="hint">{words.file_hint}</p>
        <label><span>{words.when}</span><select name="in_hours">{hours}</select></label>
        {quiet.map(|quiet| view! {
            <label class="tick"><input type="checkbox" name="at" value="quiet"/><span>{(words.in_quiet_hours)(&quiet)}</span></label>
        })}
        <button class="button">{button}</button>
    }
}

/// `/narrations?all=`
#[component]
pub fn NarrationsPage() -> impl IntoView {
    let backend = backend();
    let is_all = query("all") == "true" && may(Role::Admin);
    let load = move || {
        let backend = backend.clone();
        async move {
            let backend = backend?;
            let voices = backend.all_voices().await?;
            Ok((backend.narrations(is_all).await?, voices, backend.feeds().await?))
        }
    };
    let refused = notice();
    let page = move |(mut cards, voices, feeds): (Vec<NarrationCard>, Vec<Voice>, _)| {
        for card in &mut cards {
            // A voice that is gone, or several that take turns, are called by their ids.
            if let Some(voice) = voices.iter().find(|voice| voice.id == card.voice) {
                card.voice.clone_from(&voice.name);
            }
        }
        list(cards, feeds, is_all, &refused)
    };
    loaded(load, page)
}

fn list(cards: Vec<NarrationCard>, feeds: Vec<FeedCard>, is_all: bool, refused: &str) -> AnyView {
    let words = &words().narrations;
    let is_empty = cards.is_empty();
    let has_others = may(Role::Admin) && person().is_some_and(|person| person.has_account());
    let others = match is_all {
        true => ("/narrations", words.only_mine),
        false => ("/narrations?all=true", words.everybodys),
    };
    view! {
        <PageTitle text=format!("{} · Earmark", words.title)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.title}</h1>
            <p class="lead">{words.lead}</p>
            {said(refused)}
            {has_others.then(|| view! { <p><a href=others.0>{others.1}</a></p> })}
            {is_empty.then(|| view! { <p>{words.none}</p> })}
            <div class="narrations" data-all=is_all.then_some("true")>
                {cards.into_iter().map(card).collect_view()}
            </div>
            {podcasts(feeds)}
            <NarrationList/>
        </main>
    }
    .into_any()
}

/// The podcast addresses there are.
fn podcasts(feeds: Vec<FeedCard>) -> impl IntoView {
    let words = words();
    let line = |feed: FeedCard| {
        let what = match feed.book.is_empty() {
            true => words.narrations.shelf.to_owned(),
            false => feed.title,
        };
        let label = format!("{}: {what}", words.accounts.withdraw);
        let what = match feed.book.is_empty() {
            true => view! { <span>{what}</span> }.into_any(),
            false => {
                let page = format!("/book/{}", feed.book);
                view! { <span><a href=page dir="auto">{what}</a>" · "{feed.voice}</span> }
                    .into_any()
            }
        };
        view! {
            <li>
                {what}
                <form method="post" action=format!("/api/feeds/{}/delete", feed.id)>
                    <button class="button quiet-button" aria-label=label>{words.accounts.withdraw}</button>
                </form>
            </li>
        }
    };
    let lines: Vec<_> = feeds.into_iter().map(line).collect();
    view! {
        <h2>{words.narrations.podcasts}</h2>
        {(!lines.is_empty()).then(|| view! { <ul class="lines">{lines}</ul> })}
        <form class="engine-form" method="post" action="/api/feeds">
            <p class="hint">{words.narrations.shelf_hint}</p>
            <button class="button quiet-button">{words.narrations.shelf_make}</button>
        </form>
    }
}

fn card(card: NarrationCard) -> impl IntoView {
    let words = &words().narrations;
    let place = (words.place)(card.first_chapter, card.last_chapter);
    // Rounded, and not down.
    let later = super::hours_until(card.run_at_ms + 1_800_000);
    let state = match card.state {
        NarrationState::Queued if card.run_at_ms > super::now_ms() => (words.later)(later),
        NarrationState::Running if card.is_packing => words.packing.to_owned(),
        state => (words.state)(state).to_owned(),
    };
    let left = card.seconds_left.map(|seconds| match seconds / 60 {
        0 => words.soon.to_owned(),
        minutes => words.left_template.replace("{}", &minutes.to_string()),
    });
    let failed = (card.failed > 0).then(|| (words.failed)(card.failed));
    let spent = (card.cost > 0.0).then(|| (words.spent)(&money(card.cost)));
    let facts = [Some(place), failed, spent].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let address = format!("/api/narrations/{}", card.id);
    let is_open = card.state.is_open();
    view! {
        <section class="engine narration" aria-label=card.title.clone()
            data-narration=card.id.clone() data-state=card.state.name()>
            <h2><a href=format!("/book/{}", card.book) dir="auto">{card.title.clone()}</a></h2>
            <p>
                <strong>{state}</strong>" "
                {is_open.then(|| view! {
                    <span class="narration-percent">{card.percent}" %"</span>" "
                    <span class="narration-left" data-left=words.left_template data-soon=words.soon>{left}</span>
                })}
            </p>
            {is_open.then(|| view! {
                <progress max="100" value=card.percent aria-label=card.title.clone()></progress>
            })}
            <p class="hint">{facts}" · "{card.voice.clone()}</p>
            {(!card.error.is_empty()).then(|| view! { <p class="refusal">{words::error(card.error.clone())}</p> })}
            <div class="engine-buttons">{buttons(&card, &address)}</div>
        </section>
    }
}

fn buttons(card: &NarrationCard, address: &str) -> AnyView {
    let words = &words().narrations;
    let button = |what: &str, label: &'static str| {
        let name = format!("{label}: {}", card.title);
        view! {
            <form method="post" action=format!("{address}/{what}")>
                <button class="button quiet-button" aria-label=name>{label}</button>
            </form>
        }
    };
    match card.state {
        NarrationState::Queued | NarrationState::Running => {
            (button("pause", words.pause), button("delete", words.cancel)).into_any()
        }
        NarrationState::Paused => {
            (button("resume", words.resume), button("delete", words.cancel)).into_any()
        }
        NarrationState::Failed | NarrationState::Cancelled => {
            button("retry", words.retry).into_any()
        }
        NarrationState::Completed => {
            let file = card.file_bytes.map(|bytes| {
                let label = (words.download)(card.output, bytes.div_ceil(1_000_000));
                view! { <a class="button" download href=format!("{address}/file")>{label}</a> }
            });
            view! { {file} <a class="button" href=format!("/read/{}/{}", card.book, card.first_chapter)>{words.open}</a> }.into_any()
        }
    }
}

/// What the library says of books that are being made ready or have just become so.
pub(super) fn bell(cards: &[NarrationCard]) -> Option<impl IntoView + use<>> {
    let words = &words().narrations;
    let recent = super::now_ms().saturating_sub(BELL_MS);
    let line = |card: &NarrationCard| match card.state {
        NarrationState::Running => Some((words.being_made)(&card.title, card.percent)),
        NarrationState::Completed
            if card.finished_at_ms.is_some_and(|at| at > recent) && card.made > 0 =>
        {
            Some((words.is_ready)(&card.title))
        }
        _ => None,
    };
    let lines: Vec<_> = cards.iter().filter_map(line).take(BELL_LINES).collect();
    let line = |line: String| view! { <li><a href="/narrations" dir="auto">{line}</a></li> };
    (!lines.is_empty()).then(|| {
        view! { <ul class="bell" role="status">{lines.into_iter().map(line).collect_view()}</ul> }
    })
}

/// For how long it is said that a book is ready.
const BELL_MS: u64 = 12 * 3_600_000;
/// How many books are named.
const BELL_LINES: usize = 3;
