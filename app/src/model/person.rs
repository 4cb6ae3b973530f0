//! People, and what they are logged in with.

use serde::{Deserialize, Serialize};

/// What a person may do, each more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum Role {
    /// Reads and listens.
    Listener,
    /// Adds, changes and removes books too, and has texts of their own spoken.
    Member,
    /// Runs the place: people, voices, storage.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Listener, Self::Member, Self::Admin];

    /// Its name in forms and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// The role with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Never reused; empty where nobody has to log in.
    pub id: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Which of their sessions this is; empty for a program with a token.
    pub session: String,
}

impl Person {
    /// Whoever is there, where nobody has to log in.
    pub fn without_login(role: Role) -> Self {
        Self { id: String::new(), name: String::new(), role, session: String::new() }
    }

    /// Whether there is a login at all.
    pub fn has_account(&self) -> bool {
        !self.id.is_empty()
    }
}

/// A person as others see them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PersonCard {
    /// Never reused
    pub id: String,
    /// What they are called
    pub name: String,
    /// What they may do
    pub role: Role,
    /// When they were last seen, in ms since 1970; null when never
    pub seen_at_ms: Option<u64>,
}

/// A browser that is logged in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SessionCard {
    /// Names it; it lets nobody in
    pub id: String,
    /// What the browser says that it is
    pub device: String,
    /// The address it was last seen at
    pub address: String,
    /// When it was last seen, in ms since 1970
    pub seen_at_ms: u64,
    /// Whether it is the one that asks
    pub is_this: bool,
}

/// What a program identifies itself with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TokenCard {
    /// What it begins with, after `ema_`
    pub id: String,
    /// What it is for
    pub name: String,
    /// When it was last used, in ms since 1970; null when never
    pub used_at_ms: Option<u64>,
    /// When it ends, in ms since 1970; null when never
    pub expires_at_ms: Option<u64>,
}
