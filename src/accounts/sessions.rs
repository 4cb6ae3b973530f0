//! Browsers that are logged in.

use std::sync::Arc;
use std::time::Duration;

use app::model::{Person, Role, SessionCard};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::{AccountError, Accounts, Happening, checked_name, passwords, random, role_of, shares};
use crate::text::hash::hex;
use crate::time::now_ms;

/// A session ends when it has not been used for so long.
pub const SESSION_AGE: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long a password that was said is good for what changes who runs the place.
const CONFIRMED_FOR: Duration = Duration::from_secs(15 * 60);
/// The same, for whoever goes on with it all the time.
const CONFIRMED_AT_MOST: Duration = Duration::from_secs(3600);
/// What stands for a session where a proxy has let somebody in.
pub const PROXY_SESSION: &str = "proxy";
/// How often it is written down that a session was used.
const SEEN_INTERVAL_MS: u64 = 3_600_000;
/// Sessions of one person; the one that was not used for longest gives way.
const MAX_SESSIONS: i64 = 50;
/// Longest name of a device, in characters.
const MAX_DEVICE_CHARS: usize = 120;

impl Accounts {
    /// Logs somebody in, and says the secret that their browser keeps.
    ///
    /// # Errors
    /// [`AccountError::Wrong`], whichever of the two is.
    pub async fn log_in(
        &self,
        name: &str,
        password: &str,
        (device, address): (&str, &str),
    ) -> Result<String, AccountError> {
        let key = checked_name(name).map(|(_, key)| key).unwrap_or_default();
        let found = sqlx::query("SELECT id, password FROM users WHERE name_key = $1").bind(key);
        let found = found.fetch_optional(&self.shared.database).await?;
        let hash: Option<String> = found.as_ref().map(|row| row.get(1));
        let is_right = self.shared.passwords.is_right(password, hash.clone()).await?;
        let Some(user) = found.filter(|_| is_right).map(|row| row.get::<String, _>(0)) else {
            return Err(AccountError::Wrong);
        };
        // Not when the password has been changed while it was compared.
        self.begin(&user, hash, true, (device, address)).await
    }

    /// Logs in whoever a provider has let in. What is dangerous asks for more.
    pub async fn begin_session(
        &self,
        user: &str,
        from: (&str, &str),
    ) -> Result<String, AccountError> {
        self.begin(user, None, false, from).await
    }

    /// Logs in whoever has shown a passkey, which is worth what a password is.
    pub async fn begin_shown_session(
        &self,
        user: &str,
        from: (&str, &str),
    ) -> Result<String, AccountError> {
        self.begin(user, None, true, from).await
    }

