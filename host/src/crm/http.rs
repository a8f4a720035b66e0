//! The HTTP client for a CRM's site: encrypted, without redirects, and only to hosts out in the world.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, NoProxy};
use secrecy::ExposeSecret as _;

use crate::crm::install_tls;
use crate::crm::proxy::Proxy;
use crate::crm::spec::SiteAccess;

/// A client for one host of a connection, and no other: plain HTTP for a stand-in site on this machine, which the settings
/// have checked; every other one is reached over HTTPS and at public addresses only.
///
/// # Errors
/// Returns an error if the proxy's address is none.
pub fn client(access: &SiteAccess, host: &str) -> reqwest::Result<ClientBuilder> {
    match access.spec.insecure_http {
        // No proxy comes between, and no certificate is ever looked at.
        true => Ok(plain().tls_certs_only([])),
        false => public_client(host, access.proxy.as_ref()),
    }
}

fn public_client(host: &str, proxy: Option<&Proxy>) -> reqwest::Result<ClientBuilder> {
    let client = plain().https_only(true);
    let addresses =
        PublicAddresses { site: host.to_owned(), proxy: proxy.map(|proxy| (proxy.called.clone(), proxy.host.clone())) };
    let client = client.dns_resolver(Arc::new(addresses));
    let Some(proxy) = proxy else { return Ok(client) };
    let by = reqwest::Proxy::https(proxy.url.expose_secret())?.no_proxy(NoProxy::from_string(&proxy.except));
    Ok(client.proxy(by))
}

/// A client for a host that the operator names, at whatever address: over HTTPS and by the company's proxy, or, `insecure`,
/// over plain HTTP, to this machine alone, which the caller has checked.
///
/// # Errors
/// Returns an error if the proxy's address is none.
pub fn operators_client(proxy: Option<&Proxy>, insecure: bool) -> reqwest::Result<ClientBuilder> {
    if insecure {
        return Ok(plain().tls_certs_only([]));
    }
    let client = plain().https_only(true);
    let Some(proxy) = proxy else { return Ok(client) };
    let addresses = AnyAddresses { proxy: (proxy.called.clone(), proxy.host.clone()) };
    let by = reqwest::Proxy::https(proxy.url.expose_secret())?.no_proxy(NoProxy::from_string(&proxy.except));
    Ok(client.dns_resolver(Arc::new(addresses)).proxy(by))
}

/// Resolves the name by which a proxy is asked for that is an address, and every other name as it is.
struct AnyAddresses {
    proxy: (String, String),
}

impl Resolve for AnyAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let (called, host) = &self.proxy;
        let wanted = if called == name.as_str() { host.clone() } else { name.as_str().to_owned() };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((wanted.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A builder without redirects, which would lead elsewhere with what a call holds, and without what the environment
/// says of proxies: that is read with the settings.
fn plain() -> ClientBuilder {
    install_tls();
    reqwest::Client::builder()
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .pool_idle_timeout(Duration::from_secs(20))
        .no_proxy()
}

/// Resolves names and keeps the public addresses: a name that somebody typed must not lead to a machine beside this
/// one, whatever its owner makes it resolve to, now or at the next call.
///
/// A proxy that is asked for the site changes nothing of this: the site is judged all the same, and the proxy is where
/// the company has it. A company whose machines resolve no names of the outside leaves that to its proxy, and so does
/// this.
struct PublicAddresses {
    site: String,
    /// The name that the proxy is asked for by, and its name or address.
    proxy: Option<(String, String)>,
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` leads to no public address; a connection's site has to be out in the world")]
struct NotPublic(String);

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let site = self.site.clone();
        let proxy = self.proxy.as_ref().filter(|(called, _)| called == name.as_str()).map(|(_, host)| host.clone());
        Box::pin(async move {
            let Some(proxy) = proxy else { return Ok(Box::new(public(name.as_str()).await??.into_iter()) as Addrs) };
            if let Ok(judged) = public(&site).await {
                judged?;
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((proxy.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The public addresses of a name that can be resolved.
async fn public(name: &str) -> std::io::Result<Result<Vec<SocketAddr>, NotPublic>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
    Ok(if public.is_empty() { Err(NotPublic(name.to_owned())) } else { Ok(public) })
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
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |said, cause| {
        let cause = cause.to_string();
        if said.ends_with(&cause) { said } else { format!("{said}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

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
        let client = public_client("localhost", None).unwrap().build().unwrap();
        let error = client.get("https://localhost:1/").send().await.unwrap_err();
        let message = chain(&error);
        assert!(message.contains("no public address"), "{message}");
        let plain = client.get("http://acme.xplan.iress.com.au/").send().await.unwrap_err();
        assert!(plain.is_builder(), "{plain:?}");
    }

    /// A proxy on this machine that lets nobody through; answers what it is asked for.
    async fn proxy() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, asked) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                told.send(line.trim().to_owned()).unwrap();
                let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        (address, asked)
    }

    #[tokio::test]
    async fn by_a_proxy_the_site_is_judged_and_not_the_proxy() {
        let (address, mut asked) = proxy().await;
        let get = async |site: &str, proxy: &str, except: &str| {
            let proxy = Proxy::parse(proxy, except).unwrap();
            let client = public_client(site, Some(&proxy)).unwrap().build().unwrap();
            chain(&client.get(format!("https://{site}:1/")).send().await.unwrap_err())
        };
        // By its address and by a name; whether the site's name can be resolved here does not matter.
        for proxy in [format!("http://{address}"), format!("localhost:{}", address.port())] {
            get("acme.xplan.iress.com.au", &proxy, "").await;
            assert_eq!(asked.recv().await.unwrap(), "CONNECT acme.xplan.iress.com.au:1 HTTP/1.1");
            get("nobody.invalid", &proxy, "elsewhere.invalid").await;
            assert_eq!(asked.recv().await.unwrap(), "CONNECT nobody.invalid:1 HTTP/1.1");
            // A site beside this machine is not asked for, by whatever way.
            let message = get("localhost", &proxy, "").await;
            assert!(message.contains("`localhost` leads to no public address"), "{message}");
            let message = get("localhost", &proxy, "localhost").await;
            assert!(message.contains("`localhost` leads to no public address"), "{message}");
            get("nobody.invalid", &proxy, ".invalid").await;
        }
        assert!(asked.try_recv().is_err(), "nothing else went by it");
    }
}
