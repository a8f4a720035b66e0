//! Duties of every store, told in the domain's operations. Each test is run on each engine: another one is run against
//! them all by a place of its own in [`On`].

/// Runs tests, each told where, on each engine.
macro_rules! on_each_engine {
    ($($test:ident),+ $(,)?) => {
        mod in_file {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::store::conformance::On::File).await;
            })+
        }

        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::store::conformance::On::Memory).await;
            })+
        }
    };
}

mod absent_clients;
mod absent_items;
mod access;
mod audit;
mod connections;
mod documents;
mod edits;
mod erasure;
mod findings;
mod household_access;
mod households;
mod identities;
mod imports;
mod kept_records;
mod linking;
mod lists;
mod operations;
pub mod outbox;
mod people;
mod power_cuts;
mod practice;
mod reports;
mod reviews;
mod revisions;
mod runs;
mod search;
mod second_factor;
mod site_lists;
mod sites;
mod space;
mod staff_access;
mod taken_in;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Store;
use super::book::{BookCounts, ClientFilter, HouseholdFilter, HouseholdRow};
use super::commit::{Group, IncomingRecord, Lists, MappedBy, Outcome};
use super::engine::{Engine, MemoryEngine};
use super::raw::PackedRaw;
use super::seen::Seen;
use crate::domain::absence::{Edition, Threshold};
use crate::domain::record::{ClientStatus, Goal, GoalOwner, Outlook};
use crate::domain::run::{Run, RunCounts, RunState, Trigger};
use crate::domain::stored::StoredClient;
use crate::domain::{
    Adviser, Canonical, Client, ConnectionName, Diagnostic, ExternalId, RecordKind, RevisionId, RunId, Timestamp,
};
use crate::store::page::PageRequest;
use crate::store::walks::WalkPosition;

/// A practice with an empty book and one run under way.
struct Practice {
    store: Store,
    place: Place,
    run: Run,
    chunks: u32,
}

/// The engine that a store stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum On {
    File,
    Memory,
}

/// The place where a store is kept: it can be opened again once nobody has it open.
enum Place {
    File(tempfile::TempDir),
    Memory(MemoryEngine),
}

impl On {
    /// A place where nothing is kept yet.
    fn place(self) -> Place {
        match self {
            Self::File => Place::File(tempfile::tempdir().unwrap()),
            Self::Memory => Place::Memory(MemoryEngine::default()),
        }
    }
}

impl Place {
    fn open(&self) -> Store {
        match self {
            Self::File(folder) => Store::open(folder.path()).unwrap(),
            Self::Memory(engine) => Store::open_on(Engine::Memory(engine.clone())).unwrap(),
        }
    }
}

const REVISION: RevisionId = RevisionId([7; 6]);
const THRESHOLD: Threshold = Threshold { percent: 50, at_least: 2 };

impl Practice {
    async fn new(on: On) -> Self {
        let place = on.place();
        let store = place.open();
        let run = store.begin_run(new_run("main")).await.unwrap();
        Self { store, place, run, chunks: 0 }
    }

    /// Commits records as one group.
    async fn commit(&mut self, kind: RecordKind, incoming_records: Vec<IncomingRecord>) -> RunCounts {
        let before = std::mem::take(&mut self.run.counts);
        let group = self.group(kind, incoming_records);
        self.run = self.store.commit(group).await.unwrap();
        self.chunks += 1;
        let counts = std::mem::take(&mut self.run.counts);
        self.run.counts = before;
        counts
    }

    fn group(&self, kind: RecordKind, incoming_records: Vec<IncomingRecord>) -> Group {
        let mut seen = Seen::default();
        incoming_records.iter().for_each(|incoming| assert!(seen.note(&incoming.id)));
        Group {
            run: self.run.clone(),
            kind,
            by: MappedBy { revision: REVISION, as_of: None },
            incoming_records,
            below: Vec::new(),
            seen: Some((self.chunks, seen.pack().0)),
            position: Some(position(self.chunks)),
            at: Timestamp::from_second(1_750_000_000 + i64::from(self.chunks)).unwrap(),
        }
    }

