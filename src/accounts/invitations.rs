//! Links by which people make accounts of their own.

use std::time::Duration;

use app::model::{InvitationCard, Role};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::Row;

use super::sessions::hash_of;
use super::{AccountError, Accounts, add_in, random, role_of};
use crate::time::now_ms;

/// How long a link is good.
pub const INVITATION_AGE: Duration = Duration::from_secs(48 * 3600);
/// How much of a link's hash names it, in characters.
const ID_CHARS: usize = 16;
/// Links that are open at once.
pub(super) const MAX_OPEN: i64 = 1_000;

impl Accounts {
    /// Makes a link for somebody who is to have a role, and says the secret in it: once, here.
    pub async fn invite(&self, role: Role, made_by: &str) -> Result<String, AccountError> {
        let now = now_ms() as i64;
        let old = sqlx::query("DELETE FROM invitations WHERE expires_at < $1").bind(now);
        old.execute(&self.shared.database).await?;
        let open = sqlx::query("SELECT COUNT(*) FROM invitations").fetch_one(&self.shared.database);
        if open.await?.get::<i64, _>(0) >= MAX_OPEN {
            return Err(AccountError::TooManyInvitations);
        }
        let secret = URL_SAFE_NO_PAD.encode(random::<24>()?);
        let made = sqlx::query(
            "INSERT INTO invitations (hash, role, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        );
        let made = made.bind(hash_of(&secret)).bind(role.name()).bind(made_by).bind(now);
        made.bind(now + INVITATION_AGE.as_millis() as i64).execute(&self.shared.database).await?;
        Ok(secret)
    }

    /// The links that are open, the newest first.
    pub async fn invitations(&self) -> Result<Vec<InvitationCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT hash, role, expires_at FROM invitations WHERE expires_at > $1
             ORDER BY made_at DESC, hash",
        );
        let rows = rows.bind(now_ms() as i64).fetch_all(&self.shared.database).await?;
        let card = |row: &sqlx::any::AnyRow| InvitationCard {
            id: row.get::<String, _>(0).chars().take(ID_CHARS).collect(),
            role: role_of(&row.get::<String, _>(1)),
            expires_at_ms: row.get::<i64, _>(2).max(0) as u64,
        };
        Ok(rows.iter().map(card).collect())
    }

    /// Withdraws a link; whether there was one.
    pub async fn end_invitation(&self, id: &str) -> Result<bool, AccountError> {
        let ended = sqlx::query("DELETE FROM invitations WHERE SUBSTR(hash, 1, 16) = $1").bind(id);
        Ok(ended.execute(&self.shared.database).await?.rows_affected() > 0)
    }

    /// Adds whoever comes with the secret of a link, which is good once.
    ///
    /// # Errors
    /// When the link is used, withdrawn or too old; or when the guest cannot be added, as for a name that is taken: then
    /// it stays good.
    pub async fn accept(
        &self,
        secret: &str,
        name: &str,
        password: &str,
    ) -> Result<Role, AccountError> {
        let password = self.shared.passwords.hash(password).await?;
        let mut change = self.change().await?;
        // Whoever made it may have been an admin until a moment ago.
        let taken = sqlx::query(
            "DELETE FROM invitations WHERE hash = $1 AND expires_at > $2 AND (made_by = '' OR EXISTS
             (SELECT 1 FROM users WHERE id = made_by AND role = 'admin')) RETURNING role",
        );
        let taken = taken.bind(hash_of(secret)).bind(now_ms() as i64);
        let taken = taken.fetch_optional(&mut *change).await?;
        let role: String = taken.ok_or(AccountError::Invitation)?.get(0);
        let role = add_in(&mut change, name, password, role_of(&role)).await?;
        self.added(change).await?;
        Ok(role)
    }
}
