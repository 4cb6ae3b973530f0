//! Voices that can be installed, over HTTP: listed, installed, heard, removed. Forms and programs use the same addresses.

use std::sync::Arc;

use app::model::{PackCard, Person};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::extract::{ApiPath, ApiQuery};
use super::forms::{redirect_with_notice, refused, wants_page};
use super::openapi::{Binary, RUNNING};
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};
use crate::speech::neural::sample_sentence;
use crate::speech::packs;

/// The page that forms come from.
const PAGE: &str = "/voices";

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ADMIN, routes!(list))
        .add(Needs::ADMIN, routes!(install, remove))
        .page(Needs::ADMIN, Method::POST, "/api/packs/{name}/delete", post(remove))
        .add(Needs::ADMIN, routes!(sample))
}

/// The natural voices that can be installed, and what has become of each on this server.
#[utoipa::path(get, path = "/api/packs", tag = RUNNING, responses((status = 200, body = Vec<PackCard>)))]
pub async fn list(state: Visit) -> Json<Vec<PackCard>> {
    Json(state.packs.cards())
}

/// Begins to install one.
///
/// `GET /api/packs` says how far it is.
#[utoipa::path(
    post, path = "/api/packs/{name}", tag = RUNNING,
    params(("name" = String, Path, description = "As the list has it")),
    responses((status = 202))
)]
pub async fn install(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let begun = state.packs.begin(&name).map_err(ApiError::from);
    if begun.is_ok() {
        note(&state, &admin, "voice", &name).await;
    }
    match begun {
        Ok(()) if wants_page(&headers) => redirect_with_notice(PAGE, "begun", &name),
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => refused(&headers, PAGE, error),
    }
}

/// Removes one, or stops installing it.
#[utoipa::path(
    delete, path = "/api/packs/{name}", tag = RUNNING,
    params(("name" = String, Path, description = "As the list has it")),
    responses((status = 204))
)]
pub async fn remove(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let removed = state.packs.remove(&name).await.map_err(ApiError::from);
    if removed.is_ok() {
        note(&state, &admin, "voice_removed", &name).await;
    }
    match removed {
        Ok(()) if wants_page(&headers) => redirect_with_notice(PAGE, "removed", &name),
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&headers, PAGE, error),
    }
}

/// Asks for a sample.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SampleQuery {
    /// Its own name for one of its voices; its first when it is empty
    #[serde(default)]
    voice: String,
}

/// A sentence in one of its voices.
#[utoipa::path(
    get, path = "/api/packs/{name}/sample", tag = RUNNING,
    params(("name" = String, Path, description = "As the list has it"), SampleQuery),
    responses((status = 200, body = Binary, content_type = "audio/mpeg"))
)]
pub async fn sample(
    state: Visit,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<SampleQuery>,
) -> Result<Response, ApiError> {
    let pack = packs::known(&name)?;
    let voice = pack.voices.iter().find(|voice| voice.own == query.voice);
    let voice = voice.or_else(|| pack.voices.first().filter(|_| query.voice.is_empty()));
    let own = voice.map_or(query.voice.as_str(), |voice| voice.own);
    let sentence = sample_sentence(voice.map_or("en", |voice| voice.language));
    let spoken = state.narrator.say(sentence, &format!("{name}:{own}"), "en").await?;
    Ok(([(header::CONTENT_TYPE, "audio/mpeg")], spoken.bytes).into_response())
}
