//! A list with its rows: what will be linked, what needs a person, what cannot be used.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::components::{Badge, Clock, Moment, Paging, Tone, pair};
use super::super::failure::{Failure, page};
use super::super::format;
use super::super::layout::{Layout, Section};
use super::super::listing::Asked;
use super::super::session::SignedIn;
use super::{NO_LIST, badge, parse};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::import::{
    Applied, Decision, Import, ImportCounts, ImportRow, ImportState, ListSource, RowOutcome, RowStatus,
};
use crate::ops;

#[derive(Deserialize)]
pub(in crate::web) struct Filter {
    status: Option<RowStatus>,
}

#[derive(Template)]
#[template(path = "import.html")]
pub(in crate::web) struct ImportPage {
    pub(in crate::web) layout: Layout,
    /// The heading of the column of ids.
    pub(in crate::web) id_heading: &'static str,
    pub(in crate::web) file_name: String,
    pub(in crate::web) badge: Badge,
    pub(in crate::web) state: String,
    pub(in crate::web) path: String,
    /// The filter that the rows' download has.
    pub(in crate::web) query: String,
    /// The number of clients that the button links; none where there is nothing to link.
    pub(in crate::web) to_link: Option<String>,
    /// The sentences about what else is in the file.
    pub(in crate::web) source: Vec<String>,
    pub(in crate::web) came: Moment,
    pub(in crate::web) by: String,
    pub(in crate::web) connection: String,
    pub(in crate::web) choices: Vec<Choice>,
    pub(in crate::web) rows: Vec<Row>,
    pub(in crate::web) paging: Paging,
}

/// One way to filter the rows.
pub(in crate::web) struct Choice {
    pub(in crate::web) word: String,
    pub(in crate::web) path: String,
    pub(in crate::web) is_chosen: bool,
}

/// One row.
pub(in crate::web) struct Row {
    pub(in crate::web) number: String,
    pub(in crate::web) name: String,
    pub(in crate::web) email: String,
    pub(in crate::web) id: String,
    pub(in crate::web) badge: Badge,
    pub(in crate::web) reasons: Vec<String>,
    /// The client whom the row links.
    pub(in crate::web) meant: String,
    /// The path to which the decision goes; none where there is nothing to decide.
    pub(in crate::web) decide: Option<String>,
    /// The clients who may be meant: value, name, and whether it is chosen.
    pub(in crate::web) candidates: Vec<(String, String, bool)>,
    pub(in crate::web) is_left_out: bool,
}

/// `GET /imports/{id}?status=…&cursor=…`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    asked: Asked<Filter>,
) -> Result<Response, Failure> {
    person.may(Action::ReadWholeBook)?;
    let import = app.store.import(parse(&id)?).await?.ok_or(NO_LIST)?;
    let status = asked.filter.status;
    let found = app.store.import_rows(import.id, status, asked.page()).await?;
    let layout = Layout::load(&app, &person, Section::Households).await?;
    let path = format!("/imports/{}", import.id);
    let query = status.map(|status| pair("status", status.as_str())).unwrap_or_default();
    let paging = asked.paging(&path, &query, found.next.as_deref());
    let id_heading = app.connections.id_column(&import.connection).heading;
    page(&view(&import, (&found.items, id_heading), status, layout, paging, &person.clock))
}

/// The page, from values alone.
pub(in crate::web) fn view(
    import: &Import,
    (rows, id_heading): (&[ImportRow], &'static str),
    chosen: Option<RowStatus>,
    layout: Layout,
    paging: Paging,
    clock: &Clock,
) -> ImportPage {
    let path = format!("/imports/{}", import.id);
    let counts = &import.counts;
    let choice = |status: Option<RowStatus>, word: &str, count: u64| Choice {
        word: format!("{word} ({})", format::number(count)),
        path: match status {
            None => path.clone(),
            Some(status) => format!("{path}?{}", pair("status", status.as_str())),
        },
        is_chosen: status == chosen,
    };
    ImportPage {
        layout,
        id_heading,
        file_name: import.file_name.clone(),
        badge: badge(import.state),
        state: sentence(import),
        query: chosen.map(|status| format!("?{}", pair("status", status.as_str()))).unwrap_or_default(),
        to_link: (counts.to_link > 0).then(|| format::count(counts.to_link, "client", "clients")),
        source: import.source.as_ref().map(source).unwrap_or_default(),
        came: Moment::new(import.created_at, clock),
        by: import.by.clone(),
        connection: import.connection.to_string(),
        choices: vec![
            choice(None, "All", counts.rows),
            choice(Some(RowStatus::Ready), "Ready", counts.ready),
            choice(Some(RowStatus::NeedsDecision), "Needs a decision", counts.needs_decision),
            choice(Some(RowStatus::CannotBeImported), "Cannot be imported", counts.cannot_be_imported),
        ],
        rows: rows.iter().map(|row| view_row(row, &path)).collect(),
        paging,
        path,
    }
}

fn sentence(import: &Import) -> String {
    let counts = &import.counts;
    let rows = format::count(counts.rows, "row", "rows");
    match import.state {
        ImportState::Reading => format!("{rows} are read so far. Load the page again to see the rest."),
        ImportState::Previewed => format!("{rows}: {}. Nothing is changed yet.", outcomes(counts)),
        ImportState::Applied => {
            format!("{rows}: {}. The next sync brings the values of linked clients from the CRM.", outcomes(counts))
        }
    }
}

/// The number of rows of each outcome that there is.
fn outcomes(counts: &ImportCounts) -> String {
    let all = [
        (counts.to_link, "to link"),
        (counts.undecided, "to decide"),
        (counts.left_out, "left out"),
        (counts.linked, "linked"),
        (counts.not_linked, "could not be linked any more"),
        (counts.cannot_be_imported, "can’t be used"),
    ];
    let some = all.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, message)| format!("{} {message}", format::number(count))).collect::<Vec<_>>().join(", ")
}

