//! Books as podcasts: a feed of the chapters that are made, in order, on an address of its own.
//!
//! Only what is fully made is an episode, for its length in bytes has to be exact and its bytes have to stay the same.

mod rss;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use app::base::Base;
use app::model::{BookCard, BookDetails, BookId, FeedCard, Person};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use bytes::Bytes;
use futures::StreamExt;
use moka::future::Cache;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiPath, ApiQuery, BookPath};
use super::files::FileFacts;
use super::forms::{answer, refused, wants_page};
use super::openapi::NARRATIONS;
use super::routes::{Needs, Routes};
use super::{ApiError, Visit, notice};
use crate::accounts::Feed;
use crate::jobs::{Jobs, Wanted};
use crate::library::Library;
use crate::library::pictures::picture_type;
use crate::narration::Narrator;
use crate::narration::stream::Recording;
use crate::text::hash::hex;
use crate::text::subtitles::SubtitleForm;
use rss::{Addresses, Episode, Podcast};

/// The page with one's feeds.
const PAGE: &str = "/narrations";
/// What a feed of all that somebody reads is called.
const SHELF_TITLE: &str = "Earmark";
/// Books that such a feed has: each of their chapters is looked at.
const MAX_BOOKS: usize = 30;
/// Between the dates of two episodes: apps sort by them.
const APART: Duration = Duration::from_secs(60);

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ONESELF, routes!(make))
        .add(Needs::ONESELF, routes!(feeds, make_shelf))
        .add(Needs::ONESELF, routes!(end))
        .page(Needs::ONESELF, Method::POST, "/api/feeds/{feed}/delete", post(end))
}

/// Those of apps and of players on other sites: the address is what lets one in, and nothing is made.
pub fn for_apps() -> Routes {
    Routes::default()
        .page(Needs::Nobody, Method::GET, "/feed/{feed}", get(feed))
        .page(Needs::Nobody, Method::GET, "/feed/{feed}/{file}", get(file))
        .map(|routes| routes.layer(map_response(for_players)))
}

/// A feed to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct FeedForm {
    /// A voice’s id; the usual one when left out
    #[serde(default)]
    voice: String,
}

/// A feed, as it is said once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewFeed {
    /// The address to subscribe to
    page: String,
}

/// Makes an address at which a podcast app gets the book. It is said in the answer and never again.
///
/// What costs nothing is made from the first chapter on; the chapters that are made are the episodes.
#[utoipa::path(
    post, path = "/api/books/{book}/feeds", tag = NARRATIONS, params(BookPath),
    request_body(content = FeedForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = NewFeed))
)]
pub async fn make(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    headers: HeaderMap,
    BookPath { book }: BookPath,
    ApiForm(form): ApiForm<FeedForm>,
) -> Response {
    let Extension(base) = base.unwrap_or_default();
    let made = async {
        let wanted = Wanted { voice: form.voice.trim().to_owned(), ..Wanted::of(book.clone()) };
        let voice = state.jobs.estimate(&state.library, &wanted).await?.voice;
        let of = Some((&book, voice.as_str()));
        let token = state.door.accounts().make_feed(state.library.user(), of).await?;
        // Without it the feed has what there is, which the page of the book says how to change.
        if let Err(error) = state.jobs.ask(&state.library, person.role, &wanted).await {
            tracing::info!(%error, "a feed has only what is made already");
        }
        let is_https = state.is_https(&headers, peer.ip());
        Ok::<_, ApiError>(state.site.page(&headers, is_https, &base, &format!("/feed/{token}")))
    };
    let page = format!("/book/{book}/take");
    said(&headers, &page, made.await)
}

/// Makes an address at which a podcast app gets all that one reads: the chapters that are made of the 30 books that were
/// read or added last, each by whoever reads it. It is said in the answer and never again, and has nothing made.
#[utoipa::path(post, path = "/api/feeds", tag = NARRATIONS, responses((status = 201, body = NewFeed)))]
pub async fn make_shelf(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    headers: HeaderMap,
) -> Response {
    let Extension(base) = base.unwrap_or_default();
    let made = state.door.accounts().make_feed(state.library.user(), None).await;
    let is_https = state.is_https(&headers, peer.ip());
    let made = made.map_err(ApiError::from);
    let made =
        made.map(|token| state.site.page(&headers, is_https, &base, &format!("/feed/{token}")));
    said(&headers, PAGE, made)
}

