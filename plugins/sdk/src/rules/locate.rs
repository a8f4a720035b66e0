//! The JSON Pointer of a place in a JSON text.
//!
//! serde says where an error is by line and column. Walking the text up to there is done after an error only, so
//! that reading sound rules, which happens for every batch, pays nothing for it.

/// One level of nesting on the way to the place.
enum Level {
    Object { key: String },
    Array { index: usize },
}

/// The pointer (RFC 6901) of the value or key that ends at or contains the place. Line and column as serde_json
/// counts them: the line from 1, the column in bytes.
pub(super) fn pointer(text: &str, line: usize, column: usize) -> String {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = (before + column).min(text.len());
    let bytes = &text.as_bytes()[..end];
    let mut levels: Vec<Level> = Vec::new();
    let mut expects_key = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                levels.push(Level::Object { key: String::new() });
                expects_key = true;
            }
            b'[' => {
                levels.push(Level::Array { index: 0 });
                expects_key = false;
            }
            // The place itself may be a closing bracket: then the whole object is meant.
            b'}' | b']' => {
                levels.pop();
                expects_key = false;
            }
            b',' if at + 1 < bytes.len() => match levels.last_mut() {
                Some(Level::Array { index }) => *index += 1,
                Some(Level::Object { .. }) => expects_key = true,
                None => {}
            },
            b'"' => {
                let from = at + 1;
                at = string_end(bytes, from);
                if expects_key {
                    if let Some(Level::Object { key }) = levels.last_mut() {
                        *key = String::from_utf8_lossy(&bytes[from..at]).into_owned();
                    }
                    expects_key = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    levels.iter().filter_map(segment).collect()
}

/// The index of the string's closing quote, or of the text's end.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

fn segment(level: &Level) -> Option<String> {
    match level {
        Level::Object { key } if key.is_empty() => None,
        Level::Object { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Level::Array { index } => Some(format!("/{index}")),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Rules {
        name: String,
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        words: Vec<String>,
    }

    #[track_caller]
    fn check(json: &str, path: &str, message: &str) {
        let problems = crate::rules::read::<Rules>(json).expect_err("the rules are wrong");
        assert_eq!(problems[0].path, path, "{}", problems[0].message);
        assert!(problems[0].message.contains(message), "{}", problems[0].message);
    }

    /// The pointer of the place that `¦` marks.
    #[track_caller]
    fn check_place(marked: &str, path: &str) {
        let (before, behind) = marked.split_once('¦').unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
        assert_eq!(super::pointer(&format!("{before}{behind}"), line, column), path, "{marked}");
    }

    #[test]
    fn a_place_is_that_of_the_value_or_key_around_it() {
        check_place("¦", "");
        check_place("¦{}", "");
        check_place("{¦}", "");
        check_place(r#"{"a¦":1}"#, "/a");
        check_place(r#"{"a":1¦}"#, "/a");
        check_place(r#"{"a":"b"¦}"#, "/a");
        check_place(r#"{"a":1}¦"#, "");
        check_place(r#"{"a":1,¦"b":2}"#, "/a");
        check_place(r#"{"a":1,"b":2¦}"#, "/b");
        check_place(r#"{"a~b/c":1¦}"#, "/a~0b~1c");
        check_place(r#"{"a":{"b":1},"c¦":2}"#, "/c");
        check_place(r#"{"a":{"b":1¦},"c":2}"#, "/a/b");
        // A list's element begins behind its comma.
        check_place("[1¦,2]", "/0");
        check_place("[1,¦2]", "/0");
        check_place("[1, ¦2]", "/1");
        check_place("[1,2¦]", "/1");
        check_place(r#"{"a":["x","y"¦]}"#, "/a/1");
        check_place(r#"[{"a":1},"b",[2,3¦]]"#, "/2/1");
        check_place(r#"[{"a":1},{"b":2¦}]"#, "/1/b");
    }

    #[test]
    fn what_stands_in_a_text_is_no_mark() {
        check_place(r#"{"a":"x, \"]}[{","b":2¦}"#, "/b");
        check_place(r#"{"a":"\\","b":2¦}"#, "/b");
        check_place(r#"{"a":["{","[",2¦]}"#, "/a/2");
        check_place(r#"{"a\"b":1¦}"#, r#"/a\"b"#);
        // A text that is cut off reaches to the place.
        check_place(r#"{"ab¦c"#, "/ab");
        check_place(r#"{"ab\¦"c"#, r"/ab\");
        check_place(r#"{"a":"b\¦"#, "/a");
    }

    #[test]
    fn a_place_is_found_in_any_line() {
        check_place("{\n  \"a\": 1,\n  \"b\": [\n    1,\n    ¦2\n  ]\n}", "/b/1");
        check_place("{\n  \"a\": 1,\n¦\n  \"b\": 2\n}", "/a");
        check_place("{\n\n\"a\": {\"bc\": 1¦}}", "/a/bc");
        // A place behind the text's end is its end.
        assert_eq!(super::pointer(r#"{"a":1"#, 1, 100), "/a");
        assert_eq!(super::pointer(r#"{"a":1"#, 0, 3), "/a");
    }

    #[test]
    fn an_error_names_its_place() {
        check(r#"{"name":"a","inner":{"words":[]},"extra":1}"#, "/extra", "unknown field");
        check(r#"{"name":"a","inner":{"wrods":[]}}"#, "/inner/wrods", "unknown field");
        check(r#"{"name":"a","inner":{"words":["a",2]}}"#, "/inner/words/1", "expected a string");
        check(r#"{"name":7,"inner":{"words":[]}}"#, "/name", "expected a string");
        check(r#"{"name":"a","inner":{}}"#, "/inner", "missing field");
        check("{\n  \"name\": \"a\",\n  \"inner\": {\"wo/rds\": 1}\n}", "/inner/wo~1rds", "unknown field");
        check(r#"{"name":"a"}"#, "", "missing field");
        check("", "", "EOF");
    }
}
