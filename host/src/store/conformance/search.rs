//! Lists in the order of names, their pages, and finding people in them.

use std::collections::BTreeSet;

use super::*;
use crate::store::book::NameOrder;
use crate::store::engine::Readable as _;
use crate::store::index::{NameSlot, name_key, name_keys, rebuild_names};
use crate::store::tables::NAMES;

on_each_engine![
    households_are_found_by_their_people,
    who_has_one_name_stands_where_it_belongs_in_stores_of_earlier_versions_too,
    clients_are_found_and_filtered,
    pages_follow_one_another_without_gap_or_repetition,
    a_new_name_is_found_and_the_old_one_is_not,
];

async fn book(on: On) -> Practice {
    let mut practice = Practice::new(on).await;
    let mobile = |client: Client| Client { mobile: Some("+61491570156".to_owned().try_into().unwrap()), ..client };
    practice
        .clients(&[
            with_email(linked("7", "Ayda Khan", "8", false), "ayda@example.org"),
            linked("8", "Sam Khan", "7", true),
            mobile(client("9", "Māia van der Berg")),
            proposed(client("10", "Bo O'Neil"), "Bo.ONeil@acme.example"),
            proposed(client("11", "Bo O'Neil"), "Bo.ONeil@acme.example"),
            client("x-1", "芳 王"),
        ])
        .await;
    practice
}

async fn households_are_found_by_their_people(on: On) {
    let practice = book(on).await;
    let check = async |search: &str, expected: &[&str]| {
        let page = practice.store.households(HouseholdFilter::search(search.to_owned()), first(10)).await.unwrap();
        let names: Vec<&str> = page.items.iter().map(|row| row.household.name.as_str()).collect();
        assert_eq!((names.as_slice(), page.next), (expected, None), "{search}");
    };
    let all = ["Ayda Khan & Sam Khan", "Bo O'Neil", "Bo O'Neil", "Māia van der Berg", "芳 王"];
    check("", &all).await;
    check("  ", &all).await;
    check("kha", &["Ayda Khan & Sam Khan"]).await;
    check("sam ayda", &["Ayda Khan & Sam Khan"]).await;
    check("KHAN s", &["Ayda Khan & Sam Khan"]).await;
    check("maia", &["Māia van der Berg"]).await;
    check("Berg", &["Māia van der Berg"]).await;
    check("erg", &[]).await;
    check("oneil", &["Bo O'Neil", "Bo O'Neil"]).await;
    check("o’neil b", &["Bo O'Neil", "Bo O'Neil"]).await;
    check("王", &["芳 王"]).await;
    check("maia khan", &[]).await;
    check("AYDA@example.org", &["Ayda Khan & Sam Khan"]).await;
    check("yda@example.org", &[]).await;
    check("bo.oneil@acme.example", &["Bo O'Neil"]).await;
    check("bo.oneil.11@acme.example", &["Bo O'Neil"]).await;
    check("bo.oneil.10@acme.example", &[]).await;
    check("+61 491 570 156", &["Māia van der Berg"]).await;
    check("x-1", &["芳 王"]).await;
    check("8", &["Ayda Khan & Sam Khan"]).await;
}

/// A client who has a middle name only.
fn by_middle_name(id: &str, name: &str) -> Client {
    let unnamed = Client::unnamed(ExternalId(id.to_owned()), ClientStatus::Client);
    Client { middle_name: Some(name.to_owned()), ..unnamed }
}

async fn who_has_one_name_stands_where_it_belongs_in_stores_of_earlier_versions_too(on: On) {
    let mut practice = Practice::new(on).await;
    let leanne = by_middle_name("2", "Leanne");
    let unnamed = Client::unnamed(ExternalId("4".to_owned()), ClientStatus::Client);
    practice.clients(&[client("1", "Ayda Khan"), leanne.clone(), client("3", "Sam Mora"), unnamed]).await;
    let in_order = async |practice: &Practice| {
        let page = practice.store.clients(ClientFilter::default(), first(10)).await.unwrap();
        page.items.iter().map(|client| client.client.external_id.0.clone()).collect::<Vec<_>>()
    };
    assert_eq!(in_order(&practice).await, ["4", "1", "2", "3"]);

    // As earlier versions kept her: before all others, and by the word of her name.
    let id = practice.of("2").await.unwrap().id.0;
    let transaction = practice.store.engine.write().unwrap();
    {
        let mut names = transaction.open_table(NAMES).unwrap();
        for key in name_keys(&leanne, id) {
            names.delete(&key).unwrap();
        }
        for (slot, name) in [(NameSlot::Order, ""), (NameSlot::Word, "leanne")] {
            names.put(&name_key(slot, name, id), ()).unwrap();
        }
    }
    transaction.commit().unwrap();
    assert_eq!(in_order(&practice).await[2..], ["1", "3"]);
    let transaction = practice.store.engine.write().unwrap();
    rebuild_names(&transaction).unwrap();
    let kept = transaction.open_table(NAMES).unwrap().scan(..).unwrap().count();
    transaction.commit().unwrap();
    assert_eq!(in_order(&practice).await, ["4", "1", "2", "3"]);
    assert_eq!(kept, 2 + 1 + 2 + 1, "one entry for each client's order and each further word");
}

