//! The address at which people find the site.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use app::base::Base;
use axum::http::{HeaderMap, header};

use crate::config::SiteUrl;

/// Where people find the site; nothing where they call the server itself.
#[derive(Debug, Clone, Default)]
pub struct Site(Option<SiteUrl>);

impl Site {
    /// As the settings have it.
    pub fn new(url: Option<SiteUrl>) -> Self {
        Self(url)
    }

    /// The path below which a proxy shows it.
    pub(super) fn base(&self) -> Base {
        self.0.as_ref().map(|url| url.base().clone()).unwrap_or_default()
    }

    /// The address of a page for others: as the settings have it, or as the request came.
    pub(super) fn page(
        &self,
        headers: &HeaderMap,
        is_https: bool,
        base: &Base,
        path: &str,
    ) -> String {
        if let Some(url) = &self.0 {
            return url.page(path);
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let scheme = if is_https { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", host.unwrap_or("localhost"), base.0)
    }

    /// Whether a request came by an address that is HTTPS, which a proxy need not say then.
    pub(super) fn is_https(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        self.0.as_ref().is_some_and(|url| url.is_https() && host == Some(url.host()))
    }
}

/// Where other devices find a server that listens there.
pub fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { own_address() } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// The address at which other devices reach this machine: the one that a packet to another network would come
/// from. Nothing is sent.
fn own_address() -> IpAddr {
    let found = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        // An address of a network that is for documentation alone (RFC 5737).
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    found.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}
