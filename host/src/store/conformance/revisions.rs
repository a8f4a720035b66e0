//! Revisions of packs by their short ids.

use super::*;
use crate::domain::RevisionDigest;
use crate::domain::trial::{Trial, Trip};
use crate::store::connections::By;
use crate::store::revisions::{HistoryEntry, Why};

on_each_engine![
    a_short_id_stands_for_one_revision,
    a_connection_knows_what_was_in_force,
    what_is_staged_is_not_in_force,
    a_trial_ends_with_the_revision_that_is_on_it,
];

async fn a_short_id_stands_for_one_revision(on: On) {
    let place = on.place();
    let store = place.open();
    let check = async |digest: [u8; 32], expected| {
        assert_eq!(store.keep_revision(RevisionDigest(digest)).await.unwrap(), expected, "{digest:?}");
    };
    let mut digest = [7; 32];
    check(digest, true).await;
    check(digest, true).await;
    // Equal in its first 48 bits.
    digest[6] = 8;
    check(digest, false).await;
    digest[5] = 8;
    check(digest, true).await;
}

async fn a_connection_knows_what_was_in_force(on: On) {
    let place = on.place();
    let store = place.open();
    let (main, second): (ConnectionName, ConnectionName) = ("main".parse().unwrap(), "main-2".parse().unwrap());
    let activation = |number: u8, why| HistoryEntry {
        digest: RevisionDigest([number; 32]),
        pack: "acme-au".to_owned(),
        version: format!("0.{number}.0"),
        by: By { who: "Pat Lee".to_owned(), at: Timestamp::from_second(i64::from(number)).unwrap() },
        why,
        trial: None,
        taken_back: None,
        trip: None,
    };
    assert_eq!(store.active(main.clone()).await.unwrap(), None);
    let all = [
        activation(1, Why::First),
        activation(2, Why::Activated),
        activation(1, Why::RolledBack),
        activation(3, Why::Activated),
    ];
    for activation in &all {
        store.keep_in_history(main.clone(), activation.clone()).await.unwrap();
    }
    store.keep_in_history(second.clone(), activation(9, Why::First)).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.active(main.clone()).await.unwrap().as_ref(), all.last());
    assert_eq!(store.active_at_opening(&second).unwrap(), Some(activation(9, Why::First)));
    let page = async |cursor: Option<String>| {
        let page = store.revision_history(main.clone(), PageRequest { cursor, limit: 3 }).await.unwrap();
        (page.items.iter().map(|one| one.digest.0[0]).collect::<Vec<_>>(), page.next)
    };
    let (newest, next) = page(None).await;
    assert_eq!((newest, next.is_some()), (vec![3, 1, 2], true));
    assert_eq!(page(next.clone()).await, (vec![1], None));
    for (of, cursor) in [(&main, Some("2".to_owned())), (&second, next)] {
        let refused = store.revision_history(of.clone(), PageRequest { cursor, limit: 3 }).await;
        assert!(matches!(refused, Err(crate::store::StoreError::BadCursor)), "{refused:?}");
    }
}

async fn what_is_staged_is_not_in_force(on: On) {
    let place = on.place();
    let store = place.open();
    let main: ConnectionName = "main".parse().unwrap();
    let entry = |number: u8, why| HistoryEntry {
        digest: RevisionDigest([number; 32]),
        pack: "acme-au".to_owned(),
        version: "0.1.0".to_owned(),
        by: By { who: "Pat Lee".to_owned(), at: Timestamp::UNIX_EPOCH },
        why,
        trial: None,
        taken_back: None,
        trip: None,
    };
    store.keep_in_history(main.clone(), entry(1, Why::Staged)).await.unwrap();
    assert_eq!(store.active(main.clone()).await.unwrap(), None);
    for (number, why) in [(2, Why::First), (3, Why::Staged), (2, Why::Staged)] {
        store.keep_in_history(main.clone(), entry(number, why)).await.unwrap();
    }
    assert_eq!(store.active(main.clone()).await.unwrap(), Some(entry(2, Why::First)));
    assert_eq!(store.active_at_opening(&main).unwrap(), Some(entry(2, Why::First)));
    let discard = async |number: u8| store.discard_staged(main.clone(), RevisionDigest([number; 32])).await.unwrap();
    assert!(discard(3).await && !discard(3).await && !discard(9).await);
    // What was in force stays in the history, whatever was staged of it.
    assert!(discard(2).await && !discard(2).await);
    let page = store.revision_history(main.clone(), PageRequest { cursor: None, limit: 9 }).await.unwrap();
    assert_eq!(page.items, [entry(2, Why::First), entry(1, Why::Staged)]);
}

async fn a_trial_ends_with_the_revision_that_is_on_it(on: On) {
    let place = on.place();
    let store = place.open();
    let main: ConnectionName = "main".parse().unwrap();
    let [first, second, third] = [1, 2, 3].map(|number| RevisionDigest([number; 32]));
    let trial = Trial { before: Some(first), promised: [(RecordKind::Client, 3)].into() };
    let entry = |digest, why, trial| HistoryEntry {
        digest,
        pack: "acme-au".to_owned(),
        version: "0.1.0".to_owned(),
        by: By { who: "Pat Lee".to_owned(), at: Timestamp::UNIX_EPOCH },
        why,
        trial,
        taken_back: None,
        trip: None,
    };
    store.keep_in_history(main.clone(), entry(first, Why::First, None)).await.unwrap();
    let on_trial = entry(second, Why::Activated, Some(trial.clone()));
    store.keep_in_history(main.clone(), on_trial.clone()).await.unwrap();
    store.keep_in_history(main.clone(), entry(third, Why::Staged, None)).await.unwrap();
    drop(store);
    let store = place.open();
    let active = async || store.active(main.clone()).await.unwrap().unwrap();
    assert_eq!(active().await, on_trial);
    let trip = Trip { kind: RecordKind::Client, tried: 9, rejected: 7, failed: 7, promised: 3 };
    // That of another revision is none of its.
    store.end_trial(main.clone(), first, Some(trip)).await.unwrap();
    assert_eq!(active().await, on_trial);
    store.end_trial(main.clone(), second, Some(trip)).await.unwrap();
    let over = HistoryEntry { trial: None, trip: Some(trip), ..on_trial };
    assert_eq!(active().await, over);
    // What was found stays, whoever ends it once more.
    store.end_trial(main.clone(), second, None).await.unwrap();
    assert_eq!(active().await, over);
    let page = store.revision_history(main.clone(), PageRequest { cursor: None, limit: 9 }).await.unwrap();
    assert_eq!(page.items, [entry(third, Why::Staged, None), over, entry(first, Why::First, None)]);
}
