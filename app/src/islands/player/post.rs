//! What the page tells the server.

use leptos::prelude::window;
use leptos::task::spawn_local;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::model::{Place, Progress};

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

/// Fires an event.
pub fn event(announcement: Announcement, place: Place) {
    /// A server function takes its arguments by name.
    #[derive(Serialize)]
    struct Arguments {
        place: Place,
    }
    let name = match announcement {
        Announcement::PageOpen => "page_open",
        Announcement::ChapterOpen => "chapter_open",
        Announcement::ChapterChange => "chapter_change",
    };
    send("POST", &format!("/api/events/{name}"), &Arguments { place });
}

/// Saves where the reader is.
pub fn progress(book: &str, progress: &Progress) {
    send("PUT", &format!("/api/books/{book}/progress"), progress);
}

/// Sends and does not wait; also goes out while the page is being closed.
fn send(method: &str, address: &str, body: &impl Serialize) {
    let Ok(body) = serde_json::to_string(body) else { return };
    let headers = js_sys::Object::new();
    let options = web_sys::RequestInit::new();
    let set = |target: &JsValue, name: &str, value: &JsValue| {
        // Plain objects take any property.
        let _ = js_sys::Reflect::set(target, &name.into(), value);
    };
    set(&headers, "content-type", &"application/json".into());
    set(&options, "keepalive", &JsValue::TRUE);
    options.set_method(method);
    options.set_headers(&headers);
    options.set_body(&body.into());
    let sent = window().fetch_with_str_and_init(address, &options);
    spawn_local(async move {
        // What is lost here is sent again with the next sentence or page.
        let _ = wasm_bindgen_futures::JsFuture::from(sent).await;
    });
}
