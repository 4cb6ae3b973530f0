//! The library as a catalogue for reading apps: OPDS 1.2 and 2.0, which say the same, and the audiobook manifests of
//! Readium.
//!
//! Apps log in with the name of a person and, as the password, a token or one that is made for reading apps.

mod atom;
mod audiobook;
mod json;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use app::model::{BookCard, BookId, NarrationCard, NarrationOutput, NarrationState};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{StreamExt, TryStreamExt, stream};
use moka::future::Cache;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::extract::number;
use super::routes::{Needs, Routes};
use super::{ApiError, AppState, Visit};
use crate::jobs::Whose;
use crate::library::pictures::picture_type;
use crate::library::{Library, LibraryError};

pub use json::how_to_log_in;

/// Whether a route is the catalogue's, or one of the files that it names: what asks for these knows names and passwords,
/// and no other login.
pub fn is_asked_by_apps(route: &str) -> bool {
    let files =
        ["/api/books/{book}/file", "/api/narrations/{narration}/file", "/books/{book}/cover"];
    route.starts_with("/opds") || files.contains(&route)
}
/// Books on a page.
const PAGE_BOOKS: usize = 50;
/// Longest search, in characters.
const MAX_QUERY_CHARS: usize = 200;
/// Covers that are looked at at the same time, for what kind of picture they are.
const LOOKED_AT_ONCE: usize = 8;
/// Books whose kind of cover is remembered.
const REMEMBERED: u64 = 10_000;
/// For how long.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .page(Needs::READ, Method::GET, "/opds", get(atom::root))
        .page(Needs::READ, Method::GET, "/opds/books", get(atom::books))
        .page(Needs::READ, Method::GET, "/opds/search.xml", get(atom::search))
        .page(Needs::READ, Method::GET, "/opds/v2", get(json::root))
        .page(Needs::READ, Method::GET, "/opds/v2/books", get(json::books))
        .page(Needs::LISTEN, Method::GET, "/opds/audiobooks/{book}", get(audiobook::manifest))
        .page(
            Needs::LISTEN,
            Method::GET,
            "/opds/audiobooks/{book}/{chapter}",
            get(audiobook::chapter),
        )
}

/// Which books are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    All,
    New,
    Begun,
    Ready,
}

impl List {
    const ALL: [Self; 4] = [Self::All, Self::New, Self::Begun, Self::Ready];

    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::New => "new",
            Self::Begun => "begun",
            Self::Ready => "ready",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::All => "All books",
            Self::New => "New books",
            Self::Begun => "Begun books",
            Self::Ready => "Books made ready to listen to",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.name() == name)
    }
}

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct BooksQuery {
    /// Which books, by the name of a list.
    #[serde(default)]
    of: String,
    /// Words of the title or an author.
    #[serde(default)]
    q: String,
    /// From 1.
    #[serde(default)]
    page: String,
}

/// A page of a list.
struct Page {
    list: List,
    query: String,
    /// From 1.
    number: usize,
    pages: usize,
    total: usize,
    books: Vec<Entry>,
}

impl Page {
    /// The address of a page of the same list.
    fn address(&self, version: &str, page: usize) -> String {
        let query = utf8_percent_encode(&self.query, NON_ALPHANUMERIC);
        format!("/opds{version}/books?of={}&q={query}&page={page}", self.list.name())
    }

    /// The pages around it, with what they are to it.
    fn around(&self) -> Vec<(&'static str, usize)> {
        let mut around = vec![("first", 1), ("last", self.pages)];
        if self.number > 1 {
            around.push(("previous", self.number - 1));
        }
        if self.number < self.pages {
            around.push(("next", self.number + 1));
        }
        around
    }

    fn title(&self) -> String {
        match self.query.as_str() {
            "" => self.list.title().to_owned(),
            query => format!("“{query}”"),
        }
    }
}

/// A book with what can be had of it.
struct Entry {
    card: BookCard,
    /// What kind of picture its cover is.
    cover: Option<&'static str>,
    files: Vec<Offer>,
    /// When it was added or last made ready, in ms since 1970.
    changed_ms: u64,
}

/// A file that can be had.
struct Offer {
    path: String,
    kind: &'static str,
    title: String,
    /// In bytes, where that is known.
    size: Option<u64>,
}

/// Where the catalogue is, for whoever asks.
struct Place {
    /// The address of the site, without a slash at its end.
    site: String,
}

impl FromRequestParts<AppState> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self { site: state.found_at(parts) })
    }
}

impl Place {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.site)
    }
}

