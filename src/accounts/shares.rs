//! Links by which people without an account read and listen to one book: `ems_{id}_{secret}{checksum}`, and the
//! browsers that came by one.
//!
//! A guest has a place, marks and preferences of their own, as long as the link is good. No voice that costs money
//! speaks for them.

use std::sync::Arc;

use app::model::{BookId, Person, Role, Scope, ShareCard, SharedBook};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::Row;

use super::sessions::hash_of;
use super::tokens::{SHARE_PREFIX, id_in, secret_with};
use super::{AccountError, Accounts, PERSONAL, random};
use crate::time::now_ms;

/// How long a link is good, in days, when nothing is said.
pub const USUAL_DAYS: u64 = 7;
/// How long one may be good, in days.
const MAX_DAYS: u64 = 365;
/// Links of one person that are open at once.
pub(super) const MAX_SHARES: i64 = 200;
/// Links that are listed at once.
const MAX_LISTED: i64 = 500;
/// Browsers that are remembered of one link; the one that came first gives way.
const MAX_GUESTS: i64 = 200;
/// What the id of a guest begins with, which no person's does.
pub(super) const GUEST: &str = "guest-";
/// Whether the link of a guest is still good, by what names them.
pub(super) const GUEST_IS_IN: &str =
    "SELECT guests.id FROM guests JOIN shares ON shares.id = share_id
    JOIN books ON books.id = book_id WHERE SUBSTR(guests.id, 1, 16) = $1 AND expires_at > $2
    AND deleted_at IS NULL AND (owner IS NULL OR owner = user_id)";
/// How much of a guest's hash names them, in characters.
const GUEST_CHARS: usize = 16;

