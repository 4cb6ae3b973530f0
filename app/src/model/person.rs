//! People, and what they are logged in with.

use serde::{Deserialize, Serialize};

use super::BookId;

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

/// What a program may do with a token, of what its person may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum Scope {
    /// Books: lists, texts, files, search.
    Read,
    /// Sound and its times.
    Listen,
    /// Places, marks, notes, pronunciations and preferences.
    Progress,
    /// Adding, changing and deleting books.
    Import,
    /// Texts of its own spoken.
    Speak,
    /// Voices that cost money.
    Spend,
    /// What an administrator does: people, voices, what is kept, everybody's narrations.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Listen,
        Self::Progress,
        Self::Import,
        Self::Speak,
        Self::Spend,
        Self::Admin,
    ];
    /// Those of a token of which nothing else is said.
    pub const USUAL: [Self; 3] = [Self::Read, Self::Listen, Self::Progress];

    /// Its name in forms and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Listen => "listen",
            Self::Progress => "progress",
            Self::Import => "import",
            Self::Speak => "speak",
            Self::Spend => "spend",
            Self::Admin => "admin",
        }
    }

    /// The scope with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
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
    /// Which of their tokens lets their program in; empty when they are there themselves.
    pub token: String,
    /// Until when they have said their password again, in ms since 1970: before what changes who runs the place.
    pub confirmed_until_ms: u64,
    /// Whether there is a password that they can be asked for: who comes by a provider has none unless an administrator
    /// gives one, and a program has none to say.
    pub has_password: bool,
    /// What their program may do; everything when they are there themselves.
    pub scopes: Option<Vec<Scope>>,
    /// The only book there is for them: they have no account, and came by a link to it.
    pub lent: Option<BookId>,
}

impl Person {
    /// Whoever is there, where nobody has to log in.
    pub fn without_login(role: Role) -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            role,
            session: String::new(),
            token: String::new(),
            confirmed_until_ms: u64::MAX,
            has_password: false,
            scopes: None,
            lent: None,
        }
    }

    /// Whether they are there themselves, or their program may do this.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
    }

    /// Whether they run the place, and their program may as well.
    pub fn runs_the_place(&self) -> bool {
        self.role >= Role::Admin && self.may(Scope::Admin)
    }

    /// Whether they have one; nobody does where nobody has to log in.
    pub fn has_account(&self) -> bool {
        !self.id.is_empty() && self.lent.is_none()
    }
}

/// A book that a link leads to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SharedBook {
    /// Its id.
    pub book: BookId,
    /// Its title.
    pub title: String,
    /// Its authors.
    pub authors: Vec<String>,
    /// Who has made the link.
    pub from: String,
    /// When it ends, in ms since 1970.
    pub expires_at_ms: u64,
}

/// A link by which people without an account read one book.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ShareCard {
    /// Names it; it lets nobody in
    pub id: String,
    /// The book’s id; empty, as its title, where it is another’s own book
    pub book: String,
    /// The book’s title
    pub title: String,
    /// Who made it
    pub from: String,
    /// When it ends, in ms since 1970
    pub expires_at_ms: u64,
    /// Browsers that came by it
    pub guests: u64,
}

/// An address at which a podcast app gets a book, or all that somebody reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FeedCard {
    /// Names it; it lets nobody in
    pub id: String,
    /// The book’s id; empty when it is for all that the person reads
    pub book: String,
    /// The book’s title, as empty
    pub title: String,
    /// Who reads, by id, as empty
    pub voice: String,
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
    /// Characters a month that they may have spoken by voices that cost money; null when there is no limit
    pub allowance: Option<u64>,
    /// How many of them they have had this month
    pub spent_this_month: u64,
}

/// Something that happened, for whoever runs the place.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HappeningCard {
    /// When, in ms since 1970
    pub at_ms: u64,
    /// Who did it; empty where nobody is known
    pub who: String,
    /// `login`, `login_refused`, `set_up`, `person_added`, `person_removed`, `role`, `allowance`, `password`, `token`,
    /// `invited`, `uninvited`, `accepted`, `shared`, `unshared`, `identity`, `identity_removed`, `engine`, `engine_removed`, `voice`, `voice_removed` or `storage`
    pub what: String,
    /// Whom or what it was about
    pub about: String,
    /// The address it came from
    pub address: String,
    /// Whether a program of theirs did it, by a token
    #[serde(default)]
    pub is_program: bool,
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

/// An invitation that nobody has come with yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct InvitationCard {
    /// Names it; it lets nobody in
    pub id: String,
    /// What the guest may do
    pub role: Role,
    /// When it ends, in ms since 1970
    pub expires_at_ms: u64,
}

/// A key of a device or a password manager that lets a person in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PasskeyCard {
    /// Names it; it lets nobody in
    pub id: String,
    /// What it was made with
    pub name: String,
    /// The host that it is good for
    pub host: String,
    /// When it was made, in ms since 1970
    pub made_at_ms: u64,
    /// When it was last used, in ms since 1970
    pub used_at_ms: Option<u64>,
}

/// A provider of logins that lets a person in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdentityCard {
    /// Names it; it lets nobody in
    pub id: String,
    /// The provider
    pub issuer: String,
}

/// What a program identifies itself with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TokenCard {
    /// What it begins with, after `ema_`
    pub id: String,
    /// What it is for
    pub name: String,
    /// What a program may do with it
    pub scopes: Vec<Scope>,
    /// When it was last used, in ms since 1970; null when never
    pub used_at_ms: Option<u64>,
    /// When it ends, in ms since 1970; null when never
    pub expires_at_ms: Option<u64>,
}
