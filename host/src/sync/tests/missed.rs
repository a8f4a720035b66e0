//! Rows that move while a walk reads them.

use super::*;

/// A walk during which people are taken out of the list once its first page was read, so that rows move up.
async fn walk_while_they_go(practice: &Practice, gone: &[u32]) -> RunCounts {
    let gate = practice.crm.gate.lock().await;
    let pages = practice.crm.pages.load(Ordering::Relaxed);
    let walking = practice.complete();
    let meanwhile = async {
        while practice.crm.pages.load(Ordering::Relaxed) < pages + 2 {
            tokio::task::yield_now().await;
        }
        practice.crm.people.lock().unwrap().retain(|(id, _)| !gone.contains(id));
        drop(gate);
    };
    tokio::join!(walking, meanwhile).0
}

#[tokio::test]
async fn who_is_missed_because_rows_moved_is_asked_for_and_nobody_is_gone_by_it() {
    let practice = Practice::new(&BOOK);
    practice.complete().await;
    // Both read before they go: 5 moves up to where the walk has been, with another name.
    practice.edit(5, "Eve Hill|6|partner");
    let counts = walk_while_they_go(&practice, &[1, 2]).await;
    assert_eq!((counts.missed, counts.seen, counts.changed, counts.unconfirmed), (1, 7, 1, 0), "{counts:?}");
    assert_eq!(practice.last_name("5").await, "Hill");
    assert!(counts.is_whole());
    // Who is gone is asked for too, and gone after two walks; nobody else is.
    assert_eq!((practice.complete().await.not_visible, practice.complete().await.not_visible), (0, 2));
    assert_eq!(practice.last_name("5").await, "Hill");
}

#[tokio::test]
async fn who_cannot_be_asked_for_is_not_gone() {
    let practice = Practice::new(&BOOK);
    practice.complete().await;
    practice.crm.people.lock().unwrap().retain(|(id, _)| *id != 2);
    practice.complete().await;
    practice.crm.fails_by_id.store(true, Ordering::Relaxed);
    let mut walk = practice.walk(practice.store.begin_run(new_run()).await.unwrap(), false);
    walk.go(None).await.unwrap();
    walk.run.state = RunState::Done;
    walk.finish_run().await.unwrap();
    let counts = walk.run.counts.clone();
    assert_eq!(counts.requests, practice.crm.traffic.totals().requests, "what was asked by id counts too");
    assert_eq!((counts.unconfirmed, counts.not_visible, counts.is_whole()), (1, 0, false));
    practice.crm.fails_by_id.store(false, Ordering::Relaxed);
    assert_eq!(practice.complete().await.not_visible, 1);
}
