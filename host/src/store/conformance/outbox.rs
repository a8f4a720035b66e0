//! File notes from their acceptance to the CRM's word, in the order of their lanes.

use jiff::SignedDuration;

use super::*;

use crate::domain::note::{Acceptance, Attachment, Event, FileNote, Note, NoteState};
use crate::domain::outbox::{Call, MadeCall, Outcome, Timing};
use crate::domain::{ClientId, DocumentId, EventId, HouseholdId, NoteId};
use crate::store::StoreError;
use crate::store::documents::{Document, Source};
use crate::store::engine::Table;
use crate::store::outbox::{Hold, NewNote, NoteFilter, Pick, Raised};

on_each_engine![
    notes_are_counted_by_state,
    a_households_latest_event_is_the_one_that_happened_last,
    a_note_for_somebody_who_is_not_linked_waits_for_the_link,
    a_pause_that_the_site_asked_for_is_ended,
    a_key_stands_for_one_note,
    a_lane_goes_in_order_and_lanes_side_by_side,
    a_hold_puts_off_the_notes_of_its_connection,
    what_was_being_sent_is_taken_up_after_a_restart,
    lists_are_paged_newest_first,
    a_note_for_both_waits_for_both_lanes_and_holds_both,
    after_an_outage_old_and_new_notes_take_turns,
    notes_are_found_by_household_client_and_the_crms_id,
    an_event_its_note_and_its_documents_are_kept_together,
    a_households_documents_are_listed_page_by_page,
    only_what_is_done_is_looked_for_again_and_only_what_needs_somebody_is_raised,
    a_wait_beyond_the_end_of_time_is_none_that_is_over,
    a_document_is_of_the_households_that_it_went_to,
];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A note of a household, accepted at a second; ids follow the seconds.
fn new(second: i64, household: u128, key: &str) -> NewNote {
    let event = Event {
        event_type: "note.written".to_owned(),
        household_id: HouseholdId(Uuid::from_u128(household)),
        client_id: None,
        occurred_at: at(0),
        data: serde_json::json!({"subject": "A", "body": "B"}),
        attachments: Vec::new(),
    };
    let id = Uuid::from_u128(u128::from(second.unsigned_abs()) << 64 | household);
    let note = Note::from(Acceptance {
        id: NoteId(id),
        event_id: EventId(id),
        event_type: event.event_type.clone(),
        event_label: "Note".to_owned(),
        household_id: event.household_id,
        connection: if household < 100 { "main" } else { "other" }.parse().unwrap(),
        revision: RevisionId([0; 6]),
        marker: format!("tidegate-{id}"),
        note: FileNote {
            note_type: "File Note".to_owned(),
            note_subtype: None,
            subject: "A".to_owned(),
            body: "B".to_owned(),
            media_type: "text/plain".to_owned(),
            filed_against: vec![ExternalId("7".to_owned())],
        },
        attachments: Vec::new(),
        clients: vec![ClientId(Uuid::from_u128(household))],
        accepted_at: at(second),
    });
    NewNote { event, note, key: key.to_owned(), digest: [7; 32], documents: Vec::new() }
}

/// A note with this subject, filed against clients of a household.
pub(super) fn note_of(household: HouseholdId, clients: &[ClientId], subject: &str) -> NewNote {
    let id = Uuid::now_v7();
    let mut new = new(1, 7, &id.to_string());
    new.event.household_id = household;
    new.event.client_id = Some(clients[0]).filter(|_| clients.len() == 1);
    new.event.data = serde_json::json!({"subject": subject, "body": subject});
    new.note.id = NoteId(id);
    new.note.event_id = EventId(id);
    new.note.household_id = household;
    new.note.clients = clients.to_vec();
    new.note.note.subject = subject.to_owned();
    new.note.note.body = subject.to_owned();
    new.note.note.filed_against = ["7", "8"].map(|id| ExternalId(id.to_owned())).to_vec();
    new
}

async fn accept(store: &Store, second: i64, household: u128) -> NoteId {
    let new = new(second, household, &format!("{second}-{household}"));
    let id = new.note.id;
    assert!(store.accept_note(new).await.unwrap().is_none());
    id
}

fn pick(connection: &str, limit: usize, newest_first: bool) -> Pick {
    Pick { connection: connection.parse().unwrap(), limit, newest_first }
}

