//! Answers to forms: a browser is sent on to a page, a program hears what came of it.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ApiError, notice};

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

/// Whether a script of ours has sent a form, and shows what is wrong by itself.
pub fn takes_problems(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/problem+json"))
}

/// Sends a browser back to the page it comes from, and a program what came of it.
pub fn answer(headers: &HeaderMap, page: &str, done: Result<StatusCode, ApiError>) -> Response {
    match done {
        Ok(_) if wants_page(headers) => Redirect::to(page).into_response(),
        Ok(status) => status.into_response(),
        Err(error) => refused(headers, page, error),
    }
}

/// Sends a browser back to the page it comes from, which says what went wrong; a program gets the problem.
pub fn refused(headers: &HeaderMap, page: &str, error: ApiError) -> Response {
    if wants_page(headers) { notice::refused(page, &error.notice()) } else { error.into_response() }
}

/// A text as it stands in the query of an address.
pub fn in_address(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
