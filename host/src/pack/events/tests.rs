//! Types of events: those of the shipped packs, and what is refused of others.

use std::path::Path;

use serde_json::json;

use super::check::MOST_ERRORS;
use super::*;
use crate::domain::field::FieldError;

/// The types that a shipped pack declares.
pub fn shipped(pack: &str) -> EventTypes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules").join(pack);
    let texts = texts(&Layers::of(&folder).unwrap()).unwrap();
    read(&texts).unwrap_or_else(|wrong| panic!("{:?}", wrong.iter().map(Misfit::told).collect::<Vec<_>>()))
}

fn errors_of(event_type: &str, data: &Value) -> Vec<FieldError> {
    shipped("xplan-au").get(event_type).unwrap().data_errors(data)
}

#[test]
fn shipped_packs_declare_the_practice_s_events_in_their_order() {
    for pack in ["xplan-au", "xplan-nz"] {
        let types = shipped(pack);
        let told: Vec<_> =
            types.all().iter().map(|one| (one.name.as_str(), one.label.as_str(), one.documents)).collect();
        let expected = [
            ("your-life-survey.completed", "Your Life Survey completed", DocumentRule::None),
            ("values-session.completed", "Values session completed", DocumentRule::None),
            ("investment-preferences.completed", "Investment preferences completed", DocumentRule::None),
            ("best-life-plan.exported", "Best Life Plan exported", DocumentRule::Required),
            ("investment-preferences.exported", "Investment preferences exported", DocumentRule::Required),
            ("note.written", "Note", DocumentRule::Optional),
        ];
        assert_eq!(told, expected, "{pack}");
    }
}

#[test]
fn surveys() {
    let check = |data: Value, expected: Option<(&str, &str)>| {
        let errors = errors_of("your-life-survey.completed", &data);
        let found: Vec<_> = errors.iter().map(|one| (one.field.as_str(), one.message.as_str())).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{data}");
    };
    let good = json!({"score": 72, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65.5}]});
    check(good.clone(), None);
    check(json!({"score": 0, "goals": [], "dimensions": []}), None);
    let with = |pointer: &str, value: Value| {
        let mut data = good.clone();
        *data.pointer_mut(pointer).unwrap() = value;
        data
    };
    check(Value::Null, Some(("/data", "must be an object")));
    check(with("/score", json!(101)), Some(("/data/score", "must be a number from 0 to 100")));
    check(with("/score", json!("72")), Some(("/data/score", "must be a number")));
    check(with("/goals", json!("Retire")), Some(("/data/goals", "must be a list")));
    check(with("/goals/0", json!("")), Some(("/data/goals/0", "must not be empty")));
    for blank in [" \t", "\u{202e}\u{200b}"] {
        check(with("/goals/0", json!(blank)), Some(("/data/goals/0", "must have text that can be seen")));
    }
    // Control characters are taken out first.
    check(with("/goals/0", json!("\u{7}")), Some(("/data/goals/0", "must not be empty")));
    let long = json!("ā".repeat(501));
    check(with("/goals/0", long), Some(("/data/goals/0", "must have at most 500 characters, and has 501")));
    let percent = ("/data/dimensions/0/percent", "must be a number from 0 to 100");
    check(with("/dimensions/0/percent", json!(-1)), Some(percent));
    check(with("/dimensions/0", json!({"name": "x"})), Some(("/data/dimensions/0/percent", "is missing")));
    let mut odd = good.clone();
    odd["a/b"] = json!(1);
    check(odd, Some(("/data/a~1b", "is not known; remove it")));
}

#[test]
fn all_that_is_wrong_is_told_up_to_a_bound() {
    let said = |data: Value| errors_of("your-life-survey.completed", &data);
    let wrong = json!({"score": 101, "goals": ["", 7], "dimensions": [{"percent": 250}], "mood": "good"});
    let errors = said(wrong);
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    let expected = ["/dimensions/0/name", "/dimensions/0/percent", "/goals/0", "/goals/1", "/mood", "/score"]
        .map(|at| format!("/data{at}"));
    assert_eq!(fields, expected);
    let many = json!({"score": 1, "goals": vec![7; 500], "dimensions": []});
    assert_eq!(said(many).len(), MOST_ERRORS);
}

