//! Speech for other programs, by the request that they make to OpenAI.

use app::model::{Role, Scope, Voice};
use axum::Json;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::error::Problem;
use super::openapi::{Binary, SPEECH};
use super::routes::{Carries, Needs, Routes};
use super::voice::{content_type, form, in_form};
use super::{ApiError, Visit};
use crate::speech::VoiceError;

/// What lists of voices ask for: programs that speak ask for them first.
const LIST: Needs = Needs::Role(Role::Listener, Scope::Speak);

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .carrying(Carries::Text, Needs::SPEAK, routes!(openai_speech))
        .add(LIST, routes!(openai_voices))
        .add(LIST, routes!(openai_models))
        .add(LIST, routes!(speech_models))
}

/// OpenAI's request.
#[derive(Debug, Deserialize, ToSchema)]
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
#[derive(Debug, Deserialize, ToSchema)]
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
            ApiError::BadParameter { name, .. } => ("invalid_request_error", Some(*name)),
            _ if status.is_client_error() => ("invalid_request_error", None),
            _ => ("server_error", None),
        };
        let message = error.to_string();
        let error_body = OpenAiError { message, r#type: kind, param, code: None };
        let mut response = (status, Json(OpenAiProblem { error: error_body })).into_response();
        if let ApiError::TooMany { retry_after } = error {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().into());
        }
        response
    }
}

/// What goes wrong, in OpenAI’s form.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAiProblem {
    /// What happened
    error: OpenAiError,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAiError {
    /// What happened and what to do
    message: String,
    /// `invalid_request_error` or `server_error`
    r#type: &'static str,
    /// The field that is wrong
    param: Option<&'static str>,
    /// Always null
    code: Option<&'static str>,
}

/// OpenAI’s request: point any program that speaks to OpenAI here.
///
/// Errors are in OpenAI’s form.
#[utoipa::path(
    post, path = "/v1/audio/speech", tag = SPEECH, request_body = SpeechRequest,
    responses(
        (status = 200, content(
            (Binary = "audio/mpeg"), (Binary = "audio/wav"), (Binary = "audio/pcm"),
        )),
        (status = "default", content(
            (OpenAiProblem = "application/json"), (Problem = "application/problem+json"),
        )),
    )
)]
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

/// The voices, as OpenAI-compatible servers list them.
///
/// As with Kokoro-FastAPI and others `name` is the id, because some programs send the one and some the other. The
/// default voice comes first.
#[utoipa::path(get, path = "/v1/audio/voices", tag = SPEECH, responses((status = 200, body = Object)))]
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

/// The engines, as OpenAI lists models, for programs that ask before they speak.
#[utoipa::path(get, path = "/v1/models", tag = SPEECH, responses((status = 200, body = Object)))]
pub async fn openai_models(state: Visit) -> Json<Value> {
    let model = |id| json!({ "id": id, "object": "model", "owned_by": "earmark" });
    let models: Vec<Value> = engines(&state).into_iter().map(model).collect();
    Json(json!({ "object": "list", "data": models }))
}

/// The engines, as Open WebUI asks a server of speech for its models.
#[utoipa::path(get, path = "/v1/audio/models", tag = SPEECH, responses((status = 200, body = Object)))]
pub async fn speech_models(state: Visit) -> Json<Value> {
    let models: Vec<Value> = engines(&state).into_iter().map(|id| json!({ "id": id })).collect();
    Json(json!({ "models": models }))
}

/// The names of the engines.
fn engines(state: &Visit) -> Vec<String> {
    let mut engines: Vec<String> =
        state.voices.list().into_iter().map(|voice| voice.engine).collect();
    engines.dedup();
    engines
}
