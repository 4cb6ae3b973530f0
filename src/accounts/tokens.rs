//! What programs identify themselves with: `ema_{id}_{secret}{checksum}`. Links to a shared book are written the same
//! way, with a prefix of their own.
//!
//! The prefix is there for scanners that look for secrets in published code; the checksum, CRC-32 in base 62,
//! tells a mistyped token from one that was withdrawn without asking the database, as GitHub's tokens have it.

use std::sync::Arc;

use app::model::{Person, Scope, TokenCard};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest, Md5};
use sqlx::Row;

use super::sessions::hash_of;
use super::{AccountError, Accounts, checked_name, random, role_of, some_ms};
use crate::text::hash::hex;
use crate::time::now_ms;

/// What a token begins with.
pub const TOKEN_PREFIX: &str = "ema_";
/// What the address of a feed ends with begins with.
pub(super) const FEED_PREFIX: &str = "emf_";
/// What a link to a shared book begins with.
pub(super) const SHARE_PREFIX: &str = "ems_";
/// Tokens that one person can have.
pub(super) const MAX_TOKENS: i64 = 100;
/// Letters of the password of a reading app: 70 bits, which nobody guesses, and few enough to be typed on paper that
/// shows a keyboard.
const APP_PASSWORD_CHARS: usize = 14;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Longest time that one may be given, in days.
const MAX_DAYS: u64 = 3650;
/// How often it is written down that a token was used.
const USED_INTERVAL_MS: u64 = 60_000;
/// Letters of ids, none of them easily taken for another.
const ID_LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const ID_CHARS: usize = 8;
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK_CHARS: usize = 6;

impl Accounts {
    /// Makes a token for so many days, or for ever when there are none. It is said once, here.
    pub async fn make_token(
        &self,
        user: &str,
        name: &str,
        days: u64,
        scopes: &[Scope],
    ) -> Result<String, AccountError> {
        let (id, token) = secret_with(TOKEN_PREFIX)?;
        self.keep_token(user, (&id, &hash_of(&token)), name, days, scopes).await?;
        Ok(token)
    }

    /// Makes a password for an app that reads books: short, for it is typed, and good for what such an app does. It
    /// is said once, here.
    pub async fn make_app_password(&self, user: &str, name: &str) -> Result<String, AccountError> {
        let letter = |byte: &u8| char::from(ID_LETTERS[usize::from(byte % 32)]);
        let password: String = random::<APP_PASSWORD_CHARS>()?.iter().map(letter).collect();
        let (id, _) = secret_with(TOKEN_PREFIX)?;
        let hash = hash_of(&app_key(&password));
        self.keep_token(user, (&id, &hash), name, 0, &Scope::USUAL).await?;
        Ok(password)
    }

