//! Who comes in: everybody, on a machine of one's own; then whoever has a session or a token.

mod caller;
mod sessions;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use app::base::Base;
use app::model::{Person, Role};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::error::Failed;
use super::forms::{in_address, takes_problems, wants_page};
use super::limits::for_as_long_as;
use super::origin::{HasToken, check_name};
use super::routes::{Asked, Needs};
use super::{ApiError, AppState, cookies, kosync, notice, opds};
use crate::accounts::{AccountError, Accounts, PROXY_SESSION};
use crate::time::now_ms;
use caller::{Caller, Credential};

pub use caller::ProxyLogin;
pub use sessions::{
    LAST, clear_site, cookie_name, guest_cookie, guest_secrets, let_in_anew, no_guest_cookies,
    no_session_cookies, remember, secrets, session_cookie,
};

/// What the address of a page has when a form on it was not taken: it is filled in again (`islands/drafts.rs`).
const AGAIN: &str = "again";
/// Letters of the code, none of them easily taken for another: twelve are 60 bits.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_CHARS: usize = 12;
/// A confirmation that lasts no longer than this is made to last anew when it is used.
const CONFIRMED_ANEW_MS: u64 = 7 * 60_000;

/// Lets people in.
pub struct Door {
    accounts: Accounts,
    proxy_login: Option<ProxyLogin>,
    /// What becomes of whoever comes while there is nobody who could log in.
    unlocked: Unlocked,
}

/// Who may come in while there is nobody who could log in.
enum Unlocked {
    /// Whoever is on this machine, which nobody else can reach.
    Here,
    /// Everybody: the operator has said so.
    All,
    /// Whoever has the code that stands in the terminal, to make the first account.
    WithCode {
        /// What it is, until it is used.
        code: Mutex<Option<String>>,
        /// One at a time.
        setting_up: tokio::sync::Mutex<()>,
    },
}

impl Door {
    /// A door, which is open for whoever is on this machine when only they can reach it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(
        accounts: Accounts,
        (is_here, is_open): (bool, bool),
        proxy_login: Option<ProxyLogin>,
    ) -> Result<Self, AccountError> {
        let unlocked = match is_here {
            _ if is_open => Unlocked::All,
            true => Unlocked::Here,
            false => Unlocked::WithCode {
                code: Mutex::new(Some(code()?)),
                setting_up: tokio::sync::Mutex::default(),
            },
        };
        Ok(Self { accounts, proxy_login, unlocked })
    }

    /// People.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The page on which the first account is made, if it has to be.
    pub async fn set_up_page(&self) -> Option<String> {
        let Unlocked::WithCode { code, .. } = &self.unlocked else { return None };
        if self.accounts.has_people().await.unwrap_or(true) {
            return None;
        }
        let code = code.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(format!("/setup?code={code}"))
    }

    /// Makes the first account, who runs the place. The code is good once.
    pub async fn set_up(&self, given: &str, name: &str, password: &str) -> Result<(), ApiError> {
        let Unlocked::WithCode { code, setting_up } = &self.unlocked else {
            return Err(ApiError::WrongCode);
        };
        let _one = setting_up.lock().await;
        let plain = |code: &str| code.replace(['-', ' '], "").to_ascii_uppercase();
        let is_right = || {
            let code = code.lock().unwrap_or_else(PoisonError::into_inner);
            code.as_deref().is_some_and(|code| plain(code) == plain(given))
        };
        if !is_right() || self.accounts.has_people().await? {
            return Err(ApiError::WrongCode);
        }
        self.accounts.add(name, password, Role::Admin).await?;
        *code.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Who asks for what a route needs. That a password was said again may be news from another process.
    async fn who_now(
        &self,
        caller: &Caller<'_>,
        needs: Needs,
    ) -> Result<Option<Arc<Person>>, AccountError> {
        let person = self.who(caller).await?;
        let stale = person.as_ref().filter(|person| is_stale(person, needs));
        match stale.filter(|person| !person.session.is_empty()) {
            Some(person) => {
                self.accounts.forget_session(&person.session).await;
                self.who(caller).await
            }
            None => Ok(person),
        }
    }

    /// Who asks; nobody when they have to log in first.
    async fn who(&self, caller: &Caller<'_>) -> Result<Option<Arc<Person>>, AccountError> {
        if let Some((name, newcomers)) = caller.let_in_as(self.proxy_login.as_ref()) {
            // What looks like the password of a reading app may be one of the proxy's own.
            let by_app = match caller.credential() {
                Some(Credential::AppKey(key, said)) => {
                    self.accounts.of_app_key(&key, &said).await?
                }
                _ => None,
            };
            return match by_app {
                Some(person) => Ok(Some(person)),
                None => self.accounts.of_proxy(name, newcomers).await,
            };
        }
        if !self.accounts.has_people().await? {
            // What a proxy passes on comes from elsewhere, wherever the proxy is.
            let is_here = caller.peer.is_loopback() && !caller.is_passed_on();
            return Ok(match &self.unlocked {
                Unlocked::Here | Unlocked::All if is_here => Some(Role::Admin),
                Unlocked::All => Some(Role::Member),
                Unlocked::Here | Unlocked::WithCode { .. } => None,
            }
            .map(|role| Arc::new(Person::without_login(role))));
        }
        match caller.credential() {
            Some(Credential::Token(token)) => return self.accounts.of_token(&token).await,
            Some(Credential::AppKey(key, name)) => {
                return self.accounts.of_app_key(&key, &name).await;
            }
            None => {}
        }
        match (caller.secret(), caller.guest()) {
            // Whose session has ended logs in again, and is no guest meanwhile.
            (Some(secret), _) => self.accounts.of_session(secret, &caller.client.to_string()).await,
            (None, Some(secret)) => self.accounts.of_guest(secret).await,
            (None, None) => Ok(None),
        }
    }
}

