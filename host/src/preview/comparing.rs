//! Mapping a part of the book by another revision and holding it against what is stored. Blocks the thread.

use std::collections::HashSet;
use std::time::Duration;

use super::differences::RecordDifference;
use super::notes::Side;
use crate::domain::made::{Made, MadeState, difference};
use crate::domain::{Canonical, ClientId, RecordKind};
use crate::pack::{RawInput, Verdict, thread_cpu};
use crate::store::household_effects::LinkChange;
use crate::store::kept_records::KeptRecord;

/// The two revisions, each with what holds for its mapping.
#[derive(Clone)]
pub(super) struct Pair {
    pub from: Side,
    pub to: Side,
}

/// What the comparing of a part found.
#[derive(Default)]
pub(super) struct Compared {
    /// The records that differ.
    pub differences: Vec<RecordDifference>,
    /// The people who would name another partner, or come or go.
    pub links: Vec<LinkChange>,
    /// The items of lists that would leave the book with clients whom a rule leaves out.
    pub leaving: u64,
    /// The time that the mapping took.
    pub mapping: Duration,
    /// The time that the mapping in force takes over the same records, where it was measured.
    pub mapping_now: Option<Duration>,
}

impl Pair {
    /// Compares records of a kind. `is_measured` maps all of them by both, and says how long each took. `left_out` are the
    /// clients whom the other revision would leave out, and their lists with them.
    pub fn compare(
        &self,
        kind: RecordKind,
        records: Vec<KeptRecord>,
        left_out: &HashSet<ClientId>,
        is_measured: bool,
    ) -> Compared {
        let mut compared = Compared::default();
        let mut sides: Vec<(KeptRecord, Option<Made>)> = Vec::with_capacity(records.len());
        let mut inputs = Vec::with_capacity(records.len());
        for mut record in records {
            let json = std::mem::take(&mut record.raw);
            inputs.push(RawInput { kind, id: record.id.clone(), json });
            let made = record.made.take();
            sides.push((record, made));
        }
        if is_measured {
            // The first of the two pays for what both find ready afterwards.
            drop(map(&self.from, kind, &inputs));
        }
        let began = thread_time();
        let after = map(&self.to, kind, &inputs);
        compared.mapping = thread_time().saturating_sub(began);
        if is_measured {
            let began = thread_time();
            drop(map(&self.from, kind, &inputs));
            compared.mapping_now = Some(thread_time().saturating_sub(began));
        }
        self.fill(kind, inputs, &mut sides);
        for ((record, before), after) in sides.into_iter().zip(after) {
            let Some(before) = before else { continue };
            if kind.is_listed() && record.client.is_some_and(|client| left_out.contains(&client)) {
                compared.leaving += before.records.len() as u64;
            }
            if let Some(difference) = difference(kind, &before, &after) {
                if kind == RecordKind::Client {
                    compared.links.extend(link(&record, &before, &after));
                }
                let (id, external_id) = (record.client, record.id);
                compared.differences.push(RecordDifference { kind, id, external_id, difference });
            }
        }
        compared
    }

    /// Maps by the revision in force what is not stored as that one makes it: of another day, edited here since, or not
    /// mapped anew yet.
    fn fill(&self, kind: RecordKind, inputs: Vec<RawInput>, sides: &mut [(KeptRecord, Option<Made>)]) {
        let is_missing: Vec<bool> = sides.iter().map(|(_, made)| made.is_none()).collect();
        let mut missing = is_missing.iter();
        let inputs: Vec<RawInput> =
            inputs.into_iter().filter(|_| missing.next().is_some_and(|is_missing| *is_missing)).collect();
        if inputs.is_empty() {
            return;
        }
        let mut made = map(&self.from, kind, &inputs).into_iter();
        for (_, side) in sides.iter_mut().filter(|(_, side)| side.is_none()) {
            *side = made.next();
        }
    }
}

/// The time that this thread has worked: that others work, too, does not show in it.
fn thread_time() -> Duration {
    thread_cpu().unwrap_or_default()
}

fn map((revision, context): &Side, kind: RecordKind, inputs: &[RawInput]) -> Vec<Made> {
    revision.map(context, inputs).into_iter().map(|verdict| made(kind, verdict)).collect()
}

/// A verdict as the store would take it.
fn made(kind: RecordKind, verdict: Verdict) -> Made {
    let (state, records, diagnostics) = match verdict {
        Verdict::Skipped(diagnostics) => (MadeState::Skipped, Vec::new(), diagnostics),
        Verdict::Rejected(diagnostics) => (MadeState::Rejected, Vec::new(), diagnostics),
        Verdict::Mapped { mut records, diagnostics } => {
            records.retain(|record| record.kind() == kind);
            // A record of which nothing was made cannot be used; an empty list is one.
            let state = if records.is_empty() && !kind.is_listed() { MadeState::Rejected } else { MadeState::Mapped };
            if !kind.is_listed() {
                records.truncate(1);
            }
            (state, records, diagnostics)
        }
    };
    Made { state, records, diagnostics }
}

/// The change of a person's link, if it changes. Who cannot be used any more stays as they are.
fn link(record: &KeptRecord, before: &Made, after: &Made) -> Option<LinkChange> {
    let names = |made: &Made| match made.records.first() {
        Some(Canonical::Client(client)) => client.partner_external_id.clone(),
        _ => None,
    };
    if after.state == MadeState::Rejected {
        return None;
    }
    let change = LinkChange {
        person: record.id.clone(),
        names: names(before),
        would_name: names(after),
        is_in_book: before.state == MadeState::Mapped,
        would_be_in_book: after.state == MadeState::Mapped,
    };
    let is_changed = change.names != change.would_name || change.is_in_book != change.would_be_in_book;
    is_changed.then_some(change)
}
