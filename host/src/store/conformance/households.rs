//! Households: who lives with whom, whatever the order in which people come.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::HouseholdId;
use crate::domain::stored::HouseholdRole;
use crate::store::book::Whose;

on_each_engine![
    who_left_a_household_is_known_with_it,
    a_couple_is_one_household_whoever_comes_first,
    a_separation_and_a_new_partner_move_people,
    a_partner_who_is_left_out_leaves_the_other_alone,
    a_separation_leaves_the_history_with_both,
    a_death_leaves_the_household_with_the_partner_and_the_dead_in_its_history,
    a_new_partner_brings_a_history_along,
    a_partner_who_is_not_visible_stays_in_the_household,
    a_record_that_the_crm_merged_into_another_keeps_its_history_with_the_household,
    goals_stay_with_who_has_them_and_with_the_household_of_the_dead,
    connections_do_not_mix,
];

async fn a_couple_is_one_household_whoever_comes_first(on: On) {
    let ayda = linked("7", "Ayda Khan", "8", false);
    let sam = linked("8", "Sam Khan", "7", true);
    for order in [[&ayda, &sam], [&sam, &ayda]] {
        let mut practice = Practice::new(on).await;
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
        assert_eq!(practice.store.households(HouseholdFilter::default(), first(10)).await.unwrap().items, [row]);
    }
}

async fn a_separation_and_a_new_partner_move_people(on: On) {
    let mut practice = Practice::new(on).await;
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

async fn a_partner_who_is_left_out_leaves_the_other_alone(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    let couple = practice.household_of("8").await.household.id;
    practice.commit(RecordKind::Client, vec![left_out("7", "deceased")]).await;
    let sam = practice.household_of("8").await;
    assert_eq!((sam.household.id, sam.household.name.as_str()), (couple, "Sam Khan"));
    assert_eq!(sam.household.diagnostics[0].code, "partner-not-in-book");
    assert_eq!(practice.counts().await.households, 1);
}

/// Checks that whoever left a household is found from it, and it from them.
async fn check_stays(practice: &Practice, id: &str, expected: &[&str]) {
    let client = practice.store.client_lookup("main".parse().unwrap(), ExternalId(id.to_owned())).await.unwrap();
    let client = client.client.unwrap();
    let stays = practice.store.stays_of(client.id).await.unwrap();
    assert_eq!(stays.last().map(|stay| (stay.household_id, stay.until)), Some((client.household_id, None)));
    let mut names = Vec::new();
    for stay in &stays {
        names.push(practice.store.household(stay.household_id).await.unwrap().unwrap().household.name);
        if stay.until.is_some() {
            let before = practice.store.stays_in(stay.household_id).await.unwrap();
            assert!(before.contains(stay), "{stay:?}");
        }
    }
    assert_eq!(names, expected, "{id}");
}

async fn a_separation_leaves_the_history_with_both(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    let couple = practice.household_of("7").await.household.id;
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Sam Khan")]).await;
    assert_eq!(practice.household_of("7").await.household.id, couple, "it stays with the primary client");
    check_stays(&practice, "7", &["Ayda Khan"]).await;
    check_stays(&practice, "8", &["Ayda Khan", "Sam Khan"]).await;
    // They are together again: it is the household that it was.
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    assert_eq!(practice.household_of("8").await.household.id, couple);
    check_stays(&practice, "8", &["Ayda Khan & Sam Khan"; 3]).await;
}

async fn a_death_leaves_the_household_with_the_partner_and_the_dead_in_its_history(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    let couple = practice.household_of("7").await.household.id;
    let ayda = practice.of("7").await.unwrap();
    practice.commit(RecordKind::Client, vec![left_out("7", "deceased"), mapped(&client("8", "Sam Khan"))]).await;
    let row = practice.household_of("8").await;
    assert_eq!((row.household.id, row.household.name.as_str()), (couple, "Sam Khan"));
    assert!(row.household.diagnostics.is_empty());
    let before = practice.store.stays_in(couple).await.unwrap();
    assert_eq!(before.iter().map(|stay| stay.client_id).collect::<Vec<_>>(), [ayda.id]);
    assert_eq!(practice.store.client(ayda.id).await.unwrap(), Some(ayda), "nothing of the dead is lost");
    // The status was a mistake.
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    assert_eq!(practice.household_of("7").await.household.id, couple);
}

async fn a_new_partner_brings_a_history_along(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    practice.clients(&[client("9", "Bo Osei")]).await;
    let (couple, bo) = (practice.household_of("7").await.household.id, practice.household_of("9").await.household.id);
    let linked_anew =
        [linked("7", "Ayda Khan", "9", false), client("8", "Sam Khan"), linked("9", "Bo Osei", "7", true)];
    practice.clients(&linked_anew).await;
    assert_eq!(practice.household_of("9").await.household.id, couple);
    let stays = practice.store.stays_of(practice.of("9").await.unwrap().id).await.unwrap();
    assert_eq!(stays.iter().map(|stay| stay.household_id).collect::<Vec<_>>(), [bo, couple]);
    check_stays(&practice, "9", &["Ayda Khan & Bo Osei"; 2]).await;
    check_stays(&practice, "8", &["Ayda Khan & Bo Osei", "Sam Khan"]).await;
}

async fn a_partner_who_is_not_visible_stays_in_the_household(on: On) {
    let mut practice = Practice::new(on).await;
    let (ayda, sam) = (linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true));
    practice.walk(&[ayda.clone(), sam]).await;
    let before = practice.household_of("7").await;
    for _ in 0..2 {
        practice.walk(std::slice::from_ref(&ayda)).await;
    }
    let after = practice.household_of("7").await;
    assert_eq!(after.household, before.household);
    let since: Vec<bool> = after.people.iter().map(|person| person.not_visible_since.is_some()).collect();
    assert_eq!(since, [false, true]);
}

