//! People: who they are, and how they and their programs are known again.
//!
//! Secrets are random and kept as hashes alone, so that whoever reads the database can log in as nobody.

mod allowances;
mod feeds;
mod happenings;
mod identities;
mod invitations;
mod passkeys;
mod passwords;
mod sessions;
mod shares;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::model::{Person, PersonCard, Role};
use moka::future::Cache;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row, Transaction};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::library::LOCAL_USER;
use crate::text::hash::hex;
use crate::time::now_ms;
use passwords::Passwords;

pub use allowances::{AllowanceError, Allowances, Booked, Left};
pub use feeds::Feed;
pub use happenings::Happening;
pub use passkeys::Challenge;
pub use sessions::{PROXY_SESSION, SESSION_AGE};
pub use shares::USUAL_DAYS;
pub use tokens::{TOKEN_PREFIX, app_key, is_app_password};

/// An allowance that has no end.
const NO_LIMIT: i64 = -1;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 60;
/// People that there can be.
const MAX_PEOPLE: i64 = 10_000;
/// How long another process's change may go unnoticed: somebody logged out, a first person added.
const MEMORY: Duration = Duration::from_secs(5);
/// Sessions and tokens that are remembered at once.
const REMEMBERED: u64 = 10_000;

/// Tables of what a person has, by `user_id`.
const PERSONAL: [&str; 8] = [
    "progress",
    "annotations",
    "preferences",
    "pronunciations",
    "narrations",
    "feeds",
    "sync_places",
    "reading_days",
];

/// People and what lets them in.
#[derive(Clone)]
pub struct Accounts {
    shared: Arc<Shared>,
}

struct Shared {
    database: AnyPool,
    passwords: Passwords,
    /// Whom a secret lets in, by its hash.
    known: Cache<String, Option<Arc<Person>>>,
    /// Until when it is known whether there is anybody, in ms; odd when there is.
    has_people: AtomicU64,
}

/// What is wrong with a name, a password or a secret.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The name.
    #[error("A name has 1 to {MAX_NAME_CHARS} characters.")]
    Name,
    /// Somebody else's name.
    #[error("There is somebody called “{0}” already.")]
    Taken(String),
    /// The password.
    #[error("A password has 10 to 200 characters, and is none that everybody tries.")]
    Password,
    /// The name, the password or both.
    #[error("The name or the password is wrong.")]
    Wrong,
    /// Nobody has the name.
    #[error("There is nobody called “{0}”.")]
    NoSuchPerson(String),
    /// There would be nobody left who can let others in.
    #[error("Somebody must remain who runs the place: make another an admin first.")]
    LastAdmin,
    /// There are as many as there can be.
    #[error("There can be {MAX_PEOPLE} people.")]
    TooMany,
    /// As many invitations are open as there can be.
    #[error("There can be {} open invitations. Withdraw some.", invitations::MAX_OPEN)]
    TooManyInvitations,
    /// The link of an invitation.
    #[error("This invitation has been used or is too old. Ask for another.")]
    Invitation,
    /// The link to a shared book.
    #[error("This link is no longer good. Ask for another.")]
    Share,
    /// As many links of one person are open as there can be.
    #[error("You can have {} open links. Withdraw some.", shares::MAX_SHARES)]
    TooManyShares,
    /// As many feeds of one person as there can be.
    #[error("You can have {} podcast addresses. Withdraw some.", feeds::MAX_FEEDS)]
    TooManyFeeds,
    /// What a provider calls somebody.
    #[error("The provider does not say who you are in a way that can be kept.")]
    Identity,
    /// A provider lets in another as this.
    #[error("Somebody else logs in with that already.")]
    Linked,
    /// There would be no way left to log in.
    #[error("It is the only way you can log in.")]
    LastWayIn,
    /// A passkey, or how it was shown.
    #[error("The passkey was not accepted. Try again, or log in with your password.")]
    Passkey,
    /// The address at which the site is found.
    #[error(
        "Passkeys are for an address with a name: open Earmark as localhost, or by its name over HTTPS."
    )]
    PasskeyHost,
    /// As many passkeys of one person as there can be.
    #[error("You can have {} passkeys. Remove some.", passkeys::MAX_PASSKEYS)]
    TooManyPasskeys,
    /// The name of a token.
    #[error("Say in 1 to 100 characters what the token is for.")]
    TokenName,
    /// More tokens than one person can have.
    #[error("A person can have {} tokens.", tokens::MAX_TOKENS)]
    TooManyTokens,
    /// The database cannot be used.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The system gives no random numbers, or a stored password cannot be read.
    #[error("a secret cannot be made or compared: {0}")]
    Secret(String),
}

