//! Merging clients: records, indexes, links.

use std::mem;

use super::entries::Entries;
use uuid::Uuid;

use super::super::identity::Identity;
use super::super::keys::{ExternalKey, OwnKey, RecordKey, own};
use super::super::report::{ChangeSubject, Rows as Report};
use super::super::rows::{decode, encode};
use super::super::tables::{BookCounts, CLIENTS, ClientRecord, GONE};
use super::super::{StoreError, household_access};
use super::pending::Pending;
use super::review::{Reviewing, Verdict};
use super::{IncomingRecord, Outcome, households};
use crate::domain::edit::{FieldChange, changes};
use crate::domain::history::{Occasion, note, remember_former};
use crate::domain::household::Change;
use crate::domain::merge::{Merged, merge as merge_values, remember};
use crate::domain::run::{ChangeKind, Run, Trigger};
use crate::domain::{Client, Diagnostic, HouseholdId};
use crate::store::engine::{Readable, Write, WriteTable};

/// Merges the incoming records into the book and settles the households that they disturb. What is left out by a rule leaves
/// lists, search and its household, and is kept; what cannot be used changes nothing.
pub(super) fn merge(
    transaction: &Write,
    rows: &mut Pending<'_>,
    run: &mut Run,
    incoming_records: Vec<IncomingRecord>,
    tallies: &mut BookCounts,
) -> Result<(), StoreError> {
    let mut merging = Merging {
        clients: transaction.open_table(CLIENTS)?,
        // Most books have nobody who is not visible: then there is nothing to look for.
        gone: if tallies.not_visible > 0 { Some(transaction.open_table(GONE)?) } else { None },
        report: Report::default(),
        writes: Vec::with_capacity(incoming_records.len()),
        entries: Entries::with_room_for(incoming_records.len()),
        changes: Vec::new(),
        reviewing: Reviewing::open(transaction, rows.connection, rows.at)?,
        newly_advised: Vec::new(),
    };
    for incoming in incoming_records {
        merging.take(rows, run, incoming, tallies)?;
    }
    let Merging { mut clients, gone, report, mut writes, entries, changes, reviewing, newly_advised } = merging;
    drop((reviewing, gone));
    report.write(transaction)?;
    writes.sort_unstable_by_key(|(key, _)| *key);
    clients.put_sorted(writes.iter().map(|(key, record)| (key, record.as_slice())))?;
    entries.write(transaction)?;
    drop(clients);
    households::settle(transaction, rows, &changes, tallies)?;
    household_access::propose(transaction, newly_advised)
}

struct Merging<'t> {
    clients: WriteTable<'t, &'static OwnKey, &'static [u8]>,
    gone: Option<WriteTable<'t, &'static RecordKey, &'static [u8]>>,
    report: Report,
    writes: Vec<(OwnKey, Vec<u8>)>,
    entries: Entries,
    changes: Vec<Change<ExternalKey>>,
    reviewing: Reviewing<'t>,
    /// The households of clients of whom the CRM names an adviser for the first time.
    newly_advised: Vec<HouseholdId>,
}

