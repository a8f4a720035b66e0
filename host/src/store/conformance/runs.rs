//! Runs, and where an interrupted walk goes on.

use super::*;

on_each_engine![
    a_run_is_unfinished_until_it_is_finished,
    a_walk_goes_on_where_its_last_group_was_committed,
    a_run_knows_what_the_last_complete_walk_saw,
    runs_are_listed_newest_first,
    everything_is_there_after_opening_again,
];

async fn a_walk_goes_on_where_its_last_group_was_committed(on: On) {
    let mut practice = Practice::new(on).await;
    let main: ConnectionName = "main".parse().unwrap();
    let begun = practice.store.interrupted(main.clone()).await.unwrap().unwrap();
    assert_eq!((begun.run.id, begun.position), (practice.run.id, None));

    practice.clients(&[client("7", "Ayda Khan")]).await;
    practice.clients(&[client("8", "Sam Khan")]).await;
    let interrupted = practice.store.interrupted(main.clone()).await.unwrap().unwrap();
    assert_eq!(interrupted.position, Some(position(1)));
    let mut seen = Seen::of_chunks(interrupted.seen);
    assert!(seen.note(&ExternalId("7".to_owned())) && seen.pack().1 == 1);

    practice.run.state = RunState::Done;
    practice.run = practice.store.finish_run(practice.run.clone(), Threshold::default()).await.unwrap();
    assert_eq!(practice.store.interrupted(main).await.unwrap(), None);
    assert_eq!(practice.store.run(practice.run.id).await.unwrap(), Some(practice.run.clone()));
}

async fn a_run_knows_what_the_last_complete_walk_saw(on: On) {
    let mut practice = Practice::new(on).await;
    assert_eq!(practice.run.expected, None);
    for (state, seen, expected) in
        [(RunState::Done, 4, Some(4)), (RunState::Failed, 1, Some(4)), (RunState::Done, 5, Some(5))]
    {
        practice.run.state = state;
        practice.run.counts.seen = seen;
        practice.store.finish_run(practice.run.clone(), Threshold::default()).await.unwrap();
        practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
        assert_eq!(practice.run.expected, expected);
    }
}

async fn runs_are_listed_newest_first(on: On) {
    let practice = Practice::new(on).await;
    let mut ids = vec![practice.run.id];
    for connection in ["north", "main", "main"] {
        ids.insert(0, practice.store.begin_run(new_run(connection)).await.unwrap().id);
    }
    let list = async |of: Option<&str>, cursor: Option<String>, limit: usize| {
        let of = of.map(|name| name.parse().unwrap());
        let page = practice.store.runs(of, PageRequest { cursor, limit }).await.unwrap();
        (page.items.iter().map(|run| run.id).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(list(None, None, 10).await, (ids.clone(), None));
    assert_eq!(list(Some("main"), None, 10).await.0, [ids[0], ids[1], ids[3]]);
    assert_eq!(list(Some("south"), None, 10).await, (vec![], None));
    let (begin, next) = list(None, None, 2).await;
    assert_eq!(begin, ids[..2]);
    assert_eq!(list(None, next, 10).await, (ids[2..].to_vec(), None));
    let odd = PageRequest { cursor: Some("here".to_owned()), limit: 2 };
    assert!(matches!(practice.store.runs(None, odd).await, Err(crate::store::StoreError::BadCursor)));
}

async fn everything_is_there_after_opening_again(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    let before = practice.of("7").await;
    let Practice { store, place, run, chunks } = practice;
    drop(store);
    let practice = Practice { store: place.open(), place, run, chunks };
    assert_eq!(practice.of("7").await, before);
}

async fn a_run_is_unfinished_until_it_is_finished(on: On) {
    let practice = Practice::new(on).await;
    let north = practice.store.begin_run(new_run("north")).await.unwrap();
    let ids = async || {
        let mut ids: Vec<RunId> = practice.store.unfinished_runs().await.unwrap().iter().map(|run| run.id).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids().await, [practice.run.id, north.id]);
    let begun = Run { counts: RunCounts { seen: 3, ..RunCounts::default() }, ..practice.run.clone() };
    practice.store.keep_run(begun.clone()).await.unwrap();
    assert_eq!(practice.store.run(begun.id).await.unwrap(), Some(begun.clone()));
    practice.store.finish_run(Run { state: RunState::Failed, ..begun }, THRESHOLD).await.unwrap();
    assert_eq!(ids().await, [north.id]);
}
