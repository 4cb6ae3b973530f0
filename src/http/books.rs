//! Books: the list of them, each with the file it comes from and the reader's place in it.

use std::sync::Arc;

use app::model::{
    BookCard, BookDetails, BookId, Hit, ImportedCard, Matter, Person, Progress, Role,
};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Json};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiJson, ApiQuery, BookPath};
use super::forms::{redirect_or_no_content, refused, wants_page};
use super::headers::BOOK_FILE_CSP;
use super::openapi::{BOOKS, Binary, LISTENING};
use super::routes::{Carries, Needs, Routes};
use super::{ApiError, Visit, imports};

/// Routes of books.
pub fn router() -> Routes {
    const DELETED: &str = "/api/books/{book}/delete";
    Routes::default()
        .add(Needs::READ, routes!(list))
        .carrying(Carries::Files, Needs::IMPORT, routes!(imports::import))
        .add(Needs::READ, routes!(one))
        .add(Needs::IMPORT, routes!(rename))
        .add(Needs::OWN_BOOK, routes!(delete))
        .page(Needs::OWN_BOOK, Method::POST, DELETED, post(delete))
        .add(Needs::OWN_BOOK, routes!(restore))
        .add(Needs::IMPORT, routes!(reimport))
        .add(Needs::IMPORT, routes!(give_away))
        .add(Needs::IMPORT, routes!(set_matter))
        .add(Needs::READ, routes!(original))
        .add(Needs::PROGRESS, routes!(progress, set_progress))
        .add(Needs::READ, routes!(search))
}

/// All books.
#[utoipa::path(get, path = "/api/books", tag = BOOKS, responses((status = 200, body = Vec<BookCard>)))]
pub async fn list(state: Visit) -> Result<Json<Vec<BookCard>>, ApiError> {
    Ok(Json(state.library.books().await?))
}

/// A book with its chapters and table of contents.
#[utoipa::path(
    get, path = "/api/books/{book}", tag = BOOKS, params(BookPath), responses((status = 200, body = BookAnswer))
)]
pub async fn one(state: Visit, BookPath { book }: BookPath) -> Result<Json<BookAnswer>, ApiError> {
    let BookDetails { card, vertical, chapters, toc, warnings, is_outdated, .. } =
        state.library.book(&book).await?;
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
        is_own,
        read_by,
        series,
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
        is_own,
        read_by,
        series,
    }))
}

/// A book as the API answers it.
#[derive(Serialize, ToSchema)]
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
    progress: Option<Progress>,
    /// In reading order
    chapters: Vec<app::model::ChapterCard>,
    /// The table of contents, in order; a chapter may have several lines
    toc: Vec<app::model::TocLine>,
    /// What was left out or mended when its file was read
    warnings: Vec<app::model::ImportWarning>,
    /// Whether its file was read by rules that have been bettered since
    is_outdated: bool,
    /// Whether nobody else sees it
    is_own: bool,
    /// Who reads it aloud by the sound that it brings (voice `overlay:book`), empty when it does not say who; null when it brings none
    read_by: Option<String>,
    /// The series that it is of; null when its file names none
    series: Option<String>,
}

/// The file that was imported, byte for byte.
#[utoipa::path(
    get, path = "/api/books/{book}/file", tag = BOOKS, params(BookPath),
    responses(
        (status = 200, content(
            (Binary = "application/epub+zip"), (Binary = "text/plain"),
        )),
    )
)]
pub async fn original(state: Visit, BookPath { book }: BookPath) -> Result<Response, ApiError> {
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

/// Reads the file anew, by the rules of this version.
///
/// Places, bookmarks and highlights stay.
#[utoipa::path(
    post, path = "/api/books/{book}/reimport", tag = BOOKS, params(BookPath),
    responses((status = 200, body = ImportedCard))
)]
pub async fn reimport(state: Visit, headers: HeaderMap, BookPath { book }: BookPath) -> Response {
    let page = format!("/book/{book}");
    match state.library.reimport(&book).await.map_err(ApiError::from) {
        Ok(_) if wants_page(&headers) => Redirect::to(&page).into_response(),
        Ok(book) => Json(book).into_response(),
        Err(error) => refused(&headers, &page, error),
    }
}

/// Makes one’s own book everybody’s. It does not go back.
#[utoipa::path(
    post, path = "/api/books/{book}/everybody", tag = BOOKS, params(BookPath), responses((status = 204))
)]
pub async fn give_away(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
) -> Result<Response, ApiError> {
    state.library.give_away(&book).await?;
    Ok(redirect_or_no_content(&headers, &format!("/book/{book}")))
}

