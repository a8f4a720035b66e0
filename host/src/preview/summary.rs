//! The summary of a preview: what is counted of the whole book, with a few examples of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::notes::NoteChanges;
use crate::connection::Connection;
use crate::domain::{
    ClientId, ConnectionName, ExternalId, PreviewId, RecordKind, RevisionDigest, RevisionId, Timestamp,
};
use crate::pack::{Revision, RuleDifference};
use crate::store::connections::By;

/// A preview: what a change from one revision to another would do to the book of a connection.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// Its id.
    #[schema(value_type = String)]
    pub id: PreviewId,
    /// The state that it is in.
    pub state: PreviewState,
    /// The connection.
    #[schema(value_type = String)]
    pub connection: ConnectionName,
    /// The pack that the revisions are of.
    pub pack: String,
    /// The revision that was in force when it began.
    #[schema(value_type = String)]
    pub from: RevisionId,
    /// Its whole digest.
    #[schema(value_type = String)]
    pub from_digest: RevisionDigest,
    /// The revision that would be.
    #[schema(value_type = String)]
    pub to: RevisionId,
    /// Its whole digest.
    #[schema(value_type = String)]
    pub to_digest: RevisionDigest,
    /// The person or program that asked for it, and when.
    pub by: By,
    /// The moment at which it was done.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// The moment at which the revision was put in force that it shows, following it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub activated_at: Option<Timestamp>,
    /// The reason why it came to nothing.
    pub error: Option<String>,
    /// About the number of records that there are to compare.
    pub expected: u64,
    /// The number that was compared.
    pub records: u64,
    /// The number of raw records that cannot be compared: too large to be kept, or of nobody who is known.
    pub not_compared: u64,
    /// The number of clients' records among those that were compared.
    pub compared_clients: u64,
    /// The changes of clients' records.
    pub clients: RecordChanges,
    /// The changes of the records of each kind, clients among them.
    #[schema(value_type = BTreeMap<String, RecordChanges>)]
    pub kinds: BTreeMap<RecordKind, RecordChanges>,
    /// The goals and covers that would leave the book with the clients who are newly left out.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub leaving: BTreeMap<RecordKind, u64>,
    /// The changes of fields, the most frequent first.
    pub changes: Vec<FieldSummary>,
    /// The diagnostics that would appear and disappear.
    pub diagnostics: DiagnosticChanges,
    /// The households that would join or part.
    pub households: HouseholdChanges,
    /// The file notes and documents of the last month that would be others.
    #[serde(default)]
    pub notes: NoteChanges,
    /// The values of the rules that differ.
    pub rules: Vec<RuleDifference>,
    /// Whether the plugin differs, too.
    pub has_other_plugin: bool,
    /// Whether the templates of documents differ, which no record shows.
    #[serde(default)]
    pub has_other_documents: bool,
    /// The CRM's fields and lists that it would be asked for and was not yet: what they hold is known after the next sync,
    /// and counts as empty here.
    #[serde(default)]
    pub not_asked_yet: Vec<String>,
    /// The time that the mapping takes, as a multiple of what it takes now; none where there was too little to measure.
    pub time_ratio: Option<f64>,
    /// The number of records that differ in anything. All stand in the file of differences, unless that is full.
    pub differing: u64,
    /// The number of those that stand in it.
    pub listed: u64,
    /// Whether so many clients would change, or a note or document could not be made any more, that whoever follows it is
    /// asked twice.
    pub is_large: bool,
}

/// The state of a preview.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreviewState {
    /// The book is being mapped.
    Running,
    /// All of it was.
    Done,
    /// It came to nothing.
    Failed,
    /// Somebody ended it, or the connection was changed meanwhile.
    Cancelled,
}

/// The number of records that would come to another state, or to other values.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordChanges {
    /// Values would change.
    pub changed: u64,
    /// They would no longer be usable.
    pub newly_rejected: u64,
    /// They were not usable, and would be.
    pub newly_accepted: u64,
    /// A rule would leave them out.
    pub newly_skipped: u64,
    /// A rule left them out, and would not.
    pub newly_included: u64,
}

impl RecordChanges {
    /// The number of records that would change in any of these ways.
    pub fn total(&self) -> u64 {
        let Self { changed, newly_rejected, newly_accepted, newly_skipped, newly_included } = self;
        changed + newly_rejected + newly_accepted + newly_skipped + newly_included
    }
}

