//! The history of a client's values: when each last changed and why, across syncs, revisions and people's edits.
//!
//! Serves `api`, `web` and `cli` alike. The last change of each field of a client is kept with the client; the changes before
//! it, and those of goals and covers, are what the reports of runs still list.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::app::App;
use crate::domain::history::ChangeCause;
use crate::domain::run::{ChangeKind, Trigger};
use crate::domain::stored::StoredClient;
use crate::domain::{RecordKind, RevisionId, RunId, Timestamp};
use crate::store::StoreError;
use crate::store::field_history::ReportedChange;

/// The changes of a field that are told, the newest ones.
const MOST: usize = 5;

/// A change of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValueChange {
    /// The moment of the change.
    pub at: Timestamp,
    /// The value before it, as text.
    pub from: Option<String>,
    /// The value after it.
    pub to: Option<String>,
    /// The reason; none where it is known only that a sync brought it.
    pub cause: Option<ChangeCause>,
    /// The person whose edit it is, or was.
    pub by: Option<String>,
    /// The run that brought it.
    pub run: Option<RunId>,
    /// The revision that made the value, where that is kept.
    pub revision: Option<RevisionId>,
}

/// What is known of a record's changes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct History {
    /// The moment at which the record came here.
    pub since: Option<Timestamp>,
    /// The changes by canonical field, the newest first.
    pub fields: BTreeMap<String, Vec<ValueChange>>,
}

impl History {
    /// The changes of a field, the newest first.
    pub fn of(&self, field: &str) -> &[ValueChange] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }
}

impl App {
    /// The history of a client's values, or of those of the goal or cover with this id.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn history(
        &self,
        client: &StoredClient,
        (kind, item): (RecordKind, Option<Uuid>),
    ) -> Result<History, StoreError> {
        let connection = client.origin.connection.clone();
        let reported = self.store.reported_changes(connection, client.id, (kind, item)).await?;
        let mut fields = BTreeMap::new();
        if kind == RecordKind::Client {
            of_client(client, &mut fields);
        }
        of_reports(reported, &mut fields);
        for changes in fields.values_mut() {
            changes.sort_by_key(|change| std::cmp::Reverse(change.at));
            changes.truncate(MOST);
        }
        Ok(History { since: made_at(item.unwrap_or(client.id.0)), fields })
    }
}

/// What is kept with the client itself: edits that stand, and the last change of each field.
fn of_client(client: &StoredClient, fields: &mut BTreeMap<String, Vec<ValueChange>>) {
    for edit in &client.edits {
        fields.entry(edit.field.clone()).or_default().push(ValueChange {
            at: edit.at,
            from: edit.from.clone(),
            to: edit.to.clone(),
            cause: Some(ChangeCause::Edit),
            by: Some(edit.by.clone()),
            run: None,
            revision: None,
        });
    }
    for last in &client.last_changes {
        fields.entry(last.field.clone()).or_default().push(ValueChange {
            at: last.at,
            from: last.from.clone(),
            to: last.to.clone(),
            cause: Some(last.cause),
            by: last.by.clone(),
            run: last.run,
            revision: last.revision,
        });
    }
    // Edits that were overridden before the last change of their field.
    for one in &client.overridden {
        let known = fields.entry(one.field.clone()).or_default();
        if known.iter().all(|change| change.run != Some(one.run)) {
            known.push(ValueChange {
                at: one.at,
                from: one.from.clone(),
                to: one.to.clone(),
                cause: Some(ChangeCause::Override),
                by: Some(one.by.clone()),
                run: Some(one.run),
                revision: None,
            });
        }
    }
}

/// What the reports of runs list, where it is not known already.
fn of_reports(reported: Vec<ReportedChange>, fields: &mut BTreeMap<String, Vec<ValueChange>>) {
    for ReportedChange { run, kind, fields: changed } in reported {
        let cause = match (kind, run.trigger) {
            (ChangeKind::Overridden, _) => Some(ChangeCause::Override),
            (_, Trigger::Revision) => Some(ChangeCause::Revision),
            // Whether the record or the revision was another then is not kept.
            _ => None,
        };
        for change in changed {
            let known = fields.entry(change.field).or_default();
            if known.iter().any(|one| one.run == Some(run.id)) {
                continue;
            }
            let at = run.finished_at.or(run.started_at).unwrap_or(run.queued_at);
            known.push(ValueChange {
                at,
                from: change.from,
                to: change.to,
                cause,
                by: None,
                run: Some(run.id),
                revision: None,
            });
        }
    }
}

/// The moment at which an id was given.
fn made_at(id: Uuid) -> Option<Timestamp> {
    let (seconds, _) = id.get_timestamp()?.to_unix();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}
