//! Identity lists: which client of the practice is which in the CRM, row by row, before the first sync.

mod judging;

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, ConnectionName, ExternalId, ImportId};
use crate::value::Timestamp;
pub use judging::{DoubtedRow, KnownClients, ListedPerson, PriorRows, is_same_name};

/// The judgement of a row: what will become of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// One client is meant, and is linked when the list is applied.
    Ready,
    /// A person has to say who is meant.
    NeedsDecision,
    /// Nobody can be linked by the row.
    CannotBeImported,
}

impl RowStatus {
    /// All statuses.
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

/// A reason why a row is what it is.
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
    /// The client's name, as people know it.
    pub name: String,
    /// Whether the row gives the same name.
    pub is_same_name: bool,
    /// The record of a CRM that the client is linked to.
    pub linked_to: Option<(ConnectionName, ExternalId)>,
}

/// A person's decision about a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The row means this client.
    Link(ClientId),
    /// Nobody is linked by the row.
    LeaveOut,
}

/// The outcome of applying a row.
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
    /// The first name, as the list has it.
    pub first_name: String,
    /// The last name, as the list has it.
    pub last_name: String,
    /// The email address, as the list has it.
    pub email: String,
    /// The id in the CRM, as the list has it.
    pub external_id: String,
    /// The judgement of the row: what will become of it.
    pub status: RowStatus,
    /// The reasons for the judgement.
    pub reasons: Vec<Reason>,
    /// The clients who may be meant; the first is the one of a row that is ready.
    pub candidates: Vec<Candidate>,
    /// The decision that a person made.
    pub decision: Option<Decision>,
    /// The outcome of applying the row.
    pub applied: Option<Applied>,
}

/// The outcome of a row, or what it will be where the list is applied as it is. Each row has exactly one: whatever
/// counts, shows or links rows goes by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RowOutcome {
    /// Applying the list links a client by the row.
    ToLink,
    /// The row waits for a decision.
    Undecided,
    /// A person left it out.
    LeftOut,
    /// The row's client is linked.
    Linked,
    /// The row's client was not linked when the list was applied.
    NotLinked,
    /// Nobody can be linked by the row.
    CannotBeImported,
}

impl ImportRow {
    /// The row of a person who was erased, of which nothing but its number is kept.
    pub fn erased(number: u32) -> Self {
        Self {
            number,
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            external_id: String::new(),
            status: RowStatus::CannotBeImported,
            reasons: vec![Reason::new("erased", "The person of this row was erased here.")],
            candidates: Vec::new(),
            decision: None,
            applied: None,
        }
    }

    /// The row's outcome, or what it will be.
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

    /// The client whom applying the list links by this row, if it links anybody.
    pub fn links(&self) -> Option<ClientId> {
        match (self.decision, self.status) {
            (Some(Decision::Link(client)), RowStatus::NeedsDecision | RowStatus::Ready) => Some(client),
            (None, RowStatus::Ready) => self.candidates.first().map(|candidate| candidate.client_id),
            _ => None,
        }
    }
}

/// The state of an identity list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The list's rows are being read.
    Reading,
    /// The list is read; nothing is changed yet.
    Previewed,
    /// All that was ready or decided is linked.
    Applied,
}

/// The number of rows of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ImportCounts {
    /// The number of all rows. Each has one status and one outcome.
    pub rows: u64,
    /// The number of rows with the status ready.
    pub ready: u64,
    /// The number of rows with the status of needing a decision, decided or not.
    pub needs_decision: u64,
    /// The number of rows whose clients are linked when the list is applied.
    pub to_link: u64,
    /// The number of rows that wait for a decision.
    pub undecided: u64,
    /// The number of rows that a person left out.
    pub left_out: u64,
    /// The number of rows whose clients were linked.
    pub linked: u64,
    /// The number of rows that were not linked when the list was applied, because the practice's clients had changed.
    pub not_linked: u64,
    /// The number of rows by which nobody can be linked; status and outcome agree on these.
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

/// The content of a list's file beside the rows that were read. With these each line of the file is accounted for:
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
    /// The sheet's name, as its tab shows it.
    pub name: String,
    /// Whether its tab is hidden.
    pub is_hidden: bool,
    /// Whether it has the headings of a list.
    pub has_headings: bool,
    /// Rows with anything in them, below the headings where it has them.
    pub rows: u64,
}

/// An identity list with its preview.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// The list's id.
    pub id: ImportId,
    /// The connection whose ids the list has.
    pub connection: ConnectionName,
    /// The name of the list's file.
    pub file_name: String,
    /// The person who imported it.
    pub by: String,
    /// The state that the list is in.
    pub state: ImportState,
    /// The number of rows of each kind.
    pub counts: ImportCounts,
    /// The other content of the file; none until it is read, and of lists that were read before this was kept.
    pub source: Option<ListSource>,
    /// The moment at which the list arrived.
    pub created_at: Timestamp,
    /// The moment at which the list was last applied.
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
