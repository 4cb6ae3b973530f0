//! Books as podcasts: a feed of the chapters that are made, in order, on an address of its own.
//!
//! RSS 2.0 with what Apple's podcasts and Podcasting 2.0 add. Only what is fully made is an episode, for its length in
//! bytes has to be exact and its bytes have to stay the same.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, UNIX_EPOCH};

use app::base::Base;
use app::model::{BookCard, BookDetails, FeedCard, Person};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use bytes::Bytes;
use futures::StreamExt;
use moka::future::Cache;
use quick_xml::events::BytesText;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa_axum::routes;

use super::extract::{ApiForm, ApiPath, BookPath};
use super::files::FileFacts;
use super::forms::{answer, refused, wants_page};
use super::openapi::NARRATIONS;
use super::routes::{Needs, Routes};
use super::xml::{self, Xml, empty, text};
use super::{ApiError, Visit, notice};
use crate::accounts::Feed;
use crate::jobs::Wanted;
use crate::library::Library;
use crate::library::pictures::picture_type;
use crate::narration::Narrator;
use crate::narration::stream::Recording;
use crate::text::hash::hex;
use crate::text::subtitles::SubtitleForm;

/// The page with one's feeds.
const PAGE: &str = "/narrations";
/// Namespaces of what is added to RSS.
const NAMESPACES: [(&str, &str); 4] = [
    ("version", "2.0"),
    ("xmlns:itunes", "http://www.itunes.com/dtds/podcast-1.0.dtd"),
    ("xmlns:podcast", "https://podcastindex.org/namespace/1.0"),
    ("xmlns:atom", "http://www.w3.org/2005/Atom"),
];
/// Between the dates of two episodes: apps sort by them.
const APART: Duration = Duration::from_secs(60);

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::ONESELF, routes!(make))
        .add(Needs::ONESELF, routes!(feeds))
        .add(Needs::ONESELF, routes!(end))
        .page(Needs::ONESELF, Method::POST, "/api/feeds/{feed}/delete", post(end))
        // The address is what lets an app in.
        .page(Needs::Nobody, Method::GET, "/feed/{feed}", get(feed))
        .page(Needs::Nobody, Method::GET, "/feed/{feed}/{file}", get(file))
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
        let token = state.door.accounts().make_feed(state.library.user(), &book, &voice).await?;
        // Without it the feed has what there is, which the page of the book says how to change.
        if let Err(error) = state.jobs.ask(&state.library, person.role, &wanted).await {
            tracing::info!(%error, "a feed has only what is made already");
        }
        let is_https = state.is_https(&headers, peer.ip());
        Ok::<_, ApiError>(state.site.page(&headers, is_https, &base, &format!("/feed/{token}")))
    };
    let page = format!("/book/{book}/take");
    match made.await {
        Ok(address) if wants_page(&headers) => notice::refused(&page, &address),
        Ok(page) => (StatusCode::CREATED, Json(NewFeed { page })).into_response(),
        Err(error) => refused(&headers, &page, error),
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

/// Answers for apps and players of other sites, and for no index of the web.
fn for_players(mut response: Response) -> Response {
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
    let Subscribed { feed, library, narrator } = subscribed(&state, &token).await?;
    let book = library.book(&feed.book).await?;
    let is_https = state.is_https(&headers, peer.ip());
    let at =
        |path: &str| state.site.page(&headers, is_https, &base, &format!("/feed/{token}{path}"));
    let (own, site) = (at(""), state.site.page(&headers, is_https, &base, "/"));
    // Every app asks every hour, and each chapter has to be looked at.
    let known = (own.clone(), book.card.revision);
    if let Some(text) = RENDERED.get(&known).await {
        return Ok(for_players(answer_with(&headers, text)));
    }
    let whole = 1..=book.card.chapters;
    let mut episodes = Vec::new();
    for number in narrator.heard_chapters(&book, &whole).await? {
        let recording = narrator.heard_recording(&feed.book, number, &feed.voice).await?;
        if recording.is_whole() && recording.bytes > 0 {
            episodes.push((number, recording));
        }
    }
    let text = rss(&book, &feed, &episodes, (&at, &site)).map_err(|error| {
        tracing::error!(%error, "a feed cannot be written");
        ApiError::Internal
    })?;
    let text = Bytes::from(text);
    RENDERED.insert(known, text.clone()).await;
    Ok(for_players(answer_with(&headers, text)))
}

/// A feed that is asked for again within this time is the same.
const RENDERED_FOR: Duration = Duration::from_secs(if cfg!(debug_assertions) { 1 } else { 30 });
/// Feeds that are remembered, with the address that they were asked for under and the revision of the book.
static RENDERED: LazyLock<Cache<(String, u32), Bytes>> =
    LazyLock::new(|| Cache::builder().max_capacity(200).time_to_live(RENDERED_FOR).build());

fn answer_with(headers: &HeaderMap, text: Bytes) -> Response {
    let tag = hex(&Sha256::digest(&text)[..16]);
    let kind = HeaderValue::from_static("application/rss+xml; charset=utf-8");
    let facts = FileFacts { kind, tag: &tag, size: text.len() as u64 };
    facts.answer(headers, |range| text.slice(range.start as usize..range.end as usize).into())
}

/// `GET /feed/{feed}/{file}`: an episode `3.mp3`, its transcript `3.vtt`, or the `cover`.
pub async fn file(
    state: Visit,
    method: Method,
    headers: HeaderMap,
    ApiPath((token, file)): ApiPath<(String, String)>,
) -> Result<Response, ApiError> {
    let subscribed = subscribed(&state, &token).await?;
    let Subscribed { feed, library, narrator } = &subscribed;
    let missing = || ApiError::NotFound("The feed has no such file.".to_owned());
    if file == "cover" {
        let cover = library.cover(&feed.book, None).await?;
        let kind = HeaderValue::from_static(picture_type(&cover).ok_or_else(missing)?);
        return Ok(for_players(([(header::CONTENT_TYPE, kind)], cover).into_response()));
    }
    let (number, form) = file.split_once('.').ok_or_else(missing)?;
    let number: u32 = number.parse().map_err(|_| missing())?;
    match form {
        "mp3" => {
            let recording = narrator.heard_recording(&feed.book, number, &feed.voice).await?;
            if !recording.is_whole() {
                return Err(missing());
            }
            Ok(for_players(episode(&state, narrator, (&method, &headers), recording)))
        }
        "vtt" => {
            let cues = narrator.cues(&feed.book, number, &feed.voice).await?;
            let text = SubtitleForm::Vtt.write(&cues.ok_or_else(missing)?);
            let kind = HeaderValue::from_static(SubtitleForm::Vtt.media_type());
            Ok(for_players(([(header::CONTENT_TYPE, kind)], text).into_response()))
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

/// A feed as RSS; `at` says where a file of it is.
fn rss(
    book: &BookDetails,
    feed: &Feed,
    episodes: &[(u32, Recording)],
    (at, site): (&dyn Fn(&str) -> String, &str),
) -> std::io::Result<String> {
    xml::document(|xml| {
        let root = xml.create_element("rss").with_attributes(NAMESPACES);
        root.write_inner_content(|xml| {
            let channel = xml.create_element("channel");
            channel.write_inner_content(|xml| {
                about(xml, &book.card, (at, site))?;
                episodes.iter().try_for_each(|(number, recording)| {
                    item(xml, book, feed, (*number, recording), at)
                })
            })?;
            Ok(())
        })?;
        Ok(())
    })
}

/// What the book is, as apps show it.
fn about(
    xml: &mut Xml,
    card: &BookCard,
    (at, site): (&dyn Fn(&str) -> String, &str),
) -> std::io::Result<()> {
    let byline = card.byline();
    text(xml, "title", &card.title)?;
    // The address of the feed is nobody else's business; apps show this one.
    text(xml, "link", site)?;
    text(xml, "description", &format!("{} · {byline}", card.title))?;
    text(xml, "language", &card.language)?;
    text(xml, "itunes:author", &byline)?;
    text(xml, "itunes:type", "serial")?;
    text(xml, "itunes:block", "Yes")?;
    text(xml, "itunes:explicit", "false")?;
    text(xml, "podcast:medium", "audiobook")?;
    let own = at("");
    let link = [("href", own.as_str()), ("rel", "self"), ("type", "application/rss+xml")];
    empty(xml, "atom:link", &link)?;
    if card.has_cover {
        empty(xml, "itunes:image", &[("href", &at("/cover"))])?;
    }
    Ok(())
}

fn item(
    xml: &mut Xml,
    book: &BookDetails,
    feed: &Feed,
    (number, recording): (u32, &Recording),
    at: &dyn Fn(&str) -> String,
) -> std::io::Result<()> {
    let title = book.chapters.iter().find(|chapter| chapter.number == number);
    let title = title.map_or_else(|| number.to_string(), |chapter| chapter.title.clone());
    // Before the feed was made: what is in the future, apps do not show.
    let before = APART * book.card.chapters.saturating_sub(number);
    let date = UNIX_EPOCH + Duration::from_millis(feed.made_at_ms).saturating_sub(before);
    let (sound, transcript) = (at(&format!("/{number}.mp3")), at(&format!("/{number}.vtt")));
    let length = recording.bytes.to_string();
    xml.create_element("item").write_inner_content(|xml| {
        text(xml, "title", &title)?;
        let guid = xml.create_element("guid").with_attribute(("isPermaLink", "false"));
        let name = format!("{}-{number}", feed.id);
        guid.write_text_content(BytesText::new(&name))?;
        text(xml, "pubDate", &httpdate::fmt_http_date(date))?;
        text(xml, "itunes:episode", &number.to_string())?;
        text(xml, "itunes:duration", &recording.duration().as_secs().to_string())?;
        let enclosure = [("url", &*sound), ("length", &*length), ("type", "audio/mpeg")];
        empty(xml, "enclosure", &enclosure)?;
        let transcript = [("url", &*transcript), ("type", "text/vtt")];
        empty(xml, "podcast:transcript", &transcript)
    })?;
    Ok(())
}