    async fn keep_token(
        &self,
        user: &str,
        (id, hash): (&str, &str),
        name: &str,
        days: u64,
        scopes: &[Scope],
    ) -> Result<(), AccountError> {
        let name = name.trim();
        if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) {
            return Err(AccountError::TokenName);
        }
        let count = sqlx::query("SELECT COUNT(*) FROM tokens WHERE user_id = $1").bind(user);
        if count.fetch_one(&self.shared.database).await?.get::<i64, _>(0) >= MAX_TOKENS {
            return Err(AccountError::TooManyTokens);
        }
        let now = now_ms();
        let ends = match days.min(MAX_DAYS) {
            0 => 0,
            days => now + days * 24 * 3_600_000,
        };
        sqlx::query(
            "INSERT INTO tokens (id, hash, user_id, name, made_at, used_at, expires_at, scopes)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
        )
        .bind(id)
        .bind(hash)
        .bind(user)
        .bind(name)
        .bind(now as i64)
        .bind(ends as i64)
        .bind(scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" "))
        .execute(&self.shared.database)
        .await?;
        Ok(())
    }

    /// Whose program a token lets in.
    pub async fn of_token(&self, token: &str) -> Result<Option<Arc<Person>>, AccountError> {
        let Some(id) = id_in(TOKEN_PREFIX, token) else { return Ok(None) };
        self.of_hash(Some(id), hash_of(token)).await
    }

    /// Whose reading app a password lets in, given the MD5 of it that KOReader sends ([`app_key`]) and the name that it
    /// came with: another's name lets nobody in.
    pub async fn of_app_key(
        &self,
        key: &str,
        name: &str,
    ) -> Result<Option<Arc<Person>>, AccountError> {
        let Ok((_, name)) = checked_name(name) else { return Ok(None) };
        let person = self.of_hash(None, hash_of(key)).await?;
        let is_named =
            |person: &Arc<Person>| checked_name(&person.name).is_ok_and(|(_, own)| own == name);
        Ok(person.filter(is_named))
    }

    async fn of_hash(
        &self,
        id: Option<&str>,
        hash: String,
    ) -> Result<Option<Arc<Person>>, AccountError> {
        if let Some(known) = self.shared.known.get(&hash).await {
            return Ok(known);
        }
        let now = now_ms();
        let found = sqlx::query(
            "SELECT users.id, users.name, role, used_at, scopes, tokens.id FROM tokens
             JOIN users ON users.id = user_id
             WHERE ($1 = '' OR tokens.id = $1) AND hash = $2 AND (expires_at = 0 OR expires_at > $3)",
        );
        let found = found.bind(id.unwrap_or_default()).bind(&hash).bind(now as i64);
        let found = found.fetch_optional(&self.shared.database).await?;
        if let Some(row) = &found
            && now.saturating_sub(row.get::<i64, _>(3) as u64) > USED_INTERVAL_MS
        {
            let used = sqlx::query("UPDATE tokens SET used_at = $2 WHERE id = $1");
            used.bind(row.get::<String, _>(5))
                .bind(now as i64)
                .execute(&self.shared.database)
                .await?;
        }
        let person = found.map(|row| {
            Arc::new(Person {
                id: row.get(0),
                name: row.get(1),
                role: role_of(&row.get::<String, _>(2)),
                session: String::new(),
                token: row.get(5),
                confirmed_until_ms: 0,
                has_password: false,
                scopes: Some(scopes_of(&row.get::<String, _>(4))),
                lent: None,
            })
        });
        // A stranger who tries passwords keeps nobody who is known from being remembered.
        if id.is_some() || person.is_some() {
            self.shared.known.insert(hash, person.clone()).await;
        }
        Ok(person)
    }

    /// The tokens of a person, the newest first.
    pub async fn tokens(&self, user: &str) -> Result<Vec<TokenCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT id, name, used_at, expires_at, scopes FROM tokens WHERE user_id = $1 ORDER BY made_at DESC, id",
        );
        let rows = rows.bind(user).fetch_all(&self.shared.database).await?;
        let card = |row: &sqlx::any::AnyRow| TokenCard {
            id: row.get(0),
            name: row.get(1),
            used_at_ms: some_ms(row.get(2)),
            expires_at_ms: some_ms(row.get(3)),
            scopes: scopes_of(&row.get::<String, _>(4)),
        };
        Ok(rows.iter().map(card).collect())
    }

    /// Withdraws all tokens of a person.
    pub async fn end_tokens(&self, user: &str) -> Result<(), AccountError> {
        let ended = sqlx::query("DELETE FROM tokens WHERE user_id = $1").bind(user);
        ended.execute(&self.shared.database).await?;
        self.shared.known.invalidate_all();
        Ok(())
    }

    /// Withdraws a token of a person; whether there was one.
    pub async fn end_token(&self, user: &str, id: &str) -> Result<bool, AccountError> {
        let ended = sqlx::query("DELETE FROM tokens WHERE id = $1 AND user_id = $2");
        let ended = ended.bind(id).bind(user).execute(&self.shared.database).await?;
        self.shared.known.invalidate_all();
        Ok(ended.rows_affected() > 0)
    }
}

/// The password of a reading app as KOReader sends it: its MD5 in hexadecimal. That is no protection of the password,
/// whose hash is kept, but the only form in which two kinds of apps say the same.
pub fn app_key(password: &str) -> String {
    hex(&Md5::digest(password.as_bytes()))
}

/// Whether a text could be the password of a reading app.
pub fn is_app_password(text: &str) -> bool {
    text.len() == APP_PASSWORD_CHARS && text.bytes().all(|byte| ID_LETTERS.contains(&byte))
}

/// Scopes by their names; what a later version has written lets nobody do anything here.
fn scopes_of(names: &str) -> Vec<Scope> {
    names.split(' ').filter_map(Scope::named).collect()
}

/// A new token with its id, or what else is written as one.
pub(super) fn secret_with(prefix: &str) -> Result<(String, String), AccountError> {
    let id: String = random::<ID_CHARS>()?
        .iter()
        .map(|byte| char::from(ID_LETTERS[usize::from(byte % 32)]))
        .collect();
    let body = format!("{prefix}{id}_{}", URL_SAFE_NO_PAD.encode(random::<32>()?));
    let token = format!("{body}{}", checksum(&body));
    Ok((id, token))
}

/// The id in a token, if it is written as one with this prefix.
pub(super) fn id_in<'t>(prefix: &str, token: &'t str) -> Option<&'t str> {
    let body_bytes = token.len().checked_sub(CHECK_CHARS)?;
    let (body, check) = (token.get(..body_bytes)?, token.get(body_bytes..)?);
    let (id, _) = body.strip_prefix(prefix)?.split_once('_')?;
    (id.len() == ID_CHARS && check == checksum(body)).then_some(id)
}

fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECK_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE_62[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_token_is_none() {
        let body = "ema_k3v9x2qp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let token = format!("{body}{}", checksum(body));
        let id_of = |token| id_in(TOKEN_PREFIX, token);
        assert_eq!(id_of(&token), Some("k3v9x2qp"));
        assert_eq!(id_in(SHARE_PREFIX, &token), None);
        for wrong in
            [token.replace("k3", "k4"), token[1..].to_owned(), String::new(), "ema_é".to_owned()]
        {
            assert_eq!(id_in(TOKEN_PREFIX, &wrong), None, "{wrong}");
        }
    }
}
