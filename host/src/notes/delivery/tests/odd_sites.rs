//! Sites that keep notes and documents otherwise than they were sent, list them late, or refuse for a moment.

use super::*;
use crate::notes::MARKER;

impl Rig {
    fn habits(&self, habits: NoteHabits) {
        self.sandbox.admin().set_note_habits(habits);
    }

    fn documents_in_crm(&self) -> Vec<String> {
        let notes = self.sandbox.admin().notes().into_iter();
        notes.flat_map(|note| note.attachments).map(|document| document.filename).collect()
    }
}

#[tokio::test]
async fn a_note_is_found_whatever_the_site_makes_of_its_subject_and_however_late_it_lists_it() {
    let habits = [
        NoteHabits { escapes_subjects: true, ..NoteHabits::default() },
        NoteHabits { longest_subject: Some(8), ..NoteHabits::default() },
        NoteHabits { page_cap: Some(1), ..NoteHabits::default() },
        NoteHabits { lag_ms: 700, ..NoteHabits::default() },
        NoteHabits { dresses_markers: true, ..NoteHabits::default() },
        NoteHabits { text_ids: true, ..NoteHabits::default() },
        NoteHabits { unpaged: true, ..NoteHabits::default() },
    ];
    for habits in habits {
        let mut rig = Rig::new(PASSWORD).await;
        rig.doubt = SignedDuration::from_millis(1500);
        rig.habits(habits.clone());
        rig.accept(rig.clients[0], 1, "An earlier one").await;
        let running = rig.start();
        rig.until_quiet().await;
        rig.faults(1, &["cut_after:times=1,on=docnote,method=POST"]);
        let id = rig.accept(rig.clients[0], 1, "O'Brien & Lee review").await;
        // Delivery of its own is woken at the end of a call only.
        running.abort();
        let running = rig.start();
        rig.until_stage(id, Stage::Done).await;
        assert_eq!(rig.subjects_in_crm().len(), 2, "{habits:?}: {:?}", rig.subjects_in_crm());
        running.abort();
    }
}

#[tokio::test]
async fn a_site_that_keeps_no_markers_or_gives_its_own_leaves_the_note_to_a_person() {
    let no_markers = NoteHabits { drops_markers: true, ..NoteHabits::default() };
    let own_markers = NoteHabits { own_markers: true, ..NoteHabits::default() };
    for habits in [no_markers, own_markers] {
        let rig = Rig::new(PASSWORD).await;
        rig.habits(habits.clone());
        rig.faults(1, &["cut_after:times=1,on=docnote,method=POST"]);
        let id = rig.accept(rig.clients[0], 1, "Which is it?").await;
        let running = rig.start();
        let note = rig.until_stage(id, Stage::InDoubt).await;
        assert!(note.reason.as_deref().unwrap().contains("without the reference"), "{habits:?}: {:?}", note.reason);
        assert_eq!(rig.subjects_in_crm().len(), 1, "{habits:?}");
        running.abort();
    }
}

#[tokio::test]
async fn what_others_wrote_is_nobodys_note_at_a_site_that_is_known_to_keep_markers() {
    let rig = Rig::new(PASSWORD).await;
    let of_others = rig.accept(rig.clients[0], 1, "By somebody else").await;
    let others = rig.store.note(of_others).await.unwrap().unwrap().note;
    rig.connector.create_note(&others, "another program's").await.unwrap();
    let running = rig.start();
    rig.until_stage(of_others, Stage::Done).await;
    rig.faults(1, &["cut_before:times=1,on=docnote,method=POST"]);
    let id = rig.accept(rig.clients[0], 1, "Not there").await;
    running.abort();
    let running = rig.start();
    rig.until_stage(id, Stage::Done).await;
    assert_eq!(rig.subjects_in_crm().len(), 3);
    running.abort();
}

