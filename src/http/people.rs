//! People, for those who run the place.

use std::net::SocketAddr;
use std::sync::Arc;

use app::base::Base;
use app::model::{HappeningCard, InvitationCard, Person, PersonCard, Role};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiPath};
use super::forms::{answer, wants_page};
use super::openapi::PEOPLE;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, notice};
use crate::accounts::Happening;

/// The page that forms come from.
const PAGE: &str = "/people";

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ADMIN, routes!(people, add_person))
        .add(Needs::ADMIN, routes!(change_person, remove_person))
        .page(Needs::ADMIN, Method::POST, "/api/people/{person}/delete", post(remove_person))
        .add(Needs::ADMIN, routes!(invitations, invite))
        .add(Needs::ADMIN, routes!(end_invitation))
        .page(
            Needs::ADMIN,
            Method::POST,
            "/api/invitations/{invitation}/delete",
            post(end_invitation),
        )
        .add(Needs::ADMIN, routes!(happenings))
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

/// What becomes of a person; what is left out stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ChangeForm {
    /// `listener`, `member` or `admin`
    role: Option<String>,
    /// Characters a month that they may have spoken by voices that cost money; “unlimited” or “∞” for any number
    allowance: Option<String>,
}

/// An invitation.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct InvitationForm {
    /// `listener`, `member` or `admin`
    role: String,
}

/// An invitation, as it is said once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewInvitation {
    /// The address at which the guest makes an account, within 48 hours and once
    page: String,
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
    Extension(admin): Extension<Arc<Person>>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<PersonForm>,
) -> Response {
    let accounts = state.door.accounts();
    let added = async {
        // The first goes on with places that may only be in Redis yet.
        state.library.flush().await;
        accounts.add(&form.name, &form.password, role(&form.role)?).await?;
        note(&state, &admin, "person_added", &form.name).await;
        Ok(StatusCode::CREATED)
    };
    answer(&headers, PAGE, added.await)
}

/// Sets what somebody may do, and what they may spend.
#[utoipa::path(
    post, path = "/api/people/{person}", tag = PEOPLE,
    params(("person" = String, Path, description = "As the list has it")),
    request_body(content = ChangeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204))
)]
pub async fn change_person(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ApiPath(user): ApiPath<String>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<ChangeForm>,
) -> Response {
    let accounts = state.door.accounts();
    let set = async {
        let wanted = form.role.as_deref().map(role).transpose()?;
        let allowance = form.allowance.as_deref().filter(|text| !text.trim().is_empty());
        let allowance = allowance.map(characters).transpose()?;
        let before = accounts.card(&user).await?;
        if let Some(role) = wanted.filter(|role| *role != before.role) {
            accounts.set_role(&user, role).await?;
            note(&state, &admin, "role", &format!("{}: {}", before.name, role.name())).await;
        }
        // The form says both; what it says of an allowance that it shows is no wish.
        if let Some(allowance) = allowance.filter(|allowance| *allowance != before.allowance) {
            accounts.set_allowance(&user, allowance).await?;
            let most = allowance.map_or("∞".to_owned(), |most| most.to_string());
            note(&state, &admin, "allowance", &format!("{}: {most}", before.name)).await;
        }
        Ok(StatusCode::NO_CONTENT)
    };
    answer(&headers, PAGE, set.await)
}

/// Removes somebody.
#[utoipa::path(
    delete, path = "/api/people/{person}", tag = PEOPLE,
    params(("person" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn remove_person(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ApiPath(user): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let accounts = state.door.accounts();
    let removed = async {
        let name = accounts.card(&user).await?.name;
        // No place of theirs may be written once they are gone.
        state.library.flush().await;
        accounts.remove(&user).await?;
        note(&state, &admin, "person_removed", &name).await;
        Ok(StatusCode::NO_CONTENT)
    };
    answer(&headers, PAGE, removed.await)
}

/// Makes a link by which somebody makes an account of their own. It is said in the answer and never again.
#[utoipa::path(
    post, path = "/api/invitations", tag = PEOPLE,
    request_body(content = InvitationForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = NewInvitation))
)]
pub async fn invite(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<InvitationForm>,
) -> Response {
    let Extension(base) = base.unwrap_or_default();
    let made = async {
        // The first account is its owner's, who has the terminal.
        if !state.door.accounts().has_people().await? {
            return Err(ApiError::NotSetUp);
        }
        let secret = state.door.accounts().invite(role(&form.role)?, &admin.id).await?;
        note(&state, &admin, "invited", &form.role).await;
        let is_https = state.is_https(&headers, peer.ip());
        Ok(state.site.page(&headers, is_https, &base, &format!("/invite?link={secret}")))
    };
    match made.await {
        Ok(page) if wants_page(&headers) => notice::refused(PAGE, &page),
        Ok(page) => (StatusCode::CREATED, Json(NewInvitation { page })).into_response(),
        Err(error) => answer(&headers, PAGE, Err(error)),
    }
}

/// The invitations that nobody has come with yet, the newest first.
#[utoipa::path(get, path = "/api/invitations", tag = PEOPLE, responses((status = 200, body = Vec<InvitationCard>)))]
pub async fn invitations(state: Visit) -> Result<Json<Vec<InvitationCard>>, ApiError> {
    Ok(Json(state.door.accounts().invitations().await?))
}

/// Withdraws an invitation.
#[utoipa::path(
    delete, path = "/api/invitations/{invitation}", tag = PEOPLE,
    params(("invitation" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn end_invitation(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ApiPath(invitation): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ended = state.door.accounts().end_invitation(&invitation).await?;
    let missing = || ApiError::NotFound("There is no such invitation.".to_owned());
    if ended {
        note(&state, &admin, "uninvited", "").await;
    }
    let done = if ended { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) };
    Ok(answer(&headers, PAGE, done))
}

/// What happened to accounts and to what runs the place, the newest first.
#[utoipa::path(get, path = "/api/happenings", tag = PEOPLE, responses((status = 200, body = Vec<HappeningCard>)))]
pub async fn happenings(state: Visit) -> Result<Json<Vec<HappeningCard>>, ApiError> {
    Ok(Json(state.door.accounts().happenings().await?))
}

/// Writes down what somebody who runs the place has done.
pub async fn note(state: &Visit, admin: &Person, what: &'static str, about: &str) {
    let (address, is_program) = (&state.client, admin.scopes.is_some());
    let note = Happening { who: &admin.name, what, about, address, is_program };
    state.door.accounts().note(note).await;
}

fn role(name: &str) -> Result<Role, ApiError> {
    let reason = || "must be listener, member or admin".to_owned();
    Role::named(name).ok_or_else(|| ApiError::BadParameter { name: "role", reason: reason() })
}

fn characters(text: &str) -> Result<Option<u64>, ApiError> {
    let reason = || "must be a whole number, or “unlimited”".to_owned();
    match text.trim() {
        "∞" | "unlimited" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| ApiError::BadParameter { name: "allowance", reason: reason() }),
    }
}
