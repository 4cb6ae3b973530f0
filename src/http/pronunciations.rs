//! How words are said in a book: kept, heard, taken away, and as a file.

use std::sync::Arc;

use app::model::{
    BookId, Matching, NewPronunciation, Person, Pronunciation, PronunciationScope, Role, Scope,
};
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Json};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiPath, ApiQuery, BookPath};
use super::forms::{redirect_or_no_content, redirect_with_notice, wants_page};
use super::openapi::{BOOKS, Binary};
use super::routes::{Carries, Needs, Routes};
use super::{ApiError, Visit, forms, notice};
use crate::library::LibraryError;
use crate::library::pronunciations::{MAX_LEXICON_BYTES, Refused};
use crate::text::pronunciation::{MAX_WRITTEN_CHARS, checked, example, pronounce};

/// Their routes.
pub fn router() -> Routes {
    const REMOVED: &str = "/api/books/{book}/pronunciations/{entry}/delete";
    Routes::default()
        .add(Needs::PROGRESS, routes!(list))
        .add(Needs::PRONOUNCE, routes!(keep))
        .add(Needs::PRONOUNCE, routes!(remove))
        .page(Needs::PRONOUNCE, Method::POST, REMOVED, post(remove))
        .add(Needs::Own(Role::Listener, Scope::Listen), routes!(sample))
        .add(Needs::PROGRESS, routes!(pls))
        .add(Needs::PROGRESS, routes!(lines))
        .carrying(Carries::Text, Needs::PRONOUNCE, routes!(import))
}

/// An entry as a form sends it.
#[derive(Debug, Deserialize, utoipa::ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PronunciationForm {
    /// The word as the book has it, or a pattern
    written: String,
    /// What a voice is given in its place
    #[serde(default)]
    spoken: String,
    /// How it sounds, in IPA, for voices that take it
    #[serde(default)]
    phonemes: String,
    /// `word`, `part` or `pattern`
    #[serde(default)]
    matching: String,
    /// `on`: capitals must agree
    #[serde(default)]
    matches_case: String,
    /// `book`, `series`, `author`, `language` or `everywhere`
    #[serde(default)]
    scope: String,
    /// The id of an entry that this one takes the place of
    #[serde(default)]
    replaces: String,
    /// The voice to hear it in; the book's default when empty
    #[serde(default)]
    voice: String,
}

impl PronunciationForm {
    fn entry(&self) -> Result<NewPronunciation, ApiError> {
        Ok(NewPronunciation {
            written: self.written.clone(),
            spoken: self.spoken.clone(),
            phonemes: self.phonemes.clone(),
            matching: match self.matching.as_str() {
                "" => Matching::Word,
                name => Matching::parse(name)
                    .ok_or_else(|| bad("matching", "must be word, part or pattern"))?,
            },
            matches_case: self.matches_case == "on" || self.matches_case == "true",
            scope: scope(&self.scope)?,
        })
    }

    /// The fields as the page's query has them.
    fn entered(&self) -> String {
        let fields = [
            ("written", &self.written),
            ("spoken", &self.spoken),
            ("phonemes", &self.phonemes),
            ("matching", &self.matching),
            ("matches_case", &self.matches_case),
            ("scope", &self.scope),
            ("replaces", &self.replaces),
        ];
        let field = |(name, value): (&str, &String)| {
            let value: String = value.chars().take(2 * MAX_WRITTEN_CHARS).collect();
            format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC))
        };
        format!("?{}", fields.map(field).join("&"))
    }
}

fn bad(name: &'static str, reason: &str) -> ApiError {
    ApiError::BadParameter { name, reason: reason.to_owned() }
}

fn scope(name: &str) -> Result<PronunciationScope, ApiError> {
    if name.is_empty() {
        return Ok(PronunciationScope::Book);
    }
    PronunciationScope::parse(name)
        .ok_or_else(|| bad("scope", "must be book, series, author, language or everywhere"))
}

fn page(book: &BookId) -> String {
    format!("/book/{book}/pronunciation")
}

/// The page again, with what was entered; or the problem.
fn refused(headers: &HeaderMap, book: &BookId, entered: &str, error: ApiError) -> Response {
    forms::refused(headers, &format!("{}{entered}", page(book)), error)
}

/// An entry of a book.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EntryPath {
    /// The entry’s id
    entry: String,
}

/// How words are said in the book, the nearest scope first.
#[utoipa::path(
    get, path = "/api/books/{book}/pronunciations", tag = BOOKS, params(BookPath),
    responses((status = 200, body = Vec<Pronunciation>))
)]
pub async fn list(
    state: Visit,
    BookPath { book }: BookPath,
) -> Result<Json<Vec<Pronunciation>>, ApiError> {
    Ok(Json(state.library.pronunciations(&book).await?))
}

/// Keeps how a word is said. Only sentences that have it are made again.
#[utoipa::path(
    post, path = "/api/books/{book}/pronunciations", tag = BOOKS, params(BookPath),
    request_body(content = PronunciationForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = Pronunciation))
)]
pub async fn keep(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiForm(form): ApiForm<PronunciationForm>,
) -> Result<Response, ApiError> {
    let kept = async {
        let replaced = Some(form.replaces.as_str()).filter(|id| !id.is_empty());
        Ok::<_, ApiError>(state.library.keep_pronunciation(&book, form.entry()?, replaced).await?)
    };
    Ok(match kept.await {
        Ok(_) if wants_page(&headers) => Redirect::to(&page(&book)).into_response(),
        Ok(kept) => (StatusCode::CREATED, Json(kept)).into_response(),
        Err(error) => refused(&headers, &book, &form.entered(), error),
    })
}

