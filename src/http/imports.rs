//! Files that come in.

use std::convert::Infallible;
use std::time::Duration;

use app::model::ImportedCard;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use tokio::sync::watch;
use utoipa::ToSchema;

use super::door::ClientAddress;
use super::forms::wants_page;
use super::openapi::{BOOKS, Binary};
use super::slots::Slot;
use super::{ApiError, Visit, notice};
use crate::library::import::ImportError;
use crate::library::import::names::clean;
use crate::library::{Arrival, Audience, ImportProgress, LibraryError};

/// Longest word that a field of a form can say, in bytes.
const MAX_WORD_BYTES: usize = 16;
/// Most files of one form.
const MAX_FILES: usize = 100;
/// A client that sends nothing for so long has gone away.
const SILENCE: Duration = Duration::from_secs(60);

/// What is imported.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a form that is read piece by piece")]
pub struct FilesForm {
    /// EPUB or plain text, one or more
    #[schema(value_type = Vec<Binary>)]
    file: Vec<Binary>,
    /// `on` when nobody else is to see them, where people have accounts
    only_me: Option<String>,
}

/// Files that are all there, and who is to see them.
struct Received {
    files: Vec<(Arrival, String)>,
    audience: Audience,
    /// The client's room for uploads, for as long as they are being imported.
    _upload: Option<Slot>,
}

/// Imports books. The answer is the last of them.
///
/// With `Accept: text/event-stream` it tells how far it is: `waiting`, `reading` with `percent`, `storing`, and at
/// last `done` with the book or `refused` with the problem.
#[utoipa::path(
    post, path = "/api/books", tag = BOOKS,
    request_body(content = FilesForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = ImportedCard),
        (status = 200, body = Object, content_type = "text/event-stream"),
    )
)]
pub async fn import(
    state: Visit,
    headers: HeaderMap,
    Extension(ClientAddress(client)): Extension<ClientAddress>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let received = match (state.limits.begin_upload(client), form) {
        (Ok(slot), Ok(form)) => receive(&state, form, slot).await,
        (Err(error), _) => Err(error),
        (_, Err(rejection)) => Err(ApiError::BadBody(format!(
            "The request must be a form with a file: {}",
            rejection.body_text()
        ))),
    };
    let wants_page = wants_page(&headers);
    let imported = match received {
        Ok(files) if wants_events(&headers) => {
            return events(state, headers, files).into_response();
        }
        Ok(files) => import_all(&state, files, |_| {}).await,
        Err(error) => Err(error),
    };
    match imported {
        Ok(_) if wants_page => Redirect::to("/").into_response(),
        Ok(book) => (StatusCode::CREATED, Json(book)).into_response(),
        Err(error) if wants_page => notice::refused("/", &error.notice()),
        Err(error) => error.into_response(),
    }
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).map(HeaderValue::to_str);
    accept.is_some_and(|accept| accept.is_ok_and(|accept| accept.contains("text/event-stream")))
}

