//! Clients found by a diagnostic: by its code, of the client or of what stands in the client's lists.

use super::*;
use crate::store::StoreError;
use crate::store::book::ClientFindings;

on_each_engine![
    clients_are_found_by_what_is_said_of_them,
    what_is_said_of_goals_and_of_addresses_is_a_clients_too,
    the_list_goes_on_where_a_page_ended_and_keeps_to_other_filters,
];

fn warning(field: &str, code: &str) -> Diagnostic {
    Diagnostic::warning(field, code, format!("the {field} was left out"))
}

/// A client of whom this is said.
fn of_client(client: &Client, code: &str) -> IncomingRecord {
    IncomingRecord { diagnostics: vec![warning("mobile", code)], ..mapped(client) }
}

async fn findings(practice: &Practice, code: &str) -> Vec<ClientFindings> {
    practice.store.findings(code.to_owned(), first(10)).await.unwrap().items
}

fn ids(found: &[ClientFindings]) -> Vec<&str> {
    found.iter().map(|found| found.client.client.external_id.as_str()).collect()
}

async fn clients_are_found_by_what_is_said_of_them(on: On) {
    let mut practice = Practice::new(on).await;
    let [khan, hill, lee] = [client("7", "Ayda Khan"), client("8", "Bo Hill"), client("9", "Mia Lee")];
    let incoming_records = vec![of_client(&khan, "no-country-code"), mapped(&hill), of_client(&lee, "no-country")];
    practice.walk_to(incoming_records, RunState::Done, Trigger::Schedule).await;
    let found = findings(&practice, "no-country-code").await;
    assert_eq!(ids(&found), ["7"]);
    assert_eq!((found[0].said.len(), found[0].said[0].kind), (1, RecordKind::Client));
    assert_eq!(ids(&findings(&practice, "no-country").await), ["9"], "a code is not the beginning of another");
    assert_eq!(ids(&findings(&practice, "Khan").await), [""; 0], "a name is no code");
    assert_eq!(ids(&findings(&practice, "").await), [""; 0]);

    // Left out by a rule: not in the book, and not in the list.
    let incoming_records = vec![left_out("7", "archived"), mapped(&hill), of_client(&lee, "no-country")];
    practice.walk_to(incoming_records, RunState::Done, Trigger::Schedule).await;
    assert_eq!(ids(&findings(&practice, "no-country-code").await), [""; 0]);
    // Corrected in the CRM.
    practice.walk(&[khan, hill, lee]).await;
    assert_eq!(ids(&findings(&practice, "no-country").await), [""; 0]);
}

async fn what_is_said_of_goals_and_of_addresses_is_a_clients_too(on: On) {
    let mut practice = Practice::new(on).await;
    let shared = |id, name| with_email(client(id, name), "office@example.org");
    practice
        .clients(&[client("6", "Jo Ng"), shared("7", "Ayda Khan"), client("8", "Bo Hill"), shared("9", "Mia Lee")])
        .await;
    let said = |field: &str| warning(field, "unknown-category");
    let lists = [("8", vec![said("goals[1].category")]), ("6", vec![said("list")]), ("9", Vec::new())];
    let incoming_records = lists.map(|(id, said)| {
        let goals = [goal(&format!("{id}/1"), "Sail"), goal(&format!("{id}/2"), "Rest")];
        IncomingRecord { diagnostics: said, ..incoming(id, Outcome::List(goals.map(Canonical::Goal).into())) }
    });
    practice.below(RecordKind::Goal, incoming_records.to_vec()).await;
    let found = findings(&practice, "unknown-category").await;
    assert_eq!(ids(&found), ["6", "8"]);
    assert_eq!((found[0].said[0].label.as_deref(), found[1].said[0].label.as_deref()), (None, Some("Rest")));
    assert!(found.iter().all(|one| one.said.len() == 1 && one.said[0].kind == RecordKind::Goal));
    assert_eq!(ids(&findings(&practice, "shared-email-across-households").await), ["7", "9"]);
    // A goal that is gone says nothing any more.
    let gone = incoming("8", Outcome::List(vec![Canonical::Goal(goal("8/1", "Sail"))]));
    practice.below(RecordKind::Goal, vec![IncomingRecord { fingerprint: 2, ..gone.clone() }]).await;
    assert_eq!(ids(&findings(&practice, "unknown-category").await), ["6", "8"], "it was missed once");
    for _ in 0..2 {
        practice.end_walk().await;
        practice.below(RecordKind::Goal, vec![IncomingRecord { fingerprint: 2, ..gone.clone() }]).await;
    }
    assert_eq!(ids(&findings(&practice, "unknown-category").await), ["6"]);
}

async fn the_list_goes_on_where_a_page_ended_and_keeps_to_other_filters(on: On) {
    let mut practice = Practice::new(on).await;
    let all: Vec<Client> = (1..8).map(|id| client(&id.to_string(), "Ayda Khan")).collect();
    let incoming_records = all.iter().map(|client| of_client(client, "not-valid")).collect();
    practice.walk_to(incoming_records, RunState::Done, Trigger::Schedule).await;
    let filter = ClientFilter { diagnostic: Some("not-valid".to_owned()), ..ClientFilter::default() };
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = practice.store.clients(filter.clone(), PageRequest { cursor, limit: 3 }).await.unwrap();
        found.extend(page.items.into_iter().map(|client| client.client.external_id.to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, ["1", "2", "3", "4", "5", "6", "7"]);
    let search = |search: &str| ClientFilter { search: Some(search.to_owned()), ..filter.clone() };
    let count = async |filter| practice.store.clients(filter, first(10)).await.unwrap().items.len();
    assert_eq!((count(search("4")).await, count(search("khan")).await, count(search("hill")).await), (1, 7, 0));
    assert_eq!(count(ClientFilter { not_visible: true, ..filter.clone() }).await, 0);
    let cursor = Some("AAAA".to_owned());
    let wrong = practice.store.clients(filter.clone(), PageRequest { cursor, limit: 3 }).await;
    assert!(matches!(wrong, Err(StoreError::BadCursor)));
}