impl Accounts {
    /// Those in this database.
    pub fn new(database: AnyPool) -> Self {
        let known = Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY).build();
        let has_people = AtomicU64::new(0);
        let passwords = Passwords::default();
        Self { shared: Arc::new(Shared { database, passwords, known, has_people }) }
    }

    /// Whether there is anybody who can log in, so that everybody has to.
    pub async fn has_people(&self) -> Result<bool, AccountError> {
        let now = now_ms();
        // Every request asks. What is known is a time until which it is, odd when there is somebody.
        let known = self.shared.has_people.load(Ordering::Relaxed);
        if known > now {
            return Ok(known % 2 == 1);
        }
        let found = sqlx::query("SELECT id FROM users LIMIT 1");
        let has_people = found.fetch_optional(&self.shared.database).await?.is_some();
        let until = (now + MEMORY.as_millis() as u64) & !1;
        self.shared.has_people.store(until | u64::from(has_people), Ordering::Relaxed);
        Ok(has_people)
    }

    /// Begins a change of who there is. One goes on at a time, on all servers: each looks at how many there are, and
    /// how many of them run the place.
    async fn change(&self) -> Result<Transaction<'_, Any>, AccountError> {
        let mut change = self.shared.database.begin().await?;
        let turn = sqlx::query("UPDATE settings SET value = value WHERE name = 'people'");
        turn.execute(&mut *change).await?;
        Ok(change)
    }

    /// Adds somebody, and tells what they may do. The first is an admin, whatever is asked for.
    pub async fn add(&self, name: &str, password: &str, role: Role) -> Result<Role, AccountError> {
        let password = self.shared.passwords.hash(password).await?;
        self.add_hashed(name, password, role).await
    }

    async fn add_hashed(
        &self,
        name: &str,
        password: String,
        role: Role,
    ) -> Result<Role, AccountError> {
        let mut change = self.change().await?;
        let role = add_in(&mut change, name, password, role).await?;
        self.added(change).await?;
        Ok(role)
    }

    /// Ends a change with which somebody has come.
    async fn added(&self, change: Transaction<'_, Any>) -> Result<(), AccountError> {
        change.commit().await?;
        self.shared.has_people.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Everybody, by name.
    pub async fn people(&self) -> Result<Vec<PersonCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT id, name, role, COALESCE((SELECT MAX(seen_at) FROM user_sessions
             WHERE user_id = users.id), 0), allowance, COALESCE((SELECT characters FROM spending
             WHERE user_id = users.id AND month = $1), 0) FROM users ORDER BY name_key",
        );
        let rows = rows.bind(allowances::month()).fetch_all(&self.shared.database).await?;
        Ok(rows.iter().map(person_card).collect())
    }

    /// Somebody by their id.
    pub async fn card(&self, user: &str) -> Result<PersonCard, AccountError> {
        let people = self.people().await?;
        let found = people.into_iter().find(|person| person.id == user);
        found.ok_or_else(|| AccountError::NoSuchPerson(user.to_owned()))
    }

    /// The id of whoever has a name.
    pub async fn id_of(&self, name: &str) -> Result<String, AccountError> {
        let (name, key) = checked_name(name)?;
        let found = sqlx::query("SELECT id FROM users WHERE name_key = $1").bind(key);
        let found = found.fetch_optional(&self.shared.database).await?;
        found.map(|row| row.get(0)).ok_or(AccountError::NoSuchPerson(name))
    }

    /// Sets a password, which ends all sessions of the person but `kept`.
    pub async fn set_password(
        &self,
        user: &str,
        password: &str,
        kept: &str,
    ) -> Result<(), AccountError> {
        let password = self.shared.passwords.hash(password).await?;
        let set = sqlx::query("UPDATE users SET password = $1 WHERE id = $2");
        let set = set.bind(password).bind(user).execute(&self.shared.database).await?;
        self.changed(set.rows_affected(), user).await?;
        self.end_sessions(user, kept).await
    }

    /// Sets what a person may do. Whoever comes to run the place may spend without limit, and nothing when they no
    /// longer do; their invitations end with that.
    pub async fn set_role(&self, user: &str, role: Role) -> Result<(), AccountError> {
        let set = sqlx::query(
            "UPDATE users SET role = $1, allowance = CASE WHEN role = $1 THEN allowance
             WHEN $1 = 'admin' THEN -1 WHEN role = 'admin' THEN 0 ELSE allowance END
             WHERE id = $2 AND ($1 = 'admin' OR role <> 'admin'
             OR (SELECT COUNT(*) FROM users WHERE role = 'admin') > 1)",
        );
        let mut change = self.change().await?;
        let set = set.bind(role.name()).bind(user).execute(&mut *change).await?;
        if set.rows_affected() > 0 && role != Role::Admin {
            withdraw_invitations(&mut change, user).await?;
        }
        if set.rows_affected() > 0 && role == Role::Listener {
            let shares = sqlx::query("DELETE FROM shares WHERE user_id = $1").bind(user);
            shares.execute(&mut *change).await?;
        }
        change.commit().await?;
        self.changed(set.rows_affected(), user).await
    }

    /// Sets how many characters a month a person may have spoken by voices that cost money; any number when none is
    /// named.
    pub async fn set_allowance(
        &self,
        user: &str,
        allowance: Option<u64>,
    ) -> Result<(), AccountError> {
        let allowance = allowance.map_or(NO_LIMIT, |most| i64::try_from(most).unwrap_or(i64::MAX));
        let set = sqlx::query("UPDATE users SET allowance = $1 WHERE id = $2");
        let set = set.bind(allowance).bind(user).execute(&self.shared.database).await?;
        self.changed(set.rows_affected(), user).await
    }

    /// Removes somebody, with their sessions, tokens, places, marks, preferences and own books.
    pub async fn remove(&self, user: &str) -> Result<(), AccountError> {
        let mut change = self.change().await?;
        let removed = sqlx::query(
            "DELETE FROM users WHERE id = $1 AND (role <> 'admin'
             OR (SELECT COUNT(*) FROM users WHERE role = 'admin') > 1)",
        );
        let removed = removed.bind(user).execute(&mut *change).await?;
        if removed.rows_affected() > 0 {
            withdraw_invitations(&mut change, user).await?;
            for table in PERSONAL {
                let forgotten = format!("DELETE FROM {table} WHERE user_id = $1");
                let forgotten = sqlx::query(sqlx::AssertSqlSafe(forgotten)).bind(user);
                forgotten.execute(&mut *change).await?;
            }
            // Deleted so long ago that the next purge takes them from the shelf too.
            let books = sqlx::query("UPDATE books SET deleted_at = 1 WHERE owner = $1");
            books.bind(user).execute(&mut *change).await?;
        }
        change.commit().await?;
        self.changed(removed.rows_affected(), user).await
    }

    /// What came of a change that spares the last admin.
    async fn changed(&self, rows: u64, user: &str) -> Result<(), AccountError> {
        self.shared.known.invalidate_all();
        if rows > 0 {
            return Ok(());
        }
        let found = sqlx::query("SELECT id FROM users WHERE id = $1").bind(user);
        match found.fetch_optional(&self.shared.database).await? {
            Some(_) => Err(AccountError::LastAdmin),
            None => Err(AccountError::NoSuchPerson(user.to_owned())),
        }
    }
}

