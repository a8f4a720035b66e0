//! The joining of a pack's rules with those of its bases, for the host and for the tests of plugins alike.
//!
//! Tables are joined key by key, examples are added up by their names, and everything else (words, lists, templates) is
//! replaced by the layer above. What a layer is not to have of those below it takes away: `remove` lists JSON Pointers
//! (RFC 6901) into the rules, in which an example goes by its name. Nothing is read from disk here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The key under which a layer's rules list what they take away from those below.
pub const REMOVE: &str = "remove";

/// The key that holds the examples.
pub const EXAMPLES: &str = "examples";

/// The key that holds the templates of file notes, by event type.
pub const NOTES: &str = "notes";

/// The rules of one layer: what stands in its `rules.toml`, and its notes by event type.
#[derive(Clone, Default, Debug)]
pub struct LayerRules {
    /// The file's tables, with [`REMOVE`] among them.
    pub rules: Map<String, Value>,
    /// The tables of `notes/<event type>.toml`.
    pub notes: Map<String, Value>,
}

/// A fault of a layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The layer's place in what was given, the lowest base first.
    pub layer: usize,
    /// What is wrong with its rules, and what to do.
    pub message: String,
}

/// The rules of all layers as one, keys sorted; the lowest base comes first.
///
/// # Errors
/// Names each removal of what is not there.
pub fn rules(layers: Vec<LayerRules>) -> Result<Map<String, Value>, Vec<Fault>> {
    let (mut joined, mut faults) = (Map::new(), Vec::new());
    for (layer, mut own) in layers.into_iter().enumerate() {
        let mut fault = |message| faults.push(Fault { layer, message });
        for pointer in removals(&mut own.rules, &mut fault) {
            if !take_away(&mut joined, &pointer) {
                fault(nothing_there(&pointer));
            }
        }
        if !own.notes.is_empty() {
            own.rules.insert(NOTES.to_owned(), Value::Object(own.notes));
        }
        join(&mut joined, own.rules);
    }
    if faults.is_empty() { Ok(sorted(joined)) } else { Err(faults) }
}

/// What differs in a dialect, of all layers as one, keys sorted; the lowest base comes first. [`REMOVE`] in it lists what
/// [`lay_over`] takes away from `plain`, the joined rules.
///
/// # Errors
/// Names each removal of what is neither in the rules nor in the dialect of a layer below.
pub fn dialect(plain: &Map<String, Value>, layers: Vec<Map<String, Value>>) -> Result<Map<String, Value>, Vec<Fault>> {
    let (mut joined, mut removed, mut faults) = (Map::new(), Vec::new(), Vec::new());
    for (layer, mut own) in layers.into_iter().enumerate() {
        let mut fault = |message| faults.push(Fault { layer, message });
        for pointer in removals(&mut own, &mut fault) {
            let of_layers = take_away(&mut joined, &pointer);
            let of_plain = take_away(&mut plain.clone(), &pointer);
            if of_plain {
                removed.push(Value::from(pointer));
            } else if !of_layers {
                fault(nothing_there(&pointer));
            }
        }
        join(&mut joined, own);
    }
    if !removed.is_empty() {
        joined.insert(REMOVE.to_owned(), Value::Array(removed));
    }
    if faults.is_empty() { Ok(sorted(joined)) } else { Err(faults) }
}

/// The rules of a dialect: tables are joined key by key, everything else is replaced, all examples together as well.
#[must_use]
pub fn lay_over(mut rules: Map<String, Value>, mut differences: Map<String, Value>) -> Map<String, Value> {
    for pointer in removals(&mut differences, &mut |_| {}) {
        take_away(&mut rules, &pointer);
    }
    join_tables(&mut rules, differences);
    sorted(rules)
}

