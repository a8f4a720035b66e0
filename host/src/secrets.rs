//! Secrets at rest: passwords, client secrets and tokens as they stand in the store.
//!
//! XChaCha20-Poly1305, a random nonce a value, and what the value is and where it is sent as associated data, so that a
//! value copied to another connection, or of a connection whose host was exchanged, does not open there. The key comes
//! from the environment or a file of the operator's; else from a file that the first start makes in the data folder.
//! Whoever has both folder and key has the secrets.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{Server, bare};
use crate::store::connections::Sealed;

/// The name of the key's file in the data folder.
const KEY_FILE: &str = "secret.key";
/// Bytes of a nonce, before the sealed text.
const NONCE: usize = 24;
/// The purpose for which the key is derived from the operator's text.
const PURPOSE: &str = "tidegate 2026-11 secrets at rest";

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    cipher: XChaCha20Poly1305,
}

/// The reason why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The key's file cannot be made or read.
    #[error(
        "{}: {error}; let the host read and write it, or give the same key by TIDEGATE_SECRET_KEY or [server] secret-key-file",
        path.display()
    )]
    KeyFile {
        /// The path of the key's file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The secret is sealed with another key, or for another context.
    #[error(
        "the {what} was sealed with another key, or for another host. Start with the key of before (TIDEGATE_SECRET_KEY, [server] \
         secret-key-file, or secret.key in the data folder, whichever was in use), or enter it anew"
    )]
    WrongKey {
        /// The name of what the secret is.
        what: String,
    },
}

/// The associated data of a sealed secret: what it is, whose, and where it is sent. It opens under no other.
#[derive(Clone, Copy, Debug)]
pub struct SealContext<'a> {
    /// `password`, `client secret`, `tokens`, `app id`, `second factor`.
    pub what: &'a str,
    /// The connection's name, or the account's id.
    pub of: &'a str,
    /// The hosts that it is sent to, as `ConnectionSpec::recipients` names them.
    pub to: &'a str,
}

impl Secrets {
    /// Opens the sealing with the key of the settings, or the data folder's own, which is made where there is none.
    ///
    /// # Errors
    /// [`SecretsError::KeyFile`].
    pub fn open(settings: &Server) -> Result<Self, SecretsError> {
        let key = match &settings.secret_key {
            Some(key) => key.clone(),
            None => own_key(&settings.data_dir)?,
        };
        let key = blake3::derive_key(PURPOSE, key.expose_secret().as_bytes());
        Ok(Self { cipher: XChaCha20Poly1305::new(&key.into()) })
    }

    /// Seals a secret for its context.
    pub fn seal(&self, context: SealContext<'_>, plain: &SecretString) -> Sealed {
        self.seal_with(&context.bytes(), plain)
    }

    fn seal_with(&self, aad: &[u8], plain: &SecretString) -> Sealed {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain.expose_secret().as_bytes(), aad };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.expect("only a text of hundreds of gigabytes is too long to be sealed");
        Sealed([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for this context.
    ///
    /// # Errors
    /// [`SecretsError::WrongKey`].
    pub fn reveal(&self, context: SealContext<'_>, sealed: &Sealed) -> Result<SecretString, SecretsError> {
        self.reveal_with(&context.bytes(), sealed).ok_or(SecretsError::WrongKey { what: context.what.to_owned() })
    }

    fn reveal_with(&self, aad: &[u8], sealed: &Sealed) -> Option<SecretString> {
        let (nonce, text) = sealed.0.split_at_checked(NONCE)?;
        let plain = self.cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: text, aad }).ok()?;
        String::from_utf8(plain).ok().map(SecretString::from)
    }

    /// Seals for its hosts what a version sealed that did not name them; answers whether there was anything to do.
    pub fn name_recipients(&self, context: SealContext<'_>, sealed: &mut Sealed) -> bool {
        let unnamed = self.reveal_with(&context.bytes_without_recipients(), sealed);
        if let Some(plain) = &unnamed {
            *sealed = self.seal(context, plain);
        }
        unnamed.is_some()
    }
}

impl SealContext<'_> {
    fn bytes(&self) -> Vec<u8> {
        [&self.bytes_without_recipients(), b"\0".as_slice(), self.to.as_bytes()].concat()
    }

    fn bytes_without_recipients(&self) -> Vec<u8> {
        format!("{}\0{}", self.what, self.of).into_bytes()
    }
}

/// 256 random bits as text, 43 characters that may stand in a URL.
pub fn random() -> SecretString {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes).into()
}

