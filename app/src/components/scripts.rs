//! The scripts of a page: at once where a player is, and at the first sign of use on the library page, which
//! is complete without them. Most of what a first visit there would load is theirs.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use crate::base::Base;
use crate::{PAGES_MODULE, READER_MODULE};

/// Loads what stands in the template when somebody moves, touches, types or drags. A key that was pressed
/// before anything could hear it is pressed again; a file that was dropped is sent as the form would.
const AT_FIRST_USE: &str = r#"(() => {
  const signs = ["pointermove", "pointerdown", "touchstart", "keydown", "dragenter"];
  let key = null;
  const start = event => {
    if (event.type === "keydown") key = event;
    for (const sign of signs) removeEventListener(sign, start, true);
    document.head.append(document.getElementById("scripts").content.cloneNode(true));
  };
  for (const sign of signs) addEventListener(sign, start, { capture: true, passive: true });
  const hold = event => {
    event.preventDefault();
    const field = document.querySelector('.import input[type="file"]');
    if (event.type !== "drop" || !field || !event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
  };
  addEventListener("dragover", hold);
  addEventListener("drop", hold);
  addEventListener("live", () => {
    removeEventListener("dragover", hold);
    removeEventListener("drop", hold);
    if (key) key.target.dispatchEvent(new KeyboardEvent("keydown", key));
  }, { once: true });
})()"#;

/// Leptos begins at an idle moment, which on a busy machine may never come; a fifth of a second is waited for
/// it. One start in eighty had no end without this, in Chromium with a compiler beside it.
const IDLE_SOON: &str = r#"(() => {
  const idle = window.requestIdleCallback;
  if (idle) window.requestIdleCallback = task => idle.call(window, task, { timeout: 200 });
})()"#;

/// The scripts of the page that is being rendered.
#[component]
pub fn Scripts(options: LeptosOptions) -> impl IntoView {
    let root = use_context::<Base>().map(|base| base.0).unwrap_or_default();
    let path = use_context::<http::request::Parts>().map(|parts| parts.uri.path().to_owned());
    let path = path.unwrap_or_default();
    let mut options = options;
    // `cargo leptos` has one module for all.
    if &*options.output_name == PAGES_MODULE && path.starts_with("/read/") {
        options.output_name = READER_MODULE.into();
    }
    if path != "/" {
        return view! {
            <script nonce=use_nonce() inner_html=IDLE_SOON></script>
            <HydrationScripts options islands=true root/>
        }
        .into_any();
    }
    view! {
        <script nonce=use_nonce() inner_html=IDLE_SOON></script>
        <template id="scripts">
            <HydrationScripts options islands=true root/>
        </template>
        <script nonce=use_nonce() inner_html=AT_FIRST_USE></script>
    }
    .into_any()
}
