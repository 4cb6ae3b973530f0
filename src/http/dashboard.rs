//! What goes on here, for whoever runs the place: in figures, and on a page that changes by itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::model::{Activity, Person};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Extension, Json};
use futures::{Stream, StreamExt};
use serde::Serialize;
use utoipa_axum::routes;

use super::forms::{answer, wants_page};
use super::openapi::RUNNING;
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};
use crate::jobs::Whose;

/// The page.
const PAGE: &str = "/dashboard";
/// How often is looked whether something has changed, while the page is open.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ADMIN, routes!(activity))
        .add(Needs::ADMIN, routes!(retry))
        .add(Needs::ADMIN, routes!(discard))
        .page(Needs::ADMIN, Method::POST, "/api/dead-letters/discard", post(discard))
        .page(Needs::ADMIN, Method::GET, "/dashboard/events", get(events))
        .lasting(&["/dashboard/events"])
}

/// How many sentences it was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Letters {
    /// Dead letters that were put back or thrown away
    count: usize,
}

/// What waits, what went on in the last 24 hours, and what was made, heard and saved this month.
#[utoipa::path(get, path = "/api/activity", tag = RUNNING, responses((status = 200, body = Activity)))]
pub async fn activity(state: Visit) -> Result<Json<Activity>, ApiError> {
    Ok(Json(state.narrator.activity().await?))
}

/// Tries all dead letters again: sentences that failed for good.
#[utoipa::path(post, path = "/api/dead-letters/retry", tag = RUNNING, responses((status = 200, body = Letters)))]
pub async fn retry(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let count = state.narrator.retry_dead_letters().await?;
    note(&state, &admin, "dead letters", &format!("{count} tried again")).await;
    Ok(told(&headers, count))
}

/// Throws all dead letters away.
#[utoipa::path(delete, path = "/api/dead-letters", tag = RUNNING, responses((status = 200, body = Letters)))]
pub async fn discard(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let count = state.narrator.discard_dead_letters().await?;
    note(&state, &admin, "dead letters", &format!("{count} thrown away")).await;
    Ok(told(&headers, count))
}

fn told(headers: &HeaderMap, count: usize) -> Response {
    use axum::response::IntoResponse;

    match wants_page(headers) {
        true => answer(headers, PAGE, Ok(StatusCode::NO_CONTENT)),
        false => Json(Letters { count }).into_response(),
    }
}

/// `GET /dashboard/events`: says `changed` at once and each time that something is other than it was.
async fn events(state: Visit) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let shutdown = state.shutdown.clone().cancelled_owned();
    let logged_out = Box::pin(state.logged_out());
    let events = async_stream::stream! {
        let mut known = None;
        loop {
            // What cannot be looked up now is looked up again.
            let now = (state.narrator.activity().await, state.jobs.stats(Whose::everybodys()).await);
            if let (Ok(mut activity), Ok(stats)) = now {
                // That time passes is no news.
                activity.workers.iter_mut().for_each(|worker| worker.seen_at_ms = 0);
                activity.lanes.iter_mut().for_each(|lane| lane.longest_seconds = None);
                let now = (activity, stats);
                // The first time too: since the page was made something may have changed.
                if known.as_ref() != Some(&now) {
                    // An event without data is none to a browser (HTML, section 9.2.6).
                    yield Ok(Event::default().event("changed").data("activity"));
                }
                known = Some(now);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    Sse::new(events.take_until(shutdown).take_until(logged_out)).keep_alive(KeepAlive::default())
}
