//! The changes of one record that the reports of runs list. A report's rows are keyed by their run: the record's row of each
//! run that is kept is asked for by its key, so that the answer costs a walk nothing.

use uuid::Uuid;

use super::connection_numbers::{connection_key, number_of};
use super::keys::{ReportKey, join, own, span, uuid_at_end};
use super::report::{RUNS_KEPT, ReportRow};
use super::rows::decode;
use super::tables::{REPORTS, RUNS, RUNS_OF};
use super::{Store, StoreError};
use crate::domain::edit::FieldChange;
use crate::domain::run::{ChangeKind, Run};
use crate::domain::{ClientId, ConnectionName, RecordKind};

/// The most changes of a record that are told.
const MOST: usize = 100;

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
            let Some(number) = number_of(transaction, &connection)? else { return Ok(found) };
            let (reports, runs) = (transaction.open_table(REPORTS)?, transaction.open_table(RUNS)?);
            let (first, last) = span::<22>(&connection_key(number));
            for entry in transaction.open_table(RUNS_OF)?.scan_back(&first..=&last)?.take(RUNS_KEPT) {
                let run = uuid_at_end(entry?.0.value());
                for kind in [ChangeKind::Overridden, ChangeKind::Changed] {
                    let item = item.unwrap_or_default();
                    let key: ReportKey =
                        join([&own(run), &[kind as u8, record as u8], item.as_bytes(), client.0.as_bytes()]);
                    let Some(row) = reports.get(&key)? else { continue };
                    let (_, fields): ReportRow = decode(row.value())?;
                    if let Some(run) = runs.get(&own(run))? {
                        found.push(ReportedChange { run: decode(run.value())?, kind, fields });
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
