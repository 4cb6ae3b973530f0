//! How long somebody reads and listens: reported by that person's pages, shown to that person, forgotten when asked.

use app::model::{ReadingStatistics, ReadingTime};
use axum::Json;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::post;
use utoipa_axum::routes;

use super::extract::ApiJson;
use super::forms::answer;
use super::openapi::LISTENING;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};

/// The page.
const PAGE: &str = "/statistics";

/// Their routes.
pub fn router() -> Routes {
    Routes::default().add(Needs::PROGRESS, routes!(statistics, report, forget)).page(
        Needs::PROGRESS,
        Method::POST,
        "/api/statistics/delete",
        post(forget),
    )
}

/// How long you have read and listened, by day, and how many books you have finished.
#[utoipa::path(get, path = "/api/statistics", tag = LISTENING, responses((status = 200, body = ReadingStatistics)))]
pub async fn statistics(state: Visit) -> Result<Json<ReadingStatistics>, ApiError> {
    Ok(Json(state.library.reading_statistics().await?))
}

/// Adds time that you have read or listened.
#[utoipa::path(
    post, path = "/api/statistics", tag = LISTENING, request_body = ReadingTime,
    responses((status = 204))
)]
pub async fn report(
    state: Visit,
    ApiJson(time): ApiJson<ReadingTime>,
) -> Result<StatusCode, ApiError> {
    state.library.add_reading_time(&time).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets how long you have read and listened.
#[utoipa::path(delete, path = "/api/statistics", tag = LISTENING, responses((status = 204)))]
pub async fn forget(state: Visit, headers: HeaderMap) -> Result<Response, ApiError> {
    state.library.forget_reading_days().await?;
    Ok(answer(&headers, PAGE, Ok(StatusCode::NO_CONTENT)))
}
