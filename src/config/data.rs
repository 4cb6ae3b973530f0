//! Where things are kept.

use std::path::PathBuf;

use clap::Args;
use directories::ProjectDirs;

/// Settings of storage.
#[derive(Debug, Clone, Args)]
pub struct DataConfig {
    /// Folder for the database, books and audio [default: the system's place for user data]
    #[arg(long, env = "EARMARK_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// PostgreSQL instead of the database in the folder, e.g. postgres://user:password@host/earmark
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// S3-compatible storage for books and audio instead of the folder, e.g. s3://bucket/folder; keys,
    /// region and endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and
    /// AWS_ENDPOINT
    #[arg(long, env = "EARMARK_OBJECTS_URL", value_name = "URL")]
    pub objects_url: Option<String>,
    /// What the keys of speech services are encrypted with: 32 bytes in base64 [default: the file
    /// secret.key in the folder, made when there is none]
    #[arg(long, env = "EARMARK_SECRET_KEY", hide_env_values = true, value_name = "KEY")]
    pub secret_key: Option<String>,
    /// Folder with dictionaries in the StarDict format, in which readers look words up [default: the folder
    /// dictionaries in the data folder]
    #[arg(long, env = "EARMARK_DICTIONARIES", value_name = "DIR")]
    pub dictionaries: Option<PathBuf>,
}

impl DataConfig {
    /// The folder: the one that was named, else the system's (`~/.local/share/earmark` on Linux).
    pub fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| {
            ProjectDirs::from("", "", "earmark")
                .map_or_else(|| PathBuf::from("earmark-data"), |dirs| dirs.data_dir().to_owned())
        })
    }

    /// The folder with dictionaries.
    pub fn dictionaries(&self) -> PathBuf {
        self.dictionaries.clone().unwrap_or_else(|| self.folder().join("dictionaries"))
    }

    /// PostgreSQL, if it is to be used.
    pub fn database(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }
}
