//! The picture that an authenticator app reads with its camera: a QR code, drawn in the page itself, so that nothing is
//! loaded from elsewhere and the secret is in no address of the host.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::web::components::{escaped, pair};

/// The light edge around the code, in its squares, without which cameras do not find it.
const EDGE: usize = 4;
/// The most characters of the practice's name and of an email that it holds: more make it too fine for a camera.
const LONGEST: usize = 60;

/// A QR code.
pub(in crate::web) struct Picture {
    /// The squares of a side, with the edge.
    pub(in crate::web) side: usize,
    /// The dark squares, as a path of SVG.
    pub(in crate::web) path: String,
}

/// The address by which apps take over a secret, as most of them read it: blanks as `%20`, the practice's name before the
/// email and once more as the issuer.
pub(super) fn address(practice: &str, email: &str, secret: &str) -> String {
    // A colon parts the two.
    let short = |text: &str| escaped(&text.chars().filter(|c| *c != ':').take(LONGEST).collect::<String>());
    let (issuer, email) = (short(practice.trim()), short(email));
    let secret = pair("secret", secret);
    format!("otpauth://totp/{issuer}:{email}?{secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

impl Picture {
    /// The picture of a text; none where it is too long.
    pub(super) fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (at % width + EDGE, at / width + EDGE);
                // Writing to a string cannot fail.
                let _: std::fmt::Result = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        Some(Self { side: width + 2 * EDGE, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_by_apps_whatever_the_practice_is_called() {
        let check = |practice: &str, email: &str, expected: &str| {
            assert_eq!(address(practice, email, "GEZD"), expected);
        };
        check(
            "Acme Advice",
            "pat+work@example.com",
            "otpauth://totp/Acme%20Advice:pat%2Bwork%40example.com?secret=GEZD&issuer=Acme%20Advice&algorithm=SHA1&digits=6&period=30",
        );
        check(
            "Māori & Sons: Advice?",
            "pat@example.com",
            "otpauth://totp/M%C4%81ori%20%26%20Sons%20Advice%3F:pat%40example.com?secret=GEZD&issuer=M%C4%81ori%20%26%20Sons%20Advice%3F&algorithm=SHA1&digits=6&period=30",
        );
    }

    #[test]
    fn the_longest_names_still_have_a_picture() {
        let secret = "A".repeat(32);
        for name in ["A", "王"] {
            let picture = Picture::of(&address(&name.repeat(200), &name.repeat(200), &secret)).unwrap();
            assert!(picture.side <= 177 + 2 * EDGE && picture.path.starts_with("M4 4h1v1h-1z"), "{}", picture.side);
        }
        assert!(Picture::of(&"A".repeat(10_000)).is_none());
    }
}
