//! Where the server listens, and where its pages' files are.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use app::model::Role;
use axum::http::HeaderName;
use clap::Args;

use super::SiteUrl;

/// Settings of the HTTP server.
#[derive(Debug, Clone, Args)]
pub struct ServerConfig {
    /// Address and port to listen on; 0.0.0.0:3000 lets other devices of your network in
    #[arg(long, env = "EARMARK_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDR")]
    pub addr: SocketAddr,
    /// Names by which the server is called, beside addresses, this machine's own name, and names that only a
    /// local network has. Under any other name it does not answer
    #[arg(long, env = "EARMARK_HOST", value_delimiter = ',', value_name = "NAME")]
    pub host: Vec<String>,
    /// The address at which people find the site when a proxy stands before it, also below a path:
    /// https://home.example/earmark
    #[arg(long, env = "EARMARK_URL", value_name = "URL")]
    pub url: Option<SiteUrl>,
    /// Address and port on which Prometheus asks for /metrics, of whoever can reach it: 127.0.0.1:9464
    #[arg(long, env = "EARMARK_METRICS_ADDR", value_name = "ADDR")]
    pub metrics_addr: Option<SocketAddr>,
    /// Ask nobody to log in, wherever they come from: everybody can read, listen and add books, and whoever is
    /// on this machine can do everything
    #[arg(long, env = "EARMARK_OPEN")]
    pub open: bool,
    /// File with providers of logins by OpenID Connect: a list in JSON, as docs/accounts.md has it
    #[arg(long, env = "EARMARK_OIDC_PROVIDERS", value_name = "FILE", requires = "url")]
    pub oidc_providers: Option<PathBuf>,
    /// Header in which a trusted proxy names whom it has let in, such as Remote-User
    #[arg(
        long,
        env = "EARMARK_PROXY_USER_HEADER",
        value_name = "NAME",
        requires = "trusted_proxies"
    )]
    pub proxy_user_header: Option<HeaderName>,
    /// What somebody may do whom the proxy lets in and nobody knows yet: listener, member or admin. Without it,
    /// nobody new comes in that way
    #[arg(
        long,
        env = "EARMARK_PROXY_NEW_USERS",
        value_parser = super::users::role,
        value_name = "ROLE",
        requires = "proxy_user_header"
    )]
    pub proxy_new_users: Option<Role>,
    /// Folder with the scripts and styles of the pages [default: the one beside the program]
    #[arg(long, env = "EARMARK_SITE", value_name = "DIR")]
    pub site: Option<PathBuf>,
}

impl ServerConfig {
    /// The names by which the server is called: those that were given, and this machine's own.
    pub fn names(&self) -> Vec<String> {
        let of_site = self.url.as_ref().map(|url| url.name().to_owned());
        self.host.iter().cloned().chain(of_site).chain(machine_name()).collect()
    }

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

/// What this machine calls itself.
#[cfg(unix)]
fn machine_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

#[cfg(not(unix))]
fn machine_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}
