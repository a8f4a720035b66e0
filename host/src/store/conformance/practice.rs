//! Clients who are made in the practice.

use super::*;
use crate::domain::ClientId;
use crate::domain::practice_client::{NewClient, Refusal};

on_each_engine![
    a_client_of_the_practice_is_in_the_book_and_not_linked,
    somebody_is_added_as_partner_and_the_crm_knows_better,
    a_client_of_the_practice_is_removed_and_comes_back,
    an_id_is_one_clients_and_of_nothing_else,
];

impl Practice {
    /// Makes a client of the practice.
    pub(super) async fn make(&self, client: Client, partner_of: Option<ClientId>) -> Result<ClientId, Refusal> {
        self.make_as(ClientId(Uuid::now_v7()), client, partner_of, [7; 32]).await
    }

    pub(super) async fn make_as(
        &self,
        id: ClientId,
        client: Client,
        partner_of: Option<ClientId>,
        digest: [u8; 32],
    ) -> Result<ClientId, Refusal> {
        let new = NewClient { id, client, partner_of, digest };
        self.store.make_client(new, None, now()).await.unwrap().map(|()| id)
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_760_000_000).unwrap()
}

async fn a_client_of_the_practice_is_in_the_book_and_not_linked(on: On) {
    let practice = Practice::new(on).await;
    let id = practice.make(with_email(client("", "Ayda Khan"), "ayda@example.com"), None).await.unwrap();
    let made = practice.store.client(id).await.unwrap().unwrap();
    assert_eq!((made.crm_id(), made.client.full_name().as_str()), (None, "Ayda Khan"));
    assert_eq!((made.origin.revision.of_pack(), made.origin.connection.is_practice()), (None, true));
    let row = practice.store.household(made.household_id).await.unwrap().unwrap();
    assert_eq!((row.household.name.as_str(), row.household.connection.is_practice()), ("Ayda Khan", true));
    for search in ["khan", "AYDA@example.com"] {
        let found =
            practice.store.households(HouseholdFilter::search(search.to_owned()), first(10)).await.unwrap().items;
        assert_eq!(found, std::slice::from_ref(&row), "{search}");
    }
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (1, 1));
}

async fn somebody_is_added_as_partner_and_the_crm_knows_better(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let ayda = practice.of("7").await.unwrap();
    let sam = practice.make(client("", "Sam Khan"), Some(ayda.id)).await.unwrap();
    let row = practice.household_of("7").await;
    assert_eq!((row.household.id, row.household.name.as_str()), (ayda.household_id, "Ayda Khan & Sam Khan"));
    assert!(row.household.diagnostics.is_empty(), "{:?}", row.household.diagnostics);
    assert_eq!(practice.make(client("", "Bo Osei"), Some(sam)).await, Err(Refusal::HasPartner(sam)));
    let nobody = ClientId(Uuid::now_v7());
    assert_eq!(practice.make(client("", "Bo Osei"), Some(nobody)).await, Err(Refusal::Unknown(nobody)));

    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Cy Osei", "7", true)]).await;
    assert_eq!(practice.household_of("7").await.household.name, "Ayda Khan & Cy Osei");
    let sam = practice.store.client(sam).await.unwrap().unwrap();
    let row = practice.store.household(sam.household_id).await.unwrap().unwrap();
    assert_eq!((row.people.len(), row.household.diagnostics[0].code.as_str()), (1, "partner-link-contested"));
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (3, 2));
}

async fn a_client_of_the_practice_is_removed_and_comes_back(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let ayda = practice.of("7").await.unwrap().id;
    let sam = practice.make(client("", "Sam Khan"), Some(ayda)).await.unwrap();
    let before = practice.household_of("7").await;
    for _ in 0..2 {
        practice.store.remove_client(sam, now()).await.unwrap().unwrap();
        assert_eq!(practice.household_of("7").await.people.len(), 1);
        assert_eq!((practice.counts().await.clients, practice.counts().await.households), (1, 1));
    }
    practice.store.restore_client(sam, now()).await.unwrap().unwrap();
    assert_eq!(practice.household_of("7").await, before);
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (2, 1));
    let refused = practice.store.remove_client(ayda, now()).await.unwrap();
    assert!(matches!(refused, Err(Refusal::IsLinked { .. })), "{refused:?}");
}

async fn an_id_is_one_clients_and_of_nothing_else(on: On) {
    let practice = Practice::new(on).await;
    let ayda = practice.make(client("", "Ayda Khan"), None).await.unwrap();
    for digest in [[7; 32], [8; 32]] {
        let again = practice.make_as(ayda, client("", "Ayda Khan"), None, digest).await;
        assert_eq!(again, Err(Refusal::IsMade { id: ayda, digest: Some([7; 32]) }), "what it was made of is kept");
    }
    let household = practice.store.client(ayda).await.unwrap().unwrap().household_id;
    for other in [household.0, practice.run.id.0] {
        let other = ClientId(other);
        let refused = practice.make_as(other, client("", "Sam Khan"), None, [9; 32]).await;
        assert_eq!(refused, Err(Refusal::IsTakenId(other)));
    }
    assert_eq!((practice.counts().await.clients, practice.counts().await.households), (1, 1));
}
