//! Lists of a client's own record, such as the addresses, that come empty although they held entries. An empty answer is
//! no proof: a right that was withdrawn and a replica that lags look the same.

use std::collections::HashMap;

use crate::crm::{RawRecord, Source};
use crate::domain::run::Run;
use crate::domain::{Diagnostic, ExternalId, Severity};
use crate::store::commit::emptied::KeptLists;
use crate::store::commit::{IncomingRecord, Outcome, SyncState};
use crate::store::{Store, StoreError};

/// The code of what is said of a list that came empty.
pub const EMPTY_ONCE: &str = "list-empty-once";

/// The records of a page whose lists were filled in, each with those lists.
#[derive(Default)]
pub(super) struct Emptied(HashMap<ExternalId, Vec<String>>);

impl Emptied {
    /// Fills lists that came empty with what they held before, until two complete walks in a row found them so. A client
    /// by itself is no walk, and always keeps what there was. Nothing is read for records that are what they were.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn fill(
        store: &Store,
        run: &Run,
        source: &Source,
        records: &mut [RawRecord],
        known: &[SyncState],
    ) -> Result<Self, StoreError> {
        let (mut places, mut asked) = (Vec::new(), Vec::new());
        for (place, (record, known)) in records.iter().zip(known).enumerate() {
            if !known.is_known || known.is_same || record.fault.is_some() {
                continue;
            }
            let empty: Vec<String> = source.lists.iter().filter(|list| record.is_without(list)).cloned().collect();
            if !empty.is_empty() {
                places.push(place);
                asked.push((record.id.clone(), empty));
            }
        }
        let mut emptied = Self::default();
        if asked.is_empty() {
            return Ok(emptied);
        }
        let kept = store.kept_lists(run, source.kind, asked).await?;
        for (place, kept) in places.into_iter().zip(kept) {
            let Some(KeptLists { raw, unproven }) = kept else { continue };
            let record = &mut records[place];
            let filled = match record.keep_lists(&raw.into(), &unproven) {
                Some(filled) => filled,
                // With nothing to fill them with, the client stays as they are.
                None if known[place].in_book && !unproven.is_empty() => {
                    record.fault = Some(empty_after_damage(&unproven));
                    unproven
                }
                None => continue,
            };
            if !filled.is_empty() {
                emptied.0.insert(record.id.clone(), filled);
            }
        }
        Ok(emptied)
    }

    /// Tells of it with what became of the records.
    pub fn tell(&self, incoming_records: &mut [IncomingRecord]) {
        if self.0.is_empty() {
            return;
        }
        for incoming in incoming_records {
            let Some(lists) = self.0.get(&incoming.id) else { continue };
            // Of a record that stays out, the reason for that is what counts.
            if matches!(incoming.outcome, Outcome::Client(_)) {
                incoming.diagnostics.extend(lists.iter().map(|list| empty_once(list)));
            }
            incoming.emptied.clone_from(lists);
        }
    }
}

fn empty_after_damage(lists: &[String]) -> String {
    format!(
        "the record could not be read when it last came, and now nothing stands in its lists: {}. What the client has from \
         them is kept until two complete walks in a row find them empty.",
        lists.join(", ")
    )
}

fn empty_once(list: &str) -> Diagnostic {
    let message = format!(
        "The list {list} came empty from the CRM, where it had entries before. They are kept until two complete walks in a \
         row find it empty. If the client still has entries there, see whether the integration's user may read them."
    );
    Diagnostic { severity: Severity::Warning, field: None, code: EMPTY_ONCE.to_owned(), message }
}
