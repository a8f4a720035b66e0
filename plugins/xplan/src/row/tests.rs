//! Rows in both of their shapes, and what their fields are read as.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, value};
use tidegate_sdk::LineageRecorder;

use super::{KeySeed, Row, RowReader, View};
use crate::{Calendar, Forms, Names, Number, Unknown, UnknownRules, Value, fields, lenient::Lenient};

fields! {
    /// Fields of a made-up row.
    pub enum Made {
        /// The row's number.
        Id = "id",
        /// A name.
        Name = "name",
        /// A name that stands in an object.
        Surname = "surname",
        /// Another that stands in it.
        Title = "title",
    }
}

type Recorder = LineageRecorder;

fn names() -> Names<Made> {
    let json = r#"{"id":"id","name":"first/~name","surname":"Details.Surname","title":"Details.Title"}"#;
    serde_json::from_str(json).unwrap()
}

fn forms() -> Forms {
    let words = vec!["N/A".to_owned()];
    Forms { calendar: Calendar::default(), unknown: Unknown::new(UnknownRules { words, ..UnknownRules::default() }) }
}

fn row<'a>(json: &'a str, names: &Names<Made>) -> Row<'a, Made> {
    let names = names.table();
    Lenient(RowReader { names }).deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap().into()
}

/// What `look` sees of a row, and the codes of what it tells.
#[track_caller]
fn seen<T>(json: &str, look: impl FnOnce(View<'_, '_, Made>, &mut Recorder) -> T) -> (T, Vec<String>) {
    let (names, forms) = (names(), forms());
    let row = row(json, &names);
    let view = View::new(&row, &names, None, "/client/fields", &forms);
    let mut recorder = LineageRecorder::new();
    let seen = look(view, &mut recorder);
    (seen, recorder.diagnostics().iter().map(|said| said.code.clone()).collect())
}

