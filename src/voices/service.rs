//! What all speech services over HTTP have in common: limits of time and size, turns, tries, a circuit
//! breaker, and the words of an error.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::VoiceError;
use super::settings::EngineSettings;
use super::sound::excerpt;
use super::turns::Turns;
use crate::redis::Link;

/// A connection must be made within this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A service may think this long before its first byte.
const FIRST_BYTE_LIMIT: Duration = Duration::from_secs(30);
/// And this long may all of it take.
const TOTAL_LIMIT: Duration = Duration::from_secs(120);
/// Largest answer, in bytes: five minutes of 48 kHz mono, and what base64 adds.
const MAX_ANSWER_BYTES: usize = 48 << 20;

/// Tries of one request, the first among them.
const TRIES: u32 = 3;
/// Before the second try, on average; twice that before the third.
const BACKOFF: Duration = Duration::from_millis(400);
/// Longest pause that a service may ask for between two tries: a worker holds its claim meanwhile.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Shortest pause: services say 0 as well.
const MIN_PAUSE: Duration = Duration::from_millis(200);
/// Longest time that a service is left alone because it asks for it.
const MAX_REST: Duration = Duration::from_secs(600);

/// Failures in a row after which a service is left alone.
const FAILURES: u32 = 5;
/// How long it is left alone; then one request tries whether it is back.
const REST: Duration = Duration::from_secs(30);
/// The same when it does not accept the key or the quota is used up: only a person mends that, and then
/// the settings change or money is there.
const LONG_REST: Duration = Duration::from_secs(60);

/// A speech service.
pub(super) struct Service {
    engine: String,
    /// What must not be repeated to anybody.
    key: Option<String>,
    client: Client,
    turns: Turns,
    /// A std mutex: held for a few assignments, never across an await.
    breaker: Mutex<Breaker>,
}

/// Lets no request through for a while after failures.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    /// Until when requests fail at once, and with what.
    open: Option<(Instant, VoiceError)>,
}

/// A request that failed.
struct Failure {
    error: VoiceError,
    /// Whether the same request may do better, and when the service says.
    retry: Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    Never,
    Soon,
    After(Duration),
}