/// The parts of a JSON Pointer; none where it is none.
#[must_use]
pub fn parts(pointer: &str) -> Option<Vec<String>> {
    let parts = pointer.strip_prefix('/')?.split('/');
    Some(parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

/// The name of an example.
#[must_use]
pub fn name_of(example: &Value) -> Option<&str> {
    example["name"].as_str()
}

/// Takes the list of removals out of a layer's rules.
fn removals(own: &mut Map<String, Value>, fault: &mut impl FnMut(String)) -> Vec<String> {
    let pointers = match own.remove(REMOVE) {
        None => return Vec::new(),
        Some(Value::Array(pointers)) => pointers,
        Some(_) => {
            fault(format!("`{REMOVE}` is a list of places, such as {REMOVE} = [\"/client/titles/Prof\"]"));
            return Vec::new();
        }
    };
    let mut sound = Vec::new();
    for pointer in pointers {
        match pointer.as_str().filter(|text| parts(text).is_some()) {
            Some(text) => sound.push(text.to_owned()),
            None => fault(format!(
                "`{REMOVE}` has {pointer}, which is no place: write it as \"/client/titles/Prof\", with ~1 for / and ~0 for ~ in \
                 a key"
            )),
        }
    }
    sound
}

fn nothing_there(pointer: &str) -> String {
    format!(
        "`{REMOVE}` takes `{pointer}` away, and below this pack there is no such thing: take the line out, or correct it"
    )
}

/// Takes away what a pointer leads to; answers whether it was there.
fn take_away(rules: &mut Map<String, Value>, pointer: &str) -> bool {
    let Some(parts) = parts(pointer) else { return false };
    let [way @ .., last] = parts.as_slice() else { return false };
    if let ([EXAMPLES], Some(Value::Array(examples))) =
        (way.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), rules.get_mut(EXAMPLES))
    {
        let before = examples.len();
        examples.retain(|example| name_of(example) != Some(last));
        return examples.len() < before;
    }
    let mut table = rules;
    for key in way {
        match table.get_mut(key) {
            Some(Value::Object(below)) => table = below,
            _ => return false,
        }
    }
    table.remove(last).is_some()
}

/// Joins a layer's rules with those below: its examples are added to theirs.
fn join(below: &mut Map<String, Value>, mut own: Map<String, Value>) {
    if let (Some(Value::Array(known)), Some(Value::Array(added))) = (below.get_mut(EXAMPLES), own.get_mut(EXAMPLES)) {
        let places: BTreeMap<String, usize> =
            known.iter().enumerate().filter_map(|(at, one)| Some((name_of(one)?.to_owned(), at))).collect();
        for example in std::mem::take(added) {
            match name_of(&example).and_then(|name| places.get(name)) {
                Some(at) => known[*at] = example,
                None => known.push(example),
            }
        }
        own.remove(EXAMPLES);
    }
    join_tables(below, own);
}

fn join_tables(below: &mut Map<String, Value>, own: Map<String, Value>) {
    for (key, value) in own {
        match (below.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(value)) => join_tables(below, value),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}

/// The same with keys in order, so that the same rules give the same text however they are written down.
fn sorted(table: Map<String, Value>) -> Map<String, Value> {
    let in_order: BTreeMap<String, Value> = table.into_iter().collect();
    in_order.into_iter().map(|(key, value)| (key, sorted_value(value))).collect()
}

fn sorted_value(value: Value) -> Value {
    match value {
        Value::Object(table) => Value::Object(sorted(table)),
        Value::Array(items) => items.into_iter().map(sorted_value).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(table) => table,
            other => panic!("{other} is no table"),
        }
    }

    fn layer(rules: Value) -> LayerRules {
        LayerRules { rules: table(rules), notes: Map::new() }
    }

    fn check(layers: Vec<LayerRules>, expected: Value) {
        assert_eq!(rules(layers).map(Value::Object), Ok(expected));
    }

    #[test]
    fn tables_are_joined_and_everything_else_is_replaced() {
        check(
            vec![
                layer(json!({"a": {"x": [1, 2], "y": 3, "deep": {"p": 1}}, "b": "words"})),
                layer(json!({"a": {"x": [4], "z": 5, "deep": {"q": 2}}, "b": {"now": "a table"}})),
                layer(json!({"a": {"y": 6}})),
            ],
            json!({"a": {"deep": {"p": 1, "q": 2}, "x": [4], "y": 6, "z": 5}, "b": {"now": "a table"}}),
        );
    }

    #[test]
    fn examples_are_added_up_and_one_of_the_same_name_replaces_the_one_below_in_its_place() {
        check(
            vec![
                layer(json!({"examples": [{"name": "a", "row": 1}, {"name": "b", "row": 2}]})),
                layer(json!({"examples": [{"name": "c"}, {"name": "a", "row": 3}]})),
            ],
            json!({"examples": [{"name": "a", "row": 3}, {"name": "b", "row": 2}, {"name": "c"}]}),
        );
    }

    #[test]
    fn notes_are_joined_with_those_below() {
        let with = |subject: Value| LayerRules { rules: Map::new(), notes: table(subject) };
        check(
            vec![
                with(json!({"plan.exported": {"subject": "S", "body": "B"}})),
                with(json!({"plan.exported": {"subject": "T"}})),
            ],
            json!({"notes": {"plan.exported": {"body": "B", "subject": "T"}}}),
        );
    }

    #[test]
    fn what_is_removed_is_gone_and_may_be_written_anew() {
        let mut base = layer(json!({
            "titles": {"Prof": ["Prof"], "a/b~c": ["x"]}, "words": {"old": [1], "older": [2]},
            "examples": [{"name": "a title that is none of the six"}, {"name": "b"}],
        }));
        base.notes = table(json!({"values-session.completed": {"body": "B"}}));
        let own = layer(json!({
            "remove": ["/titles/Prof", "/titles/a~1b~0c", "/words", "/notes/values-session.completed",
                "/examples/a title that is none of the six"],
            "words": {"new": [3]},
        }));
        check(vec![base, own], json!({"examples": [{"name": "b"}], "notes": {}, "titles": {}, "words": {"new": [3]}}));
    }

    #[test]
    fn what_each_of_three_layers_changes_adds_up() {
        check(
            vec![
                layer(json!({"titles": {"Prof": ["Prof"], "Dr": ["Dr"]}})),
                layer(json!({"remove": ["/titles/Prof"], "titles": {"Rev": ["Rev"]}})),
                layer(json!({"remove": ["/titles/Rev"], "titles": {"Prof": ["Professor"]}})),
            ],
            json!({"titles": {"Dr": ["Dr"], "Prof": ["Professor"]}}),
        );
    }

    #[test]
    fn a_removal_of_what_is_not_there_is_named_with_its_layer() {
        let check = |own: Value, expected: &str| {
            let base = layer(json!({"titles": {"Dr": ["Dr"]}, "examples": [{"name": "a"}]}));
            let faults = rules(vec![base, layer(own)]).unwrap_err();
            assert_eq!((faults.len(), faults[0].layer), (1, 1), "{faults:?}");
            assert!(faults[0].message.contains(expected), "{faults:?}");
        };
        check(json!({"remove": ["/titles/Lord"]}), "takes `/titles/Lord` away");
        check(json!({"remove": ["/titles/Dr", "/titles/Dr"]}), "takes `/titles/Dr` away");
        check(json!({"remove": ["/examples/0"]}), "takes `/examples/0` away");
        check(json!({"remove": ["/titles/Dr/0"]}), "takes `/titles/Dr/0` away");
        check(json!({"remove": ["titles/Dr"]}), "which is no place");
        check(json!({"remove": [7]}), "has 7, which is no place");
        check(json!({"remove": "/titles"}), "is a list of places");
        // What a layer has itself it need not take away.
        check(json!({"remove": ["/own"], "own": 1}), "takes `/own` away");
        assert!(rules(vec![layer(json!({"remove": ["/a"], "a": 1}))]).is_err(), "below a base there is nothing");
    }

    #[test]
    fn a_dialect_of_layers_is_laid_over_the_joined_rules() {
        let plain = table(json!({"f": {"id": "id", "sex": "sex"}, "gone": 1, "examples": [{"name": "plain"}]}));
        let below = table(json!({"f": {"id": "Id", "age": "Age"}, "examples": [{"name": "a"}]}));
        let own = table(json!({"remove": ["/f/age", "/gone"], "f": {"sex": "Sex"}, "examples": [{"name": "b"}]}));
        let joined = dialect(&plain, vec![below, own]).unwrap();
        assert_eq!(
            Value::Object(joined.clone()),
            json!({"examples": [{"name": "a"}, {"name": "b"}], "f": {"id": "Id", "sex": "Sex"}, "remove": ["/gone"]})
        );
        assert_eq!(
            Value::Object(lay_over(plain.clone(), joined)),
            json!({"examples": [{"name": "a"}, {"name": "b"}], "f": {"id": "Id", "sex": "Sex"}})
        );
        let faults = dialect(&plain, vec![table(json!({"remove": ["/f/name"]}))]).unwrap_err();
        assert_eq!(faults[0].layer, 0);
    }
}
