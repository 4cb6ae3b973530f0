//! What all speech services over HTTP have in common: limits of time and size, a second try where that
//! costs nothing, and the words of an error. How many requests are made at once, and when a service is left
//! alone, is decided by the queue, for all processes together.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::addresses::Resolver;
use super::background::compute;
use super::settings::{EngineSettings, TimeLimits};
use super::{Utterance, VoiceError, encoding};
use crate::audio::{self, Clip, TimedWord, excerpt};

/// A connection must be made within this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Largest answer, in bytes: five minutes of 48 kHz mono, and what base64 adds.
const MAX_ANSWER_BYTES: usize = 48 << 20;

/// Tries of one request, the first among them, where the service failed before it did any work.
const TRIES: u32 = 3;
/// Before the second try, on average; twice that before the third.
const BACKOFF: Duration = Duration::from_millis(400);

/// A speech service.
pub(super) struct Service {
    engine: String,
    /// Never repeated to anybody.
    key: Option<String>,
    client: Client,
    limits: TimeLimits,
}

/// What a service answers with.
pub(super) struct Answer {
    pub(super) audio: Bytes,
    /// When words begin, if it says so.
    pub(super) words: Option<Vec<TimedWord>>,
}

impl Answer {
    pub(super) fn of(audio: Bytes) -> Self {
        Self { audio, words: None }
    }

    /// The clip of a text, if the answer is a reading of it.
    pub(super) async fn into_clip(
        self,
        settings: &EngineSettings,
        utterance: Utterance<'_>,
    ) -> Result<Clip, VoiceError> {
        let (answer, wire, rate) = (self.audio, settings.wire, settings.sample_rate);
        // Decoding MP3 is computation.
        let pcm = compute(move || audio::read(answer, wire, rate)).await.flatten();
        let pcm = pcm.map_err(|reason| settings.no_audio(reason))?;
        let Utterance { text, speed, .. } = utterance;
        encoding::encode_checked(&settings.name, text, speed, pcm, self.words).await
    }
}

/// A request that failed.
struct Failure {
    error: VoiceError,
    /// Whether the same request may do better in a moment, and costs nothing.
    may_retry: bool,
}

