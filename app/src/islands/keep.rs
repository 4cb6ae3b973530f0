//! Keeping a book on this device, to be read and heard without a connection.
//!
//! What is kept lies in a cache of the browser named for the book; the service worker
//! (`public/sw.js`) answers from it when the server is out of reach.

use std::collections::HashSet;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Cache, CacheStorage, HtmlElement, Response};

use super::dom::{self, Body};
use super::offline::{cache_head, cache_name, caches, forget_kept, shell_name};
use crate::words::{Keeping, decimal_point};

/// Brings the button that keeps a book on this device to life
/// ([`KeepButton`](crate::components::KeepButton)).
#[island]
pub fn KeepBook() -> impl IntoView {
    // What signals belong to lives as long as the island; what runs later has no owner of its own.
    let owner = Owner::current();
    dom::in_browser(move || {
        let (Some(owner), Some(caches), Some(book)) = (owner, caches(), Book::read()) else {
            return;
        };
        let state = owner.with(|| RwSignal::new(State::Unknown));
        owner.with(|| show(state));
        let keep = Keep { caches, book, state };
        let pressed = keep.clone();
        if let Some(button) = dom::one(".keep button") {
            dom::listen(&button, "click", move |_| {
                let keep = pressed.clone();
                spawn_local(async move { keep.press().await });
            });
        }
        spawn_local(async move { keep.look().await });
    });
}

/// What this device has of the book.
#[derive(Debug, Clone, PartialEq)]
enum State {
    /// It is not known yet.
    Unknown,
    /// Nothing, or not all of it.
    NotKept,
    /// All of it, as it was before its file was read anew.
    Outdated,
    /// This chapter, of so many, is being fetched.
    Keeping(u32, u32),
    /// All of it, so many bytes.
    Kept(f64),
    /// Something could not be fetched, for this reason. What has come stays, and the next try goes on from there.
    Failed(String),
}

/// Keeps the button and the line under it as it is.
fn show(state: RwSignal<State>) {
    let language = dom::language();
    let (words, point) = (Keeping::of(&language), decimal_point(&language));
    dom::shows(".keep", move |part| dom::show(part, state.with(|state| *state != State::Unknown)));
    dom::shows(".keep button", move |button| {
        let (is_kept, is_busy) = state
            .with(|state| (matches!(state, State::Kept(_)), matches!(state, State::Keeping(..))));
        dom::write(button, if is_kept { words.remove } else { words.keep });
        let _ = button.toggle_attribute_with_force("disabled", is_busy);
    });
    dom::shows(".keep .hint", move |line| {
        let said = match state.get() {
            State::Unknown | State::NotKept => words.hint.to_owned(),
            State::Outdated => words.outdated.to_owned(),
            State::Keeping(chapter, chapters) => (words.keeping)(chapter, chapters),
            State::Kept(bytes) => (words.kept)(&megabytes(bytes, point)),
            State::Failed(reason) => (words.failed)(&reason),
        };
        dom::write(line, &said);
    });
}

/// The book, as the page names it.
#[derive(Debug, Clone)]
struct Book {
    id: String,
    chapters: u32,
    /// Counts how often its file has been read.
    revision: String,
    voice: String,
}

impl Book {
    fn read() -> Option<Self> {
        let root = dom::one(".keep")?;
        let text = |name: &str| root.get_attribute(name).unwrap_or_default();
        Some(Self {
            id: text("data-book"),
            chapters: text("data-chapters").parse().ok()?,
            revision: text("data-revision"),
            voice: text("data-voice"),
        })
    }
}

#[derive(Clone)]
struct Keep {
    caches: CacheStorage,
    book: Book,
    state: RwSignal<State>,
}

impl Keep {
    /// Looks what this device has of the book.
    async fn look(&self) {
        let book = &self.book.id;
        // A cache that is looked into while it is removed would be there again.
        let _ = forget_kept().await;
        let state = match (self.is_whole().await, self.is_current().await) {
            (Ok(true), Ok(true)) => State::Kept(size(&self.caches, book).await.unwrap_or_default()),
            (Ok(true), _) => State::Outdated,
            _ => State::NotKept,
        };
        self.state.set(state);
    }

    async fn press(&self) {
        if self.state.with_untracked(|state| matches!(state, State::Kept(_))) {
            let _ = JsFuture::from(self.caches.delete(&cache_name(&self.book.id))).await;
        } else if let Err(error) = self.keep().await {
            let reason = dom::property(&error, "message").unwrap_or(error).as_string();
            self.state.set(State::Failed(reason.unwrap_or_default()));
            return;
        }
        self.look().await;
    }

