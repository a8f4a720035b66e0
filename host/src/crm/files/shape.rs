//! The shape of an export of JSON: a list of objects, objects one behind the other, or one object that holds the list.
//!
//! Told by what stands at its beginning and never by its name's ending: programs call all of them `.json`.

use std::io::{self, BufRead as _, BufReader, Read};

use super::columns;

/// Members and lists of the first object that are looked at.
const MOST: usize = columns::MOST;
/// The longest name of a member, in bytes.
const LONGEST_NAME: usize = 1_000;
/// Names of the member by which programs say how many records there are.
const TOTALS: [&str; 8] =
    ["total", "count", "total_count", "totalcount", "totalrecords", "total_records", "totalresults", "totalitems"];

/// The way in which objects follow one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// In one list.
    List,
    /// One a line: a line that is damaged costs itself.
    Lines,
    /// One behind the other, each on as many lines as it likes.
    Stream,
}

/// The shape of an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    pub(super) form: Form,
    /// The place of the first byte to read, from where the text begins, and its line.
    pub(super) begins: (u64, u32),
    /// Whether the list stands in an object, which goes on behind it.
    pub(super) is_wrapped: bool,
    /// The number of records that the object says there are.
    pub(super) total: Option<u64>,
}

/// The findings about the beginning of a text.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// It is read so.
    Shape(Shape),
    /// It ends before it can be told.
    Cut,
    /// It is none that is read; the end of a sentence that begins with the file's name.
    Other(String),
}

/// Finds the shape of a text. `id` is the column by which a row is known, `stem` what the file is called without its
/// ending.
///
/// # Errors
/// Returns an error if the text cannot be read.
pub(super) fn find(from: impl Read, id: &str, stem: &str) -> io::Result<Found> {
    let mut outline = Outline::default();
    let mut from = BufReader::new(from);
    loop {
        let piece = from.fill_buf()?;
        let length = piece.len();
        if length == 0 {
            return Ok(outline.at_end(id, stem));
        }
        for byte in piece {
            if let Some(found) = outline.look_at(*byte) {
                return Ok(found);
            }
        }
        from.consume(length);
    }
}

/// A member of the first object that is a list.
struct List {
    name: String,
    begins: (u64, u32),
    /// Whether objects stand in it; none while nothing was seen of it.
    is_of_objects: Option<bool>,
}

/// The first object of a text, as far as it was looked at.
#[derive(Default)]
struct Outline {
    at: u64,
    line: u32,
    depth: u32,
    in_string: bool,
    after_escape: bool,
    /// The string or number that stands at the object's own depth.
    text: Vec<u8>,
    name: String,
    names: Vec<String>,
    lists: Vec<List>,
    total: Option<u64>,
    goes_over_lines: bool,
    is_over: bool,
    /// The last byte that is no blank, outside of strings.
    before: u8,
}