/// Whether whoever asks has to show again who they are before this.
fn is_stale(person: &Person, needs: Needs) -> bool {
    // A program has no password to say.
    needs.asks_again() && person.scopes.is_none() && person.confirmed_until_ms < now_ms()
}

/// Whether somebody may have what a route asks for.
fn is_enough(needs: Needs, person: Option<&Person>) -> bool {
    match (needs, person) {
        (Needs::Nobody, _) => true,
        (Needs::Role(role, scope), Some(person)) => person.role >= role && person.may(scope),
        (Needs::Own(role, scope), Some(person)) => {
            person.role >= role && person.may(scope) && person.lent.is_none()
        }
        (Needs::Person(role) | Needs::Confirmed(role), Some(person)) => {
            person.role >= role && (!person.session.is_empty() || person.id.is_empty())
        }
        (Needs::Runs, Some(person)) => person.runs_the_place() && person.lent.is_none(),
        (_, None) => false,
    }
}

/// What stands behind the door.
#[derive(Clone)]
pub struct Guarded {
    /// The server.
    pub state: AppState,
    /// What each of its routes asks for.
    pub asked: Arc<Asked>,
}

/// Lets a request in, with the person whose it is, or says what is missing: in the language that a browser asks for.
pub async fn let_in(
    State(guarded): State<Guarded>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).cloned();
    let mut response = pass(guarded, matched, request, next).await;
    match response.extensions_mut().remove() {
        Some(Failed(error)) if ApiError::is_said_otherwise(accepted.as_ref()) => {
            error.said_in(response, accepted.as_ref())
        }
        _ => response,
    }
}

