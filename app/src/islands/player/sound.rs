//! The audio element and the timeline's event source, as the machine sees them.

use std::cell::Cell;
use std::rc::Rc;

use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventSource, HtmlAudioElement, MessageEvent};

use super::super::dom::{self, Json, listen};
use super::machine::{Event, Spot};
use super::state::words;
use crate::model::{TimelineEnd, TimelineEntry};

/// One `<audio>` element and the timeline that goes with its stream.
pub struct Sound {
    audio: HtmlAudioElement,
    timeline: Option<EventSource>,
    /// Whether that has told anything yet.
    has_told: Rc<Cell<bool>>,
    /// How long the voice rests in this stream, and what it passes over, as parameters.
    manner: String,
    /// Where the stream began.
    opened: Option<Spot>,
}

/// How long the voice is to rest, what it is to pass over and who begins for a slow one, as the page's root says.
fn manner() -> String {
    let root = document().document_element();
    let chosen = |name: &str| root.as_ref().and_then(|root| root.get_attribute(name));
    let is_skipped = |name: &&str| chosen(&["data-", name].concat()).as_deref() == Some("off");
    const SKIPPED: [&str; 8] =
        ["titles", "matter", "notes", "tables", "code", "captions", "pictures", "citations"];
    let mut skipped: Vec<&str> = SKIPPED.into_iter().filter(is_skipped).collect();
    if chosen("data-notes").as_deref() == Some("number") {
        skipped.push("notes-at-number");
    }
    if chosen("data-tables").as_deref() == Some("headings") {
        skipped.push("table-headings");
    }
    match chosen("data-links").as_deref() {
        Some("skip") => skipped.push("links"),
        Some("site") => skipped.push("sites"),
        _ => {}
    }
    let mut pauses = chosen("data-pauses").unwrap_or_default();
    if pauses == "own" {
        for name in ["sentence", "paragraph", "heading", "scene"] {
            pauses.push('-');
            pauses.push_str(&chosen(&["data-rest_", name].concat()).unwrap_or_default());
        }
    }
    let starter = chosen("data-starter").unwrap_or_default();
    let starter = js_sys::encode_uri_component(&starter);
    ["pauses=", &pauses, "&skip=", &skipped.join(","), "&starter=", &String::from(starter)].concat()
}

impl Sound {
    /// Takes an element.
    pub fn new(audio: HtmlAudioElement) -> Self {
        let (timeline, has_told, opened) = (None, Rc::default(), None);
        Self { audio, timeline, has_told, manner: manner(), opened }
    }

    /// Tells `report` what happens to it.
    pub fn watch(&self, report: impl Fn(Event) + Clone + 'static) {
        let on = |name: &str, event: fn(&HtmlAudioElement) -> Option<Event>| {
            let (audio, report) = (self.audio.clone(), report.clone());
            listen(&self.audio, name, move |_| {
                if let Some(event) = event(&audio) {
                    report(event);
                }
            });
        };
        on("playing", |_| Some(Event::Sounding));
        on("waiting", |_| Some(Event::Waiting));
        // At the end of a stream this comes before `ended`, which says more.
        on("pause", |audio| (!audio.ended()).then_some(Event::Stopped));
        on("ended", |_| Some(Event::Ended));
        on("error", |audio| {
            let words = words();
            let reason =
                if is_connection(audio) { words.connection_lost } else { words.unplayable };
            // Taking the source away is an error to the element, not to us.
            audio.has_attribute("src").then(|| Event::Failed(reason.to_owned()))
        });
    }

    /// Begins a new stream, silent until [`play`](Self::play).
    pub fn open(&mut self, book: &str, at: Spot, voice: &str, rate: u16) {
        let voice = js_sys::encode_uri_component(voice);
        let Spot { chapter, sentence } = at;
        self.opened = Some(at);
        // As long as a stream lasts its timelines are like it, whatever is chosen meanwhile.
        self.manner = manner();
        let manner = &self.manner;
        self.audio.set_src(&dom::at(&format!(
            "/listen/{book}/{chapter}.mp3?voice={voice}&{manner}&from={sentence}&to=book"
        )));
        self.set_rate(rate);
    }