/// The key in the data folder, for its owner alone.
fn own_key(data_dir: &Path) -> Result<SecretString, SecretsError> {
    let path = data_dir.join(KEY_FILE);
    let failed = |error| SecretsError::KeyFile { path: path.clone(), error };
    match fs::read_to_string(&path) {
        Ok(text) if bare(&text).trim().len() >= 32 => {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
            return Ok(bare(&text).trim().into());
        }
        Ok(_) => return Err(failed(std::io::Error::other("it holds no key of at least 32 characters"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let key = random();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    writeln!(file, "{}", key.expose_secret()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key)
}

/// The sealing itself, and the settings with which other tests open it.
#[cfg(test)]
pub mod tests {
    use super::*;

    /// Settings of a host with this data folder and key.
    pub fn settings(data_dir: &Path, key: Option<&str>) -> Server {
        let listen = ([127, 0, 0, 1], 0).into();
        let data_dir = data_dir.to_owned();
        let secret_key = key.map(Into::into);
        Server {
            listen,
            data_dir,
            packs_dir: "packs".into(),
            public_url: None,
            bootstrap_token: None,
            trusted_proxies: Vec::new(),
            secret_key,
            compiler: None,
        }
    }

    const PASSWORD: SealContext<'_> = SealContext { what: "password", of: "main", to: "a.example" };

    #[test]
    fn a_secret_opens_with_its_key_in_its_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(&settings(folder.path(), None)).unwrap();
        let sealed = secrets.seal(PASSWORD, &"correct horse".into());
        assert!(!sealed.0.windows(7).any(|bytes| bytes == b"correct"));
        assert_ne!(sealed.0, secrets.seal(PASSWORD, &"correct horse".into()).0, "a nonce a value");

        // The next start finds the same key.
        let again = Secrets::open(&settings(folder.path(), None)).unwrap();
        assert_eq!(again.reveal(PASSWORD, &sealed).unwrap().expose_secret(), "correct horse");
        let key = folder.path().join(KEY_FILE);
        let mode = || fs::metadata(&key).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        // One that somebody copied back, through an editor of another system and for everybody to read.
        fs::write(&key, format!("\u{feff}{}\r\n", fs::read_to_string(&key).unwrap().trim())).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        let copied = Secrets::open(&settings(folder.path(), None)).unwrap();
        assert_eq!(copied.reveal(PASSWORD, &sealed).unwrap().expose_secret(), "correct horse");
        assert_eq!(mode(), 0o600);

        let refused = |secrets: &Secrets, context, sealed: &Sealed| {
            let message = secrets.reveal(context, sealed).unwrap_err().to_string();
            assert!(message.contains("another key") && message.contains("TIDEGATE_SECRET_KEY"), "{message}");
        };
        let other = Secrets::open(&settings(folder.path(), Some("another key of at least 32 characters"))).unwrap();
        refused(&other, PASSWORD, &sealed);
        refused(&again, SealContext { of: "south", ..PASSWORD }, &sealed);
        refused(&again, SealContext { what: "tokens", ..PASSWORD }, &sealed);
        refused(&again, SealContext { to: "b.example", ..PASSWORD }, &sealed);
        let by_gateway = format!("{} by gateway.example", PASSWORD.to);
        refused(&again, SealContext { to: &by_gateway, ..PASSWORD }, &sealed);
        let mut changed = sealed;
        *changed.0.last_mut().unwrap() ^= 1;
        refused(&again, PASSWORD, &changed);
        refused(&again, PASSWORD, &Sealed(vec![1, 2, 3]));
    }

    #[test]
    fn what_was_sealed_before_hosts_were_named_is_bound_to_those_of_now() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(&settings(folder.path(), None)).unwrap();
        let mut sealed = secrets.seal_with(b"password\0main", &"correct horse".into());
        assert!(secrets.reveal(PASSWORD, &sealed).is_err());
        assert!(secrets.name_recipients(PASSWORD, &mut sealed));
        assert_eq!(secrets.reveal(PASSWORD, &sealed).unwrap().expose_secret(), "correct horse");
        // Once: what is bound is never bound anew.
        assert!(!secrets.name_recipients(SealContext { to: "b.example", ..PASSWORD }, &mut sealed));
    }

    #[test]
    fn a_key_file_that_holds_no_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEY_FILE), "short").unwrap();
        let message = Secrets::open(&settings(folder.path(), None)).err().unwrap().to_string();
        assert!(message.contains("secret.key") && message.contains("32 characters"), "{message}");
    }
}