/// The changes of one field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldSummary {
    /// The kind of record.
    #[schema(value_type = String)]
    pub kind: RecordKind,
    /// The canonical field. `external_id` of goals or covers that would come or go.
    pub field: String,
    /// The number of changes: of records, or of items in lists.
    pub count: u64,
    /// The number of those that were empty and would not be.
    pub filled: u64,
    /// The number of those that would be empty.
    pub emptied: u64,
    /// A few of them, of different values where there are such.
    pub examples: Vec<Example>,
}

/// An example of a change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Example {
    /// The client, where the record is one of a client who is in the practice.
    #[schema(value_type = Option<String>)]
    pub id: Option<ClientId>,
    /// The record's id in the CRM; that of the client, where it is a list.
    #[schema(value_type = String)]
    pub external_id: ExternalId,
    /// The item's id in the CRM, where the record is a list.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub item: Option<ExternalId>,
    /// The value now; none where it is empty.
    pub from: Option<String>,
    /// The value that it would have.
    pub to: Option<String>,
}

/// The numbers of diagnostics that only one of the revisions gives, by code.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
pub struct DiagnosticChanges {
    /// Those that would come.
    pub appear: BTreeMap<String, u64>,
    /// Those that would be gone.
    pub disappear: BTreeMap<String, u64>,
}

/// The households that would join or part.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
pub struct HouseholdChanges {
    /// Couples who would come to share one.
    pub joining: Couples,
    /// Couples who would no longer share one.
    pub parting: Couples,
}

/// Couples: how many, and the first of them.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
pub struct Couples {
    /// The number.
    pub count: u64,
    /// The first of them, by the clients' ids; none in place of somebody who is not in the book yet.
    #[schema(value_type = Vec<Vec<Option<String>>>)]
    pub examples: Vec<[Option<ClientId>; 2]>,
}

/// More of the clients than this share, in percent, make a change large …
const LARGE_PERCENT: u64 = 5;
/// … and at least so many.
const LARGE: u64 = 10;

impl PreviewState {
    /// Whether it is at its end.
    pub fn is_finished(self) -> bool {
        self != Self::Running
    }
}

impl Preview {
    /// About the number of clients who would change in any way, by themselves or in one of their lists: as many as the kind
    /// of record with the most.
    pub fn changed_clients(&self) -> u64 {
        let kinds = self.kinds.iter().filter(|(kind, _)| **kind != RecordKind::Adviser);
        kinds.map(|(_, changes)| changes.total()).max().unwrap_or_default()
    }

    /// The size of the change in words, the end of a sentence's beginning: `57 of 400 clients would change`.
    pub fn size(&self) -> String {
        let clients = format!("{} of {} clients would change", self.changed_clients(), self.compared_clients);
        match self.notes.refused() {
            0 => clients,
            1 => format!("{clients}, and 1 file note or document of the last month could not be made any more"),
            many => {
                format!("{clients}, and {many} file notes or documents of the last month could not be made any more")
            }
        }
    }

    /// Sees whether it shows a large change.
    pub(super) fn weigh(&mut self) {
        let changed = self.changed_clients();
        let is_much = changed >= LARGE && changed * 100 > self.compared_clients * LARGE_PERCENT;
        self.is_large = is_much || self.notes.refused() > 0;
    }

    /// A preview that begins.
    pub(super) fn new(id: PreviewId, connection: &Connection, (from, to): (&Revision, &Revision), by: By) -> Self {
        Self {
            id,
            state: PreviewState::Running,
            connection: connection.name.clone(),
            pack: to.pack().to_owned(),
            from: from.id(),
            from_digest: from.digest(),
            to: to.id(),
            to_digest: to.digest(),
            by,
            finished_at: None,
            activated_at: None,
            error: None,
            expected: 0,
            records: 0,
            not_compared: 0,
            compared_clients: 0,
            clients: RecordChanges::default(),
            kinds: BTreeMap::new(),
            leaving: BTreeMap::new(),
            changes: Vec::new(),
            diagnostics: DiagnosticChanges::default(),
            households: HouseholdChanges::default(),
            notes: NoteChanges::default(),
            rules: from.rule_differences(to),
            has_other_plugin: from.has_other_plugin(to),
            has_other_documents: from.has_other_documents(to),
            not_asked_yet: to.asks_beside(from),
            time_ratio: None,
            differing: 0,
            listed: 0,
            is_large: false,
        }
    }
}
