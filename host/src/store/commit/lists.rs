//! Merging what stands in clients' lists. What a list no longer shows is noted as unseen.

use uuid::Uuid;

use super::super::StoreError;
use super::super::absent_items::AbsenceRows;
use super::super::identity::Identity;
use super::super::report::{ChangeSubject, Rows as Report};
use super::super::rows::listed::StoredItem;
use super::super::rows::{decode, encode};
use super::super::tables::{BookCounts, LISTED, ListRecord};
use super::pending::Pending;
use super::{IncomingRecord, Outcome};
use crate::domain::RunId;
use crate::domain::listed::{FoundList, MergedList, merge as merge_list};
use crate::domain::run::{ChangeKind, Run, Trigger};
use crate::store::engine::{Readable as _, Write, WriteTable};
use crate::store::keys::{ExternalKey, ListKey, OwnKey, list_key, own};

/// Leaves out the lists of clients who are not in the book. Nothing is noted of them, so that they are imported with
/// their clients.
pub(super) fn keep_with_clients(
    rows: &Pending<'_>,
    incoming_records: &mut Vec<IncomingRecord>,
) -> Result<(), StoreError> {
    let mut kept = Vec::with_capacity(incoming_records.len());
    for incoming in incoming_records.drain(..) {
        if rows.client_of(ExternalKey::from(&incoming.id))?.is_some() {
            kept.push(incoming);
        }
    }
    *incoming_records = kept;
    Ok(())
}

/// Merges the lists of a run, by its walk or by none. One that cannot be used changes nothing of what is known.
pub(super) fn merge<T: StoredItem>(
    transaction: &Write,
    rows: &mut Pending<'_>,
    (run, walk): (&mut Run, Option<RunId>),
    incoming_records: Vec<IncomingRecord>,
    tallies: &mut BookCounts,
) -> Result<(), StoreError> {
    let mut lists = Merging::<T>::open(transaction)?;
    let mut unseen = AbsenceRows::open(transaction, walk)?;
    for incoming in incoming_records {
        let content_version = rows.content_version(&incoming);
        let id = ExternalKey::from(&incoming.id);
        let Some(client) = rows.client_of(id)? else { continue };
        let known = rows.get(id)?;
        // A list that a rule leaves out, or that cannot be used, keeps what is known of it, and says nothing of what is
        // missing.
        let known = known.unwrap_or_else(|| Identity::new(content_version));
        let kept = Identity { content_version, client: Some(client), in_book: true, has_unseen: false, ..known };
        let identity = match incoming.outcome {
            Outcome::List(records) => {
                let found = FoundList::new(records, incoming.diagnostics);
                lists.take(rows, run, (id, kept), found, (tallies, &mut unseen))?
            }
            _ => {
                run.counts.list_mut(T::KIND).quarantined += 1;
                kept
            }
        };
        rows.set(id, identity);
    }
    lists.write(transaction)
}

/// The lists of one kind, and what is to be written of them.
struct Merging<'t, T> {
    table: WriteTable<'t, &'static ListKey, &'static [u8]>,
    writes: Vec<(ListKey, Vec<u8>)>,
    /// The items that are new, each with the list in which it stands.
    new: Vec<(OwnKey, ListKey)>,
    report: Report,
    kind: std::marker::PhantomData<T>,
}

impl<'t, T: StoredItem> Merging<'t, T> {
    fn open(transaction: &'t Write) -> Result<Self, StoreError> {
        let table = transaction.open_table(T::LISTS)?;
        Ok(Self {
            table,
            writes: Vec::new(),
            new: Vec::new(),
            report: Report::default(),
            kind: std::marker::PhantomData,
        })
    }

    /// Merges the list of a client. Answers what is known of it now.
    fn take(
        &mut self,
        rows: &Pending<'_>,
        run: &mut Run,
        (id, identity): (ExternalKey, Identity),
        found: FoundList<T>,
        (tallies, unseen): (&mut BookCounts, &mut AbsenceRows<'_>),
    ) -> Result<Identity, StoreError> {
        let Some(client) = identity.client else { return Ok(identity) };
        let key = list_key(client, rows.connection);
        let known = self.table.get(&key)?.map(|known| decode::<ListRecord<T>>(known.value())).transpose()?;
        let is_known = known.is_some();
        run.counts.warn(&found.diagnostics);
        for item in &found.items {
            run.counts.warn(&item.diagnostics);
        }
        let diagnostics = found.diagnostics.clone();
        let first_new = self.new.len();
        let counts = run.counts.list_mut(T::KIND);
        let mut merged = merge_list(known.map(|known| known.items).unwrap_or_default(), found, rows.at, counts, || {
            let id = rows.new_id();
            self.new.push((own(id), key));
            id
        });
        // The list is the one that was read before: what another revision does not make of it is gone by that revision's
        // word, and not by the CRM's silence.
        if run.trigger == Trigger::Revision && merged.is_whole {
            run.counts.list_mut(T::KIND).gone += merged.missing.len() as u64;
            for id in std::mem::take(&mut merged.missing) {
                let Some(item) = merged.items.iter_mut().find(|item| item.id == id) else { continue };
                item.gone_since = Some(rows.at);
                let told = ChangeSubject::listed(client, T::KIND, id, item.value.label());
                self.report.note(run, ChangeKind::Gone, told, &[])?;
            }
        }
        self.tell(run, client, &merged, first_new)?;
        let has_unseen = is_known && unseen.note(&rows.key(id), &merged.missing, merged.is_whole)?;
        let items = merged.items;
        let listed = items.iter().filter(|item| item.gone_since.is_none()).count() as u32;
        let tally = tallies.lists.entry(T::KIND).or_default();
        *tally = (*tally + u64::from(listed)).saturating_sub(u64::from(identity.listed()));
        let record = ListRecord { revision: rows.by.revision.0, items, diagnostics };
        self.writes.push((key, encode(&record)?));
        Ok(Identity { has_unseen, ..identity.with_listed(listed) })
    }

    /// Counts by field what a merge changed, and reports it. A first walk's goals and covers are not listed one by one.
    fn tell(
        &mut self,
        run: &mut Run,
        client: Uuid,
        merged: &MergedList<T>,
        first_new: usize,
    ) -> Result<(), StoreError> {
        for change in &merged.changes {
            for field in &change.fields {
                let field = format!("{}.{}", T::KIND.as_str(), field.field);
                *run.counts.changed_fields.entry(field).or_default() += 1;
            }
            let item = &merged.items[change.place];
            let told = ChangeSubject::listed(client, T::KIND, item.id, item.value.label());
            self.report.note(run, change.kind, told, &change.fields)?;
        }
        if run.expected.is_some() {
            for (id, _) in &self.new[first_new..] {
                let item = merged.items.iter().find(|item| own(item.id) == *id);
                let told = item.map(|item| ChangeSubject::listed(client, T::KIND, item.id, item.value.label()));
                if let Some(told) = told {
                    self.report.note(run, ChangeKind::Created, told, &[])?;
                }
            }
        }
        Ok(())
    }

    fn write(mut self, transaction: &Write) -> Result<(), StoreError> {
        self.report.write(transaction)?;
        self.writes.sort_unstable_by_key(|(key, _)| *key);
        self.table.put_sorted(self.writes.iter().map(|(key, record)| (key, record.as_slice())))?;
        // New ids follow one another: they are sorted already.
        Ok(transaction.open_table(LISTED)?.put_sorted(self.new.iter().map(|(id, key)| (id, key)))?)
    }
}
