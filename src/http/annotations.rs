//! Bookmarks and highlights over HTTP. The page's forms and programs use the same addresses.

use app::model::{Annotation, BookId, HighlightColour, NewAnnotation};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiJson, ApiPath, BookPath};
use super::forms::redirect_or_no_content;
use super::openapi::BOOKS;
use super::routes::{Carries, Needs, Routes};
use super::{ApiError, Visit};

/// Their routes.
pub fn router() -> Routes {
    const REMOVED: &str = "/api/books/{book}/annotations/{annotation}/delete";
    Routes::default()
        .add(Needs::PROGRESS, routes!(list))
        .carrying(Carries::Text, Needs::PROGRESS, routes!(add))
        .carrying(Carries::Text, Needs::PROGRESS, routes!(set_note, remove))
        .page(Needs::PROGRESS, Method::POST, REMOVED, post(remove))
        .add(Needs::PROGRESS, routes!(markdown))
}

/// A mark of a book.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AnnotationPath {
    /// The mark’s id
    annotation: String,
}

/// Bookmarks, highlights, and what was said of how passages are read.
#[utoipa::path(
    get, path = "/api/books/{book}/annotations", tag = BOOKS, params(BookPath),
    responses((status = 200, body = Vec<Annotation>))
)]
pub async fn list(
    state: Visit,
    BookPath { book }: BookPath,
) -> Result<Json<Vec<Annotation>>, ApiError> {
    Ok(Json(state.library.annotations(&book).await?))
}

/// Keeps a bookmark or highlight.
#[utoipa::path(
    post, path = "/api/books/{book}/annotations", tag = BOOKS, params(BookPath), request_body = NewAnnotation,
    responses((status = 201, body = Annotation))
)]
pub async fn add(
    state: Visit,
    BookPath { book }: BookPath,
    ApiJson(mark): ApiJson<NewAnnotation>,
) -> Result<Response, ApiError> {
    let kept = state.library.annotate(&book, mark).await?;
    Ok((StatusCode::CREATED, Json(kept)).into_response())
}

/// What a reader says to a mark.
#[derive(Deserialize, ToSchema)]
pub struct NoteForm {
    /// May be empty
    note: String,
    /// The colour of a highlight; as it was when left out
    #[serde(default)]
    colour: Option<HighlightColour>,
}

/// Changes a note.
#[utoipa::path(
    post, path = "/api/books/{book}/annotations/{annotation}", tag = BOOKS, params(BookPath, AnnotationPath),
    request_body(content = NoteForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204))
)]
pub async fn set_note(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiPath(AnnotationPath { annotation }): ApiPath<AnnotationPath>,
    ApiForm(NoteForm { note, colour }): ApiForm<NoteForm>,
) -> Result<Response, ApiError> {
    // Forms send lines as CRLF.
    let note = note.replace("\r\n", "\n");
    state.library.set_note(&book, &annotation, (&note, colour)).await?;
    Ok(back_to_notes(&headers, &book))
}

/// Takes a mark away.
#[utoipa::path(
    delete, path = "/api/books/{book}/annotations/{annotation}", tag = BOOKS, params(BookPath, AnnotationPath),
    responses((status = 204))
)]
pub async fn remove(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiPath(AnnotationPath { annotation }): ApiPath<AnnotationPath>,
) -> Result<Response, ApiError> {
    state.library.remove_annotation(&book, &annotation).await?;
    Ok(back_to_notes(&headers, &book))
}

/// All marks as Markdown.
#[utoipa::path(
    get, path = "/api/books/{book}/annotations.md", tag = BOOKS, params(BookPath),
    responses((status = 200, body = String, content_type = "text/markdown"))
)]
pub async fn markdown(state: Visit, BookPath { book }: BookPath) -> Result<Response, ApiError> {
    let text = state.library.annotations_markdown(&book).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"notes.md\""),
        ),
    ];
    Ok((headers, text).into_response())
}

fn back_to_notes(headers: &HeaderMap, book: &BookId) -> Response {
    redirect_or_no_content(headers, &format!("/book/{book}/notes"))
}
