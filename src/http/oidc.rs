//! Logging in with a provider that people have already, by OpenID Connect: an authorization code with PKCE
//! (RFC 7636), a state and a nonce, which a cookie of ten minutes keeps meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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
use futures::future::BoxFuture;
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, LocalizedClaim, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};

use super::door::{cookie_name, secrets};
use super::extract::{ApiPath, ApiQuery};
use super::forms::answer;
use super::login::{device_of, is_own_page, with_session};
use super::people::note;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, cookies, notice, origin};
use crate::accounts::Happening;
use crate::config::{ProviderSettings, SiteUrl};
use crate::time::now_ms;

/// How long somebody may be at a provider, in seconds.
const COOKIE_AGE: u64 = 600;
/// How much a provider's clock may be behind ours, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 60;
/// Where people see who lets them in.
const ACCOUNT: &str = "/account";
/// How long a provider may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Longest answer of a provider, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

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

/// Providers of logins.
#[derive(Default)]
pub struct Providers {
    asker: Asker,
    all: Vec<Provider>,
}

/// One of them.
struct Provider {
    settings: ProviderSettings,
    secret: Option<String>,
    back: String,
}

/// A client that has discovered where its provider is asked.
type Discovered = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Providers {
    /// Those of the settings, which send people back to the site's own address.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(
        listed: Vec<(ProviderSettings, Option<String>)>,
        site: &SiteUrl,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            // What a provider's answer says of other addresses is not followed.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_LIMIT)
            .build()?;
        let all = listed.into_iter().map(|(settings, secret)| {
            let back = site.page(&format!("/login/{}/back", settings.name));
            Provider { settings, secret, back }
        });
        Ok(Self { asker: Asker(client), all: all.collect() })
    }

    /// Their names in addresses, and what people call them.
    pub fn ways(&self) -> Vec<(String, String)> {
        let way = |one: &Provider| (one.settings.name.clone(), one.settings.label.clone());
        self.all.iter().map(way).collect()
    }

    fn named(&self, name: &str) -> Result<&Provider, ApiError> {
        let found = self.all.iter().find(|one| one.settings.name == name);
        found.ok_or_else(|| ApiError::NotFound("There is no such way to log in.".to_owned()))
    }
}

/// Who asks providers.
#[derive(Default)]
struct Asker(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Asker {
    type Error = AskError;
    type Future = BoxFuture<'c, Result<HttpResponse, AskError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(ask(self.0.clone(), request))
    }
}

async fn ask(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, AskError> {
    let mut response = client.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(AskError::TooLong);
        }
    }
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

/// Why a provider could not be asked.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer has more than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
}

impl Provider {
    async fn discover(&self, providers: &Providers) -> Result<Discovered, ApiError> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone());
        let issuer = issuer.map_err(|error| self.failed(&error))?;
        let found = CoreProviderMetadata::discover_async(issuer, &providers.asker).await;
        let found = found.map_err(|error| self.failed(&error))?;
        let back = RedirectUrl::new(self.back.clone()).map_err(|error| self.failed(&error))?;
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = self.secret.clone().map(ClientSecret::new);
        Ok(CoreClient::from_provider_metadata(found, id, secret).set_redirect_uri(back))
    }

    /// What a person hears of a failure; the log has the rest.
    fn failed(&self, error: &dyn std::error::Error) -> ApiError {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(provider = self.settings.name, %error, cause, "a provider of logins failed");
        let label = &self.settings.label;
        ApiError::Unavailable(format!("“{label}” let nobody in. Try again, or log in otherwise."))
    }
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
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    purpose: Purpose,
    /// When they left, in s since 1970.
    left_at: u64,
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
        None => notice::refused(ACCOUNT, &ApiError::OtherSite.to_string()),
    }
}

