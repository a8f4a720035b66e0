//! Objects of JSON in one of their [`shape`](super::shape)s: where each begins, and the members that the rules name of one.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::columns::{self, MOST};
use super::record::{Cells, Content, Place};
use super::shape::{Form, Shape};
use crate::delimited::LONGEST_LINE;

/// The deepest object inside an object whose members are read, by names with full stops: `Address.City`.
const DEEPEST: usize = 4;

/// How a text of objects ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// As it should.
    Whole,
    /// In the middle.
    Cut,
    /// With more behind its list.
    More,
}

/// Hands over each object with its place, counted from where the text begins. What is read begins where the shape does.
/// Answers how the text ends.
pub(super) fn each(
    from: impl Read,
    shape: &Shape,
    mut take: impl FnMut(Place, &[u8]) -> io::Result<()>,
) -> io::Result<Ending> {
    let mut from = BufReader::new(from);
    let mut scan = Scan::new(shape.form);
    let (mut at, mut line) = shape.begins;
    let mut object = Vec::new();
    let mut began = (0, 1);
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        let length = piece.len();
        for byte in piece {
            if scan.is_ended {
                match (shape.is_wrapped, byte.is_ascii_whitespace()) {
                    (true, _) => return Ok(Ending::Whole),
                    (false, true) => continue,
                    (false, false) => return Ok(Ending::More),
                }
            }
            let was_inside = scan.is_inside();
            scan.look_at(*byte);
            if !was_inside && scan.is_inside() {
                began = (at, line);
                object.clear();
            }
            if was_inside || scan.is_inside() {
                // A larger one is damaged, and its end is still looked for.
                if object.len() <= LONGEST_LINE {
                    object.push(*byte);
                }
            }
            at += 1;
            line += u32::from(*byte == b'\n');
            if was_inside && !scan.is_inside() {
                let (start, first) = began;
                let place = Place { start, length: u32::try_from(at - start).unwrap_or(u32::MAX), line: first };
                take(place, &object)?;
            }
        }
        from.consume(length);
    }
    Ok(if scan.is_over() { Ending::Whole } else { Ending::Cut })
}

/// Where the text of a list of objects is, a byte at a time.
struct Scan {
    form: Form,
    depth: u32,
    in_string: bool,
    after_escape: bool,
    is_begun: bool,
    is_ended: bool,
}

impl Scan {
    fn new(form: Form) -> Self {
        Self { form, depth: 0, in_string: false, after_escape: false, is_begun: false, is_ended: false }
    }

    /// The depth at which objects stand.
    fn outside(&self) -> u32 {
        u32::from(self.form == Form::List)
    }

    fn is_inside(&self) -> bool {
        self.depth > self.outside()
    }

    fn is_over(&self) -> bool {
        !self.in_string && self.depth == 0 && (self.form != Form::List || self.is_ended)
    }

    fn look_at(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.after_escape => self.after_escape = false,
                b'\\' => self.after_escape = true,
                b'"' => self.in_string = false,
                // No string goes over a line's end: what is on the next one is an object again.
                b'\n' if self.form == Form::Lines => (self.in_string, self.depth) = (false, 0),
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.depth += 1;
                self.is_begun = true;
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.is_ended |= self.form == Form::List && self.depth == 0 && self.is_begun;
            }
            b'\n' if self.form == Form::Lines => self.depth = 0,
            _ => {}
        }
    }
}

/// The wanted members of an object, of which these are the bytes, and the number of its content; the names of all members
/// that it has are added to `members`, by their plain names.
pub(super) fn read(bytes: &[u8], wanted: &[String], members: Option<&mut BTreeMap<String, String>>) -> (Cells, u64) {
    let damaged = |id, why: String| Cells::Damaged { id, why };
    let of_bytes = xxhash_rust::xxh3::xxh3_64(bytes);
    if bytes.len() > LONGEST_LINE {
        return (damaged(None, "it is longer than 64 KB".to_owned()), of_bytes);
    }
    let Flat(found) = match serde_json::from_slice(bytes) {
        Ok(flat) => flat,
        Err(error) => return (damaged(None, format!("it is no JSON object: {error}")), of_bytes),
    };
    let found: Vec<(String, String, Value)> =
        found.into_iter().map(|(name, value)| (columns::plain(&name), name, value)).collect();
    if let Some(members) = members {
        for (plain, name, _) in &found {
            if members.len() < MOST && !members.contains_key(plain) {
                members.insert(plain.clone(), name.clone());
            }
        }
    }
    let mut content = Content::default();
    for (_, name, value) in &found {
        if let Some(text) = value.as_str() {
            content.add(Content::heading(name), text);
        }
    }
    let mut cells = Vec::with_capacity(wanted.len());
    let mut twice = None;
    for name in wanted {
        let sought = columns::plain(name);
        let mut values = found.iter().filter(|(plain, ..)| *plain == sought);
        let (first, second) = (values.next(), values.next());
        if let (Some((_, one, _)), Some((_, other, _))) = (first, second) {
            let [one, other] = [one, other].map(|name| columns::shown(name));
            twice.get_or_insert(format!(
                "it has two members that are both called {name}, as {one} and {other}; leave one of them out of the export"
            ));
            // Of two that may be the id neither is.
            if cells.is_empty() {
                cells.push(Value::Null);
                continue;
            }
        }
        cells.push(first.map_or(Value::String(String::new()), |(.., value)| value.clone()));
    }
    let number = content.number();
    match twice {
        None => (Cells::Whole(cells), number),
        Some(why) => (damaged(cells.first().and_then(Value::as_str).map(str::to_owned), why), number),
    }
}

