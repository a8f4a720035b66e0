//! A file's name in a `Content-Disposition`: written for downloads, read from uploads.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, WINDOWS_1252};

/// A `Content-Disposition` (RFC 6266): a download under this name, in RFC 8187's way, and in ASCII for those that do not
/// know it. Plain ASCII without quotes or line ends, whatever the name.
pub fn disposition(file_name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || " .-_&()".contains(c) { c } else { '_' };
    let ascii: String = file_name.chars().map(plain).collect();
    let mut encoded = String::new();
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// The file's name in a `Content-Disposition` (RFC 6266), as it came over the wire. Where it is there in RFC 8187's way
/// too, that one, which has all letters.
pub fn named_by(disposition: &[u8]) -> Option<String> {
    let disposition = match str::from_utf8(disposition) {
        Ok(text) => Cow::Borrowed(text),
        // Older programs write names as their system does.
        Err(_) => WINDOWS_1252.decode_without_bom_handling(disposition).0,
    };
    let parameters = parameters(&disposition);
    let named = |wanted: &str| parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let extended = named("filename*").and_then(|(_, value)| extended(value));
    let plain = || named("filename").map(|(_, value)| encoded_words(value));
    extended.or_else(plain).filter(|name| !name.trim().is_empty())
}

/// The parameters behind the header's first word, without their quotes.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        let value = value.trim_start();
        let text = match value.strip_prefix('"') {
            Some(quoted) => {
                let (text, after) = unquoted(quoted);
                rest = after;
                text
            }
            None => {
                let (text, after) = value.split_once(';').unwrap_or((value, ""));
                rest = after;
                text.trim().to_owned()
            }
        };
        parameters.push((name.trim_matches([';', ' ', '\t']).to_owned(), text));
    }
    parameters
}

/// The file's name in the `Content-Disposition` of a form's part. Browsers write quotes and line ends of a name as `%22`,
/// `%0D` and `%0A`, and nothing else so.
pub(super) fn named_in_form(disposition: &[u8]) -> Option<String> {
    let name = named_by(disposition)?;
    Some(name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

/// The text up to the closing quote, and what follows. A backslash keeps a quote or a backslash behind it, and stands for
/// itself before anything else: programs send whole paths.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, &quoted[at + 1..]),
            '\\' if quoted[at + 1..].starts_with(['"', '\\']) => text.extend(characters.next().map(|(_, kept)| kept)),
            other => text.push(other),
        }
    }
    (text, "")
}

/// A name in which some libraries write what is not ASCII as mail programs do (RFC 2047): `=?utf-8?B?UGxhbi5wZGY=?=`. What is
/// no such word stays as it is.
fn encoded_words(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some((before, word)) = rest.split_once("=?") {
        let mut parts = word.splitn(4, '?');
        let (charset, form, encoded) = (parts.next(), parts.next(), parts.next());
        let decoded = charset.zip(form).zip(encoded).and_then(|((charset, form), encoded)| {
            let after = parts.next()?.strip_prefix('=')?;
            Some((decoded_word(charset, form, encoded)?, after))
        });
        let Some((decoded, after)) = decoded else { break };
        // Blanks between two words only part them.
        if text.is_empty() || !before.trim().is_empty() {
            text.push_str(before);
        }
        text.push_str(&decoded);
        rest = after;
    }
    text + rest
}

fn decoded_word(charset: &str, form: &str, encoded: &str) -> Option<String> {
    let bytes = match form {
        "B" | "b" => STANDARD.decode(encoded).ok()?,
        "Q" | "q" => percent_decoded(&encoded.replace('_', " ").replace('=', "%")),
        _ => return None,
    };
    let encoding = Encoding::for_label(charset.as_bytes())?;
    Some(encoding.decode_without_bom_handling(&bytes).0.into_owned())
}

/// RFC 8187: `UTF-8'en'Plan%20%E2%80%93.pdf`.
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    let encoding = Encoding::for_label(charset.as_bytes())?;
    Some(encoding.decode_without_bom_handling(&percent_decoded(text)).0.into_owned())
}

