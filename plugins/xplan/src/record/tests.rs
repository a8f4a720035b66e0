//! Raw records of every shape, and of none.

use serde::de::{DeserializeSeed, value};

use super::{ClientNames, List, PartSeed, RawClient, RawUser, Rows, inner_rows, list_rows};
use crate::{
    AddressField, Calendar, ClientField, ContactField, Fields, Forms, Names, Number, PolicyField, Unknown,
    UnknownRules, UserField, Value, fields,
};

fields! {
    /// A row of a made-up list.
    pub enum Made {
        /// A name.
        Name = "name",
    }
}

/// Names by which the CRM calls each field as the rules do.
fn plain<F: Fields>() -> Names<F> {
    let names: serde_json::Map<String, serde_json::Value> =
        F::KEYS.iter().map(|key| ((*key).to_owned(), (*key).into())).collect();
    serde_json::from_str(&serde_json::Value::Object(names).to_string()).unwrap()
}

fn list<F: Fields>(name: &str) -> List<F> {
    List { list: name.to_owned(), fields: plain() }
}

/// The names in the rows; `-` where a row has none. Why there are no rows, where there are none.
fn shown<F: Fields>(rows: &Rows<'_, F>, field: F) -> String {
    match rows {
        Rows::Absent => "absent".to_owned(),
        Rows::Broken => "broken".to_owned(),
        Rows::Read(rows) => {
            let names: Vec<_> = rows.iter().map(|row| row.get(field).display().unwrap_or("-".to_owned())).collect();
            format!("[{}]", names.join(" "))
        }
    }
}

