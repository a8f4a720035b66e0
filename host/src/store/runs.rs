//! Runs: their records, and where an unfinished walk goes on.

use uuid::Uuid;

use super::commit::emptied;
use super::engine::{Readable, Value};
use super::keys::{PRACTICE, join, own, span, uuid_at_end};
use super::rows::{decode, encode};
use super::tables::{RUNS, RUNS_OF, SEEN, WALKS};
use super::{absent_clients, absent_items, audit, data_quality, report, site_lists};
use crate::domain::absence::{Edition, Threshold};
use crate::domain::audit::{Act, By, Outcome, Subject, THIS_MACHINE};
use crate::domain::run::{Run, RunState, Trigger};
use crate::domain::{ConnectionName, RecordKind, RunId};
use crate::store::connection_numbers::{connection_key, number_for, number_of};
use crate::store::page::{Page, PageRequest, cursor_of};
use crate::store::walks::{WalkPosition, Walks, chunks_of, forget_seen, put_run, read_walks, see_since};
use crate::store::{Store, StoreError};

/// The list's name, in its cursors.
const LIST: &str = "runs";

/// A walk that was interrupted.
#[derive(Clone, PartialEq, Debug)]
pub struct Interrupted {
    /// Its run.
    pub run: Run,
    /// The position at which it goes on; none where nothing was committed yet.
    pub position: Option<WalkPosition>,
    /// The records of that kind that it has seen, one chunk a commit.
    pub seen: Vec<Vec<u8>>,
}

/// The newest runs, among which unfinished ones are looked for.
const NEWEST: usize = 200;

/// Complete walks whose seen ids are kept: a client is gone when two in a row did not see it.
const WALKS_KEPT: usize = 2;

/// A run's beginning or end, as the audit log has it: one entry each, not one a client. Whoever asked for it has another.
fn act(run: &Run, verb: &str) -> Act {
    let by = By::host(match run.trigger {
        Trigger::Schedule => "schedule",
        Trigger::Request => "sync that somebody asked for",
        Trigger::Resume => "sync that goes on after a restart",
        Trigger::Client => "sync of one client",
        Trigger::Revision => "sync after a revision came in force",
    });
    let outcome = match run.state {
        RunState::Failed => Outcome::Failed("The run says why.".to_owned()),
        RunState::Cancelled => Outcome::Refused("It was cancelled.".to_owned()),
        RunState::Queued | RunState::Running | RunState::Done => Outcome::Done,
    };
    let detail = format!("{} seen of {}", run.counts.seen, run.connection);
    Act { outcome, detail, ..Act::done(by, THIS_MACHINE, verb, Subject::new("run", run.id)) }
}

