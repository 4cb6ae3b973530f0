//! The JSON API. Its shapes are stable: fields are added, never changed or taken away.

use std::sync::Arc;

use app::model::{BookCard, BookDetails, Hit, Outline, Person, Role, TimelineEntry, Voice};
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;

use super::params::{self, QueryMap};
use super::{ApiError, Visit};
use crate::narration::{Bound, ChapterCoverage};
use crate::queue::QueueStatus;
use crate::queue::requests::RequestStatus;
use crate::redis::{RedisConnection, RedisFigures, RedisHealth};

/// `GET /api/books`
pub async fn books(state: Visit) -> Result<Json<Vec<BookCard>>, ApiError> {
    Ok(Json(state.library.books().await?))
}

/// `GET /api/books/{id}`: the book with its chapters and table of contents.
pub async fn book(state: Visit, Path(book): Path<String>) -> Result<Json<BookAnswer>, ApiError> {
    let BookDetails { card, vertical, chapters, toc, warnings, is_outdated, .. } =
        state.library.book(&params::book(&book)?).await?;
    let BookCard {
        id,
        title,
        authors,
        language,
        has_cover,
        cover_widths,
        sentences,
        added_ms,
        percent,
        progress,
        ..
    } = card;
    Ok(Json(BookAnswer {
        id: id.to_string(),
        title,
        authors,
        language,
        has_cover,
        cover_widths,
        vertical,
        sentences,
        added_ms,
        percent,
        progress,
        chapters,
        toc,
        warnings,
        is_outdated,
    }))
}

/// A book as the API answers it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct BookAnswer {
    /// Its id
    id: String,
    /// Its title
    title: String,
    /// In the book’s order
    authors: Vec<String>,
    /// BCP 47 tag; `und` when unknown
    language: String,
    /// Whether `/books/{book}/cover` has a picture
    has_cover: bool,
    /// Widths in which `/books/{book}/cover?width=` has it made smaller
    cover_widths: Vec<u32>,
    /// Lines run from top to bottom
    vertical: bool,
    /// Sentences in all chapters
    sentences: u32,
    /// When it was added, in milliseconds since 1970
    added_ms: u64,
    /// How much has been read; null when not begun
    percent: Option<u32>,
    /// Where the reader is; null when not begun
    progress: Option<app::model::Progress>,
    /// In reading order
    chapters: Vec<app::model::ChapterCard>,
    /// The table of contents, in order; a chapter may have several lines
    toc: Vec<app::model::TocLine>,
    /// What was left out or mended when its file was read
    warnings: Vec<app::model::ImportWarning>,
    /// Whether its file was read by rules that have been bettered since
    is_outdated: bool,
}

/// `GET /api/books/{id}/chapters/{n}`: its sentences.
pub async fn chapter(
    state: Visit,
    Path((book, chapter)): Path<(String, String)>,
) -> Result<Json<ChapterAnswer>, ApiError> {
    let (book, number) = (params::book(&book)?, params::chapter(&chapter)?);
    let chapter = state.library.chapter(&book, number).await?;
    let sentences = (0..)
        .zip(&chapter.sentences)
        .map(|(index, sentence)| SentenceAnswer { index, text: sentence.text.clone() })
        .collect();
    Ok(Json(ChapterAnswer { number, title: chapter.title.clone(), sentences }))
}

/// A chapter as the API answers it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ChapterAnswer {
    /// From 1
    number: u32,
    /// Its title
    title: String,
    /// In reading order
    sentences: Vec<SentenceAnswer>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct SentenceAnswer {
    /// From 0
    index: u32,
    /// As the page shows it
    text: String,
}

