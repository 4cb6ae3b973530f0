//! What a person is logged in with: devices, programs, a password.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::login::{PasskeyUse, passkey_button, password_field};
use super::shared::shares;
use super::{hours_since, hours_until, loaded};
use crate::backend::{backend, person};
use crate::components::{PageTitle, SiteHead};
use crate::error::AppError;
use crate::model::{
    IdentityCard, PasskeyCard, Person, PersonCard, Role, Scope, SessionCard, ShareCard, TokenCard,
};
use crate::notice::{APP_PASSWORD_MARK, notice};
use crate::ways::LoginWays;
use crate::words::words;

/// What tokens begin with: a notice that does is one that was just made.
const TOKEN_PREFIX: &str = "ema_";

/// What stands for a session where a proxy has let somebody in.
const PROXY_SESSION: &str = "proxy";

/// What a person may spend, where they are counted, and what lets them in.
type Known = (Option<PersonCard>, Vec<IdentityCard>, Vec<PasskeyCard>);

/// `/account`
#[component]
pub fn AccountPage() -> impl IntoView {
    let (backend, person) = (backend(), person());
    let load = {
        let person = person.clone();
        move || {
            let (backend, person) = (backend.clone(), person.clone());
            async move {
                let person = person.ok_or(AppError::Internal)?;
                let backend = backend?;
                // Where nobody logs in, nobody is counted.
                let spending = match person.has_account() {
                    true => Some(backend.spending(&person).await?),
                    false => None,
                };
                let identities = backend.identities(&person).await?;
                let known = (spending, identities, backend.passkeys(&person).await?);
                let devices = (backend.sessions(&person).await?, backend.tokens(&person).await?);
                Ok((known, devices, backend.shares(&person).await?))
            }
        }
    };
    let said = notice();
    loaded(load, move |((spending, identities, keys), devices, links): (Known, _, _)| {
        let person = person.as_deref().filter(|person| person.has_account());
        // Where a proxy lets people in, nothing else does.
        let is_proxied = person.is_some_and(|person| person.session == PROXY_SESSION);
        let keys = (!is_proxied).then(|| passkeys(keys));
        let ways = view! { {keys}{other_ways(identities)} }.into_any();
        page(person.zip(spending), devices, (ways, links), &said)
    })
}

fn page(
    person: Option<(&Person, PersonCard)>,
    devices: (Vec<SessionCard>, Vec<TokenCard>),
    (ways, links): (AnyView, Vec<ShareCard>),
    said: &str,
) -> AnyView {
    let words = &words().accounts;
    let body = match person {
        Some((person, spending)) => account((person, &spending), devices, (ways, links), said),
        None => view! {
            <p class="lead">{words.nobody_yet}</p>
            <p><a href="/people">{words.add_first}</a></p>
        }
        .into_any(),
    };
    view! {
        <PageTitle text=format!("{} · Earmark", words.account)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.account}</h1>
            {body}
        </main>
    }
    .into_any()
}

fn change_password(name: &str) -> impl IntoView + use<> {
    let words = &words().accounts;
    view! {
        <form class="engine-form" method="post" action="/api/account/password">
            <h2>{words.change_password}</h2>
            <input type="hidden" name="username" autocomplete="username" value=name.to_owned()/>
            {password_field("old", words.old_password, "current-password")}
            {password_field("new", words.new_password, "new-password")}
            <p class="hint">{words.password_hint}</p>
            <button class="button">{words.change_password}</button>
        </form>
    }
}

fn account(
    (person, spending): (&Person, &PersonCard),
    (sessions, tokens): (Vec<SessionCard>, Vec<TokenCard>),
    (ways, links): (AnyView, Vec<ShareCard>),
    said: &str,
) -> AnyView {
    let words = &words().accounts;
    let is_admin = person.role == Role::Admin;
    let (spent, allowance) = (spending.spent_this_month, spending.allowance);
    let spent = (spent > 0 || allowance != Some(0)).then(|| {
        let said =
            allowance.map_or_else(|| (words.spent)(spent), |most| (words.spent_of)(spent, most));
        view! { <p class="hint">{said}</p> }
    });
    let is_token = said.starts_with(TOKEN_PREFIX);
    let password = said.strip_prefix(APP_PASSWORD_MARK).map(str::to_owned);
    let refused = (!is_token && password.is_none() && !said.is_empty())
        .then(|| view! { <p class="refusal" role="alert">{said.to_owned()}</p> });
    let made = is_token.then(|| {
        view! { <p class="said" role="status">{words.made}<br/><code class="token">{said.to_owned()}</code></p> }
    });
    let password = password.map(|password| {
        let said = (words.made_password)(&person.name);
        view! { <p class="said" role="status">{said}<br/><code class="token">{password}</code></p> }
    });
    view! {
        <p class="lead">{(words.logged_in_as)(&person.name, (words.role_name)(person.role))}</p>
        {spent}
        <div class="engine-buttons">
            // Where a proxy lets people in, it lets them out too.
            {(person.session != PROXY_SESSION).then(|| view! {
                <form method="post" action="/logout"><button class="button">{words.log_out}</button></form>
            })}
            {is_admin.then(|| view! { <a class="button quiet-button" href="/people">{words.people}</a> })}
        </div>
        {refused}
        <h2>{words.devices}</h2>
        <ul class="lines">{sessions.into_iter().map(session).collect_view()}</ul>
        {ways}
        {shares(links)}
        <h2>{words.programs}</h2>
        <p class="hint">{words.programs_lead}</p>
        {made}
        {password}
        <ul class="lines">{tokens.into_iter().map(token).collect_view()}</ul>
        <form class="engine-form" method="post" action="/api/tokens">
            <h2>{words.new_token}</h2>
            <label><span>{words.purpose}</span><input name="name" required maxlength="100" autocomplete="off"/></label>
            <label>
                <span>{words.days}</span>
                <input name="days" inputmode="numeric" pattern="[0-9]*" maxlength="4" placeholder=words.for_ever/>
            </label>
            <fieldset>
                <legend>{words.token_may}</legend>
                {Scope::ALL.into_iter().filter(|scope| is_admin || *scope != Scope::Admin).map(|scope| view! {
                    <label class="tick">
                        <input type="checkbox" name=scope.name() checked=Scope::USUAL.contains(&scope)/>
                        <span>{(words.scope)(scope)}</span>
                    </label>
                }).collect_view()}
            </fieldset>
            <button class="button">{words.make}</button>
        </form>
        <form id="apps" class="engine-form" method="post" action="/api/tokens">
            <h2>{words.reading_app}</h2>
            <p class="hint">{words.reading_app_lead}</p>
            <input type="hidden" name="kind" value="reading_app"/>
            <label><span>{words.purpose}</span><input name="name" required maxlength="100" autocomplete="off" placeholder="KOReader"/></label>
            <button class="button">{words.make_password}</button>
        </form>
        {person.has_password.then(|| change_password(&person.name))}
    }
    .into_any()
}

