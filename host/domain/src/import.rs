//! Identity lists: which client of the practice is which in the CRM, row by row, before the first sync.

mod judging;

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, ConnectionName, ExternalId, ImportId};
use crate::value::Timestamp;
pub use judging::{DoubtedRow, KnownClients, ListedPerson, PriorRows, is_same_name};

/// What will become of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// One client is meant, and is linked when the list is applied.
    Ready,
    /// A person has to say who is meant.
    NeedsDecision,
    /// Nobody can be linked by it.
    CannotBeImported,
}

impl RowStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ready, Self::NeedsDecision, Self::CannotBeImported];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NeedsDecision => "needs_decision",
            Self::CannotBeImported => "cannot_be_imported",
        }
    }
}

/// Why a row is what it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// A stable code.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

impl Reason {
    /// A reason with its sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// A client who may be the one that a row means.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// The client.
    pub client_id: ClientId,
    /// As people know the client.
    pub name: String,
    /// Whether the row gives the same name.
    pub is_same_name: bool,
    /// The record of a CRM that the client is linked to.
    pub linked_to: Option<(ConnectionName, ExternalId)>,
}

/// What a person said about a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// This client is meant.
    Link(ClientId),
    /// Nobody is linked by it.
    LeaveOut,
}

/// What applying a row did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// The client is linked.
    Linked(ClientId),
    /// The client was not linked, and why: the practice's clients changed since the preview.
    NotLinked(String),
}

/// One row of a list with what was found out about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImportRow {
    /// Its number in the file, as spreadsheets count.
    pub number: u32,
    /// As the list has it.
    pub first_name: String,
    /// As the list has it.
    pub last_name: String,
    /// As the list has it.
    pub email: String,
    /// As the list has it.
    pub external_id: String,
    /// What will become of it.
    pub status: RowStatus,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Who may be meant; the first of a row that is ready.
    pub candidates: Vec<Candidate>,
    /// What a person said.
    pub decision: Option<Decision>,
    /// What became of it.
    pub applied: Option<Applied>,
}

/// What has become of a row, or will where the list is applied as it is. Each row is one of these: whatever counts, shows
/// or links rows goes by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RowOutcome {
    /// Applying the list links a client by it.
    ToLink,
    /// It waits for a decision.
    Undecided,
    /// A person left it out.
    LeftOut,
    /// Its client is linked.
    Linked,
    /// Its client was not linked when the list was applied.
    NotLinked,
    /// Nobody can be linked by it.
    CannotBeImported,
}

impl ImportRow {
    /// What has become of it, or will.
    pub fn outcome(&self) -> RowOutcome {
        match (&self.applied, self.decision, self.status) {
            (Some(Applied::Linked(_)), ..) => RowOutcome::Linked,
            (Some(Applied::NotLinked(_)), ..) => RowOutcome::NotLinked,
            (None, _, RowStatus::CannotBeImported) => RowOutcome::CannotBeImported,
            (None, Some(Decision::LeaveOut), _) => RowOutcome::LeftOut,
            (None, ..) if self.links().is_some() => RowOutcome::ToLink,
            (None, ..) => RowOutcome::Undecided,
        }
    }

    /// Whom applying the list links, if it links anybody by this row.
    pub fn links(&self) -> Option<ClientId> {
        match (self.decision, self.status) {
            (Some(Decision::Link(client)), RowStatus::NeedsDecision | RowStatus::Ready) => Some(client),
            (None, RowStatus::Ready) => self.candidates.first().map(|candidate| candidate.client_id),
            _ => None,
        }
    }
}

/// Where a list stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Its rows are being read.
    Reading,
    /// Read; nothing is changed yet.
    Previewed,
    /// What was ready and decided is linked.
    Applied,
}

/// How many rows of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ImportCounts {
    /// All rows. Each has one status and one outcome.
    pub rows: u64,
    /// By status: ready.
    pub ready: u64,
    /// By status: in need of a decision, decided or not.
    pub needs_decision: u64,
    /// By outcome: applying the list links their clients.
    pub to_link: u64,
    /// By outcome: waiting for a decision.
    pub undecided: u64,
    /// By outcome: left out by a person.
    pub left_out: u64,
    /// By outcome: linked.
    pub linked: u64,
    /// By outcome: not linked when the list was applied, because the practice's clients had changed.
    pub not_linked: u64,
    /// By status and outcome: nobody can be linked by them.
    pub cannot_be_imported: u64,
}

