//! A book that is made ready, as the players of Readium hear it (Audiobook Profile of the Web Publication Manifest).

use axum::http::{HeaderMap, Method};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use app::model::NarrationState;

use super::{Place, answer, cover_kind};
use crate::http::extract::{ApiPath, ApiQuery, BookPath};
use crate::http::feeds::episode;
use crate::http::{ApiError, Visit};
use crate::jobs::Whose;
use crate::text::language::is_tag;
use crate::time::rfc3339;

pub(super) const KIND: &str = "application/audiobook+json";
const PROFILE: &str = "https://readium.org/webpub-manifest/profiles/audiobook";
const CONTEXT: &str = "https://readium.org/webpub-manifest/context.jsonld";

/// Who reads.
#[derive(Debug, Deserialize)]
pub struct VoiceQuery {
    voice: String,
}

/// `GET /opds/audiobooks/{book}?voice=`: the chapters that are made, each with how long it lasts.
pub(super) async fn manifest(
    state: Visit,
    place: Place,
    BookPath { book }: BookPath,
    ApiQuery(VoiceQuery { voice }): ApiQuery<VoiceQuery>,
) -> Result<Response, ApiError> {
    let details = state.library.book(&book).await?;
    let narrator = state.narrator.clone().without_spending();
    let named = utf8_percent_encode(&voice, NON_ALPHANUMERIC).to_string();
    let own = format!("/opds/audiobooks/{book}");
    let (mut chapters, mut contents, mut total) = (Vec::new(), Vec::new(), 0.0);
    // Only what was made ready is looked at: to look at a chapter takes as long as to begin to hear it.
    let whose = Whose::own(state.library.user());
    let made = match state.library.is_lent() {
        true => Vec::new(),
        false => state.jobs.list(whose, Some(NarrationState::Completed)).await?,
    };
    let made: Vec<_> =
        made.iter().filter(|made| made.book == book.as_str() && made.voice == voice).collect();
    let is_made = |number: &u32| {
        made.iter().any(|made| (made.first_chapter..=made.last_chapter).contains(number))
    };
    let heard = narrator.heard_chapters(&details, &(1..=details.card.chapters)).await?;
    for number in heard.into_iter().filter(is_made) {
        let recording = narrator.heard_recording(&book, number, &voice).await?;
        if !recording.is_whole() || recording.bytes == 0 {
            continue;
        }
        let title = details.chapters.iter().find(|chapter| chapter.number == number);
        let title = title.map(|chapter| chapter.title.trim()).filter(|title| !title.is_empty());
        let title = title.map_or_else(|| number.to_string(), str::to_owned);
        let href = place.at(&format!("{own}/{number}.mp3?voice={named}"));
        let duration = recording.duration().as_secs_f64();
        total += duration;
        contents.push(json!({ "href": href, "title": title }));
        chapters.push(json!({
            "href": href,
            "type": "audio/mpeg",
            "title": title,
            "duration": duration,
            "bitrate": 48,
            "size": recording.bytes,
        }));
    }
    if chapters.is_empty() {
        return Err(ApiError::NotFound("Nothing of the book is made in this voice.".to_owned()));
    }
    let card = &details.card;
    let voices = state.voices.list();
    let reader = voices.into_iter().find(|known| known.id == voice).map(|known| known.name);
    let mut manifest = json!({
        "@context": CONTEXT,
        "metadata": {
            "@type": "http://schema.org/Audiobook",
            "conformsTo": PROFILE,
            "identifier": format!("urn:earmark:audiobook:{book}:{named}"),
            "title": card.title,
            "narrator": reader.unwrap_or(voice),
            "modified": rfc3339(card.added_ms),
            "duration": total,
        },
        "links": [{ "rel": "self", "href": place.at(&format!("{own}?voice={named}")), "type": KIND }],
        "readingOrder": chapters,
        "toc": contents,
    });
    if !card.authors.is_empty() {
        manifest["metadata"]["author"] = card.authors.clone().into();
    }
    if is_language(&card.language) {
        manifest["metadata"]["language"] = card.language.clone().into();
    }
    if let Some(kind) = cover_kind(&state.library, &book, card.revision).await {
        let cover = place.at(&format!("/books/{book}/cover"));
        manifest["resources"] =
            Value::from(vec![json!({ "rel": "cover", "href": cover, "type": kind })]);
    }
    Ok(answer(KIND, manifest.to_string()))
}

/// Whether a language is known, and written as tags are (BCP 47).
pub(super) fn is_language(tag: &str) -> bool {
    tag != "und" && is_tag(tag)
}

/// `GET /opds/audiobooks/{book}/{chapter}.mp3?voice=`: a chapter that is made.
pub(super) async fn chapter(
    state: Visit,
    method: Method,
    headers: HeaderMap,
    ApiPath((book, file)): ApiPath<(String, String)>,
    ApiQuery(VoiceQuery { voice }): ApiQuery<VoiceQuery>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound("There is no such chapter.".to_owned());
    let book = book.parse().map_err(|_| missing())?;
    let number = file.strip_suffix(".mp3").and_then(|number| number.parse().ok());
    let number: u32 = number.ok_or_else(missing)?;
    let narrator = state.narrator.clone().without_spending();
    let recording = narrator.heard_recording(&book, number, &voice).await?;
    if !recording.is_whole() || recording.bytes == 0 {
        return Err(missing());
    }
    Ok(episode(&state, &narrator, (&method, &headers), recording))
}
