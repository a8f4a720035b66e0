//! Delivery to the stand-in site, with its faults and with processes that die.

use std::collections::BTreeMap;

use uuid::Uuid;
use xplan_sandbox::{Account, FaultPlan, NoteHabits, Options, Sandbox};

mod kills;
mod odd_sites;
mod panics;

use jiff::SignedDuration;

use super::*;
use crate::crm::spec::SiteAccess;
use crate::crm::xplan::{self, Xplan};
use crate::domain::note::{Acceptance, Attachment, DeliveryStep, Event, FileNote, NoteState, Stage};
use crate::domain::{ClientId, EventId, ExternalId, HouseholdId, NoteId, RevisionId};
use crate::store::book::PageRequest;
use crate::store::documents::Document;
use crate::store::outbox::{NewNote, NoteFilter, Raised};

const PASSWORD: &str = "sandbox";

struct Rig {
    sandbox: Sandbox,
    clients: Vec<u32>,
    store: Store,
    connector: Arc<dyn Connector>,
    /// The time for which "not there" is not believed.
    doubt: SignedDuration,
    _folder: tempfile::TempDir,
}

fn connector(host: &str, password: &str) -> Arc<dyn Connector> {
    let access = SiteAccess::to_stand_in(&xplan::KIND, host, &[("username", "svc"), ("password", password)]).unwrap();
    Arc::new(Xplan::new(&access, None).unwrap())
}

