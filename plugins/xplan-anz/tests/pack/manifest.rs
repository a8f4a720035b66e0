//! The manifest says what the plugin and its packs do.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_sdk::{
    Canonical, RecordKind, RuleProblem, Session, Verdict,
    canonical::{self, Choice as _},
    harness::{Fixture, Given, Pack},
};
use xplan_anz::XplanAnz;

use crate::support::{AU, PACKS, client, list, map, pack, session};

#[test]
fn the_manifest_is_of_this_version() {
    let manifest = Session::<XplanAnz>::describe();
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.name, env!("CARGO_PKG_NAME"));
}

#[test]
fn the_manifest_names_what_the_shipped_rules_read() {
    let manifest = Session::<XplanAnz>::describe();
    for folder in PACKS {
        let pack = pack(folder);
        let rules = pack.rules_json();
        let mut read = BTreeSet::new();
        for source in session(&pack).sources() {
            let extensions = rules[source.kind.word()]["extensions"].as_object().into_iter().flatten();
            let added: Vec<&str> = extensions.map(|(_, extension)| text(&extension["field"])).collect();
            // What each region adds is not what all of them read.
            let own = source.fields.iter().filter(|field| !added.contains(&field.as_str()));
            read.extend(own.map(|field| format!("{}.{field}", source.resource)));
            for list in &source.lists {
                let mut of = |rules: &Value, list: &str| {
                    let fields = rules.as_object().unwrap().values();
                    read.extend(fields.map(|field| format!("{}/{list}.{}", source.resource, text(field))));
                };
                if list.starts_with('/') {
                    let fields = rules["goal"]["choices"]["fields"].as_object().unwrap().values();
                    read.extend(fields.map(|field| format!("{list}.{}", text(field))));
                    continue;
                }
                match source.kind {
                    RecordKind::Goal => of(&rules["goal"]["fields"], list),
                    RecordKind::Cover => {
                        of(&rules["cover"]["fields"], list);
                        of(&rules["cover"]["covers"], &format!("{list}/covers"));
                    }
                    _ => of(&rules["client"][list]["fields"], list),
                }
            }
        }
        assert_eq!(read, manifest.fields_read.iter().cloned().collect(), "{}", pack.name);
    }
}

#[test]
fn the_manifest_names_what_is_written() {
    let raw = client(&serde_json::json!({"first_name": "Jo"}), &Value::Null, &Value::Null);
    let Verdict::Mapped(client) = map(AU, raw) else { panic!("Jo is a client") };
    let adviser = Canonical::Adviser(tidegate_sdk::Adviser {
        external_id: "1".to_owned(),
        first_name: None,
        last_name: None,
        email: None,
        active: true,
    });
    let of_list = |kind, name, row| {
        let Verdict::Mapped(mapped) = map(AU, list(kind, name, &row)) else { panic!("{kind:?}") };
        mapped.records
    };
    let goals = of_list(RecordKind::Goal, "goals", serde_json::json!({}));
    let policy = serde_json::json!({"covers": [{"benefit_status": "Active"}]});
    let covers = of_list(RecordKind::Cover, "insurance_group", policy);
    let names = |kind: &str, records: &[Canonical]| -> Vec<String> {
        let plain = |name: String| name.split_once("].").map_or(name.clone(), |(_, plain)| plain.to_owned());
        canonical::fields_of(records).into_iter().map(|(name, _)| format!("{kind}.{}", plain(name))).collect()
    };
    let [adviser, client] = [names("adviser", &[adviser]), names("client", &client.records)];
    let written = [adviser, client, names("goal", &goals), names("cover", &covers)].concat();
    assert_eq!(written, Session::<XplanAnz>::describe().fields_written);
}

/// What the plugin writes by itself, without a template of its pack, is nothing: a pack brings events of its own.
#[test]
fn the_manifest_names_no_events() {
    assert_eq!(Session::<XplanAnz>::describe().events, Vec::<String>::new());
}

