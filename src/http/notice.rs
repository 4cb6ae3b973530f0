//! What a page says once after a form was sent: kept in a cookie of a minute, so that an address cannot
//! have a page say what somebody else wants.

use app::notice::Notice;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::cookies;

// `SameSite=Lax`: what a login provider refused is said on the page to which another site sent the browser.
const COOKIE: &str = "earmark_notice";
/// Longest notice, in characters; a cookie may have 4,096 bytes, and each character may take nine.
const MAX_CHARS: usize = 400;

/// Sends a browser on to a page that says why something was refused.
pub fn refused(page: &str, why: &str) -> Response {
    let why: String = why.chars().take(MAX_CHARS).collect();
    let value = utf8_percent_encode(&why, NON_ALPHANUMERIC);
    let mut response = Redirect::to(page).into_response();
    cookies::set(
        &mut response,
        &format!("{COOKIE}={value}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"),
    );
    response
}

/// What the page that is asked for is to say; nothing where the service worker keeps it for later, and nobody looks.
pub fn of(headers: &HeaderMap) -> Option<Notice> {
    if headers.get("purpose").is_some_and(|purpose| purpose == "prefetch") {
        return None;
    }
    let value = cookies::value(headers, COOKIE)?;
    let text = percent_decode_str(value).decode_utf8().ok()?;
    (!text.is_empty()).then(|| Notice(text.into_owned()))
}

/// Has the browser forget it: it was said.
pub fn forget(response: &mut Response) {
    cookies::set(response, &format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
}
