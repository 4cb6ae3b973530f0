//! Logging in with a provider that people have already, by OpenID Connect: an authorization code with PKCE
//! (RFC 7636), a state and a nonce, which a cookie of ten minutes keeps meanwhile.

mod providers;

use std::net::SocketAddr;
use std::sync::Arc;

use app::base::Base;
use app::model::{Person, Role};
use axum::Extension;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::door::{cookie_name, secrets};
use super::extract::{ApiPath, ApiQuery};
use super::forms::answer;
use super::login::{device_of, is_own_page, with_session};
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, cookies, notice, origin};
use crate::accounts::Happening;
use crate::config::ProviderSettings;
use providers::{Known, Provider, Secrets};

pub use providers::Providers;

/// How long somebody may be at a provider, in seconds.
const COOKIE_AGE: u64 = 600;
/// Where people see who lets them in.
const ACCOUNT: &str = "/account";
/// The routes: links lead there from other sites.
pub fn router() -> Routes {
    Routes::default()
        .page(Needs::Nobody, Method::GET, "/login/{provider}", get(leave))
        .page(Needs::Nobody, Method::GET, "/login/{provider}/back", get(come_back))
        .map(|routes| routes.layer(from_fn(origin::reject_cross_site_but_links)))
        .merge(own())
}

/// Routes that only our own pages lead to.
fn own() -> Routes {
    // A way in is worth what a token is.
    let needs = Needs::Confirmed(Role::Listener);
    Routes::default()
        .page(needs, Method::GET, "/account/link/{provider}", get(link))
        .page(needs, Method::POST, "/api/identities/{identity}/delete", post(unlink))
        .map(|routes| routes.layer(from_fn(origin::reject_cross_site)))
}

/// What somebody leaves for.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Purpose {
    /// To be logged in.
    LogIn,
    /// To be let in by the provider from now on, in this session.
    Link(String),
    /// To show that it is still them, in this session.
    Confirm(String),
}

/// What is kept while somebody is at a provider.
#[derive(Debug, Serialize, Deserialize)]
struct Away {
    provider: String,
    secrets: Secrets,
    next: String,
    purpose: Purpose,
}

/// How somebody leaves.
#[derive(Debug, Deserialize)]
pub struct LeaveQuery {
    /// Where they want to go.
    #[serde(default)]
    next: String,
}

/// `GET /login/{provider}`: off to the provider, to be logged in; or, in a session, to show that it is still them.
pub async fn leave(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    person: Option<Extension<Arc<Person>>>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<LeaveQuery>,
) -> Response {
    let session = session_of(person.as_ref().map(|Extension(person)| &**person));
    let purpose = session.map_or(Purpose::LogIn, Purpose::Confirm);
    let next = if is_own_page(&query.next) { query.next } else { "/".to_owned() };
    off(&state, (&headers, peer, base.is_some()), &name, purpose, next).await
}

/// `GET /account/link/{provider}`: off to the provider, which is to let somebody in from now on.
pub async fn link(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
) -> Response {
    // The button on our own page, and no link from anywhere else.
    let is_ours = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
    match session_of(Some(&person)).filter(|_| is_ours) {
        Some(session) => {
            let (from, purpose) = ((&headers, peer, base.is_some()), Purpose::Link(session));
            off(&state, from, &name, purpose, ACCOUNT.to_owned()).await
        }
        None => notice::refused(ACCOUNT, &ApiError::OtherSite.notice()),
    }
}

/// The session of somebody who is there themselves: a program is no browser, whatever its token is for.
pub fn session_of(person: Option<&Person>) -> Option<String> {
    let person = person.filter(|person| person.has_account() && person.scopes.is_none())?;
    (!person.session.is_empty()).then(|| person.session.clone())
}

async fn off(
    state: &Visit,
    (headers, peer, is_below): (&HeaderMap, SocketAddr, bool),
    name: &str,
    purpose: Purpose,
    next: String,
) -> Response {
    let is_https = state.is_https(headers, peer.ip());
    let left = async {
        let client = state.limits.client(headers, peer.ip()).to_string();
        state.limits.count_provider_login(&client).await?;
        let provider = state.providers.named(name)?;
        let anew = !matches!(purpose, Purpose::LogIn);
        let (address, secrets) = provider.leave(&state.providers, anew).await?;
        Ok::<_, ApiError>((address, Away { provider: name.to_owned(), secrets, next, purpose }))
    };
    match left.await {
        Ok((address, away)) => {
            let mut response = Redirect::to(&address).into_response();
            let kept = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&away).unwrap_or_default());
            cookies::set(&mut response, &away_cookie(&kept, COOKIE_AGE, is_https, is_below));
            response
        }
        Err(error) => notice::refused("/login", &error.notice()),
    }
}

/// The cookie of somebody who is away, which no neighbour can have set where a session's cannot be either.
fn away_cookie(value: &str, age: u64, is_https: bool, is_below: bool) -> String {
    let (name, secure) = (away_name(is_https, is_below), if is_https { "; Secure" } else { "" });
    format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
}