impl Merging<'_> {
    fn take(
        &mut self,
        rows: &mut Pending<'_>,
        run: &mut Run,
        incoming: IncomingRecord,
        tallies: &mut BookCounts,
    ) -> Result<(), StoreError> {
        let id = ExternalKey::from(&incoming.id);
        let content_version = rows.content_version(&incoming);
        let known = rows.get(id)?.unwrap_or_else(|| Identity::new(content_version));
        let (was_in_book, named_before) = (known.in_book, known.partner);
        let (known_fingerprint, _) = known.content_version.parts();
        let mut identity = Identity { content_version, ..known };
        let is_unknown = identity.client.is_none() || identity.is_held;
        let held = match &incoming.outcome {
            Outcome::Client(client) if is_unknown => {
                self.reviewing.look_at(run, &self.clients, client, identity.is_held)?
            }
            _ => Verdict::Enters,
        };
        // What is mapped again from what is kept was not seen in the CRM.
        if let Some(gone) = self.gone.as_mut().filter(|_| run.trigger != Trigger::Revision)
            && gone.delete(&rows.key(id))?
        {
            tallies.not_visible -= 1;
            run.counts.visible_again += 1;
            self.report.note(
                run,
                ChangeKind::VisibleAgain,
                ChangeSubject::client(identity.client.unwrap_or_default()),
                &[],
            )?;
        }
        match incoming.outcome {
            Outcome::Client(_) if held == Verdict::IsHeld => {
                identity.is_held = true;
                run.counts.held += 1;
            }
            Outcome::Client(client) => {
                identity.is_held = false;
                let is_same_record = known_fingerprint == incoming.fingerprint;
                let diagnostics = incoming.diagnostics;
                self.keep(rows, run, (id, &mut identity), (*client, is_same_record), diagnostics)?;
                tallies.clients += u64::from(!was_in_book);
            }
            Outcome::Excluded { quarantined: false } => {
                run.counts.skip(&incoming.diagnostics);
                if was_in_book {
                    let why = Diagnostic::gravest(&incoming.diagnostics).map(|diagnostic| diagnostic.message.clone());
                    let told = ChangeSubject::left_out(identity.client.unwrap_or_default(), why);
                    self.report.note(run, ChangeKind::LeftOut, told, &[])?;
                    run.counts.newly_left_out += 1;
                    self.hide(rows, (id, &mut identity))?;
                    tallies.clients -= 1;
                }
            }
            // The mapping of a client makes clients; anything else cannot be used.
            Outcome::Excluded { quarantined: true } | Outcome::Adviser(_) | Outcome::List(_) => {
                run.counts.quarantined += 1;
            }
        }
        let (names_now, came_or_left) = (identity.partner, identity.in_book != was_in_book);
        if names_now != named_before || came_or_left {
            self.changes.push(Change { person: id, named_before, names_now, came_or_left });
        }
        rows.set(id, identity);
        Ok(())
    }

    fn keep(
        &mut self,
        rows: &Pending<'_>,
        run: &mut Run,
        (id, identity): (ExternalKey, &mut Identity),
        (supplied, is_same_record): (Client, bool),
        diagnostics: Vec<Diagnostic>,
    ) -> Result<(), StoreError> {
        run.counts.warn(&diagnostics);
        let is_new = identity.client.is_none();
        let client_id = *identity.client.get_or_insert_with(|| rows.new_id());
        let key = own(client_id);
        let mut before = if is_new { None } else { self.record(&key)? };
        let (edits, mut overridden, mut last_changes, mut former) = before
            .as_mut()
            .map(|before| {
                let ClientRecord { edits, overridden, last_changes, former, .. } = before;
                (mem::take(edits), mem::take(overridden), mem::take(last_changes), mem::take(former))
            })
            .unwrap_or_default();
        let edited = edits.clone();
        let merged = merge_values(before.as_ref().map(|before| &before.client), edits, supplied);
        for field in &merged.changed {
            *run.counts.changed_fields.entry((*field).to_owned()).or_default() += 1;
        }
        if let Some(before) = &before {
            remember_former(&mut former, &before.client, &merged.client);
            let changed = changes(&before.client, &merged.client, &merged.changed);
            // What is kept is mapped again as it is kept: only the revision is another.
            let is_same_record = is_same_record || run.trigger == Trigger::Revision;
            let cause = Occasion::cause(is_same_record, before.revision == rows.by.revision.0);
            let occasion = Occasion { run: run.id, revision: rows.by.revision, at: rows.at, cause };
            note(&mut last_changes, &changed, &edited, occasion);
            self.tell(run, (client_id, identity.in_book), changed, &merged)?;
            if before.client.adviser_external_id.is_none() && merged.client.adviser_external_id.is_some() {
                self.newly_advised.extend(identity.household.map(HouseholdId));
            }
        } else {
            run.counts.created += 1;
            if run.expected.is_some() {
                self.report.note(run, ChangeKind::Created, ChangeSubject::client(client_id), &[])?;
            }
        }
        remember(&mut overridden, merged.overridden, run.id, rows.at);
        identity.is_partner = merged.client.is_partner;
        identity.partner = merged.client.partner_external_id.as_ref().map(ExternalKey::from);
        let shown_before = before.as_ref().filter(|_| identity.in_book).map(|before| &before.client);
        self.entries.replace((rows.connection, id, client_id), shown_before, Some(&merged.client));
        identity.in_book = true;
        let changed_at = match &before {
            Some(before) if merged.changed.is_empty() => before.changed_at,
            _ => rows.at.as_millisecond(),
        };
        let record = ClientRecord {
            connection: rows.connection,
            client: merged.client,
            revision: rows.by.revision.0,
            changed_at,
            diagnostics,
            edits: Vec::new(),
            overridden,
            last_changes,
            former,
        };
        self.writes.push((key, encode(&record)?));
        Ok(())
    }

    /// Counts and reports what a merge changed of a client that was known.
    fn tell(
        &mut self,
        run: &mut Run,
        (client, was_in_book): (Uuid, bool),
        changed: Vec<FieldChange>,
        merged: &Merged,
    ) -> Result<(), StoreError> {
        if !was_in_book {
            self.report.note(run, ChangeKind::Returned, ChangeSubject::client(client), &[])?;
            run.counts.returned += 1;
        }
        if merged.changed.is_empty() {
            run.counts.same += 1;
            return Ok(());
        }
        run.counts.changed += 1;
        run.counts.overridden += merged.overridden.len() as u64;
        let is_overridden = |field: &str| merged.overridden.iter().any(|(edit, _)| edit.field == field);
        let (overridden, changed): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|change| is_overridden(&change.field));
        for (kind, fields) in [(ChangeKind::Changed, changed), (ChangeKind::Overridden, overridden)] {
            if !fields.is_empty() {
                self.report.note(run, kind, ChangeSubject::client(client), &fields)?;
            }
        }
        Ok(())
    }

    /// Takes a client out of lists, search and household; the record is kept.
    fn hide(&mut self, rows: &Pending<'_>, (id, identity): (ExternalKey, &mut Identity)) -> Result<(), StoreError> {
        identity.in_book = false;
        identity.partner = None;
        let Some(client_id) = identity.client else { return Ok(()) };
        if let Some(before) = self.record(&own(client_id))? {
            self.entries.replace((rows.connection, id, client_id), Some(&before.client), None);
        }
        Ok(())
    }

    fn record(&self, key: &OwnKey) -> Result<Option<ClientRecord>, StoreError> {
        self.clients.get(key)?.map(|record| decode(record.value())).transpose()
    }
}
