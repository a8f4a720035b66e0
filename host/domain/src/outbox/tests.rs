//! Delivery, played through.

use proptest::prelude::*;
use uuid::Uuid;

mod attaching;
mod filing;

use super::*;
use crate::ids::{ClientId, EventId, HouseholdId, NoteId, RevisionId};
use crate::note::{Acceptance, Attachment, FileNote, Stage};

fn note() -> Note {
    Note::from(Acceptance {
        id: NoteId(Uuid::from_u128(1)),
        event_id: EventId(Uuid::from_u128(2)),
        event_type: "note.written".to_owned(),
        event_label: "Note".to_owned(),
        household_id: HouseholdId(Uuid::from_u128(3)),
        connection: "main".parse().unwrap(),
        revision: RevisionId([0; 6]),
        marker: "tidegate-2".to_owned(),
        note: FileNote {
            note_type: "File Note".to_owned(),
            note_subtype: None,
            subject: "Subject".to_owned(),
            body: "Body".to_owned(),
            media_type: "text/plain".to_owned(),
            filed_against: vec![ExternalId("7".to_owned())],
        },
        attachments: Vec::new(),
        clients: vec![ClientId(Uuid::from_u128(7))],
        accepted_at: at(0),
    })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn unknown() -> Outcome {
    Outcome::Unknown { message: "cut".to_owned(), retry_after: None }
}

fn not_done() -> Outcome {
    Outcome::NotDone { message: "not there".to_owned(), retry_after: None }
}

fn there() -> Outcome {
    Outcome::There { document_id: ExternalId("9001".to_owned()), copies: 1 }
}

/// Takes up and concludes at one second; jitter in the middle leaves delays as they are.
fn call(note: &mut Note, second: i64, expected: Call, outcome: Outcome) {
    assert_eq!(note.begin(at(second)), expected, "at {second}");
    note.conclude(made(note, expected, second), outcome, at(second), 0.5, &Timing::default());
}

/// A call at a second; nothing was sent since its step says so.
fn made(note: &Note, call: Call, second: i64) -> MadeCall {
    let quiet = match note.step {
        DeliveryStep::Creating { since } | DeliveryStep::Attaching { since, .. } => at(second).duration_since(since),
        DeliveryStep::Accepted | DeliveryStep::Created { .. } => SignedDuration::ZERO,
    };
    MadeCall { call, began: at(second), quiet }
}

fn due_in(note: &Note, second: i64) -> Option<i64> {
    note.due_at.map(|due| due.as_second() - at(second).as_second())
}

#[test]
fn the_straight_way() {
    let mut note = note();
    assert_eq!(note.begin(at(1)), Call::Create);
    assert_eq!((note.state, &note.step), (NoteState::Sending, &DeliveryStep::Creating { since: at(1) }));
    note.conclude(made(&note, Call::Create, 1), there(), at(2), 0.5, &Timing::default());
    assert_eq!((note.state, note.done_at, note.due_at), (NoteState::Done, Some(at(2)), None));
    assert_eq!(note.attempts[0].took_ms, 1000);
}

#[test]
fn an_unknown_create_is_looked_for_until_it_cannot_come_any_more() {
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    assert_eq!(due_in(&note, 0), Some(1));
    let (mut now, mut looks) = (1, 0);
    while note.step != DeliveryStep::Accepted {
        call(&mut note, now, Call::LookUp, Outcome::NotThere);
        assert_eq!(note.state, NoteState::Waiting);
        now += due_in(&note, now).unwrap();
        looks += 1;
    }
    // A request lives for 60 s and the CRM lags 60 s behind, from the end of the call on.
    assert_eq!((now, looks), (120, 8));
    call(&mut note, now, Call::Create, there());
    assert_eq!(note.state, NoteState::Done);
}

#[test]
fn a_clock_that_is_set_cuts_no_wait_short() {
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    // The wall's clock says an hour later, the machine's two seconds.
    assert_eq!(note.begin(at(3600)), Call::LookUp);
    let quiet = SignedDuration::from_secs(2);
    let made = MadeCall { call: Call::LookUp, began: at(3600), quiet };
    note.conclude(made, Outcome::NotThere, at(3600), 0.5, &Timing::default());
    assert_eq!((note.stage(), due_in(&note, 3600)), (Stage::LookingUp, Some(2)));
}

#[test]
fn notes_without_a_marker_that_may_be_it_are_put_to_a_person() {
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    call(&mut note, 1, Call::LookUp, Outcome::Unmarked(2));
    assert_eq!(note.state, NoteState::Waiting, "it may still appear with its marker");
    call(&mut note, 120, Call::LookUp, Outcome::Unmarked(2));
    assert_eq!((note.state, note.stage()), (NoteState::Dead, Stage::InDoubt));
    assert!(note.reason.as_deref().unwrap().contains("lists 2"), "{:?}", note.reason);
    note.resolve(None, at(121)).unwrap();
    let mut is_there = note.clone();
    call(&mut is_there, 121, Call::LookUp, there());
    assert_eq!((is_there.state, is_there.said_absent), (NoteState::Done, None), "the person was wrong");
    call(&mut note, 121, Call::LookUp, not_done());
    assert_eq!(note.stage(), Stage::LookingUp, "whether it is there cannot be said yet");
    call(&mut note, 122, Call::LookUp, Outcome::Unmarked(2));
    call(&mut note, 122, Call::Create, unknown());
    call(&mut note, 123, Call::LookUp, Outcome::Unmarked(2));
    assert_eq!(note.stage(), Stage::LookingUp, "the word was for the first time");
}

#[test]
fn a_list_that_lacks_what_was_taken_before_is_put_to_a_person() {
    let lacking = || Outcome::Lacking(ExternalId("9001".to_owned()));
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    call(&mut note, 1, Call::LookUp, lacking());
    assert_eq!(note.state, NoteState::Waiting, "the list may catch up");
    call(&mut note, 120, Call::LookUp, lacking());
    assert_eq!((note.state, note.stage()), (NoteState::Dead, Stage::InDoubt));
    assert!(note.reason.as_deref().unwrap().contains("does not list 9001 either"), "{:?}", note.reason);
    note.retry(at(600)).unwrap();
    call(&mut note, 600, Call::LookUp, there());
    assert_eq!((note.state, note.reason.as_deref()), (NoteState::Done, None));
}

#[test]
fn what_is_found_is_done() {
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    call(&mut note, 1, Call::LookUp, there());
    assert_eq!((note.state, note.reason.as_deref()), (NoteState::Done, None));
}

#[test]
fn the_doubt_counts_from_the_missing_answer() {
    let mut note = note();
    assert_eq!(note.begin(at(0)), Call::Create);
    note.conclude(made(&note, Call::Create, 0), unknown(), at(60), 0.5, &Timing::default());
    call(&mut note, 179, Call::LookUp, Outcome::NotThere);
    assert_eq!(due_in(&note, 0), Some(180));
}

#[test]
fn a_restart_while_creating_begins_with_looking_up() {
    let mut note = note();
    note.begin(at(0));
    note.take_up(at(300));
    call(&mut note, 300, Call::LookUp, Outcome::NotThere);
    assert_eq!(note.stage(), Stage::LookingUp);
    call(&mut note, 419, Call::LookUp, Outcome::NotThere);
    assert_eq!(due_in(&note, 300), Some(120));
}

#[test]
fn no_note_waits_longer_than_a_day_and_people_are_told() {
    for asked in [86_401, 1_893_456_000, 260_000_000_000, i64::MAX] {
        let mut note = note();
        let retry_after = Some(SignedDuration::from_secs(asked));
        call(&mut note, 0, Call::Create, Outcome::NotDone { message: "429".to_owned(), retry_after });
        assert_eq!(due_in(&note, 0), Some(86_400), "{asked}");
        let reason = note.reason.as_deref().unwrap();
        assert!(reason.contains("over a day"), "{reason}");
        note.retry(at(5)).unwrap();
        assert_eq!(due_in(&note, 5), Some(0), "a person sends it now");
    }
    let mut note = note();
    let retry_after = Some(SignedDuration::from_hours(24));
    call(&mut note, 0, Call::Create, Outcome::NotDone { message: "429".to_owned(), retry_after });
    assert_eq!((due_in(&note, 0), note.reason.as_deref()), (Some(86_400), Some("429")));
    note.due_at = Some(Timestamp::MAX);
    assert!(note.pull_forward(SignedDuration::ZERO, at(86_400)));
    assert_eq!(due_in(&note, 0), Some(86_400));
    assert!(note.pull_forward(SignedDuration::from_hours(1), at(86_400)));
    assert_eq!(due_in(&note, 0), Some(82_800));
    assert!(!note.pull_forward(SignedDuration::ZERO, at(86_400)));
}

#[test]
fn retries_follow_the_schedule_and_end() {
    let mut note = note();
    let mut now = 0;
    for delay in [1, 5, 30, 120, 600, 1800, 7200, 18_000, 36_000] {
        call(&mut note, now, Call::Create, not_done());
        assert_eq!(due_in(&note, now), Some(delay));
        now += delay;
    }
    call(&mut note, now, Call::Create, not_done());
    assert_eq!((note.state, note.due_at), (NoteState::Dead, None));
    assert_eq!(note.reason.as_deref(), Some("Given up after 10 tries; the last one: not there"));
    note.retry(at(now)).unwrap();
    call(&mut note, now, Call::Create, not_done());
    assert_eq!(due_in(&note, now), Some(1));
}

#[test]
fn what_the_crm_asks_for_is_waited_in_full() {
    let mut note = note();
    let asked = Outcome::NotDone { message: "429".to_owned(), retry_after: Some(SignedDuration::from_secs(900)) };
    call(&mut note, 0, Call::Create, asked);
    assert_eq!((due_in(&note, 0), &note.step), (Some(900), &DeliveryStep::Accepted));
}

#[test]
fn a_refused_sign_in_uses_no_retry_up() {
    let mut note = note();
    for round in 0..30 {
        call(&mut note, round * 300, Call::Create, Outcome::Unauthorised { message: "401".to_owned() });
        assert_eq!((note.state, due_in(&note, round * 300)), (NoteState::Waiting, Some(300)));
    }
    assert!(note.reason.as_deref().unwrap().contains("401"));
    call(&mut note, 9000, Call::Create, there());
    assert_eq!((note.state, note.reason.as_deref()), (NoteState::Done, None));
}

#[test]
fn a_refusal_is_final_until_a_person_says_otherwise() {
    let mut note = note();
    call(&mut note, 0, Call::Create, Outcome::Refused { message: "no such client".to_owned() });
    assert_eq!((note.state, note.reason.as_deref()), (NoteState::Dead, Some("no such client")));
    note.retry(at(5)).unwrap();
    assert_eq!((note.state, due_in(&note, 5)), (NoteState::Queued, Some(0)));
    note.discard("written by hand").unwrap();
    assert_eq!(note.reason.as_deref(), Some("Discarded: written by hand"));
    note.retry(at(6)).unwrap();
    note.begin(at(6));
    assert!(note.retry(at(6)).is_err() && note.discard("x").is_err());
}

#[test]
fn two_notes_with_one_marker_are_raised() {
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    call(&mut note, 1, Call::LookUp, Outcome::There { document_id: ExternalId("9001".to_owned()), copies: 2 });
    assert!(note.reason.as_deref().unwrap().contains("2 notes with the marker tidegate-2"));
}

proptest! {
    /// A CRM that answers or not, does the work or not, finishes late, and a process that dies: one note at the end.
    #[test]
    fn one_note_whatever_happens(events in proptest::collection::vec((0..6u8, 0..120i64), 1..60)) {
        let timing = Timing::default();
        let mut note = note();
        let mut now = 0;
        // When each note becomes visible in the CRM.
        let mut made: Vec<i64> = Vec::new();
        // Since when this process has sent nothing.
        let mut quiet_since = None;
        let mut events = events.into_iter();
        while !matches!(note.state, NoteState::Done | NoteState::Dead) {
            now = now.max(note.due_at.unwrap().as_second() - at(0).as_second());
            let began = now;
            let (fate, late) = events.next().unwrap_or((0, 0));
            let call = note.begin(at(now));
            let outcome = match call {
                Call::Create => match fate {
                    0 | 1 => { made.push(now); there() }
                    2 => { now += 60; made.push(now + late); unknown() }
                    3 | 5 => { made.push(now + late); unknown() }
                    _ => not_done(),
                },
                Call::LookUp => {
                    let copies = made.iter().filter(|seen| **seen <= now).count();
                    match (fate, copies) {
                        (4, _) => not_done(),
                        (_, 0) => Outcome::NotThere,
                        (_, copies) => Outcome::There { document_id: ExternalId("9001".to_owned()), copies },
                    }
                }
                Call::Attach(_) | Call::ListAttachments => unreachable!("the note has no attachments"),
            };
            if fate == 5 {
                note.take_up(at(now));
                quiet_since = None;
                continue;
            }
            let since = *quiet_since.get_or_insert(now);
            let made_call = MadeCall { call, began: at(began), quiet: SignedDuration::from_secs(began - since) };
            if call == Call::Create {
                quiet_since = Some(now);
            }
            note.conclude(made_call, outcome, at(now), 0.5, &timing);
        }
        prop_assert!(made.len() <= 1, "{made:?}");
        prop_assert!(note.state == NoteState::Dead || made.len() == 1);
    }
}

#[test]
fn a_done_note_that_the_crm_lists_no_more_is_raised_until_a_person_settles_it() {
    let mut note = note();
    call(&mut note, 0, Call::Create, there());
    note.saw_copies(0);
    assert!(note.is_raised() && note.is_missing());
    let reason = note.reason.as_deref().unwrap();
    assert!(reason.contains("took it as 9001 and does not list it any more"), "{reason}");

    let mut found = note.clone();
    found.saw_copies(1);
    assert_eq!((found.is_raised(), found.reason), (false, None));

    let mut moved = note.clone();
    moved.resolve(Some(ExternalId("9050".to_owned())), at(1)).unwrap();
    assert_eq!((moved.stage(), moved.is_raised()), (Stage::Done, false));
    assert_eq!(moved.document_id(), Some(&ExternalId("9050".to_owned())));

    let mut removed = note.clone();
    removed.discard("removed there on purpose").unwrap();
    assert_eq!((removed.stage(), removed.copies), (Stage::Discarded, None));

    note.resolve(None, at(1)).unwrap();
    assert_eq!((note.state, note.copies, note.done_at), (NoteState::Queued, None, None));
    assert_eq!(note.last_document_id(), Some(&ExternalId("9001".to_owned())), "it is known by that, too");
    let mut back = note.clone();
    call(&mut back, 1, Call::LookUp, there());
    assert_eq!((back.state, back.attempts.len()), (NoteState::Done, 2));
    call(&mut note, 1, Call::LookUp, Outcome::NotThere);
    call(&mut note, 1, Call::Create, there());
    assert!(note.discard("x").is_err() && note.resolve(None, at(2)).is_err());
}

#[test]
fn of_two_notes_a_person_says_which_stays() {
    let mut note = note();
    call(&mut note, 0, Call::Create, there());
    note.saw_copies(2);
    assert!(note.resolve(None, at(1)).is_err() && note.discard("x").is_err());
    note.resolve(Some(ExternalId("9002".to_owned())), at(1)).unwrap();
    assert_eq!((note.stage(), note.is_raised(), note.reason), (Stage::Done, false, None));
}

#[test]
fn a_search_that_the_crm_refuses_asks_a_person_and_sends_nothing() {
    let mut note = note();
    call(&mut note, 0, Call::Create, unknown());
    call(&mut note, 1, Call::LookUp, Outcome::Refused { message: "no capability".to_owned() });
    assert_eq!((note.state, note.stage()), (NoteState::Dead, Stage::InDoubt));
    let reason = note.reason.as_deref().unwrap();
    assert!(reason.contains("refuses the search") && reason.contains("no capability"), "{reason}");
    assert!(note.edit(Edit::default(), at(2)).is_err());
    note.retry(at(2)).unwrap();
    call(&mut note, 2, Call::LookUp, Outcome::Refused { message: "no capability".to_owned() });
    let mut found = note.clone();
    found.resolve(Some(ExternalId("9007".to_owned())), at(3)).unwrap();
    assert_eq!((found.state, found.document_id()), (NoteState::Done, Some(&ExternalId("9007".to_owned()))));
    note.resolve(None, at(3)).unwrap();
    call(&mut note, 3, Call::LookUp, Outcome::Refused { message: "no capability".to_owned() });
    call(&mut note, 3, Call::Create, there());
    assert_eq!(note.state, NoteState::Done);
    assert!(note.resolve(None, at(4)).is_err());
}

#[test]
fn a_note_that_was_not_sent_can_be_changed() {
    let mut note = note();
    call(&mut note, 0, Call::Create, Outcome::Refused { message: "no such client".to_owned() });
    let edit = Edit {
        subject: Some("Another".to_owned()),
        body: None,
        filed_against: Some(vec![(ExternalId("8".to_owned()), ClientId(Uuid::from_u128(8)))]),
    };
    note.edit(edit, at(1)).unwrap();
    assert_eq!((note.note.subject.as_str(), note.note.body.as_str()), ("Another", "Body"));
    assert_eq!(note.clients, [ClientId(Uuid::from_u128(8))]);
    call(&mut note, 1, Call::Create, there());
    assert!(note.edit(Edit::default(), at(2)).is_err());
}

#[test]
fn a_site_is_waited_for_as_long_as_the_settings_say() {
    let timing = Timing::of(SignedDuration::from_secs(10), SignedDuration::from_secs(25));
    assert_eq!((timing.doubt, timing.lag), (SignedDuration::from_secs(35), SignedDuration::from_secs(25)));
    assert_eq!(timing.retries, Timing::default().retries);
    assert_eq!(Timing::default().doubt, SignedDuration::from_secs(120));
}

#[test]
fn a_note_may_be_there_twice_once_its_create_had_no_answer_or_it_was_seen_so() {
    let check = |doubted: bool, copies: Option<usize>, expected: bool| {
        let note = Note { doubted, copies, ..note() };
        assert_eq!(note.is_doubted(), expected, "{doubted} {copies:?}");
    };
    check(false, None, false);
    check(true, None, true);
    check(false, Some(2), true);
    check(true, Some(2), true);
}

#[test]
fn a_note_is_where_its_state_and_its_last_call_say() {
    let check = |state: NoteState, step: DeliveryStep, doubted: bool, expected: Stage| {
        let note = Note { state, step: step.clone(), doubted, ..note() };
        assert_eq!(note.stage(), expected, "{state:?} {step:?} {doubted}");
    };
    let creating = || DeliveryStep::Creating { since: at(0) };
    let created = || DeliveryStep::Created { document_id: ExternalId("9001".to_owned()) };
    check(NoteState::Queued, DeliveryStep::Accepted, false, Stage::Queued);
    check(NoteState::Sending, creating(), false, Stage::Sending);
    check(NoteState::Sending, creating(), true, Stage::LookingUp);
    check(NoteState::Waiting, creating(), true, Stage::LookingUp);
    check(NoteState::Waiting, created(), false, Stage::AttachmentsSent);
    check(NoteState::Done, created(), false, Stage::Done);
    check(NoteState::Dead, DeliveryStep::Accepted, false, Stage::Dead);
    check(NoteState::Dead, creating(), true, Stage::InDoubt);
}

#[test]
fn only_a_note_that_waits_for_its_connection_is_let_go() {
    let mut held = note();
    held.hold(at(300), "The site is another one.");
    assert_eq!((held.stage(), due_in(&held, 0)), (Stage::WaitingForAuthorisation, Some(300)));
    assert!(!held.awaits_link() && held.let_go(at(10)));
    assert_eq!((held.stage(), held.reason.as_deref(), due_in(&held, 10)), (Stage::Queued, None, Some(0)));
    assert!(!held.let_go(at(20)), "it waits for nothing any more");
    assert_eq!(due_in(&held, 10), Some(0));

    let mut unlinked = note();
    unlinked.await_link("Ayda Khan");
    let before = unlinked.clone();
    assert!(unlinked.awaits_link() && !unlinked.let_go(at(10)));
    assert_eq!(unlinked, before);
    assert!(Note { awaits: Some(Awaits::Refiling), ..note() }.awaits_link() && !note().awaits_link());
}

#[test]
fn a_note_whose_sending_died_is_looked_up_when_its_time_comes() {
    let mut sent = note();
    sent.begin(at(0));
    sent.died(at(1), at(6));
    assert_eq!((sent.state, sent.stage(), due_in(&sent, 0)), (NoteState::Waiting, Stage::LookingUp, Some(6)));
    assert!(sent.reason.as_deref().unwrap().contains("fault in Tidegate"), "{:?}", sent.reason);
    assert_eq!(sent.begin(at(6)), Call::LookUp);

    let mut done = note();
    call(&mut done, 0, Call::Create, there());
    let before = done.clone();
    done.died(at(1), at(6));
    assert_eq!(done, before, "what was done before the fault stays done");
}

#[test]
fn what_is_said_of_a_note_stays_where_the_crm_has_it_once() {
    let mut note = note();
    call(&mut note, 0, Call::Create, there());
    note.reason = Some("The CRM keeps the document Plan.pdf 11 bytes larger.".to_owned());
    let before = note.clone();
    note.saw_copies(1);
    assert_eq!(note, before);
}

#[test]
fn a_pause_that_the_crm_asked_for_ends_and_a_notes_own_retries_stay() {
    let timing = Timing::default();
    let own_pause = spread(SignedDuration::from_secs(5), 1.0);
    // Failed for the second time at 0, so that its own retry is five seconds later, or six at most.
    let waiting = |due: Timestamp| {
        let outcome = "429".to_owned();
        let attempts = vec![Attempt { at: at(0), took_ms: 0, outcome }];
        Note { state: NoteState::Waiting, failures: 2, attempts, due_at: Some(due), ..note() }
    };
    let check = |mut note: Note, now: Timestamp, expected: bool| {
        let before = note.due_at;
        assert_eq!(note.end_pause(now, &timing), expected, "{note:?}");
        assert_eq!(note.due_at, if expected { Some(now) } else { before });
    };
    check(waiting(at(900)), at(2), true);
    check(waiting(at(5)), at(2), false);
    check(waiting(after(at(0), own_pause)), at(2), false);
    check(waiting(after(at(0), own_pause + SignedDuration::from_millis(1))), at(2), true);
    check(waiting(at(900)), at(900), false);
    check(waiting(at(900)), at(901), false);
    // The call itself took until then.
    let mut slow = waiting(at(30));
    slow.attempts[0].took_ms = 60_000;
    check(slow, at(2), false);
    // Not where it waits for something else, or is not waiting, or has not failed.
    check(Note { awaits: Some(Awaits::Authorisation), ..waiting(at(900)) }, at(2), false);
    check(Note { state: NoteState::Queued, ..waiting(at(900)) }, at(2), false);
    check(Note { failures: 0, ..waiting(at(900)) }, at(2), false);
    check(Note { attempts: Vec::new(), ..waiting(at(900)) }, at(2), false);
    check(Note { due_at: None, ..waiting(at(900)) }, at(2), false);
}

#[test]
fn each_call_is_told_in_words() {
    let id = |id: &str| ExternalId(id.to_owned());
    let document = Attachment {
        document: crate::ids::DocumentId([0; 32]),
        filename: "Plan.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: 1,
        replaced: String::new(),
        attached_as: None,
    };
    let note = Note { attachments: vec![document], ..note() };
    let check = |call: Call, outcome: Outcome, expected: &str| {
        let mut note = note.clone();
        let made = MadeCall { call, began: at(0), quiet: SignedDuration::ZERO };
        note.conclude(made, outcome, at(1), 0.5, &Timing::default());
        assert_eq!(note.attempts[0].outcome, expected);
    };
    let message = || "cut".to_owned();
    check(Call::Create, there(), "Created in the CRM as 9001.");
    check(Call::LookUp, there(), "Found in the CRM as 9001.");
    check(Call::LookUp, Outcome::NotThere, "Looked up in the CRM: not there.");
    let unmarked = "Looked up in the CRM: not found, and 2 notes without a reference may be it.";
    check(Call::LookUp, Outcome::Unmarked(2), unmarked);
    let lacking = "Looked up in the CRM: not found, and 9001 neither, which it took before.";
    check(Call::LookUp, Outcome::Lacking(id("9001")), lacking);
    check(Call::Attach(0), Outcome::Attached { id: id("70001") }, "Attached Plan.pdf as 70001.");
    check(Call::ListAttachments, Outcome::Attached { id: id("70001") }, "Attached as 70001.");
    check(Call::ListAttachments, Outcome::Attachments(Vec::new()), "The CRM lists 0 of its documents.");
    check(Call::Create, unknown(), "May or may not be in the CRM: cut");
    check(Call::Attach(0), unknown(), "Plan.pdf may or may not be attached: cut");
    check(Call::Attach(7), unknown(), "the document may or may not be attached: cut");
    check(Call::LookUp, unknown(), "cut");
    check(Call::Create, not_done(), "not there");
    check(Call::Create, Outcome::Unauthorised { message: message() }, "cut");
    check(Call::Create, Outcome::Held { message: message() }, "cut");
    check(Call::Create, Outcome::Refused { message: message() }, "cut");
}