/// Where the reader is; null when the book is not begun.
#[utoipa::path(
    get, path = "/api/books/{book}/progress", tag = LISTENING, params(BookPath),
    responses((status = 200, body = Option<Progress>))
)]
pub async fn progress(
    state: Visit,
    BookPath { book }: BookPath,
) -> Result<Json<Option<Progress>>, ApiError> {
    Ok(Json(state.library.progress(&book).await?))
}

/// A place, and what the device knows of.
#[derive(Deserialize, ToSchema)]
pub struct PlaceForm {
    #[serde(flatten)]
    place: Progress,
    /// `at_ms` of the last place this device knows of. When another device has moved since, the
    /// answer is 409 with its place.
    #[serde(default)]
    known_ms: Option<u64>,
}

/// The reader is there. Answers with the place as it is kept.
#[utoipa::path(
    put, path = "/api/books/{book}/progress", tag = LISTENING, params(BookPath), request_body = PlaceForm,
    responses((status = 200, body = Progress))
)]
pub async fn set_progress(
    state: Visit,
    BookPath { book }: BookPath,
    ApiJson(form): ApiJson<PlaceForm>,
) -> Result<Json<Progress>, ApiError> {
    let kept = state.library.set_progress(&book, &form.place, form.known_ms).await?;
    Ok(Json(kept))
}

/// A book's name.
#[derive(Deserialize, ToSchema)]
pub struct NameForm {
    /// The new title
    title: String,
    /// Semicolons between them
    authors: String,
}

/// Renames a book.
#[utoipa::path(
    post, path = "/api/books/{book}", tag = BOOKS, params(BookPath),
    request_body(content = NameForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204))
)]
pub async fn rename(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiForm(NameForm { title, authors }): ApiForm<NameForm>,
) -> Result<Response, ApiError> {
    let names = authors.split(';').map(str::trim).filter(|name| !name.is_empty());
    let authors: Vec<String> = names.map(str::to_owned).collect();
    state.library.rename(&book, title.trim(), &authors).await?;
    Ok(redirect_or_no_content(&headers, &format!("/book/{book}")))
}

/// Whoever may add books may take any away; others their own, which they had before they were listeners.
async fn check_may_delete(state: &Visit, person: &Person, book: &BookId) -> Result<(), ApiError> {
    match person.role >= Role::Member || state.library.is_own(book).await? {
        true => Ok(()),
        false => Err(ApiError::NotAllowed),
    }
}

/// Deletes a book.
#[utoipa::path(
    delete, path = "/api/books/{book}", tag = BOOKS, params(BookPath), responses((status = 204))
)]
pub async fn delete(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    BookPath { book }: BookPath,
) -> Result<Response, ApiError> {
    check_may_delete(&state, &person, &book).await?;
    state.library.delete(&book).await?;
    Ok(redirect_or_no_content(&headers, &format!("/?deleted={book}")))
}

/// Brings a deleted book back, for a week.
#[utoipa::path(
    post, path = "/api/books/{book}/restore", tag = BOOKS, params(BookPath), responses((status = 204))
)]
pub async fn restore(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    BookPath { book }: BookPath,
) -> Result<Response, ApiError> {
    check_may_delete(&state, &person, &book).await?;
    state.library.restore(&book).await?;
    Ok(redirect_or_no_content(&headers, "/"))
}

/// What a chapter is of its book.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MatterForm {
    /// The chapter, from 1
    chapter: u32,
    /// `text`, `front` or `back`
    matter: String,
}

/// Says whether a chapter is text, or a title page, index and the like.
#[utoipa::path(
    post, path = "/api/books/{book}/matter", tag = BOOKS, params(BookPath),
    request_body(content = MatterForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204))
)]
pub async fn set_matter(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiForm(MatterForm { chapter, matter }): ApiForm<MatterForm>,
) -> Result<Response, ApiError> {
    let matter = Matter::parse(&matter).ok_or_else(|| ApiError::BadParameter {
        name: "matter",
        reason: "must be text, front or back".to_owned(),
    })?;
    state.library.set_matter(&book, chapter, matter).await?;
    Ok(redirect_or_no_content(&headers, &format!("/book/{book}")))
}

/// Looks for words in a book.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words to look for
    #[serde(default)]
    q: String,
}

/// Where the book says it, in reading order.
#[utoipa::path(
    get, path = "/api/books/{book}/search", tag = BOOKS, params(BookPath, SearchQuery),
    responses((status = 200, body = Vec<Hit>))
)]
pub async fn search(
    state: Visit,
    BookPath { book }: BookPath,
    ApiQuery(SearchQuery { q }): ApiQuery<SearchQuery>,
) -> Result<Json<Vec<Hit>>, ApiError> {
    Ok(Json(state.library.search(&book, &q).await?))
}
