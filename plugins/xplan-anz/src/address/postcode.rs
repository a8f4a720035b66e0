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
    let pattern = &form.postcode;
    if at_home && fits(joined, pattern) {
        return Some(joined.to_owned());
    }
    if let Some((place, whole)) = with_leading_zero(form, at, joined) {
        let rule = || Some(format!("/client/address_form/leading_zeros/{place}"));
        recorder.origin(FIELD, || row.origin(F::Postcode, rule()));
        recorder.info(
            FIELD,
            "leading-zero-restored",
            format!("“{text}” has lost its leading zero: postcodes of {place} begin with one. It was read as {whole}."),
        );
        return Some(whole);
    }
    if !at_home {
        return Some(text);
    }
    recorder.warn(
        FIELD,
        "bad-postcode",
        format!("“{text}” is no postcode of {home} (pattern {pattern}); it was left out. Correct it in Xplan."),
    );
    None
}

/// The postcode with the zero that a number has not got, and the place in the rules that has such postcodes: Darwin's
/// 0800 is 800, but 305 is no postcode of Victoria's. Where no state is told, any of the country's will do.
fn with_leading_zero<'f>(form: &'f AddressMapping, at: Whereabouts<'_>, digits: &str) -> Option<(&'f str, String)> {
    let whole = format!("0{digits}");
    let is_there = |place: &str| {
        let (country, state) = place.split_once('-').map_or((place, None), |(country, state)| (country, Some(state)));
        let is_state = state.is_none() || at.state.is_none() || state == at.state;
        at.country == Some(country) && is_state
    };
    let known = form
        .leading_zeros
        .iter()
        .find(|(place, patterns)| is_there(place) && patterns.iter().any(|pattern| fits(&whole, pattern)));
    known.map(|(place, _)| (place.as_str(), whole.clone()))
}

/// `9` in the pattern stands for a digit, `A` for a letter, anything else for itself.
fn fits(text: &str, pattern: &str) -> bool {
    text.chars().count() == pattern.chars().count()
        && text.chars().zip(pattern.chars()).all(|(c, wanted)| match wanted {
            '9' => c.is_ascii_digit(),
            'A' => c.is_ascii_alphabetic(),
            wanted => c == wanted,
        })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_postcode_fits_its_pattern() {
        assert!(fits("3053", "9999"));
        assert!(fits("0800", "0899"));
        assert!(fits("A1-2", "A9-9"));
        assert!(!fits("305", "9999"));
        assert!(!fits("30533", "9999"));
        assert!(!fits("305x", "9999"));
        assert!(!fits("٣٠٥٣", "9999"));
    }
}