/// Takes up all that is due, the longest due first.
async fn taken(store: &Store, second: i64) -> Vec<NoteId> {
    let mut taken = Vec::new();
    loop {
        let notes = store.take_due_notes(at(second), vec![pick("main", 1, false)]).await.unwrap();
        let Some((note, _)) = notes.first() else { return taken };
        taken.push(note.id);
    }
}

async fn due(store: &Store) -> Vec<(String, i64)> {
    let due = store.next_notes_due().await.unwrap();
    due.into_iter().map(|(name, due)| (name.to_string(), due.as_second() - at(0).as_second())).collect()
}

/// A note filed against these clients.
async fn accept_for(store: &Store, second: i64, household: u128, clients: &[u128]) -> NoteId {
    let mut new = new(second, household, &format!("{second}-{household}"));
    new.note.clients = clients.iter().map(|client| ClientId(Uuid::from_u128(*client))).collect();
    let id = new.note.id;
    assert!(store.accept_note(new).await.unwrap().is_none());
    id
}

async fn conclude(store: &Store, id: NoteId, outcome: Outcome, second: i64) {
    let made = MadeCall { call: Call::Create, began: at(second), quiet: SignedDuration::ZERO };
    let change = move |note: &mut Note| note.conclude(made, outcome, at(second), 0.5, &Timing::default());
    store.change_note(id, change).await.unwrap().unwrap();
}

fn there() -> Outcome {
    Outcome::There { document_id: ExternalId("9001".to_owned()), copies: 1 }
}

async fn a_key_stands_for_one_note(on: On) {
    let place = on.place();
    let store = place.open();
    let posts = (0..100).map(|number| store.accept_note(new(number, 1, "same")));
    let answers = futures::future::try_join_all(posts).await.unwrap();
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 1);
    let page = PageRequest { cursor: None, limit: 100 };
    let kept = store.notes(NoteFilter::default(), page).await.unwrap().items;
    assert_eq!(kept.len(), 1);
    let known = store.keyed_note("same".to_owned()).await.unwrap().unwrap();
    assert_eq!((known.note, known.digest), (kept[0].clone(), [7; 32]));
    assert!(store.keyed_note("other".to_owned()).await.unwrap().is_none());
}

async fn a_lane_goes_in_order_and_lanes_side_by_side(on: On) {
    let place = on.place();
    let store = place.open();
    let [a1, a2, b1, a3] = [
        accept(&store, 1, 1).await,
        accept(&store, 2, 1).await,
        accept(&store, 3, 2).await,
        accept(&store, 4, 1).await,
    ];
    assert_eq!(due(&store).await, [("main".to_owned(), 1)]);
    assert_eq!(taken(&store, 10).await, [a1, b1]);
    assert_eq!(taken(&store, 10).await, []);
    assert_eq!(due(&store).await, []);

    let failed = Outcome::NotDone { message: "no".to_owned(), retry_after: None };
    conclude(&store, a1, failed, 10).await;
    assert_eq!(taken(&store, 10).await, []);
    assert_eq!(taken(&store, 11).await, [a1]);
    conclude(&store, a1, there(), 11).await;
    assert_eq!(taken(&store, 11).await, [a2]);
    conclude(&store, a2, Outcome::Refused { message: "no".to_owned() }, 11).await;
    assert_eq!(taken(&store, 11).await, [a3]);
}

async fn a_hold_puts_off_the_notes_of_its_connection(on: On) {
    let place = on.place();
    let store = place.open();
    let (held, other) = (accept(&store, 1, 1).await, accept(&store, 1, 100).await);
    let hold = Hold { until: at(60), reason: "sign-in refused".to_owned() };
    assert_eq!(due(&store).await, [("main".to_owned(), 1), ("other".to_owned(), 1)]);
    let main = || "main".parse().unwrap();
    assert!(!store.hold_due_notes(at(5), main(), hold.clone()).await.unwrap());
    let notes = store.take_due_notes(at(5), vec![pick("main", 10, false), pick("other", 10, false)]).await.unwrap();
    assert_eq!(notes.iter().map(|(note, _)| note.id).collect::<Vec<_>>(), [other]);
    let note = store.note(held).await.unwrap().unwrap();
    assert_eq!((note.state, note.due_at), (NoteState::Waiting, Some(at(60))));
    assert!(note.reason.unwrap().contains("sign-in refused"));
    assert!(!store.hold_due_notes(at(60), main(), hold.clone()).await.unwrap(), "it waits already");
    // Somebody authorises it before.
    assert!(!store.let_held_notes_go(at(30), main()).await.unwrap());
    assert_eq!(store.note(held).await.unwrap().unwrap().due_at, Some(at(30)));
    assert!(!store.hold_due_notes(at(31), main(), hold).await.unwrap(), "and it is refused again");
    let notes = store.take_due_notes(at(60), vec![pick("main", 10, false)]).await.unwrap();
    assert_eq!(notes.iter().map(|(note, call)| (note.id, *call)).collect::<Vec<_>>(), [(held, Call::Create)]);
}

