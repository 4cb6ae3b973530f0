//! Logging in with a provider that people have already, by OpenID Connect: an authorization code with PKCE
//! (RFC 7636), a state and a nonce, which a cookie of ten minutes keeps meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::base::Base;
use app::model::Person;
use axum::Extension;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, header};
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

use super::extract::{ApiPath, ApiQuery};
use super::forms::{answer, redirect_or_no_content};
use super::login::{device_of, is_own_page, with_session};
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, cookies, notice, origin};
use crate::accounts::Happening;
use crate::config::{ProviderSettings, SiteUrl};

/// The cookie between leaving for a provider and coming back.
const COOKIE: &str = "earmark_oidc";
/// How long that may take, in seconds.
const COOKIE_AGE: u64 = 600;
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
        .merge(Routes::default().page(
            Needs::ONESELF,
            Method::POST,
            "/api/identities/{identity}/delete",
            post(unlink),
        ))
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

/// What is kept while somebody is at a provider.
#[derive(Debug, Serialize, Deserialize)]
struct Away {
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    /// Whether the provider is to let in from now on whoever is logged in.
    links: bool,
}

/// How somebody leaves.
#[derive(Debug, Deserialize)]
pub struct LeaveQuery {
    /// Where they want to go.
    #[serde(default)]
    next: String,
    /// Not empty: whoever is logged in is let in from now on.
    #[serde(default)]
    link: String,
}

/// `GET /login/{provider}`: off to the provider.
pub async fn leave(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    person: Option<Extension<Arc<Person>>>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<LeaveQuery>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let left = async {
        let provider = state.providers.named(&name)?;
        state.limits.count_login(&client, &name).await?;
        let discovered = provider.discover(&state.providers).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let asked = discovered.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let mut asked =
            asked.add_scope(Scope::new("profile".to_owned())).set_pkce_challenge(challenge);
        let is_here = person.is_some_and(|Extension(person)| person.has_account());
        if is_here && query.link.is_empty() {
            // Somebody who is here already is to show that it is still them.
            asked = asked.add_prompt(CoreAuthPrompt::Login);
        }
        let (address, csrf, nonce) = asked.url();
        let away = Away {
            provider: name.clone(),
            state: csrf.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            next: if is_own_page(&query.next) { query.next.clone() } else { "/".to_owned() },
            links: !query.link.is_empty(),
        };
        Ok::<_, ApiError>((address, away))
    };
    match left.await {
        Ok((address, away)) => {
            let kept = serde_json::to_vec(&away).unwrap_or_default();
            let mut response = Redirect::to(address.as_str()).into_response();
            let secure = if state.is_https(&headers, peer.ip()) { "; Secure" } else { "" };
            let kept = URL_SAFE_NO_PAD.encode(kept);
            cookies::set(
                &mut response,
                &format!(
                    "{COOKIE}={kept}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Lax{secure}"
                ),
            );
            response
        }
        Err(error) => notice::refused("/login", &error.to_string()),
    }
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
    base: Option<Extension<Base>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    person: Option<Extension<Arc<Person>>>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
    ApiQuery(query): ApiQuery<BackQuery>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let person = person.map(|Extension(person)| person).filter(|person| person.has_account());
    let back = async {
        let away = away(&headers).filter(|away| away.provider == name && away.state == query.state);
        let away = away.filter(|_| !query.code.is_empty()).ok_or(ApiError::NotLetIn)?;
        let provider = state.providers.named(&name)?;
        let known = identify(&state.providers, provider, &away, query.code).await?;
        let accounts = state.door.accounts();
        let (issuer, subject) = (provider.settings.issuer.as_str(), known.subject.as_str());
        if let Some(person) = person.filter(|_| away.links) {
            accounts.link(&person.id, issuer, subject).await?;
            return Ok((None, away.next));
        }
        let user = match (accounts.of_identity(issuer, subject).await?, provider.settings.new_users)
        {
            (Some(user), _) => user,
            (None, Some(role)) => accounts.add_known((issuer, subject), &known.name, role).await?,
            (None, None) => return Err(ApiError::NotLetIn),
        };
        let device = device_of(&headers);
        let secret = accounts.begin_session(&user, (&device, &client)).await?;
        let who = accounts.card(&user).await?.name;
        let about = format!("{name}, {device}");
        accounts
            .note(Happening { who: &who, what: "login", about: &about, address: &client })
            .await;
        Ok((Some((secret, user)), away.next))
    };
    let mut response = match back.await {
        Ok((Some((secret, user)), next)) => {
            let response = redirect_or_no_content(&page_headers(), &next);
            let over = (state.is_https(&headers, peer.ip()), base.is_some());
            with_session(response, (&secret, &user), &headers, over)
        }
        Ok((None, next)) => Redirect::to(&next).into_response(),
        Err(error) => notice::refused("/login", &error.to_string()),
    };
    cookies::set(&mut response, &format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    response
}

/// Whoever comes back is a browser, whatever it says that it takes.
fn page_headers() -> HeaderMap {
    HeaderMap::from_iter([(header::ACCEPT, header::HeaderValue::from_static("text/html"))])
}

fn away(headers: &HeaderMap) -> Option<Away> {
    let kept = URL_SAFE_NO_PAD.decode(cookies::value(headers, COOKIE)?).ok()?;
    serde_json::from_slice(&kept).ok()
}

/// Somebody as a provider knows them.
struct Known {
    subject: String,
    name: String,
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
    let mut name = claims.preferred_username().map(|name| name.to_string());
    name = name.or_else(|| plain(claims.name()));
    if name.is_none()
        && let Ok(asked) =
            discovered.user_info(tokens.access_token().clone(), Some(subject.clone()))
    {
        let told: Result<CoreUserInfoClaims, _> = asked.request_async(&providers.asker).await;
        match told {
            Ok(told) => {
                name = told.preferred_username().map(|name| name.to_string());
                name = name.or_else(|| plain(told.name()));
            }
            // They are who they are without a name.
            Err(error) => tracing::debug!(%error, "a provider tells no name"),
        }
    }
    let name = name.unwrap_or_else(|| subject.to_string());
    Ok(Known { subject: subject.to_string(), name: name.chars().take(MAX_NAME_CHARS).collect() })
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
            true => Ok(axum::http::StatusCode::NO_CONTENT),
            false => Err(ApiError::NotFound("There is no such way to log in.".to_owned())),
        }
    };
    answer(&headers, "/account", unlinked.await)
}
