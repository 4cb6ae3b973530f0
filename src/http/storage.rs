//! What is kept of what was spoken, and how much may be.

use app::model::{StorageFigures, StorageLimits};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde::Deserialize;

use super::preferences::{redirect_with_notice, wants_page};
use super::{ApiError, Visit};

/// Limits as a form has them: empty is without limit.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct LimitsForm {
    /// Megabytes of all clips
    #[serde(default)]
    mb: String,
    /// Days since a clip was heard last
    #[serde(default)]
    days: String,
    /// Megabytes of one book
    #[serde(default)]
    book_mb: String,
}

/// `GET /api/storage`: what is kept, and what it cost and saved.
pub async fn figures(state: Visit) -> Result<Json<StorageFigures>, ApiError> {
    Ok(Json(state.narrator.storage().await?))
}

/// `POST /api/storage`: sets how much may be kept, and cleans up.
pub async fn set_limits(
    state: Visit,
    headers: HeaderMap,
    Form(form): Form<LimitsForm>,
) -> Result<Response, ApiError> {
    let number = |name, text: &str| match text.trim() {
        "" => Ok(0),
        text => text.parse().map_err(|_| ApiError::BadParameter {
            name,
            reason: "must be a whole number, or empty".to_owned(),
        }),
    };
    let limits = StorageLimits {
        mb: number("mb", &form.mb)?,
        days: number("days", &form.days)?,
        book_mb: number("book_mb", &form.book_mb)?,
    };
    let removed = state.narrator.set_storage_limits(&limits).await?;
    if wants_page(&headers) {
        return Ok(redirect_with_notice("/storage", "removed", &removed.to_string()));
    }
    Ok(Json(serde_json::json!({ "removed": removed })).into_response())
}