/// Says the address of a feed, once.
fn said(headers: &HeaderMap, page: &str, made: Result<String, ApiError>) -> Response {
    match made {
        Ok(address) if wants_page(headers) => notice::refused(page, &address),
        Ok(page) => (StatusCode::CREATED, Json(NewFeed { page })).into_response(),
        Err(error) => refused(headers, page, error),
    }
}

/// One’s feeds, the newest first.
#[utoipa::path(get, path = "/api/feeds", tag = NARRATIONS, responses((status = 200, body = Vec<FeedCard>)))]
pub async fn feeds(state: Visit) -> Result<Json<Vec<FeedCard>>, ApiError> {
    Ok(Json(state.door.accounts().feeds(state.library.user()).await?))
}

/// Withdraws a feed: its address leads nowhere any more.
#[utoipa::path(
    delete, path = "/api/feeds/{feed}", tag = NARRATIONS,
    params(("feed" = String, Path, description = "As the list has it")), responses((status = 204))
)]
pub async fn end(
    state: Visit,
    ApiPath(feed): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ended = state.door.accounts().end_feed(state.library.user(), &feed).await?;
    let missing = || ApiError::NotFound("There is no such feed.".to_owned());
    let done = if ended { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) };
    Ok(answer(&headers, PAGE, done))
}

/// A book, who reads it, and its chapters that are made.
type Shelved = (BookDetails, String, Vec<(u32, Recording)>);

/// What a feed is made of.
struct Subscribed {
    feed: Feed,
    library: Library,
    narrator: Narrator,
}

async fn subscribed(state: &Visit, token: &str) -> Result<Subscribed, ApiError> {
    let missing = || ApiError::NotFound("There is no such feed.".to_owned());
    let feed = state.door.accounts().feed(token).await?.ok_or_else(missing)?;
    let library = state.library.of(&feed.user);
    // What is heard by a feed was made before, or by a narration that was paid for.
    let narrator = state.narrator.of(library.clone()).without_spending();
    Ok(Subscribed { feed, library, narrator })
}

