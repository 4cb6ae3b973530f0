//! How single passages are read, and which chapters are passed over.

use app::model::{AnnotationKind, Matter};
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::Deserialize;

use super::preferences::{redirect_or_no_content, wants_page};
use super::{ApiError, Visit, notice, params};

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

/// `POST /api/books/{id}/passages`
pub async fn direct(
    state: Visit,
    headers: HeaderMap,
    Path(book): Path<String>,
    Form(form): Form<PassageForm>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
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
        Err(error) if wants_page(&headers) => notice::refused(&page, &error.to_string()),
        Err(error) => error.into_response(),
    })
}

/// What a chapter is of its book.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct MatterForm {
    /// The chapter, from 1
    chapter: u32,
    /// `text`, `front` or `back`
    matter: String,
}

/// `POST /api/books/{id}/matter`
pub async fn set_matter(
    state: Visit,
    headers: HeaderMap,
    Path(book): Path<String>,
    Form(MatterForm { chapter, matter }): Form<MatterForm>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    let matter = Matter::parse(&matter).ok_or_else(|| ApiError::BadParameter {
        name: "matter",
        reason: "must be text, front or back".to_owned(),
    })?;
    state.library.set_matter(&book, chapter, matter).await?;
    Ok(redirect_or_no_content(&headers, &format!("/book/{book}")))
}
