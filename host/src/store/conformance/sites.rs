//! Ids are bound to the site that gave them.

use super::connections::{by, connection};
use super::*;
use crate::store::connections::StoredConnection;
use crate::store::sites::{Conflict, KnownSite, Site};

on_each_engine![
    a_connection_is_bound_by_what_it_brought,
    a_site_is_of_the_connection_that_brought_its_records,
    a_store_of_before_is_bound_when_it_is_opened,
];

fn site(host: &str) -> Site {
    Site { crm: "a-crm".to_owned(), host: host.to_owned() }
}

fn name(name: &str) -> ConnectionName {
    name.parse().unwrap()
}

async fn a_connection_is_bound_by_what_it_brought(on: On) {
    let mut practice = Practice::new(on).await;
    let store = practice.store.clone();
    let bind = async |of: &str, host: &str| store.bind_site(name(of), site(host)).await.unwrap();

    // One that never ran may have had a mistyped host.
    assert_eq!(bind("south", "a.example").await, None);
    assert_eq!(bind("south", "b.example").await, None);
    assert_eq!(
        store.site(name("south")).await.unwrap(),
        Some(KnownSite { site: site("b.example"), same_as: None, apart: None })
    );

    // A walk that is under way is about to bring something.
    assert_eq!(bind("main", "a.example").await, None);
    assert_eq!(bind("main", "b.example").await, Some(Conflict::Other(site("a.example"))));
    practice.walk_to(Vec::new(), RunState::Failed, Trigger::Request).await;
    assert_eq!(store.other_site(name("main"), site("b.example")).await.unwrap(), None, "it brought nothing");
    practice.walk(&[client("7", "Alexandra Lee")]).await;
    assert_eq!(store.other_site(name("main"), site("b.example")).await.unwrap(), Some(site("a.example")));
    assert_eq!(bind("main", "b.example").await, Some(Conflict::Other(site("a.example"))));
    let other_crm = Site { crm: "another".to_owned(), ..site("a.example") };
    let bound = store.bind_site_at_opening(&name("main"), other_crm).unwrap();
    assert_eq!(bound, Some(Conflict::Other(site("a.example"))));
    assert_eq!(bind("main", "a.example").await, None);

    // Somebody says that it is the same under another name; the name of before is not its own any more.
    store.rename_site(name("main"), site("b.example"), by()).await.unwrap();
    assert_eq!(bind("main", "b.example").await, None);
    assert_eq!(bind("main", "a.example").await, Some(Conflict::Other(site("b.example"))));
    let known = store.site(name("main")).await.unwrap().unwrap();
    assert_eq!(known, KnownSite { site: site("b.example"), same_as: Some((site("a.example"), by())), apart: None });
}

async fn a_site_is_of_the_connection_that_brought_its_records(on: On) {
    let mut practice = Practice::new(on).await;
    let store = practice.store.clone();
    let bind = async |of: &str, host: &str| store.bind_site(name(of), site(host)).await.unwrap();
    let taken = || Some(Conflict::Taken(name("main")));

    // Nobody brought anything.
    assert_eq!((bind("north", "a.example").await, bind("east", "a.example").await), (None, None));
    assert_eq!(bind("main", "a.example").await, None);
    practice.walk(&[client("7", "Alexandra Lee")]).await;
    // Neither a new name, nor one that was bound before it brought anything.
    assert_eq!((bind("acme", "a.example").await, bind("east", "a.example").await), (taken(), taken()));
    assert_eq!(store.site(name("acme")).await.unwrap(), None);
    assert_eq!(bind("acme", "b.example").await, None, "another site");
    assert_eq!(bind("main", "a.example").await, None, "its own");
    // Somebody says that it is apart, which holds for this site.
    store.keep_site_apart(name("east"), site("a.example"), by()).await.unwrap();
    assert_eq!(bind("east", "a.example").await, None);
    assert_eq!(bind("east", "b.example").await, None, "it brought nothing");
    assert_eq!(bind("east", "a.example").await, taken());
    // Who brought the site's records before all this goes on.
    store.keep_site_apart(name("east"), site("a.example"), by()).await.unwrap();
    store.begin_run(new_run("east")).await.unwrap();
    assert_eq!((bind("east", "a.example").await, bind("main", "a.example").await), (None, None));
}

async fn a_store_of_before_is_bound_when_it_is_opened(on: On) {
    let place = on.place();
    let store = place.open();
    let stored = StoredConnection { removed_at: Some(by().at), ..connection("south", "a.example") };
    store.keep_connection(stored).await.unwrap();
    assert_eq!(store.site(name("south")).await.unwrap(), None);
    drop(store);
    let store = place.open();
    assert_eq!(store.site(name("south")).await.unwrap().map(|known| known.site), Some(site("a.example")));
    // A row that is there is never written over.
    store.bind_site(name("south"), site("b.example")).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.site(name("south")).await.unwrap().map(|known| known.site), Some(site("b.example")));
}
