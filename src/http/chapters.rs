//! Chapters: their sentences, and what is known of how they sound.

use app::model::{Outline, TimelineEntry};
use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::{ApiPath, ApiQuery, BookPath, ChapterPath, ListenQuery, VoiceQuery};
use super::listen::rested;
use super::openapi::{BOOKS, LISTENING};
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};
use crate::narration::ChapterCoverage;
use crate::queue::requests::RequestStatus;
use crate::text::subtitles::SubtitleForm;

/// Routes of chapters.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::READ, routes!(one))
        .add(Needs::LISTEN, routes!(timeline))
        .add(Needs::LISTEN, routes!(outline))
        .add(Needs::LISTEN, routes!(subtitles))
        .add(Needs::LISTEN, routes!(audios))
        .add(Needs::LISTEN, routes!(request))
}

/// The sentences of a chapter.
#[utoipa::path(
    get, path = "/api/books/{book}/chapters/{chapter}", tag = BOOKS, params(ChapterPath),
    responses((status = 200, body = ChapterAnswer))
)]
pub async fn one(
    state: Visit,
    ChapterPath { book, chapter: number }: ChapterPath,
) -> Result<Json<ChapterAnswer>, ApiError> {
    let chapter = state.library.chapter(&book, number).await?;
    let sentences = (0..)
        .zip(&chapter.sentences)
        .map(|(index, sentence)| SentenceAnswer { index, text: sentence.text.clone() })
        .collect();
    Ok(Json(ChapterAnswer { number, title: chapter.title.clone(), sentences }))
}

/// A chapter as the API answers it.
#[derive(Serialize, ToSchema)]
pub struct ChapterAnswer {
    /// From 1
    number: u32,
    /// Its title
    title: String,
    /// In reading order
    sentences: Vec<SentenceAnswer>,
}

#[derive(Serialize, ToSchema)]
struct SentenceAnswer {
    /// From 0
    index: u32,
    /// As the page shows it
    text: String,
}

/// When each sentence is heard, as far as that is known now.
///
/// The rest is pushed by `GET /listen/{book}/{chapter}/timeline`.
#[utoipa::path(
    get, path = "/api/books/{book}/chapters/{chapter}/timeline", tag = LISTENING, params(ChapterPath, ListenQuery),
    responses((status = 200, body = Vec<TimelineEntry>))
)]
pub async fn timeline(
    state: Visit,
    ChapterPath { book, chapter }: ChapterPath,
    ApiQuery(query): ApiQuery<ListenQuery>,
) -> Result<Json<Vec<TimelineEntry>>, ApiError> {
    let plan = rested(&state, &book, chapter, &query).await?;
    let from = query.from(plan.segments.len())?;
    Ok(Json(state.narrator.known_timeline(&plan, from).await?))
}

/// A form of subtitles.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SubtitleQuery {
    /// “vtt”, “srt” or “lrc”
    form: String,
}

/// The sentences of a chapter with their times, for players that show them: WebVTT, SubRip or LRC.
///
/// As the person hears the chapter, once all of it is made; until then it is 404.
#[utoipa::path(
    get, path = "/api/books/{book}/chapters/{chapter}/subtitles", tag = LISTENING,
    params(ChapterPath, SubtitleQuery, VoiceQuery),
    responses((status = 200, content(
        (String = "text/vtt"), (String = "application/x-subrip"), (String = "text/plain"),
    )))
)]
pub async fn subtitles(
    state: Visit,
    ChapterPath { book, chapter }: ChapterPath,
    ApiQuery(SubtitleQuery { form }): ApiQuery<SubtitleQuery>,
    ApiQuery(VoiceQuery { voice }): ApiQuery<VoiceQuery>,
) -> Result<Response, ApiError> {
    let form = SubtitleForm::named(&form).ok_or_else(|| ApiError::BadParameter {
        name: "form",
        reason: "must be vtt, srt or lrc".to_owned(),
    })?;
    let cues = state.narrator.cues(&book, chapter, &voice).await?;
    let cues = cues.ok_or_else(|| {
        ApiError::NotFound("The chapter is not fully made in this voice yet.".to_owned())
    })?;
    let kind = HeaderValue::from_static(form.media_type());
    Ok(([(CONTENT_TYPE, kind)], form.write(&cues)).into_response())
}

/// How long each sentence lasts, estimated where it has not been made.
#[utoipa::path(
    get, path = "/api/books/{book}/chapters/{chapter}/outline", tag = LISTENING, params(ChapterPath, ListenQuery),
    responses((status = 200, body = Outline))
)]
pub async fn outline(
    state: Visit,
    ChapterPath { book, chapter }: ChapterPath,
    ApiQuery(query): ApiQuery<ListenQuery>,
) -> Result<Json<Outline>, ApiError> {
    let plan = rested(&state, &book, chapter, &query).await?;
    Ok(Json(state.narrator.outline(&plan).await?))
}

/// What has been made of a book.
#[utoipa::path(
    get, path = "/api/books/{book}/audios", tag = LISTENING, params(BookPath, VoiceQuery),
    responses((status = 200, body = Vec<ChapterCoverage>))
)]
pub async fn audios(
    state: Visit,
    BookPath { book }: BookPath,
    ApiQuery(VoiceQuery { voice }): ApiQuery<VoiceQuery>,
) -> Result<Json<Vec<ChapterCoverage>>, ApiError> {
    Ok(Json(state.narrator.coverage(&book, &voice).await?))
}

/// How far what chapter_open set off has come.
#[utoipa::path(
    get, path = "/api/requests/{request}", tag = LISTENING,
    params(("request" = String, Path, description = "As chapter_open answers it")),
    responses((status = 200, body = RequestStatus))
)]
pub async fn request(
    state: Visit,
    ApiPath(request): ApiPath<String>,
) -> Result<Json<RequestStatus>, ApiError> {
    let unknown = || ApiError::NotFound("There is no such request, or no more.".to_owned());
    state.narrator.request(&request).await?.map(Json).ok_or_else(unknown)
}
