//! Making a preview: the book is gone through kind by kind, a part at a time, so that memory does not grow with it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::comparing::Pair;
use super::lines::Writer;
use super::notes::{self, DocumentOutcome, NoteDifference, PastEvent, PastEvents, Side};
use super::summary::{Couples, HouseholdChanges};
use super::tally::Tally;
use super::{Preview, PreviewState};
use crate::connection::Connection;
use crate::domain::{Date, RecordKind, Timestamp};
use crate::pack::Revision;
use crate::queue::{self, NotDone};
use crate::store::commit::MappedBy;
use crate::store::household_effects::LinkChange;
use crate::store::page::{Page, PageRequest};
use crate::store::{Store, StoreError};

/// Records that are read and mapped together …
const PART: usize = 500;
/// … and their bytes.
const PART_BYTES: usize = 4 << 20;
/// The parts of clients by which the time is measured, spread over the first ones.
const MEASURED: usize = 4;

/// A preview to be made.
pub(super) struct Job {
    pub store: Store,
    pub connection: Arc<Connection>,
    pub from: Arc<Revision>,
    pub to: Arc<Revision>,
    pub as_of: Date,
    pub events: Arc<dyn PastEvents>,
    pub progress: watch::Sender<Arc<Preview>>,
    pub stop: CancellationToken,
}

/// The reason why a preview came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it was ended before it was done")]
    Stopped,
    #[error("its file could not be written: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl Job {
    /// Makes the preview. Answers it as it ended.
    pub async fn run(self, mut preview: Preview, (mut records, mut notes): (Writer, Writer)) -> Preview {
        let mut outcome = self.compare(&mut preview, &mut records).await;
        if outcome.is_ok() {
            outcome = self.compare_notes(&mut preview, &mut notes).await;
        }
        if outcome.is_ok() {
            outcome = records.finish().and_then(|()| notes.finish()).map_err(Failure::from);
        }
        preview.finished_at = Some(Timestamp::now());
        preview.state = match outcome {
            Ok(()) => PreviewState::Done,
            Err(Failure::Stopped) => PreviewState::Cancelled,
            Err(failure) => {
                tracing::error!(error = %failure, preview = %preview.id, "a preview came to nothing");
                preview.error = Some(failure.to_string());
                PreviewState::Failed
            }
        };
        self.tell(&preview);
        preview
    }

    async fn compare(&self, preview: &mut Preview, file: &mut Writer) -> Result<(), Failure> {
        let name = &self.connection.name;
        let kinds = RecordKind::ALL.iter().copied().filter(|kind| self.to.reads(*kind));
        for kind in kinds.clone() {
            preview.expected += self.store.count_kept_records(name.clone(), kind).await?;
        }
        let pair = Pair { from: self.side(&self.from), to: self.side(&self.to) };
        let mut tally = Tally::default();
        let mut links: Vec<LinkChange> = Vec::new();
        let mut left_out = Arc::new(HashSet::new());
        let (mut times, mut mapping) = ((Duration::ZERO, Duration::ZERO), Duration::ZERO);
        for kind in kinds {
            let as_of = self.from.reads_as_of(kind).then_some(self.as_of);
            let by = MappedBy { revision: self.from.id(), as_of };
            let (mut place, mut parts) = (None, 0);
            loop {
                if self.stop.is_cancelled() {
                    return Err(Failure::Stopped);
                }
                let kept = self.store.kept_records(name.clone(), (kind, by), place, (PART, PART_BYTES)).await?;
                tally.records += kept.records.len() as u64;
                if kind == RecordKind::Client {
                    tally.clients += kept.records.len() as u64;
                }
                tally.not_compared += kept.unusable;
                if !kept.records.is_empty() {
                    let is_measured = kind == RecordKind::Client && parts < MEASURED;
                    let (pair, records) = (pair.clone(), kept.records);
                    let known = Arc::clone(&left_out);
                    let work = move || pair.compare(kind, records, &known, is_measured);
                    let compared = queue::MAPPING.run(work).await?;
                    for difference in &compared.differences {
                        tally.add(difference);
                        tally.listed += u64::from(file.write(difference)?);
                        if let Some(client) = difference.left_out() {
                            Arc::make_mut(&mut left_out).insert(client);
                        }
                    }
                    if compared.leaving > 0 {
                        *preview.leaving.entry(kind).or_default() += compared.leaving;
                    }
                    links.extend(compared.links);
                    mapping += compared.mapping;
                    if let Some(now) = compared.mapping_now {
                        times = (times.0 + now, times.1 + compared.mapping);
                    }
                }
                parts += 1;
                tally.tell(preview);
                self.tell(preview);
                place = kept.next;
                if place.is_none() {
                    break;
                }
            }
        }
        tracing::info!(preview = %preview.id, records = tally.records, mapping_ms = mapping.as_millis(), "the book was mapped by another revision");
        // Too short a time is noise.
        if times.0 > Duration::from_millis(2) {
            preview.time_ratio = Some((times.1.as_secs_f64() / times.0.as_secs_f64() * 100.0).round() / 100.0);
        }
        let effects = self.store.household_effects(name.clone(), links).await?;
        preview.households = HouseholdChanges {
            joining: Couples { count: effects.joining, examples: effects.joining_couples },
            parting: Couples { count: effects.parting, examples: effects.parting_couples },
        };
        Ok(())
    }

    /// Writes the notes of the last month once more by both revisions, and makes their documents where their templates
    /// differ.
    async fn compare_notes(&self, preview: &mut Preview, file: &mut Writer) -> Result<(), Failure> {
        let since = Timestamp::now() - jiff::SignedDuration::from_hours(24 * notes::DAYS);
        let has_other_documents = self.from.has_other_documents(&self.to);
        let mut cursor = None;
        loop {
            let request = PageRequest { cursor, limit: notes::PART };
            let Page { items, next } = self.events.page(&self.connection.name, since, request).await?;
            let (from, to) = (self.side(&self.from), self.side(&self.to));
            let work = move || {
                let compare = |event: PastEvent| {
                    let found = event.told.as_ref().map(|told| notes::compare((&from, &to), &event, told));
                    (event, found)
                };
                items.into_iter().map(compare).collect::<Vec<_>>()
            };
            for (event, found) in queue::MAPPING.run(work).await? {
                if self.stop.is_cancelled() {
                    return Err(Failure::Stopped);
                }
                let is_compared = found.is_some();
                let mut one = found.unwrap_or_else(|| NoteDifference::of(&event));
                let counts = &mut preview.notes;
                if is_compared {
                    counts.compared += 1;
                    counts.add(&one);
                } else {
                    counts.not_compared += 1;
                }
                if has_other_documents && event.has_made_document {
                    let outcome = if is_compared && counts.documents_compared < notes::DOCUMENTS {
                        self.events.compare_documents(event.note, &self.from, &self.to).await?
                    } else {
                        DocumentOutcome::NotCompared
                    };
                    counts.add_document(outcome, &mut one);
                }
                if one.is_one() {
                    file.write(&one)?;
                }
            }
            preview.weigh();
            self.tell(preview);
            cursor = next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn side(&self, revision: &Arc<Revision>) -> Side {
        (Arc::clone(revision), self.connection.context(revision, self.as_of))
    }

    fn tell(&self, preview: &Preview) {
        self.progress.send_replace(Arc::new(preview.clone()));
    }
}
