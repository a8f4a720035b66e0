//! Candidates that are refused, and what stands in their place.

use super::*;
use crate::domain::record::Outlook;
use crate::domain::{Client, Date};

mod answers;
mod notes;
mod records;

fn context_of_test() -> Context {
    Context {
        region: "AU".to_owned(),
        dialect: "resourceful".to_owned(),
        connection: "test".to_owned(),
        placeholder_email_domain: "acme.example".to_owned(),
        as_of: Date::constant(2026, 3, 1),
    }
}

fn client(email: Option<&str>) -> wit::Client {
    wit::Client {
        external_id: "7".to_owned(),
        title: None,
        first_name: Some("Alex".to_owned()),
        middle_name: None,
        last_name: Some("Lee".to_owned()),
        preferred_name: None,
        date_of_birth: None,
        sex: None,
        address_line_1: None,
        address_line_2: None,
        suburb: None,
        state: None,
        postcode: None,
        country_code: None,
        email: email.map(str::to_owned),
        email_is_placeholder: false,
        mobile: None,
        adviser_external_id: None,
        secondary_adviser_external_id: None,
        partner_external_id: None,
        is_partner: false,
        status: wit::ClientStatus::Client,
        extensions: Vec::new(),
    }
}

fn converted(kind: wit::RecordKind, record: wit::Canonical) -> (Canonical, Vec<Diagnostic>) {
    let asked = wit::RawRecord { kind, id: "7", json: b"{}" };
    let mapped = wit::Mapped { records: vec![record], diagnostics: Vec::new() };
    match verdict(&context_of_test(), &asked, wit::Verdict::Mapped(mapped)) {
        Verdict::Mapped { mut records, diagnostics } => (records.remove(0), diagnostics),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ids_that_a_record_names_have_one_spelling() {
    let of = |partner: &str| {
        let partner_external_id = Some(partner.to_owned());
        let client =
            wit::Client { adviser_external_id: Some("0030590".to_owned()), partner_external_id, ..client(None) };
        let (record, diagnostics) = converted(wit::RecordKind::Client, wit::Canonical::Client(client));
        let Canonical::Client(Client { adviser_external_id, partner_external_id, .. }) = record else {
            panic!("{record:?}")
        };
        assert_eq!(adviser_external_id, Some(ExternalId("30590".to_owned())));
        let codes: Vec<String> = diagnostics.into_iter().map(|diagnostic| diagnostic.code).collect();
        (partner_external_id, codes.contains(&"own-partner".to_owned()))
    };
    assert_eq!(of("08"), (Some(ExternalId("8".to_owned())), false));
    assert_eq!(of("007"), (None, true));
}

#[test]
fn an_address_that_is_refused_leaves_a_placeholder() {
    #[track_caller]
    fn check(email: Option<&str>, expected: Option<&str>, is_placeholder: bool, codes: &[&str]) {
        let (record, diagnostics) = converted(wit::RecordKind::Client, wit::Canonical::Client(client(email)));
        let Canonical::Client(Client { email, email_is_placeholder, .. }) = record else { panic!("{record:?}") };
        let said: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
        assert_eq!((email.as_ref().map(|email| email.as_str()), email_is_placeholder), (expected, is_placeholder));
        assert_eq!(said, codes);
    }
    check(Some("alex@example.com"), Some("alex@example.com"), false, &[]);
    let codes = ["not-usable", "placeholder-email"];
    check(Some("alex..lee@example.com"), Some("Client.7@acme.example"), true, &codes);
    check(Some("alex@example_x.com"), Some("Client.7@acme.example"), true, &codes);
    check(None, None, false, &[]);
}

#[test]
fn an_outlook_may_be_unknown() {
    let check = |outlook: Option<wit::Outlook>, expected: Option<Outlook>| {
        let goal = wit::Goal {
            external_id: "7/1".to_owned(),
            owner: wit::GoalOwner::Client,
            category: None,
            name: None,
            target_date: None,
            estimated_cost: None,
            outlook,
            extensions: Vec::new(),
        };
        let (record, _) = converted(wit::RecordKind::Goal, wit::Canonical::Goal(goal));
        let Canonical::Goal(goal) = record else { panic!("{record:?}") };
        assert_eq!(goal.outlook, expected);
    };
    check(Some(wit::Outlook::NonFinancial), Some(Outlook::NonFinancial));
    check(None, None);
}
