//! Identity lists, from their first row until they are applied.

use super::practice::now;
use super::*;
use crate::domain::audit::{Act, By, Subject};
use crate::domain::import::{Decision, Import, ImportCounts, ImportState, ListSource, RowStatus};
use crate::domain::import::{ListedPerson, PriorRows};
use crate::domain::{ClientId, ImportId};
use crate::store::StoreError;
use crate::store::audit::scope;
use crate::store::imports::Decided;

on_each_engine![
    a_list_is_judged_decided_and_applied,
    lists_are_paged_newest_first_and_forgotten,
    rows_are_paged_in_their_order,
];

fn list(created_at: Timestamp) -> Import {
    Import {
        id: ImportId(Uuid::now_v7()),
        connection: "main".parse().unwrap(),
        file_name: "clients.csv".to_owned(),
        by: "Pat Lee".to_owned(),
        state: ImportState::Reading,
        counts: ImportCounts::default(),
        source: None,
        created_at,
        applied_at: None,
    }
}

fn row(number: u32, name: &str, email: &str, id: &str) -> ListedPerson {
    let (first_name, last_name) = name.split_once(' ').unwrap();
    ListedPerson {
        number,
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        email: email.to_owned(),
        id: id.to_owned(),
        ..ListedPerson::default()
    }
}

async fn a_list_is_judged_decided_and_applied(on: On) {
    let practice = Practice::new(on).await;
    let store = &practice.store;
    let ayda = practice.make(with_email(client("", "Ayda Khan"), "ayda@example.com"), None).await.unwrap();
    let sam = practice.make(with_email(client("", "Sam Mora"), "sam@example.com"), None).await.unwrap();
    let import = list(now());
    let id = import.id;
    store.begin_import(import.clone()).await.unwrap();
    assert_eq!(store.import(id).await.unwrap(), Some(import));
    let rows = vec![row(2, "Ayda Khan", "ayda@example.com", "7"), row(3, "Sam Mora", "mora@example.com", "8")];
    let before = store.add_import_rows(id, rows, PriorRows::default()).await.unwrap();
    let rows = vec![row(4, "Bo Osei", "bo@example.com", "9"), row(5, "Ayda Khan", "ayda@example.com", "7")];
    store.add_import_rows(id, rows, before).await.unwrap();
    let source = ListSource { lines: 5, above: 1, ..ListSource::default() };
    let read = store.end_import_preview(id, source.clone()).await.unwrap().unwrap();
    let counts = ImportCounts {
        rows: 4,
        ready: 1,
        needs_decision: 1,
        to_link: 1,
        undecided: 1,
        cannot_be_imported: 2,
        ..ImportCounts::default()
    };
    assert_eq!((read.state, read.counts, read.source.as_ref()), (ImportState::Previewed, counts, Some(&source)));
    let rows = store.import_rows(id, None, first(10)).await.unwrap().items;
    let found = rows.iter().map(|row| (row.number, row.status, row.reasons.first().map(|reason| reason.code.as_str())));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            (2, RowStatus::Ready, None),
            (3, RowStatus::NeedsDecision, Some("name-only")),
            (4, RowStatus::CannotBeImported, Some("no-match")),
            (5, RowStatus::CannotBeImported, Some("repeated")),
        ]
    );

    let decide = async |number: u32, decision| store.decide_import_row(id, number, decision).await.unwrap();
    let nobody = ClientId(Uuid::now_v7());
    assert_eq!(decide(3, Some(Decision::Link(nobody))).await, Decided::NotThisClient);
    assert_eq!(decide(3, Some(Decision::Link(ayda))).await, Decided::Taken(2));
    assert_eq!(decide(4, Some(Decision::LeaveOut)).await, Decided::NotAsked);
    assert_eq!(decide(6, Some(Decision::LeaveOut)).await, Decided::NoRow);
    for decision in [Some(Decision::LeaveOut), None, Some(Decision::Link(sam))] {
        assert_eq!(decide(3, decision).await, Decided::Yes);
    }
    assert_eq!(store.client(sam).await.unwrap().unwrap().crm_id(), None, "nothing is changed before it is applied");

    for _ in 0..2 {
        let applied = store.apply_import(id, now()).await.unwrap().unwrap();
        assert_eq!((applied.state, applied.counts.linked, applied.counts.to_link), (ImportState::Applied, 2, 0));
    }
    for (client, id) in [(ayda, "7"), (sam, "8")] {
        let linked = store.client(client).await.unwrap().unwrap();
        assert_eq!(
            (linked.crm_id().map(ToString::to_string), linked.origin.connection.as_str()),
            (Some(id.to_owned()), "main")
        );
    }
    tokio::time::timeout(std::time::Duration::from_secs(9), store.until_somebody_is_linked()).await.unwrap();
    assert_eq!(store.apply_import(ImportId(Uuid::now_v7()), now()).await.unwrap(), None);
}

