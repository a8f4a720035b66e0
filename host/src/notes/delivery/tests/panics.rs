//! Faults of the host's own while a note is sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::*;

/// Panics at a place, so many times.
fn panicking_at(place: &'static str, times: usize) -> Box<dyn Fn(&'static str) -> bool + Send + Sync> {
    let left = AtomicUsize::new(times);
    Box::new(move |reached: &'static str| {
        let panics = reached == place
            && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        assert!(!panics, "a test's own");
        false
    })
}

#[tokio::test]
async fn a_note_whose_sending_panics_is_taken_up_at_once_and_is_there_once() {
    for place in ["before-create", "after-create", "before-look-up"] {
        let rig = Rig::new(PASSWORD).await;
        // Before the look-up, the create has to have had no answer.
        if place == "before-look-up" {
            rig.faults(1, &["cut_after:times=1,method=POST"]);
        }
        rig.accept(rig.clients[0], 1, "First").await;
        rig.accept(rig.clients[1], 2, "Second").await;
        let begun = Instant::now();
        let running = rig.start_dying(panicking_at(place, 1));
        rig.until_all(NoteState::Done).await;
        let mut subjects = rig.subjects_in_crm();
        subjects.sort();
        assert_eq!(subjects, ["First", "Second"], "{place}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{place}: {:?}", begun.elapsed());
        assert!(!running.is_finished(), "the delivery of the other notes goes on");
        running.abort();
    }
}

#[tokio::test]
async fn a_note_whose_sending_panics_again_and_again_waits_longer_and_says_why() {
    let rig = Rig::new(PASSWORD).await;
    rig.accept(rig.clients[0], 1, "First").await;
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reached);
    let always = panicking_at("before-create", usize::MAX);
    let look_ups = panicking_at("before-look-up", usize::MAX);
    let running = rig.start_dying(Box::new(move |place| {
        counted.fetch_add(1, Ordering::Relaxed);
        always(place) || look_ups(place)
    }));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let note = rig.all().await.remove(0);
    assert_eq!(note.state, NoteState::Waiting);
    assert!(note.reason.as_deref().is_some_and(|reason| reason.contains("a fault in Tidegate")), "{:?}", note.reason);
    assert!((2..4).contains(&reached.load(Ordering::Relaxed)), "{reached:?} tries in two seconds");
    running.abort();
}