/// The bytes of a text with `%C4%81` in it; what is no pair of digits stays.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let digits = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_uploads() {
        let check = |header: &str, expected: Option<&str>| {
            assert_eq!(named_by(header.as_bytes()).as_deref(), expected, "{header}");
        };
        check("attachment; filename=\"My plan.pdf\"", Some("My plan.pdf"));
        check("attachment; filename=plan.pdf; size=3", Some("plan.pdf"));
        check("form-data; name=\"file\"; filename=\"a;b \\\"c\\\".pdf\"", Some("a;b \"c\".pdf"));
        check("attachment; filename*=UTF-8''Plan%20%E2%80%93%20M%C4%81rama.pdf", Some("Plan – Mārama.pdf"));
        check("attachment; filename=\"Plan _.pdf\"; filename*=utf-8'en'Plan%20%C4%81.pdf", Some("Plan ā.pdf"));
        check("attachment; FileName*=iso-8859-1''%A3%20rates.pdf", Some("£ rates.pdf"));
        check("attachment; filename=\"whole.pdf\"; filename*=no-such''x.pdf", Some("whole.pdf"));
        check("attachment; filename*=UTF-8''100%.pdf", Some("100%.pdf"));
        check("attachment; filename*=UTF-8''%ff%fe.pdf", Some("\u{fffd}\u{fffd}.pdf"));
        check("attachment; filename=\"C:\\plans\\2026\\a.pdf\"", Some("C:\\plans\\2026\\a.pdf"));
        check("attachment; filename=\"a\\\\b.pdf\"", Some("a\\b.pdf"));
        check("attachment; filename=\"100%22.pdf\"", Some("100%22.pdf"));
        check("attachment; filename=\"never closed.pdf", Some("never closed.pdf"));
        check("attachment; filename=\"\"", None);
        check("inline", None);
        check("attachment; filename=\"=?utf-8?B?S29hbGHDhMOWw6TDti5wZGY=?=\"", Some("KoalaÄÖäö.pdf"));
        check("attachment; filename=\"=?iso-8859-1?Q?Pl=E4ne_2026?= =?utf-8?b?LnBkZg==?=\"", Some("Pläne 2026.pdf"));
        check("attachment; filename=\"what=?what?.pdf\"", Some("what=?what?.pdf"));
        check("attachment; filename=\"=?utf-8?X?a?=.pdf\"", Some("=?utf-8?X?a?=.pdf"));
        assert_eq!(named_by(b"attachment; filename=\xe9t\xe9.pdf").as_deref(), Some("été.pdf"));
        assert_eq!(named_by("attachment; filename=café.pdf".as_bytes()).as_deref(), Some("café.pdf"));
    }

    #[test]
    fn names_in_forms_are_written_as_browsers_do() {
        let check = |header: &str, expected: &str| {
            assert_eq!(named_in_form(header.as_bytes()).as_deref(), Some(expected), "{header}");
        };
        check("form-data; name=\"file\"; filename=\"say %22hello%22.pdf\"", "say \"hello\".pdf");
        check("form-data; name=\"file\"; filename=\"two%0D%0Alines.pdf\"", "two\r\nlines.pdf");
        check("form-data; name=\"file\"; filename=\"100%20.pdf\"", "100%20.pdf");
    }

    #[test]
    fn what_is_written_is_read() {
        for name in ["Plan.pdf", "Plan – Mārama \"T\".pdf", "100 % & more; (2).pdf"] {
            assert_eq!(named_by(disposition(name).as_bytes()).as_deref(), Some(name));
        }
    }

    #[test]
    fn names_of_downloads_hold_no_quotes_and_keep_their_letters() {
        assert_eq!(
            disposition("Plan – Mārama \"T\"\r\n.pdf"),
            "attachment; filename=\"Plan _ M_rama _T___.pdf\"; \
             filename*=UTF-8''Plan%20%E2%80%93%20M%C4%81rama%20%22T%22%0D%0A.pdf"
        );
    }
}
