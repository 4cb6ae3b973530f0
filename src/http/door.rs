//! Who comes in: everybody, on a machine of one's own; then whoever has a session or a token.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

use app::model::{Person, Role};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::needs::{Needs, needs};
use super::preferences::wants_page;
use super::{ApiError, AppState, notice};
use crate::accounts::{AccountError, Accounts};

/// The cookie with a session's secret, over HTTPS and over plain HTTP. A browser takes one with the prefix from
/// no neighbour and over nothing but HTTPS (RFC 6265bis, section 4.1.3.2).
const COOKIES: [&str; 2] = ["__Host-earmark", "earmark"];
/// Letters of the code, none of them easily taken for another: twelve are 60 bits.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_CHARS: usize = 12;

/// Lets people in.
pub struct Door {
    accounts: Accounts,
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
    WithCode(Mutex<Option<String>>),
}

impl Door {
    /// A door on an address.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(
        accounts: Accounts,
        address: SocketAddr,
        is_open: bool,
    ) -> Result<Self, AccountError> {
        let unlocked = match address.ip().is_loopback() {
            _ if is_open => Unlocked::All,
            true => Unlocked::Here,
            false => Unlocked::WithCode(Mutex::new(Some(code()?))),
        };
        Ok(Self { accounts, unlocked })
    }

    /// People.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The address at which the first account is made, if it has to be.
    pub async fn set_up_at(&self, address: SocketAddr) -> Option<String> {
        let Unlocked::WithCode(code) = &self.unlocked else { return None };
        if self.accounts.has_people().await.unwrap_or(true) {
            return None;
        }
        let code = code.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let ip = if address.ip().is_unspecified() { own_address() } else { address.ip() };
        Some(format!("http://{}/setup?code={code}", SocketAddr::new(ip, address.port())))
    }

    /// Makes the first account, who runs the place. The code is good once.
    pub async fn set_up(&self, given: &str, name: &str, password: &str) -> Result<(), ApiError> {
        let Unlocked::WithCode(code) = &self.unlocked else { return Err(ApiError::WrongCode) };
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
        if !self.accounts.has_people().await? {
            // What a proxy passes on comes from elsewhere, wherever the proxy is.
            let is_here = caller.peer.is_loopback() && !caller.is_passed_on();
            return Ok(match &self.unlocked {
                Unlocked::Here | Unlocked::All if is_here => Some(Role::Admin),
                Unlocked::All => Some(Role::Member),
                Unlocked::Here | Unlocked::WithCode(_) => None,
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

/// What is known of a request before it is known whose it is.
struct Caller<'a> {
    headers: &'a HeaderMap,
    peer: IpAddr,
    client: IpAddr,
}

impl Caller<'_> {
    fn is_passed_on(&self) -> bool {
        const MARKS: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "via"];
        MARKS.iter().any(|name| self.headers.contains_key(*name))
    }

    /// The token of a program: as bearer, or as the password of a login that programs know (RFC 7617).
    fn token(&self) -> Option<String> {
        use base64::Engine as _;

        let given = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, value) = given.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(value.trim().to_owned());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let plain = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
        Some(String::from_utf8(plain).ok()?.split_once(':')?.1.to_owned())
    }

    /// The secret of a browser's session.
    fn secret(&self) -> Option<&str> {
        cookie(self.headers, COOKIES[0]).or_else(|| cookie(self.headers, COOKIES[1]))
    }

    /// Whether a form that a page sends by itself would look like this: a browser says where it comes from.
    fn says_where_from(&self) -> bool {
        self.headers.contains_key("sec-fetch-site") || self.headers.contains_key(header::ORIGIN)
    }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The header that has a browser keep a session's secret, or forget it.
pub fn session_cookie(secret: Option<&str>, is_https: bool) -> String {
    let (name, secure) = if is_https { (COOKIES[0], "; Secure") } else { (COOKIES[1], "") };
    let age = secret.map_or(0, |_| crate::accounts::SESSION_AGE.as_secs());
    let secret = secret.unwrap_or_default();
    format!("{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
}

/// Lets a request in, with the person whose it is, or says what is missing.
pub async fn let_in(
    State(state): State<AppState>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let needs = needs(request.method(), matched.as_ref().map(MatchedPath::as_str));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)).to_canonical();
    let client = state.limits.client(request.headers(), peer);
    let caller = Caller { headers: request.headers(), peer, client };
    let person = match state.door.who(&caller).await {
        Ok(person) => person,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let by_cookie = person.as_ref().is_some_and(|person| !person.session.is_empty());
    if by_cookie && changes && !caller.says_where_from() {
        return ApiError::OtherSite.into_response();
    }
    let is_enough = match (needs, person.as_deref()) {
        (Needs::Nobody, _) => true,
        (Needs::Role(role), Some(person)) => person.role >= role,
        (Needs::Person(role), Some(person)) => {
            person.role >= role && (!person.session.is_empty() || !person.has_account())
        }
        (_, None) => false,
    };
    let refused = match &person {
        _ if is_enough => None,
        Some(_) if wants_page(request.headers()) => {
            // The page where a refusal is read, and that everybody may see.
            Some(notice::refused("/", &ApiError::NotAllowed.to_string()))
        }
        Some(_) => Some(ApiError::NotAllowed.into_response()),
        None => {
            let wants_page = *request.method() == Method::GET && wants_page(request.headers());
            let wanted = request.uri().path_and_query().map(ToString::to_string);
            Some(to_login(&state, wanted.filter(|_| wants_page)).await)
        }
    };
    if let Some(refused) = refused {
        return refused;
    }
    if let Some(person) = person {
        request.extensions_mut().insert(person);
    }
    let mut response = next.run(request).await;
    // What was answered to one person is kept for no other by what stands between.
    if by_cookie {
        response.headers_mut().append(header::VARY, header::HeaderValue::from_static("cookie"));
    }
    response
}

/// Sends a browser that wants a page to where one logs in, or makes the first account; tells a program that it
/// needs a token.
async fn to_login(state: &AppState, wanted: Option<String>) -> Response {
    let has_people = state.door.accounts.has_people().await.unwrap_or(true);
    if let Some(wanted) = wanted {
        if !has_people {
            return Redirect::to("/setup").into_response();
        }
        let wanted = utf8_percent_encode(&wanted, NON_ALPHANUMERIC);
        return Redirect::to(&format!("/login?next={wanted}")).into_response();
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

/// The address at which other devices reach this machine: the one that a packet to another network would come
/// from. Nothing is sent.
fn own_address() -> IpAddr {
    let found = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        // An address of a network that is for documentation alone (RFC 5737).
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    found.map_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), |address| address.ip())
}
