//! What buttons, keys and the lock screen ask for, by the names in `data-do`.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, FormData, HtmlInputElement, HtmlSelectElement, UrlSearchParams};

use super::super::{dom, panel};
use super::controls::notice;
use super::driver::{Driver, Step};
use super::machine::{Event, Phase, Spot};
use super::sleep::SleepChoice;
use super::{page, paged, server_events, session};
use crate::cast::CastNames;
use crate::model::HighlightColour;
use crate::preferences::RATES;

/// A step of the listener's speed, in hundredths.
const RATE_STEP: i32 = 5;

/// What the player can be asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Play, or hold the voice.
    Toggle,
    /// Play.
    Play,
    /// Hold the voice.
    Pause,
    /// So many sentences on, or back.
    Sentence(i32),
    /// So many paragraphs on, or back.
    Paragraph(i32),
    /// So many chapters on, or back.
    Chapter(i32),
    /// So many pages of the paged layout on, or back.
    Page(i32),
    /// A moment of the chapter, in milliseconds.
    Scrub(u64),
    /// Show where the voice is.
    LookBack,
    /// This speed, in hundredths.
    Rate(u16),
    /// So many steps faster, or slower.
    RateBy(i32),
    /// The speed is for this book alone, or no longer.
    OwnRate { of_language: bool },
    /// A setting of the sleep timer.
    Sleep(SleepChoice),
    /// Sleep later.
    SleepLonger,
    /// Go where the voice was when the sleep timer was set.
    SleepOrigin,
    /// Fold the bar, or unfold it.
    Fold,
    /// Go where another device is.
    GoThere,
    /// Stay, though another device is elsewhere.
    StayHere,
    /// Nothing more of the news that another voice reads.
    Dismiss,
    /// Set a bookmark, or take it away.
    Bookmark,
    /// What was heard is to be corrected.
    HeardWrong,
    /// Another voice, by its id.
    Voice(String),
    /// Hear a voice, by its id.
    Preview(String),
    /// Hear the word in the panel's form.
    HearWord,
    /// Something with the selected text.
    Selection(SelectionUse),
}

/// What can be done with selected text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The buttons of its menu.
pub enum SelectionUse {
    Highlight(HighlightColour),
    Note,
    Read,
    SayAs,
    Passage,
    Copy,
    LookUp,
    Share,
}

impl Command {
    /// What a button asks for, by its `data-do` and `data-value`.
    fn named(name: &str, value: &str) -> Option<Self> {
        use SelectionUse::*;
        Some(match name {
            "sentence-back" => Self::Sentence(-1),
            "sentence-on" => Self::Sentence(1),
            "paragraph-back" => Self::Paragraph(-1),
            "paragraph-on" => Self::Paragraph(1),
            "chapter-back" => Self::Chapter(-1),
            "chapter-on" => Self::Chapter(1),
            "page-back" => Self::Page(-1),
            "page-on" => Self::Page(1),
            "toggle" => Self::Toggle,
            "look-back" => Self::LookBack,
            "rate" => Self::Rate(value.parse().ok()?),
            "rate-by" => Self::RateBy(value.parse().ok()?),
            "own-rate" => Self::OwnRate { of_language: value == "language" },
            "sleep" => Self::Sleep(SleepChoice::parse(value)?),
            "sleep-longer" => Self::SleepLonger,
            "sleep-origin" => Self::SleepOrigin,
            "fold" => Self::Fold,
            "go-there" => Self::GoThere,
            "stay-here" => Self::StayHere,
            "dismiss" => Self::Dismiss,
            "bookmark" => Self::Bookmark,
            "heard-wrong" => Self::HeardWrong,
            "voice" => Self::Voice(value.to_owned()),
            "preview" => Self::Preview(value.to_owned()),
            "hear-word" => Self::HearWord,
            "highlight" => {
                Self::Selection(Highlight(HighlightColour::parse(value).unwrap_or_default()))
            }
            "note" => Self::Selection(Note),
            "read-selection" => Self::Selection(Read),
            "say-as" => Self::Selection(SayAs),
            "passage" => Self::Selection(Passage),
            "copy" => Self::Selection(Copy),
            "look-up" => Self::Selection(LookUp),
            "share" => Self::Selection(Share),
            _ => return None,
        })
    }
}

impl Driver {
    /// Does what was asked for.
    pub fn command(&self, command: Command) {
        let is_running = self.machine().is_running();
        match command {
            Command::Toggle => self.handle(Event::Toggle),
            Command::Play if !is_running => self.handle(Event::Toggle),
            Command::Pause if is_running => self.handle(Event::Toggle),
            Command::Play | Command::Pause => {}
            Command::Sentence(by) => self.skip(by),
            Command::Paragraph(by) => self.skip_paragraph(by),
            Command::Chapter(by) => self.handle(Event::SkipChapter { by }),
            Command::Page(by) => self.turn_page(by),
            Command::Scrub(ms) => self.scrub(ms),
            Command::LookBack => self.handle(Event::LookBack),
            Command::Rate(rate) => self.set_rate(rate),
            Command::RateBy(by) => {
                let rate = i32::from(self.rate()) + by * RATE_STEP;
                let rate = rate.clamp(i32::from(*RATES.start()), i32::from(*RATES.end()));
                self.set_rate(u16::try_from(rate).unwrap_or(100));
            }
            Command::OwnRate { of_language } => self.toggle_own_rate(of_language),
            Command::Sleep(choice) => {
                session::ask_for_motion();
                self.choose_sleep(choice);
            }
            Command::SleepLonger => self.prolong_sleep(),
            Command::SleepOrigin => self.go_to_sleep_origin(),
            Command::Fold => self.fold(),
            Command::GoThere => self.answer(true),
            Command::StayHere => self.answer(false),
            Command::Dismiss => notice::dismiss(),
            Command::Bookmark => self.toggle_bookmark(),
            Command::HeardWrong => self.heard_wrong(),
            Command::Voice(id) => self.choose_voice(&id),
            Command::Preview(id) => self.preview(&id),
            Command::HearWord => self.hear_word(),
            Command::Selection(wanted) => self.use_selection(wanted),
        }
    }

