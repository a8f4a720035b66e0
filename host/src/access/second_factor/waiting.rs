//! What waits in memory: sign-ins for their codes, secrets for their first code, and steps whose codes came too early. All
//! of it is bounded, and forgotten by a restart.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use secrecy::SecretString;

use super::totp;
use crate::access::token::{self, Digest};
use crate::domain::{Timestamp, UserId};

/// The time for which a right password waits for its code.
const HALF_LASTS: Duration = Duration::from_mins(5);
/// The sign-ins of one account that wait at once; an older one gives way.
const HALVES_OF_ONE: usize = 5;
/// The time for which a secret is shown before its first code.
const SECRET_LASTS: Duration = Duration::from_mins(15);
/// What is kept of each kind at most; the oldest gives way.
const MOST: usize = 10_000;

/// A sign-in whose password was right.
#[derive(Clone)]
pub(super) struct Half {
    /// The account.
    pub(super) user: UserId,
    /// The hash that the password was held against, which the account must still have.
    pub(super) checked: String,
    until: Timestamp,
}

/// What waits.
#[derive(Default)]
pub(super) struct Waiting {
    halves: VecDeque<(Digest, Half)>,
    /// Secrets by the sessions that they are shown to.
    secrets: HashMap<[u8; 32], (SecretString, Timestamp)>,
    /// Steps whose codes were given before their time.
    early: VecDeque<(UserId, u64)>,
}

impl Waiting {
    /// Lets a sign-in wait; answers the token by which it goes on, once.
    pub(super) fn begin_half(&mut self, user: UserId, checked: String, now: Timestamp) -> SecretString {
        self.halves.retain(|(_, half)| now < half.until);
        self.keep_half(Half { user, checked, until: now + HALF_LASTS })
    }

    /// Lets a sign-in that was taken wait once more, no longer than it would have.
    pub(super) fn keep_half(&mut self, half: Half) -> SecretString {
        let is_of_it = |(_, other): &&(Digest, Half)| other.user == half.user;
        let of_it = self.halves.iter().filter(is_of_it).count();
        let oldest = self.halves.iter().position(|(_, other)| other.user == half.user);
        if let Some(oldest) = oldest.filter(|_| of_it >= HALVES_OF_ONE) {
            self.halves.remove(oldest);
        }
        if self.halves.len() >= MOST {
            self.halves.pop_front();
        }
        let token = token::new();
        self.halves.push_back((token::digest_of(&token), half));
        token
    }

    /// The sign-in that a token stands for, which waits no more.
    pub(super) fn take_half(&mut self, token: &str, now: Timestamp) -> Option<Half> {
        let digest = token::digest(token);
        let at = self.halves.iter().position(|(key, _)| *key == digest)?;
        self.halves.remove(at).map(|(_, half)| half).filter(|half| now < half.until)
    }

    /// The secret that is shown to a session: the same one for a while.
    pub(super) fn secret_of(&mut self, session: [u8; 32], now: Timestamp) -> SecretString {
        if let Some(secret) = self.shown_to(session, now) {
            return secret;
        }
        self.secrets.retain(|_, (_, until)| now < *until);
        if self.secrets.len() >= MOST {
            self.secrets.clear();
        }
        let secret = totp::new_secret();
        self.secrets.insert(session, (secret.clone(), now + SECRET_LASTS));
        secret
    }

    /// The secret that was shown to a session; none where that is over.
    pub(super) fn shown_to(&self, session: [u8; 32], now: Timestamp) -> Option<SecretString> {
        self.secrets.get(&session).filter(|(_, until)| now < *until).map(|(secret, _)| secret.clone())
    }

    /// Forgets the secret of a session, once it is in force.
    pub(super) fn is_set_up(&mut self, session: [u8; 32]) {
        self.secrets.remove(&session);
    }

    /// Takes note that the code of a step was given before its time.
    pub(super) fn note_early(&mut self, user: UserId, step: u64, now: u64) {
        self.early.retain(|(_, step)| *step + 1 >= now);
        if step <= now {
            return;
        }
        if self.early.len() >= MOST {
            self.early.pop_front();
        }
        self.early.push_back((user, step));
    }

    /// Whether the code of a step was given before its time.
    pub(super) fn was_early(&self, user: UserId, step: u64) -> bool {
        self.early.contains(&(user, step))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use secrecy::ExposeSecret as _;

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap() + Duration::from_mins(minute)
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn a_sign_in_waits_five_minutes_and_is_taken_once() {
        let mut waiting = Waiting::default();
        let token = waiting.begin_half(user(1), "hash".to_owned(), at(0));
        assert!(waiting.take_half("guessed", at(1)).is_none());
        let half = waiting.take_half(token.expose_secret(), at(4)).unwrap();
        assert!(waiting.take_half(token.expose_secret(), at(4)).is_none(), "once");
        let again = waiting.keep_half(half);
        assert!(waiting.take_half(again.expose_secret(), at(5)).is_none(), "no longer than it would have");
    }

    #[test]
    fn what_waits_is_bounded_and_nobody_crowds_the_others_out() {
        let mut waiting = Waiting::default();
        let other = waiting.begin_half(user(2), "hash".to_owned(), at(0));
        let first = waiting.begin_half(user(1), "hash".to_owned(), at(0));
        for _ in 0..HALVES_OF_ONE {
            waiting.begin_half(user(1), "hash".to_owned(), at(0));
        }
        assert_eq!(waiting.halves.len(), HALVES_OF_ONE + 1);
        assert!(waiting.take_half(first.expose_secret(), at(0)).is_none(), "the oldest gave way");
        assert!(waiting.take_half(other.expose_secret(), at(0)).is_some());
        for number in 0..20_000 {
            waiting.begin_half(user(number), "hash".to_owned(), at(1));
            waiting.note_early(user(number), 5, 1);
            let mut session = [0; 32];
            session[..16].copy_from_slice(&number.to_be_bytes());
            waiting.secret_of(session, at(1));
        }
        assert!(waiting.halves.len() <= MOST && waiting.early.len() <= MOST && waiting.secrets.len() <= MOST);
    }

    #[test]
    fn a_secret_is_shown_again_until_it_is_in_force_or_over() {
        let mut waiting = Waiting::default();
        let secret = waiting.secret_of([1; 32], at(0));
        let same = |other: &SecretString| other.expose_secret() == secret.expose_secret();
        assert!(same(&waiting.secret_of([1; 32], at(14))));
        assert!(!same(&waiting.secret_of([2; 32], at(14))), "another session's is another");
        assert!(waiting.shown_to([1; 32], at(15)).is_none());
        assert!(!same(&waiting.secret_of([1; 32], at(15))));
        waiting.is_set_up([1; 32]);
        assert!(waiting.shown_to([1; 32], at(15)).is_none());
    }
}