/// The members of an object, those of objects inside it by names with full stops, too. Numbers and the like are texts.
struct Flat(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Flat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flat, A::Error> {
                let mut flat = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    flatten(name, value, DEEPEST, &mut flat);
                }
                Ok(Flat(flat))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn flatten(name: String, value: Value, deepest: usize, flat: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            for (key, value) in inner.iter().filter(|_| deepest > 0) {
                flatten(format!("{name}.{key}"), value.clone(), deepest - 1, flat);
            }
            flat.push((name, Value::Object(inner)));
        }
        Value::Array(inner) if !inner.is_empty() => flat.push((name, Value::Array(inner))),
        // What some programs write where there is nothing.
        Value::Null | Value::Array(_) | Value::Object(_) => flat.push((name, String::new().into())),
        Value::String(text) => flat.push((name, text.into())),
        // A number of more digits than are kept is another one by now.
        Value::Number(number) if number.is_f64() && number.to_string().contains('e') => {
            flat.push((name, number.into()));
        }
        Value::Bool(_) | Value::Number(_) => flat.push((name, value.to_string().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, form: Form) -> (Vec<(u32, String)>, bool) {
        let mut objects = Vec::new();
        let shape = Shape { form, begins: (0, 1), is_wrapped: false, total: None };
        let ending = each(text.as_bytes(), &shape, |place, bytes| {
            let of_text = &text.as_bytes()[place.start as usize..][..place.length as usize];
            assert_eq!(of_text, bytes);
            objects.push((place.line, String::from_utf8_lossy(bytes).trim_end().to_owned()));
            Ok(())
        });
        (objects, ending.unwrap() == Ending::Whole)
    }

    #[test]
    fn objects_are_cut_out_of_a_list() {
        let (objects, is_whole) = found("[\n {\"a\": \"x}\\\"]\"},\n{\"b\":{\"c\":[1]}}\n]\n", Form::List);
        let expected = [(2, "{\"a\": \"x}\\\"]\"}"), (3, "{\"b\":{\"c\":[1]}}")];
        assert_eq!(objects, expected.map(|(line, text)| (line, text.to_owned())));
        assert!(is_whole);
        for cut in ["[{\"a\":1}", "[{\"a\":1},{\"a", "", "[{\"a\":\"x", "{"] {
            assert!(!found(cut, Form::List).1, "{cut}");
        }
        assert!(found("[]", Form::List).1);
        assert!(!found("[{\"a\":1}]\n[{\"a\":2}]", Form::List).1, "a second list");
        let over_lines = found("{\n\"a\":1\n}\n{\n\"a\":2\n}\n", Form::Stream);
        assert_eq!((over_lines.0.len(), over_lines.1), (2, true));
    }

    #[test]
    fn one_damaged_line_costs_itself() {
        let (objects, is_whole) = found("{\"a\":1}\n{\"a\":\"x\n{\"a\":3}\n", Form::Lines);
        assert_eq!(objects.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(is_whole && matches!(read(objects[1].1.as_bytes(), &[], None).0, Cells::Damaged { .. }));
        assert!(!found("{\"a\":1}\n{\"a\":", Form::Lines).1);
    }

    #[test]
    fn what_is_no_text_stays_what_it_is() {
        let wanted = ["id", "Address", "Address.City"].map(str::to_owned);
        let (Cells::Whole(cells), _) = read(br#"{"id": ["7"], "Address": {"City": "Perth"}}"#, &wanted, None) else {
            panic!("it is whole");
        };
        assert!(cells[0].is_array() && cells[1].is_object());
        assert_eq!(cells[2], "Perth");
    }

    #[test]
    fn the_content_of_an_object_is_told_by_its_values_alone() {
        let content = |json: &str| read(json.as_bytes(), &[], None).1;
        assert_eq!(content(r#"{"ID": 7, "Name": "Zoë"}"#), content("{\"name\": \"Zoë\", \"id\": \"7\", \"x\": null}"));
        assert_ne!(content(r#"{"ID": 7}"#), content(r#"{"ID": 8}"#));
    }

    #[test]
    fn members_are_texts_whatever_they_were() {
        let check = |json: &str, expected: Result<&[&str], &str>| {
            let wanted = ["id", "Address.City", "Active"].map(str::to_owned);
            match (read(json.as_bytes(), &wanted, None).0, expected) {
                (Cells::Whole(found), Ok(expected)) => {
                    assert_eq!(found, expected.iter().map(|text| Value::from(*text)).collect::<Vec<_>>());
                }
                (Cells::Damaged { why, .. }, Err(expected)) => assert!(why.contains(expected), "{why}"),
                (found, _) => panic!("{json}: {found:?}"),
            }
        };
        check(r#"{"ID": 7, "address": {"city": "Perth"}, "active": true}"#, Ok(&["7", "Perth", "true"]));
        check(r#"{"active": null, "id": "7"}"#, Ok(&["7", "", ""]));
        check(r#"{"id": 1250.50}"#, Ok(&["1250.5", "", ""]));
        check(r#"{"id": 7, "Id": 8}"#, Err("“id” and “Id”"));
        check(r#"{"id": "7", "Active": "x", "active\u00a0": "y"}"#, Err("“active‹no-break blank›”"));
        check(r#"{"id": 7, "Active": [], "Address": {"City": {}}}"#, Ok(&["7", "", ""]));
        check(r#"["id"]"#, Err("no JSON object"));
    }
}
