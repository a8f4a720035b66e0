//! Mapping the records of a page that are not what they were.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{Receiver, Sender};

use super::emptied::Emptied;
use super::mapper::Mapper;
use super::walk_error::WalkError;
use crate::crm::{CrmError, RawBelow, RawPage, RawRecord, Source};
use crate::domain::run::Run;
use crate::domain::{Canonical, Diagnostic, ExternalId, RecordKind};
use crate::pack::{RawInput, Verdict};
use crate::queue;
use crate::store::Store;
use crate::store::commit::{IncomingRecord, MappedBy, NOT_MAPPED, Outcome, SyncState};
use crate::store::raw::PackedRaw;

/// Records for one call into the sandbox …
const BATCH: usize = 500;
/// … and their bytes, together: what they are put together from is held besides.
const BATCH_BYTES: usize = 4 << 20;

/// A page after mapping.
pub(super) struct MappedPage {
    /// All ids of the page.
    pub ids: Vec<ExternalId>,
    /// The records that were mapped; the others are unchanged.
    pub incoming_records: Vec<IncomingRecord>,
    /// The lists below the records that are imported, one entry a kind.
    pub below: Vec<MappedBelow>,
    /// The CRM's bookmark of the next page.
    pub next: Option<String>,
    /// Rows that name no record.
    pub unreadable: u64,
    /// The sentences about rows that are not used.
    pub told: Vec<String>,
    /// The moment at which the page was asked for.
    pub asked: Instant,
}

/// The lists of one kind below a page's records, after mapping.
pub(super) struct MappedBelow {
    /// The kind of items that the lists hold.
    pub kind: RecordKind,
    /// The lists that were mapped; the others are unchanged.
    pub incoming_records: Vec<IncomingRecord>,
    /// The number of goals or covers that stand in those that are unchanged.
    pub unchanged: u64,
    /// Clients whose list is unchanged and does not show all that is kept of it.
    pub missed_again: Vec<ExternalId>,
    /// Clients whose list the CRM did not show.
    pub withheld: u64,
    /// Records that are in nobody's list.
    pub unowned: u64,
}

