//! Arguments of `earmark users`.

use std::path::PathBuf;

use app::model::Role;
use clap::{Args, Subcommand};

use super::{DataConfig, SiteUrl};

/// What `users` needs to know.
#[derive(Debug, Clone, Args)]
pub struct UsersConfig {
    /// What to do.
    #[command(subcommand)]
    pub action: UsersAction,
    /// Where they are kept.
    #[command(flatten)]
    pub data: DataConfig,
}

/// What can be done with people.
#[derive(Debug, Clone, Subcommand)]
pub enum UsersAction {
    /// List everybody who can log in
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Add somebody; from the first on, everybody has to log in
    Add {
        /// What they are called, and log in with
        name: String,
        /// What they may do: listener, member or admin
        #[arg(long, value_parser = role, default_value = "listener")]
        role: Role,
        /// The same as `--role admin`
        #[arg(long, conflicts_with = "role")]
        admin: bool,
        /// Where the password is.
        #[command(flatten)]
        password: PasswordConfig,
    },
    /// Give somebody another password; wherever they are logged in, they are logged out
    Password {
        /// Who
        name: String,
        /// Where the password is.
        #[command(flatten)]
        password: PasswordConfig,
    },
    /// Set what somebody may do
    Role {
        /// Who
        name: String,
        /// listener, member or admin
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Set how many characters a month somebody may have spoken by voices that cost money
    Allowance {
        /// Who
        name: String,
        /// Characters; without limit when left out
        characters: Option<u64>,
    },
    /// Make a link by which somebody makes an account of their own, good for 48 hours and once
    Invite {
        /// What they may do: listener, member or admin
        #[arg(value_parser = role, default_value = "listener")]
        role: Role,
        /// The address at which people find the site
        #[arg(long, env = "EARMARK_URL", value_name = "URL")]
        url: Option<SiteUrl>,
    },
    /// Remove somebody, with their places, marks and own books; what everybody reads stays
    Remove {
        /// Who
        name: String,
    },
    /// List where somebody is logged in
    Sessions {
        /// Who
        name: String,
        /// Log them out everywhere
        #[arg(long)]
        revoke: bool,
    },
}

/// Where a password comes from; the terminal asks for it when nothing is said.
#[derive(Debug, Clone, Args)]
pub struct PasswordConfig {
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The password, for programs that start others; other users of the machine may see arguments, so it is
    /// taken from the environment alone
    #[arg(skip = std::env::var("EARMARK_PASSWORD").ok())]
    pub password: Option<String>,
}

pub(super) fn role(name: &str) -> Result<Role, String> {
    Role::named(name).ok_or_else(|| "this is none of listener, member and admin".to_owned())
}
