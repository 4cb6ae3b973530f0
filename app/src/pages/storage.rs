//! What is kept of what was spoken: what it takes, cost and saved, and how much may be kept.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::{loaded, query};
use crate::backend::backend;
use crate::components::{PageTitle, Refusal, SiteHead};
use crate::model::{StorageFigures, StorageLine};
use crate::words::{decimal, money, words};

/// `/storage?removed=`
#[component]
pub fn StoragePage() -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move { backend?.storage().await }
    };
    let removed = query("removed").parse().ok();
    loaded(load, move |figures: StorageFigures| page(figures, removed))
}

fn page(figures: StorageFigures, removed: Option<u64>) -> AnyView {
    let words = &words().operator;
    let StorageFigures { total, engines, voices, books, limits } = figures;
    let titled = books.into_iter().map(|line| {
        let name = line.title.clone().unwrap_or_else(|| match line.name.trim_matches('0') {
            "" => words.other_programs.to_owned(),
            "other" => words.other_books.to_owned(),
            _ => line.name.clone(),
        });
        StorageLine { name, ..line }
    });
    let limit = |name: &'static str, label: &'static str, value: u32| {
        let value = if value > 0 { value.to_string() } else { String::new() };
        view! {
            <label><span>{label}</span><input name=name inputmode="numeric" pattern="[0-9]*" maxlength="7" value=value placeholder=words.no_limit/></label>
        }
    };
    view! {
        <PageTitle text=format!("{} · Earmark", words.storage)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.storage}</h1>
            <Refusal/>
            <p class="lead">{words.storage_lead}</p>
            {removed.map(|removed| view! { <p class="said" role="status">{(words.cleaned)(removed)}</p> })}
            {totals(&total)}
            {table(words.by_engine, engines)}
            {table(words.by_voice, voices)}
            {table(words.by_book, titled.collect())}
            <form class="engine-form" method="post" action="/api/storage">
                <h2>{words.limits}</h2>
                <p class="hint">{words.limits_hint}</p>
                {limit("mb", words.limit_mb, limits.mb)}
                {limit("days", words.limit_days, limits.days)}
                {limit("book_mb", words.limit_book_mb, limits.book_mb)}
                <button class="button">{words.clean}</button>
            </form>
        </main>
    }
    .into_any()
}

fn totals(total: &StorageLine) -> impl IntoView + use<> {
    let words = &words().operator;
    let figures = [
        (words.clips, total.clips.to_string()),
        (words.size, size(total.bytes)),
        (words.characters, total.characters.to_string()),
        (words.hits, total.hits.to_string()),
        (words.hit_rate, rate(total)),
        (words.spent, money(total.spent)),
        (words.saved, money(total.saved)),
    ];
    view! {
        <dl class="totals">
            {figures.map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect_view()}
        </dl>
    }
}

fn table(caption: &'static str, lines: Vec<StorageLine>) -> Option<AnyView> {
    if lines.is_empty() {
        return None;
    }
    let words = &words().operator;
    let heads = [
        words.clips,
        words.size,
        words.characters,
        words.hits,
        words.hit_rate,
        words.spent,
        words.saved,
    ];
    let rows = lines.into_iter().map(|line| {
        let cells = [
            line.clips.to_string(),
            size(line.bytes),
            line.characters.to_string(),
            line.hits.to_string(),
            rate(&line),
            money(line.spent),
            money(line.saved),
        ];
        view! {
            <tr>
                <th scope="row" dir="auto">{line.name}</th>
                {cells.map(|cell| view! { <td>{cell}</td> }).collect_view()}
            </tr>
        }
    });
    let view = view! {
        <div class="table" role="region" aria-label=caption tabindex="0">
            <table>
                <caption>{caption}</caption>
                <thead>
                    <tr><td></td>{heads.map(|head| view! { <th scope="col">{head}</th> }).collect_view()}</tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    };
    Some(view.into_any())
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", decimal(bytes as f64 / 1e6, 1)),
        _ => format!("{} GB", decimal(bytes as f64 / 1e9, 2)),
    }
}

fn rate(line: &StorageLine) -> String {
    match line.heard {
        0 => "–".to_owned(),
        heard => format!("{} %", line.hits * 100 / heard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_for_people() {
        assert_eq!(size(1), "1 kB");
        assert_eq!(size(26_400_000), "26.4 MB");
        assert_eq!(size(1_500_000_000), "1.50 GB");
        let line = StorageLine { heard: 4, hits: 3, ..StorageLine::default() };
        assert_eq!(rate(&line), "75 %");
        assert_eq!(rate(&StorageLine::default()), "–");
    }
}
