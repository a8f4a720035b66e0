//! Rows cut out of an answer, without copying and without understanding them.
//!
//! A row is passed on as the CRM's own bytes; read here are its id, its bookmark, and a fingerprint of the rest.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3Default;

use super::answer::Answer;
use super::{messages, pieces};
use crate::crm::repair::UNREADABLE;
use crate::crm::{Bookmark, CrmError};
use crate::domain::ExternalId;

/// A row of a list.
pub(super) struct Row<'a> {
    /// The text, as in the answer.
    pub(super) text: &'a str,
    /// The entity's id.
    pub(super) id: &'a str,
    /// XXH3-128 over all members but the bookmark, in the order in which they came.
    pub(super) digest: u128,
    bookmark: Option<&'a RawValue>,
}

/// The rows of a list.
pub(super) struct RowList<'a> {
    /// The rows that name a record.
    pub(super) rows: Vec<Row<'a>>,
    /// The rows that name a record and are no JSON: its id, and why.
    pub(super) failed: Vec<(&'a str, CrmError)>,
    /// The number of rows that name no record.
    pub(super) unreadable: u64,
    /// The last one that leads anywhere, if there is any row.
    last_bookmark: Option<Option<&'a RawValue>>,
}

impl<'a> RowList<'a> {
    /// Takes in a row's bookmark. One that is none, or damaged, leaves the one before it: the rows since then come again.
    fn note(&mut self, bookmark: Option<&'a RawValue>) {
        let leads_on = |text: &str| text.starts_with('"') && !text.contains(UNREADABLE);
        let bookmark = bookmark.filter(|bookmark| leads_on(bookmark.get()));
        self.last_bookmark = Some(bookmark.or(self.last_bookmark.flatten()));
    }

    /// Sets entities aside whose id is no number as the site gives them: nobody could ask for them by it.
    fn set_others_aside(&mut self) {
        let failed = &mut self.failed;
        self.rows.retain(|row| {
            let is_one = ExternalId::is_one(row.id);
            if !is_one {
                let message = format!("its ID `{}` is not a number, by which the site could be asked for it", row.id);
                failed.push((row.id, CrmError::Protocol { message }));
            }
            is_one
        });
    }

    /// Whether no row has a bookmark at all, as in a list that comes without pages.
    pub(super) fn is_unpaged(&self) -> bool {
        self.rows.iter().all(|row| row.bookmark.is_none())
    }

    /// Whether the last row says where the next page begins.
    fn goes_on(&self) -> bool {
        self.last_bookmark.flatten().is_some_and(|bookmark| bookmark.get().starts_with('"'))
    }
}

/// The rows of a list. One that names no record is counted; where none does, nor says where the next page begins, the
/// answer is something else. Where most rows are damaged, the answer is, or the site.
pub(super) fn list(answer: &Answer) -> Result<RowList<'_>, CrmError> {
    let mut list = names(answer)?;
    list.set_others_aside();
    if list.failed.len() > list.rows.len() { Err(list.failed.swap_remove(0).1) } else { Ok(list) }
}

/// The same, however many rows are damaged.
pub(super) fn names(answer: &Answer) -> Result<RowList<'_>, CrmError> {
    let texts: Vec<&str> = match parsed::<Vec<&RawValue>>(answer, "a JSON array of rows") {
        Ok(rows) => rows.into_iter().map(RawValue::get).collect(),
        Err(error) => {
            let text = std::str::from_utf8(&answer.body).unwrap_or_default();
            pieces::of(text, b'[').ok_or(error)?
        }
    };
    let rows = Vec::with_capacity(texts.len());
    let mut list = RowList { rows, failed: Vec::new(), unreadable: 0, last_bookmark: None };
    let mut first_error = None;
    for text in texts {
        match cut(text, answer) {
            Ok(row) => {
                list.note(row.bookmark);
                list.rows.push(row);
            }
            Err(NoRow { bookmark, id: Some(id), error }) => {
                list.note(bookmark);
                list.failed.push((id, error));
            }
            Err(NoRow { bookmark, id: None, error }) => {
                list.note(bookmark);
                list.unreadable += 1;
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if list.rows.is_empty() && list.failed.is_empty() && !list.goes_on() => Err(error),
        _ => Ok(list),
    }
}

/// The rows of a list in which a note is looked for: to miss one that cannot be read would make it twice.
pub(super) fn list_of_notes(answer: &Answer) -> Result<RowList<'_>, CrmError> {
    let list = names(answer)?;
    if list.unreadable > 0 || !list.failed.is_empty() {
        Err(unexpected(answer, "the `id` of each note"))
    } else {
        Ok(list)
    }
}

