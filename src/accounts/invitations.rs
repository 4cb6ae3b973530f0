//! Links by which people make accounts of their own.

use std::time::Duration;

use app::model::Role;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::Row;

use super::sessions::hash_of;
use super::{AccountError, Accounts, random, role_of};
use crate::time::now_ms;

/// How long a link is good.
pub const INVITATION_AGE: Duration = Duration::from_secs(48 * 3600);
/// Links that are open at once.
const MAX_OPEN: i64 = 1_000;

impl Accounts {
    /// Makes a link for somebody who is to have a role, and says the secret in it: once, here.
    pub async fn invite(&self, role: Role) -> Result<String, AccountError> {
        let now = now_ms() as i64;
        let old = sqlx::query("DELETE FROM invitations WHERE expires_at < $1").bind(now);
        old.execute(&self.shared.database).await?;
        let open = sqlx::query("SELECT COUNT(*) FROM invitations").fetch_one(&self.shared.database);
        if open.await?.get::<i64, _>(0) >= MAX_OPEN {
            return Err(AccountError::TooMany);
        }
        let secret = URL_SAFE_NO_PAD.encode(random::<24>()?);
        let made = sqlx::query(
            "INSERT INTO invitations (hash, role, made_at, expires_at) VALUES ($1, $2, $3, $4)",
        );
        let made = made.bind(hash_of(&secret)).bind(role.name()).bind(now);
        made.bind(now + INVITATION_AGE.as_millis() as i64).execute(&self.shared.database).await?;
        Ok(secret)
    }

    /// Adds whoever comes with the secret of a link, which is good once.
    ///
    /// # Errors
    /// When the link is used or too old; one whose guest could not be added, as for a name that is taken, stays good.
    pub async fn accept(
        &self,
        secret: &str,
        name: &str,
        password: &str,
    ) -> Result<Role, AccountError> {
        let hash = hash_of(secret);
        // Taken first: two who come with it at once are not both let in.
        let taken = sqlx::query(
            "DELETE FROM invitations WHERE hash = $1 AND expires_at > $2 RETURNING role, expires_at",
        );
        let taken = taken.bind(&hash).bind(now_ms() as i64);
        let taken = taken.fetch_optional(&self.shared.database).await?;
        let taken = taken.ok_or(AccountError::Invitation)?;
        let (role, expires): (String, i64) = (taken.get(0), taken.get(1));
        let added = self.add(name, password, role_of(&role)).await;
        if added.is_err() {
            let back = sqlx::query(
                "INSERT INTO invitations (hash, role, made_at, expires_at) VALUES ($1, $2, $3, $4)",
            );
            let back = back.bind(hash).bind(role).bind(now_ms() as i64).bind(expires);
            back.execute(&self.shared.database).await?;
        }
        added
    }
}