async fn what_was_being_sent_is_taken_up_after_a_restart(on: On) {
    let place = on.place();
    let store = place.open();
    let id = accept(&store, 1, 1).await;
    assert_eq!(taken(&store, 2).await, [id]);
    drop(store);
    let store = place.open();
    assert_eq!(taken(&store, 3).await, []);
    assert_eq!(store.take_up_notes(at(4)).await.unwrap(), 1);
    let notes = store.take_due_notes(at(4), vec![pick("main", 10, false)]).await.unwrap();
    assert_eq!(notes.iter().map(|(note, call)| (note.id, *call)).collect::<Vec<_>>(), [(id, Call::LookUp)]);
}

async fn lists_are_paged_newest_first(on: On) {
    let place = on.place();
    let store = place.open();
    for second in 1..=5 {
        accept(&store, second, second.unsigned_abs().into()).await;
    }
    taken(&store, 2).await;
    let walk = async |state: Option<NoteState>| {
        let (mut seconds, mut cursor) = (Vec::new(), None);
        loop {
            let page = store
                .notes(NoteFilter { state, ..NoteFilter::default() }, PageRequest { cursor, limit: 2 })
                .await
                .unwrap();
            seconds.extend(page.items.iter().map(|note| note.accepted_at.as_second() - at(0).as_second()));
            cursor = page.next;
            if cursor.is_none() {
                return seconds;
            }
        }
    };
    assert_eq!(walk(None).await, [5, 4, 3, 2, 1]);
    assert_eq!(walk(Some(NoteState::Queued)).await, [5, 4, 3]);
    assert_eq!(walk(Some(NoteState::Sending)).await, [2, 1]);
    assert_eq!(walk(Some(NoteState::Done)).await, [0; 0]);
    let page = PageRequest { cursor: Some("x".to_owned()), limit: 2 };
    assert!(matches!(store.notes(NoteFilter::default(), page).await, Err(StoreError::BadCursor)));
}

async fn a_note_for_both_waits_for_both_lanes_and_holds_both(on: On) {
    let place = on.place();
    let store = place.open();
    let for_first = accept_for(&store, 1, 1, &[7]).await;
    let for_both = accept_for(&store, 2, 1, &[7, 8]).await;
    let for_second = accept_for(&store, 3, 1, &[8]).await;
    let another = accept_for(&store, 4, 1, &[9]).await;
    assert_eq!(taken(&store, 10).await, [for_first, another], "of one household, each client in order");
    let note = store.note(for_both).await.unwrap().unwrap();
    assert_eq!(store.note_lanes(note).await.unwrap(), (1, Some(for_first)));
    conclude(&store, for_first, there(), 11).await;
    assert_eq!(taken(&store, 11).await, [for_both]);
    conclude(&store, for_both, there(), 12).await;
    assert_eq!(taken(&store, 12).await, [for_second]);
}

async fn after_an_outage_old_and_new_notes_take_turns(on: On) {
    let place = on.place();
    let store = place.open();
    for second in 1..=6 {
        accept(&store, second, second.unsigned_abs().into()).await;
    }
    let notes = store.take_due_notes(at(10), vec![pick("main", 4, true)]).await.unwrap();
    let seconds = notes.iter().map(|(note, _)| note.accepted_at.as_second() - at(0).as_second());
    assert_eq!(seconds.collect::<Vec<_>>(), [6, 1, 5, 2]);
}

