//! How much one client, and all together, may have; and who a client is.

use std::net::IpAddr;

use axum::http::HeaderName;
use clap::Args;
use ipnet::IpNet;

/// Settings of limits.
#[derive(Debug, Clone, Args)]
pub struct LimitConfig {
    /// Requests a minute that one address may make to each endpoint; 0 for no limit
    #[arg(long, env = "EARMARK_LIMIT_PER_MINUTE", default_value_t = 1200, value_name = "N")]
    pub limit_per_minute: u32,
    /// Requests a minute to each endpoint from all addresses together; 0 for no limit
    #[arg(long, env = "EARMARK_LIMIT_PER_MINUTE_OVERALL", default_value_t = 0, value_name = "N")]
    pub limit_per_minute_overall: u32,
    /// Connections at once, of all addresses together
    #[arg(long, env = "EARMARK_CONNECTIONS", default_value_t = 16_384, value_name = "N")]
    pub connections: u32,
    /// Connections at once that one address may have; this machine and trusted proxies may have all
    #[arg(long, env = "EARMARK_CONNECTIONS_PER_ADDRESS", default_value_t = 256, value_name = "N")]
    pub connections_per_address: u32,
    /// Streams, timelines and other events that go on at once that one address may have; this machine may have any number
    #[arg(long, env = "EARMARK_STREAMS_PER_ADDRESS", default_value_t = 64, value_name = "N")]
    pub streams_per_address: u32,
    /// Proxies in front of the server, as addresses or networks: they are believed when they name the client
    #[arg(
        long,
        env = "EARMARK_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_parser = network,
        value_name = "NETWORK"
    )]
    pub trusted_proxies: Vec<IpNet>,
    /// Header in which trusted proxies name the client [default: X-Forwarded-For]
    #[arg(
        long,
        env = "EARMARK_CLIENT_ADDRESS_HEADER",
        value_name = "NAME",
        requires = "trusted_proxies"
    )]
    pub client_address_header: Option<HeaderName>,
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| {
        "this is neither an address nor a network, such as 127.0.0.1 or 10.0.0.0/8".to_owned()
    })
}
