//! Engines over HTTP: listed, added, tested, removed. Keys come in and never go out.
//!
//! Programs are not added here: whoever can open the page could have the server run anything. That is
//! for `earmark voices` on the server itself.

use std::sync::Arc;

use app::model::{Budget, EngineCard, Person, Voice};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use clap::ValueEnum;
use serde::Deserialize;
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiPath};
use super::forms::{redirect_with_notice, refused, wants_page};
use super::openapi::{Binary, RUNNING};
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};
use crate::audio::AudioFormat;
use crate::narration::Narrator;
use crate::speech::engines::{Engines, TEST_SENTENCE};
use crate::speech::registry;
use crate::speech::settings::{EngineSettings, ReachedBy, TimeLimits};

/// The page that forms come from.
const PAGE: &str = "/engines";

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ADMIN, routes!(list, add))
        .add(Needs::ADMIN, routes!(remove))
        .page(Needs::ADMIN, Method::POST, "/api/engines/{name}/delete", post(remove))
        .add(Needs::ADMIN, routes!(tested, test))
}

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
    /// How it is to speak, in words (OpenAI); `-` takes them back
    #[serde(default)]
    instructions: String,
    /// Seconds until the first byte of its answer
    #[serde(default)]
    first_byte_seconds: String,
    /// Seconds for a sentence in all
    #[serde(default)]
    total_seconds: String,
    /// Characters it may speak a day; 0 is without limit
    #[serde(default)]
    day_characters: String,
    /// Characters it may speak a month; 0 is without limit
    #[serde(default)]
    month_characters: String,
    /// Money it may cost a day; 0 is without limit
    #[serde(default)]
    day_money: String,
    /// Money it may cost a month; 0 is without limit
    #[serde(default)]
    month_money: String,
}

impl EngineForm {
    /// The settings it means; `known` are those of the engine that has the name.
    fn settings(&self, known: Option<EngineSettings>) -> Result<EngineSettings, ApiError> {
        let kind = registry::kind(&self.kind)
            .ok_or_else(|| bad("kind", "must be openai, elevenlabs or piper"))?;
        if kind.reached_by == ReachedBy::CommandLine {
            let reason = "A program is added on the server, with `earmark voices add`: whoever opens this page could run anything.";
            return Err(ApiError::BadBody(reason.to_owned()));
        }
        let known = known.filter(|known| known.kind == kind);
        let default = known.unwrap_or_else(|| EngineSettings::new(&self.name, kind));
        let text = |given: &str, default: String| {
            if given.trim().is_empty() { default } else { given.trim().to_owned() }
        };
        let url = text(&self.url, default.url.clone());
        let voices = self.voices.lines().filter(|line| !line.trim().is_empty());
        let wire = match self.wire.as_str() {
            "" => default.wire,
            given => AudioFormat::from_str(given, true)
                .map_err(|_| bad("wire", "must be wav, pcm or mp3"))?,
        };
        Ok(EngineSettings {
            // Another place may have others.
            voices: match voices.map(|voice| default.voice(voice)).collect() {
                none if Vec::is_empty(&none) && url == default.url => default.voices.clone(),
                named => named,
            },
            url,
            model: text(&self.model, default.model),
            wire,
            sample_rate: number("sample_rate", &self.sample_rate, default.sample_rate)?,
            speed: number("speed", &self.speed, default.speed)?,
            price: number("price", &self.price, default.price)?,
            concurrency: number("concurrency", &self.concurrency, default.concurrency)?,
            context: !self.context.is_empty(),
            words: !self.words.is_empty(),
            instructions: match self.instructions.trim() {
                "-" => String::new(),
                given => text(given, default.instructions),
            },
            time_limits: TimeLimits {
                first_byte: number(
                    "first_byte_seconds",
                    &self.first_byte_seconds,
                    default.time_limits.first_byte,
                )?,
                total: number("total_seconds", &self.total_seconds, default.time_limits.total)?,
            },
            budget: Budget {
                characters_a_day: number(
                    "day_characters",
                    &self.day_characters,
                    default.budget.characters_a_day,
                )?,
                characters_a_month: number(
                    "month_characters",
                    &self.month_characters,
                    default.budget.characters_a_month,
                )?,
                money_a_day: number("day_money", &self.day_money, default.budget.money_a_day)?,
                money_a_month: number(
                    "month_money",
                    &self.month_money,
                    default.budget.money_a_month,
                )?,
            },
            ..default
        })
    }
}