#[test]
fn more_than_a_note_takes_is_refused() {
    let answers = |count: usize| {
        let answer = json!({ "question": "ā".repeat(1000), "response": "x".repeat(4000) });
        errors_of("investment-preferences.completed", &json!({ "answers": vec![answer; count] }))
    };
    assert_eq!(answers(16), []);
    let said = answers(17);
    assert!(said[0].field == "/data" && said[0].message.starts_with("has 85000 characters"), "{said:?}");
}

#[test]
fn data_of_very_many_values_is_refused_whole() {
    let said = |count: usize| {
        errors_of("your-life-survey.completed", &json!({"score": 1, "goals": vec![7; count], "dimensions": []}))
    };
    assert_eq!(said(9_996).len(), MOST_ERRORS);
    let refused = said(9_997);
    assert!(refused.len() == 1 && refused[0].message.starts_with("has 10001 values in all"), "{refused:?}");
}

#[test]
fn lists_are_told_their_entries_in_order() {
    let survey = |goals: Vec<Value>| {
        let said = errors_of("your-life-survey.completed", &json!({"score": 1, "goals": goals, "dimensions": []}));
        said.into_iter().map(|one| format!("{} {}", one.field, one.message)).collect::<Vec<_>>()
    };
    let expected: Vec<String> = (0..12).map(|at| format!("/data/goals/{at} must be a text")).collect();
    assert_eq!(survey(vec![json!(7); 12]), expected);
    let many = survey(vec![json!("Retire"); 101]);
    assert_eq!(many, ["/data/goals must have at most 100 entries, and has 101"]);
    let none = errors_of("values-session.completed", &json!({"clients": []}));
    assert_eq!((none[0].field.as_str(), none[0].message.as_str()), ("/data/clients", "must have at least one entry"));
}

const REVIEW: &str = r#"
label = "Annual review completed"
what = "What was agreed goes to the CRM."

[schema]
type = "object"
additionalProperties = false
required = ["summary", "on"]
examples = [{ summary = "All on track", on = "2026-03-01" }]

[schema.properties]
summary = { title = "Summary", type = "string", minLength = 1, maxLength = 100, x-form = { lines = 4 } }
on = { title = "Day", type = "string", format = "date" }
mood = { title = "Mood", type = "string", enum = ["good", "so-so"], x-form = { labels = { good = "Good" } } }
fee = { title = "Fee", description = "Before tax.", type = "number", minimum = 0 }
hours = { title = "Hours", type = "integer", maximum = 40 }
met = { title = "Met in person", type = "boolean" }
steps = { title = "Next steps", type = "array", maxItems = 3, items = { title = "Step", type = "string", minLength = 1 } }
"#;

/// The review with a text in place of another.
fn review(from: &str, to: &str) -> String {
    assert!(REVIEW.contains(from), "{from}");
    REVIEW.replacen(from, to, 1)
}

fn one(text: &str) -> Result<EventTypes, Vec<String>> {
    let texts = [("annual-review.completed".to_owned(), text.to_owned())];
    read(&texts).map_err(|wrong| wrong.iter().map(|one| format!("{}: {}", one.file(), one.told())).collect())
}

#[test]
fn a_form_follows_from_the_schema_in_the_file_s_order() {
    let types = one(REVIEW).unwrap();
    let parts = &types.all()[0].form.parts;
    let told: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Part::Field(field) => format!("{} {:?} {}", field.name, field.kind, field.is_required),
            Part::Rows(rows) => format!("{} rows {} {}", rows.name, rows.columns[0].label, rows.add),
            Part::Members(members) => format!("{} members", members.name),
        })
        .collect();
    let expected = [
        "summary Lines(4) true",
        "on Date true",
        "mood Choice([(\"good\", \"Good\"), (\"so-so\", \"so-so\")]) false",
        "fee Number false",
        "hours Number false",
        "met Flag false",
        "steps rows Step Add a row",
    ];
    assert_eq!(told, expected);
    let asked_first = review(
        "[schema.properties]",
        "[schema.x-form]\norder = [\"on\", \"summary\", \"mood\", \"fee\", \"hours\", \"met\", \"steps\"]\n[schema.properties]",
    );
    let types = one(&asked_first).unwrap();
    assert!(matches!(&types.all()[0].form.parts[0], Part::Field(field) if field.name == "on"));
}

