//! Addresses at which no speech service is, and at which a request of the server could do harm.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Where clouds tell their machines who they are, with keys, outside the link-local networks: Alibaba, Azure,
/// Oracle.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// Names of the same.
const METADATA_NAMES: [&str; 3] = ["metadata", "metadata.google.internal", "instance-data"];

/// Whether no request may go there: to nobody in particular, to many at once, to the local link, or to where a
/// cloud keeps its machines' secrets. This machine and the local network are where speech servers of one's own
/// are, so they are not forbidden.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || METADATA_V4.contains(&address)
        }
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || is_metadata(address)
                || embedded(address).is_some_and(|address| is_forbidden(address.into()))
        }
    }
}

/// Amazon's addresses for what a machine of theirs may know of itself: fd00:ec2::/32.
fn is_metadata(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0xfd00, 0x0ec2, ..])
}

/// The IPv4 address in one of IPv6 that is translated on its way: compatible (RFC 4291), NAT64 (RFC 6052), 6to4
/// (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(last(high, low))
        }
        [0x2002, high, low, ..] => Some(last(high, low)),
        _ => None,
    }
}

/// Whether a host of an address, a name or an address itself, cannot be a service's.
pub(super) fn is_forbidden_host(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    match host.parse() {
        Ok(address) => is_forbidden(address),
        Err(_) => METADATA_NAMES.contains(&&*host),
    }
}

/// Looks names up, and leaves out the addresses to which nothing may go: a name can point anywhere, and at
/// another time elsewhere.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| !is_forbidden(address.ip())).collect();
            if allowed.is_empty() {
                let reason = "no speech service can be at its address";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_clouds_are_found_behind_no_spelling() {
        for host in [
            "169.254.169.254",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "[::]",
            "[::ffff:0.0.0.0]",
            "255.255.255.255",
            "224.0.0.1",
            "[ff02::1]",
            "metadata.google.internal",
            "METADATA.google.internal.",
        ] {
            assert!(is_forbidden_host(host), "{host}");
        }
    }

    #[test]
    fn services_of_ones_own_are_reached() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "192.168.1.5",
            "10.0.0.1",
            "[fd12:3456::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "kokoro",
            "api.openai.com",
            "8.8.8.8",
            "[2606:4700::1111]",
        ] {
            assert!(!is_forbidden_host(host), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_points_to_nobody_is_not_followed() {
        // What a name stands for is decided by the system; an address is looked up as itself.
        let looked_up = |name: &str| Resolver.resolve(name.parse().unwrap());
        assert!(looked_up("0.0.0.0").await.is_err());
        assert!(looked_up("localhost").await.unwrap().next().is_some());
    }
}
