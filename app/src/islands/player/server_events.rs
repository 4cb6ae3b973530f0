//! What the page tells the server.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::super::dom::{self, Body, Json};
use super::machine::Spot;
use crate::model::{AnnotationKind, HighlightColour, Point};

/// The three events of a reading page.
#[derive(Debug, Clone, Copy)]
pub enum Announcement {
    /// Sentences came into view.
    PageOpen,
    /// A chapter was opened.
    ChapterOpen,
    /// The listener moved to another chapter.
    ChapterChange,
}

/// Fires an event of a listener ([`crate::model::ListenerPosition`]).
pub fn event(announcement: Announcement, listener: &str, book: &str, at: Spot, voice: &str) {
    let name = match announcement {
        Announcement::PageOpen => "page_open",
        Announcement::ChapterOpen => "chapter_open",
        Announcement::ChapterChange => "chapter_change",
    };
    let place = dom::object(&[
        ("listener", &listener.into()),
        ("book", &book.into()),
        ("chapter", &at.chapter.into()),
        ("sentence", &at.sentence.into()),
        ("voice", &voice.into()),
    ]);
    // A server function takes its arguments by name.
    let body = dom::json(&[("place", &place)]);
    let address = format!("/api/events/{name}");
    spawn_local(async move {
        // Should it be lost, only preparation is: playing asks again and says what is wrong.
        let _ = dom::ask("POST", &address, "application/json", Body::Json(&body)).await;
    });
}

/// Where a device is, as the server has it ([`crate::model::Progress`]).
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// Where.
    pub at: Spot,
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
    /// Which device.
    pub device: Option<String>,
}

impl Elsewhere {
    /// Reads what the server says.
    pub fn read(place: &Json) -> Self {
        Self {
            at: Spot { chapter: place.index("chapter"), sentence: place.index("sentence") },
            at_ms: place.number("at_ms"),
            device: place.text("device"),
        }
    }
}

/// What became of a place that was saved.
pub enum Saved {
    /// It is kept, since then.
    Kept(u64),
    /// Another device has moved; this is where it is.
    Moved(Elsewhere),
    /// The book has no such place.
    Refused,
}

/// A place to save.
pub struct Here<'d> {
    /// Where.
    pub at: Spot,
    /// How far into the sentence, in milliseconds.
    pub into_ms: u64,
    /// The voice; empty when there is none.
    pub voice: &'d str,
    /// This device.
    pub device: &'d str,
    /// Since when is the last place this device knows of.
    pub known_ms: u64,
}

/// Saves where the reader is; `None` when the server did not answer.
pub async fn progress(book: &str, here: Here<'_>) -> Option<Saved> {
    let voice = if here.voice.is_empty() { JsValue::NULL } else { JsValue::from_str(here.voice) };
    let body = dom::json(&[
        ("chapter", &here.at.chapter.into()),
        ("sentence", &here.at.sentence.into()),
        ("intra_ms", &JsValue::from_f64(here.into_ms as f64)),
        ("voice", &voice),
        ("device", &here.device.into()),
        ("known_ms", &JsValue::from_f64(here.known_ms as f64)),
    ]);
    let address = format!("/api/books/{book}/progress");
    let sent = dom::ask("PUT", &address, "application/json", Body::Json(&body)).await.ok()?;
    let answer = dom::data(&sent).await?;
    match sent.status() {
        200 => Some(Saved::Kept(answer.number("at_ms"))),
        409 => Some(Saved::Moved(Elsewhere::read(&answer.get("place")?))),
        400 | 404 => Some(Saved::Refused),
        _ => None,
    }
}

/// A bookmark or highlight ([`crate::model::NewAnnotation`]).
#[derive(Debug, Clone)]
pub struct Mark {
    /// Empty until the server has it.
    pub id: String,
    /// What it is.
    pub kind: AnnotationKind,
    /// Chapter, from 1.
    pub chapter: u32,
    /// Where it begins.
    pub start: Point,
    /// Where it ends.
    pub end: Point,
    /// The text.
    pub quote: String,
    /// Of a highlight, its colour.
    pub colour: HighlightColour,
}

impl Mark {
    /// Reads what the server says.
    pub fn read(mark: &Json) -> Option<Self> {
        let point = |name: &str| {
            let point = mark.get(name)?;
            Some(Point { sentence: point.index("sentence"), offset: point.index("offset") })
        };
        Some(Self {
            id: mark.text("id")?,
            kind: AnnotationKind::parse(&mark.text("kind")?)?,
            chapter: mark.index("chapter"),
            start: point("start")?,
            end: point("end")?,
            quote: String::new(),
            colour: HighlightColour::parse(&mark.text("colour")?)?,
        })
    }
}

/// Keeps a bookmark or highlight; false when it could not be.
pub async fn annotation(book: &str, mark: &Mark) -> bool {
    let point = |point: Point| {
        dom::object(&[("sentence", &point.sentence.into()), ("offset", &point.offset.into())])
    };
    let body = dom::json(&[
        ("kind", &mark.kind.name().into()),
        ("chapter", &mark.chapter.into()),
        ("start", &point(mark.start)),
        ("end", &point(mark.end)),
        ("quote", &mark.quote.as_str().into()),
        ("colour", &mark.colour.name().into()),
    ]);
    let address = format!("/api/books/{book}/annotations");
    let sent = dom::ask("POST", &address, "application/json", Body::Json(&body)).await;
    sent.is_ok_and(|answer| answer.ok())
}

/// Takes a bookmark or highlight away; false when it could not be.
pub async fn remove_annotation(book: &str, id: &str) -> bool {
    let address = format!("/api/books/{book}/annotations/{id}");
    let sent = dom::ask("DELETE", &address, "application/json", Body::None).await;
    sent.is_ok_and(|answer| answer.ok())
}