#[test]
fn many_fields_keep_their_order() {
    let names: Vec<String> = (0..12).rev().map(|number| format!("field_{number}")).collect();
    let fields: String =
        names.iter().map(|name| format!("{name} = {{ title = \"{name}\", type = \"string\" }}\n")).collect();
    let types = one(&review("summary = {", &format!("{fields}summary = {{"))).unwrap();
    let order = types.all()[0].schema["x-form"]["order"].as_array().unwrap();
    let order: Vec<&str> = order.iter().take(13).filter_map(Value::as_str).collect();
    assert_eq!(order[..12], names);
    assert_eq!(order[12], "summary");
}

#[test]
fn every_keyword_is_told_in_its_own_words() {
    let types = one(REVIEW).unwrap();
    let check = |data: Value, expected: &[&str]| {
        let told = types.all()[0].data_errors(&data).into_iter().map(|one| format!("{} {}", one.field, one.message));
        assert_eq!(told.collect::<Vec<_>>(), expected, "{data}");
    };
    check(
        json!({"summary": "x", "on": "2026-02-28", "mood": "good", "fee": 1e6, "hours": -7, "met": false, "steps": []}),
        &[],
    );
    for day in
        ["", "5", "12345", "12-02-02", "20260301", "2026-02-29", "29/02/2026", "2026-03-01T00:00:00", "2026-W09-7"]
    {
        check(json!({"summary": "x", "on": day}), &["/data/on must be a day such as 2026-03-01"]);
    }
    check(
        json!({"summary": "x", "on": "2026-02-28", "mood": "bad", "fee": -1, "hours": 41, "met": "yes", "steps": ["", "a", "b", "c"]}),
        &[
            "/data/fee must be a number from 0 on",
            "/data/hours must be a number up to 40",
            "/data/met must be true or false",
            "/data/mood must be one of: good, so-so",
            "/data/steps must have at most 3 entries, and has 4",
            "/data/steps/0 must not be empty",
        ],
    );
    check(json!({"summary": "x", "on": "2026-02-28", "hours": 1.5}), &["/data/hours must be a whole number"]);
}

