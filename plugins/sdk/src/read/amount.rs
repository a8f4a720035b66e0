//! An amount of money as sites, exports and people write it: `1.25e5`, `1,250.50`, `NZ$1 250`, `($100,000)`.

use super::plain_decimal;

/// Currencies and how they are written beside an amount. A bare `$` is that of whatever country it stands in.
const SIGNS: [(&str, &str); 15] = [
    ("AUD$", "AUD"),
    ("AU$", "AUD"),
    ("A$", "AUD"),
    ("NZD$", "NZD"),
    ("NZ$", "NZD"),
    ("USD$", "USD"),
    ("US$", "USD"),
    ("AUD", "AUD"),
    ("NZD", "NZD"),
    ("USD", "USD"),
    ("GBP", "GBP"),
    ("EUR", "EUR"),
    ("ZAR", "ZAR"),
    ("£", "GBP"),
    ("€", "EUR"),
];

/// An amount that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// The number in plain decimal notation, with a minus sign where it is below zero: `-1250.50`.
    pub number: String,
    /// The currency, ISO 4217, where the text names it.
    pub currency: Option<String>,
}

impl Amount {
    /// Reads an amount: a decimal number, whose thousands may stand apart, with a sign, a currency or an accountant's
    /// brackets around it. None where the text is anything else: a number with a decimal comma is not guessed at.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if let Some(number) = plain_decimal(text) {
            return Some(Self { number, currency: None });
        }
        let plain: String = text.chars().map(plain).collect();
        let mut rest = plain.as_str();
        let (mut currency, mut sign) = (None, None);
        loop {
            rest = rest.trim();
            let signed = sign.is_none().then(|| signed(rest)).flatten();
            if let Some((is_negative, unsigned)) = signed {
                (sign, rest) = (Some(is_negative), unsigned);
            } else if let Some((code, amount)) = with_currency(rest) {
                if currency.as_ref().is_some_and(|known| *known != code) {
                    return None;
                }
                (currency, rest) = (Some(code), amount);
            } else if let Some(amount) = rest.strip_prefix('$').or_else(|| rest.strip_suffix('$')) {
                rest = amount;
            } else {
                break;
            }
        }
        if !rest.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return None;
        }
        let number = plain_decimal(&joined(rest)?)?;
        let is_zero = !number.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        let minus = if sign == Some(true) && !is_zero { "-" } else { "" };
        Some(Self { number: format!("{minus}{number}"), currency })
    }
}

/// The code of ISO 4217 that a text names: `aud`, `A$`. None where it names none.
#[must_use]
pub fn currency_code(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Some(text.to_ascii_uppercase());
    }
    let signs = SIGNS.iter().chain([&("R", "ZAR")]);
    let known = signs.into_iter().find(|(sign, _)| sign.eq_ignore_ascii_case(text));
    known.map(|(_, code)| (*code).to_owned())
}

/// The character as a keyboard has it: dashes that stand for minus, wide forms, blanks of every width.
fn plain(c: char) -> char {
    match c {
        '−' | '–' | '‒' => '-',
        '’' => '\'',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// The text behind or before a sign or in brackets, and whether it is below zero.
fn signed(text: &str) -> Option<(bool, &str)> {
    if let Some(unsigned) = text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
        return Some((true, unsigned));
    }
    if let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return Some((true, inside));
    }
    text.strip_prefix('+').map(|unsigned| (false, unsigned))
}

/// The currency beside an amount, and the amount.
fn with_currency(text: &str) -> Option<(String, &str)> {
    for (sign, code) in SIGNS {
        if let Some(amount) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return Some((code.to_owned(), amount));
        }
    }
    // The rand's sign is a letter, which begins other words, too.
    if let Some(amount) =
        text.strip_prefix('R').filter(|rest| rest.starts_with([' ', '-', '.']) || starts_with_digit(rest))
    {
        return Some(("ZAR".to_owned(), amount));
    }
    let is_code = |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    let first = text.split_once(' ');
    let last = text.rsplit_once(' ').map(|(amount, code)| (code, amount));
    let (code, amount) = [first, last].into_iter().flatten().find(|(code, _)| is_code(code))?;
    Some((code.to_owned(), amount))
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

