//! Email addresses: which of them are taken, and which two are one.

use std::fmt;
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

use super::InvalidValue;
use crate::text;

/// An email address in the form that people use: RFC 5322's `dot-atom@domain`, at most 254 bytes, no quotes, commas or white
/// space; letters beyond ASCII as RFC 6531 allows; a domain that the network can know. What an earlier version kept is read as it
/// is, whatever its domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// The most bytes before the `@` (RFC 5321).
const LONGEST_LOCAL_PART: usize = 64;
/// The most bytes of a domain as the network knows it, and of each part between its dots (RFC 1035).
const LONGEST_DOMAIN: usize = 253;
const LONGEST_LABEL: usize = 63;

impl EmailAddress {
    /// The most bytes that one has (RFC 5321).
    pub const LONGEST: usize = 254;

    /// The value as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address as an earlier version kept it, whatever its domain.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// The address that somebody typed to be known by: as it stands, or else by its letters; none where it is neither. Its domain
    /// may be one that the network cannot know: an earlier version kept such ones, and whoever has one still signs in by it.
    pub fn typed(text: &str) -> Option<Self> {
        let text = text.trim();
        let of_before = |text: String| Self::of_before(text).ok();
        of_before(text.to_owned()).or_else(|| of_before(text::by_its_letters(text)))
    }

    /// An address by the rules of earlier versions, which looked at letters and at its length alone.
    pub(crate) fn of_before(text: String) -> Result<Self, InvalidValue> {
        match misspelt(&text) {
            None => Ok(Self(text)),
            Some(wanted) => Err(InvalidValue { text, wanted: wanted.into() }),
        }
    }

    /// The text by which two addresses are held to be one: in lower case, however its letters were typed, with the domain as the
    /// network knows it (`bücher.example` is `xn--bcher-kva.example`).
    pub fn folded(text: &str) -> String {
        let text = text::by_its_letters(text.trim());
        let of_network = |(local, domain): (&str, &str)| {
            Some(format!("{}@{}", local.to_lowercase(), idna::domain_to_ascii(domain).ok()?))
        };
        text.rsplit_once('@').and_then(of_network).unwrap_or_else(|| text.to_lowercase())
    }

    /// The domain of such a text; empty where there is none.
    pub fn folded_domain(text: &str) -> String {
        Self::folded(text).rsplit_once('@').map(|(_, domain)| domain.to_owned()).unwrap_or_default()
    }
}

/// The description of what a text is to be that is not spelt as an email address.
const SPELLING: &str = "an email address such as pat.lee@example.com";

/// What a text would have to be that is not spelt as an email address; none where it is.
fn misspelt(text: &str) -> Option<&'static str> {
    let Some((local, domain)) = text.rsplit_once('@') else { return Some(SPELLING) };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-')
    };
    let is_spelt = text.chars().all(text::is_visible)
        && local.split('.').all(is_atom)
        && domain.contains('.')
        && domain.split('.').all(is_label);
    if !is_spelt {
        Some(SPELLING)
    } else if local.len() > LONGEST_LOCAL_PART {
        Some("an email address with at most 64 bytes before the @")
    } else if text.len() > EmailAddress::LONGEST {
        Some("an email address of at most 254 bytes")
    } else {
        None
    }
}

