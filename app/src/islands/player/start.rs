//! What the server knows when the page is made. It stands on the player as JSON, and is read by name: a parser made for
//! this type would be 26 kB of every first view.

use serde::Serialize;
use web_sys::Element;

use super::super::dom::Json;
use crate::words::Playing;

/// The book and how it is listened to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Start {
    /// Its id.
    pub book: String,
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// Whether there is a picture of it.
    pub has_cover: bool,
    /// Number of chapters.
    pub chapters: u32,
    /// The sentence of this chapter where the reader stopped.
    pub resume: Option<u32>,
    /// When the reader's place was taken, in milliseconds since 1970; 0 when the book is not begun.
    pub known_ms: u64,
    /// Who reads ([`crate::cast::CastNames`]); empty when nobody does.
    pub cast: String,
    /// The name of the voice; empty when there is none.
    pub voice_name: String,
    /// The language of the book, as preferences name it; empty when the book does not say.
    pub language: String,
    /// The listener's speed here, in hundredths.
    pub rate: u16,
    /// That of books in the language, if it has one.
    pub language_rate: Option<u16>,
    /// That of this book alone, if it has one.
    pub own_rate: Option<u16>,
    /// Why nobody reads.
    pub silence: Option<Silence>,
}

impl Start {
    /// Reads what stands on the player.
    pub fn read(player: &Element) -> Option<Self> {
        let known = Json::parse(&player.get_attribute("data-start")?)?;
        let text = |name: &str| known.text(name).unwrap_or_default();
        Some(Self {
            book: text("book"),
            title: text("title"),
            author: text("author"),
            has_cover: known.is_true("has_cover"),
            chapters: known.index("chapters"),
            resume: known.get("resume").map(|_| known.index("resume")),
            known_ms: known.number("known_ms"),
            cast: text("cast"),
            voice_name: text("voice_name"),
            language: text("language"),
            rate: known.index("rate") as u16,
            language_rate: known.get("language_rate").map(|_| known.index("language_rate") as u16),
            own_rate: known.get("own_rate").map(|_| known.index("own_rate") as u16),
            silence: known.text("silence").and_then(|why| Silence::parse(&why)),
        })
    }
}

/// Why nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Silence {
    /// There is no voice at all.
    NoVoice,
    /// None speaks the language of the book.
    NotSpoken,
}

impl Silence {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "NoVoice" => Some(Self::NoVoice),
            "NotSpoken" => Some(Self::NotSpoken),
            _ => None,
        }
    }

    /// What there is to say of it.
    pub fn said(self, words: &Playing) -> &'static str {
        match self {
            Self::NoVoice => words.no_voice,
            Self::NotSpoken => words.not_spoken,
        }
    }
}
