//! Who comes in: everybody, on a machine of one's own; then whoever has a session or a token.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use app::base::Base;
use app::model::{Person, Role};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::forms::{in_address, wants_page};
use super::origin::{HasToken, check_name};
use super::routes::{Asked, Needs};
use super::{ApiError, AppState, cookies, notice};
use crate::accounts::{AccountError, Accounts, PROXY_SESSION, TOKEN_PREFIX};
use crate::time::now_ms;

/// The cookie with a session's secret: over HTTPS, the same below a path, and over plain HTTP. A browser takes one with
/// a prefix over nothing but HTTPS, and the first from no neighbour (RFC 6265bis, section 4.1.3).
const COOKIES: [&str; 3] = ["__Host-earmark", "__Secure-earmark", "earmark"];
/// Remembers whose pages a browser may have kept.
pub const LAST: &str = "earmark_last";
/// How long a browser keeps a cookie, in seconds: the 400 days that it may have at most (RFC 6265bis, section 5.5).
/// When a session ends is the server's to say.
pub const COOKIE_AGE: u64 = 400 * 24 * 3600;
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

    /// Who asks; nobody when they have to log in first.
    async fn who(&self, caller: &Caller<'_>) -> Result<Option<Arc<Person>>, AccountError> {
        if let Some((name, newcomers)) = caller.let_in_as(self.proxy_login.as_ref()) {
            return self.accounts.of_proxy(name, newcomers).await;
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
        if let Some(token) = caller.token() {
            return self.accounts.of_token(&token).await;
        }
        match caller.secret() {
            Some(secret) => self.accounts.of_session(secret, &caller.client.to_string()).await,
            None => Ok(None),
        }
    }
}

/// How a proxy says whom it has let in.
#[derive(Debug, Clone)]
pub struct ProxyLogin {
    /// The header with their name.
    pub header: HeaderName,
    /// What somebody may do whom nobody knows yet; nobody new comes in when there is none.
    pub newcomers: Option<Role>,
}

/// What is known of a request before it is known whose it is.
struct Caller<'a> {
    headers: &'a HeaderMap,
    peer: IpAddr,
    client: IpAddr,
    is_https: bool,
    /// Whether the site lies below a path of its host.
    is_below: bool,
    /// Whether it comes from a proxy that is believed.
    is_proxied: bool,
}

impl Caller<'_> {
    fn is_passed_on(&self) -> bool {
        const MARKS: [&str; 10] = [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-port",
            "x-real-ip",
            "x-client-ip",
            "true-client-ip",
            "cf-connecting-ip",
        ];
        MARKS.iter().any(|name| self.headers.contains_key(*name))
    }

    /// The token of a program: as bearer, or as the password of a login that programs know (RFC 7617). What is
    /// none of ours is for a proxy in front.
    fn token(&self) -> Option<String> {
        use base64::Engine as _;

        let given = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, value) = given.split_once(' ')?;
        let token = if scheme.eq_ignore_ascii_case("bearer") {
            value.trim().to_owned()
        } else if scheme.eq_ignore_ascii_case("basic") {
            let plain = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
            String::from_utf8(plain).ok()?.split_once(':')?.1.to_owned()
        } else {
            return None;
        };
        token.starts_with(TOKEN_PREFIX).then_some(token)
    }

    /// The name under which a trusted proxy lets somebody in, and what becomes of newcomers. Programs behind it still
    /// send tokens.
    fn let_in_as(&self, login: Option<&ProxyLogin>) -> Option<(&str, Option<Role>)> {
        let login = login.filter(|_| self.is_proxied && self.token().is_none())?;
        // Two names are a way to have two programs see two people in one.
        let mut names = self.headers.get_all(&login.header).iter();
        let name = names.next().filter(|_| names.next().is_none())?.to_str().ok()?.trim();
        (!name.is_empty()).then_some((name, login.newcomers))
    }

    fn has_bearer(&self) -> bool {
        let given = self.headers.get(header::AUTHORIZATION);
        given.is_some_and(|given| given.as_bytes().to_ascii_lowercase().starts_with(b"bearer "))
    }

    /// The secret of a browser's session. Over HTTPS only the cookie counts that no neighbour can have set.
    fn secret(&self) -> Option<&str> {
        cookies::value(self.headers, cookie_name(self.is_https, self.is_below))
    }

    /// Whether a form that a page sends by itself would look like this: a browser says where it comes from.
    fn says_where_from(&self) -> bool {
        self.headers.contains_key("sec-fetch-site") || self.headers.contains_key(header::ORIGIN)
    }
}

/// The header that has a browser keep a session's secret, or forget it.
pub fn session_cookie(secret: &str, is_https: bool, is_below: bool) -> String {
    let (name, secure) = (cookie_name(is_https, is_below), if is_https { "; Secure" } else { "" });
    format!("{name}={secret}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Lax{secure}")
}

/// The cookie of a session that came over HTTPS, or to a site below a path of its host.
pub fn cookie_name(is_https: bool, is_below: bool) -> &'static str {
    match (is_https, is_below) {
        (true, false) => COOKIES[0],
        (true, true) => COOKIES[1],
        (false, _) => COOKIES[2],
    }
}

/// The headers that have a browser forget the secrets of all its sessions.
pub fn no_session_cookies() -> [String; 3] {
    let gone = "Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
    COOKIES.map(|name| {
        let secure = if name.starts_with("__") { "; Secure" } else { "" };
        format!("{name}=; {gone}{secure}")
    })
}

