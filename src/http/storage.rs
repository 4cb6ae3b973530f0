//! What is kept of what was spoken, and how much may be.

use std::sync::Arc;

use app::model::{Person, StorageFigures, StorageLimits};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa_axum::routes;

use super::extract::ApiForm;
use super::forms::{redirect_with_notice, wants_page};
use super::openapi::RUNNING;
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};

/// Their routes.
pub fn router() -> Routes {
    Routes::default().add(Needs::ADMIN, routes!(figures, set_limits))
}

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

/// What is cleaned up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CleanedAnswer {
    /// Clips that are gone
    removed: u64,
}

/// What is kept of what was spoken, and what it cost and saved.
#[utoipa::path(get, path = "/api/storage", tag = RUNNING, responses((status = 200, body = StorageFigures)))]
pub async fn figures(state: Visit) -> Result<Json<StorageFigures>, ApiError> {
    Ok(Json(state.narrator.storage().await?))
}

/// Sets how much may be kept, and cleans up.
#[utoipa::path(
    post, path = "/api/storage", tag = RUNNING,
    request_body(content = LimitsForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = CleanedAnswer))
)]
pub async fn set_limits(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<LimitsForm>,
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
    let about = format!("{} MB, {} d, {} MB", limits.mb, limits.days, limits.book_mb);
    note(&state, &admin, "storage", &about).await;
    if wants_page(&headers) {
        return Ok(redirect_with_notice("/storage", "removed", &removed.to_string()));
    }
    Ok(Json(CleanedAnswer { removed }).into_response())
}
