//! The form of an example, held against what the pack knows: a misspelt key would say nothing, and hold for ever.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Becomes, EXAMPLES, Example};
use crate::crm::Source;
use crate::domain::RecordKind;
use crate::domain::extension::PREFIX;
use crate::pack::spelling;

/// The keys of an example that are no part of its raw record.
const OWN_KEYS: [&str; 5] = ["name", "kind", "becomes", "expect", "codes"];

/// The part of a raw record that is the row itself.
const ROW: &str = "row";

/// The examples that are sound, each with its place, and a line for everything that is wrong with the others.
pub(super) fn read(examples: &[Value], sources: &[Source]) -> (Vec<(usize, Example)>, Vec<String>) {
    let (mut sound, mut wrong) = (Vec::with_capacity(examples.len()), Vec::new());
    let mut names: HashMap<String, usize> = HashMap::new();
    for (place, example) in examples.iter().enumerate() {
        let mut found = Vec::new();
        let example = one(example, sources, &mut found);
        let first = *names.entry(example.name.clone()).or_insert(place);
        if first != place && !example.name.is_empty() {
            found.push(format!("/{EXAMPLES}/{first} is called so too; give each a name of its own"));
        }
        let called = if example.name.is_empty() { String::new() } else { format!(" (\"{}\")", example.name) };
        wrong.extend(found.iter().map(|why| format!("/{EXAMPLES}/{place}{called}: {why}")));
        if found.is_empty() {
            sound.push((place, example));
        }
    }
    (sound, wrong)
}

/// Reads an example; what is wrong with it is put to `wrong`.
fn one(example: &Value, sources: &[Source], wrong: &mut Vec<String>) -> Example {
    let mut members = example.as_object().cloned().unwrap_or_else(|| {
        wrong.push(format!("an example is a table; write it below [[{EXAMPLES}]]"));
        Map::new()
    });
    let name = members.remove("name");
    let name = name.as_ref().and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
    if name.is_empty() && wrong.is_empty() {
        wrong.push("it has no name; give it one, such as `name = \"a client without an email\"`".to_owned());
    }
    let kinds = RecordKind::ALL.iter().map(|kind| (kind.as_str(), *kind));
    let kind = word(&mut members, "kind", kinds, wrong).unwrap_or(RecordKind::Client);
    let becomes = Becomes::ALL.map(|becomes| (becomes.as_str(), becomes));
    let becomes = word(&mut members, "becomes", becomes, wrong).unwrap_or_default();
    let expect = match members.remove("expect") {
        None => Map::new(),
        Some(Value::Object(expect)) => expect,
        Some(_) => {
            wrong.push("`expect` is to be a table of fields, such as `expect = { title = \"Mr\" }`".to_owned());
            Map::new()
        }
    };
    let fields = || kind.fields().iter().map(|field| field.name);
    let is_known = |field: &&String| field.starts_with(PREFIX) || fields().any(|known| known == field.as_str());
    for field in expect.keys().filter(|field| !is_known(field)) {
        wrong.push(format!(
            "`expect` names `{field}`, which is no field of a record of the kind `{}`: those are {}{}",
            kind.as_str(),
            fields().collect::<Vec<_>>().join(", "),
            spelling::question(field, fields())
        ));
    }
    let codes = members.remove("codes").and_then(|codes| {
        let texts: Option<Vec<String>> =
            codes.as_array().and_then(|codes| codes.iter().map(|code| code.as_str().map(ToOwned::to_owned)).collect());
        if texts.is_none() {
            wrong.push("`codes` is to be a list of texts, such as `codes = [\"unknown-title\"]`".to_owned());
        }
        texts
    });
    check_raw(&members, kind, sources, wrong);
    Example { name, kind, becomes, expect, codes, raw: members }
}

