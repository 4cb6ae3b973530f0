//! Speech for other programs: our own request, and the one that programs make to OpenAI.

use app::model::Voice;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Query;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::headers::CACHE_PRIVATELY;
use super::params::QueryMap;
use super::{ApiError, Visit};
use crate::audio::{AudioFormat, WordTiming, decode, ensure_supported};
use crate::narration::text::SpokenText;
use crate::speech::VoiceError;
use crate::text::hash::ContentHash;

/// A text to be spoken.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoiceRequest {
    /// What to say; more than a sentence is split, and cached by the sentence
    text: String,
    /// A voice's id as `/api/voices` has it
    voice_id: String,
    /// The model, if it must be a certain one
    #[serde(default)]
    model: Option<String>,
    /// The engine's own rate, 0.25 to 4
    #[serde(default)]
    speed: Option<f64>,
    /// `mp3`, `wav` or `pcm`, of the audio that `url` leads to
    #[serde(default)]
    format: Option<String>,
}

/// A text that was spoken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoiceAnswer {
    /// Names the audio
    content_hash: String,
    /// Where the audio is
    url: String,
    /// Whether all of it had been made before
    cached: bool,
    /// How long the audio lasts
    duration_ms: u64,
    /// When each word begins, where the engine says so
    words: Option<Vec<WordAnswer>>,
}

/// A spoken word.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WordAnswer {
    /// As it was spoken
    word: String,
    /// When it begins, from the beginning of the audio
    start_ms: u32,
}

/// `POST /api/voice`
pub async fn speak(
    state: Visit,
    request: Result<Json<VoiceRequest>, JsonRejection>,
) -> Result<Json<VoiceAnswer>, ApiError> {
    let Json(request) = request.map_err(|rejection| ApiError::BadBody(rejection.body_text()))?;
    let VoiceRequest { text, voice_id, model, speed, format } = request;
    let wire = form("format", format.as_deref())?;
    check_model(&state, &voice_id, model.as_deref())?;
    check_form(&state, &voice_id, "format", wire)?;
    let spoken = state.narrator.synthesize_text(&text, &voice_id, speed).await?;
    let SpokenText { content, duration_ms, words, cached, .. } = spoken;
    let word = |WordTiming { word, start_ms }| WordAnswer { word, start_ms };
    Ok(Json(VoiceAnswer {
        content_hash: content.to_string(),
        url: match wire {
            AudioFormat::Mp3 => format!("/api/voice?contentHash={content}"),
            wire => format!("/api/voice?contentHash={content}&format={}", wire.name()),
        },
        cached,
        duration_ms,
        words: words.map(|words| words.into_iter().map(word).collect()),
    }))
}

/// `GET /api/voice?contentHash=`: the audio of a text that was spoken before.
pub async fn audio(
    state: Visit,
    headers: HeaderMap,
    Query(query): Query<QueryMap>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::NotFound("There is no audio of this name.".to_owned());
    let content: ContentHash =
        query.get("contentHash").and_then(|hash| hash.parse().ok()).ok_or_else(unknown)?;
    let wire = form("format", query.get("format").map(String::as_str))?;
    let tag = format!("\"{content}-{}\"", wire.name());
    let fixed =
        [(header::CONTENT_TYPE, content_type(wire)), (header::CACHE_CONTROL, CACHE_PRIVATELY)];
    let entity = [(header::ETAG, tag.clone())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, fixed, entity).into_response());
    }
    let spoken = state.narrator.spoken_text(&content).await?.ok_or_else(unknown)?;
    Ok((fixed, entity, in_form("format", spoken, wire).await?).into_response())
}

/// The form that is asked for; MP3 when none is.
fn form(name: &'static str, format: Option<&str>) -> Result<AudioFormat, ApiError> {
    match format {
        None | Some("" | "mp3") => Ok(AudioFormat::Mp3),
        Some("wav") => Ok(AudioFormat::Wav),
        Some("pcm") => Ok(AudioFormat::Pcm),
        Some(_) => {
            Err(ApiError::BadParameter { name, reason: "must be mp3, wav or pcm".to_owned() })
        }
    }
}

fn content_type(wire: AudioFormat) -> HeaderValue {
    HeaderValue::from_static(match wire {
        AudioFormat::Mp3 => "audio/mpeg",
        AudioFormat::Wav => "audio/wav",
        AudioFormat::Pcm => "audio/pcm",
    })
}

/// The audio in the form that was asked for by a parameter.
async fn in_form(
    name: &'static str,
    spoken: SpokenText,
    wire: AudioFormat,
) -> Result<Bytes, ApiError> {
    // A minute of speech takes about 30 ms.
    let decoded =
        tokio::task::spawn_blocking(move || decode(&spoken.bytes, wire, spoken.sample_rate)).await;
    let decoded = decoded.unwrap_or_else(|error| Err(error.to_string()));
    decoded.map_err(|reason| ApiError::BadParameter { name, reason })
}

/// A model that is named must be the one the voice's engine is configured with.
fn check_model(state: &Visit, voice: &str, model: Option<&str>) -> Result<(), ApiError> {
    let Some(model) = model.filter(|model| !model.is_empty()) else { return Ok(()) };
    let chosen = state.voices.choose(voice, "und")?;
    if chosen.key.model == model {
        return Ok(());
    }
    let reason = format!("is “{}” for this voice, not “{model}”", chosen.key.model);
    Err(ApiError::BadParameter { name: "model", reason })
}

