//! Bookmarks and highlights over HTTP. The page's forms and programs use the same addresses.

use app::model::{Annotation, NewAnnotation};
use axum::extract::Path;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde::Deserialize;

use super::preferences::redirect_or_no_content;
use super::{ApiError, Visit, params};

/// `GET /api/books/{id}/annotations`
pub async fn list(
    state: Visit,
    Path(book): Path<String>,
) -> Result<Json<Vec<Annotation>>, ApiError> {
    Ok(Json(state.library.annotations(&params::book(&book)?).await?))
}

/// `POST /api/books/{id}/annotations`
pub async fn add(
    state: Visit,
    Path(book): Path<String>,
    mark: Result<Json<NewAnnotation>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(mark) = mark.map_err(|rejection| ApiError::BadBody(rejection.body_text()))?;
    let kept = state.library.annotate(&params::book(&book)?, mark).await?;
    Ok((StatusCode::CREATED, Json(kept)).into_response())
}

/// What a reader says to a mark.
#[derive(Deserialize)]
pub struct NoteForm {
    note: String,
}

/// `POST /api/books/{id}/annotations/{annotation}`: changes the note.
pub async fn set_note(
    state: Visit,
    headers: HeaderMap,
    Path((book, annotation)): Path<(String, String)>,
    Form(NoteForm { note }): Form<NoteForm>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    // Forms send lines as CRLF.
    state.library.set_note(&book, &annotation, &note.replace("\r\n", "\n")).await?;
    Ok(back_to_notes(&headers, &book))
}

/// `DELETE /api/books/{id}/annotations/{annotation}`, and for forms
/// `POST /api/books/{id}/annotations/{annotation}/delete`.
pub async fn remove(
    state: Visit,
    headers: HeaderMap,
    Path((book, annotation)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    state.library.remove_annotation(&book, &annotation).await?;
    Ok(back_to_notes(&headers, &book))
}

/// `GET /api/books/{id}/annotations.md`
pub async fn markdown(state: Visit, Path(book): Path<String>) -> Result<Response, ApiError> {
    let text = state.library.annotations_markdown(&params::book(&book)?).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"notes.md\""),
        ),
    ];
    Ok((headers, text).into_response())
}

fn back_to_notes(headers: &HeaderMap, book: &app::model::BookId) -> Response {
    redirect_or_no_content(headers, &format!("/book/{book}/notes"))
}
