//! Walks over a scripted CRM with a mapping written in Rust, in place of a site and a component.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Syncs;
use super::commit_lock::CommitLock;
use super::mapper::Mapper;
use super::progress::Progress;
use super::single_client::{ClientSyncOutcome, SingleClient};
use super::walk::Walk;
use super::walk_error::WalkError;
use crate::connection::Connections;
use crate::crm::{
    Bookmark, Connector, CrmError, FoundNote, RawBelow, RawPage, RawPart, RawRecord, RawText, Source, Traffic,
    TrafficTotals,
};
use crate::domain::absence::Threshold;
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;
use crate::domain::record::Goal;
use crate::domain::record::{ClientStatus, GoalOwner, GoalStatus, Outlook, Recurrence};
use crate::domain::run::{Run, RunCounts, RunState, Trigger};
use crate::domain::{Adviser, Canonical, Client, Diagnostic, ExternalId, ItemId, RecordKind, RevisionId, RunId};
use crate::pack::{RawInput, Verdict};
use crate::store::Store;
use crate::store::book::{ClientFilter, HouseholdFilter, PageRequest, Whose};
use crate::store::seen::Seen;

mod emptied;
mod faults;
mod goals;
mod missed;
mod on_trial;
mod one_client;

/// A CRM whose people are lines `name|partner|is partner`; pages of three, by position.
#[derive(Default)]
struct Script {
    people: Mutex<Vec<(u32, String)>>,
    /// Goals by person, `3:Sail 4:Boat`; who has no entry has an empty list, and whose is `-` is shown none.
    goals: Mutex<BTreeMap<u32, String>>,
    /// A list of the person's own record: an email address, or nothing, or `…` for one that breaks off; who has no entry
    /// has no such list.
    emails: Mutex<BTreeMap<u32, String>>,
    /// Pages that may be read before the CRM fails.
    pages_left: Mutex<Option<usize>>,
    /// The bookmark that is given in place of all others.
    stuck_at: Option<&'static str>,
    pages: AtomicUsize,
    /// Whether it fails when it is asked for one person.
    fails_by_id: AtomicBool,
    traffic: Traffic,
    /// The lock that is taken before a page of clients is answered: a test holds it to let something happen meanwhile.
    gate: tokio::sync::Mutex<()>,
}

const PAGE: usize = 3;

#[async_trait::async_trait]
impl Connector for Script {
    async fn whoami(&self) -> Result<String, CrmError> {
        Ok("svc".to_owned())
    }

    async fn page(&self, source: &Source, after: Option<&Bookmark>) -> Result<RawPage, CrmError> {
        self.traffic.count_request();
        self.pages.fetch_add(1, Ordering::Relaxed);
        if let Some(left) = self.pages_left.lock().unwrap().as_mut() {
            *left = left.checked_sub(1).ok_or_else(|| CrmError::Unreachable { message: "no route".to_owned() })?;
        }
        let lines = match source.kind {
            RecordKind::Adviser => vec![(1, "Bea Hill".to_owned())],
            _ => self.people.lock().unwrap().clone(),
        };
        let from = after.map_or(0, |after| after.0.parse().unwrap_or(0));
        let mut records: Vec<RawRecord> = lines.iter().skip(from).take(PAGE).map(record).collect();
        if source.kind == RecordKind::Client {
            records.iter_mut().for_each(|record| self.add_emails(record));
            drop(self.gate.lock().await);
        }
        let next = (from + PAGE < lines.len()).then(|| (from + PAGE).to_string());
        let next = next.map(|next| self.stuck_at.map_or(next, str::to_owned)).map(Bookmark);
        let below = source.below.iter().map(|below| self.lists(below, &records)).collect();
        Ok(RawPage { records, below, unreadable: 0, told: Vec::new(), next })
    }

    async fn attach(&self, _: &ExternalId, _: &str, _: &str, _: &[u8]) -> Result<ExternalId, CrmError> {
        Err(CrmError::Unreachable { message: "no notes here".to_owned() })
    }

