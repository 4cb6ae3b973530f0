//! Books that are narrated ahead.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::model::{
    BookId, NarrationCard, NarrationEstimate, NarrationOutput, NarrationState, NarrationStats,
    Person, Scope,
};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Json};
use futures::{Stream, StreamExt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::{ApiEither, ApiPath, ApiQuery};
use super::files::FileFacts;
use super::forms::{answer, in_address, refused, wants_page};
use super::openapi::{Binary, NARRATIONS};
use super::routes::{Carries, Needs, Routes};
use super::{ApiError, Visit};
use crate::jobs::{JobError, QuietHours, Wanted, Whose, parse_chapters};
use crate::time::{now_ms, parse_rfc3339};

/// The page that lists them.
const PAGE: &str = "/narrations";
/// How often is looked what has changed, as long as somebody listens for it.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Their routes.
pub fn router() -> Routes {
    Routes::default()
        .add(Needs::NARRATE, routes!(list, ask))
        .add(Needs::NARRATE, routes!(stats))
        .add(Needs::NARRATE, routes!(all_events))
        .add(Needs::NARRATE, routes!(one, cancel))
        .page(Needs::NARRATE, Method::POST, "/api/narrations/{narration}/delete", post(cancel))
        .carrying(Carries::Nothing, Needs::NARRATE, routes!(file))
        .add(Needs::NARRATE, routes!(pause))
        .add(Needs::NARRATE, routes!(resume))
        .add(Needs::NARRATE, routes!(retry))
        .add(Needs::NARRATE, routes!(events))
        .lasting(&["/api/narrations/events", "/api/narrations/{narration}/events"])
        .add(Needs::NARRATE, routes!(queue, enqueue))
        .add(Needs::NARRATE, routes!(queued, dequeue))
}

/// What is to be narrated.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct NarrationForm {
    /// The book’s id
    book: String,
    /// A voice’s id; that of the person’s place in the book, or the book’s default, when left out
    #[serde(default)]
    voice: String,
    /// The chapters: “3”, or “3-7”; all of them when left out
    #[serde(default)]
    chapters: String,
    /// When it may begin, as “2026-12-24T01:00:00Z” (RFC 3339), or “quiet” for the quiet
    /// hours, where there are some; at once when left out
    #[serde(default)]
    at: String,
    /// The same, in so many hours from now
    #[serde(default)]
    in_hours: u64,
    /// A file that it becomes: “mp3”, one with chapters; “zip”, one a chapter; “m4b”, one with chapters; “epub”, one that
    /// reads aloud; none when left out
    #[serde(default)]
    output: String,
    /// What it may cost at most
    #[serde(default)]
    max_cost: f64,
    /// Only says what it would take
    #[serde(default)]
    dry_run: bool,
    /// Of a form: the voice and the chapters that its estimate is of
    #[serde(default)]
    estimated: Option<String>,
}

impl NarrationForm {
    fn wanted(&self, quiet: Option<QuietHours>) -> Result<Wanted, ApiError> {
        let wrong = |name: &'static str, reason: &str| ApiError::BadParameter {
            name,
            reason: reason.to_owned(),
        };
        let later = match self.in_hours {
            0 => 0,
            hours => now_ms().saturating_add(hours.saturating_mul(3_600_000)),
        };
        let at_ms = match self.at.trim() {
            "" => 0,
            "quiet" => quiet
                .map(|quiet| quiet.next_ms())
                .ok_or_else(|| wrong("at", "needs quiet hours, which are not set"))?,
            text => parse_rfc3339(text)
                .ok_or_else(|| wrong("at", "must be “quiet”, or like “2026-12-24T01:00:00Z”"))?,
        };
        Ok(Wanted {
            book: book(&self.book)?,
            voice: self.voice.trim().to_owned(),
            chapters: parse_chapters(&self.chapters)?,
            at_ms: at_ms.max(later),
            max_cost: if self.max_cost.is_finite() { self.max_cost } else { 0.0 },
            output: NarrationOutput::named(self.output.trim())
                .ok_or_else(|| wrong("output", "must be mp3, zip, m4b, epub or nothing"))?,
        })
    }
}

fn book(id: &str) -> Result<BookId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound("There is no such book.".to_owned()))
}

