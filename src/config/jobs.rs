//! Books that are narrated ahead.

use std::path::PathBuf;

use clap::Args;
use reqwest::Url;

use crate::error::RunError;
use crate::jobs::{Audiobookshelf, JobSettings, QuietHours};

/// Settings of narrations.
#[derive(Debug, Clone, Args)]
pub struct JobConfig {
    /// Books that this server has narrated ahead at once; 0 leaves that to other servers
    #[arg(long, env = "EARMARK_NARRATIONS_AT_ONCE", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=64))]
    pub narrations_at_once: u16,
    /// The same of one person, on all servers
    #[arg(long, env = "EARMARK_NARRATIONS_PER_PERSON", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub narrations_per_person: u16,
    /// Narrations that one person may have waiting
    #[arg(long, env = "EARMARK_NARRATIONS_WAITING", default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub narrations_waiting: u16,
    /// Characters that one person may have made ready in 24 hours, by narrations; 0 for no limit
    #[arg(long, env = "EARMARK_NARRATION_CHARACTERS", default_value_t = 0, value_name = "N")]
    pub narration_characters: u64,
    /// When nobody minds that books are made ahead, as “01:00-06:00” in the time of the server: then the next chapters of
    /// books that are being read, the first of new ones, and the books that are heard most are made
    #[arg(long, env = "EARMARK_QUIET_HOURS", value_name = "FROM-TO")]
    pub quiet_hours: Option<QuietHours>,
    /// What voices that cost money may cost in the quiet hours of one night; 0 is nothing
    #[arg(long, env = "EARMARK_QUIET_BUDGET", default_value_t = 0.0, value_name = "MONEY", value_parser = money)]
    pub quiet_budget: f64,
    /// A server of Audiobookshelf that people can have audiobooks sent to
    #[arg(
        long,
        env = "EARMARK_AUDIOBOOKSHELF_URL",
        value_name = "URL",
        requires = "audiobookshelf_token_file"
    )]
    pub audiobookshelf_url: Option<Url>,
    /// A file whose first line is a token of that server, of somebody who may upload there
    #[arg(long, env = "EARMARK_AUDIOBOOKSHELF_TOKEN_FILE", value_name = "FILE")]
    pub audiobookshelf_token_file: Option<PathBuf>,
    /// The library there that they go to; the first one of books when left out
    #[arg(long, env = "EARMARK_AUDIOBOOKSHELF_LIBRARY", value_name = "NAME")]
    pub audiobookshelf_library: Option<String>,
}

fn money(text: &str) -> Result<f64, String> {
    let money: f64 = text.parse().map_err(|_| "a sum of money".to_owned())?;
    if (0.0..1e9).contains(&money) { Ok(money) } else { Err("a sum of money".to_owned()) }
}

impl JobConfig {
    /// The server that audiobooks are sent to, if one is named.
    ///
    /// # Errors
    /// When its token cannot be read.
    pub fn audiobookshelf(&self) -> Result<Option<Audiobookshelf>, RunError> {
        let (Some(url), Some(file)) = (&self.audiobookshelf_url, &self.audiobookshelf_token_file)
        else {
            return Ok(None);
        };
        let failed =
            |reason: String| RunError::Audiobookshelf { file: file.display().to_string(), reason };
        let token = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let token = token.lines().next().unwrap_or_default().trim().to_owned();
        if token.is_empty() {
            return Err(failed("it is empty".to_owned()));
        }
        let library = self.audiobookshelf_library.clone();
        let server = Audiobookshelf::new(url.clone(), token, library);
        server.map(Some).map_err(|error| failed(error.to_string()))
    }

    /// What is said of how narrations are run.
    pub fn settings(&self) -> JobSettings {
        JobSettings {
            at_once: self.narrations_at_once,
            at_once_per_person: self.narrations_per_person,
            waiting_per_person: self.narrations_waiting,
            characters_a_day: self.narration_characters,
            quiet: self.quiet_hours,
            budget_a_night: (self.quiet_budget * 1e6) as u64,
        }
    }
}
