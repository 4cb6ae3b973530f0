//! What was read and added lately, whoever by: for what is made ahead.

use app::model::BookId;
use sqlx::Row;

use super::{Library, LibraryError};

/// The most that are looked at of each.
const MAX_FOUND: i64 = 500;

/// Where somebody is in a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Who.
    pub user: String,
    /// The book.
    pub book: BookId,
    /// The chapter that they are in.
    pub chapter: u32,
    /// Who reads to them.
    pub voice: Option<String>,
}

impl Library {
    /// Where everybody is who has read since, the last first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_since(&self, since_ms: u64) -> Result<Vec<Reading>, LibraryError> {
        self.flush().await;
        let rows = sqlx::query(
            "SELECT user_id, book_id, chapter, voice_id FROM progress
             JOIN books ON books.id = book_id WHERE deleted_at IS NULL AND progress.updated_at >= $1
             AND (owner IS NULL OR owner = user_id OR user_id = 'local')
             ORDER BY progress.updated_at DESC LIMIT $2",
        );
        let rows = rows.bind(since_ms as i64).bind(MAX_FOUND);
        let rows = rows.fetch_all(&self.shared.database).await?;
        let reading = |row: &sqlx::any::AnyRow| {
            Some(Reading {
                user: row.get(0),
                book: row.get::<String, _>(1).parse().ok()?,
                chapter: u32::try_from(row.get::<i64, _>(2)).ok()?,
                voice: row.get(3),
            })
        };
        Ok(rows.iter().filter_map(reading).collect())
    }

    /// Books that were added since, the last first, with whose own each is, if anybody's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn added_since(
        &self,
        since_ms: u64,
    ) -> Result<Vec<(BookId, Option<String>)>, LibraryError> {
        let rows = sqlx::query(
            "SELECT id, owner FROM books WHERE deleted_at IS NULL AND added_at >= $1
             ORDER BY added_at DESC LIMIT $2",
        );
        let rows = rows.bind(since_ms as i64).bind(MAX_FOUND);
        let rows = rows.fetch_all(&self.shared.database).await?;
        let added = |row: &sqlx::any::AnyRow| {
            Some((row.get::<String, _>(0).parse().ok()?, row.get::<Option<String>, _>(1)))
        };
        Ok(rows.iter().filter_map(added).collect())
    }
}
