//! The way to the outside: directly, or by a proxy of the company's.

use std::net::IpAddr;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

/// The name of a proxy that is an address, towards the resolver, which would not be asked for an address.
const ALIAS: &str = "proxy.invalid";

/// A proxy that tunnels to sites (`CONNECT`). Stand-in sites on this machine are reached without it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `http://user:password@proxy.acme.example:3128`. In place of an address stands a name: see [`Proxy::called`].
    pub url: SecretString,
    /// The name that the resolver is asked for in order to reach it.
    pub called: String,
    /// The proxy's name or address.
    pub host: String,
    /// Hosts that are reached without it, separated by commas: `.acme.example, intranet.example`.
    pub except: String,
}

impl Proxy {
    /// The proxy of an address, and the hosts that are reached without it; one without a scheme speaks HTTP.
    ///
    /// # Errors
    /// Returns the reason in words that do not repeat the address, which may hold a password.
    pub fn parse(text: &str, except: &str) -> Result<Self, &'static str> {
        const FORM: &str = "is no proxy's address such as http://proxy.acme.example:3128";
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&with_scheme).map_err(|_| FORM)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("is a proxy of another kind than http:// and https://, which alone are spoken");
        }
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| is_bare && !host.is_empty()).ok_or(FORM)?.to_owned();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut called = host.clone();
        if host.parse::<IpAddr>().is_ok() {
            if url.scheme() == "https" {
                return Err("is a proxy with a certificate; write its name in place of its address");
            }
            ALIAS.clone_into(&mut called);
            url.set_host(Some(ALIAS)).map_err(|_| FORM)?;
        }
        // `*.acme.example` is written as often as `.acme.example`, and means the same.
        let except: Vec<&str> = except
            .split(',')
            .map(|host| host.trim())
            .map(|host| host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host))
            .collect();
        Ok(Self { url: String::from(url).into(), called, host, except: except.join(",") })
    }

    /// Whether its address holds a user or a password.
    pub fn has_credentials(&self) -> bool {
        Url::parse(self.url.expose_secret()).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies() {
        let good = |text: &str, url: &str, host: &str| {
            let proxy = Proxy::parse(text, "").unwrap();
            assert_eq!((proxy.url.expose_secret(), proxy.host.as_str()), (url, host), "{text}");
        };
        good("http://proxy.acme.example:3128", "http://proxy.acme.example:3128/", "proxy.acme.example");
        good("Proxy.acme.example:3128", "http://proxy.acme.example:3128/", "proxy.acme.example");
        good("https://proxy.acme.example", "https://proxy.acme.example/", "proxy.acme.example");
        good("http://pat:secret@10.0.0.5:3128/", "http://pat:secret@proxy.invalid:3128/", "10.0.0.5");
        good("http://[fd12::1]:3128", "http://proxy.invalid:3128/", "fd12::1");
        for bad in ["", "http://", "socks5://proxy:1080", "http://proxy/path", "http://proxy?x", "https://10.0.0.5"] {
            let message = Proxy::parse(bad, "").expect_err(bad);
            assert!(message.starts_with("is "), "{message}");
        }
        assert!(Proxy::parse("http://pat:secret@proxy", "").unwrap().has_credentials());
        assert!(!Proxy::parse("http://proxy", "").unwrap().has_credentials());
        assert_eq!(Proxy::parse("proxy", "*.a.example, b.example,*").unwrap().except, ".a.example,b.example,*");
    }
}
