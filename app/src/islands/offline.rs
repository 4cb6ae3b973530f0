//! What it takes to open without a connection: the service worker (`public/sw.js`), and the browser's caches that it
//! answers from.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::CacheStorage;

use super::dom;

/// Registers the service worker, and forgets what is to be forgotten.
pub fn begin() {
    forget_stored();
    spawn_local(async {
        // Without storage there is nothing to forget.
        let _ = forget_kept().await;
    });
    let navigator: JsValue = window().navigator().into();
    if let Some(workers) = dom::property(&navigator, "serviceWorker") {
        let _ = dom::call(&workers, "register", &[&dom::at("/sw.js").into()]);
    }
}

/// What the names of caches of books begin with: other sites of the host have theirs.
pub fn cache_head() -> String {
    match dom::base() {
        base if base.is_empty() => "book-".to_owned(),
        base => format!("book:{base}:"),
    }
}

/// Whether the server says that what was kept on this device was another person's.
fn is_to_forget() -> bool {
    let cookies = dom::property(&document().into(), "cookie").and_then(|all| all.as_string());
    cookies.is_some_and(|all| all.split("; ").any(|one| one == "earmark_forget=1"))
}

/// Forgets places and time spent that are another person's: at once, before anything is told of them.
pub fn forget_stored() {
    let Some(storage) = window().local_storage().ok().flatten().filter(|_| is_to_forget()) else {
        return;
    };
    let own = format!("{}earmark.", dom::base());
    let names = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok()?);
    for name in names.filter(|name| name.starts_with(&own)).collect::<Vec<_>>() {
        // What cannot be removed could not be stored either.
        let _ = storage.remove_item(&name);
    }
}

/// Forgets the books and pages that were kept on this device, when the server says that they were another person's. Over
/// HTTPS, where the site has its host for itself, the browser does that without us.
pub async fn forget_kept() -> Result<(), JsValue> {
    if !is_to_forget() {
        return Ok(());
    }
    // Where nothing can be kept there is nothing to forget, and it is not to be forgotten over and over.
    let forgotten = forget_caches().await;
    let gone = format!("earmark_forget=; Path={}/; Max-Age=0; SameSite=Strict", dom::base());
    js_sys::Reflect::set(&document(), &"cookie".into(), &gone.into())?;
    forgotten
}

async fn forget_caches() -> Result<(), JsValue> {
    let Some(caches) = caches() else { return Ok(()) };
    let shell = shell_name();
    let names: js_sys::Array = JsFuture::from(caches.keys()).await?.into();
    for name in names.iter().filter_map(|name| name.as_string()) {
        if name == shell || name.starts_with(&cache_head()) {
            JsFuture::from(caches.delete(&name)).await?;
        }
    }
    Ok(())
}

/// The name of the cache of what pages are made of; the service worker knows the same.
pub fn shell_name() -> String {
    ["shell", &dom::base()].concat()
}

/// The cache of a book; the service worker knows the same name.
pub fn cache_name(book: &str) -> String {
    format!("{}{book}", cache_head())
}

/// The browser's caches; it has none on a page that came unencrypted from another machine.
pub fn caches() -> Option<CacheStorage> {
    dom::property(&window().into(), "caches").map(JsCast::unchecked_into)
}
