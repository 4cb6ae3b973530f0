//! Sound over HTTP: the stream of a book, its timeline, and single clips.

use std::convert::Infallible;
use std::sync::Arc;

use app::model::BookId;
use app::preferences::{Rests, Skipped};
use app::words::{self, VoiceTroubles};
use axum::body::Body;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::extract::{
    ApiQuery, ChapterPath, ClipPath, FallbackQuery, ListenQuery, StreamPath, VoiceQuery,
};
use super::files::FileFacts;
use super::headers::CACHE_REVALIDATE;
use super::openapi::{Binary, LISTENING};
use super::routes::{Carries, Needs, Routes};
use super::{ApiError, Visit};
use crate::narration::NarrationError;
use crate::narration::plan::ChapterPlan;
use crate::narration::stream::{Extent, Recording};
use crate::narration::timeline::TimelineEvent;

const MP3: HeaderValue = HeaderValue::from_static("audio/mpeg");

/// Routes of streams.
pub fn streams() -> Routes {
    Routes::default()
        .carrying(Carries::Nothing, Needs::LISTEN, routes!(stream))
        .carrying(Carries::Nothing, Needs::LISTEN, routes!(timeline))
        .lasting(&["/listen/{book}/{chapter}", "/listen/{book}/{chapter}/timeline"])
}

/// Routes of clips.
pub fn clips() -> Routes {
    Routes::default().carrying(Carries::Nothing, Needs::LISTEN, routes!(clip))
}

/// Where a stream ends.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExtentQuery {
    /// “chapter”: with this one; “book”: it runs on into the following ones; a chapter that is fully made is a file of its own when left out, and any other runs on
    to: Option<String>,
}

/// The book as one stream, from this chapter on.
///
/// It runs on into the following chapters to the end of the book. A chapter whose clips have all been made is answered
/// as a file of its own, with `Content-Length`, `ETag` and `Range`, unless it is to run on.
#[utoipa::path(
    get, path = "/listen/{book}/{chapter}", tag = LISTENING,
    params(StreamPath, ListenQuery, FallbackQuery, ExtentQuery),
    responses(
        (status = 200, body = Binary, content_type = "audio/mpeg"),
        (status = 206, body = Binary, content_type = "audio/mpeg"),
        (status = 416, description = "The range lies outside"),
    )
)]
pub async fn stream(
    state: Visit,
    method: Method,
    headers: HeaderMap,
    StreamPath { book, chapter }: StreamPath,
    ApiQuery(query): ApiQuery<ListenQuery>,
    ApiQuery(others): ApiQuery<FallbackQuery>,
    ApiQuery(ExtentQuery { to }): ApiQuery<ExtentQuery>,
) -> Result<Response, ApiError> {
    let extent = extent(to.as_deref())?;
    let (plan, from) = opened(&state, (&book, chapter), &query, &others, extent).await?;
    if extent != Some(Extent::Book)
        && let Some(recording) = state.narrator.recording(&plan, from).await?
    {
        return Ok(file_response(&state, &headers, recording));
    }
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let sound = state.narrator.live(plan, from, extent.unwrap_or(Extent::Book));
        body(&state, sound)
    };
    let headers = [
        (header::CONTENT_TYPE, MP3),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("none")),
    ];
    Ok((headers, body).into_response())
}

fn extent(to: Option<&str>) -> Result<Option<Extent>, ApiError> {
    match to {
        None | Some("") => Ok(None),
        Some("book") => Ok(Some(Extent::Book)),
        Some("chapter") => Ok(Some(Extent::Chapter)),
        Some(_) => {
            let reason = "must be “chapter” or “book”".to_owned();
            Err(ApiError::BadParameter { name: "to", reason })
        }
    }
}

