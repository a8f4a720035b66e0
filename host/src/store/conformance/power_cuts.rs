//! Power cuts at any moment: each group that was answered is in the book whole, with its households, indexes and the
//! walk's position, and of the one that was under way all or nothing.

use super::*;
use crate::store::StoreError;
use crate::store::engine::lossy::Disk;

/// The number of cuts that are tried.
const CUTS: u64 = 12;

/// Couples that come with one group.
const COUPLES: u32 = 4;

/// The couples of the group of this number.
fn couples(group: u32) -> Vec<IncomingRecord> {
    let couple = |number: u32| {
        let (first, second) = (format!("{number}1"), format!("{number}2"));
        let who = linked(&first, &format!("Ayda Khan{number}"), &second, false);
        let partner = linked(&second, &format!("Bram Khan{number}"), &first, true);
        [mapped(&with_email(who, &format!("ayda{number}@example.com"))), mapped(&partner)]
    };
    (group * COUPLES + 1..=group * COUPLES + COUPLES).flat_map(couple).collect()
}

/// Opens what is on a disk.
fn open(disk: &Disk) -> Store {
    Store::open_on(Engine::open_on(disk.clone()).unwrap()).unwrap()
}

#[tokio::test]
async fn what_was_answered_is_in_the_book_after_a_cut() {
    for seed in 0..CUTS {
        let mut disk = Disk::new(seed);
        let store = open(&disk);
        let run = store.begin_run(new_run("main")).await.unwrap();
        let mut practice = Practice { store, place: On::Memory.place(), run, chunks: 0 };
        for cut in 1..=3 {
            disk.cut_after(10 + (seed as u32 * 37 + cut * 11) % 90);
            // At each cut a group is under way.
            while practice.chunks < 100 {
                let group = practice.group(RecordKind::Client, couples(practice.chunks));
                match practice.store.commit(group).await {
                    Ok(run) => practice.run = run,
                    Err(error) => {
                        assert!(matches!(error, StoreError::Broken(_)), "{error:?}");
                        break;
                    }
                }
                practice.chunks += 1;
            }
            disk = disk.after_the_cut();
            practice.store = open(&disk);
            let kept = u64::from(practice.chunks * COUPLES);
            let counts = practice.counts().await;
            assert!([kept, kept + u64::from(COUPLES)].contains(&counts.households), "{seed}: {kept} {counts:?}");
            assert_eq!(counts.clients, counts.households * 2, "seed {seed}");
            let chunks = counts.households as u32 / COUPLES;
            let interrupted = practice.store.interrupted("main".parse().unwrap()).await.unwrap();
            let (run, walked) = interrupted.map(|found| (found.run, found.position)).unwrap();
            assert_eq!(walked.map_or(0, |position| position.chunks + 1), chunks, "seed {seed}");
            for number in 1..=chunks * COUPLES {
                let household = practice.household_of(&format!("{number}1")).await;
                assert_eq!(household.household.members.len(), 2, "seed {seed}, couple {number}");
                let search = Some(format!("ayda{number}@example.com"));
                let found = practice.store.clients(ClientFilter { search, ..ClientFilter::default() }, first(10)).await;
                assert_eq!(found.unwrap().items.len(), 1, "seed {seed}, couple {number}");
            }
            (practice.run, practice.chunks) = (run, chunks);
        }
        assert!(practice.chunks > 0, "seed {seed}: nothing was ever answered");
    }
}