#[tokio::test]
async fn no_note_is_tried_while_a_walk_was_asked_to_leave_the_site_alone() {
    let rig = Rig::new(PASSWORD).await;
    rig.connector.leave_alone_until(Timestamp::now() + SignedDuration::from_mins(30));
    let id = rig.accept(rig.clients[0], 1, "Held").await;
    let running = rig.start();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let note = rig.store.note(id).await.unwrap().unwrap();
    assert_eq!((note.attempts.len(), note.failures), (0, 0), "{note:?}");
    running.abort();
    rig.connector.release();
    let running = rig.start();
    rig.until_stage(id, Stage::Done).await;
    running.abort();
}

#[tokio::test]
async fn another_hosts_note_shows_that_the_site_keeps_markers() {
    let rig = Rig::new(PASSWORD).await;
    let id = rig.accept(rig.clients[0], 1, "Not there").await;
    let note = rig.store.note(id).await.unwrap().unwrap().note;
    let marker = format!("{MARKER}0197a000-0000-7000-8000-000000000001");
    rig.connector.create_note(&note, &marker).await.unwrap();
    rig.faults(1, &["cut_before:times=1,on=docnote,method=POST"]);
    let running = rig.start();
    rig.until_stage(id, Stage::Done).await;
    assert_eq!(rig.subjects_in_crm().len(), 2);
    running.abort();
}

#[tokio::test]
async fn a_list_that_lacks_what_the_site_took_before_is_not_believed() {
    let rig = Rig::new(PASSWORD).await;
    let first = rig.accept(rig.clients[0], 1, "First").await;
    let running = rig.start();
    rig.until_stage(first, Stage::Done).await;
    // Its index stands still.
    rig.habits(NoteHabits { lists_first: Some(0), ..NoteHabits::default() });
    rig.faults(1, &["cut_after:times=1,on=docnote,method=POST"]);
    let id = rig.accept(rig.clients[0], 1, "Second").await;
    running.abort();
    let running = rig.start();
    let note = rig.until_stage(id, Stage::InDoubt).await;
    let reason = note.reason.as_deref().unwrap();
    assert!(reason.contains("does not list 9001 either, which it took before"), "{reason}");
    assert_eq!(rig.subjects_in_crm().len(), 2);
    // It goes on, and the person tries again.
    rig.habits(NoteHabits::default());
    rig.store.change_note(id, |note| note.retry(Timestamp::now())).await.unwrap().unwrap().1.unwrap();
    running.abort();
    let running = rig.start();
    rig.until_stage(id, Stage::Done).await;
    assert_eq!(rig.subjects_in_crm().len(), 2);
    running.abort();
}

#[tokio::test]
async fn a_site_that_answers_nothing_where_a_list_ends_is_understood() {
    for fault in ["cut_before:times=1,method=POST", "cut_after:times=1,method=POST", "cut_before:times=1,on=attachment"]
    {
        let rig = Rig::new(PASSWORD).await;
        rig.habits(NoteHabits { no_content: true, ..NoteHabits::default() });
        rig.faults(1, &[fault]);
        let id = rig.accept_with(rig.clients[0], "With a plan", &["Plan.pdf".to_owned()]).await;
        let running = rig.start();
        rig.until_stage(id, Stage::Done).await;
        assert_eq!((rig.subjects_in_crm().len(), rig.documents_in_crm().len()), (1, 1), "{fault}");
        running.abort();
    }
}

#[tokio::test]
async fn documents_are_known_by_ids_that_are_texts_and_without_sizes() {
    for fault in [None, Some("cut_after:times=1,on=attachment,method=POST")] {
        let rig = Rig::new(PASSWORD).await;
        rig.habits(NoteHabits { text_ids: true, hides_sizes: true, ..NoteHabits::default() });
        rig.faults(1, &fault.into_iter().collect::<Vec<_>>());
        let names = ["One.pdf".to_owned(), "Two.pdf".to_owned()];
        let id = rig.accept_with(rig.clients[0], "With plans", &names).await;
        let running = rig.start();
        let note = rig.until_stage(id, Stage::Done).await;
        assert_eq!((rig.documents_in_crm(), note.reason), (names.to_vec(), None), "{fault:?}");
        running.abort();
    }
}

