//! Clients whom the CRM no longer shows.
//!
//! A client in the book whom two complete walks in a row did not see is marked as not visible; it is never deleted, and
//! any walk that sees it takes the mark away. Found by comparing what the walks saw, packed, with the ids of the book,
//! once a walk: no record is read for it.

use uuid::Uuid;

use super::engine::{Readable, Snapshot, Write};
use super::identity::Identity;
use super::reader::Reader;
use super::report::{ChangeSubject, Rows};
use super::rows::{decode, encode};
use super::seen::lookup;
use super::{Store, StoreError};
use crate::domain::absence::{Conclusion, Threshold};
use crate::domain::run::{ChangeKind, Run};
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, ConnectionName, ExternalId, RecordKind, RunId, Timestamp};
use crate::store::absence_questions::decide;
use crate::store::connection_numbers::number_of;
use crate::store::keys::{ConnectionNumber, ExternalKey, PRACTICE, RecordKey, clients_of, record};
use crate::store::tables::{BookCounts, GONE, GoneRecord, IDENTITIES, IdentityRow, SEEN, TALLIES, WALKS};
use crate::store::walks::{chunks_of, read_walks, seen_chunks};

/// The clients who are missing: in the book, not marked, and seen by neither of the last two complete walks.
struct Missing {
    clients: Vec<(ExternalKey, Uuid)>,
    /// The number of those who are in the book and not marked.
    of: u64,
}

/// Takes the mark from all whom a run saw, whichever way it ended.
pub(super) fn restore(transaction: &Write, connection: ConnectionNumber, run: &mut Run) -> Result<(), StoreError> {
    let mut tallies = tallies(transaction)?;
    if tallies.not_visible == 0 {
        return Ok(());
    }
    let chunks = seen_chunks(transaction, run.id.0)?;
    let mut seen = lookup(&chunks);
    let mut table = transaction.open_table(GONE)?;
    let identities = transaction.open_table(IDENTITIES)?;
    let (first, last) = clients_of(connection);
    let mut back = Vec::new();
    for entry in table.scan(&first..=&last)? {
        let key = *entry?.0.value();
        let id = id_of(&key);
        // Who is not linked is never gone from the CRM.
        if id.is_unlinked() || seen.holds(u128::from_be_bytes(id.0)) {
            back.push(key);
        }
    }
    let mut rows = Rows::default();
    for key in back {
        table.delete(&key)?;
        tallies.not_visible = tallies.not_visible.saturating_sub(1);
        run.counts.visible_again += 1;
        let identity = identities.get(&key)?.map(|row| Identity::from_row(row.value()));
        if let Some(client) = identity.and_then(|identity| identity.client) {
            rows.note(run, ChangeKind::VisibleAgain, ChangeSubject::client(client), &[])?;
        }
    }
    rows.write(transaction)?;
    keep_tallies(transaction, &tallies)
}

/// Concludes from two complete walks who is gone: marks them, or asks a person where they are too many.
pub(super) fn conclude(
    transaction: &Write,
    connection: ConnectionNumber,
    run: &mut Run,
    walks: [Uuid; 2],
    threshold: Threshold,
    at: Timestamp,
) -> Result<(), StoreError> {
    let missing = missing(
        &transaction.open_table(IDENTITIES)?,
        &transaction.open_table(GONE)?,
        connection,
        &[seen_chunks(transaction, walks[0])?, seen_chunks(transaction, walks[1])?],
    )?;
    let counted = (missing.clients.len() as u64, missing.of);
    match decide(transaction, (connection, RecordKind::Client), run, counted, threshold, at)? {
        Conclusion::Mark => mark(transaction, connection, run, &missing, at),
        Conclusion::Leave | Conclusion::Ask => Ok(()),
    }
}

/// Marks all whom the last two complete walks did not see.
pub(super) fn mark_missing(
    transaction: &Write,
    connection: ConnectionNumber,
    run: &mut Run,
    at: Timestamp,
) -> Result<(), StoreError> {
    let walks = read_walks(&transaction.open_table(WALKS)?, connection)?;
    let Some([newest, before]) = walks.last_two() else { return Ok(()) };
    let seen = [seen_chunks(transaction, newest)?, seen_chunks(transaction, before)?];
    let (identities, gone) = (transaction.open_table(IDENTITIES)?, transaction.open_table(GONE)?);
    let missing = missing(&identities, &gone, connection, &seen)?;
    drop((identities, gone));
    mark(transaction, connection, run, &missing, at)
}

