//! How a person likes to read and listen: kept by the server, so the same on every device.
//!
//! Every preference is a short word or a number. It is the value of a field of the settings form, of
//! a `data-` attribute of the page's root element, and of the style sheet's selectors: one name and
//! one value in all three, so that a change shows at once and the first paint is right.

mod library;
mod listening;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::BookId;

/// A preference that does not exist, or a value it cannot have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the preference “{0}” does not exist or cannot have that value")]
pub struct InvalidPreference(pub String);

/// An enumeration whose values have names, the first being the default.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { #[default] $($(#[$value_doc])* $value),+ }

        impl $name {
            /// Every value, in the order they are offered.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The value as forms, attributes and style sheets have it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }

            /// The value of a name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$value),)+ _ => None }
            }
        }
    };
}

pub(crate) use choice;

pub use library::{Show, Sort};
pub use listening::{Links, NoteReading, Pauses, Rests, Skipped, TableReading, Wording};

choice! {
    /// Colours.
    Theme {
        /// As the system has it.
        System = "system",
        /// Dark on light.
        Light = "light",
        /// Brown on cream.
        Sepia = "sepia",
        /// Light on dark.
        Dark = "dark",
        /// Black and white, nothing between.
        Contrast = "contrast",
    }
}

choice! {
    /// The typeface of a book's text.
    Typeface {
        /// Literata.
        Serif = "serif",
        /// Source Sans.
        Sans = "sans",
        /// Atkinson Hyperlegible: letters that are hard to confuse.
        Legible = "legible",
        /// What the book brings, else the serif.
        Book = "book",
        /// One that the reader's device has, else the serif.
        Own = "own",
    }
}

choice! {
    /// How a chapter is laid out.
    Layout {
        /// One long page.
        Scrolled = "scrolled",
        /// Pages to turn, of one column or two by width.
        Paged = "paged",
    }
}

choice! {
    /// How lines end.
    Align {
        /// Ragged.
        Start = "start",
        /// Flush at both edges.
        Justify = "justify",
    }
}

choice! {
    /// How paragraphs are told apart.
    Paragraphs {
        /// As the book has them.
        Book = "book",
        /// By the space between them.
        Spaced = "spaced",
        /// By their first line, as in printed books.
        Indented = "indented",
    }
}

choice! {
    /// The colour in which the sentence is marked that the voice reads.
    Tint {
        /// That of the theme, a warm yellow.
        Amber = "amber",
        /// Green.
        Green = "green",
        /// Blue.
        Blue = "blue",
        /// Pink.
        Pink = "pink",
        /// Grey.
        Grey = "grey",
    }
}

choice! {
    /// What is marked while the voice reads.
    Mark {
        /// The sentence.
        Sentence = "sentence",
        /// The sentence, and in it the word.
        Word = "word",
        /// Nothing.
        Off = "off",
    }
}

choice! {
    /// On or off.
    Switch {
        /// On.
        On = "on",
        /// Off.
        Off = "off",
    }
}

choice! {
    /// The language of the interface.
    UiLanguage {
        /// As the browser asks for.
        System = "system",
        /// English.
        English = "en",
        /// Spanish.
        Spanish = "es",
        /// German.
        German = "de",
    }
}

/// Steps of a measure: size of type, line height, length of lines, margins. The style sheet gives
/// each step its value.
pub const STEPS: std::ops::RangeInclusive<u8> = 1..=9;

/// Longest name of a typeface, in characters.
pub const MAX_TYPEFACE: usize = 60;
/// The step in the middle.
const MIDDLE: u8 = 5;

/// The listener's speed in hundredths.
pub const RATES: std::ops::RangeInclusive<u16> = 50..=400;

/// Most languages that have a voice of their own, and most books that have a speed.
const MAX_OWN: usize = 2_000;

/// What can be chosen for a single book: what is read of it.
pub const OF_BOOKS: [&str; 9] =
    ["titles", "matter", "notes", "tables", "code", "captions", "pictures", "citations", "links"];

