//! What reading a file may take.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::library::import::{ChildLimits, ImportError, Importer};

/// Settings of the child processes that read files.
#[derive(Debug, Clone, Args)]
pub struct ReadingConfig {
    /// Memory that reading a book may take, in MB (not limited on macOS and Windows)
    #[arg(long, env = "EARMARK_IMPORT_MEMORY_MB", default_value_t = 1024, value_name = "MB", value_parser = clap::value_parser!(u64).range(256..=1_048_576))]
    pub import_memory_mb: u64,
    /// Processor time that reading a book may take, in seconds (not limited on Windows)
    #[arg(long, env = "EARMARK_IMPORT_CPU_SECONDS", default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub import_cpu_seconds: u64,
    /// Time that reading a book may take, in seconds
    #[arg(long, env = "EARMARK_IMPORT_SECONDS", default_value_t = 120, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub import_seconds: u64,
    /// The program whose child processes read files; this one when `None`.
    #[arg(skip)]
    pub program: Option<PathBuf>,
}

impl ReadingConfig {
    /// What starts the child processes.
    ///
    /// # Errors
    /// When the system does not say where this program is.
    pub fn importer(&self) -> Result<Importer, ImportError> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let limits = ChildLimits {
            memory_mb: self.import_memory_mb,
            cpu_seconds: self.import_cpu_seconds,
            time: Duration::from_secs(self.import_seconds),
        };
        Ok(Importer::new(program, limits))
    }
}

/// What the child process is told.
#[derive(Debug, Clone, Args)]
pub struct ImportOneConfig {
    /// The folder with the file, where the result goes as well
    pub work: PathBuf,
    /// The name the file had
    #[arg(long)]
    pub name: String,
    /// The book that it will be
    #[arg(long)]
    pub id: app::model::BookId,
    /// Memory it may take, in MB
    #[arg(long)]
    pub memory_mb: u64,
    /// Processor time it may take, in seconds
    #[arg(long)]
    pub cpu_seconds: u64,
}