/// The chapter as it is heard, and where it begins. What runs on is listened to now: where its voice is slow, it
/// begins so that nobody waits long.
async fn opened(
    state: &Visit,
    (book, chapter): (&BookId, u32),
    query: &ListenQuery,
    others: &FallbackQuery,
    extent: Option<Extent>,
) -> Result<(Arc<ChapterPlan>, usize), ApiError> {
    let plan = planned(state, (book, chapter), query, others.fallback.as_deref()).await?;
    let from = query.from(plan.segments.len())?;
    if extent != Some(Extent::Book) {
        return Ok((plan, from));
    }
    let starter = match &others.starter {
        Some(named) => named.clone(),
        None => state.library.preferences().await?.starter,
    };
    Ok((state.narrator.opened(plan, from, &starter).await?, from))
}

/// A recording as a file: conditional, and in parts if asked.
fn file_response(state: &Visit, headers: &HeaderMap, recording: Recording) -> Response {
    let file = FileFacts { kind: MP3, tag: &recording.tag.clone(), size: recording.bytes };
    file.answer(headers, |range| body(state, state.narrator.play(recording, range)))
}

/// A body that ends early when the server stops, so that open streams do not keep it from doing so.
fn body(
    state: &Visit,
    sound: impl Stream<Item = Result<Bytes, NarrationError>> + Send + 'static,
) -> Body {
    let shutdown = state.shutdown.clone().cancelled_owned();
    let logged = sound.inspect(|piece| {
        if let Err(error) = piece {
            tracing::warn!(%error, "a stream broke off");
        }
    });
    Body::from_stream(logged.take_until(shutdown).take_until(Box::pin(state.logged_out())))
}

/// The chapter in the voice that is asked for, and with the one that speaks what that cannot: the parameter
/// `fallback`, or the listener's choice when there is none.
async fn planned(
    state: &Visit,
    (book, chapter): (&BookId, u32),
    query: &ListenQuery,
    fallback: Option<&str>,
) -> Result<Arc<ChapterPlan>, ApiError> {
    let plan = rested(state, book, chapter, query).await?;
    let chosen = match fallback {
        Some(named) => return Ok(state.narrator.with_fallback(plan, named).await?),
        None => state.library.preferences().await?.fallback,
    };
    match state.narrator.with_fallback(Arc::clone(&plan), &chosen).await {
        Ok(plan) => Ok(plan),
        Err(error) => {
            // A voice that was chosen once and is gone keeps nobody from listening.
            tracing::debug!(%error, "the voice for when another fails is not there");
            Ok(plan)
        }
    }
}

/// The plan of a chapter with the pauses that `pauses` names and without what `skip` names; as the listener has
/// chosen, where they are left out.
pub(super) async fn rested(
    state: &Visit,
    book: &BookId,
    chapter: u32,
    query: &ListenQuery,
) -> Result<Arc<ChapterPlan>, ApiError> {
    let chosen = state.library.preferences().await?;
    let rests = match query.pauses.as_deref() {
        None | Some("") => chosen.rests(),
        Some(named) => Rests::parse(named).ok_or_else(|| {
            let reason = "must be “normal”, “brisk”, “calm” or “own-5-5-5-5”, with steps from 1 to 9 \
                          for sentences, paragraphs, headings and breaks";
            ApiError::BadParameter { name: "pauses", reason: reason.to_owned() }
        })?,
    };
    let skipped = match query.skip.as_deref() {
        None => chosen.skipped_in(book),
        Some(list) => Skipped::parse(list).ok_or_else(|| {
            let reason = format!("must be a list of {}", Skipped::NAMES);
            ApiError::BadParameter { name: "skip", reason }
        })?,
    };
    let plan = state.narrator.plan_worded(book, chapter, &query.voice, skipped.wording).await?;
    let from = query.from.as_deref().and_then(|from| from.parse().ok()).unwrap_or(0);
    Ok(state.narrator.as_chosen(plan.with_rests(rests), skipped, from).await?)
}

