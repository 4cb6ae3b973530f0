//! Files of known size: conditional, and in parts if asked (RFC 9110, sections 13 and 14).

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::headers::CACHE_REVALIDATE;

/// What is known of a file before it is sent.
pub struct FileFacts<'a> {
    /// Its type.
    pub kind: HeaderValue,
    /// Names exactly these bytes.
    pub tag: &'a str,
    /// How long it is, in bytes.
    pub size: u64,
}

impl FileFacts<'_> {
    /// The answer to a request for it; `body` is asked for the part that is sent.
    pub fn answer(self, headers: &HeaderMap, body: impl FnOnce(Range<u64>) -> Body) -> Response {
        let Self { kind, tag, size } = self;
        let tag = format!("\"{tag}\"");
        let fixed = [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, CACHE_REVALIDATE),
            (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        ];
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let entity = [(header::ETAG, tag.clone())];
        let is_known = |list: &str| {
            list.split(',').any(|known| {
                matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag
            })
        };
        if text(header::IF_NONE_MATCH).is_some_and(is_known) {
            return (StatusCode::NOT_MODIFIED, fixed, entity).into_response();
        }
        // A range of another version of the file is no range of this one.
        let is_same = text(header::IF_RANGE).is_none_or(|known| known == tag);
        let wanted =
            text(header::RANGE).filter(|_| is_same).and_then(|range| byte_range(range, size));
        let (status, range) = match wanted {
            None => (StatusCode::OK, 0..size),
            Some(Ok(range)) => (StatusCode::PARTIAL_CONTENT, range),
            Some(Err(())) => {
                let all = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
                return (StatusCode::RANGE_NOT_SATISFIABLE, fixed, entity, all).into_response();
            }
        };
        let length = [(header::CONTENT_LENGTH, (range.end - range.start).to_string())];
        let part = (status == StatusCode::PARTIAL_CONTENT).then(|| {
            [(header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1))]
        });
        let body = body(range);
        match part {
            Some(part) => (status, fixed, entity, length, part, body).into_response(),
            None => (status, fixed, entity, length, body).into_response(),
        }
    }
}

/// A single range of a `Range` header (RFC 9110, section 14): `None` when it is not one that must
/// be honoured, an error when it lies outside.
fn byte_range(header: &str, size: u64) -> Option<Result<Range<u64>, ()>> {
    let spec = header.trim().strip_prefix("bytes=")?;
    let (first, last) = spec.trim().split_once('-')?;
    let range = match (first.is_empty(), last.is_empty()) {
        (true, true) => return None,
        (true, false) => {
            let suffix: u64 = last.parse().ok()?;
            size.saturating_sub(suffix)..size
        }
        (false, true) => first.parse().ok()?..size,
        (false, false) => {
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if range.start < range.end { Ok(range) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(byte_range("bytes=0-", 100), Some(Ok(0..100)));
        assert_eq!(byte_range("bytes=0-1", 100), Some(Ok(0..2)));
        assert_eq!(byte_range("bytes=90-200", 100), Some(Ok(90..100)));
        assert_eq!(byte_range("bytes=-10", 100), Some(Ok(90..100)));
        assert_eq!(byte_range("bytes=-200", 100), Some(Ok(0..100)));
        assert_eq!(byte_range("bytes=100-", 100), Some(Err(())));
        assert_eq!(byte_range("bytes=-0", 100), Some(Err(())));
        for ignored in ["bytes=-", "bytes=5-2", "bytes=a-b", "items=0-1", "bytes=0-1,5-6"] {
            assert_eq!(byte_range(ignored, 100), None, "{ignored}");
        }
    }
}