impl Service {
    pub(super) fn new(settings: &EngineSettings, key: Option<String>) -> Result<Self, VoiceError> {
        // TLS needs a provider of cryptography; another part of the program may have set one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .timeout(settings.time_limits.total())
            .user_agent(concat!("earmark/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Resolver)
            // A service that sends its key elsewhere is not to be followed.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| VoiceError::NotStarted {
                program: settings.name.clone().into(),
                reason: error.to_string(),
            })?;
        Ok(Self { engine: settings.name.clone(), key, client, limits: settings.time_limits })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The service's key.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whoever needs a key is taken to cost something, whatever its price is said to be.
    pub(super) fn is_free(&self, settings: &EngineSettings) -> bool {
        self.key.is_none() && settings.price <= 0.0
    }

    /// Makes a request until it is answered well, as often as that makes sense. A request that was not
    /// answered in time is not repeated: the service may have done the work, and charged for it.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Bytes, VoiceError> {
        let mut tried = 0;
        loop {
            // The bodies here are JSON, which can be sent again.
            let Some(attempt) = request.try_clone() else {
                return Err(self.unreachable("the request cannot be sent twice"));
            };
            let Failure { error, may_retry } = match self.attempt(attempt).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tried += 1;
            if !may_retry || tried >= TRIES {
                return Err(error);
            }
            let pause = BACKOFF.mul_f64(f64::from(1 << (tried - 1)) * (0.5 + fastrand::f64()));
            let error = error.in_full();
            tracing::debug!(engine = self.engine, error, ?pause, "a request is tried again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<Bytes, Failure> {
        let failed = |error: &reqwest::Error| {
            // The client's own limit is that for all of it.
            if error.is_timeout() && !error.is_connect() {
                return Failure { error: self.too_slow(self.limits.total), may_retry: false };
            }
            let mut failure = self.unreachable(&plain_reason(error));
            // Once the request was sent the work may have been done, and the same again may be charged again.
            let was_sent = !error.is_connect() && !error.is_builder();
            if let VoiceError::Unreachable { may_have_cost, .. } = &mut failure {
                *may_have_cost = was_sent;
            }
            Failure { error: failure, may_retry: !was_sent }
        };
        let first_byte = Duration::from_secs(self.limits.first_byte.into());
        let response = match tokio::time::timeout(first_byte, request.send()).await {
            Err(_) => {
                let error = self.too_slow(self.limits.first_byte);
                return Err(Failure { error, may_retry: false });
            }
            Ok(Err(error)) => return Err(failed(&error)),
            Ok(Ok(response)) => response,
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_all(response).await.map_err(|error| match error {
            BodyError::Http(error) => failed(&error),
            BodyError::TooLarge => {
                let reason = format!("it answered with more than {} MB.", MAX_ANSWER_BYTES >> 20);
                Failure { error: self.unreachable(&reason), may_retry: false }
            }
        });
        let body = body.map_err(|mut failure| {
            if let VoiceError::Unreachable { may_have_cost, .. } = &mut failure.error {
                *may_have_cost = status.is_success();
                failure.may_retry = !status.is_success();
            }
            failure
        })?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(status, &headers, &body)) }
    }

    /// What an answer that is no success means.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        let (engine, ApiErrorBody { code, message }) =
            (self.engine.clone(), parse_error_body(body));
        let reason = if message.is_empty() { format!("status {status}.") } else { ended(message) };
        let reason = self.redact_key(reason);
        let is_exhausted = status == StatusCode::PAYMENT_REQUIRED || is_quota(&code);
        let retry_after_ms = retry_after(headers).map(|pause| pause.as_millis() as u64);
        let error = match status.as_u16() {
            400..=499 if is_exhausted => VoiceError::Exhausted { engine, reason },
            401 | 403 => VoiceError::Refused { engine, reason },
            429 => VoiceError::Busy { engine, reason, retry_after_ms },
            408 | 500..=599 => {
                VoiceError::Unreachable { engine, reason, retry_after_ms, may_have_cost: false }
            }
            _ => VoiceError::Rejected { engine, reason },
        };
        // Who says when to come again is left alone until then.
        let may_retry = matches!(error, VoiceError::Unreachable { .. }) && retry_after_ms.is_none();
        Failure { error, may_retry }
    }

    /// A service may repeat the key it was sent.
    fn redact_key(&self, text: String) -> String {
        match &self.key {
            Some(key) if !key.is_empty() => text.replace(key, "…"),
            _ => text,
        }
    }

    fn unreachable(&self, reason: &str) -> VoiceError {
        VoiceError::Unreachable {
            engine: self.engine.clone(),
            reason: reason.to_owned(),
            retry_after_ms: None,
            may_have_cost: false,
        }
    }

    fn too_slow(&self, seconds: u16) -> VoiceError {
        VoiceError::TooSlow { engine: self.engine.clone(), seconds }
    }
}

enum BodyError {
    Http(reqwest::Error),
    TooLarge,
}

/// The whole body. A body that ends before its length, or without the last chunk, is an error.
async fn read_all(mut response: Response) -> Result<Bytes, BodyError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Http)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(BodyError::TooLarge);
        }
    }
    Ok(body.freeze())
}

