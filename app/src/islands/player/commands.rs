//! What buttons, keys and the lock screen ask for, by the names in `data-do`.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{
    Element, FormData, HtmlAudioElement, HtmlInputElement, HtmlSelectElement, UrlSearchParams,
};

use super::super::{dom, panels};
use super::driver::{Driver, with_current};
use super::machine::{Event, Phase, Spot};
use super::sleep::Sleep;
use super::{page, paged, server_events, session};
use crate::cast::CastNames;
use crate::preferences::RATES;

/// A step of the listener's speed, in hundredths.
const RATE_STEP: i32 = 5;

impl Driver {
    /// Does what a button asks for.
    pub fn command(&self, name: &str, value: &str) {
        match name {
            "toggle" | "retry" => self.handle(Event::Toggle),
            "play" if !self.machine().is_running() => self.handle(Event::Toggle),
            "pause" if self.machine().is_running() => self.handle(Event::Toggle),
            "sentence-back" => self.skip(-1),
            "sentence-on" => self.skip(1),
            "paragraph-back" => self.skip_paragraph(-1),
            "paragraph-on" => self.skip_paragraph(1),
            "chapter-back" => self.handle(Event::SkipChapter { by: -1 }),
            "chapter-on" => self.handle(Event::SkipChapter { by: 1 }),
            "dismiss" => {
                if let Some(news) = dom::one(".voice-news") {
                    news.remove();
                }
                // The button that had the focus is gone.
                if let Some(play) = dom::one(".player .play") {
                    let _ = play.focus();
                }
            }
            "look-back" => self.handle(Event::LookBack),
            "rate" => self.set_rate(value.parse().unwrap_or(100)),
            "rate-by" => {
                let by = value.parse::<i32>().unwrap_or_default() * RATE_STEP;
                let rate = i32::from(self.rate()) + by;
                let rate = rate.clamp(i32::from(*RATES.start()), i32::from(*RATES.end()));
                self.set_rate(u16::try_from(rate).unwrap_or(100));
            }
            "own-rate" => self.toggle_own_rate(),
            "voice" => self.choose_voice(value),
            "preview" => self.preview(value),
            "sleep" => {
                session::ask_for_motion();
                let chapter = self.machine().voice_at.map_or(self.machine().shown, |at| at.chapter);
                self.set_sleep(Sleep::chosen(value, js_sys::Date::now(), chapter), value);
            }
            "sleep-longer" => {
                let longer = self.sleep().longer(js_sys::Date::now());
                self.set_sleep(longer, "");
            }
            "bookmark" => self.toggle_bookmark(),
            "page-on" => self.turn_page(1),
            "page-back" => self.turn_page(-1),
            "go-there" => self.answer(true),
            "stay-here" => self.answer(false),
            "hear-word" => self.hear_word(),
            "heard-wrong" => self.heard_wrong(),
            "highlight" | "note" | "say-as" | "passage" | "read-selection" | "copy" | "look-up"
            | "share" => {
                self.use_selection(name);
            }
            _ => {}
        }
    }

    fn choose_voice(&self, id: &str) {
        let name = dom::one(&format!("[data-do=voice][data-value=\"{id}\"]"));
        let name = name.and_then(|button| button.text_content()).unwrap_or_default();
        // Whoever else reads stays.
        let cast = CastNames { narrator: id.to_owned(), ..CastNames::parse(&self.voice()) };
        self.set_voice(&cast.to_string(), name.trim());
        panels::close();
        self.revoice();
    }

    /// Goes on with those who read now.
    fn revoice(&self) {
        self.handle(Event::Revoice);
        self.fetch_outline();
        if self.machine().moment().is_some() {
            self.save(true);
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
        let name = dom::one(".player .voice-name").and_then(|name| name.text_content());
        self.set_voice(&cast.to_string(), &name.unwrap_or_default());
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
        self.play_sample(&format!("/audio/{book}/{chapter}/{sentence}.mp3?voice={voice}"));
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
        panels::load("GET", address, None, label.unwrap_or_default());
    }

    /// Says the word in the panel's form as the form has it.
    fn hear_word(&self) {
        let form = dom::one("#panel form.say-as").and_then(|form| form.dyn_into().ok());
        let Some(form) = form.and_then(|form| FormData::new_with_form(&form).ok()) else { return };
        let Ok(fields) = UrlSearchParams::new_with_str_sequence_sequence(&form) else { return };
        if self.machine().is_running() {
            self.handle(Event::Toggle);
        }
        fields.set("voice", &self.voice());
        let (book, fields) = (self.book(), String::from(fields.to_string()));
        self.play_sample(&format!("/api/books/{book}/pronunciations/sample?{fields}"));
    }

    /// Plays something short in the panel.
    fn play_sample(&self, source: &str) {
        let audio =
            dom::one("#panel audio").and_then(|audio| audio.dyn_into::<HtmlAudioElement>().ok());
        let audio = match audio {
            Some(audio) => audio,
            None => {
                let Ok(audio) = HtmlAudioElement::new() else { return };
                if let Some(body) = dom::one("#panel .panel-body") {
                    let _ = body.append_child(&audio);
                }
                audio
            }
        };
        audio.set_src(&dom::at(source));
        audio.set_playback_rate(f64::from(self.rate()) / 100.0);
        // Closing the panel ends it (`panels.rs`), and so does another; neither is an error.
        if let Ok(promise) = audio.play() {
            let source = source.to_owned();
            wasm_bindgen_futures::spawn_local(async move {
                let failed = wasm_bindgen_futures::JsFuture::from(promise).await.is_err();
                let is_current = audio.is_connected() && audio.src().ends_with(&source);
                if let Some(line) = dom::one("#panel .panel-failed") {
                    dom::show(&line, failed && is_current);
                }
            });
        }
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
        self.show(address, true, by < 0);
    }
}

/// Does what the buttons of the page ask for.
pub fn watch() {
    dom::listen(&document(), "change", |event| {
        let Some(field) = dom::target(&event, "[data-cast]") else { return };
        with_current(|driver| driver.choose_other(&field));
    });
    dom::listen(&document(), "click", |event| {
        let Some(button) = dom::target(&event, "[data-do]") else { return };
        let read = |name: &str| Element::get_attribute(&button, name).unwrap_or_default();
        let (name, value) = (read("data-do"), read("data-value"));
        dom::after_paint(move || with_current(|driver| driver.command(&name, &value)));
    });
}
