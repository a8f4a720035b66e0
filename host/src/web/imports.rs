//! Identity lists: bringing one, its preview with the decisions that it needs, and applying it.

mod preview;

use std::fs::File;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};

pub(super) use self::preview::{decide, show};
use super::components::{Badge, Moment, Paging, Tone};
use super::failure::{Failure, describe, page};
use super::format;
use super::inputs::problem_of;
use super::layout::{Layout, Section, first};
use super::listing::{Asked, Everything};
use super::session::SignedIn;
use crate::app::App;
use crate::domain::ImportId;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::import::{Import, ImportState};
use crate::import::{ImportError, LARGEST_FILE};
use crate::intake::Sending;
use crate::ops::imports::List;
use crate::ops::{self, Kind, Refusal};

#[derive(Template)]
#[template(path = "imports.html")]
pub(super) struct ImportsPage {
    pub(super) layout: Layout,
    pub(super) connections: Vec<String>,
    /// The headings of the columns of the CRMs' ids.
    pub(super) id_headings: String,
    /// The reason why the file that was sent is not read.
    pub(super) problems: Vec<FieldError>,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
}

/// One list.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) file_name: String,
    pub(super) badge: Badge,
    pub(super) connection: String,
    pub(super) rows: String,
    pub(super) to_link: String,
    pub(super) undecided: String,
    pub(super) linked: String,
    pub(super) refused: String,
    pub(super) came: Moment,
    pub(super) by: String,
}

/// `GET /imports`
pub(super) async fn list(
    State(app): State<App>,
    person: SignedIn,
    asked: Asked<Everything>,
) -> Result<Response, Failure> {
    page(&overview(&app, &person, Some(asked), None).await?)
}

async fn overview(
    app: &App,
    person: &SignedIn,
    asked: Option<Asked<Everything>>,
    problem: Option<String>,
) -> Result<ImportsPage, Failure> {
    person.may(Action::ReadWholeBook)?;
    let found = app.store.imports(asked.as_ref().map_or_else(|| first(50), Asked::page)).await?;
    let next = found.next.as_deref();
    let paging = match &asked {
        Some(asked) => asked.paging("/imports", "", next),
        None => Paging::new("/imports", "", None, next),
    };
    Ok(ImportsPage {
        layout: Layout::load(app, person, Section::Households).await?,
        connections: app.connections.all().iter().map(|connection| connection.name.to_string()).collect(),
        id_headings: app.connections.id_headings(),
        problems: problem.map(|message| FieldError::new("file", message)).into_iter().collect(),
        paging,
        rows: found.items.iter().map(|import| row(import, person)).collect(),
    })
}

fn row(import: &Import, person: &SignedIn) -> Row {
    let counts = &import.counts;
    Row {
        path: format!("/imports/{}", import.id),
        file_name: import.file_name.clone(),
        badge: badge(import.state),
        connection: import.connection.to_string(),
        rows: format::number(counts.rows),
        to_link: format::number(counts.to_link),
        undecided: format::number(counts.undecided),
        linked: format::number(counts.linked),
        refused: format::number(counts.cannot_be_imported),
        came: Moment::new(import.created_at, &person.clock),
        by: import.by.clone(),
    }
}

pub(super) fn badge(state: ImportState) -> Badge {
    match state {
        ImportState::Reading => Badge::new(Tone::Neutral, "Being read"),
        ImportState::Previewed => Badge::new(Tone::Attention, "Not applied"),
        ImportState::Applied => Badge::new(Tone::Good, "Applied"),
    }
}

/// `POST /imports`, from the form with the file.
pub(super) async fn bring(State(app): State<App>, person: SignedIn, request: Request) -> Result<Response, Failure> {
    person.may(Action::ManageBook)?;
    app.store.space().admit()?;
    let outcome = match app.intake.take(person.actor().account(), Sent::read(&app, request)).await {
        Ok(sent) => read(&app, &person, sent).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(id) => Ok(Redirect::to(&format!("/imports/{id}")).into_response()),
        Err(refusal) if matches!(refusal.kind, Kind::Internal | Kind::NoSpace) => Err(refusal.into()),
        Err(refusal) => {
            let (status, _) = describe(refusal.kind);
            let page = page(&overview(&app, &person, None, Some(refusal.message)).await?)?;
            Ok((status, page).into_response())
        }
    }
}

async fn read(app: &App, person: &SignedIn, sent: Sent) -> Result<ImportId, Refusal> {
    let said = |text: &'_ str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let (sheet, connection) = (said(&sent.sheet), said(&sent.connection));
    let (sheet, connection) = (sheet.as_deref(), connection.as_deref());
    let list = List { file: sent.file, file_name: &sent.name, sheet, connection };
    Ok(ops::imports::bring(app, person.actor(), list, person.clock.now).await?.id)
}

/// A list as the form sends it.
#[derive(Default)]
struct Sent {
    file: Option<File>,
    name: String,
    connection: String,
    sheet: String,
}

impl Sent {
    async fn read(app: &App, request: Request) -> Result<Self, ImportError> {
        let mut form = Sending::of(request, LARGEST_FILE)?.form()?.of_parts(&["connection", "file", "sheet"]);
        let mut sent = Self::default();
        while let Some(part) = form.next().await? {
            match part.name() {
                "connection" => sent.connection = part.text().await?,
                "sheet" => sent.sheet = part.text().await?,
                // A browser sends one without a name where none was chosen.
                _ => {
                    if let Some(name) = part.file_name() {
                        sent.file = Some(app.imports.spool(part.pieces()).await?);
                        sent.name = name;
                    }
                }
            }
        }
        Ok(sent)
    }
}

/// `POST /imports/{id}/apply`
pub(super) async fn apply(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    ops::imports::apply(&app, person.actor(), id, person.clock.now).await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

/// `POST /imports/{id}/forget`
pub(super) async fn forget(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    ops::imports::forget(&app, person.actor(), parse(&id)?, person.clock.now).await?;
    Ok(Redirect::to("/imports").into_response())
}

const NO_LIST: Failure = Failure::NotFound("There is no such list here. The page Imports shows those there are.");

fn parse(id: &str) -> Result<ImportId, Failure> {
    id.parse().map_err(|_| NO_LIST)
}
