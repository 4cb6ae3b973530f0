//! What goes on here, for whoever runs the place: what waits, who speaks, what it costs and saves.

use std::collections::HashMap;
use std::fmt::Write;

use leptos::prelude::*;
use leptos_meta::Stylesheet;

use super::loaded;
use crate::backend::backend;
use crate::components::{PageTitle, Refusal, SiteHead};
use crate::islands::Live;
use crate::model::{
    Activity, BegunInTime, DeadLetterCard, EngineCard, FigurePoint, LaneLine, NarrationCard,
    NarrationState, NarrationStats, TotalLine, Waiting, WorkerLine,
};
use crate::words::{money, words};

/// Slots that are shown: a day of ten minutes each.
const SLOTS: usize = 144;
/// How wide a slot is drawn, and how high the whole, in units of the drawing.
const SLOT_WIDTH: usize = 5;
const HEIGHT: usize = 120;
/// Failed books that are listed.
const MAX_FAILED: usize = 10;

/// What the page shows: what goes on, the engines, the books that are made ready, and what people are called by their
/// ids.
type Shown =
    (Activity, Vec<EngineCard>, (NarrationStats, Vec<NarrationCard>), HashMap<String, String>);

/// `/dashboard`
#[component]
pub fn DashboardPage() -> impl IntoView {
    let backend = backend();
    let load = move || {
        let backend = backend.clone();
        async move {
            let backend = backend?;
            let people = backend.people().await?;
            let names = people.into_iter().map(|person| (person.id, person.name)).collect();
            let narrations = (backend.narration_stats().await?, backend.narrations(true).await?);
            Ok((backend.activity().await?, backend.engines().await?, narrations, names))
        }
    };
    loaded(load, page)
}

fn page((activity, engines, narrations, names): Shown) -> AnyView {
    let words = &words().dashboard;
    let Activity { problems, waiting, points, slot_ms, dead_letters, .. } = &activity;
    let problems = problems.clone();
    let problems = (!problems.is_empty()).then(|| {
        view! {
            <h2>{words.problems}</h2>
            <ul class="refusal">{problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view()}</ul>
        }
    });
    view! {
        <PageTitle text=format!("{} · Earmark", words.title)/>
        <Stylesheet href="/operator.css"/>
        <SiteHead/>
        <main class="operator dashboard">
            <h1>{words.title}</h1>
            <Refusal/>
            <p class="lead">{words.lead}</p>
            <div data-live="/dashboard/events">
                {problems}
                <h2>{words.now}</h2>
                {now(waiting)}
                {lanes(&activity.lanes)}
                {workers(&activity.workers)}
                <h2>{words.day}</h2>
                {day(points, *slot_ms)}
                {speakers(engines)}
                {ready(narrations)}
                {letters(dead_letters)}
                <h2>{words.month}</h2>
                {month(words.by_engine, &activity.engines)}
                {month(words.by_voice, &activity.voices)}
                {month(words.by_book, &titled(&activity.books, words.others_book))}
                {month(words.by_person, &named(&activity.people, &names))}
            </div>
            <Live/>
        </main>
    }
    .into_any()
}

fn now(waiting: &Waiting) -> impl IntoView + use<> {
    let words = &words().dashboard;
    let figures = [
        (words.prefetch, waiting.prefetch),
        (words.chapter, waiting.chapter),
        (words.background, waiting.background),
        (words.in_flight, waiting.in_flight),
        (words.retry, waiting.retry),
        (words.dead, waiting.dead),
        (words.workers, waiting.workers),
        (words.waiters, waiting.waiters),
        (words.locks, waiting.locks),
    ];
    view! {
        <dl class="totals">
            {figures.map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect_view()}
        </dl>
    }
}

/// What waits of each class for each engine, where something does.
fn lanes(lanes: &[LaneLine]) -> Option<impl IntoView + use<>> {
    let words = &words().dashboard;
    let line = |lane: &LaneLine| {
        let engine = match lane.engine.as_str() {
            "local" => words.local.to_owned(),
            engine => engine.to_owned(),
        };
        let class = match lane.class.as_str() {
            "awaited" => words.awaited,
            "prefetch" => words.prefetch,
            "chapter" => words.chapter,
            _ => words.background,
        };
        let waits = (words.waiting_now)(lane.sentences);
        let longest =
            lane.longest_seconds.map(|seconds| format!(", {}", (words.waiting_longest)(seconds)));
        view! { <li><strong dir="auto">{engine}</strong>" · "{class}": "{waits}{longest}</li> }
    };
    let waiting = lanes.iter().filter(|lane| lane.sentences > 0);
    let lines: Vec<_> = waiting.map(line).collect();
    (!lines.is_empty()).then(|| view! { <h3>{words.waiting}</h3> <ul class="lines">{lines}</ul> })
}

