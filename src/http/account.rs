//! What people see and change of themselves: sessions, password, tokens.

use std::sync::Arc;

use app::model::{Person, Role, Scope, SessionCard, TokenCard};
use app::notice::APP_PASSWORD_MARK;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiPath};
use super::forms::{answer, wants_page};
use super::openapi::PEOPLE;
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, notice};
use crate::accounts::is_app_password;

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ONESELF, routes!(sessions))
        .add(Needs::ONESELF, routes!(end_session))
        .page(Needs::ONESELF, Method::POST, "/api/sessions/{session}/delete", post(end_session))
        .add(Needs::ONESELF, routes!(set_password))
        .add(Needs::ONESELF, routes!(tokens))
        .add(Needs::Confirmed(Role::Listener), routes!(make_token))
        .add(Needs::ONESELF, routes!(end_token))
        .page(Needs::ONESELF, Method::POST, "/api/tokens/{token}/delete", post(end_token))
}

/// A new password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct PasswordForm {
    /// The one until now
    old: String,
    /// 10 to 200 characters
    new: String,
}

/// A new token.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct TokenForm {
    /// What it is for
    name: String,
    /// For how many days; 0 or empty for ever
    #[serde(default)]
    days: String,
    /// What a program may do with it, with spaces between: `read`, `listen`, `progress`, `import`, `speak`, `spend`,
    /// and an admin's `admin`; the first three when nothing is said
    #[serde(default)]
    scopes: String,
    /// `reading_app` for the password of an app that reads books: short, as it is typed on a device, and good for what
    /// such apps do
    #[serde(default)]
    kind: String,
    /// `on` is the same as in `scopes`
    #[serde(default)]
    read: String,
    /// `on` is the same as in `scopes`
    #[serde(default)]
    listen: String,
    /// `on` is the same as in `scopes`
    #[serde(default)]
    progress: String,
    /// `on` is the same as in `scopes`
    #[serde(default)]
    import: String,
    /// `on` is the same as in `scopes`
    #[serde(default)]
    speak: String,
    /// `on` is the same as in `scopes`
    #[serde(default)]
    spend: String,
    /// `on` is the same as in `scopes`
    #[serde(default)]
    admin: String,
}

impl TokenForm {
    fn scopes(&self, person: &Person) -> Result<Vec<Scope>, ApiError> {
        let wrong = |name: &str| ApiError::BadParameter {
            name: "scopes",
            reason: format!(
                "has “{name}”, which is none of read, listen, progress, import, speak, spend and admin"
            ),
        };
        let named = self.scopes.split_whitespace();
        let named = named.map(|name| Scope::named(name).ok_or_else(|| wrong(name)));
        let mut scopes = named.collect::<Result<Vec<_>, _>>()?;
        let ticked = [
            &self.read,
            &self.listen,
            &self.progress,
            &self.import,
            &self.speak,
            &self.spend,
            &self.admin,
        ];
        let ticked = Scope::ALL.into_iter().zip(ticked).filter(|(_, tick)| *tick == "on");
        scopes.extend(ticked.map(|(scope, _)| scope));
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.contains(&Scope::Admin) && person.role < Role::Admin {
            return Err(ApiError::NotAllowed);
        }
        Ok(if scopes.is_empty() { Scope::USUAL.to_vec() } else { scopes })
    }
}

/// A token, as it is said once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewToken {
    /// To be sent as `Authorization: Bearer …`; that of a reading app as the password beside one’s name
    token: String,
}

/// Where one is logged in, the last used first.
#[utoipa::path(get, path = "/api/sessions", tag = PEOPLE, responses((status = 200, body = Vec<SessionCard>)))]
pub async fn sessions(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
) -> Result<Json<Vec<SessionCard>>, ApiError> {
    Ok(Json(state.door.accounts().sessions(&person.id, &person.session).await?))
}

/// Logs out there.
#[utoipa::path(
    delete, path = "/api/sessions/{session}", tag = PEOPLE,
    params(("session" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn end_session(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(session): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ended = state.door.accounts().end_session(&person.id, &session).await?;
    let missing = || ApiError::NotFound("There is no such session.".to_owned());
    let done = if ended { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) };
    Ok(answer(&headers, "/account", done))
}

/// Changes one’s password; everywhere else one is logged out.
#[utoipa::path(
    post, path = "/api/account/password", tag = PEOPLE,
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204))
)]
pub async fn set_password(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<PasswordForm>,
) -> Response {
    let accounts = state.door.accounts();
    let set = async {
        state.limits.count_login(&person.id, &person.name).await?;
        accounts.is_password_of(&person.name, &form.old).await?;
        accounts.set_password(&person.id, &form.new, &person.session).await?;
        note(&state, &person, "password", "").await;
        Ok::<_, ApiError>(())
    };
    answer(&headers, "/account", set.await.map(|()| StatusCode::NO_CONTENT))
}

/// One’s tokens, the newest first.
#[utoipa::path(get, path = "/api/tokens", tag = PEOPLE, responses((status = 200, body = Vec<TokenCard>)))]
pub async fn tokens(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
) -> Result<Json<Vec<TokenCard>>, ApiError> {
    Ok(Json(state.door.accounts().tokens(&person.id).await?))
}

/// Makes a token, which is said in the answer and never again.
#[utoipa::path(
    post, path = "/api/tokens", tag = PEOPLE,
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = NewToken))
)]
pub async fn make_token(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<TokenForm>,
) -> Response {
    let made = async {
        if !person.has_account() {
            return Err(ApiError::BadBody(
                "Programs need no token where nobody has to log in.".to_owned(),
            ));
        }
        let days = match form.days.trim() {
            "" => 0,
            days => days.parse().map_err(|_| ApiError::BadParameter {
                name: "days",
                reason: "must be a whole number".to_owned(),
            })?,
        };
        let accounts = state.door.accounts();
        let token = match form.kind.as_str() {
            "reading_app" => accounts.make_app_password(&person.id, &form.name).await?,
            "" => accounts.make_token(&person.id, &form.name, days, &form.scopes(&person)?).await?,
            _ => {
                let reason = "is “reading_app” or empty".to_owned();
                return Err(ApiError::BadParameter { name: "kind", reason });
            }
        };
        note(&state, &person, "token", &form.name).await;
        Ok(token)
    };
    match made.await {
        Ok(token) if wants_page(&headers) && is_app_password(&token) => {
            notice::refused("/account", &format!("{APP_PASSWORD_MARK}{token}"))
        }
        Ok(token) if wants_page(&headers) => notice::refused("/account", &token),
        Ok(token) => (StatusCode::CREATED, Json(NewToken { token })).into_response(),
        Err(error) => answer(&headers, "/account", Err::<StatusCode, _>(error)),
    }
}

/// Withdraws a token.
#[utoipa::path(
    delete, path = "/api/tokens/{token}", tag = PEOPLE,
    params(("token" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn end_token(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(token): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ended = state.door.accounts().end_token(&person.id, &token).await?;
    let missing = || ApiError::NotFound("There is no such token.".to_owned());
    let done = if ended { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) };
    Ok(answer(&headers, "/account", done))
}
