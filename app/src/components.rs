//! Building blocks of pages, rendered on the server only.

mod cover;
mod error_page;
mod import_form;
mod keep_button;
mod page_title;
mod player_bar;
mod qr;
mod reader_head;
mod refusal;
mod scripts;
mod selection_menu;
mod site_head;

pub use crate::icon::{Icon, icon};
pub use cover::Cover;
pub use error_page::{ErrorPage, set_status};
pub use import_form::ImportForm;
pub use keep_button::KeepButton;
pub use page_title::{PageTitle, text_area_content};
pub use player_bar::PlayerBar;
pub use qr::Qr;
pub use reader_head::ReaderHead;
pub use refusal::Refusal;
pub use scripts::Scripts;
pub use selection_menu::SelectionMenu;
pub use site_head::{Panel, SiteHead};

use serde::Serialize;

use crate::model::BookCard;

/// Where reading goes on: the saved place, else the beginning.
pub fn reading_link(book: &BookCard) -> String {
    place_link(book, "")
}

/// The same, where the voice begins to read at once (`islands/player/driver/chapter.rs`).
pub fn listening_link(book: &BookCard) -> String {
    place_link(book, "?listen")
}

fn place_link(book: &BookCard, query: &str) -> String {
    match &book.progress {
        Some(at) => format!("/read/{}/{}{query}#s{}", book.id, at.chapter, at.sentence),
        None => format!("/read/{}/1{query}", book.id),
    }
}

/// Something for a script to read, as the value of a data attribute.
fn data(value: &impl Serialize) -> String {
    // Words and numbers: there is nothing that JSON cannot say.
    serde_json::to_string(value).unwrap_or_default()
}