/// What a domain would have to be that the network cannot know; none where it can.
fn unknowable(domain: &str) -> Option<&'static str> {
    let (ascii, hyphens) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let Ok(domain) = Uts46::new().to_ascii(domain.as_bytes(), ascii, hyphens, DnsLength::Ignore) else {
        return Some(
            "an email address whose domain can be one: the letters of a part of it, or its xn-- form, are not allowed",
        );
    };
    if domain.split('.').any(|label| label.len() > LONGEST_LABEL) {
        Some("an email address with at most 63 bytes between the dots of its domain")
    } else if domain.len() > LONGEST_DOMAIN {
        Some("an email address whose domain has at most 253 bytes")
    } else {
        None
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let address = Self::of_before(text)?;
        match address.0.rsplit_once('@').and_then(|(_, domain)| unknowable(domain)) {
            None => Ok(address),
            Some(wanted) => Err(InvalidValue { text: address.0, wanted: wanted.into() }),
        }
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<EmailAddress> for String {
    fn from(value: EmailAddress) -> Self {
        value.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Option<String> {
        text.parse::<EmailAddress>().err().map(|invalid| invalid.wanted.into_owned())
    }

    #[test]
    fn email_addresses() {
        let check = |text: &str, expected: bool| assert_eq!(wanted(text).is_none(), expected, "{text}");
        check("pat.lee@example.com", true);
        check("o'neil+x@mail.example.org", true);
        check("Māia@example.com", true);
        check("pat@müller-lee.example", true);
        check("pat@xn--mller-lee-75a.example", true);
        check("pat@r3---sn.example", true);
        for none in [
            "pat@a_b.example",
            "pat lee@example.com",
            "pat@example",
            "pat..lee@example.com",
            "@example.com",
            "pat@-example.com",
            "pat@a@example.com",
            "pat\u{feff}@example.com",
            "pat\u{202e}@example.com",
            "pat@exam\u{200b}ple.com",
        ] {
            assert_eq!(wanted(none).as_deref(), Some(SPELLING), "{none}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_standards() {
        let check = |local: usize, labels: &[usize], expected: Option<&str>| {
            let labels: Vec<String> = labels.iter().map(|length| "b".repeat(*length)).collect();
            let text = format!("{}@{}.example", "a".repeat(local), labels.join("."));
            let wanted = wanted(&text);
            let is_so = match expected {
                Some(expected) => wanted.as_ref().is_some_and(|wanted| wanted.contains(expected)),
                None => wanted.is_none(),
            };
            assert!(is_so, "{} bytes, {local} before the @: {wanted:?}", text.len());
        };
        check(64, &[4], None);
        check(65, &[4], Some("64 bytes before the @"));
        check(3, &[63, 63], None);
        check(3, &[64], Some("63 bytes between the dots"));
        // 254 bytes and 255.
        check(64, &[63, 63, 53], None);
        check(64, &[63, 63, 54], Some("254 bytes"));
    }

    #[test]
    fn a_domain_is_measured_as_the_network_knows_it() {
        let check = |domain: &str, expected: &str| {
            let wanted = wanted(&format!("pat@{domain}"));
            assert!(wanted.as_ref().is_some_and(|wanted| wanted.contains(expected)), "{domain}: {wanted:?}");
        };
        assert_eq!(wanted(&format!("pat@{}.example", "ü".repeat(20))), None);
        check(&format!("{}.example", "üöä".repeat(19)), "63 bytes between the dots");
        let long = ["ü"; 40].join(".");
        check(&format!("{long}.example"), "at most 253 bytes");
        for refused in ["xn--a.example", "xn--zzzzzz99999.example", "mail.XN--A.example"] {
            check(refused, "xn-- form");
        }
    }

    #[test]
    fn what_an_earlier_version_kept_is_read_and_signs_in() {
        for kept in ["pat@xn--a.example".to_owned(), format!("pat@{}.example", "b".repeat(64))] {
            assert!(kept.parse::<EmailAddress>().is_err());
            let read: EmailAddress = serde_json::from_value(kept.clone().into()).unwrap();
            assert_eq!(read, EmailAddress::kept(kept.clone()));
            let typed = EmailAddress::typed(&format!(" {kept} ")).unwrap();
            assert_eq!(EmailAddress::folded(typed.as_str()), EmailAddress::folded(read.as_str()));
        }
        assert_eq!(EmailAddress::typed("pat"), None);
    }

    #[test]
    fn one_address_is_one_however_it_is_written() {
        let same = |one: &str, other: &str| assert_eq!(EmailAddress::folded(one), EmailAddress::folded(other));
        same("Pat.Lee@Bücher.example", "pat.lee@xn--bcher-kva.EXAMPLE");
        same("pat@bu\u{308}cher.example", " pat@bücher.example ");
        same("PAT@example.com", "pat@example.com");
        same("pat@ｅxample.com", "pat@example.com");
        same("pat@ΝΙΚΟΣ.example", "pat@νικοσ.example");
        assert_ne!(EmailAddress::folded("bücher@example.com"), EmailAddress::folded("xn--bcher-kva@example.com"));
        assert_eq!(EmailAddress::folded("pat@xn--a"), "pat@xn--a", "what is no name of the network stays as it is");
        assert_eq!(EmailAddress::folded_domain("Pat@Bücher.example"), "xn--bcher-kva.example");
        assert_eq!(EmailAddress::folded_domain("pat"), "");
    }
}