async fn notes_are_found_by_household_client_and_the_crms_id(on: On) {
    let place = on.place();
    let store = place.open();
    let first = accept_for(&store, 1, 1, &[7]).await;
    let second = accept_for(&store, 2, 1, &[7, 8]).await;
    accept_for(&store, 3, 2, &[9]).await;
    let found = async |filter: NoteFilter| {
        let page = PageRequest { cursor: None, limit: 10 };
        store.notes(filter, page).await.unwrap().items.into_iter().map(|note| note.id).collect::<Vec<_>>()
    };
    let client = |id| NoteFilter { client: Some(ClientId(Uuid::from_u128(id))), ..NoteFilter::default() };
    assert_eq!(found(client(7)).await, [second, first]);
    assert_eq!(found(client(8)).await, [second]);
    let household = NoteFilter { household: Some(HouseholdId(Uuid::from_u128(1))), ..NoteFilter::default() };
    assert_eq!(found(household.clone()).await, [second, first]);
    taken(&store, 5).await;
    conclude(&store, first, there(), 6).await;
    let document = |id: &str| NoteFilter { document: Some(ExternalId(id.to_owned())), ..NoteFilter::default() };
    assert_eq!(found(document("9001")).await, [first]);
    assert_eq!(found(document("9002")).await, [] as [NoteId; 0]);
    let open_ones = NoteFilter { connection: Some("other".parse().unwrap()), ..household };
    assert_eq!(found(open_ones).await, [] as [NoteId; 0]);
}

async fn an_event_its_note_and_its_documents_are_kept_together(on: On) {
    let place = on.place();
    let store = place.open();
    let mut new = new(1, 1, "with a document");
    let document = Document::new("Plan.pdf".to_owned(), "application/pdf".to_owned(), b"%PDF-1.7".to_vec(), at(1));
    new.event.attachments = vec![document.id];
    new.documents = vec![document.clone()];
    let (event, event_id) = (new.event.clone(), new.note.event_id);
    assert!(store.accept_note(new).await.unwrap().is_none());
    assert_eq!(store.document(document.id).await.unwrap(), Some(document));
    assert_eq!(store.event(event_id).await.unwrap(), Some(event));
}

async fn a_households_documents_are_listed_page_by_page(on: On) {
    let place = on.place();
    let store = place.open();
    for (second, household, names) in [(1, 1, &["a", "b"][..]), (2, 2, &["c"]), (3, 1, &[]), (4, 1, &["d", "a"])] {
        let mut new = new(second, household, &second.to_string());
        for name in names {
            let content = format!("%PDF-1.7 {name}").into_bytes();
            let document = Document::new(format!("{name}.pdf"), "application/pdf".to_owned(), content, at(second));
            let document = document.made(String::new());
            new.note.attachments.push(Attachment {
                document: document.id,
                filename: document.filename.clone(),
                media_type: document.media_type.clone(),
                size: document.content.len() as u64,
                replaced: String::new(),
                attached_as: None,
            });
            new.documents.push(document);
        }
        store.accept_note(new).await.unwrap();
    }
    let household = NoteFilter { household: Some(HouseholdId(Uuid::from_u128(1))), ..NoteFilter::default() };
    let all = async |filter: &NoteFilter, limit: usize| {
        let (mut names, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.note_documents(filter.clone(), PageRequest { cursor, limit }).await.unwrap();
            assert!(page.items.iter().all(|one| one.facts.as_ref().unwrap().source == Source::Made));
            names.push(page.items.into_iter().map(|one| one.attachment.filename).collect::<Vec<_>>().join(" "));
            cursor = page.next;
            if cursor.is_none() {
                return names;
            }
        }
    };
    assert_eq!(all(&household, 10).await, ["d.pdf a.pdf a.pdf b.pdf"]);
    assert_eq!(all(&household, 3).await, ["d.pdf a.pdf a.pdf", "b.pdf"]);
    assert_eq!(all(&household, 1).await, ["d.pdf", "a.pdf", "a.pdf", "b.pdf"]);
    assert_eq!(all(&NoteFilter::default(), 3).await, ["d.pdf a.pdf c.pdf", "a.pdf b.pdf"]);
    let page = PageRequest { cursor: Some("made-up".to_owned()), limit: 3 };
    assert!(matches!(store.note_documents(household, page).await, Err(StoreError::BadCursor)));
}

