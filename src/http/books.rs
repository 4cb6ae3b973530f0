//! What belongs to a book: the file it comes from, its pictures, and the reader's place in it.

use app::model::{BookFont, Progress};
use axum::body::{Body, Bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::headers::{BOOK_FILE_CSP, CACHE_PRIVATELY};
use super::params::QueryMap;
use super::preferences::{redirect_or_no_content, wants_page};
use super::{ApiError, Visit, notice, params};
use crate::library::encode_path;
use crate::library::pictures::{font_type, picture_type};

/// `GET /api/books/{id}/file`: the file that was imported, byte for byte.
pub async fn original(state: Visit, Path(book): Path<String>) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    let title = state.library.metadata(&book).await?.card.title.clone();
    let (format, file) = state.library.original(&book).await?;
    let name = format!("{}.{}", title.replace(['/', '\\', ':'], " "), format.extension());
    let name = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    let disposition =
        format!("attachment; filename=\"book.{}\"; filename*=UTF-8''{name}", format.extension());
    let mut response = Body::from_stream(file.content).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CONTENT_LENGTH, file.length.into());
    headers.insert(header::CONTENT_SECURITY_POLICY, BOOK_FILE_CSP);
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// `POST /api/books/{id}/reimport`: reads its file anew.
pub async fn reimport(state: Visit, headers: HeaderMap, Path(book): Path<String>) -> Response {
    let book = match params::book(&book) {
        Ok(book) => book,
        Err(error) => return error.into_response(),
    };
    let page = format!("/book/{book}");
    match state.library.reimport(&book).await.map_err(ApiError::from) {
        Ok(_) if wants_page(&headers) => Redirect::to(&page).into_response(),
        Ok(book) => Json(book).into_response(),
        Err(error) if wants_page(&headers) => notice::refused(&page, &error.to_string()),
        Err(error) => error.into_response(),
    }
}

/// `GET /api/books/{id}/progress`: where the reader is; null when the book is not begun.
pub async fn progress(
    state: Visit,
    Path(book): Path<String>,
) -> Result<Json<Option<Progress>>, ApiError> {
    Ok(Json(state.library.progress(&params::book(&book)?).await?))
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
    state: Visit,
    Path(book): Path<String>,
    form: Result<Json<PlaceForm>, JsonRejection>,
) -> Result<Json<Progress>, ApiError> {
    let Json(form) = form.map_err(|rejection| ApiError::BadBody(rejection.body_text()))?;
    let book = params::book(&book)?;
    let kept = state.library.set_progress(&book, &form.place, form.known_ms).await?;
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
    state: Visit,
    headers: HeaderMap,
    Path(book): Path<String>,
    Form(NameForm { title, authors }): Form<NameForm>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    let names = authors.split(';').map(str::trim).filter(|name| !name.is_empty());
    let authors: Vec<String> = names.map(str::to_owned).collect();
    state.library.rename(&book, title.trim(), &authors).await?;
    Ok(redirect_or_no_content(&headers, &format!("/book/{book}")))
}

/// `DELETE /api/books/{id}`, and for forms `POST /api/books/{id}/delete`.
pub async fn delete(
    state: Visit,
    headers: HeaderMap,
    Path(book): Path<String>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    state.library.delete(&book).await?;
    Ok(redirect_or_no_content(&headers, &format!("/?deleted={book}")))
}

/// `POST /api/books/{id}/restore`: brings a deleted book back.
pub async fn restore(
    state: Visit,
    headers: HeaderMap,
    Path(book): Path<String>,
) -> Result<Response, ApiError> {
    state.library.restore(&params::book(&book)?).await?;
    Ok(redirect_or_no_content(&headers, "/"))
}

/// `GET /go/{id}?percent=`: the address of the sentence at a part of the book.
pub async fn go(
    state: Visit,
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

/// `GET /books/{id}/cover?width=`: the cover, made smaller where it is there in that width.
pub async fn cover(
    state: Visit,
    Path(book): Path<String>,
    Query(query): Query<QueryMap>,
) -> Result<Response, ApiError> {
    let width = query.get("width").map(|width| params::number("width", width)).transpose()?;
    Ok(picture(state.library.cover(&params::book(&book)?, width).await?))
}

/// `GET /books/{id}/fonts.css`: the typeface a book brings, under the name the style sheet knows.
pub async fn fonts(state: Visit, Path(book): Path<String>) -> Result<Response, ApiError> {
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
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHE_PRIVATELY)], css)
        .into_response())
}

/// `GET /books/{id}/files/{path}`: a picture or typeface by its path inside the book.
pub async fn file(
    state: Visit,
    Path((book, path)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    Ok(picture(state.library.file(&params::book(&book)?, &path).await?))
}

/// A book is named by its content, so a picture under its address never changes. It is for this reader
/// alone: a cache that others share would keep it when the book is deleted.
fn picture(bytes: Bytes) -> Response {
    let kind = picture_type(&bytes).or_else(|| font_type(&bytes));
    let kind = HeaderValue::from_static(kind.unwrap_or("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, CACHE_PRIVATELY),
        (header::CONTENT_SECURITY_POLICY, BOOK_FILE_CSP),
    ];
    (headers, bytes).into_response()
}
