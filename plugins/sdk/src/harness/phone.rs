//! The host's services natively: telephone numbers with libphonenumber's metadata, log lines on standard error.

use phonenumber::{Mode, Type, country, metadata::DATABASE};

use crate::{Host, LineType, LogLevel, PhoneNumber, PhoneProblem};

/// A host for native runs. It answers about telephone numbers as the real host does.
pub struct NativeHost;

impl Host for NativeHost {
    fn parse_phone(&self, text: &str, region: Option<&str>) -> Result<PhoneNumber, PhoneProblem> {
        // No keypad letters: they make a stranger's number of a slip.
        if text.chars().any(char::is_alphabetic) {
            return Err(PhoneProblem::NotANumber);
        }
        let region: Option<country::Id> = region.and_then(|region| region.parse().ok());
        if region.is_none() && !text.trim_start().starts_with('+') {
            return Err(PhoneProblem::NoCountryCode);
        }
        let number = phonenumber::parse(region, text).map_err(|_| PhoneProblem::NotANumber)?;
        if !number.is_valid() {
            return Err(PhoneProblem::NotValid);
        }
        Ok(PhoneNumber {
            e164: number.format().mode(Mode::E164).to_string(),
            line: match number.number_type(&DATABASE) {
                Type::Mobile => LineType::Mobile,
                Type::FixedLine => LineType::FixedLine,
                Type::FixedLineOrMobile => LineType::FixedLineOrMobile,
                _ => LineType::Other,
            },
            region: number.country().id().map(|id| id.as_ref().to_owned()),
        })
    }

    fn log(&self, level: LogLevel, message: &str) {
        eprintln!("{level:?}: {message}");
    }
}
