//! Clients and advisers as they come, change, and are set aside.

use super::*;

on_each_engine![
    a_client_comes_changes_and_stays_the_same,
    a_birth_that_is_still_to_come_is_left_out_with_a_word,
    only_what_is_the_same_by_the_same_is_unchanged,
    a_record_is_set_aside_and_comes_back,
    a_list_that_cannot_be_read_is_told_with_its_client,
    a_client_who_is_left_out_leaves_the_lists_and_is_kept,
    proposed_addresses_are_unique_and_real_ones_may_be_shared,
    advisers_are_kept_and_the_first_active_one_is_found,
    the_raw_record_is_kept,
    a_rehearsal_counts_and_keeps_nothing,
    what_was_set_aside_is_found_by_its_words,
    lists_that_came_empty_are_kept_until_walks_proved_them_so,
];

async fn a_client_comes_changes_and_stays_the_same(on: On) {
    let mut practice = Practice::new(on).await;
    let counts = practice.clients(&[client("7", "Ayda Khan")]).await;
    assert_eq!((counts.created, counts.changed, counts.same), (1, 0, 0));
    let before = practice.of("7").await.unwrap();
    assert_eq!(before.client, client("7", "Ayda Khan"));
    assert_eq!((before.origin.connection.as_str(), before.origin.revision), ("main", REVISION));

    let counts = practice.clients(&[client("7", "Ayda Khan")]).await;
    assert_eq!((counts.created, counts.changed, counts.same), (0, 0, 1));
    assert_eq!(practice.of("7").await.unwrap(), before);

    let moved = Client { suburb: Some("Newtown".to_owned()), ..client("7", "Ayda Osei") };
    let counts = practice.clients(std::slice::from_ref(&moved)).await;
    assert_eq!((counts.created, counts.changed, counts.same), (0, 1, 0));
    assert_eq!(counts.changed_fields, BTreeMap::from([("last_name".to_owned(), 1), ("suburb".to_owned(), 1)]));
    let after = practice.of("7").await.unwrap();
    assert_eq!((after.id, after.household_id, &after.client), (before.id, before.household_id, &moved));
    assert!(after.origin.changed_at > before.origin.changed_at);
    assert_eq!(practice.store.client(before.id).await.unwrap(), Some(after));
}

async fn a_birth_that_is_still_to_come_is_left_out_with_a_word(on: On) {
    let mut practice = Practice::new(on).await;
    let born = |year| Some(jiff::civil::date(year, 2, 3));
    practice.clients(&[Client { date_of_birth: born(9000), ..client("7", "Ayda Khan") }]).await;
    let found = practice.of("7").await.unwrap();
    assert_eq!((found.client.date_of_birth, found.diagnostics[0].code.as_str()), (None, "birth-in-future"));

    practice.clients(&[Client { date_of_birth: born(1980), ..client("7", "Ayda Khan") }]).await;
    let found = practice.of("7").await.unwrap();
    assert_eq!((found.client.date_of_birth, found.diagnostics), (born(1980), Vec::new()));
}

async fn only_what_is_the_same_by_the_same_is_unchanged(on: On) {
    let mut practice = Practice::new(on).await;
    practice.commit(RecordKind::Client, vec![mapped(&client("7", "Ayda Khan")), unusable("8")]).await;
    let day = |day: i8| Some(jiff::civil::date(2026, 3, day));
    let check = async |id: &str, fingerprint: u128, revision: RevisionId, as_of, expected: bool| {
        let records = vec![(ExternalId("0".to_owned()), 9), (ExternalId(id.to_owned()), fingerprint)];
        let by = MappedBy { revision, as_of };
        let known = practice.store.known(&practice.run, RecordKind::Client, by, records).await.unwrap();
        let same: Vec<bool> = known.iter().map(|known| known.is_same).collect();
        assert_eq!(same, [false, expected], "{id} {fingerprint} {revision} {as_of:?}");
        assert_eq!((known[0].is_known, known[1].in_book), (false, id == "7"));
    };
    check("7", 1, REVISION, None, true).await;
    check("8", 1, REVISION, None, true).await;
    check("7", 2, REVISION, None, false).await;
    check("7", 1, RevisionId([8; 6]), None, false).await;
    check("7", 1, REVISION, day(1), false).await;
    check("9", 1, REVISION, None, false).await;
}

