//! Identity lists: bringing one, its preview with the decisions that it needs, and applying it.

mod preview;

use std::fs::File;

use askama::Template;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

pub(super) use self::preview::{decide, show};
use super::failure::{Failure, page};
use super::frame::{Frame, Place, first};
use super::listing::{Asked, Everything};
use super::parts::{Badge, Moment, Paging, Tone};
use super::person::Person;
use super::words;
use crate::app::App;
use crate::domain::ImportId;
use crate::domain::access::Action;
use crate::domain::import::{Import, ImportState};
use crate::import::ImportError;

#[derive(Template)]
#[template(path = "imports.html")]
pub(super) struct ImportsPage {
    pub(super) frame: Frame,
    pub(super) connections: Vec<String>,
    /// Why the file that was sent is not read.
    pub(super) problem: Option<String>,
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
    pub(super) ready: String,
    pub(super) undecided: String,
    pub(super) refused: String,
    pub(super) came: Moment,
    pub(super) by: String,
}

/// `GET /imports`
pub(super) async fn list(
    State(app): State<App>,
    person: Person,
    asked: Asked<Everything>,
) -> Result<Response, Failure> {
    page(&overview(&app, &person, Some(asked), None).await?)
}

async fn overview(
    app: &App,
    person: &Person,
    asked: Option<Asked<Everything>>,
    problem: Option<String>,
) -> Result<ImportsPage, Failure> {
    person.may(Action::ReadBook)?;
    let found = app.store.imports(asked.as_ref().map_or_else(|| first(50), Asked::page)).await?;
    let next = found.next.as_deref();
    let paging = match &asked {
        Some(asked) => asked.paging("/imports", "", next),
        None => Paging::new("/imports", "", None, next),
    };
    Ok(ImportsPage {
        frame: Frame::load(app, person, Place::Households).await?,
        connections: app.connections.all().iter().map(|connection| connection.name.to_string()).collect(),
        problem,
        paging,
        rows: found.items.iter().map(|import| row(import, person)).collect(),
    })
}

fn row(import: &Import, person: &Person) -> Row {
    let counts = &import.counts;
    Row {
        path: format!("/imports/{}", import.id),
        file_name: import.file_name.clone(),
        badge: badge(import.state),
        connection: import.connection.to_string(),
        rows: words::number(counts.rows),
        ready: words::number(counts.ready),
        undecided: words::number(counts.undecided),
        refused: words::number(counts.cannot_be_imported),
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
pub(super) async fn bring(State(app): State<App>, person: Person, form: Multipart) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    app.store.space().admit()?;
    let outcome = match upload(&app, form).await {
        Ok((file, name, connection)) => read(&app, &person, file, &name, &connection).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(id) => Ok(Redirect::to(&format!("/imports/{id}")).into_response()),
        Err(ImportError::Refused(words)) => {
            let page = page(&overview(&app, &person, None, Some(words)).await?)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(ImportError::Store(error)) => Err(error.into()),
        Err(ImportError::NotDone(error)) => Err(error.into()),
        Err(ImportError::Disk(error)) => Err(Failure::Broken(error.to_string())),
    }
}

async fn read(app: &App, person: &Person, file: File, name: &str, connection: &str) -> Result<ImportId, ImportError> {
    let connection = connection.parse().ok().and_then(|name| app.connections.get(&name));
    let connection = connection.ok_or_else(|| ImportError::Refused("Choose whose IDs the list has.".to_owned()))?;
    if let Some(words) = connection.unknown_site() {
        return Err(ImportError::Refused(words));
    }
    Ok(app.imports.preview(file, name, connection.name.clone(), person.name(), person.clock.now).await?.id)
}

/// The file, its name, and the connection that was chosen.
async fn upload(app: &App, mut form: Multipart) -> Result<(File, String, String), ImportError> {
    let broken = |_| ImportError::Refused("The file did not come to its end. Send it again.".to_owned());
    let (mut connection, mut came) = (String::new(), None);
    while let Some(mut part) = form.next_field().await.map_err(broken)? {
        match part.name() {
            Some("connection") => connection = part.text().await.map_err(broken)?,
            Some("file") => {
                let name = part.file_name().unwrap_or_default().to_owned();
                let mut spool = app.imports.spool()?;
                while let Some(piece) = part.chunk().await.map_err(broken)? {
                    spool.write(&piece)?;
                }
                came = Some((spool.into_file(), name));
            }
            _ => {}
        }
    }
    match came {
        Some((file, name)) if !name.is_empty() => Ok((file, name, connection)),
        _ => Err(ImportError::Refused("Choose a file.".to_owned())),
    }
}

/// `POST /imports/{id}/apply`
pub(super) async fn apply(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    let id = parse(&id)?;
    app.store.apply_import(id, person.clock.now).await?.ok_or(NO_LIST)?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

/// `POST /imports/{id}/forget`
pub(super) async fn forget(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    if app.store.forget_import(parse(&id)?).await? {
        Ok(Redirect::to("/imports").into_response())
    } else {
        Err(NO_LIST)
    }
}

const NO_LIST: Failure = Failure::NotFound("There is no such list here. The page Imports shows those there are.");

fn parse(id: &str) -> Result<ImportId, Failure> {
    id.parse().map_err(|_| NO_LIST)
}
