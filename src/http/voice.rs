//! Speech for other programs, by our own request.

use app::base::Base;
use app::model::Voice;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::extract::{ApiJson, ApiQuery};
use super::headers::CACHE_PRIVATELY;
use super::openapi::{Binary, SPEECH};
use super::routes::{Carries, Needs, Routes};
use super::{ApiError, Visit};
use crate::audio::{AudioFormat, WordTiming, decode};
use crate::narration::text::SpokenText;
use crate::text::hash::ContentHash;

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .carrying(Carries::Text, Needs::SPEAK, routes!(speak, audio))
        .add(Needs::READ, routes!(voices))
}

/// Every voice.
#[utoipa::path(get, path = "/api/voices", tag = SPEECH, responses((status = 200, body = Vec<Voice>)))]
pub async fn voices(state: Visit) -> Json<Vec<Voice>> {
    Json(state.voices.list())
}

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

/// Speaks a text.
///
/// What was spoken before is not made again, whoever asked for it. More than a sentence is split, and kept by the
/// sentence.
#[utoipa::path(
    post, path = "/api/voice", tag = SPEECH, request_body = VoiceRequest,
    responses((status = 200, body = VoiceAnswer))
)]
pub async fn speak(
    state: Visit,
    base: Option<Extension<Base>>,
    ApiJson(request): ApiJson<VoiceRequest>,
) -> Result<Json<VoiceAnswer>, ApiError> {
    let VoiceRequest { text, voice_id, model, speed, format } = request;
    let Extension(Base(base)) = base.unwrap_or_default();
    let wire = form("format", format.as_deref())?;
    check_model(&state, &voice_id, model.as_deref())?;
    let spoken = state.narrator.synthesize_text(&text, &voice_id, speed).await?;
    let SpokenText { content, duration_ms, words, cached, .. } = spoken;
    let word = |WordTiming { word, start_ms }| WordAnswer { word, start_ms };
    Ok(Json(VoiceAnswer {
        content_hash: content.to_string(),
        url: match wire {
            AudioFormat::Mp3 => format!("{base}/api/voice?contentHash={content}"),
            wire => format!("{base}/api/voice?contentHash={content}&format={}", wire.name()),
        },
        cached,
        duration_ms,
        words: words.map(|words| words.into_iter().map(word).collect()),
    }))
}

/// Names the audio of a text.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct AudioQuery {
    /// As the answer to POST names it
    #[serde(default)]
    content_hash: String,
    /// `mp3`, `wav` or `pcm`
    format: Option<String>,
}

/// The audio of a text that was spoken.
#[utoipa::path(
    get, path = "/api/voice", tag = SPEECH, params(AudioQuery),
    responses(
        (status = 200, content(
            (Binary = "audio/mpeg"), (Binary = "audio/wav"), (Binary = "audio/pcm"),
        )),
    )
)]
pub async fn audio(
    state: Visit,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<AudioQuery>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::NotFound("There is no audio of this name.".to_owned());
    let content: ContentHash = query.content_hash.parse().map_err(|_| unknown())?;
    let wire = form("format", query.format.as_deref())?;
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
pub fn form(name: &'static str, format: Option<&str>) -> Result<AudioFormat, ApiError> {
    match format {
        None | Some("" | "mp3") => Ok(AudioFormat::Mp3),
        Some("wav") => Ok(AudioFormat::Wav),
        Some("pcm") => Ok(AudioFormat::Pcm),
        Some(_) => {
            Err(ApiError::BadParameter { name, reason: "must be mp3, wav or pcm".to_owned() })
        }
    }
}

pub fn content_type(wire: AudioFormat) -> HeaderValue {
    HeaderValue::from_static(match wire {
        AudioFormat::Mp3 => "audio/mpeg",
        AudioFormat::Wav => "audio/wav",
        AudioFormat::Pcm => "audio/pcm",
    })
}

/// The audio in the form that was asked for by a parameter.
pub async fn in_form(
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