async fn clients_are_found_and_filtered(on: On) {
    let practice = book(on).await;
    let khans = practice.of("7").await.unwrap().household_id;
    let check = async |filter: ClientFilter, expected: &[&str]| {
        let page = practice.store.clients(filter.clone(), first(10)).await.unwrap();
        let ids: Vec<&str> = page.items.iter().map(|client| client.client.external_id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
    };
    let search = |search: &str| ClientFilter { search: Some(search.to_owned()), ..ClientFilter::default() };
    let of_khans = ClientFilter { household: Some(khans), ..ClientFilter::default() };
    check(ClientFilter::default(), &["7", "8", "10", "11", "9", "x-1"]).await;
    check(search("s"), &["8"]).await;
    check(search("ayda sam"), &[]).await;
    check(of_khans.clone(), &["7", "8"]).await;
    check(ClientFilter { search: Some("sam".to_owned()), ..of_khans.clone() }, &["8"]).await;
    let external_id = Some(("main".parse().unwrap(), ExternalId("9".to_owned())));
    check(ClientFilter { external_id: external_id.clone(), ..ClientFilter::default() }, &["9"]).await;
    check(ClientFilter { external_id, ..of_khans }, &[]).await;
}

async fn pages_follow_one_another_without_gap_or_repetition(on: On) {
    let mut practice = Practice::new(on).await;
    let names = ["Ann Annan", "Anna Lee", "Annabel Ann", "Bo Anners", "Cy Lee", "Di Annis"];
    let clients: Vec<Client> = names.iter().zip(1..).map(|(name, id)| client(&format!("{id}"), name)).collect();
    practice.clients(&clients).await;
    for (search, count) in [(None, 6), (Some("ann".to_owned()), 5)] {
        let whole = all_by_twos(&practice, search.clone(), NameOrder::Ascending).await;
        let at_once =
            practice.store.households(HouseholdFilter { search: search.clone(), ..Default::default() }, first(100));
        assert_eq!(whole, at_once.await.unwrap().items, "{search:?}");
        assert_eq!(whole.len(), count);
        let mut backwards = all_by_twos(&practice, search.clone(), NameOrder::Descending).await;
        if search.is_none() {
            backwards.reverse();
            assert_eq!(backwards, whole);
        } else {
            // Whose first name is found stand after those whose last name is, in either order.
            let ids = |rows: &[HouseholdRow]| rows.iter().map(|row| row.household.id).collect::<BTreeSet<_>>();
            assert_eq!((backwards.len(), ids(&backwards)), (count, ids(&whole)));
        }
    }
    let odd = PageRequest { cursor: Some("bm9uc2Vuc2U".to_owned()), limit: 2 };
    let refused = practice.store.households(HouseholdFilter::default(), odd).await;
    assert!(matches!(refused, Err(crate::store::StoreError::BadCursor)));
}

async fn all_by_twos(practice: &Practice, search: Option<String>, order: NameOrder) -> Vec<HouseholdRow> {
    let (mut pieces, mut page) = (Vec::new(), first(2));
    loop {
        let filter = HouseholdFilter { search: search.clone(), order, ..HouseholdFilter::default() };
        let found = practice.store.households(filter, page).await.unwrap();
        pieces.extend(found.items);
        match found.next {
            Some(cursor) => page = PageRequest { cursor: Some(cursor), limit: 2 },
            None => return pieces,
        }
    }
}

async fn a_new_name_is_found_and_the_old_one_is_not(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    practice.clients(&[client("7", "Ayda Osei")]).await;
    let found = async |search: &str| {
        let search = HouseholdFilter::search(search.to_owned());
        practice.store.households(search, first(10)).await.unwrap().items.len()
    };
    assert_eq!((found("khan").await, found("osei").await, found("ayda").await), (0, 1, 1));
}
