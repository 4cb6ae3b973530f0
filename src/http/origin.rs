//! Where a request comes from: under which name the server was called, and by whose page.
//!
//! A page of another site can have its reader's browser ask for things here. Under a name of its own that it
//! lets point here (DNS rebinding), it could read the answers too; so the server answers to its own names
//! alone. An address cannot be made to point elsewhere, and is answered to.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ApiError;

/// Ends of names that nobody can register: of the local network (RFC 6762, RFC 8375), and for private use
/// (ICANN, 2024).
const LOCAL_ENDS: [&str; 3] = [".local", ".home.arpa", ".internal"];

/// The names under which the server is called.
#[derive(Debug, Clone)]
pub struct Names {
    own: Arc<[String]>,
    /// Whether names that only a local network has are its own: where it can be reached from there.
    takes_local: bool,
}

impl Names {
    /// These, and those that can only be of this machine; also of its network, when the server is reached from
    /// there. A server that only this machine reaches needs none of those, and whoever runs the network, as in a
    /// hotel, decides where they point.
    pub fn new(names: &[String], takes_local: bool) -> Self {
        let plain = |name: &String| name.trim_end_matches('.').to_ascii_lowercase();
        Self { own: names.iter().map(plain).collect(), takes_local }
    }

    /// Whether the server is meant by this name: an address, a name that cannot be registered, or one that the
    /// operator has named. A name without a dot cannot be registered either: so containers and machines of a
    /// network call each other.
    fn are_meant_by(&self, host: &str) -> bool {
        let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let is_here = name == "localhost" || name.ends_with(".localhost");
        let is_local = !name.contains('.') || LOCAL_ENDS.iter().any(|end| name.ends_with(end));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_own = is_here || self.takes_local && is_local || self.own.contains(&name);
        is_address || !name.is_empty() && name.chars().all(is_name) && is_own
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Refuses what was not sent to this server.
pub fn check_name(names: &Names, request: &Request) -> Result<(), ApiError> {
    // Two names are a way to have two programs see two requests in one (RFC 9112, section 3.2).
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => request.uri().authority().map(|authority| authority.as_str()),
        (Some(_), Some(_)) => None,
    };
    match host {
        Some(host) if names.are_meant_by(host) => Ok(()),
        Some(host) => Err(ApiError::OtherHost(without_port(host).chars().take(100).collect())),
        None => Err(ApiError::BadBody("A request needs one Host header.".to_owned())),
    }
}

/// Marks a request that came with a token that is good, as a bearer: no browser sends that by itself.
#[derive(Debug, Clone, Copy)]
pub struct HasToken;

/// Refuses what another site's page would have our reader's browser do here, and what it would have made or
/// tell it: also a picture or a script on that page can be an address of ours.
pub async fn reject_cross_site(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if comes_from_elsewhere(request.method(), headers) || is_shown_elsewhere(headers) {
        return ApiError::OtherSite.into_response();
    }
    next.run(request).await
}

/// The same for what pages of other sites may ask for with a token.
pub async fn reject_cross_site_but_tokens(request: Request, next: Next) -> Response {
    let has_token = request.extensions().get::<HasToken>().is_some();
    if !has_token && comes_from_elsewhere(request.method(), request.headers()) {
        return ApiError::OtherSite.into_response();
    }
    next.run(request).await
}

/// The same for pages, to which other sites may lead.
pub async fn reject_cross_site_but_links(request: Request, next: Next) -> Response {
    let (method, headers) = (request.method(), request.headers());
    if comes_from_elsewhere(method, headers) && !is_link(method, headers) {
        return ApiError::OtherSite.into_response();
    }
    next.run(request).await
}

/// Browsers say where a request comes from: in `Sec-Fetch-Site`, or to a plain HTTP address of the house network in
/// `Origin` alone, when it changes something or a script may read the answer. Programs say nothing.
fn comes_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    match text(headers, "sec-fetch-site") {
        Some("cross-site" | "same-site") => return true,
        // Also behind a proxy that changes `Host`; and what a person has typed.
        Some("same-origin" | "none") => return false,
        _ => {}
    }
    let Some(origin) = text(headers, ORIGIN.as_str()) else { return false };
    let may_be_page = match *method {
        // What is asked before a script of another site may ask says so, and nothing is done for it.
        Method::OPTIONS => false,
        // An app that is made of pages has an origin that is no site's.
        Method::GET | Method::HEAD => origin == "null" || origin.starts_with("http"),
        _ => true,
    };
    may_be_page && !is_of_host(origin, headers)
}

/// Whether what another site's page shows or plays is ours: to a plain HTTP address of the house network browsers say so
/// in `Referer` alone. A page that has them keep quiet is not known from a program.
fn is_shown_elsewhere(headers: &HeaderMap) -> bool {
    let is_told = headers.contains_key("sec-fetch-site");
    !is_told && text(headers, REFERER.as_str()).is_some_and(|from| !is_of_host(from, headers))
}

