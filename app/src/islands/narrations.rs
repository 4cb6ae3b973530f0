//! How books that are made ready go on, while their page is open.

use leptos::prelude::*;

use super::dom::{self, Json};
use super::events;

/// Keeps the list of narrations up to date ([`NarrationsPage`](crate::pages::NarrationsPage)).
#[island]
pub fn NarrationList() -> impl IntoView {
    dom::in_browser(|| {
        let Some(list) = dom::one(".narrations") else { return };
        let all = list.get_attribute("data-all").map_or("", |_| "?all=true");
        // It begins with how all of them are.
        events::hear(&format!("/api/narrations/events{all}"), "narration", |event| {
            let data = event.and_then(|event| event.data().as_string());
            if let Some(card) = data.and_then(|data| Json::parse(&data)) {
                show(&card);
            }
        });
    });
}

/// Shows how far one is. Another state has other buttons: then the page is asked for anew.
fn show(card: &Json) {
    let (Some(id), Some(state)) = (card.text("id"), card.text("state")) else { return };
    let Some(shown) = dom::one(&format!("[data-narration=\"{id}\"]")) else {
        let _ = window().location().reload();
        return;
    };
    if shown.get_attribute("data-state").as_deref() != Some(&*state) {
        let _ = window().location().reload();
        return;
    }
    let percent = card.number("percent").to_string();
    if let Ok(Some(bar)) = shown.query_selector("progress") {
        dom::set(&bar, "value", &percent);
    }
    if let Ok(Some(text)) = shown.query_selector(".narration-percent") {
        text.set_text_content(Some(&format!("{percent} %")));
    }
    if let Ok(Some(text)) = shown.query_selector(".narration-left") {
        let minutes = card.number("seconds_left") / 60;
        let left = match card.get("seconds_left").filter(|left| !left.is_null()) {
            None => String::new(),
            Some(_) if minutes == 0 => text.get_attribute("data-soon").unwrap_or_default(),
            Some(_) => {
                let template = text.get_attribute("data-left").unwrap_or_default();
                template.replace("{}", &minutes.to_string())
            }
        };
        text.set_text_content(Some(&left));
    }
}
