//! What goes on, for Prometheus: on an address of its own, so that neither the public sees it nor a scraper needs a
//! login.
//!
//! Counters are counted where things happen, by the macros of the `metrics` crate, which do nothing unless
//! somebody listens. What can be looked up is looked up when it is asked for.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use app::model::LaneLine;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::AppState;
use super::health::how_it_is;
use crate::jobs::Whose;

/// The upper bounds of what takes time, in seconds: from a clip in memory to a slow speech service.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// How often what was measured is sorted into its buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// One for the process: so are the macros that count.
static EXPORTER: LazyLock<Option<PrometheusHandle>> = LazyLock::new(|| {
    let builder = PrometheusBuilder::new();
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let recorder = match builder.set_buckets_for_metric(seconds, &SECONDS) {
        Ok(builder) => builder.build_recorder(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be counted");
            return None;
        }
    };
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::error!("metrics are counted by somebody else in this process");
        return None;
    }
    describe();
    Some(handle)
});

/// Begins to count; what was before is not known.
pub fn begin() {
    LazyLock::force(&EXPORTER);
}

/// Answers `GET /metrics` until `shutdown`.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: CancellationToken) {
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(async {
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            if let Some(exporter) = &*EXPORTER {
                exporter.run_upkeep();
            }
        }
    }));
    let routes = Router::new().route("/metrics", get(scrape)).with_state(state);
    let served = axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "metrics are served no more");
    }
}

async fn scrape(State(state): State<AppState>) -> impl IntoResponse {
    look(&state).await;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let text = EXPORTER.as_ref().map(PrometheusHandle::render).unwrap_or_default();
    ([(header::CONTENT_TYPE, kind)], text)
}

/// Looks up what is not counted as it happens.
async fn look(state: &AppState) {
    let health = how_it_is(state).await;
    gauge!("earmark_problems").set(health.problems.len() as f64);
    if let Some(queue) = health.queue {
        gauge!("earmark_in_flight").set(queue.in_flight as f64);
        gauge!("earmark_retries_waiting").set(queue.retry as f64);
        gauge!("earmark_dead_letters").set(queue.dead as f64);
        gauge!("earmark_workers").set(queue.workers as f64);
        gauge!("earmark_waiters").set(queue.waiters as f64);
    }
    for bound in health.bounds {
        gauge!("earmark_bound_used", "bound" => bound.name).set(bound.used as f64);
        gauge!("earmark_bound_limit", "bound" => bound.name).set(bound.limit as f64);
    }
    if let Some(redis) = &state.redis {
        gauge!("earmark_redis_up").set(if redis.is_up() { 1.0 } else { 0.0 });
    }
    match state.narrator.lanes().await {
        Ok(lanes) => show_lanes(lanes),
        Err(error) => tracing::warn!(%error, "what waits cannot be counted"),
    }
    match state.jobs.stats(Whose::everybodys()).await {
        Ok(stats) => {
            for (name, count) in [
                ("queued", stats.pending),
                ("running", stats.processing),
                ("paused", stats.paused),
                ("completed", stats.completed),
                ("failed", stats.failed),
                ("cancelled", stats.cancelled),
            ] {
                gauge!("earmark_narrations", "state" => name).set(count as f64);
            }
        }
        Err(error) => tracing::warn!(%error, "narrations cannot be counted"),
    }
    for (engine, _) in state.voices.capacities() {
        let rests = state.narrator.engine_rest(&engine).await.is_some();
        gauge!("earmark_engine_resting", "engine" => engine).set(if rests { 1.0 } else { 0.0 });
    }
}

/// Lanes that were shown before, by class and engine.
static SHOWN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Shows what waits. A lane that is not there any more, as after Redis has lost its data, is empty.
fn show_lanes(lanes: Vec<LaneLine>) {
    let show = |(class, engine): &(String, String), sentences: u64, longest: Option<u64>| {
        let labels = [("class", class.clone()), ("engine", engine.clone())];
        let longest = longest.unwrap_or(0) as f64;
        gauge!("earmark_queue_longest_wait_seconds", &labels).set(longest);
        gauge!("earmark_queue_sentences", &labels).set(sentences as f64);
    };
    let now: BTreeSet<_> = lanes
        .into_iter()
        .map(|LaneLine { engine, class, sentences, longest_seconds }| {
            let lane = (class, engine);
            show(&lane, sentences, longest_seconds);
            lane
        })
        .collect();
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    shown.difference(&now).for_each(|gone| show(gone, 0, None));
    shown.extend(now);
}

fn describe() {
    describe_gauge!("earmark_problems", "Things that are wrong, as /health has them in words");
    describe_gauge!("earmark_queue_sentences", "Sentences that wait, by class and engine");
    describe_gauge!(
        "earmark_queue_longest_wait_seconds",
        "The longest that a book has waited for its turn, by class and engine"
    );
    describe_gauge!("earmark_in_flight", "Sentences that are being made");
    describe_gauge!("earmark_retries_waiting", "Failed sentences that will be tried again");
    describe_gauge!("earmark_dead_letters", "Sentences that failed for good");
    describe_gauge!("earmark_workers", "Workers that have been heard of lately");
    describe_gauge!("earmark_waiters", "Listeners of this server who wait for a clip");
    describe_gauge!("earmark_bound_used", "How full what is bounded is");
    describe_gauge!("earmark_bound_limit", "How full what is bounded may be");
    describe_gauge!("earmark_redis_up", "Whether Redis answers");
    describe_gauge!("earmark_narrations", "Books that are narrated ahead, by state");
    describe_gauge!("earmark_engine_resting", "Whether an engine is left alone for a while");
    describe_gauge!("earmark_streams", "Chapters that are being streamed");
    describe_gauge!("earmark_locks_held", "Sentences that this process alone is having made");
    describe_counter!(
        "earmark_locks_waited_total",
        "Sentences that another process was having made"
    );
    describe_counter!(
        "earmark_leases_lost_total",
        "Sentences taken from workers that were not heard of"
    );
    describe_counter!("earmark_retries_total", "Sentences that failed and are tried again");
    describe_counter!("earmark_stalls_total", "Listeners who waited for longer than a second");
    describe_histogram!("earmark_wait_seconds", "How long listeners waited for clips");
    describe_counter!("earmark_clips_total", "Clips that were asked for, by where they were found");
    describe_counter!(
        "earmark_syntheses_total",
        "Sentences that an engine was asked for, by outcome"
    );
    describe_counter!("earmark_spoken_characters_total", "Characters that an engine has spoken");
    describe_counter!("earmark_spoken_cost_millionths_total", "What that cost, in millionths");
    describe_histogram!("earmark_synthesis_seconds", "How long an engine takes for a sentence");
    describe_histogram!(
        "earmark_http_request_seconds",
        "Until an answer begins, by route and status"
    );
    describe_counter!("earmark_imports_total", "Files that came in, by outcome");
}
