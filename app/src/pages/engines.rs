//! The engines that are configured: added, tested, removed by plain forms.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::{loaded, query};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::model::EngineCard;
use crate::notice::notice;
use crate::words::{self, words};

/// `/engines?added=&tested=&removed=`
#[component]
pub fn EnginesPage() -> impl IntoView {
    let backend = backend();
    let kinds = backend.as_ref().map(|backend| backend.engine_kinds()).unwrap_or_default();
    let load = move || {
        let backend = backend.clone();
        async move { backend?.engines().await }
    };
    let (said, refused, tested) = (said(), notice(), query("tested"));
    loaded(load, move |engines: Vec<EngineCard>| {
        page(engines, kinds.clone(), said.clone(), &refused, &tested)
    })
}

/// What the last form did.
fn said() -> Option<String> {
    let words = &words().operator;
    let all = [("added", words.added), ("tested", words.tested), ("removed", words.removed)];
    all.into_iter().find_map(|(name, say)| {
        let what = query(name);
        // The name of an engine and nothing else: an address says nothing in our name.
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = (1..=64).contains(&what.len()) && what.chars().all(is_name);
        fits.then(|| say(&what))
    })
}

fn page(
    engines: Vec<EngineCard>,
    kinds: Vec<(&'static str, &'static str)>,
    said: Option<String>,
    refused: &str,
    tested: &str,
) -> AnyView {
    let words = &words().operator;
    let is_empty = engines.is_empty();
    view! {
        <PageTitle text=format!("{} · Earmark", words.engines)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.engines}</h1>
            <p class="lead">{words.engines_lead}</p>
            {(!refused.is_empty()).then(|| view! { <p class="refusal" role="alert">{refused.to_owned()}</p> })}
            {said.map(|said| view! { <p class="said" role="status">{said}</p> })}
            {is_empty.then(|| view! { <p class="empty">{words.no_engines}</p> })}
            {engines.into_iter().map(|card| engine(card, tested)).collect_view()}
            {form(kinds)}
            <p class="hint">{words.programs}" "<code>"earmark voices add --help"</code></p>
        </main>
    }
    .into_any()
}

fn engine(card: EngineCard, tested: &str) -> impl IntoView + use<> {
    let words = &words().operator;
    let spent = spending(&card);
    let rest = card.rest.map(|rest| {
        let again = (words.asked_again)(rest.seconds);
        view! { <p class="refusal" role="status">{rest.reason}" "{again}</p> }
    });
    let EngineCard { name, kind_label, url, model, voices, price, concurrency, has_key, .. } = card;
    let instructions = card.instructions;
    let shown =
        voices.iter().take(12).map(|voice| voice.name.clone()).collect::<Vec<_>>().join(", ");
    let more = voices.len().saturating_sub(12);
    let address = format!("/api/engines/{name}");
    let sample = (name == tested).then(|| {
        view! { <audio controls preload="none" src=format!("{address}/test")></audio> }
    });
    let label = |what: &str| format!("{what}: {name}");
    let (test_label, remove_label) = (label(words.test), label(words.remove));
    view! {
        <section class="engine" aria-label=name.clone()>
            <h2>{name.clone()}</h2>
            {rest}
            <dl>
                <dt>{words.kind}</dt><dd>{kind_label}</dd>
                <dt>{words.address}</dt><dd><code>{url}</code></dd>
                <dt>{words.model}</dt><dd>{model}</dd>
                {(!instructions.is_empty())
                    .then(|| view! { <dt>{words.instructions}</dt><dd dir="auto">{instructions}</dd> })}
                <dt>{words.voices}</dt>
                <dd>{shown}{(more > 0).then(|| format!(" + {more}"))}</dd>
                <dt>{words.price}</dt><dd>{price}</dd>
                <dt>{words.concurrency}</dt><dd>{concurrency}</dd>
                <dt>{words.spoken}</dt><dd>{spent}</dd>
                <dt>{words.key}</dt><dd>{if has_key { words.has_key } else { words.no_key }}</dd>
            </dl>
            {sample}
            <div class="engine-buttons">
                <form method="post" action=format!("{address}/test")>
                    <button class="button quiet-button" aria-label=test_label>{words.test}</button>
                </form>
                <form method="post" action=format!("{address}/delete")>
                    <button class="button quiet-button" aria-label=remove_label>{words.remove}</button>
                </form>
            </div>
        </section>
    }
}