async fn a_record_that_the_crm_merged_into_another_keeps_its_history_with_the_household(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    let couple = practice.household_of("7").await.household.id;
    let sam = practice.of("8").await.unwrap();
    // 8 is gone, and 12 is who he was: the couple goes on under its id, and the old record is found in its past.
    let merged = [linked("7", "Ayda Khan", "12", false), linked("12", "Sam Khan", "7", true)];
    for _ in 0..2 {
        practice.walk(&merged).await;
    }
    let row = practice.household_of("12").await;
    assert_eq!((row.household.id, row.household.name.as_str()), (couple, "Ayda Khan & Sam Khan"));
    assert!(row.household.diagnostics.is_empty() && row.people.len() == 2);
    assert!(practice.of("8").await.unwrap().not_visible_since.is_some());
    let before = practice.store.stays_in(couple).await.unwrap();
    assert_eq!(before.iter().map(|stay| stay.client_id).collect::<Vec<_>>(), [sam.id]);

    // The primary client's record is the one that goes: the partner keeps the household for the one who takes over.
    let mut practice = Practice::new(on).await;
    practice.walk(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    let couple = practice.household_of("7").await.household.id;
    let ayda = practice.of("7").await.unwrap().id;
    let incoming_records = vec![
        left_out("7", "archived"),
        mapped(&linked("8", "Sam Khan", "13", true)),
        mapped(&linked("13", "Ayda Khan", "8", false)),
    ];
    practice.walk_to(incoming_records, RunState::Done, Trigger::Schedule).await;
    let row = practice.household_of("13").await;
    assert_eq!((row.household.id, row.household.name.as_str()), (couple, "Ayda Khan & Sam Khan"));
    let before = practice.store.stays_in(couple).await.unwrap();
    assert_eq!(before.iter().map(|stay| stay.client_id).collect::<Vec<_>>(), [ayda]);
}

impl Practice {
    /// The goals of the household that somebody is in, by name.
    async fn goals_of(&self, id: &str) -> Vec<String> {
        let household = self.household_of(id).await.household.id;
        let found = self.store.items::<Goal>(Whose::Household(household), first(20)).await.unwrap().items;
        let on_the_page = self.store.lists_of_household::<Goal>(household).await.unwrap();
        let on_the_page = on_the_page.into_iter().flat_map(|list| list.items).map(|goal| goal.listed.id);
        assert_eq!(found.iter().map(|goal| goal.listed.id).collect::<Vec<_>>(), on_the_page.collect::<Vec<_>>());
        found.into_iter().filter_map(|goal| goal.listed.value.name).collect()
    }
}

async fn goals_stay_with_who_has_them_and_with_the_household_of_the_dead(on: On) {
    let couple = [linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)];
    let lists: [(&str, &[Goal]); 2] = [("7", &[goal("1", "Sail"), goal("2", "Boat")]), ("8", &[goal("3", "Bike")])];
    let mut practice = Practice::new(on).await;
    practice.clients(&couple).await;
    practice.goals(&lists).await;
    assert_eq!(practice.goals_of("8").await, ["Sail", "Boat", "Bike"]);

    // They part: each takes what stands in their own record.
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Sam Khan")]).await;
    assert_eq!(
        (practice.goals_of("7").await, practice.goals_of("8").await),
        (vec!["Sail".into(), "Boat".into()], vec!["Bike".into()])
    );

    // She dies, or her record is merged into another: what the couple had in her record is still the household's.
    practice.clients(&couple).await;
    for left_as in ["deceased", "archived"] {
        practice.commit(RecordKind::Client, vec![left_out("7", left_as), mapped(&client("8", "Sam Khan"))]).await;
        assert_eq!(practice.goals_of("8").await, ["Bike", "Sail", "Boat"], "{left_as}");
        let household = practice.household_of("8").await.household.id;
        let departed = practice.store.departed(household).await.unwrap();
        assert_eq!(departed.iter().map(|client| client.client.full_name()).collect::<Vec<_>>(), ["Ayda Khan"]);
    }
    // Who takes over brings goals of their own, and the old ones stay.
    practice.clients(&[linked("8", "Sam Khan", "13", true), linked("13", "Ayda Khan", "8", false)]).await;
    practice.goals(&[("13", &[goal("4", "Sail")])]).await;
    let mut names = practice.goals_of("13").await;
    names.sort_unstable();
    assert_eq!(names, ["Bike", "Boat", "Sail", "Sail"]);
    // She is back: it is as it was.
    practice.clients(&[client("13", "Ayda Osei")]).await;
    practice.clients(&couple).await;
    assert_eq!(practice.goals_of("8").await, ["Sail", "Boat", "Bike"]);
}

