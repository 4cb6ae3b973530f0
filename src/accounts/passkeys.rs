//! Passkeys: keys that a device or a password manager keeps, and uses once somebody has shown to it who they are (Web
//! Authentication, level 3). Their public halves are kept here, and what a browser is asked to sign.

use std::time::Duration;

use app::model::{PasskeyCard, Person};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::Row;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::sessions::hash_of;
use super::{AccountError, Accounts, random, some_ms};
use crate::text::hash::hex;
use crate::time::now_ms;

/// Passkeys of one person.
pub(super) const MAX_PASSKEYS: i64 = 20;
/// How long somebody may take to show a passkey, as long as browsers give them.
const CHALLENGE_AGE: Duration = Duration::from_secs(5 * 60);
/// Challenges that are open at once, of everybody; the oldest gives way, so that nobody can keep others out by asking.
const MAX_CHALLENGES: i64 = 10_000;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 120;

/// What a browser is asked to sign, and a secret by which the answer is known to be to that.
#[derive(Debug, Serialize)]
pub struct Challenge {
    /// To be sent with the answer; good once.
    ticket: String,
    /// The options of `navigator.credentials`, as JSON.
    #[serde(rename = "publicKey")]
    public_key: Value,
}

/// What a browser was asked for.
#[derive(Debug, Serialize, Deserialize)]
enum Asked {
    /// To make a passkey, in this session.
    Make(String, PasskeyRegistration),
    /// To show one.
    Show(DiscoverableAuthentication),
}

impl Accounts {
    /// A person's passkeys, the newest first.
    pub async fn passkeys(&self, user: &str) -> Result<Vec<PasskeyCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT id, name, host, made_at, used_at FROM passkeys WHERE user_id = $1
             ORDER BY made_at DESC, id",
        );
        let rows = rows.bind(user).fetch_all(&self.shared.database).await?;
        let card = |row: &sqlx::any::AnyRow| PasskeyCard {
            id: row.get(0),
            name: row.get(1),
            host: row.get(2),
            made_at_ms: row.get::<i64, _>(3).max(0) as u64,
            used_at_ms: some_ms(row.get(4)),
        };
        Ok(rows.iter().map(card).collect())
    }

    /// Asks a person's browser to make a passkey for the site at an address.
    pub async fn ask_for_new_passkey(
        &self,
        site: &Url,
        person: &Person,
    ) -> Result<Challenge, AccountError> {
        let relying_party = relying_party(site)?;
        let known = sqlx::query("SELECT credential FROM passkeys WHERE user_id = $1");
        let known = known.bind(&person.id).fetch_all(&self.shared.database).await?;
        if known.len() as i64 >= MAX_PASSKEYS {
            return Err(AccountError::TooManyPasskeys);
        }
        // The same device makes no second one.
        let known = known.iter().filter_map(|row| credential_id(row.get(0))).collect();
        let (options, state) = relying_party.start_passkey_registration(
            handle(&person.id)?,
            &person.name,
            &person.name,
            Some(known),
        )?;
        let mut options = serde_json::to_value(options.public_key).map_err(unreadable)?;
        // One that does not tell whose it is could not be logged in with: nobody is asked for a name.
        options["authenticatorSelection"]["residentKey"] = json!("required");
        options["authenticatorSelection"]["requireResidentKey"] = json!(true);
        self.ask(&Asked::Make(person.session.clone(), state), options).await
    }

    /// Keeps a passkey that a person's browser has made.
    pub async fn add_passkey(
        &self,
        site: &Url,
        person: &Person,
        (ticket, made): (&str, &RegisterPublicKeyCredential),
        name: &str,
    ) -> Result<PasskeyCard, AccountError> {
        let asked = self.asked(ticket).await?;
        let Asked::Make(session, state) = asked else { return Err(AccountError::Passkey) };
        if session != person.session {
            return Err(AccountError::Passkey);
        }
        let key = relying_party(site)?.finish_passkey_registration(made, &state)?;
        let (id, now) = (hex(&random::<8>()?), now_ms());
        let name: String = name.chars().take(MAX_NAME_CHARS).collect();
        let host = site.domain().unwrap_or_default().to_owned();
        let added = sqlx::query(
            "INSERT INTO passkeys (id, user_id, host, credential, name, key, made_at, used_at)
             SELECT $1, $2, $3, $4, $5, $6, $7, 0 WHERE (SELECT COUNT(*) FROM passkeys
             WHERE user_id = $2) < $8 ON CONFLICT (credential) DO NOTHING",
        );
        let added = added.bind(&id).bind(&person.id).bind(&host);
        let added = added.bind(URL_SAFE_NO_PAD.encode(key.cred_id())).bind(&name);
        let added = added.bind(serde_json::to_string(&key).map_err(unreadable)?);
        let added = added.bind(now as i64).bind(MAX_PASSKEYS);
        match added.execute(&self.shared.database).await?.rows_affected() {
            0 => Err(AccountError::Passkey),
            _ => Ok(PasskeyCard { id, name, host, made_at_ms: now, used_at_ms: None }),
        }
    }

    /// Asks a browser for a passkey of whoever is there.
    pub async fn ask_for_passkey(&self, site: &Url) -> Result<Challenge, AccountError> {
        let (options, state) = relying_party(site)?.start_discoverable_authentication()?;
        let options = serde_json::to_value(options.public_key).map_err(unreadable)?;
        self.ask(&Asked::Show(state), options).await
    }

    /// Whose passkey a browser has shown.
    ///
    /// # Errors
    /// [`AccountError::Passkey`] when it is nobody's, or shows nothing.
    pub async fn of_passkey(
        &self,
        site: &Url,
        (ticket, shown): (&str, &PublicKeyCredential),
    ) -> Result<String, AccountError> {
        let Asked::Show(state) = self.asked(ticket).await? else {
            return Err(AccountError::Passkey);
        };
        let relying_party = relying_party(site)?;
        let (handle, credential) = relying_party.identify_discoverable_authentication(shown)?;
        let found = sqlx::query("SELECT user_id, key, id FROM passkeys WHERE credential = $1");
        let found = found.bind(URL_SAFE_NO_PAD.encode(credential));
        let found = found.fetch_optional(&self.shared.database).await?;
        let row = found.ok_or(AccountError::Passkey)?;
        let (user, key, id): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if handle.as_bytes() != user.as_bytes() {
            return Err(AccountError::Passkey);
        }
        let mut key: Passkey = serde_json::from_str(&key).map_err(unreadable)?;
        let result = relying_party.finish_discoverable_authentication_v2(shown, state, &key)?;
        key.update_credential(&result);
        let key = serde_json::to_string(&key).map_err(unreadable)?;
        let used = sqlx::query("UPDATE passkeys SET used_at = $2, key = $3 WHERE id = $1");
        let used = used.bind(id).bind(now_ms() as i64).bind(key);
        match used.execute(&self.shared.database).await?.rows_affected() {
            // It was removed meanwhile.
            0 => Err(AccountError::Passkey),
            _ => Ok(user),
        }
    }

    /// Removes a passkey of a person; whether there was one.
    pub async fn remove_passkey(&self, user: &str, id: &str) -> Result<bool, AccountError> {
        let removed = sqlx::query("DELETE FROM passkeys WHERE id = $1 AND user_id = $2");
        let removed = removed.bind(id).bind(user).execute(&self.shared.database).await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Removes all passkeys of a person.
    pub async fn end_passkeys(&self, user: &str) -> Result<(), AccountError> {
        let ended = sqlx::query("DELETE FROM passkeys WHERE user_id = $1").bind(user);
        ended.execute(&self.shared.database).await?;
        Ok(())
    }

    async fn ask(&self, asked: &Asked, public_key: Value) -> Result<Challenge, AccountError> {
        let ticket = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let now = now_ms() as i64;
        let over = sqlx::query(
            "DELETE FROM challenges WHERE expires_at <= $1 OR id IN (SELECT id FROM challenges
             ORDER BY expires_at DESC LIMIT 1000 OFFSET $2)",
        );
        over.bind(now).bind(MAX_CHALLENGES).execute(&self.shared.database).await?;
        let kept =
            sqlx::query("INSERT INTO challenges (id, asked, expires_at) VALUES ($1, $2, $3)");
        let kept = kept.bind(hash_of(&ticket));
        let kept = kept.bind(serde_json::to_string(asked).map_err(unreadable)?);
        let kept = kept.bind(now + CHALLENGE_AGE.as_millis() as i64);
        kept.execute(&self.shared.database).await?;
        Ok(Challenge { ticket, public_key })
    }

    /// What a browser was asked that holds a ticket. An answer is good once.
    async fn asked(&self, ticket: &str) -> Result<Asked, AccountError> {
        let asked =
            sqlx::query("DELETE FROM challenges WHERE id = $1 AND expires_at > $2 RETURNING asked");
        let asked = asked.bind(hash_of(ticket)).bind(now_ms() as i64);
        let asked = asked.fetch_optional(&self.shared.database).await?;
        let asked: String = asked.ok_or(AccountError::Passkey)?.get(0);
        serde_json::from_str(&asked).map_err(unreadable)
    }
}

