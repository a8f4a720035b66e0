//! The changes of one record that the reports of runs list. A report's rows are keyed by their run: the record's row of each
//! run that is kept is asked for by its key, so that the answer costs a walk nothing.

use uuid::Uuid;

use super::keys::{PRACTICE, ReportKey, join, own, span, uuid_at_end};
use super::report::{RUNS_KEPT, ReportRow};
use super::rows::decode;
use super::tables::{REPORTS, RUNS};
use super::{Store, StoreError};
use crate::domain::edit::FieldChange;
use crate::domain::run::{ChangeKind, Run};
use crate::domain::{ClientId, ConnectionName, RecordKind};

/// The most changes of a record that are told.
const MOST: usize = 100;

/// The newest runs of all connections whose reports are looked through: more than the reports of one are kept for.
const RUNS_LOOKED_AT: usize = 2 * RUNS_KEPT;

/// A change of a record that a run reports.
#[derive(Clone, PartialEq, Debug)]
pub struct ReportedChange {
    /// The run.
    pub run: Run,
    /// Whether values of the CRM, or values that were edited here and that the CRM overrode.
    pub kind: ChangeKind,
    /// The values.
    pub fields: Vec<FieldChange>,
}

impl Store {
    /// The changes of a client's values, or of those of a goal or cover in the client's lists, that the runs of a connection
    /// report: of the runs whose reports are kept, the newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn reported_changes(
        &self,
        connection: ConnectionName,
        client: ClientId,
        (record, item): (RecordKind, Option<Uuid>),
    ) -> Result<Vec<ReportedChange>, StoreError> {
        self.read(move |transaction| {
            let mut found = Vec::new();
            let (reports, runs) = (transaction.open_table(REPORTS)?, transaction.open_table(RUNS)?);
            // Runs that map again what is kept are in no list of a connection's walks, and have reports as well.
            let (first, last) = span::<20>(&PRACTICE.to_be_bytes());
            let item = item.unwrap_or_default();
            for entry in runs.scan_back(&first..=&last)?.take(RUNS_LOOKED_AT) {
                let (id, row) = entry?;
                for kind in [ChangeKind::Overridden, ChangeKind::Changed] {
                    let id = own(uuid_at_end(id.value()));
                    let key: ReportKey = join([&id, &[kind as u8, record as u8], item.as_bytes(), client.0.as_bytes()]);
                    let Some(changes) = reports.get(&key)? else { continue };
                    let (_, fields): ReportRow = decode(changes.value())?;
                    let run: Run = decode(row.value())?;
                    if run.connection == connection {
                        found.push(ReportedChange { run, kind, fields });
                    }
                }
                if found.len() >= MOST {
                    break;
                }
            }
            Ok(found)
        })
        .await
    }
}