async fn a_record_is_set_aside_and_comes_back(on: On) {
    let mut practice = Practice::new(on).await;
    let counts = practice.commit(RecordKind::Client, vec![left_out("7", "deceased"), unusable("8")]).await;
    assert_eq!((counts.skipped_total(), counts.skipped["deceased"], counts.quarantined), (1, 1, 1));
    assert_eq!((practice.counts().await.skipped, practice.counts().await.quarantined), (1, 1));
    let found = practice.store.set_aside(true, None, first(10)).await.unwrap().items;
    assert_eq!((found.len(), found[0].external_id.as_str(), found[0].run), (1, "8", practice.run.id));

    // The same again is the same entry; the other reason is another list.
    practice.commit(RecordKind::Client, vec![unusable("7"), unusable("8")]).await;
    assert_eq!((practice.counts().await.skipped, practice.counts().await.quarantined), (0, 2));
    let again = practice.store.set_aside(true, None, first(10)).await.unwrap().items;
    assert_eq!(again[1].since, found[0].since);
    assert!(practice.store.set_aside(false, None, first(10)).await.unwrap().items.is_empty());

    practice.clients(&[client("7", "Ayda Khan"), client("8", "Sam Khan")]).await;
    let counts = practice.counts().await;
    assert_eq!((counts.clients, counts.skipped, counts.quarantined), (2, 0, 0));
    assert!(practice.store.set_aside(true, None, first(10)).await.unwrap().items.is_empty());
}

async fn a_list_that_cannot_be_read_is_told_with_its_client(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan")]).await;
    practice.goals(&[("7", &[goal("1", "Sail")])]).await;
    let told = async |practice: &Practice| {
        let known = practice.store.client_lookup("main".parse().unwrap(), ExternalId("7".to_owned())).await.unwrap();
        assert!(known.is_in_book && known.set_aside.is_none());
        known.lists_aside.iter().map(|list| (list.kind, list.diagnostics[0].code.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&practice).await, []);
    practice.below(RecordKind::Goal, vec![unusable("7")]).await;
    assert_eq!(told(&practice).await, [(RecordKind::Goal, "broken".to_owned())]);
    practice.goals(&[("7", &[goal("1", "Sail")])]).await;
    assert_eq!(told(&practice).await, []);
}

async fn a_client_who_is_left_out_leaves_the_lists_and_is_kept(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let before = practice.of("7").await.unwrap();

    practice.commit(RecordKind::Client, vec![unusable("7")]).await;
    assert_eq!(practice.of("7").await.as_ref(), Some(&before), "what cannot be used changes nothing");

    practice.commit(RecordKind::Client, vec![left_out("7", "archived")]).await;
    assert!(practice.store.clients(ClientFilter::default(), first(10)).await.unwrap().items.is_empty());
    assert!(practice.store.households(HouseholdFilter::default(), first(10)).await.unwrap().items.is_empty());
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (0, 0));
    assert_eq!(practice.store.client(before.id).await.unwrap().as_ref(), Some(&before));
    assert!(practice.store.household(before.household_id).await.unwrap().is_some());

    practice.clients(&[client("7", "Ayda Khan")]).await;
    assert_eq!(practice.of("7").await.unwrap().id, before.id);
    assert_eq!(practice.of("7").await.unwrap().household_id, before.household_id);
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (1, 1));
}

async fn proposed_addresses_are_unique_and_real_ones_may_be_shared(on: On) {
    let mut practice = Practice::new(on).await;
    let ayda = |id: &str| proposed(client(id, "Ayda Khan"), "Ayda.Khan@acme.example");
    let email = async |practice: &Practice, id: &str| practice.of(id).await.unwrap().client.email.unwrap().to_string();
    practice.clients(&[ayda("20")]).await;
    practice.clients(&[ayda("10"), ayda("30")]).await;
    assert_eq!(email(&practice, "10").await, "Ayda.Khan@acme.example");
    assert_eq!(email(&practice, "20").await, "Ayda.Khan.20@acme.example");
    assert_eq!(email(&practice, "30").await, "Ayda.Khan.30@acme.example");

    // A real address takes its place, and makes room.
    practice.clients(&[with_email(ayda("10"), "ayda@example.org"), with_email(ayda("30"), "Ayda@example.org")]).await;
    assert_eq!(email(&practice, "20").await, "Ayda.Khan@acme.example");
    let shared = practice.of("10").await.unwrap();
    assert_eq!(shared.diagnostics[0].code, "shared-email-across-households");
    assert!(practice.of("20").await.unwrap().diagnostics.is_empty());

    // Somebody has the proposed address for real.
    practice.clients(&[with_email(client("5", "Al Osei"), "ayda.khan@acme.example")]).await;
    assert_eq!(email(&practice, "20").await, "Ayda.Khan.20@acme.example");
}