    async fn attachments_of(&self, _: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError> {
        Ok(Vec::new())
    }

    async fn sign_out(&self) {}

    async fn one(&self, source: &Source, id: &ExternalId) -> Result<Option<RawPage>, CrmError> {
        self.traffic.count_request();
        if self.fails_by_id.load(Ordering::Relaxed) {
            return Err(CrmError::Unknown { message: "502".to_owned() });
        }
        let found = self.people.lock().unwrap().iter().find(|(known, _)| known.to_string() == id.as_str()).map(record);
        let Some(mut found) = found else { return Ok(None) };
        self.add_emails(&mut found);
        let records = vec![found];
        let below = source.below.iter().map(|below| self.lists(below, &records)).collect();
        Ok(Some(RawPage { records, below, unreadable: 0, told: Vec::new(), next: None }))
    }

    async fn find_notes(&self, _: &ExternalId) -> Result<Vec<FoundNote>, CrmError> {
        Ok(Vec::new())
    }

    async fn create_note(&self, _: &FileNote, _: &str) -> Result<ExternalId, CrmError> {
        Err(CrmError::Unreachable { message: "this CRM takes no notes".to_owned() })
    }

    fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}

impl Script {
    fn add_emails(&self, record: &mut RawRecord) {
        if let Some(email) = self.emails.lock().unwrap().get(&record.id.as_str().parse().unwrap()) {
            record.fingerprint ^= xxhash_rust::xxh3::xxh3_128(email.as_bytes());
            // A list that breaks off is no JSON, and nor is the record with it.
            let text = if email == "…" { Bytes::from_static(b"[1,") } else { message(email) };
            record.parts.push(RawPart { name: "emails".to_owned(), text: RawText::Plain(text) });
        }
    }

    fn lists(&self, source: &Source, rows: &[RawRecord]) -> RawBelow {
        let goals = self.goals.lock().unwrap();
        let list = |row: &RawRecord| goals.get(&row.id.as_str().parse().unwrap()).map_or("", String::as_str).to_owned();
        let shown = rows.iter().map(|row| (row, list(row))).filter(|(_, list)| list != "-");
        let record = |(row, list): (&RawRecord, String)| RawRecord {
            id: row.id.clone(),
            fingerprint: xxhash_rust::xxh3::xxh3_128(list.as_bytes()),
            parts: vec![RawPart { name: "goals".to_owned(), text: RawText::Plain(message(&list)) }],
            fault: None,
        };
        let records: Vec<RawRecord> = shown.map(record).collect();
        RawBelow { kind: source.kind, withheld: (rows.len() - records.len()) as u64, unowned: 0, records }
    }
}

/// `["3:Sail","4:Boat"]`
fn message(list: &str) -> Bytes {
    Bytes::from(serde_json::to_vec(&list.split_whitespace().collect::<Vec<_>>()).unwrap())
}

fn record((id, line): &(u32, String)) -> RawRecord {
    RawRecord {
        id: ExternalId(id.to_string()),
        fingerprint: xxhash_rust::xxh3::xxh3_128(line.as_bytes()),
        parts: vec![RawPart {
            name: "row".to_owned(),
            text: RawText::Plain(Bytes::from(serde_json::to_vec(line).unwrap())),
        }],
        fault: None,
    }
}

/// Maps the script's lines; counts what it was asked to map.
struct Lines {
    sources: Vec<Source>,
    mapped: AtomicUsize,
}

impl Lines {
    fn new() -> Self {
        let source = |kind: RecordKind| Source {
            kind,
            resource: format!("{}s", kind.as_str()),
            fields: Vec::new(),
            lists: Vec::new(),
            below: Vec::new(),
        };
        let clients = Source { lists: vec!["emails".to_owned()], ..source(RecordKind::Client) };
        let goals = Source { resource: "clients".to_owned(), ..source(RecordKind::Goal) };
        let sources = vec![clients, goals, source(RecordKind::Adviser)];
        let sources = Source::nested(sources).unwrap();
        Self { sources, mapped: AtomicUsize::new(0) }
    }
}

impl Mapper for Lines {
    fn revision(&self) -> RevisionId {
        RevisionId([1; 6])
    }

