//! The postcode: of the home country by its pattern, of other countries as it is written.

use tidegate_sdk::{Lineage, Trail};
use xplan::{AddressField as F, Value};

use super::AddressRow;
use crate::mapping::AddressMapping;

const FIELD: &str = "postcode";

pub(super) fn map<L: Lineage>(
    form: &AddressMapping,
    row: AddressRow<'_, '_>,
    at_home: bool,
    trail: &mut Trail<L>,
) -> Option<String> {
    trail.origin(FIELD, || row.origin(F::Postcode, None));
    let text = match row.get(F::Postcode) {
        // A number has lost the zeros that a postcode may begin with: Darwin's 0800.
        Value::Number(number) => format!("{:0>width$}", number.to_string(), width = form.postcode.len()),
        _ => row.text(F::Postcode, FIELD, trail)?.into_owned(),
    };
    if !at_home {
        return Some(text);
    }
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let pattern = &form.postcode;
    if fits(&joined, pattern) {
        return Some(joined);
    }
    let home = &form.home_country;
    trail.warn(
        FIELD,
        "bad-postcode",
        format!("“{text}” is no postcode of {home} (pattern {pattern}); it was left out. Correct it in Xplan."),
    );
    None
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
        assert!(fits("A1-2", "A9-9"));
        assert!(!fits("305", "9999"));
        assert!(!fits("30533", "9999"));
        assert!(!fits("305x", "9999"));
        assert!(!fits("٣٠٥٣", "9999"));
    }
}