/// Most languages and books for which voices are told how to speak.
const MAX_INSTRUCTIONS: usize = 200;

/// Most characters of what a voice is told of how to speak.
pub const MAX_INSTRUCTIONS_CHARS: usize = 1_000;

/// Longest id of a voice, in bytes.
const MAX_VOICE_BYTES: usize = 1_000;

/// What a person has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Colours.
    pub theme: Theme,
    /// Typeface.
    pub face: Typeface,
    /// Size of type, a step.
    pub size: u8,
    /// Line height, a step.
    pub leading: u8,
    /// Length of lines, a step.
    pub measure: u8,
    /// Margins, a step.
    pub margin: u8,
    /// Space between letters; the first step is the typeface's own.
    pub letter_spacing: u8,
    /// Space between words; the first step is the typeface's own.
    pub word_spacing: u8,
    /// Whether a band across the page leads the eye along the lines.
    pub ruler: Switch,
    /// The colour of the sentence that the voice reads.
    pub tint: Tint,
    /// How lines end.
    pub align: Align,
    /// How paragraphs are told apart.
    pub paragraphs: Paragraphs,
    /// Whether words are broken at the end of a line.
    pub hyphens: Switch,
    /// Layout of a chapter.
    pub layout: Layout,
    /// What is marked while the voice reads.
    pub mark: Mark,
    /// The listener's speed, in hundredths.
    pub rate: u16,
    /// How long the voice rests.
    pub pauses: Pauses,
    /// The rest between sentences where pauses are one's own, a step, as those that follow.
    pub rest_sentence: u8,
    /// The rest between paragraphs.
    pub rest_paragraph: u8,
    /// The rest after headings, and at the end of chapters.
    pub rest_heading: u8,
    /// The rest at a break between scenes.
    pub rest_scene: u8,
    /// Whether headings are read.
    pub titles: Switch,
    /// Whether title pages, imprints, indexes and the like are read by a voice that comes to them.
    pub matter: Switch,
    /// When footnotes and endnotes are read.
    pub notes: NoteReading,
    /// How tables are read.
    pub tables: TableReading,
    /// Whether listings are read.
    pub code: Switch,
    /// Whether captions are read.
    pub captions: Switch,
    /// Whether it is read what pictures say of themselves, where a book is not one of pictures.
    pub pictures: Switch,
    /// Whether references to sources are read.
    pub citations: Switch,
    /// How addresses of pages are read.
    pub links: Links,
    /// Whether single letters are keys (WCAG 2.1.4).
    pub keys: Switch,
    /// Language of the interface.
    pub tongue: UiLanguage,
    /// The voices that books in a language are read with unless another was chosen for a book: ids by language.
    pub voices: BTreeMap<String, String>,
    /// The speeds of books that have one of their own, by the book's id.
    pub rates: BTreeMap<String, u16>,
    /// How voices that can be told are to speak, in words, by language or the book's id.
    pub instructions: BTreeMap<String, String>,
    /// What is read of single books, where that is not as everywhere: values of [`OF_BOOKS`] by name, by the book's id.
    pub books: BTreeMap<String, BTreeMap<String, String>>,
    /// The book that these are for, where they are [those of one](Self::in_book).
    #[serde(skip)]
    pub book: Option<BookId>,
    /// The id of the voice that speaks what the chosen one cannot; empty when none is to.
    pub fallback: String,
    /// The id of the voice that begins while a slow one gets ready; empty when none is to.
    pub starter: String,
    /// The name of a typeface that the reader's device has, for [`Typeface::Own`].
    pub own_face: String,
    /// How the library is ordered.
    pub shelf_sort: Sort,
    /// Which books it shows.
    pub shelf_show: Show,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            face: Typeface::Serif,
            size: 4,
            leading: 5,
            measure: 5,
            margin: 3,
            letter_spacing: 1,
            word_spacing: 1,
            ruler: Switch::Off,
            tint: Tint::Amber,
            align: Align::Start,
            paragraphs: Paragraphs::Book,
            hyphens: Switch::On,
            layout: Layout::Scrolled,
            mark: Mark::Sentence,
            rate: 100,
            pauses: Pauses::Normal,
            rest_sentence: MIDDLE,
            rest_paragraph: MIDDLE,
            rest_heading: MIDDLE,
            rest_scene: MIDDLE,
            titles: Switch::On,
            matter: Switch::On,
            notes: NoteReading::There,
            tables: TableReading::On,
            code: Switch::On,
            captions: Switch::On,
            pictures: Switch::Off,
            citations: Switch::On,
            links: Links::Site,
            keys: Switch::On,
            tongue: UiLanguage::System,
            voices: BTreeMap::new(),
            rates: BTreeMap::new(),
            instructions: BTreeMap::new(),
            books: BTreeMap::new(),
            book: None,
            fallback: String::new(),
            starter: String::new(),
            own_face: String::new(),
            shelf_sort: Sort::Recent,
            shelf_show: Show::All,
        }
    }
}

