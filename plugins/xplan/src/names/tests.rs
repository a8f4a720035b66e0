//! Names that the rules give, and fields found by them.

use super::{Names, is_same};

fields! {
    /// Fields of a made-up row.
    pub enum Made {
        /// The first.
        First = "first",
        /// The second.
        Second = "second",
        /// The third.
        Third = "third",
    }
}

fn names(json: &str) -> Result<Names<Made>, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn each_field_has_the_name_that_the_rules_give() {
    let names = names(r#"{"third":"c","first":"Details.a","second":"b"}"#).unwrap();
    assert_eq!([names.of(Made::First), names.of(Made::Second), names.of(Made::Third)], ["Details.a", "b", "c"]);
    assert_eq!(names.iter().collect::<Vec<_>>(), ["Details.a", "b", "c"]);
}

#[test]
fn a_field_is_found_wherever_it_is_expected() {
    let names = names(r#"{"first":"first_name","second":"first_names","third":"last_name"}"#).unwrap();
    for expected in 0..5 {
        let found = ["first_name", "first_names", "last_name", "first", "", "fields"]
            .map(|name| names.table.find(name, expected));
        assert_eq!(found, [Some(0), Some(1), Some(2), None, None, None], "{expected}");
    }
}

#[test]
fn of_two_fields_of_one_name_the_expected_is_found() {
    let names = names(r#"{"first":"name","second":"name","third":"c"}"#).unwrap();
    assert_eq!([0, 1, 2, 3].map(|expected| names.table.find("name", expected)), [Some(0), Some(1), Some(0), Some(0)]);
}

#[test]
fn fields_stand_in_objects_that_their_names_name() {
    let names = names(r#"{"first":"Details.Name","second":"Adviser.Name","third":"Details.Title"}"#).unwrap();
    let inside = ["Details", "Adviser", "Name", "Details.Name", ""].map(|name| names.table.inside(name));
    assert_eq!(inside, [Some(0), Some(1), None, None, None]);
    let in_details = ["Name", "Title", "Details.Name", "Email"].map(|name| names.table.find_inside(0, name));
    assert_eq!(in_details, [Some(0), Some(2), None, None]);
    assert_eq!(["Name", "Title"].map(|name| names.table.find_inside(1, name)), [Some(1), None]);
}

#[test]
fn names_are_compared_to_the_last_byte() {
    let check = |one: &str, other: &str| assert_eq!(is_same(one, other), one == other, "{one} {other}");
    let names = [
        "",
        "a",
        "b",
        "ab",
        "1234567",
        "12345678",
        "22345678",
        "12345679",
        "12345678a",
        "12345678b",
        "22345678a",
        "1234567812345678",
        "1234567812345679",
        "1234567912345678",
        "1234567812345678a",
    ];
    for one in names {
        for other in names {
            check(one, other);
        }
    }
}

#[test]
fn rules_name_every_field_and_no_other() {
    let why = |json: &str| names(json).unwrap_err();
    assert!(why(r#"{"first":"a","second":"b"}"#).contains("missing field `third`"));
    assert!(why(r#"{"first":"a","second":"","third":"c"}"#).contains("missing field `second`"));
    assert!(why(r#"{"first":"a","fourth":"d"}"#).contains("unknown field `fourth`"));
    let expected = "expected a table with the CRM's field names under first, second, third";
    assert!(why("7").contains(expected), "{}", why("7"));
}
