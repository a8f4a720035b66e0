//! Revisions of packs by their short ids.

use super::*;
use crate::domain::RevisionDigest;

on_each_engine![a_short_id_stands_for_one_revision,];

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
