//! What readers do with the page: scroll, touch, tap, follow links, drag the scrubber, shake.

use std::cell::Cell;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent, TouchEvent, WheelEvent};

use super::super::{dom, panel};
use super::driver::{Driver, Step};
use super::machine::{Event, Phase, Spot};
use super::{page, paged};

/// A finger that has gone this far sideways turns the page, in pixels.
const SWIPE: f64 = 48.0;
/// A wheel turns no more than a page in this time, in milliseconds.
const WHEEL_REST_MS: f64 = 350.0;
/// What is shown as a note is no longer than this; a longer target is a place to go to.
const NOTE_CHARS: usize = 4_000;
/// Keys with which a reader moves the page.
const MOVING_KEYS: [&str; 6] = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];
/// How hard a device is to be shaken, in m/s².
const SHAKE: f64 = 22.0;

thread_local! {
    static TOUCHED_AT: Cell<(f64, f64)> = const { Cell::new((0.0, 0.0)) };
    static WHEELED_AT: Cell<f64> = const { Cell::new(0.0) };
}

/// Follows the reader.
pub fn watch(driver: &Driver) {
    driver.on(&window(), "wheel", wheel);
    dom::listen(&window(), "touchstart", |event| {
        if let Some(place) = finger(&event) {
            TOUCHED_AT.set(place);
        }
    });
    driver.on(&window(), "touchmove", |driver, event| {
        if moves_page(event) {
            driver.look_away();
        }
    });
    driver.on(&window(), "touchend", lift);
    driver.on(&window(), "scroll", |driver, _| driver.settle());
    // Sheets scroll by themselves, and that does not bubble.
    let scrolled = driver.clone();
    capture("scroll", move |_| scrolled.settle());
    driver.on(&document(), "click", Driver::click);
    driver.on(&document(), "keydown", |driver, event| {
        let is_moving = event
            .dyn_ref::<KeyboardEvent>()
            .is_some_and(|event| MOVING_KEYS.contains(&event.key().as_str()));
        if is_moving && dom::target(event, "input, select, textarea, dialog").is_none() {
            driver.look_away();
        }
    });
    driver.on(&document(), "selectionchange", |driver, _| {
        if page::selection().is_some() {
            driver.look_away();
        }
    });
    dom::listen(&window(), "pointermove", |event| lead_ruler(&event));
    driver.on(&window(), "popstate", |driver, _| {
        let location = window().location();
        if let (Ok(path), Ok(hash)) = (location.pathname(), location.hash()) {
            driver.go_back_to(&path, &hash);
        }
    });
    driver.on(&window(), "devicemotion", |driver, event| {
        let force = dom::property(event, "acceleration").map(|force| {
            ["x", "y", "z"]
                .iter()
                .filter_map(|axis| dom::property(&force, axis)?.as_f64())
                .map(f64::abs)
                .sum::<f64>()
        });
        if force.is_some_and(|force| force > SHAKE) {
            driver.shaken();
        }
    });
}

fn capture(name: &str, handle: impl FnMut(web_sys::Event) + 'static) {
    let handle = wasm_bindgen::closure::Closure::<dyn FnMut(web_sys::Event)>::new(handle);
    let handle = handle.into_js_value();
    let _ =
        document().add_event_listener_with_callback_and_bool(name, handle.unchecked_ref(), true);
}

/// Whether it is the page that is moved, and not something that lies over it.
fn moves_page(event: &web_sys::Event) -> bool {
    dom::target(event, "dialog, .popover, .player").is_none()
}

fn wheel(driver: &Driver, event: &web_sys::Event) {
    let Some(wheel) = event.dyn_ref::<WheelEvent>() else { return };
    // With the control key it zooms.
    if !moves_page(event) || wheel.ctrl_key() {
        return;
    }
    driver.look_away();
    if !dom::is_paged() {
        return;
    }
    let now = js_sys::Date::now();
    let by = wheel.delta_y() + wheel.delta_x();
    if by != 0.0 && now - WHEELED_AT.get() > WHEEL_REST_MS {
        WHEELED_AT.set(now);
        driver.turn_page(if by > 0.0 { 1 } else { -1 });
    }
}

/// The reading ruler goes with the pointer.
fn lead_ruler(event: &web_sys::Event) {
    let root = document().document_element().and_then(|root| root.dyn_into::<HtmlElement>().ok());
    let root = root.filter(|root| root.get_attribute("data-ruler").as_deref() == Some("on"));
    if let (Some(root), Some(pointer)) = (root, event.dyn_ref::<MouseEvent>()) {
        let _ =
            root.style().set_property("--ruler", &[&pointer.client_y().to_string(), "px"].concat());
    }
}

fn finger(event: &web_sys::Event) -> Option<(f64, f64)> {
    let touch = event.dyn_ref::<TouchEvent>()?.changed_touches().get(0)?;
    Some((f64::from(touch.client_x()), f64::from(touch.client_y())))
}