async fn pass(
    Guarded { state, asked }: Guarded,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    // One layer for all that is asked before a request is looked at: every further one is felt by a cached clip.
    if let Err(error) = check_name(&state.names, &request) {
        return error.into_response();
    }
    let route = matched.as_ref().map(MatchedPath::as_str);
    let needs = asked.of(request.method(), route);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)).to_canonical();
    let client = state.limits.client(request.headers(), peer);
    let counted = state.limits.count_request(request.method(), route.unwrap_or_default(), client);
    if let Err(error) = counted.await {
        return error.into_response();
    }
    let is_https = state.is_https(request.headers(), peer);
    let is_proxied = state.limits.proxies().is_trusted(peer);
    let is_below = request.extensions().get::<Base>().is_some();
    let is_for_places = route.is_some_and(|route| route.starts_with(kosync::ROOT));
    let caller = Caller {
        headers: request.headers(),
        peer,
        client,
        is_https,
        is_below,
        is_for_places,
        is_proxied,
    };
    let person = match state.door.who_now(&caller, needs).await {
        Ok(person) => person,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let has_bearer = caller.has_bearer();
    let by_cookie = person.as_ref();
    let by_cookie =
        by_cookie.is_some_and(|person| !person.session.is_empty() || person.lent.is_some());
    if by_cookie && changes && !caller.says_where_from() {
        return ApiError::OtherSite.into_response();
    }
    let is_enough = is_enough(needs, person.as_deref());
    let refused = match &person {
        Some(person) if is_enough && is_stale(person, needs) => Some(to_confirm(&request)),
        _ if is_enough => None,
        Some(person) if person.lent.is_some() && wants_page(request.headers()) => {
            let wanted = place_to_go_on(&request).unwrap_or_else(|| "/".into());
            Some(to_login(&state, Some(wanted), false).await)
        }
        Some(_) if wants_page(request.headers()) => {
            // The page where a refusal is read, and that everybody may see.
            Some(notice::refused("/", &ApiError::NotAllowed.notice()))
        }
        Some(_) => Some(ApiError::NotAllowed.into_response()),
        None => {
            let wanted = place_to_go_on(&request);
            let is_catalogue = route.is_some_and(opds::is_asked_by_apps) && !caller.is_browser();
            let wants_page = wants_page(request.headers()) && !is_catalogue;
            let wanted = wants_page.then(|| wanted.unwrap_or_else(|| "/".into()));
            Some(to_login(&state, wanted, is_catalogue).await)
        }
    };
    if let Some(refused) = refused {
        return refused;
    }
    if let Some(person) = person.clone() {
        if needs.asks_again() && changes && person.confirmed_until_ms < now_ms() + CONFIRMED_ANEW_MS
        {
            // Whoever is busy with it is not asked in the middle.
            if let Err(error) = state.door.accounts.go_on(&person.session).await {
                tracing::warn!(%error, "a session cannot be written");
            }
        }
        // No page can have a browser send a token that it does not know itself.
        if has_bearer && person.has_account() && person.session.is_empty() {
            request.extensions_mut().insert(HasToken);
        }
        request.extensions_mut().insert(person);
    }
    request.extensions_mut().insert(ClientAddress(client));
    let slot = match route.is_some_and(|route| asked.is_lasting(route)) {
        true => state.limits.begin_stream(client),
        false => Ok(None),
    };
    let slot = match slot {
        Ok(slot) => slot,
        Err(error) => return error.into_response(),
    };
    let proxied = proxied_anew(&request);
    let (begun, method) = (Instant::now(), request.method().clone());
    let page_of_form = changes.then(|| place_to_go_on(&request)).flatten();
    // A script that knows what to do with a problem says so.
    let page_of_form = page_of_form.filter(|_| wants_page(request.headers()));
    let page_of_form = page_of_form.filter(|_| !takes_problems(request.headers()));
    let runs_the_place = person.as_ref().is_some_and(|person| person.runs_the_place());
    let mut response = next.run(request).await;
    // A form that is refused is counted as that, and not as the way back to its page.
    count(&method, matched.as_ref(), &response, begun);
    if let Some(Failed(error)) = response.extensions_mut().remove() {
        let says_more = runs_the_place && matches!(error, ApiError::Voice(_));
        let error = if says_more { error.in_full() } else { error };
        if let Some(page) = page_of_form.filter(|_| error.has_page()) {
            response = notice::refused(&page, &error.notice());
        } else {
            if says_more {
                response = error.said_in(response, None);
            }
            response.extensions_mut().insert(Failed(error));
        }
    }
    if let Some(user) = proxied {
        // Another person's kept pages and books are not for this one.
        remember(&mut response, &user);
        clear_site(&mut response);
    }
    // What was answered to one person is kept for no other by what stands between.
    if by_cookie {
        response.headers_mut().append(header::VARY, header::HeaderValue::from_static("cookie"));
    }
    match slot {
        Some(slot) => for_as_long_as(response, slot),
        None => response,
    }
}

