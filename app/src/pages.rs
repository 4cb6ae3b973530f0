//! The pages, rendered on the server.

mod book;
mod library;
mod reader;

pub use book::BookPage;
pub use library::LibraryPage;
pub use reader::ReaderPage;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::error::AppError;
use crate::model::BookId;

/// The book a route names; an id that cannot be one is a book that is not there.
fn book_param() -> Result<BookId, AppError> {
    let text = use_params_map().with_untracked(|params| params.get("book").unwrap_or_default());
    text.parse().map_err(|_| AppError::NotFound("There is no such book.".to_owned()))
}
