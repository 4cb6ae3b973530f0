//! The pages before anybody is known: logging in, and the first account.

use leptos::prelude::*;
use leptos_meta::Stylesheet;
use leptos_router::location::Url;

use super::query;
use crate::backend::person;
use crate::components::PageTitle;
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
    let others = ways(&next, words.log_in_with).into_any();
    view! { {form(words.log_in, None, "/login", words.log_in, fields.into_any())} {others} }
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
    form(words.set_up, Some(words.set_up_lead), "/setup", words.create, fields.into_any())
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
    form(words.invited, Some(words.invited_lead), "/invite", words.create, fields.into_any())
}

/// `/confirm?next=`
#[component]
pub fn ConfirmPage() -> impl IntoView {
    let words = &words().accounts;
    let person = person();
    let name = person.as_ref().map(|person| person.name.clone());
    let others = ways(&query("next"), words.confirm_with).into_any();
    let body = if person.is_some_and(|person| !person.has_password) {
        let no_way = use_context::<LoginWays>().is_none_or(|LoginWays(ways)| ways.is_empty());
        let no_way = no_way.then(|| view! { <p>{words.confirm_by_nothing}</p> }).into_any();
        door(words.confirm_otherwise, Some(words.confirm_otherwise_lead), no_way).into_any()
    } else {
        let fields = view! {
            <input type="hidden" name="next" value=query("next")/>
            <input type="hidden" name="username" autocomplete="username" value=name/>
            {password_field("password", words.password, "current-password")}
        };
        let (title, lead) = (words.confirm, Some(words.confirm_lead));
        form(title, lead, "/confirm", words.go_on, fields.into_any()).into_any()
    };
    view! { {body} {others} }
}

/// Other ways in, where there are any.
fn ways(next: &str, say: fn(&str) -> String) -> impl IntoView + use<> {
    let LoginWays(ways) = use_context::<LoginWays>().unwrap_or_default();
    let next = Url::escape(next);
    let way = |(name, label): (String, String)| {
        let address = format!("/login/{name}?next={next}");
        view! { <a class="button quiet-button" href=address>{say(&label)}</a> }
    };
    let ways: Vec<_> = ways.into_iter().map(way).collect();
    (!ways.is_empty()).then(|| view! { <nav class="operator door ways">{ways}</nav> })
}

/// A page that is one form.
fn form(
    title: &'static str,
    lead: Option<&'static str>,
    action: &'static str,
    button: &'static str,
    fields: AnyView,
) -> impl IntoView {
    let form = view! {
        <form class="engine-form" method="post" action=action>
            {fields}
            <button class="button">{button}</button>
        </form>
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