fn bad(name: &'static str, reason: &str) -> ApiError {
    ApiError::BadParameter { name, reason: reason.to_owned() }
}

fn number<T: std::str::FromStr>(name: &'static str, text: &str, default: T) -> Result<T, ApiError> {
    match text.trim() {
        "" => Ok(default),
        text => text.parse().map_err(|_| bad(name, "must be a number")),
    }
}

/// The engines as a person sees them, those that rest with the reason.
pub async fn cards(engines: &Engines, narrator: &Narrator) -> Result<Vec<EngineCard>, ApiError> {
    let mut cards = engines.list().await?;
    for card in &mut cards {
        card.rest = narrator.rest_card(&card.name).await;
    }
    Ok(cards)
}

/// The engines that are configured, without their keys.
#[utoipa::path(get, path = "/api/engines", tag = RUNNING, responses((status = 200, body = Vec<EngineCard>)))]
pub async fn list(state: Visit) -> Result<Json<Vec<EngineCard>>, ApiError> {
    Ok(Json(cards(&state.engines, &state.narrator).await?))
}

/// Adds an engine, or changes one of the same name; answers with its voices.
#[utoipa::path(
    post, path = "/api/engines", tag = RUNNING,
    request_body(content = EngineForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = Vec<Voice>))
)]
pub async fn add(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    headers: HeaderMap,
    form: Result<ApiForm<EngineForm>, ApiError>,
) -> Response {
    let added = async {
        let ApiForm(form) = form?;
        let settings = form.settings(state.engines.settings(form.name.trim()).await?)?;
        let voices = state.engines.add(settings, Some(form.key)).await?;
        note(&state, &admin, "engine", form.name.trim()).await;
        // Whatever was wrong with it may be mended now.
        state.narrator.end_rest(form.name.trim()).await?;
        Ok::<_, ApiError>((form.name, voices))
    };
    match added.await {
        Ok((name, _)) if wants_page(&headers) => redirect_with_notice(PAGE, "added", &name),
        Ok((_, voices)) => (StatusCode::CREATED, Json(voices)).into_response(),
        Err(error) => refused(&headers, PAGE, error),
    }
}

/// A spoken sentence, or why there is none.
#[utoipa::path(
    post, path = "/api/engines/{name}/test", tag = RUNNING, params(("name" = String, Path, description = "As the list has it")),
    responses((status = 200, body = Binary, content_type = "audio/mpeg"))
)]
pub async fn test(state: Visit, ApiPath(name): ApiPath<String>, headers: HeaderMap) -> Response {
    let tested = async {
        let clip = state.engines.test(&name, "", TEST_SENTENCE).await?;
        // It speaks.
        state.narrator.end_rest(&name).await?;
        Ok::<_, ApiError>(clip)
    };
    match tested.await {
        Ok(_) if wants_page(&headers) => redirect_with_notice(PAGE, "tested", &name),
        Ok(clip) => ([(header::CONTENT_TYPE, "audio/mpeg")], clip.bytes).into_response(),
        Err(error) => refused(&headers, PAGE, error),
    }
}

/// What it said when it was tested last.
#[utoipa::path(
    get, path = "/api/engines/{name}/test", tag = RUNNING, params(("name" = String, Path, description = "As the list has it")),
    responses((status = 200, body = Binary, content_type = "audio/mpeg"))
)]
pub async fn tested(state: Visit, ApiPath(name): ApiPath<String>) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound("This engine has not been tested since the start.".to_owned());
    let bytes = state.engines.tested(&name).ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, "audio/mpeg")], bytes).into_response())
}

/// Removes an engine.
#[utoipa::path(
    delete, path = "/api/engines/{name}", tag = RUNNING, params(("name" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn remove(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let removed = state.engines.remove(&name).await.map_err(ApiError::from);
    if removed.is_ok() {
        note(&state, &admin, "engine_removed", &name).await;
    }
    match removed {
        Ok(()) if wants_page(&headers) => redirect_with_notice(PAGE, "removed", &name),
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&headers, PAGE, error),
    }
}