    /// Fetches everything the book needs, chapter by chapter.
    async fn keep(&self) -> Result<(), JsValue> {
        let Book { id: book, chapters, .. } = &self.book;
        self.state.set(State::Keeping(1, *chapters));
        if !self.is_current().await? {
            // What was fetched of another revision does not go with this one.
            JsFuture::from(self.caches.delete(&cache_name(book))).await?;
        }
        let cache: Cache = JsFuture::from(self.caches.open(&cache_name(book))).await?.into();
        let mark = Response::new_with_opt_str(Some(""))?;
        JsFuture::from(cache.put_with_str(&self.mark(), &mark)).await?;
        let shell: Cache = JsFuture::from(self.caches.open(&shell_name())).await?.into();
        put(&cache, &format!("/book/{book}"), "text/html").await?;
        if let Ok(css) = put(&cache, &format!("/books/{book}/fonts.css"), "text/css").await {
            for file in css.split("url(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                put(&cache, &format!("/books/{book}/{file}"), "font/*").await?;
            }
        }
        // A book without a cover has none to keep.
        let _ = put(&cache, &format!("/books/{book}/cover"), "image/*").await;
        let mut has_put = HashSet::new();
        for chapter in 1..=*chapters {
            self.state.set(State::Keeping(chapter, *chapters));
            let page = put(&cache, &format!("/read/{book}/{chapter}"), "text/html").await?;
            let page = web_sys::DomParser::new()?
                .parse_from_string(&page, web_sys::SupportedType::TextHtml)?;
            for address in addresses(&page, "#reading img[src]", "src") {
                let _ = put(&cache, &address, "image/*").await;
            }
            // Scripts and typefaces are the same for all books.
            let parts = "link[rel=modulepreload], link[rel=preload]";
            for address in addresses(&page, parts, "href") {
                if has_put.insert(address.clone()) {
                    put(&shell, &address, "*/*").await?;
                }
            }
            let sound = format!("/listen/{book}/{chapter}.mp3");
            self.put_sound(&cache, &sound, "to=chapter").await?;
            let api = format!("/api/books/{book}/chapters/{chapter}");
            self.put_sound(&cache, &format!("{api}/timeline"), "").await?;
            self.put_sound(&cache, &format!("{api}/outline"), "").await?;
        }
        // Last: a book is kept when this is there.
        put(&cache, &format!("/api/books/{book}"), "application/json").await.map(drop)
    }

    /// An address that is in the cache when what is there belongs to this revision. Nobody asks the server for it.
    fn mark(&self) -> String {
        let Book { id, revision, .. } = &self.book;
        dom::at(&format!("/books/{id}/revision/{revision}"))
    }

    /// What is in the cache under an address, if there is a cache; opening one that is not there would make it.
    async fn kept(&self, address: &str) -> Result<JsValue, JsValue> {
        let name = cache_name(&self.book.id);
        if !JsFuture::from(self.caches.has(&name)).await?.is_truthy() {
            return Ok(JsValue::UNDEFINED);
        }
        let cache: Cache = JsFuture::from(self.caches.open(&name)).await?.into();
        JsFuture::from(cache.match_with_str(address)).await
    }

    /// Whether what this device has, if anything, is of the revision that the page shows.
    async fn is_current(&self) -> Result<bool, JsValue> {
        if self.kept(&self.mark()).await?.is_truthy() {
            return Ok(true);
        }
        // Earlier versions kept books without that: of the file as it was first read, mostly.
        let first = dom::at(&format!("/read/{}/1", self.book.id));
        let is_there = self.kept(&first).await?.is_truthy();
        Ok(!is_there || self.book.revision == "0" && self.is_whole().await?)
    }

    /// Whether all of it is there.
    async fn is_whole(&self) -> Result<bool, JsValue> {
        let last = self.kept(&dom::at(&format!("/api/books/{}", self.book.id))).await?;
        Ok(last.is_truthy())
    }

    /// Keeps what depends on the voice, under an address without it: kept is kept in one voice.
    async fn put_sound(&self, cache: &Cache, address: &str, query: &str) -> Result<(), JsValue> {
        if JsFuture::from(cache.match_with_str(&dom::at(address))).await?.is_truthy() {
            return Ok(());
        }
        let voice = js_sys::encode_uri_component(&self.book.voice);
        let response =
            dom::ask("GET", &format!("{address}?voice={voice}&{query}"), "*/*", Body::None).await?;
        if !response.ok() {
            return Err(JsValue::from_str(&format!("HTTP {}", response.status())));
        }
        JsFuture::from(cache.put_with_str(&dom::at(address), &response)).await.map(drop)
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
    forget_kept().await?;
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

async fn put(cache: &Cache, address: &str, accept: &str) -> Result<String, JsValue> {
    let response = dom::ask_ahead(address, accept).await?;
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

/// What an attribute says of each element that a selector finds.
fn addresses(page: &web_sys::Document, selector: &str, name: &str) -> Vec<String> {
    let Ok(found) = page.query_selector_all(selector) else { return Vec::new() };
    let element = |index| found.get(index)?.dyn_into::<web_sys::Element>().ok();
    (0..found.length()).filter_map(|index| element(index)?.get_attribute(name)).collect()
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

/// A size as people write it where `point` stands before decimals. Browsers need no code for fractions.
fn megabytes(bytes: f64, point: &str) -> String {
    let tenths = (bytes / 1e5) as u64;
    format!("{}{point}{} MB", tenths / 10, tenths % 10)
}
