//! The three events of a reading page, as server functions.
//!
//! Islands call them with a plain `fetch` (`islands/player/post.rs`): the client half that the macro
//! would make costs every first view 8 kB.
// The macro makes a struct of each function's arguments and gives its fields no documentation.
#![allow(missing_docs)]

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::ListenerPosition;

/// A chapter was opened: it and the next are made ready, in reading order. Answers with the id of the
/// request (`GET /api/requests/{id}` tells how far it has come), or null when nothing is left to make.
#[server(prefix = "/api/events", endpoint = "chapter_open", input = server_fn::codec::Json)]
pub async fn chapter_open(place: ListenerPosition) -> Result<Option<String>, AppError> {
    report(crate::backend::backend()?.chapter_open(&checked(place)?).await)
}

/// A page came into view: its next sentences are made ready before anything else.
#[server(prefix = "/api/events", endpoint = "page_open", input = server_fn::codec::Json)]
pub async fn page_open(place: ListenerPosition) -> Result<(), AppError> {
    report(crate::backend::backend()?.page_open(&checked(place)?).await)
}

/// The listener moved to another chapter: what was waiting for the old one is dropped.
#[server(prefix = "/api/events", endpoint = "chapter_change", input = server_fn::codec::Json)]
pub async fn chapter_change(place: ListenerPosition) -> Result<(), AppError> {
    report(crate::backend::backend()?.chapter_change(&checked(place)?).await)
}

/// Longest name a page may give itself, in bytes.
const MAX_LISTENER_BYTES: usize = 64;

fn checked(place: ListenerPosition) -> Result<ListenerPosition, AppError> {
    if place.listener.is_empty() || place.listener.len() > MAX_LISTENER_BYTES {
        let reason = format!("listener must have 1 to {MAX_LISTENER_BYTES} bytes");
        return report(Err(AppError::Invalid(reason)));
    }
    Ok(place)
}

/// Leptos 0.8 answers 500 to every error; this sets the status the error has.
fn report<T>(result: Result<T, AppError>) -> Result<T, AppError> {
    if let (Err(error), Some(response)) = (&result, use_context::<leptos_axum::ResponseOptions>())
        && let Ok(status) = http::StatusCode::from_u16(error.status())
    {
        response.set_status(status);
    }
    result
}