/// When each sentence of the stream is heard, as server-sent events: of the stream with the same parameters, `to` among
/// them.
///
/// `entries`: sentences, in order, with times counted from the sentence `from`, as they become
/// known. `end`: when the chapter ends, and the one that follows. `failed`: why the voice could not
/// go on.
#[utoipa::path(
    get, path = "/listen/{book}/{chapter}/timeline", tag = LISTENING,
    params(ChapterPath, ListenQuery, FallbackQuery, ExtentQuery),
    responses((status = 200, body = Object, content_type = "text/event-stream"))
)]
pub async fn timeline(
    state: Visit,
    headers: HeaderMap,
    ChapterPath { book, chapter }: ChapterPath,
    ApiQuery(query): ApiQuery<ListenQuery>,
    ApiQuery(others): ApiQuery<FallbackQuery>,
    ApiQuery(ExtentQuery { to }): ApiQuery<ExtentQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let extent = extent(to.as_deref())?;
    let (plan, from) = opened(&state, (&book, chapter), &query, &others, extent).await?;
    let runs_the_place = state.runs_the_place();
    let chosen = state.library.recent_preferences().await?.tongue;
    let words = &words::of(chosen, accepted(&headers)).voice_troubles;
    let events = state.narrator.timeline(plan, from);
    let events = events.map(move |event| Ok::<_, Infallible>(sse(event, words, runs_the_place)));
    let shutdown = state.shutdown.clone().cancelled_owned();
    let events = events.take_until(shutdown).take_until(Box::pin(state.logged_out()));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

fn accepted(headers: &HeaderMap) -> &str {
    headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn sse(
    event: Result<TimelineEvent, NarrationError>,
    words: &VoiceTroubles,
    runs_the_place: bool,
) -> Event {
    let named = match event {
        Ok(TimelineEvent::Entries(entries)) => Event::default().event("entries").json_data(entries),
        Ok(TimelineEvent::End(end)) => Event::default().event("end").json_data(end),
        Err(error) => {
            let reason = match error.of_voice() {
                Some(error) if runs_the_place => error.said_in_full(words),
                Some(error) => error.said(words),
                None => ApiError::from(error).to_string(),
            };
            Event::default().event("failed").json_data(reason)
        }
    };
    // Plain numbers and strings always serialise.
    named.unwrap_or_default()
}

/// One sentence, made now if it has to be.
#[utoipa::path(
    get, path = "/audio/{book}/{chapter}/{sentence}", tag = LISTENING, params(ClipPath, VoiceQuery),
    responses((status = 200, body = Binary, content_type = "audio/mpeg"))
)]
pub async fn clip(
    state: Visit,
    headers: HeaderMap,
    ClipPath { book, chapter, sentence }: ClipPath,
    ApiQuery(VoiceQuery { voice }): ApiQuery<VoiceQuery>,
) -> Result<Response, ApiError> {
    let plan = state.narrator.plan(&book, chapter, &voice).await?;
    let no_sentence = || ApiError::NotFound("The chapter has no such sentence.".to_owned());
    let segment = plan.segments.get(sentence as usize).ok_or_else(no_sentence)?;
    // What cannot be spoken is its silence, as in the stream.
    let name = match (segment.jobs(), segment.silence()) {
        ([], Some(silence)) => format!("silence-{}", silence.length.samples),
        ([], None) => return Err(no_sentence()),
        (jobs, _) => {
            let contents = jobs.iter().map(|job| job.content.to_string());
            contents.collect::<Vec<_>>().join("-")
        }
    };
    let tag = format!("\"{name}\"");
    let entity = [(header::ETAG, tag.clone())];
    // How the words of a sentence are said may change, and the default voice.
    let policy = CACHE_REVALIDATE;
    let fixed = [(header::CONTENT_TYPE, MP3), (header::CACHE_CONTROL, policy)];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, fixed, entity).into_response());
    }
    let bytes = match (segment.jobs(), segment.silence()) {
        ([job], _) => state.narrator.hear(job).await?.bytes,
        ([], Some(silence)) => silence.bytes.clone(),
        (jobs, _) => {
            let mut bytes = BytesMut::new();
            for job in jobs {
                bytes.extend_from_slice(&state.narrator.hear(job).await?.bytes);
            }
            bytes.freeze()
        }
    };
    Ok((fixed, entity, bytes).into_response())
}