/// Answers for apps and players of other sites, refusals among them, and for no index of the web.
async fn for_players(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        ("cross-origin-resource-policy", "cross-origin"),
        ("access-control-allow-origin", "*"),
        ("x-robots-tag", "noindex"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// `GET /feed/{feed}`: the episodes.
pub async fn feed(
    state: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    base: Option<Extension<Base>>,
    headers: HeaderMap,
    ApiPath(token): ApiPath<String>,
) -> Result<Response, ApiError> {
    let Extension(base) = base.unwrap_or_default();
    let subscribed = subscribed(&state, &token).await?;
    let is_https = state.is_https(&headers, peer.ip());
    let at = |path: &str| state.site.page(&headers, is_https, &base, path);
    // Every app asks every hour, and each chapter has to be looked at.
    let (own, site) = (at(&format!("/feed/{token}")), at("/"));
    let revision = match &subscribed.feed.of {
        Some((book, _)) => subscribed.library.book(book).await?.card.revision,
        None => 0,
    };
    let known = (own.clone(), revision);
    let rendering = async {
        let podcast = match subscribed.feed.of.clone() {
            Some((book, voice)) => subscribed.of_book(&book, &voice).await?,
            None => subscribed.of_shelf(&state.jobs).await?,
        };
        let text = podcast.rss(&Addresses { own, site }).map_err(|error| {
            tracing::error!(%error, "a feed cannot be written");
            ApiError::Internal
        })?;
        Ok::<_, ApiError>(Bytes::from(text))
    };
    let rendered = if subscribed.feed.of.is_some() { &BOOKS } else { &SHELVES };
    // Apps that ask at the same time wait for the same.
    let text = rendered.try_get_with(known, rendering).await;
    let text = text.map_err(Arc::unwrap_or_clone)?;
    Ok(answer_with(&headers, text))
}

impl Subscribed {
    /// The chapters of a book that are made, in order.
    async fn of_book(&self, book: &BookId, voice: &str) -> Result<Podcast, ApiError> {
        let book = self.library.book(book).await?;
        let made_at = UNIX_EPOCH + Duration::from_millis(self.feed.made_at_ms);
        let episodes = self.episodes(&book, voice).await?;
        let episode = |(number, recording): (u32, Recording)| Episode {
            guid: format!("{}-{number}", self.feed.id),
            title: titled(&book, number),
            number: Some(number),
            image: None,
            sound: format!("{number}.mp3"),
            transcript: format!("{number}.vtt"),
            published: before(made_at, &book, number),
            recording,
        };
        Ok(Podcast {
            title: book.card.title.clone(),
            byline: book.card.byline(),
            language: book.card.language.clone(),
            image: book.card.has_cover.then(|| "cover".to_owned()),
            is_serial: true,
            episodes: episodes.into_iter().map(episode).collect(),
        })
    }

    /// The chapters that are made of the books that the person read or got last, each by whoever reads it to them.
    async fn of_shelf(&self, jobs: &Jobs) -> Result<Podcast, ApiError> {
        let mut podcast = Podcast {
            title: SHELF_TITLE.to_owned(),
            byline: SHELF_TITLE.to_owned(),
            language: String::new(),
            image: None,
            is_serial: false,
            episodes: Vec::new(),
        };
        for card in self.library.books().await?.into_iter().take(MAX_BOOKS) {
            if !self.narrator.has_clips(&card.id).await? {
                continue;
            }
            // One that was deleted a moment ago, or whose voice is gone, keeps no other from being heard.
            let (book, voice, episodes) = match self.of_card(&card, jobs).await {
                Err(ApiError::Internal) => return Err(ApiError::Internal),
                Err(error) => {
                    tracing::debug!(%error, "a book is not in the feed of a shelf");
                    continue;
                }
                Ok(found) => found,
            };
            let query = utf8_percent_encode(&voice, NON_ALPHANUMERIC).to_string();
            let id = &book.card.id;
            for (number, recording) in episodes {
                let made_at = Duration::from_millis(self.narrator.made_at_ms(&recording).await?);
                podcast.episodes.push(Episode {
                    guid: format!("{}-{id}-{number}", self.feed.id),
                    title: format!("{}: {}", book.card.title, titled(&book, number)),
                    number: None,
                    image: book.card.has_cover.then(|| format!("{id}-cover")),
                    // What an address gives stays the same, though somebody else reads the book from now on.
                    sound: format!("{id}-{number}.mp3?voice={query}"),
                    transcript: format!("{id}-{number}.vtt?voice={query}"),
                    published: UNIX_EPOCH + made_at,
                    recording,
                });
            }
        }
        Ok(podcast)
    }

    /// A book of the shelf, who reads it, and what is made of it.
    async fn of_card(&self, card: &BookCard, jobs: &Jobs) -> Result<Shelved, ApiError> {
        let book = self.library.book(&card.id).await?;
        let voice = jobs.usual_voice(&book);
        let episodes = self.episodes(&book, &voice).await?;
        Ok((book, voice, episodes))
    }

    /// The chapters of a book that are made in a voice.
    async fn episodes(
        &self,
        book: &BookDetails,
        voice: &str,
    ) -> Result<Vec<(u32, Recording)>, ApiError> {
        let mut episodes = Vec::new();
        for number in self.narrator.heard_chapters(book, &(1..=book.card.chapters)).await? {
            let recording = self.narrator.heard_recording(&book.card.id, number, voice).await?;
            if recording.is_whole() && recording.bytes > 0 {
                episodes.push((number, recording));
            }
        }
        Ok(episodes)
    }
}

fn titled(book: &BookDetails, number: u32) -> String {
    let title = book.chapters.iter().find(|chapter| chapter.number == number);
    title.map_or_else(|| number.to_string(), |chapter| chapter.title.clone())
}

/// The date of a chapter: in the order of the book, and in the past, for what is in the future apps do not show.
fn before(last: SystemTime, book: &BookDetails, number: u32) -> SystemTime {
    let before = APART * book.card.chapters.saturating_sub(number);
    last.checked_sub(before).unwrap_or(UNIX_EPOCH)
}

/// Feeds that are remembered, with the address that they were asked for under and the revision of the book.
type Rendered = Cache<(String, u32), Bytes>;
/// The feed of a book that is asked for again within half a minute is the same.
static BOOKS: LazyLock<Rendered> = LazyLock::new(|| rendered(Duration::from_secs(30)));
/// That of a shelf within five: up to thirty books have to be looked at.
static SHELVES: LazyLock<Rendered> = LazyLock::new(|| rendered(Duration::from_secs(300)));

fn rendered(time: Duration) -> Rendered {
    let time = if cfg!(debug_assertions) { Duration::from_secs(1) } else { time };
    Cache::builder().max_capacity(200).time_to_live(time).build()
}

fn answer_with(headers: &HeaderMap, text: Bytes) -> Response {
    let tag = hex(&Sha256::digest(&text)[..16]);
    let kind = HeaderValue::from_static("application/rss+xml; charset=utf-8");
    let facts = FileFacts { kind, tag: &tag, size: text.len() as u64 };
    facts.answer(headers, |range| text.slice(range.start as usize..range.end as usize).into())
}

/// Who reads, where the feed does not say it.
#[derive(Debug, Default, Deserialize)]
pub struct FileQuery {
    #[serde(default)]
    voice: String,
}

/// `GET /feed/{feed}/{file}`: an episode `3.mp3`, its transcript `3.vtt`, or the `cover`; in the feed of a shelf behind
/// the id of the book.
pub async fn file(
    state: Visit,
    method: Method,
    headers: HeaderMap,
    ApiPath((token, file)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<FileQuery>,
) -> Result<Response, ApiError> {
    let Subscribed { feed, library, narrator } = subscribed(&state, &token).await?;
    let missing = || ApiError::NotFound("The feed has no such file.".to_owned());
    let (book, voice, file) = match feed.of {
        Some((book, voice)) => (book, voice, file.as_str()),
        None => {
            let (book, file) = file.split_once('-').ok_or_else(missing)?;
            (book.parse().map_err(|_| missing())?, query.voice, file)
        }
    };
    if file == "cover" {
        let cover = library.cover(&book, None).await?;
        let kind = HeaderValue::from_static(picture_type(&cover).ok_or_else(missing)?);
        return Ok(([(header::CONTENT_TYPE, kind)], cover).into_response());
    }
    let (number, form) = file.split_once('.').ok_or_else(missing)?;
    let number: u32 = number.parse().map_err(|_| missing())?;
    match form {
        "mp3" => {
            let recording = narrator.heard_recording(&book, number, &voice).await?;
            if !recording.is_whole() {
                return Err(missing());
            }
            Ok(episode(&state, &narrator, (&method, &headers), recording))
        }
        "vtt" => {
            let cues = narrator.cues(&book, number, &voice).await?;
            let text = SubtitleForm::Vtt.write(&cues.ok_or_else(missing)?);
            let kind = HeaderValue::from_static(SubtitleForm::Vtt.media_type());
            Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
        }
        _ => Err(missing()),
    }
}

/// A chapter that is made, as a file.
pub(super) fn episode(
    state: &Visit,
    narrator: &Narrator,
    (method, headers): (&Method, &HeaderMap),
    recording: Recording,
) -> Response {
    let facts = FileFacts {
        kind: HeaderValue::from_static("audio/mpeg"),
        tag: &recording.tag.clone(),
        size: recording.bytes,
    };
    facts.answer(headers, |range| {
        if *method == Method::HEAD {
            return Body::empty();
        }
        let shutdown = state.shutdown.clone().cancelled_owned();
        Body::from_stream(narrator.play(recording, range).take_until(shutdown))
    })
}