/// Who makes sentences, and of which book.
fn workers(workers: &[WorkerLine]) -> Option<impl IntoView + use<>> {
    let words = &words().dashboard;
    let line = |worker: &WorkerLine| {
        let seen = super::now_ms().saturating_sub(worker.seen_at_ms) / 1000;
        let book = (!worker.book.is_empty())
            .then(|| view! { " · "<span dir="auto">{worker.book.clone()}</span> });
        view! {
            <li>{(words.working)(&worker.name, worker.in_flight)}{book}" · "{(words.seen)(seen)}</li>
        }
    };
    let lines: Vec<_> = workers.iter().map(line).collect();
    (!lines.is_empty()).then(|| view! { <h3>{words.workers}</h3> <ul class="lines">{lines}</ul> })
}

/// What went on in the last day: two drawings, and how long people waited.
fn day(points: &[FigurePoint], slot_ms: u64) -> impl IntoView + use<> {
    let words = &words().dashboard;
    let sum = |name: &str| -> u64 {
        points.iter().filter(|point| point.name == name).map(|point| point.value).sum()
    };
    let (waits, late, locked) = (sum("waits"), sum("late"), sum("lock_waits"));
    let on_time =
        (waits > 0).then(|| (words.on_time)((waits - late.min(waits)) * 100 / waits, waits));
    let queue = [
        ("prefetch", words.prefetch),
        ("chapter", words.chapter),
        ("background", words.background),
    ];
    let clips = [("heard", words.heard), ("hits", words.hits), ("made", words.made)];
    view! {
        {chart(words.queue_chart, points, slot_ms, &queue)}
        {chart(words.clips_chart, points, slot_ms, &clips)}
        <p>
            {on_time.unwrap_or_else(|| words.no_waits.to_owned())}
        </p>
        {(locked > 0).then(|| view! { <p>{(words.lock_waits)(locked)}</p> })}
    }
}

/// A line for each of some figures, over the last day.
fn chart(
    caption: &'static str,
    points: &[FigurePoint],
    slot_ms: u64,
    lines: &[(&'static str, &'static str)],
) -> impl IntoView + use<> {
    let slot_ms = slot_ms.max(1);
    let last = super::now_ms() / slot_ms;
    let first = last.saturating_sub(SLOTS as u64 - 1);
    let is_shown = |point: &&FigurePoint| lines.iter().any(|(name, _)| *name == point.name);
    let most = points.iter().filter(is_shown).map(|point| point.value).max().unwrap_or(0);
    let scale = most.max(1);
    let path = |wanted: &str| {
        let mut values = [0; SLOTS];
        for point in points.iter().filter(|point| point.name == wanted) {
            let slot = (point.at_ms / slot_ms).checked_sub(first);
            let slot = slot.and_then(|slot| usize::try_from(slot).ok());
            if let Some(value) = slot.and_then(|slot| values.get_mut(slot)) {
                *value = point.value;
            }
        }
        let mut path = String::new();
        for (slot, value) in values.into_iter().enumerate() {
            let y = HEIGHT as u64 - value * HEIGHT as u64 / scale;
            let (from, to) = (slot * SLOT_WIDTH, (slot + 1) * SLOT_WIDTH);
            let start = if slot == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{start}{from} {y}H{to}");
        }
        path
    };
    let drawn = lines.iter().enumerate().map(|(at, (name, _))| {
        view! { <path class=format!("line line-{at}") d=path(name)></path> }
    });
    let keys = lines.iter().enumerate().map(|(at, (_, label))| {
        view! { <li><span class=format!("key line-{at}")></span>{*label}</li> }
    });
    let (width, height) = (SLOTS * SLOT_WIDTH, HEIGHT + 4);
    view! {
        <figure class="chart">
            <figcaption>{caption}</figcaption>
            <svg role="img" aria-label=format!("{caption}: {most}") viewBox=format!("0 -2 {width} {height}") preserveAspectRatio="none">
                {drawn.collect_view()}
            </svg>
            <p class="scale"><span>"−24 h"</span><span>{format!("0 – {most}")}</span><span>{words().dashboard.at_last}</span></p>
            <ul class="chart-keys">{keys.collect_view()}</ul>
        </figure>
    }
}

fn speakers(engines: Vec<EngineCard>) -> Option<impl IntoView> {
    let words = &words().dashboard;
    let line = |card: EngineCard| {
        let state = match &card.rest {
            None => words.speaks.to_owned(),
            Some(rest) => (words.rests)(&rest.reason, rest.seconds),
        };
        let spent = &card.spent;
        view! {
            <li>
                <strong dir="auto">{card.name.clone()}</strong>" · "{state}" · "
                {format!("{} {}, {} {}", money(spent.money_today), words.today, money(spent.money_this_month), words.month.to_lowercase())}
            </li>
        }
    };
    (!engines.is_empty()).then(|| {
        view! {
            <h2><a href="/engines">{words.engines}</a></h2>
            <ul class="lines">{engines.into_iter().map(line).collect_view()}</ul>
        }
    })
}

