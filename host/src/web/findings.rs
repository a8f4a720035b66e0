//! Clients with a finding: those of whom, or of whose goals and covers, something is said.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::components::{Finding, Paging, address, pair};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::Asked;
use super::session::SignedIn;
use crate::app::App;
use crate::domain::Diagnostic;
use crate::domain::access::Action;
use crate::store::book::{ClientFindings, RecordFinding};

const PATH: &str = "/clients";

#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    diagnostic: String,
}

#[derive(Template)]
#[template(path = "findings.html")]
pub(super) struct FindingsPage {
    pub(super) layout: Layout,
    pub(super) heading: String,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
}

/// A client of whom it is said.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) external_id: String,
    pub(super) connection: String,
    pub(super) findings: Vec<Finding>,
}

/// The address of the list of those of whom this is said.
pub(super) fn path(code: &str) -> String {
    address(PATH, &[&pair("diagnostic", code)])
}

/// `GET /clients?diagnostic=…&cursor=…`; without a code, the list of households, in which everybody is.
pub(super) async fn list(State(app): State<App>, person: SignedIn, asked: Asked<Filter>) -> Result<Response, Failure> {
    person.may(Action::ReadWholeBook)?;
    let code = asked.filter.diagnostic.trim();
    if code.is_empty() {
        return Ok(Redirect::to("/households").into_response());
    }
    let found = app.store.findings(code.to_owned(), asked.page()).await?;
    crate::audit::counted(found.items.len());
    page(&FindingsPage {
        layout: Layout::load(&app, &person, Section::Households).await?,
        heading: format::code(code),
        rows: found.items.iter().map(row).collect(),
        paging: asked.paging(PATH, &pair("diagnostic", code), found.next.as_deref()),
    })
}

/// One row, from values alone.
pub(super) fn row(told: &ClientFindings) -> Row {
    let ClientFindings { client, said } = told;
    Row {
        path: format!("/households/{}", client.household_id),
        name: format::name(&client.client.full_name()),
        external_id: format::crm_id(&client.client.external_id),
        connection: client.origin.connection.to_string(),
        findings: said.iter().map(finding).collect(),
    }
}

/// The finding, with the goal or cover that it is about.
fn finding(said: &RecordFinding) -> Finding {
    let RecordFinding { kind, label, diagnostic } = said;
    let of = match (kind, label) {
        (kind, _) if !kind.is_listed() => String::new(),
        (kind, Some(label)) => format!("{} “{label}”: ", format::sentence(kind.as_str())),
        (kind, None) => format!("{}: ", format::sentence(kind.plural())),
    };
    Finding::from(&Diagnostic { message: of + &diagnostic.message, ..diagnostic.clone() })
}