fn answer(kind: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

async fn listed(state: &Visit, query: BooksQuery) -> Result<Page, ApiError> {
    let list = match query.of.as_str() {
        "" => List::All,
        name => List::named(name).ok_or_else(|| ApiError::BadParameter {
            name: "of",
            reason: "is none of all, new, begun and ready".to_owned(),
        })?,
    };
    if query.q.chars().count() > MAX_QUERY_CHARS {
        return Err(LibraryError::QueryTooLong(MAX_QUERY_CHARS).into());
    }
    let page = match query.page.as_str() {
        "" => 1,
        page => number("page", page)?.max(1) as usize,
    };
    let whose = Whose::own(state.library.user());
    // Guests have none, and see none.
    let made = match state.library.is_lent() {
        true => Vec::new(),
        false => state.jobs.list(whose, Some(NarrationState::Completed)).await?,
    };
    let mut ready: HashMap<String, Vec<NarrationCard>> = HashMap::new();
    for card in made {
        ready.entry(card.book.clone()).or_default().push(card);
    }
    let mut books = state.library.books().await?;
    let words: Vec<String> = query.q.split_whitespace().map(str::to_lowercase).collect();
    books.retain(|card| {
        let text = format!("{} {}", card.title, card.byline()).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
            && match list {
                List::All | List::New => true,
                List::Begun => card.progress.is_some(),
                List::Ready => ready.contains_key(card.id.as_str()),
            }
    });
    match list {
        List::All => books.sort_by_cached_key(|card| card.title.to_lowercase()),
        List::New => books.sort_by_key(|card| std::cmp::Reverse(card.added_ms)),
        // The last read or made first, as the library has them.
        List::Begun | List::Ready => {}
    }
    let total = books.len();
    let pages = total.div_ceil(PAGE_BOOKS).max(1);
    if page > pages {
        return Err(ApiError::NotFound("The catalogue has no such page.".to_owned()));
    }
    let on_page = books.into_iter().skip((page - 1).saturating_mul(PAGE_BOOKS)).take(PAGE_BOOKS);
    let library = &state.library;
    let entries = on_page.map(|card| {
        let ready = ready.remove(card.id.as_str()).unwrap_or_default();
        entry(library, card, ready)
    });
    let entries: Vec<_> = entries.collect();
    let books: Vec<Option<Entry>> =
        stream::iter(entries).buffered(LOOKED_AT_ONCE).try_collect().await?;
    let books = books.into_iter().flatten().collect();
    Ok(Page { list, query: query.q, number: page, pages, total, books })
}

/// A book of a list; nothing when it was deleted meanwhile.
async fn entry(
    library: &Library,
    card: BookCard,
    ready: Vec<NarrationCard>,
) -> Result<Option<Entry>, ApiError> {
    let format = match library.format(&card.id).await {
        Ok(format) => format,
        Err(LibraryError::NoSuchBook) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut files = vec![Offer {
        path: format!("/api/books/{}/file", card.id),
        kind: format.media_type(),
        title: "As it was imported".to_owned(),
        size: None,
    }];
    let mut voices: Vec<&str> = Vec::new();
    let changed_ms = ready.iter().filter_map(|made| made.finished_at_ms).max();
    let changed_ms = changed_ms.unwrap_or_default().max(card.added_ms);
    for made in &ready {
        if let Some(size) = made.file_bytes.filter(|_| made.output != NarrationOutput::None) {
            files.push(Offer {
                path: format!("/api/narrations/{}/file", made.id),
                kind: made.output.media_type(),
                title: title_of(made),
                size: Some(size),
            });
        }
        if !voices.contains(&made.voice.as_str()) {
            voices.push(&made.voice);
            let voice = utf8_percent_encode(&made.voice, NON_ALPHANUMERIC);
            files.push(Offer {
                path: format!("/opds/audiobooks/{}?voice={voice}", card.id),
                kind: audiobook::KIND,
                title: "To listen to".to_owned(),
                size: None,
            });
        }
    }
    let cover = match card.has_cover {
        true => cover_kind(library, &card.id, card.revision).await,
        false => None,
    };
    Ok(Some(Entry { card, cover, files, changed_ms }))
}

fn title_of(made: &NarrationCard) -> String {
    let form = match made.output {
        NarrationOutput::Epub => "EPUB that reads aloud",
        NarrationOutput::M4b => "Audiobook (M4B)",
        NarrationOutput::Mp3 => "Audiobook (MP3)",
        NarrationOutput::Zip | NarrationOutput::None | NarrationOutput::Audiobookshelf => {
            "Audiobook (an MP3 for each chapter)"
        }
    };
    match made.first_chapter == made.last_chapter {
        true => format!("{form}, chapter {}", made.first_chapter),
        false => format!("{form}, chapters {} to {}", made.first_chapter, made.last_chapter),
    }
}

/// Pictures that every app shows (OPDS 2.0, section 2.2); a drawing is none.
const COVERS: [&str; 5] = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"];

/// What kind of picture a cover is, by its first bytes, remembered: the whole is read for it.
async fn cover_kind(library: &Library, book: &BookId, revision: u32) -> Option<&'static str> {
    static KINDS: LazyLock<Cache<(BookId, u32), Option<&'static str>>> = LazyLock::new(|| {
        Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build()
    });
    let key = (book.clone(), revision);
    if let Some(kind) = KINDS.get(&key).await {
        return kind;
    }
    // A cover that cannot be read now is looked at again.
    let kind = picture_type(&library.cover(book, None).await.ok()?);
    let kind = kind.filter(|kind| COVERS.contains(kind));
    KINDS.insert(key, kind).await;
    kind
}
