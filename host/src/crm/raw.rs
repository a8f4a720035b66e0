//! Raw records put together for the mapping, from the pieces of the CRM's answers.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_128;

use super::{CrmError, RawPart, RawRecord, RawText, repair};

/// The largest record that is mapped and kept, in bytes: hundreds of times the usual.
pub(super) const LARGEST_RECORD: usize = 1 << 20;

impl RawRecord {
    /// The most bytes that it has as the mapping takes it.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.name.len() + part.text.len() + 4).sum::<usize>()
    }

    /// The record as the mapping takes it: `{"row":…,"contact":…}`, its strings repaired where they are damaged.
    ///
    /// # Errors
    /// [`CrmError::Protocol`] where it cannot be used as it came or an escaped piece is no valid JSON string;
    /// [`CrmError::TooLarge`] for a record above [`LARGEST_RECORD`].
    pub fn to_json(&self) -> Result<Vec<u8>, CrmError> {
        let length = self.len();
        if let Some(message) = &self.fault {
            return Err(CrmError::Protocol { message: message.clone() });
        }
        if length > LARGEST_RECORD {
            let message = format!("the record has {length} bytes, and a record may have {LARGEST_RECORD}");
            return Err(CrmError::TooLarge { message });
        }
        let mut json = Vec::with_capacity(length + 2);
        for part in &self.parts {
            json.push(if json.is_empty() { b'{' } else { b',' });
            json.push(b'"');
            json.extend_from_slice(part.name.as_bytes());
            json.extend_from_slice(b"\":");
            match &part.text {
                RawText::Plain(text) => json.extend_from_slice(text),
                RawText::Escaped(text) => unescape(text, &mut json).ok_or_else(|| {
                    let message = format!("the list `{}` of {} is no valid JSON string", part.name, self.id);
                    CrmError::Protocol { message }
                })?,
            }
        }
        json.push(b'}');
        // Only what is mapped comes here, and what stood in a string inside a string is seen only now.
        if repair::may_be_damaged(&json)
            && let Some(repaired) = repair::strings(&json)
        {
            json = repaired;
        }
        Ok(json)
    }
}

impl RawRecord {
    /// Whether there is nothing in it but empty lists and lists of the site itself.
    pub fn is_empty(&self) -> bool {
        self.fault.is_none() && self.parts.iter().all(|part| part.name.starts_with('/') || part.text.is_empty_list())
    }
}

impl RawRecord {
    /// Whether there is no entry in a list of it.
    pub fn is_without(&self, list: &str) -> bool {
        let mut parts = self.parts.iter();
        parts.find(|part| part.name == list).is_none_or(|part| part.text.is_empty_list())
    }

    /// Puts in the entries of these lists as the mapping took them `before`. Answers the lists that had any; none where
    /// what came before is no record.
    pub fn keep_lists(&mut self, before: &Bytes, lists: &[String]) -> Option<Vec<String>> {
        let parts: HashMap<String, &RawValue> = serde_json::from_slice(before).ok()?;
        let mut kept = Vec::new();
        for name in lists {
            let Some(text) = parts.get(name).map(|text| text.get().as_bytes()) else { continue };
            if text.starts_with(b"[") && !is_empty_list(text) {
                let text = RawText::Plain(before.slice_ref(text));
                self.parts.retain(|part| part.name != *name);
                self.parts.push(RawPart { name: name.clone(), text });
                kept.push(name.clone());
            }
        }
        Some(kept)
    }
}

/// Whether there is no entry in a list, as it is or inside a string literal, where white space is escaped.
pub(super) fn is_empty_list(text: &[u8]) -> bool {
    text.starts_with(b"[") && text[1..].iter().all(|byte| b" \t\r\n\\trn]".contains(byte))
}

impl RawText {
    fn is_empty_list(&self) -> bool {
        let (Self::Plain(text) | Self::Escaped(text)) = self;
        is_empty_list(text)
    }

    /// XXH3-128 over the text as it came.
    pub(super) fn digest(&self) -> u128 {
        let (Self::Plain(text) | Self::Escaped(text)) = self;
        xxh3_128(text)
    }

    fn len(&self) -> usize {
        let (Self::Plain(text) | Self::Escaped(text)) = self;
        text.len()
    }
}