    async fn clients(&mut self, clients: &[Client]) -> RunCounts {
        self.commit(RecordKind::Client, clients.iter().map(mapped).collect()).await
    }

    /// Commits the goals of clients, as a walk that read their lists anew.
    async fn goals(&mut self, lists: &[(&str, &[Goal])]) {
        let incoming_records = lists.iter().map(|(id, goals)| {
            let found = goals.iter().cloned().map(Canonical::Goal).collect();
            incoming(id, Outcome::List(found))
        });
        self.below(RecordKind::Goal, incoming_records.collect()).await;
    }

    /// Commits lists of a kind, of clients who are there.
    async fn below(&mut self, kind: RecordKind, incoming_records: Vec<IncomingRecord>) {
        let mut group = self.group(RecordKind::Client, Vec::new());
        let by = MappedBy { revision: REVISION, as_of: None };
        group.below = vec![Lists { kind, by, incoming_records, missed_again: Vec::new() }];
        self.run = self.store.commit(group).await.unwrap();
        self.chunks += 1;
    }

    /// A whole run that sees these clients in one group and ends as told.
    async fn walk_to(&mut self, incoming_records: Vec<IncomingRecord>, state: RunState, trigger: Trigger) -> Run {
        self.run = self.store.begin_run(Run { trigger, ..new_run("main") }).await.unwrap();
        let mut group = self.group(RecordKind::Client, incoming_records);
        group.run.counts.seen = group.incoming_records.len() as u64;
        if let Some(position) = &mut group.position {
            position.is_over = state == RunState::Done;
        }
        self.chunks += 1;
        let at = group.at;
        let run = self.store.commit(group).await.unwrap();
        let run = Run { state, finished_at: Some(at), ..run };
        self.run = self.store.finish_run(run, THRESHOLD).await.unwrap();
        self.run.clone()
    }

    /// Brings the run's walk to its end, and begins the next. Answers the run that ended.
    async fn end_walk(&mut self) -> Run {
        let mut group = self.group(RecordKind::Client, Vec::new());
        if let Some(position) = &mut group.position {
            position.is_over = true;
        }
        self.chunks += 1;
        let run = self.store.commit(group).await.unwrap();
        let run = self.store.finish_run(Run { state: RunState::Done, ..run }, THRESHOLD).await.unwrap();
        self.run = self.store.begin_run(new_run("main")).await.unwrap();
        run
    }

    /// A complete walk that sees these clients.
    async fn walk(&mut self, clients: &[Client]) -> RunCounts {
        self.walk_to(clients.iter().map(mapped).collect(), RunState::Done, Trigger::Schedule).await.counts
    }

    /// A complete walk that sees these clients in an edition of the book.
    async fn walk_edition(&mut self, clients: &[Client], edition: u128) {
        self.run = self.store.begin_run(new_run("main")).await.unwrap();
        self.clients(clients).await;
        let mut group = self.group(RecordKind::Client, Vec::new());
        group.position.as_mut().unwrap().is_over = true;
        self.chunks += 1;
        let run = self.store.commit(group).await.unwrap();
        let run = Run { state: RunState::Done, ..run };
        let kinds = [RecordKind::Client, RecordKind::Goal, RecordKind::Cover];
        let edition = Edition(kinds.into_iter().map(|kind| (kind, edition)).collect());
        self.run = self.store.finish_walk(run, THRESHOLD, Some(edition)).await.unwrap();
    }

    async fn of(&self, id: &str) -> Option<StoredClient> {
        let external_id = Some(("main".parse().unwrap(), ExternalId(id.to_owned())));
        let filter = ClientFilter { external_id, ..ClientFilter::default() };
        self.store.clients(filter, first(10)).await.unwrap().items.pop()
    }