/// A template's faults show when it is filled: so each is, by a fixture.
#[test]
fn every_note_has_a_fixture() {
    for folder in PACKS {
        let pack = pack(folder);
        let mut filled = BTreeSet::new();
        for file in pack.files("fixtures", "json").unwrap() {
            let text = std::fs::read_to_string(file).unwrap();
            let fixture = Fixture::read(&text, &pack.region).unwrap();
            if let Given::Event(event) = fixture.given
                && fixture.expected["subject"].is_string()
            {
                filled.insert(event.event_type);
            }
        }
        let notes: BTreeSet<String> = pack.rules_json()["notes"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(filled, notes, "{}", pack.name);
    }
}

/// The schema and the plugin's own reading of the rules agree: what the schema requires is required, and what it does
/// not know is refused, at every level.
#[test]
fn the_schema_says_what_the_plugin_reads() {
    let schema: Value = serde_json::from_str(&Session::<XplanAnz>::describe().rules_schema).unwrap();
    for folder in PACKS {
        let mut rules = pack(folder).rules_json();
        let whole = rules.clone();
        walk(&schema, &mut rules, &whole, String::new());
    }
}

fn walk(schema: &Value, part: &mut Value, whole: &Value, path: String) {
    let Some(members) = part.as_object() else { return };
    let known = schema["properties"].as_object();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for key in members.keys() {
        let is_known = known.is_some_and(|known| known.contains_key(key));
        assert!(is_known || schema["additionalProperties"].is_object(), "{path}/{key} is not in the schema");
    }
    // Examples are for tests; the plugin takes them as they are.
    if path.starts_with("/examples") {
        return;
    }
    if known.is_some() {
        let mut more = whole.clone();
        insert(&mut more, &path, "unheard_of", Some(Value::Null));
        assert_eq!(problems(&more).first().map(|p| p.path.clone()), Some(format!("{path}/unheard_of")));
    }
    for key in members.keys().filter(|key| known.is_some_and(|known| known.contains_key(*key))) {
        let mut less = whole.clone();
        insert(&mut less, &path, key, None);
        // What fills a field needs the check that reads it.
        if key == "check" && members.contains_key("fills") {
            continue;
        }
        let refused = !problems(&less).is_empty();
        assert_eq!(refused, required.contains(&key.as_str()), "{path}/{key}");
    }
    for (key, inner) in part.as_object_mut().unwrap() {
        let of_key = known.and_then(|known| known.get(key)).unwrap_or(&schema["additionalProperties"]);
        walk(of_key, inner, whole, format!("{path}/{key}"));
    }
}

fn insert(rules: &mut Value, path: &str, key: &str, value: Option<Value>) {
    let object = rules.pointer_mut(path).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
}

fn problems(rules: &Value) -> Vec<RuleProblem> {
    Session::<XplanAnz>::configure(&rules.to_string()).err().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn rules_that_cannot_be_used_are_told_with_their_place() {
    let pack: Pack = pack(AU);
    let check = |path: &str, value: Value, message: &str| {
        let mut rules = pack.rules_json();
        *rules.pointer_mut(path).unwrap() = value;
        let problems = problems(&rules);
        assert_eq!(problems.len(), 1, "{path}: {problems:?}");
        assert!(problems[0].path.starts_with(path), "{path}: {problems:?}");
        assert!(problems[0].message.contains(message), "{path}: {problems:?}");
    };
    check("/client/titles", serde_json::json!({"Sir": ["Sir"]}), "the choices are Mr");
    check("/client/titles/Mrs", serde_json::json!(["MR."]), "stands under Mr too");
    check("/client/status/come_over/0", "vip".into(), "the choices are client");
    check("/client/mobile/dialling_prefixes/0", "+".into(), "digits only");
    check("/client/mobile/plans/61", serde_json::json!(["four"]), "digits only");
    check("/client/email/placeholder", "{name}@{domain}".into(), "{first_name}");
    for code in ["Oz", "au", "Australia", "AUS"] {
        check("/client/address_form/home_country", code.into(), "ISO 3166-1");
        check("/client/address_form/countries", serde_json::json!({code: ["Down under"]}), "ISO 3166-1");
    }
    for code in ["$", "AU", "aud", "AUDX", ""] {
        check("/goal/currency", code.into(), "ISO 4217");
    }
    check("/cover/currency", "$".into(), "ISO 4217");
    check("/goal/owners", serde_json::json!({"trust": ["Trust"]}), "the choices are client");
    check("/cover/types", serde_json::json!({"pet": ["Pet"]}), "the choices are life");
    check("/cover/covers/type", 7.into(), "expected");
    check("/notes/note.written/body", "{{ data.body".into(), "cannot be read");
    check("/client/fields/title", 7.into(), "expected");
}
