//! Rules for the hosts that a connection may lead to.
//!
//! A forward host is typed by a person and then called with secrets, from inside the practice's network. So it is a
//! bare host name under a suffix that the vendor or the operator stands for; never an address in any spelling, which
//! could be a machine beside this one. What the name resolves to is looked at again when it is called (`crm`).

use std::net::Ipv6Addr;

/// The rule for hosts of a CRM's sites.
#[derive(Debug)]
pub struct SiteRule {
    /// One of them, for whoever is asked for one.
    pub example: &'static str,
    /// The ends of their names, each with its dot; none where practices have sites under names of their own.
    pub suffixes: &'static [&'static str],
}

/// The hosts that the operator allows.
#[derive(Clone, Debug, Default)]
pub struct HostRules {
    /// The suffixes allowed beside those of CRMs' vendors, each with its dot: `.advice.example`.
    pub suffixes: Vec<String>,
    /// Whether connections made on the page may lead to stand-in sites on this machine.
    pub stand_ins: bool,
}

impl HostRules {
    /// The host in lower case, or why it is not called.
    ///
    /// # Errors
    /// Returns a sentence that says what would be right.
    pub fn check(&self, site: &SiteRule, host: &str) -> Result<String, String> {
        let host = Self::check_name(site, host)?;
        let mut suffixes = site.suffixes.iter().copied().chain(self.suffixes.iter().map(String::as_str));
        if suffixes.any(|suffix| host.ends_with(suffix) && host.len() > suffix.len()) {
            return Ok(host);
        }
        Err(format!(
            "`{host}` is not among the vendor's sites ({}); whoever runs this host can allow another by \
             forward-host-suffixes in the section [crm] of the settings",
            site.suffixes.iter().map(|suffix| format!("*{suffix}")).collect::<Vec<_>>().join(", ")
        ))
    }

    /// A bare host name in lower case, under whatever suffix.
    ///
    /// # Errors
    /// Fails as [`HostRules::check`] does.
    pub fn check_name(site: &SiteRule, host: &str) -> Result<String, String> {
        let host = host.trim().to_ascii_lowercase();
        if is_host_name(&host) && !ends_in_a_number(&host) {
            return Ok(host);
        }
        Err(format!(
            "`{host}` is no bare host name such as {}: leave out https://, www., port, path and user, and use the site's \
             name in place of an address",
            site.example
        ))
    }

    /// A stand-in site: a loopback host with or without a port, over plain HTTP.
    ///
    /// # Errors
    /// Fails as [`HostRules::check`] does.
    pub fn check_stand_in(host: &str) -> Result<String, String> {
        let host = host.trim().to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => port.parse::<u16>().ok().map(|_| name),
            _ => Some(host.as_str()),
        };
        let is_loopback = |name: &str| {
            let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
            matches!(name, "localhost" | "127.0.0.1")
                || inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()))
        };
        if name.is_some_and(is_loopback) {
            return Ok(host);
        }
        Err(format!("is honoured for loopback hosts only, and `{host}` is none; remove insecure-http"))
    }
}

/// Whether a text is a host name: at least two labels of letters, digits and hyphens.
pub fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.contains('.') && text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether a host is read as an IPv4 address by those who follow the URL standard: its last label is a number, decimal,
/// octal or hexadecimal.
fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x");
    last.bytes().all(|b| b.is_ascii_digit()) || hex.is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::xplan::KIND;

    #[test]
    fn only_bare_names_under_a_known_suffix() {
        let rules = HostRules { suffixes: vec![".advice.example".to_owned()], stand_ins: false };
        let good = |host: &str, expected: &str| assert_eq!(rules.check(&KIND.site, host).as_deref(), Ok(expected));
        good("acme.xplan.iress.com.au", "acme.xplan.iress.com.au");
        good(" Acme.XPLAN.iress.co.uk ", "acme.xplan.iress.co.uk");
        good("a.b.xplan.iress.co.za", "a.b.xplan.iress.co.za");
        good("crm.advice.example", "crm.advice.example");
        for bad in [
            "",
            "acme",
            "https://acme.xplan.iress.com.au",
            "acme.xplan.iress.com.au/path",
            "acme.xplan.iress.com.au:443",
            "user@acme.xplan.iress.com.au",
            "acme.xplan.iress.com.au.",
            "acme..xplan.iress.com.au",
            "acme.xplan.iress.com.au#",
            "acme.xplan.iress.com.au?",
            "acme.xplan.iress.com.au\\@evil.example",
            "-a.xplan.iress.com.au",
            ".xplan.iress.com.au",
            "xplan.iress.com.au",
            "acmexplan.iress.com.au",
            "acme.xplan.iress.com.au.evil.example",
            "evil.example",
            "advice.example",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.0.0x1",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
            "1.2.3.4.",
            "１２７.0.0.1",
            "localhost",
        ] {
            let message = rules.check(&KIND.site, bad).expect_err(bad);
            assert!(message.contains("bare host name") || message.contains("vendor's sites"), "{bad}: {message}");
        }
        // Even under a suffix that the operator was careless with.
        let careless = HostRules { suffixes: vec![".1".to_owned(), ".0x1".to_owned()], stand_ins: false };
        for bad in ["127.0.0.1", "127.0.0.0x1"] {
            assert!(careless.check(&KIND.site, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn stand_ins_are_on_this_machine() {
        for good in ["127.0.0.1:8099", "localhost", "[::1]:80", "[::1]", "localhost:1"] {
            assert_eq!(HostRules::check_stand_in(good).as_deref(), Ok(good));
        }
        for bad in
            ["127.0.0.1:80/x", "127.0.0.2:80", "evil.example:80", "[::2]", "localhost:99999", "a@localhost", "::1"]
        {
            assert!(HostRules::check_stand_in(bad).is_err(), "{bad}");
        }
    }
}
