//! Books that are narrated ahead.

use clap::Args;

use crate::jobs::JobSettings;

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
}

impl JobConfig {
    /// What is said of how narrations are run.
    pub fn settings(&self) -> JobSettings {
        JobSettings {
            at_once: self.narrations_at_once,
            at_once_per_person: self.narrations_per_person,
            waiting_per_person: self.narrations_waiting,
        }
    }
}