/// The site as authenticators know it: by its host, which has to have a name.
fn relying_party(site: &Url) -> Result<Webauthn, AccountError> {
    let host = site.domain().ok_or(AccountError::PasskeyHost)?;
    let builder = WebauthnBuilder::new(host, site)?.rp_name("Earmark").timeout(CHALLENGE_AGE);
    Ok(builder.build()?)
}

/// What an authenticator calls a person: their id, which has as many bytes as are asked for.
fn handle(user: &str) -> Result<Uuid, AccountError> {
    Uuid::from_slice(user.as_bytes()).map_err(|error| AccountError::Secret(error.to_string()))
}

fn credential_id(text: &str) -> Option<CredentialID> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn unreadable(error: serde_json::Error) -> AccountError {
    AccountError::Secret(error.to_string())
}

impl From<WebauthnError> for AccountError {
    /// What an authenticator has answered wrongly is told to nobody; the log has it.
    fn from(error: WebauthnError) -> Self {
        tracing::info!(%error, "a passkey was not accepted");
        Self::Passkey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_has_passkeys_where_it_has_a_name() {
        let is_fit = |site: &str| relying_party(&Url::parse(site).unwrap()).is_ok();
        assert!(is_fit("https://books.example") && is_fit("http://localhost:3000"));
        assert!(!is_fit("http://192.168.0.7:3000") && !is_fit("http://[::1]:3000"));
    }

    #[test]
    fn a_person_is_called_by_their_id() {
        let user = hex(&random::<8>().unwrap());
        assert_eq!(handle(&user).unwrap().as_bytes(), user.as_bytes());
        assert!(handle("short").is_err());
    }
}
