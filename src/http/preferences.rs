//! A person's preferences: read before a page is made, and kept when a form comes in.

use app::model::BookId;
use app::notice::Notice;
use app::preferences::Preferences;
use axum::Json;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use leptos::prelude::{provide_context, use_context};
use utoipa_axum::routes;

use super::extract::ApiForm;
use super::forms::{redirect_or_no_content, wants_page};
use super::openapi::RUNNING;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, notice};

/// What a page is made with: put into the request before it is rendered.
#[derive(Debug, Clone)]
pub struct PageSettings {
    /// What the person has chosen.
    pub preferences: Preferences,
    /// The languages the browser asks for.
    pub accepted: String,
    /// What the page is to say once.
    pub notice: Option<Notice>,
}

/// Puts preferences and words into the context of the page being rendered.
pub fn provide() {
    let Some(parts) = use_context::<Parts>() else { return };
    // What of a book is read is chosen for each.
    let book = parts.uri.path().strip_prefix("/read/").and_then(|rest| rest.split('/').next());
    let book = book.and_then(|book| book.parse::<BookId>().ok());
    if let Some(PageSettings { preferences, accepted, notice }) = parts.extensions.get() {
        if let Some(notice) = notice {
            provide_context(notice.clone());
        }
        provide_context(match book {
            Some(book) => preferences.in_book(&book),
            None => preferences.clone(),
        });
        provide_context(app::words::of(preferences.tongue, accepted));
    }
}

/// Puts [`PageSettings`] into requests for pages.
pub async fn load(state: Visit, mut request: Request, next: Next) -> Response {
    if !wants_page(request.headers()) {
        return next.run(request).await;
    }
    let preferences = match state.library.preferences().await {
        Ok(preferences) => preferences,
        Err(error) => {
            // A page in the default colours is better than none.
            tracing::warn!(%error, "preferences could not be read");
            Preferences::default()
        }
    };
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let notice = notice::of(request.headers());
    let is_told = notice.is_some();
    request.extensions_mut().insert(PageSettings { preferences, accepted, notice });
    let mut response = next.run(request).await;
    if is_told {
        notice::forget(&mut response);
    }
    response
}

/// Their routes.
pub fn router() -> Routes {
    Routes::default().add(Needs::PROGRESS, routes!(chosen)).add(Needs::PROGRESS, routes!(set))
}

/// What the reader prefers.
#[utoipa::path(get, path = "/api/preferences", tag = RUNNING, responses((status = 200, body = Object)))]
pub async fn chosen(state: Visit) -> Result<Json<Preferences>, ApiError> {
    Ok(Json(state.library.preferences().await?))
}

/// Changes preferences: a form with any of them by name.
///
/// What is read can be chosen for one book, by the name and the book's id: `notes_0123456789abcdef`. So can a speed and
/// what voices are told of how to speak, which may also be for a language: `rate_en`, `instructions_en`. An empty value
/// takes that back. A browser is sent back to where it was.
#[utoipa::path(
    post, path = "/settings", tag = RUNNING,
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204))
)]
pub async fn set(
    state: Visit,
    headers: HeaderMap,
    ApiForm(fields): ApiForm<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    state.library.set_preferences(&fields).await?;
    // What is for one book is chosen on its page.
    let book = fields.iter().find_map(|(name, _)| name.split_once('_')?.1.parse::<BookId>().ok());
    let page = book.map_or_else(|| "/settings".to_owned(), |book| format!("/book/{book}"));
    Ok(redirect_or_no_content(&headers, &page))
}
