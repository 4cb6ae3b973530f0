//! Settings: one struct per concern, each field a flag with its environment variable and default.

mod data;
mod import;
mod jobs;
mod limits;
mod narration;
mod providers;
mod redis;
mod server;
mod site_url;
mod users;
mod voices;

use app::model::BookId;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

pub use data::DataConfig;
pub use import::{ImportOneConfig, ReadingConfig};
pub use jobs::JobConfig;
pub use limits::LimitConfig;
pub use narration::{BuiltInConfig, NarrationConfig};
pub use providers::{ProviderSettings, ProvidersError, read_providers};
pub use redis::SharedConfig;
pub use server::ServerConfig;
pub use site_url::SiteUrl;
pub use users::{PasswordConfig, UsersAction, UsersConfig};
pub use voices::{AddConfig, PrepareVoiceConfig, VoiceWorkerConfig, VoicesAction, VoicesConfig};

/// A self-hosted reader that reads to you.
///
/// Without a command, Earmark serves its pages: open the address it prints in a browser.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Cli {
    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`.
    #[command(flatten)]
    pub serve: ServeConfig,
}

/// What Earmark can be told to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the reader and its API (what `earmark` alone does)
    Serve(Box<ServeConfig>),
    /// Speak what servers and other programs enqueue in Redis, and serve nothing
    Worker(WorkerConfig),
    /// Add books to the library: EPUB or plain text
    Import(ImportConfig),
    /// Read the files of books anew, by the rules of this version; places, bookmarks and highlights stay
    Reimport(ReimportConfig),
    /// What a child process does that reads one file
    #[command(hide = true)]
    ImportOne(ImportOneConfig),
    /// What a child process does that speaks
    #[command(hide = true)]
    VoiceWorker(VoiceWorkerConfig),
    /// What a child process does that makes a voice's network ready
    #[command(hide = true)]
    PrepareVoice(PrepareVoiceConfig),
    /// Install voices; list, add, test and remove speech services and programs
    Voices(VoicesConfig),
    /// Say who can log in, and what they may do
    Users(UsersConfig),
    /// Write all there is to a file, of a server that may go on: books, people, places, settings
    Backup(BackupConfig),
    /// Put what a backup has into a data folder and a database that are empty
    Restore(RestoreConfig),
    /// Look at all that Earmark needs, and say what is missing and what to do about it
    Doctor(Box<ServeConfig>),
    /// Print what completes commands in a shell
    Completions {
        /// Of which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Manual,
    /// Look at sentences in Redis that could not be spoken, or try them again
    DeadLetters(DeadLettersConfig),
}

/// Everything `serve` needs to know.
#[derive(Debug, Clone, Args)]
pub struct ServeConfig {
    /// Where to listen.
    #[command(flatten)]
    pub server: ServerConfig,
    /// Where things are kept.
    #[command(flatten)]
    pub data: DataConfig,
    /// How sentences are spoken.
    #[command(flatten)]
    pub narration: NarrationConfig,
    /// Leave what is enqueued in Redis to workers, and speak only while Redis is gone
    #[arg(long, env = "EARMARK_NO_WORKER", requires = "redis_url")]
    pub no_worker: bool,
    /// What is shared with others.
    #[command(flatten)]
    pub shared: SharedConfig,
    /// How often the API may be used.
    #[command(flatten)]
    pub limits: LimitConfig,
    /// How books are narrated ahead.
    #[command(flatten)]
    pub jobs: JobConfig,
    /// What reading a file may take.
    #[command(flatten)]
    pub reading: ReadingConfig,
}

/// What `worker` needs to know.
#[derive(Debug, Clone, Args)]
pub struct WorkerConfig {
    /// Where things are kept; the same as the servers'.
    #[command(flatten)]
    pub data: DataConfig,
    /// How sentences are spoken.
    #[command(flatten)]
    pub narration: NarrationConfig,
    /// Where the work is.
    #[command(flatten)]
    pub shared: SharedConfig,
}

/// What `dead-letters` needs to know.
#[derive(Debug, Clone, Args)]
pub struct DeadLettersConfig {
    /// Try them again instead of listing them
    #[arg(long)]
    pub requeue: bool,
    /// Only those of this book
    #[arg(long, value_name = "ID")]
    pub book: Option<BookId>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Where they are.
    #[command(flatten)]
    pub shared: SharedConfig,
}

/// What `import` needs to know.
#[derive(Debug, Clone, Args)]
pub struct ImportConfig {
    /// Files to import
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object a line instead of id and title
    #[arg(long)]
    pub json: bool,
    /// Where things are kept.
    #[command(flatten)]
    pub data: DataConfig,
    /// What reading a file may take.
    #[command(flatten)]
    pub reading: ReadingConfig,
}

/// What `reimport` needs to know.
#[derive(Debug, Clone, Args)]
pub struct ReimportConfig {
    /// Ids of the books
    #[arg(required_unless_present = "all", value_name = "BOOK")]
    pub books: Vec<BookId>,
    /// All books of the library
    #[arg(long, conflicts_with = "books")]
    pub all: bool,
    /// Print one JSON object a line instead of id and title
    #[arg(long)]
    pub json: bool,
    /// Where things are kept.
    #[command(flatten)]
    pub data: DataConfig,
    /// Redis, where servers share what they know of books.
    #[command(flatten)]
    pub shared: SharedConfig,
    /// What reading a file may take.
    #[command(flatten)]
    pub reading: ReadingConfig,
}

/// What `backup` needs to know.
#[derive(Debug, Clone, Args)]
pub struct BackupConfig {
    /// The file, which is not there yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// With the audio that was made, which is most of it and can be made again
    #[arg(long)]
    pub clips: bool,
    /// Where things are kept.
    #[command(flatten)]
    pub data: DataConfig,
}

/// What `restore` needs to know.
#[derive(Debug, Clone, Args)]
pub struct RestoreConfig {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where things are to be kept; other places than before will do.
    #[command(flatten)]
    pub data: DataConfig,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_setting_has_a_variable_of_its_own_name_and_is_documented() {
        let page = include_str!("../docs/configuration.md");
        let command = Cli::command();
        for argument in command.get_arguments().filter(|argument| argument.get_long().is_some()) {
            let flag = argument.get_long().unwrap();
            if matches!(flag, "help" | "version") {
                continue;
            }
            let variable = argument.get_env().unwrap().to_str().unwrap();
            let own_name = flag.replace('-', "_").to_uppercase();
            // Where Redis and PostgreSQL are, every program is told by the same variables.
            let is_common =
                ["REDIS_URL", "DATABASE_URL"].contains(&variable) && own_name == variable;
            assert!(is_common || variable == format!("EARMARK_{own_name}"), "{variable}");
            assert!(
                page.contains(&format!("`{variable}`")),
                "{variable} is not in docs/configuration.md"
            );
            assert!(
                page.contains(&format!("`--{flag}`")),
                "--{flag} is not in docs/configuration.md"
            );
        }
    }
}
