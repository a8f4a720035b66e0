//! Committing a group of records that a walk brought: records, indexes, households, counts and the walk's position in
//! one transaction.
//!
//! Serves `sync`. All that is written is sorted by table and key first, and what did not change is not written.

mod advisers;
mod clients;
mod edit;
pub mod emptied;
mod entries;
mod exclusions;
mod households;
pub(in crate::store) mod linking;
mod lists;
mod local_changes;
mod pending;
pub mod practice;
pub(in crate::store) mod review;
mod review_decision;

use super::absent_items;
use super::engine::{Readable, Write};
pub use super::identity::SyncState;
use super::identity::{ContentVersion, known_by};
use super::keys::{ExternalKey, record};
use super::raw::PackedRaw;
use super::rows::{decode, encode};
use super::tables::{BookCounts, IDENTITIES, TALLIES};
use super::{Store, StoreError, tombstones};
use crate::domain::run::Run;
use crate::domain::{
    Adviser, Canonical, Client, Date, Diagnostic, ExternalId, RecordKind, RevisionId, Timestamp, with_listed,
};
use crate::store::connection_numbers::{number_for, number_of};
use crate::store::walks::{WalkPosition, move_on, put_run};
pub use edit::Edit;
pub(in crate::store) use exclusions::aside_key;
use pending::Pending;

/// The revision, and where it matters the day, by which records are mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MappedBy {
    /// The pack revision.
    pub revision: RevisionId,
    /// The day, where the mapping of this kind reads it.
    pub as_of: Option<Date>,
}

/// The outcome of mapping a raw record.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// A client of the practice.
    Client(Box<Client>),
    /// A professional of the practice.
    Adviser(Adviser),
    /// All items of a list of the client with the record's id.
    List(Vec<Canonical>),
    /// The record is left out by a rule, or, in quarantine, cannot be used.
    Excluded {
        /// Whether it cannot be used.
        quarantined: bool,
    },
}

/// The codes of records that were kept aside without being mapped, because the CRM's answer could not be used: what is kept
/// of them is an earlier answer.
pub const NOT_MAPPED: [&str; 2] = ["record-too-large", "unreadable-record"];

/// A raw record that was mapped.
#[derive(Clone, PartialEq, Debug)]
pub struct IncomingRecord {
    /// Its id in the CRM.
    pub id: ExternalId,
    /// The fingerprint of its content.
    pub fingerprint: u128,
    /// The raw record, as the mapping took it.
    pub raw: PackedRaw,
    /// The outcome of the mapping.
    pub outcome: Outcome,
    /// The mapping's diagnostics about it.
    pub diagnostics: Vec<Diagnostic>,
    /// Lists of it that came empty and were mapped with what they held before.
    pub emptied: Vec<String>,
}

/// The records that a walk read since its last commit.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// The run, with what it has counted of this group before the merge.
    pub run: Run,
    /// The kind of the incoming records.
    pub kind: RecordKind,
    /// The revision and day by which they were mapped.
    pub by: MappedBy,
    /// The records that were mapped; no id twice.
    pub incoming_records: Vec<IncomingRecord>,
    /// The lists below these records or unchanged ones, one entry a kind.
    pub below: Vec<Lists>,
    /// The ids that were seen, mapped or not, as the walk packs them; its number and the bytes.
    pub seen: Option<(u32, Vec<u8>)>,
    /// The position at which the walk goes on; none where the group belongs to no walk.
    pub position: Option<WalkPosition>,
    /// The moment of the commit.
    pub at: Timestamp,
}

/// The lists of one kind that were mapped: the id of each is its client's.
#[derive(Clone, PartialEq, Debug)]
pub struct Lists {
    /// The kind of items: goals or covers.
    pub kind: RecordKind,
    /// The revision and day by which they were mapped.
    pub by: MappedBy,
    /// The lists that were mapped, one a client; no id twice.
    pub incoming_records: Vec<IncomingRecord>,
    /// The clients whose list is unchanged, and does not show all that is kept of it.
    pub missed_again: Vec<ExternalId>,
}

