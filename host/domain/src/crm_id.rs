//! The form of an id in a CRM: the one spelling that is kept, compared and sent.
//!
//! Serves every way in: identity lists, links and look-ups by people and programs, and the CRM's own rows. Another
//! spelling of the same number would be taken for somebody else here, and for the same client by the CRM.

use std::str::FromStr;

use crate::ids::ExternalId;
use crate::text;

/// The most digits of an id.
const MOST_DIGITS: usize = 18;
/// The longest id of a CRM whose ids are texts, in bytes.
pub const LONGEST_TEXT_ID: usize = 100;

/// The look of a CRM's ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdForm {
    /// Numbers alone.
    Number,
    /// Any text of one line: `C-17`, `8F3/2`.
    Text,
}

impl IdForm {
    /// The id that a person or a program gives.
    ///
    /// # Errors
    /// Returns why it is none.
    pub fn read(self, text: &str) -> Result<ExternalId, InvalidExternalId> {
        match (self, text.parse()) {
            (Self::Number, read) => read,
            // A number that a spreadsheet program wrote; `4E5` may be an id as it stands there.
            (Self::Text, Ok(id)) if !text.contains(['e', 'E']) || text.contains("E+") => Ok(id),
            (Self::Text, Err(error @ (InvalidExternalId::Missing | InvalidExternalId::Shortened(_))))
                if error == InvalidExternalId::Missing || text.contains("E+") =>
            {
                Err(error)
            }
            (Self::Text, _) => {
                let seen = text::value(text);
                let kept = seen.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(&seen);
                let kept = kept.trim().trim_start_matches(['\'', '’']);
                ExternalId::of_text(kept).ok_or_else(|| InvalidExternalId::NoText(text::excerpt(kept, 60).into_owned()))
            }
        }
    }
}

/// The reason why a text that a person or a program gives is no id in the CRM, in sentences that name the cure.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidExternalId {
    /// The text is empty.
    #[error("There is no ID.")]
    Missing,
    /// A spreadsheet program left digits out.
    #[error(
        "The ID `{0}` was shortened by a spreadsheet program. Give the column the format Number without decimals, and \
         save the list again."
    )]
    Shortened(String),
    /// The text may be no number at all, or more than one.
    #[error("The ID `{0}` is not a number. Write it in digits alone, such as 48213.")]
    NotANumber(String),
    /// A number as the CRM writes none.
    #[error(
        "The ID `{0}` is not a number as the CRM writes it: it begins with 0 or has more than {MOST_DIGITS} digits. Copy \
         the ID from the CRM."
    )]
    NotTheCrms(String),
    /// A text that no CRM uses as an id.
    #[error("`{0}` is no ID: one has at most {LONGEST_TEXT_ID} bytes, on one line. Copy the ID from the CRM.")]
    NoText(String),
}

impl ExternalId {
    /// The id that a CRM's text stands for.
    pub fn of_crm(text: &str) -> Self {
        Self(Self::canonical(text).to_owned())
    }

    /// The id that a text of an export stands for; none where it is no id.
    pub fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let is_one = !text.is_empty() && text.len() <= LONGEST_TEXT_ID && !text.chars().any(char::is_control);
        // What stands in place of an id here is none of a CRM.
        Some(Self::of_crm(text)).filter(|id| is_one && id.unlinked_client().is_none())
    }

    /// Whether a text is an id in its one spelling. Costs nothing but a look at it.
    pub fn is_one(text: &str) -> bool {
        is_digits(text) && !text.starts_with('0') && text.len() <= MOST_DIGITS
    }

    /// The id that somebody looks for: as people write ids, else as the CRM would.
    pub fn sought(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self::of_crm(text.trim()))
    }

    /// The part of a CRM's own text of an id that tells it from others: zeros before a number say nothing.
    pub fn canonical(of_crm: &str) -> &str {
        if !is_digits(of_crm) {
            return of_crm;
        }
        let number = of_crm.trim_start_matches('0');
        if number.is_empty() { "0" } else { number }
    }
}