/// Maps pages as they come and hands them on.
///
/// # Errors
/// Returns an error if the store fails.
pub(super) async fn pages(
    store: &Store,
    mapper: &Arc<dyn Mapper>,
    run: &Run,
    source: &Source,
    mut from: Receiver<(Instant, RawPage)>,
    to: Sender<MappedPage>,
) -> Result<(), WalkError> {
    while let Some((asked, raw)) = from.recv().await {
        let mapped = page(store, mapper, run, source, asked, raw).await?;
        if to.send(mapped).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Maps what of a page, asked for at `asked`, is not what it was.
///
/// # Errors
/// Returns an error if the store fails.
pub(super) async fn page(
    store: &Store,
    mapper: &Arc<dyn Mapper>,
    run: &Run,
    source: &Source,
    asked: Instant,
    raw: RawPage,
) -> Result<MappedPage, WalkError> {
    let RawPage { mut records, below: raw_below, unreadable, told, next } = raw;
    let by = mapped_by(mapper.as_ref(), source.kind);
    let known = store.known(run, source.kind, by, fingerprints(&records)).await?;
    let ids: Vec<ExternalId> = records.iter().map(|record| record.id.clone()).collect();
    let emptied = Emptied::fill(store, run, source, &mut records, &known).await?;
    let mut each = known.iter();
    records.retain(|_| each.next().is_none_or(|known| !known.is_same));
    let mut incoming_records = mapped(mapper, source.kind, records).await?;
    emptied.tell(&mut incoming_records);
    let mut below = Vec::with_capacity(raw_below.len());
    if !raw_below.is_empty() {
        let coming = coming_over(&ids, &known, &incoming_records);
        for lists in raw_below {
            below.push(mapped_below(store, mapper, run, lists, &coming).await?);
        }
    }
    Ok(MappedPage { ids, incoming_records, below, next: next.map(|next| next.0), unreadable, told, asked })
}

fn fingerprints(records: &[RawRecord]) -> Vec<(ExternalId, u128)> {
    records.iter().map(|record| (record.id.clone(), record.fingerprint)).collect()
}

/// The clients of a page who are in the book once it is committed: the lists of others stay out with them.
fn coming_over(ids: &[ExternalId], known: &[SyncState], incoming_records: &[IncomingRecord]) -> HashSet<ExternalId> {
    let was_in_book = ids.iter().zip(known).filter(|(_, known)| known.in_book).map(|(id, _)| id.clone());
    let mut coming: HashSet<ExternalId> = was_in_book.collect();
    for incoming in incoming_records {
        match incoming.outcome {
            Outcome::Client(_) => drop(coming.insert(incoming.id.clone())),
            Outcome::Excluded { quarantined: false } => drop(coming.remove(&incoming.id)),
            // What cannot be used changes nothing.
            _ => {}
        }
    }
    coming
}

async fn mapped_below(
    store: &Store,
    mapper: &Arc<dyn Mapper>,
    run: &Run,
    RawBelow { kind, mut records, withheld, unowned }: RawBelow,
    coming: &HashSet<ExternalId>,
) -> Result<MappedBelow, WalkError> {
    records.retain(|record| coming.contains(&record.id));
    let known = store.known(run, kind, mapped_by(mapper.as_ref(), kind), fingerprints(&records)).await?;
    let (mut unchanged, mut missed_again) = (0, Vec::new());
    let mut each = known.into_iter();
    records.retain(|record| match each.next() {
        Some(known) if known.is_same => {
            unchanged += u64::from(known.listed);
            if known.has_unseen {
                missed_again.push(record.id.clone());
            }
            false
        }
        // Half the clients have no goals: an empty list of which nothing is known needs no record.
        Some(known) if !known.is_known => !record.is_empty(),
        _ => true,
    });
    let incoming_records = mapped(mapper, kind, records).await?;
    Ok(MappedBelow { kind, incoming_records, unchanged, missed_again, withheld, unowned })
}

/// The revision and day by which records of a kind are mapped.
pub(super) fn mapped_by(mapper: &dyn Mapper, kind: RecordKind) -> MappedBy {
    MappedBy { revision: mapper.revision(), as_of: mapper.reads_as_of(kind).then(|| mapper.as_of()) }
}

async fn mapped(
    mapper: &Arc<dyn Mapper>,
    kind: RecordKind,
    records: Vec<RawRecord>,
) -> Result<Vec<IncomingRecord>, WalkError> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mapper = Arc::clone(mapper);
    let work = move || {
        let mut incoming_records = Vec::with_capacity(records.len());
        batches(&records).for_each(|batch| map_batch(mapper.as_ref(), kind, batch, &mut incoming_records));
        incoming_records
    };
    Ok(queue::MAPPING.run(work).await?)
}

/// The records in batches of a bounded number and size; one that is too large by itself is a batch.
fn batches(mut records: &[RawRecord]) -> impl Iterator<Item = &[RawRecord]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |record: &&RawRecord| {
            bytes += record.len();
            bytes <= BATCH_BYTES
        };
        let fitting = records.iter().take(BATCH).take_while(fits).count();
        let (batch, rest) = records.split_at(fitting.max(1).min(records.len()));
        records = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

fn map_batch(mapper: &dyn Mapper, kind: RecordKind, records: &[RawRecord], incoming_records: &mut Vec<IncomingRecord>) {
    let mut inputs = Vec::with_capacity(records.len());
    let mut fingerprints = Vec::with_capacity(records.len());
    for record in records {
        match record.to_json() {
            Ok(json) => {
                inputs.push(RawInput { kind, id: record.id.clone(), json });
                fingerprints.push(record.fingerprint);
            }
            Err(error) => incoming_records.push(IncomingRecord {
                id: record.id.clone(),
                fingerprint: record.fingerprint,
                raw: PackedRaw::default(),
                outcome: Outcome::Excluded { quarantined: true },
                diagnostics: vec![unreadable(&error)],
                emptied: Vec::new(),
            }),
        }
    }
    let verdicts = mapper.map(&inputs);
    for ((input, fingerprint), verdict) in inputs.into_iter().zip(fingerprints).zip(verdicts) {
        let (outcome, diagnostics) = judged(kind, &input.id, verdict);
        let raw = PackedRaw::pack(&input.json);
        incoming_records.push(IncomingRecord {
            id: input.id,
            fingerprint,
            raw,
            outcome,
            diagnostics,
            emptied: Vec::new(),
        });
    }
}

/// The diagnostic of a record that cannot be used, before any mapping.
fn unreadable(error: &CrmError) -> Diagnostic {
    let [too_large, unreadable] = NOT_MAPPED;
    let (code, message) = match error {
        CrmError::TooLarge { message } => (too_large, message.clone()),
        CrmError::Protocol { message } => (unreadable, message.clone()),
        other => (unreadable, other.to_string()),
    };
    Diagnostic::error(code, format!("{message}; it is kept aside until it can be read"))
}

pub(super) fn judged(kind: RecordKind, id: &ExternalId, verdict: Verdict) -> (Outcome, Vec<Diagnostic>) {
    match verdict {
        Verdict::Skipped(diagnostics) => (Outcome::Excluded { quarantined: false }, diagnostics),
        Verdict::Rejected(diagnostics) => (Outcome::Excluded { quarantined: true }, diagnostics),
        Verdict::Mapped { records, diagnostics } if kind.is_listed() => (Outcome::List(records), diagnostics),
        Verdict::Mapped { records, mut diagnostics } => {
            let made = records.into_iter().find_map(|record| match (kind, record) {
                (RecordKind::Client, Canonical::Client(client)) => Some(Outcome::Client(Box::new(client))),
                (RecordKind::Adviser, Canonical::Adviser(adviser)) => Some(Outcome::Adviser(adviser)),
                _ => None,
            });
            let outcome = made.unwrap_or_else(|| {
                let message = format!(
                    "the mapping made no {} of the record {id}; it is kept aside until the pack is mended",
                    kind.as_str()
                );
                diagnostics.push(Diagnostic::error("nothing-mapped", message));
                Outcome::Excluded { quarantined: true }
            });
            (outcome, diagnostics)
        }
    }
}
