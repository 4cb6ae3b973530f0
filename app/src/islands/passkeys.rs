//! Passkeys: making one and showing one, as the browser does it (Web Authentication, level 3).

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlElement, Response};

use super::dom::{self, Body, Json};

/// Where one says again who one is, before a passkey is made.
const CONFIRM: &str = "/confirm?next=%2Faccount";
/// The status of an answer when that has not been done lately.
const FORBIDDEN: u16 = 403;
/// What browsers call it when somebody has changed their mind, or took too long.
const CHANGED_MIND: &str = "NotAllowedError";
/// What they call it when the device has one already.
const IS_THERE: &str = "InvalidStateError";

/// Shows the buttons for passkeys where the browser knows them, and does what they say.
#[island]
pub fn Passkeys() -> impl IntoView {
    dom::in_browser(|| {
        if class().is_none() {
            return;
        }
        for button in dom::all("[data-passkey]") {
            dom::show(&button, true);
            let pressed = button.clone();
            dom::listen(&button, "click", move |_| {
                let button = pressed.clone();
                spawn_local(async move {
                    let said = match press(&button).await {
                        Ok(()) => None,
                        Err(error) => said(&button, &error),
                    };
                    let line = button.next_element_sibling().and_then(|line| line.dyn_into().ok());
                    if let Some(line) = line {
                        let line: HtmlElement = line;
                        dom::write(&line, said.as_deref().unwrap_or_default());
                        dom::show(&line, said.is_some());
                    }
                });
            });
        }
    });
}

/// `PublicKeyCredential`, of browsers that read its options from JSON; it is not there where the address is no secure one.
/// A passkey is for a name: at an address of numbers there is none to be had.
fn class() -> Option<JsValue> {
    let host = window().location().hostname().ok()?;
    if host.starts_with('[') || host.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit()) {
        return None;
    }
    let class = dom::property(&window(), "PublicKeyCredential")?;
    let reads = dom::property(&class, "parseRequestOptionsFromJSON")?;
    reads.is_function().then_some(class)
}

/// Has the browser make or show a passkey, and goes where the server says.
async fn press(button: &HtmlElement) -> Result<(), JsValue> {
    let attribute = |name: &str| button.get_attribute(name).unwrap_or_default();
    let makes = attribute("data-passkey") == "make";
    let (ask, answer, reads, does) = match makes {
        true => {
            ("/api/passkeys/challenge", "/api/passkeys", "parseCreationOptionsFromJSON", "create")
        }
        false => ("/passkey/challenge", "/passkey", "parseRequestOptionsFromJSON", "get"),
    };
    let asked = post(ask, Body::None).await?;
    if makes && asked.status() == FORBIDDEN {
        return go(CONFIRM);
    }
    let asked = js_sys::JSON::parse(&answered(asked).await?)?;
    let part = |name: &str| dom::property(&asked, name).unwrap_or_default();
    let options = part("publicKey");
    let options = dom::call(&class().unwrap_or_default(), reads, &[&options])?;
    let credentials = dom::property(&window().navigator(), "credentials").unwrap_or_default();
    let credential = dom::call(&credentials, does, &[&dom::object(&[("publicKey", &options)])])?;
    let credential = JsFuture::from(credential.dyn_into::<js_sys::Promise>()?).await?;
    let credential = dom::call(&credential, "toJSON", &[])?;
    let next = attribute("data-next");
    let body =
        [("ticket", &part("ticket")), ("credential", &credential), ("next", &next.as_str().into())];
    let answered = answered(post(answer, Body::Json(&dom::json(&body))).await?).await?;
    let on = Json::parse(&answered).and_then(|answer| answer.text("next"));
    go(&on.unwrap_or(next))
}

async fn post(address: &str, body: Body<'_>) -> Result<Response, JsValue> {
    dom::ask("POST", address, "application/json", body).await
}

/// What an answer says; what is wrong, when it is none that was hoped for.
async fn answered(response: Response) -> Result<String, JsValue> {
    let text = dom::text(&response).await?;
    if response.ok() {
        return Ok(text);
    }
    let problem = Json::parse(&text).and_then(|problem| problem.text("detail"));
    Err(problem.unwrap_or_default().into())
}

fn go(page: &str) -> Result<(), JsValue> {
    window().location().assign(&dom::at(page))
}

/// What is said to whoever has pressed a button; nothing when they know.
fn said(button: &HtmlElement, error: &JsValue) -> Option<String> {
    let name = dom::property(error, "name").and_then(|name| name.as_string());
    let word = |name: &str| button.get_attribute(name);
    match name.as_deref() {
        Some(CHANGED_MIND) => None,
        Some(IS_THERE) => word("data-there"),
        _ => {
            error.as_string().filter(|problem| !problem.is_empty()).or_else(|| word("data-failed"))
        }
    }
}
