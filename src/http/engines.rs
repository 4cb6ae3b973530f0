//! Engines over HTTP: listed, added, tested, removed. Keys come in and never go out.
//!
//! Programs are not added here: whoever can open the page could have the server run anything. That is
//! for `earmark voices` on the server itself.

use app::model::EngineCard;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use clap::ValueEnum;
use serde::Deserialize;

use super::notice;
use super::preferences::{said, wants_page};
use super::{ApiError, AppState};
use crate::voices::engines::TEST_SENTENCE;
use crate::voices::settings::{EngineSettings, Kind, Wire};

/// The page that forms come from.
const PAGE: &str = "/engines";

/// An engine as a form has it: what is left empty stays as it was, or is as its makers serve it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct EngineForm {
    /// Lower-case letters, digits and hyphens
    name: String,
    /// `openai`, `elevenlabs` or `piper`
    kind: String,
    /// Where the service is, without `/v1`
    #[serde(default)]
    url: String,
    /// Its key; kept encrypted and never shown
    #[serde(default)]
    key: String,
    /// The model to ask for
    #[serde(default)]
    model: String,
    /// One a line, each with its language after a space; those the service lists when empty
    #[serde(default)]
    voices: String,
    /// `wav`, `pcm` or `mp3`
    #[serde(default)]
    wire: String,
    /// Samples a second of what it sends
    #[serde(default)]
    sample_rate: String,
    /// The rate it speaks at; 1 is its own
    #[serde(default)]
    speed: String,
    /// Of a million characters
    #[serde(default)]
    price: String,
    /// Requests at once
    #[serde(default)]
    concurrency: String,
    /// `on`: tell it what is said before and after
    #[serde(default)]
    context: String,
    /// `on`: ask it when words begin
    #[serde(default)]
    words: String,
}

impl EngineForm {
    /// The settings it means; `known` are those of the engine that has the name.
    fn settings(&self, known: Option<EngineSettings>) -> Result<EngineSettings, ApiError> {
        let kind = Kind::from_str(&self.kind, true)
            .map_err(|_| bad("kind", "must be openai, elevenlabs or piper"))?;
        if kind == Kind::Command {
            let reason = "A program is added on the server, with `earmark voices add`: whoever opens this page could run anything.";
            return Err(ApiError::BadBody(reason.to_owned()));
        }
        let known = known.filter(|known| known.kind == kind);
        let usual = known.unwrap_or_else(|| EngineSettings::new(&self.name, kind));
        let text = |given: &str, usual: String| {
            if given.trim().is_empty() { usual } else { given.trim().to_owned() }
        };
        let url = text(&self.url, usual.url.clone());
        let voices = self.voices.lines().filter(|line| !line.trim().is_empty());
        let wire = match self.wire.as_str() {
            "" => usual.wire,
            given => {
                Wire::from_str(given, true).map_err(|_| bad("wire", "must be wav, pcm or mp3"))?
            }
        };
        Ok(EngineSettings {
            // Another place may have others.
            voices: match voices.map(|voice| usual.voice(voice)).collect() {
                none if Vec::is_empty(&none) && url == usual.url => usual.voices.clone(),
                named => named,
            },
            url,
            model: text(&self.model, usual.model),
            wire,
            sample_rate: number("sample_rate", &self.sample_rate, usual.sample_rate)?,
            speed: number("speed", &self.speed, usual.speed)?,
            price: number("price", &self.price, usual.price)?,
            concurrency: number("concurrency", &self.concurrency, usual.concurrency)?,
            context: !self.context.is_empty(),
            words: !self.words.is_empty(),
            ..usual
        })
    }
}

fn bad(name: &'static str, reason: &str) -> ApiError {
    ApiError::BadParameter { name, reason: reason.to_owned() }
}

fn number<T: std::str::FromStr>(name: &'static str, text: &str, usual: T) -> Result<T, ApiError> {
    match text.trim() {
        "" => Ok(usual),
        text => text.parse().map_err(|_| bad(name, "must be a number")),
    }
}

/// `GET /api/engines`
pub async fn list(State(state): State<AppState>) -> Result<Json<Vec<EngineCard>>, ApiError> {
    Ok(Json(state.engines.list().await?))
}

/// `POST /api/engines`: adds an engine, or changes the one of the same name.
pub async fn add(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Form<EngineForm>, FormRejection>,
) -> Response {
    let added = async {
        let Form(form) = form.map_err(|rejection| ApiError::BadBody(rejection.body_text()))?;
        let settings = form.settings(state.engines.settings(form.name.trim()).await?)?;
        let voices = state.engines.add(settings, Some(form.key)).await?;
        Ok::<_, ApiError>((form.name, voices))
    };
    match added.await {
        Ok((name, _)) if wants_page(&headers) => said(PAGE, "added", &name),
        Ok((_, voices)) => (StatusCode::CREATED, Json(voices)).into_response(),
        Err(error) => refused(&headers, error),
    }
}

/// `POST /api/engines/{name}/test`: a spoken sentence, or why there is none.
pub async fn test(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    match state.engines.test(&name, "", TEST_SENTENCE).await.map_err(ApiError::from) {
        Ok(_) if wants_page(&headers) => said(PAGE, "tested", &name),
        Ok(clip) => ([(header::CONTENT_TYPE, "audio/mpeg")], clip.bytes).into_response(),
        Err(error) => refused(&headers, error),
    }
}

/// `GET /api/engines/{name}/test`: what it said when it was tested last.
pub async fn tested(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound("This engine has not been tested since the start.".to_owned());
    let bytes = state.engines.tested(&name).ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, "audio/mpeg")], bytes).into_response())
}

/// `DELETE /api/engines/{name}`; forms post to `/api/engines/{name}/delete`.
pub async fn remove(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    match state.engines.remove(&name).await.map_err(ApiError::from) {
        Ok(()) if wants_page(&headers) => said(PAGE, "removed", &name),
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&headers, error),
    }
}

fn refused(headers: &HeaderMap, error: ApiError) -> Response {
    if wants_page(headers) {
        notice::refused(PAGE, &error.to_string())
    } else {
        error.into_response()
    }
}