    fn reads_as_of(&self, _: RecordKind) -> bool {
        false
    }

    fn as_of(&self) -> jiff::civil::Date {
        jiff::civil::date(2026, 3, 1)
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn map(&self, records: &[RawInput]) -> Vec<Verdict> {
        self.mapped.fetch_add(records.len(), Ordering::Relaxed);
        records.iter().map(map_line).collect()
    }
}

fn map_line(record: &RawInput) -> Verdict {
    if record.kind == RecordKind::Goal {
        return map_goals(record);
    }
    let found = |code: &str| vec![Diagnostic::error(code, code.to_owned())];
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&record.json) else {
        return Verdict::Rejected(found("no-json"));
    };
    let mut columns = json["row"].as_str().unwrap().split('|');
    let (first, last) = columns.next().unwrap().split_once(' ').unwrap();
    let (first_name, last_name) = (Some(first.to_owned()), Some(last.to_owned()));
    let external_id = record.id.clone();
    match (record.kind, last) {
        (_, "Panic") => panic!("{first} is too much"),
        (_, "Gone") => Verdict::Skipped(found("archived")),
        (_, "Broken") => Verdict::Rejected(found("broken")),
        (RecordKind::Adviser, _) => {
            let adviser = Adviser { external_id, first_name, last_name, email: None, active: true };
            Verdict::Mapped { records: vec![Canonical::Adviser(adviser)], diagnostics: Vec::new() }
        }
        _ => {
            let client = Client {
                first_name,
                last_name,
                partner_external_id: columns.next().map(|partner| ExternalId(partner.to_owned())),
                is_partner: columns.next().is_some(),
                email: json["emails"][0].as_str().map(|email| email.to_owned().try_into().unwrap()),
                ..Client::unnamed(external_id, ClientStatus::Client)
            };
            let diagnostics = vec![Diagnostic::warning("mobile", "no-mobile", "none".to_owned())];
            Verdict::Mapped { records: vec![Canonical::Client(client)], diagnostics }
        }
    }
}

/// A goal whose name is `?` cannot be read; a list with `!` cannot be used.
fn map_goals(record: &RawInput) -> Verdict {
    let json: BTreeMap<String, Vec<String>> = serde_json::from_slice(&record.json).unwrap();
    let broken = vec![Diagnostic::error("broken", "broken".to_owned())];
    if json["goals"].iter().any(|goal| goal == "!") {
        return Verdict::Rejected(broken);
    }
    let is_whole = json["goals"].iter().all(|goal| !goal.ends_with('?'));
    let goals = json["goals"].iter().filter(|goal| !goal.ends_with('?')).map(|goal| {
        let (id, name) = goal.split_once(':').unwrap();
        Canonical::Goal(Goal {
            external_id: ExternalId(id.to_owned()),
            owner: GoalOwner::Client,
            category: None,
            name: Some(name.to_owned()),
            target_date: None,
            estimated_cost: None,
            outlook: Some(Outlook::NonFinancial),
            extensions: Vec::new(),
        })
    });
    Verdict::Mapped { records: goals.collect(), diagnostics: if is_whole { Vec::new() } else { broken } }
}

/// A practice with a scripted CRM.
struct Practice {
    store: Store,
    crm: Arc<Script>,
    mapper: Arc<Lines>,
    order: Arc<CommitLock>,
    _folder: tempfile::TempDir,
}

const BOOK: [&str; 8] = [
    "Ayda Khan|8",
    "Bo Osei",
    "Cy Gone",
    "Dee Broken",
    "Eve Lee|6|partner",
    "Fay Lee|5",
    "Gus Hill",
    "Sam Khan|1|partner",
];

impl Practice {
    fn new(book: &[&str]) -> Self {
        Self::with(book, None)
    }