/// Whose narrations are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those in this state
    state: Option<String>,
    /// “true”: everybody’s, for admins
    #[serde(default)]
    all: bool,
}

/// Whose are shown: a person's own, unless an admin asks for everybody's.
fn whose<'a>(state: &'a Visit, person: &Person, all: bool) -> Result<Whose<'a>, ApiError> {
    if all && !person.runs_the_place() {
        return Err(ApiError::NotAllowed);
    }
    Ok(Whose { viewer: state.library.user(), everybodys: all })
}

/// Whose may be changed: a person's own, and everybody's by an admin.
fn of_whom<'a>(state: &'a Visit, person: &Person) -> Whose<'a> {
    Whose { viewer: state.library.user(), everybodys: person.runs_the_place() }
}

/// One’s narrations, the newest first.
#[utoipa::path(
    get, path = "/api/narrations", tag = NARRATIONS, params(ListQuery),
    responses((status = 200, body = Vec<NarrationCard>))
)]
pub async fn list(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<Vec<NarrationCard>>, ApiError> {
    let named = query.state.as_deref().filter(|name| !name.is_empty());
    let wanted = named.map(NarrationState::named);
    if wanted == Some(None) {
        let reason = "is none that a narration can be in".to_owned();
        return Err(ApiError::BadParameter { name: "state", reason });
    }
    let whose = whose(&state, &person, query.all)?;
    Ok(Json(state.jobs.list(whose, wanted.flatten()).await?))
}

/// Has a book, or a part of it, narrated ahead.
///
/// Nobody who listens waits for it. With `dry_run` the answer only says what it would take. What costs money begins when
/// `max_cost` is as much. The same, asked for again while it is not done, is the same.
#[utoipa::path(
    post, path = "/api/narrations", tag = NARRATIONS,
    request_body(content(
        (NarrationForm = "application/json"),
        (NarrationForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 202, description = "It waits for its turn", body = NarrationCard),
        (status = 200, description = "The same is there, or what it would take", body = AnswerToAsking),
    )
)]
pub async fn ask(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    headers: HeaderMap,
    ApiEither(form): ApiEither<NarrationForm>,
) -> Response {
    let seen = format!("{} {}", form.voice, form.chapters);
    if wants_page(&headers) && form.estimated.as_ref().is_some_and(|estimated| *estimated != seen) {
        // What is chosen now is none of what was shown: it is shown first.
        let (voice, chapters) = (in_address(&form.voice), in_address(&form.chapters));
        let page = format!("/book/{}/narration?voice={voice}&chapters={chapters}", form.book);
        return match book(&form.book) {
            Ok(_) => Redirect::to(&page).into_response(),
            Err(error) => refused(&headers, "/", error),
        };
    }
    let asked = async {
        let wanted = form.wanted(state.jobs.quiet_hours())?;
        if form.dry_run {
            let estimate = state.jobs.estimate(&state.library, &wanted).await?;
            return Ok(Json(estimate).into_response());
        }
        let asked = begin(&state, &person, &wanted).await?;
        let status = if asked.is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
        Ok((status, Json(asked.card)).into_response())
    };
    match asked.await {
        Ok(_) if wants_page(&headers) => Redirect::to(PAGE).into_response(),
        Ok(response) => response,
        Err(error) => {
            let page = match book(&form.book) {
                Ok(book) => {
                    let (voice, chapters) = (in_address(&form.voice), in_address(&form.chapters));
                    format!("/book/{book}/narration?voice={voice}&chapters={chapters}")
                }
                Err(_) => "/".to_owned(),
            };
            refused(&headers, &page, error)
        }
    }
}

async fn begin(
    state: &Visit,
    person: &Person,
    wanted: &Wanted,
) -> Result<crate::jobs::Asked, ApiError> {
    // A program that may spend nothing agrees to nothing.
    let max_cost = if person.may(Scope::Spend) { wanted.max_cost } else { 0.0 };
    let wanted = Wanted { max_cost, ..wanted.clone() };
    Ok(state.jobs.ask(&state.library, person.role, &wanted).await?)
}