/// What happened, without the address: that may hold a key.
fn plain_reason(error: &reqwest::Error) -> String {
    let what = if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_body() || error.is_decode() {
        "its answer broke off"
    } else {
        "the connection failed"
    };
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match std::error::Error::source(error) {
        Some(_) => format!("{what} ({deepest})."),
        None => format!("{what}."),
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// What a service says of an error.
#[derive(Debug, Default, PartialEq, Eq)]
struct ApiErrorBody {
    code: String,
    message: String,
}

/// Reads the four forms there are: `{"error": {…}}`, `{"error": "…"}`, `{"detail": {…}}` and
/// `{"detail": […]}`; of anything else, its text.
fn parse_error_body(body: &[u8]) -> ApiErrorBody {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return ApiErrorBody { code: String::new(), message: excerpt(&without_markup(body)) };
    };
    let said = [&answer["error"], &answer["detail"]].into_iter().find(|said| !said.is_null());
    let Some(said) = said else {
        return ApiErrorBody { code: String::new(), message: excerpt(body) };
    };
    let text = |value: &Value| value.as_str().map(|text| excerpt(text.as_bytes()));
    match said {
        Value::String(message) => {
            ApiErrorBody { code: String::new(), message: excerpt(message.as_bytes()) }
        }
        // Each says what is wrong with a field.
        Value::Array(all) => {
            let messages: Vec<_> = all.iter().filter_map(|one| text(&one["msg"])).collect();
            ApiErrorBody { code: String::new(), message: messages.join("; ") }
        }
        fields => {
            let named = |names: &[&str]| names.iter().find_map(|name| text(&fields[*name]));
            // ElevenLabs says `status` where others say `code`; newer answers have both.
            let codes = [named(&["code"]), named(&["status"]), named(&["type"]), named(&["error"])];
            let quota = codes.iter().flatten().find(|code| is_quota(code)).cloned();
            ApiErrorBody {
                code: quota.or_else(|| codes.into_iter().flatten().next()).unwrap_or_default(),
                message: named(&["message", "msg"]).unwrap_or_default(),
            }
        }
    }
}

/// Codes that say that what was paid for is used up.
fn is_quota(code: &str) -> bool {
    const CODES: [&str; 5] = [
        "insufficient_quota",
        "quota_exceeded",
        "billing_hard_limit_reached",
        "billing_not_active",
        "payment_required",
    ];
    CODES.contains(&code)
}

/// The text of an error page.
fn without_markup(page: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut in_tag = false;
    for byte in page.iter().copied().take(4096) {
        match byte {
            b'<' => in_tag = true,
            b'>' => {
                in_tag = false;
                text.push(b' ');
            }
            _ if !in_tag => text.push(byte),
            _ => {}
        }
    }
    text
}

/// A sentence that ends as one.
fn ended(mut message: String) -> String {
    if !message.ends_with(['.', '!', '?']) {
        message.push('.');
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(body: &str) -> (String, String) {
        let ApiErrorBody { code, message } = parse_error_body(body.as_bytes());
        (code, message)
    }

    #[test]
    fn complaints_are_read_in_every_form() {
        let cases = [
            (
                r#"{"error":{"message":"No.","type":"t","param":null,"code":"insufficient_quota"}}"#,
                "insufficient_quota",
                "No.",
            ),
            (r#"{"error":"No."}"#, "", "No."),
            (r#"{"detail":{"status":"quota_exceeded","message":"No."}}"#, "quota_exceeded", "No."),
            (
                r#"{"detail":{"error":"validation_error","message":"No.","type":"invalid_request_error"}}"#,
                "invalid_request_error",
                "No.",
            ),
            (r#"{"detail":[{"loc":["body"],"msg":"one"},{"msg":"two"}]}"#, "", "one; two"),
            ("<html><h1>Internal</h1> error</html>", "", "Internal error"),
            ("", "", ""),
        ];
        for (body, code, message) in cases {
            assert_eq!(said(body), (code.to_owned(), message.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_service_is_asked_to_come_again_in_seconds_or_at_a_time() {
        let after = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
        assert!((55..=60).contains(&after(&soon).unwrap().as_secs()));
        assert_eq!(after("soon"), None);
    }

    proptest! {
        #[test]
        fn any_answer_is_a_complaint(body in ".{0,300}") {
            prop_assert!(parse_error_body(body.as_bytes()).message.chars().count() <= 2000);
        }
    }
}
