//! What the server knows when the page is made.

use web_sys::Element;

use super::Json;

/// It stands on the bar.
pub struct Start {
    pub book: String,
    pub title: String,
    pub author: String,
    pub has_cover: bool,
    pub chapters: u32,
    /// The sentence of this chapter where the reader stopped.
    pub resume: Option<u32>,
    /// When the reader's place was taken, in milliseconds since 1970; 0 when the book is not begun.
    pub known_ms: u64,
    /// The voice that reads; empty when none does.
    pub voice: String,
    /// What scripts say ([`crate::words::ScriptWords`]).
    pub words: Json,
}

impl Start {
    /// Reads it.
    pub fn read(player: &Element) -> Option<Self> {
        let text = |name: &str| player.get_attribute(name).unwrap_or_default();
        Some(Self {
            book: text("data-book"),
            title: text("data-title"),
            author: text("data-author"),
            has_cover: player.has_attribute("data-has-cover"),
            chapters: text("data-chapters").parse().ok()?,
            resume: text("data-resume").parse().ok(),
            known_ms: text("data-known-ms").parse().unwrap_or_default(),
            voice: text("data-voice"),
            words: Json::parse(&text("data-words"))?,
        })
    }
}