#[tokio::test]
async fn a_note_is_found_among_those_of_any_of_its_clients() {
    let rig = Rig::new(PASSWORD).await;
    let id = rig.accept(rig.clients[0], 1, "For both").await;
    let note = rig.store.note(id).await.unwrap().unwrap();
    let only_the_second = ExternalId(rig.clients[1].to_string());
    let made = FileNote { filed_against: vec![only_the_second.clone()], ..note.note.clone() };
    let document_id = rig.connector.create_note(&made, &note.marker).await.unwrap();
    let mut for_both = note.clone();
    for_both.note.filed_against.push(only_the_second);
    let found = calls::look_up(rig.connector.as_ref(), &for_both, None).await.unwrap();
    assert_eq!(found.copies, [document_id]);
    assert_eq!(calls::look_up(rig.connector.as_ref(), &note, None).await.unwrap().copies, []);
}

#[tokio::test]
async fn a_document_that_the_site_renames_and_enlarges_is_sent_once_and_holds_nobody_up() {
    for fault in [None, Some("cut_after:times=1,on=attachment,method=POST")] {
        let rig = Rig::new(PASSWORD).await;
        rig.habits(NoteHabits { renames_attachments: true, adds_bytes: 11, ..NoteHabits::default() });
        rig.faults(1, &fault.into_iter().collect::<Vec<_>>());
        let id = rig.accept_with(rig.clients[0], "With a plan", &["Plan / O'Brien.pdf".to_owned()]).await;
        let behind = rig.accept(rig.clients[0], u128::from(rig.clients[0]), "Behind it").await;
        let running = rig.start();
        let note = rig.until_stage(id, Stage::Done).await;
        let reason = note.reason.unwrap();
        assert!(reason.contains("as Plan _ O_Brien.pdf, 11 bytes larger"), "{reason}");
        rig.until_stage(behind, Stage::Done).await;
        assert_eq!(rig.documents_in_crm(), ["Plan _ O_Brien.pdf"], "{fault:?}");
        running.abort();
    }
}

#[tokio::test]
async fn a_document_that_the_site_lists_late_is_sent_once() {
    let rig = Rig::new(PASSWORD).await;
    rig.habits(NoteHabits { lag_ms: 250, ..NoteHabits::default() });
    rig.faults(1, &["cut_after:times=1,on=attachment,method=POST"]);
    let id = rig.accept_with(rig.clients[0], "With a plan", &["Plan.pdf".to_owned()]).await;
    let running = rig.start();
    let note = rig.until_stage(id, Stage::Done).await;
    assert_eq!((rig.documents_in_crm(), note.reason), (vec!["Plan.pdf".to_owned()], None));
    running.abort();
}

#[tokio::test]
async fn refusals_of_the_moment_are_tried_again() {
    for fault in ["conflict", "locked", "too_early"] {
        for on in ["on=docnote-v2", "on=attachment", "on=docnote-v2,method=GET"] {
            let rig = Rig::new(PASSWORD).await;
            rig.faults(1, &[&format!("{fault}:times=2,{on}"), "cut_after:times=1,method=POST"]);
            let id = rig.accept_with(rig.clients[0], "After all", &["Plan.pdf".to_owned()]).await;
            let running = rig.start();
            rig.until_stage(id, Stage::Done).await;
            assert_eq!((rig.subjects_in_crm().len(), rig.documents_in_crm().len()), (1, 1), "{fault} {on}");
            running.abort();
        }
    }
}

