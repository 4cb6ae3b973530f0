//! What the pages of a book ask for: its cover, pictures and typefaces, and the page at a part of it.

use app::model::BookFont;
use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::extract::{ApiPath, ApiQuery, BookPath, number};
use super::forms::wants_page;
use super::headers::{BOOK_FILE_CSP, CACHE_PRIVATELY};
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};
use crate::library::encode_path;
use crate::library::pictures::{font_type, picture_type};

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .page(Needs::READ, Method::GET, "/go/{book}", get(go))
        .page(Needs::READ, Method::GET, "/books/{book}/cover", get(cover))
        .page(Needs::READ, Method::GET, "/books/{book}/fonts.css", get(fonts))
        .page(Needs::READ, Method::GET, "/books/{book}/files/{*path}", get(file))
}

/// A part of a book.
#[derive(Debug, Deserialize)]
pub struct PartQuery {
    #[serde(default)]
    percent: String,
}

/// `GET /go/{book}?percent=`: the address of the sentence at a part of the book.
pub async fn go(
    state: Visit,
    BookPath { book: id }: BookPath,
    headers: HeaderMap,
    ApiQuery(PartQuery { percent }): ApiQuery<PartQuery>,
) -> Result<Response, ApiError> {
    let percent = number("percent", &percent)?;
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

/// A size of a picture.
#[derive(Debug, Deserialize)]
pub struct WidthQuery {
    width: Option<u32>,
}

/// `GET /books/{book}/cover?width=`: the cover, made smaller where it is there in that width.
pub async fn cover(
    state: Visit,
    BookPath { book }: BookPath,
    ApiQuery(WidthQuery { width }): ApiQuery<WidthQuery>,
) -> Result<Response, ApiError> {
    Ok(picture(state.library.cover(&book, width).await?))
}

/// `GET /books/{book}/fonts.css`: the typeface a book brings, under the name the style sheet knows.
pub async fn fonts(state: Visit, BookPath { book }: BookPath) -> Result<Response, ApiError> {
    let details = state.library.metadata(&book).await?;
    let mut css = String::new();
    for BookFont { path, is_bold, is_italic } in &details.fonts {
        let path = encode_path(path);
        let weight = if *is_bold { "700" } else { "400" };
        let style = if *is_italic { "italic" } else { "normal" };
        css += &format!(
            "@font-face {{ font-family: \"Book\"; font-weight: {weight}; font-style: {style}; \
             font-display: swap; src: url(\"files/{path}\"); }}\n"
        );
    }
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHE_PRIVATELY)], css)
        .into_response())
}

/// A file inside a book.
#[derive(Debug, Deserialize)]
pub struct FilePath {
    path: String,
}

/// `GET /books/{book}/files/{path}`: a picture or typeface by its path inside the book.
pub async fn file(
    state: Visit,
    BookPath { book }: BookPath,
    ApiPath(FilePath { path }): ApiPath<FilePath>,
) -> Result<Response, ApiError> {
    Ok(picture(state.library.file(&book, &path).await?))
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
