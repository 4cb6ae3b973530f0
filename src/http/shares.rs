//! Links by which people without an account read and listen to one book.

use std::net::SocketAddr;
use std::sync::Arc;

use app::base::Base;
use app::model::{Person, Role, ShareCard};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa_axum::routes;

use super::door::{guest_cookie, guest_secrets, let_in_anew, no_session_cookies};
use super::extract::{ApiForm, ApiPath, BookPath};
use super::forms::{answer, in_address, refused, wants_page};
use super::openapi::{BOOKS, PEOPLE};
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, cookies, notice};
use crate::accounts::{AccountError, USUAL_DAYS};

/// The page with the links that are open.
const PAGE: &str = "/account";
/// The page with those of everybody.
const PEOPLE_PAGE: &str = "/people";

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::Person(Role::Member), routes!(share))
        .add(Needs::ONESELF, routes!(shares))
        .add(Needs::ONESELF, routes!(end_share))
        .page(Needs::ONESELF, Method::POST, "/api/shares/{share}/delete", post(end_share))
        .add(Needs::ADMIN, routes!(shares_of_all))
        .add(Needs::ADMIN, routes!(end_share_of_anybody))
        .page(
            Needs::ADMIN,
            Method::POST,
            "/api/people/shares/{share}/delete",
            post(end_share_of_anybody),
        )
        .page(Needs::Nobody, Method::POST, "/s", post(come))
}

/// A link to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ShareForm {
    /// For how many days, 365 at most; a week when nothing is said
    #[serde(default)]
    days: String,
}

/// A link, as it is said once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewShare {
    /// The address at which the book is read
    page: String,
}

/// Somebody who comes by a link.
#[derive(Debug, Deserialize)]
pub struct GuestForm {
    link: String,
}

/// Makes a link by which anybody reads and listens to the book. It is said in the answer and never again.
#[utoipa::path(
    post, path = "/api/books/{book}/shares", tag = BOOKS, params(BookPath),
    request_body(content = ShareForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = NewShare))
)]
pub async fn share(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiForm(form): ApiForm<ShareForm>,
) -> Response {
    let Extension(base) = base.unwrap_or_default();
    let made = async {
        if !person.has_account() {
            return Err(ApiError::BadBody(
                "Nobody has to log in here: the address of the book is enough.".to_owned(),
            ));
        }
        let details = state.library.metadata(&book).await?;
        // The title of one's own book is nobody else's business.
        let title = if details.owner.is_some() { "" } else { &details.card.title };
        let days = match form.days.trim() {
            "" => USUAL_DAYS,
            days => days.parse().map_err(|_| ApiError::BadParameter {
                name: "days",
                reason: "must be a whole number".to_owned(),
            })?,
        };
        let link = state.door.accounts().share(&person.id, &book, days).await?;
        note(&state, &person, "shared", title).await;
        let is_https = state.is_https(&headers, peer.ip());
        Ok(state.site.page(&headers, is_https, &base, &format!("/s/{link}")))
    };
    let page = format!("/book/{book}");
    match made.await {
        Ok(link) if wants_page(&headers) => notice::refused(&page, &link),
        Ok(page) => (StatusCode::CREATED, Json(NewShare { page })).into_response(),
        Err(error) => refused(&headers, &page, error),
    }
}

/// One’s open links, the newest first.
#[utoipa::path(get, path = "/api/shares", tag = BOOKS, responses((status = 200, body = Vec<ShareCard>)))]
pub async fn shares(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
) -> Result<Json<Vec<ShareCard>>, ApiError> {
    Ok(Json(state.door.accounts().shares(Some(&person.id), &person.id).await?))
}

/// Everybody’s open links, the newest first. What is somebody’s own book is not named.
#[utoipa::path(
    get, path = "/api/people/shares", tag = PEOPLE, responses((status = 200, body = Vec<ShareCard>))
)]
pub async fn shares_of_all(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
) -> Result<Json<Vec<ShareCard>>, ApiError> {
    // A program that runs the place does not read its owner's own books.
    let reader = if admin.scopes.is_some() { "" } else { &admin.id };
    Ok(Json(state.door.accounts().shares(None, reader).await?))
}

/// Withdraws a link: its guests see nothing more.
#[utoipa::path(
    delete, path = "/api/shares/{share}", tag = BOOKS,
    params(("share" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn end_share(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(share): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ended = state.door.accounts().end_share(Some(&person.id), &share).await?;
    Ok(answer(&headers, PAGE, withdrawn(ended)))
}

/// Withdraws anybody’s link: its guests see nothing more.
#[utoipa::path(
    delete, path = "/api/people/shares/{share}", tag = PEOPLE,
    params(("share" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn end_share_of_anybody(
    state: Visit,
    Extension(admin): Extension<Arc<Person>>,
    ApiPath(share): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accounts = state.door.accounts();
    let open = accounts.shares(None, "").await?;
    let from = open.into_iter().find(|open| open.id == share).map(|open| open.from);
    let ended = accounts.end_share(None, &share).await?;
    if ended {
        note(&state, &admin, "unshared", &from.unwrap_or_default()).await;
    }
    Ok(answer(&headers, PEOPLE_PAGE, withdrawn(ended)))
}

fn withdrawn(was_there: bool) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NotFound("There is no such link.".to_owned());
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) }
}

/// `POST /s`: a browser comes by a link, and is let in to the book. Whoever is logged in goes there as themselves.
pub async fn come(
    state: Visit,
    person: Option<Extension<Arc<Person>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<GuestForm>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let accounts = state.door.accounts();
    let come = async {
        let Some(shared) = accounts.shared_book(&form.link).await? else {
            state.limits.count_bad_link(&client).await?;
            return Err(AccountError::Share.into());
        };
        let is_known = person.as_ref().is_some_and(|person| person.lent.is_none());
        if is_known {
            state.library.metadata(&shared.book).await.map_err(|_| ApiError::LoggedIn)?;
            return Ok((shared.book, None));
        }
        // Whoever has come before goes on where they were.
        for secret in guest_secrets(&headers) {
            if accounts.is_guest_of(secret, &form.link).await? {
                return Ok((shared.book, None));
            }
        }
        let (book, secret, guest) = accounts.welcome(&form.link).await?;
        Ok::<_, ApiError>((book, Some((secret, guest))))
    };
    match come.await {
        Ok((book, guest)) => {
            let mut response = Redirect::to(&format!("/book/{book}")).into_response();
            if let Some((secret, guest)) = guest {
                let is_https = state.is_https(&headers, peer.ip());
                // Of sessions that have ended.
                no_session_cookies().iter().for_each(|gone| cookies::set(&mut response, gone));
                cookies::set(&mut response, &guest_cookie(&secret, is_https, base.is_some()));
                let_in_anew(&mut response, &guest, &headers);
            }
            response
        }
        Err(error) => refused(&headers, &format!("/s/{}", in_address(&form.link)), error),
    }
}
