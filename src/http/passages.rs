//! How single passages are read.

use app::model::{Annotation, AnnotationKind};
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use utoipa_axum::routes;

use super::extract::{ApiForm, BookPath};
use super::forms::{refused, wants_page};
use super::openapi::BOOKS;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};

/// Their route.
pub fn router() -> Routes {
    Routes::default().add(Needs::PROGRESS, routes!(direct))
}

/// How sentences are to be read.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct PassageForm {
    /// The chapter, from 1
    chapter: u32,
    /// The first of the sentences, from 0
    first: u32,
    /// The last of them
    last: u32,
    /// `voice`: by another voice; `skip`: not at all; `again`: once more, by an engine that may say it otherwise
    how: String,
    /// With `voice`, who is to read; with `again`, who reads now: the listener’s choice when empty
    #[serde(default)]
    voice: String,
}

/// Says how sentences are read: by another voice, not at all, or once more.
///
/// It is taken away like a mark.
#[utoipa::path(
    post, path = "/api/books/{book}/passages", tag = BOOKS, params(BookPath),
    request_body(content = PassageForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = Annotation))
)]
pub async fn direct(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiForm(form): ApiForm<PassageForm>,
) -> Result<Response, ApiError> {
    let PassageForm { chapter, first, last, how, voice } = form;
    let directed = async {
        let kind = AnnotationKind::parse(&how).filter(|kind| kind.is_direction());
        let kind = kind.ok_or_else(|| ApiError::BadParameter {
            name: "how",
            reason: "must be voice, skip or again".to_owned(),
        })?;
        let voice = if voice.is_empty() && kind == AnnotationKind::Again {
            let place = state.library.book(&book).await?.card.progress;
            place.and_then(|place| place.voice).unwrap_or_default()
        } else {
            voice
        };
        Ok::<_, ApiError>(
            state.narrator.direct(&book, (kind, chapter), first..=last, &voice).await?,
        )
    };
    let page = format!("/book/{book}/passage?chapter={chapter}&first={first}&last={last}");
    Ok(match directed.await {
        Ok(_) if wants_page(&headers) => Redirect::to(&page).into_response(),
        Ok(kept) => (StatusCode::CREATED, Json(kept)).into_response(),
        Err(error) => refused(&headers, &page, error),
    })
}
