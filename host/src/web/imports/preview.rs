//! A list with its rows: what will be linked, what needs a person, what cannot be used.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::failure::{Failure, page};
use super::super::frame::{Frame, Place};
use super::super::listing::Asked;
use super::super::parts::{Badge, Clock, Moment, Paging, Tone, pair};
use super::super::person::Person;
use super::super::words;
use super::{NO_LIST, badge, parse};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::import::{Applied, Decision, Import, ImportRow, ImportState, RowStatus};
use crate::store::imports::Decided;

#[derive(Deserialize)]
pub(in crate::web) struct Filter {
    status: Option<RowStatus>,
}

#[derive(Template)]
#[template(path = "import.html")]
pub(in crate::web) struct ImportPage {
    pub(in crate::web) frame: Frame,
    pub(in crate::web) file_name: String,
    pub(in crate::web) badge: Badge,
    pub(in crate::web) state: String,
    pub(in crate::web) path: String,
    /// What the rows' download is limited to.
    pub(in crate::web) query: String,
    /// How many clients the button links; none where there is nothing to link.
    pub(in crate::web) to_link: Option<String>,
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
    /// Whom it links.
    pub(in crate::web) meant: String,
    /// Where the decision goes; none where there is nothing to decide.
    pub(in crate::web) decide: Option<String>,
    /// Who may be meant: value and name.
    pub(in crate::web) candidates: Vec<(String, String, bool)>,
    pub(in crate::web) is_left_out: bool,
}

/// `GET /imports/{id}?status=…&cursor=…`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    asked: Asked<Filter>,
) -> Result<Response, Failure> {
    person.may(Action::ReadBook)?;
    let import = app.store.import(parse(&id)?).await?.ok_or(NO_LIST)?;
    let status = asked.filter.status;
    let found = app.store.import_rows(import.id, status, asked.page()).await?;
    let frame = Frame::load(&app, &person, Place::Households).await?;
    let path = format!("/imports/{}", import.id);
    let query = status.map(|status| pair("status", status.as_str())).unwrap_or_default();
    let paging = asked.paging(&path, &query, found.next.as_deref());
    page(&view(&import, &found.items, status, frame, paging, &person.clock))
}

/// The page, from values alone.
pub(in crate::web) fn view(
    import: &Import,
    rows: &[ImportRow],
    chosen: Option<RowStatus>,
    frame: Frame,
    paging: Paging,
    clock: &Clock,
) -> ImportPage {
    let path = format!("/imports/{}", import.id);
    let counts = &import.counts;
    let choice = |status: Option<RowStatus>, word: &str, count: u64| Choice {
        word: format!("{word} ({})", words::number(count)),
        path: match status {
            None => path.clone(),
            Some(status) => format!("{path}?{}", pair("status", status.as_str())),
        },
        is_chosen: status == chosen,
    };
    let decided = counts.needs_decision - counts.undecided;
    let to_link = (counts.ready + decided).saturating_sub(counts.linked + counts.not_linked);
    ImportPage {
        frame,
        file_name: import.file_name.clone(),
        badge: badge(import.state),
        state: sentence(import),
        query: chosen.map(|status| format!("?{}", pair("status", status.as_str()))).unwrap_or_default(),
        to_link: (to_link > 0).then(|| words::count(to_link, "client", "clients")),
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
    let rows = words::count(counts.rows, "row", "rows");
    match import.state {
        ImportState::Reading => format!("{rows} are read so far. Load the page again to see the rest."),
        ImportState::Previewed => format!(
            "{rows}: {} ready, {} to decide, {} of no use. Nothing is changed yet.",
            words::number(counts.ready),
            words::number(counts.undecided),
            words::number(counts.cannot_be_imported)
        ),
        ImportState::Applied => {
            let linked = words::count(counts.linked, "client is", "clients are");
            let rest = match counts.not_linked {
                0 => String::new(),
                n => format!(" {} could not be linked any more.", words::count(n, "row", "rows")),
            };
            format!("{linked} linked. The next sync brings their values and makes none of them anew.{rest}")
        }
    }
}

fn view_row(row: &ImportRow, path: &str) -> Row {
    let meant = row.links();
    let name = |id| row.candidates.iter().find(|candidate| Some(candidate.client_id) == id).map(|c| c.name.clone());
    let mut reasons: Vec<String> = row.reasons.iter().map(|reason| reason.message.clone()).collect();
    if let Some(Applied::NotLinked(words)) = &row.applied {
        reasons.push(format!("{}.", words::sentence(words)));
    }
    let is_linked = matches!(row.applied, Some(Applied::Linked(_)));
    let is_open = row.status == RowStatus::NeedsDecision && !is_linked;
    Row {
        number: words::number(u64::from(row.number)),
        name: words::name(format!("{} {}", row.first_name, row.last_name).trim()),
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
    match (&row.applied, row.decision, row.status) {
        (Some(Applied::Linked(_)), ..) => Badge::new(Tone::Good, "Linked"),
        (Some(Applied::NotLinked(_)), ..) => Badge::new(Tone::Trouble, "Not linked"),
        (None, Some(Decision::Link(_)), _) => Badge::new(Tone::Good, "Decided"),
        (None, Some(Decision::LeaveOut), _) => Badge::new(Tone::Neutral, "Left out"),
        (None, None, RowStatus::Ready) => Badge::new(Tone::Good, "Ready"),
        (None, None, RowStatus::NeedsDecision) => Badge::new(Tone::Attention, "Needs a decision"),
        (None, None, RowStatus::CannotBeImported) => Badge::new(Tone::Trouble, "Cannot be imported"),
    }
}

/// The decision about a row: a client's id, `leave-out`, or nothing to take it back.
#[derive(Deserialize)]
pub(in crate::web) struct DecisionForm {
    #[serde(default)]
    decision: String,
}

/// `POST /imports/{id}/rows/{number}/decision`
pub(in crate::web) async fn decide(
    State(app): State<App>,
    person: Person,
    Path((id, number)): Path<(String, String)>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
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
    match app.store.decide_import_row(id, number, decision).await? {
        Decided::Yes => Ok(Redirect::to(&format!("/imports/{id}?status=needs_decision")).into_response()),
        Decided::NoRow => Err(NO_LIST),
        Decided::NotAsked => Err(Failure::Refused("The row is linked already or cannot be imported.".to_owned())),
        Decided::NotThisClient => {
            Err(Failure::Refused("This client is not in the book, or is linked to the CRM already.".to_owned()))
        }
    }
}