fn mark(
    transaction: &Write,
    connection: ConnectionNumber,
    run: &mut Run,
    missing: &Missing,
    at: Timestamp,
) -> Result<(), StoreError> {
    if missing.clients.is_empty() {
        return Ok(());
    }
    let mut tallies = tallies(transaction)?;
    let mut table = transaction.open_table(GONE)?;
    let mut rows = Rows::default();
    let gone = encode(&GoneRecord { since: at.as_millisecond(), run: run.id.0 })?;
    for (id, client) in &missing.clients {
        table.put(&record(connection, RecordKind::Client, *id), gone.as_slice())?;
        tallies.not_visible += 1;
        run.counts.not_visible += 1;
        rows.note(run, ChangeKind::NotVisible, ChangeSubject::client(*client), &[])?;
    }
    rows.write(transaction)?;
    keep_tallies(transaction, &tallies)
}

fn missing(
    identities: &impl Readable<&'static RecordKey, &'static IdentityRow>,
    gone: &impl Readable<&'static RecordKey, &'static [u8]>,
    connection: ConnectionNumber,
    walks: &[Vec<Vec<u8>>],
) -> Result<Missing, StoreError> {
    let mut seen: Vec<_> = walks.iter().map(|chunks| lookup(chunks)).collect();
    let (first, last) = clients_of(connection);
    let mut missing = Missing { clients: Vec::new(), of: 0 };
    for entry in identities.scan(&first..=&last)? {
        let (key, row) = entry?;
        let id = id_of(key.value());
        // A client of the practice who lives with one of this connection's is not the CRM's, and behind all that are.
        if id.is_unlinked() {
            break;
        }
        let number = u128::from_be_bytes(id.0);
        let mut is_seen = false;
        // Each of them, whatever the others say: they go through the ids side by side.
        for walk in &mut seen {
            is_seen |= walk.holds(number);
        }
        if is_seen {
            missing.of += u64::from(Identity::is_in_book(row.value()));
            continue;
        }
        let identity = Identity::from_row(row.value());
        let Some(client) = identity.client.filter(|_| identity.in_book) else { continue };
        if gone.get(key.value())?.is_none() {
            missing.of += 1;
            missing.clients.push((id, client));
        }
    }
    Ok(missing)
}

impl Store {
    /// Some of the clients whom the last two complete walks did not see and who are not marked.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn missing(&self, connection: ConnectionName, limit: usize) -> Result<Vec<StoredClient>, StoreError> {
        self.read(move |transaction| {
            let Some(number) = number_of(transaction, &connection)? else { return Ok(Vec::new()) };
            let missing = missing_now(transaction, number)?;
            let reader = Reader::open(transaction)?;
            let mut found = Vec::new();
            for (_, client) in missing.into_iter().flat_map(|missing| missing.clients).take(limit) {
                found.extend(reader.client(ClientId(client))?);
            }
            Ok(found)
        })
        .await
    }

    /// Clients in the book, not marked as not visible, whom a run under way has not seen; `limit` at most.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn absent(
        &self,
        connection: ConnectionName,
        run: RunId,
        limit: usize,
    ) -> Result<Vec<ExternalId>, StoreError> {
        self.read(move |transaction| {
            let Some(number) = number_of(transaction, &connection)? else { return Ok(Vec::new()) };
            let seen = chunks_of(&transaction.open_table(SEEN)?, run.0, RecordKind::Client)?;
            let (identities, gone) = (transaction.open_table(IDENTITIES)?, transaction.open_table(GONE)?);
            let reader = Reader::open(transaction)?;
            let mut absent = Vec::new();
            for (_, client) in missing(&identities, &gone, number, &[seen])?.clients.into_iter().take(limit) {
                absent.extend(reader.client(ClientId(client))?.map(|client| client.client.external_id));
            }
            Ok(absent)
        })
        .await
    }
}

fn missing_now(transaction: &Snapshot, connection: ConnectionNumber) -> Result<Option<Missing>, StoreError> {
    let walks = read_walks(&transaction.open_table(WALKS)?, connection)?;
    let Some([newest, before]) = walks.last_two() else { return Ok(None) };
    let table = transaction.open_table(SEEN)?;
    let chunks = |walk| chunks_of(&table, walk, RecordKind::Client);
    let seen = [chunks(newest)?, chunks(before)?];
    missing(&transaction.open_table(IDENTITIES)?, &transaction.open_table(GONE)?, connection, &seen).map(Some)
}

fn tallies(transaction: &Write) -> Result<BookCounts, StoreError> {
    let stored = transaction.open_table(TALLIES)?;
    let tallies = stored.get(PRACTICE)?.map(|tallies| decode(tallies.value())).transpose()?;
    Ok(tallies.unwrap_or_default())
}

fn keep_tallies(transaction: &Write, tallies: &BookCounts) -> Result<(), StoreError> {
    transaction.open_table(TALLIES)?.put(PRACTICE, encode(tallies)?.as_slice())?;
    Ok(())
}

fn id_of(key: &RecordKey) -> ExternalKey {
    let mut id = [0; 16];
    id.copy_from_slice(&key[7..]);
    ExternalKey(id)
}
