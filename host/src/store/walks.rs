//! Where each connection's walks stand: how far the one under way has come, and what the last complete ones saw.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::StoreError;
use super::connection_numbers::connection_key;
use super::engine::{Readable, Write};
use super::keys::{ConnectionNumber, join, own, span};
use super::rows::{decode, encode, rows};
use super::seen::{ascending, lookup, packed};
use super::tables::{RUNS, SEEN, WALKS};
use crate::domain::RecordKind;
use crate::domain::run::Run;

/// The position that a walk has reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WalkPosition {
    /// The kind of record that is being read.
    pub kind: RecordKind,
    /// The CRM's resource that is being read.
    pub resource: String,
    /// The CRM's bookmark of the next page; none at the beginning.
    pub after: Option<String>,
    /// Chunks of seen ids that the walk has kept so far.
    pub chunks: u32,
    /// Whether the last page was read: the walk goes on with the next resource.
    pub is_over: bool,
}

rows! { WalkPosition { 0: kind, 1: resource, 2: after, 3: chunks, 4: is_over } }

/// The state of a connection's walks.
#[derive(Default)]
pub(super) struct Walks {
    /// The run that is not finished, and how far it has come.
    pub unfinished: Option<(Uuid, Option<WalkPosition>)>,
    /// The number of clients that the last run that was done saw.
    pub expected: Option<u64>,
    /// The last complete walks, the newest first. Their seen ids are kept.
    pub complete: Vec<Uuid>,
    /// The edition of the clients that the newest of them read, where its CRM tells one from another.
    pub edition: Option<[u8; 16]>,
    /// The editions of lists from which it was concluded last what is gone, by the kind that they are of.
    pub of_lists: BTreeMap<RecordKind, [u8; 16]>,
}

rows! { Walks { 0: unfinished, 1: expected, 2: complete, 3: edition, 4: of_lists } }

impl Walks {
    /// Whether a walk has begun and not ended.
    pub fn is_under_way(&self) -> bool {
        self.unfinished.is_some()
    }

    /// The last complete walk.
    pub fn newest(&self) -> Option<Uuid> {
        self.complete.first().copied()
    }

    /// The two complete walks from whose silence it follows that a client is gone, the newest first.
    pub fn last_two(&self) -> Option<[Uuid; 2]> {
        self.complete.first_chunk().copied()
    }

    /// Whether the run's walk has read its last page.
    pub fn is_at_end(&self, run: Uuid) -> bool {
        self.unfinished
            .as_ref()
            .is_some_and(|(id, position)| *id == run && position.as_ref().is_some_and(|position| position.is_over))
    }
}

/// Moves the walk of a run on: its position and the chunk of what was seen on the way there.
pub(super) fn move_on(
    transaction: &Write,
    connection: ConnectionNumber,
    run: &Run,
    position: WalkPosition,
    seen: Option<(RecordKind, u32, Vec<u8>)>,
) -> Result<(), StoreError> {
    if let Some((kind, number, chunk)) = seen {
        let key: [u8; 25] = join([&seen_prefix(run.id.0, Some(kind)), &number.to_be_bytes()]);
        transaction.open_table(SEEN)?.put(&key, chunk.as_slice())?;
    }
    let mut table = transaction.open_table(WALKS)?;
    let mut walks = read_walks(&table, connection)?;
    walks.unfinished = Some((run.id.0, Some(position)));
    table.put(&connection_key(connection), encode(&walks)?.as_slice())?;
    put_run(transaction, run)
}

/// Keeps a run as it is now.
pub(super) fn put_run(transaction: &Write, run: &Run) -> Result<(), StoreError> {
    transaction.open_table(RUNS)?.put(&own(run.id.0), encode(run)?.as_slice())?;
    Ok(())
}

pub(super) fn read_walks(
    table: &impl Readable<&'static [u8; 6], &'static [u8]>,
    connection: ConnectionNumber,
) -> Result<Walks, StoreError> {
    match table.get(&connection_key(connection))? {
        Some(walks) => decode(walks.value()),
        None => Ok(Walks::default()),
    }
}

fn seen_prefix(run: Uuid, kind: Option<RecordKind>) -> Vec<u8> {
    let mut prefix = own(run).to_vec();
    // The order of kinds is the order of a walk; only the number has to stay the same.
    prefix.extend(kind.map(|kind| kind as u8));
    prefix
}

/// The chunks of clients that a walk saw.
pub(super) fn seen_chunks(transaction: &Write, run: Uuid) -> Result<Vec<Vec<u8>>, StoreError> {
    chunks_of(&transaction.open_table(SEEN)?, run, RecordKind::Client)
}

/// The chunks of one kind that a walk saw.
pub(super) fn chunks_of(
    table: &impl Readable<&'static [u8; 25], &'static [u8]>,
    run: Uuid,
    kind: RecordKind,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let (first, last) = span::<25>(&seen_prefix(run, Some(kind)));
    let mut chunks = Vec::new();
    for chunk in table.scan(&first..=&last)? {
        chunks.push(chunk?.1.value().to_vec());
    }
    Ok(chunks)
}

/// Forgets what a walk saw.
pub(super) fn forget_seen(transaction: &Write, run: Uuid) -> Result<(), StoreError> {
    let (first, last) = span::<25>(&seen_prefix(run, None));
    Ok(transaction.open_table(SEEN)?.delete_range(&first..=&last)?)
}

/// Adds the clients whom a walk saw to what the newest complete one saw, and forgets the walk. Who was seen since is not
/// missing by what was read before: it takes two complete walks from there on.
pub(super) fn see_since(transaction: &Write, walk: Uuid, newest: Option<Uuid>) -> Result<(), StoreError> {
    if let Some(newest) = newest.filter(|newest| *newest != walk) {
        let (seen, known) = (seen_chunks(transaction, walk)?, seen_chunks(transaction, newest)?);
        let mut known = lookup(&known);
        let more: BTreeSet<u128> = ascending(&seen).filter(|id| !known.holds(*id)).collect();
        if !more.is_empty() {
            let prefix = seen_prefix(newest, Some(RecordKind::Client));
            let mut table = transaction.open_table(SEEN)?;
            let (first, last) = span::<25>(&prefix);
            let newest_chunk = table.scan_back(&first..=&last)?.next().transpose()?;
            let number = newest_chunk.map_or(0, |(key, _)| {
                let [.., a, b, c, d] = *key.value();
                u32::from_be_bytes([a, b, c, d]).saturating_add(1)
            });
            let key: [u8; 25] = join([&prefix, &number.to_be_bytes()]);
            table.put(&key, packed(&more).as_slice())?;
        }
    }
    forget_seen(transaction, walk)
}
