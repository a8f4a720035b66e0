//! Merging what stands in clients' lists: goals and covers.

use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};
use uuid::Uuid;

use super::super::StoreError;
use super::super::identity::{Aside, Identity};
use super::super::keys::{ExternalKey, OwnKey, join, own};
use super::super::report::{Rows as Report, Told};
use super::super::tables::{COVERS, GOALS, LISTED, ListKey, ListRecord, Tallies, decode, encode, write_sorted};
use super::clients::count_warnings;
use super::rows::Rows;
use super::{Arrival, Outcome};
use crate::domain::listed::{FoundList, ListItem, MergedList, merge as merge_list};
use crate::domain::run::{ChangeKind, Run};
use crate::domain::{Cover, Goal};

type ListTable = TableDefinition<'static, &'static ListKey, &'static [u8]>;

/// Leaves out the lists of clients who are not in the book. Nothing is noted of them, so that they come over with
/// their clients.
pub(super) fn keep_with_clients(rows: &Rows<'_>, arrivals: &mut Vec<Arrival>) -> Result<(), StoreError> {
    let mut kept = Vec::with_capacity(arrivals.len());
    for arrival in arrivals.drain(..) {
        if rows.client_of(ExternalKey::from(&arrival.id))?.is_some() {
            kept.push(arrival);
        }
    }
    *arrivals = kept;
    Ok(())
}

/// Merges the lists. One that cannot be used changes nothing of what is known.
pub(super) fn merge(
    transaction: &WriteTransaction,
    rows: &mut Rows<'_>,
    run: &mut Run,
    arrivals: Vec<Arrival>,
    tallies: &mut Tallies,
) -> Result<(), StoreError> {
    let mut goals = Merging::<Goal>::open(transaction, GOALS)?;
    let mut covers = Merging::<Cover>::open(transaction, COVERS)?;
    for arrival in arrivals {
        let seen_as = rows.seen_as(&arrival);
        let id = ExternalKey::from(&arrival.id);
        let Some(client) = rows.client_of(id)? else { continue };
        let key: ListKey = join([&own(client), &rows.connection.0.to_be_bytes()]);
        let known = rows.get(id)?;
        let before = known.as_ref().map_or(0, Identity::listed);
        let listed = match arrival.outcome {
            Outcome::Goals(found) => Some(goals.take(rows, run, (client, &key), found, &mut tallies.goals, before)?),
            Outcome::Covers(found) => {
                Some(covers.take(rows, run, (client, &key), found, &mut tallies.covers, before)?)
            }
            _ => None,
        };
        if listed.is_none()
            && let Some(counts) = run.counts.list_mut(rows.kind)
        {
            counts.quarantined += 1;
        }
        // A list that a rule leaves out, or that cannot be used, keeps what is known of it.
        let identity = Identity::of_list(seen_as, client, listed.unwrap_or(before));
        let set_aside: Option<Aside> = known.and_then(|known| known.set_aside);
        rows.set(id, Identity { set_aside, ..identity });
    }
    goals.write(transaction)?;
    covers.write(transaction)
}

/// The lists of one kind, and what is to be written of them.
struct Merging<'t, T> {
    table: Table<'t, &'static ListKey, &'static [u8]>,
    writes: Vec<(ListKey, Vec<u8>)>,
    /// Goals or covers that are new, each with the list in which it stands.
    new: Vec<(OwnKey, ListKey)>,
    report: Report,
    kind: std::marker::PhantomData<T>,
}

impl<'t, T: ListItem> Merging<'t, T> {
    fn open(transaction: &'t WriteTransaction, table: ListTable) -> Result<Self, StoreError> {
        let table = transaction.open_table(table)?;
        Ok(Self {
            table,
            writes: Vec::new(),
            new: Vec::new(),
            report: Report::default(),
            kind: std::marker::PhantomData,
        })
    }

    /// Merges one list. Answers how much stands in it now.
    fn take(
        &mut self,
        rows: &Rows<'_>,
        run: &mut Run,
        (client, key): (Uuid, &ListKey),
        found: FoundList<T>,
        tally: &mut u64,
        before: u32,
    ) -> Result<u32, StoreError> {
        let known = self.table.get(key)?.map(|known| decode::<ListRecord<T>>(known.value())).transpose()?;
        count_warnings(&mut run.counts, &found.diagnostics);
        for item in &found.items {
            count_warnings(&mut run.counts, &item.diagnostics);
        }
        let diagnostics = found.diagnostics.clone();
        let first_new = self.new.len();
        let Some(counts) = run.counts.list_mut(T::KIND) else { return Ok(before) };
        let merged = merge_list(known.map(|known| known.items).unwrap_or_default(), found, rows.at, counts, || {
            let id = rows.new_id();
            self.new.push((own(id), *key));
            id
        });
        self.tell(run, client, &merged, first_new)?;
        let items = merged.items;
        let listed = items.iter().filter(|item| item.gone_since.is_none()).count() as u32;
        *tally = (*tally + u64::from(listed)).saturating_sub(u64::from(before));
        let record = ListRecord { revision: rows.by.revision.0, items, diagnostics };
        self.writes.push((*key, encode(&record)?));
        Ok(listed)
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
            let told = Told::listed(client, T::KIND, item.id, item.value.label());
            self.report.note(run, change.kind, told, &change.fields)?;
        }
        if run.expected.is_some() {
            for (id, _) in &self.new[first_new..] {
                let item = merged.items.iter().find(|item| own(item.id) == *id);
                let told = item.map(|item| Told::listed(client, T::KIND, item.id, item.value.label()));
                if let Some(told) = told {
                    self.report.note(run, ChangeKind::Created, told, &[])?;
                }
            }
        }
        Ok(())
    }

    fn write(mut self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        self.report.write(transaction)?;
        self.writes.sort_unstable_by_key(|(key, _)| *key);
        write_sorted(&mut self.table, self.writes.iter().map(|(key, record)| (key, record.as_slice())))?;
        // New ids follow one another: they are sorted already.
        write_sorted(&mut transaction.open_table(LISTED)?, self.new.iter().map(|(id, key)| (id, key)))
    }
}
