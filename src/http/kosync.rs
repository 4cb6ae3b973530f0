//! Places of KOReader and of apps that speak its language, which is that of `koreader-sync-server`.
//!
//! KOReader is told `…/kosync` as the address of its sync server. Where people log in it sends the MD5 of a password
//! that one makes on the page of one's account.

use std::sync::Arc;

use app::model::{Person, Role, Scope};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

use super::extract::{ApiJson, ApiPath};
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};
use crate::library::reading_apps::AppPlace;

/// What its addresses begin with.
pub const ROOT: &str = "/kosync";
/// Whoever has places of their own.
const PLACES: Needs = Needs::Own(Role::Listener, Scope::Progress);

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .page(Needs::Nobody, Method::GET, "/kosync/healthcheck", get(healthy))
        .page(Needs::Nobody, Method::POST, "/kosync/users/create", post(create))
        .page(PLACES, Method::GET, "/kosync/users/auth", get(authorized))
        .page(PLACES, Method::PUT, "/kosync/syncs/progress", put(set))
        .page(PLACES, Method::GET, "/kosync/syncs/progress/{document}", get(place))
}

/// A place as KOReader sends it.
#[derive(Debug, Deserialize)]
pub struct Place {
    /// The file, by its digest.
    document: String,
    /// An address within the file. A number, of a page, where the file has pages.
    progress: serde_json::Value,
    /// How far that is, of 1.
    /// A number, which some apps send as text.
    percentage: serde_json::Value,
    device: Option<String>,
    device_id: Option<String>,
}

/// Somebody who would register.
#[derive(Debug, Deserialize)]
pub struct Newcomer {
    username: String,
}

/// `GET /kosync/healthcheck`
async fn healthy() -> Json<serde_json::Value> {
    Json(json!({ "state": "OK" }))
}

/// `POST /kosync/users/create`: nobody registers here from within an app. Where nobody logs in, that is no matter.
async fn create(
    state: Visit,
    ApiJson(Newcomer { username }): ApiJson<Newcomer>,
) -> Result<Response, ApiError> {
    if state.door.accounts().has_people().await? {
        let message =
            "Log in with a password that you make on the page of your account, under “Programs”.";
        // As the server of KOReader says that a name is taken, which it shows.
        let refused = json!({ "code": 2002, "message": message });
        return Ok((StatusCode::PAYMENT_REQUIRED, Json(refused)).into_response());
    }
    Ok((StatusCode::CREATED, Json(json!({ "username": username }))).into_response())
}

/// `GET /kosync/users/auth`
async fn authorized(Extension(_): Extension<Arc<Person>>) -> Json<serde_json::Value> {
    Json(json!({ "authorized": "OK" }))
}

/// `PUT /kosync/syncs/progress`
async fn set(
    state: Visit,
    ApiJson(said): ApiJson<Place>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let percentage = match &said.percentage {
        serde_json::Value::String(number) => number.trim().parse().ok(),
        number => number.as_f64(),
    };
    let percentage = percentage.filter(|number: &f64| number.is_finite());
    // As KOReader's own server has it.
    let is_name = |name: &str| !name.is_empty() && !name.contains(':') && !name.contains('/');
    let Some(percentage) = percentage.filter(|_| is_name(&said.document)) else {
        return Err(ApiError::BadBody("A place needs a document and a percentage.".to_owned()));
    };
    let place = match &said.progress {
        serde_json::Value::String(place) => place.clone(),
        other => other.to_string(),
    };
    let place = AppPlace {
        place,
        percentage: percentage.clamp(0.0, 1.0),
        device: said.device.unwrap_or_default(),
        device_id: said.device_id.unwrap_or_default(),
        at_ms: 0,
    };
    let at_ms = state.library.set_app_place(&said.document, place).await?;
    Ok(Json(json!({ "document": said.document, "timestamp": at_ms / 1000 })))
}

/// `GET /kosync/syncs/progress/{document}`: an empty object when nobody has said where they are, as KOReader's own
/// server answers.
async fn place(
    state: Visit,
    ApiPath(document): ApiPath<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let Some(place) = state.library.app_place(&document).await? else {
        return Ok(Json(json!({})));
    };
    let AppPlace { place, percentage, device, device_id, at_ms } = place;
    Ok(Json(json!({
        "document": document,
        "progress": place,
        "percentage": percentage,
        "device": device,
        "device_id": device_id,
        "timestamp": at_ms / 1000,
    })))
}