/// Adds somebody in a change, and tells what they may do. The first is an admin, whatever is asked for.
async fn add_in(
    change: &mut Transaction<'_, Any>,
    name: &str,
    password: String,
    role: Role,
) -> Result<Role, AccountError> {
    let (name, key) = checked_name(name)?;
    let id = hex(&random::<8>()?);
    let count = sqlx::query("SELECT COUNT(*) FROM users").fetch_one(&mut **change);
    let count: i64 = count.await?.get(0);
    if count >= MAX_PEOPLE {
        return Err(AccountError::TooMany);
    }
    // Whoever came after a first that is no admin could be let in by nobody.
    let role = if count == 0 { Role::Admin } else { role };
    let added = sqlx::query(
        "INSERT INTO users (id, name, name_key, password, role, created_at, allowance)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name_key) DO NOTHING",
    )
    .bind(&id)
    .bind(&name)
    .bind(key)
    .bind(password)
    .bind(role.name())
    .bind(now_ms() as i64)
    // Whoever runs the place pays for it.
    .bind(if role == Role::Admin { NO_LIMIT } else { 0 })
    .execute(&mut **change)
    .await?;
    if added.rows_affected() == 0 {
        return Err(AccountError::Taken(name));
    }
    // Whoever comes first goes on with what there was before people logged in.
    if count == 0 {
        for table in PERSONAL {
            let inherited = format!("UPDATE {table} SET user_id = $1 WHERE user_id = $2");
            let inherited = sqlx::query(sqlx::AssertSqlSafe(inherited)).bind(&id);
            inherited.bind(LOCAL_USER).execute(&mut **change).await?;
        }
    }
    Ok(role)
}

