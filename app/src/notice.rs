//! What a page says once, because of what was sent before it was asked for.

use leptos::prelude::use_context;

/// What a notice begins with that is the password of a reading app, which was just made.
pub const APP_PASSWORD_MARK: &str = "app-password:";

/// Why something was refused, in words for a person.
#[derive(Debug, Clone)]
pub struct Notice(pub String);

/// What this page is to say; empty when nothing.
pub fn notice() -> String {
    use_context::<Notice>().map(|Notice(text)| text).unwrap_or_default()
}