async fn only_what_is_done_is_looked_for_again_and_only_what_needs_somebody_is_raised(on: On) {
    let place = on.place();
    let store = place.open();
    let [done, dead] = [accept(&store, 1, 1).await, accept(&store, 2, 2).await];
    taken(&store, 5).await;
    let looked_for = async |store: &Store| {
        store.notes_looked_for(None, 10).await.unwrap().iter().map(|note| note.id).collect::<Vec<_>>()
    };
    let raised = async |store: &Store| {
        let mut counts = Vec::new();
        for raised in [Raised::Missing, Raised::Twice, Raised::Refiling, Raised::Undelivered] {
            counts.push(store.raised_notes(raised).await.unwrap().0);
        }
        counts
    };
    assert_eq!((looked_for(&store).await, raised(&store).await), (vec![], vec![0, 0, 0, 0]));
    conclude(&store, done, there(), 6).await;
    conclude(&store, dead, Outcome::Unknown { message: "cut".to_owned(), retry_after: None }, 6).await;
    conclude(&store, dead, Outcome::Refused { message: "no".to_owned() }, 6).await;
    assert_eq!((looked_for(&store).await, raised(&store).await), (vec![done], vec![0, 0, 0, 1]));
    for (copies, expected) in [(2, [0, 1, 0, 1]), (0, [1, 0, 0, 1]), (1, [0, 0, 0, 1]), (0, [1, 0, 0, 1])] {
        store.change_note(done, move |note| note.saw_copies(copies)).await.unwrap();
        assert_eq!(raised(&store).await, expected, "{copies}");
    }
    // A store of an earlier version has no list of raised notes, and is given one.
    let raised_notes: Table<(u32, u8, [u8; 16]), ()> = Table::new("notes-raised");
    store.write(move |transaction| Ok(transaction.delete_table(raised_notes)?)).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(raised(&store).await, [1, 0, 0, 1]);
    let filter = NoteFilter { raised: Some(Raised::Missing), ..NoteFilter::default() };
    let page = PageRequest { cursor: None, limit: 10 };
    assert_eq!(store.notes(filter, page).await.unwrap().items.len(), 1);
    for note in [done, dead] {
        store.change_note(note, |note| note.discard("seen to")).await.unwrap().unwrap().1.unwrap();
    }
    assert_eq!((looked_for(&store).await, raised(&store).await), (vec![], vec![0, 0, 0, 0]));
}

async fn a_wait_beyond_the_end_of_time_is_none_that_is_over(on: On) {
    let place = on.place();
    let store = place.open();
    let id = accept(&store, 1, 1).await;
    let park = |note: &mut Note| {
        note.state = NoteState::Waiting;
        note.due_at = Some(Timestamp::MAX);
    };
    store.change_note(id, park).await.unwrap();
    assert_eq!(store.next_notes_due().await.unwrap()[0].1, Timestamp::MAX);
    assert_eq!(store.pull_notes_forward(SignedDuration::ZERO, at(86_400)).await.unwrap(), 1);
    assert_eq!(due(&store).await, [("main".to_owned(), 86_400)]);
    assert_eq!(store.pull_notes_forward(SignedDuration::from_hours(1), at(86_400)).await.unwrap(), 1);
    assert_eq!(due(&store).await, [("main".to_owned(), 82_800)]);
    assert_eq!(store.pull_notes_forward(SignedDuration::ZERO, at(86_400)).await.unwrap(), 0);
}

async fn notes_are_counted_by_state(on: On) {
    let place = on.place();
    let store = place.open();
    let counts = async || {
        let counts = store.open_notes().await.unwrap();
        let states = [NoteState::Queued, NoteState::Sending, NoteState::Waiting, NoteState::Dead];
        assert!(counts.iter().map(|(state, _)| *state).eq(states));
        counts.into_iter().map(|(_, count)| count).collect::<Vec<_>>()
    };
    let [first, ..] = [accept(&store, 1, 1).await, accept(&store, 2, 2).await];
    assert_eq!(counts().await, [2, 0, 0, 0]);
    assert_eq!(taken(&store, 1).await, [first]);
    assert_eq!(counts().await, [1, 1, 0, 0]);
    conclude(&store, first, there(), 2).await;
    assert_eq!(counts().await, [1, 0, 0, 0]);
    // It is looked for until it is settled.
    assert_eq!(store.notes_looked_for(None, 9).await.unwrap().len(), 1);
    assert_eq!(store.notes_looked_for(Some(first), 9).await.unwrap().len(), 0);
    store.note_is_settled(first).await.unwrap();
    assert_eq!(store.notes_looked_for(None, 9).await.unwrap().len(), 0);
}

