//! Bookmarks and highlights: drawing them, and making them of what is selected.

use std::cell::RefCell;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, KeyboardEvent, Range};

use super::super::{dom, panel};
use super::commands::SelectionUse;
use super::driver::Driver;
use super::machine::{Event, Spot};
use super::page;
use super::server_events::{self, Mark};
use crate::model::{AnnotationKind, HighlightColour, Point};

/// A confirmation stays this long, in milliseconds.
const SAID_FOR: std::time::Duration = std::time::Duration::from_millis(1_800);
/// Room between a selection and its menu, in pixels.
const MENU_GAP: f64 = 12.0;

/// What is marked in the book, as far as the page knows.
#[derive(Debug, Default)]
pub struct Marks {
    known: RefCell<Vec<Mark>>,
    /// The names of those that say how sentences are read, once they are known.
    directions: RefCell<Option<Vec<String>>>,
}

impl Marks {
    /// Takes in what the server knows. Whether sentences are now read otherwise than before.
    fn replace(&self, marks: Vec<Mark>) -> bool {
        let directions: Vec<String> = marks
            .iter()
            .filter(|mark| mark.kind.is_direction())
            .map(|mark| mark.id.clone())
            .collect();
        self.known.replace(marks);
        let before = self.directions.replace(Some(directions));
        before.is_some_and(|before| Some(before) != *self.directions.borrow())
    }

    /// The bookmark of a chapter that is in view, if one is.
    fn bookmark_in_view(&self, chapter: u32) -> Option<String> {
        let known = self.known.borrow();
        let found = known.iter().find(|mark| {
            mark.kind == AnnotationKind::Bookmark
                && mark.chapter == chapter
                && page::side(mark.start.sentence) == Some(page::Side::Here)
        });
        found.map(|mark| mark.id.clone())
    }
}

impl Driver {
    /// Fetches what is marked in the book, and draws what is in this chapter.
    pub fn fetch_marks(&self) {
        let driver = self.clone();
        spawn_local(async move {
            let address = format!("/api/books/{}/annotations", driver.book());
            if let Some(marks) = dom::get(&address).await {
                let marks = marks.items().iter().filter_map(Mark::read).collect();
                let is_read_otherwise = driver.marks().replace(marks);
                driver.draw_marks();
                // What is read otherwise from now on is another sound.
                if is_read_otherwise {
                    driver.handle(Event::Revoice);
                    driver.fetch_outline();
                }
            }
        });
    }

    /// Draws what is marked in the chapter on the page.
    fn draw_marks(&self) {
        for old in dom::all("#reading .bookmarked") {
            let _ = old.class_list().remove_1("bookmarked");
        }
        let shown = self.machine().shown;
        let (mut unread, mut other) = (Vec::new(), Vec::new());
        let mut noted = HighlightColour::ALL.iter().map(|_| Vec::new()).collect::<Vec<_>>();
        for mark in self.marks().known.borrow().iter().filter(|mark| mark.chapter == shown) {
            let range = || page::range(mark.start, mark.end);
            match mark.kind {
                AnnotationKind::Highlight => noted[mark.colour as usize].extend(range()),
                AnnotationKind::Skip => unread.extend(range()),
                AnnotationKind::Voice => other.extend(range()),
                AnnotationKind::Again => {}
                AnnotationKind::Bookmark => {
                    if let Some(first) = page::spans(mark.start.sentence).first() {
                        let _ = first.class_list().add_1("bookmarked");
                    }
                }
            }
        }
        for (colour, ranges) in HighlightColour::ALL.iter().zip(&noted) {
            page::paint(&["noted-", colour.name()].concat(), ranges);
        }
        page::paint("unread", &unread);
        page::paint("other-voice", &other);
        self.show_bookmark();
    }

    /// Shows on its button whether a bookmark is in view.
    pub fn show_bookmark(&self) {
        let is_there = self.marks().bookmark_in_view(self.machine().shown).is_some();
        let shown = self.state().is_bookmarked;
        if shown.get_untracked() != is_there {
            shown.set(is_there);
        }
    }