#[test]
fn what_no_host_can_ask_for_is_refused_with_its_place() {
    let check = |from: &str, to: &str, expected: &str| {
        let told = one(&review(from, to)).map(drop).unwrap_err();
        let file = "events/annual-review.completed.toml: ";
        assert!(
            told.iter().any(|line| line.starts_with(file) && line.contains(expected)),
            "{told:?} without {expected}"
        );
    };
    check("label = \"Annual review completed\"\n", "", "missing field `label`");
    check(
        "label = \"Annual review completed\"",
        "label = \" \"",
        "line 2, label: has to be a text that people can read",
    );
    check("label = \"Annual review completed\"", "label = \"a\\nb\"", "line 2, label: has to be one line");
    check("label = \"Annual", &format!("label = \"{} Annual", "x".repeat(80)), "label: has 104 characters");
    check("what = ", "waht = ", "line 3: unknown field `waht`");
    check("[schema]", "documents = \"some\"\n[schema]", "line 5: unknown variant `some`");
    check("[schema]", "[schema", "line 5");
    check("type = \"object\"", "type = \"array\"", "line 5, schema: `type` has to be \"object\"");
    check("additionalProperties = false\n", "", "line 5, schema: write `additionalProperties = false`");
    check("examples = [{ summary = \"All on track\", on = \"2026-03-01\" }]", "", "schema: it lacks `examples`");
    check(
        "on = \"2026-03-01\"",
        "on = \"soon\"",
        "line 9, schema.examples.0.on: the example does not fit: must be a day",
    );
    check(
        "required = [\"summary\"",
        "required = [\"sumary\"",
        "line 8, schema.required: `sumary` is no member of `properties`",
    );
    check("title = \"Summary\", ", "", "line 12, schema.properties.summary: lacks its `title`");
    check("maxLength = 100", "pattern = \"a+\"", "line 12, schema.properties.summary.pattern: is not used in events");
    check("maxLength = 100", "maxLength = -1", "maxLength: has to be a whole number, not below 0");
    check("maxLength = 100", "maxLength = 0", "minLength: is above `maxLength`: nothing fits");
    check("lines = 4", "lines = 0", "x-form.lines: has to be a whole number from 1 to 20");
    check("lines = 4", "line = 4", "x-form.line: is no hint; for this type there are lines, labels, is");
    check("format = \"date\"", "format = \"email\"", "format: has to be \"date\"");
    check("good = \"Good\"", "goood = \"Good\"", "labels: has to be a table of texts, by the choices of `enum`");
    check("\"so-so\"]", "\" \"]", "enum: has to be a list of 1 to 50 different texts");
    check("\"so-so\"]", "\"good\"]", "enum: has to be a list of 1 to 50 different texts");
    check("type = \"boolean\"", "type = [\"boolean\", \"null\"]", "`type` has to be one of");
    check("met = {", "Met = {", "schema.properties.Met: its name has to be lower-case letters");
    check(
        "type = \"string\", minLength = 1 } }",
        "type = \"array\", items = { title = \"x\", type = \"string\" } } }",
        "lies deeper than forms go",
    );
    check("maxItems = 3, items", "x-form = { each = \"member\" }, items", "has to be an object, as the list has `each");
    check(
        "[schema]",
        "documents = \"required\"\ndocument = { name = \"A\", title = \"Review\" }\n[schema]",
        "document.name: has to be lower-case words",
    );
    check("[schema]", "document = { name = \"a\", title = \"Review\" }\n[schema]", "documents: has to be \"required\"");
    check(
        "[schema]",
        "documents = \"required\"\n[document]\nname = \"a\"\ntitle = \"A\"\ndata = { goals = { event = \"x.y\" } }\n[schema]",
        "document.data.goals: is no name for it",
    );
    check(
        "[schema]",
        "documents = \"required\"\n[document]\nname = \"a\"\ntitle = \"A\"\ndata = { last = { event = \"x.y\" } }\n[schema]",
        "document.data.last: `x.y` is no event of this pack",
    );
    check(
        "[schema]",
        "documents = \"required\"\n[document]\nname = \"a\"\ntitle = \"A\"\ndata = { last = { event = \"annual-review.completed\", member = \"fee\" } }\n[schema]",
        "document.data.last: `fee` is no list in the data of annual-review.completed",
    );
    for name in [
        "review",
        "Annual-Review.completed",
        "annual_review.completed",
        "annual-review.",
        "a..b",
        "-a.b",
        "a b.c",
        &format!("{}.b", "a".repeat(60)),
    ] {
        let wrong = read(&[(name.to_owned(), REVIEW.to_owned())]).map(drop).unwrap_err();
        assert!(wrong[0].message.contains("its name is no event's"), "{name}: {wrong:?}");
    }
}

