//! Writing JSON by hand, straight into the page: text, dates, money and the wrapped types of the Resourceful dialect.
//!
//! Only the rows of the book are written this way, because a stand-in must cost less than what is measured against it.

use crate::book::Money;

/// Appends `text` as a JSON string with its quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text.as_bytes());
    out.push(b'"');
}

/// Appends UTF-8 `bytes` as the inside of a JSON string; runs that need no escape are copied whole.
pub(crate) fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        if short == 0 {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&bytes[from..]);
}

/// Appends a whole number.
pub(crate) fn number(out: &mut Vec<u8>, number: u32) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends `null`, or what `write` makes of the value.
pub(crate) fn maybe<T>(out: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        Some(value) => write(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a wrapped Date.
pub(crate) fn date(out: &mut Vec<u8>, date: &str) {
    out.extend_from_slice(br#"{"_type":"Date","_val":"#);
    text(out, date);
    out.push(b'}');
}

/// Appends a wrapped Currency around a wrapped BigDecimal.
pub(crate) fn money(out: &mut Vec<u8>, money: &Money) {
    out.extend_from_slice(br#"{"_type":"Currency","_val":{"code":"#);
    text(out, &money.code);
    out.extend_from_slice(br#","value":{"_type":"BigDecimal","_val":"#);
    text(out, &money.value);
    out.extend_from_slice(b"}}}");
}

/// Appends `true` or `false`.
pub(crate) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}
