//! Who can log in, for whoever runs the place.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::login::{name_field, password_field};
use super::{hours_since, loaded};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::model::{PersonCard, Role};
use crate::notice::notice;
use crate::words::words;

/// `/people`
#[component]
pub fn PeoplePage() -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move { backend?.people().await }
    };
    let refused = notice();
    loaded(load, move |people: Vec<PersonCard>| page(people, &refused))
}

fn page(people: Vec<PersonCard>, refused: &str) -> AnyView {
    let words = &words().accounts;
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
            {(!refused.is_empty()).then(|| view! { <p class="refusal" role="alert">{refused.to_owned()}</p> })}
            <ul class="lines">{people.into_iter().map(line).collect_view()}</ul>
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
        </main>
    }
    .into_any()
}

fn line(card: PersonCard) -> impl IntoView {
    let words = &words().accounts;
    let PersonCard { id, name, role, seen_at_ms } = card;
    let seen = seen_at_ms.map(hours_since);
    let seen = seen.map_or_else(|| words.never_here.to_owned(), |hours| (words.here)(hours));
    let (save_label, remove_label) =
        (format!("{}: {name}", words.save), format!("{}: {name}", words.remove));
    let role_label = format!("{}: {name}", words.role);
    view! {
        <li>
            <span><strong dir="auto">{name}</strong>" · "{seen}</span>
            <form class="role-form" method="post" action=format!("/api/people/{id}")>
                {roles(role, role_label)}
                <button class="button quiet-button" aria-label=save_label>{words.save}</button>
            </form>
            <form method="post" action=format!("/api/people/{id}/delete")>
                <button class="button quiet-button" aria-label=remove_label>{words.remove}</button>
            </form>
        </li>
    }
}

fn roles(chosen: Role, label: impl Into<String>) -> impl IntoView {
    let words = &words().accounts;
    let option = |role: Role| {
        view! { <option value=role.name() selected=role == chosen>{(words.role_name)(role)}</option> }
    };
    view! { <select name="role" aria-label=label.into()>{Role::ALL.map(option).collect_view()}</select> }
}
