//! How the server is.

use std::sync::Arc;

use app::model::{Person, Role};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::openapi::RUNNING;
use super::routes::{Needs, Routes};
use super::{AppState, Visit};
use crate::narration::Bound;
use crate::queue::QueueStatus;
use crate::redis::{RedisConnection, RedisFigures, RedisHealth};

/// Its route.
pub fn router() -> Routes {
    Routes::default().add(Needs::Nobody, routes!(health))
}

/// Whether all is well.
///
/// Whoever runs the place hears what is wrong too, and how much waits to be spoken; others hear `status` alone.
#[utoipa::path(get, path = "/health", tag = RUNNING, responses((status = 200, body = HealthAnswer)))]
pub async fn health(state: Visit, person: Option<Extension<Arc<Person>>>) -> Response {
    let answer = how_it_is(state.app()).await;
    if person.is_some_and(|Extension(person)| person.role == Role::Admin) {
        return Json(answer).into_response();
    }
    Json(serde_json::json!({ "status": answer.status })).into_response()
}

/// How the server is, looked up now.
pub(super) async fn how_it_is(state: &AppState) -> HealthAnswer {
    let mut problems = Vec::new();
    let voices = state.voices.list().len();
    if voices == 0 {
        problems.push("No voice is installed.".to_owned());
    }
    let redis = state.redis.as_ref().map(RedisConnection::health);
    match &redis {
        Some(RedisHealth::Refusing(reason)) => {
            problems.push(format!("Redis refuses writes: {reason}"))
        }
        Some(RedisHealth::Down(reason)) => problems.push(format!("Redis is gone: {reason}")),
        Some(RedisHealth::Up) | None => {}
    }
    let queue = match state.narrator.status().await {
        Ok(queue) => Some(queue),
        Err(error) => {
            // Of a Redis that is gone it has been said.
            if !matches!(redis, Some(RedisHealth::Down(_))) {
                problems.push(error.to_string());
            }
            None
        }
    };
    if queue.is_some_and(|queue| {
        queue.workers == 0 && queue.prefetch + queue.chapter + queue.background > 0
    }) {
        problems.push("Sentences wait, and no worker is running.".to_owned());
    }
    // Of a Redis that is gone it has been said.
    if !matches!(redis, Some(RedisHealth::Down(_))) {
        problems.extend(state.narrator.problems());
    }
    let redis = match &state.redis {
        None => None,
        Some(connection) => Some(connection.figures().await.unwrap_or_default()),
    };
    let mut bounds = state.narrator.bounds(queue.as_ref());
    bounds.extend(state.limits.bounds());
    let status = if problems.is_empty() { "ok" } else { "degraded" };
    let version = env!("CARGO_PKG_VERSION");
    HealthAnswer { status, problems, version, voices, queue, redis, bounds }
}

/// How the server is.
#[derive(Serialize, ToSchema)]
pub struct HealthAnswer {
    /// `ok`, or `degraded`: it serves, and something is wrong.
    status: &'static str,
    /// What is wrong.
    pub(super) problems: Vec<String>,
    /// Earmark's.
    version: &'static str,
    /// How many can be chosen.
    voices: usize,
    /// Null while the queue cannot be asked.
    pub(super) queue: Option<QueueStatus>,
    /// How Redis is by its own account; null where there is none.
    redis: Option<RedisFigures>,
    /// What is bounded, and how full it is.
    pub(super) bounds: Vec<Bound>,
}
