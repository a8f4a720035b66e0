//! Messages about values that are not of their shape: what the parser says, told in plain words to whoever sent them.

/// An id as the API gives it.
const ID: &str = "an id as the API gives it, such as 0198c5f2-7d3e-7a41-9b1c-2f6e8d5a9c04";
/// One, by itself.
pub const AN_ID: &str = "0198c5f2-7d3e-7a41-9b1c-2f6e8d5a9c04";

/// A value that does not fit, and where it is.
#[derive(PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The field that is missing or not known, which the way to the value need not have.
    pub field: Option<String>,
    /// The message: what would be right, in sentences.
    pub detail: String,
}

impl Mismatch {
    /// Reads what serde, or the `Display` of a type's own error, says. Of a library's words nothing is told.
    pub fn read(said: &str) -> Self {
        let named = |prefix: &str| said.strip_prefix(prefix).and_then(|rest| rest.split_once('`'));
        if let Some((name, _)) = named("missing field `") {
            return Self { field: Some(name.to_owned()), detail: format!("`{name}` is missing.") };
        }
        if let Some((name, rest)) = named("unknown field `") {
            let detail = match choices(rest) {
                known if known.is_empty() => "There is no such field, and no other either.".to_owned(),
                known => format!("There is no such field. The fields are {known}."),
            };
            return Self { field: Some(name.to_owned()), detail };
        }
        let detail = match (named("unknown variant `"), said.split_once(", expected ")) {
            (Some((given, rest)), _) => format!("`{given}` is not one of {}.", choices(rest)),
            (None, Some((given, wanted))) if given.starts_with("invalid ") => wanted_is(plain(wanted)),
            _ if said.starts_with("UUID parsing failed") => wanted_is(Some(ID)),
            // A type of the host's own names what it was given first.
            _ if said.starts_with('`') => format!("{}.", said.trim_end_matches('.')),
            _ => wanted_is(None),
        };
        Self { field: None, detail }
    }
}

fn wanted_is(wanted: Option<&str>) -> String {
    wanted.map_or_else(
        || "This does not fit; the API's document says what does.".to_owned(),
        |wanted| format!("This has to be {wanted}."),
    )
}

/// The names in backticks of `, expected one of `a`, `b``, in their order.
fn choices(rest: &str) -> String {
    rest.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}

/// The plain words for what a type calls itself in serde's errors.
fn plain(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "a string" | "string or map" | "variant identifier" => "a text",
        "a formatted UUID string" => ID,
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object of named fields",
        _ if expected.starts_with("struct ") => "an object of named fields",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not too large and not below 0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{ClientId, ConnectionName, DocumentId};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its shape is read")]
    struct Shape {
        number: u8,
        word: Choice,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        One,
        OrTwo,
    }

    #[track_caller]
    fn check<T: DeserializeOwned>(value: Value, field: Option<&str>, detail: &str) {
        let said = serde_json::from_value::<T>(value).err().unwrap().to_string();
        assert_eq!(Mismatch::read(&said), Mismatch { field: field.map(ToOwned::to_owned), detail: detail.to_owned() });
    }

    #[test]
    fn what_serde_says_is_told_in_plain_words() {
        let id = format!("This has to be {ID}.");
        for none in [json!("garbage"), json!(""), json!(5), json!(null), json!([]), json!({"a": 1})] {
            check::<ClientId>(none, None, &id);
        }
        for none in [json!(5), json!(null), json!(true), json!(1.5), json!([]), json!({})] {
            check::<String>(none, None, "This has to be a text.");
        }
        for none in [json!("5"), json!(256), json!(-1), json!(1.5), json!(null)] {
            check::<u8>(none, None, "This has to be a whole number that is not too large and not below 0.");
        }
        check::<bool>(json!("true"), None, "This has to be true or false.");
        check::<Vec<u8>>(json!("a"), None, "This has to be a list.");
        check::<BTreeMap<String, u8>>(json!(7), None, "This has to be an object of named fields.");
        check::<Shape>(json!(7), None, "This has to be an object of named fields.");
        check::<Choice>(json!("three"), None, "`three` is not one of one, or_two.");
        check::<Choice>(json!(3), None, "This has to be a text.");
        check::<Shape>(json!({"word": "one"}), Some("number"), "`number` is missing.");
        let unknown = "There is no such field. The fields are number, word.";
        check::<Shape>(json!({"nope": 1}), Some("nope"), unknown);
        check::<Nothing>(json!({"nope": 1}), Some("nope"), "There is no such field, and no other either.");
    }

    #[test]
    fn a_type_of_the_hosts_own_says_what_it_is_not() {
        let name = "`A B` is no connection name: use lower-case letters, digits and hyphens, a letter first, at most 40 \
                    characters.";
        check::<ConnectionName>(json!("A B"), None, name);
        check::<DocumentId>(json!("a"), None, "`a` is no document: expected 64 hexadecimal digits.");
    }

    #[test]
    fn nothing_else_is_told() {
        let other = "This does not fit; the API's document says what does.";
        for said in
            ["failed to parse year in date", "invalid length 0, expected a tuple of size 2", "", "expected ident"]
        {
            assert_eq!(Mismatch::read(said).detail, other, "{said}");
        }
    }
}
