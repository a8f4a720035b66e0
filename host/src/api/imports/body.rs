//! Lists and their rows as they are answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::domain::import::{
    Applied, Candidate, Decision, Import, ImportCounts, ImportRow, ImportState, ListSource, OtherSheet, Reason,
    RowStatus,
};
use crate::domain::{ClientId, ConnectionName, ExternalId, ImportId, Timestamp};

/// An identity list.
#[derive(Serialize, ToSchema)]
#[schema(as = Import)]
pub struct ImportBody {
    /// The list's id.
    #[schema(value_type = String, format = Uuid)]
    id: ImportId,
    /// The connection whose ids the list has.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The name of the list's file.
    file_name: String,
    /// The person who imported it.
    by: String,
    /// The state that the list is in.
    #[schema(schema_with = schema::import_state)]
    state: ImportState,
    /// The number of rows of each kind.
    counts: CountsBody,
    /// The other content of the file; null until it is read, and of lists that were read by earlier versions.
    #[schema(required)]
    source: Option<SourceBody>,
    /// The moment at which the list arrived.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The moment at which the list was last applied.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    applied_at: Option<Timestamp>,
}

/// The number of rows of each kind.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportCounts)]
pub struct CountsBody {
    /// The number of all rows: those to link, undecided, left out, linked, not linked, and those that cannot be
    /// imported.
    rows: u64,
    /// The number of rows with the status that one client is meant.
    ready: u64,
    /// The number of rows with the status that a person has to say who is meant.
    needs_decision: u64,
    /// The number of rows whose clients are linked when the list is applied.
    to_link: u64,
    /// The number of rows that wait for a decision.
    undecided: u64,
    /// The number of rows that a person left out.
    left_out: u64,
    /// The number of rows by which nobody can be linked.
    cannot_be_imported: u64,
    /// The number of rows whose clients were linked.
    linked: u64,
    /// The number of rows that were not linked when the list was applied, because the practice's clients had changed.
    not_linked: u64,
}

/// The content of a list's file beside its rows. Each line is above the list, a row, blank, or goes on with a row.
#[derive(Serialize, ToSchema)]
#[schema(as = ListSource)]
pub struct SourceBody {
    /// Lines of the file; of a workbook, rows of the sheet down to the last in which something stands.
    lines: u64,
    /// Lines down to the headings, with them.
    above: u64,
    /// Lines below in which nothing stands.
    blank: u64,
    /// Lines that go on with a row whose values have line breaks in them.
    continued: u64,
    /// Rows that the workbook hides, each of which needs a decision.
    hidden: u64,
    /// The sheet that was read.
    #[schema(required)]
    sheet: Option<String>,
    /// Other sheets with anything on them, which were not read.
    other_sheets: Vec<OtherSheetBody>,
}

/// A sheet that was not read.
#[derive(Serialize, ToSchema)]
#[schema(as = OtherSheet)]
pub struct OtherSheetBody {
    /// The sheet's name, as its tab shows it.
    name: String,
    /// Whether its tab is hidden.
    is_hidden: bool,
    /// Whether it has the headings of a list.
    has_headings: bool,
    /// Rows with anything in them.
    rows: u64,
}

impl From<ListSource> for SourceBody {
    fn from(source: ListSource) -> Self {
        let ListSource { lines, above, blank, continued, hidden, sheet, other_sheets } = source;
        let other = |other: OtherSheet| {
            let OtherSheet { name, is_hidden, has_headings, rows } = other;
            OtherSheetBody { name, is_hidden, has_headings, rows }
        };
        let other_sheets = other_sheets.into_iter().map(other).collect();
        Self { lines, above, blank, continued, hidden, sheet, other_sheets }
    }
}

impl From<Import> for ImportBody {
    fn from(import: Import) -> Self {
        let Import { id, connection, file_name, by, state, counts, source, created_at, applied_at } = import;
        let ImportCounts { rows, ready, needs_decision, to_link, undecided, left_out, .. } = counts;
        let ImportCounts { cannot_be_imported, linked, not_linked, .. } = counts;
        let counts = CountsBody {
            rows,
            ready,
            needs_decision,
            to_link,
            undecided,
            left_out,
            cannot_be_imported,
            linked,
            not_linked,
        };
        let source = source.map(SourceBody::from);
        Self { id, connection, file_name, by, state, counts, source, created_at, applied_at }
    }
}

/// One row of a list.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportRow)]
pub struct ImportRowBody {
    /// Its number in the file: as a spreadsheet counts, or the line it begins on.
    number: u32,
    /// The first name, as the list has it.
    first_name: String,
    /// The last name, as the list has it.
    last_name: String,
    /// The email address, as the list has it.
    email: String,
    /// The id in the CRM, as the list has it.
    external_id: String,
    /// The judgement of the row: what will become of it.
    #[schema(schema_with = schema::row_status)]
    status: RowStatus,
    /// The reasons for the judgement.
    reasons: Vec<ReasonBody>,
    /// The clients who may be meant; the first is the one of a row that is ready.
    candidates: Vec<CandidateBody>,
    /// The decision that a person made: `link`, `leave_out`, or null.
    #[schema(required)]
    decision: Option<&'static str>,
    /// The client whom applying the list links, or has linked, by this row.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// Whether the client is linked; null until the list is applied.
    #[schema(required)]
    is_linked: Option<bool>,
    /// The reason why the client was not linked.
    #[schema(required)]
    not_linked_because: Option<String>,
}

/// A reason why a row is what it is.
#[derive(Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonBody {
    /// A stable code.
    #[schema(example = "name-differs")]
    code: String,
    /// A sentence for a person.
    message: String,
}

/// A client who may be meant.
#[derive(Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateBody {
    /// The client.
    #[schema(value_type = String, format = Uuid)]
    pub client_id: ClientId,
    /// The client's name, as people know it.
    pub name: String,
    /// The CRM's id that the client is linked to.
    #[schema(required, value_type = Option<String>)]
    pub external_id: Option<ExternalId>,
}

impl From<Reason> for ReasonBody {
    fn from(Reason { code, message }: Reason) -> Self {
        Self { code, message }
    }
}

impl From<Candidate> for CandidateBody {
    fn from(Candidate { client_id, name, linked_to, .. }: Candidate) -> Self {
        Self { client_id, name, external_id: linked_to.map(|(_, id)| id) }
    }
}

impl From<ImportRow> for ImportRowBody {
    fn from(row: ImportRow) -> Self {
        let client_id = row.links();
        let ImportRow { number, first_name, last_name, email, external_id, status, .. } = row;
        let (is_linked, not_linked_because) = match row.applied {
            None => (None, None),
            Some(Applied::Linked(_)) => (Some(true), None),
            Some(Applied::NotLinked(message)) => (Some(false), Some(message)),
        };
        Self {
            number,
            first_name,
            last_name,
            email,
            external_id,
            status,
            reasons: row.reasons.into_iter().map(ReasonBody::from).collect(),
            candidates: row.candidates.into_iter().map(CandidateBody::from).collect(),
            decision: row.decision.map(|decision| match decision {
                Decision::Link(_) => "link",
                Decision::LeaveOut => "leave_out",
            }),
            client_id,
            is_linked,
            not_linked_because,
        }
    }
}