    fn with(book: &[&str], stuck_at: Option<&'static str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let goals = [(1, "3:Sail 4:Boat"), (2, "3:Bike"), (3, "9:Never"), (5, "1:Rest")];
        let goals = goals.map(|(id, list)| (id, list.to_owned())).into();
        let people = (1..).zip(book.iter().map(|line| (*line).to_owned())).collect();
        let crm =
            Arc::new(Script { people: Mutex::new(people), goals: Mutex::new(goals), stuck_at, ..Script::default() });
        let store = Store::open(folder.path()).unwrap();
        Self { store, crm, mapper: Arc::new(Lines::new()), order: Arc::default(), _folder: folder }
    }

    fn walk(&self, run: Run, is_rehearsal: bool) -> Walk {
        Walk {
            store: self.store.clone(),
            connector: self.crm.clone(),
            mapper: self.mapper.clone(),
            order: self.order.clone(),
            is_rehearsal,
            stop: CancellationToken::new(),
            progress: Progress::new(run.clone()).0,
            run,
            chunks: 0,
            group: super::batch::GroupSize { mapped: 2, seen: 2, bytes: usize::MAX },
            repeating: 0,
            threshold: Threshold { percent: 5, at_least: 2 },
            traffic_before: TrafficTotals::default(),
        }
    }

    /// A run from its beginning or from where the last one was interrupted, and what came of it.
    async fn run(&self) -> (Run, Result<(), WalkError>) {
        let main = || "main".parse().unwrap();
        let (run, from) = match self.store.interrupted(main()).await.unwrap() {
            Some(found) => (found.run, found.position.map(|position| (position, Seen::of_chunks(found.seen)))),
            None => (self.store.begin_run(new_run()).await.unwrap(), None),
        };
        let mut walk = self.walk(run, false);
        let outcome = walk.go(from).await;
        (walk.run, outcome)
    }

    async fn complete(&self) -> RunCounts {
        let (mut run, outcome) = self.run().await;
        outcome.unwrap();
        run.state = RunState::Done;
        self.store.finish_run(run, Threshold { percent: 5, at_least: 2 }).await.unwrap().counts
    }

    /// One client by itself.
    async fn one(&self, id: &str) -> ClientSyncOutcome {
        let (store, connector, order) = (self.store.clone(), self.crm.clone(), self.order.clone());
        let one = SingleClient { store, connector, mapper: self.mapper.clone(), order };
        one.sync(Run { trigger: Trigger::Client, ..new_run() }, &ExternalId(id.to_owned())).await.unwrap().outcome
    }

    async fn last_name(&self, id: &str) -> String {
        let external_id = Some(("main".parse().unwrap(), ExternalId(id.to_owned())));
        let filter = ClientFilter { external_id, ..ClientFilter::default() };
        let found = self.store.clients(filter, PageRequest { cursor: None, limit: 1 }).await.unwrap();
        found.items[0].client.last_name.clone().unwrap()
    }

    fn edit(&self, id: u32, line: &str) {
        let mut people = self.crm.people.lock().unwrap();
        people.iter_mut().find(|(known, _)| *known == id).unwrap().1 = line.to_owned();
    }

    /// `1/3 Sail`: the client's id, the goal's, its name, and whether it is gone or was missed.
    async fn goals(&self) -> Vec<String> {
        let goals =
            self.store.items::<Goal>(Whose::Practice, PageRequest { cursor: None, limit: 500 }).await.unwrap().items;
        let mut lines = Vec::new();
        for goal in goals {
            let client = self.store.client(goal.client_id).await.unwrap().unwrap().client.external_id;
            let (id, name) = (&goal.listed.value.external_id, goal.listed.value.name.as_deref().unwrap());
            let mark = match (goal.listed.gone_since, goal.is_missed) {
                (Some(_), _) => " gone",
                (None, true) => " missed",
                (None, false) => "",
            };
            lines.push(format!("{client}/{id} {name}{mark}"));
        }
        lines
    }

