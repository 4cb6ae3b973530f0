//! The engines that are configured: added, tested, removed by plain forms.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::{loaded, query};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::model::EngineCard;
use crate::notice::notice;
use crate::words::words;

/// Kinds that a form can add, with the name a person knows.
const KINDS: [(&str, &str); 3] = [
    ("openai", "OpenAI, Kokoro, Speaches, LocalAI…"),
    ("elevenlabs", "ElevenLabs"),
    ("piper", "Piper"),
];

/// `/engines?added=&tested=&removed=`
#[component]
pub fn EnginesPage() -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move { backend?.engines().await }
    };
    let (said, refused, tested) = (said(), notice(), query("tested"));
    loaded(load, move |engines: Vec<EngineCard>| page(engines, said.clone(), &refused, &tested))
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

fn page(engines: Vec<EngineCard>, said: Option<String>, refused: &str, tested: &str) -> AnyView {
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
            {form()}
            <p class="hint">{words.programs}" "<code>"earmark voices add --help"</code></p>
        </main>
    }
    .into_any()
}

fn engine(card: EngineCard, tested: &str) -> impl IntoView + use<> {
    let words = &words().operator;
    let EngineCard { name, kind, url, model, voices, price, concurrency, has_key } = card;
    let kind = KINDS
        .into_iter()
        .find(|(id, _)| *id == kind)
        .map_or(kind.clone(), |(_, name)| name.to_owned());
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
            <dl>
                <dt>{words.kind}</dt><dd>{kind}</dd>
                <dt>{words.address}</dt><dd><code>{url}</code></dd>
                <dt>{words.model}</dt><dd>{model}</dd>
                <dt>{words.voices}</dt>
                <dd>{shown}{(more > 0).then(|| format!(" + {more}"))}</dd>
                <dt>{words.price}</dt><dd>{price}</dd>
                <dt>{words.concurrency}</dt><dd>{concurrency}</dd>
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

fn form() -> impl IntoView {
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
                    {KINDS.map(|(id, name)| view! { <option value=id>{name}</option> })}
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
                {text("concurrency", words.concurrency, "4")}
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
