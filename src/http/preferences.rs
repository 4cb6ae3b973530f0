//! A person's preferences: read before a page is made, and kept when a form comes in.

use app::notice::Notice;
use app::preferences::Preferences;
use axum::Form;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::{provide_context, use_context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

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
    if let Some(PageSettings { preferences, accepted, notice }) = parts.extensions.get() {
        if let Some(notice) = notice {
            provide_context(notice.clone());
        }
        provide_context(preferences.clone());
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

/// `GET /api/preferences`
pub async fn get(state: Visit) -> Result<axum::Json<Preferences>, ApiError> {
    Ok(axum::Json(state.library.preferences().await?))
}

/// `POST /settings`: any number of preferences by name. A browser is sent back to where it was.
pub async fn set(
    state: Visit,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    state.library.set_preferences(&fields).await?;
    Ok(redirect_or_no_content(&headers, "/settings"))
}

/// Sends a browser on to a page; a program gets nothing, with success.
pub fn redirect_or_no_content(headers: &HeaderMap, page: &str) -> Response {
    if wants_page(headers) {
        Redirect::to(page).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// Sends a browser on to a page that says what happened, in its parameter `name`.
pub fn redirect_with_notice(page: &str, name: &str, what: &str) -> Response {
    let what = utf8_percent_encode(what, NON_ALPHANUMERIC);
    Redirect::to(&format!("{page}?{name}={what}")).into_response()
}

/// Whether a browser has sent a form, and wants a page in answer.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).map(HeaderValue::to_str);
    accept.is_some_and(|accept| accept.is_ok_and(|accept| accept.contains("text/html")))
}
