//! What is known of a request before it is known whose it is.

use std::net::IpAddr;

use app::model::Role;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::sessions::{cookie_name, guest_cookie_name};
use crate::accounts::{TOKEN_PREFIX, app_key, is_app_password};
use crate::http::cookies;

/// How a proxy says whom it has let in.
#[derive(Debug, Clone)]
pub struct ProxyLogin {
    /// The header with their name.
    pub header: HeaderName,
    /// What somebody may do whom nobody knows yet; nobody new comes in when there is none.
    pub newcomers: Option<Role>,
}

/// The headers in which KOReader sends the name and the MD5 of the password (`koreader-sync-server`, its API).
const APP_USER: &str = "x-auth-user";
const APP_KEY: &str = "x-auth-key";

/// What a program lets itself in with.
pub(super) enum Credential {
    /// A token.
    Token(String),
    /// The MD5 of the password of a reading app, and the name that it came with.
    AppKey(String, String),
}

/// What is known of a request before it is known whose it is.
pub(super) struct Caller<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) peer: IpAddr,
    pub(super) client: IpAddr,
    pub(super) is_https: bool,
    /// Whether the site lies below a path of its host.
    pub(super) is_below: bool,
    /// Whether it is KOReader's, which logs in in its own way.
    pub(super) is_for_places: bool,
    /// Whether it comes from a proxy that is believed.
    pub(super) is_proxied: bool,
}

impl Caller<'_> {
    pub(super) fn is_passed_on(&self) -> bool {
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

    /// What a program lets itself in with: a token as bearer, or as the password of a login that programs know (RFC
    /// 7617); the password of a reading app, which KOReader sends as its MD5 in a header of its own. What is none of
    /// ours is for a proxy in front.
    pub(super) fn credential(&self) -> Option<Credential> {
        use base64::Engine as _;

        let header =
            |name| self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if let Some(key) = header(APP_KEY).filter(|_| self.is_for_places) {
            let name = header(APP_USER).unwrap_or_default();
            return Some(Credential::AppKey(key.to_ascii_lowercase(), name.to_owned()));
        }
        let given = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, value) = given.split_once(' ')?;
        let (name, token) = if scheme.eq_ignore_ascii_case("bearer") {
            (String::new(), value.trim().to_owned())
        } else if scheme.eq_ignore_ascii_case("basic") {
            let plain = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
            let plain = String::from_utf8(plain).ok()?;
            let (name, password) = plain.split_once(':')?;
            (name.to_owned(), password.to_owned())
        } else {
            return None;
        };
        if token.starts_with(TOKEN_PREFIX) {
            return Some(Credential::Token(token));
        }
        // As it is shown, or as people group it who type it off.
        let typed: String = token.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
        let typed = typed.to_lowercase();
        let is_basic = scheme.eq_ignore_ascii_case("basic");
        (is_basic && is_app_password(&typed)).then(|| Credential::AppKey(app_key(&typed), name))
    }

    /// The name under which a trusted proxy lets somebody in, and what becomes of newcomers. Programs behind it still
    /// send tokens.
    pub(super) fn let_in_as(&self, login: Option<&ProxyLogin>) -> Option<(&str, Option<Role>)> {
        let has_token = matches!(self.credential(), Some(Credential::Token(_)));
        let login = login.filter(|_| self.is_proxied && !has_token)?;
        // Two names are a way to have two programs see two people in one.
        let mut names = self.headers.get_all(&login.header).iter();
        let name = names.next().filter(|_| names.next().is_none())?.to_str().ok()?.trim();
        (!name.is_empty()).then_some((name, login.newcomers))
    }

    /// Whether a person looks at it in a browser, which shows a page of its own where it is asked for a password.
    pub(super) fn is_browser(&self) -> bool {
        let agent = self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        agent.is_some_and(|agent| agent.starts_with("Mozilla/"))
            || self.headers.contains_key("sec-fetch-mode")
    }

    pub(super) fn has_bearer(&self) -> bool {
        let given = self.headers.get(header::AUTHORIZATION);
        given.is_some_and(|given| given.as_bytes().to_ascii_lowercase().starts_with(b"bearer "))
    }

    /// The secret of a browser's session. Over HTTPS only the cookie counts that no neighbour can have set.
    pub(super) fn secret(&self) -> Option<&str> {
        cookies::value(self.headers, cookie_name(self.is_https, self.is_below))
    }

    /// The secret of a guest who came by a link to a book.
    pub(super) fn guest(&self) -> Option<&str> {
        cookies::value(self.headers, guest_cookie_name(self.is_https, self.is_below))
    }

    /// Whether a form that a page sends by itself would look like this: a browser says where it comes from.
    pub(super) fn says_where_from(&self) -> bool {
        self.headers.contains_key("sec-fetch-site") || self.headers.contains_key(header::ORIGIN)
    }
}