/// Passkeys that let the person in, and how another is made.
fn passkeys(cards: Vec<PasskeyCard>) -> impl IntoView {
    let words = &words().accounts;
    let line = |card: PasskeyCard| {
        let used = card.used_at_ms.map(hours_since);
        let used = used.map_or_else(|| words.never.to_owned(), |hours| (words.seen)(hours));
        let label = format!("{}: {}, {}", words.remove, card.name, card.host);
        view! {
            <li>
                <span><strong dir="auto">{card.name}</strong>" · "{card.host}" · "{used}</span>
                <form method="post" action=format!("/api/passkeys/{}/delete", card.id)>
                    <button class="button quiet-button" aria-label=label>{words.remove}</button>
                </form>
            </li>
        }
    };
    view! {
        <h2 id="passkeys">{words.passkeys}</h2>
        <p class="hint">{words.passkeys_lead}</p>
        <ul class="lines">{cards.into_iter().map(line).collect_view()}</ul>
        <div class="engine-buttons">{passkey_button(PasskeyUse::Make, words.make_passkey, "/account")}</div>
    }
}

/// Providers that let the person in, and those that could.
fn other_ways(identities: Vec<IdentityCard>) -> AnyView {
    let words = &words().accounts;
    let LoginWays(ways) = use_context::<LoginWays>().unwrap_or_default();
    if identities.is_empty() && ways.is_empty() {
        return ().into_any();
    }
    let known = |card: IdentityCard| {
        view! {
            <li>
                <span><strong dir="auto">{card.issuer}</strong></span>
                <form method="post" action=format!("/api/identities/{}/delete", card.id)>
                    <button class="button quiet-button">{words.remove}</button>
                </form>
            </li>
        }
    };
    let link = |(name, label): (String, String)| {
        let address = format!("/account/link/{name}");
        view! { <a class="button quiet-button" href=address>{(words.link_with)(&label)}</a> }
    };
    view! {
        <h2>{words.other_ways}</h2>
        <ul class="lines">{identities.into_iter().map(known).collect_view()}</ul>
        <div class="engine-buttons">{ways.into_iter().map(link).collect_view()}</div>
    }
    .into_any()
}

fn session(card: SessionCard) -> impl IntoView {
    let words = &words().accounts;
    let device = if card.device.is_empty() { words.unknown_device.to_owned() } else { card.device };
    let label = format!("{}: {device}", words.end_session);
    let end = if card.is_this {
        view! { <span class="hint">{words.this_device}</span> }.into_any()
    } else {
        view! {
            <form method="post" action=format!("/api/sessions/{}/delete", card.id)>
                <button class="button quiet-button" aria-label=label>{words.end_session}</button>
            </form>
        }
        .into_any()
    };
    view! {
        <li>
            <span><strong>{device}</strong>" · "{card.address}" · "{(words.seen)(hours_since(card.seen_at_ms))}</span>
            {end}
        </li>
    }
}

fn token(card: TokenCard) -> impl IntoView {
    let words = &words().accounts;
    let used = card.used_at_ms.map(hours_since);
    let used = used.map_or_else(|| words.never.to_owned(), |hours| (words.seen)(hours));
    let ends = card.expires_at_ms.map(|end| (words.ends)(hours_until(end) / 24));
    let ends = ends.unwrap_or_else(|| words.for_ever.to_owned());
    let label = format!("{}: {}", words.withdraw, card.name);
    let scopes: Vec<_> = card.scopes.iter().map(|scope| scope.name()).collect();
    let scopes = scopes.join(", ");
    view! {
        <li>
            <span><strong dir="auto">{card.name}</strong>" · "{scopes}" · "<code>{TOKEN_PREFIX}{card.id.clone()}"…"</code>" · "{used}" · "{ends}</span>
            <form method="post" action=format!("/api/tokens/{}/delete", card.id)>
                <button class="button quiet-button" aria-label=label>{words.withdraw}</button>
            </form>
        </li>
    }
}
