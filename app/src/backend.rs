//! The port through which pages reach the server. `src` implements it and puts it into context;
//! tests can put in another.

use std::sync::Arc;

use async_trait::async_trait;
use leptos::prelude::use_context;

use crate::error::AppError;
use crate::model::{BookCard, BookDetails, BookId, ChapterPage, Place, Voice};

/// What pages and server functions need of the server.
#[async_trait]
pub trait Backend: Send + Sync {
    /// All books, the last read first.
    async fn books(&self) -> Result<Vec<BookCard>, AppError>;

    /// A book with its contents.
    async fn book(&self, id: &BookId) -> Result<BookDetails, AppError>;

    /// A chapter to read; `number` is from 1.
    async fn chapter(&self, id: &BookId, number: u32) -> Result<ChapterPage, AppError>;

    /// Voices for a book in `language`, the default first; all when none speaks it.
    async fn voices(&self, language: &str) -> Result<Vec<Voice>, AppError>;

    /// A reader opened a chapter. Returns the id of the request that makes it ready, or `None` when
    /// it is.
    async fn chapter_open(&self, place: &Place) -> Result<Option<String>, AppError>;

    /// Other sentences came into view.
    async fn page_open(&self, place: &Place) -> Result<(), AppError>;

    /// A listener moved to another chapter.
    async fn chapter_change(&self, place: &Place) -> Result<(), AppError>;
}

/// The backend of this request.
pub fn backend() -> Result<Arc<dyn Backend>, AppError> {
    use_context::<Arc<dyn Backend>>().ok_or(AppError::Internal)
}
