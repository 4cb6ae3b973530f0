//! The path below which a proxy shows the site. Requests lose it before they are routed, and what is answered gains
//! it: addresses in pages and in redirects are written as if the site were at the top of its host.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use app::base::Base;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use lol_html::html_content::Element;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use tower::{Service, service_fn};

use super::client::Proxies;
use super::{ApiError, headers};

/// In which a trusted proxy says below which path it shows the site.
const HEADER: &str = "x-forwarded-prefix";
/// Largest page, in bytes: as leptos makes them, the longest chapters have a few million.
const MAX_PAGE_BYTES: usize = 256 << 20;
/// Attributes with an address in them.
const ATTRIBUTES: [&str; 5] = ["href", "src", "action", "formaction", "poster"];

/// The routes below a base: the one of the settings, or what a trusted proxy names.
pub fn below(routes: Router, base: Base, proxies: Proxies) -> Router {
    // Nothing is asked of each request where there can be no base.
    if base.0.is_empty() && !proxies.are_there() {
        return routes;
    }
    let shared = Arc::new((base, proxies));
    Router::new().fallback_service(service_fn(move |request: Request| {
        let (routes, shared) = (routes.clone(), Arc::clone(&shared));
        async move {
            let (base, proxies) = &*shared;
            Ok::<_, Infallible>(answer(routes, base_of(&request, base, proxies), request).await)
        }
    }))
}

fn base_of(request: &Request, own: &Base, proxies: &Proxies) -> Base {
    // What the operator has said is not for a header to change.
    if !own.0.is_empty() {
        return own.clone();
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let told = request.headers().get(HEADER).and_then(|told| told.to_str().ok());
    let told = told.filter(|_| peer.is_some_and(|peer| proxies.is_trusted(peer)));
    told.and_then(Base::parse).unwrap_or_default()
}

async fn answer(mut routes: Router, base: Base, mut request: Request) -> Response {
    if base.0.is_empty() {
        return into_response(routes.call(request).await);
    }
    if *request.uri().path() == *base.0 {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return Redirect::temporary(&format!("{}/{query}", base.0)).into_response();
    }
    // A proxy may have taken it away already.
    if let Some(uri) = without(request.uri(), &base) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(base.clone());
    let mut response = into_response(routes.call(request).await);
    let headers = response.headers_mut();
    let location = headers.get(header::LOCATION).map(|at| String::from_utf8_lossy(at.as_bytes()));
    if let Some(at) = location.and_then(|at| added(&base, &at))
        && let Ok(at) = HeaderValue::from_str(&at)
    {
        headers.insert(header::LOCATION, at);
    }
    below_base(&base, headers);
    headers.append(header::VARY, HeaderValue::from_static(HEADER));
    response
}

/// Cookies and what a browser keeps are of the site alone: its host may have others.
fn below_base(base: &Base, headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let text = cookie.to_str().unwrap_or_default();
        let below = text.replacen("; Path=/;", &format!("; Path={}/;", base.0), 1);
        // What stood in a header stands in one again.
        headers.append(header::SET_COOKIE, HeaderValue::from_str(&below).unwrap_or(cookie));
    }
    let clear = HeaderName::from_static("clear-site-data");
    if headers.contains_key(&clear) {
        // The storage of the whole host would be cleared; the page's script clears what is the site's.
        headers.insert(clear, HeaderValue::from_static("\"cache\""));
    }
}

fn into_response(answered: Result<Response, Infallible>) -> Response {
    answered.unwrap_or_else(|never| match never {})
}

fn without(uri: &Uri, base: &Base) -> Option<Uri> {
    let path = uri.path_and_query()?.as_str().strip_prefix(&*base.0)?;
    let path: PathAndQuery = path.starts_with('/').then(|| path.parse().ok())??;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
}

/// An address of this site with the base, when it has none yet.
fn added(base: &Base, address: &str) -> Option<String> {
    let is_here = address.starts_with('/') && !address.starts_with("//");
    let has_it = address.strip_prefix(&*base.0).is_some_and(|rest| rest.starts_with('/'));
    (is_here && !has_it).then(|| format!("{}{address}", base.0))
}

/// Writes the base into the addresses of a page.
pub async fn in_pages(request: Request, next: Next) -> Response {
    let base = request.extensions().get::<Base>().cloned();
    let response = next.run(request).await;
    match base {
        Some(base) if headers::is_page(&response) => rewritten(base, response).await,
        _ => response,
    }
}

async fn rewritten(base: Base, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let page = to_bytes(body, MAX_PAGE_BYTES).await.ok().map(|page| page.to_vec());
    let Some(page) = page.and_then(|page| String::from_utf8(page).ok()) else {
        tracing::error!("a page could not be read");
        return ApiError::Internal.into_response();
    };
    let handler = element!("*", |element: &mut Element| {
        for name in ATTRIBUTES {
            let address = element.get_attribute(name).and_then(|address| added(&base, &address));
            if let Some(address) = address {
                element.set_attribute(name, &address)?;
            }
        }
        if let Some(list) = element.get_attribute("srcset") {
            let one = |one: &str| added(&base, one).unwrap_or_else(|| one.to_owned());
            let list: Vec<String> = list.split(", ").map(one).collect();
            element.set_attribute("srcset", &list.join(", "))?;
        }
        Ok(())
    });
    let settings =
        RewriteStrSettings::new().with_strict(false).append_element_content_handler(handler);
    match rewrite_str(&page, settings) {
        Ok(page) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(page))
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be moved below its base");
            ApiError::Internal.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_gain_the_base_once() {
        let base = Base::parse("/earmark").unwrap();
        assert_eq!(added(&base, "/book/1"), Some("/earmark/book/1".to_owned()));
        assert_eq!(added(&base, "/"), Some("/earmark/".to_owned()));
        assert_eq!(added(&base, "/earmarked"), Some("/earmark/earmarked".to_owned()));
        for address in ["/earmark/book/1", "//other.example/", "https://other.example/", "#s1", ""]
        {
            assert_eq!(added(&base, address), None, "{address}");
        }
        let uri = |uri: &str| without(&uri.parse().unwrap(), &base).map(|uri| uri.to_string());
        assert_eq!(uri("/earmark/book/1?x=/earmark/"), Some("/book/1?x=/earmark/".to_owned()));
        assert_eq!(uri("/book/1"), None);
        assert_eq!(uri("/earmarked/1"), None);
    }
}