/// The one row of an entity.
pub(super) fn single(answer: &Answer) -> Result<Row<'_>, CrmError> {
    let row: &RawValue = parsed(answer, "an entity as a JSON object")?;
    cut(row.get(), answer).map_err(|no_row| no_row.error)
}

/// The bookmark where the next page begins. A page with any rows has one behind it, if only an empty one: a site that
/// gives fewer rows than asked for may still have more, and to miss them would look like clients who left.
pub(super) fn next(
    list: &RowList<'_>,
    after: Option<&Bookmark>,
    answer: &Answer,
) -> Result<Option<Bookmark>, CrmError> {
    let Some(last) = list.last_bookmark else { return Ok(None) };
    let bookmark = last.and_then(|last| serde_json::from_str(last.get()).ok()).map(Bookmark);
    let bookmark = bookmark.ok_or_else(|| unexpected(answer, "a text as the `bookmark` of the last row"))?;
    if after == Some(&bookmark) {
        let message = "the last row's bookmark leads back to the page itself; the walk would never end".to_owned();
        return Err(CrmError::Protocol { message });
    }
    Ok(Some(bookmark))
}

/// An answer's JSON, borrowed from it.
pub(super) fn parsed<'a, T: Deserialize<'a>>(answer: &'a Answer, wanted: &str) -> Result<T, CrmError> {
    // Checked once here, so that no piece is checked again.
    let text = std::str::from_utf8(&answer.body).map_err(|_| unexpected(answer, wanted))?;
    serde_json::from_str(text).map_err(|error| match unexpected(answer, wanted) {
        // What begins well and is damaged further on may come whole another time, or in smaller pieces.
        CrmError::Protocol { message } if !error.is_data() && text.trim_start().starts_with(['[', '{']) => {
            CrmError::Unknown { message }
        }
        unexpected => unexpected,
    })
}

/// An answer that is not what was asked for.
pub(super) fn unexpected(answer: &Answer, wanted: &str) -> CrmError {
    CrmError::Protocol { message: format!("expected {wanted}, and got {}", messages::outline(answer)) }
}

/// A row that cannot be used.
struct NoRow<'a> {
    bookmark: Option<&'a RawValue>,
    /// The id of the entity, where the row is no JSON and names one all the same.
    id: Option<&'a str>,
    error: CrmError,
}

fn cut<'a>(text: &'a str, answer: &Answer) -> Result<Row<'a>, NoRow<'a>> {
    match serde_json::from_str::<Members<'a>>(text) {
        Ok(Members { id: named, bookmark, digest }) => match named.and_then(id) {
            Some(id) => Ok(Row { text, id, digest, bookmark }),
            None => {
                let error = unexpected(answer, "a number or name as the `id` of each row");
                Err(NoRow { bookmark, id: None, error })
            }
        },
        Err(error) if error.is_data() => {
            Err(NoRow { bookmark: None, id: None, error: unexpected(answer, "each row as a JSON object") })
        }
        Err(_) => {
            let message = "a row that is no JSON".to_owned();
            let Members { id: named, bookmark, .. } = Members::of_damaged(text);
            Err(NoRow { bookmark, id: named.and_then(id), error: CrmError::Unknown { message } })
        }
    }
}

/// An id that can stand in an address: digits, or a plain word in quotes. One number in two spellings is one entity.
fn id(value: &RawValue) -> Option<&str> {
    let text = value.get();
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let id = quoted.or_else(|| Some(text).filter(is_plain))?;
    super::address::segment(id).ok().filter(|id| !matches!(*id, "null" | "true" | "false")).map(ExternalId::canonical)
}

/// A row's members, in either of its shapes: with `fields`, or flattened.
struct Members<'a> {
    id: Option<&'a RawValue>,
    bookmark: Option<&'a RawValue>,
    digest: u128,
}

