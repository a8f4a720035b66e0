//! Rows cut out of an answer, without copying and without understanding them.
//!
//! A row is passed on as the CRM's own bytes; read here are its id, its bookmark, and a fingerprint of the rest.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3Default;

use super::site::Answer;
use super::words;
use crate::crm::{Bookmark, CrmError};

/// A row of a list.
pub(super) struct Row<'a> {
    /// As in the answer.
    pub(super) text: &'a str,
    /// The entity's id.
    pub(super) id: &'a str,
    /// XXH3-128 over all members but the bookmark, in the order in which they came.
    pub(super) digest: u128,
    bookmark: Option<&'a RawValue>,
}

impl Row<'_> {
    /// The place in the list behind this row.
    pub(super) fn bookmark(&self) -> Option<Bookmark> {
        serde_json::from_str(self.bookmark?.get()).ok().map(Bookmark)
    }
}

/// The rows of a list.
pub(super) fn list(answer: &Answer) -> Result<Vec<Row<'_>>, CrmError> {
    let rows: Vec<&RawValue> = parsed(answer, "a JSON array of rows")?;
    rows.into_iter().map(|row| cut(row.get(), answer)).collect()
}

/// The one row of an entity.
pub(super) fn single(answer: &Answer) -> Result<Row<'_>, CrmError> {
    let row: &RawValue = parsed(answer, "an entity as a JSON object")?;
    cut(row.get(), answer)
}

/// Where the next page begins. A page with any rows has one behind it, if only an empty one: a site that gives fewer
/// rows than asked for may still have more, and to miss them would look like clients who left.
pub(super) fn next(rows: &[Row<'_>], after: Option<&Bookmark>, answer: &Answer) -> Result<Option<Bookmark>, CrmError> {
    let Some(last) = rows.last() else { return Ok(None) };
    let bookmark = last.bookmark().ok_or_else(|| unexpected(answer, "a text as the `bookmark` of the last row"))?;
    if after == Some(&bookmark) {
        let words = "the last row's bookmark leads back to the page itself; the walk would never end".to_owned();
        return Err(CrmError::Protocol { words });
    }
    Ok(Some(bookmark))
}

/// An answer's JSON, borrowed from it.
pub(super) fn parsed<'a, T: Deserialize<'a>>(answer: &'a Answer, wanted: &str) -> Result<T, CrmError> {
    // Checked once here, so that no piece is checked again.
    let text = std::str::from_utf8(&answer.body).ok();
    text.and_then(|text| serde_json::from_str(text).ok()).ok_or_else(|| unexpected(answer, wanted))
}

/// An answer that is not what was asked for.
pub(super) fn unexpected(answer: &Answer, wanted: &str) -> CrmError {
    CrmError::Protocol { words: format!("expected {wanted}, and got {}", words::outline(answer)) }
}

fn cut<'a>(text: &'a str, answer: &Answer) -> Result<Row<'a>, CrmError> {
    let members: Members<'a> =
        serde_json::from_str(text).map_err(|_| unexpected(answer, "each row as a JSON object"))?;
    let id = members.id.and_then(id).ok_or_else(|| unexpected(answer, "a number or name as the `id` of each row"))?;
    Ok(Row { text, id, digest: members.digest, bookmark: members.bookmark })
}

/// An id that can stand in an address: digits, or a plain word in quotes.
fn id(value: &RawValue) -> Option<&str> {
    let text = value.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    super::address::segment(text).ok().filter(|text| !matches!(*text, "null" | "true" | "false"))
}

/// A row's members, in either of its shapes: with `fields`, or flattened.
struct Members<'a> {
    id: Option<&'a RawValue>,
    bookmark: Option<&'a RawValue>,
    digest: u128,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members { id: None, bookmark: None, digest: 0 };
                let mut hasher = Xxh3Default::new();
                // Keys are taken raw, in their quotes: none is copied, and key and value cannot run together.
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    match key.get() {
                        "\"bookmark\"" => {
                            members.bookmark = Some(value);
                            continue;
                        }
                        "\"id\"" => members.id = Some(value),
                        _ => {}
                    }
                    hasher.update(key.get().as_bytes());
                    hasher.update(value.get().as_bytes());
                }
                members.digest = hasher.digest128();
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(body: &str) -> Answer {
        Answer { body: Bytes::copy_from_slice(body.as_bytes()), ..Answer::of(200) }
    }

    #[test]
    fn both_shapes_are_cut_out() {
        let body = r#"[ {"bookmark":"a=","id":7,"fields":{"first_name":"Pat"}} , {"id":"x-8","first_name":"Pat"} ]"#;
        let answer = answer(body);
        let rows = list(&answer).unwrap();
        assert_eq!(rows[0].text, r#"{"bookmark":"a=","id":7,"fields":{"first_name":"Pat"}}"#);
        assert_eq!((rows[0].id, rows[1].id), ("7", "x-8"));
        assert_eq!(rows[0].bookmark(), Some(Bookmark("a=".to_owned())));
        assert_eq!(rows[1].bookmark(), None);
    }

    #[test]
    fn the_digest_sees_all_but_the_bookmark() {
        let digest = |row: &str| list(&answer(&format!("[{row}]"))).unwrap()[0].digest;
        let base = digest(r#"{"bookmark":"a","id":7,"fields":{"x":1}}"#);
        assert_eq!(base, digest(r#"{"bookmark":"b","id":7,"fields":{"x":1}}"#));
        assert_eq!(base, digest(r#"{"id":7,"bookmark":"b","fields":{"x":1}}"#));
        assert_ne!(base, digest(r#"{"bookmark":"a","id":7,"fields":{"x":2}}"#));
        assert_ne!(base, digest(r#"{"bookmark":"a","id":7,"fields":{"x":1},"client_status":["Client"]}"#));
    }

    #[test]
    fn anything_else_is_refused_without_its_values() {
        let check = |body: &str, part: &str| {
            let said = list(&answer(body)).err().unwrap().to_string();
            assert!(said.contains(part) && !said.contains("Pat"), "{body}: {said}");
        };
        check("<html><body>Pat</body></html>", "expected a JSON array of rows");
        check(r#"{"rows":["Pat"]}"#, "expected a JSON array of rows");
        check(r#"["Pat"]"#, "each row as a JSON object");
        check(r#"[{"first_name":"Pat"}]"#, "`id` of each row");
        check(r#"[{"id":null}]"#, "`id` of each row");
        check(r#"[{"id":"../1"}]"#, "`id` of each row");
        check(r#"[{"id":7}"#, "expected a JSON array of rows");
    }
}