/// A narration, or what one would take.
#[derive(ToSchema)]
#[allow(dead_code, clippy::large_enum_variant, reason = "it describes an answer")]
#[schema(description = "A narration, or with `dry_run` what one would take")]
#[serde(untagged)]
pub enum AnswerToAsking {
    /// The narration
    Narration(NarrationCard),
    /// What it would take
    Estimate(NarrationEstimate),
}

/// What is being narrated for oneself, and how it goes.
#[utoipa::path(
    get, path = "/api/narrations/stats", tag = NARRATIONS, params(AllQuery),
    responses((status = 200, body = NarrationStats))
)]
pub async fn stats(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiQuery(AllQuery { all }): ApiQuery<AllQuery>,
) -> Result<Json<NarrationStats>, ApiError> {
    Ok(Json(state.jobs.stats(whose(&state, &person, all)?).await?))
}

/// Whether everybody's are meant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AllQuery {
    /// “true”: everybody’s, for admins
    #[serde(default)]
    all: bool,
}

/// A narration.
#[utoipa::path(
    get, path = "/api/narrations/{narration}", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = NarrationCard))
)]
pub async fn one(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(narration): ApiPath<String>,
) -> Result<Json<NarrationCard>, ApiError> {
    Ok(Json(state.jobs.get(of_whom(&state, &person), &narration).await?))
}

/// Calls a narration off. What has been made of it stays.
#[utoipa::path(
    delete, path = "/api/narrations/{narration}", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = NarrationCard))
)]
pub async fn cancel(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(narration): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let done = state.jobs.cancel(of_whom(&state, &person), &narration).await;
    changed(&headers, done.map_err(ApiError::from))
}

/// The file of a narration, in parts if asked. It is kept for 14 days.
#[utoipa::path(
    get, path = "/api/narrations/{narration}/file", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses(
        (status = 200, content(
            (Binary = "audio/mpeg"), (Binary = "application/zip"), (Binary = "audio/mp4"),
            (Binary = "application/epub+zip"),
        )),
        (status = 206, body = Binary, content_type = "audio/mpeg"),
        (status = 416, description = "The range lies outside"),
    )
)]
pub async fn file(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    method: Method,
    ApiPath(narration): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let card = state.jobs.get(of_whom(&state, &person), &narration).await?;
    let size = card.file_bytes.ok_or(JobError::NoFile)?;
    let tag = format!("{}-{size}", card.id);
    let kind = HeaderValue::from_static(card.output.media_type());
    let mut wanted = None;
    let facts = FileFacts { kind, tag: &tag, size };
    let response = facts.answer(&headers, |range| {
        wanted = Some(range);
        Body::empty()
    });
    let (mut parts, empty) = response.into_parts();
    let body = match wanted.filter(|_| method != Method::HEAD) {
        Some(range) => {
            let shutdown = state.shutdown.clone().cancelled_owned();
            let logged_out = Box::pin(state.logged_out());
            let content = state.jobs.file(&card.id, range).await?;
            Body::from_stream(content.take_until(shutdown).take_until(logged_out))
        }
        None => empty,
    };
    let title = card.title.replace(['/', '\\', ':'], " ");
    let name = format!("{title}.{}", card.output.name());
    let name = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    let disposition =
        format!("attachment; filename=\"book.{}\"; filename*=UTF-8''{name}", card.output.name());
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        parts.headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(Response::from_parts(parts, body))
}

/// Stops a narration until it is to go on.
#[utoipa::path(
    post, path = "/api/narrations/{narration}/pause", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = NarrationCard))
)]
pub async fn pause(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(narration): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let done = state.jobs.pause(of_whom(&state, &person), &narration).await;
    changed(&headers, done.map_err(ApiError::from))
}

/// Has a narration go on that was stopped.
#[utoipa::path(
    post, path = "/api/narrations/{narration}/resume", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = NarrationCard))
)]
pub async fn resume(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(narration): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let done = async {
        let whose = may_go_on(&state, &person, &narration).await?;
        Ok(state.jobs.resume(whose, &narration).await?)
    };
    changed(&headers, done.await)
}