/// `GET /api/books/{id}/chapters/{n}/timeline?voice=&from=`: what is known now. The rest is pushed
/// by `GET /listen/{id}/{n}/timeline`.
pub async fn timeline(
    state: Visit,
    Path((book, chapter)): Path<(String, String)>,
    Query(query): Query<QueryMap>,
) -> Result<Json<Vec<TimelineEntry>>, ApiError> {
    let (book, chapter) = (params::book(&book)?, params::chapter(&chapter)?);
    let plan = super::listen::rested(&state, &book, chapter, &query).await?;
    let from = params::from(&query, plan.segments.len())?;
    Ok(Json(state.narrator.known_timeline(&plan, from).await?))
}

/// `GET /api/books/{id}/chapters/{n}/outline?voice=`: how long each sentence lasts, estimated where
/// no clip has been made.
pub async fn outline(
    state: Visit,
    Path((book, chapter)): Path<(String, String)>,
    Query(query): Query<QueryMap>,
) -> Result<Json<Outline>, ApiError> {
    let (book, chapter) = (params::book(&book)?, params::chapter(&chapter)?);
    let plan = super::listen::rested(&state, &book, chapter, &query).await?;
    Ok(Json(state.narrator.outline(&plan).await?))
}

/// `GET /api/books/{id}/search?q=`: where the book says it, in reading order.
pub async fn search(
    state: Visit,
    Path(book): Path<String>,
    Query(query): Query<QueryMap>,
) -> Result<Json<Vec<Hit>>, ApiError> {
    let words = query.get("q").map_or("", String::as_str);
    Ok(Json(state.library.search(&params::book(&book)?, words).await?))
}

/// `GET /api/books/{id}/audios?voice=`: what has been made of it, chapter by chapter.
pub async fn audios(
    state: Visit,
    Path(book): Path<String>,
    Query(query): Query<QueryMap>,
) -> Result<Json<Vec<ChapterCoverage>>, ApiError> {
    Ok(Json(state.narrator.coverage(&params::book(&book)?, params::voice(&query)).await?))
}

/// `GET /api/requests/{id}`: how far has come what chapter_open set off.
pub async fn request(
    state: Visit,
    Path(request): Path<String>,
) -> Result<Json<RequestStatus>, ApiError> {
    let unknown = || ApiError::NotFound("There is no such request, or no more.".to_owned());
    state.narrator.request(&request).await?.map(Json).ok_or_else(unknown)
}

/// `GET /api/voices`
pub async fn voices(state: Visit) -> Json<Vec<Voice>> {
    Json(state.voices.list())
}

/// `GET /health`: whether all is well; whoever runs the place hears what is wrong, and how much waits to be
/// spoken.
pub async fn health(state: Visit, person: Option<Extension<Arc<Person>>>) -> Response {
    let answer = how_it_is(&state).await;
    if person.is_some_and(|Extension(person)| person.role == Role::Admin) {
        return Json(answer).into_response();
    }
    Json(serde_json::json!({ "status": answer.status })).into_response()
}

async fn how_it_is(state: &Visit) -> HealthAnswer {
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
    let bounds = state.narrator.bounds(queue.as_ref());
    let status = if problems.is_empty() { "ok" } else { "degraded" };
    let version = env!("CARGO_PKG_VERSION");
    HealthAnswer { status, problems, version, voices, queue, redis, bounds }
}

/// How the server is.
#[derive(Serialize, utoipa::ToSchema)]
pub struct HealthAnswer {
    /// `ok`, or `degraded`: it serves, and something is wrong.
    status: &'static str,
    /// What is wrong.
    problems: Vec<String>,
    /// Earmark's.
    version: &'static str,
    /// How many can be chosen.
    voices: usize,
    /// Null while the queue cannot be asked.
    queue: Option<QueueStatus>,
    /// How Redis is by its own account; null where there is none.
    redis: Option<RedisFigures>,
    /// What is bounded, and how full it is.
    bounds: Vec<Bound>,
}

/// Everything else under `/api`.
pub async fn unknown() -> ApiError {
    ApiError::NotFound("There is no such address in the API.".to_owned())
}
