//! Secrets as they stand in files and in the settings themselves.

use std::path::Path;

use secrecy::SecretString;

use super::regular_file;

/// The largest file of a secret, bytes.
pub(super) const LARGEST: u64 = 64 << 10;

/// A secret without what editors and shells put around it: a byte order mark before it, line ends behind it.
pub fn bare(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n'])
}

/// The secret that a file holds.
///
/// # Errors
/// Returns what is wrong with the file, never what it holds.
pub(super) fn read(path: &Path) -> Result<SecretString, String> {
    let bytes = regular_file::read(path, LARGEST)?;
    let refused = |why: &str| Err(format!("{} {why}", path.display()));
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return refused("is not UTF-8 text; save it as UTF-8, with the secret and nothing else in it");
    };
    match bare(text) {
        secret if secret.trim().is_empty() => refused("is empty"),
        secret if secret.chars().any(char::is_control) => {
            refused("holds more than one line, or control characters; it is to hold the secret and nothing else")
        }
        secret => Ok(secret.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_what_its_file_holds_without_its_wrapping() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let check = |bytes: &[u8], expected: Result<&str, &str>| {
            fs::write(&path, bytes).unwrap();
            match (read(&path), expected) {
                (Ok(secret), Ok(expected)) => assert_eq!(secret.expose_secret(), expected),
                (Err(message), Err(expected)) => {
                    assert!(message.contains(expected) && !message.contains("s3cret"), "{message}");
                }
                (read, expected) => {
                    panic!("{:?}, and not {expected:?}", read.map(|secret| secret.expose_secret().len()))
                }
            }
        };
        for bytes in [&b"s3cret"[..], b"s3cret\n", b"s3cret\r\n", b"\xef\xbb\xbfs3cret\r\n", b"\xef\xbb\xbfs3cret\n\n"]
        {
            check(bytes, Ok("s3cret"));
        }
        // A blank may be part of a password.
        check(b" s3cret \n", Ok(" s3cret "));
        check(b"\xff\xfes\x003\0c\0r\0e\0t\0", Err("UTF-8"));
        check(b"svc\ns3cret\n", Err("more than one line"));
        check(b"s3cret\0", Err("control characters"));
        check(b"\xef\xbb\xbf \r\n", Err("is empty"));
        fs::remove_file(&path).unwrap();
        assert!(read(&path).err().unwrap().contains("cannot be read"));
    }
}
