//! Books that are narrated ahead.

use clap::Args;

use crate::jobs::{JobSettings, QuietHours};

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
    /// When nobody minds that books are made ahead, as “01:00-06:00” in the time of the server: then the next chapters of
    /// books that are being read, the first of new ones, and the books that are heard most are made
    #[arg(long, env = "EARMARK_QUIET_HOURS", value_name = "FROM-TO")]
    pub quiet_hours: Option<QuietHours>,
    /// What voices that cost money may cost in the quiet hours of one night; 0 is nothing
    #[arg(long, env = "EARMARK_QUIET_BUDGET", default_value_t = 0.0, value_name = "MONEY", value_parser = money)]
    pub quiet_budget: f64,
}

fn money(text: &str) -> Result<f64, String> {
    let money: f64 = text.parse().map_err(|_| "a sum of money".to_owned())?;
    if (0.0..1e9).contains(&money) { Ok(money) } else { Err("a sum of money".to_owned()) }
}

impl JobConfig {
    /// What is said of how narrations are run.
    pub fn settings(&self) -> JobSettings {
        JobSettings {
            at_once: self.narrations_at_once,
            at_once_per_person: self.narrations_per_person,
            waiting_per_person: self.narrations_waiting,
            quiet: self.quiet_hours,
            budget_a_night: (self.quiet_budget * 1e6) as u64,
        }
    }
}
