//! Australia's tax file number: nine digits, of older ones eight, whose weighted sum is a multiple of eleven.

use super::{Checked, bad_check_digit, digits, weighed, written};
use crate::refusal::Refusal;

const WEIGHTS: [u32; 9] = [1, 4, 3, 7, 5, 8, 6, 9, 10];

const WEIGHTS_OF_EIGHT: [u32; 8] = [10, 7, 8, 4, 6, 3, 5, 1];

pub(super) fn tax_file_number(text: &str) -> Result<Checked, Refusal> {
    let digits = digits(text, &[8, 9], "is no tax file number: that has eight or nine digits")?;
    let sum = match digits.len() {
        8 => weighed(&digits, &WEIGHTS_OF_EIGHT),
        _ => weighed(&digits, &WEIGHTS),
    };
    if sum.is_multiple_of(11) { Ok(Checked::plain(written(&digits))) } else { Err(bad_check_digit()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests;

    #[test]
    fn a_tax_file_number_has_its_sum() {
        let check = |text, expected| tests::check("au-tax-file-number", text, expected);
        check("123 456 782", Ok("123456782"));
        check("81854402", Ok("81854402"));
        check("123456783", Err("bad-check-digit"));
        check("132456782", Err("bad-check-digit"));
        check("1234567", Err("bad-number"));
    }
}