/// Tries a narration again that failed or was called off.
#[utoipa::path(
    post, path = "/api/narrations/{narration}/retry", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = NarrationCard))
)]
pub async fn retry(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(narration): ApiPath<String>,
    headers: HeaderMap,
) -> Response {
    let done = async {
        let whose = may_go_on(&state, &person, &narration).await?;
        Ok(state.jobs.retry(whose, &narration).await?)
    };
    changed(&headers, done.await)
}

/// Refuses a program that may spend nothing what may cost something.
async fn may_go_on<'a>(
    state: &'a Visit,
    person: &Person,
    narration: &str,
) -> Result<Whose<'a>, ApiError> {
    let whose = of_whom(state, person);
    let costs = state.jobs.get(whose, narration).await?.max_cost > 0.0;
    match costs && !person.may(Scope::Spend) {
        true => Err(ApiError::NotAllowed),
        false => Ok(whose),
    }
}

fn changed(headers: &HeaderMap, done: Result<NarrationCard, ApiError>) -> Response {
    match done {
        Ok(card) if !wants_page(headers) => Json(card).into_response(),
        done => answer(headers, PAGE, done.map(|_| StatusCode::NO_CONTENT)),
    }
}

/// How one’s narrations go on, as events named `narration`, each with one as the list has it; first all of them.
#[utoipa::path(
    get, path = "/api/narrations/events", tag = NARRATIONS, params(AllQuery),
    responses((status = 200, body = NarrationCard, content_type = "text/event-stream"))
)]
pub async fn all_events(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiQuery(AllQuery { all }): ApiQuery<AllQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let everybodys = whose(&state, &person, all)?.everybodys;
    Ok(sse(state, everybodys, None))
}

/// How a narration goes on, as events named `narration`, until it has ended.
#[utoipa::path(
    get, path = "/api/narrations/{narration}/events", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = NarrationCard, content_type = "text/event-stream"))
)]
pub async fn events(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    ApiPath(narration): ApiPath<String>,
) -> Result<impl IntoResponse, ApiError> {
    let whose = of_whom(&state, &person);
    // One that is not there is said so at once.
    state.jobs.get(whose, &narration).await?;
    let everybodys = whose.everybodys;
    Ok(sse(state, everybodys, Some(narration)))
}

fn sse(
    state: Visit,
    everybodys: bool,
    id: Option<String>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let shutdown = state.shutdown.clone().cancelled_owned();
    let logged_out = Box::pin(state.logged_out());
    let events = async_stream::stream! {
        let mut known: Vec<NarrationCard> = Vec::new();
        loop {
            let whose = Whose { viewer: state.library.user(), everybodys };
            let now = match &id {
                Some(id) => state.jobs.get(whose, id).await.map(|card| vec![card]),
                None => state.jobs.list(whose, None).await,
            };
            // What cannot be looked up now is looked up again.
            if let Ok(now) = now {
                for card in now.iter().filter(|card| !known.contains(card)) {
                    yield Ok(Event::default().event("narration").json_data(card).unwrap_or_default());
                }
                known = now;
                if id.is_some() && known.iter().all(|card| !card.state.is_open()) {
                    return;
                }
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    Sse::new(events.take_until(shutdown).take_until(logged_out)).keep_alive(KeepAlive::default())
}

/// A narration under the names of the first plan.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuedJob {
    /// Its id
    id: String,
    /// The book’s id
    work_id: String,
    /// `full`, or `chapter` when it is one
    job_type: &'static str,
    /// Who reads
    voice_settings: VoiceSettings,
    /// `pending`, `processing`, `paused`, `completed`, `failed` or `cancelled`
    status: &'static str,
    /// From 0 to 100
    progress_percent: u32,
    /// The same in words
    progress_message: String,
    /// The chapter it is in
    current_chapter: u32,
    /// Chapters that it has
    total_chapters: u32,
}

/// Who reads.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct VoiceSettings {
    /// A voice’s id
    #[serde(default)]
    voice: String,
}

/// One’s narrations under the names of the first plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct TtsQueue {
    /// The newest first
    jobs: Vec<QueuedJob>,
    /// How many are in which state
    stats: QueueCounts,
}

/// How many are in which state.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueCounts {
    /// Those that wait
    pending: u64,
    /// Those that are being made
    processing: u64,
    /// Those that are done
    completed: u64,
    /// Those that could not be made
    failed: u64,
}

