//! Values that are valid by construction.

mod country;
mod email;
mod phone;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::text;

pub use country::CountryCode;
pub use email::EmailAddress;
pub use jiff::Timestamp;
/// A calendar day, ISO 8601.
pub use jiff::civil::Date;

/// The reason why a text is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// The text as it came.
    pub text: String,
    /// The description of what it should have been: `a number with its country code, such as +61491570156`.
    pub wanted: Cow<'static, str>,
}

/// The number of a text's characters that are shown again.
const SHOWN: usize = 100;

impl InvalidValue {
    /// A text that is not what is `wanted`.
    pub fn new(text: &str, wanted: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.to_owned(), wanted: wanted.into() }
    }
}

impl std::error::Error for InvalidValue {}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            return write!(f, "this has to be {}", self.wanted);
        }
        let shown = text::excerpt(&self.text, SHOWN);
        write!(f, "`{}` is not {}", shown.escape_debug(), self.wanted)
    }
}

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $wanted:literal, $is_valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The value as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(&text) { Ok(Self(text)) } else { Err(InvalidValue { text, wanted: $wanted.into() }) }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_value! {
    /// A telephone number in E.164: a plus sign and 7 to 15 digits.
    E164, "a number with its country code, such as +61491570156",
    |text| text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

text_value! {
    /// An ISO 4217 currency code in upper case.
    Currency, "a three-letter currency code such as AUD",
    |text| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// An amount of money: `{"amount": "1234.50", "currency": "AUD"}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Money {
    /// The exact amount, in units of the currency.
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

impl FromStr for Money {
    type Err = InvalidValue;

    /// Reads `1234.50 AUD`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(' ').and_then(|(amount, currency)| {
            Some((Decimal::from_str_exact(amount).ok()?, Currency::try_from(currency.to_owned()).ok()?))
        });
        let (amount, currency) =
            parts.ok_or_else(|| InvalidValue::new(text, "an amount with its currency, such as 1234.50 AUD"))?;
        Ok(Self { amount, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check = |text: &str, expected| assert_eq!(E164::try_from(text.to_owned()).is_ok(), expected, "{text}");
        check("+61491570156", true);
        check("0491570156", false);
        check("+0491570156", false);
        check("+61 491", false);
        check("+6149157015600000", false);
    }

    #[test]
    fn lengths_are_those_of_the_standards() {
        let is_number = |digits: usize| E164::try_from(format!("+{}", "6".repeat(digits))).is_ok();
        assert_eq!([6, 7, 15, 16].map(is_number), [false, true, true, false]);
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        let check = |text: &str, expected| assert_eq!(Currency::try_from(text.to_owned()).is_ok(), expected, "{text}");
        check("AUD", true);
        for none in ["aud", "AU", "AUDX", "A D", "A1D", ""] {
            check(none, false);
        }
    }

    #[test]
    fn values_are_written_as_they_are() {
        fn check<T: TryFrom<String, Error = InvalidValue> + Clone + fmt::Display + Into<String>>(
            text: &str,
            as_str: fn(&T) -> &str,
        ) {
            let value = T::try_from(text.to_owned()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((as_str(&value), value.to_string().as_str()), (text, text));
            assert_eq!(Into::<String>::into(value), text);
        }
        check("+61491570156", E164::as_str);
        check("pat.lee@example.com", EmailAddress::as_str);
        check("NZD", Currency::as_str);
        let country = CountryCode::try_from("NZ".to_owned()).unwrap();
        assert_eq!((country.as_str(), country.to_string().as_str()), ("NZ", "NZ"));
    }
}