#[tokio::test]
async fn a_pause_of_decades_is_a_day_and_a_person_cuts_it_short() {
    let rig = Rig::new(PASSWORD).await;
    rig.faults(1, &["too_many_requests:times=1,retry_after=1893456000,on=docnote,method=POST"]);
    let id = rig.accept(rig.clients[0], 1, "Soon").await;
    let delivery = Arc::new(rig.delivery());
    let running = tokio::spawn({
        let delivery = Arc::clone(&delivery);
        async move { delivery.run(&CancellationToken::new()).await }
    });
    let waits = async || {
        loop {
            let note = rig.store.note(id).await.unwrap().unwrap();
            if note.state == NoteState::Waiting {
                return note;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let note = waits().await;
    let a_day = SignedDuration::from_hours(24);
    assert!(note.due_at.unwrap().duration_since(Timestamp::now()) <= a_day, "{note:?}");
    assert!(matches!(delivery.gate(&note.connection, Timestamp::now()), Gate::Closed(_)));
    rig.store.change_note(id, |note| note.retry(Timestamp::now())).await.unwrap();
    delivery.release(&note.connection);
    rig.until_stage(id, Stage::Done).await;
    running.abort();
}

#[tokio::test]
async fn a_site_that_is_well_again_lets_all_notes_go_that_its_pause_held_back() {
    let rig = Rig::new(PASSWORD).await;
    rig.faults(1, &["too_many_requests:times=1,retry_after=86400000,on=docnote,method=POST"]);
    let first = rig.accept(rig.clients[0], 1, "First").await;
    let delivery = Arc::new(rig.delivery());
    let running = tokio::spawn({
        let delivery = Arc::clone(&delivery);
        async move { delivery.run(&CancellationToken::new()).await }
    });
    while rig.store.note(first).await.unwrap().unwrap().state != NoteState::Waiting {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let note = rig.store.note(first).await.unwrap().unwrap();
    let an_hour = Timestamp::now() + SignedDuration::from_hours(1);
    assert!(note.due_at.unwrap() > an_hour, "the note keeps to what it was told");
    let Gate::Closed(until) = delivery.gate(&note.connection, Timestamp::now()) else { panic!("the site is held") };
    assert!(until <= an_hour);
    let later = rig.accept(rig.clients[1], 2, "Later").await;
    delivery.wake.notify_one();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(rig.subjects_in_crm().is_empty());
    delivery.site_is_well(&note.connection).await;
    rig.until_stage(first, Stage::Done).await;
    rig.until_stage(later, Stage::Done).await;
    running.abort();
}

#[tokio::test]
async fn what_waits_since_an_earlier_version_for_decades_goes_out_within_a_day() {
    let rig = Rig::new(PASSWORD).await;
    let id = rig.accept(rig.clients[0], 1, "Parked").await;
    let park = |note: &mut Note| {
        note.state = NoteState::Waiting;
        note.due_at = Some(Timestamp::MAX);
    };
    rig.store.change_note(id, park).await.unwrap();
    let due = rig.store.next_notes_due().await.unwrap();
    assert!(due.iter().all(|(_, due)| *due > Timestamp::now()), "it would be taken for due again and again: {due:?}");
    let running = rig.start();
    for _ in 0..200 {
        let note = rig.store.note(id).await.unwrap().unwrap();
        if note.due_at.unwrap() < Timestamp::now() + SignedDuration::from_hours(25) {
            running.abort();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it waits still");
}

#[tokio::test]
async fn a_done_note_that_the_site_does_not_list_is_raised_and_a_person_settles_it() {
    let rig = Rig::new(PASSWORD).await;
    let delivery = rig.delivery();
    let id = rig.accept(rig.clients[0], 1, "Lost").await;
    let running = rig.start();
    rig.until_stage(id, Stage::Done).await;
    let made: u32 = rig.store.note(id).await.unwrap().unwrap().document_id().unwrap().as_str().parse().unwrap();
    rig.sandbox.admin().remove_note(made);
    for round in 0..3 {
        // It stays raised, days later too.
        let now = Timestamp::now() + SignedDuration::from_hours(50 * round);
        assert_eq!(delivery.reconcile(now).await.unwrap(), 1);
        assert_eq!(rig.store.raised_notes(Raised::Missing).await.unwrap(), (1, false));
    }
    let note = rig.store.note(id).await.unwrap().unwrap();
    assert_eq!((note.copies, note.stage()), (Some(0), Stage::Done));
    rig.store.change_note(id, |note| note.resolve(None, Timestamp::now())).await.unwrap();
    delivery.wake.notify_one();
    running.abort();
    let running = rig.start();
    rig.until_stage(id, Stage::Done).await;
    assert_eq!(rig.subjects_in_crm(), ["Lost"]);
    assert_eq!(delivery.reconcile(Timestamp::now()).await.unwrap(), 0);
    assert_eq!(rig.store.raised_notes(Raised::Missing).await.unwrap(), (0, false));
    running.abort();
}

#[tokio::test]
async fn what_a_person_says_is_not_there_is_looked_for_once_more() {
    let rig = Rig::new(PASSWORD).await;
    // The creates have no clear answer, and the site refuses to be searched: a person is asked.
    rig.faults(1, &["cut_after:times=1,on=docnote,method=POST", "forbidden:on=docnote,method=GET"]);
    let there = rig.accept(rig.clients[0], 1, "There").await;
    let running = rig.start();
    rig.until_stage(there, Stage::InDoubt).await;
    rig.faults(1, &["cut_before:times=1,on=docnote,method=POST", "forbidden:on=docnote,method=GET"]);
    let absent = rig.accept(rig.clients[1], 2, "Absent").await;
    running.abort();
    let running = rig.start();
    rig.until_stage(absent, Stage::InDoubt).await;
    assert_eq!(rig.subjects_in_crm(), ["There"]);
    running.abort();
    rig.faults(1, &[]);
    for id in [there, absent] {
        rig.store.change_note(id, |note| note.resolve(None, Timestamp::now())).await.unwrap();
    }
    let running = rig.start();
    for id in [there, absent] {
        rig.until_stage(id, Stage::Done).await;
    }
    assert_eq!(rig.subjects_in_crm(), ["There", "Absent"], "each is there once");
    running.abort();
}

#[tokio::test]
async fn what_stays_in_the_queue_of_reconciliation_takes_nobody_elses_turn() {
    let rig = Rig::new(PASSWORD).await;
    let delivery = rig.delivery();
    let now = Timestamp::now();
    // More than one round's notes, of a connection that was removed.
    let done = move |note: &mut Note| {
        note.state = NoteState::Done;
        note.step = DeliveryStep::Created { document_id: ExternalId("1".to_owned()) };
        note.done_at = Some(now);
        note.due_at = None;
    };
    for lane in 0..500 {
        let id = rig.accept_for("removed", rig.clients[0], lane, "Of a site that nobody can ask").await;
        rig.store.change_note(id, done).await.unwrap();
    }
    let id = rig.accept(rig.clients[1], 1000, "Twice").await;
    let running = rig.start();
    let note = rig.until_stage(id, Stage::Done).await;
    running.abort();
    rig.sandbox.admin().copy_note(note.document_id().unwrap().as_str().parse().unwrap()).unwrap();
    assert_eq!(delivery.reconcile(Timestamp::now()).await.unwrap(), 0);
    assert_eq!(delivery.reconcile(Timestamp::now()).await.unwrap(), 1, "its turn comes");
    // Two rounds again, days later: of those nobody will say anything more.
    let later = Timestamp::now() + SignedDuration::from_hours(50);
    assert_eq!(delivery.reconcile(later).await.unwrap() + delivery.reconcile(later).await.unwrap(), 1);
    let left = rig.store.notes_looked_for(None, 1000).await.unwrap();
    assert_eq!(left.iter().map(|note| note.id).collect::<Vec<_>>(), [id]);
}
