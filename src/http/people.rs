//! People, for those who run the place.

use app::model::{PersonCard, Role};
use axum::Json;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiPath};
use super::forms::answer;
use super::openapi::PEOPLE;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit};

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ADMIN, routes!(people, add_person))
        .add(Needs::ADMIN, routes!(set_role, remove_person))
        .page(Needs::ADMIN, Method::POST, "/api/people/{person}/delete", post(remove_person))
}

/// Somebody new.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct PersonForm {
    /// What they are called, and log in with
    name: String,
    /// 10 to 200 characters
    password: String,
    /// `listener`, `member` or `admin`
    role: String,
}

/// What a person may do from now on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct RoleForm {
    /// `listener`, `member` or `admin`
    role: String,
}

/// Everybody who can log in, by name.
#[utoipa::path(get, path = "/api/people", tag = PEOPLE, responses((status = 200, body = Vec<PersonCard>)))]
pub async fn people(state: Visit) -> Result<Json<Vec<PersonCard>>, ApiError> {
    Ok(Json(state.door.accounts().people().await?))
}

/// Adds somebody.
///
/// The first is an admin, and from then on everybody has to log in.
#[utoipa::path(
    post, path = "/api/people", tag = PEOPLE,
    request_body(content = PersonForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201))
)]
pub async fn add_person(
    state: Visit,
    headers: HeaderMap,
    ApiForm(form): ApiForm<PersonForm>,
) -> Response {
    let added = async {
        // The first goes on with places that may only be in Redis yet.
        state.library.flush().await;
        Ok(state.door.accounts().add(&form.name, &form.password, role(&form.role)?).await?)
    };
    answer(&headers, "/people", added.await.map(|_| StatusCode::CREATED))
}

/// Sets what somebody may do.
#[utoipa::path(
    post, path = "/api/people/{person}", tag = PEOPLE,
    params(("person" = String, Path, description = "As the list has it")),
    request_body(content = RoleForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204))
)]
pub async fn set_role(
    state: Visit,
    ApiPath(user): ApiPath<String>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<RoleForm>,
) -> Response {
    let set = async { Ok(state.door.accounts().set_role(&user, role(&form.role)?).await?) };
    answer(&headers, "/people", set.await.map(|()| StatusCode::NO_CONTENT))
}

/// Removes somebody.
#[utoipa::path(
    delete, path = "/api/people/{person}", tag = PEOPLE,
    params(("person" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn remove_person(
    state: Visit,
    ApiPath(user): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    // No place of theirs may be written once they are gone.
    state.library.flush().await;
    let removed = state.door.accounts().remove(&user).await.map_err(ApiError::from);
    answer(&headers, "/people", removed.map(|()| StatusCode::NO_CONTENT))
}

fn role(name: &str) -> Result<Role, ApiError> {
    let reason = || "must be listener, member or admin".to_owned();
    Role::named(name).ok_or_else(|| ApiError::BadParameter { name: "role", reason: reason() })
}
