//! Decimal text without floating point: `1.23456e2` is `123.456`, to the last digit.

/// The most digits that the host's decimal numbers hold. More digits are no amount of anything; it bounds what an
/// exponent can make of a short text.
const MAX_DIGITS: usize = 28;

/// A decimal number in plain notation, without an exponent, leading zeros or a plus sign. Digits behind the point
/// stay as many as the number states (`1.50` stays `1.50`). None where the text is not a decimal number, or has
/// more than 28 digits when written out.
#[must_use]
pub fn plain_decimal(text: &str) -> Option<String> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    let (whole, fraction) = shift(&digits, point)?;
    let whole = whole.trim_start_matches('0');
    if whole.len() + fraction.len() > MAX_DIGITS {
        return None;
    }
    let mut plain = String::with_capacity(whole.len() + fraction.len() + 3);
    let is_zero = whole.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    if negative && !is_zero {
        plain.push('-');
    }
    plain.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        plain.push('.');
        plain.push_str(&fraction);
    }
    Some(plain)
}

/// Digits with the point behind the first `point` of them, filled up with zeros where there are too few.
fn shift(digits: &str, point: i64) -> Option<(String, String)> {
    // Leading zeros may be as many again.
    let length = usize::try_from(point.unsigned_abs()).ok()?;
    if length > 2 * MAX_DIGITS || digits.len() > 2 * MAX_DIGITS {
        return None;
    }
    if point <= 0 {
        let fraction = "0".repeat(length) + digits;
        return Some((String::new(), fraction));
    }
    if length >= digits.len() {
        let whole = digits.to_owned() + &"0".repeat(length - digits.len());
        return Some((whole, String::new()));
    }
    Some((digits[..length].to_owned(), digits[length..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::plain_decimal;

    #[track_caller]
    fn check(text: &str, plain: Option<&str>) {
        assert_eq!(plain_decimal(text).as_deref(), plain, "{text:?}");
    }

    #[test]
    fn exponents_are_written_out_exactly() {
        check("1.23456e2", Some("123.456"));
        check("1E+3", Some("1000"));
        check("-1e5", Some("-100000"));
        check("1.5e-3", Some("0.0015"));
        check("12e-2", Some("0.12"));
        check("123456789012345678.25", Some("123456789012345678.25"));
        check("0.1e1", Some("1"));
        check("100", Some("100"));
        check("1.50", Some("1.50"));
        check("+007.0", Some("7.0"));
        check(".5", Some("0.5"));
        check("0e3", Some("0"));
        check("-0.00", Some("0.00"));
    }

    #[test]
    fn what_is_not_a_decimal_number_is_none() {
        check("", None);
        check(".", None);
        check("1,000", None);
        check("1e", None);
        check("1e5.5", None);
        check("NaN", None);
        check("٣", None);
        check("1e999999999", None);
        check("1e-2147483648", None);
        check(&"9".repeat(28), Some(&"9".repeat(28)));
        check(&"9".repeat(29), None);
        check("1e28", None);
        check("1e-29", None);
    }

    #[test]
    fn a_number_has_as_many_digits_as_the_host_keeps() {
        let (fourteen, fifteen) = ("1".repeat(14), "2".repeat(15));
        check(&format!("{fourteen}.{fourteen}"), Some(&format!("{fourteen}.{fourteen}")));
        check(&format!("{fourteen}.{fifteen}"), None);
        check("1e27", Some(&format!("1{}", "0".repeat(27))));
        check("1e-28", Some(&format!("0.{}1", "0".repeat(27))));
        // Zeros before a number do not count, and may be as many again; more are no slip.
        let zeros = |count: usize, rest: &str| "0".repeat(count) + rest;
        check(&zeros(55, "1"), Some("1"));
        check(&zeros(56, "1"), None);
        check(&zeros(60, "1e-20"), None);
        check("0e55", Some("0"));
        check("0e56", None);
        check(".0e-29", None);
    }

    #[test]
    fn the_point_stands_anywhere() {
        check("12345e-5", Some("0.12345"));
        check("12345e-4", Some("1.2345"));
        check("12345e-6", Some("0.012345"));
        check("12.345e3", Some("12345"));
        check("12.345e2", Some("1234.5"));
        check("12.345e4", Some("123450"));
        check("-12.5", Some("-12.5"));
        check("-0", Some("0"));
        check("-0.001", Some("-0.001"));
        check("+5", Some("5"));
        check("5.", Some("5"));
        check(" 5 ", Some("5"));
        check("--5", None);
        check("-", None);
        check("1.2.3", None);
    }
}