impl Service {
    pub(super) fn new(
        settings: &EngineSettings,
        key: Option<String>,
        link: Option<Link>,
    ) -> Result<Self, VoiceError> {
        // TLS needs a provider of cryptography; another part of the program may have set one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .timeout(TOTAL_LIMIT)
            .user_agent(concat!("earmark/", env!("CARGO_PKG_VERSION")))
            // A service that sends its key elsewhere is not to be followed.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| VoiceError::NotStarted {
                program: settings.name.clone().into(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            engine: settings.name.clone(),
            key,
            client,
            turns: Turns::new(&settings.name, settings.concurrency, link),
            breaker: Mutex::default(),
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The service's key.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Makes a request until it is answered well, as often as that makes sense.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Bytes, VoiceError> {
        self.admit()?;
        let _turn = self.turns.take().await;
        let mut tried = 0;
        loop {
            // Again each time: others may have found out meanwhile.
            self.admit()?;
            // The bodies here are JSON, which can be sent again.
            let Some(attempt) = request.try_clone() else {
                return Err(self.unreachable("the request cannot be sent twice"));
            };
            let Failure { error, retry } = match self.attempt(attempt).await {
                Ok(answer) => {
                    *self.breaker() = Breaker::default();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            tried += 1;
            let jitter = 0.5 + fastrand::f64();
            let pause = match retry {
                Retry::After(pause) if pause > MAX_PAUSE => {
                    self.breaker().rest(&error, pause.min(MAX_REST));
                    return Err(error);
                }
                Retry::After(pause) if tried < TRIES => pause + MIN_PAUSE.mul_f64(jitter),
                Retry::Soon if tried < TRIES => {
                    BACKOFF.mul_f64(f64::from(1 << (tried - 1)) * jitter)
                }
                _ => {
                    self.breaker().failed(&error);
                    return Err(error);
                }
            };
            tracing::debug!(engine = self.engine, %error, ?pause, "a request is tried again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<Bytes, Failure> {
        let soon = |reason: &str| Failure { error: self.unreachable(reason), retry: Retry::Soon };
        let response = match tokio::time::timeout(FIRST_BYTE_LIMIT, request.send()).await {
            Err(_) => return Err(soon("it did not answer in time.")),
            Ok(Err(error)) => return Err(soon(&plain_reason(&error))),
            Ok(Ok(response)) => response,
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_all(response).await.map_err(|reason| soon(&reason))?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(status, &headers, &body)) }
    }

    /// What an answer that is no success means.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        let (engine, Complaint { code, message }) = (self.engine.clone(), complaint(body));
        let reason = if message.is_empty() { format!("status {status}.") } else { ended(message) };
        let reason = self.without_key(reason);
        let is_exhausted = status == StatusCode::PAYMENT_REQUIRED || is_quota(&code);
        let later = retry_after(headers).map_or(Retry::Soon, Retry::After);
        let (error, retry) = match status.as_u16() {
            400..=499 if is_exhausted => (VoiceError::Exhausted { engine, reason }, Retry::Never),
            401 | 403 => (VoiceError::Refused { engine, reason }, Retry::Never),
            429 => (VoiceError::Busy { engine, reason }, later),
            408 | 500..=599 => (VoiceError::Unreachable { engine, reason }, later),
            _ => (VoiceError::Rejected { engine, reason }, Retry::Never),
        };
        Failure { error, retry }
    }

    /// A service may repeat the key it was sent.
    fn without_key(&self, text: String) -> String {
        match &self.key {
            Some(key) if !key.is_empty() => text.replace(key, "…"),
            _ => text,
        }
    }

    fn admit(&self) -> Result<(), VoiceError> {
        let mut breaker = self.breaker();
        let Some((until, error)) = &mut breaker.open else { return Ok(()) };
        if Instant::now() < *until {
            return Err(error.clone());
        }
        // This one tries; the others wait for what it finds.
        *until = Instant::now() + REST;
        Ok(())
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, reason: &str) -> VoiceError {
        VoiceError::Unreachable { engine: self.engine.clone(), reason: reason.to_owned() }
    }
}

impl Breaker {
    fn failed(&mut self, error: &VoiceError) {
        let rest = match error {
            VoiceError::Refused { .. } | VoiceError::Exhausted { .. } => LONG_REST,
            VoiceError::Unreachable { .. } | VoiceError::Busy { .. } => {
                self.failures += 1;
                if self.failures < FAILURES {
                    return;
                }
                REST
            }
            // What is wrong with one request says nothing of the next.
            _ => return,
        };
        self.rest(error, rest);
    }

    fn rest(&mut self, error: &VoiceError, rest: Duration) {
        self.open = Some((Instant::now() + rest, error.clone()));
    }
}

/// The whole body. A body that ends before its length, or without the last chunk, is an error.
async fn read_all(mut response: Response) -> Result<Bytes, String> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| plain_reason(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(format!("it answered with more than {} MB.", MAX_ANSWER_BYTES >> 20));
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
struct Complaint {
    code: String,
    message: String,
}

/// Reads the four forms there are: `{"error": {…}}`, `{"error": "…"}`, `{"detail": {…}}` and
/// `{"detail": […]}`; of anything else, its text.
fn complaint(body: &[u8]) -> Complaint {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Complaint { code: String::new(), message: excerpt(&without_markup(body)) };
    };
    let said = [&answer["error"], &answer["detail"]].into_iter().find(|said| !said.is_null());
    let Some(said) = said else {
        return Complaint { code: String::new(), message: excerpt(body) };
    };
    let text = |value: &Value| value.as_str().map(|text| excerpt(text.as_bytes()));
    match said {
        Value::String(message) => {
            Complaint { code: String::new(), message: excerpt(message.as_bytes()) }
        }
        // Each says what is wrong with a field.
        Value::Array(all) => {
            let messages: Vec<_> = all.iter().filter_map(|one| text(&one["msg"])).collect();
            Complaint { code: String::new(), message: messages.join("; ") }
        }
        fields => {
            let named = |names: &[&str]| names.iter().find_map(|name| text(&fields[*name]));
            // ElevenLabs says `status` where others say `code`; newer answers have both.
            let codes = [named(&["code"]), named(&["status"]), named(&["type"]), named(&["error"])];
            let quota = codes.iter().flatten().find(|code| is_quota(code)).cloned();
            Complaint {
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
        let Complaint { code, message } = complaint(body.as_bytes());
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

    #[test]
    fn a_failing_service_is_left_alone() {
        let error = VoiceError::Unreachable { engine: "e".to_owned(), reason: String::new() };
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            breaker.failed(&error);
        }
        assert!(breaker.open.is_none());
        breaker.failed(&error);
        assert!(breaker.open.is_some());
        let mut breaker = Breaker::default();
        breaker.failed(&VoiceError::Rejected { engine: "e".to_owned(), reason: String::new() });
        assert!(breaker.open.is_none());
        breaker.failed(&VoiceError::Refused { engine: "e".to_owned(), reason: String::new() });
        assert!(breaker.open.is_some());
    }

    proptest! {
        #[test]
        fn any_answer_is_a_complaint(body in ".{0,300}") {
            prop_assert!(complaint(body.as_bytes()).message.chars().count() <= 2000);
        }
    }
}
