//! Logging in and out, and what people see and change of themselves; for admins, of others.

use std::net::SocketAddr;
use std::sync::Arc;

use app::model::{Person, PersonCard, Role, SessionCard, TokenCard};
use axum::extract::{ConnectInfo, Path};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form, Json};
use serde::{Deserialize, Serialize};

use super::door::{COOKIE_AGE, no_session_cookies, secrets, session_cookie};
use super::preferences::{redirect_or_no_content, wants_page};
use super::{ApiError, Visit, cookies, notice};

/// Remembers whose pages a browser may have kept: not whether they are logged in.
const LAST: &str = "earmark_last";

/// What somebody logs in with.
#[derive(Debug, Deserialize)]
pub struct LoginForm {
    name: String,
    password: String,
    /// Where they wanted to go.
    #[serde(default)]
    next: String,
}

/// The first account.
#[derive(Debug, Deserialize)]
pub struct SetupForm {
    code: String,
    name: String,
    password: String,
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
}

/// A token, as it is said once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewToken {
    /// To be sent as `Authorization: Bearer …`
    token: String,
}

/// `POST /login`
pub async fn log_in(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let logged_in = async {
        state.limits.count_login(&client, &form.name).await?;
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let device = device(agent.unwrap_or_default());
        let accounts = state.door.accounts();
        let secret = accounts.log_in(&form.name, &form.password, (&device, &client)).await?;
        let person = accounts.of_session(&secret, &client).await?;
        Ok::<_, ApiError>((secret, person.ok_or(ApiError::Internal)?))
    };
    match logged_in.await {
        Ok((secret, person)) => {
            let page = if is_own_page(&form.next) { &form.next } else { "/" };
            let mut response = redirect_or_no_content(&headers, page);
            cookies::set(&mut response, &session_cookie(&secret, is_https(&state, &headers, peer)));
            // Another person's kept pages and books are not for this one.
            if cookies::value(&headers, LAST) != Some(&person.id) {
                clear_site(&mut response);
            }
            let id = &person.id;
            let last = format!("{LAST}={id}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Lax");
            cookies::set(&mut response, &last);
            response
        }
        Err(error) if wants_page(&headers) => {
            let next = in_address(&form.next);
            notice::refused(&format!("/login?next={next}"), &error.to_string())
        }
        Err(error) => error.into_response(),
    }
}

/// `POST /logout`: the browser's sessions end, and it forgets what it has kept.
pub async fn log_out(state: Visit, headers: HeaderMap) -> Result<Response, ApiError> {
    // One that came over HTTPS and one that did not may both be there.
    for secret in secrets(&headers) {
        state.door.accounts().end_own_session(secret).await?;
    }
    let mut response = redirect_or_no_content(&headers, "/login");
    no_session_cookies().iter().for_each(|gone| cookies::set(&mut response, gone));
    clear_site(&mut response);
    Ok(response)
}

/// `POST /setup`: the first account, with the code that stands in the terminal.
pub async fn set_up(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<SetupForm>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let made = async {
        state.limits.count_login(&client, "").await?;
        state.library.flush().await;
        state.door.set_up(&form.code, &form.name, &form.password).await
    };
    match made.await {
        Ok(()) => redirect_or_no_content(&headers, "/login"),
        Err(error) if wants_page(&headers) => {
            let code = in_address(&form.code);
            notice::refused(&format!("/setup?code={code}"), &error.to_string())
        }
        Err(error) => error.into_response(),
    }
}

/// `GET /api/sessions`
pub async fn sessions(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
) -> Result<Json<Vec<SessionCard>>, ApiError> {
    Ok(Json(state.door.accounts().sessions(&person.id, &person.session).await?))
}

/// `DELETE /api/sessions/{session}`, `POST …/delete`
pub async fn end_session(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    Path(session): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ended = state.door.accounts().end_session(&person.id, &session).await?;
    let missing = || ApiError::NotFound("There is no such session.".to_owned());
    let done = if ended { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) };
    Ok(answer(&headers, "/account", done))
}