async fn advisers_are_kept_and_the_first_active_one_is_found(on: On) {
    let mut practice = Practice::new(on).await;
    let advisers = vec![adviser("2", "Bea", false), adviser("10", "Cy", true), adviser("9", "Dee", true)];
    practice.commit(RecordKind::Adviser, advisers).await;
    assert_eq!(practice.counts().await.advisers, 3);
    let main: ConnectionName = "main".parse().unwrap();
    let bea = practice.store.adviser(main.clone(), ExternalId("2".to_owned())).await.unwrap().unwrap();
    assert_eq!((bea.adviser.first_name.as_deref(), bea.adviser.active), (Some("Bea"), false));
    let found = practice.store.first_adviser(main).await.unwrap().unwrap();
    assert_eq!(found.adviser.external_id.as_str(), "9");
    assert!(practice.store.first_adviser("other".parse().unwrap()).await.unwrap().is_none());
    for (most, expected) in [(9, &["9", "10"][..]), (1, &["9"])] {
        let active = practice.store.active_advisers("main".parse().unwrap(), most).await.unwrap();
        let ids: Vec<&str> = active.iter().map(|stored| stored.adviser.external_id.as_str()).collect();
        assert_eq!(ids, expected);
    }
}

async fn the_raw_record_is_kept(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let id = practice.of("7").await.unwrap().id;
    let raw = practice.store.raw_record(id, RecordKind::Client).await.unwrap();
    assert_eq!(raw.as_deref(), Some(&br#"{"row":{"id":"7"}}"#[..]));
    assert_eq!(practice.store.raw_record(id, RecordKind::Goal).await.unwrap(), None);
}

async fn a_rehearsal_counts_and_keeps_nothing(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let group =
        practice.group(RecordKind::Client, vec![mapped(&client("7", "Ayda Osei")), mapped(&client("8", "Al Osei"))]);
    let run = practice.store.rehearse(group).await.unwrap();
    assert_eq!((run.counts.created, run.counts.changed), (1, 1));
    assert_eq!(practice.of("7").await.unwrap().client, client("7", "Ayda Khan"));
    assert!(practice.of("8").await.is_none());
}

async fn what_was_set_aside_is_found_by_its_words(on: On) {
    let mut practice = Practice::new(on).await;
    let incoming_records = vec![unusable("4711"), left_out("4712", "archived"), mapped(&client("4713", "Ayda Khan"))];
    practice.commit(RecordKind::Client, incoming_records).await;
    let found = async |words: &str, limit| {
        let found = practice.store.set_aside_with(words.to_owned(), limit).await.unwrap();
        found.into_iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("4711", 9).await, ["4711"]);
    assert_eq!(found("471", 9).await.len(), 2, "who is in the book was not set aside");
    assert_eq!(found("471", 1).await.len(), 1);
    assert_eq!(found("khan", 9).await, [""; 0]);
}

async fn lists_that_came_empty_are_kept_until_walks_proved_them_so(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan")]).await;
    let emptied = || vec![IncomingRecord { emptied: vec!["address".to_owned()], ..mapped(&client("7", "Ayda Khan")) }];
    let kept = async |practice: &Practice, trigger: Trigger| {
        let run = Run { trigger, ..new_run("main") };
        let records = ["7", "8"].map(|id| (ExternalId(id.to_owned()), vec!["address".to_owned()]));
        let mut kept = practice.store.kept_lists(&run, RecordKind::Client, records.to_vec()).await.unwrap();
        assert!(kept.pop().unwrap().is_none(), "nothing is kept of 8");
        let kept = kept.pop().flatten().unwrap();
        assert_eq!(kept.raw, br#"{"row":{"id":"7"}}"#);
        kept.unproven
    };
    for (unproven, state) in [(1, RunState::Failed), (0, RunState::Done), (0, RunState::Done)] {
        practice.walk_to(emptied(), state, Trigger::Schedule).await;
        assert_eq!(kept(&practice, Trigger::Schedule).await.len(), unproven, "{state:?}");
        assert_eq!(kept(&practice, Trigger::Client).await, ["address"], "a client's own sync proves nothing");
    }
    practice.walk(&[client("7", "Ayda Khan")]).await;
    assert_eq!(kept(&practice, Trigger::Schedule).await, ["address"], "it was not empty");
}