impl Store {
    /// The sync state of each record.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn known(
        &self,
        run: &Run,
        kind: RecordKind,
        by: MappedBy,
        records: Vec<(ExternalId, u128)>,
    ) -> Result<Vec<SyncState>, StoreError> {
        let connection = run.connection.clone();
        self.read(move |transaction| {
            let mut known = vec![SyncState::default(); records.len()];
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(known) };
            let identities = transaction.open_table(IDENTITIES)?;
            // In the order of keys, one page of the table after the other is read once.
            let mut keyed: Vec<_> = records.iter().map(|(id, _)| ExternalKey::from(id)).enumerate().collect();
            keyed.sort_unstable_by_key(|(_, key)| *key);
            for (index, key) in keyed {
                if let Some(row) = identities.get(&record(connection, kind, key))? {
                    let now = ContentVersion::new(records[index].1, by.revision, by.as_of);
                    known[index] = known_by(row.value(), kind, &now);
                }
            }
            Ok(known)
        })
        .await
    }

    /// Commits a group durably and answers the run with what the merge counted.
    ///
    /// # Errors
    /// Returns an error if the store fails; nothing of the group is kept then.
    pub async fn commit(&self, group: Group) -> Result<Run, StoreError> {
        self.write(move |transaction| write(transaction, group)).await
    }

    /// Does everything that [`Store::commit`] does, counts, and takes it all back.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn rehearse(&self, group: Group) -> Result<Run, StoreError> {
        self.space.admit()?;
        self.try_out(move |transaction| write(transaction, group)).await
    }
}

/// Leaves out what is of people who were erased here, and counts them: whatever way they come, they stay away.
fn leave_out_erased(
    transaction: &Write,
    (run, kind): (&mut Run, RecordKind),
    incoming_records: &mut Vec<IncomingRecord>,
    below: Vec<Lists>,
) -> Result<Vec<Lists>, StoreError> {
    if incoming_records.is_empty() && below.is_empty() {
        return Ok(below);
    }
    let Some(marks) = tombstones::marks(transaction)? else { return Ok(below) };
    let connection = run.connection.clone();
    let stay = |records: Vec<IncomingRecord>| {
        let mut kept = Vec::with_capacity(records.len());
        for incoming in records {
            if !marks.has_record(&connection, ExternalKey::from(&incoming.id))? {
                kept.push(incoming);
            }
        }
        Ok::<_, StoreError>(kept)
    };
    if kind != RecordKind::Adviser {
        let came = incoming_records.len();
        *incoming_records = stay(std::mem::take(incoming_records))?;
        if kind == RecordKind::Client {
            run.counts.erased += (came - incoming_records.len()) as u64;
        }
    }
    below.into_iter().map(|lists| Ok(Lists { incoming_records: stay(lists.incoming_records)?, ..lists })).collect()
}

fn write(transaction: &Write, group: Group) -> Result<Run, StoreError> {
    let Group { mut run, kind, by, mut incoming_records, below, seen, position, at } = group;
    let connection = number_for(transaction, &run.connection)?;
    let mut tallies = match transaction.open_table(TALLIES)?.get(super::keys::PRACTICE)? {
        Some(tallies) => decode(tallies.value())?,
        None => BookCounts::default(),
    };
    let below = leave_out_erased(transaction, (&mut run, kind), &mut incoming_records, below)?;
    let mut is_changed = !incoming_records.is_empty();
    let walk = position.as_ref().map(|_| run.id);
    if is_changed {
        incoming_records.sort_by_cached_key(|incoming| ExternalKey::from(&incoming.id));
        let mut rows = Pending::open(transaction, connection, kind, (by, at), &incoming_records)?;
        emptied::note(transaction, &rows, &incoming_records, walk)?;
        exclusions::settle(transaction, &mut rows, &run, &incoming_records, &mut tallies)?;
        rows.write_raw(&mut incoming_records)?;
        match kind {
            RecordKind::Adviser => advisers::merge(transaction, &mut rows, &run, incoming_records, &mut tallies)?,
            _ => clients::merge(transaction, &mut rows, &mut run, incoming_records, &mut tallies)?,
        }
        rows.write_identities()?;
    }
    for Lists { kind, by, mut incoming_records, missed_again } in below {
        if let Some(walk) = walk {
            absent_items::miss_again(transaction, connection, kind, &missed_again, walk)?;
        }
        if incoming_records.is_empty() {
            continue;
        }
        is_changed = true;
        incoming_records.sort_by_cached_key(|incoming| ExternalKey::from(&incoming.id));
        let mut rows = Pending::open(transaction, connection, kind, (by, at), &incoming_records)?;
        lists::keep_with_clients(&rows, &mut incoming_records)?;
        exclusions::settle(transaction, &mut rows, &run, &incoming_records, &mut tallies)?;
        rows.write_raw(&mut incoming_records)?;
        with_listed!(kind, Item => {
            lists::merge::<Item>(transaction, &mut rows, (&mut run, walk), incoming_records, &mut tallies)?;
        });
        rows.write_identities()?;
    }
    if is_changed {
        transaction.open_table(TALLIES)?.put(super::keys::PRACTICE, encode(&tallies)?.as_slice())?;
    }
    match position {
        Some(position) => {
            let seen = seen.map(|(number, chunk)| (kind, number, chunk));
            move_on(transaction, connection, &run, position, seen)?;
        }
        None => put_run(transaction, &run)?,
    }
    Ok(run)
}
