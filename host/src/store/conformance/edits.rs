//! Values that people change here, and the CRM that overrides them.

use super::*;
use crate::domain::ClientId;
use crate::domain::run::ChangeKind;
use crate::store::commit::Edit;

on_each_engine![
    an_edit_stands_until_the_crm_supplies_the_field,
    an_edit_that_is_taken_back_or_refused_is_none,
    a_placeholder_is_replaced_by_an_edit_and_comes_back,
    doubts_of_the_whole_book_are_counted_at_the_end_of_a_walk,
    a_change_of_a_client_whom_the_crm_has_not_is_nothing_that_it_will_override,
];

impl Practice {
    pub(super) async fn edit(&self, id: ClientId, changes: &[(&str, Option<&str>)]) -> Result<bool, usize> {
        let owned = |(field, value): &(&str, Option<&str>)| ((*field).to_owned(), Ok(value.map(str::to_owned)));
        let edit = Edit {
            client: id,
            changes: changes.iter().map(owned).collect(),
            by: "Pat Lee".to_owned(),
            at: Timestamp::from_second(1_750_500_000).unwrap(),
            today: jiff::civil::date(2026, 3, 1),
            forms: crate::domain::address::AddressForms::default(),
            is_mobile: |_| true,
        };
        self.store.edit_client(edit).await.unwrap().map_err(|refused| refused.len())
    }

    async fn is_unchanged(&self, id: &str) -> bool {
        let by = MappedBy { revision: REVISION, as_of: None };
        let records = vec![(ExternalId(id.to_owned()), 1)];
        self.store.known(&self.run, RecordKind::Client, by, records).await.unwrap()[0].is_same
    }
}

