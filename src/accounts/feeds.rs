//! Addresses at which podcast apps get books as episodes: `emf_{id}_{secret}{checksum}`.
//!
//! Such an app knows no login, so the address is one. It is for one book in one voice, or for all that a person reads, and
//! for nothing else, until it is withdrawn.

use app::model::{BookId, FeedCard};
use sqlx::Row;

use super::sessions::hash_of;
use super::tokens::{FEED_PREFIX, id_in, secret_with};
use super::{AccountError, Accounts};
use crate::time::now_ms;

/// Feeds of one person.
pub(super) const MAX_FEEDS: i64 = 200;

/// What the address of a feed is for.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Names it; it lets nobody in.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// The book and who reads it; nothing when it is for all that the person reads.
    pub of: Option<(BookId, String)>,
    /// When it was made, in ms since 1970.
    pub made_at_ms: u64,
}

impl Accounts {
    /// Makes a feed of a book in a voice, or of all that the person reads, and says its token: once, here.
    pub async fn make_feed(
        &self,
        user: &str,
        of: Option<(&BookId, &str)>,
    ) -> Result<String, AccountError> {
        let count = sqlx::query("SELECT COUNT(*) FROM feeds WHERE user_id = $1").bind(user);
        if count.fetch_one(&self.shared.database).await?.get::<i64, _>(0) >= MAX_FEEDS {
            return Err(AccountError::TooManyFeeds);
        }
        let (id, token) = secret_with(FEED_PREFIX)?;
        let made = sqlx::query(
            "INSERT INTO feeds (id, hash, user_id, book_id, voice, made_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let (book, voice) = of.unzip();
        let made = made.bind(id).bind(hash_of(&token)).bind(user).bind(book.map(BookId::as_str));
        let made = made.bind(voice.unwrap_or_default()).bind(now_ms() as i64);
        made.execute(&self.shared.database).await?;
        Ok(token)
    }

    /// The feeds of a person, the newest first.
    pub async fn feeds(&self, user: &str) -> Result<Vec<FeedCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT feeds.id, books.id, title, voice FROM feeds LEFT JOIN books ON books.id = book_id
             WHERE user_id = $1 AND deleted_at IS NULL ORDER BY made_at DESC, feeds.id",
        );
        let rows = rows.bind(user).fetch_all(&self.shared.database).await?;
        let card = |row: &sqlx::any::AnyRow| FeedCard {
            id: row.get(0),
            book: row.get::<Option<String>, _>(1).unwrap_or_default(),
            title: row.get::<Option<String>, _>(2).unwrap_or_default(),
            voice: row.get(3),
        };
        Ok(rows.iter().map(card).collect())
    }

    /// Withdraws a feed of a person; whether there was one.
    pub async fn end_feed(&self, user: &str, id: &str) -> Result<bool, AccountError> {
        let ended = sqlx::query("DELETE FROM feeds WHERE id = $1 AND user_id = $2");
        let ended = ended.bind(id).bind(user).execute(&self.shared.database).await?;
        Ok(ended.rows_affected() > 0)
    }

    /// What a token of a feed is for, if it is one.
    pub async fn feed(&self, token: &str) -> Result<Option<Feed>, AccountError> {
        let Some(id) = id_in(FEED_PREFIX, token) else { return Ok(None) };
        let found = sqlx::query(
            "SELECT user_id, book_id, voice, made_at FROM feeds WHERE id = $1 AND hash = $2",
        );
        let found = found.bind(id).bind(hash_of(token));
        let found = found.fetch_optional(&self.shared.database).await?;
        Ok(found.and_then(|row| {
            Some(Feed {
                id: id.to_owned(),
                user: row.get(0),
                of: match row.get::<Option<String>, _>(1) {
                    Some(book) => Some((book.parse().ok()?, row.get(2))),
                    None => None,
                },
                made_at_ms: row.get::<i64, _>(3).max(0) as u64,
            })
        }))
    }
}
