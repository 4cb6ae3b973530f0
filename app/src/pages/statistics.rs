//! How long the reader has read and listened: for nobody else.

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::loaded;
use crate::backend::backend;
use crate::components::{PageTitle, Refusal, SiteHead};
use crate::model::{ReadingDay, ReadingStatistics};
use crate::words::{length, words};

/// How wide a day is drawn, and how high the whole, in units of the drawing.
const DAY_WIDTH: usize = 20;
const HEIGHT: u64 = 120;
/// The least that the picture is high for, so that a minute is not a tower.
const LEAST_S: u64 = 1_800;

/// `/statistics`
#[component]
pub fn StatisticsPage() -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move { backend?.reading_statistics().await }
    };
    loaded(load, page)
}

fn page(figures: ReadingStatistics) -> AnyView {
    let words = &words().statistics;
    let ReadingStatistics { days, streak, read_s, listened_s, books_finished } = figures;
    let today = days.last().map(|day| day.read_s + day.listened_s).unwrap_or_default();
    let facts = [
        (words.today, length(today * 1000)),
        (words.in_a_row, (words.days)(streak)),
        (words.read, length(read_s * 1000)),
        (words.listened, length(listened_s * 1000)),
        (words.finished, books_finished.to_string()),
    ];
    let facts = facts.map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> });
    view! {
        <PageTitle text=format!("{} · Earmark", words.title)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator">
            <h1>{words.title}</h1>
            <Refusal/>
            <p class="lead">{words.lead}</p>
            <dl class="reading-facts">{facts}</dl>
            {picture(&days)}
            <details class="erase">
                <summary>{words.erase}</summary>
                <form method="post" action="/api/statistics/delete">
                    <p class="hint">{words.erase_hint}</p>
                    <button class="button danger">{words.erase_now}</button>
                </form>
            </details>
        </main>
    }
    .into_any()
}

/// A bar a day: what was listened to below, what was read without the voice on top of it.
fn picture(days: &[ReadingDay]) -> impl IntoView + use<> {
    let words = &words().statistics;
    let most = days.iter().map(|day| day.read_s + day.listened_s).max().unwrap_or_default();
    let scale = most.max(LEAST_S);
    let bars = days.iter().enumerate().map(|(at, day)| {
        let (listened, all) =
            (day.listened_s * HEIGHT / scale, (day.read_s + day.listened_s) * HEIGHT / scale);
        let x = at * DAY_WIDTH + 2;
        let minutes = length((day.read_s + day.listened_s) * 1000);
        let bar = |class: &'static str, from: u64, to: u64| {
            view! { <rect class=class x=x y=HEIGHT - to width=DAY_WIDTH - 4 height=to - from></rect> }
        };
        view! {
            <g>
                <title>{format!("{}: {minutes}", day.day)}</title>
                {bar("listened", 0, listened)} {bar("read", listened, all)}
            </g>
        }
    });
    let (width, height) = (days.len() * DAY_WIDTH, HEIGHT + 2);
    let label = format!("{}: {}", words.picture, length(most * 1000));
    view! {
        <figure class="chart reading-days">
            <figcaption>{words.picture}</figcaption>
            <svg role="img" aria-label=label viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none">
                {bars.collect_view()}
            </svg>
            <ul class="chart-keys">
                <li><span class="key listened"></span>{words.listened}</li>
                <li><span class="key read"></span>{words.read}</li>
            </ul>
            {table(days)}
        </figure>
    }
}

/// The same in figures, of the days on which there was something.
fn table(days: &[ReadingDay]) -> Option<impl IntoView + use<>> {
    let words = &words().statistics;
    let row = |day: &ReadingDay| {
        view! {
            <tr>
                <th scope="row">{day.day.clone()}</th>
                <td>{length(day.listened_s * 1000)}</td>
                <td>{length(day.read_s * 1000)}</td>
            </tr>
        }
    };
    let rows: Vec<_> =
        days.iter().rev().filter(|day| day.read_s + day.listened_s > 0).map(row).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <details>
                <summary>{words.in_figures}</summary>
                <table>
                    <thead>
                        <tr><td></td><th scope="col">{words.listened}</th><th scope="col">{words.read}</th></tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </details>
        }
    })
}
