//! Headers that protect the reader of a page, and the policies of caches.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

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
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; media-src 'self'; connect-src 'self'{reload}; \
         font-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    // No window of another site that was opened from here, or opened this, has a hold on it.
    response.insert_header(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    // What no page of ours asks for, no markup in a book may ask for either.
    response.insert_header(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    );
}

/// Whether a response is a page.
pub fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Headers of every response: its kind is what it says it is, no other site's page may hold it or know of it,
/// and where a reader comes from is told to nobody else. Within the site it is told: without it, browsers send
/// forms to a plain HTTP address with an `Origin` that could be anybody's.
pub async fn secure(mut response: Response) -> Response {
    const SAFE: [(HeaderName, HeaderValue); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        (header::CACHE_CONTROL, CACHE_REVALIDATE),
    ];
    let headers = response.headers_mut();
    for (name, value) in SAFE {
        headers.entry(name).or_insert(value);
    }
    response
}
