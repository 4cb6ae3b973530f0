//! Where the server listens, and where its pages' files are.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

/// Settings of the HTTP server.
#[derive(Debug, Clone, Args)]
pub struct ServerConfig {
    /// Address and port to listen on; 0.0.0.0:3000 lets other devices of your network in
    #[arg(long, env = "EARMARK_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDR")]
    pub addr: SocketAddr,
    /// Folder with the scripts and styles of the pages [default: the one beside the program]
    #[arg(long, env = "EARMARK_SITE", value_name = "DIR")]
    pub site: Option<PathBuf>,
}

impl ServerConfig {
    /// The folder with the pages' files: the one that was named, `site` beside the program, or
    /// where the build puts it.
    pub fn site_root(&self) -> PathBuf {
        if let Some(site) = &self.site {
            return site.clone();
        }
        let beside = std::env::current_exe()
            .ok()
            .and_then(|program| Some(program.parent()?.join("site")))
            .filter(|site| site.is_dir());
        beside.unwrap_or_else(|| Path::new("target/site").to_owned())
    }
}
