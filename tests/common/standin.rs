//! Stand-ins for the paid services: they speak OpenAI's, Kokoro's and ElevenLabs' requests and errors, hum
//! as long as a text takes to read, count what they would charge for, and misbehave when told to.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::result_large_err, reason = "an answer is an answer")]

use std::collections::VecDeque;
use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub const KEY: &str = "sk-stand-in-0123456789";
const RATE: u32 = 24_000;
/// As an audiobook's reader has it.
const CHARS_PER_SECOND: f64 = 15.0;

/// What goes wrong with the next request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status with OpenAI's error of this code, to be tried again after so many seconds.
    Refusal(u16, &'static str, Option<u32>),
    /// A body as it stands, with status 200.
    Body(&'static str),
    /// Half of the sound, then the connection breaks.
    BrokenOff,
    /// Half of the sound, ended well.
    Half,
    /// Sound of another sample rate.
    WrongRate,
    Silence,
    Slow(Duration),
}

#[derive(Debug, Clone)]
pub struct Call {
    pub path: String,
    pub body: Value,
    pub query: Vec<(String, String)>,
}

#[derive(Default)]
struct Shared {
    faults: Mutex<VecDeque<Fault>>,
    calls: Mutex<Vec<Call>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
    latency: Mutex<Duration>,
    no_alignment: Mutex<bool>,
}

#[derive(Clone)]
pub struct StandIn {
    pub url: String,
    shared: Arc<Shared>,
}

impl StandIn {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/v1/audio/speech", post(openai))
            .route("/v1/audio/voices", get(kokoro_voices))
            .route("/dev/captioned_speech", post(captioned))
            .route("/v1/text-to-speech/{voice}", post(elevenlabs))
            .route("/v1/text-to-speech/{voice}/with-timestamps", post(with_timestamps))
            .route("/v1/voices", get(elevenlabs_voices))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // Of a runtime of its own, so that it serves processes that a test starts as well.
        std::thread::spawn(move || {
            let listener = listener.into_std().unwrap();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                axum::serve(TcpListener::from_std(listener).unwrap(), router).await.unwrap();
            });
        });
        Self { url, shared }
    }

    /// The next requests go wrong like this, one after another.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.faults.lock().unwrap().extend(faults);
    }

    pub fn set_latency(&self, latency: Duration) {
        *self.shared.latency.lock().unwrap() = latency;
    }

    /// From now on alignments are null.
    pub fn drop_alignment(&self) {
        *self.shared.no_alignment.lock().unwrap() = true;
    }

    /// Requests for speech so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// The meter: characters that were spoken.
    pub fn characters(&self) -> usize {
        let text = |call: &Call| {
            call.body["input"].as_str().or(call.body["text"].as_str()).unwrap().chars().count()
        };
        self.calls().iter().map(text).sum()
    }

    /// The most requests it had in hand at once.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }
}

struct Open<'a>(&'a Shared);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    /// Takes a request down; a fault or error is its answer.
    async fn take(&self, path: &str, body: &Value, query: &[(String, String)]) -> Option<Fault> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        let _open = Open(self);
        self.most_open.fetch_max(open, Ordering::SeqCst);
        self.calls.lock().unwrap().push(Call {
            path: path.to_owned(),
            body: body.clone(),
            query: query.to_vec(),
        });
        let latency = *self.latency.lock().unwrap();
        tokio::time::sleep(latency).await;
        let fault = self.faults.lock().unwrap().pop_front();
        if let Some(Fault::Slow(delay)) = fault {
            tokio::time::sleep(delay).await;
        }
        fault
    }
}

/// A hum as long as the text takes, at a speed.
fn hum(text: &str, speed: f64, rate: u32) -> Vec<i16> {
    let seconds = (text.chars().count() as f64 / CHARS_PER_SECOND / speed).max(0.3);
    let step = 220.0 * std::f64::consts::TAU / f64::from(rate);
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| ((n as f64 * step).sin() * 9_000.0) as i16)
        .collect()
}

