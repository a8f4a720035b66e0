//! What was taken in from the watched folder.

use super::*;
use crate::domain::RevisionDigest;
use crate::store::taken_in::{Activation, TakenIn};

on_each_engine![what_was_taken_in_is_known_by_connection_and_name, only_the_newest_are_kept];

fn row(second: i64, activation: Activation) -> TakenIn {
    TakenIn {
        content: format!("{second:064x}"),
        revision: RevisionDigest([7; 32]),
        at: Timestamp::from_second(second).unwrap(),
        activation,
    }
}

async fn what_was_taken_in_is_known_by_connection_and_name(on: On) {
    let place = on.place();
    let store = place.open();
    let [main, other]: [ConnectionName; 2] = ["main", "main-2"].map(|name| name.parse().unwrap());
    assert_eq!(store.taken_in(main.clone()).await.unwrap(), []);
    let keep = async |of: &ConnectionName, name: &str, row: TakenIn| {
        store.keep_taken_in(of.clone(), name.to_owned(), row).await.unwrap();
    };
    let left = row(3, Activation::Left("57 of 400 clients would change".to_owned()));
    keep(&main, "acme-au", row(1, Activation::Pending)).await;
    keep(&other, "acme-au", row(2, Activation::NotAsked)).await;
    keep(&main, "b.tar.gz", left.clone()).await;
    keep(&main, "acme-au", row(4, Activation::Done)).await;
    drop(store);
    let store = place.open();
    let known = store.taken_in(main).await.unwrap();
    assert_eq!(known, [("acme-au".to_owned(), row(4, Activation::Done)), ("b.tar.gz".to_owned(), left)]);
    assert_eq!(store.taken_in(other).await.unwrap(), [("acme-au".to_owned(), row(2, Activation::NotAsked))]);
}

async fn only_the_newest_are_kept(on: On) {
    let place = on.place();
    let store = place.open();
    let main: ConnectionName = "main".parse().unwrap();
    for second in 0..205 {
        let row = row(second, Activation::NotAsked);
        store.keep_taken_in(main.clone(), format!("{second}.tar"), row).await.unwrap();
    }
    let known = store.taken_in(main).await.unwrap();
    let oldest = known.iter().map(|(_, row)| row.at.as_second()).min();
    assert_eq!((known.len(), oldest), (200, Some(5)));
}
