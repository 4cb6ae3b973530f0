//! Providers of logins, and what they are asked.

use std::time::Duration;

use futures::future::BoxFuture;
use moka::future::Cache;
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl,
    LocalizedClaim, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};

use crate::config::{ProviderSettings, SiteUrl};
use crate::http::ApiError;
use crate::time::now_ms;

/// For how long it is believed where a provider is asked and by which keys it signs.
const TOLD_FOR: Duration = Duration::from_secs(600);
/// How much a provider's clock may be behind ours, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 60;
/// How long a provider may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Longest answer of a provider, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Providers of logins.
#[derive(Default)]
pub struct Providers {
    asker: Asker,
    all: Vec<Provider>,
}

/// One of them.
pub struct Provider {
    /// What is said of it.
    pub settings: ProviderSettings,
    secret: Option<String>,
    back: String,
    /// What it has told of itself, so that a login does not have to ask first.
    told: Cache<(), CoreProviderMetadata>,
}

/// What is kept until somebody comes back, and shows that it is them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Secrets {
    /// What they come back with.
    pub state: String,
    nonce: String,
    verifier: String,
    /// When they left, in s since 1970.
    left_at: u64,
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
            let told = Cache::builder().max_capacity(1).time_to_live(TOLD_FOR).build();
            Provider { settings, secret, back, told }
        });
        Ok(Self { asker: Asker(client), all: all.collect() })
    }

    /// Their names in addresses, and what people call them.
    pub fn ways(&self) -> Vec<(String, String)> {
        let way = |one: &Provider| (one.settings.name.clone(), one.settings.label.clone());
        self.all.iter().map(way).collect()
    }

    /// The provider of a name.
    pub fn named(&self, name: &str) -> Result<&Provider, ApiError> {
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
    /// Where somebody is sent, and what is kept meanwhile; with `anew`, whoever sits there is asked who they are, also
    /// when the provider knows the browser.
    pub async fn leave(
        &self,
        providers: &Providers,
        anew: bool,
    ) -> Result<(String, Secrets), ApiError> {
        let discovered = self.discover(providers).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let asked = discovered.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let mut asked =
            asked.add_scope(Scope::new("profile".to_owned())).set_pkce_challenge(challenge);
        if anew {
            asked = asked.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        let (address, state, nonce) = asked.url();
        let secrets = Secrets {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            left_at: now_ms() / 1000,
        };
        Ok((address.to_string(), secrets))
    }

    /// Asks a provider who has come back with a code: the token that it signs says so, for us and for this once.
    pub async fn identify(
        &self,
        providers: &Providers,
        secrets: &Secrets,
        code: String,
    ) -> Result<Known, ApiError> {
        let failed = |error: &dyn std::error::Error| self.failed(error);
        let discovered = self.discover(providers).await?;
        let exchange = discovered.exchange_code(AuthorizationCode::new(code));
        let exchange = exchange.map_err(|error| failed(&error))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier.clone()));
        let tokens = match exchange.request_async(&providers.asker).await {
            Ok(tokens) => tokens,
            Err(error) => {
                // It may be asked elsewhere by now.
                self.told.invalidate(&()).await;
                return Err(failed(&error));
            }
        };
        let token = tokens.id_token().ok_or(ApiError::NotLetIn)?;
        let nonce = Nonce::new(secrets.nonce.clone());
        let claims = match token.claims(&discovered.id_token_verifier(), &nonce) {
            Ok(claims) => claims,
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                // It may sign with a newer key than it had told of.
                self.told.invalidate(&()).await;
                let anew = self.discover(providers).await?;
                let claims = token.claims(&anew.id_token_verifier(), &nonce);
                claims.map_err(|error| failed(&error))?
            }
            Err(error) => return Err(failed(&error)),
        };
        let subject = claims.subject().clone();
        let asked_at = claims.auth_time().map(|time| time.timestamp());
        let left_at = i64::try_from(secrets.left_at).unwrap_or(i64::MAX);
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
                    name =
                        name.filter(|name| !name.trim().is_empty()).or_else(|| plain(told.name()));
                }
                // They are who they are without a name.
                Err(error) => tracing::debug!(%error, "a provider tells no name"),
            }
        }
        let name = name.unwrap_or_else(|| subject.to_string());
        let name = name.chars().take(MAX_NAME_CHARS).collect();
        Ok(Known { subject: subject.to_string(), name, is_fresh })
    }

    async fn discover(&self, providers: &Providers) -> Result<Discovered, ApiError> {
        let found = match self.told.get(&()).await {
            Some(told) => told,
            None => {
                let issuer = IssuerUrl::new(self.settings.issuer.clone());
                let issuer = issuer.map_err(|error| self.failed(&error))?;
                let told = CoreProviderMetadata::discover_async(issuer, &providers.asker).await;
                let told = told.map_err(|error| self.failed(&error))?;
                self.told.insert((), told.clone()).await;
                told
            }
        };
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

/// Somebody as a provider knows them.
pub struct Known {
    /// Whom it never takes for another.
    pub subject: String,
    /// What it calls them.
    pub name: String,
    /// Whether they have been asked who they are since they left.
    pub is_fresh: bool,
}

/// Longest name that is taken from a provider, in characters; there is room for a number after it.
const MAX_NAME_CHARS: usize = 50;

fn plain(name: Option<&LocalizedClaim<openidconnect::EndUserName>>) -> Option<String> {
    let mut all = name?.iter().map(|(_, name)| name.to_string());
    all.find(|name| !name.trim().is_empty())
}
