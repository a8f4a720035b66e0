//! Rows about connections: their settings, and what their sites said.

use std::collections::BTreeMap;

use super::*;
use crate::store::connections::{By, Sealed, StoredAuthorisation, StoredConnection, StoredSignIn};

on_each_engine![connections_are_kept_by_their_names, what_a_site_said_is_kept_and_forgotten];

fn name(name: &str) -> ConnectionName {
    name.parse().unwrap()
}

pub(super) fn by() -> By {
    By { who: "Pat Lee".to_owned(), at: Timestamp::from_second(7).unwrap() }
}

/// A connection that a person made, and that does not run.
pub(super) fn connection(of: &str, host: &str) -> StoredConnection {
    StoredConnection {
        name: name(of),
        title: of.to_uppercase(),
        crm: "a-crm".to_owned(),
        dialect: "plain".to_owned(),
        pack: "a-pack".to_owned(),
        forward_host: host.to_owned(),
        insecure_http: false,
        schedule: "0 0 * * * *".to_owned(),
        enabled: false,
        auth: StoredSignIn {
            mode: "basic".to_owned(),
            values: BTreeMap::from([("username".to_owned(), "svc".to_owned())]),
            secrets: BTreeMap::from([("password".to_owned(), Sealed(Vec::new()))]),
        },
        settings: BTreeMap::new(),
        preflight: None,
        made: by(),
        removed_at: None,
    }
}

async fn connections_are_kept_by_their_names(on: On) {
    let place = on.place();
    let store = place.open();
    assert_eq!(store.stored_connections().await.unwrap(), []);
    let (south, north) = (connection("south", "a.example"), connection("north", "b.example"));
    for kept in [&south, &north] {
        store.keep_connection(kept.clone()).await.unwrap();
    }
    assert_eq!(store.stored_connections().await.unwrap(), [north.clone(), south.clone()]);
    let removed = StoredConnection { removed_at: Some(by().at), ..south };
    store.keep_connection(removed.clone()).await.unwrap();
    drop(store);
    assert_eq!(place.open().stored_connections().await.unwrap(), [north, removed]);
}

async fn what_a_site_said_is_kept_and_forgotten(on: On) {
    let place = on.place();
    let store = place.open();
    let (main, other) = (|| name("main"), || name("mains"));

    store.keep_preflight(main(), by()).await.unwrap();
    assert_eq!((store.preflight(main()).await.unwrap(), store.preflight(other()).await.unwrap()), (Some(by()), None));

    assert_eq!(store.sizes(main()).await.unwrap(), [0; 0]);
    for sizes in [&b"7"[..], b"7", b"", b"12"] {
        store.keep_sizes(main(), sizes.to_vec()).await.unwrap();
        assert_eq!(store.sizes(main()).await.unwrap(), sizes);
    }
    assert_eq!(store.sizes(other()).await.unwrap(), [0; 0]);

    for until in [Some(by().at), Some(Timestamp::from_second(-5).unwrap()), None] {
        store.keep_left_alone(main(), until).await.unwrap();
        assert_eq!(store.left_alone_until(main()).await.unwrap(), until);
    }

    let site = "a.example".to_owned();
    let granted = StoredAuthorisation { tokens: Sealed(vec![1, 2]), granted: by(), site, refused: None };
    let refused = StoredAuthorisation { refused: Some((by().at, "no".to_owned())), ..granted.clone() };
    for kept in [Some(granted), Some(refused), None] {
        store.keep_authorisation(main(), kept.clone()).await.unwrap();
        assert_eq!(store.authorisation(main()).await.unwrap(), kept);
    }
}