/// Forgets how a word is said.
#[utoipa::path(
    delete, path = "/api/books/{book}/pronunciations/{entry}", tag = BOOKS, params(BookPath, EntryPath),
    responses((status = 204))
)]
pub async fn remove(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiPath(EntryPath { entry }): ApiPath<EntryPath>,
) -> Result<Response, ApiError> {
    let changes_books = person.role >= Role::Member;
    state.library.remove_pronunciation(&entry, changes_books).await?;
    Ok(redirect_or_no_content(&headers, &page(&book)))
}

/// How an entry would sound, before it is kept.
#[utoipa::path(
    get, path = "/api/books/{book}/pronunciations/sample", tag = BOOKS, params(BookPath, PronunciationForm),
    responses((status = 200, body = Binary, content_type = "audio/mpeg"))
)]
pub async fn sample(
    state: Visit,
    BookPath { book }: BookPath,
    ApiQuery(form): ApiQuery<PronunciationForm>,
) -> Result<Response, ApiError> {
    let details = state.library.book(&book).await?;
    let card = details.card;
    let text = if form.spoken.trim().is_empty() && form.phonemes.trim().is_empty() {
        // As it is said now.
        let word: String = form.written.chars().take(MAX_WRITTEN_CHARS).collect();
        pronounce(&state.library.said(&card.id).await?.rules, &word, &[])
    } else {
        example(&checked(form.entry()?).map_err(LibraryError::from)?)
    };
    let chosen = card.progress.and_then(|place| place.voice).unwrap_or_default();
    let voice = if form.voice.is_empty() { &chosen } else { &form.voice };
    let spoken = state.narrator.say(&text, voice, &card.language).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("audio/mpeg")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, spoken.bytes).into_response())
}

/// How words are said, as a W3C pronunciation lexicon.
#[utoipa::path(
    get, path = "/api/books/{book}/pronunciations.pls", tag = BOOKS, params(BookPath),
    responses((status = 200, body = String, content_type = "application/pls+xml"))
)]
pub async fn pls(state: Visit, BookPath { book }: BookPath) -> Result<Response, ApiError> {
    let text = state.library.lexicon_pls(&book).await?;
    Ok(file("application/pls+xml", "attachment; filename=\"pronunciation.pls\"", text))
}

/// How words are said, a line each.
#[utoipa::path(
    get, path = "/api/books/{book}/pronunciations.txt", tag = BOOKS, params(BookPath),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub async fn lines(state: Visit, BookPath { book }: BookPath) -> Result<Response, ApiError> {
    let text = state.library.lexicon_text(&book).await?;
    Ok(file("text/plain; charset=utf-8", "attachment; filename=\"pronunciation.txt\"", text))
}

fn file(kind: &'static str, disposition: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition)),
    ];
    (headers, text).into_response()
}

/// What became of a lexicon.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LexiconAnswer {
    /// Entries that were kept
    kept: u32,
    /// What could not be used
    refused: Vec<Refused>,
}

/// For what a lexicon is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ScopeQuery {
    /// “book”, “series”, “author”, “language” or “everywhere”; the book when left out
    scope: Option<String>,
}

/// Keeps what a lexicon says, in either form.
///
/// It is the body, or the field “file” of a form.
#[utoipa::path(
    post, path = "/api/books/{book}/pronunciations/import", tag = BOOKS, params(BookPath, ScopeQuery),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = LexiconAnswer))
)]
pub async fn import(
    state: Visit,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiQuery(query): ApiQuery<ScopeQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let imported = async {
        let (source, named) = lexicon(&headers, request, &state).await?;
        let named = named.or(query.scope).unwrap_or_default();
        let scope = scope(&named)?;
        let (kept, refused) = state.library.import_lexicon(&book, &source, scope).await?;
        Ok::<_, ApiError>(LexiconAnswer { kept, refused })
    };
    let answer = match imported.await {
        Ok(answer) => answer,
        Err(error) => return Ok(refused(&headers, &book, "", error)),
    };
    if !wants_page(&headers) {
        return Ok(Json(answer).into_response());
    }
    Ok(match answer.refused.split_first() {
        None => redirect_with_notice(&page(&book), "kept", &answer.kept.to_string()),
        Some((Refused { line, reason }, rest)) => {
            let mut more: String = rest.iter().map(|one| format!(", {}", one.line)).collect();
            if let Some(lines) = more.strip_prefix(", ") {
                more = format!(" (+ {lines})");
            }
            let kept = format!("{}?kept={}", page(&book), answer.kept);
            notice::refused(&kept, &format!("{line}: {reason}{more}"))
        }
    })
}

/// The lexicon that was sent, and the scope if the form names one.
async fn lexicon(
    headers: &HeaderMap,
    request: Request,
    state: &Visit,
) -> Result<(String, Option<String>), ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        let body = axum::body::to_bytes(request.into_body(), MAX_LEXICON_BYTES).await;
        let too_large = format!("A lexicon can have {} kB.", MAX_LEXICON_BYTES / 1024);
        let body = body.map_err(|_| ApiError::BadBody(too_large))?;
        return Ok((String::from_utf8_lossy(&body).into_owned(), None));
    }
    let unreadable = |error: MultipartError| ApiError::BadBody(error.body_text());
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|rejection| ApiError::BadBody(rejection.body_text()))?;
    let (mut source, mut scope) = (String::new(), None);
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("scope") => scope = Some(field.text().await.map_err(unreadable)?),
            Some("file") => {
                let bytes = field.bytes().await.map_err(unreadable)?;
                source = String::from_utf8_lossy(&bytes).into_owned();
            }
            _ => {}
        }
    }
    Ok((source, scope))
}