    /// Sets a bookmark where the reader is, or takes away the one in view.
    pub fn toggle_bookmark(&self) {
        let driver = self.clone();
        if let Some(id) = self.marks().bookmark_in_view(self.machine().shown) {
            spawn_local(async move {
                let done = server_events::remove_annotation(driver.book(), &id).await;
                driver.confirm(done, driver.words().unbookmarked);
            });
            return;
        }
        let (shown, spoken) = (self.machine().shown, self.machine().voice_at);
        let spoken = spoken.filter(|at| at.chapter == shown).map(|at| at.sentence);
        let spoken = spoken.filter(|at| page::side(*at) == Some(page::Side::Here));
        let Some(sentence) = spoken.or_else(page::first_visible) else { return };
        let point = Point { sentence, offset: 0 };
        let mark = Mark {
            id: String::new(),
            kind: AnnotationKind::Bookmark,
            chapter: shown,
            start: point,
            end: point,
            quote: page::text_of(sentence),
            colour: HighlightColour::default(),
        };
        self.keep(mark, false);
    }

    /// Keeps a mark, and opens the list to write a note when one is wanted.
    fn keep(&self, mark: Mark, wants_note: bool) {
        let driver = self.clone();
        spawn_local(async move {
            let done = server_events::annotation(driver.book(), &mark).await;
            let is_bookmark = mark.kind == AnnotationKind::Bookmark;
            let words = driver.words();
            driver.confirm(done, if is_bookmark { words.bookmarked } else { words.highlighted });
            if done
                && wants_note
                && let Some(link) = dom::one("[data-panel][href$=\"/notes\"]")
            {
                link.click();
            }
        });
    }

    fn confirm(&self, done: bool, said: &'static str) {
        self.mention(if done { said } else { self.words().failed });
        if done {
            self.fetch_marks();
        }
    }

    /// Says something for a moment.
    fn mention(&self, said: &'static str) {
        self.state().mention.set(Some(said));
        self.later(SAID_FOR, |driver| driver.state().mention.set(None));
    }

    /// Does with the selected text what a button of its menu asks for.
    pub fn use_selection(&self, wanted: SelectionUse) {
        let Some(range) = page::selection() else { return };
        let text = String::from(range.to_string());
        match wanted {
            SelectionUse::Highlight(colour) => {
                if let Some(mark) = self.highlight_of(&range, &text) {
                    self.keep(Mark { colour, ..mark }, false);
                }
            }
            SelectionUse::Note => {
                if let Some(mark) = self.highlight_of(&range, &text) {
                    self.keep(mark, true);
                }
            }
            SelectionUse::Read => {
                if let Some(point) = start_of(&range) {
                    let chapter = self.machine().shown;
                    self.jump(Spot { chapter, sentence: point.sentence });
                }
            }
            SelectionUse::SayAs => {
                let word = js_sys::encode_uri_component(text.trim());
                let address = format!("/book/{}/pronunciation?written={word}", self.book());
                load("say-as", address);
            }
            SelectionUse::Passage => {
                let Some(mark) = self.highlight_of(&range, &text) else { return };
                let (first, last) = (mark.start.sentence, mark.end.sentence);
                let (book, chapter) = (self.book(), mark.chapter);
                let address =
                    format!("/book/{book}/passage?chapter={chapter}&first={first}&last={last}");
                load("passage", address);
            }
            SelectionUse::Copy => {
                let navigator: JsValue = window().navigator().into();
                if let Some(clipboard) = dom::property(&navigator, "clipboard") {
                    let _ = dom::call(&clipboard, "writeText", &[&text.trim().into()]);
                    self.mention(self.words().copied);
                }
            }
            SelectionUse::LookUp => {
                let word = js_sys::encode_uri_component(text.trim());
                if dom::one("#reading[data-dictionary]").is_some() {
                    load("look-up", format!("/book/{}/dictionary?word={word}", self.book()));
                } else {
                    let language =
                        dom::one("#reading article").and_then(|text| text.get_attribute("lang"));
                    let language = language.unwrap_or_default();
                    let language =
                        language.split('-').next().filter(|tag| tag.len() == 2).unwrap_or("en");
                    let address = format!("https://{language}.wiktionary.org/wiki/{word}");
                    let _ = window()
                        .open_with_url_and_target_and_features(&address, "_blank", "noopener");
                }
            }
            SelectionUse::Share => {
                let navigator: JsValue = window().navigator().into();
                let quote = format!("“{}” — {}", text.trim(), self.title());
                let _ = dom::call(&navigator, "share", &[&dom::object(&[("text", &quote.into())])]);
            }
        }
        unselect();
    }

