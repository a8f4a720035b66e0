//! Keys of authors, and the signatures that they put under their packs, in minisign's form.

use std::fs::{self, OpenOptions};
use std::io::{Cursor, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use minisign::{KeyPair, SecretKeyBox};

use crate::pack::{signature, write_sum};

/// A pair of keys that was made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The secret key's file, which only its owner can read.
    pub secret: PathBuf,
    /// The public key's file.
    pub public: PathBuf,
    /// The public key as settings have it.
    pub text: String,
}

/// Makes a pair of keys: the secret one in `path`, the public one beside it as `<path>.pub`. Without a password a person is
/// asked for one; an empty one leaves the key open.
///
/// # Errors
/// Where there is a file already, or none can be written.
pub fn make_key(path: &Path, password: Option<String>) -> Result<NewKey> {
    let around = std::path::absolute(path)?;
    if let Some(pack) = around.ancestors().skip(1).find(|folder| folder.join("pack.toml").is_file()) {
        bail!(
            "{}: it would lie in the pack {}, which is sent to others; name a file outside, such as ../author.key",
            path.display(),
            pack.display()
        );
    }
    if password.is_none() && !std::io::stdin().is_terminal() {
        bail!(
            "there is nobody to ask for a password: name a file with --password-file, or leave the key open (--no-password)"
        );
    }
    let public = PathBuf::from(format!("{}.pub", path.display()));
    for taken in [path, &public] {
        if taken.exists() {
            bail!("{}: there is such a file already, which may be somebody's key; name another", taken.display());
        }
    }
    let keys = KeyPair::generate_encrypted_keypair(password).context("no key could be made")?;
    let secret = keys.sk.to_box(Some("tidegate pack author's secret key"))?.into_string();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    file.write_all(secret.as_bytes()).with_context(|| path.display().to_string())?;
    fs::write(&public, keys.pk.to_box()?.into_string()).with_context(|| public.display().to_string())?;
    Ok(NewKey { secret: path.to_owned(), public, text: keys.pk.to_base64() })
}

/// Signs a pack: writes the digests of its files into `pack.sum`, and the signature of that beside it. Answers the
/// signature's file. Where the key has a password and none is given, a person is asked.
///
/// # Errors
/// Where the key cannot be read, or the password is another.
pub fn sign(pack: &Path, key: &Path, password: Option<String>) -> Result<PathBuf> {
    let named = || key.display().to_string();
    let text = fs::read_to_string(key).with_context(named)?;
    if minisign_verify::PublicKey::decode(&text).is_ok() {
        bail!("{}: it is a public key, by which others verify; sign with the secret one beside it", key.display());
    }
    let boxed = || {
        SecretKeyBox::from_string(&text).with_context(|| format!("{}: it is no secret key of minisign", key.display()))
    };
    // A key without a password is open to an empty one.
    let secret = match boxed()?.into_secret_key(Some(String::new())) {
        Ok(secret) => secret,
        Err(_) if password.is_none() && !std::io::stdin().is_terminal() => {
            bail!(
                "{}: the key has a password, and there is nobody to ask; name a file with --password-file",
                key.display()
            )
        }
        Err(_) => boxed()?.into_secret_key(password).map_err(|error| anyhow::anyhow!("{}: {error}", key.display()))?,
    };
    let sum = write_sum(pack)?;
    let text = fs::read(&sum).with_context(|| sum.display().to_string())?;
    let signed = minisign::sign(None, &secret, Cursor::new(text), None, Some("signature of a tidegate pack"))?;
    let path = pack.join(signature::SIGNATURE);
    fs::write(&path, signed.into_string()).with_context(|| path.display().to_string())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PackKeys;

    #[test]
    fn a_signed_pack_verifies_by_the_public_key() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("pack");
        fs::create_dir(&pack).unwrap();
        fs::write(pack.join("pack.toml"), "a").unwrap();
        let key = make_key(&folder.path().join("key"), Some(String::new())).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&key.secret).unwrap()) & 0o777, 0o600);
        assert!(make_key(&key.secret, Some(String::new())).unwrap_err().to_string().contains("already"));
        sign(&pack, &key.secret, None).unwrap();
        let public = minisign_verify::PublicKey::from_file(&key.public).unwrap();
        let keys = PackKeys { keys: vec![public], allow_unsigned: false };
        signature::check(&pack, &keys).unwrap();
        // Some systems write lines' ends otherwise, of keys and of signatures.
        let windows = |path: &Path| fs::write(path, fs::read_to_string(path).unwrap().replace('\n', "\r\n")).unwrap();
        windows(&key.public);
        windows(&pack.join(signature::SIGNATURE));
        let public = minisign_verify::PublicKey::from_file(&key.public).unwrap();
        signature::check(&pack, &PackKeys { keys: vec![public], allow_unsigned: false }).unwrap();
        fs::write(pack.join("pack.toml"), "b").unwrap();
        assert!(signature::check(&pack, &keys).is_err());
    }

    #[test]
    fn a_key_with_a_password_opens_to_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pack.toml"), "a").unwrap();
        let keys = tempfile::tempdir().unwrap();
        let key = make_key(&keys.path().join("key"), Some("correct horse".to_owned())).unwrap();
        assert!(
            sign(folder.path(), &key.secret, Some("battery".to_owned())).unwrap_err().to_string().contains("password")
        );
        sign(folder.path(), &key.secret, Some("correct horse".to_owned())).unwrap();
    }
}
