//! What belongs to a book: the file it comes from, its pictures, and the reader's place in it.

use app::model::{BookFont, Progress};
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::Deserialize;

use super::headers::{CACHE_FOREVER, INERT};
use super::params::QueryMap;
use super::preferences::{page_or_nothing, said, wants_page};
use super::{ApiError, AppState, params};
use crate::library::chapters::encode_path;
use crate::library::import::ImportError;
use crate::library::{LOCAL_USER, LibraryError};

/// `POST /api/books`: a form with one or more files. A program gets the book (the last one, when
/// there are several); a browser without script gets the library page.
pub async fn import(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let wants_page = wants_page(&headers);
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
        Err(error) if wants_page => said("/", "refused", &error.to_string()),
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

/// `GET /api/books/{id}/progress`: where the reader is; null when the book is not begun.
pub async fn progress(
    State(state): State<AppState>,
    Path(book): Path<String>,
) -> Result<Json<Option<Progress>>, ApiError> {
    Ok(Json(state.library.progress(LOCAL_USER, &params::book(&book)?).await?))
}

/// A place, and what the device knows of.
#[derive(Deserialize)]
pub struct PlaceForm {
    #[serde(flatten)]
    place: Progress,
    /// `at_ms` of the last place this device knows of. When another device has moved since, the
    /// answer is 409 with its place.
    #[serde(default)]
    known_ms: Option<u64>,
}

/// `PUT /api/books/{id}/progress`: the reader is there. Answers with the place as it is kept.
pub async fn set_progress(
    State(state): State<AppState>,
    Path(book): Path<String>,
    form: Result<Json<PlaceForm>, JsonRejection>,
) -> Result<Json<Progress>, ApiError> {
    let Json(form) = form.map_err(|rejection| ApiError::BadBody(rejection.body_text()))?;
    let book = params::book(&book)?;
    let kept = state.library.set_progress(LOCAL_USER, &book, &form.place, form.known_ms).await?;
    Ok(Json(kept))
}

/// A book's name.
#[derive(Deserialize)]
pub struct NameForm {
    title: String,
    /// Separated by semicolons.
    authors: String,
}

/// `POST /api/books/{id}`: gives it another title and other authors.
pub async fn rename(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(book): Path<String>,
    Form(NameForm { title, authors }): Form<NameForm>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    let names = authors.split(';').map(str::trim).filter(|name| !name.is_empty());
    let authors: Vec<String> = names.map(str::to_owned).collect();
    state.library.rename(&book, title.trim(), &authors).await?;
    Ok(page_or_nothing(&headers, &format!("/book/{book}")))
}

/// `DELETE /api/books/{id}`, and for forms `POST /api/books/{id}/delete`.
pub async fn delete(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(book): Path<String>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    state.library.delete(&book).await?;
    Ok(page_or_nothing(&headers, &format!("/?deleted={book}")))
}

/// `POST /api/books/{id}/restore`: brings a deleted book back.
pub async fn restore(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(book): Path<String>,
) -> Result<Response, ApiError> {
    state.library.restore(&params::book(&book)?).await?;
    Ok(page_or_nothing(&headers, "/"))
}

/// `GET /go/{id}?percent=`: the address of the sentence at a part of the book.
pub async fn go(
    State(state): State<AppState>,
    Path(book): Path<String>,
    headers: HeaderMap,
    Query(query): Query<QueryMap>,
) -> Result<Response, ApiError> {
    let id = params::book(&book)?;
    let percent = params::number("percent", query.get("percent").map_or("", String::as_str))?;
    let details = state.library.metadata(&id).await?;
    let wanted = u64::from(percent.min(100)) * u64::from(details.card.sentences) / 100;
    let mut before = 0;
    for chapter in &details.chapters {
        let after = before + u64::from(chapter.sentences);
        if wanted < after || chapter.number == details.card.chapters {
            let last = u64::from(chapter.sentences.saturating_sub(1));
            let sentence = (wanted - before).min(last);
            let address = format!("/read/{id}/{}#s{sentence}", chapter.number);
            return Ok(if wants_page(&headers) {
                Redirect::to(&address).into_response()
            } else {
                Json(address).into_response()
            });
        }
        before = after;
    }
    Err(ApiError::NotFound("The book has no chapters.".to_owned()))
}

/// `GET /books/{id}/cover`
pub async fn cover(
    State(state): State<AppState>,
    Path(book): Path<String>,
) -> Result<Response, ApiError> {
    Ok(picture(state.library.cover(&params::book(&book)?).await?))
}

/// `GET /books/{id}/fonts.css`: the typeface a book brings, under the name the style sheet knows.
pub async fn fonts(
    State(state): State<AppState>,
    Path(book): Path<String>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    let details = state.library.metadata(&book).await?;
    let mut css = String::new();
    for BookFont { path, is_bold, is_italic } in &details.fonts {
        let path = encode_path(path);
        let weight = if *is_bold { "700" } else { "400" };
        let style = if *is_italic { "italic" } else { "normal" };
        css += &format!(
            "@font-face {{ font-family: \"Book\"; font-weight: {weight}; font-style: {style}; \
             font-display: swap; src: url(\"/books/{book}/files/{path}\"); }}\n"
        );
    }
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHE_FOREVER)], css)
        .into_response())
}

/// `GET /books/{id}/files/{path}`: a picture or typeface by its path inside the book.
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
        [0, 1, 0, 0, ..] | [b't', b'r', b'u', b'e', ..] => "font/ttf",
        [b'O', b'T', b'T', b'O', ..] => "font/otf",
        [b'w', b'O', b'F', b'F', ..] => "font/woff",
        [b'w', b'O', b'F', b'2', ..] => "font/woff2",
        _ if bytes.windows(4).take(1024).any(|window| window == b"<svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
