//! Cookies of sessions, and what a browser keeps of the person who had one.

use axum::http::{HeaderMap, HeaderName, header};
use axum::response::Response;

use crate::http::cookies;

/// The cookie with a session's secret: over HTTPS, the same below a path, and over plain HTTP. A browser takes one with
/// a prefix over nothing but HTTPS, and the first from no neighbour (RFC 6265bis, section 4.1.3).
const COOKIES: [&str; 3] = ["__Host-earmark", "__Secure-earmark", "earmark"];
/// The same, with the secret of a guest who came by a link to a book.
const GUEST_COOKIES: [&str; 3] =
    ["__Host-earmark-guest", "__Secure-earmark-guest", "earmark_guest"];
/// Remembers whose pages a browser may have kept.
pub const LAST: &str = "earmark_last";
/// Has a page's script forget what the browser has kept of the site.
const FORGET: &str = "earmark_forget";
/// How long a browser keeps a cookie, in seconds: the 400 days that it may have at most (RFC 6265bis, section 5.5).
/// When a session ends is the server's to say.
pub const COOKIE_AGE: u64 = 400 * 24 * 3600;
/// The header that has a browser keep a session's secret, or forget it.
pub fn session_cookie(secret: &str, is_https: bool, is_below: bool) -> String {
    secret_cookie(cookie_name(is_https, is_below), secret, is_https)
}

/// The header that has a browser keep the secret of a guest.
pub fn guest_cookie(secret: &str, is_https: bool, is_below: bool) -> String {
    secret_cookie(guest_cookie_name(is_https, is_below), secret, is_https)
}

fn secret_cookie(name: &str, secret: &str, is_https: bool) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    format!("{name}={secret}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Lax{secure}")
}

/// The cookie of a session that came over HTTPS, or to a site below a path of its host.
pub fn cookie_name(is_https: bool, is_below: bool) -> &'static str {
    COOKIES[kind(is_https, is_below)]
}

/// The cookie of a guest, likewise.
pub fn guest_cookie_name(is_https: bool, is_below: bool) -> &'static str {
    GUEST_COOKIES[kind(is_https, is_below)]
}

fn kind(is_https: bool, is_below: bool) -> usize {
    match (is_https, is_below) {
        (true, false) => 0,
        (true, true) => 1,
        (false, _) => 2,
    }
}

/// The headers that have a browser forget the secrets of all its sessions.
pub fn no_session_cookies() -> [String; 3] {
    COOKIES.map(gone)
}

/// The headers that have a browser forget that it was a guest.
pub fn no_guest_cookies() -> [String; 3] {
    GUEST_COOKIES.map(gone)
}

fn gone(name: &str) -> String {
    let secure = if name.starts_with("__") { "; Secure" } else { "" };
    format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}")
}

/// Has a browser that lets somebody in forget what it has kept of another, and remember whose pages it keeps now.
pub fn let_in_anew(response: &mut Response, user: &str, headers: &HeaderMap) {
    if cookies::value(headers, LAST) != Some(user) {
        clear_site(response);
    }
    remember(response, user);
}

/// The secrets of all the sessions that a browser has.
pub fn secrets(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    COOKIES.iter().filter_map(|name| cookies::value(headers, name))
}

/// The secrets that a browser has as a guest.
pub fn guest_secrets(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    GUEST_COOKIES.iter().filter_map(|name| cookies::value(headers, name))
}

/// Has a browser remember whose pages it may have kept: not whether they are logged in.
pub fn remember(response: &mut Response, user: &str) {
    let last = format!("{LAST}={user}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Lax");
    cookies::set(response, &last);
}

/// Has a browser forget pages, sound, books and places that it has kept: by itself, which it does over HTTPS alone
/// (Clear Site Data, section 4.2), and by the script of the next page (`islands/offline.rs`).
pub fn clear_site(response: &mut Response) {
    let forget = format!("{FORGET}=1; Path=/; Max-Age={COOKIE_AGE}; SameSite=Strict");
    cookies::set(response, &forget);
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
}
