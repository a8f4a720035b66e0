//! Identity lists: brought, decided row by row, applied and forgotten.

use std::fs::File;

use super::{Kind, Refusal, audited, may};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::import::{Decision, Import};
use crate::domain::{ConnectionName, ImportId, Timestamp};
use crate::import::NewList;
use crate::store::imports::{Decided, HeldRow};

/// A list as somebody sends it.
#[derive(Debug)]
pub struct List<'l> {
    /// Its file; none where it was left out.
    pub file: Option<File>,
    /// The name of the file.
    pub file_name: &'l str,
    /// The sheet of a workbook that is the list; none where the host is to find it.
    pub sheet: Option<&'l str>,
    /// The connection whose ids the list has; none where there is one connection only.
    pub connection: Option<&'l str>,
}

/// Reads a list and keeps its preview. Nobody is linked yet.
///
/// # Errors
/// Returns an error if the list cannot be read, or it is not clear whose ids it has.
pub async fn bring(app: &App, actor: &Actor, list: List<'_>, now: Timestamp) -> Result<Import, Refusal> {
    audited(app, actor, ("imports.bring", Subject::of_kind("import")), async move {
        may(actor, Action::ManageBook)?;
        let List { file, file_name, sheet, connection } = list;
        let Some(file) = file else {
            let message = "There is no file. Choose one and send it. Nothing was kept.";
            let mut refusal = Refusal::at("/file", message);
            // The page has no place for it but this.
            refusal.message = message.to_owned();
            return Err(refusal);
        };
        let connection = whose(app, connection)?;
        let id_column = app.connections.id_column(&connection);
        let list = NewList { file, file_name, sheet, connection, id_column, by: &actor.name };
        Ok(app.imports.preview(list, now).await?)
    })
    .await
}

fn whose(app: &App, given: Option<&str>) -> Result<ConnectionName, Refusal> {
    let connections = app.connections.all();
    let connection = match (given, &connections[..]) {
        (Some(name), all) => {
            let known = all.iter().find(|connection| connection.name.as_str() == name);
            known.ok_or_else(|| Refusal::not_found(format_args!("connection `{name}`")))?
        }
        (None, [only]) => only,
        (None, []) => {
            let message = "There is no connection yet whose ids these could be. Add one first.";
            return Err(Refusal::new(Kind::WrongState, message));
        }
        (None, _) => {
            let message = "There are several connections; name the one whose ids the list has as `connection`.";
            return Err(Refusal::new(Kind::Malformed, message));
        }
    };
    match connection.unknown_site() {
        None => Ok(connection.name.clone()),
        Some(why) => Err(Refusal::new(Kind::WrongState, why)),
    }
}

/// Says who a row means, or that it is to be left out; none takes a decision back. Answers the list.
///
/// # Errors
/// Returns an error if there is no such row, nothing about it can be decided, or the client cannot be linked by it.
pub async fn decide(
    app: &App,
    actor: &Actor,
    (id, row): (ImportId, u32),
    decision: Option<Decision>,
) -> Result<Import, Refusal> {
    audited(app, actor, ("imports.decide", Subject::new("import", id)), async move {
        may(actor, Action::ManageBook)?;
        match app.store.decide_import_row(id, row, decision).await? {
            Decided::Yes => app.store.import(id).await?.ok_or_else(|| missing(id)),
            Decided::NoRow => Err(Refusal::not_found(format_args!("row {row} of the import {id}"))),
            Decided::NotAsked => Err(Refusal::new(
                Kind::WrongState,
                "The row cannot be imported or is linked already, so that there is nothing to decide.",
            )),
            Decided::Taken(other) => Err(Refusal::new(
                Kind::WrongState,
                format!(
                    "Row {other} links this client or has the same ID. Leave that row out first. Nothing was changed."
                ),
            )),
            Decided::NotThisClient => {
                let message = "There is no such client in the book, or it is linked to the CRM already.";
                Err(Refusal::at("/client_id", message))
            }
        }
    })
    .await
}

/// Links the clients of the rows that are ready or decided, all in one.
///
/// # Errors
/// Returns an error if there is no such list.
pub async fn apply(app: &App, actor: &Actor, id: ImportId, now: Timestamp) -> Result<Import, Refusal> {
    audited(app, actor, ("imports.apply", Subject::new("import", id)), async move {
        may(actor, Action::ManageBook)?;
        app.store.apply_import(id, now).await?.ok_or_else(|| missing(id))
    })
    .await
}

/// Forgets a list and its rows. What it linked stays linked.
///
/// # Errors
/// Returns an error if there is no such list, or a legal hold is on somebody in it.
pub async fn forget(app: &App, actor: &Actor, id: ImportId, now: Timestamp) -> Result<(), Refusal> {
    audited(app, actor, ("imports.forget", Subject::new("import", id)), async move {
        may(actor, Action::ManageBook)?;
        match app.store.forget_import_unless_held(id, now).await? {
            Ok(true) => Ok(()),
            Ok(false) => Err(missing(id)),
            Err(HeldRow { number, hold }) => {
                let nothing =
                    format!("Nothing was forgotten: row {number} of the list is of a client under a legal hold");
                Err(Refusal::of_hold(app, &nothing, &hold, ""))
            }
        }
    })
    .await
}

fn missing(id: ImportId) -> Refusal {
    Refusal::not_found(format_args!("import {id}"))
}
