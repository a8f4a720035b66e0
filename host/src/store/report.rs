//! A run's report, client by client, goal by goal and cover by cover: what changed from what to what, what was
//! overridden, who came, went and came back.
//!
//! Rows are written with the records that they tell of; a record that did not change costs nothing. Bounded: the rows
//! of the latest runs are kept, and so many of each run.

use uuid::Uuid;

use super::engine::Write;
use super::reader::Reader;
use super::rows::{decode, encode};
use super::tables::REPORTS;
use super::{Store, StoreError};
use crate::domain::edit::FieldChange;
use crate::domain::run::{ChangeKind, Run};
use crate::domain::{ClientId, ExternalId, HouseholdId, RecordKind, RunId};
use crate::store::keys::{OwnKey, ReportKey, join, own, span, uuid_at_end};
use crate::store::page::{Page, PageRequest, cursor_of, read_cursor};

/// The list's name, in its cursors.
const CHANGES: &str = "changes";

/// The place in a key where the kind of record and the goal or cover stand.
const KIND_AT: usize = 21;

/// Rows of one run that are kept; beyond them the run's counts tell.
pub const ROWS_OF_A_RUN: u64 = 20_000;

/// A connection's runs whose rows are kept: a month of hourly ones.
pub(super) const RUNS_KEPT: usize = 720;

/// A change that a run made to a client, or to a goal or cover of a client's.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The kind of change.
    pub kind: ChangeKind,
    /// The kind of record that was changed.
    pub record: RecordKind,
    /// The goal or cover; none for a client.
    pub record_id: Option<Uuid>,
    /// The label by which a person knew the goal or cover when the run saw it.
    pub label: Option<String>,
    /// The reason why a client is left out, for a person.
    pub reason: Option<String>,
    /// The client, or whose goal or cover it is.
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

/// The record that a run changed.
pub(super) struct ChangeSubject {
    client: Uuid,
    record: RecordKind,
    id: Uuid,
    label: Option<String>,
}

impl ChangeSubject {
    /// A client.
    pub fn client(client: Uuid) -> Self {
        Self { client, record: RecordKind::Client, id: Uuid::nil(), label: None }
    }

    /// A client whom a rule leaves out, and why.
    pub fn left_out(client: Uuid, reason: Option<String>) -> Self {
        Self { label: reason, ..Self::client(client) }
    }

    /// A goal or cover of a client's.
    pub fn listed(client: Uuid, record: RecordKind, id: Uuid, label: Option<String>) -> Self {
        Self { client, record, id, label }
    }
}

/// A row: by what a person knows the goal or cover, or why a client is left out, and the values, in words.
pub(super) type ReportRow = (Option<String>, Vec<FieldChange>);

/// Rows to be written with a group.
#[derive(Default)]
pub(super) struct Rows(Vec<(ReportKey, Vec<u8>)>);

impl Rows {
    /// Notes what was done to what.
    pub fn note(
        &mut self,
        run: &mut Run,
        kind: ChangeKind,
        told: ChangeSubject,
        fields: &[FieldChange],
    ) -> Result<(), StoreError> {
        if run.counts.listed < ROWS_OF_A_RUN {
            run.counts.listed += 1;
            let ChangeSubject { client, record, id, label } = told;
            let key = join([&own(run.id.0), &[kind as u8, record as u8], id.as_bytes(), client.as_bytes()]);
            let row: ReportRow = (label, fields.to_vec());
            self.0.push((key, encode(&row)?));
        }
        Ok(())
    }

    /// Writes what was noted.
    pub fn write(mut self, transaction: &Write) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_unstable_by_key(|(key, _)| *key);
        let mut table = transaction.open_table(REPORTS)?;
        Ok(table.put_sorted(self.0.iter().map(|(key, row)| (key, row.as_slice())))?)
    }
}

/// The goal or cover that a row tells of.
fn listed_in(key: &ReportKey) -> Uuid {
    let mut id = [0; 16];
    id.copy_from_slice(&key[KIND_AT + 1..KIND_AT + 17]);
    Uuid::from_bytes(id)
}

/// Forgets the rows of a run.
pub(super) fn forget(transaction: &Write, run: Uuid) -> Result<(), StoreError> {
    let (first, last) = span::<{ size_of::<ReportKey>() }>(&own(run));
    Ok(transaction.open_table(REPORTS)?.delete_range(&first..=&last)?)
}

impl Store {
    /// The changes that a run made, client by client and then goal by goal and cover by cover, of one kind or of all.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn changes(
        &self,
        run: RunId,
        kind: Option<ChangeKind>,
        page: PageRequest,
    ) -> Result<Page<Change>, StoreError> {
        self.read(move |transaction| {
            let prefix: OwnKey = own(run.0);
            let (first, last) = match kind {
                None => span(&prefix),
                Some(kind) => span(&[prefix.as_slice(), &[kind as u8]].concat()),
            };
            let after = read_cursor(CHANGES, &page, &[(first, last)])?;
            let (table, reader) = (transaction.open_table(REPORTS)?, Reader::open(transaction)?);
            let mut items = Vec::new();
            let mut reached = first;
            for entry in table.scan((after.bound(&first), std::ops::Bound::Included(&last)))? {
                let (key, row) = entry?;
                if items.len() == page.limit() {
                    return Ok(Page { items, next: Some(cursor_of(CHANGES, &reached)) });
                }
                reached = *key.value();
                let Some(kind) = ChangeKind::ALL.iter().find(|kind| **kind as u8 == reached[20]) else { continue };
                let Some(stored) = reader.client(ClientId(uuid_at_end(&reached)))? else { continue };
                let record = RecordKind::ALL.iter().copied().find(|record| *record as u8 == reached[KIND_AT]);
                let Some(record) = record else { continue };
                let (text, fields): ReportRow = decode(row.value())?;
                let (label, reason) = if record.is_listed() { (text, None) } else { (None, text) };
                items.push(Change {
                    kind: *kind,
                    record,
                    record_id: record.is_listed().then(|| listed_in(&reached)),
                    label,
                    reason,
                    client_id: stored.id,
                    name: stored.client.full_name(),
                    external_id: stored.client.external_id,
                    household_id: stored.household_id,
                    fields,
                });
            }
            Ok(Page { items, next: None })
        })
        .await
    }
}
