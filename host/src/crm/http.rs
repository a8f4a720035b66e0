//! The HTTP client for a CRM's site: encrypted, without redirects, and only to hosts out in the world.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use crate::crm::install_tls;

/// A client for one site. `is_stand_in` means plain HTTP to this machine, which the settings have checked; every other
/// site is reached over HTTPS and at public addresses only.
pub fn client(is_stand_in: bool) -> ClientBuilder {
    install_tls();
    let client = reqwest::Client::builder()
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .pool_idle_timeout(Duration::from_secs(20));
    if is_stand_in {
        // A loopback site: no proxy may come between, and no certificate is ever looked at.
        client.no_proxy().tls_certs_only([])
    } else {
        client.https_only(true).dns_resolver(Arc::new(PublicAddresses))
    }
}

/// Resolves names and keeps the public addresses: a name that somebody typed must not lead to a machine beside this
/// one, whatever its owner makes it resolve to, now or at the next call.
struct PublicAddresses;

#[derive(Debug, thiserror::Error)]
#[error("`{0}` leads to no public address; a connection's site has to be out in the world")]
struct NotPublic(String);

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic(name.as_str().to_owned()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is out in the world: none of the ranges set aside for machines, networks and tests (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (18..20).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_relay = a == 192 && b == 88 && c == 99;
    !(a == 0
        || a >= 224
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || is_shared
        || is_benchmark
        || is_protocol
        || is_relay)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    // Addresses that carry an IPv4 one: mapped and NAT64 ones are judged by it.
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [a, b, c, d] = [parts[6] >> 8, parts[6] & 0xff, parts[7] >> 8, parts[7] & 0xff].map(|part| part as u8);
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Of the rest only global unicast (2000::/3), without documentation, Teredo, ORCHID and 6to4.
    let is_set_aside = parts[0] == 0x2001 && (parts[1] < 0x200 || parts[1] == 0xdb8)
        || parts[0] == 0x2002
        || parts[0] == 0x3fff && parts[1] < 0x1000;
    parts[0] & 0xe000 == 0x2000 && !is_set_aside
}

/// An error with what caused it, each cause once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |said, cause| {
        let cause = cause.to_string();
        if said.ends_with(&cause) { said } else { format!("{said}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        let check = |address: &str, expected| assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        for address in ["1.1.1.1", "203.0.112.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "2400:cb00::1"] {
            check(address, true);
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::1",
            "3fff::1",
            "100::1",
        ] {
            check(address, false);
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_called() {
        let error = client(false).build().unwrap().get("https://localhost:1/").send().await.unwrap_err();
        let words = chain(&error);
        assert!(words.contains("no public address"), "{words}");
        let plain = client(false).build().unwrap().get("http://acme.xplan.iress.com.au/").send().await.unwrap_err();
        assert!(plain.is_builder(), "{plain:?}");
    }
}
