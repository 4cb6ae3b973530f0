//! Every word of the interface, in one place.
//!
//! A language is a [`Words`]: leaving a field out does not compile, so no language is ever half
//! translated. To add one, copy `words/english.rs`, translate it, and name it in [`UiLanguage`] and
//! [`of`].

mod accounts;
mod dashboard;
mod devices;
mod dictionary;
mod english;
#[cfg(feature = "ssr")]
mod errors;
mod german;
mod listening;
mod narrations;
mod operator;
mod packs;
mod player;
mod refusals;
mod sharing;
mod spanish;
mod statistics;
mod take;

use leptos::prelude::use_context;

use crate::preferences::UiLanguage;

pub use accounts::Accounts;
pub use dashboard::Dashboard;
pub use devices::{Importing, Keeping};
pub use dictionary::DictionaryWords;
pub use listening::{Listening, Passage};
pub use narrations::Narrations;
pub use operator::Operator;
pub use packs::Packs;
pub use player::{Player, Playing};
pub use refusals::{Refusals, VoiceTroubles};
pub use sharing::Sharing;
pub use statistics::Statistics;
pub use take::Take;

/// What is there in English, Spanish and German, in the language of a BCP 47 tag as it stands on the page's root.
fn in_language<T>(tag: &str, [english, spanish, german]: [&'static T; 3]) -> &'static T {
    match tag {
        "es" => spanish,
        "de" => german,
        _ => english,
    }
}

/// The words of a language.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    pub site: Site,
    pub library: Library,
    pub book: Book,
    pub reader: Reader,
    pub player: Player,
    pub playing: Playing,
    pub settings: Settings,
    pub notes: Notes,
    pub search: Search,
    pub pronunciation: Pronunciation,
    pub listening: Listening,
    pub passage: Passage,
    pub errors: Errors,
    pub keys: Keys,
    pub operator: Operator,
    pub packs: Packs,
    pub accounts: Accounts,
    pub sharing: Sharing,
    pub narrations: Narrations,
    pub take: Take,
    pub dashboard: Dashboard,
    pub statistics: Statistics,
    pub dictionary: DictionaryWords,
    pub refusals: Refusals,
    pub voice_troubles: VoiceTroubles,
}

/// Every page.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Site {
    pub settings: &'static str,
    pub keys: &'static str,
    pub close: &'static str,
    pub loading: &'static str,
    pub skip_to_content: &'static str,
}

/// The library.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Library {
    pub title: &'static str,
    pub empty: &'static str,
    pub empty_hint: &'static str,
    pub no_match: &'static str,
    pub go_on: &'static str,
    pub read: &'static str,
    pub find: &'static str,
    pub sort: &'static str,
    pub sort_recent: &'static str,
    pub sort_title: &'static str,
    pub sort_author: &'static str,
    pub sort_added: &'static str,
    pub show: &'static str,
    pub show_all: &'static str,
    pub show_unread: &'static str,
    pub show_begun: &'static str,
    pub show_finished: &'static str,
    pub apply: &'static str,
    pub progress: &'static str,
    pub deleted: fn(&str) -> String,
    pub undo: &'static str,
    pub add: &'static str,
    pub import: &'static str,
    pub drop_here: &'static str,
    pub dismiss: &'static str,
}

/// A book’s page.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Book {
    pub begin: &'static str,
    pub go_on: &'static str,
    pub contents: &'static str,
    pub saved: fn(money: &str) -> String,
    pub facts: fn(chapters: u32, sentences: u32) -> String,
    pub listen: &'static str,
    pub series: &'static str,
    pub lasts: fn(to_read: &str, to_hear: &str) -> String,
    pub language: &'static str,
    pub added: &'static str,
    pub details: &'static str,
    pub rename: &'static str,
    pub title: &'static str,
    pub authors: &'static str,
    pub authors_hint: &'static str,
    pub save: &'static str,
    pub delete: &'static str,
    pub delete_hint: &'static str,
    pub file: &'static str,
    pub reimport: &'static str,
    pub reimport_hint: &'static str,
    pub outdated: &'static str,
    pub warnings: &'static str,
    pub warning_damaged: fn(&str) -> String,
    pub warning_missing: fn(&str) -> String,
    pub warning_too_large: fn(&str) -> String,
    pub warning_characters: fn(&str) -> String,
    pub warning_contents: fn(&str) -> String,
    pub warning_language: fn(&str) -> String,
    pub warning_everybodys: fn(part: &str) -> String,
    pub warning_more: fn(&str) -> String,
}

