//! Objects of JSON, one list of them or one a line: where each begins, and the members that the rules name of one.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::columns::{self, MOST};
use super::folder::Form;
use super::record::{Cells, Place};
use crate::delimited::LONGEST_LINE;

/// The deepest object inside an object whose members are read, by names with full stops: `Address.City`.
const DEEPEST: usize = 4;

/// Hands over each object with its place, counted from where the text begins. Answers whether the text ends as it
/// should.
pub(super) fn each(
    from: impl Read,
    form: Form,
    mut take: impl FnMut(Place, &[u8]) -> io::Result<()>,
) -> io::Result<bool> {
    let mut from = BufReader::new(from);
    let mut scan = Scan::new(form);
    let (mut at, mut line) = (0_u64, 1_u32);
    let mut object = Vec::new();
    let mut began = (0, 1);
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        let length = piece.len();
        for byte in piece {
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
    Ok(scan.is_over())
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
        u32::from(self.form == Form::Objects)
    }

    fn is_inside(&self) -> bool {
        self.depth > self.outside()
    }

    fn is_over(&self) -> bool {
        !self.in_string && self.depth == 0 && (self.form == Form::Lines || self.is_ended)
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
                self.is_ended |= self.depth == 0 && self.is_begun;
            }
            b'\n' if self.form == Form::Lines => self.depth = 0,
            _ => {}
        }
    }
}

/// The wanted members of an object, of which these are the bytes; the names of all that it has are added to `members`.
pub(super) fn read(bytes: &[u8], wanted: &[String], members: Option<&mut BTreeSet<String>>) -> Cells {
    let damaged = |why: String| Cells::Damaged { id: None, why };
    if bytes.len() > LONGEST_LINE {
        return damaged("it is longer than 64 KB".to_owned());
    }
    let Flat(found) = match serde_json::from_slice(bytes) {
        Ok(flat) => flat,
        Err(error) => return damaged(format!("it is no JSON object: {error}")),
    };
    if let Some(members) = members {
        for (name, _) in &found {
            if members.len() < MOST {
                members.insert(columns::plain(name));
            }
        }
    }
    let mut cells = Vec::with_capacity(wanted.len());
    for name in wanted {
        let sought = columns::plain(name);
        let mut values = found.iter().filter(|(known, _)| columns::plain(known) == sought);
        let (first, second) = (values.next(), values.next());
        if let (Some((one, _)), Some((other, _))) = (first, second) {
            let [one, other] = [one, other].map(|name| name.escape_debug().to_string());
            return damaged(format!("it has two members that are both called {name}, `{one}` and `{other}`"));
        }
        cells.push(first.map(|(_, value)| value.clone()).unwrap_or_default());
    }
    Cells::Whole(cells)
}

/// The members of an object as texts, those of objects inside it by names with full stops.
struct Flat(Vec<(String, String)>);

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

fn flatten(name: String, value: Value, deepest: usize, flat: &mut Vec<(String, String)>) {
    match value {
        Value::Object(inner) if deepest > 0 => {
            inner.into_iter().for_each(|(key, value)| flatten(format!("{name}.{key}"), value, deepest - 1, flat));
        }
        Value::String(text) => flat.push((name, text)),
        Value::Null => flat.push((name, String::new())),
        other => flat.push((name, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, form: Form) -> (Vec<(u32, String)>, bool) {
        let mut objects = Vec::new();
        let is_whole = each(text.as_bytes(), form, |place, bytes| {
            let of_text = &text.as_bytes()[place.start as usize..][..place.length as usize];
            assert_eq!(of_text, bytes);
            objects.push((place.line, String::from_utf8_lossy(bytes).trim_end().to_owned()));
            Ok(())
        });
        (objects, is_whole.unwrap())
    }

    #[test]
    fn objects_are_cut_out_of_a_list() {
        let (objects, is_whole) = found("[\n {\"a\": \"x}\\\"]\"},\n{\"b\":{\"c\":[1]}}\n]\n", Form::Objects);
        let expected = [(2, "{\"a\": \"x}\\\"]\"}"), (3, "{\"b\":{\"c\":[1]}}")];
        assert_eq!(objects, expected.map(|(line, text)| (line, text.to_owned())));
        assert!(is_whole);
        for cut in ["[{\"a\":1}", "[{\"a\":1},{\"a", "", "[{\"a\":\"x", "{"] {
            assert!(!found(cut, Form::Objects).1, "{cut}");
        }
        assert!(found("[]", Form::Objects).1);
    }

    #[test]
    fn one_damaged_line_costs_itself() {
        let (objects, is_whole) = found("{\"a\":1}\n{\"a\":\"x\n{\"a\":3}\n", Form::Lines);
        assert_eq!(objects.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(is_whole && matches!(read(objects[1].1.as_bytes(), &[], None), Cells::Damaged { .. }));
        assert!(!found("{\"a\":1}\n{\"a\":", Form::Lines).1);
    }

    #[test]
    fn members_are_texts_whatever_they_were() {
        let check = |json: &str, expected: Result<&[&str], &str>| {
            let wanted = ["id", "Address.City", "Active"].map(str::to_owned);
            match (read(json.as_bytes(), &wanted, None), expected) {
                (Cells::Whole(found), Ok(expected)) => assert_eq!(found, expected),
                (Cells::Damaged { why, .. }, Err(expected)) => assert!(why.contains(expected), "{why}"),
                (found, _) => panic!("{json}: {found:?}"),
            }
        };
        check(r#"{"ID": 7, "address": {"city": "Perth"}, "active": true}"#, Ok(&["7", "Perth", "true"]));
        check(r#"{"active": null, "id": "7"}"#, Ok(&["7", "", ""]));
        check(r#"{"id": 1250.50}"#, Ok(&["1250.5", "", ""]));
        check(r#"{"id": 7, "Id": 8}"#, Err("`id` and `Id`"));
        check(r#"["id"]"#, Err("no JSON object"));
    }
}
