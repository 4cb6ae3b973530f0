//! The audio element and the timeline's event source, as the machine sees them.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventSource, HtmlAudioElement, MessageEvent};

use super::machine::{Event, Spot};
use crate::model::{TimelineEnd, TimelineEntry};

/// One `<audio>` element and the timeline that goes with its stream.
pub struct Sound {
    audio: HtmlAudioElement,
    timeline: Option<EventSource>,
}

impl Sound {
    /// Takes an element; `report` is told what happens to it.
    pub fn new(audio: HtmlAudioElement, report: impl Fn(Event) + Copy + 'static) -> Self {
        let on = |name: &str, event: fn() -> Event| {
            listen(&audio, name, move |_| report(event()));
        };
        on("playing", || Event::Sounding);
        on("waiting", || Event::Waiting);
        let pausing = audio.clone();
        listen(&audio, "pause", move |_| {
            // At the end of a stream this comes before `ended`, which says more.
            if !pausing.ended() {
                report(Event::Stopped);
            }
        });
        on("ended", || Event::Ended);
        let failing = audio.clone();
        listen(&audio, "error", move |_| {
            // Taking the source away is an error to the element, not to us.
            if failing.has_attribute("src") {
                report(Event::Failed(reason(&failing)));
            }
        });
        Self { audio, timeline: None }
    }

    /// Begins a new stream, silent until [`play`](Self::play).
    pub fn open(&mut self, book: &str, at: Spot, voice: &str, rate: f64) {
        let voice = js_sys::encode_uri_component(voice);
        let Spot { chapter, sentence } = at;
        self.audio.set_src(&format!(
            "/listen/{book}/{chapter}.mp3?voice={voice}&from={sentence}&to=book"
        ));
        self.set_rate(rate);
    }

    /// Follows a chapter's timeline from a sentence on, in place of the one before.
    pub fn follow(
        &mut self,
        book: &str,
        at: Spot,
        voice: &str,
        report: impl Fn(Event) + Copy + 'static,
    ) {
        if let Some(old) = self.timeline.take() {
            old.close();
        }
        let voice = js_sys::encode_uri_component(voice);
        let Spot { chapter, sentence } = at;
        let url = format!("/listen/{book}/{chapter}/timeline?voice={voice}&from={sentence}");
        let Ok(source) = EventSource::new(&url) else { return };
        listen(&source, "entries", move |event| {
            if let Some(entries) = data::<Vec<TimelineEntry>>(&event) {
                report(Event::Timeline { chapter, entries });
            }
        });
        let ending = source.clone();
        listen(&source, "end", move |event| {
            ending.close();
            if let Some(end) = data::<TimelineEnd>(&event) {
                report(Event::TimelineEnd(end));
            }
        });
        let failing = source.clone();
        listen(&source, "failed", move |event| {
            failing.close();
            report(Event::Trouble(data::<String>(&event).unwrap_or_default()));
        });
        self.timeline = Some(source);
    }

    /// Lets it run.
    pub fn play(&self, report: impl Fn(Event) + 'static) {
        let Ok(promise) = self.audio.play() else { return };
        leptos::task::spawn_local(async move {
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

    /// Sets the listener's speed; the pitch is kept.
    pub fn set_rate(&self, rate: f64) {
        // A new source starts at the default rate.
        self.audio.set_default_playback_rate(rate);
        self.audio.set_playback_rate(rate);
    }
}

/// Listens for as long as the page lives: the player is never taken out of it.
pub fn listen(
    target: &web_sys::EventTarget,
    name: &str,
    handle: impl FnMut(web_sys::Event) + 'static,
) {
    let handle = Closure::<dyn FnMut(web_sys::Event)>::new(handle).into_js_value();
    let _ = target.add_event_listener_with_callback(name, handle.unchecked_ref());
}

fn data<T: serde::de::DeserializeOwned>(event: &web_sys::Event) -> Option<T> {
    let text = event.dyn_ref::<MessageEvent>()?.data().as_string()?;
    serde_json::from_str(&text).ok()
}

fn reason(audio: &HtmlAudioElement) -> String {
    let code = audio.error().map_or(0, |error| error.code());
    if code == web_sys::MediaError::MEDIA_ERR_NETWORK {
        "The connection to the server was lost. Press play to try again.".to_owned()
    } else {
        "The voice could not be played. Press play to try again, or choose another voice."
            .to_owned()
    }
}
