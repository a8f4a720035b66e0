//! Mapping the records of a page that are not what they were.

use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender};

use super::mapper::Mapper;
use super::walk::WalkError;
use crate::crm::{RawPage, RawRecord, Source};
use crate::domain::run::Run;
use crate::domain::{Canonical, Diagnostic, ExternalId, RecordKind};
use crate::pack::{RawInput, Verdict};
use crate::store::Store;
use crate::store::commit::{Arrival, MappedBy, Outcome};
use crate::store::raw::PackedRaw;

/// Records for one call into the sandbox.
const BATCH: usize = 500;

/// A page after mapping.
pub(super) struct MappedPage {
    /// All ids of the page.
    pub ids: Vec<ExternalId>,
    /// The records that were mapped; the others are unchanged.
    pub arrivals: Vec<Arrival>,
    /// The CRM's bookmark of the next page.
    pub next: Option<String>,
}

/// Maps pages as they come and hands them on.
///
/// # Errors
/// Where the store fails.
pub(super) async fn pages(
    store: &Store,
    mapper: &Arc<dyn Mapper>,
    run: &Run,
    source: &Source,
    mut from: Receiver<RawPage>,
    to: Sender<MappedPage>,
) -> Result<(), WalkError> {
    let by = mapped_by(mapper.as_ref(), source.kind);
    while let Some(RawPage { mut records, next }) = from.recv().await {
        let known = records.iter().map(|record| (record.id.clone(), record.fingerprint)).collect();
        let unchanged = store.unchanged(run, source.kind, by, known).await?;
        let ids = records.iter().map(|record| record.id.clone()).collect();
        let mut unchanged = unchanged.into_iter();
        records.retain(|_| unchanged.next() != Some(true));
        let arrivals = if records.is_empty() { Vec::new() } else { mapped(mapper, source.kind, records).await? };
        if to.send(MappedPage { ids, arrivals, next: next.map(|next| next.0) }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// By what records of a kind are mapped.
pub(super) fn mapped_by(mapper: &dyn Mapper, kind: RecordKind) -> MappedBy {
    MappedBy { revision: mapper.revision(), as_of: mapper.reads_as_of(kind).then(|| mapper.as_of()) }
}

async fn mapped(
    mapper: &Arc<dyn Mapper>,
    kind: RecordKind,
    records: Vec<RawRecord>,
) -> Result<Vec<Arrival>, WalkError> {
    let mapper = Arc::clone(mapper);
    let work = move || records.chunks(BATCH).flat_map(|batch| map_batch(mapper.as_ref(), kind, batch)).collect();
    tokio::task::spawn_blocking(work).await.map_err(|panic| WalkError::Fault(panic.to_string()))
}

fn map_batch(mapper: &dyn Mapper, kind: RecordKind, records: &[RawRecord]) -> Vec<Arrival> {
    let mut arrivals = Vec::with_capacity(records.len());
    let mut inputs = Vec::with_capacity(records.len());
    let mut fingerprints = Vec::with_capacity(records.len());
    for record in records {
        match record.to_json() {
            Ok(json) => {
                inputs.push(RawInput { kind, id: record.id.clone(), json });
                fingerprints.push(record.fingerprint);
            }
            Err(error) => arrivals.push(Arrival {
                id: record.id.clone(),
                fingerprint: record.fingerprint,
                raw: PackedRaw::default(),
                outcome: Outcome::SetAside { quarantined: true },
                diagnostics: vec![Diagnostic::error("unreadable-record", error.to_string())],
            }),
        }
    }
    let verdicts = mapper.map(&inputs);
    for ((input, fingerprint), verdict) in inputs.into_iter().zip(fingerprints).zip(verdicts) {
        let (outcome, diagnostics) = judged(kind, &input.id, verdict);
        let raw = PackedRaw::pack(&input.json);
        arrivals.push(Arrival { id: input.id, fingerprint, raw, outcome, diagnostics });
    }
    arrivals
}

fn judged(kind: RecordKind, id: &ExternalId, verdict: Verdict) -> (Outcome, Vec<Diagnostic>) {
    match verdict {
        Verdict::Skipped(diagnostics) => (Outcome::SetAside { quarantined: false }, diagnostics),
        Verdict::Rejected(diagnostics) => (Outcome::SetAside { quarantined: true }, diagnostics),
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
                Outcome::SetAside { quarantined: true }
            });
            (outcome, diagnostics)
        }
    }
}
