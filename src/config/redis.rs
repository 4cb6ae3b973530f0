//! Where Redis is, if there is one.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::queue::redis::SharedClips;
use crate::redis::RedisConfig;

/// Settings of what several servers and workers share.
#[derive(Debug, Clone, Args)]
pub struct SharedConfig {
    /// Redis for several servers and workers, e.g. redis://:password@host:6379/0; rediss:// for TLS; several nodes of a cluster with commas between them [default: none, everything in this process]
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: Option<String>,
    /// What all keys in Redis begin with
    #[arg(long, env = "EARMARK_REDIS_PREFIX", default_value = "", value_name = "TEXT")]
    pub redis_prefix: String,
    /// Commands in flight to Redis at once
    #[arg(long, env = "EARMARK_REDIS_CONCURRENCY", default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub redis_concurrency: u16,
    /// How long a clip stays in Redis, in seconds; all clips are kept on disk
    #[arg(long, env = "EARMARK_REDIS_CLIP_SECONDS", default_value_t = 86_400, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub redis_clip_seconds: u64,
    /// Which clips are kept in Redis when they are made: all, or those that somebody is about to hear, and the others when they are first read
    #[arg(
        long,
        env = "EARMARK_REDIS_CLIPS",
        default_value = "all",
        value_enum,
        value_name = "WHICH"
    )]
    pub redis_clips: RedisClips,
}

/// Which clips are kept in Redis when they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RedisClips {
    /// All
    All,
    /// Those that somebody is about to hear
    Wanted,
}

impl From<RedisClips> for SharedClips {
    fn from(clips: RedisClips) -> Self {
        match clips {
            RedisClips::All => Self::All,
            RedisClips::Wanted => Self::Wanted,
        }
    }
}

impl SharedConfig {
    /// How to connect, if there is anything to connect to.
    pub fn redis(&self) -> Option<RedisConfig> {
        let url = self.redis_url.clone().filter(|url| !url.is_empty())?;
        Some(RedisConfig {
            url,
            prefix: self.redis_prefix.clone(),
            concurrency: usize::from(self.redis_concurrency),
        })
    }

    /// How long a clip stays in Redis.
    pub fn clip_expiry(&self) -> Duration {
        Duration::from_secs(self.redis_clip_seconds)
    }
}
