//! Where a link to a shared book leads, and the forms that make and withdraw such links.

use leptos::prelude::*;
use leptos_meta::Stylesheet;
use leptos_router::hooks::use_params_map;

use super::{hours_until, loaded};
use crate::backend::{backend, person};
use crate::components::{PageTitle, set_status};
use crate::model::{BookId, Role, ShareCard, SharedBook};
use crate::notice::notice;
use crate::words::words;

/// What a link that was just made begins with; the page that says so tells it from a refusal by that.
const SCHEMES: [&str; 2] = ["http://", "https://"];
/// For how many days a link can be good.
const DAYS: [u64; 4] = [1, 7, 30, 365];
/// The one that is offered first.
const USUAL_DAYS: u64 = 7;

/// `/s/{link}`
#[component]
pub fn SharedPage() -> impl IntoView {
    let link = use_params_map().with_untracked(|params| params.get("link").unwrap_or_default());
    let backend = backend();
    let load = {
        let link = link.clone();
        move || {
            let (backend, link) = (backend.clone(), link.clone());
            async move { backend?.shared_book(&link).await }
        }
    };
    loaded(load, move |book: Option<SharedBook>| page(book, &link))
}

fn page(book: Option<SharedBook>, link: &str) -> AnyView {
    let words = &words().sharing;
    let refused = notice();
    let refused = (!refused.is_empty())
        .then(|| view! { <p class="refusal" role="alert">{refused.clone()}</p> });
    let (title, body) = match book {
        Some(book) => {
            let authors = book.authors.join(", ");
            // A link that was made this hour is good for all its days.
            let days = (hours_until(book.expires_at_ms) + 1) / 24;
            let body = view! {
                <p class="lead">{(words.lent_lead)(&book.from)}</p>
                {refused}
                <p><strong dir="auto">{book.title.clone()}</strong><br/><span dir="auto">{authors}</span></p>
                <form class="engine-form" method="post" action="/s">
                    <input type="hidden" name="link" value=link.to_owned()/>
                    <p class="hint">{(words.until)(days)}</p>
                    <button class="button">{words.read}</button>
                </form>
            };
            (words.lent, body.into_any())
        }
        None => {
            set_status(404);
            (words.ended, view! { <p class="lead">{words.ended_lead}</p> }.into_any())
        }
    };
    view! {
        <PageTitle text=format!("{title} · Earmark")/>
        <Stylesheet href="/operator.css"/>
        <header class="site-head"><span class="wordmark">"Earmark"</span></header>
        <main class="operator door">
            <h1>{title}</h1>
            {body}
        </main>
    }
    .into_any()
}

/// Whether a notice is the address of a link that was just made.
pub(super) fn is_link(notice: &str) -> bool {
    SCHEMES.iter().any(|scheme| notice.starts_with(scheme))
}

/// A link that was just made, to be copied.
pub(super) fn made(link: &str) -> impl IntoView + use<> {
    let words = &words().sharing;
    view! { <p class="said" role="status">{words.made}<br/><code class="token">{link.to_owned()}</code></p> }
}

/// The form that makes a link to a book, for those with an account who may.
pub(super) fn share_form(book: &BookId) -> Option<impl IntoView + use<>> {
    let person = person()?;
    if !person.has_account() || person.role < Role::Member {
        return None;
    }
    let words = &words().sharing;
    let options = DAYS.map(|days| {
        view! { <option value=days selected=days == USUAL_DAYS>{(words.days)(days)}</option> }
    });
    Some(view! {
        <details>
            <summary>{words.share}</summary>
            <form class="fields" method="post" action=format!("/api/books/{book}/shares")>
                <p class="hint">{words.share_hint}</p>
                <label>
                    {words.good_for}
                    <select name="days">{options}</select>
                </label>
                <button class="button quiet-button">{words.make}</button>
            </form>
        </details>
    })
}

/// The links of a person that are open.
pub(super) fn shares(cards: Vec<ShareCard>) -> Option<impl IntoView> {
    list(cards, "/api/shares", false)
}

/// Everybody's links that are open, for those who run the place.
pub(super) fn shares_of_all(cards: Vec<ShareCard>) -> Option<impl IntoView> {
    list(cards, "/api/people/shares", true)
}

fn list(cards: Vec<ShareCard>, at: &'static str, says_whose: bool) -> Option<impl IntoView> {
    let words = words();
    let line = move |card: ShareCard| {
        let from = says_whose.then(|| view! { " · "<bdi>{card.from.clone()}</bdi> });
        let book = match card.title.as_str() {
            "" => view! { <span>{words.sharing.others_own}</span> }.into_any(),
            title => {
                let address = format!("/book/{}", card.book);
                view! { <a href=address dir="auto">{title.to_owned()}</a> }.into_any()
            }
        };
        let named = match card.title.as_str() {
            "" => words.sharing.others_own,
            title => title,
        };
        let label = match says_whose {
            true => format!("{}: {named}, {}", words.accounts.withdraw, card.from),
            false => format!("{}: {named}", words.accounts.withdraw),
        };
        let (guests, until) = (
            (words.sharing.guests)(card.guests),
            (words.accounts.ends)((hours_until(card.expires_at_ms) + 1) / 24),
        );
        view! {
            <li>
                <span>
                    {book}{from}" · "{guests}" · "{until}
                </span>
                <form method="post" action=format!("{at}/{}/delete", card.id)>
                    <button class="button quiet-button" aria-label=label>{words.accounts.withdraw}</button>
                </form>
            </li>
        }
    };
    (!cards.is_empty()).then(|| {
        view! {
            <h2>{words.sharing.links}</h2>
            <ul class="lines">{cards.into_iter().map(line).collect_view()}</ul>
        }
    })
}