/// Ends the invitations of somebody who no longer runs the place.
async fn withdraw_invitations(
    change: &mut Transaction<'_, Any>,
    user: &str,
) -> Result<(), AccountError> {
    let ended = sqlx::query("DELETE FROM invitations WHERE made_by = $1").bind(user);
    ended.execute(&mut **change).await?;
    Ok(())
}

/// A name as it is shown, and as names are compared.
fn checked_name(name: &str) -> Result<(String, String), AccountError> {
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect();
    if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(AccountError::Name);
    }
    let key = name.nfkc().collect::<String>().to_lowercase();
    Ok((name, key))
}

fn person_card(row: &AnyRow) -> PersonCard {
    let role: String = row.get(2);
    PersonCard {
        id: row.get(0),
        name: row.get(1),
        role: role_of(&role),
        seen_at_ms: some_ms(row.get(3)),
        allowance: u64::try_from(row.get::<i64, _>(4)).ok(),
        spent_this_month: row.get::<i64, _>(5).max(0) as u64,
    }
}

/// A role that a later version has written may do the least.
fn role_of(name: &str) -> Role {
    Role::named(name).unwrap_or(Role::Listener)
}

/// A time that may be none.
fn some_ms(value: i64) -> Option<u64> {
    u64::try_from(value).ok().filter(|time| *time > 0)
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], AccountError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| AccountError::Secret(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_of_a_person_stays_behind() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = crate::library::connect(None, folder.path()).await.unwrap();
        // What refers to people goes by itself.
        let tables = sqlx::query_scalar::<_, String>(
            "SELECT name FROM sqlite_master
             WHERE type = 'table'
               AND EXISTS (SELECT 1 FROM pragma_table_info(sqlite_master.name) WHERE name = 'user_id')
               AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(sqlite_master.name)
                               WHERE \"from\" = 'user_id' AND on_delete = 'CASCADE')",
        );
        let mut tables = tables.fetch_all(&database).await.unwrap();
        tables.sort_unstable();
        let mut personal = PERSONAL.map(str::to_owned);
        personal.sort_unstable();
        assert_eq!(tables, personal);
    }

    #[test]
    fn names_are_compared_as_people_read_them() {
        let key = |name: &str| checked_name(name).map(|(_, key)| key).ok();
        assert_eq!(key("  Zoë  Q "), key("zoe\u{308} q"));
        assert_eq!(key("Ｆull"), key("full"));
        assert_ne!(key("Ann"), key("Anne"));
        assert!(key("").is_none() && key(" \t").is_none() && key(&"a".repeat(61)).is_none());
        assert!(key("a\u{0}b").is_none());
    }
}
