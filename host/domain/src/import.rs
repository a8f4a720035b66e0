//! Identity lists: which client of the practice is which in the CRM, row by row, before the first sync.

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, ConnectionName, ExternalId, ImportId};
use crate::value::Timestamp;

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

/// The judgement of a row: whether it can be applied, why not, and whom it may mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// Whether the row can be applied.
    pub status: RowStatus,
    /// Why a person has to decide, or why the row cannot be imported.
    pub reasons: Vec<Reason>,
    /// The clients whom the row may mean.
    pub candidates: Vec<Candidate>,
}

impl Judgement {
    /// A judgement for one reason.
    pub fn because(status: RowStatus, reason: Reason, candidates: Vec<Candidate>) -> Self {
        Self { status, reasons: vec![reason], candidates }
    }
}

/// Judges a row whose values are sound. The email says who is meant, the name confirms it; a name alone links nobody.
///
/// `holder` is the client who has the id already; `by_email` are those with the row's email, `by_name` those who are
/// not linked and have the row's name.
pub fn judge(
    id: &str,
    holder: Option<Candidate>,
    by_email: Vec<Candidate>,
    by_name: impl FnOnce() -> Vec<Candidate>,
) -> Judgement {
    use RowStatus::{CannotBeImported, NeedsDecision, Ready};
    let judgement = |status, code: &str, message: String, candidates| {
        Judgement::because(status, Reason::new(code, message), candidates)
    };
    if let Some(holder) = holder {
        let is_meant = by_email.iter().any(|candidate| candidate.client_id == holder.client_id);
        let name = holder.name.clone();
        return if is_meant {
            judgement(Ready, "already-linked", format!("{name} is linked to {id} already."), vec![holder])
        } else {
            let message = format!("{id} is linked to another client, {name}. Unlink that one first if that is wrong.");
            judgement(CannotBeImported, "id-taken", message, vec![holder])
        };
    }
    let (linked, open): (Vec<_>, Vec<_>) = by_email.into_iter().partition(|candidate| candidate.linked_to.is_some());
    let same_name: Vec<&Candidate> = open.iter().filter(|candidate| candidate.is_same_name).collect();
    match (open.as_slice(), same_name.as_slice()) {
        ([], _) if !linked.is_empty() => {
            let other = &linked[0];
            let to = other.linked_to.as_ref().map(|(_, id)| id.to_string()).unwrap_or_default();
            let message = format!("{} has this email and is linked to {to} already.", other.name);
            judgement(CannotBeImported, "linked-otherwise", message, linked)
        }
        ([], _) => match by_name() {
            none if none.is_empty() => {
                let message = "No client has this email. A person whom the practice does not have yet needs no row: the \
                               sync brings them.";
                judgement(CannotBeImported, "no-match", message.to_owned(), none)
            }
            named => {
                let message = format!("No client has this email, but {} has this name.", names(&named));
                judgement(NeedsDecision, "name-only", message, named)
            }
        },
        (_, [only]) => Judgement { status: Ready, reasons: Vec::new(), candidates: vec![(*only).clone()] },
        ([only], []) => {
            let message = format!("The client with this email is called {}.", only.name);
            judgement(NeedsDecision, "name-differs", message, open)
        }
        _ => {
            let message = format!("Several clients have this email: {}.", names(&open));
            judgement(NeedsDecision, "several-matches", message, open)
        }
    }
}

fn names(candidates: &[Candidate]) -> String {
    candidates.iter().map(|candidate| candidate.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client by number, whether the name is the row's, and the id that the client is linked to.
    fn candidate(number: u128, is_same_name: bool, linked: Option<&str>) -> Candidate {
        Candidate {
            client_id: ClientId(uuid::Uuid::from_u128(number)),
            name: format!("Client {number}"),
            is_same_name,
            linked_to: linked.map(|id| (ConnectionName::practice(), ExternalId(id.to_owned()))),
        }
    }

    #[track_caller]
    fn check(
        holder: Option<Candidate>,
        by_email: &[Candidate],
        by_name: &[Candidate],
        expected: (RowStatus, Option<&str>, &[u128]),
    ) {
        let Judgement { status, reasons, candidates } = judge("7", holder, by_email.to_vec(), || by_name.to_vec());
        let code = reasons.first().map(|reason| reason.code.as_str());
        let who: Vec<u128> = candidates.iter().map(|candidate| candidate.client_id.0.as_u128()).collect();
        assert_eq!((status, code, who.as_slice()), expected);
    }

    #[test]
    fn each_row_counts_once_by_what_becomes_of_it() {
        use RowOutcome::{CannotBeImported, LeftOut, Linked, NotLinked, ToLink, Undecided};
        let meant = candidate(1, true, None);
        let id = meant.client_id;
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

    #[test]
    fn rows_are_judged_by_email_and_confirmed_by_name() {
        use RowStatus::{CannotBeImported, NeedsDecision, Ready};
        let (ayda, other) = (candidate(1, true, None), candidate(2, false, None));
        let linked = candidate(3, true, Some("9"));
        check(None, std::slice::from_ref(&ayda), &[], (Ready, None, &[1]));
        check(None, &[other.clone(), ayda.clone()], &[], (Ready, None, &[1]));
        check(None, std::slice::from_ref(&other), &[], (NeedsDecision, Some("name-differs"), &[2]));
        check(None, &[other.clone(), other], &[], (NeedsDecision, Some("several-matches"), &[2, 2]));
        check(None, &[ayda.clone(), ayda.clone()], &[], (NeedsDecision, Some("several-matches"), &[1, 1]));
        check(None, &[], std::slice::from_ref(&ayda), (NeedsDecision, Some("name-only"), &[1]));
        check(None, &[], &[], (CannotBeImported, Some("no-match"), &[]));
        check(None, std::slice::from_ref(&linked), &[], (CannotBeImported, Some("linked-otherwise"), &[3]));
        check(None, &[linked.clone(), ayda.clone()], &[], (Ready, None, &[1]));
        let held = Some(linked.clone());
        check(held.clone(), std::slice::from_ref(&linked), &[], (Ready, Some("already-linked"), &[3]));
        check(held, std::slice::from_ref(&ayda), &[], (CannotBeImported, Some("id-taken"), &[3]));
        let several = judge("7", None, vec![candidate(1, true, None), candidate(2, true, None)], Vec::new);
        assert_eq!(several.reasons[0].message, "Several clients have this email: Client 1, Client 2.");
        let by_name = judge("7", None, Vec::new(), || vec![candidate(1, true, None)]);
        assert_eq!(by_name.reasons[0].message, "No client has this email, but Client 1 has this name.");
    }
}
