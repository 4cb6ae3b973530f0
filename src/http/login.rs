//! Logging in and out, and the first account.

use std::net::SocketAddr;
use std::sync::Arc;

use app::base::Base;
use app::model::Person;
use axum::Extension;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use super::door::{
    clear_site, let_in_anew, no_guest_cookies, no_session_cookies, secrets, session_cookie,
};
use super::extract::ApiForm;
use super::forms::{in_address, redirect_or_no_content, refused};
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, cookies};
use crate::accounts::Happening;

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .page(Needs::Nobody, Method::POST, "/login", post(log_in))
        .page(Needs::Nobody, Method::POST, "/logout", post(log_out))
        .page(Needs::Nobody, Method::POST, "/setup", post(set_up))
        .page(Needs::Nobody, Method::POST, "/invite", post(accept))
        .page(Needs::ONESELF, Method::POST, "/confirm", post(confirm))
}

/// What somebody logs in with.
#[derive(Debug, Deserialize)]
pub struct LoginForm {
    name: String,
    password: String,
    /// Where they wanted to go.
    #[serde(default)]
    next: String,
}

/// The first account.
#[derive(Debug, Deserialize)]
pub struct SetupForm {
    code: String,
    name: String,
    password: String,
}

/// Somebody who was invited.
#[derive(Debug, Deserialize)]
pub struct GuestForm {
    /// The secret of the link.
    invitation: String,
    name: String,
    password: String,
}

/// A password, said again.
#[derive(Debug, Deserialize)]
pub struct ConfirmForm {
    password: String,
    /// Where they wanted to go.
    #[serde(default)]
    next: String,
}

/// `POST /invite`: somebody who was invited makes an account of their own.
pub async fn accept(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<GuestForm>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let accounts = state.door.accounts();
    let accepted = async {
        state.limits.count_login(&client, &form.name).await?;
        accounts.accept(&form.invitation, &form.name, &form.password).await?;
        let note = Happening {
            who: &form.name,
            what: "accepted",
            about: "",
            address: &client,
            is_program: false,
        };
        accounts.note(note).await;
        Ok::<_, ApiError>(())
    };
    match accepted.await {
        Ok(()) => redirect_or_no_content(&headers, "/login"),
        Err(error) => {
            let link = in_address(&form.invitation);
            refused(&headers, &format!("/invite?link={link}"), error)
        }
    }
}

/// `POST /confirm`: whoever runs the place says the password again, before what is dangerous.
pub async fn confirm(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<ConfirmForm>,
) -> Response {
    let accounts = state.door.accounts();
    let confirmed = async {
        state.limits.count_login(&person.id, &person.name).await?;
        accounts.is_password_of(&person.name, &form.password).await?;
        accounts.confirm(&person.session).await?;
        Ok::<_, ApiError>(())
    };
    let page = if is_own_page(&form.next) { &form.next } else { "/" };
    match confirmed.await {
        Ok(()) => redirect_or_no_content(&headers, page),
        Err(error) => refused(&headers, &format!("/confirm?next={}", in_address(page)), error),
    }
}

/// `POST /login`: a session begins.
pub async fn log_in(
    state: Visit,
    base: Option<Extension<Base>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<LoginForm>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let device = device_of(&headers);
    let logged_in = async {
        state.limits.count_login(&client, &form.name).await?;
        let accounts = state.door.accounts();
        let secret = accounts.log_in(&form.name, &form.password, (&device, &client)).await?;
        let person = accounts.of_session(&secret, &client).await?;
        Ok::<_, ApiError>((secret, person.ok_or(ApiError::Internal)?))
    };
    let logged_in = logged_in.await;
    let accounts = state.door.accounts();
    match &logged_in {
        Ok((_, person)) => {
            let note = Happening {
                who: &person.name,
                what: "login",
                about: &device,
                address: &client,
                is_program: false,
            };
            accounts.note(note).await;
        }
        // What is refused because it came too often is not written down as often.
        Err(ApiError::TooMany { .. }) => {}
        Err(_) => accounts.note_refused(&form.name, &device, &client).await,
    }
    match logged_in {
        Ok((secret, person)) => {
            let page = if is_own_page(&form.next) { &form.next } else { "/" };
            let response = redirect_or_no_content(&headers, page);
            let over = (is_https(&state, &headers, peer), base.is_some());
            with_session(response, (&secret, &person.id), &headers, over)
        }
        Err(error) => {
            let next = in_address(&form.next);
            refused(&headers, &format!("/login?next={next}"), error)
        }
    }
}

/// An answer with which a session begins.
pub fn with_session(
    mut response: Response,
    (secret, user): (&str, &str),
    headers: &HeaderMap,
    (is_https, is_below): (bool, bool),
) -> Response {
    cookies::set(&mut response, &session_cookie(secret, is_https, is_below));
    no_guest_cookies().iter().for_each(|gone| cookies::set(&mut response, gone));
    let_in_anew(&mut response, user, headers);
    response
}

/// `POST /logout`: the browser's sessions end, and it forgets what it has kept.
pub async fn log_out(state: Visit, headers: HeaderMap) -> Result<Response, ApiError> {
    // One that came over HTTPS and one that did not may both be there.
    for secret in secrets(&headers) {
        state.door.accounts().end_own_session(secret).await?;
    }
    let mut response = redirect_or_no_content(&headers, "/login");
    let gone = no_session_cookies().into_iter().chain(no_guest_cookies());
    gone.for_each(|gone| cookies::set(&mut response, &gone));
    clear_site(&mut response);
    Ok(response)
}

/// `POST /setup`: the first account, with the code that stands in the terminal.
pub async fn set_up(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiForm(form): ApiForm<SetupForm>,
) -> Response {
    let client = state.limits.client(&headers, peer.ip()).to_string();
    let made = async {
        state.limits.count_login(&client, "").await?;
        state.library.flush().await;
        state.door.set_up(&form.code, &form.name, &form.password).await?;
        let note = Happening {
            who: &form.name,
            what: "set_up",
            about: "",
            address: &client,
            is_program: false,
        };
        state.door.accounts().note(note).await;
        Ok::<_, ApiError>(())
    };
    match made.await {
        Ok(()) => redirect_or_no_content(&headers, "/login"),
        Err(error) => {
            let code = in_address(&form.code);
            refused(&headers, &format!("/setup?code={code}"), error)
        }
    }
}

/// Whether a browser may be sent there: to a page here. `//host` and `/\host` are elsewhere.
pub fn is_own_page(page: &str) -> bool {
    page.starts_with('/')
        && !page[1..].starts_with(['/', '\\'])
        && !page.chars().any(char::is_control)
}

fn is_https(state: &Visit, headers: &HeaderMap, peer: SocketAddr) -> bool {
    state.is_https(headers, peer.ip())
}

/// What a request comes from.
pub fn device_of(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    device(agent.unwrap_or_default())
}

/// What a browser is, by what it says of itself: enough to know one's own devices by.
fn device(agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    // Each says that it is all the others, the truest word last.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.split(['/', ' ']).next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for page in ["/", "/book/0123", "/book/0123/search?q=a%20b"] {
            assert!(is_own_page(page), "{page}");
        }
        for page in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb"] {
            assert!(!is_own_page(page), "{page}");
        }
    }

    #[test]
    fn devices_are_told_apart() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome, Linux");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(device(safari), "Safari, iPhone");
        assert_eq!(device("curl/8.0"), "curl");
        assert_eq!(device(""), "");
    }
}