    fn highlight_of(&self, range: &Range, text: &str) -> Option<Mark> {
        let start = start_of(range)?;
        let end = page::point(&range.end_container().ok()?, range.end_offset().ok()?);
        // A selection that ends between paragraphs ends with the last sentence it began in.
        let end = end.filter(|end| *end > start).unwrap_or_else(|| {
            let offset = page::text_of(start.sentence).encode_utf16().count() as u32;
            Point { sentence: start.sentence, offset }
        });
        Some(Mark {
            id: String::new(),
            kind: AnnotationKind::Highlight,
            chapter: self.machine().shown,
            start,
            end,
            quote: text.to_owned(),
            colour: HighlightColour::default(),
        })
    }
}

fn start_of(range: &Range) -> Option<Point> {
    page::point(&range.start_container().ok()?, range.start_offset().ok()?)
}

/// Opens a page in the panel, under the name of the button of a command.
fn load(command: &str, address: String) {
    let button = dom::one(&["[data-do=", command, "]"].concat());
    let label = button.and_then(|button| button.text_content());
    panel::load("GET", address, None, label.unwrap_or_default());
}

/// Nothing is selected any more.
fn unselect() {
    if let Ok(Some(selection)) = window().get_selection() {
        let _ = selection.remove_all_ranges();
    }
}

/// Shows the menu beside what is selected, or hides it.
fn show_menu() {
    let Some(menu) = dom::one(".selection-menu") else { return };
    let selected = page::selection().filter(|range| start_of(range).is_some());
    let Some(range) = selected else {
        dom::show(&menu, false);
        return;
    };
    if let Some(share) = dom::one(".selection-menu [data-do=share]") {
        let navigator: JsValue = window().navigator().into();
        dom::show(&share, dom::property(&navigator, "share").is_some());
    }
    dom::show(&menu, true);
    let (rect, own) = (range.get_bounding_client_rect(), menu.get_bounding_client_rect());
    let width = f64::from(document().document_element().map_or(0, |root| root.client_width()));
    let left = (rect.left() + rect.width() / 2.0 - own.width() / 2.0)
        .min(width - own.width() - 8.0)
        .max(8.0);
    let above = rect.top() - own.height() - MENU_GAP;
    // The system's own menu stands above a selection made with a finger.
    let has_room = above > 8.0
        && !window()
            .match_media("(pointer: coarse)")
            .ok()
            .flatten()
            .is_some_and(|query| query.matches());
    let top = if has_room { above } else { rect.bottom() + MENU_GAP * 2.0 };
    let height =
        window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default();
    let top = top.min(height - own.height() - 8.0).max(8.0);
    let _ = HtmlElement::style(&menu).set_property("left", &format!("{}px", left as i32));
    let _ = HtmlElement::style(&menu).set_property("top", &format!("{}px", top as i32));
}

/// Follows what is selected, and what is changed in the list of notes.
pub fn watch(driver: &Driver) {
    dom::listen(&document(), "selectionchange", |_| show_menu());
    dom::listen(&document(), "keydown", |event| {
        let is_escape = event.dyn_ref::<KeyboardEvent>().is_some_and(|key| key.key() == "Escape");
        if is_escape && page::selection().is_some() && dom::one("dialog[open]").is_none() {
            unselect();
        }
    });
    driver.on(&document(), panel::CHANGED, |driver, _| {
        if panel::find(".pronunciation").is_some() {
            // The sentences to come may be other sounds now, unless what was sent was refused.
            if panel::find(".refusal").is_none() {
                driver.handle(Event::Revoice);
            }
        } else {
            driver.fetch_marks();
        }
    });
}