/// An id as people, programs and spreadsheet programs write it. What these make of a number is read where it is the same
/// number beyond doubt: `'48213`, `="48213"`, `48213.0`, `4.8213E+04`.
impl FromStr for ExternalId {
    type Err = InvalidExternalId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seen = text::value(text);
        let kept = seen.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(&seen).trim();
        if kept.is_empty() {
            return Err(InvalidExternalId::Missing);
        }
        // The text may be long, and is told back.
        let given = || text::excerpt(kept, 60).into_owned();
        let id =
            number(kept.trim_start_matches(['\'', '’'])).map_err(|Shortened| InvalidExternalId::Shortened(given()))?;
        match Self::is_one(&id) {
            true => Ok(Self(id)),
            false if is_digits(&id) => Err(InvalidExternalId::NotTheCrms(given())),
            false => Err(InvalidExternalId::NotANumber(given())),
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The exponent wants digits that are not there.
struct Shortened;

/// The whole number that a spreadsheet program wrote; anything else as it is.
fn number(text: &str) -> Result<String, Shortened> {
    let Some((number, power)) = text.split_once(['E', 'e']) else {
        return Ok(match text.split_once(['.', ',']) {
            // In `48.000` and `48,000` the sign parts thousands as well as decimals.
            Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') && (whole.len() > 3 || zeros.len() < 3) => {
                whole.to_owned()
            }
            _ => text.to_owned(),
        });
    };
    let (first, rest) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let is_number = is_digits(first) && first.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit());
    match power.trim_start_matches('+').parse::<usize>().ok().filter(|_| is_number) {
        Some(power) if rest.len() < power => Err(Shortened),
        Some(power) if rest[power..].bytes().all(|byte| byte == b'0') => Ok(format!("{first}{}", &rest[..power])),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_are_written_elsewhere() {
        let check =
            |given: &str, expected: &str| assert_eq!(given.parse(), Ok(ExternalId(expected.to_owned())), "{given}");
        for given in [
            "48213",
            "48213.0",
            "48213.",
            "48213.00",
            "48213.000",
            "48213,0",
            "48213,00",
            "4.8213E4",
            "4.8213E+04",
            "4,8213e+04",
            "4.821300E4",
            "'48213",
            " 48213\u{a0}",
            "=\"48213\"",
            "\u{200b}48213",
            "’48213",
        ] {
            check(given, "48213");
        }
        check("7.0", "7");
        check("7E0", "7");
        check("999999999999999999", "999999999999999999");
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_cure() {
        let refused = |given: &str, cure: &str| {
            let message = given.parse::<ExternalId>().unwrap_err().to_string();
            assert!(message.contains(given) && message.contains(cure), "{message}");
        };
        for given in [
            "48.000",
            "48,213",
            "482.000",
            "4.82131E4",
            "48 213",
            "48213.5",
            "#48213",
            "ID 48213",
            "E4",
            "4E",
            "4.8E-4",
            "-7",
            "+48213",
            "48213.0.0",
            "48213e0",
            "0x7",
            "4８213",
            "４８２１３",
            "٤٨٢١٣",
            "abc",
            "48213/contact",
            "../../session/user",
            "practice:0197a000-0000-7000-8000-000000000001",
            "null",
        ] {
            refused(given, "in digits alone");
        }
        refused("4.82E+04", "was shortened");
        refused("4.8213E+99999999999999999999", "in digits alone");
        for given in ["0048213", "048213", "0", "000", "048213.0", "0E0", "1234567890123456789"] {
            refused(given, "begins with 0");
        }
        for nothing in ["", " ", "\u{200b}", "=\"\""] {
            assert_eq!(nothing.parse::<ExternalId>(), Err(InvalidExternalId::Missing), "{nothing:?}");
        }
        let long = "x".repeat(100_000).parse::<ExternalId>().unwrap_err().to_string();
        assert!(long.len() < 200, "{} bytes", long.len());
    }

    #[test]
    fn ids_that_are_texts_are_read_as_the_export_has_them() {
        let check = |given: &str, expected: Option<&str>| {
            let read = IdForm::Text.read(given);
            assert_eq!(read.ok().map(|id| id.0).as_deref(), expected, "{given}");
        };
        for (given, expected) in [
            ("C-17", "C-17"),
            (" 8F3/2\u{a0}", "8F3/2"),
            ("=\"AB 12\"", "AB 12"),
            ("Ünï 7", "Ünï 7"),
            ("'x9", "x9"),
            ("48213.0", "48213"),
            ("4.8213E+04", "48213"),
            ("4E5", "4E5"),
            ("007", "7"),
            ("48,213", "48,213"),
        ] {
            check(given, Some(expected));
            assert_eq!(IdForm::Text.read(given).ok(), ExternalId::of_text(expected));
        }
        for none in ["", " ", "4.82E+04", "practice:0197a000-0000-7000-8000-000000000001"] {
            check(none, None);
        }
        check(&"x".repeat(101), None);
        assert!(IdForm::Number.read("C-17").is_err());
        assert_eq!(ExternalId::of_text("a\u{7}"), None);
    }

    #[test]
    fn zeros_before_a_number_of_the_crm_say_nothing() {
        let check = |of_crm: &str, expected: &str| assert_eq!(ExternalId::canonical(of_crm), expected, "{of_crm}");
        check("48213", "48213");
        check("00048213", "48213");
        check("000", "0");
        check("x-8", "x-8");
        check("0x8", "0x8");
        check("", "");
        let sought = |text: &str| ExternalId::sought(text).0;
        assert_eq!(["48213.0", " 048213 ", "ABC", ""].map(sought), ["48213", "48213", "ABC", ""]);
        // What the CRM has is found by who copies it from there.
        assert_eq!("48213".parse(), Ok(ExternalId::of_crm("048213")));
    }
}