    async fn household_of(&self, id: &str) -> HouseholdRow {
        let client = self.of(id).await.unwrap_or_else(|| panic!("{id} is not in the book"));
        self.store.household(client.household_id).await.unwrap().unwrap()
    }

    async fn counts(&self) -> BookCounts {
        self.store.book_counts().await.unwrap()
    }
}

fn new_run(connection: &str) -> Run {
    Run {
        id: RunId(Uuid::now_v7()),
        connection: connection.parse::<ConnectionName>().unwrap(),
        state: RunState::Running,
        trigger: Trigger::Request,
        queued_at: Timestamp::from_second(1_750_000_000).unwrap(),
        started_at: None,
        finished_at: None,
        expected: None,
        counts: RunCounts { skipped: BTreeMap::new(), ..RunCounts::default() },
        error: None,
    }
}

fn position(chunks: u32) -> WalkPosition {
    let after = Some(format!("page {chunks}"));
    WalkPosition { kind: RecordKind::Client, resource: "people".to_owned(), after, chunks, is_over: false }
}

fn first(limit: usize) -> PageRequest {
    PageRequest { cursor: None, limit }
}

/// `Ayda Khan` with this id.
fn client(id: &str, name: &str) -> Client {
    let (first_name, last_name) = name.split_once(' ').unwrap();
    Client {
        first_name: Some(first_name.to_owned()),
        last_name: Some(last_name.to_owned()),
        ..Client::unnamed(ExternalId(id.to_owned()), ClientStatus::Client)
    }
}

/// A client who names another as partner.
fn linked(id: &str, name: &str, partner: &str, is_partner: bool) -> Client {
    Client { partner_external_id: Some(ExternalId(partner.to_owned())), is_partner, ..client(id, name) }
}

/// A client with an address that the mapping proposes.
fn proposed(client: Client, email: &str) -> Client {
    Client { email_is_placeholder: true, ..with_email(client, email) }
}

fn with_email(client: Client, email: &str) -> Client {
    Client { email: Some(email.to_owned().try_into().unwrap()), email_is_placeholder: false, ..client }
}

fn incoming(id: &str, outcome: Outcome) -> IncomingRecord {
    let raw = PackedRaw::pack(format!(r#"{{"row":{{"id":"{id}"}}}}"#).as_bytes());
    IncomingRecord {
        id: ExternalId(id.to_owned()),
        fingerprint: 1,
        raw,
        outcome,
        diagnostics: Vec::new(),
        emptied: Vec::new(),
    }
}

fn mapped(client: &Client) -> IncomingRecord {
    incoming(client.external_id.as_str(), Outcome::Client(Box::new(client.clone())))
}

fn goal(id: &str, name: &str) -> Goal {
    Goal {
        external_id: ExternalId(id.to_owned()),
        owner: GoalOwner::Client,
        category: None,
        name: Some(name.to_owned()),
        target_date: None,
        estimated_cost: None,
        outlook: Some(Outlook::NonFinancial),
        extensions: Vec::new(),
    }
}

fn left_out(id: &str, code: &str) -> IncomingRecord {
    let diagnostics = vec![Diagnostic::error(code, "left out".to_owned())];
    IncomingRecord { diagnostics, ..incoming(id, Outcome::Excluded { quarantined: false }) }
}

fn unusable(id: &str) -> IncomingRecord {
    let diagnostics = vec![Diagnostic::error("broken", "cannot be read".to_owned())];
    IncomingRecord { diagnostics, ..incoming(id, Outcome::Excluded { quarantined: true }) }
}

fn adviser(id: &str, name: &str, active: bool) -> IncomingRecord {
    let external_id = ExternalId(id.to_owned());
    let adviser = Adviser { external_id, first_name: Some(name.to_owned()), last_name: None, email: None, active };
    incoming(id, Outcome::Adviser(adviser))
}
