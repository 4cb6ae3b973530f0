//! Keeping a book on this device, to be read and heard without a connection.
//!
//! What is kept lies in a cache of the browser named for the book; the service worker
//! (`public/sw.js`) answers from it when the server is out of reach.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Cache, CacheStorage, HtmlElement, Response};

use super::dom::{self, Body, Json};

/// What the names of caches of books begin with: other sites of the host have theirs.
fn cache_head() -> String {
    match dom::base() {
        base if base.is_empty() => "book-".to_owned(),
        base => format!("book:{base}:"),
    }
}

/// Forgets what was kept on this device, when the server says that it was another person's. Where the site has its
/// host for itself, the browser does that without us.
pub async fn forget_if_told() -> Result<(), JsValue> {
    let cookies = dom::property(&document().into(), "cookie").and_then(|all| all.as_string());
    if !cookies.is_some_and(|all| all.split("; ").any(|one| one == "earmark_forget=1")) {
        return Ok(());
    }
    if let Some(storage) = window().local_storage()? {
        let own = format!("{}earmark.", dom::base());
        let names = (0..storage.length()?).filter_map(|index| storage.key(index).ok()?);
        for name in names.filter(|name| name.starts_with(&own)).collect::<Vec<_>>() {
            storage.remove_item(&name)?;
        }
    }
    if let Some(caches) = caches() {
        let shell = format!("shell{}", dom::base());
        let names: js_sys::Array = JsFuture::from(caches.keys()).await?.into();
        for name in names.iter().filter_map(|name| name.as_string()) {
            if name == shell || name.starts_with(&cache_head()) {
                JsFuture::from(caches.delete(&name)).await?;
            }
        }
    }
    let gone = format!("earmark_forget=; Path={}/; Max-Age=0; SameSite=Strict", dom::base());
    js_sys::Reflect::set(&document(), &"cookie".into(), &gone.into()).map(drop)
}

/// The cache of a book; the service worker knows the same name.
fn cache_name(book: &str) -> String {
    format!("{}{book}", cache_head())
}

/// Brings the button that keeps a book on this device to life
/// ([`KeepButton`](crate::components::KeepButton)).
#[island]
pub fn KeepBook() -> impl IntoView {
    dom::in_browser(|| {
        let Some(keep) = Keep::read() else { return };
        let pressed = keep.clone();
        if let Some(button) = dom::one(".keep button") {
            dom::listen(&button, "click", move |_| {
                let keep = pressed.clone();
                spawn_local(async move { keep.press().await });
            });
        }
        spawn_local(async move { keep.show().await });
    });
}

#[derive(Clone)]
struct Keep {
    book: String,
    chapters: u32,
    voice: String,
    words: Json,
}

impl Keep {
    fn read() -> Option<Self> {
        let root = dom::one(".keep")?;
        let text = |name: &str| root.get_attribute(name).unwrap_or_default();
        Some(Self {
            book: text("data-book"),
            chapters: text("data-chapters").parse().ok()?,
            voice: text("data-voice"),
            words: Json::parse(&text("data-words"))?,
        })
    }

    fn say(&self, name: &str) -> String {
        self.words.text(name).unwrap_or_default()
    }

    /// Shows whether the book is kept, and how much room it takes.
    async fn show(&self) {
        let Some(caches) = caches() else { return };
        let (Some(root), Some(button), Some(line)) =
            (dom::one(".keep"), dom::one(".keep button"), dom::one(".keep .hint"))
        else {
            return;
        };
        let is_kept = is_whole(&caches, &self.book).await;
        dom::show(&root, true);
        dom::set(&root, "data-kept", if is_kept { "true" } else { "false" });
        dom::write(&button, &self.say(if is_kept { "remove" } else { "keep" }));
        if is_kept {
            let size = megabytes(size(&caches, &self.book).await.unwrap_or_default());
            dom::write(&line, &self.say("kept").replace("{}", &size));
        } else {
            dom::write(&line, &self.say("hint"));
        }
    }

    async fn press(&self) {
        let (Some(caches), Some(root)) = (caches(), dom::one(".keep")) else { return };
        if root.get_attribute("data-kept").as_deref() == Some("true") {
            let _ = JsFuture::from(caches.delete(&cache_name(&self.book))).await;
        } else if let (Err(error), Some(line)) = (self.keep(&caches).await, dom::one(".keep .hint"))
        {
            // What has come stays, and the next try goes on from there.
            let reason = dom::property(&error, "message").unwrap_or(error).as_string();
            dom::write(&line, &self.say("failed").replace("{}", &reason.unwrap_or_default()));
            return;
        }
        self.show().await;
    }