impl Outline {
    fn look_at(&mut self, byte: u8) -> Option<Found> {
        let place = (self.at, self.line + 1);
        self.at += 1;
        self.line += u32::from(byte == b'\n');
        if self.in_string {
            return self.look_into_string(byte);
        }
        if byte.is_ascii_whitespace() {
            self.goes_over_lines |= byte == b'\n' && self.depth > 0;
            return None;
        }
        let before = std::mem::replace(&mut self.before, byte);
        if self.depth == 0 {
            return match (byte, self.is_over) {
                (b'[', false) => Some(self.shape(Form::List, place, false)),
                (b'{', false) => {
                    self.depth = 1;
                    None
                }
                // Another one follows.
                (b'{' | b',', true) => Some(self.rows()),
                (_, false) => Some(Found::Other("holds no JSON object, and no list of them".to_owned())),
                (_, true) => Some(Found::Other("holds something else behind its first object".to_owned())),
            };
        }
        if self.depth == 2
            && let Some(list) = self.lists.last_mut().filter(|list| list.is_of_objects.is_none())
        {
            list.is_of_objects = Some(matches!(byte, b'{' | b']'));
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.text.clear();
            }
            // An object in place of a name: the one before was cut, and its line with it.
            b'{' if self.depth == 1 && before != b':' => return Some(self.shape(Form::Lines, (0, 1), false)),
            b'{' | b'[' => {
                if byte == b'[' && self.depth == 1 && self.lists.len() < MOST {
                    self.lists.push(List { name: self.name.clone(), begins: place, is_of_objects: None });
                }
                self.depth += 1;
            }
            b'}' | b']' => {
                self.member_ends();
                self.depth -= 1;
                self.is_over = self.depth == 0;
            }
            b':' if self.depth == 1 => {
                self.name = String::from_utf8_lossy(&self.text).into_owned();
                self.text.clear();
                if self.names.len() < MOST {
                    self.names.push(columns::plain(&self.name));
                }
            }
            b',' => self.member_ends(),
            _ if self.depth == 1 && self.text.len() < LONGEST_NAME => self.text.push(byte),
            _ => {}
        }
        None
    }

    fn look_into_string(&mut self, byte: u8) -> Option<Found> {
        match byte {
            _ if self.after_escape => self.after_escape = false,
            b'\\' => self.after_escape = true,
            b'"' => self.in_string = false,
            // No string goes over a line's end: this line is cut, and the next may be sound.
            b'\n' => return Some(self.shape(Form::Lines, (0, 1), false)),
            _ => {}
        }
        if self.depth == 1 && self.in_string && self.text.len() < LONGEST_NAME {
            self.text.push(byte);
        }
        None
    }

    fn member_ends(&mut self) {
        if self.depth == 1 {
            if TOTALS.contains(&columns::plain(&self.name).as_str()) {
                self.total = std::str::from_utf8(&self.text).ok().and_then(|text| text.parse().ok());
            }
            self.text.clear();
        }
    }

    fn shape(&self, form: Form, begins: (u64, u32), is_wrapped: bool) -> Found {
        Found::Shape(Shape { form, begins, is_wrapped, total: if is_wrapped { self.total } else { None } })
    }

    fn rows(&self) -> Found {
        self.shape(if self.goes_over_lines { Form::Stream } else { Form::Lines }, (0, 1), false)
    }

    /// The shape of a text that ends with its first object, or before.
    fn at_end(&self, id: &str, stem: &str) -> Found {
        match (self.is_over, self.depth) {
            (false, 0) => return Found::Other("holds no JSON object, and no list of them".to_owned()),
            (false, _) => return Found::Cut,
            (true, _) => {}
        }
        if self.names.contains(&columns::plain(id)) {
            return self.rows();
        }
        let lists: Vec<&List> = self.lists.iter().filter(|list| list.is_of_objects == Some(true)).collect();
        let of_stem = lists.iter().find(|list| list.name.eq_ignore_ascii_case(stem));
        match (lists.as_slice(), of_stem) {
            ([only], _) | (_, Some(only)) => self.shape(Form::List, only.begins, true),
            ([], None) => Found::Other(format!(
                "is one object that neither has {id} nor holds a list of rows; export a list of objects, or an object a line"
            )),
            (many, None) => Found::Other(format!(
                "is one object that holds {} lists, {}, and none is called {stem}; export the one that is meant alone",
                many.len(),
                many.iter().take(10).map(|list| columns::shown(&list.name)).collect::<Vec<_>>().join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(Form, u64), &str>) {
        match (find(text.as_bytes(), "ID", "clients").unwrap(), expected) {
            (Found::Shape(shape), Ok(expected)) => assert_eq!((shape.form, shape.begins.0), expected, "{text}"),
            (Found::Cut, Err("cut")) => {}
            (Found::Other(why), Err(expected)) => assert!(why.contains(expected), "{text}: {why}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn the_shape_is_told_by_what_stands_there() {
        check(" [{\"ID\": 1}]", Ok((Form::List, 1)));
        check("[]", Ok((Form::List, 0)));
        check("{\"ID\": 1}", Ok((Form::Lines, 0)));
        check("{\"ID\": 1, \"tags\": [{\"a\": 1}]}\n", Ok((Form::Lines, 0)));
        check("{\"ID\": 1}\n{\"ID\": 2}\n", Ok((Form::Lines, 0)));
        check("{\n \"id \": 1\n}\n{\n \"ID\": 2\n}\n", Ok((Form::Stream, 0)));
        check("{\"total\": 30, \"clients\": [{\"ID\": 1}]}", Ok((Form::List, 25)));
        check("{\"errors\": [], \"clients\": [{\"ID\": 1}]}", Ok((Form::List, 26)));
        check("{\"meta\": [1], \"rows\": []}", Ok((Form::List, 22)));
        // One line is cut, and the next is sound.
        check("{\"ID\": 1, \"Name\": \"Pa\n{\"ID\": 2}\n", Ok((Form::Lines, 0)));
        check("{\"ID\": 1, \"Name\"\n{\"ID\": 2}\n", Ok((Form::Lines, 0)));
    }

    #[test]
    fn what_is_no_export_is_refused_in_words() {
        check("{\"data\": {\"clients\": [{\"ID\": 1}]}}", Err("neither has ID nor holds a list"));
        check("{\"1\": {\"ID\": 1}, \"2\": {\"ID\": 2}}", Err("neither has ID nor holds a list"));
        check("{\"people\": [{}], \"goals\": [{}]}", Err("holds 2 lists, “people”, “goals”"));
        check("ID,Name\n1,Pat\n", Err("no JSON object"));
        check("\"text\"", Err("no JSON object"));
        check("{\"ID\": 1} tail", Err("something else behind"));
        for cut in ["{\"total\": 30, \"clients\": [{\"ID\"", "{\"ID\": \"1", "{"] {
            check(cut, Err("cut"));
        }
        check(" \n", Err("no JSON object"));
    }

    #[test]
    fn the_number_that_an_object_states_is_read() {
        let total = |text: &str| match find(text.as_bytes(), "ID", "clients").unwrap() {
            Found::Shape(shape) => shape.total,
            found => panic!("{found:?}"),
        };
        assert_eq!(total("{\"total\": 30, \"clients\": [{\"ID\": 1}]}"), Some(30));
        assert_eq!(total("{\"clients\": [{\"ID\": 1}], \"Total_Count\": 7}"), Some(7));
        assert_eq!(total("{\"total\": \"many\", \"clients\": [{\"ID\": 1}]}"), None);
        assert_eq!(total("[{\"ID\": 1, \"total\": 4}]"), None);
    }
}
