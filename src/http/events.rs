//! The events of a page come in as server functions; here what goes wrong with them is said as everywhere
//! else in the API.

use app::error::AppError;
use app::model::ListenerPosition;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::ACCEPT;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::openapi::LISTENING;
use super::routes::{Needs, Routes};
use super::{ApiError, bodies};

/// The body of an event.
#[derive(Deserialize, ToSchema)]
pub struct Event {
    /// Where the page is
    #[allow(dead_code, reason = "it is read to see whether it can be")]
    place: ListenerPosition,
}

/// The routes, which leptos serves.
pub fn router() -> Routes {
    Routes::default().described(Needs::LISTEN, Events::openapi().paths)
}

/// What the description says of them.
#[derive(OpenApi)]
#[openapi(paths(chapter_open, page_open, chapter_change), components(schemas(Event)))]
pub struct Events;

/// A page opened a chapter: it and the next are made.
///
/// Answers with a request’s id, or null when all is made.
#[utoipa::path(
    post, path = "/api/events/chapter_open", tag = LISTENING, request_body = Event,
    responses((status = 200, body = Option<String>))
)]
#[allow(dead_code, reason = "it describes a server function")]
fn chapter_open() {}

/// Other sentences came into view: the next 15 are made first.
#[utoipa::path(
    post, path = "/api/events/page_open", tag = LISTENING, request_body = Event,
    responses((status = 200, body = Option<String>))
)]
#[allow(dead_code, reason = "it describes a server function")]
fn page_open() {}

/// A listener moved to another chapter.
#[utoipa::path(
    post, path = "/api/events/chapter_change", tag = LISTENING, request_body = Event,
    responses((status = 200, body = Option<String>))
)]
#[allow(dead_code, reason = "it describes a server function")]
fn chapter_change() {}

/// Refuses events that cannot be read, and answers with problem documents.
pub async fn in_our_words(request: Request, next: Next) -> Response {
    let is_event = request.uri().path().starts_with("/api/events/");
    if request.method() != Method::POST || !is_event {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    // Who seems to send a form would be sent back to where they come from, wherever that is.
    parts.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let Ok(bytes) = to_bytes(body, bodies::SMALL_BYTES).await else {
        return ApiError::TooLarge("An event is not that large.".to_owned()).into_response();
    };
    if let Err(error) = serde_json::from_slice::<Event>(&bytes) {
        let reason = format!("The event cannot be read: {error}.");
        return ApiError::BadBody(reason).into_response();
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if response.status().is_success() {
        return response;
    }
    let body = to_bytes(response.into_body(), bodies::SMALL_BYTES).await.unwrap_or_default();
    let error = serde_json::from_slice::<AppError>(&body).unwrap_or(AppError::Internal);
    ApiError::from(error).into_response()
}
