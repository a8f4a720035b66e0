//! The plugin with its pack, natively: golden fixtures, the hard cells of exports, and what the manifest says of the rules.

#![allow(clippy::unwrap_used, reason = "the whole crate is tests")]

use std::collections::BTreeMap;

use files::Files;
use tidegate_sdk::harness::{NativeHost, Pack, check_pack};
use tidegate_sdk::{Canonical, Client, Context, Plugin as _, RawRecord, RecordKind, Session, Verdict};

const AU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/files-au");

fn session() -> Session<Files> {
    Session::configure(&Pack::load(AU).unwrap().rules).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn au() -> Context {
    Context {
        region: "AU".to_owned(),
        dialect: "resourceful".to_owned(),
        connection: "test".to_owned(),
        placeholder_email_domain: "practice.example".to_owned(),
        as_of: "2026-03-01".to_owned(),
    }
}

/// What becomes of a row of the clients' export, with the codes of what is said of it.
fn mapped(cells: &[(&str, &str)]) -> (Option<Client>, Vec<String>) {
    let mut row = BTreeMap::from([("Client ID", "7"), ("Status", "Client"), ("Last Name", "Lee")]);
    row.extend(cells.iter().copied());
    let json = format!("{{\"row\":{}}}", serde_json::to_string(&row).unwrap());
    let raw = RawRecord { kind: RecordKind::Client, id: "7".to_owned(), json: json.into_bytes() };
    let outcome = session().map(&NativeHost, &au(), vec![raw]).remove(0);
    let codes = |diagnostics: Vec<tidegate_sdk::Diagnostic>| diagnostics.into_iter().map(|one| one.code).collect();
    match outcome.verdict {
        Verdict::Mapped(mapped) => match mapped.records.into_iter().next() {
            Some(Canonical::Client(client)) => (Some(client), codes(mapped.diagnostics)),
            other => panic!("{other:?}"),
        },
        Verdict::Skipped(diagnostics) | Verdict::Rejected(diagnostics) => (None, codes(diagnostics)),
    }
}

#[test]
fn the_fixtures_come_out_as_they_should() {
    check_pack::<Files>(AU);
}

#[test]
fn cells_are_read_as_people_and_spreadsheet_programs_write_them() {
    let check = |column: &str, written: &str, of: fn(&Client) -> Option<&str>, expected: Option<&str>| {
        let (client, codes) = mapped(&[(column, written)]);
        let client = client.unwrap_or_else(|| panic!("{written}: {codes:?}"));
        assert_eq!(of(&client), expected, "{column} {written:?}: {codes:?}");
    };
    check("Date of Birth", "3/02/1971", |client| client.date_of_birth.as_deref(), Some("1971-02-03"));
    check("Date of Birth", "1971-02-03 00:00:00", |client| client.date_of_birth.as_deref(), Some("1971-02-03"));
    check("Date of Birth", "=\"3/02/1971\"", |client| client.date_of_birth.as_deref(), Some("1971-02-03"));
    check("Date of Birth", "31/02/1971", |client| client.date_of_birth.as_deref(), None);
    check("Date of Birth", "1900-01-01", |client| client.date_of_birth.as_deref(), None);
    check("Mobile", "+61 491 570 156", |client| client.mobile.as_deref(), Some("+61491570156"));
    check("Mobile", "Mob: 0011 61 491 570 156", |client| client.mobile.as_deref(), Some("+61491570156"));
    check("Mobile", "0491 570 156", |client| client.mobile.as_deref(), None);
    check("Mobile", "+61 2 5550 1234", |client| client.mobile.as_deref(), None);
    check("Email", " <Pat.Lee@example.com>; ", |client| client.email.as_deref(), Some("Pat.Lee@example.com"));
    check("Email", "none@none.com", |client| client.email.as_deref(), Some("Lee@practice.example"));
    check("State", "Victoria", |client| client.state.as_deref(), Some("VIC"));
    check("Postcode", "800", |client| client.postcode.as_deref(), Some("0800"));
    check("Postcode", "3000", |client| client.postcode.as_deref(), Some("3000"));
    check("Country", "New Zealand", |client| client.country_code.as_deref(), Some("NZ"));
    check("First Name", "\\N", |client| client.first_name.as_deref(), None);
    check("First Name", "NULL", |client| client.first_name.as_deref(), Some("NULL"));
    check("Partner ID", "NULL", |client| client.partner_external_id.as_deref(), None);
    check("First Name", "N/A", |client| client.first_name.as_deref(), None);
}

#[test]
fn who_is_no_client_stays_out_and_a_column_that_nobody_named_is_no_loss() {
    assert_eq!(mapped(&[("Record Type", "Trust")]), (None, vec!["not-a-person".to_owned()]));
    assert_eq!(mapped(&[("Status", "Deceased")]), (None, vec!["status-stays-out".to_owned()]));
    assert_eq!(mapped(&[("Last Name", " ")]).0, None);
    let (client, codes) = mapped(&[("Status", "Sleeping")]);
    assert!(client.is_some() && codes.contains(&"unknown-status".to_owned()), "{codes:?}");
    let mut rules: serde_json::Value = serde_json::from_str(&Pack::load(AU).unwrap().rules).unwrap();
    let fields = rules["client"]["fields"].as_object_mut().unwrap();
    fields.retain(|field, _| ["id", "last_name"].contains(&field.as_str()));
    let session = Session::<Files>::configure(&rules.to_string()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let clients = session.sources().into_iter().find(|source| source.kind == RecordKind::Client).unwrap();
    assert_eq!(clients.fields, ["Client ID", "Last Name"]);
}

#[test]
fn rules_without_an_id_or_with_a_misspelt_field_are_refused() {
    let check = |change: fn(&mut serde_json::Value), path: &str| {
        let mut rules: serde_json::Value = serde_json::from_str(&Pack::load(AU).unwrap().rules).unwrap();
        change(&mut rules);
        let problems = Session::<Files>::configure(&rules.to_string()).err().unwrap();
        assert!(problems.iter().any(|problem| problem.path == path), "{path}: {problems:#?}");
    };
    check(|rules| drop(rules["client"]["fields"].as_object_mut().unwrap().remove("id")), "/client/fields/id");
    check(|rules| rules["goal"]["fields"]["clyent"] = "ID".into(), "/goal/fields/clyent");
    check(|rules| rules["cover"]["fields"]["insurer"] = " ".into(), "/cover/fields/insurer");
    check(|rules| rules["goal"]["currency"] = "dollars".into(), "/goal/currency");
    check(|rules| rules["client"]["mobile"]["plans"]["+61"] = serde_json::json!(["4"]), "/client/mobile");
}

/// The manifest names what the shipped rules read, and the first of each source's fields is the one that holds the id.
#[test]
fn the_manifest_names_what_the_rules_read() {
    let manifest: serde_json::Value = serde_json::from_str(Files::MANIFEST).unwrap();
    let mut read = Vec::new();
    for source in session().sources() {
        let of = source.lists.first().map_or(source.resource.clone(), |list| format!("{}/{list}", source.resource));
        assert!(["Client ID", "Adviser ID"].contains(&source.fields[0].as_str()), "{source:?}");
        read.extend(source.fields.iter().map(|field| format!("{of}.{field}")));
    }
    assert_eq!(manifest["fields_read"], serde_json::json!(read));
}

/// What becomes of a client's list, the external ids of what came of it, with the codes of what is said.
fn listed(kind: RecordKind, list: &str, rows: &serde_json::Value) -> (Option<Vec<String>>, Vec<String>) {
    let json = serde_json::json!({ list: rows }).to_string().into_bytes();
    let raw = RawRecord { kind, id: "1".to_owned(), json };
    let outcome = session().map(&NativeHost, &au(), vec![raw]).remove(0);
    let codes = |diagnostics: Vec<tidegate_sdk::Diagnostic>| diagnostics.into_iter().map(|one| one.code).collect();
    match outcome.verdict {
        Verdict::Mapped(mapped) => {
            let id = |record: Canonical| match record {
                Canonical::Goal(goal) => goal.external_id,
                Canonical::Cover(cover) => cover.external_id,
                other => panic!("{other:?}"),
            };
            (Some(mapped.records.into_iter().map(id).collect()), codes(mapped.diagnostics))
        }
        Verdict::Skipped(diagnostics) | Verdict::Rejected(diagnostics) => (None, codes(diagnostics)),
    }
}

#[test]
fn a_row_of_a_list_that_comes_twice_is_read_once_and_two_that_differ_are_kept_aside() {
    let goal = |id: &str, name: &str| serde_json::json!({ "Client ID": "1", "Goal ID": id, "Goal": name });
    let cover = |id: &str, number: &str| serde_json::json!({ "Client ID": "1", "Cover ID": id, "Policy Number": number, "Cover Type": "Life" });
    for (kind, list, one, other) in [
        (RecordKind::Goal, "goals", goal("7", "Sail"), goal("7", "Retire")),
        (RecordKind::Cover, "policies", cover("7", "L-1"), cover("7", "L-2")),
    ] {
        let (ids, codes) = listed(kind, list, &serde_json::json!([one, one]));
        assert_eq!(ids, Some(vec!["1/7".to_owned()]), "{list}");
        assert!(codes.contains(&"row-repeated".to_owned()), "{codes:?}");
        let (ids, codes) = listed(kind, list, &serde_json::json!([one, other]));
        assert_eq!((ids, codes), (None, vec!["id-twice".to_owned()]), "{list}");
    }
    let (ids, _) = listed(RecordKind::Goal, "goals", &serde_json::json!([goal("", "Sail"), goal("", "Sail")]));
    assert_eq!(ids, Some(vec!["1/sail".to_owned()]));
    let two = [
        serde_json::json!({ "Client ID": "1", "Goal ID": "", "Goal": "Sail", "Cost": "100" }),
        serde_json::json!({ "Client ID": "1", "Goal ID": "", "Goal": "Sail", "Cost": "200" }),
    ];
    let (ids, _) = listed(RecordKind::Goal, "goals", &serde_json::json!(two));
    assert_eq!(
        ids,
        Some(vec!["1/sail".to_owned(), "1/sail-2".to_owned()]),
        "without an ID two goals may be called alike"
    );
}

#[test]
fn what_is_no_text_is_left_out_and_told_with_its_column() {
    let row = serde_json::json!({
        "Client ID": "7", "Status": "Client", "Last Name": "Lee", "First Name": ["x"], "Address": { "a": 1 },
        "Date of Birth": { "year": 1971 },
    });
    let json = serde_json::json!({ "row": row }).to_string().into_bytes();
    let raw = RawRecord { kind: RecordKind::Client, id: "7".to_owned(), json };
    let Verdict::Mapped(mapped) = session().map(&NativeHost, &au(), vec![raw]).remove(0).verdict else {
        panic!("the client comes in")
    };
    let Some(Canonical::Client(client)) = mapped.records.first() else { panic!("{:?}", mapped.records) };
    assert_eq!((&client.first_name, &client.address_line_1, &client.date_of_birth), (&None, &None, &None));
    for (field, column) in
        [("first_name", "“First Name”"), ("address_line_1", "“Address”"), ("date_of_birth", "“Date of Birth”")]
    {
        let of_field =
            |one: &&tidegate_sdk::Diagnostic| one.field.as_deref() == Some(field) && one.code == "wrong-type";
        let found = mapped.diagnostics.iter().find(of_field);
        assert!(found.is_some_and(|one| one.message.contains(column)), "{field}: {:?}", mapped.diagnostics);
    }
}

#[test]
fn an_amount_whose_point_may_part_thousands_is_told() {
    let told = |amount: &str| {
        let rows = serde_json::json!([{ "Client ID": "1", "Goal": "Sail", "Cost": amount }]);
        listed(RecordKind::Goal, "goals", &rows).1.contains(&"ambiguous-amount".to_owned())
    };
    for doubtful in ["1.250", "$1.250", "250.000", "AUD 12.500"] {
        assert!(told(doubtful), "{doubtful}");
    }
    for plain in ["1,250", "1250.00", "1,250.005", "0.125", "1.25", "1250.125"] {
        assert!(!told(plain), "{plain}");
    }
}
