//! The United Kingdom's National Insurance number: two letters, six digits and a letter from A to D.
//!
//! The rules are those of HMRC's manual (NIM39110): which letters a prefix has, and which prefixes are not given out. It
//! has no check digit. The last letter is often left out, and tells nobody from another.

use super::{Checked, joined};
use crate::refusal::Refusal;

/// Letters that no prefix has.
const UNUSED: &str = "DFIQUV";

/// Prefixes that are not given out.
const NOT_ALLOCATED: [&str; 7] = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"];

pub(super) fn national_insurance_number(text: &str) -> Result<Checked, Refusal> {
    let joined = joined(text);
    let refused = |code, reason: &'static str| Err(Refusal { code, reason: reason.into() });
    if !joined.is_ascii() || !matches!(joined.len(), 8 | 9) {
        return refused("bad-number", WANTED);
    }
    let (prefix, rest) = joined.split_at(2);
    let (digits, suffix) = rest.split_at(6);
    let is_letters = prefix.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_letters || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return refused("bad-number", WANTED);
    }
    if prefix == "TN" {
        let reason = "is a temporary number, which is made of a date of birth and stands for nobody alone";
        return refused("temporary-number", reason);
    }
    if prefix.contains(|letter| UNUSED.contains(letter)) || prefix.ends_with('O') || NOT_ALLOCATED.contains(&prefix) {
        return refused("unused-prefix", "begins with two letters with which no National Insurance number begins");
    }
    if !matches!(suffix, "" | "A" | "B" | "C" | "D") {
        return refused("bad-number", "ends with another letter than A, B, C or D");
    }
    Ok(Checked::plain(joined))
}

const WANTED: &str = "is no National Insurance number: that has two letters, six digits and a letter from A to D";

#[cfg(test)]
mod tests {
    use super::super::tests;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        tests::check("gb-national-insurance-number", text, expected);
    }

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        check("ab 65 43 21 d", Ok("AB654321D"));
        check("AB654321D", Ok("AB654321D"));
        check("AB-65-43-21-D", Ok("AB654321D"));
        check("AB 654321", Ok("AB654321"));
        // Prefixes that older lists have not got, and the letter O in front.
        check("RX654321", Ok("RX654321"));
        check("OA654321A", Ok("OA654321A"));
    }

    #[test]
    fn prefixes_that_are_not_given_out_are_told_apart_from_temporary_numbers() {
        check("QQ 65 43 21 C", Err("unused-prefix"));
        check("TN140361F", Err("temporary-number"));
        check("tn 14 03 61 m", Err("temporary-number"));
        for prefix in ["BG", "GB", "KN", "NK", "NT", "ZZ", "DA", "AF", "IA", "AU", "VA", "AO"] {
            check(&format!("{prefix}654321A"), Err("unused-prefix"));
        }
    }

    #[test]
    fn what_has_another_form_is_none() {
        for text in [
            "AB65432D",
            "AB6543211",
            "A1654321D",
            "AB65432ID",
            "AB654321DD",
            "654321",
            "AB６５４３２１D",
            "äb654321d",
            "",
        ] {
            check(text, Err("bad-number"));
        }
        check("AB654321E", Err("bad-number"));
    }
}