    /// Begins a session; where a hash is given, only as long as it is that of the password.
    async fn begin(
        &self,
        user: &str,
        hash: Option<String>,
        is_confirmed: bool,
        (device, address): (&str, &str),
    ) -> Result<String, AccountError> {
        let secret = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let now = now_ms() as i64;
        let begun = sqlx::query(
            "INSERT INTO user_sessions
             (id, user_id, device, address, made_at, seen_at, expires_at, confirmed_until, confirmed_at)
             SELECT $1, id, $3, $4, $5, $5, $6, $8, $5 FROM users WHERE id = $2 AND ($7 = '' OR password = $7)",
        )
        .bind(hash_of(&secret))
        .bind(user)
        .bind(device.chars().take(MAX_DEVICE_CHARS).collect::<String>())
        .bind(address)
        .bind(now)
        .bind(now + SESSION_AGE.as_millis() as i64)
        .bind(hash.unwrap_or_default())
        // A provider may have asked nothing.
        .bind(if is_confirmed { now + CONFIRMED_FOR.as_millis() as i64 } else { 0 })
        .execute(&self.shared.database)
        .await?;
        if begun.rows_affected() == 0 {
            return Err(AccountError::Wrong);
        }
        sqlx::query(
            "DELETE FROM user_sessions WHERE user_id = $1 AND (expires_at < $2 OR id IN (SELECT id FROM
             user_sessions WHERE user_id = $1 ORDER BY seen_at DESC LIMIT 1000 OFFSET $3))",
        )
        .bind(user)
        .bind(now)
        .bind(MAX_SESSIONS)
        .execute(&self.shared.database)
        .await?;
        Ok(secret)
    }

    /// Whether a password is a person's.
    ///
    /// # Errors
    /// [`AccountError::Wrong`] when it is not.
    pub async fn is_password_of(&self, name: &str, password: &str) -> Result<(), AccountError> {
        let (_, key) = checked_name(name)?;
        let found = sqlx::query("SELECT password FROM users WHERE name_key = $1").bind(key);
        let found = found.fetch_optional(&self.shared.database).await?;
        let hash = found.map(|row| row.get(0));
        match self.shared.passwords.is_right(password, hash).await? {
            true => Ok(()),
            false => Err(AccountError::Wrong),
        }
    }

    /// Somebody has said their password again in a session.
    pub async fn confirm(&self, session: &str) -> Result<(), AccountError> {
        let now = now_ms() as i64;
        let set = sqlx::query(
            "UPDATE user_sessions SET confirmed_at = $2, confirmed_until = $3 WHERE id = $1",
        );
        let set = set.bind(session).bind(now).bind(now + CONFIRMED_FOR.as_millis() as i64);
        set.execute(&self.shared.database).await?;
        self.shared.known.invalidate(session).await;
        Ok(())
    }

    /// Somebody goes on with what they have said their password for: it need not be said in the middle of it, up to an
    /// hour.
    pub async fn go_on(&self, session: &str) -> Result<(), AccountError> {
        let until = now_ms() as i64 + CONFIRMED_FOR.as_millis() as i64;
        let set = sqlx::query(
            "UPDATE user_sessions SET confirmed_until = CASE WHEN confirmed_at + $3 < $2
             THEN confirmed_at + $3 ELSE $2 END WHERE id = $1",
        );
        let set = set.bind(session).bind(until).bind(CONFIRMED_AT_MOST.as_millis() as i64);
        set.execute(&self.shared.database).await?;
        self.shared.known.invalidate(session).await;
        Ok(())
    }

    /// Has the database asked anew whose a session is: another process may have heard the password.
    pub async fn forget_session(&self, session: &str) {
        self.shared.known.invalidate(session).await;
    }

    /// Whoever a trusted proxy has let in under a name. Somebody new is added with a role, if newcomers are.
    pub async fn of_proxy(
        &self,
        name: &str,
        newcomers: Option<Role>,
    ) -> Result<Option<Arc<Person>>, AccountError> {
        let (name, key) = checked_name(name)?;
        let known = format!("proxy:{key}");
        if let Some(person) = self.shared.known.get(&known).await {
            return Ok(person);
        }
        let find = || {
            sqlx::query("SELECT id, name, role, password FROM users WHERE name_key = $1").bind(&key)
        };
        let mut found = find().fetch_optional(&self.shared.database).await?;
        // Who runs the place is said in the terminal, unless the operator leaves that to the proxy too.
        let is_first = !self.has_people().await?;
        let newcomers = newcomers.filter(|role| !is_first || *role == Role::Admin);
        if let (None, Some(role)) = (&found, newcomers) {
            match self.add_hashed(&name, passwords::OF_NOBODY.to_owned(), role).await {
                Ok(_) => {
                    let (what, about) = ("person_added", "");
                    self.note(Happening {
                        who: &name,
                        what,
                        about,
                        address: "",
                        is_program: false,
                    })
                    .await;
                }
                // Two requests of a newcomer come at once.
                Err(AccountError::Taken(_)) => {}
                Err(error) => return Err(error),
            }
            found = find().fetch_optional(&self.shared.database).await?;
        }
        let person = found.map(|row| {
            Arc::new(Person {
                id: row.get(0),
                name: row.get(1),
                role: role_of(&row.get::<String, _>(2)),
                session: PROXY_SESSION.to_owned(),
                token: String::new(),
                // The proxy has asked.
                confirmed_until_ms: u64::MAX,
                has_password: row.get::<String, _>(3) != passwords::OF_NOBODY,
                scopes: None,
                lent: None,
            })
        });
        self.shared.known.insert(known, person.clone()).await;
        Ok(person)
    }

    /// Whose session a secret is.
    pub async fn of_session(
        &self,
        secret: &str,
        address: &str,
    ) -> Result<Option<Arc<Person>>, AccountError> {
        let id = hash_of(secret);
        if let Some(known) = self.shared.known.get(&id).await {
            return Ok(known);
        }
        let now = now_ms();
        let found = sqlx::query(
            "SELECT users.id, name, role, seen_at, confirmed_until, password
             FROM user_sessions JOIN users ON users.id = user_id
             WHERE user_sessions.id = $1 AND expires_at > $2",
        );
        let found = found.bind(&id).bind(now as i64).fetch_optional(&self.shared.database).await?;
        if let Some(row) = &found
            && now.saturating_sub(row.get::<i64, _>(3) as u64) > SEEN_INTERVAL_MS
        {
            let seen = sqlx::query(
                "UPDATE user_sessions SET seen_at = $2, address = $3, expires_at = $4 WHERE id = $1",
            );
            let expires = now as i64 + SESSION_AGE.as_millis() as i64;
            let seen = seen.bind(&id).bind(now as i64).bind(address).bind(expires);
            seen.execute(&self.shared.database).await?;
        }
        let person = found.map(|row| {
            Arc::new(Person {
                id: row.get(0),
                name: row.get(1),
                role: role_of(&row.get::<String, _>(2)),
                session: id.clone(),
                token: String::new(),
                confirmed_until_ms: row.get::<i64, _>(4).max(0) as u64,
                has_password: row.get::<String, _>(5) != passwords::OF_NOBODY,
                scopes: None,
                lent: None,
            })
        });
        self.shared.known.insert(id, person.clone()).await;
        Ok(person)
    }

    /// Whether somebody who was let in still would be.
    pub async fn is_still_in(&self, person: &Person) -> Result<bool, AccountError> {
        let now = now_ms() as i64;
        let (statement, id) = match person.session.as_str() {
            "" if person.lent.is_some() => {
                (shares::GUEST_IS_IN, person.id.trim_start_matches(shares::GUEST))
            }
            "" if !person.token.is_empty() => (
                "SELECT id FROM tokens WHERE id = $1 AND (expires_at = 0 OR expires_at > $2)",
                &*person.token,
            ),
            // Of somebody whom a proxy lets in there is nothing to look at but the person.
            "" | PROXY_SESSION => ("SELECT id FROM users WHERE id = $1 AND $2 > 0", &*person.id),
            session => ("SELECT id FROM user_sessions WHERE id = $1 AND expires_at > $2", session),
        };
        let found = sqlx::query(statement).bind(id).bind(now);
        Ok(found.fetch_optional(&self.shared.database).await?.is_some())
    }

    /// The browsers a person is logged in with, the last used first; `this` is the one that asks.
    pub async fn sessions(&self, user: &str, this: &str) -> Result<Vec<SessionCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT id, device, address, seen_at FROM user_sessions
             WHERE user_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, id",
        );
        let rows = rows.bind(user).bind(now_ms() as i64);
        let rows = rows.fetch_all(&self.shared.database).await?;
        let card = |row: &sqlx::any::AnyRow| {
            let id: String = row.get(0);
            let is_this = id == this;
            let (device, address) = (row.get(1), row.get(2));
            SessionCard { id, device, address, seen_at_ms: row.get::<i64, _>(3) as u64, is_this }
        };
        Ok(rows.iter().map(card).collect())
    }

    /// Ends a session of a person; whether there was one.
    pub async fn end_session(&self, user: &str, id: &str) -> Result<bool, AccountError> {
        let ended = sqlx::query("DELETE FROM user_sessions WHERE id = $1 AND user_id = $2");
        let ended = ended.bind(id).bind(user).execute(&self.shared.database).await?;
        self.shared.known.invalidate(id).await;
        Ok(ended.rows_affected() > 0)
    }

    /// Ends the session whose secret this is, if there is one.
    pub async fn end_own_session(&self, secret: &str) -> Result<(), AccountError> {
        let id = hash_of(secret);
        let ended = sqlx::query("DELETE FROM user_sessions WHERE id = $1").bind(&id);
        ended.execute(&self.shared.database).await?;
        self.shared.known.invalidate(&id).await;
        Ok(())
    }

    /// Ends all sessions of a person but `kept`.
    pub async fn end_sessions(&self, user: &str, kept: &str) -> Result<(), AccountError> {
        let ended = sqlx::query("DELETE FROM user_sessions WHERE user_id = $1 AND id <> $2");
        ended.bind(user).bind(kept).execute(&self.shared.database).await?;
        self.shared.known.invalidate_all();
        Ok(())
    }
}

/// What is kept of a secret.
pub(super) fn hash_of(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}