async fn who_left_a_household_is_known_with_it(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
    let household = practice.household_of("7").await.household;
    assert_eq!(practice.store.former_members(&household).await.unwrap(), []);
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Sam Khan")]).await;
    let row = practice.household_of("7").await;
    assert_eq!((row.household.id, row.people.len()), (household.id, 1));
    let former = practice.store.former_members(&row.household).await.unwrap();
    let found = former.iter().map(|(client, until)| (client.client.external_id.as_str(), until.is_some()));
    assert_eq!(found.collect::<Vec<_>>(), [("8", true)]);
}

async fn connections_do_not_mix(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("7", "Ayda Khan", "8", false)]).await;
    practice.run = practice.store.begin_run(new_run("north")).await.unwrap();
    practice.clients(&[linked("8", "Sam Khan", "7", true)]).await;
    assert_eq!(practice.counts().await.households, 2);
    assert!(practice.of("8").await.is_none(), "8 is north's, not main's");
}

/// The state of a person after an edit: in the book, naming somebody or nobody; or left out.
type Edit = (u8, Option<Option<u8>>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let named = prop_oneof![1 => Just(None), 6 => prop::option::of(0..7_u8).prop_map(Some)];
    prop::collection::vec((0..7_u8, named), 1..24)
}

/// Commits edits, one page of them a group, and answers who lives with whom.
async fn walk(on: On, edits: &[Edit], page: usize) -> (Practice, BTreeSet<Vec<String>>) {
    let mut practice = Practice::new(on).await;
    for page in edits.chunks(page) {
        // A page has each id once: the last edit of it counts.
        let last: BTreeMap<u8, Option<Option<u8>>> = page.iter().copied().collect();
        let incoming_records = last.into_iter().map(|(id, edit)| match edit {
            None => left_out(&id.to_string(), "archived"),
            Some(None) => mapped(&client(&id.to_string(), "Al Osei")),
            Some(Some(partner)) => mapped(&linked(&id.to_string(), "Al Osei", &partner.to_string(), id % 2 == 0)),
        });
        let incoming_records = incoming_records.collect();
        practice.commit(RecordKind::Client, incoming_records).await;
    }
    let rows = practice.store.households(HouseholdFilter::default(), first(100)).await.unwrap().items;
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
            for on in [On::File, On::Memory] {
                let (one, households) = walk(on, &edits, pages.0).await;
                let (_other, expected) = walk(on, &reordered(&edits, seed), pages.1).await;
                assert_eq!(households, expected);
                check_counts(&one, &households).await;
            }
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
