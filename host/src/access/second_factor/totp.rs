//! Codes of an authenticator app: RFC 6238 with SHA-1, six digits and half a minute, which is what every app understands.

use secrecy::{ExposeSecret as _, SecretString};
use totp_rs::{Algorithm, Secret, TOTP};

use crate::access::token::digest;
use crate::domain::Timestamp;

/// The digits of a code.
pub(super) const DIGITS: usize = 6;
/// The seconds for which an app shows a code.
const STEP: u64 = 30;
/// The bytes of a secret, as RFC 4226 recommends them.
const SECRET: usize = 20;
/// The steps by which a code may be early or late.
const SKEW: i64 = 1;
/// The steps within which a code tells that the clocks differ.
const NEAR: i64 = 10;

/// What a code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    /// The code of this step, which is now or next to it.
    Right(u64),
    /// The code of a step that is so many minutes away, and not accepted.
    Near {
        /// The step.
        step: u64,
        /// The minutes between the clocks.
        minutes: u64,
    },
    /// No code of these times.
    Wrong,
    /// The secret is none.
    Unreadable,
}

/// A new secret in Base32, as people type it into an app.
pub(super) fn new_secret() -> SecretString {
    let bytes: [u8; SECRET] = rand::random();
    Secret::Raw(bytes.to_vec()).to_encoded().to_string().into()
}

/// The time step of a moment.
pub(super) fn step_of(now: Timestamp) -> u64 {
    now.as_second().max(0).unsigned_abs() / STEP
}

/// The codes of a secret.
fn codes(secret: &SecretString) -> Option<TOTP> {
    let bytes = Secret::Encoded(secret.expose_secret().to_owned()).to_bytes().ok()?;
    Some(TOTP::new_unchecked(Algorithm::SHA1, DIGITS, 1, STEP, bytes))
}

/// Looks a code up among those of this moment and around it. All are made, whichever it is, and compared in constant time.
pub(super) fn look(secret: &SecretString, code: &str, now: Timestamp) -> Look {
    let Some(codes) = codes(secret) else { return Look::Unreadable };
    let (now, given) = (step_of(now), digest(code));
    let mut found = Look::Wrong;
    // From the furthest to the nearest, so that the nearest one counts.
    for distance in (0..=NEAR).rev() {
        for step in [now.checked_add_signed(-distance), now.checked_add_signed(distance)].into_iter().flatten() {
            if digest(&codes.generate(step * STEP)) == given {
                let minutes = distance.unsigned_abs().div_ceil(60 / STEP);
                found = if distance <= SKEW { Look::Right(step) } else { Look::Near { step, minutes } };
            }
        }
    }
    found
}

/// Codes against the RFC's, and those that an app shows, for other tests.
#[cfg(test)]
pub mod tests {
    use super::*;

    /// The code that an app with this secret shows at a moment.
    pub fn shown(secret: &SecretString, at: Timestamp) -> String {
        codes(secret).unwrap().generate(at.as_second().unsigned_abs())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The secret of RFC 6238, appendix B, for SHA-1: `12345678901234567890`.
    fn of_the_rfc() -> SecretString {
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // Appendix B, of whose eight digits an app shows the last six.
        for (second, eight) in [
            (59_i64, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(shown(&of_the_rfc(), at(second)), eight[2..], "{second}");
            let step = second.unsigned_abs() / 30;
            assert_eq!(look(&of_the_rfc(), &eight[2..], at(second)), Look::Right(step), "{second}");
        }
    }

    #[test]
    fn a_code_may_be_one_step_early_or_late_and_a_clock_that_is_off_is_told() {
        let noon = 1_800_000_000_i64;
        let step = noon.unsigned_abs() / 30;
        let check = |steps: i64, expected| {
            let code = shown(&of_the_rfc(), at(noon + steps * 30));
            assert_eq!(look(&of_the_rfc(), &code, at(noon + 7)), expected, "{steps}");
        };
        let near = |steps: i64, minutes| Look::Near { step: step.checked_add_signed(steps).unwrap(), minutes };
        check(0, Look::Right(step));
        check(-1, Look::Right(step - 1));
        check(1, Look::Right(step + 1));
        check(2, near(2, 1));
        check(-3, near(-3, 2));
        check(10, near(10, 5));
        check(-10, near(-10, 5));
        check(11, Look::Wrong);
        check(-11, Look::Wrong);
        assert_eq!(look(&of_the_rfc(), "", at(noon)), Look::Wrong);
        assert_eq!(look(&"not Base32!".into(), "123456", at(noon)), Look::Unreadable);
        // A clock before 1970 is off, and breaks nothing.
        assert_eq!(look(&of_the_rfc(), "000000", at(-5)), Look::Wrong);
    }

    #[test]
    fn secrets_differ_and_can_be_typed() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 32);
        assert!(one.expose_secret().bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)));
    }
}