/// Counts an answer, where somebody listens, by the route as it was registered: there are only so many of those.
fn count(method: &Method, matched: Option<&MatchedPath>, response: &Response, begun: Instant) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "other",
    };
    let status = match response.status().as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "1xx",
    };
    metrics::with_recorder(|_| {
        let route = matched.map_or_else(String::new, |matched| matched.as_str().to_owned());
        metrics::histogram!("earmark_http_request_seconds", "method" => method, "route" => route, "status" => status)
            .record(begun.elapsed());
    });
}

/// The address that a request comes from, as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// Whom a proxy has let in on a browser that was another's, or nobody's, when it asks for a page.
fn proxied_anew(request: &Request) -> Option<String> {
    let person = request.extensions().get::<Arc<Person>>()?;
    let is_proxied = person.session == PROXY_SESSION && wants_page(request.headers());
    (is_proxied && cookies::value(request.headers(), LAST) != Some(&person.id))
        .then(|| person.id.clone())
}

/// Sends a browser to where one shows again who one is; tells a program that it has to.
fn to_confirm(request: &Request) -> Response {
    if !wants_page(request.headers()) {
        return ApiError::NotConfirmed.into_response();
    }
    let page = in_address(place_to_go_on(request).as_deref().unwrap_or("/"));
    Redirect::to(&format!("/confirm?next={page}")).into_response()
}

/// Where somebody goes on who has shown who they are. A form is not sent again; the page that it stands on is where one
/// goes on, and fills it in as it was.
fn place_to_go_on(request: &Request) -> Option<String> {
    if *request.method() == Method::GET {
        return request.uri().path_and_query().map(ToString::to_string);
    }
    let from = request.headers().get(header::REFERER)?.to_str().ok()?.parse::<Uri>().ok()?;
    let page = Some(from.path()).filter(|path| path.starts_with('/') && !path.starts_with("//"))?;
    let query = from.query().unwrap_or_default().split('&');
    let query = query.filter(|part| !part.is_empty() && *part != AGAIN).chain([AGAIN]);
    Some(format!("{page}?{}", query.collect::<Vec<_>>().join("&")))
}

/// Sends a browser that wants a page to where one logs in, or makes the first account; tells a program that it
/// needs a token.
async fn to_login(state: &AppState, wanted: Option<String>, is_catalogue: bool) -> Response {
    let has_people = state.door.accounts.has_people().await.unwrap_or(true);
    if let Some(wanted) = wanted {
        if !has_people {
            let is_set_up_here = matches!(state.door.unlocked, Unlocked::WithCode { .. });
            return match is_set_up_here {
                true => Redirect::to("/setup").into_response(),
                false => notice::refused("/setup", &ApiError::NotSetUp.notice()),
            };
        }
        return Redirect::to(&format!("/login?next={}", in_address(&wanted))).into_response();
    }
    let error = if has_people { ApiError::NoLogin } else { ApiError::NotSetUp };
    if is_catalogue {
        // What asks for it knows names and passwords, and no other login.
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"Earmark\", charset=\"UTF-8\"")];
        return (error.status(), challenge, opds::how_to_log_in()).into_response();
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"Earmark\"")];
    (challenge, error).into_response()
}

fn code() -> Result<String, AccountError> {
    let bytes = crate::accounts::random::<CODE_CHARS>()?;
    let letters: Vec<char> =
        bytes.iter().map(|byte| char::from(CODE_LETTERS[usize::from(byte % 32)])).collect();
    Ok(letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-"))
}
