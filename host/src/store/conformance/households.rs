//! Who lives with whom, whatever the order in which people come.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::HouseholdId;
use crate::domain::stored::HouseholdRole;

#[tokio::test]
async fn a_couple_is_one_household_whoever_comes_first() {
    let ayda = linked("7", "Ayda Khan", "8", false);
    let sam = linked("8", "Sam Khan", "7", true);
    for order in [[&ayda, &sam], [&sam, &ayda]] {
        let mut practice = Practice::new().await;
        for person in order {
            practice.clients(std::slice::from_ref(person)).await;
        }
        let row = practice.household_of("7").await;
        assert_eq!(row, practice.household_of("8").await);
        assert_eq!(row.household.name, "Ayda Khan & Sam Khan");
        let roles: Vec<_> = row.household.members.iter().map(|m| (m.external_id.as_str(), m.role)).collect();
        assert_eq!(roles, [("7", HouseholdRole::Cfo), ("8", HouseholdRole::NonCfo)]);
        assert!(row.household.diagnostics.is_empty());
        assert_eq!((practice.counts().await.clients, practice.counts().await.households), (2, 1));
        assert_eq!(practice.store.households(None, first(10)).await.unwrap().items, [row]);
    }
}

#[tokio::test]
async fn a_separation_and_a_new_partner_move_people() {
    let mut practice = Practice::new().await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    practice.clients(&[client("9", "Bo Osei")]).await;
    let (couple, bo) = (practice.household_of("7").await, practice.household_of("9").await);

    practice.clients(&[client("8", "Sam Khan"), linked("7", "Ayda Khan", "9", false)]).await;
    practice.clients(&[linked("9", "Bo Osei", "7", true)]).await;
    let ayda = practice.household_of("7").await;
    assert_eq!((ayda.household.id, ayda.household.name.as_str()), (couple.household.id, "Ayda Khan & Bo Osei"));
    assert_eq!(practice.household_of("8").await.household.name, "Sam Khan");
    assert_eq!(practice.counts().await.households, 2);
    let merged = practice.store.household(bo.household.id).await.unwrap();
    assert_eq!(merged, Some(ayda), "a household that was merged leads to the one that took its place");
}

#[tokio::test]
async fn a_partner_who_is_left_out_leaves_the_other_alone() {
    let mut practice = Practice::new().await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    let couple = practice.household_of("8").await.household.id;
    practice.commit(RecordKind::Client, vec![left_out("7", "deceased")]).await;
    let sam = practice.household_of("8").await;
    assert_eq!((sam.household.id, sam.household.name.as_str()), (couple, "Sam Khan"));
    assert_eq!(sam.household.diagnostics[0].code, "partner-not-in-book");
    assert_eq!(practice.counts().await.households, 1);
}

#[tokio::test]
async fn connections_do_not_mix() {
    let mut practice = Practice::new().await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false)]).await;
    practice.run = practice.store.begin_run(new_run("north")).await.unwrap();
    practice.clients(&[linked("8", "Sam Khan", "7", true)]).await;
    assert_eq!(practice.counts().await.households, 2);
    assert!(practice.of("8").await.is_none(), "8 is north's, not main's");
}

/// What a person is after an edit: in the book, naming somebody or nobody; or left out.
type Edit = (u8, Option<Option<u8>>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let named = prop_oneof![1 => Just(None), 6 => prop::option::of(0..7_u8).prop_map(Some)];
    prop::collection::vec((0..7_u8, named), 1..24)
}

/// Commits edits, one page of them a group, and answers who lives with whom.
async fn walk(edits: &[Edit], page: usize) -> (Practice, BTreeSet<Vec<String>>) {
    let mut practice = Practice::new().await;
    for page in edits.chunks(page) {
        // A page has each id once: the last edit of it counts.
        let last: BTreeMap<u8, Option<Option<u8>>> = page.iter().copied().collect();
        let arrivals = last.into_iter().map(|(id, edit)| match edit {
            None => left_out(&id.to_string(), "archived"),
            Some(None) => mapped(&client(&id.to_string(), "Al Osei")),
            Some(Some(partner)) => mapped(&linked(&id.to_string(), "Al Osei", &partner.to_string(), id % 2 == 0)),
        });
        let arrivals = arrivals.collect();
        practice.commit(RecordKind::Client, arrivals).await;
    }
    let rows = practice.store.households(None, first(100)).await.unwrap().items;
    let ids = |row: &HouseholdRow| row.people.iter().map(|person| person.client.external_id.to_string()).collect();
    let households = rows.iter().map(ids).collect();
    (practice, households)
}

/// The last edit of each person, in another order.
fn reordered(edits: &[Edit], seed: usize) -> Vec<Edit> {
    let last: BTreeMap<u8, Option<Option<u8>>> = edits.iter().copied().collect();
    let mut last: Vec<Edit> = last.into_iter().collect();
    let steps = seed % last.len().max(1);
    last.rotate_left(steps);
    if seed.is_multiple_of(2) {
        last.reverse();
    }
    last
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_pages_nor_the_past_show(edits in edits(), pages in (1..6_usize, 1..6_usize), seed in 0..100_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (one, households) = walk(&edits, pages.0).await;
            let (_other, expected) = walk(&reordered(&edits, seed), pages.1).await;
            assert_eq!(households, expected);
            check_counts(&one, &households).await;
        });
    }
}

/// The counts are those of the lists, and everybody's household has them as member.
async fn check_counts(practice: &Practice, households: &BTreeSet<Vec<String>>) {
    let clients = practice.store.clients(ClientFilter::default(), first(100)).await.unwrap().items;
    let counts = practice.counts().await;
    assert_eq!((counts.clients, counts.households), (clients.len() as u64, households.len() as u64));
    let mut ids: BTreeSet<HouseholdId> = BTreeSet::new();
    for client in clients {
        let row = practice.store.household(client.household_id).await.unwrap().unwrap();
        assert_eq!(row.household.id, client.household_id);
        assert!(row.people.contains(&client));
        ids.insert(row.household.id);
    }
    assert_eq!(ids.len(), households.len());
}
