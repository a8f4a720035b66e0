//! Hundreds of deaths at every edge: each event ends as one note with exactly its documents, in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::seq::IndexedRandom as _;
use tokio::sync::mpsc;

use super::*;
use crate::notes::failpoint::PLACES;

/// The number of times that the process dies.
const KILLS: usize = 460;
/// Clients, each with a lane of its own.
const CLIENTS: usize = 8;
/// Notes that are open at a time, about.
const OPEN: usize = 16;

/// Lets the process die at a place when it comes there for the n-th time; tells when it has.
fn dying_at(
    place: &'static str,
    times: usize,
) -> (Box<dyn Fn(&'static str) -> bool + Send + Sync>, mpsc::Receiver<()>) {
    let (died, told) = mpsc::channel(1);
    let left = AtomicUsize::new(times);
    let hook = move |reached: &'static str| {
        let dies = reached == place && left.fetch_sub(1, Ordering::Relaxed) == 1;
        if dies {
            let _ = died.try_send(());
        }
        dies
    };
    (Box::new(hook), told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_note_once_with_its_documents_through_hundreds_of_deaths() {
    let mut rig = Rig::new(PASSWORD).await;
    rig.doubt = SignedDuration::from_millis(50);
    rig.faults(
        11,
        &[
            "cut_before:chance=0.05,method=POST",
            "cut_after:chance=0.15,method=POST",
            "cut_late:chance=0.05,ms=10,method=POST",
            "cut_body:chance=0.1,method=POST",
            "attachment_error:chance=0.05",
        ],
    );
    let mut expected: BTreeMap<u32, Vec<(String, Vec<String>)>> = BTreeMap::new();
    let mut accepted = 0;
    let mut deaths: BTreeMap<&str, usize> = BTreeMap::new();
    // `rendered` and `accepted` lie before the outbox; the end-to-end test dies there.
    let places = &PLACES[2..];
    while deaths.values().sum::<usize>() < KILLS {
        let open = rig.open().await;
        for _ in open..OPEN {
            let client = rig.clients[accepted % CLIENTS];
            let documents: Vec<String> = (0..accepted % 3).map(|number| format!("{accepted}-{number}.pdf")).collect();
            let subject = format!("Note {accepted}");
            rig.accept_with(client, &subject, &documents).await;
            expected.entry(client).or_default().push((subject, documents));
            accepted += 1;
        }
        let place = *places.choose(&mut rand::rng()).unwrap();
        let (hook, mut died) = dying_at(place, rand::random_range(1..4));
        let running = rig.start_dying(hook);
        let is_dead = tokio::time::timeout(Duration::from_millis(120), died.recv()).await.is_ok();
        running.abort();
        let _ = running.await;
        *deaths.entry(if is_dead { place } else { "at random" }).or_default() += 1;
    }
    rig.faults(0, &[]);
    let running = rig.start();
    rig.until_quiet().await;
    running.abort();
    let mut arrived: BTreeMap<u32, Vec<(String, Vec<String>)>> = BTreeMap::new();
    for note in rig.sandbox.admin().notes() {
        let documents = note.attachments.into_iter().map(|one| one.filename).collect();
        arrived.entry(note.entity_ids[0]).or_default().push((note.subject, documents));
    }
    assert_eq!(arrived, expected, "{deaths:?}");
    assert!(places.iter().all(|place| deaths.contains_key(place)), "{deaths:?}");
    println!("{accepted} notes, {deaths:?}");
}