impl Preferences {
    /// Sets one by its name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidPreference> {
        let invalid = || InvalidPreference(name.chars().take(40).collect());
        let step = || value.parse().ok().filter(|step| STEPS.contains(step)).ok_or_else(invalid);
        match name {
            "theme" => self.theme = Theme::parse(value).ok_or_else(invalid)?,
            "face" => self.face = Typeface::parse(value).ok_or_else(invalid)?,
            "size" => self.size = step()?,
            "leading" => self.leading = step()?,
            "measure" => self.measure = step()?,
            "margin" => self.margin = step()?,
            "letter_spacing" => self.letter_spacing = step()?,
            "word_spacing" => self.word_spacing = step()?,
            "ruler" => self.ruler = Switch::parse(value).ok_or_else(invalid)?,
            "tint" => self.tint = Tint::parse(value).ok_or_else(invalid)?,
            "own_face" => self.own_face = typeface_name(value).ok_or_else(invalid)?,
            "shelf_sort" => self.shelf_sort = Sort::parse(value).ok_or_else(invalid)?,
            "shelf_show" => self.shelf_show = Show::parse(value).ok_or_else(invalid)?,
            "align" => self.align = Align::parse(value).ok_or_else(invalid)?,
            "paragraphs" => self.paragraphs = Paragraphs::parse(value).ok_or_else(invalid)?,
            "hyphens" => self.hyphens = Switch::parse(value).ok_or_else(invalid)?,
            "layout" => self.layout = Layout::parse(value).ok_or_else(invalid)?,
            "mark" => self.mark = Mark::parse(value).ok_or_else(invalid)?,
            "rate" => {
                let rate = value.parse().ok().filter(|rate| RATES.contains(rate));
                self.rate = rate.ok_or_else(invalid)?;
            }
            "pauses" => self.pauses = Pauses::parse(value).ok_or_else(invalid)?,
            "rest_sentence" => self.rest_sentence = step()?,
            "rest_paragraph" => self.rest_paragraph = step()?,
            "rest_heading" => self.rest_heading = step()?,
            "rest_scene" => self.rest_scene = step()?,
            "titles" => self.titles = Switch::parse(value).ok_or_else(invalid)?,
            "matter" => self.matter = Switch::parse(value).ok_or_else(invalid)?,
            "notes" => self.notes = NoteReading::parse(value).ok_or_else(invalid)?,
            "tables" => self.tables = TableReading::parse(value).ok_or_else(invalid)?,
            "code" => self.code = Switch::parse(value).ok_or_else(invalid)?,
            "captions" => self.captions = Switch::parse(value).ok_or_else(invalid)?,
            "pictures" => self.pictures = Switch::parse(value).ok_or_else(invalid)?,
            "citations" => self.citations = Switch::parse(value).ok_or_else(invalid)?,
            "links" => self.links = Links::parse(value).ok_or_else(invalid)?,
            "keys" => self.keys = Switch::parse(value).ok_or_else(invalid)?,
            "tongue" => self.tongue = UiLanguage::parse(value).ok_or_else(invalid)?,
            "fallback" => self.fallback = voice_or_none(value).ok_or_else(invalid)?,
            "starter" => self.starter = voice_or_none(value).ok_or_else(invalid)?,
            _ => return self.set_own(name, value).ok_or_else(invalid),
        }
        Ok(())
    }

    /// Sets what is for one language or one book alone, `voice_en`, `rate_en`, `rate_0123456789abcdef`,
    /// `instructions_en` and `notes_0123456789abcdef`. An empty value takes it back.
    fn set_own(&mut self, name: &str, value: &str) -> Option<()> {
        if let Some(language) = name.strip_prefix("voice_") {
            let is_language = is_language(language);
            let is_voice = value.contains(':') && value.len() <= MAX_VOICE_BYTES;
            if !is_language || !(is_voice || value.is_empty()) {
                return None;
            }
            return keep(&mut self.voices, language, (!value.is_empty()).then(|| value.to_owned()));
        }
        if let Some((rule, book)) = name.split_once('_')
            && OF_BOOKS.contains(&rule)
        {
            return self.set_in_book(&book.parse().ok()?, rule, value);
        }
        let (kind, own) = name.split_once('_')?;
        if !is_language(own) && own.parse::<BookId>().is_err() {
            return None;
        }
        if kind == "instructions" {
            // However a browser ends its lines, it is one sound.
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_known = self.instructions.contains_key(own);
            if value.chars().count() > MAX_INSTRUCTIONS_CHARS
                || self.instructions.len() >= MAX_INSTRUCTIONS && !is_known
            {
                return None;
            }
            return keep(&mut self.instructions, own, (!value.is_empty()).then_some(value));
        }
        if kind != "rate" {
            return None;
        }
        let rate = match value {
            "" => None,
            value => Some(value.parse().ok().filter(|rate| RATES.contains(rate))?),
        };
        keep(&mut self.rates, own, rate)
    }

    fn set_in_book(&mut self, book: &BookId, rule: &str, value: &str) -> Option<()> {
        let mut own = self.books.get(book.as_str()).cloned().unwrap_or_default();
        if value.is_empty() {
            own.remove(rule);
        } else {
            Self::default().set(rule, value).ok()?;
            own.insert(rule.to_owned(), value.to_owned());
        }
        keep(&mut self.books, book.as_str(), (!own.is_empty()).then_some(own))
    }

    /// What is chosen for a book: all this, but what the book has of its own.
    pub fn in_book(&self, book: &BookId) -> Self {
        let mut preferences = Self { book: Some(book.clone()), ..self.clone() };
        for (rule, value) in self.books.get(book.as_str()).into_iter().flatten() {
            // Another version may have kept what this one does not know.
            let _ = preferences.set(rule, value);
        }
        preferences
    }

    /// What a book has of its own for one of [`OF_BOOKS`].
    pub fn own_of(&self, book: &BookId, rule: &str) -> Option<&str> {
        self.books.get(book.as_str())?.get(rule).map(String::as_str)
    }

    /// The voice for books in a language, if one was chosen.
    pub fn voice_for(&self, language: &str) -> Option<&str> {
        self.voices.get(&plain_language(language)).map(String::as_str)
    }

    /// The speed in a book in a language: its own, else that of the language, else that of all.
    pub fn rate_in(&self, book: &BookId, language: &str) -> u16 {
        let of = |name: &str| self.rates.get(name).copied();
        of(book.as_str()).or_else(|| of(&plain_language(language))).unwrap_or(self.rate)
    }

    /// How voices that can be told are to speak in a book in a language: as is said for it, else for the language; empty
    /// when nothing is.
    pub fn instructions_in(&self, book: &BookId, language: &str) -> &str {
        let of = |name: &str| self.instructions.get(name).map(String::as_str);
        of(book.as_str()).or_else(|| of(&plain_language(language))).unwrap_or_default()
    }

    /// What the voice passes over in a book.
    pub fn skipped_in(&self, book: &BookId) -> Skipped {
        match self.books.get(book.as_str()) {
            Some(_) => self.in_book(book).skipped(),
            None => self.skipped(),
        }
    }

    fn skipped(&self) -> Skipped {
        let is_off = |switch| switch == Switch::Off;
        Skipped {
            titles: is_off(self.titles),
            matter: is_off(self.matter),
            notes: self.notes,
            tables: self.tables == TableReading::Off,
            code: is_off(self.code),
            captions: is_off(self.captions),
            pictures: is_off(self.pictures),
            wording: Wording {
                skips_citations: is_off(self.citations),
                links: self.links,
                names_columns: self.tables == TableReading::Headings,
            },
        }
    }

    /// How long the voice rests.
    pub fn rests(&self) -> Rests {
        let own = [self.rest_sentence, self.rest_paragraph, self.rest_heading, self.rest_scene];
        Rests::chosen(self.pauses, own)
    }

    /// All of them by name.
    pub fn entries(&self) -> [(&'static str, String); 37] {
        [
            ("theme", self.theme.name().to_owned()),
            ("face", self.face.name().to_owned()),
            ("size", self.size.to_string()),
            ("leading", self.leading.to_string()),
            ("measure", self.measure.to_string()),
            ("margin", self.margin.to_string()),
            ("letter_spacing", self.letter_spacing.to_string()),
            ("word_spacing", self.word_spacing.to_string()),
            ("ruler", self.ruler.name().to_owned()),
            ("tint", self.tint.name().to_owned()),
            ("align", self.align.name().to_owned()),
            ("paragraphs", self.paragraphs.name().to_owned()),
            ("hyphens", self.hyphens.name().to_owned()),
            ("layout", self.layout.name().to_owned()),
            ("mark", self.mark.name().to_owned()),
            ("rate", self.rate.to_string()),
            ("pauses", self.pauses.name().to_owned()),
            ("rest_sentence", self.rest_sentence.to_string()),
            ("rest_paragraph", self.rest_paragraph.to_string()),
            ("rest_heading", self.rest_heading.to_string()),
            ("rest_scene", self.rest_scene.to_string()),
            ("titles", self.titles.name().to_owned()),
            ("matter", self.matter.name().to_owned()),
            ("notes", self.notes.name().to_owned()),
            ("tables", self.tables.name().to_owned()),
            ("code", self.code.name().to_owned()),
            ("captions", self.captions.name().to_owned()),
            ("pictures", self.pictures.name().to_owned()),
            ("citations", self.citations.name().to_owned()),
            ("links", self.links.name().to_owned()),
            ("keys", self.keys.name().to_owned()),
            ("tongue", self.tongue.name().to_owned()),
            ("fallback", self.fallback.clone()),
            ("starter", self.starter.clone()),
            ("own_face", self.own_face.clone()),
            ("shelf_sort", self.shelf_sort.name().to_owned()),
            ("shelf_show", self.shelf_show.name().to_owned()),
        ]
    }
}

