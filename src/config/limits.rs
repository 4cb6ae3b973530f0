//! How often the API may be used.

use clap::Args;

/// Settings of rate limits.
#[derive(Debug, Clone, Args)]
pub struct LimitConfig {
    /// Requests a minute that one address may make to each endpoint; 0 for no limit
    #[arg(long, env = "EARMARK_LIMIT_PER_MINUTE", default_value_t = 1200, value_name = "N")]
    pub limit_per_minute: u32,
    /// Requests a minute to each endpoint from all addresses together; 0 for no limit
    #[arg(long, env = "EARMARK_LIMIT_PER_MINUTE_OVERALL", default_value_t = 0, value_name = "N")]
    pub limit_per_minute_overall: u32,
    /// Header in which a proxy in front of the server names the client, e.g. X-Forwarded-For
    #[arg(long, env = "EARMARK_CLIENT_ADDRESS_HEADER", value_name = "NAME")]
    pub client_address_header: Option<String>,
}