impl Store {
    /// One run.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.read(move |transaction| {
            let run = transaction.open_table(RUNS)?.get(&own(id.0))?;
            run.map(|run| decode(run.value())).transpose()
        })
        .await
    }

    /// Runs, newest first, of one connection or of all.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn runs(&self, of: Option<ConnectionName>, page: PageRequest) -> Result<Page<Run>, StoreError> {
        let before = page.text::<Uuid>(LIST)?;
        let limit = page.limit();
        self.read(move |transaction| {
            let ids = match of {
                None => newest(&transaction.open_table(RUNS)?, span(&PRACTICE.to_be_bytes()), before, limit)?,
                Some(name) => {
                    let Some(connection) = number_of(transaction, &name)? else {
                        return Ok(Page { items: Vec::new(), next: None });
                    };
                    newest(&transaction.open_table(RUNS_OF)?, span(&connection_key(connection)), before, limit)?
                }
            };
            let runs = transaction.open_table(RUNS)?;
            let mut items = Vec::with_capacity(ids.len());
            for id in &ids {
                if let Some(run) = runs.get(&own(*id))? {
                    items.push(decode(run.value())?);
                }
            }
            let next = ids.last().filter(|_| ids.len() == limit).map(|id| cursor_of(LIST, id.to_string().as_bytes()));
            Ok(Page { items, next })
        })
        .await
    }

    /// Keeps a new run and makes it the connection's unfinished one. Answers it with what is to be expected of it.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn begin_run(&self, mut run: Run) -> Result<Run, StoreError> {
        self.write(move |transaction| {
            let connection = number_for(transaction, &run.connection)?;
            let mut table = transaction.open_table(WALKS)?;
            let mut walks = read_walks(&table, connection)?;
            run.expected = walks.expected;
            if let Some((abandoned, _)) = walks.unfinished.replace((run.id.0, None)) {
                see_since(transaction, abandoned, walks.newest())?;
            }
            table.put(&connection_key(connection), encode(&walks)?.as_slice())?;
            let of: [u8; 22] = join([&connection_key(connection), run.id.0.as_bytes()]);
            let mut runs_of = transaction.open_table(RUNS_OF)?;
            runs_of.put(&of, ())?;
            let (first, last) = span::<22>(&connection_key(connection));
            if let Some(old) = runs_of.scan_back(&first..=&last)?.nth(report::RUNS_KEPT) {
                report::forget(transaction, uuid_at_end(old?.0.value()))?;
            }
            put_run(transaction, &run)?;
            audit::append(transaction, act(&run, "sync.begin"))?;
            Ok(run)
        })
        .await
    }

    /// The unfinished runs of all connections, also of those that are not at work any more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn unfinished_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.read(move |transaction| {
            let (first, last) = span::<6>(&PRACTICE.to_be_bytes());
            let (walks, runs) = (transaction.open_table(WALKS)?, transaction.open_table(RUNS)?);
            let mut found = Vec::new();
            for entry in walks.scan(&first..=&last)? {
                let walks: Walks = decode(entry?.1.value())?;
                let Some((id, _)) = walks.unfinished else { continue };
                if let Some(run) = runs.get(&own(id))? {
                    found.push(decode(run.value())?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// The runs that map anew what is kept and did not come to their end, of the newest runs of all.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn unfinished_remappings(&self) -> Result<Vec<Run>, StoreError> {
        self.read(move |transaction| {
            let (first, last) = span::<20>(&PRACTICE.to_be_bytes());
            let mut found = Vec::new();
            for entry in transaction.open_table(RUNS)?.scan_back(&first..=&last)?.take(NEWEST) {
                let run: Run = decode(entry?.1.value())?;
                if run.trigger == Trigger::Revision && !run.state.is_finished() {
                    found.push(run);
                }
            }
            Ok(found)
        })
        .await
    }

    /// The connection's unfinished run and where its walk goes on.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn interrupted(&self, connection: ConnectionName) -> Result<Option<Interrupted>, StoreError> {
        self.read(move |transaction| {
            let Some(number) = number_of(transaction, &connection)? else { return Ok(None) };
            let walks = read_walks(&transaction.open_table(WALKS)?, number)?;
            let Some((id, position)) = walks.unfinished else { return Ok(None) };
            let Some(run) = transaction.open_table(RUNS)?.get(&own(id))? else { return Ok(None) };
            let seen = match &position {
                Some(position) => chunks_of(&transaction.open_table(SEEN)?, id, position.kind)?,
                None => Vec::new(),
            };
            Ok(Some(Interrupted { run: decode(run.value())?, position, seen }))
        })
        .await
    }

    /// Keeps the state of a run that goes on.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_run(&self, run: Run) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| put_run(transaction, &run)).await
    }

    /// Keeps a finished run and clears its walk, and concludes from it who is gone and who is back. What a complete
    /// walk saw of the whole book is kept until two more are complete; what any other saw proves nobody's absence, and of
    /// those whom it saw the presence. Answers the run with what was concluded.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn finish_run(&self, run: Run, threshold: Threshold) -> Result<Run, StoreError> {
        self.finish_walk(run, threshold, None).await
    }

    /// The same of a walk through an edition of the book. A walk through the edition that the complete one before read is
    /// that look once more and takes its place: it proves nobody's absence, however often it comes. Nor does one without an
    /// edition of the clients.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn finish_walk(
        &self,
        mut run: Run,
        threshold: Threshold,
        edition: Option<Edition>,
    ) -> Result<Run, StoreError> {
        self.write_in_any_case(move |transaction| {
            let connection = number_for(transaction, &run.connection)?;
            let mut table = transaction.open_table(WALKS)?;
            let mut walks = read_walks(&table, connection)?;
            let is_at_end = walks.is_at_end(run.id.0);
            walks.unfinished = None;
            absent_clients::restore(transaction, connection, &mut run)?;
            if run.state == RunState::Done {
                walks.expected = Some(run.counts.seen);
                run.counts.doubts.extend(data_quality::count(transaction, connection)?);
            }
            // A list is read whole or not at all: neither an interruption nor clients whose rows moved take from what
            // the walk says of the lists that it read.
            let of_kind =
                |kind: RecordKind| edition.as_ref().map(|edition| edition.0.get(&kind).copied().map(u128::to_be_bytes));
            let of_clients = of_kind(RecordKind::Client);
            let is_again = of_clients.flatten().is_some() && walks.edition == of_clients.flatten();
            if run.state == RunState::Done && is_at_end {
                let at = run.finished_at.unwrap_or(run.queued_at);
                let mut kinds = Vec::new();
                for kind in RecordKind::LISTED.iter().copied() {
                    match of_kind(kind) {
                        None => kinds.push(kind),
                        Some(Some(edition)) if walks.of_lists.insert(kind, edition) != Some(edition) => {
                            kinds.push(kind);
                        }
                        Some(_) => {}
                    }
                }
                absent_items::conclude(transaction, connection, &mut run, &kinds, threshold, at)?;
            }
            if run.state == RunState::Done && is_at_end && !is_again {
                emptied::count(transaction, connection, &mut run, threshold)?;
                site_lists::count(transaction, connection, run.id)?;
            }
            // A walk that an interruption cut in two may have missed who moved in the list meanwhile.
            let is_whole = run.state == RunState::Done
                && is_at_end
                && run.counts.is_whole()
                && run.trigger != Trigger::Resume
                && of_clients.is_none_or(|edition| edition.is_some());
            if is_whole {
                if is_again && !walks.complete.is_empty() {
                    see_since(transaction, walks.complete.remove(0), Some(run.id.0))?;
                }
                walks.complete.insert(0, run.id.0);
                walks.edition = of_clients.flatten();
                for old in walks.complete.drain(WALKS_KEPT.min(walks.complete.len())..) {
                    forget_seen(transaction, old)?;
                }
                if let Some(two) = walks.last_two() {
                    let at = run.finished_at.unwrap_or(run.queued_at);
                    absent_clients::conclude(transaction, connection, &mut run, two, threshold, at)?;
                }
            } else {
                see_since(transaction, run.id.0, walks.newest())?;
            }
            table.put(&connection_key(connection), encode(&walks)?.as_slice())?;
            put_run(transaction, &run)?;
            audit::append(transaction, act(&run, "sync.end"))?;
            Ok(run)
        })
        .await
    }
}

/// The ids at the end of the last keys of a span, from the newest on.
fn newest<const N: usize, V: Value + 'static>(
    table: &impl Readable<&'static [u8; N], V>,
    (first, mut last): ([u8; N], [u8; N]),
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Uuid>, StoreError> {
    if let Some(before) = before {
        last[N - 16..].copy_from_slice(before.as_bytes());
    }
    let mut ids = Vec::new();
    for entry in table.scan_back(&first..&last)?.take(limit) {
        ids.push(uuid_at_end(entry?.0.value()));
    }
    Ok(ids)
}