#[test]
fn both_shapes_read_the_same() {
    #[track_caller]
    fn check(json: &str, id: Option<&str>, name: Option<&str>, surname: Option<&str>) {
        let names = names();
        let row = row(json, &names);
        let shown = [Made::Id, Made::Name, Made::Surname].map(|field| row.get(field).display());
        assert_eq!(shown.each_ref().map(Option::as_deref), [id, name, surname], "{json}");
    }
    check(r#"{"id":7,"first/~name":"Jo"}"#, Some("7"), Some("Jo"), None);
    check(r#"{"first/~name":"Jo","id":7}"#, Some("7"), Some("Jo"), None);
    check(r#"{"id":7,"fields":{"first/~name":"Jo"}}"#, Some("7"), Some("Jo"), None);
    check(r#"{"fields":{"other":1,"first/~name":"Jo","id":8},"other":2}"#, Some("8"), Some("Jo"), None);
    // What stands in both is taken from `fields`, whichever comes first.
    check(r#"{"id":7,"fields":{"id":8}}"#, Some("8"), None, None);
    check(r#"{"fields":{"id":8},"id":7}"#, Some("8"), None, None);
    check(r#"{"fields":{"first/~name":"Jo"},"id":7,"first/~name":"Al"}"#, Some("7"), Some("Jo"), None);
    check(r#"{"fields":7,"id":7}"#, Some("7"), None, None);
    check(r#"{"fields":{"fields":{"id":8}}}"#, None, None, None);
    // A field may stand in an object of the row.
    check(r#"{"id":7,"Details":{"Given":1,"Surname":"Lee"}}"#, Some("7"), None, Some("Lee"));
    check(r#"{"Details":7,"id":7,"Surname":"Lee"}"#, Some("7"), None, None);
    check(r#"{"fields":{"Details":{"Surname":"Lee"}}}"#, None, None, None);
    check("{}", None, None, None);
}

#[test]
fn what_is_no_object_is_broken() {
    let names = names();
    for json in ["[]", "7", "-7", "1.5", "true", "null", r#""a""#] {
        assert!(row(json, &names).cells.is_broken(), "{json}");
        assert_eq!(row(json, &names).get(Made::Name), &Value::Absent, "{json}");
    }
    assert!(!row("{}", &names).cells.is_broken());
    assert!(Row::<Made>::default().cells.is_broken());
}

#[test]
fn a_row_is_empty_where_its_fields_hold_nothing() {
    let is_empty = |json: &str, first: usize| row(json, &names()).cells.is_empty_from(first);
    assert!(is_empty(r#"{"id":7,"first/~name":" "}"#, 1) && is_empty("{}", 0) && is_empty("7", 0));
    assert!(!is_empty(r#"{"id":7}"#, 0) && !is_empty(r#"{"first/~name":"Jo"}"#, 1));
}

#[test]
fn fields_that_come_twice_with_other_values_are_told() {
    #[track_caller]
    fn check(json: &str, told: &[&str]) {
        let (names, forms) = (names(), forms());
        let row = row(json, &names);
        for (place, words) in [(None, ""), (Some(("goals", 2)), " in row 3 of goals")] {
            let view = View::new(&row, &names, place, "/client/fields", &forms);
            let mut recorder = LineageRecorder::new();
            view.tell_repeated(&mut recorder);
            let said: Vec<&str> = recorder.diagnostics().iter().map(|said| said.message.as_str()).collect();
            let sent = |name: &&str| {
                format!(
                    "Xplan sent the field {name}{words} twice with different values; the last one was taken. Check it in Xplan."
                )
            };
            assert_eq!(said, told.iter().map(sent).collect::<Vec<_>>(), "{json}");
        }
    }
    check(r#"{"id":7,"first/~name":"Jo"}"#, &[]);
    check(r#"{"id":7,"id":8}"#, &["id"]);
    check(r#"{"id":7,"id":7}"#, &[]);
    check(r#"{"first/~name":"Jo","id":7,"first/~name":"Al"}"#, &["first/~name"]);
    check(r#"{"fields":{"first/~name":"Jo","first/~name":"Al"}}"#, &["first/~name"]);
    check(r#"{"fields":{"first/~name":"Jo","first/~name":"Jo"}}"#, &[]);
    check(r#"{"fields":{"first/~name":"Jo"},"fields":{"first/~name":"Al"}}"#, &["first/~name"]);
    check(r#"{"id":7,"id":8,"first/~name":"Jo","first/~name":"Al"}"#, &["id", "first/~name"]);
    // The other shape of the same field is no second one.
    check(r#"{"first/~name":"Jo","fields":{"first/~name":"Al"}}"#, &[]);
    check(r#"{"fields":{"first/~name":"Al"},"first/~name":"Jo"}"#, &[]);
    // Of several the last counts.
    assert_eq!(row(r#"{"id":7,"id":8}"#, &names()).get(Made::Id), &Value::Number(Number::Int(8)));
}

#[test]
fn a_value_tells_where_it_stands() {
    #[track_caller]
    fn check(json: &str, field: Made, in_row: &str, in_list: &str) {
        let (names, forms) = (names(), forms());
        let row = row(json, &names);
        let view = View::new(&row, &names, None, "/client/fields", &forms);
        assert_eq!(view.pointer(field), in_row, "{json}");
        assert_eq!(View { place: Some(("goals", 2)), ..view }.pointer(field), in_list, "{json}");
    }
    check(r#"{"id":7}"#, Made::Id, "/row/id", "/goals/2/id");
    check(r#"{"first/~name":"Jo"}"#, Made::Name, "/row/first~1~0name", "/goals/2/first~1~0name");
    let nested = r#"{"id":7,"fields":{"first/~name":"Jo"}}"#;
    check(nested, Made::Name, "/row/fields/first~1~0name", "/goals/2/fields/first~1~0name");
    check(nested, Made::Id, "/row/id", "/goals/2/id");
    // Where it would stand.
    check("{}", Made::Id, "/row/fields/id", "/goals/2/fields/id");
    check("{}", Made::Surname, "/row/Details/Surname", "/goals/2/Details/Surname");
    check(r#"{"Details":{"Surname":"Lee"}}"#, Made::Surname, "/row/Details/Surname", "/goals/2/Details/Surname");
}

#[test]
fn an_origin_names_the_rule_or_the_field_s_name() {
    let told = |rule: Option<&str>| {
        let (origin, _) = seen(r#"{"id":7}"#, |view, _| view.origin(Made::Id, rule.map(str::to_owned)));
        (origin.source.unwrap(), origin.source_value.unwrap(), origin.rule.unwrap())
    };
    let of = |rule: &str| ("/row/id".to_owned(), "7".to_owned(), rule.to_owned());
    assert_eq!((told(None), told(Some("/a b"))), (of("/client/fields/id id"), of("/a b")));
    let (origin, _) = seen("{}", |view, _| view.origin(Made::Title, None));
    assert_eq!((origin.source_value, origin.rule.as_deref()), (None, Some("/client/fields/title Details.Title")));
}

#[test]
fn texts_are_cleaned_and_stand_ins_left_out() {
    #[track_caller]
    fn check(value: &str, text: Option<&str>, as_written: Option<&str>, told: &[&str]) {
        let json = format!(r#"{{"first/~name":{value}}}"#);
        let look = |view: View<'_, '_, Made>, recorder: &mut Recorder| {
            view.text(Made::Name, "name", recorder).map(Cow::into_owned)
        };
        let (found, codes) = seen(&json, look);
        assert_eq!((found.as_deref(), codes), (text, told.iter().map(|code| (*code).to_owned()).collect()), "{value}");
        let (found, _) =
            seen(&json, |view, recorder| view.text_as_written(Made::Name, "name", recorder).map(Cow::into_owned));
        assert_eq!(found.as_deref(), as_written, "{value}");
    }
    check(r#"" Jo  Lee""#, Some("Jo Lee"), Some("Jo Lee"), &[]);
    check(r#""n/a""#, None, Some("n/a"), &["stands-for-unknown"]);
    check(r#""O&#39;Brien""#, Some("O'Brien"), Some("O'Brien"), &["html-entities"]);
    check(r#"" ""#, None, None, &[]);
    check("null", None, None, &[]);
    check("7", None, None, &["wrong-type"]);
    check("[]", None, None, &["wrong-type"]);
    let message = seen(r#"{"first/~name":7}"#, |view, recorder| {
        view.text(Made::Name, "name", recorder);
        (recorder.diagnostics()[0].message.clone(), recorder.diagnostics()[0].field.clone())
    });
    assert!(message.0.0.starts_with("Xplan's field first/~name holds a number where a text belongs;"), "{message:?}");
    assert_eq!(message.0.1.as_deref(), Some("name"));
}

#[test]
fn lines_stay_lines() {
    let check = |value: &str, lines: &str, told: &[&str]| {
        let json = format!(r#"{{"first/~name":{value}}}"#);
        let found = seen(&json, |view, recorder| view.lines(Made::Name, "name", recorder));
        assert_eq!(found, (lines.to_owned(), told.iter().map(|code| (*code).to_owned()).collect()), "{value}");
    };
    check(r#""Unit 4 \n 12 High  St""#, "Unit 4\n12 High St", &[]);
    check(r#""Unit 4\r12""#, "Unit 4 12", &[]);
    check(r#""12 High St""#, "12 High St", &[]);
    check(r#""a &amp;\nb""#, "a &\nb", &["html-entities"]);
    check(r#""N/A""#, "", &["stands-for-unknown"]);
    check("7", "", &["wrong-type"]);
    check("null", "", &[]);
}

#[test]
fn words_are_texts_or_numbers() {
    let check = |value: &str, word: Option<&str>, told: &[&str]| {
        let json = format!(r#"{{"first/~name":{value}}}"#);
        let look = |view: View<'_, '_, Made>, recorder: &mut Recorder| {
            view.word(Made::Name, "name", recorder).map(Cow::into_owned)
        };
        let found = seen(&json, look);
        let told = told.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(found, (word.map(str::to_owned), told), "{value}");
    };
    check("7", Some("7"), &[]);
    check("1.5", Some("1.5"), &[]);
    check(r#"" Trust ""#, Some("Trust"), &[]);
    check("true", None, &["wrong-type"]);
    check("null", None, &[]);
}

#[test]
fn a_reference_is_a_number_above_zero() {
    let check = |value: &str, reference: Option<&str>, told: &[&str]| {
        let json = format!(r#"{{"first/~name":{value}}}"#);
        let found = seen(&json, |view, recorder| view.reference(Made::Name, "partner", recorder));
        let told = told.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(found, (reference.map(str::to_owned), told), "{value}");
    };
    check("1", Some("1"), &[]);
    check("18446744073709551615", Some("18446744073709551615"), &[]);
    check(r#"" 30590 ""#, Some("30590"), &[]);
    check(&format!(r#""{}""#, "9".repeat(20)), Some(&"9".repeat(20)), &[]);
    check(&format!(r#""{}""#, "9".repeat(21)), None, &["wrong-type"]);
    for value in ["0", "-1", "1.5", r#""0""#, r#""030""#, r#""3a""#, "true", "[]"] {
        check(value, None, &["wrong-type"]);
    }
    for value in ["null", r#""""#, r#"" ""#] {
        check(value, None, &[]);
    }
}

#[test]
fn a_flag_is_yes_or_no() {
    let check = |value: &str, flag: Option<bool>, told: &[&str]| {
        let json = format!(r#"{{"first/~name":{value}}}"#);
        let found = seen(&json, |view, recorder| view.flag(Made::Name, "is_partner", recorder));
        assert_eq!(found, (flag, told.iter().map(|code| (*code).to_owned()).collect()), "{value}");
    };
    for value in ["true", "1", r#""Yes""#, r#"" y ""#, r#""TRUE""#, r#""1""#] {
        check(value, Some(true), &[]);
    }
    for value in ["false", "0", r#""No""#, r#""n""#, r#""False""#, r#""0""#] {
        check(value, Some(false), &[]);
    }
    for value in ["2", "-1", "1.0", r#""perhaps""#, "[]"] {
        check(value, None, &["wrong-type"]);
    }
    check("null", None, &[]);
    check(r#""""#, None, &[]);
}

#[test]
fn a_key_is_a_name() {
    let names = names();
    let seven = value::U8Deserializer::<value::Error>::new(7);
    let why = KeySeed { names: names.table(), expected: 0 }.deserialize(seven).err().map(|error| error.to_string());
    assert_eq!(why.as_deref(), Some("invalid type: integer `7`, expected a field's name"));
}
