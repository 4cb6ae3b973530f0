//! Voices that can be installed, over HTTP: listed, installed, heard, removed. Forms and programs use the same addresses.

use app::model::PackCard;
use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::notice;
use super::preferences::{redirect_with_notice, wants_page};
use super::{ApiError, Visit};
use crate::speech::neural::sample_sentence;
use crate::speech::packs;

/// The page that forms come from.
const PAGE: &str = "/voices";

/// `GET /api/packs`
pub async fn list(state: Visit) -> Json<Vec<PackCard>> {
    Json(state.packs.cards())
}

/// `POST /api/packs/{name}`: begins to install one; `GET /api/packs` says how far it is.
pub async fn install(state: Visit, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match state.packs.begin(&name).map_err(ApiError::from) {
        Ok(()) if wants_page(&headers) => redirect_with_notice(PAGE, "begun", &name),
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => refused(&headers, error),
    }
}

/// `DELETE /api/packs/{name}`: removes one, or stops installing it; forms post to `/api/packs/{name}/delete`.
pub async fn remove(state: Visit, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match state.packs.remove(&name).await.map_err(ApiError::from) {
        Ok(()) if wants_page(&headers) => redirect_with_notice(PAGE, "removed", &name),
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&headers, error),
    }
}

/// Asks for a sample.
#[derive(Debug, Deserialize)]
pub struct SampleQuery {
    /// The pack's own name for one of its voices; its first when it is empty.
    #[serde(default)]
    voice: String,
}

/// `GET /api/packs/{name}/sample?voice=`: a sentence in one of its voices.
pub async fn sample(
    state: Visit,
    Path(name): Path<String>,
    Query(query): Query<SampleQuery>,
) -> Result<Response, ApiError> {
    let pack = packs::known(&name)?;
    let voice = pack.voices.iter().find(|voice| voice.own == query.voice);
    let voice = voice.or_else(|| pack.voices.first().filter(|_| query.voice.is_empty()));
    let own = voice.map_or(query.voice.as_str(), |voice| voice.own);
    let sentence = sample_sentence(voice.map_or("en", |voice| voice.language));
    let spoken = state.narrator.say(sentence, &format!("{name}:{own}"), "en").await?;
    Ok(([(header::CONTENT_TYPE, "audio/mpeg")], spoken.bytes).into_response())
}

fn refused(headers: &HeaderMap, error: ApiError) -> Response {
    if wants_page(headers) {
        notice::refused(PAGE, &error.to_string())
    } else {
        error.into_response()
    }
}
