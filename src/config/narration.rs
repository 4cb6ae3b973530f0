//! How sentences are spoken.

use clap::Args;

/// Settings of voices and workers.
#[derive(Debug, Clone, Args)]
pub struct NarrationConfig {
    /// Voice for books in its language, as `/api/voices` names it, e.g. flite:slt
    #[arg(long, env = "EARMARK_VOICE", value_name = "VOICE")]
    pub voice: Option<String>,
    /// Sentences made at the same time [default: the number of processor cores]
    #[arg(long, env = "EARMARK_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Memory for clips just made or heard, in MB; all clips are kept on disk
    #[arg(long, env = "EARMARK_CACHE_MB", default_value_t = 64, value_name = "MB")]
    pub cache_mb: u64,
}

impl NarrationConfig {
    /// Sentences made at the same time.
    pub fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(2, usize::from);
        self.workers.map_or_else(cores, usize::from)
    }
}
