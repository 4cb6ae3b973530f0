//! What other programs can ask for, to be read by people.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use crate::backend::backend;
use crate::components::{ErrorPage, PageTitle, SiteHead};
use crate::model::EndpointCard;
use crate::words::words;

/// `/developers`
#[component]
pub fn DevelopersPage() -> impl IntoView {
    match backend() {
        Ok(backend) => page(backend.endpoints()),
        Err(error) => view! { <ErrorPage error/> }.into_any(),
    }
}

fn page(endpoints: Vec<EndpointCard>) -> AnyView {
    let words = &words().operator;
    let mut group = String::new();
    let lines = endpoints.into_iter().map(|card| {
        let heading = (card.group != group).then(|| view! { <h2>{card.group.clone()}</h2> });
        group = card.group.clone();
        view! { {heading} {endpoint(card)} }
    });
    let lines = lines.collect_view();
    let example = "curl -X POST http://127.0.0.1:3000/v1/audio/speech \\\n  -d '{\"model\": \"espeak-ng\", \"voice\": \"en-us\", \"input\": \"Hello.\"}' > hello.mp3";
    view! {
        <PageTitle text=format!("{} · Earmark", words.api)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.api}</h1>
            <p class="lead">{words.api_lead}" "<a href="/api/openapi.json">"OpenAPI"</a></p>
            <pre tabindex="0"><code>{example}</code></pre>
            {lines}
        </main>
    }
    .into_any()
}

fn endpoint(card: EndpointCard) -> impl IntoView {
    let words = &words().operator;
    let parameters = card.parameters.into_iter().map(|(name, says)| {
        view! { <dt><code>{name}</code></dt><dd>{says}</dd> }
    });
    let parameters: Vec<_> = parameters.collect();
    let list = (!parameters.is_empty()).then(|| view! { <dl>{parameters}</dl> });
    let answer =
        (!card.answer.is_empty()).then(|| view! { <p class="hint">"→ " {card.answer}</p> });
    let needs = (!card.needs.is_empty())
        .then(|| view! { <p class="hint">{words.asked_by}": "{card.needs}</p> });
    view! {
        <section class="endpoint">
            <h3><code><b>{card.method}</b>" "{card.path}</code></h3>
            <p>{card.summary}</p>
            {needs}
            {list}
            {answer}
        </section>
    }
}
