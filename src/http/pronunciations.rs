//! How words are said in a book: kept, heard, taken away, and as a file.

use std::sync::Arc;

use app::model::{
    BookId, Matching, NewPronunciation, Person, Pronunciation, PronunciationScope, Role,
};
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Path, Query, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form, Json};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::params::QueryMap;
use super::preferences::{redirect_or_no_content, redirect_with_notice, wants_page};
use super::{ApiError, Visit, notice, params};
use crate::library::LibraryError;
use crate::library::pronunciations::{MAX_LEXICON_BYTES, Refused};
use crate::text::pronunciation::{MAX_WRITTEN_CHARS, checked, example, pronounce};

/// An entry as a form sends it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
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
    /// `book`, `author`, `language` or `everywhere`
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
        .ok_or_else(|| bad("scope", "must be book, author, language or everywhere"))
}

fn page(book: &BookId) -> String {
    format!("/book/{book}/pronunciation")
}

/// The page again, with what was entered; or the problem.
fn refused(headers: &HeaderMap, book: &BookId, entered: &str, error: ApiError) -> Response {
    if wants_page(headers) {
        notice::refused(&format!("{}{entered}", page(book)), &error.to_string())
    } else {
        error.into_response()
    }
}

/// `GET /api/books/{id}/pronunciations`
pub async fn list(
    state: Visit,
    Path(book): Path<String>,
) -> Result<Json<Vec<Pronunciation>>, ApiError> {
    Ok(Json(state.library.pronunciations(&params::book(&book)?).await?))
}

/// `POST /api/books/{id}/pronunciations`
pub async fn keep(
    state: Visit,
    headers: HeaderMap,
    Path(book): Path<String>,
    Form(form): Form<PronunciationForm>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
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

/// `DELETE /api/books/{id}/pronunciations/{entry}`, and for forms
/// `POST /api/books/{id}/pronunciations/{entry}/delete`.
pub async fn remove(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    Path((book, entry)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    let changes_books = person.role >= Role::Member;
    state.library.remove_pronunciation(&entry, changes_books).await?;
    Ok(redirect_or_no_content(&headers, &page(&book)))
}

/// `GET /api/books/{id}/pronunciations/sample`: an entry as it would sound, before it is kept.
pub async fn sample(
    state: Visit,
    Path(book): Path<String>,
    Query(form): Query<PronunciationForm>,
) -> Result<Response, ApiError> {
    let details = state.library.book(&params::book(&book)?).await?;
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

/// `GET /api/books/{id}/pronunciations.pls`
pub async fn pls(state: Visit, Path(book): Path<String>) -> Result<Response, ApiError> {
    let text = state.library.lexicon_pls(&params::book(&book)?).await?;
    Ok(file("application/pls+xml", "attachment; filename=\"pronunciation.pls\"", text))
}

/// `GET /api/books/{id}/pronunciations.txt`
pub async fn lines(state: Visit, Path(book): Path<String>) -> Result<Response, ApiError> {
    let text = state.library.lexicon_text(&params::book(&book)?).await?;
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

/// `POST /api/books/{id}/pronunciations/import`: a lexicon as the body, or as the file of a form.
pub async fn import(
    state: Visit,
    headers: HeaderMap,
    Path(book): Path<String>,
    Query(query): Query<QueryMap>,
    request: Request,
) -> Result<Response, ApiError> {
    let book = params::book(&book)?;
    let imported = async {
        let (source, named) = lexicon(&headers, request, &state).await?;
        let named = named.or_else(|| query.get("scope").cloned()).unwrap_or_default();
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