async fn an_edit_stands_until_the_crm_supplies_the_field(on: On) {
    let mut practice = Practice::new(on).await;
    let ayda = Client { suburb: Some("Carlton".to_owned()), ..client("7", "Ayda Khan") };
    practice.walk(std::slice::from_ref(&ayda)).await;
    assert!(practice.is_unchanged("7").await);
    let id = practice.of("7").await.unwrap().id;

    assert_eq!(practice.edit(id, &[("suburb", Some("Newtown")), ("last_name", Some("Osei"))]).await, Ok(true));
    assert_eq!(practice.edit(id, &[("suburb", Some("Fitzroy"))]).await, Ok(true));
    let edited = practice.of("7").await.unwrap();
    assert_eq!((edited.client.suburb.as_deref(), edited.client.last_name.as_deref()), (Some("Fitzroy"), Some("Osei")));
    let suburb = edited.edits.iter().find(|edit| edit.field == "suburb").unwrap();
    assert_eq!(
        (suburb.from.as_deref(), suburb.to.as_deref(), suburb.by.as_str()),
        (Some("Carlton"), Some("Fitzroy"), "Pat Lee")
    );
    let found = practice.store.households(HouseholdFilter::search("osei".to_owned()), first(10)).await.unwrap().items;
    assert_eq!(found.len(), 1, "found by the new name");
    assert!(
        practice
            .store
            .households(HouseholdFilter::search("khan".to_owned()), first(10))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(!practice.is_unchanged("7").await, "the next sync maps the record again");

    // The CRM took the name up meanwhile, and has its own suburb.
    let supplied = Client { last_name: Some("Osei".to_owned()), ..ayda };
    let counts = practice.walk(std::slice::from_ref(&supplied)).await;
    assert_eq!((counts.overridden, counts.changed, counts.same), (1, 1, 0));
    let after = practice.of("7").await.unwrap();
    assert_eq!((&after.client, after.edits.len(), after.overridden.len()), (&supplied, 0, 1));
    let overridden = &after.overridden[0];
    assert_eq!((overridden.field.as_str(), overridden.run), ("suburb", practice.run.id));
    assert_eq!((overridden.from.as_deref(), overridden.to.as_deref()), (Some("Fitzroy"), Some("Carlton")));
    let rows = practice.store.changes(practice.run.id, None, first(10)).await.unwrap().items;
    assert_eq!(rows.iter().map(|row| (row.kind, row.fields.len())).collect::<Vec<_>>(), [(ChangeKind::Overridden, 1)]);
    assert!(practice.is_unchanged("7").await);
    assert_eq!(practice.walk(&[supplied]).await.overridden, 0);
}

async fn an_edit_that_is_taken_back_or_refused_is_none(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan")]).await;
    let before = practice.of("7").await.unwrap();
    assert_eq!(
        practice.edit(before.id, &[("suburb", Some("Newtown")), ("title", Some("Sir")), ("id", None)]).await,
        Err(2)
    );
    assert_eq!(practice.of("7").await.as_ref(), Some(&before));
    practice.edit(before.id, &[("suburb", Some("Newtown"))]).await.unwrap();
    practice.edit(before.id, &[("suburb", None)]).await.unwrap();
    assert!(practice.of("7").await.unwrap().edits.is_empty());
    assert_eq!(practice.edit(ClientId(Uuid::nil()), &[("suburb", None)]).await, Ok(false));
}

async fn a_placeholder_is_replaced_by_an_edit_and_comes_back(on: On) {
    let mut practice = Practice::new(on).await;
    let ayda = proposed(client("7", "Ayda Khan"), "Ayda.Khan@acme.example");
    let sam = with_email(client("8", "Sam Khan"), "sam@example.org");
    practice.walk(&[ayda.clone(), sam.clone()]).await;
    let id = practice.of("7").await.unwrap().id;
    practice.edit(id, &[("email", Some("sam@example.org"))]).await.unwrap();
    let edited = practice.of("7").await.unwrap();
    assert!(!edited.client.email_is_placeholder);
    assert_eq!(edited.diagnostics[0].code, "shared-email-across-households");
    practice.walk(&[ayda.clone(), sam]).await;
    let after = practice.of("7").await.unwrap();
    assert_eq!((after.client, after.diagnostics), (ayda, vec![]));
}

async fn doubts_of_the_whole_book_are_counted_at_the_end_of_a_walk(on: On) {
    let mut practice = Practice::new(on).await;
    let shared = |id: &str, email: &str| with_email(client(id, "Al Osei"), email);
    let book = [
        // A couple that shares an address, and whom the CRM both calls primary.
        with_email(linked("1", "Ayda Khan", "2", false), "khans@example.org"),
        with_email(linked("2", "Sam Khan", "1", false), "Khans@example.org"),
        // One link of one side, and one that comes too late.
        client("3", "Bo Hill"),
        linked("4", "Cy Hill", "3", true),
        linked("5", "Dee Hill", "3", true),
        // Strangers with one address; two partners of each other who are both called so.
        shared("6", "office@example.org"),
        shared("7", "office@example.org"),
        linked("8", "Eve Lee", "9", true),
        linked("9", "Fay Lee", "8", true),
        // Names somebody who is not here: worth knowing, no doubt.
        linked("10", "Gus Lee", "99", false),
    ];
    let counts = practice.walk(&book).await;
    let expected = [
        ("no-primary-client", 1),
        ("partner-link-contested", 1),
        ("partner-link-one-sided", 1),
        ("shared-email", 2),
        ("shared-email-across-households", 2),
        ("two-primary-clients", 1),
    ];
    let expected: BTreeMap<String, u64> = expected.into_iter().map(|(code, n)| (code.to_owned(), n)).collect();
    assert_eq!(counts.doubts, expected);
    // What is counted is what is shown.
    let mut shown: BTreeMap<String, u64> = BTreeMap::new();
    for row in practice.store.households(HouseholdFilter::default(), first(100)).await.unwrap().items {
        let of_people = row.people.iter().flat_map(|person| &person.diagnostics);
        for found in
            row.household.diagnostics.iter().chain(of_people).filter(|found| found.code != "partner-not-in-book")
        {
            *shown.entry(found.code.clone()).or_default() += 1;
        }
    }
    assert_eq!(shown, expected);
}

async fn a_change_of_a_client_whom_the_crm_has_not_is_nothing_that_it_will_override(on: On) {
    let practice = Practice::new(on).await;
    let id = practice.make(client("", "Ayda Khan"), None).await.unwrap();
    assert_eq!(practice.edit(id, &[("last_name", Some("Osei"))]).await, Ok(true));
    let edited = practice.store.client(id).await.unwrap().unwrap();
    assert_eq!((edited.client.last_name.as_deref(), edited.edits.len()), (Some("Osei"), 0));
    let found = practice.store.households(HouseholdFilter::search("osei".to_owned()), first(10)).await.unwrap().items;
    assert_eq!(found.len(), 1, "found by the new name");
}