/// The number without what stands between its thousands: the same mark each time, behind one to three digits, with
/// three behind it. Behind blanks between the thousands a comma before two digits is the decimal one: `1 250,50`.
fn joined(number: &str) -> Option<String> {
    let decimal = number.rsplit_once(',').filter(|(whole, cents)| {
        whole.contains(' ')
            && !whole.contains([',', '.'])
            && cents.len() == 2
            && cents.bytes().all(|b| b.is_ascii_digit())
    });
    let split = decimal.or_else(|| number.split_once('.'));
    let (whole, fraction) = split.map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let Some(mark) = whole.chars().find(|c| matches!(c, ',' | ' ' | '\'')) else {
        return Some(number.to_owned());
    };
    let mut groups = whole.split(mark);
    let first = groups.next().unwrap_or_default();
    let is_group = |group: &str| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=3).contains(&first.len()) || !is_digits(first) || !groups.all(is_group) {
        return None;
    }
    let whole = whole.replace(mark, "");
    match fraction {
        None => Some(whole),
        Some(fraction) if is_digits(fraction) => Some(format!("{whole}.{fraction}")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, currency_code};

    #[track_caller]
    fn check(text: &str, number: &str, currency: Option<&str>) {
        let amount = Amount::read(text).unwrap_or_else(|| panic!("{text:?} is not read"));
        assert_eq!((amount.number.as_str(), amount.currency.as_deref()), (number, currency), "{text:?}");
    }

    #[test]
    fn amounts_are_read_in_the_forms_that_people_use() {
        check("1.25e5", "125000", None);
        check("1,250.50", "1250.50", None);
        check("12,345,678", "12345678", None);
        check("$1,250", "1250", None);
        check("1 250", "1250", None);
        check("1\u{a0}250\u{a0}000.5", "1250000.5", None);
        check("1\u{202f}250", "1250", None);
        check("1'250", "1250", None);
        check("100.", "100", None);
        check("NZ$1,250", "1250", Some("NZD"));
        check("AUD 1,250.50", "1250.50", Some("AUD"));
        check("1250 AUD", "1250", Some("AUD"));
        check("AUD $1,250", "1250", Some("AUD"));
        check("SGD 100", "100", Some("SGD"));
        check("£99", "99", Some("GBP"));
        check("１，２５０", "1250", None);
        check("1,250.", "1250", None);
        check("999,250", "999250", None);
        check("$.50", "0.50", None);
        check("100$", "100", None);
        check("$ 5 ", "5", None);
        check("AUD A$ 5", "5", Some("AUD"));
        check("5 € EUR", "5", Some("EUR"));
        check("R1 234,50", "1234.50", Some("ZAR"));
        check("R 1\u{a0}234\u{a0}567,05", "1234567.05", Some("ZAR"));
        check("R1,234.50", "1234.50", Some("ZAR"));
        check("-R250", "-250", Some("ZAR"));
        check("ZAR 99", "99", Some("ZAR"));
        check("RUB 99", "99", Some("RUB"));
        check("1 234,50", "1234.50", None);
    }

    #[test]
    fn signs_and_brackets_are_below_zero() {
        check("($100,000)", "-100000", None);
        check("$(100,000.00)", "-100000.00", None);
        check("(A$100)", "-100", Some("AUD"));
        check("( 100 )", "-100", None);
        check("-$100", "-100", None);
        check("$-100", "-100", None);
        check("−1,000", "-1000", None);
        check("100-", "-100", None);
        check("+$100", "100", None);
        check("($0.00)", "0.00", None);
        check("($0.01)", "-0.01", None);
        check("–5", "-5", None);
        check("‒5", "-5", None);
        check("1’250", "1250", None);
        check("（５）", "-5", None);
    }

    #[test]
    fn what_can_be_read_in_two_ways_or_none_is_none() {
        for text in [
            "",
            "$",
            "12,5",
            "1,25.50",
            "1,2345",
            "1.250,50",
            "1,250 500",
            ",250",
            "1250,500",
            "100k",
            "1.5m",
            "ten",
            "TBA",
            "--100",
            "(-100)",
            "-(100)",
            "(100",
            "100)",
            "$100 pa",
            "100/200",
            "AUD 100 NZD",
            "1,000e3",
            "1,000.5e3",
            "1,000.5,0",
            "1234,000",
            "1,00a",
            "a,000",
            "+-5",
            "5 aud",
            "5 AUDX",
            "A1D 5",
            "AUD",
            "$1e",
            "1 2",
            "a100",
            "1 234,5",
            "1 23,50",
            "1,234 567,50",
            "Rand 5",
            "R",
        ] {
            assert_eq!(Amount::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn currencies_are_named_by_code_or_sign() {
        for (text, code) in [("AUD", "AUD"), (" aud ", "AUD"), ("a$", "AUD"), ("NZ$", "NZD"), ("€", "EUR")] {
            assert_eq!(currency_code(text).as_deref(), Some(code), "{text}");
        }
        assert_eq!(currency_code("R").as_deref(), Some("ZAR"));
        for (text, code) in [("sgd", "SGD"), ("aud$", "AUD"), ("us$", "USD"), ("£", "GBP")] {
            assert_eq!(currency_code(text).as_deref(), Some(code), "{text}");
        }
        for text in ["", "$", "Dollars", "A1D", "AU", "AUDX", "£5", "€£"] {
            assert_eq!(currency_code(text), None, "{text}");
        }
    }
}