/// The id of a voice, or nothing.
fn voice_or_none(value: &str) -> Option<String> {
    let is_voice = value.is_empty() || value.contains(':');
    (is_voice && value.len() <= MAX_VOICE_BYTES).then(|| value.to_owned())
}

/// The name of a typeface as a style sheet can have it in quotation marks: letters, digits, spaces and a few signs.
fn typeface_name(value: &str) -> Option<String> {
    let value = value.trim();
    let is_plain = |sign: char| sign.is_alphanumeric() || " -_.+".contains(sign);
    (value.chars().count() <= MAX_TYPEFACE && value.chars().all(is_plain)).then(|| value.to_owned())
}

/// The language of a BCP 47 tag, without its script and region, as preferences name it; empty when it names none.
pub fn plain_language(tag: &str) -> String {
    let language = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    if is_language(&language) { language } else { String::new() }
}

fn is_language(name: &str) -> bool {
    (2..=8).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Keeps a value for a language or book, or forgets the one there is. None when there is no room for one more.
fn keep<T>(kept: &mut BTreeMap<String, T>, key: &str, value: Option<T>) -> Option<()> {
    match value {
        Some(_) if kept.len() >= MAX_OWN && !kept.contains_key(key) => return None,
        Some(value) => kept.insert(key.to_owned(), value),
        None => kept.remove(key),
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_by_name_is_told_by_name() {
        let mut preferences = Preferences::default();
        let wanted = [
            ("theme", "sepia"),
            ("face", "legible"),
            ("size", "9"),
            ("leading", "1"),
            ("measure", "2"),
            ("margin", "8"),
            ("letter_spacing", "3"),
            ("word_spacing", "4"),
            ("ruler", "on"),
            ("tint", "blue"),
            ("align", "justify"),
            ("paragraphs", "indented"),
            ("hyphens", "off"),
            ("layout", "paged"),
            ("mark", "word"),
            ("rate", "135"),
            ("pauses", "own"),
            ("rest_sentence", "1"),
            ("rest_paragraph", "3"),
            ("rest_heading", "7"),
            ("rest_scene", "9"),
            ("titles", "off"),
            ("matter", "off"),
            ("notes", "number"),
            ("tables", "off"),
            ("code", "off"),
            ("captions", "off"),
            ("pictures", "on"),
            ("citations", "off"),
            ("links", "skip"),
            ("keys", "off"),
            ("tongue", "es"),
            ("fallback", "espeak-ng:en-us"),
            ("starter", "heart:heart"),
            ("own_face", "Open Dyslexic 3"),
            ("shelf_sort", "author"),
            ("shelf_show", "unread"),
        ];
        for (name, value) in wanted {
            assert_eq!(preferences.set(name, value), Ok(()), "{name}");
        }
        assert_eq!(
            preferences.entries().map(|(name, value)| (name, value)),
            wanted.map(|(name, value)| (name, value.to_owned()))
        );
        let json = serde_json::to_string(&preferences).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Preferences>(&json).ok(), Some(preferences));
    }

    #[test]
    fn a_language_has_a_voice_and_a_speed_and_a_book_a_speed() {
        let mut preferences = Preferences::default();
        let book: BookId = "0123456789abcdef".parse().unwrap_or_else(|_| unreachable!());
        for (name, value) in [("voice_en", "kokoro:af_heart"), ("rate_0123456789abcdef", "150")] {
            assert_eq!(preferences.set(name, value), Ok(()), "{name}");
        }
        assert_eq!(preferences.voice_for("en-GB"), Some("kokoro:af_heart"));
        assert_eq!((preferences.voice_for("es"), preferences.rate_in(&book, "en")), (None, 150));
        let other: BookId = "1123456789abcdef".parse().unwrap_or_else(|_| unreachable!());
        assert_eq!(preferences.set("rate_en", "80"), Ok(()));
        let rates = [(&book, "en"), (&other, "en-GB"), (&other, "es")];
        assert_eq!(rates.map(|(book, tag)| preferences.rate_in(book, tag)), [150, 80, 100]);
        assert_eq!(preferences.set("rate_en", ""), Ok(()));
        assert_eq!(preferences.set("instructions_en", " Calmly. "), Ok(()));
        assert_eq!(preferences.set("instructions_0123456789abcdef", "Like a pirate."), Ok(()));
        let told = [(&book, "en"), (&other, "en-GB"), (&other, "es")];
        let told = told.map(|(book, tag)| preferences.instructions_in(book, tag).to_owned());
        assert_eq!(told, ["Like a pirate.", "Calmly.", ""]);
        assert!(preferences.set("instructions_en", &"x".repeat(1_001)).is_err());
        for name in ["instructions_en", "instructions_0123456789abcdef"] {
            assert_eq!(preferences.set(name, ""), Ok(()));
        }
        for (name, value) in [
            ("voice_EN", "a:b"),
            ("voice_", "a:b"),
            ("voice_en", "nobody"),
            ("rate_x", "100"),
            ("rate_0123456789abcdef", "900"),
        ] {
            assert!(preferences.set(name, value).is_err(), "{name}={value}");
        }
        assert_eq!(preferences.set("voice_en", ""), Ok(()));
        assert_eq!(preferences.set("rate_0123456789abcdef", ""), Ok(()));
        assert_eq!(preferences, Preferences::default());
    }

    #[test]
    fn a_book_has_rules_of_its_own() {
        let mut preferences = Preferences::default();
        let book: BookId = "0123456789abcdef".parse().unwrap_or_else(|_| unreachable!());
        let other: BookId = "1123456789abcdef".parse().unwrap_or_else(|_| unreachable!());
        for (name, value) in [
            ("tables_0123456789abcdef", "headings"),
            ("notes_0123456789abcdef", "off"),
            ("notes", "number"),
        ] {
            assert_eq!(preferences.set(name, value), Ok(()), "{name}");
        }
        let (own, others) = (preferences.skipped_in(&book), preferences.skipped_in(&other));
        assert!(own.notes == NoteReading::Skip && own.wording.names_columns);
        assert!(others.notes == NoteReading::AtNumber && !others.wording.names_columns);
        assert_eq!(preferences.own_of(&book, "notes"), Some("off"));
        assert_eq!(preferences.own_of(&book, "code"), None);
        for (name, value) in [
            ("theme_0123456789abcdef", "dark"),
            ("notes_x", "off"),
            ("notes_0123456789abcdef", "shoe"),
        ] {
            assert!(preferences.set(name, value).is_err(), "{name}={value}");
        }
        for name in ["tables_0123456789abcdef", "notes_0123456789abcdef"] {
            assert_eq!(preferences.set(name, ""), Ok(()), "{name}");
        }
        assert!(preferences.books.is_empty());
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let mut preferences = Preferences::default();
        for (name, value) in [
            ("theme", "pink"),
            ("size", "0"),
            ("size", "10"),
            ("rate", "49"),
            ("rate", "x"),
            ("rest_scene", "0"),
            ("links", "on"),
            ("shoe", "1"),
            ("fallback", "nobody"),
            ("starter", "nobody"),
        ] {
            assert!(preferences.set(name, value).is_err(), "{name}={value}");
        }
        assert_eq!(preferences, Preferences::default());
    }

    #[test]
    fn what_earlier_versions_have_stored_is_read() {
        let stored = r#"{"theme":"dark","tables":"off","notes":"off","voices":{"en":"a:b"}}"#;
        let read: Result<Preferences, _> = serde_json::from_str(stored);
        let read = read.unwrap_or_default();
        assert_eq!((read.theme, read.tables), (Theme::Dark, TableReading::Off));
        assert_eq!((read.notes, read.voice_for("en")), (NoteReading::Skip, Some("a:b")));
        let now = serde_json::to_value(Preferences::default()).unwrap_or_default();
        assert_eq!((&now["tables"], &now["notes"]), (&"on".into(), &"there".into()));
    }

    #[test]
    fn what_is_not_stored_yet_has_its_default() {
        let stored: Result<Preferences, _> = serde_json::from_str(r#"{"theme":"dark"}"#);
        let expected = Preferences { theme: Theme::Dark, ..Preferences::default() };
        assert_eq!(stored.ok(), Some(expected));
    }
}