fn ready((stats, cards): (NarrationStats, Vec<NarrationCard>)) -> impl IntoView {
    let words = &words().dashboard;
    let NarrationStats { pending, processing, completed_today, failed, .. } = stats;
    let line = |card: NarrationCard| {
        let label = format!("{}: {}", crate::words::words().narrations.retry, card.title);
        view! {
            <li>
                <span><strong dir="auto">{card.title.clone()}</strong>" · "{card.error.clone()}</span>
                <form method="post" action=format!("/api/narrations/{}/retry", card.id)>
                    <button class="button quiet-button" aria-label=label>{crate::words::words().narrations.retry}</button>
                </form>
            </li>
        }
    };
    let goal = |of: BegunInTime, words: fn(u64, u64, u64) -> String| {
        (of.begun > 0).then(|| format!("{} ", words(of.in_time, of.begun, of.goal_seconds / 60)))
    };
    let goals = [goal(stats.members, words.of_members), goal(stats.listeners, words.of_listeners)];
    let failures = cards.into_iter().filter(|card| card.state == NarrationState::Failed);
    let failures: Vec<_> = failures.take(MAX_FAILED).collect();
    view! {
        <h2><a href="/narrations?all=true">{words.narrations}</a></h2>
        <p>{(words.narrations_now)(pending, processing, completed_today, failed)}</p>
        <p>{(words.narrations_waits)(stats.wait_seconds_p50, stats.wait_seconds_p95)}" "{goals}</p>
        {(!failures.is_empty()).then(|| view! {
            <h3>{words.failed_narrations}</h3>
            <ul class="lines">{failures.into_iter().map(line).collect_view()}</ul>
        })}
    }
}

fn letters(letters: &[DeadLetterCard]) -> impl IntoView + use<> {
    let words = &words().dashboard;
    let line = |card: &DeadLetterCard| {
        let place = format!("/read/{}/{}#s{}", card.book, card.chapter, card.sentence);
        let what = match card.book.is_empty() {
            true => view! { <span>{words.others_book}</span> }.into_any(),
            false => {
                view! { <a href=place dir="auto">{card.text.clone()}</a>" · "{card.error.clone()} }
                    .into_any()
            }
        };
        view! { <li><span>{what}" · "{card.voice.clone()}</span></li> }
    };
    let lines: Vec<_> = letters.iter().map(line).collect();
    let body = if lines.is_empty() {
        view! { <p>{words.letters_none}</p> }.into_any()
    } else {
        view! {
            <ul class="lines">{lines}</ul>
            <div class="engine-buttons">
                <form method="post" action="/api/dead-letters/retry"><button class="button">{words.letters_retry}</button></form>
                <form method="post" action="/api/dead-letters/discard"><button class="button quiet-button">{words.letters_discard}</button></form>
            </div>
        }
        .into_any()
    };
    view! { <h2>{words.letters}</h2> {body} }
}

fn month(caption: &'static str, lines: &[TotalLine]) -> Option<impl IntoView + use<>> {
    let words = &words().dashboard;
    let heads = [words.made, words.heard, words.hit_rate, words.spent, words.saved];
    let row = |line: &TotalLine| {
        let rate = (line.hits * 100).checked_div(line.heard).unwrap_or(0);
        let cells = [
            line.made.to_string(),
            line.heard.to_string(),
            format!("{rate} %"),
            money(line.spent),
            money(line.saved),
        ];
        view! {
            <tr>
                <th scope="row" dir="auto">{line.name.clone()}</th>
                {cells.map(|cell| view! { <td>{cell}</td> }).collect_view()}
            </tr>
        }
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <div class="table" role="region" aria-label=caption tabindex="0">
                <table>
                    <caption>{caption}</caption>
                    <thead>
                        <tr><td></td>{heads.map(|head| view! { <th scope="col">{head}</th> }).collect_view()}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    })
}

/// Books by their titles; others' own, and those that are gone, are one.
fn titled(lines: &[TotalLine], others: &str) -> Vec<TotalLine> {
    let (mut titled, unseen): (Vec<_>, Vec<_>) =
        lines.iter().cloned().partition(|line| !line.name.is_empty());
    let unseen = unseen.into_iter().reduce(|all, line| TotalLine {
        made: all.made + line.made,
        heard: all.heard + line.heard,
        hits: all.hits + line.hits,
        spent: all.spent + line.spent,
        saved: all.saved + line.saved,
        ..all
    });
    titled.extend(unseen.map(|line| TotalLine { name: others.to_owned(), ..line }));
    titled
}

/// People by their names.
fn named(lines: &[TotalLine], names: &HashMap<String, String>) -> Vec<TotalLine> {
    let named = |line: &TotalLine| TotalLine {
        name: names.get(&line.name).cloned().unwrap_or_else(|| line.name.clone()),
        ..line.clone()
    };
    lines.iter().map(named).collect()
}
