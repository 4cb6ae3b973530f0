//! The address at which people find the site.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::str::FromStr;

use app::base::Base;
use axum::http::{HeaderMap, header};
use reqwest::Url;

use super::base;

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
        self.0.as_ref().map(|url| url.base.clone()).unwrap_or_default()
    }

    /// Whether a request came by an address that is HTTPS, which a proxy need not say then.
    pub(super) fn is_https(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        self.0.as_ref().is_some_and(|url| url.is_https && host == Some(url.host.as_str()))
    }
}

/// An address such as `https://home.example/earmark`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteUrl {
    /// The host, with a port that is not the usual one.
    host: String,
    is_https: bool,
    base: Base,
}

impl SiteUrl {
    /// The name of the host.
    pub fn name(&self) -> &str {
        self.host.rsplit_once(':').map_or(&self.host, |(name, _)| name)
    }

    /// The address of a page.
    pub fn page(&self, path: &str) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", self.host, self.base.0)
    }
}

impl FromStr for SiteUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("“{text}” is not the address of a site, such as https://home.example/earmark")
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let is_plain =
            url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
        let base = base::parse(url.path()).filter(|_| is_plain).ok_or_else(wrong)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self { host, is_https, base })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_site() {
        let url: SiteUrl = "https://Home.example:8443/earmark/".parse().unwrap();
        assert_eq!((url.name(), url.is_https), ("home.example", true));
        assert_eq!(url.page("/setup"), "https://home.example:8443/earmark/setup");
        let url: SiteUrl = "http://home.example".parse().unwrap();
        assert_eq!(url.page("/"), "http://home.example/");
        for text in
            ["home.example", "ftp://home.example/", "https://a@home.example", "https://h/?q"]
        {
            assert!(text.parse::<SiteUrl>().is_err(), "{text}");
        }
    }
}
