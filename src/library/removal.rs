//! Renaming, deleting, and bringing back.
//!
//! A deleted book is out of sight at once and gone after [`UNDO_TIME`]: its row, its places and
//! marks, and what lies on the shelf. Its clips stay: another book may say the same.

use std::time::Duration;

use app::model::{BookId, Matter};

use super::import::limits::{MAX_AUTHORS, MAX_NAME_CHARS};
use super::import::names::clean;
use super::{Library, LibraryError, catalogue, metadata};
use crate::time::now_ms;

/// How long a deleted book can be brought back.
pub const UNDO_TIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often is looked for books whose time is over.
pub const PURGE_INTERVAL: Duration = Duration::from_secs(3600);
impl Library {
    /// Gives a book another title and other authors.
    pub async fn rename(
        &self,
        id: &BookId,
        title: &str,
        authors: &[String],
    ) -> Result<(), LibraryError> {
        // What no page, feed or file of another program could show.
        let title = &clean(title);
        let authors: Vec<String> = authors.iter().map(|name| clean(name)).collect();
        let fits = |name: &str| !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS;
        if !fits(title) || authors.len() > MAX_AUTHORS || !authors.iter().all(|name| fits(name)) {
            return Err(LibraryError::BadName(MAX_NAME_CHARS));
        }
        if !catalogue::rename(&self.shared.database, id, &self.user, title, &authors).await? {
            return Err(LibraryError::NoSuchBook);
        }
        self.changed(id).await;
        Ok(())
    }

    /// Says what a chapter is of its book, whatever was found when its file was read.
    ///
    /// # Errors
    /// When there is no such book or chapter.
    pub async fn set_matter(
        &self,
        id: &BookId,
        chapter: u32,
        matter: Matter,
    ) -> Result<(), LibraryError> {
        self.metadata(id).await?;
        if !catalogue::set_matter(&self.shared.database, id, chapter, matter).await? {
            return Err(LibraryError::NoSuchChapter);
        }
        self.changed(id).await;
        Ok(())
    }

    /// Makes one's own book everybody's. It does not go back: others may be in the middle of it.
    ///
    /// # Errors
    /// When it is none of one's own.
    pub async fn give_away(&self, id: &BookId) -> Result<(), LibraryError> {
        if !catalogue::give_away(&self.shared.database, id, &self.user).await? {
            return Err(LibraryError::NoSuchBook);
        }
        self.changed(id).await;
        Ok(())
    }

    /// Whether a book, deleted or not, is the reader's own.
    pub async fn is_own(&self, id: &BookId) -> Result<bool, LibraryError> {
        catalogue::is_own(&self.shared.database, id, &self.user).await
    }

    /// Takes a book out of the library; it can be brought back for a while.
    pub async fn delete(&self, id: &BookId) -> Result<(), LibraryError> {
        if !catalogue::set_deleted(&self.shared.database, id, &self.user, Some(now_ms())).await? {
            return Err(LibraryError::NoSuchBook);
        }
        self.changed(id).await;
        Ok(())
    }

    /// Brings a deleted book back.
    pub async fn restore(&self, id: &BookId) -> Result<(), LibraryError> {
        if !catalogue::set_deleted(&self.shared.database, id, &self.user, None).await? {
            return Err(LibraryError::NoSuchBook);
        }
        self.changed(id).await;
        Ok(())
    }

    /// The title of a book that can be brought back.
    pub async fn deleted_title(&self, id: &BookId) -> Result<Option<String>, LibraryError> {
        catalogue::deleted_title(&self.shared.database, id, &self.user).await
    }

    /// Forgets books that were deleted long enough ago.
    pub async fn purge(&self) -> Result<(), LibraryError> {
        // One that was being imported while its owner was removed.
        catalogue::delete_ownerless(&self.shared.database).await?;
        let until = now_ms().saturating_sub(UNDO_TIME.as_millis() as u64);
        for id in catalogue::deleted_before(&self.shared.database, until).await? {
            // An import of the same file waits, or it would put its files where these are removed.
            let _lock = self.shared.changing.lock(&id).await;
            self.purge_one(&id, until).await?;
        }
        Ok(())
    }

    /// Forgets a book, if it was deleted before `until_ms`. A purge that broke off counts as such.
    pub(super) async fn purge_one(&self, id: &BookId, until_ms: u64) -> Result<(), LibraryError> {
        if catalogue::begin_purge(&self.shared.database, id, until_ms).await? {
            // The row last: while it is there, the next purge tries again.
            self.shared.shelf.remove_book(id).await?;
            catalogue::end_purge(&self.shared.database, id).await?;
            self.changed(id).await;
        }
        Ok(())
    }

    /// What is remembered of a book is no longer so.
    pub(super) async fn changed(&self, id: &BookId) {
        self.shared.books.invalidate(id).await;
        self.shared.said.forget_all();
        if let Some(link) = &self.shared.link {
            metadata::forget(link, id).await;
        }
    }
}
