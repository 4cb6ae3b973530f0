//! A book outside of this site: as a file, in a podcast app, in a reading app.

use leptos::prelude::*;
use leptos_meta::Stylesheet;
use leptos_router::location::Url;

use super::shared::is_link;
use super::{book_param, loaded, query, taken, voice_name};
use crate::backend::{backend, person};
use crate::components::{PageTitle, Qr, SiteHead};
use crate::model::{BookDetails, NarrationCard, NarrationEstimate, NarrationOutput};
use crate::notice::notice;
use crate::ways::SiteAddress;
use crate::words::{money, words};

/// What the address of a site has that only this computer reaches.
const LOOPBACK: [&str; 3] = ["//127.", "//localhost", "//[::1]"];

/// What the page shows: the book, what it would take or why that cannot be said, the files there are, and the forms in
/// which there can be others.
type Away =
    (BookDetails, Result<NarrationEstimate, String>, Vec<NarrationCard>, Vec<NarrationOutput>);

/// `/book/{book}/take?voice=`
#[component]
pub fn TakePage() -> impl IntoView {
    let (backend, id, voice) = (backend(), book_param(), query("voice"));
    let load = move || {
        let (backend, id, voice) = (backend.clone(), id.clone(), voice.clone());
        async move {
            let (backend, id) = (backend?, id?);
            let book = backend.book(&id).await?;
            let estimate = backend.narration_estimate(&id, &voice, "").await;
            let mut files = backend.narrations(false).await?;
            files.retain(|card| card.book == id.to_string() && card.file_bytes.is_some());
            let outputs = taken(&*backend);
            Ok((
                book,
                estimate.map_err(|error| crate::words::error(error.to_string())),
                files,
                outputs,
            ))
        }
    };
    let said = notice();
    loaded(load, move |away: Away| page(away, &said))
}

fn page((book, estimate, files, outputs): Away, said: &str) -> AnyView {
    let words = &words().take;
    let id = book.card.id.clone();
    let SiteAddress(site) = use_context::<SiteAddress>().unwrap_or_default();
    let voice = estimate.as_ref().map(|estimate| estimate.voice.clone()).unwrap_or_default();
    let here = format!("{site}/book/{id}/take");
    let is_this_computer = LOOPBACK.iter().any(|host| site.contains(host));
    view! {
        <PageTitle text=format!("{} · {} · Earmark", words.title, book.card.title)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator take">
            <h1>{words.title}</h1>
            <p class="lead"><a href=format!("/book/{id}") dir="auto">{book.card.title.clone()}</a></p>
            {self::said(said)}
            {ready(files)}
            <h2>{words.files}</h2>
            {size(&estimate)}
            <ul class="ways">{outputs.into_iter().map(|output| way((id.as_str(), &voice), output)).collect_view()}</ul>
            <form class="engine-form" method="post" action=format!("/api/books/{id}/feeds")>
                <h2>{words.podcast}</h2>
                <p class="hint">{words.podcast_hint}</p>
                <input type="hidden" name="voice" value=voice.clone()/>
                <button class="button quiet-button">{words.podcast_make}</button>
            </form>
            {reading_apps(&site)}
            <h2>{words.phone}</h2>
            <p class="hint">{if is_this_computer { words.phone_local } else { words.phone_hint }}</p>
            <Qr address=here label=words.phone/>
            <p>
                <a class="button quiet-button" download href=format!("/api/books/{id}/file")>{crate::words::words().book.file}</a>
            </p>
        </main>
    }
    .into_any()
}

/// What was refused, or the address of the podcast that was just made.
pub(super) fn said(notice: &str) -> Option<AnyView> {
    match notice {
        "" => None,
        address if is_link(address) => Some(new_feed(address).into_any()),
        refused => {
            Some(view! { <p class="refusal" role="alert">{refused.to_owned()}</p> }.into_any())
        }
    }
}

/// The address of a podcast that was just made.
fn new_feed(address: &str) -> impl IntoView + use<> {
    let words = &words().take;
    view! {
        <div class="said">
            <p role="status">{words.podcast_made}<br/><code class="token">{address.to_owned()}</code></p>
            <Qr address=address.to_owned() label=words.podcast/>
        </div>
    }
}

/// The files that are there.
fn ready(files: Vec<NarrationCard>) -> Option<impl IntoView> {
    let narrations = &words().narrations;
    let line = |card: NarrationCard| {
        let bytes = card.file_bytes.unwrap_or_default();
        let label = (narrations.download)(card.output, bytes.div_ceil(1_000_000));
        let place = (narrations.place)(card.first_chapter, card.last_chapter);
        let voice = voice_name(&card.voice);
        view! {
            <li>
                <a class="button" download href=format!("/api/narrations/{}/file", card.id)>{label}</a>
                " "<span class="hint">{place}" · "{voice}</span>
            </li>
        }
    };
    (!files.is_empty()).then(|| {
        view! {
            <h2>{words().take.ready}</h2>
            <ul class="ways">{files.into_iter().map(line).collect_view()}</ul>
        }
    })
}

/// How much sound the book is, and how long it takes to make.
fn size(estimate: &Result<NarrationEstimate, String>) -> AnyView {
    let words = &words().narrations;
    match estimate {
        Err(why) => view! { <p class="refusal">{why.clone()}</p> }.into_any(),
        Ok(estimate) => {
            let NarrationEstimate { missing, cost, audio_seconds, bytes, .. } = *estimate;
            let takes = estimate.seconds_to_make.filter(|_| missing > 0);
            let price = if cost > 0.0 {
                (words.costs)(&money(cost))
            } else {
                words.costs_nothing.to_owned()
            };
            view! {
                <p>
                    {(words.lasts)(audio_seconds.div_ceil(60), bytes.div_ceil(1_000_000))}
                    " "{takes.map(|seconds| (words.takes)(seconds.div_ceil(60)))}
                    " "{price}
                </p>
            }
            .into_any()
        }
    }
}

/// A form of file, and who plays it.
fn way((book, voice): (&str, &str), output: NarrationOutput) -> impl IntoView + use<> {
    let (name, apps) = (words().take.way)(output);
    let voice = Url::escape(voice);
    let address = format!("/book/{book}/narration?voice={voice}&output={}", output.name());
    view! {
        <li>
            <a class="button quiet-button" href=address>{name}</a>
            " "<span class="hint">{apps}</span>
        </li>
    }
}

/// The addresses that reading apps are told.
fn reading_apps(site: &str) -> impl IntoView + use<> {
    let words = &words().take;
    let catalogue = format!("{site}/opds");
    let sync = format!("{site}/kosync");
    let logs_in = person().is_some_and(|person| person.has_account());
    view! {
        <h2 id="apps">{words.apps}</h2>
        <p class="hint">{words.apps_hint}</p>
        <dl class="facts">
            <dt>{words.catalogue}</dt>
            <dd><code>{catalogue.clone()}</code><Qr address=catalogue label=words.catalogue/></dd>
            <dt>{words.sync}</dt>
            <dd><code>{sync}</code></dd>
        </dl>
        {logs_in.then(|| view! { <p><a href="/account#apps">{words.password}</a></p> })}
    }
}
