//! Headers that protect the reader of a page, and the policies of caches.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::ApiError;

/// What never changes under its address: a clip.
pub const CACHE_FOREVER: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable");

/// What never changes under its address and is not for caches that several people share: what belongs to a
/// book.
pub const CACHE_PRIVATELY: HeaderValue =
    HeaderValue::from_static("private, max-age=31536000, immutable");

/// What must be asked for again each time.
pub const CACHE_REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Pictures of books are served with this: an SVG opened by itself may run nothing.
pub const BOOK_FILE_CSP: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

/// The content security policy of a page, with the nonce its scripts carry. Called in the context
/// of a page being rendered.
pub fn page_policy() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    // `cargo leptos watch` reloads pages over a web socket.
    let reload = if cfg!(debug_assertions) { " ws:" } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'{reload}; \
         font-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Headers of every response.
pub async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let nosniff = HeaderValue::from_static("nosniff");
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(nosniff);
    // Only pages and sheets lead anywhere; only data, pictures and sound are worth taking by another site.
    let is_text = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/");
    let (name, value) = match headers.get(header::CONTENT_TYPE).is_some_and(is_text) {
        true => (header::REFERRER_POLICY, "no-referrer"),
        false => (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    };
    headers.entry(name).or_insert(HeaderValue::from_static(value));
    headers.entry(header::CACHE_CONTROL).or_insert(CACHE_REVALIDATE);
    response
}

/// Refuses what another site's page would have our reader's browser do here. Browsers say where a request
/// comes from: in `Sec-Fetch-Site`, or to a plain HTTP address of the house network in `Origin` alone.
/// Programs say nothing.
pub async fn reject_cross_site(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && is_cross_site(&request) {
        return ApiError::OtherSite.into_response();
    }
    next.run(request).await
}

fn is_cross_site(request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    match header("sec-fetch-site") {
        Some("cross-site" | "same-site") => return true,
        // Also behind a proxy that changes `Host`.
        Some("same-origin") => return false,
        _ => {}
    }
    let host = header("host").or(request.uri().host());
    let origin = header("origin").map(|origin| origin.split_once("://").map(|(_, host)| host));
    origin.is_some_and(|origin| origin.is_none() || origin != host)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn what_another_sites_page_sends_is_known() {
        let foreign = |headers: &[(&str, &str)]| {
            let mut request = Request::builder().uri("/api/voice").header("host", "house:3000");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            is_cross_site(&request.body(Body::empty()).unwrap())
        };
        assert!(!foreign(&[]), "a program");
        assert!(!foreign(&[("origin", "http://house:3000")]));
        assert!(foreign(&[("origin", "http://evil.example")]));
        assert!(foreign(&[("origin", "null")]));
        assert!(foreign(&[("sec-fetch-site", "cross-site")]));
        assert!(!foreign(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://books.example")
        ]));
        assert!(!foreign(&[("sec-fetch-site", "none")]));
    }
}
