//! Who asks: the address of a client, also behind proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::config::LimitConfig;

/// Proxies that stand in front of the server, and the header in which they name the client.
#[derive(Debug, Clone)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: HeaderName,
}

impl Proxies {
    /// As the settings name them.
    pub fn new(config: &LimitConfig) -> Self {
        let header = config.client_address_header.clone();
        Self {
            trusted: config.trusted_proxies.clone(),
            header: header.unwrap_or(HeaderName::from_static("x-forwarded-for")),
        }
    }

    /// Whether there are any.
    pub fn are_there(&self) -> bool {
        !self.trusted.is_empty()
    }

    /// Whether what this address says of others is believed.
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The client of a request: who is connected, or, when that is a trusted proxy, the last address in the
    /// header that is none. What stands before it anybody may have written.
    pub fn client(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let mut known = peer;
        if self.trusted.is_empty() || !self.is_trusted(peer) {
            return client(known);
        }
        for value in headers.get_all(&self.header).iter().rev() {
            for entry in value.to_str().unwrap_or_default().rsplit(',') {
                let Some(address) = read_address(entry.trim()) else { return client(known) };
                known = address;
                if !self.is_trusted(address) {
                    return client(known);
                }
            }
        }
        client(known)
    }
}

/// An address as proxies write it: alone, or with a port, IPv6 then in brackets.
fn read_address(entry: &str) -> Option<IpAddr> {
    let alone = entry.trim_matches(['[', ']']).parse().ok();
    alone.or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

/// Who an address belongs to: an IPv6 client has the 64 bits of a whole subnet (RFC 6177), and an IPv4
/// client may come by a mapped address.
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let subnet = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(subnet))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies(trusted: &[&str]) -> Proxies {
        Proxies {
            trusted: trusted.iter().map(|network| network.parse().unwrap()).collect(),
            header: HeaderName::from_static("x-forwarded-for"),
        }
    }

    #[test]
    fn a_client_is_the_last_address_that_no_proxy_has() {
        let proxies = proxies(&["127.0.0.0/8", "10.0.0.0/8"]);
        let who = |peer: &str, told: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in told {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            proxies.client(&headers, address(peer)).to_string()
        };
        assert_eq!(who("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(who("127.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.1"]), "192.0.2.1");
        assert_eq!(who("127.0.0.1", &["6.6.6.6, 192.0.2.1", "10.0.0.1"]), "192.0.2.1");
        assert_eq!(who("::ffff:127.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1");
        assert_eq!(who("127.0.0.1", &["[2001:db8::1]:80"]), "2001:db8::");
        // Who is no proxy may write what they like.
        assert_eq!(who("192.0.2.9", &["192.0.2.1"]), "192.0.2.9");
        // What cannot be read is not passed over to what stands before it.
        assert_eq!(who("127.0.0.1", &["192.0.2.1, nobody"]), "127.0.0.1");
    }

    #[test]
    fn without_a_trusted_proxy_the_header_says_nothing() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "192.0.2.1".parse().unwrap());
        assert_eq!(proxies(&[]).client(&headers, address("127.0.0.1")), address("127.0.0.1"));
    }

    #[test]
    fn a_client_is_its_subnet() {
        let who = |peer: &str| client(address(peer)).to_string();
        assert_eq!(who("2001:db8:1:2::3"), "2001:db8:1:2::");
        assert_eq!(who("2001:db8:1:2:ffff::9"), who("2001:db8:1:2::3"));
        assert_ne!(who("2001:db8:1:3::3"), who("2001:db8:1:2::3"));
        assert_eq!(who("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