impl<'a> Members<'a> {
    /// The members that can be made out of a row that is no JSON.
    fn of_damaged(text: &'a str) -> Self {
        let mut members = Members { id: None, bookmark: None, digest: 0 };
        let mut ids = Vec::new();
        for piece in pieces::of(text, b'{').unwrap_or_default() {
            let Some((key, value)) = piece.split_once(':') else { continue };
            let Ok(value) = serde_json::from_str(value) else { continue };
            match key.trim() {
                "\"bookmark\"" | "\"Bookmark\"" => members.bookmark = Some(value),
                "\"id\"" | "\"Id\"" => ids.push(value),
                _ => {}
            }
        }
        members.id = ids.first().copied().filter(|first: &&RawValue| ids.iter().all(|id| id.get() == first.get()));
        members
    }
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
                let mut is_ambiguous = false;
                let mut hasher = Xxh3Default::new();
                // Keys are taken raw, in their quotes: none is copied, and key and value cannot run together.
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    match key.get() {
                        // Each in the Resourceful and in the Open dialect.
                        "\"bookmark\"" | "\"Bookmark\"" => {
                            members.bookmark = Some(value);
                            continue;
                        }
                        "\"id\"" | "\"Id\"" => {
                            // A row of two people is nobody's.
                            is_ambiguous |= members.id.is_some_and(|before| before.get() != value.get());
                            members.id = Some(value).filter(|_| !is_ambiguous);
                        }
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
        let body = r#"[ {"bookmark":"a=","id":7,"fields":{"first_name":"Pat"}} , {"id":"8","first_name":"Pat"} ]"#;
        let answer = answer(body);
        let list = list(&answer).unwrap();
        let rows = &list.rows;
        assert_eq!(rows[0].text, r#"{"bookmark":"a=","id":7,"fields":{"first_name":"Pat"}}"#);
        assert_eq!((rows[0].id, rows[1].id), ("7", "8"));
        assert_eq!(rows[0].bookmark.map(RawValue::get), Some(r#""a=""#));
        assert!(rows[1].bookmark.is_none());
    }

    #[test]
    fn an_id_has_one_spelling() {
        let check = |written: &str, expected: Option<&str>| {
            let answer = answer(&format!(r#"[{{"id":{written},"bookmark":"a"}}]"#));
            let list = names(&answer).unwrap();
            assert_eq!(list.rows.first().map(|row| row.id), expected, "{written}");
        };
        check("30011", Some("30011"));
        check(r#""30011""#, Some("30011"));
        check(r#""0030011""#, Some("30011"));
        check(r#""x-8""#, Some("x-8"));
        for none in ["3e4", "3E4", "-7", "30011.0", r#""30011.0""#, r#""null""#, "null", "true"] {
            check(none, None);
        }
    }

    #[test]
    fn an_entity_with_an_id_that_nobody_could_ask_for_is_set_aside() {
        let answer =
            answer(r#"[{"id":7,"bookmark":"a"},{"id":"ABC","bookmark":"b"},{"id":"0","bookmark":"c"},{"id":9}]"#);
        let list = list(&answer).unwrap();
        assert_eq!(list.rows.iter().map(|row| row.id).collect::<Vec<_>>(), ["7", "9"]);
        assert_eq!(list.failed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["ABC", "0"]);
        assert!(list.failed[0].1.to_string().contains("ID `ABC` is not a number"), "{}", list.failed[0].1);
        // A note's may be anything.
        assert_eq!(list_of_notes(&answer).unwrap().rows.len(), 4);
    }

    #[test]
    fn the_digest_sees_all_but_the_bookmark() {
        let digest = |row: &str| list(&answer(&format!("[{row}]"))).unwrap().rows[0].digest;
        let base = digest(r#"{"bookmark":"a","id":7,"fields":{"x":1}}"#);
        assert_eq!(base, digest(r#"{"bookmark":"b","id":7,"fields":{"x":1}}"#));
        assert_eq!(base, digest(r#"{"id":7,"bookmark":"b","fields":{"x":1}}"#));
        assert_ne!(base, digest(r#"{"bookmark":"a","id":7,"fields":{"x":2}}"#));
        assert_ne!(base, digest(r#"{"bookmark":"a","id":7,"fields":{"x":1},"client_status":["Client"]}"#));
    }

    #[test]
    fn a_list_without_bookmarks_is_told_from_one_whose_bookmarks_are_damaged() {
        let check = |body: &str, expected: bool| {
            assert_eq!(list(&answer(body)).unwrap().is_unpaged(), expected, "{body}");
        };
        check(r#"[{"id":7},{"id":8}]"#, true);
        check(r#"[{"id":7},{"id":8,"bookmark":"b"}]"#, false);
        check("[{\"id\":7,\"bookmark\":\"\u{fffd}\"}]", false);
        check(r#"[{"id":7,"bookmark":null}]"#, false);
    }

    #[test]
    fn rows_that_name_no_record_are_counted() {
        let body = r#"["Pat", {"id":7,"bookmark":"a"}, {"id":null,"bookmark":"b"}]"#;
        let answer = answer(body);
        let found = list(&answer).unwrap();
        assert_eq!((found.rows.len(), found.unreadable), (1, 2));
        assert_eq!(next(&found, None, &answer).unwrap(), Some(Bookmark("b".to_owned())));
        let damaged = self::answer("[{\"id\":7,\"bookmark\":\"a\"},{\"id\":8,\"bookmark\":\"\u{fffd}\"}]");
        assert_eq!(next(&list(&damaged).unwrap(), None, &damaged).unwrap(), Some(Bookmark("a".to_owned())));
        // The last page of a book may hold one row only.
        let last = self::answer(r#"[{"id":null,"bookmark":"b"}]"#);
        let found = list(&last).unwrap();
        assert_eq!((found.rows.len(), found.unreadable), (0, 1));
    }

    #[test]
    fn a_row_that_is_no_json_costs_itself_alone() {
        let check = |bad: &str, id: Option<&str>| {
            let body = format!(r#"[{{"id":6,"bookmark":"a"}},{bad},{{"id":8,"bookmark":"c"}}]"#);
            let answer = answer(&body);
            let found = list(&answer).unwrap();
            assert_eq!(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), ["6", "8"], "{bad}");
            assert_eq!(found.failed.first().map(|(id, _)| *id), id, "{bad}");
            assert_eq!(found.unreadable, u64::from(id.is_none()), "{bad}");
            assert_eq!(next(&found, None, &answer).unwrap(), Some(Bookmark("c".to_owned())), "{bad}");
        };
        check(r#"{"id":7,"x":oops}"#, Some("7"));
        check(r#"{"id":7,"x":{"y":[1,2,],},"bookmark":"b"}"#, Some("7"));
        check(r#"{ "x" : undefined, "id" : "x-7" }"#, Some("x-7"));
        check(r#"{"id":oops}"#, None);
        check(r#"{"id":7,"id":9,"x":oops}"#, None);
        check(r#"{"x":oops}"#, None);
        // Where most are, it is the answer.
        let broken = answer(r#"[{"id":7,"x":oops},{"id":8,"x":oops},{"id":9}]"#);
        assert!(matches!(list(&broken), Err(CrmError::Unknown { .. })));
        assert_eq!(names(&broken).unwrap().failed.len(), 2);
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
        check(r#"[{"id":null,"bookmark":null}]"#, "`id` of each row");
        check(r#"[{"id":"../1"}]"#, "`id` of each row");
        check(r#"[{"id":7}"#, "expected a JSON array of rows");
        check(r#"[{"id":7,"id":8}]"#, "`id` of each row");
        check(r#"[{"id":7,"id":8,"id":8}]"#, "`id` of each row");
    }

    #[test]
    fn an_answer_that_is_damaged_may_come_whole_another_time() {
        let check = |body: &str, expected: bool| {
            let error = list(&answer(body)).err().unwrap();
            assert_eq!(matches!(error, CrmError::Unknown { .. }), expected, "{body}: {error}");
        };
        check(r#"[{"id":7,"client_status":["Client"]"#, true);
        check(r#"[{"id":7,"x":oops}]"#, true);
        check(r#"[{"id":7,"x":[1,}]"#, true);
        check(r#"{"rows":[]}"#, false);
        check("<html></html>", false);
        check("", false);
    }
}
