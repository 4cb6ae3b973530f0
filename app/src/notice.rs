//! What a page says once, because of what was sent before it was asked for.

use leptos::prelude::use_context;

/// Why something was refused, in words for a person.
#[derive(Debug, Clone)]
pub struct Notice(pub String);

/// What this page is to say; empty when nothing.
pub fn notice() -> String {
    use_context::<Notice>().map(|Notice(text)| text).unwrap_or_default()
}
