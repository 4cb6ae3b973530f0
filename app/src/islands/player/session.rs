//! The lock screen, the headset and the keyboard's media keys (Media Session).

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

use super::super::dom;
use super::commands::Command;

fn session() -> Option<JsValue> {
    let navigator: JsValue = window().navigator().into();
    dom::property(&navigator, "mediaSession")
}

/// What a button asks for; some say a second of the chapter.
type Asked = fn(f64) -> Command;

/// What each button of a headset or lock screen asks for.
const ACTIONS: [(&str, Asked); 8] = [
    ("play", |_| Command::Play),
    ("pause", |_| Command::Pause),
    ("stop", |_| Command::Pause),
    ("seekbackward", |_| Command::Sentence(-1)),
    ("seekforward", |_| Command::Sentence(1)),
    ("previoustrack", |_| Command::Chapter(-1)),
    ("nexttrack", |_| Command::Chapter(1)),
    ("seekto", |second| Command::Scrub((second * 1000.0) as u64)),
];

/// Listens to the buttons.
pub fn listen(ask: impl Fn(Command) + Clone + 'static) {
    let Some(session) = session() else { return };
    for (action, command) in ACTIONS {
        let ask = ask.clone();
        let react = Closure::<dyn Fn(JsValue)>::new(move |details: JsValue| {
            let time = dom::property(&details, "seekTime").and_then(|time| time.as_f64());
            ask(command(time.unwrap_or_default()));
        });
        // A browser that does not know an action refuses it; the others still work.
        let _ = dom::call(&session, "setActionHandler", &[&action.into(), &react.into_js_value()]);
    }
}

/// Asks to be told when the device is shaken, where that has to be asked for (iOS).
pub fn ask_for_motion() {
    let motion = dom::property(&window().into(), "DeviceMotionEvent");
    let Some(motion) = motion else { return };
    if let Ok(Ok(answer)) =
        dom::call(&motion, "requestPermission", &[]).map(js_sys::Promise::try_from)
    {
        wasm_bindgen_futures::spawn_local(async move {
            // Without it there is still the button and the key.
            let _ = wasm_bindgen_futures::JsFuture::from(answer).await;
        });
    }
}

/// Says what is being read.
pub fn describe(book: &str, title: &str, author: &str, chapter: &str, has_cover: bool) {
    let Some(session) = session() else { return };
    let constructor = dom::property(&window().into(), "MediaMetadata");
    let Some(constructor) = constructor.map(js_sys::Function::from) else { return };
    let artwork = js_sys::Array::new();
    if has_cover {
        artwork.push(&dom::object(&[("src", &dom::at(&format!("/books/{book}/cover")).into())]));
    } else {
        artwork.push(&dom::object(&[
            ("src", &dom::at("/icons/512.png").into()),
            ("sizes", &"512x512".into()),
            ("type", &"image/png".into()),
        ]));
    }
    let details = dom::object(&[
        ("title", &chapter.into()),
        ("artist", &author.into()),
        ("album", &title.into()),
        ("artwork", &artwork),
    ]);
    if let Ok(metadata) = js_sys::Reflect::construct(&constructor, &js_sys::Array::of1(&details)) {
        let _ = js_sys::Reflect::set(&session, &"metadata".into(), &metadata);
    }
}

/// Says whether the voice reads.
pub fn state(is_running: bool) {
    if let Some(session) = session() {
        let state = if is_running { "playing" } else { "paused" };
        let _ = js_sys::Reflect::set(&session, &"playbackState".into(), &state.into());
    }
}

/// Says where in the chapter the voice is, in milliseconds, and how fast it goes.
pub fn place(position_ms: u64, total_ms: u64, rate: u16) {
    let Some(session) = session() else { return };
    let seconds = |ms: u64| JsValue::from_f64(ms as f64 / 1000.0);
    let state = dom::object(&[
        ("duration", &seconds(total_ms.max(1))),
        ("position", &seconds(position_ms.min(total_ms))),
        ("playbackRate", &JsValue::from_f64(f64::from(rate) / 100.0)),
    ]);
    let _ = dom::call(&session, "setPositionState", &[&state]);
}
