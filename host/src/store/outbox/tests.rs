//! What a store of the outbox must do.

use super::*;
use crate::domain::note::{DeliveryStep, FileNote};
use crate::domain::outbox::{Outcome, Timing};
use crate::domain::{ClientId, EventId, ExternalId, HouseholdId, RevisionId};

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
    let note = Note {
        id: NoteId(id),
        event_id: EventId(id),
        event_type: event.event_type.clone(),
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
        state: NoteState::Queued,
        step: DeliveryStep::Accepted,
        accepted_at: at(second),
        due_at: Some(at(second)),
        done_at: None,
        failures: 0,
        attempts: Vec::new(),
        reason: None,
        doubted: false,
        discarded: false,
        awaits: None,
        copies: None,
    };
    NewNote { event, note, key: key.to_owned(), digest: [7; 32], documents: Vec::new() }
}

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

async fn accept(store: &Store, second: i64, household: u128) -> NoteId {
    let new = new(second, household, &format!("{second}-{household}"));
    let id = new.note.id;
    assert!(store.accept_note(new).await.unwrap().is_none());
    id
}

async fn taken(store: &Store, second: i64) -> Vec<NoteId> {
    let notes = store.take_due_notes(at(second), 100, HashMap::new()).await.unwrap();
    notes.into_iter().map(|(note, _)| note.id).collect()
}

async fn conclude(store: &Store, id: NoteId, outcome: Outcome, second: i64) {
    let change =
        move |note: &mut Note| note.conclude((Call::Create, at(second)), outcome, at(second), 0.5, &Timing::default());
    store.change_note(id, change).await.unwrap().unwrap();
}

fn there() -> Outcome {
    Outcome::There { document_id: ExternalId("9001".to_owned()), copies: 1 }
}

#[tokio::test]
async fn a_key_stands_for_one_note() {
    let (_folder, store) = open();
    let posts = (0..100).map(|number| store.accept_note(new(number, 1, "same")));
    let answers = futures::future::try_join_all(posts).await.unwrap();
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 1);
    let page = PageRequest { cursor: None, limit: 100 };
    let kept = store.notes(None, page).await.unwrap().items;
    assert_eq!(kept.len(), 1);
    let known = store.keyed_note("same".to_owned()).await.unwrap().unwrap();
    assert_eq!((known.note, known.digest), (kept[0].clone(), [7; 32]));
    assert!(store.keyed_note("other".to_owned()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_lane_goes_in_order_and_lanes_side_by_side() {
    let (_folder, store) = open();
    let [a1, a2, b1, a3] = [
        accept(&store, 1, 1).await,
        accept(&store, 2, 1).await,
        accept(&store, 3, 2).await,
        accept(&store, 4, 1).await,
    ];
    assert_eq!(store.next_note_due().await.unwrap(), Some(at(1)));
    assert_eq!(taken(&store, 10).await, [a1, b1]);
    assert_eq!(taken(&store, 10).await, []);
    assert_eq!(store.next_note_due().await.unwrap(), None);

    let failed = Outcome::NotDone { words: "no".to_owned(), retry_after: None };
    conclude(&store, a1, failed, 10).await;
    assert_eq!(taken(&store, 10).await, []);
    assert_eq!(taken(&store, 11).await, [a1]);
    conclude(&store, a1, there(), 11).await;
    assert_eq!(taken(&store, 11).await, [a2]);
    conclude(&store, a2, Outcome::Refused { words: "no".to_owned() }, 11).await;
    assert_eq!(taken(&store, 11).await, [a3]);
}

#[tokio::test]
async fn a_hold_puts_off_the_notes_of_its_connection() {
    let (_folder, store) = open();
    let (held, other) = (accept(&store, 1, 1).await, accept(&store, 1, 100).await);
    let hold = Hold { until: at(60), words: "sign-in refused".to_owned() };
    let holds = HashMap::from([("main".parse().unwrap(), hold)]);
    let notes = store.take_due_notes(at(5), 10, holds.clone()).await.unwrap();
    assert_eq!(notes.iter().map(|(note, _)| note.id).collect::<Vec<_>>(), [other]);
    let note = store.note(held).await.unwrap().unwrap();
    assert_eq!((note.state, note.due_at), (NoteState::Waiting, Some(at(60))));
    assert!(note.reason.unwrap().contains("sign-in refused"));
    let notes = store.take_due_notes(at(60), 10, holds).await.unwrap();
    assert_eq!(notes.iter().map(|(note, call)| (note.id, *call)).collect::<Vec<_>>(), [(held, Call::Create)]);
}

#[tokio::test]
async fn what_was_being_sent_is_taken_up_after_a_restart() {
    let (folder, store) = open();
    let id = accept(&store, 1, 1).await;
    assert_eq!(taken(&store, 2).await, [id]);
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(taken(&store, 3).await, []);
    assert_eq!(store.take_up_notes(at(4)).await.unwrap(), 1);
    let notes = store.take_due_notes(at(4), 10, HashMap::new()).await.unwrap();
    assert_eq!(notes.iter().map(|(note, call)| (note.id, *call)).collect::<Vec<_>>(), [(id, Call::LookUp)]);
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let (_folder, store) = open();
    for second in 1..=5 {
        accept(&store, second, second.unsigned_abs().into()).await;
    }
    taken(&store, 2).await;
    let walk = async |state: Option<NoteState>| {
        let (mut seconds, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.notes(state, PageRequest { cursor, limit: 2 }).await.unwrap();
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
    assert!(matches!(store.notes(None, page).await, Err(StoreError::BadCursor)));
}
