//! Linking clients of the practice to the CRM, and taking links back.

use super::practice::now;
use super::*;
use crate::domain::ClientId;
use crate::domain::audit::{Act, By, Subject};
use crate::domain::practice_client::Refusal;
use crate::store::audit::scope;

on_each_engine![
    a_linked_client_is_found_by_the_sync_and_not_made_anew,
    a_couple_keeps_its_household_in_whatever_order_it_is_linked,
    linking_joins_somebody_whose_partner_the_crm_has,
    a_link_that_cannot_be_is_refused,
    a_refused_link_is_no_act_that_was_done,
    the_same_id_of_two_sites_is_two_people,
    a_link_is_taken_back,
];

impl Practice {
    pub(super) async fn link(&self, client: ClientId, id: &str) -> Result<(), Refusal> {
        let id = ExternalId(id.to_owned());
        self.store.link_client(client, "main".parse().unwrap(), id, now()).await.unwrap()
    }
}

async fn a_linked_client_is_found_by_the_sync_and_not_made_anew(on: On) {
    let mut practice = Practice::new(on).await;
    let ayda = practice.make(with_email(client("", "Aida Kahn"), "ayda@example.com"), None).await.unwrap();
    let before = practice.store.client(ayda).await.unwrap().unwrap();
    for _ in 0..2 {
        practice.link(ayda, "7").await.unwrap();
        let linked = practice.of("7").await.unwrap();
        assert_eq!((linked.id, linked.household_id, linked.crm_id().is_some()), (ayda, before.household_id, true));
        assert_eq!((linked.origin.connection.as_str(), linked.origin.revision.of_pack()), ("main", None));
    }
    let counts = practice.clients(&[client("7", "Ayda Khan")]).await;
    assert_eq!((counts.created, counts.changed), (0, 1));
    let synced = practice.of("7").await.unwrap();
    assert_eq!((synced.id, synced.household_id, synced.client), (ayda, before.household_id, client("7", "Ayda Khan")));
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (1, 1));
    assert_eq!(
        practice.store.households(HouseholdFilter::search("kahn".to_owned()), first(9)).await.unwrap().items,
        []
    );
}

async fn a_couple_keeps_its_household_in_whatever_order_it_is_linked(on: On) {
    for order in [["7", "8"], ["8", "7"]] {
        let mut practice = Practice::new(on).await;
        let ayda = practice.make(client("", "Ayda Khan"), None).await.unwrap();
        let sam = practice.make(client("", "Sam Khan"), Some(ayda)).await.unwrap();
        let home = practice.store.client(sam).await.unwrap().unwrap().household_id;
        for id in order {
            practice.link(if id == "7" { ayda } else { sam }, id).await.unwrap();
            let row = practice.household_of(id).await;
            assert_eq!(
                (row.household.id, row.people.len(), row.household.name.as_str()),
                (home, 2, "Ayda Khan & Sam Khan")
            );
            assert_eq!((practice.counts().await.clients, practice.counts().await.households), (2, 1));
        }
        practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)]).await;
        let row = practice.household_of("8").await;
        assert_eq!((row.household.id, row.people[0].id, row.people[1].id), (home, ayda, sam));
        assert!(row.household.diagnostics.is_empty());
    }
}

async fn linking_joins_somebody_whose_partner_the_crm_has(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[linked("8", "Sam Khan", "7", true)]).await;
    let sam = practice.household_of("8").await.household.id;
    let ayda = practice.make(client("", "Ayda Khan"), None).await.unwrap();
    let home = practice.store.client(ayda).await.unwrap().unwrap().household_id;
    practice.link(ayda, "7").await.unwrap();
    let row = practice.household_of("8").await;
    assert_eq!((row.household.id, row.people[0].id), (home, ayda));
    assert_eq!(practice.store.household(sam).await.unwrap(), Some(row));
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (2, 1));
}

async fn a_link_that_cannot_be_is_refused(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let known = practice.of("7").await.unwrap().id;
    let bo = practice.make(client("", "Bo Osei"), None).await.unwrap();
    let id = ExternalId("7".to_owned());
    assert_eq!(practice.link(bo, "7").await, Err(Refusal::IsTaken { id: id.clone(), client: known }));
    let connection: ConnectionName = "main".parse().unwrap();
    assert_eq!(practice.link(known, "9").await, Err(Refusal::IsLinked { connection: connection.clone(), id }));
    let partner = practice.make(client("", "Sam Khan"), Some(known)).await.unwrap();
    let north = "north".parse().unwrap();
    let elsewhere = practice.store.link_client(partner, north, ExternalId("7".to_owned()), now()).await.unwrap();
    assert_eq!(elsewhere, Err(Refusal::LivesElsewhere(connection)));
    practice.store.remove_client(bo, now()).await.unwrap().unwrap();
    assert_eq!(practice.link(bo, "9").await, Err(Refusal::Unknown(bo)));
    assert_eq!(practice.store.unlink_client(partner, now()).await.unwrap(), Err(Refusal::IsNotLinked));
}

/// What is written beside a link, the numbers of the book among it, would take the entry along.
async fn a_refused_link_is_no_act_that_was_done(on: On) {
    let practice = Practice::new(on).await;
    let nobody = ClientId(Uuid::now_v7());
    let act = Act::done(By::host("test"), "", "clients.link", Subject::new("client", nobody));
    let (refused, left) = scope::enter(act, practice.link(nobody, "7")).await;
    assert_eq!((refused, left.written), (Err(Refusal::Unknown(nobody)), None));
}

async fn the_same_id_of_two_sites_is_two_people(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let bo = practice.make(client("", "Bo Osei"), None).await.unwrap();
    let north: ConnectionName = "north".parse().unwrap();
    practice.store.link_client(bo, north, ExternalId("7".to_owned()), now()).await.unwrap().unwrap();
    assert_eq!(practice.of("7").await.unwrap().client.full_name(), "Ayda Khan");
    assert_eq!(practice.counts().await.clients, 2);
}

async fn a_link_is_taken_back(on: On) {
    let mut practice = Practice::new(on).await;
    let couple = [linked("7", "Ayda Khan", "8", false), linked("8", "Sam Khan", "7", true)];
    practice.clients(&couple).await;
    let before = practice.household_of("7").await;
    let ayda = before.people[0].id;
    practice.store.unlink_client(ayda, now()).await.unwrap().unwrap();
    let unlinked = practice.store.client(ayda).await.unwrap().unwrap();
    assert_eq!((unlinked.crm_id(), unlinked.household_id), (None, before.household.id));
    assert_eq!(practice.household_of("8").await.people.len(), 2);
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (2, 1));
    practice.link(ayda, "7").await.unwrap();
    practice.clients(&couple).await;
    let after = practice.household_of("7").await;
    assert_eq!(after.household, before.household);
    assert_eq!(
        after.people.iter().map(|p| p.id).collect::<Vec<_>>(),
        before.people.iter().map(|p| p.id).collect::<Vec<_>>()
    );
}
