//! References to packs in registries, as people write them.

use std::fmt;
use std::str::FromStr;

use super::RegistryError;

/// What a reference begins with.
const SCHEME: &str = "oci://";

/// Where a pack is: `oci://host[:port]/repository[:tag][@sha256:…]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// The registry's host, in lower case, with its port.
    pub(super) host: String,
    /// The repository.
    pub(super) repository: String,
    /// The tag, which the registry may set to something else at any time.
    pub(super) tag: Option<String>,
    /// The digest of its manifest.
    pub(super) digest: Option<String>,
}

impl Reference {
    /// The same place by a digest alone.
    pub(super) fn pinned(&self, digest: String) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// Whether it names the digest, so that what it stands for never changes.
    pub fn is_pinned(&self) -> bool {
        self.digest.is_some()
    }

    /// What the registry is asked by: the digest, else the tag.
    pub(super) fn asked_by(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or_default()
    }
}

impl FromStr for Reference {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let wrong = |why: &'static str| RegistryError::NotAReference { text: text.to_owned(), why };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| wrong("it does not begin with oci://"))?;
        let (host, path) = rest.split_once('/').ok_or_else(|| wrong("it has no repository"))?;
        if host.contains('@') {
            return Err(wrong("users and passwords stand in the settings (packs.registries)"));
        }
        let (name, port) = host.split_once(':').filter(|_| !host.starts_with('[')).unwrap_or((host, "1"));
        let is_name = |name: &str| {
            let is_letter =
                |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':' | '[' | ']');
            !name.is_empty() && name.chars().all(is_letter)
        };
        if !is_name(name) || port.parse::<u16>().is_err() {
            return Err(wrong("it has no host before its first slash"));
        }
        let (path, digest) = path.split_once('@').map_or((path, None), |(path, digest)| (path, Some(digest)));
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (path, None),
        };
        if repository.len() > 255 || !repository.split('/').all(is_component) {
            return Err(wrong("a repository is of lower-case letters, digits and . _ - between slashes"));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("a tag is of letters, digits and . _ -, 128 at most"));
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(wrong("a digest is sha256: and 64 digits of 0 to 9 and a to f"));
        }
        if tag.is_none() && digest.is_none() {
            return Err(wrong("it has neither a digest nor a tag"));
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// Whether a text is a digest of SHA-256 as registries write it.
pub(super) fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_component(part: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
    is_end(part.bytes().next()) && is_end(part.bytes().last()) && part.bytes().all(is_inner) && !part.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=128).contains(&tag.len()) && tag.bytes().all(is_inner) && !tag.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_they_are_written() {
        let hex = "a".repeat(64);
        let pinned = format!("oci://registry.acme.example/team/acme-au@sha256:{hex}");
        let both = format!("oci://localhost:5000/acme-au:1.2@sha256:{hex}");
        for good in ["oci://registry.acme.example/team/acme-au:1.2", "oci://[::1]:5000/a:b", &pinned, &both] {
            let reference: Reference = good.parse().unwrap();
            assert_eq!(reference.to_string(), good);
            assert_eq!(reference.is_pinned(), good.contains('@'), "{good}");
        }
        let reference: Reference = both.parse().unwrap();
        assert_eq!((reference.host.as_str(), reference.repository.as_str()), ("localhost:5000", "acme-au"));
        assert_eq!(reference.asked_by(), format!("sha256:{hex}"), "the digest, where both are there");
        assert_eq!(
            "oci://Registry.ACME.example/a:B".parse::<Reference>().unwrap().to_string(),
            "oci://registry.acme.example/a:B"
        );
    }

    #[test]
    fn what_is_none_is_told_why() {
        let check = |text: &str, words: &str| {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        };
        check("registry.acme.example/acme-au:1", "begin with oci://");
        check("https://registry.acme.example/acme-au:1", "begin with oci://");
        check("oci://registry.acme.example", "no repository");
        check("oci:///acme-au:1", "no host");
        check("oci://a b/acme-au:1", "no host");
        check("oci://localhost:port/acme-au:1", "no host");
        check("oci://svc:secret@registry.acme.example/acme-au:1", "stand in the settings");
        check("oci://registry.acme.example/Acme:1", "lower-case");
        check("oci://registry.acme.example/../v2:1", "lower-case");
        check("oci://registry.acme.example/a//b:1", "lower-case");
        check("oci://registry.acme.example/acme-au", "neither a digest nor a tag");
        check("oci://registry.acme.example/acme-au:", "a tag is");
        check("oci://registry.acme.example/acme-au:a b", "a tag is");
        check("oci://registry.acme.example/acme-au@sha256:abc", "a digest is");
        check("oci://registry.acme.example/acme-au@md5:abc", "a digest is");
    }
}