/// What is to be narrated, under the names of the first plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueForm {
    /// The book’s id
    work_id: String,
    /// `full`, or `chapter` with `chapter`
    #[serde(default)]
    job_type: String,
    /// The chapter, from 1
    #[serde(default)]
    chapter: Option<u32>,
    /// Who reads
    #[serde(default)]
    voice_settings: VoiceSettings,
    /// What it may cost at most
    #[serde(default)]
    max_cost: f64,
}

impl From<NarrationCard> for QueuedJob {
    fn from(card: NarrationCard) -> Self {
        Self {
            status: match card.state {
                NarrationState::Queued => "pending",
                NarrationState::Running => "processing",
                ended => ended.name(),
            },
            id: card.id,
            work_id: card.book,
            job_type: if card.first_chapter == card.last_chapter { "chapter" } else { "full" },
            voice_settings: VoiceSettings { voice: card.voice },
            progress_percent: card.percent,
            progress_message: card.message,
            current_chapter: card.chapter,
            total_chapters: card.last_chapter - card.first_chapter + 1,
        }
    }
}

/// The same as `/api/narrations`, under the names of the first plan.
#[utoipa::path(get, path = "/api/tts/queue", tag = NARRATIONS, responses((status = 200, body = TtsQueue)))]
pub async fn queue(state: Visit) -> Result<Json<TtsQueue>, ApiError> {
    let own = Whose::own(state.library.user());
    let NarrationStats { pending, processing, completed, failed, .. } =
        state.jobs.stats(own).await?;
    let jobs = state.jobs.list(own, None).await?.into_iter().map(QueuedJob::from).collect();
    Ok(Json(TtsQueue { jobs, stats: QueueCounts { pending, processing, completed, failed } }))
}

/// The same as `POST /api/narrations`, under the names of the first plan.
#[utoipa::path(
    post, path = "/api/tts/queue", tag = NARRATIONS, request_body = QueueForm,
    responses((status = 202, body = QueuedJob), (status = 200, body = QueuedJob))
)]
pub async fn enqueue(
    state: Visit,
    Extension(person): Extension<Arc<Person>>,
    super::extract::ApiJson(form): super::extract::ApiJson<QueueForm>,
) -> Result<Response, ApiError> {
    let chapters = match form.job_type.as_str() {
        "" | "full" | "book" => None,
        "chapter" => {
            let reason = || "must be there when the job is of a chapter".to_owned();
            let missing = || ApiError::BadParameter { name: "chapter", reason: reason() };
            let chapter = form.chapter.ok_or_else(missing)?;
            Some((chapter, chapter))
        }
        _ => {
            let reason = "must be “full” or “chapter”".to_owned();
            return Err(ApiError::BadParameter { name: "jobType", reason });
        }
    };
    let wanted = Wanted {
        book: book(&form.work_id)?,
        voice: form.voice_settings.voice,
        chapters,
        at_ms: 0,
        max_cost: form.max_cost,
        output: NarrationOutput::None,
    };
    let asked = begin(&state, &person, &wanted).await?;
    let status = if asked.is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(QueuedJob::from(asked.card))).into_response())
}

/// The same as `GET /api/narrations/{narration}`, under the names of the first plan.
#[utoipa::path(
    get, path = "/api/tts/queue/{narration}", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = QueuedJob))
)]
pub async fn queued(
    state: Visit,
    ApiPath(narration): ApiPath<String>,
) -> Result<Json<QueuedJob>, ApiError> {
    Ok(Json(state.jobs.get(Whose::own(state.library.user()), &narration).await?.into()))
}

/// The same as `DELETE /api/narrations/{narration}`, under the names of the first plan.
#[utoipa::path(
    delete, path = "/api/tts/queue/{narration}", tag = NARRATIONS,
    params(("narration" = String, Path, description = "Its id")),
    responses((status = 200, body = QueuedJob))
)]
pub async fn dequeue(
    state: Visit,
    ApiPath(narration): ApiPath<String>,
) -> Result<Json<QueuedJob>, ApiError> {
    Ok(Json(state.jobs.cancel(Whose::own(state.library.user()), &narration).await?.into()))
}