impl Accounts {
    /// Makes a link to a book for so many days, and says it: once, here.
    pub async fn share(
        &self,
        user: &str,
        book: &BookId,
        days: u64,
    ) -> Result<String, AccountError> {
        let now = now_ms();
        let open =
            sqlx::query("SELECT COUNT(*) FROM shares WHERE user_id = $1 AND expires_at > $2");
        let open = open.bind(user).bind(now as i64).fetch_one(&self.shared.database).await?;
        if open.get::<i64, _>(0) >= MAX_SHARES {
            return Err(AccountError::TooManyShares);
        }
        let (id, link) = secret_with(SHARE_PREFIX)?;
        let days = days.clamp(1, MAX_DAYS);
        let made = sqlx::query(
            "INSERT INTO shares (id, hash, user_id, book_id, made_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let made = made.bind(id).bind(hash_of(&link)).bind(user).bind(book.as_str());
        let made = made.bind(now as i64).bind((now + days * 24 * 3_600_000) as i64);
        made.execute(&self.shared.database).await?;
        Ok(link)
    }

    /// The links that are open, the newest first: of a person, or of everybody for one who looks after the place.
    /// What is another's own book is not named.
    pub async fn shares(
        &self,
        of: Option<&str>,
        reader: &str,
    ) -> Result<Vec<ShareCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT shares.id, books.id, users.name, expires_at,
             CASE WHEN owner IS NULL OR owner = $3 THEN title ELSE '' END,
             (SELECT COUNT(*) FROM guests WHERE share_id = shares.id)
             FROM shares JOIN books ON books.id = book_id JOIN users ON users.id = user_id
             WHERE ($1 = '' OR user_id = $1) AND expires_at > $2 AND deleted_at IS NULL
             ORDER BY shares.made_at DESC, shares.id LIMIT $4",
        );
        let rows = rows.bind(of.unwrap_or_default()).bind(now_ms() as i64).bind(reader);
        let rows = rows.bind(MAX_LISTED).fetch_all(&self.shared.database).await?;
        let card = |row: &sqlx::any::AnyRow| {
            let title: String = row.get(4);
            // Nor is it said where it stands.
            let book = if title.is_empty() { String::new() } else { row.get(1) };
            ShareCard {
                id: row.get(0),
                book,
                title,
                from: row.get(2),
                expires_at_ms: row.get::<i64, _>(3).max(0) as u64,
                guests: row.get::<i64, _>(5).max(0) as u64,
            }
        };
        Ok(rows.iter().map(card).collect())
    }

    /// Withdraws a link: of a person, or anybody's; whether there was one.
    pub async fn end_share(&self, of: Option<&str>, id: &str) -> Result<bool, AccountError> {
        let ended = sqlx::query("DELETE FROM shares WHERE id = $1 AND ($2 = '' OR user_id = $2)");
        let ended =
            ended.bind(id).bind(of.unwrap_or_default()).execute(&self.shared.database).await?;
        self.shared.known.invalidate_all();
        Ok(ended.rows_affected() > 0)
    }

    /// What a link leads to, if it is good.
    pub async fn shared_book(&self, link: &str) -> Result<Option<SharedBook>, AccountError> {
        let Some(id) = id_in(SHARE_PREFIX, link) else { return Ok(None) };
        let found = sqlx::query(
            "SELECT books.id, title, authors, users.name, expires_at FROM shares
             JOIN books ON books.id = book_id JOIN users ON users.id = user_id
             WHERE shares.id = $1 AND hash = $2 AND expires_at > $3 AND deleted_at IS NULL
             AND (owner IS NULL OR owner = user_id)",
        );
        let found = found.bind(id).bind(hash_of(link)).bind(now_ms() as i64);
        let found = found.fetch_optional(&self.shared.database).await?;
        Ok(found.and_then(|row| {
            Some(SharedBook {
                book: row.get::<String, _>(0).parse().ok()?,
                title: row.get(1),
                authors: serde_json::from_str(&row.get::<String, _>(2)).ok()?,
                from: row.get(3),
                expires_at_ms: row.get::<i64, _>(4).max(0) as u64,
            })
        }))
    }

    /// Lets in a browser that came by a link; says the book, the secret that the browser keeps, and the guest's id.
    ///
    /// # Errors
    /// [`AccountError::Share`] when the link is not good.
    pub async fn welcome(&self, link: &str) -> Result<(BookId, String, String), AccountError> {
        let shared = self.shared_book(link).await?.ok_or(AccountError::Share)?;
        let share = id_in(SHARE_PREFIX, link).ok_or(AccountError::Share)?;
        let secret = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let id = hash_of(&secret);
        let come = sqlx::query("INSERT INTO guests (id, share_id, made_at) VALUES ($1, $2, $3)");
        let come = come.bind(&id).bind(share).bind(now_ms() as i64);
        come.execute(&self.shared.database).await?;
        let gone = sqlx::query(
            "DELETE FROM guests WHERE share_id = $1 AND id IN (SELECT id FROM guests
             WHERE share_id = $1 ORDER BY made_at DESC, id LIMIT 1000 OFFSET $2)",
        );
        gone.bind(share).bind(MAX_GUESTS).execute(&self.shared.database).await?;
        Ok((shared.book, secret, guest_of(&id)))
    }

    /// Whether a browser has come by this link before.
    pub async fn is_guest_of(&self, secret: &str, link: &str) -> Result<bool, AccountError> {
        let share = id_in(SHARE_PREFIX, link).unwrap_or_default();
        let found = sqlx::query("SELECT id FROM guests WHERE id = $1 AND share_id = $2");
        let found = found.bind(hash_of(secret)).bind(share);
        Ok(found.fetch_optional(&self.shared.database).await?.is_some())
    }

    /// Whom a browser that came by a link lets in, as long as the link is good.
    pub async fn of_guest(&self, secret: &str) -> Result<Option<Arc<Person>>, AccountError> {
        let id = hash_of(secret);
        if let Some(known) = self.shared.known.get(&id).await {
            return Ok(known);
        }
        let found = sqlx::query(
            "SELECT books.id FROM guests JOIN shares ON shares.id = share_id
             JOIN books ON books.id = book_id
             WHERE guests.id = $1 AND expires_at > $2 AND deleted_at IS NULL
             AND (owner IS NULL OR owner = user_id)",
        );
        let found = found.bind(&id).bind(now_ms() as i64);
        let found = found.fetch_optional(&self.shared.database).await?;
        let person = found.and_then(|row| {
            Some(Arc::new(Person {
                id: guest_of(&id),
                name: String::new(),
                role: Role::Listener,
                session: String::new(),
                token: String::new(),
                confirmed_until_ms: 0,
                has_password: false,
                scopes: Some(Scope::USUAL.to_vec()),
                lent: Some(row.get::<String, _>(0).parse().ok()?),
            }))
        });
        self.shared.known.insert(id, person.clone()).await;
        Ok(person)
    }

    /// Forgets links that have ended, with what their guests had.
    pub async fn forget_ended_shares(&self) -> Result<(), AccountError> {
        let database = &self.shared.database;
        let ended = sqlx::query("DELETE FROM shares WHERE expires_at < $1");
        ended.bind(now_ms() as i64).execute(database).await?;
        for table in PERSONAL {
            let gone = format!(
                "DELETE FROM {table} WHERE user_id LIKE '{GUEST}%' AND user_id NOT IN
                 (SELECT '{GUEST}' || SUBSTR(id, 1, {GUEST_CHARS}) FROM guests)"
            );
            sqlx::query(sqlx::AssertSqlSafe(gone)).execute(database).await?;
        }
        Ok(())
    }
}

fn guest_of(hash: &str) -> String {
    format!("{GUEST}{}", &hash[..GUEST_CHARS])
}