fn away_name(is_https: bool, is_below: bool) -> String {
    format!("{}_oidc", cookie_name(is_https, is_below))
}

/// How a provider sends somebody back.
#[derive(Debug, Deserialize)]
pub struct BackQuery {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// `GET /login/{provider}/back`: back from the provider.
pub async fn come_back(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    person: Option<Extension<Arc<Person>>>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<BackQuery>,
) -> Response {
    let (is_https, is_below) = (state.is_https(&headers, peer.ip()), base.is_some());
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let session = session_of(person.as_ref().map(|Extension(person)| &**person));
    let user = person.map(|Extension(person)| person.id.clone()).unwrap_or_default();
    let back = async {
        state.limits.count_provider_login(&client).await?;
        let away = away(&headers, &away_name(is_https, is_below));
        let away = away.filter(|away| {
            away.provider == name && away.secrets.state == query.state && is_own_page(&away.next)
        });
        let away = away.filter(|_| !query.code.is_empty()).ok_or(ApiError::NotLetIn)?;
        let provider = state.providers.named(&name)?;
        let known = provider.identify(&state.providers, &away.secrets, query.code).await?;
        let accounts = state.door.accounts();
        let identity = (provider.settings.issuer.as_str(), known.subject.as_str());
        let is_still = |kept: &String| session.as_ref() == Some(kept) && known.is_fresh;
        match &away.purpose {
            Purpose::LogIn => {
                let from = (device_of(&headers), client.clone());
                let begun = let_in(&state, provider, &known, from, &headers).await?;
                Ok((Some(begun), away.next))
            }
            Purpose::Link(kept) if is_still(kept) => {
                accounts.link(&user, identity.0, identity.1).await?;
                let who = accounts.card(&user).await?.name;
                let (what, about) = ("identity", provider.settings.label.as_str());
                accounts
                    .note(Happening { who: &who, what, about, address: &client, is_program: false })
                    .await;
                Ok((None, away.next))
            }
            Purpose::Confirm(kept)
                if is_still(kept)
                    && accounts.of_identity(identity.0, identity.1).await? == Some(user) =>
            {
                accounts.confirm(kept).await?;
                Ok((None, away.next))
            }
            Purpose::Link(_) | Purpose::Confirm(_) => Err(ApiError::NotLetIn),
        }
    };
    let page = if session.is_some() { ACCOUNT } else { "/login" };
    let mut response = match back.await {
        Ok((Some((secret, user)), next)) => {
            let response = Redirect::to(&next).into_response();
            with_session(response, (&secret, &user), &headers, (is_https, is_below))
        }
        Ok((None, next)) => Redirect::to(&next).into_response(),
        Err(error) => notice::refused(page, &error.notice()),
    };
    cookies::set(&mut response, &away_cookie("", 0, is_https, is_below));
    response
}

/// Begins a session of somebody whom a provider has let in, in place of any that the browser has.
async fn let_in(
    state: &Visit,
    provider: &Provider,
    known: &Known,
    (device, client): (String, String),
    headers: &HeaderMap,
) -> Result<(String, String), ApiError> {
    let ProviderSettings { issuer, name, new_users, .. } = &provider.settings;
    let accounts = state.door.accounts();
    let user = match (accounts.of_identity(issuer, &known.subject).await?, new_users) {
        (Some(user), _) => user,
        (None, Some(role)) => {
            let user = accounts.add_known((issuer, &known.subject), &known.name, *role).await?;
            let note = Happening {
                who: &known.name,
                what: "person_added",
                about: name,
                address: &client,
                is_program: false,
            };
            accounts.note(note).await;
            user
        }
        (None, None) => {
            accounts.note_refused("", name, &client).await;
            return Err(ApiError::NotLetIn);
        }
    };
    for secret in secrets(headers) {
        accounts.end_own_session(secret).await?;
    }
    let secret = accounts.begin_session(&user, (&device, &client)).await?;
    let who = accounts.card(&user).await?.name;
    let about = format!("{name}, {device}");
    accounts
        .note(Happening {
            who: &who,
            what: "login",
            about: &about,
            address: &client,
            is_program: false,
        })
        .await;
    Ok((secret, user))
}

fn away(headers: &HeaderMap, name: &str) -> Option<Away> {
    let kept = URL_SAFE_NO_PAD.decode(cookies::value(headers, name)?).ok()?;
    serde_json::from_slice(&kept).ok()
}

/// `POST /api/identities/{identity}/delete`: a provider lets a person in no more.
pub async fn unlink(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(identity): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let unlinked = async {
        match state.door.accounts().unlink(&person.id, &identity).await? {
            true => {
                note(&state, &person, "identity_removed", "").await;
                Ok(StatusCode::NO_CONTENT)
            }
            false => Err(ApiError::NotFound("There is no such way to log in.".to_owned())),
        }
    };
    answer(&headers, "/account", unlinked.await)
}