#[test]
fn a_group_for_each_person_says_whose_it_is() {
    let group = |name: &str| {
        format!(
            "clients = {{ title = \"Clients\", type = \"array\", x-form = {{ each = \"member\" }}, items = {{ type = \"object\", \
             additionalProperties = false, required = [\"name\"], properties = {{ {name}, note = {{ title = \"Note\", type = \
             \"string\" }} }} }} }}\nmet = "
        )
    };
    let with = |name: &str| one(&review("met = ", &group(name)));
    let types = with("name = { title = \"Name\", type = \"string\", x-form = { is = \"member-name\" } }").unwrap();
    let members = types.all()[0].members().unwrap();
    assert_eq!((members.person.as_str(), members.parts.len()), ("name", 1));
    let told = with("name = { title = \"Name\", type = \"string\" }").map(drop).unwrap_err();
    assert!(told[0].contains("schema.properties.clients.items: lacks a text with"), "{told:?}");
    let told = with("name = { title = \"Name\", type = \"number\", x-form = { is = \"member-name\" } }")
        .map(drop)
        .unwrap_err();
    assert!(told[0].contains("is no hint"), "{told:?}");
    let named = "name = { title = \"Name\", type = \"string\", x-form = { is = \"member-name\" } }";
    let text = review("met = ", &group(named)).replace("what = ", "about = \"client\"\nwhat = ");
    let told = one(&text).map(drop).unwrap_err();
    assert!(told[0].contains("about: cannot be given"), "{told:?}");
}

#[test]
fn events_notes_and_templates_go_together() {
    let types = one(REVIEW).unwrap();
    let told = |notes: &[&str], by_plugin: &[&str], templates: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let wrong = beside(&types, &owned(notes), &owned(by_plugin), templates);
        wrong.iter().map(|one| format!("{}: {}", one.file(), one.told())).collect::<Vec<_>>()
    };
    let name = "annual-review.completed";
    assert_eq!(told(&[name], &[], &[]), [""; 0]);
    assert_eq!(told(&[], &[name], &[]), [""; 0]);
    let check = |found: Vec<String>, expected: &str| {
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    };
    check(told(&[], &[], &[]), "write its template, notes/annual-review.completed.toml");
    check(told(&[name], &[], &[name]), "it lacks [document] with `name` and `title`");
    check(
        told(&[name, "other.done"], &[], &[]),
        "events/other.done.toml: there is no such file, and notes/other.done.toml",
    );
    check(told(&[name], &[], &["other.done"]), "and documents/other.done.typ is of this event");
    // A pack of before declares no events.
    assert!(beside(&EventTypes::default(), &["other.done".to_owned()], &[], &["other.done"]).is_empty());
}

#[test]
fn a_pack_s_events_are_known_by_what_they_declare() {
    let digest = |text: &str| one(text).unwrap().digest();
    assert_eq!(digest(REVIEW), digest(&review("label", "# A comment.\nlabel")));
    assert_ne!(digest(REVIEW), digest(&review("Before tax", "After tax")));
    let (first, second) = REVIEW.split_once("on = { title").unwrap();
    let (line, rest) = second.split_once('\n').unwrap();
    let turned = format!("{first}{rest}on = {{ title{line}\n");
    assert_ne!(digest(REVIEW), digest(&turned), "the order on the form is part of it");
    assert_eq!(EventTypes::default().digest(), None);
}

#[test]
fn a_folder_of_events_has_bounds() {
    let pack = tempfile::tempdir().unwrap();
    let folder = pack.path().join("events");
    let pack_file =
        "name = \"a\"\nversion = \"1\"\nplugin = \"a\"\ncomponent = \"a.wasm\"\ncrm = \"x\"\nregion = \"AU\"";
    std::fs::write(pack.path().join("pack.toml"), pack_file).unwrap();
    assert!(texts(&Layers::of(pack.path()).unwrap()).unwrap().is_empty());
    std::fs::create_dir(&folder).unwrap();
    let refused = |expected: &str| {
        let error = texts(&Layers::of(pack.path()).unwrap()).map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    std::fs::write(folder.join("a.b.toml"), "x".repeat((64 << 10) + 1)).unwrap();
    refused("a.b.toml: it is larger than 64 kB");
    std::fs::write(folder.join("a.b.toml"), "").unwrap();
    std::fs::write(folder.join("a.b.json"), "{}").unwrap();
    refused("an event is a file <event type>.toml");
    std::fs::remove_file(folder.join("a.b.json")).unwrap();
    for number in 0..64 {
        std::fs::write(folder.join(format!("a{number}.b.toml")), "").unwrap();
    }
    refused("it holds 65 files; a pack has at most 64 events");
}