fn wav(samples: &[i16], rate: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// The sound of a text in a format, with what a fault does to it; a whole answer when it does more.
fn sound(text: &str, speed: f64, format: &str, fault: Option<Fault>) -> Result<Vec<u8>, Response> {
    let rate = match fault {
        Some(Fault::WrongRate) => 16_000,
        _ => RATE,
    };
    let mut samples = hum(text, speed, rate);
    if matches!(fault, Some(Fault::Silence)) {
        samples.fill(0);
    }
    let mut bytes = match format {
        "pcm" => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        _ => wav(&samples, rate),
    };
    match fault {
        Some(Fault::Half) => bytes.truncate(bytes.len() / 20 * 2),
        Some(Fault::Body(body)) => {
            return Err(([(header::CONTENT_TYPE, "audio/wav")], body).into_response());
        }
        Some(Fault::Refusal(status, code, after)) => return Err(refusal(status, code, after)),
        Some(Fault::BrokenOff) => {
            bytes.truncate(bytes.len() / 2);
            let half = Ok::<_, std::io::Error>(Bytes::from(bytes));
            let broken = Err(std::io::Error::other("gone"));
            return Err(Body::from_stream(futures::stream::iter([half, broken])).into_response());
        }
        _ => {}
    }
    Ok(bytes)
}

fn refusal(status: u16, code: &str, after: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let body = json!({ "error": { "message": format!("stand-in: {code}"), "type": "requests", "param": null, "code": code } });
    let mut response = (status, Json(body)).into_response();
    if let Some(after) = after {
        response.headers_mut().insert(header::RETRY_AFTER, after.into());
    }
    response
}

/// OpenAI repeats the key that it does not accept.
fn check_key(headers: &HeaderMap) -> Result<(), Response> {
    let sent = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
    let key = sent.and_then(|sent| sent.strip_prefix("Bearer ")).unwrap_or_default();
    if key == KEY {
        return Ok(());
    }
    let error = json!({ "error": {
        "message": format!("Incorrect API key provided: {key}."), "type": "invalid_request_error",
        "param": null, "code": "invalid_api_key",
    }});
    Err((StatusCode::UNAUTHORIZED, Json(error)).into_response())
}

async fn openai(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let fault = shared.take("/v1/audio/speech", &body, &[]).await;
    if let Err(refused) = check_key(&headers) {
        return refused;
    }
    let (Some(input), Some(_), Some(_)) =
        (body["input"].as_str(), body["model"].as_str(), body["voice"].as_str())
    else {
        return refusal(400, "missing_required_parameter", None);
    };
    if input.is_empty() || input.chars().count() > 4096 {
        return refusal(400, "string_above_max_length", None);
    }
    let format = body["response_format"].as_str().unwrap_or("mp3");
    let speed = body["speed"].as_f64().unwrap_or(1.0);
    sound(input, speed, format, fault).map_or_else(|answer| answer, IntoResponse::into_response)
}

/// As Kokoro-FastAPI lists them.
async fn kokoro_voices(headers: HeaderMap) -> Response {
    if let Err(refused) = check_key(&headers) {
        return refused;
    }
    let voices = ["af_heart", "bm_george", "jf_alpha"];
    let voices: Vec<_> = voices.iter().map(|id| json!({ "id": id, "name": id })).collect();
    Json(json!({ "voices": voices })).into_response()
}

async fn captioned(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let fault = shared.take("/dev/captioned_speech", &body, &[]).await;
    if let Err(refused) = check_key(&headers) {
        return refused;
    }
    let input = body["input"].as_str().unwrap();
    let format = body["response_format"].as_str().unwrap();
    match sound(input, 1.0, format, fault) {
        Err(answer) => answer,
        Ok(audio) => {
            let words = input.split_whitespace().scan(0, |at, word| {
                let start = *at as f64 / CHARS_PER_SECOND;
                *at += word.chars().count() + 1;
                Some(json!({ "word": word, "start_time": start, "end_time": *at as f64 / CHARS_PER_SECOND }))
            });
            Json(json!({
                "audio": STANDARD.encode(audio), "audio_format": "audio/wav",
                "timestamps": words.collect::<Vec<_>>(),
            }))
            .into_response()
        }
    }
}

fn elevenlabs_refusal(status: u16, code: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Json(json!({ "detail": { "status": code, "message": format!("stand-in: {code}") } })))
        .into_response()
}

/// Checks a request as ElevenLabs does; the sound, or the answer.
async fn eleven_sound(
    shared: &Shared,
    path: String,
    headers: &HeaderMap,
    query: &[(String, String)],
    body: &Value,
) -> Result<Vec<u8>, Response> {
    let fault = shared.take(&path, body, query).await;
    if headers.get("xi-api-key").is_none_or(|key| key != KEY) {
        return Err(elevenlabs_refusal(401, "invalid_api_key"));
    }
    if let Some(Fault::Refusal(status, code, _)) = fault {
        return Err(elevenlabs_refusal(status, code));
    }
    let format =
        query.iter().find(|(name, _)| name == "output_format").map(|(_, value)| value.as_str());
    if format != Some("pcm_24000") {
        let detail = json!([{ "loc": ["query", "output_format"], "msg": "unexpected value" }]);
        return Err(
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": detail }))).into_response()
        );
    }
    sound(body["text"].as_str().unwrap(), 1.0, "pcm", fault)
}

async fn elevenlabs(
    State(shared): State<Arc<Shared>>,
    Path(voice): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let path = format!("/v1/text-to-speech/{voice}");
    let sound = eleven_sound(&shared, path, &headers, &query, &body).await;
    sound.map_or_else(|answer| answer, IntoResponse::into_response)
}

async fn with_timestamps(
    State(shared): State<Arc<Shared>>,
    Path(voice): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let path = format!("/v1/text-to-speech/{voice}/with-timestamps");
    let audio = match eleven_sound(&shared, path, &headers, &query, &body).await {
        Ok(audio) => audio,
        Err(answer) => return answer,
    };
    let text: Vec<String> = body["text"].as_str().unwrap().chars().map(String::from).collect();
    let time = |at: usize| at as f64 / CHARS_PER_SECOND;
    let alignment = json!({
        "character_start_times_seconds": (0..text.len()).map(time).collect::<Vec<_>>(),
        "character_end_times_seconds": (1..=text.len()).map(time).collect::<Vec<_>>(),
        "characters": text,
    });
    let alignment = if *shared.no_alignment.lock().unwrap() { Value::Null } else { alignment };
    Json(json!({
        "audio_base64": STANDARD.encode(audio), "alignment": alignment, "normalized_alignment": null,
    }))
    .into_response()
}

async fn elevenlabs_voices(headers: HeaderMap) -> Response {
    if headers.get("xi-api-key").is_none_or(|key| key != KEY) {
        return elevenlabs_refusal(401, "invalid_api_key");
    }
    let voice = |id: &str, name: &str| json!({ "voice_id": id, "name": name, "labels": {} });
    Json(json!({ "voices": [voice("21m00Tcm", "Rachel"), voice("AZnzlk1X", "Domi")] }))
        .into_response()
}
