//! What requests may carry: how much, and no character that no text has.

use std::error::Error;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http_body_util::LengthLimitError;
use tower_http::timeout::TimeoutError;

use super::ApiError;
use crate::library::import::limits::MAX_FILE_BYTES;

/// A form or a place, in bytes.
pub const SMALL_BYTES: usize = 64 * 1024;
/// A note, or a text to be spoken, in bytes: 20,000 characters with all of them escaped.
pub const TEXT_BYTES: usize = 1024 * 1024;
/// A file in a form, in bytes.
pub const FILE_BYTES: usize = MAX_FILE_BYTES as usize + SMALL_BYTES;

/// Refuses at once what says that it is larger; the rest is read piece by piece.
pub async fn read_streamed(limit: usize, request: Request, next: Next) -> Response {
    if declares_more(&request, limit) {
        return too_large(limit).into_response();
    }
    next.run(request.map(with_short_head)).await
}

/// A form whose first file does not begin soon is none: what stands before it would be held in memory.
fn with_short_head(body: Body) -> Body {
    let (mut head, mut has_begun) = (Vec::new(), false);
    Body::from_stream(body.into_data_stream().map(move |piece| {
        let piece = piece.map_err(std::io::Error::other)?;
        if !has_begun {
            let room = SMALL_BYTES - head.len();
            // The end of the head may lie across two pieces; what has been looked at is not looked at again.
            let from = head.len().saturating_sub(3);
            head.extend_from_slice(&piece[..piece.len().min(room)]);
            has_begun = contains(&head[from..], b"\r\n\r\n");
            if !has_begun && head.len() == SMALL_BYTES {
                return Err(std::io::Error::other("the form does not begin"));
            }
            if has_begun {
                head = Vec::new();
            }
        }
        Ok::<_, std::io::Error>(piece)
    }))
}

/// Refuses at once what says that it is larger, and texts with U+0000: PostgreSQL cannot store it, and no
/// text means it.
pub async fn read_whole(limit: usize, request: Request, next: Next) -> Response {
    if has_nul_in_address(request.uri().path())
        || has_nul_in_address(request.uri().query().unwrap_or_default())
    {
        return no_nul().into_response();
    }
    if declares_more(&request, limit) {
        return too_large(limit).into_response();
    }
    let (parts, body) = request.into_parts();
    let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(is_form);
    let bytes = match to_bytes(body, limit).await {
        Ok(bytes) => bytes,
        Err(error) => return unread(&error, limit).into_response(),
    };
    if bytes.contains(&0) || has_escaped_nul(&bytes) || is_form && contains(&bytes, b"%00") {
        return no_nul().into_response();
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// Why a body could not be read.
fn unread(error: &axum::Error, limit: usize) -> ApiError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return ApiError::TooSlow;
        }
        if error.is::<LengthLimitError>() {
            return too_large(limit);
        }
        cause = error.source();
    }
    ApiError::BadBody("The request broke off.".to_owned())
}

fn declares_more(request: &Request, limit: usize) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > limit as u64)
}

fn is_form(kind: &HeaderValue) -> bool {
    kind.as_bytes().starts_with(b"application/x-www-form-urlencoded")
}

fn has_nul_in_address(text: &str) -> bool {
    contains(text.as_bytes(), b"%00")
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// `\u0000` in JSON, where the backslash is not itself escaped.
fn has_escaped_nul(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\\') {
        let start = at + found;
        if bytes[start + 1..].starts_with(b"u0000") {
            return true;
        }
        // The next character belongs to this backslash, also when it is one.
        at = (start + 2).min(bytes.len());
    }
    false
}

fn too_large(limit: usize) -> ApiError {
    ApiError::TooLarge(if limit >= FILE_BYTES {
        format!(
            "The file is larger than {} MB, which is the most Earmark takes.",
            MAX_FILE_BYTES >> 20
        )
    } else {
        format!(
            "The request is larger than {} kB, which is the most that is taken here.",
            limit / 1024
        )
    })
}

fn no_nul() -> ApiError {
    ApiError::BadBody("The request has the character U+0000 in it, which no text has.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_nul_is_told_from_an_escaped_backslash() {
        assert!(has_escaped_nul(br#"{"note":"a\u0000b"}"#));
        assert!(has_escaped_nul(br#""\\\u0000""#));
        assert!(!has_escaped_nul(br#""\\u0000""#));
        assert!(!has_escaped_nul(br#""\n\u0001\"#));
    }
}
