//! Voices that can be installed: a card each, with plain forms.

use leptos::prelude::*;
use leptos_meta::{Meta, Stylesheet};

use super::{loaded, query};
use crate::backend::backend;
use crate::components::{PageTitle, SiteHead};
use crate::model::{FAST_ENOUGH, PackCard, PackProgress, PackState, PackVoice};
use crate::notice::notice;
use crate::words::{decimal, words};

/// `/voices?begun=&removed=`
#[component]
pub fn PacksPage() -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move { Ok(backend?.packs()) }
    };
    let (begun, removed, refused) = (query("begun"), query("removed"), notice());
    loaded(load, move |packs: Vec<PackCard>| page(packs, &begun, &removed, refused.clone()))
}

fn page(packs: Vec<PackCard>, begun: &str, removed: &str, refused: String) -> AnyView {
    let said = &words().packs;
    // Only what is a pack's name is repeated in a page of ours.
    let title = |name: &str| packs.iter().find(|pack| pack.name == name).map(|pack| &pack.title);
    let told = title(begun).map(|title| (said.begun)(title));
    let told = told.or_else(|| title(removed).map(|title| (said.removed)(title)));
    let is_working = packs.iter().any(|pack| matches!(pack.state, PackState::Installing(_)));
    view! {
        <PageTitle text=format!("{} · Earmark", said.title)/>
        <Stylesheet href="/operator.css"/>
        {is_working.then(|| view! { <Meta http_equiv="refresh" content="2"/> })}
        <SiteHead/>
        <main class="operator">
            <h1>{said.title}</h1>
            <p class="lead">{said.lead}</p>
            {(!refused.is_empty()).then(|| view! { <p class="refusal" role="alert">{refused}</p> })}
            {told.map(|told| view! { <p class="said" role="status">{told}</p> })}
            {packs.into_iter().map(card).collect_view()}
            <p class="hint">
                {said.others}" "<a href="/engines">{words().operator.engines}</a>". "
                {said.command}" "<code>"earmark voices install NAME --from FOLDER"</code>
            </p>
        </main>
    }
    .into_any()
}

fn card(pack: PackCard) -> impl IntoView {
    let said = &words().packs;
    let address = format!("/api/packs/{}", pack.name);
    let state = state(&pack);
    let is_installed = matches!(pack.state, PackState::Installed { .. });
    let samples = (is_installed || pack.has_samples).then(|| {
        let name = &pack.name;
        samples(&pack.voices, |own| match is_installed {
            true => format!("{address}/sample?voice={own}"),
            false => format!("/samples/{name}/{own}.mp3"),
        })
    });
    let buttons = buttons(&pack, &address);
    let languages = pack.languages.iter().map(|tag| language(tag));
    let languages = languages.collect::<Vec<_>>().join(", ");
    let size = match pack.bytes {
        0 => said.is_bundled.to_owned(),
        bytes => format!("{:.0} MB", bytes as f64 / 1e6),
    };
    let PackCard { title, licence, about, voices, .. } = pack;
    let label = title.clone();
    view! {
        <section class="engine pack" aria-label=label>
            <h2>{title}</h2>
            {state}
            <dl>
                <dt>{said.languages}</dt><dd>{languages}" · "{(said.voices)(voices.len())}</dd>
                <dt>{said.size}</dt><dd>{size}</dd>
                <dt>{said.licence}</dt>
                <dd>{licence}" · "<a href=about rel="noreferrer">{said.about}</a></dd>
            </dl>
            {samples}
            {buttons}
        </section>
    }
}

/// A language as a reader calls it.
fn language(tag: &str) -> String {
    (words().packs.language)(tag).unwrap_or(tag).to_owned()
}

/// What has become of it here.
fn state(pack: &PackCard) -> AnyView {
    let said = &words().packs;
    match &pack.state {
        PackState::Absent => ().into_any(),
        PackState::Installing(progress) => {
            let PackProgress { done, bytes, step } = progress;
            let text = (said.steps)(*step, progress.percent());
            view! {
                <p role="status">
                    {text}
                    <progress max=bytes.to_string() value=done.to_string() aria-label=pack.title.clone()></progress>
                </p>
            }
            .into_any()
        }
        PackState::Failed { reason } => {
            view! { <p class="refusal" role="status">{said.failed}" "{reason.clone()}</p> }
                .into_any()
        }
        PackState::Installed { times_real } => {
            let speed = times_real.map(|times| (said.as_fast)(&decimal(times, 1)));
            let slow = times_real.filter(|times| *times < FAST_ENOUGH).map(|_| said.too_slow);
            view! { <p><strong>{said.installed}</strong>". "{speed}" "{slow}</p> }.into_any()
        }
    }
}

/// A sample of each voice, the first in sight; `source` is where that of a voice is.
fn samples(voices: &[PackVoice], source: impl Fn(&str) -> String) -> AnyView {
    let said = &words().packs;
    let sample = |voice: &PackVoice| {
        let own = voice.id.split_once(':').map_or("", |(_, own)| own);
        let source = source(own);
        let label = (said.sample)(&voice.name);
        let about = format!("{}, {}", language(&voice.language), (said.speaker)(voice.speaker));
        view! {
            <li>
                <span>{voice.name.clone()}" · "{about}</span>
                <audio controls preload="none" src=source aria-label=label></audio>
            </li>
        }
    };
    let first = voices.iter().take(1).map(sample).collect_view();
    let others = voices.iter().skip(1).map(sample).collect::<Vec<_>>();
    let more = (said.more)(others.len());
    let others = (!others.is_empty()).then(|| {
        view! {
            <details>
                <summary>{more}</summary>
                <ul class="samples" role="list">{others}</ul>
            </details>
        }
    });
    view! { <ul class="samples" role="list">{first}</ul>{others} }.into_any()
}

fn buttons(pack: &PackCard, address: &str) -> AnyView {
    let said = &words().packs;
    let (what, label) = match &pack.state {
        PackState::Installed { .. } if pack.is_bundled => return ().into_any(),
        PackState::Absent if pack.is_bundled => return ().into_any(),
        PackState::Absent => ("", said.install),
        PackState::Failed { .. } => ("", said.again),
        PackState::Installing(_) => ("/delete", said.stop),
        PackState::Installed { .. } => ("/delete", said.remove),
    };
    let is_main = what.is_empty();
    let name = format!("{label}: {}", pack.title);
    view! {
        <form method="post" action=format!("{address}{what}")>
            <button class="button" class:quiet-button=!is_main aria-label=name>{label}</button>
        </form>
    }
    .into_any()
}
