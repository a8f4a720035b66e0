//! One client is synced by themself, at once.

use super::*;

#[tokio::test]
async fn one_client_comes_over_by_itself() {
    let practice = Practice::new(&BOOK);
    assert_eq!(practice.one("2").await, ClientSyncOutcome::Created);
    assert_eq!(practice.one("2").await, ClientSyncOutcome::Unchanged);
    practice.edit(2, "Bo Hill");
    assert_eq!(practice.one("2").await, ClientSyncOutcome::Changed);
    assert_eq!(practice.one("3").await, ClientSyncOutcome::LeftOut);
    assert_eq!(practice.one("4").await, ClientSyncOutcome::Quarantined);
    assert_eq!(practice.one("99").await, ClientSyncOutcome::NotVisible);
    assert_eq!(practice.crm.traffic.totals().requests, 6, "one request each");
    let main = || "main".parse().unwrap();
    assert!(practice.store.interrupted(main()).await.unwrap().is_none(), "it is no walk");
    let newest = PageRequest { cursor: None, limit: 9 };
    assert!(practice.store.runs(Some(main()), newest).await.unwrap().items.is_empty(), "and none of the walks");
    // The walk after it finds the rest new and this one as it is.
    let counts = practice.complete().await;
    assert_eq!((counts.created, counts.unchanged), (5, 3));
    let walked = Practice::new(&BOOK);
    walked.edit(2, "Bo Hill");
    walked.complete().await;
    assert_eq!(practice.book().await, walked.book().await);
}

#[tokio::test]
async fn a_client_that_the_crm_hides_stays_as_it_was() {
    let practice = Practice::new(&BOOK);
    practice.complete().await;
    let book = practice.book().await;
    practice.crm.people.lock().unwrap().retain(|(id, _)| *id != 2);
    assert_eq!(practice.one("2").await, ClientSyncOutcome::NotVisible);
    assert_eq!(practice.book().await, book);
}

#[tokio::test]
async fn an_older_reading_of_a_walk_gives_way() {
    let practice = Practice::new(&BOOK);
    let gate = practice.crm.gate.lock().await;
    let run = practice.store.begin_run(new_run()).await.unwrap();
    let mut walk = practice.walk(run, false);
    let walking = async {
        walk.go(None).await.unwrap();
        walk.run.counts.clone()
    };
    let meanwhile = async {
        // The first page of clients was read, and waits at the gate with the old name.
        while practice.crm.pages.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
        practice.edit(1, "Ayda Rossi|8");
        let outcome = practice.one("1").await;
        drop(gate);
        outcome
    };
    let (counts, outcome) = tokio::join!(walking, meanwhile);
    assert_eq!(outcome, ClientSyncOutcome::Created);
    assert_eq!(practice.last_name("1").await, "Rossi", "the walk's older reading does not undo it");
    assert_eq!(counts.seen, 8);
    assert_eq!(practice.book().await.iter().filter(|line| line.contains("Rossi")).count(), 2, "person and household");
}
