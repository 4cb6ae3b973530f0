//! People as providers of logins know them: by issuer and subject alone. An address or a name that a provider tells may
//! be somebody else's tomorrow.

use app::model::{IdentityCard, Role};
use sqlx::{AnyConnection, Row};

use super::{AccountError, Accounts, add_in, checked_name, passwords, random};
use crate::text::hash::hex;
use crate::time::now_ms;

/// Longest issuer and longest subject, in bytes (OpenID Connect Core 1.0, section 2: 255 for a subject).
const MAX_BYTES: usize = 255;
/// How many names are tried for a newcomer whose own is taken.
const MAX_NAMES: u32 = 20;

impl Accounts {
    /// Whoever a provider knows as this.
    pub async fn of_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<String>, AccountError> {
        let found =
            sqlx::query("SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2");
        let found = found.bind(issuer).bind(subject).fetch_optional(&self.shared.database).await?;
        Ok(found.map(|row| row.get(0)))
    }

    /// Has a provider let somebody in from now on.
    ///
    /// # Errors
    /// When it lets in another as this already.
    pub async fn link(&self, user: &str, issuer: &str, subject: &str) -> Result<(), AccountError> {
        if !is_plausible(issuer, subject) {
            return Err(AccountError::Identity);
        }
        let mut connection = self.shared.database.acquire().await?;
        let linked = insert(&mut connection, user, issuer, subject).await?;
        drop(connection);
        let whose = self.of_identity(issuer, subject).await?;
        match linked || whose.as_deref() == Some(user) {
            true => Ok(()),
            false => Err(AccountError::Linked),
        }
    }

    /// Adds somebody whom a provider has let in and nobody knows yet, under their name or one like it.
    pub async fn add_known(
        &self,
        (issuer, subject): (&str, &str),
        name: &str,
        role: Role,
    ) -> Result<String, AccountError> {
        if !is_plausible(issuer, subject) {
            return Err(AccountError::Identity);
        }
        let mut change = self.change().await?;
        let count = sqlx::query("SELECT COUNT(*) FROM users").fetch_one(&mut *change).await?;
        // Who runs the place is said in the terminal.
        if count.get::<i64, _>(0) == 0 {
            return Err(AccountError::Identity);
        }
        for number in 1..=MAX_NAMES {
            let name = if number == 1 { name.to_owned() } else { format!("{name} {number}") };
            match add_in(&mut change, &name, passwords::OF_NOBODY.to_owned(), role).await {
                Ok(_) => {
                    let (_, key) = checked_name(&name)?;
                    let found = sqlx::query("SELECT id FROM users WHERE name_key = $1").bind(key);
                    let user: String = found.fetch_one(&mut *change).await?.get(0);
                    let linked = insert(&mut change, &user, issuer, subject).await?;
                    if !linked {
                        // Another return of theirs was sooner.
                        return Err(AccountError::Linked);
                    }
                    self.added(change).await?;
                    return Ok(user);
                }
                Err(AccountError::Taken(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(AccountError::Taken(name.to_owned()))
    }

    /// The providers that let a person in.
    pub async fn identities(&self, user: &str) -> Result<Vec<IdentityCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT id, issuer FROM identities WHERE user_id = $1 ORDER BY made_at, id",
        );
        let rows = rows.bind(user).fetch_all(&self.shared.database).await?;
        Ok(rows.iter().map(|row| IdentityCard { id: row.get(0), issuer: row.get(1) }).collect())
    }

    /// Has no provider let a person in any more.
    pub async fn end_identities(&self, user: &str) -> Result<(), AccountError> {
        let ended = sqlx::query("DELETE FROM identities WHERE user_id = $1").bind(user);
        ended.execute(&self.shared.database).await?;
        Ok(())
    }

    /// Has a provider let a person in no more; whether it did.
    ///
    /// # Errors
    /// When they could not log in at all then.
    pub async fn unlink(&self, user: &str, id: &str) -> Result<bool, AccountError> {
        let gone = sqlx::query(
            "DELETE FROM identities WHERE id = $1 AND user_id = $2 AND (EXISTS
             (SELECT 1 FROM users WHERE id = $2 AND password <> '') OR EXISTS
             (SELECT 1 FROM identities AS other WHERE other.user_id = $2 AND other.id <> $1))",
        );
        let mut change = self.change().await?;
        let gone = gone.bind(id).bind(user).execute(&mut *change).await?;
        change.commit().await?;
        if gone.rows_affected() > 0 {
            return Ok(true);
        }
        let is_there = self.identities(user).await?.iter().any(|identity| identity.id == id);
        if is_there { Err(AccountError::LastWayIn) } else { Ok(false) }
    }
}

fn is_plausible(issuer: &str, subject: &str) -> bool {
    issuer.len() <= MAX_BYTES && !subject.is_empty() && subject.len() <= MAX_BYTES
}

/// Has a provider know somebody as this, unless it knows another so; whether it does now.
async fn insert(
    connection: &mut AnyConnection,
    user: &str,
    issuer: &str,
    subject: &str,
) -> Result<bool, AccountError> {
    let linked = sqlx::query(
        "INSERT INTO identities (id, issuer, subject, user_id, made_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (issuer, subject) DO NOTHING",
    );
    let linked = linked.bind(hex(&random::<8>()?)).bind(issuer).bind(subject).bind(user);
    let linked = linked.bind(now_ms() as i64).execute(connection).await?;
    Ok(linked.rows_affected() > 0)
}
