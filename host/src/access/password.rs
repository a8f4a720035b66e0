//! Passwords: argon2id, off the async threads, two at a time so that a flood of sign-ins cannot take the memory.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

/// Shorter ones are refused; length is what makes a password strong.
pub const SHORTEST: usize = 12;
/// In bytes. Longer ones are refused, so that nobody has a megabyte hashed.
pub const LONGEST: usize = 1024;

static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// The PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`) of a password.
pub async fn hash(password: &SecretString) -> String {
    let password = password.clone();
    on_blocking_thread(move || hash_now(&password)).await
}

/// Whether `password` is the one that `hash` was made of. Without a hash (nobody has that email) it takes the same
/// time and says no.
pub async fn is_right(password: &SecretString, hash: Option<String>) -> bool {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let password = password.clone();
    on_blocking_thread(move || {
        let nobodys = NOBODYS.get_or_init(|| hash_now(&super::token::new()));
        let is_somebodys = hash.is_some();
        let hash = hash.as_deref().unwrap_or(nobodys);
        Argon2::default().verify_password(password.expose_secret().as_bytes(), hash).is_ok() && is_somebodys
    })
    .await
}

fn hash_now(password: &SecretString) -> String {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.expose_secret().as_bytes())
        .expect("argon2's default parameters fit, and the system gives random bytes");
    hash.to_string()
}

async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _permit = AT_ONCE.acquire().await.expect("the semaphore is never closed");
    tokio::task::spawn_blocking(work).await.expect("hashing a password does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_told_from_others_and_from_nobodys() {
        let password = SecretString::from("correct horse battery");
        let hashed = hash(&password).await;
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(is_right(&password, Some(hashed.clone())).await);
        assert!(!is_right(&"correct horse".into(), Some(hashed)).await);
        assert!(!is_right(&password, None).await);
    }
}
