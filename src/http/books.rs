//! What belongs to a book: the file it comes from, its pictures, and the reader's place in it.

use app::model::Progress;
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::headers::{CACHE_FOREVER, INERT};
use super::{ApiError, AppState, params};
use crate::library::import::ImportError;
use crate::library::{LOCAL_USER, LibraryError};

/// `POST /api/books`: a form with one or more files. A program gets the book (the last one, when
/// there are several); a browser without script gets the library page.
pub async fn import(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let imported = match form {
        Ok(form) => import_all(&state, form).await,
        Err(rejection) => Err(ApiError::BadBody(format!(
            "The request must be a form with a file: {}",
            rejection.body_text()
        ))),
    };
    match imported {
        Ok(_) if wants_page => Redirect::to("/").into_response(),
        Ok(book) => (StatusCode::CREATED, Json(book)).into_response(),
        Err(error) if wants_page => {
            let reason = error.to_string();
            let reason = utf8_percent_encode(&reason, NON_ALPHANUMERIC);
            Redirect::to(&format!("/?refused={reason}")).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn import_all(
    state: &AppState,
    mut form: Multipart,
) -> Result<app::model::BookCard, ApiError> {
    let mut last = None;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let bytes = read(field).await?;
        last = Some(state.library.import(bytes, &name).await?);
    }
    last.ok_or_else(|| ApiError::BadBody("The form has no field “file”.".to_owned()))
}

async fn read(field: Field<'_>) -> Result<Bytes, ApiError> {
    field.bytes().await.map_err(unreadable)
}

fn unreadable(error: MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return LibraryError::Import(ImportError::TooLarge).into();
    }
    ApiError::BadBody(format!("The form cannot be read: {}", error.body_text()))
}

/// `PUT /api/books/{id}/progress`: where the reader is.
pub async fn set_progress(
    State(state): State<AppState>,
    Path(book): Path<String>,
    progress: Result<Json<Progress>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(progress) = progress.map_err(|rejection| ApiError::BadBody(rejection.body_text()))?;
    state.library.set_progress(LOCAL_USER, &params::book(&book)?, &progress).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /books/{id}/cover`
pub async fn cover(
    State(state): State<AppState>,
    Path(book): Path<String>,
) -> Result<Response, ApiError> {
    Ok(picture(state.library.cover(&params::book(&book)?).await?))
}

/// `GET /books/{id}/files/{path}`: a picture by its path inside the book.
pub async fn file(
    State(state): State<AppState>,
    Path((book, path)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    Ok(picture(state.library.file(&params::book(&book)?, &path).await?))
}

/// A book is named by its content, so a picture under its address never changes.
fn picture(bytes: Bytes) -> Response {
    let kind = HeaderValue::from_static(picture_type(&bytes));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, CACHE_FOREVER),
        (header::CONTENT_SECURITY_POLICY, INERT),
    ];
    (headers, bytes).into_response()
}

/// What a picture is, by its first bytes: names and declarations inside books are often wrong.
fn picture_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => "image/avif",
        [b'B', b'M', ..] => "image/bmp",
        _ if bytes.windows(4).take(1024).any(|window| window == b"<svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
