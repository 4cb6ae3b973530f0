//! Where books, clips and progress are kept.

use std::path::PathBuf;

use clap::Args;
use directories::ProjectDirs;

/// Settings of the data directory.
#[derive(Debug, Clone, Args)]
pub struct DataConfig {
    /// Folder for the database, books and audio [default: the system's place for user data]
    #[arg(long, env = "EARMARK_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl DataConfig {
    /// The folder: the one that was named, else the system's (`~/.local/share/earmark` on Linux).
    pub fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| {
            ProjectDirs::from("", "", "earmark")
                .map_or_else(|| PathBuf::from("earmark-data"), |dirs| dirs.data_dir().to_owned())
        })
    }
}