/// Whether an origin or an address is of the host that was asked.
fn is_of_host(address: &str, headers: &HeaderMap) -> bool {
    let rest = address.split_once("://").map(|(_, rest)| rest);
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some() && host == text(headers, HOST.as_str())
}

/// Whether somebody follows a link to a page. What our own service worker passes on is for nothing in particular (Fetch
/// Metadata, section 2.1: `empty`), and no script can ask in the mode of a navigation (Fetch, section 5.4).
fn is_link(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::GET
        && text(headers, "sec-fetch-mode") == Some("navigate")
        && matches!(text(headers, "sec-fetch-dest"), Some("document" | "empty"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_by_its_own_names() {
        let own = ["Books.example".to_owned(), "house.lan".to_owned()];
        let names = Names::new(&own, true);
        let are_ours = |hosts: &[&'static str]| {
            hosts.iter().filter(|host| names.are_meant_by(host)).copied().collect::<Vec<_>>()
        };
        let ours = [
            "localhost",
            "LOCALHOST:3000",
            "app.localhost:3000",
            "127.0.0.1:3000",
            "192.168.1.5",
            "[::1]:3000",
            "[fe80::1]",
            "nas",
            "earmark:3000",
            "nas.local",
            "nas.home.arpa.",
            "books.example",
            "BOOKS.EXAMPLE.:443",
            "house.lan:3000",
        ];
        assert_eq!(are_ours(&ours), ours);
        let foreign = [
            "evil.example",
            "evil.example:3000",
            "127.0.0.1.nip.io",
            "localhost.evil.example",
            "evil.books.example",
            "books.example.evil.example",
            "",
            ":3000",
            "evil.local.example",
            "127.0.0.1:80.evil.example",
        ];
        assert_eq!(are_ours(&foreign), Vec::<&str>::new());
        assert_eq!(are_ours(&["[", "%", "a b", "::1"]), Vec::<&str>::new());
        // Where only this machine reaches the server, no name of the network is its own.
        let names = Names::new(&own, false);
        let is_ours = |host| names.are_meant_by(host);
        assert!(is_ours("localhost") && is_ours("127.0.0.1:3000") && is_ours("house.lan"));
        assert!(!is_ours("nas") && !is_ours("evil.local") && !is_ours("evil.internal"));
    }

    fn foreign(method: Method, headers: &[(&'static str, &str)]) -> (bool, bool) {
        let mut map = HeaderMap::new();
        map.insert("host", "house:3000".parse().unwrap());
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        (comes_from_elsewhere(&method, &map), is_link(&method, &map))
    }

    #[test]
    fn what_another_sites_page_sends_is_known() {
        let sent = |headers| foreign(Method::POST, headers).0;
        assert!(!sent(&[]), "a program");
        assert!(!sent(&[("origin", "http://house:3000")]));
        assert!(sent(&[("origin", "http://evil.example")]));
        assert!(sent(&[("origin", "null")]));
        assert!(sent(&[("sec-fetch-site", "cross-site")]));
        assert!(!sent(&[("sec-fetch-site", "same-origin"), ("origin", "https://books.example")]));
        assert!(!sent(&[("sec-fetch-site", "none")]));
    }

    #[test]
    fn what_another_sites_page_reads_or_plays_over_plain_http_is_known() {
        let read = |headers| foreign(Method::GET, headers).0;
        assert!(read(&[("origin", "http://evil.example")]));
        assert!(!read(&[("origin", "http://house:3000")]));
        assert!(read(&[("origin", "null")]));
        assert!(!read(&[("origin", "tauri://localhost")]), "an app");
        assert!(!foreign(Method::OPTIONS, &[("origin", "http://evil.example")]).0);
        let played = |headers: &[(&'static str, &str)]| {
            let mut map = HeaderMap::new();
            map.insert("host", "house:3000".parse().unwrap());
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            is_shown_elsewhere(&map)
        };
        assert!(!played(&[]), "a program");
        assert!(played(&[("referer", "http://evil.example/page")]));
        assert!(played(&[("referer", "http://house:3000.evil.example/")]));
        assert!(!played(&[("referer", "http://house:3000/read/0123/1?from=x")]));
        // Behind a proxy the name may be another; there browsers say more.
        assert!(!played(&[
            ("referer", "https://books.example/"),
            ("sec-fetch-site", "same-origin")
        ]));
    }

    #[test]
    fn a_picture_on_another_site_is_told_from_a_link() {
        let picture = [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "image")];
        assert_eq!(foreign(Method::GET, &picture), (true, false));
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(foreign(Method::GET, &link), (true, true));
        let by_service_worker = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "empty"),
        ];
        assert_eq!(foreign(Method::GET, &by_service_worker), (true, true));
        let script = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "empty"),
        ];
        assert_eq!(foreign(Method::GET, &script), (true, false));
        let frame = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
        ];
        assert_eq!(foreign(Method::GET, &frame), (true, false));
        assert_eq!(foreign(Method::POST, &link), (true, false));
    }
}