/// The secrets of all the sessions that a browser has.
pub fn secrets(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    COOKIES.iter().filter_map(|name| cookies::value(headers, name))
}

/// What stands behind the door.
#[derive(Clone)]
pub struct Guarded {
    /// The server.
    pub state: AppState,
    /// What each of its routes asks for.
    pub asked: Arc<Asked>,
}

/// Lets a request in, with the person whose it is, or says what is missing.
pub async fn let_in(
    State(Guarded { state, asked }): State<Guarded>,
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
    let caller =
        Caller { headers: request.headers(), peer, client, is_https, is_below, is_proxied };
    let mut person = match state.door.who(&caller).await {
        Ok(person) => person,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let is_stale = |person: &Person| needs.asks_again() && person.confirmed_until_ms < now_ms();
    if let Some(session) = person.as_ref().filter(|person| is_stale(person))
        && !session.session.is_empty()
    {
        state.door.accounts.forget_session(&session.session).await;
        person = match state.door.who(&caller).await {
            Ok(person) => person,
            Err(error) => return ApiError::from(error).into_response(),
        };
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let has_bearer = caller.has_bearer();
    let by_cookie = person.as_ref().is_some_and(|person| !person.session.is_empty());
    if by_cookie && changes && !caller.says_where_from() {
        return ApiError::OtherSite.into_response();
    }
    let is_enough = match (needs, person.as_deref()) {
        (Needs::Nobody, _) => true,
        (Needs::Role(role, scope), Some(person)) => person.role >= role && person.may(scope),
        (Needs::Person(role) | Needs::Confirmed(role), Some(person)) => {
            person.role >= role && (!person.session.is_empty() || !person.has_account())
        }
        (_, None) => false,
    };
    let refused = match &person {
        Some(person) if is_enough && is_stale(person) => Some(to_confirm(&request)),
        _ if is_enough => None,
        Some(_) if wants_page(request.headers()) => {
            // The page where a refusal is read, and that everybody may see.
            Some(notice::refused("/", &ApiError::NotAllowed.to_string()))
        }
        Some(_) => Some(ApiError::NotAllowed.into_response()),
        None => {
            let wanted = request.uri().path_and_query().map(ToString::to_string);
            // A form is not sent again; the page that it stands on is where one goes on.
            let wanted = wanted.filter(|_| *request.method() == Method::GET);
            let wants_page = wants_page(request.headers());
            Some(to_login(&state, wants_page.then(|| wanted.unwrap_or_else(|| "/".into()))).await)
        }
    };
    if let Some(refused) = refused {
        return refused;
    }
    if let Some(person) = person {
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
    let proxied = proxied_anew(&request);
    let mut response = next.run(request).await;
    if let Some(user) = proxied {
        // Another person's kept pages and books are not for this one.
        remember(&mut response, &user);
        clear_site(&mut response);
    }
    // What was answered to one person is kept for no other by what stands between.
    if by_cookie {
        response.headers_mut().append(header::VARY, header::HeaderValue::from_static("cookie"));
    }
    response
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

/// Has a browser remember whose pages it may have kept: not whether they are logged in.
pub fn remember(response: &mut Response, user: &str) {
    let last = format!("{LAST}={user}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Lax");
    cookies::set(response, &last);
}

/// Has a browser forget pages, sound and books that it has kept.
pub fn clear_site(response: &mut Response) {
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
}

/// Sends a browser to where one says the password again; tells a program that it has to.
fn to_confirm(request: &Request) -> Response {
    if !wants_page(request.headers()) {
        return ApiError::NotConfirmed.into_response();
    }
    let from = request.headers().get(header::REFERER).and_then(|from| from.to_str().ok());
    let page = match *request.method() {
        Method::GET => request.uri().path_and_query().map(ToString::to_string),
        // A form is not sent again; the page that it stands on is where one goes on.
        _ => from.and_then(|from| from.parse::<Uri>().ok()).map(|from| from.path().to_owned()),
    };
    let page = in_address(page.as_deref().unwrap_or("/"));
    Redirect::to(&format!("/confirm?next={page}")).into_response()
}

/// Sends a browser that wants a page to where one logs in, or makes the first account; tells a program that it
/// needs a token.
async fn to_login(state: &AppState, wanted: Option<String>) -> Response {
    let has_people = state.door.accounts.has_people().await.unwrap_or(true);
    if let Some(wanted) = wanted {
        if !has_people {
            let is_set_up_here = matches!(state.door.unlocked, Unlocked::WithCode { .. });
            return match is_set_up_here {
                true => Redirect::to("/setup").into_response(),
                false => notice::refused("/setup", &ApiError::NotSetUp.to_string()),
            };
        }
        return Redirect::to(&format!("/login?next={}", in_address(&wanted))).into_response();
    }
    let error = if has_people { ApiError::NoLogin } else { ApiError::NotSetUp };
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"Earmark\"")];
    (challenge, error).into_response()
}

fn code() -> Result<String, AccountError> {
    let bytes = crate::accounts::random::<CODE_CHARS>()?;
    let letters: Vec<char> =
        bytes.iter().map(|byte| char::from(CODE_LETTERS[usize::from(byte % 32)])).collect();
    Ok(letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-"))
}
