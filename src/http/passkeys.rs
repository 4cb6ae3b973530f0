//! Passkeys: making one, logging in with one, and showing with one that it is still the same person.

use std::net::SocketAddr;
use std::sync::Arc;

use app::base::Base;
use app::model::{PasskeyCard, Person, Role};
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::routes;
use webauthn_rs::prelude::Url;

use super::door::secrets;
use super::extract::{ApiJson, ApiPath};
use super::forms::answer;
use super::login::{device_of, is_own_page, with_session};
use super::oidc::session_of;
use super::openapi::PEOPLE;
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};
use crate::accounts::{Challenge, Happening, PROXY_SESSION};

/// Their routes.
pub fn router() -> Routes {
    // A way in is worth what a token is.
    let needs = Needs::Confirmed(Role::Listener);
    Routes::default()
        .add(Needs::ONESELF, routes!(passkeys))
        .page(needs, Method::POST, "/api/passkeys/challenge", post(ask_for_new))
        .page(needs, Method::POST, "/api/passkeys", post(make))
        .add(needs, routes!(remove))
        .page(needs, Method::POST, "/api/passkeys/{passkey}/delete", post(remove))
        .page(Needs::Nobody, Method::POST, "/passkey/challenge", post(ask))
        .page(Needs::Nobody, Method::POST, "/passkey", post(show))
}

/// What a browser answers to a challenge.
#[derive(Debug, Deserialize)]
pub struct AnswerForm {
    /// That of the challenge.
    ticket: String,
    /// What `PublicKeyCredential.toJSON()` says.
    credential: Value,
    /// Where somebody wanted to go.
    #[serde(default)]
    next: String,
}

impl AnswerForm {
    fn credential<T: serde::de::DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_value(self.credential.clone())
            .map_err(|error| ApiError::BadBody(format!("The passkey cannot be read: {error}.")))
    }
}

/// Where a browser goes on.
#[derive(Debug, Serialize)]
pub struct GoOn {
    next: String,
}

/// One’s passkeys, the newest first.
#[utoipa::path(get, path = "/api/passkeys", tag = PEOPLE, responses((status = 200, body = Vec<PasskeyCard>)))]
pub async fn passkeys(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
) -> Result<Json<Vec<PasskeyCard>>, ApiError> {
    Ok(Json(state.door.accounts().passkeys(&person.id).await?))
}

/// `POST /api/passkeys/challenge`: what a browser needs to make a passkey.
pub async fn ask_for_new(
    state: Visit,
    parts: Parts,
    Extension(person): Extension<Arc<Person>>,
) -> Result<Json<Challenge>, ApiError> {
    // Where a proxy lets people in, it is the proxy that knows them.
    let session = session_of(Some(&person)).filter(|session| session != PROXY_SESSION);
    session.ok_or(ApiError::NotAllowed)?;
    let site = site(&state, &parts)?;
    Ok(Json(state.door.accounts().ask_for_new_passkey(&site, &person).await?))
}

/// `POST /api/passkeys`: a browser has made one.
pub async fn make(
    state: Visit,
    parts: Parts,
    Extension(person): Extension<Arc<Person>>,
    ApiJson(form): ApiJson<AnswerForm>,
) -> Result<Response, ApiError> {
    let site = site(&state, &parts)?;
    let (accounts, device) = (state.door.accounts(), device_of(&parts.headers));
    let made = (&*form.ticket, &form.credential()?);
    let card = accounts.add_passkey(&site, &person, made, &device).await?;
    note(&state, &person, "identity", &format!("passkey, {device}")).await;
    Ok((StatusCode::CREATED, Json(card)).into_response())
}

/// Removes a passkey.
#[utoipa::path(
    delete, path = "/api/passkeys/{passkey}", tag = PEOPLE,
    params(("passkey" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn remove(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(passkey): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let removed = state.door.accounts().remove_passkey(&person.id, &passkey).await?;
    if removed {
        note(&state, &person, "identity_removed", "passkey").await;
    }
    let missing = || ApiError::NotFound("There is no such passkey.".to_owned());
    let done = if removed { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) };
    Ok(answer(&headers, "/account", done))
}

/// `POST /passkey/challenge`: what a browser needs to show a passkey.
pub async fn ask(state: Visit, parts: Parts) -> Result<Json<Challenge>, ApiError> {
    state.limits.count_provider_login(&state.client).await?;
    let site = site(&state, &parts)?;
    Ok(Json(state.door.accounts().ask_for_passkey(&site).await?))
}

/// `POST /passkey`: a browser has shown one. A session begins, or whose it is has shown that it is still them.
pub async fn show(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    parts: Parts,
    person: Option<Extension<Arc<Person>>>,
    ApiJson(form): ApiJson<AnswerForm>,
) -> Result<Response, ApiError> {
    let person = person.as_ref().map(|Extension(person)| &**person);
    state.limits.count_provider_login(&state.client).await?;
    let (accounts, site) = (state.door.accounts(), site(&state, &parts)?);
    let device = device_of(&parts.headers);
    let shown = (&*form.ticket, &form.credential()?);
    let user = match accounts.of_passkey(&site, shown).await {
        Ok(user) => user,
        Err(error) => {
            accounts.note_refused("", &device, &state.client).await;
            return Err(error.into());
        }
    };
    let next = if is_own_page(&form.next) { form.next.clone() } else { "/".to_owned() };
    let response = Json(GoOn { next }).into_response();
    if let (Some(person), Some(session)) = (person, session_of(person)) {
        if person.id != user {
            return Err(ApiError::NotLetIn);
        }
        accounts.confirm(&session).await?;
        return Ok(response);
    }
    for secret in secrets(&parts.headers) {
        accounts.end_own_session(secret).await?;
    }
    let secret = accounts.begin_shown_session(&user, (&device, &state.client)).await?;
    let who = accounts.card(&user).await?.name;
    let about = format!("passkey, {device}");
    let (what, address) = ("login", &*state.client);
    accounts.note(Happening { who: &who, what, about: &about, address, is_program: false }).await;
    let over = (state.is_https(&parts.headers, peer.ip()), base.is_some());
    Ok(with_session(response, (&secret, &user), &parts.headers, over))
}

/// The address at which the browser knows the site, without the path below which it may be.
fn site(state: &Visit, parts: &Parts) -> Result<Url, ApiError> {
    let address = state.found_at(parts);
    let mut site = Url::parse(&address).map_err(|_| ApiError::Internal)?;
    site.set_path("");
    Ok(site)
}
