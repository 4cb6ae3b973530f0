//! The paged layout: a chapter flows into columns as high as the window, and the page is turned by
//! moving along them. Vertical text flows into columns below one another.

use leptos::prelude::*;
use web_sys::{Element, HtmlElement, ScrollBehavior, ScrollToOptions};

use super::super::dom;
use super::page::prefers_reduced_motion;

/// The columns of the chapter.
struct Sheet {
    element: HtmlElement,
    /// Pages lie below one another, not side by side.
    is_vertical: bool,
    /// From the beginning of a page to that of the next, in pixels. Negative where pages go from right to left.
    pitch: f64,
}

impl Sheet {
    fn current() -> Option<Self> {
        let element = dom::one("#reading .sheet").filter(|_| dom::is_paged())?;
        let style = window().get_computed_style(&element).ok()??;
        let number = |name: &str| {
            let text = style.get_property_value(name).unwrap_or_default();
            // Whole pixels and a fraction, then the unit: the browser knows how to read that.
            js_sys::parse_float(&text).max(0.0)
        };
        let is_vertical = dom::one("#reading .vertical").is_some();
        let is_rtl =
            style.get_property_value("direction").is_ok_and(|direction| direction == "rtl");
        let extent = if is_vertical {
            f64::from(element.client_height()) - number("padding-top") - number("padding-bottom")
        } else {
            f64::from(element.client_width()) - number("padding-left") - number("padding-right")
        };
        let pitch = extent + number("column-gap");
        let pitch = if is_rtl && !is_vertical { -pitch } else { pitch };
        Some(Self { element, is_vertical, pitch })
    }

    fn offset(&self) -> f64 {
        f64::from(if self.is_vertical {
            self.element.scroll_top()
        } else {
            self.element.scroll_left()
        })
    }

    fn page(&self) -> f64 {
        // The last page may be half of one, and offsets are whole pixels.
        if self.is_at_end() { self.last_page() } else { (self.offset() / self.pitch).round() }
    }

    fn is_at_end(&self) -> bool {
        self.left() - self.offset().abs() < 2.0
    }

    /// How far the columns can be moved, in pixels.
    fn left(&self) -> f64 {
        let (whole, seen) = if self.is_vertical {
            (self.element.scroll_height(), self.element.client_height())
        } else {
            (self.element.scroll_width(), self.element.client_width())
        };
        f64::from(whole - seen).max(0.0)
    }

    fn last_page(&self) -> f64 {
        ((self.left() - 2.0) / self.pitch.abs()).ceil().max(0.0)
    }

    fn go_to(&self, page: f64, smoothly: bool) {
        let to = ScrollToOptions::new();
        if self.is_vertical {
            to.set_top(page * self.pitch);
        } else {
            to.set_left(page * self.pitch);
        }
        let is_smooth = smoothly && !prefers_reduced_motion();
        to.set_behavior(if is_smooth { ScrollBehavior::Smooth } else { ScrollBehavior::Instant });
        self.element.scroll_to_with_scroll_to_options(&to);
    }

    /// The page an element begins on.
    fn page_of(&self, element: &Element) -> f64 {
        let (rect, frame) =
            (element.get_bounding_client_rect(), self.element.get_bounding_client_rect());
        let rect = element.get_client_rects().get(0).unwrap_or(rect);
        let ahead = match (self.is_vertical, self.pitch < 0.0) {
            (true, _) => rect.top() - frame.top(),
            (false, false) => rect.left() - frame.left(),
            (false, true) => rect.right() - frame.right(),
        };
        ((self.offset() + ahead) / self.pitch).floor().min(self.last_page())
    }
}

/// Turns a page on (1) or back (-1); false at the chapter's end.
pub fn turn(by: i32) -> bool {
    let Some(sheet) = Sheet::current() else { return false };
    let page = sheet.page() + f64::from(by);
    if page < 0.0 || page > sheet.last_page() {
        return false;
    }
    sheet.go_to(page, true);
    true
}

/// Turns to the chapter's last page.
pub fn turn_to_end() {
    if let Some(sheet) = Sheet::current() {
        sheet.go_to(sheet.last_page(), false);
    }
}

/// Turns to the page an element begins on; false when pages are not turned here.
pub fn turn_to(element: &Element, smoothly: bool) -> bool {
    let Some(sheet) = Sheet::current() else { return false };
    let page = sheet.page_of(element);
    if page != sheet.page() {
        sheet.go_to(page, smoothly);
    }
    true
}

/// Whether an element begins on the page in view, before it, or after it.
pub fn side(element: &Element) -> Option<f64> {
    let sheet = Sheet::current()?;
    Some(sheet.page_of(element) - sheet.page())
}

/// Turns to the page that a sentence is on, at once, where there are pages.
pub fn return_to(sentence: u32) {
    if let Some(element) = super::page::head(sentence) {
        turn_to(&element, false);
    }
}

/// After a change of layout pages begin elsewhere: moves to where one begins.
pub fn settle() {
    if let Some(sheet) = Sheet::current() {
        sheet.go_to(sheet.page(), false);
    }
}
