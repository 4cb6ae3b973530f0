//! What will be needed next.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::dom::{self, Body};
use crate::READER_MODULE;

/// What the page itself needs comes first.
const WAIT: Duration = Duration::from_secs(1);

/// Where there is a link to reading, fetches what that needs: play can be pressed as soon as it is there. (A link for
/// that in the page's head is against our own policy in Firefox.)
pub fn fetch_reader() {
    if dom::one("a[href*=\"/read/\"]").is_none() {
        return;
    }
    let fetch = || {
        spawn_local(async {
            for kind in ["js", "wasm"] {
                // It is asked for again where it is needed.
                let _ = fetch(&format!("/pkg/{READER_MODULE}.{kind}")).await;
            }
        });
    };
    set_timeout(fetch, WAIT);
}

async fn fetch(address: &str) -> Result<(), JsValue> {
    let response = dom::ask("GET", address, "*/*", Body::None).await?;
    JsFuture::from(response.blob()?).await.map(drop)
}