fn lift(driver: &Driver, event: &web_sys::Event) {
    let (Some((x, y)), (from_x, from_y)) = (finger(event), TOUCHED_AT.get()) else { return };
    let (right, down) = (x - from_x, y - from_y);
    let is_swipe = right.abs() > SWIPE && right.abs() > 2.0 * down.abs();
    if !is_swipe
        || !dom::is_paged()
        || dom::target(event, "#reading").is_none()
        || page::selection().is_some()
    {
        return;
    }
    // Pages lie to the right of one another, or to the left where text runs from right to left.
    let is_rtl = dom::one("#reading")
        .is_some_and(|reading| reading.get_attribute("dir").as_deref() == Some("rtl"));
    let on = (right < 0.0) != is_rtl;
    driver.turn_page(if on { 1 } else { -1 });
}

impl Driver {
    /// The reader has gone back or on in the browser's history, or to another part of this chapter.
    fn go_back_to(&self, path: &str, hash: &str) {
        if dom::within(path) != format!("/read/{}/{}", self.book(), self.machine().shown) {
            let is_idle = self.machine().phase == Phase::Idle;
            self.handle(if is_idle { Event::Leave } else { Event::LookAway });
            self.show(format!("{path}{hash}"), Step::Back, false);
            return;
        }
        self.handle(Event::LookAway);
        if let Some(target) = page::anchored(hash) {
            paged::turn_to(&target, false);
        }
    }

    fn click(&self, event: &web_sys::Event) {
        let Some(target) = dom::target(event, "*") else { return };
        let mouse = event.dyn_ref::<MouseEvent>();
        let is_plain = mouse.is_some_and(|mouse| {
            mouse.button() == 0 && !(mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key())
        });
        if !is_plain || event.default_prevented() {
            return;
        }
        if let Some(link) = dom::closest(&target, "a[href]") {
            self.click_link(event, &link);
            return;
        }
        if dom::closest(&target, "#reading article").is_none() || page::selection().is_some() {
            return;
        }
        if target.tag_name() == "IMG" {
            self.enlarge(&target);
        } else if let Some(sentence) = page::sentence_of(&target) {
            let chapter = self.machine().shown;
            let to = Spot { chapter, sentence };
            self.after_paint(move |driver| driver.jump(to));
        }
    }

    fn click_link(&self, event: &web_sys::Event, link: &HtmlElement) {
        let is_text = dom::closest(link, "#reading article").is_some();
        if is_text && is_note(link) && self.show_note(link) {
            event.prevent_default();
        } else if let Some(chapter) = page::chapter_link(link, self.book()) {
            event.prevent_default();
            panel::close();
            let link = link.clone();
            self.after_paint(move |driver| driver.follow_link(&link, chapter));
        }
    }

    /// The links to the next and previous chapter take the voice along; others, while there is a
    /// voice, only the page.
    fn follow_link(&self, link: &Element, chapter: u32) {
        let turns_page = dom::closest(link, ".turn").is_some();
        let (is_running, phase) = (self.machine().is_running(), self.machine().phase.clone());
        if turns_page && is_running {
            self.jump(Spot { chapter, sentence: 0 });
        } else if let Some(address) = link.get_attribute("href") {
            let leaves = turns_page || phase == Phase::Idle;
            self.handle(if leaves { Event::Leave } else { Event::LookAway });
            self.show(address, Step::New, false);
        }
    }

    /// Shows the note a link leads to in the panel, if it is in this chapter and short.
    fn show_note(&self, link: &HtmlElement) -> bool {
        let target = link.get_attribute("href").and_then(|href| page::anchored(&href));
        let Some(target) = target else { return false };
        let Some(block) = dom::closest(&target, "li, aside, p, dd, div, td") else { return false };
        let text = block.text_content().unwrap_or_default();
        if text.trim().is_empty() || text.chars().count() > NOTE_CHARS {
            return false;
        }
        let Ok(copy) = block.clone_node_with_deep(true) else { return false };
        let Ok(holder) = document().create_element("div") else { return false };
        let _ = holder.append_child(&copy);
        holder.set_class_name("text note-text");
        // A copy has no second claim to the ids, and is not what the voice reads.
        for name in ["id", "data-s"] {
            let Ok(found) = holder.query_selector_all(&format!("[{name}]")) else { continue };
            for index in 0..found.length() {
                if let Some(Ok(element)) = found.get(index).map(|node| node.dyn_into::<Element>()) {
                    let _ = element.remove_attribute(name);
                }
            }
        }
        panel::show(&link.text_content().unwrap_or_default(), &holder);
        true
    }

    /// Shows a picture as large as the window.
    fn enlarge(&self, picture: &HtmlElement) {
        let Ok(copy) = picture.clone_node_with_deep(false) else { return };
        let label = picture.get_attribute("alt").filter(|label| !label.trim().is_empty());
        panel::show(&label.unwrap_or_else(|| self.words().enlarged.to_owned()), &copy);
    }
}

/// Whether a link is the mark of a note: said to be, raised, or a number or sign alone.
fn is_note(link: &HtmlElement) -> bool {
    if link.get_attribute("role").as_deref() == Some("doc-noteref")
        || dom::closest(link, "sup").is_some()
        || matches!(link.query_selector("sup"), Ok(Some(_)))
    {
        return true;
    }
    let text = link.text_content().unwrap_or_default();
    let mark = text.trim().trim_matches(|letter| "[]()".contains(letter));
    !mark.is_empty()
        && mark.chars().count() <= 4
        && mark.chars().all(|letter| letter.is_ascii_digit() || "*†‡§¶".contains(letter))
}
