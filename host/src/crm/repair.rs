//! Texts that a CRM sends damaged, made readable, so that one bad piece costs itself alone.
//!
//! Serves everything that is read from a site. What cannot be read becomes [`UNREADABLE`], by which the mapping finds the
//! record and tells of it; what is read without loss (a byte order mark, an encoding that the site names, a line break
//! as it is inside a text) is no damage. A text without faults is looked at, and not copied.

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use memchr::memmem;
use serde::de::DeserializeOwned;

/// The stand-in for a character that cannot be read: U+FFFD.
pub const UNREADABLE: &str = "\u{fffd}";

/// The stand-in for a whole value that cannot be read, in its quotes. The mapping is handed null for it.
pub const UNREADABLE_VALUE: &str = "\"\u{fffd}\"";

/// The byte order mark in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// An answer as UTF-8 without byte order marks.
pub fn utf8(mut body: Bytes, content_type: &str) -> Bytes {
    while body.starts_with(MARK) {
        body = body.slice(MARK.len()..);
    }
    if std::str::from_utf8(&body).is_ok() {
        return body;
    }
    let (encoding, mark) = Encoding::for_bom(&body).unwrap_or_else(|| (named(content_type, &body), 0));
    let (text, _) = encoding.decode_without_bom_handling(&body[mark..]);
    Bytes::from(text.into_owned())
}

/// The encoding that the site names, unless some of the text is UTF-8 plainly: many a site names one that it does not
/// use, and one bad byte must not turn every other letter into two.
fn named(content_type: &str, body: &[u8]) -> &'static Encoding {
    let is_partly_utf8 = body.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    let charset = content_type
        .split(';')
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let named = charset.and_then(|(_, label)| Encoding::for_label(label.trim().trim_matches('"').as_bytes()));
    named.filter(|_| !is_partly_utf8).unwrap_or(UTF_8)
}

/// Whether a control character stands in a text as it is, be it only a line break between two values.
pub fn has_controls(text: &[u8]) -> bool {
    // In stretches that are looked at without a branch a byte.
    text.chunks(1024).any(|stretch| stretch.iter().fold(false, |found, byte| found | (*byte < 0x20)))
}

/// Numbers that some languages write and JSON has not got.
const NO_NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// Whether a number that JSON has not got may stand in a text: found quickly, and sometimes where there is nothing.
pub fn may_hold_no_number(json: &[u8]) -> bool {
    memmem::find(json, b"NaN").is_some() || memmem::find(json, b"Infinity").is_some()
}

/// Whether a JSON text may hold what no JSON text can: found quickly, and sometimes where there is nothing.
pub fn may_be_damaged(json: &[u8]) -> bool {
    let is_suspect = |at: usize| matches!(json.get(at + 2), Some(b'd' | b'D')) || json[at + 2..].starts_with(b"0000");
    has_controls(json) || may_hold_no_number(json) || memmem::find_iter(json, br"\u").any(is_suspect)
}

/// A JSON text (in UTF-8) whose strings hold characters only, and whose numbers are some: NaN and the infinities become
/// the text [`UNREADABLE`], which no mapping takes for a value; halves of surrogate pairs, NUL and other control characters
/// and escapes that are none become [`UNREADABLE`], line breaks and tabs as they are become escapes. None where there is
/// nothing to do.
pub fn strings(json: &[u8]) -> Option<Vec<u8>> {
    let mut repaired = Vec::new();
    let (mut at, mut kept, mut is_inside) = (0, 0, false);
    while let Some(&byte) = json.get(at) {
        let (length, instead) = match byte {
            b'"' => {
                is_inside = !is_inside;
                (1, None)
            }
            b'\\' if is_inside => escape(&json[at..]),
            b'\n' if is_inside => (1, Some(r"\n")),
            b'\r' if is_inside => (1, Some(r"\r")),
            b'\t' if is_inside => (1, Some(r"\t")),
            ..0x20 if is_inside => (1, Some(UNREADABLE)),
            b'N' | b'I' | b'-' if !is_inside => no_number(&json[at..]),
            _ => (1, None),
        };
        if let Some(instead) = instead {
            repaired.extend_from_slice(&json[kept..at]);
            repaired.extend_from_slice(instead.as_bytes());
            kept = at + length;
        }
        at += length;
    }
    if kept == 0 {
        return None;
    }
    repaired.extend_from_slice(&json[kept..]);
    Some(repaired)
}

/// The length of a number that JSON has not got, and what has to stand in its place.
fn no_number(text: &[u8]) -> (usize, Option<&'static str>) {
    let found = NO_NUMBERS.iter().find(|number| text.starts_with(number));
    found.map_or((1, None), |number| (number.len(), Some(UNREADABLE_VALUE)))
}

