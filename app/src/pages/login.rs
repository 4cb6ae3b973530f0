//! The pages before anybody is known: logging in, and the first account.

use leptos::prelude::*;
use leptos_meta::Stylesheet;
use leptos_router::location::Url;

use super::query;
use crate::backend::person;
use crate::components::PageTitle;
use crate::islands::Passkeys;
use crate::notice::notice;
use crate::ways::LoginWays;
use crate::words::words;

/// `/login?next=`
#[component]
pub fn LoginPage() -> impl IntoView {
    let words = &words().accounts;
    let fields = view! {
        <input type="hidden" name="next" value=query("next")/>
        {name_field()}
        {password_field("password", words.password, "current-password")}
    };
    let next = query("next");
    let others = ways(&next, words.log_in_with, words.log_in_with_passkey);
    form(words.log_in, None, ("/login", words.log_in), fields.into_any(), others)
}

/// `/setup?code=`
#[component]
pub fn SetupPage() -> impl IntoView {
    let words = &words().accounts;
    let code = query("code");
    let fields = view! {
        <label>
            <span>{words.code}</span>
            <input name="code" required maxlength="20" autocomplete="off" autocapitalize="characters" value=code/>
        </label>
        {name_field()}
        {password_field("password", words.password, "new-password")}
        <p class="hint">{words.password_hint}</p>
    };
    let lead = Some(words.set_up_lead);
    form(words.set_up, lead, ("/setup", words.create), fields.into_any(), ().into_any())
}

/// `/invite?link=`
#[component]
pub fn InvitePage() -> impl IntoView {
    let words = &words().accounts;
    let fields = view! {
        <input type="hidden" name="invitation" value=query("link")/>
        {name_field()}
        {password_field("password", words.password, "new-password")}
        <p class="hint">{words.password_hint}</p>
    };
    let lead = Some(words.invited_lead);
    form(words.invited, lead, ("/invite", words.create), fields.into_any(), ().into_any())
}

/// `/confirm?next=`
#[component]
pub fn ConfirmPage() -> impl IntoView {
    let words = &words().accounts;
    let person = person();
    let name = person.as_ref().map(|person| person.name.clone());
    let others = ways(&query("next"), words.confirm_with, words.confirm_with_passkey);
    if person.is_some_and(|person| !person.has_password) {
        let no_way = use_context::<LoginWays>().is_none_or(|LoginWays(ways)| ways.is_empty());
        let no_way = no_way.then(|| view! { <p>{words.confirm_by_nothing}</p> });
        let body = view! { {no_way}{others} }.into_any();
        door(words.confirm_otherwise, Some(words.confirm_otherwise_lead), body).into_any()
    } else {
        let fields = view! {
            <input type="hidden" name="next" value=query("next")/>
            <input type="hidden" name="username" autocomplete="username" value=name/>
            {password_field("password", words.password, "current-password")}
        };
        let (title, lead) = (words.confirm, Some(words.confirm_lead));
        form(title, lead, ("/confirm", words.go_on), fields.into_any(), others).into_any()
    }
}

/// Other ways in: a passkey, where the browser knows them, and providers.
fn ways(next: &str, say: fn(&str) -> String, by_passkey: &'static str) -> AnyView {
    let LoginWays(ways) = use_context::<LoginWays>().unwrap_or_default();
    let passkey = passkey_button(PasskeyUse::Show, by_passkey, next);
    let next = Url::escape(next);
    let way = |(name, label): (String, String)| {
        let address = format!("/login/{name}?next={next}");
        view! { <a class="button quiet-button" href=address>{say(&label)}</a> }
    };
    let ways: Vec<_> = ways.into_iter().map(way).collect();
    view! { <nav class="engine-buttons">{passkey}{ways}</nav> }.into_any()
}

/// What a passkey is wanted for.
#[derive(Debug, Clone, Copy)]
pub(super) enum PasskeyUse {
    /// To be made.
    Make,
    /// To be shown.
    Show,
}

/// A button for a passkey, which the page shows where the browser knows them.
pub(super) fn passkey_button(
    what: PasskeyUse,
    label: &'static str,
    next: &str,
) -> impl IntoView + use<> {
    let words = &words().accounts;
    let (what, quiet) = match what {
        PasskeyUse::Make => ("make", "button"),
        PasskeyUse::Show => ("show", "button quiet-button"),
    };
    view! {
        <button class=quiet data-passkey=what data-next=next.to_owned() data-failed=words.passkey_failed data-there=words.passkey_there hidden>{label}</button>
        <p class="refusal" role="alert" hidden></p>
        <Passkeys/>
    }
}

/// A page that is one form, and other ways beneath it.
fn form(
    title: &'static str,
    lead: Option<&'static str>,
    (action, button): (&'static str, &'static str),
    fields: AnyView,
    others: AnyView,
) -> impl IntoView {
    let form = view! {
        <form class="engine-form" method="post" action=action>
            {fields}
            <button class="button">{button}</button>
        </form>
        {others}
    };
    door(title, lead, form.into_any())
}

/// A page without ways to pages that nobody is let in to yet.
fn door(title: &'static str, lead: Option<&'static str>, body: AnyView) -> impl IntoView {
    let refused = notice();
    view! {
        <PageTitle text=format!("{title} · Earmark")/>
        <Stylesheet href="/operator.css"/>
        <header class="site-head"><span class="wordmark">"Earmark"</span></header>
        <main class="operator door">
            <h1>{title}</h1>
            {lead.map(|lead| view! { <p class="lead">{lead}</p> })}
            {(!refused.is_empty()).then(|| view! { <p class="refusal" role="alert">{refused}</p> })}
            {body}
        </main>
    }
}

/// What somebody is called.
pub(super) fn name_field() -> impl IntoView {
    let words = &words().accounts;
    view! {
        <label>
            <span>{words.name}</span>
            <input name="name" required maxlength="60" autocomplete="username" autocapitalize="none"/>
        </label>
    }
}

/// A password, as password managers know it.
pub(super) fn password_field(
    name: &'static str,
    label: &'static str,
    autocomplete: &'static str,
) -> impl IntoView {
    let least = (autocomplete == "new-password").then_some("10");
    view! {
        <label>
            <span>{label}</span>
            <input name=name type="password" required minlength=least maxlength="200" autocomplete=autocomplete/>
        </label>
    }
}
