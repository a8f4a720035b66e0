//! A disk that is full, and a file that cannot be used any more.

use super::connections::{by, connection};
use super::*;
use crate::config::Storage;
use crate::store::StoreError;
use crate::store::space::Level;

on_each_engine![a_store_that_broke_says_so];

async fn a_store_that_broke_says_so(on: On) {
    let place = on.place();
    let store = place.open();
    assert_eq!((store.broken(), store.space().level()), (None, Level::Enough));
    let waiting = store.clone();
    let waiting = tokio::spawn(async move { waiting.until_broken().await });
    let broken = |why: &str| StoreError::Broken(why.into());
    for why in ["the disk is gone", "and so is the lock"] {
        let failed = store.read(move |_| Err::<(), _>(broken(why))).await;
        assert!(matches!(failed, Err(StoreError::Broken(_))));
        assert_eq!(store.broken().as_deref(), Some("the disk is gone"), "the first reason is kept");
    }
    assert_eq!(waiting.await.unwrap(), "the disk is gone");
}

#[tokio::test]
async fn what_is_new_is_refused_on_a_disk_that_is_nearly_full() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage { warn_below: u64::MAX, refuse_below: u64::MAX, reserve: 0 };
    let store = Store::open_sparing(folder.path(), storage).unwrap();
    let refused = store.keep_connection(connection("main", "a.example")).await;
    assert!(matches!(refused, Err(StoreError::NoSpace { .. })));
    assert_eq!(store.stored_connections().await.unwrap(), []);
    // What takes a note's or a token's place is kept in any case.
    store.keep_authorisation(by().who.to_lowercase().replace(' ', "-").parse().unwrap(), None).await.unwrap();
}