/// The length of the escape that a text begins with, and what has to stand in its place.
fn escape(text: &[u8]) -> (usize, Option<&'static str>) {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix(br"\u")?;
        digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
    };
    match text.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => (2, None),
        Some(b'u') => match (unit(0), unit(6)) {
            (None, _) => (2, Some(UNREADABLE)),
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (12, None),
            (Some(0 | 0xd800..0xe000), _) => (6, Some(UNREADABLE)),
            _ => (6, None),
        },
        // A backslash that escapes nothing.
        _ => (1, Some(UNREADABLE)),
    }
}

/// A small JSON text read as it is; where that fails, with its strings repaired and the last of members of one name.
///
/// # Errors
/// Returns an error if it is no JSON, or none of this shape.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(json).or_else(|_| {
        let repaired = strings(json);
        let value: serde_json::Value = serde_json::from_slice(repaired.as_deref().unwrap_or(json))?;
        serde_json::from_value(value)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_encoding_becomes_utf8() {
        let check = |bytes: &[u8], content_type: &str, expected: &str| {
            let text = utf8(Bytes::copy_from_slice(bytes), content_type);
            assert_eq!(std::str::from_utf8(&text), Ok(expected), "{bytes:?} {content_type}");
        };
        let json = "application/json";
        check("[\"Māia\"]".as_bytes(), json, "[\"Māia\"]");
        check(b"\xef\xbb\xbf[1]", json, "[1]");
        check(b"\xef\xbb\xbf\xef\xbb\xbf[1]", json, "[1]");
        check(b"\xff\xfe[\0\x41\x01]\0", json, "[Ł]");
        check(b"\xfe\xff\0[\0]", json, "[]");
        check(b"[\"Ren\xe9\"]", json, "[\"Ren\u{fffd}\"]");
        check(b"[\"Ren\xe9\"]", "application/json; charset=ISO-8859-1", "[\"René\"]");
        check(b"[\"Ren\xe9\"]", "application/json; Charset=\"windows-1252\"", "[\"René\"]");
        check(b"[\"Ren\xe9\"]", "application/json; charset=none", "[\"Ren\u{fffd}\"]");
        // It says one thing and does another.
        check(b"[\"M\xc4\x81ia\",\"Ren\xe9\"]", "application/json; charset=iso-8859-1", "[\"Māia\",\"Ren\u{fffd}\"]");
    }

    #[test]
    fn strings_hold_characters_only() {
        let check = |json: &str, expected: Option<&str>| {
            let repaired = strings(json.as_bytes());
            assert_eq!(repaired.as_deref().map(|text| std::str::from_utf8(text).unwrap()), expected, "{json}");
            let is_clean = serde_json::from_str::<Value>(json).is_ok();
            assert!(is_clean || may_be_damaged(json.as_bytes()) || json.contains(r"\x"), "{json}");
            serde_json::from_slice::<Value>(repaired.as_deref().unwrap_or(json.as_bytes())).unwrap();
        };
        check(r#"{"a":"Pat"}"#, None);
        check(r#"{"a":"\u0101 \ud83d\ude00 \n \\ud83d \"\\"}"#, None);
        check("{\n\t\"a\": 1\r\n}", None);
        check(r#"["Pat \ud83d"]"#, Some("[\"Pat \u{fffd}\"]"));
        check(r#"["\ud83d\ud83d\ude00"]"#, Some("[\"\u{fffd}\\ud83d\\ude00\"]"));
        check(r#"["\udc00\u0041"]"#, Some("[\"\u{fffd}\\u0041\"]"));
        check(r#"["a\u0000b"]"#, Some("[\"a\u{fffd}b\"]"));
        check("[\"a\0b\u{1}c\"]", Some("[\"a\u{fffd}b\u{fffd}c\"]"));
        check("[\"1 High St\nCarlton\t\"]", Some(r#"["1 High St\nCarlton\t"]"#));
        check(
            r#"{"a":NaN,"b":[-Infinity,Infinity,-1]}"#,
            Some("{\"a\":\"\u{fffd}\",\"b\":[\"\u{fffd}\",\"\u{fffd}\",-1]}"),
        );
        check(r#"["NaN", "to Infinity"]"#, None);
        check(r#"["C:\xyz \u12"]"#, Some("[\"C:\u{fffd}xyz \u{fffd}12\"]"));
    }

    #[test]
    fn small_texts_are_read_with_members_that_come_twice() {
        #[derive(Deserialize, PartialEq, Debug)]
        struct One {
            id: u64,
        }
        let check = |json: &str, expected| assert_eq!(read::<One>(json.as_bytes()).ok(), expected, "{json}");
        check(r#"{"id":7}"#, Some(One { id: 7 }));
        check(r#"{"id":6,"id":7}"#, Some(One { id: 7 }));
        check("{\"name\":\"\0\",\"id\":7}", Some(One { id: 7 }));
        check(r#"{"name":"\ud83d","id":7}"#, Some(One { id: 7 }));
        check(r#"{"id":"#, None);
        check("<html>", None);
    }
}