impl ImportCounts {
    /// Counts a row in (`by` 1) or out (`by` -1).
    pub fn add(&mut self, row: &ImportRow, by: i64) {
        let add = |count: &mut u64| *count = count.saturating_add_signed(by);
        add(&mut self.rows);
        match row.status {
            RowStatus::Ready => add(&mut self.ready),
            RowStatus::NeedsDecision => add(&mut self.needs_decision),
            RowStatus::CannotBeImported => {}
        }
        match row.outcome() {
            RowOutcome::ToLink => add(&mut self.to_link),
            RowOutcome::Undecided => add(&mut self.undecided),
            RowOutcome::LeftOut => add(&mut self.left_out),
            RowOutcome::Linked => add(&mut self.linked),
            RowOutcome::NotLinked => add(&mut self.not_linked),
            RowOutcome::CannotBeImported => add(&mut self.cannot_be_imported),
        }
    }
}

/// What a list's file holds beside the rows that were read. With these each line of the file is accounted for:
/// `lines` are `above`, `blank`, `continued` and the rows.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ListSource {
    /// Lines of the file; of a workbook, rows of the sheet down to the last in which something stands.
    pub lines: u64,
    /// Lines down to the headings, with them.
    pub above: u64,
    /// Lines below in which nothing stands.
    pub blank: u64,
    /// Lines that go on with a row whose values have line breaks in them.
    pub continued: u64,
    /// Rows, among those that were read, that a workbook hides.
    pub hidden: u64,
    /// The sheet of a workbook that was read.
    pub sheet: Option<String>,
    /// Its other sheets with anything on them.
    pub other_sheets: Vec<OtherSheet>,
}

/// A sheet of a workbook that was not read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OtherSheet {
    /// As its tab shows it.
    pub name: String,
    /// Its tab is not shown.
    pub is_hidden: bool,
    /// It has the headings of a list.
    pub has_headings: bool,
    /// Rows with anything in them, below the headings where it has them.
    pub rows: u64,
}

/// An identity list with its preview.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// The list's id.
    pub id: ImportId,
    /// Whose ids it has.
    pub connection: ConnectionName,
    /// What its file was called.
    pub file_name: String,
    /// Who brought it.
    pub by: String,
    /// Where it stands.
    pub state: ImportState,
    /// How many rows of each kind.
    pub counts: ImportCounts,
    /// What else is in its file; none until it is read, and of lists that were read before this was kept.
    pub source: Option<ListSource>,
    /// When it came.
    pub created_at: Timestamp,
    /// When it was applied last.
    pub applied_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_counts_once_by_what_becomes_of_it() {
        use RowOutcome::{CannotBeImported, LeftOut, Linked, NotLinked, ToLink, Undecided};
        let id = ClientId(uuid::Uuid::from_u128(1));
        let meant = Candidate { client_id: id, name: "Client 1".to_owned(), is_same_name: true, linked_to: None };
        let row = |status, decision, applied| ImportRow {
            number: 2,
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            external_id: "7".to_owned(),
            status,
            reasons: Vec::new(),
            candidates: vec![meant.clone()],
            decision,
            applied,
        };
        let (link, leave) = (Some(Decision::Link(id)), Some(Decision::LeaveOut));
        let not_linked = || Some(Applied::NotLinked("no".to_owned()));
        let mut counts = ImportCounts::default();
        for (status, decision, applied, expected) in [
            (RowStatus::Ready, None, None, ToLink),
            (RowStatus::Ready, leave, None, LeftOut),
            (RowStatus::Ready, None, Some(Applied::Linked(id)), Linked),
            (RowStatus::Ready, None, not_linked(), NotLinked),
            (RowStatus::NeedsDecision, None, None, Undecided),
            (RowStatus::NeedsDecision, link, None, ToLink),
            (RowStatus::NeedsDecision, leave, None, LeftOut),
            (RowStatus::NeedsDecision, link, Some(Applied::Linked(id)), Linked),
            (RowStatus::CannotBeImported, None, None, CannotBeImported),
        ] {
            let row = row(status, decision, applied);
            assert_eq!(row.outcome(), expected, "{row:?}");
            counts.add(&row, 1);
        }
        let ImportCounts { rows, to_link, undecided, left_out, linked, not_linked, cannot_be_imported, .. } = counts;
        assert_eq!((to_link, undecided, left_out, linked, not_linked, cannot_be_imported), (2, 1, 2, 2, 1, 1));
        assert_eq!(rows, to_link + undecided + left_out + linked + not_linked + cannot_be_imported);
        assert_eq!(rows, counts.ready + counts.needs_decision + cannot_be_imported);
    }
}