/// Writes the files of a form to disk as they come.
async fn receive(
    state: &Visit,
    mut form: Multipart,
    upload: Option<Slot>,
) -> Result<Received, ApiError> {
    let mut files = Vec::new();
    let mut audience = Audience::Everybody;
    let slot = state.library.import_slot()?;
    while let Some(mut field) = heard(form.next_field()).await? {
        if field.name() == Some("only_me") {
            audience = audience_of(&mut field).await?;
            continue;
        }
        if field.name() != Some("file") {
            continue;
        }
        if files.len() >= MAX_FILES {
            return Err(ApiError::BadBody(format!("A form can have {MAX_FILES} files.")));
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let mut arrival = state.library.receive(&slot).await?;
        while let Some(piece) = heard(field.chunk()).await? {
            arrival.write(&piece).await.map_err(LibraryError::from)?;
        }
        files.push((arrival, name));
    }
    match files.is_empty() {
        true => Err(ApiError::BadBody("The form has no field “file”.".to_owned())),
        false => Ok(Received { files, audience, _upload: upload }),
    }
}

/// Who is to see the books of a form, as its tick says. What cannot be understood makes nothing everybody's.
async fn audience_of(field: &mut Field<'_>) -> Result<Audience, ApiError> {
    let mut said = Vec::new();
    while let Some(piece) = heard(field.chunk()).await? {
        said.extend_from_slice(&piece);
        if said.len() > MAX_WORD_BYTES {
            break;
        }
    }
    match said.as_slice() {
        b"" | b"false" => Ok(Audience::Everybody),
        b"on" | b"true" => Ok(Audience::Oneself),
        _ => Err(ApiError::BadParameter { name: "only_me", reason: "must be “on”".to_owned() }),
    }
}

async fn import_all(
    state: &Visit,
    Received { files, audience, _upload }: Received,
    progress: impl Fn(ImportProgress),
) -> Result<ImportedCard, ApiError> {
    let several = files.len() > 1;
    let (mut last, mut refused) = (None, None);
    // One that is refused does not cost the others.
    for (arrival, name) in files {
        let imported = state.library.import(arrival, (&name, audience), &progress).await;
        let outcome = if imported.is_ok() { "added" } else { "refused" };
        metrics::counter!("earmark_imports_total", "outcome" => outcome).increment(1);
        match imported.map_err(ApiError::from) {
            Ok(book) => last = Some(book),
            Err(ApiError::Refused(why)) if several => {
                refused = refused.or(Some(ApiError::Refused(format!("“{}”: {why}", clean(&name)))));
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match (refused, last) {
        (Some(error), _) => Err(error),
        (None, Some(book)) => Ok(book),
        (None, None) => Err(ApiError::BadBody("The form has no field “file”.".to_owned())),
    }
}

/// Waits for the next part of a form, for a while.
async fn heard<T>(part: impl Future<Output = Result<T, MultipartError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(SILENCE, part).await {
        Ok(part) => part.map_err(unreadable),
        Err(_) => Err(ApiError::BadBody("The rest of the form did not come.".to_owned())),
    }
}

/// `waiting`, `reading` with `percent`, `storing`, and at last `done` with the book or `refused` with the
/// problem. When the client goes away this is dropped, and with it the child process that reads.
fn events(
    state: Visit,
    headers: HeaderMap,
    files: Received,
) -> Sse<impl futures::Stream<Item = Result<Event, Infallible>>> {
    let (sender, mut progress) = watch::channel(ImportProgress::Waiting);
    let stream = async_stream::stream! {
        let import = import_all(&state, files, |now| {
            // The receiver lives as long as this stream.
            let _ = sender.send(now);
        });
        tokio::pin!(import);
        let imported = loop {
            tokio::select! {
                imported = &mut import => break imported,
                Ok(()) = progress.changed() => {
                    let now = *progress.borrow_and_update();
                    yield Ok(progress_event(now));
                }
            }
        };
        yield Ok(match imported {
            Ok(book) => event("done", &book),
            Err(error) => event("refused", &error.problem_for(headers.get(header::ACCEPT_LANGUAGE))),
        });
    };
    Sse::new(stream).keep_alive(KeepAlive::default())
}

fn progress_event(progress: ImportProgress) -> Event {
    match progress {
        ImportProgress::Waiting => event("waiting", &serde_json::json!({})),
        ImportProgress::Reading(percent) => {
            event("reading", &serde_json::json!({ "percent": percent }))
        }
        ImportProgress::Storing => event("storing", &serde_json::json!({})),
    }
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    // What is sent here are plain types, which JSON can say.
    Event::default().event(name).json_data(data).unwrap_or_default()
}

fn unreadable(error: MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return LibraryError::Import(ImportError::TooLarge).into();
    }
    ApiError::BadBody(format!("The form cannot be read: {}", error.body_text()))
}