/// The session of somebody who is there themselves: a program is no browser, whatever its token is for.
fn session_of(person: Option<&Person>) -> Option<String> {
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
        let discovered = provider.discover(&state.providers).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let asked = discovered.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let mut asked =
            asked.add_scope(Scope::new("profile".to_owned())).set_pkce_challenge(challenge);
        if !matches!(purpose, Purpose::LogIn) {
            // Whoever sits there is asked anew.
            asked = asked.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        let (address, csrf, nonce) = asked.url();
        let away = Away {
            provider: name.to_owned(),
            state: csrf.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            next,
            purpose,
            left_at: now_ms() / 1000,
        };
        Ok::<_, ApiError>((address, away))
    };
    match left.await {
        Ok((address, away)) => {
            let mut response = Redirect::to(address.as_str()).into_response();
            let kept = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&away).unwrap_or_default());
            cookies::set(&mut response, &away_cookie(&kept, COOKIE_AGE, is_https, is_below));
            response
        }
        Err(error) => notice::refused("/login", &error.to_string()),
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
            away.provider == name && away.state == query.state && is_own_page(&away.next)
        });
        let away = away.filter(|_| !query.code.is_empty()).ok_or(ApiError::NotLetIn)?;
        let provider = state.providers.named(&name)?;
        let known = identify(&state.providers, provider, &away, query.code).await?;
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
                accounts.note(Happening { who: &who, what, about, address: &client }).await;
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
        Err(error) => notice::refused(page, &error.to_string()),
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
            let note =
                Happening { who: &known.name, what: "person_added", about: name, address: &client };
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
    accounts.note(Happening { who: &who, what: "login", about: &about, address: &client }).await;
    Ok((secret, user))
}

fn away(headers: &HeaderMap, name: &str) -> Option<Away> {
    let kept = URL_SAFE_NO_PAD.decode(cookies::value(headers, name)?).ok()?;
    serde_json::from_slice(&kept).ok()
}

/// Somebody as a provider knows them.
struct Known {
    subject: String,
    name: String,
    /// Whether they have been asked who they are since they left.
    is_fresh: bool,
}

/// Asks a provider who has come back with a code: the token that it signs says so, for us and for this once.
async fn identify(
    providers: &Providers,
    provider: &Provider,
    away: &Away,
    code: String,
) -> Result<Known, ApiError> {
    let failed = |error: &dyn std::error::Error| provider.failed(error);
    let discovered = provider.discover(providers).await?;
    let exchange = discovered.exchange_code(AuthorizationCode::new(code));
    let exchange = exchange.map_err(|error| failed(&error))?;
    let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(away.verifier.clone()));
    let tokens = exchange.request_async(&providers.asker).await.map_err(|error| failed(&error))?;
    let token = tokens.id_token().ok_or(ApiError::NotLetIn)?;
    let nonce = Nonce::new(away.nonce.clone());
    let claims = token.claims(&discovered.id_token_verifier(), &nonce);
    let claims = claims.map_err(|error| failed(&error))?;
    let subject = claims.subject().clone();
    let asked_at = claims.auth_time().map(|time| time.timestamp());
    let left_at = i64::try_from(away.left_at).unwrap_or(i64::MAX);
    let is_fresh = asked_at.is_some_and(|asked_at| asked_at >= left_at - CLOCK_SKEW_SECONDS);
    let mut name = claims.preferred_username().map(|name| name.to_string());
    name = name.filter(|name| !name.trim().is_empty()).or_else(|| plain(claims.name()));
    if name.is_none()
        && let Ok(asked) =
            discovered.user_info(tokens.access_token().clone(), Some(subject.clone()))
    {
        let told: Result<CoreUserInfoClaims, _> = asked.request_async(&providers.asker).await;
        match told {
            Ok(told) => {
                name = told.preferred_username().map(|name| name.to_string());
                name = name.filter(|name| !name.trim().is_empty()).or_else(|| plain(told.name()));
            }
            // They are who they are without a name.
            Err(error) => tracing::debug!(%error, "a provider tells no name"),
        }
    }
    let name = name.unwrap_or_else(|| subject.to_string());
    let name = name.chars().take(MAX_NAME_CHARS).collect();
    Ok(Known { subject: subject.to_string(), name, is_fresh })
}

/// Longest name that is taken from a provider, in characters; there is room for a number after it.
const MAX_NAME_CHARS: usize = 50;

fn plain(name: Option<&LocalizedClaim<openidconnect::EndUserName>>) -> Option<String> {
    let mut all = name?.iter().map(|(_, name)| name.to_string());
    all.find(|name| !name.trim().is_empty())
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