    /// The book as people see it, ids left out.
    async fn book(&self) -> Vec<String> {
        let all = || PageRequest { cursor: None, limit: 500 };
        let clients = self.store.clients(ClientFilter::default(), all()).await.unwrap().items;
        let households = self.store.households(HouseholdFilter::default(), all()).await.unwrap().items;
        let aside = self.store.set_aside(true, None, all()).await.unwrap().items;
        let left_out = self.store.set_aside(false, None, all()).await.unwrap().items;
        let mut lines: Vec<String> = clients.iter().map(|client| format!("{:?}", client.client)).collect();
        lines.extend(households.iter().map(|row| format!("{} {:?}", row.household.name, row.household.diagnostics)));
        lines.extend(
            aside.iter().chain(&left_out).map(|record| format!("{} {:?}", record.external_id, record.diagnostics)),
        );
        // Their order is that of their coming.
        let mut goals = self.goals().await;
        goals.sort();
        lines.extend(goals);
        lines.push(format!("{:?}", self.store.book_counts().await.unwrap()));
        lines
    }
}

fn new_run() -> Run {
    Run {
        id: RunId(Uuid::now_v7()),
        connection: "main".parse().unwrap(),
        state: RunState::Running,
        trigger: Trigger::Request,
        queued_at: Timestamp::now(),
        started_at: None,
        finished_at: None,
        expected: None,
        counts: RunCounts::default(),
        error: None,
    }
}

#[tokio::test]
async fn a_book_comes_over_and_is_skipped_while_it_stays_the_same() {
    let practice = Practice::new(&BOOK);
    let counts = practice.complete().await;
    assert_eq!((counts.seen, counts.created, counts.skipped_total(), counts.quarantined), (8, 6, 1, 1));
    assert_eq!((counts.advisers, counts.unchanged, counts.warnings["no-mobile"]), (1, 0, 6));
    assert_eq!((counts.requests, practice.mapper.mapped.load(Ordering::Relaxed)), (4, 12));
    let book = practice.book().await;
    assert!(book.iter().any(|line| line == "Ayda Khan & Sam Khan []"), "{book:#?}");
    assert!(book.iter().any(|line| line == "Fay Lee & Eve Lee []"), "{book:#?}");

    let counts = practice.complete().await;
    assert_eq!((counts.seen, counts.unchanged, counts.created), (8, 8, 0));
    assert_eq!(practice.mapper.mapped.load(Ordering::Relaxed), 12, "nothing was mapped again");
    assert_eq!(practice.book().await, book);

    practice.edit(2, "Bo Hill");
    let counts = practice.complete().await;
    assert_eq!((counts.unchanged, counts.changed, counts.changed_fields["last_name"]), (7, 1, 1));
}

#[tokio::test]
async fn a_run_that_is_interrupted_anywhere_ends_like_one_that_is_not() {
    let whole = Practice::new(&BOOK);
    let counts = whole.complete().await;
    let expected = whole.book().await;
    for pages in 0..4 {
        let practice = Practice::new(&BOOK);
        *practice.crm.pages_left.lock().unwrap() = Some(pages);
        let (_, outcome) = practice.run().await;
        assert!(matches!(outcome, Err(WalkError::Crm(_))), "after {pages} pages");
        // The process is gone here: nothing was told to the store.
        *practice.crm.pages_left.lock().unwrap() = None;
        let resumed = practice.complete().await;
        assert_eq!(practice.book().await, expected, "after {pages} pages");
        assert_eq!(RunCounts { requests: 0, ..resumed }, RunCounts { requests: 0, ..counts.clone() });
    }
}

#[tokio::test]
async fn a_list_that_does_not_end_ends_the_run() {
    let practice = Practice::with(&BOOK, Some("3"));
    let (_, outcome) = practice.run().await;
    assert!(matches!(outcome, Err(WalkError::Circle(_))), "{outcome:?}");
    assert!(practice.crm.pages.load(Ordering::Relaxed) < 8);

    // A list that goes on with other bookmarks and the same people.
    let lines: Vec<(u32, String)> = (0..60).map(|at| (at % 6, format!("Bo Osei{}", at % 6))).collect();
    let practice = Practice::new(&BOOK);
    *practice.crm.people.lock().unwrap() = lines;
    let (_, outcome) = practice.run().await;
    assert!(matches!(outcome, Err(WalkError::Circle(_))), "{outcome:?}");
    assert!(practice.crm.pages.load(Ordering::Relaxed) < 12);
}

#[tokio::test]
async fn somebody_who_comes_twice_is_taken_once_and_told() {
    // Far apart, in neighbouring pages, and within a page; what was read last stands.
    for (first, second) in [(0, 7), (2, 3), (0, 1)] {
        let practice = Practice::new(&BOOK);
        {
            let mut people = practice.crm.people.lock().unwrap();
            people[second] = (people[first].0, "Bo Rossi".to_owned());
        }
        let counts = practice.complete().await;
        assert_eq!((counts.seen, counts.repeated, counts.is_whole()), (7, 1, false), "{first} and {second}");
        let id = (first + 1).to_string();
        assert_eq!(practice.last_name(&id).await, "Rossi", "{first} and {second}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_used_costs_itself_alone() {
    let practice = Practice::new(&["Ayda Khan", "Bo Osei", "Cy Lee"]);
    practice.edit(2, &format!("Bo {}", "x".repeat(2 << 20)));
    let counts = practice.complete().await;
    assert_eq!((counts.seen, counts.created, counts.quarantined), (3, 2, 1));
    let aside = practice.store.set_aside(true, None, PageRequest { cursor: None, limit: 9 }).await.unwrap().items;
    assert_eq!(aside[0].diagnostics[0].code, "record-too-large");
    practice.edit(2, "Bo Osei");
    assert_eq!(practice.complete().await.created, 1);
    assert!(
        practice.store.set_aside(true, None, PageRequest { cursor: None, limit: 9 }).await.unwrap().items.is_empty()
    );
}

#[tokio::test]
async fn a_run_stops_at_its_next_commit() {
    let practice = Practice::new(&BOOK);
    let run = practice.store.begin_run(new_run()).await.unwrap();
    let mut walk = practice.walk(run, false);
    walk.stop.cancel();
    assert!(matches!(walk.go(None).await, Err(WalkError::Stopped)));
    let counts = practice.complete().await;
    assert_eq!((counts.seen, counts.created), (8, 6));
}

#[tokio::test]
async fn a_run_whose_connection_is_gone_is_ended() {
    let practice = Practice::new(&BOOK);
    let run = practice.store.begin_run(new_run()).await.unwrap();
    let nobody = Connections::new(Vec::new());
    Syncs::new(practice.store.clone(), nobody, jiff::tz::TimeZone::UTC).resume().await.unwrap();
    let ended = practice.store.run(run.id).await.unwrap().unwrap();
    assert_eq!(ended.state, RunState::Cancelled);
    assert!(ended.error.is_some_and(|error| error.contains("`main` is not at work")));
    assert!(practice.store.interrupted(run.connection).await.unwrap().is_none());
}

#[tokio::test]
async fn a_rehearsal_changes_nothing() {
    let practice = Practice::new(&BOOK);
    practice.complete().await;
    let book = practice.book().await;
    practice.edit(2, "Bo Hill");
    let mut walk = practice.walk(new_run(), true);
    walk.go(None).await.unwrap();
    assert_eq!((walk.run.counts.unchanged, walk.run.counts.changed), (7, 1));
    assert_eq!(practice.book().await, book);
}
