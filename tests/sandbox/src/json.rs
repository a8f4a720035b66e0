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

/// What each byte becomes inside a string: 0 itself, `u` a numbered escape, else a backslash and this letter.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[b'\n' as usize] = b'n';
    escapes[b'\r' as usize] = b'r';
    escapes[b'\t' as usize] = b't';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

/// Appends UTF-8 `bytes` as the inside of a JSON string; runs that need no escape are copied whole.
pub(crate) fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + bytes.len() / 4);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| ESCAPES[*byte as usize] != 0) {
        out.extend_from_slice(&rest[..at]);
        match ESCAPES[rest[at] as usize] {
            b'u' => out.extend_from_slice(format!("\\u{:04x}", rest[at]).as_bytes()),
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_as_it_was() {
        for original in ["", "plain", "\"\\\"", "a\nb\r\n\tc", "\u{1}\u{1f}\u{7f}", "Māori 王 \u{2019}", "\\\\\""] {
            let mut out = Vec::new();
            text(&mut out, original);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), original);
        }
    }

    #[test]
    fn numbers_have_all_their_digits() {
        for original in [0, 7, 10, 30_001, u32::MAX] {
            let mut out = Vec::new();
            number(&mut out, original);
            assert_eq!(String::from_utf8(out).unwrap(), original.to_string());
        }
    }
}