async fn lists_are_paged_newest_first_and_forgotten(on: On) {
    let place = on.place();
    let store = place.open();
    let lists: Vec<Import> = (0..3).map(|day| list(now() + jiff::SignedDuration::from_hours(24 * day))).collect();
    for import in &lists {
        store.begin_import(import.clone()).await.unwrap();
    }
    let ids = |imports: &[Import]| imports.iter().map(|import| import.id).collect::<Vec<_>>();
    let page = store.imports(first(2)).await.unwrap();
    assert_eq!(ids(&page.items), [lists[2].id, lists[1].id]);
    let rest = store.imports(PageRequest { cursor: page.next, limit: 2 }).await.unwrap();
    assert_eq!((ids(&rest.items), rest.next), (vec![lists[0].id], None));
    let odd = PageRequest { cursor: Some("here".to_owned()), limit: 2 };
    assert!(matches!(store.imports(odd).await, Err(StoreError::BadCursor)));

    // The first was read to its end.
    store.end_import_preview(lists[0].id, ListSource::default()).await.unwrap();
    store.forget_broken_imports(lists[2].created_at).await.unwrap();
    assert_eq!(ids(&store.imports(first(9)).await.unwrap().items), [lists[2].id, lists[0].id]);
    for was_there in [true, false] {
        let act = Act::done(By::host("test"), "", "imports.forget", Subject::of_kind("import"));
        let (forgotten, left) = scope::enter(act, store.forget_import(lists[0].id)).await;
        assert_eq!((forgotten.unwrap(), left.written.is_some()), (was_there, was_there), "nothing is told as done");
    }
    assert_eq!(store.import(lists[0].id).await.unwrap(), None);
    assert_eq!(store.end_import_preview(lists[0].id, ListSource::default()).await.unwrap(), None);
}

async fn rows_are_paged_in_their_order(on: On) {
    let place = on.place();
    let store = place.open();
    let (import, other) = (list(now()), list(now()));
    for import in [&import, &other] {
        store.begin_import(import.clone()).await.unwrap();
        let rows =
            (2..9).map(|number| row(number, "Bo Osei", if number % 2 == 0 { "odd" } else { "bo@example.com" }, "9"));
        store.add_import_rows(import.id, rows.collect(), PriorRows::default()).await.unwrap();
    }
    let (mut numbers, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { cursor, limit: 3 };
        let page = store.import_rows(import.id, Some(RowStatus::CannotBeImported), page).await.unwrap();
        numbers.extend(page.items.iter().map(|row| row.number));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(store.import_rows(import.id, Some(RowStatus::Ready), first(9)).await.unwrap().items, []);
    store.forget_import(import.id).await.unwrap();
    assert_eq!(store.import_rows(import.id, None, first(9)).await.unwrap().items, []);
    assert_eq!(store.import_rows(other.id, None, first(9)).await.unwrap().items.len(), 7, "another's stay");
}