    /// Fetches everything the book needs, chapter by chapter.
    async fn keep(&self, caches: &CacheStorage) -> Result<(), JsValue> {
        let cache: Cache = JsFuture::from(caches.open(&cache_name(&self.book))).await?.into();
        let book = &self.book;
        if let Some(button) = dom::one(".keep button") {
            dom::set(&button, "disabled", "");
        }
        let kept = async {
            put(&cache, &format!("/book/{book}"), "text/html").await?;
            if let Ok(css) = put(&cache, &format!("/books/{book}/fonts.css"), "text/css").await {
                for file in css.split("url(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                    put(&cache, &format!("/books/{book}/{file}"), "font/*").await?;
                }
            }
            // A book without a cover has none to keep.
            let _ = put(&cache, &format!("/books/{book}/cover"), "image/*").await;
            for chapter in 1..=self.chapters {
                self.tell(chapter);
                let page = put(&cache, &format!("/read/{book}/{chapter}"), "text/html").await?;
                let page = web_sys::DomParser::new()?
                    .parse_from_string(&page, web_sys::SupportedType::TextHtml)?;
                for address in pictures(&page) {
                    let _ = put(&cache, &address, "image/*").await;
                }
                let sound = format!("/listen/{book}/{chapter}.mp3");
                self.put_sound(&cache, &sound, "to=chapter").await?;
                let api = format!("/api/books/{book}/chapters/{chapter}");
                self.put_sound(&cache, &format!("{api}/timeline"), "").await?;
                self.put_sound(&cache, &format!("{api}/outline"), "").await?;
            }
            // Last: a book is kept when this is there.
            put(&cache, &format!("/api/books/{book}"), "application/json").await.map(drop)
        };
        let done = kept.await;
        if let Some(button) = dom::one(".keep button") {
            let _ = button.remove_attribute("disabled");
        }
        done
    }

    /// Keeps what depends on the voice, under an address without it: kept is kept in one voice.
    async fn put_sound(&self, cache: &Cache, address: &str, query: &str) -> Result<(), JsValue> {
        if JsFuture::from(cache.match_with_str(&dom::at(address))).await?.is_truthy() {
            return Ok(());
        }
        let voice = js_sys::encode_uri_component(&self.voice);
        let response =
            dom::ask("GET", &format!("{address}?voice={voice}&{query}"), "*/*", Body::None).await?;
        if !response.ok() {
            return Err(JsValue::from_str(&format!("HTTP {}", response.status())));
        }
        JsFuture::from(cache.put_with_str(&dom::at(address), &response)).await.map(drop)
    }

    fn tell(&self, chapter: u32) {
        if let Some(line) = dom::one(".keep .hint") {
            let progress = format!("{chapter}/{}", self.chapters);
            dom::write(&line, &self.say("keeping").replace("{}", &progress));
        }
    }
}

/// Links to the books that are kept on this device.
#[island]
pub fn KeptBooks() -> impl IntoView {
    dom::in_browser(|| {
        spawn_local(async {
            // Without a list the page still says what is wrong.
            let _ = list_kept().await;
        });
    });
    view! { <ul class="kept-books" role="list"></ul> }
}

async fn list_kept() -> Result<(), JsValue> {
    let (Some(caches), Some(list)) = (caches(), dom::one(".kept-books")) else { return Ok(()) };
    let names: js_sys::Array = JsFuture::from(caches.keys()).await?.into();
    for name in names.iter().filter_map(|name| name.as_string()) {
        let Some(book) = name.strip_prefix(&*cache_head()) else { continue };
        let Some(details) = dom::get(&format!("/api/books/{book}")).await else { continue };
        let link: HtmlElement = document().create_element("a")?.unchecked_into();
        let chapter = details.get("progress").map_or(1, |at| at.index("chapter"));
        dom::set(&link, "href", &dom::at(&format!("/read/{book}/{chapter}")));
        link.set_text_content(details.text("title").as_deref());
        let item = document().create_element("li")?;
        item.append_child(&link)?;
        list.append_child(&item)?;
    }
    Ok(())
}

/// The browser's caches; it has none on a page that came unencrypted from another machine.
fn caches() -> Option<CacheStorage> {
    dom::property(&window().into(), "caches").map(JsCast::unchecked_into)
}

async fn put(cache: &Cache, address: &str, accept: &str) -> Result<String, JsValue> {
    let response = dom::ask("GET", address, accept, Body::None).await?;
    if !response.ok() {
        return Err(JsValue::from_str(&format!("HTTP {}", response.status())));
    }
    let text = match accept {
        "text/html" | "text/css" => dom::text(&response.clone()?).await?,
        _ => String::new(),
    };
    JsFuture::from(cache.put_with_str(&dom::at(address), &response)).await?;
    Ok(text)
}

fn pictures(page: &web_sys::Document) -> Vec<String> {
    let Ok(found) = page.query_selector_all("#reading img[src]") else { return Vec::new() };
    (0..found.length())
        .filter_map(|index| {
            found.get(index)?.dyn_into::<web_sys::Element>().ok()?.get_attribute("src")
        })
        .collect()
}

async fn is_whole(caches: &CacheStorage, book: &str) -> bool {
    let look = async {
        let name = cache_name(book);
        let there = JsFuture::from(caches.has(&name)).await?;
        if !there.is_truthy() {
            return Ok::<_, JsValue>(false);
        }
        let cache: Cache = JsFuture::from(caches.open(&name)).await?.into();
        let last =
            JsFuture::from(cache.match_with_str(&dom::at(&format!("/api/books/{book}")))).await?;
        Ok(last.is_truthy())
    };
    look.await.unwrap_or(false)
}

/// Bytes of what is kept of a book.
async fn size(caches: &CacheStorage, book: &str) -> Result<f64, JsValue> {
    let cache: Cache = JsFuture::from(caches.open(&cache_name(book))).await?.into();
    let requests: js_sys::Array = JsFuture::from(cache.keys()).await?.into();
    let mut bytes = 0.0;
    for request in requests.iter() {
        let found = JsFuture::from(cache.match_with_request(request.unchecked_ref())).await?;
        if let Ok(response) = found.dyn_into::<Response>() {
            let blob: web_sys::Blob = JsFuture::from(response.blob()?).await?.into();
            bytes += blob.size();
        }
    }
    Ok(bytes)
}

fn megabytes(bytes: f64) -> String {
    let tenths = (bytes / 1e5) as u64;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