    fn choose_voice(&self, id: &str) {
        let name = dom::one(&format!("[data-do=voice][data-value=\"{id}\"]"));
        let name = name.and_then(|button| button.text_content()).unwrap_or_default();
        // Whoever else reads stays.
        let cast = CastNames { narrator: id.to_owned(), ..CastNames::parse(&self.voice()) };
        self.set_voice(cast.to_string(), name.trim().to_owned());
        panel::close();
        self.revoice();
    }

    /// Goes on with those who read now.
    fn revoice(&self) {
        self.handle(Event::Revoice);
        self.fetch_outline();
        let moment = self.machine().moment();
        if let Some((at, into_ms)) = moment {
            self.put_place(at, into_ms);
            return;
        }
        // Chosen before anything was heard, it is kept with the place that the book has, else where the reader is.
        let shown = self.machine().shown;
        let here = Spot { chapter: shown, sentence: page::first_visible().unwrap_or(0) };
        let driver = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let kept = dom::get(&["/api/books/", driver.book(), "/progress"].concat()).await;
            let kept = kept.filter(|place| place.get("chapter").is_some());
            let place = kept.map_or((here, 0), |place| {
                (server_events::Elsewhere::read(&place).at, place.number("intra_ms"))
            });
            driver.put_place(place.0, place.1);
        });
    }

    /// Changes who reads besides the narrator.
    fn choose_other(&self, field: &Element) {
        let mut cast = CastNames::parse(&self.voice());
        if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
            cast.speech = select.value();
        } else if let Some(tick) = field.dyn_ref::<HtmlInputElement>() {
            cast.languages = tick.checked();
        }
        self.state().cast.set(cast.to_string());
        self.revoice();
    }

    /// Says the sentence the reader is at in another voice.
    fn preview(&self, voice: &str) {
        if self.machine().is_running() {
            self.handle(Event::Toggle);
        }
        let at = self.machine().voice_at.filter(|at| at.chapter == self.machine().shown);
        let sentence = at.map(|at| at.sentence).or_else(page::first_visible).unwrap_or(0);
        let (book, chapter) = (self.book(), self.machine().shown);
        let voice = js_sys::encode_uri_component(voice);
        panel::play(&format!("/audio/{book}/{chapter}/{sentence}.mp3?voice={voice}"), self.rate());
    }

    /// Opens what the voice said last, to be corrected.
    fn heard_wrong(&self) {
        let shown = self.machine().shown;
        let at = self.machine().voice_at.unwrap_or_else(|| Spot {
            chapter: shown,
            sentence: page::first_visible().unwrap_or(0),
        });
        let (book, Spot { chapter, sentence }) = (self.book(), at);
        let address = format!("/book/{book}/pronunciation?chapter={chapter}&sentence={sentence}");
        let label = dom::one("[data-do=heard-wrong]").and_then(|button| button.text_content());
        panel::load("GET", address, None, label.unwrap_or_default());
    }

    /// Says the word in the panel's form as the form has it.
    fn hear_word(&self) {
        let form = panel::find("form.say-as").and_then(|form| form.dyn_into().ok());
        let Some(form) = form.and_then(|form| FormData::new_with_form(&form).ok()) else { return };
        let Ok(fields) = UrlSearchParams::new_with_str_sequence_sequence(&form) else { return };
        if self.machine().is_running() {
            self.handle(Event::Toggle);
        }
        fields.set("voice", &self.voice());
        let (book, fields) = (self.book(), String::from(fields.to_string()));
        panel::play(&format!("/api/books/{book}/pronunciations/sample?{fields}"), self.rate());
    }

    fn skip_paragraph(&self, by: i32) {
        let shown = self.machine().shown;
        let from = self.machine().voice_at.filter(|at| at.chapter == shown);
        let from = from.map(|at| at.sentence).or_else(page::first_visible).unwrap_or(0);
        match page::paragraph(from, by) {
            Some(sentence) => self.go_to(Spot { chapter: shown, sentence }),
            None if by > 0 => self.handle(Event::SkipChapter { by: 1 }),
            None => self.go_to(Spot { chapter: shown, sentence: 0 }),
        }
    }

    /// Turns a page of the paged layout; past the chapter's end, the chapter.
    pub fn turn_page(&self, by: i32) {
        self.look_away();
        if paged::turn(by) {
            return;
        }
        let link = dom::one(if by > 0 { ".turn .next" } else { ".turn .prev" });
        let Some(address) = link.and_then(|link| link.get_attribute("href")) else { return };
        if self.machine().phase == Phase::Idle {
            self.handle(Event::Leave);
        }
        self.show(address, Step::New, by < 0);
    }
}

/// Does what the buttons of the page ask for.
pub fn watch(driver: &Driver) {
    driver.on(&document(), "change", |driver, event| {
        if let Some(field) = dom::target(event, "[data-cast]") {
            driver.choose_other(&field);
        }
    });
    driver.on(&document(), "click", |driver, event| {
        let Some(button) = dom::target(event, "[data-do]") else { return };
        let read = |name: &str| Element::get_attribute(&button, name).unwrap_or_default();
        if let Some(command) = Command::named(&read("data-do"), &read("data-value")) {
            driver.after_paint(move |driver| driver.command(command));
        }
    });
}