/// The value of a key that holds one of a few words; none where the key is not there, or holds none of them.
fn word<T>(
    members: &mut Map<String, Value>,
    key: &str,
    words: impl IntoIterator<Item = (&'static str, T)>,
    wrong: &mut Vec<String>,
) -> Option<T> {
    let given = members.remove(key)?;
    let mut known = Vec::new();
    for (word, value) in words {
        if given.as_str() == Some(word) {
            return Some(value);
        }
        known.push(word);
    }
    let asked = given.as_str().map(|given| spelling::question(given, known.iter().copied())).unwrap_or_default();
    wrong.push(format!("`{key}` is {given}, and can be {}{asked}", known.join(", ")));
    None
}

/// The raw record has the row and the lists that are read for its kind, and nothing else.
fn check_raw(raw: &Map<String, Value>, kind: RecordKind, sources: &[Source], wrong: &mut Vec<String>) {
    let lists: Vec<&str> = lists(kind, sources).collect();
    for (key, value) in raw {
        match value {
            Value::Object(_) if key == ROW && !kind.is_listed() => {}
            _ if key == ROW && kind.is_listed() => {
                let lists = lists.join(", ");
                wrong
                    .push(format!("a {} is read from lists ({lists}), and its raw record has no `row`", kind.as_str()));
            }
            _ if key == ROW => wrong.push("`row` is to be a table of the row's fields".to_owned()),
            // A list of the site's own is whatever the site answers.
            _ if lists.contains(&key.as_str()) && (value.is_array() || key.starts_with('/')) => {}
            _ if lists.contains(&key.as_str()) => {
                wrong.push(format!("`{key}` is to be a list of rows, such as `{key} = [{{ … }}]`"));
            }
            _ => {
                let own = OWN_KEYS.iter().copied();
                let row = (!kind.is_listed()).then_some(ROW);
                let asked = spelling::question(key, own.chain(row).chain(lists.iter().copied()));
                let read = if lists.is_empty() { "none".to_owned() } else { lists.join(", ") };
                wrong.push(format!(
                    "`{key}` is no part of an example ({}), and no list that these rules read for a {} ({read}){asked}",
                    OWN_KEYS.iter().copied().chain(row).collect::<Vec<_>>().join(", "),
                    kind.as_str()
                ));
            }
        }
    }
}

/// The lists that belong to raw records of a kind.
fn lists(kind: RecordKind, sources: &[Source]) -> impl Iterator<Item = &str> {
    let all = sources.iter().flat_map(|source| [source].into_iter().chain(&source.below));
    all.filter(move |source| source.kind == kind).flat_map(|source| source.lists.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sources() -> Vec<Source> {
        let source = |kind, lists: &[&str]| Source {
            kind,
            resource: "people".to_owned(),
            fields: Vec::new(),
            lists: lists.iter().map(|list| (*list).to_owned()).collect(),
            below: Vec::new(),
        };
        let goals = source(RecordKind::Goal, &["aims", "/choices"]);
        vec![Source { below: vec![goals], ..source(RecordKind::Client, &["address", "contact"]) }]
    }

    fn check(example: Value, expected: &[&str]) {
        let (sound, wrong) = read(&[example], &sources());
        assert_eq!((sound.len(), wrong.len()), (usize::from(expected.is_empty()), expected.len()), "{wrong:?}");
        for (line, expected) in wrong.iter().zip(expected) {
            assert!(line.starts_with("/examples/0") && line.contains(expected), "{line}");
        }
    }

    #[test]
    fn an_example_has_known_keys_alone() {
        check(
            json!({"name": "a", "row": {}, "address": [], "contact": [{}], "codes": [], "expect": {"title": ""}}),
            &[],
        );
        check(json!({"name": "a", "kind": "goal", "aims": [], "/choices": {"1": "Car"}, "expect": {"name": "x"}}), &[]);
        check(
            json!({"name": "a", "adress": []}),
            &[
                "(\"a\"): `adress` is no part of an example (name, kind, becomes, expect, codes, row), and no list that \
               these rules read for a client (address, contact); is `address` meant?",
            ],
        );
        check(json!({"name": "a", "expct": {}}), &["is `expect` meant?"]);
        check(json!({"name": "a", "insurance": []}), &["for a client (address, contact)"]);
        check(json!({"name": "a", "kind": "goal", "contact": []}), &["for a goal (aims, /choices)"]);
        check(json!({"name": "a", "kind": "cover", "covers": []}), &["for a cover (none)"]);
        check(json!({"name": "a", "kind": "goal", "row": {}}), &["a goal is read from lists (aims, /choices)"]);
    }

    #[test]
    fn each_part_has_its_form() {
        check(json!({"name": "a", "row": []}), &["`row` is to be a table"]);
        check(json!({"name": "a", "contact": {}}), &["`contact` is to be a list of rows"]);
        check(json!({"name": "a", "expect": []}), &["`expect` is to be a table of fields"]);
        check(
            json!({"name": "a", "expect": {"frist_name": "x", "title": "", "zip": ""}}),
            &["`frist_name`, which is no field of a record of the kind `client`: those are external_id, ", "`zip`"],
        );
        check(json!({"name": "a", "codes": "x"}), &["`codes` is to be a list of texts"]);
        check(json!({"name": "a", "codes": [1]}), &["`codes` is to be a list of texts"]);
        check(
            json!({"name": "a", "kind": "clint"}),
            &["`kind` is \"clint\", and can be adviser, client, goal, cover; is `client` meant?"],
        );
        check(json!({"name": "a", "becomes": 5}), &["`becomes` is 5, and can be mapped, skipped, rejected"]);
        check(json!("a"), &["an example is a table"]);
        for none in [json!({}), json!({"name": " "}), json!({"name": 5})] {
            check(none, &["/examples/0: it has no name"]);
        }
        check(json!({"name": "a", "kind": 1, "contcat": []}), &["`kind` is 1", "is `contact` meant?"]);
    }

    #[test]
    fn a_name_is_given_once() {
        let named = |name: &str| json!({"name": name});
        let (sound, wrong) = read(&[named("a"), named("b"), named("a"), json!({}), json!({})], &[]);
        assert_eq!(sound.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(
            wrong[0], "/examples/2 (\"a\"): /examples/0 is called so too; give each a name of its own",
            "both places are told"
        );
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }
}