    /// Follows a chapter's timeline from a sentence on, in place of the one before.
    pub fn follow(
        &mut self,
        book: &str,
        at: Spot,
        voice: &str,
        report: impl Fn(Event) + Clone + 'static,
    ) {
        if let Some(old) = self.timeline.take() {
            old.close();
        }
        let voice = js_sys::encode_uri_component(voice);
        let Spot { chapter, sentence } = at;
        let manner = &self.manner;
        // How a stream begins in a slow voice is asked of the timeline of that place alone: later chapters are plain.
        let to = if self.opened == Some(at) { "&to=book" } else { "" };
        let url =
            format!("/listen/{book}/{chapter}/timeline?voice={voice}&{manner}&from={sentence}{to}");
        let Ok(source) = EventSource::new(&dom::at(&url)) else { return };
        self.has_told = Rc::default();
        let (told, has_told) = (report.clone(), Rc::clone(&self.has_told));
        listen(&source, "entries", move |event| {
            has_told.set(true);
            if let Some(entries) = data(&event) {
                let entries = entries.items().iter().map(entry).collect();
                told(Event::Timeline { chapter, entries });
            }
        });
        let (ending, told) = (source.clone(), report.clone());
        listen(&source, "end", move |event| {
            ending.close();
            if let Some(end) = data(&event) {
                let next_chapter = end.get("next_chapter").map(|next| next.as_number() as u32);
                let end_ms = end.number("end_ms");
                told(Event::TimelineEnd(TimelineEnd { end_ms, next_chapter }));
            }
        });
        let failing = source.clone();
        listen(&source, "failed", move |event| {
            failing.close();
            let reason = data(&event).and_then(|reason| reason.as_text());
            report(Event::Trouble(reason.unwrap_or_default()));
        });
        self.timeline = Some(source);
    }

    /// Whether the timeline that is followed has told anything yet.
    pub fn has_told(&self) -> bool {
        self.has_told.get()
    }

    /// Lets it run.
    pub fn play(&self, report: impl Fn(Event) + 'static) {
        let Ok(promise) = self.audio.play() else { return };
        wasm_bindgen_futures::spawn_local(async move {
            let Err(error) = wasm_bindgen_futures::JsFuture::from(promise).await else { return };
            let name = js_sys::Reflect::get(&error, &JsValue::from_str("name"))
                .ok()
                .and_then(|name| name.as_string());
            // A pause or a new source while it was starting is no failure; errors of the source
            // come as events.
            if name.as_deref() == Some("NotAllowedError") {
                report(Event::Stopped);
            }
        });
    }

    /// Holds it.
    pub fn pause(&self) {
        let _ = self.audio.pause();
    }

    /// Sets how loud it is, from 0 to 1.
    pub fn set_volume(&self, volume: f64) {
        self.audio.set_volume(volume);
    }

    /// Lets go of the stream.
    pub fn close(&self) {
        self.pause();
        let _ = self.audio.remove_attribute("src");
        self.audio.load();
    }

    /// Sets the clock, in milliseconds.
    pub fn seek(&self, ms: u64) {
        self.audio.set_current_time(ms as f64 / 1000.0);
    }

    /// The clock, in milliseconds.
    pub fn now_ms(&self) -> u64 {
        (self.audio.current_time() * 1000.0) as u64
    }

    /// The stretch around the clock that can be sought to at once, in milliseconds.
    pub fn buffered_ms(&self) -> Option<(u64, u64)> {
        let (ranges, now) = (self.audio.buffered(), self.audio.current_time());
        (0..ranges.length()).find_map(|index| {
            let (start, end) = (ranges.start(index).ok()?, ranges.end(index).ok()?);
            (start..=end).contains(&now).then_some(((start * 1000.0) as u64, (end * 1000.0) as u64))
        })
    }

    /// Sets the listener's speed, in hundredths; the pitch is kept.
    pub fn set_rate(&self, rate: u16) {
        let rate = f64::from(rate) / 100.0;
        // A new source starts at the default rate.
        self.audio.set_default_playback_rate(rate);
        self.audio.set_playback_rate(rate);
    }
}

fn data(event: &web_sys::Event) -> Option<Json> {
    Json::parse(&event.dyn_ref::<MessageEvent>()?.data().as_string()?)
}

fn entry(entry: &Json) -> TimelineEntry {
    TimelineEntry {
        sentence: entry.index("sentence"),
        start_ms: entry.number("start_ms"),
        duration_ms: entry.number("duration_ms"),
        words_ms: entry.numbers("words_ms"),
        is_stored: entry.is_true("is_stored"),
    }
}

fn is_connection(audio: &HtmlAudioElement) -> bool {
    audio.error().is_some_and(|error| error.code() == web_sys::MediaError::MEDIA_ERR_NETWORK)
}
