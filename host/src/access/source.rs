//! The source of a request: the address that is throttled, never who asks.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{Extensions, HeaderMap};

use crate::config::Network;

/// The header in which proxies say for whom they ask.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The source of a request: the address that it comes from, kept in the request's extensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Source(pub IpAddr);

impl Source {
    /// The source of a request that `peer` sent, who may be a proxy that says for whom. Nobody else is believed: a
    /// header can hold anything.
    pub fn of(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> Self {
        let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
        let mut source = peer.to_canonical();
        if !is_proxy(source) {
            return Self(source);
        }
        let said = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = said.flat_map(|line| line.split(',')).collect();
        // Each proxy puts whom it heard from at the end.
        for hop in said.iter().rev() {
            let Some(address) = address(hop.trim()) else { break };
            source = address;
            if !is_proxy(address) {
                break;
            }
        }
        Self(source)
    }

    /// The source of all requests of which nothing is known: they count as one.
    pub fn unknown() -> Self {
        Self(IpAddr::from([0, 0, 0, 0]))
    }

    /// The source that a request's extensions hold.
    pub fn in_extensions(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or_else(Self::unknown)
    }

    /// Whether it is this machine itself, or nothing is known of it.
    pub fn is_this_machine(self) -> bool {
        self.0.is_loopback() || self == Self::unknown()
    }

    /// The network of the source, which is throttled as one.
    pub fn network(self) -> IpAddr {
        network(self.0)
    }
}

/// An address as proxies write it: bare, in brackets, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The network of an address that one customer of a provider has: an address of IPv4, the first 64 bits of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_of_the_settings_say_for_whom_they_ask() {
        let proxies: Vec<Network> = ["127.0.0.1", "10.1.0.0/16", "::1"].map(|text| text.parse().unwrap()).to_vec();
        let check = |peer: &str, said: &[&str], expected: &str| {
            let mut headers = HeaderMap::new();
            for line in said {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let source = Source::of(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(source.0.to_string(), expected, "{peer} says {said:?}");
        };
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("::ffff:127.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &["198.51.100.1", "203.0.113.9, 10.1.2.3"], "203.0.113.9");
        check("10.2.0.1", &["203.0.113.9"], "10.2.0.1");
        check("::1", &["203.0.113.9:51234"], "203.0.113.9");
        check("::1", &["[2001:db8::5]:51234"], "2001:db8::5");
        check("::1", &["2001:db8::5"], "2001:db8::5");
        check("::1", &["203.0.113.9, unknown"], "::1");
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let check = |text: &str, expected: &str| {
            assert_eq!(network(text.parse().unwrap()).to_string(), expected, "{text}");
        };
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("203.0.113.9", "203.0.113.9");
        check("::ffff:203.0.113.9", "203.0.113.9");
    }
}