/// Appends what a JSON string literal stands for, given its inside; half a surrogate pair stands for nothing readable.
/// None where an escape is no valid one.
fn unescape(mut text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    while let Some(at) = memchr::memchr(b'\\', text) {
        out.extend_from_slice(&text[..at]);
        let (&escape, rest) = text[at + 1..].split_first()?;
        text = rest;
        match escape {
            b'"' | b'\\' | b'/' => out.push(escape),
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'u' => {
                let character = code_point(&mut text)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return None,
        }
    }
    out.extend_from_slice(text);
    Some(())
}

/// The character whose four digits, or the surrogate pair whose digits, `text` begins with.
fn code_point(text: &mut &[u8]) -> Option<char> {
    let first = code_unit(text)?;
    let mut rest = *text;
    if (0xd800..0xdc00).contains(&first)
        && rest.split_off(..2) == Some(br"\u".as_slice())
        && let Some(low @ 0xdc00..0xe000) = code_unit(&mut rest)
    {
        *text = rest;
        return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00));
    }
    Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn code_unit(text: &mut &[u8]) -> Option<u32> {
    let (digits, rest) = text.split_at_checked(4)?;
    *text = rest;
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ExternalId;

    fn unescaped(text: &str) -> Option<String> {
        let mut out = Vec::new();
        unescape(text.as_bytes(), &mut out)?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn escapes_are_undone() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(unescaped(text).as_deref(), expected, "{text}");
        check("plain", Some("plain"));
        check(r#"[{\"value\":\"a\\nb\"}]"#, Some(r#"[{"value":"a\nb"}]"#));
        check(r"\u0101\ud83d\ude00\/", Some("ā😀/"));
        check(r"\ud83d", Some("\u{fffd}"));
        check(r"\ud83dA", Some("\u{fffd}A"));
        check(r"\ud83d\u0041", Some("\u{fffd}A"));
        check(r"\ud83d\n", Some("\u{fffd}\n"));
        check(r"\udc00", Some("\u{fffd}"));
        check(r"\ud83d\ud83d\ude00", Some("\u{fffd}😀"));
        check(r"\u12", None);
        check(r"\x", None);
        check("\\", None);
    }

    #[test]
    fn a_list_is_empty_however_it_is_written() {
        for empty in ["[]", "[ ]", "[\n]", r"[\n\t]", "[] "] {
            assert!(is_empty_list(empty.as_bytes()), "{empty}");
        }
        for other in ["[1]", "[{}]", "[null]", r#"[\"t\"]"#, "", "{}", "null"] {
            assert!(!is_empty_list(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn what_a_list_held_is_put_in_place_of_nothing() {
        let part =
            |name: &str, text: &'static str| RawPart { name: name.to_owned(), text: RawText::Plain(text.into()) };
        let parts = vec![part("row", "{}"), part("contact", "[]")];
        let mut record = RawRecord { id: ExternalId("7".to_owned()), fingerprint: 0, parts, fault: None };
        let lists = ["contact", "address", "other"].map(str::to_owned).to_vec();
        assert!(lists.iter().all(|list| record.is_without(list)));
        let before = Bytes::from_static(br#"{"row":{"id":7},"contact":[1],"address":[2],"other":[]}"#);
        assert_eq!(record.keep_lists(&before, &lists).unwrap(), ["contact", "address"]);
        assert_eq!(record.to_json().unwrap(), br#"{"row":{},"contact":[1],"address":[2]}"#);
        let other = ["other".to_owned()];
        assert_eq!(record.keep_lists(&before, &other), Some(Vec::new()));
        for damaged in ["", "[]", r#"{"row":{},"other":[1,}"#] {
            assert_eq!(record.keep_lists(&damaged.into(), &other), None, "{damaged}");
        }
    }

    #[test]
    fn a_record_is_an_object_of_its_pieces() {
        let part = |name: &str, text| RawPart { name: name.to_owned(), text };
        let record = RawRecord {
            id: ExternalId("7".to_owned()),
            fingerprint: 0,
            parts: vec![
                part("row", RawText::Plain(Bytes::from_static(br#"{"id":7}"#))),
                part("contact", RawText::Escaped(Bytes::from_static(br#"[{\"index\":1}]"#))),
            ],
            fault: None,
        };
        assert_eq!(record.to_json().unwrap(), br#"{"row":{"id":7},"contact":[{"index":1}]}"#);
    }

    proptest! {
        #[test]
        fn undoes_whatever_a_serialiser_escapes(text in any::<String>()) {
            let literal = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescaped(&literal[1..literal.len() - 1]), Some(text));
        }
    }
}