async fn a_households_latest_event_is_the_one_that_happened_last(on: On) {
    let place = on.place();
    let store = place.open();
    let mut happened = Vec::new();
    for (second, occurred) in [(1, 9), (2, 5), (3, 20), (4, 20)] {
        let mut new = new(second, 1, &second.to_string());
        new.event.occurred_at = at(occurred);
        new.event.data = serde_json::json!({ "second": second });
        happened.push(new.event.clone());
        store.accept_note(new).await.unwrap();
        let latest = store.latest_event(HouseholdId(Uuid::from_u128(1)), "note.written").await.unwrap().unwrap();
        let expected = if second == 2 { &happened[0] } else { &happened[happened.len() - 1] };
        assert_eq!(&latest, expected, "{second}");
    }
    for (household, event_type) in [(1, "note.written.by"), (2, "note.written")] {
        let found = store.latest_event(HouseholdId(Uuid::from_u128(household)), event_type).await.unwrap();
        assert_eq!(found, None);
    }
}

async fn a_note_for_somebody_who_is_not_linked_waits_for_the_link(on: On) {
    let practice = Practice::new(on).await;
    let store = &practice.store;
    let ayda = practice.make(client("", "Ayda Khan"), None).await.unwrap();
    let mut new = new(1, 1, "unlinked");
    new.note.clients = vec![ayda];
    let id = new.note.id;
    store.accept_note(new).await.unwrap();
    let other = accept(store, 2, 2).await;
    assert_eq!(taken(store, 5).await, [] as [NoteId; 0], "what was first waits now");
    assert_eq!(taken(store, 5).await, [other]);
    let awaiting = async || store.notes_awaiting_link().await.unwrap().iter().map(|note| note.id).collect::<Vec<_>>();
    assert_eq!(awaiting().await, [id]);
    let main = || "main".parse().unwrap();
    store.change_note(id, move |note| note.linked(vec![ExternalId("7".to_owned())], main(), at(6))).await.unwrap();
    assert_eq!(awaiting().await, []);
    practice.link(ayda, "7").await.unwrap();
    assert_eq!(taken(store, 6).await, [id]);
}

async fn a_pause_that_the_site_asked_for_is_ended(on: On) {
    let place = on.place();
    let store = place.open();
    let id = accept(&store, 1, 1).await;
    assert_eq!(taken(&store, 2).await, [id]);
    let retry_after = Some(SignedDuration::from_hours(2));
    conclude(&store, id, Outcome::NotDone { message: "slow down".to_owned(), retry_after }, 3).await;
    let due = async || store.note(id).await.unwrap().unwrap().due_at.unwrap();
    assert!(due().await >= at(7200));
    let end = async |of: &str| store.end_pauses(at(20), of.parse().unwrap(), Timing::default()).await.unwrap();
    assert_eq!((end("other").await, end("main").await, end("main").await), (0, 1, 0));
    assert_eq!(due().await, at(20));
}

/// A document that went with a note of each of these households.
pub async fn a_document_of(store: &Store, households: &[u128]) -> DocumentId {
    let plan = Document::new("Plan.pdf".to_owned(), "application/pdf".to_owned(), b"%PDF-1.7".to_vec(), at(1));
    store.put_document(plan.clone(), None).await.unwrap();
    for household in households {
        went_to(store, &plan, HouseholdId(Uuid::from_u128(*household))).await;
    }
    plan.id
}

async fn went_to(store: &Store, document: &Document, household: HouseholdId) {
    let mut new = note_of(household, &[ClientId(household.0)], "Review");
    new.note.attachments = vec![Attachment {
        document: document.id,
        filename: document.filename.clone(),
        media_type: document.media_type.clone(),
        size: 8,
        replaced: String::new(),
        attached_as: None,
    }];
    assert!(store.accept_note(new).await.unwrap().is_none());
}

async fn a_document_is_of_the_households_that_it_went_to(on: On) {
    let place = on.place();
    let store = place.open();
    let nobodys = a_document_of(&store, &[]).await;
    assert_eq!(store.households_of_document(nobodys).await.unwrap(), []);
    let plan = a_document_of(&store, &[7, 7]).await;
    let [first, later] = [7, 8].map(|number| HouseholdId(Uuid::from_u128(number)));
    assert_eq!(store.households_of_document(plan).await.unwrap(), [first]);
    let plan = a_document_of(&store, &[8, 7]).await;
    assert_eq!(store.households_of_document(plan).await.unwrap(), [first, later]);
}