/// The sentences about what else is in the file.
fn source(source: &ListSource) -> Vec<String> {
    let rows = |count| format::count(count, "row", "rows");
    let mut all = Vec::new();
    if let Some(sheet) = &source.sheet {
        all.push(format!("Read from the sheet “{sheet}”."));
    }
    if source.hidden > 0 {
        let rows = format::count(source.hidden, "row is", "rows are");
        all.push(format!(
            "{rows} hidden in the workbook and nobody is linked by them until you decide. To take them all, show them, save \
             the workbook and read it again."
        ));
    }
    for other in source.other_sheets.iter().filter(|other| other.has_headings || other.is_hidden) {
        let hidden = if other.is_hidden { "hidden " } else { "" };
        let cure =
            if other.has_headings { " To read it, name it under Sheet and read the workbook again." } else { "" };
        all.push(format!("The {hidden}sheet “{}” with {} was not read.{cure}", other.name, rows(other.rows)));
    }
    let plain = source.other_sheets.iter().filter(|other| !other.has_headings && !other.is_hidden);
    let plain: Vec<String> = plain.map(|other| format!("“{}”", other.name)).collect();
    if !plain.is_empty() {
        all.push(format!("Other sheets, without the headings of a list: {}.", plain.join(", ")));
    }
    let lines =
        [(source.above, "down to the headings"), (source.blank, "blank"), (source.continued, "that go on with a row")];
    let lines = lines.into_iter().filter(|(count, _)| *count > 0);
    let lines: Vec<String> = lines.map(|(count, what)| format!("{} {what}", format::number(count))).collect();
    all.push(format!("{}: {}, and the rows.", format::count(source.lines, "line", "lines"), lines.join(", ")));
    all
}

fn view_row(row: &ImportRow, path: &str) -> Row {
    let meant = row.links();
    let name = |id| row.candidates.iter().find(|candidate| Some(candidate.client_id) == id).map(|c| c.name.clone());
    let mut reasons: Vec<String> = row.reasons.iter().map(|reason| reason.message.clone()).collect();
    if let Some(Applied::NotLinked(message)) = &row.applied {
        reasons.push(format!("{}.", format::sentence(message)));
    }
    let is_open = match row.outcome() {
        RowOutcome::Linked | RowOutcome::CannotBeImported => false,
        RowOutcome::NotLinked | RowOutcome::LeftOut => true,
        RowOutcome::ToLink | RowOutcome::Undecided => row.status == RowStatus::NeedsDecision,
    };
    Row {
        number: format::number(u64::from(row.number)),
        name: format::name(format!("{} {}", row.first_name, row.last_name).trim()),
        email: row.email.clone(),
        id: row.external_id.clone(),
        badge: row_badge(row),
        reasons,
        meant: name(meant).unwrap_or_default(),
        decide: is_open.then(|| format!("{path}/rows/{}/decision", row.number)),
        candidates: row
            .candidates
            .iter()
            .map(|candidate| {
                (candidate.client_id.to_string(), candidate.name.clone(), meant == Some(candidate.client_id))
            })
            .collect(),
        is_left_out: row.decision == Some(Decision::LeaveOut),
    }
}

fn row_badge(row: &ImportRow) -> Badge {
    match row.outcome() {
        RowOutcome::Linked => Badge::new(Tone::Good, "Linked"),
        RowOutcome::NotLinked => Badge::new(Tone::Trouble, "Not linked"),
        RowOutcome::LeftOut => Badge::new(Tone::Neutral, "Left out"),
        RowOutcome::ToLink if row.decision.is_some() => Badge::new(Tone::Good, "Decided"),
        RowOutcome::ToLink => Badge::new(Tone::Good, "Ready"),
        RowOutcome::Undecided => Badge::new(Tone::Attention, "Needs a decision"),
        RowOutcome::CannotBeImported => Badge::new(Tone::Trouble, "Can’t be used"),
    }
}

/// The decision about a row: a client's id, `leave-out`, or nothing to take it back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct DecisionForm {
    #[serde(default)]
    decision: String,
}

/// `POST /imports/{id}/rows/{number}/decision`
pub(in crate::web) async fn decide(
    State(app): State<App>,
    person: SignedIn,
    Path((id, number)): Path<(String, String)>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let number = number.parse().map_err(|_| NO_LIST)?;
    let decision = match form.decision.as_str() {
        "" => None,
        "leave-out" => Some(Decision::LeaveOut),
        client => {
            let client = client.parse().map_err(|_| Failure::NotFound("There is no such client to link."))?;
            Some(Decision::Link(client))
        }
    };
    ops::imports::decide(&app, person.actor(), (id, number), decision).await?;
    Ok(Redirect::to(&format!("/imports/{id}?status=needs_decision")).into_response())
}