/// OpenAI's request.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SpeechRequest {
    /// An engine's name or model; any other is taken for “whichever has the voice”
    #[serde(default)]
    model: String,
    /// What to say
    input: String,
    /// A voice's id, its name without the engine, or what it is called; the default voice when it is empty or
    /// there is no such voice, as with OpenAI's own names
    #[serde(default)]
    voice: VoiceName,
    /// Whether a voice that there is not is refused
    #[serde(default)]
    strict: bool,
    /// `mp3`, `wav` or `pcm`
    #[serde(default)]
    response_format: Option<String>,
    /// 0.25 to 4
    #[serde(default)]
    speed: Option<f64>,
}

/// A voice, which OpenAI also takes as an object.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum VoiceName {
    /// Its name.
    Name(String),
    /// None.
    None(()),
    /// An object with its name.
    Object {
        /// Its name.
        id: String,
    },
}

impl Default for VoiceName {
    fn default() -> Self {
        Self::None(())
    }
}

impl VoiceName {
    fn text(&self) -> &str {
        match self {
            Self::Name(name) | Self::Object { id: name } => name.trim(),
            Self::None(()) => "",
        }
    }
}

/// An error in OpenAI's form.
#[derive(Debug)]
pub struct SpeechError(ApiError);

impl<E: Into<ApiError>> From<E> for SpeechError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for SpeechError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = error.status();
        let (kind, param) = match &error {
            ApiError::BadParameter { name, .. } => ("invalid_request_error", Value::from(*name)),
            _ if status.is_client_error() => ("invalid_request_error", Value::Null),
            _ => ("server_error", Value::Null),
        };
        let message = error.to_string();
        let body = json!({
            "error": { "message": message, "type": kind, "param": param, "code": Value::Null }
        });
        let mut response = (status, Json(body)).into_response();
        if let ApiError::TooMany { retry_after } = error {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().into());
        }
        response
    }
}

/// `POST /v1/audio/speech`
pub async fn openai_speech(state: Visit, body: Bytes) -> Result<Response, SpeechError> {
    // Whatever the client says of its content type.
    let request: SpeechRequest = serde_json::from_slice(&body)
        .map_err(|error| ApiError::BadBody(format!("The request cannot be read: {error}.")))?;
    let wire = form("response_format", request.response_format.as_deref())?;
    let voice = match voice_named(&state, request.voice.text(), &request.model) {
        // Programs send the names of other services' voices, and for them no voice is the end.
        Err(VoiceError::NoSuchVoice(_)) if !request.strict => String::new(),
        voice => voice?,
    };
    check_form(&state, &voice, "response_format", wire)?;
    let spoken = state.narrator.synthesize_text(&request.input, &voice, request.speed).await?;
    let audio = in_form("response_format", spoken, wire).await?;
    Ok(([(header::CONTENT_TYPE, content_type(wire))], audio).into_response())
}

/// The id of a voice that a program names as it would to OpenAI; empty for the default one.
fn voice_named(state: &Visit, name: &str, model: &str) -> Result<String, VoiceError> {
    let all = state.voices.list();
    if name.is_empty() || all.iter().any(|voice| voice.id == name) {
        return Ok(name.to_owned());
    }
    let named = state.voices.named(name, model);
    let is_called = |voice: &&Voice| voice.name.to_lowercase() == name.to_lowercase();
    named.or_else(|missing| match all.iter().find(is_called) {
        Some(voice) => Ok(voice.id.clone()),
        None => Err(missing),
    })
}

/// Refuses, before anything is paid for, a form that the voice cannot have.
fn check_form(
    state: &Visit,
    voice: &str,
    name: &'static str,
    wire: AudioFormat,
) -> Result<(), ApiError> {
    let rate = state.voices.choose(voice, "und")?.sample_rate;
    ensure_supported(wire, rate).map_err(|reason| ApiError::BadParameter { name, reason })
}

/// `GET /v1/audio/voices`, as Kokoro-FastAPI and others list theirs: `name` is the id, because some programs
/// send the one and some the other. The default voice comes first.
pub async fn openai_voices(state: Visit) -> Json<Value> {
    let mut voices = state.voices.list();
    let default = state.voices.default_for("und").map(|voice| voice.id);
    voices.sort_by_key(|voice| Some(&voice.id) != default.as_ref());
    let entry = |voice: &Voice| {
        json!({
            "id": voice.id, "name": voice.id, "displayName": voice.name, "language": voice.language,
        })
    };
    let voices: Vec<Value> = voices.iter().map(entry).collect();
    Json(json!({ "voices": voices }))
}

/// `GET /v1/models`: the engines' models, for programs that ask before they speak.
pub async fn openai_models(state: Visit) -> Json<Value> {
    let mut models: Vec<String> =
        state.voices.list().into_iter().map(|voice| voice.engine).collect();
    models.dedup();
    let models: Vec<Value> = models
        .into_iter()
        .map(|id| json!({ "id": id, "object": "model", "owned_by": "earmark" }))
        .collect();
    Json(json!({ "object": "list", "data": models }))
}