/// `POST /api/account/password`: all other sessions end.
pub async fn set_password(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Response {
    let accounts = state.door.accounts();
    let set = async {
        state.limits.count_login(&person.id, &person.name).await?;
        accounts.is_password_of(&person.name, &form.old).await?;
        accounts.set_password(&person.id, &form.new, &person.session).await?;
        Ok::<_, ApiError>(())
    };
    answer(&headers, "/account", set.await.map(|()| StatusCode::NO_CONTENT))
}

/// `GET /api/tokens`
pub async fn tokens(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
) -> Result<Json<Vec<TokenCard>>, ApiError> {
    Ok(Json(state.door.accounts().tokens(&person.id).await?))
}

/// `POST /api/tokens`: the token is said in the answer, and never again.
pub async fn make_token(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    Form(form): Form<TokenForm>,
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
        Ok(state.door.accounts().make_token(&person.id, &form.name, days).await?)
    };
    match made.await {
        Ok(token) if wants_page(&headers) => notice::refused("/account", &token),
        Ok(token) => (StatusCode::CREATED, Json(NewToken { token })).into_response(),
        Err(error) => answer(&headers, "/account", Err::<StatusCode, _>(error)),
    }
}

/// `DELETE /api/tokens/{token}`, `POST …/delete`
pub async fn end_token(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ended = state.door.accounts().end_token(&person.id, &token).await?;
    let missing = || ApiError::NotFound("There is no such token.".to_owned());
    let done = if ended { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) };
    Ok(answer(&headers, "/account", done))
}

/// `GET /api/people`
pub async fn people(state: Visit) -> Result<Json<Vec<PersonCard>>, ApiError> {
    Ok(Json(state.door.accounts().people().await?))
}

/// `POST /api/people`
pub async fn add_person(
    state: Visit,
    headers: HeaderMap,
    Form(form): Form<PersonForm>,
) -> Response {
    let added = async {
        // The first goes on with places that may only be in Redis yet.
        state.library.flush().await;
        Ok(state.door.accounts().add(&form.name, &form.password, role(&form.role)?).await?)
    };
    answer(&headers, "/people", added.await.map(|_| StatusCode::CREATED))
}

/// `POST /api/people/{person}`
pub async fn set_role(
    state: Visit,
    Path(user): Path<String>,
    headers: HeaderMap,
    Form(form): Form<RoleForm>,
) -> Response {
    let set = async { Ok(state.door.accounts().set_role(&user, role(&form.role)?).await?) };
    answer(&headers, "/people", set.await.map(|()| StatusCode::NO_CONTENT))
}

/// `DELETE /api/people/{person}`, `POST …/delete`
pub async fn remove_person(state: Visit, Path(user): Path<String>, headers: HeaderMap) -> Response {
    // No place of theirs may be written once they are gone.
    state.library.flush().await;
    let removed = state.door.accounts().remove(&user).await.map_err(ApiError::from);
    answer(&headers, "/people", removed.map(|()| StatusCode::NO_CONTENT))
}

/// Sends a browser back to the page it comes from, and a program what came of it.
fn answer(headers: &HeaderMap, page: &str, done: Result<StatusCode, ApiError>) -> Response {
    match done {
        Ok(_) if wants_page(headers) => Redirect::to(page).into_response(),
        Ok(status) => status.into_response(),
        Err(error) if wants_page(headers) => notice::refused(page, &error.to_string()),
        Err(error) => error.into_response(),
    }
}

fn role(name: &str) -> Result<Role, ApiError> {
    let reason = || "must be listener, member or admin".to_owned();
    Role::named(name).ok_or_else(|| ApiError::BadParameter { name: "role", reason: reason() })
}

/// Whether a browser may be sent there: to a page here. `//host` and `/\host` are elsewhere.
fn is_own_page(page: &str) -> bool {
    page.starts_with('/')
        && !page[1..].starts_with(['/', '\\'])
        && !page.chars().any(char::is_control)
}

fn is_https(state: &Visit, headers: &HeaderMap, peer: SocketAddr) -> bool {
    state.limits.is_https(headers, peer.ip())
}

/// Has a browser forget pages, sound and books that it has kept.
fn clear_site(response: &mut Response) {
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
}

/// A text as it stands in the query of an address.
fn in_address(text: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// What a browser is, by what it says of itself: enough to know one's own devices by.
fn device(agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    // Each says that it is all the others, the truest word last.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.split(['/', ' ']).next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for page in ["/", "/book/0123", "/book/0123/search?q=a%20b"] {
            assert!(is_own_page(page), "{page}");
        }
        for page in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb"] {
            assert!(!is_own_page(page), "{page}");
        }
    }

    #[test]
    fn devices_are_told_apart() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome, Linux");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(device(safari), "Safari, iPhone");
        assert_eq!(device("curl/8.0"), "curl");
        assert_eq!(device(""), "");
    }
}