/// What an engine has spoken today and this month, and of how much.
fn spending(card: &EngineCard) -> String {
    let words = &words().operator;
    let EngineCard { budget, spent, .. } = card;
    let of = |used: String, limit: String, is_limited: bool| match is_limited {
        false => used,
        true => format!("{used} / {limit}"),
    };
    let line = |characters: u64, most: u64, money: f64, most_money: f64| {
        let characters = of(characters.to_string(), most.to_string(), most > 0);
        let money = of(words::money(money), words::money(most_money), most_money > 0.0);
        (words.characters_and_money)(&characters, &money)
    };
    let today = line(
        spent.characters_today,
        budget.characters_a_day,
        spent.money_today,
        budget.money_a_day,
    );
    let month = line(
        spent.characters_this_month,
        budget.characters_a_month,
        spent.money_this_month,
        budget.money_a_month,
    );
    format!("{}: {today}; {}: {month}", words.today, words.this_month)
}

fn form(kinds: Vec<(&'static str, &'static str)>) -> impl IntoView {
    let words = &words().operator;
    let text = |name: &'static str, label: &'static str, hint: &'static str| {
        view! {
            <label><span>{label}</span><input name=name maxlength="500" placeholder=hint autocomplete="off"/></label>
        }
    };
    view! {
        <form class="engine-form" method="post" action="/api/engines">
            <h2>{words.add}</h2>
            <label>
                <span>{words.name}</span>
                <input name="name" required maxlength="40" pattern="[a-z0-9\\-]+" title=words.name_hint autocomplete="off"/>
            </label>
            <label>
                <span>{words.kind}</span>
                <select name="kind">
                    {kinds.into_iter().map(|(id, name)| view! { <option value=id>{name}</option> }).collect_view()}
                </select>
            </label>
            {text("url", words.address, "https://api.openai.com")}
            <label>
                <span>{words.key}</span>
                <input name="key" type="password" maxlength="500" autocomplete="off"/>
            </label>
            {text("model", words.model, "gpt-4o-mini-tts")}
            <label>
                <span>{words.voices}</span>
                <textarea name="voices" rows="2" placeholder=words.voices_hint></textarea>
            </label>
            {text("price", words.price, "0")}
            <details>
                <summary>{words.more}</summary>
                <label>
                    <span>{words.instructions}</span>
                    <textarea name="instructions" rows="2" maxlength="1000" placeholder=words.instructions_hint></textarea>
                </label>
                {text("concurrency", words.concurrency, "4")}
                {text("first_byte_seconds", words.first_byte_seconds, "60")}
                {text("total_seconds", words.total_seconds, "120")}
                {text("day_characters", words.day_characters, words.no_limit)}
                {text("month_characters", words.month_characters, words.no_limit)}
                {text("day_money", words.day_money, words.no_limit)}
                {text("month_money", words.month_money, words.no_limit)}
                {text("speed", words.speed, "1")}
                {text("sample_rate", words.sample_rate, "24000")}
                <label>
                    <span>{words.wire}</span>
                    <select name="wire">
                        <option value="">{words.usual}</option>
                        <option value="wav">"WAV"</option>
                        <option value="pcm">"PCM"</option>
                        <option value="mp3">"MP3"</option>
                    </select>
                </label>
                <label class="tick"><input type="checkbox" name="words"/><span>{words.words}</span></label>
                <label class="tick"><input type="checkbox" name="context"/><span>{words.context}</span></label>
            </details>
            <button class="button">{words.add}</button>
        </form>
    }
}
