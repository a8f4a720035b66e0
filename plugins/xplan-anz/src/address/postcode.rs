//! The postcode: of the home country by its pattern, of other countries as it is written.

use tidegate_sdk::LineageRecorder;
use xplan::{AddressField as F, Value};

use super::AddressRow;
use crate::mapping::AddressMapping;

const FIELD: &str = "postcode";

/// The country and region of an address, as far as they are known.
#[derive(Clone, Copy)]
pub(super) struct Whereabouts<'a> {
    pub country: Option<&'a str>,
    pub state: Option<&'a str>,
}

pub(super) fn map(
    form: &AddressMapping,
    row: AddressRow<'_, '_>,
    at: Whereabouts<'_>,
    recorder: &mut LineageRecorder,
) -> Option<String> {
    recorder.origin(FIELD, || row.origin(F::Postcode, None));
    let text = match row.get(F::Postcode) {
        Value::Number(number) => number.to_string(),
        _ => row.text(F::Postcode, FIELD, recorder)?.into_owned(),
    };
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // A spreadsheet makes `800.0` of a number.
    let joined = joined.strip_suffix(".0").unwrap_or(&joined);
    let home = &form.home_country;
    let at_home = at.country == Some(home);
    let own = form.postcodes.iter().find(|pattern| at_home && fits(joined, pattern));
    if let Some(pattern) = own {
        return Some(written(joined, pattern));
    }
    if let Some((place, whole)) = with_leading_zero(form, at, joined) {
        let rule = || Some(format!("/client/address_form/leading_zeros/{place}"));
        recorder.origin(FIELD, || row.origin(F::Postcode, rule()));
        recorder.info(
            FIELD,
            "leading-zero-restored",
            format!("“{text}” has lost its leading zero: postcodes of {place} begin so. It was read as {whole}."),
        );
        return Some(whole);
    }
    if !at_home {
        return Some(text);
    }
    recorder.warn(
        FIELD,
        "bad-postcode",
        format!(
            "“{text}” is no postcode of {home} (pattern {}); it was left out. Correct it in Xplan.",
            form.postcodes.join(", ")
        ),
    );
    None
}

/// The postcode with the zeros that a number has not got, and the place in the rules that has such postcodes: Darwin's
/// 0800 is 800, but 305 is no postcode of Victoria's. Where no state is told, any of the country's will do. As many zeros are
/// given back as a pattern begins with.
fn with_leading_zero<'f>(form: &'f AddressMapping, at: Whereabouts<'_>, digits: &str) -> Option<(&'f str, String)> {
    let is_there = |place: &str| {
        let (country, state) = place.split_once('-').map_or((place, None), |(country, state)| (country, Some(state)));
        let is_state = state.is_none() || at.state.is_none() || state == at.state;
        at.country == Some(country) && is_state
    };
    let whole = |pattern: &String| {
        let zeros = pattern.len() - pattern.trim_start_matches('0').len();
        Some(format!("{}{digits}", "0".repeat(zeros))).filter(|whole| zeros > 0 && fits(whole, pattern))
    };
    let known = form.leading_zeros.iter().filter(|(place, _)| is_there(place));
    known.into_iter().find_map(|(place, patterns)| Some((place.as_str(), patterns.iter().find_map(whole)?)))
}

/// Whether a text without blanks fits a pattern: `9` in it stands for a digit, `A` for a letter, a blank for nothing,
/// anything else for itself.
fn fits(text: &str, pattern: &str) -> bool {
    let wanted = || pattern.chars().filter(|wanted| *wanted != ' ');
    text.chars().count() == wanted().count()
        && text.chars().zip(wanted()).all(|(c, wanted)| match wanted {
            '9' => c.is_ascii_digit(),
            'A' => c.is_ascii_alphabetic(),
            wanted => c == wanted,
        })
}

/// A text that fits the pattern, as the pattern writes it: in capitals, with its blanks.
fn written(text: &str, pattern: &str) -> String {
    let mut rest = text.chars();
    let own = |wanted: char| if wanted == ' ' { Some(' ') } else { rest.next().map(|c| c.to_ascii_uppercase()) };
    pattern.chars().filter_map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::{fits, written};

    #[test]
    fn a_postcode_fits_its_pattern() {
        assert!(fits("3053", "9999"));
        assert!(fits("0800", "0899"));
        assert!(fits("A1-2", "A9-9"));
        assert!(!fits("305", "9999"));
        assert!(!fits("30533", "9999"));
        assert!(!fits("305x", "9999"));
        assert!(!fits("٣٠٥٣", "9999"));
        assert!(fits("sw1a1aa", "AA9A 9AA"));
        assert!(!fits("sw1a1a", "AA9A 9AA"));
        assert!(!fits("SW1A0A[", "AA9A 9AA"));
    }

    #[test]
    fn a_postcode_is_written_as_its_pattern_is() {
        assert_eq!(written("sw1a1aa", "AA9A 9AA"), "SW1A 1AA");
        assert_eq!(written("3053", "9999"), "3053");
        assert_eq!(written("M11AE", "A9 9AA"), "M1 1AE");
    }
}
