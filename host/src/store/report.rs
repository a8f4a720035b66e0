//! A run's report, client by client: what changed from what to what, what was overridden, who came, went and came back.
//!
//! Rows are written with the records that they tell of; a record that did not change costs nothing. Bounded: the rows
//! of the latest runs are kept, and so many of each run.

use redb::WriteTransaction;
use uuid::Uuid;

use super::book::{Page, PageRequest, cursor, reader::Reader};
use super::keys::{OwnKey, join, own, span, uuid_at_end};
use super::tables::{REPORTS, decode, encode, write_sorted};
use super::{Store, StoreError};
use crate::domain::edit::FieldChange;
use crate::domain::run::{ChangeKind, Run};
use crate::domain::{ClientId, ExternalId, HouseholdId, RunId};

/// `practice · run · what was done · client`.
pub(super) type ReportKey = [u8; 4 + 16 + 1 + 16];

/// Rows of one run that are kept; beyond them the run's counts tell.
const ROWS_OF_A_RUN: u64 = 20_000;

/// A connection's runs whose rows are kept: a month of hourly ones.
pub(super) const RUNS_KEPT: usize = 720;

/// What a run did to a client.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientChange {
    /// What.
    pub kind: ChangeKind,
    /// To whom.
    pub client_id: ClientId,
    /// The client's id in the CRM.
    pub external_id: ExternalId,
    /// The client's name as it is now.
    pub name: String,
    /// The household that the client is in now.
    pub household_id: HouseholdId,
    /// The values, in words.
    pub fields: Vec<FieldChange>,
}

/// Rows to be written with a group.
#[derive(Default)]
pub(super) struct Rows(Vec<(ReportKey, Vec<u8>)>);

impl Rows {
    /// Notes what was done to a client.
    pub fn note(
        &mut self,
        run: &mut Run,
        kind: ChangeKind,
        client: Uuid,
        fields: &[FieldChange],
    ) -> Result<(), StoreError> {
        if run.counts.listed < ROWS_OF_A_RUN {
            run.counts.listed += 1;
            let key = join([&own(run.id.0), &[kind as u8], client.as_bytes()]);
            self.0.push((key, encode(&fields)?));
        }
        Ok(())
    }

    /// Writes what was noted.
    pub fn write(mut self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_unstable_by_key(|(key, _)| *key);
        let mut table = transaction.open_table(REPORTS)?;
        write_sorted(&mut table, self.0.iter().map(|(key, row)| (key, row.as_slice())))
    }
}

/// Forgets the rows of a run.
pub(super) fn forget(transaction: &WriteTransaction, run: Uuid) -> Result<(), StoreError> {
    let (first, last) = span::<{ size_of::<ReportKey>() }>(&own(run));
    Ok(transaction.open_table(REPORTS)?.retain_in::<&ReportKey, _>(&first..=&last, |_, _| false)?)
}

impl Store {
    /// What a run did, client by client, of one kind or of all.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn changes(
        &self,
        run: RunId,
        kind: Option<ChangeKind>,
        page: PageRequest,
    ) -> Result<Page<ClientChange>, StoreError> {
        self.read(move |transaction| {
            let prefix: OwnKey = own(run.0);
            let (first, last) = match kind {
                None => span(&prefix),
                Some(kind) => span(&[prefix.as_slice(), &[kind as u8]].concat()),
            };
            let after = cursor::after(&page, &[(first, last)])?;
            let (table, reader) = (transaction.open_table(REPORTS)?, Reader::open(transaction)?);
            let mut items = Vec::new();
            let mut reached = first;
            for entry in table.range::<&ReportKey>((after.bound(&first), std::ops::Bound::Included(&last)))? {
                let (key, row) = entry?;
                if items.len() == page.limit() {
                    return Ok(Page { items, next: Some(cursor::write(&reached)) });
                }
                reached = *key.value();
                let Some(kind) = ChangeKind::ALL.iter().find(|kind| **kind as u8 == reached[20]) else { continue };
                let Some(stored) = reader.client(ClientId(uuid_at_end(&reached)))? else { continue };
                items.push(ClientChange {
                    kind: *kind,
                    client_id: stored.id,
                    name: stored.client.full_name(),
                    external_id: stored.client.external_id,
                    household_id: stored.household_id,
                    fields: decode(row.value())?,
                });
            }
            Ok(Page { items, next: None })
        })
        .await
    }
}