/// The connectors of connections, by their names.
fn connectors<const N: usize>(connectors: [(&'static str, Arc<dyn Connector>); N]) -> Connectors {
    let connectors = BTreeMap::from(connectors);
    Box::new(move |name| connectors.get(name.as_str()).cloned())
}

impl Rig {
    async fn new(password: &str) -> Self {
        let accounts = vec![Account::new("svc", PASSWORD)];
        let sandbox = Sandbox::start(Options { clients: 50, accounts, ..Options::default() }).await.unwrap();
        let connector = connector(&sandbox.addr().to_string(), password);
        let folder = tempfile::tempdir().unwrap();
        let clients = sandbox.admin().book(|book| book.clients().map(|client| client.id).collect());
        let store = Store::open(folder.path()).unwrap();
        let doubt = SignedDuration::from_millis(400);
        Self { sandbox, clients, store, connector, doubt, _folder: folder }
    }

    fn faults(&self, seed: u64, rules: &[&str]) {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        self.sandbox.admin().set_faults(FaultPlan { seed, rules });
    }

    /// Delivery as a process of its own: aborting it is killing it.
    fn start(&self) -> tokio::task::JoinHandle<()> {
        self.start_as(self.delivery())
    }

    /// The same, dying by itself where the hook says so.
    fn start_dying(&self, hook: Box<dyn Fn(&'static str) -> bool + Send + Sync>) -> tokio::task::JoinHandle<()> {
        let mut delivery = self.delivery();
        delivery.fail_points.hook = Some(hook);
        self.start_as(delivery)
    }

    #[expect(clippy::unused_self, reason = "reads like the others")]
    fn start_as(&self, delivery: Delivery) -> tokio::task::JoinHandle<()> {
        let delivery = Arc::new(delivery);
        tokio::spawn(async move { delivery.run(&CancellationToken::new()).await })
    }

    fn delivery(&self) -> Delivery {
        let connectors = connectors([("main", Arc::clone(&self.connector))]);
        let millis = SignedDuration::from_millis;
        let timing = Timing {
            retries: vec![millis(30); 40],
            doubt: self.doubt,
            lag: SignedDuration::ZERO,
            authorisation: millis(60_000),
            outage: vec![millis(20)],
        };
        Delivery::new(self.store.clone(), connectors, timing)
    }

    /// A note for a client, in its lane.
    async fn accept(&self, client: u32, lane: u128, subject: &str) -> NoteId {
        self.accept_for("main", client, lane, subject).await
    }

    /// A note that goes out by this connection.
    async fn accept_for(&self, connection: &str, client: u32, lane: u128, subject: &str) -> NoteId {
        self.accept_new(connection, client, lane, subject, Vec::new()).await
    }

    /// A note for a client with documents of these names.
    async fn accept_with(&self, client: u32, subject: &str, documents: &[String]) -> NoteId {
        let now = Timestamp::now();
        let document = |name: &String| {
            Document::new(name.clone(), "application/pdf".to_owned(), format!("%PDF-1.7 {name}").into_bytes(), now)
        };
        self.accept_new("main", client, u128::from(client), subject, documents.iter().map(document).collect()).await
    }

    async fn accept_new(
        &self,
        connection: &str,
        client: u32,
        lane: u128,
        subject: &str,
        documents: Vec<Document>,
    ) -> NoteId {
        let id = Uuid::now_v7();
        let now = Timestamp::now();
        let event = Event {
            event_type: "note.written".to_owned(),
            household_id: HouseholdId(Uuid::from_u128(lane)),
            client_id: None,
            occurred_at: now,
            data: serde_json::Value::Null,
            attachments: documents.iter().map(|document| document.id).collect(),
        };
        let attachment = |document: &Document| Attachment {
            document: document.id,
            filename: document.filename.clone(),
            media_type: document.media_type.clone(),
            size: document.content.len() as u64,
            replaced: String::new(),
            attached_as: None,
        };
        let note = Note::from(Acceptance {
            id: NoteId(id),
            event_id: EventId(id),
            event_type: event.event_type.clone(),
            event_label: "Note".to_owned(),
            household_id: event.household_id,
            connection: connection.parse().unwrap(),
            revision: RevisionId([0; 6]),
            marker: format!("tidegate-{id}"),
            note: FileNote {
                note_type: "File Note".to_owned(),
                note_subtype: Some("General".to_owned()),
                subject: subject.to_owned(),
                body: "Body".to_owned(),
                media_type: "text/plain".to_owned(),
                filed_against: vec![ExternalId(client.to_string())],
            },
            attachments: documents.iter().map(attachment).collect(),
            clients: vec![ClientId(Uuid::from_u128(lane))],
            accepted_at: now,
        });
        let new = NewNote { event, note, key: id.to_string(), digest: [0; 32], documents };
        self.store.accept_note(new).await.unwrap();
        NoteId(id)
    }

    async fn all(&self) -> Vec<Note> {
        self.store.notes(NoteFilter::default(), PageRequest { cursor: None, limit: 500 }).await.unwrap().items
    }

    /// The number of notes that are neither done nor dead; of a hundred or more, a hundred.
    async fn open(&self) -> usize {
        let mut open = 0;
        for state in [NoteState::Queued, NoteState::Sending, NoteState::Waiting] {
            let page = PageRequest { cursor: None, limit: 100 };
            open += self.store.notes(NoteFilter::in_state(state), page).await.unwrap().items.len();
        }
        open
    }

    /// Waits until no note is open.
    async fn until_quiet(&self) {
        for _ in 0..1800 {
            if self.open().await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("notes are still open: {:#?}", self.all().await.iter().find(|note| note.state != NoteState::Done));
    }

    /// Waits until a note has come so far, and answers it.
    async fn until_stage(&self, id: NoteId, stage: Stage) -> Note {
        for _ in 0..600 {
            let note = self.store.note(id).await.unwrap().unwrap();
            if note.stage() == stage {
                return note;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the note is not {stage:?}: {:#?}", self.store.note(id).await);
    }

    /// Waits until every note has this state, and answers them.
    async fn until_all(&self, state: NoteState) -> Vec<Note> {
        for _ in 0..1800 {
            let notes = self.all().await;
            if notes.iter().all(|note| note.state == state) {
                return notes;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not all are {state:?}: {:#?}", self.all().await.iter().find(|note| note.state != state));
    }

    fn subjects_in_crm(&self) -> Vec<String> {
        self.sandbox.admin().notes().into_iter().map(|note| note.subject).collect()
    }
}

#[tokio::test]
async fn a_note_arrives_at_once() {
    let rig = Rig::new(PASSWORD).await;
    rig.accept(rig.clients[0], 1, "Completed Your Life Survey").await;
    let running = rig.start();
    let notes = rig.until_all(NoteState::Done).await;
    let kept = rig.sandbox.admin().notes();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].guid.as_ref(), Some(&notes[0].marker));
    assert_eq!(notes[0].step, DeliveryStep::Created { document_id: ExternalId(kept[0].id.to_string()) });
    running.abort();
}

#[tokio::test]
async fn each_note_once_and_in_order_through_faults_and_kills() {
    let rig = Rig::new(PASSWORD).await;
    rig.faults(
        7,
        &[
            "cut_before:chance=0.1,method=POST",
            "cut_after:chance=0.15,method=POST",
            "cut_late:chance=0.1,ms=150,method=POST",
            "cut_body:chance=0.1,method=POST",
            "server_error:chance=0.05,method=POST",
            "too_many_requests:chance=0.05,method=POST",
            "slow:chance=0.3,ms=40,method=POST",
            "session_takeover:chance=0.05,times=2",
        ],
    );
    let mut expected = BTreeMap::new();
    for round in 0..5 {
        for (household, client) in rig.clients.iter().take(8).enumerate() {
            let subject = format!("Household {household} note {round}");
            rig.accept(*client, household as u128, &subject).await;
            expected.entry(*client).or_insert_with(Vec::new).push(subject);
        }
    }
    for _ in 0..12 {
        let running = rig.start();
        tokio::time::sleep(Duration::from_millis(rand::random_range(20..250))).await;
        running.abort();
        let _ = running.await;
    }
    let running = rig.start();
    rig.until_all(NoteState::Done).await;
    let mut arrived: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for note in rig.sandbox.admin().notes() {
        arrived.entry(note.entity_ids[0]).or_default().push(note.subject);
    }
    assert_eq!(arrived, expected);
    running.abort();
}

#[tokio::test]
async fn a_refused_sign_in_keeps_all_notes_and_asks_once() {
    let rig = Rig::new("mistyped").await;
    for household in 0..20 {
        rig.accept(rig.clients[0], household, "Kept").await;
    }
    let running = rig.start();
    for note in rig.until_all(NoteState::Waiting).await {
        assert!(note.reason.as_deref().unwrap().contains("authorised again"), "{note:?}");
        assert_eq!(note.step, DeliveryStep::Accepted);
    }
    rig.accept(rig.clients[0], 99, "Later").await;
    assert_eq!(rig.sandbox.admin().stats().requests, 1);
    assert!(rig.subjects_in_crm().is_empty());
    running.abort();
}

#[tokio::test]
async fn a_refused_note_dies_with_the_crms_words_and_blocks_nobody() {
    let rig = Rig::new(PASSWORD).await;
    let refused = rig.accept(999_999_999, 1, "Refused").await;
    let behind = rig.accept(rig.clients[0], 1, "Behind it").await;
    let running = rig.start();
    for _ in 0..100 {
        if rig.subjects_in_crm().len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(rig.subjects_in_crm(), ["Behind it"]);
    let dead = rig.store.note(refused).await.unwrap().unwrap();
    assert_eq!(dead.state, NoteState::Dead);
    assert!(dead.reason.unwrap().contains("does not exist or is not visible"));
    assert!(rig.store.note(behind).await.unwrap().is_some());
    running.abort();
}

#[tokio::test]
async fn a_late_create_is_waited_for() {
    let rig = Rig::new(PASSWORD).await;
    rig.faults(1, &["cut_late:ms=250,times=1,method=POST"]);
    rig.accept(rig.clients[0], 1, "Late").await;
    let running = rig.start();
    let note = rig.until_all(NoteState::Done).await.remove(0);
    assert_eq!(rig.subjects_in_crm(), ["Late"]);
    assert!(note.attempts.last().unwrap().outcome.starts_with("Found in the CRM"), "{:?}", note.attempts);
    running.abort();
}

#[tokio::test]
async fn shutting_down_lets_calls_end() {
    let rig = Rig::new(PASSWORD).await;
    rig.faults(1, &["slow:ms=300,method=POST"]);
    rig.accept(rig.clients[0], 1, "Slow").await;
    let connectors = connectors([("main", Arc::clone(&rig.connector))]);
    let delivery = Arc::new(Delivery::new(rig.store.clone(), connectors, Timing::default()));
    let shutdown = CancellationToken::new();
    let running = tokio::spawn({
        let (delivery, shutdown) = (Arc::clone(&delivery), shutdown.clone());
        async move { delivery.run(&shutdown).await }
    });
    while rig.all().await[0].state != NoteState::Sending {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(rig.all().await[0].state, NoteState::Done);
}

#[tokio::test]
async fn a_site_that_refuses_the_search_leaves_the_note_to_a_person() {
    let rig = Rig::new(PASSWORD).await;
    rig.faults(1, &["cut_after:times=1,on=docnote,method=POST", "forbidden:on=docnote,method=GET"]);
    let id = rig.accept(rig.clients[0], 1, "In doubt").await;
    let behind = rig.accept(rig.clients[0], 1, "Behind it").await;
    let running = rig.start();
    let note = rig.until_stage(id, Stage::InDoubt).await;
    assert!(note.reason.unwrap().contains("lacks the capability"));
    rig.until_stage(behind, Stage::Done).await;
    assert_eq!(rig.subjects_in_crm(), ["In doubt", "Behind it"], "it is not sent again");
    let there = rig.sandbox.admin().notes()[0].id.to_string();
    rig.store.change_note(id, move |note| note.resolve(Some(ExternalId(there)), Timestamp::now())).await.unwrap();
    rig.until_stage(id, Stage::Done).await;
    assert_eq!(rig.subjects_in_crm().len(), 2);
    running.abort();
}

#[tokio::test]
async fn a_site_that_is_down_is_left_alone_and_takes_nobody_elses_places() {
    let rig = Rig::new(PASSWORD).await;
    let down = Sandbox::start(Options { clients: 1, ..Options::default() }).await.unwrap();
    let rule = "cut_before".parse().unwrap();
    down.admin().set_faults(FaultPlan { seed: 0, rules: vec![rule] });
    for number in 0..40 {
        rig.accept_for("down", rig.clients[0], 1000 + number, "To a site that is down").await;
    }
    let delivery = Arc::new(Delivery::new(
        rig.store.clone(),
        connectors([("main", Arc::clone(&rig.connector)), ("down", connector(&down.addr().to_string(), PASSWORD))]),
        Timing { outage: vec![SignedDuration::from_secs(60)], ..Timing::default() },
    ));
    let running = tokio::spawn({
        let delivery = Arc::clone(&delivery);
        async move { delivery.run(&CancellationToken::new()).await }
    });
    let notes = [1, 2, 3].map(|lane| rig.accept(rig.clients[lane], lane as u128, "To a site that is up"));
    for id in futures::future::join_all(notes).await {
        rig.until_stage(id, Stage::Done).await;
    }
    while matches!(delivery.gate(&"down".parse().unwrap(), Timestamp::now()), Gate::Open) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let tried =
        rig.all().await.iter().filter(|note| !note.attempts.is_empty() && note.connection.as_str() == "down").count();
    assert!(tried <= SIDE_BY_SIDE, "{tried} notes were tried at a site that is down");
    running.abort();
}

#[tokio::test]
async fn a_note_that_the_crm_has_twice_is_raised_until_one_is_gone() {
    let rig = Rig::new(PASSWORD).await;
    let delivery = rig.delivery();
    let watched = async || -> Vec<NoteId> {
        rig.store.notes_looked_for(None, 10).await.unwrap().iter().map(|note| note.id).collect()
    };
    for (number, faults) in [(1, &["cut_after:times=1,on=docnote,method=POST"][..]), (2, &[])] {
        rig.faults(1, faults);
        let id = rig.accept(rig.clients[number], (number as u64).into(), "Made once").await;
        let running = rig.start();
        rig.until_stage(id, Stage::Done).await;
        running.abort();
        let note = rig.store.note(id).await.unwrap().unwrap();
        assert_eq!(note.doubted, number == 1);
        let made: u32 = note.document_id().unwrap().as_str().parse().unwrap();
        let copy = rig.sandbox.admin().copy_note(made).unwrap();
        assert_eq!(delivery.reconcile(Timestamp::now()).await.unwrap(), 1, "{number}");
        let twice = NoteFilter { raised: Some(Raised::Twice), ..NoteFilter::default() };
        let raised = rig.store.notes(twice.clone(), PageRequest { cursor: None, limit: 10 }).await.unwrap().items;
        assert_eq!(raised.iter().map(|note| (note.id, note.copies)).collect::<Vec<_>>(), [(id, Some(2))]);
        let reason = raised[0].reason.clone().unwrap();
        assert!(reason.contains(&format!("remove all but {made} there")), "{reason}");

        // It stays raised, a day later too, until somebody has removed one.
        let days_later = Timestamp::now() + SignedDuration::from_hours(50);
        assert_eq!(delivery.reconcile(days_later).await.unwrap(), 1);
        assert!(rig.sandbox.admin().remove_note(copy));
        assert_eq!(delivery.reconcile(Timestamp::now()).await.unwrap(), 0);
        let left = rig.store.note(id).await.unwrap().unwrap();
        assert_eq!((left.stage(), left.copies, left.reason), (Stage::Done, None, None));
        assert_eq!(rig.store.notes(twice, PageRequest { cursor: None, limit: 10 }).await.unwrap().items, []);
        assert_eq!(watched().await, [id], "it was doubted, and is looked for until a day has gone by");
        delivery.reconcile(Timestamp::now() + SignedDuration::from_hours(50)).await.unwrap();
        assert_eq!(watched().await, []);
    }
    let plain = rig.accept(rig.clients[3], 3, "There once, and nobody doubted it").await;
    let running = rig.start();
    rig.until_stage(plain, Stage::Done).await;
    running.abort();
    assert_eq!(watched().await, [plain]);
    assert_eq!(delivery.reconcile(Timestamp::now()).await.unwrap(), 0);
    assert_eq!(watched().await, [], "it is looked for once");
    assert_eq!(rig.subjects_in_crm().len(), 3);
}