#[test]
fn a_client_is_read_with_its_lists() {
    let names = plain::<ClientField>();
    let (contact, address) = (list::<ContactField>("contact"), list::<AddressField>("address"));
    let names = ClientNames { fields: &names, contact: &contact, address: &address };
    let check = |json: &str, expected: [&str; 3]| {
        let client = RawClient::read(json.as_bytes(), names).unwrap();
        let name = client.row.get(ClientField::FirstName).display();
        let contacts = shown(&client.contacts, ContactField::Value);
        let addresses = shown(&client.addresses, AddressField::Street);
        assert_eq!([name.as_deref().unwrap_or("-"), &contacts, &addresses], expected, "{json}");
    };
    let json = r#"{"row":{"first_name":"Jo"},"contact":[{"value":"1"},{"value":"2"}],"address":[{"street":"A"}]}"#;
    check(json, ["Jo", "[1 2]", "[A]"]);
    check(r#"{"address":[],"other":[{"value":3}],"contact":7,"row":{"id":1}}"#, ["-", "broken", "[]"]);
    check(r#"{"row":{"first_name":"Jo"}}"#, ["Jo", "absent", "absent"]);
    check(r#"{"row":[]}"#, ["-", "absent", "absent"]);
    check("[]", ["-", "absent", "absent"]);
    check("null", ["-", "absent", "absent"]);
    for json in [&b"{"[..], b"{} {}", b"\xff", b""] {
        assert!(RawClient::read(json, names).is_err(), "{json:?}");
    }
}

#[test]
fn a_user_is_read() {
    let names = plain::<UserField>();
    let read = |json: &'static str| {
        RawUser::read(json.as_bytes(), &names).map(|user| user.row.get(UserField::FirstName).display())
    };
    assert_eq!(read(r#"{"other":[1],"row":{"first_name":"Noah"},"more":{}}"#), Ok(Some("Noah".to_owned())));
    assert_eq!(read("7"), Ok(None));
    assert!(read("{").is_err());
}

#[test]
fn a_list_is_read_by_its_name() {
    let list = list::<Made>("goals");
    let check = |json: &str, expected: &str| {
        let rows = list_rows(json.as_bytes(), &list).unwrap();
        assert_eq!(shown(&rows, Made::Name), expected, "{json}");
    };
    check(r#"{"goals":[{"name":"a"},{"fields":{"name":"b"}},7]}"#, "[a b -]");
    check(r#"{"other":[{"name":"a"}],"goals":[]}"#, "[]");
    check(r#"{"other":[{"name":"a"}]}"#, "absent");
    check(r#"{"row":{"name":"a"}}"#, "absent");
    check(r#"{"goals":{"name":"a"}}"#, "broken");
    check(r#"{"goals":null}"#, "broken");
    check("7", "absent");
    assert!(list_rows(b"{", &list).is_err());
}

#[test]
fn rows_are_seen_with_their_places() {
    let list = list::<Made>("goals");
    let forms = Forms { calendar: Calendar::default(), unknown: Unknown::new(UnknownRules::default()) };
    let places = |rows: &Rows<'_, Made>| {
        let views = rows.views(&list, "/goal/fields", &forms);
        views
            .map(|view| (view.place, view.pointer(Made::Name), view.rules))
            .map(|told| format!("{told:?}"))
            .collect::<Vec<_>>()
    };
    let rows = list_rows(br#"{"goals":[{"name":"a"},{"fields":{"name":"b"}}]}"#, &list).unwrap();
    let expected = [
        r#"(Some(("goals", 0)), "/goals/0/name", "/goal/fields")"#,
        r#"(Some(("goals", 1)), "/goals/1/fields/name", "/goal/fields")"#,
    ];
    assert_eq!(places(&rows), expected);
    assert_eq!(places(&Rows::Absent).len() + places(&Rows::Broken).len() + places(&Rows::default()).len(), 0);
}

#[test]
fn lists_inside_rows_are_read_row_by_row() {
    let names = plain::<Made>();
    let check = |rows: &str, expected: &[&str]| {
        let json = format!(r#"{{"other":1,"policies":{rows}}}"#);
        let lists = inner_rows(json.as_bytes(), "policies", "covers", &names).unwrap();
        let shown: Vec<String> = lists.iter().map(|rows| shown(rows, Made::Name)).collect();
        assert_eq!(shown, expected, "{rows}");
    };
    check(r#"[{"covers":[{"name":"a"}]},{"fields":{"x":1,"covers":[{"name":"b"},{"name":"c"}]}}]"#, &["[a]", "[b c]"]);
    check(r#"[{"row":1,"id":2},{"covers":7},{"covers":[]},8]"#, &["absent", "broken", "[]", "absent"]);
    // What stands in both is taken from `fields`.
    check(r#"[{"covers":[{"name":"a"}],"fields":{"covers":[{"name":"b"}]}}]"#, &["[b]"]);
    check(r#"[{"fields":{"covers":[{"name":"b"}]},"covers":[{"name":"a"}]}]"#, &["[b]"]);
    check(r#"[{"covers":[{"name":"a"}],"fields":{}},{"covers":[{"name":"a"}],"fields":7}]"#, &["[a]", "[a]"]);
    check("[]", &[]);
    check("7", &[]);
    assert!(inner_rows(b"{", "policies", "covers", &names).is_err());
    assert_eq!(inner_rows(b"{}", "policies", "covers", &names).unwrap().len(), 0);
}

#[test]
fn a_wrapped_list_keeps_what_a_policy_says() {
    let list = list::<PolicyField>("policies");
    let rows = list_rows(br#"{"policies":[{"id":3,"covers":[{"id":1}]}]}"#, &list).unwrap();
    let Rows::Read(rows) = rows else { panic!("{rows:?}") };
    assert_eq!(rows[0].get(PolicyField::Id), &Value::Number(Number::Int(3)));
    assert_eq!(rows[0].get(PolicyField::Covers), &Value::List(vec![Value::Object]));
}

#[test]
fn a_part_has_a_name() {
    let seven = value::U8Deserializer::<value::Error>::new(7);
    let why = PartSeed([]).deserialize(seven).err().map(|error| error.to_string());
    assert_eq!(why.as_deref(), Some("invalid type: integer `7`, expected a part's name"));
}