/// Around a chapter.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Reader {
    pub tools: &'static str,
    pub contents: &'static str,
    pub search: &'static str,
    pub notes: &'static str,
    pub appearance: &'static str,
    pub bookmark: &'static str,
    pub chapters: &'static str,
    pub previous: &'static str,
    pub next: &'static str,
    pub previous_page: &'static str,
    pub next_page: &'static str,
    pub selection: &'static str,
    pub highlight: &'static str,
    pub note: &'static str,
    pub read_from_here: &'static str,
    pub copy: &'static str,
    pub look_up: &'static str,
    pub share: &'static str,
    pub say_as: &'static str,
    pub read_otherwise: &'static str,
    pub go_to: &'static str,
    pub go: &'static str,
}

/// The settings. Lists are in the order of the preference’s values.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Settings {
    pub title: &'static str,
    pub reading: &'static str,
    pub listening: &'static str,
    pub interface: &'static str,
    pub server: &'static str,
    pub theme: &'static str,
    pub theme_names: [&'static str; 5],
    pub face: &'static str,
    pub face_names: [&'static str; 5],
    pub own_face: &'static str,
    pub own_face_title: &'static str,
    pub size: &'static str,
    pub leading: &'static str,
    pub measure: &'static str,
    pub margin: &'static str,
    pub letter_spacing: &'static str,
    pub word_spacing: &'static str,
    pub ruler: &'static str,
    pub ruler_hint: &'static str,
    pub tint: &'static str,
    pub tint_names: [&'static str; 5],
    pub layout: &'static str,
    pub layout_names: [&'static str; 2],
    pub align: &'static str,
    pub align_names: [&'static str; 2],
    pub paragraphs: &'static str,
    pub paragraphs_names: [&'static str; 3],
    pub hyphens: &'static str,
    pub on: &'static str,
    pub off: &'static str,
    pub mark: &'static str,
    pub mark_names: [&'static str; 3],
    pub mark_hint: &'static str,
    pub fallback: &'static str,
    pub fallback_hint: &'static str,
    pub no_fallback: &'static str,
    pub starter: &'static str,
    pub starter_hint: &'static str,
    pub no_starter: &'static str,
    pub preview: &'static str,
    /// The beginning of a book everybody knows: the sentence that is marked, the rest of its paragraph, and the next.
    pub preview_text: [&'static str; 3],
    pub keys: &'static str,
    pub tongue: &'static str,
    pub tongue_names: [&'static str; 4],
    pub save: &'static str,
}

/// A book’s notes.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Notes {
    pub title: &'static str,
    pub empty: &'static str,
    pub export: &'static str,
    pub note: &'static str,
    pub save: &'static str,
    pub delete: &'static str,
    pub bookmark: &'static str,
    pub highlight: &'static str,
    pub colour: &'static str,
    pub colours: [&'static str; 4],
}

/// The search in a book.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Search {
    pub title: &'static str,
    pub words: &'static str,
    pub find: &'static str,
    pub nothing: fn(&str) -> String,
    pub found: fn(usize) -> String,
    pub first_of: fn(usize) -> String,
}

/// How words are said.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Pronunciation {
    pub title: &'static str,
    pub lead: &'static str,
    pub word: &'static str,
    pub say_it_as: &'static str,
    pub said_hint: &'static str,
    pub hear: &'static str,
    pub keep: &'static str,
    pub valid_for: &'static str,
    pub this_book: &'static str,
    pub by_author: fn(&str) -> String,
    pub by_series: fn(&str) -> String,
    pub this_language: fn(&str) -> String,
    pub everywhere: &'static str,
    pub more: &'static str,
    pub matching: &'static str,
    pub whole_word: &'static str,
    pub part: &'static str,
    pub pattern: &'static str,
    pub matches_case: &'static str,
    pub phonemes: &'static str,
    pub phonemes_hint: &'static str,
    pub changes: fn(u32, u64) -> String,
    pub changes_nothing: &'static str,
    pub used: fn(u32) -> String,
    pub costs: fn(&str) -> String,
    pub kept: fn(u32) -> String,
    pub entries: &'static str,
    pub in_sentences: fn(u32) -> String,
    pub not_said: &'static str,
    pub change: &'static str,
    pub remove: &'static str,
    pub names: &'static str,
    pub names_hint: &'static str,
    pub rare: &'static str,
    pub rare_hint: &'static str,
    pub lists: &'static str,
    pub lists_hint: &'static str,
    pub file: &'static str,
    pub import: &'static str,
    pub export_lines: &'static str,
    pub export_pls: &'static str,
    pub heard: &'static str,
    pub heard_hint: &'static str,
    pub other_voice: &'static str,
}

/// What went wrong.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Errors {
    pub not_found: &'static str,
    pub invalid: &'static str,
    pub failed: &'static str,
    pub no_page: &'static str,
    pub no_book: &'static str,
    pub no_chapter: &'static str,
    pub to_library: &'static str,
    pub offline: &'static str,
    pub offline_hint: &'static str,
}

/// The sheet of keys.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Keys {
    pub title: &'static str,
    pub space: &'static str,
    pub does: [&'static str; 15],
}

/// What stands between a whole number and its decimals in the language of a BCP 47 tag.
pub fn decimal_point(tag: &str) -> &'static str {
    match tag {
        "es" | "de" => ",",
        _ => ".",
    }
}

/// The words of a language; of the first one we have among `accepted` (an `Accept-Language` header)
/// when none was chosen.
pub fn of(chosen: UiLanguage, accepted: &str) -> &'static Words {
    match chosen {
        UiLanguage::English => &english::ENGLISH,
        UiLanguage::Spanish => &spanish::SPANISH,
        UiLanguage::German => &german::GERMAN,
        UiLanguage::System => accepted
            .split(',')
            .find_map(|entry| {
                let tag = entry.split(';').next()?.trim().to_ascii_lowercase();
                match tag.split('-').next()? {
                    "en" => Some(&english::ENGLISH),
                    "es" => Some(&spanish::SPANISH),
                    "de" => Some(&german::GERMAN),
                    _ => None,
                }
            })
            .unwrap_or(&english::ENGLISH),
    }
}

/// An error, which is written in English, in the language with this tag, as far as that has words for it.
#[cfg(feature = "ssr")]
pub fn error_in(tag: &str, text: String) -> String {
    errors::translated(&text, tag).unwrap_or(text)
}

/// An error in the language of the page.
pub fn error(text: String) -> String {
    #[cfg(feature = "ssr")]
    let text = error_in(words().tag, text);
    text
}

/// A length of time as people say it, in every language: `7 h 5 min`.
pub fn length(ms: u64) -> String {
    let minutes = ms.div_ceil(60_000);
    if minutes >= 60 {
        format!("{} h {} min", minutes / 60, minutes % 60)
    } else {
        format!("{minutes} min")
    }
}

/// A number with so many decimals, as it is written in the language of this request.
pub fn decimal(number: f64, decimals: usize) -> String {
    format!("{number:.decimals$}").replace('.', decimal_point(words().tag))
}

/// An amount of money, in whatever currency the operator thinks in. A sentence costs a fraction of a cent.
pub fn money(amount: f64) -> String {
    decimal(amount, if amount > 0.0 && amount < 0.1 { 4 } else { 2 })
}

/// The words of this request.
pub fn words() -> &'static Words {
    use_context::<&'static Words>().unwrap_or(&english::ENGLISH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_we_have_is_spoken() {
        for (accepted, tag) in [
            ("", "en"),
            ("es-MX,es;q=0.9,en;q=0.8", "es"),
            ("fr-FR, ES;q=0.5, en;q=0.4", "es"),
            ("fr", "en"),
            ("en-GB,es", "en"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ] {
            assert_eq!(of(UiLanguage::System, accepted).tag, tag, "{accepted}");
        }
        assert_eq!(of(UiLanguage::Spanish, "en").tag, "es");
    }

    #[test]
    fn numbers_have_the_point_or_the_comma_of_the_language() {
        let sums = || [0.0, 0.0042, 0.5, 12.0].map(money);
        assert_eq!(sums(), ["0.00", "0.0042", "0.50", "12.00"]);
        let owner = leptos::prelude::Owner::new();
        owner.set();
        leptos::prelude::provide_context(of(UiLanguage::German, ""));
        assert_eq!(sums(), ["0,00", "0,0042", "0,50", "12,00"]);
        assert_eq!(decimal(3.17, 1), "3,2");
    }
}
