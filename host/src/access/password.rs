//! Passwords: argon2id, off the async threads, in queues so that a flood of sign-ins cannot take the memory.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::access::strength;
use crate::domain::text;
use crate::queue::{self, NotDone, Queue};

/// Shorter ones are refused; length is what makes a password strong.
pub const SHORTEST: usize = 12;
/// The longest password in bytes. Longer ones are refused, so that nobody has a megabyte hashed.
pub const LONGEST: usize = 1024;

/// A password as it is checked and hashed: by its letters, whichever keyboard typed them (NFKC, as NIST SP 800-63B asks),
/// and with plain spaces (RFC 8265, OpaqueString). Of ASCII it is what was typed.
pub fn prepared(password: &SecretString) -> SecretString {
    let plain = |c: char| if c.is_whitespace() && !c.is_ascii() && !c.is_control() { ' ' } else { c };
    text::by_its_letters(&password.expose_secret().chars().map(plain).collect::<String>()).into()
}

/// The PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`) of a password; none where it is a common one for somebody of whom
/// these texts are known.
///
/// # Errors
/// Returns an error if too many wait for theirs.
pub async fn hash(password: &SecretString, known: Vec<String>) -> Result<Option<String>, NotDone> {
    let password = prepared(password);
    let work = move || {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let is_common = strength::is_common(password.expose_secret(), &known);
        (!is_common).then(|| hash_now(&password))
    };
    queue::PASSWORDS.run(work).await
}

/// Whether `password` is the one that `hash` was made of. Without a hash (nobody has that email) it takes the same
/// time and says no. It waits in `queue`.
///
/// # Errors
/// Returns an error if too many wait there.
pub async fn is_right(password: &SecretString, hash: Option<String>, queue: &'static Queue) -> Result<bool, NotDone> {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let password = password.clone();
    let trying = move || {
        let nobodys = NOBODYS.get_or_init(|| hash_now(&super::token::new()));
        let is_somebodys = hash.is_some();
        let hash = hash.as_deref().unwrap_or(nobodys);
        let is_of = |password: &SecretString| {
            Argon2::default().verify_password(password.expose_secret().as_bytes(), hash).is_ok()
        };
        let prepared = prepared(&password);
        // Hashes of before were made of what was typed.
        let is_other = prepared.expose_secret() != password.expose_secret();
        (is_of(&prepared) || is_other && is_of(&password)) && is_somebodys
    };
    queue.run(trying).await
}

fn hash_now(password: &SecretString) -> String {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.expose_secret().as_bytes())
        .expect("argon2's default parameters fit, and the system gives random bytes");
    hash.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_told_from_others_and_from_nobodys() {
        let password = SecretString::from("correct horse battery");
        let hashed = hash(&password, Vec::new()).await.unwrap().unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        let check = async |password: &SecretString, hash: Option<String>, expected| {
            assert_eq!(is_right(password, hash, &queue::PASSWORDS).await, Ok(expected));
        };
        check(&password, Some(hashed.clone()), true).await;
        check(&"correct horse".into(), Some(hashed), false).await;
        check(&password, None, false).await;
        assert_eq!(hash(&"password12345".into(), Vec::new()).await, Ok(None));
    }

    #[tokio::test]
    async fn a_password_is_the_same_whichever_keyboard_typed_it() {
        let typed = "Ma\u{304}ori\u{a0}tide\u{3000}gates ５５";
        let hashed = hash(&typed.into(), Vec::new()).await.unwrap().unwrap();
        let check = async |password: &str, hash: &str, expected| {
            let is_right = is_right(&password.into(), Some(hash.to_owned()), &queue::PASSWORDS).await;
            assert_eq!(is_right, Ok(expected), "{password:?}");
        };
        for same in [typed, "Māori tide gates 55"] {
            check(same, &hashed, true).await;
        }
        check("Maori tide gates 55", &hashed, false).await;
        // Blanks at its ends are a part of it.
        check("Māori tide gates 55 ", &hashed, false).await;
        // One that was hashed as it was typed, before.
        let before = hash_now(&typed.into());
        check(typed, &before, true).await;
        check("Māori tide gates 55", &before, false).await;
        assert_eq!(prepared(&"a b\t c".into()).expose_secret(), "a b\t c");
    }
}
