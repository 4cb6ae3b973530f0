//! Who can log in, for whoever runs the place.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::login::{name_field, password_field};
use super::shared::shares_of_all;
use super::{hours_since, loaded};
use crate::backend::{backend, person};
use crate::components::{PageTitle, SiteHead};
use crate::model::{HappeningCard, InvitationCard, PersonCard, Role, ShareCard};
use crate::notice::notice;
use crate::words::words;

/// `/people`
#[component]
pub fn PeoplePage() -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move {
            let backend = backend?;
            let invitations = backend.invitations().await?;
            let links = match person() {
                Some(admin) => backend.shares_of_all(&admin).await?,
                None => Vec::new(),
            };
            Ok((backend.people().await?, (invitations, links), backend.happenings().await?))
        }
    };
    let said = notice();
    loaded(load, move |(people, open, happenings)| page(people, open, happenings, &said))
}

/// What stands in the address of an invitation: a notice that has it is one that was just made.
const INVITATION: &str = "/invite?link=";

fn page(
    people: Vec<PersonCard>,
    (open, links): (Vec<InvitationCard>, Vec<ShareCard>),
    happenings: Vec<HappeningCard>,
    said: &str,
) -> AnyView {
    let words = &words().accounts;
    let is_link = said.starts_with("http") && said.contains(INVITATION);
    let refused = (!is_link && !said.is_empty())
        .then(|| view! { <p class="refusal" role="alert">{said.to_owned()}</p> });
    let is_empty = people.is_empty();
    let lead = if is_empty { words.nobody_yet } else { words.people_lead };
    let add = if is_empty { words.add_first } else { words.add };
    let hint = if is_empty { words.first_hint } else { words.roles_hint };
    view! {
        <PageTitle text=format!("{} · Earmark", words.people)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.people}</h1>
            <p class="lead">{lead}</p>
            {refused}
            <ul class="lines people">{people.into_iter().map(line).collect_view()}</ul>
            <form class="engine-form" method="post" action="/api/people">
                <h2>{add}</h2>
                <p class="hint">{hint}</p>
                {name_field()}
                {password_field("password", words.password, "new-password")}
                <p class="hint">{words.password_hint}</p>
                {if is_empty {
                    view! { <input type="hidden" name="role" value=Role::Admin.name()/> }.into_any()
                } else {
                    view! { <label><span>{words.role}</span>{roles(Role::Listener, words.role)}</label> }.into_any()
                }}
                <button class="button">{add}</button>
            </form>
            {(!is_empty).then(|| invitations(open, is_link.then(|| said.to_owned())))}
            {shares_of_all(links)}
            {(!happenings.is_empty()).then(|| what_happened(happenings))}
        </main>
    }
    .into_any()
}

fn line(card: PersonCard) -> impl IntoView {
    let words = &words().accounts;
    let PersonCard { id, name, role, seen_at_ms, allowance, spent_this_month } = card;
    let allowance = allowance.map_or_else(|| "∞".to_owned(), |most| most.to_string());
    let seen = seen_at_ms.map(hours_since);
    let seen = seen.map_or_else(|| words.never_here.to_owned(), |hours| (words.here)(hours));
    let (save_label, remove_label) =
        (format!("{}: {name}", words.save), format!("{}: {name}", words.remove));
    let role_label = format!("{}: {name}", words.role);
    view! {
        <li>
            <span>
                <strong dir="auto">{name}</strong>" · "{seen}
                {(spent_this_month > 0).then(|| format!(" · {}", (words.spent)(spent_this_month)))}
            </span>
            <form class="role-form" method="post" action=format!("/api/people/{id}")>
                <label><span>{words.role}</span>{roles(role, role_label)}</label>
                <label>
                    <span>{words.allowance}</span>
                    <input name="allowance" required pattern="[0-9]+|∞" maxlength="12" title=words.no_limit value=allowance/>
                </label>
                <button class="button quiet-button" aria-label=save_label>{words.save}</button>
            </form>
            <form method="post" action=format!("/api/people/{id}/delete")>
                <button class="button quiet-button" aria-label=remove_label>{words.remove}</button>
            </form>
        </li>
    }
}

/// Links by which people make accounts of their own; `made` is one that was just made.
fn invitations(open: Vec<InvitationCard>, made: Option<String>) -> impl IntoView {
    let words = &words().accounts;
    let made = made.map(|page| {
        view! { <p class="said" role="status">{words.invitation_made}<br/><code class="token">{page}</code></p> }
    });
    let line = |card: InvitationCard| {
        let InvitationCard { id, role, expires_at_ms } = card;
        let hours = expires_at_ms.saturating_sub(super::now_ms()) / 3_600_000;
        view! {
            <li>
                <span>{words.invitation}": "{(words.role_name)(role)}" · "{(words.hours_left)(hours)}</span>
                <form method="post" action=format!("/api/invitations/{id}/delete")>
                    <button class="button quiet-button">{words.withdraw}</button>
                </form>
            </li>
        }
    };
    view! {
        <ul class="lines">{open.into_iter().map(line).collect_view()}</ul>
        <form class="engine-form" method="post" action="/api/invitations">
            <h2 id="invite">{words.invite}</h2>
            <p class="hint">{words.invite_hint}</p>
            {made}
            <label><span>{words.role}</span>{roles(Role::Listener, words.role)}</label>
            <button class="button">{words.make_link}</button>
        </form>
    }
}

/// What happened to accounts and to what runs the place.
fn what_happened(happenings: Vec<HappeningCard>) -> impl IntoView {
    let words = &words().accounts;
    let line = |card: HappeningCard| {
        let HappeningCard { at_ms, who, what, about, address, is_program } = card;
        let program = if is_program { words.by_program.to_owned() } else { String::new() };
        let details = [who, program, about, address].into_iter().filter(|part| !part.is_empty());
        let details = details.collect::<Vec<_>>().join(" · ");
        view! {
            <li>
                <span><strong>{(words.happened)(&what)}</strong>" · "<bdi>{details}</bdi></span>
                <span class="hint">{(words.ago)(hours_since(at_ms))}</span>
            </li>
        }
    };
    view! {
        <details class="happenings">
            <summary><h2>{words.happenings}</h2></summary>
            <ul class="lines">{happenings.into_iter().map(line).collect_view()}</ul>
        </details>
    }
}

fn roles(chosen: Role, label: impl Into<String>) -> impl IntoView {
    let words = &words().accounts;
    let option = |role: Role| {
        view! { <option value=role.name() selected=role == chosen>{(words.role_name)(role)}</option> }
    };
    view! { <select name="role" aria-label=label.into()>{Role::ALL.map(option).collect_view()}</select> }
}
