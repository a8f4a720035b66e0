//! Clients of a CRM who look like one of the practice's own wait for a person.

use super::practice::now;
use super::*;
use crate::domain::review::{ReviewDecision, ReviewState};
use crate::store::review::{ReviewId, Undecided};

on_each_engine![
    a_lookalike_waits_until_somebody_decides,
    a_decision_that_is_refused_leaves_all_as_it_was,
    a_lookalike_is_linked_and_let_go,
    the_queue_is_paged
];

/// A practice that has made Ayda, at whose CRM two people have her address.
async fn lookalikes(on: On) -> (Practice, crate::domain::ClientId) {
    let mut practice = Practice::new(on).await;
    let ayda = practice.make(with_email(client("", "Ayda Khan"), "ayda@example.com"), None).await.unwrap();
    walk(&mut practice).await;
    (practice, ayda)
}

async fn walk(practice: &mut Practice) {
    let same = |id: &str| with_email(client(id, "Ayda Khan"), "ayda@example.com");
    practice.walk(&[same("7"), same("8"), client("9", "Bo Osei")]).await;
}

async fn queue(practice: &Practice, state: ReviewState) -> Vec<(ReviewId, String)> {
    let rows = practice.store.reviews(state, first(10)).await.unwrap().items;
    rows.into_iter().map(|(id, review)| (id, review.client.external_id.to_string())).collect()
}

async fn a_lookalike_waits_until_somebody_decides(on: On) {
    let (mut practice, ayda) = lookalikes(on).await;
    let waiting = queue(&practice, ReviewState::Waiting).await;
    assert_eq!(waiting.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["7", "8"]);
    assert_eq!((practice.store.waiting_reviews().await.unwrap(), practice.counts().await.clients), (2, 2));
    let review = practice.store.review(waiting[0].0).await.unwrap().unwrap();
    assert_eq!((review.state, review.lookalikes[0].client_id), (ReviewState::Waiting, ayda));
    let main: ConnectionName = "main".parse().unwrap();
    let held = practice.store.held_with("khan ayda".to_owned(), 1).await.unwrap();
    assert_eq!(held, [(main, ExternalId("7".to_owned()))]);
    assert_eq!(practice.store.held_with("osei".to_owned(), 9).await.unwrap(), [], "who is in the book");

    let decide = async |practice: &Practice, id, decision| {
        practice.store.decide_review(id, decision, now()).await.unwrap().map(|review| review.state)
    };
    let [seven, eight] = [waiting[0].0, waiting[1].0];
    assert_eq!(decide(&practice, seven, ReviewDecision::Import).await, Ok(ReviewState::Imported));
    assert_eq!(decide(&practice, eight, ReviewDecision::Ignore).await, Ok(ReviewState::Ignored));
    assert_eq!(practice.store.waiting_reviews().await.unwrap(), 0);
    let nobody = "ff".repeat(18).parse().unwrap();
    assert_eq!(decide(&practice, nobody, ReviewDecision::Ignore).await, Err(Undecided::Unknown));
    assert_eq!(practice.store.review(nobody).await.unwrap(), None);
    walk(&mut practice).await;
    assert!(practice.of("7").await.is_some() && practice.of("8").await.is_none());
    // Each decision is taken back.
    for (id, client) in [(seven, "7"), (eight, "8")] {
        assert_eq!(decide(&practice, id, ReviewDecision::Wait).await, Ok(ReviewState::Waiting));
        assert!(practice.of(client).await.is_none());
    }
    assert_eq!(queue(&practice, ReviewState::Waiting).await, waiting);
}

async fn a_decision_that_is_refused_leaves_all_as_it_was(on: On) {
    let (mut practice, ayda) = lookalikes(on).await;
    let seven = queue(&practice, ReviewState::Waiting).await[0].0;
    practice.store.decide_review(seven, ReviewDecision::Import, now()).await.unwrap().unwrap();
    walk(&mut practice).await;
    let other = ExternalId("77".to_owned());
    practice.store.link_client(ayda, "main".parse().unwrap(), other, now()).await.unwrap().unwrap();
    let before = (practice.of("7").await.unwrap(), practice.counts().await);
    let refused = practice.store.decide_review(seven, ReviewDecision::Link(ayda), now()).await.unwrap();
    assert!(matches!(refused, Err(Undecided::Refused(_))), "{refused:?}");
    assert_eq!((practice.of("7").await.unwrap(), practice.counts().await), before);
    assert_eq!(practice.store.review(seven).await.unwrap().unwrap().state, ReviewState::Imported);
}

async fn a_lookalike_is_linked_and_let_go(on: On) {
    let (practice, ayda) = lookalikes(on).await;
    let waiting = queue(&practice, ReviewState::Waiting).await;
    let decide = async |decision| practice.store.decide_review(waiting[0].0, decision, now()).await.unwrap();
    let linked = decide(ReviewDecision::Link(ayda)).await.unwrap();
    assert_eq!((linked.state, linked.linked_to), (ReviewState::Linked, Some(ayda)));
    assert_eq!(practice.of("7").await.map(|client| client.id), Some(ayda));
    assert_eq!(decide(ReviewDecision::Ignore).await, Err(Undecided::IsLinked));
    assert_eq!(decide(ReviewDecision::Wait).await.unwrap().state, ReviewState::Waiting);
    assert_eq!(practice.store.client(ayda).await.unwrap().unwrap().crm_id(), None);
}

async fn the_queue_is_paged(on: On) {
    let (practice, _) = lookalikes(on).await;
    let page = practice.store.reviews(ReviewState::Waiting, first(1)).await.unwrap();
    let rest = PageRequest { cursor: page.next, limit: 1 };
    let rest = practice.store.reviews(ReviewState::Waiting, rest).await.unwrap();
    assert_eq!((page.items[0].1.external_id().as_str(), rest.items[0].1.external_id().as_str()), ("7", "8"));
    assert_eq!(rest.next, None);
    let odd = PageRequest { cursor: Some("here".to_owned()), limit: 1 };
    let refused = practice.store.reviews(ReviewState::Waiting, odd).await;
    assert!(matches!(refused, Err(crate::store::StoreError::BadCursor)));
}
